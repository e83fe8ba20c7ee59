"""Reading, cleaning and writing notebook files."""

import ast
import copy
import datetime
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from .errors import RunError

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
FIGURE = "application/vnd.plotly.v1+json"
FIGURE_IN_GIT = 12_000  # characters
TWIN = "static_twin"  # marks an output whose widget was left out
WIDGET_ONLY = "Interactive control: it works where a kernel runs, in JupyterLab."

CHECKED = "# NBVAL_CHECK_OUTPUT"

ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
KERNEL_FILE = re.compile(r"(?<![\w/\\])(?:\w:)?(?:[\\/][\w.+~-]{1,99}){0,20}?[\\/]ipykernel_\d+[\\/]\d+\.py")
STYLER_ID = re.compile(r"\bT_[0-9a-f]{5}(?=_|\b)")
UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")


def find_lessons(notebooks_dir, only: Iterable[str] = ()) -> list[Path]:
    """The lessons `notebooks_dir/[0-9]*.ipynb`, sorted; with `only`, those named there ("01-history", with or without
    folder and ".ipynb"). RunError where the folder or a named lesson is missing."""
    folder = Path(notebooks_dir)
    if not folder.is_dir():
        raise RunError(f"There is no folder {folder}. Run this in the course's folder, or name the notebooks' folder.")
    lessons = {path.stem: path for path in sorted(folder.glob("[0-9]*.ipynb"))}
    if not lessons:
        raise RunError(f"{folder} holds no lesson. A lesson's file name begins with a digit, as in 01-history.ipynb.")
    if isinstance(only, str):
        only = (only,)
    wanted = [Path(name).name.removesuffix(".ipynb") for name in only]
    unknown = [name for name in wanted if name not in lessons]
    if unknown:
        raise RunError(
            f"There is no lesson {', '.join(map(repr, unknown))} in {folder}. Lessons: {', '.join(lessons)}."
        )
    return [path for name, path in lessons.items() if not wanted or name in wanted]


def find_appendix(notebooks_dir) -> list[Path]:
    """The evidence appendix, Markdown pages or notebooks in `notebooks_dir/evidence`: shown, never executed."""
    folder = Path(notebooks_dir, "evidence")
    return sorted([*folder.glob("*.md"), *folder.glob("*.ipynb")])


def parse_date(value) -> str | None:
    """An ISO date as text, from a date or from text like 2024-08-31; RunError for anything else."""
    if value is None:
        return None
    if isinstance(value, datetime.date):
        return value.isoformat()[:10]
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            raise ValueError
        return datetime.date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise RunError(f"{value!r} is no date. Write year-month-day, as in 2024-08-31.") from None


def read(path):
    """The notebook at `path`, in format 4.5. Cells without an id, or with one used before, are numbered."""
    import nbformat

    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["nbformat"] != 4:
            raise ValueError("it is not in notebook format 4")
        content["nbformat_minor"] = max(5, content["nbformat_minor"])
        seen = {None}
        for number, cell in enumerate(content["cells"], start=1):
            if cell.get("id") in seen:
                cell["id"] = f"cell-{number:03d}"
            seen.add(cell["id"])
        notebook = nbformat.v4.rwbase.rejoin_lines(nbformat.from_dict(content))
        nbformat.validate(notebook)
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, AttributeError, KeyError, TypeError, nbformat.ValidationError) as error:
        reason = str(error).strip().splitlines()[0]
        raise RunError(f"{path} is not a notebook: {reason}. Open it in JupyterLab and save it again.") from error
    return notebook


def read_text(path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{path} cannot be read: {error}.") from error


def from_markdown(text: str):
    """A notebook of one cell, for a page that is Markdown only."""
    from nbformat.v4 import new_markdown_cell, new_notebook

    return new_notebook(cells=[new_markdown_cell(text)])


def read_all(paths, parameters: Mapping | None = None) -> dict:
    """{path: notebook}, each with the parameters that are to be set declared."""
    sources = {path: read(path) for path in paths}
    for path, source in sources.items():
        check_parameters(path, source, parameters or {})
    return sources


def to_text(notebook, compact: bool = False) -> str:
    """The notebook as it stands in a file; `compact` saves the line that each number of a figure would have to itself."""
    import nbformat

    if compact:
        return json.dumps(notebook, ensure_ascii=False, separators=(",", ":")) + "\n"
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def write_text(path, text: str) -> bool:
    """Write a file so that it is there whole or not at all. Returns False where it already held this text."""
    path = Path(path)
    content = text.encode("utf-8")
    try:
        if path.is_file() and path.read_bytes() == content:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            temporary.write_bytes(content)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}.") from error
    return True


def declared_parameters(notebook) -> list[str]:
    """The names that the cell tagged `parameters` gives a value to."""
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            try:
                statements = ast.parse(cell.source).body
            except SyntaxError:
                return []
            targets = [
                target
                for statement in statements
                for target in getattr(statement, "targets", [getattr(statement, "target", None)])
            ]
            return [target.id for target in targets if isinstance(target, ast.Name)]
    return []


def check_parameters(path, notebook, parameters: Mapping):
    """RunError for a parameter that the lesson does not declare: papermill would only warn and set it in vain."""
    declared = declared_parameters(notebook)
    unknown = [name for name in parameters if name not in declared]
    if unknown:
        has = f"It has: {', '.join(declared)}." if declared else "It has no cell tagged `parameters`."
        raise RunError(f"{Path(path).name} has no parameter {', '.join(map(repr, unknown))}. {has}")


def drop_widgets(notebook):
    """Remove saved widget state, and the widget from each output: its static twin in the same output stays."""
    notebook.metadata.pop("widgets", None)
    for output in outputs_of(notebook):
        data = output.get("data", {})
        if data.pop(WIDGET_VIEW, None) is not None:
            output.metadata[TWIN] = True
            if set(data) <= {"text/plain"}:
                data["text/plain"] = WIDGET_ONLY
    return notebook


def lighten(notebook):
    """Leave out large figures and the twins of explorers; their words and data tables stay.

    A lesson in git is small. GitHub draws no plotly figure, and in JupyterLab the cell draws it again.
    """
    for output in outputs_of(notebook):
        data = output.get("data", {})
        twin = output.get("metadata", {}).get(TWIN) and "text/html" in data
        if FIGURE in data and (twin or len(json.dumps(data[FIGURE], indent=1)) > FIGURE_IN_GIT):
            data.pop(FIGURE)
    return notebook


def outputs_of(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def with_outputs_of(source, executed, *, numbered: bool):
    """`source` with the outputs of `executed` (the same cells), made repeatable: two runs give the same text.

    Left out: timing, widget state, figure uids. Joined: what was printed in one go. Replaced: object addresses, the kernel's temporary file names, and
    random ids, which are numbered in order of appearance. Cells get execution numbers only if `numbered`.
    """
    result = copy.deepcopy(source)
    stand_ins = {}
    for cell, done in zip(result.cells, executed.cells, strict=True):
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        cell.execution_count = done.execution_count if numbered else None
        cell.outputs = [repeatable_output(output, cell.execution_count, stand_ins) for output in joined(done.outputs)]
    result.metadata.get("language_info", {}).pop("version", None)  # each student's Python may differ
    result = drop_widgets(result)
    return result if numbered else lighten(result)


def differences(path, stored, executed) -> list[str]:
    """A message for each marked cell whose output is not the stored one."""
    before = with_outputs_of(stored, stored, numbered=False)
    after = with_outputs_of(stored, executed, numbered=False)
    return [
        f"{Path(path).name}, cell {number}: the output is not the stored one. If the new one is right, read the prose "
        "about it again, then run `course store`."
        for number, (old, new) in enumerate(zip(before.cells, after.cells, strict=True), start=1)
        if old.cell_type == "code" and CHECKED in old.source and old.outputs != new.outputs
    ]


def joined(outputs):
    """Outputs with prints that follow each other as one stdout and one stderr: how a kernel cuts and mixes them depends on
    how busy the machine is. Of a line that was overwritten with carriage returns, the last version stays."""
    result, streams = [], {}
    for output in copy.deepcopy(outputs):
        if output.output_type != "stream":
            result.append(output)
            streams = {}
        elif output.name in streams:
            streams[output.name].text += output.text
        else:
            streams[output.name] = output
            result.append(output)
            if output.name == "stdout" and "stderr" in streams:
                result[-2:] = reversed(result[-2:])
    for output in result:
        if output.output_type == "stream" and "\r" in output.text:
            lines = output.text.replace("\r\n", "\n").split("\n")
            output.text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
    return result


def repeatable_output(output, execution_count, stand_ins):
    output = copy.deepcopy(output)
    if output.output_type == "execute_result":
        output.execution_count = execution_count
    if "text" in output:
        output.text = repeatable_text(output.text, stand_ins)
    if "traceback" in output:
        output.evalue = repeatable_text(output.evalue, stand_ins)
        output.traceback = [repeatable_text(line, stand_ins) for line in output.traceback]
    for mime, content in output.get("data", {}).items():
        if isinstance(content, str) and not mime.startswith("image/"):
            output.data[mime] = repeatable_text(content, stand_ins)
        elif mime == FIGURE:
            for trace in content.get("data", []):
                trace.pop("uid", None)
    return output


def repeatable_text(text: str, stand_ins: dict) -> str:
    def number(match, form):
        return stand_ins.setdefault(match[0], form.format(len(stand_ins) + 1))

    text = ADDRESS.sub("0x…", text)
    text = KERNEL_FILE.sub("cell.py", text)
    text = STYLER_ID.sub(lambda match: number(match, "T_{:05d}"), text)
    return UUID.sub(lambda match: number(match, "00000000-0000-4000-8000-{:012d}"), text)
