"""`weaklink verify`: checks an evidence pack offline, with neither service nor database.

    weaklink verify PACK.zip [--vkey VKEY] [--witnesses POLICY] [--json]

- `--vkey` is the log's key as the checker knows it (C2SP signed-note), so that a pack cannot bring its own log.
- `--witnesses` is a file with a witness policy of the checker's own (C2SP tlog-policy) for this log, in the place of
  those that the log names.

What a pack states and lets nobody check, such as the answer of an investigation without its inputs, is marked OPEN
and named in the last lines. So is a quorum that has not cosigned its head, which is nothing wrong with the pack: an
honest log is often ahead of its witnesses. In JSON `outcome` says so and `complete` is false, `ok` too where the
checker asked for that quorum, and the exit code is 3 (outcome.py). It is 2 if what was given to the command cannot be
used, be it the file, the key or a policy, which may be of another log, and 1 only for what is wrong with the pack.

Custody's check looks at commands and answers as signed messages. Here, where the rules of the device lock are known,
they are read in full as well: every field, the order of their counters, and that an answer is to that command.
"""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from api.cli.foreign_words import harmless, harmless_json
from api.cli.log_source import given_vkey
from api.cli.outcome import Outcome, who_is_awaited
from api.version import VERSION
from custody.investigation.pack.archive import MAX_PACK_BYTES
from custody.investigation.pack.locks import LockFile, LockHistory, ack_name, command_name
from custody.investigation.verify.form import open_pack
from custody.investigation.verify.log import log_key
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.verification import TITLES, PackFinding, PackStep, Verification
from custody.kernel.errors import NotFound, Rejected, Trouble
from custody.ledger.cosignature import read_log_key
from custody.ledger.note import text_key
from custody.ledger.witness_policy import parse_policy, policy_text
from devicelock.rules.ack import open_ack
from devicelock.rules.applied import NEVER
from devicelock.rules.command import KeyRing, open_command

MARKS = {True: "ok  ", False: "FAIL", None: "note"}
ZIP = b"PK"
"""What every pack begins with, whatever somebody did to the rest of it."""


def check_file(path: Path, *, vkey: str | None = None, witnesses: Path | None = None) -> Verification:
    """The verification of the pack in a file.

    Raises `NotFound` or `Rejected` for a file not to be read, and for a key or a policy of the checker's that is none
    or of another log than the key, the pack's own if none was given: that says nothing against the pack.
    """
    vkey = given_vkey(vkey)
    key = None if vkey is None else read_log_key(vkey)
    text = None if witnesses is None else policy_text(_read(witnesses, most=MAX_PACK_BYTES))
    policy = None if text is None else parse_policy(text)
    if policy is not None and key is not None:
        policy.demand_log(key)
    raw = _read(path, most=2 * MAX_PACK_BYTES)
    if not raw.startswith(ZIP):
        raise Rejected("file", f"{path} is no evidence pack", fix="Give the pack as it was exported.")
    verification = verify_pack(raw, vkey=vkey, witnesses=text)
    if not verification.size:
        return verification
    pack = open_pack(raw)
    if policy is not None and key is None and not any(check.step is PackStep.HEAD for check in verification.failures):
        policy.demand_log(text_key(pack.head.origin, log_key(pack)))
    checks = (*verification.checks, *_read_in_full(pack.locks))
    return replace(verification, checks=tuple(sorted(checks, key=lambda check: check.step)))


def render(verification: Verification, as_json: bool) -> str:
    """The verification for people, or as one JSON object; the pack's own words made harmless."""
    if as_json:
        found = [
            {**asdict(check), "step": int(check.step), "title": TITLES[check.step]} for check in verification.checks
        ]
        facts = {
            "version": VERSION,
            "outcome": outcome_of(verification),
            "ok": verification.ok,
            "complete": not verification.unchecked and not verification.unwitnessed,
            "dispute": verification.dispute,
            "origin": verification.origin,
            "size": verification.size,
        }
        return harmless_json({**facts, "checks": found})
    lines = []
    for step in PackStep:
        checks = [check for check in verification.checks if check.step is step]
        if checks:
            lines.append(f"{int(step):2} {TITLES[step]}")
            lines += [_line(check) for check in checks]
    return "\n".join([*lines, *_ending(verification)])


def outcome_of(verification: Verification) -> Outcome:
    """What a verification comes to, in one word."""
    if verification.wrong or not verification.checks:
        return Outcome.WRONG
    return Outcome.OPEN if verification.unchecked or verification.unwitnessed else Outcome.SOUND


def _ending(verification: Verification) -> Iterator[str]:
    if outcome_of(verification) is Outcome.WRONG:
        yield f"The pack is REFUSED: {_counted(len(verification.wrong))} against it."
        return
    counted = f"{_counted(len(verification.checks))}, none against it"
    yield f"The pack of case {harmless(verification.dispute)} holds: {counted}{_left_open(verification)}."
    for who in dict.fromkeys(who_is_awaited(check.cosigned, check.awaited) for check in verification.unwitnessed):
        yield f"It is OPEN: nothing is wrong with it, but {harmless(who)}, then ask for the pack again."


def _counted(findings: int) -> str:
    return "1 finding" if findings == 1 else f"{findings} findings"


def _left_open(verification: Verification) -> str:
    where = ", ".join(sorted({harmless(check.where) for check in verification.unchecked}))
    return f"; but it states what could NOT be checked: {where}" if where else ""


def _line(check: PackFinding) -> str:
    where = f"  [{harmless(check.where)}]" if check.where else ""
    mark = Outcome.OPEN if check.unchecked or check.awaited else MARKS[check.ok]
    return f"   {mark}  {harmless(check.what)}{where}"


def _read_in_full(locks: LockFile) -> Iterator[PackFinding]:
    """Commands and answers by the rules of the device lock; silent if nothing was done to a handset."""
    unlock = locks.keys.unlock
    if unlock is None:
        return
    for history in locks.orders:
        try:
            _read_history(history, KeyRing(lock=locks.keys.lock, unlock=unlock))
            what, ok = f"every command and answer of {history.order} keeps the rules of the device lock", True
        except Trouble as error:
            what, ok = f"{history.order}: {error.detail}", False
        yield PackFinding(step=PackStep.LOCKS, ok=ok, what=what, where=f"locks/{history.order}")


def _read_history(history: LockHistory, keys: KeyRing) -> None:
    latest = NEVER
    for number, row in enumerate(history.commands, 1):
        command = open_command(row.raw, keys)
        if (command.device, command.order) != (history.device, history.order) or command.pair <= latest:
            raise _bad(f"{command_name(history.order, number)} is for another device or order, or out of order")
        latest = command.pair
        if row.ack is None:
            continue
        ack = open_ack(row.ack, device=history.device, key=history.device_key)
        if ack.command_id != command.command_id:
            raise _bad(f"{ack_name(history.order, number)} is the answer to another command")


def _read(path: Path, *, most: int) -> bytes:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:  # a pipe or a device has no size of its own
            raw = b"" if size > most else file.read(most + 1)
    except OSError as error:
        raise NotFound("file", f"{path} cannot be read: {error.strerror}", fix="Check the name of the file.") from error
    if max(size, len(raw)) > most:
        raise Rejected("file", f"{path} is larger than {most} bytes", fix="Give the pack as it was exported.")
    return raw


def _bad(why: str) -> Rejected:
    return Rejected("lock", why, fix="Ask the operator for the signed bytes.")
