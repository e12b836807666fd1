"""The row of a plain scan holds the beginning of its digest, whose whole stands with its entry."""

from sqlmodel import Session

from custody.scans.place import place_of, position_of
from custody.store import scan_book
from custody.store.bulk import ask, change
from custody.store.scan_book import BEGINNING, JudgedScan
from custody.store.unit import House
from tests.contracts_store.houses import make_yard, running

END = place_of(1_000)


def digests(house: House) -> dict[int, bytes]:
    """What is read as the digests of scans, by every way to read them."""
    with house.read() as session:
        places = [place for (place,) in ask(session, "SELECT place FROM scan", ())]
        ways = (
            scan_book.judged_at(session, places),
            scan_book.judged_between(session, 0, END),
            scan_book.scans_from(session, 0, limit=1_000),
        )
        assert ways[0] == ways[1] == ways[2]
        return {scan.place: scan.digest for scan in ways[0]}


def write(house: House, digest: bytes, place: int) -> None:
    """Have the row of a scan hold this of its digest."""
    with house.unit() as unit:
        assert change(unit.session, "UPDATE scan SET digest = ? WHERE place = ?", (digest, place)) == 1


def entries(session: Session, scans: list[JudgedScan]) -> dict[int, bytes]:
    """The digests of the entries of scans, by the places of the scans."""
    found = scan_book.statement_digests(session, [scan.index for scan in scans])
    return {scan.place: found[scan.index] for scan in scans}


def test_a_plain_scan_holds_the_beginning_and_is_read_with_the_whole(house: House) -> None:
    yard = make_yard(house)
    with running(house) as intake:
        for lane in yard.lanes:
            yard.take(intake, lane)
    sent = {scan.digest for lane in yard.lanes for scan in lane}
    read = digests(house)
    assert set(read.values()) == sent
    with house.read() as session:
        held = dict(ask(session, "SELECT place, digest FROM scan", ()))
        assert all(position_of(place) is None for place in held)
        assert {len(digest) for digest in held.values()} == {BEGINNING}
        assert entries(session, scan_book.judged_between(session, 0, END)) == read
    assert yard.complaints() == []


def test_a_row_of_before_with_the_whole_digest_is_read_as_it_was(house: House) -> None:
    yard = make_yard(house)
    with running(house) as intake:
        yard.take(intake, yard.lanes[0])
    before = digests(house)
    for place, digest in before.items():
        write(house, digest, place)
    assert digests(house) == before


def test_what_begins_otherwise_than_its_entry_is_not_taken_for_its_digest(house: House) -> None:
    yard = make_yard(house)
    with running(house) as intake:
        yard.take(intake, yard.lanes[0])
    first = min(digests(house))
    write(house, b"else", first)
    assert digests(house)[first] == b"else", "it is told as what the row holds, for whoever compares them"


def test_a_scan_of_a_batch_holds_the_whole_digest() -> None:
    whole = bytes(range(32))
    assert scan_book.held_digest(place_of(7, 0), whole) == whole
    assert scan_book.held_digest(place_of(7), whole) == whole[:BEGINNING]
