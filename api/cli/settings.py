"""`weaklink settings`: everything that can be set, as environment variables; no value is shown."""

from typing import Annotated

import typer
from pydantic.fields import FieldInfo

from api.cli.client import console, folded, show
from api.settings import LockSystems, Settings


def settings(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False) -> None:
    """Every setting of `weaklink serve`, as environment variables. Example: `weaklink settings --json`."""
    rows = [
        {
            "variable": f"WEAKLINK_{name.upper()}",
            "default": _default(field),
            "meaning": field.description or "",
        }
        for name, field in sorted(Settings.model_fields.items(), key=lambda each: each[0] in LockSystems.model_fields)
    ]
    show(rows, as_json=as_json, human=_table)


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    return "" if field.is_required() or value is None else str(value)


def _table(rows: list[dict[str, str]]) -> None:
    table = folded("variable", "default", "meaning")
    for row in rows:
        table.add_row(row["variable"], row["default"], row["meaning"])
    console.print(table)
