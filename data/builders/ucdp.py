"""Derived tables from UCDP: battle deaths (BRD 24.1), events (GED 19.1, 20.1, 21.1), active years (ACD 25.1),
one-sided violence and non-state conflict (23.1). Versions are never spliced: each table carries its version.

What turns events into tables is in helpers.analysis.ged, which a reader with an original GED file can call too.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from tablefiles import CC_BY_4, BuildError, Source, Table, country_codes, field, run

from helpers.analysis import ged

PUBLISHER = "Uppsala Conflict Data Program, Uppsala University"
GED_CITATION = (
    "Sundberg, Ralph and Erik Melander (2013). “Introducing the UCDP Georeferenced Event Dataset”, Journal of Peace "
    "Research 50(4): 523–532. Pettersson, Therese and Magnus Öberg (2020). “Organized violence, 1989–2019”, Journal of "
    "Peace Research 57(4): 597–613."
)
COUNT_23 = (
    "Davies, Shawn, Therése Pettersson and Magnus Öberg (2023). “Organized violence 1989–2022, and the return of "
    "conflict between states”, Journal of Peace Research 60(4): 691–708."
)

BRD = Source(
    "ucdp-brd/ucdp_brd_dyadic_241_tur_irq_irn_syr.csv",
    "ce5f6d613ccd9804efde0cca4b409191b8d9146c4087bf94c75a6462ea1a7d4f",
    PUBLISHER,
    "UCDP Battle-Related Deaths Dataset (dyadic) 24.1, 1989–2023",
    "Davies, Shawn, Garoun Engström, Therése Pettersson and Magnus Öberg (2024). “Organized violence 1989–2023, and "
    "the prevalence of organized crime groups”, Journal of Peace Research 61(4): 673–693.",
    CC_BY_4,
    columns=("conflict_id", "dyad_id", "year", "bd_best", "bd_low", "bd_high", "battle_location", "version"),
)
GED_COLUMNS = (
    *("year", "type_of_violence", "dyad_name", "country", "where_prec", "latitude", "longitude"),
    *("deaths_a", "deaths_b", "deaths_civilians", "deaths_unknown", "best", "low", "high"),
)
GED_TUR = Source(
    "ucdp-ged-pkk/ged201_turkey_pkk_related_1989_2019.csv",
    "779c739f9ee25572bc73e2d4cd15f24bb255b1340f53fd0e2625f23a1b71933a",
    PUBLISHER,
    "UCDP GED 20.1, events in Türkiye 1989–2019",
    GED_CITATION,
    CC_BY_4,
    columns=GED_COLUMNS,
)
GED_IRQ = Source(
    "ucdp-ged-pkk/ged191_iraq_pkk_related_1989_2018.csv",
    "fc1ec1cb18e8f0182145d638655e561bcf310edff04d890964531fda392669a0",
    PUBLISHER,
    "UCDP GED 19.1, events in Iraq 1989–2018",
    GED_CITATION,
    CC_BY_4,
    columns=GED_COLUMNS,
)
GED_SUPPLEMENT = Source(
    "ucdp-ged-pkk/ged211_precise_subset_supplement.csv",
    "03e9e5df239ca3d927485313a26b996a7afed1694482ef67ef97374fc8b360a9",
    PUBLISHER,
    "UCDP GED 21.1, precisely located events only",
    GED_CITATION,
    CC_BY_4,
    columns=("year", "country", "side_a", "side_b", "latitude", "longitude", "low", "best", "high"),
)
ACD = Source(
    "ucdp-acd/ucdp_prio_acd_251_tur_irq_irn_syr.csv",
    "ef8571a7fb2fc69d1efc81e02fc30ae4f30ca32233481b9a52a87b103afb9e77",
    "Uppsala Conflict Data Program, Uppsala University; Peace Research Institute Oslo",
    "UCDP/PRIO Armed Conflict Dataset 25.1, 1946–2024",
    "Gleditsch, Nils Petter, Peter Wallensteen, Mikael Eriksson, Margareta Sollenberg and Håvard Strand (2002). “Armed "
    "Conflict 1946–2001: A New Dataset”, Journal of Peace Research 39(5): 615–637. Davies, Shawn, Therése Pettersson, "
    "Margareta Sollenberg and Magnus Öberg (2025). “Organized violence 1989–2024, and the challenges of identifying "
    "civilian victims”, Journal of Peace Research 62(4): 1223–1240.",
    CC_BY_4,
    columns=("conflict_id", "year", "type_of_conflict", "intensity_level", "start_date2"),
)
DEATHS_23 = ("year", "best_fatality_estimate", "low_fatality_estimate", "high_fatality_estimate", "location", "version")
ONE_SIDED = Source(
    "ucdp-onesided-nonstate/onesided_231_pkk_and_governments.csv",
    "d313c93e6f41d0a9290eb523d8241006687cf8b6710180fb4b317baa2cd5cb42",
    PUBLISHER,
    "UCDP One-sided Violence Dataset 23.1, 1989–2022",
    f"{COUNT_23} Eck, Kristine and Lisa Hultman (2007). “One-Sided Violence Against Civilians in War”, Journal of "
    "Peace Research 44(2): 233–246.",
    CC_BY_4,
    columns=("actor_name", *DEATHS_23),
)
NON_STATE = Source(
    "ucdp-onesided-nonstate/nonstate_231_kurdish_parties_iraq.csv",
    "e10db703811c960576a607b429748c01f5f9a4081a27c42849e7176acc5b2087",
    PUBLISHER,
    "UCDP Non-State Conflict Dataset 23.1, 1989–2022",
    f"{COUNT_23} Sundberg, Ralph, Kristine Eck and Joakim Kreutz (2012). “Introducing the UCDP Non-State Conflict "
    "Dataset”, Journal of Peace Research 49(2): 351–362.",
    CC_BY_4,
    columns=("side_a_name", "side_b_name", *DEATHS_23),
)

BRD_DYADS = {
    781: "TUR-PKK",
    10516: "TUR-TAK",
    14701: "TUR-IS",
    754: "IRN-PJAK",
    406: "IRN-KDPI",
    564: "IRQ-KDP",
    565: "IRQ-PUK",
}
GED_DYADS = (
    *("IRN-KDPI", "IRN-PJAK", "KDP-PKK", "PKK-PUK", "PKK-civilians"),
    *("TAK-civilians", "TUR-IS", "TUR-PKK", "TUR-TAK"),
)
MAPPED_DYADS = [dyad for dyad in GED_DYADS if dyad != "TUR-IS"]
CONFLICTS = {354: ("Türkiye: Kurdistan", "TUR"), 205: ("Iran: Kurdistan", "IRN"), 271: ("Iraq: Kurdistan", "IRQ")}
ACTORS = {"PKK": "PKK", "TAK": "TAK", "Government of Iran": "IRN", "Government of Iraq": "IRQ"}
NON_STATE_DYADS = ("KDP-PKK", "KDP-PUK", "PKK-PUK")

# (country, version): first year, last year; what each published file holds.
WHOLE = {("TUR", "20.1"): (1989, 2019), ("IRQ", "19.1"): (1989, 2018)}
PRECISE_ONLY = {("TUR", "21.1"): (2020, 2020), ("IRQ", "21.1"): (2019, 2020), ("IRN", "21.1"): (1989, 2020)}
COVERAGE_END = 2024


def battle_deaths(brd: pd.DataFrame) -> pd.DataFrame:
    """Yearly deaths of the dyads in BRD_DYADS, as printed."""
    rows = brd[brd.dyad_id.isin(BRD_DYADS)]
    printed_askew = (rows.bd_high < rows.bd_best) | (rows.bd_low > rows.bd_best)
    return pd.DataFrame(
        {
            "version": rows.version.astype(str),
            "dyad": rows.dyad_id.map(BRD_DYADS),
            "year": rows.year,
            "best": rows.bd_best,
            "low": rows.bd_low,
            "high": rows.bd_high,
            "countries": rows.battle_location.map(country_codes),
            "note": np.where(printed_askew, "as printed: best lies outside low–high", ""),
        }
    )


def events(turkiye: pd.DataFrame, iraq: pd.DataFrame) -> pd.DataFrame:
    """The two country files of GED as one table of events, with version, country, dyad and violence as codes."""
    rows = pd.concat([ged.code(turkiye, "20.1"), ged.code(iraq, "19.1")], ignore_index=True)
    rows = rows[rows.dyad.isin(GED_DYADS)]
    try:
        ged.check_windows(rows, WHOLE)
    except ged.GedError as error:
        raise BuildError(f"{error} They stand in builders/ucdp.py.") from None
    return rows


def located_events(turkiye: pd.DataFrame, iraq: pd.DataFrame, supplement: pd.DataFrame) -> pd.DataFrame:
    """Precisely located events of the dyads on the map; one version per country and year, so none counts twice."""
    whole = ged.located(events(turkiye, iraq))
    extra = supplement.assign(
        version="21.1",
        dyad=(supplement.side_a + " - " + supplement.side_b).map(ged.dyad_code),
        country_iso3=supplement.country.map(ged.iso3),
        where_prec="1-2",
    )
    windows = list(zip(extra.country_iso3, extra.year, strict=True))
    extra = extra[[first <= year <= last for c, year in windows for first, last in [PRECISE_ONLY[c, "21.1"]]]]
    rows = pd.concat([whole.astype({"where_prec": str}), extra[whole.columns]], ignore_index=True)
    return rows[rows.dyad.isin(MAPPED_DYADS)]


def country_years(turkiye: pd.DataFrame, iraq: pd.DataFrame) -> pd.DataFrame:
    return ged.country_years(events(turkiye, iraq))


def precision(turkiye: pd.DataFrame, iraq: pd.DataFrame) -> pd.DataFrame:
    return ged.by_precision(events(turkiye, iraq))


def cells(turkiye: pd.DataFrame, iraq: pd.DataFrame, supplement: pd.DataFrame) -> pd.DataFrame:
    return ged.cells(located_events(turkiye, iraq, supplement))


def points(turkiye: pd.DataFrame, iraq: pd.DataFrame, supplement: pd.DataFrame) -> pd.DataFrame:
    return ged.points(located_events(turkiye, iraq, supplement))


def coverage(turkiye: pd.DataFrame, iraq: pd.DataFrame, supplement: pd.DataFrame) -> pd.DataFrame:
    """Which version serves each country and year; the windows are checked against the events first."""
    located_events(turkiye, iraq, supplement)
    return ged.coverage(WHOLE, PRECISE_ONLY, countries=("IRN", "IRQ", "TUR"), last_year=COVERAGE_END)


def conflict_years(acd: pd.DataFrame) -> pd.DataFrame:
    """One row per conflict and year: the published file has one per combination of states."""
    rows = acd[acd.conflict_id.isin(CONFLICTS)]
    by = ["conflict_id", "year"]
    if (rows.groupby(by).intensity_level.nunique() > 1).any():
        raise BuildError("UCDP/PRIO ACD: a conflict-year has two intensity levels; look at its rows before counting")
    rows = rows.drop_duplicates(by)
    return pd.DataFrame(
        {
            "version": "25.1",
            "conflict_id": rows.conflict_id,
            "conflict": [CONFLICTS[i][0] for i in rows.conflict_id],
            "state_iso3": [CONFLICTS[i][1] for i in rows.conflict_id],
            "year": rows.year,
            "intensity": rows.intensity_level.map({1: "minor", 2: "war"}),
            "type_of_conflict": rows.type_of_conflict,
            "episode_start": rows.start_date2,
        }
    )


def yearly_deaths(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "version": rows.version.astype(str),
            by: rows[by],
            "year": rows.year,
            "best": rows.best_fatality_estimate,
            "low": rows.low_fatality_estimate,
            "high": rows.high_fatality_estimate,
            "countries": rows.location.map(country_codes),
        }
    )


def one_sided(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[rows.actor_name.isin(ACTORS)]
    return yearly_deaths(rows.assign(actor=rows.actor_name.map(ACTORS)), "actor")


def non_state(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.assign(dyad=rows.side_a_name + "-" + rows.side_b_name)
    return yearly_deaths(rows[rows.dyad.isin(NON_STATE_DYADS)], "dyad")


def version(*values: str) -> dict:
    return field("version", "string", "version of the UCDP dataset; never splice two", enum=list(values))


def year(first: int, last: int) -> dict:
    return field("year", "integer", "calendar year", "year", minimum=first, maximum=last)


def country(codes: tuple[str, ...] = ("IRN", "IRQ", "TUR")) -> dict:
    return field("country_iso3", "string", "country where the event happened, by UCDP", enum=list(codes))


def count(name: str, description: str, unit: str = "deaths") -> dict:
    return field(name, "integer", description, unit, minimum=0)


LOCATIONS = field(
    "countries",
    "string",
    "countries in which people died that year (no split); ISO codes",
    pattern="[A-Z]{3}(;[A-Z]{3})*",
) | {"separator": ";"}
DEATHS = (
    count("best", "best estimate: the most reliable reported number, not a model"),
    count("low", "low estimate"),
    count("high", "high estimate"),
)
DYAD_NOTE = "two sides; a state stands for its government, TAK is a splinter of the PKK, PJAK its Iranian sister"
NO_ZERO = "A year without a row is a year under UCDP's threshold of 25 deaths, not a year without deaths."
NO_SPLICE = "Totals of different UCDP versions differ (1989: 227 in GED 20.1, 442 in BRD 24.1): do not join the series."
GED_ENDS = "Türkiye ends in 2019, Iraq in 2018: a later year is missing, not quiet. See ucdp_ged_coverage."
DOTS = "Only where_prec 1 and 2 (exact place, or within about 25 km) are here: use for places, never for totals."
EVENT = "A death counts when armed force by an organised actor caused it and it was reported, dated and located."
CLAIMS = "Either side's own figures for the other's dead are often beyond checking; UCDP then lowers best, not high."
RECONCILE = "In 21.1 no event says which of 1 and 2 it has; it serves Iraq 2019–2020, Türkiye 2020 and Iran."

TABLES = (
    Table(
        "ucdp_brd_dyad_years",
        "Battle-related deaths per dyad and year, UCDP BRD 24.1",
        "Deaths of both sides and of civilians caught in the fighting, wherever they died, per year, for "
        "Türkiye–PKK and the dyads beside it. Use this table for totals.",
        (BRD,),
        (
            version("24.1"),
            field("dyad", "string", DYAD_NOTE, enum=sorted(BRD_DYADS.values())),
            year(1989, 2023),
            *DEATHS,
            LOCATIONS,
            field("note", "string", "what is odd in the row as printed", required=False),
        ),
        ("dyad", "year"),
        battle_deaths,
        (
            NO_ZERO + " Türkiye–PKK has no row for 2014.",
            "Ends in 2023: nothing here can show what the memorandum of August 2024 did.",
            "1990 is kept as printed: high (525) is below best (526).",
            "Low and high reflect conflicting reports, not statistical uncertainty.",
            "Violence against civilians as such is not here: see ucdp_one_sided_years.",
            NO_SPLICE,
        ),
    ),
    Table(
        "ucdp_ged_country_years",
        "Events and deaths per country, dyad and year, by precision of place, UCDP GED 20.1 and 19.1",
        "Counts and sums over all events of the PKK and of groups beside it, in Türkiye (GED 20.1) and Iraq (19.1), "
        "split into precisely located (where_prec 1–2) and the rest. Add both precisions for a total.",
        (GED_TUR, GED_IRQ),
        (
            version("19.1", "20.1"),
            country(("IRQ", "TUR")),
            field("dyad", "string", DYAD_NOTE, enum=sorted(GED_DYADS)),
            field("violence", "string", "UCDP's type of violence", enum=list(ged.VIOLENCE.values())),
            year(1989, 2019),
            field("precision", "string", "precise: where_prec 1–2; imprecise: 3–7", enum=["precise", "imprecise"]),
            count("events", "number of events", "events"),
            *DEATHS,
            count("deaths_a", "dead of the first side (the state, in a state-based dyad)"),
            count("deaths_b", "dead of the second side"),
            count("deaths_civilians", "civilians"),
            count("deaths_unknown", "dead of unknown side"),
        ),
        ("version", "country_iso3", "dyad", "year", "precision"),
        country_years,
        (
            GED_ENDS,
            "Within the covered years, no row means that GED has no event of that dyad there.",
            NO_SPLICE,
            EVENT,
            CLAIMS,
            "Where the sum of low is above the sum of best, it is so in the source and is kept.",
        ),
    ),
    Table(
        "ucdp_ged_precision",
        "How precisely events are located, UCDP GED 20.1 and 19.1",
        "Events and deaths per country, dyad and UCDP's where_prec, over all covered years: a lesson in what a dot "
        "on a map may claim. where_prec 4 puts an event on a province's centre point.",
        (GED_TUR, GED_IRQ),
        (
            version("19.1", "20.1"),
            country(("IRQ", "TUR")),
            field("dyad", "string", DYAD_NOTE, enum=sorted(GED_DYADS)),
            field(
                "where_prec",
                "integer",
                "1 exact place, 2 within about 25 km, 3 district, 4 province, 5 linear or fuzzy region, 6 country "
                "only, 7 open sea or air",
                minimum=1,
                maximum=7,
            ),
            count("events", "number of events", "events"),
            count("best", "best estimate"),
        ),
        ("version", "country_iso3", "dyad", "where_prec"),
        precision,
        ("Türkiye 1989–2019 and Iraq 1989–2018, all years together.", EVENT),
        clock="",
    ),
    Table(
        "ucdp_ged_coverage",
        "Which UCDP GED version serves which country and year here",
        "One row per country and year: the version from which totals may be taken, the version from which places "
        "may be taken, blank where there is no file.",
        (GED_TUR, GED_IRQ, GED_SUPPLEMENT),
        (
            country(),
            year(1989, COVERAGE_END),
            field("totals_version", "string", "GED version with all events; blank: none", required=False),
            field("places_version", "string", "GED version for precise places; blank: none", required=False),
            field(
                "coverage",
                "string",
                "what the course has for the year",
                enum=["all events", "precise events only", "no file"],
            ),
        ),
        ("country_iso3", "year"),
        coverage,
        (
            "'no file' is missing data: draw a gap, never a zero.",
            "The windows are stated by the published files' own coverage; the builder stops when an event lies "
            "outside.",
            "For Iran only events with the PKK, TAK, PJAK or the KDPI that are precisely located are at hand.",
            "This is the table that says what is missing: it needs no cutting by date.",
        ),
        clock="",
    ),
    Table(
        "ucdp_ged_cells",
        "Precisely located events per 0.25° cell, dyad and year, UCDP GED",
        "Counts and deaths per cell of 0.25 by 0.25 degrees (named by its centre) for events of the PKK, TAK, PJAK "
        "and the KDPI that are located to a place.",
        (GED_TUR, GED_IRQ, GED_SUPPLEMENT),
        (
            version("19.1", "20.1", "21.1"),
            country(),
            field("dyad", "string", DYAD_NOTE, enum=MAPPED_DYADS),
            year(1989, 2020),
            field("cell_lat", "number", "latitude of the cell's centre", "degrees north", minimum=24, maximum=45),
            field("cell_lon", "number", "longitude of the cell's centre", "degrees east", minimum=24, maximum=63.5),
            count("events", "number of events", "events"),
            *DEATHS,
        ),
        ("version", "country_iso3", "dyad", "year", "cell_lat", "cell_lon"),
        cells,
        (DOTS, RECONCILE, GED_ENDS + " Precise events alone reach 2020.", "A cell is about 28 km by 22 km here."),
    ),
    Table(
        "ucdp_ged_points",
        "Precisely located events added up per place rounded to 0.01°, dyad and year, UCDP GED",
        "For distances (to Iran's border, for example): events of the PKK, TAK, PJAK and the KDPI located to a "
        "place, added up where year, dyad and rounded coordinates agree. 0.01 degrees is about 1 km.",
        (GED_TUR, GED_IRQ, GED_SUPPLEMENT),
        (
            version("19.1", "20.1", "21.1"),
            country(),
            field("dyad", "string", DYAD_NOTE, enum=MAPPED_DYADS),
            year(1989, 2020),
            field("lat", "number", "latitude, WGS84", "degrees north", minimum=24, maximum=45),
            field("lon", "number", "longitude, WGS84", "degrees east", minimum=24, maximum=63.5),
            field("where_prec", "string", "1 exact place, 2 within about 25 km", enum=["1", "2", "1-2"]),
            count("events", "number of events", "events"),
            count("best", "best estimate"),
        ),
        ("version", "country_iso3", "dyad", "year", "lat", "lon", "where_prec"),
        points,
        (DOTS, RECONCILE, GED_ENDS + " Precise events alone reach 2020.", "where_prec 2 may be off by about 25 km."),
    ),
    Table(
        "ucdp_acd_conflict_years",
        "Active years and war years of three conflicts, UCDP/PRIO ACD 25.1",
        "One row per year in which the conflict over Kurdistan in Türkiye, Iran or Iraq cost at least 25 lives; "
        "'war' where it cost 1,000 or more.",
        (ACD,),
        (
            version("25.1"),
            field("conflict_id", "integer", "UCDP's number of the conflict", enum=sorted(CONFLICTS)),
            field("conflict", "string", "UCDP's name, with Türkiye spelt as in this course"),
            field("state_iso3", "string", "state whose government is one side", enum=["IRN", "IRQ", "TUR"]),
            year(1946, 2024),
            field("intensity", "string", "minor: 25–999 deaths; war: 1,000 or more", enum=["minor", "war"]),
            field("type_of_conflict", "string", "intrastate, or II: internationalised intrastate"),
            field("episode_start", "string", "first death of the episode, ISO date", pattern=r"\d{4}-\d{2}-\d{2}"),
        ),
        ("conflict_id", "year"),
        conflict_years,
        (
            NO_ZERO + " Türkiye: Kurdistan has no row for 2014.",
            "No death counts and no location: the rows of Türkiye cover fighting in Iraq and elsewhere too.",
            "Duplicate rows of a conflict-year (one per combination of states in the source) are counted once.",
        ),
    ),
    Table(
        "ucdp_one_sided_years",
        "Civilians killed deliberately, per actor and year, UCDP 23.1",
        "One-sided violence of the PKK, TAK and the governments of Iran and Iraq. The government of Türkiye has no "
        "row.",
        (ONE_SIDED,),
        (
            version("23.1"),
            field("actor", "string", "PKK, TAK, or a state's government", enum=sorted(ACTORS.values())),
            year(1989, 2022),
            *DEATHS,
            LOCATIONS,
        ),
        ("actor", "year"),
        one_sided,
        (
            NO_ZERO,
            "That the government of Türkiye has no row means that no year reached UCDP's threshold under its rules "
            "(killings in custody are excluded, unclear perpetrators are not coded); it is not evidence that no "
            "civilian was killed by state forces. Village destruction and displacement are not deaths and are not "
            "here.",
            "Ends in 2022.",
        ),
    ),
    Table(
        "ucdp_non_state_years",
        "Deaths in fighting between the PKK, KDP and PUK per year, UCDP 23.1",
        "Non-state conflict among the three Kurdish parties: the dead of both sides.",
        (NON_STATE,),
        (
            version("23.1"),
            field("dyad", "string", "the two parties", enum=list(NON_STATE_DYADS)),
            year(1989, 2022),
            *DEATHS,
            LOCATIONS,
        ),
        ("dyad", "year"),
        non_state,
        (NO_ZERO, "Ends in 2022."),
    ),
)

if __name__ == "__main__":
    sys.exit(run(TABLES))
