"""A station's chain: whatever the order of arrival, what is missing, doubled or astray is said once."""

from array import array
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from custody.ledger.station_chain import Chained, StationChain, pack_places, unpack_places
from tests.rooms.ledger.small_world import refused

COUNT = 12


def digest(seq: int) -> bytes:
    return seq.to_bytes(32, "big")


def link(index: int, seq: int, *, count: int = 1, prev: bytes | None = None, name: bytes | None = None) -> Chained:
    before = None if seq == 1 else digest(seq - 1)
    return Chained(index=index, digest=name or digest(seq + count - 1), prev=prev or before, seq=seq, count=count)


def fed(order: Sequence[int]) -> tuple[StationChain, list[tuple[str, int]]]:
    chain, told = StationChain(issuer="urn:weaklink:station:x"), []
    for index, seq in enumerate(order):
        told += [(row.code, row.index) for row in chain.add(link(index, seq))]
    return chain, told


@given(st.permutations(range(1, COUNT + 1)))
def test_any_order_of_a_whole_chain_is_whole(order: list[int]) -> None:
    chain, told = fed(order)
    assert told == []
    assert list(chain.gaps()) == []
    assert (chain.count, chain.head, chain.due) == (COUNT, digest(COUNT), COUNT + 1)
    assert [chain.holds(seq, digest(seq)) for seq in order] == list(range(COUNT))


@given(st.permutations(range(1, COUNT + 1)), st.sets(st.integers(1, COUNT), min_size=1))
def test_every_run_of_missing_numbers_is_one_gap(order: list[int], missing: set[int]) -> None:
    kept = [seq for seq in order if seq not in missing]
    chain, told = fed(kept)
    assert told == []
    present = sorted(kept)
    expected = [
        f"left out {low + 1} to {high - 1}" for low, high in zip([0, *present], present, strict=False) if high > low + 1
    ]
    assert [row.detail.removeprefix("urn:weaklink:station:x ") for row in chain.gaps()] == expected


@given(st.lists(st.integers(1, 5), min_size=1, max_size=8), st.data())
def test_batches_take_their_numbers_in_whatever_order_they_come(counts: list[int], data: st.DataObject) -> None:
    starts, seq = [], 1
    for count in counts:
        starts.append((seq, count))
        seq += count
    order = data.draw(st.permutations(starts))
    chain = StationChain(issuer="urn:weaklink:station:x")
    told = [row for index, (first, count) in enumerate(order) for row in chain.add(link(index, first, count=count))]
    assert (told, list(chain.gaps()), chain.due) == ([], [], seq)
    for first, count in starts:
        assert chain.holds(first, digest(first + count - 1)) is not None
        for number in range(first, first + count):
            (found,) = chain.add(link(99, number, name=b"f" * 32))
            assert found.code == "fork"


def test_a_batch_that_takes_a_number_of_another_is_a_fork_whichever_comes_first() -> None:
    for waiting in (link(0, 4, count=3), link(0, 9)):
        chain = StationChain(issuer="urn:weaklink:station:x")
        assert list(chain.add(waiting)) == []
        for other in (link(1, 2, count=3), link(1, 6, count=2), link(1, 3, count=9), link(1, 8, count=2)):
            overlaps = other.seq < waiting.end and waiting.seq < other.end
            fresh = StationChain(issuer=chain.issuer, ahead=dict(chain.ahead))
            assert [row.code for row in fresh.add(other)] == (["fork"] if overlaps else [])


def test_a_second_statement_with_one_number_is_a_fork_and_is_not_held() -> None:
    chain, _ = fed([1, 2, 4])
    for seq in (1, 2, 4):
        (found,) = chain.add(link(9, seq, name=b"f" * 32))
        assert (found.code, found.index) == ("fork", 9)
        assert chain.holds(seq, b"f" * 32) is None
        assert chain.holds(seq, digest(seq)) is not None
    assert chain.holds(3, digest(3)) is None
    assert chain.holds(-1, digest(1)) is None


def test_a_false_predecessor_is_found_when_the_two_meet_or_at_the_end() -> None:
    chain, _ = fed([1])
    (found,) = chain.add(link(5, 2, prev=b"x" * 32))
    assert (found.code, found.index) == ("prev", 5)
    chain, _ = fed([4])
    assert list(chain.add(link(6, 5, prev=b"x" * 32))) == []
    assert [(row.code, row.index) for row in chain.gaps()] == [("gap", 0), ("prev", 6)]


def test_places_are_packed_and_unpacked() -> None:
    places = array("Q", [0, 7, 2**63 - 1])
    assert unpack_places(pack_places(places)) == places
    refused(unpack_places, b"1234567", code="kept")
