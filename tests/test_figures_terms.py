"""Figures of provisions, clauses, stances, verdicts and the bargaining model, on tables of three rows."""

import json

import pandas as pd
import pytest
from test_figures import LINK, NASTY

from helpers import figures
from helpers.analysis.obligations import balance
from helpers.figures import base


def terms() -> pd.DataFrame:
    """One provision that stands in the circulated text, one said to be absent from the signed one, one hostile."""
    rows = [
        ("T-1", "mou-2024-08-15-leak", "art. 1", "sovereignty", "An end to the military presence.", "both", "shall"),
        ("T-2", "mou-2024-08-15", "absence", "sovereignty", "No clause on a withdrawal.", "TUR", "not specified"),
        ("T-3", "mou-2024-08-15", NASTY, "water", NASTY + LINK, "IRQ", "will"),
    ]
    names = ["term_id", "instrument_id", "article", "theme", "provision", "obligation_on", "strength"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(
        status_2026=["not started", "unknown", "partly"], source_ids=[("a",), ("b",), ("a", "b")], notes=NASTY
    )


def sources() -> pd.DataFrame:
    return pd.DataFrame({"source_id": ["a", "b"], "perspective": ["pkk_side", "turkish_gov"]})


def texts() -> pd.DataFrame:
    rows = [
        ("mou-2024-08-15-leak", "Circulated", "2024-08-15", "training", "yes", "Police training."),
        ("mou-2024-08-15", "Signed", "2024-08-15", "training", "not_public", LINK),
        ("old", NASTY, "1926-06-05", "water", "no", NASTY),
    ]
    table = pd.DataFrame(rows, columns=["instrument_id", "name", "date_signed", "feature", "value", "what_it_says"])
    return table.assign(in_force_status=NASTY)


def positions() -> pd.DataFrame:
    rows = [
        ("IRQ", "turkish_bases_in_iraq", "earlier", -2, "Demanded withdrawal.", "statement"),
        ("IRQ", "turkish_bases_in_iraq", "current", -1, NASTY, "statement"),
        ("TUR", "turkish_bases_in_iraq", "current", 2, LINK, "behaviour"),
    ]
    table = pd.DataFrame(rows, columns=["actor", "issue", "period", "stance_score", "stance_summary", "basis"])
    return table.assign(status="reported", date="2024-08-15", notes="", source_ids=[("a",), ("b",), ("a",)])


def statements() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "statement_id": ["S-01", "S-02", "S-03"],
            "paragraph": [1, 1, 2],
            "statement": [NASTY, LINK, "A forecast."],
            "kind": ["fact", "fact", "forecast"],
            "verdict": ["supported", "contested", ""],
            "supporting_claims": [("A-001", "A-002"), (), ()],
            "challenging_claims": [(), ("A-003",), ()],
            "reasoning": [NASTY, "Two accounts.", ""],
        }
    )


def inputs() -> pd.DataFrame:
    return pd.DataFrame(
        {"actor": ["IRQ", "TUR"], "position": [-1.0, 2.0], "salience": [0.5, 1.0], "capability": [1.0, 1.0]}
    )


FIGURES = {
    "terms_grid": lambda n: figures.terms_grid(terms().head(n), texts()),
    "obligation_balance": lambda n: figures.obligation_balance(balance(terms()).head(4 * n), texts()),
    "linkage": lambda n: figures.linkage(terms().iloc[3 - n :], texts()),
    "two_texts": lambda n: figures.two_texts(terms().head(n), texts(), sources()),
    "contested_clauses": lambda n: figures.contested_clauses(terms().head(n), sources()),
    "clause_comparison": lambda n: figures.clause_comparison(texts().head(n), ["training", "water"]),
    "asked_and_got": lambda n: figures.asked_and_got(positions().head(n), terms()),
    "stances_on": lambda n: figures.stances_on(positions().head(n), "turkish_bases_in_iraq"),
    "scorecard": lambda n: figures.scorecard(statements().head(n)),
    "scorecards_over_time": lambda n: figures.scorecards_over_time({"2024-08-31": statements().head(n)}),
    "bargaining": lambda n: figures.bargaining(inputs().head(n), "turkish_bases_in_iraq"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_say_what_they_show_stay_small_and_keep_text_as_text(name):
    fig = FIGURES[name](3)
    meta = fig.layout.meta
    assert fig.layout.title.text and len(meta["alt"]) > 60 and meta["unit"] and meta["table"]
    assert next(a for a in fig.layout.annotations if a.name == "source").text.startswith("Source: ")
    spec = json.dumps(base.mimebundle(fig)["application/vnd.plotly.v1+json"])
    assert len(spec) < 24_000
    for page in (spec, base.details_html(fig)):
        assert "<script" not in page and "<b>bold" not in page and "<a " not in page


@pytest.mark.parametrize("name", FIGURES)
def test_an_empty_table_gives_a_sentence(name):
    fig = FIGURES[name](0)
    words = next(a for a in fig.layout.annotations if a.name == "words")
    assert words.visible and words.text.endswith(".")


def test_the_grid_counts_provisions_and_shows_what_is_said_to_be_absent_as_open():
    fig = figures.terms_grid(terms(), texts())
    numbers, marks = fig.data[0], fig.data[1]
    assert list(numbers.text) == ["<b>1</b>"] * 3
    symbols = dict(zip(marks.customdata, marks.marker.symbol, strict=True))
    assert symbols == {"T-1": "diamond", "T-2": "square-open", "T-3": "circle"}
    assert "Türkiye alone 1, Iraq alone 1, both states 1, a joint body 0" in fig.layout.meta["alt"]
    assert "1 of them say that something is not in the text" in fig.layout.meta["alt"]
    assert fig.layout.meta["table"][0]["total"] == "2"  # sovereignty, the fullest theme, stands first


def test_an_early_clock_is_said_where_what_became_of_provisions_is_unknown_for_all():
    early = terms().assign(status_2026="unknown")
    assert "unknown for all" in figures.terms_grid(early, texts(), "status_2026").layout.title.subtitle.text
    assert "unknown for all" not in figures.terms_grid(terms(), texts(), "status_2026").layout.title.subtitle.text
    with pytest.raises(ValueError, match="strength, status_2026"):
        figures.terms_grid(terms(), show="colour")


def test_blocks_are_as_long_as_the_number_of_provisions_and_turkiye_stands_left():
    many = pd.concat([terms().assign(article="art. 1")] * 2)
    fig = figures.obligation_balance(balance(many), texts())
    by_strength = {bar.name.split(":")[0]: bar for bar in fig.data[:4]}
    turkish, iraqi = by_strength["not specified"], by_strength["will"]
    assert (list(turkish.x), list(iraqi.x)) == ([2], [2])
    assert turkish.base[0] + 2 == iraqi.base[0]  # back to back on the common line


def test_what_nobody_signed_or_what_is_absent_links_no_subjects():
    fig = figures.linkage(terms(), texts())
    drawn = pd.DataFrame(fig.layout.meta["table"])
    assert drawn[["date", "theme", "provisions"]].values.tolist() == [["2024-08-15", "Water", "1"]]


def test_two_texts_stand_apart_and_silence_is_not_absence():
    fig = figures.two_texts(terms(), texts(), sources())
    marks = fig.data[0]
    side = dict(zip(marks.customdata, [x > 0 for x in marks.x], strict=True))
    assert side == {"T-1": False, "T-2": True, "T-3": True}
    filled = dict(zip(marks.customdata, marks.marker.color, strict=True))
    assert filled["T-2"] == "white" and filled["T-1"] != "white"
    assert list(marks.text) == [" <b>A</b>", " <b>A</b>", ""]
    left, right = fig.data[2], fig.data[3]
    assert list(left.text) == ["nobody mentioned it"] and list(right.text) == []
    alt = fig.layout.meta["alt"]
    assert "Carried for the circulated text by: PKK-side pages 1." in alt
    assert "A (Must Turkish troops leave?) 2" in alt


def test_a_clause_that_no_text_has_is_named_as_not_seen():
    fig = figures.clause_comparison(texts(), ["training", "extradition"])
    words = [a.text for a in fig.layout.annotations]
    assert any("Not seen" in w and "1 further text of 1926" in w for w in words)
    assert any("Not seen" in w and "3 further texts of 1926, 2024 (2)" in w for w in words)
    assert "Extradition: nothing was seen in any of 3 texts" in fig.layout.meta["alt"]
    with pytest.raises(ValueError, match="colour"):
        figures.clause_comparison(texts(), "colour")


def test_the_leak_and_what_is_absent_are_not_counted_as_got():
    fig = figures.asked_and_got(positions(), terms())
    given = fig.data[-1].text
    assert list(given) == ["<b>0</b> described<br>1 said absent, 1 in the leak"]


def test_an_earlier_stance_is_joined_to_the_current_one():
    fig = figures.stances_on(positions(), "turkish_bases_in_iraq")
    lines, earlier, current = fig.data[:3]
    assert list(lines.x) == [-2, -1, None] and list(earlier.x) == [-2] and sorted(current.x) == [-1, 2]
    assert "Iraq −1 (earlier −2)" in fig.layout.meta["alt"]
    with pytest.raises(ValueError, match="water_for_security"):
        figures.stances_on(positions(), "water_for_security")


def test_the_scorecard_puts_each_verdict_in_its_own_column_and_counts_both_sides():
    fig = figures.scorecard(statements())
    assert "supported 1, partly supported 0, contested 1" in fig.layout.meta["alt"]
    assert "Claims for: 2, against: 1" in fig.layout.meta["alt"]
    places = {trace.name: (list(trace.x), list(trace.y)) for trace in fig.data if trace.type == "scatter"}
    assert places["supported"] == ([0], [0]) and places["contested"] == ([2], [1])
    assert places["rests on later evidence"] == ([5], [2])


def test_a_verdict_that_rests_on_later_evidence_is_a_class_of_its_own_at_its_date():
    today = statements().assign(verdict=["supported", "contested", "open"])
    fig = figures.scorecards_over_time({"2024-03-31": statements(), None: today})
    assert fig.layout.xaxis.ticktext == ("<b>31 March 2024</b><br>2 of 3 given", "<b>today</b><br>3 of 3 given")
    assert fig.layout.meta["table"][2] == {
        "key": "S-03",
        "statement": "A forecast.",
        "31 March 2024": "rests on later evidence",
        "today": "open",
    }
    assert "1 statements wait" in fig.layout.meta["alt"]


def test_the_bargaining_figure_shows_what_the_model_gives_and_says_what_it_is():
    fig = figures.bargaining(inputs(), "turkish_bases_in_iraq")
    # By hand: (0.5 × −1 + 1 × 2) ÷ 1.5 = 1; two thirds of the weight stand at 2, so the median is 2.
    mean = next(trace for trace in fig.data if trace.name and trace.name.startswith("outcome"))
    median = next(trace for trace in fig.data if trace.name and trace.name.startswith("weighted median"))
    assert list(mean.x) == pytest.approx([1, 1]) and list(median.x) == [2, 2]
    assert any("NOT A FORECAST" in (a.text or "") for a in fig.layout.annotations)
    assert fig.layout.meta["alt"].startswith("Teaching model, not a forecast.")
    labels = fig.layout.yaxis.ticktext
    assert labels[:2] == ("Türkiye", "Iraq") and len(labels) == 2 + 6  # every input has its bar
