"""Floor 3: what a figure says, on tables of three rows."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

from helpers import figures
from helpers.figures import base

NASTY, LINK = "<script>alert(1)</script> & <b>bold</b>", "[x](javascript:alert(1))"


def claims() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "claim_id": ["H-001", "H-002", "H-003"],
            "claim": [NASTY, LINK, "A treaty ran for ten years."],
            "date": ["1926-06-05", "1983", "1926"],
            "date_end": ["", "", "1936"],
            "date_precision": ["day", "year", "year"],
            "theme": ["law", "us_role", "law"],
            "actors": [("TUR", "IRQ"), ("TUR",), ()],
            "status": ["established", "contested", "reported"],
            "source_ids": [("a", "b"), ("a",), ("a", "b")],
            "independent_origins": pd.array([1, 1, 2], dtype="Int64"),
            "starts": pd.to_datetime(["1926-06-05", "1983-01-01", "1926-01-01"]),
            "ends": pd.to_datetime(["1926-06-05", "1983-12-31", "1936-12-31"]),
        }
    )


def sources() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "source_id": ["a", "b"],
            "title": [NASTY, "Plain"],
            "publisher": ["P", "Q"],
            "published": ["2021-03", ""],
            "language": ["en", "tr"],
            "perspective": ["iraqi_media", "turkish_gov"],
            "is_copy_of_note": ["", "repost"],
        }
    )


def instruments() -> pd.DataFrame:
    rows = [
        ("old", NASTY, "1926-06-05", "water", "yes", LINK),
        ("new", "A memorandum", "2024-08-15", "cross_border_pursuit", "no", "None seen."),
        ("new", "A memorandum", "2024-08-15", "water", "not_public", "Nobody has published it."),
    ]
    return pd.DataFrame(rows, columns=["instrument_id", "name", "date_signed", "feature", "value", "what_it_says"])


def places() -> pd.DataFrame:
    rows = [
        ("z", "Zakho", "زاخۆ", "city", 37.15, 42.69, "exact", NASTY),
        ("q", "Qandil", "Qendîl", "mountain", 36.54, 45.0, "approximate", "A range."),
        ("m", "Metina", "Metîna", "mountain", None, None, "none", "No point found."),
    ]
    names = ["place_id", "name_en", "name_local", "kind", "lat", "lon", "coord_precision", "relevance"]
    return pd.DataFrame(rows, columns=names).astype({"lat": "Float64", "lon": "Float64"})


def rings() -> pd.DataFrame:
    square = {"lon": [40.0, 40.0, 47.0, 47.0, 40.0], "lat": [34.0, 38.0, 38.0, 34.0, 34.0]}
    return pd.DataFrame([{"name": "Iraq", "iso3": "IRQ", **square}])


FIGURES = {
    "timeline": lambda n: figures.timeline(claims().head(n)),
    "timeline by actor": lambda n: figures.timeline(claims().head(n), lanes="actor"),
    "instrument_matrix": lambda n: figures.instrument_matrix(instruments().head(n)),
    "pages_and_origins": lambda n: figures.pages_and_origins(claims().head(n)),
    "origins_histogram": lambda n: figures.origins_histogram(claims().head(n)),
    "perspectives": lambda n: figures.perspectives(claims().head(n), sources()),
    "claim_pages": lambda n: figures.claim_pages(claims().head(min(n, 1)), sources()),
    "places": lambda n: figures.places(places().head(n), rings()),
    "outlines": lambda n: figures.outlines(rings().head(n)),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_carries_title_alt_unit_and_source_line(name):
    fig = FIGURES[name](3)
    meta = fig.layout.meta
    assert fig.layout.title.text and len(meta["alt"]) > 25 and meta["unit"] and meta["source"]
    lines = {a.name: a.text for a in fig.layout.annotations}
    assert lines["source"].startswith("Source: ")
    assert len(fig.to_json()) < 20_000  # the theme stays small


@pytest.mark.parametrize("name", FIGURES)
def test_an_empty_table_gives_a_sentence_and_not_a_blank(name):
    fig = FIGURES[name](0)
    words = next(a for a in fig.layout.annotations if a.name == "words")
    assert words.visible and words.text.endswith(".")
    assert fig.layout.meta["alt"].endswith(".")


@pytest.mark.parametrize("name", FIGURES)
def test_text_from_tables_is_text_wherever_it_goes(name):
    fig = FIGURES[name](3)
    spec = json.dumps(base.mimebundle(fig)["application/vnd.plotly.v1+json"])
    for page in (spec, base.details_html(fig)):
        assert "<script" not in page
        assert "<b>bold" not in page
        assert "<a " not in page


def test_the_alt_text_counts_what_is_drawn():
    alt = figures.timeline(claims()).layout.meta["alt"]
    assert "3 claims" in alt and "between 1926 and 1983" in alt and "Law 2, US role 1" in alt and "1 lasted" in alt
    alt = figures.instrument_matrix(instruments()).layout.meta["alt"]
    assert "Of 4 pairs 3 were seen (yes 1, no 1, not public 1); 1 are blank" in alt


def test_a_date_known_by_year_is_an_open_mark_and_a_span_a_bar_of_its_length():
    fig = figures.timeline(claims())
    bars, marks = fig.data[2], fig.data[0]
    symbols = dict(zip(marks.customdata, marks.marker.symbol, strict=True))
    assert symbols == {"H-001": "circle", "H-002": "diamond-open", "H-003": "square-open"}
    assert list(bars.customdata) == ["H-003"]
    days = (pd.Timestamp("1936-12-31") - pd.Timestamp("1926-01-01")).days
    assert bars.x[0] == days * 86_400_000


def test_marks_of_one_day_do_not_hide_each_other():
    same = pd.concat([claims().head(1)] * 3).assign(claim_id=["H-001", "H-002", "H-003"])
    assert len(set(figures.timeline(same).data[0].y)) == 3


def test_lanes_of_an_unknown_kind_are_refused():
    with pytest.raises(ValueError, match="theme, actor, status"):
        figures.timeline(claims(), lanes="colour")


def test_a_missing_pair_is_drawn_blank_and_unlike_a_no():
    fig = figures.instrument_matrix(instruments(), ["cross_border_pursuit", "water"])
    grid = fig.data[0]
    assert [list(row) for row in grid.text] == [["", "yes"], ["no", "not<br>public"]]
    assert grid.z[0][0] != grid.z[1][0]
    assert any("not seen" in trace.name for trace in fig.data[1:])


def test_a_filled_short_name_stands_in_for_a_long_one():
    table = instruments().assign(short_name=["Ankara treaty", "", ""])
    labels = figures.instrument_matrix(table).layout.yaxis.ticktext
    assert "Ankara treaty" in labels[0] and "A memorandum" in labels[1]


def test_a_place_without_a_point_gets_no_dot_and_is_named():
    fig = figures.places(places(), rings())
    dots = [trace for trace in fig.data if trace.hovertext]
    assert sum(len(trace.lon) for trace in dots) == 2
    assert "Metina" in fig.layout.meta["alt"]
    symbols = {trace.name: trace.marker.symbol[0] for trace in dots}
    assert symbols == {"city": "circle", "mountain": "triangle-up-open"}


def test_a_name_moves_to_another_side_of_its_dot_before_it_is_left_out():
    row = places().head(1).assign(lat=36.3, lon=43.1)
    near = [row.assign(place_id=str(n), name_en=f"Place {n}", lon=43.1 + 0.05 * n) for n in range(2)]
    far = [row.assign(place_id="far", lat=30.0, lon=48.0)]
    dots = figures.places(pd.concat([*near, *far]), rings()).data[-1]
    sides = dict(zip(dots.text, dots.textposition, strict=True))
    assert sides["Place 0"] == "middle left" and sides["Place 1"] == "middle right"


def test_maps_and_figures_need_nothing_from_the_network():
    for name, draw in FIGURES.items():
        fig = draw(3)
        assert not {trace.type for trace in fig.data} & {"choropleth", "choroplethmap", "scattermap"}, name
        assert fig.layout.geo.visible is not True
    assert base.mimebundle(fig)["application/vnd.plotly.v1+json"]["config"]["showSendToCloud"] is False


def test_claim_pages_draws_one_claim_only():
    with pytest.raises(ValueError, match="one claim"):
        figures.claim_pages(claims(), sources())


def test_a_long_table_is_cut_with_a_note_and_kept_out_of_the_picture():
    many = pd.concat([claims().head(1)] * 80).assign(claim_id=[f"H-{n:03}" for n in range(80)])
    fig = figures.timeline(many)
    html = base.details_html(fig)
    assert html.count("<tr>") == 41 and "The first 40 of 80 rows." in html
    assert "table" not in base.mimebundle(fig)["application/vnd.plotly.v1+json"]["layout"]["meta"]


def test_an_installed_shell_shows_the_picture_and_then_the_words(monkeypatch):
    from IPython.core.formatters import DisplayFormatter

    shown = []
    monkeypatch.setattr("IPython.display.display", lambda thing, raw=False: shown.append(thing))
    shell = SimpleNamespace(display_formatter=DisplayFormatter())
    base.install(shell)
    assert shell.display_formatter.format(figures.timeline(claims())) == ({}, {})
    picture, words = shown
    assert "application/vnd.plotly.v1+json" in picture and picture["text/plain"].startswith("Timeline of 3 claims")
    assert words.data.startswith("<details ")
