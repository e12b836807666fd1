"""The letter for the independent scheme: read and printed from the customer's own page, without an account."""

import json
import re

import pytest

from custody.disputes.case import ADR_EVENT
from custody.store import case_book
from tests.doors.case_desk import OURS, SEEN, CaseDesk

IMEI = "001017004829159"


def sold(desk: CaseDesk, order: str) -> str:
    """An order that we know."""
    known = desk.http.post("/v1/orders", json={"order": order, "imei": IMEI}, headers=desk.by("agent-1"))
    assert known.is_success, known.text
    return order


def page(desk: CaseDesk, told: dict[str, str], path: str = "") -> str:
    """What a customer reads who has nothing but the link."""
    desk.http.cookies.clear()
    answer = desk.http.get(f"/c/{told['customer_token']}{path}", headers=OURS)
    assert answer.is_success, answer.text
    return answer.text


def test_a_letter_that_has_left_is_read_on_the_customers_own_page(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective", order=sold(desk, "SO-L1"), words="It is <b>silent</b> from new.")
    assert "Read your letter" not in page(desk, told)
    refused = desk.http.get(f"/c/{told['customer_token']}/letter", headers=OURS)
    assert (refused.status_code, desk.own(told)["letter"]) == (404, None), "none has left"
    assert desk.event(told, "supervisor-1", ADR_EVENT).is_success
    first = page(desk, told)
    assert f'href="/c/{told["customer_token"]}/letter"' in first
    assert "your letter is on your page" in first
    assert "pack attached" not in first
    (text,) = desk.own(told)["letter"]["text"]
    assert "This is your letter." in text
    letter = page(desk, told, "/letter")
    for part in (text, "It is &lt;b&gt;silent&lt;/b&gt; from new.", "SO-L1", "The independent scheme CISAS"):
        assert part in letter, part
    assert json.loads(desk.file(told)["my-case.json"])["letter"]["text"] == [text]


def test_the_letter_of_a_decline_has_its_reasons(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    assert desk.event(told, "investigator-1", "propose_decline", findings=[SEEN]).is_success
    why = "The camera at your door shows that you took the phone out."
    desk.speaks(told)
    declined = desk.event(told, "supervisor-1", "decline", why=why, heard=True)
    assert declined.is_success, declined.text
    letter = page(desk, told, "/letter")
    assert why in letter
    assert "Here is your letter." in letter


def test_what_we_promised_stands_under_one_term(desk: CaseDesk) -> None:
    needs = {"has_working_phone": False, "benefit_lost": True}
    told = desk.report(claim_type="never_received", order=sold(desk, "SO-L3"), **needs)
    assert desk.event(told, "supervisor-1", ADR_EVENT).is_success
    promised = [promise["what"] for promise in desk.own(told)["promises"]]
    assert len(promised) > 1
    letter = page(desk, told, "/letter")
    assert letter.count("<dt>We promised</dt>") == 1
    (said,) = re.findall("<dt>We promised</dt>(.*?)</div>", letter)
    assert [what.partition(", by ")[0] for what in re.findall("<dd>(.*?)</dd>", said)] == promised


@pytest.mark.parametrize("named", [True, False])
def test_a_letter_tells_no_more_than_the_page_it_is_read_from(desk: CaseDesk, *, named: bool) -> None:
    told = desk.report(claim_type="never_received", **({"order": sold(desk, "SO-L2")} if named else {}))
    with desk.house.parts.house.unit() as unit:
        found = {"sim": "other", "network": "22610"}
        case_book.note(unit, told["dispute"], "handset_seen", actor="investigator-1", facts=found)
    assert desk.event(told, "supervisor-1", ADR_EVENT).is_success
    letter = page(desk, told, "/letter")
    for part in ("22610", "investigator-1", "supervisor-1"):
        assert part not in letter
    assert ("SO-L2" in letter) == named
