"""What the doors do with wrong passwords, cookies, times beyond the calendar and references typed otherwise."""

from collections.abc import Iterator
from itertools import takewhile

import httpx
import pytest

from api.people import sign_in
from api.people.token_bucket import TokenBuckets
from custody.kernel import cbor
from custody.kernel.base64url import b64
from custody.kernel.errors import Rejected
from custody.kernel.keys import new_signer
from tests.stories.http_service import Service, raw_client, running_service

OURS = {"accept": "text/html", "sec-fetch-site": "same-origin"}
PASSWORD = "long enough for this"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Lend a service that people reach by https."""
    with running_service(tmp_path_factory.mktemp("doors") / "data", public_url="https://log.example.com") as running:
        yield running


@pytest.fixture
def http(service: Service) -> Iterator[httpx.Client]:
    with raw_client(service) as client:
        yield client


def hire(service: Service, name: str) -> None:
    body = {"name": name, "role": "agent", "person": f"person {name}", "password": PASSWORD}
    service.staff["supervisor-1"].client.post("/v1/accounts", body)


def status_of(http: httpx.Client, name: str, password: str) -> int:
    return http.post("/v1/sessions", json={"account": name, "password": password}).status_code


def test_the_cookie_of_a_service_that_people_reach_by_https_is_secure(service: Service, http: httpx.Client) -> None:
    hire(service, "night-1")
    answer = http.post("/console/sign-in", data={"account": "night-1", "password": PASSWORD}, headers=OURS)
    assert answer.status_code == 303
    assert "secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize(
    ("origin", "status"), [("https://log.example.com", 303), ("https://log.example.com.elsewhere.example", 403)]
)
def test_a_form_from_the_address_that_people_use_is_ours(http: httpx.Client, origin: str, status: int) -> None:
    """A browser of before 2023 sends no Sec-Fetch-Site, and what stands before the service ends https."""
    headers = {"accept": "text/html", "origin": origin}
    assert http.post("/complain", data={"words": "It never came."}, headers=headers).status_code == status


@pytest.mark.parametrize("name", ["night-2", "nobody-of-this-name"])
def test_wrong_passwords_of_one_account_come_to_an_end_and_others_still_sign_in(
    service: Service, http: httpx.Client, name: str
) -> None:
    other = f"beside-{name}"
    hire(service, other)
    if name == "night-2":
        hire(service, name)
    said = list(takewhile(lambda status: status == 401, (status_of(http, name, f"wrong {n}") for n in range(30))))
    assert 10 <= len(said) < 30, "a slow machine gives another try each ten seconds"
    assert status_of(http, name, PASSWORD) == 429
    page = http.post("/console/sign-in", data={"account": name, "password": PASSWORD}, headers=OURS)
    assert page.status_code == 429
    assert "Wait" in page.text
    assert status_of(http, other, PASSWORD) == 201


def test_a_guesser_at_the_owners_own_address_keeps_them_out_of_no_browser_that_they_used_before(
    service: Service, http: httpx.Client
) -> None:
    hire(service, "night-3")
    entered = {"account": "night-3", "password": PASSWORD}
    assert http.post("/console/sign-in", data=entered, headers=OURS).status_code == 303
    http.cookies.delete("weaklink_session")
    with raw_client(service) as guesser:
        assert 429 in [status_of(guesser, "night-3", f"wrong {number}") for number in range(30)]
        assert status_of(guesser, "night-3", PASSWORD) == 429
    mark = http.cookies["weaklink_browser"]
    kept = {**OURS, "cookie": f"weaklink_browser={mark}"}  # which goes by https alone
    answer = http.post("/console/sign-in", data=entered, headers=kept)
    assert answer.status_code == 303
    assert "weaklink_browser" not in answer.headers["set-cookie"], "the mark that is there goes on"


def test_a_guesser_keeps_no_client_of_the_api_out_that_signed_in_before_and_keeps_cookies(
    service: Service, http: httpx.Client
) -> None:
    hire(service, "robot-1")
    entered = {"account": "robot-1", "password": PASSWORD}
    first = http.post("/v1/sessions", json=entered)
    assert "weaklink_session" not in first.headers["set-cookie"], "a client has its token"
    assert {"httponly", "samesite=strict", "secure"} <= set(first.headers["set-cookie"].lower().split("; "))
    with raw_client(service) as guesser:
        assert 429 in [status_of(guesser, "robot-1", f"wrong {number}") for number in range(30)]
    assert status_of(http, "robot-1", "wrong") == 429, "its cookie goes by https alone"
    kept = {"cookie": f"weaklink_browser={http.cookies['weaklink_browser']}"}
    answer = http.post("/v1/sessions", json=entered, headers=kept)
    assert answer.status_code == 201
    assert "set-cookie" not in answer.headers, "the mark that is there goes on"


def test_right_passwords_cost_no_tries(service: Service, http: httpx.Client) -> None:
    hire(service, "night-4")
    assert {status_of(http, "night-4", PASSWORD) for _ in range(15)} == {201}


def test_wrong_passwords_from_one_address_come_to_an_end_at_however_many_accounts(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in._tries, "_from_address", TokenBuckets(per_s=1e-6, burst=3))
    assert [status_of(http, f"nobody-{number}", "a guess") for number in range(4)] == [401, 401, 401, 429]


def test_right_passwords_cost_the_address_no_tries(
    service: Service, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire(service, "night-5")
    monkeypatch.setattr(sign_in._tries, "_from_address", TokenBuckets(per_s=1e-6, burst=2))
    assert [status_of(http, "night-5", PASSWORD) for _ in range(4)] == [201] * 4


def test_a_last_day_beyond_the_calendar_is_refused(service: Service) -> None:
    key = b64(cbor.encode(new_signer(seed=bytes(32)).public.cose_key()))
    client = service.staff["supervisor-1"].client
    client.post("/v1/devices", {"imei": "490154203237518", "cose_key": key})
    for ends_at in ("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"):
        with pytest.raises(Rejected) as caught:
            client.post("/v1/devices/490154203237518/leave", {"ends_at": ends_at})
        assert caught.value.code == "time"
    assert client.post("/v1/devices/490154203237518/leave", {"ends_at": "9999-12-31T23:59:59Z"})["left"] is True


def test_a_space_behind_the_reference_gives_no_further_try(http: httpx.Client) -> None:
    said = [
        http.post("/v1/holders", json={"reference": "lock_none" + " " * spaces, "words": "I bought it."}).status_code
        for spaces in range(7)
    ]
    assert said == [*[404] * 5, 429, 429]
