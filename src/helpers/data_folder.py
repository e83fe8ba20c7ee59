"""Where the tables are, and the error for what is wrong with them; reads no table, so that nothing waits for pandas."""

from __future__ import annotations

from pathlib import Path


class EvidenceError(ValueError):
    """A table that cannot be read as the data package describes it; the message names file, rule and next step."""


def find_data(start: str | Path | None = None) -> Path:
    """Return the nearest ``data/`` folder with a ``datapackage.json``, from `start` (the working folder) upwards."""
    here = Path(start or Path.cwd()).resolve()
    for folder in (*(p / "data" for p in (here, *here.parents)), Path(__file__).resolve().parents[2] / "data"):
        if (folder / "datapackage.json").exists():
            return folder
    raise EvidenceError(
        f"No data/datapackage.json in {here.name}/ or above it. Give the folder: evidence.load('path/to/data')."
    )
