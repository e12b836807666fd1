"""What a station signed of scans that are refused: each takes its number, all of a request in one unit."""

from collections.abc import Sequence

from custody.kernel import cose
from custody.kernel.keys import new_signer
from custody.scans.scan import Scan, open_scan
from custody.scans.tolerances import Tolerances
from custody.store.unit import House
from custody.usecases.keep_refused import keep_refused
from tests.contracts_log.small_house import Bench, enrol_bench, findings, opened_house, send, size_of


def commits(house: House, scans: Sequence[Scan]) -> int:
    """How many units these refused scans take."""
    done: list[int] = []
    house.after_commit = lambda: done.append(1)
    keep_refused(house, scans, Tolerances())
    return len(done)


def test_many_that_are_refused_in_a_row_take_their_numbers_in_one_unit(database_url: str) -> None:
    house = opened_house(database_url)
    bench = enrol_bench(house)
    before = size_of(house)
    refused = [open_scan(*bench.sign(house)) for _ in range(3)]
    assert commits(house, [*refused, refused[0]]) == 1
    assert size_of(house) == before + 3
    (ack,) = send(house, bench.sign(house))
    assert {flag.code for flag in ack.verdict.flags}.isdisjoint({"sequence_gap", "chain_broken"})
    assert findings(house) == []


def test_what_the_log_holds_already_is_not_written_again(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    refused = [open_scan(*enrol_bench(house).sign(house))]
    keep_refused(house, refused, Tolerances())
    before = size_of(house)
    assert commits(house, refused) == 0
    assert size_of(house) == before


def test_what_is_not_taken_holds_none_of_its_neighbours_up(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    bench = enrol_bench(house)
    statement, opening = bench.sign(house)
    right = cose.parse(statement)
    signature = bytes([right.signature[0] ^ 1]) + right.signature[1:]
    forged = open_scan(cose._assemble(right.protected_raw, {}, right.payload, signature), opening)
    stranger = open_scan(*Bench(name="bench-08", signer=new_signer(seed=bytes(32))).sign(house))
    before = size_of(house)
    assert forged.digest == open_scan(statement, opening).digest
    keep_refused(house, [stranger, forged, open_scan(statement, opening)], Tolerances())
    assert size_of(house) == before + 1
    assert findings(house) == []


def test_of_several_only_what_the_log_does_not_hold_yet_is_written(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    bench = enrol_bench(house)
    known = open_scan(*bench.sign(house))
    keep_refused(house, [known], Tolerances())
    before = size_of(house)
    fresh = open_scan(*bench.sign(house))
    keep_refused(house, [known, fresh, known], Tolerances())
    assert size_of(house) == before + 1
    assert findings(house) == []
