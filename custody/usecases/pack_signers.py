"""The entries that a pack holds for those who signed beside the operator: stations and verifiers, and their keys."""

from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import select
from sqlmodel import Session, col

from custody.ledger.statements import KEY_REVOKE, read_key_revoke
from custody.ledger.verifiers import VERIFIER_REVOKE, read_verifier_revoke
from custody.store import attestation_book, log_reader, scan_book
from custody.store.tables import EntryRow


def key_entries(session: Session, stations: Iterable[str]) -> set[int]:
    """Where the keys of some stations were enrolled and revoked."""
    keys = {row.kid: row for station in sorted(stations) for row in scan_book.keys_of_station(session, station)}
    ended = {index for index, raw in _entries(session, KEY_REVOKE) if read_key_revoke(raw).kid in keys}
    return {row.added_idx for row in keys.values()} | ended


def attested_entries(session: Session, scans: Collection[bytes]) -> set[int]:
    """Where verifiers attest something of these scans, and where their keys were enrolled and revoked."""
    said = attestation_book.attested(session, scans)
    if not said:
        return set()
    names = {each.verifier for each in said}
    keys = {row.kid: row for row in attestation_book.verifiers(session) if row.verifier in names}
    ended = {index for index, raw in _entries(session, VERIFIER_REVOKE) if read_verifier_revoke(raw).kid in keys}
    return {each.index for each in said} | {row.added_idx for row in keys.values()} | ended


def _entries(session: Session, kind: str) -> Iterator[tuple[int, bytes]]:
    query = select(col(EntryRow.idx), col(EntryRow.raw)).where(log_reader.of_types(kind))
    return ((index, raw) for index, raw in session.execute(query))
