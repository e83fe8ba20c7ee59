"""Provisions of the texts of 2024 and 2025: who has to do what, how firmly, and what was signed together."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from helpers.analysis.obligations import NOT_SPECIFIED, SIDES, STRENGTHS, is_absent
from helpers.figures import base, colours
from helpers.figures.matrix import instrument_name
from helpers.markup import plotly_text, prose_date

SIDE_NAMES = {"TUR": "Türkiye alone", "IRQ": "Iraq alone", "both": "both states", "joint body": "a joint body"}
# Value -> symbol, colour. Two ways to dress the marks of one grid; both have four values.
STRENGTH = {
    "shall": ("diamond", colours.VERMILLION),
    "will": ("circle", colours.BLUE),
    "may": ("triangle-up", colours.GREEN),
    NOT_SPECIFIED: ("square", colours.PALE),
}
STATUS = {
    "implemented": ("circle", colours.BLUE),
    "partly": ("diamond", colours.ORANGE),
    "not started": ("x", colours.VERMILLION),
    "unknown": ("square", colours.PALE),
}
THEMES = {
    "counter_terrorism": "Counter-terrorism",
    "duration_termination": "Duration and ending",
    "media_information": "Media and information",
}
SHOWS = {"strength": STRENGTH, "status_2026": STATUS}
SHOW_NAMES = {"strength": "how firmly it is worded", "status_2026": "what became of it"}
# The two descriptions of one signature need names that a cut would not make equal.
TEXT_NAMES = {
    "mou-2024-08-15": "Memorandum, signed text as described",
    "mou-2024-08-15-leak": "Memorandum, circulated text",
}
SOURCE = "the course's terms table, from official statements and descriptions in the press"
UNIT = "one mark is one provision as somebody described it: the counts are no measure of how long a text is"
EMPTY = "No provision is left to draw: the choice or the clock hides them all."
COUNTS, MARKS, RING = 0, 1, 2
_ENTRIES = 3
_ROW, _TOP, _LEFT, _LEGEND = 27, 112, 172, 36
_SLOTS, _STEP, _FIRST = 12, 0.068, 0.17


def terms_grid(
    terms: pd.DataFrame,
    instruments: pd.DataFrame | None = None,
    show: str = "strength",
    *,
    title: str = "Who has to do what? Provisions by theme and side",
) -> go.Figure:
    """Draw provisions as marks in a grid of theme (rows) × side that is bound (columns), with counts.

    Needs term_id, instrument_id, article, theme, provision, obligation_on, strength and status_2026; `instruments` (instrument_id, name)
    gives the texts their names. `show`: marks differ by ``strength`` or ``status_2026``. An open mark says that something is *not*
    in the text. An empty cell means that nobody described such a provision, not that there is no duty.
    """
    table = provisions(terms, instruments, show)
    if table.empty:
        return base.empty(title, EMPTY, unit=UNIT, source=SOURCE)
    themes = ordered_themes(table)
    fig = frame(themes, show)
    fill(fig, table, show)
    arrange(fig, table, themes)
    unknown = show == "status_2026" and bool((table[show] == "unknown").all())
    return dress(
        fig,
        title=title,
        alt=describe(table, show),
        table=counts_by_side(table),
        themes=themes,
        unit=UNKNOWN if unknown else UNIT,
    )


def provisions(terms: pd.DataFrame, instruments: pd.DataFrame | None = None, show: str = "strength") -> pd.DataFrame:
    """Return `terms`, ordered by `show`, with text (name of the instrument), absent (bool), symbol, color, line and hover.

    Raises ValueError when `show` is neither ``strength`` nor ``status_2026``.
    """
    if show not in SHOWS:
        raise ValueError(f"show: {show!r} is not known. Choose one of {', '.join(SHOWS)}.")
    looks, other = SHOWS[show], ("square", colours.PALE)
    absent = is_absent(terms)
    names = {i: text_name(i, instruments) for i in terms["instrument_id"].unique()}
    table = terms.assign(text=terms["instrument_id"].map(names), absent=absent)
    symbols = terms[show].map(lambda value: looks.get(value, other)[0])
    table["symbol"] = symbols.where(~absent, symbols + "-open").tolist()
    table["color"] = [colours.INK if a else looks.get(v, other)[1] for v, a in zip(terms[show], absent, strict=True)]
    table["line"] = [2.2 if a else 1.2 for a in absent]
    table["hover"] = [_hover(row) for row in table.itertuples()]
    rank = {value: place for place, value in enumerate(looks)}
    return table.sort_values(show, key=lambda values: values.map(rank), kind="stable", ignore_index=True)


def ordered_themes(terms: pd.DataFrame) -> list[str]:
    """Return the themes that occur, those with most provisions first."""
    counts = terms["theme"].value_counts().rename_axis("theme").reset_index()
    return counts.sort_values(["count", "theme"], ascending=[False, True])["theme"].tolist()


def theme_name(theme: str) -> str:
    """Return a theme's name for a reader: ``joint_bodies`` is ``Joint bodies``."""
    return THEMES.get(theme) or theme.replace("_", " ").capitalize()


def text_name(instrument_id: str, instruments: pd.DataFrame | None = None) -> str:
    """Return the name of a text for a reader: a short one, or the one in `instruments`, or its id."""
    if instrument_id in TEXT_NAMES or instruments is None or instruments.empty:
        return TEXT_NAMES.get(instrument_id, instrument_id)
    return instrument_name(instruments, instrument_id)


def frame(themes: Sequence[str], show: str = "strength") -> go.Figure:
    """Return a grid without marks, for `fill` and `arrange`: three traces for data, the others for the legend."""
    fig = go.Figure(_skeleton(show))
    rows = max(len(themes), 1)
    stripes = [
        {"type": "rect", "x0": 0, "x1": len(SIDES), "y0": r - 0.5, "y1": r + 0.5, "fillcolor": colours.STRIPE}
        for r in range(0, rows, 2)
    ]
    walls = [{"type": "line", "x0": c, "x1": c, "y0": -0.5, "y1": rows - 0.5} for c in range(len(SIDES) + 1)]
    fig.update_layout(
        shapes=[
            *({**s, "line": {"width": 0}, "layer": "below"} for s in stripes),
            *({**w, "line": {"width": 1, "color": colours.PALE}, "layer": "below"} for w in walls),
        ],
        xaxis={
            "range": [0, len(SIDES)],
            "tickangle": 0,
            "side": "top",
            "showgrid": False,
            "fixedrange": True,
            "tickfont": {"size": 14},
        },
        yaxis={"range": [rows - 0.5, -0.5], "showgrid": False, "fixedrange": True, "tickfont": {"size": 13}},
        legend={"y": 0, "yanchor": "top", "itemclick": False, "itemdoubleclick": False},
    )
    return fig


def fill(fig: go.Figure | go.FigureWidget, table: pd.DataFrame, show: str) -> None:
    """Put everything but the places of marks into a `frame`: shape, colour, hover text, and the legend for `show`."""
    restyle = {
        "marker.symbol": [table["symbol"].tolist()],
        "marker.color": [table["color"].tolist()],
        "marker.line.width": [table["line"].tolist()],
        "hovertext": [table["hover"].tolist()],
        "customdata": [table["term_id"].tolist()],
    }
    fig.plotly_update(restyle_data=restyle, trace_indexes=[MARKS])
    looks = SHOWS[show]
    legend = {
        "name": [plotly_text(name) for name in looks],
        "marker.symbol": [symbol for symbol, _ in looks.values()],
        "marker.color": [color for _, color in looks.values()],
    }
    fig.plotly_update(restyle_data=legend, trace_indexes=list(range(_ENTRIES, _ENTRIES + len(looks))))


def arrange(
    fig: go.Figure | go.FigureWidget,
    table: pd.DataFrame,
    themes: Sequence[str],
    shown: Sequence[bool] | None = None,
    chosen: str | None = None,
    words: str = "",
) -> None:
    """Place the marks of `table` that are `shown` (left out: all), count them, and ring the `chosen` provision: one change.

    The figure must have been filled with the same table. `words` stand in the middle of an empty grid.
    """
    kept = [i for i in range(len(table)) if shown is None or shown[i]]
    xs, ys, counts = _places(table, themes, kept)
    by_theme = [sum(counts.get((r, c), 0) for c in range(len(SIDES))) for r in range(len(themes))]
    by_side = [sum(counts.get((r, c), 0) for r in range(len(themes))) for c in range(len(SIDES))]
    ids = table["term_id"].tolist()
    ring = ids.index(chosen) if chosen in ids and xs[ids.index(chosen)] is not None else None
    relayout = {
        "xaxis.tickvals": [c + 0.5 for c in range(len(SIDES))],
        "xaxis.ticktext": [f"{SIDE_NAMES[s]}  <b>{n}</b>" for s, n in zip(SIDES, by_side, strict=True)],
        "yaxis.tickvals": list(range(len(themes))),
        "yaxis.ticktext": [f"{plotly_text(theme_name(t))}  <b>{n}</b>" for t, n in zip(themes, by_theme, strict=True)],
        **base.saying(fig, words),
    }
    fig.plotly_update(
        restyle_data={
            "x": [[c + 0.07 for _, c in counts], xs, [] if ring is None else [xs[ring]]],
            "y": [[r for r, _ in counts], ys, [] if ring is None else [ys[ring]]],
            "text": [[f"<b>{n}</b>" for n in counts.values()], None, None],
        },
        relayout_data=relayout,
        trace_indexes=[COUNTS, MARKS, RING],
    )


def choose(fig: go.Figure | go.FigureWidget, table: pd.DataFrame, term_id: str | None) -> None:
    """Put a ring around one provision that is drawn, or around none."""
    ids = table["term_id"].tolist()
    marks = fig.data[MARKS]
    at = ids.index(term_id) if term_id in ids else None
    drawn = at is not None and marks.x is not None and marks.x[at] is not None
    place = {"x": [[marks.x[at]] if drawn else []], "y": [[marks.y[at]] if drawn else []]}
    fig.plotly_update(restyle_data=place, trace_indexes=[RING])


def dress(
    fig: go.Figure,
    *,
    title: str,
    alt: str,
    themes: Sequence[str],
    table: pd.DataFrame | None = None,
    unit: str = UNIT,
) -> go.Figure:
    """Give a grid its title, words, size and margins."""
    return base.finish(
        fig,
        title=title,
        alt=plotly_text(alt),
        unit=unit,
        source=SOURCE,
        table=table,
        height=_ROW * max(len(themes), 5) + _TOP + _LEGEND + 23,
        left=_LEFT,
        top=_TOP,
        bottom=_LEGEND,
    )


def describe(table: pd.DataFrame, show: str = "strength") -> str:
    """Return the alt text of the grid: numbers by side, the fullest themes, by strength or status, and what is said to be absent."""
    sides = {SIDE_NAMES[s]: int((table["obligation_on"] == s).sum()) for s in SIDES}
    themes = {theme_name(t).lower(): int((table["theme"] == t).sum()) for t in ordered_themes(table)[:4]}
    values = {v: int((table[show] == v).sum()) for v in SHOWS[show]}
    what = "By wording" if show == "strength" else "What became of them"
    absent = int(table["absent"].sum())
    text = (
        f"Grid of {len(table)} provisions, as described, of {table['instrument_id'].nunique()} texts, in "
        f"{table['theme'].nunique()} themes by the side that is bound: {base.listed(sides)}. Most often described: "
        f"{base.listed(themes)}. {what}: {base.listed(values)}. "
        f"{absent} of them say that something is not in the text. Counts show what was described, not how long a text is."
        f"{_alone(table)}"
    )
    return f"{text} {UNKNOWN}" if show == "status_2026" and values["unknown"] == len(table) else text


def _alone(table: pd.DataFrame) -> str:
    """Say in which themes one state alone is bound."""
    said = []
    for side, name in SIDE_NAMES.items():
        counts = table.loc[table["obligation_on"] == side, "theme"].value_counts()
        if name.endswith(" alone") and len(counts):
            said.append(f" {name}: {base.listed({theme_name(t).lower(): int(n) for t, n in counts.items()})}.")
    return "".join(said)


def _text_by_text(balance: pd.DataFrame, order: list[str], instruments: pd.DataFrame) -> str:
    """Say for each text how many provisions bind each side."""
    said = []
    for instrument in order:
        rows = balance[(balance["instrument_id"] == instrument) & (balance["total"] > 0)]
        sides = {SIDE_NAMES[r.obligation_on]: int(r.total) for r in rows.itertuples()}
        said.append(f"{text_name(instrument, instruments)}: {base.listed(sides) or 'none'}")
    return f"{'; '.join(said)}."


UNKNOWN = "What became of the provisions is unknown for all of them: the clock stands before it could be known."


def counts_by_side(table: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers behind the grid: one row a theme, one column a side, and their total, with headings for a reader."""
    counts = pd.crosstab(table["theme"], table["obligation_on"]).reindex(
        index=ordered_themes(table), columns=list(SIDES)
    )
    counts = counts.fillna(0).astype(int).rename(columns=SIDE_NAMES)
    counts.insert(0, "theme", [theme_name(t) for t in counts.index])
    return counts.assign(total=counts.drop(columns="theme").sum(axis=1)).reset_index(drop=True)


def obligation_balance(
    balance: pd.DataFrame,
    instruments: pd.DataFrame | None = None,
    *,
    title: str = "Whom do the texts bind, and how firmly?",
) -> go.Figure:
    """Draw provisions per text by the side that is bound, in blocks by strength; "not specified" is hatched and apart.

    Needs the columns of ``analysis.obligations.balance``: instrument_id, obligation_on, shall, will, may, not specified, total. Türkiye
    alone stands left and Iraq alone right of a common line; what binds both, or a joint body, has its own field.
    """
    unit = "number of provisions as described; descriptions differ in length, so compare sides of one text, not texts"
    if balance.empty:
        return base.empty(title, EMPTY, unit=unit, source=SOURCE)
    order = _by_date(balance["instrument_id"].drop_duplicates().tolist(), instruments)
    widest = {s: int(balance.loc[balance["obligation_on"] == s, "total"].max()) for s in SIDES}
    zero, right = _fields(widest)
    row_of = {i: n for n, i in enumerate(order)}
    parts: dict[str, list[tuple]] = {strength: [] for strength in (*STRENGTHS, NOT_SPECIFIED)}
    totals = []
    for r in balance.to_dict("records"):
        side, row, at = r["obligation_on"], row_of[r["instrument_id"]], 0
        sign = -1 if side == "TUR" else 1
        for strength in parts:
            if number := int(r[strength]):
                base_at = zero[side] + sign * at if sign > 0 else zero[side] - at - number
                parts[strength].append((base_at, number, row, side))
                at += number
        if r["total"]:
            totals.append((zero[side] + sign * (at + 0.45), row, int(r["total"])))
    fig = go.Figure([_blocks(strength, found) for strength, found in parts.items()])
    fig.add_trace(
        go.Scatter(
            x=[x for x, _, _ in totals],
            y=[y for _, y, _ in totals],
            text=[f"<b>{n}</b>" for _, _, n in totals],
            mode="text",
            textposition="middle center",
            textfont={"size": 13},
            hoverinfo="skip",
            showlegend=False,
            cliponaxis=False,
        )
    )
    lines = [{"type": "line", "x0": x, "x1": x, "y0": -0.5, "y1": len(order) - 0.5} for x in set(zero.values())]
    bands = [{"type": "rect", "x0": -0.3, "x1": right, "y0": r - 0.5, "y1": r + 0.5} for r in range(0, len(order), 2)]
    fig.update_layout(
        barmode="overlay",
        shapes=[
            *({**b, "line": {"width": 0}, "fillcolor": colours.STRIPE, "layer": "below"} for b in bands),
            *({**line, "line": {"width": 1.4, "color": colours.INK}, "layer": "below"} for line in lines),
        ],
        legend={"y": 0, "yanchor": "top", "itemclick": False, "itemdoubleclick": False},
        xaxis={
            "range": [-0.3, right],
            "side": "top",
            "tickvals": [zero["TUR"] - 2, *(zero[s] + 2 for s in SIDES[1:])],
            "ticktext": [plotly_text(SIDE_NAMES[s], 9) for s in SIDES],
            "tickangle": 0,
            "showgrid": False,
            "fixedrange": True,
            "tickfont": {"size": 14},
        },
        yaxis={
            "range": [len(order) - 0.5, -0.5],
            "tickvals": list(range(len(order))),
            "ticktext": [_text_label(i, instruments) for i in order],
            "showgrid": False,
            "fixedrange": True,
        },
    )
    sums = {SIDE_NAMES[s]: int(balance.loc[balance["obligation_on"] == s, "total"].sum()) for s in SIDES}
    firm = {name: int(balance[name].sum()) for name in parts}
    alt = (
        f"Blocks for {int(balance['total'].sum())} provisions, as described, of {len(order)} texts. By side: "
        f"{base.listed(sums)}. By wording: {base.listed(firm)}. Where no block stands nobody described such a provision, "
        f"which is not “no duty”. {_text_by_text(balance, order, instruments)}"
    )
    table = balance.assign(
        text=[text_name(i, instruments) for i in balance["instrument_id"]],
        binds=balance["obligation_on"].map(SIDE_NAMES),
    )
    table = table.sort_values("instrument_id", key=lambda column: column.map(row_of), kind="stable")
    return base.finish(
        fig,
        title=title,
        alt=plotly_text(alt),
        unit=unit,
        source=SOURCE,
        table=table[["text", "binds", *STRENGTHS, NOT_SPECIFIED, "total"]],
        height=36 * max(len(order), 4) + 120 + 60,
        left=306,
        top=120,
        bottom=36,
    )


def linkage(
    terms: pd.DataFrame,
    instruments: pd.DataFrame,
    *,
    title: str = "Which subjects came to the table on the same day?",
) -> go.Figure:
    """Draw which themes were dealt with on the same date: a column a date, a line through the themes of its texts.

    Needs terms.instrument_id, theme and article, instruments.instrument_id, name and date_signed. Left out: the circulated text of the
    memorandum (nobody signed it) and statements that something is absent. An open mark is what was only announced to the press.
    """
    unit = "one mark: provisions of that theme are described for that date; the number says how many"
    signed = terms[~terms["instrument_id"].str.endswith("-leak") & ~is_absent(terms)]
    dates = dict(zip(instruments["instrument_id"], instruments["date_signed"], strict=True))
    signed = signed.assign(date=signed["instrument_id"].map(dates)).dropna(subset="date")
    if signed.empty:
        return base.empty(title, EMPTY, unit=unit, source=SOURCE)
    columns = sorted(signed["date"].unique())
    by_theme = signed.groupby("theme").agg(dates=("date", "nunique"), rows=("date", "size")).reset_index()
    themes = by_theme.sort_values(["dates", "rows", "theme"], ascending=[False, False, True])["theme"].tolist()
    said = signed["instrument_id"].str.startswith("ann-")
    found = (
        signed.assign(told=said)
        .groupby(["date", "theme"])
        .agg(number=("told", "size"), only_told=("told", "all"))
        .reset_index()
    )
    x = [columns.index(d) for d in found["date"]]
    y = [themes.index(t) for t in found["theme"]]
    reach = [(n, [b for a, b in zip(x, y, strict=True) if a == n]) for n in range(len(columns))]
    path_x = [v for n, _ in reach for v in (n, n, None)]
    path_y = [v for _, rows in reach for v in (min(rows), max(rows), None)]
    fig = go.Figure(
        go.Scatter(
            x=path_x,
            y=path_y,
            mode="lines",
            line={"width": 4, "color": colours.RANGE},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    fig.add_trace(_linked_marks(found, x, y, themes, False, "in a text, as described"))
    fig.add_trace(_linked_marks(found, x, y, themes, True, "open: announced to the press only"))
    heads = []
    for date in columns:
        texts = signed.loc[(signed["date"] == date) & ~said, "instrument_id"].nunique()
        heads.append(f"<b>{plotly_text(_short_date(date))}</b><br>{texts} {'text' if texts == 1 else 'texts'} seen")
    bands = [
        {"type": "rect", "x0": -0.5, "x1": len(columns) - 0.5, "y0": r - 0.5, "y1": r + 0.5}
        for r in range(0, len(themes), 2)
    ]
    fig.update_layout(
        shapes=[{**b, "line": {"width": 0}, "fillcolor": colours.STRIPE, "layer": "below"} for b in bands],
        legend={"y": 0, "yanchor": "top", "itemclick": False, "itemdoubleclick": False},
        xaxis={
            "range": [-0.5, len(columns) - 0.5],
            "side": "top",
            "tickvals": list(range(len(columns))),
            "ticktext": heads,
            "tickangle": 0,
            "showgrid": False,
            "fixedrange": True,
        },
        yaxis={
            "range": [len(themes) - 0.5, -0.5],
            "tickvals": list(range(len(themes))),
            "ticktext": [plotly_text(theme_name(t)) for t in themes],
            "showgrid": False,
            "fixedrange": True,
        },
    )
    numbers = {prose_date(d): int((found["date"] == d).sum()) for d in columns}
    widest = found["date"].value_counts().idxmax()
    together = ", ".join(theme_name(t).lower() for t in found.loc[found["date"] == widest, "theme"])
    always = [theme_name(t).lower() for t in themes if (found["theme"] == t).sum() == len(columns)]
    every = f" On every date: {', '.join(always)}." if always else " No theme stands on every date."
    alt = (
        f"Themes dealt with on each of {len(columns)} dates: {base.listed(numbers)}. Most at once on {prose_date(widest)}: "
        f"{together}.{every} The same day is not yet a link: whether one subject was traded for another is not shown."
    )
    table = found.assign(
        date=found["date"],
        theme=found["theme"].map(theme_name),
        told=["announced only" if told else "in a text" for told in found["only_told"]],
    )
    return base.finish(
        fig,
        title=title,
        alt=plotly_text(alt),
        unit=unit,
        source=SOURCE,
        table=table[["date", "theme", "number", "told"]].rename(columns={"number": "provisions", "told": "where"}),
        height=29 * max(len(themes), 4) + 122 + 56,
        left=172,
        top=122,
        bottom=32,
    )


def _skeleton(show: str) -> list:
    numbers = go.Scatter(
        mode="text", textfont={"size": 14, "color": colours.INK}, hoverinfo="skip", showlegend=False, cliponaxis=False
    )
    marks = go.Scatter(
        mode="markers",
        marker={"size": 12, "line": {"color": colours.INK}},
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
        cliponaxis=False,
    )
    ring = go.Scatter(
        mode="markers",
        marker={"size": 21, "symbol": "circle-open", "color": colours.BLACK, "line": {"width": 2.5}},
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
    )
    entries = [_entry(name, symbol, color) for name, (symbol, color) in SHOWS[show].items()]
    absent = _entry("open: said not to be in the text", "circle-open", colours.INK)
    return [numbers, marks, ring, *entries, absent]


def _entry(name: str, symbol: str, color: str) -> go.Scatter:
    width = 2.2 if symbol.endswith("-open") else 1.2
    marker = {"symbol": symbol, "color": color, "size": 12, "line": {"width": width, "color": colours.INK}}
    return go.Scatter(x=[None], y=[None], mode="markers", name=plotly_text(name), marker=marker)


def _places(table: pd.DataFrame, themes: Sequence[str], kept: Sequence[int]) -> tuple[list, list, dict]:
    """Return x and y of every mark (None where not kept) and the number in each cell (row, column)."""
    row_of, column_of = {t: n for n, t in enumerate(themes)}, {s: n for n, s in enumerate(SIDES)}
    cells = list(zip(table["theme"].map(row_of), table["obligation_on"].map(column_of), strict=True))
    counts: dict[tuple, int] = {}
    for i in kept:
        counts[cells[i]] = counts.get(cells[i], 0) + 1
    xs: list[float | None] = [None] * len(cells)
    ys: list[int | None] = [None] * len(cells)
    taken: dict[tuple, int] = {}
    for i in kept:
        cell = cells[i]
        step = min(_STEP, _STEP * (_SLOTS - 1) / max(counts[cell] - 1, 1))
        xs[i], ys[i] = cell[1] + _FIRST + step * taken.get(cell, 0), cell[0]
        taken[cell] = taken.get(cell, 0) + 1
    return xs, ys, counts


def _hover(row) -> str:
    head = f"<b>{plotly_text(row.term_id)}</b>  {plotly_text(base.cut(row.text, 44))}"
    facts = f"{row.strength}; what became of it: {row.status_2026}"
    return f"{head}<br>{plotly_text(base.cut(row.provision, 90), 62)}<br><i>{plotly_text(facts)}</i>"


def _blocks(strength: str, found: list[tuple]) -> go.Bar:
    """One trace of blocks: a block is as long as the number it stands for."""
    color = STRENGTH[strength][1]
    vague = strength == NOT_SPECIFIED
    pattern = (
        {"shape": "/", "bgcolor": colours.WHITE, "fgcolor": colours.MIDDLE, "size": 6, "solidity": 0.25}
        if vague
        else {}
    )
    shapes = {"shall": {"shape": "x", "size": 7, "solidity": 0.2, "bgcolor": color, "fgcolor": "white"}}
    pattern = pattern or shapes.get(strength, {"shape": ""})
    return go.Bar(
        base=[b for b, _, _, _ in found],
        x=[n for _, n, _, _ in found],
        y=[row for _, _, row, _ in found],
        orientation="h",
        width=0.62,
        name=strength if not vague else "not specified: no verb to weigh",
        marker={"color": color, "pattern": pattern, "line": {"width": 1, "color": colours.INK}},
        hovertext=[f"{SIDE_NAMES[side]}, {strength}: {n}" for _, n, _, side in found],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _fields(widest: dict[str, int]) -> tuple[dict[str, float], float]:
    """Where each side's field begins on the axis, and where the axis ends."""
    room = {side: max(widest[side], 3) + 1.2 for side in SIDES}
    zero = {"TUR": room["TUR"], "IRQ": room["TUR"]}
    zero["both"] = zero["IRQ"] + room["IRQ"] + 0.6
    zero["joint body"] = zero["both"] + room["both"] + 0.6
    return zero, zero["joint body"] + room["joint body"]


def _by_date(ids: list[str], instruments: pd.DataFrame | None) -> list[str]:
    dates = (
        {} if instruments is None else dict(zip(instruments["instrument_id"], instruments["date_signed"], strict=True))
    )
    return sorted(ids, key=lambda i: (dates.get(i, ""), i))


def _text_label(instrument_id: str, instruments: pd.DataFrame | None) -> str:
    lines = plotly_text(text_name(instrument_id, instruments), 40).split("<br>")
    date = ""
    if instruments is not None:
        found = instruments.loc[instruments["instrument_id"] == instrument_id, "date_signed"]
        date = f"  <b>{plotly_text(_short_date(found.iloc[0]))}</b>" if len(found) else ""
    first = lines[0] + ("…" if len(lines) > 1 else "")
    return f"{first}<br>{date.strip()}" if date else first


def _short_date(date: str) -> str:
    words = prose_date(date).split()
    return " ".join(w[:3] if w.isalpha() else w for w in words)


def _linked_marks(found: pd.DataFrame, x: list, y: list, themes: list, told: bool, name: str) -> go.Scatter:
    at = [i for i, only in enumerate(found["only_told"]) if bool(only) == told]
    numbers = found["number"].tolist()
    symbol, color = ("circle-open", colours.BLUE) if told else ("circle", colours.BLUE)
    return go.Scatter(
        x=[x[i] for i in at],
        y=[y[i] for i in at],
        mode="markers+text",
        text=[f"<b>{numbers[i]}</b>" for i in at],
        textfont={"size": 12, "color": colours.INK if told else "white"},
        marker={
            "symbol": "circle",
            "size": 21,
            "color": "white" if told else color,
            "line": {"width": 2, "color": color},
        },
        name=name,
        hovertext=[f"{plotly_text(theme_name(themes[y[i]]))}: {numbers[i]} described" for i in at],
        hovertemplate="%{hovertext}<extra></extra>",
    )
