"""Drop-downs and sliders of static figures: what a choice tells plotly to change."""

import base64

import numpy as np
import plotly.graph_objects as go
import pytest

from helpers.figures import base, controls


@pytest.fixture
def figure():
    """Two traces and a title; `show` draws one of three states."""
    fig = go.Figure([go.Scatter(x=[1, 2], y=[1, 2], mode="markers"), go.Bar(x=["a"], y=[1])])
    return base.finish(fig, title="All", alt="All of it.", unit="marks", source="a table", height=400)


def show(x, title):
    def change(fig):
        fig.plotly_update({"x": [x]}, {"title.text": title}, trace_indexes=[0])
        return f"{title}: {len(x)} marks."

    return change


CHOICES = {"all": show([1, 2], "All"), "one": show([1], "One"), "none": show([], "None")}


def unpacked(value):
    return np.frombuffer(base64.b64decode(value["bdata"]), dtype=f"<{value['dtype']}").tolist()


def test_each_choice_holds_its_state_and_only_what_differs(figure):
    controls.drop_down(figure, "Show", CHOICES)
    (menu,) = figure.layout.updatemenus
    assert [button.label for button in menu.buttons] == ["all", "one", "none"]
    assert [button.args for button in menu.buttons] == [
        ({"x": [[1, 2]]}, {"title.text": "All"}, (0,)),
        ({"x": [[1]]}, {"title.text": "One"}, (0,)),
        ({"x": [None]}, {"title.text": "None"}, (0,)),
    ]
    assert list(figure.data[0].x) == [1, 2], "the figure itself stays"
    assert figure.layout.meta["states"] == [["All: 2 marks.", "One: 1 marks.", "None: 0 marks."]]


def test_a_state_after_another_is_whole_even_where_the_step_between_them_is_small(figure):
    def colour(name):
        return lambda fig: fig.plotly_restyle({"marker.color": [name]}, [0])

    def size(number):
        return lambda fig: fig.plotly_restyle({"marker.size": [number], "marker.color": ["red"]}, [0])

    controls.drop_down(figure, "Look", {"as it is": lambda fig: None, "red": colour("red"), "large": size(20)})
    args = [button.args[0] for button in figure.layout.updatemenus[0].buttons]
    assert args[0] == {"marker.color": [None], "marker.size": [None]}
    assert args[1] == {"marker.color": ["red"], "marker.size": [None]}
    assert args[2] == {"marker.color": ["red"], "marker.size": [20]}


def test_numbers_are_packed_with_their_gaps(figure):
    long = [0.5, None, 2.5, 3.5, 4.5, 5.5]
    controls.drop_down(
        figure, "Show", {"few": show([1, 2], "All"), "many": show(long, "Many"), "whole": show(list(range(7)), "W")}
    )
    few, many, whole = (button.args[0]["x"][0] for button in figure.layout.updatemenus[0].buttons)
    assert list(few) == [1, 2]
    values = unpacked(many)
    assert np.isnan(values[1]) and values[0] == 0.5 and values[5] == 5.5
    assert whole["dtype"] == "i2" and unpacked(whole) == list(range(7))


def test_a_slider_makes_its_own_room_and_moves_nothing_above_it(figure):
    legend = (1 - figure.layout.legend.y) * 400
    plot = 400 - figure.layout.margin.t - figure.layout.margin.b
    controls.slider(figure, "Year", CHOICES, active=1)
    assert figure.layout.height == 400 + controls.ROOM == 400 + figure.layout.meta["room"]
    assert figure.layout.height - figure.layout.margin.t - figure.layout.margin.b == plot
    assert (1 - figure.layout.legend.y) * figure.layout.height == pytest.approx(legend)
    assert figure.layout.sliders[0].active == 1


def test_a_highlight_pales_the_others_and_can_be_taken_away(figure):
    controls.highlights(figure, "Actor", {"everyone": {}, "first": {0: [0]}, "second": {0: [1], 1: [0]}})
    args = [button.args[0]["selectedpoints"] for button in figure.layout.updatemenus[0].buttons]
    assert [list(each) if each else each for each in args] == [[None, None], [[0], []], [[1], [0]]]
    assert figure.data[0].unselected.marker.opacity < 0.2


def test_one_choice_is_none(figure):
    controls.drop_down(figure, "Show", {"all": CHOICES["all"]})
    controls.slider(figure, "Year", {})
    assert not figure.layout.updatemenus and not figure.layout.sliders


def test_a_date_axis_stays_one_when_a_choice_brings_numbers(figure):
    figure.update_xaxes(type="date")
    controls.drop_down(figure, "Show", CHOICES)
    assert figure.layout.template.layout.xaxis.type == "date"
    assert "course" not in str(base.pio.templates["course"].layout.xaxis.type), "the shared template is not touched"
