"""Who calls the PKK what, and when: acts by which states and courts named, banned, listed or delisted it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd
import plotly.graph_objects as go

from helpers.analysis.spans import stack
from helpers.evidence import first_day, last_day
from helpers.figures import base, colours
from helpers.markup import plotly_text, prose_date

# Effect -> symbol, colour, words of the legend.
EFFECTS = {
    "bans": ("square", colours.VERMILLION, "bans, or acts on a ban"),
    "designates": ("triangle-up", colours.ORANGE, "designates, lists"),
    "restores": ("triangle-right", colours.PURPLE, "restores, upholds"),
    "annuls": ("x", colours.BLUE, "annuls"),
    "declines": ("circle", colours.GREEN, "declines"),
    "unclear": ("diamond-open", colours.INK, "unclear: sources disagree"),
}
UNIT = "one mark is one act; beside it stands the author's own word for the PKK, in English"
SOURCE = "the course's designations table; each row rests on the claims named with it"
BANDS, RING, MARKS, EDGE = range(4)
_LEFT, _TOP, _ROW, _LABEL = 206, 112, 27, 36


class Act(NamedTuple):
    """One act with its place in the drawing: `x` an ISO day, `row` and the `lane` of its state (first row, number of rows)."""

    key: str
    date: str
    year: int
    state: str
    author: str
    effect: str
    act: str
    word: str
    notes: str
    claim_ids: tuple[str, ...]
    x: str
    row: float
    lane: tuple[int, int]
    label: str
    hover: str


def designations(table: pd.DataFrame, *, as_on: int | None = None, title: str = "Who calls the PKK what?") -> go.Figure:
    """Draw acts of naming over time, one lane a state, with the word that each author used.

    Needs designation_id, date, author, state, effect, act, word, claim_ids and notes (``ev.designations``). `as_on` leaves out the acts
    after that year. The line under a state's name gives the last act seen, which is not always the law in force: read its note.
    """
    drawn = acts(table)
    if not drawn:
        reason = "No act is left to draw: the choice or the clock hides them all."
        return base.empty(title, reason, unit=UNIT, source=SOURCE)
    last = max(act.year for act in drawn) if as_on is None else as_on
    shown = [act for act in drawn if act.year <= last]
    fig = frame(drawn)
    words = "" if shown else f"No act by the end of {last} is in the table."
    redraw(fig, drawn, shown, last, words=words)
    columns = ["designation_id", "date", "state", "author", "effect", "act", "word", "notes"]
    rows = table[table["designation_id"].isin([act.key for act in shown])][columns]
    alt = describe(drawn, shown, "" if as_on is None else f" by the end of {as_on}")
    return dress(fig, drawn, title=title, alt=alt, table=rows.rename(columns={"designation_id": "key"}))


def acts(table: pd.DataFrame) -> list[Act]:
    """Return the acts by date, each with its row: states in lanes by their first act, words beside marks without overlap."""
    if table.empty:
        return []
    start, end = first_day(table["date"]), last_day(table["date"])
    order = table.assign(at=start + (end - start) / 2, year=end.dt.year).sort_values("at", kind="stable")
    span = max((order["at"].max() - order["at"].min()).days, 365)
    found, first = [], 0
    for state in dict.fromkeys(order["state"]):
        rows = list(order[order["state"] == state].itertuples())
        days = [r.at.toordinal() for r in rows]
        labels = [base.cut(r.word, _LABEL) for r in rows]
        until = [day + span * (0.025 + 0.0085 * len(label)) for day, label in zip(days, labels, strict=True)]
        places = stack(days, until)
        high = max(2, max(places) + 1)
        lone = 0.5 if max(places) == 0 else 0
        for r, label, place in zip(rows, labels, places, strict=True):
            where = (r.at.strftime("%Y-%m-%d"), first + place + lone, (first, high), plotly_text(label), _hover(r))
            facts = (r.designation_id, r.date, int(r.year), state, r.author, r.effect, r.act, r.word, r.notes)
            found.append(Act(*facts, tuple(r.claim_ids), *where))
        first += high
    return sorted(found, key=lambda act: act.x)


def frame(drawn: list[Act]) -> go.Figure:
    """Return lanes without marks, for `redraw`: bands, the ring around the chosen act, marks, the line of the date, the legend."""
    first, last = pd.Timestamp(drawn[0].x), pd.Timestamp(drawn[-1].x)
    room = (last - first) * 0.03 + pd.Timedelta(days=200)
    lanes = list(_lanes(drawn).values())
    bands = go.Bar(
        orientation="h",
        base=str((first - room).date()),
        x=[(last - first + 12 * room) / pd.Timedelta(milliseconds=1)] * len(lanes[::2]),
        y=[start + high / 2 - 0.5 for start, high in lanes[::2]],
        width=[high for _, high in lanes[::2]],
        marker={"color": colours.STRIPE},
        hoverinfo="skip",
        showlegend=False,
    )
    ring = {"size": 24, "symbol": "circle-open", "color": colours.BLACK, "line": {"width": 2.5}}
    marks = go.Scatter(
        mode="markers+text",
        marker={"size": 13, "line": {"width": 1.2, "color": colours.INK}},
        textposition="middle right",
        textfont={"size": 12},
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
        cliponaxis=False,
    )
    line = {"color": colours.INK, "width": 1.5, "dash": "dot"}
    edge = go.Scatter(mode="lines", line=line, hoverinfo="skip", showlegend=False)
    fig = go.Figure([bands, go.Scatter(mode="markers", marker=ring, hoverinfo="skip", showlegend=False), marks, edge])
    for symbol, color, words in EFFECTS.values():
        marker = {"symbol": symbol, "size": 11, "color": color, "line": {"width": 1.2, "color": colours.INK}}
        fig.add_trace(go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name=words))
    fives = [f"{year}-01-01" for year in range(first.year // 5 * 5, last.year + 2, 5)]
    fig.update_layout(
        barmode="overlay",
        xaxis={
            "type": "date",
            "range": [str((first - room).date()), str((last + 7.5 * room).date())],
            "tickvals": fives,
            "tickformat": "%Y",
        },
        yaxis={
            "range": [_rows(drawn) - 0.4, -0.7],
            "tickvals": [start + high / 2 - 0.5 for start, high in lanes],
            "showgrid": False,
            "ticks": "",
            "tickfont": {"size": 12.5},
        },
        legend={"itemclick": False, "itemdoubleclick": False},
    )
    return fig


def redraw(
    fig: go.Figure | go.FigureWidget,
    drawn: list[Act],
    shown: list[Act],
    as_on: int,
    chosen: str | None = None,
    words: str = "",
) -> None:
    """Put the acts `shown` into a `frame` of all acts `drawn`, with a line at the end of `as_on`, as one change.

    The `chosen` act gets a ring; `words` stand in the middle of an empty figure.
    """
    effects = [EFFECTS.get(act.effect, EFFECTS["unclear"]) for act in shown]
    x, y = [act.x for act in shown], [act.row for act in shown]
    edge = f"{as_on}-12-31"
    restyle = {
        "x": [x, x, [edge, edge]],
        "y": [_ring(shown, chosen), y, [-0.7, _rows(drawn)]],
        "text": ["", [act.label for act in shown], ""],
        "hovertext": ["", [act.hover for act in shown], ""],
        "customdata": [None, [act.key for act in shown], None],
        "marker.symbol": ["circle-open", [symbol for symbol, _, _ in effects] or "circle", "circle"],
        "marker.color": [colours.BLACK, [color for _, color, _ in effects] or colours.INK, colours.INK],
    }
    last = last_acts(shown)
    said = {state: f"last seen: {last[state].effect}, {last[state].date[:4]}" for state in last}
    labels = [
        f"<b>{plotly_text(state)}</b><br>{plotly_text(said.get(state, 'no act seen yet'))}" for state in _lanes(drawn)
    ]
    relayout = {"yaxis.ticktext": labels, **base.saying(fig, words)}
    fig.plotly_update(restyle_data=restyle, relayout_data=relayout, trace_indexes=[RING, MARKS, EDGE])


def choose(fig: go.Figure | go.FigureWidget, shown: list[Act], chosen: str | None) -> None:
    """Put a ring around one of the drawn acts, or around none."""
    fig.plotly_update(restyle_data={"y": [_ring(shown, chosen)]}, trace_indexes=[RING])


def last_acts(shown: Iterable[Act]) -> dict[str, Act]:
    """Return the last of the acts for each state, in the order of the lanes."""
    last = {act.state: act for act in shown}
    return dict(sorted(last.items(), key=lambda item: item[1].lane))


def dress(fig: go.Figure, drawn: list[Act], *, title: str, alt: str, table: pd.DataFrame | None = None) -> go.Figure:
    """Give the lanes their title, words, size and margins."""
    height = max(320, _rows(drawn) * _ROW + _TOP + 64)
    return base.finish(
        fig,
        title=title,
        alt=alt,
        unit=UNIT,
        source=SOURCE,
        table=table,
        height=height,
        left=_LEFT,
        right=14,
        top=_TOP,
    )


def describe(drawn: list[Act], shown: list[Act], when: str = "") -> str:
    """Return the alt text: how many acts of which effect, and the last act seen of each state; `when` follows a word or is ""."""
    if not shown:
        return f"No act{when} is in the table."
    effects = {effect: n for effect in EFFECTS if (n := sum(act.effect == effect for act in shown))}
    last = "; ".join(
        f"{state}: {act.effect}, {prose_date(act.date)} ({act.word})" for state, act in last_acts(shown).items()
    )
    return (
        f"Timeline of {len(shown)} of {len(drawn)} acts by {len(last_acts(shown))} states and unions, {shown[0].year} to {shown[-1].year}: "
        f"{base.listed(effects)}. Last act seen{when}: {last}."
    )


def _lanes(drawn: list[Act]) -> dict[str, tuple[int, int]]:
    return dict(sorted({act.state: act.lane for act in drawn}.items(), key=lambda item: item[1]))


def _rows(drawn: list[Act]) -> int:
    return max(sum(act.lane) for act in drawn)


def _ring(shown: list[Act], chosen: str | None) -> list[float | None]:
    return [act.row if act.key == chosen else None for act in shown]


def _hover(act) -> str:
    head = f"<b>{plotly_text(act.state)}</b>, {plotly_text(act.author)}, {plotly_text(prose_date(act.date))}"
    note = f"<br><i>{plotly_text(base.cut(act.notes, 120), 58)}</i>" if act.notes else ""
    return f"{head}<br>{plotly_text(act.act, 58)}<br>word: “{plotly_text(act.word, 58)}”{note}"
