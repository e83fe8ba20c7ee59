"""Derived tables from the World Bank (gross domestic product) and SIPRI (military burden, decade means only)."""

from __future__ import annotations

import sys

import pandas as pd
from tablefiles import CC_BY_4, Source, Table, decade, field, run

GDP = Source(
    "world-bank-wdi/gdp_current_usd.csv",
    "d95a7eb94183a57831900c46d3418367ada3a98a5ee44b33b23799b8ca722094",
    "The World Bank Group",
    "NY.GDP.MKTP.CD, years to 2023",
    "World Bank, World Development Indicators, https://datatopics.worldbank.org/world-development-indicators/",
    CC_BY_4,
    columns=("iso3", "year", "gdp_current_usd"),
)
MILEX = Source(
    "world-bank-wdi/sipri_milex_share_gdp_1991_2023.csv",
    "7b1a3c5265d48ced0ed6670176afd8f72bb31ef943990f37ac856eb8be582451",
    "Stockholm International Peace Research Institute (SIPRI)",
    "SIPRI Military Expenditure Database, years 1991–2023",
    "Stockholm International Peace Research Institute, SIPRI Military Expenditure Database.",
    {
        "name": "sipri-terms",
        "title": "SIPRI's terms: derived figures only, with credit",
        "path": "https://www.sipri.org/about/terms-and-conditions",
    },
    columns=("iso3", "year", "milex_pct_gdp"),
)
COUNTRIES = ("IRN", "IRQ", "SYR", "TUR", "USA")


def gdp(rows: pd.DataFrame) -> pd.DataFrame:
    billions = (rows.gdp_current_usd / 1e9).round(2)
    return pd.DataFrame({"country_iso3": rows.iso3, "year": rows.year, "gdp_billion_usd": billions})


def military_burden(rows: pd.DataFrame) -> pd.DataFrame:
    """Means per decade over the years that have a figure; how many those are is in the table."""
    rows = rows.dropna(subset="milex_pct_gdp")
    rows = rows.assign(country_iso3=rows.iso3, decade=decade(rows.year))
    table = rows.groupby(["country_iso3", "decade"], as_index=False).agg(
        first_year=("year", "min"),
        last_year=("year", "max"),
        years=("year", "size"),
        mean_pct_gdp=("milex_pct_gdp", "mean"),
    )
    return table.round({"mean_pct_gdp": 2})


COUNTRY = field("country_iso3", "string", "country", enum=list(COUNTRIES))

TABLES = (
    Table(
        "wb_gdp",
        "Gross domestic product in current US dollars",
        "GDP of Türkiye, Iraq, Iran, Syria and the United States in billions of current US dollars, 1960–2023.",
        (GDP,),
        (
            COUNTRY,
            field("year", "integer", "calendar year", "year", minimum=1960, maximum=2023),
            field("gdp_billion_usd", "number", "gross domestic product", "billion current US dollars", minimum=0),
        ),
        ("country_iso3", "year"),
        gdp,
        (
            "Current dollars: prices and exchange rates move the figure. Iran's jumps with the rate used; it is not "
            "growth.",
            "A missing year is not a zero.",
        ),
    ),
    Table(
        "sipri_military_burden_decades",
        "Military spending as a share of GDP, means per decade",
        "Mean military burden per country and decade, 1991–2023, over the years that have a figure.",
        (MILEX,),
        (
            COUNTRY,
            field("decade", "integer", "first year of the decade", "year"),
            field("first_year", "integer", "first year with a figure in the decade", "year"),
            field("last_year", "integer", "last year with a figure in the decade", "year"),
            field("years", "integer", "years with a figure", "years", minimum=1, maximum=10),
            field("mean_pct_gdp", "number", "mean military spending", "percent of GDP", minimum=0),
        ),
        ("country_iso3", "decade"),
        military_burden,
        (
            "Derived figures only: SIPRI's yearly series may not be passed on.",
            "Decades are uneven: the 1990s begin in 1991, the 2020s end in 2023, and gaps (Iraq until 2003, Syria "
            "after 2010) are real; see years.",
            "SIPRI's marks for estimated values are lost in the copy used.",
        ),
        clock="last_year",
    ),
)

if __name__ == "__main__":
    sys.exit(run(TABLES))
