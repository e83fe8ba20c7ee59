"""Agreement between people who judged the same things: Krippendorff's alpha, plain agreement, and where they differ.

Alpha is 1 for perfect agreement, 0 for what chance would give, below 0 for systematic disagreement. Source:
Krippendorff, Klaus (2011). "Computing Krippendorff's Alpha-Reliability", University of Pennsylvania; computed by the
package ``krippendorff``. Agreement says that coders read alike, not that they read rightly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import pandas as pd

LEVELS = ("nominal", "ordinal")


def codes(by_coder: Mapping[str, Mapping[str, object]]) -> pd.DataFrame:
    """Turn {coder: {unit: code}} into the long table that the functions here take: coder, unit, code.

    Codes that are None, NaN or "" are left out: a unit not judged. A pandas Series works in place of an inner dict.
    """
    rows = [
        (coder, unit, code) for coder, judged in by_coder.items() for unit, code in judged.items() if not _empty(code)
    ]
    return pd.DataFrame(rows, columns=["coder", "unit", "code"])


def reliability(table: pd.DataFrame, level: str = "nominal", order: Sequence | None = None) -> pd.Series:
    """Return how far coders agree.

    Needs ``coder``, ``unit``, ``code``; a missing row or an empty code is a unit that this coder did not judge.
    `level`: "nominal" (codes are just different) or "ordinal" (`order` then lists all codes from low to high).
    Returns coders, units, paired_units (with at least two codes: only these count), codes, agreeing_pairs and pairs
    (of two codes on one unit), percent_agreement (agreeing pairs ÷ pairs × 100), alpha (<NA> when all paired codes
    are the same: with nothing to vary, chance cannot be told from skill) and level.

    Raises ValueError for fewer than two coders, no unit with two codes, a repeated row, or a code outside `order`.
    """
    if level not in LEVELS:
        raise ValueError(f"level {level!r}: choose 'nominal' or 'ordinal'.")
    wide = _wide(table)
    values = _domain(wide, level, order)
    paired = wide[wide.notna().sum(axis=1) >= 2]
    if paired.empty:
        raise ValueError(
            "no unit has codes from two coders, so there is nothing to compare. Let them judge the same units."
        )
    counts = _counts(paired, values)
    per_unit = counts.sum(axis=1)
    pairs = int((per_unit * (per_unit - 1) // 2).sum())
    agreeing = int((counts * (counts - 1) // 2).sum().sum())
    answer = {
        "coders": wide.shape[1],
        "units": len(wide),
        "paired_units": len(paired),
        "codes": int(per_unit.sum()),
        "agreeing_pairs": agreeing,
        "pairs": pairs,
        "percent_agreement": 100 * agreeing / pairs,
        "alpha": _alpha(counts, level),
        "level": level,
    }
    return pd.Series(answer, dtype=object, name="reliability")


def disagreements(table: pd.DataFrame, order: Sequence | None = None) -> pd.DataFrame:
    """Return the units on which coders differ, the sharpest first.

    Needs the columns of `reliability`. Returns unit, one column a coder (their code, "" where none), codes (how many
    different ones) and, with `order` (codes from low to high), ``steps`` between the lowest and the highest code.
    """
    wide = _wide(table)
    if order is not None:
        _domain(wide, "ordinal", order)
    differing = wide[wide.nunique(axis=1) > 1]
    answer = differing.astype(object).where(differing.notna(), "")
    answer["codes"] = differing.nunique(axis=1)
    keys = ["codes"]
    if order is not None:
        rank = {code: step for step, code in enumerate(order)}
        ranks = differing.apply(lambda column: column.map(rank))
        answer["steps"] = (ranks.max(axis=1) - ranks.min(axis=1)).astype("int64")
        keys = ["steps", "codes"]
    return answer.sort_values(keys, ascending=False, kind="stable").reset_index()


def by_pair(table: pd.DataFrame, level: str = "nominal", order: Sequence | None = None) -> pd.DataFrame:
    """Return `reliability` for each two coders, after first and second; pairs without a common unit are left out."""
    wide, rows = _wide(table), []
    for first, second in combinations(wide.columns, 2):
        both = table[table["coder"].isin([first, second])]
        if wide[[first, second]].notna().all(axis=1).any():
            rows.append({"first": first, "second": second, **reliability(both, level, order)})
    return pd.DataFrame(rows)


def _alpha(counts: pd.DataFrame, level: str) -> float | object:
    """Call the library: the only place that knows it. Codes that nobody used change nothing and are dropped."""
    try:
        import krippendorff
    except ImportError:
        raise ImportError(
            "Krippendorff's alpha needs the package krippendorff: pip install 'whose-soil[agreement]'."
        ) from None

    used = counts.loc[:, counts.sum() > 0]
    if used.shape[1] < 2:
        return pd.NA
    return float(krippendorff.alpha(value_counts=used.to_numpy(), level_of_measurement=level))


def _wide(table: pd.DataFrame) -> pd.DataFrame:
    if missing := [column for column in ("coder", "unit", "code") if column not in table]:
        raise ValueError(f"codes need a column {missing[0]!r}. They have: {', '.join(map(str, table.columns))}.")
    given = table[~table["code"].map(_empty)]
    repeated = given[given.duplicated(["coder", "unit"])]
    if len(repeated):
        row = repeated.iloc[0]
        raise ValueError(f"{row.coder} judged {row.unit} twice. Keep one code per coder and unit.")
    coders = list(dict.fromkeys(given["coder"]))
    if len(coders) < 2:
        raise ValueError(f"agreement needs two coders; codes come from {coders[0] if coders else 'nobody'} alone.")
    wide = given.pivot(index="unit", columns="coder", values="code")
    wide.columns.name = None
    return wide.reindex(index=list(dict.fromkeys(given["unit"])), columns=coders)


def _domain(wide: pd.DataFrame, level: str, order: Sequence | None) -> list:
    used = set(wide.stack().dropna())
    if order is None:
        if level == "ordinal":
            raise ValueError(
                "ordinal codes need their order: order=['not_supported', …, 'supported'], from low to high."
            )
        return sorted(used, key=str)
    if outside := sorted(used - set(order), key=str):
        raise ValueError(f"code {outside[0]!r} is not in the order given: {', '.join(map(str, order))}.")
    return list(order)


def _counts(wide: pd.DataFrame, values: list) -> pd.DataFrame:
    """Count units (rows) × codes (columns)."""
    return pd.DataFrame({code: (wide == code).sum(axis=1).astype("int64") for code in values})


def _empty(code: object) -> bool:
    return code is None or code == "" if isinstance(code, str | None) else bool(pd.isna(code))
