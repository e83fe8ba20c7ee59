"""Where people died, year by year, with the years that no file covers drawn as missing."""

from __future__ import annotations

import pandas as pd

from helpers import figures
from helpers.evidence import Evidence
from helpers.explorers import ahead, base, live
from helpers.figures import deaths
from helpers.figures.controls import slider
from helpers.markup import esc

_FRAMES = [("the border region", "border"), ("all of Türkiye and Iraq", "whole")]
_SPANS = [("one year", "one"), ("all years together", "all")]


@ahead.looking
def deaths_map(ev: Evidence, cells: pd.DataFrame | None = None) -> base.Explorer:
    """Show where people died in the fighting, one year or all years, in two frames.

    `cells`, when given, is shown instead of ``ev.table("ucdp_ged_cells")``: any choice of its rows. Only events located to a place are
    drawn. Controls: span, year (arrow keys step through the years), frame. A click on the strip chooses its year.
    """
    cells = ev.table("ucdp_ged_cells") if cells is None else cells.reset_index(drop=True)
    coverage = deaths.before_clock(ev.table("ucdp_ged_coverage"), ev.as_of)
    provinces, countries = ev.outlines("provinces"), ev.outlines("countries")
    title = deaths.map_words(cells, coverage, None)["title"]
    twin = figures.deaths_map(cells, provinces, countries, coverage)
    twin_alt = (twin.layout.meta or {}).get("alt", "")
    first, last = (int(coverage["year"].min()), int(coverage["year"].max())) if len(coverage) else (0, 0)
    latest = min(last, int(cells["year"].max())) if len(cells) else first
    controls = {
        "span": base.dropdown("Show", _SPANS),
        "year": base.number("Year", latest, first, last),
        "frame": base.dropdown("Frame", _FRAMES),
    }
    status, detail = base.status_line(), base.panel("")
    if coverage.empty:
        figure = live.figure(deaths.deaths_map(cells, provinces, countries, coverage))
        base.tell(status, deaths.map_words(cells, coverage, None)["sentence"])
        return base.Explorer(controls, figure, status, detail, twin, "Explorer: where people died, by year")
    dyads, missing = deaths.dyads_of(cells), deaths.missing_rings(countries)
    drawn = deaths.map_dots(cells, dyads)
    both = tuple(provinces.loc[provinces["iso3"].isin(["TUR", "IRQ"]), "name"].unique())
    drawing = deaths.map_frame(cells, provinces, countries, coverage, other=both)
    frames = {"border": drawing.layout.geo, "whole": figures.outlines(provinces, both).layout.geo}
    words = {year: deaths.map_words(cells, coverage, year) for year in (None, *range(first, last + 1))}
    beyond = {(name, y): deaths.outside(box, cells, y) for name, box in frames.items() for y in words}
    located = _located(ev.table("ucdp_ged_country_years"), dyads)
    steps = {"all years": (None, twin_alt), **{str(y): (y, "") for y in range(first, latest + 1)}}

    def step(year: int | None, alt: str):
        def change(fig) -> str:
            said = words[year]
            deaths.fill_map(fig, drawn.get(year, {}), coverage, year, missing, dyads, {"title.text": said["title"]})
            return alt or f"{said['sentence']} {beyond['border', year]} {said['coverage']}"

        return change

    slider(twin, "Year", {name: step(*each) for name, each in steps.items()})
    deaths.dress_map(drawing, title=title, alt="")
    deaths.fill_map(drawing, {}, coverage, latest, missing, dyads)
    figure = live.figure(drawing)

    def chosen() -> int | None:
        return controls["year"].value if controls["span"].value == "one" else None

    def update(_change: object) -> None:
        year = chosen()
        said = words[year]
        shown = drawn.get(year, {})
        relayout = {"title.text": said["title"]}
        deaths.fill_map(figure, shown, coverage, year, missing, dyads, relayout)
        parts = (said["sentence"], beyond[controls["frame"].value, year], f"Files: {said['coverage']}")
        base.tell(status, " ".join(part for part in parts if part))
        detail.value = located.get(year, located["none"])

    def reframe(_change: object) -> None:
        name = controls["frame"].value
        with live.at_once(figure):
            deaths.reframe(figure, list(frames).index(name), frames[name])
            update(None)

    def click(_trace, points, _state) -> None:
        if points.xs:
            controls["span"].value = "one"
            controls["year"].value = round(points.xs[0])

    controls["frame"].observe(reframe, "value")
    for name in ("span", "year"):
        controls[name].observe(update, "value")
    figure.data[deaths.FIRST_DYAD + len(dyads)].on_click(click)
    update(None)
    return base.Explorer(controls, figure, status, detail, twin, "Explorer: where people died, by year")


def _located(totals: pd.DataFrame, dyads: list[str]) -> dict[int | str | None, str]:
    """Return a sentence per year, and for all years (None), on how much of all events the map can show."""
    totals = totals[totals["dyad"].isin(dyads)]
    intro = "<p>A dot needs a place. Events known only by province or region are in no dot: use the yearly totals to count.</p>"
    said: dict[int | str | None, str] = {
        "none": f"{intro}<p>How many events have no place in this year is not known here: no file holds all of them.</p>"
    }
    for year, rows in [(None, totals), *((int(y), rows) for y, rows in totals.groupby("year"))]:
        parts = []
        for iso3, name in deaths.COUNTRIES.items():
            here = rows[rows["country_iso3"] == iso3]
            if len(here):
                seen, every = (int(t["events"].sum()) for t in (here[here["precision"] == "precise"], here))
                parts.append(f"{name} {seen:,} of {every:,} ({seen / every:.0%})")
        if parts:
            said[year] = f"{intro}<p>Events with a place: {esc('; '.join(parts))}, where a file holds all events.</p>"
    return said
