"""What events of a case carry beside plain fields: what became of the handset, days, what is found for a decline."""

from typing import Annotated

from pydantic import Field

from api.http.body import Body, Day
from custody.disputes.case_guards import Ground


class WhereaboutsIn(Body):
    """What is known of the ordered handset; what is left out is not known."""

    lost_on_return_leg: bool | None = None
    absent_from_returns_bench: bool | None = None
    customer_told: bool | None = None
    returns_bench_told: bool | None = None
    missing_from_custody: bool | None = None


class OrderDaysIn(Body):
    """Days of the order that became known after it was sold; what is left out is not known."""

    delivered: Day | None = None
    goods_back: Day | None = Field(default=None, description="When the returns bench had it.")
    proof_of_sending: Day | None = Field(default=None, description="When the customer sent it back, as a proof shows.")


class FindingIn(Body):
    """Something brought forward for a decline: its ground, what it says, where it is kept, whom it is about."""

    ground: Annotated[Ground, Field(strict=False)]
    says: str
    kept_at: str
    about_this_person: bool | None
