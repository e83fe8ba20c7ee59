"""Loaded words: used without their speaker they are found, quoted or attributed they pass."""

import json

import pandas as pd
import pytest

from helpers import checking
from helpers.checking import wording

WORDS = pd.DataFrame(
    [
        (("terrorist", "terrorists"), "attribution", ("call", "said"), "Name the actor."),
        (("regime",), "avoid", (), "Write government."),
        (("Turkey",), "avoid", (), "Write Türkiye."),
    ],
    columns=["word", "kind", "passes_with", "rule"],
)


@pytest.mark.parametrize(
    "text",
    [
        "The terrorists crossed the border.",
        "Ankara calls them so. Terrorists crossed the border.",
        "The regime fell.",
        "In Turkey the vote failed.",
    ],
)
def test_a_loaded_word_in_our_own_voice_is_found(text):
    assert len(wording.check_text(text, WORDS)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Ankara calls the group terrorist.",
        "The word *terrorist* was not used.",
        'They wrote "the regime" in the note.',
        "See [the page](https://example.org/Turkey-terrorists).",
        "a turkey is a bird; deregimented",
    ],
)
def test_a_word_with_its_speaker_or_in_quotation_passes(text):
    assert wording.check_text(text, WORDS) == []


def test_course_check_names_file_cell_sentence_and_rule(tmp_path):
    cells = [
        {"cell_type": "code", "source": "regime = 1"},
        {"cell_type": "markdown", "source": ["The regime\n", "fell."]},
    ]
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "01-x.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    [problem] = wording.check_folder(tmp_path / "notebooks", WORDS)
    assert str(problem) == "01-x.ipynb, cell 2 [wording] 'The regime fell.': 'regime': Write government."


def test_the_course_keeps_its_own_rules():
    from pathlib import Path

    root = Path(__file__).parents[1]
    lines = []
    checking.run(root / "data", root / "notebooks", echo=lines.append)
    assert not [line for line in lines if "[wording]" in line]
    assert any(line.startswith("wording: ") and line.endswith("0 problems") for line in lines)
