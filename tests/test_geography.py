"""Distances on the ellipsoid, against answers known by hand or from a plain search."""

import time

import pandas as pd
import pytest

from helpers import evidence
from helpers.analysis import geography


def rings(**shapes) -> pd.DataFrame:
    rows = [(iso3, iso3, [x for x, _ in ring], [y for _, y in ring]) for iso3, ring in shapes.items()]
    return pd.DataFrame(rows, columns=["name", "iso3", "lon", "lat"])


# Two squares of one degree that share the meridian 1° E between the equator and 1° N.
SQUARES = rings(
    AAA=[(0, 0), (0, 1), (1, 1), (1, 0), (0, 0)],
    BBB=[(1, 0), (1, 1), (2, 1), (2, 0), (1, 0)],
    FAR=[(50, 0), (50, 1), (51, 1), (51, 0), (50, 0)],
)
DEGREE_OF_EQUATOR = 111.3195  # km: 6,378.137 km × 2π ÷ 360
DEGREE_OF_MERIDIAN = 110.5744  # km, from the equator to 1° N on WGS84


def test_the_border_is_what_two_outlines_share():
    border = geography.border(SQUARES, "AAA", "BBB")
    assert border.km.sum() == pytest.approx(DEGREE_OF_MERIDIAN, abs=0.001)
    assert border.km.max() <= geography.LONGEST_EDGE_KM
    assert set(border.lon_1.round(9)) == {1.0}
    with pytest.raises(ValueError, match="AAA and FAR share no edge"):
        geography.border(SQUARES, "AAA", "FAR")
    with pytest.raises(ValueError, match="CCC: no outline with this code. Known: AAA, BBB, FAR"):
        geography.border(SQUARES, "CCC", "AAA")


def test_distances_between_vertices_beyond_the_end_and_on_the_line():
    border = geography.border(SQUARES, "AAA", "BBB")
    points = pd.DataFrame(
        {"lat": [0.0, 0.5, 2.0, 0.25], "lon": [0.0, 1.5, 1.0, 1.0]},
        index=["on the equator", "across", "north of the end", "on it"],
    )
    found = geography.distance_to_border(points, border)
    assert found.km["on the equator"] == pytest.approx(DEGREE_OF_EQUATOR, abs=0.01)
    assert found.km["across"] == pytest.approx(
        DEGREE_OF_EQUATOR / 2, abs=0.05
    )  # the parallel of 0.5° is a trifle shorter
    assert found.border_lat["across"] == pytest.approx(0.5, abs=0.001)
    assert found.km["north of the end"] == pytest.approx(110.576, abs=0.005)
    assert found.border_lat["north of the end"] == pytest.approx(1)
    assert found.km["on it"] == pytest.approx(0, abs=1e-5)
    assert set(found.neighbour) == {"BBB"}


def test_a_degree_is_not_the_same_length_everywhere():
    """A flat map would give the same answer at 0° and at 60° N."""
    north = rings(AAA=[(0, 60), (0, 61), (1, 61), (1, 60), (0, 60)], BBB=[(1, 60), (1, 61), (2, 61), (2, 60), (1, 60)])
    point = pd.DataFrame({"lat": [60.5], "lon": [2.0]})
    found = geography.distance_to_border(point, geography.border(north, "AAA", "BBB")).km[0]
    assert found == pytest.approx(54.9, abs=0.2)


def test_the_nearest_place_on_irans_border_is_the_nearest():
    """Against the library's distances to the nearest edges, cut every 100 metres: a plain search can only be longer."""

    def km(point, lat, lon):
        return geography.WGS84.Inverse(point.lat, point.lon, lat, lon)["s12"] / 1000

    ev = evidence.load(evidence.find_data())
    border = geography.border(ev.outlines("countries"), "IRN", "IRQ", "TUR")
    points = ev.table("ucdp_ged_points").sort_values(["lat", "lon"]).iloc[::400][["lat", "lon"]].astype(float)
    found = geography.distance_to_border(points, border)
    for point in points.itertuples():
        ends = [km(point, edge.lat_1, edge.lon_1) for edge in border.itertuples()]
        searched = []
        for edge in border.assign(end=ends).nsmallest(6, "end").itertuples():
            line = geography.WGS84.InverseLine(edge.lat_1, edge.lon_1, edge.lat_2, edge.lon_2)
            stops = [line.Position(line.s13 * i / 50) for i in range(51)]
            searched += [km(point, stop["lat2"], stop["lon2"]) for stop in stops]
        assert -0.005 <= found.km[point.Index] - min(searched) <= 0.001


def test_1674_points_take_less_than_two_seconds():
    ev = evidence.load(evidence.find_data())
    border = geography.border(ev.outlines("countries"), "IRN", "IRQ", "TUR")
    start = time.perf_counter()
    found = geography.distance_to_border(ev.table("ucdp_ged_points"), border)
    assert time.perf_counter() - start < 2
    assert len(found) == len(ev.table("ucdp_ged_points"))


def test_qandil_is_near_iran_and_cizre_is_not():
    ev = evidence.load(evidence.find_data())
    places = ev.places.set_index("place_id").loc[["qandil", "zakho"], ["lat", "lon"]]
    found = geography.distance_to_border(places, geography.border(ev.outlines("countries"), "IRN", "IRQ", "TUR")).km
    assert found["qandil"] < 25
    assert found["zakho"] > 150


def test_a_wrong_coordinate_is_named_and_never_counted_as_a_place():
    border = geography.border(SQUARES, "AAA", "BBB")
    for lat, lon, column in ((91, 0, "lat"), (None, 0, "lat"), (0, 181, "lon")):
        points = pd.DataFrame({"lat": [0.5, lat], "lon": [0.5, lon]}, index=["good", "bad"])
        with pytest.raises(ValueError, match=f"row bad: {column}"):
            geography.distance_to_border(points, border)


def test_distance_to_a_place():
    points = pd.DataFrame({"lat": [0, 1], "lon": [1, 0]})
    assert geography.distance_to_place(points, 0, 0).tolist() == pytest.approx(
        [DEGREE_OF_EQUATOR, DEGREE_OF_MERIDIAN], abs=0.001
    )


def test_area_of_respects_holes_and_outside():
    hole = pd.concat(
        [SQUARES[SQUARES.iso3 == "AAA"], rings(AAA=[(0.4, 0.4), (0.4, 0.6), (0.6, 0.6), (0.6, 0.4), (0.4, 0.4)])]
    )
    points = pd.DataFrame({"lat": [0.2, 0.5, 0.5, 5], "lon": [0.2, 0.5, 1.5, 5]})
    assert geography.area_of(points, SQUARES).tolist() == ["AAA", "AAA", "BBB", ""]
    assert geography.area_of(points, hole).tolist() == ["AAA", "", "", ""]
    ev = evidence.load(evidence.find_data())
    cities = ev.places.set_index("place_id").loc[["zakho", "cukurca"]]
    assert geography.area_of(cities, ev.outlines("provinces")).tolist() == ["Duhok", "Hakkâri"]
