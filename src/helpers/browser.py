"""A lesson in a real JupyterLab and a real Chromium, for the tests and the measurements. Both stay on this machine."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
VIEWPORT = {"width": 1400, "height": 900}
_NOTEBOOK = "jupyterapp.shell.currentWidget"
_READY = f"window.jupyterapp && {_NOTEBOOK}?.context?.isReady && {_NOTEBOOK}.sessionContext?.session?.kernel?.status == 'idle'"
_RUN = f"{_NOTEBOOK}.content.widgets.filter(c => c.model.type == 'code' && c.model.sharedModel.source.trim())"
_FINISHED = f"{_RUN}.every(c => c.model.executionCount) && {_NOTEBOOK}.sessionContext.session.kernel.status == 'idle'"
_ERRORS = (
    f"{_NOTEBOOK}.content.widgets.flatMap((c, i) => (c.model.outputs?.toJSON() ?? []).filter(o => o.output_type == 'error')"
    ".map(o => `cell ${i}: ${o.ename}: ${o.evalue}`))"
)
_FIGURES = (
    f"{_NOTEBOOK}.content.widgets.flatMap((c, i) => (c.model.outputs?.toJSON() ?? [])"
    ".some(o => o.data?.['application/vnd.plotly.v1+json']) ? [i] : [])"
)
# A figure counts as drawn when plotly has put marks, outlines or cells into its picture, not only an empty frame.
DRAWN = """cell => [...cell.querySelectorAll(".js-plotly-plot")].map(plot => plot.getBoundingClientRect().height > 100 &&
    plot.querySelector(".main-svg")?.querySelectorAll("path, rect, image").length > 5)"""


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its address, its token, and the folder it serves."""

    address: str
    token: str
    folder: Path

    def url(self, file: str) -> str:
        """Return the address that opens a file of the folder, in a fresh workspace."""
        return f"{self.address}/lab/tree/{file}?token={self.token}&reset"


def chromium() -> str | None:
    """Return the path of an installed Chromium or Chrome, or None."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@contextlib.contextmanager
def jupyterlab(folder: str | Path, theme: str = "JupyterLab Light", seconds: int = 60) -> Iterator[Lab]:
    """Serve `folder` in JupyterLab on a free port of this machine, with a token and settings of its own.

    Raises RuntimeError with JupyterLab's last words when it does not answer within `seconds`.
    """
    token, folder = secrets.token_hex(16), Path(folder).resolve()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as private:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR")
        settings = {name: str(Path(private, name)) for name in names}
        settings |= {
            "JUPYTERLAB_WORKSPACES_DIR": str(Path(private, "workspaces")),
            "IPYTHONDIR": str(Path(private, "i")),
        }
        chosen = {"themes": {"theme": theme}, "notification": {"fetchNews": "false", "checkForUpdates": False}}
        for name, content in chosen.items():
            path = f"@jupyterlab/apputils-extension/{name}.jupyterlab-settings"
            file = Path(settings["JUPYTERLAB_SETTINGS_DIR"], path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(content))
        command = [
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--allow-root",
            "--ip=127.0.0.1",
            f"--port={port}",
        ]
        command += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}", "--LabApp.news_url=None"]
        command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--expose-app-in-browser"]
        environment = os.environ | settings | {"JUPYTER_TOKEN": token}
        log = Path(private, "log")
        with log.open("wb") as words:
            server = subprocess.Popen(command, env=environment, stdout=words, stderr=words, cwd=folder)
        lab = Lab(f"http://127.0.0.1:{port}", token, folder)
        try:
            wait_for(lab, server, log, seconds)
            yield lab
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def wait_for(lab: Lab, server: subprocess.Popen, log: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{lab.address}/api/status?token={lab.token}", timeout=5).close()
            return
        time.sleep(0.2)
    last = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
    raise RuntimeError(f"JupyterLab did not answer on {lab.address} within {seconds:g} s. Its last words:\n{last}")


def is_local(url: str, lab: Lab) -> bool:
    """True for addresses of this JupyterLab and for what never leaves the page."""
    return url.startswith((f"{lab.address}/", lab.address.replace("http", "ws") + "/", "data:", "blob:", "about:"))


def watch(context, lab: Lab) -> list[str]:
    """Stop every request of a browser context that is not for `lab`; returns the list that will name them."""
    away: list[str] = []

    def judge(route) -> None:
        if is_local(route.request.url, lab):
            route.continue_()
        else:
            away.append(route.request.url)
            route.abort()

    def listen(page) -> None:
        page.on("websocket", lambda socket: None if is_local(socket.url, lab) else away.append(socket.url))

    context.route("**/*", judge)
    context.on("page", listen)
    return away


def open_lesson(page, lab: Lab, file: str) -> None:
    """Open a notebook by its address and wait for its kernel."""
    page.goto(lab.url(file))
    page.wait_for_function(_READY, timeout=60_000)


def run_all(page, seconds: int = 90) -> list[str]:
    """Run all cells from the menu, wait for the last, and return the errors among the outputs."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(_FINISHED, timeout=seconds * 1000, polling=200)
    return page.evaluate(_ERRORS)


def cell_of(page, source: str):
    """Return the notebook cell whose code begins with `source`."""
    number = page.evaluate(
        f"start => {_NOTEBOOK}.content.widgets.findIndex(c => c.model.sharedModel.source.trim().startsWith(start))",
        source,
    )
    if number < 0:
        raise LookupError(f"no cell begins with {source!r}")
    return page.locator(".jp-Notebook .jp-Cell").nth(number)


def figure_cells(page) -> list:
    """Return the cells that have a plotly figure among their outputs, drawn or not."""
    numbers = page.evaluate(_FIGURES)
    return [page.locator(".jp-Notebook .jp-Cell").nth(number) for number in numbers]


def show(part) -> None:
    """Scroll a part of a notebook into the middle of what is seen, and stay until it rests there.

    JupyterLab guesses the height of cells that were never seen, so what was reached moves away as they get their true height.
    """
    places = []
    while len(places) < 3 or len(set(places[-3:])) > 1:
        if len(places) > 50:
            raise TimeoutError("the notebook does not come to rest")
        places.append(part.evaluate("e => (e.scrollIntoView({block: 'center'}), e.getBoundingClientRect().top)"))
        part.page.wait_for_timeout(100)


def drawn(cell) -> list[bool]:
    """Return for each plotly figure of a cell whether it holds a drawing."""
    return cell.evaluate(DRAWN)
