"""What is erased is held first: nobody opens it again, or asks for its lock again, between the question and the act."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi import Request

from api import customer_moves
from api.lock_news import claim_for_erasure
from api.parts import Parts
from api.routes.customer import take_words
from api.routes.reports import DisputeIn, take_report
from api.settings import read_settings
from custody.disputes.machine import CaseRole
from custody.disputes.order import OrderFacts
from custody.disputes.people import CasePeople, Person
from custody.kernel.errors import Conflict, NotFound
from custody.store import case_book, evidence_book
from custody.store.unit import Unit
from custody.usecases import move_case
from custody.usecases.erase import erase
from custody.usecases.record_sale import Sale, read_sale, record_sale
from custody.usecases.renew_link import renew_link
from devicelock import put_off_store
from devicelock.usecases.ask_again import ask_again, due_put_off
from devicelock.usecases.forget_locks import forget_locks, locks_on
from devicelock.usecases.hold_locks import hold_locks
from tests.stories.case_steps import act
from tests.stories.test_lock_races import meanwhile
from tests.world import World, new_world


def erasing(target: str) -> Callable[[Unit], object]:
    """The erasure of a case or a parcel, as its door does it."""

    def run(unit: Unit) -> object:
        by = {"holds": locks_on, "forgets": forget_locks, "claims": claim_for_erasure}
        return erase(unit, target, reason="asked", actor="supervisor-1", **by)

    return run


def refused(target: str, *, state: str = "triaged") -> Callable[[Unit], object]:
    """The same; somebody still needs it, whose case is in this state."""

    def run(unit: Unit) -> None:
        with pytest.raises(Conflict, match=f"is {state}"):
            erasing(target)(unit)

    return run


@pytest.mark.postgres
@pytest.mark.parametrize("what", ["case", "order"])
def test_a_report_that_is_opened_again_at_that_moment_is_not_erased(
    postgres_url: str, tmp_path: Path, what: str
) -> None:
    world = new_world(postgres_url, tmp_path / "world")
    opened = world.dispute(world.parcels[0], "damaged")
    act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)
    order = world.case(opened).case.order_ref

    def reopen(unit: Unit) -> None:
        move_case.reopen(unit, opened.case, actor="customer", role=CaseRole.CUSTOMER)

    meanwhile(world, reopen, refused(opened.case if what == "case" else f"po:{order}"))
    with world.house.read() as session:
        listed = case_book.listing(session, state="triaged", after=None, limit=9)
    file = world.case(opened)
    world.audit()
    world.close()
    assert file.case.words not in {"", "erased"}
    assert [(one.case.id, one.case.state) for one in listed] == [(opened.case, "triaged")]


@pytest.mark.postgres
def test_what_a_customer_gives_while_their_case_is_erased_is_not_kept(postgres_url: str, tmp_path: Path) -> None:
    world = new_world(postgres_url, tmp_path / "world")
    opened = world.dispute(world.parcels[0], "damaged")
    act(world, move_case.withdraw, opened, actor="customer", locks_settled=True)
    with world.house.unit() as unit:
        link = renew_link(unit, opened.case, actor="agent-1", role=CaseRole.AGENT)
    parts = cast("Parts", SimpleNamespace(house=world.house))

    def give(_unit: Unit) -> None:
        with pytest.raises(NotFound, match="opens no case"):
            take_words(link, "My neighbour Ann Other saw it.", parts)

    meanwhile(world, erasing(opened.case), give)
    with world.house.read() as session:
        given = evidence_book.of_case(session, opened.case)
    world.close()
    assert list(given) == []


@pytest.mark.postgres
def test_erasing_a_case_beside_the_look_at_its_lock_that_is_put_off_waits_for_it(
    postgres_url: str, tmp_path: Path
) -> None:
    world: World = new_world(postgres_url, tmp_path / "world", parcels=2)
    world.throw_switch(on=True)
    world.switched_on(world.parcels[0])
    opened = world.dispute(world.parcels[0], "never_received")
    world.deliver()
    with world.house.unit() as unit:
        customer_moves.found_it(unit, world.office, dispute=opened.case)
    world.throw_switch(on=False, by="supervisor-2")
    with world.house.read() as session:
        (order,) = due_put_off(session, now_ms=world.clock.now_ms())

    def look(unit: Unit) -> None:
        hold_locks(unit, world.office, [order])

    def go_on(unit: Unit) -> None:
        assert ask_again(unit, world.office) == 1

    meanwhile(world, look, erasing(opened.case), then=go_on)
    with world.house.read() as session:
        assert put_off_store.count(session) == 0
    words = world.case(opened).case.words
    world.close()
    assert words == "erased"


@pytest.mark.postgres
@pytest.mark.parametrize("by", ["order", "parcel"])
def test_what_a_report_has_read_is_not_erased_before_it_is_a_case(postgres_url: str, tmp_path: Path, by: str) -> None:
    world = new_world(postgres_url, tmp_path / "world")
    parcel = world.parcels[0]
    target = f"po:{parcel.order}" if by == "order" else parcel.sscc
    meanwhile(world, lambda unit: world.report(unit, parcel, "damaged"), refused(target, state="remedy_offered"))
    with world.house.read() as session:
        assert read_sale(session, parcel.order).sale.contact
    world.audit()
    world.close()


@pytest.mark.postgres
def test_a_report_beside_an_erasure_keeps_nothing_of_what_was_erased(postgres_url: str, tmp_path: Path) -> None:
    world = new_world(postgres_url, tmp_path / "world")
    people = CasePeople(payer=Person(name="Ann Other", by_order=True))
    imei = "urn:gsma:imei:00101700-482915-0"
    sale = Sale(order_ref="SO-9", imei=imei, product="phone", facts=OrderFacts(order_ref="SO-9"), people=people)
    with world.house.unit() as unit:
        record_sale(unit, sale)
    parts = cast("Parts", SimpleNamespace(house=world.house, locks=world.office, settings=read_settings()))
    app = SimpleNamespace(state=SimpleNamespace(parts=parts))
    asked = Request({"type": "http", "path": "/", "headers": [], "server": ("localhost", 80), "app": app})
    told: list[dict[str, Any]] = []

    def report(_unit: Unit) -> None:
        body = DisputeIn(words="The box is empty.", channel="web", claim_type="never_received", order="SO-9")
        told.append(take_report(body, asked, parts))

    meanwhile(world, erasing("po:SO-9"), report)
    with world.house.read() as session:
        case = case_book.read(session, told[0]["dispute"]).case
    world.close()
    assert (case.order_ref, case.people) == ("SO-9", None)
