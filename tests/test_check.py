"""The student's check(): says what is wrong with an answer's form, a rung further at each call, and never the answer."""

import pandas as pd
import pytest

from helpers.exercises.checking import Checker

TABLE = {
    "type": "table",
    "columns": ["decade", "share", "reading"],
    "rows": [2, 5],
    "range": {"share": [0, 100]},
    "options": {"reading": ["enough", "thin"]},
    "hints": ["group by decade.", "origins, not pages."],
}
CODES = {
    "type": "codes",
    "columns": ["claim_id", "status", "why"],
    "rows": [2, 2],
    "options": {"status": ["reported", "contested"]},
}
GOOD = pd.DataFrame({"decade": [1980, 1990], "share": [50.0, 60.0], "reading": ["enough", "thin"]})
CODED = pd.DataFrame({"claim_id": ["H-001", "H-002"], "status": ["reported", "contested"], "why": ["", ""]})


@pytest.mark.parametrize(
    ("spec", "answer", "first", "second"),
    [
        (TABLE, GOOD["share"], "a table (DataFrame) was asked for, and this is a series", "`.reset_index()`"),
        (TABLE, GOOD.head(1), "too few rows: 1", "between 2 and 5 rows"),
        (TABLE, GOOD.rename(columns={"share": "Share"}), "1 of the 3 columns", "Share"),
        (TABLE, GOOD.assign(share=[50, 600]), "a value in share is out of range", "between 0 and 100; 600"),
        (TABLE, GOOD.assign(reading="enouhg"), "not one of the words", "enough, thin"),
        (TABLE, GOOD.assign(share=["50 %", "60 %"]), "a value in share is not a number", "Think: group by decade."),
        (CODES, CODED.assign(status=["reported", ""]), "1 of 2 rows have nothing in status", "1 of 2 rows"),
        (CODES, CODED.assign(claim_id="H-001"), "a row of claim_id stands there twice", "look for a repeated one"),
        ({"type": "number", "range": [0, 1]}, 40, "it is out of range", "between 0 and 1; 40"),
        ({"type": "number"}, "0.4", "a number was asked for, and this is a text", "quotation marks"),
        ({"type": "integer"}, 2.5, "a whole number was asked for", "Counts are whole"),
        ({"type": "list", "rows": [2, 3]}, {"H-001"}, "too few values: 1", "between 2 and 3 values"),
        ({"type": "choice", "options": ["yes", "no"]}, "maybe", "not one of the words", "yes, no"),
        ({"type": "text"}, " ", "the text is empty", "the text is empty"),
        ({"type": "number"}, float("nan"), "cannot be read as an answer", "cannot be read as an answer"),
        ({"type": "number"}, object(), "cannot be read as an answer", "cannot be read as an answer"),
    ],
)
def test_a_mistake_is_named_at_once_and_a_second_call_says_more(spec, answer, first, second):
    check = Checker({"q1": spec})
    assert first in check.say("q1", answer)
    assert second in check.say("q1", answer)


@pytest.mark.parametrize(
    ("spec", "answer"),
    [
        (TABLE, GOOD),
        (TABLE, GOOD.set_index("decade")),
        (TABLE, GOOD.assign(note="further columns are not read")),
        (CODES, CODED),
        ({"type": "integer", "range": [0, 5]}, 2.0),
        ({"type": "number"}, GOOD["decade"].sum()),
        ({"type": "list"}, GOOD["reading"].tolist()),
        ({"type": "series", "rows": [2, 2]}, GOOD["share"]),
        ({"type": "choice", "options": ["yes", "no"]}, "no"),
    ],
)
def test_a_well_formed_answer_passes_without_being_called_right(spec, answer):
    said = Checker({"q1": spec}).say("q1", answer)
    assert "the form is as asked" in said
    assert "check does not say" in said


def test_right_and_wrong_answers_of_the_same_form_hear_the_same():
    wrong = GOOD.assign(share=[1.0, 2.0], reading="thin")
    for _ in range(5):
        assert Checker({"q1": TABLE}).say("q1", GOOD) == Checker({"q1": TABLE}).say("q1", wrong)


def test_the_ladder_ends_with_the_author_s_last_hint_and_starts_anew_for_another_mistake():
    check = Checker({"q1": TABLE})
    said = [check.say("q1", GOOD["share"]) for _ in range(6)]
    assert said[2:] == ["q1: Think: group by decade.", *["q1: Think: origins, not pages."] * 3]
    assert "too few rows" in check.say("q1", GOOD.head(1))
    assert "Think: origins" in check.say("q1", GOOD["share"]), "back to the first mistake: it goes on where it was"


def test_an_open_task_is_not_an_error(capsys):
    check = Checker({"q1": TABLE})
    check("q1", ...)
    check("q1", None)
    assert capsys.readouterr().out.splitlines() == [
        "q1: not answered yet. Put your answer in place of the dots and run the cell again.",
        "q1: Think: group by decade.",
    ]


def test_a_notebook_sets_its_own_ladder_and_needs_it(capsys):
    check = Checker()
    check("q1", 3)
    check({"q1": {"type": "integer"}})
    check("q1", 3)
    check("q7", 3)
    said = capsys.readouterr().out.splitlines()
    assert "cells at the top have not been run" in said[0]
    assert "the form is as asked" in said[1]
    assert said[2] == "check: there is no question 'q7' here. Questions: q1."


def test_an_answer_that_fights_back_does_not_raise():
    class Hostile:
        def __eq__(self, other):
            raise RuntimeError("no")

        def __len__(self):
            raise RuntimeError("no")

        __hash__ = None

    for kind in ("table", "number", "list", "choice", "codes"):
        assert "cannot be read" in Checker({"q1": {"type": kind}}).say("q1", Hostile())
