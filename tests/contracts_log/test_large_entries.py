"""No door puts a statement into the log that its bundles of entries cannot hold: nobody could read the log any more."""

from custody.kernel import cbor, cose
from custody.kernel.errors import Rejected
from custody.ledger.cosignature import mldsa_key, new_mldsa_signer
from custody.ledger.record import CONTENT_TYPE
from custody.ledger.statements import make_possession
from custody.ledger.tiles import MAX_ENTRY_BYTES
from custody.store.log_book import NewEntry
from custody.store.unit import House
from custody.usecases.enrol_station import announce, enrol
from custody.usecases.open_log import name_witnesses
from tests.contracts_log.small_house import (
    CUSTODIAN,
    SITE,
    VERIFIER,
    enrol_bench,
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


def test_a_proof_of_possession_that_makes_the_enrolment_too_large_is_refused(database_url: str) -> None:
    house = opened_house(database_url)
    with house.unit() as unit:
        told = announce(unit, station="bench-08", site=SITE, place="Bench", step="pack", custodian=CUSTODIAN)
    signer = key("station bench-08")
    proof = make_possession(origin=ORIGIN, station="bench-08", signer=signer, sub=f"urn:x:{'a' * 70_000}", iat_s=1)
    cose_key = cbor.encode(signer.public.cose_key())
    with raises(Rejected, "too_large"), house.unit() as unit:
        enrol(unit, token=told.token, cose_key=cose_key, possession=proof, registrar=key("registrar"))
    assert size_of(house) == 1
    enrol_bench(house, "bench-08", signer)
    assert size_of(house) == 2
    assert findings(house) == []


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
