"""Explorers of provisions, stances, verdicts and the bargaining model: controls move figure, words and panel."""

from types import SimpleNamespace

import pandas as pd
import pytest
from test_figures import NASTY
from test_figures_terms import positions, sources, statements, terms, texts

from helpers import explorers as explore
from helpers.explorers import base
from helpers.explorers.scorecard import decoded, encoded

MAKERS = [explore.terms, explore.two_texts, explore.asked_and_got, explore.scorecard, explore.bargaining]


@pytest.fixture
def ev():
    pages = sources().assign(
        title=[NASTY, "Plain"],
        url=["javascript:alert(1)", "https://example.org/q"],
        publisher="P",
        published="2024-08-22",
        language="en",
        is_copy_of_note="",
    )
    claims = pd.DataFrame({"claim_id": ["A-083", "A-089"], "source_ids": [("a",), ("b",)]})
    both = pd.concat([positions(), positions().assign(issue="border_zone")], ignore_index=True)
    return SimpleNamespace(
        terms=terms(), instruments=texts(), sources=pages, claims=claims, positions=both, article_claims=statements()
    )


def shown(explorer, trace):
    marks = explorer.figure.data[trace]
    return [i for i, x in zip(marks.customdata, marks.x, strict=True) if x is not None]


def test_each_filter_leaves_the_provisions_it_names(ev):
    explorer = explore.terms(ev)
    for name, value, expected in (
        ("side", "IRQ", ["T-3"]),
        ("theme", "sovereignty", ["T-1", "T-2"]),
        ("strength", "shall", ["T-1"]),
        ("became", "unknown", ["T-2"]),
        ("text", "Memorandum, circulated text", ["T-1"]),
    ):
        explorer.controls[name].value = value
        assert sorted(shown(explorer, 1)) == expected, name
        assert f"{len(expected)} of 3 provisions shown" in explorer.status.value
        assert [v for _, v in explorer.controls["provision"].options] == expected
        explorer.controls[name].value = base.ALL


def test_a_provision_opens_with_its_sources_claims_and_a_ring(ev):
    explorer = explore.terms(ev)
    explorer.controls["provision"].value = "T-2"
    card = explorer.detail.value
    assert (
        "does not hold this" in card and 'href="https://example.org/q"' in card and 'href="evidence/A.md#A-089"' in card
    )
    assert len(explorer.figure.data[2].x) == 1
    explorer.controls["marks"].value = "status_2026"
    assert len(explorer.figure.data[2].x) == 1  # still ringed when the marks change their meaning
    explorer.controls["side"].value = "both"
    assert explorer.controls["provision"].value is None and not explorer.figure.data[2].x


def test_a_filter_does_not_turn_what_it_hides_into_silence(ev):
    explorer = explore.two_texts(ev)
    explorer.controls["teller"].value = "Turkish pages"
    assert shown(explorer, 0) == ["T-2"]
    assert len(explorer.figure.data[2].x) == 1  # water alone was never ascribed to the circulated text
    explorer.controls["about"].value = "parted"
    explorer.controls["teller"].value = base.ALL
    assert "circulated text 1, signed text, as described 1" in explorer.status.value.replace("&#x27;", "'")
    assert "Not in the text:" in explorer.detail.value and "Must Turkish troops leave?" in explorer.detail.value


def test_asked_and_got_sets_stances_beside_provisions(ev):
    explorer = explore.asked_and_got(ev)
    assert "Provisions described: 0; said to be absent 1; in the circulated text only 1" in explorer.status.value
    assert "Said not to be in it" in explorer.detail.value and "T-1" in explorer.detail.value
    explorer.controls["actor"].value = "IRQ"
    assert "<b>−1</b> (current)" in explorer.detail.value and "<b>−2</b> (earlier)" in explorer.detail.value
    explorer.controls["issue"].value = "border_zone"
    assert "no provision" in explorer.detail.value.lower() or explorer.controls["actor"].value == "IRQ"
    explorer.controls["actor"].value = None
    assert "No provision on this issue is described" in explorer.detail.value


def test_the_courses_verdict_appears_only_after_the_readers(ev):
    explorer = explore.scorecard(ev)
    assert "Decide first" in explorer.detail.value and "supported</b>" not in explorer.detail.value
    assert len(explorer.figure.data[0].x) == 0
    explorer.controls["verdict"].value = "contested"
    assert "Yours: <b>contested</b>. The course's: <b>supported</b>." in explorer.detail.value
    assert list(explorer.figure.data[0].x) == [0, 1]
    assert explorer.controls["code"].value == "C--"
    explorer.controls["next"].click()
    assert explorer.controls["statement"].value == "S-02" and explorer.controls["verdict"].value == ""
    explorer.controls["verdict"].value = "contested"
    assert "agree on 1 of 2 (50 %)" in explorer.status.value
    explorer.controls["statement"].value = "S-03"
    explorer.controls["verdict"].value = "open"
    assert "from after the clock" in explorer.detail.value  # no verdict of the course at this clock
    explorer.controls["verdict"].value = ""
    assert explorer.controls["code"].value == "CC-"


def test_readers_are_compared_from_pasted_codes_and_a_wrong_code_is_explained(ev):
    explorer = explore.scorecard(ev)
    explorer.controls["code"].value = "sco"
    explorer.controls["second"].value = "SCO"
    assert "Press “Compare readers”" in explorer.detail.value
    explorer.controls["compare"].click()
    assert (
        "you and reader 2" in explorer.detail.value
        and "<td>3 of 3</td><td>100 %</td><td>1.00</td>" in explorer.detail.value
    )
    explorer.controls["third"].value = "SX-"
    assert "Reader 3: the code holds “X”" in explorer.status.value
    explorer.controls["third"].value = "S"
    assert "1 letters, not 3" in explorer.status.value


def test_a_code_survives_copying():
    ids = [f"S-{n:02}" for n in range(1, 8)]
    verdicts = {"S-01": "supported", "S-03": "partly_supported", "S-07": "open"}
    assert encoded(verdicts, ids) == "S-P-- -O"
    assert decoded(encoded(verdicts, ids).lower(), ids) == verdicts
    assert decoded("", ids) == {}


def test_every_input_of_the_model_can_be_moved_and_the_extremes_are_buttons(ev):
    explorer = explore.bargaining(ev, "turkish_bases_in_iraq")
    assert "weighted mean +0.50" in explorer.status.value  # (−1 + 2) ÷ 2
    explorer.controls["actor"].value = "IRQ"
    assert explorer.controls["position"].value == -1
    explorer.controls["alone"].click()
    assert "weighted mean −1.00, by weighted median −1.00" in explorer.status.value
    explorer.controls["equal"].click()
    explorer.controls["capability"].value = 2.0
    assert "weighted mean 0.00" in explorer.status.value  # (2 × −1 + 1 × 2) ÷ 3
    explorer.controls["position"].value = -2
    assert "yours; the table has −1" in explorer.detail.value
    explorer.controls["reset"].click()
    assert "weighted mean +0.50" in explorer.status.value and "yours;" not in explorer.detail.value


def test_nobody_with_weight_is_said_and_nothing_stays_drawn(ev):
    explorer = explore.bargaining(ev)
    explorer.controls["alone"].click()
    explorer.controls["salience"].value = 0
    assert "Nobody has any weight" in explorer.status.value
    assert all(not trace.x for trace in explorer.figure.data)
    explorer.controls["equal"].click()
    words = next(a for a in explorer.figure.layout.annotations if a.name == "words")
    assert len(explorer.figure.data[0].x) == 6 and not words.visible


@pytest.mark.parametrize("make", MAKERS)
def test_the_number_of_traces_stays_whatever_is_moved(ev, make):
    explorer = make(ev)
    before = len(explorer.figure.data)
    for control in explorer.controls.values():
        for _, value in getattr(control, "options", ()):
            control.value = value
    assert len(explorer.figure.data) == before


@pytest.mark.parametrize("make", MAKERS)
def test_table_text_is_text_and_every_control_has_a_label(ev, make):
    explorer = make(ev)
    assert all(control.description for control in explorer.controls.values())
    for name, value in (("provision", "T-3"), ("actor", "IRQ"), ("verdict", "open")):
        if name in explorer.controls:
            explorer.controls[name].value = value
    html = explorer.detail.value + explorer.status.value
    assert "&lt;script&gt;" in html and "<script" not in html and 'href="javascript' not in html
    drawn = explorer.figure.to_json()
    assert "<script" not in drawn and "\\u003cscript" not in drawn


@pytest.mark.parametrize("make", MAKERS)
def test_empty_tables_are_said_in_words(ev, make):
    for name in ("terms", "positions", "article_claims"):
        setattr(ev, name, getattr(ev, name).head(0))
    explorer = make(ev)
    words = next(a for a in explorer.figure.layout.annotations if a.name == "words")
    assert words.visible and words.text.endswith(".") and explorer.status.value
