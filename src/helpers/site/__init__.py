"""The site: the executed lessons, the evidence and the tables as pages that open from a folder, without kernel and network."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["SiteError", "build"]


class SiteError(ValueError):
    """The site cannot be built; the message names the page, what is wrong with it, and the next step."""


def build(
    notebooks_dir: str | Path,
    data_dir: str | Path | None = None,
    out_dir: str | Path = "build/site",
    *,
    jobs: int | None = None,
    echo: Callable[[str], None] = print,
) -> Path:
    """Run the lessons and make the site in `out_dir` (emptied first); returns its front page.

    `data_dir` is the folder of tables, left out the nearest. All pages are made from the executed lessons, the evidence appendix
    and the tables: a sentence stands in one place and the site shows it. RunError when a lesson fails; SiteError when a link
    leads nowhere, a page would load from the network, or `out_dir` is not a folder that this function made.
    """
    began = time.perf_counter()
    from helpers import evidence, running

    notebooks_dir, out_dir = Path(notebooks_dir).resolve(), Path(out_dir).resolve()
    ev = evidence.load(data_dir)
    _may_empty(out_dir, notebooks_dir)
    with tempfile.TemporaryDirectory(prefix="site-") as folder:
        source, made = Path(folder, "source"), Path(folder, "html")
        running.build(notebooks_dir, source, jobs=jobs, echo=lambda line: None, html=False)
        ran = time.perf_counter()
        from helpers.site import pages, sphinx_build

        pages.write(ev, notebooks_dir, source)
        sphinx_build.run(source, made, extra=pages.downloads(ev, notebooks_dir, Path(folder, "extra")))
        if out_dir.exists():
            shutil.rmtree(out_dir)
        out_dir.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, out_dir)
    ended = time.perf_counter()
    files = [path for path in out_dir.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    count = sum(path.suffix == ".html" for path in files)
    echo(f"{count} pages, {size:.1f} MB, in {ended - began:.0f} s ({ran - began:.0f} s for the lessons).")
    echo(f"Open {out_dir / 'index.html'}")
    return out_dir / "index.html"


def _may_empty(out_dir: Path, notebooks_dir: Path) -> None:
    if notebooks_dir.is_relative_to(out_dir):
        raise SiteError(f"{out_dir} holds the lessons themselves. Choose another folder for the site.")
    if out_dir.exists() and not out_dir.is_dir():
        raise SiteError(f"{out_dir} is a file. Choose a folder for the site.")
    if out_dir.exists() and any(out_dir.iterdir()) and not (out_dir / "_static" / "course.css").exists():
        raise SiteError(f"{out_dir} holds something else than a site, and would be emptied. Choose another folder.")
