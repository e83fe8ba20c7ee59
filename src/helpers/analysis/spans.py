"""Spans of time: which overlap, which are running on a day, and how to stack them so that none hides another."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import pandas as pd


def overlaps(spans: pd.DataFrame, key: str = "claim_id", start: str = "starts", end: str = "ends") -> pd.DataFrame:
    """Return every pair of spans that share at least one day, first and last day included.

    Needs columns `key`, `start` and `end` (datetime64). Returns ``first``, ``second`` (keys, in table order), ``begins``, ``ends``
    and ``days`` of what they share. Rows without a start or an end pair with nothing.
    """
    table = spans[[key, start, end]].dropna().reset_index(drop=True)
    table.columns = ["key", "start", "end"]
    table["order"] = range(len(table))
    pairs = table.merge(table, how="cross", suffixes=("_1", "_2"))
    pairs = pairs[pairs["order_1"] < pairs["order_2"]]
    begins = pairs[["start_1", "start_2"]].max(axis=1)
    ends = pairs[["end_1", "end_2"]].min(axis=1)
    shared = pd.DataFrame({"first": pairs["key_1"], "second": pairs["key_2"], "begins": begins, "ends": ends})
    shared = shared[shared["begins"] <= shared["ends"]].reset_index(drop=True)
    shared["days"] = (shared["ends"] - shared["begins"]).dt.days + 1
    return shared


def active_on(spans: pd.DataFrame, day: str, start: str = "starts", end: str = "ends") -> pd.DataFrame:
    """Return the rows whose span holds `day` (ISO), first and last day included."""
    moment = pd.Timestamp(day)
    return spans[(spans[start] <= moment) & (spans[end] >= moment)].reset_index(drop=True)


def stack(starts: Sequence[float], ends: Sequence[float], gap: float = 0.0) -> list[int]:
    """Give each span the lowest row in which it stays at least `gap` away from the span before it.

    Numbers of any one unit; rows count from 0. Spans are placed by start; this uses as few rows as spans overlap at most.
    """
    rows = [0] * len(starts)
    free: list[int] = []
    taken: list[tuple[float, int]] = []
    for i in sorted(range(len(starts)), key=lambda i: (starts[i], ends[i])):
        while taken and taken[0][0] <= starts[i]:
            heapq.heappush(free, heapq.heappop(taken)[1])
        rows[i] = heapq.heappop(free) if free else len(taken)
        heapq.heappush(taken, (ends[i] + gap, rows[i]))
    return rows
