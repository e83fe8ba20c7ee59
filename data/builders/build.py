"""Run every builder.

python data/builders/build.py --datasets DIR [--maps DIR] [--check]

DIR of --datasets holds the published files, one folder per publisher; that of --maps the npm tarballs (see maps.py).
With --check nothing is written, and the exit code is 1 when a table or map is not what its builder makes.
--describe FILE writes the entries for data/datapackage.json of all tables and maps.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import cow_atop
import epr
import iraq_energy
import maps
import owid
import ucdp
import un_votes
import unhcr
import world_bank
from tablefiles import DATA, describe, run_tables

MODULES = (ucdp, owid, unhcr, iraq_energy, un_votes, world_bank, cow_atop, epr)
TABLES = tuple(table for module in MODULES for table in module.TABLES)


def descriptors(data: Path) -> list[dict]:
    """Entries of all derived tables and maps for the data package; the maps must have been built."""
    return [describe(table) for table in TABLES] + [maps.describe(plan, data / "maps") for plan in maps.MAPS]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Make all derived tables and maps from published files.")
    parser.add_argument("--datasets", type=Path, help="folder with the published files")
    parser.add_argument("--maps", type=Path, help="folder with the npm tarballs for countries and provinces")
    parser.add_argument("--data", type=Path, default=DATA, help="the data folder (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--describe", type=Path, metavar="FILE", help="write the data package entries to FILE")
    args = parser.parse_args(argv)
    if not (args.datasets or args.maps or args.describe):
        parser.error("nothing to do: give --datasets, --maps or --describe")
    failed = 0
    if args.datasets:
        failed |= run_tables(TABLES, args.datasets, args.data / "derived", args.check)
    if args.datasets or args.maps:
        failed |= maps.run_maps(args.data / "maps", args.check, maps=args.maps, datasets=args.datasets)
    if args.describe:
        text = json.dumps(descriptors(args.data), ensure_ascii=False, indent=2) + "\n"
        args.describe.write_text(text, encoding="utf-8", newline="\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
