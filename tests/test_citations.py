"""Labels, references and the .bib file: what a reader cites must lead back to the page that was read."""

import re
import subprocess
import sys
import time
import warnings

import pandas as pd
import pytest

from helpers import citations, evidence

COLUMNS = [
    "source_id",
    "title",
    "publisher",
    "published",
    "url",
    "language",
    "kind",
    "perspective",
    "is_copy_of_note",
]


def table(*rows: dict) -> pd.DataFrame:
    plain = {c: "" for c in COLUMNS} | {
        "publisher": "Rudaw",
        "language": "en",
        "kind": "news",
        "perspective": "kurdish_media",
    }
    return pd.DataFrame([plain | row for row in rows], columns=COLUMNS)


@pytest.fixture(scope="module")
def sources() -> pd.DataFrame:
    return evidence.load().sources


def parse_bib(text: str) -> dict[str, dict[str, str]]:
    """Read a .bib text as BibTeX would, by counting braces; anything left over between entries fails."""
    entries, at = {}, 0
    text = re.sub(r"^%.*\n", "", text)
    while found := re.compile(r"\s*@(\w+)\{([^\s,{}]+),").match(text, at):
        fields, at = {"type": found[1]}, found.end()
        while field := re.compile(r"\s*(\w+) = \{").match(text, at):
            depth, at = 1, field.end()
            start = at
            while depth:
                depth += {"{": 1, "}": -1}.get(text[at], 0)
                at += 1
            assert field[1] not in fields and text[at] == ","
            fields[field[1]], at = text[start : at - 1], at + 1
        end = re.compile(r"\s*\}").match(text, at)
        assert end and found[2] not in entries, text[at : at + 80]
        entries[found[2]], at = fields, end.end()
    assert not text[at:].strip(), text[at : at + 80]
    return entries


def untex(text: str) -> str:
    names = {"textbackslash": "\\", "textbraceleft": "{", "textbraceright": "}", "textasciitilde": "~"}
    names["textasciicircum"] = "^"
    return re.sub(r"\\(?:(text\w+)\{\}|([&%$#_]))", lambda m: names[m[1]] if m[1] else m[2], text)


def test_labels_are_short_and_unique_letters_follow_the_date():
    rows = table(
        {"source_id": "later", "published": "2024-08-19"},
        {"source_id": "first", "published": "2024-03"},
        {"source_id": "undated"},
        {"source_id": "undated-too"},
        {"source_id": "paper", "publisher": "Middle Eastern Studies (J. V. Bowlus)", "published": "2017-02-08"},
        {"source_id": "pair", "publisher": "1001 Iraqi Thoughts (Z. Al-Ali, A. Tabaqchali)", "published": "2023"},
        {"source_id": "agency", "publisher": "ABNA (Ahlul Bayt News Agency)", "published": "2024"},
    )
    assert citations.labels(rows) == {
        "later": "Rudaw 2024b",
        "first": "Rudaw 2024a",
        "undated": "Rudaw n.d.-a",
        "undated-too": "Rudaw n.d.-b",
        "paper": "Bowlus 2017",
        "pair": "Al-Ali and Tabaqchali 2023",
        "agency": "ABNA 2024",
    }


def test_thirty_pages_of_one_year_run_past_z():
    rows = table(*({"source_id": f"r{n:02}", "published": "2024"} for n in range(30)))
    assert citations.labels(rows)["r26"] == "Rudaw 2024aa" and len(set(citations.labels(rows).values())) == 30


def test_every_source_has_its_own_label(sources):
    found = citations.labels(sources)
    assert list(found) == list(sources["source_id"]) and len(set(found.values())) == len(sources)


def test_a_claim_is_labelled_by_its_sources_and_an_unknown_key_is_refused():
    rows = table(
        *({"source_id": key, "publisher": key.title(), "published": "2022"} for key in ("ina", "reuters", "nova"))
    )
    claims = pd.DataFrame({"claim_id": ["H-054"], "source_ids": [("ina", "reuters", "nova")]})
    assert citations.label("H-054", rows, claims) == "H-054: Ina 2022; Reuters 2022; 1 more"
    assert citations.label("ina", rows) == "Ina 2022"
    with pytest.raises(KeyError, match="H-999"):
        citations.label("H-999", rows, claims)


def test_links_lead_to_the_page_or_to_the_appendix():
    rows = table({"source_id": "a", "url": "https://example.org/x y"}, {"source_id": "b", "url": "javascript:alert(1)"})
    assert citations.link("a", rows) == "https://example.org/x%20y"
    assert citations.link("b", rows) == ""
    assert citations.link("H-054") == "evidence/H.md#H-054"


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "//example.org", "https://", "https://[x", ""],
)
def test_only_web_addresses_become_links(url):
    assert citations.web_address(url) == ""


def test_a_full_reference_says_who_when_what_language_and_where():
    row = table(
        {
            "source_id": "x",
            "title": "العراق بصدد إنهاء وجود القواعد التركية",
            "published": "2012-10-02",
            "language": "ar",
            "url": "https://example.org/a",
            "is_copy_of_note": "agency text: read at Al-Alam",
        }
    ).iloc[0]
    assert citations.reference(row, "Rudaw 2012b").text == (
        "Rudaw (2012b) ‘العراق بصدد إنهاء وجود القواعد التركية’ [Arabic], 2 October 2012. "
        "[agency text: read at Al-Alam]. https://example.org/a"
    )


def test_authors_dates_and_missing_parts():
    rows = table(
        {
            "source_id": "a",
            "publisher": "Karar (H. Erdem, columnist)",
            "title": "Sınır",
            "language": "tr",
            "published": "2019",
        },
        {"source_id": "b", "title": "No date, no address"},
        {"source_id": "c", "title": "A month", "published": "2024-08"},
    )
    text = [entry.text for entry in citations.references(rows)]
    assert text == [
        "H. Erdem (2019) ‘Sınır’ [Turkish], Karar, 2019",
        "Rudaw (2024) ‘A month’ [English], August 2024",
        "Rudaw (n.d.) ‘No date, no address’ [English]",
    ]


def test_html_shows_markup_from_a_table_as_text_and_links_the_address():
    hostile = '<script>alert(1)</script> & "x"'
    rows = table({"source_id": "a", "title": hostile, "publisher": hostile, "url": "https://example.org/?a=1&b=<i>"})
    html = citations.references_html(rows)
    assert "<script" not in html and "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x&quot;" in html
    assert re.findall(r'href="([^"]*)"', html) == ["https://example.org/?a=1&amp;b=%3Ci%3E"]
    assert "mathjax_ignore" in html


def test_sixty_references_take_less_than_a_second(sources):
    citations.references(sources.head(1))
    start = time.perf_counter()
    made = citations.references(sources.head(60), sources)
    assert time.perf_counter() - start < 1
    known = citations.labels(sources)
    assert [entry.label for entry in made] == [known[entry.source_id] for entry in made]


def test_every_reference_carries_its_title_year_and_address(sources):
    titles = sources.set_index("source_id")
    for entry in citations.references(sources):
        row = titles.loc[entry.source_id]
        assert " ".join(row["title"].split()) in entry.text
        assert f"({row['published'][:4] or 'n.d.'}" in entry.text
        assert entry.text.endswith(citations.web_address(row["url"]))
        assert entry.html.count("<a ") == bool(citations.web_address(row["url"]))


def test_the_style_is_valid_csl():
    from citeproc import CitationStylesStyle

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CitationStylesStyle(str(citations.STYLE), validate=True)


def test_every_source_comes_back_from_the_bib_file(sources):
    start = time.perf_counter()
    text = citations.bibtex(sources)
    assert time.perf_counter() - start < 2
    entries = parse_bib(text)
    assert list(entries) == list(sources["source_id"])
    for row in sources.itertuples():
        entry = entries[row.source_id]
        assert untex(entry["title"]) == "{" + " ".join(row.title.split()) + "}"
        assert entry.get("date", "") == row.published and entry.get("year", "") == ("" if row.published else "n.d.")
        assert entry.get("url", "") == citations.web_address(row.url)
        assert untex(entry.get("note", "")) == " ".join(row.is_copy_of_note.split())


def test_bib_escapes_what_tex_reads_and_keeps_every_script():
    title = r"50% of $9 & {one} _two_ #3 ~ ^ \x Ilısu, PKK’nın, رۆژنامه, روزنامه"
    entry = parse_bib(citations.bibtex(table({"source_id": "a", "title": title})))["a"]
    assert entry["title"].startswith(r"{50\% of \$9 \& \textbraceleft{}one\textbraceright{} \_two\_ \#3")
    assert untex(entry["title"]) == "{" + title + "}"
    assert entry["author"] == "{Rudaw}" and entry["type"] == "misc"


def test_bib_names_people_as_people_and_refuses_a_key_it_cannot_write():
    paper = {
        "source_id": "h",
        "publisher": "Pamukkale Journal (Ö. Hancılar)",
        "kind": "academic",
        "url": "https://x.org",
    }
    entry = parse_bib(citations.bibtex(table(paper)))["h"]
    assert (entry["author"], entry["journaltitle"], entry["type"]) == (
        "{Hancılar}, Ö.",
        "{Pamukkale Journal}",
        "article",
    )
    with pytest.raises(ValueError, match="a, b"):
        citations.bibtex(table({"source_id": "a, b"}))


def test_import_does_not_load_citeproc():
    code = "import helpers.citations, sys; print(any(m.split('.')[0] in ('citeproc', 'lxml') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
