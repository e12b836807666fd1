"""No door puts a statement into the log that its bundles of entries cannot hold: nobody could read the log any more.

Nor one with a subject that is longer than a reference has to be.
"""

from contextlib import suppress

import pytest

from custody.kernel import cbor, cose
from custody.kernel.errors import Rejected
from custody.ledger.cosignature import mldsa_key, new_mldsa_signer
from custody.ledger.policy import Registrar, read_policy_map
from custody.ledger.record import CONTENT_TYPE, make_record
from custody.ledger.registry import Registry, fold
from custody.ledger.statements import KEY_ADD, approve_policy, make_possession
from custody.ledger.tiles import MAX_ENTRY_BYTES
from custody.scans.tolerances import Tolerances
from custody.store import log_reader
from custody.store.log_book import NewEntry
from custody.store.unit import House
from custody.usecases.change_trust import draft, enact
from custody.usecases.enrol_station import announce, enrol
from custody.usecases.open_log import REGISTRAR, name_witnesses
from custody.usecases.register_statement import register
from tests.contracts_log.small_house import (
    CUSTODIAN,
    SITE,
    VERIFIER,
    findings,
    opened_house,
    raises,
    size_of,
)
from tests.world_parts import ORIGIN, key

WITNESSES = 20
"""Each with a key of 1,312 bytes, named twice in a policy."""


def put(house: House, statement: bytes) -> None:
    with house.unit() as unit:
        unit.log.append([NewEntry(message=cose.parse(statement), content_type=CONTENT_TYPE)])


def of_size(size: int) -> bytes:
    """A statement of that many bytes."""
    content = bytes(MAX_ENTRY_BYTES - 1_000)
    around = len(cose.sign({}, content, key("operator"))) - len(content)
    return cose.sign({}, bytes(size - around), key("operator"))


def key_add(station: str, *, sub: str, proof_sub: str) -> bytes:
    """An enrolment as a registrar with tools of his own signs it."""
    public = key(f"station {station}").public
    proof = make_possession(origin=ORIGIN, station=station, signer=key(f"station {station}"), sub=proof_sub, iat_s=1)
    about = {"origin": ORIGIN, "station": station, "site": SITE, "place": "Bench", "step": "pack"}
    payload = {**about, "custodian": CUSTODIAN, "key": public.cose_key(), "possession": proof}
    iss = Registrar(name=REGISTRAR, key=key("registrar").public).iss
    claims = {cose.ISS: iss, cose.SUB: sub, cose.IAT: 1}
    return cose.sign({cose.CONTENT_TYPE: KEY_ADD, cose.CWT_CLAIMS: claims}, cbor.encode(payload), key("registrar"))


LONGEST, LONGER = f"urn:x:{'a' * 194}", f"urn:x:{'a' * 195}"


def test_a_proof_of_possession_with_a_long_subject_is_refused(database_url: str) -> None:
    house = opened_house(database_url)
    with house.unit() as unit:
        told = announce(unit, station="bench-08", site=SITE, place="Bench", step="pack", custodian=CUSTODIAN)
    signer = key("station bench-08")
    cose_key = cbor.encode(signer.public.cose_key())
    proof = make_possession(origin=ORIGIN, station="bench-08", signer=signer, sub=LONGER, iat_s=1)
    with raises(Rejected, "subject"), house.unit() as unit:
        enrol(unit, token=told.token, cose_key=cose_key, possession=proof, registrar=key("registrar"))
    assert size_of(house) == 1
    proof = make_possession(origin=ORIGIN, station="bench-08", signer=signer, sub=LONGEST, iat_s=1)
    with house.unit() as unit:
        enrol(unit, token=told.token, cose_key=cose_key, possession=proof, registrar=key("registrar"))
    assert size_of(house) == 2
    assert findings(house) == []


@pytest.mark.parametrize("subjects", [{"sub": LONGER, "proof_sub": LONGEST}, {"sub": LONGEST, "proof_sub": LONGER}])
def test_the_standard_door_takes_no_enrolment_with_a_long_subject(sqlite_url: str, subjects: dict[str, str]) -> None:
    house = opened_house(sqlite_url)
    with raises(Rejected, "subject"):
        register(house, key_add("bench-08", **subjects), Tolerances())
    assert size_of(house) == 1
    register(house, key_add("bench-08", sub=LONGEST, proof_sub=LONGEST), Tolerances())
    assert size_of(house) == 2


def test_no_change_of_trust_is_approved_under_a_long_subject(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    with house.read() as session:
        raw = draft(session, witnesses={"working": f"log {VERIFIER.key.vkey()}\nquorum none\n"})
    for sub, size in ((LONGER, 1), (LONGEST, 2)):
        approval = approve_policy(read_policy_map(raw), registrar=REGISTRAR, signer=key("registrar"), sub=sub, iat_s=1)
        with suppress(Rejected), house.unit() as unit:
            enact(house, unit, raw, [approval])
        assert size_of(house) == size


def test_no_record_has_a_long_subject() -> None:
    with raises(Rejected, "subject"):
        make_record(
            {"kind": "test.note"}, salt=bytes(32), signer=key("operator"), iss="urn:x:operator", sub=LONGER, iat_s=1
        )


def test_a_log_that_holds_a_long_subject_from_before_is_replayed_as_it_was(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    before = key_add("bench-08", sub=LONGER, proof_sub=f"urn:x:{'a' * 60_000}")
    with house.unit() as unit:
        unit.log.append([NewEntry(message=cose.parse(before), content_type=KEY_ADD)])
    assert findings(house) == []
    with house.read() as session:
        genesis = log_reader.entry(session, 0).raw
    registry = fold(fold(Registry(), 0, genesis), 1, before)
    assert registry.station_key(key("station bench-08").public.kid).info.station == "bench-08"


def test_a_policy_that_names_more_witnesses_than_an_entry_holds_is_refused(database_url: str) -> None:
    house = opened_house(database_url)
    names = [f"w{number}" for number in range(WITNESSES)]
    keys = {name: mldsa_key(f"{name}.example/w", new_mldsa_signer(name.rjust(32).encode())) for name in names}
    lines = [f"witness {name} {keys[name].vkey()} http://{name}.example" for name in names]
    text = "\n".join([f"log {VERIFIER.key.vkey()}", *lines, f"group g any {' '.join(names)}", "quorum g", ""])
    with raises(Rejected, "too_large"), house.unit() as unit:
        name_witnesses(house, unit, {"working": text, "verdict": text}, registrar=key("registrar"))
    assert size_of(house) == 1
    with house.unit() as unit:
        name_witnesses(house, unit, {"working": text}, registrar=key("registrar"))
    assert size_of(house) == 2
    assert findings(house) == []


def test_an_entry_may_be_as_long_as_a_bundle_can_tell_and_no_longer(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    with raises(Rejected, "too_large"):
        put(house, of_size(MAX_ENTRY_BYTES + 1))
    assert size_of(house) == 1
    put(house, of_size(MAX_ENTRY_BYTES))
    assert size_of(house) == 2
    assert {each.index for each in findings(house)} <= {1}, "the bundle is read"
