"""Registering a signed statement that came alone, through the log's standard door (SCRAPI, RFC 9943 section 6.3).

The registration policy; everything else is refused and leaves nothing behind:

| statement | is taken if |
|---|---|
| a scan | the key of that station signed it, enrolled and not revoked |
| policy, keys of stations and verifiers | replayed after the log as it stands, it has an effect |
| record | the operator's key of the policy in force signed it |

A statement that the log holds already is answered with its place and adds nothing, also under the other signature that
ECDSA has for it; under one that its key did not make it is refused. One with a subject of more than 200 characters, its
own or that of a statement in it, is refused. A scan that comes without its opening is kept and provable, takes its
place in the station's sequence, and counts for no parcel until its opening follows by the scanners' door. What a
verifier attests has a door of its own, as it says nothing without its opening (`take_attestation.py`).
"""

from dataclasses import dataclass
from typing import Any

import cbor2
from sqlmodel import Session

from custody.kernel import cbor, cose
from custody.kernel.clock import Instant
from custody.kernel.cose import Sign1
from custody.kernel.errors import Rejected
from custody.kernel.keys import ALGORITHMS, PublicKey, read_cose_key
from custody.ledger.attestation import ATTESTATION
from custody.ledger.policy import Policy
from custody.ledger.record import CONTENT_TYPE as RECORD
from custody.ledger.record import read_record
from custody.ledger.registry import KINDS
from custody.ledger.statements import (
    KEY_ADD,
    KEY_REVOKE,
    POLICY,
    check_subjects,
    read_key_add,
    read_key_revoke,
    read_policy,
)
from custody.ledger.tiles import MAX_ENTRY_BYTES
from custody.ledger.verifiers import VERIFIER_ADD, VERIFIER_REVOKE, read_verifier_add, read_verifier_revoke
from custody.scans.place import place_of
from custody.scans.scan import SCANS, ScanStatement, read_scan_statement
from custody.scans.tolerances import Tolerances
from custody.scans.view import StationHead
from custody.store import attestation_book, log_reader, number_book, registry_book, scan_book
from custody.store.log_book import NewEntry
from custody.store.number_book import Newest
from custody.store.policy_book import every_policy, newest_policy
from custody.store.tables import UnopenedRow
from custody.store.unit import House, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """Where a statement stands; `fresh` tells whether it was this call that put it there."""

    digest: bytes
    index: int
    fresh: bool


def register(house: House, statement: bytes, tolerances: Tolerances) -> Registered:
    """Put a statement into the log once; raises `Rejected`."""
    # 1. The form: a COSE_Sign1 with its payload, and no receipt. Its unprotected header is dropped.
    message = read_statement(statement)
    kind = message.protected.get(cose.PREIMAGE_CONTENT_TYPE, message.protected.get(cose.CONTENT_TYPE))
    # 2. Known already.
    with house.read() as session:
        held = _held(session, message)
    if held is not None:
        return held
    # 3. Its subject, and the policy for its kind.
    check_subjects(message)
    if kind in SCANS:
        scan = read_scan_statement(message.raw)
        with house.unit() as unit:
            return _once(unit, message) or register_scan(unit, scan, tolerances)
    if kind == RECORD:
        with house.unit() as unit:
            return _once(unit, message) or _register_record(unit, message)
    if isinstance(kind, str) and kind in KINDS:
        with house.unit() as unit:
            return _once(unit, message) or _register_change(unit, message, kind)
    if kind == ATTESTATION:
        raise _refused("an attestation comes with its opening, by POST /v1/attestations")
    raise _refused(f"statements of the kind {kind!r} are not taken")


def read_statement(statement: bytes) -> Sign1:
    """The statement with an empty unprotected header; raises `Rejected` if its form alone rules it out."""
    if len(statement) > MAX_ENTRY_BYTES:
        raise Rejected("too_large", f"the statement is {len(statement)} bytes", fix="Sign a digest of large content.")
    _check_algorithm(statement)
    message = cose.parse(statement)
    if message.payload is None:
        raise Rejected("payload_missing", "the payload is detached", fix="Attach the payload, or the digest of it.")
    if cose.VDS in message.protected:
        raise Rejected("cose", "this is a receipt, not a statement", fix="Send the statement that it is for.")
    return message.with_unprotected({}) if message.unprotected else message


def read_scan(statement: bytes) -> ScanStatement:
    """A scan's statement that may be registered by its form; raises `Rejected`."""
    message = read_statement(statement)
    check_subjects(message)
    return read_scan_statement(message.raw)


def _check_algorithm(statement: bytes) -> None:
    """Tell a wrong algorithm from a wrong form, because the answers differ."""
    value = cbor.decode(statement, strict=False)
    parts = value.value if isinstance(value, cbor2.CBORTag) else None
    if not isinstance(parts, list) or not parts or not isinstance(parts[0], bytes):
        return
    header: Any = cbor.decode(parts[0], strict=False)
    if isinstance(header, dict) and cose.ALG in header and header[cose.ALG] not in tuple(ALGORITHMS):
        raise Rejected("algorithm", f"the algorithm {header[cose.ALG]!r} is not taken", fix="Sign with -8 or -7.")


def _once(unit: Unit, message: Sign1) -> Registered | None:
    """Where it stands, if somebody registered it a moment ago; nobody else writes while this unit is open."""
    return _held(unit.session, message) if unit.log.size else None


def _held(session: Session, message: Sign1) -> Registered | None:
    """Where it stands, if the log holds it; raises `Rejected` if these bytes have a signature that its key never made.

    A digest covers what was signed, and not the signature.
    """
    index = scan_book.known_digests(session, [message.digest]).get(message.digest)
    if index is None:
        return None
    if log_reader.entry(session, index).raw != message.raw:
        message.verify(_key_named(session, message.kid))
    return Registered(digest=message.digest, index=index, fresh=False)


def _key_named(session: Session, kid: bytes) -> PublicKey:
    """The key of a statement that the log holds: of a station, a verifier, or of whom one of its policies names."""
    station, verifier = scan_book.station_keys(session, [kid]), attestation_book.verifier_keys(session, [kid])
    enrolled = station.get(kid) or verifier.get(kid)
    if enrolled is not None:
        return read_cose_key(cbor.decode(enrolled.cose_key))
    policies = [read_policy(raw).policy for raw in every_policy(session)]
    named = (key for policy in policies for key in (policy.operator_key, *(row.key for row in policy.registrars)))
    found = next((key for key in named if key.kid == kid), None)
    if found is None:
        raise _refused("the key that it names is nobody's")
    return found


def _append(unit: Unit, message: Sign1) -> Registered:
    index = unit.log.append([NewEntry.of(message.raw)])[0]
    return Registered(digest=message.digest, index=index, fresh=True)


def register_scan(unit: Unit, scan: ScanStatement, tolerances: Tolerances) -> Registered:
    """Put a scan's statement that the log does not hold into it, without its opening; raises `Rejected`."""
    key = scan_book.station_keys(unit.session, [scan.message.kid]).get(scan.message.kid)
    # 1. An enrolled key of that station, not revoked, made the signature.
    if key is None or key.station != scan.station:
        raise _refused(f"the key that it names is not one of {scan.station}")
    if key.revoked_idx is not None:
        raise _refused(f"the key of {scan.station} was revoked at entry {key.revoked_idx}")
    scan.message.verify(read_cose_key(cbor.decode(key.cose_key)))
    # 2. It is in the log, and waits for its opening.
    done = _append(unit, scan.message)
    unit.session.add(
        UnopenedRow(
            place=place_of(done.index), station=scan.station, seq=scan.seq, digest=done.digest, sub=scan.subject
        )
    )
    # 3. The station goes on from here, unless the judge would set such a scan apart.
    held = number_book.newest(unit.session, [scan.station]).get(scan.station)
    if takes_its_place(scan, held.head if held else None, unit.now_ms, tolerances):
        head = StationHead(seq=scan.seq, digest=scan.message.digest)
        number_book.go_on(unit.session, {scan.station: Newest(head, held.taken if held else b"")})
    return done


def takes_its_place(scan: ScanStatement, head: StationHead | None, now_ms: Instant, tolerances: Tolerances) -> bool:
    """Whether the station goes on from this statement: it follows the newest, or skips some, and is not from ahead."""
    newest, before = (head.seq, head.digest) if head else (0, None)
    follows = scan.seq > newest + 1 or (scan.seq == newest + 1 and scan.prev == before)
    return follows and scan.iat_s * 1000 - now_ms <= tolerances.skew_quarantine_ms


def _register_record(unit: Unit, message: Sign1) -> Registered:
    read_record(message.raw)
    policy = _policy(unit)
    if message.claims[cose.ISS] != policy.operator_iss:
        raise _refused("a record is issued by the operator of this log")
    message.verify(policy.operator_key)
    return _append(unit, message)


def _register_change(unit: Unit, message: Sign1, kind: str) -> Registered:
    # 1. The form, and a signature that is worth the replay: by the operator or a registrar in force.
    policy = _policy(unit)
    if kind == POLICY:
        check_subjects(*read_policy(message.raw).approvals)
        message.verify(policy.operator_key)
    else:
        message.verify(policy.registrar(message.kid).key)
    if kind == KEY_ADD:
        check_subjects(read_key_add(message.raw).possession)
    elif kind == VERIFIER_ADD:
        check_subjects(read_verifier_add(message.raw).possession)
    # 2. It has an effect on the registry, as every auditor will replay it.
    try:
        after = registry_book.after(unit.session, unit.log.size, message.raw)
    except Rejected as refusal:
        raise _refused(refusal.detail) from refusal
    done = _append(unit, message)
    # 3. The rows that the judge reads follow.
    if kind == KEY_ADD:
        registry_book.put_key(unit.session, after.station_key(read_key_add(message.raw).key.kid))
    elif kind == KEY_REVOKE:
        registry_book.put_key(unit.session, after.station_key(read_key_revoke(message.raw).kid))
    elif kind == VERIFIER_ADD:
        attestation_book.put_key(unit.session, after.verifier_key(read_verifier_add(message.raw).key.kid))
    elif kind == VERIFIER_REVOKE:
        attestation_book.put_key(unit.session, after.verifier_key(read_verifier_revoke(message.raw).kid))
    return done


def _policy(unit: Unit) -> Policy:
    return read_policy(newest_policy(unit.session)).policy


def _refused(why: str) -> Rejected:
    return Rejected("registration", f"the registration policy does not take it: {why}", fix="Read the log's policy.")
