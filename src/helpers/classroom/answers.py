"""The teacher's answer key: quiz answers, verdicts and notes on the discussions, put together from where each is kept."""

from __future__ import annotations

from pathlib import Path

from helpers import evidence, lesson, markup
from helpers.running import notebooks

from . import material as m
from . import outline, plans, sheet


def write(notebooks_dir: Path, out: Path) -> Path:
    """Write the key for every lesson as one page; returns it. Nothing is executed.

    Quiz answers come from ``quizzes/*.toml``, verdicts from ``article_claims.csv``, discussion notes from the lesson plans.
    """
    folder = notebooks_dir.resolve()
    ev = evidence.load(evidence.find_data(folder))
    chapters = [_lesson(folder, name, ev) for name in m.find(folder, None)]
    body = (
        "<h1>Answer key</h1><p class='hint'>For teachers. The quiz answers are right or not; the discussions have no right answer, "
        "and the notes say what a good answer holds. The verdicts are this course's reading of its own evidence.</p>"
        + "\n".join(chapters)
    )
    return m.write(out, body, sheet.page("Answer key", body))


def _lesson(folder: Path, name: str, ev: evidence.Evidence) -> str:
    read = outline.read(notebooks.read(folder / f"{name}.ipynb"))
    plan = plans.read(folder.parent / "teaching" / f"{name}.md")
    made = [f"<section class='lesson'><h2>{markup.esc(read.title)}</h2><h3>Quiz</h3><ol>"]
    for question in lesson.read_quiz(folder / "quizzes" / f"{name}.toml"):
        right = next(a for a in question["answer"] if a.get("right"))
        wrong = "".join(
            f"<li>Not “{m.plain(a['text'], sheet.key)}”: {m.plain(a['why'], sheet.key)}</li>"
            for a in question["answer"]
            if not a.get("right")
        )
        made.append(
            f"<li><p>{m.plain(question['ask'], sheet.key)}</p><p class='right'>{m.plain(right['text'], sheet.key)}</p>"
            f"<p>{m.plain(right['why'], sheet.key)}</p><ul>{wrong}</ul></li>"
        )
    made.append("</ol><h3>Verdicts</h3><ul>")
    table = ev.article_claims.set_index("statement_id")
    for key in read.statements:
        row = table.loc[key]
        made.append(
            f"<li>{key}: {markup.esc(row['statement'])} <b>{markup.esc(lesson.VERDICTS[row['verdict']])}.</b> {markup.esc(row['reasoning'])}</li>"
        )
    made.append("</ul><h3>Discussions</h3>")
    for section in read.sections:
        asked = outline.prompts(section)
        for part in asked:
            made.append(f"<p><b>{section.number}.</b> <i>{m.inline(part.body, sheet.key)}</i></p>")
        if asked:
            made.append(
                m.to_html(plan.notes.get(section.number) or "The plan has no note on this discussion.", sheet.key)
            )
    return "\n".join(made) + "</section>"
