"""The teaching model of bargaining on one issue: positions, outcome, and how far each input moves it."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from helpers.analysis.bargaining import COLUMNS, LABEL, MODELS, swings, weights
from helpers.figures import base, colours
from helpers.figures.asked_and_got import actor_name, issue_name, ordered_actors, signed
from helpers.markup import plotly_text

UNIT = "points of the stance scale, −2 strongly against to 2 strongly for; the size of a mark is the actor's share of all weight"
SOURCE = (
    "positions: the course's positions table; saliences and capabilities: whoever typed them in; "
    "weighted mean: compromise model in Thomson and others, eds (2006); weighted median: Black (1948)"
)
BARS, LOWS, HIGHS, MEAN, MEDIAN, BEFORE, MARKS, ZEROS, NUMBERS, ENDS = range(10)
WIDEST = 10
_TRACES = 10
_QUESTION = "question"
_ROW, _BAR, _TOP, _LEFT, _RIGHT = 31, 23, 182, 246, 14


def bargaining(
    inputs: pd.DataFrame,
    issue: str = "",
    *,
    before: float | None = None,
    widest: int = WIDEST,
    title: str | None = None,
) -> go.Figure:
    """Draw actors' positions and weights, the outcome by weighted mean and by weighted median, and the widest swings.

    Needs actor, position (−2 … 2), salience (0 … 1) and capability, as ``analysis.bargaining.inputs_from`` gives them. Below: how far the
    mean goes when one input is moved across its range (position: the whole scale; salience: 0 to 1; capability: half to double),
    all others held. `before` draws an earlier outcome to compare with. A teaching model, not a forecast. Raises ValueError as the
    analysis does, for instance when nobody has any weight.
    """
    title = title or heading(issue)
    if inputs.empty:
        reason = "No position on this issue is left to calculate with: the choice or the clock hides them all."
        return base.empty(title, reason, unit=UNIT, source=SOURCE)
    result = outcome(inputs)
    fig = frame(len(inputs), widest)
    draw(fig, result, before=before)
    used = result["inputs"]
    table = weights(used).assign(
        actor=[actor_name(a) for a in used["actor"]], salience=used["salience"], capability=used["capability"]
    )
    table = table[["actor", "position", "salience", "capability", "share", "pull"]].round(3)
    return dress(fig, title=title, alt=describe(result, issue), rows=len(inputs), widest=widest, table=table)


def outcome(inputs: pd.DataFrame) -> dict:
    """Return what the figure draws: inputs (in the order of rows), shares of weight, mean, median and swings."""
    order = ordered_actors(inputs)
    if order != inputs["actor"].tolist():
        inputs = inputs.sort_values("actor", key=lambda a: a.map(order.index), kind="stable", ignore_index=True)
    swung = swings(inputs)
    weight = inputs["salience"] * inputs["capability"]
    return {
        "inputs": inputs,
        "shares": (weight / weight.sum()).tolist(),
        "mean": float(swung["outcome"].iloc[0]),
        "median": MODELS["median"](inputs["position"].to_numpy(dtype=float), weight.to_numpy(dtype=float)),
        "swings": swung,
    }


def heading(issue: str) -> str:
    """Return the title of the figure on one issue."""
    return f"Bargaining on: {issue_name(issue)}" if issue else "Bargaining on one issue"


def frame(rows: int, widest: int = WIDEST) -> go.Figure:
    """Return the two fields without marks, for `draw`: ten traces."""
    fig = go.Figure(_skeleton())
    fig.update_layout(
        barmode="overlay",
        shapes=_shapes(rows),
        legend={"y": 1, "yanchor": "bottom", "itemclick": False, "itemdoubleclick": False},
        xaxis={
            "range": [-2.3, 4.0],
            "tickvals": [-2, -1, 0, 1, 2],
            "ticktext": ["−2<br>strongly against", "−1", "0", "+1", "+2<br>strongly for"],
            "fixedrange": True,
            "side": "bottom",
        },
        yaxis={
            "showgrid": False,
            "fixedrange": True,
            "range": [_depth(rows, widest), -0.6],
            "tickfont": {"size": 12.5},
        },
    )
    left = {"xref": "paper", "x": 0, "xanchor": "left", "xshift": 12 - _LEFT, "showarrow": False, "align": "left"}
    label = {"text": f"<b>{LABEL.upper()}</b>", "font": {"size": 20, "color": colours.VERMILLION}}
    fig.add_annotation(**left, **label, y=1, yref="paper", yanchor="bottom", yshift=70)
    fig.add_annotation(
        text="salience × capability = <b>weight</b><br><i>your assumption, no data</i>",
        x=2.4,
        y=-0.6,
        xanchor="left",
        yanchor="bottom",
        align="left",
        font={"size": 12},
        showarrow=False,
    )
    question = "<b>How far does the outcome go if one input moves?</b> The widest first, all others held"
    fig.add_annotation(
        **left, text=question, name=_QUESTION, y=rows + 0.35, yanchor="middle", bgcolor="white", font={"size": 14}
    )
    return fig


def resize(fig: go.Figure | go.FigureWidget, rows: int, widest: int = WIDEST) -> None:
    """Make room in a frame for another number of actors: heights, stripes, the heading of the lower field."""
    at = [annotation.name for annotation in fig.layout.annotations].index(_QUESTION)
    room = {"height": height_for(rows, widest), "shapes": _shapes(rows), "yaxis.range": [_depth(rows, widest), -0.6]}
    fig.plotly_update({}, room | {f"annotations[{at}].y": rows + 0.35})


def clear(fig: go.Figure | go.FigureWidget, words: str) -> None:
    """Take all marks away and say `words` in the middle."""
    traces = list(range(_TRACES))
    fig.plotly_update(
        restyle_data={"x": [[] for _ in traces], "y": [[] for _ in traces]},
        relayout_data={"yaxis.ticktext": [], "yaxis.tickvals": [], **base.saying(fig, words)},
        trace_indexes=traces,
    )


def draw(
    fig: go.Figure | go.FigureWidget,
    result: dict,
    *,
    chosen: str | None = None,
    before: float | None = None,
    widest: int = WIDEST,
    title: str | None = None,
) -> None:
    """Put a `result` (from `outcome`) into a `frame`: one change, no new trace. `chosen` marks an actor's row."""
    with fig.batch_update():
        labels = _drawn(fig, result, chosen, before, widest)
        fig.layout.yaxis.tickvals, fig.layout.yaxis.ticktext = labels["yaxis.tickvals"], labels["yaxis.ticktext"]
        if title:
            fig.layout.title.text = plotly_text(title)
        fig.plotly_update({}, base.saying(fig, ""))


def dress(
    fig: go.Figure, *, title: str, alt: str, rows: int, widest: int = WIDEST, table: pd.DataFrame | None = None
) -> go.Figure:
    """Give the figure its title, words, size and margins."""
    return base.finish(
        fig,
        title=title,
        alt=plotly_text(alt),
        unit=UNIT,
        source=SOURCE,
        table=table,
        height=height_for(rows, widest),
        left=_LEFT,
        right=_RIGHT,
        top=_TOP,
        bottom=44,
    )


def height_for(rows: int, widest: int = WIDEST) -> int:
    """Return the height in pixels for `rows` actors and the `widest` swings."""
    return round(_ROW * (_depth(rows, widest) + 0.6)) + _TOP + 44 + 38


def describe(result: dict, issue: str = "") -> str:
    """Return the alt text: positions and weight shares, both outcomes, and the widest swings."""
    used, found = result["inputs"], result["swings"]
    told = [
        f"{actor_name(actor)} at {signed(position)} with {_percent(share)} of the weight"
        for actor, position, share in zip(used["actor"], used["position"], result["shares"], strict=True)
    ]
    wide = [f"{actor_name(r.actor)}, {r.input}: {r.swing:.2f}" for r in found.head(3).itertuples()]
    head = f"{LABEL}. {heading(issue)}, on a scale from −2 to 2. "
    return (
        f"{head}{'; '.join(told)}. Outcome by weighted mean: {number(result['mean'])}; by weighted median: "
        f"{number(result['median'])}. The widest swings of the mean, in points: {'; '.join(wide)}. Saliences and "
        "capabilities are assumptions, not data."
    )


def number(value: float) -> str:
    """Return an outcome as printed in a text, with its sign and two decimals: ``−0.62``."""
    return f"{value:+.2f}".replace("-", "−") if abs(value) >= 0.005 else "0.00"


def _drawn(
    fig: go.Figure | go.FigureWidget, result: dict, chosen: str | None, before: float | None, widest: int
) -> dict:
    """Give the data traces their values and return the labels of the rows."""
    inputs, share, found = result["inputs"], result["shares"], result["swings"].head(widest)
    rows, mean, middle = len(inputs), result["mean"], result["median"]
    actors, position, salience, capability = (inputs[name].tolist() for name in COLUMNS)
    moved = found.to_dict("records")
    at = [rows + 1.3 + n * _BAR / _ROW for n in range(len(moved))]
    ends = [[mean if pd.isna(r[e]) else r[e] for e in ("outcome_from", "outcome_to")] for r in moved]
    bottom = at[-1] + 0.5 if at else rows
    names = [plotly_text(actor_name(a)) for a in actors]
    silent = [n for n, p in enumerate(position) if p == 0]
    places = {
        BARS: ([max(e) - min(e) for e in ends], at),
        LOWS: ([e[0] for e in ends], at),
        HIGHS: ([e[1] for e in ends], at),
        MEAN: ([mean, mean], [-0.55, bottom]),
        MEDIAN: ([middle, middle], [-0.55, rows - 0.45]),
        BEFORE: ([before] * 2, [-0.55, bottom]) if before is not None else ([], []),
        MARKS: (position, list(range(rows))),
        ZEROS: ([0] * len(silent), silent),
        NUMBERS: ([2.4] * rows, list(range(rows))),
        ENDS: ([2.4] * len(at), at),
    }
    for trace, (x, y) in places.items():
        fig.data[trace].x, fig.data[trace].y = x, y
    fig.data[BARS].base = [min(e) for e in ends]
    hover = [_swing_hover(r) for r in moved]
    for trace in (BARS, LOWS, HIGHS):
        fig.data[trace].hovertext = hover
    fig.data[MARKS].marker.size = [9 + 30 * w**0.5 for w in share]
    fig.data[MARKS].customdata = actors
    fig.data[MARKS].hovertext = [
        f"<b>{name}</b>: position {p:g}<br>salience {s:g}, capability {c:g}: {_percent(w)} of all weight"
        for name, p, s, c, w in zip(names, position, salience, capability, share, strict=True)
    ]
    fig.data[NUMBERS].text = [
        f"{s:.2f} × {c:.2f}  =  <b>{_percent(w)}</b>" for s, c, w in zip(salience, capability, share, strict=True)
    ]
    fig.data[ENDS].text = [f"{number(min(e))} to {number(max(e))}" for e in ends]
    fig.data[MEAN].name = f"outcome, weighted mean: <b>{number(mean)}</b>"
    fig.data[MEDIAN].name = f"weighted median: <b>{number(middle)}</b>"
    fig.data[BEFORE].showlegend = before is not None
    fig.data[BEFORE].name = "" if before is None else f"mean with nothing changed: {number(before)}"
    labels = [f"<b>▸ {name}</b>" if a == chosen else name for a, name in zip(actors, names, strict=True)]
    swing_labels = [f"{plotly_text(actor_name(r['actor']))}: {r['input']}" for r in moved]
    return {"yaxis.tickvals": [*range(rows), *at], "yaxis.ticktext": [*labels, *swing_labels]}


def _skeleton() -> list:
    hover = {"hovertemplate": "%{hovertext}<extra></extra>", "showlegend": False}
    quiet = {"hoverinfo": "skip", "showlegend": False, "cliponaxis": False}
    line = {"mode": "lines", "hoverinfo": "skip"}
    end = {"size": 9, "color": colours.BLUE, "line": {"width": 2, "color": colours.BLUE}}
    return [
        go.Bar(orientation="h", width=0.34, marker={"color": colours.RANGE, "line": {"width": 0}}, **hover),
        go.Scatter(
            mode="markers", marker=end | {"color": "white"}, name="input at its low end", **_without_legend(hover)
        ),
        go.Scatter(mode="markers", marker=end, name="input at its high end", **_without_legend(hover)),
        go.Scatter(line={"width": 3.5, "color": colours.VERMILLION}, legendrank=1, **line),
        go.Scatter(line={"width": 2.5, "color": colours.GREEN, "dash": "dash"}, legendrank=2, **line),
        go.Scatter(line={"width": 2.5, "color": colours.MIDDLE, "dash": "dot"}, legendrank=3, **line),
        go.Scatter(
            mode="markers",
            marker={"color": colours.ORANGE, "opacity": 0.9, "line": {"width": 1.4, "color": colours.INK}},
            **hover,
        ),
        go.Scatter(
            mode="markers",
            marker={"symbol": "circle", "color": "white", "size": 7, "line": {"width": 1.4, "color": colours.INK}},
            name="white dot: a 0 may be silence",
            hoverinfo="skip",
        ),
        go.Scatter(mode="text", textposition="middle right", textfont={"size": 13}, **quiet),
        go.Scatter(mode="text", textposition="middle right", textfont={"size": 12, "color": colours.GREY}, **quiet),
    ]


def _without_legend(options: dict) -> dict:
    return {name: value for name, value in options.items() if name != "showlegend"}


def _shapes(rows: int) -> list[dict]:
    stripes = [
        {
            "type": "rect",
            "x0": 0,
            "x1": 1,
            "xref": "paper",
            "y0": r - 0.5,
            "y1": r + 0.5,
            "line": {"width": 0},
            "layer": "below",
        }
        | {"fillcolor": colours.STRIPE}
        for r in range(0, rows, 2)
    ]
    wall = {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": rows - 0.5, "y1": rows - 0.5, "layer": "below"}
    return [*stripes, {**wall, "line": {"width": 1, "color": colours.MIDDLE}}]


def _depth(rows: int, widest: int) -> float:
    """How far down the axis goes, in rows."""
    return rows + 1.3 + min(widest, 3 * rows) * _BAR / _ROW


def _percent(share: float) -> str:
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def _swing_hover(row: dict) -> str:
    ends = f"from {row['from_value']:g} to {row['to_value']:g} (now {row['value']:g})"
    reached = [
        "nobody would have any weight" if pd.isna(row[e]) else number(row[e]) for e in ("outcome_from", "outcome_to")
    ]
    return (
        f"<b>{plotly_text(actor_name(row['actor']))}, {row['input']}</b> {ends}"
        f"<br>the mean goes from {reached[0]} to {reached[1]}: a swing of {row['swing']:.2f}"
    )
