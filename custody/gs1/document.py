"""EPCIS 2.0 documents: taken apart into the exact bytes of their events (EPCIS 2.0 section 10).

An EPCISDocument holds its events in `epcisBody.eventList`, an EPCISQueryDocument in
`epcisBody.queryResults.resultsBody.eventList`; any other type is one bare event. The whole text is read strictly
first; then each event's bytes are found where they stand, because a signature or a hash is over bytes and nothing
here is ever written anew. Real files may start with a byte order mark.

A name that stands twice is refused around the events, where it would hide some of them. Inside an event it is left to
`parse_event` to refuse or, for a foreign event, to warn.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from custody.gs1 import schema
from custody.gs1.context import check_name, read_context
from custody.gs1.json_text import item_spans, read_json
from custody.kernel.errors import Rejected

LIMIT_BYTES = 8 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_PATHS = {
    "EPCISDocument": ("epcisBody", "eventList"),
    "EPCISQueryDocument": ("epcisBody", "queryResults", "resultsBody", "eventList"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document's type, the prefixes it declares (None for a bare event, which declares its own), its events."""

    type: str
    prefixes: Mapping[str, str] | None
    events: tuple[bytes, ...]


def read_document(raw: bytes, *, limit_bytes: int = LIMIT_BYTES) -> Document:
    """The document in `raw`, its events not yet judged; raises `Rejected`."""
    text = raw.removeprefix(_BOM)
    data = read_json(text, limit_bytes=limit_bytes, repeated=[])
    kind = data.get("type") if isinstance(data, dict) else None
    if not isinstance(kind, str):
        raise Rejected(
            "document", "it is not an object with a type", fix="Send an EPCISDocument, EPCISQueryDocument or event."
        )
    path = _PATHS.get(kind)
    if path is None:
        return Document(type=kind, prefixes=None, events=(text.strip(b" \t\r\n"),))
    schema.validate_document(data)
    prefixes = read_context(data["@context"])
    for name in data:
        if ":" in name:
            check_name(name, prefixes)
    spans = item_spans(text, path)
    return Document(type=kind, prefixes=prefixes, events=tuple(text[start:end] for start, end in spans))
