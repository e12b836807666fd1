"""What enrolling and ending the keys of stations and of verifiers have in common: the service's own registrar signs."""

from custody.kernel.errors import Rejected
from custody.kernel.keys import Signer
from custody.ledger.policy import Policy
from custody.ledger.statements import SigningRegistrar, read_policy
from custody.store.attestation_book import VerifierKeyRow
from custody.store.policy_book import newest_policy
from custody.store.tables import StationKeyRow
from custody.store.unit import Unit

KeyRow = StationKeyRow | VerifierKeyRow


def policy_in_force(unit: Unit) -> Policy:
    """The policy that says who may enrol and revoke."""
    return read_policy(newest_policy(unit.session)).policy


def signing_registrar(unit: Unit, registrar: Signer, kind: str) -> SigningRegistrar:
    """Our registrar, who signs a statement of that kind now; raises `Rejected("registrar")` if it is none any more."""
    try:
        name = policy_in_force(unit).registrar(registrar.public.kid).name
    except Rejected as refusal:
        raise Rejected(
            "registrar",
            "the service's own key is no registrar's any more",
            fix="Have a registrar of the policy in force do it: `weaklink registrar --help`.",
        ) from refusal
    sub = f"urn:weaklink:{unit.ids.new(kind)}"
    return SigningRegistrar(name=name, signer=registrar, sub=sub, iat_s=unit.now_ms // 1000)


def may_end(row: KeyRow, suspect_from: int | None) -> bool:
    """Whether a revocation changes anything: the key is in use, or doubt would begin earlier than it does."""
    if row.revoked_idx is None:
        return True
    return suspect_from is not None and row.suspect_from_idx is not None and suspect_from < row.suspect_from_idx


def doubt_begins(unit: Unit, suspect_from: int | None) -> int:
    """The log index from which a revocation that is signed now doubts; raises `Rejected("suspect_from")`."""
    if suspect_from is not None and suspect_from > unit.log.size:
        raise Rejected(
            "suspect_from", "doubt cannot begin after the revocation", fix="Name an entry that the log holds."
        )
    return unit.log.size if suspect_from is None else suspect_from
