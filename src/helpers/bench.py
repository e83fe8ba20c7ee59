"""`course bench`: what the design promises, measured here and now, each next to what it is compared with."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from helpers.running import RunError

# plotly loads its classes when they are first named
BASE_IMPORTS = "import pandas, ipywidgets, plotly.graph_objects as go; go.FigureWidget(go.Scatter())"
RUNS = 5


@dataclasses.dataclass
class Row:
    """One promise. `met` is None where nothing was measured; `measured` then says why."""

    name: str
    measured: str
    target: str
    met: bool | None


def run(what: str | None = None, echo: Callable[[str], None] = print, notebooks_dir=None, data_dir=None) -> list[Row]:
    """Measure and print one line per promise; returns the rows.

    what: one of the names in PARTS, or None for all. notebooks_dir and data_dir: by default those of the nearest course.
    """
    if what is not None and what not in PARTS:
        raise RunError(f"There is nothing called {what!r} to measure. Choose from: {', '.join(PARTS)}.")
    if data_dir is None or notebooks_dir is None:
        from helpers.evidence import find_data

        data_dir = Path(data_dir or find_data())
        notebooks_dir = Path(notebooks_dir or data_dir.parent / "notebooks")
    rows = []
    line = "{:<40}{:<38}{:<12}{}".format
    echo(line("what", "measured", "to reach", "met"))
    for name, measure in PARTS.items():
        if what in (None, name):
            for row in measure(Path(notebooks_dir), Path(data_dir)):
                rows.append(row)
                echo(line(row.name, row.measured, row.target, {True: "yes", False: "NO", None: "-"}[row.met]))
    return rows


def lessons(notebooks_dir: Path, data_dir: Path) -> Iterator[Row]:
    """All lessons executed and their outputs compared with the stored ones, against the papermill command, which compares
    nothing, one lesson after another. Both are timed from the start of a process to its end."""
    from helpers.running.execute import cores
    from helpers.running.notebooks import find_lessons

    paths = find_lessons(notebooks_dir)
    with tempfile.TemporaryDirectory() as folder:
        ours = seconds([sys.executable, "-c", f"from helpers import running; running.check({str(notebooks_dir)!r})"])
        papermill = [sys.executable, "-m", "papermill", "--cwd", notebooks_dir, "--no-progress-bar"]
        theirs = sum(seconds([*papermill, path, Path(folder, path.name)]) for path in paths)
    yield Row(f"{len(paths)} lessons executed and checked", f"{ours:.1f} s on {cores()} cores", "<= 60 s", ours <= 60)
    ratio = theirs / ours
    yield Row("  against papermill's command", f"{ratio:.1f}x faster ({theirs:.1f} s)", ">= 4x", ratio >= 4)


def imports(notebooks_dir: Path, data_dir: Path) -> Iterator[Row]:
    """What `import helpers`, and then all that a lesson imports of it, cost once pandas, plotly and ipywidgets are imported:
    processor time in fresh processes, which other programs disturb less than the clock."""
    for name, statement in {
        "import helpers": "import helpers",
        "import what a lesson uses of it": "from helpers import evidence, explorers, figures, lesson",
    }.items():
        extra = statistics.median(import_milliseconds(statement) for _ in range(RUNS))
        yield Row(name, f"{extra:.0f} ms more (median of {RUNS})", "<= 50 ms", extra <= 50)


def import_milliseconds(statement: str) -> float:
    code = f"{BASE_IMPORTS}\nimport time\nbegan = time.process_time()\n{statement}\nprint(time.process_time() - began)"
    return 1000 * float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def evidence(notebooks_dir: Path, data_dir: Path) -> Iterator[Row]:
    """Loading every table, in this process, with pandas imported."""
    from helpers import evidence as floor

    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        floor.load(data_dir)
        times.append(time.perf_counter() - began)
    median = statistics.median(times)
    yield Row("evidence.load", f"{median:.2f} s (median of {RUNS}, first {times[0]:.2f})", "<= 0.3 s", median <= 0.3)


def memory(notebooks_dir: Path, data_dir: Path) -> Iterator[Row]:
    """The largest memory of a lesson's ordinary kernel and its children, as a student's machine would hold it."""
    from helpers.running.execute import execute_all
    from helpers.running.kernels import Kernels
    from helpers.running.notebooks import find_lessons, read_all

    peaks = {}
    for path in find_lessons(notebooks_dir):
        with Kernels() as kernels, PeakMemory(kernels) as peak:
            execute_all(read_all([path]), kernels, jobs=1)
        peaks[path.stem] = peak.megabytes
    heaviest = max(peaks, key=peaks.get)
    yield Row(
        "one lesson's kernel, peak", f"{peaks[heaviest]:.0f} MB ({heaviest})", "<= 300 MB", peaks[heaviest] <= 300
    )


class PeakMemory:
    """A context that looks at the kernels' resident memory, children included, every 20 milliseconds."""

    def __init__(self, kernels):
        self.kernels = kernels
        self.megabytes = 0.0
        self.finished = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.finished.set()
        self.thread.join()

    def _watch(self):
        while not self.finished.wait(0.02):
            self.megabytes = max([self.megabytes, *map(resident_megabytes, self.kernels.process_ids())])


def resident_megabytes(pid: int) -> float:
    import psutil

    try:
        process = psutil.Process(pid)
        return sum(each.memory_info().rss for each in [process, *process.children(recursive=True)]) / 1e6
    except psutil.Error:
        return 0.0


def sizes(notebooks_dir: Path, data_dir: Path) -> Iterator[Row]:
    """Lessons as committed and as executed, and the whole of data/, in the files' bytes."""
    from helpers.running import build
    from helpers.running.notebooks import find_lessons

    with tempfile.TemporaryDirectory() as folder:
        build(notebooks_dir, folder, html=False, echo=lambda _: None)
        for path in find_lessons(notebooks_dir):
            stored, executed = (file.stat().st_size / 1000 for file in (path, Path(folder, path.name)))
            yield Row(f"{path.stem}, in git", f"{stored:.0f} KB", "<= 150 KB", stored <= 150)
            yield Row(f"{path.stem}, executed", f"{executed:.0f} KB", "<= 400 KB", executed <= 400)
    whole = sum(
        file.stat().st_size for file in data_dir.rglob("*") if file.is_file() and "__pycache__" not in file.parts
    )
    yield Row("data/", f"{whole / 1e6:.2f} MB", "<= 5 MB", whole <= 5e6)


def latency(notebooks_dir: Path, data_dir: Path) -> Iterator[Row]:
    """From moving an explorer's control to its figure repainted in Chromium: three rows an explorer. See `helpers.latency`."""
    if lacking := missing_for_a_browser():
        yield Row("explorer, moved to repainted, p95", f"not measured here, {lacking} missing", "<= 70 ms", None)
        return
    from helpers.latency import measure, rows

    for explorer in measure(notebooks_dir, data_dir):
        for name, measured, target, met in rows(explorer):
            yield Row(name, measured, target, met)


def grading(notebooks_dir: Path, data_dir: Path) -> Iterator[Row]:
    """The same class graded by nbgrader and by ``course grade``, and how time grows. See `helpers.exercises.benching`."""
    from helpers.exercises import benching

    yield from benching.grading(notebooks_dir, data_dir)


def missing_for_a_browser() -> str:
    from helpers.browser import chromium

    present = {"playwright": importlib.util.find_spec("playwright"), "Chromium": chromium()}
    return " and ".join(name for name, found in present.items() if not found)


def seconds(command: list) -> float:
    """How long a command that runs lessons takes; RunError with its last words if it fails."""
    began = time.perf_counter()
    done = subprocess.run(list(map(os.fspath, command)), capture_output=True, text=True)
    took = time.perf_counter() - began
    if done.returncode:
        reason = done.stderr.strip().rpartition("RunError: ")[2] or f"exit code {done.returncode}"
        raise RunError("A lesson failed, so there is nothing to compare.\n" + "\n".join(reason.splitlines()[-8:]))
    return took


PARTS = {
    "lessons": lessons,
    "import": imports,
    "evidence": evidence,
    "memory": memory,
    "sizes": sizes,
    "latency": latency,
    "grading": grading,
}
