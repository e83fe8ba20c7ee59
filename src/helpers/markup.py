"""Where text from a table becomes HTML or plotly text: nothing else in the package builds markup from a cell."""

from __future__ import annotations

import html
import textwrap
from urllib.parse import urlsplit

STATUS_MEANING = {
    "established": "at least two independent origins, or a primary document",
    "reported": "one side or one origin",
    "contested": "sides or sources disagree",
    "assessment": "somebody's judgement",
}
ACTORS = {
    "TUR": "Türkiye",
    "IRQ": "Iraq",
    "KRG": "Kurdistan Regional Government",
    "KDP": "Kurdistan Democratic Party",
    "PUK": "Patriotic Union of Kurdistan",
    "PKK": "PKK",
    "PJAK": "PJAK",
    "YBS": "Sinjar Resistance Units",
    "PMF": "Popular Mobilization Forces",
    "IRN": "Iran",
    "USA": "United States",
    "GBR": "Britain",
    "UN": "United Nations",
    "EU": "European Union",
    "QAT": "Qatar",
    "ARE": "United Arab Emirates",
    "SYR": "Syria",
    "SDF": "Syrian Democratic Forces",
    "ISIS": "ISIS",
    "KDPI": "Iranian Kurdish parties in Iraq",
    "LoN": "League of Nations",
    "OTT": "Ottoman Empire",
    "AFG": "Afghanistan",
    "PAK": "Pakistan",
}
PERSPECTIVES = {
    "turkish_gov": "Turkish government",
    "turkish_media": "Turkish media",
    "iraqi_gov": "Iraqi government",
    "iraqi_media": "Iraqi media",
    "krg": "Kurdistan Regional Government",
    "kurdish_media": "Kurdish media",
    "pkk_side": "PKK side",
    "iranian_gov": "Iranian government",
    "iranian_media": "Iranian media",
    "us_gov": "US government",
    "international": "international",
    "independent": "independent",
}
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def esc(text: object) -> str:
    """Return `text` with the five HTML characters escaped."""
    return html.escape(str(text), quote=True)


def plotly_text(text: object, width: int | None = None) -> str:
    """Return `text` as plotly may draw it: its pseudo-HTML and its formula sign escaped, wrapped to `width` with ``<br>``."""
    lines = textwrap.wrap(str(text), width) if width else [str(text)]
    return "<br>".join(html.escape(line, quote=False).replace("$", "&#36;") for line in lines)


def link(url: str, text: object) -> str:
    """Return an HTML link when `url` is an http or https address, otherwise the escaped text alone."""
    parts = urlsplit(str(url).strip())
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return esc(text)
    return f'<a href="{esc(url.strip())}" target="_blank" rel="noopener noreferrer">{esc(text)}</a>'


def key_link(key: str) -> str:
    """Return a link from a lesson to the entry of a claim (``H-054``) or statement (``S-07``) in the evidence appendix."""
    return f'<a href="evidence/{esc(key[:1])}.md#{esc(key)}">{esc(key)}</a>'


def prose_date(date: str, date_end: str = "", precision: str = "") -> str:
    """Return an ISO date or span as prose: ``1926-06-05`` is ``5 June 1926``; a decade is ``the 1990s``."""
    if precision == "decade":
        return f"the {date[:3]}0s"

    def one(iso: str) -> str:
        year, *rest = iso.split("-")
        month = _MONTHS[int(rest[0]) - 1] if rest else ""
        day = str(int(rest[1])) if len(rest) > 1 else ""
        return " ".join(part for part in (day, month, year) if part)

    return one(date) + (f" to {one(date_end)}" if date_end else "")


def actor_names(codes: tuple[str, ...]) -> str:
    """Return actor codes as names, in their order, separated by commas."""
    return ", ".join(ACTORS.get(code, code) for code in codes)


def source_line(source: object) -> str:
    """Return one source (a row of ``sources``) as an HTML line: linked title, publisher, date, language, perspective."""
    date = prose_date(source.published) if source.published else "undated"
    view = PERSPECTIVES.get(source.perspective, source.perspective)
    facts = f"{source.publisher}, {date}, {source.language}; {view}"
    note = f" <i>({esc(source.is_copy_of_note)})</i>" if source.is_copy_of_note else ""
    return f"{link(source.url, source.title)}. {esc(facts)}{note}"


def source_list(sources, source_ids: tuple[str, ...]) -> str:
    """Return the named rows of ``sources`` as an HTML list, in the order of `source_ids`; unknown ids show as text."""
    known = {row.source_id: row for row in sources[sources["source_id"].isin(source_ids)].itertuples()}
    items = [source_line(known[s]) if s in known else esc(s) for s in source_ids]
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"


def claim_card(ev, claim_id: str) -> str:
    """Return one claim as HTML: sentence, date, status, actors, origins, sources as links, contradicting claims, notes.

    `ev` needs the tables ``claims`` and ``sources``. A claim that the clock hides, or that does not exist, is said to be so.
    """
    rows = ev.claims[ev.claims["claim_id"] == claim_id]
    if rows.empty:
        return f"<p>{esc(claim_id)} is not among the claims shown: it does not exist, or the clock hides it.</p>"
    claim = next(rows.itertuples())
    pages, origins = len(claim.source_ids), claim.independent_origins
    facts = [
        prose_date(claim.date, claim.date_end, claim.date_precision),
        f"<b>{esc(claim.status)}</b> ({STATUS_MEANING.get(claim.status, '')})",
        f"{origins} independent origin{'s' if origins != 1 else ''} in {pages} page{'s' if pages != 1 else ''}",
    ]
    if claim.actors:
        facts.append(esc(actor_names(claim.actors)))
    if claim.told == "undated":
        facts.append("the pages do not show when this was first told")
    against = ev.claims[ev.claims["claim_id"].isin(claim.conflicts_with)]
    parts = [
        f"<h4>{esc(claim.claim_id)}</h4><p>{esc(claim.claim)}</p><p>{'; '.join(facts)}.</p>",
        f"<p>Sources</p>{source_list(ev.sources, claim.source_ids)}",
    ]
    if len(against):
        items = "".join(f"<li><b>{esc(r.claim_id)}</b> {esc(r.claim)}</li>" for r in against.itertuples())
        parts.append(f"<p>Contradicted by</p><ul>{items}</ul>")
    if claim.notes:
        parts.append(f"<p>Notes: {esc(claim.notes)}</p>")
    return f'<div class="claim-card">{"".join(parts)}</div>'
