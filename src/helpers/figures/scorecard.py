"""The article under test: what the evidence did to its statements, at one date or several, and as readers judge it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from helpers.figures import base, colours
from helpers.markup import plotly_text, prose_date

# Verdict -> words, symbol, colour. The order is the order of columns, not a scale.
VERDICTS = {
    "supported": ("supported", "circle", colours.BLUE),
    "partly_supported": ("partly supported", "diamond", colours.SKY),
    "contested": ("contested", "bowtie", colours.ORANGE),
    "not_supported": ("not supported", "x", colours.VERMILLION),
    "open": ("open", "circle-open", colours.INK),
}
LATER = ""
_LATER = ("rests on later evidence", "line-ew", colours.MIDDLE)
SOURCE = "the course's article_claims table; verdicts are the course's, open to argument"
EMPTY = "No statement is left to judge: the choice hides them all."
MARKS, RINGS = 0, 1
_ROW, _LEFT, _TOP, _LEGEND = 26, 446, 112, 70
_WIDTH = 63


def scorecard(
    article_claims: pd.DataFrame, *, title: str = "The article under test: what the evidence did to it"
) -> go.Figure:
    """Draw the verdict on each statement, by paragraph, and how many claims speak for and against it.

    Needs statement_id, paragraph, statement, kind, verdict, supporting_claims and challenging_claims (tuples). A statement without
    verdict rests on evidence from after the clock. Numbers of claims are no weights: one good claim can outweigh five.
    """
    unit = "one row is one statement; bars count claims for and against it, which is no weighing of them"
    if article_claims.empty:
        return base.empty(title, EMPTY, unit=unit, source=SOURCE)
    rows = ordered(article_claims)
    columns = [*VERDICTS, *([LATER] if (rows["verdict"] == LATER).any() else [])]
    fig = go.Figure()
    for column, verdict in enumerate(columns):
        words, symbol, color = look(verdict)
        at = [n for n, v in enumerate(rows["verdict"]) if v == verdict]
        fig.add_trace(
            go.Scatter(
                x=[column] * len(at),
                y=at,
                mode="markers",
                marker=_mark(symbol, color),
                name=words,
                showlegend=False,
                hovertext=[_hover(rows.iloc[n]) for n in at],
                hovertemplate="%{hovertext}<extra></extra>",
            )
        )
    sides = {
        "for": (rows["supporting_claims"].map(len), 1, colours.BLUE, ""),
        "against": (rows["challenging_claims"].map(len), -1, colours.VERMILLION, "/"),
    }
    widest = max(int(numbers.max()) for numbers, _, _, _ in sides.values()) or 1
    zero = len(columns) + 1.35
    step = 1.25 / widest
    for name, (numbers, sign, color, pattern) in sides.items():
        fig.add_trace(
            go.Bar(
                base=[zero] * len(rows),
                x=[sign * step * n for n in numbers],
                y=list(range(len(rows))),
                orientation="h",
                width=0.62,
                text=[f"<b>{n}</b>" for n in numbers],
                textposition="outside",
                textfont={"size": 12},
                marker={
                    "color": color,
                    "line": {"width": 1, "color": colours.INK},
                    "pattern": {"shape": pattern, "bgcolor": color, "fgcolor": "white", "size": 6},
                },
                hovertext=[f"{n} claims {name}" for n in numbers],
                hovertemplate="%{hovertext}<extra></extra>",
                cliponaxis=False,
                showlegend=False,
            )
        )
    ends = [len(rows) - 0.5, -0.5]
    fig.update_layout(
        barmode="overlay",
        shapes=[
            *_stripes(rows, zero + 1.7),
            _wall(zero, ends[0]),
            *(_wall(c, ends[0], True) for c in range(len(columns))),
        ],
        xaxis={
            "range": [-0.55, zero + 1.7],
            "side": "top",
            "tickangle": -40,
            "tickvals": [*range(len(columns)), zero - 0.7, zero + 0.7],
            "ticktext": [*(look(v)[0] for v in columns), "claims against", "claims for"],
            "showgrid": False,
            "fixedrange": True,
        },
        yaxis=_statement_axis(rows, ends),
    )
    _paragraphs(fig, rows)
    counts = counted(rows)
    fors, againsts = (int(numbers.sum()) for numbers, _, _, _ in sides.values())
    alt = (
        f"Verdicts on {len(rows)} statements of the article in {rows['paragraph'].nunique()} paragraphs: {base.listed(counts)}. "
        f"Claims for: {fors}, against: {againsts}. Numbers are no weights. {_keys_by_verdict(rows)}"
    )
    return _dress(fig, title=title, alt=alt, unit=unit, rows=len(rows), table=_table(rows), bottom=12, top=166)


def _keys_by_verdict(rows: pd.DataFrame) -> str:
    """Name the statements of each verdict, in a sentence each."""
    said = {look(verdict)[0]: group["statement_id"] for verdict, group in rows.groupby("verdict", sort=False)}
    return " ".join(f"{name[:1].upper()}{name[1:]}: {', '.join(keys)}." for name, keys in said.items())


def scorecards_over_time(
    tables: Mapping[object, pd.DataFrame], *, title: str = "Which verdicts could have been given when?"
) -> go.Figure:
    """Draw the verdicts on the same statements at several positions of the clock: a column a date.

    `tables`: date (or ``None`` for today) -> ``evidence.load(as_of=date).article_claims``. The verdict is today's; at an earlier date it
    is shown only when every claim on which it rests could be known by then. A dash is a class of its own: the verdict rests on later
    evidence. So the figure shows when a verdict *could* be given, not how opinions changed.
    """
    unit = "one mark is today's verdict, shown from the date on which all its evidence could be known"
    kept = {_date_name(date): ordered(table) for date, table in tables.items() if len(table)}
    if not kept:
        return base.empty(title, EMPTY, unit=unit, source=SOURCE)
    rows = max(kept.values(), key=len)
    fig = grid_frame(rows, list(kept))
    columns = [dict(zip(t["statement_id"], t["verdict"], strict=True)) for t in kept.values()]
    draw(fig, rows, columns)
    heads = [
        f"<b>{plotly_text(name)}</b><br>{sum(v != LATER for v in column.values())} of {len(column)} given"
        for name, column in zip(kept, columns, strict=True)
    ]
    fig.plotly_update({}, {"xaxis.ticktext": heads})
    given = {name: sum(v != LATER for v in column.values()) for name, column in zip(kept, columns, strict=True)}
    first, last = columns[0], columns[-1]
    waiting = [s for s in first if first[s] == LATER and last.get(s, LATER) != LATER]
    by_verdict = "; ".join(f"{name}: {base.listed(counted(table))}" for name, table in kept.items())
    alt = (
        f"Verdicts on {len(rows)} statements at {len(kept)} dates. That can be given: {base.listed(given)}. {by_verdict}. "
        f"{len(waiting)} statements wait at the first date for evidence that the last has. The verdict itself is today's at every date."
    )
    table = rows[["statement_id", "statement"]].rename(columns={"statement_id": "key"})
    for name, column in zip(kept, columns, strict=True):
        table[name] = [look(column.get(s, LATER))[0] for s in rows["statement_id"]]
    return dress_grid(fig, title=title, alt=alt, unit=unit, rows=len(rows), table=table)


def ordered(article_claims: pd.DataFrame) -> pd.DataFrame:
    """Return the statements by paragraph and key."""
    return article_claims.sort_values(["paragraph", "statement_id"], kind="stable").reset_index(drop=True)


def look(verdict: str) -> tuple[str, str, str]:
    """Return the words, symbol and colour of a verdict; "" is one that rests on later evidence."""
    return VERDICTS.get(verdict, _LATER)


def counted(article_claims: pd.DataFrame) -> dict[str, int]:
    """Return the number of statements by verdict, in words; without verdict last and only where there are some."""
    found = {look(v)[0]: int((article_claims["verdict"] == v).sum()) for v in VERDICTS}
    later = int((article_claims["verdict"] == LATER).sum())
    return found | ({_LATER[0]: later} if later else {})


def grid_frame(rows: pd.DataFrame, columns: Sequence[str]) -> go.Figure:
    """Return a grid of statements × columns without marks, for `draw`: two traces for data, the others for the legend."""
    marks = go.Scatter(
        mode="markers",
        marker={"size": 15, "line": {"width": 1.4, "color": colours.INK}},
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
    )
    ring = go.Scatter(
        mode="markers",
        marker={"size": 24, "symbol": "square-open", "color": colours.BLACK, "line": {"width": 2.4}},
        hoverinfo="skip",
        showlegend=False,
    )
    fig = go.Figure([marks, ring, *(_entry(v) for v in (*VERDICTS, LATER))])
    ends = [len(rows) - 0.5, -0.5]
    fig.update_layout(
        shapes=[*_stripes(rows, len(columns) - 0.5), *(_wall(c, ends[0], True) for c in range(len(columns)))],
        xaxis={
            "range": [-0.5, len(columns) - 0.5],
            "side": "top",
            "tickvals": list(range(len(columns))),
            "ticktext": [f"<b>{plotly_text(c)}</b>" for c in columns],
            "showgrid": False,
            "fixedrange": True,
        },
        yaxis=_statement_axis(rows, ends),
        legend={"y": 0, "yanchor": "top", "itemclick": False, "itemdoubleclick": False},
    )
    _paragraphs(fig, rows)
    return fig


def draw(
    fig: go.Figure | go.FigureWidget,
    rows: pd.DataFrame,
    columns: Sequence[Mapping[str, str]],
    chosen: str | None = None,
    words: str = "",
) -> None:
    """Put verdicts into a `grid_frame`: one mapping statement id -> verdict a column; a statement that it lacks has no mark.

    `chosen` gets a frame in the first column. One change, no new trace.
    """
    ids = rows["statement_id"].tolist()
    marks = [(c, n, column[s]) for c, column in enumerate(columns) for n, s in enumerate(ids) if s in column]
    looks = [look(v) for _, _, v in marks]
    at = [ids.index(chosen)] if chosen in ids else []
    fig.plotly_update(
        restyle_data={
            "x": [[c for c, _, _ in marks], [0 for _ in at]],
            "y": [[n for _, n, _ in marks], at],
            "hovertext": [
                [f"<b>{ids[n]}</b>: {words_}" for (_, n, _), (words_, _, _) in zip(marks, looks, strict=True)],
                None,
            ],
            "customdata": [[ids[n] for _, n, _ in marks], None],
            "marker.symbol": [[symbol for _, symbol, _ in looks], "square-open"],
            "marker.color": [[color for _, _, color in looks], colours.BLACK],
            "marker.line.color": [[_edge(symbol) for _, symbol, _ in looks], colours.BLACK],
            "marker.line.width": [[_line(symbol) for _, symbol, _ in looks], 2.4],
        },
        relayout_data=base.saying(fig, words),
        trace_indexes=[MARKS, RINGS],
    )


def dress_grid(
    fig: go.Figure, *, title: str, alt: str, unit: str, rows: int, table: pd.DataFrame | None = None
) -> go.Figure:
    """Give a grid of verdicts its title, words, size and margins."""
    return _dress(fig, title=title, alt=alt, unit=unit, rows=rows, table=table, bottom=_LEGEND)


def _dress(
    fig: go.Figure,
    *,
    title: str,
    alt: str,
    unit: str,
    rows: int,
    table: pd.DataFrame | None,
    bottom: int,
    top: int = _TOP,
) -> go.Figure:
    return base.finish(
        fig,
        title=title,
        alt=plotly_text(alt),
        unit=unit,
        source=SOURCE,
        table=table,
        height=_ROW * max(rows, 4) + top + bottom + 23,
        left=_LEFT,
        right=40,
        top=top,
        bottom=bottom,
    )


def _mark(symbol: str, color: str) -> dict:
    return {"symbol": symbol, "size": 15, "color": color, "line": {"width": _line(symbol), "color": _edge(symbol)}}


def _edge(symbol: str) -> str:
    return colours.MIDDLE if symbol.endswith("-ew") else colours.INK


def _line(symbol: str) -> float:
    return 2.6 if symbol.endswith(("-open", "-ew")) else 1.2


def _entry(verdict: str) -> go.Scatter:
    words, symbol, color = look(verdict)
    return go.Scatter(x=[None], y=[None], mode="markers", name=words, marker=_mark(symbol, color) | {"size": 12})


def _statement_axis(rows: pd.DataFrame, ends: list[float]) -> dict:
    labels = [
        f"{plotly_text(base.cut(r.statement, _WIDTH))}  <b>{plotly_text(r.statement_id)}</b>" for r in rows.itertuples()
    ]
    return {
        "range": ends,
        "tickvals": list(range(len(rows))),
        "ticktext": labels,
        "tickfont": {"size": 12},
        "showgrid": False,
        "fixedrange": True,
    }


def _stripes(rows: pd.DataFrame, right: float) -> list[dict]:
    """A band behind every second paragraph."""
    bands = []
    for number, (_, at) in enumerate(rows.groupby("paragraph", sort=False).groups.items()):
        if number % 2 == 0:
            bands.append(
                {"type": "rect", "x0": -0.55, "x1": right, "y0": min(at) - 0.5, "y1": max(at) + 0.5, "layer": "below"}
                | {"line": {"width": 0}, "fillcolor": colours.STRIPE}
            )
    return bands


def _paragraphs(fig: go.Figure, rows: pd.DataFrame) -> None:
    """Name each paragraph at its first statement."""
    for paragraph, at in rows.groupby("paragraph", sort=False).groups.items():
        fig.add_annotation(
            text=f"<b>§ {plotly_text(paragraph)}</b>",
            x=0,
            y=min(at),
            xref="paper",
            xanchor="left",
            xshift=12 - _LEFT,
            font={"size": 12, "color": colours.GREY},
            showarrow=False,
        )


def _wall(x: float, low: float, faint: bool = False) -> dict:
    line = {"width": 1, "color": colours.MISSING} if faint else {"width": 1.4, "color": colours.INK}
    return {"type": "line", "x0": x, "x1": x, "y0": -0.5, "y1": low, "line": line, "layer": "below"}


def _hover(row: pd.Series) -> str:
    head = f"<b>{plotly_text(row['statement_id'])}</b>, paragraph {row['paragraph']}, {plotly_text(row['kind'])}"
    why = row.get("reasoning", "")
    more = f"<br><i>{plotly_text(base.cut(why, 170), 64)}</i>" if why else ""
    return f"{head}: <b>{look(row['verdict'])[0]}</b><br>{plotly_text(base.cut(row['statement'], 150), 64)}{more}"


def _date_name(date: object) -> str:
    return "today" if date is None or date == "" else prose_date(str(date)[:10])


def _table(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "key": rows["statement_id"],
            "paragraph": rows["paragraph"],
            "statement": rows["statement"],
            "kind": rows["kind"],
            "verdict": [look(v)[0] for v in rows["verdict"]],
            "claims for": rows["supporting_claims"],
            "claims against": rows["challenging_claims"],
        }
    )
