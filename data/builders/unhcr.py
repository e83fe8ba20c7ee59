"""Derived table from UNHCR: refugees between Türkiye, Iraq and Iran, with marks on figures that need a second look."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from tablefiles import CC_BY_4, STATES, YES_NO, Source, Table, field, run

POPULATION = Source(
    "unhcr-refugees/population_by_dyad_year.csv",
    "136959b9521b8bb6e8788bcfaad5905df8f06a21fdc57eb7bc9a12bb8644c105",
    "UNHCR, the UN Refugee Agency",
    "Refugee Population Statistics Database, R package refugees 2025.12.1, 1951–2025",
    "UNHCR (2026). Refugee Population Statistics Database, https://www.unhcr.org/refugee-statistics/. Filtered.",
    CC_BY_4,
    columns=("year", "coo_iso", "coa_iso", "refugees", "asylum_seekers", "returned_refugees"),
)
FLOWS = (("TUR", "IRQ"), ("IRQ", "TUR"), ("IRQ", "IRN"), ("IRN", "IRQ"))
LARGE_FALL = 0.5


def refugees(population: pd.DataFrame) -> pd.DataFrame:
    """End-of-year stocks of four origin-asylum pairs, marked where equal to last year's or fallen beyond returns."""
    pairs = pd.Series(list(zip(population.coo_iso, population.coa_iso, strict=True)), index=population.index)
    rows = population[pairs.isin(FLOWS)].sort_values(["coo_iso", "coa_iso", "year"])
    before = rows.groupby(["coo_iso", "coa_iso"])[["year", "refugees"]].shift()
    follows = rows.year - before.year == 1
    unexplained = before.refugees - rows.refugees - rows.returned_refugees
    return pd.DataFrame(
        {
            "origin_iso3": rows.coo_iso,
            "asylum_iso3": rows.coa_iso,
            "year": rows.year,
            "refugees": rows.refugees,
            "asylum_seekers": rows.asylum_seekers,
            "returned_refugees": rows.returned_refugees,
            "same_as_year_before": np.where(follows & (rows.refugees == before.refugees), *YES_NO),
            "fall_beyond_returns": np.where(follows & (unexplained >= LARGE_FALL * before.refugees), *YES_NO),
        }
    )


PERSONS = {"unit": "persons", "minimum": 0}

TABLES = (
    Table(
        "unhcr_refugees",
        "Refugees between Türkiye, Iraq and Iran per year",
        "People at the end of the year by country of origin and of asylum. Two marks are computed here: a figure "
        "equal to the year before (often carried forward, not counted), and a fall by half or more that returns do "
        "not cover.",
        (POPULATION,),
        (
            field("origin_iso3", "string", "country of origin", enum=list(STATES)),
            field("asylum_iso3", "string", "country of asylum", enum=list(STATES)),
            field("year", "integer", "year; stocks at 31 December", "year", minimum=1951, maximum=2025),
            field("refugees", "integer", "refugees at the end of the year", **PERSONS),
            field("asylum_seekers", "integer", "pending asylum applications at the end of the year", **PERSONS),
            field("returned_refugees", "integer", "refugees who returned to the origin during the year", **PERSONS),
            field("same_as_year_before", "string", "yes: exactly last year's number of refugees", enum=YES_NO),
            field(
                "fall_beyond_returns",
                "string",
                "yes: at least half of last year's refugees are gone without a return recorded",
                enum=YES_NO,
            ),
        ),
        ("origin_iso3", "asylum_iso3", "year"),
        refugees,
        (
            "Turkish-origin refugees in Iraq fall from 13,396 (2021) to 4,743 (2022) while no return is recorded: "
            "it looks like a change in what is counted. UNHCR's reason was not seen; do not state one.",
            "Iraqis in Türkiye fall from 39,088 (2018) to 1,279 (2019) while pending applications rise; the reason "
            "was not seen.",
            "Makhmour is not a line of its own: the series is Turkish-origin refugees in Iraq as a whole.",
            "Flat runs (Iran hosting 28,268 Iraqis in 2015–2019) are carried forward, not measured.",
            "The flight of spring 1991 is mostly invisible in end-of-year stocks.",
            "A missing year is not a zero. A stock can also fall by resettlement, naturalisation or re-registration.",
        ),
    ),
)

if __name__ == "__main__":
    sys.exit(run(TABLES))
