"""Executing lessons with papermill's engine, several at a time."""

import contextlib
import copy
import dataclasses
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

from . import notebooks
from .errors import RunError
from .kernels import Kernels

STARTS = 3  # a kernel that never answered may have lost a race for its ports; it has run nothing yet
CELL_SECONDS = 120
KERNEL_SECONDS = 60


@dataclasses.dataclass
class Watch:
    """What is known about a lesson while it runs."""

    ready: bool = False
    cell_index: int | None = None


def execute_all(
    sources: Mapping[Path, object],
    kernels: Kernels,
    parameters: Mapping | None = None,
    *,
    jobs: int | None = None,
    cell_seconds: int = CELL_SECONDS,
    on_done: Callable = lambda path, notebook: None,
) -> None:
    """Execute the lessons `sources` (path: notebook) in parallel, at most `jobs` at a time (default: one a core).

    `on_done(path, notebook)` is called in the lesson's thread as soon as it has run; the notebook is repeatable and
    without widget state. All lessons are tried; then RunError tells every failure. Ctrl-C ends the kernels first.
    """
    parameters = dict(parameters or {})
    jobs = min(jobs or cores(), len(sources))
    failures = {}
    with quiet_papermill(), progress_bar(sources.values()) as bar:

        def run(path):
            executed = execute(path, sources[path], parameters, kernels, cell_seconds, bar.update)
            on_done(path, executed)

        pool = ThreadPoolExecutor(jobs, thread_name_prefix="lesson")
        running = {pool.submit(run, path): path for path in sources}
        unfinished = set(running)
        try:
            while unfinished:
                finished, unfinished = wait(unfinished, timeout=0.5, return_when=FIRST_COMPLETED)
                failures |= {running[future]: future.exception() for future in finished if future.exception()}
        finally:
            if unfinished:
                kernels.kill_all()
            pool.shutdown(wait=True, cancel_futures=True)
    for error in failures.values():
        if not isinstance(error, RunError):
            raise error
    if failures:
        raise RunError("\n\n".join(str(failures[path]) for path in sources if path in failures))


def cores() -> int:
    """The cores that this process may use, which in a container may be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def execute(path, source, parameters, kernels: Kernels, cell_seconds=CELL_SECONDS, tick=lambda: None):
    """Execute one lesson in a kernel of its own, with the lesson's folder as working directory. RunError on failure."""
    for attempt in range(1, STARTS + 1):
        watch = Watch()
        prepared = prepare(source, parameters)
        manager = kernels.new_manager()
        try:
            executed = run_engine(prepared, path, manager, watch, cell_seconds, tick)
            break
        except Exception as error:
            if not watch.ready and attempt < STARTS and not kernels.closed:
                continue
            if not watch.ready:
                reason = kernels.last_words(manager) or first_line(error)
                raise RunError(f"{Path(path).name}: no kernel could be started ({reason}).") from error
            raise RunError(explain(path, prepared, watch, error, cell_seconds)) from error
        finally:
            kernels.release(manager)
    refuse_errors(path, executed)
    result = notebooks.with_outputs_of(without_papermill(prepared), executed, numbered=True)
    if parameters:
        result.metadata.papermill = {"parameters": dict(parameters)}
    return result


def prepare(source, parameters):
    """A copy of the lesson with the marks that papermill expects and a cell that sets the parameters."""
    from papermill.parameterize import parameterize_notebook

    prepared = copy.deepcopy(source)
    prepared.metadata.papermill = {}
    for cell in prepared.cells:
        cell.metadata.setdefault("tags", [])
        cell.metadata.papermill = {}
    if parameters:
        prepared = parameterize_notebook(prepared, parameters, kernel_name="python3", language="python")
        for cell in prepared.cells:
            if "injected-parameters" in cell.metadata.tags:
                cell.id = "injected-parameters"
                cell.metadata.papermill = {}
    return prepared


def without_papermill(prepared):
    cleaned = copy.deepcopy(prepared)
    cleaned.metadata.pop("papermill", None)
    for cell in cleaned.cells:
        cell.metadata.pop("papermill", None)
        if not cell.metadata.get("tags"):
            cell.metadata.pop("tags", None)
    return cleaned


def run_engine(prepared, path, manager, watch: Watch, cell_seconds, tick):
    from papermill.engines import papermill_engines

    def ready(notebook):
        watch.ready = True

    def cell_start(cell, cell_index):
        watch.cell_index = cell_index

    def cell_complete(cell, cell_index):
        tick()

    return papermill_engines.execute_notebook_with_engine(
        None,
        copy.deepcopy(prepared),
        kernel_name="python3",
        output_path=None,  # we write it, once and whole
        progress_bar=False,
        autosave_cell_every=0,
        start_timeout=KERNEL_SECONDS,
        execution_timeout=cell_seconds,
        km=manager,
        resources={"metadata": {"path": str(Path(path).resolve().parent)}},
        store_widget_state=False,
        record_timing=False,
        on_notebook_start=ready,
        on_cell_start=cell_start,
        on_cell_complete=cell_complete,
    )


def refuse_errors(path, executed):
    """RunError for the first cell that failed, unless it is tagged `raises-exception`: there the error is the lesson."""
    for index, cell in enumerate(executed.cells):
        if "raises-exception" in cell.metadata.get("tags", []):
            continue
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                raise RunError(tell(path, executed, index, f"{output.ename}: {output.evalue}"))


def explain(path, prepared, watch: Watch, error, cell_seconds) -> str:
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    if isinstance(error, CellTimeoutError):
        what = f"it ran longer than {cell_seconds} seconds and was stopped"
    elif isinstance(error, DeadKernelError):
        what = "its kernel died, perhaps for want of memory"
    else:
        what = f"{type(error).__name__}: {first_line(error)}"
    return tell(path, prepared, watch.cell_index or 0, what)


def tell(path, executed, index, what) -> str:
    """One message: notebook, cell number as counted in the file from 1, the cell's first lines, what went wrong."""
    before = executed.cells[: index + 1]
    number = sum("injected-parameters" not in cell.metadata.get("tags", []) for cell in before)
    lines = [line for line in executed.cells[index].source.splitlines() if line.strip()]
    shown = [f"    {line[:100]}" for line in lines[:3]] + ["    …"] * (len(lines) > 3)
    return "\n".join([f"{Path(path).name}, cell {number} failed:", *shown, f"  {short(what)}"])


def short(text: str, width: int = 500) -> str:
    text = text.strip()
    return text if len(text) <= width else text[:width] + "…"


def first_line(error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextlib.contextmanager
def quiet_papermill():
    """papermill and nbclient log what we report better ourselves."""
    logger = logging.getLogger("papermill")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


class Bar:
    """tqdm's bar over the code cells of all lessons; draws nothing where the output is not a terminal."""

    def __init__(self, total):
        from tqdm import tqdm

        self.lock = threading.Lock()
        self.bar = tqdm(total=total, unit="cell", desc="Lessons", file=sys.stderr, disable=None, leave=False)

    def update(self):
        with self.lock:
            self.bar.update()


@contextlib.contextmanager
def progress_bar(sources):
    bar = Bar(sum(cell.cell_type == "code" and bool(cell.source.strip()) for nb in sources for cell in nb.cells))
    try:
        yield bar
    finally:
        bar.bar.close()
