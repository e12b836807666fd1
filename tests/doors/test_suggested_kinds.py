"""A kind that the customer's words suggest is shown, and nothing is decided before they confirm it."""

import html
import re

import pytest

from custody.disputes.wording import lint_text
from tests.doors.case_desk import CaseDesk

QUIET = "headphone jack quiet since new"
ASKED = "You wrote “quiet”. Do you mean: it does not work as it should?"


def page(desk: CaseDesk, path: str, account: str = "") -> str:
    """The text of a page."""
    text = desk.http.get(path, headers=desk.by(account) if account else {}).text
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)))


def test_the_words_suggest_a_kind_that_staff_and_customer_read_and_nothing_is_decided(desk: CaseDesk) -> None:
    told = desk.report(words=QUIET)
    says = "it does not work as it should"
    assert told["suggested_kinds"] == [{"claim_type": "defective", "because": "quiet", "says": says}]
    assert desk.own(told)["suggested_kinds"] == desk.view(told)["suggested_kinds"] == told["suggested_kinds"]
    assert (told["claim_type"], told["state"], told["remedy"]) == (None, "reported", None)
    assert ASKED in page(desk, f"/c/{told['customer_token']}")
    case = page(desk, f"/console/cases/{told['dispute']}", "agent-1")
    assert "“quiet” in their words suggests: Does not work as it should. The customer decides." in case


def test_what_suggests_nothing_asks_nothing(desk: CaseDesk) -> None:
    told = desk.report(words="It is not right.")
    assert told["suggested_kinds"] == []
    assert "Do you mean" not in page(desk, f"/c/{told['customer_token']}")


def test_a_customer_confirms_the_kind_with_one_tap_and_has_the_offer_at_once(desk: CaseDesk) -> None:
    told = desk.report(words=QUIET)
    link = f"/c/{told['customer_token']}"
    done = [desk.http.post(f"{link}/kind", data={"claim_type": "defective"}) for _ in range(2)]
    assert [answer.status_code for answer in done] == [303, 303], "pressed twice"
    own = desk.own(told)
    assert (own["claim_type"], own["state"], own["suggested_kinds"]) == ("defective", "remedy_offered", [])
    assert own["remedy"]["default"] == "advance_swap"
    assert "Do you mean" not in page(desk, link)
    lines = [line for line in desk.view(told)["timeline"] if line["actor"] == "customer"]
    assert lines[-1]["facts"]["claim_type"] == "defective"


def test_what_a_customer_confirms_brings_about_what_the_same_report_would_have(desk: CaseDesk) -> None:
    at_once = desk.report(words="My parcel never came.", claim_type="never_received")
    later = desk.report(words="My parcel never came.")
    answer = desk.http.post(f"/v1/customer/{later['customer_token']}/kind", json={"claim_type": "never_received"})
    assert answer.is_success, answer.text
    for name in ("state", "status", "claim_type"):
        assert answer.json()[name] == at_once[name], name
    assert answer.json()["remedy"]["options"] == at_once["remedy"]["options"]
    assert desk.event(later, "agent-1", "classify", claim_type="damaged").status_code == 409, "no words on custody"


def test_a_kind_that_is_agreed_already_is_changed_by_staff_alone(desk: CaseDesk) -> None:
    told = desk.report(words=QUIET, claim_type="defective")
    refused = desk.http.post(f"/c/{told['customer_token']}/kind", data={"claim_type": "never_received"})
    assert refused.status_code == 409
    assert desk.own(told)["claim_type"] == "defective"


@pytest.mark.parametrize("wrong", ["", "broken", "no such kind"])
def test_what_is_no_kind_is_refused_in_plain_words(desk: CaseDesk, wrong: str) -> None:
    told = desk.report(words=QUIET)
    refused = desk.http.post(f"/c/{told['customer_token']}/kind", data={"claim_type": wrong})
    assert refused.status_code == 422
    found = re.search(r'role="alert"[^>]*>(.*?)</div>', refused.text, re.DOTALL)
    assert found
    said = html.unescape(re.sub(r"<[^>]+>", " ", found[1])).strip()
    assert "_" not in said
    lint_text(said)


def test_an_erased_case_suggests_nothing(desk: CaseDesk) -> None:
    told = desk.report(words=QUIET)
    assert desk.http.post(f"/c/{told['customer_token']}/withdraw").status_code == 303
    body = {"target": told["dispute"], "reason": "asked for it"}
    assert desk.http.post("/v1/erasures", json=body, headers=desk.by("supervisor-1")).status_code == 201
    assert desk.view(told)["suggested_kinds"] == []


def test_what_the_customer_reads_of_it_is_plain() -> None:
    lint_text(ASKED)
