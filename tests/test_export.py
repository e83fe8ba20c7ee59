"""What a researcher or a repository gets from `course export`."""

import hashlib
import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest
import yaml

from helpers import evidence, export
from helpers.export import ExportError

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data"
NAME = "turkiye-iraq-security-agreement-evidence"


def quiet(line):
    pass


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return export.export(DATA, tmp_path_factory.mktemp("export"), echo=quiet)


@pytest.fixture(scope="module")
def folder(archive):
    return archive.with_suffix("")


@pytest.fixture(scope="module")
def package(folder):
    return json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))


def test_the_package_unpacked_elsewhere_is_valid(archive, tmp_path):
    import frictionless

    with zipfile.ZipFile(archive) as packed:
        packed.extractall(tmp_path)
    report = frictionless.validate(str(tmp_path / archive.stem / "datapackage.json"))
    assert report.valid, report.flatten(["name", "message"])
    assert len(report.tasks) > 30


def test_a_changed_byte_is_found_by_its_hash(folder, package):
    for resource in package["resources"]:
        content = (folder / resource["path"]).read_bytes()
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}", resource["path"]
        assert resource["bytes"] == len(content)


def test_every_table_and_outline_of_the_course_is_in_it_unchanged(folder, package):
    course = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))
    assert [r["name"] for r in package["resources"]] == [r["name"] for r in course["resources"]]
    for resource in course["resources"]:
        assert (folder / resource["path"]).read_bytes() == (DATA / resource["path"]).read_bytes()


def test_the_same_tables_give_the_same_bytes(archive, tmp_path):
    copy = tmp_path / "elsewhere" / "data"
    shutil.copytree(DATA, copy)
    for name in ("LICENSE", "LICENSE-TEXT", "CITATION.cff", "CHANGELOG.md"):
        shutil.copy(ROOT / name, copy.parent)
    again = export.export(copy, tmp_path / "out", echo=quiet)
    assert again.read_bytes() == archive.read_bytes()
    assert export.export(copy, tmp_path / "out", echo=quiet).read_bytes() == archive.read_bytes()  # in place


def test_the_codebook_tells_every_column(folder, package):
    pages = re.split(r"(?m)^## ", (folder / "CODEBOOK.md").read_text(encoding="utf-8"))
    for resource in package["resources"]:
        if "schema" not in resource:
            continue
        page = next(page for page in pages if f"`{resource['path']}`" in page)
        rows = dict(re.findall(r"(?m)^\| `(\w+)` \| (.+) \|$", page))
        assert list(rows) == [field["name"] for field in resource["schema"]["fields"]]
        for field in resource["schema"]["fields"]:
            cells = re.split(r"(?<!\\) \| ", rows[field["name"]])
            assert len(cells) == 5
            values = field.get("constraints", {}).get("enum") or field.get("items", {}).get("enum") or []
            assert all(f"`{value}`" in cells[3] for value in values)
            assert cells[1] == (field.get("unit") or cells[1])


def test_each_derived_table_carries_its_sources_citation_and_licence(folder, package):
    text = (folder / "LICENCES.md").read_text(encoding="utf-8")
    derived = [r for r in package["resources"] if r["class"] == "derived"]
    assert len(derived) > 20
    for resource in derived:
        assert resource["citation"] in resource["sources"][0]["title"]
        part = text.split(f"### `{resource['path']}`")[1].split("###")[0]
        assert resource["citation"] in part and resource["licenses"][0]["title"] in part


def test_the_bibliography_has_every_source(folder):
    keys = re.findall(r"(?m)^@\w+\{([^,]+),$", (folder / "sources.bib").read_text(encoding="utf-8"))
    assert sorted(keys) == sorted(evidence.load(DATA).sources["source_id"])


def test_the_citation_is_of_the_data_and_of_this_version(folder, package):
    course = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    cited = yaml.safe_load((folder / "CITATION.cff").read_text(encoding="utf-8"))
    assert (cited["type"], cited["license"], cited["version"]) == ("dataset", "CC-BY-4.0", package["version"])
    assert cited["authors"] == course["authors"]


def test_an_edition_for_a_deposit_holds_only_what_cc_by_allows(tmp_path):
    folder = export.export(DATA, tmp_path, open_only=True, echo=quiet).with_suffix("")
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    names = {r["name"] for r in package["resources"]}
    assert {"claims", "ucdp_ged_points"} <= names
    assert not names & {"sipri_military_burden_decades", "cow_disputes_decades", "epr_kurds_periods", "iraq_gas_gap"}
    assert not (folder / "derived" / "cow_disputes_decades.csv").exists()
    # Fields, required ones and words as Zenodo's documentation for developers lists them for a deposit.
    metadata = json.loads((folder / "zenodo.json").read_text(encoding="utf-8"))["metadata"]
    assert {"upload_type", "title", "creators", "description", "access_right", "license"} <= set(metadata)
    assert (metadata["upload_type"], metadata["access_right"], metadata["license"]) == ("dataset", "open", "cc-by-4.0")
    assert metadata["creators"] and all(
        set(creator) == {"name"} and creator["name"] for creator in metadata["creators"]
    )


def test_version_schema_version_and_change_log_agree(package):
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"(?m)^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", text)
    assert headings[0] == ("Unreleased", "")
    assert package["version"] in [name for name, _ in headings]
    assert all(date for name, date in headings[1:]), "a released version has a day"
    kinds = set(re.findall(r"(?m)^### (.+)$", text))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert f"schema {package['schemaVersion']}" in text


def test_tables_that_break_a_rule_are_not_exported(tmp_path):
    copy = tmp_path / "data"
    shutil.copytree(DATA, copy)
    terms = (copy / "terms.csv").read_text(encoding="utf-8")
    (copy / "terms.csv").write_text(terms.replace("js-2024-03-14", "no-such-text", 1), encoding="utf-8")
    with pytest.raises(ExportError, match="terms .*no-such-text.*course check"):
        export.export(copy, tmp_path / "out", echo=quiet)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_is_no_export_is_left_alone(tmp_path, package):
    theirs = tmp_path / f"{NAME}-{package['version']}"
    theirs.mkdir()
    (theirs / "thesis.txt").write_text("mine")
    with pytest.raises(ExportError, match="is no export"):
        export.export(DATA, tmp_path, echo=quiet)
    assert (theirs / "thesis.txt").read_text() == "mine"
