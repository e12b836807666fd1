"""Each line of a case has its number, and no two have one, whoever writes."""

from concurrent.futures import ThreadPoolExecutor

import msgspec
from sqlalchemy import update

from custody.ledger.record import open_record
from custody.store import case_book, log_reader
from custody.store.payment_lines import Payment, payment_in, payments
from custody.store.tables import DisputeEventRow
from custody.store.unit import House
from custody.usecases.came_back import credits_paid

CASE = "case_1"


def write(house: House, *, units: int) -> None:
    """Two lines of the case in each unit, and one of another case."""
    for number in range(units):
        with house.unit() as unit:
            for case in (CASE, CASE, "case_2"):
                case_book.note(unit, case, "called", actor="agent-1", facts={"number": number})


def test_two_processes_give_no_number_of_a_case_twice(house: House, other: House) -> None:
    with ThreadPoolExecutor(2) as runners:
        for done in [runners.submit(write, one, units=10) for one in (house, other)]:
            done.result()
    with house.read() as session:
        lines = case_book.timeline(session, CASE)
        assert [msgspec.json.decode(line.facts)["line"] for line in lines] == [*range(1, 41)]
        for number, line in enumerate(lines, 1):
            entry = log_reader.entry(session, line.idx or 0)
            assert open_record(entry.raw, entry.opening or b"").fields["line"] == number


def test_the_number_of_a_line_takes_the_place_of_one_that_was_read_from_another_line(house: House) -> None:
    with house.unit() as unit:
        case_book.note(unit, CASE, "check_asked", actor="inv-1", facts={})
        case_book.note(unit, CASE, "check_done", actor="inv-1", facts={"line": 1, "found": True})
    with house.read() as session:
        assert [msgspec.json.decode(line.facts)["line"] for line in case_book.timeline(session, CASE)] == [1, 2]


def test_a_line_of_a_kind_that_this_version_does_not_know_is_read_as_it_stands(house: House) -> None:
    with house.unit() as unit:
        case_book.note(unit, CASE, "of_a_later_version", actor="agent-1", facts={"reference": 7, "pence": "seven"})
        case_book.note(unit, CASE, "credit_paid", actor="agent-1", facts={"reference": "BACS-1", "pence": 700})
    with house.read() as session:
        later, paid = case_book.timeline(session, CASE)
        assert (str(later.kind), msgspec.json.decode(later.facts)["reference"]) == ("of_a_later_version", 7)
        assert [*payments(session, CASE)] == [("credit_paid", payment_in(paid))]
        assert credits_paid(session, CASE) == {"BACS-1": 700}


def test_an_erased_line_of_a_payment_names_nothing(house: House) -> None:
    with house.unit() as unit:
        case_book.note(unit, CASE, "credit_paid", actor="agent-1", facts={"reference": "BACS-1", "pence": 700})
        unit.session.execute(update(DisputeEventRow).values(facts="{}"))
    with house.read() as session:
        assert [*payments(session, CASE)] == [("credit_paid", Payment())]
        assert credits_paid(session, CASE) == {}
