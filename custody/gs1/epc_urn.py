"""EPC URNs to keys (GS1 EPC Tag Data Standard, section 6 and 8).

`urn:epc:id:<scheme>:<company prefix>.<reference>[.<serial>]`, the same with `class:lgtin`, and patterns
`urn:epc:idpat:...` whose serial is `*`. The URN carries no check digit; the way to the key is arithmetic:

- `sgtin`, `itip`, `upui`, `lgtin`, `sscc`: the first digit of the reference moves before the prefix;
- `grai`: a 0 goes before the prefix;
- `sgln` with serial `0` means the place itself.

The way back needs the length of the company prefix, which a key does not carry; it is not offered.

Five schemes of section 6.3 name things that no GS1 key names (`gid`, `usdod`, `adi`, `bic`, `imovn`), and a pattern may
leave open the reference as well as the serial, or all of it, or nothing (section 8): these are well-formed, and stay as
they are. The other way round, a piece that is not counted in two digits, a serial of a component with a leading zero
and a reference that is empty or left out are read, and are not well-formed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from custody.gs1.check_digit import gs1_check_digit, is_digits
from custody.gs1.keys import Key, shaped

_URN = re.compile(
    r"urn:epc:(id|class|idpat):([a-z]+):(\d{6,12})\.((?:[!'()*+,.0-9:;=A-Za-z_-]|%[0-9A-Fa-f]{2})*)", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scheme:
    """`digits`: prefix and reference together (0: the reference is text). `lead` says what goes before the prefix."""

    ai: str
    digits: int = 0
    lead: str = ""
    tail: str = ""


_SCHEMES: Mapping[tuple[str, str], _Scheme] = {
    ("id", "sgtin"): _Scheme(ai="01", digits=13, lead="reference", tail="21"),
    ("class", "lgtin"): _Scheme(ai="01", digits=13, lead="reference", tail="10"),
    ("id", "upui"): _Scheme(ai="01", digits=13, lead="reference", tail="235"),
    ("id", "itip"): _Scheme(ai="8006", digits=13, lead="reference", tail="21"),
    ("id", "sscc"): _Scheme(ai="00", digits=17, lead="reference"),
    ("id", "sgln"): _Scheme(ai="414", digits=12, tail="254"),
    ("id", "pgln"): _Scheme(ai="417", digits=12),
    ("id", "grai"): _Scheme(ai="8003", digits=12, lead="0", tail="value"),
    ("id", "gdti"): _Scheme(ai="253", digits=12, tail="value"),
    ("id", "sgcn"): _Scheme(ai="255", digits=12, tail="value"),
    ("id", "gsrn"): _Scheme(ai="8018", digits=17),
    ("id", "gsrnp"): _Scheme(ai="8017", digits=17),
    ("id", "gsin"): _Scheme(ai="402", digits=16),
    ("id", "giai"): _Scheme(ai="8004"),
    ("id", "ginc"): _Scheme(ai="401"),
    ("id", "cpi"): _Scheme(ai="8010", tail="8011"),
}


_SUPPLIER = r"[0-9A-HJ-NP-Z]{5,6}"
_NUMBER = r"(?:0|[1-9][0-9]*)"
_PART = r"(?:[-0-9A-Z]|%2F)"
_OTHERS = re.compile(
    rf"urn:epc:(?:(?:id|idpat):(?:gid:{_NUMBER}\.{_NUMBER}\.{_NUMBER}|usdod:{_SUPPLIER}\.{_NUMBER}"
    rf"|adi:{_SUPPLIER}\.{_PART}{{0,32}}\.(?:%23)?{_PART}{{1,30}})|id:(?:bic:[A-Z]{{3}}[JUZ]\d{{7}}|imovn:\d{{7}})"
    rf"|idpat:(?:gid:{_NUMBER}\.(?:{_NUMBER}|\*)\.\*|usdod:{_SUPPLIER}\.\*|adi:{_SUPPLIER}\.(?:{_PART}{{0,32}}|\*)\.\*"
    r"|(?:sgtin|sgln|grai|gdti|sgcn|cpi|upui):\d{6,12}\.\*\.\*|(?:sscc|giai|gsrn|gsrnp|pgln|ginc|gsin):\d{6,12}\.\*"
    r"|(?:sgtin|sgln|grai|gdti|sgcn|cpi|upui|gid|adi):\*\.\*\.\*"
    r"|(?:sscc|giai|gsrn|gsrnp|pgln|ginc|gsin|usdod):\*\.\*"
    r"|itip:(?:(?=[\d.]{14}\.\*)\d{6,12}\.\d+|\d{6,12}\.\*|\*\.\*)\.\*\.\*\.\*))",
    re.ASCII,
)
_ONLY_READ = re.compile(
    r"urn:epc:(?:id|idpat):(?:itip:\d+\.\d*\.(?!\d\d\.\d\d\.).*|cpi:\d+\.(?:[^.]*|[^.]*\.0\d+|\..*)|(?:giai|ginc):\d+\.)",
    re.ASCII,
)


def is_well_formed(uri: str) -> bool:
    """Whether it is an EPC URN, EPC class URN or EPC pattern URN by their grammar, with a GS1 key in it or without."""
    if _OTHERS.fullmatch(uri) is not None:
        return True
    closed = uri.replace("urn:epc:idpat:", "urn:epc:id:", 1)
    is_read = read_urn(uri) is not None or read_urn(closed) is not None
    return is_read and _ONLY_READ.fullmatch(uri) is None


def read_urn(uri: str) -> Key | None:
    """The key of an EPC URN, EPC class URN or EPC pattern URN; None if it is not one of the schemes above."""
    match = _URN.fullmatch(uri)
    scheme = _SCHEMES.get(("id" if match[1] == "idpat" else match[1], match[2])) if match else None
    if match is None or scheme is None:
        return None
    pattern, prefix, rest = match[1] == "idpat", match[3], match[4]
    if not scheme.digits:
        reference, tail = _split_text(rest, scheme)
        return _finish(scheme, prefix + unquote(reference), tail, pattern=pattern)
    reference, dot, tail = rest.partition(".")
    if (reference and not is_digits(reference)) or len(prefix) + len(reference) != scheme.digits:
        return None
    if bool(dot) != bool(scheme.tail):
        return None
    lead, digits = (reference[:1], reference[1:]) if scheme.lead == "reference" else (scheme.lead, reference)
    body = lead + prefix + digits
    value = body + gs1_check_digit(body)
    if scheme.ai == "8006":
        piece, _, tail = tail.partition(".")
        total, _, tail = tail.partition(".")
        value += piece + total
    return _finish(scheme, value, tail, pattern=pattern)


def _split_text(rest: str, scheme: _Scheme) -> tuple[str, str]:
    if not scheme.tail:
        return rest, ""
    reference, _, tail = rest.rpartition(".")
    return reference, tail


def _finish(scheme: _Scheme, value: str, tail: str, *, pattern: bool) -> Key | None:
    if pattern:
        return shaped(scheme.ai, value) if tail == "*" else None
    tail = unquote(tail)
    if not scheme.tail or (scheme.tail == "254" and tail == "0"):
        return shaped(scheme.ai, value)
    if not tail:
        return None
    if scheme.tail == "value":
        return shaped(scheme.ai, value + tail)
    return shaped(scheme.ai, value, (scheme.tail, tail))
