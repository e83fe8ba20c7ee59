"""The article's second argument, tested: distances of events from Iran's border, with the end of the data in sight."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go

from helpers import figures
from helpers.analysis import geography, near_border
from helpers.evidence import Evidence
from helpers.explorers import ahead, base, live
from helpers.figures import border as drawn
from helpers.figures.controls import slider

_LABEL = "Explorer: distance of events from Iran's border"
_NOTHING = "No dyad is chosen. Choose one or more in the list (Ctrl or Shift for several)."
_STEPS = [10, 25, 50, 75, 100, 150, 200]
_EMPTY = "The clock hides every event, or no year of the files was over by then."
_LIMITS = (
    "<p><b>What this cannot show.</b> {} Only events located to a place are drawn, in Türkiye about two in five. A thin stroke may be off by "
    "about 25 km: below that distance it decides nothing. PJAK and the KDPI fight in Iran, so their events lie near its border anyway. "
    "Where people died is not where fighters went. The interval in brackets (95 %) takes events as independent, which they are not; "
    "read it as the least doubt there is. Before 2015 Iraq has very few located events.</p>"
)
_END = "The files end in {}, so nothing here is the effect of what came later{}."


@ahead.looking
def border(ev: Evidence, points: pd.DataFrame | None = None) -> base.Explorer:
    """Show how far from Iran's border events lie, by year, dyad and country, and the share within a distance before and after a year.

    `points`, when given, is shown instead of ``ev.table("ucdp_ged_points")``: any choice of its rows. Distances are worked out once. Controls:
    border (with Iraq, Türkiye or both), within (km), split (first year of the later period), dyads.
    """
    points = ev.table("ucdp_ged_points") if points is None else points.reset_index(drop=True)
    coverage = ev.table("ucdp_ged_coverage")
    near = _distances(points, ev.outlines("countries"))
    found = {key: drawn.groups(table, coverage, ev.as_of) for key, table in near.items()}
    both = found["IRQ+TUR"]
    first, last = (int(points["year"].min()), int(points["year"].max())) if len(points) else (1989, 1989)
    options = [(f"{g.name} ({int(g.events.sum())} events)", g.key) for g in both]
    controls = {
        "border": base.dropdown("Border with", [(name, key) for key, name in reversed(drawn.BORDERS.items())]),
        "within": base.number("Within km", 50, 5, drawn.FARTHEST),
        "split": base.number("Later from", min(max(2015, first), last), first, last + 1),
        "dyads": base.choices("Dyads", options, width="420px"),
    }
    controls["border"].style.description_width = "86px"
    controls["within"].step = 5
    controls["dyads"].value = tuple(key for _, key in options[:5])
    status, detail = base.status_line(), base.panel(limits(ev))
    split = controls["split"].value
    twin = figures.border_distances(near["IRQ+TUR"], coverage, split=split, as_of=ev.as_of)
    if not both:
        base.tell(status, _EMPTY)
        figure = live.figure(figures.border_distances(near["IRQ+TUR"], coverage, as_of=ev.as_of))
        return base.Explorer(controls, figure, status, detail, twin, _LABEL)
    distances = {f"{km} km": _measured(both[:5], km, split, ev.as_of) for km in _STEPS}
    slider(twin, "Within", distances, active=_STEPS.index(50))
    drawing = drawn.dress(drawn.frame(len(both), ev.as_of), title=title_of(controls), alt="", height=900)
    drawn.fill(drawing, both[:5], 50, split=split, as_of=ev.as_of)
    figure = live.figure(drawing)

    def shown() -> list[drawn.Group]:
        chosen = set(controls["dyads"].value)
        return [g for g in found[controls["border"].value] if g.key in chosen]

    def update(_change: object) -> None:
        rows, choice = shown(), _choice(controls)
        words = "" if rows else _NOTHING
        drawn.fill(figure, rows, **choice, as_of=ev.as_of, words=words, title=title_of(controls))
        say(rows)

    def measure(_change: object) -> None:
        rows = shown()
        drawn.measure(figure, rows, **_choice(controls), as_of=ev.as_of, title=title_of(controls))
        say(rows)

    def say(rows: list[drawn.Group]) -> None:
        choice = _choice(controls)
        sentence = drawn.describe(rows, choice["within"], choice["split"], controls["border"].value)
        base.tell(status, sentence if rows else _NOTHING)

    for name, control in controls.items():
        control.observe(measure if name in ("within", "split") else update, "value")
    update(None)
    return base.Explorer(controls, figure, status, detail, twin, _LABEL)


def limits(ev: Evidence) -> str:
    """Return what must stand beside the figure, as HTML: where the files end, and what a located event is."""
    coverage = ev.table("ucdp_ged_coverage")
    last = int(coverage.loc[coverage["places_version"] != "", "year"].max())
    memorandum = ", such as the memorandum of 2024" if ev.as_of is None or ev.as_of >= drawn.MEMORANDUM else ""
    return _LIMITS.format(_END.format(last, memorandum))


def title_of(controls: dict) -> str:
    """Return the figure's title for the chosen border and distance."""
    return drawn.title_of(controls["within"].value, controls["border"].value)


def _measured(rows: list[drawn.Group], km: int, split: int, as_of) -> Callable[[go.Figure], str]:
    """Draw another distance on the static figure."""

    def change(fig: go.Figure) -> str:
        drawn.measure(fig, rows, km, split=split, as_of=as_of, title=drawn.title_of(km, "IRQ+TUR"))
        return drawn.describe(rows, km, split, "IRQ+TUR")

    return change


def _choice(controls: dict) -> dict:
    return {"within": controls["within"].value, "split": controls["split"].value}


def _distances(points: pd.DataFrame, countries: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the points with their distance to Iran's border with Iraq, with Türkiye, and with the nearer of both."""
    iraq, turkiye = (near_border.distances(points, geography.border(countries, "IRN", iso3)) for iso3 in ("IRQ", "TUR"))
    nearer = iraq.where(iraq["km"] <= turkiye["km"], turkiye)
    return {"IRQ": iraq, "TUR": turkiye, "IRQ+TUR": nearer.astype(iraq.dtypes)}
