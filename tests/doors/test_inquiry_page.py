"""The page of an investigation's steps: forms of what is possible now, refused ones as they were sent."""

import re

from tests.doors.case_desk import CaseDesk
from tests.doors.test_case_pages import alert_of


def test_an_investigation_is_ended_and_opened_again_on_its_page(desk: CaseDesk) -> None:
    told = desk.report(claim_type="never_received")
    page, by = f"/console/investigations/{told['dispute']}/steps", desk.by("investigator-1")
    assert desk.http.get(page, headers=desk.by("agent-1")).status_code == 403
    first = desk.http.get(page, headers=by).text
    assert re.findall(r'action="[^"]*/steps/(\w+)"', first) == ["nothing_found"]
    refused = desk.http.post(f"{page}/nothing_found", data={"why": " "}, headers=by)
    assert refused.status_code == 422
    assert 'aria-describedby="nothing_found-why-fault"' in refused.text
    ended = desk.http.post(f"{page}/nothing_found", data={"why": "No <parcel> is known."}, headers=by)
    assert (ended.status_code, ended.headers["location"].partition("?")[0]) == (303, page)
    shown = desk.http.get(page, headers=by).text
    assert "No &lt;parcel&gt; is known." in shown
    assert re.findall(r'action="[^"]*/steps/(\w+)"', shown) == ["file_fix", "reopen"]
    past = {"fix": "Every box is weighed.", "owner": "head of sorting", "due": "2020-01-31"}
    refused = desk.http.post(f"{page}/file_fix", data=past, headers=by)
    assert (refused.status_code, 'aria-describedby="file_fix-due-fault"' in refused.text) == (422, True)
    assert "Every box is weighed." in refused.text
    assert desk.http.post(f"{page}/reopen", data={"why": "A parcel was named."}, headers=by).status_code == 303
    assert "Gathering" in desk.http.get(page, headers=by).text
    assert desk.http.post(f"{page}/lie", data={}, headers=by).status_code == 404


def test_whose_step_it_is_is_said_to_others(desk: CaseDesk) -> None:
    told = desk.report(claim_type="never_received")
    page = f"/console/investigations/{told['dispute']}/steps"
    shown = desk.http.get(page, headers=desk.by("supervisor-1")).text
    assert "this takes somebody in the role investigator" in shown
    assert "/steps/nothing_found" not in shown


def test_nothing_of_the_steps_is_left_of_an_erased_case(desk: CaseDesk) -> None:
    told = desk.report(claim_type="never_received")
    events, by = f"/v1/investigations/{told['dispute']}/events", desk.by("investigator-1")
    for step in (
        {"event": "nothing_found", "why": "Ottoline saw it."},
        {"event": "reopen", "why": "Ottoline again."},
        {"event": "nothing_found", "why": "Ottoline once more."},
    ):
        assert desk.http.post(events, json=step, headers=by).is_success
    assert desk.http.post(f"/c/{told['customer_token']}/withdraw").status_code == 303
    asked = {"target": told["dispute"], "reason": "asked for it"}
    assert desk.http.post("/v1/erasures", json=asked, headers=desk.by("supervisor-1")).status_code == 201
    assert "ttoline" not in desk.http.get(events, headers=by).text


def test_a_step_that_somebody_else_took_meanwhile_is_over_whatever_was_typed_and_the_text_is_kept(
    desk: CaseDesk,
) -> None:
    told = desk.report(claim_type="never_received")
    page, by = f"/console/investigations/{told['dispute']}/steps", desk.by("investigator-1")
    assert desk.http.post(f"{page}/nothing_found", data={"why": "No parcel is known."}, headers=by).status_code == 303
    share = {"probability": "86", "low": "70", "high": "93"}
    for why in ("   ", "The weight falls there."):
        late = desk.http.post(
            f"{page}/conclude", data={"finding": "A <camera> saw it.", "why": why, **share}, headers=by
        )
        assert late.status_code == 409
        assert "That is done already, or not possible now." in alert_of(late)
        assert "A &lt;camera&gt; saw it." in late.text
        assert ("The weight falls there." in alert_of(late)) == bool(why.strip())
        assert "Go to the field" not in late.text
