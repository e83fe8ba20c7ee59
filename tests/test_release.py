"""The students' package works alone and offline, and whatever is the teacher's is found before it goes out."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import tiny_exercise

from helpers.exercises import leaks, master, release, variants

ROOT = Path(__file__).parents[1]
KEY = bytes(range(7, 39))

OFFLINE = """
import json, os, socket, sys
def refuse(*given, **more):
    raise OSError("the network was asked for")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import helpers
assert helpers.__file__.startswith(os.environ["PACKAGE"]), helpers.__file__
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        shell.run_cell("".join(cell["source"])).raise_error()
"""


@pytest.fixture(scope="module")
def masters():
    return [master.read(folder) for folder in master.find(ROOT / "exercises")]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The real students' package, made while a course's key stands beside it."""
    folder = tmp_path_factory.mktemp("students")
    variants.make_key(folder / "course-key")
    return release.release(folder / "package", root=ROOT, tested=True, echo=lambda line: None)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return master.read(tiny_exercise.make(tmp_path_factory.mktemp("exercises")))


@pytest.fixture
def folder(tmp_path, tiny):
    """A small package without a leak."""
    target = tmp_path / "out" / "exercises"
    target.mkdir(parents=True)
    nbformat.write(release.released_notebook(tiny), target / "tiny.ipynb")
    (tmp_path / "out" / "README.md").write_text("Tasks of 20 and 60 points, years 1984 to 2019.\n")
    return tmp_path / "out"


def kinds(folder, tiny):
    return {(leak.file, leak.kind) for leak in leaks.search(folder, [tiny], keys=[KEY])}


# --- the real package ---


def test_the_package_has_what_a_student_needs_and_nothing_else(package, masters):
    files = set(package.files)
    assert {"README.md", "LICENSE", "LICENSE-TEXT", "environment.yml", "requirements.txt", "pyproject.toml"} <= files
    assert {f"exercises/{e.id}/{e.id}.ipynb" for e in masters} == {f for f in files if f.startswith("exercises/")}
    assert {"notebooks/01-history.ipynb", "data/claims.csv", "src/helpers/exercises/checking.py"} <= files
    kept = [
        f for f in files if re.match(r"(tests|teaching|\.|src/helpers/(classroom|site))|.*(master|variants)\.py", f)
    ]
    assert kept == [] and "course-key" not in str(files)
    wing = {Path(f).name for f in files if f.startswith("src/helpers/exercises/")}
    assert wing == {"__init__.py", "answers.py", "checking.py"}
    links = re.findall(r"\]\((?!http)([^)]+)\)", (package.out / "README.md").read_text(encoding="utf-8"))
    assert len(links) > 8 and all((package.out / link).is_file() for link in links)


def test_released_exercises_run_unsolved_offline_with_the_package_alone(package, masters, tmp_path):
    (tmp_path / "run.py").write_text(OFFLINE)
    environment = os.environ | {"PACKAGE": str(package.out), "PYTHONPATH": str(package.out / "src")}
    environment |= {"IPYTHONDIR": str(tmp_path / "ipython")}
    for exercise in masters:
        path = package.out / "exercises" / exercise.id / f"{exercise.id}.ipynb"
        nbformat.validate(nbformat.read(path, as_version=4))
        done = subprocess.run(
            [sys.executable, tmp_path / "run.py", path],
            cwd=path.parent,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        for question in exercise.computed:
            assert f"{question.id}: not answered yet" in done.stdout, (exercise.id, question.id)


def test_the_packages_makefile_has_a_students_targets(package):
    def make(*target):
        return subprocess.run(["make", "-n", *target], cwd=package.out, capture_output=True, text=True)

    assert make("lab").returncode == 0 and make("check").returncode == 0, make("lab").stderr
    assert make("test").returncode != 0
    told = subprocess.run(["make", "help"], cwd=package.out, capture_output=True, text=True).stdout
    assert "make lab" in told and "make test" not in told


def test_no_leak_in_the_real_package_and_each_planted_answer_of_a_real_exercise_is_found(package, masters, tmp_path):
    assert leaks.search(package.out, masters, public=ROOT) == []
    for exercise in masters:
        answers = variants.expected(exercise)
        for question in exercise.computed:
            answer = answers[question.id]
            if answer["type"] == "table":
                text = pd.DataFrame(answer["rows"], columns=answer["columns"]).to_csv(index=False)
            else:
                text = f"{question.id} = {json.dumps(answer.get('value', answer.get('values')))}"
            place = tmp_path / exercise.id / question.id
            place.mkdir(parents=True)
            (place / "notes.md").write_text(text, encoding="utf-8")
            (place / "cell.py").write_text(solution(exercise, question), encoding="utf-8")
            found = {(leak.file, leak.kind) for leak in leaks.search(place, [exercise], sample=0)}
            assert ("notes.md", "expected answer") in found, (exercise.id, question.id, text[:300])
            assert ("cell.py", "solution") in found, (exercise.id, question.id)


def solution(exercise, question):
    """The solution's lines, indented otherwise and with other quotation marks."""
    source = master.cells(exercise.notebook, grade_id=question.cell)[0].source
    inner = source.partition(master.BEGIN_SOLUTION)[2].partition(master.END_SOLUTION)[0]
    return "def answer():\n" + "".join(f"    {line}\n" for line in inner.replace('"', "'").split("\n"))


# --- planted leaks ---


def test_a_clean_folder_is_clean(folder, tiny):
    assert leaks.search(folder, [tiny], keys=[KEY]) == []


@pytest.mark.parametrize("marker", leaks.MARKERS)
def test_markers_are_found(folder, tiny, marker):
    (folder / "page.html").write_text(f"<pre>{marker}</pre>")
    assert ("page.html", "marker") in kinds(folder, tiny)


def test_lines_of_solution_test_and_grader_are_found_in_cells_outputs_metadata_and_archives(folder, tiny):
    path = folder / "exercises" / "tiny.ipynb"
    clean = path.read_text(encoding="utf-8")

    def planted(change):
        notebook = nbformat.reads(clean, as_version=4)
        change(notebook)
        nbformat.write(notebook, path)
        return {kind for _, kind in kinds(folder, tiny)}

    line = "q1 = chosen_years.sort_values( 'deaths', ascending=False ).reset_index(drop=True)"
    test = 'assert sorted(q1["deaths"]) == sorted(wanted_deaths), "other rows were wanted"'
    output = nbformat.v4.new_output("stream", text=test)
    assert planted(lambda nb: nb.cells[0].update(source=f"Try this:\n{line}")) == {"solution"}
    assert planted(lambda nb: nb.cells[1].update(outputs=[output])) == {"hidden test"}
    assert planted(lambda nb: nb.cells[1].metadata.update(note={"deep": [line]})) == {"solution"}
    assert planted(lambda nb: nb.metadata.update(grader="The minister has a case, and so has the village.")) == {
        "note for the grader"
    }
    path.write_text(clean, encoding="utf-8")
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr("old/tiny.py", line)
    assert kinds(folder, tiny) == {("more.zip/old/tiny.py", "solution")}


@pytest.mark.parametrize("draws", [None, {"start_year": 1997, "place": "Metina"}])
@pytest.mark.parametrize(
    "spell",
    [
        lambda t: t.to_csv(index=False),
        lambda t: t.to_csv(sep=";"),
        lambda t: t.to_json(),
        lambda t: t.to_json(orient="records", indent=1),
        lambda t: t.to_json(orient="values"),
        lambda t: t.to_string(),
        lambda t: t.to_html(index=False),
        lambda t: repr(t.to_dict("list")),
        lambda t: str(list(t["deaths"])),
        lambda t: "The deaths are " + ", ".join(f"{n:,}" for n in t["deaths"]) + ".",
    ],
    ids=["csv", "csv-index", "json", "json-records", "json-values", "printed", "html", "dict", "list", "prose"],
)
def test_expected_tables_are_found_in_any_spelling_for_any_variant_searched(folder, tiny, spell, draws, monkeypatch):
    if draws:
        monkeypatch.setattr(leaks, "_sampled", lambda exercise, sample: iter([draws]))
    answer = variants.expected(tiny, draws)["q1"]
    (folder / "hint.txt").write_text(spell(pd.DataFrame(answer["rows"], columns=answer["columns"])))
    assert ("hint.txt", "expected answer") in kinds(folder, tiny)


@pytest.mark.parametrize(
    "text", ["q2 = {0:.2f}", "'q2': {0!r}", "assert q2 == {0:.3f}", "about {0:.6f}", "q2: {1:.1f} %", "{1:.4f}"]
)
def test_expected_numbers_are_found(folder, tiny, text):
    value = variants.expected(tiny)["q2"]["value"]
    (folder / "hint.md").write_text(text.format(value, 100 * value))
    assert kinds(folder, tiny) == {("hint.md", "expected answer")}


def test_other_numbers_are_no_leak(folder, tiny):
    (folder / "text.md").write_text(
        "q2 = 0.9, about 0.31, rows [1985, 1986, 1987, 1988, 1989, 1990], q2 has 20 points\n"
    )
    assert kinds(folder, tiny) == set()


@pytest.mark.parametrize(
    "content",
    [
        KEY,
        KEY.hex().encode(),
        KEY.hex().upper().encode(),
        base64.b64encode(KEY),
        base64.urlsafe_b64encode(KEY).rstrip(b"="),
    ],
    ids=["bytes", "hex", "HEX", "base64", "urlsafe"],
)
def test_the_key_is_found_in_any_spelling(folder, tiny, content):
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n" + content + b"\x00")
    assert kinds(folder, tiny) == {("picture.png", "key")}


@pytest.mark.parametrize("name", ["course-key", "variants-tiny.csv", "exercise.toml", "gradebook.db", "grades.csv"])
def test_the_teachers_files_are_found_by_name(folder, tiny, name):
    (folder / "exercises" / name).write_text("")
    assert kinds(folder, tiny) == {(f"exercises/{name}", "file")}


def test_what_cannot_be_searched_is_told(folder, tiny):
    (folder / "old.pyc").write_bytes(b"\xa7\r\r\n\x00\xff\xfe")
    (folder / "link.txt").symlink_to(ROOT / "exercises")
    assert kinds(folder, tiny) == {("old.pyc", "file"), ("link.txt", "link")}


# --- making it ---


@pytest.fixture
def course(tmp_path):
    """A small course of its own, with one exercise."""
    root = tmp_path / "course"
    tiny_exercise.make(root / "exercises")
    for name in (*release.FILES, *release.STUDENTS_HELPERS, "src/helpers/__init__.py", "Makefile"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, root / name)
    for name in ("notebooks", "data"):
        (root / name).mkdir()
    (root / "data" / "claims.csv").write_text("claim_id\nH-001\n")
    shutil.copyfile(ROOT / "notebooks" / "01-history.ipynb", root / "notebooks" / "01-history.ipynb")
    return root


def test_no_package_is_made_when_something_would_leak(course, tmp_path):
    out = tmp_path / "out"
    (course / "data" / "notes.md").write_text(tiny_exercise.SOLUTION_1)
    with pytest.raises(release.ReleaseError, match=r"data/notes\.md: solution"):
        release.release(out, root=course, tested=True, echo=lambda line: None)
    assert not out.exists() and not list(tmp_path.glob(".out*"))


def test_a_folder_that_is_no_package_is_never_replaced(course, tmp_path):
    out = tmp_path / "out"

    def made(**options):
        return release.release(out, root=course, tested=True, echo=lambda line: None, **options)

    first = made()
    with pytest.raises(release.ReleaseError, match="--force replaces it"):
        made()
    (out / "old.txt").write_text("")
    assert made(force=True).files == first.files and not (out / "old.txt").exists()
    (out / release.MARK).unlink()
    with pytest.raises(release.ReleaseError, match="no earlier package"):
        made(force=True)
    with pytest.raises(release.ReleaseError, match="the course itself"):
        release.release(course, root=course, force=True)
    with pytest.raises(release.ReleaseError, match="no exercise 'ex9'. Exercises: tiny"):
        release.release(tmp_path / "new", root=course, only=["ex9"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["course", "out"]


def test_an_authors_leftovers_do_not_go_in(course, tmp_path):
    for name in ("notebooks/.ipynb_checkpoints/01.ipynb", "data/.secret", "src/helpers/__pycache__/a.pyc", "notes.txt"):
        (course / name).parent.mkdir(exist_ok=True)
        (course / name).write_text("x")
    (course / "data" / "link.csv").symlink_to("/etc/hostname")
    files = release.release(tmp_path / "out", root=course, tested=True, echo=lambda line: None).files
    assert not [f for f in files if re.search(r"checkpoint|secret|pyc|notes|link", f)]
