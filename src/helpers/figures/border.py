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
UNIT = "distance in km of events located to a place from Iran's border; a larger mark is more events"
SOURCE = "UCDP GED 20.1 (Türkiye), 19.1 (Iraq) and 21.1 (precise events only), CC BY 4.0; outlines from Natural Earth; computed here"
NAMES, EXACT, ROUGH, BEYOND, RESULTS = range(5)
_HIGH, _PAD, _TOP, _BELOW = 104, 14, 112, 68
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
    def dots(self) -> tuple[tuple[np.ndarray, ...], ...]:
        """Return the exact and the rough places up to the scale's end: years, heights above the floor, sizes, (km, events)."""
        return tuple(self._dots((self.km <= FARTHEST) & kind) for kind in (self.exact, ~self.exact))

    @cached_property
    def beyond(self) -> dict[int, int]:
        """Return by year how many events lie beyond the scale's end."""
        far = self.km > FARTHEST
        return {int(y): int(self.events[far & (self.year == y)].sum()) for y in np.unique(self.year[far])}

    def _dots(self, chosen: np.ndarray) -> tuple[np.ndarray, ...]:
        km, events = self.km[chosen], self.events[chosen]
        facts = np.column_stack([km.round(1), events])
        return self.year[chosen], km / FARTHEST * _scale(), 4 + 2 * np.sqrt(events), facts


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
    to. `split` is the first year of the later period. Open marks are places that may be off by about 25 km. Years without a file are
    grey: missing, not quiet. At most five rows are drawn: choose rows of `near` for others.
    """
    found = groups(near, coverage, as_of)[:5]
    title = title or title_of(within, neighbours)
    if not found:
        reason = "No event located to a place is left to draw: the choice or the clock hides them all."
        return base.empty(title, reason, unit=UNIT, source=SOURCE)
    fig = frame(as_of)
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


def frame(as_of: dt.date | None = None) -> go.Figure:
    """Return rows without events, for `fill`: names, exact and rough places, places beyond the scale, results, the legend."""
    quiet = {"hoverinfo": "skip", "showlegend": False}
    text = {"mode": "text", "textposition": "middle right", "textfont": {"size": 12}}
    hover = "%{x}: %{customdata[0]:.0f} km, %{customdata[1]} event(s)<extra></extra>"
    dots = {"mode": "markers", "hovertemplate": hover, "showlegend": False}
    exact = {"color": colours.BLUE, "opacity": 0.72, "line": {"width": 0.6, "color": "white"}}
    rough = {"symbol": "circle-open", "color": colours.VERMILLION, "line": {"width": 1.5}}
    beyond = {"symbol": "triangle-up", "color": colours.GREY, "size": 8}
    fig = go.Figure(
        [
            go.Scatter(**text, **quiet, xaxis="x2"),
            go.Scatter(**dots, marker=exact),
            go.Scatter(**dots, marker=rough),
            go.Scatter(mode="markers", marker=beyond, hovertemplate="%{text}<extra></extra>", showlegend=False),
            go.Scatter(**text, **quiet, xaxis="x3"),
            _entry({**exact, "size": 9}, "place known exactly"),
            _entry({**rough, "size": 9}, "place off by up to about 25 km, or not told"),
            _entry(beyond, f"more than {FARTHEST} km away"),
            _entry({"symbol": "square", "size": 12, "color": colours.NEAR}, "within the chosen distance"),
            _entry({"symbol": "square", "size": 12, "color": colours.MISSING}, "no file: missing, not quiet"),
            _line("dot", "the later period begins"),
            *([_line("solid", "the memorandum, 15 August 2024")] if _is_past(as_of) else []),
        ]
    )
    hidden = {"range": [0, 1], "visible": False, "fixedrange": True}
    fig.update_layout(
        xaxis={"domain": [0.215, 0.715], "showgrid": False, "dtick": 5, "side": "top"},
        xaxis2={**hidden, "domain": [0, 0.16]},
        xaxis3={**hidden, "domain": [0.73, 1]},
        yaxis={"showgrid": False, "fixedrange": True, "ticks": "", "tickfont": {"size": 11}, "anchor": "x"},
        legend={"itemclick": False, "itemdoubleclick": False, "y": 0, "yanchor": "top"},
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
    marks = [_packed([(floor, group.dots[kind]) for floor, group in _floors(found)]) for kind in (0, 1)]
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
        "customdata": [None, marks[0][3], marks[1][3], None],
        "marker.size": [1, marks[0][2], marks[1][2], 8],
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
    result, bands = _results(found, within, split, as_of)
    for key, value in result.items():
        restyle.setdefault(key, [None] * RESULTS).append(value)
    restyle["customdata"].append(None)
    restyle["marker.size"].append(1)
    relayout |= bands
    fig.plotly_update(restyle_data=restyle, relayout_data=relayout, trace_indexes=list(range(RESULTS + 1)))
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
    result, relayout = _results(found, within, split, as_of)
    if title:
        relayout["title.text"] = plotly_text(title)
    fig.plotly_update(restyle_data={k: [v] for k, v in result.items()}, relayout_data=relayout, trace_indexes=[RESULTS])


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


def _results(found: Sequence[Group], within: float, split: int, as_of: dt.date | None) -> tuple[dict, dict]:
    """Return the texts beside the rows and the shapes behind them."""
    texts = [_words(group, within, split) for group in found]
    y = [_floor(n) - _scale() / 2 for n in range(len(found))]
    low, high = _years(found, as_of)
    shapes = []
    for n, group in enumerate(found):
        floor, top = _floor(n), _floor(n) - _scale()
        near = floor - min(within, FARTHEST) / FARTHEST * _scale()
        shapes.append(_rect(low - 0.8, high + 0.8, floor, near, colours.NEAR))
        shapes += [_rect(a - 0.5, b + 0.5, floor, top, colours.MISSING) for a, b in _gaps(group.covered, low, high)]
        line = {"type": "line", "x0": low - 0.8, "x1": high + 0.8, "y0": floor, "y1": floor}
        shapes.append({**line, "line": {"width": 1.2, "color": colours.GREY}})
    bottom = max(len(found), 1) * _HIGH
    line = {"type": "line", "y0": 0, "y1": bottom, "layer": "below"}
    if low < split <= high:
        shapes.append(
            {**line, "x0": split - 0.5, "x1": split - 0.5, "line": {"width": 1.4, "dash": "dot", "color": colours.INK}}
        )
    if _is_past(as_of):
        at = MEMORANDUM.year - 0.5 + MEMORANDUM.timetuple().tm_yday / 366
        shapes.append({**line, "x0": at, "x1": at, "line": {"width": 1.8, "color": colours.BLACK}})
    return {"x": [0] * len(found), "y": y, "text": texts}, {"shapes": shapes}


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


def _packed(parts: list[tuple[float, tuple[np.ndarray, ...]]]) -> tuple[np.ndarray, ...]:
    """Join the places of several rows into small arrays, which take a fraction of the room of lists in a notebook."""
    if not parts:
        return tuple(np.empty(0, dtype="float32") for _ in range(4))
    year = np.concatenate([dots[0] for _, dots in parts]).astype("int16")
    up = np.concatenate([floor - dots[1] for floor, dots in parts]).astype("float32")
    size, facts = (np.concatenate([dots[i] for _, dots in parts]).astype("float32") for i in (2, 3))
    return year, up, size, facts


def _floors(found: Sequence[Group]) -> list[tuple[float, Group]]:
    return [(_floor(n), group) for n, group in enumerate(found)]


def _floor(n: int) -> float:
    return (n + 1) * _HIGH - _PAD


def _scale() -> float:
    return _HIGH - 2.2 * _PAD


def _rect(x0: float, x1: float, y0: float, y1: float, color: str) -> dict:
    return {
        "type": "rect",
        "x0": x0,
        "x1": x1,
        "y0": y0,
        "y1": y1,
        "fillcolor": color,
        "line": {"width": 0},
        "layer": "below",
    }


def _entry(marker: dict, words: str) -> go.Scatter:
    return go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name=words)


def _line(dash: str, words: str) -> go.Scatter:
    return go.Scatter(
        x=[None], y=[None], mode="lines", line={"dash": dash, "color": colours.BLACK, "width": 1.6}, name=words
    )


def title_of(within: float, neighbours: str) -> str:
    """Return the figure's title for a distance in km and the border that it was measured to (a key of `BORDERS`)."""
    return f"How near Iran's border with {BORDERS.get(neighbours, neighbours)}? Share within {within:g} km"
