"""What other lock systems show to whoever holds the handset: all that the screen of our own agent says in words."""

import json
from dataclasses import replace

import pytest

from custody.kernel.clock import DAY_MS
from devicelock.backends.android import LockWay, lost_mode, message
from devicelock.backends.contract import Ref
from devicelock.backends.knox import MESSAGE_MOST
from tests.contracts_backends.backend_bench import SCREEN, START_MS, AndroidBench, Bench, KnoxBench, NanoMdmBench

SAYS = (SCREEN.who, SCREEN.why, SCREEN.reference, SCREEN.phone, SCREEN.recourse, SCREEN.bought or "")


def told_by(bench: Bench) -> str:
    asked = Ref(handset=bench.handset, order=SCREEN.reference, version=1)
    bench.backend.lock(asked, screen=SCREEN, not_after_ms=START_MS + DAY_MS)
    if isinstance(bench, NanoMdmBench):
        return json.dumps(bench.queue[-1][1])
    return next(json.dumps(json.loads(call.body)) for call in reversed(bench.other.calls) if call.body)


@pytest.mark.parametrize(
    "bench", [AndroidBench(LockWay.DISABLED), NanoMdmBench(), KnoxBench()], ids=lambda b: type(b).__name__
)
def test_the_holder_reads_who_why_which_whom_to_call_who_can_overrule_and_what_a_buyer_does(bench: Bench) -> None:
    told = told_by(bench)
    assert [says for says in SAYS if says not in told] == []


def test_lost_mode_says_it_too() -> None:
    told = json.dumps(lost_mode(SCREEN))
    assert [says for says in SAYS if says not in told] == []


def test_where_there_is_room_for_few_characters_no_sentence_is_cut() -> None:
    long = replace(SCREEN, why="x" * 150 + ".", recourse="y" * 150 + ".")
    told = message(long, most=MESSAGE_MOST)
    assert len(told) <= MESSAGE_MOST
    assert told.endswith(f"Call {SCREEN.phone}. {SCREEN.bought}")
    assert message(replace(SCREEN, bought=None)) + f" {SCREEN.bought}" == message(SCREEN)
