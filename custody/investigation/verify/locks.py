"""Step 7: what the handset was told, and what it answered, at the level of signatures.

- A command is a signed map for this device and this order. A LOCK verifies under the lock key alone, an UNLOCK or a
  RETIRE under the unlock key or the lock key; the operator of the log issues all of them.
- An answer is signed by the device's enrolled key and names the command.
- The device's key is the one whose thumbprint the log had recorded, when the handset was registered, before the order's
  first step. Where there are commands, that record is here, or one of the order is closed.
- The lock and unlock keys are those that the rules of the log's policies name (`lock_keys`), where they name any. Each
  command is signed by one that the policy in force named when a record of the order first told of the command. A LOCK
  that no record tells of is refused, unless a record of the order is closed. A release that none tells of (a handset
  woke up after its order had ended) is judged by every policy.
- Where there are commands, the unlock key is there: without it their rules cannot be read in full.
- The time that locks.json gives a command is the signed one, to the second. That of an answer is the one at which a
  record tells of it in the device's own name; where none does, it is named as the operator's word.
- Every order that a record of a lock in the pack names is listed, with every command that its records name, and with
  the answer to each of which they say that the device itself gave it. So is one that the customer was paid for, unless
  the case was joined into another one. One that was announced to the customer and is not listed is named. Records of a
  lock that the pack leaves out altogether cannot be missed here, so that it holds none of them proves nothing.
- The steps of the order are records of the log about its device, and the last of them has the state that locks.json
  gives. Where a later record that is listed is closed, that is said instead.

What a device would make of a command (counters, nonces, times) is for the rules of the device lock.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from custody.investigation.pack import log as pack_log
from custody.investigation.pack.locks import TABLE, LockCommand, LockFile, LockHistory, LockKeys, ack_name, command_name
from custody.investigation.verify.case import MERGED, told_of
from custody.investigation.verify.form import OpenedPack
from custody.investigation.verify.scans import ANNOUNCED, records_of
from custody.investigation.verify.verification import Notebook
from custody.kernel import cbor, cose
from custody.kernel.clock import SECOND_MS, to_iso
from custody.kernel.errors import Rejected
from custody.kernel.keys import PublicKey
from custody.ledger.policy import Policy
from custody.ledger.registry import Registry

COMMAND = "application/vnd.weaklink.lock-command+cbor"
ACK = "application/vnd.weaklink.lock-ack+cbor"
DEVICE_URN = "urn:weaklink:device:"
COMMAND_URN = "urn:weaklink:command:"
BY_ANSWER = frozenset({"lock.locked", "lock.had_locked", "lock.released"})
"""The steps that a device's answer to a command makes, where the device is who took them and a command is named."""
PAID_FOR = "dispute.lock_compensation"
"""The step of a case that a wrong lock makes when it is over; from then on the lock goes to no other case by itself."""
AT_ONCE = "lock.locked"
"""The step that the first answer makes as it comes. The others may wait for more, or come of an answer's repetition."""

Records = Mapping[int, Mapping[str, Any]]


def check_locks(pack: OpenedPack, registry: Registry, notes: Notebook) -> None:
    """Step 7, commands to the handset and its answers; what is wrong or unchecked is noted."""
    records = records_of(pack.entries)
    hidden = _check_listed(pack, records, notes)
    if not pack.locks.orders and not hidden:
        notes.says("no record in the pack tells of anything done to the handset; that none was left out is not shown")
    if not pack.locks.orders:
        return
    issuer = pack_log.newest(registry).operator_iss
    _check_keys(pack.locks, registry, notes)
    for history in pack.locks.orders:
        _check_device(history, records, notes)
        _check_steps(pack, history, records, notes)
        answered: dict[str, bool] = {}
        for number, command in enumerate(history.commands, 1):
            where = command_name(history.order, number)
            try:
                signed = _check_command(command, history, pack.locks.keys, issuer)
                answered[signed.command] = command.ack is not None
                notes.holds(f"command {number} of {history.order} is signed", where)
                _check_named(signed, history, records, registry, notes, where=where)
                if command.ack is not None:
                    _check_ack(command.ack, command, history)
                    notes.holds("the handset's own key signed the answer to it", ack_name(history.order, number))
                    _check_taken_in(signed, command, history, records, notes, number=number)
            except Rejected as error:
                notes.fails(error.detail, where)
        _check_hidden(history, answered, records, notes)


def _check_listed(pack: OpenedPack, records: Records, notes: Notebook) -> set[str]:
    """The orders that records name and the pack does not list; those of a case may have gone on under another one."""
    case, listed = pack.case.dispute, {history.order for history in pack.locks.orders}
    named = {str(order) for _, order in told_of(records, case, "order", ANNOUNCED, PAID_FOR)} - listed
    paid_for = {str(order) for _, order in told_of(records, case, "order", PAID_FOR)} - listed
    hidden = _orders_in(records) - listed
    if not told_of(records, case, "into", MERGED):
        hidden |= paid_for
    for order in sorted(hidden):
        notes.fails(f"records of the log tell of the lock order {order}, which is not listed", TABLE)
    for order in sorted(named - hidden):
        notes.says(
            f"the lock order {order}, of which the customer was told, is not here: it may be of another case", TABLE
        )
    return hidden | named


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signed:
    """A command that one of the keys in locks.json signed; `role` is what that key is called there."""

    op: str
    command: str
    role: str
    key: PublicKey


def _check_keys(locks: LockFile, registry: Registry, notes: Notebook) -> None:
    pairs = [(role, key) for role, key in (("lock", locks.keys.lock), ("unlock", locks.keys.unlock)) if key is not None]
    if locks.keys.unlock is None and any(history.commands for history in locks.orders):
        notes.fails("there are commands and no unlock key, so what the commands say cannot be read in full", TABLE)
    if not any(_names(row.policy) for row in registry.policies):
        notes.says("the log's policy names no keys for commands; those in locks.json are the pack's own word", TABLE)
    elif wrong := [role for role, key in pairs if not _ever_named(role, key, registry)]:
        notes.fails(f"the {' and '.join(wrong)} key is not one that the log's policy names", TABLE)
    else:
        notes.holds("the keys that sign commands are those that the log's policy names", TABLE)


def _check_named(
    signed: _Signed, history: LockHistory, records: Records, registry: Registry, notes: Notebook, *, where: str
) -> None:
    """Whether the key was the one that the policy named when the log was told of the command."""
    told = [
        index
        for index, fields in records.items()
        if _is_step(fields, history.order) and fields.get("command") == signed.command
    ]
    if told:
        named = _names(registry.policy_at(min(told)).policy)
        if not named:
            notes.says(f"the log's policy named no keys for commands at entry {min(told)}", where)
        elif named.get(signed.role) != signed.key.kid:
            raise _bad(f"its key was not the {signed.role} key that the log's policy named at entry {min(told)}")
    elif signed.op == "lock" and records.keys() >= set(history.indexes):
        raise _bad("no record of the log tells of this lock")
    else:
        notes.says("no record that can be opened tells when it was signed", where)


def _names(policy: Policy) -> Mapping[str, Any]:
    """The thumbprints of the keys for commands that a policy names; empty if it names none."""
    named = policy.rules.get("lock_keys")
    return named if isinstance(named, Mapping) else {}


def _ever_named(role: str, key: PublicKey, registry: Registry) -> bool:
    return any(_names(row.policy).get(role) == key.kid for row in registry.policies)


def _check_device(history: LockHistory, records: Records, notes: Notebook) -> None:
    steps = [index for index, fields in records.items() if _is_step(fields, history.order)]
    registered = {
        index: fields.get("kid")
        for index, fields in records.items()
        if fields["kind"] == "device.registered" and fields.get("device") == history.device
    }
    before = [kid for index, kid in sorted(registered.items()) if not steps or index < min(steps)]
    if not registered:
        may_be = not history.commands or not records.keys() >= set(history.indexes)
        said = f"the pack does not show when the key of {history.device} was registered"
        notes.tell(said, TABLE, ok=None if may_be else False)
    elif before and before[-1] == history.device_key.kid:
        notes.holds(f"the key of {history.device} is the one that was registered", TABLE)
    else:
        notes.fails(f"the key of {history.device} is not the one that was registered", TABLE)


def _check_steps(pack: OpenedPack, history: LockHistory, records: Records, notes: Notebook) -> None:
    if missing := [index for index in history.indexes if pack.entry(index) is None]:
        notes.fails(f"records of {history.order} are not in the pack: {', '.join(map(str, missing))}", TABLE)
    steps = {index: fields for index, fields in sorted(records.items()) if _is_step(fields, history.order)}
    if any(fields.get("device") != history.device for fields in steps.values()):
        notes.fails(f"records of {history.order} tell of another device than {history.device}", TABLE)
    if not steps:
        notes.says(f"no record of {history.order} can be opened", TABLE)
        return
    last, state = max(steps), steps[max(steps)]["state"]
    if any(index > last and index not in records for index in history.indexes):
        why = f"a record of it after entry {last} cannot be opened"
        notes.says(f"{history.order} is {history.state} on the operator's word: {why}", TABLE)
    elif state != history.state:
        notes.fails(f"{history.order} is {history.state} in locks.json and {state} in the log", TABLE)
    else:
        notes.holds(f"{history.order} is {history.state}, as the last of its {len(steps)} records says", TABLE)


def _check_hidden(history: LockHistory, answered: Mapping[str, bool], records: Records, notes: Notebook) -> None:
    """Whether all that the records tell of the order's commands is here; `answered` are those that are."""
    steps = [fields for fields in records.values() if _is_step(fields, history.order) and "command" in fields]
    if gone := {str(fields["command"]) for fields in steps} - answered.keys():
        notes.fails(f"records of {history.order} tell of commands that are not here: {', '.join(sorted(gone))}", TABLE)
    for fields in steps:
        said = fields["kind"] in BY_ANSWER and _is_own_step(fields, history)
        if said and answered.get(str(fields["command"])) is False:
            notes.fails(f"records of {history.order} tell of an answer that is not here: {fields['command']}", TABLE)


def _check_taken_in(
    signed: _Signed, command: LockCommand, history: LockHistory, records: Records, notes: Notebook, *, number: int
) -> None:
    """Whether the answer came when a record of the order tells of it, in the device's own name."""
    where, own = ack_name(history.order, number), []
    for fields in records.values():
        named = fields["kind"] in BY_ANSWER and fields.get("command") == signed.command
        if (named or fields.get("ack") == command.ack) and _is_own_step(fields, history):
            own.append(fields)
    if command.acked_ms in {fields.get("at_ms") for fields in own}:
        notes.holds("the answer was taken in when the log was told of it", where)
    elif any(fields["kind"] == AT_ONCE for fields in own):
        notes.fails("the answer was taken in at another time than the log was told of it", where)
    else:
        answer = f"the answer to command {number} of {history.order}"
        came = to_iso(command.acked_ms or 0)
        notes.says(f"when {answer} came ({came}) is told by no record: on the operator's word", where)


def _is_own_step(fields: Mapping[str, Any], history: LockHistory) -> bool:
    return _is_step(fields, history.order) and fields.get("actor") == history.device


def _orders_in(records: Records) -> set[str]:
    """The lock orders whose steps the records tell."""
    return {str(fields.get("order")) for fields in records.values() if fields["kind"].startswith("lock.")}


def _is_step(fields: Mapping[str, Any], order: str) -> bool:
    return fields["kind"].startswith("lock.") and fields.get("order") == order and "state" in fields


def _check_command(command: LockCommand, history: LockHistory, keys: LockKeys, issuer: str) -> _Signed:
    message, body = _read(command.raw, COMMAND)
    if message.claims.get(cose.ISS) != issuer or message.claims.get(cose.SUB) != DEVICE_URN + history.device:
        raise _bad("the command is by another operator or for another device")
    if body.get("order") != history.order or not isinstance(body.get("id"), str):
        raise _bad("the command belongs to another order")
    if message.claims.get(cose.IAT) != command.issued_ms // SECOND_MS:
        raise _bad("the command was not signed when locks.json says")
    for role, key in _allowed(body.get("op"), keys):
        if key.kid == message.kid:
            message.verify(key)
            return _Signed(op=body["op"], command=body["id"], role=role, key=key)
    raise _bad(f"no key that may sign {body.get('op')!r} signed the command")


def _allowed(op: Any, keys: LockKeys) -> Iterator[tuple[str, PublicKey]]:
    if keys.lock is not None and op in {"lock", "unlock", "retire"}:
        yield "lock", keys.lock
    if keys.unlock is not None and op in {"unlock", "retire"}:
        yield "unlock", keys.unlock


def _check_ack(raw: bytes, command: LockCommand, history: LockHistory) -> None:
    message, _ = _read(raw, ACK)
    _, body = _read(command.raw, COMMAND)
    if message.claims.get(cose.ISS) != DEVICE_URN + history.device:
        raise _bad("the answer is by another device")
    if message.claims.get(cose.SUB) != f"{COMMAND_URN}{body['id']}":
        raise _bad("the answer is to another command")
    if message.kid != history.device_key.kid:
        raise _bad("the answer names another key than the device's")
    message.verify(history.device_key)


def _read(raw: bytes, kind: str) -> tuple[cose.Sign1, dict[str, Any]]:
    message = cose.parse(raw)
    if message.protected.get(cose.CONTENT_TYPE) != kind or message.payload is None or message.unprotected:
        raise _bad(f"it is not a {kind}")
    body = cbor.decode(message.payload)
    if not isinstance(body, dict):
        raise _bad("it carries no map")
    return message, body


def _bad(why: str) -> Rejected:
    return Rejected("lock", f"the lock history does not hold: {why}", fix="Ask the operator for the signed bytes.")
