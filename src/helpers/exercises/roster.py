"""Rosters: who is in the class, as Canvas, Moodle or a plain table gives it.

Recognised by their columns
---------------------------
* **Canvas**, the gradebook's CSV export: ``Student`` (or ``LastName``, ``FirstName``), ``ID``, often ``SIS User ID``, ``SIS Login ID``,
  ``Section``, then assignments. Canvas writes these names in English in every language. The rows ``Points Possible`` and
  ``Manual Posting`` stand before the students and are kept as `Roster.before`; the test student of the student view is left out.
  A student's id is ``ID``, Canvas' own number: it is always there, and Canvas puts it into the name of each collected file.
* **Moodle**, the gradebook's or the participants' CSV export: ``First name``, ``Surname`` (``Last name`` since Moodle 4),
  ``ID number``, ``Institution``, ``Department``, ``Email address``, then grades; also an assignment's grading worksheet
  (``Identifier``, ``Full name``, ``ID number``, ``Email address``). The id is ``ID number`` where every row has one, otherwise the
  e-mail address. Moodle translates these names. In another language the export is known by a column in which every filled cell
  is an e-mail address: the two first columns are then the name, and the third one is the ID number if it is filled, different
  and usable in every row; otherwise the address is the id. Where this guess is wrong, name the column (`id_column`).
* **A plain table** with a column ``id`` (or ``student_id``, ``username``) and ``name`` (or ``first_name``, ``last_name``, as nbgrader has them).

UTF-8 and UTF-16, with and without byte order mark; commas, semicolons, tabs or colons; any line ends.

An id becomes part of a file's name, so it must be harmless on every system (`id_problem`). Names may be in any script and are
never part of a file's name; whoever shows one escapes it, and whoever writes one into a CSV file passes it through `csv_safe`.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from helpers.exercises import ExerciseError

LARGEST_FILE = 20_000_000
LONGEST_ID = 64
SHOWN = 10
FORMULA = "=+-@\t\r＝＋－＠"
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[/\\:*?"<>|]')
_SHORTENED = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?%?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+")
_SPREADSHEETS = {b"PK\x03\x04": "a spreadsheet (.xlsx or .ods)", b"\xd0\xcf\x11\xe0": "an old Excel file (.xls)"}

_CANVAS_NAMES = (("Student",), ("FirstName", "LastName"))
_MOODLE_NAMES = (("First name", "Surname"), ("First name", "Last name"), ("Full name",))
_PLAIN_IDS = ("id", "student_id", "student id", "username")
_PLAIN_NAMES = (
    ("name",),
    ("full_name",),
    ("full name",),
    ("student",),
    ("first_name", "last_name"),
    ("first name", "last name"),
)


class RosterError(ExerciseError):
    """A roster that cannot be used; the message names the file, the rows, the rule and the next step."""


@dataclass(frozen=True)
class Student:
    """One student: `id` as used in files, `name` to show (escaped), `row` as a spreadsheet counts it, and further identifiers.

    `aliases` are the other identifiers of the row: Canvas' SIS ids and login, Moodle's ID number, e-mail address and participant
    number (``Participant 12`` gives ``12``). One that two students share is nobody's.
    """

    id: str
    name: str
    row: int
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Roster:
    """A class in the order of its file.

    `format` is "canvas", "moodle" or "csv". `columns` are the export's own column names; `rows` has one dict (column → text as the
    file has it) a student, in the order of `students`, so that a gradebook can be written back. `before` holds Canvas' rows that
    stand before the students; `left_out` says in words which rows are no students.
    """

    path: Path
    format: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    students: tuple[Student, ...]
    id_column: str
    before: tuple[dict[str, str], ...] = ()
    left_out: tuple[str, ...] = ()
    name_columns: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.students)

    def __iter__(self):
        return iter(self.students)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(student.id for student in self.students)

    @cached_property
    def by_id(self) -> dict[str, Student]:
        return {student.id: student for student in self.students}

    def row_of(self, student_id: str) -> dict[str, str]:
        """Return the export's own row of a student; KeyError for an id that is not in the roster."""
        return self._rows_by_id[student_id]

    def find(self, text: str) -> Student | None:
        """Return the student with this id, or else with this alias; upper and lower case alike. None when nobody has it."""
        return self._known.get(_same(text))

    @cached_property
    def _rows_by_id(self) -> dict[str, dict[str, str]]:
        return dict(zip(self.ids, self.rows, strict=True))

    @cached_property
    def _known(self) -> dict[str, Student]:
        owners: dict[str, set[str]] = {}
        for student in self.students:
            for alias in student.aliases:
                owners.setdefault(_same(alias), set()).add(student.id)
        known = {alias: self.by_id[next(iter(ids))] for alias, ids in owners.items() if len(ids) == 1}
        return known | {_same(student.id): student for student in self.students}


def read(path: str | Path, *, id_column: str | None = None) -> Roster:
    """Read a roster. `id_column` names the column to take ids from where the usual one is not wanted.

    Raises RosterError for a file that is no readable table, has no column for ids, has no students, or in which an id is blank,
    used twice (upper and lower case alike, as file systems have it) or unfit for a file's name; it tells up to ten rows at once.
    """
    path = Path(path)
    table = _table(path, _text(path))
    layout = _layout(path, table, id_column)
    return _roster(path, table, layout)


def id_problem(student_id: str) -> str | None:
    """Return why `student_id` may not be part of a file's name on every system, in words that follow "the id …", or None."""
    if not student_id:
        return "is blank"
    if student_id[0] in FORMULA:
        return "begins like a formula, which a spreadsheet would run"
    if _FORBIDDEN.search(student_id) or student_id.startswith("."):
        return 'looks like a path or holds one of / \\ : * ? " < > |'
    if not student_id.isprintable():
        return "holds a character that cannot be seen"
    if student_id[-1] in ". " or student_id[0] == " ":
        return "begins or ends with a space, or ends with a dot"
    if _RESERVED.fullmatch(student_id):
        return "is a name that Windows keeps for a device"
    if len(student_id) > LONGEST_ID or len(student_id.encode()) > 3 * LONGEST_ID:
        return f"is longer than {LONGEST_ID} characters"
    if _SHORTENED.fullmatch(student_id):
        return "was shortened by a spreadsheet; export the roster again and do not save it from there"
    return None


def csv_safe(value: object) -> str:
    """Return `value` as text that no spreadsheet runs: a formula-like text gets an apostrophe in front, a number stays."""
    text = str(value)
    inner = text.lstrip()
    if (text[:1] in ("\t", "\r") or inner[:1] in FORMULA) and inner and not _NUMBER.fullmatch(inner.strip()):
        return "'" + text
    return text


def display_name(text: str) -> str:
    """Return a name as one line in Unicode's composed form, without control characters and without marks that turn the direction of
    the text after them. The joiners that Persian and Indic scripts need stay. The result still has to be escaped for HTML."""
    return " ".join(_UNSEEN.sub(" ", unicodedata.normalize("NFC", text)).split())


@dataclass(frozen=True)
class _Table:
    header: list[str]
    body: list[tuple[int, dict[str, str]]]  # row as a spreadsheet counts it, cells by column


@dataclass(frozen=True)
class _Layout:
    format: str
    id: str
    names: tuple[str, ...]
    aliases: tuple[str, ...]


def _same(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text.strip()).casefold())


def _text(path: Path) -> str:
    def refuse(why: str) -> RosterError:
        return RosterError(f"{path.name}: {why}")

    try:
        if not path.is_file():
            raise refuse("there is no such file. Give the CSV export of Canvas or Moodle, or a table with id,name.")
        if path.stat().st_size > LARGEST_FILE:
            raise refuse(f"a roster has at most {LARGEST_FILE // 1_000_000} MB. Is this the right file?")
        raw = path.read_bytes()
    except OSError as problem:
        raise refuse(f"cannot be read ({problem.strerror}).") from None
    for magic, what in _SPREADSHEETS.items():
        if raw.startswith(magic):
            raise refuse(f"this is {what}, not CSV. Export it as CSV (UTF-8).")
    encoding = _encoding(raw)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as problem:
        row = raw[: problem.start].count(b"\n") + 1
        raise refuse(f"row {row}: not UTF-8, so names would be spoilt. Save the file as “CSV UTF-8”.") from None
    if "\0" in text:
        raise refuse("holds NUL characters, so it is no text table. Export it again.")
    if not text.strip():
        raise refuse("the file is empty. Export the roster again.")
    if text.lstrip()[:1] == "<":
        raise refuse("this is a web page, not CSV. Perhaps the export needed a login. Export it again.")
    return text


def _encoding(raw: bytes) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if len(raw) >= 4 and raw[1] == 0 and raw[3] == 0:
        return "utf-16-le"
    if len(raw) >= 4 and raw[0] == 0 and raw[2] == 0:
        return "utf-16-be"
    return "utf-8-sig"


def _table(path: Path, text: str) -> _Table:
    if match := re.match(r"sep=(.)\r?\n", text, re.IGNORECASE):  # Excel's own first line
        text, separator, skipped = text[match.end() :], match[1], 1
    else:
        separator, skipped = _separator(text), 0
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as problem:
        raise RosterError(
            f"{path.name}: not a readable table ({problem}). Look for a quotation mark that is not closed."
        ) from None
    filled = [(number, row) for number, row in enumerate(lines, 1 + skipped) if any(cell.strip() for cell in row)]
    header = [cell.strip() for cell in filled[0][1]]
    body, wrong = [], []
    for number, row in filled[1:]:
        if any(cell.strip() for cell in row[len(header) :]):
            wrong.append(
                f"row {number}: {len(row)} cells under {len(header)} columns; quote a cell that holds a {separator!r}."
            )
        cells = (row + [""] * len(header))[: len(header)]
        body.append((number, dict(reversed(list(zip(header, cells, strict=True))))))  # of a column twice, the first
    if wrong:
        raise RosterError(_listed(path, wrong))
    return _Table(header, body)


def _separator(text: str) -> str:
    first = next(line for line in text.splitlines() if line.strip())
    outside = re.sub(r'"[^"]*"', "", first)
    return max(",;\t", key=outside.count) if re.search(r"[,;\t]", outside) or ":" not in outside else ":"


def _layout(path: Path, table: _Table, id_column: str | None) -> _Layout:
    layout = _canvas(table) or _moodle(table) or _plain(table, id_column) or _moodle_translated(table)
    if layout is None:
        raise RosterError(
            f"{path.name}: no column for ids among {_quoted(table.header)}. Give an export of Canvas (Student, ID) or Moodle "
            "(First name, Surname, ID number, Email address), or a table with a first row id,name."
        )
    if id_column is None:
        return layout
    if id_column not in table.header:
        raise RosterError(f"{path.name}: no column “{id_column}”. Its columns: {_quoted(table.header)}.")
    aliases = tuple(c for c in (layout.id, *layout.aliases) if c != id_column)
    return _Layout(layout.format, id_column, layout.names, aliases)


def _canvas(table: _Table) -> _Layout | None:
    names = _first_of(table.header, _CANVAS_NAMES)
    if not names or "ID" not in table.header:
        return None
    return _Layout("canvas", "ID", names, _present(table, "SIS User ID", "SIS Login ID", "Integration ID"))


def _moodle(table: _Table) -> _Layout | None:
    names = _first_of(table.header, _MOODLE_NAMES)
    identifiers = _present(table, "ID number", "Email address")
    if not names or not identifiers:
        return None
    best = identifiers[0] if _filled(table, identifiers[0]) else identifiers[-1]
    others = tuple(c for c in (*identifiers, *_present(table, "Identifier", "Username")) if c != best)
    return _Layout("moodle", best, names, others)


def _moodle_translated(table: _Table) -> _Layout | None:
    emails = [c for c in table.header if c and _all_emails(table, c)]
    if not emails or len(table.header) < 3 or emails[0] in table.header[:2]:
        return None
    email, third = emails[0], table.header[2]
    numbered = third != email and _usable_ids(table, third)
    names = tuple(table.header[:2])
    return _Layout("moodle", third, names, (email,)) if numbered else _Layout("moodle", email, names, ())


def _plain(table: _Table, id_column: str | None) -> _Layout | None:
    lower = {name.lower(): name for name in reversed(table.header)}
    found = next((lower[name] for name in _PLAIN_IDS if name in lower), None)
    if found is None and id_column not in table.header:
        return None
    names = next((tuple(lower[n] for n in group) for group in _PLAIN_NAMES if all(n in lower for n in group)), ())
    aliases = tuple(lower[name] for name in ("email", "e-mail", "lms_user_id") if name in lower)
    return _Layout("csv", found or id_column, names, aliases)


def _roster(path: Path, table: _Table, layout: _Layout) -> Roster:
    before, rows, students, left_out, wrong = [], [], [], [], []
    for number, row in table.body:
        if layout.format == "canvas" and (reason := _no_student(row, layout, first=not students)):
            if reason == "test":
                left_out.append(f"row {number}: Canvas' test student")
            else:
                before.append(row)
            continue
        student_id = unicodedata.normalize("NFC", row[layout.id].strip(" "))
        if problem := id_problem(student_id):
            wrong.append(f"row {number}: the id {_shown(student_id)}{problem}.")
        name = display_name(" ".join(row[column] for column in layout.names))
        students.append(Student(student_id, name or student_id, number, _aliases(row, layout)))
        rows.append(row)
    wrong += _twice(students)
    if wrong:
        raise RosterError(_listed(path, wrong))
    if not students:
        raise RosterError(f"{path.name}: no students under the columns. Export the roster again.")
    return Roster(
        path,
        layout.format,
        tuple(table.header),
        tuple(rows),
        tuple(students),
        layout.id,
        tuple(before),
        tuple(left_out),
        layout.names,
    )


def _no_student(row: dict[str, str], layout: _Layout, first: bool) -> str:
    name = " ".join(row[column].strip() for column in layout.names).strip()
    if first and not row["ID"].strip() and (name == "Points Possible" or not name):
        return "before"
    test = name in ("Student, Test", "Test Student") and not row.get("SIS User ID", "").strip()
    return "test" if test else ""


def _aliases(row: dict[str, str], layout: _Layout) -> tuple[str, ...]:
    values = (row[column].strip() for column in layout.aliases)
    # An assignment's worksheet says "Participant 12345", in the site's language; collected files carry the bare number.
    numbers = (re.sub(r"^\D+ (\d+)$", r"\1", value) for value in values)
    return tuple(dict.fromkeys(value for value in numbers if value))


def _twice(students: Iterable[Student]) -> list[str]:
    first: dict[str, Student] = {}
    wrong = []
    for student in students:
        if not student.id:
            continue
        earlier = first.setdefault(_same(student.id), student)
        if earlier is not student:
            alike = "" if earlier.id == student.id else ", which differs only in upper and lower case"
            wrong.append(f"row {student.row}: the id {_shown(student.id)}is also in row {earlier.row}{alike}.")
    return wrong


def _first_of(header: list[str], groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return next((group for group in groups if all(name in header for name in group)), ())


def _present(table: _Table, *names: str) -> tuple[str, ...]:
    return tuple(name for name in names if name in table.header)


def _filled(table: _Table, column: str) -> bool:
    return all(row[column].strip() for _, row in table.body)


def _all_emails(table: _Table, column: str) -> bool:
    cells = [row[column].strip() for _, row in table.body]
    return any(cells) and all(_EMAIL.fullmatch(cell) for cell in cells if cell)


def _usable_ids(table: _Table, column: str) -> bool:
    ids = [row[column].strip() for _, row in table.body]
    return len({_same(i) for i in ids}) == len(ids) and not any(id_problem(i) for i in ids)


def _shown(student_id: str) -> str:
    """An id for a message: nothing in it may steer a terminal, and a very long one is cut."""
    text = student_id if len(student_id) <= 40 else student_id[:40] + "…"
    return f"{text!a} " if not text.isprintable() else f"“{text}” " if text else ""


def _quoted(names: Iterable[str]) -> str:
    names = [display_name(name) or "(no name)" for name in names]
    return ", ".join(names[:12]) + (" …" if len(names) > 12 else "")


def _listed(path: Path, wrong: list[str]) -> str:
    if len(wrong) == 1:
        return f"{path.name}, {wrong[0]} Correct it and run again."
    more = [f"  and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
    return "\n".join([f"{path.name}: {len(wrong)} rows to correct.", *(f"  {line}" for line in wrong[:SHOWN]), *more])
