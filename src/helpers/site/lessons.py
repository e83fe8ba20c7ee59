"""An executed lesson made ready for the site: figures drawn by one shared plotly, plumbing folded away, tables for any screen."""

from __future__ import annotations

import copy
import html
import json
import re

from helpers.running.notebooks import CHECKED, FIGURE, TWIN
from helpers.running.pages import alt_text

# A cell that only calls these shows its result; the call itself is one click away.
_PLUMBING = re.compile(r"(?:(?:lesson|explore|figures)\.\w+\((?:[^()]|\([^()]*\))*\)\s*)+")
_LINK = re.compile(r'(<a\b[^>]*\bhref=")(?![a-z][\w+.-]*:)([^"#?]+)\.(?:md|ipynb)((?:#[^"]*)?")')
_STYLE = re.compile(r"<style\b.*?</style>\s*", re.DOTALL)
_CELL = re.compile(r"<td>(?=[\u0600-\u06ff])([^<]*)</td>")
TWIN_NOTE = "In JupyterLab this figure is an explorer: it has more filters, and a click on a mark opens its entry with the sources."


def prepared(notebook, name: str):
    """Return a copy of an executed notebook whose outputs are HTML that needs no kernel.

    `name` begins the ids of its figures. Every plotly figure becomes a place with its alt text and its data (see `figure_html`);
    links to notebooks and Markdown pages become links to the site's pages.
    """
    notebook, number = copy.deepcopy(notebook), 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.source = cell.source.removeprefix(f"{CHECKED}\n")  # a word to the tests, not to a reader
        if _PLUMBING.fullmatch(cell.source.strip()):
            cell.metadata.setdefault("tags", []).append("hide-input")
        for output in cell.outputs:
            data = output.get("data", {})
            page = tidy(data["text/html"]) if "text/html" in data else ""
            if FIGURE in data:
                number += 1
                twin = bool(output.metadata.get(TWIN))
                page = figure_html(data.pop(FIGURE), f"{name}-figure-{number}", twin=twin) + page
            if page:
                data["text/html"] = page
    return notebook


def tidy(page: str) -> str:
    """Return the HTML of an output with links to the site's pages, without styles of its own, and right-to-left words set so."""
    page = _LINK.sub(r"\1\2.html\3", _STYLE.sub("", page))
    if '<table border="1" class="dataframe' in page:
        page = page.replace('<table border="1" class', "<table class").replace("<th></th>", "<td></td>")
        page = _CELL.sub(r'<td dir="rtl">\1</td>', page)
    return page


def figure_html(figure: dict, key: str, *, twin: bool = False) -> str:
    """Return a plotly figure as HTML: a place that holds its alt text until it is drawn, and its data as JSON.

    The drop-downs and sliders that plotly would draw are made by the page's script as form controls, which the keyboard reaches.
    """
    layout = figure.get("layout", {})
    config = {k: v for k, v in figure.get("config", {}).items() if k != "plotlyServerURL"}
    figure = figure | {"config": config | {"responsive": True, "displaylogo": False}}
    data = json.dumps(figure, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    alt = html.escape(alt_text(layout) or "A figure")
    height = int(layout.get("height") or 440)
    note = f'<p class="plot-note">{TWIN_NOTE}</p>' if twin else ""
    return (
        f'<div class="plot" id="{key}"><div class="plot-scroll">'
        f'<div class="plot-area" role="figure" aria-label="{alt}" style="height:{height}px"><p>{alt}</p></div></div>'
        f'<script type="application/json">{data}</script>{note}</div>'
    )
