"""Events per year: a quiet year is 0, a missing year is <NA>, and versions are not spliced."""

import datetime as dt

import pandas as pd
import pytest

from helpers.analysis import events

COVERAGE = pd.DataFrame(
    [
        *[("TUR", year, "20.1", "20.1") for year in (2016, 2017, 2018, 2019)],
        *[("IRQ", year, "19.1", "19.1") for year in (2016, 2017, 2018)],
        ("IRQ", 2019, "", "21.1"),
    ],
    columns=["country_iso3", "year", "totals_version", "places_version"],
)
ROWS = pd.DataFrame(
    [
        ("20.1", "TUR", "TUR-PKK", 2016, 2, 9),
        ("20.1", "TUR", "TUR-PKK", 2016, 3, 1),
        ("20.1", "TUR", "TUR-PKK", 2019, 4, 8),
        ("19.1", "IRQ", "TUR-PKK", 2017, 1, 5),
    ],
    columns=["version", "country_iso3", "dyad", "year", "events", "best"],
)


def counted(table: pd.DataFrame, **where) -> list:
    for column, value in where.items():
        table = table[table[column] == value]
    return [None if pd.isna(number) else int(number) for number in table.sort_values("year").events]


def test_quiet_years_are_zero_and_missing_years_are_missing():
    table = events.per_year(ROWS, COVERAGE, as_of=None)
    assert counted(table, country_iso3="TUR") == [5, 0, 0, 4]
    assert counted(table, country_iso3="IRQ") == [0, 1, 0, None]
    assert table.loc[~table.covered, ["country_iso3", "year"]].values.tolist() == [["IRQ", 2019]]


def test_a_sum_over_countries_is_missing_when_one_of_them_is():
    table = events.per_year(ROWS, COVERAGE, as_of=None, by=["dyad"])
    assert counted(table, dyad="TUR-PKK") == [5, 1, 0, None]
    assert table.covered.tolist() == [True, True, True, False]


def test_years_that_the_clock_hides_are_not_shown_as_quiet():
    shown = ROWS[ROWS.year <= 2017]
    table = events.per_year(shown, COVERAGE, as_of=dt.date(2018, 6, 30))
    assert sorted(table.year.unique()) == [2016, 2017]
    assert events.last_whole_year(dt.date(2018, 12, 31)) == 2018


def test_another_version_is_refused():
    spliced = pd.concat([ROWS, ROWS.tail(1).assign(version="21.1", year=2018)])
    with pytest.raises(ValueError, match="IRQ 2018 comes from version 21.1, but for totals version 19.1 serves it"):
        events.per_year(spliced, COVERAGE, as_of=None)
    uncovered = pd.concat([ROWS, ROWS.tail(1).assign(version="21.1", year=2019)])
    with pytest.raises(ValueError, match="no version serves it"):
        events.per_year(uncovered, COVERAGE, as_of=None)
    assert counted(events.per_year(uncovered, COVERAGE, as_of=None, kind="places"), country_iso3="IRQ") == [0, 1, 0, 1]


def test_any_column_can_be_the_area():
    table = events.per_year(ROWS.assign(province=["A", "B", "A", "C"]), COVERAGE, as_of=None, by=["province"])
    assert counted(table, province="B") == [3, 0, 0, 0]
    assert counted(table, province="C") == [0, 1, 0, None]


def test_last_covered_year():
    assert events.last_covered(COVERAGE).to_dict() == {"IRQ": 2018, "TUR": 2019}
    assert events.last_covered(COVERAGE, "places").to_dict() == {"IRQ": 2019, "TUR": 2019}
