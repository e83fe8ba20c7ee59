"""Who calls the PKK what, and when: choose an act, read it with its claims, and turn back the year."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from helpers import figures, markup
from helpers.evidence import Evidence
from helpers.explorers import ahead, base, live
from helpers.figures.base import listed
from helpers.figures.controls import slider
from helpers.figures.designations import EFFECTS, MARKS, Act, acts, choose, describe, dress, frame, last_acts, redraw
from helpers.markup import esc

_HINT = "<p>Choose an act in the list, or click a mark: its words, its note and the claims that it rests on appear here.</p>"
_TITLE, _LABEL = "Who calls the PKK what?", "Explorer: who calls the PKK what, and when"
_NOTHING = "No act by then is in the table. Choose a later year, or set a filter back to “all”."
_EMPTY = "The clock hides every act."


@ahead.looking
def designations(ev: Evidence, table: pd.DataFrame | None = None) -> base.Explorer:
    """Show acts of naming by state, as on the end of a chosen year, and read one act with the claims that it rests on.

    `table`, when given, is shown instead of ``ev.designations``. Controls: as_on (a year), state, effect, act.
    """
    table = ev.designations if table is None else table.reset_index(drop=True)
    drawn = acts(table)
    twin = figures.designations(table)
    first, last = (drawn[0].year, max(act.year for act in drawn)) if drawn else (1, 0)
    controls = {
        "as_on": base.number("As on end of", last, first - 1, last),
        "state": base.dropdown("State", base.counted(table["state"], "all states")),
        "effect": base.dropdown("Effect", base.counted(table["effect"], "every effect")),
        "act": base.choice_list("Act", []),
    }
    controls["as_on"].style.description_width, controls["as_on"].layout.width = "92px", "190px"
    status, detail = base.status_line(), base.panel(_HINT)
    if not drawn:
        base.tell(status, _EMPTY)
        return base.Explorer(controls, live.figure(figures.designations(table)), status, detail, twin, _LABEL)
    slider(twin, "As on the end of", years := {str(y): _by(drawn, y) for y in _steps(drawn)}, active=len(years) - 1)
    by_key = {act.key: act for act in drawn}
    options = [(_option(act), act.key) for act in drawn]
    now = {"shown": drawn}
    drawing = dress(frame(drawn), drawn, title=_TITLE, alt="")
    redraw(drawing, drawn, drawn, last)
    figure = live.figure(drawing)

    def update(_change: object) -> None:
        as_on, state, effect = (controls[name].value for name in ("as_on", "state", "effect"))
        now["shown"] = shown = [
            act
            for act in drawn
            if act.year <= as_on and state in (base.ALL, act.state) and effect in (base.ALL, act.effect)
        ]
        redraw(figure, drawn, shown, as_on, controls["act"].value, "" if shown else _NOTHING)
        counts = listed({e: n for e in EFFECTS if (n := sum(act.effect == e for act in shown))})
        said = "; ".join(f"{name} {act.effect} ({act.date[:4]})" for name, act in last_acts(shown).items())
        when = _when(as_on, ev)
        base.tell(
            status,
            f"{len(shown)} of {len(drawn)} acts by {when}: {counts}. Last act seen: {said}." if shown else _NOTHING,
        )
        keys = {act.key for act in shown}
        base.offer(controls["act"], [pair for pair in options if pair[1] in keys], show)

    def show(_change: object) -> None:
        key = controls["act"].value
        choose(figure, now["shown"], key)
        detail.value = act_card(ev, by_key[key]) if key else _HINT

    def click(trace, points, _state) -> None:
        if points.point_inds:
            controls["act"].value = trace.customdata[points.point_inds[0]]

    controls["act"].observe(show, "value")
    for name, control in controls.items():
        if name != "act":
            control.observe(update, "value")
    figure.data[MARKS].on_click(click)
    update(None)
    return base.Explorer(controls, figure, status, detail, twin, _LABEL)


def act_card(ev: Evidence, act) -> str:
    """Return one act as HTML: date, author, what was done, the author's word, note, and the claims it rests on."""
    symbol = EFFECTS.get(act.effect, ("", "", act.effect))[2]
    parts = [
        f"<h4>{esc(act.state)}, {esc(act.author)}, {esc(markup.prose_date(act.date))}</h4>",
        f"<p>{esc(act.act)} (<b>{esc(symbol)}</b>). The author's word: “{esc(act.word)}”.</p>",
        f"<p>Notes: {esc(act.notes)}</p>" if act.notes else "",
        *(markup.claim_card(ev, key) for key in act.claim_ids),
    ]
    return "".join(parts)


def _steps(drawn: list[Act]) -> list[int]:
    """The years in which somebody acted: the steps of the static figure's slider."""
    return sorted({act.year for act in drawn})


def _by(drawn: list[Act], year: int):
    def change(fig: go.Figure) -> str:
        shown = [act for act in drawn if act.year <= year]
        redraw(fig, drawn, shown, year)
        return describe(drawn, shown, f" by the end of {year}")

    return change


def _when(year: int, ev: Evidence) -> str:
    """Say up to when acts are shown: the end of the year, or the clock where that comes first."""
    return f"the end of {year}" if ev.as_of is None or ev.as_of.year > year else markup.prose_date(ev.as_of.isoformat())


def _option(act) -> str:
    return f"{act.key}  {markup.prose_date(act.date)}:  {act.state}, {act.author}: {act.act}"[:150]
