"""Rules that a table description cannot say: within a column, between columns, and between tables.

A rule is a function that takes tables as text (spreadsheet row number as index) and yields findings: row, column, value,
what is wrong and what to do. It reads only the columns that it names and says nothing about a cell that another rule has
already refused (a date that is none, a number that is none).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import pandas as pd

Finding = tuple[int, str, str, str]
Frames = dict[str, pd.DataFrame]

CASE_TEXT = "epis-2024-security-agreement"
PRIMARY = {"treaty_text", "official_statement", "un_document", "dataset"}
PHRASE_WORDS = 8
CITING = ("claims", "instruments", "terms", "positions", "indicators", "places", "glossary")
DATE_LENGTH = {"day": 10, "month": 7, "year": 4, "decade": 4}
_CLAIM = re.compile(r"\b[HPAI]-\d{3}\b")
_CONFLICT = re.compile(r"conflicts with ([HPAI]-\d{3})\b")
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


@dataclass(frozen=True)
class Rule:
    """A rule of one table; `reads` names every table that it needs."""

    name: str
    table: str
    reads: tuple[str, ...]
    check: Callable[[Frames], Iterator[Finding]]


# ---- within one column -------------------------------------------------------------------------------------


def real_date(cells: pd.Series) -> Iterator[Finding]:
    """A partial date (1926, 1926-06, 1926-06-05) exists in the calendar."""
    for row, text in cells[cells != ""].items():
        if re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", text, re.ASCII) and not _is_date(text):
            yield row, cells.name, text, "is not a date of the calendar. Write year, year-month or year-month-day."


def plain_number(cells: pd.Series) -> Iterator[Finding]:
    """A number is written with digits, a point and a minus sign, nothing else (no NaN, 1e5, 1_000)."""
    for row, text in cells[cells != ""].items():
        if not _NUMBER.fullmatch(text) and _is_decimal(text):
            yield row, cells.name, text, "is not a plain number. Write it with digits and a point only."


def items_once(cells: pd.Series, separator: str) -> Iterator[Finding]:
    """A list in a cell names nothing twice and has no empty place."""
    for row, text in cells[cells != ""].items():
        items = text.split(separator)
        if "" in items or any(item != item.strip() for item in items):
            yield (
                row,
                cells.name,
                text,
                f"has an empty place or a space in its list. Put one {separator!r} between two names and no space.",
            )
        elif len(items) != len(set(items)):
            yield row, cells.name, text, "names the same thing twice. Keep it once."


def items_known(cells: pd.Series, separator: str, words: tuple[str, ...]) -> Iterator[Finding]:
    """Each item of a list in a cell is one of the words in use."""
    for row, text in cells.items():
        for item in dict.fromkeys(parts(text, separator)):
            if item not in words:
                yield row, cells.name, item, f"is not one of the words in use. Write some of: {', '.join(words)}."


def items_exist(
    frames: Frames, table: str, column: str, separator: str, reference: tuple[str, str]
) -> Iterator[Finding]:
    """Each item of a list in a cell is a key of another table."""
    other, key = reference
    known = set(frames[other][key])
    for row, text in frames[table][column].items():
        for item in dict.fromkeys(parts(text, separator)):
            if item not in known:
                yield row, column, item, f"is not a {key} of {other}.csv. Correct the spelling, or add the row there."


def column_rules(table: str, schema: dict) -> list[Rule]:
    """Return the rules that a table's description asks for: by number types, partialDate, separator, items, references."""
    return [rule for field in schema["fields"] for rule in _rules_of_column(table, field)]


def _rules_of_column(table: str, field: dict) -> Iterator[Rule]:
    column, separator = field["name"], field.get("separator")

    def on_column(function, **options):
        check = partial(_on_column, table=table, column=column, function=function, options=options)
        return Rule(function.__name__.replace("_", "-"), table, (table,), check)

    if field.get("partialDate"):
        yield on_column(real_date)
    if field.get("type") in ("number", "integer"):
        yield on_column(plain_number)
    if separator:
        yield on_column(items_once, separator=separator)
        if field.get("items", {}).get("enum"):
            yield on_column(items_known, separator=separator, words=tuple(field["items"]["enum"]))
        if field.get("references"):
            other, _, key = field["references"].partition(".")
            check = partial(items_exist, table=table, column=column, separator=separator, reference=(other, key))
            yield Rule("items-exist", table, (table, other), check)


def _on_column(frames: Frames, table: str, column: str, function: Callable, options: dict) -> Iterator[Finding]:
    return function(frames[table][column], **options)


# ---- sources -----------------------------------------------------------------------------------------------


def address_once(frames: Frames) -> Iterator[Finding]:
    """No two sources have the same address (scheme, www, port 443, final slash and case do not count)."""
    sources = frames["sources"]
    plain = (
        sources["url"]
        .str.replace(r"^https?://(www\.)?", "", regex=True)
        .str.replace(":443", "")
        .str.rstrip("/")
        .str.lower()
    )
    first = {}
    for row, address in plain[plain != ""].items():
        if address in first:
            message = f"is also the address in row {first[address]}. Make one source of the two."
            yield row, "url", sources["url"][row], message
        first.setdefault(address, row)


def address_or_reason(frames: Frames) -> Iterator[Finding]:
    """A source without an address says why in is_copy_of_note."""
    for row, source in _rows(frames["sources"]):
        if not source["url"] and not source["is_copy_of_note"]:
            yield (
                row,
                "url",
                source["source_id"],
                "has neither an address nor a reason in is_copy_of_note. Give one of them.",
            )


def source_cited(frames: Frames) -> Iterator[Finding]:
    """Every source is cited by some row; the case text is the exception."""
    cited = {CASE_TEXT}
    for table in CITING:
        cited.update(item for text in frames[table]["source_ids"] for item in parts(text))
    sources = frames["sources"]
    for row, key in sources["source_id"].items():
        if key not in cited:
            yield row, "source_id", key, "is cited by no row. Cite it where it belongs, or delete it."


# ---- claims ------------------------------------------------------------------------------------------------


def span_runs_forward(frames: Frames) -> Iterator[Finding]:
    """A span does not end before it starts, as far as both dates are known."""
    for row, claim in _rows(frames["claims"]):
        start, end = claim["date"], claim["date_end"]
        if _is_date(start) and _is_date(end) and end < start[: len(end)]:
            yield row, "date_end", end, f"lies before the date {start}. Exchange the two, or correct one."


def date_fits_precision(frames: Frames) -> Iterator[Finding]:
    """The date is as long as its precision says: 1926 for a year, 1926-06 for a month."""
    for row, claim in _rows(frames["claims"]):
        length = DATE_LENGTH.get(claim["date_precision"])
        if length and _is_date(claim["date"]) and len(claim["date"]) != length:
            message = f"does not fit the precision {claim['date_precision']!r}. Change one of the two."
            yield row, "date", claim["date"], message


def figure_has_unit(frames: Frames) -> Iterator[Finding]:
    """A figure and its unit come together."""
    for row, claim in _rows(frames["claims"]):
        if bool(claim["figure"]) != bool(claim["unit"]):
            column = "unit" if claim["figure"] else "figure"
            yield row, column, claim[column], "is empty while figure or unit is given. Fill in both or neither."


def phrase_is_short(frames: Frames) -> Iterator[Finding]:
    """The words seen are eight at most."""
    for row, text in frames["claims"]["evidence_phrase"].items():
        if len(text.split()) > PHRASE_WORDS:
            yield (
                row,
                "evidence_phrase",
                text,
                f"has more than {PHRASE_WORDS} words. Keep the words that let another person find it.",
            )


def origins_within_sources(frames: Frames) -> Iterator[Finding]:
    """The number of independent origins lies between 1 and the number of sources."""
    for row, claim in _rows(frames["claims"]):
        origins, sources = _count(claim["independent_origins"]), len(parts(claim["source_ids"]))
        if origins is not None and sources and origins > sources:
            message = f"is more than its {sources} source(s). Count again, or add the missing source."
            yield row, "independent_origins", claim["independent_origins"], message


def established_is_earned(frames: Frames) -> Iterator[Finding]:
    """An established claim has two independent origins or a primary document."""
    kinds = dict(zip(frames["sources"]["source_id"], frames["sources"]["kind"], strict=True))
    for row, claim in _rows(frames["claims"]):
        alone = claim["status"] == "established" and _count(claim["independent_origins"]) == 1
        if alone and not PRIMARY & {kinds.get(source) for source in parts(claim["source_ids"])}:
            message = "needs two independent origins or a primary document. Add a source, or call it reported."
            yield row, "status", claim["status"], message


def merged_once(frames: Frames) -> Iterator[Finding]:
    """A merged claim was merged into one claim only and is no longer a row."""
    claims = frames["claims"]
    living, seen = set(claims["claim_id"]), {}
    for row, text in claims["merged_from"].items():
        for key in dict.fromkeys(parts(text)):
            if key in living:
                yield row, "merged_from", key, "is still a claim of its own. Delete that row, or take the key out here."
            elif key in seen:
                yield row, "merged_from", key, f"is already merged in row {seen[key]}. Keep it in one of the two."
            seen.setdefault(key, row)


def claims_in_text_exist(frames: Frames, table: str, columns: tuple[str, ...]) -> Iterator[Finding]:
    """A claim key in free text is a claim."""
    known = set(frames["claims"]["claim_id"])
    for column in columns:
        for row, text in frames[table][column].items():
            for key in dict.fromkeys(_CLAIM.findall(text)):
                if key not in known:
                    yield (
                        row,
                        column,
                        key,
                        "is not a claim. Correct the key; a merged claim goes by the key it was merged into.",
                    )


def conflicts_point_back(frames: Frames) -> Iterator[Finding]:
    """'conflicts with H-000' stands in the notes of both claims."""
    claims = frames["claims"]
    conflicts = {
        key: set(_CONFLICT.findall(text)) for key, text in zip(claims["claim_id"], claims["notes"], strict=True)
    }
    for row, claim in _rows(claims):
        for other in dict.fromkeys(_CONFLICT.findall(claim["notes"])):
            if other in conflicts and claim["claim_id"] not in conflicts[other]:
                message = f"does not say “conflicts with {claim['claim_id']}” in its own notes. Say it there, or take it out here."
                yield row, "notes", other, message


# ---- other tables ------------------------------------------------------------------------------------------


def statement_uses_claims(frames: Frames) -> Iterator[Finding]:
    """A statement of the article names at least one claim, and none both for and against it."""
    for row, statement in _rows(frames["article_claims"]):
        pro, contra = (parts(statement[column]) for column in ("supporting_claims", "challenging_claims"))
        if not pro and not contra:
            yield row, "supporting_claims", "", "no claim speaks for or against this statement. Name at least one."
        for key in sorted(set(pro) & set(contra)):
            yield row, "challenging_claims", key, "speaks for and against the same statement. Keep it on one side."


def value_or_note(frames: Frames) -> Iterator[Finding]:
    """An indicator without a value says why in its notes."""
    for row, indicator in _rows(frames["indicators"]):
        if not indicator["value"] and not indicator["notes"]:
            yield row, "value", "", "is empty and the notes do not say why. Fill in one of the two."


def value_within_range(frames: Frames) -> Iterator[Finding]:
    """A value lies within its low and high, except where the notes begin 'As printed'."""
    for row, indicator in _rows(frames["indicators"]):
        value, low, high = indicator["value"], indicator["low"], indicator["high"]
        if (
            not value
            or "As printed" in indicator["notes"]
            or not all(_NUMBER.fullmatch(n) for n in (value, low, high) if n)
        ):
            continue
        if not float(low or value) <= float(value) <= float(high or value):
            message = f"lies outside {low or '…'} to {high or '…'}. Correct it, or note “As printed” with the reason."
            yield row, "value", value, message


def one_value(frames: Frames, table: str, key: str, column: str) -> Iterator[Finding]:
    """All rows of one key have the same value in a column."""
    first = {}
    for row, cells in _rows(frames[table]):
        earlier_row, earlier = first.setdefault(cells[key], (row, cells[column]))
        if cells[column] != earlier:
            message = f"differs from {earlier!r} in row {earlier_row}, which has the same {key}. Make them the same."
            yield row, column, cells[column], message


def coordinates_together(frames: Frames) -> Iterator[Finding]:
    """Latitude, longitude and the source of both are given together; without them the precision is 'none'."""
    for row, place in _rows(frames["places"]):
        if (
            len(
                {
                    place["lat"] == "",
                    place["lon"] == "",
                    place["coord_source"] == "",
                    place["coord_precision"] == "none",
                }
            )
            > 1
        ):
            message = (
                "lat, lon, coord_source and coord_precision do not agree. Give all four, or three empty and 'none'."
            )
            yield row, "coord_precision", place["coord_precision"], message


def _single(function: Callable[[Frames], Iterator[Finding]], *reads: str) -> Rule:
    return Rule(function.__name__.replace("_", "-"), reads[0], reads, function)


def _same(table: str, key: str, column: str) -> Rule:
    return Rule("one-value", table, (table,), partial(one_value, table=table, key=key, column=column))


def _keys_in_text(table: str, *columns: str) -> Rule:
    check = partial(claims_in_text_exist, table=table, columns=columns)
    return Rule("claims-in-text-exist", table, tuple(dict.fromkeys((table, "claims"))), check)


RULES = (
    _single(address_once, "sources"),
    _single(address_or_reason, "sources"),
    _single(source_cited, "sources", *CITING),
    _single(span_runs_forward, "claims"),
    _single(date_fits_precision, "claims"),
    _single(figure_has_unit, "claims"),
    _single(phrase_is_short, "claims"),
    _single(origins_within_sources, "claims"),
    _single(established_is_earned, "claims", "sources"),
    _single(merged_once, "claims"),
    _single(conflicts_point_back, "claims"),
    _keys_in_text("claims", "notes", "claim"),
    _keys_in_text("terms", "notes"),
    _keys_in_text("positions", "notes"),
    _keys_in_text("indicators", "notes"),
    _keys_in_text("article_claims", "reasoning"),
    _single(statement_uses_claims, "article_claims"),
    _single(value_or_note, "indicators"),
    _single(value_within_range, "indicators"),
    _same("indicators", "series_id", "series_name"),
    _same("indicators", "series_id", "comparable_group"),
    _same("indicators", "comparable_group", "unit"),
    *(
        _same("instruments", "instrument_id", c)
        for c in ("name", "short_name", "date_signed", "place", "parties", "in_force_status")
    ),
    _single(coordinates_together, "places"),
)


# ---- small readers -----------------------------------------------------------------------------------------


def parts(text: str, separator: str = ";") -> list[str]:
    """Return the items of a list in a cell, without spaces around them and without empty ones."""
    return [item.strip() for item in text.split(separator) if item.strip()]


def _rows(frame: pd.DataFrame) -> Iterator[tuple[int, dict[str, str]]]:
    yield from zip(frame.index, frame.to_dict("records"), strict=True)


def _is_date(text: str) -> bool:
    if not re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", text, re.ASCII):
        return False
    try:
        dt.date.fromisoformat(text + "-01-01"[: 10 - len(text)] if len(text) < 10 else text)
    except ValueError:
        return False
    return True


def _is_decimal(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _count(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,4}", text, re.ASCII) else None
