"""How far from Iran's border events lie, by year and dyad, with the end of the data and the doubt about places in the drawing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from helpers.analysis.events import last_whole_year
from helpers.analysis.rates import share_interval
from helpers.figures import base, colours
from helpers.figures.deaths import COUNTRIES, dyad_name
from helpers.markup import plotly_text

# The order of rows: the pairs that the argument is about come first.
FIRST = (("TUR-PKK", "IRQ"), ("TUR-PKK", "TUR"), ("IRN-PJAK", "IRN"), ("IRN-KDPI", "IRN"), ("TUR-TAK", "TUR"))
BORDERS = {"IRQ": "Iraq", "TUR": "Türkiye", "IRQ+TUR": "Iraq and Türkiye"}
MEMORANDUM = dt.date(2024, 8, 15)
FARTHEST = 300
UNIT = "distance in km of events located to a place from Iran's border; a longer stroke is more events"
SOURCE = "UCDP GED 20.1 (Türkiye), 19.1 (Iraq) and 21.1 (precise events only), CC BY 4.0; outlines from Natural Earth; computed here"
NAMES, EXACT, ROUGH, BEYOND = range(4)
NEAR, MISSING, FLOORS, SPLIT, MEMORY, THICK, THIN = range(7)  # shapes
_HIGH, _PAD, _TOP, _BELOW = 104, 14, 112, 68
_NOWHERE = "M0,0Z"
_STROKES = ({"color": colours.BLUE, "width": 2.4}, {"color": colours.VERMILLION, "width": 1.1})
_UPRIGHT = {"color": colours.BLACK, "width": 1.6}
_RESULTS = 0.73  # where they begin, as a share of the width
# Beyond so many events the interval is narrower than any other doubt, and is left out.
_LARGE = 400


@dataclass(frozen=True, eq=False)
class Group:
    """The events of one dyad in one country: arrays by place and year, and the years that files cover."""

    key: tuple[str, str]
    name: str
    year: np.ndarray
    km: np.ndarray
    error: np.ndarray
    events: np.ndarray
    exact: np.ndarray
    covered: tuple[int, ...]

    def inside(self, km: float, first: int, last: int, shift: int = 0) -> int:
        """Return how many events of `first` to `last` lie within `km`; `shift` 1 or −1 puts each as far off as its place may be."""
        years = (self.year >= first) & (self.year <= last)
        return int(self.events[years & (self.km + shift * self.error <= km)].sum())

    def total(self, first: int, last: int) -> int:
        """Return how many events there are from `first` to `last`."""
        return int(self.events[(self.year >= first) & (self.year <= last)].sum())

    @cached_property
    def strokes(self) -> tuple[tuple[np.ndarray, ...], ...]:
        """Return the exact and the rough places up to the scale's end: years, heights above the floor, half lengths, (km, events)."""
        return tuple(self._strokes((self.km <= FARTHEST) & kind) for kind in (self.exact, ~self.exact))

    @cached_property
    def beyond(self) -> dict[int, int]:
        """Return by year how many events lie beyond the scale's end."""
        far = self.km > FARTHEST
        return {int(y): int(self.events[far & (self.year == y)].sum()) for y in np.unique(self.year[far])}

    def _strokes(self, chosen: np.ndarray) -> tuple[np.ndarray, ...]:
        km, events = self.km[chosen], self.events[chosen]
        half = np.minimum(0.12 + 0.06 * np.sqrt(events), 0.48)  # of a year: strokes of two years never meet
        return self.year[chosen], km / FARTHEST * _scale(), half, np.column_stack([km.round(), events])


def border_distances(
    near: pd.DataFrame,
    coverage: pd.DataFrame,
    within: float = 50,
    *,
    split: int = 2015,
    neighbours: str = "IRQ+TUR",
    as_of: dt.date | None = None,
    title: str | None = None,
) -> go.Figure:
    """Draw events by year and distance from Iran's border, one row a dyad and country, with the share within `within` km.

    Needs `near` from ``near_border.distances`` and `coverage` (``ucdp_ged_coverage``); `neighbours` names the border that `near` was measured
    to. `split` is the first year of the later period. Thin strokes are places that may be off by about 25 km. Years without a file are
    grey: missing, not quiet. At most five rows are drawn: choose rows of `near` for others.
    """
    found = groups(near, coverage, as_of)[:5]
    title = title or title_of(within, neighbours)
    if not found:
        reason = "No event located to a place is left to draw: the choice or the clock hides them all."
        return base.empty(title, reason, unit=UNIT, source=SOURCE)
    fig = frame(len(found), as_of)
    height = fill(fig, found, within, split=split, as_of=as_of)
    rows = [(g, *_result(g, within, split)) for g in found]
    names = ["events", "inside", "share", "earlier", "later"]
    table = pd.DataFrame([(g.name, *row) for g, *row in rows], columns=["dyad and country", *names])
    return dress(fig, title=title, alt=describe(found, within, split, neighbours), height=height, table=table)


def groups(near: pd.DataFrame, coverage: pd.DataFrame, as_of: dt.date | None = None) -> list[Group]:
    """Return the events by dyad and country, those that the argument is about first, then by number."""
    years = coverage if as_of is None else coverage[coverage["year"] <= last_whole_year(as_of)]
    served = years[years["places_version"].astype(str) != ""].groupby("country_iso3")["year"]
    covered = {country: tuple(sorted(int(y) for y in values)) for country, values in served}
    found = []
    for key, rows in near.groupby(["dyad", "country_iso3"]):
        name = f"{dyad_name(key[0])}, in {COUNTRIES.get(key[1], key[1])}"
        exact = (rows["where_prec"].astype(str) == "1").to_numpy()
        numbers = (
            rows[c].to_numpy(dtype=t) for c, t in (("year", int), ("km", float), ("error_km", float), ("events", int))
        )
        found.append(Group(key, name, *numbers, exact, covered.get(key[1], ())))
    rank = {key: n for n, key in enumerate(FIRST)}
    return sorted(found, key=lambda g: (rank.get(g.key, len(FIRST)), -int(g.events.sum())))


def frame(rows: int, as_of: dt.date | None = None) -> go.Figure:
    """Return up to so many rows without events, for `fill`: names, exact and rough places, places beyond the scale, the legend.

    The results beside the rows are annotations, the first ones of the figure: plotly rewrites those without drawing the places anew.
    """
    quiet = {"hoverinfo": "skip", "showlegend": False}
    text = {"mode": "text", "textposition": "middle right", "textfont": {"size": 12}}
    hover = "%{x}: %{customdata[0]:.0f} km, %{customdata[1]} event(s)<extra></extra>"
    # Where the pointer finds them; what is seen of them is a shape, which plotly draws in a tenth of the time of as many marks.
    places = {"mode": "none", "hoveron": "points", "hovertemplate": hover, "showlegend": False}
    beyond = {"symbol": "triangle-up", "color": colours.GREY, "size": 8}
    fig = go.Figure(
        [
            go.Scatter(**text, **quiet, xaxis="x2"),
            go.Scatter(**places, hoverlabel={"bordercolor": colours.BLUE}),
            go.Scatter(**places, hoverlabel={"bordercolor": colours.VERMILLION}),
            go.Scatter(mode="markers", marker=beyond, hovertemplate="%{text}<extra></extra>", showlegend=False),
            _line(_STROKES[0], "thick: place known exactly"),
            _line(_STROKES[1], "thin: place off by up to about 25 km, or not told"),
            _entry(beyond, f"more than {FARTHEST} km away"),
            _entry({"symbol": "square", "size": 12, "color": colours.NEAR}, "within the chosen distance"),
            _entry({"symbol": "square", "size": 12, "color": colours.MISSING}, "no file: missing, not quiet"),
            _line({**_UPRIGHT, "dash": "dot"}, "the later period begins"),
            *([_line(_UPRIGHT, "the memorandum, 15 August 2024")] if _is_past(as_of) else []),
        ]
    )
    hidden = {"range": [0, 1], "visible": False, "fixedrange": True}
    fig.update_layout(
        xaxis={"domain": [0.215, 0.715], "showgrid": False, "dtick": 5, "side": "top"},
        xaxis2={**hidden, "domain": [0, 0.16]},
        yaxis={"showgrid": False, "fixedrange": True, "ticks": "", "tickfont": {"size": 11}, "anchor": "x"},
        legend={"itemclick": False, "itemdoubleclick": False, "y": 0, "yanchor": "top"},
        annotations=[_result_at(n) for n in range(rows)],
        shapes=_shapes(as_of),
    )
    return fig


def fill(
    fig: go.Figure | go.FigureWidget,
    found: Sequence[Group],
    within: float,
    *,
    split: int,
    as_of: dt.date | None = None,
    words: str = "",
    title: str | None = None,
) -> int:
    """Put groups (from `groups`) into a `frame`: marks, bands and results, as one change; returns the height in pixels."""
    marks = [_packed([(floor, group.strokes[kind]) for floor, group in _floors(found)]) for kind in (0, 1)]
    beyond: tuple[list, list, list] = ([], [], [])
    for floor, group in _floors(found):
        beyond[0].extend(group.beyond)
        beyond[1].extend([floor - _scale() - 6] * len(group.beyond))
        beyond[2].extend(f"{y}: events more than {FARTHEST} km away: {e}" for y, e in group.beyond.items())
    names = [plotly_text(group.name, 22) for group in found]
    middle = [_floor(n) - _scale() / 2 for n in range(len(found))]
    restyle = {
        "x": [[0] * len(found), marks[0][0], marks[1][0], beyond[0]],
        "y": [middle, marks[0][1], marks[1][1], beyond[1]],
        "text": [[f"<b>{name}</b>" for name in names], "", "", beyond[2]],
        "customdata": [None, marks[0][2], marks[1][2], None],
    }
    low, high = _years(found, as_of)
    total = max(len(found), 1) * _HIGH
    ticks = [(_floor(n) - km / FARTHEST * _scale(), f"{km}") for n in range(len(found)) for km in (0, 100, 200, 300)]
    relayout = {
        "xaxis.range": [low - 0.8, high + 0.8],
        "yaxis.range": [total, 0],
        "yaxis.tickvals": [y for y, _ in ticks],
        "yaxis.ticktext": [f"{label} km" if label == "300" else label for _, label in ticks],
        "height": total + _TOP + _BELOW + 46,
        **base.saying(fig, words),
    }
    if title:
        relayout["title.text"] = plotly_text(title)
    relayout |= {f"shapes[{kind}].path": mark[3] for kind, mark in zip((THICK, THIN), marks, strict=True)}
    relayout |= _ground(found, as_of) | _measured(found, within, split, as_of) | _results(fig, found, within, split)
    fig.plotly_update(restyle_data=restyle, relayout_data=relayout, trace_indexes=[NAMES, EXACT, ROUGH, BEYOND])
    return total + _TOP + _BELOW + 46


def measure(
    fig: go.Figure | go.FigureWidget,
    found: Sequence[Group],
    within: float,
    *,
    split: int,
    as_of: dt.date | None = None,
    title: str | None = None,
) -> None:
    """Change the distance or the split of a figure that `fill` filled with the same groups: bands and results only."""
    relayout = _measured(found, within, split, as_of) | _results(fig, found, within, split)
    if title:
        relayout["title.text"] = plotly_text(title)
    fig.plotly_update(relayout_data=relayout)


def dress(fig: go.Figure, *, title: str, alt: str, height: int, table: pd.DataFrame | None = None) -> go.Figure:
    """Give the rows their title, words, size and margins."""
    return base.finish(
        fig,
        title=title,
        alt=alt,
        unit=UNIT,
        source=SOURCE,
        table=table,
        height=height,
        left=14,
        right=14,
        top=_TOP,
        bottom=_BELOW,
    )


def describe(found: Sequence[Group], within: float, split: int, neighbours: str) -> str:
    """Return the alt text: per row the share within the distance, before and from the split, and the last covered year."""
    if not found:
        return "No event located to a place is shown."
    rows = "; ".join(f"{g.name} {_counted(g, within, 0, 9999)} ({_halves(g, within, split)})" for g in found)
    last = max((max(g.covered) for g in found if g.covered), default=0)
    return (
        f"Events located to a place, by year and distance from Iran's border with {BORDERS.get(neighbours, neighbours)}. "
        f"Within {within:g} km: {rows}. No file covers a year after {last}: missing, not quiet."
    )


def _result_at(row: int) -> dict:
    """Return the place of one row's results."""
    place = {"x": _RESULTS, "xref": "paper", "xanchor": "left", "y": _floor(row) - _scale() / 2, "yref": "y"}
    style = {"align": "left", "showarrow": False, "font": {"size": 12}}
    return {**place, **style, "name": f"result {row}", "text": " ", "visible": False}


def _results(fig: go.Figure | go.FigureWidget, found: Sequence[Group], within: float, split: int) -> dict:
    """Return the texts beside the rows, as a change of the layout."""
    texts = [_words(group, within, split) for group in found]
    rows = sum((note.name or "").startswith("result") for note in fig.layout.annotations)
    change: dict = {f"annotations[{n}].text": texts[n] if n < len(texts) else " " for n in range(rows)}
    return change | {f"annotations[{n}].visible": n < len(texts) for n in range(rows)}


def _shapes(as_of: dt.date | None) -> list[dict]:
    """Return what lies behind the rows, without places: bands within the distance, missing years, floors, split, memorandum.

    Each is one shape for all rows, and always there: plotly then moves one without drawing the rest of the figure anew.
    """
    area = {"type": "path", "path": _NOWHERE, "layer": "below", "line": {"width": 0}}
    floors = {"type": "path", "path": _NOWHERE, "line": {"width": 1.2, "color": colours.GREY}}
    upright = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "layer": "below"}
    at = MEMORANDUM.year - 0.5 + MEMORANDUM.timetuple().tm_yday / 366
    return [
        {**area, "fillcolor": colours.NEAR},
        {**area, "fillcolor": colours.MISSING},
        floors,
        {**upright, "line": {"width": 1.4, "dash": "dot", "color": colours.INK}},
        {**upright, "x0": at, "x1": at, "visible": _is_past(as_of), "line": {"width": 1.8, "color": colours.BLACK}},
        *({"type": "path", "path": _NOWHERE, "line": line} for line in _STROKES),
    ]


def _ground(found: Sequence[Group], as_of: dt.date | None) -> dict:
    """Return where missing years, floors and upright lines lie, as a change of the layout."""
    low, high = _years(found, as_of)
    gaps = [(floor, gap) for floor, group in _floors(found) for gap in _gaps(group.covered, low, high)]
    missing = "".join(_box(a - 0.5, b + 0.5, floor, floor - _scale()) for floor, (a, b) in gaps)
    floors = "".join(f"M{low - 0.8},{floor:g}H{high + 0.8}" for floor, _ in _floors(found))
    bottom = max(len(found), 1) * _HIGH
    return {
        f"shapes[{MISSING}].path": missing or _NOWHERE,
        f"shapes[{FLOORS}].path": floors or _NOWHERE,
        f"shapes[{SPLIT}].y1": bottom,
        f"shapes[{MEMORY}].y1": bottom,
    }


def _measured(found: Sequence[Group], within: float, split: int, as_of: dt.date | None) -> dict:
    """Return the band within the distance and the place of the split, as a change of the layout."""
    low, high = _years(found, as_of)
    high_up = min(within, FARTHEST) / FARTHEST * _scale()
    bands = "".join(_box(low - 0.8, high + 0.8, floor, floor - high_up) for floor, _ in _floors(found))
    line = {"x0": split - 0.5, "x1": split - 0.5, "visible": low < split <= high}
    return {f"shapes[{NEAR}].path": bands or _NOWHERE} | {f"shapes[{SPLIT}].{key}": v for key, v in line.items()}


def _words(group: Group, within: float, split: int) -> str:
    total = group.total(0, 9999)
    sure, possible = (group.inside(within, 0, 9999, shift) for shift in (1, -1))
    doubt = f"if places are off: {sure / total:.0%} to {possible / total:.0%}" if total else ""
    return "<br>".join(
        [
            f"<b>within {within:g} km: {_counted(group, within, 0, 9999)}</b>",
            *_halves(group, within, split).split(", "),
            doubt,
        ]
    )


def _halves(group: Group, within: float, split: int) -> str:
    return f"to {split - 1}: {_counted(group, within, 0, split - 1, True)}, from {split}: {_counted(group, within, split, 9999, True)}"


def _counted(group: Group, within: float, first: int, last: int, interval: bool = False) -> str:
    inside, total = group.inside(within, first, last), group.total(first, last)
    if not total:
        return "no event"
    if not interval or total > _LARGE:
        return f"{inside} of {total} ({inside / total:.0%})"
    low, high = _interval(inside, total)
    return f"{inside} of {total} ({inside / total:.0%}; {low:.0%}–{high:.0%})"


@cache
def _interval(inside: int, total: int) -> tuple[float, float]:
    return share_interval(inside, total)


def _result(group: Group, within: float, split: int) -> tuple:
    total, inside = group.total(0, 9999), group.inside(within, 0, 9999)
    return total, inside, f"{inside / total:.1%}", *_halves(group, within, split).split(", ")


def _years(found: Sequence[Group], as_of: dt.date | None) -> tuple[int, int]:
    years = [y for g in found for y in g.covered] or [1989]
    last = MEMORANDUM.year if as_of is None else min(MEMORANDUM.year, last_whole_year(as_of))
    return min(years), max(max(years), last)


def _is_past(as_of: dt.date | None) -> bool:
    return as_of is None or last_whole_year(as_of) >= MEMORANDUM.year


def _gaps(covered: Sequence[int], low: int, high: int) -> list[tuple[int, int]]:
    """Return the spans of years from `low` to `high` that are not covered."""
    gaps: list[tuple[int, int]] = []
    for year in range(low, high + 1):
        if year in covered:
            continue
        if gaps and gaps[-1][1] == year - 1:
            gaps[-1] = (gaps[-1][0], year)
        else:
            gaps.append((year, year))
    return gaps


def _packed(parts: list[tuple[float, tuple[np.ndarray, ...]]]) -> tuple[np.ndarray | str, ...]:
    """Join the places of several rows: years, heights and (km, events) as small arrays, which take a fraction of the room of lists; strokes."""
    if not parts:
        return *(np.empty(0, dtype="float32") for _ in range(3)), _NOWHERE
    year, half, facts = (np.concatenate([strokes[i] for _, strokes in parts]) for i in (0, 2, 3))
    up = np.concatenate([floor - strokes[1] for floor, strokes in parts])
    path = "".join(f"M{x - h:.2f},{y:.1f}H{x + h:.2f}" for x, y, h in zip(year, up, half, strict=True))
    return year.astype("int16"), up.astype("float32"), facts.astype("int16"), path or _NOWHERE


def _floors(found: Sequence[Group]) -> list[tuple[float, Group]]:
    return [(_floor(n), group) for n, group in enumerate(found)]


def _floor(n: int) -> float:
    return (n + 1) * _HIGH - _PAD


def _scale() -> float:
    return _HIGH - 2.2 * _PAD


def _box(x0: float, x1: float, y0: float, y1: float) -> str:
    return f"M{x0:g},{y0:g}H{x1:g}V{y1:g}H{x0:g}Z"


def _entry(marker: dict, words: str) -> go.Scatter:
    return go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name=words)


def _line(line: dict, words: str) -> go.Scatter:
    return go.Scatter(x=[None], y=[None], mode="lines", line=line, name=words)


def title_of(within: float, neighbours: str) -> str:
    """Return the figure's title for a distance in km and the border that it was measured to (a key of `BORDERS`)."""
    return f"How near Iran's border with {BORDERS.get(neighbours, neighbours)}? Share within {within:g} km"
