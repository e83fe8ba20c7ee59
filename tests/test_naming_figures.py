"""Who calls the PKK what, and who stands where: words stay their authors', and not seen is not zero."""

import pandas as pd
import pytest

from helpers import evidence, figures
from helpers import explorers as explore
from helpers.figures.designations import MARKS, acts, last_acts
from helpers.figures.stance_grid import CORNERS, GRID, dated, latest, month_end

HOSTILE = "<b onmouseover=alert(1)>"
ACTS = pd.DataFrame(
    [
        ("D-01", "2001", "government", "A", "designates", "listing", HOSTILE, ("P-001",), ""),
        ("D-02", "2018-11-15", "court", "B", "annuls", "annulment", "no word of its own", (), "stayed listed"),
        ("D-03", "2021-04-22", "court", "B", "restores", "set aside", "no word of its own", (), ""),
    ],
    columns=["designation_id", "date", "author", "state", "effect", "act", "word", "claim_ids", "notes"],
)
POSITIONS = pd.DataFrame(
    [
        ("IRN", "pkk_ban", "current", 0, "silent", "behaviour", "2024-03", "reported", ("s",), ""),
        ("IRN", "joint_centres", "earlier", -2, HOSTILE, "statement", "2021-02-27", "established", (), ""),
        ("IRN", "joint_centres", "current", 1, "no objection", "analyst", "2024", "assessment", (), ""),
        ("TUR", "pkk_ban", "current", 2, "welcomes it", "statement", "2024-08-15", "established", (), ""),
    ],
    columns=[
        "actor",
        "issue",
        "period",
        "stance_score",
        "stance_summary",
        "basis",
        "date",
        "status",
        "source_ids",
        "notes",
    ],
)


def test_the_state_of_names_as_on_a_date():
    then = figures.designations(ACTS, as_on=2019)
    assert list(then.data[MARKS].customdata) == ["D-01", "D-02"]
    assert "last seen: annuls, 2018" in then.layout.yaxis.ticktext[1]
    assert last_acts(acts(ACTS))["B"].effect == "restores"
    assert "No act by the end of 1999" in figures.designations(ACTS, as_on=1999).layout.meta["alt"]


def test_marks_differ_by_symbol_and_words_are_escaped():
    fig = figures.designations(ACTS)
    assert list(fig.data[MARKS].marker.symbol) == ["triangle-up", "x", "triangle-right"]
    assert "<b on" not in str(fig.to_dict()["data"]) and "&lt;b on" in fig.data[MARKS].text[0]
    assert "clock" in figures.designations(ACTS[:0]).layout.meta["alt"]


def test_not_seen_is_blank_and_zero_is_a_stance():
    fig = figures.stances(POSITIONS)
    z, text = fig.data[GRID].z, fig.data[GRID].text
    assert [list(row) for row in z] == [[2, -3], [0, 1]]
    assert text[0][1] == "" and "0" in text[1][0]
    assert list(fig.data[CORNERS].marker.symbol) == ["circle", "square", "triangle-up"]
    assert "Seen: 3 of 4 pairs; 1 are blank, which is not 0" in fig.layout.meta["alt"]
    assert "<b on" not in str(fig.to_dict()["data"])


def test_later_positions_wait_for_their_month_and_a_bare_year_for_its_end():
    rows = dated(POSITIONS)
    assert {k: s.score for k, s in latest(rows, until=month_end("2024-03")).items()} == {
        ("IRN", "joint_centres"): -2,
        ("IRN", "pkk_ban"): 0,
    }
    assert latest(rows, until=month_end("2024-12"))["IRN", "joint_centres"].score == 1
    assert set(latest(rows, "earlier")) == {("IRN", "joint_centres")}
    with pytest.raises(ValueError, match="period 'later' is not known"):
        figures.stances(POSITIONS, period="later")
    assert "clock" in figures.stances(POSITIONS, by="2020").layout.meta["alt"]


def test_the_naming_explorer_reads_an_act_with_its_claims():
    ev = evidence.load()
    ex = explore.designations(ev)
    ex.controls["act"].value = "D-05"
    assert "P-129" in ex.detail.value and "terrorist list" in ex.detail.value and 'href="http' in ex.detail.value
    traces = len(ex.figure.data)
    ex.controls["as_on"].value = 2001
    assert ex.controls["act"].value is None and "Choose an act" in ex.detail.value
    ex.controls["state"].value = "Iraq"
    assert "No act by then" in ex.status.value and len(ex.figure.data) == traces
    assert "clock hides" in explore.designations(evidence.load(as_of="1990-01-01")).status.value


def test_the_stance_explorer_keeps_not_seen_from_zero():
    ev = evidence.load()
    ex = explore.stances(ev)
    ex.controls["actor"].value, ex.controls["issue"].value = "IRN", "pkk_ban"
    assert "0: no stance seen, or mixed" in ex.detail.value and "Sources" in ex.detail.value
    ex.controls["actor"].value, ex.controls["issue"].value = "PUK", "border_zone"
    assert "Not seen." in ex.detail.value
    ex.controls["actor"].value, ex.controls["issue"].value = "TUR", "pkk_dissolution"
    ex.controls["year"].value = 2023
    assert "taken after the chosen month" in ex.detail.value
    early = explore.stances(evidence.load(as_of="2024-03-31"))
    assert early.controls["month"].value == 3 and "end of March 2024" in early.status.value
