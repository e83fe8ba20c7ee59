"""Derived table from Ethnic Power Relations: how experts code the Kurds' access to central power, in merged periods."""

from __future__ import annotations

import sys

import pandas as pd
from tablefiles import STATES, YES_NO, Source, Table, field, run

EPR = Source(
    "epr-kurds/epr2021_kurds_power_status.csv",
    "01f131d7a88fa04f08d744e80097acef738bb717cd0bb31bbfc4705645f4ed6c",
    "International Conflict Research, ETH Zürich",
    "EPR Core 2021, 1946–2021",
    "Vogt, Manuel, Nils-Christian Bormann, Seraina Rüegger, Lars-Erik Cederman, Philipp Hunziker and Luc Girardin "
    "(2015). “Integrating Data on Ethnicity, Geography, and Conflict: The Ethnic Power Relations Dataset Family”, "
    "Journal of Conflict Resolution 59(7): 1327–1342.",
    {
        "name": "not-read",
        "title": "Licence not read: a dozen coded periods are quoted with citation",
        "path": "https://icr.ethz.ch/data/epr",
    },
    columns=("iso3", "from", "to", "status", "reg_aut"),
)


def periods(rows: pd.DataFrame) -> pd.DataFrame:
    """Neighbouring periods of the same status and autonomy joined into one."""
    rows = rows[rows.iso3.isin(STATES)].sort_values(["iso3", "from"]).reset_index(drop=True)
    rows = rows.assign(
        country_iso3=rows.iso3,
        status=rows.status.str.lower(),
        regional_autonomy=rows.reg_aut.astype(str).map({"True": "yes", "False": "no"}),
    )
    coded = rows[["country_iso3", "status", "regional_autonomy"]]
    joins = (coded == coded.shift()).all(axis=1) & (rows["from"] == rows["to"].shift() + 1)
    run_number = (~joins).cumsum().rename("period")
    table = rows.groupby(run_number).agg(
        country_iso3=("country_iso3", "first"),
        first_year=("from", "min"),
        last_year=("to", "max"),
        status=("status", "first"),
        regional_autonomy=("regional_autonomy", "first"),
    )
    return table.reset_index(drop=True)


STATUS = ["junior partner", "self-exclusion", "powerless", "discriminated"]

TABLES = (
    Table(
        "epr_kurds_periods",
        "Kurds' access to central power as coded by experts",
        "Periods in which experts give the Kurds of Türkiye, Iraq and Iran the same access to executive power, "
        "1946–2021.",
        (EPR,),
        (
            field("country_iso3", "string", "country", enum=list(STATES)),
            field("first_year", "integer", "first year of the period", "year", minimum=1946, maximum=2021),
            field("last_year", "integer", "last year of the period; 2021 is the end of the data", "year", maximum=2021),
            field("status", "string", "access to executive power in the capital", enum=STATUS),
            field("regional_autonomy", "string", "whether the group ran its own region", enum=YES_NO),
        ),
        ("country_iso3", "first_year"),
        periods,
        (
            "Expert coding of access to central power, not of rights or living conditions, and contested for each "
            "country.",
            "Ends in 2021. Licence not read: derived periods with the citation only.",
        ),
        clock="first_year",
    ),
)

if __name__ == "__main__":
    sys.exit(run(TABLES))
