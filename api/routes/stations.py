"""Stations: announced by a supervisor, enrolled by themselves, ended by a supervisor."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from api.act_alerts import tell_of_trust
from api.http.body import Body, one_of
from api.parts import Parts, parts_of
from api.people.accounts import Caller
from api.people.auth import role, signed_in
from api.routes.doubt import RevokeIn
from custody.kernel.base64url import b64, unb64
from custody.kernel.clock import to_iso
from custody.ledger.statements import Step
from custody.scans.shard import group_at
from custody.store import log_reader, scan_book, shard_book
from custody.store.tables import StationRow
from custody.usecases import enrol_station
from custody.usecases.group_station import group_station
from custody.usecases.sign_as_registrar import KeyRow

router = APIRouter(prefix="/v1/stations", tags=["stations"])
P = Annotated[Parts, Depends(parts_of)]


class StationIn(Body):
    """A station: its name, its GLN key, its place there, its step in the journey, the PGLN of who runs it."""

    station: str
    site: str
    place: str
    step: str = Field(json_schema_extra=one_of(lambda: Step))
    custodian: str
    region: int | None = Field(default=None, ge=0, le=7)
    site_name: str = Field(default="", max_length=60, description="What people call the site.")
    group: str | None = Field(default=None, description="With which stations its scans are kept and dropped.")


class TokenIn(Body):
    """The one-time token, and the station's COSE_Key (CBOR, base64url)."""

    token: str
    cose_key: str


class EnrolIn(Body):
    """The one-time token, the station's COSE_Key (CBOR, base64url) and its proof of possession (COSE_Sign1).

    The proof is over what `announced` answers; one over the station's name alone is still taken.
    """

    token: str
    cose_key: str
    proof: str


class GroupIn(Body):
    """The group of stations with which a station's scans are kept and dropped: 1 to 32 of a-z, 0-9 and -."""

    group: str


@router.post("", status_code=201)
def announce(body: StationIn, parts: P, caller: Annotated[Caller, Depends(role("supervisor"))]) -> dict[str, Any]:
    """Let a station enrol within ten minutes."""
    with parts.house.unit() as unit:
        announced = enrol_station.announce(unit, **body.model_dump())
        tell_of_trust(unit, parts.locks, f"station {announced.station} was announced", account=caller.account)
    return {
        "station": announced.station,
        "enrol_token": announced.token,
        "until": to_iso(announced.until_ms),
        "origin": parts.house.origin,
    }


@router.post("/announced")
def announced(body: TokenIn, parts: P) -> dict[str, Any]:
    """What the station is to be enrolled as, which its proof of possession covers; the token is the credential."""
    cose_key = unb64(body.cose_key, where="cose_key")
    with parts.house.read() as session:
        info = enrol_station.announced(session, token=body.token, cose_key=cose_key, now_ms=parts.clock.now_ms())
    return {"origin": parts.house.origin, **info.facts}


@router.post("/enrol", status_code=201)
def enrol(body: EnrolIn, parts: P) -> dict[str, Any]:
    """Bring the station's key; the token is the credential.

    A station keeps its sequence whatever its key: `seq` and `prev` are its newest statement, 0 and null if none is.
    """
    with parts.house.unit() as unit:
        enrolled = enrol_station.enrol(
            unit,
            token=body.token,
            cose_key=unb64(body.cose_key, where="cose_key"),
            possession=unb64(body.proof, where="proof"),
            registrar=parts.keyring.registrar,
        )
        now_ms = unit.now_ms
    return {
        "station": enrolled.info.station,
        "iss": enrolled.info.iss,
        "kid": b64(enrolled.kid),
        "index": enrolled.index,
        "origin": parts.house.origin,
        "seq": 0 if enrolled.head is None else enrolled.head.seq,
        "prev": None if enrolled.head is None else enrolled.head.digest.hex(),
        "server_ms": now_ms,
    }


@router.get("")
def listing(parts: P, _caller: Annotated[Caller, Depends(signed_in)]) -> dict[str, Any]:
    """Every station with its keys."""
    with parts.house.read() as session:
        groups, size = shard_book.settings(session), log_reader.head(session).size
        return {
            "stations": [
                {
                    **_describe(parts, row, scan_book.keys_of_station(session, row.station)),
                    "group": group_at(groups, row.station, size),
                }
                for row in scan_book.stations(session)
            ]
        }


@router.post("/{station}/group")
def set_group(
    station: str, body: GroupIn, parts: P, _caller: Annotated[Caller, Depends(role("supervisor"))]
) -> dict[str, Any]:
    """Put a station under a group from now on; `index` is the record, null if it was under it already."""
    with parts.house.unit() as unit:
        index = group_station(unit, station=station, group=body.group)
    return {"station": station, "group": body.group, "index": index}


@router.post("/{station}/revoke")
def revoke(
    station: str, body: RevokeIn, parts: P, caller: Annotated[Caller, Depends(role("supervisor"))]
) -> dict[str, Any]:
    """End every key of a station."""
    with parts.house.unit() as unit:
        indexes = enrol_station.revoke(
            unit,
            station=station,
            reason=body.reason,
            suspect_from=body.doubt_begins(unit.session, now_ms=unit.now_ms),
            registrar=parts.keyring.registrar,
        )
        tell_of_trust(unit, parts.locks, f"station {station} was revoked", account=caller.account)
    return {"station": station, "indexes": indexes}


def _describe(parts: Parts, row: StationRow, keys: Sequence[KeyRow]) -> dict[str, Any]:
    info = enrol_station.station_info(row)
    return {
        **info.facts,
        "site_name": enrol_station.site_name(row),
        "waiting": row.token_until_ms is not None and row.token_until_ms > parts.clock.now_ms(),
        "keys": [tell_key(key) for key in keys],
    }


def tell_key(row: KeyRow) -> dict[str, Any]:
    """A key, and the log indexes that bound its validity."""
    return {
        "kid": b64(row.kid),
        "added": row.added_idx,
        "revoked": row.revoked_idx,
        "suspect_from": row.suspect_from_idx,
    }
