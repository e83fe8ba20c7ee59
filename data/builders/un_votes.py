"""Derived table from UN General Assembly roll calls: how often Türkiye, Iraq and Iran cast the same vote."""

from __future__ import annotations

import sys

import pandas as pd
from tablefiles import PAIRS, STATES, Source, Table, field, run

ROLL_CALLS = Source(
    "un-ga-voting/roll_calls_six_states_1946_2019.csv",
    "8dc211d79a5fe54af77f169e02f4976462abfd4d6bc2968adca183b0612cb639",
    "Erik Voeten (Georgetown University); R package unvotes by D. Robinson and N. Goguen-Compagnoni",
    "unvotes 0.3.0, sessions 1–74, 1946–2019",
    "Voeten, Erik (2013). “Data and Analyses of Voting in the UN General Assembly”, in B. Reinalda (ed.), Routledge "
    "Handbook of International Organization. Robinson, D. (2021), unvotes.",
    {"name": "MIT", "title": "MIT (the package that carries the votes)"},
    columns=("date", "issues", *STATES),
)
SCALE = {"Y": 1.0, "A": 0.5, "N": 0.0}


def agreement(calls: pd.DataFrame) -> pd.DataFrame:
    """Agreement per pair, year and subset over the roll calls in which both voted yes, no or abstained."""
    year = calls.date.str[:4].astype(int)
    middle_east = calls.issues.fillna("").str.split("|").map(lambda tags: "me" in tags)
    frames = [
        compare(calls[chosen], year[chosen], a, b).assign(pair=f"{a}-{b}", iso3_a=a, iso3_b=b, subset=subset)
        for a, b in PAIRS
        for subset, chosen in (("all", year > 0), ("me", middle_east))
    ]
    return pd.concat(frames, ignore_index=True)


def compare(calls: pd.DataFrame, year: pd.Series, a: str, b: str) -> pd.DataFrame:
    """roll_calls, agree_share (same vote) and agree_3point (mean of 1 - |difference|; yes 1, abstention 0.5, no 0)."""
    both = calls[a].notna() & calls[b].notna()
    first, second = calls.loc[both, a], calls.loc[both, b]
    votes = pd.DataFrame(
        {
            "year": year[both],
            "same": (first == second).astype(float),
            "near": 1 - (first.map(SCALE) - second.map(SCALE)).abs(),
        }
    )
    table = votes.groupby("year", as_index=False).agg(
        roll_calls=("same", "size"), agree_share=("same", "mean"), agree_3point=("near", "mean")
    )
    return table.round(4)


TABLES = (
    Table(
        "un_voting_agreement",
        "Agreement in UN General Assembly roll calls per pair and year",
        "Share of roll calls in which two states voted alike, 1946–2019, for the pairs of Türkiye, Iraq and Iran; "
        "over all roll calls and over those tagged Palestinian conflict. Computed here.",
        (ROLL_CALLS,),
        (
            field("pair", "string", "the two states", enum=[f"{a}-{b}" for a, b in PAIRS]),
            field("iso3_a", "string", "first state", enum=list(STATES)),
            field("iso3_b", "string", "second state", enum=list(STATES)),
            field("subset", "string", "all: every roll call; me: tagged Palestinian conflict", enum=["all", "me"]),
            field("year", "integer", "calendar year of the vote", "year", minimum=1946, maximum=2019),
            field("roll_calls", "integer", "roll calls in which both voted", "roll calls", minimum=1),
            field("agree_share", "number", "share with the same vote", "share", minimum=0, maximum=1),
            field("agree_3point", "number", "mean of 1 − |difference|, abstention half", "share", minimum=0, maximum=1),
        ),
        ("pair", "subset", "year"),
        agreement,
        (
            "Agreement depends on the agenda: Iraq and Iran agree on 93–99 % in every year of their war, 1980–88.",
            "Absences are left out: Iraq has no recorded vote in 1995–2003. Look at roll_calls before trusting a year.",
            "1964 has no recorded roll call. The votes end in 2019: nothing here speaks to 2024.",
            "The licence of the original deposit was not read; the votes themselves are public facts.",
        ),
    ),
)

if __name__ == "__main__":
    sys.exit(run(TABLES))
