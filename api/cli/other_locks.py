"""`weaklink lock ...` for the lock systems beside our own agent, and the IMEI list as a folder of signed files."""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.client import call, console, fail, folded, named, send, show
from api.cli.folder import read_folder
from custody.kernel import cbor
from custody.kernel.base64url import unb64
from custody.kernel.errors import Trouble
from custody.kernel.keys import PublicKey, read_cose_key
from devicelock.backends.eir_folder import is_name
from devicelock.backends.eir_list import open_publication

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]


def refer(device: str, backend: str, handset: str, as_json: AsJson = False) -> None:
    """Propose the name by which a back-end knows a handset; a second person confirms it.

    Example: `weaklink lock refer dev_0k3v9q2m7x4d8r1t android enterprises/e1/devices/d1`.
    """
    path = f"/v1/devices/{named(device)}/backends/{named(backend)}"
    show(call("PUT", path, json={"handset": handset}), as_json=as_json, human=_reference)


def confirm_reference(device: str, backend: str, handset: str, as_json: AsJson = False) -> None:
    """Confirm the name that somebody else gave, by typing it again; locks go there too from then on.

    Example: `weaklink lock confirm-reference dev_0k3v9q2m7x4d8r1t android enterprises/e1/devices/d1`.
    """
    path = f"/v1/devices/{named(device)}/backends/{named(backend)}/confirm"
    show(call("POST", path, json={"handset": handset}), as_json=as_json, human=_reference)


def backends(as_json: AsJson = False) -> None:
    """Which other lock systems are on, every part of theirs not over yet, and names that wait for a second person.

    Example: `weaklink lock backends`.
    """
    show(call("GET", "/v1/backends"), as_json=as_json, human=_backends)


def settle(
    order: str,
    backend: str,
    why: Annotated[str, typer.Option(help="What was seen, and by whom.")],
    as_json: AsJson = False,
) -> None:
    """Say that a released handset was seen free where a back-end cannot say so any more.

    Example: `weaklink lock settle lock_0k3v9q2m7x4d8r1t android --why "the shop saw it start"`.
    """
    show(call("POST", f"/v1/locks/{named(order)}/backends/{named(backend)}/free", json={"why": why}), as_json=as_json)


def export_list(
    folder: Annotated[
        Path, typer.Argument(parser=read_folder, help="Where to put the files; what is there already is kept.")
    ],
    whole: Annotated[bool, typer.Option("--whole", help="Publish the whole list first, if it has changed.")] = False,
    key: Annotated[str | None, typer.Option(help="The list's key as you know it (base64url COSE_Key).")] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch the signed IMEI list: every delta and whole list with its signature, each verified before it is written.

    Example: `weaklink lock export-list lists --whole`. A supervisor's token works, and the token of the list.
    """
    if key == "":
        fail("--key is empty", fix="Give the list's key, or leave --key out to believe the service's own word.")
    if whole:
        call("POST", "/v1/eir/lists")
    told = call("GET", "/v1/eir/lists")
    known = read_cose_key(cbor.decode(unb64(key or told["key"], where="key")))
    strange = next((name for name in told["files"] if not is_name(name)), None)
    if strange is not None:
        fail(f"no file of a list is named {strange!r}; nothing was written", fix="Check the address of the service.")
    folder.mkdir(parents=True, exist_ok=True)
    written = [name for name in told["files"] if _fetch(folder, name, known)]
    value = {"newest": told["newest"], "loaded": told["loaded"], "written": written, "folder": str(folder)}
    show(value, as_json=as_json, human=_written)


def list_loaded(
    seq: Annotated[int, typer.Argument(help="The number of the newest delta that is loaded.")], as_json: AsJson = False
) -> None:
    """Say that the register has loaded the list up to this delta: only that shows a handset as listed, or as free.

    A lower number than before, after a restore at the register, has what is missing delivered again.

    Example: `weaklink lock list-loaded 17`.
    """
    show(call("POST", "/v1/eir/loaded", json={"seq": seq}), as_json=as_json)


def add_to(app: typer.Typer) -> None:
    """Put these commands beside the others of `weaklink lock`."""
    app.command()(refer)
    app.command("confirm-reference")(confirm_reference)
    app.command()(backends)
    app.command()(settle)
    app.command("export-list")(export_list)
    app.command("list-loaded")(list_loaded)


def show_backends(rows: list[dict[str, Any]]) -> None:
    """What every lock system has been asked, and has confirmed."""
    table = folded("back-end", "wished", "confirmed", "last seen", "still open")
    for row in rows:
        cells = (row["backend"], row["desired"], row["applied"] or "unknown", row["last_seen"] or "", row["open"] or "")
        table.add_row(*cells)
    console.print(table)


def _fetch(folder: Path, name: str, key: PublicKey) -> bool:
    """Write one file and its signature, its signature last; whether they were not there yet."""
    path, signed = folder / name, folder / f"{name}.cose"
    if signed.exists():
        return False
    raw = send("GET", f"/v1/eir/lists/{name}").content
    signature = send("GET", f"/v1/eir/lists/{name}.cose").content
    try:
        signed_name = open_publication(raw, signature, key)[0].name
    except Trouble as trouble:
        fail(f"{name}: {trouble.detail}", fix=trouble.fix)
    if signed_name != name:
        fail(f"{name}: it was signed as {signed_name}", fix="Ask the operator of the list.")
    path.write_bytes(raw)
    signed.write_bytes(signature)
    return True


def _written(value: dict[str, Any]) -> None:
    console.print(f"{value['folder']} holds the list up to {value['newest']}; {len(value['written'])} files are new.")


def _backends(value: dict[str, Any]) -> None:
    table = folded("back-end", "before set-up", "way out", "to be known")
    for name, can in sorted(value["on"].items()):
        table.add_row(name, str(can["holds_before_setup"]), str(can["way_out"]), can["unverified"])
    console.print(table)
    show_backends(value["parts"])
    for row in value["references"]:
        _reference(row)


def _reference(value: dict[str, Any]) -> None:
    who = (
        f"confirmed by {value['confirmed_by'] or 'an order'}" if value["confirmed_at"] else "waits for a second person"
    )
    given = value["given_by"] or "somebody"
    console.print(
        f"{value['device']} at {value['backend']}: {value['handset']}, given by {given}; {who}", highlight=False
    )
