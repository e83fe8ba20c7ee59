"""What a deck and a sheet are both made from: the executed lesson, its plan, its quiz and the evidence; and how text becomes HTML."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from helpers import citations, evidence, lesson, markup, running
from helpers.running import notebooks, pages

from . import outline, plans
from .errors import ClassroomError

# As in deck.css and sheet.css, which style what these functions return.
_KEY_LINK = re.compile(r'<a href="(?:\.\./notebooks/)?evidence/[A-Z]\.md#([A-Z]-\d{2,3})">([^<]*)</a>')
_KEY = re.compile(r"(?<![\w#-])\[([HPAIS]-\d{2,3})\](?!\()")
_COURSE_LINK = re.compile(r'<a href="(?!https?:)[^"]*">(.*?)</a>', re.DOTALL)
_ANCHOR = re.compile(r'<a class="anchor-link"[^>]*>[^<]*</a>')
_HEADING_ID = re.compile(r"(<h\d) id=\"[^\"]*\"")


@dataclass(frozen=True)
class Material:
    """One lesson, executed, with everything that stands beside it."""

    name: str
    outline: outline.Outline
    plan: plans.Plan
    quiz: list[dict]
    ev: evidence.Evidence


def find(lessons_dir: str | Path, name: str | None) -> list[str]:
    """Return the lesson that ``03`` or ``03-agreement-terms`` names, all lessons for None.

    Raises ClassroomError when no lesson is called so.
    """
    known = [path.stem for path in notebooks.find_lessons(lessons_dir)]
    if name is None:
        return known
    wanted = Path(name).name.removesuffix(".ipynb")
    found = [stem for stem in known if stem == wanted or stem.split("-")[0] == wanted.zfill(2)]
    if not found:
        raise ClassroomError(f"There is no lesson {name!r}. Lessons: {', '.join(known)}.")
    return found


def load(notebooks_dir: str | Path, names: list[str], as_of: str | None = None) -> list[Material]:
    """Execute the lessons `names` and return what decks and sheets are made from, in their order.

    Plans are read from ``teaching/`` beside the notebooks, and before anything runs. Raises RunError when a lesson fails,
    ClassroomError when a plan cannot be read.
    """
    folder = Path(notebooks_dir).resolve()
    read = {name: plans.read(folder.parent / "teaching" / f"{name}.md") for name in names}
    ev = evidence.load(evidence.find_data(folder), as_of=as_of)
    with tempfile.TemporaryDirectory() as out:
        running.build(folder, out, as_of=as_of, only=names, html=False, echo=lambda _: None)
        executed = {name: notebooks.read(Path(out, f"{name}.ipynb")) for name in names}
    return [
        Material(
            name, outline.read(executed[name]), read[name], lesson.read_quiz(folder / "quizzes" / f"{name}.toml"), ev
        )
        for name in names
    ]


def to_html(markdown: str, key_html) -> str:
    """Return Markdown of the course as HTML; `key_html(key)` says how a claim's key is written.

    Links to other files of the course become their words: a deck and a sheet travel alone.
    """
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    text = _HEADING_ID.sub(r"\1", _ANCHOR.sub("", markdown2html_mistune(_KEY.sub(r"[\1](evidence/A.md#\1)", markdown))))
    text = _KEY_LINK.sub(lambda match: key_html(match[1]) if match[1] == match[2] else match[2], text)
    return _COURSE_LINK.sub(r"\1", text).strip()


def inline(markdown: str, key_html) -> str:
    """Return one paragraph of Markdown as HTML without its ``<p>``."""
    return re.sub(r"^<p>|</p>$", "", to_html(markdown, key_html))


def plain(text: str, key_html) -> str:
    """Return text that is no Markdown (a quiz) as HTML, with its keys written by `key_html`."""
    return _KEY.sub(lambda match: key_html(match[1]), markup.esc(text))


def statements(material: Material) -> list:
    """Return the rows of the article's statements that the lesson tests, in its order."""
    table = material.ev.article_claims.set_index("statement_id", drop=False)
    return [row for row in table.loc[material.outline.statements].itertuples()]


def cited(html: str) -> list[str]:
    """Return the claim keys that a page shows, in order of first use."""
    return list(dict.fromkeys(re.findall(r'data-key="([HPAI]-\d{3})"', html)))


def source_lines(keys: list[str], ev: evidence.Evidence) -> str:
    """Return the short source list of claims as HTML: key, how sure, origins, and the labels of at most three pages."""
    known = citations.labels(ev.sources)
    claims = ev.claims.set_index("claim_id")
    items = []
    for key in sorted(set(keys)):
        if key not in claims.index:
            items.append(f"<li><b>{markup.esc(key)}</b> rests on evidence after the clock</li>")
            continue
        row = claims.loc[key]
        origins = f"{row['independent_origins']} origin{'s' if row['independent_origins'] != 1 else ''}"
        names = list(dict.fromkeys(known[s] for s in row["source_ids"] if s in known))
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        pages_ = markup.esc("; ".join(names[:3]) + more)
        items.append(f"<li><b>{markup.esc(key)}</b> {markup.esc(row['status'])}, {origins}: {pages_}</li>")
    return f'<ul class="sources">{"".join(items)}</ul>'


def figure_json(parts: list[outline.Part]) -> str:
    """Return script elements that hold the figures of `parts`, ``figure-1-data`` and so on."""
    import json

    made = []
    for number, part in enumerate(parts, 1):
        spec = {key: part.figure.get(key, {} if key == "layout" else []) for key in ("data", "layout", "frames")}
        text = json.dumps(spec, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
        made.append(f'<script type="application/json" id="figure-{number}-data">{text}</script>')
    return "\n".join(made)


def plotly_js() -> str:
    """Return plotly's JavaScript, safe inside a script element."""
    from plotly.offline import get_plotlyjs

    return script(get_plotlyjs())


def script(code: str) -> str:
    """Return `code` so that no text in it ends the script element, or begins one inside it."""
    return code.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def write(path: Path, own: str, text: str) -> Path:
    """Write a page after looking that `own`, its part without libraries, loads nothing; raises ClassroomError if it would."""
    if loads := pages.remote_loads(own):
        raise ClassroomError(
            f"{path.name}: the page would load {loads[0]}, and a class may have no network. Take it out."
        )
    notebooks.write_text(path, text)
    return path
