"""Shards of the log: their descriptors, the groups of stations, closing and dropping.

The list needs no account: it holds nothing personal. Each descriptor and each setting of a group comes with the entry,
its opening and a receipt, so that whoever has the log's key and its tiles can check every word of it.
"""

from collections.abc import Callable
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlmodel import Session

from api.http.body import Body
from api.parts import Parts, parts_of
from api.people.accounts import Caller
from api.people.auth import role
from custody.kernel.base64url import b64
from custody.kernel.clock import to_iso
from custody.kernel.errors import NotFound
from custody.ledger.record import open_record
from custody.scans.tolerances import Tolerances
from custody.store import log_reader, shard_book
from custody.store.shard_book import ShardRow
from custody.store.write_ahead import drop_old_pages
from custody.usecases.close_shards import close_shard
from custody.usecases.drop_shard import drop_shard
from custody.usecases.erase import MAX_REASON
from custody.usecases.prove_entry import fresh_receipt
from devicelock.usecases.forget_locks import locked_handsets

router = APIRouter(prefix="/v1/log/shards", tags=["log"])
P = Annotated[Parts, Depends(parts_of)]
Supervisor = Annotated[Caller, Depends(role("supervisor"))]
MOST = 200
UNITS_AT_ONCE = 20
"""So many units of a dropping are done in one call."""


class CloseIn(Body):
    """A shard by its name, like 2026q4/north."""

    shard: str = Field(max_length=60)


class DropIn(Body):
    """A shard by its name; and why, without naming anybody."""

    shard: str = Field(max_length=60)
    reason: str = Field(min_length=1, max_length=MAX_REASON)


@router.get("")
def listing(
    parts: P,
    after: Annotated[int, Query(ge=-1, lt=2**53, description="Only those whose records lie after this entry.")] = -1,
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
) -> dict[str, Any]:
    """Closed shards and settings of groups, each in the order of the log; `next` is where the next page goes on."""
    with parts.house.read() as session:

        def record(index: int) -> dict[str, Any]:
            return _record(parts, session, index)

        shards = shard_book.shards(session, after=after, limit=limit)
        groups = shard_book.setting_rows(session, after=after, limit=limit)
        ends = [
            places[-1]
            for places in ([row.idx for row in shards], [row.from_idx for row in groups])
            if len(places) == limit
        ]
        last = min(ends, default=None)
        return {
            "shards": [_describe(row, record) for row in shards if last is None or row.idx <= last],
            "groups": [
                {"station": row.station, "group": row.group, "record": record(row.from_idx)}
                for row in groups
                if last is None or row.from_idx <= last
            ],
            "next": last,
        }


@router.post("/close", status_code=201)
def close(body: CloseIn, parts: P, _caller: Supervisor) -> dict[str, Any]:
    """Close the shards of a quarter that is over; the service does it by itself within a second of the day."""
    row, fresh = close_shard(parts.house, body.shard, tolerances=Tolerances())
    with parts.house.read() as session:
        return {**_describe(row, lambda index: _record(parts, session, index)), "repeated": not fresh}


@router.post("/drop")
def drop(body: DropIn, parts: P, caller: Supervisor) -> dict[str, Any]:
    """Drop a closed shard whose time is over; a long one takes several calls: send the same until it is `done`.

    `gone_from_disk` is told as by `POST /v1/erasures`.
    """
    steps = drop_shard(parts.house, body.shard, reason=body.reason, actor=caller.account, locked=locked_handsets)
    step = list(islice(steps, UNITS_AT_ONCE))[-1]
    gone = drop_old_pages(parts.engine)
    return {
        "shard": step.shard,
        "openings_gone": step.gone,
        "kept": {"held": step.held, "shared": step.shared},
        "looked_at": step.looked_at,
        "last": step.last,
        "done": step.done,
        "index": step.index,
        "repeated": step.repeated,
        "gone_from_disk": gone,
    }


def _describe(row: ShardRow, record: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
    return {
        "shard": row.name,
        "first": row.first_idx,
        "last": row.last_idx,
        "scans": row.scans,
        "stations": row.stations,
        "root": b64(row.root),
        "keep_until": to_iso(row.keep_until_ms),
        "record": record(row.idx),
        "openings_gone": row.gone,
        "dropped": None if row.dropped_idx is None else record(row.dropped_idx),
    }


def _record(parts: Parts, session: Session, index: int) -> dict[str, Any]:
    """An entry of ours with what it commits to, and its receipt."""
    stored = log_reader.entry(session, index)
    if stored.opening is None:
        raise NotFound("opening", f"entry {index} has no opening", fix="Check the log with `weaklink log audit`.")
    made = fresh_receipt(session, stored, origin=parts.house.origin, signer=parts.keyring.log)
    return {
        "index": index,
        "kind": open_record(stored.raw, stored.opening).kind,
        "entry": b64(stored.raw),
        "opening": b64(stored.opening),
        "receipt": b64(made),
    }
