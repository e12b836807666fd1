"""What one person may do alone and another one should see: it rings, and whoever did it does not look at it alone."""

from custody.disputes.messages import pounds
from custody.store.unit import Unit
from devicelock.usecases.alert import AlertKind, act_of, raise_alert


def tell_of_award(unit: Unit, dispute: str, *, pence: int | None, account: str) -> None:
    """Ring for what an account wrote down as a scheme's decision, which the scheme itself can confirm."""
    of_sum = "without a sum" if pence is None else f"with the sum of {pounds(pence)}"
    detail = f"{account} wrote down a scheme's decision in {dispute}, {of_sum}. Ask the scheme whether it is so."
    raise_alert(unit, AlertKind.AWARD_WRITTEN, about=act_of(account, dispute), detail=detail)
