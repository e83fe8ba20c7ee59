"""Look ahead: while nobody moves anything, draw the next steps of the control moved last, and let the browser hold them.

A moved control waits some twenty milliseconds for the kernel's answer. With the answer at hand the browser draws at once; the
kernel's own answer comes after it, is the same, and changes nothing.

How it stays true:

* The steps are drawn by a second explorer, its double, made like the first, that nobody sees. Before each look its controls are set as the
  shown one's are; unless its figure then is the shown one's to the letter, the browser gets nothing.
* The browser keeps steps only if all controls stand where they stood when the steps were drawn, takes one at most, and forgets
  them at the next change of any control or of the figure.
* The kernel answers every move as if there were no steps, and its answer states anew whatever a step may have changed. Where no
  answer comes, the browser asks for one.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets as widgets
import numpy as np
from plotly.utils import PlotlyJSONEncoder

from helpers.explorers import base, live

_WAIT = base.AFTER + 0.01  # seconds after the last move: the words have been sent
_LARGEST = 500_000  # characters of all steps together


def looking(make: Callable[..., base.Explorer]) -> Callable[..., base.Explorer]:
    """Decorate a function that makes an explorer: the explorer then looks ahead."""

    @functools.wraps(make)
    def made(*args: Any, **options: Any) -> base.Explorer:
        explorer = make(*args, **options)
        if not base.hidden():
            Ahead(explorer, lambda: make(*args, **options))
        return explorer

    return made


class Ahead:
    """Watches one explorer's controls; `make` makes another explorer like it."""

    def __init__(self, explorer: base.Explorer, make: Callable[[], base.Explorer]):
        self._explorer, self._make = explorer, make
        self._double: base.Explorer | None = None
        self._timer: asyncio.TimerHandle | None = None
        for name, control in base.settable(explorer.controls).items():
            control.observe(functools.partial(self._moved, name), "value")
        explorer.access.observe(self._prepare, "near")
        explorer.access.on_msg(lambda *_: explorer.figure.say_again())

    def _prepare(self, _change: object = None) -> None:
        """Make the double: when somebody comes near, before the first move, since it takes up to a second."""
        if self._double is None:
            with base.unseen():
                self._double = self._make()

    def _moved(self, name: str, change: Any) -> None:
        if self._timer:
            self._timer.cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a script or a test: nobody is looking
            return
        self._timer = loop.call_later(_WAIT, self._look, name, change.old)

    def _look(self, name: str, came_from: object) -> None:
        if self._explorer.access.comm is not None:
            try:
                self.look(name, came_from)
            except Exception:  # what only saves time must not put an error into a lesson; the tests call `look`
                logging.getLogger(__name__).debug("no look ahead", exc_info=True)

    def look(self, name: str, came_from: object = None) -> dict | None:
        """Draw what the control `name` shows one step on and one step back, and send it; None if there is nothing to send.

        The step away from `came_from` is drawn and sent first.
        """
        shown, controls = self._explorer, base.settable(self._explorer.controls)
        self._prepare()
        if not self._follow():
            return None
        figure, control = self._double.figure, self._double.controls[name]
        places = [control_state(each) for each in controls.values()]
        own: dict[str, dict[live.Part, object]] = {}
        parts: set[live.Part] = set()
        found = None
        for value in sorted(steps(control), key=lambda value: value == came_from):
            with listening(figure) as changed:
                control.value = value
            parts |= changed
            if not changed:
                continue
            own[json.dumps(control_state(control))] = {part: figure.read(part) for part in parts}
            before = {part: shown.figure.read(part) for part in sorted(parts, key=repr)}
            messages = {place: live.message(*live.grouped(before | step)) for place, step in own.items()}
            if len(json.dumps(messages, default=str)) > _LARGEST:
                break
            shown.figure.restate = list(before)
            shown.access.ahead = found = {"at": places, "control": list(controls).index(name), "steps": messages}
        return found

    def _follow(self) -> bool:
        """Set the double's controls as the shown explorer's; False if its figure then is another one."""
        for name, control in base.settable(self._explorer.controls).items():
            mine = self._double.controls[name]
            if mine.value != control.value:
                try:
                    mine.value = control.value
                except Exception:  # a choice that the double does not offer
                    return False
        return state(self._double.figure) == state(self._explorer.figure)


def steps(control: widgets.Widget) -> list:
    """Return the values one step on and one step back from where a control stands; none from a choice of several."""
    if isinstance(control, widgets.SelectMultiple):
        places = [n + by for n in control.index for by in (1, -1)] if len(control.index) == 1 else []
        return [control.options[n][1:] for n in places if 0 <= n < len(control.options)]
    if isinstance(control, widgets.Dropdown | widgets.Select):
        values = [o[1] if isinstance(o, tuple) else o for o in control.options]
        place = -1 if control.index is None else control.index
        return [values[n] for n in (place + 1, place - 1) if 0 <= n < len(values)]
    if isinstance(control, widgets.BoundedIntText | widgets.IntSlider | widgets.FloatSlider):
        return [
            v for v in (control.value + control.step, control.value - control.step) if control.min <= v <= control.max
        ]
    return []


def control_state(control: widgets.Widget) -> object:
    """Return what the browser knows of where a control stands."""
    state = control.index if hasattr(control, "index") else control.value
    if isinstance(state, float) and state.is_integer():
        return int(state)  # as JavaScript writes it
    return list(state) if isinstance(state, tuple) else state


@contextmanager
def listening(figure: live.LiveFigure) -> Iterator[set[live.Part]]:
    """Collect the parts of a figure that change inside."""
    parts: set[live.Part] = set()
    figure.heard = parts
    try:
        yield parts
    finally:
        figure.heard = None


def state(figure: live.LiveFigure) -> str:
    """Return all that a figure shows, as text; without what the browser adds to it, names of traces and that it fills its place."""
    traces = [{key: value for key, value in trace.items() if key != "uid"} for trace in figure._data]
    layout = {key: value for key, value in figure._layout.items() if key != "autosize"}
    return json.dumps([traces, layout], cls=_Exact, sort_keys=True)


class _Exact(PlotlyJSONEncoder):
    """Plotly's, but for arrays of numbers: their bytes say the same, in a tenth of the time."""

    def default(self, o: object) -> object:
        if isinstance(o, np.ndarray) and o.dtype != object:
            return [str(o.dtype), o.shape, o.tobytes().hex()]
        return super().default(o)
