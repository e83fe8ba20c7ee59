"""Derived table from Our World in Data: deaths in armed conflicts by the country where they happened."""

from __future__ import annotations

import sys

import pandas as pd
from tablefiles import CC_BY_4, STATES, Source, Table, field, run

DEATHS = Source(
    "owid-ucdp-country-deaths/deaths_in_ongoing_conflicts_by_location_1989_2024.csv",
    "81e39e5e54c51f7b301205020f17546befab73e8893cc6b53d54363897224101",
    "Our World in Data (processing); Uppsala Conflict Data Program (data)",
    "undated copy, fits UCDP GED 25.1, 1989–2024",
    "Uppsala Conflict Data Program (2025), Georeferenced Event Dataset; processed by Our World in Data, “Deaths in "
    "armed conflicts by country”, https://ourworldindata.org/grapher/deaths-in-armed-conflicts-by-country",
    CC_BY_4,
    columns=("iso3", "year", "deaths"),
)


def deaths_by_location(deaths: pd.DataFrame) -> pd.DataFrame:
    """Türkiye, Iraq and Iran, figures unchanged."""
    return deaths[deaths.iso3.isin(STATES)].rename(columns={"iso3": "country_iso3"})


TABLES = (
    Table(
        "owid_deaths_by_location",
        "Deaths in armed conflicts by country where they happened, per year",
        "All three UCDP types of violence together, best estimate, in Türkiye, Iraq and Iran, 1989–2024: every "
        "conflict in the country, not the PKK alone.",
        (DEATHS,),
        (
            field("country_iso3", "string", "country where people died, by coordinates", enum=list(STATES)),
            field("year", "integer", "calendar year", "year", minimum=1989, maximum=2024),
            field("deaths", "integer", "best estimate, all conflicts in the country", "deaths", minimum=0),
        ),
        ("country_iso3", "year"),
        deaths_by_location,
        (
            "Iraq's figures are mostly the war with the Islamic State; nothing here isolates Turkish operations in "
            "Iraq.",
            "Only conflicts of 25 or more deaths in the year count: Türkiye 2014 is 0 for that reason, not for want "
            "of deaths.",
            "Iran 1989–1993 is missing, not zero.",
            "Another UCDP release than the other tables: a difference from them is approximate.",
            "Countries are assigned by Natural Earth borders, so border events can differ from UCDP's own country "
            "column.",
        ),
    ),
)

if __name__ == "__main__":
    sys.exit(run(TABLES))
