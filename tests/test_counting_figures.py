"""Counting series: definitions that differ never meet on one axis, and nothing is added up."""

import pandas as pd
import pytest

from helpers import evidence, figures
from helpers import explorers as explore
from helpers.figures import panels, rows, series

HOSTILE = "<img src=x onerror=alert(1)>"
NAMES = [
    "series_id",
    "series_name",
    "comparable_group",
    "unit",
    "year",
    "month",
    "value",
    "low",
    "high",
    "place_scope",
    "notes",
    "source_ids",
]


def table(*values) -> pd.DataFrame:
    frame = pd.DataFrame(values, columns=NAMES)
    return frame.astype({"year": "Int64", "month": "Int64", "value": "Float64", "low": "Float64", "high": "Float64"})


def row(group, year, value, *, month=None, name=None, unit="deaths", low=None, high=None, notes="", place="Iraq"):
    return (group, name or group, group, unit, year, month, value, low, high, place, notes, ("s",))


YEARLY = table(row("yearly", 2012, 10, low=5, high=20), row("yearly", 2013, None), row("yearly", 2014, 30))
RUNNING = table(
    row("killed_cumulative", 2012, 100, month=6), row("killed_cumulative", 2014, 300, month=6, notes=HOSTILE)
)


def test_two_definitions_get_two_panels_and_a_sentence_says_what_differs():
    fig = figures.counters(YEARLY, RUNNING)
    first, second = fig.data[0], fig.data[panels.EACH + 1]
    assert first.yaxis == "y" and second.yaxis == "y2"
    assert list(first.y) == [10, 30] and list(second.y) == [100, 300]
    assert fig.layout.yaxis.domain[0] > fig.layout.yaxis2.domain[1]
    assert "running total against value of a year" in fig.layout.annotations[1].text
    assert "years in common: 2012, 2014" in fig.layout.meta["alt"]


def test_series_of_one_definition_share_a_panel():
    two = table(row("same", 2012, 1, name="same, customs"), row("same", 2012, 2, name="same, chamber"))
    fig = figures.counters(two.assign(series_id=["a", "b"]))
    assert list(fig.data[1].y) == [1, 2] and fig.layout.yaxis2.visible is False


def test_a_year_without_a_value_is_missing_and_never_zero():
    fig = figures.counters(YEARLY)
    assert list(fig.data[3].x) == [2013] and 2013 not in list(fig.data[0].x)
    assert list(fig.data[2].y) == [5] and list(fig.data[2].error_y.array) == [15]


def test_more_definitions_than_panels_are_refused_and_no_value_is_said():
    many = [table(row(f"g{n}", 2012, n)) for n in range(4)]
    with pytest.raises(ValueError, match="4 definitions, at most 3"):
        figures.counters(*many)
    assert "clock" in figures.counters(YEARLY[1:2]).layout.meta["alt"]
    assert "clock" in figures.leverage(YEARLY[:0]).layout.meta["alt"]


def test_rows_have_scales_of_their_own_and_kinds_show():
    both = pd.concat(
        [table(row("gas_contract_ceiling", 2024, 50)), table(row("flow", 2023, 1000), row("flow", 2024, 10))]
    )
    fig = figures.leverage(both)
    marks = fig.data[rows.MARKS]
    assert list(marks.marker.symbol) == ["circle", "circle", "star"]
    floors = [y for y in fig.data[rows.LINES].y if y is not None]
    assert marks.y[0] < marks.y[1] <= max(floors) and marks.text[2] == "50"
    assert "not a result" in series.KINDS[series.kind_of("gas_contract_ceiling", False, None)][2]


def test_text_from_a_table_is_escaped():
    for fig in (
        figures.counters(RUNNING.assign(series_name=HOSTILE)),
        figures.leverage(RUNNING.assign(series_name=HOSTILE)),
    ):
        words = str(fig.to_dict()["data"]) + str(fig.layout.annotations)
        assert "<img" not in words and "&lt;img" in words


def test_the_counting_lab_answers_its_controls():
    ev = evidence.load()
    ex = explore.counting(ev)
    traces = len(ex.figure.data)
    ex.controls["second"].value, ex.controls["third"].value = None, None
    assert "choose another counter" in ex.status.value and ex.figure.layout.yaxis2.visible is False
    ex.controls["until"].value = 2014
    assert 2014 in list(ex.figure.data[3].x) and len(ex.figure.data) == traces
    assert "UCDP" in ex.detail.value and 'href="http' in ex.detail.value
    assert not [name for name, _ in ex.controls["first"].options if "parliament" in name]


def test_the_dashboard_keeps_pairs_apart_and_reads_a_value():
    ev = evidence.load()
    ex = explore.leverage(ev)
    ex.controls["channel"].value = "trade"
    ex.controls["pair"].value = "IRQ-TUR"
    names = [name for name, _ in ex.controls["value"].options]
    assert names and not any("Iran" in name for name in names)
    ex.controls["value"].value = ex.controls["value"].options[0][1]
    assert "Sources" in ex.detail.value
    ex.controls["channel"].value = "gas"
    assert "No value fits" in ex.status.value
    ex.controls["pair"].value = "IRN-IRQ"
    assert "not a measured import" in "".join(ex.figure.data[rows.WORDS].text).replace("<br>", " ")
