"""A few derived figures per pair and decade from Correlates of War and ATOP, which may not be passed on as they are."""

from __future__ import annotations

import sys

import pandas as pd
from tablefiles import PAIRS, STATES, Source, Table, decade, field, run

LICENCE = {
    "title": "No licence stated for the data: derived figures only, with citation",
    "name": "none-stated",
    "path": "https://correlatesofwar.org",
}
PACKAGE = "Miller, Steven V. (2022). “peacesciencer”, Conflict Management and Peace Science (carrier)."
MID = Source(
    "cow-atop-dyads/mid5_dyad_dispute_years.csv",
    "f6b7b1c1ff392ff7a966f3d8b54bfa48b876bb71525c11d7a19cd6cf75519b3d",
    "Correlates of War Project",
    "Militarized Interstate Disputes 5.0, 1816–2014",
    "Palmer, Glenn, et al. (2022). “The MID5 Dataset, 2011–2014”, Conflict Management and Peace Science 39(4): "
    "470–482. " + PACKAGE,
    LICENCE,
    columns=("dispnum", "iso3_a", "iso3_b", "year", "hostlev1", "hostlev2"),
)
ATOP = Source(
    "cow-atop-dyads/atop51_obligation_spells.csv",
    "acc3faa6bad48de9eaa77e07537fe7919486daff471dde1a7a1c07d538c9b23f",
    "ATOP Project (Rice University)",
    "Alliance Treaty Obligations and Provisions 5.1, 1815–2018",
    "Leeds, Brett Ashley, Jeffrey M. Ritter, Sara McLaughlin Mitchell and Andrew G. Long (2002). “Alliance Treaty "
    "Obligations and Provisions, 1815–1944”, International Interactions 28: 237–260. " + PACKAGE,
    LICENCE | {"path": "http://www.atopdata.org"},
    columns=("iso3_a", "iso3_b", "first_year", "last_year", "defense", "neutrality", "nonaggression", "consultation"),
)
NMC = Source(
    "cow-atop-dyads/national_material_capabilities_1920_2022.csv",
    "402710626929e30b95bb890050fb4388676f66a12f500f713de455cc6bb7aa8d",
    "Correlates of War Project",
    "National Material Capabilities 7.0, to 2022",
    "Singer, J. David (1987). “Reconstructing the Correlates of War Dataset on Material Capabilities of States, "
    "1816–1985”, International Interactions 14: 115–132. " + PACKAGE,
    LICENCE,
    columns=("iso3", "year", "cinc"),
)
START = 1920
IRAQ_ENTERS = 1932
MID_ENDS = 2014
ATOP_ENDS = 2018
USE_OF_FORCE = 4
COALITION = (3957, 4273)
RATIOS = (("TUR", "IRQ"), ("IRN", "IRQ"), ("TUR", "IRN"))


def decades(a: str, b: str, last: int) -> pd.DataFrame:
    """The decades in which both states were in the state system and the source covers them, with the years covered."""
    first = IRAQ_ENTERS if "IRQ" in (a, b) else START
    years = pd.Series(range(first, last + 1), name="year")
    table = years.groupby(decade(years)).agg(first_year="min", last_year="max").rename_axis("decade").reset_index()
    return table.assign(pair=f"{a}-{b}", iso3_a=a, iso3_b=b)


def between(rows: pd.DataFrame, a: str, b: str) -> pd.DataFrame:
    """Rows about the two states, whichever of them the source names first."""
    return rows[((rows.iso3_a == a) & (rows.iso3_b == b)) | ((rows.iso3_a == b) & (rows.iso3_b == a))]


def disputes(mid: pd.DataFrame) -> pd.DataFrame:
    """Disputes per pair and decade of their first year in the pair, and who used force."""
    return pd.concat([pair_disputes(mid, a, b) for a, b in PAIRS], ignore_index=True)


def pair_disputes(mid: pd.DataFrame, a: str, b: str) -> pd.DataFrame:
    rows = between(mid, a, b)
    swapped = rows.iso3_a != a
    rows = rows.assign(
        level_a=rows.hostlev1.mask(swapped, rows.hostlev2), level_b=rows.hostlev2.mask(swapped, rows.hostlev1)
    )
    each = rows.groupby("dispnum", as_index=False).agg(
        year=("year", "min"), level_a=("level_a", "max"), level_b=("level_b", "max")
    )
    each = each.assign(
        decade=decade(each.year),
        force_by_a=each.level_a >= USE_OF_FORCE,
        force_by_b=each.level_b >= USE_OF_FORCE,
        coalition=each.dispnum.isin(COALITION) & (f"{a}-{b}" == "TUR-IRQ"),
    )
    counts = each.groupby("decade", as_index=False).agg(
        disputes=("dispnum", "size"),
        force_by_a=("force_by_a", "sum"),
        force_by_b=("force_by_b", "sum"),
        in_coalition=("coalition", "sum"),
    )
    table = decades(a, b, MID_ENDS).merge(counts, on="decade", how="left")
    whole = ["disputes", "force_by_a", "force_by_b", "in_coalition"]
    return table.assign(**table[whole].fillna(0).astype(int))


def pledges(spells: pd.DataFrame) -> pd.DataFrame:
    """Years per pair and decade in which an alliance with the pledge was in force."""
    return pd.concat([pair_pledges(spells, a, b) for a, b in PAIRS], ignore_index=True)


def pair_pledges(spells: pd.DataFrame, a: str, b: str) -> pd.DataFrame:
    rows = between(spells, a, b)
    rows = rows.assign(year=[list(range(*span)) for span in zip(rows.first_year, rows.last_year + 1, strict=True)])
    years = rows.explode("year").astype({"year": int})
    years = years.assign(decade=decade(years.year))
    counts = years.groupby("decade", as_index=False).agg(
        years_any=("year", "nunique"),
        years_defence=("defense", "sum"),
        years_neutrality=("neutrality", "sum"),
        years_non_aggression=("nonaggression", "sum"),
        years_consultation=("consultation", "sum"),
    )
    table = decades(a, b, ATOP_ENDS).merge(counts, on="decade", how="left")
    whole = [column for column in counts if column != "decade"]
    return table.assign(**table[whole].fillna(0).astype(int))


def ratios(nmc: pd.DataFrame) -> pd.DataFrame:
    """Ratio of the decade means of two states' CINC, over the years in which both have one."""
    cinc = nmc.pivot(index="year", columns="iso3", values="cinc")
    return pd.concat([pair_ratio(cinc, a, b) for a, b in RATIOS], ignore_index=True)


def pair_ratio(cinc: pd.DataFrame, a: str, b: str) -> pd.DataFrame:
    both = cinc[[a, b]].dropna().reset_index()
    table = (
        both.assign(decade=decade(both.year))
        .groupby("decade", as_index=False)
        .agg(first_year=("year", "min"), last_year=("year", "max"), mean_a=(a, "mean"), mean_b=(b, "mean"))
    )
    table = table.assign(pair=f"{a}-{b}", iso3_a=a, iso3_b=b, cinc_ratio=(table.mean_a / table.mean_b).round(2))
    return table.drop(columns=["mean_a", "mean_b"])


def pair_fields(pairs: tuple) -> tuple[dict, ...]:
    return (
        field("pair", "string", "the two states, a and b", enum=[f"{a}-{b}" for a, b in pairs]),
        field("iso3_a", "string", "state a", enum=list(STATES)),
        field("iso3_b", "string", "state b", enum=list(STATES)),
        field("decade", "integer", "first year of the decade", "year", minimum=START, maximum=2020),
        field("first_year", "integer", "first year covered in the decade", "year"),
        field("last_year", "integer", "last year covered in the decade", "year"),
    )


def number(name: str, description: str, unit: str) -> dict:
    return field(name, "integer", description, unit, minimum=0)


DERIVED_ONLY = "Derived figures only: the yearly rows may not be passed on as open data; fetch them from the project."

TABLES = (
    Table(
        "cow_disputes_decades",
        "Militarised disputes per pair of states and decade",
        "Disputes counted in the decade in which they began, and in how many of them each side used force, for "
        "Türkiye, Iraq and Iran, 1920–2014. A decade with 0 is covered and has no dispute.",
        (MID,),
        (
            *pair_fields(PAIRS),
            number("disputes", "disputes that began between the two", "disputes"),
            number("force_by_a", "of these, with use of force or war by state a", "disputes"),
            number("force_by_b", "of these, with use of force or war by state b", "disputes"),
            number(
                "in_coalition",
                "of these, Türkiye only as a member of the Gulf War or no-fly-zone coalition",
                "disputes",
            ),
        ),
        ("pair", "decade"),
        disputes,
        (
            DERIVED_ONLY,
            "A dispute needs an act without consent: Turkish operations under Iraqi consent are not in it. In the "
            "disputes of Türkiye and Iraq of 1984, 1985 and 1987 the side using force is Iraq, from 1991 it is "
            "Türkiye.",
            "Two disputes of Türkiye and Iraq in the 1990s (3957, 4273) are those of a coalition; in_coalition "
            "counts them.",
            "Ends in 2014; pairs with Iraq begin in 1932.",
        ),
        clock="last_year",
    ),
    Table(
        "atop_pledges_decades",
        "Years with an alliance pledge in force, per pair of states and decade",
        "In how many covered years of a decade any alliance treaty with each pledge was in force between Türkiye, "
        "Iraq and Iran, 1920–2018.",
        (ATOP,),
        (
            *pair_fields(PAIRS),
            number("years_any", "years with any pledge", "years"),
            number("years_defence", "years with a pledge to defend", "years"),
            number("years_neutrality", "years with a pledge of neutrality", "years"),
            number("years_non_aggression", "years with a pledge not to attack", "years"),
            number("years_consultation", "years with a pledge to consult", "years"),
        ),
        ("pair", "decade"),
        pledges,
        (
            DERIVED_ONLY,
            "Formal alliances only: the treaty of 1926, the protocols of the 1980s, the agreement of 2007 and the "
            "memorandum of 2024 are not in it. No pledge after 1959 between Türkiye and Iraq means no alliance, not "
            "no agreement.",
            "The file has spells of years without the names of the treaties. Ends in 2018; pairs with Iraq begin in "
            "1932.",
        ),
        clock="last_year",
    ),
    Table(
        "cow_capability_ratios",
        "Ratio of material capabilities per pair of states and decade",
        "How many times the capabilities of state b (CINC: share of world population, industry and military) state "
        "a has, as the ratio of decade means, 1920–2022.",
        (NMC,),
        (*pair_fields(RATIOS), field("cinc_ratio", "number", "CINC of a divided by CINC of b", "ratio", minimum=0)),
        ("pair", "decade"),
        ratios,
        (
            DERIVED_ONLY,
            "CINC weighs people, steel, energy, soldiers and spending equally; it says nothing about alliances, "
            "terrain or will.",
            "Pairs with Iraq begin in 1932; the 2020s end in 2022.",
        ),
        clock="last_year",
    ),
)

if __name__ == "__main__":
    sys.exit(run(TABLES))
