"""The students' package: lessons, tables, helpers and the released exercises, and nothing that is the teacher's.

What goes in is listed here file by file or folder by folder, so that a new file of the teacher's does not go in by being forgotten.
The package is made in a folder of its own, searched for leaks (`leaks.search`), and appears under its name only if none is found.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from helpers.data_folder import find_data
from helpers.exercises import ExerciseError, leaks, master, variants

MARK = "release.json"  # stands in each package, so that one may be replaced and another folder may not
FILES = (
    "CITATION.cff",
    "LICENSE",
    "LICENSE-TEXT",
    "environment.yml",
    "postBuild",
    "pyproject.toml",
    "requirements.txt",
)
LESSONS = ("notebooks/[0-9]*.ipynb", "notebooks/evidence/*", "notebooks/quizzes/*.toml")
DATA = ("data/*", "data/derived/*", "data/maps/*")
HELPERS = ("src/helpers/**/*", "src/jupyter/**/*")
TEACHERS_HELPERS = ("src/helpers/classroom/*", "src/helpers/site/*", "src/helpers/exercises/*")
STUDENTS_HELPERS = tuple(f"src/helpers/exercises/{name}.py" for name in ("__init__", "answers", "checking"))
TARGETS = ("help", "lab", "lessons", "check", "clean")

README = """# Whose soil, whose consent?

*The Türkiye–Iraq security agreement of August 2024, read with evidence.* This is the package for students: the lessons, the
tables they are made from, and the exercises.

You need Python 3.11 or later and, for the short way, make:

    make lab      # sets everything up (once, about a minute), opens JupyterLab on the first lesson

On Windows, or without make:

    py -3 -m venv .venv
    .venv\\Scripts\\pip install --no-compile --require-hashes -r requirements.txt
    .venv\\Scripts\\pip install --no-deps --no-build-isolation -e .
    .venv\\Scripts\\jupyter lab --LabApp.news_url=None notebooks\\00-start-here.ipynb

After the first setup no lesson and no exercise needs the network.

## Lessons

{lessons}

## Exercises

{exercises}

If your teacher has sent you a notebook of your own, such as `{example}_yourname.ipynb`, put it into the exercise's folder here and work
in that one: its numbers, places and claims are yours. Keep its name when you hand it in.

In each task replace the dots by your answer and run the cell. `check("q1", q1)` then says whether the answer has the form that
was asked for: type, shape, names, range. It never says whether it is right, and it needs no network.

## Licence

Code: [MIT](LICENSE). Text and tables: [CC BY 4.0](LICENSE-TEXT). The tables in `data/derived/` carry the licence and citation of their
publisher in `data/datapackage.json`.
"""


class ReleaseError(ExerciseError):
    """A package that was not made; the message says what stands in the way."""


@dataclass(frozen=True)
class Released:
    """What `release` made: the folder, its files (relative) and their size in bytes."""

    out: Path
    files: tuple[str, ...]
    size: int
    exercises: tuple[str, ...]


def released_notebook(exercise: master.Exercise):
    """Return the exercise as anybody may have it: the master's own variant, no solution, hidden test, output or student."""
    notebook = master.strip_solutions(exercise.notebook)
    notebook.metadata["course"] = {"exercise": exercise.id, "version": exercise.version}
    return notebook


def release(
    out: str | Path,
    *,
    root: str | Path | None = None,
    only: Iterable[str] = (),
    keys: Iterable[str | Path] = (),
    force: bool = False,
    tested: bool = False,
    echo: Callable[[str], object] = print,
) -> Released:
    """Make the students' package in `out`, a folder that does not exist yet, is empty, or (`force`) is an earlier package.

    `root` is the course's folder (left out, the one of the nearest data/); `only` names exercises, left out: all. Key files in
    `keys` and those beside `out` are searched for as well. Masters are run first unless they are already `tested`. Raises
    ReleaseError, and leaves `out` as it was, for a faulty master, a missing file, and anything of the teacher's that is found.
    """
    root = Path(root) if root else find_data().parent
    out = Path(out)
    _refuse_out(out, root, force)
    exercises = _exercises(root, tuple(only), tested)
    found_keys = [variants.read_key(path) for path in {*map(Path, keys), *_keys_near(out, root)}]
    out.parent.mkdir(parents=True, exist_ok=True)
    stage = out.with_name(f".{out.name}-{secrets.token_hex(4)}")
    try:
        _fill(stage, root, exercises)
        found = leaks.search(stage, exercises, keys=found_keys, public=root)
        if found:
            raise ReleaseError(_leaked(found))
        files = sorted(path.relative_to(stage).as_posix() for path in stage.rglob("*") if path.is_file())
        size = sum((stage / name).stat().st_size for name in files)
        _put(stage, out)
    except OSError as problem:
        raise ReleaseError(
            f"{problem.filename or out}: {problem.strerror or problem}. No package was made."
        ) from problem
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    names = tuple(exercise.id for exercise in exercises)
    echo(f"{out}: {len(files)} files, {size / 1e6:.1f} MB, exercises {', '.join(names)}; searched for leaks: none.")
    return Released(out, tuple(files), size, names)


def _refuse_out(out: Path, root: Path, force: bool) -> None:
    if out.resolve() == root.resolve() or root.resolve().is_relative_to(out.resolve()):
        raise ReleaseError(f"{out} holds the course itself. Choose another folder.")
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir() or out.is_symlink():
        raise ReleaseError(f"{out} is not a folder. Choose another name.")
    if not any(out.iterdir()):
        return
    if not (out / MARK).is_file():
        raise ReleaseError(f"{out} is not empty and no earlier package. Choose another folder.")
    if not force:
        raise ReleaseError(f"{out} holds a package already. --force replaces it.")


def _exercises(root: Path, only: tuple[str, ...], tested: bool) -> list[master.Exercise]:
    folders = master.find(root / "exercises")
    if unknown := sorted(set(only) - {folder.name for folder in folders}):
        known = ", ".join(folder.name for folder in folders) or "none"
        raise ReleaseError(f"There is no exercise {unknown[0]!r}. Exercises: {known}.")
    exercises = [master.read(folder) for folder in folders if not only or folder.name in only]
    if not exercises:
        raise ReleaseError(f"{root / 'exercises'} holds no exercise.")
    if not tested:
        for exercise in exercises:
            variants.refuse_faulty(exercise)
    return exercises


def _keys_near(out: Path, root: Path) -> Iterator[Path]:
    for folder in {out.resolve().parent, root.resolve()}:
        if (folder / variants.KEY_FILE).is_file():
            yield folder / variants.KEY_FILE


def _fill(stage: Path, root: Path, exercises: list[master.Exercise]) -> None:
    from helpers.running.notebooks import to_text

    for name in _chosen(root):
        target = stage / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, target, follow_symlinks=False)
        target.chmod(0o755 if name == "postBuild" else 0o644)
    for exercise in exercises:
        folder = stage / "exercises" / exercise.id
        folder.mkdir(parents=True)
        (folder / f"{exercise.id}.ipynb").write_text(to_text(released_notebook(exercise)), encoding="utf-8")
    (stage / "README.md").write_text(_readme(root, exercises), encoding="utf-8")
    if (root / "Makefile").is_file():
        (stage / "Makefile").write_text(students_makefile((root / "Makefile").read_text("utf-8")), encoding="utf-8")
    versions = {exercise.id: exercise.version for exercise in exercises}
    (stage / MARK).write_text(json.dumps({"package": "students", "exercises": versions}, indent=1) + "\n")


def _chosen(root: Path) -> list[str]:
    """Give the names of the files that are copied as they are."""
    missing = [name for name in FILES if not (root / name).is_file()]
    if missing:
        raise ReleaseError(f"{root}: {missing[0]} is missing. Put it back; the students' package needs it.")
    teachers = {path for pattern in TEACHERS_HELPERS for path in root.glob(pattern)}
    students = {root / name for name in STUDENTS_HELPERS}
    chosen = {path for pattern in (*LESSONS, *DATA, *HELPERS) for path in root.glob(pattern)}
    chosen = {path for path in chosen if not any(parent in teachers for parent in (path, *path.parents))} | students
    names = [path.relative_to(root).as_posix() for path in chosen if path.is_file() and not path.is_symlink()]
    return sorted([*FILES, *(name for name in names if not re.search(r"(^|/)(\.|__pycache__/)|\.pyc$", name))])


def _readme(root: Path, exercises: list[master.Exercise]) -> str:
    lessons = [
        f"* [{path.stem}](notebooks/{path.name}): {_title(path)}"
        for path in sorted((root / "notebooks").glob("[0-9]*.ipynb"))
    ]
    tasks = [
        f"* [{e.id}](exercises/{e.id}/{e.id}.ipynb): {e.title} (lesson {e.lesson}, about {e.minutes} minutes)"
        for e in exercises
    ]
    return README.format(lessons="\n".join(lessons), exercises="\n".join(tasks), example=exercises[0].id)


def _title(path: Path) -> str:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    lines = (line for cell in cells for line in "".join(cell["source"]).split("\n"))
    return next((line.lstrip("# ").strip() for line in lines if line.startswith("# ")), path.stem)


def students_makefile(text: str) -> str:
    """Return the course's Makefile with a student's targets only: what the package has no files for is left out."""
    kept = []
    for block in text.split("\n\n"):
        rule = next((line for line in block.split("\n") if not line.startswith("#")), "")
        target = re.match(r"([a-z][\w-]*|\$\(\w+\)):(?!=)", rule)
        if target is None or target[1] in (*TARGETS, "$(STUDENT)"):
            kept.append(block)
    phony = ".PHONY: " + " ".join(TARGETS)
    return re.sub(r"^\.PHONY:.*$", phony, "\n\n".join(kept).rstrip("\n") + "\n", flags=re.MULTILINE)


def _put(stage: Path, out: Path) -> None:
    if out.exists():
        old = stage.with_name(stage.name + "-old")
        out.rename(old)
        stage.rename(out)
        shutil.rmtree(old)
    else:
        stage.rename(out)


def _leaked(found: list[leaks.Leak]) -> str:
    more = [f"  and {len(found) - 10} more"] if len(found) > 10 else []
    head = "No package was made, because something of the teacher's would be in it. Take it out of these files:"
    return "\n".join([head, *(f"  {leak}" for leak in found[:10]), *more])
