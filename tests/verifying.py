"""A verifier for tests: it enrols its key in a house's log and attests checks of recipients."""

from dataclasses import dataclass

from custody.kernel import cbor
from custody.kernel.keys import Signer
from custody.ledger.attestation import AttestedOutcome, make_attestation
from custody.ledger.verifiers import VerifierInfo, make_verifier_possession
from custody.store.unit import House
from custody.usecases.enrol_verifier import EnrolledVerifier, enrol_verifier
from custody.usecases.take_attestation import TakenAttestation, take

CHECKED = {"wl:recipientCheck": {"wl:method": "pin6", "wl:proof": "hmac-sha-256:x", "wl:attempts": "1"}}
"""What a deliverer records of a PIN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """A service that gave out PINs, say, with a key of its own."""

    house: House
    signer: Signer
    name: str = "pins"
    custodian: str = "urn:example:pins"

    @property
    def info(self) -> VerifierInfo:
        return VerifierInfo(verifier=self.name, custodian=self.custodian)

    def enrol(self, registrar: Signer) -> EnrolledVerifier:
        """Its key goes into the log."""
        with self.house.unit() as unit:
            proof = make_verifier_possession(
                origin=self.house.origin,
                info=self.info,
                signer=self.signer,
                sub="urn:uuid:possession",
                iat_s=unit.now_ms // 1000,
            )
            cose_key = cbor.encode(self.signer.public.cose_key())
            return enrol_verifier(unit, self.info, cose_key=cose_key, possession=proof, registrar=registrar)

    def sign(self, scan: bytes, *, held: bool = True, check: str = "pin6") -> tuple[bytes, bytes]:
        """Statement and opening."""
        at_ms = self.house.clock.now_ms()
        return make_attestation(
            self.name,
            scan=scan,
            check=check,
            outcome=AttestedOutcome.HELD if held else AttestedOutcome.REFUTED,
            at_ms=at_ms,
            salt=self.house.ids.random_bytes(32),
            signer=self.signer,
            sub=f"urn:weaklink:{self.house.ids.new('attestation')}",
            iat_s=at_ms // 1000,
        )

    def attest(self, scan: bytes, *, held: bool = True, check: str = "pin6") -> TakenAttestation:
        """Sign it, and have it taken into the log."""
        return take(self.house, *self.sign(scan, held=held, check=check))
