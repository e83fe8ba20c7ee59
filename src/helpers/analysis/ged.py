"""UCDP's event dataset (GED), any version: one file in, the course's derived tables out.

    tables = ged.load("ged251-csv.zip", dyads=["TUR-PKK"])
    tables.country_years, tables.precision, tables.cells, tables.points, tables.coverage, tables.events

The builders of ``data/derived`` call the same functions, so a researcher's tables and the committed ones mean the
same. This is the only module of its floor that opens a file, and only the file that it is handed.

Source: Sundberg, Ralph and Erik Melander (2013). "Introducing the UCDP Georeferenced Event Dataset", Journal of Peace
Research 50(4): 523–532; UCDP GED Codebook of the version in use (``where_prec``, ``type_of_violence``).
"""

from __future__ import annotations

import csv
import difflib
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

DEATHS = ("best", "low", "high")
SIDES = ("deaths_a", "deaths_b", "deaths_civilians", "deaths_unknown")
VIOLENCE = {1: "state-based", 2: "non-state", 3: "one-sided"}
PRECISE = 2  # where_prec 1: exact place; 2: within about 25 km
CELL_DEGREES = 0.25
POINT_DECIMALS = 2
FIRST_YEAR = 1989

_NUMBERS = {
    **{
        "year": "int64",
        "type_of_violence": "int64",
        "where_prec": "int64",
        "latitude": "float64",
        "longitude": "float64",
    },
    **dict.fromkeys((*DEATHS, *SIDES), "int64"),
}
_NAMES = ("dyad_name", "country")
_OTHER_NAMES = {"best": "best_est", "low": "low_est", "high": "high_est"}  # early versions

Windows = Mapping[tuple[str, str], tuple[int, int]]


class GedError(ValueError):
    """A file that is not GED as expected, or a choice that it cannot serve; the message says what to do."""


@dataclass(frozen=True)
class Tables:
    """What `load` and `derive` return; columns and units as in ``data/datapackage.json`` under ``ucdp_ged_…``.

    ``events``: one row an event, with ``version``, ``country_iso3``, ``dyad``, ``violence``, ``precision`` as codes.
    """

    events: pd.DataFrame
    country_years: pd.DataFrame
    precision: pd.DataFrame
    cells: pd.DataFrame
    points: pd.DataFrame
    coverage: pd.DataFrame


def load(
    path: str | Path,
    *,
    dyads: Iterable[str] | None = None,
    countries: Iterable[str] | None = None,
    version: str | None = None,
    years: tuple[int, int] | None = None,
    keep: Iterable[str] = (),
) -> Tables:
    """Read an original GED file (csv, or zip with one csv) and return the derived tables.

    `dyads`: the course's codes (``"TUR-PKK"``) or UCDP's names (``"Government of Turkey - PKK"``); `countries`: ISO
    codes (``"IRQ"``) or UCDP's names. Left out, all. `version` (``"25.1"``) is read from the file's name when it
    stands there. `years` are the first and last year that the file covers; left out, 1989 to the year before the
    version. This cannot be seen in the file (a year without events may be quiet or missing; early versions left Syria
    out), so look into the codebook. `keep` names further columns of the file to carry into ``events``. Raises
    GedError for a missing column, an unknown dyad or country, and a version that is not stated anywhere.
    """
    return derive(read(path, dyads=dyads, countries=countries, version=version, keep=keep), years)


def read(
    path: str | Path,
    *,
    dyads: Iterable[str] | None = None,
    countries: Iterable[str] | None = None,
    version: str | None = None,
    keep: Iterable[str] = (),
) -> pd.DataFrame:
    """Read the events of a GED file; arguments and errors as in `load`, columns as in ``Tables.events``."""
    path = Path(path)
    version = version or version_of(path.name)
    rows = _columns(path, tuple(keep))
    countries = {iso3(name) for name in countries} if countries is not None else None
    dyads = {dyad_code(name) for name in dyads} if dyads is not None else None
    rows = _chosen(rows, "country", iso3_or_name, countries)
    rows = _chosen(rows, "dyad_name", dyad_code, dyads)
    return code(rows, version)


def code(rows: pd.DataFrame, version: str) -> pd.DataFrame:
    """Add the course's codes to GED's own columns.

    Needs ``dyad_name``, ``country``, ``type_of_violence``, ``where_prec``. Adds ``version``, ``dyad``,
    ``country_iso3``, ``violence`` and ``precision``: "precise" for where_prec 1–2 (exact place, or within about 25
    km), otherwise "imprecise".
    """
    return rows.assign(
        version=pd.Categorical.from_codes(np.zeros(len(rows), dtype="int8"), [version]),
        dyad=_translated(rows["dyad_name"], dyad_code),
        country_iso3=_translated(rows["country"], iso3),
        violence=_translated(rows["type_of_violence"], VIOLENCE.__getitem__),
        precision=_translated(rows["where_prec"], lambda prec: "precise" if prec <= PRECISE else "imprecise"),
    ).reset_index(drop=True)


def derive(events: pd.DataFrame, years: tuple[int, int] | None = None) -> Tables:
    """Return all derived tables of `events` (as `read` returns them, of one version); `years` as in `load`.

    ``coverage`` has the countries in which the events lie.
    """
    versions = list(events["version"].unique())
    if len(versions) != 1:
        raise GedError(
            f"events of {len(versions)} GED versions ({', '.join(versions) or 'no event at all'}): use one version."
        )
    years = years or (FIRST_YEAR, last_year(versions[0]))
    countries = sorted(events["country_iso3"].unique())
    windows = {(country, versions[0]): years for country in countries}
    check_windows(events, windows)
    precise = located(events)
    return Tables(
        events=events,
        country_years=country_years(events),
        precision=by_precision(events),
        cells=cells(precise),
        points=points(precise),
        coverage=coverage(windows, countries=countries, last_year=years[1]),
    )


def sums(events: pd.DataFrame, by: Iterable[str], columns: Iterable[str]) -> pd.DataFrame:
    """Return the number of events and the sums of `columns` (deaths) per `by`."""
    totals = {column: (column, "sum") for column in columns}
    table = events.groupby(list(by), as_index=False, observed=True).agg(events=("best", "size"), **totals)
    return table.astype(dict.fromkeys(table.columns[table.dtypes == "category"], str))


def country_years(events: pd.DataFrame) -> pd.DataFrame:
    """Events and deaths per version, country, dyad, violence, year and precision; add both precisions for a total."""
    by = ["version", "country_iso3", "dyad", "violence", "year", "precision"]
    return sums(events, by, (*DEATHS, *SIDES))


def by_precision(events: pd.DataFrame) -> pd.DataFrame:
    """Events and best estimate of deaths per version, country, dyad and where_prec, over all years."""
    return sums(events, ["version", "country_iso3", "dyad", "where_prec"], ["best"])


def located(events: pd.DataFrame) -> pd.DataFrame:
    """Return the events located to a place (where_prec 1–2), ready for `cells` and `points`; ``where_prec`` as text."""
    columns = ["version", "country_iso3", "dyad", "year", "latitude", "longitude", "where_prec", *DEATHS]
    precise = events.loc[events["where_prec"] <= PRECISE, columns]
    return precise.assign(where_prec=_translated(precise["where_prec"], str))


def cells(precise: pd.DataFrame, degrees: float = CELL_DEGREES) -> pd.DataFrame:
    """Events and deaths per version, country, dyad, year and cell of `degrees`; cell_lat, cell_lon are its centre."""
    rows = precise.assign(
        cell_lat=_centre(precise["latitude"], degrees), cell_lon=_centre(precise["longitude"], degrees)
    )
    return sums(rows, ["version", "country_iso3", "dyad", "year", "cell_lat", "cell_lon"], DEATHS)


def points(precise: pd.DataFrame, decimals: int = POINT_DECIMALS) -> pd.DataFrame:
    """Events and deaths (best) per version, country, dyad, year and place rounded to `decimals` degrees (lat, lon)."""
    rows = precise.assign(lat=precise["latitude"].round(decimals), lon=precise["longitude"].round(decimals))
    return sums(rows, ["version", "country_iso3", "dyad", "year", "lat", "lon", "where_prec"], ["best"])


def coverage(
    whole: Windows, precise_only: Windows | None = None, *, countries: Iterable[str], last_year: int
) -> pd.DataFrame:
    """Which version serves each country and year, for totals and for places; blank is "no file", not "no deaths".

    `whole` and `precise_only`: {(country, version): (first year, last year)}. Columns: country_iso3, year,
    totals_version, places_version, coverage ("all events", "precise events only", "no file").
    """
    places = {**whole, **(precise_only or {})}
    grid = [(country, year) for country in countries for year in range(FIRST_YEAR, last_year + 1)]
    rows = [(c, y, _serving(whole, c, y), _serving(places, c, y)) for c, y in grid]
    table = pd.DataFrame(rows, columns=["country_iso3", "year", "totals_version", "places_version"])
    named = {(True, True): "all events", (False, True): "precise events only", (False, False): "no file"}
    have = zip(table["totals_version"] != "", table["places_version"] != "", strict=True)
    return table.assign(coverage=[named[pair] for pair in have])


def check_windows(events: pd.DataFrame, windows: Windows) -> None:
    """Raise GedError when an event lies outside the years that `windows` states for its country and version."""
    years = events.groupby(["country_iso3", "version"], observed=True)["year"].agg(["min", "max"])
    for (country, version), found in years.iterrows():
        first, last = windows.get((country, version), (None, None))
        if first is None or found["min"] < first or found["max"] > last:
            raise GedError(
                f"GED {version} has {country} events of {found['min']}–{found['max']}, outside the stated coverage "
                f"{first}–{last}. Correct the version or the windows."
            )


def version_of(name: str) -> str:
    """Read the version from a file's name: 25.1 from ``GEDEvent_v25_1.csv`` and from ``ged251-csv.zip``."""
    found = re.search(r"ged(?:event)?[_-]?v?(\d{1,2})[._]?(\d)(?!\d)", name.lower())
    if not found:
        raise GedError(f'{name}: the name does not say which GED version this is. Add version="25.1", for example.')
    return f"{int(found[1])}.{found[2]}"


def last_year(version: str) -> int:
    """Return the last year that a yearly GED version covers: 25.1 ends with 2024."""
    major = version.split(".")[0]
    if not major.isdigit() or int(major) < 17:
        raise GedError(f"GED version {version!r} does not tell which years it covers. Add years=(first, last).")
    return 1999 + int(major)


def dyad_code(name: str) -> str:
    """Return the code of a dyad: "Government of Turkey - PKK" is TUR-PKK, "PKK - Civilians" PKK-civilians."""
    return "-".join(_side_code(side) for side in name.split(" - "))


def iso3(country: str) -> str:
    """Return the ISO 3166-1 code of a country by UCDP's name ("DR Congo (Zaire)") or by the code itself."""
    plain = re.sub(r"\s*\(.*\)$", "", country.strip())
    found = COUNTRIES.get(plain) or (plain if plain in _CODES else "")
    if not found:
        near = difflib.get_close_matches(plain, COUNTRIES, n=3)
        raise GedError(f"{country}: no ISO code known for this country name. " + _meant(near))
    return found


def iso3_or_name(country: str) -> str:
    """Return the ISO code of a country, or its name where none is known."""
    try:
        return iso3(country)
    except GedError:
        return country


def _side_code(side: str) -> str:
    if side == "Civilians":
        return "civilians"
    states = [part.removeprefix("Government of ") for part in side.split(", ") if part.startswith("Government of ")]
    return "+".join(iso3_or_name(state) for state in states) or side


def _translated(column: pd.Series, translate: Callable) -> pd.Categorical:
    """Translate each distinct value once, into a categorical: it keeps 400,000 rows small and quick to group."""
    column = (column if column.dtype == "category" else column.astype("category")).cat.remove_unused_categories()
    values, position = np.unique([translate(value) for value in column.cat.categories], return_inverse=True)
    return pd.Categorical.from_codes(position[column.cat.codes] if len(column) else [], values)


def _chosen(rows: pd.DataFrame, column: str, translate: Callable[[str], str], wanted: set[str] | None) -> pd.DataFrame:
    """Keep the rows whose category in `column` translates into one of `wanted`."""
    if wanted is None:
        return rows
    codes = {name: translate(name) for name in rows[column].cat.categories}
    if missing := sorted(wanted - set(codes.values())):
        near = difflib.get_close_matches(missing[0], set(codes.values()), n=3, cutoff=0.4)
        raise GedError(f"{missing[0]}: the file has no such {column.removesuffix('_name')}. " + _meant(near))
    return rows[rows[column].isin([name for name, value in codes.items() if value in wanted])]


def _meant(near: list[str]) -> str:
    return f"Did you mean {' or '.join(near)}?" if near else "Look at the names in the file."


def _centre(degrees: pd.Series, size: float) -> pd.Series:
    return np.floor(degrees / size) * size + size / 2


def _serving(windows: Windows, country: str, year: int) -> str:
    return next((v for (c, v), (first, last) in windows.items() if c == country and first <= year <= last), "")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a csv, or the one csv inside a zip, as bytes: pandas parses bytes in half the time it needs for a path."""
    if not path.is_file():
        raise GedError(f"{path.name}: no such file in {path.parent}.")
    if path.suffix.lower() != ".zip":
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        inside = [
            name for name in archive.namelist() if name.lower().endswith(".csv") and not name.startswith("__MACOSX")
        ]
        if len(inside) != 1:
            raise GedError(f"{path.name}: holds {len(inside)} csv files instead of one. Unpack it and give the file.")
        with archive.open(inside[0]) as file:
            yield file


def _columns(path: Path, keep: tuple[str, ...]) -> pd.DataFrame:
    """Read only the columns in use, under their present names, without HDX's second line of #tags."""
    with _opened(path) as file:
        head = io.StringIO(file.read(1 << 16).decode("utf-8-sig", errors="replace"))
        header, second = (next(csv.reader(head), []) for _ in range(2))
    tags = [1] if second and second[0].startswith("#") else None
    named = {name: name if name in header else _OTHER_NAMES.get(name, name) for name in (*_NUMBERS, *_NAMES, *keep)}
    if missing := [name for name, found in named.items() if found not in header]:
        raise GedError(
            f"{path.name}: column {missing[0]!r} is missing. Its columns are: {', '.join(header) or 'none'}."
        )
    types = {named[name]: dtype for name, dtype in _NUMBERS.items()} | dict.fromkeys(_NAMES, "category")
    with _opened(path) as file:
        try:
            rows = pd.read_csv(file, usecols=list(named.values()), dtype=types, skiprows=tags, encoding="utf-8-sig")
        except ValueError as problem:
            raise GedError(f"{path.name}: not readable as GED ({problem}). Use UCDP's file as published.") from None
    return rows.rename(columns={found: name for name, found in named.items()})[list(named)]


_TABLE = """
AFG Afghanistan;AGO Angola;ALB Albania;ARE United Arab Emirates;ARG Argentina;ARM Armenia;AUS Australia;AUT Austria;
AZE Azerbaijan;BDI Burundi;BEL Belgium;BEN Benin;BFA Burkina Faso;BGD Bangladesh;BGR Bulgaria;BHR Bahrain;
BIH Bosnia-Herzegovina;BLR Belarus;BLZ Belize;BOL Bolivia;BRA Brazil;BTN Bhutan;BWA Botswana;
CAF Central African Republic;CAN Canada;CHE Switzerland;CHL Chile;CHN China;CIV Ivory Coast;CMR Cameroon;COD DR Congo;
COG Congo;COL Colombia;COM Comoros;CRI Costa Rica;CUB Cuba;CYP Cyprus;CZE Czech Republic;DEU Germany;DJI Djibouti;
DNK Denmark;DOM Dominican Republic;DZA Algeria;ECU Ecuador;EGY Egypt;ERI Eritrea;ESP Spain;EST Estonia;ETH Ethiopia;
FIN Finland;FJI Fiji;FRA France;GAB Gabon;GBR United Kingdom;GEO Georgia;GHA Ghana;GIN Guinea;GMB Gambia;
GNB Guinea-Bissau;GNQ Equatorial Guinea;GRC Greece;GTM Guatemala;GUY Guyana;HND Honduras;HRV Croatia;HTI Haiti;
HUN Hungary;IDN Indonesia;IND India;IRL Ireland;IRN Iran;IRQ Iraq;ISR Israel;ITA Italy;JAM Jamaica;JOR Jordan;
JPN Japan;KAZ Kazakhstan;KEN Kenya;KGZ Kyrgyzstan;KHM Cambodia;KOR South Korea;KWT Kuwait;LAO Laos;LBN Lebanon;
LBR Liberia;LBY Libya;LKA Sri Lanka;LSO Lesotho;LTU Lithuania;LVA Latvia;MAR Morocco;MDA Moldova;MDG Madagascar;
MDV Maldives;MEX Mexico;MKD North Macedonia;MKD Macedonia, FYR;MLI Mali;MMR Myanmar;MNE Montenegro;MNG Mongolia;
MOZ Mozambique;MRT Mauritania;MWI Malawi;MYS Malaysia;NAM Namibia;NER Niger;NGA Nigeria;NIC Nicaragua;NLD Netherlands;
NOR Norway;NPL Nepal;NZL New Zealand;OMN Oman;PAK Pakistan;PAN Panama;PER Peru;PHL Philippines;PNG Papua New Guinea;
POL Poland;PRK North Korea;PRT Portugal;PRY Paraguay;PSE Palestine;QAT Qatar;ROU Romania;ROU Rumania;RUS Russia;
RWA Rwanda;SAU Saudi Arabia;SDN Sudan;SEN Senegal;SGP Singapore;SLB Solomon Islands;SLE Sierra Leone;SLV El Salvador;
SOM Somalia;SRB Serbia;SSD South Sudan;SUR Suriname;SVK Slovakia;SVN Slovenia;SWE Sweden;SWZ Kingdom of eSwatini;
SWZ Swaziland;SYR Syria;TCD Chad;TGO Togo;THA Thailand;TJK Tajikistan;TKM Turkmenistan;TLS East Timor;
TTO Trinidad and Tobago;TUN Tunisia;TUR Turkey;TUR Türkiye;TWN Taiwan;TZA Tanzania;UGA Uganda;UKR Ukraine;URY Uruguay;
USA United States of America;UZB Uzbekistan;VEN Venezuela;VNM Vietnam;YEM Yemen;ZAF South Africa;ZMB Zambia;
ZWE Zimbabwe
"""
COUNTRIES = {name.strip(): code for code, name in (entry.split(maxsplit=1) for entry in _TABLE.split(";"))}
_CODES = frozenset(COUNTRIES.values())
