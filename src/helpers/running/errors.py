"""The one exception of this package."""


class RunError(Exception):
    """A run that could not be finished, told in one message for the person at the terminal.

    `str(error)` is the whole message and needs no traceback; `exit_code` is what the command should return
    (130 after Ctrl-C, as shells expect, otherwise 1).
    """

    def __init__(self, message: str, exit_code: int = 1):
        super().__init__(message)
        self.exit_code = exit_code
