"""Asked once, never for what we hold, at most three, one at a time, in words that do not change."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.disputes.asks import (
    ANY_FORM,
    Holding,
    Ledger,
    answer_ask,
    ask_guards,
    canonical_item,
    hold,
    lapse_asks,
    send_ask,
    skip_ask,
)
from custody.disputes.case import CASE
from custody.disputes.claim import CLAIMS, ClaimType
from custody.disputes.machine import CaseRole, step
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.kernel.clock import DAY_MS, HOUR_MS, from_iso
from custody.kernel.errors import Conflict, NotFound, Rejected, Trouble

NOW = from_iso("2026-05-11T08:00:00+01:00")
WORDS = "If you have it, please send us the number on the box. You can skip this."


def ask(ledger: Ledger, item: str, *, role: str = CaseRole.AGENT, at: int = NOW, claim: str = "substituted") -> Ledger:
    return send_ask(
        ledger,
        ask_id=f"ask_{len(ledger.asks) + 1}",
        item=item,
        text=WORDS,
        role=role,
        never=CLAIMS[ClaimType(claim)].never,
        policy=POLICY,
        now_ms=at,
    )


def refused(ledger: Ledger, item: str, **facts: str) -> Trouble:
    before = (ledger.asks, ledger.holdings)
    with pytest.raises((Conflict, Rejected)) as error:
        ask(ledger, item, **facts)  # type: ignore[arg-type]  # role or claim
    assert (ledger.asks, ledger.holdings) == before
    return error.value


def test_an_ask_is_frozen_with_its_words_forms_and_last_day() -> None:
    (sent,) = ask(Ledger(), "box number").asks
    assert (sent.text, sent.accepts, sent.until_ms) == (WORDS, ANY_FORM, NOW + 7 * DAY_MS)
    with pytest.raises(AttributeError):
        sent.text = "And a PDF, please."  # type: ignore[misc]  # the misuse under test


@pytest.mark.parametrize(
    "form",
    [
        "receipt",
        "PDF of the receipt",
        "screenshot of your receipt",
        "another copy of the receipt",
        "Invoice (original)",
        "till receipt",
        "e-mail receipt",
        "receipts",
        "purchase receipt",
        "receipt of your order",
        "confirmation of the order",
        "proof of your purchase",
    ],
)
def test_the_receipt_of_an_order_of_ours_is_never_asked_for_in_any_form(form: str) -> None:
    ours = Ledger(holdings=(Holding(item="proof_of_purchase", pointer="po 4711", how="issued"),))
    error = refused(ours, form)
    assert (error.code, error.facts["pointer"]) == ("held_by_us", "po 4711")
    assert ask_guards(ours, form)["not_held_already"] is False


def test_a_second_ask_for_one_item_is_refused_whatever_became_of_the_first_and_points_to_what_we_hold() -> None:
    sent = ask(Ledger(), "photo of the box number")
    answered = answer_ask(sent, "ask_1", pointer="file 9", readable=True, now_ms=NOW + HOUR_MS)
    held = refused(answered, "screenshot of the box number")
    assert (held.code, held.facts["pointer"]) == ("held_by_us", "file 9")
    for ended in (skip_ask(sent, "ask_1", now_ms=NOW + 1), lapse_asks(sent, now_ms=NOW + 8 * DAY_MS)):
        again = refused(ended, "box number")
        assert again.code == "asked_before"
        assert ask_guards(ended, "box number")["asks_for_item==0"] is False
    assert refused(sent, "the box number").code == "asked_before"


def test_an_item_that_was_asked_for_by_a_name_of_before_is_not_asked_for_again() -> None:
    sent = skip_ask(ask(Ledger(), "receipt"), "ask_1", now_ms=NOW + 1)
    stored = replace(sent, asks=(replace(sent.asks[0], item="till_receipt"),))
    assert refused(stored, "receipt").code == "asked_before"


@pytest.mark.parametrize("other", ["receipt of the courier", "post office receipt", "receipt for the repair"])
def test_a_receipt_of_something_else_than_the_purchase_may_be_asked_for_once(other: str) -> None:
    ours = Ledger(holdings=(Holding(item="proof_of_purchase", pointer="po 4711", how="issued"),))
    sent = skip_ask(ask(ours, other), "ask_1", now_ms=NOW + 1)
    assert refused(sent, f"copy of the {other}").code == "asked_before"


def test_one_ask_is_open_at_a_time() -> None:
    sent = ask(Ledger(), "box number")
    assert refused(sent, "seal number").code == "ask_open"
    assert ask_guards(sent, "seal number")["open_asks==0"] is False
    skipped = skip_ask(sent, "ask_1", now_ms=NOW + 1)
    assert ask(skipped, "seal number").open is not None


def test_three_asks_a_case_and_then_only_a_supervisor() -> None:
    ledger = Ledger()
    for number, item in enumerate(("box number", "seal number", "delivery note"), start=1):
        ledger = skip_ask(ask(ledger, item), f"ask_{number}", now_ms=NOW + number)
    assert refused(ledger, "door number").code == "ask_cap"
    assert "supervisor" in refused(ledger, "door number").fix
    assert len(ask(ledger, "door number", role=CaseRole.SUPERVISOR).asks) == 4


@pytest.mark.parametrize(
    ("item", "claim"),
    [
        ("police reference", "substituted"),
        ("original box", "defective"),
        ("PDF", "defective"),
        ("signature under oath", "misdelivered"),
        ("police report", "never_received"),
        ("crime number", "defective"),
        ("photo", "substituted"),
        ("picture", "substituted"),
        ("another photograph", "substituted"),
        ("neighbours statement", "never_received"),
        ("statement of your neighbour", "never_received"),
        ("whole phone", "missing_accessory"),
    ],
)
def test_some_things_are_never_asked_for(item: str, claim: str) -> None:
    assert refused(Ledger(), item, claim=claim).code == "never_asked"
    assert refused(Ledger(), item, claim=claim, role=CaseRole.SUPERVISOR).code == "never_asked"


def test_an_ask_that_accuses_or_runs_on_is_not_sent() -> None:
    for words in ("We suspect something.", "word " * 40):
        with pytest.raises(Rejected):
            send_ask(
                Ledger(),
                ask_id="a",
                item="box number",
                text=words,
                role=CaseRole.AGENT,
                never=(),
                policy=POLICY,
                now_ms=NOW,
            )


@pytest.mark.parametrize("readable", [True, False])
def test_any_file_satisfies_and_an_unreadable_one_is_our_job(*, readable: bool) -> None:
    sent = ask(Ledger(), "box number")
    answered = answer_ask(sent, "ask_1", pointer="file.heic", readable=readable, now_ms=NOW + 1)
    assert answered.open is None
    held = answered.held("box number")
    assert held is not None
    assert held.readable is readable
    assert refused(answered, "clearer photo of the box number").code == "held_by_us"


def test_an_ask_that_has_ended_cannot_end_again() -> None:
    skipped = skip_ask(ask(Ledger(), "box number"), "ask_1", now_ms=NOW + 1)
    with pytest.raises(Conflict):
        answer_ask(skipped, "ask_1", pointer="x", readable=True, now_ms=NOW + 2)
    with pytest.raises(NotFound):
        skip_ask(skipped, "ask_9", now_ms=NOW + 2)


def test_what_comes_late_after_a_lapse_is_held_all_the_same() -> None:
    lapsed = lapse_asks(ask(Ledger(), "box number"), now_ms=NOW + 8 * DAY_MS)
    assert lapsed.asks[0].ended_ms == NOW + 7 * DAY_MS
    late = hold(lapsed, Holding(item="box number", pointer="mail 3", how="given"))
    assert late.held("box number") == late.holdings[0]
    assert hold(late, late.holdings[0]) == late


def test_the_guards_of_the_table_and_the_ledger_agree() -> None:
    fresh = ask_guards(Ledger(), "box number")
    assert step(CASE, "triaged", "ask", CaseRole.AGENT, fresh).target == "awaiting_customer"
    sent = ask(Ledger(), "box number")
    with pytest.raises(Conflict):
        step(CASE, "triaged", "ask", CaseRole.AGENT, ask_guards(sent, "seal number"))


def test_the_time_an_ask_was_open_is_known_to_the_clocks() -> None:
    sent = ask(Ledger(), "box number")
    assert [(t.from_ms, t.until_ms) for t in sent.open_times()] == [(NOW, None)]
    ended = skip_ask(sent, "ask_1", now_ms=NOW + HOUR_MS)
    assert [(t.from_ms, t.until_ms) for t in ended.open_times()] == [(NOW, NOW + HOUR_MS)]


ITEMS = ["box number", "photo of the box number", "seal", "receipt", "PDF receipt", "note", "door", "police reference"]
ACTS = st.sampled_from(["answer", "skip", "lapse", "nothing"])


@given(
    st.lists(
        st.tuples(st.sampled_from(ITEMS), ACTS, st.sampled_from([CaseRole.AGENT, CaseRole.INVESTIGATOR])), max_size=14
    )
)
def test_whatever_is_tried_the_rules_hold(tries: list[tuple[str, str, CaseRole]]) -> None:
    ledger, now = Ledger(), NOW
    for item, act, role in tries:
        now += HOUR_MS
        try:
            ledger = ask(ledger, item, role=role, at=now)
        except (Conflict, Rejected):
            continue
        finally:
            assert len(ledger.asks) <= 3
            assert len([one for one in ledger.asks if one.state == "open"]) <= 1
            assert len({one.item for one in ledger.asks}) == len(ledger.asks)
            assert "police_reference" not in {one.item for one in ledger.asks}
        if act == "answer":
            ledger = answer_ask(ledger, ledger.asks[-1].id, pointer="f", readable=False, now_ms=now + 1)
        elif act == "skip":
            ledger = skip_ask(ledger, ledger.asks[-1].id, now_ms=now + 1)
        elif act == "lapse":
            now += 8 * DAY_MS
            ledger = lapse_asks(ledger, now_ms=now)


@given(st.text(max_size=30))
def test_naming_an_item_twice_gives_the_same_name(item: str) -> None:
    assert canonical_item(canonical_item(item)) == canonical_item(item)
