"""What a check reports: where something is wrong, which rule it breaks, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass

SHOWN = 60


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    `row` is the number a spreadsheet shows (the header is row 1), or the number of a cell in a notebook when `unit` says
    "cell". `value` is the value as found; only its first characters are printed.
    """

    file: str
    rule: str
    message: str
    row: int | None = None
    column: str = ""
    value: str | None = None
    unit: str = "row"

    def __str__(self) -> str:
        where = [self.file]
        if self.row is not None:
            where.append(f"{self.unit} {self.row}")
        if self.column:
            where.append(f"column {self.column}")
        value = "" if self.value is None else f"{shorten(self.value)}: "
        return f"{', '.join(where)} [{self.rule}] {value}{self.message}"


def shorten(value: str) -> str:
    """Return `value` in quotes, cut after 60 characters; control characters are spelled out, so no terminal obeys them."""
    text = str(value)
    return repr(text) if len(text) <= SHOWN else f"{text[:SHOWN]!r}… ({len(text):,} characters)"
