"""The circulated and the signed text of the memorandum, theme by theme, in words and with whose pages say so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from helpers.evidence import Evidence
from helpers.explorers import ahead, base, live
from helpers.explorers.terms import provision_card, provision_options
from helpers.figures.controls import drop_down
from helpers.figures.terms import theme_name
from helpers.figures.two_texts import (
    HEADS,
    LETTERS,
    MARKS,
    NOBODY,
    SEVERAL,
    TELLERS,
    TEXTS,
    accounts,
    arrange,
    choose,
    describe,
    dress,
    fill,
    frame,
    ordered_themes,
)
from helpers.figures.two_texts import two_texts as drawn
from helpers.markup import esc

_TITLE = "Two texts of one memorandum: what each is said to contain"
_NOTHING = "No provision fits this choice. Set a filter back to “all”."
_HIDDEN = "Nothing about the two texts is known at this clock: the memorandum was signed on 15 August 2024."
_PARTED = "parted"
_STYLE = ' style="text-align:left;vertical-align:top;padding-right:1em"'


@ahead.looking
def two_texts(ev: Evidence) -> base.Explorer:
    """Show what the circulated and the signed memorandum are each said to contain, by theme and by whose pages carry it.

    Controls: about (all, or a question on which the accounts part), theme, teller (whose pages), provision. With a theme or a
    question chosen the two texts stand side by side beneath the figure.
    """
    table = accounts(ev.terms, ev.sources)
    themes = ordered_themes(table)
    questions = [(f"{letter}: {q}", q) for q, letter in LETTERS.items() if (table["question"] == q).any()]
    controls = {
        "about": base.dropdown(
            "Show", [("everything", base.ALL), ("where the accounts part", _PARTED), *questions], width="380px"
        ),
        "theme": base.dropdown("Theme", [("all themes", base.ALL), *((theme_name(t), t) for t in themes)]),
        "teller": base.dropdown("Pages", [("anybody's pages", base.ALL), *((t, t) for t in (*TELLERS, SEVERAL))]),
        "provision": base.choice_list("Provision", []),
    }
    ids, options = table["term_id"].tolist(), provision_options(table)
    about, theme_of, tellers = (table[name].to_numpy() for name in ("question", "theme", "teller"))
    rows = list(table.itertuples())
    drawing = dress(frame(themes), title=_TITLE, alt="", themes=themes)
    fill(drawing, table)
    arrange(drawing, table, themes)
    figure = live.figure(drawing)
    status, detail = base.status_line(), base.panel("")
    now = {"kept": np.ones(len(ids), dtype=bool)}

    def update(_change: object) -> None:
        kept = np.ones(len(ids), dtype=bool)
        for control, column in (("theme", theme_of), ("teller", tellers)):
            if (value := controls[control].value) != base.ALL:
                kept &= column == value
        if (value := controls["about"].value) != base.ALL:
            kept &= (about != "") if value == _PARTED else (about == value)
        now["kept"] = kept
        words = "" if kept.any() else (_NOTHING if ids else _HIDDEN)
        arrange(figure, table, themes, kept.tolist(), controls["provision"].value, words)
        number = {t: int((kept & (table["instrument_id"] == t).to_numpy()).sum()) for t in TEXTS}
        told = ", ".join(f"{HEADS[t]} {n}" for t, n in number.items())
        absent = int((kept & table["absent"].to_numpy(dtype=bool)).sum())
        found = f"{int(kept.sum())} of {len(ids)} provisions shown: {told}"
        base.tell(status, f"{found}; {absent} of them say that the text does not hold it. {words}".strip())
        base.offer(controls["provision"], [pair for pair in options if pair[1] in _ids(ids, kept)], read)
        if not controls["provision"].value:
            read(None)

    def read(_change: object) -> None:
        term_id = controls["provision"].value
        choose(figure, table, term_id)
        if term_id:
            detail.value = provision_card(ev, term_id)
        else:
            detail.value = side_by_side([r for r, keep in zip(rows, now["kept"], strict=True) if keep])

    def click(trace, points, _state) -> None:
        if points.point_inds:
            controls["provision"].value = trace.customdata[points.point_inds[0]]

    controls["provision"].observe(read, "value")
    for name, control in controls.items():
        if name != "provision":
            control.observe(update, "value")
    figure.data[MARKS].on_click(click)
    update(None)
    twin = drawn(ev.terms, ev.instruments, ev.sources, title=_TITLE)
    if ids:
        whole = np.ones(len(ids), dtype=bool)
        chosen = {"everything": whole, "where the accounts part": about != ""}
        chosen |= {words: about == question for words, question in questions}
        chosen |= {f"on {teller}": tellers == teller for teller in (*TELLERS, SEVERAL) if (tellers == teller).any()}
        drop_down(twin, "Show", {words: _only(table, themes, kept) for words, kept in chosen.items()})
    return base.Explorer(controls, figure, status, detail, twin, "Explorer: two texts of one memorandum")


def side_by_side(rows: list) -> str:
    """Return provisions (rows of ``accounts``) as an HTML table: one line a theme or question, a column for each text."""
    if not rows:
        return "<p>Choose a provision in the list, or click a mark: what it says and its sources appear here.</p>"
    groups: dict[str, dict[str, list]] = {}
    for row in rows:
        name = f"{LETTERS[row.question]}: {row.question}" if row.question else theme_name(row.theme)
        groups.setdefault(name, {t: [] for t in TEXTS})[row.instrument_id].append(row)
    first = [f"{letter}: {question}" for question, letter in LETTERS.items()]
    names = [n for n in first if n in groups] + [n for n in groups if n not in first]
    head = "".join(f'<th scope="col">{esc(HEADS[t])}</th>' for t in TEXTS)
    body = "".join(
        f'<tr><th scope="row"{_STYLE}>{esc(n)}</th>{"".join(f"<td{_STYLE}>{_cell(groups[n][t])}</td>" for t in TEXTS)}</tr>'
        for n in names
    )
    return (
        '<table style="line-height:1.45"><caption>What each text is said to contain. Choose a provision for its sources.</caption>'
        f'<thead><tr><th scope="col">on</th>{head}</tr></thead><tbody>{body}</tbody></table>'
    )


def _cell(rows: list) -> str:
    if not rows:
        return f"<i>{NOBODY}</i>"
    items = (
        f"<li><b>{esc(r.term_id)}</b> {'<b>Not in the text:</b> ' if r.absent else ''}{esc(r.provision)} <i>({esc(r.carried)})</i></li>"
        for r in rows
    )
    return f'<ul style="padding-left:1.2em;margin:0">{"".join(items)}</ul>'


def _only(table: pd.DataFrame, themes: list[str], kept: np.ndarray):
    """Draw the provisions that are kept on the static figure of `table`."""

    def change(fig: go.Figure) -> str:
        arrange(fig, table, themes, kept.tolist())
        return describe(table[kept], ordered_themes(table[kept]))

    return change


def _ids(ids: list[str], kept: np.ndarray) -> set[str]:
    return {term_id for term_id, keep in zip(ids, kept, strict=True) if keep}
