"""Scans for the tests of this room."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from custody.kernel.keys import SoftwareSigner, new_signer
from custody.scans.scan import Scan, make_scan, open_scan

MADE_S = 1_778_483_640
ACCEPTING = {
    "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"wl": "urn:weaklink:"}],
    "type": "ObjectEvent",
    "eventTime": "2026-05-11T08:14:00.500+01:00",
    "eventTimeZoneOffset": "+01:00",
    "eventID": "urn:uuid:2f1a3bfa-9f70-4e1e-8f2a-0b53b2a6a001",
    "action": "OBSERVE",
    "bizStep": "accepting",
    "disposition": "in_transit",
    "epcList": [
        "https://id.gs1.org/00/195214730000088169",
        "https://id.gs1.org/01/09521473003813/21/001017004829159",
    ],
    "sourceList": [{"type": "possessing_party", "source": "https://id.gs1.org/417/9521473000102"}],
    "destinationList": [{"type": "possessing_party", "destination": "https://id.gs1.org/417/9521886000010"}],
    "sensorElementList": [{"sensorReport": [{"type": "Mass", "value": 0.538, "uom": "KGM"}]}],
    "wl:sealNumber": "S-0088213",
    "wl:imei": ["urn:gsma:imei:35693803-564380-0"],
}


@pytest.fixture(scope="session")
def signer() -> SoftwareSigner:
    """The station's key."""
    return new_signer(seed=b"\3" * 32)


@pytest.fixture(scope="session")
def event_bytes() -> Callable[..., bytes]:
    """An acceptance that also weighs, reads the seal and the serial; a member given as None is left out."""

    def make(**changes: Any) -> bytes:
        merged = copy.deepcopy({**ACCEPTING, **changes})
        return json.dumps({name: value for name, value in merged.items() if value is not None}).encode()

    return make


@pytest.fixture(scope="session")
def make(signer: SoftwareSigner, event_bytes: Callable[..., bytes]) -> Callable[..., Scan]:
    """A scan of that event: the station's fifth, signed half a second before the event's full second is over."""

    def build(seq: int = 5, iat_s: int = MADE_S, **changes: Any) -> Scan:
        statement, opening = make_scan(
            event_bytes(**changes),
            station="bench-07",
            subject="urn:uuid:00000000-0000-4000-8000-000000000001",
            seq=seq,
            prev=b"\4" * 32 if seq > 1 else None,
            iat_s=iat_s,
            salt=b"\5" * 32,
            signer=signer,
        )
        return open_scan(statement, opening)

    return build
