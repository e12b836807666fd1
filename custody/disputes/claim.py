"""Kinds of problem: what the customer gives, what they get by default, and when locking the missing handset is fair.

- The customer's word is enough for every kind except a return that was not credited, where proof of posting or our own
  scan is. Anything else is welcome and never required.
- Damaged in transit, defective, substituted, never received, missing, misdelivered and returned-not-credited are
  different kinds with different burdens; the customer confirms the kind.
- A lock is fair only on the handset of the order, by its IMEI, and only while the customer does not hold it. Whoever
  wants a lock states the kind of problem; whether the device may be locked is decided where locks are made.
- Not knowing whether the handset is on the customer's own SIM does not hold back a lock that ends by itself; not
  knowing whether a return was lost does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from custody.kernel.errors import Rejected


class ClaimType(StrEnum):
    """The kinds of problem."""

    NEVER_RECEIVED = "never_received"
    SUBSTITUTED = "substituted"
    DAMAGED = "damaged"
    DEFECTIVE = "defective"
    CUSTOMER_DAMAGE = "customer_damage"
    MISSING_ACCESSORY = "missing_accessory"
    RETURNED_NOT_CREDITED = "returned_not_credited"
    MISDELIVERED = "misdelivered"
    WRONG_ITEM = "wrong_item"
    LEAVER_LOCKED = "leaver_locked"
    HOLDER_ENQUIRY = "holder_enquiry"


class Remedy(StrEnum):
    """What puts it right."""

    REPLACEMENT = "replacement"
    REFUND = "refund"
    ADVANCE_SWAP = "advance_swap"
    REPAIR = "repair"
    INSURANCE = "insurance"
    ACCESSORY = "accessory"
    PRICE_REDUCTION = "price_reduction"
    UNLOCK = "unlock"
    CONTACT = "contact"


class LockRule(StrEnum):
    """When a lock is fair."""

    AT_ONCE = "at_once"
    LOST_ON_RETURN_LEG = "lost_on_return_leg"
    ABSENT_FROM_RETURNS_BENCH = "absent_from_returns_bench"
    MISSING_FROM_CUSTODY = "missing_from_custody"
    NEVER = "never"
    STAYS = "stays"


PAYS_MONEY = frozenset({Remedy.REFUND, Remedy.PRICE_REDUCTION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One kind of problem. The first remedy is the default; `never` are items that are never asked for here."""

    says: str
    gives: tuple[str, ...]
    remedies: tuple[Remedy, ...]
    lock: LockRule
    customer_holds_device: bool
    chain_matters: bool
    never: tuple[str, ...]
    never_do: str


def _claim(
    says: str,
    remedies: tuple[Remedy, ...],
    lock: LockRule,
    *,
    never_do: str,
    never: tuple[str, ...] = (),
    gives: tuple[str, ...] = ("their_word",),
    holds: bool = True,
    chain: bool = False,
) -> Claim:
    return Claim(
        says=says,
        gives=gives,
        remedies=remedies,
        lock=lock,
        customer_holds_device=holds,
        chain_matters=chain,
        never=never,
        never_do=never_do,
    )


_NOT_COME = (Remedy.REPLACEMENT, Remedy.REFUND)
_POLICE = "Require a police reference, or rely on a safe place without a recorded instruction."

CLAIMS: Mapping[ClaimType, Claim] = MappingProxyType(
    {
        ClaimType.NEVER_RECEIVED: _claim(
            "your order never reached you",
            _NOT_COME,
            LockRule.AT_ONCE,
            never_do=_POLICE,
            never=("police_reference", "neighbours_statement"),
            holds=False,
            chain=True,
        ),
        ClaimType.SUBSTITUTED: _claim(
            "something else was in the parcel",
            _NOT_COME,
            LockRule.AT_ONCE,
            never_do="Lock by account, or lock the phone they call from.",
            never=("police_reference", "photo"),
            holds=False,
            chain=True,
        ),
        ClaimType.DAMAGED: _claim(
            "it was damaged on the way to you",
            (Remedy.REFUND, Remedy.REPLACEMENT),
            LockRule.LOST_ON_RETURN_LEG,
            never_do="Call it the customer's damage without evidence from the chain.",
            chain=True,
        ),
        ClaimType.DEFECTIVE: _claim(
            "it does not work as it should",
            (Remedy.ADVANCE_SWAP, Remedy.REFUND),
            LockRule.NEVER,
            never_do="Assess first and swap later.",
            never=("assessment_form", "send_in_first"),
        ),
        ClaimType.CUSTOMER_DAMAGE: _claim(
            "it was damaged after it reached you",
            (Remedy.REPAIR, Remedy.INSURANCE),
            LockRule.NEVER,
            never_do="Record it without the customer's own words on when and where.",
        ),
        ClaimType.MISSING_ACCESSORY: _claim(
            "a part was missing from the box",
            (Remedy.ACCESSORY, Remedy.PRICE_REDUCTION),
            LockRule.NEVER,
            never_do="Make them return the whole phone.",
            never=("whole_phone",),
            chain=True,
        ),
        ClaimType.RETURNED_NOT_CREDITED: _claim(
            "you sent it back and the money has not come",
            (Remedy.REFUND,),
            LockRule.ABSENT_FROM_RETURNS_BENCH,
            never_do="Use a lock as pressure.",
            gives=("proof_of_posting", "our_scan"),
            holds=False,
            chain=True,
        ),
        ClaimType.MISDELIVERED: _claim(
            "your order went to somebody else",
            _NOT_COME,
            LockRule.AT_ONCE,
            never_do=_POLICE,
            never=("police_reference", "neighbours_statement"),
            holds=False,
            chain=True,
        ),
        ClaimType.WRONG_ITEM: _claim(
            "we sent you another item",
            (Remedy.ADVANCE_SWAP, Remedy.REFUND),
            LockRule.MISSING_FROM_CUSTODY,
            never_do="Lock while the ordered device is where we know it.",
            holds=False,
            chain=True,
        ),
        ClaimType.LEAVER_LOCKED: _claim(
            "your phone is locked and should not be",
            (Remedy.UNLOCK,),
            LockRule.NEVER,
            never_do="Lock a leaver.",
            gives=("account_or_holder_fact",),
        ),
        ClaimType.HOLDER_ENQUIRY: _claim(
            "you hold a phone that we locked",
            (Remedy.CONTACT,),
            LockRule.STAYS,
            never_do="Blame whoever holds it.",
            gives=("number_on_the_lock_screen",),
        ),
    }
)


def claim_of(claim_type: str) -> Claim:
    """The rules of a kind of problem; raises `Rejected("claim_type")`."""
    if claim_type not in CLAIMS:
        raise Rejected("claim_type", f"{claim_type!r} is no kind of problem", fix=f"Use one of {', '.join(CLAIMS)}.")
    return CLAIMS[ClaimType(claim_type)]
