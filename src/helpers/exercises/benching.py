"""`course bench grading`: this grader and nbgrader's on the same honest work, then a large class of which some cheat.

Everything is timed from the start of a process to its end, so that imports and warming up count.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

from helpers.bench import Row
from helpers.exercises import master, variants
from helpers.exercises.master import Exercise
from helpers.running import RunError

EXERCISE = "ex1"
HONEST, SMALL, LARGE = 60, 100, 1_000
CHEATS_IN = 20  # every so many submissions one is hostile
MOST_SECONDS, MOST_CELL_SECONDS = 6, 2  # of one submission in the large class

_GRADE = """
import sys
from helpers.exercises import grading
place, exercise, out, roster, wall, cell = sys.argv[1:]
limits = grading.Limits(wall_seconds=float(wall), cell_seconds=float(cell), cpu_seconds=int(float(wall))) if wall else None
grading.grade(place, exercise, out=out, roster=roster, limits=limits)
"""


def grading(notebooks_dir: Path, data_dir: Path) -> Iterator[Row]:
    """Give one row per promise: time against nbgrader's autograde, a class of 1,000 with 5 % hostile, its growth and peak memory."""
    from helpers.exercises import sandbox

    isolated, why = sandbox.available()
    if not isolated:
        yield Row(f"{HONEST} submissions graded", f"not measured here: {why}", "<= 0.2 s each", None)
        return
    exercise = variants.find_exercise(data_dir.parent / "exercises" / EXERCISE)
    with tempfile.TemporaryDirectory() as folder:
        yield from _against_nbgrader(exercise, Path(folder) / "honest", data_dir)
        yield from _large_classes(exercise, Path(folder), data_dir)


def _against_nbgrader(exercise: Exercise, folder: Path, data_dir: Path) -> Iterator[Row]:
    submitted = make_class(exercise, folder, HONEST)
    ours, _ = timed_grade(exercise, folder, submitted, watch=False)
    totals = [row["total"] for row in grades(folder / "graded")]
    if set(totals) != {str(sum(question.points for question in exercise.computed))}:
        raise RunError(f"{exercise.id}: honest work did not earn its points, so there is nothing to compare.")
    yield Row(
        f"{HONEST} submissions of {exercise.id} graded",
        f"{ours:.1f} s, {ours / HONEST:.2f} s each",
        "<= 0.2 s each",
        ours / HONEST <= 0.2,
    )
    theirs, same = timed_nbgrader(exercise, folder, submitted, data_dir)
    ratio = theirs / ours
    agree = "the same points" if same else "OTHER POINTS"
    yield Row(
        "  against nbgrader autograde", f"{ratio:.0f}x faster ({theirs:.0f} s), {agree}", ">= 20x", ratio >= 20 and same
    )


def _large_classes(exercise: Exercise, folder: Path, data_dir: Path) -> Iterator[Row]:
    attacks = hostile(data_dir.parent / "tests" / "hostile")
    if not attacks:
        yield Row(
            f"{LARGE:,} submissions, 5 % hostile", "not measured here, tests/hostile is missing", "all graded", None
        )
        return
    seconds, peak = {}, 0.0
    for size in (SMALL, LARGE):
        place = folder / str(size)
        submitted = make_class(exercise, place, size, attacks)
        seconds[size], peak = timed_grade(exercise, place, submitted, MOST_SECONDS, MOST_CELL_SECONDS)
        rows = grades(place / "graded")
        cheats = rows[CHEATS_IN - 1 :: CHEATS_IN]
        honest = [row for row in rows if row not in cheats]
        gained = sum(row["q1"] not in ("", "0") for row in cheats)
        lost = sum(row["total"] != str(sum(q.points for q in exercise.computed)) for row in honest)
        yield Row(
            f"{size:,} submissions, {len(cheats)} of them hostile",
            f"{seconds[size]:.0f} s; cheats that gain {gained}, honest that lose {lost}",
            "0 and 0",
            gained == lost == 0 and len(rows) == size,
        )
    growth = (seconds[LARGE] / LARGE) / (seconds[SMALL] / SMALL)
    yield Row(f"  one of {LARGE:,} against one of {SMALL}", f"{growth:.2f}x the time", "<= 1.2x", growth <= 1.2)
    yield Row("  peak memory, bombs of 1 GB included", f"{peak:.0f} MB", "<= 2,000 MB", peak <= 2_000)


def make_class(exercise: Exercise, folder: Path, size: int, attacks: list[list[str]] | None = None) -> Path:
    """Assign `exercise` to `size` students in `folder` and hand in for all: the master's own solution on each student's variant.

    With `attacks` (lists of cells), every twentieth student's first answer is one of these. Returns the folder of submissions.
    """
    from helpers.running.notebooks import to_text

    ids = [f"s{number:04d}" for number in range(size)]
    folder.mkdir(parents=True)
    roster = folder / "roster.csv"
    roster.write_text("\n".join(["id,name", *(f"{i},Student {i}" for i in ids)]) + "\n", encoding="utf-8")
    variants.assign(exercise, roster, folder / "notebooks", tested=True, echo=lambda _: None)
    solutions = {
        cell.metadata.nbgrader.grade_id: cell.source for cell in exercise.notebook.cells if master.is_solution(cell)
    }
    submitted = folder / "submitted"
    submitted.mkdir()
    cheats = itertools.cycle(attacks or [])
    for number, student in enumerate(ids, 1):
        notebook = json.loads((folder / "notebooks" / f"{exercise.id}_{student}.ipynb").read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            mark = cell["metadata"].get("nbgrader", {})
            if mark.get("solution"):
                cell["source"] = solutions[mark["grade_id"]]
        if attacks and number % CHEATS_IN == 0:
            _cheat(notebook, exercise, next(cheats))
        (submitted / f"{exercise.id}_{student}.ipynb").write_text(to_text(_node(notebook)), encoding="utf-8")
    return submitted


def _cheat(notebook: dict, exercise: Exercise, cells: list[str]) -> None:
    first = next(
        c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == exercise.questions[0].cell
    )
    first["source"] = "\n".join(cells)


def _node(notebook: dict):
    from nbformat import from_dict

    return from_dict(notebook)


def hostile(folder: Path) -> list[list[str]]:
    """Return the cells of each attack of the cheating set that is an ordinary notebook."""
    places = {
        "KEY": "/teacher/course-key",
        "CHECKS": "/teacher/master.ipynb",
        "OTHER": "/teacher/other.ipynb",
        "CANARY": "/teacher/canary",
        "PORT": "9",
    }
    found = []
    for path in sorted(folder.glob("*.toml")):
        case = tomllib.loads(path.read_text(encoding="utf-8"))
        if case.get("submission", "notebook") == "notebook":
            cells = case["cells"]
            for word, value in places.items():
                cells = [cell.replace(f"@{word}@", value) for cell in cells]
            found.append(cells)
    return found


def timed_grade(
    exercise: Exercise,
    folder: Path,
    submitted: Path,
    wall: float | str = "",
    cell: float | str = "",
    watch: bool = True,
) -> tuple[float, float]:
    """Grade in a process of its own; return seconds and the peak memory in megabytes of it and all its children.

    With `watch` False the memory is not looked at (0.0): looking takes a tenth of a core from what is timed.
    """
    command = [
        sys.executable,
        "-c",
        _GRADE,
        submitted,
        exercise.folder,
        folder / "graded",
        folder / "roster.csv",
        wall,
        cell,
    ]
    began = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    with _Peak(process.pid) if watch else contextlib.nullcontext() as peak:
        _, errors = process.communicate()
    took = time.perf_counter() - began
    if process.returncode:
        raise RunError("Grading failed, so there is nothing to compare.\n" + "\n".join(errors.splitlines()[-8:]))
    return took, peak.megabytes if peak else 0.0


def timed_nbgrader(exercise: Exercise, folder: Path, submitted: Path, data_dir: Path) -> tuple[float, bool]:
    """Run ``nbgrader autograde`` on the same notebooks in a course of its own; return seconds and whether all got full points."""
    course = folder / "nbgrader"
    (course / "source" / exercise.id).mkdir(parents=True)
    (course / "data").symlink_to(data_dir.resolve())
    (course / "nbgrader_config.py").write_text("c = get_config()\n")
    name = f"{exercise.id}.ipynb"
    (course / "source" / exercise.id / name).write_bytes((exercise.folder / name).read_bytes())
    for path in submitted.iterdir():
        own = course / "submitted" / path.stem.removeprefix(f"{exercise.id}_") / exercise.id
        own.mkdir(parents=True)
        (own / name).write_bytes(path.read_bytes())
    _nbgrader(course, "generate_assignment", exercise.id)
    began = time.perf_counter()
    _nbgrader(course, "autograde", exercise.id)
    took = time.perf_counter() - began
    from nbgrader.api import Gradebook

    wanted = sum(question.points for question in exercise.computed)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        scores = [submission.score for submission in book.assignment_submissions(exercise.id)]
    return took, len(scores) == HONEST and set(scores) == {wanted}


def _nbgrader(course: Path, *command: str) -> None:
    environment = os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])}
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command], cwd=course, capture_output=True, text=True, env=environment
    )
    if done.returncode:
        raise RunError(f"nbgrader {command[0]} failed.\n" + "\n".join(done.stderr.splitlines()[-8:]))


def grades(out: Path) -> list[dict[str, str]]:
    """Return the rows of a run's grades.csv."""
    import csv

    with (out / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


class _Peak:
    """A context that looks at the memory of a process and its children four times a second. Shared pages count once (PSS)."""

    def __init__(self, pid: int):
        self.pid, self.megabytes = pid, 0.0
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._finished.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._finished.wait(0.25):
            self.megabytes = max(self.megabytes, _proportional_megabytes(self.pid))


def _proportional_megabytes(pid: int) -> float:
    import psutil

    total = 0
    try:
        process = psutil.Process(pid)
        everyone = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0.0
    for each in everyone:
        try:
            total += each.memory_full_info().pss
        except (psutil.Error, AttributeError):
            continue
    return total / 1e6
