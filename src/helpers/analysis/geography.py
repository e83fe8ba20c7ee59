"""Distances in kilometres on the WGS84 ellipsoid: to a border, to a place; and which area a point lies in.

Geodesics are those of GeographicLib: Karney, Charles F. F. (2013). "Algorithms for geodesics", Journal of Geodesy 87:
43–55.

How far to trust a distance to a border
---------------------------------------
* Arithmetic: below 1 metre up to 1,000 km from the border, checked against the same border cut every 20 metres.
* Edges: the outlines' edges are taken as geodesics. Read as straight lines in longitude and latitude, as GeoJSON
  says, the longest one (57 km, between Iran and Iraq) runs up to 40 metres elsewhere.
* Outlines: those in ``data/maps`` are simplified. Along Iran's border with Iraq and Türkiye they lie 66 metres from
  Natural Earth's full 1:10 million line on average, 240 metres at the 95th percentile and 560 metres at most; no
  event of the course's tables changes its side of 20 or 50 km by it. How far Natural Earth is from the line on the
  ground is not known.
* Places: coordinates rounded to 0.01° are off by up to 0.7 km, GED's ``where_prec`` 2 by about 25 km.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from geographiclib.geodesic import Geodesic

WGS84 = Geodesic.WGS84
OUTLINE_ERROR_KM = 0.6
LONGEST_EDGE_KM = 5.0
_CHUNK = 256


def border(outlines: pd.DataFrame, iso3: str, *neighbours: str) -> pd.DataFrame:
    """Return the border of `iso3` with `neighbours` as short edges.

    Needs rings: ``iso3``, ``lon``, ``lat`` (lists, degrees), closed, neighbours sharing their vertices as in
    ``ev.outlines("countries")``. Returns one row an edge: neighbour, lon_1, lat_1, lon_2, lat_2 (degrees), km. Edges
    longer than 5 km are cut along the geodesic. Raises ValueError for a code without a ring and for two that do not
    touch.
    """
    own, rows = _edges(outlines, iso3), []
    if not neighbours:
        raise ValueError(
            f"border of {iso3}: name at least one neighbour, for example border(outlines, 'IRN', 'IRQ', 'TUR')."
        )
    for neighbour in neighbours:
        shared = own.keys() & _edges(outlines, neighbour).keys()
        if not shared:
            raise ValueError(f"{iso3} and {neighbour} share no edge in these outlines. Are they neighbours?")
        for edge in sorted(shared, key=lambda key: sorted(key)):
            rows += [(neighbour, *part) for part in _cut(*own[edge])]
    return pd.DataFrame(rows, columns=["neighbour", "lon_1", "lat_1", "lon_2", "lat_2", "km"])


def distance_to_border(points: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """Return for each point its distance to the nearest place of a border, on either side of it.

    Needs ``lat`` and ``lon`` (degrees, WGS84) and `edges` from `border`. Returns, with the index of `points`: km,
    border_lat, border_lon, neighbour. The nearest edge is found by straight chords through the earth, the distance
    along the geodesic; see the head of this module for errors. Raises ValueError for coordinates that are missing or
    out of range.
    """
    _check(points)
    if edges.empty:
        raise ValueError("the border has no edge: build it with geography.border(outlines, iso3, neighbour).")
    places = points[["lat", "lon"]].astype("float64").drop_duplicates()
    start, end = (_earth_centred(edges[f"lat_{i}"], edges[f"lon_{i}"]) for i in (1, 2))
    chord = end - start
    squared = (chord**2).sum(axis=1)
    where = _earth_centred(places["lat"], places["lon"])
    found = []
    for first in range(0, len(places), _CHUNK):
        offset = where[first : first + _CHUNK, None, :] - start
        share = np.clip((offset * chord).sum(axis=2) / squared, 0, 1)
        distance = ((offset - share[:, :, None] * chord) ** 2).sum(axis=2)
        nearest = distance.argmin(axis=1)
        found += zip(nearest, share[np.arange(len(nearest)), nearest], strict=True)
    table = edges.reset_index(drop=True)
    rows = [
        _to_edge(lat, lon, table, edge, share)
        for lat, lon, (edge, share) in zip(places["lat"], places["lon"], found, strict=True)
    ]
    answers = pd.DataFrame(
        rows, columns=["km", "border_lat", "border_lon", "neighbour"], index=pd.MultiIndex.from_frame(places)
    )
    return answers.loc[pd.MultiIndex.from_frame(points[["lat", "lon"]].astype("float64"))].set_index(points.index)


def distance_to_place(points: pd.DataFrame, lat: float, lon: float) -> pd.Series:
    """Return the kilometres from each point (``lat``, ``lon``) to one place; error below a millimetre."""
    _check(points)
    km = [_km(lat, lon, *pair) for pair in zip(points["lat"], points["lon"], strict=True)]
    return pd.Series(km, index=points.index, name="km", dtype="float64")


def area_of(points: pd.DataFrame, outlines: pd.DataFrame, label: str = "name") -> pd.Series:
    """Return the `label` of the area that holds each point, "" where none does.

    Needs ``lat``, ``lon`` and rings with ``lon``, ``lat`` (lists) and `label`; rings inside others of the same label
    are holes (even-odd rule). Edges count as straight in longitude and latitude. Within the outlines' error of a
    limit the answer may be the neighbour's.
    """
    _check(points)
    lat, lon = points["lat"].to_numpy("float64"), points["lon"].to_numpy("float64")
    answer = pd.Series("", index=points.index, name=label, dtype=object)
    for name, rings in outlines.groupby(label, sort=False):
        inside = np.zeros(len(points), dtype=bool)
        for ring in rings.itertuples():
            inside ^= _inside(np.asarray(ring.lon), np.asarray(ring.lat), lon, lat)
        answer[inside] = name
    return answer.astype(str)


def _edges(outlines: pd.DataFrame, iso3: str) -> dict[frozenset, tuple]:
    rings = outlines[outlines["iso3"] == iso3]
    if rings.empty:
        known = ", ".join(sorted(set(outlines["iso3"]) - {""}))
        raise ValueError(f"{iso3}: no outline with this code. Known: {known}.")
    edges = {}
    for ring in rings.itertuples():
        vertices = list(zip(ring.lon, ring.lat, strict=True))
        for one, other in zip(vertices, vertices[1:], strict=False):
            edges[frozenset((one, other))] = (*one, *other)
    return edges


def _cut(lon_1: float, lat_1: float, lon_2: float, lat_2: float) -> list[tuple[float, ...]]:
    line = WGS84.InverseLine(lat_1, lon_1, lat_2, lon_2)
    parts = max(1, math.ceil(line.s13 / 1000 / LONGEST_EDGE_KM))
    stops = [line.Position(line.s13 * i / parts) for i in range(parts + 1)]
    km = line.s13 / 1000 / parts
    return [(a["lon2"], a["lat2"], b["lon2"], b["lat2"], km) for a, b in zip(stops, stops[1:], strict=False)]


def _to_edge(lat: float, lon: float, edges: pd.DataFrame, edge: int, share: float) -> tuple[float, float, float, str]:
    lon_1, lat_1, lon_2, lat_2 = (edges.at[edge, c] for c in ("lon_1", "lat_1", "lon_2", "lat_2"))
    line = WGS84.InverseLine(lat_1, lon_1, lat_2, lon_2)
    foot = line.Position(line.s13 * share)
    return _km(lat, lon, foot["lat2"], foot["lon2"]), foot["lat2"], foot["lon2"], edges.at[edge, "neighbour"]


def _km(lat_1: float, lon_1: float, lat_2: float, lon_2: float) -> float:
    return WGS84.Inverse(lat_1, lon_1, lat_2, lon_2, Geodesic.DISTANCE)["s12"] / 1000


def _earth_centred(lat: pd.Series, lon: pd.Series) -> np.ndarray:
    """Return metres from the earth's centre, one row a point on the ellipsoid."""
    phi, lam = np.radians(lat.to_numpy("float64")), np.radians(lon.to_numpy("float64"))
    flat = WGS84.f * (2 - WGS84.f)
    normal = WGS84.a / np.sqrt(1 - flat * np.sin(phi) ** 2)
    across = normal * np.cos(phi)
    return np.column_stack([across * np.cos(lam), across * np.sin(lam), normal * (1 - flat) * np.sin(phi)])


def _inside(ring_lon: np.ndarray, ring_lat: np.ndarray, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Say for each point whether a line to the east of it crosses the ring an odd number of times."""
    inside = np.zeros(len(lon), dtype=bool)
    near = np.flatnonzero(
        (lat >= ring_lat.min()) & (lat <= ring_lat.max()) & (lon >= ring_lon.min()) & (lon <= ring_lon.max())
    )
    if not len(near):
        return inside
    x, y = lon[near, None], lat[near, None]
    x1, y1, x2, y2 = ring_lon[:-1], ring_lat[:-1], ring_lon[1:], ring_lat[1:]
    crosses = (y1 > y) != (y2 > y)
    rise = np.where(y2 == y1, 1.0, y2 - y1)
    east = x < x1 + (y - y1) * (x2 - x1) / rise
    inside[near] = (crosses & east).sum(axis=1) % 2 == 1
    return inside


def _check(points: pd.DataFrame) -> None:
    tests: tuple[tuple[str, Callable], ...] = (("lat", lambda x: x.abs() <= 90), ("lon", lambda x: x.abs() <= 180))
    for column, valid in tests:
        if column not in points:
            raise ValueError(
                f"points need a column {column!r} (degrees). They have: {', '.join(map(str, points.columns))}."
            )
        wrong = ~valid(points[column].astype("Float64")).fillna(False)
        if wrong.any():
            row = wrong.idxmax()
            raise ValueError(
                f"points, row {row}: {column} is {points.at[row, column]}, not a coordinate in degrees. Leave it out."
            )
