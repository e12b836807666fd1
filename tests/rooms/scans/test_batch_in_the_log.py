"""Whoever reads the log alone follows a station's chain through its batches, and sees what is missing or doubled."""

import json
from collections.abc import Callable, Sequence

import pytest

from custody.kernel.cose import parse
from custody.ledger.replay import Replay
from custody.scans.batch import make_batch
from custody.scans.leaf import make_leaf
from tests.rooms.ledger.small_world import key_add, policy_statement, scan, signer

STATION = signer(60)
EVENT = json.dumps(
    {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "ObjectEvent",
        "eventTime": "2026-09-21T12:53:20Z",
        "eventTimeZoneOffset": "+00:00",
        "action": "OBSERVE",
        "epcList": ["https://id.gs1.org/00/195214730000088169"],
    }
).encode()


def batch(first: int, count: int, prev: bytes | None, *, drawn: int = 0) -> bytes:
    leaves = [
        make_leaf(EVENT, station="bench-07", subject="s", seq=seq, salt=(seq + drawn).to_bytes(32, "big"))[0]
        for seq in range(first, first + count)
    ]
    return make_batch(leaves, subject="urn:uuid:batch", prev=prev, iat_s=1, signer=STATION)


def digest(statement: bytes) -> bytes:
    return parse(statement).digest


def found(statements: Sequence[bytes]) -> list[str]:
    """What an auditor finds in a log with these statements of one station."""
    replay = Replay()
    entries = [policy_statement(), key_add(STATION), *statements]
    codes = [finding.code for index, entry in enumerate(entries) for finding in replay.take(index, entry)]
    return [*codes, *(finding.code for finding in replay.finish())]


FIRST = scan(STATION, 1, None)
SECOND = batch(2, 3, digest(FIRST))
THIRD = batch(5, 256, digest(SECOND))
LAST = scan(STATION, 261, digest(THIRD))
CHAIN = (FIRST, SECOND, THIRD, LAST)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 0, 3, 2)])
def test_plain_statements_and_batches_are_one_chain_in_whatever_order_they_come(order: Sequence[int]) -> None:
    assert found([CHAIN[at] for at in order]) == []


def test_a_chain_may_begin_with_a_batch() -> None:
    first = batch(1, 2, None)
    assert found([first, scan(STATION, 3, digest(first))]) == []


@pytest.mark.parametrize("missing", [1, 2])
def test_a_batch_that_is_left_out_is_a_gap(missing: int) -> None:
    assert found([each for at, each in enumerate(CHAIN) if at != missing]) == ["gap"]


@pytest.mark.parametrize(
    "other",
    [
        lambda: scan(STATION, 2, digest(FIRST)),
        lambda: scan(STATION, 3, b"\0" * 32),
        lambda: scan(STATION, 4, b"\0" * 32),
        lambda: batch(2, 3, digest(FIRST), drawn=9),
        lambda: batch(4, 2, b"\0" * 32),
    ],
)
def test_another_statement_under_a_number_of_a_batch_is_a_fork(other: Callable[[], bytes]) -> None:
    assert "fork" in found([*CHAIN, other()])


def test_a_batch_that_names_another_statement_before_it_is_found() -> None:
    assert found([FIRST, batch(2, 3, b"\0" * 32)]) == ["prev"]
