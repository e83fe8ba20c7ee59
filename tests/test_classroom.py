"""Slides, sheets, role cards and the answer key: what they take from a lesson, and that they work in a browser with no network."""

import re
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers import classroom, evidence
from helpers.classroom import answers, cards, deck, material, outline, plans, sheet

ROOT = Path(__file__).parent.parent
TEACHING = ROOT / "teaching"
LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
KEY = re.compile(r"\[([HPAI]-\d{3}|S-\d{2})\]")


@pytest.fixture(scope="module")
def ev():
    return evidence.load(ROOT / "data")


def figure(title, height=400, **layout):
    spec = {
        "data": [{"type": "bar", "x": [1, 2, 3], "y": [1, 2, 3]}],
        "layout": {"height": height, "margin": {"t": 40, "b": 40}, "meta": {"alt": f"{title}: 1, 2 and 3."}, **layout},
    }
    return new_output("display_data", {"application/vnd.plotly.v1+json": spec, "text/plain": title})


def table(rows):
    return new_output("execute_result", {"text/html": f'<table class="dataframe"><tr><th></th></tr>{rows}</table>'})


SLIDER = {
    "name": "Year",
    "active": 0,
    "steps": [
        {"label": "2001", "method": "update", "args": [{"y": [[1, 2, 3]]}, {}, [0]]},
        {"label": "2002", "method": "update", "args": [{"y": [[30, 20, 10]]}, {}, [0]]},
    ],
}


@pytest.fixture(scope="module")
def lesson_cells():
    return [
        new_markdown_cell(
            "# Lesson 9: A test?\n\nIt opens. [A-063](evidence/A.md#A-063)\n\n**The question of this lesson:** who tests?"
        ),
        new_markdown_cell(
            "## Before you begin\n\n- count\n- doubt\n\n| need |\n|---|\n| time |", metadata={"tags": ["about-course"]}
        ),
        new_code_cell('lesson.header(ev, statements=["S-02", "S-03"])'),
        new_markdown_cell(
            "## 1. One section\n\nFirst of all. [A-063](evidence/A.md#A-063) Second.\n\nMore prose here."
        ),
        new_code_cell("one", outputs=[table("<tr><td>5</td></tr>")]),
        new_code_cell("two", outputs=[figure("The first figure")]),
        new_code_cell("three", outputs=[figure("The second figure")]),
        new_markdown_cell(
            "A reading of it.\n\n**Discuss (10 minutes, in pairs).** Why *so*? [A-029](evidence/A.md#A-029)"
        ),
        new_markdown_cell("## 2. Only a table\n\nWords."),
        new_code_cell("four", outputs=[table("<tr><td>6</td></tr>")]),
        new_markdown_cell("## 3. Tags\n\nWords."),
        new_code_cell("five", outputs=[figure("Left out")], metadata={"tags": ["skip"]}),
        new_code_cell(
            "six",
            outputs=[
                figure(
                    "With a slider",
                    height=462,
                    sliders=[SLIDER],
                    meta={"alt": "Was.", "room": 62, "states": [["Was.", "Is."]]},
                )
            ],
        ),
        new_markdown_cell("Shown later.", metadata={"tags": ["fragment"]}),
        new_markdown_cell("For the speaker: **Discuss (3 minutes).** no prompt.", metadata={"tags": ["notes"]}),
        new_markdown_cell("A slide of *words*.", metadata={"slideshow": {"slide_type": "slide"}}),
        new_markdown_cell("## 4. Not in class\n\nNever.", metadata={"tags": ["skip"]}),
        new_markdown_cell("## What would change your mind?\n\nName a paper."),
        new_markdown_cell("## Quiz"),
        new_markdown_cell("## Scorecard"),
        new_markdown_cell("## Further reading\n\n- A book.\n\n**Next:** lesson 10."),
    ]


PLAN = """# Plan

| minutes (45) | minutes (90) | section | what happens |
|---|---|---|---|
| 5 | 10 | opening | Begin. |
| 20 | 40 | 1 One | Talk. |
| skip | 20 | 2 Two | Count. |
| 10 | 20 | 3 Three | Tag. |

## Notes on the discussions

### 1

A good answer doubts.
"""
QUIZ = [
    {
        "ask": "How many?",
        "answer": [{"text": "45.", "right": True, "why": "Counted [A-063]."}, {"text": "46 & more", "why": "No."}],
    }
]


@pytest.fixture(scope="module")
def lesson_material(lesson_cells, ev, tmp_path_factory):
    path = tmp_path_factory.mktemp("plan") / "plan.md"
    path.write_text(PLAN, encoding="utf-8")
    return material.Material("09-test", outline.read(new_notebook(cells=lesson_cells)), plans.read(path), QUIZ, ev)


def slides_of(page):
    return dict(re.findall(r'<section id="([^"]+)"[^>]*>(.*?)</section>', page, re.DOTALL))


def shown(slide):
    return slide.split('<aside class="notes">')[0]


def test_structure_and_tags_decide_what_becomes_a_slide(lesson_material):
    _, own = deck.html(lesson_material, 90)
    slides = slides_of(own)
    assert (
        "Who tests?" in shown(slides["start"]) and "count" in shown(slides["goals"]) and "need" not in slides["goals"]
    )
    assert "First of all." in shown(slides["section-1"]) and "More prose" not in shown(slides["section-1"])
    assert "More prose here." in slides["section-1"] and "A good answer doubts." in slides["section-1"]
    assert "The first figure" in shown(slides["section-1-1"]) and "A reading of it." in slides["section-1-1"]
    assert "The second figure" not in own and "Left out" not in own and "Never." not in own and "A book" not in own
    assert "Why <em>so</em>?" in shown(slides["section-1-2"]) and "in pairs" in shown(slides["section-1-2"])
    assert "<td>6</td>" in shown(slides["section-2-1"]) and "<td>5</td>" not in own
    assert 'class="fragment"' in slides["section-3-1"] and "Shown later." in shown(slides["section-3-1"])
    assert "A slide of <em>words</em>." in shown(slides["section-3-2"]) and "no prompt" in slides["section-3"]
    assert (
        "45." in shown(slides["quiz-1"])
        and "46 &amp; more" in slides["quiz-1"]
        and "right" not in shown(slides["quiz-1"])
    )
    assert list(slides)[-1] == "end" and "Lesson 10." in slides["end"]


def test_timing_follows_the_plan_and_the_short_class_leaves_out_what_it_skips(lesson_material):
    for length, total, absent in ((90, 90, None), (45, 35, "section-2")):
        _, own = deck.html(lesson_material, length)
        seconds = {name: int(time) for name, time in re.findall(r'id="([^"]+)"[^>]* data-timing="(\d+)"', own)}
        planned = sum(s for name, s in seconds.items() if name.startswith(("start", "goals", "statements", "section")))
        assert planned == pytest.approx(total * 60, abs=60)
        assert absent not in seconds
    assert "Start 10:00" in deck.html(lesson_material, 90)[1]


def test_a_claim_on_a_slide_opens_with_its_sources(lesson_material, ev):
    _, own = deck.html(lesson_material, 90)
    assert own.count('popovertarget="claim-A-063"') > 1
    assert own.count('<div class="claim" id="claim-A-063"') == 1
    assert ev.claims.set_index("claim_id")["claim"]["A-063"].split(".")[0] in own
    assert 'href="evidence/' not in own


def test_a_sheet_has_lines_and_sources_and_neither_code_nor_answers(lesson_material):
    page, own = sheet.html(lesson_material)
    assert own.count('class="line"') >= 3 + 6 and own.count("square") == 2 * 5
    assert "The first figure" in own and "Left out" not in own and "The second figure" not in own
    assert "Name a paper." in own and "A-029</b>" in own
    assert "Counted" not in page and "A good answer" not in page and "lesson.header" not in own


def test_a_wrong_plan_or_name_is_told(tmp_path):
    path = tmp_path / "03-x.md"
    with pytest.raises(classroom.ClassroomError, match="no such lesson plan"):
        plans.read(path)
    path.write_text("# Plan\n", encoding="utf-8")
    with pytest.raises(classroom.ClassroomError, match="has no timing"):
        plans.read(path)
    path.write_text("| 40 | 90 | opening | a |\n| 6 | skip | 1 One | b |\n", encoding="utf-8")
    with pytest.raises(classroom.ClassroomError, match="45-minute column adds up to 46"):
        plans.read(path)
    with pytest.raises(classroom.ClassroomError, match="no lesson '12'.*03-agreement-terms"):
        material.find(ROOT / "notebooks", "12")
    assert material.find(ROOT / "notebooks", "3") == ["03-agreement-terms"]
    with pytest.raises(classroom.ClassroomError, match="45 or 90"):
        classroom.slides(ROOT / "notebooks", "03", tmp_path, minutes=60)


@pytest.mark.parametrize("name", LESSONS)
def test_each_plan_times_every_section_and_notes_every_discussion(name):
    plan = plans.read(TEACHING / f"{name}.md")
    read = outline.read(material.notebooks.read(ROOT / "notebooks" / f"{name}.ipynb"))
    numbered = [section for section in read.sections if section.kind == "section" and section.number]
    assert [s.number for s in numbered if plan.row(s.number) is None] == []
    assert [s.number for s in numbered if outline.prompts(s) and not plan.notes.get(s.number)] == []
    assert sum(row.minutes[45] for row in plan.rows) == 45 and sum(row.minutes[90] for row in plan.rows) == 90
    assert plan.misreadings


def test_every_key_in_teaching_exists(ev):
    known = set(ev.claims["claim_id"]) | set(ev.article_claims["statement_id"])
    unknown = [
        f"{path.name}: {key}"
        for path in TEACHING.glob("*.md")
        for key in KEY.findall(path.read_text(encoding="utf-8"))
        if key not in known
    ]
    assert unknown == []


def test_role_cards_hold_rows_of_the_tables_and_nothing_else(ev, tmp_path):
    roles = cards.read(TEACHING / "roles.toml", ev)
    assert [role.name for role in roles] == ["Ankara", "Baghdad", "Erbil", "Sulaymaniyah", "Tehran", "Washington"]
    sentences = {material.markup.esc(text) for text in [*ev.claims["claim"], *ev.positions["stance_summary"]]}
    for role in roles:
        for item in re.findall(r"<li>(.*?)</li>", cards.card(role, ev), re.DOTALL):
            assert any(text in item for text in sentences) or "holds no position of yours" in item
            assert "class='says'" in item or "holds no position of yours" in item
    made = classroom.roles(ROOT / "data", TEACHING, tmp_path, echo=lambda _: None)
    assert len(made) == 7 and made[-1].name == "role-cards.html"


def test_a_card_says_where_the_tables_hold_nothing_and_knows_nothing_after_the_clock():
    then = evidence.load(ROOT / "data", as_of="2024-08-14")
    roles = {role.name: cards.card(role, then) for role in cards.read(TEACHING / "roles.toml", then)}
    assert cards.NOTHING in roles["Sulaymaniyah"] and "lie after the day of the clock" in roles["Ankara"]
    shown_keys = {key for card in roles.values() for key in re.findall(r'data-key="([^"]+)"', card)}
    assert shown_keys <= set(then.claims["claim_id"]) and "A-083" not in shown_keys


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("P-210", "P-999"), "claims.csv has no P-999"),
        (
            ('"border_zone/current" = ["A-020"]', '"border_zone/current" = ["H-023"]'),
            "H-023 shares no page with the row",
        ),
        (('actor = "PUK"', 'actor = "XXX"'), "positions.csv has no actor 'XXX'"),
        (("red_lines =", "wishes ="), "no heading is called wishes"),
    ],
)
def test_a_wrong_role_is_told(change, message, ev, tmp_path):
    text = (TEACHING / "roles.toml").read_text(encoding="utf-8")
    assert change[0] in text
    (tmp_path / "roles.toml").write_text(text.replace(*change, 1), encoding="utf-8")
    with pytest.raises(classroom.ClassroomError, match=message):
        cards.read(tmp_path / "roles.toml", ev)


def test_the_answer_key_has_every_right_answer_and_a_note_on_every_discussion(tmp_path):
    page = answers.write(ROOT / "notebooks", tmp_path / "key.html").read_text(encoding="utf-8")
    assert page.count("class='right'") == sum(
        path.read_text(encoding="utf-8").count("[[question]]")
        for path in (ROOT / "notebooks" / "quizzes").glob("*.toml")
    )
    assert "no note on this discussion" not in page


@pytest.fixture
def alone(started):
    """A browser window without a network, on pages of this machine; the test fails on any request to elsewhere."""
    context = started.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    page, asked, errors = context.new_page(), [], []
    context.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:", "about:"))] == []
    assert errors == []


def opened(page, path):
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready=yes]")


def at(page):
    return page.evaluate("Reveal.getCurrentSlide().id")


def test_a_deck_is_taught_from_the_keyboard_without_a_network(alone, lesson_material, tmp_path):
    path = tmp_path / "deck.html"
    path.write_text(deck.html(lesson_material, 90)[0], encoding="utf-8")
    opened(alone, path)
    press = alone.keyboard.press
    press("ArrowRight")
    press("Space")
    press("ArrowRight")
    assert at(alone) == "section-1"
    alone.wait_for_function("location.hash == '#/section-1'")
    press("Tab")
    press("Enter")
    assert alone.evaluate("document.querySelector(':popover-open').id") == "claim-A-063"
    press("ArrowRight")
    assert at(alone) == "section-1", "an open claim keeps the keys"
    press("Escape")
    press("ArrowRight")
    alone.wait_for_selector("#section-1-1 .main-svg .bars path", state="attached")
    size = "document.querySelector('#section-1-1 .xtick text').getBoundingClientRect().height"
    before = alone.evaluate(size)
    press("z")
    assert alone.evaluate(size) > 1.3 * before
    assert (
        alone.evaluate("parseFloat(getComputedStyle(document.querySelector('#section-1-1 .figure')).width)")
        >= 960 * 24 / 13 - 1
    )
    press("z")
    press("ArrowRight")
    press("Tab")  # the claim in the prompt
    press("Tab")
    press("Enter")
    alone.wait_for_function("document.querySelector('#section-1-2 .timer').textContent.startsWith('9:5')")
    with alone.context.expect_page() as window:
        press("s")
    window.value.wait_for_function(
        "document.querySelector('.speaker-controls-notes .value').textContent.includes('good answer')"
    )


def test_a_figures_slider_becomes_a_list_that_keys_can_change(alone, lesson_material, tmp_path):
    path = tmp_path / "deck.html"
    path.write_text(deck.html(lesson_material, 90)[0], encoding="utf-8")
    opened(alone, path)
    alone.evaluate("location.hash = '#/section-3-1'")
    choice = alone.get_by_label("Year")
    choice.focus()
    choice.press("ArrowDown")
    alone.wait_for_selector("#section-3-1 .figure[aria-label='Is.']")
    assert alone.evaluate("document.querySelector('#section-3-1 .figure').data[0].y[0]") == 30
    assert alone.locator("#section-3-1 .slider-container").count() == 0
    assert at(alone) == "section-3-1"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_slides_are_large_inside_the_screen_and_accessible(alone, lesson_material, scheme, tmp_path, axe):
    path = tmp_path / "deck.html"
    path.write_text(deck.html(lesson_material, 90)[0], encoding="utf-8")
    alone.emulate_media(color_scheme=scheme)
    opened(alone, path)
    found, small, outside = [], [], []
    for number in range(alone.evaluate("Reveal.getTotalSlides()")):
        alone.evaluate("n => { const i = Reveal.getIndices(Reveal.getSlides()[n]); Reveal.slide(i.h, i.v) }", number)
        small += alone.evaluate(
            "[...Reveal.getCurrentSlide().querySelectorAll('*')].filter(e => !e.closest('aside, .figure, .unseen')"
            " && [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()) && parseFloat(getComputedStyle(e).fontSize) < 24)"
            ".map(e => e.outerHTML.slice(0, 90))"
        )
        outside += alone.evaluate(
            "[...Reveal.getCurrentSlide().children].filter(e => !e.matches('aside, .unseen'))"
            ".filter(e => e.getBoundingClientRect().bottom > 720).map(e => e.outerHTML.slice(0, 90))"
        )
        found += axe(alone, f"slide {number}")
    assert (found, small, outside) == ([], [], [])


def test_a_sheet_prints_its_figures_on_a4(alone, lesson_material, tmp_path):
    path = tmp_path / "sheet.html"
    path.write_text(sheet.html(lesson_material)[0], encoding="utf-8")
    opened(alone, path)
    pictures = alone.evaluate("[...document.images].map(i => [i.alt, i.naturalWidth, i.naturalHeight])")
    assert pictures == [["The first figure: 1, 2 and 3.", 860, 400], ["Was.", 860, 400]], "without the slider's room"
    pdf = alone.pdf(prefer_css_page_size=True)
    widths = {float(box) for box in re.findall(rb"/MediaBox \[0 0 ([\d.]+) ", pdf)}
    assert widths and all(abs(width - 595) < 1 for width in widths)


def test_a_real_lesson_becomes_a_deck_of_one_file(tmp_path):
    (path,) = classroom.slides(ROOT / "notebooks", "00", tmp_path, minutes=45, echo=lambda _: None)
    text = path.read_text(encoding="utf-8")
    assert path.stat().st_size < 7e6 and 'id="figure-1-data"' in text
    assert material.pages.remote_loads(re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)) == []
