"""The student's ``check``: says at once what is wrong with the form of an answer, never what the answer is.

Two calls, both without network or files:

    check({"q1": {…}, "q2": {…}})   once, in a cell tagged ``checks`` near the top: what each answer should look like
    check("q1", q1)                 at the end of each task: prints one line

The specification travels inside the notebook, so that it is there too when a notebook alone is opened in Colab or
Binder. The cell is made from exercise.toml by ``master.checks_source``; a released notebook keeps it as it is. It holds
only what ``[question.answer]`` says: type, columns, rows, range, options, hints.

Each question's mapping: ``type`` (one of TYPES) and, where they apply,

    rows      [fewest, most] rows of a table or values of a list or series
    columns   names that a table must have (a named index counts as a column; further columns are not read); for codes
              the first one is the key of what is coded, and ``why`` may stay empty
    range     [lowest, highest] for a number, list or series; {column: [lowest, highest]} for a table
    options   words to choose from for a choice, list or series; {column: [words]} for a table or codes
    hints     at most three sentences of the author, said one after the other once the same call is repeated

The ladder: type, then shape, then names, then range. Called again on the same mistake, check goes one rung further:
first what is wrong, then what was expected, then the author's hints. What is judged is the answer as a grader will read
it (``answers.encode``), so an answer that passes here can be read there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TYPES = ("table", "series", "number", "integer", "text", "list", "choice", "codes")
KEYS = ("type", "columns", "rows", "range", "options", "hints")

_NAMES = {
    "table": "a table (DataFrame)",
    "codes": "a table (DataFrame)",
    "series": "a series (one column with its index)",
    "number": "a number",
    "integer": "a whole number",
    "text": "a text",
    "choice": "a text",
    "boolean": "True or False",
    "list": "a list",
    "mapping": "a dictionary",
}
_ACCEPTED = {
    "table": ("table",),
    "codes": ("table",),
    "series": ("series",),
    "number": ("number", "integer"),
    "integer": ("integer",),
    "text": ("text",),
    "choice": ("text",),
    "list": ("list",),
}
_TURN = {
    ("table", "series"): "`.reset_index()` turns a series into a table.",
    ("table", "list"): "`pd.DataFrame(…)` makes a table of a list of rows.",
    ("table", "mapping"): "`pd.DataFrame(…)` makes a table of a dictionary.",
    ("number", "table"): "Choose one value of it, for example with `.iloc[0, 0]`.",
    ("number", "series"): "Choose one value of it, for example with `.iloc[0]` or `.sum()`.",
    ("number", "text"): "Leave out the quotation marks.",
    ("integer", "number"): "Counts are whole: `int(…)` or `round(…)` helps, once you know why it is not.",
    ("list", "series"): "`.tolist()` turns a series into a list.",
    ("list", "table"): "Choose one column and add `.tolist()`.",
    ("list", "text"): "Put it into brackets: `[…]`.",
    ("text", "list"): "Give one text, without brackets.",
}


@dataclass(frozen=True)
class Mistake:
    """What is wrong with the form of an answer: a key that stays the same while the mistake does, and what to say."""

    key: str
    rungs: tuple[str, ...]


class Checker:
    """Callable that keeps the specification and how often each mistake was met."""

    def __init__(self, ladder: Mapping[str, Mapping[str, Any]] | None = None):
        self.ladder = dict(ladder or {})
        self._met: Counter[tuple[str, str]] = Counter()

    def __call__(self, question: str | Mapping[str, Mapping[str, Any]], answer: object = ...) -> None:
        """Print one line about `answer`; a mapping in place of the question's id sets what each answer should look like."""
        if isinstance(question, Mapping):
            self.ladder = dict(question)
            self._met.clear()
            return
        print(self.say(question, answer))

    def say(self, question: str, answer: object) -> str:
        """Return the line: what is wrong, one rung further than at the last call on the same mistake."""
        if not self.ladder:
            return f"{question}: the cells at the top have not been run. Run them (menu Run, Run All Above), then this."
        if question not in self.ladder:
            return f"check: there is no question {question!r} here. Questions: {', '.join(self.ladder)}."
        spec = self.ladder[question]
        mistake = first_mistake(spec, answer)
        rungs = [*mistake.rungs, *(f"Think: {hint}" for hint in spec.get("hints", ()))]
        step = min(self._met[question, mistake.key], len(rungs) - 1)
        self._met[question, mistake.key] += 1
        return f"{question}: {rungs[step]}"


def first_mistake(spec: Mapping[str, Any], answer: object) -> Mistake:
    """Return the first thing wrong with the form of `answer`; key "none" says that nothing is, "open" that it is unsolved."""
    from helpers.exercises import answers

    read = answers.encode(answer)
    if read["type"] == "missing":
        return Mistake("open", ("not answered yet. Put your answer in place of the dots and run the cell again.",))
    if read["type"] == "refused":
        return Mistake("refused", (f"this cannot be read as an answer: {read['why']}",))
    return next(_mistakes(spec, read), None) or Mistake(
        "none",
        (
            "the form is as asked: type, shape, names and range. Whether it is right, check does not say.",
            "the form is as asked. Compare it with one row that you count by hand.",
        ),
    )


def _mistakes(spec: Mapping[str, Any], read: Mapping[str, Any]) -> Iterator[Mistake]:
    wanted, kind = spec["type"], read["type"]
    if kind == "number" and wanted == "integer" and float(read["value"]).is_integer():
        kind = "integer"
    if kind not in _ACCEPTED[wanted]:
        turn = _TURN.get((wanted if wanted != "codes" else "table", kind))
        yield Mistake(
            f"type {kind}",
            (f"{_NAMES[wanted]} was asked for, and this is {_NAMES[kind]}.", *((turn,) if turn else ())),
        )
        return
    if wanted in ("table", "codes"):
        yield from _in_table(spec, read)
    elif wanted in ("list", "series"):
        yield from _shape(spec, len(read["values"]), "values")
        yield from _values(spec.get("range"), spec.get("options"), read["values"], "a value")
    else:
        if wanted in ("text", "choice") and not read["value"].strip():
            yield Mistake("empty", ("the text is empty.",))
        yield from _values(spec.get("range"), spec.get("options"), [read["value"]], "it")


def _in_table(spec: Mapping[str, Any], read: Mapping[str, Any]) -> Iterator[Mistake]:
    yield from _shape(spec, len(read["rows"]), "rows")
    columns = list(spec.get("columns", ()))
    if missing := [name for name in columns if name not in read["columns"]]:
        yield Mistake(
            f"names {missing}",
            (
                f"{len(missing)} of the {len(columns)} columns asked for {'is' if len(missing) == 1 else 'are'} missing "
                "or named otherwise.",
                f"asked for: {', '.join(columns)}. This table has: {', '.join(read['columns']) or 'none'}.",
            ),
        )
        return
    for name in columns:
        values = [row[read["columns"].index(name)] for row in read["rows"]]
        if spec["type"] == "codes" and name != "why":
            yield from _coded(name, values, is_key=name == columns[0])
        ranges, options = spec.get("range") or {}, spec.get("options") or {}
        yield from _values(ranges.get(name), options.get(name), values, f"a value in {name}")


def _coded(name: str, values: list, is_key: bool) -> Iterator[Mistake]:
    empty = sum(value is None or str(value).strip() in ("", "...") for value in values)
    if empty:
        yield Mistake(f"open {name}", (f"{empty} of {len(values)} rows have nothing in {name} yet.",))
    if is_key and len(set(map(str, values))) < len(values):
        yield Mistake(
            "twice", (f"a row of {name} stands there twice.", f"each {name} has one row: look for a repeated one.")
        )


def _shape(spec: Mapping[str, Any], count: int, what: str) -> Iterator[Mistake]:
    fewest, most = spec.get("rows") or (0, count)
    if not fewest <= count <= most:
        size = "too few" if count < fewest else "too many"
        expected = f"exactly {fewest}" if fewest == most else f"between {fewest} and {most}"
        yield Mistake(
            f"rows {size}",
            (
                f"it has {size} {what}: {count}.",
                f"it should have {expected} {what}; it has {count}. What was left in or out?",
            ),
        )


def _values(limits: list | None, options: list | None, values: list, which: str) -> Iterator[Mistake]:
    if limits:
        low, high = limits
        numbers = [value for value in values if value is not None]
        if any(isinstance(value, bool) or not isinstance(value, int | float) for value in numbers):
            yield Mistake(f"numbers {which}", (f"{which} is not a number.",))
        elif outside := [value for value in numbers if not low <= value <= high]:
            yield Mistake(
                f"range {which}",
                (f"{which} is out of range.", f"{which} should lie between {low} and {high}; {outside[0]:g} does not."),
            )
    if options and (odd := [value for value in values if value not in options]):
        yield Mistake(
            f"options {which}",
            (
                f"{which} is not one of the words to choose from.",
                f"{which} should be one of: {', '.join(map(str, options))}. {str(odd[0])[:40]!r} is not.",
            ),
        )


check = Checker()
