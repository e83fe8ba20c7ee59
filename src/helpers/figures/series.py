"""Counting series, made ready to draw: what each counts, in words, and what keeps two of them from sharing an axis."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
import plotly.graph_objects as go

from helpers.analysis.series import overview
from helpers.figures import base, colours
from helpers.markup import plotly_text

# What a value is -> symbol, colour, words of the legend.
KINDS = {
    "year": ("circle", colours.BLUE, "value of a year, or of a state of things"),
    "month": ("square", colours.GREEN, "value of a month or a day"),
    "running": ("diamond", colours.ORANGE, "running total: never add"),
    "part": ("triangle-up", colours.PURPLE, "part of a year"),
    "agreed": ("star", colours.VERMILLION, "agreed, planned or aimed at: not a result"),
    "computed": ("hexagon", colours.SKY, "from an energy dataset, or computed from it"),
}
# What a comparable group counts, where its name and unit do not say it. Each sentence follows the notes of its rows.
MEANING = {
    "ucdp_battle_deaths_year": "Both sides and civilians caught in the fighting, wherever they died; a year under 25 deaths has no value.",
    "icg_killed_cumulative_since_2015_07": "All killed since July 2015, as Crisis Group counted up to the date.",
    "icg_breakdown_2013_2015": "By side, for the whole time from March 2013 to July 2015.",
    "icg_breakdown_2015_2022": "By side, for the whole time from July 2015 to 3 February 2022.",
    "icg_pkk_killed_in_iraq": "PKK members only, 2015 to 2023 together, as quoted by Reuters.",
    "turkish_mod_neutralised_2024_running": "The word covers killed, captured or surrendered by one outlet's explanation (P-036); since 1 January 2024.",
    "turkish_mod_neutralised_all_areas_year": "The word covers killed, captured or surrendered by one outlet's explanation (P-036); Türkiye, Iraq and Syria.",
    "turkish_mod_neutralised_claw_lock": "The word covers killed, captured or surrendered by one outlet's explanation (P-036); one operation zone.",
    "turkish_mod_neutralised_last_12_months": "The word covers killed, captured or surrendered by one outlet's explanation (P-036); twelve months, not a calendar year.",
    "cpt_turkish_attacks_year": "Attacks, not people, as the monitor CPT counts them.",
    "cpt_turkish_attacks_month": "Attacks in single months, not people.",
    "cpt_turkish_attacks_2025_cumulative": "Attacks since January 2025, not people.",
    "cpt_civilians_killed_year": "Civilians killed by Turkish operations in one year.",
    "cpt_civilians_killed_cumulative_since_2015": "Civilians only; different reports stand behind the values.",
    "cpt_civilians_killed_since_1991_by_state": "Civilians only, since 1991, by the state whose operations killed them.",
    "ecbb_civilians_killed_2015_2021": "Civilians only, 2015 to 2021 together, by a coalition of organisations.",
    "wki_civilians_killed_since_2015_08": "Civilians only, August 2015 to August 2022 together.",
    "iran_gas_contract_ceiling": "The most that the contract lets flow in a day: no flow.",
    "iran_gas_flow_to_iraq_daily": "What is said to flow in a day: usual or upper levels and low points, no yearly mean.",
    "iran_gas_value_part_year_3m": "Money, for three months only.",
    "iraqi_gas_debt_payment": "One payment of debt; the sources differ on the currency.",
    "iran_turkiye_gas_contract_minimum": "What Türkiye must take at least in a year: no flow.",
    "iran_turkiye_gas_contract_volume": "What the contract provides for in a year: no flow.",
    "iran_electricity_contract": "Capacity under contract: no flow.",
    "iran_electricity_supply": "Capacity said to be supplied, not energy over a year.",
    "iraq_gas_gap": "Consumption minus production, computed: a rough measure of dependence on Iran, not a measured import.",
    "iraq_electricity_net_imports": "From all neighbours, not Iran alone; electricity made in Iraq from Iranian gas is not in it.",
    "iran_exports_to_iraq_part_year_3m": "Three months of the Iranian year, not a year.",
    "iran_exports_to_iraq_part_year_5m": "Five months of the Iranian year, gas included, not a year.",
    "iran_exports_to_iraq_part_year_9m": "Nine months of the Iranian year, not a year; called non-oil, yet gas seems to be inside.",
    "iran_exports_to_iraq_year_with_gas": "Iranian year from March to March, natural gas included.",
    "iran_exports_to_iraq_year_scope_not_stated": "The source does not say what is included.",
    "iran_nonoil_exports_to_iraq_year": "Without oil; the last value is an Iranian year from March to March.",
    "iran_imports_from_iraq_year": "The joint chamber and the customs disagree on 2022.",
    "iran_iraq_trade_target": "A stated aim, not a result.",
    "iran_turkiye_trade_target": "A stated aim, repeated for years, not a result.",
    "iran_turkiye_total_trade_claim": "One speaker's figure; its period is unclear.",
    "turkiye_goods_exports_to_iraq_year": "Compilers differ: two values are quoted by an Iranian chamber, one by a business association.",
    "turkiye_goods_imports_from_iraq_year": "Oil may not be fully shown.",
    "arbaeen_pilgrims_total": "All nationalities, as the shrine counts them.",
    "iranian_arbaeen_pilgrims": "Iranians only, estimates.",
    "iranian_arbaeen_visas": "Visas, not people who came.",
    "share_generation_from_iranian_gas": "Iranian media's figure, of generation.",
    "share_imported_iranian_electricity": "A US figure, of consumption: electricity imports only, gas not counted.",
    "share_electricity_needs_from_iran": "Of needs, not of consumption.",
    "pmf_budgeted_posts": "Posts in the budget, not people in the field.",
    "pmf_personnel_stated_by_chair": "As stated by the PMF's own chair.",
    "us_troops_in_iraq_plan": "A plan, not a count.",
    "development_road_cost": "A plan's cost.",
    "development_road_length": "A plan's length.",
}
SOURCE = "the course's indicators table, from the pages named with each value"


class Value(NamedTuple):
    """One value of a counter. `x` is the year, with the part of it for a month; a value that is not known is None."""

    key: str
    name: str
    x: float
    year: int
    value: float | None
    low: float | None
    high: float | None
    kind: str
    label: str
    hover: str
    place: str
    notes: str
    source_ids: tuple[str, ...]


@dataclass(frozen=True)
class Counter:
    """All values of one comparable group in one unit, by time, with its name and the sentence that says what it counts."""

    group: str
    unit: str
    title: str
    meaning: str
    values: tuple[Value, ...]
    several: bool

    def known(self, first: int = 0, last: int = 9999) -> list[Value]:
        """Return the values that are known, from `first` to `last` year."""
        return [v for v in self.values if v.value is not None and first <= v.year <= last]

    def missing(self, first: int, last: int) -> list[int]:
        """Return the years without a value inside a yearly series; none for series of months, totals or several parts."""
        years = [v.year for v in self.values if v.kind == "year"]
        if not years or self.several:
            return []
        have = {v.year for v in self.known()}
        return [y for y in range(max(min(years), first), min(max(years), last) + 1) if y not in have]


def prepare(table: pd.DataFrame) -> list[Counter]:
    """Return one Counter for each comparable_group and unit, in the order of the table.

    Needs series_id, series_name, comparable_group, unit, year, month, value, low, high, place_scope, notes and source_ids
    (``indicators``). A row without a value is kept: it is a missing value.
    """
    if table.empty:
        return []
    running = dict(overview(table)[["series_id", "cumulative"]].itertuples(index=False, name=None))
    found = []
    for (group, unit), rows in table.groupby(["comparable_group", "unit"], sort=False):
        names = list(dict.fromkeys(rows["series_name"]))
        title = _title(names)
        values = sorted(
            (_value(r, names, running.get(r.series_id, False)) for r in rows.itertuples()), key=lambda v: v.x
        )
        several = len(names) > 1
        if not several and len({v.x for v in values}) < len(values):
            values = [v._replace(label=f"{v.place} {v.label}") if len(v.place) < 20 else v for v in values]
        found.append(Counter(group, unit, title, _meaning(group, unit, values), tuple(values), several))
    return found


def kind_of(group: str, running: bool, month: int | None) -> str:
    """Return which of `KINDS` the values of a comparable group are."""
    if any(word in group for word in ("contract", "target", "_plan", "development_road", "ceiling")):
        return "agreed"
    if group in ("iraq_gas_gap", "iraq_electricity_net_imports"):
        return "computed"
    if any(word in group for word in ("part_year", "_h1", "march_june")):
        return "part"
    if running:
        return "running"
    return "year" if month is None else "month"


def differences(counters: list[Counter]) -> list[str]:
    """Return for each counter after the first a sentence on what keeps it from sharing an axis with the first."""
    return [difference(counters[0], other) for other in counters[1:]]


def difference(one: Counter, other: Counter) -> str:
    """Say what sets `other` apart from `one`: definition, unit, kind of value, places and years."""
    said = ["another definition"] if one.group != other.group else ["the same definition"]
    said.append(f"both count {one.unit}" if one.unit == other.unit else f"{other.unit} against {one.unit}")
    kinds = [_kinds_of(counter) for counter in (other, one)]
    if kinds[0] != kinds[1]:
        said.append(" against ".join(" and ".join(names) for names in kinds))
    if {v.place for v in one.values} != {v.place for v in other.values}:
        said.append("other places")
    shared = sorted({v.year for v in one.known()} & {v.year for v in other.known()})
    years = f"{', '.join(map(str, shared[:8]))}{' …' if len(shared) > 8 else ''}"
    said.append(f"years in common: {years}" if shared else "no year in common")
    if any(v.kind == "running" for v in (*one.values, *other.values)):
        said.append("running totals are never added")
    return f"Against the first: {'; '.join(said)}."


def described(counter: Counter) -> str:
    """Return a counter in one sentence for an alt text: name, unit, values, years, highest."""
    known = counter.known()
    if not known:
        return f"{counter.title} ({counter.unit}): no value."
    if len(known) == 1:
        return f"{counter.title} ({counter.unit}): 1 value, {number(known[0].value)} in {known[0].year}."
    most = max(known, key=lambda v: v.value)
    span = f"{known[0].year} to {known[-1].year}" if known[0].year != known[-1].year else f"{known[0].year}"
    return (
        f"{counter.title} ({counter.unit}): {len(known)} values, {span}, highest {number(most.value)} in {most.year}."
    )


def number(value: float) -> str:
    """Return a number for a label: thousands with commas, small ones as short as they were given."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{float(value):g}"


def spread(value: Value) -> str:
    """Return the range of a value as `` (1 to 3)``, "" where none was given."""
    if value.low is None or value.high is None or value.low == value.high:
        return ""
    return f" ({number(value.low)} to {number(value.high)})"


def entry(kind: str) -> go.Scatter:
    """Return the legend's entry for one kind of value."""
    symbol, color, words = KINDS[kind]
    marker = {"symbol": symbol, "size": 10, "color": color, "line": {"width": 1, "color": colours.INK}}
    return go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name=words)


def clear_labels(values: list[Value], span: float, size: tuple[int, int], apart: int = 15) -> set[int]:
    """Return which labels can be written without one over another: the latest first, then the highest.

    `size` is the drawing's, in pixels, over `span` years; labels on one spot of the axis need `apart` pixels.
    """
    across = size[0] / max(span, 1)
    up = size[1] / max((v.value for v in values if v.value), default=1)
    latest = max((v.x for v in values), default=0)
    taken: list[tuple[float, float, float]] = []
    kept = set()
    for i in sorted(range(len(values)), key=lambda i: (values[i].x != latest, -values[i].value, -values[i].x)):
        at, height, half = values[i].x * across, values[i].value * up, 3.4 * len(values[i].label) + 4
        if all(abs(at - a) > half + b or abs(height - h) >= apart for a, b, h in taken):
            kept.add(i)
            taken.append((at, half, height))
    return kept


def beside(x: float, first: float, last: float, height: str = "top") -> str:
    """Return where a label stands: inwards near the edges, above or below ("bottom") or to the right ("middle") elsewhere."""
    part = (x - first) / max(last - first, 1)
    if height == "middle":
        return "middle left" if part > 0.8 else "middle right"
    return f"{height} {'right' if part < 0.08 else 'left' if part > 0.92 else 'center'}"


def values_table(counters: Iterable[Counter]) -> pd.DataFrame:
    """Return the values of counters as a table for a reader."""
    rows = [(v.name, v.year, v.value, v.low, v.high, c.unit, v.place, v.notes) for c in counters for v in c.values]
    return pd.DataFrame(rows, columns=["series", "year", "value", "low", "high", "unit", "place", "notes"])


def _value(row, names: list[str], running: bool) -> Value:
    month = None if pd.isna(row.month) else int(row.month)
    value, low, high = (None if pd.isna(v) else float(v) for v in (row.value, row.low, row.high))
    when = f"{row.year}" if month is None else f"{row.year}-{month:02d}"
    said = "missing" if value is None else number(value)
    x = int(row.year) + (0 if month is None else (month - 6.5) / 12)
    found = Value(
        f"{row.series_id}|{when}|{row.Index}",
        row.series_name,
        x,
        int(row.year),
        value,
        low,
        high,
        kind_of(row.comparable_group, running, month),
        f"{_short(row.series_name, names)} {said}".strip(),
        "",
        row.place_scope,
        row.notes,
        tuple(row.source_ids),
    )
    hover = f"<b>{plotly_text(row.series_name, 55)}</b><br>{when}: {said}{spread(found)} {plotly_text(row.unit)}"
    note = f"<br><i>{plotly_text(base.cut(row.notes, 120), 58)}</i>" if row.notes else ""
    return found._replace(hover=hover + note)


def _meaning(group: str, unit: str, values: list[Value]) -> str:
    """Say what a group's values are: unit, place, definition, and for a single value without a definition its note."""
    places = list(dict.fromkeys(v.place for v in values if v.place))
    said = [f"Unit: {unit}."]
    if places:
        said.append(f"{places[0]}." if len(places) == 1 else "The places differ from value to value.")
    if group in MEANING:
        said.append(MEANING[group])
    elif len(values) == 1 and values[0].notes:
        note = values[0].notes
        said.append(f"{note[:1].upper()}{note[1:]}{'' if note.endswith('.') else '.'}")
    return " ".join(said)


def _title(names: list[str]) -> str:
    """Return one name for a group: what the names of its series have in common at both ends, with … for what differs."""
    start, end = _ends(names)
    return names[0] if not end and start in names else f"{start.rstrip(' ,:(')} …{end}" if start != names[0] else start


def _short(name: str, names: list[str]) -> str:
    """Return what tells a series from others of its group, "" when it is long."""
    start, end = _ends(names)
    rest = name[len(start) : len(name) - len(end)].strip(" ,:()")
    rest = rest[rest.index("(") + 1 :].split(")")[0] if "(" in rest else rest
    return rest if len(rest) < 20 else ""


def _ends(names: list[str]) -> tuple[str, str]:
    """Return the beginning and the end that names share, both cut at whole words."""
    start = os.path.commonprefix(names)
    if start in names:
        return start, ""
    start = start[: start.rfind(" ") + 1]
    rests = [name[len(start) :] for name in names]
    end = os.path.commonprefix([rest[::-1] for rest in rests])[::-1]
    cut = min((i for i in (end.find(" "), end.find(",")) if i >= 0), default=len(end))
    return start, end[cut:]


def _kinds_of(counter: Counter) -> list[str]:
    return sorted({KINDS[v.kind][2].split(":")[0].split(",")[0] for v in counter.values})
