"""Witnesses answer at the same moment: what the quorum cosigned together is shown, at once or as soon as one looks."""

import threading
from contextlib import closing

import pytest

from api.process.witnesses import Witnesses
from custody.ledger.checkpoint import open_checkpoint
from custody.ledger.cosignature import cosign
from custody.ledger.note import SignatureKind, parse_signatures, text_key
from custody.ledger.witness_policy import WitnessPolicy, parse_policy
from custody.store import witness_book
from custody.store.unit import House
from custody.usecases.cosign import Asking, ask, take
from tests.contracts_log.small_house import VERIFIER, add_records, opened_house
from tests.world_parts import key

NAMES = ("carrier", "ombudsman")
KEYS = {name: text_key(f"{name}.example/w", key(name).public, kind=SignatureKind.ED25519_COSIGNATURE) for name in NAMES}
NOBODY = "http://127.0.0.1:9"
LONG_S = 60.0


def policy_of(*, quorum: str = "all") -> WitnessPolicy:
    witnesses = [f"witness {name} {KEYS[name].vkey()} {NOBODY}/{name}" for name in NAMES]
    group = f"group both {quorum} {' '.join(NAMES)}"
    return parse_policy("\n".join([f"log {VERIFIER.key.vkey()}", *witnesses, group, "quorum both", ""]))


def line_of(house: House, asked: Asking, name: str) -> str:
    checkpoint = open_checkpoint(asked.note, VERIFIER)
    return cosign(checkpoint, name=f"{name}.example/w", signer=key(name), at_s=house.clock.now_ms() // 1000).line()


def shown(house: House) -> int:
    """The size that the public sees."""
    with house.read() as session:
        newest = witness_book.newest(session)
    return newest.size if newest else 0


@pytest.mark.postgres
def test_a_checkpoint_whose_witnesses_answer_at_the_same_moment_is_shown(postgres_url: str) -> None:
    house, policy = opened_house(postgres_url), policy_of()
    for size in (1, 3):
        with house.read() as session:
            asked = ask(session, 0)
        first, second = (line_of(house, asked, name) for name in NAMES)
        done = threading.Event()

        def answer(line: str = second, asked: Asking = asked, done: threading.Event = done) -> None:
            with house.unit() as unit:
                take(unit, asked, line, keys=KEYS, policy=policy)
            done.set()

        other = threading.Thread(target=answer)
        with house.unit() as unit:
            take(unit, asked, first, keys=KEYS, policy=policy)
            other.start()
            assert not done.wait(0.5), "the lines of one checkpoint are counted by one unit at a time"
        assert done.wait(LONG_S)
        other.join()
        assert shown(house) == size
        add_records(house, 2)


def test_what_the_quorum_had_cosigned_and_nobody_was_shown_is_shown_as_soon_as_one_looks(database_url: str) -> None:
    house, policy = opened_house(database_url), policy_of()
    with house.read() as session:
        asked = ask(session, 0)
    with house.unit() as unit:
        for name in NAMES:
            (line,) = parse_signatures(line_of(house, asked, name))
            witness_book.add(unit.session, asked.size, [(name, line)], at_ms=unit.now_ms)
    assert shown(house) == 0
    witnesses = Witnesses(house, policy)
    with closing(witnesses._http):
        witnesses.visit(witnesses.desks[0])
    assert shown(house) == 1


def test_what_no_quorum_has_cosigned_is_not_shown_whoever_looks(database_url: str) -> None:
    house = opened_house(database_url)
    with house.read() as session:
        asked = ask(session, 0)
    with house.unit() as unit:
        take(unit, asked, line_of(house, asked, "carrier"), keys=KEYS, policy=policy_of())
    for quorum, size in (("all", 0), ("any", 1)):
        witnesses = Witnesses(house, policy_of(quorum=quorum))
        with closing(witnesses._http):
            witnesses.visit(witnesses.desks[0])
        assert shown(house) == size
