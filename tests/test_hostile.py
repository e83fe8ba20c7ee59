"""The cheating set through the sandbox: all contained, no secret out, nothing left behind, nobody delayed."""

import json
import os
import socket
import threading
import time

import pytest
from hostile import cases

from helpers import evidence
from helpers.exercises import sandbox

LIMITS = sandbox.Limits(
    wall_seconds=3,
    cell_seconds=1.5,
    cpu_seconds=3,
    memory=400 << 20,
    processes=24,
    file=16 << 20,
    disk=32 << 20,
    output=2_000_000,
    results=4_000_000,
)
ALL = cases.load()


@pytest.fixture(scope="module")
def answer() -> int:
    return len(evidence.load().claims)


@pytest.fixture(scope="module")
def places(tmp_path_factory, answer):
    """What the attacks look for, a listening port among it; at the end nobody may have called there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.01)
        yield cases.lay_out(tmp_path_factory.mktemp("teacher"), answer, server.getsockname()[1])
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.fixture(scope="module")
def box(places):
    cases.needs_sandbox()
    os.environ["A_SECRET"] = cases.SECRET
    with sandbox.Sandbox(LIMITS) as started:
        yield started
    del os.environ["A_SECRET"]


def test_the_set_is_large_enough():
    assert len(ALL) >= 30
    assert all(case.tries and case.expect["status"] for case in ALL)


@pytest.mark.parametrize("case", [case for case in ALL if case.submission == "notebook"], ids=lambda case: case.name)
def test_attack_is_contained(box, places, answer, case):
    box.run([f"q1 = {answer}  # {cases.SECRET}"], ["q1"])  # the student before: nothing of it may be found
    started = time.monotonic()
    result = box.run(places.cells(case), ["q1", "q2"])
    took = time.monotonic() - started

    said = json.dumps(result.answers) + result.error + result.output + json.dumps(result.errors)
    assert result.status in case.expect["status"], (result.error, result.output)
    assert cases.SECRET not in said
    assert set(result.answers) == {"q1", "q2"}
    assert result.answers["q1"].get("value") != answer
    if "answer" in case.expect:
        assert result.answers["q1"]["type"] == case.expect["answer"]
    if "value" in case.expect:
        assert case.expect["value"] in (result.answers["q1"].get("value"), result.answers["q1"].get("values"))
    assert places.canary.read_text() == "untouched"
    assert took < LIMITS.wall_seconds + sandbox.GRACE_SECONDS + 1

    started = time.monotonic()
    honest = box.run(cases.HONEST, ["q1"])
    assert (honest.status, honest.answers["q1"]) == ("ok", {"type": "integer", "value": answer})
    assert time.monotonic() - started < 2
    assert box.mode == "warm" or box.cold_because


@pytest.mark.parametrize("case", [case for case in ALL if case.submission != "notebook"], ids=lambda case: case.name)
def test_odd_file_is_written_for_grading(tmp_path, answer, case):
    """The files that test_grading hands in: each is there, and none is the plain notebook that a reader expects."""
    places = cases.lay_out(tmp_path / "teacher", answer)
    path = cases.write(case, places, tmp_path / "ex1_s001.ipynb", {"student": "s001"})
    odd = path.is_symlink() or path.is_fifo() or path.stat().st_size > 90_000_000
    plain = cases.notebook(places.cells(case), {"student": "s001"})
    assert odd or path.read_text() != json.dumps(plain)


def test_honest_work_beside_attacks_is_not_delayed(box, answer):
    """A second sandbox grades honest work while the first is under attack, as two workers do."""
    attacks = [next(case.cells for case in ALL if case.name == name) for name in ("fork_bomb", "memory_bomb")]
    under_attack = threading.Thread(target=lambda: [box.run(cells, ["q1"]) for cells in attacks])
    with sandbox.Sandbox(LIMITS) as other:
        under_attack.start()
        results = [other.run(cases.HONEST, ["q1"]) for _ in range(10)]
        under_attack.join()
    assert [r.answers["q1"].get("value") for r in results] == [answer] * 10
    assert max(r.seconds for r in results) < 2
