"""GS1 Digital Link URIs (GS1 Digital Link: URI Syntax 1.3), uncompressed.

`scheme://host[:port][/stem]/AI/value[/qualifier AI/value]*[?AI=value&...][#fragment]`: the last pair of path segments
whose first part is a key AI of `keys.py` is the key; what follows must be its qualifiers in their order; data
attributes (`attributes.py`) stand in the query.

- `parse_link` is strict: it refuses wrong lengths, characters, check digits and dates, repeated AIs, a payment slip
  without its reference, and AIs that are unknown or belong elsewhere. What is no number in the query is passed over.
  For labels we read and links we issue.
- `find_key` is lenient: any host, query and fragment ignored, the old letter words (`gtin`, `ser`, ...) understood,
  GTIN-8/12/13 padded to 14, check digits not judged. For foreign documents. None means: no key in it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus

from custody.gs1.attributes import wrong_attribute
from custody.gs1.keys import KINDS, QUALIFIERS, Key, checked, shaped
from custody.kernel.errors import Rejected

_LINK = re.compile(
    r"(?:https?|HTTPS?)://(?:[A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?(/[^?#]*)(?:\?([^#]*))?(?:#.*)?",
    re.ASCII,
)
_FORBIDDEN = re.compile(r"[^!-~]|[<>{}\\^`\"|]|%(?![0-9A-Fa-f]{2})")
_WORDS: Mapping[str, str] = {
    "sscc": "00", "gtin": "01", "gdti": "253", "gcn": "255", "ginc": "401", "gsin": "402", "gln": "414",
    "party": "417", "grai": "8003", "giai": "8004", "itip": "8006", "cpid": "8010", "gmn": "8013", "gsrnp": "8017",
    "gsrn": "8018", "lot": "10", "ser": "21", "cpv": "22", "tpx": "235", "glnx": "254", "cpsn": "8011", "srin": "8019",
    "refno": "8020",
}  # fmt: skip
_NOT_LED_BY_ZERO = frozenset({"8011"})
"""`nozeroprefix` of the GS1 Barcode Syntax Dictionary; labels of others are read as they are."""
_SHORT_GTIN = frozenset({8, 12, 13})


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitalLink:
    """A strictly read Digital Link: key, path elements (key first) and query attributes, as (AI, value) pairs."""

    key: Key
    path: tuple[tuple[str, str], ...]
    attributes: tuple[tuple[str, str], ...]


def parse_link(uri: str) -> DigitalLink:
    """The link, strictly; raises `Rejected("digital_link")`, or for its key what `checked` raises."""
    match = None if _FORBIDDEN.search(uri) else _LINK.fullmatch(uri)
    if match is None:
        raise _bad(uri, "it is not a plain http(s) URI")
    pairs = _key_pairs(match[1])
    if pairs is None:
        raise _bad(uri, "no GS1 key ends its path")
    (ai, value), qualifiers = pairs[0], pairs[1:]
    sequence = _sequence(ai, qualifiers)
    if sequence is None:
        raise _bad(uri, f"the qualifiers do not belong to AI {ai} or stand out of order")
    for qualifier, text in qualifiers:
        if QUALIFIERS[qualifier].fullmatch(text) is None:
            raise _bad(uri, f"AI {qualifier} has the wrong form")
        if qualifier in _NOT_LED_BY_ZERO and text.startswith("0"):
            raise _bad(uri, f"AI {qualifier} begins with a zero")
    key = checked(ai, value, _finest(ai, qualifiers))
    wrong = wrong_attribute(ai, value)
    if wrong is not None:
        raise _bad(uri, wrong)
    attributes = _attributes(uri, match[2] or "", {ai, *sequence})
    return DigitalLink(key=key, path=tuple(pairs), attributes=attributes)


def find_key(uri: str) -> Key | None:
    """The key a foreign Digital Link names, else None."""
    match = None if _FORBIDDEN.search(uri) else _LINK.fullmatch(uri)
    pairs = _key_pairs(match[1], words=True) if match else None
    if not pairs:
        return None
    (ai, value), qualifiers = pairs[0], pairs[1:]
    if ai == "01" and len(value) in _SHORT_GTIN:
        value = value.zfill(14)
    if _sequence(ai, qualifiers) is None:
        return None
    return shaped(ai, value, _finest(ai, qualifiers))


def _key_pairs(path: str, *, words: bool = False) -> list[tuple[str, str]] | None:
    """The (AI, value) pairs from the last key to the end of the path, values decoded; None if there is no key."""
    segments = path.split("/")
    pairs: list[tuple[str, str]] = []
    for at in range(len(segments) - 2, 0, -2):
        ai = _WORDS.get(segments[at], segments[at]) if words else segments[at]
        pairs.append((ai, unquote(segments[at + 1])))
        if ai in KINDS:
            return pairs[::-1]
        if ai not in QUALIFIERS:
            return None
    return None


def _sequence(ai: str, qualifiers: list[tuple[str, str]]) -> set[str] | None:
    """All qualifier AIs that those present leave possible for the key, or None if they break its order."""
    present = tuple(qualifier for qualifier, _ in qualifiers)
    fitting = [seq for seq in (*KINDS[ai].sequences, ()) if present == tuple(q for q in seq if q in present)]
    return {qualifier for sequence in fitting for qualifier in sequence} if fitting else None


def _finest(ai: str, qualifiers: list[tuple[str, str]]) -> tuple[str, str] | None:
    """The qualifier that identifies most finely, if any does."""
    by_ai = dict(qualifiers)
    return next(((finest, by_ai[finest]) for finest in KINDS[ai].finest if finest in by_ai), None)


def _attributes(uri: str, query: str, taken: set[str]) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    seen = set(taken)
    for part in query.split("&"):
        name, equals, text = part.partition("=")
        if not equals or not (name.isascii() and name.isdigit()):
            continue  # other people's query words and empty parts say nothing about the key
        if name in seen:
            raise _bad(uri, f"AI {name} stands twice or belongs into the path")
        seen.add(name)
        value = unquote_plus(text)
        wrong = wrong_attribute(name, value)
        if wrong is not None:
            raise _bad(uri, wrong)
        found.append((name, value))
    return tuple(found)


def _bad(uri: str, why: str) -> Rejected:
    return Rejected(
        "digital_link", f"{uri[:200]!r} is not a GS1 Digital Link: {why}", fix="Build it by GS1 URI Syntax 1.3."
    )
