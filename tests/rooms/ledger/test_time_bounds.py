"""Between which moments a statement was made, on the word of a quorum of witnesses."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.ledger.checkpoint import Checkpoint, sign_checkpoint
from custody.ledger.cosignature import cosign
from custody.ledger.merkle import leaf_hash
from custody.ledger.note import SignatureKind, add_signatures, parse_note, text_key
from custody.ledger.time_bounds import not_after, not_before, note_digest
from custody.ledger.witness_policy import WitnessPolicy, parse_policy
from tests.rooms.ledger.small_world import LOG, LOG_VERIFIER, ORIGIN, STRANGER, refused, signer

KEYS = {name: signer(number) for number, name in enumerate(("carrier", "ombudsman", "union"), start=30)}
LINES = [f"log {LOG_VERIFIER.key.vkey()}"] + [
    f"witness {name} {text_key(name, key.public, kind=SignatureKind.ED25519_COSIGNATURE).vkey()}"
    for name, key in KEYS.items()
]


def policy(quorum: str) -> WitnessPolicy:
    group = f"group q {quorum} carrier ombudsman union"
    return parse_policy("\n".join([*LINES, group, "quorum none" if quorum == "1" else "quorum q", ""]))


ANY, TWO, ALL = policy("any"), policy("2"), policy("all")
NOBODY = policy("1")


def note(size: int, **times: int) -> bytes:
    """The checkpoint of that size, cosigned by those at these seconds."""
    head = Checkpoint(origin=ORIGIN, size=size, root=leaf_hash(str(size).encode()))
    lines = [cosign(head, name=name, signer=KEYS[name], at_s=at_s) for name, at_s in times.items()]
    return add_signatures(sign_checkpoint(head, LOG), lines)


def test_what_a_statement_embeds_is_the_digest_of_the_note_with_its_cosignatures() -> None:
    plain, cosigned = note(5), note(5, carrier=10)
    assert note_digest(cosigned) == hashlib.sha256(cosigned).digest()
    assert note_digest(cosigned) != note_digest(plain) != note_digest(note(5, carrier=11))
    assert parse_note(cosigned).text == parse_note(plain).text


@pytest.mark.parametrize(("quorum", "at_ms"), [(ANY, 30_000), (TWO, 20_000), (ALL, 10_000)])
def test_not_before_is_the_latest_time_that_a_quorum_reached(quorum: WitnessPolicy, at_ms: int) -> None:
    assert not_before(note(5, carrier=20, ombudsman=10, union=30), quorum) == at_ms


@pytest.mark.parametrize(("quorum", "at_ms"), [(ANY, 10_999), (TWO, 20_999), (ALL, 30_999)])
def test_not_after_is_the_end_of_the_second_by_which_a_quorum_had_cosigned(quorum: WitnessPolicy, at_ms: int) -> None:
    assert not_after(4, [note(5, carrier=20, ombudsman=10, union=30)], quorum) == at_ms


def test_less_than_a_quorum_gives_no_bound() -> None:
    one = note(5, carrier=20)
    assert (not_before(one, TWO), not_after(4, [one], TWO)) == (None, None)
    assert (not_before(note(5), ANY), not_after(4, [note(5)], ANY), not_after(4, [], ANY)) == (None, None, None)


def test_a_policy_that_asks_for_no_witness_gives_no_bound() -> None:
    cosigned = note(5, carrier=20)
    assert (not_before(cosigned, NOBODY), not_after(4, [cosigned], NOBODY)) == (None, None)


def test_a_tree_that_does_not_cover_the_entry_says_nothing_of_it() -> None:
    notes = [note(5, carrier=10), note(6, carrier=20), note(9, carrier=30)]
    assert [not_after(index, notes, ANY) for index in (4, 5, 6, 8, 9)] == [10_999, 20_999, 30_999, 30_999, None]


def test_witnesses_may_have_cosigned_different_trees_that_cover_the_entry() -> None:
    notes = [note(6, carrier=20), note(8, ombudsman=25), note(9, carrier=30)]
    assert not_after(5, notes, TWO) == 25_999
    assert not_after(5, reversed(notes), TWO) == 25_999
    assert not_after(6, notes, TWO) == 30_999


def test_notes_of_another_log_and_broken_lines_are_refused() -> None:
    head = Checkpoint(origin=ORIGIN, size=5, root=leaf_hash(b"5"))
    line = cosign(head, name="carrier", signer=KEYS["carrier"], at_s=7)
    foreign = add_signatures(sign_checkpoint(head, STRANGER), [line])
    moved = bytearray(note(5, carrier=20))
    moved[-20] ^= 1
    for wrong in (foreign, bytes(moved), b"nonsense"):
        refused(not_before, wrong, ANY)
        refused(not_after, 4, [wrong], ANY)


TIMES = st.fixed_dictionaries({}, optional={name: st.integers(1, 50) for name in KEYS})


@given(embedded=TIMES, covering=TIMES, spread=st.integers(0, 50))
@settings(max_examples=60, deadline=None)
def test_a_larger_quorum_never_makes_the_sandwich_narrower(
    embedded: dict[str, int], covering: dict[str, int], spread: int
) -> None:
    """What two witnesses say holds if one says so, and what all say holds if two do."""
    early, late = note(5, **embedded), note(9, **{name: at_s + spread for name, at_s in covering.items()})
    befores = [not_before(early, quorum) for quorum in (ALL, TWO, ANY)]
    afters = [not_after(7, [late], quorum) for quorum in (ALL, TWO, ANY)]
    known_befores, known_afters = ([each for each in row if each is not None] for row in (befores, afters))
    assert known_befores == sorted(known_befores)
    assert known_afters == sorted(known_afters, reverse=True)
    assert (len(known_befores), len(known_afters)) == (len(embedded), len(covering))
