"""Floor 1: the tables of ``data/``, typed, and cut at a date.

The clock
---------
``load(as_of="2024-08-31")`` shows what had happened by that day *and* could have been read by then. Two dates decide:

* when the thing happened: a claim is shown once the whole of what it describes lies behind the clock (the last possible
  day of its span; a claim dated only "1926" counts as past from 31 December 1926);
* when its pages were published: a claim that every page told only later is hidden, even when the thing itself is old. A minute
  of 1984 that only statements of 2022 describe is not there for a reader of 1990. A page that shows no date (about three in
  ten) proves neither; its claims are shown and marked ``told == "undated"``.

A third rule guards against hindsight in our own wording: a claim whose sentence names a month or year after the clock is hidden
unless every one of its pages was out by then (then it is a plan or a forecast), and in the free text of other tables the
sentences that do so are left out. What the clock cannot undo is the selection: which claims were collected at all was
decided by people who knew how things went on.
"""

from __future__ import annotations

import calendar
import datetime as dt
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from helpers.data_folder import EvidenceError, find_data

TABLES = (
    "sources",
    "claims",
    "instruments",
    "terms",
    "positions",
    "indicators",
    "places",
    "article_claims",
    "glossary",
    "designations",
)
_MONTHS = {name: number for number, name in enumerate(calendar.month_name) if name}
_NAMED_DATE = re.compile(rf"(?:\b({'|'.join(_MONTHS)})\s+)?\b(1[89]\d\d|20\d\d)\b")
_CONFLICT = re.compile(r"conflicts with ([A-Z]-\d{3})")
_SENTENCE_END = re.compile(r"(?<=[.;])\s+")


@dataclass(frozen=True)
class Evidence:
    """The evidence base at one position of the clock.

    The ten tables are DataFrames with the columns that ``data/README.md`` lists. List columns hold tuples, empty text is
    ``""``, missing numbers are ``<NA>``. Further columns: ``claims.starts``/``ends`` (first and last possible day),
    ``claims.first_told`` (day by which the earliest dated page had appeared, or NaT), ``claims.told`` ("by then" or "undated"; "later" exists only
    before the cut), ``claims.conflicts_with`` (claim ids) and ``instruments.signed`` (first possible day).
    ``hidden`` has one row per table and reason: what the clock took away.
    """

    sources: pd.DataFrame
    claims: pd.DataFrame
    instruments: pd.DataFrame
    terms: pd.DataFrame
    positions: pd.DataFrame
    indicators: pd.DataFrame
    places: pd.DataFrame
    article_claims: pd.DataFrame
    glossary: pd.DataFrame
    designations: pd.DataFrame
    hidden: pd.DataFrame
    data_dir: Path
    as_of: dt.date | None = None

    def table(self, name: str) -> pd.DataFrame:
        """Return a derived table of the data package by its resource name, typed and cut at the clock.

        The description's ``clock`` names the column to cut by (a year); a row stays when that year was over on the day
        of the clock. Periods cut by their ``first_year`` end at the clock.
        """
        frame = read_table(self.data_dir, name)
        column = _resource(self.data_dir, name).get("clock", "")
        if self.as_of is None or not column:
            return frame
        last = self.as_of.year if (self.as_of.month, self.as_of.day) == (12, 31) else self.as_of.year - 1
        frame = frame[frame[column] <= last].reset_index(drop=True)
        if column == "first_year":
            frame["last_year"] = frame["last_year"].clip(upper=last)
        return frame

    def outlines(self, name: str) -> pd.DataFrame:
        """Return the rings of ``data/maps/<name>.geojson``: one row a ring, columns name, iso3, lon, lat (lists, degrees)."""
        path = self.data_dir / "maps" / f"{name}.geojson"
        if not path.exists():
            known = sorted(p.stem for p in path.parent.glob("*.geojson"))
            raise EvidenceError(f"{path.name}: no such outline file. Known: {', '.join(known) or 'none'}.")
        rows = []
        for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
            properties = feature["properties"]
            for ring in _rings(feature["geometry"]):
                lon, lat = zip(*ring, strict=True)
                rows.append((properties.get("name", ""), properties.get("iso3", ""), list(lon), list(lat)))
        return pd.DataFrame(rows, columns=["name", "iso3", "lon", "lat"])


def load(data_dir: str | Path | None = None, as_of: str | dt.date | None = None) -> Evidence:
    """Read the ten evidence tables and cut them at the clock.

    `data_dir` is a folder with ``datapackage.json``; left out, the nearest folder ``data/`` from the working folder upwards
    serves, then the one beside the package. `as_of` is a day (``"2024-08-31"`` or a date); left out, nothing is
    hidden. Raises EvidenceError when a file, a column or a key is not as described, or when `as_of` is not a date.
    """
    folder = Path(data_dir) if data_dir is not None else find_data()
    clock = as_date(as_of)
    tables = {name: read_table(folder, name) for name in TABLES}
    tables["sources"] = _with_publication(tables["sources"])
    tables["claims"] = _with_dates(tables["claims"], tables["sources"], clock)
    tables["instruments"] = tables["instruments"].assign(signed=first_day(tables["instruments"]["date_signed"]))
    hidden = pd.DataFrame(columns=["table", "rows", "reason"])
    if clock:
        tables, hidden = cut(tables, clock)
    return Evidence(**tables, hidden=hidden, data_dir=folder, as_of=clock)


def as_date(day: str | dt.date | None) -> dt.date | None:
    """Return a date from ``None``, a date or an ISO day; anything else raises EvidenceError."""
    if day is None or day == "":
        return None
    if isinstance(day, dt.datetime):
        return day.date()
    if isinstance(day, dt.date):
        return day
    try:
        return dt.date.fromisoformat(str(day))
    except ValueError:
        raise EvidenceError(
            f"as_of: {day!r} is not a day. Write it as year-month-day, for example 2024-08-31."
        ) from None


def read_table(data_dir: Path, name: str) -> pd.DataFrame:
    """Read one table of the data package with the types that its description gives.

    Light checks only (columns, numbers, unique keys); ``course check`` runs every rule.
    """
    resource = _resource(data_dir, name)
    path = Path(data_dir) / resource["path"]
    fields = resource["schema"]["fields"]
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError:
        raise EvidenceError(f"{path.name}: the file is missing from {path.parent.name}/.") from None
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as problem:
        raise EvidenceError(f"{path.name}: not a readable UTF-8 table ({problem}). Run `course check`.") from None
    expected = [field["name"] for field in fields]
    if list(frame.columns) != expected:
        missing = [c for c in expected if c not in frame.columns]
        extra = [c for c in frame.columns if c not in expected]
        raise EvidenceError(f"{path.name}: missing columns {missing}, unknown columns {extra}. Run `course check`.")
    for field in fields:
        frame[field["name"]] = _typed(frame[field["name"]], field, path.name)
    key = resource["schema"].get("primaryKey")
    key = [key] if isinstance(key, str) else key
    if key and frame.duplicated(key).any():
        row = int(frame.duplicated(key).idxmax())
        value = ", ".join(str(frame.at[row, column]) for column in key)
        raise EvidenceError(f"{path.name}: row {row + 2} repeats the key {value}. Run `course check`.")
    return frame


def first_day(dates: pd.Series) -> pd.Series:
    """Return the first possible day of partial ISO dates (``1926`` is 1926-01-01); empty text gives NaT."""
    return pd.to_datetime(
        dates.map(lambda text: text + "-01-01"[: 10 - len(text)] if text else None), format="%Y-%m-%d"
    )


def last_day(dates: pd.Series) -> pd.Series:
    """Return the last possible day of partial ISO dates (``1926-02`` is 1926-02-28); empty text gives NaT."""
    start = first_day(dates)
    length = dates.str.len()
    month_end, year_end = start + pd.offsets.MonthEnd(0), start + pd.offsets.YearEnd(0)
    return start.where(length == 10, month_end.where(length == 7, year_end)).where(length > 0)


def names_later_date(text: str, clock: dt.date) -> bool:
    """Say whether `text` names a year, or a month with its year, that lies after `clock`."""
    for month, year in _NAMED_DATE.findall(text):
        number = _MONTHS[month] if month else 0
        if int(year) > clock.year or (int(year) == clock.year and number > clock.month):
            return True
    return False


def without_later_sentences(text: str, clock: dt.date) -> str:
    """Return `text` without the sentences (or parts between semicolons) that name a date after `clock`."""
    if not names_later_date(text, clock):
        return text
    return " ".join(part for part in _SENTENCE_END.split(text) if not names_later_date(part, clock))


def cut(tables: dict[str, pd.DataFrame], clock: dt.date) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Return the tables as a reader on the day `clock` could have had them, and what was hidden (table, rows, reason)."""
    day = pd.Timestamp(clock)
    out, hidden = dict(tables), []

    def keep(name: str, shown: pd.Series, reason: str) -> None:
        frame, shown = out[name], shown.astype(bool)  # what is made of no rows has no type
        if (~shown).any():
            hidden.append((name, int((~shown).sum()), reason))
        out[name] = frame[shown]

    keep("sources", ~(out["sources"]["published_from"] > day), "published later")
    claims = out["claims"]
    keep("claims", claims["ends"] <= day, "happened later, or was not over")
    keep("claims", out["claims"]["told"] != "later", "first told later")
    hindsight = out["claims"]["claim"].map(lambda text: names_later_date(text, clock))
    told_in_time = _every_page_by(out["claims"], out["sources"], day)
    keep("claims", ~hindsight | told_in_time, "its sentence names a later date")
    keep("instruments", first_day(out["instruments"]["date_signed"]) <= day, "signed later")
    keep("terms", out["terms"]["instrument_id"].isin(out["instruments"]["instrument_id"]), "signed later")
    keep("designations", last_day(out["designations"]["date"]) <= day, "done later, or not dated closely enough")
    keep("positions", last_day(out["positions"]["date"]) <= day, "taken later, or not dated closely enough")
    indicators = out["indicators"]
    month = indicators["month"].astype("string").str.zfill(2)
    period = indicators["year"].astype("string") + ("-" + month).fillna("")
    keep("indicators", last_day(period.astype(str)) <= day, "counts a period that was not over")

    known = {"source_ids": set(out["sources"]["source_id"])}
    known |= dict.fromkeys(
        ("supporting_claims", "challenging_claims", "conflicts_with", "claim_ids"), set(out["claims"]["claim_id"])
    )
    verdict_stands = _all_known(out["article_claims"], known)
    for name, frame in out.items():
        frame = frame.reset_index(drop=True)
        for column in frame.columns.intersection(list(known)):
            frame[column] = [tuple(i for i in ids if i in known[column]) for ids in frame[column]]
        for column in _FREE_TEXT.get(name, ()):
            frame[column] = frame[column].map(lambda text: without_later_sentences(text, clock))
        out[name] = frame
    claims = out["claims"]
    claims["independent_origins"] = claims["independent_origins"].clip(
        upper=claims["source_ids"].map(len).clip(lower=1)
    )
    out["article_claims"].loc[~verdict_stands.to_numpy(), ["verdict", "reasoning"]] = ""
    if clock < dt.date(2026, 1, 1):
        out["terms"]["status_2026"] = "unknown"
    return out, pd.DataFrame(hidden, columns=["table", "rows", "reason"])


_FREE_TEXT = {
    "sources": ("is_copy_of_note",),
    "claims": ("notes",),
    "instruments": ("in_force_status", "what_it_says"),
    "terms": ("provision", "notes"),
    "positions": ("stance_summary", "notes"),
    "indicators": ("notes",),
    "places": ("relevance",),
    "article_claims": ("reasoning",),
    "glossary": ("short_definition",),
    "designations": ("notes",),
}


def _every_page_by(claims: pd.DataFrame, sources: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    in_time = set(sources.loc[sources["published_until"] <= day, "source_id"])
    return claims["source_ids"].map(lambda ids: set(ids) <= in_time)


def _all_known(article_claims: pd.DataFrame, known: dict[str, set[str]]) -> pd.Series:
    used = article_claims["supporting_claims"] + article_claims["challenging_claims"]
    return used.map(lambda ids: set(ids) <= known["conflicts_with"])


def _with_publication(sources: pd.DataFrame) -> pd.DataFrame:
    return sources.assign(
        published_from=first_day(sources["published"]), published_until=last_day(sources["published"])
    )


def _with_dates(claims: pd.DataFrame, sources: pd.DataFrame, clock: dt.date | None) -> pd.DataFrame:
    starts, decade = first_day(claims["date"]), claims["date_precision"] == "decade"
    ends = last_day(claims["date_end"].where(claims["date_end"] != "", claims["date"]))
    ends = ends.where(~decade | (claims["date_end"] != ""), ends + pd.DateOffset(years=9))
    pages = (
        claims[["claim_id", "source_ids"]]
        .explode("source_ids")
        .merge(sources, left_on="source_ids", right_on="source_id", how="left")
    )
    day = pd.Timestamp(clock) if clock else pd.Timestamp.max.floor("D")
    pages["surely"] = pages["published_until"] <= day
    pages["possibly"] = pages["published_from"].isna() | (pages["published_from"] <= day)
    by_claim = pages.groupby("claim_id").agg(
        first_told=("published_until", "min"), surely=("surely", "any"), possibly=("possibly", "any")
    )
    by_claim = by_claim.reindex(claims["claim_id"]).reset_index(drop=True)
    told = (
        pd.Series("undated", index=claims.index)
        .mask(by_claim["surely"], "by then")
        .mask(~by_claim["possibly"], "later")
    )
    return claims.assign(
        starts=starts,
        ends=ends,
        first_told=by_claim["first_told"],
        told=told,
        conflicts_with=claims["notes"].map(lambda text: tuple(_CONFLICT.findall(text))),
    )


def _typed(column: pd.Series, field: dict, file: str) -> pd.Series:
    if separator := field.get("separator"):
        return column.map(lambda text: tuple(part for part in (p.strip() for p in text.split(separator)) if part))
    dtype = {"integer": "Int64", "number": "Float64"}.get(field["type"])
    if dtype is None:
        return column
    numbers = pd.to_numeric(column.where(column != "", None), errors="coerce")
    wrong = numbers.isna() & (column != "")
    if wrong.any():
        row = int(wrong.idxmax())
        raise EvidenceError(
            f"{file}: row {row + 2}, {field['name']}: {column[row]!r} is not a number. Run `course check`."
        )
    return numbers.astype(dtype)


def _resource(data_dir: Path, name: str) -> dict:
    path = Path(data_dir) / "datapackage.json"
    if not path.exists():
        raise EvidenceError(
            f"{path.parent.name}/datapackage.json is missing: it describes the tables. Copy it beside them."
        )
    resources = _resources(path, path.stat().st_mtime_ns)
    if name not in resources:
        raise EvidenceError(f"{name}: no such table in datapackage.json. Known: {', '.join(resources)}.")
    return resources[name]


@cache
def _resources(path: Path, modified: int) -> dict[str, dict]:
    return {r["name"]: r for r in json.loads(path.read_text(encoding="utf-8"))["resources"]}


def _rings(geometry: dict) -> list[list[list[float]]]:
    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind == "Polygon":
        return coordinates
    if kind == "MultiPolygon":
        return [ring for polygon in coordinates for ring in polygon]
    if kind == "LineString":
        return [coordinates]
    if kind == "MultiLineString":
        return coordinates
    raise EvidenceError(f"outline of type {kind}: only polygons and lines can be drawn.")
