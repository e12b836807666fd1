"""Looking at passwords takes what the machine has: few are looked at at once, and nobody's flood keeps others out."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from api.people import sign_in
from api.people.sign_in import AT_ONCE, IN_LINE, OF_ONE, password_turns
from custody.kernel.errors import Rejected
from tests.doors.case_desk import OURS, CaseDesk

WRONG = "a password that nobody has"
PASSWORD = "long enough for this"
WAIT_S = 30.0


def until(holds: Callable[[], bool]) -> None:
    """Wait for what happens in another thread."""
    end_s = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.01)


class Line:
    """Clients that come at once, each of whom stays until the test lets all go."""

    def __init__(self) -> None:
        self._turns, self._over = password_turns(), threading.Event()
        self._guard = threading.Lock()
        self.inside = self.most = 0
        self.told = list[Rejected]()

    def come(self, client: str) -> None:
        try:
            with self._turns.turn(client):
                with self._guard:
                    self.inside += 1
                    self.most = max(self.most, self.inside)
                assert self._over.wait(WAIT_S)
                with self._guard:
                    self.inside -= 1
        except Rejected as full:
            with self._guard:
                self.told.append(full)
                if len(self.told) == self._wanted:
                    self._over.set()

    def all_come(self, clients: list[str], *, refused: int) -> None:
        """All of them; they leave once so many were refused."""
        self._wanted = refused
        threads = [threading.Thread(target=self.come, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize(
    ("clients", "stay"),
    [(["one"] * 30, OF_ONE), ([f"client {number}" for number in range(30)], AT_ONCE + IN_LINE)],
)
def test_few_are_looked_at_at_once_some_wait_and_the_others_come_again(clients: list[str], stay: int) -> None:
    line = Line()
    line.all_come(clients, refused=len(clients) - stay)
    assert [(told.code, told.facts["retry_after_s"]) for told in line.told] == [("too_many", 1)] * (len(clients) - stay)
    assert line.most <= AT_ONCE
    line.all_come(["one"], refused=0)
    assert line.inside == 0


def test_whoever_guesses_at_many_accounts_at_once_is_told_to_wait_and_keeps_no_owner_out(desk: CaseDesk) -> None:
    body = {"name": "owner-1", "role": "agent", "person": "Owner One", "password": PASSWORD}
    assert desk.http.post("/v1/accounts", json=body, headers=desk.by("supervisor-1")).is_success
    own, turns, here = {"account": "owner-1", "password": PASSWORD}, sign_in._turns, "127.0.0.1"

    def guess(number: int) -> int:
        tried = {"account": f"nobody-{number}", "password": WRONG}
        return httpx.post(f"{desk.house.address}/v1/sessions", json=tried, timeout=WAIT_S).status_code

    with (
        httpx.Client(base_url=desk.house.address, headers=OURS, timeout=WAIT_S) as browser,
        ThreadPoolExecutor(OF_ONE) as pool,
    ):
        assert browser.post("/v1/sessions", json=own).status_code == 201
        with turns.turn(here), turns.turn(here):
            waiting = [pool.submit(guess, number) for number in range(OF_ONE - AT_ONCE)]
            until(lambda: turns._here[here] == OF_ONE)
            assert guess(OF_ONE) == 429
            assert browser.post("/v1/sessions", json=own).status_code == 201
        assert [each.result() for each in waiting] == [401] * len(waiting)
