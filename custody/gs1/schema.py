"""Our JSON Schemas for EPCIS 2.0, compiled once at import.

`event-schema.json` states the structure of one event: fields by event type, closed word lists, URIs and RFC 3339 times
with format assertion on. It departs from GS1's published schema on purpose: an event about nothing (an empty epcList
and nothing else), an aggregation that adds to or deletes from no parent, and a persistentDisposition that is not an
object are refused. An event of somebody's own type may have every field of EPCIS in its form, and own fields with a
prefix; a bare name that EPCIS has not is refused in it as in any other. `document-schema.json` states what stands
around the events of a document. Its schemaVersion is 2 or a 2 with further numbers, where the published schema would
take any version: before 2.0 there was no EPCIS in JSON, so another number is a mistake about one of the two.
"""

import json
from importlib import resources
from typing import Any

import jsonschema_rs

from custody.kernel.errors import Rejected


def _load(name: str) -> Any:
    schema = json.loads(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))
    return jsonschema_rs.validator_for(schema, validate_formats=True)


MOST_WEIGHED = 500
"""In how many items all mistakes are looked for: the library finds them in one go, and 64 KB may hold 30,000."""
_EVENT = _load("event-schema.json")
_DOCUMENT = _load("document-schema.json")


def validate(event: Any) -> None:
    """Return if the parsed JSON of one event fits the schema; raises `Rejected("schema")` naming the place."""
    _validate(_EVENT, event)


def validate_document(document: Any) -> None:
    """Return if the outside of a parsed document fits; its events are not looked at."""
    _validate(_DOCUMENT, document)


def _validate(validator: Any, value: Any) -> None:
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as first:
        error = first if _is_long(value) else _deepest(validator, value)
        where = "/" + "/".join(str(step) for step in error.instance_path)
        raise Rejected(
            "schema",
            f"{where}: {error.message[:300]}",
            fix="Correct the field by EPCIS 2.0, or give it a prefix if it is your own.",
            pointer=where,
        ) from first


def _deepest(validator: Any, value: Any) -> Any:
    """The error deepest in the value: the one that says most."""
    return max(validator.iter_errors(value), key=lambda error: len(list(error.instance_path)))


def _is_long(value: Any) -> bool:
    waiting, seen = [value], 0
    while waiting and seen <= MOST_WEIGHED:
        each = waiting.pop()
        items = list(each.values()) if isinstance(each, dict) else each if isinstance(each, list) else []
        seen += len(items)
        waiting += items
    return seen > MOST_WEIGHED
