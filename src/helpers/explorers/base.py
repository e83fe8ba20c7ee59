"""What every explorer shares: labelled controls, status line, detail panel, and a static twin in the same output."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache

import ipywidgets as widgets
import pandas as pd
import plotly.graph_objects as go
import traitlets
from plotly.serializers import custom_serializers

from helpers.figures import base, controls
from helpers.figures.base import cut
from helpers.markup import ACTORS, esc, prose_date

ALL = "all"
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
    };
    dress(600);
  },
  // The kernel's drawings of the next steps: helpers/explorers/ahead.py says how they stay true.
  async initialize({ model }) {
    const model_of = (name) => model.widget_manager.get_model(name.slice("IPY_MODEL_".length));
    const figure = await model_of(model.get("figure"));
    const controls = await Promise.all(model.get("controls").map(model_of));
    const stands = (control) => control.get("index" in control.attributes ? "index" : "value");
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
      if (step) queueMicrotask(() => {
        figure.set_state({ _py2js_update: step });
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
