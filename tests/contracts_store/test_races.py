"""Two processes that do the same at the same moment: one of them did it, and the other is told so in plain words."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import func, select
from sqlmodel import SQLModel, col

from custody.disputes.order import OrderFacts
from custody.kernel import cbor
from custody.kernel.clock import HOUR_MS
from custody.kernel.errors import Trouble
from custody.store import outbox
from custody.store.tables import OutboxRow, SaleRow, StationKeyRow
from custody.store.unit import House, Unit
from custody.usecases.enrol_station import announce, enrol
from custody.usecases.record_sale import Sale, record_sale
from simulators.load import load_stations
from tests.contracts_store.houses import Yard
from tests.world_parts import credentials, key

OVERLAP_S = 0.4
"""How long the first unit stays open while the second one runs into it."""

IMEI = "urn:gsma:imei:00101700-482915-0"


def race(first: House, second: House, act: Callable[[Unit, int], Any]) -> list[Any]:
    """Both act in units that overlap; returns what each of them got: a value, or an error of ours."""

    def run(house: House, place: int) -> Any:
        time.sleep(place * OVERLAP_S / 2)
        try:
            with house.unit() as unit:
                done = act(unit, place)
                unit.session.flush()
                time.sleep(OVERLAP_S * (1 - place))
        except Trouble as trouble:
            return trouble
        return done

    with ThreadPoolExecutor(2) as runners:
        return list(runners.map(run, (first, second), (0, 1)))


def count(house: House, table: type[SQLModel]) -> int:
    """How many rows there are."""
    with house.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def told_in_plain_words(answers: list[Any]) -> None:
    """One did it; the other did not, and knows what to do."""
    troubles = [answer for answer in answers if isinstance(answer, Trouble)]
    assert len(troubles) == 1, answers
    assert troubles[0].detail
    assert troubles[0].fix


def test_an_order_that_is_recorded_twice_at_once_is_recorded_once(house: House, other: House, yard: Yard) -> None:
    sale = Sale(order_ref="SO-1", imei=IMEI, product="phone", facts=OrderFacts(order_ref="SO-1"))
    answers = race(house, other, lambda unit, _: record_sale(unit, sale))
    assert count(house, SaleRow) == 1
    indexes = {answer for answer in answers if isinstance(answer, int)}
    with house.unit() as unit:
        assert {record_sale(unit, sale)} == indexes, "sent again, it has the one answer"
    assert yard.complaints() == []


def test_two_orders_under_one_reference_do_not_both_stand(house: House, other: House, yard: Yard) -> None:
    sales = [
        Sale(order_ref="SO-1", imei=IMEI, product=name, facts=OrderFacts(order_ref="SO-1")) for name in ("one", "two")
    ]
    told_in_plain_words(race(house, other, lambda unit, place: record_sale(unit, sales[place])))
    assert count(house, SaleRow) == 1
    assert yard.complaints() == []


def test_one_enrolment_token_enrols_one_key(house: House, other: House, yard: Yard) -> None:
    stations = load_stations(4, seed=99)[2:]
    stations[1].post = stations[0].post
    link = stations[0].post.link
    with house.unit() as unit:
        announced = announce(
            unit,
            station=stations[0].name,
            site=link.site.key,
            place=stations[0].post.place,
            step=str(link.step),
            custodian=link.custodian,
        )

    def bring(unit: Unit, place: int) -> Any:
        given = credentials(stations[place], unit.now_ms)
        return enrol(unit, token=announced.token, registrar=key("registrar"), **given)

    told_in_plain_words(race(house, other, bring))
    with house.read() as session:
        query = select(StationKeyRow).where(col(StationKeyRow.station) == stations[0].name)
        (row,) = session.scalars(query).all()
    assert row.cose_key in {cbor.encode(station.signer.public.cose_key()) for station in stations}
    assert yard.complaints() == []


def queue(unit: Unit, name: str, *, expires_ms: int) -> None:
    """A message; what waits under this name is replaced."""
    outbox.put(unit, topic="t", payload=name.encode(), key=name, priority=0, expires_ms=expires_ms)


def test_who_marks_what_has_left_keeps_nobody_waiting_who_replaces_it(house: House, other: House) -> None:
    names = ("device:1", "device:2")
    with house.unit() as unit:
        for name in names:
            queue(unit, name, expires_ms=unit.now_ms + HOUR_MS)
    with house.read() as session:
        left = outbox.pending(session, now_ms=house.clock.now_ms())

    def act(unit: Unit, place: int) -> None:
        if place:
            outbox.mark_published(unit, left[::-1])
            return
        for name in names:
            queue(unit, name, expires_ms=unit.now_ms + HOUR_MS)
            time.sleep(OVERLAP_S)

    assert race(house, other, act) == [None, None]
    with house.read() as session:
        waiting = outbox.pending(session, now_ms=house.clock.now_ms())
    assert [row.payload.decode() for row in waiting] == [*names], "what was replaced has not left"


def test_who_forgets_what_has_expired_waits_for_nobody_who_replaces_it(house: House, other: House) -> None:
    with house.unit() as unit:
        queue(unit, "device:1", expires_ms=unit.now_ms)

    def act(unit: Unit, place: int) -> None:
        if place:
            unit.log.claim()
            outbox.sweep(unit, older_than_ms=unit.now_ms + HOUR_MS)
            return
        queue(unit, "device:1", expires_ms=unit.now_ms)
        time.sleep(OVERLAP_S)
        unit.log.claim()

    assert race(house, other, act) == [None, None]
    with house.unit() as unit:
        outbox.sweep(unit, older_than_ms=unit.now_ms + HOUR_MS)
    assert count(house, OutboxRow) == 0
