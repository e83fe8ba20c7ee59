"""Deaths by year and by place: what is missing is drawn as missing, and said."""

import datetime as dt

import pandas as pd
import pytest

from helpers import evidence, figures
from helpers import explorers as explore
from helpers.figures import deaths

HOSTILE = "<script>alert(1)</script>"


def years(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["version", "dyad", "year", "best", "low", "high", "countries", "note"])


TURKIYE = ("IRQ", "TUR")
THREE = years(
    ("24.1", "TUR-PKK", 2012, 853, 853, 866, TURKIYE, ""),
    ("24.1", "TUR-PKK", 2013, 31, 31, 35, TURKIYE, HOSTILE),
    ("24.1", "TUR-PKK", 2015, 526, 514, 525, TURKIYE, "as printed: best lies outside low–high"),
)


def named(fig, words: str):
    return next(trace for trace in fig.data if trace.name == words)


def test_a_year_without_a_row_is_marked_and_not_a_bar():
    fig = figures.deaths_by_year(THREE)
    assert list(named(fig, "best estimate").x) == [2012, 2013, 2015]
    assert list(named(fig, deaths.UNDER).x) == [2014]
    assert "No row for 2014: under 25 deaths, which is not zero" in fig.layout.meta["alt"]
    assert "1,410 deaths together" in fig.layout.meta["alt"]


def test_a_best_estimate_outside_its_interval_is_marked_and_drawn_as_printed():
    fig = figures.deaths_by_year(THREE)
    assert list(named(fig, deaths.ODD).x) == [2015]
    interval = next(trace for trace in fig.data if trace.error_y.array is not None)
    assert (interval.y[2], interval.error_y.array[2]) == (514, 11)


def test_years_after_the_dataset_are_shaded_and_the_clock_ends_the_axis():
    late = figures.deaths_by_year(THREE, end_year=2026)
    assert list(named(late, deaths.UNDER).x) == [2014, *range(2016, 2024)]
    assert len(late.layout.shapes) == 1 and late.layout.shapes[0].x0 == 2023.5
    clock = figures.deaths_by_year(THREE[:2], end_year=2026, as_of=dt.date(2014, 6, 1))
    assert clock.layout.xaxis.range[1] == pytest.approx(2013.6)
    assert list(named(clock, deaths.UNDER).x) == [None]


def test_two_dyads_are_refused_and_nothing_is_said_to_be_nothing():
    with pytest.raises(ValueError, match="Choose one dyad"):
        figures.deaths_by_year(pd.concat([THREE, THREE]))
    assert "is not zero" in figures.deaths_by_year(THREE[:0]).layout.meta["alt"]


def test_text_from_a_table_is_escaped():
    spec = figures.deaths_by_year(THREE.assign(dyad=HOSTILE)).to_json()
    assert "<script" not in spec.replace("\\u003c", "<").split('"meta"')[0]


SQUARE = pd.DataFrame(
    [
        (name, iso3, [x, x, x + 4, x + 4, x], [36, 39, 39, 36, 36])
        for name, iso3, x in (("A", "TUR", 38), ("B", "IRQ", 42))
    ],
    columns=["name", "iso3", "lon", "lat"],
)
CELLS = pd.DataFrame(
    [
        ("20.1", "TUR", "TUR-PKK", 2018, 37.1, 40.1, 2, 9),
        ("20.1", "TUR", "TUR-PKK", 2019, 37.1, 40.1, 1, 100),
        ("20.1", "TUR", "new dyad", 2019, 37.4, 41.1, 3, 0),
    ],
    columns=["version", "country_iso3", "dyad", "year", "cell_lat", "cell_lon", "events", "best"],
)
COVERAGE = pd.DataFrame(
    [
        ("TUR", 2018, "all events"),
        ("IRQ", 2018, "all events"),
        ("TUR", 2019, "all events"),
        ("IRQ", 2019, "no file"),
        ("TUR", 2020, "no file"),
        ("IRQ", 2020, "no file"),
    ],
    columns=["country_iso3", "year", "coverage"],
)


def drawn_map(year, **options):
    return figures.deaths_map(CELLS, SQUARE, SQUARE, COVERAGE, year, focus=("A", "B"), **options)


def test_a_country_without_a_file_is_drawn_grey_and_named():
    fig = drawn_map(2019)
    assert set(fig.data[deaths.MISSING].lon) - {None} == {42, 46}
    assert list(fig.data[deaths.SAYS].text) == ["Iraq: no file"]
    assert "Iraq: no file" in fig.layout.meta["alt"]
    whole = drawn_map(2018)
    assert list(whole.data[deaths.MISSING].lon) == [None] and not whole.data[deaths.SAYS].text


def test_a_year_without_any_file_is_missing_and_not_quiet():
    fig = drawn_map(2020)
    assert "missing, not quiet" in fig.layout.meta["alt"]
    assert all(list(trace.lon) == [None] for trace in fig.data[deaths.FIRST_DYAD : deaths.FIRST_DYAD + 2])


def test_area_of_a_dot_grows_with_deaths_and_years_add_up():
    dots = deaths.map_dots(CELLS, deaths.dyads_of(CELLS))
    assert deaths.dot_size(400) == pytest.approx(2 * deaths.dot_size(100))
    assert dots[None]["TUR-PKK"][3].tolist() == [[109, 3]] and dots[2019]["TUR-PKK"][3].tolist() == [[100, 1]]
    assert dots[2019]["new dyad"][2].tolist() == [deaths.dot_size(0)]


def test_the_clock_hides_years_of_the_map():
    with pytest.raises(ValueError, match="2020 is not among the years"):
        drawn_map(2020, as_of=dt.date(2020, 6, 1))


def test_the_explorer_steps_through_years_without_new_traces():
    ev = evidence.load()
    ex = explore.deaths_map(ev)
    traces = len(ex.figure.data)
    ex.controls["year"].value = 2022
    assert "missing, not quiet" in ex.status.value and ex.figure.data[deaths.MISSING].lon[0] is not None
    ex.controls["year"].value = 1994
    assert ex.figure.layout.title.text == "Where people died, 1994" and "events in" in ex.status.value
    ex.controls["frame"].value = "whole"
    ex.controls["span"].value = "all"
    assert "all years" in ex.figure.layout.title.text and len(ex.figure.data) == traces
    assert "of" in ex.detail.value and "%" in ex.detail.value
    nothing = explore.deaths_map(evidence.load(as_of="1980-01-01"))
    assert "No year of the files" in nothing.status.value
