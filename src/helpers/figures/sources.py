"""Pages, origins and voices behind claims."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from helpers.analysis import independence
from helpers.figures import base, colours
from helpers.markup import PERSPECTIVES, plotly_text, prose_date

SOURCE = "the course's claims and sources tables; origins counted by hand"
_ORIGIN = {"symbol": "diamond", "color": colours.VERMILLION, "size": 13, "line": {"width": 1.4, "color": colours.INK}}
_PAGE = {"symbol": "circle", "color": colours.SKY, "size": 13, "line": {"width": 1.4, "color": colours.INK}}
_COPY = {"symbol": "circle-open", "color": colours.INK, "size": 12, "line": {"width": 2}}
ORIGINS, PAGES, COPIES = 0, 1, 2


def pages_and_origins(claims: pd.DataFrame, limit: int = 20, *, title: str = "Many pages, few origins") -> go.Figure:
    """Draw pages against independent origins for the `limit` claims with the widest gap, one line per claim.

    Needs claim_id, claim, source_ids and independent_origins.
    """
    unit = "number of pages and of independent origins per claim"
    if claims.empty:
        return base.empty(
            title, "No claim is left to count: the choice or the clock hides them all.", unit=unit, source=SOURCE
        )
    counts = independence.pages_and_origins(claims)
    shown = counts.head(limit).merge(claims[["claim_id", "claim"]], on="claim_id")
    y = list(range(len(shown)))
    gap_x = [v for pages, origins in zip(shown["pages"], shown["origins"], strict=True) for v in (origins, pages, None)]
    gap_y = [v for row in y for v in (row, row, None)]
    hover = [
        f"<b>{plotly_text(r.claim_id)}</b><br>{plotly_text(base.cut(r.claim, 150), 62)}" for r in shown.itertuples()
    ]
    fig = go.Figure(
        [
            go.Scatter(
                x=gap_x,
                y=gap_y,
                mode="lines",
                line={"color": colours.MIDDLE, "width": 3},
                hoverinfo="skip",
                showlegend=False,
            ),
            _dots(shown["pages"], y, hover, "pages", {**_PAGE, "size": 14}),
            _dots(shown["origins"], y, hover, "independent origins", {**_ORIGIN, "size": 11}),
        ]
    )
    top = int(max(shown["pages"].max(), shown["origins"].max()))
    fig.update_xaxes(range=[0.5, top + 0.6], dtick=1)
    labels = [f"{plotly_text(base.cut(r.claim, 58))}  <b>{plotly_text(r.claim_id)}</b>" for r in shown.itertuples()]
    fig.update_yaxes(range=[len(shown) - 0.4, -0.6], tickvals=y, ticktext=labels, showgrid=False)
    alone = int((counts["origins"] == 1).sum())
    repeated = int(((counts["origins"] == 1) & (counts["pages"] > 1)).sum())
    first = counts.iloc[0]
    alt = (
        f"Pages against independent origins for {len(shown)} of {len(claims)} claims, those with the widest gap. "
        f"Widest: {first.claim_id} with {first.pages} pages and {first.origins} {_plural('origin', first.origins)}. "
        f"Of all {len(claims)} claims {alone} have one origin; {repeated} of these stand on more than one page. "
        f"Pages and origins: {'; '.join(f'{r.claim_id} {r.pages} and {r.origins}' for r in shown.itertuples())}."
    )
    return base.finish(
        fig,
        title=title,
        alt=alt,
        unit=unit,
        source=SOURCE,
        table=shown[["claim_id", "pages", "origins", "claim"]].rename(columns={"claim_id": "key"}),
        height=max(280, 25 * len(shown) + 170),
        left=450,
    )


def origins_histogram(claims: pd.DataFrame, *, title: str = "How many pages, how many origins?") -> go.Figure:
    """Draw how many claims have 1, 2, 3, 4 or at least 5 pages, beside how many have as many independent origins.

    Needs claim_id, source_ids and independent_origins.
    """
    unit = "number of claims"
    if claims.empty:
        return base.empty(
            title, "No claim is left to count: the choice or the clock hides them all.", unit=unit, source=SOURCE
        )
    counts = independence.pages_and_origins(claims)
    steps = [1, 2, 3, 4, 5]
    names = ["1", "2", "3", "4", "5 or more"]
    both = {what: [int((counts[what].clip(upper=5) == n).sum()) for n in steps] for what in ("pages", "origins")}
    look = {
        "pages": (colours.SKY, "", "counted by pages"),
        "origins": (colours.VERMILLION, "/", "counted by independent origins"),
    }
    fig = go.Figure(
        [
            go.Bar(
                x=names,
                y=both[what],
                name=name,
                text=both[what],
                textposition="outside",
                marker={
                    "color": color,
                    "pattern": {"shape": pattern, "bgcolor": color, "fgcolor": "white", "size": 7},
                    "line": {"width": 1, "color": colours.INK},
                },
                hovertemplate="%{y} claims<extra>" + name + "</extra>",
            )
            for what, (color, pattern, name) in look.items()
        ]
    )
    fig.update_layout(barmode="group", bargap=0.3)
    fig.update_xaxes(type="category", title="pages, or origins, behind a claim")
    fig.update_yaxes(range=[0, max(max(v) for v in both.values()) * 1.15])
    alt = (
        f"Paired bars for {len(claims)} claims. By pages: {base.listed(dict(zip(names, both['pages'], strict=True)))}. "
        f"By independent origins: {base.listed(dict(zip(names, both['origins'], strict=True)))}."
    )
    table = pd.DataFrame({"how many": names, "claims by pages": both["pages"], "claims by origins": both["origins"]})
    return base.finish(fig, title=title, alt=alt, unit=unit, source=SOURCE, table=table, height=400, bottom=62)


def perspectives(
    claims: pd.DataFrame, sources: pd.DataFrame, by: str = "perspective", *, title: str | None = None
) -> go.Figure:
    """Draw whose pages stand behind `claims`: distinct pages by ``perspective`` (all twelve, also those with none) or ``language``.

    Needs claims.claim_id and source_ids, sources.source_id and the column `by`.
    """
    title = title or ("Whose pages tell it?" if by == "perspective" else f"Pages by {by}")
    unit = "number of pages, each counted once; in brackets the claims they carry"
    if claims.empty:
        return base.empty(
            title, "No claim is left to count: the choice or the clock hides them all.", unit=unit, source=SOURCE
        )
    counts = independence.voice_counts(claims, sources, by, expected=PERSPECTIVES if by == "perspective" else ())
    names = [PERSPECTIVES.get(v, v) for v in counts[by]]
    fig = go.Figure(
        go.Bar(
            x=counts["pages"].tolist(),
            y=list(range(len(counts))),
            orientation="h",
            text=[f"{p} ({c})" for p, c in zip(counts["pages"], counts["claims"], strict=True)],
            textposition="outside",
            cliponaxis=False,
            marker={"color": colours.BLUE},
            hovertext=[
                f"{plotly_text(n)}: {p} pages, {c} claims"
                for n, p, c in zip(names, counts["pages"], counts["claims"], strict=True)
            ],
            hovertemplate="%{hovertext}<extra></extra>",
            showlegend=False,
        )
    )
    fig.update_xaxes(range=[0, max(int(counts["pages"].max()), 1) * 1.12])
    fig.update_yaxes(
        range=[len(counts) - 0.4, -0.6],
        tickvals=list(range(len(counts))),
        ticktext=[plotly_text(n) for n in names],
        showgrid=False,
    )
    single = int((independence.voices_per_claim(claims, sources, by)["voices"] == 1).sum())
    alt = (
        f"Bars: pages by {by} behind {len(claims)} claims: {base.listed(dict(zip(names, counts['pages'].tolist(), strict=True)))}. "
        f"{single} of the {len(claims)} claims are told by pages of one {by} only."
    )
    table = counts.assign(**{by: names})
    return base.finish(
        fig,
        title=title,
        alt=alt,
        unit=unit,
        source=SOURCE,
        table=table,
        height=max(260, 27 * len(counts) + 150),
        left=220,
        top=76,
    )


def claim_pages(claim: pd.DataFrame, sources: pd.DataFrame, *, title: str | None = None) -> go.Figure:
    """Draw the pages behind one claim as dots by perspective, beneath its independent origins.

    `claim` is a table of one row (claim_id, source_ids, independent_origins); sources needs source_id, title, publisher, published,
    language, perspective and is_copy_of_note. Raises ValueError for more than one claim.
    """
    unit = "one dot is one page; one diamond is one independent origin"
    if claim.empty:
        return base.empty(title or "Pages behind a claim", "No claim is chosen.", unit=unit, source=SOURCE)
    if len(claim) > 1:
        raise ValueError(f"claim_pages draws one claim, not {len(claim)}. Choose one: claims[claims.claim_id == '…'].")
    fig = page_frame()
    row = claim.iloc[0]
    pages = pages_of(row, sources)
    redraw_pages(fig, list(pages.itertuples()), int(row.independent_origins))
    counts = pages["perspective"].value_counts()
    alt = (
        f"{row.claim_id}: {len(pages)} {_plural('page', len(pages))}, {row.independent_origins} independent "
        f"{_plural('origin', row.independent_origins)}. Pages by perspective: "
        f"{base.listed({PERSPECTIVES.get(k, k): int(n) for k, n in counts.items()})}. "
        f"{int((pages['is_copy_of_note'] != '').sum())} carry a note that they copy, summarise or lack an address."
    )
    table = pages[["title", "publisher", "published", "language", "perspective", "is_copy_of_note"]]
    table = table.rename(columns={"is_copy_of_note": "note"})
    return dress_pages(fig, title=title or f"{row.claim_id}: pages and origins", alt=alt, table=table)


def page_frame() -> go.Figure:
    """Return the rows of `claim_pages` without dots, for `redraw_pages` to fill."""
    fig = go.Figure(_page_skeleton())
    names = ["<b>independent origins</b>", *(plotly_text(n) for n in PERSPECTIVES.values()), "other"]
    fig.update_xaxes(range=[0.4, 10.6], visible=False)
    fig.update_yaxes(range=[len(names) - 1.4, -0.7], tickvals=list(range(len(names))), ticktext=names)
    return fig


def dress_pages(fig: go.Figure, *, title: str, alt: str, table: pd.DataFrame | None = None) -> go.Figure:
    """Give `claim_pages` its title, words, size and margins."""
    unit = "one dot is one page; one diamond is one independent origin"
    return base.finish(fig, title=title, alt=alt, unit=unit, source=SOURCE, table=table, height=430, left=230, bottom=8)


def pages_of(claim, sources: pd.DataFrame) -> pd.DataFrame:
    """Return the pages of one claim (a row of claims); those with a note that they copy or summarise come last."""
    pages = sources[sources["source_id"].isin(claim.source_ids)]
    return pages.sort_values("is_copy_of_note", key=lambda note: note != "", kind="stable")


def redraw_pages(
    fig: go.Figure | go.FigureWidget, pages: Sequence, origins: int, title: str | None = None, words: str = ""
) -> None:
    """Put pages (rows of sources, as ``itertuples`` gives them) and a number of origins into a `page_frame`, as one change."""
    rows = {perspective: row for row, perspective in enumerate(PERSPECTIVES, 1)}
    taken: dict[int, int] = {}
    drawn: dict[bool, tuple[list, list, list]] = {False: ([], [], []), True: ([], [], [])}
    for page in pages:
        row = rows.get(page.perspective, len(rows) + 1)
        taken[row] = taken.get(row, 0) + 1
        x, y, hover = drawn[bool(page.is_copy_of_note)]
        x.append(taken[row])
        y.append(row)
        hover.append(_page_hover(page))
    fig.plotly_update(
        restyle_data={
            "x": [list(range(1, origins + 1)), drawn[False][0], drawn[True][0]],
            "y": [[0] * origins, drawn[False][1], drawn[True][1]],
            "hovertext": [[], drawn[False][2], drawn[True][2]],
        },
        relayout_data={**({"title.text": plotly_text(title)} if title else {}), **base.saying(fig, words)},
        trace_indexes=[ORIGINS, PAGES, COPIES],
    )


def _page_skeleton() -> list:
    return [
        go.Scatter(mode="markers", marker=_ORIGIN, name="independent origin", hoverinfo="skip"),
        go.Scatter(mode="markers", marker=_PAGE, name="page", hovertemplate="%{hovertext}<extra></extra>"),
        go.Scatter(
            mode="markers",
            marker=_COPY,
            name="page with a note: copy, summary, no address",
            hovertemplate="%{hovertext}<extra></extra>",
        ),
    ]


def _dots(x: pd.Series, y: list[int], hover: list[str], name: str, marker: dict) -> go.Scatter:
    return go.Scatter(
        x=x.tolist(),
        y=y,
        mode="markers",
        marker=marker,
        name=name,
        hovertext=hover,
        hovertemplate="%{x} " + name + "<br>%{hovertext}<extra></extra>",
    )


def _page_hover(page) -> str:
    when = prose_date(page.published) if page.published else "undated"
    note = f"<br><i>{plotly_text(page.is_copy_of_note, 60)}</i>" if page.is_copy_of_note else ""
    return f"<b>{plotly_text(page.title, 55)}</b><br>{plotly_text(page.publisher, 60)}, {plotly_text(when)}, {plotly_text(page.language)}{note}"


def _plural(word: str, number: int) -> str:
    return word if number == 1 else f"{word}s"
