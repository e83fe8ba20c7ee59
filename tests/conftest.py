"""What tests share: the browser, and one JupyterLab for all of them."""

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
def new_page(chromium, lab):
    """A context manager that opens a page and, when it ends, fails on any request that left this machine.

    A module's own browser: Playwright holds the thread's event loop, which a notebook's client in another module needs.
    """
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as session:
        browser = session.chromium.launch(executable_path=chromium, args=machinery.ARGS)

        @contextmanager
        def opened():
            context = browser.new_context(viewport=machinery.VIEWPORT)
            away = machinery.watch(context, lab)
            try:
                yield context.new_page()
                assert away == [], "requests left this machine"
            finally:
                context.close()

        yield opened
        browser.close()


@pytest.fixture
def page(new_page):
    """A fresh page for JupyterLab; the test fails on any request that leaves this machine."""
    with new_page() as fresh:
        yield fresh
