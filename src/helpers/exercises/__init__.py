"""The exercises' wing: authoring, variants, sandbox, grading. A student needs one name of it: ``check``."""

from __future__ import annotations

__all__ = ["ExerciseError", "check"]


class ExerciseError(Exception):
    """What went wrong with an exercise, a roster, a submission or the sandbox; the message ends with the next step."""


def __getattr__(name: str):
    if name == "check":
        from helpers.exercises.checking import check

        return check
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
