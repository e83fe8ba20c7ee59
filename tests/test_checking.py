"""`course check`: the committed tables pass; each way of breaking a table or a lesson is named, without a traceback."""

import csv
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from helpers import checking, evidence
from helpers.checking import files, notebooks, report, rules

DATA = Path(__file__).resolve().parents[1] / "data"
EVIDENCE = evidence.TABLES


# ---- whole folders -----------------------------------------------------------------------------------------


def copy(parent):
    """A teacher's own copy of the evidence tables, with an empty folder of lessons beside it."""
    (parent / "data").mkdir(parents=True)
    (parent / "notebooks").mkdir()
    package = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))
    package["resources"] = [resource for resource in package["resources"] if resource["name"] in EVIDENCE]
    (parent / "data" / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    for name in EVIDENCE:
        shutil.copy(DATA / f"{name}.csv", parent / "data")
    return parent / "data"


@pytest.fixture
def folder(tmp_path):
    return copy(tmp_path)


def check(folder):
    lines = []
    count = checking.run(folder, folder.parent / "notebooks", echo=lines.append)
    return count, lines


def edit(folder, table, row, column, value):
    """Write `value` into one cell; `row` counts as in a spreadsheet."""
    path = folder / f"{table}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    lines[row - 1][lines[0].index(column)] = value
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


def test_the_committed_tables_have_no_problem_and_every_rule_ran():
    reports, others, _ = report.check_folder(DATA)
    assert [str(problem) for problem in others + [p for table in reports for p in table.problems]] == []
    assert [table.not_run for table in reports if table.not_run] == []
    assert {f"{name}.csv" for name in EVIDENCE} <= {table.file for table in reports if table.rows and table.rules > 10}


def test_one_line_a_table_says_rows_rules_and_problems(folder):
    count, lines = check(folder)
    assert (count, lines[-1]) == (0, "All checks passed.")
    for line, table in zip(lines, EVIDENCE, strict=False):
        assert re.fullmatch(rf"{table}\.csv: \d+ rows, \d\d+ rules checked, 0 problems", line)


def test_frictionless_itself_accepts_the_data_package():
    import frictionless

    result = frictionless.validate(str(DATA / "datapackage.json"))
    assert result.valid, result.flatten(["name", "type", "message"])


WRONG_CELLS = [
    ("claims", 3, "claim_id", "H-001", "unique-key"),
    ("claims", 5, "source_ids", "no-such-page", "items-exist"),
    ("terms", 4, "instrument_id", "no-such-text", "foreign-key"),
    ("claims", 7, "date", "2024-13-01", "real-date"),
    ("claims", 8, "date", "1 June 1926", "form"),
    ("places", 3, "lat", "361", "range"),
    ("places", 4, "lat", "36,3", "type"),
    ("claims", 9, "status", "certain", "known-word"),
    ("claims", 10, "actors", "XYZ", "items-known"),
    ("claims", 11, "evidence_phrase", "", "required"),
    ("claims", 12, "notes", "=cmd|'/C calc'!A0", "formula"),
    ("claims", 13, "notes", "+41 is no number here", "formula"),
    ("claims", 14, "notes", "\x1b[31mred", "control-character"),
    ("claims", 15, "notes", "a note with a space ", "outer-space"),
]


@pytest.fixture(scope="module")
def lines_of_wrong_cells(tmp_path_factory):
    """What one check says of a folder with all these cells wrong: one bad row stops no other check."""
    folder = copy(tmp_path_factory.mktemp("wrong") / "own")
    for table, row, column, value, _ in WRONG_CELLS:
        edit(folder, table, row, column, value)
    count, lines = check(folder)
    assert count >= len(WRONG_CELLS)
    return lines


@pytest.mark.parametrize(("table", "row", "column", "value", "rule"), WRONG_CELLS)
def test_a_wrong_cell_is_named_with_file_row_column_rule_and_value(
    lines_of_wrong_cells, table, row, column, value, rule
):
    expected = f"{table}.csv, row {row}, column {column} [{rule}] {value!r}: "
    assert any(line.startswith(expected) for line in lines_of_wrong_cells), "\n".join(lines_of_wrong_cells)


def test_a_row_that_breaks_a_rule_stops_no_other_check(lines_of_wrong_cells):
    assert not [line for line in lines_of_wrong_cells if "not checked" in line]


def test_a_cell_of_ten_megabytes_is_refused_and_not_printed(folder):
    edit(folder, "claims", 6, "notes", "x" * 10_000_000)
    count, lines = check(folder)
    assert count == 1
    assert any(line.startswith("claims.csv, row 6, column notes [cell-size] 'xxx") for line in lines)
    assert max(map(len, lines)) < 400


def test_a_row_with_a_field_too_many_is_named_and_the_others_are_still_checked(folder):
    path = folder / "glossary.csv"
    text = path.read_text(encoding="utf-8").splitlines()
    text[4] += ",one too many"
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    named = [line for line in check(folder)[1] if "glossary.csv, row" in line]
    assert len(named) == 1
    assert named[0].startswith("glossary.csv, row 5, column source_ids [fields-in-row] 'one too many'")


def _drop_column(path):
    pd.read_csv(path, dtype=str, keep_default_na=False).drop(columns="status").to_csv(path, index=False)


def _windows_1252(path):
    path.write_bytes(path.read_text(encoding="utf-8").encode("cp1252", errors="ignore"))


def _semicolons(path):
    pd.read_csv(path, dtype=str, keep_default_na=False).to_csv(path, index=False, sep=";")


@pytest.mark.parametrize(
    ("breaking", "message"),
    [
        (_drop_column, r"claims\.csv, row 1, column status \[columns\] .* this column is missing"),
        (
            _windows_1252,
            r"claims\.csv, row 3, column claim \[utf-8\] '.*Sèvres.*': the file is not UTF-8 \(.*Windows-1252",
        ),
        (lambda p: p.write_bytes(p.read_text(encoding="utf-8").encode("utf-16")), r"claims\.csv \[utf-8\] .*UTF-16"),
        (lambda p: p.write_bytes(b""), r"claims\.csv \[not-empty\] '': the file is empty"),
        (
            lambda p: p.write_bytes(p.read_bytes().split(b"\n")[0]),
            r"claims\.csv \[not-empty\] has a header and no rows",
        ),
        (lambda p: p.unlink(), r"claims\.csv \[file-exists\]"),
        (_semicolons, r"claims\.csv, row 1 \[columns\] .* separated by semicolons"),
        (lambda p: p.write_bytes(b"\x00\x01\x02" * 100), r"claims\.csv, row 1, .*\[columns\]"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_says_what_was_not_checked(folder, breaking, message):
    breaking(folder / "claims.csv")
    count, lines = check(folder)
    assert count >= 1
    assert any(re.match(message, line) for line in lines), "\n".join(lines)
    assert any(line.startswith("claims.csv: not checked") for line in lines)
    assert "article_claims.csv: not checked: items-exist: it needs claims, which could not be read." in lines
    assert not any(line.startswith("terms.csv,") for line in lines)  # no flood of dangling keys
    assert any(line.startswith("notebooks: not checked") for line in lines)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"resources": 3}',
        '{"resources": [{"name": "x", "path": "../x.csv"}]}',
        '{"resources": [1]}',
        '"\udcff"',
    ],
)
def test_a_broken_description_is_named(folder, text):
    (folder / "datapackage.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    count, lines = check(folder)
    assert count >= 1
    assert any(line.startswith("datapackage.json [") for line in lines), lines


@pytest.mark.parametrize(
    "change",
    [{"constraints": {"pattern": "("}}, {"separator": 4}, {"items": 3}, {"references": "nowhere.x", "separator": ";"}],
)
def test_a_property_that_no_rule_can_use_is_named(folder, change):
    path = folder / "datapackage.json"
    package = json.loads(path.read_text(encoding="utf-8"))
    package["resources"][0]["schema"]["fields"][1] |= change
    path.write_text(json.dumps(package), encoding="utf-8")
    assert any(line.startswith("datapackage.json, column sources.title [property]") for line in check(folder)[1])


def test_a_table_that_nobody_described_is_named(folder):
    (folder / "extra.csv").write_text("a\n1\n", encoding="utf-8")
    assert any(line.startswith("extra.csv [described]") for line in check(folder)[1])


def test_an_outline_that_is_not_the_described_file_is_named(folder):
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    package["resources"].append({"name": "map", "path": "map.geojson", "hash": "sha256:00"})
    (folder / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    assert any(line.startswith("map.geojson [file-exists]") for line in check(folder)[1])
    (folder / "map.geojson").write_text("{}", encoding="utf-8")
    assert any(line.startswith("map.geojson [sha256] 'sha256:44136f") for line in check(folder)[1])


def test_a_byte_order_mark_as_excel_writes_it_does_no_harm(folder):
    path = folder / "glossary.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert check(folder)[0] == 0


# ---- every rule, on tables of a row or two -----------------------------------------------------------------

GOOD = {
    "sources": [
        {
            "source_id": "page",
            "title": "t",
            "publisher": "p",
            "published": "2024",
            "url": "https://a.org/x",
            "language": "en",
            "kind": "news",
            "perspective": "independent",
        },
        {
            "source_id": "deed",
            "title": "t",
            "publisher": "p",
            "url": "https://b.org/x",
            "language": "en",
            "kind": "treaty_text",
            "perspective": "independent",
        },
    ],
    "claims": [
        {
            "claim_id": "H-001",
            "date": "1926-06-05",
            "date_precision": "day",
            "theme": "law",
            "lesson": "1",
            "claim": "c",
            "actors": "TUR;IRQ",
            "status": "established",
            "source_ids": "page;deed",
            "independent_origins": "1",
            "evidence_phrase": "as seen",
            "notes": "conflicts with H-002",
        },
        {
            "claim_id": "H-002",
            "date": "1926",
            "date_precision": "year",
            "theme": "law",
            "lesson": "1",
            "claim": "c",
            "actors": "TUR",
            "figure": "5",
            "unit": "km",
            "status": "reported",
            "source_ids": "page",
            "independent_origins": "1",
            "evidence_phrase": "as seen",
            "notes": "conflicts with H-001",
            "merged_from": "H-003",
        },
    ],
    "instruments": [
        {
            "instrument_id": "deed-1926",
            "name": "n",
            "short_name": "n",
            "date_signed": "1926",
            "place": "Ankara",
            "parties": "TUR;IRQ",
            "in_force_status": "s",
            "feature": feature,
            "what_it_says": "w",
            "source_ids": "page",
            "value": "yes",
        }
        for feature in ("water", "training")
    ],
    "terms": [
        {
            "term_id": "T-001",
            "instrument_id": "deed-1926",
            "article": "1",
            "theme": "water",
            "provision": "p",
            "obligation_on": "both",
            "strength": "shall",
            "status_2026": "unknown",
            "source_ids": "page",
        }
    ],
    "positions": [
        {
            "actor": "TUR",
            "issue": "pkk_ban",
            "period": "current",
            "stance_score": "2",
            "stance_summary": "s",
            "basis": "statement",
            "date": "2024",
            "status": "reported",
            "source_ids": "page",
        }
    ],
    "indicators": [
        {
            "series_id": "bases",
            "series_name": "Bases",
            "year": year,
            "value": "5",
            "low": "4",
            "high": "6",
            "unit": "bases",
            "actor_to": "IRQ",
            "source_ids": "page",
            "comparable_group": "bases",
        }
        for year in ("2020", "2021")
    ],
    "places": [
        {
            "place_id": "x",
            "name_en": "X",
            "name_local": "X",
            "kind": "city",
            "lat": "36",
            "lon": "44",
            "coord_source": "s",
            "coord_precision": "exact",
            "country": "Iraq",
            "relevance": "r",
            "source_ids": "page",
        }
    ],
    "article_claims": [
        {
            "statement_id": "S-01",
            "paragraph": "1",
            "statement": "s",
            "kind": "fact",
            "verdict": "open",
            "supporting_claims": "H-001",
            "challenging_claims": "H-002",
            "reasoning": "r",
        }
    ],
    "glossary": [{"term_en": "x", "short_definition": "d", "source_ids": "page"}],
    "designations": [
        {
            "designation_id": "D-01",
            "date": "1993-11-26",
            "author": "minister",
            "state": "Germany",
            "effect": "bans",
            "act": "ban",
            "word": "banned",
            "claim_ids": "H-001",
        }
    ],
}

# rule, table, row, {column: value}: the smallest change that breaks it
BREAKS = [
    ("real-date", "claims", 2, {"date": "1926-02-30"}),
    ("real-date", "claims", 2, {"date_end": "1926-13"}),
    ("real-date", "sources", 2, {"published": "2024-00"}),
    ("real-date", "instruments", 2, {"date_signed": "0000"}),
    ("real-date", "positions", 2, {"date": "2024-04-31"}),
    ("plain-number", "claims", 3, {"figure": "1e5"}),
    ("plain-number", "indicators", 2, {"value": "NaN"}),
    ("plain-number", "places", 2, {"lat": "3_6"}),
    ("items-once", "claims", 2, {"source_ids": "page;page"}),
    ("items-once", "claims", 2, {"actors": "TUR; IRQ"}),
    ("items-known", "claims", 2, {"actors": "TUR;XYZ"}),
    ("items-known", "instruments", 2, {"parties": "XYZ"}),
    *(("items-exist", table, 2, {"source_ids": "gone"}) for table in EVIDENCE if "source_ids" in GOOD[table][0]),
    ("items-exist", "designations", 2, {"claim_ids": "H-009"}),
    ("items-exist", "article_claims", 2, {"supporting_claims": "H-009"}),
    ("items-exist", "article_claims", 2, {"challenging_claims": "H-009"}),
    ("address-once", "sources", 3, {"url": "http://www.A.org/x/"}),
    ("address-or-reason", "sources", 3, {"url": ""}),
    ("source-cited", "sources", 3, {"source_id": "deed-2"}),
    ("span-runs-forward", "claims", 2, {"date_end": "1925"}),
    ("date-fits-precision", "claims", 3, {"date": "1926-06"}),
    ("figure-has-unit", "claims", 3, {"unit": ""}),
    ("figure-has-unit", "claims", 3, {"figure": ""}),
    ("phrase-is-short", "claims", 2, {"evidence_phrase": "one two three four five six seven eight nine"}),
    ("origins-within-sources", "claims", 2, {"independent_origins": "3"}),
    ("established-is-earned", "claims", 2, {"source_ids": "page"}),
    ("merged-once", "claims", 3, {"merged_from": "H-001"}),
    ("conflicts-point-back", "claims", 2, {"notes": ""}),
    ("claims-in-text-exist", "claims", 2, {"notes": "conflicts with H-002; see H-003"}),
    ("claims-in-text-exist", "terms", 2, {"notes": "see A-999"}),
    ("claims-in-text-exist", "positions", 2, {"notes": "see A-999"}),
    ("claims-in-text-exist", "indicators", 2, {"notes": "see A-999"}),
    ("claims-in-text-exist", "article_claims", 2, {"reasoning": "see A-999"}),
    ("statement-uses-claims", "article_claims", 2, {"supporting_claims": "", "challenging_claims": ""}),
    ("statement-uses-claims", "article_claims", 2, {"challenging_claims": "H-001"}),
    ("value-or-note", "indicators", 2, {"value": ""}),
    ("value-within-range", "indicators", 2, {"value": "7"}),
    ("one-value", "indicators", 3, {"series_name": "Other"}),
    ("one-value", "indicators", 3, {"comparable_group": "other"}),
    ("one-value", "indicators", 3, {"unit": "posts"}),
    *(("one-value", "instruments", 3, {column: value}) for column, value in
      {"name": "m", "short_name": "m", "date_signed": "1927", "place": "Mosul", "parties": "TUR", "in_force_status": "t"}.items()),
    ("coordinates-together", "places", 2, {"lat": ""}),
    ("coordinates-together", "places", 2, {"coord_precision": "none"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def schemas():
    package = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))
    return {resource["name"]: resource["schema"] for resource in package["resources"] if resource["name"] in EVIDENCE}


def small(schemas, table="", row=0, change=()):
    """The good tables, with one row changed."""
    read = []
    for name, rows in GOOD.items():
        columns = [field["name"] for field in schemas[name]["fields"]]
        frame = pd.DataFrame([[cells.get(c, "") for c in columns] for cells in rows], columns=columns, dtype=object)
        frame.index += 2
        if name == table:
            for column, value in dict(change).items():
                frame.at[row, column] = value
        read.append(files.Table(name, f"{name}.csv", schemas[name], frame))
    return read


def problems(read):
    reports, others = report.check_tables(read)
    return others + [problem for table in reports for problem in table.problems]


def findings(read):
    """What the rules beyond frictionless find."""
    return report.apply_rules(read, {table.name: report.TableReport(table.file) for table in read})


def test_the_small_tables_are_good(schemas):
    assert problems(small(schemas)) == []


@pytest.mark.parametrize(("rule", "table", "row", "change"), BREAKS)
def test_each_rule_finds_the_row_that_breaks_it(schemas, rule, table, row, change):
    found = [p for p in findings(small(schemas, table, row, change)) if p.rule == rule]
    assert found, f"{rule} found nothing"
    first = found[0]
    if rule == "conflicts-point-back":  # the other claim of the pair is the one left without an answer
        row = 3
    assert (first.file, first.row) == (f"{table}.csv", row)
    assert first.column in schemas_columns(schemas, table)
    assert first.message.endswith(".")


def schemas_columns(schemas, table):
    return [field["name"] for field in schemas[table]["fields"]]


def test_every_rule_of_the_package_is_broken_above(schemas):
    named = {(rule, table) for rule, table, _, _ in BREAKS}
    own = {(rule.name, rule.table) for rule in rules.RULES}
    generic = {rule.name for name, schema in schemas.items() for rule in rules.column_rules(name, schema)}
    assert own <= named
    assert generic <= {rule for rule, _ in named}


def test_two_claims_merged_from_the_same_one_are_named(schemas):
    read = small(schemas, "claims", 2, {"merged_from": "H-003"})
    assert [(p.rule, p.row, p.value) for p in findings(read)] == [("merged-once", 3, "H-003")]


def test_a_range_printed_wrong_in_the_source_is_accepted_when_the_notes_say_so(schemas):
    assert problems(small(schemas, "indicators", 2, {"value": "7", "notes": "As printed, above its own high"})) == []


@pytest.mark.parametrize(
    "junk", ["", ";", " ", "²", "٣", "NaN", "1e999", "9" * 400, "H-001", "2024-02-31", "[](", "\ud800"]
)
def test_no_cell_brings_a_check_down(schemas, junk):
    for table in GOOD:
        read = small(schemas, table, 2, dict.fromkeys(schemas_columns(schemas, table), junk))
        assert isinstance(findings(read), list)
    for table in read:
        table.frame.loc[2] = junk
    assert isinstance(problems(read), list)


def test_a_row_number_is_the_one_a_spreadsheet_shows(folder):
    path = folder / "places.csv"
    lines = path.read_text(encoding="utf-8").split("\n")
    path.write_text("\n".join([lines[0], "", *lines[1:]]), encoding="utf-8")
    edit_row = 4  # the blank line counts
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    rows[edit_row - 1][4] = "361"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    assert any(line.startswith("places.csv, row 4, column lat [range] '361'") for line in check(folder)[1])


# ---- notebooks ---------------------------------------------------------------------------------------------

KEYS = notebooks.Keys(
    linked=frozenset({"H-054", "H-058", "P-035", "S-07"}),
    plain=frozenset({"T-001", "mou-2024-08-15", "page-2024", "turkish_bases"}),
    claims=4,
)
LINK = "[H-054](evidence/H.md#H-054)"


def markdown(text, *tags):
    return {"cell_type": "markdown", "metadata": {"tags": list(tags)}, "source": text}


def code(text, *outputs):
    return {"cell_type": "code", "metadata": {}, "source": text, "outputs": list(outputs), "execution_count": 1}


def stream(text):
    return {"output_type": "stream", "name": "stdout", "text": [text]}


def lesson(tmp_path, *cells, metadata=None):
    path = tmp_path / "01-small.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": metadata or {}, "nbformat": 4}), encoding="utf-8")
    return notebooks.check_notebook(path, path.name, KEYS)


def broken(found):
    return [(problem.rule, problem.row) for problem in found.problems]


@pytest.mark.parametrize(
    "text",
    [
        "In 1926 the border was drawn.",
        "It reached 5 km into Iraq.",
        "On 15 August two ministers signed.",
        "Turkish bases in the mid-1990s were few.",
        "- a first point\n- a second point, of 1984\n- a third, " + LINK,
        "| year | what |\n|---|---|\n| 1926 | treaty |",
        f"A sentence with a key {LINK}.\n\nAnother paragraph, of 1984, without.",
        "> They said it in 2007.",
        "See [the page of 2007](https://example.org/x).",
        "`ev.claims` says so for 2007.",
    ],
)
def test_a_year_date_or_number_without_a_claim_is_found(tmp_path, text):
    assert ("evidence", 1) in broken(lesson(tmp_path, markdown(text)))


@pytest.mark.parametrize(
    "text",
    [
        f"In 1926 the border was drawn {LINK}.",
        "The article says so of 2024 [S-07](evidence/S.md#S-07).",
        "The memorandum of 2024 (`mou-2024-08-15`) is not public.",
        "Term `T-001` dates from 2024.",
        "In 2024 [`page-2024`](https://example.org) said so.",
        "`turkish_bases` rises from 2018.",
        "## From 1918 to 2023",
        "```python\nx = 1926\n```",
        "Take `claims.head(20)` and read it.",
        "**Discuss (10 minutes, in pairs).** Why?",
        "It takes 45 to 70 minutes.",
        "Lesson 1 and sections 2 and 3 come first.",
        "1. read\n2. count",
        "See [the map](https://example.org/2024/08/15).",
        '<img src="x.png" width="600"> A picture.',
        "## Prerequisites\n\n| concept | minutes |\n|---|---|\n| reading a table | 20 |",
        "An F-16 flew over the G20.",
        "No number at all.",
    ],
)
def test_a_paragraph_with_evidence_or_without_a_fact_passes(tmp_path, text):
    assert broken(lesson(tmp_path, markdown(text))) == []


def test_cells_about_the_course_are_exempt_and_counted(tmp_path):
    found = lesson(tmp_path, markdown("Written for Python 3.11 in 2026.", "about-course"), markdown(f"In 1926 {LINK}."))
    assert broken(found) == []
    line = found.summary()
    assert "1 paragraphs" in line and "1 claim keys (25% of all claims)" in line and "1 exempt" in line


def test_a_key_that_does_not_exist_is_found_in_prose_code_and_quiz(tmp_path):
    found = lesson(tmp_path, markdown("[H-999](evidence/H.md#H-999)"), code('lesson.scorecard(ev, ["S-99"])'))
    assert broken(found) == [("key-exists", 1), ("key-exists", 2)]
    assert found.problems[1].value == "S-99"
    assert broken(lesson(tmp_path, markdown("See `T-999`."))) == [("key-exists", 1)]


@pytest.mark.parametrize(
    "text",
    ["[H-054]", "see H-054", "[H-054](evidence/P.md#H-054)", "[H-054](H.md#H-054)", "[H-054](evidence/H.md#H-058)",
     "[H-054](evidence/H.md)"],
)  # fmt: skip
def test_a_key_that_is_no_link_to_its_own_entry_is_found(tmp_path, text):
    found = lesson(tmp_path, markdown(text))
    assert broken(found) == [("key-link", 1)]
    assert LINK in found.problems[0].message


def test_a_number_that_reads_the_checked_output_above_needs_no_claim(tmp_path):
    output = code("# NBVAL_CHECK_OUTPUT\nlen(texts)", stream("31 texts, 1,141 rows"))
    found = lesson(tmp_path, output, markdown("The table has 31 texts and 1141 rows."))
    assert (broken(found), found.from_output) == ([], 1)
    assert broken(lesson(tmp_path, output, markdown("The table has 32 texts."))) == [("evidence", 2)]
    unchecked = code("len(texts)", stream("31 texts"))
    assert broken(lesson(tmp_path, unchecked, markdown("The table has 31 texts."))) == [("evidence", 2)]


def test_what_is_stored_is_looked_at(tmp_path):
    error = {"output_type": "error", "ename": "KeyError", "evalue": "'x'", "traceback": []}
    widget = {
        "output_type": "display_data",
        "data": {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}},
        "metadata": {},
    }
    path = stream("read /home/someone/course/data/claims.csv")
    found = lesson(tmp_path, code("a", error), code("b", widget), code("c", path), metadata={"widgets": {}})
    assert broken(found) == [("widget-state", None), ("stored-error", 1), ("widget-state", 2), ("absolute-path", 3)]
    taught = code("a", error) | {"metadata": {"tags": ["raises-exception"]}}
    assert broken(lesson(tmp_path, taught)) == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"cells": 3}', '{"cells": [3]}', '{"cells": [{}], "metadata": 3}', "\ufeff"]
)
def test_a_notebook_that_is_none_is_named(tmp_path, text):
    path = tmp_path / "x.ipynb"
    path.write_text(text, encoding="utf-8")
    assert [p.rule for p in notebooks.check_notebook(path, path.name, KEYS).problems] == ["notebook"]


def test_a_quiz_question_with_a_number_names_a_claim_somewhere(tmp_path):
    path = tmp_path / "quiz.toml"
    path.write_text(
        'title = "1918 to 2023"\n[[question]]\ntext = "How deep?"\n[[question.answer]]\ntext = "5 km"\nfeedback = "Some say so."\n'
        '[[question]]\ntext = "In 1926?"\nfeedback = "See H-054."\n[[question]]\ntext = "Who?"\nfeedback = "See P-999."\n',
        encoding="utf-8",
    )
    assert broken(notebooks.check_quiz(path, path.name, KEYS)) == [("evidence", 1), ("key-exists", 3)]
    path.write_text("not toml", encoding="utf-8")
    assert broken(notebooks.check_quiz(path, path.name, KEYS)) == [("toml", None)]


def test_a_missing_folder_of_lessons_is_named(folder):
    (folder.parent / "notebooks").rmdir()
    assert any(line.startswith("notebooks [folder-exists]") for line in check(folder)[1])


def test_link_keys_links_bare_keys_once_and_leaves_code_alone():
    text = "A [H-054], B [H-054; P-035]. `[H-054]`\n```\n[H-054]\n```\n[S-07]"
    linked = notebooks.link_keys(text)
    assert linked == (
        f"A {LINK}, B {LINK}, [P-035](evidence/P.md#P-035). `[H-054]`\n```\n[H-054]\n```\n[S-07](evidence/S.md#S-07)"
    )
    assert notebooks.link_keys(linked) == linked
