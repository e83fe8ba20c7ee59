"""The cheating set: one TOML file per attack, read into a `Case` and, for tests of files, written as a submission.

A file holds ``tries`` (what the student attempts), ``cells`` (their code), perhaps ``submission`` (an odd file instead of a plain
notebook), and ``[expect]``: the statuses that the sandbox may report, and of the answer q1 its type and value where
they are certain. For all of them alike: no answer or output holds a secret, the canary file stays as it was, no point is
gained, and the next honest submission is answered in time.

The task of the set: q1 is the number of rows in ``evidence.load().claims``. No attack computes it.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent
SECRET = "THE-SECRET-OF-ANOTHER-5e1f0a9c"  # in the key, the hidden checks and the other student's notebook of a test
HONEST = ["from helpers import evidence\nev = evidence.load()", "q1 = len(ev.claims)"]


@dataclass(frozen=True)
class Case:
    """One attack. `submission`: "notebook", or the odd file that `write` makes of it."""

    name: str
    tries: str
    cells: list[str]
    expect: dict = field(default_factory=dict)
    submission: str = "notebook"


@dataclass(frozen=True)
class Places:
    """What the attacks are after, outside: the key, a notebook with hidden checks, another's notebook, a file not to touch."""

    key: Path
    checks: Path
    other: Path
    canary: Path
    port: int = 9

    def cells(self, case: Case) -> list[str]:
        """Return the cells of `case` with the places written in."""
        words = {"KEY": self.key, "CHECKS": self.checks, "OTHER": self.other, "CANARY": self.canary, "PORT": self.port}
        cells = case.cells
        for word, value in words.items():
            cells = [cell.replace(f"@{word}@", str(value)) for cell in cells]
        return cells


def needs_sandbox() -> None:
    """Skip the test where submissions cannot be isolated, or fail it where REQUIRE_SANDBOX is set (CI)."""
    import pytest

    from helpers.exercises import sandbox

    isolated, why = sandbox.available()
    if not isolated and os.environ.get("REQUIRE_SANDBOX"):
        pytest.fail(why)
    if not isolated:
        pytest.skip(why)


def load() -> list[Case]:
    """Return every case, by name."""
    cases = []
    for path in sorted(FOLDER.glob("*.toml")):
        case = tomllib.loads(path.read_text(encoding="utf-8"))
        cases.append(Case(path.stem, **case))
    return cases


def lay_out(folder: Path, answer: int, port: int = 9) -> Places:
    """Make the key, the hidden checks, the other student's notebook and the canary in `folder`."""
    places = Places(
        folder / "course-key", folder / "master.ipynb", folder / "s002" / "ps1.ipynb", folder / "canary", port
    )
    places.other.parent.mkdir(parents=True)
    places.key.write_text(SECRET)
    places.checks.write_text(json.dumps(notebook([f"assert q1 == {answer}  # {SECRET}"])))
    places.other.write_text(json.dumps(notebook([f"q1 = {answer}  # {SECRET}"])))
    places.canary.write_text("untouched")
    return places


def notebook(cells: list[str], course: dict | None = None, then: Sequence[dict] = ()) -> dict:
    """Return a notebook whose first code cell is the solution cell of q1 (nbgrader's metadata and the course's).

    `then`: whole cells that follow, such as the tests.
    """
    made = []
    for number, source in enumerate(cells):
        metadata = {}
        if number == 0:
            graded = {"grade_id": "q1", "grade": False, "solution": True, "locked": False, "task": False}
            metadata = {"course": {"question": "q1"}, "nbgrader": {**graded, "schema_version": 3}}
        made.append(
            {"cell_type": "code", "execution_count": None, "id": f"c{number}", "metadata": metadata, "outputs": []}
            | {"source": source}
        )
    made += then
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "course": course or {}}
    return {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def write(case: Case, places: Places, path: Path, course: dict | None = None, then: Sequence[dict] = ()) -> Path:
    """Write the submission of `case` to `path` (its folder must exist) as the odd file it may be; return `path`.

    `course`: the metadata that release gave the notebook; "claims-other" takes the student s002 in its place.
    """
    if case.submission.startswith("link-to-"):
        path.symlink_to(
            {"other": places.other, "passwd": Path("/etc/passwd")}[case.submission.removeprefix("link-to-")]
        )
        return path
    if case.submission == "pipe":
        os.mkfifo(path)
        return path
    if case.submission == "deep":
        path.write_text('{"cells": ' + "[" * 100_000)
        return path
    data = notebook(places.cells(case), course, then)
    if case.submission == "claims-other":
        data["metadata"]["course"] = {**(course or {}), "student": "s002"}
    elif case.submission == "huge-outputs":
        line = "x" * 999 + "\n"
        data["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": [line] * 100_000}]
    elif case.submission == "odd-cells":
        odd = [
            {**data["cells"][0], "source": source, "id": f"odd{n}"} for n, source in enumerate((7, {"a": 1}, [["q1"]]))
        ]
        data["cells"] = [*odd, None, "text", *data["cells"]]
    elif case.submission != "notebook":
        raise ValueError(f"{case.name}.toml: submission = {case.submission!r} is not known")
    path.write_text(json.dumps(data), encoding="utf-8")
    return path
