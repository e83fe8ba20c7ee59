"""Rates before and after a date: intervals against published and closed-form answers, and no window without data."""

import math

import pandas as pd
import pytest

from helpers.analysis import rates


def counts(values: dict) -> pd.DataFrame:
    return pd.DataFrame({"year": list(values), "events": pd.array(list(values.values()), dtype="Int64")})


FOUR_THEN_TEN = counts({2010: 4, 2011: 4, 2012: 4, 2013: 99, 2014: 10, 2015: 10, 2016: 10, 2017: None})


def test_rates_on_both_sides_of_the_year_of_the_date():
    table = rates.before_after(FOUR_THEN_TEN, "2013-03-21", before=3, after=3).set_index("what")
    assert table.estimate.tolist() == [4, 10, 2.5]
    assert table.loc["before", ["first_year", "last_year", "total"]].tolist() == [2010, 2012, 12]
    assert table.loc["after", ["first_year", "last_year", "total"]].tolist() == [2014, 2016, 30]
    assert table.loc["before", "dispersion"] == 0
    assert table.loc["ratio", "low"] < 2.5 < table.loc["ratio", "high"]


def test_the_first_of_january_begins_the_second_window():
    table = rates.before_after(FOUR_THEN_TEN, "2014-01-01", before=2, after=1)
    assert table.first_year.tolist()[:2] == [2012, 2014]


def test_a_window_that_leaves_the_data_is_refused():
    with pytest.raises(rates.CoverageError, match="no count for 2017, and missing is not zero"):
        rates.before_after(FOUR_THEN_TEN, "2013-03-21", before=3, after=4)
    with pytest.raises(rates.CoverageError, match="no count for 2009"):
        rates.before_after(FOUR_THEN_TEN, "2013-03-21", before=4, after=3)


def test_misuse_is_named():
    with pytest.raises(ValueError, match="two rows for 2010. Filter to one area"):
        rates.before_after(pd.concat([FOUR_THEN_TEN, FOUR_THEN_TEN.head(1)]), "2013-03-21", before=3, after=3)
    deaths = FOUR_THEN_TEN.rename(columns={"events": "best"})
    with pytest.raises(ValueError, match="deaths in one event are not independent"):
        rates.before_after(deaths, "2013-03-21", before=3, after=3, value="best")
    with pytest.raises(ValueError, match="at least 3 years"):
        rates.before_after(FOUR_THEN_TEN, "2013-03-21", before=2, after=3, method="bootstrap")


def test_a_bootstrap_of_equal_years_has_no_width_and_is_repeatable():
    flat = rates.before_after(FOUR_THEN_TEN, "2013-03-21", before=3, after=3, method="bootstrap").set_index("what")
    assert flat.loc["ratio", ["low", "high"]].tolist() == [2.5, 2.5]
    uneven = counts({2010: 1, 2011: 9, 2012: 2, 2013: 0, 2014: 30, 2015: 2, 2016: 10})
    runs = [rates.before_after(uneven, "2013-06-01", before=3, after=3, method="bootstrap") for _ in range(2)]
    pd.testing.assert_frame_equal(*runs)
    ratio = runs[0].set_index("what").loc["ratio"]
    assert ratio.low < ratio.estimate == 3.5 < ratio.high


def test_nothing_before_gives_an_infinite_ratio_and_nothing_at_all_none():
    empty = counts({2010: 0, 2011: 0, 2013: 5, 2014: 0})
    ratio = rates.before_after(empty, "2012-06-01", before=2, after=2).set_index("what").loc["ratio"]
    assert math.isinf(ratio.estimate) and math.isinf(ratio.high) and ratio.low > 0
    nothing = counts({2010: 0, 2011: 0, 2013: 0, 2014: 0})
    ratio = rates.before_after(nothing, "2012-06-01", before=2, after=2).set_index("what").loc["ratio"]
    assert pd.isna(ratio.estimate) and ratio.low == 0 and math.isinf(ratio.high)


def test_share_interval_in_closed_form_and_as_published():
    assert rates.share_interval(0, 10) == pytest.approx((0, 1 - 0.025 ** (1 / 10)), abs=1e-9)
    assert rates.share_interval(10, 10) == pytest.approx((0.025 ** (1 / 10), 1), abs=1e-9)
    # Mendel's peas, 682 of 925, as printed by the example of R's binom.test (after Conover 1971).
    assert rates.share_interval(682, 925) == pytest.approx((0.7076683, 0.7654066), abs=5e-8)
    low, high = rates.share_interval(5, 10)
    assert low + high == pytest.approx(1)
    assert rates.share_interval(0, 0) == (0, 1)
    with pytest.raises(ValueError, match="11 in 10"):
        rates.share_interval(11, 10)


def test_rate_interval_in_closed_form_and_as_tabulated():
    assert rates.rate_interval(0, 1) == pytest.approx((0, -math.log(0.025)), abs=1e-9)
    # Garwood's limits for a count of 10, found in any table of the Poisson distribution: 4.795 and 18.390.
    assert rates.rate_interval(10, 1) == pytest.approx((4.795, 18.390), abs=5e-4)
    assert rates.rate_interval(10, 5) == pytest.approx([end / 5 for end in rates.rate_interval(10, 1)])


def test_ratio_interval_follows_from_the_share():
    low, high = rates.share_interval(11, 35)
    expected = (low / (1 - low) * 3011 / 800, high / (1 - high) * 3011 / 800)
    assert rates.ratio_interval(24, 3011, 11, 800) == pytest.approx(expected)
    assert rates.ratio_interval(24, 3011, 11, 800) == pytest.approx((0.762802, 3.658063), abs=1e-6)
