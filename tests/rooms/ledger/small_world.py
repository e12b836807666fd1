"""A small log in memory and the people around it, for the tests of the ledger.

The naive tree below is written straight from the definitions of RFC 9162 section 2.1 and shares no code with the room.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from custody.kernel import cbor, cose
from custody.kernel.errors import NotFound, Rejected
from custody.kernel.keys import SoftwareSigner, new_signer
from custody.ledger.checkpoint import Checkpoint, sign_checkpoint
from custody.ledger.merkle import Frontier, leaf_hash
from custody.ledger.note import Ed25519Verifier, text_key
from custody.ledger.policy import Policy, Registrar
from custody.ledger.statements import (
    SigningRegistrar,
    StationInfo,
    Step,
    make_key_add,
    make_key_revoke,
    make_policy,
    make_possession,
)
from custody.ledger.tiles import ENTRIES, WIDTH, TileId, encode_bundle, extend_tiles, tiles_of

ORIGIN = "log.weaklink.example/2026q4"
SUB = "urn:uuid:6f1f6f0e-0000-4000-8000-000000000001"
SCAN = "application/vnd.weaklink.scan+epcis"


def signer(number: int) -> SoftwareSigner:
    """The Ed25519 key pair number `number` of this world."""
    return new_signer(seed=number.to_bytes(32, "big"))


LOG, OPERATOR, REGISTRAR_A, REGISTRAR_B, REGISTRAR_C, STRANGER = (signer(number) for number in range(1, 7))
LOG_VERIFIER = Ed25519Verifier(key=text_key(ORIGIN, LOG.public))


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of a list of leaf hashes, by its definition."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = naive_split(len(leaves))
    return hashlib.sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def naive_split(size: int) -> int:
    """The largest power of two below `size`."""
    return max(1 << bit for bit in range(size.bit_length()) if 1 << bit < size)


def naive_inclusion(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D_n), by its definition."""
    if len(leaves) == 1:
        return []
    split = naive_split(len(leaves))
    if index < split:
        return [*naive_inclusion(index, leaves[:split]), naive_root(leaves[split:])]
    return [*naive_inclusion(index - split, leaves[split:]), naive_root(leaves[:split])]


def naive_consistency(old: int, leaves: Sequence[bytes], *, whole: bool = True) -> list[bytes]:
    """SUBPROOF(m, D_n, b), by its definition."""
    if old == len(leaves):
        return [] if whole else [naive_root(leaves)]
    split = naive_split(len(leaves))
    if old <= split:
        return [*naive_consistency(old, leaves[:split], whole=whole), naive_root(leaves[split:])]
    return [*naive_consistency(old - split, leaves[split:], whole=False), naive_root(leaves[:split])]


class NaiveReader:
    """A `HashReader` over a list of leaf hashes that remembers what it was asked."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._leaves = leaves
        self.asked: list[tuple[int, int]] = []

    def read(self, level: int, index: int) -> bytes:
        """The root of a complete subtree."""
        self.asked.append((level, index))
        start, end = index << level, (index + 1) << level
        assert end <= len(self._leaves), "only complete subtrees may be asked for"
        return naive_root(self._leaves[start:end])


def leaves_of(count: int) -> list[bytes]:
    """Leaf hashes of `count` short entries."""
    return [leaf_hash(f"entry {number}".encode()) for number in range(count)]


class MemoryLog:
    """A log that keeps every tile by its path, as a folder would."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.files: dict[str, bytes] = {}
        self.frontier = Frontier()
        self._edge: dict[int, bytes] = {}

    def append(self, entries: Sequence[bytes]) -> "MemoryLog":
        """Append one group of entries."""
        first = self.frontier.size // WIDTH
        growth = extend_tiles(self.frontier, self._edge, [leaf_hash(entry) for entry in entries])
        self.files.update({tile.id.path: tile.data for tile in growth.tiles})
        self.frontier, self._edge = growth.frontier, dict(growth.edge)
        self.entries.extend(entries)
        for bundle in tiles_of(self.frontier.size, ENTRIES, first=first):
            held = self.entries[bundle.number * WIDTH :][: bundle.width]
            self.files[bundle.path] = encode_bundle(held)
        return self

    def get(self, tile: TileId) -> bytes:
        """The bytes of a tile or bundle."""
        if tile.path not in self.files:
            raise NotFound("tile", f"there is no {tile.path}", fix="Ask for another.")
        return self.files[tile.path]

    def head(self) -> Checkpoint:
        """The checkpoint of the present size."""
        return Checkpoint(origin=ORIGIN, size=self.frontier.size, root=self.frontier.root())

    def note(self) -> bytes:
        """The signed checkpoint."""
        return sign_checkpoint(self.head(), LOG)

    def set_entry(self, index: int, entry: bytes) -> None:
        """Put other bytes where an entry was, in its last bundle only."""
        number, first = index // 256, index // 256 * 256
        entries = self.entries[first : first + 256]
        entries[index - first] = entry
        level = -1
        self.files[TileId(level=level, number=number, width=len(entries)).path] = encode_bundle(entries)


def refused(act: Callable[..., Any], *values: Any, code: str | None = None, **named: Any) -> Rejected:
    """Run `act`, demand that it raises `Rejected` (with that code), and return the error."""
    with pytest.raises(Rejected) as caught:
        act(*values, **named)
    assert code is None or caught.value.code == code, caught.value
    assert caught.value.fix, "an error says what to do"
    return caught.value


def flips(raw: bytes) -> list[bytes]:
    """Every message that differs from `raw` in one bit of one byte; the bit moves from byte to byte."""
    return [raw[:at] + bytes([raw[at] ^ (1 << at % 8)]) + raw[at + 1 :] for at in range(len(raw))]


def registrar(name: str, key: SoftwareSigner) -> Registrar:
    """A registrar."""
    return Registrar(name=name, key=key.public)


def policy(**changes: Any) -> Policy:
    """The policy of this world: three registrars, two of whom must approve a change of trust."""
    registrars = (
        registrar("carrier", REGISTRAR_A),
        registrar("ombudsman", REGISTRAR_B),
        registrar("shop", REGISTRAR_C),
    )
    values: dict[str, Any] = {
        "origin": ORIGIN,
        "version": 1,
        "log_key": LOG.public,
        "operator_key": OPERATOR.public,
        "registrars": registrars,
        "threshold": 2,
        "rules": {"lock": {"hours": 72}},
    }
    return Policy(**{**values, **changes})


def policy_statement(
    body: Policy | None = None, *, approvals: Sequence[bytes] = (), by: SoftwareSigner = OPERATOR
) -> bytes:
    """A policy statement."""
    return make_policy(body or policy(), approvals=approvals, signer=by, sub=SUB, iat_s=1_790_000_000)


def info(station: str = "bench-07") -> StationInfo:
    """A station at a place."""
    return StationInfo(
        station=station,
        site="https://id.gs1.org/414/9521473000102/254/BENCH07",
        place="Packing bench 7",
        step=Step.PACK,
        custodian="https://id.gs1.org/417/9521473000003",
    )


def key_add(
    station_key: SoftwareSigner,
    *,
    station: str = "bench-07",
    by: SoftwareSigner = REGISTRAR_A,
    name: str = "carrier",
    origin: str = ORIGIN,
) -> bytes:
    """An enrolment."""
    return make_key_add(
        info(station),
        origin=origin,
        key=station_key.public,
        possession=make_possession(origin=origin, station=station, signer=station_key, sub=SUB, iat_s=1),
        by=SigningRegistrar(name=name, signer=by, sub=SUB, iat_s=2),
    )


def key_revoke(
    station_key: SoftwareSigner,
    *,
    suspect_from: int,
    station: str = "bench-07",
    by: SoftwareSigner = REGISTRAR_B,
    name: str = "ombudsman",
) -> bytes:
    """A revocation."""
    return make_key_revoke(
        origin=ORIGIN,
        station=station,
        kid=station_key.public.kid,
        suspect_from=suspect_from,
        reason="handheld stolen",
        by=SigningRegistrar(name=name, signer=by, sub=SUB, iat_s=3),
    )


def scan(
    key: SoftwareSigner, seq: int, prev: bytes | None, *, station: str = "bench-07", content: bytes = b"scan"
) -> bytes:
    """A station's statement with its place in the station's chain."""
    claims: dict[Any, Any] = {1: f"urn:weaklink:station:{station}", 2: SUB, 6: 1_790_000_000, "seq": seq}
    if prev is not None:
        claims["prev"] = prev
    return cose.sign({15: claims, 258: -16, 259: SCAN}, hashlib.sha256(content).digest(), key)


def chain(key: SoftwareSigner, count: int, *, station: str = "bench-07") -> list[bytes]:
    """`count` statements of one station, each naming the one before."""
    statements: list[bytes] = []
    prev = None
    for seq in range(1, count + 1):
        statements.append(scan(key, seq, prev, station=station, content=f"scan {seq}".encode()))
        prev = cose.parse(statements[-1]).digest
    return statements


def resigned(statement: bytes, key: SoftwareSigner, /, **members: Any) -> bytes:
    """The statement with members of its payload changed (None: taken out), signed again with `key`."""
    message = cose.parse(statement)
    assert message.payload is not None
    payload = {**cbor.decode(message.payload), **members}
    payload = {name: value for name, value in payload.items() if value is not None}
    protected = {label: value for label, value in message.protected.items() if label not in {cose.ALG, cose.KID}}
    return cose.sign(protected, cbor.encode(payload), key)
