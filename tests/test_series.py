"""Counting series side by side: overlap is not comparability."""

import pandas as pd
import pytest

from helpers.analysis import series


def table(*rows) -> pd.DataFrame:
    names = ["series_id", "comparable_group", "unit", "year", "month", "value", "notes"]
    return pd.DataFrame(rows, columns=names).astype({"year": "Int64", "month": "Int64", "value": "Float64"})


COUNTS = table(
    ("a", "deaths_x", "deaths", 2015, None, 10, ""),
    ("a", "deaths_x", "deaths", 2016, None, 20, ""),
    ("b", "deaths_x", "deaths", 2016, None, 25, ""),
    ("c", "deaths_y_since_2015", "deaths", 2016, 6, 90, ""),
    ("d", "deaths_x", "people", 2030, None, 1, ""),
    ("e", "empty", "deaths", 2016, None, None, "no value was given"),
)


def pair(first: str, second: str) -> pd.Series:
    found = series.pairs(COUNTS)
    return found[(found["first"] == first) & (found["second"] == second)].iloc[0]


def test_one_definition_may_share_an_axis():
    ab = pair("a", "b")
    assert ab.shared_years == (2016,)
    assert ab.may_share_axis
    assert "read the notes" in ab.why


def test_same_unit_and_same_years_are_not_enough():
    ac = pair("a", "c")
    assert ac.shared == 1 and ac.same_unit and not ac.may_share_axis
    assert "different things (deaths_x; deaths_y_since_2015)" in ac.why
    assert "one is a running total" in ac.why and "months" in ac.why


def test_same_group_with_another_unit_is_refused_and_a_gap_is_named():
    ad = pair("a", "d")
    assert ad.same_group and not ad.may_share_axis
    assert "different units" in ad.why and "no year in common" in ad.why


def test_a_row_without_a_value_makes_no_series():
    assert series.overview(COUNTS).series_id.tolist() == ["a", "b", "c", "d"]
    assert series.overview(COUNTS).set_index("series_id").cumulative.to_dict() == {
        "a": False,
        "b": False,
        "c": True,
        "d": False,
    }


def test_side_by_side_shows_the_gaps():
    wide = series.side_by_side(COUNTS, ["d", "a"])
    assert list(wide) == ["d", "a"]
    assert wide.index.tolist() == list(range(2015, 2031))
    assert wide.a[2016] == 20 and pd.isna(wide.a[2017])
    with pytest.raises(ValueError, match="zz: no such series"):
        series.side_by_side(COUNTS, ["zz"])
    with pytest.raises(ValueError, match="a has several values in 2016"):
        series.side_by_side(pd.concat([COUNTS, COUNTS.iloc[1:2]]), ["a"])


def test_a_derived_table_becomes_a_series():
    deaths = pd.DataFrame({"year": [2015, 2016], "best": [1, 2]})
    ucdp = series.as_series(deaths, "ucdp", value="best", unit="deaths", comparable_group="ucdp_brd_24_1")
    both = series.pairs(pd.concat([COUNTS, ucdp]), ["a", "ucdp"]).iloc[0]
    assert both.shared_years == (2015, 2016) and not both.may_share_axis
    with pytest.raises(ValueError, match="two rows for 2015"):
        series.as_series(pd.concat([deaths, deaths]), "x", value="best", unit="deaths", comparable_group="x")
