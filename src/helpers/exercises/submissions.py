"""Submissions: finding them in whatever folder or zip a course system gives, and reading them without trust.

    for file in find("collected/", "ex2", roster=roster).files: …      whose each file is, told by its place and name
    notebook = read(file)                                               its cells; SubmissionError says what is wrong in one line

Layouts that are known, alone or mixed, in a folder or in a zip (which is read, never unpacked):

* flat: ``ex2_<id>.ipynb``, also after a browser or JupyterLab renamed it (``ex2_<id> (1).ipynb``, ``ex2_<id>-Copy1.ipynb``)
* a folder a student: ``<id>/ex2.ipynb``; nbgrader's ``submitted/<id>/ex2/ex2.ipynb`` is one of these
* Canvas: ``lastnamefirst_12345_67890_ex2.ipynb`` and ``lastnamefirst_LATE_12345_67890_ex2.ipynb``; the first number is Canvas' id
* Moodle: ``Name_12345_assignsubmission_file_/ex2.ipynb``, or the same without a folder; the number is that of the assignment's
  grading worksheet, and with any other roster the name decides where it is only one student's

What Canvas or Moodle wrote counts more than a name that a student chose. A notebook's own metadata never say whose it is here;
`Notebook.course` has them for whoever can check their token.

Only regular files are opened: no links, folders, pipes or devices, whatever they are called. Stored outputs, attachments and widget
state are cut out of a large file before it is parsed, so that a hundred megabytes of output cost little time and memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
import re
import stat
import unicodedata
import zipfile
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from helpers.exercises import ExerciseError
from helpers.exercises.roster import Roster, display_name, id_problem

LARGEST_FILE = 500_000_000
LARGEST_KEPT = 8_000_000  # without outputs
SCANNED = 1_000_000  # a file above this size is cut before it is parsed
MOST_PARTS = 3_000_000
MOST_FILES = 50_000
MOST_CELLS = 2_000

_CANVAS = re.compile(r"[^_]*_(?P<late>LATE_)?(?P<number>\d+)_\d+_(?P<file>.+)", re.DOTALL)
_MOODLE = re.compile(r"(?P<name>.+)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)", re.DOTALL)
_COPY = re.compile(r"(?:\s*\(\d+\)|[-_ ]?(?:copy|kopie|copia|copie)\s*\d*|-\d+)$", re.IGNORECASE)
_HIDDEN = ("__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini")


class SubmissionError(ExerciseError):
    """A submission that cannot be read; the message is one plain line that follows the file's name."""


@dataclass(frozen=True)
class File:
    """One file that somebody handed in. `name` is for messages, relative to where the search began.

    `student` is an id ("" for nobody's), told by `told_by`: "system" (Canvas, Moodle), "name" or "folder". `problem` says why it
    cannot be graded. `late` is Canvas' mark. `path` is the file, or the zip that holds `member`.
    """

    name: str
    path: Path
    member: str = ""
    student: str = ""
    told_by: str = ""
    problem: str = ""
    late: bool = False


@dataclass(frozen=True)
class Found:
    """What `find` saw: `files` that may be submissions, and how many belong to `others` (other exercises)."""

    files: tuple[File, ...]
    others: int


@dataclass(frozen=True)
class Cell:
    """A cell as far as grading needs it: `kind` "code" or "markdown", `source`, and the marks that release gave it."""

    kind: str
    source: str
    question: str = ""
    grade_id: str = ""


@dataclass(frozen=True)
class Notebook:
    """A submission, read. `course` has the texts exercise, version, student, token of its metadata, as far as they are there.

    `digest` (sha256) changes with whatever can change the grade, and not with outputs. `remarks` are plain lines about odd things.
    """

    cells: tuple[Cell, ...]
    course: dict[str, str]
    digest: str
    remarks: tuple[str, ...] = ()

    @property
    def code(self) -> list[str]:
        return [cell.source for cell in self.cells if cell.kind == "code"]


# --- finding ---


def find(place: str | Path, exercise_id: str, *, roster: Roster | None = None, others: Collection[str] = ()) -> Found:
    """Return the files in the folder, zip or notebook `place` that may be submissions of `exercise_id`, in a fixed order.

    `others` are ids of other exercises: files named for them are left out. Without a roster, ids are taken as the names give them.
    Raises SubmissionError where `place` itself cannot be read.
    """
    place = Path(place)
    if not place.exists():
        raise SubmissionError(f"{place}: there is no such folder or zip. Give the folder with the submissions.")
    known = _Known(exercise_id, roster, frozenset(others) - {exercise_id})
    files, other = [], 0
    for file in _listed(place):
        if known.of_another(file.name):
            other += 1
        elif (owned := known.owned(file)) is not None:
            files.append(owned)
    return Found(tuple(sorted(files, key=lambda file: _natural(file.name))), other)


def choose(files: Iterable[File], exercise_id: str) -> tuple[dict[str, File], dict[str, list[File]]]:
    """Return for each student the file to grade, and the other files of the same student.

    A readable one before one with a problem, then what the course system named, then a file named for the exercise, then the last by
    name with numbers counted (``ex2-2.ipynb`` after ``ex2-1.ipynb``).
    """
    by_student: dict[str, list[File]] = {}
    for file in files:
        by_student.setdefault(file.student, []).append(file)

    def rank(file: File):
        named = exercise_id.casefold() in Path(file.name).name.casefold()
        return (not file.problem, file.told_by == "system", named, _natural(file.name))

    chosen = {student: max(own, key=rank) for student, own in by_student.items() if student}
    return chosen, {s: [f for f in own if f is not chosen.get(s)] for s, own in by_student.items()}


def _listed(place: Path) -> Iterator[File]:
    if place.is_dir():
        for count, file in enumerate(_walk(place, place)):
            if count >= MOST_FILES:
                raise SubmissionError(
                    f"{place}: more than {MOST_FILES:,} files. Is this the folder of the submissions?"
                )
            if file.name.casefold().endswith(".zip") and not file.problem and zipfile.is_zipfile(file.path):
                yield from _in_zip(file.path, file.name.rpartition("/")[0])
            else:
                yield file
    elif zipfile.is_zipfile(place):
        yield from _in_zip(place, "")
    else:
        yield File(place.name, place, problem=_not_regular(place.lstat().st_mode))


def _walk(folder: Path, root: Path) -> Iterator[File]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as problem:
        raise SubmissionError(f"{folder}: cannot be read ({problem.strerror}).") from None
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _HIDDEN:
            continue
        path = Path(entry.path)
        name = path.relative_to(root).as_posix().encode("utf-8", "replace").decode()
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode) and not entry.name.casefold().endswith(".ipynb"):
            yield from _walk(path, root)
        else:
            yield File(name, path, problem=_not_regular(mode))


def _not_regular(mode: int) -> str:
    for test, what in (
        (stat.S_ISLNK, "is a link, and links are not followed"),
        (stat.S_ISDIR, "is a folder that is named like a notebook"),
        (stat.S_ISFIFO, "is a pipe, not a file"),
        (stat.S_ISSOCK, "is a socket, not a file"),
    ):
        if test(mode):
            return what
    return "" if stat.S_ISREG(mode) else "is a device, not a file"


def _in_zip(path: Path, within: str) -> Iterator[File]:
    """List a zip. Nothing is unpacked, so a name that leads out of a folder could do no harm; it is refused all the same."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (OSError, zipfile.BadZipFile, UnicodeDecodeError) as problem:
        raise SubmissionError(f"{path.name}: this zip cannot be read ({problem}). Download it again.") from None
    if len(members) > MOST_FILES:
        raise SubmissionError(f"{path.name}: more than {MOST_FILES:,} files. Is this the zip of the submissions?")
    for member in members:
        parts = re.split(r"[/\\]", member.filename)
        if any(part.startswith(".") and part != ".." or part in _HIDDEN for part in parts):
            continue
        mode, problem = member.external_attr >> 16, ""
        if ".." in parts or not parts[0] or re.match(r"[A-Za-z]:", member.filename) or "\0" in member.filename:
            problem = "has a name that leads out of its folder"
        elif stat.S_IFMT(mode) and not stat.S_ISREG(mode) and not member.is_dir():
            problem = _not_regular(mode)
        elif member.is_dir():
            if not parts[-2:-1] or not parts[-2].casefold().endswith(".ipynb"):
                continue
            problem, parts = _not_regular(stat.S_IFDIR), parts[:-1]
        elif member.flag_bits & 1:
            problem = "is encrypted"
        elif parts[-1].casefold().endswith(".zip"):
            problem = "is a zip within a zip; unpack it into a folder of its own"
        name = "/".join([*([within] if within else []), *parts])
        yield File(display_name(name), path, member.filename, problem=problem)


@dataclass(frozen=True)
class _Known:
    """What tells whose a file is."""

    exercise: str
    roster: Roster | None
    others: frozenset[str]

    def of_another(self, name: str) -> bool:
        """Say whether a path is named for another exercise: its file, or the folder around it."""
        *folders, last = name.split("/")
        canvas, moodle = _CANVAS.fullmatch(last), _MOODLE.fullmatch(last)
        stem = _stem((canvas or moodle)["file"] if canvas or moodle else last).casefold()
        if self._named(stem, self.exercise) is not None:
            return False
        by_file = any(self._named(stem, other) is not None for other in self.others)
        return by_file or bool(folders) and folders[-1].casefold() in {other.casefold() for other in self.others}

    def owned(self, file: File) -> File | None:
        """Return the file with its owner; None for one that is nobody's and no notebook."""
        *folders, last = file.name.split("/")
        notebook = last.casefold().endswith(".ipynb")
        student, told_by, late, why = self._owner(folders, last)
        if not notebook and not student and not why and not file.problem:
            return None
        problem = file.problem or why
        if not problem and not notebook:
            problem = f"is no notebook (.ipynb) but {Path(last).suffix or 'a file without an ending'}"
        return replace(file, student=student, told_by=told_by, late=late, problem=problem)

    def _owner(self, folders: list[str], last: str) -> tuple[str, str, bool, str]:
        for part in (last, *reversed(folders)):
            if match := _MOODLE.fullmatch(part):
                student, why = self._moodle(match, last)
                return student, "system" if student else "", False, why
        if match := _CANVAS.fullmatch(last):
            if student := self._id(match["number"]):
                return student, "system", bool(match["late"]), ""
            if self.roster is not None and self.roster.format == "canvas":
                why = f"belongs to Canvas' user {match['number']}, who is not in the roster"
                return "", "", bool(match["late"]), why
        rest = self._named(_stem(last), self.exercise)
        for name in (rest, None if rest is not None else _stem(last)):
            if name and (student := self._id_or_copy(name, certain=name is rest)):
                return student, "name", False, ""
        for folder in reversed(folders):
            rest = self._named(folder, self.exercise)
            if rest == "":
                continue
            if student := self._id_or_copy(rest or folder, certain=True):
                return student, "folder", False, ""
        return "", "", False, ""

    def _moodle(self, match: re.Match, last: str) -> tuple[str, str]:
        if self.roster is None:
            return match["number"], ""
        if student := self.roster.find(match["number"]):
            return student.id, ""
        wanted = _plain(match["name"])
        named = [student.id for student in self.roster if _plain(student.name) == wanted]
        if len(named) == 1:
            return named[0], ""
        rest = self._named(_stem(match["file"] or last), self.exercise)
        if rest and (found := self._id_or_copy(rest, certain=True)) in named:
            return found, ""
        who = f"{len(named)} students of this name" if named else "nobody of this name in the roster"
        return (
            "",
            f"belongs to “{display_name(match['name'])}” in Moodle: {who}. Give the assignment's worksheet as roster",
        )

    def _named(self, stem: str, exercise: str) -> str | None:
        """Return what follows the exercise's id in a name ("" for nothing); None when it does not begin with it."""
        match = re.fullmatch(rf"{re.escape(exercise)}(?:[_\-. ]+(.*))?", stem, re.IGNORECASE | re.DOTALL)
        return (match[1] or "") if match else None

    def _id_or_copy(self, name: str, certain: bool) -> str:
        """Return the student with this name or with what is left when marks of copies are taken off."""
        while name:
            if self.roster is None and not certain:
                return ""
            shorter = _COPY.sub("", name)
            if student := self._id(name) if self.roster is not None or shorter == name else "":
                return student
            if shorter == name:
                return ""
            name = shorter
        return ""

    def _id(self, text: str) -> str:
        text = unicodedata.normalize("NFC", text.strip())
        if self.roster is None:
            return "" if id_problem(text) else text
        student = self.roster.find(text)
        return student.id if student else ""


def _stem(name: str) -> str:
    while (shorter := re.sub(r"\.(ipynb|txt|json)$", "", name, flags=re.IGNORECASE)) != name:
        name = shorter
    return name


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name.replace("_", " ")).casefold().split())


def _natural(name: str) -> list:
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"([0-9]{1,18})", name)]


# --- reading ---


def read(file: File) -> Notebook:
    """Read one submission. Raises SubmissionError with a plain line for whatever cannot be read."""
    if file.problem:
        raise SubmissionError(file.problem)
    try:
        with _bytes(file) as data:
            text, remarks = _text(data)
        content = json.loads(text)
    except RecursionError:
        raise SubmissionError("is nested too deeply to be a notebook") from None
    except json.JSONDecodeError as problem:
        raise SubmissionError(f"is not a notebook ({problem.msg}, line {problem.lineno})") from None
    except ValueError:
        raise SubmissionError("is not a notebook (a number in it is too large)") from None
    except zipfile.BadZipFile:
        raise SubmissionError("is damaged within its zip") from None
    except (OSError, EOFError, NotImplementedError, RuntimeError) as problem:
        raise SubmissionError(f"cannot be opened ({getattr(problem, 'strerror', None) or problem})") from None
    return _notebook(content, remarks)


@contextlib.contextmanager
def _bytes(file: File) -> Iterator[bytes | mmap.mmap]:
    """The file's bytes: mapped, not read, where it is large."""
    if file.member:
        with zipfile.ZipFile(file.path) as archive, archive.open(file.member) as member:
            data = member.read(LARGEST_FILE + 1)  # a header may lie about the size
        _refuse_size(len(data))
        yield data
        return
    descriptor = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as handle:
        state = os.fstat(descriptor)
        if problem := _not_regular(state.st_mode):
            raise SubmissionError(problem)
        _refuse_size(state.st_size)
        if state.st_size <= SCANNED:
            yield handle.read(SCANNED + 1)
        else:
            with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as mapped:
                yield mapped


def _refuse_size(size: int) -> None:
    if size > LARGEST_FILE:
        raise SubmissionError(f"is larger than {LARGEST_FILE // 1_000_000} MB")
    if size == 0:
        raise SubmissionError("is empty")


def _text(data) -> tuple[str, list[str]]:
    """Decode what is left of the file without its outputs."""
    remarks = []
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        if len(data) > 10 * LARGEST_KEPT:
            raise SubmissionError("is a large file in UTF-16; save it as UTF-8")
        data = data[:].decode("utf-16", "replace").encode("utf-8", "replace")
    start = 3 if data[:3] == b"\xef\xbb\xbf" else 0
    kept = without_outputs(data) if len(data) > SCANNED else data[:]
    if len(kept) > LARGEST_KEPT:
        raise SubmissionError(f"is larger than {LARGEST_KEPT // 1_000_000} MB even without its outputs")
    if kept[start : start + 100].lstrip()[:1] == b"<":
        raise SubmissionError("is a web page, not a notebook; download the notebook itself")
    try:
        return kept[start:].decode("utf-8"), remarks
    except UnicodeDecodeError:
        remarks.append("The file is not UTF-8; letters that could not be read were replaced.")
        return kept[start:].decode("utf-8", "replace"), remarks


_MARK = re.compile(rb'["\[\]{}]')
_STRING_END = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_COLON = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*")
_SCALAR = re.compile(rb"[^,\]}]*")
_QUOTE, _OPEN = ord('"'), b"[{"
_CUT = {b'"outputs"': (b"{[{", b"{[{[{"), b'"attachments"': (b"{[{", b"{[{[{"), b'"widgets"': (b"{{",)}


def without_outputs(data) -> bytes:
    """Return a notebook's JSON with outputs, attachments and widget state cut out, in one pass and without parsing them.

    `data` is bytes or a mapped file. What is no valid JSON is left for the parser to refuse. Raises SubmissionError for a file of more
    than 3 million parts.
    """
    kept, start, place, open_, parts = [], 0, 0, bytearray(), 0
    while mark := _MARK.search(data, place):
        parts += 1
        if parts > MOST_PARTS:
            raise SubmissionError("is made of too many parts")
        place, sign = mark.end(), data[mark.start()]
        if sign == _QUOTE:
            if not (end := _STRING_END.match(data, place)):
                break
            place = end.end()
            if (
                place - mark.start() <= 13
                and (levels := _CUT.get(data[mark.start() : place]))
                and bytes(open_) in levels
            ) and (colon := _COLON.match(data, place)):
                value = b"{}" if data[colon.end() : colon.end() + 1] == b"{" else b"[]"
                kept += [data[start : colon.end()], value]
                place = start = _skip(data, colon.end())
        elif sign in _OPEN:
            open_.append(sign)
        elif open_:
            open_.pop()
    return b"".join([*kept, data[start:]])


def _skip(data, place: int) -> int:
    """Return where the value that begins at `place` ends."""
    if data[place : place + 1] not in (b"[", b"{", b'"'):
        return _SCALAR.match(data, place).end()
    depth = parts = 0
    while mark := _MARK.search(data, place):
        parts += 1
        if parts > MOST_PARTS:
            raise SubmissionError("is made of too many parts")
        place, sign = mark.end(), data[mark.start()]
        if sign == _QUOTE:
            if not (end := _STRING_END.match(data, place)):
                break
            place = end.end()
        else:
            depth += 1 if sign in _OPEN else -1
        if depth <= 0:
            return place
    return len(data)


def _notebook(content: object, remarks: list[str]) -> Notebook:
    if not isinstance(content, dict):
        raise SubmissionError("is not a notebook")
    raw = content.get("cells")
    if raw is None and isinstance(content.get("worksheets"), list):  # format 3, before 2015
        sheets = [sheet.get("cells") for sheet in content["worksheets"] if isinstance(sheet, dict)]
        raw = [cell for cells in sheets if isinstance(cells, list) for cell in cells]
    if not isinstance(raw, list):
        raise SubmissionError("is not a notebook: it has no cells")
    if len(raw) > MOST_CELLS:
        raise SubmissionError(f"has more than {MOST_CELLS:,} cells")
    cells = [cell for item in raw if (cell := _cell(item)) is not None]
    if odd := len(raw) - len(cells):
        remarks.append(
            f"{odd} cell{'s' if odd > 1 else ''} could not be read and {'were' if odd > 1 else 'was'} left out."
        )
    metadata = content.get("metadata")
    told = metadata.get("course") if isinstance(metadata, dict) else None
    told = told if isinstance(told, dict) else {}
    names = ("exercise", "version", "student", "token")
    course = {n: _clean(told[n])[:200] for n in names if isinstance(told.get(n), str)}
    parts = json.dumps([[c.kind, c.source, c.question, c.grade_id] for c in cells] + [course], sort_keys=True)
    return Notebook(tuple(cells), course, hashlib.sha256(parts.encode()).hexdigest(), tuple(remarks))


def _cell(item: object) -> Cell | None:
    if not isinstance(item, dict):
        return None
    kind, source = item.get("cell_type"), item.get("source", item.get("input", ""))
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str) or not isinstance(kind, str):
        return None
    metadata = item.get("metadata") if isinstance(item.get("metadata"), dict) else {}

    def mark(group: str, name: str) -> str:
        values = metadata.get(group)
        value = values.get(name) if isinstance(values, dict) else None
        return _clean(value)[:100] if isinstance(value, str) else ""

    source = _clean(source).replace("\r\n", "\n").replace("\r", "\n")
    return Cell(
        "code" if kind == "code" else "markdown", source, mark("course", "question"), mark("nbgrader", "grade_id")
    )


def _clean(text: str) -> str:
    """Return text that can be written to any file: JSON may hold halves of characters."""
    return text.encode("utf-8", "replace").decode("utf-8")
