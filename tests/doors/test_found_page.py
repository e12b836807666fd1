"""The customer's page before and after "I found it": nobody is asked again for what they said, or told of no lock."""

import pytest

from devicelock.rules.order import OrderState
from tests.doors.case_desk import CaseDesk

IMEI = "356938035643809"
BUTTON, AT_ONCE = ">I found it</button>", "we unlock it at once"


@pytest.fixture(scope="module")
def handset(desk: CaseDesk) -> str:
    """The IMEI of a registered handset."""
    desk.register(IMEI, seed=7)
    return IMEI


def page_with(desk: CaseDesk, handset: str, state: OrderState) -> str:
    """The address of a customer's page whose handset's lock stands so; they said "I found it" before."""
    told = desk.report(order=f"SO-{state}", claim_type="never_received")
    assert desk.http.post(f"/c/{told['customer_token']}/found").status_code == 303
    desk.put_lock(told, f"lock_{state}", handset, state=state)
    return f"/c/{told['customer_token']}"


@pytest.mark.parametrize(
    ("state", "asked"),
    [
        (OrderState.RELEASE_QUEUED, False),
        (OrderState.RELEASED_UNCONFIRMED, False),
        (OrderState.QUEUED, True),
        (OrderState.ACTIVE_PROVISIONAL, True),
    ],
)
def test_who_said_that_they_found_it_is_asked_again_only_for_a_lock_that_is_still_wished(
    desk: CaseDesk, handset: str, state: OrderState, *, asked: bool
) -> None:
    shown = desk.http.get(page_with(desk, handset, state)).text
    assert "You told us that you found it. Thank you." in shown
    assert (BUTTON in shown, AT_ONCE in shown) == (asked, asked)


def test_who_has_nothing_locked_is_not_told_that_we_unlock_it(desk: CaseDesk) -> None:
    told = desk.report(order="SO-FREE", claim_type="never_received")
    shown = desk.http.get(f"/c/{told['customer_token']}").text
    assert "Nothing of yours is locked." in shown
    assert BUTTON in shown
    assert AT_ONCE not in shown
