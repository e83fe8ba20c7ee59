"""Floor 1: short labels, links, full references and the .bib export of the sources.

References are set by citeproc from ``course.csl``, an ordinary CSL style that a teacher can edit or replace. The letter
in ``Rudaw 2024b`` counts within the table that is passed, so pass the whole table (``ev.sources``), not a filtered one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlsplit

import pandas as pd

from helpers import markup

LANGUAGES = {
    "ar": "Arabic",
    "da": "Danish",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fa": "Persian",
    "fr": "French",
    "id": "Indonesian",
    "it": "Italian",
    "ku": "Kurdish",
    "mk": "Macedonian",
    "nl": "Dutch",
    "ru": "Russian",
    "tr": "Turkish",
    "zh": "Chinese",
}
STYLE = Path(__file__).with_name("course.csl")
_PERSON = r"[^\W\d_]\.(?:[ -]?[^\W\d_]\.)* [^\W\d_][\w'’ -]*"
_IN_BRACKETS = re.compile(rf"(?P<publisher>.+?) \((?P<people>{_PERSON}(?:, {_PERSON})*)(?:, columnist)?\)")
_IN_FRONT = re.compile(rf"(?P<people>{_PERSON}), (?P<publisher>.+)")
_ITALIC, _UPRIGHT = "\ue000", "\ue001"
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ue000\ue001\u202a-\u202e\u2066-\u2069]+")


@dataclass(frozen=True)
class Reference:
    """One full reference: its source, its short label, and the same sentence as plain text and as safe HTML."""

    source_id: str
    label: str
    text: str
    html: str


def labels(sources: pd.DataFrame) -> dict[str, str]:
    """Return a short label for each row of `sources`, unique within the table: ``Rudaw 2024b``, ``INA n.d.-a``.

    Pages by the same hand in the same year are lettered in order of date, then of ``source_id``. Needs the columns
    ``source_id``, ``publisher``, ``published``.
    """
    rows = zip(sources["source_id"], sources["publisher"], sources["published"], strict=True)
    named = sorted((*_stem(publisher, published), published, key) for key, publisher, published in rows)
    found = {}
    for (who, year), group in groupby(named, key=lambda row: row[:2]):
        keys = [key for *_, key in group]
        for number, key in enumerate(keys):
            suffix = _letters(number) if len(keys) > 1 else ""
            found[key] = f"{who} {year}{'-' if suffix and not year.isdigit() else ''}{suffix}"
    return {key: found[key] for key in sources["source_id"]}


def label(key: str, sources: pd.DataFrame, claims: pd.DataFrame | None = None) -> str:
    """Return the short label of a source, or of a claim with the labels of its first two sources.

    ``H-054`` gives ``H-054: Rudaw 2024b; Reuters 2022; 8 more``. Raises KeyError when the key is in neither table.
    """
    known = labels(sources)
    if key in known:
        return known[key]
    pages = [known.get(source_id, source_id) for source_id in _claim(key, claims)["source_ids"]]
    rest = [f"{len(pages) - 2} more"] if len(pages) > 2 else []
    return f"{key}: {'; '.join(pages[:2] + rest)}" if pages else key


def link(key: str, sources: pd.DataFrame | None = None) -> str:
    """Return the address of a source's page, or of the appendix entry of a claim, a statement or an instrument.

    A source gives its web address, ``""`` when the table has none that is http or https. A claim (``H-054``) or a
    statement (``S-07``) gives ``evidence/H.md#H-054``, relative to ``notebooks/``.
    """
    if re.fullmatch(r"[A-Z]-\d+", key):
        return f"evidence/{key[0]}.md#{key}"
    rows = sources[sources["source_id"] == key] if sources is not None else ()
    if not len(rows):
        raise KeyError(f"{key}: no such source. Look it up in sources.csv, column source_id.")
    return web_address(rows.iloc[0]["url"])


def web_address(url: str) -> str:
    """Return `url`, unsafe characters percent-encoded, when it is http or https and names a host, otherwise ``""``."""
    url = _CONTROL.sub("", str(url)).strip()
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in ("https", "http") or not parts.netloc:
        return ""
    return quote(url, safe="%/:?#&=+,;~-._@!")


def reference(source: Mapping[str, Any] | pd.Series, label: str = "") -> Reference:
    """Return the full reference of one row of ``sources``; `label` carries the letter that tells it from its like."""
    row = dict(source)
    return _references([row], {row["source_id"]: label or " ".join(_stem(row["publisher"], row["published"]))})[0]


def references(sources: pd.DataFrame, within: pd.DataFrame | None = None) -> list[Reference]:
    """Return the full references of `sources`, sorted by name, date and title.

    Labels are those of the table `within` (left out: `sources` itself). Needs the nine columns of ``sources.csv``.
    """
    known = labels(sources if within is None else within)
    rows = sorted(sources.to_dict("records"), key=_sort_key)
    return _references(rows, known)


def references_html(sources: pd.DataFrame, within: pd.DataFrame | None = None) -> str:
    """Return the references of `sources` as one HTML list. The class keeps dollar signs from being read as formulas."""
    items = "".join(f"<li>{entry.html}</li>" for entry in references(sources, within))
    return f'<ul class="references mathjax_ignore">{items}</ul>'


def bibtex(sources: pd.DataFrame) -> str:
    """Return `sources` as the text of a biblatex file (UTF-8): one entry a row, the ``source_id`` as its key.

    Titles and names stand in double braces, so that no style changes their capitals (``ı`` and ``i`` would suffer
    most). A page without a date has ``year = {n.d.}``; what the table says about copies stands in ``note``. Raises
    ValueError for a ``source_id`` that cannot be a key.
    """
    entries = [_bib_entry(row) for row in sources.to_dict("records")]
    return "% Sources of the course, for biblatex and biber. Made from sources.csv.\n\n" + "\n".join(entries)


def people(publisher: str) -> tuple[list[str], str]:
    """Split a publisher that names its authors: ``Karar (H. Erdem, columnist)`` is ``(["H. Erdem"], "Karar")``."""
    found = _IN_BRACKETS.fullmatch(publisher) or _IN_FRONT.fullmatch(publisher)
    return (found["people"].split(", "), found["publisher"]) if found else ([], publisher)


def _stem(publisher: str, published: str) -> tuple[str, str]:
    authors, house = people(_clean(publisher))
    surnames = [name.rpartition(". ")[2] for name in authors]
    if not authors:
        who = re.sub(r" \([^()]*\)$", "", house)
    else:
        who = " and ".join(surnames) if len(surnames) < 3 else f"{surnames[0]} et al."
    return who or "Unnamed", published[:4] or "n.d."


def _letters(number: int) -> str:
    text = ""
    while number >= 0:
        text = chr(ord("a") + number % 26) + text
        number = number // 26 - 1
    return text


def _claim(key: str, claims: pd.DataFrame | None) -> pd.Series:
    rows = claims[claims["claim_id"] == key] if claims is not None else ()
    if not len(rows):
        raise KeyError(f"{key}: no such source or claim. Look it up in sources.csv or claims.csv.")
    return rows.iloc[0]


def _clean(text: object) -> str:
    return " ".join(_CONTROL.sub(" ", str(text)).split())


def _sort_key(row: Mapping[str, Any]) -> tuple[str, ...]:
    who = unicodedata.normalize("NFKD", _stem(row["publisher"], "")[0].replace("ı", "i"))
    plain = "".join(c for c in who if not unicodedata.combining(c)).casefold()
    return plain.removeprefix("the "), row["published"] or "9", row["title"], row["source_id"]


def _references(rows: list[dict[str, Any]], known: Mapping[str, str]) -> list[Reference]:
    from citeproc import Citation, CitationItem, CitationStylesBibliography
    from citeproc.source.json import CiteProcJSON

    items = [_csl_item(row, number, known[row["source_id"]]) for number, row in enumerate(rows)]
    bibliography = CitationStylesBibliography(_style(), CiteProcJSON(items), _formatter())
    bibliography.register(Citation([CitationItem(item["id"]) for item in items]))
    result = []
    for row, made in zip(rows, bibliography.bibliography(), strict=True):
        marked = str(made)
        text = marked.replace(_ITALIC, "").replace(_UPRIGHT, "")
        html = _html(marked, web_address(row["url"]))
        result.append(Reference(row["source_id"], known[row["source_id"]], text, html))
    return result


@cache
def _style() -> Any:
    from citeproc import CitationStylesStyle

    return CitationStylesStyle(str(STYLE), validate=False)


def _formatter() -> SimpleNamespace:
    """Plain text with marks around italics: one run of citeproc serves both forms, and markup does the escaping."""

    def italic(text: object) -> str:
        return f"{_ITALIC}{text}{_UPRIGHT}"

    same = ("Bold", "Light", "Underline", "Superscript", "Subscript", "SmallCaps")
    return SimpleNamespace(preformat=str, Italic=italic, Oblique=italic, **dict.fromkeys(same, str))


def _html(marked: str, url: str) -> str:
    before, _, after = marked.rpartition(url) if url and url in marked else (marked, "", "")
    text = markup.esc(before).replace(_ITALIC, "<i>").replace(_UPRIGHT, "</i>")
    return text + (markup.link(url, url) if url else "") + markup.esc(after)


def _csl_item(row: Mapping[str, Any], number: int, label: str) -> dict[str, Any]:
    authors, publisher = people(_clean(row["publisher"]))
    suffix = re.search(r"(?:\d{4}|n\.d\.)(-?[a-z]+)?$", label)
    item = {
        "id": str(number),
        "type": "webpage",
        "author": [{"literal": name} for name in authors],
        "publisher": publisher,
        "title": _clean(row["title"]),
        "language": LANGUAGES.get(row["language"], row["language"]),
        "year-suffix": suffix[1] if suffix else "",
        "note": _clean(row["is_copy_of_note"]),
        "URL": web_address(row["url"]),
    }
    if row["published"]:
        item["issued"] = {"date-parts": [[int(part) for part in row["published"].split("-")]]}
    return {key: value for key, value in item.items() if value}


_TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{c: rf"\{c}" for c in "&%$#_"},
}
_TEX_CHARACTER = re.compile("[" + re.escape("".join(_TEX)) + "]")


def _tex(text: object) -> str:
    return _TEX_CHARACTER.sub(lambda found: _TEX[found[0]], _clean(text))


def _bib_person(name: str) -> str:
    initials, _, surname = name.rpartition(". ")
    return f"{{{_tex(surname)}}}, {_tex(initials)}."


def _bib_entry(row: Mapping[str, Any]) -> str:
    key = row["source_id"]
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.:+-]*", key):
        raise ValueError(f"sources.csv: source_id {key!r} cannot be a .bib key. Use letters, digits and hyphens.")
    authors, publisher = people(_clean(row["publisher"]))
    url = web_address(row["url"])
    kind = "dataset" if row["kind"] == "dataset" else "article" if authors and row["kind"] == "academic" else "online"
    if kind == "online" and not url:
        kind = "misc"
    fields = {
        "author": " and ".join(_bib_person(name) for name in authors) or f"{{{_tex(publisher)}}}",
        "title": f"{{{_tex(row['title'])}}}",
        "journaltitle" if kind == "article" else "organization": f"{{{_tex(publisher)}}}" if authors else "",
        "date" if row["published"] else "year": row["published"] or "n.d.",
        "language": LANGUAGES.get(row["language"], _tex(row["language"])),
        "url": url,
        "note": _tex(row["is_copy_of_note"]),
        "keywords": ", ".join(_tex(word.replace("_", " ")) for word in (row["kind"], row["perspective"]) if word),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{key},", *lines, "}", ""])
