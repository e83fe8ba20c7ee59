"""A lesson's own cells as what a class sees: sections, each with its figure, its prompts and the prose behind them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from helpers.running import notebooks
from helpers.running.pages import alt_text, title_of

SPECIAL = {"what would change your mind?": "mind", "quiz": "quiz", "scorecard": "scorecard"}
UNSEEN = ("before you begin", "evidence used in this lesson", "further reading")
TAGS = ("slide", "fragment", "skip", "notes")
_SLIDE_TYPES = {"slide": "slide", "subslide": "slide", "fragment": "fragment", "skip": "skip", "notes": "notes"}
_HEADING = re.compile(r"^## +(?:(\d+)\. +)?(.+?)\s*$", re.MULTILINE)
_PROMPT = re.compile(r"^\*\*Discuss(?: \(([^)]*)\))?\.\*\* *(.+)$", re.DOTALL)
_KEYS = r"(?:\s*\[[A-Z]-\d{2,3}\]\([^)\s]*\))*"
_SENTENCE = re.compile(rf"(?:[^.?!]|[.](?=\w))+[.?!][*\"”’)]*{_KEYS}\s*", re.DOTALL)
_LEAD = 240
_TABLE_ROWS, _TABLE_LETTERS = 9, 650


@dataclass
class Part:
    """What one slide of a section holds.

    kind: ``figure`` (`figure` is plotly's description), ``table`` or ``output`` (`body` is HTML), ``discuss`` or ``text`` (`body` is
    Markdown). `reading` is the prose that follows in the lesson. `minutes` and `manner` are those of a prompt ("10", "in pairs").
    `fragments` are Markdown or HTML pieces that appear one by one.
    """

    kind: str
    body: str = ""
    figure: dict | None = None
    alt: str = ""
    reading: str = ""
    minutes: int = 0
    manner: str = ""
    fragments: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Section:
    """A section of the lesson: its number (0 before the first), heading, kind, first sentences, prose and parts.

    kind: ``section``, or ``mind``, ``quiz``, ``scorecard`` for the three that close a lesson.
    """

    number: int | None
    title: str
    kind: str = "section"
    prose: list[str] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    skipped: bool = False
    tables: list[Part] = field(default_factory=list)

    @property
    def lead(self) -> str:
        """The first sentences, as many as a reader takes in at a glance, with their keys."""
        return lead(self.prose[0]) if self.prose else ""


@dataclass
class Outline:
    """A lesson as a class sees it: title, question, what students will be able to do, statements under test, sections."""

    title: str
    question: str
    opening: str
    goals: str
    statements: list[str]
    sections: list[Section]
    following: str


def read(notebook) -> Outline:
    """Return the outline of an executed lesson.

    A cell's tag decides first: ``slide`` (all of it, on a slide of its own), ``fragment`` (joins the slide before it and
    appears at the next key), ``skip``, ``notes`` (for the speaker only); nbconvert's slideshow types count as these. A cell
    without one is decided by structure: see `Section` and ``teaching/README.md``.
    """
    sections, goals, statements, opening, question, following = [Section(0, "")], "", [], "", "", ""
    for cell in notebook.cells:
        tags, text = cell.metadata.get("tags", []), cell.source
        if cell.cell_type == "markdown" and text.startswith("# "):
            paragraphs = split(text)[1:]
            question = next((bare(p) for p in paragraphs if p.startswith("**The question of this lesson:**")), "")
            opening = "\n\n".join(p for p in paragraphs if not p.startswith("**The question"))
            continue
        if "about-course" in tags:
            goals = "\n\n".join(p for p in split(text) if p.startswith("- "))
            continue
        if cell.cell_type == "code" and (ids := header_statements(text)) is not None:
            statements = ids
            continue
        if cell.cell_type == "markdown" and (match := _HEADING.match(text)):
            number, title = match[1], match[2]
            kind = SPECIAL.get(title.lower(), "unseen" if title.lower() in UNSEEN else "section")
            sections.append(Section(int(number) if number else None, title, kind))
            text = text[match.end() :].strip()
            sections[-1].skipped = marked(cell) == "skip"
        if match := re.search(r"^\*\*Next:\*\* *(.+)$", text, re.MULTILINE):
            following = match[1][:1].upper() + match[1][1:]
        add(sections[-1], cell, text)
    for section in sections:
        if section.kind == "section" and not any(p.kind in ("figure", "output") for p in section.parts):
            section.parts[:0] = section.tables[:1]
    sections = [s for s in sections if s.kind != "unseen" and not s.skipped and (s.title or s.parts or s.prose)]
    return Outline(title_of(notebook) or "", question, opening, goals, statements, sections, following)


def marked(cell) -> str:
    """Return the tag that decides about a cell, ``""`` where none does."""
    tag = next((tag for tag in TAGS if tag in cell.metadata.get("tags", [])), "")
    return tag or _SLIDE_TYPES.get(cell.metadata.get("slideshow", {}).get("slide_type", ""), "")


def add(section: Section, cell, text: str) -> None:
    """Put what one cell holds where it belongs in its section."""
    tag = marked(cell)
    if tag == "skip":
        return
    if cell.cell_type == "markdown":
        add_text(section, text, tag)
        return
    shown = list(outputs(cell))
    if tag == "notes" or not shown:
        return
    if tag == "fragment":
        before = section.parts[-1] if section.parts else None
        if before is None:
            before = Part("text")
            section.parts.append(before)
        before.fragments += [("html", part.body) for part in shown if part.body]
    elif tag == "slide":
        section.parts.append(next((p for p in shown if p.kind == "figure"), shown[0]))
    else:
        figure = next((part for part in shown if part.kind == "figure"), None)
        if figure and not any(part.kind == "figure" for part in section.parts):
            section.parts.append(figure)
        section.tables += [part for part in shown if part.kind == "table" and small(part.body)]


def add_text(section: Section, text: str, tag: str) -> None:
    if tag == "slide" and text:
        section.parts.append(Part("text", text))
        return
    if tag == "fragment" and section.parts:
        section.parts[-1].fragments.append(("markdown", text))
        return
    for paragraph in split(text):
        match = _PROMPT.match(paragraph) if tag != "notes" else None
        if match:
            given = match[1] or ""
            number = re.match(r"\d+", given)
            manner = re.sub(r"^\d+ minutes?,? *", "", given)
            section.parts.append(Part("discuss", match[2], minutes=int(number[0]) if number else 5, manner=manner))
            continue
        section.prose.append(paragraph)
        if section.parts and section.parts[-1].kind != "discuss":
            part = section.parts[-1]
            part.reading = f"{part.reading}\n\n{paragraph}".strip()


def outputs(cell) -> Iterator[Part]:
    """Give a cell's outputs as parts: a figure, a table of pandas, or what else has HTML or was printed."""
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if figure := data.get(notebooks.FIGURE):
            yield Part("figure", figure=figure, alt=alt_text(figure.get("layout", {})))
        elif "dataframe" in (html := data.get("text/html", "")):
            table = re.sub(r"<style.*?</style>|<p>\d+ rows × \d+ columns</p>", "", html, flags=re.DOTALL)
            yield Part("table", re.sub(r"<th[^>]*></th>", "<td></td>", table))
        elif html and "<details" not in html:
            yield Part("output", html)


def header_statements(code: str) -> list[str] | None:
    """Return the statements that a cell hands to ``lesson.header``, None where it does not call it."""
    try:
        calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    except SyntaxError:
        return None
    for call in calls:
        if ast.unparse(call.func) == "lesson.header":
            given = next((k.value for k in call.keywords if k.arg == "statements"), None)
            given = given or (call.args[1] if len(call.args) > 1 else None)
            return [str(s) for s in ast.literal_eval(given)] if given is not None else []
    return None


def split(text: str) -> list[str]:
    """Return the paragraphs of a Markdown text."""
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


def bare(paragraph: str) -> str:
    """Return a paragraph without the bold words that open it, beginning with a capital."""
    words = re.sub(r"^\*\*[^*]+\*\* *", "", paragraph)
    return words[:1].upper() + words[1:]


def lead(paragraph: str) -> str:
    """Return the first sentences of a paragraph, at most about 240 characters without their keys."""
    taken, length = "", 0
    for sentence in _SENTENCE.findall(paragraph) or [paragraph]:
        length += len(re.sub(r"\[[A-Z]-\d+\]\([^)]*\)", "", sentence))
        if taken and length > _LEAD:
            break
        taken += sentence
    return taken.strip()


def small(html: str) -> bool:
    """Say whether a table can be read on a projector: few rows, few letters."""
    words = re.sub(r"<[^>]*>", "", html)
    return html.count("<tr") <= _TABLE_ROWS + 1 and len(" ".join(words.split())) <= _TABLE_LETTERS


def prompts(section: Section) -> list[Part]:
    """Return the discussion prompts of a section."""
    return [part for part in section.parts if part.kind == "discuss"]
