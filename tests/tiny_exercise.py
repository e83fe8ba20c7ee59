"""A small master that needs no tables: for tests of what is done with a master."""

import json
from pathlib import Path

TOML = """
title = "A tiny exercise"
lesson = "02-pkk-dispute"
version = "{version}"
minutes = 5

[[question]]
id = "q1"
title = "Years and deaths"
points = 60
kind = "auto"
cell = "q1"
asks = "Counts the right rows."
touches = "chosen_years"
margin = "lead_of_first"
[question.answer]
type = "table"
columns = ["year", "deaths"]
rows = [1, 9]
hints = ["Which years come first?"]
[question.compare]
by = "table"

[[question]]
id = "q2"
title = "Share"
points = 20
kind = "auto"
cell = "q2"
asks = "Divides the right numbers."
[question.answer]
type = "number"
range = [0, 1]
[question.compare]
by = "tolerance"
tolerance = 0.001

[[question]]
id = "q3"
title = "Essay"
points = 20
kind = "essay"
cell = "q3"
asks = "Weighs both sides."

[variant.draw.start_year]
choices = {years}
[variant.draw.place]
choices = {places}

[rubric]
[[rubric.criterion]]
name = "Judgement"
level = [{{points = 20, says = "weighs"}}, {{points = 0, says = "does not"}}]
"""

SET_UP = """import pandas as pd

from helpers.exercises import check

deaths = pd.DataFrame({"year": range(1984, 2020), "deaths": [(7919 * n * n) % 4001 for n in range(36)]})"""
SOLUTION_1 = """### BEGIN SOLUTION
chosen_years = deaths[deaths["year"].between(start_year, start_year + 5)]
q1 = chosen_years.sort_values("deaths", ascending=False).reset_index(drop=True)
lead_of_first = q1["deaths"].iloc[0] - q1["deaths"].iloc[1]
### END SOLUTION
check("q1", q1)"""
SOLUTION_2 = """### BEGIN SOLUTION
share_of_largest = q1["deaths"].iloc[0] / (q1["deaths"].sum() + len(place))
q2 = float(share_of_largest)
### END SOLUTION
check("q2", q2)"""
TESTS_1 = """### BEGIN HIDDEN TESTS
wanted_deaths = deaths.set_index("year")["deaths"].loc[start_year : start_year + len(q1) - 1]
assert sorted(q1["deaths"]) == sorted(wanted_deaths), "other rows were wanted"
### END HIDDEN TESTS"""
TESTS_2 = """### BEGIN HIDDEN TESTS
assert abs(q2 - q1["deaths"].max() / (q1["deaths"].sum() + len(place))) < 0.001
### END HIDDEN TESTS"""
YEARS, PLACES = list(range(1984, 2014)), ["Zap", "Metina", "Gara"]


def make(parent: Path, version: str = "1", years=YEARS, places=PLACES) -> Path:
    """Write the exercise ``tiny`` below `parent` and return its folder."""
    from helpers.exercises import master

    folder = Path(parent) / "tiny"
    folder.mkdir(parents=True, exist_ok=True)
    text = TOML.format(version=version, years=json.dumps(years), places=json.dumps(places))
    (folder / "exercise.toml").write_text(text, encoding="utf-8")
    cells = [
        _cell("markdown", "# A tiny exercise"),
        _cell("code", f'start_year = {years[0]}\nplace = "{places[0]}"\nas_of = None', tags=["parameters"]),
        _cell("code", SET_UP),
        _cell("code", "", tags=["checks"]),
        _cell("code", SOLUTION_1, "q1", "q1", solution=True),
        _cell("code", TESTS_1, "q1", "q1-tests", grade=True, locked=True, points=60),
        _cell("code", SOLUTION_2, "q2", "q2", solution=True),
        _cell("code", TESTS_2, "q2", "q2-tests", grade=True, locked=True, points=20),
        _cell("markdown", "The minister has a case, and so has the village.", "q3", "q3", True, True, False, 20),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"c{number}"
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "tiny.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    master.write_checks(folder)
    return folder


def _cell(kind, source, question="", grade_id="", solution=False, grade=False, locked=False, points=None, tags=()):
    metadata = {"tags": list(tags)} if tags else {}
    if grade_id:
        mark = {"schema_version": 3, "grade_id": grade_id, "grade": grade, "solution": solution, "locked": locked}
        metadata |= {"nbgrader": mark | {"task": False} | ({"points": points} if grade else {})}
        metadata |= {"course": {"question": question}}
    cell = {"cell_type": kind, "metadata": metadata, "source": source}
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})
