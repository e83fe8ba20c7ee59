"""The spatial model on its two extreme cases, by hand, and its sensitivity."""

import pandas as pd
import pytest

from helpers.analysis import bargaining


def inputs(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["actor", "position", "salience", "capability"])


# Weights 2, 1, 1: mean (2·2 + 0 − 2) ÷ 4 = 0.5; half the weight (2) is reached at 0, the rest lies at 2: median 1.
THREE = inputs(("A", 2, 1, 2), ("B", 0, 0.5, 2), ("C", -2, 1, 1))


def test_the_two_extreme_cases():
    cases = bargaining.calibration()
    assert cases.compromise.tolist() == cases["median"].tolist() == cases.expected.tolist() == [-2, 0]
    assert bargaining.calibration((0, 100)).expected.tolist() == [0, 50]


def test_one_actor_with_all_weight_gets_its_position_wherever_the_others_stand():
    alone = inputs(("A", 1.5, 0.3, 7), ("B", -2, 0, 100), ("C", 2, 1, 0))
    assert bargaining.compromise(alone) == bargaining.median(alone) == 1.5


def test_equal_and_symmetric_actors_meet_in_the_middle():
    equal = inputs(("A", -2, 1, 1), ("B", -1, 1, 1), ("C", 1, 1, 1), ("D", 2, 1, 1))
    assert bargaining.compromise(equal) == bargaining.median(equal) == 0


def test_by_hand():
    assert bargaining.compromise(THREE) == 0.5
    assert bargaining.median(THREE) == 1
    table = bargaining.weights(THREE).set_index("actor")
    assert table.share.to_dict() == {"A": 0.5, "B": 0.25, "C": 0.25}
    assert table.pull.sum() == pytest.approx(0.5)


def test_only_ratios_of_capability_matter():
    assert bargaining.compromise(THREE.assign(capability=THREE.capability * 7)) == pytest.approx(0.5)


def test_partial_effects_are_the_slopes():
    effects = bargaining.partial_effects(THREE).set_index(["actor", "input"]).effect
    assert effects["A", "position"] == 0.5
    step = 1e-6
    for row, actor in enumerate(THREE.actor):
        for name in ("position", "salience", "capability"):
            moved = THREE.astype({name: "float64"})
            moved.loc[row, name] -= step
            slope = (0.5 - bargaining.compromise(moved, scale=(-3, 3))) / step
            assert effects[actor, name] == pytest.approx(slope, abs=1e-5)


def test_swings_by_hand_widest_first():
    table = bargaining.swings(THREE)
    assert table.swing.is_monotonic_decreasing
    assert len(table) == 9
    cells = table.set_index(["actor", "input"])
    assert cells.loc[("A", "position"), ["outcome_from", "outcome_to", "swing"]].tolist() == [-1.5, 0.5, 2]
    assert cells.loc[("A", "salience"), ["outcome_from", "outcome_to"]].tolist() == [-1, 0.5]
    assert cells.loc[("C", "capability"), ["from_value", "to_value"]].tolist() == [0.5, 2]
    assert cells.loc[("C", "capability"), ["outcome_from", "outcome_to"]].tolist() == pytest.approx([3 / 3.5, 0])


def test_swings_of_the_median_and_of_the_last_weight():
    jump = bargaining.swings(THREE, "median").set_index(["actor", "input"]).loc[("C", "position")]
    assert (jump.outcome_from, jump.outcome_to) == (1, 2)
    alone = bargaining.swings(inputs(("A", 1, 1, 1))).set_index("input")
    assert pd.isna(alone.loc["salience", "outcome_from"])
    assert alone.loc["salience", "swing"] == 0


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("position", 3, "A: position is 3.*from -2 to 2"),
        ("salience", 1.1, "A: salience is 1.1.*from 0 to 1"),
        ("capability", -1, "A: capability is -1.*0 or more"),
        ("capability", float("inf"), "A: capability is inf"),
        ("salience", None, "A: salience"),
    ],
)
def test_inputs_out_of_range_are_named(column, value, message):
    wrong = THREE.astype(object)
    wrong.loc[0, column] = value
    with pytest.raises(ValueError, match=message):
        bargaining.compromise(wrong)


def test_no_weight_at_all_has_no_outcome():
    for column in ("salience", "capability"):
        for model in (bargaining.compromise, bargaining.median, bargaining.weights, bargaining.swings):
            with pytest.raises(ValueError, match="nobody has any weight"):
                model(THREE.assign(**{column: 0}))


def test_inputs_from_positions_do_not_invent_an_actor():
    positions = pd.DataFrame(
        [
            ("A", "x", "current", 2, "statement"),
            ("B", "x", "current", 0, "analyst"),
            ("B", "x", "earlier", -1, "analyst"),
        ],
        columns=["actor", "issue", "period", "stance_score", "basis"],
    )
    table = bargaining.inputs_from(positions, "x", actors=["B", "A"])
    assert table.position.tolist() == [0, 2]
    assert set(table.salience) == set(table.capability) == {1}
    assert table.basis.tolist() == ["analyst", "statement"]
    with pytest.raises(ValueError, match="C: no current position on x was seen, which is not a position of 0"):
        bargaining.inputs_from(positions, "x", actors=["A", "C"])
    with pytest.raises(ValueError, match="y .current.: no position is recorded. Issues: x"):
        bargaining.inputs_from(positions, "y")
