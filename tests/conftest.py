"""What tests share: the browser."""

import os
import shutil

import pytest


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of an installed Chromium. Without one the test is skipped, or fails where REQUIRE_BROWSER is set (CI)."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    message = "no Chromium on the PATH: install it (Debian: apt-get install chromium) to run the browser tests"
    if os.environ.get("REQUIRE_BROWSER"):
        pytest.fail(message)
    pytest.skip(message)
