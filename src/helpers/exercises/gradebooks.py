"""Grades as files: the teacher's table, what Canvas and Moodle import, nbgrader's gradebook, and essay grades read back.

Written into a run's folder:

``grades.csv``         one row a student in the roster's order, then the files that are nobody's; no times, the same for the same work
``canvas.csv``         for Canvas' *Import*: the columns by which it knows a student, as its own export had them, a row *Points Possible*,
                       and one assignment: the export's column for this exercise where there is one, otherwise a new one
``moodle.csv``         for Moodle. Made from an assignment's grading worksheet it is that worksheet with the grades filled in; made from
                       a gradebook's or participants' export it has the columns to map by (ID number, Email address) and one grade
``essays-to-grade.csv``  one row an essay that waits, with a column for each criterion; filled in, it is what ``--essay-grades`` reads
``nbgrader/``          a course folder for nbgrader's formgrader: gradebook.db written with nbgrader's own library, and the notebooks

What a spreadsheet would run as a formula gets an apostrophe in front (`roster.csv_safe`).
"""

from __future__ import annotations

import contextlib
import copy
import csv
import importlib.util
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.exercises import ExerciseError, master
from helpers.exercises.master import Exercise, Question
from helpers.exercises.roster import Roster, csv_safe
from helpers.exercises.roster import read as read_roster

if TYPE_CHECKING:
    from helpers.exercises.grading import Graded, Row

CANVAS_STUDENT = (
    "Student",
    "LastName",
    "FirstName",
    "ID",
    "SIS User ID",
    "SIS Login ID",
    "Integration ID",
    "Root Account",
)
MOODLE_GRADE, MOODLE_MOST, MOODLE_LOCKED = "Grade", "Maximum Grade", "Grade can be changed"


class GradebookError(ExerciseError):
    """Essay grades or a gradebook that cannot be used; the message names the row, the rule and the next step."""


@dataclass(frozen=True)
class Essay:
    """One essay's grade: its points, a comment for the student, and the points by criterion where they were given."""

    points: float
    comment: str = ""
    criteria: Mapping[str, float] = field(default_factory=dict)


def write(graded: Graded, nbgrader: bool = True) -> list[Path]:
    """Write all files of a graded class and return their paths. RunError where a file cannot be written."""
    out, exercise, roster = graded.out, graded.exercise, graded.roster
    written = [_save(out / "grades.csv", grades(graded), bom=True)]
    if roster is None or roster.format in ("canvas", "csv"):
        written.append(_save(out / "canvas.csv", canvas(graded)))
    if roster is not None and roster.format in ("moodle", "csv"):
        written.append(_save(out / "moodle.csv", moodle(graded)))
    if any(row.open_essays for row in graded.students):
        written.append(_save_essays(out / "essays-to-grade.csv", essays_to_grade(graded)))
    if nbgrader and importlib.util.find_spec("nbgrader"):
        written.append(write_nbgrader(out / "nbgrader", exercise, graded.students, roster))
    return written


# --- the teacher's table ---


def grades(graded: Graded) -> list[list[str]]:
    """Return the rows of grades.csv with their header: student, name, status, a column a question, total, out_of, late, file, reason."""
    questions = graded.exercise.questions
    header = ["student", "name", "status", *(q.id for q in questions), "total", "out_of", "late", "file", "reason"]
    rows = [header]
    for row in graded.rows:
        reason = " ".join(part for part in (_sentence(row.reason), *row.remarks) if part)
        rows.append(
            [row.student, row.name, row.status]
            + [number(row.points.get(q.id)) for q in questions]
            + [number(row.total), number(out_of(row, questions)), "late" if row.late else "", row.file, reason]
        )
    return rows


def out_of(row: Row, questions: Iterable[Question]) -> float | None:
    """Return how many points the total is out of: all but those of essays that are not graded yet."""
    if row.total is None:
        return None
    return sum(question.points for question in questions if question.id not in row.open_essays)


def number(value: float | None) -> str:
    """Return points as text: at most two decimals, none where they are not needed, empty for None."""
    return "" if value is None else f"{round(value, 2):.2f}".rstrip("0").rstrip(".")


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text.endswith((".", "!", "?", "…")) else f"{text}."


# --- Canvas ---


def canvas(graded: Graded) -> list[list[str]]:
    """Return the rows of canvas.csv.

    Canvas' importer wants *Student* (or *LastName*, *FirstName*) and *ID* first, SIS columns next if any, and *Section* as the last column
    before the assignments; it finds a student by ID, then by SIS ids, then by name, an assignment by the number in brackets or by its
    title. An empty grade changes nothing there. Where the export's column is out of other points, totals are scaled to them.
    """
    exercise, roster = graded.exercise, graded.roster
    most, scale = number(sum(question.points for question in exercise.questions)), 1.0
    if roster is not None and roster.format == "canvas":
        known = [name for name in roster.columns if name in CANVAS_STUDENT]
        columns = [*known, "Section"]
        title = assignment_column(roster.columns[roster.columns.index("ID") :], exercise)
        if title and (there := next((row[title] for row in roster.before if _is_number(row[title])), "")):
            most, scale = (
                there.strip(),
                _scale(there, float(most)),
            )  # else an import would change the assignment's points
        students = {
            student: [row.get(name, "") for name in columns]
            for student, row in zip(roster.ids, roster.rows, strict=True)
        }
    else:
        columns, title = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"], None
        students = {row.student: [row.name, "", row.student, row.student, ""] for row in graded.students}
    rows = [[*columns, title or exercise.title], ["    Points Possible", *[""] * (len(columns) - 1), most]]
    for row in graded.students:
        if row.student in students:
            total = None if row.total is None else row.total * scale
            rows.append([*students[row.student], number(total)])
    return rows


def assignment_column(columns: Sequence[str], exercise: Exercise) -> str | None:
    """Return the one column of an export that is this exercise's, known by its title, its id or "Exercise 2"; None if none or several are."""
    digits = re.sub(r"\D", "", exercise.id)
    wanted = {_bare(exercise.title), _bare(exercise.id), _bare(f"exercise {digits}" if digits else exercise.id)}
    found = []
    for column in columns:
        title = re.sub(r"\s*\((\d+|[^()]*)\)\s*$", "", column)
        title = re.sub(r"^\w+:\s*", "", title) if _bare(title) not in wanted else title
        if _bare(title) in wanted or (digits and _bare(title).startswith(f"exercise {digits} ")):
            found.append(column)
    return found[0] if len(found) == 1 else None


def _bare(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", text.casefold()).split())


# --- Moodle ---


def moodle(graded: Graded) -> list[list[str]]:
    """Return the rows of moodle.csv.

    An assignment's grading worksheet (*Identifier*, *Grade*) comes back whole, as Moodle asks, with *Grade* filled in on the scale of
    *Maximum Grade*; rows whose grade cannot be changed stay. Any other roster gives the columns to map by and one grade column.
    """
    exercise, roster = graded.exercise, graded.roster
    most = sum(question.points for question in exercise.questions)
    by_student = {row.student: row for row in graded.students}
    columns = list(roster.columns)
    if "Identifier" in columns and MOODLE_GRADE in columns:
        rows = [columns]
        for student, source in zip(roster.ids, roster.rows, strict=True):
            total = by_student[student].total
            if total is not None and source.get(MOODLE_LOCKED, "").strip().casefold() != "no":
                source = {**source, MOODLE_GRADE: number(total * _scale(source.get(MOODLE_MOST, ""), most))}
            rows.append([source[name] for name in columns])
        return rows
    emails = [c for c in columns if any("@" in row[c] for row in roster.rows)][:1]
    known = list(
        dict.fromkeys(c for c in (*roster.name_columns, "ID number", roster.id_column, *emails) if c in columns)
    )
    title = assignment_column(columns, exercise) or exercise.title
    rows = [[*known, title]]
    for student, source in zip(roster.ids, roster.rows, strict=True):
        rows.append([*(source[name] for name in known), number(by_student[student].total)])
    return rows


def _scale(most: str, points: float) -> float:
    return float(most.replace(",", ".")) / points if _is_number(most) else 1.0


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"\s*\d+([.,]\d+)?\s*", text))


# --- essays ---


def essays_to_grade(graded: Graded) -> list[list[str]]:
    """Return a table to fill in: id, name, words, a column for each criterion (with its most points), comment."""
    exercise = graded.exercise
    essays = [question for question in exercise.questions if question.kind == "essay"]
    columns = _criteria_columns(exercise, essays)
    rows = [["id", "name", "words", *columns, "comment"]]
    for row in graded.students:
        if row.open_essays:
            words = sum(len(text.split()) for text in row.essays.values())
            rows.append([row.student, row.name, str(words), *[""] * len(columns), ""])
    return rows


def _save_essays(path: Path, rows: list[list[str]]) -> Path:
    """Write the table to fill in, or add to one that is there: what somebody has written in it stays."""
    if path.exists():
        there = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig", errors="replace"), newline="")))
        if not there or there[0] != rows[0]:
            return path  # changed beyond knowing; not ours to touch
        known = {row[0] for row in there if row}
        new = [row for row in rows if _cell(row[0]) not in known]
        return _save(path, [*there, *new], bom=True) if new else path
    return _save(path, rows, bom=True)


def _criteria_columns(exercise: Exercise, essays: Sequence[Question]) -> dict[str, tuple[str, str]]:
    """Return {column: (question, criterion)}; the criterion is "" where there is no rubric or more than one essay."""
    if len(essays) == 1 and exercise.rubric:
        return {f"{c.name} (0-{number(c.points)})": (essays[0].id, c.name) for c in exercise.rubric}
    return {f"{q.id} (0-{q.points})": (q.id, "") for q in essays}


def read_essay_grades(
    path: str | Path, exercise: Exercise, roster: Roster | None = None
) -> dict[str, dict[str, Essay]]:
    """Return {student: {question: Essay}} from a table with id and either the question's id (``q5``) or one column a criterion.

    Brackets in a column's name are not read, so the filled-in ``essays-to-grade.csv`` works as it is. Empty rows are left out. Raises
    GradebookError (or RosterError, for the table itself) that names the row for unknown students, points beyond the criterion, and rows
    in which only some criteria are filled in.
    """
    table = read_roster(path)
    essays = {question.id: question for question in exercise.questions if question.kind == "essay"}
    criteria = {criterion.name: criterion.points for criterion in exercise.rubric}
    columns = {column: re.sub(r"\s*\([^()]*\)\s*$", "", column) for column in table.columns}
    whole = [column for column, name in columns.items() if name in essays]
    parts = [column for column, name in columns.items() if name in criteria] if len(essays) == 1 else []
    if not whole and not parts:
        wanted = " or ".join(filter(None, [", ".join(essays), ", ".join(criteria)]))
        raise GradebookError(f"{table.path.name}: no column with essay points. Name it {wanted}.")
    given: dict[str, dict[str, Essay]] = {}
    for student, row in zip(table.students, table.rows, strict=True):
        owner = roster.find(student.id) if roster else student
        where = f"{table.path.name}, row {student.row}"
        if owner is None:
            raise GradebookError(f"{where}: “{student.id}” is nobody in the roster. Correct the id.")
        comment = next((row[c].strip() for c in table.columns if c.casefold() in ("comment", "feedback")), "")
        found = {
            columns[c]: _points(where, columns[c], row[c], essays[columns[c]].points) for c in whole if row[c].strip()
        }
        graded = {question: Essay(points, comment) for question, points in found.items()}
        filled = {columns[c]: _points(where, columns[c], row[c], criteria[columns[c]]) for c in parts if row[c].strip()}
        if filled and len(filled) < len(criteria):
            lacking = next(name for name in criteria if name not in filled)
            raise GradebookError(f"{where}: nothing in “{lacking}”. Fill in every criterion (0 counts), or none.")
        if filled:
            graded = {next(iter(essays)): Essay(round(sum(filled.values()), 2), comment, filled), **graded}
        if graded:
            given[owner.id] = graded
    return given


def _points(where: str, name: str, text: str, most: float) -> float:
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        raise GradebookError(f"{where}: {text.strip()[:20]!a} in “{name}”. Write a number from 0 to {number(most)}.")
    return round(value, 2)


def merge_essays(rows: Iterable[Row], exercise: Exercise, given: Mapping[str, Mapping[str, Essay]]) -> None:
    """Put essay grades into the rows; they replace what the run itself could say (nothing, or 0 for an empty essay)."""
    order = [question.id for question in exercise.questions]
    for row in rows:
        for question, essay in given.get(row.student, {}).items():
            row.points[question] = essay.points
            row.hints[question] = essay.comment
            row.criteria[question] = dict(essay.criteria)
            row.points = {name: row.points[name] for name in order if name in row.points}


# --- nbgrader ---


def write_nbgrader(folder: Path, exercise: Exercise, rows: Sequence[Row], roster: Roster | None = None) -> Path:
    """Write or update nbgrader's gradebook and the notebooks that its formgrader shows; return the gradebook's path.

    Points computed here are nbgrader's auto scores. An essay without a grade needs manual grading there; what a person has graded
    there stays and is read back by `read_formgrader`. Everything of the students is one transaction.
    """
    folder.mkdir(parents=True, exist_ok=True)
    released = master.strip_solutions(exercise.notebook)
    _save_text(
        folder / "nbgrader_config.py",
        "import os\n\nc = get_config()  # noqa: F821\nc.CourseDirectory.root = os.getcwd()  # run nbgrader in this folder\n",
    )
    from helpers.running.notebooks import to_text

    _save_text(folder / "source" / exercise.id / f"{exercise.id}.ipynb", to_text(released))
    template = json.loads(to_text(released))
    handed_in = [row for row in rows if row.points]
    for row in handed_in:
        target = folder / "autograded" / row.student / exercise.id / f"{exercise.id}.ipynb"
        _save_text(target, json.dumps(_filled(template, exercise, row), ensure_ascii=False, indent=1))
    with _gradebook(folder) as gradebook:
        _save_cells(gradebook, folder, released, exercise)
        _save_students(gradebook, exercise, handed_in, roster)
    return folder / "gradebook.db"


def read_formgrader(out: Path, exercise: Exercise) -> dict[str, dict[str, Essay]]:
    """Return the essay grades that a person gave in formgrader; empty where there is no gradebook yet."""
    if not (out / "nbgrader" / "gradebook.db").exists() or not importlib.util.find_spec("nbgrader"):
        return {}
    from nbgrader import api

    essays = {question.cell: question.id for question in exercise.questions if question.kind == "essay"}
    found: dict[str, dict[str, Essay]] = {}
    with _gradebook(out / "nbgrader") as gradebook:
        for submission in gradebook.db.query(api.SubmittedAssignment).all():
            if submission.assignment.name != exercise.id:
                continue
            for notebook in submission.notebooks:
                comments = {c.name: c.manual_comment or "" for c in notebook.comments}
                for grade in notebook.grades:
                    if grade.name in essays and grade.manual_score is not None:
                        points = grade.manual_score + (grade.extra_credit or 0)
                        essay = Essay(round(points, 2), comments.get(grade.name, ""))
                        found.setdefault(submission.student_id, {})[essays[grade.name]] = essay
    return found


def _gradebook(folder: Path):
    """Open the gradebook, or make it. A new one is stamped with its schema's version here: nbgrader starts a program of its own for
    that, which takes seconds."""
    import sqlite3

    import nbgrader.api
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    path = (folder / "gradebook.db").resolve()
    if not path.exists():
        config = Config()
        config.set_main_option("script_location", str(Path(nbgrader.api.__file__).parent / "alembic"))
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
            version = ScriptDirectory.from_config(config).get_current_head()
            database.execute("INSERT INTO alembic_version VALUES (?)", (version,))
    return nbgrader.api.Gradebook(f"sqlite:///{path}")


def _save_cells(gradebook, folder: Path, released, exercise: Exercise) -> None:
    """Record the assignment's cells as ``nbgrader generate_assignment`` does."""
    from nbgrader.preprocessors import SaveCells

    gradebook.update_or_create_assignment(exercise.id)
    names = {"notebook": exercise.id, "assignment": exercise.id, "db_url": str(gradebook.engine.url)}
    try:
        SaveCells().preprocess(copy.deepcopy(released), {"nbgrader": names})
    except RuntimeError:
        raise GradebookError(
            f"{folder}: the cells of {exercise.id} are not those that this gradebook was made for. Move the folder away and run again; "
            "essay grades in it can be kept with --essay-grades."
        ) from None
    gradebook.db.expire_all()


def _save_students(gradebook, exercise: Exercise, rows: Sequence[Row], roster: Roster | None) -> None:
    from nbgrader import api

    db = gradebook.db
    assignment = gradebook.find_assignment(exercise.id)
    notebook = gradebook.find_notebook(exercise.id, exercise.id)
    graded = {cell.name: cell.id for cell in notebook.grade_cells}
    solved = {cell.name: cell.id for cell in notebook.solution_cells}
    students = {student.id: student for student in db.query(api.Student).all()}
    there = {s.student_id: s for s in db.query(api.SubmittedAssignment).filter_by(assignment_id=assignment.id).all()}
    for row in rows:
        if row.student not in students:
            canvas = row.student if roster is not None and roster.format == "canvas" else None
            students[row.student] = api.Student(id=row.student, first_name=row.name[:128], lms_user_id=canvas)
            db.add(students[row.student])
        if (submission := there.get(row.student)) is None:
            submission = api.SubmittedAssignment(assignment=assignment, student=students[row.student])
            own = api.SubmittedNotebook(notebook=notebook, assignment=submission)
            grades = {name: api.Grade(cell_id=id, notebook=own) for name, id in graded.items()}
            comments = {name: api.Comment(cell_id=id, notebook=own) for name, id in solved.items()}
            db.add(submission)
        else:
            own = submission.notebooks[0]
            names = {id: name for name, id in (*graded.items(), *solved.items())}
            grades = {names[grade.cell_id]: grade for grade in own.grades}
            comments = {names[comment.cell_id]: comment for comment in own.comments}
        for question in exercise.questions:
            _score(question, row, grades[question.tests], comments.get(question.cell))
    db.commit()


def _score(question: Question, row: Row, grade, comment) -> None:
    points = row.points.get(question.id)
    by_hand = (
        question.kind == "essay"
        and points is not None
        and bool(row.essays.get(question.id) or row.criteria.get(question.id))
    )
    if by_hand:
        grade.manual_score, grade.needs_manual_grade = points, False
    else:
        grade.auto_score, grade.needs_manual_grade = points, points is None
    if comment is not None and (hint := row.hints.get(question.id)):
        if by_hand:
            comment.manual_comment = hint
        else:
            comment.auto_comment = hint


def _filled(template: dict, exercise: Exercise, row: Row) -> dict:
    """Return the released notebook with a student's own cells in it, and under each task's tests what it earned."""
    notebook = copy.deepcopy(template)
    tests = {question.tests: question for question in exercise.questions}
    essays = {question.cell: question.id for question in exercise.questions if question.kind == "essay"}
    for cell in notebook["cells"]:
        mark = cell["metadata"].get("nbgrader", {})
        name = mark.get("grade_id", "")
        if mark.get("solution"):
            cell["source"] = (
                row.essays.get(essays[name], "") if name in essays else row.sources.get(name, cell["source"])
            )
        elif name in tests and cell["cell_type"] == "code":
            question = tests[name]
            words = (
                f"{number(row.points.get(question.id))} of {question.points} points. {row.hints.get(question.id, '')}"
            )
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": words}]
    return notebook


# --- files ---


def _save(path: Path, rows: Sequence[Sequence[str]], bom: bool = False) -> Path:
    """Write a CSV file; `bom` for those that a person opens in a spreadsheet, which guesses the encoding without it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return _save_text(path, ("\ufeff" if bom else "") + text.getvalue())


def _cell(value: str) -> str:
    text = "".join(c if c.isprintable() else " " if c in "\r\n\t" else "\ufffd" for c in value)
    return text if text == "-" else csv_safe(text)  # Moodle's worksheet has a lone dash for "never"


def _save_text(path: Path, text: str) -> Path:
    from helpers.running.notebooks import write_text

    write_text(path, text)
    return path
