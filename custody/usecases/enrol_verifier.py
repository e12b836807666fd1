"""Enrolling and ending verifiers with the service's own registrar; others do so through the log's standard door.

A verifier asks with its own proof that it holds the key and is of that firm. Somebody of ours vouches for both by
enrolling it: what the service says in a dispute about its own parcels is no verifier's word.
"""

from dataclasses import dataclass

from custody.kernel import cbor
from custody.kernel.errors import NotFound, Rejected
from custody.kernel.keys import Signer, read_cose_key
from custody.ledger.registry import Registry
from custody.ledger.statements import read_policy
from custody.ledger.verifiers import VerifierInfo, make_verifier_add, make_verifier_revoke
from custody.store import attestation_book, registry_book
from custody.store.log_book import NewEntry
from custody.store.policy_book import newest_policy
from custody.store.unit import Unit
from custody.usecases.enrol_station import name_of_registrar


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
        registrar=name_of_registrar(read_policy(newest_policy(unit.session)).policy, registrar),
        signer=registrar,
        sub=f"urn:weaklink:{unit.ids.new('enrolment')}",
        iat_s=unit.now_ms // 1000,
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
    name = name_of_registrar(read_policy(newest_policy(unit.session)).policy, registrar)
    rows = [row for row in attestation_book.verifiers(unit.session) if row.verifier == verifier]
    earlier = [row for row in rows if suspect_from is not None and suspect_from < (row.suspect_from_idx or 0)]
    ending = [row for row in rows if row.revoked_idx is None or row in earlier]
    if not ending:
        raise NotFound("no_verifier", f"{verifier!r} has no key in use", fix="Check the name with GET /v1/verifiers.")
    if suspect_from is not None and suspect_from > unit.log.size:
        raise Rejected("suspect_from", "doubt cannot begin after the revocation", fix="Name an entry of the log.")
    indexes = []
    for row in ending:
        statement = make_verifier_revoke(
            origin=unit.origin,
            verifier=verifier,
            kid=row.kid,
            suspect_from=unit.log.size if suspect_from is None else suspect_from,
            reason=reason,
            registrar=name,
            signer=registrar,
            sub=f"urn:weaklink:{unit.ids.new('revocation')}",
            iat_s=unit.now_ms // 1000,
        )
        index, after = _put(unit, statement)
        attestation_book.put_key(unit.session, after.verifier_key(row.kid))
        indexes.append(index)
    return indexes


def _put(unit: Unit, statement: bytes) -> tuple[int, Registry]:
    """Append a statement that every auditor will replay to an effect; raises `Rejected` for another one."""
    after = registry_book.after(unit.session, unit.log.size, statement)
    return unit.log.append([NewEntry.of(statement)])[0], after
