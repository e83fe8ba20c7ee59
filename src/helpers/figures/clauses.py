"""One feature across a century of texts, in words: what each text says about it, for the test "first of its kind"."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import plotly.graph_objects as go

from helpers.analysis.instruments import VALUES, in_order
from helpers.figures import base, colours
from helpers.figures.matrix import CELLS, FEATURES, SOURCE, feature_name
from helpers.figures.terms import text_name
from helpers.markup import plotly_text

MARKS = {"yes": "circle", "limited": "circle-open-dot", "no": "x", "not_public": "square", "unclear": "diamond"}
UNIT = "one row is one text, by date; the words are the course's short form of what the text says"
_WIDTH, _LINES, _LINE, _GAP, _HEAD = 74, 3, 15.5, 13, 34
_LEFT, _TOP = 318, 78
_UNSEEN = "Not seen, which is not “no”, in"


def clause_comparison(
    instruments: pd.DataFrame, features: str | Iterable[str], *, title: str | None = None
) -> go.Figure:
    """Draw what each text says on one feature (or a few, one block each), with a mark for its value, by date.

    Needs instrument_id, name, date_signed, feature, value and what_it_says, one row per pair. Texts without a row are named beneath
    the block as "not seen", which is not "no". Raises ValueError for a feature that nobody knows.
    """
    chosen = [features] if isinstance(features, str) else list(features)
    title = title or f"What each text says on: {', '.join(feature_name(f).lower() for f in chosen)}"
    if instruments.empty or not chosen:
        reason = "No text or no feature is left to compare: the choice or the clock hides them all."
        return base.empty(title, reason, unit=UNIT, source=SOURCE)
    known = {*FEATURES, *instruments["feature"]}
    if absent := [f for f in chosen if f not in known]:
        raise ValueError(f"feature {absent[0]!r} is not known. Features: {', '.join(sorted(known))}.")
    order = in_order(instruments)
    names = {i: text_name(i, instruments) for i in order}
    dates = dict(zip(instruments["instrument_id"], instruments["date_signed"], strict=True))
    rows, heads, stripes, ticks, at = [], [], [], {}, 0.0
    for feature in chosen:
        block = instruments[instruments["feature"] == feature]
        block = block.sort_values("instrument_id", key=lambda ids: ids.map(order.index))
        if len(chosen) > 1:
            heads.append((at + _HEAD / 2, feature_name(feature)))
            at += _HEAD
        for number, row in enumerate(block.itertuples()):
            lines = _wrapped(row.what_it_says)
            height = max(len(lines.split("<br>")), 2) * _LINE + _GAP
            if number % 2 == 0:
                stripes.append((at, at + height))
            rows.append((at + height / 2, row, lines))
            ticks[at + height / 2] = _label(names[row.instrument_id], dates[row.instrument_id])
            at += height
        unseen = [dates[i][:4] for i in order if i not in set(block["instrument_id"])]
        if unseen:
            lines = plotly_text(f"{_UNSEEN} {len(unseen)} further {_texts(unseen)}", _WIDTH + 36)
            height = (lines.count("<br>") + 1) * _LINE + _GAP
            heads.append((at + height / 2, lines))
            at += height
    fig = go.Figure([_marks(value, [r for r in rows if r[1].value == value]) for value in VALUES])
    fig.add_trace(_words([y for y, _, _ in rows], [words for _, _, words in rows]))
    fig.update_layout(
        shapes=[
            {"type": "rect", "x0": 0, "x1": 1, "xref": "paper", "y0": low, "y1": high, "line": {"width": 0}}
            | {"fillcolor": colours.STRIPE, "layer": "below"}
            for low, high in stripes
        ],
        xaxis={"range": [0, 1], "visible": False, "fixedrange": True},
        yaxis={
            "range": [at, 0],
            "tickvals": list(ticks),
            "ticktext": list(ticks.values()),
            "showgrid": False,
            "fixedrange": True,
            "tickfont": {"size": 12},
        },
        showlegend=False,
    )
    for y, words in heads:
        unseen = words.startswith(_UNSEEN)
        fig.add_annotation(
            x=0,
            y=y,
            text=words if unseen else f"<b>{plotly_text(words)}</b>",
            font={"size": 12 if unseen else 15, "color": colours.GREY if unseen else colours.INK},
            xref="paper",
            xanchor="left",
            xshift=12 - _LEFT,
            align="left",
            showarrow=False,
        )
    table = instruments[instruments["feature"].isin(chosen)]
    table = table.sort_values(["feature", "instrument_id"], key=lambda c: c.map((chosen + order).index), kind="stable")
    shown = pd.DataFrame(
        {
            "date": table["date_signed"],
            "text": table["instrument_id"].map(names),
            "feature": table["feature"].map(feature_name),
            "value": table["value"].str.replace("_", " "),
            "what it says": table["what_it_says"],
        }
    )
    return base.finish(
        fig,
        title=title,
        alt=plotly_text(" ".join(_alt(instruments, feature, names, dates, order) for feature in chosen)),
        unit=UNIT,
        source=SOURCE,
        table=shown,
        height=round(at) + _TOP + 31,
        left=_LEFT,
        right=12,
        top=_TOP,
        bottom=8,
    )


def _alt(instruments: pd.DataFrame, feature: str, names: dict, dates: dict, order: list[str]) -> str:
    block = instruments[instruments["feature"] == feature]
    counts = {v.replace("_", " "): int((block["value"] == v).sum()) for v in VALUES if (block["value"] == v).any()}
    yes = sorted(block.loc[block["value"] == "yes", "instrument_id"], key=order.index)
    first = f" The first plain yes: {names[yes[0]]} ({dates[yes[0]][:4]})." if yes else " No text plainly says yes."
    if block.empty:
        return f"{feature_name(feature)}: nothing was seen in any of {len(order)} texts, which is not “no”."
    return (
        f"{feature_name(feature)} in {len(block)} of {len(order)} texts: {base.listed(counts)}; "
        f"in the other {len(order) - len(block)} nothing was seen, which is not “no”.{first}"
    )


def _texts(years: list[str]) -> str:
    """Return years of texts as words: ``texts of 1932, 2024 (8)``."""
    many = {year: years.count(year) for year in dict.fromkeys(years)}
    listed = ", ".join(year if number == 1 else f"{year} ({number})" for year, number in many.items())
    return f"{'text' if len(years) == 1 else 'texts'} of {listed}"


def _marks(value: str, rows: list[tuple]) -> go.Scatter:
    color = {"yes": colours.BLUE, "limited": colours.BLUE, "no": colours.VERMILLION, "not_public": colours.MIDDLE}.get(
        value, colours.ORANGE
    )
    word = CELLS[value][1] if value in CELLS else value
    return go.Scatter(
        x=[0.022] * len(rows),
        y=[y for y, _, _ in rows],
        mode="markers+text",
        text=[f"  <b>{plotly_text(word)}</b>"] * len(rows),
        textposition="middle right",
        textfont={"size": 13},
        marker={"symbol": MARKS.get(value, "circle"), "size": 14, "color": color, "line": {"width": 2, "color": color}},
        hovertext=[plotly_text(base.cut(row.what_it_says, 300), 70) for _, row, _ in rows],
        hovertemplate="%{hovertext}<extra></extra>",
        name=word,
    )


def _words(y: list[float], words: list[str]) -> go.Scatter:
    return go.Scatter(
        x=[0.165] * len(y),
        y=y,
        mode="text",
        text=words,
        textposition="middle right",
        textfont={"size": 12},
        hoverinfo="skip",
        cliponaxis=False,
    )


def _wrapped(text: str) -> str:
    return _cut_lines(text, _WIDTH, _LINES)


def _cut_lines(text: str, width: int, lines: int) -> str:
    """Return plotly text of at most so many lines, with an ellipsis where it was cut."""
    parts = plotly_text(text, width).split("<br>")
    return "<br>".join(parts[:lines]) + ("…" if len(parts) > lines else "")


def _label(name: str, date: str) -> str:
    parts = plotly_text(name, 40).split("<br>")
    second = f"<br>{parts[1]}{'…' if len(parts) > 2 else ''}" + "\u00a0" * 11 if len(parts) > 1 else ""
    return f"{parts[0]}\u00a0 <b>{plotly_text(date[:4])}</b>{second}"
