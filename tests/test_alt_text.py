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
    """The numbers that can be read off, counted or added up from what a figure holds."""

    def __init__(self, figure: dict):
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
        self.beside_tick = dict(labelled_ticks(figure["spec"]))
        short = [column for column in self.table.columns[1:] if self.table[column].str.len().max() < 40]
        self.columns = {str(column).casefold(): column for column in short}
        self.all = {*self.of(self.table), *self._matrix(), *self._traces(figure["spec"]["data"])}
        self.all |= {float(found.replace("−", "-").replace(",", "")) for text in self.texts for found in numbers(text)}

    def of(self, rows: pd.DataFrame) -> Iterator[float]:
        """How many rows and different values; of numbers the values, extremes and sum; of dates how many a year and a decade."""
        yield len(rows)
        for column in rows:
            cells = rows[column][rows[column] != ""]
            yield from (len(cells), cells.nunique(), sum(len(cell.split(", ")) for cell in cells))
            yield from self.sums(cells)
            if len(cells) and cells.str.match(r"\d{4}(-\d\d)*$").all():
                for length in (3, 4):
                    yield from cells.str[:length].value_counts()
                yield (cells.str.len() == 4).sum()

    def sums(self, cells: pd.Series) -> Iterator[float]:
        """Of a column of numbers the sum, the extremes, the values (as percent where they are shares); of any other nothing."""
        found = pd.to_numeric(cells, errors="coerce")
        if len(found) and found.notna().all():
            yield from (found.sum(), found.min(), found.max(), (found > 0).sum())
            yield from (100 * found) if found.abs().max() <= 1 else ()
            yield from found if len(found) <= KINDS else ()

    @cache  # noqa: B019  a figure's facts live as long as its test
    def beside(self, label: str, head: str = "") -> set[float]:
        """The numbers that may stand beside a label: of the rows that carry it, within those of `head` where there is one."""
        rows, found = self.rows(head), set()
        for column in rows:
            same = rows[column].str.casefold() == label
            found.add(float(same.sum()))
            found |= {number for other in rows for number in self.sums(rows.loc[same, other])}
            for other in rows:  # split by another column whose values recur: "by text: Iraqi pages 1 and 2"
                if other != column and 2 * rows[other].nunique() <= len(rows):
                    found |= set(rows.loc[same, other].value_counts().astype(float))
        if head in self.columns:  # the cells where row and column meet
            cells = pd.to_numeric(self.table.loc[self.low.eq(label).any(axis=1), self.columns[head]], errors="coerce")
            found |= set(cells.dropna())
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
        printed = [n for text in self.texts if head in text.casefold() for n in numbers(text)]
        found |= {float(n.replace(",", "").replace("−", "-")) for n in printed}
        found |= {float(n) for n in numbers(self.beside_tick.get(head, ""))}
        if head in self.columns:
            found |= {float(day[:4]) for day in self.dates}
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
        return max((h for h in heads if re.match(r":| [−+]?\d| at | in \d| \(", text[len(h) :])), key=len, default="")

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


def labelled_ticks(spec: dict) -> Iterator[tuple[str, str]]:
    """An axis's labels, each with the text that a trace writes beside it."""
    for name, axis in spec["layout"].items():
        ticks = axis.get("ticktext") or [] if name.startswith(("xaxis", "yaxis")) else []
        for trace in spec["data"]:
            texts = trace.get("text")
            if isinstance(texts, list) and len(texts) == len(ticks):
                yield from zip(map(str.casefold, ticks), map(str, texts), strict=True)


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


# ---- the tests ---------------------------------------------------------------------------------------------


def where(figure: dict) -> str:
    return f"{figure['lesson']}: {figure['cell']}"


def test_every_figure_says_enough_and_not_too_much(shown):
    assert {figure["lesson"] for figure in shown} == {path.stem for path in LESSONS}
    assert len(shown) >= 3 * len(LESSONS)
    wrong = {where(f): len(f["alt"]) for f in shown if not 150 <= len(f["alt"]) <= 1700}
    assert not wrong
    assert not [where(f) for f in shown if not re.search(r"\d", f["alt"]) or not f["alt"].endswith(".")]


def test_an_alt_text_is_prose_and_no_markup(shown):
    assert not [where(f) for f in shown if re.search(r"<\w|&#?\w+;|\bnan\b|\bNone\b|_", f["alt"])]


def test_no_two_figures_share_an_alt_text(shown):
    """An explorer's twin may be drawn again by a cell; any other two figures differ in their words."""
    seen: dict[str, dict] = {}
    for figure in shown:
        other = seen.setdefault(figure["alt"], figure)
        assert other["table"] == figure["table"] and other["lesson"] == figure["lesson"], (where(other), where(figure))


def test_every_number_in_an_alt_text_agrees_with_the_figures_data(shown):
    wrong = {where(figure): found for figure in shown if (found := unfounded(figure["alt"], Facts(figure)))}
    assert not wrong


def test_wrong_numbers_would_be_found(shown):
    """Each number of each text made wrong by seven, one at a time: most are found, whichever figure they are in."""
    tried = found = 0
    for figure in shown:
        facts, alt = Facts(figure), figure["alt"]
        hidden = alt
        for apart in (DATE, KEY, DECADE):
            hidden = apart.sub(lambda match: "x" * len(match[0]), hidden)
        for match in NUMBER.finditer(hidden):
            wrong = float(match[0].replace(",", "").replace("−", "-")) + 7
            tried += 1
            found += bool(unfounded(f"{alt[: match.start()]}{wrong:g}{alt[match.end() :]}", facts))
    assert tried > 400
    assert found / tried >= 0.65, f"{found} of {tried}"


@pytest.mark.parametrize(
    ("alt", "wrong"),
    [
        ("Three rows: law 2, water 1. Together 35, most 20 on 5 June 1926.", []),
        ("Three rows: law 1, water 2.", ["law 1", "water 2"]),
        ("Law: 2 rows, highest 10; water: highest 10.", ["10 in “water: highest 10.”"]),
        ("Together 36.", ["36 in “Together 36.”"]),
        ("The first was on 6 June 1926.", ["6 June 1926"]),
        ("In the 1930s there were 3.", ["1930s"]),
        ("H-001 and H-009 stand apart.", ["H-009"]),
    ],
)
def test_hand_made_texts_are_judged_rightly(alt, wrong):
    rows = [("H-001", "1926-06-05", "law", "20"), ("H-002", "1983", "water", "5"), ("H-003", "1984", "law", "10")]
    table = [dict(zip(("key", "date", "theme", "deaths"), row, strict=True)) for row in rows]
    figure = {"table": table, "unit": "deaths", "spec": {"data": [], "layout": {}}}
    assert unfounded(alt, Facts(figure)) == wrong
