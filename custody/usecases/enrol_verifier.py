"""Enrolling and ending verifiers with the service's own registrar; others do so through the log's standard door.

A verifier asks with its own proof that it holds the key and is of that firm. Somebody of ours vouches for both by
enrolling it: what the service says in a dispute about its own parcels is no verifier's word.
"""

from dataclasses import dataclass

from custody.kernel import cbor
from custody.kernel.errors import NotFound
from custody.kernel.keys import Signer, read_cose_key
from custody.ledger.registry import Registry
from custody.ledger.verifiers import VerifierInfo, make_verifier_add, make_verifier_revoke
from custody.store import attestation_book, registry_book
from custody.store.log_book import NewEntry
from custody.store.unit import Unit
from custody.usecases.sign_as_registrar import doubt_begins, may_end, signing_registrar


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolledVerifier:
    """A verifier whose key is in the log."""

    info: VerifierInfo
    kid: bytes
    index: int


def enrol_verifier(
    unit: Unit, info: VerifierInfo, *, cose_key: bytes, possession: bytes, registrar: Signer
) -> EnrolledVerifier:
    """Put a verifier's key into the log; raises `Rejected`. One that is enrolled already is answered again."""
    key = read_cose_key(cbor.decode(cose_key))
    known = attestation_book.verifier_keys(unit.session, [key.kid]).get(key.kid)
    same = known is not None and (known.verifier, known.custodian) == (info.verifier, info.custodian)
    if known is not None and same and known.revoked_idx is None:
        return EnrolledVerifier(info=info, kid=key.kid, index=known.added_idx)
    statement = make_verifier_add(
        info,
        origin=unit.origin,
        key=key,
        possession=possession,
        by=signing_registrar(unit, registrar, "enrolment"),
    )
    index, after = _put(unit, statement)
    attestation_book.put_key(unit.session, after.verifier_key(key.kid))
    return EnrolledVerifier(info=info, kid=key.kid, index=index)


def revoke_verifier(
    unit: Unit, verifier: str, *, reason: str, suspect_from: int | None, registrar: Signer
) -> list[int]:
    """End every key of a verifier from the next entry on; returns the indexes of the revocations.

    For a key that was ended before, an earlier `suspect_from` moves the beginning of doubt back.
    """
    rows = [row for row in attestation_book.verifiers(unit.session) if row.verifier == verifier]
    ending = [row for row in rows if may_end(row, suspect_from)]
    if not ending:
        raise NotFound("no_verifier", f"{verifier!r} has no key in use", fix="Check the name with GET /v1/verifiers.")
    indexes = []
    for row in ending:
        statement = make_verifier_revoke(
            origin=unit.origin,
            verifier=verifier,
            kid=row.kid,
            suspect_from=doubt_begins(unit, suspect_from),
            reason=reason,
            by=signing_registrar(unit, registrar, "revocation"),
        )
        index, after = _put(unit, statement)
        attestation_book.put_key(unit.session, after.verifier_key(row.kid))
        indexes.append(index)
    return indexes


def _put(unit: Unit, statement: bytes) -> tuple[int, Registry]:
    """Append a statement that every auditor will replay to an effect; raises `Rejected` for another one."""
    after = registry_book.after(unit.session, unit.log.size, statement)
    return unit.log.append([NewEntry.of(statement)])[0], after
