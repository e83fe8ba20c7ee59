"""Events near a border by year and period, with their limits beside them."""

import datetime as dt

import pandas as pd
import pytest

from helpers.analysis import geography, near_border, rates

SQUARES = pd.DataFrame(
    [("AAA", [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]), ("BBB", [1, 1, 2, 2, 1], [0, 1, 1, 0, 0])],
    columns=["iso3", "lon", "lat"],
)
BORDER = geography.border(SQUARES, "AAA", "BBB")
COVERAGE = pd.DataFrame(
    [("BBB", year, "1.0" if year < 2003 else "", "1.0" if year < 2003 else "") for year in range(2000, 2005)],
    columns=["country_iso3", "year", "totals_version", "places_version"],
)
# At 0.5° N, 0.1° of longitude is 11.13 km: events at 11, 28 (where_prec 2) and 45 km, five in 2000, one in 2002.
POINTS = pd.DataFrame(
    [
        ("1.0", "BBB", "X-Y", 2000, 0.5, 1.1, "1", 4),
        ("1.0", "BBB", "X-Y", 2000, 0.5, 1.4, "1", 1),
        ("1.0", "BBB", "X-Y", 2002, 0.5, 1.25, "2", 1),
    ],
    columns=["version", "country_iso3", "dyad", "year", "lat", "lon", "where_prec", "events"],
)
NEAR = near_border.distances(POINTS, BORDER)


def test_distances_carry_their_error():
    assert NEAR.km.round(1).tolist() == [11.1, 44.5, 27.8]
    assert NEAR.error_km.round(1).tolist() == [1.3, 1.3, 25.6]
    with pytest.raises(ValueError, match="where_prec 4"):
        near_border.distances(POINTS.assign(where_prec="4"), BORDER)


def test_by_year_weighs_by_events_and_marks_quiet_and_missing_years():
    totals = pd.DataFrame(
        [
            ("BBB", "X-Y", 2000, "precise", 5),
            ("BBB", "X-Y", 2000, "imprecise", 15),
            ("BBB", "X-Y", 2001, "imprecise", 2),
        ],
        columns=["country_iso3", "dyad", "year", "precision", "events"],
    )
    table = near_border.by_year(NEAR, COVERAGE, as_of=None, totals=totals).set_index("year")
    assert table.events.fillna(-1).tolist() == [5, 0, 1, -1, -1]
    assert table.median_km[2000] == pytest.approx(11.13, abs=0.01)
    assert table.farthest_km[2000] == pytest.approx(44.5, abs=0.1)
    assert table.median_km[[2001, 2003]].isna().all()
    assert table.covered.tolist() == [True, True, True, False, False]
    assert set(table.ends) == {2002}
    assert table.exact_events.fillna(-1).tolist() == [5, 0, 0, -1, -1]
    assert table.located_share[[2000, 2001]].tolist() == [0.25, 0]
    assert near_border.by_year(NEAR, COVERAGE, as_of=dt.date(2001, 5, 1)).year.tolist() == [2000]


def test_shares_with_both_kinds_of_doubt():
    table = near_border.shares(
        NEAR, COVERAGE, {"all": (2000, 2002), "quiet": (2001, 2001)}, as_of=None, within=(20, 50)
    )
    near, far = table[table.period == "all"].itertuples()
    assert (near.events, near.inside, far.inside) == (6, 4, 6)
    assert near.share == pytest.approx(4 / 6)
    assert (near.low, near.high) == pytest.approx(rates.share_interval(4, 6))
    assert (near.share_at_least, near.share_at_most) == pytest.approx((4 / 6, 5 / 6))
    assert (far.share_at_least, far.share_at_most) == pytest.approx((5 / 6, 1))
    assert table[table.period == "quiet"].share.isna().all()


def test_a_period_beyond_the_data_is_refused():
    with pytest.raises(rates.CoverageError, match="period late: places are not covered in 2003"):
        near_border.shares(NEAR, COVERAGE, {"late": (2002, 2004)}, as_of=None)
    with pytest.raises(rates.CoverageError, match="or the clock hides"):
        near_border.shares(NEAR, COVERAGE, {"late": (2000, 2002)}, as_of=dt.date(2002, 1, 1))
