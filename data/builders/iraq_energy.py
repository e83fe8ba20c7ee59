"""Derived tables on Iraq's dependence on its neighbours' electricity and gas."""

from __future__ import annotations

import sys

import pandas as pd
from tablefiles import CC_BY_4, Source, Table, field, run

CITATION = (
    "Ember (2025), Energy Institute, Statistical Review of World Energy (2025), with major processing by Our World in "
    "Data, https://github.com/owid/energy-data"
)
VERSION = "OWID Energy dataset with data to 2024"
ELECTRICITY = Source(
    "iraq-energy/iraq_electricity_ember_2000_2024.csv",
    "ca105e0991d885f9fd4b0a9de694e5dbf7de74869bf4158407be729316bdb1de",
    "Ember; Our World in Data",
    VERSION,
    CITATION,
    CC_BY_4,
    columns=("year", "electricity_demand_twh", "net_elec_imports_twh"),
)
GAS = Source(
    "iraq-energy/iraq_gas_gap_derived_2000_2024.csv",
    "395e757ff8595f703d5e57fc2256299d9a1dc394d23217eeaebf16324ee0a7d5",
    "Energy Institute; Our World in Data",
    VERSION,
    CITATION,
    {
        "name": "energy-institute-quotation",
        "title": "No open licence: derived figures only, free to quote with acknowledgement",
        "path": "https://github.com/owid/energy-data",
    },
    columns=("year", "gas_gap_twh", "gas_gap_share_of_consumption_pct"),
)
# Until then the source sets consumption equal to production: it assumes that there was no trade.
FIRST_GAS_YEAR = 2017


def electricity(rows: pd.DataFrame) -> pd.DataFrame:
    share = 100 * rows.net_elec_imports_twh / rows.electricity_demand_twh
    return pd.DataFrame(
        {"year": rows.year, "net_imports_twh": rows.net_elec_imports_twh, "import_share_pct": share.round(1)}
    )


def gas(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[rows.year >= FIRST_GAS_YEAR]
    return rows.rename(columns={"gas_gap_twh": "gap_twh", "gas_gap_share_of_consumption_pct": "gap_share_pct"})


YEAR = {"type_": "integer", "description": "calendar year", "unit": "year", "maximum": 2024}

TABLES = (
    Table(
        "iraq_electricity_imports",
        "Iraq's net electricity imports and their share of demand",
        "Net imports from all neighbours, 2000–2024; the share is computed here.",
        (ELECTRICITY,),
        (
            field("year", minimum=2000, **YEAR),
            field("net_imports_twh", "number", "imports minus exports, all neighbours", "TWh"),
            field("import_share_pct", "number", "net imports as a share of electricity demand", "percent"),
        ),
        ("year",),
        electricity,
        (
            "From all neighbours: Iran almost alone until about 2022, then small flows from Türkiye and Jordan; "
            "there is no breakdown by partner.",
            "The Kurdistan Region's own system is only partly covered.",
            "Electricity made in Iraq from Iranian gas is not an import here: see iraq_gas_gap.",
        ),
    ),
    Table(
        "iraq_gas_gap",
        "Iraq's gas gap: consumption beyond production",
        "Gas consumption minus production and its share of consumption, 2017–2024: a rough measure of dependence on "
        "Iranian gas, and not a measured import.",
        (GAS,),
        (
            field("year", minimum=FIRST_GAS_YEAR, **YEAR),
            field("gap_twh", "number", "consumption minus production; 10 TWh is about 1 bcm", "TWh"),
            field("gap_share_pct", "number", "gap as a share of consumption", "percent"),
        ),
        ("year",),
        gas,
        (
            "Not a measured import: stock changes, losses, flaring conventions and revisions are in it. In 2020 it "
            "is larger than the Iranian deliveries reported.",
            "2000–2016 have no row: there the source sets consumption equal to production, which assumes that there "
            "was no trade.",
        ),
    ),
)

if __name__ == "__main__":
    sys.exit(run(TABLES))
