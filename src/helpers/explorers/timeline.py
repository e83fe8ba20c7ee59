"""The timeline with lanes, filters and a panel for one claim."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from helpers import figures, markup
from helpers.evidence import Evidence
from helpers.explorers import ahead, base, live
from helpers.figures.controls import drop_down
from helpers.figures.timeline import (
    BARS,
    LANES,
    MARKS,
    arrange,
    choose,
    describe,
    dress,
    fill,
    frame,
    height_for,
    in_lanes,
    marks,
)
from helpers.markup import ACTORS

_HINT = "<p>Choose a claim in the list, or click a mark: its sources and what contradicts it appear here.</p>"
_NOTHING = "No claim fits this choice. Widen the years, or set a filter back to “all”."
_HIDDEN = "The lesson's claims all lie after the clock."
_ACTORS = 9


@ahead.looking
def timeline(ev: Evidence, lesson: int | None = 1, claims: pd.DataFrame | None = None) -> base.Explorer:
    """Show the claims of a lesson (``None``: of all) on a timeline, filtered by actor, theme, status and years.

    `claims`, when given, are shown instead: any choice of rows of ``ev.claims``. A claim is in the chosen years when a day on which it
    may have happened is. Controls: lanes, actor, theme, status, since, until, claim.
    """
    if claims is None:
        claims = ev.claims if lesson is None else ev.claims[ev.claims["lesson"].astype(str) == str(lesson)]
    claims = claims[claims["starts"].notna()].reset_index(drop=True)
    begins, ends = claims["starts"].dt.year.to_numpy(), claims["ends"].dt.year.to_numpy()
    first, last = (int(begins.min()), int(ends.max())) if len(claims) else (0, 0)
    controls = {
        "lanes": base.dropdown("Lanes", [(f"by {name}", name) for name in LANES]),
        "actor": base.dropdown("Actor", base.actor_options(claims)),
        "theme": base.dropdown("Theme", base.counted(claims["theme"], "all themes")),
        "status": base.dropdown("Status", base.counted(claims["status"], "every status")),
        "since": base.number("From year", first, first, last),
        "until": base.number("To year", last, first, last),
        "claim": base.choice_list("Claim", []),
    }
    ids, options = claims["claim_id"].tolist(), base.claim_options(claims)
    columns = {name: claims[name].to_numpy() for name in ("theme", "status")}
    actors = [frozenset(codes) for codes in claims["actors"]]
    every = marks(claims, "actor")
    tables = {lanes: in_lanes(every, claims, lanes) for lanes in LANES}
    drawing = dress(frame(), title="Claims over time", alt="", height=height_for(tables.values()))
    fill(drawing, every, max(table["lane"].nunique() for table in tables.values()))
    arrange(drawing, tables["theme"])
    figure = live.figure(drawing)
    status, detail = base.status_line(), base.panel(_HINT)

    def kept() -> np.ndarray:
        rows = (begins <= controls["until"].value) & (ends >= controls["since"].value)
        for name, column in columns.items():
            if (value := controls[name].value) != base.ALL:
                rows = rows & (column == value)
        if (actor := controls["actor"].value) != base.ALL:
            rows = rows & np.array([actor in codes for codes in actors], dtype=bool)
        return rows

    def update(_change: object) -> None:
        table, rows = tables[controls["lanes"].value], kept()
        shown = {claim_id for claim_id, keep in zip(ids, rows, strict=True) if keep}
        words = "" if shown else (_NOTHING if ids else _HIDDEN)
        in_lane = [claim_id in shown for claim_id in table["claim_id"].tolist()]
        arrange(figure, table, in_lane, controls["claim"].value, words)
        contested = int(np.count_nonzero(columns["status"][rows] == "contested"))
        years = (
            f", beginning {begins[rows].min()} to {begins[rows].max()}; {contested} of them contested" if shown else ""
        )
        base.tell(status, f"{len(shown)} of {len(ids)} claims shown{years}. {words}".strip())
        base.offer(controls["claim"], [pair for pair in options if pair[1] in shown], show)

    def show(_change: object) -> None:
        claim_id = controls["claim"].value
        choose(figure, every, claim_id)
        detail.value = base.readable(markup.claim_card(ev, claim_id) if claim_id else _HINT)

    def click(trace, points, _state) -> None:
        if points.point_inds:
            controls["claim"].value = trace.customdata[points.point_inds[0]]

    controls["claim"].observe(show, "value")
    for name, control in controls.items():
        if name != "claim":
            control.observe(update, "value")
    for trace in (BARS, MARKS):
        figure.data[trace].on_click(click)
    update(None)
    twin = figures.timeline(claims, title="Claims over time, by theme")
    if ids:
        controls_of_twin(twin, claims, marks(claims, "theme"))
    return base.Explorer(controls, figure, status, detail, twin, "Explorer: claims over time")


def controls_of_twin(twin: go.Figure, claims: pd.DataFrame, table: pd.DataFrame) -> None:
    """Let a reader without a kernel choose an actor on the static figure of `claims` (their marks: `table`, in lanes by theme)."""
    codes = claims["actors"].explode().dropna().value_counts().index[:_ACTORS]

    def only(code: str | None):
        def change(fig: go.Figure) -> str:
            chosen = claims if code is None else claims[[code in actors for actors in claims["actors"]]]
            shown = table["claim_id"].isin(chosen["claim_id"]).tolist()
            arrange(fig, table, shown)
            return describe(chosen, table[shown], "theme")

        return change

    drop_down(twin, "Actor", {"all actors": only(None), **{ACTORS.get(code, code): only(code) for code in codes}})
