"""One spelling for one thing.

The same parcel is named by an EPC URN, by a Digital Link on any host, with or without a query, and by digits on a
label. Everything is indexed and compared under one canonical form:

- a GS1 key, however spelt: `https://id.gs1.org/<AI>/<value>[/<qualifier AI>/<value>]`;
- an IMEI, however spelt: `urn:gsma:imei:TTTTTTTT-SSSSSS-0`;
- anything else (`geo:52.20,0.12`, `urn:uuid:...`): itself, unchanged.

The number of a business transaction is another matter. It names a paper or a consignment and no thing, and a shop's own
address of an order may look like any key: `https://shop.example/orders/2026/01/20991234` is no GTIN. So only the keys
of papers and consignments (GDTI, GINC, GSIN) are read in it, and whatever else it is counts as it stands.

Lenient: foreign documents are full of wrong check digits, so a wrong one is a warning and not an error. So is an EPC
URN that can be read and is not well-formed.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from custody.gs1.digital_link import find_key
from custody.gs1.epc_urn import is_well_formed, read_urn
from custody.gs1.imei import foreign_imei_urn
from custody.gs1.keys import ROOT, Key, checked, shaped
from custody.kernel.errors import Rejected

PAPERS = frozenset({"253", "401", "402"})
"""The keys that number a document, a consignment or a shipment."""

# Most URIs are canonical already; this is the short way for the commonest of them.
_PLAIN = re.compile(re.escape(ROOT) + r"(\d{2,4})/([0-9A-Za-z]+)(?:/(\d{2,4})/([0-9A-Za-z]+))?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canonical:
    """A canonical spelling, and what is odd about the foreign one (None: nothing)."""

    uri: str
    warning: str | None = None


@lru_cache(maxsize=8192)
def canonical(uri: str) -> Canonical:
    """The one spelling of the thing `uri` names; never raises."""
    key = gs1_key(uri)
    if key is not None:
        return Canonical(uri=key.uri, warning=key.wrong_check_digit() or _odd(uri))
    imei = foreign_imei_urn(uri)
    return Canonical(uri=uri, warning=_odd(uri)) if imei is None else Canonical(uri=imei)


def canonical_transaction(uri: str) -> Canonical:
    """The one spelling of a business transaction's number; never raises."""
    key = gs1_key(uri)
    if key is not None and key.ai in PAPERS:
        return canonical(uri)
    return Canonical(uri=uri, warning=None if key is not None else _odd(uri))


def gs1_key(uri: str) -> Key | None:
    """The GS1 key in an EPC URN or a Digital Link, read leniently; None if there is none."""
    if uri.startswith("urn:epc:"):
        return read_urn(uri)
    if uri[:4].lower() != "http":
        return None
    plain = _PLAIN.fullmatch(uri)
    if plain is not None:
        qualifier = (plain[3], plain[4]) if plain[3] else None
        key = shaped(plain[1], plain[2], qualifier)
        if key is not None:
            return key
    return find_key(uri)


def strict_key(uri: str) -> Key:
    """The key in an EPC URN or a Digital Link that we or our stations issue; raises `Rejected` if it is not right."""
    key = gs1_key(uri)
    if key is None:
        raise Rejected("key", f"{uri[:200]!r} names no GS1 key", fix="Send a GS1 Digital Link or an EPC URN.")
    return checked(key.ai, key.value, key.qualifier)


def _odd(uri: str) -> str | None:
    odd = uri.startswith("urn:epc:") and not is_well_formed(uri)
    return f"{uri[:200]!r} is not a well-formed EPC URN" if odd else None
