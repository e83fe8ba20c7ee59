"""What ties two states: one row a definition, each on a scale of its own, so that nothing is added up or compared across rows."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from helpers.figures import base, colours
from helpers.figures.series import (
    KINDS,
    SOURCE,
    Counter,
    beside,
    clear_labels,
    described,
    entry,
    prepare,
    values_table,
)
from helpers.markup import plotly_text

UNIT = "each row has its own scale from zero: compare along a row, never between rows"
ROWS_SOURCE = f"{SOURCE}; Ember, Energy Institute and Our World in Data for the computed rows"
WORDS, LINES, MARKS, SPANS = range(4)
_TOP, _LEGEND, _BELOW = 104, 48, 46
_TEXT, _LINE, _WIDE = 74, 16.5, 450
_NEAR = 6  # pixels: a mark so near its floor has no room beside it


def leverage(table: pd.DataFrame, *, title: str = "Leverage, one definition a row") -> go.Figure:
    """Draw one row for each comparable_group and unit: values over time on the row's own scale, with its definition beside it.

    Needs the columns of `series.prepare`. Symbols tell results from contracts and aims, whole years from parts, and what was computed.
    """
    found = ordered(c for c in prepare(table) if c.known())
    if not found:
        reason = "No value is left to draw: the choice or the clock hides them all."
        return base.empty(title, reason, unit=UNIT, source=ROWS_SOURCE)
    fig = frame()
    height = fill(fig, found)
    alt = f"Rows: {len(found)}, each with a scale of its own. {' '.join(described(c) for c in found)}"
    return dress(fig, title=title, alt=alt, height=height, table=values_table(found))


def ordered(counters) -> list[Counter]:
    """Return counters with most values first, and what was only agreed or aimed at last."""
    return sorted(counters, key=lambda c: (c.values[0].kind == "agreed", -len(c.known())))


def frame() -> go.Figure:
    """Return rows without values, for `fill`: words, lines, marks, intervals, then the legend."""
    quiet = {"hoverinfo": "skip", "showlegend": False}
    words = go.Scatter(mode="text", textposition="middle right", textfont={"size": 12}, xaxis="x2", **quiet)
    lines = go.Scatter(mode="lines", line={"color": colours.MIDDLE, "width": 1.4}, **quiet)
    points = go.Scatter(
        mode="markers+text",
        marker={"size": 10, "line": {"width": 1, "color": colours.INK}},
        textfont={"size": 12},
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
        cliponaxis=False,
    )
    spans = go.Scatter(mode="lines", line={"color": colours.INK, "width": 3.5}, **quiet)
    fig = go.Figure([words, lines, points, spans, *(entry(kind) for kind in KINDS)])
    fig.update_layout(
        xaxis={"domain": [0.45, 1], "side": "top", "fixedrange": True},
        xaxis2={"domain": [0, 0.44], "range": [0, 1], "visible": False, "fixedrange": True},
        yaxis={"visible": False, "fixedrange": True},
        legend={"itemclick": False, "itemdoubleclick": False, "yanchor": "top", "y": 0},
    )
    return fig


def fill(
    fig: go.Figure | go.FigureWidget,
    counters: Sequence[Counter],
    first: int = 0,
    last: int = 9999,
    *,
    words: str = "",
    title: str | None = None,
) -> int:
    """Put the values of `counters` from `first` to `last` year into a `frame` as one change; returns the height in pixels.

    `words` stand in the middle of an empty figure, `title` replaces the figure's.
    """
    rows = [(counter, counter.known(first, last)) for counter in counters]
    times = [v.x for _, known in rows for v in known] or [2000.0]
    low, high = min(times), max(times)
    room = 0.09 * (high - low) + 0.6
    text, lines, spans = ([], [], []), ([], []), ([], [])
    marks: list[tuple] = []
    shapes, at = [], 0.0
    for n, (counter, known) in enumerate(rows):
        label = row_text(counter)
        tall = max(_LINE * (label.count("<br>") + 1) + 18, 84 if len(known) > 1 else 60)
        floor, scale = at + tall - 16, tall - 42
        most = max((max(v.value, v.high or 0) for v in known), default=0) or 1
        kept = clear_labels(known, high - low, (_WIDE, int(scale)))
        for column, value in zip(text, (0, at + tall / 2, label), strict=True):
            column.append(value)
        _line(lines, (low - 0.5, floor), (high + 0.5, floor))
        for i, v in enumerate(known):
            y = floor - v.value / most * scale
            symbol, color, _ = KINDS[v.kind]
            written = plotly_text(v.label) if i in kept else ""
            # Above a mark that is not the highest of its year run the others' stems; below it there is room near the floor.
            lower = any(other.x == v.x and other.value > v.value for other in known)
            side = "top" if not lower else "bottom" if floor - y < _NEAR else "middle"
            marks.append((v.x, y, written, v.hover, v.key, beside(v.x, low, high, side), color, symbol))
            _line(lines, (v.x, floor), (v.x, y))
            if v.low is not None and v.high is not None and v.low < v.high:
                _line(spans, *((v.x, floor - end / most * scale) for end in (v.low, v.high)))
        if n % 2 == 0:
            shapes.append(_band(at, at + tall))
        at += tall
    total = max(at, 160)
    x, y, written, hover, keys, where, colors, symbols = zip(*marks, strict=True) if marks else ((),) * 8
    restyle = {
        "x": [text[0], lines[0], x, spans[0]],
        "y": [text[1], lines[1], y, spans[1]],
        "text": [text[2], "", written, ""],
        "hovertext": ["", "", hover, ""],
        "customdata": [None, None, keys, None],
        "textposition": ["middle right", "top center", where or "top center", "top center"],
        "marker.color": [colours.INK, colours.INK, colors or colours.INK, colours.INK],
        "marker.symbol": ["circle", "circle", symbols or "circle", "circle"],
    }
    relayout = {
        "xaxis.range": [low - room, high + room],
        "xaxis.dtick": 1 if high - low <= 9 else 2 if high - low < 16 else 5,
        "yaxis.range": [total, 0],
        "shapes": shapes,
        "height": total + _TOP + _LEGEND + _BELOW,
        **base.saying(fig, words),
    }
    if title:
        relayout["title.text"] = plotly_text(title)
    fig.plotly_update(restyle_data=restyle, relayout_data=relayout, trace_indexes=[WORDS, LINES, MARKS, SPANS])
    return int(total + _TOP + _LEGEND + _BELOW)


def row_text(counter: Counter) -> str:
    """Return what stands beside one row: its name, and what it counts."""
    return f"<b>{plotly_text(counter.title, _TEXT - 6)}</b><br>{plotly_text(counter.meaning, _TEXT)}"


def dress(fig: go.Figure, *, title: str, alt: str, height: int, table: pd.DataFrame | None = None) -> go.Figure:
    """Give rows their title, words, size and margins."""
    return base.finish(
        fig,
        title=title,
        alt=alt,
        unit=UNIT,
        source=ROWS_SOURCE,
        table=table,
        height=height,
        left=14,
        right=24,
        top=_TOP,
        bottom=_LEGEND,
    )


def _line(line: tuple[list, list], *points: tuple[float, float]) -> None:
    for x, y in points:
        line[0].append(x)
        line[1].append(y)
    line[0].append(None)
    line[1].append(None)


def _band(start: float, end: float) -> dict:
    edge = {"type": "rect", "xref": "paper", "x0": -0.02, "x1": 1.03, "y0": start, "y1": end}
    return {**edge, "fillcolor": colours.STRIPE, "line": {"width": 0}, "layer": "below"}
