"""Deaths in the fighting, by year and by place, from UCDP's published counts: with what is missing drawn as missing."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from helpers.analysis.events import last_whole_year
from helpers.figures import base, colours, maps
from helpers.markup import plotly_text

# Dyad -> words, symbol, colour. "One-sided" is UCDP's word for the deliberate killing of civilians.
DYADS = {
    "TUR-PKK": ("Türkiye–PKK", "circle", colours.VERMILLION),
    "PKK-civilians": ("PKK–civilians (one-sided)", "square", colours.ORANGE),
    "TUR-TAK": ("Türkiye–TAK", "diamond", colours.PURPLE),
    "TAK-civilians": ("TAK–civilians (one-sided)", "hexagon", colours.YELLOW),
    "IRN-PJAK": ("Iran–PJAK", "triangle-up", colours.BLUE),
    "IRN-KDPI": ("Iran–KDPI", "triangle-down", colours.SKY),
    "KDP-PKK": ("KDP–PKK", "cross", colours.GREEN),
    "PKK-PUK": ("PKK–PUK", "x", colours.BLACK),
}
COUNTRIES = {"TUR": "Türkiye", "IRQ": "Iraq", "IRN": "Iran"}
BORDER_PROVINCES = ("Tunceli", "Diyarbakır", "Hakkâri", "Van", "Duhok", "Erbil", "Sulaymaniyah")
YEARS_UNIT = "battle-related deaths per year, both sides and civilians caught in the fighting, wherever they died"
YEARS_SOURCE = "UCDP Battle-Related Deaths Dataset (dyadic) 24.1, 1989–2023 (CC BY 4.0)"
MAP_UNIT = "area of a dot: deaths (best estimate) in a cell of 0.25 by 0.25 degrees; only events located to a place"
MAP_SOURCE = f"UCDP GED 20.1 (Türkiye), 19.1 (Iraq) and 21.1 (precise events only), CC BY 4.0; {maps.BOUNDARIES}"
UNDER = "no row: under 25 deaths, not zero"
ODD = "as printed: best lies outside low–high"
# Land, names, thin and heavy borders of a map's two frames, of which one is seen; then what all years have.
GROUNDS = (0, 1, 2, 3), (4, 5, 6, 7)
MISSING, SAYS, FIRST_DYAD = 8, 9, 10
_FIRST_YEAR = 1989
_NO_DOT = ([None], [None], [10], [])  # a size, for the legend
_COVER = colours.COVERAGE
_SAYS_AT = {"TUR": (37.6, 40.25), "IRQ": (43.4, 34.05), "IRN": (49.2, 35.4)}
_SAMPLES = (1, 10, 100, 500)
_TOP, _STRIP = 118, 122


def deaths_by_year(
    deaths: pd.DataFrame,
    *,
    start_year: int | None = None,
    end_year: int | None = None,
    as_of: dt.date | None = None,
    title: str | None = None,
) -> go.Figure:
    """Draw one dyad's deaths per year as bars with the interval low–high; a year without a row is marked, not drawn as zero.

    Needs version, dyad, year, best, low, high, countries and note (``ucdp_brd_dyad_years``, filtered to a dyad). `start_year` and
    `end_year` choose the axis, else it runs from the first to the last row; years after the version's last are shaded as
    not covered. `as_of` (``ev.as_of``) ends the axis at the clock. Raises ValueError for two rows of one year.
    """
    if deaths["year"].duplicated().any():
        raise ValueError(
            "deaths_by_year: two rows for one year. Choose one dyad, for example deaths.query('dyad == \"TUR-PKK\"')."
        )
    name = dyad_name(deaths["dyad"].iloc[0]) if len(deaths) else "Deaths"
    title = title or f"{name}: deaths in the fighting, by year"
    first, last = _axis_years(deaths, start_year, end_year, as_of)
    shown = deaths[deaths["year"].between(first, last)].sort_values("year")
    if shown.empty:
        reason = "No year with a row lies in the chosen years or before the clock. A row needs 25 deaths, so that is not zero."
        return base.empty(title, reason, unit=YEARS_UNIT, source=YEARS_SOURCE)
    end = _version_end(shown)
    years = [y for y in range(first, last + 1) if _FIRST_YEAR <= y <= end]
    gaps = [y for y in years if y not in set(shown["year"])]
    odd = shown[(shown["best"] < shown["low"]) | (shown["best"] > shown["high"])]
    fig = go.Figure(_year_traces(shown, gaps, odd))
    fig.update_layout(
        xaxis={"range": [first - 0.6, last + 0.6], "dtick": 5 if last - first > 12 else 1, "showgrid": False},
        yaxis={"rangemode": "tozero", "tickformat": ",d"},
        legend={"itemclick": False, "itemdoubleclick": False},
    )
    if last > end:
        _shade(fig, max(end + 0.5, first - 0.6), last + 0.6, f"after the dataset's<br>last year ({end})")
    table = shown[["year", "best", "low", "high", "countries", "note"]].rename(
        columns={"countries": "where people died"}
    )
    alt = _years_alt(name, shown, gaps, odd, first, last, end)
    return base.finish(
        fig, title=title, alt=alt, unit=YEARS_UNIT, source=YEARS_SOURCE, table=table, left=70, height=460
    )


def deaths_map(
    cells: pd.DataFrame,
    provinces: pd.DataFrame,
    countries: pd.DataFrame,
    coverage: pd.DataFrame,
    year: int | None = None,
    *,
    focus: tuple[str, ...] = BORDER_PROVINCES,
    as_of: dt.date | None = None,
    title: str | None = None,
) -> go.Figure:
    """Draw where people died in `year` (None: all years together): dots by dyad, their area by deaths, over outlines.

    Needs `cells` (``ucdp_ged_cells``: country_iso3, dyad, year, cell_lat, cell_lon, events, best), rings of `provinces` and `countries`
    (``ev.outlines``) and `coverage` (``ucdp_ged_coverage``). `focus` names the provinces to frame. A country whose file does not
    cover the year is drawn grey and named: missing, not empty. The strip below shows the years at hand.
    Raises ValueError for a year that `coverage` does not list (or that lies after `as_of`).
    """
    coverage = before_clock(coverage, as_of)
    if year is not None and year not in set(coverage["year"]):
        raise ValueError(f"deaths_map: {year} is not among the years of the coverage table, or the clock hides it.")
    words = map_words(cells, coverage, year)
    if coverage.empty:
        return base.empty(title or words["title"], words["sentence"], unit=MAP_UNIT, source=MAP_SOURCE)
    fig = map_frame(cells, provinces, countries, coverage, focus=focus)
    drawn = map_dots(cells, dyads_of(cells)).get(year, {})
    fill_map(fig, drawn, coverage, year, missing_rings(countries), dyads_of(cells))
    alt = f"{words['sentence']} {_where(cells, year)}{outside(fig.layout.geo, cells, year)} {words['coverage']}"
    table = _map_table(cells, year)
    return dress_map(fig, title=title or words["title"], alt=alt, table=table)


def dyad_name(dyad: str) -> str:
    """Return a dyad's name for a reader; an unknown code stays as it is."""
    return DYADS.get(dyad, (dyad,))[0]


def dyads_of(cells: pd.DataFrame) -> list[str]:
    """Return the dyads of a table, those with most deaths first."""
    deaths = cells.groupby("dyad")["best"].sum().sort_values(ascending=False, kind="stable")
    return deaths.index.tolist()


def before_clock(coverage: pd.DataFrame, as_of: dt.date | None) -> pd.DataFrame:
    """Return the years of a coverage table that were over at the clock."""
    if as_of is None:
        return coverage
    return coverage[coverage["year"] <= last_whole_year(as_of)].reset_index(drop=True)


def map_frame(
    cells: pd.DataFrame,
    provinces: pd.DataFrame,
    countries: pd.DataFrame,
    coverage: pd.DataFrame,
    *,
    focus: tuple[str, ...] = BORDER_PROVINCES,
    other: tuple[str, ...] | None = None,
) -> go.Figure:
    """Return the map without dots, for `fill_map`: land, names, borders, what is missing, one trace a dyad, coverage strip, legend.

    `other` names the provinces of a second frame, for `reframe`.
    """
    traces, box = _ground(provinces, countries, focus)
    unseen = _ground(provinces, countries, other)[0] if other else [go.Scattergeo() for _ in GROUNDS[1]]
    for number, trace in enumerate([*traces, *unseen]):
        trace.visible = number in GROUNDS[0]
    fig = go.Figure([*traces, *unseen, _missing_trace(), _says_trace()])
    fig.add_traces([_dyad_trace(dyad) for dyad in dyads_of(cells)])
    fig.add_trace(_strip(coverage))
    fig.add_traces(_samples())
    fig.add_traces([_strip_entry(name, color) for name, color in _COVER.items()])
    years, whole = coverage["year"], maps_height() + _STRIP
    fig.update_layout(
        geo=box,
        xaxis={
            "domain": [0.075, 0.66],
            "range": [years.min() - 0.5, years.max() + 0.5],
            "showgrid": False,
            "dtick": 5,
            "fixedrange": True,
        },
        yaxis={
            "domain": [24 / whole, 78 / whole],
            "range": [2.5, -0.5],
            "tickvals": [0, 1, 2],
            "ticktext": list(COUNTRIES.values()),
            "showgrid": False,
            "fixedrange": True,
        },
        xaxis2={"domain": [0.69, 1], "range": [0, 1], "visible": False, "anchor": "y2", "fixedrange": True},
        yaxis2={
            "domain": [24 / whole, 78 / whole],
            "range": [0, 1],
            "visible": False,
            "anchor": "x2",
            "fixedrange": True,
        },
        legend={"itemclick": False, "itemdoubleclick": False, "itemsizing": "constant"},
        legend2={
            "orientation": "h",
            "x": 0.075,
            "y": 80 / whole,
            "yanchor": "bottom",
            "font": {"size": 12.5},
            "itemclick": False,
            "itemdoubleclick": False,
        },
    )
    fig.update_geos(domain={"x": [0, 1], "y": [_STRIP / whole, 1]})
    return fig


def _ground(
    provinces: pd.DataFrame, countries: pd.DataFrame, focus: tuple[str, ...]
) -> tuple[list[go.Scattergeo], go.layout.Geo]:
    """Return land, names, thin and heavy borders for a frame around some provinces, and the frame."""
    land, ground = maps.outlines(countries).data[0], maps.outlines(provinces, focus)
    box = ground.layout.geo
    land.update(line={"width": 0}, **_coarse(land, box))
    return [land, ground.data[1], *_border_lines(provinces, box)], box


def maps_height() -> int:
    """Return the height of the map itself in pixels."""
    return 490


def map_dots(cells: pd.DataFrame, dyads: list[str]) -> dict:
    """Return what `fill_map` draws: {year or None: {dyad: (lon, lat, size, [deaths, events])}}, deaths added up per cell, largest first."""
    by = ["dyad", "cell_lat", "cell_lon"]
    every = cells.groupby(by, as_index=False)[["events", "best"]].sum()
    yearly = cells.groupby([*by, "year"], as_index=False)[["events", "best"]].sum()
    drawn: dict = {None: _by_dyad(every, dyads)}
    return drawn | {int(year): _by_dyad(rows, dyads) for year, rows in yearly.groupby("year")}


def missing_rings(countries: pd.DataFrame) -> dict[str, tuple[list, list]]:
    """Return the outline of each covered country as one pair of lists (lon, lat) with gaps between rings."""
    shapes = {iso3: maps.outlines(countries[countries["iso3"] == iso3]).data for iso3 in COUNTRIES}
    return {iso3: _lists(data[0]) if data else ([], []) for iso3, data in shapes.items()}


def outside(box: go.layout.Geo, cells: pd.DataFrame, year: int | None) -> str:
    """Say how many of the year's events lie outside the frame of a map, in a sentence; "" when none does."""
    rows = cells if year is None else cells[cells["year"] == year]
    east, north = box.lonaxis.range, box.lataxis.range
    inside = rows["cell_lon"].between(*east) & rows["cell_lat"].between(*north)
    number = int(rows.loc[~inside, "events"].sum())
    return f"{number:,} of the events lie outside the frame." if number else ""


def fill_map(
    fig: go.Figure | go.FigureWidget,
    drawn: dict,
    coverage: pd.DataFrame,
    year: int | None,
    missing: dict[str, tuple[list, list]],
    dyads: list[str],
    relayout: dict | None = None,
) -> None:
    """Put one year's dots and one year's missing countries into a `map_frame`, as one change."""
    absent = [iso3 for iso3, kind in covered_in(coverage, year).items() if kind == "no file"]
    lon, lat = ([v for iso3 in absent for v in missing[iso3][i]] for i in (0, 1))
    says = _says(coverage, year)
    dots = [drawn.get(dyad, _NO_DOT) for dyad in dyads]
    restyle = {
        "lon": [lon or [None], [_SAYS_AT[c][0] for c in says], *(d[0] for d in dots)],
        "lat": [lat or [None], [_SAYS_AT[c][1] for c in says], *(d[1] for d in dots)],
        "text": ["", list(says.values()), *("" for _ in dots)],
        "customdata": [[], [], *(d[3] for d in dots)],
        "marker.size": [1, 1, *(d[2] for d in dots)],
    }
    at = [MISSING, SAYS, *range(FIRST_DYAD, FIRST_DYAD + len(dyads))]
    frame = {"shapes": [] if year is None else [_year_mark(year)], **(relayout or {})}
    fig.plotly_update(restyle_data=restyle, relayout_data=frame, trace_indexes=at)


def reframe(fig: go.Figure | go.FigureWidget, number: int, box: go.layout.Geo) -> None:
    """Show a map of deaths in its first (0) or second (1) frame: its ground, and the ranges of `box` (``layout.geo`` of that frame)."""
    seen = {"visible": [n == number for n, ground in enumerate(GROUNDS) for _ in ground]}
    ranges = {"geo.lonaxis.range": list(box.lonaxis.range), "geo.lataxis.range": list(box.lataxis.range)}
    fig.plotly_update(restyle_data=seen, relayout_data=ranges, trace_indexes=[i for ground in GROUNDS for i in ground])


def dress_map(fig: go.Figure, *, title: str, alt: str, table: pd.DataFrame | None = None) -> go.Figure:
    """Give a map of deaths its title, words, size and margins."""
    return base.finish(
        fig,
        title=title,
        alt=alt,
        unit=MAP_UNIT,
        source=MAP_SOURCE,
        table=table,
        height=maps_height() + _STRIP + _TOP + 46,
        left=10,
        right=10,
        top=_TOP,
        bottom=2,
    )


def _where(cells: pd.DataFrame, year: int | None) -> str:
    """Say in which country people died, and in which cells most."""
    rows = cells if year is None else cells[cells["year"] == year]
    if rows.empty:
        return ""
    by_country = rows.groupby("country_iso3")["best"].sum().sort_values(ascending=False)
    countries = ", ".join(f"in {COUNTRIES.get(c, c)} {int(n):,}" for c, n in by_country.items())
    together = rows.groupby(["dyad", "cell_lat", "cell_lon"])["best"].sum().sort_values(ascending=False).head(3)
    cells_told = "; ".join(f"{dyad_name(d)}, {lat}° N, {lon}° E: {int(n):,}" for (d, lat, lon), n in together.items())
    return f"Deaths {countries}. Most in one cell by one dyad: {cells_told}. "


def map_words(cells: pd.DataFrame, coverage: pd.DataFrame, year: int | None) -> dict[str, str]:
    """Return ``title``, ``sentence`` (what is drawn, with numbers) and ``coverage`` (what is missing) for a year or for all."""
    title = f"Where people died, {'all years together' if year is None else year}"
    if coverage.empty:
        return {"title": title, "sentence": "No year of the files was over on the day of the clock.", "coverage": ""}
    rows = cells if year is None else cells[cells["year"] == year]
    span = f"{coverage['year'].min()} to {int(cells['year'].max())}" if year is None and len(cells) else f"{year}"
    if rows.empty:
        nowhere = all(kind == "no file" for kind in covered_in(coverage, year).values())
        why = (
            "no file covers this year: missing, not quiet"
            if nowhere
            else "that is a quiet year on the map, not in fact"
        )
        sentence = f"{span}: no event located to a place is at hand; {why}."
    else:
        places = rows[["cell_lat", "cell_lon"]].drop_duplicates()
        by_dyad = rows.groupby("dyad")["best"].sum().sort_values(ascending=False)
        counts = base.listed({dyad_name(d): int(n) for d, n in by_dyad.items()})
        sentence = f"{span}: {int(rows['events'].sum()):,} events in {len(places)} cells, with {int(rows['best'].sum()):,} deaths ({counts})."
    return {"title": title, "sentence": sentence, "coverage": coverage_words(coverage, year)}


def coverage_words(coverage: pd.DataFrame, year: int | None) -> str:
    """Say what the files hold: per country for one `year`, as spans of years for all (None)."""
    if year is not None:
        kinds = covered_in(coverage, year)
        said = [f"{COUNTRIES.get(c, c)}: {kind}" for c, kind in kinds.items()]
        return f"{'; '.join(said)}."
    said = []
    for iso3 in COUNTRIES:
        rows = coverage[coverage["country_iso3"] == iso3]
        spans = [
            f"{kind} {_span(rows[rows['coverage'] == kind]['year'])}"
            for kind in _COVER
            if (rows["coverage"] == kind).any()
        ]
        if spans:
            said.append(f"{COUNTRIES[iso3]}: {', '.join(spans)}")
    return f"{'; '.join(said)}."


def covered_in(coverage: pd.DataFrame, year: int | None) -> dict[str, str]:
    """Return {country_iso3: coverage} in one year, in a fixed order; for None nothing is missing as a whole."""
    if year is None:
        return {}
    rows = coverage[coverage["year"] == year]
    found = dict(zip(rows["country_iso3"], rows["coverage"], strict=True))
    return {iso3: found[iso3] for iso3 in COUNTRIES if iso3 in found}


def _axis_years(deaths: pd.DataFrame, start: int | None, end: int | None, as_of: dt.date | None) -> tuple[int, int]:
    rows = deaths["year"]
    first = start if start is not None else int(rows.min()) if len(rows) else _FIRST_YEAR
    last = end if end is not None else int(rows.max()) if len(rows) else _FIRST_YEAR
    return first, last if as_of is None else min(last, last_whole_year(as_of))


def _version_end(deaths: pd.DataFrame) -> int:
    """The last year of a yearly UCDP version: 24.1 ends with 2023."""
    return 1999 + int(str(deaths["version"].iloc[0]).split(".")[0])


def _year_traces(shown: pd.DataFrame, gaps: list[int], odd: pd.DataFrame) -> list:
    years, best = shown["year"].astype(int).tolist(), shown["best"].astype(int).tolist()
    low, high = shown["low"].astype(int), shown["high"].astype(int)
    top = max(int(high.max()), max(best))
    labelled = {max(range(len(best)), key=best.__getitem__), len(best) - 1}
    bars = go.Bar(
        x=years,
        y=best,
        name="best estimate",
        marker={"color": colours.SKY, "line": {"color": colours.BLUE, "width": 1}},
        width=0.78,
        hovertext=[_year_hover(row) for row in shown.itertuples()],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    # The interval is drawn as printed and not around the best estimate, so that a best outside of it shows.
    interval = go.Scatter(
        x=years,
        y=low.tolist(),
        mode="markers",
        marker={"size": 1, "color": colours.INK},
        error_y={
            "array": (high - low).tolist(),
            "arrayminus": [0] * len(low),
            "symmetric": False,
            "thickness": 1.6,
            "width": 3,
            "color": colours.INK,
        },
        showlegend=False,
        hoverinfo="skip",
    )
    entry = go.Scatter(
        x=[None],
        y=[None],
        mode="lines",
        line={"color": colours.INK, "width": 1.8},
        name="line: low to high, as printed",
    )
    labels = go.Scatter(
        x=[years[i] for i in labelled],
        y=[max(best[i], int(high.iloc[i]), i == len(best) - 1) for i in labelled],
        mode="text",
        text=[_value(best[i], int(low.iloc[i]), int(high.iloc[i]), i == len(best) - 1) for i in labelled],
        textposition="top center",
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
    )
    few = len(gaps) <= 3
    missing = go.Scatter(
        x=gaps or [None],
        y=[0.02 * top] * len(gaps) or [None],
        mode="markers+text",
        text=[str(y) if few else "" for y in gaps],
        textposition="top center",
        textfont={"size": 12},
        marker={"symbol": "x-thin", "size": 10, "line": {"width": 2.4, "color": colours.VERMILLION}},
        name=UNDER,
        hovertext=[f"<b>{y}</b>: {UNDER}" for y in gaps],
        hovertemplate="%{hovertext}<extra></extra>",
        cliponaxis=False,
    )
    oddities = go.Scatter(
        x=odd["year"].astype(int).tolist() or [None],
        y=[int(v) + 0.045 * top for v in odd[["best", "high"]].max(axis=1)] or [None],
        mode="markers",
        marker={"symbol": "diamond-open", "size": 10, "color": colours.PURPLE, "line": {"width": 2.2}},
        name=ODD,
        hoverinfo="skip",
        showlegend=len(odd) > 0,
    )
    return [bars, interval, entry, labels, missing, oddities]


def _value(best: int, low: int, high: int, last: bool) -> str:
    return f"<b>{best:,}</b>" + (f" ({low:,} to {high:,})" if high > low and not last else "")


def _year_hover(row) -> str:
    note = f"<br><i>{plotly_text(row.note, 55)}</i>" if row.note else ""
    where = ", ".join(COUNTRIES.get(c, c) for c in row.countries)
    return f"<b>{row.year}</b>: {row.best:,} deaths, {row.low:,} to {row.high:,}<br>in {plotly_text(where, 55)}{note}"


def _years_alt(
    name: str, shown: pd.DataFrame, gaps: list[int], odd: pd.DataFrame, first: int, last: int, end: int
) -> str:
    most, fewest, latest = shown.loc[shown["best"].idxmax()], shown.loc[shown["best"].idxmin()], shown.iloc[-1]
    text = (
        f"Bar chart of deaths in the dyad {name}, {first} to {last}: {len(shown)} years with a row, {int(shown['best'].sum()):,} deaths together. "
        f"Most in {most.year} ({most.best:,}; {most.low:,} to {most.high:,}), fewest in {fewest.year} ({fewest.best:,}). "
        f"The latest row is {latest.year} with {latest.best:,} ({latest.low:,} to {latest.high:,})."
    )
    if gaps:
        text += f" No row for {', '.join(map(str, gaps))}: under 25 deaths, which is not zero."
    for row in odd.itertuples():
        text += f" In {row.year} the best estimate ({row.best:,}) lies outside the printed {row.low:,} to {row.high:,}."
    return text + (f" The dataset ends in {end}; later years are shaded, not zero." if last > end else "")


def _shade(fig: go.Figure, start: float, end: float, words: str) -> None:
    fig.add_shape(
        type="rect",
        x0=start,
        x1=end,
        y0=0,
        y1=1,
        yref="paper",
        fillcolor=colours.FAINT,
        line={"width": 0},
        layer="below",
    )
    fig.add_annotation(
        x=(start + end) / 2,
        y=0.5,
        yref="paper",
        text=words,
        textangle=-90,
        showarrow=False,
        font={"size": 12, "color": colours.GREY},
    )


def _by_dyad(rows: pd.DataFrame, dyads: list[str]) -> dict[str, tuple]:
    rows = rows.sort_values("best", ascending=False)
    return {dyad: _dots(group) for dyad, group in rows.groupby("dyad") if dyad in dyads}


def _dots(rows: pd.DataFrame) -> tuple[np.ndarray, ...]:
    counts = rows[["best", "events"]].to_numpy(dtype="int32")
    size = np.array([dot_size(deaths) for deaths in counts[:, 0]], dtype="float32")
    return *(rows[c].to_numpy(dtype="float32") for c in ("cell_lon", "cell_lat")), size, counts


def dot_size(deaths: float) -> float:
    """Return the width in pixels of a dot: its area grows with deaths, down to a least size that can be seen."""
    return max(5.0, round(2.15 * math.sqrt(deaths), 1))


def _map_table(cells: pd.DataFrame, year: int | None) -> pd.DataFrame:
    rows = cells if year is None else cells[cells["year"] == year]
    by = ["dyad", "country_iso3", "cell_lat", "cell_lon"]
    table = rows.groupby(by, as_index=False)[["events", "best"]].sum().sort_values("best", ascending=False)
    table["dyad"] = table["dyad"].map(dyad_name)
    return table.rename(
        columns={"country_iso3": "country", "cell_lat": "latitude", "cell_lon": "longitude", "best": "deaths"}
    )


def _border_lines(provinces: pd.DataFrame, box) -> list[go.Scattergeo]:
    """Draw each edge inside the frame once: thin between provinces of one state, heavy between states and where states end."""
    owners: dict[frozenset, set[str]] = {}
    rings = [(ring.iso3, list(zip(ring.lon, ring.lat, strict=True))) for ring in provinces.itertuples()]
    for iso3, points in rings:
        for edge in zip(points, points[1:], strict=False):
            owners.setdefault(frozenset(edge), []).append(iso3)
    (west, east), (south, north) = box.lonaxis.range, box.lataxis.range
    step = (east - west) / 960 * 2
    thin: tuple[list, list] = ([], [])
    heavy: tuple[list, list] = ([], [])
    for _, points in rings:
        last = None
        for one, other in zip(points, points[1:], strict=False):
            sides = owners.pop(frozenset((one, other)), None)
            seen = west < other[0] < east and south < other[1] < north
            if not sides or not seen:
                last = None
                continue
            line = thin if len(sides) == 2 and len(set(sides)) == 1 else heavy
            if last is not line:
                _append(line, None, one)
            if abs(other[0] - line[0][-1]) + abs(other[1] - line[1][-1]) >= step:
                _append(line, other)
            last = line
    widths = ((thin, colours.PROVINCE, 0.9), (heavy, colours.DARK_GREY, 2))
    return [
        go.Scattergeo(
            lon=_packed(lon),
            lat=_packed(lat),
            mode="lines",
            line={"color": color, "width": width},
            hoverinfo="skip",
            showlegend=False,
        )
        for (lon, lat), color, width in widths
    ]


def _coarse(land: go.Scattergeo, box) -> dict:
    """Leave out most points of the fill, more of them outside the frame: it has no line, and the borders above it carry the detail."""
    (west, east), (south, north) = box.lonaxis.range, box.lataxis.range
    line: tuple[list, list] = ([], [])
    ring: list[tuple[float, float]] = []
    for x, y in zip(*_lists(land), strict=True):
        if x is None:
            if len(ring) > 3:
                _append(line, *ring, ring[0], None)
            ring = []
            continue
        step = 0.1 if west < x < east and south < y < north else 0.7
        if not ring or abs(x - ring[-1][0]) + abs(y - ring[-1][1]) >= step:
            ring.append((x, y))
    return {"lon": _packed(line[0]), "lat": _packed(line[1])}


def _packed(degrees: list[float | None]) -> np.ndarray:
    """Pack degrees for the notebook: a third of the size of a list there, exact to a metre; a gap is NaN."""
    return np.array([math.nan if v is None else v for v in degrees], dtype="float32")


def _lists(trace: go.Scattergeo) -> tuple[list, list]:
    """Return the line of a trace as lists with None between two rings."""
    return tuple([None if pd.isna(v) else round(float(v), 2) for v in values] for values in (trace.lon, trace.lat))


def _append(line: tuple[list, list], *points: tuple[float, float] | None) -> None:
    for point in points:
        line[0].append(round(point[0], 2) if point else None)
        line[1].append(round(point[1], 2) if point else None)


def _missing_trace() -> go.Scattergeo:
    return go.Scattergeo(
        lon=[None],
        lat=[None],
        mode="lines",
        fill="toself",
        fillcolor=colours.BESIDE,
        line={"color": colours.GREY, "width": 1.5},
        hoverinfo="skip",
        showlegend=False,
    )


def _says_trace() -> go.Scattergeo:
    font = {"size": 14, "color": colours.BLACK, "weight": 600}
    return go.Scattergeo(lon=[None], lat=[None], mode="text", textfont=font, hoverinfo="skip", showlegend=False)


def _dyad_trace(dyad: str) -> go.Scattergeo:
    name, symbol, color = DYADS.get(dyad, (dyad, "star", colours.INK))
    return go.Scattergeo(
        lon=[None],
        lat=[None],
        mode="markers",
        marker={"symbol": symbol, "color": colours.faded(color, 0.7), "line": _edge(color)},
        name=plotly_text(name),
        hovertemplate=f"<b>{plotly_text(name)}</b><br>%{{customdata[0]:,}} deaths in %{{customdata[1]:,}} events"
        "<br>in the cell around %{lat:.2f}° N, %{lon:.2f}° E<extra></extra>",
    )


def _edge(color: str) -> dict:
    """Return the line around a dot: none, which is drawn faster, but where the colour is too pale without one."""
    return {"width": 0.9, "color": colours.INK} if color == colours.YELLOW else {"width": 0}


def _strip(coverage: pd.DataFrame) -> go.Heatmap:
    kinds = list(_COVER)
    years = sorted(int(y) for y in set(coverage["year"]))
    have = {(r.country_iso3, r.year): r.coverage for r in coverage.itertuples()}
    z = [[kinds.index(have[c, y]) if (c, y) in have else None for y in years] for c in COUNTRIES]
    hover = [
        [f"<b>{name} {y}</b>: {plotly_text(have.get((c, y), 'not listed'))}" for y in years]
        for c, name in COUNTRIES.items()
    ]
    scale = [[at, color] for n, color in enumerate(_COVER.values()) for at in (n / 3, (n + 1) / 3)]
    return go.Heatmap(
        x=years,
        y=[0, 1, 2],
        z=z,
        zmin=-0.5,
        zmax=2.5,
        colorscale=scale,
        showscale=False,
        xgap=1,
        ygap=2,
        hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _samples() -> list[go.Scatter]:
    marker = {
        "size": [dot_size(n) for n in _SAMPLES],
        "color": "rgba(0, 0, 0, 0)",
        "line": {"width": 1.4, "color": colours.INK},
    }
    x = [0.04, 0.17, 0.35, 0.62]
    dots = go.Scatter(
        x=x, y=[0.5] * 4, mode="markers", marker=marker, xaxis="x2", yaxis="y2", hoverinfo="skip", showlegend=False
    )
    words = go.Scatter(
        x=[a + b for a, b in zip(x, (0.025, 0.03, 0.05, 0.095), strict=True)],
        y=[0.5] * 4,
        mode="text",
        text=["1", "10", "100", "500 deaths"],
        textposition="middle right",
        textfont={"size": 12},
        xaxis="x2",
        yaxis="y2",
        hoverinfo="skip",
        showlegend=False,
    )
    return [dots, words]


def _strip_entry(name: str, color: str) -> go.Scatter:
    marker = {"symbol": "square", "size": 12, "color": color, "line": {"width": 1, "color": colours.GREY}}
    words = f"{name}: missing, not quiet" if name == "no file" else name
    return go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name=words, legend="legend2")


def _year_mark(year: int) -> dict:
    return {
        "type": "rect",
        "xref": "x",
        "yref": "y",
        "x0": year - 0.5,
        "x1": year + 0.5,
        "y0": -0.5,
        "y1": 2.5,
        "line": {"width": 2.6, "color": colours.BLACK},
    }


def _says(coverage: pd.DataFrame, year: int | None) -> dict[str, str]:
    """What stands written over each country: what is not whole in that year, or (for all years) up to when it reaches."""
    if year is not None:
        kinds = covered_in(coverage, year)
        return {c: f"{COUNTRIES[c]}: {kind}" for c, kind in kinds.items() if kind != "all events"}
    said = {}
    for iso3, name in COUNTRIES.items():
        rows = coverage[(coverage["country_iso3"] == iso3) & (coverage["coverage"] != "no file")]
        if len(rows):
            said[iso3] = f"{name}: to {int(rows['year'].max())}"
    return said


def _span(years: pd.Series) -> str:
    first, last = int(years.min()), int(years.max())
    return str(first) if first == last else f"{first}–{last}"
