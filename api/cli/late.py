"""Commands that need the service, or what judges a pack, are loaded when they are called for: the others start sooner.

`weaklink log audit` and `weaklink log check` are for outsiders, who should not wait for a service that they mistrust.
"""

import ast
from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from importlib.resources import files
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


class LateCommands(TyperGroup):
    """A group of commands of which those in `LATE` are imported on demand."""

    LATE: ClassVar[Mapping[str, str]] = {}
    """Command to module and function."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        for name, where in self.LATE.items():
            self.add_command(_LateCommand(name, *where.split(":")))

    def list_commands(self, _ctx: Any) -> list[str]:
        """Every command, in the order of the alphabet."""
        return sorted(self.commands)


class _LateCommand(TyperCommand):
    """A command whose module is imported when it is run, or when its parameters are asked for.

    What a list of commands says of it is read from the text of the module.
    """

    def __init__(self, name: str, module: str, function: str) -> None:
        super().__init__(name)
        self._module, self._function = module, function
        del self.help, self.params  # set to nothing by typer, over what is below

    @cached_property
    def help(self) -> str | None:  # type: ignore[override]  # typer sets it once, and here nobody else does
        """What the function says of itself."""
        package, _, name = self._module.rpartition(".")
        text = files(package).joinpath(f"{name}.py").read_text("utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and node.name == self._function:
                return ast.get_docstring(node)
        return None

    @cached_property
    def params(self) -> Any:  # type: ignore[override]  # as above
        """The parameters of the command itself."""
        return self._loaded.params

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the command itself."""
        return self._loaded.make_context(info_name, args, parent, **extra)

    @cached_property
    def _loaded(self) -> Any:
        alone = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        alone.command(self.name)(getattr(import_module(self._module), self._function))
        return typer.main.get_command(alone)
