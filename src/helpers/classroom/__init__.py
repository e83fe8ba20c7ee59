"""The lessons in a classroom: slides, a printed sheet, role cards for the negotiation, and the teacher's answer key."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from .errors import ClassroomError

__all__ = ["ClassroomError", "handout", "key", "roles", "slides"]


def slides(
    notebooks_dir: str | Path,
    name: str | None = None,
    out_dir: str | Path = "build/slides",
    *,
    minutes: int = 90,
    as_of: str | None = None,
    echo: Callable[[str], object] = print,
) -> list[Path]:
    """Write a lesson's slides as one HTML file that needs no network; returns the files written.

    name: ``03`` or ``03-agreement-terms``; left out, every lesson. minutes: 90, or 45, which leaves out what the lesson plan
    skips. as_of: the lesson's clock. Raises RunError when the lesson fails, ClassroomError when the plan or reveal.js is missing.
    """
    from . import deck, material, plans

    if minutes not in plans.LENGTHS:
        raise ClassroomError(f"A class of {minutes} minutes has no plan. Choose 45 or 90.")
    deck.reveal_file("dist/reveal.js")
    return _write(notebooks_dir, name, out_dir, as_of, echo, lambda loaded: deck.html(loaded, minutes), material)


def handout(
    notebooks_dir: str | Path,
    name: str | None = None,
    out_dir: str | Path = "build/handouts",
    *,
    as_of: str | None = None,
    echo: Callable[[str], object] = print,
) -> list[Path]:
    """Write a lesson's sheet for print (A4, no code): statements under test, figures, prompts with lines to write on, sources.

    The figures are drawn when the page is opened and then stand in it as vector pictures, so any browser prints them.
    name, as_of and errors as for `slides`.
    """
    from . import material, sheet

    return _write(notebooks_dir, name, out_dir, as_of, echo, sheet.html, material)


def roles(
    data_dir: str | Path | None = None,
    teaching_dir: str | Path | None = None,
    out_dir: str | Path = "build/roles",
    *,
    as_of: str | None = None,
    echo: Callable[[str], object] = print,
) -> list[Path]:
    """Write the role cards of the simulation as pages to print, one a role and one with all; returns the files written.

    Every line is a row of ``positions.csv`` or the sentence of a claim; ``teaching/roles.toml`` says which claim belongs under
    which heading. as_of: what a negotiator may know. Raises ClassroomError when the file names an unknown actor or claim.
    """
    from helpers import evidence

    from . import cards

    ev = evidence.load(data_dir, as_of=as_of)
    teaching = Path(teaching_dir) if teaching_dir else ev.data_dir.parent / "teaching"
    made = cards.write(ev, cards.read(teaching / "roles.toml", ev), Path(out_dir))
    echo(f"{len(made) - 1} role cards in {out_dir}; print {made[-1].name}")
    return made


def key(
    notebooks_dir: str | Path,
    out: str | Path = "build/answer-key.html",
    *,
    echo: Callable[[str], object] = print,
) -> Path:
    """Write the answer key of all lessons, for teachers only: quiz answers, verdicts, notes on the discussions.

    Raises ClassroomError when a lesson has no plan.
    """
    from . import answers

    path = answers.write(Path(notebooks_dir), Path(out))
    echo(f"{path}: {path.stat().st_size // 1024} KB. It is for teachers; no student's package holds it.")
    return path


def _write(notebooks_dir, name, out_dir, as_of, echo, make, material) -> list[Path]:
    began = time.perf_counter()
    names = material.find(notebooks_dir, name)
    made = []
    for loaded in material.load(notebooks_dir, names, as_of):
        text, own = make(loaded)
        made.append(material.write(Path(out_dir, f"{loaded.name}.html"), own, text))
    took = time.perf_counter() - began
    for path in made:
        echo(f"{path}: {path.stat().st_size / 1e6:.1f} MB, opens without a network")
    echo(f"{len(made)} written in {took:.1f} s")
    return made
