"""The lock history of an evidence pack: what the handset was told, on whose authority, and what it answered.

`locks.json` holds the operator's lock and unlock keys and, for each lock order, the device with its enrolled key, the
state, the log entries that tell the order's steps, and its commands in order. The signed bytes stand beside it:

| file | what |
|---|---|
| locks/<order>/01.command.cose | the signed command |
| locks/<order>/01.ack.cose | the handset's signed answer to it, where one came |

A handset's key is tied to the log by the record `device.registered`, which holds its thumbprint. The lock and unlock
keys are tied to it if the rules of the policy in force name their thumbprints: `lock_keys`: {`lock`: kid,
`unlock`: kid}.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from custody.investigation.pack.json_form import plain, read_as, read_json, unb64, write_json
from custody.kernel import cbor
from custody.kernel.base64url import b64
from custody.kernel.clock import Instant
from custody.kernel.errors import Rejected
from custody.kernel.keys import PublicKey, read_cose_key

TABLE = "locks.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockCommand:
    """A command as it was signed, and the answer; `acked_ms` is when the answer was taken in."""

    raw: bytes
    issued_ms: Instant
    ack: bytes | None = None
    acked_ms: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockHistory:
    """One lock order. `indexes` are the log entries of its steps and of the registration of its device."""

    order: str
    state: str
    device: str
    device_key: PublicKey
    commands: tuple[LockCommand, ...] = ()
    indexes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LockKeys:
    """The operator's public keys that sign commands; None if nothing was ever locked."""

    lock: PublicKey | None = None
    unlock: PublicKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockFile:
    """Everything about locks in a pack."""

    keys: LockKeys
    orders: tuple[LockHistory, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _CommandRow:
    issued_ms: Instant
    acked_ms: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _OrderRow:
    order: str
    state: str
    device: str
    device_key: str
    commands: tuple[_CommandRow, ...]
    indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    lock_key: str | None
    unlock_key: str | None
    orders: tuple[_OrderRow, ...]


def write_locks(locks: LockFile) -> dict[str, bytes]:
    """The files of the lock history."""
    files = {}
    for history in locks.orders:
        for number, command in enumerate(history.commands, 1):
            files[command_name(history.order, number)] = command.raw
            if command.ack is not None:
                files[ack_name(history.order, number)] = command.ack
    table = _Table(
        lock_key=_text(locks.keys.lock),
        unlock_key=_text(locks.keys.unlock),
        orders=tuple(_row(history) for history in locks.orders),
    )
    return files | {TABLE: write_json(plain(table))}


def read_locks(files: Mapping[str, bytes]) -> LockFile:
    """The lock history of a pack, no signature verified; raises `Rejected` for files that are not as listed."""
    if TABLE not in files:
        raise _bad(f"{TABLE} is missing")
    table = read_as(read_json(files[TABLE], where=TABLE), _Table, where=TABLE)
    if len({row.order for row in table.orders}) != len(table.orders):
        raise _bad("an order is listed twice")
    keys = LockKeys(lock=_key(table.lock_key), unlock=_key(table.unlock_key))
    return LockFile(keys=keys, orders=tuple(_history(files, row) for row in table.orders))


def names_of(orders: Sequence[LockHistory]) -> set[str]:
    """The files that belong to these orders."""
    names = {TABLE}
    for history in orders:
        for number, command in enumerate(history.commands, 1):
            names.add(command_name(history.order, number))
            if command.ack is not None:
                names.add(ack_name(history.order, number))
    return names


def command_name(order: str, number: int) -> str:
    """The file of a command."""
    return f"locks/{order}/{number:02d}.command.cose"


def ack_name(order: str, number: int) -> str:
    """The file of the answer to a command."""
    return f"locks/{order}/{number:02d}.ack.cose"


def _row(history: LockHistory) -> _OrderRow:
    return _OrderRow(
        order=history.order,
        state=history.state,
        device=history.device,
        device_key=b64(cbor.encode(history.device_key.cose_key())),
        commands=tuple(_CommandRow(issued_ms=row.issued_ms, acked_ms=row.acked_ms) for row in history.commands),
        indexes=history.indexes,
    )


def _history(files: Mapping[str, bytes], row: _OrderRow) -> LockHistory:
    commands = []
    for number, command in enumerate(row.commands, 1):
        raw, ack = files.get(command_name(row.order, number)), files.get(ack_name(row.order, number))
        if raw is None or (ack is None) != (command.acked_ms is None):
            raise _bad(f"command {number} of {row.order}, or the answer to it, is missing or not listed")
        commands.append(LockCommand(raw=raw, issued_ms=command.issued_ms, ack=ack, acked_ms=command.acked_ms))
    return LockHistory(
        order=row.order,
        state=row.state,
        device=row.device,
        device_key=read_cose_key(cbor.decode(unb64(row.device_key, where=TABLE))),
        commands=tuple(commands),
        indexes=row.indexes,
    )


def _text(key: PublicKey | None) -> str | None:
    return None if key is None else b64(cbor.encode(key.cose_key()))


def _key(text: str | None) -> PublicKey | None:
    return None if text is None else read_cose_key(cbor.decode(unb64(text, where=TABLE)))


def _bad(why: str) -> Rejected:
    return Rejected("pack_locks", f"the lock history does not fit together: {why}", fix="Ask for the pack as exported.")
