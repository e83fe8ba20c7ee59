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
AS_OF = click.option("--as-of", help="Day at which the clock stands, as 2024-08-31.")
LESSON = click.argument("name", metavar="[LESSON]", required=False)
PATH = click.Path(path_type=Path)
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
@AS_OF
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


def _out(default: str):
    return click.option("--out", type=PATH, default=Path(default), show_default=True)


@main.command()
@DATA
@NOTEBOOKS
@_out("build/site")
def site(data_dir: Path | None, notebooks: Path | None, out: Path) -> None:
    """Make the site: lessons, evidence and tables as pages that open from the folder, without kernel and network."""
    from helpers import site as pages

    data_dir, notebooks = _folders(data_dir, notebooks)
    _run(pages.build, notebooks, data_dir, out, echo=click.echo)


@main.command()
@LESSON
@NOTEBOOKS
@AS_OF
@_out("build/slides")
@click.option(
    "--minutes", type=click.Choice(["45", "90"]), default="90", show_default=True, help="Length of the class."
)
def slides(name: str | None, notebooks: Path | None, as_of: str | None, out: Path, minutes: str) -> None:
    """Write a lesson's slides (03; left out, all) as one file each that needs no network."""
    from helpers import classroom

    _, notebooks = _folders(None, notebooks)
    _run(classroom.slides, notebooks, name, out, minutes=int(minutes), as_of=as_of, echo=click.echo)


@main.command()
@LESSON
@NOTEBOOKS
@AS_OF
@_out("build/handouts")
def handout(name: str | None, notebooks: Path | None, as_of: str | None, out: Path) -> None:
    """Write a lesson's sheet to print (03; left out, all): no code, no answers."""
    from helpers import classroom

    _, notebooks = _folders(None, notebooks)
    _run(classroom.handout, notebooks, name, out, as_of=as_of, echo=click.echo)


@main.command()
@DATA
@AS_OF
@_out("build/roles")
def roles(data_dir: Path | None, as_of: str | None, out: Path) -> None:
    """Write the role cards of the simulation."""
    from helpers import classroom

    data_dir, _ = _folders(data_dir, None)
    _run(classroom.roles, data_dir, None, out, as_of=as_of, echo=click.echo)


@main.command()
@NOTEBOOKS
@_out("build/answer-key.html")
def key(notebooks: Path | None, out: Path) -> None:
    """Write the answer key (for teachers only)."""
    from helpers import classroom

    _, notebooks = _folders(None, notebooks)
    _run(classroom.key, notebooks, out, echo=click.echo)


@main.command()
@DATA
@_out("build/export")
@click.option("--open-only", is_flag=True, help="Leave out tables whose publisher's terms are narrower than CC BY 4.0.")
def export(data_dir: Path | None, out: Path, open_only: bool) -> None:
    """Write the tables as a Frictionless data package with codebook, bibliography and licences, ready to deposit."""
    from helpers import export as package

    data_dir, _ = _folders(data_dir, None)
    _run(package.export, data_dir, out, open_only=open_only, echo=click.echo)


@main.command()
@click.argument("old")
@click.argument("new")
@click.option("--lesson", help="Only what concerns one lesson (03-agreement-terms).")
def diff(old: str, new: str, lesson: str | None) -> None:
    """Say in sentences what changed in the evidence between two versions: folders, exports or git revisions."""
    from helpers import difference

    text, _ = _run(difference.diff, old, new, lesson=lesson)
    click.echo(text)


@main.command()
@click.argument("exercise")
@click.option("--roster", type=PATH, required=True, help="CSV of Canvas or Moodle, or a table id,name.")
@click.option("--out", type=PATH, required=True, help="Folder for the notebooks; the key stands beside it.")
@click.option("--key", "key_file", type=PATH, help="Key file; left out, course-key beside --out.")
@click.option("--id-column", help="Column to take ids from, as 'SIS Login ID'.")
@click.option("--force", is_flag=True, help="Write notebooks anew that are there already.")
def assign(exercise: str, **options) -> None:
    """Write each student's own notebook of an EXERCISE, as ex2."""
    _run(_teachers("variants").assign, exercise, echo=click.echo, **options)


@main.command()
@click.option("--out", type=PATH, required=True, help="Folder of the package.")
@click.option("--only", multiple=True, help="One exercise (ex2); may be repeated.")
@click.option("--force", is_flag=True, help="Replace an earlier package.")
def release(**options) -> None:
    """Make the students' package: lessons, tables, helpers, released exercises; nothing of the teacher's."""
    _run(_teachers("release").release, echo=click.echo, **options)


@main.command()
@click.argument("submissions", type=PATH)
@click.option("--exercise", required=True, help="The exercise, as ex2.")
@click.option("--out", type=PATH, required=True, help="Folder for grades, feedback and gradebooks.")
@click.option("--roster", type=PATH, help="The roster that the notebooks were assigned with.")
@click.option(
    "--key", "key_file", type=PATH, help="Key file; left out, course-key beside the submissions, roster or --out."
)
@click.option("--workers", type=click.IntRange(1), help="Submissions graded at once; left out, one a core.")
@click.option("--scheduler", help="Address of a Dask scheduler whose workers grade, as tcp://127.0.0.1:8790.")
@click.option("--essay-grades", type=PATH, help="essays-to-grade.csv, filled in.")
@click.option(
    "--trust-students", "trust", is_flag=True, help="Without bubblewrap, run students' code with your rights."
)
def grade(submissions: Path, exercise: str, **options) -> None:
    """Grade the SUBMISSIONS (folder or zip) of an exercise; an interrupted run goes on where it was."""
    _run(_teachers("grading").grade, submissions, exercise, echo=click.echo, **options)


@main.command()
@click.option("--write-checks", is_flag=True, help="Write the cells with the hints anew first.")
def masters(write_checks: bool) -> None:
    """Say what is wrong with the exercises' masters and their variants (for authors)."""
    problems = _run(_teachers("master").check_all, anew=write_checks)
    for line in problems:
        click.echo(line)
    sys.exit(1 if problems else 0)


@main.command()
@click.argument("what", required=False)
def bench(what: str | None) -> None:
    """Measure what the design promises, side by side in one run (WHAT: lessons, import, evidence, memory, sizes, latency, grading)."""
    from helpers import bench as benchmark

    _run(benchmark.run, what, echo=click.echo)


def _folders(data_dir: Path | None, notebooks: Path | None) -> tuple[Path, Path]:
    from helpers.data_folder import EvidenceError, find_data

    try:
        data_dir = data_dir or find_data()
        return data_dir, notebooks or find_data().parent / "notebooks"
    except EvidenceError as problem:
        raise click.ClickException(str(problem)) from None


def _teachers(name: str):
    """Return a module of the exercises' wing, of which the students' package has only the part that it needs."""
    import importlib

    try:
        return importlib.import_module(f"helpers.exercises.{name}")
    except ModuleNotFoundError as problem:
        if not (problem.name or "").startswith("helpers.exercises."):
            raise
        raise click.ClickException("This is the students' package. Run this in the teacher's course.") from None


def _run(function, *args, **options):
    """Call `function`; an error of ours becomes one line and its exit code."""
    from helpers.data_folder import EvidenceError
    from helpers.exercises import ExerciseError
    from helpers.running import RunError

    ours = [RunError, EvidenceError, ExerciseError]
    for module, name in (("export", "ExportError"), ("difference", "DifferenceError"), ("site", "SiteError")):
        if loaded := sys.modules.get(f"helpers.{module}"):
            ours.append(getattr(loaded, name))
    try:
        return function(*args, **options)
    except tuple(ours) as problem:
        error = click.ClickException(str(problem))
        error.exit_code = getattr(problem, "exit_code", 1)
        raise error from None
