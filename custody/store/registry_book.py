"""The registry of keys and policies as the log tells it, and the rows that are kept of it for the judge."""

import msgspec
from sqlalchemy import select
from sqlmodel import Session, col

from custody.kernel import cbor
from custody.kernel.errors import Rejected
from custody.ledger.registry import KINDS, Registry, StationKey, fold
from custody.store.log_reader import of_types
from custody.store.tables import EntryRow, StationKeyRow, StationRow


def replay(session: Session) -> Registry:
    """The registry after the whole log: every policy, enrolment and revocation checked again, in order."""
    query = select(col(EntryRow.idx), col(EntryRow.raw)).where(of_types(*KINDS))
    registry = Registry()
    for index, raw in session.execute(query.order_by(col(EntryRow.idx))):
        registry = fold(registry, index, raw)
    return registry


def after(session: Session, index: int, statement: bytes) -> Registry:
    """The registry once `statement` stands at `index`; raises `Rejected` if every auditor would pass it over."""
    before = replay(session)
    found = fold(before, index, statement)
    if len(found.ignored) > len(before.ignored):
        ignored = found.ignored[-1]
        raise Rejected(
            ignored.code, ignored.detail, fix="Have those sign and approve it whom the policy in force names."
        )
    return found


def put_key(session: Session, key: StationKey) -> None:
    """Bring a key's row, and its station's, to what the registry says."""
    info = key.info
    if session.get(StationRow, info.station) is None:
        facts = {
            "station": info.station,
            "site": info.site,
            "place": info.place,
            "step": str(info.step),
            "custodian": info.custodian,
            "region": None,
        }
        text = msgspec.json.encode(facts).decode()
        session.add(StationRow(station=info.station, facts=text, token_hash=None, token_until_ms=None))
    row = session.get(StationKeyRow, key.key.kid) or StationKeyRow(
        kid=key.key.kid,
        station=info.station,
        cose_key=cbor.encode(key.key.cose_key()),
        added_idx=key.added_at,
        revoked_idx=None,
        suspect_from_idx=None,
    )
    if key.revoked_at is not None:
        row.revoked_idx, row.suspect_from_idx = key.revoked_at, key.suspect_from
    session.add(row)
