"""Markup, header, quiz, scorecard: escaped, complete, and clear when something is missing."""

import json
from pathlib import Path

import pandas as pd
import pytest

from helpers import evidence, lesson, markup

ROOT = Path(__file__).parents[1]
HOSTILE = "<script>alert(1)</script>[x](javascript:alert(1))"


@pytest.fixture(scope="module")
def ev():
    return evidence.load(ROOT / "data")


def test_table_text_never_becomes_markup():
    assert "<" not in markup.esc(HOSTILE)
    assert "<script" not in markup.plotly_text(HOSTILE, 20)
    assert markup.link("javascript:alert(1)", HOSTILE) == markup.esc(HOSTILE)
    assert markup.link('https://example.org/?a="b"', "x").count('"') == 6


def test_a_claim_card_holds_claim_sources_and_contradictions(ev):
    card = markup.claim_card(ev, "H-058")
    assert "Tariq Aziz" in card and 'href="https://ina.iq/' in card and "H-053" in card and "H-061" in card
    assert "does not exist" in markup.claim_card(ev, "H-999")


def test_a_claim_card_escapes_its_row(ev):
    claims = ev.claims[ev.claims["claim_id"] == "H-019"].assign(claim=HOSTILE, notes=HOSTILE)
    sources = ev.sources.assign(title=HOSTILE, url="javascript:alert(1)")
    card = markup.claim_card(type("E", (), {"claims": claims, "sources": sources}), "H-019")
    assert "<script" not in card and 'href="javascript' not in card


@pytest.mark.parametrize(
    ("args", "prose"),
    [
        (("1926-06-05",), "5 June 1926"),
        (("1925-08",), "August 1925"),
        (("1924-05-19", "1924-06-05"), "19 May 1924 to 5 June 1924"),
        (("1990", "", "decade"), "the 1990s"),
    ],
)
def test_dates_read_as_prose(args, prose):
    assert markup.prose_date(*args) == prose


def test_the_header_says_what_the_clock_hides():
    at = evidence.load(ROOT / "data", as_of="2024-08-31")
    html = lesson.clock_html(at)
    assert "31 August 2024" in html and str(len(at.claims)) in html and "published later" in html


def test_the_scorecard_lets_the_reader_decide_first(ev):
    html = lesson.scorecard_html(ev.article_claims, ["S-07"])
    assert html.index("Decide first") < html.index("partly supported")
    with pytest.raises(evidence.EvidenceError, match="no statement S-99"):
        lesson.scorecard_html(ev.article_claims, ["S-99"])


def quiz_file(tmp_path: Path, answers: str) -> Path:
    path = tmp_path / "quiz.toml"
    path.write_text(f'[[question]]\nask = "Why <b>?"\n{answers}', encoding="utf-8")
    return path


ANSWER = '[[question.answer]]\ntext = "a"\nwhy = "because [H-054]"\n'


def test_every_answer_explains_itself(tmp_path):
    html = lesson.quiz_html(lesson.read_quiz(quiz_file(tmp_path, ANSWER + "right = true\n" + ANSWER)))
    assert html.count("<details>") == html.count("<summary>") == 2
    assert "Why &lt;b&gt;?" in html and 'href="evidence/H.md#H-054"' in html


@pytest.mark.parametrize("answers", [ANSWER * 2, ANSWER + "right = true\n", (ANSWER + "right = true\n") * 2])
def test_a_quiz_without_one_right_answer_is_refused(tmp_path, answers):
    with pytest.raises(evidence.EvidenceError, match="question 1"):
        lesson.read_quiz(quiz_file(tmp_path, answers))


def test_the_evidence_of_a_lesson_is_read_from_its_text(tmp_path, ev):
    cells = [
        {"cell_type": "markdown", "source": ["Signed. [H-019](evidence/H.md#H-019) [H-054]"]},
        {"cell_type": "code", "source": "'[H-001]'"},
    ]
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    assert lesson.cited_claims(path) == ["H-019", "H-054"]
    html = lesson.evidence_used_html(ev, ["H-019", "H-054"])
    pages = set(ev.claims[ev.claims["claim_id"].isin(["H-019", "H-054"])]["source_ids"].explode())
    assert f"from {len(pages)} pages" in html and 'href="evidence/H.md#H-054"' in html and "The publishers" in html
    early = evidence.load(ROOT / "data", as_of=pd.Timestamp("1930-01-01").date())
    assert "1 more that the text cites" in lesson.evidence_used_html(early, ["H-019", "H-054"])
