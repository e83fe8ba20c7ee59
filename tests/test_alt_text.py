"""Alt texts from which a blind student can answer: long enough, each its own, and no number that the figure's data lack."""

import base64
import calendar
import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
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
DECADE = re.compile(r"\b(\d{3})0s\b")
NUMBER = re.compile(r"(?<![\w.,])[−+-]?\d+(?:,\d{3})*(?:\.\d+)?(?!\d)")
KINDS = 60  # a column with more values than this holds texts, not kinds


def numbers(text: str) -> list[str]:
    """The numbers of a text as printed, in order; dates, decades and keys are looked at apart."""
    for apart in (DATE, KEY, DECADE):
        text = apart.sub(" ", text)
    return NUMBER.findall(text)


def among(printed: str, allowed: set[float]) -> bool:
    """Say whether a number is, as far as it is printed, one of those allowed."""
    shown = float(printed.replace(",", "").replace("−", "-").replace("+", ""))
    half = 0.5000001 * 10 ** -len(printed.partition(".")[2])
    return any(abs(shown - exact) <= (half if abs(exact) > 3 or "." in printed else 1e-9) for exact in allowed)


class Facts:
    """The numbers that can be read off, counted or added up from what a figure holds; `more` are known from elsewhere."""

    def __init__(self, figure: dict, more: set[float] = frozenset()):
        self.table = pd.DataFrame(figure["table"]).astype(str)
        self.low = self.table.map(str.casefold)
        self.kinds = {c: set(self.low[c]) - {""} for c in self.table if self.low[c].nunique() <= KINDS}
        self.texts = [
            *strings(figure["table"]),
            *map(str, self.table.columns),
            figure["unit"],
            *strings(figure["spec"]),
        ]
        self.dates = {found for text in self.texts for found in re.findall(r"\d{4}(?:-\d\d){0,2}", text)}
        self.dates |= {iso(found) for text in self.texts for found in DATE.finditer(text)}
        self.keys = {key for text in self.texts for key in KEY.findall(text)}
        self.labels = {
            kind for kinds in self.kinds.values() for kind in kinds if 2 < len(kind) < 60 and kind[0].isalpha()
        }
        self.columns = {str(column).casefold(): column for column in self.table.columns[1:]}
        self.all = {*more, *self.of(self.table), *self._matrix(), *self._traces(figure["spec"]["data"])}
        self.all |= {float(found.replace("−", "-").replace(",", "")) for text in self.texts for found in numbers(text)}

    def of(self, rows: pd.DataFrame) -> Iterator[float]:
        """How many rows and different values; of numbers the values, extremes and sum; of dates how many a year and a decade."""
        yield len(rows)
        for column in rows:
            cells = rows[column][rows[column] != ""]
            yield from (len(cells), cells.nunique(), sum(len(cell.split(", ")) for cell in cells))
            if len(cells) and (found := pd.to_numeric(cells, errors="coerce")).notna().all():
                yield from (found.sum(), found.min(), found.max(), (found > 0).sum())
                yield from (100 * found) if found.abs().max() <= 1 else ()
                yield from found if len(found) <= KINDS else ()
            elif len(cells) and cells.str.match(r"\d{4}(-\d\d)*$").all():
                for length in (3, 4):
                    yield from cells.str[:length].value_counts()
                yield (cells.str.len() == 4).sum()

    @cache  # noqa: B019  a figure's facts live as long as its test
    def beside(self, label: str, head: str = "") -> set[float]:
        """The numbers that may stand beside a label: of the rows that carry it, within those of `head` where there is one."""
        rows, found = self.rows(head), set()
        for column in rows:
            same = rows[column].str.casefold() == label
            found |= {float(same.sum())} | (set(self.of(rows[same])) if same.any() else set())
        if label in self.columns:
            found |= set(self.of(rows[[self.columns[label]]]))
        if len(self.columns) > 2:  # a column a feature: the same word stands in several
            found.add(float(rows.map(str.casefold).eq(label).to_numpy().sum()))
        return found

    @cache  # noqa: B019
    def under(self, head: str) -> set[float]:
        """The numbers that a sentence about `head` may hold: of its rows, of the kinds among them, and printed in them."""
        rows = self.rows(head)
        found = set(self.of(rows)) | {
            float(n) for cells in rows for kinds in [rows[cells].value_counts()] for n in kinds
        }
        printed = [n for text in strings(rows.to_dict("records")) for n in numbers(text)]
        found |= {float(n.replace(",", "").replace("−", "-")) for n in printed}
        found |= {float(n) for text in rows.to_numpy().ravel() for n in re.findall(r"\b\d{4}\b", text)}
        whole = len(self.table) if head in self.columns else len(self.table.iloc[:, 0].unique())
        return found | {float(n) for n in re.findall(r"\d+", head)} | {0.0, float(whole), float(whole - len(rows))}

    def rows(self, head: str) -> pd.DataFrame:
        if not head:
            return self.table
        if head in self.columns:
            return self.table[[self.columns[head]]]
        return self.table[self.low.eq(head).any(axis=1)]

    def head(self, segment: str) -> str:
        """The label with which a part of a sentence begins, if it does; the longest."""
        text = re.sub(r"^(?:In |Within \d+ km: )", "", segment).casefold()
        heads = [name for name in (*self.labels, *self.columns) if text.startswith(name)]
        return max((h for h in heads if re.match(r":| [−+]?\d| at ", text[len(h) :])), key=len, default="")

    def _matrix(self) -> Iterator[float]:
        """A table as a grid: its sizes by any two columns, what is blank in it, and how often each word stands in it."""
        distinct = [self.table[column].nunique() for column in self.table]
        for first, a in enumerate(distinct):
            for second, b in enumerate(distinct[:first]):
                yield from (a * b, a * b - len(self.table))
                yield len(self.table.iloc[:, [first, second]].drop_duplicates())
        for first in (1, 2):
            cells = self.table.iloc[:, first:]
            counts = pd.Series(cells.to_numpy().ravel()).value_counts()
            blank = counts.get("not seen", 0)
            yield from (cells.shape[1], cells.size, blank, cells.size - blank)
            yield from counts[counts.index.str.len() < 40]
        for column, kinds in self.kinds.items():
            for kind in kinds:
                yield from self.of(self.table[self.low[column] == kind])

    def _traces(self, traces: list[dict]) -> Iterator[float]:
        for trace in traces:
            for axis in ("x", "y", "z", "text", "lon", "lat"):
                cells = [cell for cell in flat(trace.get(axis)) if cell is not None]
                yield len(cells)
                yield from (float(cell) for cell in cells if isinstance(cell, int | float))
            for words in ("symbol", "color"):  # kinds are drawn as marks of one trace
                marks = (trace.get("marker") or {}).get(words)
                yield from pd.Series(marks, dtype=str).value_counts() if isinstance(marks, list) else ()


def flat(cells: object) -> list:
    """One list of a trace's values; plotly may write them as bytes."""
    if isinstance(cells, dict) and "bdata" in cells:
        return np.frombuffer(base64.b64decode(cells["bdata"]), cells["dtype"]).tolist()
    if isinstance(cells, list):
        return [cell for part in cells for cell in (flat(part) if isinstance(part, list) else [part])]
    return []


def strings(content: object) -> Iterator[str]:
    """Every text of a figure that a reader may see, and of a table."""
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


def segments(text: str) -> list[str]:
    """The sentences of a text, and the parts between semicolons that stand outside brackets."""
    found, depth, begin = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if letter in ".;" and depth <= 0 and text[at + 1 : at + 2] in (" ", ""):
            found.append(text[begin : at + 1].strip())
            begin = at + 1
    return [*found, text[begin:].strip()]


def unfounded(alt: str, facts: Facts) -> list[str]:
    """The dates, keys and numbers that a figure's data do not give.

    A part of a sentence that begins with a label may hold that label's numbers only; so may a label with a number after it.
    """
    wrong = [m[0] for m in DATE.finditer(alt) if not any(day.startswith(iso(m)) for day in facts.dates)]
    wrong += [f"{m[1]}0s" for m in DECADE.finditer(alt) if not any(day.startswith(m[1]) for day in facts.dates)]
    wrong += [key for key in KEY.findall(alt) if key not in facts.keys]
    for segment in segments(alt):
        head = facts.head(segment)
        allowed = facts.under(head) if head else facts.all
        wrong += [f"{number} in “{segment}”" for number in numbers(segment) if not among(number, allowed)]
        pairs = re.finditer(rf"([^,;:.()]+?) ({NUMBER.pattern})(?=[,;.)]|$)", segment)
        for label, number in ((m[1].strip().casefold(), m[2]) for m in pairs):
            if label in facts.labels and label != head and not among(number, facts.beside(label, head)):
                wrong.append(f"{label} {number}")
    return wrong
