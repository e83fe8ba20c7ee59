"""Sphinx and myst-nb, called with the settings of this site; every warning of theirs is an error here."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

from helpers.running.pages import remote_loads
from helpers.site import SiteError

HERE = Path(__file__).parent
TITLE = "Whose soil, whose consent?"
SUBTITLE = "The Türkiye–Iraq security agreement of 2024, read with evidence"
# docutils makes small letters of an anchor; both forms are there, and a reader knows the claim as H-054.
_KEY = re.compile(r'(\bhref="[^"#]*#)([a-z]-\d{2,3})(?=")')
_COLOURS = re.compile(r"\x1b\[[\d;]*m")


def slug(title: str) -> str:
    """Return the anchor of a heading, as JupyterLab makes it: ``H-054`` stays, spaces become hyphens."""
    return title.strip().replace(" ", "-")


def run(source: Path, out: Path, *, extra: Path) -> None:
    """Make the pages in `source` into HTML in `out`, with the files of `extra` beside them. Raises SiteError on any warning."""
    from plotly.offline import get_plotlyjs
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    warnings = io.StringIO()
    with patch_docutils(), docutils_namespace():
        app = Sphinx(
            source,
            None,
            out,
            out.parent / "doctrees",
            "html",
            confoverrides=settings(extra),
            status=None,
            warning=warnings,
            freshenv=True,
        )
        app.connect("html-page-context", _for_template)
        app.build()
    if told := _COLOURS.sub("", warnings.getvalue()).replace(f"{source}/", "").strip():
        raise SiteError(f"The site was not built; Sphinx says:\n{told}")
    (out / "_static" / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")
    for name in ("objects.inv", ".buildinfo", "_static/basic.css"):  # for other projects and later builds; not linked
        (out / name).unlink(missing_ok=True)
    shutil.rmtree(out / "_sources", ignore_errors=True)
    for page in out.rglob("*.html"):
        if loads := remote_loads(page.read_text(encoding="utf-8")):
            name = page.relative_to(out)
            raise SiteError(f"{name} would load {loads[0]}; the site needs no network. Keep the file in the course.")


def settings(extra: Path) -> dict:
    """Return what would stand in a conf.py."""
    return {
        "project": TITLE,
        "author": "The project",
        "language": "en",
        "extensions": ["myst_nb"],
        "source_suffix": {".md": "myst-nb", ".ipynb": "myst-nb"},
        "exclude_patterns": ["quizzes"],
        "smartquotes": False,
        "nb_execution_mode": "off",
        "nb_merge_streams": True,
        "myst_enable_extensions": [],
        "myst_heading_anchors": 3,
        "myst_heading_slug_func": slug,
        "suppress_warnings": ["config.cache"],
        "html_theme": "course",
        "html_theme_path": [str(HERE)],
        "html_title": TITLE,
        "html_static_path": [str(HERE / "static")],
        "html_extra_path": [str(extra)],
        "html_copy_source": False,
        "html_show_sourcelink": False,
        "html_use_index": False,
        "html_permalinks": False,
        "html_show_search_summary": False,  # it would fetch the pages, which a browser refuses in a folder
        "html_domain_indices": False,
        "pygments_style": "bw",
    }


def _for_template(app, pagename: str, templatename: str, context: dict, doctree) -> None:
    context["subtitle"] = SUBTITLE
    context["is_lesson"] = bool(re.match(r"\d\d-", pagename))
    # The words of the button are its name; another name would hide them from a reader who speaks to the page.
    body = context.get("body", "").replace(' aria-label="Toggle hidden content"', "")
    context["body"] = _KEY.sub(lambda link: link[1] + link[2].upper(), body)
