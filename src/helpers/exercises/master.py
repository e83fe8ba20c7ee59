"""An exercise's master: the instructor's notebook with its solutions, and ``exercise.toml`` beside it.

    exercise = read("exercises/ex1")          dataclasses; ExerciseError says what is wrong with the files
    strip_solutions(exercise.notebook)        the notebook as students get it: no solution, no hidden test, no output
    reference(exercise, {"start_year": 1920}) {"q1": DataFrame, …}: the answers, computed from the tables
    problems(exercise)                        sentences about a master that must not be released
    variant_problems(exercise)                the same for its variants; `variant_table` has the figures behind it

A draw is one value from ``choices`` of each ``[variant.draw.<name>]``; its name is a variable of the cell tagged
``parameters``. Every variant runs the same solution, so the number of steps is equal by construction. What may differ
is how much material a student has to look at: a question's ``touches`` names the solution's variable that holds it,
and ``variant_problems`` complains when there is too little or when one variant has several times as much as another.
``margin`` names a number that must not be 0: the distance between first and second, or from a threshold, so that no
variant rests on a tie.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import io
import itertools
import json
import math
import pprint
import random
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from helpers.exercises import ExerciseError
from helpers.exercises.checking import KEYS as ANSWER_KEYS
from helpers.exercises.checking import TYPES, Checker

KINDS = ("auto", "coding", "essay")
COMPARE = ("exact", "tolerance", "set", "table", "coding")
PARAMETERS, CHECKS = "parameters", "checks"  # tags of cells
BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
BEGIN_TESTS, END_TESTS = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
TEXT_STUB = "*Write your answer here, in place of this line.*"
FULL = 100
FEWEST_ROWS = 4
MOST_SPREAD = 5.0
SAMPLE = 120

_HEAD = {"title", "lesson", "version", "minutes", "question", "variant", "rubric"}
_QUESTION = {"id", "title", "points", "kind", "cell", "asks", "answer", "compare", "touches", "margin"}
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Question:
    """One task. `answer` is what check() may say; `compare` is for the grader alone and never given to students."""

    id: str
    title: str
    points: int
    kind: str
    cell: str
    asks: str
    answer: Mapping[str, Any] = field(default_factory=dict)
    compare: Mapping[str, Any] = field(default_factory=dict)
    touches: str = ""
    margin: str = ""

    @property
    def tests(self) -> str:
        """Return the grade_id of the cell with the points: the essay's own, or that of the hidden tests."""
        return self.cell if self.kind == "essay" else f"{self.cell}-tests"


@dataclass(frozen=True)
class Level:
    """One level of a criterion: its points and what such a text does."""

    points: float
    says: str


@dataclass(frozen=True)
class Criterion:
    """One row of the essay's rubric; `levels` from the most points to none."""

    name: str
    levels: tuple[Level, ...]

    @property
    def points(self) -> float:
        return max(level.points for level in self.levels)


@dataclass(frozen=True)
class Exercise:
    """A master, read. `draws`: name -> the values that a variant may have; `notebook` is not to be changed in place."""

    id: str
    title: str
    lesson: str
    version: str
    minutes: int
    questions: tuple[Question, ...]
    draws: Mapping[str, tuple]
    rubric: tuple[Criterion, ...]
    folder: Path
    notebook: Any = field(repr=False)

    def question(self, id: str) -> Question:
        for question in self.questions:
            if question.id == id:
                return question
        raise ExerciseError(
            f"{self.id}: there is no question {id!r}. Questions: {', '.join(q.id for q in self.questions)}."
        )

    @property
    def computed(self) -> tuple[Question, ...]:
        """Return the questions with an expected answer: all but the essay."""
        return tuple(question for question in self.questions if question.kind != "essay")

    @property
    def variants(self) -> int:
        """Return how many variants there are: the product of the draws' choices."""
        return math.prod(len(choices) for choices in self.draws.values())


# ---- reading -----------------------------------------------------------------------------------------------


def find(exercises_dir: str | Path = "exercises") -> list[Path]:
    """Return the folders of `exercises_dir` that hold an exercise.toml, by name."""
    return sorted(path.parent for path in Path(exercises_dir).glob("*/exercise.toml"))


def read(folder: str | Path) -> Exercise:
    """Read ``<folder>/exercise.toml`` and ``<folder>/<folder's name>.ipynb``.

    Raises ExerciseError that names the file, what is wrong and what to write instead. What a readable master still
    lacks, `problems` tells.
    """
    folder = Path(folder)
    path = folder / "exercise.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(found.name for found in find(folder.parent)) or "none"
        raise ExerciseError(f"{folder.name}: no exercise.toml in this folder. Exercises beside it: {known}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ExerciseError(f"{folder.name}/exercise.toml cannot be read: {problem}.") from None
    where = f"{folder.name}/exercise.toml"
    _known(where, data, _HEAD)
    questions = data.get("question")
    if not isinstance(questions, list) or not questions:
        raise ExerciseError(f"{where}: no [[question]]. Write one for each task.")
    return Exercise(
        id=folder.resolve().name,
        title=_get(where, data, "title", str),
        lesson=_get(where, data, "lesson", str),
        version=_get(where, data, "version", str),
        minutes=_get(where, data, "minutes", int),
        questions=tuple(_question(where, number, block) for number, block in enumerate(questions, 1)),
        draws=_draws(where, data.get("variant", {})),
        rubric=_rubric(where, data.get("rubric", {})),
        folder=folder,
        notebook=_notebook(folder),
    )


def _question(where: str, number: int, block: Mapping[str, Any]) -> Question:
    where = f"{where}, question {block.get('id', number)}"
    _known(where, block, _QUESTION)
    kind = _get(where, block, "kind", str)
    if kind not in KINDS:
        raise ExerciseError(f"{where}: kind {kind!r}. Write one of: {', '.join(KINDS)}.")
    id = _get(where, block, "id", str)
    if not _NAME.fullmatch(id):
        raise ExerciseError(f"{where}: the id is the name of a variable too. Write it like q1.")
    answer, compare = block.get("answer", {}), block.get("compare", {})
    if kind != "essay":
        _known(f"{where}, answer", answer, set(ANSWER_KEYS) | {"index"})
        if answer.get("type") not in TYPES:
            raise ExerciseError(f"{where}, answer: type {answer.get('type')!r}. Write one of: {', '.join(TYPES)}.")
        if compare.get("by") not in COMPARE:
            raise ExerciseError(f"{where}, compare: by {compare.get('by')!r}. Write one of: {', '.join(COMPARE)}.")
    return Question(
        id=id,
        title=_get(where, block, "title", str),
        points=_get(where, block, "points", int),
        kind=kind,
        cell=_get(where, block, "cell", str),
        asks=_get(where, block, "asks", str),
        answer=answer,
        compare=compare,
        touches=block.get("touches", ""),
        margin=block.get("margin", ""),
    )


def _draws(where: str, variant: Mapping[str, Any]) -> dict[str, tuple]:
    draws = {}
    for name, block in variant.get("draw", {}).items():
        choices = block.get("choices") if isinstance(block, dict) else None
        if not isinstance(choices, list) or len(choices) < 2:
            raise ExerciseError(f"{where}, variant.draw.{name}: write choices = […] with two values or more.")
        draws[name] = tuple(choices)
    return draws


def _rubric(where: str, block: Mapping[str, Any]) -> tuple[Criterion, ...]:
    criteria = []
    for row in block.get("criterion", []):
        name = _get(f"{where}, rubric", row, "name", str)
        levels = row.get("level", [])
        if len(levels) < 2:
            raise ExerciseError(f"{where}, rubric, {name}: write two levels or more, each with points and says.")
        criteria.append(Criterion(name, tuple(Level(level["points"], level["says"]) for level in levels)))
    return tuple(criteria)


def _notebook(folder: Path):
    from helpers.running.errors import RunError
    from helpers.running.notebooks import read as read_notebook

    try:
        return read_notebook(folder / f"{folder.resolve().name}.ipynb")
    except RunError as problem:
        raise ExerciseError(str(problem)) from None


def _get(where: str, block: Mapping[str, Any], name: str, kind: type):
    value = block.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        wanted = {str: "a text in quotation marks", int: "a whole number"}[kind]
        raise ExerciseError(f"{where}: {name} is {'missing' if value is None else repr(value)}. Write {wanted}.")
    return value


def _known(where: str, block: Mapping[str, Any], names: Iterable[str]) -> None:
    if unknown := sorted(set(block) - set(names)):
        raise ExerciseError(f"{where}: unknown entry {unknown[0]!r}. Known: {', '.join(sorted(names))}.")


# ---- cells -------------------------------------------------------------------------------------------------


def cells(notebook, tag: str = "", grade_id: str = "") -> list:
    """Return the cells with this tag, or with this nbgrader grade_id."""
    if tag:
        return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]
    return [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id]


def is_solution(cell) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def is_tests(cell) -> bool:
    """Say whether a cell holds points and is not the student's to write."""
    mark = cell.metadata.get("nbgrader", {})
    return bool(mark.get("grade")) and not mark.get("solution")


def question_of(cell) -> str:
    """Return the id of the question that a cell belongs to, or ""."""
    return cell.metadata.get("course", {}).get("question", "")


def strip_solutions(notebook):
    """Return a copy as students get it: stubs for solutions, no hidden tests, no outputs or execution counts.

    A solution region becomes ``q1 = ...``, a written answer one line to replace. Raises ExerciseError for a region
    that is not closed or stands in a cell that is not marked for it, because it would be given away.
    """
    released = copy.deepcopy(notebook)
    released.metadata.pop("widgets", None)
    for number, cell in enumerate(released.cells, 1):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.source = _without_tests(number, cell, _without_solution(number, cell))
        elif is_solution(cell):
            cell.source = TEXT_STUB
        for mark in ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TESTS"):
            if mark in cell.source:
                raise ExerciseError(
                    f"cell {number}: {mark} is left over. Mark the cell's nbgrader metadata, or mend the pair."
                )
    return released


def _without_solution(number: int, cell) -> str:
    if not is_solution(cell):
        return cell.source
    name = question_of(cell) or cell.metadata.nbgrader.grade_id
    return _cut(number, cell.source, BEGIN_SOLUTION, END_SOLUTION, f"{name} = ...  # your answer in place of the dots")


def _without_tests(number: int, cell, source: str) -> str:
    return _cut(number, source, BEGIN_TESTS, END_TESTS, "") if is_tests(cell) else source


def _cut(number: int, source: str, begin: str, end: str, stub: str) -> str:
    kept, inside = [], False
    for line in source.split("\n"):
        if begin in line or end in line:
            if inside == (begin in line):
                raise ExerciseError(
                    f"cell {number}: {line.strip()!r} has no partner. Write each {begin!r} with its {end!r}."
                )
            inside = not inside
            if inside and stub:
                kept.append(line[: len(line) - len(line.lstrip())] + stub)
                stub = ""
        elif not inside:
            kept.append(line)
    if inside:
        raise ExerciseError(f"cell {number}: {begin!r} is not closed. Write {end!r} below it.")
    return "\n".join(kept).strip("\n")


def ladder(exercise: Exercise) -> dict[str, dict]:
    """Return what check() may know: each question's [question.answer], without anything about the right answer."""
    return {question.id: dict(question.answer) for question in exercise.computed}


def checks_source(exercise: Exercise) -> str:
    """Return the source of the cell tagged ``checks``: ``check({…})`` with the ladder."""
    text = pprint.pformat(ladder(exercise), width=112, sort_dicts=False)
    return f"# What check() knows: the form of each answer, not the answer.\n# fmt: off\ncheck(\n{text}\n)"


def write_checks(folder: str | Path) -> bool:
    """Write the master's cell tagged ``checks`` anew from exercise.toml. Returns whether the file changed."""
    from helpers.running.notebooks import to_text, write_text

    exercise = read(folder)
    notebook = copy.deepcopy(exercise.notebook)
    found = cells(notebook, tag=CHECKS)
    if len(found) != 1:
        raise ExerciseError(
            f"{exercise.id}.ipynb: {len(found)} cells tagged {CHECKS!r}. Keep exactly one, after the set-up."
        )
    found[0].source = checks_source(exercise)
    return write_text(exercise.folder / f"{exercise.id}.ipynb", to_text(notebook))


# ---- the reference run -------------------------------------------------------------------------------------


def defaults(exercise: Exercise) -> dict[str, Any]:
    """Return the master's own variant: the values of the cell tagged ``parameters``, without ``as_of``."""
    space = _run_parameters(exercise)
    return {name: space[name] for name in exercise.draws if name in space}


def reference(exercise: Exercise, draws: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return {question id: answer} by running the parameters, set-up and solution cells in this process.

    `draws` replaces the parameters it names (also ``as_of``); left out, the master's own variant is run. Nothing is
    printed and no test cell is run. What does not depend on the draws (reading the tables) is done once and kept.
    Raises ExerciseError for an unknown name and when a cell fails.
    """
    space = run(exercise, draws)
    answers = {question.id: space.get(question.id, ...) for question in exercise.computed}
    if lacking := [id for id, answer in answers.items() if answer is ... or answer is None]:
        raise ExerciseError(
            f"{exercise.id}: the solutions leave {', '.join(lacking)} without a value. Assign it in its cell."
        )
    return answers


def run(exercise: Exercise, draws: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the whole namespace after the reference run (see `reference`)."""
    parameters = _run_parameters(exercise)
    if unknown := sorted(set(draws or {}) - set(parameters)):
        raise ExerciseError(f"{exercise.id}: no parameter {unknown[0]!r}. It has: {', '.join(parameters)}.")
    parameters |= copy.deepcopy(dict(draws or {}))
    opening, tasks = _code(exercise)
    read_there = set().union(*(_names(source) for _, source in opening))
    used = {name: value for name, value in parameters.items() if name in read_there}
    kept = _opened(exercise.id, tuple(opening), json.dumps(used, sort_keys=True, default=str))
    space = {name: _own(value) for name, value in kept.items()} | parameters
    for number, source in tasks:
        _execute(exercise.id, number, source, space)
    return space


def _run_parameters(exercise: Exercise) -> dict[str, Any]:
    found = cells(exercise.notebook, tag=PARAMETERS)
    if len(found) != 1:
        raise ExerciseError(
            f"{exercise.id}.ipynb: {len(found)} cells tagged {PARAMETERS!r}. Keep exactly one, at the top."
        )
    space: dict[str, Any] = {}
    _execute(exercise.id, exercise.notebook.cells.index(found[0]) + 1, found[0].source, space)
    return {name: value for name, value in space.items() if not name.startswith("__")}


def _code(exercise: Exercise) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """Return the code cells (number, source) before the first cell of a question, and from it on without tests."""
    opening, tasks = [], []
    for number, cell in enumerate(exercise.notebook.cells, 1):
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or is_tests(cell) or PARAMETERS in tags or CHECKS in tags:
            continue
        (tasks if tasks or question_of(cell) or is_solution(cell) else opening).append((number, cell.source))
    return opening, tasks


@lru_cache(maxsize=32)
def _opened(name: str, opening: tuple[tuple[int, str], ...], parameters: str) -> dict[str, Any]:
    space = json.loads(parameters)
    for number, source in opening:
        _execute(name, number, source, space)
    return space


def _names(source: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


def _own(value: object) -> object:
    """Return a copy of tables that costs nothing (pandas copies on writing), so that no variant sees another's columns."""
    import pandas as pd

    from helpers.evidence import TABLES, Evidence

    if isinstance(value, Evidence):
        tables = (*TABLES, "hidden")
        return replace(value, **{table: getattr(value, table).copy(deep=False) for table in tables})
    return value.copy(deep=False) if isinstance(value, pd.DataFrame | pd.Series) else value


def _execute(name: str, number: int, source: str, space: dict[str, Any]) -> None:
    try:
        code = compile(source, f"<{name}, cell {number}>", "exec")
        with contextlib.redirect_stdout(io.StringIO()):
            exec(code, space)
    except Exception as problem:
        lines = str(problem).strip().splitlines() or [""]
        raise ExerciseError(
            f"{name}, cell {number}: {type(problem).__name__}: {lines[0]}. Run the master in JupyterLab to see where."
        ) from problem


# ---- what is wrong with a master ---------------------------------------------------------------------------


def problems(exercise: Exercise) -> list[str]:
    """Return a sentence for each thing that keeps a master from being released; empty when nothing does.

    Looks at points, ids, cells and their nbgrader metadata, parameters, rubric and the checks cell; runs the solutions,
    the hidden tests on them and on unsolved answers, and the stripped notebook.
    """
    found = [*_head_problems(exercise), *_rubric_problems(exercise), *_parameter_problems(exercise)]
    for question in exercise.questions:
        found += _cell_problems(exercise, question)
    return found or [*_run_problems(exercise), *_stub_problems(exercise)]


def _head_problems(exercise: Exercise) -> Iterator[str]:
    total = sum(question.points for question in exercise.questions)
    if total != FULL:
        yield f"{exercise.id}: the points add up to {total}, not {FULL}."
    for what in ("id", "cell"):
        names = [getattr(question, what) for question in exercise.questions]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"{exercise.id}: two questions have the {what} {name!r}."
    for question in exercise.questions:
        if typed := sorted({"expected", "value", "values", "answer"} & set(question.compare)):
            yield f"{question.id}: compare.{typed[0]} types an expected value. The solution computes it."
    notebooks = exercise.folder.resolve().parent.parent / "notebooks"
    if notebooks.is_dir() and not (notebooks / f"{exercise.lesson}.ipynb").exists():
        yield f"{exercise.id}: there is no lesson {exercise.lesson!r}."
    found = cells(exercise.notebook, tag=CHECKS)
    if len(found) != 1 or found[0].source != checks_source(exercise):
        yield f"{exercise.id}.ipynb: the cell tagged {CHECKS!r} is not what exercise.toml says. Run master.write_checks."


def _rubric_problems(exercise: Exercise) -> Iterator[str]:
    essays = sum(question.points for question in exercise.questions if question.kind == "essay")
    total = sum(criterion.points for criterion in exercise.rubric)
    if total != essays:
        yield f"{exercise.id}: the rubric adds up to {total:g} points, the essay to {essays}."
    for criterion in exercise.rubric:
        steps = [level.points for level in criterion.levels]
        if steps != sorted(steps, reverse=True) or steps[-1] != 0:
            yield f"{exercise.id}: rubric {criterion.name!r}: order its levels from the most points to 0."


def _parameter_problems(exercise: Exercise) -> Iterator[str]:
    parameters = _run_parameters(exercise)
    used = set().union(*(_names(source) for part in _code(exercise) for _, source in part))
    for name, choices in exercise.draws.items():
        if name not in parameters:
            yield f"{exercise.id}: the draw {name!r} is no parameter of the notebook."
        elif parameters[name] not in choices:
            yield f"{exercise.id}: the parameter {name} = {parameters[name]!r} is not one of its choices."
        elif name not in used:
            yield f"{exercise.id}: no cell reads the draw {name!r}, so it changes nothing."
        if len({json.dumps(choice) for choice in choices}) < len(choices):
            yield f"{exercise.id}: the draw {name!r} lists a value twice."
    for name in sorted(set(parameters) - set(exercise.draws) - {"as_of"}):
        yield f"{exercise.id}: the parameter {name!r} has no [variant.draw.{name}]."
    if "as_of" not in parameters:
        yield f"{exercise.id}: the parameters lack as_of."


def _cell_problems(exercise: Exercise, question: Question) -> Iterator[str]:
    essay = question.kind == "essay"
    wanted = {question.cell: {"grade": essay, "solution": True, "locked": False}}
    wanted[question.tests] = wanted.get(question.tests, {"grade": True, "solution": False, "locked": True})
    for grade_id, marks in wanted.items():
        found = cells(exercise.notebook, grade_id=grade_id)
        if len(found) != 1:
            yield f"{question.id}: {len(found)} cells with the grade_id {grade_id!r}; there must be one."
            return
        cell = found[0]
        nbgrader = cell.metadata["nbgrader"]
        if wrong := [name for name, value in marks.items() if nbgrader.get(name) is not value]:
            yield f"{question.id}: cell {grade_id!r}: nbgrader's {wrong[0]} must be {str(marks[wrong[0]]).lower()}."
        if marks["grade"] and nbgrader.get("points") != question.points:
            yield f"{question.id}: cell {grade_id!r} has {nbgrader.get('points')} points, exercise.toml {question.points}."
        if question_of(cell) != question.id:
            yield f'{question.id}: cell {grade_id!r} lacks the metadata {{"course": {{"question": "{question.id}"}}}}.'
        if cell.cell_type != ("markdown" if essay else "code"):
            yield f"{question.id}: cell {grade_id!r} is of type {cell.cell_type}."
    if not essay:
        yield from _source_problems(exercise, question)


def _source_problems(exercise: Exercise, question: Question) -> Iterator[str]:
    solution = cells(exercise.notebook, grade_id=question.cell)[0].source
    tests = cells(exercise.notebook, grade_id=question.tests)[0].source
    if solution.count(BEGIN_SOLUTION) != 1 or solution.count(END_SOLUTION) != 1:
        yield f"{question.id}: the solution must stand between one {BEGIN_SOLUTION!r} and one {END_SOLUTION!r}."
    if solution.rstrip().split("\n")[-1] != f'check("{question.id}", {question.id})':
        yield f'{question.id}: the solution cell must end with check("{question.id}", {question.id}).'
    if BEGIN_TESTS not in tests or END_TESTS not in tests:
        yield f"{question.id}: the test cell has no hidden tests."
        return
    tree = ast.parse(tests)
    if question.id not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}:
        yield f"{question.id}: the hidden tests do not look at {question.id}."
    numbers = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    for value in numbers:
        if type(value) in (int, float) and value > 10 and value not in _stated(question):
            yield f"{question.id}: the hidden tests type the number {value}. Compute what is expected from the tables."


def _stated(question: Question) -> set[float]:
    """Return the numbers that a test may type: points, sizes and bounds that exercise.toml states, and 100 for percent."""
    stated = [question.points, question.compare, question.answer.get("rows"), question.answer.get("range")]
    return {float(number) for number in re.findall(r"\d+(?:\.\d+)?", json.dumps(stated))} | {100.0}


def _run_problems(exercise: Exercise) -> Iterator[str]:
    from helpers.exercises import answers

    try:
        space, again = run(exercise), reference(exercise)
    except ExerciseError as problem:
        yield str(problem)
        return
    form = Checker(ladder(exercise))
    for question in exercise.computed:
        answer = space[question.id]
        if answers.encode(answer) != answers.encode(again[question.id]):
            yield f"{question.id}: the solution gives another answer when it is run again."
        yield from _form_problem(question, answer, form)
        yield from _test_problems(exercise, question, space)


def _form_problem(question: Question, answer: object, form: Checker, variant: str = "") -> Iterator[str]:
    from helpers.exercises.checking import first_mistake

    mistake = first_mistake(form.ladder[question.id], answer)
    if mistake.key != "none":
        yield f"{question.id}{variant}: check() rejects the solution's own answer: {mistake.rungs[-1]}"


def _test_problems(exercise: Exercise, question: Question, space: Mapping[str, Any]) -> Iterator[str]:
    cell = cells(exercise.notebook, grade_id=question.tests)[0]
    number = exercise.notebook.cells.index(cell) + 1
    try:
        _execute(exercise.id, number, cell.source, dict(space))
    except ExerciseError as problem:
        yield f"{question.id}: the hidden tests reject the solution: {problem}"
    with contextlib.suppress(ExerciseError):
        _execute(exercise.id, number, cell.source, {**space, question.id: ...})
        yield f"{question.id}: the hidden tests accept an answer that is not there."


def _stub_problems(exercise: Exercise) -> Iterator[str]:
    try:
        unsolved = replace(exercise, notebook=strip_solutions(exercise.notebook))
        space = run(unsolved)
    except ExerciseError as problem:
        yield f"without the solutions: {problem}"
        return
    for question in exercise.computed:
        if space.get(question.id) is not ...:
            yield f"{question.id}: without its solution the variable is {space.get(question.id)!r}, not the dots."


# ---- variants ----------------------------------------------------------------------------------------------


def check_all(*, anew: bool = False) -> list[str]:
    """Return what is wrong with the masters here and with their variants, a sentence each; see `problems`, `variant_problems`.

    With `anew`, the cells with the hints are written from exercise.toml first.
    """
    found = []
    for folder in find():
        if anew:
            write_checks(folder)
        exercise = read(folder)
        found += [f"{exercise.id}: {each}" for each in (*problems(exercise), *variant_problems(exercise))]
    return found


def variant_table(exercise: Exercise, sample: int = SAMPLE):
    """Run the solutions over the variants and return one row per question and distinct draw that it reads.

    Columns: question, draws (JSON of the draws that the question reads), rows (what `touches` holds), margin, empty,
    answer (JSON), wrong (what check() says of it). For each question all combinations of its draws are run; where
    there are more than `sample`, a fixed random sample of that size. Raises ExerciseError that
    names the variant in which a cell fails.
    """
    import pandas as pd

    from helpers.exercises import answers

    form, rows, reads, done = Checker(ladder(exercise)), [], reads_draws(exercise), set()
    for draws in _chosen(exercise, reads, sample):
        space = None
        for question in exercise.computed:
            key = json.dumps({name: draws[name] for name in exercise.draws if name in reads[question.id]})
            if (question.id, key) in done:
                continue
            done.add((question.id, key))
            space = _run_variant(exercise, draws) if space is None else space
            answer = answers.encode(space.get(question.id))
            touched = space.get(question.touches) if question.touches else None
            margin = space.get(question.margin) if question.margin else None
            rows.append(
                {
                    "question": question.id,
                    "draws": key,
                    "rows": len(touched) if hasattr(touched, "__len__") else touched,
                    "margin": None if margin is None else float(margin),
                    "empty": _empty(answer),
                    "answer": json.dumps(answer),
                    "wrong": next(_form_problem(question, space.get(question.id), form, f" {key}"), ""),
                }
            )
    return pd.DataFrame(rows).astype({"rows": "float64", "margin": "float64"})


def variant_problems(exercise: Exercise, sample: int = SAMPLE) -> list[str]:
    """Return a sentence for each variant that is empty, tied, a double of another, or much harder than another.

    Per question and over all its draws: an answer without content; an answer whose form check() would reject; a
    `margin` of 0 (a tie); two draws with the same answer (not for codes, which belong to the claims and not to the other
    draws); fewer than 4 rows to look at, or more than 5 times as many in one variant as in another; a word to choose
    that is the same in every variant, so that it can be guessed; and fewer than 60 variants. A variant in which a cell
    fails is the only thing told.
    """
    try:
        table, found = variant_table(exercise, sample), []
    except ExerciseError as problem:
        return [str(problem)]
    for id, group in table.groupby("question", sort=False):
        found += [f"{id} {row.draws}: the answer is empty." for row in group[group["empty"]].itertuples()]
        found += list(group.loc[group["wrong"] != "", "wrong"])
        for row in group[group["margin"].notna() & (group["margin"].abs() < 1e-9)].itertuples():
            found.append(f"{id} {row.draws}: a tie, the margin is 0.")
        if exercise.question(id).kind != "coding":
            found += _doubles(id, group)
        found += _spread(id, group)
        found += _guessable(exercise.question(id), group)
    if exercise.variants < 60:
        found.append(f"{exercise.id}: only {exercise.variants} variants. Give the draws more choices.")
    return found


def difficulty(exercise: Exercise, sample: int = SAMPLE):
    """Return per question: variants run, fewest, median and most rows to look at, most ÷ fewest, smallest margin."""
    grouped = variant_table(exercise, sample).groupby("question", sort=False)
    table = grouped.agg(
        variants=("draws", "size"),
        fewest=("rows", "min"),
        median=("rows", "median"),
        most=("rows", "max"),
        closest=("margin", lambda margins: margins.abs().min()),
    )
    table.insert(4, "ratio", (table["most"] / table["fewest"]).round(1))
    return table.reset_index()


def _run_variant(exercise: Exercise, draws: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return run(exercise, draws)
    except ExerciseError as problem:
        raise ExerciseError(f"{json.dumps(draws)}: {problem}") from problem


def _doubles(id: str, group) -> Iterator[str]:
    for _, same in group[group.duplicated("answer", keep=False)].groupby("answer"):
        yield f"{id}: the same answer for {' and '.join(same['draws'])}."


def _spread(id: str, group) -> Iterator[str]:
    rows = group.dropna(subset="rows")
    if rows.empty:
        return
    least, most = rows.loc[rows["rows"].idxmin()], rows.loc[rows["rows"].idxmax()]
    if least["rows"] < FEWEST_ROWS:
        yield f"{id} {least['draws']}: only {least['rows']:g} rows to look at."
    elif most["rows"] > MOST_SPREAD * least["rows"]:
        yield f"{id}: {most['rows']:g} rows to look at for {most['draws']}, but {least['rows']:g} for {least['draws']}."


def _guessable(question: Question, group) -> Iterator[str]:
    options = question.answer.get("options")
    if question.kind == "coding" or not options or len(group) < 2:
        return
    read = [json.loads(answer) for answer in group["answer"]]
    if question.answer["type"] == "table":
        chosen = {
            name: {row[answer["columns"].index(name)] for answer in read for row in answer["rows"]} for name in options
        }
    else:
        chosen = {"the answer": {json.dumps(answer) for answer in read}}
    for name, words in chosen.items():
        if len(words) < 2:
            yield f"{question.id}: {name} is {next(iter(words))} in every variant, so it can be guessed."


def _chosen(exercise: Exercise, reads: Mapping[str, set[str]], sample: int) -> Iterator[dict[str, Any]]:
    """Give draws so that each question meets all combinations of what it reads, or `sample` of them."""
    dice = random.Random(f"{exercise.id} {exercise.version}")
    for question in exercise.computed:
        names = [name for name in exercise.draws if name in reads[question.id]]
        combinations = list(itertools.product(*(exercise.draws[name] for name in names)))
        if len(combinations) > sample:
            combinations = dice.sample(combinations, sample)
        for values in combinations:
            others = {name: dice.choice(choices) for name, choices in exercise.draws.items()}
            yield others | dict(zip(names, values, strict=True))


def reads_draws(exercise: Exercise) -> dict[str, set[str]]:
    """Return for each question the draws that its answer depends on, followed statement by statement through variables."""
    behind: dict[str, set[str]] = {name: {name} for name in exercise.draws}
    sources = [source for part in _code(exercise) for _, source in part]
    for statement in (statement for source in sources for statement in ast.parse(source).body):
        names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
        depends = set().union(*(behind.get(name.id, set()) for name in names if isinstance(name.ctx, ast.Load)))
        for name in _changed(statement):
            depends = depends | behind.get(name, set())
        behind |= dict.fromkeys(_changed(statement), depends)
        behind |= {name.id: depends for name in names if isinstance(name.ctx, ast.Store)}
    return {question.id: behind.get(question.id, set()) for question in exercise.computed}


def _changed(statement: ast.stmt) -> set[str]:
    """Return the variables that a statement may change in place: by a column, an item, an attribute or a method."""
    parts = [
        node.value for node in ast.walk(statement) if isinstance(node, ast.Subscript | ast.Attribute) and _stores(node)
    ]
    parts += [
        node.value.func
        for node in ast.walk(statement)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ]
    names = set()
    for part in parts:
        while isinstance(part, ast.Subscript | ast.Attribute):
            part = part.value
        names |= {part.id} if isinstance(part, ast.Name) else set()
    return names


def _stores(node: ast.Subscript | ast.Attribute) -> bool:
    return isinstance(node.ctx, ast.Store)


def _empty(answer: Mapping[str, Any]) -> bool:
    kind = answer["type"]
    if kind == "table":
        return not answer["rows"]
    if kind in ("list", "series", "mapping"):
        return not answer["values"]
    return kind in ("missing", "refused") or answer.get("value") in ("", None)
