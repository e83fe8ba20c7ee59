"""What an installer, Binder and a citing reader rely on: the files at the top of the repository agree."""

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
RECOMPILE = "run `make requirements`"


def pins(name: str) -> dict[str, list[Requirement]]:
    """Pinned requirements of a requirements file by package; a package may have one pin for each Python."""
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if re.match(r"[A-Za-z0-9]", line):
            requirement = Requirement(line.rstrip(" \\"))
            found.setdefault(requirement.name, []).append(requirement)
    return found


def version(pin: Requirement) -> str:
    return str(pin.specifier).removeprefix("==")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture
def conda(monkeypatch):
    """The buildpack that repo2docker's own list of buildpacks picks for this repository."""
    repo2docker = pytest.importorskip("repo2docker.app")
    monkeypatch.chdir(ROOT)
    app = repo2docker.Repo2Docker()
    packs = (kind(app.base_image) for kind in [*app.buildpacks, app.default_buildpack])
    picked = next(pack for pack in packs if pack.detect())
    picked.platform = "linux/amd64"
    return picked


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_pinned_with_hashes_and_name_no_index_or_machine(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"https?:|file:|--(?:extra-)?index-url|--find-links|/(?:home|root|tmp|work)/", text)
    blocks = [block for block in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE) if block.strip()]
    assert len(blocks) > 100
    loose = [block.split()[0] for block in blocks if "==" not in block.split()[0] or "--hash=sha256:" not in block]
    assert not loose


@pytest.mark.parametrize(
    ("name", "groups"),
    [("requirements.txt", ["build"]), ("requirements-dev.txt", sorted(EXTRAS))],
    ids=["student", "dev"],
)
def test_requirements_hold_what_pyproject_asks_for(name, groups):
    wanted = [*PROJECT["dependencies"], *(line for group in groups for line in EXTRAS[group])]
    pinned = pins(name)
    for requirement in map(Requirement, wanted):
        found = pinned.get(normal(requirement.name))
        assert found, f"{name} lacks {requirement.name}: {RECOMPILE}"
        outside = [str(pin) for pin in found if version(pin) not in requirement.specifier]
        assert not outside, f"{name} pins {outside}, pyproject.toml asks for {requirement}: {RECOMPILE}"


def test_development_pins_are_the_students_pins():
    student, dev = pins("requirements.txt"), pins("requirements-dev.txt")
    other = [name for name in student if set(map(version, student[name])) != set(map(version, dev.get(name, [])))]
    assert not other, f"{RECOMPILE}"


def test_students_packages_take_at_most_450_mb():
    """Counted in blocks on the disk where the tests run, without bytecode: `make lab` lets Python write that on use."""
    size = 0
    for name in pins("requirements.txt"):
        try:
            files = importlib.metadata.files(name) or []
        except importlib.metadata.PackageNotFoundError:  # pinned for another system or Python
            continue
        paths = (Path(file.locate()) for file in files if file.suffix != ".pyc")
        size += sum(os.stat(path).st_blocks * 512 for path in paths if path.is_file())
    assert 200e6 < size <= 450e6


def test_binder_takes_environment_yml_and_keeps_the_built_environment(conda):
    """repo2docker installs before it copies the repository only when environment.yml names no local file."""
    assert type(conda).__name__ == "CondaBuildPack"
    assert (conda.environment_yaml_path, conda.python_version) == ("environment.yml", "3.12")
    assert not conda.separate_kernel_env
    dockerfile = conda.render()
    install, copied = dockerfile.index("env update"), dockerfile.index("COPY --chown=1000:1000 src/ ")
    assert install < copied < dockerfile.index("RUN ./postBuild")


def test_binder_can_run_post_build():
    assert os.access(ROOT / "postBuild", os.X_OK)
    subprocess.run(["bash", "-n", ROOT / "postBuild"], check=True)
    commands = (ROOT / "postBuild").read_text(encoding="utf-8")
    assert re.search(r"^pip install .*--no-deps .*\.$", commands, flags=re.MULTILINE), (
        "Binder does not install the package itself"
    )


def test_environment_yml_pins_what_requirements_pin():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    listed = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    student = [str(pin) for found in pins("requirements.txt").values() for pin in found]
    notebook = [str(pin) for pin in pins("requirements-dev.txt")["notebook"]]
    assert [str(Requirement(line)) for line in listed] == student + notebook, RECOMPILE
    assert environment["channels"] == ["conda-forge"]


def test_citation_and_package_are_the_same_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"] == "MIT"
    installed = importlib.metadata.version(PROJECT["name"])
    assert installed == PROJECT["version"], "the installed package is older: delete .venv/.dev and run `make test`"


def test_course_command_answers_without_the_heavy_libraries():
    seen = "import sys, helpers.cli; print([m for m in ('pandas', 'plotly', 'papermill', 'frictionless') if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
