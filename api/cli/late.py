"""Commands that need the whole service are loaded when they are called for: the others start in a third of the time.

`weaklink verify` and `weaklink log audit` are for outsiders, who should not wait for a service that they do not trust.
"""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

LATE = {
    "bench": "api.cli.bench:bench",
    "capture": "api.cli.capture:capture",
    "demo": "api.cli.demo:demo",
    "scan": "api.cli.capture:scan",
    "serve": "api.cli.start:start",
    "witness": "api.cli.witness:witness",
}
"""Command to module and function."""


class LateCommands(TyperGroup):
    """The group of all commands; those in `LATE` are imported on demand."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command, those not loaded yet too."""
        return [*super().list_commands(ctx), *LATE]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command by its name."""
        if cmd_name not in LATE:
            return super().get_command(ctx, cmd_name)
        module, _, function = LATE[cmd_name].partition(":")
        alone = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        alone.command(cmd_name)(getattr(import_module(module), function))
        return typer.main.get_command(alone)
