"""A teacher gives the file that Canvas, Moodle or a spreadsheet wrote, and nothing in it may harm a folder or a spreadsheet."""

import csv
from pathlib import Path

import pytest

from helpers.exercises import roster

ROSTERS = Path(__file__).parent / "rosters"


def read_text(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode(encoding))
    return roster.read(path)


def refusal(tmp_path, text):
    with pytest.raises(roster.RosterError) as error:
        read_text(tmp_path, text)
    return str(error.value)


@pytest.mark.parametrize(
    ("file", "kind", "first", "last"),
    [
        ("canvas.csv", "canvas", ("100231", "Şahin, Ayşe"), ("100290", '=HYPERLINK("http://example.org")')),
        ("moodle.csv", "moodle", ("20240017", "Ayşe Şahin"), ("20240019", "Джамал Петров")),
        (
            "moodle-worksheet.csv",
            "moodle",
            ("ayse.sahin@example.edu", "Ayşe Şahin"),
            ("zoe@example.edu", "Zoë van der Berg"),
        ),
        ("moodle-es.csv", "moodle", ("ana@example.edu", "Ana Muñoz"), ("inigo@example.edu", "Íñigo Peña")),
        ("plain.csv", "csv", ("ayse", "Ayşe Şahin"), ("李-3", "李小龍")),
    ],
)
def test_exports_are_read_as_they_come(file, kind, first, last):
    found = roster.read(ROSTERS / file)
    assert found.format == kind
    ends = [(student.id, student.name) for student in (found.students[0], found.students[-1])]
    assert ends == [first, last]


def test_canvas_rows_that_are_no_students_are_kept_apart_and_the_rest_can_be_written_back():
    found = roster.read(ROSTERS / "canvas.csv")
    assert len(found) == len(found.rows) == 5
    assert [row["Exercise 2 (4711)"] for row in found.before] == ["Manual Posting", "100.00"]
    assert found.left_out == ("row 9: Canvas' test student",)
    assert found.columns[:5] == ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
    row = found.row_of("100288")
    assert (row["Student"], row["SIS Login ID"]) == ('O\'Neil "Bob", Robert', "boneil")
    with (ROSTERS / "canvas.csv").open(encoding="utf-8-sig", newline="") as file:
        as_exported = {row["ID"]: row for row in csv.DictReader(file)}
    assert all(found.row_of(student.id) == as_exported[student.id] for student in found)


def test_a_student_is_found_by_any_identifier_that_is_theirs_alone(tmp_path):
    canvas = roster.read(ROSTERS / "canvas.csv")
    assert canvas.find("ASAHIN").id == canvas.find("S-7781").id == canvas.find("100231").id == "100231"
    assert roster.read(ROSTERS / "moodle-worksheet.csv").find("8102").id == "zoe@example.edu"
    shared = read_text(tmp_path, "id,name,email\na,A,both@example.edu\nb,B,both@example.edu\n")
    assert shared.find("both@example.edu") is None and shared.find("") is None


def test_a_translated_moodle_export_uses_the_id_number_where_every_student_has_one(tmp_path):
    text = "Vorname,Nachname,ID-Nummer,E-Mail-Adresse\nJo,Öz,17,jo@example.edu\nAl,Ek,{},al@example.edu\n"
    assert read_text(tmp_path, text.format("18")).ids == ("17", "18")
    assert read_text(tmp_path, text.format("")).ids == ("jo@example.edu", "al@example.edu")
    assert read_text(tmp_path, text.format("17")).ids == ("jo@example.edu", "al@example.edu")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t", ":"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_separators_and_line_ends(tmp_path, encoding, separator, end):
    text = end.join(f"{a}{separator}{b}" for a, b in [("id", "name"), ("7", "Şîrîn"), ("", ""), ("9", "گه‌لاوێژ")])
    found = read_text(tmp_path, text, encoding)
    assert [(s.id, s.name, s.row) for s in found] == [("7", "Şîrîn", 2), ("9", "گه‌لاوێژ", 4)]


@pytest.mark.parametrize(
    "bad",
    ["../x", "a/b", "a\\b", "..", ".hidden", "C:x", "CON", "nul.txt", "com1", "x.", "=1+1", "+1", "-1", "@x", "＝1"]
    + [
        "a*b",
        "a?b",
        "a|b",
        "<b>",
        "1.23457E+11",
        "x" * 65,
        "é" * 65,
        "a\x1b[31m",
        "a\u202eb",
        "a\u200bb",
        '"a\nb"',
        "\tx",
    ],
)
def test_an_id_unfit_for_a_file_name_is_refused_with_its_row(tmp_path, bad):
    message = refusal(tmp_path, f"id,name\nfine,Fine\n{bad},Bad\n")
    assert "roster.csv, row 3" in message and "the id" in message
    assert message.replace("\n", "").isprintable(), "a terminal must not be steered by an id"


def test_nul_blank_and_duplicates_are_refused(tmp_path):
    assert "NUL" in refusal(tmp_path, "id,name\na\0b,X\n")
    assert "row 3: the id is blank" in refusal(tmp_path, "id,name\na,A\n,B\n")
    assert "row 4: the id “a” is also in row 2." in refusal(tmp_path, "id,name\na,A\nb,B\na,C\n")
    assert "upper and lower case" in refusal(tmp_path, "id,name\nAnna,A\nanna,B\n")
    assert "is also in row 2" in refusal(tmp_path, "id,name\né,A\ne\u0301,B\n"), "one letter, two spellings in Unicode"


def test_many_wrong_rows_are_told_at_once_and_no_more_than_ten(tmp_path):
    message = refusal(tmp_path, "id,name\n" + "".join(f"=x{n},N\n" for n in range(25)))
    assert "25 rows to correct" in message and "row 11:" in message and "row 12:" not in message
    assert "and 15 more" in message


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "empty"),
        (b"id,name\n", "no students"),
        (b"who,what\na,b\n", "no column for ids among who, what"),
        ("id,name\na,Ayşe\nb,Şahin\n".encode("cp1254"), "row 2: not UTF-8"),
        (b"PK\x03\x04rest", "spreadsheet"),
        (b"<!doctype html><html>", "web page"),
        (b'id,name\na,"open\nb,B\n', "quotation mark"),
        (b"id,name\na,Doe, Jane\n", "row 2: 3 cells under 2 columns"),
    ],
)
def test_a_file_that_is_no_roster_is_refused_in_words(tmp_path, raw, says):
    path = tmp_path / "class.csv"
    path.write_bytes(raw)
    with pytest.raises(roster.RosterError, match=says) as error:
        roster.read(path)
    assert str(error.value).startswith("class.csv")


def test_a_teacher_may_name_the_column(tmp_path):
    assert roster.read(ROSTERS / "canvas.csv", id_column="SIS Login ID").ids[0] == "asahin"
    with pytest.raises(roster.RosterError, match="no column “Login”"):
        roster.read(ROSTERS / "canvas.csv", id_column="Login")
    path = tmp_path / "odd.csv"
    path.write_text("matrikel,name\n7,A\n", encoding="utf-8")
    assert roster.read(path, id_column="matrikel").ids == ("7",)


def test_names_cannot_steer_a_spreadsheet_or_a_terminal():
    assert roster.csv_safe("=HYPERLINK(1)") == "'=HYPERLINK(1)" and roster.csv_safe(" @x") == "' @x"
    assert [roster.csv_safe(v) for v in (-1.5, "-1.5", "Ayşe", "", "5f")] == ["-1.5", "-1.5", "Ayşe", "", "5f"]
    assert roster.display_name("A\u202eB\x1b[31m\r\nC") == "A B [31m C"
    assert "\u200c" in roster.display_name("گه\u200cلاوێژ")
