"""No body is read past its limit, whatever it is called: the framework reads all of it before a route is asked."""

import pytest

from api import body_limits
from tests.doors.case_desk import CaseDesk

FOUR_MB = 4 * 1024 * 1024
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/octet-stream", FORM, ""])
@pytest.mark.parametrize("path", ["/v1/sessions", "/v1/disputes"])
def test_a_body_that_is_too_long_is_refused_whatever_it_is_called(desk: CaseDesk, path: str, kind: str) -> None:
    answer = desk.http.post(path, content=b"1" * (body_limits.MOST_BYTES + 1), headers={"content-type": kind})
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:weaklink:problem:too_large")


def test_a_body_just_as_long_as_the_limit_is_read(desk: CaseDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    longest = b"1" * body_limits.MOST_BYTES
    answer = desk.http.post("/v1/sessions", content=longest, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    link = f"/v1/customer/{desk.report()['customer_token']}/files"
    asked = desk.http.build_request("POST", link, files={"file": ("long.bin", bytes(1_000))})
    asked.read()
    for most, status in ((len(asked.content) - 1, 413), (len(asked.content), 201)):
        monkeypatch.setattr(body_limits, "MOST_FORM_BYTES", most)
        assert desk.http.send(asked).status_code == status


def test_a_form_is_a_form_in_capital_letters_too(desk: CaseDesk) -> None:
    link = f"/v1/customer/{desk.report()['customer_token']}/files"
    asked = desk.http.build_request("POST", link, files={"file": ("long.bin", bytes(FOUR_MB + 1))})
    asked.headers["content-type"] = asked.headers["content-type"].replace("multipart/form-data", "Multipart/Form-Data ")
    assert desk.http.send(asked).status_code == 201


@pytest.mark.parametrize("path", ["/complain", "/console/sign-in"])
def test_a_form_of_many_long_fields_is_refused(desk: CaseDesk, path: str) -> None:
    fields = {f"field-{number}": "1" * 900_000 for number in range(5)}
    assert desk.http.post(path, data=fields).status_code == 413


def test_a_form_may_bring_files_along_and_has_a_limit_too(desk: CaseDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    link = f"/v1/customer/{desk.report()['customer_token']}/files"
    assert desk.http.post(link, files={"file": ("long.bin", bytes(FOUR_MB + 1))}).status_code == 201
    monkeypatch.setattr(body_limits, "MOST_FORM_BYTES", FOUR_MB)
    for path in (link, link.replace("/v1/customer", "/c")):
        answer = desk.http.post(path, files={"file": ("longer.bin", bytes(FOUR_MB + 1))})
        assert (answer.status_code, answer.json()["type"]) == (413, "urn:weaklink:problem:too_large")


def test_a_route_that_takes_no_form_reads_none(desk: CaseDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limits, "MOST_FORM_BYTES", 1)
    given = {"file": ("statement.cose", bytes(100_000))}
    assert desk.http.post("/entries", files=given).status_code == 415
