"""Loaded words in the lessons' prose: each needs its speaker beside it, or another word. The list is ``data/wording.csv``."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from .problem import Problem

# A word in italics or quotation marks is spoken about, not used.
_MENTIONED = re.compile(r"\*[^*\n]+\*|_[^_\n]+_|\"[^\"\n]+\"|“[^”\n]+”|`[^`\n]+`")
_TARGET = re.compile(r"\]\([^)]*\)")
_SENTENCE = re.compile(r"(?<=[.!?;:])\s+|\n{2,}")


def check_folder(notebooks_dir: Path, wording: pd.DataFrame) -> list[Problem]:
    """Check lessons, quizzes and lesson plans against `wording` (word, kind, passes_with, rule).

    Returns a problem for each sentence that uses a listed word without what its row asks for.
    """
    found = []
    for file, unit, number, text in _texts(notebooks_dir):
        found += [
            Problem(file, "wording", rule, row=number, value=sentence, unit=unit)
            for sentence, rule in check_text(text, wording)
        ]
    return found


def check_text(text: str, wording: pd.DataFrame) -> list[tuple[str, str]]:
    """Return (sentence, rule) for each sentence of `text` that breaks a row of `wording`."""
    rows = [
        (_pattern(row.word), _pattern(row.passes_with, prefix=True) if row.passes_with else None, row)
        for row in wording.itertuples()
    ]
    found = []
    for sentence in _SENTENCE.split(_TARGET.sub("]", text)):
        used = _MENTIONED.sub(" ", sentence)
        for word, speaker, row in rows:
            if (hit := word.search(used)) and not (row.kind == "attribution" and speaker and speaker.search(sentence)):
                found.append((" ".join(sentence.split()), f"{hit[0]!r}: {row.rule}"))
    return found


def _pattern(words: tuple[str, ...], prefix: bool = False) -> re.Pattern:
    end = r"" if prefix else r"\b"
    either = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    flags = 0 if any(word[:1].isupper() for word in words) else re.IGNORECASE
    return re.compile(rf"\b(?:{either}){end}", flags)


def _texts(notebooks_dir: Path) -> Iterator[tuple[str, str, int, str]]:
    for path in sorted(notebooks_dir.glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for number, cell in enumerate(cells, 1):
            if cell["cell_type"] == "markdown":
                yield path.name, "cell", number, "".join(cell["source"])
    for path in sorted(notebooks_dir.glob("quizzes/*.toml")):
        for number, question in enumerate(tomllib.loads(path.read_text(encoding="utf-8"))["question"], 1):
            texts = [question["ask"], *(f"{a['text']}\n\n{a['why']}" for a in question["answer"])]
            yield f"quizzes/{path.name}", "question", number, "\n\n".join(texts)
    for path in sorted((notebooks_dir.parent / "teaching").glob("*.md")):
        yield f"teaching/{path.name}", "page", 1, path.read_text(encoding="utf-8")
