"""The GS1 keys this service meets: their shapes, their canonical URI, and how new ones are issued.

| AI | key | value | check digit over |
|---|---|---|---|
| 00 | SSCC, a parcel | 18 digits | 18 |
| 01 | GTIN, a product; with 21 an SGTIN, one handset | 14 digits | 14 |
| 253, 255 | GDTI, GCN, a document or coupon | 13 digits + serial | 13 |
| 401, 402 | GINC, GSIN, consignment and shipment | text up to 30; 17 digits | none; 17 |
| 414, 417 | GLN, PGLN, place and party; 414 with 254 a sub-place | 13 digits | 13 |
| 415 | GLN of who is paid, always with 8020, the reference of a payment slip | 13 digits | 13 |
| 8003, 8004 | GRAI, GIAI, cage, van, scale, seal | 0 + 13 digits + serial up to 16; text up to 30 | 14; none |
| 8006, 8010 | ITIP, CPI, piece of an item, component | 18 digits; text up to 30 | 14; none |
| 8013 | GMN, a model of products | text up to 25 | a check pair at its end |
| 8017, 8018 | GSRN, provider and recipient | 18 digits | 18 |

The **canonical URI** is `https://id.gs1.org/` + AI + `/` + value (+ `/` + qualifier AI + `/` + its value), with only
the finest qualifier that identifies (GS1 Digital Link URI Syntax, section 4.11, as constrained by CBV 2.0 section
8.9.2), and everything but RFC 3986 unreserved characters percent-encoded. It is the one spelling under which a thing
is indexed and compared. Payment slips, models and the EU's tobacco codes (7040, beside 414, 417 and 8004) are no things
of CBV's: they have the same spelling, which the event hash does not know (`BEYOND_CBV`).

Strict: `checked` and `issue_*` raise `Rejected` for a wrong length, character or check digit. Reading foreign text
leniently is `canonical.py`'s work.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from custody.gs1.check_digit import gs1_check_digit, gs1_check_pair, is_digits
from custody.kernel.errors import Rejected

ROOT = "https://id.gs1.org/"
TEXT_82 = r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]"  # GS1 General Specifications, figure 7.11-1: character set 82
TEXT_39 = r"[#\-/0-9A-Z]"  # the same, figure 7.11-2: character set 39
PAIR = -2


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyKind:
    """One kind of key.

    `checked` counts the leading digits of which the last is a check digit (0: none), `PAIR` says that the value ends in
    a check pair. `sequences` are the qualifier AIs a Digital Link may append, in order; `finest` those that identify,
    the finest first; without `needed` the key says nothing.
    """

    ai: str
    name: str
    shape: re.Pattern[str]
    checked: int = 0
    sequences: tuple[tuple[str, ...], ...] = ()
    finest: tuple[str, ...] = ()
    needed: str | None = None


def _kind(
    ai: str,
    name: str,
    shape: str,
    checked: int,
    *sequences: tuple[str, ...],
    finest: str = "",
    needed: str | None = None,
) -> KeyKind:
    return KeyKind(
        ai=ai,
        name=name,
        shape=re.compile(shape, re.ASCII),
        checked=checked,
        sequences=sequences,
        finest=tuple(finest.split()),
        needed=needed,
    )


_KINDS = (
    _kind("00", "SSCC", r"\d{18}", 18),
    _kind("01", "GTIN", r"\d{14}", 14, ("22", "10", "21"), ("235",), finest="21 235 10"),
    _kind("253", "GDTI", rf"\d{{13}}{TEXT_82}{{0,17}}", 13),
    _kind("255", "GCN", r"\d{13}\d{0,12}", 13),
    _kind("401", "GINC", rf"\d{{4}}{TEXT_82}{{0,26}}", 0),
    _kind("402", "GSIN", r"\d{17}", 17),
    _kind("414", "GLN", r"\d{13}", 13, ("254",), ("7040",), finest="254 7040"),
    _kind("415", "GLN of who is paid", r"\d{13}", 13, ("8020",), finest="8020", needed="8020"),
    _kind("417", "PGLN", r"\d{13}", 13, ("7040",), finest="7040"),
    _kind("8003", "GRAI", rf"0\d{{13}}{TEXT_82}{{0,16}}", 14),
    _kind("8004", "GIAI", rf"\d{{4}}{TEXT_82}{{0,26}}", 0, ("7040",), finest="7040"),
    _kind("8006", "ITIP", r"\d{18}", 14, ("22", "10", "21"), finest="21 10"),
    _kind("8010", "CPI", rf"\d{{4}}{TEXT_39}{{0,26}}", 0, ("8011",), finest="8011"),
    _kind("8013", "GMN", rf"\d{{4}}{TEXT_82}{{0,19}}[2-9A-HJ-NP-Z]{{2}}", PAIR),
    _kind("8017", "GSRN of a provider", r"\d{18}", 18, ("8019",)),
    _kind("8018", "GSRN", r"\d{18}", 18, ("8019",)),
)
KINDS: Mapping[str, KeyKind] = {kind.ai: kind for kind in _KINDS}
QUALIFIERS: Mapping[str, re.Pattern[str]] = {
    ai: re.compile(shape, re.ASCII)
    for ai, shape in {
        "10": rf"{TEXT_82}{{1,20}}",
        "21": rf"{TEXT_82}{{1,20}}",
        "22": rf"{TEXT_82}{{1,20}}",
        "235": rf"{TEXT_82}{{1,28}}",
        "254": rf"{TEXT_82}{{1,20}}",
        "7040": rf"\d{TEXT_82}{{2}}[\-0-9A-Z_a-z]",
        "8011": r"\d{1,12}",
        "8019": r"\d{1,10}",
        "8020": rf"{TEXT_82}{{1,25}}",
    }.items()
}
_LED = frozenset({"00", "01", "8003", "8006"})
"""Keys whose value has one digit before the company prefix."""
BEYOND_CBV = frozenset({"415", "7040", "8013"})
"""Keys and qualifiers of Digital Links that CBV 2.0 section 8.9.2 does not list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key whose shape is right; its check digit may still be a foreigner's mistake (`wrong_check_digit`)."""

    ai: str
    value: str
    qualifier: tuple[str, str] | None = None

    @property
    def uri(self) -> str:
        """The canonical URI."""
        base = f"{ROOT}{self.ai}/{_encoded(self.value)}"
        return base if self.qualifier is None else f"{base}/{self.qualifier[0]}/{_encoded(self.qualifier[1])}"

    def is_under(self, prefixes: Iterable[str]) -> bool:
        """Whether the key was issued under one of these GS1 company prefixes."""
        return self.value[1 if self.ai in _LED else 0 :].startswith(tuple(prefixes))

    def wrong_check_digit(self) -> str | None:
        """A sentence naming the right check digit or characters if the key's are wrong, else None."""
        kind = KINDS[self.ai]
        if not kind.checked:
            return None
        if kind.checked == PAIR:
            found, right = self.value[PAIR:], gs1_check_pair(self.value[:PAIR])
            return None if found == right else f"{kind.name} {self.value} should end in the check characters {right}"
        right = gs1_check_digit(self.value[: kind.checked - 1])
        found = self.value[kind.checked - 1]
        return None if found == right else f"{kind.name} {self.value} ends in {found}, its check digit is {right}"


def _encoded(text: str) -> str:
    return text if text.isalnum() and text.isascii() else quote(text, safe="")


def shaped(ai: str, value: str, qualifier: tuple[str, str] | None = None) -> Key | None:
    """The key if its AI is known and its value and qualifier have the right shape, else None."""
    kind = KINDS.get(ai)
    if kind is None or kind.shape.fullmatch(value) is None:
        return None
    if kind.needed is not None and qualifier is None:
        return None
    if qualifier is not None:
        shape = QUALIFIERS.get(qualifier[0])
        if qualifier[0] not in kind.finest or shape is None or shape.fullmatch(qualifier[1]) is None:
            return None
    return Key(ai=ai, value=value, qualifier=qualifier)


def checked(ai: str, value: str, qualifier: tuple[str, str] | None = None) -> Key:
    """The key, strictly: raises `Rejected("key")` for a wrong AI, length, character or check digit."""
    key = shaped(ai, value, qualifier)
    if key is None:
        what = KINDS[ai].name if ai in KINDS else f"a key with AI {ai}"
        raise Rejected("key", f"{value!r} is not {what}", fix="Check the length and the characters of the key.")
    wrong = key.wrong_check_digit()
    if wrong is not None:
        raise Rejected("check_digit", wrong, fix="Scan the label again; do not type the key by hand.")
    return key


def issue_sscc(prefix: str, serial: int, *, extension: int = 1) -> Key:
    """A parcel's SSCC from our company prefix of 6 to 12 digits, an extension digit and a serial number.

    This and the other `issue_` functions add the check digit of a key that has one (GS1 General Specifications, section
    7.9.1), and raise `Rejected("key")` for a prefix that is none and a number too long for what the prefix leaves.
    """
    return _issue("00", _digits(extension, 1) + prefix, _digits(serial, 16 - len(prefix)))


def issue_gtin(prefix: str, item: int, *, indicator: int = 0) -> Key:
    """A product's GTIN-14; an indicator from 1 on says which packing of it."""
    return _issue("01", _digits(indicator, 1) + prefix, _digits(item, 12 - len(prefix)))


def issue_sgtin(gtin: str, serial: str) -> Key:
    """One handset: its GTIN-14, which must be right, and its serial number, for us the 15-digit IMEI."""
    return checked("01", gtin, ("21", serial))


def issue_gln(prefix: str, place: int, *, extension: str = "") -> Key:
    """A place's GLN, with an extension a place inside it."""
    return _issue("414", prefix, _digits(place, 12 - len(prefix)), qualifier=("254", extension) if extension else None)


def issue_pgln(prefix: str, party: int) -> Key:
    """A company's PGLN."""
    return _issue("417", prefix, _digits(party, 12 - len(prefix)))


def issue_gsrn(prefix: str, reference: int, *, provider: bool = False) -> Key:
    """A recipient's GSRN, or a courier's with `provider`."""
    return _issue("8017" if provider else "8018", prefix, _digits(reference, 17 - len(prefix)))


def issue_grai(prefix: str, asset_type: int, serial: str) -> Key:
    """A returnable asset such as a cage."""
    return _issue("8003", "0" + prefix, _digits(asset_type, 12 - len(prefix)), tail=serial)


def issue_giai(prefix: str, reference: str) -> Key:
    """An asset such as a van, a scale or a seal; it has no check digit."""
    return _issue("8004", prefix, reference)


def _issue(ai: str, head: str, reference: str, *, tail: str = "", qualifier: tuple[str, str] | None = None) -> Key:
    prefix = head[1:] if ai in _LED else head
    if not is_digits(prefix) or not 6 <= len(prefix) <= 12:
        raise Rejected("key", f"{prefix!r} is not a GS1 company prefix", fix="Use the 6 to 12 digits of your licence.")
    body = head + reference
    return checked(ai, body + (gs1_check_digit(body) if KINDS[ai].checked else "") + tail, qualifier)


def _digits(number: int, width: int) -> str:
    text = str(number).zfill(width) if number or width else ""
    if number < 0 or len(text) != width:
        raise Rejected("key", f"{number} does not fit {width} digits", fix="Use a smaller number or a shorter prefix.")
    return text
