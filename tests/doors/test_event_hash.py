"""`weaklink event-hash`: the CBV event hash of each event in a document, without a service."""

import json
from pathlib import Path

import pytest

from tests.doors.command_line import CommandLine
from tests.rooms.gs1.test_event_hash import SEALED

CONTEXT = SEALED["@context"]
BARE = {name: value for name, value in SEALED.items() if name != "@context"}


@pytest.fixture
def alone(tmp_path: Path) -> CommandLine:
    """A shell in a folder, with no service anywhere."""
    return CommandLine(address="http://127.0.0.1:9", folder=tmp_path)


def write_document(folder: Path, *events: object) -> None:
    document = {
        "@context": CONTEXT,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-05-11T08:15:00Z",
        "epcisBody": {"eventList": events},
    }
    (folder / "doc.jsonld").write_text(json.dumps(document))


def test_each_event_of_a_document_has_the_hash_of_the_reference_implementation(alone: CommandLine) -> None:
    (alone.folder / "one.json").write_text(json.dumps(SEALED))
    write_document(alone.folder, BARE, BARE | {"action": "DELETE"})
    value = alone.json("event-hash", "one.json", "doc.jsonld")
    bare, first, second = value["hashes"]
    assert bare == {"file": "one.json", "event": 1, "hash": SEALED["eventID"]}
    assert first == {"file": "doc.jsonld", "event": 1, "hash": SEALED["eventID"]}
    assert (second["event"], second["hash"] == SEALED["eventID"]) == (2, False)
    assert alone.run("event-hash", "one.json").out == f"{SEALED['eventID']}\n"


def test_an_event_that_cannot_be_hashed_is_named(alone: CommandLine) -> None:
    write_document(alone.folder, BARE, BARE | {"action": "TOSS"})
    assert "doc.jsonld, event 2 of 2:" in alone.run("event-hash", "doc.jsonld", expect=1).err
    assert "no.json: No such file" in alone.run("event-hash", "no.json", expect=1).err
