"""The lessons as a student meets them: in JupyterLab, in Chromium, with the network blocked, from the keyboard."""

import csv
import json
import os
import re
import shutil
import signal

import nbformat
import pytest
from conftest import ROOT

from helpers import appendix, browser, citations, evidence, latency

MARKS = ".js-plotly-plot .scatterlayer .points path"
FOCUSED = "e => e.contains(document.activeElement) && (document.activeElement.labels?.[0]?.innerText ?? '')"
# Three ways in: a script, a picture that fails, a link; and dollars, between which JupyterLab would set a formula.
HOSTILE = (
    "<script>window.__hit=1</script><img src=x onerror=window.__hit=2> [x](javascript:window.__hit=3) "
    '<a href="javascript:window.__hit=4">y</a> $1 or $2, '
)
LINKS = """() => [...document.querySelectorAll("*")].flatMap(e => [e.getAttribute("href"), e.getAttribute("xlink:href"),
    e.getAttribute("src"), e.getAttribute("action")]).filter(v => /^\\s*(javascript|vbscript|data:text)/i.test(v ?? ""))"""


@pytest.fixture(scope="module")
def executed(new_page, lab):
    """Lesson 1, opened by its address, all cells run; one for all tests that read it."""
    with new_page() as page:
        browser.open_lesson(page, lab, "notebooks/01-history.ipynb")
        yield page, browser.run_all(page)


@pytest.fixture
def lesson(executed):
    """Lesson 1 after its run, in the notebook's command mode."""
    page, _ = executed
    page.locator(".jp-Notebook .jp-Cell.jp-mod-active").click(position={"x": 2, "y": 2})
    page.keyboard.press("Escape")
    return page


def wait_drawn(page, cell) -> None:
    cell.scroll_into_view_if_needed()
    plots = cell.locator(".js-plotly-plot")
    plots.first.wait_for(timeout=20_000)
    page.wait_for_function(f"cell => ({browser.DRAWN})(cell).every(Boolean)", arg=cell.element_handle())


def tab_to(page, cell, label: str) -> None:
    """Press Tab until the control with this label has the focus."""
    for _ in range(20):
        page.keyboard.press("Tab")
        if cell.evaluate(FOCUSED) == label:
            return
    pytest.fail(f"Tab does not reach {label!r}")


def walk_to(page, source: str):
    """Walk with the arrow keys, in command mode, to the cell that begins with `source`; returns it."""
    cell = browser.cell_of(page, source)
    here, there = page.evaluate(
        "cell => ['.jp-mod-active', cell].map(c => [...document.querySelectorAll('.jp-Notebook .jp-Cell')]"
        ".indexOf(typeof c == 'string' ? document.querySelector('.jp-Notebook .jp-Cell' + c) : c))",
        cell.element_handle(),
    )
    for _ in range(abs(there - here)):
        page.keyboard.press("ArrowDown" if there > here else "ArrowUp")
    assert "jp-mod-active" in cell.get_attribute("class"), f"the arrow keys do not reach the cell {source!r}"
    return cell


def test_all_cells_of_lesson_1_run_and_every_figure_is_drawn(executed):
    page, errors = executed
    assert errors == []
    cells = browser.figure_cells(page)
    assert len(cells) >= 4
    for cell in cells:
        wait_drawn(page, cell)
    assert page.locator(".jp-Notebook mjx-container").count() == 0  # two sums in dollars are not a formula
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").all_inner_texts() == []


def test_the_timeline_obeys_the_keyboard_and_names_its_sources(lesson):
    cell = walk_to(lesson, "explore.timeline")
    wait_drawn(lesson, cell)
    status, marks = cell.locator("[role=status]"), cell.locator(MARKS)
    before, all_marks = status.inner_text(), marks.count()
    assert re.match(r"(\d+) of \1 claims shown", before)
    tab_to(lesson, cell, "Actor")
    lesson.keyboard.press("ArrowDown")
    lesson.wait_for_function("([e, old]) => e.innerText != old", arg=[status.element_handle(), before])
    shown = int(status.inner_text().split()[0])
    lesson.wait_for_function(
        "([cell, marks, n]) => cell.querySelectorAll(marks).length < n", arg=[cell.element_handle(), MARKS, all_marks]
    )
    assert 0 < shown < all_marks and marks.count() >= shown
    tab_to(lesson, cell, "Claim")
    lesson.keyboard.press("ArrowDown")
    card = cell.locator(".claim-card")
    card.wait_for()
    chosen = card.locator("h4").inner_text()
    assert cell.get_by_label("Claim", exact=True).locator("option:checked").inner_text().startswith(chosen)
    links = card.locator("a").evaluate_all("all => all.map(a => [a.protocol, a.rel])")
    assert links and all(p in ("http:", "https:") and "noopener" in rel for p, rel in links)


MOVES = [0, 1, 1, 0, 2, 2, 1, 1, 0, 0, 1, 0, 2, 1, 0, 0, 1, 1, 2, 2]
PAUSES = [0, 0, 400, 0, 15, 400, 60, 0, 0, 400, 120, 0, 400, 400, 0, 0, 15, 400, 0, 0]
BROWSER_HEIGHTS = "plot => plot.data.slice(0, 3).map(trace => [...trace.y])"
KERNEL_HEIGHTS = """
import gc, json
from helpers.explorers.base import Explorer
shown = next(e for e in gc.get_objects() if isinstance(e, Explorer) and e.widget.comm is not None and "over time" in e.label)
print(json.dumps([[None if y != y else y for y in trace.y] for trace in shown.figure.data[:3]]))
print(len(shown.access.ahead.get("steps", {})))
"""


def test_however_fast_the_keys_the_figure_ends_as_the_kernel_has_it(lesson):
    """Some pictures are drawn ahead of the kernel: moves on, back at once, of one control and the next, with and without a rest."""
    cell = browser.cell_of(lesson, "explore.timeline")
    wait_drawn(lesson, cell)
    browser.show(cell.locator(".course-figure"))
    controls = [cell.get_by_label(name, exact=True) for name in ("Theme", "Status", "Actor")]
    ahead = set()
    for number, (at, pause) in enumerate(zip(MOVES, PAUSES, strict=True)):
        controls[at].focus()
        lesson.keyboard.press("ArrowUp" if number % 3 == 2 else "ArrowDown")
        lesson.wait_for_timeout(pause)
        if pause == 400:
            ahead.add(compared(lesson, cell))
    lesson.wait_for_timeout(800)
    compared(lesson, cell)
    assert ahead & {1, 2}, "nothing was ever drawn ahead"


def test_the_next_step_is_drawn_without_the_kernel_and_its_answer_draws_nothing_again(lesson):
    cell = browser.cell_of(lesson, "explore.timeline")
    wait_drawn(lesson, cell)
    browser.show(cell.locator(".course-figure"))
    plot = cell.locator(".js-plotly-plot").first
    for name in ("Actor", "Status", "Theme"):  # whatever another test has chosen
        cell.get_by_label(name, exact=True).focus()
        lesson.keyboard.press("Home")
    lesson.keyboard.press("ArrowDown")
    lesson.wait_for_timeout(600)
    plot.evaluate("plot => ((window.drawn = 0), plot.on('plotly_afterplot', () => window.drawn++))")
    before = plot.evaluate(BROWSER_HEIGHTS)
    kernel = int(latency.execute(lesson, "import os; print(os.getpid())"))
    os.kill(kernel, signal.SIGSTOP)
    try:
        lesson.keyboard.press("ArrowDown")
        lesson.wait_for_function("drawn == 1", timeout=3_000)
        assert plot.evaluate(BROWSER_HEIGHTS) != before
    finally:
        os.kill(kernel, signal.SIGCONT)
    lesson.wait_for_timeout(600)
    compared(lesson, cell)
    assert lesson.evaluate("drawn") == 1


def test_a_figure_of_a_new_height_still_follows_the_width_of_the_page(lesson):
    cell = browser.cell_of(lesson, "explore.instruments")
    wait_drawn(lesson, cell)
    browser.show(cell.locator(".course-figure"))
    plot = cell.locator(".js-plotly-plot").first
    size = "plot => [plot._fullLayout.width, plot._fullLayout.height, plot.clientWidth]"
    lesson.wait_for_function(f"plot => (s => s[0] == s[2])(({size})(plot))", arg=plot.element_handle())
    wide, high, _ = plot.evaluate(size)
    cell.get_by_label("From year", exact=True).fill("2000")
    lesson.keyboard.press("Enter")
    lesson.wait_for_function(f"([plot, high]) => ({size})(plot)[1] < high", arg=[plot.element_handle(), high])
    assert plot.evaluate(size)[0] == wide
    try:
        lesson.set_viewport_size({**browser.VIEWPORT, "width": 1150})
        lesson.wait_for_function(
            f"([plot, wide]) => (s => s[0] < wide && s[0] == s[2])(({size})(plot))", arg=[plot.element_handle(), wide]
        )
    finally:
        lesson.set_viewport_size(browser.VIEWPORT)


def compared(page, cell) -> int:
    """Compare what the browser draws with what the kernel holds; returns how many steps the kernel has drawn ahead."""
    kernel, steps = latency.execute(page, KERNEL_HEIGHTS).splitlines()
    assert cell.locator(".js-plotly-plot").first.evaluate(BROWSER_HEIGHTS) == json.loads(kernel)
    return int(steps)


def test_a_quiz_answer_opens_and_explains_by_enter(lesson):
    cell = walk_to(lesson, "lesson.quiz(")
    answer = cell.locator("summary").first
    for _ in range(5):
        lesson.keyboard.press("Tab")
        if answer.evaluate("e => e == document.activeElement"):
            break
    feedback = cell.locator("details p").first
    assert not feedback.is_visible()
    lesson.keyboard.press("Enter")
    feedback.wait_for(state="visible")
    assert re.match(r"(Yes|Not quite)\. \S+", feedback.inner_text())


def test_a_claim_in_the_prose_opens_its_entry(lesson):
    opens_entry(lesson, "H-054")


def test_a_link_opens_its_entry_and_hostile_text_in_it_stays_text(page, lab, tmp_path):
    ev = evidence.load()
    ev.claims.loc[ev.claims["claim_id"] == "H-120", "claim"] = HOSTILE
    folder = lab.folder / "appendix"
    folder.mkdir()
    appendix.write(ev, folder)
    notebook([nbformat.v4.new_markdown_cell(f"[H-120]({citations.link('H-120')})")], folder / "lesson.ipynb")
    browser.open_lesson(page, lab, "appendix/lesson.ipynb")
    viewer = opens_entry(page, "H-120")
    assert viewer.locator("h3 + p", has_text="window.__hit=1").inner_text() == HOSTILE.strip()
    assert viewer.locator("mjx-container, script").count() == 0
    assert_harmless(page)


def opens_entry(page, key: str):
    """Click the key in a lesson's prose; the appendix opens with the key's heading at the top of what is seen."""
    page.locator(".jp-MarkdownCell .jp-RenderedMarkdown a", has_text=key).first.click()
    viewer = page.locator(".jp-MarkdownViewer")
    heading = viewer.locator("h3", has_text=key)
    heading.wait_for(timeout=30_000)
    page.wait_for_function("e => Math.abs(e.getBoundingClientRect().top - 80) < 60", arg=heading.element_handle())
    return viewer


def assert_harmless(page) -> None:
    assert page.evaluate("window.__hit") is None
    assert page.evaluate(LINKS) == []
    assert page.locator("img[src=x]").count() == 0


CELLS = {
    "header": "lesson.header(ev, statements=['S-07'])",
    "timeline": "t = explore.timeline(ev)\nt.controls['claim'].value = 'H-054'",
    "sources": "s = explore.sources(ev)\ns.controls['claim'].value = 'H-054'",
    "instruments": (
        "i = explore.instruments(ev)\ni.controls['text'].value = '1926-ankara-treaty'\n"
        "i.controls['feature'].value = 'cross_border_pursuit'"
    ),
    "pages": "figures.pages_and_origins(ev.claims.head(6))",
    "places": "figures.places(ev.places.head(8), ev.outlines('countries'))",
    "table": "ev.claims.head(3)[['claim', 'notes', 'actors']]",
    "scorecard": "lesson.scorecard(ev, ['S-07'])",
    "used": "lesson.evidence_used(ev, 'hostile.ipynb')",
}


def test_what_stands_in_the_tables_stays_text(page, lab):
    folder = lab.folder / "hostile"
    poison(ROOT / "data", folder / "data")
    code = [nbformat.v4.new_code_cell(f"# {name}\n{source}") for name, source in CELLS.items()]
    first = (
        "from helpers import evidence, figures, lesson\nfrom helpers import explorers as explore\nev = evidence.load()"
    )
    cells = [nbformat.v4.new_code_cell(first), nbformat.v4.new_markdown_cell("As in [H-054]."), *code]
    notebook(cells, folder / "notebooks/hostile.ipynb")
    browser.open_lesson(page, lab, "hostile/notebooks/hostile.ipynb")
    assert browser.run_all(page) == []
    for cell in browser.figure_cells(page):
        wait_drawn(page, cell)
    page.locator(".jp-Notebook details").evaluate_all("all => all.forEach(d => d.open = true)")
    for name in CELLS:
        output = browser.cell_of(page, f"# {name}\n").locator(".jp-OutputArea")
        assert "<script>window.__hit" in output.evaluate("e => e.textContent"), name
    assert "<script>" in hovered(page, browser.cell_of(page, "# timeline\n"))
    assert page.locator(".jp-Notebook .claim-card", has_text="$1 or $2").count() == 3
    assert_harmless(page)
    assert page.locator(".jp-Notebook mjx-container").count() == 0


def hovered(page, cell) -> str:
    """Point at marks of a figure until one tells what it is; returns the words."""
    cell.locator(".course-figure").scroll_into_view_if_needed()
    for mark in cell.locator(MARKS).all()[:10]:
        box = mark.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2 - 1, box["y"] + box["height"] / 2)
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_timeout(150)
        if words := cell.locator(".hoverlayer").text_content():
            return words
    return ""


def poison(data, copy) -> None:
    """Copy the tables; every cell of free text begins with HOSTILE, every address of a source is a script."""
    shutil.copytree(data, copy, ignore=shutil.ignore_patterns("__pycache__", "builders"))
    resources = json.loads((copy / "datapackage.json").read_text(encoding="utf-8"))["resources"]
    for resource in resources:
        if resource["name"] not in evidence.TABLES:
            continue
        path = copy / resource["path"]
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for field in filter(is_free, resource["schema"]["fields"]):
            end = ";" if "separator" in field else ""
            for row in rows:
                row[field["name"]] = HOSTILE + end + row[field["name"]]
        for row in rows:
            if "url" in row:
                row["url"] = "javascript:window.__hit=5"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)


def is_free(field: dict) -> bool:
    ruled = {"enum", "pattern"} & set(field.get("constraints", {}))
    return field["type"] == "string" and not ruled and "references" not in field and not field["name"].endswith("_id")


def notebook(cells, path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
