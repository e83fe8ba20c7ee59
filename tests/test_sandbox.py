"""The sandbox as grading relies on it: answers cross the border whole, code and secrets do not."""

import datetime as dt
import decimal
import enum
import os
import signal
import statistics

import numpy as np
import pandas as pd
import pytest
from hostile import cases

from helpers import evidence
from helpers.exercises import ExerciseError, answers, sandbox

LIMITS = sandbox.Limits(wall_seconds=5, cell_seconds=1, cpu_seconds=5, memory=400 << 20)


@pytest.fixture(scope="module")
def box():
    cases.needs_sandbox()
    with sandbox.Sandbox(LIMITS, clocks=[None, "2024-08-31"]) as started:
        yield started


class Status(enum.IntEnum):
    REPORTED = 2


FRAME = pd.DataFrame({"year": [1990, 1991], "deaths": pd.array([5, None], dtype="Int64"), "share": [0.5, np.nan]})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (..., {"type": "missing"}),
        (None, {"type": "missing"}),
        (True, {"type": "boolean", "value": True}),
        (np.bool_(False), {"type": "boolean", "value": False}),
        (np.int64(7), {"type": "integer", "value": 7}),
        (Status.REPORTED, {"type": "integer", "value": 2}),
        (np.float32(0.5), {"type": "number", "value": 0.5}),
        (decimal.Decimal("1.5"), {"type": "number", "value": 1.5}),
        ("Türkiye", {"type": "text", "value": "Türkiye"}),
        (pd.Timestamp("2024-08-15"), {"type": "text", "value": "2024-08-15"}),
        (dt.date(2024, 8, 15), {"type": "text", "value": "2024-08-15"}),
        (pd.Timestamp("2024-08-15 10:30"), {"type": "text", "value": "2024-08-15T10:30:00"}),
        ({"b", "a"}, {"type": "list", "values": ["a", "b"]}),
        (np.array([[1, 2], [3, 4]]), {"type": "list", "values": [[1, 2], [3, 4]]}),
        (pd.Index(["x", "y"]), {"type": "list", "values": ["x", "y"]}),
        (pd.Categorical(["x", None]), {"type": "list", "values": ["x", None]}),
        ({"A-080": {"status": "reported"}}.keys(), {"type": "list", "values": ["A-080"]}),
        (
            {"A-080": {"status": "reported"}},
            {"type": "mapping", "keys": ["A-080"], "values": [{"keys": ["status"], "values": ["reported"]}]},
        ),
        (
            FRAME,
            {"type": "table", "columns": ["year", "deaths", "share"], "rows": [[1990, 5, 0.5], [1991, None, None]]},
        ),
        (
            FRAME.set_index("year")[["share"]],
            {"type": "table", "columns": ["year", "share"], "rows": [[1990, 0.5], [1991, None]]},
        ),
        (FRAME[FRAME.year > 1990][["year"]], {"type": "table", "columns": ["year"], "rows": [[1991]]}),
        (FRAME.set_index("year")["share"], {"type": "series", "index": [1990, 1991], "values": [0.5, None]}),
        (FRAME.groupby(["year", "share"]).size(), {"type": "series", "index": [[1990, 0.5]], "values": [1]}),
        (
            FRAME.pivot_table(index="year", values=["share"], aggfunc=["sum"]),
            {"type": "table", "columns": ["year", "sum | share"], "rows": [[1990, 0.5], [1991, 0.0]]},
        ),
    ],
)
def test_value_becomes_json_and_passes_the_border(value, expected):
    answer, text = answers.encoded(value)
    assert answer == expected
    assert answers.checked(answers.parse(text.encode())) == expected


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (float("nan"), "NaN"),
        (10**19, "whole number"),
        ("x" * 20_001, "20,001 characters"),
        (pd.DataFrame({"n": range(5_001)}), "5,001 rows"),
        (pd.DataFrame(np.zeros((1, 61))), "61 columns"),
        ([[[[[[[1]]]]]]], "levels deep"),
        (pd.DataFrame({"t": ["x" * 19_000] * 60}), "larger than 1 MB"),
        (FRAME.groupby("year"), "DataFrameGroupBy"),
        (object(), "object"),
        (1j, "complex"),
    ],
)
def test_value_outside_the_limits_is_refused_with_a_reason(value, why):
    answer = answers.encode(value)
    assert answer["type"] == "refused"
    assert why in answer["why"]


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"number","value":NaN}',
        '{"type":"number","value":1e999}',
        '{"type":"integer","value":99999999999999999999}',
        '{"type":"integer","value":"5"}',
        '{"type":"integer","value":true}',
        '{"type":"integer","value":1,"value":2}',
        '{"type":"integer","value":1,"points":100}',
        '{"type":"points","value":100}',
        '{"type":["table"]}',
        '{"type":"table","columns":["a"],"rows":[[1,2]]}',
        '{"type":"table","columns":[1],"rows":[[1]]}',
        '{"type":"series","index":[1],"values":[1,2]}',
        '{"type":"list","values":[{"__class__":"int"}]}',
        '{"type":"list","values":' + "[" * 8 + "]" * 8 + "}",
        '{"type":"list","values":' + "[" * 100_000,
        '{"type":"list","values":[' + "0," * 340_000 + "0]}",
        '{"type":"text","value":"' + "x" * 1_100_000 + '"}',
        '{"type":"text","value":"\xff',
        "[]",
        "null",
        "",
    ],
)
def test_forged_answer_is_refused(text):
    try:
        answer = answers.checked(answers.parse(text.encode("latin-1")))
    except answers.Refused:
        return
    assert answer["type"] == "refused"


def test_honest_notebook_gives_its_answers(box):
    result = box.run(
        [
            'as_of = "2024-08-31"',
            "%matplotlib inline\nfrom helpers import evidence\nfrom helpers.exercises import check\nev = evidence.load(as_of=as_of)",
            "q1 = ev.claims.groupby('status').size().reset_index(name='n')\ncheck('q1', q1)\nq1",
            "import asyncio\nfrom IPython.display import display\nq2 = await asyncio.sleep(0, 4)\ndisplay(q1)",
            "!pip install anything\n%time q3 = ...\nimport warnings; warnings.warn('harmless')",
        ],
        ["q1", "q2", "q3", "q4"],
    )
    expected = evidence.load(as_of="2024-08-31").claims.groupby("status").size().reset_index(name="n")
    assert (result.status, result.error) == ("ok", "")
    assert result.answers == {
        "q1": answers.encode(expected),
        "q2": {"type": "integer", "value": 4},
        "q3": {"type": "missing"},
        "q4": {"type": "missing"},
    }


@pytest.mark.parametrize("clock", [None, "2024-08-31", "1999-12-31"])
def test_tables_inside_are_the_tables_outside(box, clock):
    """Prepared or not, and even after the student spoilt a first copy."""
    cells = [
        f"from helpers import evidence\nev = evidence.load(as_of={clock!r})",
        "ev.claims.loc[:, 'status'] = 'spoilt'\nev.claims.drop(columns='notes', inplace=True)",
        f"again = evidence.load(as_of={clock!r})\nq1 = again.claims.tail(30).drop(columns='source_ids')",
        "q2 = again.table('ucdp_brd_dyad_years')\nq3 = again.hidden",
    ]
    outside = evidence.load(as_of=clock)
    assert box.run(cells, ["q1", "q2", "q3"]).answers == {
        "q1": answers.encode(outside.claims.tail(30).drop(columns="source_ids")),
        "q2": answers.encode(outside.table("ucdp_brd_dyad_years")),
        "q3": answers.encode(outside.hidden),
    }


def test_failed_and_endless_cells_cost_only_themselves(box):
    result = box.run(["q1 = 1", "q2 = 1 / 0", "while True: pass", "q3 = (", "q4 = 4"], ["q1", "q2", "q3", "q4"])
    assert (result.status, result.failed_cell) == ("error", 1)
    assert result.error == "line 1: ZeroDivisionError: division by zero"
    assert set(result.errors) == {1, 2, 3}
    assert "longer than 1 s" in result.errors[2]
    assert [answer["type"] for answer in result.answers.values()] == ["integer", "missing", "missing", "integer"]


def test_answers_before_a_hang_count(box):
    hang = "while True:\n    try:\n        sum(range(9))\n    except BaseException: pass"
    result = box.run(["q1 = 1", hang, "q2 = 2"], ["q1", "q2"])
    assert result.status == "timeout"
    assert result.answers == {"q1": {"type": "integer", "value": 1}, "q2": {"type": "missing"}}
    assert result.seconds < LIMITS.wall_seconds + sandbox.GRACE_SECONDS


WHAT_IS_SEEN = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
capabilities = (ctypes.c_uint32 * 6)()
libc.capget((ctypes.c_uint32 * 2)(0x20080522, 0), capabilities)
seen = {
    "capabilities": list(capabilities),
    "no_new_privs": libc.prctl(39, 0, 0, 0, 0),
    "filter": libc.prctl(21, 0, 0, 0, 0),
    "environment": sorted(name for name in os.environ if "SECRET" in name or "PATH" in name),
    "files": sum(os.path.exists(f"/dev/fd/{n}") for n in range(4, 64)),
    "course": sorted(name for name in os.listdir("/course") if not name.startswith("lib")),
    "wing": sorted(os.listdir("/course/src/helpers/exercises")),
    "leftovers": os.listdir("/tmp") + os.listdir("/dev/shm") + os.listdir("."),
}
open("/tmp/leftover", "w").close()
open("leftover", "w").close()
"""


@pytest.mark.parametrize("mode", ["warm", "cold"])
def test_nothing_but_the_course_is_seen(box, mode, monkeypatch):
    monkeypatch.setenv("A_SECRET", "x")
    fresh = sandbox.Sandbox(LIMITS)
    fresh.mode = mode
    with fresh:
        if fresh.mode != mode:
            pytest.skip(fresh.cold_because)
        for _ in range(2):
            result = fresh.run([WHAT_IS_SEEN, "q1 = seen"], ["q1"])
            assert result.status == "ok", result.error
            assert dict(zip(result.answers["q1"]["keys"], result.answers["q1"]["values"], strict=True)) == {
                "capabilities": [0] * 6,
                "no_new_privs": 1,
                "filter": 2,
                "environment": ["PATH"],
                "files": 0,
                "course": ["data", "src", "work"],
                "wing": ["__init__.py", "answers.py", "checking.py", "inside.py"],
                "leftovers": [],
            }


def test_interrupted_run_leaves_nothing_for_the_next(box, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(sandbox._Heard, "read", interrupt)
        box.run(["q1 = 1", "import time; time.sleep(0.5)"], ["q1"])
    assert box.run(["q1 = 2"], ["q1"]).answers["q1"] == {"type": "integer", "value": 2}


def test_lost_warm_process_is_started_again(box):
    os.kill(box._process.pid, signal.SIGKILL)
    assert box.run(["q1 = 1"], ["q1"]).answers["q1"] == {"type": "integer", "value": 1}


def test_without_bubblewrap_grading_refuses_unless_trusted(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda command: None)
    sandbox.available.cache_clear()
    try:
        with pytest.raises(ExerciseError, match="apt-get install bubblewrap"):
            sandbox.Sandbox(LIMITS)
        with sandbox.Sandbox(LIMITS, trust=True) as trusted:
            assert trusted.mode == "plain"
            assert trusted.run(cases.HONEST, ["q1"]).answers["q1"]["value"] == len(evidence.load().claims)
            assert trusted.run(["while True: pass"], ["q1"]).status == "error"
            assert trusted.run(["q1 = bytearray(1 << 30)"], ["q1"]).status == "memory"
    finally:
        sandbox.available.cache_clear()


def test_honest_submission_takes_a_blink(box):
    if box.mode != "warm":
        pytest.skip(box.cold_because)
    seconds = [box.run(cases.HONEST, ["q1"]).seconds for _ in range(15)]
    assert statistics.median(seconds) < 0.2
