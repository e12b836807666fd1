"""Reports of one order: what was promised in one counts in the others, so that an order is put right once.

- Never more is given back than was paid, whatever report it is promised in.
- One remedy at a time. While a phone is on its way (a new one, a swap, a repair) for another report, neither money nor
  a phone is promised beside it; once the whole price was promised or paid back, no phone is. After a phone has come it
  may be wrong again, and everything is open. Two reports may be of two people, so a refusal tells nothing of the other.
- In the same report a choice takes the place of what was chosen, or decided by the scheme, before it and is not done
  yet.
- A joined report has handed its promises over. One that was taken back counts with what was paid for it, and with what
  came back since and is owed again.
- Whoever holds the box can report its number. So a report that names the order itself is held back by one that does
  not only in that money paid there is not paid again. Money or a phone that was promised there is set aside once the
  report that names the order chooses one, or is awarded one, so that the order is not put right twice. Once that one
  gives neither any more, what was set aside is promised again. What had been given before it was promised, as a phone
  that was wrong again, sets nothing aside.
- A reference that nothing of ours knows makes no two reports one order, and two handsets of an order are two.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from custody.disputes.case import CASE, Case, CaseState
from custody.disputes.claim import PAYS_MONEY
from custody.disputes.messages import alternatives
from custody.disputes.price import is_sum_beside, left_of_price, paid_back
from custody.disputes.promise import AS_DECIDED, ON_TOP, Promise, is_owed
from custody.disputes.remedy import PHONES, WORDS, RemedyOffer, RemedyOption
from custody.disputes.texts import TEXTS
from custody.kernel.errors import Conflict

LETTER_HAS_LEFT = "You may go to the independent scheme now; your letter is on your page."
_REMEDIES = frozenset(WORDS.values())
_PRICE_OR_PHONE = frozenset(WORDS[remedy] for remedy in PHONES | PAYS_MONEY)
_PHONES = frozenset(WORDS[remedy] for remedy in PHONES)
_CHOSEN: frozenset[CaseState] = frozenset({"remedy_in_progress", "remedied"})
"""States in which a remedy of the case's own is chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherReport:
    """A report of the same order: whether it named the order itself, and what was promised for it."""

    names_order: bool
    promises: tuple[Promise, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What was promised for an order before, as it counts for one report of it.

    `mine` was chosen in the report itself, `others` in other reports; `money` counts only in what is left of the price.
    """

    mine: tuple[Promise, ...] = ()
    others: tuple[Promise, ...] = ()
    money: tuple[Promise, ...] = ()

    def left_pence(self, price_pence: int | None) -> int | None:
        """What of the price is left to give back; None where that is not known."""
        return left_of_price(price_pence, (*self._staying, *self.others, *self.money))

    def is_paid_back(self, price_pence: int | None) -> bool:
        """Whether the whole price was promised or paid back, so that no phone is owed any more."""
        return left_of_price(price_pence, (*self._staying, *self.others)) == 0

    @property
    def _staying(self) -> list[Promise]:
        """What no choice takes the place of: what was done, and sums that stand beside it."""
        return [each for each in self.mine if each.state == "kept" or is_sum_beside(each)]

    @property
    def in_place(self) -> tuple[Promise, ...]:
        """What a choice in this report, or what the scheme decides of it, takes the place of."""
        instead_of = (each for each in self.mine if each.what in _REMEDIES or each.method == AS_DECIDED)
        return tuple(filter(is_owed, instead_of))

    def is_put_right_since(self, promise: Promise) -> bool:
        """Whether money or a phone for the order that was promised since has come by way of another report."""
        return any(not each.came_back for each in _done(self._since(promise)))

    def puts_right_since(self, promise: Promise) -> bool:
        """Whether it has, or is to come."""
        return self.is_put_right_since(promise) or any(map(is_owed, self._since(promise)))

    def _since(self, promise: Promise) -> list[Promise]:
        return [each for each in self.others if puts_right(each) and each.made_ms >= promise.made_ms]


NOTHING_BEFORE = Before()


def before(mine: Iterable[Promise], reports: Iterable[OtherReport], *, names_order: bool) -> Before:
    """What counts for a report, of its own promises and of those in the other reports of its order."""
    others, money = list[Promise](), list[Promise]()
    for report in reports:
        if names_order and not report.names_order:
            money += _done(report.promises)
        else:
            others += report.promises
    return Before(mine=tuple(mine), others=tuple(others), money=tuple(money))


def check_choice(option: RemedyOption, known: Before, *, price_pence: int | None) -> None:
    """Return if this may be promised beside what was promised before; raises `Conflict`."""
    if option.remedy not in PHONES | PAYS_MONEY:
        return
    if any(is_phone(each) and is_owed(each) for each in known.others):
        raise Conflict(
            "on_its_way",
            "we are putting another report of this order right already",
            fix="Was that not you, or would you like something else? Call us, and we look at both together.",
        )
    if option.remedy in PHONES and known.is_paid_back(price_pence):
        raise paid_back()


def puts_right(promise: Promise) -> bool:
    """Whether it is money or a phone for the order: a remedy, or an award that has a sum or the words of a remedy.

    What the scheme decided on top of that is neither.
    """
    is_sum = promise.method == AS_DECIDED and promise.amount_pence is not None
    return promise.method != ON_TOP and (is_sum or promise.what.lower() in _PRICE_OR_PHONE)


def is_phone(promise: Promise) -> bool:
    """Whether it is a phone for the order, as a remedy or an award."""
    return promise.what.lower() in _PHONES


def to_set_aside(promises: Iterable[Promise]) -> tuple[Promise, ...]:
    """Of these the money and the phones that have not been given yet; what the scheme decided binds us."""
    given_once = (each for each in promises if puts_right(each) or is_sum_beside(each))
    return tuple(each for each in given_once if each.method != AS_DECIDED and is_owed(each))


def left_aside(promises: Iterable[Promise]) -> list[Promise]:
    """Of the promises of a report those that were set aside, and that no remedy took the place of since.

    Money that came back was given before whatever was chosen since, and is among them too; so is a sum that stands
    beside every remedy.
    """
    held = list(promises)
    remedies = [each for each in held if each.what in _REMEDIES or each.method == AS_DECIDED]
    standing = [each for each in remedies if not (each.set_aside or each.replaced or each.state == "void")]
    since_ms = max((each.made_ms for each in standing if not each.came_back), default=-1)
    aside = (each for each in held if each.set_aside)
    return [each for each in aside if each.came_back or is_sum_beside(each) or each.made_ms > since_ms]


def check_delivery(known: Before) -> None:
    """Return if the remedy of this report may have been given; raises `Conflict("set_aside")`."""
    newest = _newest(known.mine)
    if newest is not None and newest.set_aside and not known.is_put_right_since(newest):
        raise Conflict(
            "set_aside",
            f"{newest.what!r} was set aside, since another report puts this order right",
            fix="Record it here once it has come there. Is it another customer? Let a supervisor say that we cannot "
            "agree, and offer again.",
        )


def is_set_aside(case: Case, promises: Iterable[Promise]) -> bool:
    """Whether the remedy of a case was set aside, since another report puts its order right."""
    newest = _newest(of_its_order(case, promises))
    return case.state in _CHOSEN and newest is not None and newest.set_aside


def of_its_order(case: Case, promises: Iterable[Promise]) -> list[Promise]:
    """Of the promises of a case those for the order that it is about."""
    return [each for each in promises if each.order_ref in {None, case.order_ref}]


def where_it_stands(case: Case, promises: Iterable[Promise], offer: RemedyOffer | None) -> str:
    """The words for the state of a case: with what can be chosen, or what is true instead of the table's words.

    These say of a case with the scheme open that a pack is attached: the letter is on the customer's page, and a pack
    is asked for.
    """
    state = case.state
    if state == "remedy_offered" and offer is not None:
        return f"Choose: {alternatives(tuple(option.words for option in offer.options))}."
    if state == "adr_open":
        return LETTER_HAS_LEFT
    return TEXTS["case.set_aside"].words if is_set_aside(case, promises) else CASE.facts(state).customer_words


def _newest(promises: Iterable[Promise]) -> Promise | None:
    """What was chosen or decided last to put it right; a phone on loan or a copy of the data puts nothing right."""
    return max(filter(_is_remedy, promises), key=lambda each: each.made_ms, default=None)


def _is_remedy(promise: Promise) -> bool:
    return promise.what in _REMEDIES or promise.method in {AS_DECIDED, ON_TOP}


def _done(promises: Iterable[Promise]) -> tuple[Promise, ...]:
    return tuple(each for each in promises if each.state == "kept")
