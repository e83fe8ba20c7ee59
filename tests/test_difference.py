"""What a teacher is told about two versions of the evidence: hand-made tables with known changes."""

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from helpers import difference
from helpers.difference import DifferenceError, diff

DATA = Path(__file__).parents[1] / "data"
SOURCES = """source_id,title,publisher,published
rudaw-1,On the raid,Rudaw,2022-04-18
ina-1,A protest,INA,
"""
CLAIMS = """claim_id,date,date_precision,claim,status,source_ids,independent_origins,notes,merged_from
H-001,1926,year,The frontier was fixed.,reported,rudaw-1,1,,
H-002,1926-06-05,day,A treaty was signed in Ankara.,established,rudaw-1;ina-1,2,,
H-003,1984,year,A minute was initialled.,reported,ina-1,1,,
H-004,1990,year,Pursuit was allowed to five kilometres.,reported,ina-1,1,,
"""
INDICATORS = """series_id,year,month,value,unit,place_scope
pilgrims,2016,,11.2,million,Iraq
pilgrims,2017,9,13,million,Iraq
"""
FIELDS = {
    "source_ids": {"separator": ";", "references": "sources.source_id", "title": "Sources"},
    "merged_from": {"separator": ";"},
    "date": {"partialDate": True},
    "published": {"partialDate": True},
    "value": {"type": "number", "title": "Value"},
}
KEYS = {"sources": ["source_id"], "claims": ["claim_id"], "indicators": ["series_id", "year", "month", "place_scope"]}


def version(folder: Path, *, sources=SOURCES, claims=CLAIMS, indicators=INDICATORS, lessons=None) -> Path:
    """Write a small course: tables, their description, and lessons {name: Markdown}."""
    data, resources = folder / "data", []
    data.mkdir(parents=True)
    for name, text in {"sources": sources, "claims": claims, "indicators": indicators}.items():
        (data / f"{name}.csv").write_text(text, encoding="utf-8")
        fields = [{"name": c, "type": "string"} | FIELDS.get(c, {}) for c in text.splitlines()[0].split(",")]
        schema = {"fields": fields, "primaryKey": KEYS[name]}
        resources.append({"name": name, "path": f"{name}.csv", "schema": schema})
    description = {"name": "small", "version": "0.1.0", "resources": resources}
    (data / "datapackage.json").write_text(json.dumps(description), encoding="utf-8")
    (folder / "notebooks").mkdir()
    for name, text in (lessons or {"01-history": "[H-001] [H-003]", "02-pkk": "[H-002] `pilgrims`"}).items():
        cells = [{"cell_type": "markdown", "source": [text]}]
        (folder / "notebooks" / f"{name}.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    return folder


@pytest.fixture
def told(tmp_path):
    """Give a function that tells what the changed tables, named like `version`'s arguments, changed."""

    def compare(**changed):
        old, new = version(tmp_path / "old"), version(tmp_path / "new", **changed)
        text, differs = diff(str(old), str(new), course_dir=new)
        assert differs
        return text

    return compare


def section(text: str, title: str) -> str:
    parts = {part.split(":")[0].splitlines()[0]: part for part in text.split("\n## ")}
    return parts.get(title, "")


def test_the_same_tables_have_no_difference(tmp_path):
    old, new = version(tmp_path / "old"), version(tmp_path / "new")
    text, differs = diff(str(old), str(new / "data"), course_dir=new)
    assert not differs and "Nothing changed." in text


def test_a_claim_that_changes_status_is_told_to_the_lesson_that_cites_it(told):
    row = "H-001,1926,year,The frontier was fixed.,reported,rudaw-1,1,,"
    text = told(
        claims=CLAIMS.replace(
            row, "H-001,1926-07,month,The frontier was fixed.,contested,rudaw-1;ina-1,2,conflicts with H-002,"
        )
    )
    line = next(line for line in section(text, "01-history").splitlines() if "H-001" in line)
    assert line.startswith("- H-001 went from reported to contested, ")
    assert "is dated July 1926 instead of 1926" in line
    assert "gained INA n.d. (`ina-1`) in “Sources”" in line
    assert "rests on 2 independent origins instead of 1" in line
    assert "now conflicts with H-002" in line
    assert "- 1 claim changed status" in text
    assert "H-001" not in section(text, "02-pkk")


def test_new_removed_and_merged_claims_are_told_apart(told):
    text = told(
        claims=CLAIMS.replace(
            "H-002,1926-06-05,day,A treaty was signed in Ankara.,established,rudaw-1;ina-1,2,,",
            "H-002,1926-06-05,day,A treaty was signed in Ankara.,established,rudaw-1;ina-1,2,,H-003",
        )
        .replace("H-003,1984,year,A minute was initialled.,reported,ina-1,1,,\n", "")
        .replace("H-004,1990,year,Pursuit was allowed to five kilometres.,reported,ina-1,1,,\n", "")
        + "H-005,1991,year,Baghdad protested.,reported,ina-1,1,conflicts with H-001,\n"
    )
    assert "- H-003 was merged into H-002." in section(text, "01-history")
    rest = section(text, "Named in no lesson")
    assert "- H-004 was removed. It said (reported): “Pursuit was allowed to five kilometres.”" in rest
    new = "- H-005 is new (reported, 1 independent origin): “Baghdad protested.” It conflicts with H-001."
    assert new in rest
    assert "- claims: 1 added, 2 removed, 1 changed" in text


def test_a_number_of_an_indicator_is_told_and_a_spreadsheets_zero_is_not(told):
    text = told(indicators=INDICATORS.replace("11.2", "12").replace("13,million", "13.0,million"))
    assert "- `pilgrims` for 2016, Iraq has “Value” 12 instead of 11.2." in section(text, "02-pkk")
    assert "- indicators: 1 changed" in text


def test_a_page_is_told_to_every_lesson_whose_claims_rest_on_it(told):
    text = told(sources=SOURCES.replace("A protest,INA,", "A protest,INA,2022-04"))
    line = "- The page `ina-1` (INA, April 2022) now has `published`: April 2022."
    assert line in section(text, "01-history") and line in section(text, "02-pkk")


def test_a_column_that_came_is_told_once_and_not_row_by_row(told):
    lines = SOURCES.splitlines()
    text = told(sources="\n".join([lines[0] + ",language", *(line + ",en" for line in lines[1:])]) + "\n")
    assert section(text, "The shape of the tables").count("- ") == 1
    assert "`sources` has a new column, `language`." in text
    assert "The page" not in text


def test_one_lesson_can_be_asked_for(tmp_path):
    old = version(tmp_path / "old")
    new = version(tmp_path / "new", claims=CLAIMS.replace("established", "contested"))
    text, _ = diff(str(old), str(new), lesson="01-history", course_dir=new)
    assert "Nothing that this lesson names has changed." in text and "went from" not in text
    with pytest.raises(DifferenceError, match="Lessons: 01-history, 02-pkk"):
        diff(str(old), str(new), lesson="09-none", course_dir=new)


def test_a_zip_and_a_git_revision_serve_as_versions(tmp_path):
    course = version(tmp_path / "course")
    git = ["git", "-C", str(course), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *arguments], check=True)
    packed = tmp_path / "new.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in (course / "data").iterdir():
            archive.writestr(
                f"small-0.1.0/{path.name}", path.read_text(encoding="utf-8").replace("A minute", "A protocol")
            )
    text, differs = diff("HEAD", str(packed), course_dir=course)
    assert differs
    assert "H-003 now says “A protocol was initialled” (before: “A minute was initialled”)" in section(
        text, "01-history"
    )


@pytest.mark.parametrize("name", ["no-such-revision", "--output=stolen", "empty", "broken.zip"])
def test_what_is_no_version_is_named_with_the_next_step(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.zip").write_bytes(b"PK no archive")
    new = version(tmp_path / "new")
    with pytest.raises(DifferenceError, match=rf"^{name}: .+\. \S.+"):
        diff(name, str(new), course_dir=new)
    assert not (tmp_path / "stolen").exists()


def test_the_courses_own_tables_can_be_compared(tmp_path):
    copy = tmp_path / "data"
    shutil.copytree(DATA, copy, ignore=shutil.ignore_patterns("__pycache__"))
    claims = (copy / "claims.csv").read_text(encoding="utf-8")
    (copy / "claims.csv").write_text(claims.replace("Mudros armistice", "Armistice of Mudros", 1), encoding="utf-8")
    with difference.opened(DATA) as old, difference.opened(copy) as new:
        (change,) = difference.compare(old, new)
    assert (change.table, change.kind, change.key) == ("claims", "changed", "H-001")
