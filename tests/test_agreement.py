"""Agreement between coders, against published answers and small cases done by hand."""

import pandas as pd
import pytest

from helpers.analysis import agreement

pytest.importorskip("krippendorff")


def read(*lines: str) -> pd.DataFrame:
    """One line a coder, one mark a unit, * where the coder gave none."""
    return agreement.codes(
        {
            f"coder {i}": {f"u{j}": "" if code == "*" else code for j, code in enumerate(line.split())}
            for i, line in enumerate(lines, 1)
        }
    )


# Krippendorff (2011), example C: four observers, twelve units, gaps. Nominal alpha 0.743, ordinal 0.815.
PUBLISHED = read(
    "1 2 3 3 2 1 4 1 2 * * *", "1 2 3 3 2 2 4 1 2 5 * 3", "* 3 3 3 2 3 4 2 2 5 1 *", "1 2 3 3 2 4 4 1 2 5 1 *"
)


def test_published_alphas_with_missing_codes():
    nominal = agreement.reliability(PUBLISHED)
    assert round(nominal.alpha, 3) == 0.743
    assert (nominal.coders, nominal.units, nominal.paired_units, nominal.codes) == (4, 12, 11, 40)
    ordinal = agreement.reliability(PUBLISHED, "ordinal", order=["1", "2", "3", "4", "5"])
    assert round(ordinal.alpha, 3) == 0.815


def test_order_comes_from_the_reader_not_from_the_alphabet():
    words = {"1": "low", "2": "middling", "3": "high", "4": "higher", "5": "top"}
    named = PUBLISHED.assign(code=PUBLISHED.code.map(words))
    found = agreement.reliability(named, "ordinal", order=["never used", *words.values()])
    assert round(found.alpha, 3) == 0.815


def test_two_coders_by_hand():
    """Four units, one disagreement: pairs 3/4. Codes a×5, b×3: Dₑ = 2·5·3/(8·7); alpha = 1 − (2/8) ÷ (30/56) = 8/15."""
    found = agreement.reliability(read("a a b a", "a a b b"))
    assert found.percent_agreement == 75
    assert found.alpha == pytest.approx(8 / 15)


def test_plain_agreement_can_be_high_where_alpha_is_not():
    found = agreement.reliability(read("a a a a a a a a a b", "a a a a a a a a b a"))
    assert found.percent_agreement == 80
    assert found.alpha < 0


def test_alpha_is_unknown_when_nothing_varies():
    found = agreement.reliability(read("a a a", "a a a"))
    assert found.percent_agreement == 100
    assert pd.isna(found.alpha)


def test_one_coder_alone_cannot_agree():
    with pytest.raises(ValueError, match="needs two coders; codes come from coder 1 alone"):
        agreement.reliability(read("a b", "* *"))
    with pytest.raises(ValueError, match="no unit has codes from two coders"):
        agreement.reliability(read("a *", "* b"))
    with pytest.raises(ValueError, match="judged u0 twice"):
        agreement.reliability(pd.concat([read("a", "b"), read("a", "b")]))
    with pytest.raises(ValueError, match="ordinal codes need their order"):
        agreement.reliability(read("a b", "a b"), "ordinal")
    with pytest.raises(ValueError, match="code 'b' is not in the order"):
        agreement.reliability(read("a b", "a b"), "ordinal", order=["a", "c"])


def test_disagreements_the_sharpest_first():
    table = agreement.disagreements(read("no no yes", "no maybe no", "no * yes"), order=["no", "maybe", "yes"])
    assert table.unit.tolist() == ["u2", "u1"]
    assert table.steps.tolist() == [2, 1]
    assert table.loc[1, "coder 3"] == ""


def test_pairs_of_coders():
    table = agreement.by_pair(read("a b a", "a b b", "* * *"[:3].replace("* *", "a *")))
    assert table[["first", "second"]].values.tolist()[0] == ["coder 1", "coder 2"]
    assert table.percent_agreement[0] == pytest.approx(200 / 3)
