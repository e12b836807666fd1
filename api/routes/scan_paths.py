"""What the OpenAPI document says of the scanners' door (`routes/scans.py`), which no framework sees."""

from typing import Any

from api.http.problems import MEDIA_TYPE
from api.routes.scans import MANY, MAX_BATCH, ONE, TOGETHER


def told(name: str, summary: str, about: str, media_type: str, answers: dict[int, str]) -> dict[str, Any]:
    """The path item of a POST with a binary body."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {
        "post": {
            "tags": ["scans"],
            "operationId": name,
            "summary": summary,
            "description": about,
            "requestBody": {"required": True, "content": content},
            "responses": {str(status): _answer(status, text) for status, text in answers.items()},
        }
    }


def _answer(status: int, text: str) -> dict[str, Any]:
    media_type = MEDIA_TYPE if status >= 400 else "application/json"
    return {"description": text, "content": {media_type: {"schema": {"type": "object"}}}}


RESULT = (
    " A result has `flags`, the reasons of its verdict, and `warnings`: what is odd about the event and was taken all"
    " the same, such as a wrong check digit, or that an event captured from another system was recorded before."
)

PATHS = {
    "/v1/scans": told(
        "take_scan",
        "Take one scan in.",
        f"Deterministic CBOR `[statement, opening]`. The station's signature is the credential.{RESULT}",
        ONE,
        {201: "Judged and in the log", 200: "A repeat, answered as before", 422: "Not a scan, or wrongly signed"},
    ),
    "/v1/scans:batch": told(
        "take_scans",
        "Take many scans in, each with its own result.",
        f"Deterministic CBOR, an array of 1 to {MAX_BATCH} times `[statement, opening]`.{RESULT}",
        MANY,
        {200: "One result a scan, in order", 422: "Not a list of scans"},
    ),
    "/v1/batches": told(
        "take_batch",
        "Take in scans that their station signed together.",
        "Deterministic CBOR `[statement, seal, [[subject, content type, opening], ...]]`: one statement over the root"
        f" of up to 256 scans, each with its own result, place and proof.{RESULT}",
        TOGETHER,
        {201: "Judged and in the log", 200: "A repeat, answered as before", 422: "Not a batch, or wrongly sealed"},
    ),
}
