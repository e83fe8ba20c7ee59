"""Floor 2 on tables small enough to count by hand."""

import pandas as pd
import pytest

from helpers.analysis import independence, instruments, spans

CLAIMS = pd.DataFrame(
    {
        "claim_id": ["X-001", "X-002", "X-003"],
        "source_ids": [("a", "b", "c"), ("a",), ("b", "d")],
        "independent_origins": pd.array([1, 2, 2], dtype="Int64"),
    }
)
SOURCES = pd.DataFrame(
    {
        "source_id": ["a", "b", "c", "d"],
        "perspective": ["krg", "krg", "krg", "us_gov"],
        "language": ["en", "tr", "en", "en"],
    }
)
PAIRS = pd.DataFrame(
    [
        ("new", "2007-09-28", "water", "no"),
        ("old", "1926-06-05", "water", "yes"),
        ("old", "1926-06-05", "training", "not_public"),
    ],
    columns=["instrument_id", "date_signed", "feature", "value"],
)


def test_pages_that_add_no_origin_come_first_and_a_joint_statement_has_fewer_pages_than_origins():
    counts = independence.pages_and_origins(CLAIMS).set_index("claim_id")
    assert counts.index.tolist() == ["X-001", "X-003", "X-002"]
    assert counts["surplus"].tolist() == [2, 0, -1]
    assert counts.loc["X-001", ["pages", "origins"]].tolist() == [3, 1]


def test_a_page_behind_two_claims_is_one_page_and_a_missing_voice_is_listed_with_zero():
    counts = independence.voice_counts(CLAIMS, SOURCES, expected=["krg", "us_gov", "iranian_gov"])
    assert counts.to_numpy().tolist() == [["krg", 3, 3], ["us_gov", 1, 1], ["iranian_gov", 0, 0]]


def test_voices_per_claim_tells_one_sided_claims_from_others():
    assert independence.voices_per_claim(CLAIMS, SOURCES)["voices"].tolist() == [1, 1, 2]
    assert independence.voices_per_claim(CLAIMS, SOURCES, "language")["voices"].tolist() == [2, 1, 2]


def test_a_pair_without_a_row_is_not_seen_and_never_no():
    matrix = instruments.feature_matrix(PAIRS)
    assert matrix.index.tolist() == ["old", "new"]  # by date
    assert matrix.loc["new"].to_dict() == {"training": "not seen", "water": "no"}
    counts = instruments.value_counts(PAIRS)
    assert counts.loc["training", ["no", "not_public", "not seen"]].tolist() == [0, 1, 1]


def test_two_rows_for_one_pair_are_refused_by_name():
    with pytest.raises(ValueError, match="old × water"):
        instruments.feature_matrix(pd.concat([PAIRS, PAIRS.iloc[[1]]]))


def test_a_press_conference_is_not_a_text():
    table = pd.DataFrame({"instrument_id": ["ann-2024-08-15", "mou-2024-08-15"]})
    assert instruments.texts(table)["instrument_id"].tolist() == ["mou-2024-08-15"]


def test_spans_that_share_their_last_and_first_day_overlap_by_one_day():
    table = pd.DataFrame(
        {
            "claim_id": ["a", "b", "c"],
            "starts": pd.to_datetime(["1983-01-01", "1983-12-31", "1984-01-01"]),
            "ends": pd.to_datetime(["1983-12-31", "1984-01-10", "1984-01-05"]),
        }
    )
    shared = spans.overlaps(table)
    assert shared[["first", "second", "days"]].to_numpy().tolist() == [["a", "b", 1], ["b", "c", 5]]
    assert spans.active_on(table, "1983-12-31")["claim_id"].tolist() == ["a", "b"]


def test_stacked_spans_never_meet_in_a_row_and_use_no_more_rows_than_overlap():
    starts, ends = [0, 1, 2, 10, 3], [5, 2, 9, 12, 4]
    rows = spans.stack(starts, ends, gap=0.5)
    for i in range(5):
        for j in range(i):
            apart = starts[i] >= ends[j] + 0.5 or starts[j] >= ends[i] + 0.5
            assert rows[i] != rows[j] or apart
    assert rows == [0, 1, 2, 0, 1]
