"""Executed notebooks as web pages that need no kernel and no network."""

import copy
import html
import json
import os
import posixpath
import re
import threading
import urllib.parse
from pathlib import Path

from .errors import RunError
from .notebooks import FIGURE as PLOTLY_MIME

PLOTLY_FILE = "plotly.min.js"

COURSE_LINK = re.compile(r'(<a\b[^>]*\bhref=")(?![a-zA-Z][\w+.-]*:|//)([^"#?]+)\.(?:ipynb|md)((?:#[^"]*)?")')
ANCHOR_LINK = re.compile(r'<a class="anchor-link"[^>]*>[^<]*</a>')
KEY_HEADING = re.compile(r'(<h[1-6]\b[^>]*\bid=")([A-Z]-\d{2,3})(?!\d)[^"]*"')
REMOTE_LOADS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"""<(?:script|img|iframe|embed|source|video|audio|track|input)\b[^>]*\bsrc\s*=\s*["']?((?:https?:)?//[^"'\s>]+)""",
        r"""<link\b[^>]*\bhref\s*=\s*["']?((?:https?:)?//[^"'\s>]+)""",
        r"""<object\b[^>]*\bdata\s*=\s*["']?((?:https?:)?//[^"'\s>]+)""",
        r"""(?:@import\s+|\burl\()\s*["']?((?:https?:)?//[^"'\s)]+)""",
        r"""\b(?:import|from)\s*\(?\s*["']((?:https?:)?//[^"']+)""",
    )
]
ESCAPED_CODE = re.compile(r"<(pre|code)\b.*?</\1>", re.DOTALL | re.IGNORECASE)
FIGURE_DATA = re.compile(r'<script type="application/json".*?</script>', re.DOTALL)

DRAW = """
document.querySelectorAll("div.figure").forEach(function (place) {
  var figure = JSON.parse(document.getElementById(place.id + "-data").textContent);
  place.textContent = "";
  Plotly.newPlot(place, figure.data, figure.layout, figure.config).then(function () {
    if (figure.frames) { Plotly.addFrames(place, figure.frames); }
  });
});
"""


class PageWriter:
    """Turns notebooks into pages. Figures are drawn by one plotly.min.js in `out_dir`, which `write_plotly` puts there.

    names: the course's pages, relative to `out_dir` and without ending, as "evidence/H". Links to these as notebook or
    Markdown file become links to the page.
    """

    def __init__(self, out_dir, names):
        from nbconvert.exporters.html import HTMLExporter

        self.out_dir = Path(out_dir)
        self.names = set(names)
        self.lock = threading.Lock()  # an exporter converts one notebook at a time
        here = Path(__file__).parent
        self.css = (here / "page.css").read_text(encoding="utf-8")
        self.exporter = HTMLExporter(
            template_name="lab",
            template_file=str(here / "page.html.j2"),
            exclude_input_prompt=True,
            exclude_output_prompt=True,
            embed_images=True,
        )

    def write_plotly(self):
        """Write plotly's JavaScript next to the pages, unless it is there."""
        from plotly.offline import get_plotlyjs

        from .notebooks import write_text

        write_text(self.out_dir / PLOTLY_FILE, get_plotlyjs())

    def page(self, notebook, source_dir, page_path) -> str:
        """The page for an executed notebook that will stand at `page_path`; RunError if it would load from the network.

        Each plotly figure becomes an element with role "img", labelled by the figure's `layout.meta.alt`.
        """
        notebook, figures = take_figures(notebook)
        page = {"title": title_of(notebook) or Path(page_path).stem, "css": self.css}
        with self.lock:
            text, _ = self.exporter.from_notebook_node(
                notebook, resources={"metadata": {"path": str(source_dir)}, "page": page}
            )
        text = ANCHOR_LINK.sub("", text)
        text = KEY_HEADING.sub(r'\1\2"', text)
        text = self.link_pages(text, Path(page_path).parent.relative_to(self.out_dir).as_posix())
        if figures:
            plotly = os.path.relpath(self.out_dir / PLOTLY_FILE, Path(page_path).parent).replace(os.sep, "/")
            text = text.replace("</body>", figure_scripts(figures, plotly) + "</body>")
        loads = remote_loads(text)
        if loads:
            raise RunError(
                f"{Path(page_path).stem}: the page would load {loads[0]}, and a lesson needs no network. "
                "Show the figure with plotly's own display, or keep the file in the course."
            )
        return text

    def link_pages(self, text, folder) -> str:
        """`text` of a page in `folder`, with its links to the course's notebooks leading to their pages."""

        def to_page(match):
            name = posixpath.normpath(posixpath.join(folder, urllib.parse.unquote(match[2])))
            return f"{match[1]}{match[2]}.html{match[3]}" if name in self.names else match[0]

        return COURSE_LINK.sub(to_page, text)


def take_figures(notebook):
    """A copy of the notebook with a place for each plotly figure, and the figures."""
    notebook = copy.deepcopy(notebook)
    figures = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            figure = output.get("data", {}).get(PLOTLY_MIME)
            if figure is not None:
                figures.append(figure)
                output.data = {"text/html": figure_place(len(figures), figure)}
    return notebook, figures


def figure_place(number, figure) -> str:
    layout = figure.get("layout", {})
    alt = html.escape(alt_text(layout) or f"Figure {number}")
    height = layout.get("height")
    style = f' style="height: {height:d}px"' if isinstance(height, int) else ""
    # The words inside are replaced by the drawing; they stay where there is no JavaScript.
    return f'<div class="figure" id="figure-{number}" role="img" aria-label="{alt}"{style}>{alt}</div>'


def alt_text(layout) -> str:
    meta = layout.get("meta")
    if isinstance(meta, dict) and meta.get("alt"):
        return str(meta["alt"])
    title = layout.get("title")
    title = title.get("text") if isinstance(title, dict) else title
    return re.sub(r"<[^>]*>", " ", title or "").strip()


def figure_scripts(figures, plotly_src) -> str:
    parts = []
    for number, figure in enumerate(figures, start=1):
        config = {key: value for key, value in figure.get("config", {}).items() if key != "plotlyServerURL"}
        figure = figure | {"config": config | {"responsive": True, "displaylogo": False}}
        data = json.dumps(figure, ensure_ascii=False, separators=(",", ":"))
        data = data.replace("<", "\\u003c")  # nothing in a table can end the script element
        parts.append(f'<script type="application/json" id="figure-{number}-data">{data}</script>\n')
    parts.append(f'<script src="{plotly_src}"></script>\n<script>{DRAW}</script>\n')
    return "".join(parts)


def title_of(notebook) -> str | None:
    """The text of the first heading of level 1."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            match = re.search(r"^# +(.+?)\s*#*$", cell.source, re.MULTILINE)
            if match:
                text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", match[1])
                return html.unescape(re.sub(r"<[^>]*>|[*_`]", "", text)).strip()
    return None


def remote_loads(text: str) -> list[str]:
    """The addresses that a browser would fetch from another machine to show this page (links to click do not count)."""
    text = ESCAPED_CODE.sub("", FIGURE_DATA.sub("", text))
    return [match[1] for pattern in REMOTE_LOADS for match in pattern.finditer(text)]
