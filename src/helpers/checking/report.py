"""The checks of all tables together: what was checked, what could not be, what is wrong."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from . import description, files, rules, tables
from .problem import Problem


@dataclass
class TableReport:
    """What was done with one table. `rules` counts the rules that ran, `not_run` says why others did not."""

    file: str
    rows: int = 0
    rules: int = 0
    problems: list[Problem] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)


def check_folder(data_dir: Path) -> tuple[list[TableReport], list[Problem], list[files.Table]]:
    """Check every described table of a folder.

    Returns one report a table, the problems that belong to no table, and the tables as read.
    """
    described, others, problems = description.read(data_dir)
    read = [files.read(data_dir, resource) for resource in described]
    problems += [p for resource in others for p in _other_file(data_dir, resource)]
    reports, more = check_tables(read)
    return reports, problems + more, read


def check_tables(read: list[files.Table]) -> tuple[list[TableReport], list[Problem]]:
    """Apply every rule to tables that are read already; a table that could not be read has only its own problems.

    Returns one report a table, and problems of the description that only show here.
    """
    reports = {table.name: TableReport(table.file, problems=list(table.problems)) for table in read}
    found = tables.problems(read) + apply_rules(read, reports)
    for table in read:
        report = reports[table.name]
        report.rules += len(files.RULES)
        if table.frame is None:
            report.not_run.append("the other rules: the file must be mended first")
        else:
            report.rows = len(table.frame)
            report.rules += tables.rule_count(table.schema)
    for table, columns, other in tables.unchecked_keys(read):
        reports[table.name].rules -= 1
        reports[table.name].not_run.append(f"foreign-key of {columns}: it needs {other}, which could not be read")
    by_file = {table.file: table for table in read}
    for problem in found:
        table = by_file.get(problem.file)
        if table and problem.row not in table.broken_rows:
            reports[table.name].problems.append(problem)
    for report in reports.values():
        report.problems.sort(key=lambda problem: problem.row or 0)
    return list(reports.values()), [problem for problem in found if problem.file not in by_file]


def apply_rules(read: list[files.Table], reports: dict[str, TableReport]) -> list[Problem]:
    """Return what the rules beyond the data package find; count in `reports` which ran and which could not."""
    frames = {table.name: table.frame for table in read if table.frame is not None}
    found = []
    for table in (table for table in read if table.frame is not None):
        report = reports[table.name]
        for rule in applying(table):
            missing = [name for name in rule.reads if name not in frames]
            if missing:
                report.not_run.append(f"{rule.name}: it needs {', '.join(missing)}, which could not be read")
                continue
            try:
                findings = list(rule.check(frames))
            except KeyError as column:
                message = "this rule needs a column that is not described. Describe it."
                name = f"{table.name}.{column.args[0]}"
                found.append(Problem(description.NAME, rule.name, message, column=name))
                continue
            report.rules += 1
            found += [
                Problem(table.file, rule.name, message, row, column, value) for row, column, value, message in findings
            ]
    return found


def applying(table: files.Table) -> list[rules.Rule]:
    """Return the rules of one table: those that its columns ask for, then its own."""
    return [*rules.column_rules(table.name, table.schema), *(rule for rule in rules.RULES if rule.table == table.name)]


def _other_file(data_dir: Path, resource: dict) -> list[Problem]:
    path = data_dir / resource["path"]
    if not path.is_file():
        return [
            Problem(
                resource["path"],
                "file-exists",
                "there is no such file. Put it back, or take it out of datapackage.json.",
            )
        ]
    wanted = str(resource.get("hash", ""))
    if wanted.startswith("sha256:"):
        found = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        if found != wanted:
            message = "is not the file that datapackage.json describes. Build it again, or describe the new one."
            return [Problem(resource["path"], "sha256", message, value=found)]
    if path.suffix in (".json", ".geojson"):
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            return [Problem(resource["path"], "json", f"cannot be read: {error}. Build the file again.")]
    return []
