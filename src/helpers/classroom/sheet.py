"""A lesson as a sheet to print: statements, figures, prompts and lines to write on. No code."""

from __future__ import annotations

from pathlib import Path

from helpers import markup

from . import material as m
from .outline import Part, Section

VERDICTS = ("supported", "partly", "contested", "not supported", "open")
LINES_A_MINUTE, MOST_LINES = 0.6, 6


def html(lesson_material: m.Material) -> tuple[str, str]:
    """Return the sheet: the whole page, and the part of it that is the course's own."""
    o = lesson_material.outline
    figures: list[Part] = []
    parts = [
        f'<h1>{markup.esc(o.title)}</h1><p class="question">{_text(o.question)}</p>',
        '<div class="names"><span>Name</span><span>Date</span></div>',
        _statements(lesson_material),
    ]
    for section in o.sections:
        parts.append(_mind(section) if section.kind == "mind" else _section(section, figures))
    body = "\n".join(part for part in parts if part)
    keys = m.cited(body)
    if keys:
        body += (
            "\n<h2>Where it comes from</h2><p class='soft'>How sure the course is of each claim on this sheet, in how many independent "
            f"origins, and the first pages behind it. The whole entry stands in the course under the same key.</p>{m.source_lines(keys, lesson_material.ev)}"
        )
    extra = ""
    if figures:
        code = (Path(__file__).parent / "sheet.js").read_text(encoding="utf-8")
        extra = f"{m.figure_json(figures)}\n<script>{m.plotly_js()}</script>\n<script>{code}</script>\n"
    return page(f"{o.title}: handout", f"{_PRINT}\n{body}", extra), body


def page(title: str, body: str, extra: str = "") -> str:
    """Return a page on A4 paper: the body in ``main``, then what stands behind it."""
    css = (Path(__file__).parent / "sheet.css").read_text(encoding="utf-8")
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{markup.esc(title)}</title>\n'
        f"<style>\n{css}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n{extra}</body>\n</html>\n"
    )


def key(name: str) -> str:
    """Return a claim's key as it stands on paper."""
    return f'<span class="key" data-key="{markup.esc(name)}">[{markup.esc(name)}]</span>'


def _statements(lesson_material: m.Material) -> str:
    rows = "".join(
        f"<tr><td>{markup.esc(r.statement_id)}</td><td>{markup.esc(r.statement)}</td>"
        + "<td class='box'><span class='square'></span></td>" * 5
        + "</tr>"
        for r in m.statements(lesson_material)
    )
    if not rows:
        return ""
    heads = "".join(f"<th scope='col' class='box'>{verdict}</th>" for verdict in VERDICTS)
    return (
        "<h2>Under test: what the article says</h2><p>Tick one box in each row at the end of the lesson, before the course's verdict is shown.</p>"
        f"<table><thead><tr><th scope='col'>key</th><th scope='col'>statement</th>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _section(section: Section, figures: list[Part]) -> str:
    if section.kind != "section":
        return ""
    number = f"{section.number}. " if section.number else ""
    made = [f"<h2>{number}{markup.esc(section.title)}</h2>"] if section.title else []
    if section.number and section.lead:
        made.append(f'<p class="lead">{_text(section.lead)}</p>')
    for part in section.parts:
        if part.kind == "figure":
            figures.append(part)
            made.append(f'<div class="figure" id="figure-{len(figures)}">{markup.esc(part.alt)}</div>')
        elif part.kind == "discuss":
            manner = f", {markup.esc(part.manner)}" if part.manner else ""
            lines = min(MOST_LINES, max(3, round(part.minutes * LINES_A_MINUTE)))
            made.append(_ask(f"<b>Discuss ({part.minutes} minutes{manner}).</b> {_text(part.body)}", lines))
        elif part.kind == "text":
            made.append(m.to_html(part.body, key))
        else:
            made.append(part.body)
    return "\n".join(made)


def _mind(section: Section) -> str:
    joined = "\n\n".join(section.prose)
    return f"<h2>{markup.esc(section.title)}</h2>{_ask(m.inline(joined, key), MOST_LINES)}"


def _ask(words: str, lines: int) -> str:
    return f'<div class="ask"><p>{words}</p>' + '<div class="line"></div>' * lines + "</div>"


def _text(markdown: str) -> str:
    return m.inline(markdown, key)


_PRINT = (
    '<p class="hint screen">Print this page from the browser (Ctrl and P), A4, upright. The figures are drawn on opening; '
    "wait until they stand on the page.</p>"
)
