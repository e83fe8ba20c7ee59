"""Who stands where on which issue, by which month, and what each score rests on."""

from __future__ import annotations

import calendar

import pandas as pd
import plotly.graph_objects as go

from helpers import figures, markup
from helpers.evidence import Evidence
from helpers.explorers import ahead, base, live
from helpers.figures.controls import slider
from helpers.figures.stance_grid import (
    BASIS,
    GRID,
    PERIODS,
    SCORES,
    Stance,
    actor_name,
    choose,
    dated,
    describe,
    dress,
    frame,
    issue_name,
    latest,
    month_end,
    ordered,
    redraw,
)
from helpers.markup import esc

_LABEL = "Explorer: who stands where"
_NOTHING = "No position was taken by then in this period. Choose a later month, or “latest by the date”."
_HIDDEN = "The clock hides every position."
_MONTHS = [(name, number) for number, name in enumerate(calendar.month_name) if name]


@ahead.looking
def stances(ev: Evidence, positions: pd.DataFrame | None = None) -> base.Explorer:
    """Show scores by actor and issue as they stood at the end of a month, and read one with its basis and sources.

    `positions`, when given, is shown instead of ``ev.positions``. A position dated by a year alone counts from that year's end. Controls:
    period (latest, current, earlier), year, month, actor, issue (the cell that is read).
    """
    positions = (ev.positions if positions is None else positions).reset_index(drop=True)
    twin = figures.stances(positions)
    actors, issues = ordered(positions)
    years = positions["date"].str[:4].astype(int)
    first, last = (int(years.min()), int(years.max())) if len(positions) else (0, 0)
    controls = {
        "period": base.dropdown("Period", [(words, key) for key, words in PERIODS.items()]),
        "year": base.number("Year", last, first, last),
        "month": base.dropdown("End of", _MONTHS, width="230px"),
        "actor": base.dropdown("Read: actor", [("choose an actor", ""), *((actor_name(a), a) for a in actors)]),
        "issue": base.dropdown("on issue", [("choose an issue", ""), *((issue_name(i), i) for i in issues)]),
    }
    controls["month"].value = ev.as_of.month if ev.as_of and ev.as_of.year == last else 12
    status, detail = base.status_line(), base.panel("")
    if positions.empty:
        base.tell(status, _HIDDEN)
        return base.Explorer(controls, live.figure(figures.stances(positions)), status, detail, twin, _LABEL)
    rows, title = dated(positions), "Who stands where?"
    years_with = sorted({stance.until.year for stance in rows})
    slider(twin, "End of", {str(y): _by(rows, actors, issues, y) for y in years_with}, active=len(years_with) - 1)
    drawing = dress(frame(actors, issues), title=title, alt="", rows=len(actors))
    redraw(drawing, latest(rows), actors, issues, title=title)
    figure = live.figure(drawing)

    def until() -> pd.Timestamp:
        return month_end(f"{controls['year'].value}-{controls['month'].value:02d}")

    def pair() -> tuple[str, str]:
        return controls["actor"].value, controls["issue"].value

    def update(_change: object) -> None:
        found = latest(rows, controls["period"].value, until())
        when = f"{calendar.month_name[controls['month'].value]} {controls['year'].value}"
        redraw(figure, found, actors, issues, pair(), "" if found else _NOTHING, f"Who stands where? End of {when}")
        scores = [stance.score for stance in found.values()]
        counts = f"against {sum(s < 0 for s in scores)}, mixed or not seen {scores.count(0)}, for {sum(s > 0 for s in scores)}"
        blank = len(actors) * len(issues) - len(found)
        said = (
            f"{len(found)} positions by the end of {when}: {counts}. {blank} pairs are blank: no row, which is not 0."
        )
        base.tell(status, said if found else _NOTHING)
        detail.value = position_card(ev, rows, *pair(), until())

    def show(_change: object) -> None:
        choose(figure, actors, issues, pair())
        detail.value = position_card(ev, rows, *pair(), until())

    def click(_trace, points, _state) -> None:
        if points.xs:
            controls["actor"].value = actors[round(points.ys[0])]
            controls["issue"].value = issues[round(points.xs[0])]

    for name, control in controls.items():
        control.observe(show if name in ("actor", "issue") else update, "value")
    figure.data[GRID].on_click(click)
    update(None)
    return base.Explorer(controls, figure, status, detail, twin, _LABEL)


def _by(rows: list[Stance], actors: list[str], issues: list[str], year: int):
    """Draw the latest positions by the end of a year on the static grid."""

    def change(fig: go.Figure) -> str:
        found = latest(rows, until=month_end(f"{year}-12"))
        redraw(fig, found, actors, issues, title=f"Who stands where? End of {year}")
        return describe(pd.DataFrame([stance.row for stance in found.values()]), actors, issues)

    return change


def position_card(
    ev: Evidence, stances: list[Stance], actor: str, issue: str, until: pd.Timestamp | None = None
) -> str:
    """Return what one actor said or did on one issue as HTML: every row of the pair taken by `until`, the newest first."""
    if not actor or not issue:
        return "<p>Choose an actor and an issue, or click a cell: summary, basis, date, status, notes and sources appear here.</p>"
    rows = [s for s in stances if (s.row.actor, s.row.issue) == (actor, issue)]
    head = f"<h4>{esc(actor_name(actor))}: {esc(issue_name(issue))}</h4>"
    if not rows:
        return f'<div class="claim-card">{head}<p><b>Not seen.</b> No page that was read gives a position. That is not a 0.</p></div>'
    shown = [s for s in rows if until is None or s.until <= until]
    parts = [head, *(_stance(ev, s) for s in reversed(shown))]
    if later := len(rows) - len(shown):
        parts.append(f"<p>Positions taken after the chosen month: {later}. Move the month to see them.</p>")
    return f'<div class="claim-card">{"".join(parts)}</div>'


def _stance(ev: Evidence, stance: Stance) -> str:
    row = stance.row
    facts = f"{row.period}; {markup.prose_date(row.date)}; {BASIS.get(row.basis, ('', row.basis))[1]}"
    meaning = markup.STATUS_MEANING.get(row.status, "")
    return (
        f"<p><b>{esc(SCORES[stance.score][2])}</b> ({esc(facts)}; <b>{esc(row.status)}</b>: {esc(meaning)}).</p>"
        f"<p>{esc(row.stance_summary)}</p>{f'<p>Notes: {esc(row.notes)}</p>' if row.notes else ''}"
        f"<p>Sources</p>{markup.source_list(ev.sources, row.source_ids)}"
    )
