"""``course export``: the tables as a data package that a repository such as Zenodo can take as it is.

The package holds the described tables and outlines, their description, a codebook, a bibliography, who to cite, and every
licence. The same tables give the same bytes, in the folder and in the archive.
"""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from helpers import evidence, markup

NAME = "datapackage.json"
# Licences under which a resource may stand in a deposit that names CC BY 4.0 for all its files.
OPEN = {"CC-BY-4.0", "MIT", "public-domain"}
LANGUAGE = "eng"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first day that a zip file can name
_DEPOSIT_ALL = """A repository such as Zenodo puts one licence on all files of a deposit. Some tables here are under other terms (see
`LICENCES.md`), so deposit the open edition, which `course export --open-only` makes."""
_DEPOSIT_OPEN = """A repository such as Zenodo puts one licence on all files of a deposit. This edition leaves out the tables whose publishers'
terms do not fit CC BY 4.0. `zenodo.json` is the metadata of a deposit as Zenodo's interface for programs takes it; fill in
who you are where it says creators."""
_BESIDE = {"LICENSE": "LICENSE-CODE", "LICENSE-TEXT": "LICENSE-TEXT", "CHANGELOG.md": "CHANGELOG.md"}


class ExportError(ValueError):
    """An export that was not made; the message names the file, the reason and the next step."""


def export(
    data_dir: str | Path,
    out_dir: str | Path,
    *,
    open_only: bool = False,
    echo: Callable[[str], object] = print,
) -> Path:
    """Write ``<name>-<version>/`` and ``<name>-<version>.zip`` into `out_dir` and return the path of the archive.

    `data_dir` is a folder with ``datapackage.json``; licences, change log and CITATION.cff are taken from the folder above it
    where they are there. `open_only` leaves out the tables whose publisher's terms are not those of CC BY 4.0 (or freer) and adds
    ``zenodo.json``, the metadata of a deposit. An earlier export of the same name is replaced, any other folder is refused.
    Raises ExportError, also when frictionless finds the result not valid.
    """
    data_dir, out_dir = Path(data_dir).resolve(), Path(out_dir)
    given = _read_description(data_dir)
    package = describe(given, data_dir, open_only=open_only)
    name = f"{package['name']}-{package['version']}" + ("-open" if open_only else "")
    files = _files(package, data_dir, echo, open_only)
    target, archive = out_dir / name, out_dir / f"{name}.zip"
    _refuse_foreign(target, package["name"])
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out_dir, prefix=".export-") as scratch:
            fresh = Path(scratch, name)
            for path, content in files.items():
                (fresh / path).parent.mkdir(parents=True, exist_ok=True)
                (fresh / path).write_bytes(content)
            validate(fresh)
            _write_zip(Path(scratch, archive.name), name, files)
            if target.exists():
                shutil.rmtree(target)
            fresh.rename(target)
            Path(scratch, archive.name).replace(archive)
    except OSError as error:
        raise ExportError(
            f"{out_dir}: cannot be written ({error.strerror or error}). Choose another folder."
        ) from error
    size = sum(map(len, files.values())) / 1e6
    left = len(given["resources"]) - len(package["resources"])
    echo(f"{target}: {len(files)} files, {size:.1f} MB; {archive.name} beside it. Valid by frictionless.")
    if left:
        echo(f"{left} tables are left out, for their licence. Without --open-only they are in.")
    return archive


def describe(package: dict, data_dir: Path, *, open_only: bool = False) -> dict:
    """Return the description as it is exported: with size and sha256 of each file, and the sources of each derived table.

    `package` is the content of ``datapackage.json``; `open_only` keeps the resources whose licences are all in `OPEN`.
    """
    package = copy.deepcopy(package)
    kept = []
    for resource in package["resources"]:
        if open_only and not is_open(resource):
            continue
        content = _bytes(data_dir / resource["path"])
        resource |= {"bytes": len(content), "hash": f"sha256:{hashlib.sha256(content).hexdigest()}"}
        if "citation" in resource and "sources" not in resource:
            resource["sources"] = [{"title": f"{resource['version']}. {resource['citation']}"}]
        kept.append(resource)
    package["resources"] = kept
    return package


def is_open(resource: dict) -> bool:
    """Say whether every licence of a resource is one that a deposit under CC BY 4.0 can hold."""
    return {licence["name"] for licence in resource.get("licenses", [])} <= OPEN and bool(resource.get("licenses"))


def codebook(package: dict) -> str:
    """Return every column of every table as Markdown: type, unit, allowed values, key, and what it means.

    `package` is the content of ``datapackage.json``. The meaning of statuses, perspectives and actor codes follows the tables.
    """
    parts = [
        f"# Codebook\n\nMade from `{NAME}`, version {package['version']}, schema {package.get('schemaVersion', 'unnumbered')}. "
        "An empty cell means not known or not seen, never zero or no. Tables are UTF-8 with commas and one header row.\n"
    ]
    for resource in package["resources"]:
        if "schema" in resource:
            parts.append(_table_page(resource))
    for title, meanings in (
        ("Statuses of a claim", markup.STATUS_MEANING),
        ("Perspectives of a source", markup.PERSPECTIVES),
        ("Actors", markup.ACTORS),
    ):
        rows = "\n".join(f"| `{code}` | {_cell(meaning)} |" for code, meaning in meanings.items())
        parts.append(f"## {title}\n\n| value | meaning |\n|---|---|\n{rows}\n")
    return "\n".join(parts)


def licences(package: dict) -> str:
    """Return the licence, publisher, version and citation of each resource as Markdown, the project's own tables first."""
    own = [r for r in package["resources"] if "citation" not in r]
    others = [r for r in package["resources"] if "citation" in r]
    parts = [
        "# Licences and citations\n",
        "The tables in the project's own words are under CC BY 4.0 (`LICENSE-TEXT`), the programs in `builders/` under the MIT "
        "licence (`LICENSE-CODE`). Titles and quoted words belong to their authors. Each table that was derived from published "
        "figures keeps its publisher's terms: cite the publisher, not only this package.\n",
        "## The project's tables\n",
        *(f"- `{r['path']}`: {_licence_names(r)}{_sources(r)}" for r in own),
        "",
        "## Derived tables and outlines\n",
    ]
    for r in others:
        parts += [
            f"### `{r['path']}`\n",
            f"{r['title']}. Publisher: {r['publisher']}. Version: {r['version']}. Retrieved: {r.get('retrieved', 'not noted')}.\n",
            f"Licence: {_licence_names(r)}.\n",
            f"Cite: {r['citation']}\n",
            *(f"- {caveat}" for caveat in r.get("caveats", [])),
            "",
        ]
    return "\n".join(parts).rstrip() + "\n"


def readme(package: dict, rows: dict[str, int], *, open_only: bool = False) -> str:
    """Return the first page of the package. `rows` gives the number of rows of each table by its name."""
    deposit = _DEPOSIT_OPEN if open_only else _DEPOSIT_ALL
    listed = "\n".join(
        f"| `{r['path']}` | {rows.get(r['name'], '')} | {_cell(r['description'])} | {_licence_names(r)} |"
        for r in package["resources"]
    )
    return f"""# {package["title"]}

Version {package["version"]}, schema {package.get("schemaVersion", "unnumbered")}. {package["description"]}

Read first: `HOW-TO-READ.md` (what a claim, a status and an origin are, and the traps), then `CODEBOOK.md` (every column).

| file | rows | what it holds | licence |
|---|---|---|---|
{listed}

## Besides the tables

- `{NAME}`: the description by the Frictionless standard, with size and sha256 of each file
- `CODEBOOK.md`: the same for people; `LICENCES.md`: licence and citation of each file
- `sources.bib`: every source for biblatex; the keys are `source_id`
- `CITATION.cff`: how to cite the package; `CHANGELOG.md`: what changed from version to version
- `builders/`: the programs that made the derived tables from the published files (which are not here)

## Open it

    import pandas as pd                                                     # Python
    claims = pd.read_csv("claims.csv", dtype=str, keep_default_na=False)

    claims <- read.csv("claims.csv", colClasses = "character", encoding = "UTF-8")   # R

    frictionless validate {NAME}                                  # every rule that the description names

Read keys and dates as text: `1926`, `1926-06` and `1926-06-05` are three precisions of one date. Lists in a cell are separated
by `;`. To take a list apart in pandas: `claims.assign(source_ids=claims.source_ids.str.split(";")).explode("source_ids")`.

## Cite it

A statement is cited by its key and its sources, for example "H-054, version {package["version"]}, with the sources named there". The
package as a whole: see `CITATION.cff`. A derived table: cite its publisher as `LICENCES.md` says.

## Deposit it

{deposit}
"""


def zenodo(package: dict, authors: Iterable[dict]) -> dict:
    """Return the metadata of a Zenodo deposit, as the deposit API takes it; the day of publication is left to Zenodo.

    `authors` are those of CITATION.cff: people with ``family-names`` and ``given-names``, or bodies with ``name``.
    """
    description = f"<p>{markup.esc(package['description'])}</p><p>Start with README.md and HOW-TO-READ.md.</p>"
    apart = [r["path"] for r in package["resources"] if {x["name"] for x in r["licenses"]} != {"CC-BY-4.0"}]
    notes = f" Under other open terms: {', '.join(apart)}." if apart else ""
    return {
        "metadata": {
            "upload_type": "dataset",
            "title": package["title"],
            "creators": [{"name": _author(author)} for author in authors],
            "description": description,
            "access_right": "open",
            "license": "cc-by-4.0",
            "keywords": package.get("keywords", []),
            "version": package["version"],
            "language": LANGUAGE,
            "notes": f"Licence and citation of each file: LICENCES.md.{notes}",
        }
    }


def citation(package: dict, course: dict) -> dict:
    """Return the citation of the data package, from its description and the content of the course's CITATION.cff."""
    return course | {
        "message": "If you use these tables, please cite them as below.",
        "title": package["title"],
        "type": "dataset",
        "version": package["version"],
        "license": "CC-BY-4.0",
        "abstract": package["description"],
    }


def validate(folder: Path) -> None:
    """Let frictionless check the package in `folder`, sizes and hashes among it; ExportError names the first errors."""
    import frictionless

    report = frictionless.validate(str(folder / NAME))
    if not report.valid:
        errors = [(task.name, error.message) for task in report.tasks for error in task.errors]
        errors += [("package", error.message) for error in report.errors]
        told = "; ".join(f"table {name} {message}" for name, message in errors[:3])
        raise ExportError(f"The package would not be valid: {told}. Run `course check` and mend the tables.")


# ---- files -------------------------------------------------------------------------------------------------


def _author(author: dict) -> str:
    family, given = author.get("family-names"), author.get("given-names")
    return author.get("name") or author.get("title") or ", ".join(filter(None, (family, given)))


def _files(package: dict, data_dir: Path, echo: Callable[[str], object], open_only: bool) -> dict[str, bytes]:
    """Return every file of the package by its path, in alphabetical order."""
    import yaml

    from helpers import citations

    files = {resource["path"]: _bytes(data_dir / resource["path"]) for resource in package["resources"]}
    frames = {r["name"]: evidence.read_table(data_dir, r["name"]) for r in package["resources"] if "schema" in r}
    texts = {
        "README.md": readme(package, {name: len(frame) for name, frame in frames.items()}, open_only=open_only),
        "CODEBOOK.md": codebook(package),
        "LICENCES.md": licences(package),
    }
    if "sources" in frames:
        texts["sources.bib"] = citations.bibtex(frames["sources"])
    files |= {name: text.encode("utf-8") for name, text in texts.items()} | {NAME: _json(package)}
    wanted = {data_dir / "README.md": "HOW-TO-READ.md"}
    wanted |= {data_dir.parent / name: exported for name, exported in _BESIDE.items()}
    wanted |= {path: f"builders/{path.name}" for path in sorted((data_dir / "builders").glob("*.py"))}
    for path, exported in wanted.items():
        if path.is_file():
            files[exported] = _bytes(path)
        else:
            echo(f"{exported} is left out: there is no {path.name} in {path.parent.name}/.")
    course = {}
    if (cff := data_dir.parent / "CITATION.cff").is_file():
        course = yaml.safe_load(_bytes(cff))
        made = yaml.safe_dump(citation(package, course), sort_keys=False, allow_unicode=True, width=110)
        files["CITATION.cff"] = made.encode("utf-8")
    else:
        echo(f"CITATION.cff is left out: there is none in {data_dir.parent.name}/.")
    if open_only:
        files["zenodo.json"] = _json(zenodo(package, course.get("authors") or package.get("contributors", [])))
    return dict(sorted(files.items()))


def _read_description(data_dir: Path) -> dict:
    path = data_dir / NAME
    try:
        package = json.loads(_bytes(path))
    except ValueError as error:
        raise ExportError(f"{NAME}: cannot be read ({error}). Run `course check`.") from error
    lacking = [key for key in ("name", "title", "version", "description", "resources") if not package.get(key)]
    if lacking:
        raise ExportError(f"{NAME}: lacks {', '.join(lacking)}. Add what is missing to the description.")
    for resource in package["resources"]:
        path = resource.get("path", "")
        if not isinstance(path, str) or not (data_dir / path).resolve().is_relative_to(data_dir.resolve()):
            raise ExportError(f"{NAME}: {resource.get('name')}: {path!r} leaves the folder. Mend its path.")
    return package


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or error
        raise ExportError(f"{path.name}: cannot be read ({reason}). Put it back into {path.parent.name}/.") from error


def _refuse_foreign(target: Path, name: str) -> None:
    """Replace only what an earlier export wrote."""
    if not target.exists():
        return
    try:
        same = json.loads((target / NAME).read_text(encoding="utf-8"))["name"] == name
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise ExportError(
            f"{target} is there already and is no export of {name}. Move it away or choose another folder."
        )


def _write_zip(path: Path, folder: str, files: dict[str, bytes]) -> None:
    """Store without compression: compressors differ from one machine to the next, and the archive must not."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(f"{folder}/{name}", _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, wherever it is made
            archive.writestr(entry, content)


def _json(content: dict) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode("utf-8")


# ---- Markdown ----------------------------------------------------------------------------------------------


def _table_page(resource: dict) -> str:
    schema = resource["schema"]
    key = schema.get("primaryKey", [])
    key = [key] if isinstance(key, str) else key
    lines = [
        f"## {resource['title']}: `{resource['path']}`\n",
        f"{resource['description']}" + (f" Key: {', '.join(f'`{column}`' for column in key)}." if key else "") + "\n",
        "| column | type | unit | must be filled | allowed values | meaning |",
        "|---|---|---|---|---|---|",
    ]
    targets = {
        tuple([f["fields"]] if isinstance(f["fields"], str) else f["fields"]): f["reference"]
        for f in schema.get("foreignKeys", [])
    }
    for field in schema["fields"]:
        constraints = field.get("constraints", {})
        cells = (
            f"`{field['name']}`",
            "list of texts" if field.get("separator") else _type(field),
            field.get("unit") or (f"in column `{field['unitColumn']}`" if field.get("unitColumn") else ""),
            "yes" if constraints.get("required") else "",
            _allowed(field, targets.get((field["name"],))),
            " ".join(filter(None, (field.get("title", "") and f"{field['title']}.", field.get("description", "")))),
        )
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join(lines) + "\n"


def _type(field: dict) -> str:
    if field.get("partialDate"):
        return "date: year, month or day"
    return {"string": "text", "integer": "whole number"}.get(field["type"], field["type"])


def _allowed(field: dict, target: dict | None) -> str:
    constraints = field.get("constraints", {})
    parts = []
    if values := constraints.get("enum") or field.get("items", {}).get("enum"):
        parts.append(", ".join(f"`{value}`" for value in values))
    low, high = constraints.get("minimum"), constraints.get("maximum")
    if low is not None or high is not None:
        parts.append(" ".join([f"from {low}"] * (low is not None) + [f"to {high}"] * (high is not None)))
    if field.get("references"):
        parts.append(f"keys of `{field['references']}`")
    if target:
        own = target["fields"] if isinstance(target["fields"], str) else target["fields"][0]
        parts.append(f"key of `{target.get('resource', '')}.{own}`")
    if pattern := constraints.get("pattern"):
        parts.append(f"form `{pattern}`")
    if field.get("separator"):
        parts.append(f"separated by `{field['separator']}`")
    return "; ".join(parts)


def _cell(text: object) -> str:
    """Return text for a cell of a Markdown table, where a bar would end the cell even in code."""
    return " ".join(str(text).split()).replace("|", "\\|")


def _licence_names(resource: dict) -> str:
    return _joined(licence.get("title") or licence["name"] for licence in resource.get("licenses", [])) or "not stated"


def _sources(resource: dict) -> str:
    named = _joined(source["title"] for source in resource.get("sources", []))
    return f"; {named}" if named else ""


def _joined(parts: Iterable[str]) -> str:
    return ", ".join(parts)
