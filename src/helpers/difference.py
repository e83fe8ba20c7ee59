"""``course diff``: what changed in the evidence between two versions, told in sentences, by the lesson that it concerns."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from helpers import citations
from helpers.markup import prose_date

DESCRIPTION = "datapackage.json"
EXAMPLES = 8  # rows of a derived table that are told; the rest are counted
LARGEST = 200_000_000  # bytes that an archive may unfold to
_CONFLICT = re.compile(r"conflicts with ([A-Z]-\d{3})")
_FIRST = {"status", "verdict", "value", "stance_score"}
_LONG = 70  # characters; a longer text was "reworded", a shorter one is quoted
_WORDS = {"claims": "claim", "sources": "source", "indicators": "value of an indicator", "terms": "provision"}
_WORDS |= {"article_claims": "statement of the article", "instruments": "feature of an instrument"}
_WORDS |= {"positions": "stance", "places": "place", "designations": "designation", "glossary": "term of the glossary"}


class DifferenceError(ValueError):
    """Two versions that cannot be compared; the message names the version, the reason and the next step."""


@dataclass(frozen=True)
class Version:
    """The tables of one version as text: `tables` and `schemas` by name, `lessons` {name: keys that it uses}."""

    label: str
    number: str
    tables: dict[str, pd.DataFrame]
    schemas: dict[str, dict]
    lessons: dict[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One changed row: `kind` is added, removed or changed, `key` what a lesson would name, `sentence` a whole sentence.

    A table or a column that came or went has the kind shape.

    `concerns` holds every key whose lessons should hear of it: of a source, the claims that rest on it.
    """

    table: str
    kind: str
    key: str
    sentence: str
    concerns: frozenset[str] = frozenset()


def diff(old: str, new: str, *, course_dir: str | Path | None = None, lesson: str | None = None) -> tuple[str, bool]:
    """Return the report on two versions as Markdown, and whether anything changed.

    `old` and `new` name a folder of tables (or the course's folder, or an export), an exported zip, or a git revision of
    the course in `course_dir` (left out: the nearest). `lesson` keeps the part about one lesson. Raises DifferenceError.
    """
    with opened(old, course_dir) as before, opened(new, course_dir) as after:
        changes = compare(before, after)
        return report(before, after, changes, lesson=lesson), bool(changes)


# ---- versions ----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def opened(name: str | Path, course_dir: str | Path | None = None) -> Iterator[Version]:
    """Give the version that `name` stands for: a folder, a zip, or else a git revision (see `diff`)."""
    path = Path(name)
    with tempfile.TemporaryDirectory(prefix="course-diff-") as scratch:
        if path.is_dir():
            folder = path
        elif path.is_file():
            folder = _unzip(path, Path(scratch))
        else:
            folder = _checkout(str(name), _course(course_dir), Path(scratch))
        yield read(folder, str(name), course_dir)


def read(folder: Path, label: str, course_dir: str | Path | None = None) -> Version:
    """Read the tables below `folder` as text, and which keys each lesson beside them names.

    Where no lessons stand beside the tables, those of the course in `course_dir` serve, if there is one.
    """
    found = [folder / DESCRIPTION, folder / "data" / DESCRIPTION, *sorted(folder.glob(f"*/{DESCRIPTION}"))]
    found = [path for path in found if path.is_file()]
    if not found:
        raise DifferenceError(
            f"{label}: no {DESCRIPTION} in it. Name a folder of tables, an export, or a git revision."
        )
    data = found[0].parent
    try:
        package = json.loads(found[0].read_text(encoding="utf-8"))
        resources = {r["name"]: r for r in package["resources"] if str(r["path"]).endswith(".csv")}
    except (ValueError, KeyError, TypeError) as error:
        raise DifferenceError(
            f"{label}: its {DESCRIPTION} cannot be read ({error}). Run `course check` there."
        ) from error
    tables, schemas = {}, {}
    for table, resource in resources.items():
        path = (data / resource["path"]).resolve()
        if not path.is_relative_to(data.resolve()):
            raise DifferenceError(f"{label}: the path {resource['path']!r} of {table} leaves the folder.")
        tables[table], schemas[table] = _read_table(path, label), resource.get("schema", {})
    lessons = _lessons(data.parent / "notebooks")
    if not lessons:
        with contextlib.suppress(DifferenceError):
            lessons = _lessons(_course(course_dir) / "notebooks")
    return Version(label, str(package.get("version", "unnumbered")), tables, schemas, lessons)


def _read_table(path: Path, label: str) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DifferenceError(f"{label}: {path.name} cannot be read ({error}). Run `course check` there.") from error


def _lessons(notebooks: Path) -> dict[str, set[str]]:
    """Return {lesson: every word of its cells and quiz that could be a key}."""
    lessons = {}
    for path in sorted(notebooks.glob("[0-9]*.ipynb")):
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            text = "\n".join("".join(cell["source"]) for cell in cells)
        except (ValueError, KeyError, TypeError):
            continue
        quiz = notebooks / "quizzes" / f"{path.stem}.toml"
        text += quiz.read_text(encoding="utf-8") if quiz.is_file() else ""
        lessons[path.stem] = set(re.findall(r"[A-Z]-\d{2,3}|[\w-]+", text))
    return lessons


def _unzip(path: Path, scratch: Path) -> Path:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
                raise DifferenceError(
                    f"{path.name}: unfolds to more than {LARGEST:,} bytes and is no export of tables."
                )
            archive.extractall(scratch)  # zipfile keeps every entry inside
    except (zipfile.BadZipFile, OSError) as error:
        raise DifferenceError(
            f"{path.name}: no zip archive ({error}). Name the zip that `course export` wrote."
        ) from error
    return scratch


def _checkout(revision: str, course: Path, scratch: Path) -> Path:
    """Unfold data/ and notebooks/ as they stood at a git revision; the working copy is not touched."""
    wrong = f"{revision}: neither a folder, nor a zip, nor a git revision of the course"
    if revision.startswith("-"):
        raise DifferenceError(f"{wrong}. Begin it with a letter or digit.")
    commit = _git(course, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", wrong=wrong)
    commit = commit.decode().strip()
    there = _git(course, "ls-tree", "--name-only", commit, wrong=wrong).decode().split()
    if "data" not in there:
        raise DifferenceError(f"{revision}: this revision has no data/. Choose a later one.")
    archive = scratch / "version.tar"
    parts = [part for part in ("data", "notebooks") if part in there]
    archive.write_bytes(_git(course, "archive", "--format=tar", commit, *parts, wrong=wrong))
    with tarfile.open(archive) as tar:
        tar.extractall(scratch, filter="data")
    return scratch


def _git(course: Path, *arguments: str, wrong: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(course), *arguments], capture_output=True)
    except FileNotFoundError:
        raise DifferenceError(f"{wrong}; git is not installed here. Compare two folders or exports.") from None
    if done.returncode:
        raise DifferenceError(f"{wrong}. `git log --oneline -- data` lists revisions.")
    return done.stdout


def _course(course_dir: str | Path | None) -> Path:
    from helpers.evidence import EvidenceError, find_data

    if course_dir is not None:
        return Path(course_dir)
    try:
        return find_data().parent
    except EvidenceError as error:
        raise DifferenceError(str(error)) from None


# ---- comparing ---------------------------------------------------------------------------------------------


def compare(old: Version, new: Version) -> list[Change]:
    """Return every change from `old` to `new`, evidence tables first, in the order of the new description."""
    changes = []
    for table in [*new.tables, *(name for name in old.tables if name not in new.tables)]:
        if table not in old.tables or table not in new.tables:
            kind = "added" if table in new.tables else "removed"
            rows = len((new if kind == "added" else old).tables[table])
            changes.append(Change(table, "shape", table, f"The table `{table}` ({rows} rows) was {kind}."))
        else:
            changes += _Comparison(table, old, new).changes()
    return changes


class _Comparison:
    """Two versions of one table, row by row."""

    def __init__(self, table: str, old: Version, new: Version):
        self.table = table
        self.fields = {f["name"]: f for v in (old, new) for f in v.schemas[table].get("fields", [])}
        key = new.schemas[table].get("primaryKey", [])
        self.key = [key] if isinstance(key, str) else list(key)
        self.old, self.new = self._by_key(old), self._by_key(new)
        self.versions = old, new

    def _by_key(self, version: Version) -> dict[tuple, dict]:
        frame = version.tables[self.table]
        if lacking := [column for column in self.key if column not in frame]:
            raise DifferenceError(
                f"{version.label}: {self.table} has no column {', '.join(lacking)}, which is its key."
            )
        rows = frame.to_dict("records")
        if not self.key:  # without a key a row is itself or another
            return {tuple(row.values()): row for row in rows}
        found = {tuple(row[column] for column in self.key): row for row in rows}
        if len(found) < len(rows):
            raise DifferenceError(f"{version.label}: {self.table} repeats a key. Run `course check` there.")
        return found

    def changes(self) -> list[Change]:
        old_columns, new_columns = (list(v.tables[self.table].columns) for v in self.versions)
        found = [
            Change(self.table, "shape", self.table, f"`{self.table}` {verb} `{column}`.")
            for verb, columns, others in (
                ("has a new column,", new_columns, old_columns),
                ("no longer has", old_columns, new_columns),
            )
            for column in columns
            if column not in others
        ]
        for key, row in self.new.items():
            if key not in self.old:
                found.append(self._change("added", row, self._added(row)))
            elif told := self._changed(self.old[key], row):
                found.append(self._change("changed", row, f"{self._subject(row)} {_and(told)}.", self.old[key]))
        found += [
            self._change("removed", row, self._removed(row)) for key, row in self.old.items() if key not in self.new
        ]
        return found

    def _change(self, kind: str, row: dict, sentence: str, before: dict | None = None) -> Change:
        key = row[self.key[0]] if self.key else self.table
        concerns = {key, self.table} if self.table not in _WORDS else {key}
        if self.table == "sources":
            for version in self.versions:
                concerns |= _resting_on(version, key)
        for part in (row, before or {}):
            concerns |= set(filter(None, part.get("claim_ids", "").split(";")))
            concerns |= {part["instrument_id"]} if "instrument_id" in part else set()
        return Change(self.table, kind, key, sentence, frozenset(concerns))

    def _subject(self, row: dict) -> str:
        if self.table == "sources":
            date = f", {prose_date(row['published'])}" if row.get("published") else ", undated"
            return f"The page `{row['source_id']}` ({row.get('publisher', '')}{date})"
        if self.table == "article_claims":
            return f"{row['statement_id']} of the article"
        if self.table == "indicators":
            when = f"{row['year']}-{int(row['month']):02d}" if row.get("month") else row["year"]
            where = f", {row['place_scope']}" if row.get("place_scope") else ""
            return f"`{row['series_id']}` for {prose_date(when)}{where}"
        if self.table == "positions":
            return f"The {row['period']} stance of {row['actor']} on `{row['issue']}` ({row['date'] or 'undated'})"
        if self.table == "instruments":
            return f"`{row['instrument_id']}` on `{row['feature']}`"
        if self.table in ("claims", "terms", "designations"):
            return row[self.key[0]]
        shown = self.key or list(row)
        return f"`{self.table}`, " + ", ".join(f"`{row[column]}`" for column in shown)

    def _added(self, row: dict) -> str:
        subject = self._subject(row)
        if self.table == "claims":
            origins = _count(row.get("independent_origins", ""), "independent origin")
            sentence = f"{subject} is new ({row['status']}, {origins}): “{row['claim']}”"
            return sentence + self._against(_conflicts(row))
        if self.table == "sources":
            return f"{subject} is new: “{row['title']}”."
        if self.table == "article_claims":
            return f"{subject} is new, with the verdict {_verdict(row['verdict'])}: “{row['statement']}”"
        if self.table == "indicators":
            return f"{subject} is new: {row['value'] or 'no value'} {row['unit']}."
        text = next(
            (row[c] for c in ("provision", "stance_summary", "what_it_says", "act", "short_definition") if row.get(c)),
            "",
        )
        return f"{subject} is new" + (f": “{text}”" if text else ".")

    def _removed(self, row: dict) -> str:
        subject = self._subject(row)
        if self.table == "claims":
            heirs = [r["claim_id"] for r in self.new.values() if row["claim_id"] in r.get("merged_from", "").split(";")]
            if heirs:
                return f"{subject} was merged into {_and(heirs)}."
            return f"{subject} was removed. It said ({row['status']}): “{row['claim']}”"
        if self.table == "indicators":
            return f"{subject} was removed; it was {row['value'] or 'no value'} {row['unit']}."
        return f"{subject} was removed."

    def _changed(self, old: dict, new: dict) -> list[str]:
        told, quiet = [], []
        for column in sorted(new, key=lambda name: name not in _FIRST):  # what weighs most stands first
            if column == "date_precision" and old.get("date") != new.get("date"):
                continue
            if column in old and old[column] != new[column] and not self._same_number(column, old[column], new[column]):
                phrase = self._phrase(column, old[column], new[column])
                (told if phrase else quiet).append(phrase or self._title(column))
        if self.table == "claims":
            before, after = _conflicts(old), _conflicts(new)
            verbs = (("now conflicts", after - before), ("no longer conflicts", before - after))
            told += [f"{verb} with {_and(sorted(keys))}" for verb, keys in verbs if keys]
        if quiet:
            told.append(f"has other words in {_and(quiet)}")
        return told

    def _phrase(self, column: str, old: str, new: str) -> str:
        """Return what happened to one cell as the end of a sentence; empty for a note, of which only the place is told."""
        kind, title = self.fields.get(column, {}), self._title(column)
        if column in ("notes", "evidence_phrase", "reasoning"):
            return ""
        if column in ("status", "verdict"):
            return f"went from {_verdict(old)} to {_verdict(new)}"
        if column == "claim":
            return f"now says “{new.rstrip('.')}” (before: “{old.rstrip('.')}”)"
        if column == "independent_origins":
            return f"rests on {_count(new, 'independent origin')} instead of {old or 'none'}"
        if separator := kind.get("separator"):
            before, after = (list(filter(None, text.split(separator))) for text in (old, new))
            gained, lost = [x for x in after if x not in before], [x for x in before if x not in after]
            sides = (("gained", gained), ("lost", lost))
            parts = [f"{verb} {_and(self._named(column, items))}" for verb, items in sides if items]
            return f"{' and '.join(parts)} in {title}" if parts else f"has another order in {title}"
        if kind.get("partialDate"):
            old, new = (prose_date(text) if text else "" for text in (old, new))
        if column in ("date", "date_signed", "published") and old and new:
            return f"is dated {new} instead of {old}"
        if not old:
            return f"now has {title}: {_quoted(new)}"
        if not new:
            return f"no longer has {title} (it was {_quoted(old)})"
        if max(len(old), len(new)) > _LONG:
            return f"has other words in {title}: {_quoted(new)}"
        return f"has {title} {_quoted(new)} instead of {_quoted(old)}"

    def _named(self, column: str, values: list[str]) -> list[str]:
        """Return keys of sources with the short label that the lessons show, other items as they are."""
        if self.fields.get(column, {}).get("references") != "sources.source_id":
            return values
        names = self._labels
        return [f"{names[value]} (`{value}`)" if value in names else f"`{value}`" for value in values]

    @cached_property
    def _labels(self) -> dict[str, str]:
        names = {}
        for version in self.versions:
            sources = version.tables.get("sources")
            if sources is not None and {"source_id", "publisher", "published"} <= set(sources):
                names |= citations.labels(sources)
        return names

    def _title(self, column: str) -> str:
        title = self.fields.get(column, {}).get("title")
        return f"“{title}”" if title else f"`{column}`"

    def _same_number(self, column: str, old: str, new: str) -> bool:
        """Say whether 12 became 12.0: a spreadsheet's doing, and no change."""
        if self.fields.get(column, {}).get("type") not in ("number", "integer"):
            return False
        try:
            return float(old) == float(new)
        except ValueError:
            return False

    def _against(self, keys: set[str]) -> str:
        return f" It conflicts with {_and(sorted(keys))}." if keys else ""


def _resting_on(version: Version, source_id: str) -> set[str]:
    claims = version.tables.get("claims")
    if claims is None or "source_ids" not in claims:
        return set()
    rests = [source_id in ids.split(";") for ids in claims["source_ids"]]
    return set(claims.loc[rests, "claim_id"])


def _conflicts(row: dict) -> set[str]:
    return set(_CONFLICT.findall(row.get("notes", "")))


# ---- telling -----------------------------------------------------------------------------------------------


def report(old: Version, new: Version, changes: list[Change], *, lesson: str | None = None) -> str:
    """Return the changes as Markdown: a summary, then what concerns each lesson of the new version, then the rest.

    A row that several lessons use stands under each of them. Raises DifferenceError for a `lesson` that is not there.
    """
    if lesson is not None and lesson not in new.lessons:
        raise DifferenceError(f"There is no lesson {lesson!r}. Lessons: {', '.join(new.lessons) or 'none'}.")
    parts = [
        f"# What changed in the evidence\n\nFrom {old.label} (version {old.number}) to {new.label} (version {new.number})."
    ]
    parts.append(_summary(changes))
    told: set[Change] = set()
    for name, words in new.lessons.items():
        words = words | old.lessons.get(name, set())
        mine = sorted((change for change in changes if change.concerns & words), key=_weight)
        told |= set(mine)
        if lesson in (None, name) and mine:
            parts.append(_section(f"{name}: {_count(len(mine), 'change')}", mine))
        elif lesson == name:
            parts.append(f"## {name}\n\nNothing that this lesson names has changed.")
    shape = [change for change in changes if change.kind == "shape"]
    rest = [change for change in changes if change not in told and change.kind != "shape"]
    if lesson is None and rest:
        parts.append(_section(f"Named in no lesson: {_count(len(rest), 'change')}", rest))
    if lesson is None and shape:
        parts.append(_section("The shape of the tables", shape))
    return "\n\n".join(parts) + "\n"


def _weight(change: Change) -> tuple[bool, bool, int]:
    """Sort key: what changes a lesson's argument first, pages last."""
    verdict = " went from " in change.sentence
    return change.table == "sources", not verdict, ("removed", "added", "changed", "shape").index(change.kind)


def _summary(changes: list[Change]) -> str:
    if not changes:
        return "Nothing changed."
    counts: dict[tuple[str, str], int] = {}
    for change in changes:
        counts[change.table, change.kind] = counts.get((change.table, change.kind), 0) + 1
    lines = []
    for table in dict.fromkeys(change.table for change in changes if change.kind != "shape"):
        kinds = [f"{counts[table, kind]} {kind}" for kind in ("added", "removed", "changed") if (table, kind) in counts]
        lines.append(f"- {table}: {', '.join(kinds)}")
    if shape := sum(change.kind == "shape" for change in changes):
        lines.append(f"- {_count(shape, 'table or column', 'tables or columns')} came or went")
    status = sum(change.table == "claims" and " went from " in change.sentence for change in changes)
    if status:
        lines.append(f"- {_count(status, 'claim')} changed status")
    return "\n".join(lines)


def _section(title: str, changes: Iterable[Change]) -> str:
    """Return one section; of a derived table the first rows are told and the others counted."""
    lines, seen = [], {}
    for change in changes:
        seen[change.table] = seen.get(change.table, 0) + 1
        if change.table in _WORDS or seen[change.table] <= EXAMPLES:
            lines.append(f"- {change.sentence}")
    lines += [
        f"- `{table}`: {_count(number - EXAMPLES, 'more row')} changed."
        for table, number in seen.items()
        if table not in _WORDS and number > EXAMPLES
    ]
    return f"## {title}\n\n" + "\n".join(lines)


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[\d.,−-]+|[\w ]{1,30}", text) else f"“{text.rstrip('.')}”"


def _verdict(word: str) -> str:
    return word.replace("_", " ") or "no verdict"


def _count(number: object, one: str, many: str = "") -> str:
    return f"{number} {one if str(number) == '1' else many or one + 's'}"


def _and(parts: Iterable[str]) -> str:
    """Return parts as words: ``a``, ``a and b``, ``a, b and c``; with semicolons where a part has a comma of its own."""
    parts = list(parts)
    comma = "; " if any("," in part or ";" in part or " and " in part for part in parts) else ", "
    return parts[0] if len(parts) == 1 else f"{comma.join(parts[:-1])}{comma if comma == '; ' else ' '}and {parts[-1]}"
