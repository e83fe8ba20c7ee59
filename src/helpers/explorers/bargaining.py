"""The bargaining sandbox: one issue, every input of the teaching model in the reader's hands."""

from __future__ import annotations

import ipywidgets as widgets
import pandas as pd
import plotly.graph_objects as go

from helpers.analysis.bargaining import LABEL, inputs_from
from helpers.evidence import Evidence
from helpers.explorers import ahead, base, live
from helpers.figures.asked_and_got import ISSUES, actor_name, issue_name, ordered_actors, signed
from helpers.figures.bargaining import (
    HIGHS,
    LOWS,
    MARKS,
    clear,
    describe,
    draw,
    dress,
    frame,
    heading,
    number,
    outcome,
    resize,
)
from helpers.figures.bargaining import bargaining as drawn
from helpers.figures.controls import drop_down
from helpers.markup import esc, prose_date, source_list

SALIENCE, CAPABILITY, MOST = 0.5, 1.0, 5.0
_FEWEST = 2
_STYLE = {"description_width": "190px"}
_NOTHING = "No issue has stances of two actors at this clock."
_NO_WEIGHT = "Nobody has any weight: give one actor a salience and a capability above 0."


@ahead.looking
def bargaining(ev: Evidence, issue: str | None = None) -> base.Explorer:
    """Let the reader move every input of the weighted-mean model on one issue and see the outcome and its sensitivity.

    `issue`: the one to begin with. Positions begin at the table's current stance scores; saliences and capabilities have no data: they
    begin equal and are the reader's assumption. Controls: issue, actor, position, salience, capability (of the chosen actor), alone (one
    actor decides), equal, reset.
    """
    positions = ev.positions[ev.positions["period"] == "current"]
    size = positions["issue"].value_counts()
    issues = [i for i in [*ISSUES, *sorted(set(size.index) - set(ISSUES))] if size.get(i, 0) >= _FEWEST]
    if issue in issues:
        issues = [issue, *(i for i in issues if i != issue)]
    controls = {
        "issue": base.dropdown("Issue", [(issue_name(i), i) for i in issues] or [("no issue", "")], width="330px"),
        "actor": base.dropdown("Actor", [("no actor", "")], width="330px"),
        "position": _slider("Position (−2 … 2)", -2.0, 2.0, 0.0, 0.25),
        "salience": _slider("Salience (your assumption)", 0.0, 1.0, SALIENCE, 0.05),
        "capability": _slider("Capability (your assumption)", 0.0, MOST, CAPABILITY, 0.25),
        "alone": _button("This actor decides alone"),
        "equal": _button("All equal"),
        "reset": _button("Back to the table"),
    }
    begin = {i: _begin(positions, i) for i in issues}
    first = issues[0] if issues else ""
    stances: dict[tuple[str, str], str] = {}
    now = {"issue": first, "inputs": begin[first].copy() if issues else pd.DataFrame(), "busy": False, "result": None}
    plain = {i: outcome(table) for i, table in begin.items()}
    rows = len(now["inputs"])
    drawing = dress(frame(rows), title=heading(first), alt="", rows=rows)
    if issues:
        draw(drawing, plain[first])
    figure = live.figure(drawing)
    status, detail = base.status_line(), base.panel("")

    def repaint(known: dict | None = None) -> None:
        try:
            result = now["result"] = known or outcome(now["inputs"])
        except ValueError:
            now["result"] = None
            clear(figure, _NO_WEIGHT)
            base.tell(status, f"{LABEL}. {_NO_WEIGHT}")
            explain()
            return
        before = plain[now["issue"]]["mean"]
        moved = abs(before - result["mean"]) > 1e-9
        draw(
            figure,
            result,
            chosen=controls["actor"].value,
            before=before if moved else None,
            title=heading(now["issue"]),
        )
        widest = result["swings"].iloc[0]
        base.tell(
            status,
            f"{LABEL}. Outcome by weighted mean {number(result['mean'])}, by weighted median {number(result['median'])}"
            f"{f'; with nothing changed the mean was {number(before)}' if moved else ''}. Most sensitive to: "
            f"{actor_name(widest['actor'])}, {widest['input']} (a swing of {widest['swing']:.2f} points).",
        )
        explain()

    def explain() -> None:
        issue, actor = now["issue"], controls["actor"].value
        if (issue, actor) not in stances:
            stances[issue, actor] = stance_words(ev, issue, actor)
        detail.value = inputs_table(now["inputs"], begin[issue]) + stances[issue, actor]

    def quietly(change) -> None:
        now["busy"] = True
        try:
            change()
        finally:
            now["busy"] = False

    def show_actor() -> None:
        own = now["inputs"].loc[now["inputs"]["actor"] == controls["actor"].value]
        for name in ("position", "salience", "capability"):
            if len(own):
                controls[name].value = float(own[name].iloc[0])

    def pick_issue(_change: object) -> None:
        if now["busy"] or not controls["issue"].value:
            return
        now["issue"] = controls["issue"].value
        now["inputs"] = begin[now["issue"]].copy()
        quietly(offer_actors)
        with live.at_once(figure):
            resize(figure, len(now["inputs"]))
            repaint(plain[now["issue"]])

    def offer_actors() -> None:
        with controls["actor"].hold_sync():
            controls["actor"].options = [(actor_name(a), a) for a in now["inputs"]["actor"]]
        show_actor()

    def pick_actor(_change: object) -> None:
        if not now["busy"]:
            quietly(show_actor)
            repaint(now["result"])

    def move(change) -> None:
        if now["busy"]:
            return
        name = next(n for n in ("position", "salience", "capability") if controls[n] is change["owner"])
        own = now["inputs"]["actor"] == controls["actor"].value
        now["inputs"].loc[own, name] = float(change["new"])
        repaint()

    def alone(_button: object) -> None:
        own = now["inputs"]["actor"] == controls["actor"].value
        set_weights(own.map({True: SALIENCE, False: 0.0}).tolist(), CAPABILITY)

    def equal(_button: object) -> None:
        set_weights(SALIENCE, CAPABILITY)

    def set_weights(salience, capability) -> None:
        if len(now["inputs"]):
            now["inputs"]["salience"], now["inputs"]["capability"] = salience, capability
            quietly(show_actor)
            repaint()

    def reset(_button: object) -> None:
        if issues:
            now["inputs"] = begin[now["issue"]].copy()
            quietly(show_actor)
            repaint()

    def click(trace, points, _state) -> None:
        if points.point_inds:
            controls["actor"].value = trace.customdata[points.point_inds[0]]

    if issues:
        quietly(offer_actors)
        controls["issue"].observe(pick_issue, "value")
        controls["actor"].observe(pick_actor, "value")
        for name in ("position", "salience", "capability"):
            controls[name].observe(move, "value")
        for name, handler in (("alone", alone), ("equal", equal), ("reset", reset)):
            controls[name].on_click(handler)
        figure.data[MARKS].on_click(click)
        repaint()
    else:
        clear(figure, _NOTHING)
        base.tell(status, _NOTHING)
    twin = drawn(begin[first] if issues else pd.DataFrame(), first)
    if issues:
        choices = {issue_name(i): _drawn(i, plain[i]) for i in issues}
        choices[issue_name(first)](twin)
        drop_down(twin, "Issue", choices)
    return base.Explorer(controls, figure, status, detail, twin, f"Explorer: bargaining on one issue, {LABEL.lower()}")


def inputs_table(inputs: pd.DataFrame, begin: pd.DataFrame) -> str:
    """Return all inputs as an HTML table that says which come from the table, which the reader changed, and which are assumptions."""
    body = []
    for row, old in zip(inputs.to_dict("records"), begin.to_dict("records"), strict=True):
        changed = row["position"] != old["position"]
        origin = (
            f"yours; the table has {signed(old['position'])}" if changed else f"the table ({esc(row.get('basis', ''))})"
        )
        body.append(
            f'<tr><th scope="row">{esc(actor_name(row["actor"]))}</th><td>{signed(row["position"])}</td><td>{origin}</td>'
            f"<td>{row['salience']:g}</td><td>{row['capability']:g}</td></tr>"
        )
    parts = [
        f"<p><b>{esc(LABEL)}.</b> The outcome is the mean of the positions, weighted by salience × capability. Threats, other issues, "
        "vetoes and time are left out. For salience and capability there are no data: whoever sets them is the author of the "
        "result. A position of 0 may be silence, and still pulls to the middle.</p>",
        "<table><thead><tr><th>actor</th><th>position</th><th>whose</th><th>salience<br>(assumption)</th>"
        f"<th>capability<br>(assumption)</th></tr></thead><tbody>{''.join(body)}</tbody></table>",
    ]
    return f'<div class="claim-card" style="line-height:1.45">{"".join(parts)}</div>'


def stance_words(ev: Evidence, issue: str, actor: str) -> str:
    """Return as HTML on what the table's position of an actor on an issue rests."""
    rows = ev.positions
    rows = rows[(rows["actor"] == actor) & (rows["issue"] == issue) & (rows["period"] == "current")]
    return "".join(
        f"<p>{esc(actor_name(actor))} in the table, {signed(r.stance_score)}: {esc(r.stance_summary)} ({esc(r.basis)}, "
        f"{esc(prose_date(r.date))}; {esc(r.status)})</p>{source_list(ev.sources, r.source_ids)}"
        for r in rows.itertuples()
    )


def _drawn(issue: str, result: dict):
    """Draw one issue, with nothing changed, on the static figure."""

    def change(fig: go.Figure) -> str:
        resize(fig, len(result["inputs"]))
        draw(fig, result, title=heading(issue))
        fig.plotly_restyle({"hovertext": [None, None]}, [LOWS, HIGHS])  # the bar between them says the same
        return describe(result, issue)

    return change


def _begin(positions: pd.DataFrame, issue: str) -> pd.DataFrame:
    rows = positions[positions["issue"] == issue]
    return inputs_from(rows, issue, actors=ordered_actors(rows), salience=SALIENCE, capability=CAPABILITY)


def _slider(label: str, low: float, high: float, value: float, step: float) -> widgets.FloatSlider:
    return widgets.FloatSlider(
        value=value,
        min=low,
        max=high,
        step=step,
        description=label,
        style=_STYLE,
        readout_format=".2f",
        layout={"width": "430px"},
    )


def _button(label: str) -> widgets.Button:
    return widgets.Button(description=label, layout={"width": "190px"})
