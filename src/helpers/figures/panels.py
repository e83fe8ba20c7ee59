"""Several counters over the same years: each definition in its own panel, with what keeps it from the others' axis."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.basedatatypes import Undefined

from helpers.figures import base, colours
from helpers.figures.series import (
    KINDS,
    SOURCE,
    Counter,
    beside,
    clear_labels,
    described,
    differences,
    entry,
    number,
    prepare,
    values_table,
)
from helpers.markup import plotly_text

UNIT = "each panel has its own axis: different definitions are never drawn against one"
PANELS, EACH = 3, 4
MISSING = "no value for the year: missing, not zero"
_HEAD, _PLOT, _FOOT, _TOP, _BELOW = 92, 150, 30, 118, 46
_WIDE, _FEW, _LINE = 900, 8, 158
_HEADING = {
    "text": " ",
    "x": 0,
    "y": 1,
    "xref": "paper",
    "yref": "paper",
    "xanchor": "left",
    "yanchor": "bottom",
    "xshift": -54,
    "yshift": 8,
    "align": "left",
    "showarrow": False,
    "font": {"size": 12.5},
}


def counters(*tables: pd.DataFrame, title: str = "One war, several counters") -> go.Figure:
    """Draw counting series in panels, one for each comparable_group and unit, over the same years.

    Each table holds rows of the indicators (see `series.prepare`). Yearly values are bars, running totals diamonds that are not added
    up, and a year without a value inside a yearly series is marked as missing. Each panel says what it counts and how it differs
    from the first. Raises ValueError for more than three definitions.
    """
    found = prepare(pd.concat(tables, ignore_index=True)) if tables else []
    if len(found) > PANELS:
        raise ValueError(f"counters: {len(found)} definitions, at most {PANELS} have room. Draw two figures.")
    years = [v.year for counter in found for v in counter.known()]
    if not years:
        reason = "No value is left to draw: the choice or the clock hides them all."
        return base.empty(title, reason, unit=UNIT, source=SOURCE)
    fig = frame()
    fill(fig, found, min(years), max(years))
    alt = [f"Panels: {len(found)}; {min(years)} to {max(years)}.", *map(described, found), *differences(found)]
    return dress(fig, title=title, alt=" ".join(alt), panels=len(found), table=values_table(found))


def frame() -> go.Figure:
    """Return three panels without values, for `fill`: four traces for each, then the legend."""
    fig = go.Figure()
    for n in range(PANELS):
        name = n + 1 if n else ""
        fig.add_traces(_traces(name))
        fig.add_annotation({**_HEADING, "name": f"panel {n}"})
        fig.layout[f"xaxis{name}"] = {"anchor": f"y{name}", "showgrid": False}
        fig.layout[f"yaxis{name}"] = {"anchor": f"x{name}", "tickformat": ",~r", "nticks": 5}
    bar = {"color": colours.SKY, "line": {"color": colours.BLUE, "width": 1}}
    gap = {"symbol": "x-thin", "size": 10, "line": {"width": 2.4, "color": colours.VERMILLION}}
    line = {"color": colours.INK, "width": 1.8}
    fig.add_trace(go.Bar(x=[None], y=[None], marker=bar, name="value of a year"))
    fig.add_traces([entry(kind) for kind in ("month", "part", "running")])
    fig.add_trace(go.Scatter(x=[None], y=[None], mode="lines", line=line, name="line: low to high, as given"))
    fig.add_trace(go.Scatter(x=[None], y=[None], mode="markers", marker=gap, name=MISSING))
    fig.update_layout(legend={"yref": "container", "yanchor": "top", "itemclick": False, "itemdoubleclick": False})
    return fig


def fill(fig: go.Figure | go.FigureWidget, chosen: list[Counter], first: int, last: int) -> None:
    """Put up to three counters into a `frame`, from `first` to `last` year, as one change."""
    apart = ["", *differences(chosen)] if chosen else []
    changes: list[dict] = []
    height = height_for(len(chosen))
    relayout: dict = {"height": height, "legend.y": base.legend_y(height)}
    for n in range(PANELS):
        counter = chosen[n] if n < len(chosen) else None
        changes += _panel(counter, first, last)
        relayout |= _arranged(n, len(chosen), counter, first, last, apart[n] if counter else "")
    keys = list(dict.fromkeys(key for change in changes for key in change))
    # A key that a trace does not name stays as it is: that is what Undefined says to plotly.
    restyle = {key: [change.get(key, Undefined) for change in changes] for key in keys}
    fig.plotly_update(restyle_data=restyle, relayout_data=relayout, trace_indexes=list(range(PANELS * EACH)))


def height_for(panels: int) -> int:
    """Return the height in pixels of a figure with so many panels."""
    return _TOP + max(1, panels) * (_HEAD + _PLOT + _FOOT) + _BELOW


def dress(
    fig: go.Figure, *, title: str, alt: str, panels: int = PANELS, table: pd.DataFrame | None = None
) -> go.Figure:
    """Give panels their title, words, size and margins."""
    height = height_for(panels)
    return base.finish(
        fig, title=title, alt=alt, unit=UNIT, source=SOURCE, table=table, height=height, left=66, top=_TOP, bottom=22
    )


def heading(counter: Counter, apart: str = "") -> str:
    """Return the text above one panel: name, what is counted, and how that differs from the first panel."""
    lines = [f"<b>{plotly_text(counter.title)}</b>", plotly_text(counter.meaning, _LINE)]
    return "<br>".join([*lines, f"<i>{plotly_text(apart, _LINE)}</i>"] if apart else lines)


def _traces(name: int | str) -> list:
    axes = {"xaxis": f"x{name}", "yaxis": f"y{name}", "showlegend": False}
    hover = {"hovertemplate": "%{hovertext}<extra></extra>"}
    bar = {"color": colours.SKY, "line": {"color": colours.BLUE, "width": 1}}
    gap = {"symbol": "x-thin", "size": 10, "line": {"width": 2.4, "color": colours.VERMILLION}}
    interval = {"symmetric": False, "thickness": 1.6, "width": 3, "color": colours.INK}
    return [
        go.Bar(
            **axes,
            **hover,
            width=0.76,
            marker=bar,
            textposition="outside",
            textfont={"size": 12},
            constraintext="none",
            cliponaxis=False,
        ),
        go.Scatter(
            **axes,
            **hover,
            mode="markers+text",
            marker={"size": 11, "line": {"width": 1, "color": colours.INK}},
            textfont={"size": 12},
            cliponaxis=False,
        ),
        go.Scatter(
            **axes, mode="markers", marker={"size": 1, "color": colours.INK}, error_y=interval, hoverinfo="skip"
        ),
        go.Scatter(**axes, **hover, mode="markers", marker=gap, cliponaxis=False),
    ]


def _panel(counter: Counter | None, first: int, last: int) -> list[dict]:
    """Return the changes of the four traces of one panel: yearly values as bars, the others as marks, intervals, and missing years."""
    known = counter.known(first, last) if counter else []
    bars = [v for v in known if v.kind == "year" and not counter.several]
    points = [v for v in known if v not in bars]
    spans = [v for v in known if v.low is not None and v.high is not None and v.low < v.high]
    gaps = counter.missing(first, last) if counter else []
    stacked = len({v.x for v in points}) < len(points)
    kept = clear_labels(points, last - first, (_WIDE, _PLOT), 11 if stacked else 15)
    labels = [plotly_text(v.label) if i in kept else "" for i, v in enumerate(points)]
    where = [beside(v.x, first, last, "middle" if stacked else "top") for v in points]
    return [
        {**_at(bars), "text": [number(v.value) if len(bars) <= _FEW else "" for v in bars]},
        {
            **_at(points),
            "text": labels,
            "textposition": where or "top center",
            "marker.color": [KINDS[v.kind][1] for v in points] or colours.BLUE,
            "marker.symbol": [KINDS[v.kind][0] for v in points] or "circle",
        },
        {
            "x": [v.x for v in spans],
            "y": [v.low for v in spans],
            "error_y.array": [v.high - v.low for v in spans],
            "error_y.arrayminus": [0] * len(spans),
        },
        {"x": gaps, "y": [0] * len(gaps), "hovertext": [f"{y}: {MISSING}" for y in gaps]},
    ]


def _at(values: list) -> dict[str, list]:
    return {"x": [v.x for v in values], "y": [v.value for v in values], "hovertext": [v.hover for v in values]}


def _arranged(n: int, panels: int, counter: Counter | None, first: int, last: int, apart: str) -> dict:
    """Return the layout of the panel `n` of `panels`: place, axes and heading; an unused one is folded away."""
    name = n + 1 if n else ""
    x, y, head = f"xaxis{name}", f"yaxis{name}", f"annotations[{n}]"
    shown = counter is not None
    layout = {f"{x}.visible": shown, f"{y}.visible": shown, f"{head}.visible": shown}
    if counter is None:  # as it was before any counter was in it: a figure's state must not tell how it came about
        axes = {f"{y}.domain": [0, 0.001], f"{y}.range": [0, 1], f"{x}.range": [0, 1], f"{x}.dtick": 1}
        return {**layout, **axes, f"{head}.text": " ", f"{head}.y": 0}
    whole = panels * (_HEAD + _PLOT + _FOOT)
    top = 1 - (n * (_HEAD + _PLOT + _FOOT) + _HEAD) / whole
    known = counter.known(first, last)
    most = max((max(v.value, v.high or 0) for v in known), default=0)
    nothing = "" if known else f"<br><b>No value between {first} and {last}.</b>"
    return {
        **layout,
        f"{y}.domain": [max(0, top - _PLOT / whole), top],
        f"{y}.range": [0, most * 1.22 or 1],
        f"{x}.range": [first - 0.7, last + 0.7],
        f"{x}.dtick": 5 if last - first > 16 else 1,
        f"{head}.text": heading(counter, apart) + nothing,
        f"{head}.y": top,
    }
