"""Text that no keyboard makes, in addresses and forms: refused or taken on each engine, never an error of ours."""

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from tests.stories.http_service import Service, raw_client

OURS = {"accept": "text/html", "sec-fetch-site": "same-origin"}
NUL = ["\x00", "a\x00b"]
ODD = [*NUL, "\N{FAMILY}\N{ZERO WIDTH JOINER}\N{COMBINING ACUTE ACCENT}\u202e\ufeff"]
GETS = (
    "/console/cases/{}",
    "/console/cases/{}/locks",
    "/console/find?q={}",
    "/console/cases?after={}",
    "/console/cases?show={}",
    "/console/evidence/{}",
    "/console/trails/{}",
    "/console/sign-in?next={}",
    "/console/cases/new?order={}",
    "/bought?reference={}",
    "/c/{}",
    "/c/{}/file",
    "/v1/disputes?state={}",
    "/v1/disputes?cursor={}",
    "/v1/disputes/{}",
    "/v1/customer/{}",
    "/v1/devices/{}",
    "/v1/investigations/{}",
    "/v1/locks/{}",
    "/v1/locks?state={}",
    "/v1/packs/{}",
)
POSTS = (
    "/v1/locks/{}/approve",
    "/v1/locks/{}/release",
    "/v1/authority/{}/approve",
    "/v1/alerts/{}/seen",
    "/v1/devices/{}/received",
)
FORMS = (
    ("/complain", ("words", "order", "claim_type")),
    ("/bought", ("words", "reference")),
    ("/console/cases", ("words", "order", "item", "claim_type", "channel", "support_needs", "found_instead")),
    ("/console/sign-in", ("account", "password", "onward")),
)


@pytest.fixture
def http(service: Service) -> Iterator[httpx.Client]:
    with raw_client(service) as client:
        client.headers.update({**OURS, "authorization": f"Bearer {service.token('supervisor-1')}"})
        yield client


@pytest.fixture
def link(http: httpx.Client) -> str:
    """The path of a customer's page."""
    told = http.post("/v1/disputes", json={"words": "It is not right.", "claim_type": "defective"}).json()
    return f"/c/{told['customer_token']}"


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("path", GETS)
def test_an_address_is_answered_whatever_stands_in_it(http: httpx.Client, path: str, what: str) -> None:
    assert http.get(path.format(quote(what, safe=""))).status_code < 500


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("path", POSTS)
def test_an_act_is_answered_whatever_stands_in_its_address(http: httpx.Client, path: str, what: str) -> None:
    assert http.post(path.format(quote(what, safe="")), json={}).status_code < 500


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize(("path", "fields"), FORMS)
def test_a_form_is_answered_whatever_stands_in_a_field(
    http: httpx.Client, path: str, fields: tuple[str, ...], what: str
) -> None:
    for name in fields:
        form = {"words": "It is not right.", "account": "agent-1", "password": "x", name: what}
        answer = http.post(path, data={key: form[key] for key in form if key in fields})
        assert answer.status_code < 500, name


@pytest.mark.parametrize("path", ["/v1/disputes?state=%00", "/v1/disputes/%00"])
def test_a_nul_in_an_address_is_said_to_be_the_callers(http: httpx.Client, path: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 422
    assert answer.json()["type"].endswith(":text")


@pytest.mark.parametrize("what", NUL)
def test_a_browser_that_sends_a_nul_gets_a_page(http: httpx.Client, what: str) -> None:
    answer = http.post("/complain", data={"words": f"It never{what} came."})
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("what", ODD)
def test_the_customers_own_page_takes_or_refuses_every_text(http: httpx.Client, link: str, what: str) -> None:
    for act, form in (
        ("choose", {"remedy": what}),
        ("choose", {"remedy": "repair", "payout": what}),
        ("answer", {"ask": what, "words": what}),
        ("code", {"challenge": what}),
    ):
        assert http.post(f"{link}/{act}", data=form).status_code < 500, act
    given = _give(http, link, name=f"{what}.txt".encode(), media_type=f"text/{what}".encode())
    assert given.status_code < 500
    _still_readable(http, link)


@pytest.mark.parametrize("what", ODD)
def test_the_moves_of_a_case_take_or_refuse_every_text(http: httpx.Client, what: str) -> None:
    told = http.post("/v1/disputes", json={"words": "It is not right.", "claim_type": "defective"}).json()
    moves = f"/console/cases/{told['dispute']}/moves"
    assert http.post(f"{moves}/ask", data={"item": what, "text": f"Please {what}"}).status_code < 500
    assert http.get(moves.removesuffix("/moves")).status_code == 200


@pytest.mark.parametrize("what", NUL)
def test_a_move_that_holds_a_nul_is_refused_as_what_it_is(http: httpx.Client, what: str) -> None:
    told = http.post("/v1/disputes", json={"words": "It is not right.", "claim_type": "defective"}).json()
    answer = http.post(f"/console/cases/{told['dispute']}/moves/ask", data={"item": what, "text": "Please"})
    assert answer.status_code == 422
    assert "no text" in answer.text


@pytest.mark.parametrize("charset", ["unicode_escape", "utf-7", "idna", "punycode", "undefined", "rot13", "utf-16"])
def test_a_file_with_whatever_name_is_taken_or_refused(http: httpx.Client, link: str, charset: str) -> None:
    name = {"unicode_escape": rb"\ud800.txt", "utf-7": b"+2AA-.txt"}.get(charset, b"xn--\xff\x80-x.txt")
    for path in (link, link.replace("/c/", "/v1/customer/")):
        assert _give(http, path, name=name, charset=charset).status_code < 500
    _still_readable(http, link)


def test_what_a_file_holds_is_its_own(http: httpx.Client, link: str) -> None:
    given = {"file": ("photo.jpg", b"\x00\xff\xed\xa0\x80", "image/jpeg")}
    assert http.post(link.replace("/c/", "/v1/customer/") + "/files", files=given).status_code == 201


def _give(
    http: httpx.Client, link: str, *, name: bytes, media_type: bytes = b"text/plain", charset: str = "utf-8"
) -> httpx.Response:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + name + b'"\r\n'
        b"Content-Type: " + media_type + b"\r\n\r\nx\r\n--b--\r\n"
    )
    kind = {"content-type": f"multipart/form-data; boundary=b; charset={charset}"}
    return http.post(f"{link}/files", content=body, headers=kind)


def _still_readable(http: httpx.Client, link: str) -> None:
    assert http.get(link).status_code == 200
    assert http.get(f"{link}/file").status_code == 200
