"""Floor 4: controls move the figure, the words follow, and nothing from a table becomes markup."""

import asyncio
import time
from types import SimpleNamespace

import pandas as pd
import plotly.graph_objects as go
import pytest
from test_figures import LINK, NASTY, claims, instruments, sources

from helpers import explorers as explore
from helpers.explorers import base, live


@pytest.fixture
def ev():
    table = claims().assign(
        lesson="1", places=[()] * 3, notes=[NASTY, "", ""], conflicts_with=[("H-002",), ("H-001",), ()], told="by then"
    )
    texts = instruments().assign(
        place="Ankara", parties=[("TUR", "IRQ")] * 3, in_force_status=NASTY, source_ids=[("a",), (), ("b",)]
    )
    pages = sources().assign(url=["javascript:alert(1)", "https://example.org/q"], kind="news")
    return SimpleNamespace(claims=table, sources=pages, instruments=texts)


def heights(explorer, trace=0):
    return [y for y in explorer.figure.data[trace].y if y is not None]


def shown_ids(explorer):
    marks = explorer.figure.data[0]
    return [i for i, y in zip(marks.customdata, marks.y, strict=True) if y is not None]


def test_each_timeline_filter_leaves_the_claims_it_names(ev):
    explorer = explore.timeline(ev)
    assert shown_ids(explorer) == ["H-001", "H-002", "H-003"]
    for name, value, expected in (
        ("actor", "IRQ", ["H-001"]),
        ("theme", "us_role", ["H-002"]),
        ("status", "reported", ["H-003"]),
        ("since", 1930, ["H-002", "H-003"]),  # the treaty still ran
        ("until", 1982, ["H-001", "H-003"]),
    ):
        before = explorer.controls[name].value
        explorer.controls[name].value = value
        assert shown_ids(explorer) == expected, name
        assert f"{len(expected)} of 3 claims shown" in explorer.status.value
        assert [v for _, v in explorer.controls["claim"].options] == expected
        explorer.controls[name].value = before
    explorer.controls["lanes"].value = "actor"
    assert len(heights(explorer)) == 4  # H-001 stands in two lanes


def test_moving_a_control_keeps_the_number_of_traces(ev):
    explorer = explore.timeline(ev)
    before = len(explorer.figure.data)
    explorer.controls["lanes"].value = "status"
    explorer.controls["theme"].value = "law"
    assert len(explorer.figure.data) == before


def test_an_empty_choice_says_so_in_the_line_and_in_the_figure(ev):
    explorer = explore.timeline(ev)
    explorer.controls["theme"].value = "us_role"
    explorer.controls["status"].value = "reported"
    assert "0 of 3 claims shown. No claim fits" in explorer.status.value
    words = next(a for a in explorer.figure.layout.annotations if a.name == "words")
    assert words.visible and "No claim fits" in words.text
    explorer.controls["status"].value = base.ALL
    assert not words.visible


def test_choosing_a_claim_fills_the_panel_and_rings_its_mark(ev):
    explorer = explore.timeline(ev)
    explorer.controls["claim"].value = "H-001"
    assert "Contradicted by" in explorer.detail.value and "H-002" in explorer.detail.value
    assert heights(explorer, trace=3) == [heights(explorer)[0]]
    explorer.controls["theme"].value = "us_role"  # the chosen claim is no longer listed
    assert explorer.controls["claim"].value is None
    assert "H-001" not in explorer.detail.value and heights(explorer, trace=3) == []


def test_a_click_on_a_mark_chooses_its_claim(ev):
    explorer = explore.timeline(ev)
    marks = explorer.figure.data[0]
    marks._dispatch_on_click(SimpleNamespace(point_inds=[list(marks.customdata).index("H-002")]), None)
    assert explorer.controls["claim"].value == "H-002"


def test_one_cell_of_the_matrix_is_read_by_keyboard_or_click(ev):
    explorer = explore.instruments(ev)
    explorer.controls["text"].value = "new"
    explorer.controls["feature"].value = "cross_border_pursuit"
    assert "Cross-border pursuit: no" in explorer.detail.value and "None seen." in explorer.detail.value
    explorer.figure.data[0]._dispatch_on_click(SimpleNamespace(xs=[0], ys=[0]), None)
    assert (explorer.controls["text"].value, explorer.controls["feature"].value) == ("old", "cross_border_pursuit")
    assert "not seen" in explorer.detail.value and "not a “no”" in explorer.detail.value


def test_the_matrix_shows_the_chosen_features_texts_and_years(ev):
    explorer = explore.instruments(ev)
    explorer.controls["features"].value = ["water"]
    assert [list(row) for row in explorer.figure.data[0].text] == [["yes"], ["not<br>public"]]
    explorer.controls["since"].value = 2000
    assert len(explorer.figure.data[0].z) == 1
    explorer.controls["texts"].value = []
    assert "0 of 2 texts shown. No text fits" in explorer.status.value


def test_the_source_view_sets_pages_against_origins(ev):
    explorer = explore.sources(ev)
    explorer.controls["claim"].value = "H-001"
    origins, pages, copies = (list(explorer.figure.data[n].x) for n in range(3))
    assert (len(origins), len(pages), len(copies)) == (1, 1, 1)
    assert "pages 2, independent origins 1, perspectives 2, contradicting claims 1" in explorer.status.value
    explorer.controls["kind"].value = "repeated"
    assert [v for _, v in explorer.controls["claim"].options] == ["H-001"]
    explorer.controls["kind"].value = base.ALL
    explorer.controls["words"].value = "treaty TEN"
    assert [v for _, v in explorer.controls["claim"].options] == ["H-003"]
    explorer.controls["words"].value = "no such word"
    assert "0 of 3 claims listed. No claim fits" in explorer.status.value


@pytest.mark.parametrize("make", [explore.timeline, explore.sources, explore.instruments])
def test_table_text_is_text_in_panel_and_figure(ev, make):
    explorer = make(ev)
    for name, value in (("claim", "H-001"), ("text", "old"), ("feature", "water")):
        if name in explorer.controls:
            explorer.controls[name].value = value
    html = explorer.detail.value + explorer.status.value
    assert "<script" not in html and "&lt;script&gt;" in html
    assert 'href="javascript' not in html
    drawn = explorer.figure.to_json()
    assert "<script" not in drawn and "\\u003cscript" not in drawn


def test_a_link_in_table_text_stays_text(ev):
    explorer = explore.timeline(ev)
    explorer.controls["claim"].value = "H-002"
    assert LINK in explorer.detail.value and "<a href" not in explorer.detail.value


@pytest.mark.parametrize("make", [explore.timeline, explore.sources, explore.instruments])
def test_every_control_has_a_label_and_an_empty_table_a_sentence(ev, make):
    explorer = make(ev)
    assert all(control.description for control in explorer.controls.values())
    ev.claims, ev.instruments = ev.claims.head(0), ev.instruments.head(0)
    assert "0 of 0" in make(ev).status.value


def test_an_explorer_is_one_output_with_a_static_twin_and_returns_no_junk(ev):
    explorer = explore.timeline(ev)
    bundle = base.bundle(explorer.widget, explorer.twin)
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.widget.model_id
    assert len(bundle["application/vnd.plotly.v1+json"]["data"]) == len(explorer.twin.data)
    assert bundle["text/plain"].startswith("Timeline of 3 claims") and "<details " in bundle["text/html"]
    assert explorer._ipython_display_() is None


def test_the_kernels_share_of_an_update_stays_small():
    from helpers import evidence

    explorer = explore.timeline(evidence.load())
    spent = []
    for actor in ["PKK", "all", "USA", "all", "GBR", "all"] * 5:
        begin = time.process_time()
        explorer.controls["actor"].value = actor
        spent.append(time.process_time() - begin)
    assert pd.Series(spent[2:]).median() <= 0.015


def test_a_live_figure_passes_over_what_it_was_told_last_but_not_what_changed_in_between():
    figure = live.figure(go.Figure([go.Scatter(x=[1], y=[1]), go.Scatter(x=[1], y=[1])]))
    both = {"y": [[2], [3]]}
    figure.plotly_update(both, {"xaxis.range": [0, 1]}, [0, 1])
    figure.plotly_update({"y": [[9]]}, {"xaxis": {"range": [5, 6]}}, [1])
    figure.plotly_update(both, {"xaxis.range": [0, 1]}, [0, 1])
    assert [list(trace.y) for trace in figure.data] == [[2], [3]]
    assert list(figure.layout.xaxis.range) == [0, 1]


def test_words_wait_for_the_picture_only_where_somebody_looks():
    sent = []

    class Line(base.LateHTML):
        def _send(self, message, buffers=None):
            sent.append(message["state"]["value"])

    line = Line()
    line.value = "at once"
    assert sent == ["at once"]

    async def moved() -> None:
        line.value = "first"
        line.value = "second"
        assert sent == ["at once"]
        await asyncio.sleep(2 * base.AFTER)

    asyncio.run(moved())
    assert sent == ["at once", "second"]
