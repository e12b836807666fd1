"""What an investigation remembers of ways takes in what comes late."""

from custody.gs1.keys import issue_sscc
from custody.scans.tolerances import Tolerances
from custody.usecases.register_statement import register
from custody.usecases.ways import Ways
from tests.contracts_log.small_house import enrol_bench, opened_house, send


def test_a_scan_whose_opening_comes_late_is_read_although_later_ones_were_read_before(database_url: str) -> None:
    house = opened_house(database_url)
    bench, other, remembered = enrol_bench(house), issue_sscc("9521473", 77).uri, Ways()
    late = bench.sign(house, other)
    register(house, late[0], Tolerances())
    send(house, bench.sign(house))
    with house.read() as session:
        assert other not in remembered.passages(session)
    send(house, late)
    with house.read() as session:
        assert other in remembered.passages(session)
        assert remembered.passages(session) == Ways().passages(session)
