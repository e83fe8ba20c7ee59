"""Distances from a border: counts by hand, the end of the data, and the doubt about places."""

import datetime as dt
import re

import numpy as np
import pandas as pd

from helpers import evidence, figures
from helpers import explorers as explore
from helpers.figures import border, colours

COVERAGE = pd.DataFrame(
    [("IRQ", year, "1.0" if year <= 2018 else "") for year in range(2012, 2022)],
    columns=["country_iso3", "year", "places_version"],
)
NEAR = pd.DataFrame(
    [
        ("IRQ", "TUR-PKK", 2012, "1", 3, 10.0, 1.3),
        ("IRQ", "TUR-PKK", 2016, "2", 1, 60.0, 25.6),
        ("IRQ", "TUR-PKK", 2018, "1-2", 2, 400.0, 25.6),
        ("IRQ", "<i>dyad</i>", 2013, "1", 1, 5.0, 1.3),
    ],
    columns=["country_iso3", "dyad", "year", "where_prec", "events", "km", "error_km"],
)


def test_shares_are_counts_by_hand_and_doubt_moves_them():
    pkk = border.groups(NEAR, COVERAGE)[0]
    assert pkk.name == "Türkiye–PKK, in Iraq"
    assert (pkk.inside(50, 0, 9999), pkk.total(0, 9999)) == (3, 6)
    assert pkk.inside(50, 0, 9999, 1) == 3 and pkk.inside(50, 0, 9999, -1) == 4
    fig = figures.border_distances(NEAR, COVERAGE, 50, split=2015)
    text = fig.layout.annotations[0].text
    assert "within 50 km: 3 of 6 (50%)" in text and "to 2014: 3 of 3 (100%" in text and "from 2015: 0 of 3 (0%" in text
    assert "50% to 67%" in text


def strokes(fig, kind):
    """The years in whose middle the strokes of a kind lie."""
    ends = re.findall(r"M([\d.]+),[\d.]+H([\d.]+)", fig.layout.shapes[kind].path)
    return [round((float(left) + float(right)) / 2, 2) for left, right in ends]


def test_exact_and_rough_places_differ_and_far_ones_stand_at_the_edge():
    fig = figures.border_distances(NEAR, COVERAGE)
    assert list(fig.data[border.EXACT].x) == [2012, 2013] and list(fig.data[border.ROUGH].x) == [2016]
    assert strokes(fig, border.THICK) == [2012, 2013] and strokes(fig, border.THIN) == [2016]
    assert list(fig.data[border.BEYOND].x) == [2018] and "300 km away: 2" in fig.data[border.BEYOND].text[0]
    assert "<i>" not in str(fig.to_dict()["data"])


def test_years_without_a_file_are_grey_and_the_memorandum_waits_for_the_clock():
    fig = figures.border_distances(NEAR, COVERAGE)
    missing = fig.layout.shapes[border.MISSING]
    assert missing.fillcolor == colours.MISSING
    assert set(re.findall(r"M(\S+?),\S+?H(\S+?)V", missing.path)) == {("2018.5", "2024.5")}
    assert "No file covers a year after 2018" in fig.layout.meta["alt"]
    assert any("memorandum" in (t.name or "") for t in fig.data)
    early = figures.border_distances(NEAR, COVERAGE, as_of=dt.date(2024, 3, 31))
    assert not any("memorandum" in (t.name or "") for t in early.data) and "2024" not in str(early.layout.meta["alt"])
    assert "clock" in figures.border_distances(NEAR[:0], COVERAGE).layout.meta["alt"]


def test_the_explorer_measures_each_border_once_and_says_what_it_cannot_show():
    ev = evidence.load()
    ex = explore.border(ev)
    traces, both = len(ex.figure.data), np.array(ex.figure.data[border.EXACT].y)
    ex.controls["within"].value = 20
    assert "Within 20 km" in ex.status.value and "within 20 km" in ex.figure.layout.annotations[0].text
    ex.controls["border"].value = "TUR"
    assert len(ex.figure.data[border.EXACT].y) != len(both) or (np.array(ex.figure.data[border.EXACT].y) != both).any()
    ex.controls["dyads"].value = ()
    assert "No dyad is chosen" in ex.status.value and len(ex.figure.data) == traces
    assert "end in 2020" in ex.detail.value and "memorandum" in ex.detail.value
    assert "memorandum" not in explore.border(evidence.load(as_of="2024-03-31")).detail.value
    assert "clock hides" in explore.border(evidence.load(as_of="1985-01-01")).status.value
