"""Stories of the IMEI list: two people an entry, the operator's word, and a removal that waits for nothing."""

import pytest

from custody.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS
from custody.kernel.errors import Unavailable
from devicelock.backends.eir import NAME as EIR
from devicelock.backends.eir_folder import EirFolder
from devicelock.backends.eir_list import EirFileKind, ImeiStatus, Publication, parse
from devicelock.backends.eir_status import equipment_status
from devicelock.rules.applied import Applied
from devicelock.store import LockOrderRow
from tests.stories.lock_steps import ask, let_go
from tests.stories.other_locks import OtherLocks
from tests.world import World


def two_people(world: World, others: OtherLocks) -> LockOrderRow:
    """A lock that one person asked for and another decided; nobody has put a standing authority in force."""
    world.withdraw_authority()
    others.know(world.handset(world.parcels[0]))
    case = world.dispute(world.parcels[0], "never_received").case
    return world.approve(ask(world, "agent-1", dispute=case).id, "supervisor-1")


def test_a_lock_by_standing_authority_never_comes_to_the_list(world: World) -> None:
    others = OtherLocks(world, EIR)
    radio = world.handset(world.parcels[0])
    others.know(radio)
    opened = world.dispute(world.parcels[0], "substituted")
    radio.switch_on()
    for _ in range(8):
        others.carry()
        others.wait(9 * HOUR_MS)
    assert others.imei_list.received == []
    assert others.parts(opened.order.id) == {}
    assert world.order(opened.order.id).state == "released", "it has lapsed"


def test_a_lock_that_two_people_decided_comes_to_the_list_and_is_shown_by_the_operators_word(either: World) -> None:
    others = OtherLocks(either, EIR)
    order = two_people(either, others)
    others.carry()
    bench = others.imei_list
    assert bench.locked()
    assert others.show(order.id)[EIR].applied is not Applied.LOCKED, "published is not loaded"
    others.settle()
    assert others.show(order.id)[EIR].applied is Applied.LOCKED
    assert either.order(order.id).state == "queued", "a list blocks a network and locks no handset"
    pei = f"imei-{either.parcels[0].unit.imei}"
    now_s = either.clock.now_ms() // 1000
    assert equipment_status(bench.eir.entries, pei, now_s=now_s) is ImeiStatus.BLACKLISTED
    let_go(either, order.id)
    assert either.order(order.id).state == "release_queued"
    others.carry()
    assert not bench.locked()
    assert equipment_status(bench.eir.entries, pei, now_s=now_s) is ImeiStatus.WHITELISTED
    assert either.order(order.id).state == "release_queued", "the operator has not loaded it yet"
    others.settle()
    assert either.order(order.id).state == "released"


def test_a_provisional_lock_comes_to_the_list_when_two_people_confirm_it(world: World) -> None:
    others = OtherLocks(world, EIR)
    others.know(world.handset(world.parcels[0]))
    world.radios[world.parcels[0].order].switch_on()
    opened = world.dispute(world.parcels[0], "substituted")
    others.carry()
    world.confirm(opened, "investigator-1")
    others.carry()
    assert others.imei_list.received == [], "one person alone"
    world.confirm(opened, "supervisor-1")
    others.carry()
    assert others.imei_list.locked()
    raw = (others.imei_list.path / "0000000001-delta.csv").read_bytes()
    (row,) = parse(raw, kind=EirFileKind.DELTA)
    assert row.case == opened.order.id
    assert row.valid_until_s - row.valid_from_s > 89 * DAY_MS // 1000


@pytest.mark.parametrize("who", ["agent-1", "supervisor-1"])
def test_nobody_is_listed_when_one_of_the_two_has_left_before_it_is_sent(world: World, who: str) -> None:
    others = OtherLocks(world, EIR)
    order = two_people(world, others)
    world.dismiss(who)
    others.carry()
    others.wait(HOUR_MS)
    assert others.imei_list.received == []
    part = others.show(order.id)[EIR]
    assert "not sent" in (part.trouble or "")
    let_go(world, order.id)
    others.settle()
    assert world.order(order.id).state == "released"


def test_a_removal_that_cannot_be_handed_over_keeps_the_order_open_and_is_handed_over_later(world: World) -> None:
    others = OtherLocks(world, EIR)
    order = two_people(world, others)
    others.carry()
    others.settle()
    bench = others.imei_list
    outlet = bench.eir._outlet

    def away(_publication: Publication) -> None:
        raise Unavailable("eir_outlet", "the operator's folder is away", fix="Mount it again.")

    bench.eir._outlet = away
    let_go(world, order.id)
    others.carry()
    others.wait(20 * MINUTE_MS)
    assert bench.locked()
    assert world.order(order.id).state == "release_queued"
    assert others.show(order.id)[EIR].loud
    assert "backend_failed" in world.alerts()
    bench.eir._outlet = outlet
    others.settle()
    assert not bench.locked()
    assert world.order(order.id).state == "released"


def test_the_list_is_published_whole_once_a_day_and_another_process_reads_it(world: World) -> None:
    others = OtherLocks(world, EIR)
    order = two_people(world, others)
    others.carry()
    bench = others.imei_list
    other_process = EirFolder(bench.path, bench.signer.public)
    assert other_process.names() == ["0000000001-delta.csv", "0000000001-full.csv"]
    raw, signature = other_process.read("0000000001-full.csv")
    assert raw
    assert signature
    others.wait(MINUTE_MS)
    assert other_process.names() == ["0000000001-delta.csv", "0000000001-full.csv"], "nothing has changed"
    let_go(world, order.id)
    others.carry()
    other_process.refresh()
    assert other_process.entries == {}
    assert "0000000002-full.csv" not in other_process.names(), "it is not a day since"
    others.wait(DAY_MS + MINUTE_MS)
    assert "0000000002-full.csv" in other_process.names()
