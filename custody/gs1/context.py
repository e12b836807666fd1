"""The JSON-LD @context of an EPCIS document or bare event, read without ever fetching anything.

Taken: one EPCIS context URL in any of the spellings met in practice, further URLs (noted, never fetched: words they
define stay unknown), and objects that declare prefixes. Refused: no EPCIS context at all, because then the bare words
mean nothing; an empty list; an object that gives one of EPCIS's own words another meaning (they are @protected in
GS1's context, JSON-LD 1.1 section 4.1.11).

A prefixed name is known if its prefix is declared or stands in GS1's own context; a full `http(s):` or `urn:` name
needs no prefix.
"""

import re
from collections.abc import Mapping
from typing import Any

from custody.gs1.cbv import CBV_WEB, GS1_WEB
from custody.kernel.errors import Rejected

OURS = "urn:weaklink:"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
EPCIS_CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
_EPCIS = re.compile(
    r"https://(?:ref\.gs1\.org/standards/epcis/(?:2\.\d+\.\d+/)?|gs1\.github\.io/EPCIS/)epcis-context\.jsonld"
)
BUILT_IN: Mapping[str, str] = {
    "epcis": "https://ref.gs1.org/epcis/",
    "cbv": CBV_WEB,
    "cbvmda": "urn:epcglobal:cbv:mda:",
    "gs1": GS1_WEB,
    "rdfs": RDFS,
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dcterms": "http://purl.org/dc/terms/",
}
_OWN = """
id type eventID eventTime recordTime eventTimeZoneOffset certificationInfo errorDeclaration epcList quantityList action
bizStep disposition persistentDisposition readPoint bizLocation bizTransactionList sourceList destinationList
sensorElementList ilmd parentID childEPCs childQuantityList inputEPCList inputQuantityList outputEPCList
outputQuantityList transformationID epcClass quantity uom bizTransaction source destination set unset declarationTime
reason correctiveEventIDs sensorMetadata sensorReport epcisBody eventList queryResults resultsBody schemaVersion
creationDate
"""
OWN_WORDS = frozenset(_OWN.split())
_FIX = f"Start @context with {EPCIS_CONTEXT} and declare each prefix in an object after it."


def read_context(value: Any, *, inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """All known prefixes with their namespaces; raises `Rejected("context")`.

    `inherited` are the prefixes of the document around an event; without them the context must name EPCIS itself.
    """
    entries = value if isinstance(value, list) else [value]
    if inherited is None and not any(isinstance(entry, str) and _EPCIS.fullmatch(entry) for entry in entries):
        raise Rejected("context", "@context names no EPCIS 2.0 context", fix=_FIX)
    prefixes = dict(BUILT_IN if inherited is None else inherited)
    for entry in entries:
        if isinstance(entry, dict):
            _declare(entry, prefixes)
        elif not isinstance(entry, str):
            raise Rejected("context", "@context holds something that is neither URL nor object", fix=_FIX)
    return prefixes


def _declare(entry: Mapping[str, Any], prefixes: dict[str, str]) -> None:
    taken = OWN_WORDS.intersection(entry)
    if taken:
        raise Rejected("context", f"@context gives {min(taken)!r} another meaning", fix=_FIX)
    for name, target in entry.items():
        namespace = target.get("@id") if isinstance(target, dict) else target
        if isinstance(namespace, str) and not name.startswith("@"):
            prefixes[name] = namespace


def check_name(name: str, prefixes: Mapping[str, str]) -> None:
    """Return if the prefix of an extension's name is known; raises `Rejected("prefix")` if it is declared nowhere."""
    prefix = name.partition(":")[0]
    if prefix not in prefixes and prefix not in {"http", "https", "urn"}:
        raise Rejected("prefix", f"the prefix of {name[:200]!r} is not declared in @context", fix=_FIX)
