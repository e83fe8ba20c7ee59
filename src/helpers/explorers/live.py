"""The figure of an explorer: a FigureWidget that says each change once, and draws no more of itself than changed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache

import plotly.graph_objects as go
import traitlets
from plotly.basedatatypes import Undefined
from plotly.utils import PlotlyJSONEncoder

from helpers.figures import base

Part = tuple[int | None, str]  # of a figure: a trace (None: the layout) and a key in it
# Added to plotly's front end, whose View draws. As it comes, a change does two things that nobody here needs: it carries a key that
# plotly.js does not know, for which all is computed anew where one text changed; and afterwards all of the figure is compared with
# its defaults, to report the difference.
_LEANER = """
Object.assign(View.prototype, {
  _sendTraceDeltas() {},
  _sendLayoutDelta() {},
  handle_plotly_update() {},
  do_update: ((draw) => function () {
    const told = this.model.get("_py2js_update");
    if (told === null) return;
    Object.defineProperty(told.style_data, "_doNotReportToPy", { set() {} });
    // A new height is taken to settle the width too, and the figure would no longer follow the width of the page.
    if ("height" in told.layout_data) Object.assign(told.layout_data, { width: null, autosize: true });
    draw.call(Object.assign(Object.create(this), { model: Object.assign(Object.create(this.model), { get: () => told }) }));
  })(View.prototype.do_update),
});
"""


class _FrontEnd:
    """The text of the figures' front end, read when the first figure is made."""

    def __str__(self) -> str:
        return _front_end()


@cache
def _front_end() -> str:
    text = str(go.FigureWidget._esm)
    names = re.search(r"export\{[\w$]+ as FigureModel,([\w$]+) as FigureView,", text)
    if names is None:  # another version of plotly: slower, and right; a test tells
        return text
    return f"{text}\n{{ const View = {names[1]};{_LEANER}}}\n"


class LiveFigure(go.FigureWidget):
    """A FigureWidget that can keep changes back and send them as one (see `at_once`), and that tells the browser nothing twice."""

    _esm = _FrontEnd()
    _kept: list | None = None
    # Where a double (ahead.py) notes which parts changed, instead of sending them.
    heard: set[Part] | None = None
    restate: Sequence = ()  # parts that the browser may have drawn ahead: each answer states them anew
    # The browser reads these once, when it first draws; FigureWidget sends both before each change, as messages of their own.
    _last_layout_edit_id = traitlets.Integer(0)
    _last_trace_edit_id = traitlets.Integer(0)

    def plotly_update(self, restyle_data=None, relayout_data=None, trace_indexes=None, **options) -> None:
        """As FigureWidget's, which looks at every key at length; here what is as it was last told is passed over first."""
        traces = tuple(self._normalize_trace_indexes(trace_indexes))
        style = {key: value for key, value in (restyle_data or {}).items() if self._is_news(key, traces, value)}
        layout = {key: value for key, value in (relayout_data or {}).items() if self._is_news(key, None, value)}
        if style or layout:
            super().plotly_update(style, layout, list(traces), **options)

    def _is_news(self, key: str, traces: tuple[int, ...] | None, value: object) -> bool:
        told = self.__dict__.setdefault("_told", {})
        try:
            if (key, traces) in told and told[key, traces] == value:
                return False
        except ValueError:  # arrays do not compare as lists do
            pass
        for old in [old for old in told if _overlap(old, (key, traces))]:
            del told[old]
        told[key, traces] = value
        return True

    def _send_restyle_msg(self, *args, **options) -> None:
        self._told = {}
        super()._send_restyle_msg(*args, **options)

    def _send_relayout_msg(self, *args, **options) -> None:
        self._told = {}
        super()._send_relayout_msg(*args, **options)

    def _send_update_msg(self, restyle_data, relayout_data, trace_indexes=None, source_view_id=None):
        change = (restyle_data or {}, relayout_data or {}, self._normalize_trace_indexes(trace_indexes))
        if self._kept is not None:
            self._kept.append(change)
        elif self.heard is not None:
            self.heard |= _parts(*change)
        else:
            if self.restate:
                change = self._as_it_is(_parts(*change).union(self.restate))
            self._say(message(*change) | {"source_view_id": source_view_id})

    def say_again(self) -> None:
        """Tell the browser the parts that it may have drawn ahead, as they are."""
        if self.restate:
            self._say(message(*self._as_it_is(self.restate)))

    def _as_it_is(self, parts: Iterable[Part]) -> tuple[dict, dict, list[int]]:
        return grouped({part: self.read(part) for part in sorted(parts, key=repr)})

    def _say(self, told: dict) -> None:
        self._py2js_update = told
        self._py2js_update = None

    def read(self, part: Part) -> object:
        """Return the value of a part as JSON has it."""
        trace, key = part
        return json.loads(json.dumps((self.layout if trace is None else self.data[trace])[key], cls=PlotlyJSONEncoder))


def _parts(restyle: dict, relayout: dict, traces: Sequence[int]) -> set[Part]:
    """Return the parts that a change touches."""
    style = {
        (trace, key)
        for key, values in restyle.items()
        for at, trace in enumerate(traces)
        if not isinstance(values, list) or values[at % len(values)] is not Undefined
    }
    return style | {(None, key) for key in relayout}


def grouped(values: Mapping[Part, object]) -> tuple[dict, dict, list[int]]:
    """Return values by part as Plotly.update takes them: styles by key with a value for each trace, layout, traces."""
    traces = sorted({trace for trace, _ in values if trace is not None})
    style: dict[str, list] = {}
    for (trace, key), value in values.items():
        if trace is not None:
            style.setdefault(key, [Undefined] * len(traces))[traces.index(trace)] = value
    return style, {key: value for (trace, key), value in values.items() if trace is None}, traces


def message(restyle: dict, relayout: dict, traces: Sequence[int]) -> dict:
    """Return a change as the browser takes it; without numbers of its own, so that the same change is the same message."""
    return {
        "style_data": restyle,
        "layout_data": relayout,
        "style_traces": list(traces),
        "trace_edit_id": 0,
        "layout_edit_id": 0,
        "source_view_id": None,
    }


def _overlap(one: tuple, other: tuple) -> bool:
    """Return whether two changes, each a key with its traces (None: the layout), may touch the same value."""
    (key, traces), (key_2, traces_2) = one, other
    if (traces is None) != (traces_2 is None) or (traces is not None and not set(traces) & set(traces_2)):
        return False
    long, short = (key, key_2) if len(key) > len(key_2) else (key_2, key)
    return long == short or long.startswith((f"{short}.", f"{short}["))


@contextmanager
def at_once(fig: LiveFigure) -> Iterator[None]:
    """Send what ``plotly_update`` changes inside as one message: the browser draws the figure once, not once per change."""
    fig._kept = []
    try:
        yield
    finally:
        changes, fig._kept = fig._kept, None
        if changes:
            fig._send_update_msg(*_merged(changes))


def _merged(changes: list[tuple[dict, dict, list[int]]]) -> tuple[dict, dict, list[int]]:
    """Return several changes of traces and layout as one; a later value takes the place of an earlier one."""
    traces = sorted({index for *_, indexes in changes for index in indexes})
    restyle: dict[str, list] = {}
    relayout: dict = {}
    for style, layout, indexes in changes:
        relayout |= layout
        for key, values in style.items():
            row = restyle.setdefault(key, [Undefined] * len(traces))
            for position, index in enumerate(indexes):
                row[traces.index(index)] = values[position % len(values)] if isinstance(values, list) else values
    return restyle, relayout, traces


def figure(fig: go.Figure) -> LiveFigure:
    """Turn a drawn figure into a FigureWidget that sends nothing to a cloud and carries no second copy of its table.

    Draw first, then call this: what a FigureWidget is told between its making and its display does not reach the page.
    """
    fig.layout.meta = None
    _keep_axis_types(fig)
    # Unless told so, plotly measures every tick label at each change to see whether it sticks out; the margins have room.
    fig.layout.template.layout.update({f"{letter}axis": {"ticklabeloverflow": "allow"} for letter in "xy"})
    made = LiveFigure(fig)
    made._config = made._config | base.CONFIG
    return made


def _keep_axis_types(fig: go.Figure) -> None:
    """Put the type of the axes into the template: plotly drops an axis's own type at every new x or y and guesses it again."""
    for name, axes in (("xaxis", fig.select_xaxes()), ("yaxis", fig.select_yaxes())):
        types = {axis.type for axis in axes}
        if len(types) == 1 and None not in types:
            fig.layout.template.layout[name].type = types.pop()
