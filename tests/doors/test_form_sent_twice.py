"""A report form that is sent twice, since a button was tapped twice without scripts, makes one case."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.doors.case_desk import OURS, CaseDesk

SAID = {"words": "The box was empty.", "order": ""}


def once(desk: CaseDesk, path: str = "/complain") -> str:
    """The one-time value of a fresh form."""
    headers = {**OURS, **desk.by("agent-1")} if path.startswith("/console") else OURS
    found = re.search(r'name="once" value="([^"]+)"', desk.http.get(path, headers=headers).text)
    assert found is not None
    return found[1]


def tell(desk: CaseDesk, **typed: str) -> str:
    """Where the form leads."""
    answer = desk.http.post("/complain", data={**SAID, **typed})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_the_form_sent_twice_leads_to_one_case_both_times(desk: CaseDesk) -> None:
    value = once(desk)
    assert tell(desk, once=value) == tell(desk, once=value)
    assert desk.http.get(tell(desk, once=value)).status_code == 200


def test_two_taps_at_one_moment_make_one_case(desk: CaseDesk) -> None:
    value = once(desk)
    with ThreadPoolExecutor(4) as pool:
        links = list(pool.map(lambda _: tell(desk, once=value), range(4)))
    assert len(set(links)) == 1


def test_what_was_corrected_or_comes_from_another_form_is_a_report_of_its_own(desk: CaseDesk) -> None:
    value = once(desk)
    first, other = tell(desk, once=value), tell(desk, once=value, words="The charger is missing too.")
    links = {first, other, tell(desk, once=once(desk))}
    assert len(links) == 3


@pytest.mark.parametrize("value", ["", "x", "0" * 31, "0" * 33, "Z" * 32])
def test_a_value_that_we_did_not_make_joins_no_two_reports(desk: CaseDesk, value: str) -> None:
    assert tell(desk, once=value) != tell(desk, once=value)


def test_a_refused_form_comes_back_with_a_value(desk: CaseDesk) -> None:
    answer = desk.http.post("/complain", data={"words": " ", "once": once(desk)})
    assert answer.status_code == 422
    assert re.search(r'name="once" value="[0-9a-f]{32}"', answer.text)


def test_the_link_cannot_be_made_from_the_value_alone(desk: CaseDesk) -> None:
    value = once(desk)
    assert value not in tell(desk, once=value)


def test_an_adviser_who_presses_twice_opens_one_case(desk: CaseDesk) -> None:
    typed = {"words": "They say the box was empty.", "once": once(desk, "/console/cases/new")}
    answers = [desk.http.post("/console/cases", data=typed, headers=desk.by("agent-1")) for _ in range(2)]
    links = {found[0] for answer in answers if (found := re.search(r"/c/c_[0-9a-z]+", answer.text))}
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(links) == 1


def count(desk: CaseDesk) -> int:
    return len(desk.http.get("/v1/disputes", params={"limit": 200}, headers=desk.by("agent-1")).json()["disputes"])


def renew(desk: CaseDesk, link: str) -> None:
    dispute = desk.http.get(f"/v1/customer/{link.removeprefix('/c/')}").json()["dispute"]
    assert desk.http.post(f"/v1/disputes/{dispute}/link", headers=desk.by("agent-1")).is_success


def test_a_form_that_is_sent_again_after_its_link_was_replaced_opens_no_other_case(desk: CaseDesk) -> None:
    value = once(desk)
    link = tell(desk, once=value)
    renew(desk, link)
    before = count(desk)
    assert tell(desk, once=value) == link
    assert count(desk) == before
    page = desk.http.get(link)
    assert page.status_code == 404
    assert "we send you a new one" in page.text


def test_an_adviser_who_sends_the_form_again_after_that_is_shown_the_case_and_no_link(desk: CaseDesk) -> None:
    typed = {"words": "They say the seal was cut.", "once": once(desk, "/console/cases/new")}
    first = desk.http.post("/console/cases", data=typed, headers=desk.by("agent-1"))
    link = re.search(r"/c/c_[0-9a-z]+", first.text)
    assert link is not None
    renew(desk, link[0])
    before = count(desk)
    again = desk.http.post("/console/cases", data=typed, headers=desk.by("agent-1"))
    assert (again.status_code, count(desk)) == (200, before)
    assert "The case is open." not in again.text
    assert "They say the seal was cut." in again.text


def at_once(desk: CaseDesk, path: str, **sent: Any) -> None:
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: desk.http.post(path, **sent), range(3)))
    assert [answer.status_code for answer in answers] == [303] * 3


def test_what_a_customer_gives_is_given_once_however_often_its_form_is_sent(desk: CaseDesk) -> None:
    told = desk.not_fixed()
    assert desk.event(told, "agent-1", "ask", item="tape", text="Which colour has the tape?").is_success
    page, ask = f"/c/{told['customer_token']}", desk.view(told)["asks"][0]["ask"]
    value = once(desk, page)
    at_once(desk, f"{page}/words", data={"words": "Please call me.", "once": value})
    at_once(desk, f"{page}/files", data={"once": value}, files={"file": ("box.heic", b"x", "image/heic")})
    at_once(
        desk,
        f"{page}/answer",
        data={"ask": ask, "words": "It is brown.", "once": value},
        files={"file": ("tape.heic", b"y", "image/heic")},
    )
    own = desk.own(told)
    assert sorted(given["name"] for given in own["given"]) == ["box.heic", "tape.heic", "words.txt", "words.txt"]
    thanks = [message["text"] for message in own["messages"] if message["text"].startswith("Thank you. We have what")]
    assert len(thanks) == 3, "for the words, for the file, and for what came after the answer"
    kinds = [line["kind"] for line in desk.view(told)["timeline"]]
    assert (kinds.count("evidence"), kinds.count("answered")) == (4, 2)


def test_what_is_asked_about_data_is_asked_once_with_its_words_however_often_its_form_is_sent(desk: CaseDesk) -> None:
    told = desk.report()
    page = f"/c/{told['customer_token']}"
    typed = {"about": "complaint", "words": "You sent my bill to somebody else.", "once": once(desk, page)}
    at_once(desk, f"{page}/data", data=typed)
    assert [given["name"] for given in desk.own(told)["given"]] == ["words.txt"]
    kinds = [line["kind"] for line in desk.view(told)["timeline"]]
    assert (kinds.count("data_complaint"), kinds.count("evidence")) == (1, 1)


@pytest.mark.parametrize("answer", ["words", "file"])
def test_what_was_said_on_a_page_is_the_answer_too_where_it_is_given_as_one(desk: CaseDesk, answer: str) -> None:
    told = desk.not_fixed()
    assert desk.event(told, "agent-1", "ask", item="tape", text="Which colour has the tape?").is_success
    page, ask = f"/c/{told['customer_token']}", desk.view(told)["asks"][0]["ask"]
    value = once(desk, page)
    said: dict[str, Any] = (
        {"data": {"words": "It is brown."}}
        if answer == "words"
        else {"files": {"file": ("a.heic", b"x", "image/heic")}}
    )
    door = f"{page}/words" if answer == "words" else f"{page}/files"
    for path, more in ((door, {}), (f"{page}/answer", {"ask": ask})):
        for _ in range(2):
            sent = {**said, "data": {**said.get("data", {}), **more, "once": value}}
            assert desk.http.post(path, **sent).status_code == 303
    assert [one["ask"] for one in desk.view(told)["asks"] if one["state"] == "open"] == []
    kinds = [line["kind"] for line in desk.view(told)["timeline"]]
    assert (kinds.count("answered"), kinds.count("evidence")) == (1, 2)


def test_the_same_words_on_another_day_are_heard_again(desk: CaseDesk) -> None:
    told = desk.report()
    page = f"/c/{told['customer_token']}"
    for _ in range(2):
        desk.http.post(f"{page}/words", data={"words": "Please call me.", "once": once(desk, page)})
    assert len(desk.own(told)["given"]) == 2
