"""`weaklink log audit`: re-hashes a log that somebody else keeps, and trusts nobody.

Exit codes (outcome.py): 0 the log itself is sound; 1 something is wrong with it; 2 what was given to the command cannot
be used; 3 nothing that was seen is wrong, but the log could not be read to the end, or the witnesses that were asked
for have not countersigned. What a faithful log says of people (a station's broken chain, say) is shown too, and is no
fault of the log; nor is it one if witnesses are missing, while a countersignature that does not verify is one of the
checkpoint. In JSON `outcome` says which it is, `ok` is true for 0 alone and `wrong` for 1 alone.

A file that is missing or changed makes the log wrong as it is served there, and is evidence against nobody: whoever
keeps the files may have done it, and `files_hold` is false. Nor are fewer entries than before, since any copy may be
old. Two pasts are evidence, and entries that are none under a root that the log's key signed.

Who cosigned stands in `cosigned` by the policy that the auditor gave, and in `named` by those of the log, which prove
nothing to whoever does not trust the log: its purposes may have any name. `cosigned_age_s` says how old the newest of
them is: a log whose witnesses are away shows the checkpoint of before, and is sound as far as that goes.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from api.cli.client import console, errors, fail, show, tell_trouble
from api.cli.log_source import open_log, read_checkpoint, read_policy
from api.cli.outcome import Outcome, who_is_awaited
from api.version import VERSION
from custody.kernel.clock import HOUR_MS, SECOND_MS
from custody.kernel.errors import Trouble, Unavailable
from custody.kernel.system_clock import SystemClock
from custody.ledger.audit import GAVE_UP, UNSOUND, Audit
from custody.ledger.audit_tree import FORK, ROLLBACK
from custody.ledger.kept_audit import Kept, read_kept, write_kept
from custody.ledger.replay import About, AuditFinding
from custody.ledger.witness_policy import NO_QUORUM, Witnessed
from custody.store.durable_file import check_replaceable, replace_file

UNREAD = frozenset({"unavailable", "root-unknown", GAVE_UP})
SHOWN = 200
TELL_EVERY_S = 2.0
KEEP_EVERY_S = 30.0
HOUR_S = HOUR_MS // SECOND_MS
OLD_S = HOUR_S
"""A newest countersignature of so long ago is told: its witnesses may be away while the log goes on."""


def audit(
    source: Annotated[
        str | None, typer.Argument(help="The log's or the service's URL, or a folder; the service by default.")
    ] = None,
    vkey: Annotated[str | None, typer.Option(help="The log's key as you know it; else the one it gives.")] = None,
    since: Annotated[list[Path] | None, typer.Option(help="A checkpoint you kept: the log must extend it.")] = None,
    state: Annotated[Path | None, typer.Option(help="Your own file: go on from it, and bring it up to date.")] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Read everything again, whatever the state says.")] = False,
    witnesses: Annotated[Path | None, typer.Option(help="A policy (C2SP tlog-policy) whose quorum you demand.")] = None,
    most: Annotated[int | None, typer.Option(min=0, help="Read no more new entries than this; else exit 3.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False,
) -> None:
    """Re-hash everything from the tiles and say what is wrong, at which index.

    Exit 0: the log itself is sound; 1: something is wrong with it; 2: what was given cannot be used; 3: it is OPEN,
    nothing that was read is wrong, but it could not be read to the end or witnesses you asked for did not countersign.

    Example: `weaklink log audit https://log.example --vkey "$(cat log.vkey)" --state log.state`.
    """
    began = time.monotonic()
    with open_log(source, vkey) as (reading, log):
        try:
            if state is not None:
                _check_place(state)
            kept = read_kept(state.read_bytes(), log) if state is not None and state.is_file() else None
            run = Audit(
                get_checkpoint=reading.checkpoint,
                get_tile=reading.tile,
                log=log,
                earlier=[read_checkpoint(file, log)[0] for file in since or ()],
                witnesses=None if witnesses is None else read_policy(witnesses, log.key),
                kept=kept,
                whole=whole,
                most=most,
            )
            run.progress = _Watch(run, state, quiet=quiet)
            findings = list(run.run())
            unkept = _keep(run, state)
        except Unavailable as trouble:
            fail(trouble.detail, fix=trouble.fix, code=3)
        except Trouble as trouble:
            fail(trouble.detail, fix=trouble.fix, code=2)
        except OSError as error:
            fail(f"{error.filename} cannot be read or written: {error.strerror}", fix="Check the name.", code=2)
    first = run.kept.start if run.kept and not whole else 0
    value = _report(run, findings, key="given" if vkey else "the service's own", first=first)
    show({**value, "seconds": round(time.monotonic() - began, 1)}, as_json=as_json, human=_tell)
    if unkept:
        tell_trouble(f"{state} was not written: {unkept}", "Its next audit reads again what this one has read.")
    raise typer.Exit(Outcome(value["outcome"]).code)


class _Watch:
    """Says on stderr how much there is to read and how far the audit is, and keeps its place now and then."""

    def __init__(self, run: Audit, state: Path | None, *, quiet: bool) -> None:
        self._run = run
        self._state = state
        self._quiet = quiet
        self._kept = self._began = time.monotonic()
        self._said_s = self._began - TELL_EVERY_S

    def __call__(self, done: int, size: int) -> None:
        now = time.monotonic()
        if not self._quiet and now - self._said_s >= TELL_EVERY_S:
            self._said_s = now
            errors.print(f"{done:,} of {size:,} entries, {now - self._began:.0f} s", highlight=False)
        if now - self._kept >= KEEP_EVERY_S:
            self._kept = now
            _keep(self._run, self._state)


def _check_place(state: Path) -> None:
    """Say before anything is read that no state could be written there; raises `OSError` for what is no file."""
    check_replaceable(state)
    if not state.parent.is_dir():
        fail(f"{state.parent} is no folder", fix="Make it first, or choose another --state.", code=2)


def _keep(run: Audit, state: Path | None) -> str:
    """Bring the state up to date; why not, if it could not be written, which changes nothing about the log."""
    kept: Kept | None = run.keep() if state is not None else None
    try:
        if state is not None and kept is not None:
            replace_file(state, write_kept(kept))
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _report(run: Audit, findings: list[AuditFinding], *, key: str, first: int) -> dict[str, Any]:
    unsound = [row for row in findings if row.about in UNSOUND]
    wrong = any(row.code not in UNREAD and row.code != NO_QUORUM for row in unsound)
    registry = run.replay.registry
    return {
        "version": VERSION,
        "outcome": Outcome.WRONG if wrong else Outcome.OPEN if unsound else Outcome.SOUND,
        "ok": not unsound,
        "wrong": wrong,
        "files_hold": run.files_hold,
        "key": key,
        "origin": run.head.origin if run.head else None,
        "size": run.head.size if run.head else None,
        "root": run.head.root.hex() if run.head else None,
        "from": first,
        "policies": len(registry.policies),
        "station_keys": len(registry.keys),
        "revoked": sum(row.revoked_at is not None for row in registry.keys.values()),
        "stations": len(run.replay.chains),
        "kinds": dict(sorted(run.replay.kinds.items())),
        "cosigned": {"given": _parties(run.demanded)} if run.demanded else {},
        "named": {purpose: _parties(seen) for purpose, seen in run.named.items()},
        "cosigned_age_s": _cosigned_age_s(run),
        "findings": [
            {"about": str(row.about), "code": row.code, "detail": row.detail, "index": row.index} for row in findings
        ],
    }


def _parties(seen: Witnessed) -> dict[str, Any]:
    parties = [{"party": row.party, "at": row.at} for row in seen.parties]
    return {"enough": seen.satisfied, "parties": parties, "awaited": list(seen.awaited)}


def _cosigned_age_s(run: Audit) -> int | None:
    """How long ago the newest countersignature was made, by the auditor's policy if there is one.

    None if there is none, or none that says it was made before now.
    """
    now_s = SystemClock().now_ms() // SECOND_MS
    seen = [run.demanded] if run.demanded else run.named.values()
    return min((now_s - row.at_s for each in seen for row in each.parties if row.at_s <= now_s), default=None)


def _tell_finding(found: dict[str, Any]) -> None:
    where = "" if found["index"] is None else f" at {found['index']}"
    console.print(Text.assemble((found["about"], "red"), f" {found['code']}{where}: {found['detail']}"))


def _tell(value: dict[str, Any]) -> None:
    if value["size"] is not None:
        console.print(f"{value['origin']}: {value['size']:,} entries, root {value['root']}", highlight=False)
        kinds = [f"{count:,} {kind.rpartition('.')[2]}" for kind, count in value["kinds"].items()]
        keys = f"{value['station_keys']} station keys, {value['revoked']} revoked"
        console.print(f"  {', '.join(kinds) or 'no statement that can be read'}; {keys}", highlight=False)
    if value["from"]:
        console.print(f"  read from entry {value['from']:,} on; those before were hashed in an earlier audit")
    if value["key"] != "given":
        console.print("  the log's key is only the service's own word: give --vkey to hold it against one you trust")
    yours = [("your policy", seen) for seen in value["cosigned"].values()]
    for whose, seen in [*yours, *((f"the log's own for {purpose}", seen) for purpose, seen in value["named"].items())]:
        names = ", ".join(f"{row['party']} at {row['at']}" for row in seen["parties"]) or "nobody"
        console.print(f"  {whose}: cosigned by {names}; {'enough' if seen['enough'] else 'not enough'}")
    age_s = value["cosigned_age_s"]
    if age_s is not None and age_s >= OLD_S:
        hours = age_s // HOUR_S
        old = f"{hours} hour{'s' if hours > 1 else ''} old"
        console.print(f"  the newest of these is {old}: what came since, if anything did, is not in this checkpoint")
    shown, more = value["findings"][:SHOWN], value["findings"][SHOWN:]
    for found in shown:
        _tell_finding(found)
    if more:
        console.print(f"... and {len(more):,} more; --json shows all of them")
        for found in more:
            if found["code"] == GAVE_UP:
                _tell_finding(found)
    for line in _ending(value):
        console.print(line)


def _ending(value: dict[str, Any]) -> Iterator[str]:
    """What it comes to. Only what the log's key signed is evidence against whoever holds the key."""
    broken = {row["code"] for row in value["findings"] if row["about"] == About.LOG} - UNREAD
    if broken and value["size"] is None:
        yield "No checkpoint could be opened with this key, so nothing was checked: the key or the log is another one."
    elif broken:
        yield f"Something is WRONG with the log. {_evidence(broken, files_hold=value['files_hold'])}"
    elif any(row["about"] == About.LOG for row in value["findings"]):
        yield "The log could NOT be read to the end; nothing that could be read is wrong."
    else:
        holds = "is sound" if value["ok"] else "holds"
        yield f"The log {holds}: every entry was hashed again and leads to the signed root."
    if not value["files_hold"] and any(row["about"] not in UNSOUND for row in value["findings"]):
        yield "What is said here of stations, keys and statements counts against nobody until every file can be read."
    if any(row["about"] == About.WITNESS and row["code"] != NO_QUORUM for row in value["findings"]):
        yield "A countersignature is WRONG: whoever served the checkpoint put it there, or it was damaged on its way."
    for seen in value["cosigned"].values():
        if not seen["enough"]:
            yield "The witnesses you asked for did not countersign."
        if not seen["enough"] and value["outcome"] == Outcome.OPEN:
            who = who_is_awaited([row["party"] for row in seen["parties"]], seen["awaited"])
            yield f"It is OPEN: nothing is wrong, but {who}, then audit again."


def _evidence(broken: set[str], *, files_hold: bool) -> str:
    """What there is to keep, and whether it is evidence."""
    if not files_hold:
        return (
            "Files are missing, or not those that its checkpoint is over: keep the checkpoint, and audit the log where "
            "else it can be read, for whoever keeps these files may have changed or lost them."
        )
    if broken == {ROLLBACK}:
        return (
            "It shows fewer entries than before: an older copy, or it was set back. Keep both checkpoints, and ask "
            "elsewhere for the newest."
        )
    if FORK in broken:
        return "It has shown two pasts. Keep both checkpoints: they are signed evidence."
    return "Keep its checkpoint: it is signed evidence."
