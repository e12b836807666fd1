"""The keys of verifiers stand in the log as those of stations do, and apart from them; their word is an attestation."""

import hashlib
from typing import Any

import pytest

from custody.kernel import cbor, cose
from custody.kernel.key_standing import KeyStanding
from custody.kernel.keys import SoftwareSigner
from custody.ledger.attestation import (
    ATTESTATION,
    AttestedOutcome,
    make_attestation,
    open_attestation,
    read_attestation,
)
from custody.ledger.registry import Registry, fold
from custody.ledger.replay import AuditFinding, Replay
from custody.ledger.statements import SigningRegistrar
from custody.ledger.verifiers import (
    VerifierInfo,
    make_verifier_add,
    make_verifier_possession,
    make_verifier_revoke,
    read_verifier_add,
    read_verifier_revoke,
    typed_verifier,
)
from tests.rooms.ledger.small_world import (
    OPERATOR,
    ORIGIN,
    REGISTRAR_A,
    REGISTRAR_B,
    STRANGER,
    SUB,
    flips,
    key_add,
    policy_statement,
    refused,
    resigned,
    scan,
    signer,
)

GENESIS = policy_statement()
PINS, STATION = signer(70), signer(71)
INFO = VerifierInfo(verifier="pins", custodian="urn:example:pins")
SALT, DIGEST = bytes(32), hashlib.sha256(b"scan").digest()


def possession(key: SoftwareSigner = PINS, info: VerifierInfo = INFO, origin: str = ORIGIN) -> bytes:
    return make_verifier_possession(origin=origin, info=info, signer=key, sub=SUB, iat_s=7)


def add(key: SoftwareSigner = PINS, *, by: SoftwareSigner = REGISTRAR_A, name: str = "carrier", **more: Any) -> bytes:
    facts = {"origin": ORIGIN, "key": key.public, "possession": possession(key), **more}
    return make_verifier_add(INFO, by=SigningRegistrar(name=name, signer=by, sub=SUB, iat_s=8), **facts)


def revoke(key: SoftwareSigner = PINS, *, suspect_from: int, verifier: str = "pins") -> bytes:
    return make_verifier_revoke(
        origin=ORIGIN,
        verifier=verifier,
        kid=key.public.kid,
        suspect_from=suspect_from,
        reason="copied",
        by=SigningRegistrar(name="ombudsman", signer=REGISTRAR_B, sub=SUB, iat_s=9),
    )


def attest(key: SoftwareSigner = PINS, *, verifier: str = "pins", check: str = "pin6", salt: bytes = SALT) -> bytes:
    facts = {"scan": DIGEST, "check": check, "outcome": AttestedOutcome.HELD, "at_ms": 1_790_000_000_000}
    return make_attestation(verifier, **facts, salt=salt, signer=key, sub=SUB, iat_s=10)[0]


def replay(*entries: bytes) -> Registry:
    registry = Registry()
    for index, entry in enumerate(entries):
        registry = fold(registry, index, entry)
    return registry


def ignored(registry: Registry) -> list[tuple[int, str]]:
    return [(row.index, row.code) for row in registry.ignored]


def audit(*entries: bytes) -> list[AuditFinding]:
    taken = Replay()
    found = [finding for index, entry in enumerate(entries) for finding in taken.take(index, entry)]
    return [*found, *taken.finish()]


def test_a_registrar_enrols_a_verifier_apart_from_the_stations() -> None:
    registry = replay(GENESIS, add(), key_add(STATION))
    assert registry.verifiers.keys() == {PINS.public.kid}
    assert registry.keys.keys() == {STATION.public.kid}
    assert registry.verifier_key(PINS.public.kid).info == INFO
    assert registry.standing(PINS.public.kid, 5) is KeyStanding.UNKNOWN
    assert registry.verifier_standing(STATION.public.kid, 5) is KeyStanding.UNKNOWN
    assert [registry.verifier_standing(PINS.public.kid, at) for at in (1, 2)] == ["unknown", "valid"]


def test_no_key_is_a_stations_and_a_verifiers() -> None:
    assert ignored(replay(GENESIS, key_add(STATION), add(STATION))) == [(2, "not-allowed")]
    assert ignored(replay(GENESIS, add(), key_add(PINS))) == [(2, "not-allowed")]
    assert ignored(replay(GENESIS, add(OPERATOR))) == [(1, "not-allowed")]
    assert ignored(replay(GENESIS, add(), add())) == [(2, "not-allowed")]


def test_only_a_registrar_in_force_enrols_a_verifier_of_this_log() -> None:
    assert ignored(replay(GENESIS, add(by=STRANGER))) == [(1, "registrar")]
    assert ignored(replay(GENESIS, add(by=REGISTRAR_B))) == [(1, "not-allowed")]
    elsewhere = add(origin="other.example/log", possession=possession(origin="other.example/log"))
    assert ignored(replay(GENESIS, elsewhere)) == [(1, "not-allowed")]


def test_nobody_enrols_a_verifier_that_did_not_say_itself_which_firm_it_is_of() -> None:
    other = VerifierInfo(verifier="pins", custodian="urn:example:carrier")
    refused(lambda: add(possession=possession(info=other)), code="statement")
    refused(lambda: add(possession=possession(STRANGER)), code="statement")
    refused(lambda: add(possession=flips(possession())[-1]), code="signature")
    refused(lambda: read_verifier_add(resigned(add(), REGISTRAR_A, custodian="urn:example:carrier")), code="statement")


def test_a_revocation_ends_a_key_and_may_put_its_words_in_doubt() -> None:
    registry = replay(GENESIS, add(), attest(), revoke(suspect_from=2))
    standings = [registry.verifier_standing(PINS.public.kid, at) for at in (1, 2, 3, 4)]
    assert standings == ["unknown", "suspect", "revoked", "revoked"]
    assert ignored(replay(GENESIS, add(), revoke(suspect_from=9))) == [(2, "not-allowed")]
    assert ignored(replay(GENESIS, add(), revoke(suspect_from=1, verifier="post"))) == [(2, "not-allowed")]
    assert ignored(replay(GENESIS, revoke(suspect_from=1))) == [(1, "key")]
    again = replay(GENESIS, add(), revoke(suspect_from=2), revoke(suspect_from=2), revoke(suspect_from=1))
    assert (ignored(again), again.verifiers[PINS.public.kid].suspect_from) == ([(3, "not-allowed")], 1)
    assert again.verifiers[PINS.public.kid].revoked_at == 2


def test_an_audit_takes_what_an_enrolled_verifier_attests_and_nothing_else_under_its_name() -> None:
    assert audit(GENESIS, add(), attest()) == []
    wrong = {
        "key": (GENESIS, attest()),
        "issuer": (GENESIS, add(), attest(verifier="post")),
        "revoked-key": (GENESIS, add(), revoke(suspect_from=2), attest()),
        "suspect-key": (GENESIS, add(), attest(), revoke(suspect_from=2)),
    }
    for code, entries in wrong.items():
        assert [finding.code for finding in audit(*entries)] == [code]
    signed_by_a_station = attest(STATION, verifier="pins")
    assert [finding.code for finding in audit(GENESIS, key_add(STATION), signed_by_a_station)] == ["key"]
    as_a_station = scan(PINS, 1, None)
    assert [finding.code for finding in audit(GENESIS, add(), as_a_station)] == ["key"]


def test_an_attestation_is_opened_as_it_was_made() -> None:
    facts: dict[str, Any] = {"scan": DIGEST, "check": "pin6", "outcome": AttestedOutcome.REFUTED, "at_ms": 12}
    statement, opening = make_attestation("pins", **facts, salt=SALT, signer=PINS, sub=SUB, iat_s=10)
    said = open_attestation(statement, opening)
    assert (said.verifier, said.scan, said.check, said.outcome, said.at_ms) == ("pins", *facts.values())
    assert said.message.protected[cose.PREIMAGE_CONTENT_TYPE] == ATTESTATION
    assert DIGEST not in statement
    assert b"pin6" not in statement
    for flipped in flips(opening):
        refused(open_attestation, statement, flipped, code="opening")


@pytest.mark.parametrize(
    "other",
    [
        {"scan": b"short"},
        {"check": ""},
        {"check": "p" * 61},
        {"check": "pin\n6"},
        {"outcome": "perhaps"},
        {"at_ms": -1},
        {"at_ms": True},
        {"more": 1},
    ],
)
def test_an_attestation_says_exactly_what_it_may(other: dict[str, Any]) -> None:
    content = {"scan": DIGEST, "check": "pin6", "outcome": "held", "at_ms": 12, **other}
    opening = SALT + cbor.encode(content)
    claims = {cose.ISS: "urn:weaklink:verifier:pins", cose.SUB: SUB, cose.IAT: 10}
    protected = {cose.CWT_CLAIMS: claims, cose.PAYLOAD_HASH_ALG: -16, cose.PREIMAGE_CONTENT_TYPE: ATTESTATION}
    statement = cose.sign_entry(protected, hashlib.sha256(opening).digest(), PINS).raw
    read_attestation(statement)
    refused(open_attestation, statement, opening, code="attestation")


def test_whoever_is_no_verifier_by_name_attests_nothing() -> None:
    refused(read_attestation, scan(PINS, 1, None), code="attestation")
    claims = {cose.ISS: "urn:weaklink:station:bench-4", cose.SUB: SUB, cose.IAT: 10}
    protected = {cose.CWT_CLAIMS: claims, cose.PAYLOAD_HASH_ALG: -16, cose.PREIMAGE_CONTENT_TYPE: ATTESTATION}
    refused(read_attestation, cose.sign_entry(protected, DIGEST, PINS).raw, code="attestation")


def test_a_verifier_is_typed_with_the_key_of_its_firm() -> None:
    assert typed_verifier("pins", "https://id.gs1.org/417/9521473000010").verifier == "pins"
    refused(typed_verifier, "pins and more", "urn:example:pins", code="verifier")
    refused(typed_verifier, "pins", "a firm", code="custodian")
    refused(read_verifier_revoke, resigned(revoke(suspect_from=2), REGISTRAR_B, verifier="a b"), code="statement")
