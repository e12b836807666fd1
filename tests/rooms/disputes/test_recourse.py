"""There is always a way on that does not depend on us."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.disputes.claim import ClaimType
from custody.disputes.order import OrderFacts, Payment
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.disputes.recourse import Recourse, Way, breach_day, for_holders, independent_body, recourse

TODAY = date(2026, 5, 11)
recent = st.none() | st.dates(TODAY - timedelta(days=900), TODAY)


def ways(claim: str | None = "substituted", *, today: date = TODAY, **order: object) -> dict[Way, Recourse]:
    facts = OrderFacts(**order)  # type: ignore[arg-type]  # the facts are mixed on purpose
    return {way.way: way for way in recourse(claim, facts, first_word=TODAY, today=today, policy=POLICY)}


@given(
    st.sampled_from([*ClaimType, None]),
    st.builds(
        OrderFacts,
        payment=st.sampled_from([*Payment, None]),
        price_pence=st.none() | st.integers(0, 5_000_000),
        contract=recent,
        expected_delivery=recent,
        delivered=recent,
        paid_on=recent,
    ),
    st.dates(TODAY - timedelta(days=300), TODAY),
    st.sampled_from(["CISAS", "none"]),
)
def test_every_claim_and_payment_has_an_independent_open_way_with_a_last_day(
    claim: str | None, order: OrderFacts, first_word: date, scheme: str
) -> None:
    policy = POLICY.override("adr_scheme", scheme, from_date=date(2026, 1, 1), note="which scheme")
    found = recourse(claim, order, first_word=first_word, today=TODAY, policy=policy)
    assert any(way.independent and way.still_open for way in found)
    for way in found:
        assert way.last_day >= TODAY
        assert way.body
        assert way.how.startswith("Say")
    assert [way.independent for way in found] == sorted((way.independent for way in found), reverse=True)


def test_a_handset_matter_has_the_scheme_and_pleads_contract_not_crime() -> None:
    scheme = ways()[Way.SCHEME]
    assert scheme.body == independent_body(POLICY, TODAY) == "the independent scheme CISAS"
    assert (scheme.opens, scheme.last_day) == (date(2026, 6, 22), date(2027, 6, 22))
    for claim in ClaimType:
        for way in ways(claim).values():
            assert not any(word in way.how.lower() for word in ("theft", "stolen", "crime", "police", "fraud"))


def test_the_scheme_counts_from_the_letter_once_there_is_one() -> None:
    found = recourse("substituted", OrderFacts(), first_word=TODAY, today=TODAY, policy=POLICY, letter=date(2026, 5, 1))
    scheme = next(way for way in found if way.way is Way.SCHEME)
    assert (scheme.opens, scheme.last_day) == (date(2026, 5, 1), date(2027, 5, 1))


def test_a_retailer_outside_every_scheme_and_a_sum_above_the_cap_leave_the_court() -> None:
    outside = POLICY.override("adr_scheme", "none", from_date=date(2026, 1, 1), note="no scheme")
    found = recourse("substituted", OrderFacts(), first_word=TODAY, today=TODAY, policy=outside)
    assert [way.way for way in found] == [Way.COURT]
    assert independent_body(outside, TODAY) == found[0].body
    assert for_holders(found[0].body) == "If we cannot agree, the county court can help."
    assert Way.SCHEME not in ways(price_pence=1_000_001)
    assert Way.SCHEME in ways(price_pence=1_000_000)


@pytest.mark.parametrize(
    ("price", "has"), [(10_000, False), (10_001, True), (3_000_000, True), (3_000_001, False), (None, True)]
)
def test_a_credit_card_makes_its_bank_liable_over_100_and_up_to_30000_pounds(*, price: int | None, has: bool) -> None:
    assert (Way.CARD_LAW in ways(payment=Payment.CREDIT_CARD, price_pence=price)) is has
    assert Way.CARD_LAW not in ways(payment=Payment.DEBIT_CARD, price_pence=price)


def test_cards_have_the_chargeback_until_its_last_day() -> None:
    expected = date(2026, 3, 10)
    for payment in Payment:
        found = ways(payment=payment, expected_delivery=expected)
        assert (Way.CHARGEBACK in found) == (payment in {Payment.CREDIT_CARD, Payment.DEBIT_CARD})
    last = date(2026, 7, 8)
    assert ways(payment=Payment.DEBIT_CARD, expected_delivery=expected)[Way.CHARGEBACK].last_day == last
    assert Way.CHARGEBACK in ways(payment=Payment.DEBIT_CARD, expected_delivery=expected, today=last)
    after = last + timedelta(days=1)
    assert Way.CHARGEBACK not in ways(payment=Payment.DEBIT_CARD, expected_delivery=expected, today=after)
    assert Way.CHARGEBACK not in ways(payment=Payment.DEBIT_CARD)
    assert Way.CHARGEBACK not in ways(payment=Payment.DEBIT_CARD, expected_delivery=date(2012, 1, 1))


def test_a_credit_agreement_has_the_financial_ombudsman_after_eight_weeks() -> None:
    found = ways(payment=Payment.DEVICE_CREDIT)[Way.FINANCIAL_OMBUDSMAN]
    assert (found.opens, found.last_day) == (date(2026, 7, 6), date(2027, 1, 6))
    assert Way.FINANCIAL_OMBUDSMAN not in ways(payment=Payment.CASH)


def test_a_holder_who_is_not_our_customer_has_the_court() -> None:
    assert set(ways("holder_enquiry", payment=Payment.CREDIT_CARD)) == {Way.COURT}


def test_the_court_counts_from_the_strictest_day() -> None:
    order = OrderFacts(contract=date(2026, 1, 1), expected_delivery=date(2026, 1, 5), delivered=date(2026, 1, 7))
    assert breach_day(order, TODAY) == date(2026, 1, 5)
    assert breach_day(OrderFacts(contract=date(2026, 1, 1)), TODAY) == date(2026, 1, 1)
    assert breach_day(OrderFacts(), TODAY) == TODAY
    assert breach_day(OrderFacts(expected_delivery=TODAY + timedelta(days=9)), TODAY) == TODAY


@pytest.mark.parametrize("way", [Way.COURT, Way.SCHEME, Way.FINANCIAL_OMBUDSMAN, Way.CARD_LAW, Way.CHARGEBACK])
def test_every_way_is_open_on_its_last_day_and_not_after_it(way: Way) -> None:
    def on(day: date) -> Recourse | None:
        card = Payment.CREDIT_CARD
        return ways(today=day, payment=card, expected_delivery=TODAY, price_pence=54_000).get(way)

    first = on(TODAY)
    assert first is not None
    last = on(first.last_day)
    assert last is not None
    assert last.still_open
    after = on(first.last_day + timedelta(days=1))
    assert after is None or (way is Way.COURT and not after.still_open)


def test_banks_are_no_independent_bodies_and_schemes_ombudsmen_and_courts_are() -> None:
    found = ways(payment=Payment.CREDIT_CARD, expected_delivery=TODAY)
    independent = {way for way, one in found.items() if one.independent}
    assert independent == {Way.COURT, Way.SCHEME, Way.FINANCIAL_OMBUDSMAN}
    assert set(found) - independent == {Way.CARD_LAW, Way.CHARGEBACK}


def test_an_old_matter_is_told_the_truth_about_the_court() -> None:
    outside = POLICY.override("adr_scheme", "none", from_date=date(2026, 1, 1), note="no scheme")
    old = OrderFacts(expected_delivery=date(2019, 5, 1), payment=Payment.CREDIT_CARD)
    found = recourse("never_received", old, first_word=TODAY, today=TODAY, policy=outside)
    court = next(way for way in found if way.way is Way.COURT)
    assert (court.last_day, court.still_open) == (date(2025, 5, 1), False)
    assert all(way.still_open for way in found if way.way is not Way.COURT)
