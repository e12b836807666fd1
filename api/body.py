"""What every JSON body of ours is: its own fields and no others, each of the type that is written there."""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError


class Body(BaseModel):
    """A JSON object that is read strictly: no `"off"`, 0 or `"no"` stands for false, and no text for a number."""

    model_config = ConfigDict(extra="forbid", strict=True)


def one_of(words: Callable[[], Iterable[str]]) -> Callable[[dict[str, Any]], None]:
    """Tell in /openapi.json which words a text may be; whoever takes it refuses every other one by its own code."""

    def tell(schema: dict[str, Any]) -> None:
        for part in schema.get("anyOf", [schema]):
            if part.get("type") == "string":
                part["enum"] = [str(word) for word in words()]

    return tell


def _day(value: Any) -> date:
    """The day that a full-date names (RFC 3339 section 5.6)."""
    if isinstance(value, date):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        with suppress(ValueError):
            return date.fromisoformat(value)
    raise PydanticCustomError("day", "Write a day that there is, as 2026-01-31")


Day = Annotated[date, BeforeValidator(_day)]
"""A day; a number of seconds is none."""
