"""Variants: each student's own notebook, drawn with a key that stays with the teacher.

Who gets which variant
----------------------
A draw is HMAC-SHA256 over exercise, version, student, name of the draw and a number called *attempt*, with the course's key. Without
the key nobody can tell another student's variant, and the same student always gets the same one.

Neighbours in the roster must differ. So a new student's attempt is 0, or the first number at which every draw differs from those of
the students before and after (or, where choices are too few for that, the number below 64 at which most draws do). The number is
written into the teacher's table before any notebook is. Whoever stands in the table keeps variant and notebook for good: when
someone joins, leaves, or the roster is sorted anew, only new students are drawn for. Two students who *became* neighbours by
sorting may then share draws; `assign` says how many.

The teacher's files
-------------------
``course-key`` (32 random bytes as hexadecimal digits) and ``variants-ex2.csv`` (student, version, attempt, draws) stand beside the folder of
notebooks, not in it, and only their owner can read them. A key that others could read is refused. The table is checked
against the key at each run, so neither a changed key nor a changed list of choices goes unnoticed.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import hmac
import io
import json
import os
import re
import secrets
import stat
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from helpers.data_folder import find_data
from helpers.exercises import ExerciseError, answers
from helpers.exercises.master import Exercise, problems, read, reference, strip_solutions, variant_problems
from helpers.exercises.roster import Roster
from helpers.exercises.roster import read as read_roster

KEY_FILE = "course-key"
KEY_BYTES = 32
ATTEMPTS = 64
PRIVATE, PUBLIC = 0o600, 0o666  # file modes; the umask takes away from them
PART = ".course-*.part"
COLUMNS = ("student", "version", "attempt", "draws")


class VariantError(ExerciseError):
    """A key, a table of variants or a folder of notebooks that cannot be used; the message ends with the next step."""


@dataclass(frozen=True)
class Variant:
    """One student's variant: the `draws` (name → value) and the `attempt` they were drawn with."""

    student: str
    version: str
    attempt: int
    draws: dict


@dataclass(frozen=True)
class Assigned:
    """What `assign` did. `written`, `kept` (already there, the same) and `differing` (already there, other text) are students' ids;
    `alike` are pairs of neighbours with the same draws; `table` and `key` are the teacher's files."""

    out: Path
    table: Path
    key: Path
    written: tuple[str, ...]
    kept: tuple[str, ...]
    differing: tuple[str, ...]
    alike: tuple[tuple[str, str], ...]


# --- the key ---


def make_key(path: str | Path) -> bytes:
    """Make a key file that only its owner can read, and return the key. VariantError where there is one already."""
    path = Path(path)
    key = secrets.token_bytes(KEY_BYTES)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write_new(path, (key.hex() + "\n").encode(), PRIVATE)
    except FileExistsError:
        raise VariantError(f"{path}: there is a key already. Use it, or move it away.") from None
    except OSError as problem:
        raise VariantError(f"{path}: the key cannot be written ({problem.strerror}).") from None
    return key


def read_key(path: str | Path) -> bytes:
    """Return the 32 bytes of a key file. VariantError where it is missing, damaged, or readable by others."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(1000)
    except FileNotFoundError:
        raise VariantError(
            f"{path}: there is no key. `course assign` makes it; put back the one that the notebooks were made with."
        ) from None
    except OSError as problem:
        raise VariantError(f"{path}: the key cannot be read ({problem.strerror}).") from None
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise VariantError(f"{path}: others can read this key. Run: chmod 600 {_quoted(path)}")
    if not re.fullmatch(rb"[0-9a-f]{%d}\s*" % (2 * KEY_BYTES), text):
        raise VariantError(f"{path}: this is not a course's key. Put back the one that the notebooks were made with.")
    return bytes.fromhex(text.decode())


def key_beside(out: str | Path) -> Path:
    """Return where the key of a folder of notebooks stands: beside the folder, so that nobody hands it out with them."""
    return Path(out).resolve().parent / KEY_FILE


def table_beside(key: str | Path, exercise_id: str) -> Path:
    """Return where the teacher's table of an exercise stands: beside the key."""
    return Path(key).parent / f"variants-{exercise_id}.csv"


# --- draws ---


def draw(exercise: Exercise, student_id: str, key: bytes, attempt: int = 0) -> dict:
    """Return a student's draws: name → one of the exercise's choices. The same arguments always give the same draws."""
    return {
        name: choices[_number(key, "draw", exercise.id, exercise.version, student_id, name, attempt) % len(choices)]
        for name, choices in exercise.draws.items()
    }


def token(exercise_id: str, student_id: str, key: bytes) -> str:
    """Return what marks a notebook as a student's. It tells nothing about the draws and cannot be made without the key."""
    return _digest(key, "token", exercise_id, student_id).hex()


def token_owner(mark: str, exercise_id: str, student_ids: Iterable[str], key: bytes) -> str | None:
    """Return the one of `student_ids` whose token `mark` is; None when it is nobody's."""
    mark = str(mark).encode(errors="replace")
    owners = [i for i in student_ids if hmac.compare_digest(mark, token(exercise_id, i, key).encode())]
    return owners[0] if owners else None


def draw_all(
    exercise: Exercise, student_ids: Sequence[str], key: bytes, known: Mapping[str, Variant] | None = None
) -> dict:
    """Return {student id: Variant} for `student_ids` in the roster's order; `known` variants stay as they are.

    Raises VariantError when there are fewer than three variants, which is too few for a student between two others.
    """
    variants = dict(known or {})
    if len(student_ids) > 1 and exercise.variants < 3:
        raise VariantError(
            f"{exercise.id}: {exercise.variants} variants are too few for neighbours to differ. Give [variant.draw] more choices."
        )
    for place, student in enumerate(student_ids):
        if student not in variants:
            beside = (student_ids[i] for i in (place - 1, place + 1) if 0 <= i < len(student_ids))
            others = [variants[neighbour].draws for neighbour in beside if neighbour in variants]
            variants[student] = _differing(exercise, student, key, others)
    return {student: variants[student] for student in student_ids}


def _differing(exercise: Exercise, student: str, key: bytes, others: list[dict]) -> Variant:
    best, most = None, -1
    for attempt in range(ATTEMPTS):
        draws = draw(exercise, student, key, attempt)
        different = min((sum(draws[n] != other[n] for n in draws) for other in others), default=len(draws))
        if different > most:
            best, most = Variant(student, exercise.version, attempt, draws), different
        if different == len(draws):
            break
    return best


def _digest(key: bytes, *parts) -> bytes:
    message = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
    return hmac.new(key, message.encode(), hashlib.sha256).digest()


def _number(key: bytes, *parts) -> int:
    return int.from_bytes(_digest(key, *parts), "big")


# --- expected answers ---

_expected: dict[tuple[str, str], dict[str, dict]] = {}


def expected(exercise: Exercise, draws: Mapping | None = None) -> dict[str, dict]:
    """Return {question id: answer in its JSON form} as the reference solution computes it from the tables, in this process.

    Each distinct variant is computed once and then kept; left out, `draws` is the master's own variant. Not to be changed in place.
    Raises ExerciseError when a solution fails, or gives what no student could hand in.
    """
    sources = json.dumps([str(exercise.folder), [cell.source for cell in exercise.notebook.cells]])
    known = (hashlib.sha256(sources.encode()).hexdigest(), json.dumps(draws, sort_keys=True))
    if known not in _expected:
        found = {question: answers.encode(value) for question, value in reference(exercise, draws).items()}
        for question, answer in found.items():
            if answer["type"] in ("missing", "refused"):
                raise VariantError(
                    f"{exercise.id}, {question}: the solution's own answer cannot be read ({answer.get('why', 'it is missing')})."
                )
        _expected[known] = found
    return _expected[known]


# --- the teacher's table ---


def read_table(path: str | Path, exercise, key: bytes) -> dict[str, Variant]:
    """Return {student id: Variant} of this version of the exercise from the teacher's table; empty where there is no table.

    Raises VariantError when a row cannot be read, or is not what the key and the choices give.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as problem:
        raise VariantError(f"{path}: cannot be read ({problem}).") from None
    variants = {}
    for number, row in enumerate(csv.DictReader(io.StringIO(text, newline="")), 2):
        try:
            variant = Variant(row["student"], row["version"], int(row["attempt"]), json.loads(row["draws"]))
        except (KeyError, TypeError, ValueError):
            raise VariantError(
                f"{path.name}, row {number}: not a row of {','.join(COLUMNS)}. Put back the table as `course assign` wrote it."
            ) from None
        if variant.version != exercise.version:
            continue
        draws = draw(exercise, variant.student, key, variant.attempt)
        if draws != variant.draws:
            raise VariantError(
                f"{path.name}, row {number}: these are not the draws of this key and these choices. Put back the key; if the "
                f"choices of {exercise.id} have changed, raise its version in exercise.toml."
            )
        variants[variant.student] = replace(variant, draws=draws)
    return variants


def variants_of(exercise: Exercise, roster_ids: Iterable[str], key_file: str | Path) -> dict[str, Variant]:
    """Return {student id: Variant} as assigned, for grading. Raises VariantError where a student was never assigned a notebook."""
    key = read_key(key_file)
    path = table_beside(key_file, exercise.id)
    known = read_table(path, exercise, key)
    ids = list(roster_ids)
    if missing := [i for i in ids if i not in known]:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise VariantError(
            f"{path}: no variant of {exercise.id}, version {exercise.version}, for {', '.join(missing[:5])}{more}. "
            f"Run `course assign {exercise.id}` with this roster first."
        )
    return {i: known[i] for i in ids}


def _write_table(path: Path, exercise: Exercise, variants: Iterable[Variant]) -> None:
    """Write this version's rows; rows of other versions stay."""
    others = []
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            others = [row for row in csv.DictReader(file) if row["version"] != exercise.version]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(others)
    for v in variants:
        draws = json.dumps(v.draws, ensure_ascii=False, sort_keys=True)
        writer.writerow({"student": v.student, "version": v.version, "attempt": v.attempt, "draws": draws})
    _replace(path, text.getvalue().encode(), PRIVATE)


# --- notebooks ---


def find_exercise(name: str | Path) -> Exercise:
    """Return the exercise of this name (``ex2``, in ``exercises/`` beside the course's data) or in this folder, read and ready to assign."""
    folder = Path(name)
    if not (folder / "exercise.toml").exists() and len(folder.parts) == 1:
        folder = find_data().parent / "exercises" / folder
    return read(folder)


def assign(
    exercise: Exercise | str | Path,
    roster: Roster | str | Path,
    out: str | Path,
    *,
    key_file: str | Path | None = None,
    id_column: str | None = None,
    force: bool = False,
    tested: bool = False,
    echo: Callable[[str], object] = print,
) -> Assigned:
    """Write each student's own notebook, ``ex2_<id>.ipynb``, into `out`.

    `exercise` is a name or folder (see `find_exercise`) or already read; `roster` a file (see `roster.read`, also for `id_column`) or read. The
    key (`key_file`, by default ``course-key`` beside `out`) is made if there is none. A run that was interrupted goes on where it was;
    a notebook that is there already is never overwritten unless `force`. Files appear whole or not at all. The master and a sample of its
    variants are run first unless they are already `tested`. A faulty master, roster, key or table raises an ExerciseError before any
    notebook is written.
    """
    exercise = exercise if isinstance(exercise, Exercise) else find_exercise(exercise)
    roster = roster if isinstance(roster, Roster) else read_roster(roster, id_column=id_column)
    out = Path(out)
    key_file = Path(key_file) if key_file else key_beside(out)
    _refuse_places(out, key_file)
    if not tested:
        refuse_faulty(exercise)
    with _may_be_repeated(out):
        table = table_beside(key_file, exercise.id)
        key = _key_for(key_file)
        known = read_table(table, exercise, key)
        variants = draw_all(exercise, roster.ids, key, known)
        if not known.keys() >= variants.keys():
            _write_table(table, exercise, (known | variants).values())
        out.mkdir(parents=True, exist_ok=True)
        _sweep(out)
        done = _write_notebooks(out, exercise, key, variants.values(), force)
    alike = tuple(alike_neighbours(variants))
    result = Assigned(out, table, key_file, done["written"], done["kept"], done["differing"], alike)
    _tell(result, exercise, roster, echo)
    return result


def refuse_faulty(exercise: Exercise) -> None:
    """Raise VariantError when the master may not be released or its variants are not all answerable and alike in difficulty
    (`master.problems`, `master.variant_problems`)."""
    if found := problems(exercise) or variant_problems(exercise):
        more = f"\n  and {len(found) - 5} more" if len(found) > 5 else ""
        shown = [line if len(line) <= 300 else line[:300] + "…" for line in found[:5]]
        raise VariantError("\n  ".join([f"{exercise.id} cannot be handed out yet:", *shown]) + more)


def _write_notebooks(out: Path, exercise: Exercise, key: bytes, variants: Iterable[Variant], force: bool) -> dict:
    from helpers.running.notebooks import to_text

    done: dict[str, list[str]] = {"written": [], "kept": [], "differing": []}
    released = strip_solutions(exercise.notebook)
    for variant in _progress(variants, exercise.id):
        target = out / f"{exercise.id}_{variant.student}.ipynb"
        text = to_text(_student_notebook(released, exercise, variant, key)).encode()
        try:
            (_replace if force else _write_new)(target, text, PUBLIC)
            done["written"].append(variant.student)
        except FileExistsError:
            done["kept" if _same_text(target, text) else "differing"].append(variant.student)
    return {what: tuple(ids) for what, ids in done.items()}


@contextlib.contextmanager
def _may_be_repeated(out: Path):
    try:
        yield
    except OSError as problem:
        raise VariantError(
            f"{problem.filename or out}: {problem.strerror or problem}. Nothing is half-written; run again, and it goes on where it was."
        ) from problem
    except KeyboardInterrupt:
        stopped = VariantError(f"Stopped. The notebooks in {out} are whole; run again, and it goes on where it was.")
        stopped.exit_code = 130
        raise stopped from None


def student_notebook(exercise: Exercise, variant: Variant, key: bytes):
    """Return a student's notebook: the released exercise with the draws in a cell of their own, as papermill injects parameters,
    and with ``metadata.course`` (exercise, version, student, token)."""
    return _student_notebook(strip_solutions(exercise.notebook), exercise, variant, key)


def alike_neighbours(variants: Mapping[str, Variant]) -> list[tuple[str, str]]:
    """Return the pairs of neighbours (in the mapping's order) whose draws are all the same."""
    order = list(variants.values())
    return [(a.student, b.student) for a, b in zip(order, order[1:], strict=False) if a.draws == b.draws]


def _refuse_places(out: Path, key_file: Path) -> None:
    if out.exists() and not out.is_dir():
        raise VariantError(f"{out} is a file. Choose a folder for the notebooks.")
    if key_file.resolve().parent.is_relative_to(out.resolve()):
        raise VariantError(f"{key_file} would stand among the students' notebooks. Keep the key in another folder.")


def _key_for(key_file: Path) -> bytes:
    if key_file.exists() or key_file.is_symlink():
        return read_key(key_file)
    if tables := sorted(key_file.parent.glob("variants-*.csv")):
        raise VariantError(
            f"{key_file}: the key is gone, but {tables[0].name} was made with it. Put the key back; without it, notebooks already "
            "handed out cannot be told apart. To begin anew, move the table away."
        )
    return make_key(key_file)


def _student_notebook(released, exercise: Exercise, variant: Variant, key: bytes):
    from helpers.running import execute

    notebook = execute.without_papermill(execute.prepare(released, variant.draws))
    notebook.metadata["course"] = dict(notebook.metadata.get("course", {})) | {
        "exercise": exercise.id,
        "version": exercise.version,
        "student": variant.student,
        "token": token(exercise.id, variant.student, key),
    }
    return notebook


def _tell(result: Assigned, exercise: Exercise, roster: Roster, echo: Callable[[str], object]) -> None:
    for line in roster.left_out:
        echo(f"{roster.path.name}, {line}: left out.")
    echo(
        f"{exercise.id}: {len(result.written)} notebooks written to {result.out}, {len(result.kept)} were there already "
        f"({len(roster)} students, {exercise.variants} variants)."
    )
    if result.differing:
        some = ", ".join(result.differing[:5]) + (" …" if len(result.differing) > 5 else "")
        echo(
            f"{len(result.differing)} notebooks there differ from what this run makes and were left: {some}. --force writes them anew."
        )
    if result.alike:
        a, b = result.alike[0]
        echo(
            f"{len(result.alike)} pairs of neighbours share a variant since the roster's order changed, such as {a} and {b}."
        )
    echo(f"Keep {result.key} and {result.table.name} to yourself; grading needs both.")


def _progress(variants: Iterable[Variant], exercise_id: str):
    from tqdm import tqdm

    return tqdm(list(variants), desc=exercise_id, unit="notebook", file=sys.stderr, disable=None, leave=False)


# --- files that appear whole or not at all ---


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that must not exist yet; FileExistsError where it does."""
    if os.path.lexists(path):
        raise FileExistsError(path)
    with _part(path, content, mode) as part:
        try:
            os.link(part, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without links, such as that of a USB stick
            if os.path.lexists(path):
                raise FileExistsError(path) from None
            os.replace(part, path)


def _replace(path: Path, content: bytes, mode: int) -> None:
    with _part(path, content, mode) as part:
        os.replace(part, path)


@contextlib.contextmanager
def _part(path: Path, content: bytes, mode: int):
    """A complete file beside `path` that is gone afterwards, unless it was moved."""
    part = path.with_name(PART.replace("*", secrets.token_hex(8)))
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            if mode == PRIVATE:  # the key and the table cannot be made again; a notebook can
                os.fsync(file.fileno())
        yield part
    finally:
        part.unlink(missing_ok=True)


def _sweep(out: Path) -> None:
    """Remove what a killed run left behind."""
    for part in out.glob(PART):
        part.unlink(missing_ok=True)


def _same_text(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))
