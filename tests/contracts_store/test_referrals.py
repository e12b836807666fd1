"""The cases that wait for another desk are found on both engines, however many lines were written since."""

from datetime import date

import pytest

from custody.disputes.desks import DESKS
from custody.disputes.machine import CaseRole
from custody.disputes.opening import Report
from custody.disputes.policy import DEFAULT_POLICY
from custody.kernel.clock import MINUTE_MS
from custody.kernel.errors import Conflict
from custody.store import case_book, referral_book
from custody.store.unit import House
from custody.usecases.open_dispute import open_dispute
from custody.usecases.refer_case import accept, recognise, refer
from tests.world_parts import Clock


def referred(house: House) -> str:
    with house.unit() as unit:
        report = Report(words="It is broken.", channel="shop", reported_ms=unit.now_ms)
        name = open_dispute(unit, report, owner="agent-1", imei=None, parcel=None).file.case.id
        unit.session.flush()
        refer(unit, name, desk="care", directory=DESKS, someone_there=True, actor="agent-1")
    return name


def test_a_house_that_asks_again_has_a_customer_recognised_at_each_desk(house: House) -> None:
    name = referred(house)
    again = DEFAULT_POLICY.override("reverify_on_handoff", True, from_date=date(2026, 1, 1), note="a bank")
    with house.unit() as unit:
        for actor in ("agent-1", "agent-2"):
            file = recognise(unit, name, how="in_person", actor=actor, policy=again)
            unit.session.flush()
        assert file.at_desk.recognised is not None
        assert file.at_desk.recognised.by == "agent-2"
        with pytest.raises(Conflict, match="recognised already, by agent-2"):
            recognise(unit, name, how="in_person", actor="agent-1")


def waiting(house: House) -> list[str]:
    with house.look() as unit:
        since_ms = unit.now_ms - 30 * MINUTE_MS
        found = referral_book.referred_now(unit.session, since_ms=since_ms, now_ms=unit.now_ms)
    return [file.case.id for file in found]


def test_those_that_wait_are_listed_the_longest_first_until_they_are_accepted_or_over(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(referral_book, "READ_AT_ONCE", 3)
    assert isinstance(house.clock, Clock)
    assert waiting(house) == []
    first, second = referred(house), referred(house)
    with house.unit() as unit:
        for number in range(10):
            case_book.note(unit, first, "evidence", actor="customer", facts={"number": number})
    assert waiting(house) == [first, second]
    with house.unit() as unit:
        accept(unit, second, directory=DESKS, actor="agent-2", role=CaseRole.AGENT)
    house.clock.at_ms += 20 * MINUTE_MS
    third = referred(house)
    assert waiting(house) == [first, third]
    house.clock.at_ms += 10 * MINUTE_MS
    assert waiting(house) == [third]
