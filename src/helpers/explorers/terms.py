"""The provisions of the texts of 2024 and 2025 by theme and side, and one provision with its sources."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from helpers import markup
from helpers.analysis.obligations import SIDES, is_absent
from helpers.evidence import Evidence
from helpers.explorers import ahead, base, live
from helpers.figures.controls import drop_down
from helpers.figures.terms import (
    MARKS,
    SHOW_NAMES,
    SIDE_NAMES,
    UNKNOWN,
    arrange,
    choose,
    describe,
    dress,
    fill,
    frame,
    ordered_themes,
    provisions,
    terms_grid,
    text_name,
    theme_name,
)
from helpers.markup import esc

_HINT = "<p>Choose a provision in the list, or click a mark: what it says, who says so and its sources appear here.</p>"
_NOTHING = "No provision fits this choice. Set a filter back to “all”."
_HIDDEN = "The provisions all lie after the clock."
_TITLE = "Who has to do what? Provisions by theme and side"
_FILTERS = {"text": "text", "theme": "theme", "side": "obligation_on", "strength": "strength", "became": "status_2026"}


@ahead.looking
def terms(ev: Evidence, table: pd.DataFrame | None = None) -> base.Explorer:
    """Show provisions by theme and side, filtered by text, theme, side, strength and what became of them.

    `table`, when given, is shown instead of ``ev.terms``: any choice of its rows. Controls: text, theme, side, strength, became,
    marks (what the marks' shapes say), provision.
    """
    table = (ev.terms if table is None else table).reset_index(drop=True)
    drawn = {show: provisions(table, ev.instruments, show) for show in SHOW_NAMES}
    rows, themes = drawn["strength"], ordered_themes(table)
    controls = {
        "text": base.dropdown("Text", base.counted(rows["text"], "all texts"), width="420px"),
        "theme": base.dropdown("Theme", base.counted(rows["theme"], "all themes", {t: theme_name(t) for t in themes})),
        "side": base.dropdown("Binds", _sides(rows)),
        "strength": base.dropdown("Wording", base.counted(rows["strength"], "every wording")),
        "became": base.dropdown("Result", base.counted(rows["status_2026"], "whatever became of it")),
        "marks": base.dropdown("Marks", [(f"show {words}", show) for show, words in SHOW_NAMES.items()]),
        "provision": base.choice_list("Provision", []),
    }
    columns = {name: rows[column].to_numpy() for name, column in _FILTERS.items()}
    ids, options = rows["term_id"].tolist(), provision_options(rows)
    unknown = bool(len(rows)) and bool((rows["status_2026"] == "unknown").all())
    drawing = dress(frame(themes), title=_TITLE, alt="", themes=themes)
    fill(drawing, rows, "strength")
    arrange(drawing, rows, themes)
    figure = live.figure(drawing)
    status, detail = base.status_line(), base.panel(_HINT)
    now = {"show": "strength"}

    def update(_change: object) -> None:
        show = controls["marks"].value
        kept = np.ones(len(ids), dtype=bool)
        for name, column in columns.items():
            if (value := controls[name].value) != base.ALL:
                kept &= column == value
        shown = {term_id for term_id, keep in zip(ids, kept, strict=True) if keep}
        words = "" if shown else (_NOTHING if ids else _HIDDEN)
        in_order = [term_id in shown for term_id in drawn[show]["term_id"].tolist()]
        with live.at_once(figure):
            if show != now["show"]:
                fill(figure, drawn[show], show)
                now["show"] = show
            arrange(figure, drawn[show], themes, in_order, controls["provision"].value, words)
        base.tell(status, f"{_counts(columns, kept, len(ids))} {words} {UNKNOWN if unknown else ''}".strip())
        base.offer(controls["provision"], [pair for pair in options if pair[1] in shown], read)

    def read(_change: object) -> None:
        term_id = controls["provision"].value
        choose(figure, drawn[now["show"]], term_id)
        detail.value = provision_card(ev, term_id, table) if term_id else _HINT

    def click(trace, points, _state) -> None:
        if points.point_inds:
            controls["provision"].value = trace.customdata[points.point_inds[0]]

    controls["provision"].observe(read, "value")
    for name, control in controls.items():
        if name != "provision":
            control.observe(update, "value")
    figure.data[MARKS].on_click(click)
    update(None)
    twin = terms_grid(table, ev.instruments, title=_TITLE)
    if ids:
        texts = rows["text"].value_counts().index
        drop_down(
            twin, "Text", {"all texts": _only(rows, themes), **{text: _only(rows, themes, text) for text in texts}}
        )
    return base.Explorer(controls, figure, status, detail, twin, "Explorer: provisions by theme and side")


def provision_options(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Return one option per provision, by key: key, theme and the beginning of what it says."""
    rows = table.sort_values("term_id", kind="stable")
    return [(f"{r.term_id}  {theme_name(r.theme)}:  {r.provision[:120]}", r.term_id) for r in rows.itertuples()]


def provision_card(ev: Evidence, term_id: str, table: pd.DataFrame | None = None) -> str:
    """Return one provision as HTML: text, article, what it says, side, wording, what became of it, notes, claims, sources."""
    table = ev.terms if table is None else table
    rows = table[table["term_id"] == term_id]
    if rows.empty:
        return f"<p>{esc(term_id)} is not among the provisions shown: it does not exist, or the clock hides it.</p>"
    row = next(rows.itertuples())
    absent = bool(is_absent(rows).iloc[0])
    facts = [
        f"binds: {SIDE_NAMES.get(row.obligation_on, row.obligation_on)}",
        f"wording: {row.strength}",
        f"what became of it: {row.status_2026}",
    ]
    parts = [
        f"<h4>{esc(row.term_id)}</h4><p>{esc(text_name(row.instrument_id, ev.instruments))}; {esc(row.article)}; "
        f"{esc(theme_name(row.theme).lower())}.</p>",
        "<p><b>Somebody's word that the text does not hold this:</b></p>" if absent else "",
        f"<p>{esc(row.provision)}</p><p>{esc('; '.join(facts))}.</p>",
        f"<p>Notes: {esc(row.notes)}</p>" if row.notes else "",
        f"<p>Sources</p>{markup.source_list(ev.sources, row.source_ids)}",
    ]
    if keys := claims_on_pages(ev, row.source_ids):
        parts.append(f"<p>Claims that rest on the same pages: {', '.join(markup.key_link(k) for k in keys)}.</p>")
    return f'<div class="claim-card" style="line-height:1.45">{"".join(parts)}</div>'


def claims_on_pages(ev: Evidence, source_ids: tuple[str, ...], limit: int = 8) -> list[str]:
    """Return the keys of claims that share pages with something, those that share most first."""
    pages = set(source_ids)
    found = []
    for key, ids in zip(ev.claims["claim_id"], ev.claims["source_ids"], strict=True):
        if shared := len(pages.intersection(ids)):
            found.append((-shared, key))
    return [key for _, key in sorted(found)[:limit]]


def _only(rows: pd.DataFrame, themes: list[str], text: str | None = None):
    """Draw the provisions of one text on the static grid of `rows`, or of all."""

    def change(fig: go.Figure) -> str:
        shown = [True] * len(rows) if text is None else (rows["text"] == text).tolist()
        arrange(fig, rows, themes, shown)
        return describe(rows[shown])

    return change


def _sides(rows: pd.DataFrame) -> list[tuple[str, str]]:
    counts = {side: int((rows["obligation_on"] == side).sum()) for side in SIDES}
    return [("whoever is bound", base.ALL), *((f"{SIDE_NAMES[s]} ({n})", s) for s, n in counts.items())]


def _counts(columns: dict[str, np.ndarray], kept: np.ndarray, of: int) -> str:
    number = int(kept.sum())
    if not number:
        return f"0 of {of} provisions shown."
    sides = columns["side"][kept]
    told = ", ".join(f"{SIDE_NAMES[s]} {int((sides == s).sum())}" for s in SIDES)
    return f"{number} of {of} provisions shown, as described: {told}."
