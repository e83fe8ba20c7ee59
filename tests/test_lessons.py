"""The lessons at other positions of the clock: they run, and nothing that a cell computes comes from after it."""

import datetime as dt
import html
import re
from pathlib import Path

import nbformat
import pytest

from helpers import evidence, running
from helpers.evidence import names_later_date

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
# What these show is text of the lesson or of the article, which may look ahead.
ARTICLE = set(evidence.load(NOTEBOOKS.parent / "data").article_claims["statement"])
PROSE = ("lesson.header", "lesson.quiz", "lesson.scorecard")


def texts(cell):
    """Give every text that a cell shows: printed, in tables, and in figures (labels and hover texts, not numbers)."""
    for output in cell.get("outputs", []):
        yield "".join(output.get("text", ""))
        for content in output.get("data", {}).values():
            for text in strings(content):
                yield html.unescape(re.sub(r"<[^>]+>", "\n", text))


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from () if name == "bdata" else strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


@pytest.fixture(scope="module", params=["2024-03-31", "2024-08-31"])
def clocked(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("lessons")
    running.build(NOTEBOOKS, out, as_of=request.param, html=False, echo=lambda line: None)
    return dt.date.fromisoformat(request.param), [nbformat.read(path, 4) for path in sorted(out.glob("0*.ipynb"))]


def test_no_computed_output_shows_what_happened_after_the_clock(clocked):
    clock, lessons = clocked
    assert len(lessons) == len(list(NOTEBOOKS.glob("0*.ipynb")))
    late = [
        (cell.source[:40], sentence.strip()[:120])
        for notebook in lessons
        for cell in notebook.cells
        if cell.cell_type == "code" and not any(call in cell.source for call in PROSE)
        for text in texts(cell)
        for sentence in re.split(r"[\n;\"]|(?<=\.)\s", text)
        # The end of an axis and a count of deaths are no dates of events; the article's own words may look ahead.
        if names_later_date(sentence, clock)
        and not re.fullmatch(r"\s*(\d{4}-\d\d-\d\d.{0,16}|[\d.,]+)\s*", sentence)
        and sentence.strip() not in ARTICLE
    ]
    assert not late


def test_a_figure_without_data_says_why(clocked):
    _, lessons = clocked
    for notebook in lessons:
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                figure = output.get("data", {}).get("application/vnd.plotly.v1+json")
                if figure:
                    marks = [t for t in figure["data"] if any(t.get(k) for k in ("x", "y", "z", "lon", "text"))]
                    words = [a["text"] for a in figure["layout"].get("annotations", []) if a.get("text", "").strip()]
                    assert marks or words, cell.source
                    assert len(output["data"]["text/plain"]) > 40, cell.source  # the alt text
