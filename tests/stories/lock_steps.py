"""Steps that stories of a handset's life are told in."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from api import lock_news
from custody.disputes.order import OrderFacts, Payment
from custody.gs1.imei import imei_urn
from custody.kernel import cbor
from custody.kernel.clock import DAY_MS
from custody.store import case_book
from custody.usecases.record_sale import Sale, record_sale
from devicelock.rules.command import Basis, Reason
from devicelock.rules.order import LockRole
from devicelock.store import LockOrderRow
from devicelock.usecases.issue_code import issue_code
from devicelock.usecases.register_device import register_device
from devicelock.usecases.release import release
from devicelock.usecases.request_lock import request_lock
from devicelock.usecases.retire import received
from simulators.parcel import Parcel
from simulators.radio import Radio
from tests.world import World
from tests.world_parts import Opened, key


def told(world: World, opened: Opened) -> str:
    """Everything that the customer of a case was told."""
    with world.house.read() as session:
        return "\n".join(text for _, text in case_book.messages(session, opened.case))


def lines_of(world: World, opened: Opened, kind: str) -> list[dict[str, Any]]:
    """The facts of the lines of one kind in a case's timeline."""
    with world.house.read() as session:
        lines = case_book.timeline(session, opened.case)
    return [msgspec.json.decode(line.facts) for line in lines if line.kind == kind]


def ask(
    world: World,
    account: str,
    *,
    dispute: str | None = None,
    last4: str | None = None,
    reason: Reason = Reason.NEVER_RECEIVED,
    evidence: Sequence[str] = ("the parcel's trail",),
) -> LockOrderRow:
    """Somebody asks for a lock of the first parcel's handset."""
    imei = world.parcels[0].unit.imei
    with world.house.unit() as unit:
        return request_lock(
            unit,
            world.office,
            imei=imei,
            last4=last4 or imei[-4:],
            reason=reason,
            account=account,
            evidence=evidence,
            dispute=dispute,
        )


def let_go(world: World, order: str, *, actor: str = "agent-1") -> None:
    """One person of the front line releases an order."""
    why, basis = Reason.RELEASED_BY_STAFF, Basis.ONE_PERSON
    with world.house.unit() as unit:
        release(unit, world.office, name=order, actor=actor, role=LockRole.AGENT, reason=why, basis=basis)


def say_received(world: World, radio: Radio, *, actor: str = "customer", role: LockRole = LockRole.CUSTOMER) -> None:
    """Somebody says that the customer has the handset."""
    with world.house.unit() as unit:
        received(unit, world.office, name=radio.handset.device, actor=actor, role=role)


def leave(world: World, radio: Radio, *, in_ms: int = 30 * DAY_MS) -> None:
    """The customer of a handset gives notice."""
    with world.house.unit() as unit:
        ends_ms, device = unit.now_ms + in_ms, radio.handset.device
        lock_news.customer_leaves(
            unit, world.office, device=device, ends_ms=ends_ms, actor="agent-1", role=LockRole.AGENT
        )


def code_for(world: World, radio: Radio, challenge: str | None, *, actor: str = "agent-1") -> str:
    """Somebody of the front line reads a code out."""
    assert challenge is not None
    with world.house.unit() as unit:
        device, office = radio.handset.device, world.office
        return issue_code(unit, office, name=device, challenge=challenge, actor=actor, role=LockRole.AGENT)


def register_many(world: World, count: int) -> list[str]:
    """So many handsets more, of which nothing else is known."""
    made = []
    for number in range(count):
        cose_key, imei = (
            cbor.encode(key(f"one of many {number}").public.cose_key()),
            imei_urn(f"490154203237{number:02d}"),
        )
        with world.house.unit() as unit:
            made.append(register_device(unit, world.office, imei=imei, model="one of many", cose_key=cose_key).device)
    return made


def sell_again(world: World) -> Parcel:
    """The handset of the first parcel came back, and days later it is sold in another order: the parcel of that."""
    again = replace(world.parcels[0], order="SO-SOLD-AGAIN")
    world.clock.at_ms += 10 * DAY_MS
    facts = OrderFacts(order_ref=again.order, payment=Payment.CREDIT_CARD, price_pence=59_900)
    contact, imei = "second-buyer@example.com", again.unit.imei_urn
    with world.house.unit() as unit:
        record_sale(unit, Sale(order_ref=again.order, imei=imei, product="phone, used", contact=contact, facts=facts))
    return again
