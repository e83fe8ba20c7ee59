"""The pages that Sphinx reads: the lessons and the appendix made ready, and those that are made from the tables."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from helpers import appendix, citations
from helpers.markup import ACTORS, PERSPECTIVES, STATUS_MEANING, esc, prose_date
from helpers.site import SiteError, lessons

WORDS = {"tr": "Turkish", "ar": "Arabic", "ku": "Kurdish", "fa": "Persian"}
# What a reader finds under each heading of the contents, in order. The text of a lesson comes first.
REFERENCE = ["ledger", "bibliography", "glossary", "data", "downloads"]
# The places of the map on the front page: the two capitals' dispute is about these.
MAP = [
    "mosul",
    "bashiqa",
    "zakho",
    "qandil",
    "sinjar",
    "makhmour",
    "erbil",
    "kirkuk",
    "sulaymaniyah",
    "baghdad",
]
_ARABIC = re.compile(r"[\u0600-\u06ff][\u0600-\u06ff\u200c\s،؛()«»]*[\u0600-\u06ff]|[\u0600-\u06ff]")
_SOURCE = re.compile(r"^  - \[[^\n]*?\]\((?P<url>https?://[^\s)]+)\)[^\n]*$", re.MULTILINE)
_WRAPPER = re.compile(r'^(?:<div class="mathjax_ignore">|</div>)\n+', re.MULTILINE)


def write(ev: Any, notebooks_dir: Path, source: Path) -> None:
    """Turn the executed lessons in `source` into pages for Sphinx and add the others. `source` holds what ``running.build`` made."""
    import nbformat

    from helpers.running.notebooks import find_lessons, read

    found = find_lessons(source)
    for path in found:
        notebook = lessons.prepared(read(path), path.stem)
        path.write_text(nbformat.writes(notebook), encoding="utf-8")
    for path in (source / appendix.FOLDER).glob("*.md"):
        path.write_text(appendix_page(path.read_text(encoding="utf-8"), ev.sources), encoding="utf-8")
    made = {
        "index": front(ev, notebooks_dir, found),
        "ledger": ledger(ev),
        "bibliography": bibliography(ev),
        "glossary": glossary(ev),
        "data": dictionary(ev),
        "downloads": download_list(ev, notebooks_dir),
    }
    for name, text in made.items():
        (source / f"{name}.md").write_text(text, encoding="utf-8")


def appendix_page(text: str, sources: pd.DataFrame) -> str:
    """Return a page of the appendix for the site: without the wrapper that JupyterLab needs, and with each page that a claim rests on led to its full reference, which opens without a network."""
    ids = dict(zip(sources["url"], sources["source_id"], strict=True))

    def with_reference(found: re.Match) -> str:
        if not (key := ids.get(found["url"])):
            return found[0]
        return f'{found[0]} · <a href="../bibliography.html#{esc(key)}">full reference</a>'

    return _SOURCE.sub(with_reference, _WRAPPER.sub("", text))


def downloads(ev: Any, notebooks_dir: Path, extra: Path) -> Path:
    """Put the files for download and the ledger's data into `extra`, which Sphinx copies beside the pages; returns it."""
    target = extra / "downloads"
    target.mkdir(parents=True)
    shutil.copy(ev.data_dir / "datapackage.json", target)
    for resource in package(ev)["resources"]:
        file = target / resource["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ev.data_dir / resource["path"], file)
    (target / "sources.bib").write_text(citations.bibtex(ev.sources), encoding="utf-8")
    (target / "notebooks").mkdir()
    for path in notebooks_dir.glob("[0-9]*.ipynb"):
        shutil.copy(path, target / "notebooks")
    (extra / "ledger-data.js").write_text(f"window.LEDGER = {ledger_json(ev)};\n", encoding="utf-8")
    return extra


def package(ev: Any) -> dict:
    """Return the description of the data package."""
    return json.loads((ev.data_dir / "datapackage.json").read_text(encoding="utf-8"))


def front(ev: Any, notebooks_dir: Path, found: list[Path]) -> str:
    """Return the front page: what the course is (in the README's words), a map, the lessons, and the other ways in."""
    from helpers import figures
    from helpers.figures import base
    from helpers.running.notebooks import FIGURE

    places = ev.places[ev.places["place_id"].isin(MAP)]
    drawn = figures.places(places, ev.outlines("countries"), title="Where it happens")
    picture = lessons.figure_html(base.mimebundle(drawn)[FIGURE], "map") + base.details_html(drawn)
    contested = int((ev.claims["status"] == "contested").sum())
    ways = [
        ("ledger.html", "Doubt a sentence", f"Search {len(ev.claims)} claims by words, theme, actor, status and date."),
        ("ledger.html#status=contested", "See the disputes", f"{contested} claims on which sides or sources disagree."),
        (
            "evidence/S.html",
            "Test the article",
            f"{len(ev.article_claims)} statements, each with what speaks for and against it.",
        ),
        (
            "bibliography.html",
            "Look up a source",
            f"{len(ev.sources)} pages in {ev.sources['language'].nunique()} languages.",
        ),
        ("glossary.html", "Learn the names", "Places, groups and terms in up to five languages."),
        ("downloads.html", "Take it with you", "Tables, bibliography and notebooks."),
    ]
    cards = "".join(
        f'<li><a href="{link}"><strong>{esc(name)}</strong><span>{esc(words)}</span></a></li>'
        for link, name, words in ways
    )
    contents = "".join(
        f'<li><a href="{path.stem}.html"><strong>{esc(title)}</strong><span>{esc(question)}</span></a></li>'
        for path in found
        for title, question in [titles(path)]
    )
    entries = ["S", "instruments", *topics(ev)]
    return "\n\n".join(
        [
            "# Whose soil, whose consent?",
            introduction(notebooks_dir),
            _raw(picture),
            "## The lessons",
            _raw(f'<ol class="contents" start="0">{contents}</ol>'),
            "## Other ways in",
            _raw(f'<ul class="ways">{cards}</ul>'),
            _toctree("The lessons", [path.stem for path in found]),
            _toctree("The evidence", ["ledger", *(f"{appendix.FOLDER}/{name}" for name in entries)]),
            _toctree("For reference", REFERENCE[1:]),
        ]
    )


def topics(ev: Any) -> list[str]:
    """Return the first letters of claims, each a page of the appendix, in the order of the lessons."""
    found = set(ev.claims["claim_id"].str[0])
    return [letter for letter in appendix.TITLES if letter in found] + sorted(found - set(appendix.TITLES))


def introduction(notebooks_dir: Path) -> str:
    """Return the opening of the README: the paragraphs between its title and its first picture or heading. SiteError without one."""
    path = Path(notebooks_dir).parent / "README.md"
    if not path.exists():
        raise SiteError(f"{path} is not there: the front page opens with its first paragraphs.")
    lines = path.read_text(encoding="utf-8").splitlines()
    end = next((n for n, line in enumerate(lines) if line.startswith(("##", "!["))), len(lines))
    return "\n".join(lines[1:end]).strip()


def titles(path: Path) -> tuple[str, str]:
    """Return what a lesson is called and its question, from its first heading: ``Lesson 1: Who could act …?``"""
    from helpers.running.notebooks import read
    from helpers.running.pages import title_of

    name, _, question = (title_of(read(path)) or path.stem).partition(": ")
    return name, question[:1].upper() + question[1:]


def ledger(ev: Any) -> str:
    """Return the page on which claims are searched and filtered; its script draws the list from ``ledger-data.js``."""
    themes = sorted(set(ev.claims["theme"]))
    actors = ev.claims["actors"].explode().dropna().value_counts()
    years = ev.claims["starts"].dt.year.dropna()
    first, last = int(years.min()), int(ev.claims["ends"].dt.year.max())
    fields = [
        '<label class="wide">Words<input type="search" name="words" autocomplete="off"></label>',
        _select("theme", "Theme", [(t, t.replace("_", " ")) for t in themes], "all themes"),
        _select("actor", "Actor", [(a, ACTORS.get(a, a)) for a in actors.index], "all actors"),
        _select("status", "Status", [(s, f"{s}: {meaning}") for s, meaning in STATUS_MEANING.items()], "every status"),
        f'<label>From year<input type="number" name="since" min="{first}" max="{last}" placeholder="{first}"></label>',
        f'<label>To year<input type="number" name="until" min="{first}" max="{last}" placeholder="{last}"></label>',
        '<label class="tick"><input type="checkbox" name="against"> contradicted by another claim</label>',
        '<button type="reset">Show all</button>',
    ]
    pages = " · ".join(
        f'<a href="evidence/{letter}.html">{esc(appendix.TITLES.get(letter, letter).removeprefix("Evidence: "))}</a>'
        for letter in topics(ev)
    )
    return "\n\n".join(
        [
            "---\nnosearch: true\n---",
            "# The evidence ledger",
            f"All {len(ev.claims)} claims. The key of a claim opens its entry: sources, independent origins, and what contradicts it.",
            _raw(
                f'<form id="ledger-form" class="filters" role="search" aria-label="Claims">{"".join(fields)}</form>'
                '<p id="ledger-count" role="status"></p><ol id="ledger" class="ledger"></ol>'
                f"<noscript><p>Searching needs JavaScript. Without it, the entries stand here: {pages}.</p></noscript>"
                '<script src="ledger-data.js"></script><script src="_static/ledger.js"></script>'
            ),
        ]
    )


def ledger_json(ev: Any) -> str:
    """Return the claims in order of date as JSON, with the names that codes stand for."""
    names = {"actors": ACTORS, "status": list(STATUS_MEANING)}
    rows = [
        {
            "key": c.claim_id,
            "from": int(c.starts.year) if not pd.isna(c.starts) else None,
            "to": int(c.ends.year) if not pd.isna(c.ends) else None,
            "date": prose_date(c.date, c.date_end, c.date_precision),
            "claim": c.claim,
            "theme": c.theme,
            "actors": list(c.actors),
            "status": c.status,
            "origins": int(c.independent_origins),
            "pages": len(c.source_ids),
            "against": list(c.conflicts_with),
        }
        for c in ev.claims.sort_values(["starts", "claim_id"], kind="stable").itertuples()
    ]
    return json.dumps({**names, "claims": rows}, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def bibliography(ev: Any) -> str:
    """Return all sources as full references, by initial letter, each with the claims that rest on it."""
    used: dict[str, list[str]] = {}
    for key, sources in zip(ev.claims["claim_id"], ev.claims["source_ids"], strict=True):
        for source in sources:
            used.setdefault(source, []).append(key)
    rows = {row.source_id: row for row in ev.sources.itertuples()}
    groups: dict[str, list[str]] = {}
    for entry in citations.references(ev.sources):
        row = rows[entry.source_id]
        groups.setdefault(_initial(entry.text), []).append(_reference(entry, row, used.get(entry.source_id, [])))
    groups = dict(sorted(groups.items()))
    letters = "".join(f'<a href="#sources-{number}">{letter}</a> ' for number, letter in enumerate(groups))
    languages = ev.sources["language"].value_counts()
    views = [view for view in PERSPECTIVES if (ev.sources["perspective"] == view).any()]
    form = "".join(
        [
            '<label class="wide">Words<input type="search" name="words" autocomplete="off"></label>',
            _select(
                "language", "Language", [(c, citations.LANGUAGES.get(c, c)) for c in languages.index], "all languages"
            ),
            _select("view", "Whose view", [(v, PERSPECTIVES[v]) for v in views], "everybody's"),
            '<button type="reset">Show all</button>',
        ]
    )
    body = [
        f"(sources-{number})=\n\n## {letter}\n\n" + _raw(f'<ul class="references">{"".join(items)}</ul>')
        for number, (letter, items) in enumerate(groups.items())
    ]
    return "\n\n".join(
        [
            "---\ntocdepth: 1\n---",
            "# Bibliography",
            f"{len(ev.sources)} pages that were read. Whose view a page carries is told with it; that is no judgement on whether "
            "it is right. The keys are the claims that rest on it. "
            "[All of them as a .bib file](downloads.md#the-bibliography).",
            _raw(
                f'<form id="reference-form" class="filters" role="search" aria-label="Sources">{form}</form>'
                '<p id="reference-count" role="status"></p><script src="_static/bibliography.js" defer></script>'
            ),
            _raw(f'<nav class="letters" aria-label="Letters">{letters}</nav>'),
            *body,
        ]
    )


def glossary(ev: Any) -> str:
    """Return the names and terms as a table: English, the other languages with their direction, what it is, and the sources."""
    labels = citations.labels(ev.sources)
    rows = []
    for r in ev.glossary.sort_values("term_en", key=lambda c: c.str.casefold()).itertuples():
        terms = "".join(_term(getattr(r, f"term_{code}"), code, name) for code, name in WORDS.items())
        pages = ", ".join(f'<a href="bibliography.html#{s}">{esc(labels.get(s, s))}</a>' for s in r.source_ids)
        rows.append(
            f'<tr role="row"><th scope="row" role="rowheader">{esc(r.term_en)}</th>{terms}'
            f'<td role="cell" class="meaning">{esc(r.short_definition)}'
            f'<span class="pages">{pages}</span></td></tr>'
        )
    names = ("English", *WORDS.values(), "What it is, and where it was read")
    # On a narrow screen each row is a card of its own; the roles keep it a table for a screen reader.
    head = "".join(f'<th scope="col" role="columnheader">{name}</th>' for name in names)
    return "\n\n".join(
        [
            "# Glossary",
            f"{len(rows)} names and terms as they stand on the pages that were read. A dash means that no page read gives the "
            "word in that language. Arabic and Persian, and Kurdish in Arabic letters, run from right to left.",
            _raw(
                '<div class="table-scroll"><table class="glossary" role="table"><thead role="rowgroup">'
                f'<tr role="row">{head}</tr></thead><tbody role="rowgroup">{"".join(rows)}</tbody></table></div>'
            ),
        ]
    )


def dictionary(ev: Any) -> str:
    """Return the data dictionary: each table of the data package with its columns, units, values, licence and limits."""
    described = package(ev)
    parts = ["# The data dictionary", described["description"]]
    parts.append(
        "Each table is described in `datapackage.json`, by which the tables are checked. This page is made from it."
    )
    for group, title in (("constructed", "Evidence tables"), ("derived", "Derived tables"), ("", "Outlines for maps")):
        chosen = [r for r in described["resources"] if _group(r) == group]
        if chosen:
            parts += [f"## {title}", *(_resource(ev, r) for r in chosen)]
    return "\n\n".join(parts)


def download_list(ev: Any, notebooks_dir: Path) -> str:
    """Return the page of downloads: tables, bibliography, notebooks."""
    described = package(ev)
    tables = [
        (f"downloads/{r['path']}", Path(r["path"]).name, f"{r['title']}{_rows(ev, r)}", ev.data_dir / r["path"])
        for r in described["resources"]
    ]
    notebooks = [
        (f"downloads/notebooks/{path.name}", path.name, ": ".join(titles(path)), path)
        for path in sorted(Path(notebooks_dir).glob("[0-9]*.ipynb"))
    ]
    licence = described["licenses"][0]
    return "\n\n".join(
        [
            "# Downloads",
            f"Version {described['version']}. Text and evidence tables: [{licence['title']}]({licence['path']}). Derived tables and "
            "outlines carry their publisher's licence, which [the data dictionary](data.md) names table by table.",
            "## The tables",
            "UTF-8 CSV with one header row; an empty cell means *not known* or *not seen*, never zero or no. "
            f"Take {_inline('downloads/datapackage.json', 'datapackage.json')} with them: it describes every column.",
            _files(tables),
            "## The bibliography",
            f"{_inline('downloads/sources.bib', 'sources.bib')} holds all {len(ev.sources)} sources for BibLaTeX.",
            "## The notebooks",
            "The lessons as notebooks. They run in JupyterLab with the course's package beside them.",
            _files(notebooks),
        ]
    )


def _raw(page: str) -> str:
    return f"```````{{raw}} html\n{page}\n```````"


def _toctree(caption: str, names: list[str]) -> str:
    return f"```{{toctree}}\n:hidden:\n:caption: {caption}\n:maxdepth: 2\n\n" + "\n".join(names) + "\n```"


def _select(name: str, label: str, options: list[tuple[str, str]], everything: str) -> str:
    inside = "".join(f'<option value="{esc(value)}">{esc(words)}</option>' for value, words in options)
    return f'<label>{label}<select name="{name}"><option value="">{everything}</option>{inside}</select></label>'


def _inline(link: str, words: str) -> str:
    return f'<a href="{esc(link)}" download>{esc(words)}</a>'


def _initial(text: str) -> str:
    import unicodedata

    letter = unicodedata.normalize("NFD", text[:1].upper())[:1]
    return letter if letter.isalpha() and letter.isascii() else "0–9"


def _reference(entry: Any, row: Any, keys: list[str]) -> str:
    text = _ARABIC.sub(lambda found: f'<bdi lang="{esc(row.language)}" dir="rtl">{found[0]}</bdi>', entry.html)
    view = esc(PERSPECTIVES.get(row.perspective, row.perspective))
    claims = ", ".join(f'<a href="evidence/{key[0]}.html#{key}">{key}</a>' for key in keys)
    told = f"{view}. {'Claims: ' + claims if claims else 'No claim rests on it.'}"
    return (
        f'<li id="{esc(row.source_id)}" data-language="{esc(row.language)}" data-view="{esc(row.perspective)}">{text}'
        f'<span class="used">{told}</span></li>'
    )


def _term(text: str, code: str, language: str) -> str:
    """Return a cell with a word; where a word stands in two alphabets, each is set in its own direction."""
    parts = [_word(part, code) for part in text.split(" / ")] if text else ['<span aria-hidden="true">–</span>']
    return f'<td role="cell" data-name="{language}">{" / ".join(parts)}</td>'


def _word(text: str, code: str) -> str:
    if not _ARABIC.search(text):
        return f'<span lang="{code}" dir="ltr">{esc(text)}</span>'
    # Kurdish in Arabic letters is Sorani.
    return f'<span lang="{"ckb" if code == "ku" else code}" dir="rtl">{esc(text)}</span>'


def _group(resource: dict) -> str:
    return resource["class"] if "schema" in resource else ""


def _rows(ev: Any, resource: dict) -> str:
    if "schema" not in resource:
        return ""
    with (ev.data_dir / resource["path"]).open(encoding="utf-8-sig", newline="") as file:
        import csv

        return f", {sum(1 for _ in csv.reader(file)) - 1:,} rows"


def _resource(ev: Any, resource: dict) -> str:
    facts = [
        (
            "File",
            f'<a href="downloads/{esc(resource["path"])}" download>{esc(resource["path"])}</a>{_rows(ev, resource)}',
        )
    ]
    facts += [(name, esc(resource[key])) for name, key in _FACTS.items() if resource.get(key)]
    licence = ", ".join(
        f'<a href="{esc(each["path"])}">{esc(each["title"])}</a>' if each.get("path") else esc(each.get("title", ""))
        for each in resource.get("licenses", [])
    )
    facts += [("Licence", licence)] * bool(licence)
    if caveats := resource.get("caveats"):
        facts.append(("Limits", f"<ul>{''.join(f'<li>{esc(c)}</li>' for c in caveats)}</ul>"))
    listed = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in facts)
    parts = [
        f"### {appendix.md(resource['title'])}",
        appendix.md(resource["description"]),
        _raw(f'<dl class="facts">{listed}</dl>'),
    ]
    if fields := resource.get("schema", {}).get("fields"):
        keys = resource["schema"].get("primaryKey", [])
        keys = [keys] if isinstance(keys, str) else keys
        body = "".join(_field(field, field["name"] in keys) for field in fields)
        head = "".join(f'<th scope="col">{name}</th>' for name in ("column", "type", "meaning", "values"))
        parts.append(
            _raw(
                f'<div class="table-scroll"><table class="fields"><caption>Columns of {esc(resource["name"])}</caption>'
                f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
            )
        )
    return "\n\n".join(parts)


_FACTS = {
    "Publisher": "publisher",
    "Version": "version",
    "Citation": "citation",
    "Retrieved": "retrieved",
    "Made by": "builder",
}


def _field(field: dict, key: bool) -> str:
    limits = field.get("constraints", {})
    values = []
    if key:
        values.append("part of the key")
    if "enum" in limits:
        values.append(", ".join(f"<code>{esc(v)}</code>" for v in limits["enum"]))
    elif "minimum" in limits or "maximum" in limits:
        values.append(f"{limits.get('minimum', '…')} to {limits.get('maximum', '…')}")
    if limits.get("required"):
        values.append("never empty")
    unit = f", {esc(field['unit'])}" if field.get("unit") else ""
    title = esc(field.get("title", ""))
    meaning = ". ".join(part for part in (title, esc(field.get("description", ""))) if part)
    return (
        f'<tr><th scope="row"><code>{esc(field["name"])}</code></th><td>{esc(field["type"])}{unit}</td>'
        f"<td>{meaning}</td><td>{'; '.join(values)}</td></tr>"
    )


def _files(files: list[tuple[str, str, str, Path]]) -> str:
    body = "".join(
        f'<tr><th scope="row">{_inline(link, name)}</th><td>{esc(words)}</td><td>{_size(path)}</td></tr>'
        for link, name, words, path in files
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("file", "what it holds", "size"))
    return _raw(
        f'<div class="table-scroll"><table class="files"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _size(path: Path) -> str:
    return f"{max(1, round(path.stat().st_size / 1024)):,} KB"
