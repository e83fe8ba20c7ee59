"""Floor 5: the console command ``course``. Each command names its options and calls one function."""

from __future__ import annotations

import sys
from pathlib import Path

import click

DATA = click.option(
    "--data", "data_dir", type=click.Path(path_type=Path), help="Folder of tables; left out, the nearest data/."
)
NOTEBOOKS = click.option(
    "--notebooks", type=click.Path(path_type=Path), help="Folder of lessons; left out, notebooks/ beside data/."
)
ONLY = click.option("--only", multiple=True, help="One lesson (01-history); may be repeated.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Whose soil, whose consent? Check the evidence, run the lessons, measure both."""


@main.command()
@DATA
@NOTEBOOKS
@click.option("--outputs", is_flag=True, help="Also run the lessons and compare the marked cells with what is stored.")
def check(data_dir: Path | None, notebooks: Path | None, outputs: bool) -> None:
    """Check every table and every notebook; one line each, then what is wrong."""
    from helpers import checking, running

    data_dir, notebooks = _folders(data_dir, notebooks)
    problems = checking.run(data_dir, notebooks, echo=click.echo)
    if outputs:
        problems += len(_run(running.check, notebooks, echo=click.echo))
    sys.exit(1 if problems else 0)


@main.command()
@NOTEBOOKS
@ONLY
@click.option("--as-of", help="Day at which the clock stands, as 2024-08-31.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("build/lessons"), show_default=True)
@click.option("--jobs", type=click.IntRange(1), help="Lessons run at once; left out, one a core.")
@click.option(
    "-p", "parameters", nargs=2, multiple=True, metavar="NAME VALUE", help="A lesson's parameter, as start_year 2000."
)
def build(
    notebooks: Path | None,
    only: tuple[str, ...],
    as_of: str | None,
    out: Path,
    jobs: int | None,
    parameters: tuple[tuple[str, str], ...],
) -> None:
    """Run the lessons into notebooks and pages that need no kernel and no network."""
    from helpers import running

    _, notebooks = _folders(None, notebooks)
    given = {name: int(value) if value.isdigit() else value for name, value in parameters}
    _run(running.build, notebooks, out, as_of=as_of, only=only, jobs=jobs, parameters=given, echo=click.echo)


@main.command()
@NOTEBOOKS
@ONLY
def store(notebooks: Path | None, only: tuple[str, ...]) -> None:
    """Run the lessons and store their outputs in them, without widget state (for authors)."""
    from helpers import running

    _, notebooks = _folders(None, notebooks)
    _run(running.store, notebooks, only=only, echo=click.echo)


@main.command()
@DATA
@NOTEBOOKS
def appendix(data_dir: Path | None, notebooks: Path | None) -> None:
    """Write the evidence appendix (notebooks/evidence/) from the tables."""
    from helpers import appendix as pages
    from helpers import evidence

    data_dir, notebooks = _folders(data_dir, notebooks)
    for path in pages.write(evidence.load(data_dir), notebooks):
        click.echo(f"{path.name}: {path.stat().st_size // 1024} KB")


@main.command()
@DATA
@click.option("--out", type=click.Path(path_type=Path), help="File to write; left out, the screen.")
def bib(data_dir: Path | None, out: Path | None) -> None:
    """Print all sources as BibLaTeX."""
    from helpers import citations, evidence

    data_dir, _ = _folders(data_dir, None)
    text = citations.bibtex(evidence.load(data_dir).sources)
    if out:
        out.write_text(text, encoding="utf-8")
    else:
        click.echo(text, nl=False)


@main.command()
@click.argument("what", required=False)
def bench(what: str | None) -> None:
    """Measure what the design promises, side by side in one run (WHAT: lessons, import, evidence, memory, sizes, latency)."""
    from helpers import bench as benchmark

    _run(benchmark.run, what, echo=click.echo)


def _folders(data_dir: Path | None, notebooks: Path | None) -> tuple[Path, Path]:
    from helpers.evidence import EvidenceError, find_data

    try:
        data_dir = data_dir or find_data()
        return data_dir, notebooks or find_data().parent / "notebooks"
    except EvidenceError as problem:
        raise click.ClickException(str(problem)) from None


def _run(function, *args, **options):
    """Call `function`; an error of ours becomes one line and its exit code."""
    from helpers.evidence import EvidenceError
    from helpers.running import RunError

    try:
        return function(*args, **options)
    except (RunError, EvidenceError) as problem:
        error = click.ClickException(str(problem))
        error.exit_code = getattr(problem, "exit_code", 1)
        raise error from None
