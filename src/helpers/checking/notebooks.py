"""Prose with its evidence: every paragraph with a year, a date or a number names the claim that it rests on.

What counts as a key, what is left out, and what a stored output may hold is told in the functions below. The evidence
appendix (notebooks/evidence/) is generated and only its stored parts are looked at.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .files import Table
from .problem import Problem

EXEMPT = "about-course"
CHECKED_OUTPUT = "NBVAL_CHECK_OUTPUT"

_CLAIM = re.compile(r"\b(?:[HPAI]-\d{3}|S-\d{2})\b")
_TERM = re.compile(r"T-\d{3}")
_CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
_LINK = re.compile(
    r"!?\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(\s*<?([^()\s>]*(?:\([^()\s]*\)[^()\s>]*)*)>?(?:\s+[\"'][^\"']*[\"'])?\s*\)"
)
_APPENDIX = re.compile(r"(?:^|/)evidence/|^[A-Z]\.md|#[HPAIS]-\d")
_WHOLE_PAGE = re.compile(r"evidence/(?:[HPAIS]|instruments)\.md")
_BARE = re.compile(r"\[((?:[HPAI]-\d{3}|S-\d{2})(?:\s*[,;]\s*(?:[HPAI]-\d{3}|S-\d{2}))*)\](?![(\[:])")
_FENCE = re.compile(r"\s{0,3}(```+|~~~+)")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s+")
_TAG = re.compile(r"<!--.*?-->|</?[A-Za-z][^<>]*>", re.DOTALL)
_MINUTES = re.compile(
    r"\(?\b(?:about |some )?\d+(?:\s*(?:to|[-–—])\s*\d+)?[\s-]+(?:minutes?|min\b|seconds?|hours?)", re.IGNORECASE
)
_REFERENCE = re.compile(
    r"\b(?:lessons?|sections?|questions?|steps?|cells?|parts?|figures?|tables?|exercises?|notebooks?|tasks?|groups?)\s+\d+"
    r"(?:\s*(?:,|and|or|to|[-–])\s*\d+)*",
    re.IGNORECASE,
)
_DESIGNATION = re.compile(r"\b[A-Z]{1,6}-?\d+\b")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_PREREQUISITES = re.compile(r"prerequisite|before you (?:start|begin)|what you need", re.IGNORECASE)
_TABLE_OF_NEEDS = re.compile(r"prerequisite|concept|necessary|helpful", re.IGNORECASE)
_ABSOLUTE = re.compile(
    r"(?<![\w.:/<])/(?:home|Users|root|tmp|var|opt|mnt|usr|srv|private|work|workspaces?|content)/[\w.~-]+|\b[A-Za-z]:\\\\?[\w.~-]+"
)


@dataclass(frozen=True)
class Keys:
    """The keys that prose may name: linked ones (claims, statements) and ones written in backticks or as a link's text."""

    linked: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()
    claims: int = 0
    complete: bool = True

    @classmethod
    def of(cls, tables: list[Table]) -> Keys:
        """Collect the keys of the tables; the name of a derived table counts as a key too.

        `complete` is False when one of the tables could not be read: nothing can be said then about a key in prose.
        """
        frames = {table.name: table.frame for table in tables if table.frame is not None}

        def column(table: str, name: str) -> set[str]:
            frame = frames.get(table)
            return set(frame[name]) if frame is not None and name in frame else set()

        claims = column("claims", "claim_id")
        plain = column("terms", "term_id") | column("instruments", "instrument_id") | column("sources", "source_id")
        plain |= column("indicators", "series_id") | {
            table.name for table in tables if table.file.startswith("derived/")
        }
        complete = {"claims", "article_claims", "terms", "instruments", "sources", "indicators"} <= set(frames)
        return cls(
            frozenset(claims | column("article_claims", "statement_id")), frozenset(plain - {""}), len(claims), complete
        )


@dataclass
class LessonReport:
    """What was found in one notebook or quiz."""

    file: str
    keys: Keys
    kind: str = "paragraphs"
    paragraphs: int = 0
    used: set[str] = field(default_factory=set)
    exempt: int = 0
    supported: int = 0  # paragraphs that name a key
    from_output: int = 0
    problems: list[Problem] = field(default_factory=list)

    def summary(self) -> str:
        """Return the line that ``course check`` prints: paragraphs, claim keys, share of all claims, exempt cells."""
        claims = {key for key in self.used if key[:1] in "HPAI"}
        share = f" ({len(claims) / self.keys.claims:.0%} of all claims)" if self.keys.claims else ""
        line = f"{self.file}: {self.paragraphs} {self.kind}, {len(claims)} claim keys{share}"
        if self.from_output:
            line += f", {self.from_output} read from a checked output"
        return line + (f", {self.exempt} exempt cells" if self.kind == "paragraphs" else "")

    def complain(
        self, rule: str, message: str, cell: int | None = None, value: str | None = None, unit: str = "cell"
    ) -> None:
        """Add a problem of this file."""
        self.problems.append(Problem(self.file, rule, message, row=cell, value=value, unit=unit))


def check_folder(folder: Path, keys: Keys) -> tuple[list[LessonReport], list[Problem]]:
    """Check the lessons (``*.ipynb``) and the quizzes in `folder`."""
    if not folder.is_dir():
        return [], [Problem(folder.name, "folder-exists", "there is no such folder. Name it with --notebooks.")]
    lessons = [check_notebook(path, path.name, keys) for path in sorted(folder.glob("*.ipynb"))]
    lessons += [check_quiz(path, f"quizzes/{path.name}", keys) for path in sorted(folder.glob("quizzes/*.toml"))]
    return lessons, []


def check_notebook(path: Path, name: str, keys: Keys) -> LessonReport:
    """Check one lesson: keys that exist, paragraphs with evidence, links to the right page, harmless stored outputs."""
    report = LessonReport(name, keys)
    heading, output = "", ""
    for number, cell in enumerate(_cells(path, report), 1):
        source = _joined(cell.get("source"))
        _stored(report, number, cell)
        _unknown_keys(report, number, source)
        if cell.get("cell_type") != "markdown":
            output = _output_text(cell) if CHECKED_OUTPUT in source else ""
        elif EXEMPT in _tags(cell):
            report.exempt += 1
        else:
            _links(report, number, source)
            _prose(report, number, source, heading, output)
            heading = _last_heading(source) or heading
    return report


def check_quiz(path: Path, name: str, keys: Keys) -> LessonReport:
    """Check one quiz: a question with a year, date or number (in any of its texts) names a claim in one of them."""
    report = LessonReport(name, keys, kind="questions")
    try:
        quiz = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        report.complain("toml", f"cannot be read: {error}. Mend the file.")
        return report
    blocks = [block for value in quiz.values() if isinstance(value, list) for block in value if isinstance(block, dict)]
    for number, block in enumerate(blocks, 1):
        text = "\n".join(_strings(block))
        report.paragraphs += 1
        _unknown_keys(report, number, text, unit="question")
        if keys.complete and numbers(text) and not _named(text, keys):
            message = "this question has a year, date or number and names no claim. Name the claim in its feedback."
            report.complain("evidence", message, number, _clean(text).strip(), unit="question")
    return report


def link_keys(text: str) -> str:
    """Return markdown in which each bare ``[H-054]`` (or ``[H-054, H-058]``) is a link to its entry in the appendix.

    Links that exist, code spans and fenced code stay as they are.
    """
    out, fenced = [], False
    for line in text.splitlines(keepends=True):
        if _FENCE.match(line):
            fenced = not fenced
        out.append(line if fenced or _FENCE.match(line) else _link_line(line))
    return "".join(out)


def numbers(text: str) -> list[str]:
    """Return the years, dates and numbers of a paragraph that need evidence.

    Left out: code spans, the targets of links, keys, html tags, list numbers, durations ("10 minutes"), references to
    parts of the course ("Lesson 1", "section 2") and designations such as F-16 or G20.
    """
    return _NUMBER.findall(_clean(text))


def _clean(text: str) -> str:
    text = _CODE.sub(" ", text)
    text = _LINK.sub(lambda match: f" {match.group(1)} ", text)
    text = _TAG.sub(" ", text)
    text = re.sub(r"https?://\S+", " ", text)
    text = re.sub(r"(?m)^\s*(?:>\s*)*(?:[-*+]|\d{1,3}[.)])\s+", " ", text)
    for left_out in (_CLAIM, _MINUTES, _REFERENCE, _DESIGNATION):
        text = left_out.sub(" ", text)
    return text


def _link_line(line: str) -> str:
    def full(match: re.Match) -> str:
        return ", ".join(f"[{key}]({target(key)})" for key in re.split(r"\s*[,;]\s*", match.group(1)))

    pieces, end = [], 0
    for code in _CODE.finditer(line):
        pieces += [_BARE.sub(full, line[end : code.start()]), code.group(0)]
        end = code.end()
    return "".join([*pieces, _BARE.sub(full, line[end:])])


def target(key: str) -> str:
    """Return the address of a key's entry in the appendix, as seen from a lesson."""
    return f"evidence/{key[0]}.md#{key}"


# ---- prose -------------------------------------------------------------------------------------------------


def _prose(report: LessonReport, number: int, source: str, heading: str, output: str) -> None:
    for paragraph in paragraphs(source, heading):
        report.paragraphs += 1
        report.supported += bool(_named(paragraph, report.keys))
        found = numbers(paragraph)
        if not found or not report.keys.complete or _named(paragraph, report.keys):
            continue
        shown = set(_NUMBER.findall(output.replace(",", "")))
        if shown and all(n.replace(",", "") in shown for n in found):
            report.from_output += 1
            continue
        message = (
            f"this paragraph has {', '.join(found[:3])} and names no claim. Link the claim, or leave the number out; "
            f"a cell about the course itself gets the tag {EXEMPT}."
        )
        report.complain("evidence", message, number, " ".join(paragraph.split()))


def paragraphs(source: str, heading: str = "") -> list[str]:
    """Return the paragraphs of a markdown cell that stands under `heading`.

    A paragraph is a block between blank lines, an item of a list, or a row of a table. Headings, fenced code and tables of
    prerequisites are left out.
    """
    found, block, fence, table_head = [], [], "", None

    def close() -> None:
        if "".join(block).strip():
            found.append("\n".join(block))
        block.clear()

    for line in source.splitlines():
        mark = _FENCE.match(line)
        if fence or mark:
            close()
            if not fence:
                fence = mark.group(1)[:3]
            elif mark and mark.group(1).startswith(fence):
                fence = ""
            continue
        row = line.lstrip().startswith("|")
        table_head = (table_head or line) if row else None
        if re.match(r"\s{0,3}#{1,6}\s", line):
            close()
            heading = line.strip("# \t")
        elif not line.strip():
            close()
        elif row:
            close()
            rule = re.fullmatch(r"[\s|:-]+", line)
            needs = _TABLE_OF_NEEDS.search(table_head) or _PREREQUISITES.search(heading)
            if not rule and not needs:
                found.append(line)
        else:
            if _ITEM.match(line):
                close()
            block.append(line)
    close()
    return found


def _last_heading(source: str) -> str:
    headings = re.findall(r"(?m)^ {0,3}#{1,6}\s+(.*)$", _outside_fences(source))
    return headings[-1] if headings else ""


def _named(text: str, keys: Keys) -> set[str]:
    named = set(_CLAIM.findall(text)) & keys.linked
    words = [code for _, code in _CODE.findall(text)] + [label.strip("`") for label, _ in _LINK.findall(text)]
    return named | {word.strip() for word in words} & keys.plain


def _unknown_keys(report: LessonReport, number: int, source: str, unit: str = "cell") -> None:
    if not report.keys.complete:
        return
    for key in dict.fromkeys(_CLAIM.findall(source)):
        if key in report.keys.linked:
            report.used.add(key)
        else:
            report.complain(
                "key-exists", "there is no such claim or statement. Correct the key, or add the row.", number, key, unit
            )
    for key in dict.fromkeys(code.strip() for _, code in _CODE.findall(source)):
        if _TERM.fullmatch(key) and key not in report.keys.plain:
            report.complain("key-exists", "there is no such term. Correct the key, or add the row.", number, key, unit)


def _links(report: LessonReport, number: int, source: str) -> None:
    text = _CODE.sub(" ", _outside_fences(source))
    for label, address in _LINK.findall(text):
        if not _APPENDIX.search(address):
            continue
        inside = _CLAIM.findall(address)
        if _WHOLE_PAGE.fullmatch(address) and not _CLAIM.search(label):
            continue
        right = len(inside) == 1 and address == target(inside[0])
        if not right or any(key != inside[0] for key in _CLAIM.findall(label)):
            wanted = (_CLAIM.findall(label) or inside or ["H-054"])[0]
            message = f"this link does not lead to the entry of its claim. Write [{wanted}]({target(wanted)})."
            report.complain("key-link", message, number, f"[{label}]({address})")
    for key in dict.fromkeys(_CLAIM.findall(_LINK.sub(" ", text))):
        report.complain("key-link", f"this key is not a link: link it as [{key}]({target(key)}).", number, key)


def _outside_fences(source: str) -> str:
    lines, fence = [], ""
    for line in source.splitlines():
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark.group(1)[:3]
        elif mark and mark.group(1).startswith(fence):
            fence = ""
        elif not fence:
            lines.append(line)
    return "\n".join(lines)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


# ---- what is stored ----------------------------------------------------------------------------------------


def _cells(path: Path, report: LessonReport) -> list[dict]:
    try:
        book = json.loads(path.read_text(encoding="utf-8"))
        cells = book["cells"]
        metadata = book.get("metadata", {})
    except (UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        report.complain("notebook", f"cannot be read as a notebook ({error}). Take its earlier version.")
        return []
    if (
        not isinstance(cells, list)
        or not all(isinstance(cell, dict) for cell in cells)
        or not isinstance(metadata, dict)
    ):
        report.complain("notebook", "its cells are not as in a notebook. Take its earlier version.")
        return []
    if "widgets" in metadata:
        report.complain(
            "widget-state",
            "holds stored widget state. Run `course store`, or clear it in JupyterLab.",
            value="metadata.widgets",
        )
    return cells


def _stored(report: LessonReport, number: int, cell: dict) -> None:
    """No error and no widget view is stored, and neither outputs nor sources name a folder of somebody's machine."""
    for output in _outputs(cell):
        if output.get("output_type") == "error" and "raises-exception" not in _tags(cell):
            message = "an error is stored as output. Mend the cell and run it, or tag it raises-exception."
            report.complain("stored-error", message, number, f"{output.get('ename')}: {output.get('evalue')}")
        data = output.get("data")
        if isinstance(data, dict) and "application/vnd.jupyter.widget-view+json" in data:
            report.complain(
                "widget-state", "a widget is stored as output. Run `course store`; it keeps the static twin.", number
            )
    found = _ABSOLUTE.search(_output_text(cell)) or _ABSOLUTE.search(_joined(cell.get("source")))
    if found:
        report.complain(
            "absolute-path", "names a folder of one machine. Use a path relative to the lesson.", number, found.group(0)
        )


def _outputs(cell: dict) -> list[dict]:
    outputs = cell.get("outputs")
    return [output for output in outputs if isinstance(output, dict)] if isinstance(outputs, list) else []


def _output_text(cell: dict) -> str:
    """The stored outputs as text; pictures are left out."""
    texts = []
    for output in _outputs(cell):
        texts.append(_joined(output.get("text")))
        texts += map(str, output.get("traceback") or [])
        data = output.get("data")
        for mime, value in data.items() if isinstance(data, dict) else ():
            if not mime.startswith("image/"):
                texts.append(
                    _joined(value) if isinstance(value, (str, list)) else json.dumps(value, ensure_ascii=False)
                )
    return "\n".join(texts)


def _joined(text: object) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else text if isinstance(text, str) else ""


def _tags(cell: dict) -> list:
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return tags if isinstance(tags, list) else []
