"""Enrolling a station: a supervisor announces it, the station brings its key within ten minutes, the log holds both.

The enrolment token is shown once, kept as a hash, and works for one key, which is answered again while the ten minutes
last: an answer may be lost. What the log holds is the registrar's statement with the station's own proof that it has
the private key and is the station that was announced; a station learns from its token what that is. One that has a key
already stays in the register as it is until it enrols again: what is announced may be mistyped, or never used.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlmodel import Session

from custody.kernel import cbor, cose
from custody.kernel.clock import MINUTE_MS, Instant
from custody.kernel.errors import Conflict, NotFound
from custody.kernel.keys import PublicKey, Signer, read_cose_key
from custody.ledger.statements import KEY_ADD, KEY_REVOKE, StationInfo, Step, make_key_add, make_key_revoke
from custody.ledger.typed_station import read_info
from custody.scans.view import StationHead
from custody.store import number_book, scan_book
from custody.store.log_book import NewEntry
from custody.store.tables import StationKeyRow, StationRow
from custody.store.unit import Unit
from custody.usecases.group_station import group_station
from custody.usecases.sign_as_registrar import doubt_begins, may_end, policy_in_force, signing_registrar

ENROL_MINUTES = 10
NEXT = "next"
"""In the facts of a station that has a key: those with which it is to enrol again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """A station that may now enrol."""

    station: str
    token: str
    until_ms: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """A station whose key is in the log; `head` is the newest statement of its earlier keys, which it goes on from."""

    info: StationInfo
    kid: bytes
    index: int
    head: StationHead | None


def announce(
    unit: Unit,
    *,
    station: str,
    site: str,
    place: str,
    step: str,
    custodian: str,
    region: int | None = None,
    site_name: str = "",
    group: str | None = None,
) -> Announced:
    """Let a station enrol, or enrol again with a new key; raises `Rejected`.

    `site` is a GLN, or a place within it, and `custodian` a PGLN, both kept in their canonical spelling. `region` is a
    part of the country; `site_name` is what people call the site; `group` is the one it is put under, or None to leave
    it as it is.
    """
    info = read_info(station=station, site=site, place=place, step=step, custodian=custodian)
    token = unit.ids.new("enrol")
    until_ms = unit.now_ms + ENROL_MINUTES * MINUTE_MS
    facts: dict[str, Any] = {
        "station": info.station,
        "site": info.site,
        "place": info.place,
        "step": str(info.step),
        "custodian": info.custodian,
        "region": region,
        "site_name": site_name,
    }
    row = unit.session.get(StationRow, station) or StationRow(
        station=station, facts="", token_hash=None, token_until_ms=None
    )
    if scan_book.keys_of_station(unit.session, station):
        facts = {**msgspec.json.decode(row.facts), NEXT: facts}
    row.facts = msgspec.json.encode(facts).decode()
    row.token_hash, row.token_until_ms = hashlib.sha256(token.encode()).digest(), until_ms
    unit.session.add(row)
    unit.session.flush()
    if group is not None:
        group_station(unit, station=station, group=group)
    return Announced(station=station, token=token, until_ms=until_ms)


def announced(session: Session, *, token: str, cose_key: bytes, now_ms: Instant) -> StationInfo:
    """What a station with this token and key is to be enrolled as; raises `NotFound`."""
    row = _by_token(session, token, cose_key, now_ms)
    return _info(row.station, _announced(row))


def enrol(unit: Unit, *, token: str, cose_key: bytes, possession: bytes, registrar: Signer) -> Enrolled:
    """Put the station's key into the log; raises `NotFound`, `Conflict` or `Rejected`.

    A station whose answer was lost asks again with its token and its key, and nothing is put into the log.
    """
    row, used = _by_token(unit.session, token, cose_key, unit.now_ms), _hashes(token, cose_key)[1]
    key = read_cose_key(cbor.decode(cose_key))
    by, policy = signing_registrar(unit, registrar, "enrolment"), policy_in_force(unit)
    others = {policy.log_key.kid, policy.operator_key.kid, *(each.key.kid for each in policy.registrars)}
    known = unit.session.get(StationKeyRow, key.kid)
    again = row.token_hash == used and known is not None and known.revoked_idx is None
    if key.kid in others or (known is not None and not again):
        raise Conflict("key_in_use", "this key is or was enrolled", fix="Make a fresh key pair.")
    info = _info(row.station, _announced(row))
    statement = make_key_add(
        info,
        origin=unit.origin,
        key=key,
        possession=possession,
        by=by,
    )
    index = _add_key(unit, row, key, statement, used) if known is None else known.added_idx
    head = number_book.newest_statement(unit.session, info.station)
    return Enrolled(info=info, kid=key.kid, index=index, head=head)


def _by_token(session: Session, token: str, cose_key: bytes, now_ms: Instant) -> StationRow:
    """The station whose token this is, fresh or used with this key."""
    fresh, used = _hashes(token, cose_key)
    row = scan_book.station_by_token(session, fresh) or scan_book.station_by_token(session, used)
    if row is None or row.token_until_ms is None or row.token_until_ms < now_ms:
        raise NotFound("enrol_token", "the token is unknown, used or too old", fix="Fetch a supervisor's new QR code.")
    return row


def _hashes(token: str, cose_key: bytes) -> tuple[bytes, bytes]:
    """What is kept of a fresh token, and of one that was used with a key."""
    fresh = hashlib.sha256(token.encode()).digest()
    return fresh, hashlib.sha256(fresh + cose_key).digest()


def _add_key(unit: Unit, row: StationRow, key: PublicKey, statement: bytes, used: bytes) -> int:
    index = unit.log.append([NewEntry(message=cose.parse(statement), content_type=KEY_ADD)])[0]
    row.token_hash, row.facts = used, msgspec.json.encode(_announced(row)).decode()
    unit.session.add(row)
    unit.session.add(
        StationKeyRow(
            kid=key.kid,
            station=row.station,
            cose_key=cbor.encode(key.cose_key()),
            added_idx=index,
            revoked_idx=None,
            suspect_from_idx=None,
        )
    )
    return index


def revoke(unit: Unit, *, station: str, reason: str, suspect_from: int | None, registrar: Signer) -> list[int]:
    """End every key of a station from the next entry on; returns the indexes of the revocations.

    For a key that was ended before, an earlier `suspect_from` moves the beginning of doubt back.
    """
    keys = [row for row in scan_book.keys_of_station(unit.session, station) if may_end(row, suspect_from)]
    if not keys:
        raise NotFound("station", f"{station!r} has no key in use", fix="Check the name with GET /v1/stations.")
    indexes = []
    for row in keys:
        doubt = doubt_begins(unit, suspect_from)
        statement = make_key_revoke(
            origin=unit.origin,
            station=station,
            kid=row.kid,
            suspect_from=doubt,
            reason=reason,
            by=signing_registrar(unit, registrar, "revocation"),
        )
        index = unit.log.append([NewEntry(message=cose.parse(statement), content_type=KEY_REVOKE)])[0]
        row.revoked_idx = index if row.revoked_idx is None else row.revoked_idx
        row.suspect_from_idx = doubt
        unit.session.add(row)
        indexes.append(index)
    return indexes


def station_info(row: StationRow) -> StationInfo:
    """The register's facts of a station."""
    return _info(row.station, msgspec.json.decode(row.facts))


def _announced(row: StationRow) -> dict[str, Any]:
    """The facts with which a station may enrol, or has enrolled last."""
    facts: dict[str, Any] = msgspec.json.decode(row.facts)
    announced: dict[str, Any] = facts.get(NEXT, facts)
    return announced


def _info(station: str, facts: Mapping[str, Any]) -> StationInfo:
    return StationInfo(
        station=station,
        site=facts["site"],
        place=facts["place"],
        step=Step(facts["step"]),
        custodian=facts["custodian"],
    )


def site_name(row: StationRow) -> str:
    """What people call the station's site; its GLN key if nobody said."""
    facts: dict[str, str] = msgspec.json.decode(row.facts)
    return facts.get("site_name") or facts["site"]
