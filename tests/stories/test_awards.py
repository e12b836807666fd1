"""Stories of what the scheme decided: promised as any sum is, given once, and owed until it has come."""

from typing import Any

from custody.disputes.machine import Role
from custody.disputes.promise import Promise, is_owed
from custody.kernel.errors import Conflict
from custody.usecases import move_case, move_scheme
from tests.stories.case_steps import act, in_state
from tests.stories.test_money_back import BY_AGENT, PRICE, promises
from tests.world import World
from tests.world_parts import Opened

BY_SUPERVISOR: dict[str, Any] = {"actor": "supervisor-1", "role": Role.SUPERVISOR}
THE_PRICE = "Pay the customer the price of the phone"


def awarded(world: World, opened: Opened, award: str = THE_PRICE, *, pence: int | None = PRICE) -> Promise:
    """The scheme decided, and the customer said yes; returns what we promise for it."""
    act(world, move_scheme.adr, opened, letter_due_ms=0, deadlock=True, **BY_SUPERVISOR)
    in_state(world, opened, "with_adr")
    decision: dict[str, Any] = {"award": award, "award_pence": pence, "reference": "S-1"}
    act(world, move_scheme.scheme_decides, opened, **decision, **BY_SUPERVISOR)
    world.step(1)
    act(world, move_scheme.accept_decision, opened, actor="customer")
    return max(promises(world, opened), key=lambda promise: promise.made_ms)


def owed(world: World, opened: Opened) -> list[Promise]:
    """What is still to be done."""
    return [promise for promise in promises(world, opened) if is_owed(promise)]


def test_an_award_whose_payment_came_back_stays_owed_whatever_the_customer_confirms(world: World) -> None:
    opened = world.dispute(world.parcels[0], "never_received")
    paid = awarded(world, opened)
    act(world, move_case.remedied, opened, reference="BACS 1", **BY_AGENT)
    act(world, move_case.payment_came_back, opened, promise=paid.id, reference="RETURN 1", **BY_AGENT)
    with world.refused(Conflict, "guard"):
        act(world, move_case.confirm, opened, actor="customer", locks_settled=True)
    (again,) = owed(world, opened)
    assert (again.what, again.amount_pence) == (THE_PRICE, PRICE)
    act(world, move_case.promise_kept, opened, promise=again.id, reference="BACS 2", **BY_AGENT)
    assert act(world, move_case.confirm, opened, actor="customer", locks_settled=True).case.state == "closed"


def test_of_two_awards_that_are_owed_one_reference_shows_one(world: World) -> None:
    first, second = (world.dispute(world.parcels[0], "never_received") for _ in range(2))
    awarded(world, first)
    late = awarded(world, second, "Pay the customer 50 pounds for the wait", pence=5_000)
    act(world, move_scheme.adr, second, letter_due_ms=0, deadlock=True, **BY_SUPERVISOR)
    act(world, move_scheme.change_our_mind, second, **BY_SUPERVISOR)
    act(world, move_scheme.merge, second, into=first.case, consent=True, **BY_AGENT)
    with world.refused(Conflict, "several"):
        act(world, move_case.remedied, first, reference="BACS 1", **BY_AGENT)
    act(world, move_case.promise_kept, first, promise=late.id, reference="BACS 1", **BY_AGENT)
    act(world, move_case.remedied, first, reference="BACS 2", **BY_AGENT)
    assert owed(world, first) == []
