"""Part of the price in an offer: its sum is our word to the customer, so it goes on, and is lowered with a reason.

The sum that counts is the last one that was named since the customer last chose, whatever kind of problem it was named
for. It goes on in an offer of the same kind that names none. A lower one takes a reason, which the customer reads.
"""

import msgspec
from sqlmodel import Session

from custody.disputes.claim import Remedy
from custody.disputes.messages import Message, say
from custody.disputes.policy import CaseworkPolicy
from custody.disputes.price import name_sum
from custody.disputes.promise import proof
from custody.disputes.remedy import RemedyOffer
from custody.kernel.errors import Rejected
from custody.store import case_book
from custody.store.case_book import CaseFile


def with_sum(
    session: Session,
    file: CaseFile,
    offer: RemedyOffer,
    *,
    named_pence: int | None,
    why: str | None,
    left_pence: int | None,
    policy: CaseworkPolicy,
) -> tuple[RemedyOffer, list[Message]]:
    """The offer with the sum that is named now, or else before; raises `Rejected("why")` for a lower one."""
    before_pence = named_before(session, file)
    if named_pence is None:
        if before_pence and left_pence and offer.sum_to_name and offer.claim_type == file.case.claim_type:
            offer = name_sum(offer, min(before_pence, left_pence), left_pence=left_pence, policy=policy)
        return offer, []
    offer = name_sum(offer, named_pence, left_pence=left_pence, policy=policy)
    if not before_pence or named_pence >= before_pence:
        return offer, [say("case.sum_named")]
    if why is None or not proof(why):
        raise Rejected(
            "why", "a higher sum was named before", fix="Say why it is lower, in words that the customer can read."
        )
    return offer, [say("case.sum_lowered", why=why)]


def named_before(session: Session, file: CaseFile) -> int | None:
    """The sum that counts before another one is named; None if there is none."""
    for line in reversed(case_book.timeline(session, file.case.id)):
        pence = msgspec.json.decode(line.facts).get("price_reduction_pence") if line.kind == "offered" else None
        if line.kind == "chosen" or pence:
            return pence
    # The lines of an older version do not tell it.
    options = file.offer.options if file.offer is not None and file.chosen is None else ()
    return next((option.amount_pence for option in options if option.remedy == Remedy.PRICE_REDUCTION), None)
