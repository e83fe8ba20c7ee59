"""A class graded end to end: honest, wrong, odd and cheating submissions; interrupted, resumed, and on a cluster."""

import csv
import errno
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import tiny_exercise
from hostile import cases

from helpers.exercises import grading, master, variants
from helpers.exercises.grading import GradingError, Journal

SOLVED = {
    "q1": "q1 = deaths[deaths['year'].between(start_year, start_year + 5)].sort_values('deaths', ascending=False)",
    "q2": "q2 = float(q1['deaths'].iloc[0] / (q1['deaths'].sum() + len(place)))",
}
LIMITS = grading.Limits(wall_seconds=5, cell_seconds=2, cpu_seconds=4, memory=400 << 20)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The tiny exercise, assigned to twelve students."""
    cases.needs_sandbox()
    folder = tmp_path_factory.mktemp("course")
    exercise = master.read(tiny_exercise.make(folder / "exercises"))
    names = ["Ayşe Şahin", "ئەحمەد ڕێبین", "=HYPERLINK(1)", "<script>alert(1)</script>"]
    rows = [f's{n:02d},"{names[n % 4]}"' for n in range(12)]
    (folder / "roster.csv").write_text("\n".join(["id,name", *rows]), encoding="utf-8")
    variants.assign(exercise, folder / "roster.csv", folder / "notebooks", tested=True, echo=lambda _: None)
    return folder, exercise


def own(course, student: str) -> dict:
    return json.loads((course[0] / "notebooks" / f"tiny_{student}.ipynb").read_text(encoding="utf-8"))


def solve(notebook: dict, **answers: str) -> dict:
    """Put code in place of the dots, and a text in the essay."""
    for cell in notebook["cells"]:
        question = cell["metadata"].get("course", {}).get("question")
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["source"] = answers.get(question, cell["source"])
    return notebook


def put(folder: Path, name: str, notebook: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(notebook), encoding="utf-8")


def grade(course, place: Path, out: Path, **options):
    options = {"workers": 1, "limits": LIMITS, "nbgrader": False, "echo": lambda _: None} | options
    options = {"roster": course[0] / "roster.csv", "key_file": course[0] / "course-key"} | options
    return grading.grade(place, course[1], out=out, **options)


def code_of(notebook: dict, question: str) -> dict:
    return next(c for c in notebook["cells"] if c["metadata"].get("course", {}).get("question") == question)


@pytest.fixture(scope="module")
def odd_class(course, tmp_path_factory):
    """One student for each thing that happens to notebooks; graded once."""
    place = tmp_path_factory.mktemp("odd") / "in"
    good = {s: solve(own(course, s), **SOLVED, q3="Both sides have a case.") for s in (f"s{n:02d}" for n in range(12))}
    put(place, "tiny_s00.ipynb", good["s00"])
    put(place, "tiny_s01.ipynb", good["s02"])  # another student's notebook under one's own name
    good["s03"]["cells"].insert(1, good["s03"]["cells"].pop(5))  # a solution above the set-up
    put(place, "tiny_s03.ipynb", good["s03"])
    good["s04"]["cells"] = [
        c
        for c in good["s04"]["cells"]
        if not {"parameters", "injected-parameters"} & set(c["metadata"].get("tags", []))
    ]
    put(place, "tiny_s04.ipynb", good["s04"])
    for cell in good["s05"]["cells"]:
        cell["metadata"] = {}
    put(place, "tiny_s05.ipynb", {**good["s05"], "metadata": {}})
    good["s06"]["metadata"]["course"]["version"] = "0"
    put(place, "my homework.ipynb", good["s06"])  # renamed and of an old version
    put(place, "tiny_s07.ipynb", solve(own(course, "s07"), q1="q1 = deaths.head(2)\nq1['nothing']", q2="q2 = 'half'"))
    put(place, "tiny_s08.ipynb", own(course, "s08"))
    (place / "tiny_s09.ipynb").write_text("<html>")
    put(place, "tiny_s10.ipynb", solve(own(course, "s10"), q1=SOLVED["q1"], q2="while True:\n    pass", q3="Text"))
    put(place, "somebody.ipynb", solve(own(course, "s11"), **SOLVED) | {"metadata": {}})
    graded = grade(course, place, place.parent / "out")
    return graded, {row.student or row.file: row for row in graded.rows}


def test_honest_work_earns_all_its_points_and_the_essay_waits(odd_class):
    row = odd_class[1]["s00"]
    assert (row.status, row.points) == ("ok", {"q1": 60, "q2": 20, "q3": None})
    assert (row.total, row.reason, row.remarks) == (80, "", [])


@pytest.mark.parametrize(
    ("student", "remark"),
    [("s03", "run again"), ("s04", ""), ("s05", ""), ("s06", "renamed"), ("s06", "version 0")],
    ids=["moved cell", "missing cell of parameters", "all metadata gone", "renamed file", "old version"],
)
def test_what_tools_and_people_do_to_notebooks_costs_nothing(odd_class, student, remark):
    row = odd_class[1][student]
    assert row.points["q1"] == 60 and row.points["q2"] == 20
    assert row.essays["q3"] == "Both sides have a case."
    assert remark in " ".join(row.remarks)


def test_anothers_notebook_is_graded_on_its_owners_variant(odd_class):
    row = odd_class[1]["s01"]
    assert row.points["q1"] == 0
    assert any("Claims to be s02" in remark for remark in row.remarks)
    assert odd_class[1]["s02"].status == grading.NOT_HANDED_IN


def test_what_fails_is_said_in_one_line_and_the_rest_counts(odd_class):
    rows = odd_class[1]
    assert rows["s07"].status == "error" and rows["s07"].points["q1"] == 0
    assert "KeyError" in rows["s07"].reason and "q1" in rows["s07"].reason
    assert "a number was asked for" in rows["s07"].hints["q2"].lower()
    assert rows["s08"].points == {"q1": 0, "q2": 0, "q3": 0} and rows["s08"].status == "ok"
    assert (rows["s09"].status, rows["s09"].total) == (grading.UNREADABLE, 0)
    assert rows["s10"].points["q1"] == 60 and rows["s10"].points["q2"] == 0
    assert rows["s11"].total is None
    assert rows["somebody.ipynb"].status == grading.NOBODYS
    assert all("\n" not in row.reason for row in rows.values())


def test_everybody_has_a_row_and_formulas_are_text(odd_class):
    text = (odd_class[0].out / "grades.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["student"] for row in rows] == [*(f"s{n:02d}" for n in range(12)), ""]
    assert {"'=HYPERLINK(1)", "ئەحمەد ڕێبین"} < {row["name"] for row in rows}
    assert (rows[0]["total"], rows[0]["out_of"], rows[11]["total"], rows[9]["status"]) == ("80", "80", "", "unreadable")


def test_pages_escape_what_students_wrote_and_tell_no_expected_value(course, tmp_path):
    wrong = "q1 = pd.DataFrame({'year': ['<img src=x onerror=alert(1)>'], 'deaths': ['\\x1b[31m\\u202eevil']})"
    put(tmp_path / "in", "tiny_s03.ipynb", solve(own(course, "s03"), q1=wrong, q3="<b>bold</b>"))
    graded = grade(course, tmp_path / "in", tmp_path / "out")
    page = (tmp_path / "out" / "feedback" / "s03.html").read_text(encoding="utf-8")
    report = (tmp_path / "out" / "class.html").read_text(encoding="utf-8")
    for text in (page, report):
        assert "<script" not in text and "<img" not in text and "<b>" not in text
        assert not any(sign in text for sign in "\x1b\u202e")
        assert '<meta name="viewport"' in text and "Content-Security-Policy" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page and "&lt;img src=x" in page
    draws = graded.rows[3].draws
    right = variants.expected(course[1], draws)["q1"]["rows"]
    assert not any(f">{deaths}<" in page for _, deaths in right)
    other = variants.expected(course[1], graded.rows[4].draws or {**draws, "start_year": draws["start_year"] ^ 1})
    assert not any(f">{deaths}<" in page for _, deaths in other["q1"]["rows"])


def test_the_whole_cheating_set_gains_nothing_and_delays_nobody(tmp_path):
    """Every attack handed in as a student's answer to q1, the odd files among them, with an honest submission after every tenth."""
    cases.needs_sandbox()
    attacks = cases.load()
    cheats = {f"s{n:02d}": case for n, case in enumerate(attacks)}
    honest = [f"h{n:02d}" for n in range(0, len(attacks), 10)]
    exercise = master.read(tiny_exercise.make(tmp_path / "exercises"))
    everybody = sorted([*cheats, *honest], key=lambda student: student[1:])
    (tmp_path / "roster.csv").write_text("\n".join(["id,name", *(f"{s},Student {s}" for s in everybody)]))
    variants.assign(exercise, tmp_path / "roster.csv", tmp_path / "notebooks", tested=True, echo=lambda _: None)
    course, place = (tmp_path, exercise), tmp_path / "in"
    places = cases.lay_out(tmp_path / "teacher", 0)
    for student in honest:
        put(place, f"tiny_{student}.ipynb", solve(own(course, student), **SOLVED))
    for student, case in cheats.items():
        notebook = own(course, student)
        if case.submission == "notebook":
            put(place, f"tiny_{student}.ipynb", solve(notebook, q1="\n".join(places.cells(case))))
        else:
            cases.write(case, places, place / f"tiny_{student}.ipynb", notebook["metadata"]["course"])
    limits = grading.Limits(wall_seconds=3, cell_seconds=1.5, cpu_seconds=3, memory=400 << 20)
    graded = grade(
        course,
        place,
        tmp_path / "out",
        workers=2,
        limits=limits,
        roster=tmp_path / "roster.csv",
        key_file=tmp_path / "course-key",
    )
    rows = {row.student: row for row in graded.students}
    assert list(rows) == everybody
    gained = {case.name: rows[student].points for student, case in cheats.items() if rows[student].total}
    assert gained == {}
    assert {rows[student].total for student in honest} == {80}
    assert max(rows[student].seconds for student in honest) < 2
    assert all(rows[s].reason or any(rows[s].hints.values()) for s in cheats), "a row without a word about it"
    assert places.canary.read_text() == "untouched"
    assert all(
        cases.SECRET.encode() not in path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()
    )


RUN = """
import sys
from helpers.exercises import grading, master
folder, place, out, workers = sys.argv[1:]
limits = grading.Limits(wall_seconds=5, cell_seconds=2, cpu_seconds=4, memory=400 << 20)
grading.grade(place, master.read(folder + "/exercises/tiny"), out=out, roster=folder + "/roster.csv", key_file=folder + "/course-key",
              workers=int(workers), limits=limits, nbgrader=False)
"""


def test_killed_and_resumed_ends_with_the_same_bytes(course, tmp_path):
    place, folder = tmp_path / "in", course[0]
    for n in range(12):
        slow = f"import time\ntime.sleep(0.3)\n{SOLVED['q1']}"
        put(
            place,
            f"tiny_s{n:02d}.ipynb",
            solve(own(course, f"s{n:02d}"), q1=slow if n % 3 else "q1 = 1", q2=SOLVED["q2"]),
        )
    whole = grade(course, place, tmp_path / "whole", workers=2)
    command = [sys.executable, "-c", RUN, folder, place, tmp_path / "out", "2"]
    run = subprocess.Popen(
        list(map(str, command)), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
    journal = tmp_path / "out" / "journal.jsonl"
    deadline = time.monotonic() + 60
    while not (journal.exists() and journal.read_bytes().count(b"\n") >= 3):
        assert run.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    workers = children(run.pid)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    wait_until(lambda: not any(map(alive, workers)))  # nothing is left behind, no sandbox either
    with journal.open("ab") as file:
        file.write(b'{"key": "cut off in the mid')
    assert not (tmp_path / "out" / "grades.csv").exists()
    (place / "tiny_s00.ipynb").rename(place / "tiny_S00 (1).ipynb")  # another order in the folder
    resumed = grade(course, place, tmp_path / "out", workers=1)
    assert 3 <= resumed.resumed < 12
    (place / "tiny_S00 (1).ipynb").rename(place / "tiny_s00.ipynb")
    again = grade(course, place, tmp_path / "out", workers=1)
    assert again.resumed == 12
    for name in ("grades.csv", "canvas.csv", "feedback/s01.html"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert {row.total for row in whole.students} == {0, 80}


def children(pid: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def alive(pid: int) -> bool:
    import psutil

    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def wait_until(true, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_changed_submission_is_graded_anew_and_new_outputs_are_not(course, tmp_path):
    place = tmp_path / "in"
    first = solve(own(course, "s00"), q1="q1 = 1", q3="A text.")
    put(place, "tiny_s00.ipynb", first)
    assert grade(course, place, tmp_path / "out").rows[0].total == 0
    first["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "other"}]
    put(place, "tiny_s00.ipynb", first)
    assert grade(course, place, tmp_path / "out").resumed == 1
    put(place, "tiny_s00.ipynb", solve(own(course, "s00"), **SOLVED))
    again = grade(course, place, tmp_path / "out")
    assert (again.resumed, again.rows[0].total) == (0, 80)


def test_a_full_disk_leaves_a_journal_that_can_go_on(tmp_path):
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.add("a", {"n": 1})
        real = journal._file

        class Full:
            def write(self, data):
                real.write(bytes(data)[: len(data) // 2])
                raise OSError(errno.ENOSPC, "No space left on device")

            def __getattr__(self, name):
                return getattr(real, name)

        journal._file = Full()
        with pytest.raises(OSError, match="No space"):
            journal.add("b", {"n": 2})
        journal._file = real
    with Journal(path) as journal:
        assert (journal.get("a"), journal.get("b")) == ({"n": 1}, None)
        journal.add("b", {"n": 3})
        with pytest.raises(GradingError, match="another run"), Journal(path):
            pass
    with Journal(path) as journal:
        assert journal.get("b") == {"n": 3}


def _ends_its_worker(item: int, folder: str) -> int:
    if item == 3 or (item == 5 and not Path(folder, "once").exists()):
        Path(folder, "once").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def test_a_worker_that_is_killed_costs_only_what_kills_it(tmp_path):
    pool = grading._Pool(lambda: ProcessPoolExecutor(2), 2)
    found = dict(pool.map(_ends_its_worker, range(8), lambda item: (item, str(tmp_path))))
    pool.close()
    assert {item for item, result in found.items() if result == item} == {0, 1, 2, 4, 5, 6, 7}
    assert found[3]["status"] == "grader"


def test_a_dask_cluster_gives_the_same_grades(course, tmp_path):
    distributed = pytest.importorskip("distributed")
    place = tmp_path / "in"
    for n in range(8):
        put(place, f"tiny_s{n:02d}.ipynb", solve(own(course, f"s{n:02d}"), **(SOLVED if n % 2 else {"q1": "q1 = 2"})))
    attack = f"import os\nq1 = 'found' if os.path.exists({str(course[0] / 'course-key')!r}) else 'nothing'"
    put(place, "tiny_s08.ipynb", solve(own(course, "s08"), q1=attack))
    here = grade(course, place, tmp_path / "here")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, protocol="tcp", host="127.0.0.1", dashboard_address=":0"
    ) as cluster:
        there = grade(course, place, tmp_path / "there", scheduler=cluster.scheduler_address)
    assert there.workers == 2
    assert (tmp_path / "there" / "grades.csv").read_bytes() == (tmp_path / "here" / "grades.csv").read_bytes()
    assert there.rows[8].answers["q1"] == here.rows[8].answers["q1"] == {"type": "text", "value": "nothing"}


def test_what_cannot_work_is_refused_before_anything_is_graded(course, tmp_path):
    place = tmp_path / "in"
    put(place, "tiny_s00.ipynb", own(course, "s00"))
    with pytest.raises(GradingError, match="among the submissions"):
        grade(course, place, place / "out")
    (tmp_path / "other").mkdir()
    variants.make_key(tmp_path / "other" / "course-key")
    with pytest.raises(GradingError, match="nobody was assigned"):
        grade(course, place, tmp_path / "out", key_file=tmp_path / "other" / "course-key")
    with pytest.raises(GradingError, match="Give the key"):
        grade(course, place, tmp_path / "out", key_file=None, roster=None)
    with pytest.raises(GradingError, match="no Dask scheduler"):
        grade(course, place, tmp_path / "out", scheduler="tcp://127.0.0.1:9")
