"""A body that takes long to read keeps no other request waiting: it is read beside the event loop, or refused."""

import pytest

from api.http import json_bodies
from api.http.body_limits import MOST_BYTES
from api.http.json_bodies import MOST_VALUES
from api.http.large_bodies import AT_ONCE
from api.routes.scans import MANY, ONE, TOGETHER
from custody.gs1.json_text import read_json
from custody.kernel import cbor
from custody.scans.scan import OPENING_LIMIT_BYTES, STATEMENT_LIMIT_BYTES
from devicelock.backends.nanomdm_event import MAX_BYTES
from tests.doors.case_desk import CaseDesk
from tests.doors.loop_calls import answer_and_calls

JSON = "application/json"
EVENT = b"\x01" * 1_000
READERS = {read_json.__code__, cbor.decode.__code__}


def scans(count: int) -> bytes:
    return cbor.encode([[b"no statement", EVENT]] * count)


def batch(count: int) -> bytes:
    return cbor.encode([b"no statement", b"no seal", [["urn:a:b", "c/d", EVENT]] * count])


@pytest.mark.parametrize(
    ("door", "small", "large"),
    [
        (("/v1/scans:batch", MANY), scans(2), scans(100)),
        (("/v1/batches", TOGETHER), batch(2), batch(100)),
        (("/v1/scans", ONE), cbor.encode([b"", EVENT]), cbor.encode([b"", EVENT * 100])),
        (("/v1/holders", JSON), b'{"words":"a"}', b'{"words":"%s"}' % (b"a" * 100_000)),
    ],
)
def test_a_large_body_is_read_on_another_thread_than_the_loops_and_a_small_one_at_once(
    desk: CaseDesk, door: tuple[str, str], small: bytes, large: bytes
) -> None:
    assert len(small) <= AT_ONCE < len(large)
    for body, here in ((small, True), (large, False)):
        path, kind = door
        answer, called = answer_and_calls(desk, path, body, {"content-type": kind})
        assert answer.status_code in {200, 422}
        assert bool(called & READERS) is here


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b",".join([b"[]"] * MOST_VALUES) + b"]",
        b"[" + b",".join([b'""'] * 300_000) + b"]",
        b"{" + b",".join(b'"%x":1' % name for name in range(MOST_VALUES + 1)) + b"}",
        b"[" * (MOST_VALUES + 1),
        b'"' * 500_000,
    ],
    ids=["lists", "texts", "names", "open lists", "quotes"],
)
def test_json_of_very_many_values_is_refused_before_it_is_read(desk: CaseDesk, body: bytes) -> None:
    assert json_bodies.holds_too_much(body)
    answer = desk.http.post("/v1/disputes", content=body, headers={"content-type": JSON})
    assert answer.status_code == 422
    assert f"{MOST_VALUES} values" in answer.json()["detail"]


def test_commas_and_brackets_within_texts_are_no_values(desk: CaseDesk) -> None:
    words = 'They said "it, [was], {there}\\", and so on. ' * 400
    assert desk.http.post("/v1/disputes", json={"words": words}).status_code == 201


def test_the_longest_report_is_taken_also_with_every_letter_escaped(desk: CaseDesk) -> None:
    words, more = "\U0001f4e6" * 20_000, "\U0001f4e6" * 5_000
    assert desk.http.post("/v1/disputes", json={"words": words, "anything_else": more}).status_code == 201


@pytest.mark.parametrize("path", ["/v1/disputes", "/v1/log/policy"])
@pytest.mark.parametrize("kind", [JSON, "text/plain", "application/x-www-form-urlencoded"])
def test_what_is_neither_scans_nor_a_form_with_files_is_no_longer_than_anybody_needs(
    desk: CaseDesk, path: str, kind: str
) -> None:
    assert desk.http.post(path, content=b" " * (MOST_BYTES + 1), headers={"content-type": kind}).status_code == 413
    assert MOST_BYTES >= MAX_BYTES


def test_a_scan_is_no_longer_than_its_parts_may_be(desk: CaseDesk) -> None:
    longest = cbor.encode([bytes(STATEMENT_LIMIT_BYTES), bytes(OPENING_LIMIT_BYTES)])
    for body, status in ((longest, 422), (longest + b"\0", 413)):
        answer = desk.http.post("/v1/scans", content=body, headers={"content-type": ONE})
        assert (answer.status_code, "fix" in answer.json()) == (status, True)
