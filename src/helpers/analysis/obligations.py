"""Who has to do what under a text, and how firmly: provisions counted by side and strength.

The counts are of provisions that somebody described to the press or in a document, not of articles: a long report
makes a long list. "Not specified" means that the page gives no verb to weigh; it is neither weak nor strong and is
kept apart.
"""

from __future__ import annotations

import pandas as pd

SIDES = ("TUR", "IRQ", "both", "joint body")
STRENGTHS = ("shall", "will", "may")
NOT_SPECIFIED = "not specified"


def is_absent(terms: pd.DataFrame) -> pd.Series:
    """Say of each provision whether it is somebody's word that the text does *not* hold something (``article`` begins so)."""
    return terms["article"].str.startswith(("absence", "not found")).astype(bool)


def balance(terms: pd.DataFrame) -> pd.DataFrame:
    """Count provisions per instrument and side, by strength.

    Needs ``instrument_id``, ``obligation_on`` (TUR, IRQ, both, joint body) and ``strength`` (shall, will, may, not
    specified). Returns instrument_id, obligation_on, shall, will, may, specified (their sum), not specified, total;
    all four sides for each instrument, 0 where no provision was seen (not "no duty"). Rows that say that something is
    *not* in a text (see `is_absent`; needs ``article``) bind nobody and are left out. Raises ValueError for an unknown
    side or strength.
    """
    terms = _binding(terms)
    wide = pd.crosstab([terms["instrument_id"], terms["obligation_on"]], terms["strength"])
    grid = pd.MultiIndex.from_product(
        [sorted(terms["instrument_id"].unique()), SIDES], names=["instrument_id", "obligation_on"]
    )
    wide = wide.reindex(index=grid, columns=[*STRENGTHS, NOT_SPECIFIED], fill_value=0)
    wide.columns.name = None
    wide.insert(len(STRENGTHS), "specified", wide[list(STRENGTHS)].sum(axis=1))
    wide["total"] = wide["specified"] + wide[NOT_SPECIFIED]
    return wide.reset_index()


def one_sided(terms: pd.DataFrame) -> pd.DataFrame:
    """Return per instrument how many provisions bind one state alone, and the difference.

    Needs the columns of `balance`. Returns instrument_id, TUR, IRQ, shared (both and joint body), total, difference
    (TUR − IRQ: positive when more provisions bind Türkiye alone) and one_sided_share (TUR and IRQ together ÷ total, 0
    to 1).
    """
    terms = _binding(terms)
    counts = pd.crosstab(terms["instrument_id"], terms["obligation_on"]).reindex(columns=SIDES, fill_value=0)
    table = pd.DataFrame({"TUR": counts["TUR"], "IRQ": counts["IRQ"], "shared": counts["both"] + counts["joint body"]})
    table["total"] = table.sum(axis=1)
    table["difference"] = table["TUR"] - table["IRQ"]
    table["one_sided_share"] = (table["TUR"] + table["IRQ"]) / table["total"]
    return table.reset_index()


def _binding(terms: pd.DataFrame) -> pd.DataFrame:
    _check(terms)
    return terms[~is_absent(terms)] if "article" in terms else terms


def _check(terms: pd.DataFrame) -> None:
    for column, allowed in (("obligation_on", SIDES), ("strength", (*STRENGTHS, NOT_SPECIFIED))):
        wrong = terms[~terms[column].isin(allowed)]
        if len(wrong):
            where = wrong.iloc[0].get("term_id", f"row {wrong.index[0]}")
            raise ValueError(f"terms, {where}: {column} is {wrong.iloc[0][column]!r}. Allowed: {', '.join(allowed)}.")
