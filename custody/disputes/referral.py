"""Where a case is among the desks, who recognised its customer, and to which desk it is being referred.

- A referral is an offer: whoever looks after the case goes on doing so until somebody at the other desk accepts it.
  One that nobody accepts in its minutes is over, and the case is where it was.
- A customer is recognised by what they say, and is not asked twice: until the minutes are over, which a referral begins
  anew, a second look at who they are is refused, and told of the first.
- How they were recognised is kept, and not what they said.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from custody.disputes.civil import civil_date
from custody.disputes.line import LineKind
from custody.disputes.policy import CaseworkPolicy
from custody.kernel.clock import MINUTE_MS, Instant
from custody.kernel.errors import Rejected

RECOGNISED_BY: Mapping[str, str] = MappingProxyType(
    {
        "order_and_name": "their order number and name",
        "order_and_postcode": "their order number and postcode",
        "order_and_contact": "their order number and e-mail address or phone number",
        "item_and_name": "a number of the parcel or the phone, and their name",
        "own_link": "the link to their case",
        "in_person": "in person",
    }
)
"""How a customer may be recognised: each is enough."""
RECOGNISED: Final = "recognised"
REFERRED: Final = "referred"
ENDED: Final = "referral_ended"
ACCEPTED: Final = "new_owner"
NOT_HEARD: tuple[LineKind, ...] = (RECOGNISED, REFERRED, ENDED, ACCEPTED)
"""Lines of a timeline by which a case changes hands: nobody has heard its customer by one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """A customer was recognised: by which account, how, when, and until when nobody asks again."""

    by: str
    how: str
    at_ms: Instant
    until_ms: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """An offer of a case to a desk, by an account; it stands until somebody there accepts or its minutes are over."""

    desk: str
    by: str
    at_ms: Instant
    until_ms: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class AtDesk:
    """The desk at which a case is, none for the first one; what is known of its customer, and where it may go."""

    desk: str = ""
    recognised: Recognised | None = None
    referral: Referral | None = None

    def recognised_now(self, now_ms: Instant) -> Recognised | None:
        """Who recognised the customer, while nobody has to ask again."""
        known = self.recognised
        return known if known is not None and now_ms < known.until_ms else None

    def referral_now(self, now_ms: Instant) -> Referral | None:
        """The referral that stands."""
        offered = self.referral
        return offered if offered is not None and now_ms < offered.until_ms else None


AT_THE_FRONT = AtDesk()
"""Where every case begins."""


def until_ms(now_ms: Instant, *, policy: CaseworkPolicy) -> Instant:
    """Until when a referral stands that is made now, and nobody asks again whom it is about."""
    return now_ms + policy.count("handoff_token_minutes", civil_date(now_ms)) * MINUTE_MS


def asks_again(now_ms: Instant, *, policy: CaseworkPolicy) -> bool:
    """Whether the house has customers recognised anew by each of its desks."""
    return bool(policy.value("reverify_on_handoff", civil_date(now_ms)))


def check_how(how: str) -> None:
    """Return if a customer may be recognised so; raises `Rejected("how")`."""
    if how not in RECOGNISED_BY:
        why = f"{how!r} is no way to recognise a customer, and nobody has to be recognised to be helped"
        raise Rejected("how", why, fix=f"Use one of {', '.join(RECOGNISED_BY)}.")
