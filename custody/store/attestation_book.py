"""Verifiers' keys, and what they attest of the checks of recipients, found by the scan that each speaks of."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import BigInteger, Column, LargeBinary, delete, select
from sqlmodel import Field, Session, SQLModel, col

from custody.kernel import cbor
from custody.kernel.clock import Instant
from custody.ledger.attestation import Attestation, AttestedOutcome
from custody.ledger.registry import VerifierKey
from custody.scans.place import place_of
from custody.store.bulk import pick
from custody.store.unit import Unit
from custody.trail.attested import Attested, doubted_at


class VerifierKeyRow(SQLModel, table=True):
    """An enrolled verifier's key, the firm that runs it, and the log indexes that bound its validity."""

    __tablename__ = "verifier_key"
    kid: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    verifier: str = Field(index=True)
    custodian: str
    cose_key: bytes = Field(sa_type=LargeBinary)
    added_idx: int = Field(sa_type=BigInteger)
    revoked_idx: int | None = Field(sa_type=BigInteger)
    suspect_from_idx: int | None = Field(sa_type=BigInteger)


class AttestationRow(SQLModel, table=True):
    """What an attestation in the log says; it goes with its opening. `kind`: of the check, by its own word."""

    __tablename__ = "attestation"
    idx: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    scan: bytes = Field(sa_type=LargeBinary, index=True)
    kid: bytes = Field(sa_type=LargeBinary)
    kind: str
    held: bool
    received_ms: int = Field(sa_type=BigInteger)


def verifier_keys(session: Session, kids: Iterable[bytes]) -> dict[bytes, VerifierKeyRow]:
    """Enrolled keys of verifiers by thumbprint, as they are now."""
    query = select(VerifierKeyRow).where(col(VerifierKeyRow.kid).in_(set(kids)))
    rows = session.scalars(query.execution_options(populate_existing=True)).all()
    return {row.kid: row for row in rows}


def verifiers(session: Session) -> list[VerifierKeyRow]:
    """Every key that a verifier has or had, by name and age."""
    query = select(VerifierKeyRow).order_by(col(VerifierKeyRow.verifier), col(VerifierKeyRow.added_idx))
    return list(session.scalars(query.execution_options(populate_existing=True)).all())


def put_key(session: Session, key: VerifierKey) -> None:
    """Bring a key's row to what the registry says."""
    row = session.get(VerifierKeyRow, key.key.kid) or VerifierKeyRow(
        kid=key.key.kid,
        verifier=key.info.verifier,
        custodian=key.info.custodian,
        cose_key=cbor.encode(key.key.cose_key()),
        added_idx=key.added_at,
        revoked_idx=None,
        suspect_from_idx=None,
    )
    if key.revoked_at is not None:
        row.revoked_idx, row.suspect_from_idx = key.revoked_at, key.suspect_from
    session.add(row)


def add(unit: Unit, index: int, said: Attestation) -> None:
    """Remember an attestation that the log holds at this index."""
    unit.session.add(AttestationRow(**row_of(index, said, received_ms=unit.now_ms)))


def row_of(index: int, said: Attestation, *, received_ms: Instant) -> dict[str, Any]:
    """The row of an attestation that the log holds at this index, by its columns."""
    return {
        "idx": index,
        "scan": said.scan,
        "kid": said.message.kid,
        "kind": said.check,
        "held": said.outcome is AttestedOutcome.HELD,
        "received_ms": received_ms,
    }


def is_empty(session: Session) -> bool:
    """Whether nobody ever attested anything."""
    return session.scalar(select(col(AttestationRow.idx)).limit(1)) is None


def attested(session: Session, scans: Iterable[bytes]) -> list[Attested]:
    """What is attested of the scans with these digests, in log order."""
    names = ("idx", "scan", "kid", "kind", "held", "received_ms")
    rows = sorted(pick(session, AttestationRow, names, by=("scan",), values=scans))
    keys = verifier_keys(session, {row[2] for row in rows}) if rows else {}
    return [
        _attested(keys[kid], index, scan, check=check, held=bool(held), received_ms=received_ms)
        for index, scan, kid, check, held, received_ms in rows
    ]


def places_about(session: Session, scans: Iterable[bytes]) -> list[int]:
    """The places of the openings of what is attested of these scans."""
    return [place_of(index) for (index,) in pick(session, AttestationRow, ("idx",), by=("scan",), values=scans)]


def forget(session: Session, indexes: Collection[int]) -> None:
    """Delete what attestations say; the log keeps their statements."""
    session.connection().execute(delete(AttestationRow).where(col(AttestationRow.idx).in_(indexes)))


def _attested(
    key: VerifierKeyRow, index: int, scan: bytes, *, check: str, held: bool, received_ms: Instant
) -> Attested:
    return Attested(
        index=index,
        received_ms=received_ms,
        verifier=key.verifier,
        custodian=key.custodian,
        scan=scan,
        check=check,
        held=held,
        doubted_at=doubted_at(index, added=key.added_idx, revoked=key.revoked_idx, suspect_from=key.suspect_from_idx),
    )
