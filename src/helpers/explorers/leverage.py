"""The leverage dashboard: what ties Iraq to Iran and to Türkiye, one definition a row and nothing added up."""

from __future__ import annotations

import re
from collections import Counter as Tally
from functools import cache

import pandas as pd
import plotly.graph_objects as go

from helpers import figures, markup
from helpers.analysis.series import as_series
from helpers.evidence import Evidence
from helpers.explorers import ahead, base, live
from helpers.figures import rows, series
from helpers.figures.base import listed
from helpers.figures.controls import drop_down
from helpers.markup import esc

# Channel -> name, and what its comparable groups are called; a group may stand in two channels.
CHANNELS = {
    "gas": ("gas", r"(?<!with_)gas|generation_lost|output_lost"),
    "electricity": ("electricity", r"electricity|generation_lost|output_lost"),
    "trade": ("trade", r"^(?:iran_exports|iran_nonoil|iran_imports|iran_iraq_t|iran_turkiye_t|turkiye_)"),
    "people": ("pilgrims", r"arbaeen"),
    "road": ("railway and Development Road", r"shalamcheh|development_road"),
    "arms": (
        "armed forces",
        r"^(?:pmf_|us_troops|turkish_soldiers|turkish_bases_in_iraq|iranian_missiles|killed_iranian)",
    ),
    "water": ("water", r"water_share"),
}
PAIRS = {base.ALL: "everyone", "IRN-IRQ": "Iran and Iraq", "IRN-TUR": "Iran and Türkiye", "IRQ-TUR": "Türkiye and Iraq"}
_WITHIN = {"KRG": "IRQ", "PMF": "IRQ", "KDPI": "IRQ"}
_NOTHING = "No value fits this choice. Take another channel, set “Between” to everyone, or widen the years."
_HINT = "<p>Choose a value in the list, or click a mark: its note and its sources as links appear here.</p>"
_COMPUTED = "Computed in this course from Ember and Energy Institute figures as processed by Our World in Data; see data/datapackage.json."


@ahead.looking
def leverage(ev: Evidence, indicators: pd.DataFrame | None = None) -> base.Explorer:
    """Show what each channel of leverage holds, one row a definition: contracts, flows, part-years and computed gaps kept apart.

    `indicators`, when given, replaces ``ev.indicators`` with the two computed tables (Iraq's gas gap and net electricity imports).
    Controls: channel, pair, since, until, value (the one that is read).
    """
    indicators = pd.concat([ev.indicators, computed(ev)], ignore_index=True) if indicators is None else indicators
    found = rows.ordered(
        c for c in series.prepare(indicators.reset_index(drop=True)) if c.known() and _channels(c.group)
    )
    years = [v.year for counter in found for v in counter.known()]
    first, last = (min(years), max(years)) if years else (0, 0)
    pairs = _pairs(indicators)
    controls = {
        "channel": base.dropdown("Channel", [(name, key) for key, (name, _) in CHANNELS.items()]),
        "pair": base.dropdown("Between", [(name, key) for key, name in PAIRS.items()]),
        "since": base.number("From year", first, first, last),
        "until": base.number("To year", last, first, last),
        "value": base.choice_list("Value", []),
    }
    counter_of = {v.key: (counter, v) for counter in found for v in counter.known()}
    options = {v.key: (f"{v.name}, {v.year}: {series.number(v.value)} {c.unit}", v.key) for c, v in counter_of.values()}
    status, detail = base.status_line(), base.panel(_HINT)
    drawing = rows.dress(rows.frame(), title=_title("gas"), alt="", height=900)
    rows.fill(drawing, [c for c in found if "gas" in _channels(c.group)])
    figure = live.figure(drawing)

    def update(_change: object) -> None:
        channel, pair = controls["channel"].value, controls["pair"].value
        since, until = sorted((controls["since"].value, controls["until"].value))
        shown = [
            c
            for c in found
            if channel in _channels(c.group) and (pair == base.ALL or pair in pairs[c.group]) and c.known(since, until)
        ]
        values = [v for c in shown for v in c.known(since, until)]
        words = "" if values else _NOTHING
        rows.fill(figure, shown, since, until, words=words, title=_title(channel))
        kinds = Tally(series.KINDS[v.kind][2].split(":")[0] for v in values)
        count = f"Definitions: {len(shown)}; values: {len(values)} ({listed(kinds)}). Nothing is added up."
        base.tell(status, words or count)
        base.offer(controls["value"], [options[v.key] for v in values], show)

    def show(_change: object) -> None:
        key = controls["value"].value
        detail.value = value_card(ev, *counter_of[key]) if key else _HINT

    def click(trace, points, _state) -> None:
        if points.point_inds:
            controls["value"].value = trace.customdata[points.point_inds[0]]

    controls["value"].observe(show, "value")
    for name, control in controls.items():
        if name != "value":
            control.observe(update, "value")
    figure.data[rows.MARKS].on_click(click)
    update(None)
    gas = indicators[["gas" in _channels(group) for group in indicators["comparable_group"]]]
    twin = figures.leverage(gas, title=_title("gas"))
    shown = {key: [c for c in found if key in _channels(c.group)] for key in CHANNELS}
    if shown["gas"]:
        drop_down(twin, "Channel", {CHANNELS[key][0]: _drawn(key, held) for key, held in shown.items() if held})
    return base.Explorer(controls, figure, status, detail, twin, "Explorer: leverage, one definition a row")


def computed(ev: Evidence) -> pd.DataFrame:
    """Return Iraq's gas gap and net electricity imports in the layout of the indicators, each in two units."""
    gap, power = ev.table("iraq_gas_gap"), ev.table("iraq_electricity_imports")
    rows = [
        (gap, "iraq_gas_gap", "gap_twh", "TWh", "Iraq's gas gap (consumption minus production)"),
        (gap, "iraq_gas_gap", "gap_share_pct", "percent of consumption", "Iraq's gas gap as a share of consumption"),
        (power, "iraq_electricity_net_imports", "net_imports_twh", "TWh", "Iraq's net electricity imports"),
        (
            power,
            "iraq_electricity_net_imports",
            "import_share_pct",
            "percent of demand",
            "Iraq's net electricity imports, share",
        ),
    ]
    parts = [
        as_series(table, value, value=value, unit=unit, comparable_group=group).assign(series_name=name)
        for table, group, value, unit, name in rows
    ]
    return pd.concat(parts, ignore_index=True).assign(
        low=pd.NA,
        high=pd.NA,
        actor_from="IRN",
        actor_to="IRQ",
        place_scope="Iraq",
        source_ids=[()] * sum(map(len, parts)),
    )


def value_card(ev: Evidence, counter: series.Counter, value: series.Value) -> str:
    """Return one value as HTML: what it is, for when and where, its note, and its sources as links."""
    sources = (
        f"<p>Sources</p>{markup.source_list(ev.sources, value.source_ids)}"
        if value.source_ids
        else f"<p>{_COMPUTED}</p>"
    )
    parts = [
        f"<h4>{esc(value.name)}</h4>",
        f"<p><b>{series.number(value.value)}</b>{series.spread(value)} {esc(counter.unit)}; {value.year}; {esc(value.place)}</p>",
        f"<p>{esc(series.KINDS[value.kind][2].capitalize())}. {esc(counter.meaning)}</p>",
        f"<p>Notes: {esc(value.notes)}</p>" if value.notes else "",
        sources,
    ]
    return f'<div class="claim-card">{"".join(parts)}</div>'


def _drawn(channel: str, held: list[series.Counter]):
    """Draw one channel on the static figure."""

    def change(fig: go.Figure) -> str:
        rows.fill(fig, held, title=_title(channel))
        return f"Rows: {len(held)}, each with a scale of its own. {' '.join(series.described(c) for c in held)}"

    return change


def _title(channel: str) -> str:
    return f"Leverage: {CHANNELS[channel][0]}"


@cache
def _channels(group: str) -> frozenset[str]:
    return frozenset(key for key, (_, pattern) in CHANNELS.items() if re.search(pattern, group))


def _pairs(indicators: pd.DataFrame) -> dict[str, set[str]]:
    """Return for each comparable_group the pairs of states that it lies between; parts of Iraq count as Iraq."""
    found: dict[str, set[str]] = {}
    for r in indicators.itertuples():
        ends = sorted({_WITHIN.get(a, a) for a in (r.actor_from, r.actor_to) if isinstance(a, str) and a})
        found.setdefault(r.comparable_group, set()).add("-".join(ends))
    return found
