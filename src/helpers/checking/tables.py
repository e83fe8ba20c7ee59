"""Types, constraints and keys of the data package, checked by frictionless and said in the words of this course."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .description import foreign_keys, key_of
from .files import Table
from .problem import Problem


def problems(tables: list[Table]) -> list[Problem]:
    """Return what frictionless finds in the tables that could be read.

    A foreign key into a table that could not be read is not checked (see :func:`unchecked_keys`).
    """
    from frictionless import Package, Resource, Schema

    readable = {table.name: table for table in tables if table.frame is not None}
    resources = []
    for table in readable.values():
        schema = {**table.schema, "foreignKeys": _checkable(table.schema, readable)}
        rows = [list(table.frame.columns), *table.frame.to_numpy().tolist()]
        resources.append(Resource(name=table.name, data=rows, schema=Schema.from_descriptor(schema)))
    if not resources:
        return []
    report = Package(resources=resources).validate(limit_errors=100_000)
    found = [Problem("datapackage.json", error.type, error.note) for error in report.errors]
    for task in report.tasks:
        table = readable[task.name]
        for error in task.errors:
            found += _translate(table, error)
    return found


def unchecked_keys(tables: list[Table]) -> Iterator[tuple[Table, str, str]]:
    """Yield table, columns and other table of each foreign key that could not be followed."""
    readable = {table.name for table in tables if table.frame is not None}
    for table in tables:
        for columns, other in foreign_keys(table.schema):
            if table.name in readable and other and other not in readable:
                yield table, ", ".join(columns), other


def rule_count(schema: dict) -> int:
    """Return how many rules frictionless applies to a table: types other than text, constraints, keys."""
    fields = schema["fields"]
    types = sum(field.get("type", "string") != "string" for field in fields)
    constraints = sum(len(field.get("constraints", {})) for field in fields)
    return types + constraints + bool(key_of(schema)) + len(foreign_keys(schema))


def _checkable(schema: dict, readable: dict[str, Table]) -> list[dict]:
    keep = []
    for key in schema.get("foreignKeys", []):
        other = key["reference"].get("resource", "")
        wanted = key["reference"]["fields"]
        wanted = [wanted] if isinstance(wanted, str) else wanted
        if not other or (other in readable and set(wanted) <= set(readable[other].frame.columns)):
            keep.append(key)
    return keep


def _translate(table: Table, error) -> Iterator[Problem]:
    position = getattr(error, "row_number", None)
    if position is None:
        yield Problem(table.file, error.type, f"{error.note}. Mend the table or its description.")
        return
    row = table.frame.index[position - 2]
    if error.type == "primary-key":
        key = key_of(table.schema)
        values = [table.frame.at[row, column] for column in key]
        if not any(values):
            return  # "required" has already said that the key is empty
        first = re.search(r"position (\d+)", error.note)
        same = f" (as in row {table.frame.index[int(first.group(1)) - 2]})" if first else ""
        message = f"this key is already taken{same}. Give the row a key of its own, or delete the copy."
        yield Problem(table.file, "unique-key", message, row=row, column=", ".join(key), value=", ".join(values))
    elif error.type == "foreign-key":
        message = f"is not in the table {error.reference_name}. Correct the spelling, or add the row there."
        column = ", ".join(error.field_names)
        yield Problem(
            table.file, "foreign-key", message, row=row, column=column, value=", ".join(map(str, error.field_cells))
        )
    elif error.type == "blank-row":
        yield Problem(table.file, "blank-row", "the row is empty. Delete it.", row=row)
    elif hasattr(error, "field_name"):
        field = next(f for f in table.schema["fields"] if f["name"] == error.field_name)
        rule, message = _cell_rule(field, error)
        yield Problem(table.file, rule, message, row=row, column=error.field_name, value=error.cell)
    else:
        yield Problem(table.file, error.type, f"{error.note}. Mend the row.", row=row)


def _cell_rule(field: dict, error) -> tuple[str, str]:
    if error.type == "type-error":
        how = "with digits and a point only" if field["type"] in ("number", "integer") else "as its description says"
        return "type", f"is not {_article(field['type'])} {field['type']}. Write it {how}, or leave it empty."
    if error.type == "unique-error":
        return "unique", "stands in another row too, and may stand in one only. Correct one of the two."
    match = re.match(r'constraint "(\w+)"', error.note)
    constraint = match.group(1) if match else error.type
    limit = field.get("constraints", {}).get(constraint)
    if constraint == "required":
        return "required", "is empty and must not be. Fill it in."
    if constraint == "enum":
        return "known-word", f"is not one of the words in use. Write one of: {', '.join(map(str, limit))}."
    if constraint == "pattern":
        wanted = field.get("description") or field.get("title", "")
        return "form", f"does not have the form {limit}. {wanted} Write it in that form."
    if constraint in ("minimum", "maximum"):
        bounds = field["constraints"]
        unit = f" {field['unit']}" if field.get("unit") else ""
        low, high = bounds.get("minimum", "any"), bounds.get("maximum", "any")
        return "range", f"lies outside {low} to {high}{unit}. Look the value up again."
    return constraint, f"{error.note}. Correct the cell."


def _article(word: str) -> str:
    return "an" if word[:1] in "aeiou" else "a"
