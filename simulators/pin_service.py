"""The service that gave each customer a PIN for the door: it verifies what couriers recorded, and attests it.

It is of no firm that has parcels. It recomputes the proof in a delivery from the secret and the PIN that it gave out,
so a courier who signs for a customer has nothing that it would take.
"""

import hmac
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from custody.kernel import cbor
from custody.kernel.base64url import b64
from custody.kernel.clock import Instant
from custody.kernel.keys import SoftwareSigner
from custody.ledger.attestation import AttestedOutcome, make_attestation
from custody.ledger.record import SALT_BYTES
from custody.ledger.verifiers import VerifierInfo, make_verifier_possession
from simulators.client import ServiceClient
from simulators.events import PIN_METHOD, issued_pin, pin_proof
from simulators.parcel import Parcel
from simulators.station import Signed

SUB = "urn:weaklink:pin-service:"
PINS = VerifierInfo(verifier="pins", custodian="urn:example:pins")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivery with a recorded PIN, and whether that is the one that its customer was given."""

    parcel: Parcel
    scan: Signed
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PinService:
    """A verifier on the wire."""

    signer: SoftwareSigner
    info: VerifierInfo = PINS

    def enrol(self, supervisor: ServiceClient, *, at_ms: Instant) -> dict[str, Any]:
        """Have a supervisor vouch for it."""
        proof = make_verifier_possession(
            origin=str(supervisor.get("/v1/log")["origin"]),
            info=self.info,
            signer=self.signer,
            sub=f"{SUB}possession",
            iat_s=at_ms // 1000,
        )
        cose_key = b64(cbor.encode(self.signer.public.cose_key()))
        answer: dict[str, Any] = supervisor.post(
            "/v1/verifiers", {**self.info.facts, "cose_key": cose_key, "proof": b64(proof)}
        )
        return answer

    def look(self, parcels: Iterable[Parcel], scans: Iterable[Signed]) -> Iterator[Delivery]:
        """The deliveries of these parcels with a PIN among these scans."""
        by_sscc = {parcel.sscc: parcel for parcel in parcels}
        for scan in scans:
            event = json.loads(scan.opening[SALT_BYTES:])
            check, things = event.get("wl:recipientCheck"), event.get("epcList", [])
            if check is not None and things and things[0] in by_sscc:
                parcel = by_sscc[things[0]]
                yield Delivery(parcel=parcel, scan=scan, held=_holds(parcel, event, check))

    def attest(self, client: ServiceClient, delivery: Delivery, *, at_ms: Instant) -> dict[str, Any]:
        """Sign what the look came to, and post it; nobody is signed in."""
        statement, opening = make_attestation(
            self.info.verifier,
            scan=delivery.scan.digest,
            check=PIN_METHOD,
            outcome=AttestedOutcome.HELD if delivery.held else AttestedOutcome.REFUTED,
            at_ms=at_ms,
            salt=hmac.digest(issued_pin(delivery.parcel).secret, delivery.scan.digest, "sha256"),
            signer=self.signer,
            sub=f"{SUB}{delivery.parcel.number}",
            iat_s=at_ms // 1000,
        )
        answer: dict[str, Any] = client.post("/v1/attestations", {"statement": b64(statement), "opening": b64(opening)})
        return answer


def _holds(parcel: Parcel, event: dict[str, Any], check: dict[str, Any]) -> bool:
    """Whether the proof in a delivery is of the PIN that its customer was given."""
    issued = issued_pin(parcel)
    named = [row["bizTransaction"] for row in event.get("bizTransactionList", []) if row["type"] == "upevt"]
    proof = pin_proof(
        secret=issued.secret,
        challenge=issued.challenge,
        pin=issued.pin,
        sscc=parcel.sscc,
        upstream=named[0] if named else "",
    )
    return hmac.compare_digest(proof, str(check.get("wl:proof")))
