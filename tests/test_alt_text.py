"""Alt texts from which a blind student can answer: long enough, each its own, and no number that the figure's data lack."""

import base64
import calendar
import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
LESSONS = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))


def figures_of(lesson: Path) -> list[dict]:
    """Run a lesson's cells in this process; give each figure that it shows, its data table whole."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    from helpers.figures import base

    os.chdir(lesson.parent)
    base.TABLE_ROWS = 100_000  # a lesson carries the first rows only
    shell, shown, bundle = InteractiveShell.instance(), [], base.mimebundle

    def record(fig):
        spec = json.loads(fig.to_json())
        shown.append(
            {"lesson": lesson.stem, "cell": cell["source"][-1].strip(), **spec["layout"]["meta"], "spec": spec}
        )
        return bundle(fig)

    base.mimebundle = record
    for cell in json.loads(lesson.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code" and "raises-exception" not in cell["metadata"].get("tags", []):
            with capture_output():
                result = shell.run_cell("".join(cell["source"]))
            result.raise_error()
    return shown


@pytest.fixture(scope="module")
def shown():
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        return [figure for figures in pool.map(figures_of, LESSONS) for figure in figures]


# ---- the numbers in a text, and those that a figure's data give ---------------------------------------------

MONTHS = {name: number for number, name in enumerate(calendar.month_name) if name}
DATE = re.compile(rf"\b(?:(\d{{1,2}}) )?({'|'.join(MONTHS)}) (\d{{4}})\b")
KEY = re.compile(r"\b[A-Z]-\d{2,3}\b")
NUMBER = re.compile(r"(?<![\w.])[−+-]?\d+(?:,\d{3})*(?:\.\d+)?(?![\d])")
MANY = 60  # a column with more values than this holds texts, not kinds


def numbers(text: str) -> list[str]:
    """The numbers of a text as printed, in order; dates and keys are looked at apart."""
    return NUMBER.findall(KEY.sub(" ", DATE.sub(" ", text)))


def value(printed: str) -> float:
    return float(printed.replace(",", "").replace("−", "-").replace("+", ""))


class Facts:
    """The numbers that can be read off, counted or added up from what a figure holds."""

    def __init__(self, figure: dict):
        self.table = pd.DataFrame(figure["table"]).astype(str)
        self.kinds = {c: sorted(set(self.table[c]) - {""}) for c in self.table if self.table[c].nunique() <= MANY}
        self.texts = [
            *strings(figure["table"]),
            *map(str, self.table.columns),
            figure["unit"],
            *strings(figure["spec"]),
        ]
        self.dates = {m for text in self.texts for m in re.findall(r"\d{4}(?:-\d\d){0,2}", text)}
        self.dates |= {iso(m) for text in self.texts for m in DATE.finditer(text)}
        self.keys = {key for text in self.texts for key in KEY.findall(text)}
        self.all = set(self.of(self.table)) | set(self._matrix()) | set(self._traces(figure["spec"]["data"]))
        self.all |= {value(n) for text in self.texts for n in numbers(text)}

    def of(self, rows: pd.DataFrame) -> Iterator[float]:
        """How many rows, how many different values a column has, and of numbers the extremes, the sum and the ends."""
        yield len(rows)
        for column in rows:
            cells = rows[column][rows[column] != ""]
            yield len(cells)
            yield cells.nunique()
            yield sum(len(cell.split(", ")) for cell in cells)
            if len(cells) > 0 and (found := pd.to_numeric(cells, errors="coerce")).notna().all():
                yield from (found.sum(), found.min(), found.max(), found.iloc[0], found.iloc[-1])
                yield from found if len(found) <= MANY else ()
                yield from (int((found > 0).sum()), 100 * found.sum() / max(1, len(found)))

    def about(self, label: str) -> set[float] | None:
        """The numbers that may stand beside a label: of the rows that carry it, of the column or the cells so named."""
        low = label.casefold()
        found: set[float] = set()
        for column, kinds in self.kinds.items():
            if low == str(column).casefold():
                found |= set(self.of(self.table[[column]]))
                found |= {float((self.table[column] == kind).sum()) for kind in kinds}
            if low in (kind.casefold() for kind in kinds):
                found |= set(self.of(self.table[self.table[column].str.casefold() == low]))
        if found and len(self.table.columns) > 3:
            found.add(float((self.table.map(str.casefold) == low).to_numpy().sum()))
        return found or None

    def _matrix(self) -> Iterator[float]:
        """A table with a column per feature: its size, and how often each word stands in it."""
        for first in (1, 2):
            cells = self.table.iloc[:, first:]
            yield from (cells.shape[1], cells.size)
            counts = pd.Series(cells.to_numpy().ravel()).value_counts()
            yield from counts[counts.index.str.len() < 40] if len(counts) else ()
            yield from (cells.size - counts.get("not seen", 0), counts.get("not seen", 0))
        for column, kinds in self.kinds.items():
            for kind in kinds:
                yield from self.of(self.table[self.table[column] == kind])

    def _traces(self, traces: list[dict]) -> Iterator[float]:
        for trace in traces:
            for axis in ("x", "y", "z", "text", "lon", "lat"):
                cells = [cell for cell in flat(trace.get(axis)) if cell is not None]
                yield len(cells)
                yield from (float(cell) for cell in cells if isinstance(cell, int | float))


def flat(cells: object) -> list:
    """One list of a trace's values; plotly may write them as bytes."""
    if isinstance(cells, dict) and "bdata" in cells:
        return np.frombuffer(base64.b64decode(cells["bdata"]), cells["dtype"]).tolist()
    if isinstance(cells, list):
        return [cell for part in cells for cell in (flat(part) if isinstance(part, list) else [part])]
    return []


def strings(content: object) -> Iterator[str]:
    """Every text of a figure that a reader may see."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for name, part in content.items():
            if name not in ("alt", "bdata", "color", "template", "colorscale", "table"):
                yield from strings(part)
    elif isinstance(content, list):
        for part in content:
            yield from strings(part)


def iso(match: re.Match) -> str:
    day, month, year = match.groups()
    return f"{year}-{MONTHS[month]:02d}" + (f"-{int(day):02d}" if day else "")


def unfounded(alt: str, facts: Facts) -> list[str]:
    """The numbers, dates and keys of a text that the figure's data do not give; beside a label only that label's numbers do."""
    wrong = [m[0] for m in DATE.finditer(alt) if not any(d.startswith(iso(m)) for d in facts.dates)]
    wrong += [key for key in KEY.findall(alt) if key not in facts.keys]
    wrong += [n for n in numbers(alt) if not among(n, facts.all)]
    for kinds in [*facts.kinds.values(), list(map(str, facts.kinds))]:
        for kind in kinds:
            if len(kind) < 3 or not kind[0].isalpha():
                continue
            for m in re.finditer(rf"(?i)(?<![\w-])(?<!not ){re.escape(kind)}:? ({NUMBER.pattern})(?=[,;.)]|$)", alt):
                if (allowed := facts.about(kind)) is not None and not among(m[1], allowed):
                    wrong.append(m[0])
    return wrong


def among(printed: str, allowed: set[float]) -> bool:
    """Say whether a number, as far as it is printed, is one of those allowed."""
    shown = value(printed)
    places = len(printed.partition(".")[2])
    return any(
        abs(shown - exact) <= 0.5000001 * 10**-places and (places or float(exact).is_integer() or abs(exact) > 3)
        for exact in allowed
    )
