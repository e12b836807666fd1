"""What each guard of the case table means, as a pure function over explicit facts.

- A function answers True, False or None; None means that a fact it needs is not known, and a guard that is not known
  is not satisfied.
- No guard looks at the investigation: remedy and investigation never wait for each other.
- A decline needs something that was observed about this person. A rule, a pattern or a rank is never enough.
- `all_locks_settled` is the one fact that comes from outside this room. It is true when each lock of the case is
  released, refused or was never delivered, or is confirmed on a device proven not to be with the customer and has an
  owner and a review date; or is on its way to release, the customer has the unlock code, and the time allowed for
  the release is over (a dead handset must not hold a case open).
- The guards about asks stand in `asks`, the one about payout in `payout`, the one about promises in `promise`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from custody.disputes.asks import no_ask_for_item, no_open_ask, not_held_already
from custody.disputes.civil import civil_date
from custody.disputes.claim import ClaimType
from custody.disputes.machine import Guard
from custody.disputes.payout import works
from custody.disputes.promise import all_promises_settled
from custody.kernel.clock import Instant
from custody.kernel.person import fold_person


class Ground(StrEnum):
    """On what a finding rests. The first five are observations; the last three never suffice for a decline."""

    OWN_WORDS = "own_words"
    RECORDING = "recording"
    DOCUMENT = "document"
    WITNESS = "witness"
    DEVICE_IN_USE = "device_in_use"
    RULE = "rule"
    PATTERN = "pattern"
    RANK = "rank"


OBSERVATIONS = frozenset({Ground.OWN_WORDS, Ground.RECORDING, Ground.DOCUMENT, Ground.WITNESS, Ground.DEVICE_IN_USE})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineFinding:
    """Something brought forward for a decline: its ground, what it says, where it is kept, whom it is about."""

    ground: Ground
    says: str
    kept_at: str
    about_this_person: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: a stable key of the person, whether it is a person at all, and who stands behind their accounts."""

    key: str
    human: bool
    behind: frozenset[str] = frozenset()


def customer_words_kept(words: str | None) -> bool | None:
    """The customer's own words are stored."""
    return None if words is None else bool(words.strip())


def claim_type_set(
    claim_type: str | None, *, agreed_by_customer: bool | None, custody_words: str | None = None
) -> bool | None:
    """A type is set and the customer agreed; a type that says the goods were damaged needs words on where and when."""
    if claim_type is None or agreed_by_customer is None:
        return None
    if claim_type in {ClaimType.DAMAGED, ClaimType.CUSTOMER_DAMAGE} and not (custody_words or "").strip():
        return False
    return agreed_by_customer


def any_format(*, received: bool | None, skipped: bool = False, lapsed: bool = False) -> bool | None:
    """Something came in whatever form, readable or not, or the customer skipped, or the days for it are over."""
    return True if skipped or lapsed else received


def policy_version_pinned(version: str | None) -> bool | None:
    """The case names the policy version that decides it."""
    return None if version is None else bool(version)


def proof_of_remedy(
    *, delivered: bool | None, paid: bool | None, confirmed_by_customer: bool | None = None
) -> bool | None:
    """Delivery or payment is evidenced, or the customer says that the remedy has come."""
    known = (delivered, paid, confirmed_by_customer)
    return True if True in known else None if None in (delivered, paid) else False


def more_than_a_pattern(findings: Iterable[DeclineFinding]) -> bool:
    """`not_score_only`: at least one finding rests on something observed, not on a rule, a pattern or a rank."""
    return any(finding.ground in OBSERVATIONS for finding in findings)


def positive_evidence_about_this_person(findings: Iterable[DeclineFinding]) -> bool | None:
    """At least one observation is about this person, says something and is kept where it can be looked at."""
    sound = [found for found in findings if found.ground in OBSERVATIONS and found.says.strip() and found.kept_at]
    if any(found.about_this_person for found in sound):
        return True
    return None if any(found.about_this_person is None for found in sound) else False


def reasons(text: str | None) -> bool | None:
    """Reasons are written down."""
    return None if text is None else bool(text.strip())


def four_eyes(proposer: Actor | None, decider: Actor | None) -> bool | None:
    """Proposer and decider are two different people, however their names are typed, and nobody stands behind both."""
    if proposer is None or decider is None:
        return None
    named = bool(proposer.key and decider.key)
    mine, theirs = (set(map(fold_person, {*actor.behind, actor.key})) for actor in (proposer, decider))
    return named and proposer.human and decider.human and mine.isdisjoint(theirs)


def customer_heard_or_hearing_lapsed(
    *, heard: bool | None, hearing_due_ms: Instant | None, now_ms: Instant
) -> bool | None:
    """The customer was heard, or the days for it are over."""
    if heard:
        return True
    return None if hearing_due_ms is None else now_ms > hearing_due_ms


def human_decision(decider: Actor | None) -> bool | None:
    """A person decides, not automation (UK GDPR articles 22A to 22D)."""
    return None if decider is None else decider.human


def same_day(declined_ms: Instant | None, letter_ms: Instant, *, late_on_record: bool = False) -> bool | None:
    """The letter leaves on the civil day of the decline. A late one still leaves, once its lateness is on record."""
    if declined_ms is None:
        return None
    return civil_date(declined_ms) == civil_date(letter_ms) or (late_on_record and letter_ms > declined_ms)


def pack_built(pack_digest: bytes | None) -> bool | None:
    """The pack for the independent scheme exists and is named by its digest."""
    return None if pack_digest is None else len(pack_digest) == 32


def same_customer_or_consent(*, same_customer: bool | None, consent: bool | None) -> bool | None:
    """Both reports are of one customer, or the other customer agreed."""
    return True if True in (same_customer, consent) else None if None in (same_customer, consent) else False


def min_clock_kept(surviving_start_ms: Instant | None, starts_ms: Sequence[Instant]) -> bool | None:
    """The surviving case takes the earliest legal start."""
    return None if surviving_start_ms is None or not starts_ms else surviving_start_ms == min(starts_ms)


def adr_due(*, letter_due_ms: Instant | None, now_ms: Instant, deadlock: bool | None) -> bool | None:
    """The deadline is reached (also when the customer asks that day), or deadlock was declared."""
    if deadlock:
        return True
    return None if letter_due_ms is None else now_ms >= letter_due_ms


def adr_clock_from_first_report(starts: date | None, first_words_ms: Sequence[Instant]) -> bool | None:
    """The scheme's clock starts no later than the civil day of the earliest of these first words."""
    return None if starts is None or not first_words_ms else starts <= civil_date(min(first_words_ms))


CASE_GUARDS = MappingProxyType(
    {
        "customer_words_kept": Guard(
            means="The customer's own words are stored as they were said.",
            fix="Write down what the customer said, in their words.",
            holds=customer_words_kept,
        ),
        "claim_type_set": Guard(
            means="The kind of problem is set, the customer agreed, and damage has words on where and when.",
            fix="Set the kind of problem and let the customer confirm it; for damage, note where and when it happened.",
            holds=claim_type_set,
        ),
        "not_held_already": Guard(
            means="We neither issued nor hold what would be asked for.",
            fix="Use what we hold; the answer names it.",
            holds=not_held_already,
        ),
        "asks_for_item==0": Guard(
            means="This item was never asked for in this case.",
            fix="Go on without it, or use what came in answer to the first ask.",
            holds=no_ask_for_item,
        ),
        "open_asks==0": Guard(
            means="No ask is open in this case.",
            fix="Wait for the open ask to be answered, skipped or over, or go on without it.",
            holds=no_open_ask,
        ),
        "any_format": Guard(
            means="Something came in any form, readable or not, or the ask was skipped or is over.",
            fix="Record what came, or that the customer skipped; after the days allowed go on without.",
            holds=any_format,
        ),
        "policy_version_pinned": Guard(
            means="The case names the policy version that decides it.",
            fix="Pin the policy version in force to the case.",
            holds=policy_version_pinned,
        ),
        "payout_route_works_for_this_customer": Guard(
            means="The chosen way of payment reaches this customer.",
            fix="Offer a bank transfer, a cheque or a return to the card.",
            holds=works,
        ),
        "proof_of_remedy": Guard(
            means="Delivery or payment is evidenced, or the customer says it has come.",
            fix="Attach the delivery record or the payment reference, or ask nothing and wait.",
            holds=proof_of_remedy,
        ),
        "all_locks_settled": Guard(
            means="Each lock of the case is released, or confirmed on a device proven to be elsewhere, with an owner "
            "and a review date; see the module.",
            fix="Release the locks of this case, or have two people confirm them with an owner and a review date.",
        ),
        "all_promises_settled": Guard(
            means="Each promise is kept or was given up by the customer, and each credit is paid.",
            fix="Keep the open promises and pay the credits; the case lists them.",
            holds=all_promises_settled,
        ),
        "positive_evidence_about_this_person": Guard(
            means="At least one kept observation is about this person.",
            fix="Without an observation about this person the remedy goes on: offer it.",
            holds=positive_evidence_about_this_person,
        ),
        "not_score_only": Guard(
            means="The finding rests on something observed; a rule, a pattern or a rank is never enough.",
            fix="Without an observation the remedy goes on: offer it.",
            holds=more_than_a_pattern,
        ),
        "reasons": Guard(
            means="Reasons are written down.",
            fix="Write the reasons so that the customer can read them.",
            holds=reasons,
        ),
        "four_eyes": Guard(
            means="Proposer and decider are two different people, and nobody stands behind both.",
            fix="Let a second person decide who did not propose it, and whose account was not made by the same hands.",
            holds=four_eyes,
        ),
        "customer_heard_or_hearing_lapsed": Guard(
            means="The customer was heard, or the days for it are over.",
            fix="Hear the customer, or wait until the hearing date has passed.",
            holds=customer_heard_or_hearing_lapsed,
        ),
        "human_decision": Guard(
            means="A person decides.",
            fix="Let a supervisor decide; automation may not decline.",
            holds=human_decision,
        ),
        "same_day": Guard(
            means="The letter leaves on the civil day of the decline.",
            fix="Send the letter today; if the day has passed, put the lateness on record and send it all the same.",
            holds=same_day,
        ),
        "pack_built": Guard(
            means="The pack for the independent scheme exists.",
            fix="Build the pack; it needs no input from anyone.",
            holds=pack_built,
        ),
        "same_customer_or_consent": Guard(
            means="Both reports are of one customer, or the other customer agreed.",
            fix="Link the cases instead, or ask the other customer.",
            holds=same_customer_or_consent,
        ),
        "min_clock_kept": Guard(
            means="The surviving case takes the earliest legal start.",
            fix="Keep the earliest date of the joined cases.",
            holds=min_clock_kept,
        ),
        "adr_due": Guard(
            means="The deadline is reached, deadlock was declared, or the customer asks at the deadline.",
            fix="Wait for the date on the case, or let a supervisor declare deadlock today.",
            holds=adr_due,
        ),
        "adr_clock_from_first_report": Guard(
            means="Reopening restarts no legal clock: the scheme's starts on the day of the first word.",
            fix="Keep the date of the first report on the reopened case.",
            holds=adr_clock_from_first_report,
        ),
    }
)
