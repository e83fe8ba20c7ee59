"""Events per year and area, with missing years kept apart from quiet ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pandas as pd

SERVED_BY = {"totals": "totals_version", "places": "places_version"}


def per_year(
    rows: pd.DataFrame,
    coverage: pd.DataFrame,
    *,
    as_of: dt.date | None,
    kind: str = "totals",
    by: Sequence[str] = ("country_iso3", "dyad"),
    values: Sequence[str] = ("events", "best"),
) -> pd.DataFrame:
    """Add up `values` per year and `by`: 0 in a covered year without a row, <NA> in a year that no file covers.

    Needs `rows` with country_iso3, year, version, the `by` and the `values` (``ucdp_ged_country_years`` with
    kind="totals", ``ucdp_ged_cells`` or ``ucdp_ged_points`` with kind="places"), and `coverage` with country_iso3,
    year, totals_version and places_version (``ucdp_ged_coverage``). `by` may hold any column of `rows`, such as a
    province; where it leaves the country out, a sum over countries is <NA> as soon as one of them is not covered.
    `as_of` is the clock (``ev.as_of``, None for none): later years are left out, because the clock hides their rows
    but not their coverage, and they would look quiet. Only groups with an event appear.

    Returns `by`, year, `values` (Int64) and ``covered`` (bool), a full run of years for each group. Units are those
    of `values`: events, deaths. Raises ValueError for a row whose version does not serve its country and year (no
    splicing).
    """
    if kind not in SERVED_BY:
        raise ValueError(f"kind {kind!r}: choose 'totals' (all events) or 'places' (located to a place).")
    by, values, served = list(by), list(values), SERVED_BY[kind]
    _check(rows, [*by, *values, "country_iso3", "year", "version"], "rows")
    _check(coverage, ["country_iso3", "year", served], "coverage")
    windows = coverage[["country_iso3", "year", served]].rename(columns={served: "served"})
    if as_of:
        windows, rows = (table[table["year"] <= last_whole_year(as_of)] for table in (windows, rows))
    _check_versions(rows, windows, kind)
    fine = by if "country_iso3" in by else [*by, "country_iso3"]
    groups = rows[fine].drop_duplicates()
    grid = groups.merge(windows, on="country_iso3")
    found = rows.groupby([*fine, "year"], as_index=False)[values].sum()
    table = grid.merge(found, on=[*fine, "year"], how="left")
    table["covered"] = table["served"].astype(str) != ""
    table[values] = table[values].astype("Int64").fillna(0).where(table["covered"], pd.NA)
    if fine != by:
        whole = table.groupby([*by, "year"], as_index=False)["covered"].all()
        added = table.groupby([*by, "year"], as_index=False)[values].sum()
        table = added.merge(whole, on=[*by, "year"])
        table[values] = table[values].where(table["covered"], pd.NA)
    return table[[*by, "year", *values, "covered"]].sort_values([*by, "year"], ignore_index=True)


def last_whole_year(as_of: dt.date) -> int:
    """Return the last year that was over on the day `as_of`."""
    return as_of.year if (as_of.month, as_of.day) == (12, 31) else as_of.year - 1


def last_covered(coverage: pd.DataFrame, kind: str = "totals") -> pd.Series:
    """Return the last covered year per country_iso3, <NA> for a country without one."""
    covered = coverage.loc[coverage[SERVED_BY[kind]].astype(str) != ""]
    last = covered.groupby("country_iso3")["year"].max()
    return last.reindex(sorted(coverage["country_iso3"].unique())).astype("Int64").rename("last_year")


def _check_versions(rows: pd.DataFrame, windows: pd.DataFrame, kind: str) -> None:
    pairs = rows[["country_iso3", "year", "version"]].drop_duplicates().merge(windows, how="left")
    wrong = pairs[pairs["version"].astype(str) != pairs["served"].fillna("").astype(str)]
    if len(wrong):
        row = wrong.iloc[0]
        serves = f"version {row.served} serves it" if row.served and not pd.isna(row.served) else "no version serves it"
        raise ValueError(
            f"rows: {row.country_iso3} {row.year} comes from version {row.version}, but for {kind} {serves}. "
            "Do not splice versions; is kind right, and were rows and coverage cut at the same clock?"
        )


def _check(table: pd.DataFrame, columns: Sequence[str], name: str) -> None:
    if missing := [column for column in columns if column not in table]:
        raise ValueError(f"{name}: column {missing[0]!r} is missing. They have: {', '.join(map(str, table.columns))}.")
