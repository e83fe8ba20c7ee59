"""Whose a file is, in every layout that course systems give, and reading what students' tools do to a notebook."""

import json
import os
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from helpers.exercises import submissions
from helpers.exercises.roster import read as read_roster
from helpers.exercises.submissions import File, SubmissionError


def notebook(*sources, metadata=None, **extra) -> dict:
    cells = [
        {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None, "id": f"c{n}"}
        for n, source in enumerate(sources)
    ]
    return {"cells": cells, "metadata": metadata or {}, "nbformat": 4, "nbformat_minor": 5} | extra


def put(path: Path, content=None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook("q1 = 1") if content is None else content), encoding="utf-8")
    return path


def roster(folder: Path, text: str):
    path = folder / "roster.csv"
    path.write_text(text, encoding="utf-8")
    return read_roster(path)


@pytest.fixture
def plain(tmp_path):
    return roster(tmp_path, "id,name\nayse,Ayşe Şahin\nbob-1,Bob\n李-3,李小龍\n")


def owners(place, known, others=("ex1", "ex3")) -> dict[str, str]:
    found = submissions.find(place, "ex2", roster=known, others=others)
    return {file.name: file.student or file.problem for file in found.files}


def test_flat_names_and_the_copies_that_browsers_make(tmp_path, plain):
    place = tmp_path / "in"
    names = [
        "ex2_ayse.ipynb",
        "ex2_ayse (1).ipynb",
        "ex2_bob-1-Copy2.ipynb",
        "EX2_BOB-1.ipynb",
        "ex2_李-3.ipynb",
        "ayse.ipynb",
    ]
    for name in [*names, "ex1_ayse.ipynb", "notes.txt", "ex2_nobody.ipynb"]:
        put(place / name)
    assert owners(place, plain) == {
        **dict.fromkeys(("ex2_ayse.ipynb", "ex2_ayse (1).ipynb", "ayse.ipynb"), "ayse"),
        **dict.fromkeys(("ex2_bob-1-Copy2.ipynb", "EX2_BOB-1.ipynb"), "bob-1"),
        "ex2_李-3.ipynb": "李-3",
        "ex2_nobody.ipynb": "",
    }
    assert submissions.find(place, "ex2", roster=plain, others=("ex1",)).others == 1


def test_a_folder_for_each_student(tmp_path, plain):
    place = tmp_path / "in"
    for name in (
        "ayse/ex2.ipynb",
        "bob-1/my work.ipynb",
        "submitted/李-3/ex2/ex2.ipynb",
        "bob-1/ex3.ipynb",
        "x/ex2.ipynb",
    ):
        put(place / name)
    put(place / "ayse" / ".ipynb_checkpoints" / "ex2-checkpoint.ipynb")
    assert owners(place, plain) == {
        "ayse/ex2.ipynb": "ayse",
        "bob-1/my work.ipynb": "bob-1",
        "submitted/李-3/ex2/ex2.ipynb": "李-3",
        "x/ex2.ipynb": "",
    }


def test_canvas_names_count_more_than_what_the_student_wrote(tmp_path):
    known = roster(tmp_path, 'Student,ID,SIS Login ID,Section\n"Şahin, Ayşe",100231,as,A\n"Roe, Bob",100245,br,A\n')
    place = tmp_path / "in"
    put(place / "sahinayse_100231_900001_ex2-1.ipynb")
    put(place / "roebob_LATE_100245_900002_ex2_100231.ipynb")  # the student took another's file
    put(place / "ghost_777_900003_ex2.ipynb")
    (place / "sahinayse_100231_900004_ex2.pdf").write_bytes(b"%PDF")
    found = {f.name: f for f in submissions.find(place, "ex2", roster=known).files}
    assert found["sahinayse_100231_900001_ex2-1.ipynb"].student == "100231"
    late = found["roebob_LATE_100245_900002_ex2_100231.ipynb"]
    assert (late.student, late.late, late.told_by) == ("100245", True, "system")
    assert "777" in found["ghost_777_900003_ex2.ipynb"].problem
    assert "no notebook" in found["sahinayse_100231_900004_ex2.pdf"].problem
    chosen, extra = submissions.choose(found.values(), "ex2")
    assert chosen["100231"].name == "sahinayse_100231_900001_ex2-1.ipynb"
    assert [f.name for f in extra["100231"]] == ["sahinayse_100231_900004_ex2.pdf"]


def test_moodle_names_by_number_and_by_name(tmp_path):
    place = tmp_path / "in"
    put(place / "Ayşe Şahin_8101_assignsubmission_file_" / "ex2.ipynb")
    put(place / "Zoë van der Berg_8102_assignsubmission_file_ex2_ayse.ipynb")
    put(place / "Nobody Here_9_assignsubmission_file_" / "ex2.ipynb")
    (place / "Zoë van der Berg_8102_assignsubmission_onlinetext_").mkdir()
    header = "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Last modified (grade)\n"
    worksheet = roster(
        tmp_path,
        header + "Participant 8101,Ayşe Şahin,a@x.edu,,,100,-\nParticipant 8102,Zoë van der Berg,z@x.edu,,,100,-\n",
    )
    by_number = owners(place, worksheet)
    assert {"a@x.edu", "z@x.edu"} < set(by_number.values())
    assert "nobody of this name" in by_number["Nobody Here_9_assignsubmission_file_/ex2.ipynb"]
    header = "First name,Surname,ID number,Email address\n"
    export = roster(
        tmp_path,
        header + "Ayşe,Şahin,17,a@x.edu\nZoë,van der Berg,18,z@x.edu\nNobody,Here,19,n@x\nNobody,Here,20,m@x\n",
    )
    by_name = owners(place, export)
    assert by_name["Ayşe Şahin_8101_assignsubmission_file_/ex2.ipynb"] == "17"
    assert "2 students of this name" in by_name["Nobody Here_9_assignsubmission_file_/ex2.ipynb"]


def test_a_zip_is_read_and_a_name_that_leads_out_is_refused(tmp_path, plain):
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ex2_ayse.ipynb", json.dumps(notebook("q1 = 7")))
        archive.writestr("../ex2_bob-1.ipynb", "{}")
        archive.writestr("/etc/ex2_bob-1.ipynb", "{}")
        archive.writestr("..\\ex2_bob-1.ipynb", "{}")
        archive.writestr("__MACOSX/ex2_ayse.ipynb", "{}")
        link = zipfile.ZipInfo("ex2_李-3.ipynb")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    before = sorted(p.name for p in tmp_path.parent.iterdir())
    files = submissions.find(path, "ex2", roster=plain).files
    assert {f.student for f in files if not f.problem} == {"ayse"}
    assert sum("leads out" in f.problem for f in files) == 3
    assert sum("link" in f.problem for f in files) == 1
    assert submissions.read(next(f for f in files if f.student == "ayse")).code == ["q1 = 7"]
    assert sorted(p.name for p in tmp_path.parent.iterdir()) == before
    (tmp_path / "in").mkdir()
    path.rename(tmp_path / "in" / "part one.zip")
    put(tmp_path / "in" / "ex2_bob-1.ipynb")
    assert {f.student for f in submissions.find(tmp_path / "in", "ex2", roster=plain).files if not f.problem} == {
        "ayse",
        "bob-1",
    }


def test_links_pipes_and_folders_are_never_opened(tmp_path, plain):
    place = tmp_path / "in"
    secret = put(tmp_path / "secret.ipynb", notebook("q1 = 'secret'"))
    (place / "ex2_ayse.ipynb").mkdir(parents=True)
    (place / "ex2_bob-1.ipynb").symlink_to(secret)
    os.mkfifo(place / "ex2_李-3.ipynb")
    (place / "linked").symlink_to(tmp_path)
    files = submissions.find(place, "ex2", roster=plain).files
    problems = {f.student: f.problem for f in files if f.student}
    assert [word in problems[s] for s, word in (("ayse", "folder"), ("bob-1", "link"), ("李-3", "pipe"))] == [True] * 3
    for file in files:
        with pytest.raises(SubmissionError):
            submissions.read(file)
    with pytest.raises(SubmissionError, match="opened"):  # changed between finding and reading
        submissions.read(File("x", place / "ex2_bob-1.ipynb"))


def read(path: Path):
    return submissions.read(File(path.name, path))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("q1 = 'ş'\\nq2 = 2", "q1 = 'ş'\\r\\nq2 = 2").encode(),
    ],
    ids=["BOM", "CRLF in the file", "UTF-16", "CRLF in a cell"],
)
def test_encodings_and_line_ends_change_nothing(tmp_path, change):
    text = json.dumps(notebook("q1 = 'ş'\nq2 = 2"), ensure_ascii=False, indent=1)
    path = tmp_path / "a.ipynb"
    path.write_text(text, encoding="utf-8", newline="")
    expected = read(path)
    path.write_bytes(change(text))
    assert read(path).code == ["q1 = 'ş'\nq2 = 2"]
    assert read(path).digest == expected.digest


def test_colab_vs_code_and_the_old_format(tmp_path):
    colab = notebook("q1 = 1", metadata={"colab": {"provenance": []}, "accelerator": "GPU"}, nbformat_minor=0)
    colab["cells"][0] |= {"metadata": {"id": "abc", "outputId": "x"}, "source": ["q1 = 1\n", "q2 = 2"]}
    del colab["cells"][0]["id"]
    code = notebook("q1 = 1\nq2 = 2", metadata={"language_info": {"name": "python"}, "orig_nbformat": 4})
    code["cells"][0]["metadata"] = {"vscode": {"languageId": "python"}}
    old = {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": "q1 = 1\nq2 = 2", "outputs": []}]}]}
    for number, content in enumerate((colab, code, old)):
        assert read(put(tmp_path / f"{number}.ipynb", content)).code == ["q1 = 1\nq2 = 2"]


def test_outputs_are_cut_before_parsing(tmp_path):
    data = notebook("q1 = 1", 'x = {"outputs": [1]}')
    data["cells"][0]["outputs"] = [{"output_type": "stream", "text": ['x"]}\\' + "y" * 990 + "\n"] * 30_000}]
    data["cells"][1]["attachments"] = {"a.png": {"image/png": "A" * 1_000_000}}
    data["metadata"]["widgets"] = {"state": {"outputs": ["b" * 1_000_000]}}
    path = put(tmp_path / "big.ipynb", data)
    size = path.stat().st_size
    assert size > 30e6
    tracemalloc.start()
    found = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.code == ["q1 = 1", 'x = {"outputs": [1]}']
    assert peak < size / 10
    small = json.dumps(data).encode()
    assert json.loads(submissions.without_outputs(small))["cells"][0]["outputs"] == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"# %% python script", "not a notebook"),
        (b'{"cells": ' + b"[" * 100_000, "too deeply"),
        (b'{"cells": ' + b"1" * 10_000 + b"}", "too large"),
        (b'{"cells": 3}', "no cells"),
        (b"[]", "not a notebook"),
        (b'{"cells": [' + b"{}," * 3_000 + b"{}]}", "cells"),
        (b'{"cells": [{"outputs": ' + b"[" * 4_000_000, "too many parts"),
        (b'{"cells": ["' + b'\\"' * 2_000_000, "not a notebook"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_notebook_gets_one_plain_line(tmp_path, content, words):
    path = tmp_path / "bad.ipynb"
    path.write_bytes(content)
    with pytest.raises(SubmissionError, match=words) as problem:
        read(path)
    assert "\n" not in str(problem.value)


def test_odd_cells_are_left_out_and_said_so(tmp_path):
    data = notebook("q1 = 1")
    data["cells"] += [None, "text", {"cell_type": "code", "source": 7}, {"cell_type": "code", "source": [["q1"]]}]
    data["cells"][0]["metadata"] = {"course": ["x"], "nbgrader": "y"}
    data["metadata"] = {"course": {"student": 5, "version": "\ud800"}}
    found = read(put(tmp_path / "odd.ipynb", data))
    assert found.code == ["q1 = 1"]
    assert "4 cells" in found.remarks[0]
    assert found.course == {"version": "?"}
