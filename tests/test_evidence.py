"""What a lesson relies on when it loads the evidence: types, the clock, and refusals that say what to do."""

import datetime as dt
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from helpers import evidence

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def ev():
    return evidence.load(DATA)


@pytest.fixture
def folder(tmp_path):
    """A copy of the tables that a test may break."""
    for path in (DATA / "datapackage.json", *(DATA / f"{name}.csv" for name in evidence.TABLES)):
        shutil.copy(path, tmp_path)
    return tmp_path


def edit(folder: Path, table: str, key: str, **cells: str) -> None:
    path = folder / f"{table}.csv"
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame.loc[frame.iloc[:, 0] == key, list(cells)] = list(cells.values())
    frame.to_csv(path, index=False)


def test_lists_dates_and_numbers_are_typed(ev):
    claim = ev.claims.set_index("claim_id").loc["H-019"]
    assert claim["actors"] == ("TUR", "GBR", "IRQ") and claim["starts"] == claim["ends"] == pd.Timestamp("1926-06-05")
    assert ev.claims["figure"].dtype == "Float64" and ev.claims["figure"].isna().any()
    assert not ev.claims["notes"].isna().any()
    assert set(ev.claims.explode("source_ids")["source_ids"]) <= set(ev.sources["source_id"])


def test_partial_dates_cover_their_whole_period():
    dates = pd.Series(["1926", "1928-02", "1926-06-05", ""])
    assert evidence.first_day(dates).dt.strftime("%Y-%m-%d").tolist()[:3] == ["1926-01-01", "1928-02-01", "1926-06-05"]
    assert evidence.last_day(dates).dt.strftime("%Y-%m-%d").tolist()[:3] == ["1926-12-31", "1928-02-29", "1926-06-05"]
    assert evidence.last_day(dates).isna().tolist() == [False, False, False, True]


def test_the_clock_hides_what_had_not_happened(ev):
    at = evidence.load(DATA, as_of="2024-08-31")
    assert at.as_of == dt.date(2024, 8, 31)
    assert at.claims["ends"].max() <= pd.Timestamp(at.as_of)
    assert "A-063" in set(at.claims["claim_id"]) and "A-101" not in set(at.claims["claim_id"])
    assert at.instruments["signed"].max() <= pd.Timestamp(at.as_of)
    assert len(at.claims) + at.hidden.query("table == 'claims'")["rows"].sum() == len(ev.claims)


def test_a_year_is_past_only_when_it_is_over(folder):
    edit(folder, "claims", "H-033", date="1928", date_end="1929", date_precision="year")
    shown = lambda day: "H-033" in set(evidence.load(folder, as_of=day).claims["claim_id"])  # noqa: E731
    assert not shown("1929-12-30") and shown("1929-12-31")


def test_an_old_thing_told_only_later_is_hidden(folder):
    """H-059: a minute of 1984 that an Iraqi minister described in 2021 and 2022."""
    edit(
        folder,
        "claims",
        "H-059",
        claim="A minute required warning one or two days ahead.",
        source_ids="nova-2021-05-05",
        independent_origins="1",
    )
    at_1990, at_2021 = (evidence.load(folder, as_of=day) for day in ("1990-12-31", "2021-06-30"))
    assert "H-059" not in set(at_1990.claims["claim_id"])
    assert at_2021.claims.set_index("claim_id").loc["H-059", "told"] == "by then"
    assert "first told later" in set(at_1990.hidden["reason"])


def test_an_undated_page_gets_the_benefit_of_the_doubt_and_is_marked(folder):
    edit(folder, "sources", "nova-2021-05-05", published="")
    edit(
        folder,
        "claims",
        "H-059",
        claim="A minute required warning.",
        source_ids="nova-2021-05-05",
        independent_origins="1",
    )
    claims = evidence.load(folder, as_of="1990-12-31").claims.set_index("claim_id")
    assert claims.loc["H-059", "told"] == "undated"


@pytest.mark.parametrize("day", ["1990-12-31", "2024-03-31", "2024-08-31"])
def test_no_text_that_a_lesson_shows_names_a_later_date(day):
    at = evidence.load(DATA, as_of=day)
    in_time = set(at.sources.loc[at.sources["published_until"] <= pd.Timestamp(day), "source_id"])
    for claim in at.claims.itertuples():
        if not set(claim.source_ids) <= in_time:
            assert not evidence.names_later_date(claim.claim, at.as_of), claim.claim_id
    for table, columns in {
        "instruments": ["what_it_says", "in_force_status"],
        "terms": ["provision"],
        "claims": ["notes"],
    }.items():
        for column in columns:
            late = [text for text in getattr(at, table)[column] if evidence.names_later_date(text, at.as_of)]
            assert not late, f"{table}.{column}: {late[:1]}"


def test_what_remains_points_only_to_what_remains():
    at = evidence.load(DATA, as_of="2008-12-31")
    claims, pages = set(at.claims["claim_id"]), set(at.sources["source_id"])
    assert set(at.claims["source_ids"].explode().dropna()) <= pages
    assert set(at.claims["conflicts_with"].explode().dropna()) <= claims
    later = at.article_claims.query("statement_id == 'S-01'").iloc[0]
    assert later["verdict"] == "" and later["supporting_claims"] == ()


def test_later_sentences_go_and_earlier_ones_stay():
    text = "In force from 1926. Replaced in May 2025; still cited."
    assert evidence.without_later_sentences(text, dt.date(2025, 4, 30)) == "In force from 1926. still cited."
    assert evidence.without_later_sentences(text, dt.date(2025, 5, 1)) == text


def test_before_the_first_claim_there_is_nothing_and_that_is_no_error():
    early = evidence.load(DATA, as_of="1915-01-01")
    assert len(early.claims) == len(early.instruments) == 0
    assert set(early.claims.columns) >= {"claim_id", "starts", "told"}


@pytest.mark.parametrize("day", ["31.8.2024", "2024-13-01", "soon"])
def test_a_clock_that_is_no_day_is_refused(day):
    with pytest.raises(evidence.EvidenceError, match="2024-08-31"):
        evidence.load(DATA, as_of=day)


def test_wrong_tables_are_refused_by_name(folder):
    edit(folder, "claims", "H-028", figure="ten")
    with pytest.raises(evidence.EvidenceError, match=r"claims\.csv: row \d+, figure: 'ten'"):
        evidence.load(folder)
    (folder / "claims.csv").unlink()
    with pytest.raises(evidence.EvidenceError, match=r"claims\.csv: the file is missing"):
        evidence.load(folder)
    with pytest.raises(evidence.EvidenceError, match="datapackage.json"):
        evidence.load(folder / "nowhere")


def test_repeated_keys_and_lost_columns_are_refused(folder):
    path = folder / "places.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines, lines[1]]), encoding="utf-8")
    with pytest.raises(evidence.EvidenceError, match="repeats the key qandil"):
        evidence.load(folder)
    path.write_text("".join(lines).replace("name_local", "local_name", 1), encoding="utf-8")
    with pytest.raises(evidence.EvidenceError, match="missing columns"):
        evidence.load(folder)


def test_data_are_found_from_the_notebooks_folder(monkeypatch):
    monkeypatch.chdir(DATA.parent / "notebooks")
    assert evidence.find_data() == DATA


def test_derived_tables_stop_at_the_last_whole_year():
    name = next(
        r["name"]
        for r in json.loads((DATA / "datapackage.json").read_text())["resources"]
        if r["name"].startswith("ucdp_brd")
    )
    at = evidence.load(DATA, as_of="2008-06-30")
    assert at.table(name)["year"].max() == 2007


def test_outlines_are_closed_rings(ev):
    rings = ev.outlines("countries")
    assert {"TUR", "IRQ", "IRN"} <= set(rings["iso3"])
    assert all(r.lon[0] == r.lon[-1] and r.lat[0] == r.lat[-1] for r in rings.itertuples())
    with pytest.raises(evidence.EvidenceError, match="Known: .*countries"):
        ev.outlines("moon")
