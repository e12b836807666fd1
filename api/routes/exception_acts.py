"""Moves of a case outside its offer: what no rule gives, asked for and answered, and two answers of ours."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import Field

from api.act_alerts import tell_of_answers
from api.exception_alerts import tell_approver
from api.http.body import Body, Day, one_of
from api.people import persons
from api.people.accounts import Caller
from api.routes.event_parts import need
from custody.disputes.machine import CaseRole
from custody.disputes.outside_promise import as_told
from custody.disputes.two_answers import RATHER
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases import allow_exception, settle_answers
from custody.usecases.allow_exception import Given

BEYOND_RULES = frozenset({"decision", "exception_grant", "exception_instead", "two_answers"})
"""Moves by which one person's word binds us to what no rule gives."""
PAID_AGAIN = frozenset({"payment_came_back", "credit_came_back"})
"""Moves by which one person's word lets what was paid be paid once more."""
TAKES_A_SIGN_IN = BEYOND_RULES | PAID_AGAIN
"""Moves that may take a sign-in of the last minutes.

An offer is none of them: its sum lies within what is left of the price, and a remedy waits for no password. What was
promised elsewhere is none: customers say so without an account, so whoever stole a session gains nothing by it.
"""


class OutsideTheOfferIn(Body):
    """The facts that these moves need; `what`, `until` and `amount_pence` are of what somebody said or gives."""

    asked_for: str | None = Field(default=None, description="With exception: what the customer needs, in words.")
    gap: str | None = Field(default=None, description="With exception: why no rule gives it.")
    exception: str | None = Field(default=None, description="With its answer: which one, by its id.")
    what: str | None = Field(
        default=None,
        description="With told or two_answers: what the customer was promised. With an answer: what they get.",
    )
    by_whom: str | None = Field(default=None, description="With told or two_answers: by whom, or where.")
    until: Day | None = Field(default=None, description="With what: the last day on which it was, or is, to come.")
    amount_pence: int | None = Field(default=None, description="With what: the sum, if it is money.")
    other: str | None = Field(default=None, description="With two_answers: the other answer.")
    other_by: str | None = Field(default=None, description="With two_answers: by whom, or where.")
    other_until: Day | None = Field(default=None, description="With two_answers: the last day of the other.")
    other_pence: int | None = Field(default=None, description="With two_answers: the sum of the other.")
    rather: str | None = Field(
        default=None,
        description="With two_answers of different things: what or other, as the customer would rather have it.",
        json_schema_extra=one_of(lambda: RATHER),
    )
    beside: bool = Field(
        default=False,
        description="With decision, or an answer: it stands beside the remedy, and replaces nothing.",
    )
    why: str | None = Field(
        default=None,
        description="Reasons that the customer can read: of a decline, of hearing them, of a smaller sum, of rebut, "
        "of something else instead.",
    )


def _exception(unit: Unit, dispute: str, body: OutsideTheOfferIn, caller: Caller) -> CaseFile:
    asked_for, gap = need(body.asked_for, "asked_for"), need(body.gap, "gap")
    who: dict[str, Any] = {"asked_by": caller.person, "actor": caller.account, "approvers": persons.approvers}
    return allow_exception.ask(unit, dispute, asked_for=asked_for, gap=gap, tell=tell_approver, **who)


def _grant(unit: Unit, dispute: str, body: OutsideTheOfferIn, caller: Caller) -> CaseFile:
    return allow_exception.grant(unit, dispute, **_answer(body, caller))


def _give_instead(unit: Unit, dispute: str, body: OutsideTheOfferIn, caller: Caller) -> CaseFile:
    need(body.what, "what")
    return allow_exception.give_instead(unit, dispute, why=need(body.why, "why"), **_answer(body, caller))


def _two_answers(unit: Unit, dispute: str, body: OutsideTheOfferIn, caller: Caller) -> CaseFile:
    one = as_told(
        what=need(body.what, "what"),
        by_whom=body.by_whom or "",
        until=body.until,
        amount_pence=body.amount_pence,
        now_ms=unit.now_ms,
    )
    other = as_told(
        what=need(body.other, "other"),
        by_whom=body.other_by or "",
        until=body.other_until,
        amount_pence=body.other_pence,
        now_ms=unit.now_ms,
    )
    file = settle_answers.settle(
        unit,
        dispute,
        answers=(one, other),
        rather=body.rather,
        actor=caller.account,
        keepers=persons.supervisors,
    )
    tell_of_answers(unit, file.case.id, account=caller.account)
    return file


EXCEPTION_ACTS: Mapping[str, Callable[[Unit, str, OutsideTheOfferIn, Caller], CaseFile]] = MappingProxyType(
    {
        "exception": _exception,
        "exception_grant": _grant,
        "exception_instead": _give_instead,
        "two_answers": _two_answers,
    }
)


def _answer(body: OutsideTheOfferIn, caller: Caller) -> dict[str, Any]:
    return {
        "exception": need(body.exception, "exception"),
        "gives": Given(what=body.what, until=body.until, amount_pence=body.amount_pence, beside=body.beside),
        "actor": caller.account,
        "role": CaseRole(caller.role),
        "may_approve": persons.may_approve,
    }
