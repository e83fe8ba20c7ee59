"""Who says it, and how many independent origins stand behind it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from helpers import figures, markup
from helpers.analysis import independence
from helpers.evidence import Evidence
from helpers.explorers import ahead, base, live
from helpers.figures.base import cut, listed
from helpers.figures.controls import drop_down
from helpers.figures.sources import dress_pages, page_frame, redraw_pages

_HINT = "<p>Choose a claim in the list: its pages, as links, and what contradicts it appear here.</p>"
_NOTHING = "No claim fits this choice. Shorten the search words, or set a filter back to “all”."
_TITLE, _UNCHOSEN = "Pages and origins", "No claim is chosen yet."
_CLAIMS = 12  # so many can be chosen on the static figure
_KINDS = [
    ("all claims", base.ALL),
    ("more pages than origins", "repeated"),
    ("told by one perspective only", "one side"),
    ("resting on a single page", "one page"),
    ("contradicted by another claim", "contradicted"),
]


@ahead.looking
def sources(ev: Evidence, claims: pd.DataFrame | None = None) -> base.Explorer:
    """Show the pages behind a claim by perspective, against its independent origins; find it by theme, status, kind or words.

    `claims`, when given, limits the choice to these rows of ``ev.claims``. Controls: kind, theme, status, words, claim.
    """
    claims = (ev.claims if claims is None else claims).reset_index(drop=True)
    controls = {
        "kind": base.dropdown("Show", _KINDS),
        "theme": base.dropdown("Theme", base.counted(claims["theme"], "all themes")),
        "status": base.dropdown("Status", base.counted(claims["status"], "every status")),
        "words": base.search_box("Words in it"),
        "claim": base.choice_list("Claim", []),
    }
    masks = _masks(claims, ev.sources)
    columns = {name: claims[name].to_numpy() for name in ("theme", "status")}
    ids = claims["claim_id"].tolist()
    text = (claims["claim_id"] + " " + claims["claim"]).str.casefold().tolist()
    options = base.claim_options(claims)
    rows_of = {row.claim_id: row for row in claims.itertuples()}
    page_of = {page.source_id: page for page in ev.sources.itertuples()}

    def chosen_pages(claim_id: str) -> list:
        pages = [page_of[source] for source in rows_of[claim_id].source_ids if source in page_of]
        return sorted(pages, key=lambda page: page.is_copy_of_note != "")

    def draw(fig: go.Figure | go.FigureWidget, claim_id: str | None) -> None:
        if claim_id:
            origins = int(rows_of[claim_id].independent_origins)
            redraw_pages(fig, chosen_pages(claim_id), origins, f"{claim_id}: pages and origins")
        else:
            redraw_pages(fig, [], 0, _TITLE, _UNCHOSEN)

    repeated = _most_repeated(claims)
    start = repeated[0] if repeated else None
    drawing = dress_pages(page_frame(), title=_TITLE, alt="")
    draw(drawing, start)
    figure = live.figure(drawing)
    status, detail = base.status_line(), base.panel(_HINT)
    found = {"number": len(claims)}

    def update(_change: object) -> None:
        rows = masks[controls["kind"].value]
        for name, column in columns.items():
            if (value := controls[name].value) != base.ALL:
                rows = rows & (column == value)
        words = controls["words"].value.casefold().split()
        listed = {
            i for i, keep, words_of in zip(ids, rows, text, strict=True) if keep and all(w in words_of for w in words)
        }
        found["number"] = len(listed)
        base.offer(controls["claim"], [pair for pair in options if pair[1] in listed], show)
        base.tell(status, sentence())

    def show(_change: object) -> None:
        claim_id = controls["claim"].value
        draw(figure, claim_id)
        tell(claim_id)

    def tell(claim_id: str | None) -> None:
        detail.value = base.readable(markup.claim_card(ev, claim_id) if claim_id else _HINT)
        base.tell(status, sentence())

    def sentence() -> str:
        number, claim_id = found["number"], controls["claim"].value
        listed = (
            f"{number} of {len(claims)} claims listed." if number else f"0 of {len(claims)} claims listed. {_NOTHING}"
        )
        if not claim_id:
            return listed
        claim = rows_of[claim_id]
        views = len({page.perspective for page in chosen_pages(claim_id)})
        return (
            f"{listed} {claim_id}: pages {len(claim.source_ids)}, independent origins {claim.independent_origins}, "
            f"perspectives {views}, contradicting claims {len(claim.conflicts_with)}."
        )

    for name, control in controls.items():
        if name != "claim":
            control.observe(update, "value")
    controls["claim"].observe(show, "value")
    update(None)
    controls["claim"].unobserve(show, "value")  # the figure shows the first choice already
    controls["claim"].value = start
    controls["claim"].observe(show, "value")
    tell(start)
    twin = figures.claim_pages(claims[claims["claim_id"] == start], ev.sources)

    def only(claim_id: str):
        def change(fig: go.Figure) -> str:
            draw(fig, claim_id)
            return f"{claim_id}: {claim_words(rows_of[claim_id], chosen_pages(claim_id))}"

        return change

    drop_down(twin, "Claim", {_choice(rows_of[claim_id]): only(claim_id) for claim_id in repeated[:_CLAIMS]})
    return base.Explorer(controls, figure, status, detail, twin, "Explorer: pages and origins of a claim")


def claim_words(claim, pages: list) -> str:
    """Say what the figure shows of one claim: pages, origins, whose pages, and the claim itself."""
    views = Counter(markup.PERSPECTIVES.get(page.perspective, page.perspective) for page in pages)
    return (
        f"pages {len(claim.source_ids)}, independent origins {claim.independent_origins}. Pages by perspective: "
        f"{listed(views)}. The claim: {claim.claim}"
    )


def _choice(claim) -> str:
    return f"{claim.claim_id}: {cut(claim.claim, 44)}"


def _most_repeated(claims: pd.DataFrame) -> list[str]:
    """The claims by how many pages they have beyond their origins, the most first."""
    echo = claims["source_ids"].map(len) - claims["independent_origins"].fillna(0)
    return claims.loc[echo.sort_values(ascending=False, kind="stable").index, "claim_id"].tolist()


def _masks(claims: pd.DataFrame, pages: pd.DataFrame) -> dict[str, np.ndarray]:
    """Which claims each choice of "Show" keeps, worked out once."""
    number = claims["source_ids"].map(len).to_numpy(dtype=int)
    origins = claims["independent_origins"].fillna(0).to_numpy(dtype=int)
    voices = independence.voices_per_claim(claims, pages)["voices"].to_numpy()
    return {
        base.ALL: np.ones(len(claims), dtype=bool),
        "repeated": number > origins,
        "one side": voices == 1,
        "one page": number == 1,
        "contradicted": np.array([len(other) > 0 for other in claims["conflicts_with"]], dtype=bool),
    }
