"""Grading a class: every submission through the sandbox, every answer compared outside it, every step kept.

    grade("collected/", "ex2", out="graded/", roster="roster.csv")

What runs where
---------------
This process reads the submissions, holds the roster, the key and the journal, and compares. Worker processes (or a Dask cluster's
workers) each keep one warm sandbox; what goes to them is code to run in it, what comes back are answers as JSON. Expected answers are
computed here by the reference solution, once for each distinct variant of each question, while the sandboxes warm up.

Resuming
--------
``journal.jsonl`` in `out` gets one line as soon as a submission is graded. A line is found again by a key over everything that can change
the grade: the submission's cells, the student and their draws, the exercise, the tables, the limits and the grading code. So a run that was
interrupted (Ctrl-C, kill -9, full disk) goes on where it was, a changed submission or exercise is graded anew, and the end is the same.
Everything else in `out` is made from these lines at the end of each run; ``grades.csv`` holds no times and no order but the roster's.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib
import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.exercises import ExerciseError, master, points, submissions, variants
from helpers.exercises.master import Exercise
from helpers.exercises.roster import Roster
from helpers.exercises.roster import read as read_roster
from helpers.exercises.sandbox import Limits, Sandbox

JOURNAL = "journal.jsonl"
CODE = ("answers.py", "grading.py", "inside.py", "points.py", "submissions.py")  # of this package: a change grades anew
SYNC_SECONDS = 1.0
MOST_CLOCKS = 24  # dates at which a sandbox prepares the tables before it starts
SHOWN_ROWS, SHOWN_COLUMNS, SHOWN_TEXT, SHOWN_ESSAY = 60, 16, 2_000, 40_000
NOT_HANDED_IN, UNREADABLE, NOBODYS = "not handed in", "unreadable", "nobody's"
UNGRADED = (NOT_HANDED_IN, UNREADABLE, NOBODYS)


class GradingError(ExerciseError):
    """A run that could not be finished; the message ends with the next step. `exit_code` is 130 after Ctrl-C."""

    exit_code = 1


@dataclass
class Row:
    """What became of one student, or of a file that is nobody's (`student` is then "").

    `status`: "ok", what the sandbox says of a notebook that failed somewhere ("error", "timeout", …: answers found are graded), or one
    of UNGRADED. `sources` has the student's cells by nbgrader's grade_id. `points`: question -> points, None for an essay that nobody has graded yet; empty without a readable notebook.
    `answers` and `essays` are cut to what a page can show. Everything but ids and numbers holds what a student wrote: escape it.
    """

    student: str
    name: str
    file: str = ""
    status: str = NOT_HANDED_IN
    points: dict[str, float | None] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    remarks: list[str] = field(default_factory=list)
    late: bool = False
    answers: dict[str, dict] = field(default_factory=dict)
    essays: dict[str, str] = field(default_factory=dict)
    criteria: dict[str, dict[str, float]] = field(default_factory=dict)
    draws: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def handed_in(self) -> bool:
        return self.status != NOT_HANDED_IN

    @property
    def total(self) -> float | None:
        """Return the sum of what is graded; None where nothing was handed in."""
        if not self.points:
            return 0.0 if self.status == UNREADABLE else None
        return round(sum(p for p in self.points.values() if p is not None), 2)

    @property
    def open_essays(self) -> list[str]:
        return [question for question, p in self.points.items() if p is None]


@dataclass(frozen=True)
class Graded:
    """A graded class: `rows` in the roster's order, then the files that are nobody's; `seconds` is the whole run's wall time."""

    exercise: Exercise
    roster: Roster | None
    rows: tuple[Row, ...]
    out: Path
    seconds: float
    workers: int
    resumed: int

    @property
    def students(self) -> list[Row]:
        return [row for row in self.rows if row.student]


@dataclass(frozen=True)
class Setup:
    """What a worker needs to know; the same for all of a run."""

    limits: Limits
    trust: bool
    data: str
    data_print: str
    clocks: tuple[str | None, ...]


@dataclass
class Work:
    """One submission on its way: `key` in the journal, the row so far, the notebook, what to run."""

    key: str
    row: Row
    notebook: submissions.Notebook
    cells: list[str]
    names: list[str]


def grade(
    place: str | Path,
    exercise: Exercise | str | Path,
    *,
    out: str | Path,
    roster: Roster | str | Path | None = None,
    key_file: str | Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    essay_grades: str | Path | None = None,
    trust: bool = False,
    limits: Limits | None = None,
    nbgrader: bool = True,
    echo: Callable[[str], object] = print,
) -> Graded:
    """Grade the submissions in the folder or zip `place` and write everything that a teacher needs into `out`.

    `exercise` is a name or folder (see `variants.find_exercise`) or already read; `roster` a file or read. `key_file` is the one that
    `course assign` made; left out, a ``course-key`` beside `place`, `out` or the roster is taken, and without one all are graded on the
    master's own variant. `scheduler`: a Dask scheduler's address, to use its workers instead of `workers` processes here. `trust`: where
    bubblewrap cannot be had, run students' code all the same. `nbgrader=False` leaves out nbgrader's gradebook.

    Raises ExerciseError before anything is graded for a faulty master, roster, key or table, and GradingError for an interrupted run; run
    again and it goes on where it was. What a submission does never raises: each gets a row with a reason.
    """
    from helpers.exercises import feedback, gradebooks
    from helpers.running import import_nbformat

    began = time.perf_counter()
    import_nbformat()
    place, out = Path(place), Path(out)
    exercise = exercise if isinstance(exercise, Exercise) else variants.find_exercise(exercise)
    roster = roster if roster is None or isinstance(roster, Roster) else read_roster(roster)
    _refuse_places(place, out)
    class_ = _Class.of(exercise, roster, _key_file(key_file, place, out, roster))
    given = gradebooks.read_essay_grades(essay_grades, exercise, roster) if essay_grades else {}
    files = submissions.find(place, exercise.id, roster=class_.finder, others=_others(exercise))
    with _interruptible(out):
        out.mkdir(parents=True, exist_ok=True, mode=0o700)
        with Journal(out / JOURNAL) as journal:
            workers = workers or _cores()
            setup = _setup(class_, limits or Limits(), trust)
            run = _Run(class_, setup, journal, workers, scheduler, nbgrader)
            rows = run.rows(files.files)
        formgrader = gradebooks.read_formgrader(out, exercise) if nbgrader else {}
        gradebooks.merge_essays(rows, exercise, {**formgrader, **given})
        graded = Graded(exercise, roster, tuple(rows), out, time.perf_counter() - began, run.workers, run.resumed)
        gradebooks.write(graded, nbgrader=nbgrader)
        feedback.write(graded)
    _tell(graded, files.others, echo)
    return graded


# --- who, and with which draws ---


@dataclass(frozen=True)
class _Class:
    """The exercise and who may hand it in: `draws` by student (empty: the master's own variant), `key` where there is one."""

    exercise: Exercise
    roster: Roster | None
    key: bytes | None
    draws: Mapping[str, dict]

    @classmethod
    def of(cls, exercise: Exercise, roster: Roster | None, key_file: Path | None) -> _Class:
        if key_file is None:
            return cls(exercise, roster, None, {})
        key = variants.read_key(key_file)
        table = variants.table_beside(key_file, exercise.id)
        known = variants.read_table(table, exercise, key)
        if not known:
            raise GradingError(
                f"{table}: nobody was assigned {exercise.id}, version {exercise.version}, with this key. Give --key the one that the "
                f"notebooks were made with, or run `course assign {exercise.id}` first."
            )
        return cls(exercise, roster, key, {student: variant.draws for student, variant in known.items()})

    @property
    def finder(self) -> Roster | None:
        """Return what tells ids: the roster, or a stand-in with the ids that notebooks were assigned to."""
        return self.roster or (_stand_in(list(self.draws)) if self.draws else None)

    def name(self, student: str) -> str:
        return self.roster.by_id[student].name if self.roster and student in self.roster.by_id else student


def _stand_in(ids: Sequence[str]) -> Roster:
    from helpers.exercises.roster import Student

    rows = tuple({"id": i} for i in ids)
    students = tuple(Student(i, i, number) for number, i in enumerate(ids, 2))
    return Roster(Path("variants"), "csv", ("id",), rows, students, "id")


def _key_file(given: str | Path | None, place: Path, out: Path, roster: Roster | None) -> Path | None:
    if given is not None:
        return Path(given)
    beside = [place, out, *([roster.path] if roster else [])]
    found = dict.fromkeys(path for p in beside if (path := variants.key_beside(p)).is_file())
    if len(found) > 1:
        raise GradingError(f"Two keys: {' and '.join(map(str, found))}. Name the right one with --key.")
    return next(iter(found), None)


def _others(exercise: Exercise) -> list[str]:
    return [folder.name for folder in master.find(exercise.folder.parent)]


def _refuse_places(place: Path, out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise GradingError(f"{out} is a file. Choose a folder for the grades.")
    if place.is_dir() and out.resolve().is_relative_to(place.resolve()):
        raise GradingError(f"{out} would stand among the submissions. Choose another folder.")


# --- the run ---


class _Run:
    """One pass over the files: from the journal where it has them, through the pool where not."""

    def __init__(
        self, class_: _Class, setup: Setup, journal: Journal, workers: int, scheduler: str | None, nbgrader: bool
    ):
        self.class_, self.setup, self.journal, self.nbgrader = class_, setup, journal, nbgrader
        self.workers, self.scheduler, self.resumed = workers, scheduler, 0
        self._prints = _fingerprint(class_.exercise, setup)
        self._expected = _Expected(class_.exercise)

    def rows(self, files: Sequence[submissions.File]) -> list[Row]:
        """Return a row for everybody in the roster and for each file that is nobody's."""
        exercise, class_ = self.class_.exercise, self.class_
        files = [self._told_by_token(file) for file in files]
        chosen, extra = submissions.choose(files, exercise.id)
        everybody = list(class_.roster.ids) if class_.roster else sorted(set(class_.draws) | set(chosen))
        rows = {student: Row(student, class_.name(student)) for student in everybody}
        todo = []
        for student, file in chosen.items():
            row = rows[student]
            row.file, row.late = file.name, file.late
            if more := [other.name for other in extra.get(student, [])]:
                row.remarks.append(f"Handed in more than once; not graded: {', '.join(more[:5])}.")
            if class_.key is not None and student not in class_.draws:
                row.status, row.reason = UNREADABLE, f"was never assigned a variant of {exercise.id}"
                continue
            row.draws = dict(class_.draws.get(student, {}))
            todo.append((row, file))
        self._grade(todo)
        nobodys = [
            Row("", "", file.name, NOBODYS, reason=file.problem or "names nobody in the roster")
            for file in extra.get("", [])
        ]
        return [*rows.values(), *nobodys]

    def _told_by_token(self, file: submissions.File) -> submissions.File:
        """Give a renamed file to the student whose token it carries; a token cannot be made without the key."""
        if file.student or file.problem or self.class_.key is None:
            return file
        with contextlib.suppress(submissions.SubmissionError):
            mark = submissions.read(file).course.get("token", "")
            owner = variants.token_owner(mark, self.class_.exercise.id, self.class_.finder.ids, self.class_.key)
            if owner:
                return dataclasses.replace(file, student=owner, told_by="token")
        return file

    def _grade(self, todo: list[tuple[Row, submissions.File]]) -> None:
        """Fill the rows: from the journal, or by running what is not in it."""
        works = []
        for row, file in todo:
            try:
                work = self._work(row, file)
            except submissions.SubmissionError as problem:
                row.status, row.reason = UNREADABLE, str(problem)
                continue
            if (record := self.journal.get(work.key)) is not None:
                _restore(row, record)
                self.resumed += 1
            else:
                works.append(work)
        if not works:
            return
        self._refuse_lost_key([work.notebook for work in works])
        with _pool(self.setup, self.workers, self.scheduler) as pool:
            self.workers = pool.size
            self._expected.compute([work.row.draws for work in works])
            if self.nbgrader:
                pool.meanwhile(
                    "nbgrader.api", "nbgrader.preprocessors", "alembic.config", "alembic.script"
                )  # a second or two that would pass at the end
            with _progress(len(todo), f"{self.class_.exercise.id}, graded", self.resumed) as bar:
                for work, result in pool.map(run_cells, works, lambda work: (self.setup, work.cells, work.names)):
                    record = self._record(work, result)
                    if result["status"] != "grader":
                        self.journal.add(work.key, record)
                    _restore(work.row, record)
                    bar.update()

    def _refuse_lost_key(self, notebooks: Sequence[submissions.Notebook]) -> None:
        """Without the key everybody would be graded on the master's own variant, and most would lose all their points."""
        if self.class_.key is None and 2 * sum("token" in notebook.course for notebook in notebooks) > len(notebooks):
            raise GradingError(
                f"These notebooks were made for each student by `course assign {self.class_.exercise.id}`. Give the key that was made "
                f"with them: --key {variants.KEY_FILE}."
            )

    def _work(self, row: Row, file: submissions.File) -> Work:
        exercise = self.class_.exercise
        notebook = submissions.read(file)
        row.remarks += self._remarks(row, file, notebook)
        about = [*self._prints, row.student, json.dumps(row.draws, sort_keys=True), notebook.digest]
        key = hashlib.sha256("\n".join(about).encode()).hexdigest()
        names = [*(question.id for question in exercise.computed), *row.draws]
        cells = [_parameters(exercise, row.draws), *notebook.code]
        return Work(key, row, notebook, cells, names)

    def _remarks(self, row: Row, file: submissions.File, notebook: submissions.Notebook) -> Iterator[str]:
        exercise, course, key = self.class_.exercise, notebook.course, self.class_.key
        yield from notebook.remarks
        if file.told_by == "token":
            yield "The file was renamed; its token tells whose it is."
        if (other := course.get("exercise", exercise.id)) != exercise.id:
            yield f"The notebook says that it is {other}; graded as {exercise.id}."
        if (version := course.get("version", exercise.version)) != exercise.version:
            yield f"Made from version {version}; graded by version {exercise.version}."
        if key is not None and (mark := course.get("token")) and mark != variants.token(exercise.id, row.student, key):
            owner = variants.token_owner(mark, exercise.id, self.class_.finder.ids, key)
            yield (
                f"Claims to be {owner}: the notebook was made for another student." if owner else "Its token is false."
            )
        elif (claimed := course.get("student", row.student)) != row.student:
            yield f"Claims to be {claimed} in its metadata."

    def _record(self, work: Work, result: dict) -> dict:
        """Compare, and cut what is kept to what a page shows."""
        exercise, row = self.class_.exercise, work.row
        graded = points.grade(exercise, result["answers"], self._expected.of(row.draws))
        essays = {q.id: essay_text(work.notebook, exercise, q) for q in exercise.questions if q.kind == "essay"}
        hints = {p.question: p.hint for p in graded}
        for number, error in sorted(result["errors"].items(), reverse=True):
            question = _question_at(work, int(number))
            if hints.get(question) == "Not answered.":
                hints[question] = f"Not answered. Its cell stopped: {error}"
        remarks = []
        changed = [name for name, value in row.draws.items() if not _is(result["answers"].get(name), value)]
        if changed and any(p.points < p.out_of for p in graded):
            remarks.append(f"At the end these were not the values drawn for this student: {', '.join(changed)}.")
        if result.get("reordered"):
            remarks.append("Cells stood before what they need; they were run again at the end.")
        return {
            "status": result["status"],
            "reason": _reason(work, result),
            "points": {p.question: p.points for p in graded} | {q: None if text else 0.0 for q, text in essays.items()},
            "hints": hints | {q: "" if text else "Not answered." for q, text in essays.items()},
            "answers": {q.id: shown(result["answers"].get(q.id)) for q in exercise.computed},
            "essays": {q: text[:SHOWN_ESSAY] for q, text in essays.items()},
            "remarks": remarks,
            "sources": {cell.grade_id: cell.source[:SHOWN_ESSAY] for cell in work.notebook.cells if cell.grade_id},
            "seconds": round(result["seconds"], 3),
        }


def _restore(row: Row, record: Mapping) -> None:
    order = list(record["points"])
    row.status, row.reason, row.seconds = record["status"], record["reason"], record["seconds"]
    row.points = {question: record["points"][question] for question in order}
    row.hints, row.answers, row.essays = dict(record["hints"]), record["answers"], record["essays"]
    row.sources = record["sources"]
    row.remarks = [*row.remarks, *record["remarks"]]


def _reason(work: Work, result: Mapping) -> str:
    if result["status"] == "ok":
        return ""
    error = result["error"] or "The notebook ended before its last cell."
    failed = result.get("failed_cell")
    if failed is None or result["status"] != "error":
        return error
    more = f" (and {len(result['errors']) - 1} more)" if len(result["errors"]) > 1 else ""
    return f"{_question_at(work, failed) or f'code cell {failed}'} stopped: {error}{more}"


def _question_at(work: Work, number: int) -> str:
    """Return the question of the code cell that ran as `number` (0 is the cell of parameters put before them)."""
    code = [cell for cell in work.notebook.cells if cell.kind == "code"]
    if not 1 <= number <= len(code):
        return ""
    cell = code[number - 1]
    if cell.question:
        return cell.question
    match = re.search(r"""^check\(\s*["'](\w+)["']""", cell.source, re.MULTILINE)
    return match[1] if match else ""


def _parameters(exercise: Exercise, draws: Mapping) -> str:
    """Return a cell with the student's own draws; the submission's own cell of parameters, if it is there, comes after it and wins."""
    given = "\n".join(cell.source for cell in master.cells(exercise.notebook, tag=master.PARAMETERS))
    return "\n".join([given, *(f"{name} = {value!r}" for name, value in draws.items())])


def _is(answer: Mapping | None, value: object) -> bool:
    from helpers.exercises import answers

    return answer is None or answer == answers.encode(value)


def shown(answer: Mapping | None) -> dict:
    """Return an answer cut to what a page shows and an agreement needs."""
    if answer is None:
        return {"type": "missing"}

    def cut(cell: object) -> object:
        if isinstance(cell, str) and len(cell) > SHOWN_TEXT:
            return cell[:SHOWN_TEXT] + "…"
        if isinstance(cell, list | dict):
            return cell if len(text := json.dumps(cell, ensure_ascii=False)) <= SHOWN_TEXT else text[:SHOWN_TEXT] + "…"
        return cell

    if answer["type"] == "table":
        rows = [[cut(cell) for cell in row[:SHOWN_COLUMNS]] for row in answer["rows"][:SHOWN_ROWS]]
        columns = [name[:200] for name in answer["columns"][:SHOWN_COLUMNS]]
        return {"type": "table", "columns": columns, "rows": rows, "of": [len(answer["rows"]), len(answer["columns"])]}
    lists = {n: [cut(cell) for cell in answer[n][:SHOWN_ROWS]] for n in ("index", "keys", "values") if n in answer}
    rest = {n: cut(v) for n, v in answer.items() if n not in lists}
    return rest | lists | ({"of": [len(answer["values"])]} if "values" in answer else {})


def essay_text(notebook: submissions.Notebook, exercise: Exercise, question: master.Question) -> str:
    """Return what a student wrote for an essay: in the cell with its marks; if that is empty or gone, below the task's own text; if that
    is gone too and the exercise has one essay, in any text cell that is not the exercise's own."""
    own = [cell for cell in notebook.cells if cell.kind == "markdown" and cell.grade_id == question.cell]
    if text := _joined(own):
        return text
    known = {_squeezed(cell.source): cell for cell in exercise.notebook.cells if cell.cell_type == "markdown"}
    below, other, following = [], [], False
    for cell in notebook.cells:
        if (task := known.get(_squeezed(cell.source))) is not None:
            following = master.question_of(task) == question.id and not master.is_solution(task)
        elif cell.kind == "markdown":
            (below if following else other).append(cell)
    essays = [q for q in exercise.questions if q.kind == "essay"]
    return _joined(below) or (_joined(other) if len(essays) == 1 else "")


def _joined(cells: Iterable[submissions.Cell]) -> str:
    texts = dict.fromkeys(cell.source.replace(master.TEXT_STUB, "").strip() for cell in cells)
    return "\n\n".join(text for text in texts if text)


def _squeezed(text: str) -> str:
    return " ".join(text.split())


# --- expected answers ---


class _Expected:
    """The expected answer of each question for each combination of the draws that it reads."""

    def __init__(self, exercise: Exercise):
        self._exercise, self._found = exercise, {}
        self._reads = master.reads_draws(exercise)

    def _key(self, question: str, draws: Mapping) -> tuple[str, str]:
        return question, json.dumps({n: draws[n] for n in sorted(draws) if n in self._reads[question]})

    def of(self, draws: Mapping) -> dict[str, dict]:
        return {q.id: self._found[self._key(q.id, draws)] for q in self._exercise.computed}

    def compute(self, everybody: Iterable[Mapping]) -> None:
        """Run the reference solution as few times as all these draws need. Draws are independent, so one run serves several students."""
        runs = self._runs(list(everybody))
        with _progress(len(runs), f"{self._exercise.id}, expected answers") as bar:
            for draws in runs:
                for question, answer in variants.expected(self._exercise, draws).items():
                    self._found[self._key(question, draws)] = answer
                bar.update()

    def _runs(self, everybody: Sequence[Mapping]) -> list[dict]:
        todo: dict[str, dict[str, dict]] = {q.id: {} for q in self._exercise.computed}
        for draws in everybody:
            for question, wanted in todo.items():
                own = {name: draws[name] for name in draws if name in self._reads[question]}
                wanted[self._key(question, draws)[1]] = own
        runs = []
        while any(todo.values()):
            run: dict[str, Any] = {}
            for _, wanted in sorted(todo.items(), key=lambda item: -len(item[1])):
                fitting = (own for own in wanted.values() if all(run.get(n, v) == v for n, v in own.items()))
                run |= next(fitting, {})
            run |= {name: everybody[0][name] for name in everybody[0] if name not in run}
            runs.append(run)
            for question, wanted in todo.items():
                wanted.pop(self._key(question, run)[1], None)
        return runs


# --- what workers do ---

_boxes = threading.local()
_all_boxes: list[Sandbox] = []


def run_cells(setup: Setup, cells: list[str], names: list[str]) -> dict:
    """Run one submission in this worker's sandbox and return the result's fields."""
    box = _box(setup)
    result = box.run(cells, names)
    seconds, reordered = result.seconds, False
    lacking = [name for name in names if result.answers[name]["type"] == "missing"]
    if lacking and result.status == "error" and any("NameError" in error for error in result.errors.values()):
        last = [number for number in result.errors if 0 <= number < len(cells)]
        order = [number for number in range(len(cells)) if number not in last] + sorted(last)
        again = box.run([cells[number] for number in order], names)
        seconds += again.seconds
        if sum(again.answers[name]["type"] != "missing" for name in lacking):
            again.errors = {order[n]: error for n, error in again.errors.items() if 0 <= n < len(order)}
            again.failed_cell = min(again.errors) if again.errors else None
            result, reordered = again, True
    return dataclasses.asdict(result) | {"seconds": seconds, "reordered": reordered}


def _box(setup: Setup) -> Sandbox:
    """Return this thread's warm sandbox, made when it is first needed."""
    if getattr(_boxes, "setup", None) != setup:
        if old := getattr(_boxes, "box", None):
            old.close()
        data = _data_here(setup)
        _boxes.box = Sandbox(setup.limits, trust=setup.trust, data=data, clocks=setup.clocks)
        _boxes.setup = setup
        _all_boxes.append(_boxes.box)
    return _boxes.box


def _data_here(setup: Setup) -> Path:
    from helpers.data_folder import find_data

    data = Path(setup.data) if Path(setup.data).is_dir() else find_data()
    if data_fingerprint(data) != setup.data_print:
        raise GradingError(
            f"The tables in {data} of this worker are not those of the teacher's machine. Copy them there."
        )
    return data


def _nothing() -> None:
    """A job that only starts its worker."""


def _ready(setup: Setup) -> None:
    """In a fresh worker process: end with its parent, leave Ctrl-C to it, warm up."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(ExerciseError):  # told by the first job, where somebody listens
        _box(setup).start()


class _Pool:
    """Runs jobs on an executor, a few more than there are workers at a time; what ends a worker is tried again alone."""

    def __init__(self, start: Callable, size: int):
        self._start, self.size = start, size
        self._executor = None
        self._importing: threading.Thread | None = None

    def start(self) -> None:
        """Start the workers without a job, so that they warm up."""
        self._submit(_nothing, ())

    def meanwhile(self, *modules: str) -> None:
        """Import modules, if they are installed, while the workers work."""

        def load() -> None:
            with contextlib.suppress(ImportError):
                for module in modules:
                    importlib.import_module(module)

        self._importing = threading.Thread(target=load, daemon=True)
        self._importing.start()

    def map(self, function: Callable, items: Sequence, arguments: Callable) -> Iterator[tuple]:
        """Give (item, result) as they end. An item whose worker ended twice gives a result that says so."""
        from concurrent.futures import FIRST_COMPLETED, wait

        waiting, running, again = iter(items), {}, []
        while True:
            while len(running) < 2 * self.size and (item := next(waiting, None)) is not None:
                running[self._submit(function, arguments(item))] = item
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                item = running.pop(future)
                try:
                    yield item, future.result()
                except Exception as problem:
                    if not _worker_ended(problem):
                        raise
                    again.append(item)
        for item in again:
            yield item, self._alone(function, arguments(item))

    def _alone(self, function: Callable, arguments: tuple) -> dict:
        for _ in range(2):
            try:
                return self._submit(function, arguments).result()
            except Exception as problem:
                if not _worker_ended(problem):
                    raise
        why = "The grading process ended twice on this one, most likely for lack of memory. Grade it with --workers 1."
        return {"status": "grader", "answers": {}, "errors": {}, "error": why, "failed_cell": None, "seconds": 0.0}

    def _submit(self, function: Callable, arguments: tuple):
        from concurrent.futures.process import BrokenProcessPool

        for _ in range(2):
            self._executor = self._executor or self._start()
            try:
                return self._executor.submit(function, *arguments)
            except BrokenProcessPool:
                self._executor.shutdown(wait=False)
                self._executor = None
                if self._importing:
                    self._importing.join()  # no fork while a lock of the import system is held
        raise GradingError("Worker processes end as soon as they start. Is there memory left? Try --workers 1.")

    def close(self) -> None:
        if self._executor:
            self._executor.shutdown(wait=True, cancel_futures=True)


def _worker_ended(problem: Exception) -> bool:
    from concurrent.futures.process import BrokenProcessPool

    return isinstance(problem, BrokenProcessPool) or type(problem).__name__ == "KilledWorker"


@contextlib.contextmanager
def _pool(setup: Setup, workers: int, scheduler: str | None) -> Iterator[_Pool]:
    with _dask(scheduler) if scheduler else _processes(setup, workers) as pool:
        yield pool


@contextlib.contextmanager
def _processes(setup: Setup, workers: int) -> Iterator[_Pool]:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    Sandbox(setup.limits, trust=setup.trust, data=setup.data)  # refuses here and now where nothing can be isolated
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    before = set(multiprocessing.active_children())
    pool = _Pool(lambda: ProcessPoolExecutor(workers, context, _ready, (setup,)), workers)
    try:
        pool.start()  # before this process imports pandas: the sandboxes, which do so too, warm up meanwhile
        yield pool
        pool.close()
    finally:
        for process in set(multiprocessing.active_children()) - before:
            process.kill()


@contextlib.contextmanager
def _dask(address: str) -> Iterator[_Pool]:
    try:
        from distributed import Client
    except ImportError:
        raise GradingError("--scheduler needs Dask: pip install 'whose-soil[grading]'.") from None
    try:
        client = Client(address, timeout="5s", set_as_default=False)
    except (OSError, ValueError) as problem:
        raise GradingError(
            f"{address}: no Dask scheduler answers ({problem}). Start one with `dask scheduler`."
        ) from None
    with client:
        size = sum(client.nthreads().values())
        if not size:
            raise GradingError(f"{address}: the scheduler has no workers. Start some with `dask worker {address}`.")
        yield _Pool(lambda: client.get_executor(pure=False), size)


# --- the journal ---


class Journal:
    """Graded submissions, one JSON line each, kept as soon as they are known. One run at a time may hold it."""

    def __init__(self, path: Path):
        self.path = path
        self._known: dict[str, dict] = {}
        self._file = None
        self._synced = 0.0

    def __enter__(self) -> Journal:
        import fcntl

        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "r+b", buffering=0)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise GradingError(f"{self.path.parent}: another run is grading into this folder. Wait for it.") from None
        whole = 0
        for line in self._file.readlines():
            try:
                entry = json.loads(line)
                self._known[entry["key"]] = entry["record"]
                if not line.endswith(b"\n"):
                    break  # cut off in the middle of its end: written anew
                whole += len(line)
            except (ValueError, KeyError, TypeError):
                break  # what follows a damaged line is graded again
        self._file.truncate(whole)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            os.fsync(self._file.fileno())
        self._file.close()

    def get(self, key: str) -> dict | None:
        return self._known.get(key)

    def add(self, key: str, record: dict) -> None:
        """Write one line, whole or not at all as far as the next run can see."""
        line = json.dumps({"key": key, "record": record}, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        end = os.fstat(self._file.fileno()).st_size
        try:
            while line:
                line = line[self._file.write(line) :]
        except OSError:
            self._file.truncate(end)
            raise
        if (
            now := time.monotonic()
        ) - self._synced > SYNC_SECONDS:  # against a power cut; a killed run loses nothing without it
            os.fsync(self._file.fileno())
            self._synced = now


def data_fingerprint(folder: str | Path) -> str:
    """Return a sha256 over the tables in a data folder."""
    folder, total = Path(folder), hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith("builders/") and "__pycache__" not in name:
            total.update(f"{name}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _fingerprint(exercise: Exercise, setup: Setup) -> list[str]:
    """Return what every submission's grade depends on."""
    cells = [[cell.cell_type, cell.source, dict(cell.metadata)] for cell in exercise.notebook.cells]
    toml = (exercise.folder / "exercise.toml").read_text(encoding="utf-8")
    code = [(Path(__file__).parent / name).read_text(encoding="utf-8") for name in CODE]
    parts = [exercise.id, toml, json.dumps(cells, sort_keys=True), repr(setup.limits), *code]
    return [hashlib.sha256(json.dumps(parts).encode()).hexdigest(), setup.data_print]


def _setup(class_: _Class, limits: Limits, trust: bool) -> Setup:
    from helpers.data_folder import find_data

    data = find_data()
    told = json.dumps([*class_.draws.values(), [cell.source for cell in class_.exercise.notebook.cells]])
    dates = sorted(set(re.findall(r"(?<=[\"'])\d{4}-\d{2}-\d{2}(?=\\?[\"'])", told)))
    return Setup(limits, trust, str(data), data_fingerprint(data), (None, *dates[:MOST_CLOCKS]))


# --- telling ---


def _progress(total: int, what: str, done: int = 0):
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no thread beside the ones that fork
    return tqdm(
        total=total, initial=done, desc=what, unit="", file=sys.stderr, disable=None, leave=False, smoothing=0.05
    )


@contextlib.contextmanager
def _interruptible(out: Path) -> Iterator[None]:
    again = "What was graded is kept; run again, and it goes on where it was."
    try:
        yield
    except KeyboardInterrupt:
        stopped = GradingError(f"Stopped. {again}")
        stopped.exit_code = 130
        raise stopped from None
    except OSError as problem:
        raise GradingError(f"{problem.filename or out}: {problem.strerror or problem}. {again}") from problem


def _tell(graded: Graded, others: int, echo: Callable[[str], object]) -> None:
    rows = graded.rows
    done = [row for row in rows if row.status not in UNGRADED]
    new = len(done) - graded.resumed
    each = f", {graded.seconds / new:.2f} s each" if new else ""
    kept = f", {graded.resumed} of them from an earlier run" if graded.resumed else ""
    echo(f"{graded.exercise.id}: {len(done)} graded{kept}, in {graded.seconds:.1f} s{each}, {graded.workers} workers.")
    failed = [row for row in done if row.status != "ok"]
    for words, some in (
        ("stopped somewhere; what they answered before counts", failed),
        ("could not be read", [row for row in rows if row.status == UNREADABLE]),
        ("handed in nothing", [row for row in rows if row.status == NOT_HANDED_IN]),
        ("files that are nobody's", [row for row in rows if row.status == NOBODYS]),
        (
            "to look at: the notebook was made for somebody else",
            [r for r in rows if any("laims to be" in m for m in r.remarks)],
        ),
        ("with an essay that waits for a grade", [row for row in done if row.open_essays]),
    ):
        if some:
            names = ", ".join(row.student or row.file for row in some[:5]) + (" …" if len(some) > 5 else "")
            echo(f"  {len(some)} {words}: {_visible(names)}")
    if others:
        echo(f"  {others} files of other exercises were left alone.")
    echo(f"In {graded.out}: grades.csv, class.html, feedback/, and the files for the course system.")


def _visible(text: str) -> str:
    """Return text that cannot steer a terminal."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _cores() -> int:
    from helpers.running.execute import cores

    return cores()
