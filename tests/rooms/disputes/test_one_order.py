"""Random walks over several reports of one order: money once, one remedy at a time, and always something to choose."""

import random
from dataclasses import replace

import pytest

from custody.disputes.claim import PAYS_MONEY, ClaimType, Remedy
from custody.disputes.one_order import Before, OtherReport, before, check_choice
from custody.disputes.order import OrderFacts
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.disputes.price import is_money, sum_of
from custody.disputes.promise import Promise
from custody.disputes.remedy import PHONES, WORDS, Needs, RemedyOption, offer_remedy
from custody.disputes.wording import lint_text
from custody.kernel.clock import Instant
from custody.kernel.errors import Conflict

PRICE = 54_000
ORDER = OrderFacts(order_ref="SO-1", price_pence=PRICE)
KINDS = tuple(kind for kind in ClaimType if kind is not ClaimType.HOLDER_ENQUIRY)
PHONE_WORDS = {WORDS[remedy] for remedy in PHONES}
OPEN = {"made", "due_soon", "missed"}


class Walk:
    """Reports of one order with what was promised in each, and one step of anybody at a time."""

    def __init__(self, seed: int, now_ms: Instant, *, named: tuple[bool, ...]) -> None:
        self.chance, self.now_ms, self.named = random.Random(seed), now_ms, named  # noqa: S311 - no secret is made
        self.promises: list[list[Promise]] = [[] for _ in named]
        self.refusals = 0

    def known(self, here: int) -> Before:
        others = [
            OtherReport(names_order=self.named[n], promises=tuple(self.promises[n]))
            for n in range(len(self.named))
            if n != here
        ]
        return before(self.promises[here], others, names_order=self.named[here])

    def options(self, here: int) -> tuple[RemedyOption, ...]:
        known = self.known(here)
        offer = offer_remedy(
            self.chance.choice(KINDS),
            ORDER,
            Needs(),
            policy=POLICY,
            now_ms=self.now_ms,
            left_pence=known.left_pence(PRICE),
            paid_back=known.is_paid_back(PRICE),
        )
        assert offer.options, offer.claim_type
        return offer.options

    def choose(self, here: int) -> None:
        known, option = self.known(here), self.chance.choice(self.options(here))
        if option.remedy in PAYS_MONEY and self.chance.random() < 0.3:
            option = replace(
                option, remedy=Remedy.PRICE_REDUCTION, words=WORDS[Remedy.PRICE_REDUCTION], amount_pence=2_000
            )
        try:
            check_choice(option, known, price_pence=PRICE)
            pence = sum_of(option, left_pence=known.left_pence(PRICE))
        except Conflict as refused:
            lint_text(f"{refused.detail}. {refused.fix}")
            self.refusals += 1
            return
        for old in known.in_place:
            self.put(here, self.given_up(old))
        name = f"p{sum(map(len, self.promises))}"
        self.promises[here].append(
            Promise(
                id=name,
                case_id=str(here),
                what=option.words,
                amount_pence=pence,
                due_ms=self.now_ms + 1,
                method="by cheque",
                owner="agent-1",
                made_ms=self.now_ms,
                state="made",
            )
        )

    def put(self, here: int, changed: Promise) -> None:
        self.promises[here] = [changed if one.id == changed.id else one for one in self.promises[here]]

    @staticmethod
    def given_up(promise: Promise) -> Promise:
        late = promise.state == "missed"
        return replace(promise, replaced=True) if late else replace(promise, state="void")

    def settle(self, here: int) -> None:
        """Time passes, something is delivered or paid, comes back, or the report is taken back."""
        mine = [one for one in self.promises[here] if not one.replaced]
        act = self.chance.choice(("late", "done", "back", "withdraw"))
        for one in mine:
            if act == "late" and one.state in {"made", "due_soon"}:
                self.put(here, replace(one, state="missed"))
            elif act == "done" and one.state in OPEN:
                self.put(here, replace(one, state="kept"))
            elif act == "back" and one.state == "kept" and is_money(one) and not one.came_back:
                self.put(here, replace(one, came_back=True))
                self.promises[here].append(replace(one, id=f"{one.id}+", state="made"))
                return
            elif act == "withdraw" and one.state in OPEN:
                self.put(here, self.given_up(one))

    def step(self) -> None:
        here = self.chance.randrange(len(self.named))
        self.choose(here) if self.chance.random() < 0.5 else self.settle(here)

    def standing(self) -> list[Promise]:
        """What is owed or was done, also in a report that was taken back."""
        found = [one for promises in self.promises for one in promises if not one.replaced and not one.came_back]
        return [one for one in found if one.state == "kept" or one.state in OPEN]


@pytest.mark.parametrize("seed", range(60))
def test_reports_that_name_their_order_never_give_more_than_its_price_nor_two_remedies_at_once(
    seed: int, now_ms: Instant
) -> None:
    walk = Walk(seed, now_ms, named=(True, True, True))
    for _ in range(60):
        walk.step()
        standing = walk.standing()
        money = [one for one in standing if is_money(one)]
        assert sum(one.amount_pence or 0 for one in money) <= PRICE
        phones = [one for one in standing if one.what in PHONE_WORDS and one.state in OPEN]
        assert len(phones) <= 1, phones
        whole = sum(one.amount_pence or 0 for one in money) == PRICE
        assert not (whole and phones), (money, phones)


@pytest.mark.parametrize("seed", range(20))
def test_a_report_that_names_the_order_is_held_back_by_no_promise_of_one_that_does_not(
    seed: int, now_ms: Instant
) -> None:
    walk = Walk(seed, now_ms, named=(True, False))
    for _ in range(40):
        walk.step()
        alone = before(walk.promises[0], (), names_order=True)
        known = walk.known(0)
        assert known.others == ()
        assert known.is_paid_back(PRICE) == alone.is_paid_back(PRICE)
        assert {one.state for one in known.money} <= {"kept"}
