"""What the first and last cells of every notebook call: header, quiz, scorecard, evidence used."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from helpers.evidence import Evidence, EvidenceError
from helpers.markup import PERSPECTIVES, esc, key_link, prose_date

KEY = re.compile(r"\[([HPAI]-\d{3})\]")
VERDICTS = {
    "supported": "● supported",
    "partly_supported": "◐ partly supported",
    "contested": "⇄ contested",
    "not_supported": "○ not supported",
    "open": "? open",
    "": "– rests on evidence after the clock",
}


def header(ev: Evidence, statements: Iterable[str] = ()) -> None:
    """Show what the clock hides and the article's statements that the lesson tests.

    From then on figures come with their description, and pandas shows long text whole (`show_tables`).

    `statements` are ids of ``article_claims`` (``S-07``). Raises EvidenceError for one that does not exist.
    """
    from IPython import get_ipython

    from helpers.figures import base

    if shell := get_ipython():
        base.install(shell)
        show_tables()
    _show(clock_html(ev) + statements_html(ev.article_claims, list(statements)))


def show_tables() -> None:
    """Let pandas show a claim's whole sentence, no formula between two dollar signs, and the same text in every kernel."""
    pd.options.display.max_colwidth = 300
    pd.options.display.max_columns = 20
    pd.options.display.width = 160
    pd.options.display.html.use_mathjax = False


def quiz(path: str | Path) -> None:
    """Show the questions of a quiz file (TOML: ``[[question]]`` with ``ask`` and ``[[question.answer]]`` text, right, why).

    Each answer is a button that opens its feedback: it works from the keyboard, with a screen reader, on paper and without
    a kernel. Raises EvidenceError when a question has no right answer or an answer no explanation.
    """
    _show(quiz_html(read_quiz(path)))


def scorecard(ev: Evidence, statements: Iterable[str]) -> None:
    """Show what the evidence did to the article's statements: the reader decides first, then opens the course's verdict."""
    _show(scorecard_html(ev.article_claims, list(statements)))


def evidence_used(ev: Evidence, notebook: str | Path) -> None:
    """Show the claims that a notebook's text cites, by status and perspective, and the pages behind them."""
    _show(evidence_used_html(ev, cited_claims(notebook)))


def clock_html(ev: Evidence) -> str:
    """Return the sentence that tells where the clock stands and what it hides."""
    if ev.as_of is None:
        latest = prose_date(ev.sources["published"].max())
        return (
            f"<p><b>Clock:</b> not set. All {len(ev.claims)} claims are shown; the latest dated page is of {latest}. "
            'Set <code>as_of = "2024-08-31"</code> in the cell above and run all cells to read the lesson as of that day.</p>'
        )
    rows = "".join(
        f"<tr><td>{esc(r.table)}</td><td>{r.rows}</td><td>{esc(r.reason)}</td></tr>" for r in ev.hidden.itertuples()
    )
    undated = int((ev.claims["told"] == "undated").sum())
    return (
        f"<p><b>Clock:</b> {prose_date(ev.as_of.isoformat())}. {len(ev.claims)} claims are shown; for {undated} of them no dated page "
        "proves that they could be read by then. The text of the lesson was written later and may look ahead; "
        "what the cells compute does not.</p>"
        f"<details><summary>What the clock hides</summary><table><thead><tr><th>table</th><th>rows</th><th>reason</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></details>"
    )


def statements_html(article_claims: pd.DataFrame, ids: list[str]) -> str:
    """Return the article's statements `ids` as a table with their paragraph and kind."""
    if not ids:
        return ""
    rows = "".join(
        f"<tr><td>{key_link(r.statement_id)}</td><td>{esc(r.statement)}</td><td>{esc(r.kind)}</td><td>{r.paragraph}</td></tr>"
        for r in _statements(article_claims, ids).itertuples()
    )
    return (
        "<p><b>Under test: what the article says</b></p><table><thead><tr><th>key</th><th>statement</th><th>kind</th>"
        f"<th>paragraph</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def scorecard_html(article_claims: pd.DataFrame, ids: list[str]) -> str:
    """Return one block per statement: the statement, and behind a button verdict, reasoning and the claims on both sides."""
    blocks = []
    for r in _statements(article_claims, ids).itertuples():
        sides = f"<p>For: {_keys(r.supporting_claims)}. Against: {_keys(r.challenging_claims)}.</p>"
        blocks.append(
            f"<li><p>{key_link(r.statement_id)} {esc(r.statement)}</p><details><summary>Decide first; then open the course's verdict"
            f"</summary><p><b>{VERDICTS[r.verdict]}</b></p><p>{esc(r.reasoning)}</p>{sides}</details></li>"
        )
    return f"<ul>{''.join(blocks)}</ul>"


def read_quiz(path: str | Path) -> list[dict]:
    """Return the questions of a quiz file; raises EvidenceError naming the question that breaks a rule."""
    path = Path(path)
    try:
        questions = tomllib.loads(path.read_text(encoding="utf-8"))["question"]
    except FileNotFoundError:
        raise EvidenceError(f"{path.name}: no such quiz file. Quizzes stand in notebooks/quizzes/.") from None
    except (tomllib.TOMLDecodeError, KeyError) as problem:
        raise EvidenceError(f"{path.name}: not a quiz ({problem}). It needs [[question]] blocks in TOML.") from None
    for number, question in enumerate(questions, 1):
        answers = question.get("answer", [])
        if not question.get("ask") or len(answers) < 2 or sum(bool(a.get("right")) for a in answers) != 1:
            raise EvidenceError(
                f"{path.name}: question {number} needs `ask`, two answers or more, and one with `right = true`."
            )
        if not all(a.get("text") and a.get("why") for a in answers):
            raise EvidenceError(f"{path.name}: question {number}: every answer needs `text` and `why`.")
    return questions


def quiz_html(questions: list[dict]) -> str:
    """Return questions as a numbered list; each answer opens its own feedback."""
    items = []
    for question in questions:
        answers = "".join(
            f"<li><details><summary>{esc(a['text'])}</summary><p><b>{'Yes.' if a.get('right') else 'Not quite.'}</b> "
            f"{_linked(esc(a['why']))}</p></details></li>"
            for a in question["answer"]
        )
        items.append(f"<li><p>{_linked(esc(question['ask']))}</p><ul style='list-style:none'>{answers}</ul></li>")
    return f"<p>Choose an answer by opening it.</p><ol>{''.join(items)}</ol>"


def cited_claims(notebook: str | Path) -> list[str]:
    """Return the claim ids that a notebook's Markdown cells cite as ``[H-054]``, in order of first use."""
    path = Path(notebook)
    if not path.exists():
        raise EvidenceError(
            f"{path.name}: no such notebook in {Path.cwd().name}/. Give the name of the lesson's own file."
        )
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return list(dict.fromkeys(KEY.findall(text)))


def evidence_used_html(ev: Evidence, claim_ids: list[str]) -> str:
    """Return the claims `claim_ids` that the clock shows, their status, and whose pages stand behind them.

    The pages themselves are one click away, in each claim's entry of the appendix.
    """
    claims = ev.claims[ev.claims["claim_id"].isin(claim_ids)]
    pages = ev.sources[ev.sources["source_id"].isin(set(claims["source_ids"].explode()))]
    away = len(claim_ids) - len(claims)
    hidden = f" {away} more that the text cites lie after the clock." if away else ""
    return (
        f"<p>This lesson cites {len(claims)} claims ({_counted(claims['status'])}) from {len(pages)} pages.{hidden} "
        f"Whose pages: {_counted(pages['perspective'].map(PERSPECTIVES))}.</p>"
        f"<details><summary>The claims</summary><p>{_keys(tuple(claims['claim_id']))}</p></details>"
        f"<details><summary>The publishers</summary><p>{_counted(pages['publisher'])}</p></details>"
    )


def _counted(column: pd.Series) -> str:
    return esc(", ".join(f"{name} {n}" for name, n in column.value_counts().items()))


def _statements(article_claims: pd.DataFrame, ids: list[str]) -> pd.DataFrame:
    by_id = article_claims.set_index("statement_id", drop=False)
    if unknown := [i for i in ids if i not in by_id.index]:
        raise EvidenceError(f"article_claims: no statement {', '.join(unknown)}. Known: {', '.join(by_id.index)}.")
    return by_id.loc[ids]


def _keys(ids: tuple[str, ...]) -> str:
    return ", ".join(key_link(i) for i in ids) or "none"


def _linked(escaped: str) -> str:
    return re.sub(r"\[([HPAIS]-\d{2,3})\]", lambda m: key_link(m[1]), escaped)


def _show(html: str) -> None:
    from IPython.display import HTML, display

    # Two dollar signs in one paragraph would be set as a formula.
    display(HTML(f'<div class="mathjax_ignore">{html}</div>'))
