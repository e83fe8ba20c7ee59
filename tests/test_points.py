"""Points for answers whose right value is known by hand."""

import json
from dataclasses import dataclass, field

import pytest

from helpers.exercises import points
from helpers.exercises.master import Question


@dataclass
class One:
    """An exercise of one question."""

    computed: tuple = field(default_factory=tuple)


def grade(answer, expected, type="table", out_of=10, asked=None, options=None, **compare):
    form = {"type": type} | ({"columns": asked} if asked else {}) | ({"options": options} if options else {})
    question = Question("q1", "T", out_of, "auto", "q1", "asks", form, compare)
    (result,) = points.grade(One((question,)), {"q1": answer}, {"q1": expected})
    return result


def table(columns, *rows):
    return {"type": "table", "columns": columns, "rows": [list(row) for row in rows]}


def one(kind, value):
    return {"type": kind, "value": value}


@pytest.mark.parametrize(
    ("kind", "answer", "expected", "compare", "share"),
    [
        ("number", one("number", 3.004), one("number", 3.0), {"by": "tolerance", "tolerance": 0.01}, 1),
        ("number", one("number", 3.02), one("number", 3.0), {"by": "tolerance", "tolerance": 0.01}, 0),
        ("number", one("integer", 3), one("number", 3.0), {"by": "exact"}, 1),
        ("integer", one("number", 3.0), one("integer", 3), {"by": "exact"}, 1),
        ("integer", one("boolean", True), one("integer", 1), {"by": "exact"}, 0),
        ("number", one("text", "3"), one("number", 3.0), {"by": "exact"}, 0),
        ("choice", one("text", " Contested "), one("text", "contested"), {"by": "exact"}, 1),
        ("text", one("text", "S\u0327ahin"), one("text", "\u015eahin"), {"by": "exact"}, 1),
        ("list", {"type": "list", "values": [1, 2]}, {"type": "list", "values": [2, 1]}, {"by": "exact"}, 0),
        ("list", {"type": "list", "values": [1, 2]}, {"type": "list", "values": [2, 1]}, {"by": "exact", "ignore_order": True}, 1),
        ("list", {"type": "list", "values": [1, 2, 9]}, {"type": "list", "values": [1, 2, 3, 4]}, {"by": "set"}, 0.25),
        ("list", {"type": "list", "values": list(range(100))}, {"type": "list", "values": [1, 2]}, {"by": "set"}, 0),
        ("series", {"type": "series", "index": ["b", "a"], "values": [2, 1.0]},
         {"type": "series", "index": ["a", "b"], "values": [1, 2]}, {"by": "exact"}, 1),
        ("number", {"type": "missing"}, one("number", 3.0), {"by": "exact"}, 0),
        ("number", {"type": "refused", "why": "a module"}, one("number", 3.0), {"by": "exact"}, 0),
    ],
)  # fmt: skip
def test_single_values_and_lists(kind, answer, expected, compare, share):
    result = grade(answer, expected, type=kind, **compare)
    assert result.points == share * 10
    assert bool(result.hint) == (share < 1)


YEARS = ["year", "deaths", "level"]
WANTED = table(YEARS, (1990, 10, "low"), (1991, 20, "high"), (1992, 30, "high"), (1993, 40, "low"))
HOW = {
    "by": "table",
    "sort": ["year"],
    "ignore_order": True,
    "tolerance": 0.1,
    "part_points": {"deaths": 6, "level": 4},
}


def table_points(*rows, columns=YEARS):
    return grade(table(columns, *rows), WANTED, asked=YEARS, **HOW)


def test_a_table_in_another_order_with_more_columns_is_right():
    rows = [("x", low, year + 0.0, deaths + 0.05) for year, deaths, low in reversed(WANTED["rows"])]
    assert table_points(*rows, columns=["extra", "level", "year", "deaths"]) == ("q1", 10, 10, "")


def test_each_column_earns_its_own_points():
    wrong = [(y, d, "low") for y, d, _ in WANTED["rows"]]
    result = table_points(*wrong)
    assert result.points == 6
    assert "level" in result.hint and "deaths" not in result.hint


def test_one_slip_costs_half_and_a_guess_earns_nothing():
    slip = [(y, d + (5 if y == 1993 else 0), level) for y, d, level in WANTED["rows"]]
    assert table_points(*slip).points == 3 + 4
    assert table_points(*WANTED["rows"][:3]).points == 5  # a row is missing
    two = [(y, d + (5 if y > 1991 else 0), level) for y, d, level in WANTED["rows"]]
    assert table_points(*two).points == 4
    mostly_low = table(YEARS, *[(y, d, "high" if y == 1993 else "low") for y, d, _ in WANTED["rows"]])
    guess = table(YEARS, *[(y, d, "low") for y, d, _ in WANTED["rows"]])
    assert grade(guess, mostly_low, asked=YEARS, **HOW).points == 6


def test_rows_that_stand_twice_or_too_much_lose_points():
    result = table_points(*WANTED["rows"], WANTED["rows"][0])
    assert result.points == 5 and "twice" in result.hint
    flood = [(year, 10, "low") for year in range(1900, 2000)]
    assert table_points(*flood).points == 0


def test_no_hint_tells_what_was_expected():
    result = table_points((1990, 77, "low"), (1991, 20, "low"))
    assert not any(value in result.hint for value in ("10", "30", "40", "1992", "high"))
    assert table_points((1990, 1), columns=["year", "deaths"]).hint.startswith("The table has no column level.")


def test_empty_cells_are_a_value():
    wanted = table(["k", "share"], ("a", None), ("b", 5.0))
    how = {"by": "table", "sort": ["k"], "asked": ["k", "share"]}
    assert grade(table(["k", "share"], ("a", None), ("b", 5)), wanted, **how).points == 10
    assert grade(table(["k", "share"], ("a", 0), ("b", 5)), wanted, **how).points < 10


REASON = "the two ministries describe the same clause in opposite ways here"
CODES = ["claim_id", "status", "origins", "why"]
OPTIONS = {"status": ["reported", "contested"], "origins": ["one", "two"]}
CODED = table(CODES, *[(f"A-{n}", "reported", "one", "") for n in range(4)])


def coding_points(*rows):
    how = {"by": "coding", "columns": ["status", "origins"], "reasoned": 0.8, "words": 8}
    return grade(table(CODES, *rows), CODED, type="codes", out_of=8, asked=CODES, options=OPTIONS, **how)


def test_codes_agree_or_depart_with_a_reason():
    assert coding_points(*CODED["rows"]).points == 8
    rows = [["A-0", "contested", "one", REASON], ["A-1", "contested", "one", ""], *CODED["rows"][2:]]
    assert coding_points(*rows).points == pytest.approx(8 - 0.2 - 1)


@pytest.mark.parametrize(
    "why",
    ["", "eight words were asked for", "a a a a a a a a a a", "- - - - - - - - -", None, 7, REASON],
    ids=["none", "short", "repeated", "no words", "null", "number", "the same in every row"],
)
def test_what_is_no_reason_earns_nothing(why):
    assert coding_points(*[(f"A-{n}", "contested", "two", why) for n in range(4)]).points == 0


def test_codes_outside_the_codebook_and_missing_rows_earn_nothing():
    result = coding_points(*[(f"A-{n}", "whatever", "", f"{REASON} {n}") for n in range(3)])
    assert result.points == 0
    assert "codebook" in result.hint and "missing" in result.hint


OPEN = {
    "by": "coding", "open": True, "key": ["cutoff", "claim_id"], "columns": ["status"], "fewest": 3,
    "need": [{"column": "status", "code": "contested", "count": 1}, {"column": "use", "code": "against", "count": 1}],
    "part_points": {"listed": 4, "columns": 3, "contested": 2, "against": 1},
}  # fmt: skip
CITABLE = table(
    ["cutoff", "claim_id", "status", "use"],
    *[(day, f"A-{n}", "contested" if n == 1 else "reported", "context") for day in ("d1", "d2") for n in range(6)],
)


def open_points(*rows):
    columns = CITABLE["columns"]
    return grade(table(columns, *rows), CITABLE, asked=columns, **OPEN)


def test_rows_of_ones_own_choice():
    assert grade(CITABLE, CITABLE, asked=CITABLE["columns"], **OPEN).points == 10 - 1  # its own use is never "against"
    good = [("d1", "A-1", "contested", "against"), ("d1", "A-2", "reported", "for"), ("d1", "A-5", "reported", "for")]
    assert open_points(*good) == ("q1", 10, 10, "")
    claimed = [("d1", "A-2", "contested", "against"), *good[1:], ("d1", "A-3", "reported", "for")]
    assert open_points(*claimed).points < 9  # a status that is only claimed is no contested claim
    assert open_points(good[0], good[0], good[0]).points == pytest.approx(
        4 / 3 + 1 + 2 + 1, abs=0.01
    )  # one claim, three times
    mixed = [good[0], ("d2", "A-2", "reported", "for"), ("d2", "A-3", "reported", "for")]
    assert open_points(*mixed).points == pytest.approx(4 / 3 + 1 + 2 + 1, abs=0.01)  # another day's rows do not count
    assert "do not exist" in open_points(*good, ("d1", "Z-9", "reported", "for")).hint


def test_strange_cells_are_compared_and_not_trusted():
    nested = table(["k", "v"], ("a", {"keys": ["x"], "values": [[1, None]]}))
    how = {"by": "table", "sort": ["k"]}
    assert grade(nested, json.loads(json.dumps(nested)), asked=["k", "v"], **how).points == 10
    assert grade(nested, table(["k", "v"], ("a", 1)), asked=["k", "v"], **how).points == 0
    assert (
        grade(table(["k", "k", "v"], ("a", "b", 1)), table(["k", "v"], ("a", 1)), asked=["k", "v"], **how).points == 10
    )
