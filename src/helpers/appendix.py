"""The evidence appendix: ``data/`` written out as pages, one heading a claim, a statement or an instrument.

The pages are Markdown files, ``notebooks/evidence/H.md`` and so on, and not notebooks. JupyterLab opens a linked
Markdown file as a page and scrolls to the heading named in the link. A notebook it opens at the top, with a kernel of
its own, because it looks for the heading before the cells are drawn.
"""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from helpers import citations, markup

FOLDER = "evidence"
MARK = "<!-- Made from data/ by `course appendix`. Edit the tables, not this page. -->"
TITLES = {
    "H": "Evidence: the history",
    "P": "Evidence: the PKK dispute",
    "A": "Evidence: the agreement",
    "I": "Evidence: Iran",
}
VERDICTS = {
    "supported": "the evidence here bears it out",
    "partly_supported": "the evidence here bears out a part of it",
    "contested": "the evidence here points both ways",
    "not_supported": "the evidence here speaks against it",
    "open": "the evidence here cannot settle it",
}
KINDS = {
    "fact": "a statement of fact",
    "interpretation": "an interpretation",
    "forecast": "a forecast",
}
VALUES = {
    "yes": "the text or agreed descriptions contain it",
    "limited": "a weaker or partial form",
    "no": "the parts seen contain none",
    "not_public": "the text is not published, and descriptions do not settle it",
    "unclear": "accounts disagree, or do not reach the point",
}
FEATURES = {
    "border_zone": "Border zone",
    "consent_or_notification": "Consent or notification",
    "cross_border_pursuit": "Cross-border pursuit",
    "depth_limit_km": "Depth limit",
    "duration_termination": "Duration and termination",
    "extradition": "Extradition",
    "groups_named": "Groups named",
    "intelligence_sharing": "Intelligence sharing",
    "joint_body": "Joint body",
    "oil_energy": "Oil and energy",
    "trade_transit": "Trade and transit",
    "training": "Training",
    "water": "Water",
}
_CLAIM_ID = re.compile(r"\b([A-Z]-\d{3})\b")
_CONFLICT = re.compile(r";?\s*\bconflicts with [A-Z]-\d{3}\b(?=\s*(?:;|\.|$))\.?", re.IGNORECASE)
_SPECIAL = re.compile(r"[&<>\[\]*_`~|\\$@{}#]")
_ARABIC = re.compile(r"[\u0600-\u06ff]")


class _Book(NamedTuple):
    """What every entry looks up: labelled source links, known keys, and which statements use a claim."""

    sources: dict[str, str]
    claims: dict[str, str]
    supports: dict[str, list[str]]
    challenges: dict[str, list[str]]


def pages(ev: Any) -> dict[str, str]:
    """Return the appendix as ``{"H.md": text, …, "S.md": text, "instruments.md": text}``.

    `ev` is the whole evidence (``evidence.load()`` without a clock). Raises ValueError when the clock is set, or when a
    claim id is not a letter, a hyphen and three digits.
    """
    if getattr(ev, "as_of", None):
        raise ValueError(f"appendix: the clock at {ev.as_of} hides entries. Load the evidence without as_of.")
    wrong = [key for key in ev.claims["claim_id"] if not _CLAIM_ID.fullmatch(key)]
    if wrong:
        raise ValueError(f"claims.csv: claim_id {wrong[0]!r} is not a letter, a hyphen and three digits. Rename it.")
    book = _book(ev)
    rows = sorted(ev.claims.itertuples(), key=lambda claim: claim.claim_id[0])
    made = {}
    for letter, group in groupby(rows, lambda claim: claim.claim_id[0]):
        made[f"{letter}.md"] = _claims_page(letter, list(group), book)
    made["S.md"] = _statements_page(ev, book)
    made["instruments.md"] = _instruments_page(ev, book)
    return made


def write(ev: Any, notebooks_dir: str | Path) -> list[Path]:
    """Write the appendix into ``notebooks_dir/evidence``, remove pages no longer made, return the files written."""
    folder = Path(notebooks_dir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    made = pages(ev)
    out_of_date = _out_of_date(made, folder)
    for name in out_of_date:
        if name in made:
            (folder / name).write_bytes(made[name].encode("utf-8"))
        else:
            (folder / name).unlink()
    return [folder / name for name in out_of_date if name in made]


def differs(ev: Any, notebooks_dir: str | Path) -> list[str]:
    """Return the names of the appendix files that `write` would add, change or remove."""
    return _out_of_date(pages(ev), Path(notebooks_dir) / FOLDER)


def md(text: object) -> str:
    """Return `text` as one line of Markdown that shows exactly its characters: no markup, HTML, formula or link."""
    line = _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", citations._clean(text))
    return re.sub(r"(?i)\b(www)\.", r"\1&#46;", line.replace("://", "&#58;//"))


def md_link(url: str, text: object) -> str:
    """Return a Markdown link when `url` is an http or https address, otherwise the escaped text alone."""
    address = citations.web_address(url).replace("&", "&amp;").replace("@", "&#64;")
    return f"[{md(text)}]({address})" if address else md(text)


def _book(ev: Any) -> _Book:
    labels = citations.labels(ev.sources)
    sources = {row.source_id: _source(row, labels[row.source_id]) for row in ev.sources.itertuples()}
    supports, challenges = {}, {}
    for statement in ev.article_claims.itertuples():
        for found, column in ((supports, statement.supporting_claims), (challenges, statement.challenging_claims)):
            for key in column:
                found.setdefault(key, []).append(statement.statement_id)
    return _Book(sources, dict(zip(ev.claims["claim_id"], ev.claims["claim"], strict=True)), supports, challenges)


def _source(row: Any, label: str) -> str:
    language = citations.LANGUAGES.get(row.language, row.language)
    view = markup.PERSPECTIVES.get(row.perspective, row.perspective)
    note = f" ({md(row.is_copy_of_note)})" if row.is_copy_of_note else ""
    return f"{md_link(row.url, label)}, {md(f'{language}, {view}')}{note}"


def _key_link(key: str) -> str:
    return f"[{key}]({key[0]}.md#{key})"


def _with_links(text: str, book: _Book) -> str:
    return _CLAIM_ID.sub(lambda found: _key_link(found[1]) if found[1] in book.claims else found[1], md(text))


def _page(title: str, introduction: list[str], body: list[str]) -> str:
    # The class stops JupyterLab's MathJax from reading "$18 … $19" as a formula, which no escape does.
    parts = [MARK, '<div class="mathjax_ignore">', f"# {title}", *introduction, *body, "</div>"]
    return "\n\n".join(parts) + "\n"


def _claims_page(letter: str, claims: list[Any], book: _Book) -> str:
    decades = [(decade, list(group)) for decade, group in groupby(claims, lambda claim: f"{claim.date[:3]}0s")]
    ordered: dict[str, list[Any]] = {}
    for decade, group in sorted(decades, key=lambda pair: pair[0]):
        ordered.setdefault(decade, []).extend(group)
    contents = " · ".join(f"[{decade}]({letter}.md#{decade}) ({len(group)})" for decade, group in ordered.items())
    statuses = "\n".join(f"- **{status}**: {meaning}" for status, meaning in markup.STATUS_MEANING.items())
    introduction = [
        f"{len(claims)} claims in order of date. A claim is one statement about the world, in our own words, with the "
        "pages that carry it. It is not a truth: read its status and its origins before you lean on it.",
        "**How to read an entry.** *When* is the day on which the thing happened, as closely as the pages tell. "
        "*Origins* counts where the information comes from, not pages: three reprints of one agency report are one "
        "origin. *Sources* names each page, its language and whose view it carries (not whether it is right); a note "
        "in brackets says where the page takes its text from, or what is wrong with it. *Seen as* gives a few words of "
        "a page in its own language, so that you can find the passage. The status is one of four:",
        statuses,
        "An established claim that somebody *said* something establishes the saying only.",
        f"**Decades:** {contents}",
    ]
    body = []
    for decade, group in ordered.items():
        body += [f"## {decade}", *(_claim(claim, book) for claim in group)]
    return _page(TITLES.get(letter, f"Evidence: claims {letter}"), introduction, body)


def _claim(claim: Any, book: _Book) -> str:
    key, origins, pages_seen = claim.claim_id, claim.independent_origins, len(claim.source_ids)
    lines = [
        ("When", _when(claim)),
        ("Status", f"{md(claim.status)} ({markup.STATUS_MEANING.get(claim.status, 'not one of the four')})"),
        ("Who", md(markup.actor_names(claim.actors))),
        ("Where", md(", ".join(claim.places))),
        ("Figure", md(f"{_number(claim.figure)} {claim.unit}".strip())),
        ("Origins", f"{origins} independent, on {_count(pages_seen, 'page')}"),
        ("Sources", "".join(f"\n  - {book.sources.get(s, md(s))}" for s in claim.source_ids)),
        ("Seen as", _phrase(claim.evidence_phrase)),
        ("Contradicted by", _claim_list(claim.conflicts_with, book)),
        ("Supports", ", ".join(_key_link(s) for s in book.supports.get(key, ()))),
        ("Challenges", ", ".join(_key_link(s) for s in book.challenges.get(key, ()))),
        ("Note", _with_links(_CONFLICT.sub("", claim.notes).strip("; "), book)),
    ]
    return _entry(key, claim.claim, lines)


def _entry(key: str, sentence: str, lines: list[tuple[str, str]]) -> str:
    items = "\n".join(f"- **{name}:**{'' if text.startswith(chr(10)) else ' '}{text}" for name, text in lines if text)
    return f"### {md(key)}\n\n**{md(sentence)}**\n\n{items}"


def _when(claim: Any) -> str:
    told = getattr(claim, "first_told", None)
    late = not pd.isna(told) and told.year > int((claim.date_end or claim.date)[:4])
    date = markup.prose_date(claim.date, claim.date_end, claim.date_precision)
    return date + (f"; the earliest dated page seen is of {told.year}" if late else "")


def _phrase(phrase: str) -> str:
    if not phrase:
        return ""
    return f'<bdi dir="rtl">“{md(phrase)}”</bdi>' if _ARABIC.search(phrase) else f"“{md(phrase)}”"


def _claim_list(keys: tuple[str, ...], book: _Book) -> str:
    return "".join(f"\n  - {_key_link(key)} {md(book.claims[key])}" for key in keys if key in book.claims)


def _statements_page(ev: Any, book: _Book) -> str:
    rows = list(ev.article_claims.itertuples())
    paragraphs = [(number, list(group)) for number, group in groupby(rows, lambda row: row.paragraph)]
    contents = " · ".join(f"[{number}](S.md#Paragraph-{number}) ({len(group)})" for number, group in paragraphs)
    verdicts = "\n".join(f"- **{md(name).replace('&#95;', ' ')}**: {meaning}" for name, meaning in VERDICTS.items())
    article = ev.sources[ev.sources["source_id"] == "epis-2024-security-agreement"]
    source = book.sources[article.iloc[0]["source_id"]] if len(article) else ""
    introduction = [
        f"{len(rows)} statements that can be checked, taken from the case text in the order of its paragraphs and put "
        "in our own words." + (f" The text itself: {source}." if source else ""),
        "A verdict speaks about this evidence set only, and it is there to be argued with: read the claims on both "
        "sides first.",
        verdicts,
        f"**Paragraphs:** {contents}",
    ]
    body = []
    for number, group in paragraphs:
        body += [f"## Paragraph {number}", *(_statement(row, book) for row in group)]
    return _page("The article's statements", introduction, body)


def _statement(row: Any, book: _Book) -> str:
    lines = [
        ("Where", f"paragraph {row.paragraph} of the article; {KINDS.get(row.kind, md(row.kind))}"),
        ("Verdict", f"{md(row.verdict.replace('_', ' '))} ({VERDICTS.get(row.verdict, 'not one of the five')})"),
        ("Reasoning", _with_links(row.reasoning, book)),
        ("Supported by", _claim_list(row.supporting_claims, book)),
        ("Challenged by", _claim_list(row.challenging_claims, book)),
    ]
    return _entry(row.statement_id, row.statement, lines)


def _instruments_page(ev: Any, book: _Book) -> str:
    rows = sorted(ev.instruments.itertuples(), key=lambda row: (row.date_signed, row.instrument_id))
    groups = [(key, list(group)) for key, group in groupby(rows, lambda row: row.instrument_id)]
    contents = "\n".join(f"- [{md(key)}](instruments.md#{md(key)}), {md(group[0].name)}" for key, group in groups)
    values = "\n".join(f"- **{name.replace('_', ' ')}**: {meaning}" for name, meaning in VALUES.items())
    introduction = [
        f"{len(groups)} legal and political texts in order of signature, each with the features on which a page says "
        "something. A feature that is not listed was not seen, which is not the same as *no*.",
        values,
        "The memorandum of 15 August 2024 was signed and is not public; the text that circulated under its name is a "
        "second entry.",
        f"## Texts\n\n{contents}",
    ]
    return _page("The instruments", introduction, [_instrument(key, group, book) for key, group in groups])


def _instrument(key: str, rows: list[Any], book: _Book) -> str:
    first = rows[0]
    date = markup.prose_date(first.date_signed) if first.date_signed else ""
    lines = [
        ("Signed", ", ".join(part for part in (date, md(first.place)) if part)),
        ("Parties", md(markup.actor_names(first.parties))),
        ("In force", _with_links(first.in_force_status, book)),
        *((FEATURES.get(row.feature, md(row.feature)), _feature_text(row, book)) for row in rows),
    ]
    return _entry(key, first.name, lines)


def _feature_text(row: Any, book: _Book) -> str:
    sources = "".join(f"\n  - {book.sources.get(s, md(s))}" for s in row.source_ids)
    return f"*{md(row.value.replace('_', ' '))}*. {_with_links(row.what_it_says, book)}{sources}"


def _number(value: Any) -> str:
    """Return a figure with its thousands set apart from 10,000 upwards, empty when there is none."""
    if pd.isna(value):
        return ""
    return f"{value:,.10g}" if abs(value) >= 10_000 else f"{value:.10g}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _out_of_date(made: dict[str, str], folder: Path) -> list[str]:
    def stored(path: Path) -> str:
        return path.read_bytes().decode("utf-8", errors="replace") if path.exists() else ""

    others = [path for path in sorted(folder.glob("*.md")) if path.name not in made]
    stale = [path.name for path in others if stored(path).startswith(MARK)]
    return [name for name, text in made.items() if stored(folder / name) != text] + stale
