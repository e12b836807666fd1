"""Where commands print: what a user would copy stays on one line.

A line that is longer than the screen is left to the terminal, which joins it again when it is copied. Where no terminal
reads, tables are as wide as their cells. That a reader has gone is raised as `BrokenPipeError`, as `print` does.
"""

from typing import Any

from rich.console import Console

WIDE = 10_000


class Screen(Console):
    """A console that breaks no line; it reads markup only if it is asked to."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False, "soft_wrap": True, **options})
        if not self.is_terminal:
            self.width = WIDE

    def on_broken_pipe(self) -> None:
        """Let whoever prints know of it, instead of ending the program here."""
        raise  # noqa: PLE0704 - called while BrokenPipeError is handled
