"""Events for the tests of this room."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

CONTEXT = ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"wl": "urn:weaklink:"}]
WEIGHED = {
    "@context": CONTEXT,
    "type": "ObjectEvent",
    "eventTime": "2026-05-11T08:14:00.000+01:00",
    "eventTimeZoneOffset": "+01:00",
    "eventID": "urn:uuid:2f1a3bfa-9f70-4e1e-8f2a-0b53b2a6a001",
    "action": "OBSERVE",
    "bizStep": "inspecting",
    "disposition": "conformant",
    "epcList": ["https://id.gs1.org/00/195214730000088169"],
    "readPoint": {"id": "https://id.gs1.org/414/9521473000102/254/SCALE12"},
    "sensorElementList": [
        {
            "sensorMetadata": {
                "time": "2026-05-11T08:13:58.000+01:00",
                "deviceID": "https://id.gs1.org/8004/9521473SCALE12",
            },
            "sensorReport": [{"type": "Mass", "value": 0.538, "uom": "KGM"}],
        }
    ],
}


@pytest.fixture(scope="session")
def event() -> Callable[..., dict[str, Any]]:
    """A weighing, with members changed; a copy each time."""
    return lambda **changes: copy.deepcopy({**WEIGHED, **changes})


@pytest.fixture(scope="session")
def raw(event: Callable[..., dict[str, Any]]) -> Callable[..., bytes]:
    """The bytes of the same."""
    return lambda **changes: json.dumps(event(**changes)).encode()
