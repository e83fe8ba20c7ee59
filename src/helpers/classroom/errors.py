"""The error that the classroom's commands show as one line."""

from helpers.running import RunError


class ClassroomError(RunError):
    """A deck, a sheet or a card cannot be made; the message names the file, the rule and the next step."""
