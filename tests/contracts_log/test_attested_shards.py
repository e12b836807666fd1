"""What verifiers attest of a scan goes with it when its shard is dropped, and the log is whole."""

from custody.scans.scan import open_scan
from custody.store import attestation_book, log_reader
from tests.contracts_log.shard_yard import Yard
from tests.contracts_log.small_house import SSCC
from tests.verifying import CHECKED, Verifier
from tests.world_parts import key

YEARS = 6


def test_a_dropped_scan_takes_what_was_attested_of_it_along(database_url: str) -> None:
    yard = Yard.over(database_url)
    yard.station("bench-1", "north")
    pins = Verifier(house=yard.house, signer=key("pins"))
    pins.enrol(key("registrar"))
    yard.see("bench-1", SSCC, **CHECKED)
    taken = pins.attest(open_scan(*yard.station("bench-1").made[-1]).digest)
    quarter = yard.end_quarter()
    yard.go_to(quarter.keep_until_ms(YEARS))
    assert yard.drop(f"{quarter.name}/north").gone == 1
    with yard.house.read() as session:
        assert attestation_book.is_empty(session)
        assert log_reader.entry(session, taken.index).opening is None
    assert yard.complaints() == []
    assert yard.drop(f"{quarter.name}/north").repeated
