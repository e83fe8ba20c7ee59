"""An original UCDP GED file of any version, read with one call into the course's tables."""

import csv
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from helpers import evidence
from helpers.analysis import ged

HEADER = (
    "id relid year active_year code_status type_of_violence conflict_dset_id conflict_new_id conflict_name "
    "dyad_dset_id dyad_new_id dyad_name side_a_dset_id side_a_new_id side_a "
    "side_b_dset_id side_b_new_id side_b number_of_sources "
    "source_article source_office source_date source_headline source_original where_prec where_coordinates "
    "where_description adm_1 adm_2 latitude longitude geom_wkt priogrid_gid country country_id region event_clarity "
    "date_prec date_start date_end deaths_a deaths_b deaths_civilians deaths_unknown best high low gwnoa gwnob"
)
COLUMNS = HEADER.split(" ")
ARTICLE = '"Some agency, 1 May, Clash near the border, army says"; second source\nwith a line break'
STATE = "Government of Turkey - PKK"


def event(dyad=STATE, country="Turkey", year=2015, prec=1, lat=37.30, lon=43.60, best=3, kind=1, **more) -> dict:
    sides = {"deaths_a": best, "deaths_b": 0, "deaths_civilians": 0, "deaths_unknown": 0}
    place = {"where_prec": prec, "latitude": lat, "longitude": lon, "country": country}
    counts = {"year": year, "type_of_violence": kind, "best": best, "low": best - 1, "high": best + 2}
    return {"dyad_name": dyad, "source_article": ARTICLE, "date_start": f"{year}-05-01"} | place | counts | sides | more


EVENTS = [
    event(best=3),
    event(best=4, lat=37.304, lon=43.601),  # the same place once rounded to 0.01°
    event(best=10, prec=4, lat=38.0, lon=44.0),  # a province's centre point
    event(country="Iraq", best=5, year=2016, lat=36.60, lon=44.99),
    event("PKK - Civilians", best=2, kind=3),
    event("Government of Sudan - SRF", "Sudan", best=7),
]


def csv_bytes(rows: list[dict], columns=COLUMNS, rename=None) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    content = text.getvalue()
    for old, new in (rename or {}).items():
        content = content.replace(old, new, 1)
    return content.encode()


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "GEDEvent_v25_1.csv"
    path.write_bytes(csv_bytes(EVENTS))
    return path


def test_one_call_gives_every_table_of_one_dyad(file):
    tables = ged.load(file, dyads=["TUR-PKK"])
    years = tables.country_years.set_index(["country_iso3", "year", "precision"])
    assert years.loc[("TUR", 2015, "precise"), ["events", "best", "low", "high"]].tolist() == [2, 7, 5, 11]
    assert years.loc[("TUR", 2015, "imprecise"), ["events", "best"]].tolist() == [1, 10]
    assert set(tables.country_years.dyad) == {"TUR-PKK"}
    assert tables.precision[["where_prec", "events"]].values.tolist() == [[1, 1], [1, 2], [4, 1]]  # Iraq, Türkiye
    in_turkiye = tables.points[tables.points.country_iso3 == "TUR"]
    assert in_turkiye[["lat", "lon", "events", "best"]].values.tolist() == [[37.3, 43.6, 2, 7]]
    cell = tables.cells[tables.cells.country_iso3 == "IRQ"].iloc[0]
    assert (cell.cell_lat, cell.cell_lon, cell.best) == (36.625, 44.875, 5)
    assert tables.coverage.groupby("country_iso3").year.agg(["min", "max"]).values.tolist() == [[1989, 2024]] * 2
    assert set(tables.coverage.totals_version) == {"25.1"}


def test_dyads_and_countries_may_be_given_as_code_or_as_ucdp_writes_them(file):
    assert len(ged.read(file, dyads=[STATE])) == len(ged.read(file, dyads=["TUR-PKK"])) == 4
    assert len(ged.read(file, countries=["Türkiye"])) == len(ged.read(file, countries=["TUR"])) == 4
    assert ged.read(file, countries=["Sudan"]).dyad.tolist() == ["SDN-SRF"]
    assert ged.dyad_code("Government of Turkey, Government of Iraq - IS") == "TUR+IRQ-IS"
    assert ged.iso3("DR Congo (Zaire)") == "COD"


def test_zip_early_names_and_hdx_tags_are_read_alike(file, tmp_path):
    expected = ged.load(file).country_years
    zipped = tmp_path / "ged251-csv.zip"
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.write(file, "GEDEvent_v25_1.csv")
    early = tmp_path / "early.csv"
    early.write_bytes(csv_bytes(EVENTS, rename={",best,high,low,": ",best_est,high_est,low_est,"}))
    tagged = tmp_path / "conflict_data_tur.csv"
    header, rest = csv_bytes(EVENTS).split(b"\r\n", 1)
    tagged.write_bytes(b"\xef\xbb\xbf" + header + b"\r\n" + b"#id+code" + b"," * 48 + b"\r\n" + rest)
    for path, version in ((zipped, None), (early, "25.1"), (tagged, "25.1")):
        pd.testing.assert_frame_equal(ged.load(path, version=version).country_years, expected)


def test_the_version_comes_from_the_name_and_says_how_far_the_file_reaches(file, tmp_path):
    assert [ged.version_of(name) for name in ("GEDEvent_v25_1.csv", "ged201-csv.zip", "ged19.1.csv")] == [
        "25.1",
        "20.1",
        "19.1",
    ]
    with pytest.raises(ged.GedError, match='Add version="25.1"'):
        ged.version_of("events.csv")
    with pytest.raises(ged.GedError, match="outside the stated coverage 1989–2014"):
        ged.load(file, version="15.1", years=(1989, 2014))


def test_errors_say_what_to_do(file, tmp_path):
    with pytest.raises(ged.GedError, match="no such dyad. Did you mean TUR-PKK"):
        ged.load(file, dyads=["TUR-PKKK"])
    with pytest.raises(ged.GedError, match="no such country"):
        ged.load(file, countries=["IRN"])
    cut = tmp_path / "ged251.csv"
    cut.write_bytes(csv_bytes(EVENTS, rename={",where_prec,": ",precision,"}))
    with pytest.raises(ged.GedError, match="column 'where_prec' is missing"):
        ged.load(cut)
    with pytest.raises(ged.GedError, match="no such file"):
        ged.load(tmp_path / "ged999.csv")


def test_the_committed_tables_follow_from_the_published_file():
    folder = Path(os.environ.get("COURSE_DATASETS") or evidence.find_data().parents[1] / "shared" / "datasets")
    path = folder / "ucdp-ged-pkk" / "ged191_iraq_pkk_related_1989_2018.csv"
    if not path.is_file():
        pytest.skip("the published file is not here: set COURSE_DATASETS to its folder")
    made = ged.load(path).country_years
    committed = evidence.read_table(evidence.find_data(), "ucdp_ged_country_years")
    committed = committed[committed.country_iso3 == "IRQ"].reset_index(drop=True)
    made = made[made.dyad.isin(committed.dyad)].reset_index(drop=True)
    pd.testing.assert_frame_equal(made[list(committed)], committed, check_dtype=False)


MEASURE = """
import resource, sys, time
from helpers.analysis import ged
start = time.process_time()
tables = ged.load(sys.argv[1])
print(len(tables.events), time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@pytest.mark.skipif("COURSE_BENCH" not in os.environ, reason="writes 300 MB; set COURSE_BENCH=1 to measure")
def test_400_000_rows_take_three_seconds_and_a_gigabyte_at_most(tmp_path):
    path = tmp_path / "ged251.csv"
    pairs = [(f"Government of {name} - Group {i}", name) for i, name in enumerate(sorted(ged.COUNTRIES))]
    texts = {"source_article": ARTICLE * 4, "source_headline": ARTICLE, "where_description": "near the border " * 4}
    block = [
        event(
            *pairs[i % len(pairs)],
            year=1989 + i % 36,
            prec=1 + i % 6,
            lat=30 + i / 100,
            lon=40 + i / 90,
            best=1 + i % 9,
            **texts,
        )
        for i in range(1000)
    ]
    header, body = csv_bytes(block).split(b"\r\n", 1)
    with path.open("wb") as out:
        out.write(header + b"\r\n")
        for _ in range(400):
            out.write(body)
    measured = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
        measured.append([float(number) for number in done.stdout.split()])
    events, seconds, megabytes = min(measured, key=lambda run: run[1])
    print(f"{path.stat().st_size / 1e6:.0f} MB of text: {seconds:.2f} s of processor time, {megabytes:.0f} MB")
    assert events == 400_000
    assert seconds <= 3
    assert megabytes <= 1024
