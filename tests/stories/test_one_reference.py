"""One reference shows one payment: a move that is sent again, or a reference that is used again, pays nothing else."""

from typing import Any

from custody.disputes.machine import CaseRole
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Conflict
from custody.store import case_book
from custody.usecases import move_case, pay_credit
from custody.usecases.came_back import credit_came_back, payment_came_back
from custody.usecases.repeat_move import done_already
from tests.stories.case_steps import act
from tests.stories.test_promises import days_pass
from tests.world import World
from tests.world_parts import Opened

BY_AGENT: dict[str, Any] = {"actor": "agent-1", "role": CaseRole.AGENT}
REFUND: dict[str, Any] = {"remedy": "refund", "payout": "cheque", "actor": "customer"}


def refund_instead(world: World) -> Opened:
    """A swap came by JJD1 and did not help; the customer has chosen their money back."""
    opened = world.dispute(world.parcels[0], "defective")
    act(world, move_case.choose, opened, remedy="advance_swap", payout=None, actor="customer")
    act(world, move_case.remedied, opened, reference="JJD1", **BY_AGENT)
    act(world, move_case.not_fixed, opened, actor="customer")
    act(world, move_case.offer_again, opened, claim_type=None, **BY_AGENT)
    act(world, move_case.choose, opened, **REFUND)
    return opened


def promise_of(world: World, opened: Opened) -> tuple[str, str]:
    """The newest promise of money back, and its state."""
    with world.house.read() as session:
        mine = [each for each in case_book.promises(session, opened.case) if each.what == "your money back"]
    return mine[-1].id, mine[-1].state


def test_a_move_that_is_sent_again_pays_nothing_else(world: World) -> None:
    opened = refund_instead(world)
    refund, _ = promise_of(world, opened)
    for again in (" JJD1", "JJD1"):
        with world.refused(Conflict, "reference"):
            act(world, move_case.remedied, opened, reference=again, **BY_AGENT)
        with world.refused(Conflict, "reference"):
            act(world, move_case.promise_kept, opened, promise=refund, reference=again, **BY_AGENT)
    assert promise_of(world, opened) == (refund, "made")
    act(world, move_case.remedied, opened, reference="CHQ 1", **BY_AGENT)
    assert promise_of(world, opened) == (refund, "kept")


def test_a_payment_that_came_back_is_paid_again_with_its_own_reference(world: World) -> None:
    opened = refund_instead(world)
    act(world, move_case.remedied, opened, reference="CHQ 1", **BY_AGENT)
    for back in ("RETURN 1", "RETURN 2"):
        paid, _ = promise_of(world, opened)
        act(world, payment_came_back, opened, promise=paid, reference=back, **BY_AGENT)
        again, _ = promise_of(world, opened)
        with world.refused(Conflict, "reference"):
            act(world, move_case.promise_kept, opened, promise=again, reference="JJD1", **BY_AGENT)
        act(world, move_case.promise_kept, opened, promise=again, reference="CHQ 1", **BY_AGENT)


def test_a_credit_that_was_paid_once_is_not_paid_again(world: World) -> None:
    opened = world.dispute(None, "never_received")
    act(world, move_case.choose, opened, remedy="replacement", payout=None, actor="customer")
    with world.house.read() as session:
        (phone,) = case_book.promises(session, opened.case)
    days_pass(world, 6)
    act(world, pay_credit.credit_paid, opened, reference="BACS 1", **BY_AGENT)
    said = {"reference": "BACS 1"}
    with world.house.read() as session:
        assert done_already(session, opened.case, "credit_paid", said, actors={"agent-1"}), "sent again, it is done"
    world.step(5 * DAY_MS)
    act(world, move_case.promise_kept, opened, promise=phone.id, reference="JJD1", **BY_AGENT)
    owed = world.case(opened).unpaid_credit_pence
    assert owed > 0
    with world.refused(Conflict, "reference"):
        act(world, pay_credit.credit_paid, opened, reference="BACS 1", **BY_AGENT)
    assert world.case(opened).unpaid_credit_pence == owed
    act(world, credit_came_back, opened, payment="BACS 1", reference="RETURN 1", **BY_AGENT)
    act(world, pay_credit.credit_paid, opened, reference="BACS 1", **BY_AGENT)
    assert world.case(opened).unpaid_credit_pence == 0
