"""Points: a student's answers against the expected ones, on the trusted side, from plain JSON on both sides.

    grade(exercise, answers, expected)      [Points("q1", 15.0, 15, ""), Points("q2", 10.0, 20, "value: …"), …]

Both `answers` and `expected` are in the form of `answers.py`; no object of a student's ever gets here. What ``[question.compare]``
may say, and what each way gives points for:

``by = "table"``     Rows are matched by the columns in ``sort`` (left out: by their place; ``ignore_order = true`` sorts them first).
                     ``part_points`` gives each other column its points (left out: all alike). A column earns all of them when every
                     row is there and right, half when three quarters of all rows are, and nothing below that. One and the same value
                     all the way down earns nothing unless that is right. Further columns are not read.
``by = "exact"``     One value, list, series or mapping: right or not. Spaces around a text do not count, nor 3.0 for 3.
``by = "tolerance"`` The same; a number may be off by ``tolerance``.
``by = "set"``       A list, in any order: right members less wrong ones, as a share of those expected.
``by = "coding"``    Rows are matched by ``key``. Each code in ``columns`` that agrees earns its share, one that departs earns ``reasoned``
                     of it where it is a word of the codebook and ``why`` gives a reason of ``words`` words. Words repeated over and over
                     are no reason, and a reason copied to more than two rows is none.
  ``open = true``    Any rows of the expected table may be chosen: see `_open`.

Hints tell what kind of thing is wrong and the author's own hints from ``[question.answer]``, never what was expected.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from helpers.exercises.master import Exercise, Question

NEARLY_ALL = 0.75
EXACTLY = 1e-9
COPIES = 2  # so many rows may share one reason

_ASKED = {
    "table": ("a table", ("table",)),
    "codes": ("a table", ("table",)),
    "series": ("a series", ("series",)),
    "number": ("a number", ("number", "integer")),
    "integer": ("a whole number", ("integer", "number")),
    "text": ("a text", ("text",)),
    "choice": ("a text", ("text",)),
    "list": ("a list", ("list",)),
}
_GIVEN = {"mapping": "a dictionary", "boolean": "True or False", "integer": "a number"}


class Points(NamedTuple):
    """What one question earned; `hint` is a plain sentence or two, empty when nothing is missing."""

    question: str
    points: float
    out_of: int
    hint: str


def grade(exercise: Exercise, answers: Mapping[str, Mapping], expected: Mapping[str, Mapping]) -> list[Points]:
    """Return the points of every question that has an expected answer, in the exercise's order.

    `answers` and `expected`: question id -> answer in its JSON form, as `answers.checked` and `variants.expected` give them.
    """
    return [_graded(question, answers.get(question.id), expected[question.id]) for question in exercise.computed]


def _graded(question: Question, answer: Mapping | None, expected: Mapping) -> Points:
    if answer is None or answer["type"] == "missing":
        return Points(question.id, 0.0, question.points, "Not answered.")
    if answer["type"] == "refused":
        return Points(question.id, 0.0, question.points, f"This could not be read as an answer: {answer['why']}")
    what, accepted = _ASKED[question.answer["type"]]
    if answer["type"] not in accepted:
        given = _GIVEN.get(answer["type"], f"a {answer['type']}")
        return Points(question.id, 0.0, question.points, f"{what.capitalize()} was asked for, and this is {given}.")
    how = question.compare
    compare = _BY[how["by"]] if not how.get("open") else _open
    share, hint = compare(question, answer, expected)
    points = round(question.points * min(max(share, 0.0), 1.0), 2)
    if points < question.points and question.answer.get("hints") and how["by"] != "coding":
        hint = f"{hint} Think: {' '.join(question.answer['hints'])}".strip()
    return Points(question.id, points, question.points, hint if points < question.points else "")


# --- one value, a list, a series, a mapping ---


def _single(question: Question, answer: Mapping, expected: Mapping) -> tuple[float, str]:
    tolerance = question.compare.get("tolerance", 0)
    if "value" in expected:
        folded = question.answer["type"] == "choice"
        given, wanted = (_folded(a["value"]) if folded else a["value"] for a in (answer, expected))
        return (1.0, "") if _same(given, wanted, tolerance) else (0.0, "The value is not right.")
    if "values" not in expected:
        return _table(question, answer, expected)
    names = ("index", "keys")
    pairs = [_pairs(a, next((a[n] for n in names if n in a), None)) for a in (answer, expected)]
    if question.compare.get("ignore_order") or "values" not in answer or answer["type"] in ("series", "mapping"):
        pairs = [sorted(p, key=_order) for p in pairs]
    if len(pairs[0]) != len(pairs[1]):
        return 0.0, "The number of values is not right."
    right = sum(_same(a, b, tolerance) for a, b in zip(*pairs, strict=True))
    return (1.0, "") if right == len(pairs[1]) else (0.0, "Some values are not right.")


def _pairs(answer: Mapping, labels: Sequence | None) -> list:
    return list(answer["values"]) if labels is None else [list(p) for p in zip(labels, answer["values"], strict=True)]


def _set(question: Question, answer: Mapping, expected: Mapping) -> tuple[float, str]:
    given, wanted = (Counter(_key([value]) for value in set_["values"]) for set_ in (answer, expected))
    right, wrong = (given & wanted).total(), (given - wanted).total()
    share = (right - wrong) / max(1, wanted.total())
    hints = [
        *(["Something is missing."] if right < wanted.total() else []),
        *(["Something is in it that should not be."] if wrong else []),
    ]
    return share, " ".join(hints)


# --- tables ---


def _table(question: Question, answer: Mapping, expected: Mapping) -> tuple[float, str]:
    how = question.compare
    keys = list(how.get("sort", ()))
    columns = list(question.answer.get("columns") or expected["columns"])
    worth = dict(how.get("part_points") or {c: 1 for c in columns if c not in keys} or {c: 1 for c in columns})
    if lacking := [name for name in columns if name not in answer["columns"]]:
        names = ", ".join(lacking)
        return 0.0, f"The table has no column {names}." if len(
            lacking
        ) == 1 else f"The table lacks the columns {names}."
    if not answer["rows"]:
        return 0.0, "The table has no rows."
    given, twice = _rows(answer, columns, keys, how.get("ignore_order", False))
    wanted, _ = _rows(expected, columns, keys, how.get("ignore_order", False))
    everything = given.keys() | wanted.keys()
    hints = [
        *(["A row stands twice."] if twice else []),
        *(["Some rows are missing."] if wanted.keys() - given.keys() else []),
        *(["There are rows that should not be there."] if given.keys() - wanted.keys() else []),
    ]
    whole = not hints
    earned, wrong = 0.0, []
    for name, points in worth.items():
        place = columns.index(name)
        pairs = {k: (given[k][place], wanted[k][place]) for k in given.keys() & wanted.keys()}
        right = sum(_same(a, b, how.get("tolerance", 0)) for a, b in pairs.values()) / max(1, len(everything))
        if right == 1 and whole:
            earned += points
            continue
        if right >= NEARLY_ALL and not _constant(given, wanted, place):
            earned += points / 2
        if any(not _same(a, b, how.get("tolerance", 0)) for a, b in pairs.values()):
            wrong.append(name)
    if wrong:
        hints.append(f"Not right in every row: {', '.join(wrong)}.")
    return earned / sum(worth.values()), " ".join(hints)


def _rows(table: Mapping, columns: Sequence[str], keys: Sequence[str], unordered: bool) -> tuple[dict[Any, list], bool]:
    """Return {key: cells in the order of `columns`}, and whether a key stands twice (the first one counts)."""
    places = [table["columns"].index(name) for name in columns]
    rows = [[row[place] for place in places] for row in table["rows"]]
    if not keys:
        rows = sorted(rows, key=_order) if unordered else rows
        return dict(enumerate(rows)), False
    at = [columns.index(name) for name in keys]
    found: dict[Any, list] = {}
    for row in rows:
        found.setdefault(_key([row[place] for place in at]), row)
    return found, len(found) < len(rows)


def _constant(given: Mapping[Any, list], wanted: Mapping[Any, list], place: int) -> bool:
    """Say whether a column repeats one value where different ones were wanted: a guess, not a count."""
    told, right = ({_key([row[place]]) for row in rows.values()} for rows in (given, wanted))
    return len(told) == 1 and len(right) > 1


# --- codes ---


def _coding(question: Question, answer: Mapping, expected: Mapping) -> tuple[float, str]:
    how = question.compare
    columns = list(how["columns"])
    keys = _names(how.get("key") or question.answer["columns"][0])
    if lacking := [name for name in (*keys, *columns) if name not in answer["columns"]]:
        return 0.0, f"The table has no column {', '.join(lacking)}."
    given, wanted = (_by_key(table, keys) for table in (answer, expected))
    reasons = _reasons(given.values(), how.get("words", 8))
    earned, open_, departs, unknown = 0.0, 0, 0, 0
    for key, right in wanted.items():
        row = given.get(key, {})
        for name in columns:
            code = row.get(name)
            if code is None or (isinstance(code, str) and code.strip() in ("", "...")):
                open_ += 1
            elif _same(code, right[name], 0):
                earned += 1
            elif code not in (question.answer.get("options", {}).get(name) or [code]):
                unknown += 1
            elif _text(row.get("why")) in reasons:
                earned += how.get("reasoned", 0)
                departs += 1
            else:
                departs += 1
    hints = [
        *([f"{open_} codes are missing."] if open_ else []),
        *([f"{unknown} codes are not words of the codebook."] if unknown else []),
        *(
            [f"{departs} codes depart from the collection's; a reason in *why* earns most of their points."]
            if departs
            else []
        ),
    ]
    return earned / max(1, len(wanted) * len(columns)), " ".join(hints)


def _open(question: Question, answer: Mapping, expected: Mapping) -> tuple[float, str]:
    """Grade rows that a student chose from the expected table.

    Only rows whose first key column holds what the first row's does count, each key once. ``part_points`` names the parts: "listed" (rows
    whose key is expected, of at least ``fewest``), "columns" (of these, with the same ``columns``), and one for each code in ``need``
    (``count`` rows with it; of a compared column the expected code counts, of any other the student's own).
    """
    how = question.compare
    keys, columns, fewest = _names(how["key"]), list(how["columns"]), how["fewest"]
    needed = how.get("need", ())
    asked = [*keys, *columns, *(need["column"] for need in needed)]
    if lacking := [name for name in dict.fromkeys(asked) if name not in answer["columns"]]:
        return 0.0, f"The table has no column {', '.join(lacking)}."
    if not answer["rows"]:
        return 0.0, "The table has no rows."
    wanted = _by_key(expected, keys)
    rows = [dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]]
    rows = [row for row in rows if _same(row[keys[0]], rows[0][keys[0]], 0)]
    given = {_key([row[name] for name in keys]): row for row in reversed(rows)}
    there = {key: row for key, row in given.items() if key in wanted}
    size = max(fewest, len(given))
    same = sum(all(_same(row[name], wanted[key][name], 0) for name in columns) for key, row in there.items())
    shares = {"listed": len(there) / size, "columns": same / size}
    hints = [
        *([f"Fewer than {fewest} rows of one day."] if len(given) < fewest else []),
        *(["Some rows were not there on that day, or do not exist."] if len(there) < len(given) else []),
        *([f"Not as the table of that day has it: {' or '.join(columns)}."] if same < len(there) else []),
    ]
    for need in needed:
        column, code, count = need["column"], need["code"], need["count"]
        source = wanted if column in columns else there
        found = sum(_same(source[key][column], code, 0) for key in there)
        shares[code] = min(1.0, found / count)
        if found < count:
            hints.append(f"Fewer than {count} with {column} {code}." if count > 1 else f"None with {column} {code}.")
    worth = how.get("part_points") or dict.fromkeys(shares, 1)
    return sum(points * shares[name] for name, points in worth.items()) / sum(worth.values()), " ".join(hints)


def _by_key(table: Mapping, keys: Sequence[str]) -> dict[Any, dict]:
    rows = [dict(zip(table["columns"], row, strict=True)) for row in reversed(table["rows"])]
    found = {_key([row[name] for name in keys]): row for row in rows}
    return dict(reversed(found.items()))


def _reasons(rows: Iterable[Mapping], words: int) -> set[str]:
    """Return the texts that count as a reason."""
    texts = Counter(_text(row.get("why")) for row in rows)
    return {text for text, times in texts.items() if times <= COPIES and _says(text, words)}


def _says(text: str, words: int) -> bool:
    said = [word for word in text.split() if any(letter.isalnum() for letter in word)]
    return len(said) >= words and len(set(said)) >= 0.6 * min(len(said), 2 * words)


# --- cells ---


def _same(given: object, wanted: object, tolerance: float) -> bool:
    if _number(given) and _number(wanted):
        return math.isclose(given, wanted, rel_tol=EXACTLY, abs_tol=max(tolerance, EXACTLY))
    if isinstance(given, list) and isinstance(wanted, list):
        return len(given) == len(wanted) and all(_same(a, b, tolerance) for a, b in zip(given, wanted, strict=True))
    if isinstance(given, bool) or isinstance(wanted, bool):
        return isinstance(given, bool | int) and isinstance(wanted, bool | int) and given == wanted
    return _key([given]) == _key([wanted])


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _key(cells: Sequence) -> str:
    """Return cells as one text: 3.0 like 3, texts in Unicode's composed form without spaces around them."""
    return json.dumps([_settled(cell) for cell in cells], sort_keys=True)


def _settled(cell: object) -> object:
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    if isinstance(cell, str):
        return unicodedata.normalize("NFC", cell.strip())
    if isinstance(cell, list):
        return [_settled(part) for part in cell]
    if isinstance(cell, dict):
        return {name: _settled(part) for name, part in cell.items()}
    return cell


def _order(value: object) -> tuple:
    """Sort anything: by kind, then by size or text."""
    cells = value if isinstance(value, list) else [value]
    return tuple((0, float(c), "") if _number(c) else (1, 0.0, _key([c])) for c in cells)


def _folded(value: object) -> object:
    return value.strip().casefold() if isinstance(value, str) else value


def _text(value: object) -> str:
    return " ".join(value.casefold().split()) if isinstance(value, str) else ""


def _names(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


_BY = {"exact": _single, "tolerance": _single, "set": _set, "table": _table, "coding": _coding}
