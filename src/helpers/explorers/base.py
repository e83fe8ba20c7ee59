"""What every explorer shares: labelled controls, status line, detail panel, and a static twin in the same output."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache

import ipywidgets as widgets
import pandas as pd
import plotly.graph_objects as go
import traitlets
from plotly.basedatatypes import Undefined
from plotly.serializers import custom_serializers
from plotly.utils import PlotlyJSONEncoder

from helpers.figures import base, controls
from helpers.figures.base import cut
from helpers.markup import ACTORS, esc, prose_date

ALL = "all"
Part = tuple[int | None, str]  # of a figure: a trace (None: the layout) and a key in it
# JupyterLab takes arrow keys from lists outside text boxes unless the focused element says otherwise, and ipywidgets can set
# neither roles nor labels. This small script mends both inside one explorer, and lets the figure fill its width.
_ACCESS = """
export default {
  render({ model, el }) {
    el.style.display = "none";
    const dress = (tries) => {
      const root = el.closest(".course-explorer");
      const [status, figure] = [".course-status", ".course-figure"].map((part) => root?.querySelector(part));
      if (!status || !figure) return void (tries && requestAnimationFrame(() => dress(tries - 1)));
      root.setAttribute("role", "group");
      root.setAttribute("aria-label", model.get("label"));
      root.addEventListener("focusin", (e) => e.target.setAttribute("data-lm-suppress-shortcuts", "true"));
      const near = () => (model.set("near", true), model.save_changes());
      ["focusin", "pointerenter"].forEach((event) => root.addEventListener(event, near, { once: true }));
      status.setAttribute("role", "status");
      status.setAttribute("aria-live", "polite");
      figure.setAttribute("role", "figure");
      figure.setAttribute("aria-label", model.get("label") + ". The line above says what is shown; the lists give every part of it.");
      root.querySelectorAll(".noUi-handle").forEach((handle) =>
        handle.setAttribute("aria-label", handle.closest(".widget-inline-hbox").querySelector("label").textContent));
      // The figure is drawn before it is on the page and then knows no width; plotly listens to the window alone.
      // Its scattered texts say nothing to the ear: the label stands for them, and only the buttons stay.
      new ResizeObserver(() => {
        const plot = figure.querySelector(".js-plotly-plot");
        plot?.querySelectorAll("svg.main-svg").forEach((svg) => svg.setAttribute("aria-hidden", "true"));
        if (plot?._fullLayout && Math.abs(plot._fullLayout.width - plot.clientWidth) > 1)
          window.dispatchEvent(new Event("resize"));
      }).observe(figure);
      hush();
    };
    const model_of = (name) => model.widget_manager.get_model(name.slice("IPY_MODEL_".length));
    // After each change a figure compares all its values with plotly's defaults and reports the difference; nobody reads it.
    const hush = async () => {
      const figure = await model_of(model.get("figure"));
      for (const view of Object.values(figure.views ?? {}))
        Object.assign(await view, { _sendTraceDeltas() {}, _sendLayoutDelta() {} });
    };
    dress(600);
  },
  // The kernel's drawings of the next steps: helpers/explorers/ahead.py says how they stay true.
  async initialize({ model }) {
    const model_of = (name) => model.widget_manager.get_model(name.slice("IPY_MODEL_".length));
    const figure = await model_of(model.get("figure"));
    const controls = await Promise.all(model.get("controls").map(model_of));
    const stands = (control) => control.get("index" in control.attributes ? "index" : "value");
    const read = figure.constructor.serializers?._py2js_update?.deserialize;
    let ahead = null;
    model.on("change:ahead", () => {
      const told = model.get("ahead");
      ahead = JSON.stringify(controls.map(stands)) == JSON.stringify(told.at) ? told : null;
    });
    let unanswered;
    figure.on("change:_py2js_update", () => ((ahead = null), clearTimeout(unanswered)));
    controls.forEach((control, number) => control.on("change:index change:value", () => {
      const step = ahead?.control == number && ahead.steps[JSON.stringify(stands(control))];
      ahead = null;
      // First the control tells the kernel, then this is drawn. A control moved on and back at once is no move for the kernel: it
      // gives no answer, and is asked what the figure shows.
      if (step && read) queueMicrotask(() => {
        figure.set_state({ _py2js_update: read(step) });
        unanswered = setTimeout(() => model.send({ again: true }), 500);
      });
    }));
  },
};
"""
_PROSE = (
    ".course-prose { line-height: 1.45 } "
    ".course-prose a { color: var(--jp-content-link-color, #1a5fb4); text-decoration: underline } "
    ".course-figure { overflow-x: auto } .course-figure .js-plotly-plot { min-width: 640px }"
)
AFTER = 0.1  # seconds; a figure is repainted some 60 ms after its change was sent
_REPORTS = {"_js2py_traceDeltas", "_js2py_layoutDelta"}
_STYLE = {"description_width": "76px"}


@dataclass
class Explorer:
    """An explorer's parts by name, for tests and for a student who wants to drive it from a cell.

    `controls` are ipywidgets by name; `figure` is the FigureWidget, `twin` the static figure that stands for it where no kernel runs.
    """

    controls: dict[str, widgets.Widget]
    figure: go.FigureWidget
    status: widgets.HTML
    detail: widgets.HTML
    twin: go.Figure
    label: str
    widget: widgets.Widget = field(init=False)
    access: widgets.Widget = field(init=False)

    def __post_init__(self) -> None:
        short = [w for w in self.controls.values() if not isinstance(w, widgets.Select)]
        long = [w for w in self.controls.values() if isinstance(w, widgets.Select)]
        row = widgets.Box(short, layout={"flex_flow": "row wrap", "align_items": "flex-start"})
        self.status.add_class("course-status")
        figure = widgets.VBox([self.figure])
        figure.add_class("course-figure")
        self.access = access(self.label, self.figure, list(settable(self.controls).values()))
        self.widget = widgets.VBox([row, self.status, figure, *long, self.detail, self.access])
        self.widget.add_class("course-explorer")
        if not hidden():
            present(self.widget, self.twin)

    def _ipython_display_(self) -> None:
        """Show nothing: the explorer is already on the page when the call that made it returns."""


def settable(controls: Mapping[str, widgets.Widget]) -> dict[str, widgets.Widget]:
    """Return the controls that hold a value: all but buttons."""
    return {name: control for name, control in controls.items() if control.has_trait("value")}


_HIDDEN: ContextVar[bool] = ContextVar("hidden", default=False)


def hidden() -> bool:
    """Say whether explorers are being made that nobody shall see."""
    return _HIDDEN.get()


@contextmanager
def unseen() -> Iterator[None]:
    """Make explorers that are not shown and of which the browser hears nothing."""
    token, opened = _HIDDEN.set(True), widgets.Widget.open
    widgets.Widget.open = lambda self: None
    try:
        with controls.left_out():
            yield
    finally:
        widgets.Widget.open = opened
        _HIDDEN.reset(token)


def access(label: str, figure: go.FigureWidget, controls: list[widgets.Widget]) -> widgets.Widget:
    """Return the invisible part that makes an explorer a named group, lets its lists obey the keyboard and its status line speak.

    It also draws the steps that the kernel has drawn ahead (`ahead`).
    """
    return _access_class()(label=label, figure=figure, controls=controls)


@cache
def _access_class() -> type:
    import anywidget

    class Access(anywidget.AnyWidget):
        _esm = _ACCESS
        _css = _PROSE  # once a page: a style element in each new text would make the browser style the whole page anew
        label = traitlets.Unicode().tag(sync=True)
        figure = traitlets.Instance(widgets.Widget).tag(sync=True, **widgets.widget_serialization)
        controls = traitlets.List().tag(sync=True, **widgets.widget_serialization)
        ahead = traitlets.Dict().tag(sync=True, **custom_serializers)
        near = traitlets.Bool(False).tag(sync=True)  # somebody has come with the pointer or the keyboard

    return Access


def present(widget: widgets.Widget, twin: go.Figure) -> None:
    """Publish a widget and its static twin as one output; outside a notebook do nothing."""
    from IPython import get_ipython
    from IPython.display import display

    if get_ipython() is not None:
        display(bundle(widget, twin), raw=True)


def bundle(widget: widgets.Widget, twin: go.Figure) -> dict:
    """Return the mime bundle of an explorer: live widget, twin as plotly figure, and the twin in words (HTML and text)."""
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {
        "application/vnd.jupyter.widget-view+json": view,
        **base.mimebundle(twin),
        "text/html": base.details_html(twin),
    }


class AfterPicture:
    """Mixin for a widget of words or options: what changes in it reaches the browser when the figure has been redrawn.

    Lists and paragraphs that arrive with the figure's change are laid out before the browser paints, and the picture waits for
    them. The widget's own values change at once; only the message waits. Changes within the wait go out as one.
    """

    _waiting: asyncio.TimerHandle | None = None

    def send_state(self, key=None) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a script or a test: nobody is looking
            return super().send_state(key)
        keys = set(self.keys) if key is None else {key} if isinstance(key, str) else set(key)
        self._unsent = getattr(self, "_unsent", set()) | keys
        if self._waiting is None:
            self._waiting = loop.call_later(AFTER, self._send_unsent)

    def _send_unsent(self) -> None:
        keys, self._unsent, self._waiting = self._unsent, set(), None
        if self.comm is not None:
            super().send_state(keys)


class LateHTML(AfterPicture, widgets.HTML):
    pass


class LateSelect(AfterPicture, widgets.Select):
    pass


class LiveFigure(go.FigureWidget):
    """A FigureWidget that can keep changes back and send them as one (see `at_once`), and that is not told what it drew.

    After each change the browser reports every default that plotly filled in, some kilobytes, and the kernel sends the report
    back. Nothing here asks for a default, so the reports are dropped.
    """

    _kept: list | None = None
    # Where a double (ahead.py) notes which parts changed, instead of sending them.
    heard: set[Part] | None = None
    restate: Sequence = ()  # parts that the browser may have drawn ahead: each answer states them anew
    # The browser reads these once, when it first draws; FigureWidget sends both before each change, as messages of their own.
    _last_layout_edit_id = traitlets.Integer(0)
    _last_trace_edit_id = traitlets.Integer(0)

    def set_state(self, sync_data: dict) -> None:
        super().set_state({key: value for key, value in sync_data.items() if key not in _REPORTS})

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
        "style_data": restyle | {"_doNotReportToPy": True},
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
def at_once(figure: LiveFigure) -> Iterator[None]:
    """Send what ``plotly_update`` changes inside as one message: the browser draws the figure once, not once per change."""
    figure._kept = []
    try:
        yield
    finally:
        changes, figure._kept = figure._kept, None
        if changes:
            figure._send_update_msg(*_merged(changes))


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


def live(fig: go.Figure) -> go.FigureWidget:
    """Turn a drawn figure into a FigureWidget that sends nothing to a cloud and carries no second copy of its table.

    Draw first, then call this: what a FigureWidget is told between its making and its display does not reach the page.
    """
    fig.layout.meta = None
    _keep_axis_types(fig)
    # Unless told so, plotly measures every tick label at each change to see whether it sticks out; the margins have room.
    fig.layout.template.layout.update({f"{letter}axis": {"ticklabeloverflow": "allow"} for letter in "xy"})
    figure = LiveFigure(fig)
    figure._config = figure._config | base.CONFIG
    return figure


def _keep_axis_types(fig: go.Figure) -> None:
    """Put the type of the axes into the template: plotly drops an axis's own type at every new x or y and guesses it again."""
    for name, axes in (("xaxis", fig.select_xaxes()), ("yaxis", fig.select_yaxes())):
        types = {axis.type for axis in axes}
        if len(types) == 1 and None not in types:
            fig.layout.template.layout[name].type = types.pop()


def dropdown(label: str, options: Iterable[tuple[str, str]], width: str = "300px") -> widgets.Dropdown:
    """Return a labelled drop-down list of (shown, value) pairs; the first is chosen."""
    return widgets.Dropdown(options=list(options), description=label, style=_STYLE, layout={"width": width})


def number(label: str, value: int, low: int, high: int) -> widgets.BoundedIntText:
    """Return a labelled number box that holds whole numbers from `low` to `high`."""
    return widgets.BoundedIntText(
        value=value, min=low, max=high, description=label, style=_STYLE, layout={"width": "170px"}
    )


def choice_list(label: str, options: Iterable[tuple[str, str]], rows: int = 7) -> widgets.Select:
    """Return a labelled list for one choice, none chosen at first."""
    return LateSelect(
        options=list(options), value=None, rows=rows, description=label, style=_STYLE, layout={"width": "98%"}
    )


def choices(label: str, options: Iterable[tuple[str, str]], width: str, rows: int = 6) -> widgets.SelectMultiple:
    """Return a labelled list for several choices (Ctrl or Shift with the arrow keys), all chosen at first."""
    pairs = list(options)
    values = [value for _, value in pairs]
    return widgets.SelectMultiple(
        options=pairs, value=values, rows=rows, description=label, style=_STYLE, layout={"width": width}
    )


def search_box(label: str) -> widgets.Text:
    """Return a labelled box for words to search."""
    return widgets.Text(description=label, style=_STYLE, layout={"width": "300px"})


def panel(html: str) -> widgets.HTML:
    """Return the detail panel with a first sentence."""
    return LateHTML(readable(html), layout={"border": "1px solid #BBBBBB", "padding": "4px 12px", "width": "98%"})


def readable(html: str) -> str:
    """Return HTML as prose in a widget: JupyterLab gives it the line height of buttons and links that look like text."""
    return f'<div class="course-prose">{html}</div>'


def status_line() -> widgets.HTML:
    """Return the line that says in words what is shown; screen readers announce its changes."""
    return LateHTML()


def tell(line: widgets.HTML, sentence: str) -> None:
    """Put a sentence into a status line."""
    line.value = esc(sentence)


def counted(column: pd.Series, everything: str, names: dict[str, str] | None = None) -> list[tuple[str, str]]:
    """Return options for the values of a column (tuples count each member), most frequent first, after one for all."""
    counts = column.explode().dropna().value_counts()
    names = names or {}
    shown = [(f"{names.get(v) or v.replace('_', ' ')} ({n})", v) for v, n in counts.items()]
    return [(everything, ALL), *shown]


def actor_options(claims: pd.DataFrame) -> list[tuple[str, str]]:
    """Return options for the actors of claims."""
    return counted(claims["actors"], "all actors", ACTORS)


def claim_options(claims: pd.DataFrame) -> list[tuple[str, str]]:
    """Return one option per claim: key, date and the beginning of the sentence."""
    return [
        (f"{c.claim_id}  {prose_date(c.date, c.date_end, c.date_precision)}:  {cut(c.claim, 90)}", c.claim_id)
        for c in claims.itertuples()
    ]


def offer(select: widgets.Select, options: list[tuple[str, str]], handler: Callable) -> None:
    """Give a list new options in one message, and keep its choice where it is still among them.

    `handler` observes the list's value; it is called once at the end, and only when the choice was lost.
    """
    if tuple(options) == select.options:
        return
    chosen = select.value
    keep = chosen if chosen in {value for _, value in options} else None
    select.unobserve(handler, "value")
    with select.hold_sync():
        select.value = None
        select.options = options
        select.value = keep
    select.observe(handler, "value")
    if keep != chosen:
        handler(None)
