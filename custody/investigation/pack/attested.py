"""What verifiers attest in a pack, opened from the bytes that they signed."""

from collections.abc import Iterable

from custody.investigation.pack.entries import PackEntry
from custody.kernel import cose
from custody.kernel.errors import Rejected
from custody.ledger.attestation import ATTESTATION, AttestedOutcome, open_attestation, read_attestation
from custody.ledger.registry import Registry
from custody.trail.attested import Attested, doubted_at


def attestations(entries: Iterable[PackEntry]) -> list[PackEntry]:
    """The attestations of a pack, in log order."""
    return sorted((entry for entry in entries if entry.content_type == ATTESTATION), key=lambda entry: entry.index)


def attested_in(entries: Iterable[PackEntry], registry: Registry) -> tuple[Attested, ...]:
    """Those that can be opened; raises `Rejected` or `NotFound` for one that is not what a verifier signed."""
    return tuple(
        read_attested(entry, entry.opening, registry) for entry in attestations(entries) if entry.opening is not None
    )


def read_attested(entry: PackEntry, opening: bytes, registry: Registry) -> Attested:
    """One attestation with its verifier; raises `Rejected` or `NotFound`."""
    said = open_attestation(entry.raw, opening)
    check_verifier(said.message, registry)
    row = registry.verifier_key(said.message.kid)
    return Attested(
        index=entry.index,
        received_ms=entry.received_ms,
        verifier=row.info.verifier,
        custodian=row.info.custodian,
        scan=said.scan,
        check=said.check,
        held=said.outcome is AttestedOutcome.HELD,
        doubted_at=doubted_at(entry.index, added=row.added_at, revoked=row.revoked_at, suspect_from=row.suspect_from),
    )


def check_statement(entry: PackEntry, registry: Registry) -> None:
    """Return if a verifier signed this attestation, whose opening may not be here; raises `Rejected` or `NotFound`."""
    check_verifier(read_attestation(entry.raw), registry)


def check_verifier(message: cose.Sign1, registry: Registry) -> None:
    """Return if the verifier that a statement names signed it; raises `Rejected` or `NotFound`."""
    row = registry.verifier_key(message.kid)
    if message.claims[cose.ISS] != row.info.iss:
        raise Rejected("issuer", "the attestation is not by the verifier whose key signed it", fix="Ask the verifier.")
    message.verify(row.key)
