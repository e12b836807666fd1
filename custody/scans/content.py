"""What follows the salt in an opening: a station's own event, or one that another system made.

An event of the station's own is its JSON bytes. A captured one is deterministic CBOR `[prefixes, event]`: the prefixes
that its document declared (null if it declared none of its own), without which it cannot be read again, and its bytes.
"""

from collections.abc import Mapping

from custody.gs1.event import Event
from custody.gs1.parse_event import parse_event
from custody.kernel import cbor
from custody.kernel.errors import Rejected

_PAIR = b"\x82"
"""The first byte of a CBOR array of two (RFC 8949 section 3)."""


def read_content(content: bytes, *, captured: bool) -> Event:
    """The event; raises `Rejected`."""
    if not captured:
        return parse_event(content)
    prefixes, event = _read_captured(content)
    return parse_event(event, prefixes=prefixes, foreign=True)


def event_in(content: bytes) -> bytes:
    """The bytes of the event in either kind of content: no JSON begins as a captured one does. Raises `Rejected`."""
    return _read_captured(content)[1] if content.startswith(_PAIR) else content


def write_captured(event: bytes, prefixes: Mapping[str, str] | None) -> bytes:
    """The content for an event that another system made."""
    return cbor.encode([None if prefixes is None else dict(prefixes), event])


def _read_captured(content: bytes) -> tuple[Mapping[str, str] | None, bytes]:
    pair = cbor.decode(content)
    if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[1], bytes):
        raise Rejected("opening", "a captured opening is not [prefixes, event]", fix="Make it with `weaklink capture`.")
    prefixes, event = pair
    named = isinstance(prefixes, dict) and all(isinstance(part, str) for pair in prefixes.items() for part in pair)
    if prefixes is not None and not named:
        raise Rejected("opening", "the prefixes are not a map of texts", fix="Make it with `weaklink capture`.")
    return prefixes, event
