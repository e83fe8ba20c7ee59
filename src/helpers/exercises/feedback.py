"""Pages: feedback for each student, and the class report for the teacher. Plain HTML, no script, nothing loaded from anywhere.

A student's page says what was asked, what was answered, the points and a hint; no expected value, no hidden check, nothing of another
student. Whatever a student wrote is escaped, and characters that steer a terminal or the direction of text are shown as boxes. Names
and answers in right-to-left scripts keep to themselves (``dir="auto"``, ``bdi``). A page fits a telephone: tables scroll by themselves.
"""

from __future__ import annotations

import statistics
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.exercises.gradebooks import number, out_of
from helpers.exercises.master import Exercise, Question
from helpers.markup import esc

if TYPE_CHECKING:
    from helpers.exercises.grading import Graded, Row

TEACHERS_ONLY = ("Claims to be", "Its token", "The notebook says")  # how remarks begin that are not for the student
LONGEST_LISTS = 40

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'none'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882; --bar: #0072b2; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 52rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin: 2rem 0 .25rem; }
section { border-top: 1px solid var(--line); } p { margin: .5rem 0; }
.points { font-weight: 600; } .hint { border-inline-start: 4px solid var(--bar); padding-inline-start: .75rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; margin: .5rem 0; }
th, td { border: 1px solid var(--line); padding: .2rem .5rem; text-align: start; vertical-align: top; overflow-wrap: normal; }
th { background: var(--soft); } td.n { text-align: end; font-variant-numeric: tabular-nums; }
pre { white-space: pre-wrap; background: var(--soft); padding: .75rem; font: inherit; margin: .5rem 0; }
.bar { display: inline-block; height: .8rem; background: var(--bar); vertical-align: middle; min-width: 1px; }
.nowrap { white-space: nowrap; } .quiet { opacity: .75; font-size: .9rem; }
""".strip()


def write(graded: Graded) -> None:
    """Write ``feedback/<id>.html`` for each student who handed something in, and ``class.html``."""
    from helpers.running.notebooks import write_text

    for row in graded.students:
        if row.handed_in or row.points:
            write_text(graded.out / "feedback" / f"{row.student}.html", student_page(graded.exercise, row))
    write_text(graded.out / "class.html", class_page(graded))


# --- a student's page ---


def student_page(exercise: Exercise, row: Row) -> str:
    """Return one student's feedback as a whole HTML page."""
    total, most = number(row.total), number(out_of(row, exercise.questions))
    parts = [f'<p><bdi dir="auto">{shown(row.name)}</bdi> ({shown(row.student)})</p>']
    if row.points:
        parts.append(f'<p class="points">{total} of {most} points</p>')
    if row.open_essays:
        parts.append("<p>The essay is graded by hand and not in these points yet.</p>")
    if row.reason:
        what = "Your notebook could not be graded: it" if not row.points else "Your notebook did not run to its end:"
        parts.append(f'<p class="hint" dir="auto">{what} {shown(row.reason)}</p>')
    remarks = [remark for remark in row.remarks if not remark.startswith(TEACHERS_ONLY)]
    parts += [f'<p dir="auto">{shown(remark)}</p>' for remark in remarks]
    if row.draws:
        drawn = "; ".join(f"{shown(name)} = {shown(_plain(value))}" for name, value in row.draws.items())
        parts.append(f'<p class="quiet">Drawn for you: {drawn}</p>')
    if row.points:
        parts += [_question(exercise, question, row) for question in exercise.questions]
    return _page(f"{exercise.title} · feedback", "".join(parts))


def _question(exercise: Exercise, question: Question, row: Row) -> str:
    points = row.points.get(question.id)
    earned = "not graded yet" if points is None else f"{number(points)} of {question.points} points"
    parts = [
        f"<h2>{shown(question.id)}. {shown(question.title)}</h2>",
        f'<p class="points">{earned}</p>',
        f"<p>A good answer: {_emphasis(question.asks)}</p>",
    ]
    if question.kind == "essay":
        if text := row.essays.get(question.id):
            parts.append(f'<details><summary>Your text</summary><pre dir="auto">{shown(text)}</pre></details>')
        parts.append(_rubric(exercise, row.criteria.get(question.id, {})))
    else:
        parts.append(f"<p>Your answer</p>{answer_html(row.answers.get(question.id, {'type': 'missing'}))}")
    if hint := row.hints.get(question.id):
        parts.append(f'<p class="hint" dir="auto">{_emphasis(hint)}</p>')
    return f"<section>{''.join(parts)}</section>"


def _rubric(exercise: Exercise, given: Mapping[str, float]) -> str:
    if not exercise.rubric:
        return ""
    rows = []
    for criterion in exercise.rubric:
        reached = given.get(criterion.name)
        says = next((level.says for level in criterion.levels if level.points == reached), "")
        earned = (
            f"{number(reached)} of {number(criterion.points)}"
            if reached is not None
            else f"0 to {number(criterion.points)}"
        )
        rows.append([criterion.name, earned, says])
    return (
        _table(["criterion", "points", "your text"], rows)
        if given
        else _table(["criterion", "points"], [r[:2] for r in rows])
    )


def answer_html(answer: Mapping) -> str:
    """Return an answer in its JSON form as HTML; everything in it is escaped."""
    kind = answer["type"]
    if kind == "missing":
        return "<p>none</p>"
    if kind == "refused":
        return "<p>could not be read</p>"
    if kind == "table":
        html = _table(answer["columns"], answer["rows"])
        rows, columns = answer.get("of", [len(answer["rows"]), len(answer["columns"])])
        cut = rows > len(answer["rows"]) or columns > len(answer["columns"])
        return html + (f'<p class="quiet">of {rows:,} rows and {columns} columns</p>' if cut else "")
    if "values" in answer:
        labels = answer.get("index", answer.get("keys"))
        rows = [[v] for v in answer["values"]] if labels is None else list(zip(labels, answer["values"], strict=False))
        cut = f'<p class="quiet">of {answer["of"][0]:,} values</p>' if answer.get("of", [0])[0] > len(rows) else ""
        return _table([], rows) + cut
    return f'<pre dir="auto">{shown(_plain(answer["value"]))}</pre>'


def shown(text: object) -> str:
    """Return text escaped for HTML, with control characters and marks of direction as boxes; line ends and tabs stay."""
    return esc("".join(c if c in "\n\t" or not _steers(c) else "\u2423" for c in str(text)))


def _steers(letter: str) -> bool:
    category = unicodedata.category(letter)
    return category in ("Cc", "Cs", "Zl", "Zp") or (
        category == "Cf" and letter not in "\u200c\u200d\u00ad"
    )  # joiners stay


def _emphasis(text: str) -> str:
    """Return an author's sentence escaped, with its *emphasis*; anything unbalanced stays as it is."""
    parts = shown(text).split("*")
    if len(parts) % 2 == 0:
        return shown(text)
    return "".join(f"<em>{part}</em>" if place % 2 else part for place, part in enumerate(parts))


def _plain(value: object) -> str:
    if value is None:
        return "(empty)"
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    if isinstance(value, dict):
        return "; ".join(
            f"{_plain(k)}: {_plain(v)}" for k, v in zip(value.get("keys", ()), value.get("values", ()), strict=False)
        )
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _table(columns: Sequence, rows: Iterable[Sequence]) -> str:
    head = "".join(f'<th scope="col" dir="auto">{shown(_plain(name))}</th>' for name in columns)
    head = f"<thead><tr>{head}</tr></thead>" if columns else ""
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<div class="scroll" tabindex="0"><table>{head}<tbody>{body}</tbody></table></div>'


def _cell(value: object) -> str:
    if isinstance(value, _Html):
        return f"<td>{value.text}</td>"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f'<td class="n">{shown(_plain(value))}</td>'
    return f'<td dir="auto">{shown(_plain(value))}</td>'


class _Html:
    """HTML made in this module, as opposed to text that has to be escaped."""

    def __init__(self, text: str):
        self.text = text


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{shown(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><main><h1>{shown(title)}</h1>\n{body}</main></body></html>\n"
    )


# --- the class report ---


def class_page(graded: Graded) -> str:
    """Return the class report: points by task, agreement of coders, time, who needs a look, and everybody's totals."""
    exercise, rows = graded.exercise, graded.rows
    students = graded.students
    done = [row for row in students if row.points]
    open_ = sum(bool(row.open_essays) for row in done)
    facts = [f"{len(done)} of {len(students)} students graded"]
    if open_:
        facts.append(
            f"{open_} essay{'s wait' if open_ > 1 else ' waits'} for a grade, so totals are out of {number(_without_essays(exercise))} there"
        )
    parts = [
        f"<p>{'; '.join(facts)}.</p>",
        "<section><h2>Points by task</h2>",
        distribution(exercise, done),
        "</section>",
    ]
    for question in exercise.questions:
        if question.kind == "coding" and not question.compare.get("open"):
            parts.append(
                f"<section><h2>Agreement: {shown(question.title)}</h2>{agreement_html(question, done)}</section>"
            )
    parts.append(f"<section><h2>Time</h2>{_time(graded)}</section>")
    look = [row for row in rows if (row.status != "ok" and row.handed_in) or row.remarks]
    parts.append(f"<section><h2>To look at</h2>{_failures(look)}</section>")
    parts.append(f"<section><h2>Everybody</h2>{_everybody(exercise, students)}</section>")
    return _page(f"{exercise.title} · class report", "".join(parts))


def _without_essays(exercise: Exercise) -> float:
    return sum(question.points for question in exercise.computed)


def distribution(exercise: Exercise, rows: Sequence[Row]) -> str:
    """Return a table with, for each task, how many earned none, up to a half, more, and all, and the mean."""
    table = []
    for question in exercise.questions:
        earned = [row.points[question.id] for row in rows if row.points.get(question.id) is not None]
        if not earned:
            table.append([f"{question.id}. {question.title}", question.points, *[""] * 6])
            continue
        bins = Counter(_bin(points / question.points) for points in earned)
        mean = statistics.fmean(earned)
        bar = _Html(
            f'<span class="nowrap"><span class="bar" style="width:{5 * mean / question.points:.2f}rem"></span> {100 * mean / question.points:.0f} %</span>'
        )
        counts = [bins[name] for name in ("none", "half", "more", "all")]
        table.append([f"{question.id}. {question.title}", question.points, len(earned), *counts, bar])
    columns = ["task", "points", "graded", "no points", "up to half", "more than half", "all", "mean"]
    return _table(columns, table)


def _bin(share: float) -> str:
    return "none" if share <= 0 else "all" if share >= 1 else "half" if share <= 0.5 else "more"


def coded(question: Question, rows: Iterable[Row]) -> dict[str, dict[str, dict[str, str]]]:
    """Return {column: {student: {unit: code}}} of a coding task; words outside the codebook, repeated units and
    notebooks that were made for another student are left out."""
    keys = question.compare.get("key") or question.answer["columns"][0]
    keys = [keys] if isinstance(keys, str) else list(keys)
    found: dict[str, dict[str, dict[str, str]]] = {name: {} for name in question.compare["columns"]}
    for row in rows:
        if any(remark.startswith("Claims to be") for remark in row.remarks):
            continue
        answer = row.answers.get(question.id, {})
        if answer.get("type") != "table" or not {*keys, *found} <= set(answer["columns"]):
            continue
        for cells in answer["rows"]:
            cell = dict(zip(answer["columns"], cells, strict=True))
            unit = " ".join(_plain(cell[key]) for key in keys)
            for name, by_student in found.items():
                options = question.answer.get("options", {}).get(name)
                if isinstance(cell[name], str) and (options is None or cell[name] in options):
                    by_student.setdefault(row.student, {}).setdefault(unit, cell[name])
    return found


def agreement_html(question: Question, rows: Sequence[Row]) -> str:
    """Return inter-coder agreement over the class (Krippendorff's alpha), and what the class disagrees on most."""
    from helpers.analysis import agreement

    table, split = [], []
    for name, by_student in coded(question, rows).items():
        if not any(by_student.values()):
            table.append([name, 0, 0, "", "nobody has coded"])
            continue
        long = agreement.codes(by_student)
        try:
            found = agreement.reliability(long)
        except ValueError as problem:
            table.append([name, "", "", "", f"{problem}"])
            continue
        except ImportError:
            return "<p>Krippendorff's alpha needs the package krippendorff: pip install 'whose-soil[agreement]'.</p>"
        alpha = (
            "all codes alike" if found["alpha"] is None or found["alpha"] != found["alpha"] else f"{found['alpha']:.2f}"
        )
        percent = f"{found['percent_agreement']:.0f} %"
        table.append([name, int(found["coders"]), int(found["paired_units"]), percent, alpha])
        for unit, codes in long.groupby("unit", sort=True)["code"]:
            counts = Counter(codes)
            if len(counts) > 1 and counts.total() > 2:
                split.append((counts.most_common(1)[0][1] / counts.total(), f"{unit}", name, counts))
    html = _table(["code", "coders", "units coded twice or more", "agreement of pairs", "alpha"], table)
    html += '<p class="quiet">Alpha: 1 perfect, 0 what chance would give. Agreement says that students read alike, not that they read rightly.</p>'
    split.sort(key=lambda item: (item[0], item[1], item[2]))
    if split:
        lines = [
            [u, n, "; ".join(f"{code} {count}" for code, count in c.most_common())]
            for _, u, n, c in split[:LONGEST_LISTS]
        ]
        html += f"<p>Most divided, to talk about in class</p>{_table(['unit', 'code', 'how many chose what'], lines)}"
    return html


def _time(graded: Graded) -> str:
    seconds = sorted(row.seconds for row in graded.rows if row.seconds)
    if not seconds:
        return "<p>Nothing was run.</p>"
    slow = max((row for row in graded.rows), key=lambda row: row.seconds)
    return (
        f"<p>This run took {graded.seconds:.1f} s with {graded.workers} workers; {graded.resumed} submissions were there from an earlier "
        f"one. One notebook: {statistics.median(seconds):.2f} s in the middle, {seconds[-1]:.2f} s at most ({shown(slow.student)}).</p>"
    )


def _failures(rows: Sequence[Row]) -> str:
    if not rows:
        return "<p>Nothing.</p>"
    lines = [[r.student, r.name, r.status, " ".join(filter(None, [r.reason, *r.remarks])), r.file] for r in rows]
    return _table(["student", "name", "status", "why", "file"], lines)


def _everybody(exercise: Exercise, rows: Sequence[Row]) -> str:
    lines = []
    for row in rows:
        page = shown(row.student)
        if row.handed_in or row.points:
            page = f'<a href="{esc(_address(row.student))}">{page}</a>'
        points = [number(row.points.get(question.id)) for question in exercise.questions]
        lines.append([_Html(page), row.name, *points, number(row.total), row.status])
    return _table(["student", "name", *(question.id for question in exercise.questions), "total", "status"], lines)


def _address(student: str) -> str:
    from urllib.parse import quote

    return f"feedback/{quote(student)}.html"


def pages(folder: str | Path) -> list[Path]:
    """Return the feedback pages in a run's folder."""
    return sorted(Path(folder, "feedback").glob("*.html"))
