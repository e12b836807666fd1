"""What every JSON body of ours is: its own fields and no others, each of the type that is written there."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import date
from typing import Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

MAX_EXACT = 2**53 - 1
"""The largest whole number that every reader of JSON takes for itself (RFC 7493 section 2.2)."""


class Body(BaseModel):
    """A JSON object that is read strictly: no `"off"`, 0 or `"no"` stands for false, and no text for a number."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _whole_numbers(cls, fields: Any) -> Any:
        """5.0 is a whole number, written otherwise (JSON Schema 2020-12 core, section 4.2.3)."""
        return {name: _whole(value) for name, value in fields.items()} if isinstance(fields, dict) else fields


def is_json(content_type: str) -> bool:
    """Whether a body of this type calls itself JSON (RFC 6839 section 3.1)."""
    sent = content_type.partition(";")[0].strip().lower()
    return sent == "application/json" or (sent.startswith("application/") and sent.endswith("+json"))


def fields_at(kind: Any, path: Iterable[str | int]) -> list[str]:
    """The fields of the object at this path in a body: those that there are, for whoever sent one that there is not."""
    for part in path:
        inner = kind.model_fields[part].annotation if isinstance(part, str) else kind
        kind = next(each for each in _parts(inner) if isinstance(each, type) and issubclass(each, BaseModel))
    return list(kind.model_fields)


def _parts(kind: Any) -> Iterator[Any]:
    """A type and all that it is made of: of `list[A] | None` these are A and None too."""
    yield kind
    for part in get_args(kind):
        yield from _parts(part)


def _whole(value: Any) -> Any:
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) <= MAX_EXACT
    return int(value) if is_whole else value


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
