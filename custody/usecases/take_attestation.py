"""Taking what a verifier attests of a check of a recipient, into the log.

- A statement that an enrolled verifier's key signed stands in the log, whatever comes of it: signed evidence is kept.
  One that says nothing of its scan (`trail/attested.py`) is refused after that, with the reason, and counts nowhere.
- One of a scan that nobody has yet is taken, and waits for it; so may a scan of which the log holds the statement
  alone.
- Under an unknown or revoked key, or with a wrong signature, it is refused and kept outside the log, as scans are; the
  refusal says whether there was room.
- Of a scan whose content was erased no word is kept but the bare statement.
- One that the log holds already adds nothing, and is answered as it was before.
"""

from dataclasses import dataclass
from typing import Literal

from sqlmodel import Session

from custody.kernel import cbor, cose
from custody.kernel.clock import Instant
from custody.kernel.errors import Conflict, Rejected
from custody.kernel.keys import read_cose_key
from custody.ledger.attestation import Attestation, AttestedOutcome, open_attestation
from custody.ledger.statements import check_subjects
from custody.ledger.verifiers import VERIFIER_ISS
from custody.store import attestation_book, log_reader, quarantine, scan_book
from custody.store.attestation_book import VerifierKeyRow
from custody.store.log_book import NewEntry
from custody.store.quarantine import Evidence, Share, Why, room
from custody.store.unit import House, Unit
from custody.trail.attested import Attested, why_not
from custody.usecases.keep_aside import kept_as
from custody.usecases.read_trail import sealed_scans
from custody.usecases.register_statement import read_statement

ScanStanding = Literal["known", "awaited"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenAttestation:
    """Where it stands, whether this call put it there, and whether the scan that it speaks of can be read."""

    digest: bytes
    index: int
    fresh: bool
    scan: ScanStanding


def take(house: House, statement: bytes, opening: bytes) -> TakenAttestation:
    """Put an attestation into the log once; raises `Rejected` or `Conflict`."""
    # 1. The form, and that the opening is the one that was signed.
    message = read_statement(statement)
    said = open_attestation(message.raw, opening)
    check_subjects(message)
    # 2. Whose word it is, and that it stands in the log.
    with house.unit() as unit:
        unit.log.claim()
        row = attestation_book.verifier_keys(unit.session, [message.kid]).get(message.kid)
        refusal = _refusal(said, row)
        if refusal is not None or row is None:
            is_kept = _keep_aside(unit, message, opening, row)
        else:
            index, fresh = _stand(unit, message, said, opening)
            outcome = _judge(unit.session, said, row, index=index, received_ms=unit.now_ms)
    if refusal is not None:
        raise Rejected(refusal.code, f"{refusal.detail}; {kept_as(is_kept=is_kept)}", fix=refusal.fix)
    # 3. What it says of its scan.
    if isinstance(outcome, Rejected | Conflict):
        raise outcome
    return TakenAttestation(digest=message.digest, index=index, fresh=fresh, scan=outcome)


def _refusal(said: Attestation, row: VerifierKeyRow | None) -> Rejected | None:
    """Why it is nobody's word that counts here."""
    fix = "Sign with the enrolled key, or have a registrar enrol it: `weaklink verifier --help`."
    if row is None:
        return Rejected("verifier_key", "no verifier was enrolled with the key that it names", fix=fix)
    if row.revoked_idx is not None:
        return Rejected("verifier_key", f"the key of {row.verifier} was revoked at entry {row.revoked_idx}", fix=fix)
    if said.message.claims[cose.ISS] != f"{VERIFIER_ISS}{row.verifier}":
        return Rejected("verifier_key", f"the key that it names is that of {row.verifier}", fix=fix)
    try:
        said.message.verify(read_cose_key(cbor.decode(row.cose_key)))
    except Rejected as refusal:
        return refusal
    return None


def _stand(unit: Unit, message: cose.Sign1, said: Attestation, opening: bytes) -> tuple[int, bool]:
    """Where it stands, put there if it was not; what it says is kept unless its scan was erased."""
    session = unit.session
    held = scan_book.known_digests(session, [message.digest]).get(message.digest)
    if held is not None:
        return held, False
    erased = _is_erased(session, said.scan)
    entry = NewEntry.of(message.raw, None if erased else opening)
    index = unit.log.append([entry])[0]
    if not erased:
        attestation_book.add(unit, index, said)
    return index, True


def _judge(
    session: Session, said: Attestation, row: VerifierKeyRow, *, index: int, received_ms: Instant
) -> ScanStanding | Rejected | Conflict:
    """What it says of its scan, as far as that is known."""
    place = scan_book.known_names(session, [said.scan]).get(said.scan)
    if place is not None and _is_erased(session, said.scan):
        return Conflict("scan_erased", "the content of that scan was erased", fix="Nothing more is needed.")
    sealed = [] if place is None else sealed_scans(session, scan_book.judged_at(session, [place]))
    if not sealed:
        return "awaited"
    attested = Attested(
        index=index,
        received_ms=received_ms,
        verifier=row.verifier,
        custodian=row.custodian,
        scan=said.scan,
        check=said.check,
        held=said.outcome is AttestedOutcome.HELD,
    )
    why = why_not(sealed[0], attested)
    if why is None:
        return "known"
    kept = f"it stands in the log at entry {index} and counts for nothing: {why}"
    return Rejected("attestation_unfit", kept, fix="Attest the check that the scan records, for another firm.")


def _is_erased(session: Session, scan: bytes) -> bool:
    place = scan_book.known_names(session, [scan]).get(scan)
    return place is not None and bool(log_reader.erased_at(session, [place]))


def _keep_aside(unit: Unit, message: cose.Sign1, opening: bytes, row: VerifierKeyRow | None) -> bool:
    """Keep it outside the log while there is room; whether it stands there."""
    named = () if row is None else (room(Share.NAMED, f"{VERIFIER_ISS}{row.verifier}"),)
    rooms = (*named, room(Share.STRANGE, message.kid))
    why: Why = "key_unknown" if row is None else "signature"
    return bool(quarantine.keep(unit, [Evidence(message.digest, message.raw, opening, why, rooms)]))
