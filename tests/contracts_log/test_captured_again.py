"""An event that is captured again is kept, because it was signed, and the answer says that it was recorded before."""

import json
from typing import Any

import pytest

from custody.kernel.clock import to_iso
from custody.scans.scan import make_capture, open_scan
from custody.scans.tolerances import Tolerances
from custody.store.unit import House
from custody.usecases.replay_verdicts import compare_verdicts
from tests.contracts_log.shard_yard import Yard
from tests.contracts_log.small_house import Bench, event, send


def capture(house: House, bench: Bench, said: dict[str, Any]) -> tuple[bytes, bytes]:
    """Statement and opening of an event that another system made."""
    bench.seq += 1
    pair = make_capture(
        json.dumps(said).encode(),
        None,
        station=bench.name,
        subject="urn:uuid:0",
        seq=bench.seq,
        prev=bench.prev,
        iat_s=house.clock.now_ms() // 1000,
        salt=house.ids.random_bytes(32),
        signer=bench.signer,
    )
    bench.prev = open_scan(*pair).digest
    return pair


@pytest.mark.parametrize("together", [True, False])
def test_the_second_statement_of_an_event_is_told_where_the_first_one_stands(yard: Yard, *, together: bool) -> None:
    house, benches = yard.house, (yard.station("bench-1"), yard.station("bench-2"))
    said = event("other-system", 1, "https://id.gs1.org/00/195214730000088169", house.clock.now_ms())
    wrong = {**said, "errorDeclaration": {"declarationTime": to_iso(house.clock.now_ms()), "reason": "incorrect_data"}}
    pairs = [capture(house, bench, each) for each in (said, said, wrong) for bench in benches]
    first, *rest = send(house, *pairs) if together else [ack for pair in pairs for ack in send(house, pair)]
    why = (f"an event with the id {said['eventID']!r} was recorded before, at entry {first.index}",)
    assert first.warnings == ()
    assert [ack.warnings for ack in rest] == [why, why, why, (), ()]
    assert len({ack.index for ack in (first, *rest)}) == len(pairs)
    resent = send(house, *pairs[:2])
    assert [(ack.verdict.result, ack.warnings) for ack in resent] == [("duplicate", ()), ("duplicate", why)]
    with house.read() as session:
        assert compare_verdicts(session, Tolerances()).different == ()
    assert yard.complaints() == []
