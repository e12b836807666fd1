"""What one person may do alone and another one should see: it rings, and whoever did it does not look at it alone."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlmodel import Session

from api.people import persons, viewings
from custody.disputes.messages import pounds
from custody.disputes.outside_promise import MOST_PENCE
from custody.disputes.people import CasePeople, paid_to
from custody.disputes.two_answers import is_of_answers
from custody.gs1.imei import imei_digits
from custody.kernel.clock import DAY_MS, Instant
from custody.kernel.person import fold_person
from custody.store import case_book, erase_book
from custody.store.case_book import CaseFile
from custody.store.case_lists import lines_by_since
from custody.store.unit import Unit
from custody.usecases.record_sale import Sale
from devicelock.rules.alert_kind import AlertKind
from devicelock.rules.authority import DECIDERS
from devicelock.usecases.alert import act_of, raise_alert
from devicelock.usecases.lock_office import LockOffice

MANY_LINKS = 20
"""So many links made anew by one person within a day are worth a look: each opens a customer's page."""

MANY_ERASURES = 10
"""So many erasures by one person within a day are worth a look: none of them can be taken back."""

MANY_CASES = 200
"""So many cases seen by one person within a day are worth a look: nobody helps so many people."""


class Habit(NamedTuple):
    """What is nobody's work any more once one person has done it often within a day; `how_often` asks since when."""

    kind: AlertKind
    how_often: Callable[[Session, Sequence[str], Instant], int]
    most: int
    told: str


LINKS = Habit(
    AlertKind.MANY_LINKS,
    lambda session, accounts, since_ms: lines_by_since(session, "link_renewed", accounts, since_ms),
    MANY_LINKS,
    "{account} has made {count} new links of customers within a day. Each opens the page of one.",
)
CASES = Habit(
    AlertKind.MANY_CASES,
    viewings.cases_since,
    MANY_CASES,
    "{account} has seen {count} cases within a day. Ask what for; the account's viewings tell which.",
)
ERASURES = Habit(
    AlertKind.MANY_ERASURES,
    erase_book.erasures_by_since,
    MANY_ERASURES,
    "{account} has erased {count} parcels, orders or cases within a day. The notices in the log tell why.",
)


def tell_of_many(unit: Unit, office: LockOffice, habit: Habit, *, account: str) -> None:
    """Ring if a person has done something too often within a day, with whatever accounts."""
    mine = office.accounts_of(unit.session, account)
    count = habit.how_often(unit.session, mine, unit.now_ms - DAY_MS)
    if count >= habit.most:
        about, detail = office.key_of(unit.session, account), habit.told.format(account=account, count=count)
        raise_alert(unit, habit.kind, about=about, detail=detail)


def tell_of_award(unit: Unit, dispute: str, *, pence: int | None, account: str) -> None:
    """Ring for what an account wrote down as a scheme's decision, which the scheme itself can confirm."""
    of_sum = "without a sum" if pence is None else f"with the sum of {pounds(pence)}"
    detail = f"{account} wrote down a scheme's decision in {dispute}, {of_sum}. Ask the scheme whether it is so."
    raise_alert(unit, AlertKind.AWARD_WRITTEN, about=act_of(account, _sum_in(dispute, pence)), detail=detail)


def tell_of_answers(unit: Unit, dispute: str, *, account: str) -> None:
    """Ring for money that an account has promised just now by writing two answers of ours down."""
    every = case_book.promises(unit.session, dispute)
    sums = [each.amount_pence for each in every if each.made_ms == unit.now_ms and is_of_answers(each)]
    pence = sum(filter(None, sums))
    if pence:
        detail = f"{account} wrote down two answers of ours in {dispute}, and {pounds(pence)} is promised by them."
        raise_alert(unit, AlertKind.SUM_OF_ANSWERS, about=act_of(account, _sum_in(dispute, pence)), detail=detail)


def tell_of_told(unit: Unit, dispute: str, *, pence: int | None, account: str) -> None:
    """Ring for a sum that one of ours says was promised elsewhere; once a person until somebody has looked.

    It binds us after some days, in which somebody else may rebut it: whoever wrote it down will not.
    """
    if pence:
        told = f"{pounds(pence)} was promised elsewhere"
        detail = (
            f"{account} wrote down in {dispute}: {told}. It binds us if nobody rebuts it. Look at every sum that they "
            "wrote down since."
        )
        person = persons.person(unit.session, account)
        about = account if person is None else person.person
        raise_alert(unit, AlertKind.SUM_TOLD, about=about, detail=detail)


def tell_of_payer(unit: Unit, before: CasePeople | None, file: CaseFile, *, account: str) -> None:
    """Ring for money that goes to somebody else by name than before, as another payer was written down.

    So it does to who comes in the place of somebody who died.
    """
    known, now = _payee(before), _payee(file.case.people)
    was_somebody = bool(known) or (before is not None and before.bereaved)
    if was_somebody and fold_person(now) != fold_person(known):
        detail = f"{account} wrote down in {file.case.id} to whom money goes. Ask the one before whether it is right."
        raise_alert(unit, AlertKind.PAYER_REPLACED, about=act_of(account, file.case.id), detail=detail)


def tell_of_return(unit: Unit, dispute: str, paid: str, *, account: str) -> None:
    """Ring for a payment that one of ours says came back: it is paid once more, as often as that is said."""
    detail = f"{account} wrote down in {dispute} that the payment of {paid} came back. Ask the bank whether it did."
    raise_alert(unit, AlertKind.PAID_AGAIN, about=act_of(account, f"{paid} in {dispute}"), detail=detail)


def tell_of_account(unit: Unit, *, made: str, role: str, person: str, account: str) -> None:
    """Ring for a new account that may decide: who was not to have one, or is no other person, decides with it."""
    if role in DECIDERS:
        detail = f"{account} made the account {made} of {person} as {role}. Ask that person whether it is theirs."
        raise_alert(unit, AlertKind.DECIDER_MADE, about=act_of(account, made), detail=detail)


def tell_of_closed(unit: Unit, *, closed: str, role: str, account: str) -> None:
    """Ring for an account that was closed and might have decided: whoever is shut out cannot say so here."""
    if role in DECIDERS and closed != account:
        detail = (
            f"{account} closed the account {closed}, which was of the role {role}. Ask its person whether it is right."
        )
        raise_alert(unit, AlertKind.DECIDER_CLOSED, about=act_of(account, closed), detail=detail)


def tell_of_sale(unit: Unit, sale: Sale, disputes: Sequence[str], *, account: str) -> None:
    """Ring for a sale of a handset that open cases of another order are about.

    Until somebody has looked, they stay their customers' own (`circumstances.is_customers`).
    """
    if disputes:
        detail = (
            f"{account} wrote down the order {sale.order_ref} of a handset that {', '.join(disputes)} is about. "
            "Say that you have looked only if it was sold again: until then the case stays its customer's own."
        )
        about = act_of(account, imei_digits(sale.imei))
        raise_alert(unit, AlertKind.SOLD_IN_DISPUTE, about=about, detail=detail)


def tell_of_price(unit: Unit, sale: Sale, *, account: str) -> None:
    """Ring for an order that is said to have cost more than a phone does: a refund of it gives that much.

    Its price comes from whoever records it, and what bounds every sum by a word is the price.
    """
    pence = sale.facts.price_pence or 0
    if pence > MOST_PENCE:
        detail = f"{account} wrote down that the order {sale.order_ref} cost {pounds(pence)}. Look at its invoice."
        raise_alert(unit, AlertKind.DEAR_ORDER, about=act_of(account, sale.order_ref), detail=detail)


def tell_of_withdrawn(unit: Unit, authority: str, *, account: str) -> None:
    """Ring for a standing authority that held until now: what is stolen next is locked by nobody at once."""
    detail = (
        f"{account} withdrew the standing authority {authority}. No delivery that is disputed is locked at once now."
    )
    raise_alert(unit, AlertKind.AUTHORITY_WITHDRAWN, about=act_of(account, authority), detail=detail)


def tell_of_trust(unit: Unit, office: LockOffice, what: str, *, account: str) -> None:
    """Ring for whose scans and attestations count from now on, or no more; once a person until somebody has looked.

    Two stations that one person enrols are two records to every rule of the trail.
    """
    detail = f"{account} changed whose word counts: {what}. Look at everything that they announced or revoked since."
    raise_alert(unit, AlertKind.TRUST_CHANGED, about=office.key_of(unit.session, account), detail=detail)


def _sum_in(dispute: str, pence: int | None) -> str:
    """A sum in a case: another one rings too, while nobody has looked at the first."""
    return f"{pence or 'no'} pence in {dispute}"


def _payee(people: CasePeople | None) -> str:
    """The name of whoever money goes to; empty if nobody is named."""
    relation = paid_to(people)
    person = None if people is None or relation is None else people.of(relation)
    return "" if person is None else person.name
