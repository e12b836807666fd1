"""What the OpenAPI document says beyond what the framework finds by itself: how errors look, files, keys of requests.

Every operation may answer with an error, and all of them look alike (`problems.py`), so they are told once, as the
response `default`; the framework would tell of a form of its own that no door here gives.
"""

from collections.abc import Mapping
from typing import Any

from api.http import concise_problems, problems
from api.http.idempotency import HEADER, MAX_KEY

SCHEMA = "Problem"
OPEN: list[dict[str, Any]] = []
"""What an operation says that asks nobody to sign in (OpenAPI 3.1.1 section 4.8.10); else it reads as if forgotten."""
UNSAID = ("HTTPValidationError", "ValidationError")
FRAMEWORKS = "422"
BINARY = {"type": "string", "format": "binary"}
WORD = {"type": "string"}
PROBLEM = {
    "type": "object",
    "description": "What was wrong, where, and what to do (RFC 9457); more members tell facts of this error.",
    "required": ["title", "status", "detail"],
    "properties": {"type": WORD, "title": WORD, "status": {"type": "integer"}, "detail": WORD, "fix": WORD},
}
TAGS = [
    {"name": name, "description": description}
    for name, description in {
        "scans": "Every hand that a parcel passes through signs what it does; scanners send it here.",
        "device lock": "Handsets, orders to lock them, who may, and how each is let go.",
        "people": "Accounts and sessions of staff.",
        "stations": "Who may sign scans: stations, their keys, and when one is no longer trusted.",
        "verifiers": "Who may say whether a check of a recipient held, and what they attest.",
        "log": "The log as anybody reads it (C2SP tlog-tiles, SCITT SCRAPI), its policy, retention and erasure.",
        "custody": "Orders, the trail of a parcel, and the events as they were signed.",
        "disputes": "Cases: a report, what puts it right, and every move until it ends.",
        "customer": "The customer's own page, as JSON. The link is the credential; nobody needs an account.",
        "other lock systems": "EIR, Android Management, NanoMDM and Knox Guard, which get the same orders.",
        "equipment identity": "The status of an equipment, as a network asks for it (3GPP TS 29.511).",
        "investigations": "The weak link of a chain, the checks that would tell more, and what was done about it.",
        "evidence packs": "A case with its proofs in one file, which anybody verifies offline.",
        "health": "Whether the service is well.",
    }.items()
]
"""The groups of the doors, in the order in which they are told."""

KEY = {
    "name": HEADER.title(),
    "in": "header",
    "required": False,
    "description": "Carried out once: the same request with the same key gives the same answer, for a day.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY},
}


def sent_as(*media_types: str) -> dict[str, Any]:
    """What a 200 with one of these media types is, for a route that answers with a file."""
    return {"content": {media_type.partition(";")[0]: {"schema": BINARY} for media_type in media_types}}


def complete(document: dict[str, Any], *, unseen: Mapping[str, Any]) -> dict[str, Any]:
    """The framework's document with the paths that it does not see, every error and the keys of requests."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in UNSAID:
        schemas.pop(name, None)
    schemas[SCHEMA] = PROBLEM
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            operation["responses"].pop(FRAMEWORKS, None)
            if method == "post" and path.startswith("/v1/"):
                operation.setdefault("parameters", []).append(KEY)
    document["paths"] = {**unseen, **document["paths"]}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            operation["responses"]["default"] = _error(path)
            operation.setdefault("security", OPEN)
    return document


def _error(path: str) -> dict[str, Any]:
    if concise_problems.are_asked_for(path):
        content: dict[str, Any] = {concise_problems.MEDIA_TYPE: {"schema": BINARY}}
        return {"description": "A concise problem (RFC 9290)", "content": content}
    schema = {"$ref": f"#/components/schemas/{SCHEMA}"}
    return {"description": "A problem document (RFC 9457)", "content": {problems.MEDIA_TYPE: {"schema": schema}}}
