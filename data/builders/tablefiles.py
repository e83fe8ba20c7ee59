"""Read published files, write derived tables: the shared part of the builders.

A builder module lists `Source`s (published files that stay where they are) and `Table`s (what is made from them). The
same `Table` writes the CSV and describes it for the data package, so the two cannot drift apart.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

DATA = Path(__file__).resolve().parent.parent
ISO3 = {
    "Iran": "IRN",
    "Iraq": "IRQ",
    "Jordan": "JOR",
    "Kuwait": "KWT",
    "Lebanon": "LBN",
    "Syria": "SYR",
    "Turkey": "TUR",
    "Türkiye": "TUR",
}
STATES = ("IRN", "IRQ", "TUR")
PAIRS = (("TUR", "IRQ"), ("TUR", "IRN"), ("IRQ", "IRN"))
CC_BY_4 = {
    "name": "CC-BY-4.0",
    "title": "Creative Commons Attribution 4.0",
    "path": "https://creativecommons.org/licenses/by/4.0/",
}
YES_NO = ["yes", "no"]


class BuildError(Exception):
    """A published file or a derived table breaks a rule; the message says which one and what to do."""


@dataclass(frozen=True)
class Source:
    """A published file. `file` is its path below the datasets folder; `columns` are those a builder reads."""

    file: str
    sha256: str
    publisher: str
    version: str
    citation: str
    licence: dict
    retrieved: str = "2026-11-23"
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A derived table: `make` takes one DataFrame per source, in order, and returns the table.

    `clock` names the column that dates a row: the last year on which its figures rest.
    """

    name: str
    title: str
    description: str
    sources: tuple[Source, ...]
    fields: tuple[dict, ...]
    primary_key: tuple[str, ...]
    make: Callable[..., pd.DataFrame]
    caveats: tuple[str, ...]
    clock: str = "year"

    @property
    def builder(self) -> str:
        return f"builders/{Path(self.make.__code__.co_filename).name}"


def field(name: str, type_: str, description: str, unit: str = "", *, required: bool = True, **constraints) -> dict:
    """One column of a table, in the words of a Frictionless table schema; `unit` is our own property."""
    constraints = ({"required": True} if required else {}) | constraints
    parts = {"name": name, "type": type_, "unit": unit, "description": description, "constraints": constraints}
    return {key: value for key, value in parts.items() if value}


def country_codes(names: str) -> str:
    """'Iraq, Turkey' -> 'IRQ;TUR': UCDP's list of countries as ISO 3166-1 alpha-3 codes, in alphabetical order."""
    unknown = [name for name in names.split(", ") if name not in ISO3]
    if unknown:
        raise BuildError(f"country name {unknown[0]!r} has no ISO code here; add it to ISO3 in builders/tablefiles.py")
    return ";".join(sorted(ISO3[name] for name in names.split(", ")))


def decade(years: pd.Series) -> pd.Series:
    """First year of the decade a year belongs to: 1987 -> 1980."""
    return years // 10 * 10


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read(source: Source, datasets: Path) -> pd.DataFrame:
    """The columns of a published CSV that the builders use; says so when the file is absent, other, or incomplete."""
    path = datasets / source.file
    if not path.is_file():
        raise BuildError(
            f"{source.file}: not in {datasets}. Get {source.publisher}, version {source.version}, "
            "and put it there under this name."
        )
    if sha256(path) != source.sha256:
        print(f"note: {source.file} is not the file that the committed tables were made from", file=sys.stderr)
    header = pd.read_csv(path, nrows=0).columns
    missing = [column for column in source.columns if column not in header]
    if missing:
        raise BuildError(f"{source.file}: column {missing[0]!r} is missing. Its columns are: {', '.join(header)}")
    return pd.read_csv(path, usecols=list(source.columns), keep_default_na=False, na_values=[""])[list(source.columns)]


def build(table: Table, datasets: Path) -> bytes:
    """The table as bytes of a UTF-8 CSV with LF line ends, rows in the order of its key."""
    frame = table.make(*[read(source, datasets) for source in table.sources])
    names = [column["name"] for column in table.fields]
    if sorted(frame.columns) != sorted(names):
        raise BuildError(f"{table.name}: columns {sorted(frame.columns)} are not those described, {sorted(names)}")
    key = list(table.primary_key)
    repeated = frame[frame.duplicated(key)]
    if len(repeated):
        raise BuildError(f"{table.name}: key {dict(repeated.iloc[0][key])} stands on more than one row")
    frame = frame[names].sort_values(key, kind="stable")
    whole = {column["name"]: "Int64" for column in table.fields if column["type"] == "integer"}
    return frame.astype(whole).to_csv(index=False, lineterminator="\n").encode("utf-8")


def describe(table: Table) -> dict:
    """The table's entry for data/datapackage.json."""
    first = table.sources[0]
    licences = [source.licence for source in table.sources]
    return {
        "name": table.name,
        "path": f"derived/{table.name}.csv",
        "title": table.title,
        "description": table.description,
        "profile": "tabular-data-resource",
        "type": "table",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "class": "derived",
        "publisher": "; ".join(distinct(source.publisher for source in table.sources)),
        "version": "; ".join(distinct(source.version for source in table.sources)),
        "citation": " ".join(distinct(source.citation for source in table.sources)),
        "licenses": [licence for i, licence in enumerate(licences) if licence not in licences[:i]],
        "retrieved": first.retrieved,
        "builder": table.builder,
        "inputs": [{"name": Path(source.file).name, "sha256": source.sha256} for source in table.sources],
        "clock": table.clock,
        "caveats": list(table.caveats),
        "schema": {"fields": list(table.fields), "primaryKey": list(table.primary_key), "missingValues": [""]},
    }


def distinct(texts) -> list[str]:
    return list(dict.fromkeys(texts))


def write(path: Path, content: bytes) -> None:
    """Write whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".part")
    half.write_bytes(content)
    half.replace(path)


def keep(path: Path, content: bytes, check: bool) -> bool:
    """Write `content` to `path`, or with `check` only compare; prints one line and says whether all is well."""
    same = path.is_file() and path.read_bytes() == content
    if check and not same:
        state = (
            "differs from what its builder makes; run the builder without --check" if path.is_file() else "is missing"
        )
        print(f"{path.name}: {state}")
        return False
    if not same:
        write(path, content)
    print(f"{path.name}: {'as built' if check else 'written'}, {len(content):,} bytes")
    return True


def run(tables: Sequence[Table], argv: Sequence[str] | None = None) -> int:
    """Command line of one builder module: 0 when every table is written (or, with --check, as built)."""
    parser = argparse.ArgumentParser(description="Make derived tables from published files.")
    parser.add_argument("--datasets", type=Path, required=True, help="folder with the published files")
    parser.add_argument(
        "--out", type=Path, default=DATA / "derived", help="where the tables are (default: %(default)s)"
    )
    parser.add_argument("--check", action="store_true", help="compare with the tables there, write nothing")
    args = parser.parse_args(argv)
    return run_tables(tables, args.datasets, args.out, args.check)


def run_tables(tables: Sequence[Table], datasets: Path, out: Path, check: bool) -> int:
    well = True
    for table in tables:
        try:
            well &= keep(out / f"{table.name}.csv", build(table, datasets), check)
        except BuildError as error:
            print(f"{table.name}: {error}")
            well = False
    return 0 if well else 1
