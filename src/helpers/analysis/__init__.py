"""Floor 2: a table in, a table or a number out. Nothing here draws or knows a notebook; only `ged` opens the file it is handed."""

from helpers.analysis import (
    agreement,
    bargaining,
    events,
    ged,
    geography,
    independence,
    instruments,
    near_border,
    obligations,
    rates,
    series,
    spans,
)

__all__ = [
    "agreement",
    "bargaining",
    "events",
    "ged",
    "geography",
    "independence",
    "instruments",
    "near_border",
    "obligations",
    "rates",
    "series",
    "spans",
]
