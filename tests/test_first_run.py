"""The first hour of somebody new: what README leads to, the lesson template, and (FIRST_RUN=1) a new environment as on Binder."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from helpers import checking, running

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
LIMIT = 1 << 30
needs_first_run = pytest.mark.skipif(
    not os.environ.get("FIRST_RUN"), reason="sets up a new environment from the network: FIRST_RUN=1 runs it"
)


def places(text: str) -> dict[str, str]:
    """The table "you want to change | file": {what: file}."""
    return {what.strip(): file for what, file in re.findall(r"(?m)^\| ([^|`]+) \| \[?`([^`]+)`", text)}


def test_readme_says_where_colours_wording_and_questions_are_changed():
    found = places(README)
    assert found["the colours of the figures"] == "src/helpers/figures/colours.py"
    assert found["a claim's wording"] == "data/claims.csv"
    assert found["a lesson's question"] == "notebooks/03-agreement-terms.ipynb"
    assert all((ROOT / file).is_file() for file in found.values()), found


def test_each_of_the_three_stands_in_one_file_only():
    def files(text, *folders):
        paths = [p for f in folders for p in (ROOT / f).rglob("*") if p.suffix in {".py", ".csv", ".ipynb", ".md"}]
        return {p.relative_to(ROOT).as_posix() for p in paths if text in sources(p)}

    colour = re.compile(r"""["']#[0-9A-Fa-f]{6}["']|rgba\(\d+, [1-9]""")
    coloured = {p.name for p in (ROOT / "src/helpers/figures").glob("*.py") if colour.search(sources(p))}
    assert coloured == {"colours.py"}
    sentence = "would have made the frontier of Mesopotamia follow mainly the northern boundary"
    made = {"notebooks/evidence/H.md"}  # `course appendix` writes it
    assert files(sentence, "data", "notebooks", "src") - made == {"data/claims.csv"}
    for lesson in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        first = sources(lesson)
        asked = (
            re.search(r"\*\*The question of this lesson:\*\* (.+)", first)[1].strip(),
            re.search(r": (.+)", first)[1],
        )
        for question in asked:
            assert files(question, "notebooks", "src", "teaching") == {lesson.relative_to(ROOT).as_posix()}
            assert question not in README


def sources(path: Path) -> str:
    """A file's text; of a notebook what its author wrote, since outputs are made."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])


def test_the_guide_names_only_commands_and_files_that_exist():
    from helpers.cli import main

    commands = set(re.findall(r"`course ([a-z]+)", GUIDE)) | set(re.findall(r"(?m)^ {4}course ([a-z]+)", GUIDE))
    assert {"check", "appendix", "store"} <= commands <= set(main.commands)
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    assert set(re.findall(r"(?:`| {4})make ([a-z-]+)", GUIDE)) <= targets
    named = re.findall(r"\]\(((?!https?:)[^)#]+)\)", GUIDE)
    assert named and all((ROOT / name).exists() for name in named), [n for n in named if not (ROOT / n).exists()]


@pytest.fixture
def sixth(tmp_path):
    """A course with a sixth lesson, made from the template as CONTRIBUTING.md says."""
    shutil.copytree(ROOT / "data", tmp_path / "data", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "notebooks" / "evidence", tmp_path / "notebooks" / "evidence")
    template, lessons = ROOT / "notebooks" / "template", tmp_path / "notebooks"
    text = (template / "lesson.ipynb").read_text(encoding="utf-8").replace("lesson.ipynb", "06-dates.ipynb")
    (lessons / "06-dates.ipynb").write_text(
        text.replace("quizzes/lesson.toml", "quizzes/06-dates.toml"), encoding="utf-8"
    )
    (lessons / "quizzes").mkdir()
    shutil.copy(template / "quizzes" / "lesson.toml", lessons / "quizzes" / "06-dates.toml")
    return tmp_path


def test_the_lesson_template_runs_and_passes_the_checks_of_a_lesson(sixth):
    lines = []
    assert checking.run(sixth / "data", sixth / "notebooks", echo=lines.append) == 0, lines
    assert running.check(sixth / "notebooks", echo=lines.append) == [], lines
    (page,) = running.build(sixth / "notebooks", sixth / "out", only="06-dates", html=False, echo=lines.append)[-1:]
    text = sources(sixth / "notebooks" / "06-dates.ipynb")
    parts = ["question of this lesson", "you can", "Time:", "statements=", "Discuss", "explore.", "change your mind?"]
    parts += ["lesson.quiz", "lesson.scorecard", "lesson.evidence_used", "## Further reading"]
    at = [text.index(part) for part in parts]
    assert at == sorted(at), "the parts stand in the order of a lesson"


def test_the_template_is_no_lesson():
    from helpers.running.notebooks import find_lessons

    assert [path.stem[:2] for path in find_lessons(ROOT / "notebooks")] == ["00", "01", "02", "03", "04", "05"]


def works(python: str) -> str | None:
    """The command's path, if it is there and runs: a version manager's stand-in may do neither."""
    path = shutil.which(python)
    return path if path and subprocess.run([path, "-c", ""], capture_output=True).returncode == 0 else None


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A copy of what git knows, and a new environment for it: environment.yml's own pip list, then postBuild's lines."""
    folder = tmp_path_factory.mktemp("binder")
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in names.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / "course" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / "course" / name)
    described = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    wanted = next(entry for entry in described if str(entry).startswith("python=")).replace("=", "")
    listed = next(entry["pip"] for entry in described if isinstance(entry, dict))
    (folder / "list.txt").write_text("\n".join(listed), encoding="utf-8")
    began = time.perf_counter()
    subprocess.run([works(wanted) or sys.executable, "-m", "venv", folder / "env"], check=True)
    binaries = folder / "env" / "bin"
    subprocess.run([binaries / "pip", "install", "--quiet", "-r", folder / "list.txt"], check=True)
    path = f"{binaries}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["bash", "postBuild"], cwd=folder / "course", env={**os.environ, "PATH": path}, check=True)
    return folder, time.perf_counter() - began


@needs_first_run
def test_every_lesson_runs_in_a_new_environment_in_1_gb_without_a_network(environment):
    if not shutil.which("bwrap"):
        pytest.fail("bubblewrap takes the network away: install it (Debian: apt-get install bubblewrap)")
    folder, seconds = environment
    inside = ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent"]
    command = [folder / "env" / "bin" / "python", ROOT / "tests" / "first_run.py", folder / "course", str(LIMIT)]
    home = folder / "home"
    home.mkdir()
    clean = {"HOME": str(home), "PATH": f"{folder / 'env' / 'bin'}:/usr/bin:/bin", "LANG": "C.UTF-8"}
    done = subprocess.run([*inside, *command], env=clean, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    python = subprocess.run([command[0], "--version"], capture_output=True, text=True).stdout.strip()
    print(
        f"\n{python}, set up in {seconds:.0f} s; JupyterLab answers after {found['server_s']} s with {found['server_mb']} MB"
    )
    for row in found["lessons"]:
        print(
            f"{row['lesson']}: first figure {row['first_figure_s']} s, whole {row['whole_s']} s, peak {row['peak_mb']} MB"
        )
    assert found["network"] is False
    assert len(found["lessons"]) == 6
    assert all(row["first_figure_s"] and row["first_figure_s"] < 60 for row in found["lessons"])
    assert max(row["peak_mb"] for row in found["lessons"]) < LIMIT / 1e6
