"""The pages of a case under people's hands: pressed twice, sent wrong, sent with an old cookie; nobody reads a code."""

import html
import re
from typing import Any

import httpx
import pytest

from custody.disputes.order import OrderFacts
from custody.disputes.wording import EXPLAINED, lint_text
from custody.gs1.imei import imei_urn
from custody.usecases.record_sale import Sale, record_sale
from tests.doors.case_desk import SEEN, CaseDesk


def alert_of(answer: httpx.Response) -> str:
    found = re.search(r'role="alert"[^>]*>(.*?)</div>', answer.text, re.DOTALL)
    assert found, answer.text[:500]
    return html.unescape(re.sub(r"<[^>]+>", " ", found[1])).strip()


def shown(desk: CaseDesk, told: dict[str, Any], account: str) -> str:
    return desk.http.get(f"/console/cases/{told['dispute']}", headers=desk.by(account)).text


def press(desk: CaseDesk, told: dict[str, Any], account: str, event: str, **form: str) -> httpx.Response:
    path = f"/console/cases/{told['dispute']}/moves/{event}"
    return desk.http.post(path, data=form, headers=desk.by(account))


@pytest.mark.parametrize(
    ("act", "form"), [("choose", {"remedy": "advance_swap"}), ("confirm", {}), ("answer", {"skip": "yes"})]
)
def test_a_button_that_a_customer_presses_again_is_answered_as_done(
    desk: CaseDesk, act: str, form: dict[str, str]
) -> None:
    told = desk.not_fixed() if act == "answer" else desk.report(claim_type="defective")
    link = f"/c/{told['customer_token']}"
    if act == "answer":
        asked = desk.event(told, "agent-1", "ask", item="tape", text="Which colour has the tape?").json()["asks"][0]
        form = {**form, "ask": asked["ask"]}
    if act == "confirm":
        desk.http.post(f"{link}/choose", data={"remedy": "advance_swap"})
        desk.event(told, "agent-1", "delivered_or_paid", reference="JJD1")
    assert [desk.http.post(f"{link}/{act}", data=form).status_code for _ in range(2)] == [303, 303]


def test_the_long_words_that_no_reader_is_charged_for_are_explained_on_the_customers_page(desk: CaseDesk) -> None:
    """The reading age of our texts counts them as short ones because of that."""
    page = html.unescape(desk.http.get(f"/c/{desk.report()['customer_token']}").text)
    for word, meaning in EXPLAINED.items():
        assert f"<dt>{word.capitalize()}</dt><dd>{meaning}</dd>" in page


@pytest.mark.parametrize("act", ["withdraw", "decision"])
def test_a_button_on_a_customers_page_that_is_of_yesterday_is_answered_in_plain_words(desk: CaseDesk, act: str) -> None:
    told = desk.report(claim_type="defective")
    link = f"/c/{told['customer_token']}"
    desk.http.post(f"{link}/choose", data={"remedy": "advance_swap"})
    late = desk.http.post(f"{link}/{act}", data={"accept": "yes"})
    assert late.status_code == 409
    assert "_" not in alert_of(late)
    assert ".." not in alert_of(late)
    lint_text(alert_of(late))


@pytest.mark.parametrize("wrong", [{"remedy": "advance_swap_x"}, {"remedy": ""}])
def test_what_a_customer_cannot_have_is_refused_without_a_code(desk: CaseDesk, wrong: dict[str, str]) -> None:
    told = desk.report(claim_type="defective")
    lint_text(alert_of(desk.http.post(f"/c/{told['customer_token']}/choose", data=wrong)))


def test_a_button_on_a_page_of_staff_that_is_of_yesterday_names_no_state_and_no_event(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    desk.http.post(f"/c/{told['customer_token']}/choose", data={"remedy": "advance_swap"})
    assert press(desk, told, "agent-1", "delivered_or_paid", reference="JJD1").status_code == 303
    assert press(desk, told, "agent-1", "delivered_or_paid", reference="JJD1").status_code == 303, "the same again"
    late = press(desk, told, "agent-1", "delivered_or_paid", reference="JJD2")
    assert late.status_code == 409
    assert "Put right, to be confirmed" in alert_of(late)
    assert "_" not in alert_of(late)


def test_who_is_in_another_role_is_told_whose_move_it_is(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    refused = press(desk, told, "agent-1", "propose_decline", ground="recording", says="x", kept_at="y", about="yes")
    assert (refused.status_code, "role Investigator" in alert_of(refused)) == (403, True)
    assert "Propose to decline: this takes somebody in the role investigator." in shown(desk, told, "agent-1")
    assert "Offer a remedy again: this takes somebody in the role agent." in shown(desk, told, "supervisor-1")
    asked = press(desk, told, "supervisor-1", "ask", item="tape", text="Which colour has the tape?")
    assert "Your role may not do this.  Ask somebody in the role Agent or Investigator." in alert_of(asked)
    assert "Which colour has the tape?" in alert_of(asked), "the page has no form to keep it in"


@pytest.mark.parametrize("path", ["/complain", "/bought"])
def test_a_customers_refused_form_keeps_its_words_and_leads_nobody_to_the_staff_console(
    desk: CaseDesk, path: str
) -> None:
    typed = "It never came.\r\n" * 2_000
    answer = desk.http.post(path, data={"words": typed, "order": "SO-77", "reference": "SO-77"})
    assert answer.status_code == 422
    assert 'href="/console"' not in answer.text
    assert "SO-77" in answer.text
    assert answer.text.count("It never came.") == 2_000
    lint_text(alert_of(answer))


def test_a_complaint_as_long_as_the_form_allows_is_taken_with_its_line_breaks(desk: CaseDesk) -> None:
    typed = "It never came.\n" * 1_333
    assert desk.http.post("/complain", data={"words": typed.replace("\n", "\r\n")}).status_code == 303


def test_a_refused_report_keeps_everything_that_was_typed(desk: CaseDesk) -> None:
    form = {
        "words": "   ",
        "order": "SO-1",
        "working_phone": "no",
        "anything_else": "Deaf in one ear.",
        "channel": "shop",
    }
    answer = desk.http.post("/console/cases", data=form, headers=desk.by("agent-1"))
    assert answer.status_code == 422
    assert "Deaf in one ear." in answer.text
    assert re.search(r'name="working_phone" value="no"[^>]*checked', answer.text)
    assert "<option selected>shop</option>" in answer.text


def test_a_refused_question_keeps_the_words_that_the_adviser_typed(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    form = {"item": "tape", "text": "We suspect nothing; which colour has the tape?"}
    answer = press(desk, told, "agent-1", "ask", **form)
    assert answer.status_code == 422
    assert form["text"] in html.unescape(answer.text)
    assert 'id="ask-text" name="text" required aria-invalid="true" aria-describedby="ask-text-fault"' in answer.text
    assert 'id="ask-text-fault"' in answer.text


def test_refused_words_of_a_customer_come_back(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    link = f"/c/{told['customer_token']}"
    answer = desk.http.post(f"{link}/words", data={"words": "x" * 20_001})
    assert (answer.status_code, "x" * 20_001 in answer.text) == (422, True)
    asked = desk.event(told, "agent-1", "ask", item="tape", text="Which colour has the tape?").json()["asks"][0]["ask"]
    answer = desk.http.post(f"{link}/answer", data={"ask": asked, "words": "y" * 20_001})
    assert (answer.status_code, "y" * 20_001 in answer.text) == (422, True)


@pytest.mark.parametrize("act", ["disagree", "words", "choose"])
def test_large_print_stays_large_after_a_button_was_pressed(desk: CaseDesk, act: str) -> None:
    told = desk.report(claim_type="defective")
    page = desk.http.get(f"/c/{told['customer_token']}?size=large").text
    action = re.search(rf'action="([^"]+/{act}[^"]*)"', page)
    assert action
    for form in ({"remedy": "advance_swap", "words": "One thing more."}, {"remedy": "nothing", "words": ""}):
        after = desk.http.post(action[1].replace("&amp;", "&"), data=form, follow_redirects=True)
        assert 'class="large"' in after.text


def test_a_session_that_is_over_keeps_nobody_from_complaining(desk: CaseDesk) -> None:
    stale = {"cookie": "weaklink_session=stale"}
    assert desk.http.post("/complain", data={"words": "It never came."}, headers=stale).status_code == 303
    wrong = {"authorization": "Bearer stale"}
    assert desk.http.post("/v1/disputes", json={"words": "It never came."}, headers=wrong).status_code == 401


@pytest.mark.parametrize(
    ("path", "back"),
    [
        ("/c/{}/choose", "/c/{}"),
        ("/complain?x=1", ""),
        ("/console/sign-out", "/console"),
        ("/console/cases/{}/moves/ask", "/console"),
    ],
)
def test_an_address_that_is_no_page_says_so_to_a_browser_and_leads_back(desk: CaseDesk, path: str, back: str) -> None:
    told = desk.report()
    named = path.format(told["customer_token"])
    answer = desk.http.request("GET" if back else "PUT", named, headers=desk.by("agent-1"))
    program = desk.http.request("GET" if back else "PUT", named, headers={"accept": "application/json"})
    assert (answer.status_code, program.status_code) == (405, 405)
    assert answer.headers["allow"] == program.headers["allow"]
    assert "There is no page here" in answer.text
    assert "Nothing was changed." in answer.text
    assert f'href="{(back or "/complain").format(told["customer_token"])}"' in answer.text


def test_the_customer_can_tell_us_their_side_in_words_and_every_later_handler_reads_them(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    desk.event(told, "investigator-1", "propose_decline", findings=[SEEN])
    link = f"/c/{told['customer_token']}"
    assert "Your side, in your own words" in desk.http.get(link).text
    words = "My neighbour took it in, and it was empty."
    assert desk.http.post(f"{link}/words", data={"words": words}).status_code == 303
    assert desk.http.post(f"{link}/words", data={"words": " "}).status_code == 422
    for account in ("supervisor-1", "agent-1"):
        assert words in shown(desk, told, account)
    assert desk.state(told) == "decline_proposed"
    assert "Thank you. We have what you sent." in desk.own(told)["messages"][-1]["text"]


def test_a_day_of_the_law_that_has_passed_is_shown_as_past(desk: CaseDesk) -> None:
    order = {"order": "SO-OLD", "imei": "001017004829159", "contract": "2024-01-01", "expected_delivery": "2024-01-05"}
    assert desk.http.post("/v1/orders", json=order, headers=desk.by("agent-1")).is_success
    told = desk.report(order="SO-OLD", claim_type="never_received")
    row = re.search(r"Last day for delivery.*?</tr>", shown(desk, told, "agent-1"), re.DOTALL)
    assert row
    assert ("31 Jan 2024" in row[0], "past" in row[0]) == (True, True)


def test_a_guard_that_does_not_hold_is_said_beside_the_field_that_would_satisfy_it(desk: CaseDesk) -> None:
    told = desk.report()
    typed = {"claim_type": "customer_damage", "custody_words": ""}
    answer = press(desk, told, "agent-1", "classify", **typed)
    assert answer.status_code in {409, 422}
    assert 'aria-describedby="classify-custody_words-fault"' in answer.text
    assert re.search(r'value="customer_damage" selected', answer.text)


def test_what_a_supervisor_typed_at_the_locks_comes_back(desk: CaseDesk) -> None:
    typed = "x" * 501
    answer = desk.http.post("/console/kill-switch", data={"on": "true", "why": typed}, headers=desk.by("supervisor-1"))
    assert (answer.status_code, typed in answer.text) == (422, True)
    assert 'aria-describedby="switch-why-fault"' in answer.text


def test_a_customer_is_found_by_a_name_that_is_also_a_word_of_our_records(desk: CaseDesk) -> None:
    with desk.house.parts.house.unit() as unit:
        for number in range(60):
            record_sale(
                unit,
                Sale(
                    order_ref=f"SO-{number:03}",
                    imei=imei_urn("001017004829159"),
                    product="phone",
                    contact="4 Price Street, LS1 4AP" if number == 59 else f"customer {number}",
                    facts=OrderFacts(order_ref=f"SO-{number:03}", price_pence=10_000),
                ),
            )
    for name in ("Price Street", "Price"):
        found = desk.http.get("/console/find", params={"q": name}, headers=desk.by("agent-1"))
        assert "SO-059" in found.text, name


@pytest.mark.parametrize("order", ["20261127000123", "2026112700012345", "195214730000088121"])
def test_an_order_whose_number_looks_like_a_handset_or_a_parcel_is_an_order(desk: CaseDesk, order: str) -> None:
    sold = {"order": order, "imei": "490154203237518", "product": "phone", "price_pence": 54_000}
    assert desk.http.post("/v1/orders", json=sold, headers=desk.by("agent-1")).is_success
    link = desk.http.post("/complain", data={"words": "It never came.", "order": f" {order} "}).headers["location"]
    own = desk.http.get(f"/v1/customer/{link.removeprefix('/c/')}").json()
    assert own["order"] == order


@pytest.mark.parametrize("joined", [False, True])
def test_who_writes_to_a_case_that_has_ended_is_not_told_that_we_read_it_but_what_helps(
    desk: CaseDesk, *, joined: bool
) -> None:
    told = desk.report(order=desk.sold("SO-ENDED"))
    link = f"/c/{told['customer_token']}"
    if joined:
        other = desk.report(order="SO-ENDED")
        assert desk.event(other, "agent-1", "merge", into=told["dispute"]).is_success
        link = f"/c/{other['customer_token']}"
    said = {"words": {"data": {"words": "The seal was torn."}}, "files": {"files": {"file": ("torn.jpg", b"jpg")}}}
    for door, form in said.items():
        page = desk.http.post(f"{link}/{door}", **form, follow_redirects=True).text
        assert ("has ended" in page, "Thank you. We have your" in page) == (False, True)
    assert desk.http.post(f"/c/{told['customer_token']}/withdraw").status_code == 303
    for door, form in said.items():
        page = desk.http.post(f"{link}/{door}", **form, follow_redirects=True).text
        assert "Your case has ended. Should we act on it? Open your case again." in page
        assert "we read them" not in page


@pytest.mark.parametrize(
    ("order", "claim", "hears"),
    [("SO-MISTYPED", "never_received", True), ("SO-MISTYPED", "damaged", False), ("SO-WHICH", "never_received", False)],
)
def test_whose_phone_is_not_locked_since_nobody_knows_which_it_is_hears_what_helps(
    desk: CaseDesk,
    order: str,
    claim: str,
    hears: bool,  # noqa: FBT001 - what is told
) -> None:
    sold = {"order": "SO-WHICH", "imei": "356938035643809", "product": "phone"}
    assert desk.http.post("/v1/orders", json=sold, headers=desk.by("agent-1")).is_success
    told = desk.report(order=order, claim_type=claim)
    page = desk.http.get(f"/c/{told['customer_token']}").text
    hint = (
        "We do not know yet which phone it is. The number of your order or of the parcel helps. "
        "Tell us below, or call us."
    )
    lint_text(hint)
    assert (hint in page) == hears


def test_control_characters_of_what_was_said_are_shown_as_signs_on_pages_and_kept_in_the_record(desk: CaseDesk) -> None:
    words = "It \x01never\x1b[31m\x7f\x85 reached\x08 me.\tNot\nat\ufdd0 all."
    told = desk.report(words=words)
    assert desk.view(told)["words"] == words
    for page in (shown(desk, told, "agent-1"), desk.http.get(f"/c/{told['customer_token']}").text):
        assert "It \u2401never\u241b[31m\u2421\ufffd reached\u2408 me.\tNot\nat\ufffd all." in page
        assert not re.search("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef]", page)


def test_what_is_no_day_stands_in_the_notice_since_a_field_for_a_day_cannot_hold_it(desk: CaseDesk) -> None:
    told = desk.report(order=desk.sold("SO-DAY"))
    page = press(desk, told, "agent-1", "order_days", delivered="31/12/2026", goods_back="2026-01-31", reference="x")
    assert page.status_code == 422
    assert "Delivered on 31/12/2026" in " ".join(alert_of(page).split())
    fields = re.findall(r'<input type="date" value="([^"]*)" id="order_days-(\w+)"', page.text)
    assert fields == [("", "delivered"), ("", "proof_of_sending"), ("2026-01-31", "goods_back")]


def test_whereabouts_without_a_choice_are_told_what_is_missing(desk: CaseDesk) -> None:
    told = desk.report(claim_type="damaged", custody_words="It was wet when it came.")
    path, by = f"/console/cases/{told['dispute']}/whereabouts", desk.by("agent-1")
    for form in ({}, {"known": ""}, {"known": "  "}):
        answer = desk.http.post(path, data=form, headers=by)
        assert (answer.status_code, "Nothing was chosen" in alert_of(answer)) == (422, True), answer.text
