"""Plotly's own drop-downs and sliders on a static figure: each choice shows a state that the same figure function draws.

So a reader without a kernel still explores. A state is kept as what differs between the states, not as a figure of its own. What
each state shows in words goes to ``layout.meta["states"]``, a list for each control, for pages that tell it to a screen reader.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.basedatatypes import Undefined

from helpers.figures import colours
from helpers.markup import plotly_text

# Words of a choice -> what draws it: changes the figure that it is given, and returns its alt text where it has one.
Changes = Mapping[str, Callable[[go.Figure], str | None]]
ROOM = 80
_PALE = {"marker": {"opacity": 0.12}, "textfont": {"color": colours.PALE}}
_FEW = 6
_LEFT_OUT: ContextVar[bool] = ContextVar("left_out", default=False)


@contextmanager
def left_out() -> Iterator[None]:
    """Make figures without controls of their own, for those that nobody will see."""
    token = _LEFT_OUT.set(True)
    try:
        yield
    finally:
        _LEFT_OUT.reset(token)


def drop_down(fig: go.Figure, label: str, changes: Changes, *, x: float = 1.0) -> go.Figure:
    """Add a drop-down list called `label` to a finished figure, at its top right; returns the figure.

    The first of `changes` draws what `fig` shows already, and each must draw its state whole, whatever was drawn before. They change
    values, never the number of traces. Two lists on one figure must not change the same things. `x` is where the list ends, as a
    share of the plot's width. With fewer than two choices nothing is added.
    """
    if len(changes) < 2 or _LEFT_OUT.get():
        return fig
    buttons, told = _states(fig, changes)
    _add_menu(fig, label, buttons, x)
    return _with_words(fig, told)


def slider(fig: go.Figure, label: str, changes: Changes, *, active: int = 0) -> go.Figure:
    """Add a slider called `label` beneath a finished figure; returns the figure. `active` is the step that it shows already.

    The figure grows by `ROOM` pixels; ``layout.meta["room"]`` tells a page that makes the slider itself. See `drop_down`.
    """
    if len(changes) < 2 or _LEFT_OUT.get():
        return fig
    steps, told = _states(fig, changes)
    under, height = fig.layout.margin.b, fig.layout.height
    fig.layout.height, fig.layout.margin.b = height + ROOM, under + ROOM
    if (
        fig.layout.legend.yref == "container" and fig.layout.legend.y is not None
    ):  # stays where it is, seen from the top
        fig.layout.legend.y = 1 - (1 - fig.layout.legend.y) * height / (height + ROOM)
    fig.layout.sliders = [
        {
            "name": label,
            "steps": steps,
            "active": active,
            "x": 0.02,
            "len": 0.96,
            "y": 0,
            "yanchor": "top",
            "pad": {"t": under + 4, "b": 0, "l": 0, "r": 0},
            "currentvalue": {"prefix": f"{plotly_text(label)}: ", "font": {"size": 13}, "offset": 4},
            "font": {"size": 11},
            "minorticklen": 0,
        }
    ]
    fig.layout.meta = {**(fig.layout.meta or {}), "room": ROOM}
    return _with_words(fig, told)


def highlights(
    fig: go.Figure, label: str, choices: Mapping[str, Mapping[int, list[int]]], *, x: float = 1.0
) -> go.Figure:
    """Add a drop-down list that pales all marks but some: words -> {trace: its points that stay}; {} pales none. See `drop_down`.

    A trace that a choice does not name, and another does, is paled whole.
    """
    if len(choices) < 2 or _LEFT_OUT.get():
        return fig
    traces = sorted({trace for points in choices.values() for trace in points})
    for trace in traces:
        text = "text" in (getattr(fig.data[trace], "mode", "") or "")
        fig.data[trace].unselected = _PALE if text else {"marker": _PALE["marker"]}
    buttons = [
        _button(words, {"selectedpoints": [points.get(t, []) if points else None for t in traces]}, {}, traces)
        for words, points in choices.items()
    ]
    _add_menu(fig, label, buttons, x)
    return _with_words(fig, [""] * len(choices))


def _add_menu(fig: go.Figure, label: str, buttons: list[dict], x: float) -> None:
    height, top, bottom = fig.layout.height, fig.layout.margin.t, fig.layout.margin.b
    menu = {
        "name": label,
        "buttons": buttons,
        "x": x,
        "xanchor": "right",
        "y": 1 + (top - 6) / max(1, height - top - bottom),
        "yanchor": "top",
        "font": {"size": 12.5},
        "bgcolor": "white",
        "bordercolor": colours.MIDDLE,
    }
    fig.layout.updatemenus = [*fig.layout.updatemenus, menu]


def _with_words(fig: go.Figure, told: list[str]) -> go.Figure:
    meta = dict(fig.layout.meta or {})
    fig.layout.meta = meta | {"states": [*meta.get("states", []), told]}
    return fig


class _Recorder(go.Figure):
    """A figure that keeps what it is told, as the messages that a browser would get: (trace or None for the layout, key) -> value."""

    def __init__(self, fig: go.Figure) -> None:
        self.__dict__["told"] = {}
        super().__init__(fig)

    def _send_update_msg(self, restyle_data, relayout_data, trace_indexes=None, source_view_id=None) -> None:
        self._send_relayout_msg(relayout_data or {})
        self._send_restyle_msg(restyle_data or {}, trace_indexes)

    def _send_relayout_msg(self, layout, source_view_id=None) -> None:
        self.told.update({(None, key): value for key, value in layout.items()})

    def _send_restyle_msg(self, style, trace_indexes=None, source_view_id=None) -> None:
        for key, values in style.items():
            for at, trace in enumerate(self._normalize_trace_indexes(trace_indexes)):
                value = values[at % len(values)] if isinstance(values, list) else values
                if value is not Undefined:
                    self.told[trace, key] = value


def _keep_axis_types(fig: go.Figure) -> None:
    """Put the type of the axes into the template: plotly drops an axis's own type whenever it is given data, and guesses it anew."""
    for name, axes in (("xaxis", fig.select_xaxes()), ("yaxis", fig.select_yaxes())):
        types = {axis.type for axis in axes}
        if len(types) == 1 and None not in types:
            fig.layout.template.layout[name].type = types.pop()


def _states(fig: go.Figure, changes: Changes) -> tuple[list[dict], list[str]]:
    """Draw each state on a copy; return a button for each, with every key in which any two states differ, and the alt texts."""
    _keep_axis_types(fig)
    copy, states, told = _Recorder(fig), [], []
    for change in changes.values():
        told.append(change(copy) or "")
        states.append(dict(copy.told))
    # A key that was not told yet has the value that the figure came with.
    first = {at: fig.layout[at[1]] if at[0] is None else fig.data[at[0]][at[1]] for at in copy.told}
    first = {at: _plain(value) for at, value in first.items()}
    states = [first | {at: _plain(value) for at, value in state.items()} for state in states]
    changing = [at for at in first if any(state[at] != states[0][at] for state in states)]
    traces = sorted({trace for trace, _ in changing if trace is not None})
    keys = list(dict.fromkeys(key for trace, key in changing if trace is not None))
    as_drawn = {
        (trace, key): _plain(fig.data[trace][key]) for trace in traces for key in keys if _has(fig.data[trace], key)
    }
    buttons = [
        _button(
            words,
            {key: [_packed((as_drawn | state).get((trace, key))) for trace in traces] for key in keys},
            {key: state[trace, key] for trace, key in changing if trace is None},
            traces,
        )
        for words, state in zip(changes, states, strict=True)
    ]
    return buttons, told


def _has(trace: Any, key: str) -> bool:
    try:
        return trace[key] is not None
    except (KeyError, ValueError):
        return False


def _button(words: str, restyle: dict, relayout: dict, traces: list[int]) -> dict:
    return {"label": plotly_text(words), "method": "update", "args": [restyle, relayout, traces]}


def _plain(value: Any) -> Any:
    """Return a value as it stands in a figure's JSON; an array without anything in it is none at all."""
    if hasattr(value, "to_plotly_json"):
        value = value.to_plotly_json()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, float | np.floating):
        return None if np.isnan(value) else float(f"{value:.6g}")
    return int(value) if isinstance(value, np.integer) else value


def _packed(value: Any) -> Any:
    """Pack a list of numbers as plotly packs its arrays: in a saved notebook each number of a list takes a line of its own."""
    if value in ([], [None], [[]]):
        return None  # nothing to draw, in fewer lines
    rows = value if isinstance(value, list) and len(value) >= _FEW else []
    wide = len(rows[0]) if rows and isinstance(rows[0], list) else 0
    if wide and all(isinstance(row, list) and len(row) == wide for row in rows):
        flat = [each for row in rows for each in row]
    else:
        flat, wide = rows, 0
    if not flat or not all(each is None or type(each) in (int, float) for each in flat) or all(v is None for v in flat):
        return value
    whole = all(type(each) is int and abs(each) < 2**31 for each in flat)
    small = whole and all(abs(each) < 2**15 for each in flat)
    kind = ("i2" if small else "i4") if whole else "f4"
    numbers = np.array([np.nan if each is None else each for each in flat], dtype=f"<{kind}")
    packed = {"dtype": kind, "bdata": base64.b64encode(numbers.tobytes()).decode()}
    return packed | ({"shape": f"{len(rows)}, {wide}"} if wide else {})
