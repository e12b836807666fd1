"""A head that nobody sends takes no longer to be answered than another one: whoever reads it holds all others up."""

import time
from itertools import product

import httpx
import pytest

from tests.doors.case_desk import CaseDesk

RUNS = (" ", "\t", ";", ",", "; ", "a ", ";q=", "q=0.", "a=", '"', "\\", "0")
LONG, LONG_S = 50_000, 5.0


@pytest.mark.parametrize("header", ["Accept", "Accept-Encoding", "Content-Type", "Prefer", "Authorization"])
@pytest.mark.parametrize("path", ["/nobody", "/c/nobody", "/log/tile/0/000"])
def test_a_long_run_in_a_header_holds_nobody_up(desk: CaseDesk, header: str, path: str) -> None:
    with httpx.Client(base_url=desk.house.address, timeout=120) as http:
        for run, (begin, end) in product(RUNS, ((";", ";"), ('a="', '"'))):
            value = f"{begin}{run * (LONG // len(run))}{end}".encode()
            begin_s = time.perf_counter()
            answer = http.get(path, headers={header.encode(): value})
            assert answer.status_code < 500
            assert time.perf_counter() - begin_s < LONG_S, repr(run)
