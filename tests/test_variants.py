"""Each student's own notebook: the same at every run, another than the neighbours', and nobody else can tell which."""

import json
import os
import stat
import subprocess
import sys
import time
from dataclasses import replace

import nbformat
import pytest
import tiny_exercise

from helpers.exercises import ExerciseError, master, roster, variants

KEY = bytes(range(32))
silent = {"echo": lambda line: None}


@pytest.fixture
def exercise(tmp_path):
    return master.read(tiny_exercise.make(tmp_path / "exercises"))


def class_of(tmp_path, ids):
    path = tmp_path / "roster.csv"
    path.write_text("id,name\n" + "".join(f"{i},Name of {i}\n" for i in ids), encoding="utf-8")
    return roster.read(path)


def snapshot(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_key_is_private_random_and_never_replaced(tmp_path):
    path = tmp_path / "course-key"
    key = variants.make_key(path)
    assert len(key) == 32 and variants.read_key(path) == key != variants.make_key(tmp_path / "other")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(variants.VariantError, match="a key already"):
        variants.make_key(path)
    assert variants.read_key(path) == key


@pytest.mark.skipif(os.name != "posix", reason="file modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_can_reach_is_refused_with_the_command_that_mends_it(tmp_path, mode):
    path = tmp_path / "a folder" / "course-key"
    key = variants.make_key(path)
    path.chmod(mode)
    with pytest.raises(variants.VariantError) as error:
        variants.read_key(path)
    command = str(error.value).partition("Run: ")[2]
    subprocess.run(command, shell=True, check=True)
    assert variants.read_key(path) == key


@pytest.mark.parametrize("text", ["", "secret\n", "ab" * 31, "zz" * 32])
def test_a_damaged_key_is_refused(tmp_path, text):
    path = tmp_path / "course-key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(variants.VariantError, match="not a course's key"):
        variants.read_key(path)


def test_a_draw_depends_on_key_student_exercise_and_version_and_on_nothing_else(exercise):
    names = [f"s{n}" for n in range(200)]

    def drawn(exercise=exercise, key=KEY):
        return [variants.draw(exercise, name, key) for name in names]

    assert drawn() == drawn()
    # A fixed example: another way of drawing would change the notebooks of a running course.
    assert variants.draw(exercise, "s0", KEY) == {"start_year": 2009, "place": "Metina"}
    for other in (drawn(key=b"x" * 32), drawn(replace(exercise, version="2")), drawn(replace(exercise, id="other"))):
        same = sum(a == b for a, b in zip(drawn(), other, strict=True))
        assert same < 20, "of 90 variants, about one in 90 may agree by chance"
    places = [draws["place"] for draws in drawn()]
    assert min(places.count(place) for place in exercise.draws["place"]) > 40, "choices are drawn about equally often"


def test_neighbours_differ_in_every_draw_and_keep_their_variant_when_somebody_joins(exercise):
    ids = [f"s{n}" for n in range(300)]
    first = variants.draw_all(exercise, ids, KEY)
    for a, b in zip(ids, ids[1:], strict=False):
        assert all(first[a].draws[name] != first[b].draws[name] for name in exercise.draws), (a, b)
    joined = [i for n, old in enumerate(ids) for i in (f"new{n}", old)]
    second = variants.draw_all(exercise, joined, KEY, first)
    assert all(second[i] == first[i] for i in ids)
    assert variants.alike_neighbours(second) == []


def test_too_few_variants_for_neighbours_to_differ_are_refused(exercise):
    small = replace(exercise, draws={"place": ("Zap", "Gara")})
    with pytest.raises(variants.VariantError, match="2 variants are too few"):
        variants.draw_all(small, ["a", "b"], KEY)
    three = replace(exercise, draws={"place": ("Zap", "Gara", "Metina")})
    drawn = variants.draw_all(three, [str(n) for n in range(50)], KEY)
    assert variants.alike_neighbours(drawn) == []


def test_assign_writes_each_student_a_notebook_of_their_own(tmp_path, exercise):
    ids = ["ayse", "李-3", "zoe@example.edu"]
    done = variants.assign(exercise, class_of(tmp_path, ids), tmp_path / "class" / "out", **silent)
    assert done.written == tuple(ids)
    assert {p.name for p in done.out.iterdir()} == {f"tiny_{i}.ipynb" for i in ids}, "no key, no table, no left-overs"
    assert done.key == tmp_path / "class" / "course-key" and done.table.parent == done.key.parent
    assert {stat.S_IMODE(p.stat().st_mode) for p in (done.key, done.table)} == {0o600}
    key = variants.read_key(done.key)
    drawn = variants.variants_of(exercise, ids, done.key)
    for i in ids:
        notebook = nbformat.read(done.out / f"tiny_{i}.ipynb", as_version=4)
        nbformat.validate(notebook)
        course = notebook.metadata.course
        assert (course.exercise, course.version, course.student) == ("tiny", "1", i)
        assert variants.token_owner(course.token, "tiny", ids, key) == i
        tags = [cell.metadata.get("tags", []) for cell in notebook.cells]
        place = tags.index(["injected-parameters"])
        assert place == tags.index(["parameters"]) + 1
        space = {}
        exec(notebook.cells[place].source, space)
        assert {name: space[name] for name in exercise.draws} == drawn[i].draws
        text = (done.out / f"tiny_{i}.ipynb").read_text(encoding="utf-8")
        assert "SOLUTION" not in text and "HIDDEN" not in text and key.hex() not in text and "papermill" not in text
    assert variants.token_owner("Ünsinn", "tiny", ids, key) is None
    assert variants.token("other", "ayse", key) != variants.token("tiny", "ayse", key)


def test_a_second_run_changes_nothing_and_never_overwrites(tmp_path, exercise):
    out, ids = tmp_path / "out", ["a", "b", "c"]
    variants.assign(exercise, class_of(tmp_path, ids), out, **silent)
    before = snapshot(out)
    (out / "tiny_b.ipynb").write_text("a teacher's note")
    again = variants.assign(exercise, class_of(tmp_path, ["new", *ids]), out, **silent)
    assert (again.written, again.kept, again.differing) == (("new",), ("a", "c"), ("b",))
    assert (out / "tiny_b.ipynb").read_text() == "a teacher's note"
    variants.assign(exercise, class_of(tmp_path, ["new", *ids]), out, force=True, **silent)
    after = snapshot(out)
    assert {name: after[name] for name in before} == before, "who was there keeps variant and token, to the byte"


def test_a_killed_run_goes_on_where_it_was(tmp_path, exercise):
    ids = [f"s{n}" for n in range(150)]
    out, whole = tmp_path / "out", tmp_path / "whole"
    people = class_of(tmp_path, ids)
    program = (
        "import sys; from helpers.exercises import master, variants\n"
        f"variants.assign(master.read({str(exercise.folder)!r}), {str(people.path)!r}, {str(out)!r}, tested=True)"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while time.monotonic() < end and not (out.exists() and len(list(out.glob("tiny_*.ipynb"))) > 20):
        time.sleep(0.005)
    process.kill()
    process.wait()
    there = snapshot(out)
    done = {name for name in there if name.startswith("tiny_")}
    assert 20 < len(done) < 150, "killed in the middle"
    for name in done:
        json.loads(there[name])
    result = variants.assign(exercise, people, out, key_file=tmp_path / "course-key", tested=True, **silent)
    assert len(result.kept) == len(done) and not result.differing
    variants.assign(exercise, people, whole, key_file=tmp_path / "course-key", tested=True, **silent)
    assert snapshot(out) == snapshot(whole)


def test_a_lost_or_other_key_and_changed_choices_are_noticed(tmp_path, exercise):
    out, people = tmp_path / "out", class_of(tmp_path, ["a", "b", "c"])
    done = variants.assign(exercise, people, out, **silent)
    kept = done.key.read_bytes()
    done.key.unlink()
    with pytest.raises(variants.VariantError, match="the key is gone"):
        variants.assign(exercise, people, out, **silent)
    variants.make_key(done.key)
    with pytest.raises(variants.VariantError, match="not the draws of this key"):
        variants.assign(exercise, people, out, **silent)
    done.key.write_bytes(kept)
    fewer = {"years": tiny_exercise.YEARS[::-1]}
    changed = master.read(tiny_exercise.make(tmp_path / "changed", **fewer))
    with pytest.raises(variants.VariantError, match="raise its version"):
        variants.assign(changed, people, out, **silent)
    raised = master.read(tiny_exercise.make(tmp_path / "changed", version="2", **fewer))
    new = variants.assign(raised, people, out, **silent)
    assert new.differing == ("a", "b", "c"), "notebooks of version 1 are not overwritten"
    assert variants.variants_of(exercise, ["a"], done.key)["a"].version == "1", "version 1 can still be graded"
    assert variants.variants_of(raised, ["a"], done.key)["a"].version == "2"


def test_grading_is_told_who_was_never_assigned(tmp_path, exercise):
    done = variants.assign(exercise, class_of(tmp_path, ["a", "b"]), tmp_path / "out", **silent)
    with pytest.raises(
        variants.VariantError, match="no variant of tiny, version 1, for late. Run `course assign tiny`"
    ):
        variants.variants_of(exercise, ["a", "late"], done.key)


def test_nothing_is_written_for_a_faulty_master_roster_or_place(tmp_path, exercise):
    out = tmp_path / "out"
    with pytest.raises(roster.RosterError):
        variants.assign(exercise, class_of(tmp_path, ["a", "A"]), out, **silent)
    notebook = exercise.notebook.copy()
    broken = replace(exercise, questions=exercise.questions[:1], notebook=notebook)
    with pytest.raises(variants.VariantError, match="cannot be handed out yet"):
        variants.assign(broken, class_of(tmp_path, ["a"]), out, **silent)
    with pytest.raises(variants.VariantError, match="among the students' notebooks"):
        variants.assign(exercise, class_of(tmp_path, ["a"]), out, key_file=out / "course-key", **silent)
    with pytest.raises(ExerciseError, match=r"no exercise\.toml"):
        variants.assign("ex99", class_of(tmp_path, ["a"]), out, **silent)
    assert not out.exists() and not (tmp_path / "course-key").exists()


def test_expected_answers_are_computed_once_for_each_distinct_variant(exercise, monkeypatch):
    runs = []
    real = variants.reference
    monkeypatch.setattr(variants, "reference", lambda *given: runs.append(given) or real(*given))
    first = variants.expected(exercise, {"start_year": 1990, "place": "Gara"})
    again = variants.expected(exercise, {"place": "Gara", "start_year": 1990})
    other = variants.expected(exercise, {"start_year": 1991, "place": "Gara"})
    assert first is again and len(runs) == 2
    rows = sorted(first["q1"]["rows"])
    assert rows == [[year, (7919 * (year - 1984) ** 2) % 4001] for year in range(1990, 1996)]
    assert other["q1"] != first["q1"] and set(first) == {"q1", "q2"}


def test_three_hundred_students_take_seconds(tmp_path, exercise):
    people = class_of(tmp_path, [f"s{n}" for n in range(300)])
    began = time.perf_counter()
    done = variants.assign(exercise, people, tmp_path / "out", **silent)
    took = time.perf_counter() - began
    assert len(done.written) == 300
    assert took < 30, f"{took:.1f} s"
