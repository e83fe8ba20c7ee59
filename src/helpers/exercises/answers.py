"""Answers as JSON: written inside the sandbox, read on the trusted side by a reader that believes nothing.

`encode` turns what a student assigned into one of these dicts; `checked` lets only these through:

    {"type": "table", "columns": [text, …], "rows": [[cell, …], …]}     a DataFrame; named index levels come first as columns
    {"type": "series", "index": [cell, …], "values": [cell, …]}
    {"type": "number", "value": 1.5}    {"type": "integer", "value": 3}    {"type": "boolean", "value": true}
    {"type": "text", "value": "…"}      dates too, as ISO text
    {"type": "list", "values": [cell, …]}                               sets sorted; tuples, arrays, indexes
    {"type": "mapping", "keys": [cell, …], "values": [cell, …]}
    {"type": "missing"}                                                 never assigned, ``...`` or None
    {"type": "refused", "why": "…"}                                     anything else, and whatever breaks a limit

A cell is null (also for NaN, NaT, NA and infinities), a boolean, a number, a text, a list of cells, or a mapping
``{"keys": […], "values": […]}``.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

MAX_BYTES = 1_000_000  # one answer, as JSON
MAX_DEPTH = 6
MAX_ROWS = 5_000
MAX_COLUMNS = 60
MAX_TEXT = 20_000
MAX_INTEGER = 10**18
_MAX_PARTS = MAX_ROWS * MAX_COLUMNS + 20_000  # cells and brackets: bounds what parsing may cost

Answer = dict[str, Any]


class Refused(ValueError):
    """A value that is not an answer; the message is a plain sentence for the student."""


def encode(value: object) -> Answer:
    """Return `value` in its JSON form; never raises for an ordinary object, a value outside the limits is ``refused``."""
    return encoded(value)[0]


def encoded(value: object) -> tuple[Answer, str]:
    """Return the JSON form of `value` and its text (UTF-8, one line)."""
    try:
        answer = _answer(value)
        text = json.dumps(answer, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
        if len(text) > MAX_BYTES:
            raise Refused(
                f"larger than {MAX_BYTES // 1_000_000} MB: give only the rows and columns that were asked for."
            )
    except Refused as problem:
        answer = refused(str(problem))
    except Exception as problem:
        answer = refused(f"a {type(value).__name__} that cannot be read ({type(problem).__name__}).")
    else:
        return answer, text
    return answer, json.dumps(answer)


def missing() -> Answer:
    """Return the answer to a question that was left open."""
    return {"type": "missing"}


def refused(why: str) -> Answer:
    """Return the answer that stands for a value which cannot be graded."""
    return {"type": "refused", "why": why[:500]}


def parse(data: bytes) -> Any:
    """Parse one JSON text from the sandbox: no duplicate keys, NaN, infinities or giant numbers, bounded size and depth.

    Raises Refused with a plain sentence.
    """
    if len(data) > MAX_BYTES + 10_000:
        raise Refused("larger than 1 MB.")
    if data.count(b",") + data.count(b"[") + data.count(b"{") > _MAX_PARTS:
        raise Refused("made of too many parts.")
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_small_integer,
            parse_float=_finite,
        )
    except Refused:
        raise
    except RecursionError:
        raise Refused("nested too deeply.") from None
    except ValueError:
        raise Refused("not valid JSON.") from None


def checked(data: object) -> Answer:
    """Return a parsed answer with exactly the fields of its type, or the ``refused`` answer that says what is wrong."""
    try:
        return _checked(data)
    except Refused as problem:
        return refused(str(problem))


def _answer(value: object) -> Answer:
    import numpy as np
    import pandas as pd

    if value is None or value is ...:
        return missing()
    if isinstance(value, pd.DataFrame):
        return _table(value)
    if isinstance(value, pd.Series):
        _few(len(value))
        return {"type": "series", "index": _cells(value.index), "values": _cells(value)}
    if isinstance(value, Mapping):
        _few(len(value))
        return {"type": "mapping", **_mapping(value, 1)}
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(
        value, list | tuple | range | set | frozenset | np.ndarray | pd.Index | pd.api.extensions.ExtensionArray
    ):
        _few(len(value))
        return {"type": "list", "values": _cells(value)}
    if type(value).__name__ in ("dict_keys", "dict_values"):
        return _answer(list(value))
    cell = _cell(value, 1)
    if cell is None:
        raise Refused("not a number (NaN, NA or infinite).")
    kind = {bool: "boolean", int: "integer", float: "number", str: "text"}[type(cell)]
    return {"type": kind, "value": cell}


def _table(frame) -> Answer:
    _few(len(frame))
    columns = [_label(name) for name in frame.columns]
    data = [frame.iloc[:, position] for position in range(len(columns))]
    levels = [
        (_label(name), frame.index.get_level_values(level))
        for level, name in enumerate(frame.index.names)
        if name is not None and _label(name) not in columns
    ]
    columns = [name for name, _ in levels] + columns
    data = [values for _, values in levels] + data
    if len(columns) > MAX_COLUMNS:
        raise Refused(f"a table of {len(columns)} columns; at most {MAX_COLUMNS} are read.")
    cells = [_cells(values) for values in data]
    rows = [list(row) for row in zip(*cells, strict=True)] if cells else [[] for _ in range(len(frame))]
    return {"type": "table", "columns": columns, "rows": rows}


def _few(count: int) -> None:
    if count > MAX_ROWS:
        raise Refused(f"{count:,} rows or values; at most {MAX_ROWS:,} are read.")


def _label(name: object) -> str:
    parts = name if isinstance(name, tuple) else (name,)
    return " | ".join(text for part in parts if (text := str(_cell(part, 1))))[:200]


def _cells(values, depth: int = 1) -> list:
    if isinstance(values, set | frozenset):
        values = sorted(values, key=lambda value: (type(value).__name__, repr(value)))
    elif hasattr(values, "dtype"):
        values = values.tolist()
    return [_cell(value, depth + 1) for value in values]


def _mapping(values: Mapping, depth: int) -> dict[str, list]:
    return {"keys": _cells(list(values.keys()), depth), "values": _cells(list(values.values()), depth)}


def _cell(value: object, depth: int) -> Any:
    import numpy as np
    import pandas as pd

    if depth > MAX_DEPTH:
        raise Refused(f"nested more than {MAX_DEPTH} levels deep.")
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64 | np.timedelta64):
        value = value.item()
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise Refused("a whole number beyond ±10^18.")
        return int(value)
    if isinstance(value, float | Decimal | Fraction):
        number = float(value)
        return number if math.isfinite(number) else None
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise Refused(f"a text of {len(value):,} characters; at most {MAX_TEXT:,} are read.")
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
        return None if value is pd.NaT else _cell(value, depth)
    if isinstance(value, dt.datetime):
        return value.isoformat() if value.tzinfo or value.time() != dt.time() else value.date().isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta | np.timedelta64 | pd.Period | pd.Interval):
        return str(value)
    if isinstance(value, Mapping):
        _few(len(value))
        return _mapping(value, depth)
    if isinstance(value, list | tuple | range | set | frozenset | np.ndarray | pd.Series | pd.Index):
        _few(len(value))
        return _cells(value, depth)
    kind = type(value).__name__
    raise Refused(f"a {kind[:60]}: give a table, a series, a list, a number or a text.")


_FIELDS = {
    "table": {"columns", "rows"},
    "series": {"index", "values"},
    "number": {"value"},
    "integer": {"value"},
    "boolean": {"value"},
    "text": {"value"},
    "list": {"values"},
    "mapping": {"keys", "values"},
    "missing": set(),
    "refused": {"why"},
}


def _checked(data: object) -> Answer:
    kind = data.get("type") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in _FIELDS or set(data) != _FIELDS[kind] | {"type"}:
        raise Refused("not one of the forms that an answer may have.")
    if kind == "table":
        return {"type": kind, **_checked_table(data["columns"], data["rows"])}
    if kind in ("number", "integer", "boolean", "text"):
        value = _checked_cell(data["value"], 1)
        allowed = {"number": (int, float), "integer": (int,), "boolean": (bool,), "text": (str,)}[kind]
        if type(value) not in allowed:
            raise Refused(f"not a {kind}.")
        return {"type": kind, "value": float(value) if kind == "number" else value}
    if kind == "refused":
        return refused(data["why"] if isinstance(data["why"], str) else "not readable.")
    lists = {name: _checked_list(data[name], 1) for name in sorted(_FIELDS[kind])}
    if len({len(values) for values in lists.values()}) > 1:
        raise Refused("index, keys and values of different lengths.")
    return {"type": kind, **lists}


def _checked_table(columns: object, rows: object) -> Answer:
    if not isinstance(columns, list) or not isinstance(rows, list):
        raise Refused("a table without columns or rows.")
    if len(columns) > MAX_COLUMNS:
        raise Refused(f"a table of more than {MAX_COLUMNS} columns.")
    _few(len(rows))
    names = [_checked_cell(name, 1) for name in columns]
    if not all(isinstance(name, str) for name in names):
        raise Refused("a table whose column names are not texts.")
    if not all(isinstance(row, list) and len(row) == len(names) for row in rows):
        raise Refused("a table whose rows differ in length.")
    return {"columns": names, "rows": [[_checked_cell(cell, 2) for cell in row] for row in rows]}


def _checked_list(values: object, depth: int) -> list:
    if not isinstance(values, list):
        raise Refused("a list was expected.")
    _few(len(values))
    return [_checked_cell(value, depth + 1) for value in values]


def _checked_cell(value: object, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise Refused(f"nested more than {MAX_DEPTH} levels deep.")
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise Refused(f"a text of more than {MAX_TEXT:,} characters.")
        return value.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate cannot be written to any file
    if isinstance(value, list):
        return _checked_list(value, depth)
    if isinstance(value, dict) and set(value) == {"keys", "values"}:
        keys, values = (_checked_list(value[name], depth) for name in ("keys", "values"))
        if len(keys) == len(values):
            return {"keys": keys, "values": values}
    raise Refused("not one of the forms that an answer may have.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise Refused("a name given twice.")
    return data


def _no_constant(name: str) -> None:
    raise Refused(f"{name} is not a number.")


def _small_integer(text: str) -> int:
    if len(text) > 20 or abs(int(text)) > MAX_INTEGER:
        raise Refused("a whole number beyond ±10^18.")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Refused("a number too large to be one.")
    return number
