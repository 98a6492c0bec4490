"""What a command may end with: a mistake that the user can put right, or the user's own stop."""

from __future__ import annotations

_LONGEST = 2000


class RscError(ValueError):
    """Something the user can put right. The command line prints its one line and exits with 2.

    Messages quote foreign files, so whatever could break the line or steer a terminal is replaced
    by a space, and a very long text is cut.
    """

    def __init__(self, message: object) -> None:
        text = str(message)[: 4 * _LONGEST]
        line = "".join(c if c.isprintable() else " " for c in text)
        super().__init__(line if len(line) <= _LONGEST else line[:_LONGEST] + " ...")


class NotYetError(RscError):
    """Nothing is recorded yet; the message has the command."""


class Stopped(Exception):
    """A signal ended a training after its step; everything is saved.

    Attributes: ``step`` done of ``steps``; ``signal`` that asked for it.
    """

    def __init__(self, step: int, steps: int, signal: int) -> None:
        super().__init__(f"stopped and saved at step {step} of {steps}")
        self.step, self.steps, self.signal = step, steps, signal
