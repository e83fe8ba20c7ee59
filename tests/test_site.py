"""The site as a reader has it: a folder opened in a browser, with the network off."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from helpers import evidence

pytest.importorskip("sphinx")
pytest.importorskip("myst_nb")

from helpers import site as builder
from helpers.site import lessons, pages, sphinx_build

ROOT = Path(__file__).parent.parent
# One page of each kind: the palette is one file.
DARK = ("index.html", "02-pkk-dispute.html", "S.html", "data.html", "glossary.html", "downloads.html", "search.html")
WIDE, PHONE = (1280, 900), (390, 844)
DRAWN = "[...document.querySelectorAll('.plot-area')].every(area => area.dataset.drawn)"


@pytest.fixture(scope="module")
def ev():
    return evidence.load(ROOT / "data")


@pytest.fixture(scope="module")
def opened(site, started):
    """Open a page of the site; afterwards no request may have left the folder and no script may have failed."""
    away, errors = [], []
    context = started.new_context(viewport=dict(zip(("width", "height"), WIDE, strict=True)))

    def judge(route):
        if route.request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            away.append(route.request.url)
            route.abort()

    context.route("**/*", judge)

    def open_page(address):
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(f"{address}: {error}"))
        page.on("console", lambda line: errors.append(f"{address}: {line.text}") if line.type == "error" else None)
        page.goto(f"{site.as_uri()}/{address}")
        page.wait_for_function(DRAWN, timeout=60_000)
        return page

    yield open_page
    context.close()
    assert away == [], "requests left the folder"
    assert errors == [], "a script failed"


class Page(HTMLParser):
    """The parts of a page that the tests look at."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads, self.headings, self.lang, self.title = [], [], [], [], "", ""
        self._in_title = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.links += [attrs["href"]] if tag == "a" and attrs.get("href") else []
        self.loads += [attrs[name] for name in ("src",) if attrs.get(name)]
        self.loads += [attrs["href"]] if tag == "link" and attrs.get("rel") != "search" else []
        self.headings += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []
        self.lang = attrs.get("lang", "") if tag == "html" else self.lang
        self._in_title = tag == "title"

    def handle_data(self, data):
        self.title += data if self._in_title else ""


@pytest.fixture(scope="module")
def read(site):
    return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}


def test_every_link_and_file_of_every_page_is_there(read, site):
    lost = []
    for path, page in read.items():
        for address in page.links + page.loads:
            parts = urlsplit(address)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file() or (
                target in read and "=" not in parts.fragment and unquote(parts.fragment) not in ["", *read[target].ids]
            ):
                lost.append(f"{path.relative_to(site)} -> {address}")
    assert lost == []


def test_every_page_has_a_language_a_title_of_its_own_and_headings_in_order(read):
    for path, page in read.items():
        assert page.lang == "en", path.name
        assert page.headings.count(1) == 1, path.name
        assert page.headings[0] == 1, path.name
        steps = [later - earlier for earlier, later in zip(page.headings, page.headings[1:], strict=False)]
        assert max(steps, default=0) <= 1, f"{path.name} leaves out a level of headings"
        assert len(set(page.ids)) == len(page.ids), f"{path.name} has an id twice"
    titles = [page.title for page in read.values()]
    assert len(set(titles)) == len(titles)


def test_the_whole_is_small_and_has_one_plotly(site):
    files = [path for path in site.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 15_000_000
    assert [path.name for path in files if path.stat().st_size > 1_000_000] == ["plotly.min.js"]


def test_every_claim_has_an_entry_and_a_line_in_the_ledger(read, site, ev):
    anchors = {anchor for path, page in read.items() if path.parent.name == "evidence" for anchor in page.ids}
    assert set(ev.claims["claim_id"]) <= anchors
    assert set(ev.article_claims["statement_id"]) <= anchors
    ledger = json.loads((site / "ledger-data.js").read_text(encoding="utf-8").partition("=")[2].rstrip("; \n"))
    assert {row["key"] for row in ledger["claims"]} == set(ev.claims["claim_id"])


def test_the_downloads_are_the_tables_the_bibliography_and_the_notebooks(site, ev):
    described = pages.package(ev)["resources"]
    assert all(
        (site / "downloads" / each["path"]).read_bytes() == (ROOT / "data" / each["path"]).read_bytes()
        for each in described
    )
    assert (site / "downloads/sources.bib").read_text(encoding="utf-8").count("\n@") == len(ev.sources)
    for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"):
        assert (site / "downloads/notebooks" / path.name).read_bytes() == path.read_bytes()


def test_right_to_left_words_are_set_so(site):
    glossary = (site / "glossary.html").read_text(encoding="utf-8")
    words = re.findall(r"<span ([^>]*)>([^<]*)</span>", glossary)
    arabic = [attributes for attributes, word in words if re.search("[\u0600-\u06ff]", word)]
    latin = [
        attributes
        for attributes, word in words
        if "lang=" in attributes and re.fullmatch(r"[\w' .()-]+", word, re.ASCII)
    ]
    assert len(arabic) > 40
    assert all('dir="rtl"' in each and re.search('lang="(ar|fa|ckb)"', each) for each in arabic)
    assert latin and all('dir="ltr"' in each for each in latin)


def test_every_page_opens_within_two_seconds_draws_its_figures_and_keeps_to_its_width(opened, read, site):
    for path in read:
        page = opened(path.relative_to(site).as_posix())
        loaded = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        assert loaded <= 2000, path.name
        for plot in page.locator(".plot-area").all():
            marks = plot.evaluate("e => e.querySelectorAll('.main-svg path, .main-svg rect, .main-svg image').length")
            assert marks > 5, f"{path.name}: a figure is empty"
            assert len(plot.get_attribute("aria-label")) > 30
        for width, height in (WIDE, PHONE):
            page.set_viewport_size({"width": width, "height": height})
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 0, f"{path.name} scrolls sideways at {width} pixels"
        page.close()


def test_a_claim_of_a_lesson_opens_its_entry_with_sources(opened):
    page = opened("01-history.html")
    page.get_by_role("link", name="H-054").first.click()
    page.wait_for_url("**/evidence/H.html#H-054", wait_until="commit", timeout=90_000)
    page.wait_for_load_state()
    heading = page.get_by_role("heading", name="H-054", exact=True)
    assert 0 <= heading.bounding_box()["y"] < 300, "the entry is not in sight"
    entry = page.locator("section:has(> h3:text-is('H-054'))")
    assert "contested" in entry.inner_text()
    assert entry.locator("a.external").count() > 5
    page.close()


def test_the_ledger_is_filtered_from_the_keyboard_and_by_its_address(opened, ev):
    page = opened("ledger.html#status=contested")
    contested = ev.claims[ev.claims["status"] == "contested"]
    count = page.locator("#ledger-count")
    assert count.inner_text() == f"{len(contested)} of {len(ev.claims)} claims."
    page.get_by_label("Actor").focus()
    page.keyboard.type("Iran")
    page.keyboard.press("Tab")
    both = contested[contested["actors"].map(lambda actors: "IRN" in actors)]
    assert page.locator("#ledger > li").count() == len(both) > 0
    page.get_by_role("button", name="Show all").click()
    page.get_by_label("From year").fill("1926")
    page.get_by_label("To year").fill("1926")
    in_1926 = ev.claims[(ev.claims["starts"].dt.year <= 1926) & (ev.claims["ends"].dt.year >= 1926)]
    assert page.locator("#ledger > li").count() == len(in_1926) > 0
    page.get_by_role("button", name="Show all").click()
    page.get_by_label("Words").fill("suleymaniye bashika")
    assert count.inner_text().startswith("0 of")
    page.get_by_label("Words").fill("Öcalan")
    assert page.locator("#ledger > li").count() == ev.claims["claim"].str.contains("calan").sum()
    page.close()


def test_search_finds_pages_and_claims_in_a_folder(opened, ev):
    page = opened("index.html")
    page.get_by_label("Search").fill("pipeline")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=pipeline")
    page.wait_for_selector("#search-results li a")
    found = page.locator("#search-results li a").all_inner_texts()
    assert any("Lesson" in each or "Evidence" in each for each in found)
    matching = int(ev.claims["claim"].str.contains("pipeline", case=False).sum())
    page.wait_for_function("n => document.querySelectorAll('#ledger > li').length === n", arg=matching)
    assert matching > 0
    page.locator("#search-results li a").first.click()
    page.wait_for_load_state()
    assert page.locator("h1").count() == 1
    page.close()


def test_the_bibliography_is_filtered(opened, ev):
    page = opened("bibliography.html")
    page.get_by_label("Language").select_option("fa")
    assert page.locator(".references > li:visible").count() == (ev.sources["language"] == "fa").sum()
    page.close()


def test_twins_are_explored_with_the_keyboard(opened, ev):
    page = opened("02-pkk-dispute.html")
    plot = page.locator(".plot", has=page.get_by_label("Year", exact=True))
    area, control = plot.locator(".plot-area"), plot.get_by_label("Year", exact=True)
    before = area.get_attribute("aria-label")
    control.focus()
    page.keyboard.press("ArrowRight")
    year = int(control.get_attribute("aria-valuetext"))
    title = area.locator(".gtitle")
    page.wait_for_function("([e, words]) => e.textContent.includes(words)", arg=[title.element_handle(), str(year)])
    cells = ev.table("ucdp_ged_cells")
    deaths = int(cells.loc[cells["year"] == year, "best"].sum())
    assert f"{deaths:,} deaths" in area.get_attribute("aria-label") != before
    page.close()

    page = opened("03-agreement-terms.html")
    plot = page.locator(".plot", has=page.get_by_role("combobox", name="Text"))
    plot.get_by_role("combobox", name="Text").focus()
    page.keyboard.type("Memorandum, c")
    circulated = int((ev.terms["instrument_id"] == "mou-2024-08-15-leak").sum())
    page.wait_for_function(
        "([e, words]) => e.getAttribute('aria-label').startsWith(words)",
        arg=[plot.locator(".plot-area").element_handle(), f"Grid of {circulated} provisions"],
    )
    page.close()


def test_every_twin_has_a_control(opened, read, site):
    without = []
    for path in (path for path in read if re.match(r"\d\d-", path.name)):
        page = opened(path.name)
        twins = page.locator(".plot:has(.plot-note)")
        without += [path.name for twin in twins.all() if not twin.locator(".plot-controls :is(select, input)").count()]
        page.close()
    assert without == []


def test_axe_finds_nothing_serious(opened, read, site, axe):
    """Every page on a wide screen in the light palette; then what a narrow screen, and the dark palette, can change."""
    told = []
    for path in read:
        page = opened(path.relative_to(site).as_posix())
        told += axe(page, path.name)
        page.set_viewport_size(dict(zip(("width", "height"), PHONE, strict=True)))
        narrow = ["scrollable-region-focusable", "target-size", "label", "aria-hidden-focus"]
        told += axe(page, f"{path.name} on a phone", runOnly=narrow)
        if path.name in DARK:
            page.emulate_media(color_scheme="dark")
            told += axe(page, f"{path.name} in the dark", runOnly=["color-contrast"])
        page.close()
    assert told == []


def test_a_page_prints_its_figures_and_leaves_out_what_paper_cannot_use(opened):
    page = opened("03-agreement-terms.html")
    page.emulate_media(media="print")
    assert not page.locator("header.top").is_visible()
    assert not page.locator("nav[aria-label=Contents]").is_visible()
    assert page.locator(".plot-area .main-svg").first.is_visible()
    page.close()


def test_the_site_does_not_empty_a_folder_that_it_did_not_make(tmp_path):
    (tmp_path / "thesis.docx").write_text("three years of work")
    with pytest.raises(builder.SiteError, match="something else than a site"):
        builder.build(ROOT / "notebooks", ROOT / "data", tmp_path)
    assert (tmp_path / "thesis.docx").exists()
    with pytest.raises(builder.SiteError, match="holds the lessons"):
        builder.build(ROOT / "notebooks", ROOT / "data", ROOT)


def test_a_link_that_leads_nowhere_stops_the_build_and_is_named(tmp_path):
    source, extra = tmp_path / "source", tmp_path / "extra"
    (source / "evidence").mkdir(parents=True)
    extra.mkdir()
    (source / "index.md").write_text("# Front\n\nSee [H-999](evidence/H.md#H-999).\n\n```{toctree}\nevidence/H\n```\n")
    (source / "evidence/H.md").write_text("# Evidence\n\n## H-001\n\nA claim.\n")
    with pytest.raises(builder.SiteError, match=r"index\.md:3.*H-999"):
        sphinx_build.run(source, tmp_path / "html", extra=extra)


def test_a_page_that_would_load_from_the_network_stops_the_build(tmp_path):
    source, extra = tmp_path / "source", tmp_path / "extra"
    source.mkdir()
    extra.mkdir()
    (source / "index.md").write_text("# Front\n\n<img src='https://example.org/map.png' alt='A map'>\n")
    with pytest.raises(builder.SiteError, match=r"index\.html would load https://example\.org/map\.png"):
        sphinx_build.run(source, tmp_path / "html", extra=extra)


def test_outputs_lead_to_pages_of_the_site_and_nothing_else_changes():
    given = (
        '<a href="evidence/H.md#H-054">H-054</a> <a href="01-history.ipynb">1</a> <a href="https://a.org/x.md">x</a>'
    )
    assert lessons.tidy(given) == (
        '<a href="evidence/H.html#H-054">H-054</a> <a href="01-history.html">1</a> <a href="https://a.org/x.md">x</a>'
    )


def test_nothing_in_a_figure_can_leave_its_place():
    figure = {"data": [], "layout": {"height": 300, "meta": {"alt": 'a "quoted" <b>'}, "title": {"text": "</script>"}}}
    made = lessons.figure_html(figure, "one")
    assert made.count("</script>") == 1
    assert 'aria-label="a &quot;quoted&quot; &lt;b&gt;"' in made
