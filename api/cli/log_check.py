"""`weaklink log entry` and `weaklink log check`: one entry and its proof, checked offline with the log's key alone.

`check` takes a `.tlog-proof` (C2SP tlog-proof) or a COSE receipt (RFC 9942). A receipt signs the root only, so index
and size stay a claim unless the checkpoint of that size is given beside it. A proof holds its own checkpoint; one that
is given is the same tree, or the log has shown two. Exit codes (outcome.py): 0 it holds, 1 it does not, 2 what was
given to the command cannot be used, 3 it holds, and the witnesses that were asked for have not countersigned.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.client import call, console, fail, named, show
from api.cli.fetch import check_target, put
from api.cli.log_source import read_checkpoint, read_policy
from api.cli.outcome import Outcome, who_is_awaited
from custody.kernel.base64url import unb64
from custody.kernel.errors import Rejected, Trouble
from custody.kernel.keys import read_ed25519
from custody.kernel.receipt import verify_receipt
from custody.ledger.checkpoint import Checkpoint
from custody.ledger.cosignature import read_log_key, verifier_of
from custody.ledger.proof import HEADER, parse_proof, verify_proof
from custody.ledger.receipt import against_checkpoint
from custody.ledger.witness_policy import Witnessed

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]


def entry(
    name: str, out: Annotated[Path, typer.Option(help="Write it to this file.")], as_json: AsJson = False
) -> None:
    """The bytes of an entry, by index or digest. Example: `weaklink log entry 17 --out 17.cose`."""
    check_target(out)
    found = call("GET", f"/v1/entries/{named(name)}")
    put(out, unb64(found.pop("statement"), where="statement"))
    show({"file": str(out), **found}, as_json=as_json)


def check(
    proof: Annotated[Path, typer.Argument(help="A .tlog-proof file or a receipt.")],
    entry_file: Annotated[Path, typer.Argument(metavar="ENTRY", help="The entry's bytes.")],
    vkey: Annotated[str, typer.Option(help="The log's key as you know it.")],
    checkpoint: Annotated[Path | None, typer.Option(help="The checkpoint of that size, as you know it.")] = None,
    witnesses: Annotated[Path | None, typer.Option(help="A policy (C2SP tlog-policy) whose quorum you demand.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check one entry's proof offline.

    Exit 0: it holds; 1: it does not; 2: what was given cannot be used; 3: it is OPEN, the proof holds, but witnesses
    you asked for did not countersign.

    Example: `weaklink log check 17.tlog-proof 17.cose --vkey "$(cat log.vkey)"`.
    """
    try:
        raw, statement, log = proof.read_bytes(), entry_file.read_bytes(), verifier_of(read_log_key(vkey.strip()))
        known, note = (None, None) if checkpoint is None else read_checkpoint(checkpoint, log)
        policy = None if witnesses is None else read_policy(witnesses, log.key)
    except Trouble as trouble:
        fail(trouble.detail, fix=trouble.fix, code=2)
    except OSError as error:
        fail(f"{error.filename} cannot be read: {error.strerror}", fix="Check the name of the file.", code=2)
    is_proof = raw.startswith(HEADER.encode())
    if policy is not None and note is None and not is_proof:
        fix = "Give the cosigned checkpoint of its size with --checkpoint."
        fail("a receipt carries no cosignatures", fix=fix, code=2)
    try:
        if is_proof:
            placed = verify_proof(raw, statement, log)
            if known is not None:
                _same_tree(placed.checkpoint, known)
            value = {"kind": "tlog-proof", "index": placed.index, "size": placed.checkpoint.size, "claimed": False}
            note = parse_proof(raw).note
        else:
            proven = verify_receipt(raw, statement, read_ed25519(log.key.raw))
            if known is not None:
                against_checkpoint(proven, known)
            value = {"kind": "receipt", "index": proven.index, "size": proven.size, "claimed": known is None}
        seen = None if policy is None or note is None else policy.judge(note)
    except Trouble as trouble:
        fail(trouble.detail, fix=trouble.fix)
    outcome = Outcome.SOUND if seen is None or seen.satisfied else Outcome.OPEN
    awaited = [] if seen is None else list(seen.awaited)
    ending = {"parties": _parties(seen), "awaited": awaited}
    show({"outcome": outcome, "ok": outcome is Outcome.SOUND, **value, **ending}, as_json=as_json, human=_tell)
    raise typer.Exit(outcome.code)


def _same_tree(proven: Checkpoint, known: Checkpoint) -> None:
    """Raise `Rejected` unless both checkpoints are of one tree; what lies between two sizes takes an audit."""
    if known.size != proven.size:
        what = f"the proof is of {proven.size} entries and the checkpoint given of {known.size}"
        raise Rejected(
            "checkpoint", what, fix="Give the checkpoint of that size; `weaklink log audit` compares others."
        )
    if known.root != proven.root:
        what = f"the log signed two different trees of {known.size} entries"
        raise Rejected("checkpoint", what, fix="Keep the proof and the checkpoint: together they are signed evidence.")


def _parties(seen: Witnessed | None) -> list[dict[str, str]]:
    return [] if seen is None else [{"party": row.party, "at": row.at} for row in seen.parties]


def _tell(value: dict[str, Any]) -> None:
    console.print(f"The {value['kind']} holds: entry {value['index']} of a log of {value['size']}.", highlight=False)
    if value["claimed"]:
        console.print("  A receipt signs neither index nor size: give --checkpoint to make sure of them.")
    for row in value["parties"]:
        console.print(f"  cosigned by {row['party']} at {row['at']}", highlight=False)
    if value["awaited"]:
        who = who_is_awaited([row["party"] for row in value["parties"]], value["awaited"])
        console.print(f"It is OPEN: nothing is wrong with it, but {who}, then ask for a fresh proof.", highlight=False)
