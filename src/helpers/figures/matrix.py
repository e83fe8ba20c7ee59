"""Instruments against features: which text says what, and where nothing was seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd
import plotly.graph_objects as go

from helpers.analysis.instruments import NOT_SEEN, VALUES, feature_matrix, in_order
from helpers.figures import base, colours
from helpers.markup import plotly_text

FEATURES = {
    "consent_or_notification": "Consent or notice",
    "cross_border_pursuit": "Cross-border pursuit",
    "depth_limit_km": "Depth limit (km)",
    "border_zone": "Border zone",
    "groups_named": "Groups named",
    "extradition": "Extradition",
    "intelligence_sharing": "Intelligence sharing",
    "training": "Training",
    "joint_body": "Joint body",
    "duration_termination": "Duration, ending",
    "water": "Water",
    "oil_energy": "Oil and energy",
    "trade_transit": "Trade and transit",
}
# Value -> colour of the cell, word in the cell, words in the legend. Light colours, so that one dark ink reads on all.
CELLS = {
    NOT_SEEN: (colours.FEATURE["not seen"], "", "blank: not seen, which is not “no”"),
    "yes": (colours.FEATURE["yes"], "yes", "yes: contained"),
    "limited": (colours.FEATURE["limited"], "limited", "limited: weaker or partial"),
    "no": (colours.FEATURE["no"], "no", "no: the parts seen contain none"),
    "not_public": (colours.FEATURE["not_public"], "not public", "not public: the text is unpublished"),
    "unclear": (colours.FEATURE["unclear"], "unclear", "unclear: accounts disagree"),
}
UNIT = "one row is one text, by date; one column is one feature"
SOURCE = "the course's instruments table, from treaty texts, official statements and descriptions in the press"
_CODES = {value: code for code, value in enumerate(CELLS)}
GRID = 0
_ROW, _TOP, _LEFT, _RIGHT = 34, 166, 258, 64
_LEGEND = 70
_FEW = 5  # features whose years find room in the alt text


def instrument_matrix(
    instruments: pd.DataFrame, features: Iterable[str] | None = None, *, title: str = "Which text says what?"
) -> go.Figure:
    """Draw instruments (rows, by date) against features (columns): yes, limited, no, not public, unclear, or blank.

    Needs instrument_id, name, date_signed, feature, value and what_it_says, one row per pair; a column ``short_name`` is used
    where it is filled. Blank means "not seen": no page that was read speaks about it. `features` chooses and orders the columns; left
    out, those that occur, questions of soil and consent first. Raises ValueError when a pair has two rows.
    """
    columns = ordered_features(instruments) if features is None else list(features)
    if instruments.empty or not columns:
        reason = "No instrument or no feature is left to draw: the choice or the clock hides them all."
        return base.empty(title, reason, unit=UNIT, source=SOURCE)
    fig = frame()
    drawn = cells(instruments, columns)
    values = drawn["values"]
    redraw(fig, drawn, values.index, columns)
    alt, table = describe(values, instruments), _table(values, instruments)
    return dress(fig, title=title, alt=alt, table=table, height=height_for(len(values)))


def frame() -> go.Figure:
    """Return a matrix without rows, for `redraw` to fill: one trace for the cells, the others for the legend."""
    fig = go.Figure(_skeleton())
    axis = {"showgrid": False, "fixedrange": True, "ticks": ""}
    fig.update_layout(
        plot_bgcolor=colours.MISSING,
        xaxis={**axis, "side": "top", "tickangle": -40},
        yaxis={**axis, "tickfont": {"size": 12}},
        legend={"y": 0, "yanchor": "top", "itemclick": False, "itemdoubleclick": False},
    )
    return fig


def dress(fig: go.Figure, *, title: str, alt: str, height: int, table: pd.DataFrame | None = None) -> go.Figure:
    """Give a matrix its title, words, size and margins."""
    return base.finish(
        fig,
        title=title,
        alt=alt,
        unit=UNIT,
        source=SOURCE,
        table=table,
        height=height,
        left=_LEFT,
        right=_RIGHT,
        top=_TOP,
        bottom=_LEGEND,
    )


def ordered_features(instruments: pd.DataFrame) -> list[str]:
    """Return the features that occur in the table: soil and consent first, unknown ones last."""
    found = set(instruments["feature"])
    return [f for f in FEATURES if f in found] + sorted(found - set(FEATURES))


def feature_name(feature: str) -> str:
    """Return a feature's name for a reader: ``depth_limit_km`` is ``Depth limit (km)``."""
    return FEATURES.get(feature, feature.replace("_", " ").capitalize())


def instrument_name(instruments: pd.DataFrame, instrument_id: str) -> str:
    """Return an instrument's name for a label: ``short_name`` where the table has one, else ``name``."""
    return _names(instruments).get(instrument_id, instrument_id)


def height_for(rows: int) -> int:
    """Return the height in pixels at which `rows` instruments stay legible."""
    return max(6, rows) * _ROW + _TOP + _LEGEND + 23


def cells(instruments: pd.DataFrame, features: list[str]) -> dict:
    """Return what the matrix draws, by instrument id and feature: ``values`` (feature_matrix), and dicts ``hover`` and ``label``."""
    once = instruments.drop_duplicates("instrument_id")
    names, dates = _names(instruments), dict(zip(once["instrument_id"], once["date_signed"], strict=True))
    values = feature_matrix(instruments, features)
    hover = {
        (i, f): f"{plotly_text(feature_name(f))}: not seen,<br>which is not “no”"
        for i in values.index
        for f in features
    }
    for r in instruments.itertuples():
        head = f"<b>{plotly_text(base.cut(names[r.instrument_id], 60))}</b> ({plotly_text(r.date_signed)})"
        value = plotly_text(r.value.replace("_", " "))
        says = plotly_text(base.cut(r.what_it_says, 110), 58)
        hover[r.instrument_id, r.feature] = (
            f"{head}<br>{plotly_text(feature_name(r.feature))}: <b>{value}</b><br>{says}"
        )
    label = {i: _row_label(dates[i], names[i]) for i in values.index}
    by_row = dict(zip(values.index, values.to_numpy().tolist(), strict=True))
    return {"values": values, "rows": by_row, "hover": hover, "label": label}


def redraw(
    fig: go.Figure | go.FigureWidget,
    drawn: dict,
    ids: Sequence[str],
    features: Sequence[str],
    frame_at: tuple[str, str] | None = None,
    words: str = "",
    height: int | None = None,
) -> None:
    """Put the rows `ids` and columns `features` of `drawn` (from `cells`) into a `frame`, as one change and with no new trace.

    `frame_at` (instrument id, feature) gets a frame; `words` stand in the middle of an empty matrix.
    """
    column = {f: n for n, f in enumerate(drawn["values"].columns)}
    rows = [[drawn["rows"][i][column[f]] for f in features] for i in ids]
    relayout = {
        "xaxis.range": [-0.5, max(len(features), 1) - 0.5],
        "xaxis.tickvals": list(range(len(features))),
        "xaxis.ticktext": [plotly_text(feature_name(f)) for f in features],
        "yaxis.range": [max(len(ids), 1) - 0.5, -0.5],
        "yaxis.tickvals": list(range(len(ids))),
        "yaxis.ticktext": [drawn["label"][i] for i in ids],
        "shapes": _frames(ids, features, frame_at),
        **base.saying(fig, words),
    }
    if height:
        relayout["height"] = height
    fig.plotly_update(
        restyle_data={
            "x": [list(range(len(features)))],
            "y": [list(range(len(ids)))],
            "z": [[[_CODES.get(value, 0) for value in row] for row in rows]],
            "text": [[[_word(value) for value in row] for row in rows]],
            "hovertext": [[[drawn["hover"][i, f] for f in features] for i in ids]],
        },
        relayout_data=relayout,
        trace_indexes=[GRID],
    )


def choose(
    fig: go.Figure | go.FigureWidget, ids: Sequence[str], features: Sequence[str], frame_at: tuple[str, str] | None
) -> None:
    """Put a frame around one cell of the drawn `ids` × `features`; a pair that is not drawn leaves no frame."""
    fig.plotly_update({}, {"shapes": _frames(ids, features, frame_at)})


def describe(values: pd.DataFrame, instruments: pd.DataFrame) -> str:
    """Return the alt text of the matrix: size, how many pairs carry each value, and features that no text affirms."""
    years = instruments["date_signed"].str[:4]
    counts = {value: int((values == value).to_numpy().sum()) for value in (*VALUES, NOT_SEEN)}
    never = [feature_name(f).lower() for f in values.columns if not (values[f] == "yes").any()]
    most = (values == "yes").sum().idxmax()
    seen = values.size - counts[NOT_SEEN]
    words = base.listed({v.replace("_", " "): n for v, n in counts.items() if v != NOT_SEEN and n})
    text = (
        f"Matrix of {len(values)} texts signed or announced between {years.min()} and {years.max()} against {len(values.columns)} features. "
        f"Of {values.size} pairs {seen} were seen ({words}); {counts[NOT_SEEN]} are blank, which means not seen and not “no”."
    )
    if (values[most] == "yes").any():
        text += f" Most often affirmed: {feature_name(most).lower()}, in {int((values[most] == 'yes').sum())} texts."
    text += f" Plainly affirmed in none: {', '.join(never)}." if never else ""
    dates = instruments.drop_duplicates("instrument_id").set_index("instrument_id")["date_signed"].str[:4]
    told = [
        f"{feature_name(f)}: {_feature_words(values[f], dates, len(values.columns) <= _FEW)}" for f in values.columns
    ]
    return f"{text} {'; '.join(told)}."


def _feature_words(column: pd.Series, dates: pd.Series, with_years: bool) -> str:
    """Say how often each value stands in a feature's column; with the years of the plain yes where there is room for them."""
    counts = {value: int((column == value).sum()) for value in VALUES}
    words = {value.replace("_", " "): number for value, number in counts.items() if number}
    years = sorted(dates[column.index[column == "yes"]]) if with_years else []
    listed = base.listed(words) or "not seen in any"
    return listed.replace(f"yes {counts['yes']}", f"yes {counts['yes']} ({', '.join(years)})", 1) if years else listed


def _skeleton() -> list:
    steps = len(CELLS)
    colors = [color for color, _, _ in CELLS.values()]
    scale = [[at, color] for code, color in enumerate(colors) for at in (code / steps, (code + 1) / steps)]
    grid = go.Heatmap(
        zmin=-0.5,
        zmax=steps - 0.5,
        colorscale=scale,
        showscale=False,
        xgap=1.5,
        ygap=1.5,
        texttemplate="%{text}",
        textfont={"size": 11.5, "color": colours.INK},
        hovertemplate="%{hovertext}<extra></extra>",
    )
    entries = [
        go.Scatter(
            x=[None],
            y=[None],
            mode="markers",
            marker={"symbol": "square", "size": 13, "color": color, "line": {"width": 1, "color": colours.GREY}},
            name=plotly_text(words),
        )
        for color, _, words in [*list(CELLS.values())[1:], CELLS[NOT_SEEN]]
    ]
    return [grid, *entries]


def _word(value: str) -> str:
    return CELLS.get(value, ("", str(value), ""))[1].replace(" ", "<br>")


def _frames(ids: Sequence[str], features: Sequence[str], frame_at: tuple[str, str] | None) -> list[dict]:
    if frame_at is None or frame_at[0] not in ids or frame_at[1] not in features:
        return []
    x, y = list(features).index(frame_at[1]), list(ids).index(frame_at[0])
    edge = {"type": "rect", "x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5}
    return [{**edge, "line": {"width": 3, "color": colours.BLACK}}]


def _names(instruments: pd.DataFrame) -> dict[str, str]:
    once = instruments.drop_duplicates("instrument_id")
    names = dict(zip(once["instrument_id"], once["name"], strict=True))
    if "short_name" in once:
        names |= {i: short for i, short in zip(once["instrument_id"], once["short_name"], strict=True) if short}
    return names


def _row_label(date: str, name: str) -> str:
    lines = plotly_text(name, 33).split("<br>")
    second = lines[1] + ("…" if len(lines) > 2 else "") if len(lines) > 1 else ""
    return f"{lines[0]}\u00a0 <b>{plotly_text(date[:4])}</b>" + (f"<br>{second}" + "\u00a0" * 11 if second else "")


def _table(values: pd.DataFrame, instruments: pd.DataFrame) -> pd.DataFrame:
    once = instruments.drop_duplicates("instrument_id").set_index("instrument_id")
    words = values.rename(columns=feature_name).replace("_", " ", regex=True)
    words.insert(0, "text", [_names(instruments)[i] for i in values.index])
    words.insert(0, "date", [once.at[i, "date_signed"] for i in in_order(instruments)])
    return words.reset_index(drop=True)
