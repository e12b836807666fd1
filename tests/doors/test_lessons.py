"""What is to be learned always has an owner who works here; what waits is read page by page; both are erased."""

import re
from dataclasses import replace

from api.people import persons
from api.rounds.lessons_alone import hand_on_lessons, is_lesson_alone, lessons_alone
from custody.store import exception_book, lesson_book
from tests.doors.case_desk import CaseDesk
from tests.doors.test_exceptions import GAP, asked, listed

NEW = {"name": "supervisor-9", "person": "Nadia Ninth", "role": "supervisor", "password": "a long password of nine"}


def test_a_lesson_whose_owner_leaves_goes_to_another_supervisor_and_its_line_says_so(desk: CaseDesk) -> None:
    by = desk.by("supervisor-1")
    made = desk.http.post("/v1/accounts", json=NEW, headers=by)
    assert made.is_success, made.text
    told = desk.report(claim_type="defective")
    asked(desk, told)
    with desk.house.parts.house.unit() as unit:
        (mine,) = lesson_book.of_case(unit.session, told["dispute"])
        lesson_book.put(unit, replace(mine, owner=NEW["name"]))
    (lesson,) = [row for row in listed(desk, "lessons") if row["dispute"] == told["dispute"]]
    assert lesson["owner"] == NEW["name"], "it is hers while she works here"
    assert desk.http.post(f"/v1/accounts/{NEW['name']}/close", headers=by).is_success
    with desk.house.parts.house.unit() as unit:
        alone = lessons_alone(unit.session, now_ms=unit.now_ms)
        done = hand_on_lessons(unit, only=lesson["lesson"])
        again = hand_on_lessons(unit, only=lesson["lesson"])
    assert (done, again) in {(1, 0), (0, 0)}, "the service may have been faster"
    assert (lesson["lesson"] in alone) == (done == 1)
    (after,) = [row for row in listed(desk, "lessons") if row["dispute"] == told["dispute"]]
    with desk.house.parts.house.read() as session:
        assert after["owner"] in persons.supervisors(session)
        assert not is_lesson_alone(session, now_ms=desk.house.parts.clock.now_ms())
    (line,) = [line for line in desk.view(told)["timeline"] if line["kind"] == "lesson_handed_on"]
    assert (line["facts"]["before"], line["facts"]["owner"]) == (NEW["name"], after["owner"])


def test_what_waits_beyond_the_first_page_is_on_the_next_ones(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    asked(desk, told)
    words = [f"a loan abroad, number {number}." for number in range(201)]
    with desk.house.parts.house.unit() as unit:
        (one,) = exception_book.of_case(unit.session, told["dispute"])
        for number, each in enumerate(words):
            exception_book.put(unit, replace(one, id=f"{one.id}{number}", asked_for=each, asked_ms=number))
    by, path, shown = desk.by("supervisor-1"), "/console/lessons", list[str]()
    while path:
        page = desk.http.get(path, headers=by).text
        shown += re.findall(r"a loan abroad, number \d+\.", page)
        onward = re.search(r'href="(/console/lessons\?asked=[^"]+)" rel="next"', page)
        path = onward[1] if onward else ""
    assert shown == words[::-1]


def test_what_was_changed_is_erased_with_the_words_of_a_lesson(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    one = asked(desk, told)
    assert desk.event(told, one["approver"], "exception_grant", exception=one["exception"]).is_success
    (lesson,) = [row for row in listed(desk, "lessons") if row["dispute"] == told["dispute"]]
    assert lesson["says"] == GAP
    change = {"change": "After Mrs Smith of Elm Street we lend abroad."}
    path = f"/v1/lessons/{lesson['lesson']}/learned"
    assert desk.http.post(path, json=change, headers=desk.by("supervisor-1")).is_success
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/withdraw").is_success
    erasure = {"target": told["dispute"], "reason": "asked"}
    assert desk.http.post("/v1/erasures", json=erasure, headers=desk.by("supervisor-1")).is_success
    (after,) = [row for row in listed(desk, "lessons", learned=True) if row["dispute"] == told["dispute"]]
    assert (after["says"], after["change"], after["state"]) == ("erased", "erased", "learned")
