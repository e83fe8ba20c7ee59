"""How many pages tell a claim, how many origins stand behind them, and whose pages they are."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd


def pages_and_origins(claims: pd.DataFrame) -> pd.DataFrame:
    """Count pages and independent origins per claim, the widest gap first.

    Needs ``claim_id``, ``source_ids`` (tuples) and ``independent_origins``. Returns claim_id, pages, origins and ``surplus``:
    the pages that add no origin. A joint statement on one page has two origins, so the surplus can be negative.
    """
    counts = pd.DataFrame(
        {
            "claim_id": claims["claim_id"],
            "pages": claims["source_ids"].map(len).astype("int64"),
            "origins": claims["independent_origins"].astype("Int64"),
        }
    )
    counts["surplus"] = counts["pages"] - counts["origins"]
    return counts.sort_values(["surplus", "pages", "claim_id"], ascending=[False, False, True], ignore_index=True)


def voices(claims: pd.DataFrame, sources: pd.DataFrame, by: str = "perspective") -> pd.DataFrame:
    """Return one row per claim and page, with the page's `by` (``perspective``, ``language``, ``kind`` or ``publisher``).

    Columns: claim_id, source_id, `by`. A page that ``sources`` does not hold is left out.
    """
    pairs = claims[["claim_id", "source_ids"]].explode("source_ids").rename(columns={"source_ids": "source_id"})
    return pairs.merge(sources[["source_id", by]], on="source_id")[["claim_id", "source_id", by]]


def voice_counts(
    claims: pd.DataFrame, sources: pd.DataFrame, by: str = "perspective", expected: Iterable[str] = ()
) -> pd.DataFrame:
    """Count distinct pages and claims per `by`, most pages first.

    A page that carries five claims counts once as a page. Values in `expected` that no page has are listed with 0: a voice
    that is missing is a finding too. Columns: `by`, pages, claims.
    """
    pairs = voices(claims, sources, by)
    counts = pairs.groupby(by).agg(pages=("source_id", "nunique"), claims=("claim_id", "nunique"))
    counts = counts.reindex(counts.index.union(pd.Index(list(expected), dtype=counts.index.dtype)), fill_value=0)
    counts.index.name = by
    return counts.reset_index().sort_values(["pages", "claims", by], ascending=[False, False, True], ignore_index=True)


def voices_per_claim(claims: pd.DataFrame, sources: pd.DataFrame, by: str = "perspective") -> pd.DataFrame:
    """Count how many different values of `by` stand behind each claim; 1 means that one side alone tells it.

    Columns: claim_id, voices, in the order of `claims`.
    """
    counted = voices(claims, sources, by).groupby("claim_id")[by].nunique()
    numbers = counted.reindex(claims["claim_id"], fill_value=0).astype("int64")
    return numbers.rename("voices").reset_index()
