"""Running the lessons: into pages (`build`), back into themselves (`store`), and against what they store (`check`)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from .errors import RunError

__all__ = ["RunError", "build", "check", "store"]


def build(
    notebooks_dir,
    out_dir="build/lessons",
    as_of=None,
    only: Iterable[str] = (),
    jobs: int | None = None,
    echo: Callable[[str], None] = print,
    *,
    parameters: Mapping | None = None,
    html: bool = True,
    warm: bool | None = None,
    cell_seconds: int = 120,
) -> list[Path]:
    """Execute the lessons of `notebooks_dir` into `out_dir` as notebooks and as pages; returns what it made.

    as_of: the lessons' clock, a date or text like "2024-08-31". only: names like "01-history". jobs: lessons at a time,
    by default one a core. parameters: further papermill parameters. html=False makes notebooks only. warm=False starts
    an ordinary kernel per lesson; by default kernels are forked from a warm process where the system can. cell_seconds:
    how long one cell may take.

    The evidence appendix (`notebooks_dir/evidence`, Markdown or notebooks) is shown as it is, not executed. A lesson appears in `out_dir`
    whole or not at all. RunError says what stopped the run; lessons that had finished stay.
    """
    began = time.perf_counter()
    from . import notebooks

    source_dir, out_dir = Path(notebooks_dir), Path(out_dir)
    as_of = notebooks.parse_date(as_of)
    parameters = dict(parameters or {}) | ({"as_of": as_of} if as_of else {})
    lessons = notebooks.find_lessons(source_dir, only)
    if jobs is not None and jobs < 1:
        raise RunError(f"{jobs} jobs run no lesson. Give a number from 1.")
    if out_dir.resolve() == source_dir.resolve():
        raise RunError(f"{out_dir} holds the lessons themselves. Choose another folder to build into.")
    if out_dir.exists() and not out_dir.is_dir():
        raise RunError(f"{out_dir} is a file. Choose a folder to build into.")

    made = []

    def write(path, notebook, text=None):
        target = out_dir / path.relative_to(source_dir)
        files = {target: text or notebooks.to_text(notebook, compact=True)}
        if writer:
            page = target.with_suffix(".html")
            files[page] = writer.page(notebook, path.parent, page)
        for name, content in files.items():
            notebooks.write_text(name, content)
            made.append(name)

    with _warm_process(warm) as process:  # first: it imports the slow packages while we prepare
        from . import pages
        from .execute import execute_all
        from .kernels import Kernels

        sources = notebooks.read_all(lessons, parameters)
        appendix = notebooks.find_appendix(source_dir)
        everything = [*notebooks.find_lessons(source_dir), *appendix]
        names = [path.relative_to(source_dir).with_suffix("").as_posix() for path in everything]
        writer = pages.PageWriter(out_dir, names) if html else None
        if writer:
            writer.write_plotly()
        for path in appendix:
            if path.suffix == ".md":
                text = notebooks.read_text(path)
                write(path, notebooks.from_markdown(text), text)
            else:
                write(path, notebooks.drop_widgets(notebooks.read(path)))
        with Kernels(process) as kernels:
            execute_all(sources, kernels, parameters, jobs=jobs, cell_seconds=cell_seconds, on_done=write)
    took = time.perf_counter() - began
    lessons_made = f"{len(lessons)} lesson" + "s" * (len(lessons) != 1)
    echo(f"{lessons_made} executed in {took:.1f} s, in {out_dir}")
    return sorted(made)


def store(
    notebooks_dir,
    only: Iterable[str] = (),
    jobs: int | None = None,
    echo: Callable[[str], None] = print,
    *,
    warm: bool | None = None,
) -> list[Path]:
    """Execute lessons with their own default parameters and store the outputs in them; returns the files that changed.

    What is stored is the same at each run of the same lesson: no widget state, timing, object addresses or random ids; cells
    are numbered from 1, since nbval takes a cell with outputs and no number for one that was never run. Text, tags and cell ids stay as they are. A lesson that fails stays as it is.
    """
    from . import notebooks

    lessons = notebooks.find_lessons(notebooks_dir, only)
    changed = []

    def write(path, notebook):
        source = notebooks.read(path)
        stored = notebooks.lighten(notebooks.with_outputs_of(source, notebook, numbered=True))
        if notebooks.write_text(path, notebooks.to_text(stored)):
            changed.append(path)

    with _warm_process(warm) as process:
        from .execute import execute_all
        from .kernels import Kernels

        with Kernels(process) as kernels:
            execute_all(notebooks.read_all(lessons), kernels, jobs=jobs, on_done=write)
    for path in lessons:
        echo(
            f"{path.name}: {'outputs stored' if path in changed else 'unchanged'}, {path.stat().st_size / 1024:.0f} KB"
        )
    return sorted(changed)


def check(
    notebooks_dir,
    only: Iterable[str] = (),
    jobs: int | None = None,
    echo: Callable[[str], None] = print,
    *,
    warm: bool | None = None,
) -> list[str]:
    """Execute lessons and compare the outputs of cells marked `# NBVAL_CHECK_OUTPUT` with the stored ones.

    Returns and echoes a message per difference. Faster than nbval, and aware that a stored output has no widget.
    """
    from . import notebooks

    lessons = notebooks.find_lessons(notebooks_dir, only)
    problems = {}

    def compare(path, notebook):
        problems[path] = notebooks.differences(path, notebooks.read(path), notebook)

    with _warm_process(warm) as process:
        from .execute import execute_all
        from .kernels import Kernels

        with Kernels(process) as kernels:
            execute_all(notebooks.read_all(lessons), kernels, jobs=jobs, on_done=compare)
    messages = [message for path in lessons for message in problems[path]]
    for message in messages:
        echo(message)
    return messages


@contextlib.contextmanager
def _warm_process(warm: bool | None) -> Iterator:
    """The process that forks kernels (None for ordinary ones); Ctrl-C inside becomes a RunError."""
    from .forking import WarmProcess, can_fork

    if warm is None:
        warm = can_fork()
    try:
        with WarmProcess() if warm else contextlib.nullcontext() as process:
            import_nbformat()
            yield process
    except KeyboardInterrupt:
        raise RunError("Stopped. Lessons that had finished are kept; no file is half-written.", exit_code=130) from None


def import_nbformat() -> None:
    """Import nbformat without jsonschema's check of international web addresses, which takes a second to build a parser."""
    import sys

    hidden = "rfc3987_syntax" not in sys.modules
    if hidden:
        sys.modules["rfc3987_syntax"] = None
    try:
        import nbformat  # noqa: F401
    finally:
        if hidden:
            del sys.modules["rfc3987_syntax"]
