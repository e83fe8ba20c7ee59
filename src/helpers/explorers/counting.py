"""The counting lab: several counters over the same years, and why they may not share an axis."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from helpers import figures, markup
from helpers.evidence import Evidence
from helpers.explorers import ahead, base, live
from helpers.figures import panels, series
from helpers.figures.controls import drop_down
from helpers.markup import esc

# Which series count people killed or "neutralised", or attacks. A parliament's single total is a claim and no series.
COUNTERS = (
    r"^(?:ucdp_battle|icg_|turkish_mod_neutralised|cpt_civilians|cpt_turkish_attacks|ecbb_civilians|wki_civilians)"
)
START = ("ucdp_battle_deaths_year", "icg_killed_cumulative_since_2015_07", "cpt_turkish_attacks_year")
_ALONE = 6  # so many counters can be seen by themselves on the static figure
_CHOICES = ("first", "second", "third")
_TITLE = "One war, several counters"
_NOTHING = "No counter has a value at this position of the clock."
_ONE = "One definition is chosen: choose another counter to see what keeps the two apart."


@ahead.looking
def counting(ev: Evidence, indicators: pd.DataFrame | None = None) -> base.Explorer:
    """Show up to three counters over chosen years, each definition in its own panel, with what keeps them apart.

    `indicators`, when given, replaces the casualty and attack series of ``ev.indicators``: any of its rows; ``analysis.series.as_series``
    helps a derived table to the layout. Controls: first, second, third (may be none), since, until. The panel below lists the values.
    """
    if indicators is None:
        indicators = ev.indicators[ev.indicators["series_id"].str.contains(COUNTERS)]
    found = sorted(series.prepare(indicators.reset_index(drop=True)), key=lambda c: c.title.casefold())
    options = [(option(counter), n) for n, counter in enumerate(found)]
    years = [v.year for counter in found for v in counter.known()]
    first, last = (min(years), max(years)) if years else (0, 0)
    controls = {
        "first": base.dropdown("First", options, width="620px"),
        "second": base.dropdown("Second", [("none", None), *options], width="620px"),
        "third": base.dropdown("Third", [("none", None), *options], width="620px"),
        "since": base.number("From year", first, first, last),
        "until": base.number("To year", last, first, last),
    }
    place = {counter.group: n for n, counter in enumerate(found)}
    for name, group in zip(_CHOICES, START, strict=True):
        if group in place:
            controls[name].value = place[group]
    cards = [counter_card(ev, counter) for counter in found]
    status, detail = base.status_line(), base.panel("")

    def chosen() -> list[int]:
        values = (controls[name].value for name in _CHOICES)
        return list(dict.fromkeys(v for v in values if v is not None))

    shown = [found[n] for n in chosen()]
    twin_rows = indicators[indicators["comparable_group"].isin([c.group for c in shown])]
    drawing = panels.dress(panels.frame(), title=_TITLE, alt="")
    panels.fill(drawing, shown, first, last)
    figure = live.figure(drawing)

    def update(_change: object) -> None:
        shown = [found[n] for n in chosen()]
        since, until = sorted((controls["since"].value, controls["until"].value))
        panels.fill(figure, shown, since, until)
        drawn = [f"{c.title}: {len(c.known(since, until))} of {len(c.known())} values" for c in shown]
        said = " ".join(series.differences(shown)) or (_ONE if shown else _NOTHING)
        base.tell(status, f"{since} to {until}. {'; '.join(drawn)}. {said}" if shown else said)

    def read(_change: object) -> None:
        detail.value = "".join(cards[n] for n in chosen())

    for name, control in controls.items():
        control.observe(update, "value")
        if name in _CHOICES:
            control.observe(read, "value")
    update(None)
    read(None)
    twin = figures.counters(twin_rows, title=_TITLE)
    if shown:
        alone = sorted((c for c in found if len(c.known()) > 1), key=lambda c: -len(c.known()))[:_ALONE]
        drop_down(
            twin,
            "Counters",
            {"three side by side": _drawn(shown, shown), **{c.title: _drawn([c], shown) for c in alone}},
        )
    return base.Explorer(controls, figure, status, detail, twin, "Explorer: counting lab")


def _drawn(chosen: list[series.Counter], first: list[series.Counter]):
    """Draw `chosen` over their own years; the figure's `first` counters all together set the years of the first state."""

    def change(fig: go.Figure) -> str:
        years = [v.year for c in chosen for v in c.known()] or [0]
        panels.fill(fig, chosen, min(years), max(years))
        told = series.differences(chosen) if chosen is first else []
        return " ".join([*map(series.described, chosen), *told])

    return change


def option(counter: series.Counter) -> str:
    """Return a counter's line in a list: its name, its years and how many values it has."""
    known = counter.known()
    if not known:
        return f"{counter.title} (no value)"
    first, last = known[0].year, known[-1].year
    return f"{counter.title} ({first if first == last else f'{first}–{last}'}, values: {len(known)})"


def counter_card(ev: Evidence, counter: series.Counter) -> str:
    """Return one counter as HTML: what it counts, its values with their notes, and its sources as links."""
    few = counter.values if len(counter.values) <= 8 else [v for v in counter.values if v.value is None]
    items = "".join(
        f"<li>{v.year}: {'no value' if v.value is None else f'<b>{series.number(v.value)}</b>{series.spread(v)}'}"
        f"{esc(', ' + v.notes) if v.notes else ''}</li>"
        for v in few
    )
    sources = tuple(dict.fromkeys(s for v in counter.values for s in v.source_ids))
    return (
        f'<div class="claim-card"><h4>{esc(counter.title)}</h4><p>{esc(counter.meaning)}</p><ul>{items}</ul>'
        f"<p>Sources</p>{markup.source_list(ev.sources, sources)}</div>"
    )
