"""Role cards for the simulation of the negotiation, made from the table of positions and from claims; nothing else is on them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from helpers import citations, evidence, markup
from helpers.figures.stance_grid import ISSUES, issue_name

from . import material as m
from . import sheet
from .errors import ClassroomError

SECTIONS = {
    "interests": "What you want",
    "red_lines": "Your red lines",
    "offers": "What you may offer",
    "pressure": "What others put to you",
    "unknown": "What you do not know",
}
STANCES = {2: "strongly for", 1: "for", 0: "silent or of two minds", -1: "against", -2: "strongly against"}
BASES = {"statement": "a statement", "behaviour": "an act", "analyst": "an analyst's reading"}
NOTHING = "The tables hold nothing here. Say so at the table, or ask for time to consult; do not invent."


@dataclass(frozen=True)
class Role:
    """One role: its name, whom it speaks for, its code in ``positions.actor``, and claim keys under each heading.

    `positions` gives claim keys for rows of the table of positions, by ``issue/period``.
    """

    name: str
    speaks_for: str
    actor: str
    claims: dict[str, list[str]]
    positions: dict[str, list[str]] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The name of the role's own page."""
        return f"role-{self.name.lower()}.html"


def read(path: str | Path, ev: evidence.Evidence) -> list[Role]:
    """Return the roles of a TOML file, checked against the whole tables (without the clock).

    Raises ClassroomError when the file is missing or no TOML, when it names an actor, a row or a claim that the tables do not
    have, or when a claim stands beside a row of positions with which it shares no page.
    """
    path = Path(path)
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8")).get("role", [])
    except OSError:
        raise ClassroomError(
            f"{path.name}: there is no such file in teaching/. It says which claim stands on which card."
        ) from None
    except tomllib.TOMLDecodeError as problem:
        raise ClassroomError(f"{path.name}: not TOML ({problem}). Compare a block [[role]] that works.") from None
    whole = evidence.load(ev.data_dir) if ev.as_of else ev
    roles = [_role(block, path.name) for block in found]
    if not roles:
        raise ClassroomError(f"{path.name}: it holds no [[role]]. Write one block a role.")
    for role in roles:
        _check(role, whole, path.name)
    return roles


def write(ev: evidence.Evidence, roles: list[Role], out_dir: Path) -> list[Path]:
    """Write each role's page and ``role-cards.html`` with all of them; returns the files, that one last."""
    cards = [card(role, ev) for role in roles]
    made = [
        m.write(out_dir / role.file, body, sheet.page(f"Role card: {role.name}", body))
        for role, body in zip(roles, cards, strict=True)
    ]
    body = "\n".join(cards)
    return [*made, m.write(out_dir / "role-cards.html", body, sheet.page("Role cards", body))]


def card(role: Role, ev: evidence.Evidence) -> str:
    """Return one card as HTML. Claims and positions after the clock are left out, and the card says how many."""
    rows = ev.positions[ev.positions["actor"] == role.actor]
    scores = rows["stance_score"].astype(float)
    own = {"interests": rows[scores > 0], "red_lines": rows[scores < 0], "quiet": rows[scores == 0]}
    labels = citations.labels(ev.sources)
    claims = ev.claims.set_index("claim_id", drop=False)
    parts = [
        f"<section class='card'><header><h1>{markup.esc(role.name)}</h1><p>You speak for {markup.esc(role.speaks_for)}.</p></header>",
        f"<p class='soft'>{_day(ev)} Each line is a row of the course's tables. The key leads to the whole entry; the grey line says who "
        "says it and how sure it is. A line without a key comes from the table of positions alone.</p>",
    ]
    hidden = 0
    for name, title in SECTIONS.items():
        stands = own.get(name, rows.iloc[:0])
        lines = [_position(row, role, claims, labels) for row in stands.itertuples()]
        used = {key for row in stands.itertuples() for key in role.positions.get(f"{row.issue}/{row.period}", [])}
        given = [key for key in role.claims[name] if key not in used]
        hidden += sum(key not in claims.index for key in given)
        lines += [_claim(claims.loc[key], labels) for key in given if key in claims.index]
        if name == "unknown":
            missing = [issue_name(i) for i in ISSUES if i not in set(rows["issue"])]
            if missing:
                lines.append(f"<li>The table holds no position of yours on: {markup.esc(', '.join(missing))}.</li>")
        parts.append(f"<h2>{title}</h2>" + (f"<ul>{''.join(lines)}</ul>" if lines else f"<p>{NOTHING}</p>"))
        if name == "red_lines" and len(own["quiet"]):
            quiet = "".join(_position(row, role, claims, labels) for row in own["quiet"].itertuples())
            parts.append(
                f"<h2>Where you are silent, or of two minds</h2><p>A silence is not a yes.</p><ul>{quiet}</ul>"
            )
    if hidden:
        parts.append(
            f"<p class='soft'>{hidden} more line{'s' * (hidden != 1)} of this card lie after the day of the clock.</p>"
        )
    return "\n".join(parts) + "</section>"


def _position(row, role: Role, claims: pd.DataFrame, labels: dict[str, str]) -> str:
    keys = [key for key in role.positions.get(f"{row.issue}/{row.period}", []) if key in claims.index]
    names = "; ".join(labels[s] for s in row.source_ids if s in labels)
    shown = " ".join(sheet.key(key) for key in keys)
    note = f" Note: {markup.esc(row.notes)}." if row.notes else ""
    period = " (earlier)" if row.period == "earlier" else ""
    stance = STANCES[int(row.stance_score)]
    return (
        f"<li><b>{markup.esc(issue_name(row.issue))}{period}: {stance}.</b> {markup.esc(row.stance_summary)} {shown}"
        f"<span class='says'>From {BASES.get(row.basis, row.basis)}, {markup.prose_date(row.date)}, {markup.esc(row.status)}. "
        f"{markup.esc(names)}.{note.replace('..', '.')}</span></li>"
    )


def _claim(row: pd.Series, labels: dict[str, str]) -> str:
    names = list(dict.fromkeys(labels[s] for s in row["source_ids"] if s in labels))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    origins = f"{row['independent_origins']} origin{'s' if row['independent_origins'] != 1 else ''}"
    day = markup.prose_date(row["date"], row["date_end"], row["date_precision"])
    return (
        f"<li>{markup.esc(row['claim'])} {sheet.key(row['claim_id'])}<span class='says'>{day}; {markup.esc(row['status'])}, {origins}. "
        f"{markup.esc('; '.join(names[:3]) + more)}.</span></li>"
    )


def _day(ev: evidence.Evidence) -> str:
    if ev.as_of is None:
        return "All evidence of the course, to the spring of 2026."
    return f"What could be known on {markup.prose_date(ev.as_of.isoformat())}."


def _role(block: dict, file: str) -> Role:
    missing = [name for name in ("name", "speaks_for", "actor") if not block.get(name)]
    if missing:
        raise ClassroomError(f"{file}: a [[role]] has no {', '.join(missing)}. Give it one.")
    unknown = set(block) - {"name", "speaks_for", "actor", "positions", *SECTIONS}
    if unknown:
        known = ", ".join(SECTIONS)
        raise ClassroomError(
            f"{file}, {block['name']}: no heading is called {', '.join(sorted(unknown))}. Headings: {known}."
        )
    claims = {name: list(block.get(name, [])) for name in SECTIONS}
    return Role(block["name"], block["speaks_for"], block["actor"], claims, dict(block.get("positions", {})))


def _check(role: Role, ev: evidence.Evidence, file: str) -> None:
    where = f"{file}, {role.name}"
    rows = ev.positions[ev.positions["actor"] == role.actor]
    if rows.empty:
        raise ClassroomError(
            f"{where}: positions.csv has no actor {role.actor!r}. Take a code from its column `actor`."
        )
    pages = ev.claims.set_index("claim_id")["source_ids"].map(set)
    named = [key for keys in (*role.claims.values(), *role.positions.values()) for key in keys]
    if unknown := [key for key in named if key not in pages.index]:
        raise ClassroomError(f"{where}: claims.csv has no {', '.join(unknown)}. Look the key up, or take it out.")
    by_row = {f"{row.issue}/{row.period}": set(row.source_ids) for row in rows.itertuples()}
    for place, keys in role.positions.items():
        if place not in by_row:
            raise ClassroomError(
                f"{where}: positions.csv has no row {place!r} of {role.actor}. Rows: {', '.join(by_row)}."
            )
        for key in keys:
            if not pages[key] & by_row[place]:
                raise ClassroomError(f"{where}: {key} shares no page with the row {place!r}. Choose a claim that does.")
