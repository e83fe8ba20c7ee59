"""The article's statements: the reader's own verdict, the course's after it, and how far readers agree."""

from __future__ import annotations

import ipywidgets as widgets
import pandas as pd
import plotly.graph_objects as go

from helpers.analysis import agreement
from helpers.evidence import Evidence
from helpers.explorers import ahead, base, live
from helpers.figures.controls import highlights
from helpers.figures.scorecard import LATER, MARKS, VERDICTS, draw, dress_grid, grid_frame, look, ordered
from helpers.figures.scorecard import scorecard as drawn
from helpers.markup import esc, key_link

LETTERS = {verdict: letter for verdict, letter in zip(VERDICTS, "SPCNO", strict=True)}
UNDECIDED = "-"
YOU, COURSE, SECOND, THIRD = "you", "the course", "reader 2", "reader 3"
_COLUMNS = (YOU, COURSE, SECOND, THIRD)
_UNIT = "one mark is one verdict; the course's appears once you have given yours"
_TITLE = "Your verdict on the article"
_HINT = "Decide first: the course's verdict and its reasons appear here once you have given yours."
_PRESS = "Press “Compare readers” to compute how far each two readers agree."
_KEY = ", ".join(f"{letter} {look(verdict)[0]}" for verdict, letter in LETTERS.items())


@ahead.looking
def scorecard(ev: Evidence, article_claims: pd.DataFrame | None = None) -> base.Explorer:
    """Let the reader judge the article's statements, show the course's verdict after each, and compute agreement.

    `article_claims`, when given, is judged instead of ``ev.article_claims``: any choice of its rows. Controls: statement, verdict, next
    (button), code (the reader's verdicts as letters, to copy or to paste back), second and third (codes
    of two more readers), compare (button: agreement of each two).
    """
    rows = ordered(ev.article_claims if article_claims is None else article_claims)
    ids = rows["statement_id"].tolist()
    course = {s: v for s, v in zip(ids, rows["verdict"], strict=True) if v != LATER}
    later = {s for s in ids if s not in course}
    records = {r.statement_id: r for r in rows.itertuples()}
    options = [(f"{r.statement_id}  {r.statement[:110]}", r.statement_id) for r in rows.itertuples()]
    controls = {
        "statement": base.dropdown("Statement", options or [("no statement", "")], width="620px"),
        "verdict": base.dropdown("Verdict", [("not decided", ""), *((look(v)[0], v) for v in VERDICTS)], width="260px"),
        "next": widgets.Button(description="Next undecided", layout={"width": "150px"}),
        "code": _code_box("Your code", len(ids)),
        "second": _code_box("Reader 2", len(ids)),
        "third": _code_box("Reader 3", len(ids)),
        "compare": widgets.Button(description="Compare readers", layout={"width": "150px"}),
    }
    given: dict[str, dict[str, str]] = {YOU: {}, SECOND: {}, THIRD: {}}
    drawing = dress_grid(grid_frame(rows, _COLUMNS), title=_TITLE, alt="", unit=_UNIT, rows=len(rows))
    figure = live.figure(drawing)
    status, detail = base.status_line(), base.panel("")
    state = {"busy": False, "compared": "", "wrong": ""}

    def shown_course() -> dict[str, str]:
        return {s: course.get(s, LATER) for s in given[YOU]}

    def repaint() -> None:
        words = "" if ids else "No statement is left to judge."
        columns = [given[YOU], shown_course(), given[SECOND], given[THIRD]]
        draw(figure, rows, columns, controls["statement"].value, words)
        told = together(YOU, given[YOU], COURSE, shown_course())
        base.tell(status, f"{len(given[YOU])} of {len(ids)} statements decided. {told} {state['wrong']}".strip())
        detail.value = statement_panel(records.get(controls["statement"].value), given[YOU], later) + state["compared"]

    def quietly(change) -> None:
        state["busy"] = True
        try:
            change()
        finally:
            state["busy"] = False

    def choose(_change: object) -> None:
        quietly(lambda: setattr(controls["verdict"], "value", given[YOU].get(controls["statement"].value, "")))
        repaint()

    def decide(_change: object) -> None:
        if state["busy"]:
            return
        statement, verdict = controls["statement"].value, controls["verdict"].value
        given[YOU].pop(statement, None)
        if verdict and statement:
            given[YOU][statement] = verdict
        quietly(lambda: setattr(controls["code"], "value", encoded(given[YOU], ids)))
        outdate()
        repaint()

    def read_codes(_change: object) -> None:
        if state["busy"]:
            return
        problems = []
        for name, control in ((YOU, "code"), (SECOND, "second"), (THIRD, "third")):
            try:
                given[name] = decoded(controls[control].value, ids)
            except ValueError as problem:
                problems.append(f"{name.capitalize()}: {problem}")
        state["wrong"] = " ".join(problems)
        quietly(lambda: setattr(controls["verdict"], "value", given[YOU].get(controls["statement"].value, "")))
        outdate()
        repaint()

    def compare(_button: object) -> None:
        state["compared"] = agreement_table({**{n: codes for n, codes in given.items() if codes}, COURSE: course})
        repaint()

    def outdate() -> None:
        others = given[SECOND] or given[THIRD]
        state["compared"] = f"<p>{_PRESS}</p>" if others else ""

    def step(_button: object) -> None:
        here = ids.index(controls["statement"].value) if controls["statement"].value in ids else -1
        ahead = [s for s in ids[here + 1 :] + ids[: here + 1] if s not in given[YOU]]
        if ahead:
            controls["statement"].value = ahead[0]

    def click(trace, points, _state) -> None:
        if points.point_inds:
            controls["statement"].value = trace.customdata[points.point_inds[0]]

    controls["statement"].observe(choose, "value")
    controls["verdict"].observe(decide, "value")
    controls["next"].on_click(step)
    controls["compare"].on_click(compare)
    for name in ("code", "second", "third"):
        controls[name].observe(read_codes, "value")
    figure.data[MARKS].on_click(click)
    repaint()
    twin = drawn(rows)
    if ids:
        kinds = {f"the {kind}s": _rows_of(twin, rows, kind) for kind in dict.fromkeys(rows["kind"])}
        highlights(twin, "Statements", {"all statements": {}, **kinds})
    return base.Explorer(controls, figure, status, detail, twin, "Explorer: your verdict on the article")


def encoded(verdicts: dict[str, str], ids: list[str]) -> str:
    """Return verdicts as letters, one a statement in the order of `ids`, in groups of five; ``-`` is not decided."""
    letters = "".join(LETTERS.get(verdicts.get(s, ""), UNDECIDED) for s in ids)
    return " ".join(letters[i : i + 5] for i in range(0, len(letters), 5))


def decoded(code: str, ids: list[str]) -> dict[str, str]:
    """Return the verdicts of a code (see `encoded`); an empty one gives none. Raises ValueError for another length or letter."""
    letters = "".join(code.split()).upper()
    if not letters:
        return {}
    if len(letters) != len(ids):
        raise ValueError(f"the code has {len(letters)} letters, not {len(ids)}, one a statement. Copy it whole.")
    meaning = {letter: verdict for verdict, letter in LETTERS.items()}
    if wrong := [letter for letter in letters if letter not in meaning and letter != UNDECIDED]:
        raise ValueError(f"the code holds “{wrong[0]}”. It may hold {_KEY}, and - for not decided.")
    return {s: meaning[letter] for s, letter in zip(ids, letters, strict=True) if letter in meaning}


def together(first: str, one: dict[str, str], second: str, other: dict[str, str]) -> str:
    """Say in a sentence how far two readers agree: percent, and Krippendorff's alpha with what it means."""
    both = [s for s in one if other.get(s, LATER) != LATER]
    if len(both) < 2:
        return f"Agreement of {first} and {second} is computed from two common statements on; so far {len(both)}."
    told = agreement.reliability(
        agreement.codes({first: {s: one[s] for s in both}, second: {s: other[s] for s in both}})
    )
    same = f"{told['agreeing_pairs']} of {told['pairs']} ({told['percent_agreement']:.0f} %)"
    if pd.isna(told["alpha"]):
        return f"{first.capitalize()} and {second} agree on {same}; with one verdict used throughout, alpha cannot be computed."
    return (
        f"{first.capitalize()} and {second} agree on {same}; Krippendorff's alpha {_alpha(told['alpha'])}, where 1 is full agreement "
        "and 0 what chance would give."
    )


def agreement_table(readers: dict[str, dict[str, str]]) -> str:
    """Return agreement of each two readers, and of all without the course, as HTML with what it does and does not mean."""
    kept = {name: {s: v for s, v in codes.items() if v != LATER} for name, codes in readers.items()}
    table = agreement.codes({name: codes for name, codes in kept.items() if codes})
    if table["coder"].nunique() < 2:
        return "<p>Agreement needs two readers: decide some statements, or paste the code of a reader.</p>"
    lines = []
    pairs = agreement.by_pair(table)
    for r in pairs.itertuples():
        lines.append((f"{r.first} and {r.second}", r.agreeing_pairs, r.pairs, r.percent_agreement, r.alpha))
    people = table[table["coder"] != COURSE]
    if people["coder"].nunique() > 2 and (people.groupby("unit").size() > 1).any():
        r = agreement.reliability(people)
        lines.append(("all readers", r["agreeing_pairs"], r["pairs"], r["percent_agreement"], r["alpha"]))
    body = "".join(
        f'<tr><th scope="row">{esc(name)}</th><td>{same} of {of}</td><td>{percent:.0f} %</td>'
        f"<td>{_alpha(alpha)}</td></tr>"
        for name, same, of, percent, alpha in lines
    )
    return (
        "<h4>How far do the readers agree?</h4><table><thead><tr><th>readers</th><th>same verdict</th><th>percent</th>"
        f"<th>Krippendorff's alpha</th></tr></thead><tbody>{body}</tbody></table>"
        "<p>Alpha takes off what chance would give: 1 is full agreement, 0 is chance, below 0 readers part systematically. "
        "It treats the verdicts as different, not as more or less. Agreement says that readers read alike, not that they "
        "read rightly.</p>"
    )


def statement_panel(row, given: dict[str, str], later: set[str]) -> str:
    """Return a statement as HTML; the course's verdict, reasons and claims on both sides only once the reader has decided."""
    if row is None:
        return "<p>No statement is left to judge.</p>"
    parts = [
        f"<h4>{key_link(row.statement_id)}, paragraph {esc(row.paragraph)}, {esc(row.kind)}</h4><p>{esc(row.statement)}</p>"
    ]
    if row.statement_id not in given:
        parts.append(f"<p><i>{_HINT}</i></p>")
    elif row.statement_id in later:
        parts.append("<p>The course's verdict rests on evidence from after the clock and is not shown.</p>")
    else:
        yours, ours = look(given[row.statement_id])[0], look(row.verdict)[0]
        parts.append(f"<p>Yours: <b>{esc(yours)}</b>. The course's: <b>{esc(ours)}</b>.</p><p>{esc(row.reasoning)}</p>")
        sides = {"For": row.supporting_claims, "Against": row.challenging_claims}
        parts += [f"<p>{name}: {', '.join(key_link(k) for k in keys) or 'none'}.</p>" for name, keys in sides.items()]
    return f'<div class="claim-card" style="line-height:1.45">{"".join(parts)}</div>'


def _rows_of(twin: go.Figure, rows: pd.DataFrame, kind: str) -> dict[int, list[int]]:
    """Where the statements of one kind stand on the static figure: trace -> its points."""
    kinds = rows["kind"].tolist()
    return {n: [at for at, y in enumerate(trace.y) if kinds[int(y)] == kind] for n, trace in enumerate(twin.data)}


def _alpha(value: object) -> str:
    return "not computable" if pd.isna(value) else f"{value:.2f}".replace("-", "−")


def _code_box(label: str, length: int) -> widgets.Text:
    box = widgets.Text(
        description=label,
        placeholder=f"{length} letters: S P C N O or -",
        continuous_update=False,
        layout={"width": "470px"},
        style={"description_width": "76px"},
    )
    box.tooltip = f"{label}: {_KEY}; - not decided"
    return box
