"""What each side wanted on an issue, what the texts say about it, and what became of that."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from helpers import markup
from helpers.evidence import Evidence
from helpers.explorers import ahead, base, live
from helpers.explorers.terms import claims_on_pages
from helpers.figures.asked_and_got import (
    CURRENT,
    EARLIER,
    ISSUES,
    actor_name,
    draw,
    dress,
    features_on,
    frame,
    height_for,
    issue_name,
    ordered_actors,
    provisions_on,
    signed,
    split,
)
from helpers.figures.asked_and_got import asked_and_got as drawn
from helpers.figures.controls import highlights
from helpers.figures.matrix import feature_name
from helpers.figures.terms import text_name
from helpers.markup import esc, prose_date

_NOTHING = "No stance on any issue was dated closely enough to be shown at this clock."
_CELL = ' style="text-align:left;vertical-align:top;padding-right:1em"'
_GROUPS = {
    "held": "In a text that was signed, or announced",
    "absent": "Said not to be in it",
    "circulated": "In the circulated text only, which nobody signed as it stands",
}


@ahead.looking
def asked_and_got(ev: Evidence) -> base.Explorer:
    """Show by issue what each actor wanted (earlier and now), what the texts say and what became of it.

    Controls: issue, actor (in the list). Without an actor chosen the panel sets what was asked beside what the texts give.
    """
    positions = ev.positions
    found = set(positions["issue"])
    issues = [i for i in ISSUES if i in found] + sorted(found - set(ISSUES))
    controls = {
        "issue": base.dropdown("Issue", [(issue_name(i), i) for i in issues] or [("no issue", "")], width="380px"),
        "actor": base.choice_list("Actor", []),
    }
    by_issue = {i: positions[positions["issue"] == i] for i in issues}
    actors = {i: ordered_actors(rows) for i, rows in by_issue.items()}
    provisions = {i: provisions_on(ev.terms, i) for i in issues}
    sentences = {i: _sentence(by_issue[i], provisions[i]) for i in issues}
    panels: dict[str, str] = {}
    first = issues[0] if issues else ""
    drawing = dress(frame(), title=_title(first), alt="", rows=len(actors.get(first, [])))
    if issues:
        draw(drawing, by_issue[first], actors[first])
    figure = live.figure(drawing)
    status, detail = base.status_line(), base.panel("")
    now = {"issue": first}

    def update(_change: object) -> None:
        issue = controls["issue"].value
        if not issue:
            draw(figure, positions, [], None, _NOTHING)
            base.tell(status, _NOTHING)
            return
        now["issue"] = issue
        rows = by_issue[issue]
        base.offer(controls["actor"], _options(rows, actors[issue]), read)
        draw(
            figure,
            rows,
            actors[issue],
            controls["actor"].value,
            title=_title(issue),
            height=height_for(len(actors[issue])),
        )
        base.tell(status, sentences[issue])
        show()

    def read(_change: object) -> None:
        draw(figure, by_issue[now["issue"]], actors[now["issue"]], controls["actor"].value)
        show()

    def show() -> None:
        issue, actor = now["issue"], controls["actor"].value
        if issue not in panels:
            panels[issue] = issue_panel(ev, issue, by_issue[issue], provisions[issue])
        detail.value = stance_card(ev, actor, by_issue[issue]) if actor else panels[issue]

    def click(trace, points, _state) -> None:
        if points.point_inds:
            controls["actor"].value = trace.customdata[points.point_inds[0]]

    controls["actor"].observe(read, "value")
    controls["issue"].observe(update, "value")
    for trace in (EARLIER, CURRENT):
        figure.data[trace].on_click(click)
    update(None)
    twin = drawn(positions, ev.terms)
    if issues:
        highlights(
            twin, "Actor", {"every actor": {}, **{actor_name(a): _marks_of(twin, a) for a in ordered_actors(positions)}}
        )
    return base.Explorer(controls, figure, status, detail, twin, "Explorer: what was asked and what was got")


def issue_panel(ev: Evidence, issue: str, rows: pd.DataFrame, provisions: pd.DataFrame) -> str:
    """Return an issue as HTML: what each actor wanted, what the texts say and what became of it, what the older texts have."""
    asked = "".join(
        f'<tr><th scope="row"{_CELL}>{esc(actor_name(r.actor))}</th><td{_CELL}>{signed(r.stance_score)} ({esc(r.period)})</td>'
        f"<td{_CELL}>{esc(r.stance_summary)}</td><td{_CELL}>{esc(r.basis)}, {esc(prose_date(r.date))}</td></tr>"
        for r in _in_order(rows).itertuples()
    )
    parts = [f"<h4>{esc(issue_name(issue))}: what the texts are said to give, and what became of it</h4>"]
    if provisions.empty:
        parts.append(
            "<p>No provision on this issue is described for any text of 2024 or 2025 that the clock shows. That is a finding "
            "about descriptions: the texts may hold more.</p>"
        )
    for name, part in split(provisions).items():
        if len(part):
            items = "".join(
                f"<li><b>{esc(r.term_id)}</b> {esc(r.provision)} <i>({esc(text_name(r.instrument_id, ev.instruments))})</i>"
                f"{'' if name == 'absent' else f': <b>{esc(r.status_2026)}</b>'}</li>"
                for r in part.itertuples()
            )
            parts.append(f"<p>{_GROUPS[name]}</p><ul>{items}</ul>")
    features = features_on(ev.instruments, issue)
    if len(features):
        counts = ", ".join(f"{v.replace('_', ' ')} {n}" for v, n in features["value"].value_counts().items())
        parts.append(
            f"<p>On “{esc(feature_name(features['feature'].iloc[0]).lower())}” in all texts since 1926: {esc(counts)}.</p>"
        )
    head = "".join(f'<th scope="col"{_CELL}>{name}</th>' for name in ("actor", "score", "stance", "rests on"))
    parts.append(f"<h4>What was asked</h4><table><thead><tr>{head}</tr></thead><tbody>{asked}</tbody></table>")
    return f'<div class="claim-card" style="line-height:1.45">{"".join(parts)}</div>'


def stance_card(ev: Evidence, actor: str, rows: pd.DataFrame) -> str:
    """Return an actor's stances on one issue as HTML: score, summary, on what it rests, notes, claims on the same pages, sources."""
    parts = [f"<h4>{esc(actor_name(actor))}</h4>"]
    for r in _in_order(rows[rows["actor"] == actor]).itertuples():
        parts.append(
            f"<p><b>{signed(r.stance_score)}</b> ({esc(r.period)}): {esc(r.stance_summary)}</p>"
            f"<p>Rests on: {esc(r.basis)}, {esc(prose_date(r.date))}; {esc(r.status)}.</p>"
        )
        if r.notes:
            parts.append(f"<p>Notes: {esc(r.notes)}</p>")
        parts.append(f"<p>Sources</p>{markup.source_list(ev.sources, r.source_ids)}")
        if keys := claims_on_pages(ev, r.source_ids):
            parts.append(f"<p>Claims that rest on the same pages: {', '.join(markup.key_link(k) for k in keys)}.</p>")
    return f'<div class="claim-card" style="line-height:1.45">{"".join(parts)}</div>'


def _marks_of(twin: go.Figure, actor: str) -> dict[int, list[int]]:
    """Where an actor stands on the static figure: trace -> its points, for every trace with names."""
    return {
        n: [at for at, key in enumerate(trace.customdata) if key == actor]
        for n, trace in enumerate(twin.data)
        if trace.customdata is not None
    }


def _title(issue: str) -> str:
    return f"Who wants what: {issue_name(issue)}" if issue else "Who wants what?"


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    order = ordered_actors(rows)
    return rows.sort_values(
        ["actor", "period"], key=lambda c: c.map(order.index) if c.name == "actor" else c, kind="stable"
    )


def _options(rows: pd.DataFrame, actors: list[str]) -> list[tuple[str, str]]:
    latest = _in_order(rows).drop_duplicates("actor").set_index("actor")
    return [
        (f"{actor_name(a)}  {signed(int(latest.at[a, 'stance_score']))}:  {latest.at[a, 'stance_summary'][:110]}", a)
        for a in actors
    ]


def _sentence(rows: pd.DataFrame, provisions: pd.DataFrame) -> str:
    latest = rows.sort_values("period", kind="stable").drop_duplicates("actor")["stance_score"]
    sides = {
        "for": int((latest > 0).sum()),
        "mixed or silent": int((latest == 0).sum()),
        "against": int((latest < 0).sum()),
    }
    told = ", ".join(f"{name} {n}" for name, n in sides.items())
    parts = {name: len(part) for name, part in split(provisions).items()}
    return (
        f"{len(latest)} actors with a stance that was seen: {told}. Provisions described: {parts['held']}; said to be absent "
        f"{parts['absent']}; in the circulated text only {parts['circulated']}."
    )
