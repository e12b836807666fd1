"""A head that nobody sends takes no longer to be answered than another one: whoever reads it holds all others up."""

import time
from itertools import product

import httpx
import pytest

from api.people.auth import COOKIE
from tests.doors.case_desk import CaseDesk

RUNS = (" ", "\t", ";", ",", "; ", "a ", ";q=", "q=0.", "a=", '"', "\\", '\\"', "\\0", "0")
LONG, LONG_S = 50_000, 5.0


@pytest.mark.parametrize("header", ["Accept", "Accept-Encoding", "Cookie", "Content-Type", "Prefer", "Authorization"])
@pytest.mark.parametrize("path", ["/nobody", "/c/nobody", "/log/tile/0/000"])
def test_a_long_run_in_a_header_holds_nobody_up(desk: CaseDesk, header: str, path: str) -> None:
    with httpx.Client(base_url=desk.house.address, timeout=120) as http:
        for run, (begin, end) in product(RUNS, ((";", ";"), ('a="', '"'))):
            value = f"{begin}{run * (LONG // len(run))}{end}".encode()
            begin_s = time.perf_counter()
            answer = http.get(path, headers={header.encode(): value})
            assert answer.status_code < 500
            assert time.perf_counter() - begin_s < LONG_S, repr(run)


def test_a_cookie_of_others_with_a_backslash_signs_nobody_out(desk: CaseDesk) -> None:
    token = desk.house.token("agent-1")
    for cookies in (f'odd="a\\"b"; {COOKIE}={token}', f'{COOKIE}={token};odd=\\"'):
        assert desk.http.get("/v1/me", headers={"cookie": cookies}).json()["account"] == "agent-1"
    assert desk.http.get("/v1/me", headers={"cookie": f'{COOKIE}="\\{token}"'}).status_code == 401
