"""The cheating set through ``nbgrader autograde``, beside the sandbox: a Markdown table of what each lets by.

    python tests/hostile/against_nbgrader.py [--only NAME] [--workers 2] [--out FILE]

Each attack gets a bubblewrap of its own without network, with a throw-away course in memory, a stand-in for the machine's
accounts, limits on processes, memory and time, and a copy of the tables and helpers that its user may write, as a
teacher's are. So nothing reaches this machine, and what nbgrader lets happen can be counted. nbgrader runs with its defaults
but for a limit of 8 s per cell. It counts as held up when one attack takes longer, twice, than 30 s and five honest
submissions together. By hand or from the bench; not a test, as it measures another program.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from hostile import cases

WORK = Path("/course/work")
FIRST_WALL_SECONDS = 240
CELL_SECONDS = 8
HELD_UP = "held up until killed"
NO_RESULT = "no result"
POINTS = 10


def rows(only: Iterable[str] = (), workers: int = 2, echo=lambda text: None) -> list[dict]:
    """Run the set both ways; one dict per attack: name, tries, nbgrader (what got through, list), points, nbgrader_seconds,
    sandbox (status), sandbox_seconds, sandbox_let_by (list, to be empty). The last row is an honest submission.
    """
    from helpers import evidence
    from helpers.exercises import sandbox

    honest = cases.Case("(an honest submission)", "answer the task", cases.HONEST, {"status": ["ok"]})
    chosen = [case for case in cases.load() if not only or case.name in only]
    answer = len(evidence.load().claims)
    with tempfile.TemporaryDirectory() as folder:
        accounts = Path(folder, "passwd")
        accounts.write_text(f"root:x:0:0:{cases.SECRET}:/root:/bin/sh\nstudent:x:1000:1000::{WORK}:/bin/sh\n")
        course = _inside({"do": "build", "answer": answer}, accounts, FIRST_WALL_SECONDS)["course"]

        def one(case: cases.Case, wall: float) -> dict:
            echo(case.name)
            job = {"do": "grade", "course": course, "name": case.name, "answer": answer, "honest": case is honest}
            graded = _inside({**job, "wall": wall}, accounts, wall + 15)
            if HELD_UP in graded["through"]:  # or was the machine busy?
                graded = _inside({**job, "wall": wall}, accounts, wall + 15)
            return graded

        fair = one(honest, FIRST_WALL_SECONDS)
        wall = 30 + 5 * fair["seconds"]
        with ThreadPoolExecutor(workers) as pool:
            graded = [*pool.map(lambda case: one(case, wall), chosen), fair]
        places = cases.lay_out(Path(folder, "teacher"), answer)
        limits = sandbox.Limits(wall_seconds=CELL_SECONDS + 4, cell_seconds=CELL_SECONDS, memory=400 << 20)
        with sandbox.Sandbox(limits) as box:
            made = [
                _row(case, result, box, places, answer) for case, result in zip([*chosen, honest], graded, strict=True)
            ]
    return made


def table(made: list[dict]) -> str:
    """Return the rows as Markdown, with the counts in a last line."""
    lines = ["| attack: tries to … | nbgrader autograde | s | sandbox | s |", "|---|---|--:|---|--:|"]
    for row in made:
        through = "; ".join(row["nbgrader"]) or "contained"
        ours = f"**{'; '.join(row['sandbox_let_by'])}**" if row["sandbox_let_by"] else f"contained ({row['sandbox']})"
        if row["name"].startswith("("):
            through, ours = f"{row['points']:g} of {POINTS} points", f"{row['sandbox']}"
        if row["sandbox"] == "file":
            ours = "read before it runs"
        words = [f"{row['name']}: {row['tries']}", through, f"{row['nbgrader_seconds']:.1f}", ours]
        lines.append("| " + " | ".join(words) + f" | {row['sandbox_seconds']:.2f} |")
    attacks = [row for row in made if not row["name"].startswith("(")]
    let_by = sum(bool(set(row["nbgrader"]) - {HELD_UP, NO_RESULT}) for row in attacks)
    gained = sum(row["points"] > 0 for row in attacks)
    held_up, without = (sum(what in row["nbgrader"] for row in attacks) for what in (HELD_UP, NO_RESULT))
    ours = sum(bool(row["sandbox_let_by"]) for row in attacks)
    lines += [
        "",
        f"{len(attacks)} attacks. nbgrader lets {let_by} by ({gained} gain points), is held up by {held_up} and leaves {without} "
        f"without a result (an error in its log, no row for the student). The sandbox lets {ours} by.",
        '"Read before it runs": the file itself is the attack, and the reader of submissions meets it, not the sandbox.',
    ]
    return "\n".join(lines)


def _row(case: cases.Case, graded: dict, box, places: cases.Places, answer: int) -> dict:
    row = {"name": case.name, "tries": case.tries, "nbgrader": graded["through"], "points": graded["points"]}
    row["nbgrader_seconds"] = graded["seconds"]
    if case.submission != "notebook":  # what the reader of files refuses or repairs, before any code runs
        return row | {"sandbox": "file", "sandbox_seconds": 0.0, "sandbox_let_by": []}
    result = box.run(places.cells(case), ["q1", "q2"])
    let_by = []
    if result.answers["q1"].get("value") == answer and not case.name.startswith("("):
        let_by.append("gained points")
    if cases.SECRET in json.dumps(result.answers) + result.output + result.error:
        let_by.append("read a secret")
    if places.canary.read_text() != "untouched":
        let_by.append("changed a file")
    if result.status not in case.expect["status"]:
        let_by.append(f"status {result.status}")
    return row | {"sandbox": result.status, "sandbox_seconds": result.seconds, "sandbox_let_by": let_by}


def _inside(job: dict, accounts: Path, wall: float) -> dict:
    """Do `job` in a fresh bubblewrap; what is not answered in time is a run that was stopped."""
    from helpers import evidence
    from helpers.exercises import sandbox

    boot = "import sys; sys.path[:0] = {!r}; sys.argv = ['']; import runpy; runpy.run_path('/hostile/against_nbgrader.py', run_name='inside')"
    more = [(str(cases.FOLDER), "/hostile"), (str(accounts), "/etc/passwd")]
    start = ["-c", boot.format([*sandbox.search_path(), "/"])]
    command = sandbox.boxed_command(start, evidence.find_data().resolve(), 256 << 20, more=more)
    started = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
        )
        try:
            said, _ = process.communicate(json.dumps(job).encode(), timeout=wall)
            ended = "ended the grader itself"
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
            ended = HELD_UP
        with contextlib.suppress(ValueError, IndexError):
            return json.loads(said.decode("utf-8", "replace").strip().splitlines()[-1])
        if job["do"] == "build":
            errors.seek(0)
            raise SystemExit(f"The nbgrader course could not be built: {errors.read().decode()[-2000:]}")
    return {"through": [ended], "points": 0.0, "seconds": time.monotonic() - started}


def _build(answer: int) -> dict:
    """Inside: make the course and let nbgrader generate the assignment; return it as a packed text."""
    course = WORK / "course"
    (course / "source" / "ps1").mkdir(parents=True)
    master = cases.notebook(["### BEGIN SOLUTION\nq1 = 0\n### END SOLUTION"], then=[_tests(f"assert q1 == {answer}")])
    (course / "source" / "ps1" / "ps1.ipynb").write_text(json.dumps(master))
    (course / "nbgrader_config.py").write_text("")
    _nbgrader(course, "generate_assignment", "ps1", "--create")
    assert (course / "release" / "ps1" / "ps1.ipynb").exists(), "nbgrader released nothing"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(course, "course")
    return {"course": base64.b64encode(packed.getvalue()).decode()}


def _grade(job: dict) -> dict:
    """Inside: hand the attack in, grade it alone, and look at what happened."""
    import shutil
    import socket

    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(job["course"]))) as archive:
        archive.extractall(WORK, filter="data")
    course = WORK / "course"
    shutil.copytree("/course/src", WORK / "src")
    shutil.copytree("/course/data", WORK / "data")
    before = _tables()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.01)
        port = server.getsockname()[1]
        laid = cases.lay_out(WORK / "teacher", job["answer"], port)
        key = course / "course-key"
        key.write_text(cases.SECRET)
        other = course / "submitted" / "s002" / "ps1" / "ps1.ipynb"
        other.parent.mkdir(parents=True)
        other.write_bytes(laid.other.read_bytes())
        places = cases.Places(key, course / "source" / "ps1" / "ps1.ipynb", other, WORK / "canary", port)
        places.canary.write_text("untouched")
        honest = cases.Case("honest", "", cases.HONEST)
        case = honest if job["honest"] else next(c for c in cases.load() if c.name == job["name"])
        handed_in = course / "submitted" / "s001" / "ps1" / "ps1.ipynb"
        handed_in.parent.mkdir(parents=True)
        shown = {"cell_type": "code", "execution_count": None, "id": "shown", "metadata": {}, "outputs": []}
        shown["source"] = "print('q1 =', repr(globals().get('q1'))[:19_000])"
        cases.write(case, places, handed_in, then=[_tests(""), shown])
        if case.name == "read_environment":  # else a search of memory finds this and nothing of an earlier submission
            os.environ["A_SECRET"] = cases.SECRET
        started = time.monotonic()
        code = _nbgrader(course, "autograde", "ps1", "--student=s001", "--create", wall=job["wall"])
        seconds = time.monotonic() - started
        called = _called(server)
    left = _others()
    time.sleep(0.7 if left else 0)
    points = _points(course) if code is not None else 0.0
    through = [] if job["honest"] else _through(case, places, course, points, code, called, left, before)
    return {"through": through, "points": points, "seconds": seconds}


def _through(case, places, course: Path, points: float, code, called: bool, left: int, before: dict) -> list[str]:
    autograded = course / "autograded" / "s001" / "ps1" / "ps1.ipynb"
    text = autograded.read_text(errors="replace") if autograded.exists() else ""
    through = []
    if points > 0:
        through.append(f"gains {points:g} of {POINTS} points")
    if cases.SECRET in _outputs(text):
        through.append("reads a secret")
    if places.canary.read_text() != "untouched":
        through.append("changes a file outside")
    if _tables() != before:
        through.append("changes tables or helpers")
    if called:
        through.append("reaches the network")
    value = case.expect.get("value")
    if value is not None and value != -1 and not through and f"q1 = {value!r}" not in _outputs(text) and text:
        through.append("does what it tries")
    if left:
        through.append("leaves processes behind")
    if code is None:
        through.append(HELD_UP)
    elif code != 0 or not autograded.exists():
        through.append(NO_RESULT)
    return through


def _outputs(text: str) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
        cells = json.loads(text)["cells"]
        return "".join("".join(o.get("text", "")) + str(o.get("data", "")) for c in cells for o in c.get("outputs", []))
    return ""


def _tests(hidden: str) -> dict:
    source = f"### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS" if hidden else "# tests"
    graded = {"grade_id": "q1-tests", "grade": True, "solution": False, "locked": True, "task": False}
    metadata = {"nbgrader": {**graded, "points": POINTS, "schema_version": 3}}
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": "t",
        "metadata": metadata,
        "outputs": [],
        "source": source,
    }


def _nbgrader(course: Path, command: str, *arguments: str, wall: float = FIRST_WALL_SECONDS) -> int | None:
    """Run nbgrader; None when it did not end in time."""
    run = [sys.executable, "-m", "nbgrader", command, *arguments, f"--ExecutePreprocessor.timeout={CELL_SECONDS}"]
    process = subprocess.Popen(run, cwd=course, stdout=subprocess.DEVNULL, stderr=sys.stderr, stdin=subprocess.DEVNULL)
    try:
        return process.wait(wall)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None


def _points(course: Path) -> float:
    from nbgrader.api import Gradebook

    with contextlib.suppress(Exception), Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        return float(gradebook.find_submission("ps1", "s001").score)
    return 0.0


def _called(server) -> bool:
    try:
        server.accept()[0].close()
        return True
    except OSError:
        return False


def _tables() -> dict[str, tuple[int, int]]:
    paths = [*(WORK / "data").glob("*.csv"), WORK / "src" / "helpers" / "__init__.py"]
    return {str(p): (p.stat().st_size, p.stat().st_mtime_ns) if p.exists() else (-1, -1) for p in paths}


def _others() -> int:
    """Return how many processes are left besides the first one and this one; those that only wait to be buried do not count."""
    left = 0
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in (1, os.getpid()):
            with contextlib.suppress(OSError):
                left += Path("/proc", name, "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return left


def _main_inside() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_NPROC, (150, 150))
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
    resource.setrlimit(resource.RLIMIT_FSIZE, (200 << 20, 200 << 20))
    path = [str(WORK / "src"), *(p for p in sys.path if p.startswith("/course/lib"))]
    os.environ["PYTHONPATH"] = ":".join(path)
    os.environ["HOME"] = "/tmp"
    alembic = Path("/tmp/bin/alembic")  # nbgrader calls it by name, and no programs are in here
    alembic.parent.mkdir()
    alembic.write_text(f"#!{sys.executable}\nfrom alembic.config import main\nmain()\n")
    alembic.chmod(0o755)
    os.environ["PATH"] = str(alembic.parent)
    job = json.loads(sys.stdin.read())
    result = _build(job["answer"]) if job["do"] == "build" else _grade(job)
    print(json.dumps(result), flush=True)
    os._exit(0)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", default=[], help="one attack; may be repeated")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, help="file for the table; left out, it is printed")
    given = parser.parse_args()
    text = table(rows(given.only, given.workers, echo=lambda name: print(name, file=sys.stderr)))
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")
    else:
        print(text)


if __name__ == "inside":
    _main_inside()
elif __name__ == "__main__":
    _main()
