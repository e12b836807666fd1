"""A password is hashed on purpose slowly, and nobody waits for that but whoever typed it."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import httpx
import pytest

from api.people import accounts
from api.people.tables import AccountRow
from tests.doors.case_desk import CaseDesk

PASSWORD = "long enough for this"
WAIT_S = 10.0
NUMBERS = count()


class Slow:
    """The real hasher, which does nothing before it is let go; `meanwhile` is done when it starts."""

    def __init__(self) -> None:
        self._real = accounts.HASHER
        self.begun, self.let_go = threading.Event(), threading.Event()
        self.hashed = 0
        self.meanwhile: Callable[[], object] = self.let_go.is_set

    def hash(self, password: str) -> str:
        self._wait()
        return self._real.hash(password)

    def verify(self, held: str, password: str) -> bool:
        self._wait()
        return self._real.verify(held, password)

    def _wait(self) -> None:
        self.hashed += 1
        self.meanwhile()
        self.begun.set()
        assert self.let_go.wait(WAIT_S)


@pytest.fixture
def own(desk: CaseDesk) -> tuple[str, dict[str, str]]:
    """An account of one's own, and the headers of a session of it."""
    name = f"own-{next(NUMBERS)}"
    body = {"name": name, "role": "agent", "person": f"behind {name}", "password": PASSWORD}
    assert desk.http.post("/v1/accounts", json=body, headers=desk.by("supervisor-1")).is_success
    answer = desk.http.post("/v1/sessions", json={"account": name, "password": PASSWORD})
    return name, {"authorization": f"Bearer {answer.json()['token']}"}


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    hasher = Slow()
    monkeypatch.setattr(accounts, "HASHER", hasher)
    yield hasher
    hasher.let_go.set()


def enter(desk: CaseDesk, account: str, password: str = PASSWORD) -> httpx.Response:
    return desk.http.post("/v1/sessions", json={"account": account, "password": password})


def change(desk: CaseDesk, own: tuple[str, dict[str, str]], old: str = PASSWORD) -> httpx.Response:
    return desk.http.post("/v1/me/password", json={"old": old, "new": "another that is long"}, headers=own[1])


def make(desk: CaseDesk) -> httpx.Response:
    body = {"name": "made-slowly", "role": "agent", "person": "somebody slow", "password": PASSWORD}
    return desk.http.post("/v1/accounts", json=body, headers=desk.by("supervisor-1"))


ACTS: dict[str, tuple[Callable[[CaseDesk, tuple[str, dict[str, str]]], httpx.Response], int]] = {
    "unknown name": (lambda desk, _own: enter(desk, "nobody-at-all"), 401),
    "wrong password": (lambda desk, own: enter(desk, own[0], "a guess of somebody"), 401),
    "right password": (lambda desk, own: enter(desk, own[0]), 201),
    "wrong old password": (lambda desk, own: change(desk, own, "a guess of somebody"), 403),
    "new password": (change, 204),
    "new account": (lambda desk, _own: make(desk), 201),
}


@pytest.mark.parametrize("what", ACTS)
def test_a_unit_begins_and_ends_while_a_password_is_hashed(
    desk: CaseDesk, own: tuple[str, dict[str, str]], slow: Slow, what: str
) -> None:
    act, status = ACTS[what]
    with ThreadPoolExecutor(max_workers=2) as threads:
        waits = threads.submit(act, desk, own)
        try:
            assert slow.begun.wait(WAIT_S)

            def write() -> None:
                with desk.house.parts.house.unit() as unit:
                    unit.record("test.written", {})

            threads.submit(write).result(timeout=WAIT_S / 2)
            assert not waits.done()
        finally:
            slow.let_go.set()
        assert waits.result(timeout=WAIT_S).status_code == status


@pytest.mark.parametrize("name", ["nobody-at-all", "closed"])
def test_a_name_with_which_nobody_may_sign_in_costs_the_same_hash(
    desk: CaseDesk, own: tuple[str, dict[str, str]], slow: Slow, name: str
) -> None:
    slow.let_go.set()
    if name == "closed":
        name = own[0]
        assert desk.http.post(f"/v1/accounts/{name}/close", headers=desk.by("supervisor-1")).is_success
    accounts._decoy()
    before = slow.hashed
    assert enter(desk, name).status_code == 401
    assert slow.hashed == before + 1


@pytest.mark.parametrize("how", ["closed", "changed"])
@pytest.mark.parametrize("act", ["right password", "new password"])
def test_a_password_that_was_right_when_it_was_looked_at_is_asked_for_again(
    desk: CaseDesk, own: tuple[str, dict[str, str]], slow: Slow, act: str, how: str
) -> None:
    """While it was hashed the account was closed, or got another password."""

    def meanwhile() -> None:
        with desk.house.parts.house.unit() as unit:
            row = unit.session.get_one(AccountRow, own[0])
            if how == "closed":
                row.active = False
            else:
                row.password_hash = "another one"
            unit.session.add(row)

    slow.meanwhile = meanwhile
    slow.let_go.set()
    answer = ACTS[act][0](desk, own)
    assert answer.status_code == (401 if act == "right password" else 403), answer.text
