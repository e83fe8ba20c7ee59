"""Who wants what on an issue, and what the texts give: stances of actors beside the provisions that speak to the issue."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from helpers.analysis.obligations import is_absent
from helpers.figures import base, colours
from helpers.figures.stance_grid import ISSUES, NAMES, ORDER
from helpers.figures.terms import STATUS
from helpers.markup import plotly_text, prose_date

# Issue -> themes of provisions that may speak to it, words that they must then contain, features of the instruments table. An
# editorial choice: change it and the counts change. An issue with no theme is one that no text of 2024 and 2025 takes up.
ABOUT = {
    "pkk_ban": (("counter_terrorism",), r"banned|offshoots|PKK threatens", ("groups_named",)),
    "turkish_bases_in_iraq": (
        ("sovereignty", "training"),
        r"military presence|withdraw|Bashiqa|courts?\b",
        ("cross_border_pursuit",),
    ),
    "joint_centres": (
        ("joint_bodies", "training", "intelligence", "finance", "border_security"),
        r"^(?!.*five-state).*\bcentres?\b",
        ("joint_body",),
    ),
    "border_zone": (("border_security", "migration"), r"border", ("border_zone",)),
    "pkk_dissolution": (("counter_terrorism",), r"dissolv|disarm", ()),
    "pmf_role_in_sinjar": ((), "", ()),
    "development_road": (("transport", "finance"), r"Development Road|Al-Faw|17 billion", ("trade_transit",)),
    "water_for_security": (("water", "finance"), r"water|Tigris|irrigation|oil", ("water",)),
    "kirkuk_ceyhan_pipeline": (("energy",), r"pipeline|crude|Ceyhan", ("oil_energy",)),
    "us_troop_presence": ((), "", ()),
}
SHORT = {"TUR": "Türkiye", "IRQ": "Iraq", "IRN": "Iran", "USA": "US", "KRG-KDP": "KDP"}
SCORES = {-2: "strongly against", -1: "against", 0: "mixed or silent", 1: "for", 2: "strongly for"}
BASIS = {
    "statement": ("circle", colours.BLUE, "rests on a statement"),
    "behaviour": ("square", colours.ORANGE, "on an act"),
    "analyst": ("triangle-up", colours.PURPLE, "on an analyst's reading"),
}
SOURCE = "the course's positions and terms tables; scores are editorial judgements, open to argument"
UNIT = "score from −2, strongly against, to 2, strongly for; 0 is mixed or silent"
EMPTY = "No stance is left to draw: the choice or the clock hides them all."
LINKS, EARLIER, CURRENT, RING = 0, 1, 2, 3
_LEFT, _TOP = 232, 118


def asked_and_got(
    positions: pd.DataFrame,
    terms: pd.DataFrame | None = None,
    *,
    title: str = "What was asked, and what the texts give",
) -> go.Figure:
    """Draw by issue where each actor stands, and beside it how many provisions speak to the issue and what became of them.

    Needs actor, issue, period, stance_score and basis; `terms` (instrument_id, theme, provision, article, status_2026) fills the right-hand
    column. The current stance counts; where only an earlier one is known it stands with an open mark.
    """
    unit = "a name stands at an actor's score; its mark says on what the score rests; KDP and PUK lead in the Kurdistan Region"
    latest = _latest(positions)
    if latest.empty:
        return base.empty(title, EMPTY, unit=unit, source=SOURCE)
    issues = [i for i in ISSUES if i in set(latest["issue"])] + sorted(set(latest["issue"]) - set(ISSUES))
    marks: list[tuple] = []
    ticks, stripes, rights, at = {}, [], [], 0.0
    for number, issue in enumerate(issues):
        rows = latest[latest["issue"] == issue]
        lines = max(int((rows["stance_score"] == s).sum()) for s in SCORES)
        given = outcome_words(provisions_on(terms, issue)) if terms is not None else ""
        height = max(lines + 0.6, 0.76 * (given.count("<br>") + 1) + 0.4)
        if number % 2 == 0:
            stripes.append((at, at + height))
        for score in SCORES:
            names = rows[rows["stance_score"] == score].sort_values("actor", key=_rank)
            top = at + height / 2 - (len(names) - 1) / 2
            marks += [(score - 0.4, top + n, row) for n, row in enumerate(names.itertuples())]
        ticks[at + height / 2] = plotly_text(issue_name(issue), 26)
        if terms is not None:
            rights.append((at + height / 2, given))
        at += height
    fig = go.Figure([_names(marks, kind, earlier) for kind in BASIS for earlier in (False, True)])
    fig.add_trace(_entry("open: earlier stance, no current one seen", "circle-open", colours.INK))
    edge = 2.62
    right = edge + (1.45 if rights else 0)
    below = {"layer": "below"}
    fig.update_layout(
        shapes=[
            {"type": "rect", "x0": -2.55, "x1": right, "y0": low, "y1": high, "line": {"width": 0}, **below}
            | {"fillcolor": colours.STRIPE}
            for low, high in stripes
        ]
        + [
            {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": at, "line": {"width": 1, "color": colours.PALE}, **below}
            for x in (-1.52, -0.52, 0.48, 1.48)
        ],
        xaxis={
            "range": [-2.55, right],
            "side": "top",
            "tickvals": [*SCORES, *([edge + 0.7] if rights else [])],
            "ticktext": [*_heads(), *(["<b>in the texts</b><br>as described"] if rights else [])],
            "showgrid": False,
            "fixedrange": True,
            "tickangle": 0,
        },
        yaxis={
            "range": [at, 0],
            "tickvals": list(ticks),
            "ticktext": list(ticks.values()),
            "showgrid": False,
            "fixedrange": True,
            "tickfont": {"size": 13.5},
        },
        legend={"y": 0, "yanchor": "top", "itemclick": False, "itemdoubleclick": False},
    )
    if rights:
        fig.add_trace(
            go.Scatter(
                x=[edge] * len(rights),
                y=[y for y, _ in rights],
                text=[words for _, words in rights],
                mode="text",
                textposition="middle right",
                textfont={"size": 12},
                hoverinfo="skip",
                showlegend=False,
                cliponaxis=False,
            )
        )
    order = latest.sort_values(
        ["issue", "actor"], key=lambda c: c.map(issues.index) if c.name == "issue" else _rank(c), kind="stable"
    )
    return base.finish(
        fig,
        title=title,
        alt=plotly_text(_alt(latest, issues, terms)),
        unit=unit,
        source=SOURCE,
        table=_table(order),
        height=round(at * 21) + _TOP + 50 + 23,
        left=172,
        right=14,
        top=_TOP,
        bottom=50,
    )


def stances_on(positions: pd.DataFrame, issue: str, *, title: str | None = None) -> go.Figure:
    """Draw where each actor stands on one issue: a line from the earlier to the current stance where both were seen.

    Needs actor, issue, period, stance_score, stance_summary, basis, status and date. An actor without a row has no stance that was seen,
    which is not a stance of 0. Raises ValueError for an issue without rows.
    """
    rows = positions[positions["issue"] == issue]
    title = title or f"Who wants what: {issue_name(issue)}"
    if positions.empty:
        return base.empty(title, EMPTY, unit=UNIT, source=SOURCE)
    if rows.empty:
        raise ValueError(
            f"issue {issue!r}: no stance is recorded. Issues: {', '.join(sorted(set(positions['issue'])))}."
        )
    actors = ordered_actors(rows)
    fig = frame()
    draw(fig, rows, actors)
    return dress(fig, title=title, alt=describe(rows, issue), rows=len(actors), table=_table(rows))


def issue_name(issue: str) -> str:
    """Return an issue's name for a reader."""
    return ISSUES.get(issue) or issue.replace("_", " ").capitalize()


def actor_name(actor: str) -> str:
    """Return an actor's name for a reader; ``KRG-KDP`` is the Erbil side."""
    return NAMES.get(actor, actor)


def signed(score: float) -> str:
    """Return a score with its sign, as printed in a text: ``−2``, ``0``, ``+1``."""
    return f"{score:+g}".replace("-", "−") if score else "0"


def ordered_actors(positions: pd.DataFrame) -> list[str]:
    """Return the actors that occur, the two states first."""
    found = list(dict.fromkeys(positions["actor"]))
    return sorted(found, key=lambda a: (ORDER.index(a) if a in ORDER else len(ORDER), a))


def provisions_on(terms: pd.DataFrame, issue: str) -> pd.DataFrame:
    """Return the provisions that speak to an issue, by the themes and words of `ABOUT`; none for an issue that it does not list."""
    themes, words, _ = ABOUT.get(issue, ((), "", ()))
    rows = terms[terms["theme"].isin(themes)]
    return rows[rows["provision"].str.contains(words, case=False, regex=True)] if words else rows.iloc[:0]


def features_on(instruments: pd.DataFrame, issue: str) -> pd.DataFrame:
    """Return what the instruments table says on an issue, by the features of `ABOUT`."""
    return instruments[instruments["feature"].isin(ABOUT.get(issue, ((), "", ()))[2])]


def split(provisions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return provisions in three parts: ``held`` (said to be in a text that was signed or announced), ``absent`` (said not to be in it)
    and ``circulated`` (only in the text that leaked, which nobody signed as it stands)."""
    leaked = provisions["instrument_id"].str.endswith("-leak").astype(bool)
    absent = is_absent(provisions) & ~leaked
    return {
        "held": provisions[~leaked & ~absent],
        "absent": provisions[absent],
        "circulated": provisions[leaked],
    }


def outcome_words(provisions: pd.DataFrame) -> str:
    """Return in words how many provisions there are and what became of them; absent and circulated ones are counted apart."""
    if provisions.empty:
        return "<i>no provision described</i>"
    parts = split(provisions)
    by_status = {s: int((parts["held"]["status_2026"] == s).sum()) for s in STATUS}
    words = ", ".join(f"{n} {name}" for name, n in by_status.items() if n)
    apart = {"said absent": len(parts["absent"]), "in the leak": len(parts["circulated"])}
    more = ", ".join(f"{n} {name}" for name, n in apart.items() if n)
    return "<br>".join(line for line in (f"<b>{len(parts['held'])}</b> described", words, more) if line)


def frame() -> go.Figure:
    """Return the stances on one issue without marks, for `draw`: four traces for data, the others for the legend."""
    fig = go.Figure(_skeleton())
    fig.update_layout(
        xaxis={
            "range": [-2.35, 2.35],
            "side": "top",
            "tickvals": list(SCORES),
            "ticktext": _heads(),
            "fixedrange": True,
        },
        yaxis={"showgrid": True, "fixedrange": True, "tickfont": {"size": 13.5}},
        legend={"y": 0, "yanchor": "top", "itemclick": False, "itemdoubleclick": False},
    )
    return fig


def draw(
    fig: go.Figure | go.FigureWidget,
    rows: pd.DataFrame,
    actors: Sequence[str],
    chosen: str | None = None,
    words: str = "",
    title: str | None = None,
    height: int | None = None,
) -> None:
    """Put the stances `rows` (of one issue) of `actors` into a `frame` and ring the `chosen` actor's stance: one change."""
    place = {actor: n for n, actor in enumerate(actors)}
    marks: dict[bool, list[dict]] = {False: [], True: []}
    by_actor: dict[str, dict[str, int]] = {}
    for r in rows.to_dict("records"):
        if r["actor"] in place:
            marks[r["period"] == "earlier"].append(r)
            by_actor.setdefault(r["actor"], {})[r["period"]] = int(r["stance_score"])
    both = [(a, s) for a, s in by_actor.items() if len(s) == 2]
    ring = [r for r in marks[False] + marks[True] if r["actor"] == chosen][:1]
    drawn = [marks[True], marks[False]]
    fig.plotly_update(
        restyle_data={
            "x": [
                [v for _, s in both for v in (s["earlier"], s["current"], None)],
                *([int(r["stance_score"]) for r in each] for each in drawn),
                [int(r["stance_score"]) for r in ring],
            ],
            "y": [
                [v for a, _ in both for v in (place[a], place[a], None)],
                *([place[r["actor"]] for r in each] for each in drawn),
                [place[r["actor"]] for r in ring],
            ],
            "hovertext": [None, *([_hover(r) for r in each] for each in drawn), None],
            "customdata": [None, *([r["actor"] for r in each] for each in drawn), None],
            "marker.symbol": [
                "circle",
                [_look(r)[0] + "-open" for r in drawn[0]],
                [_look(r)[0] for r in drawn[1]],
                "circle-open",
            ],
            "marker.color": [colours.GREY, *([_look(r)[1] for r in each] for each in drawn), colours.BLACK],
        },
        relayout_data={
            "yaxis.range": [max(len(actors), 1) - 0.5, -0.5],
            "yaxis.tickvals": list(range(len(actors))),
            "yaxis.ticktext": [plotly_text(actor_name(a)) for a in actors],
            **({"title.text": plotly_text(title)} if title else {}),
            **({"height": height} if height else {}),
            **base.saying(fig, words),
        },
        trace_indexes=[LINKS, EARLIER, CURRENT, RING],
    )


def dress(fig: go.Figure, *, title: str, alt: str, rows: int, table: pd.DataFrame | None = None) -> go.Figure:
    """Give the stances on one issue their title, words, size and margins."""
    return base.finish(
        fig,
        title=title,
        alt=plotly_text(alt),
        unit=UNIT,
        source=SOURCE,
        table=table,
        height=height_for(rows),
        left=_LEFT,
        right=24,
        top=_TOP,
        bottom=36,
    )


def height_for(rows: int) -> int:
    """Return the height in pixels at which `rows` actors stay legible."""
    return 37 * max(rows, 4) + _TOP + 36 + 23


def describe(rows: pd.DataFrame, issue: str) -> str:
    """Return the alt text of the stances on one issue: each actor's score, earlier ones, and on what they rest."""
    told = []
    for actor in ordered_actors(rows):
        own = rows[rows["actor"] == actor]
        now, before = (own.loc[own["period"] == p, "stance_score"].tolist() for p in ("current", "earlier"))
        words = signed(int(now[0])) if now else "no current stance seen"
        told.append(f"{actor_name(actor)} {words}" + (f" (earlier {signed(int(before[0]))})" if before else ""))
    rests = {b: int((rows["basis"] == b).sum()) for b in BASIS}
    return (
        f"Stances on {issue_name(issue)}, from −2 strongly against to 2 strongly for: {'; '.join(told)}. "
        f"They rest on: {base.listed(rests)}. 0 may be silence; an actor that is not named has no stance that was seen."
    )


def _heads() -> list[str]:
    return [f"<b>{signed(score)}</b><br>{words}" for score, words in SCORES.items()]


def _latest(positions: pd.DataFrame) -> pd.DataFrame:
    """The current stance of each actor on each issue, else the earlier one."""
    order = positions.sort_values("period", key=lambda p: p != "current", kind="stable")
    return order.drop_duplicates(["issue", "actor"]).reset_index(drop=True)


def _rank(actors: pd.Series) -> pd.Series:
    return actors.map(lambda a: ORDER.index(a) if a in ORDER else len(ORDER))


def _look(row: dict) -> tuple[str, str]:
    return BASIS.get(row["basis"], ("circle", colours.GREY, ""))[:2]


def _hover(row: dict) -> str:
    head = f"<b>{plotly_text(actor_name(row['actor']))}</b>, {signed(int(row['stance_score']))} ({row['period']})"
    facts = f"{row['basis']}, {row['status']}, {prose_date(row['date'])}"
    return f"{head}<br>{plotly_text(base.cut(row['stance_summary'], 130), 62)}<br><i>{plotly_text(facts)}</i>"


def _names(marks: list[tuple], kind: str, earlier: bool) -> go.Scatter:
    at = [m for m in marks if m[2].basis == kind and (m[2].period == "earlier") == earlier]
    symbol, color, words = BASIS[kind]
    return go.Scatter(
        x=[x for x, _, _ in at],
        y=[y for _, y, _ in at],
        mode="markers+text",
        text=[f" {plotly_text(SHORT.get(row.actor, row.actor))}" for _, _, row in at],
        customdata=[row.actor for _, _, row in at],
        textposition="middle right",
        textfont={"size": 12},
        marker={
            "symbol": symbol + ("-open" if earlier else ""),
            "size": 11,
            "color": color,
            "line": {"width": 2.2 if earlier else 1.2, "color": color if earlier else colours.INK},
        },
        name=words,
        showlegend=not earlier,
        hovertext=[
            f"{plotly_text(actor_name(row.actor))}: {signed(int(row.stance_score))}"
            f"<br>{plotly_text(base.cut(row.stance_summary, 130), 62)}"
            for _, _, row in at
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        cliponaxis=False,
    )


def _skeleton() -> list:
    links = go.Scatter(
        mode="lines+markers",
        line={"width": 3, "color": colours.MIDDLE},
        marker={"size": 0.1},
        hoverinfo="skip",
        showlegend=False,
    )
    earlier, current = (
        go.Scatter(
            mode="markers",
            marker={"size": 16, "line": line},
            hovertemplate="%{hovertext}<extra></extra>",
            showlegend=False,
        )
        for line in ({"width": 2.4}, {"width": 1.4, "color": colours.INK})
    )
    ring = go.Scatter(
        mode="markers",
        marker={"size": 27, "symbol": "circle-open", "color": colours.BLACK, "line": {"width": 2.5}},
        hoverinfo="skip",
        showlegend=False,
    )
    entries = [_entry(words, symbol, color) for symbol, color, words in BASIS.values()]
    return [links, earlier, current, ring, *entries, _entry("open: earlier stance", "circle-open", colours.INK)]


def _entry(name: str, symbol: str, color: str) -> go.Scatter:
    line = {"width": 2.2 if symbol.endswith("-open") else 1.4, "color": colours.INK}
    marker = {"symbol": symbol, "color": color, "size": 12, "line": line}
    return go.Scatter(x=[None], y=[None], mode="markers", name=name, marker=marker)


def _alt(latest: pd.DataFrame, issues: list[str], terms: pd.DataFrame | None) -> str:
    told = []
    for issue in issues:
        rows = latest[latest["issue"] == issue]
        low, high = int(rows["stance_score"].min()), int(rows["stance_score"].max())
        span = f"{signed(low)} to {signed(high)}" if low != high else f"all at {signed(low)}"
        words = f"{issue_name(issue)}: {rows['actor'].nunique()} actors, {span}"
        if terms is not None:
            words += f", provisions described {len(split(provisions_on(terms, issue))['held'])}"
        told.append(words)
    earlier = int((latest["period"] == "earlier").sum())
    return (
        f"Stances of {latest['actor'].nunique()} actors on {len(issues)} issues, from −2 strongly against to 2 strongly for. "
        f"{'; '.join(told)}. {earlier} of the {len(latest)} stances are earlier ones. 0 may be silence; an actor that is not named "
        "at an issue has no stance that was seen."
    )


def _table(rows: pd.DataFrame) -> pd.DataFrame:
    shown = pd.DataFrame(
        {
            "issue": rows["issue"].map(issue_name),
            "actor": rows["actor"].map(actor_name),
            "period": rows["period"],
            "score": rows["stance_score"],
            "basis": rows["basis"],
        }
    )
    return shown.assign(stance=rows["stance_summary"]) if "stance_summary" in rows else shown
