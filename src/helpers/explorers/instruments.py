"""The instrument × feature matrix, and what one text says on one feature."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from helpers import figures, markup
from helpers.analysis.instruments import NOT_SEEN, in_order, texts
from helpers.evidence import Evidence
from helpers.explorers import ahead, base, live
from helpers.figures.controls import drop_down
from helpers.figures.matrix import (
    FEATURES,
    GRID,
    cells,
    choose,
    dress,
    feature_name,
    frame,
    height_for,
    instrument_name,
    ordered_features,
    redraw,
)
from helpers.markup import esc

_NOTHING = "No text fits this choice. Choose a feature, or widen the years."
# On the static matrix: periods of signature, and groups of columns that stand beside each other.
_NOW = 9999
_PERIODS = [(1918, 1945), (1946, 1979), (1980, 1999), (2000, 2023), (2024, _NOW)]
_GROUPS = {
    "soil and consent": list(FEATURES)[:5],
    "how they work together": list(FEATURES)[5:10],
    "water, oil, trade": list(FEATURES)[10:],
}
VALUE_MEANING = {
    "yes": "the text or agreed descriptions contain it",
    "limited": "a weaker or partial form",
    "no": "the parts seen contain none",
    "not_public": "the text is not published and descriptions do not settle it",
    "unclear": "accounts disagree or do not reach the point",
}


@ahead.looking
def instruments(ev: Evidence, table: pd.DataFrame | None = None) -> base.Explorer:
    """Show which text says what; choose features, texts and years, and read one cell with its sources.

    `table`, when given, is shown instead of ``ev.instruments`` without its press announcements. Controls: since, until, features,
    texts (with Ctrl or Shift for several), text and feature (the cell that is read).
    """
    table = texts(ev.instruments) if table is None else table.reset_index(drop=True)
    order, features = in_order(table), ordered_features(table)
    names = {
        i: f"{d[:4]}  {instrument_name(table, i)}"
        for i, d in zip(table["instrument_id"], table["date_signed"], strict=True)
    }
    signed = {i: int(d[:4]) for i, d in zip(table["instrument_id"], table["date_signed"], strict=True)}
    first, last = min(signed.values(), default=0), max(signed.values(), default=0)
    controls = {
        "since": base.number("From year", first, first, last),
        "until": base.number("To year", last, first, last),
        "features": base.choices("Features", [(feature_name(f), f) for f in features], width="340px"),
        "texts": base.choices("Texts", [(names[i], i) for i in order], width="520px"),
        "text": base.dropdown("Read: text", [("choose a text", ""), *((names[i], i) for i in order)], width="520px"),
        "feature": base.dropdown(
            "on feature", [("choose a feature", ""), *((feature_name(f), f) for f in features)], width="340px"
        ),
    }
    drawn = cells(table, features)
    drawing = dress(frame(), title="Which text says what?", alt="", height=height_for(len(order)))
    redraw(drawing, drawn, order, features)
    figure = live.figure(drawing)
    status, detail = base.status_line(), base.panel("")
    now: dict[str, list[str]] = {"ids": [], "features": []}

    def update(_change: object) -> None:
        since, until, wanted = controls["since"].value, controls["until"].value, set(controls["texts"].value)
        now["ids"] = ids = [i for i in order if i in wanted and since <= signed[i] <= until]
        now["features"] = columns = list(controls["features"].value)
        words = "" if ids and columns else _NOTHING
        redraw(figure, drawn, ids, columns, cell(), words, height_for(len(ids)))
        filled = sum(drawn["rows"][i][features.index(f)] != NOT_SEEN for i in ids for f in columns)
        size = f", {len(columns)} features; {filled} of {len(ids) * len(columns)} cells filled, the others not seen"
        base.tell(status, f"{len(ids)} of {len(order)} texts shown{size if not words else ''}. {words}".strip())

    def cell() -> tuple[str, str]:
        return controls["text"].value, controls["feature"].value

    def show(_change: object) -> None:
        choose(figure, now["ids"], now["features"], cell())
        detail.value = base.readable(cell_card(ev, table, *cell()))

    def click(_trace, points, _state) -> None:
        if points.xs and now["ids"] and now["features"]:
            controls["text"].value = now["ids"][round(points.ys[0])]
            controls["feature"].value = now["features"][round(points.xs[0])]

    for name, control in controls.items():
        control.observe(show if name in ("text", "feature") else update, "value")
    figure.data[GRID].on_click(click)
    update(None)
    show(None)
    twin = figures.instrument_matrix(table)
    if order and features:
        controls_of_twin(twin, [signed[i] for i in order], features)
    return base.Explorer(controls, figure, status, detail, twin, "Explorer: which text says what")


def controls_of_twin(twin: go.Figure, years: list[int], features: list[str]) -> None:
    """Let a reader without a kernel choose a period (rows, in order of their `years`) and a group of columns on the static matrix."""

    def rows(first: int, last: int):
        def change(fig: go.Figure) -> str:
            shown = [n for n, year in enumerate(years) if first <= year <= last]
            fig.plotly_update({}, {"yaxis.range": [shown[-1] + 0.5, shown[0] - 0.5], "height": height_for(len(shown))})
            return f"The rows of {len(shown)} of {len(years)} texts, {years[shown[0]]} to {years[shown[-1]]}."

        return change

    def columns(names: list[str]):
        def change(fig: go.Figure) -> str:
            at = [features.index(name) for name in names]
            fig.plotly_update({}, {"xaxis.range": [at[0] - 0.5, at[-1] + 0.5]})
            return f"The columns: {', '.join(feature_name(name) for name in names)}."

        return change

    periods = [(first, last) for first, last in _PERIODS if any(first <= year <= last for year in years)]
    parts = {words: [f for f in features if f in group] for words, group in _GROUPS.items()}
    drop_down(
        twin,
        "Signed",
        {
            "in any year": rows(min(years), max(years)),
            **{f"{a} to {b}" if b < _NOW else f"since {a}": rows(a, b) for a, b in periods},
        },
    )
    chosen = {words: columns(names) for words, names in parts.items() if names}
    drop_down(twin, "Features", {"all features": columns(features), **chosen}, x=0.7)


def cell_card(ev: Evidence, table: pd.DataFrame, instrument_id: str, feature: str) -> str:
    """Return one cell of the matrix as HTML: the text, its date, place, parties and force, the value, what it says, sources as links."""
    rows = table[table["instrument_id"] == instrument_id]
    if rows.empty:
        return "<p>Choose a text and a feature, or click a cell: what the text says on it appears here, with its sources.</p>"
    head = next(rows.itertuples())
    facts = [markup.prose_date(head.date_signed), head.place, markup.actor_names(head.parties)]
    parts = [f"<h4>{esc(head.name)}</h4><p>{esc('; '.join(f for f in facts if f))}.</p>"]
    if head.in_force_status:
        parts.append(f"<p>In force: {esc(head.in_force_status)}</p>")
    cell = rows[rows["feature"] == feature]
    if not feature:
        parts.append("<p>Choose a feature to read what this text says on it.</p>")
    elif cell.empty:
        parts.append(
            f"<p><b>{esc(feature_name(feature))}: not seen.</b> No page that was read speaks about it. That is not a “no”.</p>"
        )
    else:
        row = next(cell.itertuples())
        value, meaning = row.value.replace("_", " "), VALUE_MEANING.get(row.value, "")
        parts.append(
            f"<p><b>{esc(feature_name(feature))}: {esc(value)}</b> ({esc(meaning)})</p><p>{esc(row.what_it_says)}</p>"
        )
        parts.append(f"<p>Sources</p>{markup.source_list(ev.sources, row.source_ids)}")
    return f'<div class="claim-card">{"".join(parts)}</div>'
