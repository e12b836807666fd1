"""Holder, payer, user and representative are four: each may be left out, and each rule asks for its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.disputes.order import Payment
from custody.disputes.payout import Payout, payouts
from custody.disputes.people import (
    NOBODY,
    CasePeople,
    PeopleSaid,
    Relation,
    by_order,
    joined_people,
    learn,
    may_be_with_user,
    never_after_a_death,
    paid_to,
    payment_back,
    told_here,
    waits_for_user,
    written_to,
)
from custody.kernel.errors import Rejected

NAMES = st.dictionaries(st.sampled_from(Relation), st.sampled_from(["Ann", "Bob", "Cy"]), min_size=1)
SAID = st.builds(
    PeopleSaid,
    names=NAMES,
    died=st.frozensets(st.sampled_from(Relation)),
    user_has_it=st.sampled_from([None, True, False]),
)
PEOPLE = st.lists(SAID, max_size=3).map(lambda said: _learned(*said))


def _learned(*said: PeopleSaid) -> CasePeople:
    people = NOBODY
    for each in said:
        people = learn(people, each)
    return people


def said(*died: Relation, **names: str) -> PeopleSaid:
    return PeopleSaid(names={Relation(relation): name for relation, name in names.items()}, died=frozenset(died))


def name_of(people: CasePeople, relation: Relation | None) -> str | None:
    person = None if relation is None else people.of(relation)
    return None if person is None else person.name


@given(people=PEOPLE, relation=st.sampled_from(Relation))
def test_naming_one_of_them_changes_no_other(people: CasePeople, relation: Relation) -> None:
    after = learn(people, PeopleSaid(names={relation: "Dee"}))
    assert name_of(after, relation) == "Dee"
    assert all(after.of(other) == people.of(other) for other in Relation if other is not relation)


@given(people=PEOPLE)
def test_what_we_write_goes_to_whoever_speaks_for_the_customer_and_never_to_somebody_who_died(
    people: CasePeople,
) -> None:
    speaks = people.representative
    if speaks is not None and not speaks.has_died:
        assert written_to(people) is Relation.REPRESENTATIVE
    for relation in (written_to(people), paid_to(people)):
        person = None if relation is None else people.of(relation)
        assert person is None or not person.has_died
    assert written_to(people) not in {Relation.PAYER, Relation.USER}, "who pays or uses it reads no case by that"


@given(people=PEOPLE)
def test_money_goes_to_whoever_paid_unless_they_are_gone(people: CasePeople) -> None:
    payer = people.payer or people.holder
    if payer is not None and not payer.has_died:
        assert name_of(people, paid_to(people)) == payer.name
        assert payment_back(people, Payment.CREDIT_CARD) is Payment.CREDIT_CARD
    if payer is not None and payer.has_died:
        ways = payouts(None, payment_back(people, Payment.CREDIT_CARD))
        assert Payout.CARD_RETURN not in ways
        assert ways, "the money comes all the same"


@given(people=PEOPLE, other=PEOPLE)
def test_whoever_was_told_of_a_death_is_asked_for_no_paper_about_it_ever_after(
    people: CasePeople, other: CasePeople
) -> None:
    after = learn(people, said(Relation.HOLDER))
    later = joined_people(other, learn(after, said(holder="Sam")))
    for item in (
        "death certificate",
        "a copy of the will",
        "proof of identity",
        "Grant of Probate",
        "your passport",
        "proof of your address",
    ):
        assert never_after_a_death(after, item)
        assert never_after_a_death(later, item)
        assert not never_after_a_death(NOBODY, item)
    assert not never_after_a_death(later, "the number on the box")
    assert not never_after_a_death(later, "the address for the new phone")


def test_a_widowed_persons_contract_moves_by_their_word() -> None:
    wife = learn(NOBODY, said(holder="Jo"))
    after = learn(wife, said(Relation.HOLDER, holder="Sam"))
    assert name_of(after, Relation.HOLDER) == "Sam"
    assert name_of(after, written_to(after)) == name_of(after, paid_to(after)) == "Sam"
    assert payment_back(after, Payment.DEBIT_CARD) is None, "hers was the card"
    assert payment_back(learn(after, said(payer="Sam")), Payment.DEBIT_CARD) is Payment.DEBIT_CARD


@given(people=PEOPLE)
def test_a_lock_waits_for_the_word_of_whoever_uses_the_phone(people: CasePeople) -> None:
    has_user = people.user is not None and not people.user.has_died
    assert waits_for_user(people) is (has_user and people.user_has_it is None)
    assert may_be_with_user(people) is (people.user_has_it is True or waits_for_user(people))
    other = learn(learn(people, said(user="Eve")), said(user="Gus"))
    assert waits_for_user(other), "the word of one who used it is not that of another"
    assert not may_be_with_user(learn(other, PeopleSaid(names={}, user_has_it=False)))
    assert not may_be_with_user(None)


@given(people=PEOPLE)
def test_a_name_of_the_order_is_read_by_nobody_who_merely_has_the_link(people: CasePeople) -> None:
    assert told_here(by_order({Relation.HOLDER: "Ann", Relation.USER: "Bob"})) is None
    known = joined_people(people, by_order(dict.fromkeys(Relation, "Zoe")))
    shown = told_here(known)
    assert shown is None or all(person.name != "Zoe" for person in shown.named().values())


@pytest.mark.parametrize(
    "nothing",
    [
        PeopleSaid(names={}),
        PeopleSaid(names={Relation.HOLDER: " "}),
        PeopleSaid(names={Relation.HOLDER: "x" * 201}),
        PeopleSaid(names={}, write_to="jo@example.org"),
        PeopleSaid(names={Relation.USER: "Gus"}, write_to="x" * 201),
    ],
)
def test_what_says_nothing_of_anybody_is_refused(nothing: PeopleSaid) -> None:
    with pytest.raises(Rejected) as refused:
        learn(NOBODY, nothing)
    assert refused.value.code == "people"


def test_who_speaks_is_reached_as_they_said() -> None:
    people = learn(NOBODY, PeopleSaid(names={Relation.REPRESENTATIVE: "Ann"}, write_to="ann@example.org"))
    assert people.representative is not None
    assert people.representative.contact == "ann@example.org"
    other = learn(people, said(representative="Bob"))
    assert other.representative is not None
    assert not other.representative.contact, "it was how the other one is reached"
