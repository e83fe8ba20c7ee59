"""Counting series beside each other: which share years, which count the same thing, which may share an axis."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import pandas as pd

_CUMULATIVE = r"cumulative|_since_|_running|_\d{4}_\d{4}"
NEEDED = ("series_id", "comparable_group", "unit", "year", "value")


def overview(indicators: pd.DataFrame) -> pd.DataFrame:
    """Describe each series.

    Needs ``series_id``, ``comparable_group``, ``unit``, ``year``, ``value``; uses ``month`` and ``notes`` where
    present. Returns series_id, comparable_group, unit, values (number of values that are not empty), first_year,
    last_year, years (tuple of the years with a value), by_month (some values are of a month) and cumulative (group,
    key or notes say that values run up over years; such values are never added).
    """
    _check(indicators)
    table = indicators[indicators["value"].notna()].copy()
    table["month"] = table.get("month", pd.NA)
    notes = table["notes"] if "notes" in table else pd.Series("", index=table.index)
    names = table["comparable_group"] + " " + table["series_id"]
    table["cumulative"] = names.str.contains(_CUMULATIVE, regex=True) | notes.str.contains("cumulative", case=False)
    described = table.groupby("series_id", as_index=False).agg(
        comparable_group=("comparable_group", "first"),
        unit=("unit", "first"),
        values=("value", "size"),
        first_year=("year", "min"),
        last_year=("year", "max"),
        years=("year", lambda years: tuple(sorted({int(year) for year in years}))),
        by_month=("month", lambda month: bool(month.notna().any())),
        cumulative=("cumulative", "any"),
    )
    return described


def pairs(indicators: pd.DataFrame, series_ids: Iterable[str] | None = None) -> pd.DataFrame:
    """Return every pair of series with the years that they share and whether one axis may carry both.

    Needs the columns of `overview`. Returns first, second, shared_years (tuple), shared (their number), same_group,
    same_unit, may_share_axis (same comparable_group and same unit) and ``why``: why not, or what to mind. Two groups
    may overlap in every year and still count different things. Raises ValueError for a series that is not in the
    table.
    """
    described = overview(_chosen(indicators, series_ids)).itertuples(index=False)
    rows = [_pair(one, other) for one, other in combinations(described, 2)]
    names = ["first", "second", "shared_years", "shared", "same_group", "same_unit", "may_share_axis", "why"]
    return pd.DataFrame(rows, columns=names)


def side_by_side(indicators: pd.DataFrame, series_ids: Iterable[str]) -> pd.DataFrame:
    """Return years (index, without holes) × series (columns, in the order asked for) with values, <NA> where none.

    Values keep their own units: a table for reading, not for one axis (see `pairs`). Raises ValueError for an unknown
    series and for one with several values in a year, such as months.
    """
    ids = list(series_ids)
    table = _chosen(indicators, ids).dropna(subset=["value"])
    repeated = table[table.duplicated(["series_id", "year"])]
    if len(repeated):
        row = repeated.iloc[0]
        raise ValueError(
            f"{row.series_id} has several values in {row.year} (months, areas or sources). Choose one a year first."
        )
    wide = table.pivot(index="year", columns="series_id", values="value").reindex(columns=ids)
    if len(wide):
        wide = wide.reindex(range(int(wide.index.min()), int(wide.index.max()) + 1))
    wide.index.name, wide.columns.name = "year", None
    return wide.astype("Float64")


def as_series(
    table: pd.DataFrame, series_id: str, *, value: str, unit: str, comparable_group: str, notes: str = ""
) -> pd.DataFrame:
    """Give a derived table the layout of the indicators, so that it can stand beside them; one row a year.

    Needs ``year`` and `value`. A dataset version is a definition of its own: put it into `comparable_group`
    ("ucdp_brd_24_1"). Returns series_id, comparable_group, unit, year, month (<NA>), value, notes.
    """
    if table["year"].duplicated().any():
        year = table.loc[table["year"].duplicated(), "year"].iloc[0]
        raise ValueError(f"{series_id}: two rows for {year}. Filter to one dyad and area, or add them up first.")
    return pd.DataFrame(
        {
            "series_id": series_id,
            "comparable_group": comparable_group,
            "unit": unit,
            "year": table["year"].astype("Int64"),
            "month": pd.array([pd.NA] * len(table), dtype="Int64"),
            "value": table[value].astype("Float64"),
            "notes": notes,
        }
    ).reset_index(drop=True)


def _pair(one: tuple, other: tuple) -> tuple:
    shared = tuple(sorted(set(one.years) & set(other.years)))
    same_group, same_unit = one.comparable_group == other.comparable_group, one.unit == other.unit
    why = _reason(one, other, same_group, same_unit, bool(shared))
    return one.series_id, other.series_id, shared, len(shared), same_group, same_unit, same_group and same_unit, why


def _reason(one: tuple, other: tuple, same_group: bool, same_unit: bool, shared: bool) -> str:
    said = []
    if not same_group:
        said.append(f"they count different things ({one.comparable_group}; {other.comparable_group})")
    if not same_unit:
        said.append(f"different units ({one.unit}; {other.unit})")
    if not shared:
        said.append("no year in common")
    if one.cumulative or other.cumulative:
        said.append(
            "running totals: never add them" if one.cumulative and other.cumulative else "one is a running total"
        )
    if one.by_month != other.by_month:
        said.append("one gives months, the other years")
    if same_group and same_unit:
        said.append("one definition, but compilers may differ: read the notes")
    return "; ".join(said)


def _chosen(indicators: pd.DataFrame, series_ids: Iterable[str] | None) -> pd.DataFrame:
    _check(indicators)
    if series_ids is None:
        return indicators
    ids, known = list(series_ids), set(indicators["series_id"])
    if unknown := [one for one in ids if one not in known]:
        raise ValueError(f"{unknown[0]}: no such series. Known: {', '.join(sorted(known)[:8])} … (see series_id).")
    return indicators[indicators["series_id"].isin(ids)]


def _check(indicators: pd.DataFrame) -> None:
    if missing := [column for column in NEEDED if column not in indicators]:
        raise ValueError(f"series need a column {missing[0]!r}. They have: {', '.join(map(str, indicators.columns))}.")
