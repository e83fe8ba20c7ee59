"""How near a border events lie, year by year and period by period, with what the tables cannot show beside the result.

Made for the article's second argument, that pressure pushes militants towards Iran's border:

    iran = geography.border(ev.outlines("countries"), "IRN", "IRQ", "TUR")
    near = near_border.distances(ev.table("ucdp_ged_points"), iran)
    near_border.by_year(near, ev.table("ucdp_ged_coverage"), as_of=ev.as_of)
    near_border.shares(near, ev.table("ucdp_ged_coverage"), {"2015–2020": (2015, 2020)}, as_of=ev.as_of)

What must stand beside every result: the tables end in 2020, four years before the memorandum; only events located to
a place are in them (in Türkiye about two in five), so a change of reporting looks like a change of place; events of
the PJAK inside Iran lie near that border because the PJAK fights there; and where deaths happened is not where
fighters went.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import pandas as pd

from helpers.analysis import events, geography, rates

# Kilometres by which a place may be off, by where_prec: rounding to 0.01° and, for 2, GED's "within about 25 km".
PLACE_ERROR_KM = {"1": 0.7, "2": 25.0, "1-2": 25.0}
BY = ("country_iso3", "dyad")


def distances(points: pd.DataFrame, border: pd.DataFrame) -> pd.DataFrame:
    """Add to each point its distance to `border` (from `geography.border`) and by how much it may be off.

    Needs ``lat``, ``lon`` (degrees) and ``where_prec`` ("1", "2", "1-2"). Adds km, error_km (place and outline
    together), neighbour, border_lat, border_lon. Distance has no sign: ``country_iso3`` tells the side.
    """
    unknown = set(points["where_prec"].astype(str)) - PLACE_ERROR_KM.keys()
    if unknown:
        raise ValueError(
            f"where_prec {sorted(unknown)[0]}: only events located to a place (1, 2, 1-2) have a distance."
        )
    found = geography.distance_to_border(points, border)
    error = points["where_prec"].astype(str).map(PLACE_ERROR_KM) + geography.OUTLINE_ERROR_KM
    return points.assign(**{name: found[name] for name in found.columns}, error_km=error.astype("float64"))


def by_year(
    near: pd.DataFrame,
    coverage: pd.DataFrame,
    *,
    as_of: dt.date | None,
    by: Sequence[str] = BY,
    totals: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return per `by` and year how far from the border the precisely located events lie.

    Needs `near` from `distances` and ``ucdp_ged_coverage``; `totals` (``ucdp_ged_country_years``) adds how much of
    all events is seen. Returns `by`, year, events (0 in a quiet year, <NA> in a missing one), nearest_km, median_km,
    farthest_km (over events; <NA> without any), exact_events (where_prec 1), versions, covered, ends (last covered
    year of the group's countries) and, with `totals`, located_share (precisely located ÷ all events; <NA> where
    totals are not covered).
    """
    by = list(by)
    table = events.per_year(near, coverage, as_of=as_of, kind="places", by=by, values=("events",))
    weighted = near.loc[near.index.repeat(near["events"].astype("int64"))]
    groups = weighted.groupby([*by, "year"])
    found = groups["km"].agg(nearest_km="min", median_km="median", farthest_km="max")
    found["exact_events"] = groups["where_prec"].agg(lambda prec: int((prec.astype(str) == "1").sum()))
    found["versions"] = groups["version"].agg(lambda version: ", ".join(sorted(set(version.astype(str)))))
    table = table.merge(found.reset_index(), on=[*by, "year"], how="left")
    table["exact_events"] = table["exact_events"].astype("Int64").fillna(0).where(table["covered"], pd.NA)
    table["versions"] = table["versions"].fillna("")
    kilometres = ["nearest_km", "median_km", "farthest_km"]
    table[kilometres] = table[kilometres].astype("Float64")
    table = table.merge(_ends(near, coverage, by), on=by, how="left")
    if totals is not None:
        everything = totals.groupby([*by, "year"], as_index=False).agg(all_events=("events", "sum"))
        precise = (
            totals[totals["precision"] == "precise"].groupby([*by, "year"], as_index=False).agg(seen=("events", "sum"))
        )
        both = everything.merge(precise, how="left").fillna({"seen": 0})
        both["located_share"] = (both["seen"] / both["all_events"]).astype("Float64")
        table = table.merge(both[[*by, "year", "located_share"]], on=[*by, "year"], how="left")
    return table


def shares(
    near: pd.DataFrame,
    coverage: pd.DataFrame,
    periods: Mapping[str, tuple[int, int]],
    *,
    as_of: dt.date | None,
    within: Sequence[float] = (20, 50),
    by: Sequence[str] = BY,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return the share of precisely located events within so many kilometres of the border, by period.

    `periods`: {label: (first year, last year)}. Returns `by`, period, first_year, last_year, within_km, events,
    inside, share, and two kinds of doubt: low, high (exact binomial interval for sampling, as if events were
    independent, which they are not) and share_at_least, share_at_most (if every place were off by its error_km, away
    from or towards the border). All shares from 0 to 1, <NA> without events. Source of the interval:
    `rates.share_interval`. Raises rates.CoverageError for a period with a year that is not covered for a group's
    countries.
    """
    by, rows = list(by), []
    yearly = events.per_year(near, coverage, as_of=as_of, kind="places", by=by, values=("events",))
    for label, (first, last) in periods.items() if len(near) else ():
        _check_period(yearly, label, first, last)
        inside_period = near[near["year"].between(first, last)]
        for group in near[by].drop_duplicates().sort_values(by).itertuples(index=False):
            chosen = inside_period[(inside_period[by] == list(group)).all(axis=1)]
            rows += [(*group, label, first, last, km, *_share(chosen, km, level)) for km in within]
    names = [*by, "period", "first_year", "last_year", "within_km", "events", "inside", *_SHARES]
    return pd.DataFrame(rows, columns=names).astype(dict.fromkeys(_SHARES, "Float64"))


_SHARES = ("share", "low", "high", "share_at_least", "share_at_most")


def _share(chosen: pd.DataFrame, km: float, level: float) -> tuple:
    total = int(chosen["events"].sum())
    inside, surely, possibly = (
        int(chosen.loc[chosen["km"] + shift <= km, "events"].sum())
        for shift in (0, chosen["error_km"], -chosen["error_km"])
    )
    if not total:
        return (0, 0, *[pd.NA] * len(_SHARES))
    return (
        total,
        inside,
        inside / total,
        *rates.share_interval(inside, total, level),
        surely / total,
        possibly / total,
    )


def _check_period(yearly: pd.DataFrame, label: str, first: int, last: int) -> None:
    if first > last:
        raise ValueError(f"period {label}: it ends ({last}) before it begins ({first}).")
    inside = yearly[yearly["year"].between(first, last)]
    missing = sorted(set(range(first, last + 1)) - set(inside["year"])) or sorted(
        inside.loc[~inside["covered"], "year"]
    )
    if missing:
        raise rates.CoverageError(
            f"period {label}: places are not covered in {missing[0]}, or the clock hides it, and missing is not zero. "
            "Shorten the period, or look at ucdp_ged_coverage."
        )


def _ends(near: pd.DataFrame, coverage: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    countries = near[list(dict.fromkeys([*by, "country_iso3"]))].drop_duplicates()
    countries = countries.assign(ends=countries["country_iso3"].map(events.last_covered(coverage, "places")))
    return countries.groupby(by, as_index=False)["ends"].min().astype({"ends": "Int64"})
