"""``course check``: every table and every notebook, one line each, then what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from .problem import Problem

ALIKE = 10


def run(data_dir: Path, notebooks_dir: Path, echo: Callable[[str], object] = print) -> int:
    """Check a folder of tables and a folder of lessons; print what was found and return the number of problems.

    The tables are described by ``datapackage.json`` in `data_dir`. Notebooks are checked against the keys of these tables.
    """
    from . import notebooks, report

    data_dir, notebooks_dir = Path(data_dir), Path(notebooks_dir)
    tables, others, read = report.check_folder(data_dir)
    for table in tables:
        echo(f"{table.file}: {table.rows} rows, {table.rules} rules checked, {_count(table.problems)}")
    keys = notebooks.Keys.of(read)
    lessons, missing = notebooks.check_folder(notebooks_dir, keys)
    for lesson in lessons:
        echo(f"{lesson.summary()}, {_count(lesson.problems)}")
    if prose := [lesson for lesson in lessons if lesson.kind == "paragraphs"]:
        echo(_total(prose, keys))
    problems = (
        others + [p for table in tables for p in table.problems] + missing + [p for n in lessons for p in n.problems]
    )
    if not problems:
        problems += _appendix(data_dir, notebooks_dir) + _wording(data_dir, notebooks_dir, echo)
    for line in _few(problems):
        echo(line)
    for table in tables:
        for reason in dict.fromkeys(table.not_run):
            echo(f"{table.file}: not checked: {reason}.")
    if not keys.complete:
        echo(
            f"{notebooks_dir.name}: not checked: whether keys exist and paragraphs name one; a table could not be read."
        )
    echo(f"{len(problems)} problem{'s' * (len(problems) != 1)}." if problems else "All checks passed.")
    return len(problems)


def _appendix(data_dir: Path, notebooks_dir: Path) -> list[Problem]:
    """Give a problem for each page of the evidence appendix that is not what the tables make; none where there is no appendix."""
    from helpers import appendix, evidence

    if not (notebooks_dir / appendix.FOLDER).is_dir():
        return []
    message = "is not what the tables make. Run `course appendix`."
    names = appendix.differs(evidence.load(data_dir), notebooks_dir)
    return [Problem(f"{appendix.FOLDER}/{name}", "appendix", message) for name in names]


def _wording(data_dir: Path, notebooks_dir: Path, echo: Callable[[str], object]) -> list[Problem]:
    """Give a problem for each loaded word without its speaker; none where a folder has no list of words."""
    from helpers import evidence

    from . import wording

    if not (data_dir / "wording.csv").exists():
        return []
    words = evidence.read_table(data_dir, "wording")
    problems = wording.check_folder(notebooks_dir, words)
    echo(f"wording: {len(words)} rules on lessons, quizzes and lesson plans, {_count(problems)}")
    return problems


def _total(lessons: list, keys) -> str:
    used = {key for lesson in lessons for key in lesson.used if key[:1] in "HPAI"}
    paragraphs, supported = sum(n.paragraphs for n in lessons), sum(n.supported for n in lessons)
    share = f" of {keys.claims} ({len(used) / keys.claims:.0%})" if keys.claims else ""
    named = f", {supported} of {paragraphs} paragraphs name one ({supported / paragraphs:.0%})" if paragraphs else ""
    return f"all lessons: {len(used)} claims{share}{named}"


def _count(problems: list[Problem]) -> str:
    return f"{len(problems)} problem{'s' * (len(problems) != 1)}"


def _few(problems: list[Problem]) -> Iterable[str]:
    """Give each problem as a line; of many that break one rule in one file, the first ten and how many follow."""
    kinds: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        kinds.setdefault((problem.file, problem.rule), []).append(problem)
    for (file, rule), alike in kinds.items():
        yield from map(str, alike[:ALIKE])
        if len(alike) > ALIKE:
            yield f"{file} [{rule}] and {len(alike) - ALIKE} more of this kind"
