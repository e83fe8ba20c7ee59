"""A student's whole way through the course with the network blocked: the site, then JupyterLab. Screenshots are kept.

What single parts promise is tested beside them; this test says that the way from one to the next is open.
"""

import ast
import json
import re
from contextlib import contextmanager

import nbformat
import pytest
from conftest import ROOT

from helpers import browser, latency
from helpers.exercises import release, variants

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
LESSONS = sorted(path.name for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
OURS = [".jp-OutputArea-output", ".jp-RenderedMarkdown"]  # the rest of the page is JupyterLab's
TWINS = {
    "01-history": ("combobox", "Actor"),
    "02-pkk-dispute": ("slider", "Year"),
    "03-agreement-terms": ("combobox", "Text"),
}


@pytest.fixture(scope="module")
def reader(site, started):
    """A page that is opened from the site's folder and may load nothing from anywhere else."""
    away, errors = [], []

    def judge(route):
        if route.request.url.startswith((site.as_uri(), "data:", "blob:")):
            return route.continue_()
        away.append(route.request.url)
        route.abort()

    context = started.new_context(viewport=DESKTOP)
    context.route("**/*", judge)
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert (away, errors) == ([], []), "requests left the folder, or a script failed"


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_on_the_site_from_the_front_page_to_a_source_and_three_twins(reader, site, keep, size, request):
    page, width = reader, request.node.callspec.id
    page.set_viewport_size(size)
    page.goto(f"{site.as_uri()}/index.html")
    drawn(page)
    keep(page, f"site-{width}-front", full_page=True)

    page.locator("#text").get_by_role("link", name="Lesson 1", exact=False).first.click()
    drawn(page)
    assert "Who could act on whose soil" in page.locator("h1").inner_text()
    keep(page, f"site-{width}-lesson")
    page.locator("#text").get_by_role("link", name="H-054").first.click()
    page.wait_for_url("**/evidence/H.html#H-054")
    in_sight(page, page.get_by_role("heading", name="H-054", exact=True))
    keep(page, f"site-{width}-claim")
    entry = page.locator("section:has(> h3:text-is('H-054'))")
    name = entry.locator("a.external").first.inner_text()
    entry.get_by_role("link", name="full reference").first.click()
    page.wait_for_url("**/bibliography.html#*")
    source = page.locator("li:target")
    in_sight(page, source)
    assert name.rsplit(" ", 1)[0] in source.inner_text() and "H-054" in source.inner_text()
    keep(page, f"site-{width}-source")

    for lesson, (role, name) in TWINS.items():
        page.goto(f"{site.as_uri()}/{lesson}.html")
        drawn(page)
        twin = page.locator(".plot").filter(has=page.get_by_role(role, name=name)).first
        control, words = twin.get_by_role(role, name=name), twin.locator(".plot-area")
        before = words.get_attribute("aria-label")
        control.focus()
        page.keyboard.press("ArrowRight" if role == "slider" else "ArrowDown")
        page.wait_for_function(
            "([e, old]) => e.getAttribute('aria-label') != old", arg=[words.element_handle(), before]
        )
        keep(page, f"site-{width}-twin-{lesson}")


@pytest.mark.parametrize("name", LESSONS)
def test_in_a_lesson_each_explorer_and_the_quiz(new_page, lab, axe, keep, name):
    with new_page() as page:
        page.add_init_script(latency.WATCH)
        browser.open_lesson(page, lab, f"notebooks/{name}")
        assert browser.run_all(page) == []
        stem, cells = name.removesuffix(".ipynb"), page.locator(".jp-Notebook .jp-Cell")
        for number, call in explorers(lab.folder / "notebooks" / name).items():
            use(page, cells.nth(number), number, call)
            keep(page, f"lab-{stem}-{call}")
            with phone(page):
                browser.show(cells.nth(number).locator(".course-explorer"))
                keep(page, f"lab-phone-{stem}-{call}")

        quiz = browser.cell_of(page, "lesson.quiz(")
        browser.show(quiz)
        answer = quiz.locator("summary").first
        answer.focus()
        page.keyboard.press("Enter")
        feedback = quiz.locator("details p").first
        feedback.wait_for(state="visible")
        assert re.match(r"(Yes|Not quite)\. \S+", feedback.inner_text())
        keep(page, f"lab-{stem}-quiz")
        assert axe(page, stem, within=OURS) == []


@contextmanager
def phone(page):
    """Show JupyterLab as narrow as a phone, its list of files put away."""
    toggle = "jupyterapp.commands.execute('application:toggle-left-area')"
    page.set_viewport_size(PHONE)
    page.evaluate(toggle)
    yield
    page.evaluate(toggle)
    page.set_viewport_size(browser.VIEWPORT)


# The figure's title, and how many points each visible trace has, if any: in the kernel, and in the browser before anything is moved.
HELD = """
import gc, json
from helpers.explorers.base import Explorer
figure = next(e for e in gc.get_objects() if isinstance(e, Explorer) and e.widget.comm and e.widget.model_id == {model!r}).figure
sizes = [len(next((v for v in (t["x"] if "x" in t else t["lon"],) if v is not None), ())) for t in figure.data if t.visible is not False]
print(json.dumps([figure.layout.title.text, [size for size in sizes if size]]))
"""
SEEN = """plot => [plot._fullLayout.title.text,
  plot._fullData.filter((t) => t.visible === true).map((t) => (t.x ?? t.lon ?? []).length).filter(Boolean)]"""


def use(page, cell, number: int, call: str) -> None:
    """Move each control that changes the figure by a key; the figure must be painted anew each time."""
    browser.show(cell)
    page.wait_for_function(f"cell => ({browser.DRAWN})(cell).some(Boolean)", arg=cell.element_handle())
    held = json.loads(latency.execute(page, HELD.format(model=latency.model_of(page, number))))
    assert cell.locator(".course-figure .js-plotly-plot").evaluate(SEEN) == held, f"{call}: not what the kernel holds"
    for spec in latency.controls(page, number):
        mover = latency.Mover(page, cell, ".course-figure", spec)
        browser.show(mover.figure)
        mover.handle.evaluate("e => e.focus({preventScroll: true})")
        # Some values leave a figure as it is; one in the first few must not.
        assert any(mover.moves(1) for _ in range(min(6, spec["room"] + 1))), f"{call}: {spec['label']} changes nothing"
        latency.execute(page, "from helpers import latency; latency.restore()")


def explorers(path) -> dict[int, str]:
    """Return the cells of a notebook that show an explorer, by number: its name."""
    found = {}
    for number, cell in enumerate(nbformat.read(path, 4).cells):
        if cell.cell_type == "code" and (call := latency.explorer_call(cell.source)):
            found[number] = ast.parse(call, mode="eval").body.func.attr
    return found


def test_in_an_exercise_from_the_open_task_up_the_ladder_of_hints(new_page, lab, axe, keep):
    exercise = variants.find_exercise(ROOT / "exercises" / "ex1")
    path = lab.folder / "exercises" / "ex1" / "ex1.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(release.released_notebook(exercise), path)
    with new_page() as page:
        browser.open_lesson(page, lab, "exercises/ex1/ex1.ipynb")
        assert browser.run_all(page) == []
        cell = task(page, 'check("q1"')
        browser.show(cell)
        assert told(cell).startswith("q1: not answered yet")
        keep(page, "lab-exercise-open")

        ladder = [answered(page, cell, 'q1 = 5\ncheck("q1", q1)') for _ in range(4)]
        assert "a table (DataFrame) was asked for" in ladder[0]
        assert len(set(ladder)) >= 3 and "Think:" in ladder[-1], ladder
        assert not any(re.search(r"\b(Traceback|expected answer)\b", words) for words in ladder)
        keep(page, "lab-exercise-hints")

        named = 'q1 = pd.DataFrame({"decade": [1980], "claims": [3]})\ncheck("q1", q1)'
        assert "columns asked for" in answered(page, cell, named)
        whole = (
            'q1 = pd.DataFrame({"decade": [1980], "claims": [3], "backed": [2], "share": [66.7], "reading": ["thin"]})\n'
            'check("q1", q1)'
        )
        assert "the form is as asked" in answered(page, cell, whole)
        keep(page, "lab-exercise-answered")
        assert axe(page, "ex1", within=OURS) == []


def task(page, words: str):
    """Return the code cell in which `words` stand."""
    number = page.evaluate(
        "words => jupyterapp.shell.currentWidget.content.widgets.findIndex("
        "c => c.model.type == 'code' && c.model.sharedModel.source.includes(words))",
        words,
    )
    return page.locator(".jp-Notebook .jp-Cell").nth(number)


def answered(page, cell, source: str) -> str:
    """Type `source` in place of what stands in the cell, run it by keyboard, and return what the cell then says."""
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(source)
    before = cell.locator(".jp-InputPrompt").inner_text()
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        r"([e, old]) => e.innerText != old && /\[\d+\]/.test(e.innerText)",
        arg=[cell.locator(".jp-InputPrompt").element_handle(), before],
    )
    return told(cell)


def told(cell) -> str:
    return cell.locator(".jp-OutputArea-output").inner_text().strip()


def drawn(page) -> None:
    page.wait_for_function("[...document.querySelectorAll('.plot-area')].every(area => area.dataset.drawn)")


def in_sight(page, part) -> None:
    part.wait_for()
    page.wait_for_function(
        "e => { const top = e.getBoundingClientRect().top; return top >= 0 && top < innerHeight / 2 }",
        arg=part.element_handle(),
    )
