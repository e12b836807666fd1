"""No body is read past its limit, whatever it is called: the framework reads all of it before a route is asked."""

import asyncio
import gzip
import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

from api.app import build_app
from api.http import body_limits, concise_problems
from api.pages import render
from api.pages.move_forms import MOVES
from api.pages.unsent import OWN
from api.routes import scans
from custody.kernel import cbor
from tests.doors.case_desk import CaseDesk

FOUR_MB = 4 * 1024 * 1024
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/octet-stream", FORM, ""])
@pytest.mark.parametrize("path", ["/v1/sessions", "/v1/disputes"])
def test_a_body_that_is_too_long_is_refused_whatever_it_is_called(desk: CaseDesk, path: str, kind: str) -> None:
    answer = desk.http.post(path, content=b"1" * (body_limits.MOST_BYTES + 1), headers={"content-type": kind})
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:weaklink:problem:too_large")


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "identity, gzip", "x"])
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        *(("/v1/disputes", "application/json"), ("/v1/holders", FORM), ("/entries", "application/cose")),
        *(("/v1/scans", scans.ONE), ("/v1/scans:batch", scans.MANY), ("/v1/batches", scans.TOGETHER)),
    ],
)
def test_a_packed_body_is_told_to_come_unpacked(desk: CaseDesk, path: str, kind: str, coding: str) -> None:
    """RFC 9110 section 15.5.16: the answer says which codings are taken."""
    body = gzip.compress(b"{}")
    answer = desk.http.post(path, content=body, headers={"content-type": kind, "content-encoding": coding})
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")
    said = cbor.decode(answer.content)[-2] if path == "/entries" else answer.json()["fix"]
    assert "without Content-Encoding" in said


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
def test_a_body_that_is_packed_by_nothing_is_read(desk: CaseDesk, coding: str) -> None:
    answer = desk.http.post("/v1/disputes", json={"words": "No phone."}, headers={"content-encoding": coding})
    assert answer.status_code == 201


def test_a_body_just_as_long_as_the_limit_is_read(desk: CaseDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    longest = b"1" * body_limits.MOST_BYTES
    answer = desk.http.post("/v1/sessions", content=longest, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    told = desk.report()
    link = f"/v1/customer/{told['customer_token']}/files"
    asked = desk.http.build_request("POST", link, files={"file": ("long.bin", bytes(1_000))})
    asked.read()
    for most, status, kept in ((len(asked.content) - 1, 413, 0), (len(asked.content), 201, 1)):
        monkeypatch.setattr(body_limits, "MOST_FORM_BYTES", most)
        assert desk.http.send(asked).status_code == status
        assert len(desk.own(told)["given"]) == kept


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


@pytest.mark.parametrize("path", ["/complain", "/console/sign-in", "/v1/sessions", "/v1/disputes", "/entries"])
def test_a_form_with_files_is_no_longer_than_any_other_body_where_no_file_is_taken(desk: CaseDesk, path: str) -> None:
    given = {"file": ("long.bin", bytes(body_limits.MOST_BYTES))}
    assert desk.http.post(path, files=given).status_code == (415 if path == "/entries" else 413)


@pytest.mark.parametrize("door", ["/v1/customer/{}/files", "/c/{}/files", "/c/{}/answer"])
def test_a_form_has_few_fields_and_one_file(desk: CaseDesk, door: str) -> None:
    path = door.format(desk.report()["customer_token"])
    fields = [(f"field-{number}", (None, "1")) for number in range(body_limits.MOST_FIELDS + 1)]
    files = [("file", (f"{name}.txt", b"seen")) for name in ("one", "two")]
    for parts, what in ((fields, "Too many fields"), (files, "Too many files")):
        answer = desk.http.post(path, files=parts, headers={"accept": "application/json"})
        assert (answer.status_code, what in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize("sent_as", ["data", "files"])
@pytest.mark.parametrize("signed_in", [True, False])
def test_a_form_that_is_read_by_hand_has_few_fields_too(desk: CaseDesk, sent_as: str, *, signed_in: bool) -> None:
    told = desk.report()
    fields = {f"field-{number}": "1" for number in range(body_limits.MOST_FIELDS + 1)}
    given = fields if sent_as == "data" else {name: (None, text) for name, text in fields.items()}
    headers = desk.by("agent-1") if signed_in else {}
    answer = desk.http.post(f"/console/cases/{told['dispute']}/moves/note", **{sent_as: given}, headers=headers)
    assert (answer.status_code, "Too many fields" in answer.text) == (400, True)


def test_every_door_that_takes_a_file_takes_a_long_one(desk: CaseDesk) -> None:
    told = desk.http.get("/openapi.json").json()["paths"]
    doors = [path for path in told if "multipart/form-data" in str(told[path].get("post", {}).get("requestBody"))]
    for page in (Path(render.__file__).parent / "templates").glob("*.html"):
        forms = re.findall(r"<form[^>]+>", page.read_text(encoding="utf-8"))
        doors += [re.sub(r'.+ action="(.+?)(?:{{ size }})?".+', r"\1", form) for form in forms if "multipart" in form]
    assert len(doors) == 3
    assert all(body_limits.FILE_DOORS.fullmatch(door) for door in doors)


def test_who_lets_scans_carry_less_lets_no_other_body_carry_more(desk: CaseDesk) -> None:
    parts = desk.house.parts
    small = replace(parts, settings=parts.settings.model_copy(update={"max_body_bytes": 100}))
    report = {"words": "1" * 100}

    async def ask(app: ASGIApp) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://door") as client:
            return await client.post("/v1/disputes", json=report)

    assert [asyncio.run(ask(build_app(each))).status_code for each in (parts, small)] == [201, 413]


def test_the_longest_form_of_ours_has_room_also_when_it_comes_back_after_signing_in() -> None:
    pages = (Path(render.__file__).parent / "templates").glob("*.html")
    forms = [form for page in pages for form in re.findall(r"(?s)<form.*?</form>", page.read_text(encoding="utf-8"))]
    longest = max(len(set(re.findall(r'name="([^"]+)"', form))) for form in forms)
    moves = max(len(move.fields) for move in MOVES.values())
    assert max(longest, moves) + len(OWN) <= body_limits.MOST_FIELDS


def test_a_door_that_takes_a_file_takes_nothing_else_that_long(desk: CaseDesk) -> None:
    link = f"/v1/customer/{desk.report()['customer_token']}/files"
    long = b"1" * (body_limits.MOST_BYTES + 1)
    assert desk.http.post(link, content=long, headers={"content-type": "application/json"}).status_code == 413


def test_what_is_too_long_is_told_the_limit_and_what_to_do_in_the_form_of_its_door(desk: CaseDesk) -> None:
    long = b"1" * (body_limits.MOST_BYTES + 1)
    problem = desk.http.post("/v1/sessions", content=long).json()
    assert str(body_limits.MOST_BYTES) in problem["detail"]
    assert problem["fix"]
    answer = desk.http.post("/entries", content=long, headers={"content-type": "application/cose"})
    assert (answer.status_code, answer.headers["content-type"]) == (413, concise_problems.MEDIA_TYPE)
    assert str(body_limits.MOST_BYTES) in cbor.decode(answer.content)[-2]
