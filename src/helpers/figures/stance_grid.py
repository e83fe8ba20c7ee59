"""Who stands where on which issue: scores from −2 to 2 as colour, sign and number, and blank where nothing was seen."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
import plotly.graph_objects as go
from plotly.basedatatypes import Undefined

from helpers.evidence import last_day
from helpers.figures import base, colours
from helpers.markup import ACTORS, plotly_text, prose_date

ISSUES = {
    "pkk_ban": "Ban on the PKK",
    "turkish_bases_in_iraq": "Turkish bases in Iraq",
    "joint_centres": "Joint centres",
    "border_zone": "Border zone",
    "pmf_role_in_sinjar": "PMF role in Sinjar",
    "us_troop_presence": "US troop presence",
    "development_road": "Development Road",
    "water_for_security": "Water for security",
    "kirkuk_ceyhan_pipeline": "Kirkuk–Ceyhan pipeline",
    "pkk_dissolution": "PKK dissolution",
}
ORDER = ("TUR", "IRQ", "KRG-KDP", "PUK", "PKK", "YBS", "PMF", "IRN", "USA")
NAMES = ACTORS | {"KRG-KDP": "KRG and KDP (Erbil)", "PUK": "PUK", "YBS": "YBS (Sinjar units)", "PMF": "PMF"}
# Score -> colour, what stands in the cell, words of the legend. Light colours, so that one dark ink reads on all.
SCORES = {
    -2: (colours.STANCE[-2], "▼▼ −2", "▼▼ −2: strongly against"),
    -1: (colours.STANCE[-1], "▼ −1", "▼ −1: against"),
    0: (colours.STANCE[0], "◇ 0", "◇ 0: no stance seen, or mixed"),
    1: (colours.STANCE[1], "▲ +1", "▲ +1: for"),
    2: (colours.STANCE[2], "▲▲ +2", "▲▲ +2: strongly for"),
}
BASIS = {
    "statement": ("circle", "rests on a statement"),
    "behaviour": ("square", "rests on an act"),
    "analyst": ("triangle-up", "rests on an analyst's reading"),
}
BLANK = "blank: no row, so not seen, which is not 0"
PERIODS = {"latest": "latest by the date", "current": "current", "earlier": "earlier"}
_TITLES = {
    "latest": "Each actor's latest position",
    "current": "Current positions",
    "earlier": "Earlier positions",
}
UNIT = (
    "scores from −2 to +2 are editorial judgements for discussion; the mark in the corner tells what a score rests on"
)
SOURCE = "the course's positions table, from the pages named with each row"
GRID, CORNERS = 0, 1
_ROW, _TOP, _LEFT, _LEGEND = 46, 178, 190, 108
# A row's score is −2 to 2; the grid's number for a pair without a row.
_BLANK = -3.0


def stances(
    positions: pd.DataFrame, *, period: str = "latest", by: str | None = None, title: str | None = None
) -> go.Figure:
    """Draw actors (rows) against issues (columns): scores from −2 to +2, blank where no row was seen.

    Needs actor, issue, period, stance_score, stance_summary, basis, date, status and notes (``ev.positions``). `period` is "latest" (the
    newest row of each pair), "current" or "earlier"; `by`, an ISO date such as "2024-08", leaves out positions taken later or
    not dated closely enough. Raises ValueError for another period.
    """
    if period not in PERIODS:
        raise ValueError(f"period {period!r} is not known. Choose one of {', '.join(PERIODS)}.")
    shown = latest(dated(positions), period, month_end(by))
    title = title or f"Who stands where? {_TITLES[period]}"
    if not shown:
        reason = "No position is left to draw: the choice or the clock hides them all."
        return base.empty(title, reason, unit=UNIT, source=SOURCE)
    actors, issues = ordered(positions)
    fig = frame(actors, issues)
    redraw(fig, shown, actors, issues)
    rows = pd.DataFrame([stance.row for stance in shown.values()]).sort_values(["actor", "issue"])
    columns = ["actor", "issue", "period", "stance_score", "basis", "date", "status", "stance_summary"]
    table = rows[columns].assign(actor=rows["actor"].map(actor_name), issue=rows["issue"].map(issue_name))
    table = table.rename(columns={"stance_score": "score", "stance_summary": "summary"})
    return dress(fig, title=title, alt=describe(rows, actors, issues), rows=len(actors), table=table)


class Stance(NamedTuple):
    """One row of the positions: the last day on which it may have been taken, score, basis, hover, and the row itself."""

    until: pd.Timestamp
    score: int
    basis: str
    hover: str
    row: NamedTuple


def dated(positions: pd.DataFrame) -> list[Stance]:
    """Return the positions by the last day on which each may have been taken (a year alone: its 31 December)."""
    until = last_day(positions["date"])
    found = [
        Stance(day, int(r.stance_score), r.basis, _hover(r), r)
        for day, r in zip(until, positions.itertuples(), strict=True)
    ]
    return sorted(found, key=lambda stance: stance.until)


def latest(
    stances: list[Stance], period: str = "latest", until: pd.Timestamp | None = None
) -> dict[tuple[str, str], Stance]:
    """Return for each actor and issue the newest of `stances` (from `dated`): of one period or of both, none taken after `until`."""
    return {
        (s.row.actor, s.row.issue): s
        for s in stances
        if period in ("latest", s.row.period) and (until is None or s.until <= until)
    }


def month_end(by: str | None) -> pd.Timestamp | None:
    """Return the last day of an ISO date that may be partial: of "2024-08" it is 31 August 2024."""
    return last_day(pd.Series([by]))[0] if by else None


def ordered(positions: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return the actors and issues that occur: known ones in a fixed order, others after them."""
    actors, issues = set(positions["actor"]), set(positions["issue"])
    return (
        [a for a in ORDER if a in actors] + sorted(actors - set(ORDER)),
        [i for i in ISSUES if i in issues] + sorted(issues - set(ISSUES)),
    )


def actor_name(actor: str) -> str:
    """Return an actor's name for a reader."""
    return NAMES.get(actor, actor)


def issue_name(issue: str) -> str:
    """Return an issue's name for a reader."""
    return ISSUES.get(issue, issue.replace("_", " ").capitalize())


def frame(actors: list[str], issues: list[str]) -> go.Figure:
    """Return a grid without scores, for `redraw`: cells, marks in the corners, then the legend."""
    colors = [colours.WHITE, *(color for color, *_ in SCORES.values())]
    scale = [[at, color] for n, color in enumerate(colors) for at in (n / len(colors), (n + 1) / len(colors))]
    grid = go.Heatmap(
        x=list(range(len(issues))),
        y=list(range(len(actors))),
        zmin=_BLANK - 0.5,
        zmax=2.5,
        colorscale=scale,
        showscale=False,
        xgap=1.5,
        ygap=1.5,
        texttemplate="%{text}",
        textfont={"size": 13, "color": colours.INK},
        hovertemplate="%{hovertext}<extra></extra>",
    )
    corners = go.Scatter(mode="markers", marker={"size": 7, "color": colours.INK}, hoverinfo="skip", showlegend=False)
    fig = go.Figure([grid, corners])
    for color, _, words in SCORES.values():
        fig.add_trace(
            _entry({"symbol": "square", "size": 14, "color": color, "line": {"width": 1, "color": colours.GREY}}, words)
        )
    fig.add_trace(
        _entry({"symbol": "square", "size": 14, "color": "white", "line": {"width": 1, "color": colours.GREY}}, BLANK)
    )
    for symbol, words in BASIS.values():
        fig.add_trace(_entry({"symbol": symbol, "size": 7, "color": colours.INK}, words))
    axis = {"showgrid": False, "fixedrange": True, "ticks": ""}
    fig.update_layout(
        plot_bgcolor=colours.MISSING,
        xaxis={
            **axis,
            "side": "top",
            "tickangle": -38,
            "range": [-0.5, len(issues) - 0.5],
            "tickvals": list(range(len(issues))),
            "ticktext": [plotly_text(issue_name(i)) for i in issues],
        },
        yaxis={
            **axis,
            "range": [len(actors) - 0.5, -0.5],
            "tickvals": list(range(len(actors))),
            "ticktext": [plotly_text(actor_name(a)) for a in actors],
        },
        legend={"y": 0, "yanchor": "top", "itemclick": False, "itemdoubleclick": False},
    )
    return fig


def redraw(
    fig: go.Figure | go.FigureWidget,
    found: dict[tuple[str, str], Stance],
    actors: list[str],
    issues: list[str],
    chosen: tuple[str, str] | None = None,
    words: str = "",
    title: str | None = None,
) -> None:
    """Put the stances `found` (from `latest`) into a `frame`, as one change; the `chosen` pair gets a frame."""
    grid = [[found.get((a, i)) for i in issues] for a in actors]
    marks = [
        (x + 0.4, y - 0.34, BASIS.get(cell.basis, ("cross", ""))[0])
        for y, row in enumerate(grid)
        for x, cell in enumerate(row)
        if cell
    ]
    blank = [
        [
            f"<b>{plotly_text(actor_name(a))}</b>, {plotly_text(issue_name(i).lower())}:<br>not seen, which is not 0"
            for i in issues
        ]
        for a in actors
    ]
    restyle = {
        "x": [list(range(len(issues))), [x for x, _, _ in marks]],
        "y": [list(range(len(actors))), [y for _, y, _ in marks]],
        "text": [[[SCORES[cell.score][1] if cell else "" for cell in row] for row in grid], ""],
        "hovertext": [
            [[c.hover if c else b for c, b in zip(*rows, strict=True)] for rows in zip(grid, blank, strict=True)],
            "",
        ],
    }
    # A heatmap has no marker and a scatter no z: each is changed by a key that the other leaves alone.
    restyle["z"] = [[[cell.score if cell else _BLANK for cell in row] for row in grid], Undefined]
    restyle["marker.symbol"] = [Undefined, [symbol for _, _, symbol in marks] or "circle"]
    relayout = {"shapes": _frames(actors, issues, chosen), **base.saying(fig, words)}
    if title:
        relayout["title.text"] = plotly_text(title)
    fig.plotly_update(restyle_data=restyle, relayout_data=relayout, trace_indexes=[GRID, CORNERS])


def choose(
    fig: go.Figure | go.FigureWidget, actors: list[str], issues: list[str], chosen: tuple[str, str] | None
) -> None:
    """Put a frame around one cell, or around none."""
    fig.plotly_update({}, {"shapes": _frames(actors, issues, chosen)})


def dress(fig: go.Figure, *, title: str, alt: str, rows: int, table: pd.DataFrame | None = None) -> go.Figure:
    """Give the grid its title, words, size and margins."""
    height = max(4, rows) * _ROW + _TOP + _LEGEND + 23
    return base.finish(
        fig,
        title=title,
        alt=alt,
        unit=UNIT,
        source=SOURCE,
        table=table,
        height=height,
        left=_LEFT,
        right=84,
        top=_TOP,
        bottom=_LEGEND,
    )


def describe(rows: pd.DataFrame, actors: list[str], issues: list[str]) -> str:
    """Return the alt text: how many pairs were seen, with which scores and bases, and where actors stand furthest apart."""
    scores = {SCORES[s][2].split(":")[0].split()[-1]: int((rows["stance_score"] == s).sum()) for s in SCORES}
    spread = rows.groupby("issue")["stance_score"].agg(["min", "max", "size"])
    spread["gap"] = spread["max"] - spread["min"]
    widest = spread[spread["size"] > 1]["gap"]
    pairs = len(actors) * len(issues)
    apart = (
        f" Furthest apart: {issue_name(widest.idxmax()).lower()}, {int(widest.max())} points." if len(widest) else ""
    )
    return (
        f"Grid of {len(actors)} actors and {len(issues)} issues. Seen: {len(rows)} of {pairs} pairs; {pairs - len(rows)} are blank, which is "
        f"not 0. Scores: {base.listed(scores)}. Rest on: {base.listed({str(k): int(n) for k, n in rows['basis'].value_counts().items()})}.{apart} "
        + " ".join(_issue_words(rows[rows["issue"] == issue], issue) for issue in issues)
    )


def _issue_words(rows: pd.DataFrame, issue: str) -> str:
    """Say who stands where on one issue, the strongest for first."""
    rows = rows.sort_values("stance_score", ascending=False, kind="stable")
    said = [
        f"{actor_name(r.actor)} {SCORES[int(r.stance_score)][2].split(':')[0].split()[-1]}" for r in rows.itertuples()
    ]
    return f"{issue_name(issue)}: {', '.join(said) or 'no stance seen'}."


def _frames(actors: list[str], issues: list[str], chosen: tuple[str, str] | None) -> list[dict]:
    if chosen is None or chosen[0] not in actors or chosen[1] not in issues:
        return []
    x, y = issues.index(chosen[1]), actors.index(chosen[0])
    edge = {"type": "rect", "x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5}
    return [{**edge, "line": {"width": 3, "color": colours.BLACK}}]


def _entry(marker: dict, words: str) -> go.Scatter:
    return go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name=words)


def _hover(row) -> str:
    head = f"<b>{plotly_text(actor_name(row.actor))}</b>, {plotly_text(issue_name(row.issue).lower())}: {SCORES[int(row.stance_score)][1]}"
    facts = f"{row.period}, {prose_date(row.date)}; {row.basis}; {row.status}"
    return f"{head}<br>{plotly_text(base.cut(row.stance_summary, 110), 58)}<br><i>{plotly_text(facts)}</i>"
