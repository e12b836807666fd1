"""Which kind of thing a canonical key names, and the names one handset goes by.

`https://id.gs1.org/00/...` is a parcel (or a pallet of parcels), `/01/<gtin>/21/<serial>` one item, `/8003/` and
`/8004/` an asset: cage, van, seal. One handset has several names: an SGTIN whose serial is its IMEI, the IMEI URN of
RFC 7254, the URN of its second SIM slot. Two IMEIs are the same when their first 14 digits are (RFC 7254 section 4).
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from custody.gs1.canonical import canonical, canonical_transaction
from custody.gs1.check_digit import is_digits
from custody.gs1.event import Event, sellers_number
from custody.gs1.imei import foreign_imei_urn, imei_digits, imei_urn, serial_as_imei
from custody.gs1.keys import ROOT, checked
from custody.kernel.errors import Rejected
from custody.trail.marks import expected_keys

PARCEL = ROOT + "00/"
PRODUCT = ROOT + "01/"
PLACE = ROOT + "414/"
PARTY = ROOT + "417/"
RECIPIENT = ROOT + "8018/"
ORDER = "po:"
IMEI = "urn:gsma:imei:"
NO_THING = "unit"
"""The code of a refusal of what names nothing that has a trail."""
_SSCC = re.compile(r"(?:(?:\](?:C1|e0|d2|Q3|J1))?(?:00|\(00\)))?(\d{18})", re.ASCII)
"""With its AI as labels have it, and before that what kind of symbol it was, as scanners may be set up to tell (GS1
General Specifications, section 5.1.3)."""
_START = re.compile(r"(?:https?|urn|po):", re.IGNORECASE)
"""A telephone begins what is typed with a capital letter; the scheme of a URI has no case (RFC 3986 section 3.1)."""
_APART = re.compile(r"[\s\u200b\u2010-\u2015\u2060\u2212\ufeff-]+")
"""What people and their pages put between digits: blanks and dashes of every width."""


def is_parcel(key: str) -> bool:
    """Whether `key` is an SSCC."""
    return key.startswith(PARCEL)


def is_item(key: str) -> bool:
    """Whether `key` names one individual handset: an SGTIN or an IMEI."""
    return key.startswith(IMEI) or (key.startswith(PRODUCT) and "/21/" in key)


@lru_cache(maxsize=8192)
def aliases(key: str) -> frozenset[str]:
    """`key` itself and, for an SGTIN with an IMEI as serial, the IMEI URN.

    For an order also what it was filed under before, when its number was read as the key of a thing.
    """
    if key.startswith(ORDER):
        return frozenset({key, ORDER + canonical(key.removeprefix(ORDER)).uri})
    hidden = serial_as_imei(key) if key.startswith(PRODUCT) else None
    return frozenset({key} if hidden is None else {key, hidden})


def imei_of(key: str) -> str | None:
    """The canonical IMEI URN in an SGTIN or an IMEI URN; None if there is none."""
    return foreign_imei_urn(key) or (serial_as_imei(key) if key.startswith(PRODUCT) else None)


def ask(text: str, *, as_labelled: bool = False) -> str:
    """The canonical key of what a person or a program asks for; raises `Rejected`, which names a wrong check digit.

    With `as_labelled` it is taken all the same: a sender's label may have it, and is filed as it stands.
    Taken: an SSCC as 18 digits, also with its AI as labels and scanners have it, URN or Digital Link; an SGTIN; an IMEI
    of 14, 15 or 16 digits or as a URN; a seal; an order as `po:...`.
    """
    trimmed = text.strip()
    start = _START.match(trimmed)
    if start is not None:
        trimmed = start[0].lower() + trimmed[start.end() :]
    compact = _APART.sub("", trimmed)
    sscc = _SSCC.fullmatch(compact)
    if sscc is not None:
        return PARCEL + sscc[1] if as_labelled else checked("00", sscc[1]).uri
    if is_digits(compact) and 14 <= len(compact) <= 16:
        return imei_urn(compact)
    if trimmed.startswith(ORDER) and len(trimmed) > len(ORDER):
        return ORDER + canonical_transaction(trimmed.removeprefix(ORDER)).uri
    key = canonical(trimmed).uri
    if is_parcel(key) or is_item(key) or key.startswith(ROOT + "8004/"):
        return key
    raise Rejected(
        NO_THING,
        f"{trimmed[:80]!r} is not a parcel, a handset, a seal or an order",
        fix="Give an SSCC, an IMEI, an SGTIN, a seal's GIAI, or an order as po:<reference>.",
    )


def short(key: str) -> str:
    """What may be said of a thing in a sentence: a handset by the last four digits, a parcel by its SSCC."""
    imei = imei_of(key)
    if imei is not None:
        return f"handset ...{imei_digits(imei)[-4:]}"
    if is_parcel(key):
        return f"parcel {key.removeprefix(PARCEL)}"
    if key.startswith(PRODUCT):
        gtin = key.removeprefix(PRODUCT)[:14]
        return f"item of product {gtin}, serial ...{key[-4:]}" if is_item(key) else f"product {gtin}"
    return key.rpartition("/")[2] if key.startswith(ROOT) else key


def place_code(key: str) -> str | None:
    """The 13-digit GLN in a place's key, so that a sub-place is found inside its place; None for anything else."""
    return key.removeprefix(PLACE)[:13] if key.startswith(PLACE) else None


def named(event: Event) -> frozenset[str]:
    """The things an event is about: its EPCs, its parent and its children, and what it makes into what."""
    parent = (event.parent,) if event.parent else ()
    return frozenset({*event.epcs, *event.children, *event.inputs, *event.outputs, *parent})


def orders(event: Event) -> frozenset[str]:
    """The order references the event carries, as `po:...`."""
    keys = event.keys()
    return frozenset(key for key in keys if key.startswith(ORDER))


def same_orders(one: Iterable[str], other: Iterable[str]) -> frozenset[str]:
    """The order references that both have, without a bare number that two sellers gave out.

    Two sellers count alike, so a number by itself is one order only where nothing says whose it is (CBV 2.0 section
    8.5: the GLN is part of the number).
    """
    ours, theirs = frozenset(one), frozenset(other)
    return frozenset(key for key in ours & theirs if not _of_two_sellers(_sellers(key, ours), _sellers(key, theirs)))


def _of_two_sellers(ours: frozenset[str], theirs: frozenset[str]) -> bool:
    return bool(ours and theirs) and ours.isdisjoint(theirs)


def _sellers(bare: str, references: frozenset[str]) -> frozenset[str]:
    """Who gave out a bare number, by the references in full beside it."""
    numbers = (sellers_number(key.removeprefix(ORDER)) for key in references)
    return frozenset(found[0] for found in numbers if found is not None and ORDER + found[1] == bare)


def index_keys(event: Event) -> frozenset[str]:
    """Every key under which a store must file an event so that a trail finds it.

    Beside the event's own keys: the IMEI hidden in an SGTIN's serial, because people ask by IMEI; and what the event
    expected but did not find, because "another handset lies here" is news about the handset that is not there.
    """
    keys = event.keys().union(expected_keys(event))
    hidden = [imei for key in keys if key.startswith(PRODUCT) and (imei := serial_as_imei(key)) is not None]
    return keys.union(hidden)


def filed_under(event: Event) -> frozenset[str]:
    """`index_keys`, and the spellings of its orders under which the event was filed before."""
    keys = index_keys(event)
    return keys.union(*(aliases(key) for key in keys if key.startswith(ORDER)))
