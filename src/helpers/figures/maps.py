"""Maps from outlines that come with the course: no base map, no tiles, no network."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from helpers.figures import base, colours
from helpers.markup import plotly_text

KINDS = {
    "city": ("circle", colours.BLACK),
    "district": ("pentagon", colours.GREEN),
    "mountain": ("triangle-up", colours.GREEN),
    "base": ("star", colours.VERMILLION),
    "camp": ("square", colours.PURPLE),
    "airport": ("triangle-right", colours.BLUE),
    "port": ("triangle-down", colours.BLUE),
    "dam": ("diamond", colours.BLUE),
    "crossing": ("cross", colours.ORANGE),
    "pipeline_point": ("hexagon", colours.ORANGE),
}
BOUNDARIES = "boundaries from Natural Earth, drawn as held in fact; drawing a line takes no side"
UNIT = "positions in degrees"
_WIDE, _HIGH = 960, 470


class Box(NamedTuple):
    """A frame in degrees, and how much longer than a degree of longitude one of latitude is drawn in its middle."""

    west: float
    east: float
    south: float
    north: float
    stretch: float


def outlines(
    rings: pd.DataFrame,
    focus: Iterable[str] = ("Türkiye", "Iraq"),
    *,
    title: str = "Türkiye, Iraq and their neighbours",
) -> go.Figure:
    """Draw outlines alone, framed around the areas named in `focus`.

    Needs name, lon and lat (lists of degrees, one row a ring), as ``ev.outlines`` gives them. Where no name of `focus` occurs, all is framed.
    """
    if rings.empty:
        return base.empty(title, "No outline is there to draw.", unit=UNIT, source=BOUNDARIES)
    framed = rings[rings["name"].isin(list(focus))]
    framed = rings if framed.empty else framed
    box = _box([v for lon in framed["lon"] for v in lon], [v for lat in framed["lat"] for v in lat], rings)
    fig = go.Figure(_land(rings, box))
    _frame(fig, box)
    names = list(dict.fromkeys(_inside(rings, box)["name"]))
    alt = f"Outline map of {len(names)} {'area' if len(names) == 1 else 'areas'}: {', '.join(names[:30])}{' and others' if len(names) > 30 else ''}."
    return _dress(fig, title=title, alt=alt, source=BOUNDARIES, top=76)


def places(table: pd.DataFrame, rings: pd.DataFrame, *, title: str = "Places in the evidence") -> go.Figure:
    """Draw the places that have coordinates over outlines; an open mark stands where the position is approximate.

    Needs place_id, name_en, name_local, kind, lat, lon, coord_precision and relevance; `rings` as for `outlines`. Places without coordinates are
    named in the alt text and get no dot. Names stand beside dots where there is room, and in the hover text always.
    """
    source = f"place coordinates from GeoNames (CC BY 4.0) and the pages named in the places table; {BOUNDARIES}"
    found = table[table["lat"].notna() & table["lon"].notna()]
    if found.empty:
        reason = "None of the chosen places has coordinates." if len(table) else "No place is chosen."
        return base.empty(title, reason, unit=UNIT, source=source)
    lon, lat = found["lon"].astype(float), found["lat"].astype(float)
    box = _box(lon.tolist(), lat.tolist(), rings)
    labels, beside = _labels(found["name_en"], lon, lat, box)
    found = found.assign(lon=lon, lat=lat, label=labels, beside=beside)
    fig = go.Figure(_land(rings, box))
    for kind in [k for k in KINDS if k in set(found["kind"])] + sorted(set(found["kind"]) - set(KINDS)):
        fig.add_trace(_dots(found[found["kind"] == kind], kind))
    if (found["coord_precision"] == "approximate").any():
        marker = {"symbol": "circle-open", "size": 10, "color": colours.INK, "line": {"width": 2}}
        fig.add_trace(
            go.Scattergeo(lon=[None], lat=[None], mode="markers", marker=marker, name="open mark: approximate")
        )
    _frame(fig, box)
    missing = table[table["lat"].isna() | table["lon"].isna()]["name_en"].tolist()
    kinds = {k.replace("_", " "): int(n) for k, n in found["kind"].value_counts().items()}
    alt = (
        f"Map with {len(found)} places: {base.listed(kinds)}. {int((found['coord_precision'] == 'approximate').sum())} positions are approximate. "
        + (
            f"Not drawn, because no position was found: {', '.join(missing)}."
            if missing
            else "Every chosen place has a position."
        )
        + _from_north(found)
    )
    shown = found[["name_en", "name_local", "kind", "coord_precision", "lat", "lon", "relevance"]]
    shown = shown.rename(columns={"name_en": "name", "name_local": "local name", "coord_precision": "position"})
    return _dress(fig, title=title, alt=alt, source=source, table=shown)


def _from_north(found: pd.DataFrame, most: int = 15) -> str:
    """Say where the places lie, from north to south; of many only those at the edges."""
    placed = found.sort_values("lat", ascending=False)
    if len(placed) > most:
        ends = {"north": placed.iloc[0], "south": placed.iloc[-1]}
        ends |= {"west": placed.loc[placed["lon"].idxmin()], "east": placed.loc[placed["lon"].idxmax()]}
        return f" Furthest {'; '.join(f'{side}: {_at(place)}' for side, place in ends.items())}."
    return f" From north to south: {'; '.join(_at(place) for _, place in placed.iterrows())}."


def _at(place: pd.Series) -> str:
    return f"{place['name_en']} ({place['lat']:.1f}° N, {place['lon']:.1f}° E)"


def _dress(
    fig: go.Figure, *, title: str, alt: str, source: str, table: pd.DataFrame | None = None, top: int = 104
) -> go.Figure:
    return base.finish(
        fig,
        title=title,
        alt=alt,
        unit=UNIT,
        source=source,
        table=table,
        height=_HIGH + top + 42,
        left=10,
        right=10,
        top=top,
        bottom=4,
    )


def _land(rings: pd.DataFrame, box: Box) -> list[go.Scattergeo]:
    """Draw the rings that meet `box` as one filled trace, a gap between two, thinned to about a pixel, and the names of large areas.

    Each outer ring must run clockwise, or plotly fills the rest of the globe.
    """
    lon: list[float] = []
    lat: list[float] = []
    inside = _inside(rings, box)
    for ring in inside.itertuples():
        for x, y in _thinned(ring.lon, ring.lat, box):
            lon.append(x)
            lat.append(y)
        lon.append(math.nan)
        lat.append(math.nan)
    names = _area_names(inside, box)
    return [
        go.Scattergeo(
            lon=np.array(lon, dtype="float32"),  # a third of the size in a notebook, exact to a metre
            lat=np.array(lat, dtype="float32"),
            mode="lines",
            fill="toself",
            fillcolor=colours.LAND,
            line={"color": colours.MIDDLE, "width": 1},
            hoverinfo="skip",
            showlegend=False,
        ),
        go.Scattergeo(
            lon=[x for _, x, _ in names],
            lat=[y for _, _, y in names],
            text=[plotly_text(name.upper()) for name, _, _ in names],
            mode="text",
            textfont={"size": 13, "color": colours.COUNTRY},
            hoverinfo="skip",
            showlegend=False,
        ),
    ]


def _inside(rings: pd.DataFrame, box: Box) -> pd.DataFrame:
    meets = [
        max(x) >= box.west and min(x) <= box.east and max(y) >= box.south and min(y) <= box.north
        for x, y in zip(rings["lon"], rings["lat"], strict=True)
    ]
    return rings[meets]


def _thinned(lon: list[float], lat: list[float], box: Box) -> list[tuple[float, float]]:
    """Leave out points closer than a pixel or two to the one before, and most points outside the box; first and last stay."""
    fine = (box.east - box.west) / _WIDE * 1.6
    edge = 0.05 * (box.east - box.west)
    digits = 2 if fine > 0.02 else 3
    kept = [(lon[0], lat[0])]
    for x, y in zip(lon[1:-1], lat[1:-1], strict=True):
        seen = box.west - edge < x < box.east + edge and box.south - edge < y < box.north + edge
        if abs(x - kept[-1][0]) + abs(y - kept[-1][1]) >= (fine if seen else 8 * fine):
            kept.append((x, y))
    kept.append((lon[-1], lat[-1]))
    return [(round(x, digits), round(y, digits)) for x, y in kept]


def _area_names(rings: pd.DataFrame, box: Box) -> list[tuple[str, float, float]]:
    """Name each area that fills a good part of the box, in the middle of what is seen of it; the largest first, none over another."""
    found = []
    for ring in rings.itertuples():
        x = [min(max(v, box.west), box.east) for v in ring.lon]
        y = [min(max(v, box.south), box.north) for v in ring.lat]
        wide, high = (max(x) - min(x)) / (box.east - box.west), (max(y) - min(y)) / (box.north - box.south)
        if wide > 0.12 and high > 0.12:
            found.append((wide * high, ring.name, (max(x) + min(x)) / 2, (max(y) + min(y)) / 2))
    names: list[tuple[str, float, float]] = []
    for _, name, x, y in sorted(found, reverse=True):
        far = all(
            abs(x - a) > 0.12 * (box.east - box.west) or abs(y - b) > 0.06 * (box.north - box.south)
            for _, a, b in names
        )
        if far and name not in (other for other, _, _ in names):
            names.append((name, x, y))
    return names


def _dots(group: pd.DataFrame, kind: str) -> go.Scattergeo:
    symbol, color = KINDS.get(kind, ("x", colours.INK))
    open_mark = group["coord_precision"] == "approximate"
    return go.Scattergeo(
        lon=group["lon"].tolist(),
        lat=group["lat"].tolist(),
        mode="markers+text",
        marker={
            "symbol": [symbol + "-open" if o else symbol for o in open_mark],
            "color": color,
            "size": 10,
            "line": {
                "width": [2 if o else 0.8 for o in open_mark],
                "color": [color if o else "white" for o in open_mark],
            },
        },
        text=group["label"].tolist(),
        textposition=group["beside"].tolist(),
        textfont={"size": 11.5, "color": colours.INK},
        hovertext=[_hover(p) for p in group.itertuples()],
        hovertemplate="%{hovertext}<extra></extra>",
        name=plotly_text(kind.replace("_", " ")),
    )


def _hover(place) -> str:
    where = "position approximate" if place.coord_precision == "approximate" else "position of a point in it"
    return (
        f"<b>{plotly_text(place.name_en)}</b>  {plotly_text(place.name_local)}<br>{plotly_text(place.kind.replace('_', ' '))}, {where}"
        f"<br>{plotly_text(place.relevance, 60)}"
    )


def _labels(names: pd.Series, lon: pd.Series, lat: pd.Series, box: Box) -> tuple[list[str], list[str]]:
    """Name a place on the side of its dot where its name meets no other dot and no name given before; else leave it to the hover.

    Returns the labels (empty where there is no room) and the sides, as plotly calls them.
    """
    pixels = _WIDE / (box.east - box.west)
    dots = [(x * pixels, y * pixels * box.stretch) for x, y in zip(lon, lat, strict=True)]
    given: list[tuple[float, float, float, float]] = []
    labels, sides = [], []
    for name, (x, y) in zip(names, dots, strict=True):
        short = name.split(" (")[0]
        others = [*given, *((a - 7, a + 7, b - 7, b + 7) for a, b in dots if (a, b) != (x, y))]
        room = _around(x, y, 7 + 6.6 * len(short))
        side = next((side for side, area in room.items() if not any(_meet(area, other) for other in others)), None)
        labels.append(plotly_text(short) if side else "")
        sides.append(side or "middle right")
        if side:
            given.append(room[side])
    return labels, sides


def _around(x: float, y: float, wide: float) -> dict[str, tuple[float, float, float, float]]:
    """Return where a name of this width would stand on each side of a dot: left, right, lower and upper edge in pixels."""
    half = wide / 2
    return {
        "middle right": (x + 7, x + 7 + wide, y - 8, y + 8),
        "middle left": (x - 7 - wide, x - 7, y - 8, y + 8),
        "top center": (x - half, x + half, y + 6, y + 22),
        "bottom center": (x - half, x + half, y - 22, y - 6),
    }


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def _box(lon: list[float], lat: list[float], rings: pd.DataFrame) -> Box:
    """Return the box of the points with room around it, widened to the shape of the figure as far as the outlines reach."""
    room = max((max(lat) - min(lat)) * 0.08, 1.0)
    south, north = min(lat) - room, max(lat) + room
    # One degree of latitude is drawn this much longer than one of longitude (Mercator).
    stretch = 1 / math.cos(math.radians((south + north) / 2))
    middle, wide = (min(lon) + max(lon)) / 2, (max(lon) - min(lon)) * 1.16
    needed = (north - south) * stretch * _WIDE / _HIGH
    if wide > needed:
        extra = (wide / _WIDE * _HIGH / stretch - (north - south)) / 2
        south, north = south - extra, north + extra
    half = max(wide, needed) / 2
    west, east = middle - half, middle + half
    if len(rings):
        west, east = max(west, min(map(min, rings["lon"]))), min(east, max(map(max, rings["lon"])))
        south, north = max(south, min(map(min, rings["lat"]))), min(north, max(map(max, rings["lat"])))
    return Box(west, east, south, north, stretch)


def _frame(fig: go.Figure, box: Box) -> None:
    fig.update_geos(
        visible=False,
        bgcolor=colours.SEA,
        projection={"type": "mercator"},
        lonaxis={"range": [box.west, box.east]},
        lataxis={"range": [box.south, box.north]},
    )
