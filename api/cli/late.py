"""Commands that need the service, or what judges a pack, are loaded when they are called for: the others start sooner.

`weaklink log audit` and `weaklink log check` are for outsiders, who should not wait for a service that they mistrust.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup


class LateCommands(TyperGroup):
    """A group of commands of which those in `LATE` are imported on demand."""

    LATE: ClassVar[Mapping[str, str]] = {}
    """Command to module and function."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command, those not loaded yet too."""
        return [*super().list_commands(ctx), *self.LATE]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command by its name."""
        if cmd_name not in self.LATE:
            return super().get_command(ctx, cmd_name)
        module, _, function = self.LATE[cmd_name].partition(":")
        alone = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        alone.command(cmd_name)(getattr(import_module(module), function))
        return typer.main.get_command(alone)
