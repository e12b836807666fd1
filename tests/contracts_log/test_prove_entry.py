"""Receipts and proofs are against the checkpoint that the public sees."""

import pytest

from custody.kernel.errors import Rejected
from custody.kernel.receipt import verify_receipt
from custody.ledger.checkpoint import open_checkpoint
from custody.ledger.proof import verify_proof
from custody.ledger.receipt import against_checkpoint
from custody.store import log_reader, witness_book
from custody.store.unit import House
from custody.usecases.prove_entry import fresh_receipt, proof_file
from tests.contracts_log.small_house import VERIFIER, add_records, opened_house, raises
from tests.world_parts import ORIGIN, key


@pytest.fixture
def house(sqlite_url: str) -> House:
    """Return a log of eleven entries whose first six are cosigned."""
    made = opened_house(sqlite_url)
    add_records(made, 5)
    with made.read() as session:
        note = log_reader.head(session).note
    add_records(made, 5)
    with made.unit() as unit:
        witness_book.publish(unit.session, 6, note, at_ms=unit.now_ms)
    return made


@pytest.mark.parametrize(("index", "size"), [(0, 6), (5, 6), (6, 11), (10, 11)])
def test_a_receipt_is_against_the_cosigned_checkpoint_where_that_covers_the_entry(
    house: House, index: int, size: int
) -> None:
    with house.read() as session:
        stored = log_reader.entry(session, index)
        receipt = fresh_receipt(session, stored, origin=ORIGIN, signer=key("log"))
        proof = proof_file(session, stored)
        shown = log_reader.head(session).note if size == 11 else witness_book.newest(session).note  # type: ignore[union-attr]  # it was published
    proven = verify_receipt(receipt, stored.raw, key("log").public)
    assert (proven.index, proven.size) == (index, size)
    against_checkpoint(proven, open_checkpoint(shown, VERIFIER))
    placed = verify_proof(proof, stored.raw, VERIFIER)
    assert (placed.index, placed.checkpoint.size) == (index, size)


def test_a_log_of_one_entry_gives_a_proof_and_no_receipt(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    with house.read() as session:
        stored = log_reader.entry(session, 0)
        with raises(Rejected, "receipt"):
            fresh_receipt(session, stored, origin=ORIGIN, signer=key("log"))
        assert verify_proof(proof_file(session, stored), stored.raw, VERIFIER).checkpoint.size == 1
        note = log_reader.head(session).note
    with house.unit() as unit:
        witness_book.publish(unit.session, 1, note, at_ms=unit.now_ms)
    add_records(house, 1)
    with house.read() as session:
        receipt = fresh_receipt(session, stored, origin=ORIGIN, signer=key("log"))
    assert verify_receipt(receipt, stored.raw, key("log").public).size == 2
