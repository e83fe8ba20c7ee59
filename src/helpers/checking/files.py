"""Files before their meaning: is there a file, is it UTF-8, are the columns as described, is each cell harmless?"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from .problem import Problem

LARGEST_FILE = 50_000_000
LONGEST_CELL = 20_000
RULES = (
    "file-exists",
    "file-size",
    "not-empty",
    "utf-8",
    "columns",
    "fields-in-row",
    "cell-size",
    "control-character",
    "formula",
    "outer-space",
)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass
class Table:
    """A table as text. `frame` has one column per described column, its index is the row number of a spreadsheet.

    `frame` is None when the file could not be read as this table; `broken_rows` do not have the described number of fields
    (they are filled up or cut, and nothing else is said about them).
    """

    name: str
    file: str
    schema: dict
    frame: pd.DataFrame | None = None
    broken_rows: set[int] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def read(data_dir: Path, resource: dict) -> Table:
    """Read one described table and note what is wrong with the file. Never raises on what the file holds."""
    table = Table(resource["name"], resource["path"], resource["schema"])
    text = _text(data_dir / table.file, table)
    if text is None:
        return table
    columns = [f["name"] for f in table.schema["fields"]]
    rows = list(_rows(text))
    header, body = rows[0][1], rows[1:]
    foreign = list(_not_utf8(table, columns, rows))
    table.problems += foreign or _wrong_columns(table, columns, header)
    if table.problems:
        return table
    if not body:
        table.problems.append(
            Problem(table.file, "not-empty", "has a header and no rows. Fill it, or take its earlier version.")
        )
        return table
    for number, row in body:
        if len(row) != len(columns):
            table.broken_rows.add(number)
            table.problems.append(_fields(table, number, row, columns))
            continue
        for column, cell in zip(columns, row, strict=True):
            table.problems += _cell(table, number, column, cell)
    width = len(columns)
    cells = [[cell[:LONGEST_CELL] for cell in (row + [""] * width)[:width]] for _, row in body]
    table.frame = pd.DataFrame(cells, columns=columns, index=[number for number, _ in body], dtype=object)
    return table


def _text(path: Path, table: Table) -> str | None:
    def refuse(rule: str, message: str, value: str | None = None) -> None:
        table.problems.append(Problem(table.file, rule, message, value=value))

    if not path.is_file():
        return refuse("file-exists", "there is no such file. Put it back, or take it out of datapackage.json.")
    if path.stat().st_size > LARGEST_FILE:
        return refuse(
            "file-size",
            f"the file is larger than {LARGEST_FILE:,} bytes. Split it, or commit derived figures only.",
            f"{path.stat().st_size:,} bytes",
        )
    try:
        raw = path.read_bytes()
    except OSError as error:
        return refuse("file-exists", f"cannot be opened ({error.strerror}). Look at its permissions.")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return refuse("utf-8", "the file is UTF-16. Save it as “CSV UTF-8”.", repr(raw[:12])[2:-1])
    # Bytes that are not UTF-8 are kept as markers, so that the cell which holds them can be named.
    text = raw.decode("utf-8-sig", errors="surrogateescape")
    if not text.strip():
        return refuse("not-empty", "the file is empty. Take its earlier version.", "")
    return text


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    with _long_cells(len(text) + 1):
        reader = csv.reader(io.StringIO(text, newline=""))
        for number, row in enumerate(reader, 1):
            if row or number == 1:
                yield number, row


@contextmanager
def _long_cells(size: int) -> Iterator[None]:
    """Let the csv module read a cell of any size, so that this module can say which one is too long."""
    before = csv.field_size_limit(max(size, csv.field_size_limit()))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _not_utf8(table: Table, columns: list[str], rows: list[tuple[int, list[str]]]) -> Iterator[Problem]:
    found = [
        (number, place, cell)
        for number, row in rows
        for place, cell in enumerate(row)
        if any("\udc80" <= letter <= "\udcff" for letter in cell)
    ]
    if not found:
        return
    number, place, cell = found[0]
    start = next(i for i, letter in enumerate(cell) if "\udc80" <= letter <= "\udcff")
    shown = cell[max(0, start - 20) : start + 20].encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    column = columns[place] if place < len(columns) else f"number {place + 1}"
    more = f"; {len(found) - 1} further cells as well" if len(found) > 1 else ""
    yield Problem(
        table.file,
        "utf-8",
        f"the file is not UTF-8 (it looks like Windows-1252{more}). Save it as “CSV UTF-8” and look at its accents.",
        row=number,
        column=column,
        value=shown,
    )


def _wrong_columns(table: Table, columns: list[str], header: list[str]) -> list[Problem]:
    if header == columns:
        return []

    def say(message: str, column: str = "") -> Problem:
        return Problem(table.file, "columns", message, row=1, column=column, value=",".join(header))

    if len(header) == 1 and len(columns) > 1:
        for mark, word in ((";", "semicolons"), ("\t", "tabs")):
            if mark in header[0]:
                return [say(f"the columns are separated by {word}. Save the table with commas.")]
    missing = [say("this column is missing. Put it back.", name) for name in columns if name not in header]
    unknown = [
        say("this column is not described. Take it out, or describe it.", name or "(no name)")
        for name in header
        if name not in columns
    ]
    twice = [say("this column appears twice. Keep one.", name) for name in columns if header.count(name) > 1]
    return missing + unknown + twice or [say(f"the columns stand in another order. Put them as {','.join(columns)}.")]


def _fields(table: Table, number: int, row: list[str], columns: list[str]) -> Problem:
    last = columns[min(len(row), len(columns)) - 1]
    return Problem(
        table.file,
        "fields-in-row",
        f"the row has {len(row)} fields and the table {len(columns)} columns. Quote a cell that holds a comma or a quotation mark.",
        row=number,
        column=last,
        value=row[-1],
    )


def _cell(table: Table, number: int, column: str, cell: str) -> Iterator[Problem]:
    if len(cell) > LONGEST_CELL:
        message = f"a cell may hold {LONGEST_CELL:,} characters. Shorten it, or mend an open quotation mark."
        yield Problem(table.file, "cell-size", message, row=number, column=column, value=cell)
        return
    inner = cell.strip()
    if cell[:1] in ("\t", "\r") or (inner[:1] in ("=", "+", "-", "@") and not _NUMBER.fullmatch(inner)):
        message = "a spreadsheet would run this cell as a formula. Begin it with a letter or a digit."
        yield Problem(table.file, "formula", message, row=number, column=column, value=cell)
    elif cell != inner:
        message = "the cell begins or ends with a space. Take it away."
        yield Problem(table.file, "outer-space", message, row=number, column=column, value=cell)
    if _CONTROL.search(inner):
        message = "the cell holds a control character. Take it out."
        yield Problem(table.file, "control-character", message, row=number, column=column, value=cell)
