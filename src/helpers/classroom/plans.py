"""The lesson plans of ``teaching/``: their timing and the notes that a teacher reads beside a section."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from .errors import ClassroomError

LENGTHS = (45, 90)
NOTES, MISREADINGS = "Notes on the discussions", "Likely misreadings, and what to say"
_ROW = re.compile(r"^\|\s*(\d+|skip)\s*\|\s*(\d+|skip)\s*\|\s*([^|]+?)\s*\|\s*(.+?)\s*\|$")
_NUMBERS = re.compile(r"^\d+(?:(?:, | and )\d+)*")


@dataclass(frozen=True)
class Row:
    """One row of a plan's timing: minutes for each length of a class (0 where it is skipped), sections, what happens.

    `sections` holds section numbers of the lesson; the opening is 0.
    """

    minutes: dict[int, int]
    sections: tuple[int, ...]
    name: str
    what: str


@dataclass(frozen=True)
class Plan:
    """A lesson plan: its rows in order, and for each section number the Markdown of the teacher's notes."""

    rows: tuple[Row, ...] = ()
    notes: dict[int, str] = field(default_factory=dict)
    misreadings: str = ""

    def row(self, section: int) -> Row | None:
        """Return the row that holds a section, or None where the plan does not time it."""
        return next((row for row in self.rows if section in row.sections), None)

    def starts(self, length: int) -> dict[int, tuple[int, int]]:
        """Return for each section the minute at which its row begins and ends in a class of `length` minutes."""
        clock, found = 0, {}
        for row in self.rows:
            end = clock + row.minutes[length]
            found |= dict.fromkeys(row.sections, (clock, end))
            clock = end
        return found


def read(path: str | Path) -> Plan:
    """Return the plan in a Markdown file; raises ClassroomError when it has no timing or a length does not add up.

    The timing is a table of four columns: minutes of 45, minutes of 90 (a number, or ``skip``), section, what happens. A
    section begins with its numbers (``1 and 2 Four meetings``) or is called ``opening``.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise ClassroomError(
            f"teaching/{path.name}: there is no such lesson plan. Write one beside the others."
        ) from None
    rows = tuple(_row(match) for line in text.splitlines() if (match := _ROW.match(line.strip())))
    if not rows:
        raise ClassroomError(
            f"teaching/{path.name}: the plan has no timing. It needs a table | 45 | 90 | section | what happens |."
        )
    for length in LENGTHS:
        total = sum(row.minutes[length] for row in rows)
        if total > length:
            raise ClassroomError(
                f"teaching/{path.name}: the {length}-minute column adds up to {total} minutes. Shorten a row or skip one."
            )
    parts = chapters(text)
    notes = {
        int(name.split()[0]): body for name, body in chapters(parts.get(NOTES, ""), "###").items() if name[0].isdigit()
    }
    return Plan(rows, notes, parts.get(MISREADINGS, ""))


def chapters(text: str, mark: str = "##") -> dict[str, str]:
    """Return a Markdown text's chapters under headings of one level: ``{heading: text without the heading}``."""
    pieces = re.split(rf"^{mark} +(.+?)\s*$", text, flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(pieces[1::2], pieces[2::2], strict=True)}


def _row(match: re.Match) -> Row:
    short, long, name, what = match.groups()
    minutes = {length: 0 if cell == "skip" else int(cell) for length, cell in zip(LENGTHS, (short, long), strict=True)}
    numbers = _NUMBERS.match(name)
    sections = tuple(int(n) for n in re.findall(r"\d+", numbers[0])) if numbers else (0,) if name == "opening" else ()
    return Row(minutes, sections, name, what)
