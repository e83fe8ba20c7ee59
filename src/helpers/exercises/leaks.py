"""Whether a folder for students holds what is the teacher's alone.

Searched for, in every file, also inside notebooks' cells, outputs and metadata, and inside archives:

* **markers** of a master (``### BEGIN SOLUTION`` and the like) and files that are the teacher's by name;
* **lines of solutions, hidden tests and notes for the grader**, whatever their spaces and quotation marks, if they are long enough to be
  nobody else's and not also in the released exercise;
* **expected answers** of the master's own variant and of a sample of others, as computed: rows and columns of a table in order, as
  a list, CSV, JSON by rows or by columns, or printed, rounded or not; a number, rounded or as a percentage, if it has five digits
  or stands as the value of its question (``q2 = 0.21``);
* **keys**, as bytes, hexadecimal digits or base64.

What stands unchanged in the course's public folders (``data/``, ``notebooks/``) is searched for markers, lines and keys, but not for expected answers:
the answers are computed from these tables.
"""

from __future__ import annotations

import base64
import gzip
import io
import itertools
import json
import random
import re
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from helpers.exercises import master, variants

SAMPLE = 8
SHORTEST_LINE = 22  # characters without spaces: a shorter line of code may be anybody's
FIRST_ROWS = 40  # of an expected table; whoever gives away all of it gives away these
LARGEST = 100_000_000
MARKERS = (
    "### BEGIN SOLUTION",
    "### END SOLUTION",
    "### BEGIN HIDDEN TESTS",
    "### END HIDDEN TESTS",
    "[question.compare]",
)
TEACHERS_FILES = ("course-key*", "variants-*.csv", "exercise.toml", "gradebook.db", "grades.csv")
_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".woff", ".woff2")
_TOKEN = re.compile(r"(?:(?<![\w.])[-−])?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[^\W\d_]+", re.IGNORECASE)
_THOUSANDS = re.compile(r"(?<![\d.])(\d{1,3})((?:[,\u202f\u2009 ]\d{3})+)(?![\d])")
_TAG = re.compile(r"</?[a-z][^<>]{0,200}>", re.IGNORECASE)
_AFTER_QUESTION = r"""(?<!\w){}["'\]]*\s*(?:==|=|:|is)\s*\(?["']?"""


@dataclass(frozen=True)
class Leak:
    """One thing found: the file (below the folder), what kind of thing, and where or what it is, without repeating it."""

    file: str
    kind: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.kind}: {self.what}"


def search(
    folder: str | Path,
    exercises: Iterable[master.Exercise],
    *,
    keys: Iterable[bytes] = (),
    public: str | Path | None = None,
    sample: int = SAMPLE,
) -> list[Leak]:
    """Return what is found in `folder`, each thing once a file; an empty list where nothing is.

    `exercises` are the masters, as read; `public` is the course's folder, whose ``data/`` and ``notebooks/`` anyone may read.
    """
    folder, secrets_ = Path(folder), [_Secrets.of(exercise, sample) for exercise in exercises]
    spelled = [spelling for key in keys for spelling in _key_spellings(key)]
    found: dict[Leak, None] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[Leak(name, "link", "points out of the folder or may; copy the file instead")] = None
            continue
        if not path.is_file():
            continue
        content = path.read_bytes()
        known = public is not None and _is_public(Path(public), name, content)
        for leak in _in_file(name, content, secrets_, spelled, known):
            found[leak] = None
    return list(found)


@dataclass
class _Secrets:
    """What is secret about one exercise, in the form in which it is looked for."""

    id: str
    lines: dict[str, str] = field(default_factory=dict)  # squeezed line -> where it is from
    runs: dict[int, dict[tuple, str]] = field(default_factory=dict)  # length -> tokens in a row -> question
    starts: dict[int, set] = field(default_factory=dict)  # length -> first tokens of the runs
    numbers: dict[str, set[float]] = field(default_factory=dict)
    texts: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, exercise: master.Exercise, sample: int) -> _Secrets:
        secrets_ = cls(exercise.id)
        secrets_._add_lines(exercise)
        for draws in _sampled(exercise, sample):
            given = [tuple(_tokens(json.dumps(value, ensure_ascii=False))) for value in draws.values()]
            for question, answer in variants.expected(exercise, draws).items():
                secrets_._add_answer(question, answer, given)
        secrets_.starts = {length: {run[0] for run in runs} for length, runs in secrets_.runs.items()}
        return secrets_

    def _add_lines(self, exercise: master.Exercise) -> None:
        released = _squeezed("\n".join(cell.source for cell in master.strip_solutions(exercise.notebook).cells))
        for cell in exercise.notebook.cells:
            for what, line in _secret_lines(cell):
                squeezed = _squeezed(line)
                if len(squeezed) >= SHORTEST_LINE and squeezed not in released:
                    question = master.question_of(cell)
                    self.lines[squeezed] = f"{exercise.id}, {question}" if question else exercise.id
                    self.lines[squeezed] += f", {what}"

    def _add_answer(self, question: str, answer: Mapping, given: Sequence[tuple]) -> None:
        kind = answer["type"]
        if kind in ("number", "integer"):
            self.numbers.setdefault(question, set()).add(float(answer["value"]))
        elif kind == "text":
            if tuple(_tokens(answer["value"])) not in given:
                self.texts.setdefault(question, set()).add(answer["value"].strip().lower())
        elif columns := _columns(answer):
            for run in _runs(columns, given):
                self.runs.setdefault(len(run), {})[run] = question


def _sampled(exercise: master.Exercise, sample: int) -> Iterator[dict]:
    yield master.defaults(exercise)
    dice = random.Random(f"{exercise.id} leaks")
    for _ in range(sample if exercise.draws else 0):
        yield {name: dice.choice(choices) for name, choices in exercise.draws.items()}


def _secret_lines(cell) -> Iterator[tuple[str, str]]:
    if cell.cell_type != "code":
        if master.is_solution(cell):
            yield from (("note for the grader", line) for line in cell.source.split("\n"))
        return
    inside = ""
    for line in cell.source.split("\n"):
        if master.BEGIN_SOLUTION in line or master.BEGIN_TESTS in line:
            inside = "solution" if master.BEGIN_SOLUTION in line else "hidden test"
        elif master.END_SOLUTION in line or master.END_TESTS in line:
            inside = ""
        elif inside:
            yield inside, line


# --- files ---


def _in_file(name: str, content: bytes, secrets_: Sequence[_Secrets], keys: Sequence[bytes], public: bool):
    if any(PurePosixPath(name).match(pattern) for pattern in TEACHERS_FILES):
        yield Leak(name, "file", "this file is the teacher's")
    lowered = content.lower()
    if any(key in content or key.lower() in lowered for key in keys):
        yield Leak(name, "key", "the course's key")
    if len(content) > LARGEST:
        yield Leak(name, "file", "too large to be searched")
        return
    if members := _members(content):
        for member, inner in members:
            yield from _in_file(f"{name}/{member}", inner, secrets_, keys, public)
        return
    text = _text(content)
    if text is None:
        if not name.lower().endswith(_IMAGES):
            yield Leak(name, "file", "not a text, so it cannot be searched")
        return
    for where, part in _parts(name, text):
        yield from _in_text(name, where, part, secrets_, public)


def _in_text(name: str, where: str, text: str, secrets_: Sequence[_Secrets], public: bool) -> Iterator[Leak]:
    for marker in MARKERS:
        if marker in text:
            yield Leak(name, "marker", f"{marker}{where}")
    squeezed = _squeezed(text)
    streams = [] if public else _streams(text)
    for secret in secrets_:
        for line, origin in secret.lines.items():
            if line in squeezed:
                yield Leak(name, origin.rpartition(", ")[2], f"a line of {origin.rpartition(', ')[0]}{where}")
        if not public:
            yield from _answers_in(name, where, text, streams, secret)


def _answers_in(name: str, where: str, text: str, streams: list[list], secret: _Secrets) -> Iterator[Leak]:
    questions = {}
    for stream in streams:
        for length, runs in secret.runs.items():
            for start in range(len(stream) - length + 1):
                if question := runs.get(tuple(stream[start : start + length])):
                    questions[question] = None
        for token in stream:
            if isinstance(token, float) and _digits(token) >= 5:
                questions |= {
                    q: None for q, values in secret.numbers.items() if any(_rounds_to(v, token) for v in values)
                }
    for question, values in secret.numbers.items():
        for match in re.finditer(_AFTER_QUESTION.format(question) + r"([-−]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)", text):
            if any(_rounds_to(value, float(match[1].replace("−", "-"))) for value in values):
                questions[question] = None
    for question, values in secret.texts.items():
        for match in re.finditer(_AFTER_QUESTION.format(question) + r"([^\"'\n]{1,300})", text):
            if any(match[1].strip().lower().startswith(value) for value in values):
                questions[question] = None
        if any(len(value) >= 25 and value in text.lower() for value in values):
            questions[question] = None
    for question in questions:
        yield Leak(name, "expected answer", f"{secret.id}, {question}{where}")


def _streams(text: str) -> list[list]:
    """Return the text's tokens as it stands, and again without HTML's tags and thousands' separators where it has any."""
    bare = _without_thousands(_TAG.sub(" ", text))
    return [list(_tokens(text))] + ([list(_tokens(bare))] if bare != text else [])


def _parts(name: str, text: str) -> Iterator[tuple[str, str]]:
    """Give the text, and of a notebook or other JSON also what it says once its escapes are resolved, cell by cell."""
    yield "", text
    if not name.endswith((".ipynb", ".json")):
        return
    try:
        data = json.loads(text)
    except ValueError:
        return
    if isinstance(data, dict) and isinstance(data.get("cells"), list):
        for number, cell in enumerate(data["cells"], 1):
            yield f", cell {number}", "\n".join(_strings(cell))
        data = {key: value for key, value in data.items() if key != "cells"}
    yield "", "\n".join(_strings(data))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        if value and all(isinstance(item, str) for item in value):
            yield "".join(value) if any(item.endswith("\n") for item in value) else " ".join(value)
        else:
            yield " ".join(json.dumps(item) for item in value if isinstance(item, int | float))
            for item in value:
                yield from _strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str | int | float):
                yield f"{key}: {item}"
            else:
                yield str(key)
                yield from _strings(item)


def _members(content: bytes) -> list[tuple[str, bytes]]:
    try:
        if content[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                return [(i.filename, archive.read(i)) for i in archive.infolist() if i.file_size < LARGEST]
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
            if not tarfile.is_tarfile(io.BytesIO(content)):
                return [("content", content)]
        if content[257:262] == b"ustar":
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                return [(m.name, archive.extractfile(m).read()) for m in archive if m.isfile()]
    except (OSError, zipfile.BadZipFile, tarfile.TarError, EOFError):
        return []
    return []


def _text(content: bytes) -> str | None:
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            return None
        return None if "\0" in text else text
    return None


def _is_public(root: Path, name: str, content: bytes) -> bool:
    if name.split("/")[0] not in ("data", "notebooks"):
        return False
    original = root / name
    return original.is_file() and original.read_bytes() == content


def _key_spellings(key: bytes) -> list[bytes]:
    return [key, key.hex().encode(), base64.b64encode(key).rstrip(b"="), base64.urlsafe_b64encode(key).rstrip(b"=")]


# --- values in a row ---


def _columns(answer: Mapping) -> list[tuple[str, list]]:
    if answer["type"] == "table":
        return [(name, [row[i] for row in answer["rows"]]) for i, name in enumerate(answer["columns"])]
    if answer["type"] == "series":
        return [("", answer["index"]), ("", answer["values"])]
    if answer["type"] == "mapping":
        return [("", answer["keys"]), ("", answer["values"])]
    if answer["type"] == "list":
        return [("", answer["values"])]
    return []


def _runs(columns: list[tuple[str, list]], given: Sequence[tuple]) -> Iterator[tuple]:
    """Give every run of tokens that would tell the answer, in each way of writing a table down.

    Left out: what the student's own parameters say, counting (1980, 1990, …), one value over and over, and what is too short to mean
    anything.
    """
    names = [name for name, _ in columns]
    columns = [(name, values[:FIRST_ROWS]) for name, values in columns]
    rows = list(zip(*(values for _, values in columns), strict=True))
    sequences = [(values, 0) for _, values in columns]
    sequences += [([part for pair in enumerate(values) for part in pair], 0) for _, values in columns]
    if len(columns) > 1:
        sequences.append(([cell for row in rows for cell in row], 0))
        sequences.append(([cell for number, row in enumerate(rows) for cell in (number, *row)], 0))
        sequences.append(([part for row in rows for pair in zip(names, row, strict=True) for part in pair], 20))
    for values, length in sequences:
        for digits in (None, 0, 1, 2, 3, 4) if any(isinstance(value, float) for value in values) else (None,):
            tokens = [token for value in values for token in _tokens(_written(value, digits))]
            yield from _windows(tokens, length, given)


def _windows(tokens: list, length: int, given: Sequence[tuple]) -> Iterator[tuple]:
    length = min(len(tokens), length or (8 if any(isinstance(token, str) for token in tokens) else 6))
    for start in range(len(tokens) - length + 1):
        run = tuple(tokens[start : start + length])
        if _telling(run) and not any(_within(run, own) for own in given):
            yield run


def _written(value: object, digits: int | None) -> str:
    if isinstance(value, float) and digits is not None:
        return repr(round(value, digits))
    return "NaN" if value is None else str(value)


def _telling(run: tuple) -> bool:
    numbers = [token for token in run if isinstance(token, float)]
    words = {token for token in run if isinstance(token, str)}
    steps = {b - a for a, b in itertools.pairwise(numbers)}
    uneven = len(steps) > 1 and len(set(numbers)) > 2
    return len(run) >= 4 and uneven if not words else len(run) >= 6 and (uneven or len(words) > 1)


def _within(run: tuple, own: tuple) -> bool:
    return any(own[i : i + len(run)] == run for i in range(len(own) - len(run) + 1))


def _tokens(text: str) -> Iterator[float | str]:
    for token in _TOKEN.findall(text):
        yield float(token.replace("−", "-")) if token[0].isdecimal() or token[0] in "-−" else token.lower()


def _without_thousands(text: str) -> str:
    return _THOUSANDS.sub(lambda match: match[1] + re.sub(r"\D", "", match[2]), text)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text).replace("'", '"')


def _digits(number: float) -> int:
    return len(repr(abs(number)).rstrip("0").replace(".", "").lstrip("0"))


def _rounds_to(value: float, written: float) -> bool:
    """Whether `written` is `value` or its percentage, at the precision in which it is written."""
    if written == 0 and value != 0:
        return False
    decimals = len(repr(written).partition(".")[2].rstrip("0"))
    return any(
        abs(v - written) <= 0.5000001 * 10**-decimals and written != 0 or v == written for v in (value, 100 * value)
    )
