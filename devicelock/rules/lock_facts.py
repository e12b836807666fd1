"""The facts a lock or a release is judged by. None is unknown, which is neither true nor false."""

from dataclasses import dataclass
from enum import StrEnum

from devicelock.rules.caps import CapReason
from devicelock.rules.hello import SimClass
from devicelock.rules.order import LockRole
from devicelock.rules.tie import TieState


class LockKind(StrEnum):
    """What is asked for."""

    PROVISIONAL = "provisional"
    REQUESTED = "requested"
    CONFIRM = "confirm"
    IMEI_LIST = "imei_list"


class LockClaim(StrEnum):
    """What the customer says; only the first three say that the customer does not hold the device."""

    NEVER_RECEIVED = "never_received"
    SUBSTITUTED = "substituted"
    MISDELIVERED = "misdelivered"
    DAMAGED = "damaged"
    DEFECTIVE = "defective"
    CUSTOMER_DAMAGE = "customer_damage"
    MISSING_ACCESSORY = "missing_accessory"
    RETURNED_NOT_CREDITED = "returned_not_credited"
    WRONG_ITEM = "wrong_item"
    LEAVER_LOCKED = "leaver_locked"
    HOLDER_ENQUIRY = "holder_enquiry"


STANDING_CLAIMS = frozenset({LockClaim.NEVER_RECEIVED, LockClaim.SUBSTITUTED, LockClaim.MISDELIVERED})
"""Claims that say by themselves that the customer does not hold the device."""

NEVER_FAIR = frozenset(
    {
        LockClaim.DEFECTIVE,
        LockClaim.CUSTOMER_DAMAGE,
        LockClaim.MISSING_ACCESSORY,
        LockClaim.LEAVER_LOCKED,
        LockClaim.HOLDER_ENQUIRY,
    }
)
"""Claims that are no ground for a lock, whoever asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person, not a login: `person` is the pseudonymous key that all logins of one human share.

    `account_made_by`: the person who made the account, or a word such as `setup` for the first ones; None is unknown.
    `line`: everybody who stands behind the account: that person, who made theirs, and so on to the first ones.
    """

    person: str
    roles: frozenset[LockRole]
    employed: bool | None
    account_made_by: str | None = None
    line: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingPolicy:
    """The policy version that allows provisional locks. `logged_as`: its entry's digest in hex, None if not logged."""

    version: str
    put_in_force_by: frozenset[str]
    logged_as: str | None
    claims: frozenset[LockClaim] = STANDING_CLAIMS


@dataclass(frozen=True, slots=True, kw_only=True)
class LockFacts:
    """Everything a lock is judged by. None is unknown.

    `vulnerable`: the account carries a flag (None if the account could not be read); `still_served`: the customer has
    the device in service; `held_back`: what `caps.held_back` answered, None if it was not asked.
    """

    kind: LockKind
    tie: TieState | None
    sim: SimClass | None
    retired: bool | None
    receipt_confirmed: bool | None
    leaving: bool | None
    vulnerable: bool | None
    contact_on_screen: bool | None
    way_out: bool | None
    still_served: bool | None
    held_back: tuple[CapReason, ...] | None
    kill_switch_on: bool | None
    notice_sent: bool | None = None
    claim: LockClaim | None = None
    policy: StandingPolicy | None = None
    requester: Person | None = None
    decider: Person | None = None
    specialist: Person | None = None
    not_with_customer: bool | None = None
