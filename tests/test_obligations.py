"""Obligations by side and strength."""

import pandas as pd
import pytest

from helpers.analysis import obligations

TERMS = pd.DataFrame(
    [
        ("T-1", "mou", "IRQ", "shall"),
        ("T-2", "mou", "IRQ", "not specified"),
        ("T-3", "mou", "TUR", "may"),
        ("T-4", "mou", "both", "will"),
        ("T-5", "draft", "TUR", "will"),
    ],
    columns=["term_id", "instrument_id", "obligation_on", "strength"],
)


def test_not_specified_is_kept_apart_and_every_side_is_listed():
    table = obligations.balance(TERMS).set_index(["instrument_id", "obligation_on"])
    iraq = table.loc[("mou", "IRQ")]
    assert (iraq["shall"], iraq["specified"], iraq["not specified"], iraq["total"]) == (1, 1, 1, 2)
    assert table.loc[("draft", "joint body"), "total"] == 0
    assert table.loc["draft"].index.tolist() == list(obligations.SIDES)
    assert table.total.sum() == len(TERMS)


def test_texts_stay_apart_in_the_difference():
    table = obligations.one_sided(TERMS).set_index("instrument_id")
    assert table.loc["mou", ["TUR", "IRQ", "shared", "total", "difference"]].tolist() == [1, 2, 1, 4, -1]
    assert table.loc["mou", "one_sided_share"] == 0.75
    assert table.loc["draft", "difference"] == 1


def test_an_unknown_side_is_named():
    with pytest.raises(ValueError, match="T-1: obligation_on is 'KRG'"):
        obligations.balance(TERMS.replace("IRQ", "KRG"))


def test_a_row_that_says_what_is_absent_binds_nobody():
    terms = pd.DataFrame(
        {
            "instrument_id": "mou",
            "article": ["art. 1", "absence", "not found"],
            "obligation_on": ["TUR", "TUR", "both"],
            "strength": ["will", "not specified", "not specified"],
        }
    )
    counted = obligations.balance(terms).set_index("obligation_on")["total"]
    assert counted["TUR"] == 1 and counted["both"] == 0 and obligations.one_sided(terms)["total"].item() == 1
