"""NanoMDM: its webhook's HMAC, NotNow, partial success, and enrolling again."""

import base64
import hmac
import json
import plistlib
from typing import Any

import pytest

from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Rejected, Unavailable
from devicelock.backends.contract import BackendAnswer, Ref
from devicelock.backends.exchange import Reply, Request
from devicelock.backends.nanomdm import NanoMdmBackend, commands
from devicelock.backends.nanomdm_event import MdmTopic, open_event
from devicelock.rules.applied import Applied
from tests.contracts_backends.backend_bench import SCREEN, START_MS, NanoMdmBench

KEY = NanoMdmBench.key
HANDSET = NanoMdmBench.handset


@pytest.fixture
def bench() -> NanoMdmBench:
    return NanoMdmBench()


def lock(bench: NanoMdmBench, version: int = 1) -> BackendAnswer:
    asked = Ref(handset=HANDSET, order="lock-1", version=version)
    return bench.mdm.lock(asked, screen=SCREEN, not_after_ms=START_MS + DAY_MS)


def signed(raw: bytes, key: bytes = KEY) -> str:
    return base64.b64encode(hmac.digest(key, raw, "sha256")).decode()


def event(topic: str = "mdm.TokenUpdate", **body: Any) -> bytes:
    part = "acknowledge_event" if topic == "mdm.Connect" else "checkin_event"
    return json.dumps({"topic": topic, part: {"ids": {"id": HANDSET, "type": "Device"}, **body}}).encode()


def test_an_event_is_taken_only_with_the_hmac_of_its_very_bytes() -> None:
    raw = event()
    assert open_event(raw, signed(raw), KEY).topic is MdmTopic.TOKEN_UPDATE
    wrong = (None, "", "AAAA", signed(raw, b"another"), signed(raw + b" "), signed(raw).lower(), "\udcff")
    for signature in wrong:
        with pytest.raises(Rejected):
            open_event(raw, signature, KEY)
    with pytest.raises(Rejected):
        open_event(raw.replace(b", ", b","), signed(raw), KEY)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"topic": "mdm.Connect"}', b'{"topic": 1}', b"\xff"])
def test_a_body_that_is_no_event_is_refused_even_if_signed(raw: bytes) -> None:
    with pytest.raises(Rejected):
        open_event(raw, signed(raw), KEY)


def test_topics_and_words_that_are_not_used_change_nothing(bench: NanoMdmBench) -> None:
    lock(bench)
    for raw in (event("mdm.GetToken"), event("mdm.Connect", status="Later", command_uuid=bench.queue[0][0])):
        assert not bench.mdm.take(bench.mdm.open(raw, signed(raw)))
    assert bench.mdm.state(HANDSET).applied is None


def test_not_now_keeps_the_command_and_is_no_failure(bench: NanoMdmBench) -> None:
    lock(bench)
    name = bench.queue[0][0]
    bench.connect(name, "NotNow")
    assert lock(bench) is BackendAnswer.NOT_NOW
    assert bench.ask_again() == []
    held = bench.mdm.state(HANDSET)
    assert (held.desired, held.applied) == (Applied.LOCKED, None)
    bench.apply()
    assert bench.mdm.state(HANDSET).applied is Applied.LOCKED
    assert lock(bench) is BackendAnswer.TAKEN


@pytest.mark.parametrize("status", ["Error", "CommandFormatError"])
def test_an_error_ends_the_command_and_it_is_said_anew_under_another_name(bench: NanoMdmBench, status: str) -> None:
    lock(bench)
    name = bench.queue.pop()[0]
    bench.connect(name, status)
    assert bench.mdm.state(HANDSET).applied is None
    assert bench.ask_again() == [(HANDSET, BackendAnswer.TAKEN)]
    assert bench.queue[0][0] != name
    bench.apply()
    assert bench.mdm.state(HANDSET).applied is Applied.LOCKED


def test_an_answer_to_an_older_wish_shows_nothing_about_the_newer_one(bench: NanoMdmBench) -> None:
    lock(bench)
    name = bench.queue[0][0]
    bench.mdm.unlock(Ref(handset=HANDSET, order="lock-1", version=2))
    bench.connect(name, "Acknowledged")
    assert bench.mdm.state(HANDSET).applied is None
    assert bench.mdm.state(HANDSET).desired is Applied.UNLOCKED


@pytest.mark.parametrize("topics", [["mdm.TokenUpdate"], ["mdm.Authenticate", "mdm.TokenUpdate"]])
def test_the_wish_is_said_again_when_the_device_enrols_again(bench: NanoMdmBench, topics: list[str]) -> None:
    lock(bench)
    bench.apply()
    for topic in topics:
        bench.check_in(topic)
    assert bench.queue
    assert bench.locked()
    bench.apply()
    assert bench.mdm.state(HANDSET).applied is Applied.LOCKED


def test_an_enrolment_makes_unknown_what_was_shown_before(bench: NanoMdmBench) -> None:
    lock(bench)
    bench.apply()
    bench.check_in("mdm.Authenticate")
    assert bench.mdm.state(HANDSET).applied is None


def test_a_waiting_lock_survives_the_clearing_of_the_queue(bench: NanoMdmBench) -> None:
    lock(bench)
    bench.check_in("mdm.Authenticate")
    bench.check_in("mdm.TokenUpdate")
    assert bench.locked()


def test_an_event_is_taken_in_even_if_the_server_cannot_be_told(bench: NanoMdmBench) -> None:
    lock(bench)
    sending = bench._send

    def silent(_request: Request) -> Reply:
        raise Unavailable("backend_silent", "no reply", fix="Ask again.")

    bench.backend = NanoMdmBackend(silent, api_key="api key", webhook_key=KEY, book=bench.book, clock=bench.clock)
    raw = event()
    assert bench.mdm.take(bench.mdm.open(raw, signed(raw))), "a sign of life"
    with pytest.raises(Unavailable):
        bench.mdm.reassert(HANDSET)
    bench.backend = NanoMdmBackend(sending, api_key="api key", webhook_key=KEY, book=bench.book, clock=bench.clock)
    assert bench.ask_again() == [(HANDSET, BackendAnswer.TAKEN)]


def backend_saying(bench: NanoMdmBench, enqueue: Reply, push: Reply) -> NanoMdmBackend:
    def send(request: Request) -> Reply:
        return push if request.path.startswith("/v1/push") else enqueue

    return NanoMdmBackend(send, api_key="k", webhook_key=KEY, book=bench.book, clock=bench.clock)


OK = Reply(status=200, body=b"{}")


def told(**status: Any) -> bytes:
    return json.dumps({"status": {HANDSET: status, "OTHER": {}}}).encode()


def test_a_partial_success_counts_by_our_own_device(bench: NanoMdmBench) -> None:
    others_failed = Reply(status=207, body=json.dumps({"status": {"OTHER": {"command_error": "no"}}}).encode())
    bench.backend = backend_saying(bench, others_failed, OK)
    assert lock(bench) is BackendAnswer.TAKEN
    bench = NanoMdmBench()
    bench.backend = backend_saying(bench, Reply(status=207, body=told(command_error="disk full")), OK)
    with pytest.raises(Unavailable):
        lock(bench)


def test_a_push_that_fails_is_loud_and_the_next_call_pushes_again(bench: NanoMdmBench) -> None:
    bench.backend = backend_saying(bench, OK, Reply(status=207, body=told(push_error="BadDeviceToken")))
    with pytest.raises(Unavailable):
        lock(bench)
    exists = Reply(status=500, body=b'{"command_error": "command already exists: x"}')
    bench.backend = backend_saying(bench, exists, OK)
    assert lock(bench) is BackendAnswer.TAKEN


@pytest.mark.parametrize("name", ["a,b", "a/b", "", "a?b", "..", "a%2Cb"])
def test_a_name_that_would_reach_another_device_or_call_is_not_sent(bench: NanoMdmBench, name: str) -> None:
    asked = Ref(handset=name, order="o", version=1)
    assert bench.mdm.lock(asked, screen=SCREEN, not_after_ms=START_MS + DAY_MS) is BackendAnswer.UNKNOWN_DEVICE
    assert bench.other.calls == []


def test_retiring_ends_lost_mode_first_and_removes_the_profile_last(bench: NanoMdmBench) -> None:
    bench.mdm.retire(Ref(handset=HANDSET, order="lock-1", version=1))
    kinds = [plistlib.loads(call.body)["Command"]["RequestType"] for call in bench.other.calls if call.body]
    assert kinds == ["DisableLostMode", "RemoveProfile"]
    bench.apply()
    assert bench.removed
    assert bench.mdm.state(HANDSET).applied is Applied.RETIRED


def test_no_wish_is_said_with_a_command_that_erases(bench: NanoMdmBench) -> None:
    lock(bench)
    wish = bench.book.get(HANDSET)
    assert wish is not None
    kinds = {command["RequestType"] for command, _ in commands(wish, profile="p")}
    assert kinds == {"EnableLostMode"}
    assert commands(wish, profile="p")[0][0]["PhoneNumber"] == SCREEN.phone
