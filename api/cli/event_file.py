"""EPCIS documents in files, as commands read them, and `weaklink event-hash`."""

from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from api.cli.client import console, fail, show
from custody.gs1.document import Document, read_document
from custody.gs1.event_hash import hash_event_bytes
from custody.kernel.errors import Trouble


def read_events(file: Path) -> Document:
    """The document in a file, or a plain error."""
    try:
        return read_document(file.read_bytes())
    except Trouble as trouble:
        fail(f"{file}: {trouble.detail}", fix=trouble.fix)
    except OSError as error:
        fail(f"{file}: {error.strerror}", fix="Check the name.")


def fail_at(file: Path, number: int, document: Document, trouble: Trouble) -> NoReturn:
    """Say what is wrong with one event of a file, and exit."""
    which = f", event {number} of {len(document.events)}" if len(document.events) > 1 else ""
    fail(f"{file}{which}: {trouble.detail}", fix=trouble.fix)


def event_hash(
    files: list[Path], as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False
) -> None:
    """The CBV 2.0 event hash of each event, an eventID that whoever holds the event can make; needs no service.

    It finds repeats, and is no digest to sign: different events can share it.

    Example: `weaklink event-hash doc.jsonld`.
    """
    hashes: list[dict[str, Any]] = []
    for file in files:
        document = read_events(file)
        for number, event in enumerate(document.events, 1):
            try:
                hashed = hash_event_bytes(event, prefixes=document.prefixes)
            except Trouble as trouble:
                fail_at(file, number, document, trouble)
            hashes.append({"file": str(file), "event": number, "hash": hashed})
    show({"hashes": hashes}, as_json=as_json, human=_print)


def _print(value: dict[str, Any]) -> None:
    for row in value["hashes"]:
        console.print(row["hash"], highlight=False, markup=False)
