"""A lesson as slides: one HTML file with reveal.js, plotly and the figures' data in it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from helpers import lesson, markup

from . import material as m
from .errors import ClassroomError
from .outline import Outline, Part, Section, prompts

PACKAGE = "sphinx_revealjs"
STATEMENTS_A_SLIDE = 4
_HEIGHT = 440
_TITLES = {"mind": "What would change your mind?", "quiz": "Quiz", "scorecard": "Scorecard"}


def reveal_file(name: str) -> str:
    """Return a file of reveal.js as the package sphinx-revealjs carries it (``dist/reveal.js``).

    Raises ClassroomError when the package is not installed. It is found without being imported, which would load Sphinx.
    """
    found = importlib.util.find_spec(PACKAGE)
    folder = Path(found.submodule_search_locations[0], "_static", "revealjs") if found else None
    if folder is None or not (folder / name).is_file():
        raise ClassroomError(
            "Slides are drawn by reveal.js, which comes with the package sphinx-revealjs (3.2 or later). It is not installed: "
            "`pip install sphinx-revealjs`, or install the project's extra `site`."
        )
    return (folder / name).read_text(encoding="utf-8")


def html(lesson_material: m.Material, length: int) -> tuple[str, str]:
    """Return the deck for a class of `length` minutes: the whole page, and the part of it that is the course's own."""
    deck = _Deck(lesson_material, length)
    deck.build()
    here = Path(__file__).parent
    title = markup.esc(deck.outline.title)
    claims = "".join(_claim(key, lesson_material.ev) for key in m.cited("".join(deck.slides)))
    own = (
        f'<div class="reveal" role="application" aria-label="Slides: {title}"><div class="slides">\n'
        f"{chr(10).join(deck.slides)}\n</div></div>\n{claims}\n{_HELP}"
    )
    css = "\n".join(
        [reveal_file("dist/reset.css"), reveal_file("dist/reveal.css"), (here / "deck.css").read_text("utf-8")]
    )
    scripts = [m.plotly_js(), m.script(reveal_file("dist/reveal.js")), m.script(reveal_file("plugin/notes/notes.js"))]
    code = (here / "deck.js").read_text("utf-8").replace("TOTAL_SECONDS", str(length * 60))
    page = (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}: slides</title>\n'
        f"<style>\n{css}\n</style>\n</head>\n<body>\n{own}\n{m.figure_json(deck.figures)}\n"
        + "".join(f"<script>{text}</script>\n" for text in scripts)
        + f"<script>{code}</script>\n</body>\n</html>\n"
    )
    return page, own


class _Deck:
    """Collects slides, in order, with their timing and their figures."""

    def __init__(self, lesson_material: m.Material, length: int):
        self.material, self.length = lesson_material, length
        self.outline: Outline = lesson_material.outline
        self.plan, self.ev = lesson_material.plan, lesson_material.ev
        self.slides: list[str] = []
        self.figures: list[Part] = []
        self.names: set[str] = set()

    def build(self) -> None:
        opening = next((s for s in self.outline.sections if s.number == 0), Section(0, ""))
        self.open(opening)
        for section in self.outline.sections:
            if section is opening:
                continue
            if section.kind == "section":
                self.section(section)
            else:
                getattr(self, section.kind)(section)
        self.close()

    def open(self, opening: Section) -> None:
        o = self.outline
        row = self.plan.row(0)
        seconds = row.minutes[self.length] * 60 if row else 300
        figures = [part for part in opening.parts if part.kind == "figure"]
        groups = _groups(m.statements(self.material), STATEMENTS_A_SLIDE)
        each = seconds // (2 + len(groups) + len(figures))
        told = [f"<p><b>Opening, {seconds // 60} minutes.</b> {self.text(row.what)}</p>" if row else ""]
        told += [m.to_html(o.opening, _plain_key)]
        if self.plan.misreadings:
            told += ["<p><b>Likely misreadings, and what to say</b></p>", m.to_html(self.plan.misreadings, _plain_key)]
        heading = f"<h1>{markup.esc(o.title)}</h1>"
        self.slide("start", f'{heading}<p class="question">{self.text(o.question)}</p>', told, each, "title")
        self.slide("goals", f"<h2>After this lesson you can</h2>{self.block(o.goals)}", [self.numbered_notes(0)], each)
        for number, group in enumerate(groups, 1):
            more = f" ({number} of {len(groups)})" if len(groups) > 1 else ""
            items = "".join(f"<li>{_key(r.statement_id)} {markup.esc(r.statement)}</li>" for r in group)
            body = f'<h2>Under test: what the article says{more}</h2><ul class="statements">{items}</ul>'
            told = ["<p>Do not judge yet. Read them aloud and ask which could be checked, and how.</p>"]
            self.slide(f"statements-{number}", body, told, each)
        for part in figures:
            self.figure(part, "opening", opening, each)

    def section(self, section: Section) -> None:
        row = self.plan.row(section.number) if section.number is not None else None
        if row and not row.minutes[self.length]:
            return
        name = f"section-{section.number or re.sub(r'[^a-z0-9]+', '-', section.title.lower())}"
        begins, ends = self.plan.starts(self.length).get(section.number, (0, 0))
        seconds = (ends - begins) * 60 // max(1, len(row.sections)) if row else 600
        asked = prompts(section)
        wanted = sum(part.minutes for part in asked) * 60
        talk = min(wanted, seconds * 6 // 10) if asked else 0
        each = (seconds - talk) // max(1, 1 + len(section.parts) - len(asked))
        number = f"{section.number}. " if section.number else ""
        told = []
        if row:
            told.append(
                f"<p><b>Minute {begins} to {ends}</b> of {self.length} ({markup.esc(row.name)}). {self.text(row.what)}</p>"
            )
        told.append(self.numbered_notes(section.number))
        told.append(m.to_html("\n\n".join(section.prose), _plain_key))
        title = f"<h2>{number}{markup.esc(section.title)}</h2>"
        self.slide(name, f'{title}<p class="lead">{self.text(section.lead)}</p>', told, each, "section")
        for index, part in enumerate(section.parts, 1):
            place = f"{name}-{index}"
            if part.kind == "figure":
                self.figure(part, place, section, each)
            elif part.kind == "discuss":
                self.discuss(part, place, section, talk * part.minutes * 60 // max(1, wanted))
            else:
                shown = self.block(part.body) if part.kind == "text" else _scroll(part.body, section.title)
                head = f'<h2 class="small">{number}{markup.esc(section.title)}</h2>'
                self.slide(place, f"{head}{shown}{self.fragments(part)}", [m.to_html(part.reading, _plain_key)], each)

    def figure(self, part: Part, place: str, section: Section, seconds: int) -> None:
        self.figures.append(part)
        number = len(self.figures)
        height = int(part.figure.get("layout", {}).get("height") or _HEIGHT)
        head = f'<h2 class="unseen">{markup.esc(section.title or "Opening")}: figure</h2>'
        alt = markup.esc(part.alt)
        body = (
            f'{head}<div class="window" tabindex="0" role="group" aria-label="Figure. Z enlarges it; the arrow keys then move it.">'
            f'<div class="figure" id="figure-{number}" role="img" aria-label="{alt}" data-height="{height}">{alt}</div></div>'
        )
        told = [f"<p><b>What it shows.</b> {alt}</p>", m.to_html(part.reading, _plain_key)]
        self.slide(place, body + self.fragments(part), told, seconds, "picture")

    def discuss(self, part: Part, place: str, section: Section, seconds: int) -> None:
        minutes = max(1, round(seconds / 60)) if seconds else part.minutes
        manner = f", {markup.esc(part.manner)}" if part.manner else ""
        body = (
            f'<h2>Discuss</h2><p class="prompt">{self.text(part.body)}</p><p class="manner">'
            f'<button type="button" class="timer" data-minutes="{minutes}">Start {minutes}:00</button>'
            f"<span>{minutes} minute{'s' if minutes != 1 else ''}{manner}</span></p>"
        )
        told = [
            f"<p>The lesson gives it {part.minutes} minutes, the plan for {self.length} minutes gives {minutes}.</p>",
            self.numbered_notes(section.number),
        ]
        self.slide(place, body + self.fragments(part), told, seconds or part.minutes * 60, "discuss")

    def mind(self, section: Section) -> None:
        joined = "\n\n".join(section.prose)
        body = f"<h2>{_TITLES['mind']}</h2>{self.block(joined)}"
        self.slide(
            "mind", body, ["<p>In writing, before any verdict is opened. Keep the sheets for the scorecard.</p>"], 120
        )

    def quiz(self, section: Section) -> None:
        for number, question in enumerate(self.material.quiz, 1):
            letters = "ABCDEFGH"
            items = "".join(
                f"<li><b>{letter}</b> {m.plain(a['text'], _key)}</li>"
                for letter, a in zip(letters, question["answer"], strict=False)
            )
            body = f'<h2 class="small">Quiz, question {number}</h2><p class="ask">{m.plain(question["ask"], _key)}</p><ul class="answers">{items}</ul>'
            told = ["<p>Ask for hands before anyone explains.</p>"]
            told += [
                f"<p><b>{letter}{': right.' if a.get('right') else '.'}</b> {m.plain(a['why'], _plain_key)}</p>"
                for letter, a in zip(letters, question["answer"], strict=False)
            ]
            self.slide(f"quiz-{number}", body, told, 60)

    def scorecard(self, section: Section) -> None:
        groups = _groups(m.statements(self.material), 3)
        for number, group in enumerate(groups, 1):
            more = f" ({number} of {len(groups)})" if len(groups) > 1 else ""
            items = "".join(
                f'<li>{_key(r.statement_id)} {markup.esc(r.statement)} <span class="fragment verdict">'
                f"{markup.esc(lesson.VERDICTS[r.verdict])}</span></li>"
                for r in group
            )
            told = [
                "<p>Show of hands first; the next key then shows the course's verdict, one statement at a time.</p>"
            ]
            told += [f"<p><b>{r.statement_id}.</b> {markup.esc(r.reasoning)}</p>" for r in group]
            body = f'<h2>Scorecard: your verdict first{more}</h2><ul class="statements">{items}</ul>'
            self.slide(f"scorecard-{number}", body, told, 60)

    def close(self) -> None:
        following = (
            f'<p class="question">Next: {self.text(self.outline.following)}</p>' if self.outline.following else ""
        )
        body = f'<h2>Whose soil, whose consent?</h2><p class="lead">{self.text(self.outline.question)}</p>{following}'
        self.slide("end", body, ["<p>Go back to the answers on the board from the opening.</p>"], 60, "title")

    def slide(self, name: str, body: str, notes: list[str], seconds: int, kind: str = "") -> None:
        told = "".join(dict.fromkeys(note for note in notes if note))
        marks = f' class="{kind}"' if kind else ""
        self.slides.append(
            f'<section id="{markup.esc(name)}"{marks} data-timing="{max(10, int(seconds))}">{body}'
            f'<aside class="notes">{told}</aside></section>'
        )

    def fragments(self, part: Part) -> str:
        return "".join(
            f'<div class="fragment">{self.block(text) if kind == "markdown" else text}</div>'
            for kind, text in part.fragments
        )

    def numbered_notes(self, number: int | None) -> str:
        return m.to_html(self.plan.notes.get(number, ""), _plain_key) if number is not None else ""

    def text(self, markdown: str) -> str:
        return m.inline(markdown, _key)

    def block(self, markdown: str) -> str:
        return m.to_html(markdown, _key)


def _key(key: str) -> str:
    key = markup.esc(key)
    if key.startswith("S"):
        return f'<span class="key">{key}</span>'
    return f'<button type="button" class="key" data-key="{key}" popovertarget="claim-{key}">{key}</button>'


def _plain_key(key: str) -> str:
    return f"[{markup.esc(key)}]"


def _claim(key: str, ev) -> str:
    card = markup.claim_card(ev, key).replace("<h4>", "<h2>").replace("</h4>", "</h2>")
    return (
        f'<div class="claim" id="claim-{key}" popover role="dialog" aria-label="Claim {key}" tabindex="-1">'
        f'<button type="button" popovertarget="claim-{key}" popovertargetaction="hide">Close</button>{card}</div>'
    )


def _scroll(html_text: str, title: str) -> str:
    return f'<div class="table" tabindex="0" role="group" aria-label="Table: {markup.esc(title)}">{html_text}</div>'


def _groups(rows: list, size: int) -> list[list]:
    """Return rows in as few groups of at most `size` as will do, of nearly equal length."""
    count = -(-len(rows) // size)
    return [rows[i * len(rows) // count : (i + 1) * len(rows) // count] for i in range(count)]


_HELP = """<div class="claim" id="keys" popover role="dialog" aria-label="Keys" tabindex="-1">
<button type="button" popovertarget="keys" popovertargetaction="hide">Close</button><h2>Keys</h2>
<ul><li><kbd>→</kbd> <kbd>←</kbd> or <kbd>Space</kbd>: next, back</li><li><kbd>S</kbd>: speaker's window with notes and a clock</li>
<li><kbd>O</kbd>: overview</li><li><kbd>Z</kbd>: enlarge a figure; arrow keys move it</li>
<li><kbd>Tab</kbd>: to a claim's key or a timer, <kbd>Enter</kbd> opens or starts it</li><li><kbd>D</kbd>: dark or light</li>
<li><kbd>P</kbd>: pages to print</li><li><kbd>F</kbd>: full screen, <kbd>B</kbd>: black screen, <kbd>G</kbd>: go to a slide by number</li></ul></div>
<p class="hint" aria-hidden="true">? keys</p>"""
