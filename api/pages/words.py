"""Plain words for every code that a page shows. A code without words is shown as it is, never hidden.

Staff read these. What a customer reads comes from `custody.disputes` and from the customer's own template, and is held
to the rules of `custody.disputes.wording`.
"""

from collections.abc import Mapping
from typing import Any

from api.pages import timeline_words
from api.pages.alert_words import ALERTS as ALERT_WORDS
from custody.disputes import wording
from custody.disputes.claim import ClaimType
from custody.disputes.lesson import LessonKind
from custody.disputes.overturned import Answer
from custody.disputes.payout import WORDS as PAYOUT_WORDS
from custody.disputes.referral import RECOGNISED_BY
from custody.disputes.remedy import WORDS as REMEDY_WORDS
from custody.investigation.naming import NamingOutcome
from custody.investigation.places import REST_WORDS
from custody.trail.route import STEP_WORDS
from devicelock.rules.caps import CapReason, account_of
from devicelock.rules.command import Basis, Reason
from devicelock.rules.hello import SimClass
from devicelock.rules.order import OrderState
from devicelock.rules.preflight import CheckName, CheckReason
from devicelock.usecases.plan_parts import Why

STEPS: Mapping[str, str] = {str(step): name for step, name in STEP_WORDS.items()}
CASE_STATES: Mapping[str, str] = {
    "reported": "Reported",
    "triaged": "Kind agreed",
    "awaiting_customer": "We asked one thing",
    "remedy_offered": "Remedy offered",
    "remedy_in_progress": "Remedy on its way",
    "remedied": "Put right, to be confirmed",
    "decline_proposed": "Hearing the customer",
    "declined": "Declined",
    "adr_open": "Open to the independent scheme",
    "with_adr": "With the independent scheme",
    "adr_decided": "Scheme decided",
    "closed": "Closed",
    "withdrawn": "Withdrawn",
    "merged": "Joined",
}
SET_ASIDE = "Set aside for another report"
"""Instead of the state of a case whose remedy was set aside."""
CLAIMS: Mapping[str, str] = {
    ClaimType.NEVER_RECEIVED: "Never received",
    ClaimType.SUBSTITUTED: "Something else in the parcel",
    ClaimType.DAMAGED: "Damaged on the way",
    ClaimType.DEFECTIVE: "Does not work as it should",
    ClaimType.CUSTOMER_DAMAGE: "Damaged after it arrived",
    ClaimType.MISSING_ACCESSORY: "A part is missing",
    ClaimType.RETURNED_NOT_CREDITED: "Sent back, money not come",
    ClaimType.MISDELIVERED: "Went to somebody else",
    ClaimType.WRONG_ITEM: "Another item was sent",
    ClaimType.LEAVER_LOCKED: "Own phone is locked",
    ClaimType.HOLDER_ENQUIRY: "Holds a phone that we locked",
}
OVERTURNED: Mapping[str, str] = {
    Answer.KIND: "The kind was changed by somebody else",
    Answer.DECLINE_PROPOSED: "A second person did not decline",
    Answer.DECLINED: "A decline was taken back",
    Answer.LAST_WORD: "The scheme decided otherwise, and the customer took it",
    Answer.TOLD: "What a customer was told was rebutted",
}
PLACES: Mapping[str, str] = {
    "web": "On the web",
    "phone": "On the phone",
    "shop": "In a shop",
    "chat": "By chat",
    "letter": "By letter",
    "erased": "Place erased",
    "elsewhere": "In another way",
}
"""How a case came in."""
CLOCKS: Mapping[str, str] = {
    "ack_minutes": "First answer",
    "owner_minutes": "One named owner",
    "remedy_offer_hours": "Remedy offered",
    "offer_choice_days": "Reminder to choose",
    "ask_open_days": "Goes on without an answer",
    "confirm_days": "Closes if nobody says that it is wrong",
    "hearing_days": "Hear the customer",
    "adr_letter_hours": "Letter sent",
    "adr_evidence_days": "Our pack with the scheme",
    "outside_promise_rebut_days": "Promise made elsewhere stands after",
    "scheme_letter": "Letter for the independent scheme",
    "delivery_long_stop": "Last day for delivery",
    "short_term_reject": "Last day to reject the goods",
    "refund_after_cancellation": "Last day to refund",
    "fault_presumption": "A fault counts as ours until",
    "access_request": "Copy of the customer's data sent",
    "data_complaint": "Complaint about data acknowledged",
}
PROMISES: Mapping[str, str] = {
    "made": "Promised",
    "due_soon": "Due within a day",
    "kept": "Kept",
    "missed": "Missed",
    "void": "Given up by the customer",
}
TOLD: Mapping[str, str] = {
    "pending": "To be looked at",
    "stands": "Binds us",
    "has_it": "Comes by what they have, or are to have",
    "rebutted": "Rebutted",
    "taken_back": "Given up by the customer",
}
EXCEPTIONS: Mapping[str, str] = {
    "asked": "Waits for an answer",
    "granted": "Allowed",
    "instead": "Something else is given",
    "taken_back": "Given up by the customer",
}
LESSONS: Mapping[str, str] = {
    LessonKind.GAP: "No rule gives it",
    LessonKind.TWO_ANSWERS: "Two answers to one question",
}
PEOPLE: Mapping[str, str] = {
    "holder": "Has the contract",
    "payer": "Paid",
    "user": "Uses the phone",
    "representative": "Speaks for the customer",
}
TIMELINE = timeline_words.TIMELINE
HANDSET = "dev_"
"""What the ids of handsets begin with."""
LOCKS: Mapping[str, tuple[str, str]] = {
    OrderState.REQUESTED: ("Waits for a second person", "Nothing is locked yet."),
    OrderState.APPROVED: ("Approved", "The command is being signed."),
    OrderState.QUEUED: ("On its way", "Signed and sent; the handset has not answered yet, and may be locked."),
    OrderState.ACTIVE_PROVISIONAL: (
        "Locked, for 72 hours at most",
        "Confirmed by the handset, or by the system that locks it.",
    ),
    OrderState.ACTIVE_CONFIRMED: ("Locked, confirmed by two people", "Reviewed at least every 90 days."),
    OrderState.RELEASE_QUEUED: ("Release on its way", "Signed and sent; the unlock code works at once."),
    OrderState.RELEASED_UNCONFIRMED: (
        "Released, not confirmed",
        "The handset never answered. By its own clock it is free; the release stays on offer to it.",
    ),
    OrderState.RELEASED: ("Released", "The handset is free."),
    OrderState.REFUSED: ("Not locked", "A check or a second person said no, or it was called back first."),
    OrderState.FAILED_FINAL: ("Not locked", "The handset was never switched on in time."),
}
NO_ANSWER_KNOWN = (
    "Released, no answer known",
    "Called back, and the handset has not said since whether it is locked. If it is, the unlock code works at once.",
)
"""Instead of the words of a lock that is over, where nobody knows that its handset is free (`of_lock`)."""
ALERTS: Mapping[str, str] = ALERT_WORDS
WITH_A_NUMBER = (
    "If what was given is recorded later, this case learns its handset by itself. If it is wrong: "
    "Open a new report with the number of the order, the parcel or the handset, and join this one to it."
)
"""What helps a case of which no record says what it is about: an order that was typed wrong stays wrong in it."""
PAUSES: Mapping[str, str] = {
    CapReason.CANARY_UNSETTLED: "Its first handsets have not answered yet",
    CapReason.CANARY_NOT_CLEARED: "Its first locks wait for somebody to look at them",
    CapReason.WRONG_LOCK: "A lock in it was wrong",
}
LOCK_REASONS: Mapping[str, str] = {
    Reason.NEVER_RECEIVED: "The order never reached the customer",
    Reason.SUBSTITUTED: "Something else was in the parcel",
    Reason.MISDELIVERED: "The order went to somebody else",
    Reason.MISSING_FROM_CUSTODY: "The handset is missing from custody",
    Reason.LOST_ON_RETURN: "Lost on the way back to us",
    Reason.FOUND_BY_CUSTOMER: "The customer found it",
    Reason.RELEASED_BY_STAFF: "Released by a member of staff",
    Reason.WRONG_DEVICE: "It was the wrong handset",
    Reason.WITHDRAWN: "The report was withdrawn",
    Reason.LAPSED: "Its time has passed",
    Reason.LEAVING: "The customer is leaving",
    Reason.CANCELLED: "Cancelled",
    Reason.RECEIPT_CONFIRMED: "Receipt was confirmed",
    Reason.REMEDY_SETTLED: "The remedy is settled",
}
ASKED_BY_PEOPLE = (
    Reason.NEVER_RECEIVED,
    Reason.SUBSTITUTED,
    Reason.MISDELIVERED,
    Reason.MISSING_FROM_CUSTODY,
    Reason.LOST_ON_RETURN,
)
BASES: Mapping[str, str] = {
    Basis.STANDING_POLICY: "Standing authority",
    Basis.TWO_PEOPLE: "Two people",
    Basis.ONE_PERSON: "One person",
    Basis.CUSTOMER: "The customer",
    Basis.LAPSE: "Its time has passed",
}
CHECKS: Mapping[str, str] = {
    CheckName.POLICY_IN_FORCE: "Standing authority is in force",
    CheckName.CLAIM_COVERED: "This kind of problem allows a lock",
    CheckName.REQUESTER: "The person who asks may ask",
    CheckName.DECIDER: "A second person decides",
    CheckName.TWO_PEOPLE: "They are two different people",
    CheckName.DEVICE_NOT_WITH_CUSTOMER: "The customer does not hold the handset",
    CheckName.IMEI_TIED: "Two records tie this IMEI to the parcel",
    CheckName.NOT_ON_OWN_SIM: "Not in use with the customer's SIM",
    CheckName.NOT_RETIRED: "The handset is not retired",
    CheckName.RECEIPT_NOT_CONFIRMED: "Receipt was not confirmed",
    CheckName.NOT_LEAVING: "The customer is not leaving",
    CheckName.VULNERABILITY: "Support needs are looked after",
    CheckName.CONTACT_ON_SCREEN: "The lock screen shows a contact",
    CheckName.WAY_OUT: "It can be unlocked without a network",
    CheckName.NOTICE: "The customer was told, if still served",
    CheckName.CAPS: "Limits on locking are not reached",
    CheckName.KILL_SWITCH: "Locking is not stopped",
    "backend_android": "Android Management carries it",
    "backend_eir": "The IMEI list carries it",
    "backend_knox": "Knox Guard carries it",
    "backend_nanomdm": "NanoMDM carries it",
}
WAITS_FOR: Mapping[str, str] = {
    CheckName.DECIDER: "Waits for a second person",
    CheckName.TWO_PEOPLE: "Waits for a second person",
    CheckName.NOTICE: "The customer is told when you ask, and it waits for that hour",
}
WHEREABOUTS: Mapping[str, str] = {
    "lost_on_return_leg": "Lost on its way back to us",
    "missing_from_custody": "Missing from our own chain",
    "absent_from_returns_bench": "Not on the returns bench; customer and bench were told",
}
BACKENDS: Mapping[str, str] = {
    "agent": "our agent on the handset",
    "android": "Android Management",
    "eir": "IMEI list",
    "knox": "Knox Guard",
    "nanomdm": "NanoMDM",
}
CHECK_REASONS: Mapping[str, str] = {
    CheckReason.OK: "Yes",
    CheckReason.UNKNOWN: "Not known",
    CheckReason.NO_POLICY: "No authority is in force",
    CheckReason.POLICY_ONE_PERSON: "Only one person put it in force",
    CheckReason.POLICY_NOT_LOGGED: "The log does not hold it",
    CheckReason.CLAIM_NOT_COVERED: "This kind of problem does not",
    CheckReason.NO_SUCH_PERSON: "Nobody has yet",
    CheckReason.NOT_EMPLOYED: "The account is not active",
    CheckReason.NOT_IN_ROLE: "The role does not allow it",
    CheckReason.SAME_PERSON: "It is one and the same person",
    CheckReason.MADE_THE_OTHER: "One made the other's account",
    CheckReason.SAME_MAKER: "The same person made both accounts",
    CheckReason.WITH_CUSTOMER: "The customer holds it, or may",
    CheckReason.RECORDS_SINGLE: "Only one record does",
    CheckReason.RECORDS_DISAGREE: "The records disagree",
    CheckReason.RECORDS_NONE: "No record does",
    CheckReason.ON_OWN_SIM: "It is: the customer has it",
    CheckReason.RETIRED: "It is retired for ever",
    CheckReason.RECEIPT_CONFIRMED: "It was confirmed",
    CheckReason.LEAVING: "The customer is leaving",
    CheckReason.NEEDS_SPECIALIST: "A named specialist must decide",
    CheckReason.NO_CONTACT: "It shows none",
    CheckReason.NO_WAY_OUT: "It cannot",
    CheckReason.NOTICE_MISSING: "The customer was not told, or the hour is not over",
    CheckReason.CAP_REACHED: "A limit is reached",
    CheckReason.KILLED: "It is stopped",
    Why.UNCONFIRMED: "No second person has confirmed its name there",
    Why.TWO_PEOPLE: "Not before two people have decided",
    Why.NOT_CONFIGURED: "It is not switched on",
    Why.BEFORE_SETUP: "Not before the handset is set up",
    Why.USER_CAN_LEAVE: "Yes, until its passcode is typed",
    Why.UNVERIFIED: "Never tried against the real service",
}
INQUIRIES: Mapping[str, str] = {
    "open": "Not started",
    "gathering": "Gathering",
    "ranked": "Ranked",
    "checking": "Being checked",
    "concluded": "Concluded",
    "learned": "Learned from",
}
NAMING_OUTCOMES: Mapping[str, str] = {
    NamingOutcome.NAMED: "A link may be named",
    NamingOutcome.NEEDS_CHECK: "A check is needed before any link is named",
    NamingOutcome.UNRESOLVED: "The records do not settle it",
}
SIGNINGS: Mapping[str, str] = {
    "dual": "both sides signed",
    "named": "both signed, not all of it fits",
    "one_sided": "one side signed",
    "internal": "within one custodian, nothing to sign",
    "gap": "no handover was recorded",
    "recipient": "the recipient's check",
}
SEALS: Mapping[str, str] = {
    "applied": "applied",
    "same": "read, unchanged",
    "intact": "intact, no number read",
    "seen": "seen",
    "differs": "another number",
    "broken": "broken",
    "missing": "missing",
    "removed": "removed at unpacking",
    "not_read": "not read",
}
FLAGS: Mapping[str, str] = {
    "late_offline": "sent later, stored meanwhile",
    "too_late": "sent after the time allowed for storing",
    "clock_skew": "station clock ahead",
    "clock_quarantine": "station clock far ahead",
    "unknown_parcel": "parcel not known before",
    "not_due_here": "not due at this place",
    "weight_out": "weight out of tolerance",
    "seal_differs": "seal not as applied",
    "seal_replaced": "new seal, the old one recorded as taken off",
    "serial_differs": "another serial number",
    "sequence_gap": "numbers of this station are missing",
    "key_suspect": "key in doubt at that time",
    "chain_broken": "statements do not follow each other",
    "key_unknown": "key not known",
    "key_revoked": "key revoked",
    "tamper_evidence": "one number, two contents",
}
_OF_THE_PARCEL = frozenset({"weight_out", "seal_differs", "seal_replaced", "serial_differs", "not_due_here"})
KEY_FLAGS = frozenset(FLAGS) - {"late_offline"} - _OF_THE_PARCEL
SIMS: Mapping[str, str] = {
    SimClass.OWN: "with the customer's own SIM",
    SimClass.OTHER: "with another SIM",
    SimClass.NEVER: "never with a SIM",
    SimClass.UNKNOWN: "SIM not known",
}
REST = REST_WORDS
ITEMS: Mapping[str, str] = {
    "proof_of_purchase": "Proof of purchase",
    "proof_of_posting": "Proof of posting",
}
HELD: Mapping[str, str] = {
    "issued": "we issued it",
    "held": "we hold it",
    "given": "given by the customer",
    "told": "told by the customer",
}
EXPLAINED = wording.EXPLAINED
REMEDIES: Mapping[str, str] = {str(remedy): said for remedy, said in REMEDY_WORDS.items()}
PAYOUTS: Mapping[str, str] = {str(way): said for way, said in PAYOUT_WORDS.items()}
RECOGNISED: Mapping[str, str] = RECOGNISED_BY
ROLES: Mapping[str, str] = {"agent": "Agent", "supervisor": "Supervisor", "investigator": "Investigator"}


def worded(table: Mapping[str, str], code: object) -> str:
    """The words of a code; a code without words in plain spelling."""
    text = str(code)
    return table.get(text) or text.replace("_", " ")


def actor(name: str) -> str:
    """Who acted: an account by its name, a handset as one, whose id tells staff nothing."""
    return "the handset" if name.startswith(HANDSET) else name


def of_lock(order: Mapping[str, Any]) -> tuple[str, str]:
    """What is said of a lock order, as `api.lock_views` shows it: in a few words, and in a sentence."""
    unknown = order["state"] == OrderState.RELEASED and order["may_be_locked"]
    return NO_ANSWER_KNOWN if unknown else LOCKS[order["state"]]


def lock_group(name: str) -> str:
    """What a group of locks is of (`caps.group_of`)."""
    account = account_of(name)
    if account is None:
        return f"locks under the standing authority {name.removeprefix('policy:')}"
    return f"locks that {account} asked for on {name.rpartition(':')[2]} (UTC)"
