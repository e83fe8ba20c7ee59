"""Every master in exercises/ can be released and graded; a faulty one is told so. What exercises 1 and 2 ask for."""

from __future__ import annotations

import ast
import copy
import json
import shutil
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
import tiny_exercise

from helpers import evidence
from helpers.checking.wording import check_text
from helpers.exercises import ExerciseError, master

ROOT = Path(__file__).parent.parent
FOLDERS = master.find(ROOT / "exercises")


@pytest.fixture(scope="module", autouse=True)
def tables_read_once():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evidence, "load", cache(evidence.load))
        yield


@cache
def exercise(name: str) -> master.Exercise:
    return master.read(ROOT / "exercises" / name)


def points(question: str, space: dict, answer, source: str) -> float:
    """Return what hidden tests give an answer: 0 for a failed assertion, the last line's value, or all points (-1)."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    space = {**space, question: answer}
    try:
        exec(compile(tree, question, "exec"), space)
    except AssertionError:
        return 0
    return eval(compile(ast.Expression(last.value), question, "eval"), space) if last else -1


def earns(name: str, question: str, draws: dict, answer=None) -> float:
    """Return the share of a question's points that `answer` (a function of the namespace) earns; the solution's without."""
    space = master.run(exercise(name), draws)
    value = space[question] if answer is None else answer(space)
    asked = exercise(name).question(question)
    source = master.cells(exercise(name).notebook, grade_id=asked.tests)[0].source
    earned = points(question, space, value, source)
    return 1.0 if earned == -1 else earned / asked.points


# ---- all masters -------------------------------------------------------------------------------------------


def test_there_is_an_exercise_for_each_of_the_lessons_one_to_five():
    assert [folder.name for folder in FOLDERS] == ["ex1", "ex2", "ex3", "ex4", "ex5"]
    assert [exercise(folder.name).lesson[:2] for folder in FOLDERS] == ["01", "02", "03", "04", "05"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_master_is_whole_and_its_parts_are_there(folder):
    found = exercise(folder.name)
    assert master.problems(found) == []
    kinds = [question.kind for question in found.questions]
    assert 2 <= kinds.count("auto") <= 3
    assert (kinds.count("coding"), kinds.count("essay")) == (1, 1)
    assert all(question.asks.endswith(".") for question in found.questions)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_variants_have_an_answer_of_their_own_and_are_comparable(folder):
    assert master.variant_problems(exercise(folder.name)) == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_students_see_no_line_of_a_solution_or_a_hidden_test(folder):
    source = exercise(folder.name).notebook
    released = master.strip_solutions(source)
    shown = "\n".join(cell.source for cell in released.cells)
    secret, given = set(), set()
    for cell in source.cells:
        inside = False
        for line in map(str.strip, cell.source.split("\n")):
            if "### BEGIN" in line or "### END" in line:
                inside = "### BEGIN" in line
            elif len(line) > 12:
                (secret if inside else given).add(line)
    secret -= given  # a hidden test may begin like the line that students are given
    assert len(secret) > 20
    assert [line for line in secret if line in shown] == []
    assert all(cell.get("execution_count") is None and not cell.get("outputs") for cell in released.cells)
    assert shown.count(" = ...  #") == len(exercise(folder.name).computed)
    assert len(released.cells) == len(source.cells)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_wording_of_the_course_holds_in_exercises(folder):
    rules = evidence.read_table(ROOT / "data", "wording")
    texts = [cell.source for cell in exercise(folder.name).notebook.cells if cell.cell_type == "markdown"]
    texts.append((folder / "exercise.toml").read_text(encoding="utf-8"))
    assert [broken for text in texts for broken in check_text(text, rules)] == []


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning" if find_spec("sqlalchemy") else "default")
def test_nbgrader_takes_a_master_gives_the_solution_full_points_and_an_open_copy_none(tmp_path):
    pytest.importorskip("nbgrader")
    from nbgrader.api import Gradebook
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    config = Config()
    config.CourseDirectory.root = str(tmp_path)
    config.CourseDirectory.db_url = f"sqlite:///{tmp_path}/gradebook.db"
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    for folder in FOLDERS:
        place = tmp_path / "source" / folder.name
        place.mkdir(parents=True)
        shutil.copy(folder / f"{folder.name}.ipynb", place)
        made = api.generate_assignment(folder.name)
        assert made["success"], made
    for student, stage in (("solved", "source"), ("open", "release")):
        place = tmp_path / "submitted" / student / "ex1"
        place.mkdir(parents=True)
        shutil.copy(tmp_path / stage / "ex1" / "ex1.ipynb", place)
        graded = api.autograde("ex1", student)
        assert graded["success"], graded
    with Gradebook(config.CourseDirectory.db_url) as book:
        scores = {
            student: {
                grade.name: grade.auto_score for grade in book.find_submission_notebook("ex1", "ex1", student).grades
            }
            for student in ("solved", "open")
        }
    wanted = {question.tests: question.points for question in exercise("ex1").computed}
    assert {name: scores["solved"][name] for name in wanted} == wanted
    assert {name: scores["open"][name] for name in wanted} == dict.fromkeys(wanted, 0)


# ---- reading, stripping, running ---------------------------------------------------------------------------


@pytest.fixture
def tiny(tmp_path):
    return tiny_exercise.make(tmp_path / "exercises")


def edit(folder: Path, old: str, new: str) -> Path:
    """Replace text in the tiny exercise's TOML or notebook, wherever it stands."""
    files = [folder / "exercise.toml", folder / "tiny.ipynb"]
    before = [file.read_text(encoding="utf-8") for file in files]
    after = [
        text.replace(old, new) if file.suffix == ".toml" else text.replace(json.dumps(old)[1:-1], json.dumps(new)[1:-1])
        for file, text in zip(files, before, strict=True)
    ]
    assert after != before, f"{old!r} stands nowhere"
    for file, text in zip(files, after, strict=True):
        file.write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("minutes = 5", 'minutes = "5"', "minutes is '5'. Write a whole number."),
        ("minutes = 5", "minutes = 5\nmintues = 6", "unknown entry 'mintues'"),
        ('kind = "auto"', 'kind = "quiz"', "kind 'quiz'. Write one of: auto, coding, essay."),
        ('type = "number"', 'type = "float"', "type 'float'. Write one of:"),
        ('by = "tolerance"', 'by = "guess"', "by 'guess'. Write one of:"),
        ('choices = ["Zap", "Metina", "Gara"]', 'choices = ["Zap"]', "two values or more"),
        ("[rubric]", "[rubric", "exercise.toml cannot be read"),
    ],
)
def test_a_faulty_toml_is_told_with_what_to_write(tiny, old, new, said):
    path = tiny / "exercise.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ExerciseError) as problem:
        master.read(tiny)
    assert said in str(problem.value)


def test_a_folder_without_an_exercise_names_those_beside_it(tiny):
    with pytest.raises(ExerciseError, match="Exercises beside it: tiny"):
        master.read(tiny.parent / "ex9")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("points = 60", "points = 50", "add up to 90, not 100"),
        ('id = "q2"', 'id = "q1"', "two questions have the id 'q1'"),
        ('cell = "q2"', 'cell = "q9"', "0 cells with the grade_id 'q9'"),
        ('by = "table"', 'by = "table"\nexpected = 4', "types an expected value"),
        ("points = 20, says", "points = 19, says", "the rubric adds up to 19 points"),
        ("range = [0, 1]", "range = [2, 3]", "check() rejects the solution's own answer"),
        ("[variant.draw.place]", "[variant.draw.town]", "the draw 'town' is no parameter"),
        (
            '"places"' if False else 'choices = ["Zap", ',
            'choices = ["Zab", ',
            "place = 'Zap' is not one of its choices",
        ),
        ("q2 = float(", "q2 = None and float(", "leave q2 without a value"),
        ("q1 = chosen_years.", "q1 = no_years.", "NameError"),
        ("assert sorted(q1", "assert 4711 and sorted(q1", "type the number 4711"),
        ("assert abs(q2 -", "assert q2 is q2 or abs(q2 -", "accept an answer that is not there"),
        ("wanted_deaths = deaths", "wanted_deaths = -deaths", "reject the solution"),
        ('check("q2", q2)', 'check("q2", q1)', 'must end with check("q2", q2)'),
        ('check("q2", q2)', 'round(q2, 1)\ncheck("q2", q2)', "without the solutions"),
        ("q2 = float(", "import random\nq2 = random.random() + 0 * float(", "another answer when it is run again"),
    ],
)
def test_a_master_that_must_not_be_released_is_told_why(tiny, old, new, said):
    edit(tiny, old, new)
    if old.startswith("range"):
        master.write_checks(tiny)
    found = master.problems(master.read(tiny))
    assert any(said in problem for problem in found), found


def test_a_ladder_older_than_the_toml_is_found_and_written_anew(tiny):
    path = tiny / "exercise.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("rows = [1, 9]", "rows = [1, 8]"), encoding="utf-8")
    assert any("Run master.write_checks" in problem for problem in master.problems(master.read(tiny)))
    assert master.write_checks(tiny)
    assert master.problems(master.read(tiny)) == []
    assert not master.write_checks(tiny)


@pytest.mark.parametrize("broken", ["### END SOLUTION", "### END HIDDEN TESTS", "### BEGIN SOLUTION"])
def test_a_region_that_is_not_closed_is_not_given_away(tiny, broken):
    edit(tiny, broken, "#")
    with pytest.raises(ExerciseError, match=r"not closed|no partner"):
        master.strip_solutions(master.read(tiny).notebook)


def test_a_solution_in_an_unmarked_cell_is_not_given_away(tiny):
    notebook = copy.deepcopy(master.read(tiny).notebook)
    del master.cells(notebook, grade_id="q1")[0].metadata["nbgrader"]
    with pytest.raises(ExerciseError, match="SOLUTION is left over"):
        master.strip_solutions(notebook)


def test_draws_replace_parameters_and_unknown_ones_are_refused(tiny):
    read = master.read(tiny)
    assert master.reference(read, {"start_year": 1990})["q1"]["year"].min() == 1990
    assert master.reference(read)["q1"]["year"].min() == 1984
    with pytest.raises(ExerciseError, match="no parameter 'year'. It has: start_year, place, as_of"):
        master.reference(read, {"year": 1990})


def test_a_column_that_one_variant_adds_to_a_table_does_not_reach_the_next(tiny):
    edit(tiny, "chosen_years = deaths[", 'seen = "mark" in deaths\ndeaths["mark"] = start_year\nchosen_years = deaths[')
    read = master.read(tiny)
    assert not master.run(read, {"start_year": 1990})["seen"]
    assert not master.run(read, {"start_year": 1991})["seen"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("start_year + 5)]", "start_year + 5)].head(start_year - 1984)", '"start_year": 1984, "place"'),
        ("start_year + 5)]", "start_year + 5)].head(2)", "only 2 rows to look at"),
        ("start_year + 5)]", "start_year + 5 + 3 * (start_year == 1984) * 9)]", "rows to look at for"),
        ("between(start_year, ", "between(start_year // 2 * 2, ", None),
        ("between(start_year, start_year + 5)", "between(start_year * 0 + 1984, 1989)", "the same answer for"),
        ('q1["deaths"].iloc[0] - q1["deaths"].iloc[1]', "start_year - 1984", "a tie, the margin is 0"),
    ],
)
def test_variants_that_are_empty_tied_double_or_much_harder_are_named(tiny, old, new, said):
    assert master.variant_problems(master.read(tiny)) == []
    edit(tiny, old, new)
    found = master.variant_problems(master.read(tiny))
    assert any(said in problem for problem in found) if said else found == []


def test_a_variant_without_an_answer_is_named(tiny):
    edit(tiny, "q1 = chosen_years.", 'q1 = chosen_years[chosen_years["year"] > 1989 * (start_year == 1984)].')
    edit(tiny, 'q1["deaths"].iloc[0] - q1["deaths"].iloc[1]', "1")
    edit(tiny, 'q1["deaths"].iloc[0] / (q1["deaths"].sum() + len(place))', "len(place) / start_year")
    found = master.variant_problems(master.read(tiny))
    assert 'q1 {"start_year": 1984}: the answer is empty.' in found


# ---- exercise 1 --------------------------------------------------------------------------------------------


def every_choice(name: str):
    """Give draws in which each choice of each draw occurs once or more."""
    longest = max(map(len, exercise(name).draws.values()))
    for number in range(longest):
        yield {draw: choices[number % len(choices)] for draw, choices in exercise(name).draws.items()}


@pytest.mark.parametrize("name", ["ex1", "ex2"])
def test_tests_that_count_in_another_way_give_the_solution_full_points_in_every_choice(name):
    for draws in every_choice(name):
        for question in exercise(name).computed:
            assert earns(name, question.id, draws) == pytest.approx(1.0), f"{question.id} {draws}"


def test_pages_counted_as_origins_earn_nothing():
    def by_pages(space):
        named = space["named"].assign(backed=space["named"]["source_ids"].map(len) >= space["least"])
        counted = named.groupby("decade").agg(claims=("claim_id", "size"), backed=("backed", "sum")).reset_index()
        return counted.assign(share=100 * counted["backed"] / counted["claims"], reading="enough")

    assert earns("ex1", "q1", {"period": [1980, 2019]}, by_pages) == 0


def test_a_text_about_which_nothing_was_seen_is_not_a_text_that_says_no():
    draws = {"feature": "cross_border_pursuit", "signed": [1983, 2017]}
    q2 = master.run(exercise("ex1"), draws)["q2"].set_index("instrument_id")
    assert q2.loc["2009-06-military-mou"].tolist() == ["not seen", "cannot tell"]
    assert q2.loc["2007-09-ct-agreement"].tolist() == ["no", "says no"]
    no_silence = lambda space: space["q2"].assign(reading=space["q2"]["reading"].replace("cannot tell", "says no"))  # noqa: E731
    assert earns("ex1", "q2", draws, no_silence) == 0
    assert earns("ex1", "q2", draws, lambda space: space["q2"][space["q2"]["value"] != "not seen"]) == 0


@pytest.mark.parametrize("name", ["ex1", "ex2"])
def test_coding_pays_agreement_most_of_a_reasoned_departure_and_nothing_for_a_bare_one(name):
    def departed(why, column="status", code="assessment"):
        def answer(space):
            coded = space["q4"].copy()
            coded.loc[0, [column, "why"]] = [code, why]
            return coded

        return answer

    reason = "the sentence names two sides and no page of either"
    assert earns(name, "q4", {}) == 1.0
    assert earns(name, "q4", {}, departed("not so")) == pytest.approx(15 / 16)
    assert earns(name, "q4", {}, departed(reason)) == pytest.approx(15.8 / 16)
    assert earns(name, "q4", {}, departed(reason, code="nonsense")) == pytest.approx(15 / 16)
    assert earns(name, "q4", {}, lambda space: space["q4"].head(4)) == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["ex1", "ex2"])
def test_claims_to_code_are_spread_over_codes_in_every_variant(name):
    for coded in exercise(name).draws["coded"]:
        q4 = master.run(exercise(name), {"coded": coded})["q4"]
        assert q4["claim_id"].tolist() == coded
        assert q4["status"].nunique() == 3
        assert q4.iloc[:, 2].nunique() >= (2 if name == "ex1" else 4)


# ---- exercise 2 --------------------------------------------------------------------------------------------


def test_before_and_after_agree_with_the_lesson():
    q1 = master.run(exercise("ex2"), {"country": "IRQ", "turn": 2015, "width": 3})["q1"].set_index("side")
    assert q1.loc["before", ["years", "events"]].tolist() == [3, 7]
    assert q1.loc["after", ["years", "events"]].tolist() == [3, 115]


def test_a_year_without_a_file_is_not_a_quiet_year():
    draws = {"country": "IRQ", "turn": 2017, "width": 3}
    q1 = master.run(exercise("ex2"), draws)["q1"].set_index("side")
    assert q1.loc["after", ["years", "window"]].tolist() == [1, "cut short"], (
        "no file has all events in Iraq after 2018"
    )
    quiet = lambda space: space["q1"].assign(years=3, per_year=space["q1"]["events"] / 3, window="whole")  # noqa: E731
    assert earns("ex2", "q1", draws, quiet) == 0


def test_the_same_word_does_not_make_two_counts_comparable():
    q2 = master.run(exercise("ex2"), {"series": exercise("ex2").draws["series"][0]})["q2"]
    reason = q2.set_index(["first", "second"])["reason"]
    assert reason["icg_killed_pkk_2015_2022", "icg_killed_civilians_2015_2022"] == "one definition"
    assert reason["icg_killed_pkk_2015_2022", "ucdp_battle_deaths_tur_pkk"] == "two definitions"


def test_every_essay_has_enough_claims_and_a_contested_one_to_write_from():
    for place in exercise("ex2").draws["place"]:
        named = master.run(exercise("ex2"), {"place": place})["named"]
        assert len(named) >= 10 and "contested" in set(named["status"]), place
    for statement in exercise("ex1").draws["statement"]:
        tested = master.run(exercise("ex1"), {"statement": statement})["tested"]
        assert len(tested["supporting_claims"]) + len(tested["challenging_claims"]) >= 4, statement


def test_one_filter_is_right_for_places_and_wrong_for_totals():
    q3 = master.run(exercise("ex2"), {"country": "IRQ", "span": [2012, 2018]})["q3"].set_index("year")
    assert q3.loc[2018, ["events", "precise", "map"]].tolist() == [76, 18, "hides most"]
    assert isinstance(q3, pd.DataFrame) and 2014 not in q3.index, "no event in Iraq in 2014"
