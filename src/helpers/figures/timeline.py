"""Claims on a line of time, in lanes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd
import plotly.graph_objects as go
from plotly.basedatatypes import Undefined

from helpers.analysis.spans import stack
from helpers.figures import base, colours
from helpers.markup import ACTORS, plotly_text, prose_date

STATUS = {
    "established": ("circle", colours.BLUE),
    "reported": ("square", colours.ORANGE),
    "contested": ("diamond", colours.VERMILLION),
    "assessment": ("triangle-up", colours.PURPLE),
}
THEMES = {"us_role": "US role", "trade_transport": "Trade, transport"}
LANES = ("theme", "actor", "status")
UNIT = "one mark is one claim, placed when the thing happened; height in a lane means nothing"
SOURCE = "the course's claims table, researched from the pages named with each claim"
_ACTOR_LANES = 8
# Marks come first: when data change, plotly takes an axis's type from its first trace, and theirs are the dates.
MARKS, BANDS, BARS, RING = 0, 1, 2, 3
_ROW, _BAR = 13, 0.34
_TALLEST = 820
_SIZE, _SMALL = 9, 7  # of a mark, and where rows are nearer to each other
_DAY = 86_400_000
_BAND_X = ["1700-01-01", "2200-01-01", "2200-01-01", "1700-01-01", None]
_TOP, _LEFT = 116, 168
_YEARS_TOLD = 12  # a longer span is told by decade


def timeline(
    claims: pd.DataFrame, lanes: str = "theme", *, title: str | None = None, height: int | None = None
) -> go.Figure:
    """Draw claims over time in lanes by ``theme``, ``actor`` (a claim stands in the lane of each of its actors) or ``status``.

    Needs claim_id, claim, date, date_end, date_precision, theme, actors, status, starts, ends, source_ids and
    independent_origins, as ``evidence.load`` gives them. A day is a mark, a span a bar from a mark; status shows as shape and colour; an open
    mark stands in the middle of the year or decade that is all we know. Raises ValueError for another kind of lane.
    """
    table = marks(claims, lanes)
    title = title or f"Claims over time, by {lanes}"
    if table.empty:
        return base.empty(
            title, "No claim is left to draw: the choice or the clock hides them all.", unit=UNIT, source=SOURCE
        )
    fig = frame()
    fill(fig, table)
    rows = arrange(fig, table)
    height = height or max(320, _ROW * rows + _TOP + 70)
    return dress(fig, title=title, alt=describe(claims, table, lanes), table=_table(claims), height=height)


def frame() -> go.Figure:
    """Return a timeline without marks, for `fill` and `arrange`: four traces for data, the others for the legend."""
    fig = go.Figure(_skeleton())
    fig.update_layout(
        barmode="overlay",
        legend={"itemclick": False, "itemdoubleclick": False},
        xaxis={"type": "date"},
        yaxis={"showgrid": False},
    )
    return fig


def dress(fig: go.Figure, *, title: str, alt: str, height: int, table: pd.DataFrame | None = None) -> go.Figure:
    """Give a timeline its title, words, size and margins."""
    return base.finish(
        fig, title=title, alt=alt, unit=UNIT, source=SOURCE, table=table, height=height, left=_LEFT, top=_TOP
    )


def marks(claims: pd.DataFrame, lanes: str = "theme") -> pd.DataFrame:
    """Return one row per mark: claim_id, lane, status, symbol, line, color, x (ISO day), begin and end (ms), span (bool), hover."""
    if lanes not in LANES:
        raise ValueError(f"lanes: {lanes!r} is not known. Choose one of {', '.join(LANES)}.")
    begin, end = _milliseconds(claims["starts"]), _milliseconds(claims["ends"])
    span = claims["date_end"] != ""
    whole_year = claims["date_precision"].isin(["year", "decade"])
    # A span's mark stands at its begin; a day, month or year without a span stands in its own middle.
    x = begin.where(span, begin + (end - begin) / 2)
    symbol = claims["status"].map(lambda s: STATUS.get(s, STATUS["reported"])[0])
    table = pd.DataFrame(
        {
            "claim_id": claims["claim_id"],
            "lane": _lane(claims, lanes),
            "status": claims["status"],
            "symbol": symbol.where(~whole_year, symbol + "-open"),
            "line": [2.4 if vague else 1.4 for vague in whole_year],
            "color": claims["status"].map(lambda s: STATUS.get(s, STATUS["reported"])[1]),
            "x": pd.to_datetime(x, unit="ms").dt.strftime("%Y-%m-%d"),
            "at": x,
            "begin": begin,
            "end": end.where(span, x),
            "span": span,
            "hover": [_hover(claim) for claim in claims.itertuples()],
        }
    )
    table = table[table["at"].notna()].explode("lane")
    if lanes == "actor" and len(table):
        main = table["lane"].value_counts().index[:_ACTOR_LANES]
        table["lane"] = table["lane"].where(table["lane"].isin(main), "others")
        table = table.drop_duplicates(["claim_id", "lane"])
    return table.reset_index(drop=True)


def in_lanes(table: pd.DataFrame, claims: pd.DataFrame, lanes: str) -> pd.DataFrame:
    """Return the marks of `table` (from `marks`, by actor: one for each actor of a claim) in other lanes; only a claim's first has one.

    The same marks in the same order: a figure filled with `table` needs only to be arranged anew.
    """
    if lanes == "actor":
        return table
    by_claim = dict(zip(claims["claim_id"], claims[lanes], strict=True))
    return table.assign(lane=table["claim_id"].map(by_claim).mask(table["claim_id"].duplicated()))


def fill(fig: go.Figure | go.FigureWidget, table: pd.DataFrame, lanes: int | None = None) -> None:
    """Put the marks of `table` (from `marks`) into a `frame`: everything except their height, which `arrange` gives.

    `lanes` is how many lanes there may be; left out, as many as `table` has.
    """
    spans = table[table["span"]]
    columns = {"hovertext": "hover", "customdata": "claim_id", "marker.color": "color"}
    restyle = {key: [spans[name].tolist(), table[name].tolist()] for key, name in columns.items()}
    fig.plotly_update(restyle_data=restyle, trace_indexes=[BARS, MARKS])
    lengths = (spans["end"] - spans["begin"]).tolist()
    x = [_BAND_X * (lanes or table["lane"].nunique()), lengths, table["x"].tolist(), table["x"].tolist()]
    y = [[None] * len(each) for each in x]
    fig.plotly_update(restyle_data={"x": x, "y": y}, trace_indexes=[BANDS, BARS, MARKS, RING])
    fig.plotly_update(restyle_data={"base": [spans["x"].tolist()]}, trace_indexes=[BARS])
    symbols = {"marker.symbol": [table["symbol"].tolist()], "marker.line.width": [table["line"].tolist()]}
    fig.plotly_update(restyle_data=symbols, trace_indexes=[MARKS])


def arrange(
    fig: go.Figure | go.FigureWidget,
    table: pd.DataFrame,
    shown: Sequence[bool] | None = None,
    chosen: str | None = None,
    words: str = "",
) -> int:
    """Stack the marks of `table` that are `shown` (one truth value per row; left out, all) in their lanes; returns the rows used.

    The figure must have been filled with the same table. What goes to the browser is one small change: the heights of marks, axes, the
    ring around the `chosen` claim, and the `words` in the middle of an empty figure.
    """
    placed = table["lane"].notna().tolist()
    kept = [i for i in range(len(table)) if placed[i] and (shown is None or shown[i])]
    heights, names, edges = _rows(table, kept)
    spans = [i for i, span in enumerate(table["span"].tolist()) if span]
    lanes = list(zip(edges, edges[1:], strict=False))
    bands = [y - 0.5 if y is not None else None for first, end in lanes[::2] for y in (first, first, end, end, None)]
    total = max(edges[-1], 6)
    relayout = {
        **{f"xaxis.{key}": value for key, value in _time_axis(table, kept).items()},
        "yaxis.range": [total - 0.25, -0.75],
        "yaxis.tickvals": [(first + end - 1) / 2 for first, end in lanes],
        "yaxis.ticktext": names,
        **base.saying(fig, words),
    }
    y = [
        bands + [None] * (len(fig.data[BANDS].x) - len(bands)),
        [heights[i] for i in spans],
        heights,
        _ring(table, heights, chosen),
    ]
    crowded = ((fig.layout.height or _TALLEST) - _TOP - 70) / total < _SIZE
    size = [Undefined, Undefined, _SMALL if crowded else _SIZE, Undefined]
    restyle = {"y": y, "marker.size": size}
    fig.plotly_update(restyle_data=restyle, relayout_data=relayout, trace_indexes=[BANDS, BARS, MARKS, RING])
    return total


def height_for(tables: Iterable[pd.DataFrame]) -> int:
    """Return the height in pixels of a timeline that shows any of these tables, within what a screen bears."""
    rows = max(_rows(t, [i for i, placed in enumerate(t["lane"].notna()) if placed])[2][-1] for t in tables)
    return min(max(480, _ROW * rows + _TOP + 70), _TALLEST)


def choose(fig: go.Figure | go.FigureWidget, table: pd.DataFrame, claim_id: str | None) -> None:
    """Put a ring around the marks of one claim, or around none."""
    heights = list(fig.data[MARKS].y)
    fig.plotly_update(restyle_data={"y": [_ring(table, heights, claim_id)]}, trace_indexes=[RING])


def describe(claims: pd.DataFrame, table: pd.DataFrame, lanes: str) -> str:
    """Return the alt text of the timeline of `claims`: numbers by lane, status, span, precision, and by decade or year."""
    years = claims["starts"].dt.year.dropna().astype(int)
    long = years.max() - years.min() > _YEARS_TOLD
    times = (years // 10 * 10 if long else years).value_counts().sort_index()
    by_time = base.listed({f"{year}{'s' if long else ''}": int(n) for year, n in times.items()})
    spans = int(table.drop_duplicates("claim_id")["span"].sum())
    vague = int(claims["date_precision"].isin(["year", "decade"]).sum())
    by_lane = {str(name): int(n) for name, n in table["lane"].value_counts().items()}
    by_status = {str(name): int(n) for name, n in claims["status"].value_counts().items()}
    return (
        f"Timeline of {len(claims)} claims that begin between {int(years.min())} and {int(years.max())}, in {len(by_lane)} lanes by "
        f"{lanes}: {base.listed({_lane_name(k): v for k, v in by_lane.items()})}. Status: {base.listed(by_status)}. "
        f"{spans} lasted and are bars; {vague} are dated by year or decade only. "
        f"By {'decade' if long else 'year'}: {by_time}."
    )


def _skeleton() -> list:
    """The traces: marks, bands behind lanes, bars, the ring around the chosen claim, then one legend entry per status and kind of mark."""
    bands = go.Scatter(  # one filled path: as bars, one a row, the bands took a fifth of the time of a redraw
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=colours.STRIPE,
        hoverinfo="skip",
        showlegend=False,
    )
    bars = go.Bar(
        orientation="h",
        width=_BAR,
        opacity=0.5,
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
        marker={"line": {"width": 0}},
    )
    points = go.Scatter(
        mode="markers",
        marker={"size": _SIZE, "line": {"width": 1.4, "color": colours.INK}},
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
    )
    ring = go.Scatter(
        mode="markers",
        marker={"size": 20, "symbol": "circle-open", "color": colours.BLACK, "line": {"width": 2.5}},
        hoverinfo="skip",
        showlegend=False,
    )
    entries = [_entry(name, symbol, color) for name, (symbol, color) in STATUS.items()]
    entries.append(_entry("open: only the year is known", "circle-open", colours.INK))
    lasting = go.Scatter(
        x=[None],
        y=[None],
        mode="lines",
        line={"width": 5, "color": colours.MIDDLE},
        name="bar: it lasted",
        hoverinfo="skip",
    )
    return [points, bands, bars, ring, *entries, lasting]


def _entry(name: str, symbol: str, color: str) -> go.Scatter:
    line = {"width": 1.4, "color": colours.INK}
    return go.Scatter(
        x=[None],
        y=[None],
        mode="markers",
        name=name,
        marker={"symbol": symbol, "color": color, "size": 9, "line": line},
    )


def _ring(table: pd.DataFrame, heights: list, claim_id: str | None) -> list:
    return [y if other == claim_id else None for other, y in zip(table["claim_id"].tolist(), heights, strict=True)]


def _rows(table: pd.DataFrame, kept: list[int]) -> tuple[list[float | None], list[str], list[int]]:
    """Stack the kept marks inside each lane: height of each mark, lane labels, and the first row of each lane (and the end)."""
    heights: list[float | None] = [None] * len(table)
    names, edges = [], [0]
    if not kept:
        return heights, names, edges
    begin, end, lanes = table["begin"].tolist(), table["end"].tolist(), table["lane"].tolist()
    gap = max(max(end[i] for i in kept) - min(begin[i] for i in kept), 1) * 0.017
    members: dict[str, list[int]] = {}
    for i in kept:
        members.setdefault(lanes[i], []).append(i)
    for lane, at in _ordered(members, begin):
        rows = stack([begin[i] for i in at], [end[i] for i in at], gap)
        for i, row in zip(at, rows, strict=True):
            heights[i] = edges[-1] + row
        names.append(f"{plotly_text(_lane_name(lane))}  <b>{len(at)}</b>")
        edges.append(edges[-1] + max(rows) + 1)
    return heights, names, edges


def _ordered(members: dict[str, list[int]], begin: list[float]) -> list[tuple[str, list[int]]]:
    status = list(STATUS)

    def place(item):
        lane, at = item
        return (lane == "others", status.index(lane) if lane in status else 0, min(begin[i] for i in at), lane)

    return sorted(members.items(), key=place)


def _lane(claims: pd.DataFrame, lanes: str) -> pd.Series:
    if lanes == "actor":
        return claims["actors"].map(lambda codes: list(dict.fromkeys(codes)) or ["no actor named"])
    return claims[lanes]


def _lane_name(lane: str) -> str:
    name = ACTORS.get(lane) or THEMES.get(lane) or lane.replace("_", " ")
    return name[:1].upper() + name[1:] if len(name) <= 22 else lane


def _time_axis(table: pd.DataFrame, kept: list[int]) -> dict:
    if not kept:
        return {}
    begin, end = table["begin"].tolist(), table["end"].tolist()
    low, high = min(begin[i] for i in kept), max(end[i] for i in kept)
    room = max((high - low) * 0.02, 40 * _DAY)
    years = (high - low) / (365.25 * _DAY)
    step = next((n for limit, n in ((4, 3), (9, 12), (25, 24), (60, 60)) if years <= limit), 120)
    first = pd.Timestamp(low, unit="ms").year
    return {
        "range": [_iso(low - room), _iso(high + room)],
        "dtick": f"M{step}",
        "tick0": f"{first // 10 * 10 if step >= 60 else first}-01-01",
        "tickformat": "%b %Y" if step < 12 else "%Y",
    }


def _milliseconds(days: pd.Series) -> pd.Series:
    return (days - pd.Timestamp(0)) / pd.Timedelta(milliseconds=1)


def _iso(milliseconds: float) -> str:
    return pd.Timestamp(milliseconds, unit="ms").strftime("%Y-%m-%d")


def _hover(claim) -> str:
    date = prose_date(claim.date, claim.date_end, claim.date_precision)
    facts = f"{claim.status}; origins {claim.independent_origins}, pages {len(claim.source_ids)}"
    head = f"<b>{plotly_text(claim.claim_id)}</b>  {plotly_text(date)}"
    return f"{head}<br>{plotly_text(base.cut(claim.claim, 110), 58)}<br><i>{plotly_text(facts)}</i>"


def _table(claims: pd.DataFrame) -> pd.DataFrame:
    shown = claims[["claim_id", "date", "date_end", "theme", "status", "claim"]].assign(
        theme=claims["theme"].str.replace("_", " ")
    )
    return shown.rename(columns={"claim_id": "key", "date_end": "until"})
