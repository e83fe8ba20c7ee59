"""What the browser draws ahead of the kernel is what the kernel then answers, for every explorer and control."""

import json
from pathlib import Path

import plotly.graph_objects as go
import pytest

from helpers import evidence
from helpers import explorers as explore
from helpers.explorers import ahead, base, live

NAMES = [name for name in explore.__all__ if name != "base"]


@pytest.fixture(scope="module")
def ev():
    return evidence.load(Path(__file__).parent.parent / "data")


def text(message: dict) -> str:
    return json.dumps(message, default=str, sort_keys=True)


@pytest.mark.parametrize("name", NAMES)
def test_each_step_is_the_message_that_the_kernel_sends_when_it_is_taken(ev, name):
    make = getattr(explore, name)
    explorer, taken = make(ev), 0
    watcher = ahead.Ahead(explorer, lambda: make(ev))
    answers = []
    explorer.figure.observe(lambda change: change.new and answers.append(change.new), "_py2js_update")
    for control_name, control in base.settable(explorer.controls).items():
        for _ in range(3):
            found = watcher.look(control_name)
            if found is None:
                break
            assert found["at"] == [ahead.control_state(c) for c in base.settable(explorer.controls).values()]
            values = {json.dumps(place_of(control, value)): value for value in ahead.steps(control)}
            place, step = next(iter(found["steps"].items()))
            answers.clear()
            control.value = values[place]
            assert [text(answer) for answer in answers] == [text(step)], (control_name, place)
            taken += 1
    assert taken, "no control of this explorer looks ahead"


def place_of(control, value):
    """Where a control would stand with this value, as the browser has it."""
    if not hasattr(control, "index"):
        return int(value) if float(value).is_integer() else value
    values = [option[1] if isinstance(option, tuple) else option for option in control.options]
    return values.index(value)


def test_plotlys_front_end_is_the_one_that_we_know_how_to_make_leaner():
    own, text = str(live.LiveFigure._esm), str(go.FigureWidget._esm)
    assert own.startswith(text) and "View.prototype" in own[len(text) :]


def test_a_figure_that_somebody_changed_gets_no_steps(ev):
    explorer = explore.timeline(ev)
    watcher = ahead.Ahead(explorer, lambda: explore.timeline(ev))
    assert watcher.look("status")["steps"]
    explorer.figure.layout.title.text = "Mine"
    assert watcher.look("status") is None


def test_the_double_is_neither_shown_nor_told_to_the_browser(ev, monkeypatch):
    shown = []
    monkeypatch.setattr(base, "present", lambda *parts: shown.append(parts))
    with base.unseen():
        double = explore.timeline(ev)
    assert shown == [] and double.widget.comm is None and not base.hidden()
    explore.timeline(ev)
    assert len(shown) == 1
