"""Files for course systems, essay grades that come back, and nbgrader on the same master."""

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_exercise

from helpers.exercises import feedback, gradebooks, master
from helpers.exercises.gradebooks import Essay, GradebookError
from helpers.exercises.grading import Graded, Row
from helpers.exercises.roster import read as read_roster

ROSTERS = Path(__file__).parent / "rosters"
ROOT = Path(__file__).parent.parent


@pytest.fixture
def exercise(tmp_path):
    return master.read(tiny_exercise.make(tmp_path / "exercises"))


def graded(exercise, roster_file, out: Path, totals) -> Graded:
    """A graded class of which only q1 earned something; None is a student who handed in nothing."""
    roster = read_roster(roster_file)
    rows = []
    for student, q1 in zip(roster, [*totals, *[None] * (len(roster) - len(totals))], strict=True):
        row = Row(student.id, student.name)
        if q1 is not None:
            row.status, row.file, row.points = "ok", f"tiny_{student.id}.ipynb", {"q1": q1, "q2": 20.0, "q3": None}
            row.essays, row.hints = {"q3": "Both sides."}, {"q1": "deaths: not right."}
        rows.append(row)
    out.mkdir(parents=True, exist_ok=True)
    return Graded(exercise, roster, tuple(rows), out, 1.0, 2, 0)


def table(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def test_canvas_gets_its_own_columns_and_one_assignment(exercise, tmp_path):
    class_ = graded(exercise, ROSTERS / "canvas.csv", tmp_path / "out", [60.0, None])
    gradebooks.write(class_, nbgrader=False)
    header, possible, first, second, *_ = table(tmp_path / "out" / "canvas.csv")
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "A tiny exercise"]
    assert possible[0].strip() == "Points Possible" and possible[-1] == "100"
    assert first == ["Şahin, Ayşe", "100231", "S-7781", "asahin", "Security 301", "80"]
    assert (second[1], second[-1]) == ("100245", "")  # nothing handed in changes nothing there
    assert (tmp_path / "out" / "canvas.csv").read_bytes()[
        :7
    ] == b"Student"  # a byte order mark would hide the first column


def test_canvas_points_are_scaled_to_what_the_assignment_is_out_of(exercise, tmp_path):
    text = (ROSTERS / "canvas.csv").read_text(encoding="utf-8-sig").replace("Exercise 2", "A tiny exercise")
    (tmp_path / "canvas.csv").write_text(text.replace("100.00", "10.00"), encoding="utf-8")
    class_ = graded(exercise, tmp_path / "canvas.csv", tmp_path / "out", [60.0, None])
    header, possible, first, *_ = gradebooks.canvas(class_)
    assert (header[-1], possible[-1], first[-1]) == ("A tiny exercise (4711)", "10.00", "8")


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (["Exercise 2 (4711)", "Current Score"], "Exercise 2 (4711)"),
        (["Exercise 20 (1)", "ex2 (9)"], "ex2 (9)"),
        (["Assignment: Exercise 2 (Real)"], "Assignment: Exercise 2 (Real)"),
        (["Exercise 2 (1)", "Exercise 2 (2)"], None),
        (["Exercise 12 (1)"], None),
    ],
)
def test_the_export_s_own_column_is_used_where_it_is_one(exercise, columns, found):
    from dataclasses import replace

    assert gradebooks.assignment_column(columns, replace(exercise, id="ex2", title="Who counts the dead?")) == found


def test_moodle_gets_columns_to_map_by_or_its_worksheet_back(exercise, tmp_path):
    gradebooks.write(graded(exercise, ROSTERS / "moodle.csv", tmp_path / "a", [60.0, None, 12.5]), nbgrader=False)
    header, *rows = table(tmp_path / "a" / "moodle.csv")
    assert header == ["First name", "Surname", "ID number", "Email address", "A tiny exercise"]
    assert [row[-1] for row in rows] == ["80", "", "32.5"]
    gradebooks.write(graded(exercise, ROSTERS / "moodle-worksheet.csv", tmp_path / "b", [60.0, None]), nbgrader=False)
    original = table(ROSTERS / "moodle-worksheet.csv")
    sheet = table(tmp_path / "b" / "moodle.csv")
    assert sheet[0] == original[0] and sheet[1][0] == "Participant 8101"
    grade = sheet[0].index("Grade")
    assert [row[grade] for row in sheet[1:]] == ["80", ""]
    assert [[c for n, c in enumerate(row) if n != grade] for row in sheet] == [
        [c for n, c in enumerate(row) if n != grade] for row in original
    ]


def test_no_cell_is_a_formula(exercise, tmp_path):
    (tmp_path / "roster.csv").write_text('id,name\na1,"=1+1"\nb2,"@SUM(A1)"\nc3,"  +cmd|x"\n', encoding="utf-8")
    class_ = graded(exercise, tmp_path / "roster.csv", tmp_path / "out", [1.0, 2.0, 3.0])
    class_.rows[0].reason = "-2+3\t\x1b[31m"
    class_.rows[1].file = "=cmd.ipynb"
    gradebooks.write(class_, nbgrader=False)
    for name in ("grades.csv", "canvas.csv", "moodle.csv", "essays-to-grade.csv"):
        text = (tmp_path / "out" / name).read_text(encoding="utf-8-sig")
        cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
        assert not any(cell.lstrip()[:1] in tuple("=+-@") for cell in cells if cell), name
        assert "\x1b" not in text


def test_essays_are_handed_out_to_grade_and_merged(exercise, tmp_path):
    class_ = graded(exercise, ROSTERS / "canvas.csv", tmp_path / "out", [60.0, None])
    gradebooks.write(class_, nbgrader=False)
    template = tmp_path / "out" / "essays-to-grade.csv"
    text = template.read_text(encoding="utf-8-sig")
    assert text.splitlines()[0] == "id,name,words,Judgement (0-20),comment"
    filled = tmp_path / "essays.csv"
    filled.write_text(
        text.replace(",2,,\r\n", ',2,"16,5",Weigh Erbil too.\r\n').replace(",2,,\n", ',2,"16,5",Weigh Erbil too.\n'),
        "utf-8",
    )
    given = gradebooks.read_essay_grades(filled, exercise, class_.roster)
    assert given == {"100231": {"q3": Essay(16.5, "Weigh Erbil too.", {"Judgement": 16.5})}}
    gradebooks.merge_essays(class_.rows, exercise, given)
    assert (class_.rows[0].total, class_.rows[0].open_essays) == (96.5, [])
    shutil.copy(filled, template)
    later = graded(exercise, ROSTERS / "canvas.csv", tmp_path / "out", [60.0, 10.0])
    gradebooks.write(later, nbgrader=False)  # somebody handed in late: what is filled in stays
    assert len(gradebooks.read_essay_grades(template, exercise)) == 1
    assert "100245" in template.read_text(encoding="utf-8-sig")
    page = feedback.student_page(exercise, class_.rows[0])
    assert "Weigh Erbil too." in page and "16.5 of 20" in page and "96.5 of 100 points" in page


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,q3\n100231,21\n", "row 2.*from 0 to 20"),
        ("id,q3\n100231,nan\n", "from 0 to 20"),
        ("id,q3\n100231,=1+1\n", "from 0 to 20"),
        ("id,q3\nghost,5\n", "nobody"),
        ("id,points\n100231,5\n", "no column"),
    ],
)
def test_essay_grades_that_cannot_be_are_refused(exercise, tmp_path, text, words):
    (tmp_path / "essays.csv").write_text(text, encoding="utf-8")
    with pytest.raises(GradebookError, match=words):
        gradebooks.read_essay_grades(tmp_path / "essays.csv", exercise, read_roster(ROSTERS / "canvas.csv"))


def test_nbgrader_s_gradebook_keeps_what_a_person_graded_in_it(exercise, tmp_path):
    api = pytest.importorskip("nbgrader.api")
    import nbformat

    class_ = graded(exercise, ROSTERS / "canvas.csv", tmp_path / "out", [60.0, 12.0])
    gradebooks.write(class_)
    folder = tmp_path / "out" / "nbgrader"
    with api.Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        submission = book.find_submission("tiny", "100231")
        assert (submission.score, submission.max_score, submission.needs_manual_grade) == (80, 100, True)
        essay = book.find_grade("q3", "tiny", "tiny", "100231")
        essay.manual_score, essay.needs_manual_grade = 15, False
        book.find_comment("q3", "tiny", "tiny", "100231").manual_comment = "Well weighed."
        book.db.commit()
    assert gradebooks.read_formgrader(tmp_path / "out", exercise) == {"100231": {"q3": Essay(15, "Well weighed.")}}
    shown = nbformat.read(folder / "autograded" / "100231" / "tiny" / "tiny.ipynb", as_version=4)
    nbformat.validate(shown)
    assert any(cell.source == "Both sides." for cell in shown.cells)
    gradebooks.write(class_)  # again, without that grade: it stays
    with api.Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        assert book.find_grade("q3", "tiny", "tiny", "100231").score == 15
        assert book.find_submission("tiny", "100245").score == 32


def test_the_class_report_counts_and_measures_agreement(exercise, tmp_path):
    pytest.importorskip("krippendorff")
    from dataclasses import replace

    columns = ["claim_id", "status", "why"]
    q2 = replace(
        exercise.question("q2"),
        kind="coding",
        answer={"type": "codes", "columns": columns, "options": {"status": ["reported", "contested"]}},
        compare={"by": "coding", "columns": ["status"]},
    )
    exercise = replace(exercise, questions=(exercise.questions[0], q2, exercise.questions[2]))
    class_ = graded(exercise, ROSTERS / "plain.csv", tmp_path, [60.0, 30.0, 0.0])
    codes = {"ayse": ["reported", "reported"], "bob": ["reported", "contested"], "李-3": ["reported", "nonsense"]}
    for row in class_.rows:
        cells = [[f"A-{n}", code, ""] for n, code in enumerate(codes[row.student])]
        row.answers = {"q2": {"type": "table", "columns": columns, "rows": cells}}
    coded = feedback.coded(q2, class_.rows)
    assert coded == {
        "status": {
            "ayse": {"A-0": "reported", "A-1": "reported"},
            "bob": {"A-0": "reported", "A-1": "contested"},
            "李-3": {"A-0": "reported"},
        }
    }
    html = feedback.agreement_html(q2, class_.rows)
    assert "75 %" in html  # three of four pairs of codes agree
    page = feedback.class_page(class_)
    assert "50 %" in page and "3 of 3 students graded" in page


def nbgrader(folder: Path, *command: str) -> None:
    done = subprocess.run([sys.executable, "-m", "nbgrader", *command], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("name", [folder.name for folder in master.find(ROOT / "exercises")])
def test_a_master_is_a_valid_nbgrader_assignment_with_full_points_both_ways(tmp_path, name):
    """``nbgrader generate_assignment`` and ``autograde`` on the real master, and this grader on the same notebook."""
    api = pytest.importorskip("nbgrader.api")
    from hostile import cases

    from helpers.exercises import grading

    cases.needs_sandbox()
    exercise = master.read(ROOT / "exercises" / name)
    course = tmp_path / "course"
    (course / "source" / name).mkdir(parents=True)
    (course / "submitted" / "s1" / name).mkdir(parents=True)
    (course / "data").symlink_to(ROOT / "data")
    (course / "nbgrader_config.py").write_text("c = get_config()\n")
    source = exercise.folder / f"{name}.ipynb"
    shutil.copy(source, course / "source" / name)
    nbgrader(course, "generate_assignment", name)
    released = json.loads((course / "release" / name / f"{name}.ipynb").read_text())
    assert "HIDDEN TESTS" not in json.dumps(released)
    shutil.copy(source, course / "submitted" / "s1" / name)
    nbgrader(course, "autograde", name)
    with api.Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        theirs = {q.id: book.find_grade(q.tests, name, name, "s1").auto_score for q in exercise.computed}
    here = tmp_path / "in" / "s1"
    here.mkdir(parents=True)
    shutil.copy(source, here)
    ours = (
        grading.grade(tmp_path / "in", exercise, out=tmp_path / "out", workers=1, nbgrader=False, echo=lambda _: None)
        .rows[0]
        .points
    )
    assert theirs == {q.id: ours[q.id] for q in exercise.computed} == {q.id: q.points for q in exercise.computed}
