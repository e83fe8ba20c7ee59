"""The evidence appendix: every key opens one entry, and the entry shows what stands in the tables as text."""

import re
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from helpers import appendix, citations, evidence

HOSTILE = "<script>alert(1)</script> [x](javascript:alert(1)) *b* _i_ `c` $1 and $2 \\(y\\) {z}\n\n# Head\n- www.x.org"
SHOWN = " ".join(HOSTILE.split())


def small(**changes: object) -> SimpleNamespace:
    """Two claims that contradict each other, a statement, an instrument; `changes` overwrite cells of claim H-001."""
    first = {
        "claim_id": "H-001",
        "date": "1984-10-15",
        "date_end": "",
        "date_precision": "day",
        "claim": "A minute was signed.",
        "actors": ("TUR", "IRQ"),
        "places": ("Baghdad",),
        "figure": 35000.0,
        "unit": "troops",
        "status": "contested",
        "source_ids": ("ina", "gone"),
        "independent_origins": 1,
        "evidence_phrase": "محضر رسمي",
        "notes": "One speaker only, see H-002. conflicts with H-002",
        "conflicts_with": ("H-002",),
        "first_told": pd.Timestamp("2022-07-23"),
    }
    second = first | {
        "claim_id": "H-002",
        "date": "1990",
        "date_precision": "year",
        "claim": "No minute exists.",
        "figure": pd.NA,
        "unit": "",
        "first_told": pd.NaT,
        "conflicts_with": ("H-001",),
        "notes": "",
    }
    source = {
        "source_id": "ina",
        "title": "Minister speaks",
        "publisher": "Iraqi News Agency",
        "published": "2022-07-23",
        "url": "https://ina.iq/(a)?b=1&c=2",
        "language": "en",
        "kind": "news",
        "perspective": "iraqi_gov",
        "is_copy_of_note": "",
    }
    statement = {
        "statement_id": "S-01",
        "paragraph": 1,
        "statement": "There were papers.",
        "kind": "fact",
        "verdict": "partly_supported",
        "supporting_claims": ("H-001",),
        "challenging_claims": ("H-002",),
        "reasoning": "H-001 says so.",
    }
    instrument = {
        "instrument_id": "1984-protocol",
        "name": "Protocol",
        "date_signed": "1984-10-15",
        "place": "Baghdad",
        "parties": ("TUR", "IRQ"),
        "in_force_status": "Text not public",
        "feature": "depth_limit_km",
        "what_it_says": "5 km",
        "source_ids": ("ina",),
        "value": "yes",
    }
    return SimpleNamespace(
        claims=pd.DataFrame([first | changes, second]),
        sources=pd.DataFrame([source]),
        article_claims=pd.DataFrame([statement]),
        instruments=pd.DataFrame([instrument]),
        as_of=None,
    )


def entry(page: str, key: str) -> str:
    return re.search(rf"^### {re.escape(key)}\n.*?(?=^##|^</div>)", page, re.MULTILINE | re.DOTALL)[0]


def rendered(text: str) -> str:
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    return markdown2html_mistune(text)


@pytest.fixture(scope="module")
def ev():
    return evidence.load()


@pytest.fixture(scope="module")
def pages(ev):
    return appendix.pages(ev)


def test_an_entry_tells_when_who_how_sure_and_against_what():
    assert entry(appendix.pages(small())["H.md"], "H-001").strip() == (
        "### H-001\n\n**A minute was signed.**\n\n"
        "- **When:** 15 October 1984; the earliest dated page seen is of 2022\n"
        "- **Status:** contested (sides or sources disagree)\n"
        "- **Who:** Türkiye, Iraq\n"
        "- **Where:** Baghdad\n"
        "- **Figure:** 35,000 troops\n"
        "- **Origins:** 1 independent, on 2 pages\n"
        "- **Sources:**\n"
        "  - [Iraqi News Agency 2022](https://ina.iq/%28a%29?b=1&amp;c=2), English, Iraqi government\n"
        "  - gone\n"
        '- **Seen as:** <bdi dir="rtl">“محضر رسمي”</bdi>\n'
        "- **Contradicted by:**\n"
        "  - [H-002](H.md#H-002) No minute exists.\n"
        "- **Supports:** [S-01](S.md#S-01)\n"
        "- **Note:** One speaker only, see [H-002](H.md#H-002)."
    )


def test_what_is_not_known_leaves_no_empty_line():
    text = entry(appendix.pages(small())["H.md"], "H-002")
    assert "Figure" not in text and "Note" not in text and "earliest dated page" not in text
    assert "- **Challenges:** [S-01](S.md#S-01)" in text


def test_a_statement_and_an_instrument_have_an_entry():
    made = appendix.pages(small())
    statement, instrument = entry(made["S.md"], "S-01"), entry(made["instruments.md"], "1984-protocol")
    assert "**Verdict:** partly supported" in statement and "**Reasoning:** [H-001](H.md#H-001) says so." in statement
    assert "**Challenged by:**\n  - [H-002](H.md#H-002) No minute exists." in statement
    assert (
        "**Signed:** 15 October 1984, Baghdad" in instrument
        and "**Depth limit:** *yes*. 5 km\n  - [Iraqi" in instrument
    )


@pytest.mark.parametrize("column", ["claim", "notes", "unit", "evidence_phrase", "status"])
def test_markup_in_a_cell_shows_as_text(column):
    page = rendered(appendix.pages(small(**{column: HOSTILE}))["H.md"])
    assert "<script" not in page and "javascript:" not in "".join(re.findall(r'href="[^"]*"', page))
    shown = page.split('id="H-001"')[1].split('id="H-002"')[0]
    assert not re.search(r"<(em|code|h1)\b|href=\"http://www", shown)
    assert SHOWN in unescaped(shown)


def unescaped(html: str) -> str:
    from html import unescape

    return unescape(re.sub(r"<[^>]+>", "", html))


def test_markup_in_a_source_shows_as_text():
    ev = small()
    ev.sources[["publisher", "is_copy_of_note", "url"]] = [[HOSTILE, HOSTILE, "javascript:alert(1)"]]
    page = rendered(appendix.pages(ev)["H.md"])
    assert "<script" not in page and "javascript:" not in "".join(re.findall(r'href="[^"]*"', page))


def test_formulas_are_switched_off_for_the_whole_page(pages):
    for name, text in pages.items():
        assert text.split("\n\n")[1] == '<div class="mathjax_ignore">' and text.endswith("\n\n</div>\n"), name
        assert "$" not in text, name


def test_every_key_has_one_heading_alone_on_its_line(ev, pages):
    expected = [*ev.claims["claim_id"], *ev.article_claims["statement_id"], *ev.instruments["instrument_id"].unique()]
    found = [key for text in pages.values() for key in re.findall(r"^### (\S+)$", text, re.MULTILINE)]
    assert sorted(found) == sorted(expected)
    for key in [*ev.claims["claim_id"], *ev.article_claims["statement_id"]]:
        name, fragment = Path(citations.link(key)).name.split("#")
        assert f"\n### {fragment}\n" in pages[name]


def test_every_link_between_pages_leads_to_a_heading(pages):
    headings = {name: set(re.findall(r"^##+ (.+)$", text, re.MULTILINE)) for name, text in pages.items()}
    links = [link for text in pages.values() for link in re.findall(r"\]\((\w+\.md)#([^)]*)\)", text)]
    assert len(links) > 500
    assert [link for link in links if link[1].replace("Paragraph-", "Paragraph ") not in headings[link[0]]] == []


def test_exported_pages_keep_the_headings_as_targets(pages):
    assert 'id="H-054"' in rendered(pages["H.md"]) and 'href="S.md#S-07"' in rendered(pages["H.md"])


def test_claims_stand_in_order_of_date_under_their_decade(ev, pages):
    dates = dict(zip(ev.claims["claim_id"], ev.claims["date"], strict=True))
    decade, shown = "", []
    for line in pages["P.md"].splitlines():
        decade = line[3:] if line.startswith("## ") else decade
        if line.startswith("### "):
            assert f"{dates[line[4:]][:3]}0s" == decade
            shown.append(decade)
    assert shown == sorted(shown)


def test_writing_is_repeatable_and_differs_names_what_is_out_of_date(tmp_path):
    ev = small()
    assert appendix.differs(ev, tmp_path) == ["H.md", "S.md", "instruments.md"]
    assert [path.name for path in appendix.write(ev, tmp_path)] == ["H.md", "S.md", "instruments.md"]
    assert appendix.differs(ev, tmp_path) == [] and appendix.write(ev, tmp_path) == []
    assert b"\r" not in (tmp_path / "evidence" / "H.md").read_bytes()
    assert appendix.differs(small(unit="men"), tmp_path) == ["H.md"]


def test_a_page_no_longer_made_goes_and_a_teachers_own_page_stays(tmp_path):
    appendix.write(small(), tmp_path)
    folder = tmp_path / "evidence"
    (folder / "Q.md").write_text(appendix.MARK, encoding="utf-8")
    (folder / "my-notes.md").write_text("mine", encoding="utf-8")
    assert appendix.differs(small(), tmp_path) == ["Q.md"]
    assert appendix.write(small(), tmp_path) == []
    assert not (folder / "Q.md").exists() and (folder / "my-notes.md").exists()


def test_a_clock_or_an_odd_key_is_refused():
    ev = small()
    ev.as_of = "2024-08-31"
    with pytest.raises(ValueError, match="without as_of"):
        appendix.pages(ev)
    with pytest.raises(ValueError, match="claim_id '../x'"):
        appendix.pages(small(claim_id="../x"))
