"""How long an explorer takes from a moved control to its repainted figure, in the lesson, in JupyterLab, in Chromium.

What is measured. A key is pressed on a control (a trusted key event). The clock starts with that event's own time stamp. It stops
after the last change inside the figure's element (plotly says when it has drawn, and a MutationObserver sees what comes, goes or is
worded anew; to watch all attributes too would itself take up to a tenth of the time), plus the next animation frame, plus
a task queued behind that frame: style, layout and paint of the last change are then done. "Last" means that
0.12 seconds passed without another change, so a figure that is drawn twice is timed to its second drawing.

What it is compared with. In the same lesson, in the cell after the explorer, the usual way: `interact` on the same controls, which
shows the figure in the same state with `Figure.show()` at each move. Both are moved by the same keys in turn, so that
other programs on the machine disturb both alike. The rival is spared the explorer's status line, detail panel and long lists.

The kernel's share is the processor time that its thread spends on the messages of a move: the control's, and what the figure
reports back after drawing.
"""

from __future__ import annotations

import ast
import json
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

MOVES, LEAST = 48, 8
_ALIAS = "explore"
_KEYS = {"select": ("ArrowUp", "ArrowDown"), "number": ("ArrowDown", "ArrowUp"), "slider": ("ArrowLeft", "ArrowRight")}
WATCH = """
window.course = {
  start(root) {
    const seen = (this.seen = { began: null, answered: null, painted: null });
    this.stop?.();
    const down = (event) => (seen.began ??= event.timeStamp);
    const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const heard = (_, message) => {
      if (message.header.msg_type == "status" && message.content.execution_state == "idle" && seen.began !== null)
        seen.answered = performance.now();
    };
    kernel.iopubMessage.connect(heard);
    const changed = () => {
      if (seen.began === null) return;
      seen.painted = Infinity;
      requestAnimationFrame(() => {
        const behind = new MessageChannel();
        behind.port1.onmessage = () => (seen.painted = performance.now());
        behind.port2.postMessage(null);
      });
    };
    const observer = new MutationObserver(changed);
    observer.observe(root, { subtree: true, childList: true, characterData: true });
    const plot = root.querySelector(".js-plotly-plot");
    plot?.on("plotly_afterplot", changed);
    document.addEventListener("keydown", down, true);
    this.stop = () => {
      observer.disconnect();
      plot?.removeListener("plotly_afterplot", changed);
      document.removeEventListener("keydown", down, true);
      kernel.iopubMessage.disconnect(heard);
    };
  },
  async settled(quiet, patience) {
    const seen = this.seen, end = performance.now() + patience;
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      const now = performance.now();
      if (seen.painted === null ? seen.answered ? now - seen.answered > 2 * quiet : now > end : now - seen.painted > quiet) break;
    }
    this.stop();
    return seen.painted === null ? null : seen.painted - seen.began;
  },
};
"""
_EXECUTE = """async (code) => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const future = kernel.requestExecute({ code, store_history: false });
  let said = "", error = "";
  future.onIOPub = (message) => {
    if (message.header.msg_type == "stream" && message.content.name == "stdout") said += message.content.text;
    if (message.header.msg_type == "error") error = message.content.ename + ": " + message.content.evalue;
  };
  await future.done;
  return [said, error];
}"""


# JupyterLab takes arrow keys away from a list in an output unless it is marked; the rival's must be, the explorers do it themselves.
_FOCUS = "e => (e.setAttribute('data-lm-suppress-shortcuts', 'true'), e.focus({preventScroll: true}))"


@dataclass
class Latency:
    """One explorer's times in milliseconds. `problem` says why there are none."""

    lesson: str
    explorer: str
    moves: dict[str, list[float]] = field(default_factory=dict)
    rival: dict[str, list[float]] = field(default_factory=dict)
    kernel: list[float] = field(default_factory=list)
    problem: str = ""

    @property
    def all_moves(self) -> list[float]:
        return [took for times in self.moves.values() for took in times]

    def compared(self) -> tuple[list[float], list[float]]:
        """Return the times of explorer and rival over the controls that both have."""
        labels = [label for label, times in self.rival.items() if times and self.moves[label]]
        return tuple([took for label in labels for took in each[label]] for each in (self.moves, self.rival))


def percentile(times: list[float], part: float) -> float:
    """Return the value that `part` (0 to 1) of the times do not exceed."""
    return sorted(times)[max(0, -(-round(part * 100) * len(times) // 100) - 1)]


def rows(result: Latency) -> list[tuple[str, str, str, bool | None]]:
    """Return what the bench prints of one explorer: name, measured, target, and whether it was met."""
    name = f"{result.explorer} ({result.lesson[:2]}), moved to repainted"
    if result.problem:
        return [(name, f"not measured: {result.problem}", "<= 70 ms", None)]
    times, (ours, theirs) = result.all_moves, result.compared()
    late, kernel = percentile(times, 0.95), percentile(result.kernel, 0.95)
    ratio = statistics.median(theirs) / statistics.median(ours)
    against = f"{ratio:.1f}x faster ({summary(theirs)})"
    return [
        (name, f"{summary(times)}, {len(times)} moves", "p95 <= 70", late <= 70),
        ("  against interact", against, ">= 2x", ratio >= 2),
        ("  the kernel's share", summary(result.kernel), "p95 <= 15", kernel <= 15),
    ]


def summary(times: list[float]) -> str:
    return f"{statistics.median(times):.0f}, p95 {percentile(times, 0.95):.0f} ms"


def measure(notebooks_dir: str | Path, data_dir: str | Path, only: str | None = None) -> Iterator[Latency]:
    """Measure every explorer that the lessons show, one after another; `only` is a part of a lesson's or explorer's name.

    Needs Playwright and Chromium (see `helpers.browser`).
    """
    from playwright.sync_api import sync_playwright

    from helpers import browser

    with tempfile.TemporaryDirectory() as folder:
        notebooks = Path(folder, "notebooks")
        shutil.copytree(notebooks_dir, notebooks, ignore=shutil.ignore_patterns(".*"))
        shutil.copytree(data_dir, Path(folder, "data"), ignore=shutil.ignore_patterns("__pycache__"))
        lessons = {path: calls for path in sorted(notebooks.glob("[0-9]*.ipynb")) if (calls := prepare(path, only))}
        with browser.jupyterlab(folder) as lab, sync_playwright() as session:
            chromium = session.chromium.launch(executable_path=browser.chromium(), args=browser.ARGS)
            for path, calls in lessons.items():
                page = chromium.new_page(viewport=browser.VIEWPORT)
                page.add_init_script(WATCH)
                browser.open_lesson(page, lab, f"notebooks/{path.name}")
                errors = browser.run_all(page)
                for number, call in calls.items():
                    yield measure_one(page, Latency(path.stem, name_of(call), problem="; ".join(errors[:1])), number)
                page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
                page.close()
            chromium.close()


def prepare(path: Path, only: str | None = None) -> dict[int, str]:
    """Put the rival's cell behind each cell of a notebook that shows an explorer; returns the explorers' cells and calls."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells, calls = [], {}
    for cell in notebook["cells"]:
        cells.append(cell)
        if cell["cell_type"] != "code":
            continue
        cell["metadata"].setdefault("tags", []).append("raises-exception")  # one that fails must not stop the others
        call = explorer_call("".join(cell["source"]))
        if call and (only is None or only in call or only in path.stem):
            calls[len(cells) - 1] = call
            source = f"from helpers import latency\nlatency.rival(lambda: {call})"
            cells.append(
                {**cell, "id": f"rival-{len(cells)}", "source": source, "outputs": [], "execution_count": None}
            )
    path.write_text(json.dumps(notebook | {"cells": cells}), encoding="utf-8")
    return calls


def explorer_call(source: str) -> str | None:
    """Return the first call of the form ``explore.name(…)`` in a cell, or None."""
    for node in ast.walk(ast.parse("".join(line for line in source.splitlines(True) if line[:1] not in "%!"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id == _ALIAS:
                return ast.unparse(node)
    return None


def name_of(call: str) -> str:
    return call.removeprefix(f"{_ALIAS}.").partition("(")[0]


def measure_one(page, result: Latency, number: int) -> Latency:
    """Move the controls of the explorer in cell `number` of the open lesson, and of its rival in the next cell."""
    ours, theirs = (page.locator(".jp-Notebook .jp-Cell").nth(n) for n in (number, number + 1))
    try:
        specs = controls(page, number)
    except LookupError as problem:
        result.problem = result.problem or str(problem)
        return result
    result.problem = ""
    execute(page, "from helpers import latency; latency.clock_on()")
    number = max(LEAST, -(-MOVES // len(specs)))
    for spec in specs:
        here = Mover(page, ours, ".course-figure", spec)
        there = Mover(page, theirs, ".widget-output", spec) if spec["rival"] else None
        for part in (number // 2, number - number // 2):
            here.show()
            execute(page, "from helpers import latency; latency.kernel_times()")
            result.moves.setdefault(spec["label"], []).extend(here.moves(part))
            result.kernel += json.loads(execute(page, "from helpers import latency; latency.kernel_times()"))
            if there:
                execute(page, "from helpers import latency; latency.kernel_times()")
                there.show()
                result.rival.setdefault(spec["label"], []).extend(there.moves(part))
        execute(page, "from helpers import latency; latency.restore()")
    if not all(result.compared()):
        result.problem = "no repaint was seen"
    return result


def controls(page, number: int) -> list[dict]:
    """Return the controls by which keys change the figure of the explorer in cell `number` of the open lesson, as `described`.

    Raises LookupError when there is no explorer, or none such.
    """
    model = model_of(page, number)
    if not model:
        raise LookupError("the cell shows no explorer")
    specs = json.loads(execute(page, f"from helpers import latency; latency.describe({model!r})"))
    if not specs:
        raise LookupError("no control that keys move changes the figure")
    return specs


def model_of(page, number: int) -> str | None:
    """Return the id of the widget that cell `number` of the open lesson shows."""
    return page.evaluate(
        "n => jupyterapp.shell.currentWidget.content.widgets[n].model.outputs.toJSON()"
        ".map(o => o.data?.['application/vnd.jupyter.widget-view+json']?.model_id).find(Boolean)",
        number,
    )


class Mover:
    """One control, moved to and fro by the keyboard."""

    def __init__(self, page, cell, figure: str, spec: dict):
        self.page, self.spec = page, spec
        label = page.locator("label.widget-label").filter(has_text=spec["label"])
        widget = cell.locator(".jupyter-widgets.widget-inline-hbox", has=label).first
        self.handle = widget.locator("select, input, .noUi-handle").first
        self.figure = cell.locator(figure).first
        self.place, self.direction = spec["place"], 1

    def show(self) -> None:
        """Bring the figure into view, give the control the focus, and let both come to rest with a first pair of moves."""
        from helpers.browser import show

        show(self.figure)
        self.handle.evaluate(_FOCUS)
        self.moves(2)

    def moves(self, number: int) -> list[float]:
        """Press a key `number` times; returns the milliseconds of each press that repainted the figure."""
        root, took = self.figure.element_handle(), []
        for _ in range(number):
            if not 0 <= self.place + self.direction <= self.spec["room"]:
                self.direction = -self.direction
            self.place += self.direction
            self.page.evaluate("root => window.course.start(root)", root)
            self.page.keyboard.press(_KEYS[self.spec["kind"]][self.direction > 0])
            took.append(self.page.evaluate("window.course.settled(120, 1500)"))
        return [each for each in took if each is not None]


def execute(page, code: str) -> str:
    said, error = page.evaluate(_EXECUTE, code)
    if error:
        raise RuntimeError(f"the lesson's kernel could not run {code!r}: {error}")
    return said


# What follows runs in the lesson's kernel.


def rival(make: Callable) -> None:
    """Show what an explorer is compared with: `interact` on its controls, drawing its figure anew at each move.

    `make` makes the explorer. Its other widgets are closed and send nothing; its figure is only kept up to date.
    """
    import ipywidgets as widgets
    import plotly.graph_objects as go

    with unseen():
        explorer = make()
    names = [name for name, spec in movers(explorer).items() if spec["rival"]]
    kept = {name: explorer.controls[name] for name in names}
    for widget in [explorer.widget, explorer.figure, explorer.status, explorer.detail, *explorer.controls.values()]:
        if widget not in kept.values():
            widget.close()

    def redraw(**_values) -> None:
        go.Figure(explorer.figure).show()

    widgets.interact(redraw, **kept)


@contextmanager
def unseen() -> Iterator[None]:
    from helpers.explorers import base

    shown, base.present = base.present, lambda *_: None
    try:
        yield
    finally:
        base.present = shown


def describe(model_id: str) -> None:
    """Print as JSON the controls by which keys change the figure of the explorer whose widget has this id."""
    import gc

    from helpers.explorers.base import Explorer

    shown = [e for e in gc.get_objects() if isinstance(e, Explorer) and e.widget.comm is not None]
    print(json.dumps(list(movers(next(e for e in shown if e.widget.model_id == model_id)).values())))


def movers(explorer) -> dict[str, dict]:
    """Return by name the controls whose next value changes the figure, as `described`.

    `rival` is true for those that `interact` gets too: all but the long lists, which an explorer fills anew at each move of
    another control, unless the list is the control that counts.
    """
    import ipywidgets as widgets

    _START.update((control, control.value) for control in explorer.controls.values() if hasattr(control, "value"))
    specs = {name: spec for name, control in explorer.controls.items() if (spec := described(control))}
    specs = {name: spec for name, spec in specs.items() if changes(explorer, explorer.controls[name])}
    lists = {name for name in specs if isinstance(explorer.controls[name], widgets.Select)}
    spared = lists if len(specs) - len(lists) > 1 else set()
    return {name: spec | {"rival": name not in spared} for name, spec in specs.items()}


def described(control) -> dict | None:
    """Return how keys move a control: its label, kind, its place among `room` + 1 places; None where they do not."""
    import ipywidgets as widgets

    spec = {"label": control.description}
    if isinstance(control, widgets.Dropdown | widgets.Select):
        place = -1 if control.index is None else control.index
        return spec | {"kind": "select", "place": place, "room": min(len(control.options) - 1, 12)}
    if isinstance(control, widgets.SelectMultiple):
        return spec | {"kind": "select", "place": 0, "room": min(len(control.options) - 1, 12)}
    if isinstance(control, widgets.BoundedIntText):
        return spec | {"kind": "number", "place": control.value - control.min, "room": control.max - control.min}
    if isinstance(control, widgets.IntSlider | widgets.FloatSlider):
        place, room = ((v - control.min) / control.step for v in (control.value, control.max))
        return spec | {"kind": "slider", "place": round(place), "room": round(room)}
    return None


def changes(explorer, control) -> bool:
    """True if one of the control's next values changes the figure by itself; all that was described is set back.

    A filter that changes it only by taking the chosen item from a list does not count: it does so once and then never again.
    """
    before, lists = explorer.figure.to_json(), [c for c in _START if hasattr(c, "options") and c is not control]
    for other in neighbours(control):
        chosen = [each.value for each in lists]
        control.value = other
        changed = explorer.figure.to_json() != before and [each.value for each in lists] == chosen
        restore()
        if changed:
            return True
    return False


def neighbours(control) -> list:
    import ipywidgets as widgets

    if isinstance(control, widgets.SelectMultiple):
        return [control.options[0][1:] if isinstance(control.options[0], tuple) else (control.options[0],)]
    if hasattr(control, "options"):
        values = [o[1] if isinstance(o, tuple) else o for o in control.options]
        return [v for v in values if v != control.value][:3]
    step = getattr(control, "step", 1) or 1
    return [v for v in (control.value + step, control.value - step) if control.min <= v <= control.max]


_TIMES: list[tuple[str, float]] = []
_START: dict = {}


def restore() -> None:
    """Set every control that was described back to where it stood, a list after the filters that fill it."""
    for control, value in _START.items():
        if control.comm is not None:
            control.value = value


def clock_on() -> None:
    """Time every message of a widget that this kernel handles, from now on."""
    import time

    from IPython import get_ipython

    handlers = get_ipython().kernel.shell_handlers
    handle = handlers["comm_msg"]
    if getattr(handle, "timed", False):
        return

    def timed(stream, ident, message):
        began = time.thread_time()
        try:
            return handle(stream, ident, message)
        finally:
            _TIMES.append((message["content"]["comm_id"], 1000 * (time.thread_time() - began)))

    timed.timed = True
    handlers["comm_msg"] = timed


def kernel_times() -> None:
    """Print as JSON the milliseconds per move since the last call, and forget them."""
    import ipywidgets as widgets

    moves: list[float] = []
    for comm_id, took in _TIMES:
        control = isinstance(widgets.widget._instances.get(comm_id), widgets.ValueWidget)
        if control or not moves:
            moves.append(took)
        else:
            moves[-1] += took
    _TIMES.clear()
    print(json.dumps(moves))
