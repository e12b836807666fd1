"""The part of the Android Management API that we use, and a check of every body against it.

Taken from its discovery document (`androidmanagement.v1`, revision 20261104). Only these methods, fields and words can
be sent: the API's words for erasing a device or its data are not among them, so no body with them gets past `check`.

| method | path |
|---|---|
| patch | `PATCH /v1/{name}?updateMask=...` with a Device; only ACTIVE and DISABLED may be set |
| get | `GET /v1/{name}` |
| issueCommand | `POST /v1/{name}:issueCommand` with a Command |
| operations.cancel | `POST /v1/{operation}:cancel` |

`duration` of a command is its life: ten minutes if it is left out, so that a device which is off loses the command in
silence. Here a command without it is refused. `startLostModeParams` needs a message or a telephone number.
"""

import re
from collections.abc import Mapping
from typing import Any

from custody.kernel.errors import Rejected

NAME = re.compile(r"enterprises/[A-Za-z0-9_-]{1,128}/devices/[A-Za-z0-9_-]{1,128}", re.ASCII)
OPERATION = re.compile(NAME.pattern + r"/operations/[A-Za-z0-9_-]{1,128}", re.ASCII)
_DURATION = re.compile(r"[1-9][0-9]{0,9}s", re.ASCII)

TEXT = "string"
DURATION = "google-duration"

SCHEMAS: Mapping[str, Mapping[str, str | frozenset[str]]] = {
    "Device": {"state": frozenset({"ACTIVE", "DISABLED"}), "disabledReason": "UserFacingMessage"},
    "Command": {
        "type": frozenset({"LOCK", "START_LOST_MODE", "STOP_LOST_MODE"}),
        "duration": DURATION,
        "startLostModeParams": "StartLostModeParams",
        "stopLostModeParams": "StopLostModeParams",
    },
    "StartLostModeParams": {
        "lostMessage": "UserFacingMessage",
        "lostPhoneNumber": "UserFacingMessage",
        "lostOrganization": "UserFacingMessage",
    },
    "StopLostModeParams": {},
    "UserFacingMessage": {"defaultMessage": TEXT},
}
"""Field to type: a word list, another schema, or a format."""


def check(schema: str, body: Mapping[str, Any]) -> None:
    """Raise `Rejected("android_body")` unless the body keeps to the description above."""
    _walk(schema, body, where=schema)
    if schema == "Command":
        _check_command(body)


def _check_command(body: Mapping[str, Any]) -> None:
    if "type" not in body or "duration" not in body:
        raise _bad("Command", "type and duration are both needed")
    start = body.get("startLostModeParams")
    if (body["type"] == "START_LOST_MODE") != (start is not None):
        raise _bad("Command.startLostModeParams", "it belongs to START_LOST_MODE and to nothing else")
    if "stopLostModeParams" in body and body["type"] != "STOP_LOST_MODE":
        raise _bad("Command.stopLostModeParams", "it belongs to STOP_LOST_MODE")
    if start is not None and not {"lostMessage", "lostPhoneNumber"} & set(start):
        raise _bad("StartLostModeParams", "whoever holds the device needs a message or a telephone number")


def _walk(schema: str, body: Any, *, where: str) -> None:
    if not isinstance(body, dict):
        raise _bad(where, "it is not an object")
    fields = SCHEMAS[schema]
    for name, value in body.items():
        kind = fields.get(name)
        here = f"{where}.{name}"
        if kind is None:
            raise _bad(here, "there is no such field here")
        if isinstance(kind, frozenset):
            if value not in kind:
                raise _bad(here, f"{value!r} is not one of {', '.join(sorted(kind))}")
        elif kind in SCHEMAS:
            _walk(kind, value, where=here)
        elif not isinstance(value, str) or not value:
            raise _bad(here, "it is not a text")
        elif kind == DURATION and not _DURATION.fullmatch(value):
            raise _bad(here, "a duration is whole seconds, such as 3600s")


def _bad(where: str, why: str) -> Rejected:
    return Rejected("android_body", f"{where}: {why}", fix="Keep to the API's discovery document.")
