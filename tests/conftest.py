"""What tests share: the browser, one JupyterLab, one built site, axe-core, and where screenshots are kept."""

import fcntl
import importlib.util
import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers import browser as machinery

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session", autouse=True)
def own_commands():
    """Put this Python's commands on the PATH, as an activated environment does: nbgrader calls `alembic` by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        yield


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of an installed Chromium. Without one the test is skipped, or fails where REQUIRE_BROWSER is set (CI)."""
    if path := machinery.chromium():
        return path
    message = "no Chromium on the PATH: install it (Debian: apt-get install chromium) to run the browser tests"
    if os.environ.get("REQUIRE_BROWSER"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def lab(chromium, tmp_path_factory):
    """JupyterLab on a copy of the course: the lessons in notebooks/, the tables in data/ beside them."""
    folder = tmp_path_factory.mktemp("course")
    for name in ("notebooks", "data"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    with machinery.jupyterlab(folder) as running:
        yield running


@pytest.fixture(scope="module")
def started(chromium):
    """Chromium, started once for a module: Playwright holds the thread's event loop, which a notebook's client elsewhere needs."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as session:
        running = session.chromium.launch(executable_path=chromium, args=machinery.ARGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def new_page(started, lab):
    """A context manager that opens a page and, when it ends, fails on any request that left this machine."""

    @contextmanager
    def opened():
        context = started.new_context(viewport=machinery.VIEWPORT)
        away = machinery.watch(context, lab)
        try:
            yield context.new_page()
            assert away == [], "requests left this machine"
        finally:
            context.close()

    return opened


@pytest.fixture
def page(new_page):
    """A fresh page for JupyterLab; the test fails on any request that leaves this machine."""
    with new_page() as fresh:
        yield fresh


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The folder of the built site, made once for all the processes that run the tests."""
    pytest.importorskip("sphinx")
    pytest.importorskip("myst_nb")
    from helpers import site as builder

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "site"
    with (shared / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "index.html").exists():
            builder.build(ROOT / "notebooks", ROOT / "data", folder, echo=lambda line: None)
    return folder


@pytest.fixture(scope="session")
def axe():
    """Return a function that gives what axe-core finds serious or critical on a page; it takes axe's own options.

    `within`: selectors of the parts to look at, left out: the whole page. The script is the file that AXE names, or the
    one inside the package axe-playwright-python.
    """
    found = importlib.util.find_spec("axe_playwright_python")
    path = os.environ.get("AXE") or (found and Path(found.submodule_search_locations[0], "axe.min.js"))
    if not path:
        pytest.skip("no axe-core: install axe-playwright-python, or name axe.min.js in the variable AXE")
    script = Path(path).read_text(encoding="utf-8")

    def look(page, name: str, within: list[str] = (), **options) -> list[str]:
        if not page.evaluate("window.axe !== undefined"):
            page.evaluate(script)
        # Without `preload: false` axe would read the style sheets once more, which a browser refuses in a folder.
        options = {"resultTypes": ["violations"], "preload": False} | options
        run = "([within, options]) => axe.run(within.length ? {include: within.map(s => [s])} : document, options)"
        violations = page.evaluate(run, [list(within), options])["violations"]
        serious = [each for each in violations if each["impact"] in ("serious", "critical")]
        return [f"{name}: {each['id']}: {n['html'][:160]}" for each in serious for n in each["nodes"][:3]]

    return look


@pytest.fixture(scope="session")
def keep(tmp_path_factory):
    """Return a function that keeps a screenshot of a page under a name, in the folder SCREENSHOTS (CI) or a temporary one."""
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)

    def shot(page, name: str, **options) -> None:
        page.screenshot(path=folder / f"{name}.png", **options)

    return shot
