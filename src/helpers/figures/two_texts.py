"""The memorandum of 15 August 2024 in two descriptions: the text that circulated and the text that was signed."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from helpers.analysis.obligations import is_absent
from helpers.figures import base, colours
from helpers.figures.terms import EMPTY, SOURCE, theme_name
from helpers.markup import plotly_text

CIRCULATED, SIGNED = "mou-2024-08-15-leak", "mou-2024-08-15"
TEXTS = (CIRCULATED, SIGNED)
HEADS = {CIRCULATED: "circulated text", SIGNED: "signed text, as described"}
# Where the accounts part: question -> what a provision on it speaks of. A provision answers the first question that it matches.
QUESTIONS = {
    "Must Turkish troops leave?": r"military presence|withdraw",
    "Whose courts judge Turkish troops?": r"\bcourts?\b|jurisdiction",
    "Whose base is Bashiqa, and who runs it?": r"bashiqa",
}
LETTERS = dict(zip(QUESTIONS, "ABC", strict=True))
# Whose pages carry a provision: sides -> their perspectives, symbol, colour. Carrying is not speaking.
TELLERS = {
    "Turkish pages": (("turkish_gov", "turkish_media"), "circle", colours.VERMILLION),
    "Iraqi pages": (("iraqi_gov", "iraqi_media"), "square", colours.GREEN),
    "Kurdish media": (("krg", "kurdish_media"), "diamond", colours.ORANGE),
    "PKK-side pages": (("pkk_side",), "triangle-up", colours.PURPLE),
    "Iranian pages": (("iranian_gov", "iranian_media"), "pentagon", colours.SKY),
    "other pages": (("us_gov", "international", "independent"), "hexagon2", colours.MIDDLE),
}
SEVERAL, UNKNOWN = "pages of several sides", "pages not listed"
_SEVERAL = ("star", colours.BLUE)
UNIT = "one mark is one provision as described; its shape says whose pages carry it, which is not who speaks in them"
NOBODY = "nobody mentioned it"
MARKS, NUMBERS, RING = 0, 1, 4
NONE = (2, 3)
_ROW, _TOP, _BOTTOM = 36, 136, 66
_MIDDLE, _STEP, _REACH, _FIRST = 0.62, 0.34, 2.6, 0.52


def two_texts(
    terms: pd.DataFrame,
    instruments: pd.DataFrame | None = None,
    sources: pd.DataFrame | None = None,
    *,
    title: str = "Two texts of one memorandum: what each is said to contain",
) -> go.Figure:
    """Draw by theme what the circulated text (left) and the signed text (right) are each said to contain, and by whose pages.

    Needs term_id, instrument_id, article, theme, provision and source_ids; `sources` (source_id, perspective) gives shapes to whose
    pages carry it. Letters A, B, C mark the three questions on which the accounts part (`QUESTIONS`). An open mark is somebody's word
    that the text does *not* hold it. No mark means that nobody mentioned it, not that it is not there. `instruments`, when given,
    shows in the alt text whether each text is published.
    """
    table = accounts(terms, sources)
    if table.empty:
        return base.empty(title, EMPTY, unit=UNIT, source=SOURCE)
    themes = ordered_themes(table)
    fig = frame(themes)
    fill(fig, table)
    arrange(fig, table, themes)
    alt = describe(table, themes)
    if instruments is not None:
        held = instruments[instruments["instrument_id"].isin(TEXTS)].drop_duplicates("instrument_id")
        alt += "".join(f" {HEADS[r.instrument_id].capitalize()}: {r.in_force_status}." for r in held.itertuples())
    return dress(fig, title=title, alt=alt, themes=themes, table=listed(table))


def accounts(terms: pd.DataFrame, sources: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the provisions of the two texts with absent (bool), question ("" where none), teller, carried and hover."""
    table = terms[terms["instrument_id"].isin(TEXTS)].reset_index(drop=True)
    views = {} if sources is None else dict(zip(sources["source_id"], sources["perspective"], strict=True))
    table = table.assign(
        absent=is_absent(table).tolist() if len(table) else [],
        question=[question_of(text) for text in table["provision"]],
        teller=[teller_of(ids, views) for ids in table["source_ids"]],
        carried=[carried_by(ids, views) for ids in table["source_ids"]],
    )
    table["hover"] = [_hover(row) for row in table.itertuples()]
    return table


def question_of(provision: str) -> str:
    """Return the question that a provision answers, "" for none."""
    return next((q for q, words in QUESTIONS.items() if re.search(words, provision, re.IGNORECASE)), "")


def teller_of(source_ids: Sequence[str], perspectives: dict[str, str]) -> str:
    """Return the side whose pages alone carry something, or that several do; unknown pages are left out."""
    found = _sides(source_ids, perspectives)
    return next(iter(found)) if len(found) == 1 else (SEVERAL if found else UNKNOWN)


def carried_by(source_ids: Sequence[str], perspectives: dict[str, str]) -> str:
    """Return the sides whose pages carry something, as words: ``Turkish and Kurdish pages``."""
    sides = [side.split()[0] for side in _sides(source_ids, perspectives)]
    if not sides:
        return UNKNOWN
    return f"{', '.join(sides[:-1])}{' and ' if len(sides) > 1 else ''}{sides[-1]} pages"


def _sides(source_ids: Sequence[str], perspectives: dict[str, str]) -> list[str]:
    views = {perspectives.get(s) for s in source_ids}
    return [side for side, (known, _, _) in TELLERS.items() if views & set(known)]


def ordered_themes(table: pd.DataFrame) -> list[str]:
    """Return the themes that occur: those where the accounts part first, then those in both texts, then those in one."""
    parted = table.groupby("theme")["question"].agg(lambda q: int((q != "").sum()))
    texts = table.groupby("theme")["instrument_id"].nunique()
    number = table["theme"].value_counts()
    return sorted(parted.index, key=lambda t: (-parted[t], -texts[t], -number[t], t))


def frame(themes: Sequence[str]) -> go.Figure:
    """Return the two fields without marks, for `fill` and `arrange`: five traces for data, the others for the legend."""
    fig = go.Figure(_skeleton())
    rows = max(len(themes), 1)
    edge = _MIDDLE + _REACH
    stripes = [
        {"type": "rect", "x0": -edge, "x1": edge, "y0": r - 0.5, "y1": r + 0.5, "line": {"width": 0}}
        | {"fillcolor": colours.STRIPE, "layer": "below"}
        for r in range(0, rows, 2)
    ]
    walls = [
        {"type": "line", "x0": x, "x1": x, "y0": -0.5, "y1": rows - 0.5, "line": {"width": 1.4, "color": colours.INK}}
        for x in (-_MIDDLE - 0.22, _MIDDLE + 0.22)
    ]
    fig.update_layout(
        shapes=[*stripes, *({**w, "layer": "below"} for w in walls)],
        xaxis={"range": [-edge, edge], "visible": False, "fixedrange": True},
        yaxis={"range": [rows - 0.5, -0.5], "visible": False, "fixedrange": True},
        legend={"y": 0, "yanchor": "top", "itemclick": False, "itemdoubleclick": False},
    )
    for text, sign in zip(TEXTS, (-1, 1), strict=True):
        fig.add_annotation(
            text=f"<b>{HEADS[text]}</b>",
            font={"size": 14},
            x=sign * (_MIDDLE + 0.22),
            y=-0.5,
            yanchor="bottom",
            xanchor="right" if sign < 0 else "left",
            showarrow=False,
        )
    for row, theme in enumerate(themes):
        fig.add_annotation(text=plotly_text(theme_name(theme)), x=0, y=row, font={"size": 13}, showarrow=False)
    first, *others = (f"<b>{letter}</b> {plotly_text(question)}" for question, letter in LETTERS.items())
    fig.add_annotation(
        text=f"Where the accounts part:   {first}<br>{'   '.join(others)}",
        align="left",
        font={"size": 12.5},
        x=0.008,
        xref="paper",
        xanchor="left",
        y=1,
        yref="paper",
        yanchor="bottom",
        yshift=26,
        showarrow=False,
    )
    return fig


def fill(fig: go.Figure | go.FigureWidget, table: pd.DataFrame) -> None:
    """Put everything but the places of the provisions of `table` (from `accounts`) into a `frame`: shape, colour, letter, hover."""
    looks = [_look(teller) for teller in table["teller"]]
    absent = table["absent"].tolist()
    restyle = {
        "marker.symbol": [[symbol for symbol, _ in looks]],
        "marker.color": [["white" if a else color for a, (_, color) in zip(absent, looks, strict=True)]],
        "marker.line.color": [[color if a else colours.INK for a, (_, color) in zip(absent, looks, strict=True)]],
        "marker.line.width": [[3 if a else 1.2 for a in absent]],
        "hovertext": [table["hover"].tolist()],
        "customdata": [table["term_id"].tolist()],
    }
    fig.plotly_update(restyle_data=restyle, trace_indexes=[MARKS])


def arrange(
    fig: go.Figure | go.FigureWidget,
    table: pd.DataFrame,
    themes: Sequence[str],
    shown: Sequence[bool] | None = None,
    chosen: str | None = None,
    words: str = "",
) -> None:
    """Place the provisions of `table` that are `shown` (left out: all), count them, and ring the `chosen` one: one change.

    The figure must have been filled with the same table. A theme
    without any provision of a text in `table` says that nobody mentioned it.
    """
    kept = [i for i in range(len(table)) if shown is None or shown[i]]
    xs, ys, counts = _places(table, themes, kept)
    numbers = [(side, row, n) for (side, row), n in counts.items()]
    # What a filter hides was mentioned all the same: silence is read from the whole table.
    told = set(zip(table["instrument_id"], table["theme"], strict=True))
    none = {
        side: [r for r, theme in enumerate(themes) if kept and (text, theme) not in told]
        for side, text in zip((-1, 1), TEXTS, strict=True)
    }
    ids = table["term_id"].tolist()
    at = ids.index(chosen) if chosen in ids else None
    ring = [] if at is None or xs[at] is None else [at]
    fig.plotly_update(
        restyle_data={
            "x": [
                xs,
                [side * (_MIDDLE + 0.08) for side, _, _ in numbers],
                *([side * (_MIDDLE + 0.36)] * len(rows) for side, rows in none.items()),
                [xs[i] for i in ring],
            ],
            "y": [ys, [row for _, row, _ in numbers], *none.values(), [ys[i] for i in ring]],
            "text": [
                _letters(table),
                [f"<b>{n}</b>" for _, _, n in numbers],
                *([NOBODY] * len(rows) for rows in none.values()),
                None,
            ],
        },
        relayout_data=base.saying(fig, words),
        trace_indexes=[MARKS, NUMBERS, *NONE, RING],
    )


def choose(fig: go.Figure | go.FigureWidget, table: pd.DataFrame, term_id: str | None) -> None:
    """Put a ring around one provision that is drawn, or around none."""
    ids, marks = table["term_id"].tolist(), fig.data[MARKS]
    at = ids.index(term_id) if term_id in ids else None
    drawn = at is not None and marks.x is not None and marks.x[at] is not None
    place = {"x": [[marks.x[at]] if drawn else []], "y": [[marks.y[at]] if drawn else []]}
    fig.plotly_update(restyle_data=place, trace_indexes=[RING])


def dress(
    fig: go.Figure, *, title: str, alt: str, themes: Sequence[str], table: pd.DataFrame | None = None
) -> go.Figure:
    """Give the two fields their title, words, size and margins."""
    return base.finish(
        fig,
        title=title,
        alt=plotly_text(alt),
        unit=UNIT,
        source=SOURCE,
        table=table,
        height=_ROW * max(len(themes), 4) + _TOP + _BOTTOM + 23,
        left=12,
        right=12,
        top=_TOP,
        bottom=_BOTTOM,
    )


def describe(table: pd.DataFrame, themes: Sequence[str]) -> str:
    """Return the alt text: provisions by text, themes in one text only, whose pages carry each, and where the accounts part."""
    by_text = {HEADS[t]: int((table["instrument_id"] == t).sum()) for t in TEXTS}
    alone = {
        t: [
            theme_name(theme).lower()
            for theme in themes
            if set(table.loc[table["theme"] == theme, "instrument_id"]) == {t}
        ]
        for t in TEXTS
    }
    only = " ".join(f"Only in the {HEADS[t]}: {', '.join(names)}." for t, names in alone.items() if names)
    who = " ".join(
        f"Carried for the {HEADS[t]} by: "
        f"{base.listed(table.loc[table['instrument_id'] == t, 'teller'].value_counts().astype(int).to_dict())}."
        for t in TEXTS
        if by_text[HEADS[t]]
    )
    parted = {f"{LETTERS[q]} ({q})": int((table["question"] == q).sum()) for q in QUESTIONS}
    return (
        f"Provisions by theme, as described: {base.listed(by_text)}, in {len(themes)} themes. {only} {who} "
        f"Marked where the accounts part: {base.listed(parted)}. {int(table['absent'].sum())} say that the text does not "
        "hold something. Where nothing stands nobody mentioned it."
    )


def listed(table: pd.DataFrame) -> pd.DataFrame:
    """Return the data table of both texts, with headings for a reader."""
    shown = table.assign(
        theme=table["theme"].map(theme_name),
        text=table["instrument_id"].map(HEADS),
        says=["not in the text" if a else "in the text" for a in table["absent"]],
    )
    order = shown.sort_values(["theme", "text"], kind="stable")
    return order[["term_id", "theme", "text", "article", "provision", "says", "question", "carried"]].rename(
        columns={"term_id": "key", "carried": "carried by"}
    )


def contested_clauses(
    terms: pd.DataFrame,
    sources: pd.DataFrame | None = None,
    *,
    title: str = "Where the accounts of the memorandum part",
) -> go.Figure:
    """Write side by side what the two texts are said to hold on the three questions of `QUESTIONS`, and whose pages say so.

    Columns as in `two_texts`. A crossed mark is somebody's word that the text does not hold it.
    """
    unit = "one entry is one provision as described, shortened; beneath it, whose pages carry it"
    table = accounts(terms, sources)
    table = table[table["question"] != ""]
    if table.empty:
        reason = "No provision on these questions is left to draw: the choice or the clock hides them all."
        return base.empty(title, reason, unit=unit, source=SOURCE)
    entries, heads, at = [], [], 0.0
    for question, letter in LETTERS.items():
        if not (table["question"] == question).any():
            continue
        heads.append((at, f"<b>{letter}</b>  <b>{plotly_text(question)}</b>"))
        at += 34
        ends = [at]
        for column, text in enumerate(TEXTS):
            place = at
            rows = table[(table["question"] == question) & (table["instrument_id"] == text)]
            for row in rows.itertuples():
                lines = _entry_lines(row)
                entries.append((column, place, lines, row))
                place += 16.5 * len(lines) + 12
            if rows.empty:
                entries.append((column, place, [f"<i>{NOBODY}</i>"], None))
                place += 28
            ends.append(place)
        at = max(ends) + 2
    fig = go.Figure()
    for absent, symbol, name in (
        (False, "circle", "said to be in the text"),
        (True, "x-thin", "said not to be in the text"),
    ):
        found = [(c, y) for c, y, _, row in entries if row is not None and bool(row.absent) == absent]
        color = colours.BLUE if not absent else colours.VERMILLION
        fig.add_trace(
            go.Scatter(
                x=[c + 0.02 for c, _ in found],
                y=[y + 8 for _, y in found],
                mode="markers",
                name=name,
                marker={"symbol": symbol, "size": 11, "color": color, "line": {"width": 3, "color": color}},
                hoverinfo="skip",
                cliponaxis=False,
            )
        )
    fig.add_trace(
        go.Scatter(
            x=[c + 0.05 for c, _, _, _ in entries],
            y=[y - 3 for _, y, _, _ in entries],
            text=["<br>".join(lines) for _, _, lines, _ in entries],
            mode="text",
            textposition="bottom right",
            textfont={"size": 13, "color": colours.INK},
            hovertext=["" if row is None else row.hover for _, _, _, row in entries],
            hovertemplate="%{hovertext}<extra></extra>",
            showlegend=False,
            cliponaxis=False,
        )
    )
    fig.update_layout(
        xaxis={"range": [0, 2], "visible": False, "fixedrange": True},
        yaxis={"range": [at, 0], "visible": False, "fixedrange": True},
        legend={"itemclick": False, "itemdoubleclick": False, "y": 0, "yanchor": "top"},
        shapes=[
            {"type": "rect", "x0": 0, "x1": 1, "xref": "paper", "y0": y + 2, "y1": y + 28, "line": {"width": 0}}
            | {"fillcolor": colours.STRIPE, "layer": "below"}
            for y, _ in heads
        ],
    )
    for y, words in heads:
        fig.add_annotation(
            x=0.006, xref="paper", y=y + 15, text=words, xanchor="left", font={"size": 14}, showarrow=False
        )
    for column, text in enumerate(TEXTS):
        fig.add_annotation(
            x=column + 0.012,
            y=0,
            text=f"<b>{HEADS[text].capitalize()}</b>",
            xanchor="left",
            yanchor="bottom",
            font={"size": 14, "color": colours.GREY},
            showarrow=False,
        )
    pairs = list(zip(table["question"], table["instrument_id"], strict=True))
    counts = [f"{q} {base.listed({HEADS[t]: pairs.count((q, t)) for t in TEXTS})}." for q in QUESTIONS]
    alt = (
        f"{len(table)} descriptions side by side on the questions where the accounts part. {' '.join(counts)} "
        + " ".join(
            f"{HEADS[r.instrument_id].capitalize()}, {r.carried}{', said to be absent' if r.absent else ''}: "
            f"{base.cut(r.provision, 110)}"
            for r in table.sort_values(
                "question", key=lambda q: q.map(list(QUESTIONS).index), kind="stable"
            ).itertuples()
        )
    )
    return base.finish(
        fig,
        title=title,
        alt=plotly_text(alt),
        unit=unit,
        source=SOURCE,
        table=listed(table),
        height=round(at) + 104 + 32 + 23,
        left=12,
        right=12,
        top=104,
        bottom=32,
    )


def _entry_lines(row) -> list[str]:
    parts = plotly_text(row.provision, 60).split("<br>")
    lines = parts[:3]
    if len(parts) > 3:
        lines[-1] += "…"
    where = row.article.removeprefix("absence").strip(" ()") if row.absent else row.article
    where = "" if not where or where.startswith("article not shown") else f"{plotly_text(base.cut(where, 46))}; "
    return [*lines, f"<span style='color:{colours.GREY}'>{where}{plotly_text(row.carried)}</span>"]


def _skeleton() -> list:
    quiet = {"hoverinfo": "skip", "showlegend": False, "cliponaxis": False}
    marks = go.Scatter(
        mode="markers+text",
        marker={"size": 19},
        textposition="middle right",
        textfont={"size": 13, "color": colours.INK},
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
        cliponaxis=False,
    )
    numbers = go.Scatter(mode="text", textfont={"size": 14, "color": colours.INK}, **quiet)
    none = [
        go.Scatter(mode="text", textposition=side, textfont={"size": 12, "color": colours.GREY}, **quiet)
        for side in ("middle left", "middle right")
    ]
    ring = go.Scatter(
        mode="markers",
        marker={"size": 29, "symbol": "circle-open", "color": colours.BLACK, "line": {"width": 2.5}},
        **quiet,
    )
    entries = [_entry(name, symbol, color) for name, (_, symbol, color) in TELLERS.items()]
    entries.append(_entry(SEVERAL, *_SEVERAL))
    absent = {"symbol": "circle", "color": "white", "size": 13, "line": {"width": 3, "color": colours.INK}}
    entries.append(
        go.Scatter(x=[None], y=[None], mode="markers", name="open: said not to be in the text", marker=absent)
    )
    return [marks, numbers, *none, ring, *entries]


def _entry(name: str, symbol: str, color: str) -> go.Scatter:
    marker = {"symbol": symbol, "color": color, "size": 13, "line": {"width": 1.2, "color": colours.INK}}
    return go.Scatter(x=[None], y=[None], mode="markers", name=name, marker=marker)


def _look(teller: str) -> tuple[str, str]:
    if teller == SEVERAL:
        return _SEVERAL
    return TELLERS[teller][1:] if teller in TELLERS else ("circle", colours.MIDDLE)


def _letters(table: pd.DataFrame) -> list[str]:
    return [f" <b>{LETTERS[q]}</b>" if q else "" for q in table["question"]]


def _places(table: pd.DataFrame, themes: Sequence[str], kept: Sequence[int]) -> tuple[list, list, dict]:
    """Return x and y of every provision (None where not kept) and the number by side (-1 left, 1 right) and row."""
    row_of = {theme: row for row, theme in enumerate(themes)}
    texts, found = table["instrument_id"].tolist(), table["theme"].tolist()
    xs: list[float | None] = [None] * len(texts)
    ys: list[int | None] = [None] * len(texts)
    counts: dict[tuple[int, int], int] = {}
    for i in kept:
        side, row = -1 if texts[i] == CIRCULATED else 1, row_of[found[i]]
        taken = counts.get((side, row), 0)
        xs[i], ys[i] = side * (_MIDDLE + _FIRST + _STEP * taken), row
        counts[side, row] = taken + 1
    return xs, ys, counts


def _hover(row) -> str:
    head = f"<b>{plotly_text(row.term_id)}</b>  {HEADS[row.instrument_id]}, {plotly_text(base.cut(row.article, 50))}"
    says = "said <b>not</b> to be in the text" if row.absent else "said to be in the text"
    return f"{head}<br>{plotly_text(base.cut(row.provision, 120), 62)}<br><i>{says}; {plotly_text(row.carried)}</i>"
