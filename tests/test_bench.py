"""`course bench` on one small lesson."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from helpers import bench
from helpers.running import RunError


@pytest.fixture
def course(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data/table.csv").write_bytes(b"x" * 5_000_001)
    cells = [new_code_cell("block = b'x' * 300_000_000"), new_code_cell("print('y' * 500_000)")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "notebooks/01-heavy.ipynb")
    return {"notebooks_dir": tmp_path / "notebooks", "data_dir": tmp_path / "data"}


def test_a_promise_that_is_broken_is_printed_as_broken(course):
    said = []
    rows = [row for part in ("sizes", "memory") for row in bench.run(part, said.append, **course)]
    assert [(row.name, row.met) for row in rows] == [
        ("01-heavy, in git", True),
        ("01-heavy, executed", False),
        ("data/", False),
        ("one lesson's kernel, peak", False),
    ]
    assert rows[2].measured == "5.00 MB" and 300 < float(rows[3].measured.split()[0]) < 700
    assert sum(line.endswith("NO") for line in said) == 3


def test_a_lesson_that_fails_stops_the_comparison(course):
    nbformat.write(new_notebook(cells=[new_code_cell("1 / 0")]), course["notebooks_dir"] / "01-heavy.ipynb")
    with pytest.raises(RunError, match="01-heavy.ipynb, cell 1 failed:\n    1 / 0\n  ZeroDivisionError"):
        bench.run("lessons", lambda _: None, **course)


def test_what_is_not_measured_is_never_met(monkeypatch):
    monkeypatch.setattr(bench, "missing_for_a_browser", lambda: "Chromium")
    assert [(row.met, row.measured) for row in bench.latency(None, None)] == [
        (None, "not measured here, Chromium missing")
    ]


def test_only_known_things_are_measured(course):
    with pytest.raises(RunError, match="'speed' to measure. Choose from: lessons, import"):
        bench.run("speed", **course)
