"""Counts per year before and after a date, with an interval, and the exact intervals for a share and for a rate.

Three intervals are "exact": they follow from the binomial or Poisson distribution itself, by bisection on its tail,
and hold at least the stated level.

* share: Clopper, C. J. and E. S. Pearson (1934). "The use of confidence or fiducial limits illustrated in the case of
  the binomial", Biometrika 26;
* rate: Garwood, F. (1936). "Fiducial limits for the Poisson distribution", Biometrika 28;
* ratio of two rates: given the sum of two Poisson counts, the later one is binomial: Przyborowski, J. and H. Wilenski
  (1940). "Homogeneity of results in testing samples from Poisson series", Biometrika 31: 313–323.

Armed clashes come in waves: their yearly counts vary far more than Poisson counts do (see ``dispersion``), and then
an exact interval is much too narrow. The bootstrap resamples whole years instead (percentile interval: Efron, Bradley
and Robert J. Tibshirani (1993). An Introduction to the Bootstrap. Chapman & Hall); it takes years as unrelated, which
a war is not. Neither interval says why a rate changed.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd

DEATHS = ("best", "low", "high", "deaths_a", "deaths_b", "deaths_civilians", "deaths_unknown")
FEWEST_YEARS = 3
RESAMPLES = 9_999
_STEPS = 60


class CoverageError(ValueError):
    """A window reaches into years for which there is no count."""


def before_after(
    counts: pd.DataFrame,
    date: str | dt.date,
    *,
    before: int,
    after: int,
    value: str = "events",
    method: str = "exact",
    level: float = 0.95,
    seed: int = 20240815,
) -> pd.DataFrame:
    """Compare the yearly rate in the `before` years ahead of `date` with that in the `after` years behind it.

    Needs one row a year: ``year`` and `value`, <NA> for a year that is not covered (as from `events.per_year`,
    filtered to one area). The year of `date` belongs to neither window, unless `date` is 1 January.

    `method`: "exact" (see the head of this module; for events, not for deaths, which come in bunches) or "bootstrap"
    (at least 3 years on each side; `seed` makes it repeatable). Returns three rows, ``what`` = before, after, ratio
    (after ÷ before), with first_year, last_year, years, total, estimate, low, high, dispersion (variance ÷ mean of
    the yearly counts; near 1 for Poisson counts), unit and method. A ratio over a rate of zero is infinite; 0 ÷ 0 is
    <NA>.

    Raises CoverageError when a window holds a year without a count, ValueError for two rows of one year and other
    misuse.
    """
    if method not in ("exact", "bootstrap"):
        raise ValueError(f"method {method!r}: choose 'exact' or 'bootstrap'.")
    if method == "exact" and value in DEATHS:
        raise ValueError(
            f"{value}: deaths in one event are not independent, so no exact interval fits. Use method='bootstrap'."
        )
    _check_level(level)
    earlier, later = (_window(counts, years, value) for years in _windows(date, before, after))
    if method == "bootstrap" and min(len(earlier), len(later)) < FEWEST_YEARS:
        raise ValueError(
            f"a bootstrap of years needs at least {FEWEST_YEARS} years on each side; here {before} and {after}."
        )
    intervals = _exact(earlier, later, level) if method == "exact" else _bootstrap(earlier, later, level, seed)
    ratio = _divided(later.mean(), earlier.mean())
    rows = [
        _row("before", earlier, earlier.mean(), intervals[0], f"{value} per year", method),
        _row("after", later, later.mean(), intervals[1], f"{value} per year", method),
        _row("ratio", pd.Series(dtype="float64"), ratio, intervals[2], "after ÷ before", method),
    ]
    whole = dict.fromkeys(("first_year", "last_year", "years", "total"), "Int64")
    return pd.DataFrame(rows).astype(whole | dict.fromkeys(("estimate", "low", "high", "dispersion"), "Float64"))


def share_interval(hits: int, total: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact (Clopper–Pearson) interval of a share: `hits` of `total` independent cases.

    No case at all says nothing: (0, 1). Raises ValueError unless 0 <= hits <= total.
    """
    hits, total = int(hits), int(total)
    if not 0 <= hits <= total:
        raise ValueError(f"a share of {hits} in {total}: the part must lie between 0 and the whole.")
    tail = _check_level(level)
    low = 0.0 if hits == 0 else _bisect(lambda p: 1 - _binomial_cdf(hits - 1, total, p), tail, 0, 1)
    high = 1.0 if hits == total else _bisect(lambda p: -_binomial_cdf(hits, total, p), -tail, 0, 1)
    return low, high


def rate_interval(total: int, years: float, level: float = 0.95) -> tuple[float, float]:
    """Return the exact (Garwood) interval of a Poisson rate per year, from `total` events in `years` years."""
    total = int(total)
    if total < 0 or not years > 0:
        raise ValueError(f"a rate of {total} events in {years} years: give a count from 0 on and years above 0.")
    tail = _check_level(level)
    top = total + 20 * math.sqrt(total + 1) + 40
    low = 0.0 if total == 0 else _bisect(lambda mean: 1 - _poisson_cdf(total - 1, mean), tail, 0, top)
    high = _bisect(lambda mean: -_poisson_cdf(total, mean), -tail, 0, top)
    return low / years, high / years


def ratio_interval(
    earlier: int, earlier_years: float, later: int, later_years: float, level: float = 0.95
) -> tuple[float, float]:
    """Return the exact conditional interval of a ratio of Poisson rates, later ÷ earlier; its end may be infinite.

    Given their sum, the later count is binomial with p = r·t₂ / (t₁ + r·t₂), r the ratio and t the years.
    """
    low, high = share_interval(later, earlier + later, level)
    return tuple(_divided(p * earlier_years, (1 - p) * later_years) for p in (low, high))


def _windows(date: str | dt.date, before: int, after: int) -> tuple[range, range]:
    day = dt.date.fromisoformat(date) if isinstance(date, str) else date
    if before < 1 or after < 1:
        raise ValueError(f"windows of {before} and {after} years: each side needs at least one year.")
    split = day.year
    start = split if (day.month, day.day) == (1, 1) else split + 1
    return range(split - before, split), range(start, start + after)


def _window(counts: pd.DataFrame, years: range, value: str) -> pd.Series:
    if missing := [column for column in ("year", value) if column not in counts]:
        raise ValueError(f"counts need a column {missing[0]!r}. They have: {', '.join(map(str, counts.columns))}.")
    repeated = counts.loc[counts["year"].duplicated(), "year"]
    if len(repeated):
        raise ValueError(
            f"counts: two rows for {repeated.iloc[0]}. Filter to one area, or add the areas up, before comparing."
        )
    found = counts.set_index("year")[value].reindex(list(years))
    if found.isna().any():
        gap = [str(year) for year in found.index[found.isna()]]
        raise CoverageError(
            f"{value}: no count for {', '.join(gap)}, and missing is not zero. Move the date or shorten the windows."
        )
    return found.astype("float64")


def _row(what: str, window: pd.Series, estimate: float, interval: tuple[float, float], unit: str, method: str) -> dict:
    known = len(window) > 0
    return {
        "what": what,
        "first_year": window.index[0] if known else pd.NA,
        "last_year": window.index[-1] if known else pd.NA,
        "years": len(window) if known else pd.NA,
        "total": window.sum() if known else pd.NA,
        "estimate": pd.NA if math.isnan(estimate) else estimate,
        "low": interval[0],
        "high": interval[1],
        "dispersion": window.var() / window.mean() if len(window) > 1 and window.mean() else pd.NA,
        "unit": unit,
        "method": method,
    }


def _exact(earlier: pd.Series, later: pd.Series, level: float) -> list[tuple[float, float]]:
    x, t, y, u = int(earlier.sum()), len(earlier), int(later.sum()), len(later)
    return [rate_interval(x, t, level), rate_interval(y, u, level), ratio_interval(x, t, y, u, level)]


def _bootstrap(earlier: pd.Series, later: pd.Series, level: float, seed: int) -> list[tuple[float, float]]:
    random = np.random.default_rng(seed)
    means = [
        random.choice(window.to_numpy(), size=(RESAMPLES, len(window))).mean(axis=1) for window in (earlier, later)
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = means[1] / means[0]
    tail = (1 - level) / 2
    return [
        tuple(float(x) for x in np.quantile(drawn[~np.isnan(drawn)], [tail, 1 - tail], method="closest_observation"))
        if not np.isnan(drawn).all()
        else (0.0, math.inf)
        for drawn in (*means, ratios)
    ]


def _divided(part: float, whole: float) -> float:
    if whole == 0:
        return math.inf if part > 0 else math.nan
    return part / whole


def _check_level(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level {level}: give a share between 0 and 1, for example 0.95.")
    return (1 - level) / 2


def _bisect(rising: Callable[[float], float], target: float, low: float, high: float) -> float:
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < target else (low, middle)
    return (low + high) / 2


def _binomial_cdf(k: int, n: int, p: float) -> float:
    if p <= 0 or p >= 1:
        return 1.0 if p <= 0 or k >= n else 0.0
    i = np.arange(k + 1)
    logs = _log_factorials(n)
    terms = logs[n] - logs[i] - logs[n - i] + i * math.log(p) + (n - i) * math.log1p(-p)
    return min(1.0, float(np.exp(terms).sum()))


def _poisson_cdf(k: int, mean: float) -> float:
    if mean <= 0:
        return 1.0
    i = np.arange(k + 1)
    return min(1.0, float(np.exp(i * math.log(mean) - mean - _log_factorials(k)).sum()))


@cache
def _log_factorials(n: int) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
