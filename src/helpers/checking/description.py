"""The data package's own description: read it, and say what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from helpers.evidence import TABLES

from .problem import Problem

NAME = "datapackage.json"


def read(data_dir: Path) -> tuple[list[dict], list[dict], list[Problem]]:
    """Return the described tables, the other described files, and the problems of ``datapackage.json``.

    A resource that cannot be used is left out of both lists and has a problem instead.
    """
    package, problem = _package(data_dir)
    if problem:
        return [], [], [problem]
    reasons = _reasons(package)
    if reasons:
        return [], [], [Problem(NAME, "data-package", f"{reason}. Mend the description.") for reason in reasons]
    tables, others, problems, names = [], [], [], set()
    for resource in package["resources"]:
        reason = _unusable(resource, data_dir, names)
        names.add(resource["name"])
        if reason:
            problems.append(Problem(NAME, "resource", f"{reason}. Mend the description.", value=resource["name"]))
        else:
            (tables if resource["path"].endswith(".csv") else others).append(resource)
    missing = "this table is not described. Copy its description from the course's data/."
    problems += [Problem(NAME, "resource", missing, value=name) for name in TABLES if name not in names]
    wrong = _wrong_properties(tables)
    unusable = {problem.column.split(".")[0] for problem in wrong}
    usable = [table for table in tables if table["name"] not in unusable]
    return usable, others, problems + wrong + list(_undescribed(data_dir, package["resources"]))


def _package(data_dir: Path) -> tuple[object, Problem | None]:
    path = data_dir / NAME
    if not path.is_file():
        message = f"there is no such file in {data_dir.name}/. Copy it from the course's data/."
        return None, Problem(NAME, "file-exists", message)
    try:
        return json.loads(path.read_text(encoding="utf-8")), None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        return None, Problem(NAME, "json", f"cannot be read: {error}. Mend it or copy it from the course's data/.")


def _reasons(package: object) -> list[str]:
    from frictionless import FrictionlessException, Package

    if not isinstance(package, dict):
        return ["the description is not a JSON object"]
    if not package.get("resources"):
        return ["the description lists no resources"]
    try:
        Package.from_descriptor(package)
    except FrictionlessException as error:
        return [reason.note for reason in error.reasons] or [error.error.note]
    except (TypeError, AttributeError, ValueError, KeyError) as error:
        return [f"the description has an unexpected shape ({error})"]
    return []


def _unusable(resource: dict, data_dir: Path, seen: set) -> str:
    path = resource.get("path")
    if not isinstance(path, str) or "\0" in path:
        return "the path of this resource is not one file name"
    if resource["name"] in seen:
        return "two resources have this name"
    if not (data_dir / path).resolve().is_relative_to(data_dir.resolve()):
        return f"the path {path!r} leaves the folder"
    if path.endswith(".csv"):
        schema = resource.get("schema")
        if not isinstance(schema, dict) or not schema.get("fields"):
            return "this table has no schema with fields"
        names = [field["name"] for field in schema["fields"]]
        unknown = [column for column in key_of(schema) if column not in names]
        if unknown:
            return f"the key names a column that the table does not have: {', '.join(unknown)}"
    return ""


def _wrong_properties(tables: list[dict]) -> list[Problem]:
    """What frictionless does not look at: the course's own properties, and limits that no value can be compared with."""
    columns = {f"{table['name']}.{field['name']}" for table in tables for field in table["schema"]["fields"]}
    problems = []
    for table in tables:
        for field in table["schema"]["fields"]:
            name = f"{table['name']}.{field['name']}"
            for what, value, wanted in _wrong_in_field(field, columns):
                message = f"{what} must be {wanted}. Mend the description."
                problems.append(Problem(NAME, "property", message, column=name, value=str(value)))
    return problems


def _wrong_in_field(field: dict, columns: set[str]) -> Iterator[tuple[str, object, str]]:
    constraints, separator, items = field.get("constraints", {}), field.get("separator"), field.get("items")
    if "pattern" in constraints:
        try:
            re.compile(constraints["pattern"])
        except (re.error, TypeError):
            yield "pattern", constraints["pattern"], "a regular expression"
    if field.get("type") in ("number", "integer"):
        for bound in ("minimum", "maximum"):
            if bound in constraints and not isinstance(constraints[bound], int | float):
                yield bound, constraints[bound], "a number"
    if separator is not None and not (isinstance(separator, str) and separator):
        yield "separator", separator, "a character, such as ;"
    if items is not None and not (isinstance(items, dict) and isinstance(items.get("enum"), list)):
        yield "items", items, 'of the form {"enum": [...]}'
    if "references" in field and (field["references"] not in columns or separator is None):
        yield "references", field["references"], "table.column of a described table, in a column with a separator"


def _undescribed(data_dir: Path, resources: list[dict]) -> Iterator[Problem]:
    described = {resource.get("path") for resource in resources if isinstance(resource.get("path"), str)}
    for path in sorted([*data_dir.glob("*.csv"), *data_dir.glob("derived/*.csv")]):
        name = path.relative_to(data_dir).as_posix()
        if name not in described:
            yield Problem(
                name, "described", f"is not described in {NAME}. Describe it there, or move it out of the folder."
            )


def key_of(schema: dict) -> list[str]:
    """Return the columns of the primary key; JSON allows one name or a list."""
    key = schema.get("primaryKey", [])
    return [key] if isinstance(key, str) else list(key)


def foreign_keys(schema: dict) -> list[tuple[list[str], str]]:
    """Return the foreign keys as pairs: own columns, name of the other table."""
    keys = []
    for key in schema.get("foreignKeys", []):
        fields = key["fields"]
        keys.append(([fields] if isinstance(fields, str) else list(fields), key["reference"].get("resource", "")))
    return keys
