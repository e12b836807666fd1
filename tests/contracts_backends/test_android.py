"""Android Management: our description of it against its discovery document, and every body against both."""

import json
from pathlib import Path
from typing import Any

import pytest

from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Rejected, Unavailable
from devicelock.backends.android import (
    ADDRESS,
    CAPABILITIES,
    LockWay,
    cancel_operation,
    get_device,
    issue_command,
    lost_mode,
    patch_state,
)
from devicelock.backends.android_body import DURATION, SCHEMAS, TEXT, check
from devicelock.backends.contract import BackendAnswer, Ref
from devicelock.backends.exchange import Reply, Request
from devicelock.rules.applied import Applied
from tests.contracts_backends.backend_bench import SCREEN, START_MS, AndroidBench, Fault

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parent / "golden" / "androidmanagement_excerpt.json").read_text(encoding="utf-8")
)
STATES = frozenset(DOCUMENT["schemas"]["Device"]["appliedState"]["enum"])
DEVICE = AndroidBench.handset
ERASING = ("WIPE", "CLEAR_APP_DATA", "RELINQUISH_OWNERSHIP", "RESET_PASSWORD", "REBOOT")


def ref(version: int) -> Ref:
    return Ref(handset=DEVICE, order="lock-1", version=version)


def test_every_field_and_word_of_our_description_stands_in_the_discovery_document() -> None:
    for schema, fields in SCHEMAS.items():
        known = DOCUMENT["schemas"][schema]
        for name, kind in fields.items():
            told = known[name]
            assert not told.get("readOnly"), name
            if isinstance(kind, frozenset):
                assert kind <= set(told["enum"]), name
            elif kind in SCHEMAS:
                assert told["$ref"] == kind, name
            elif kind == DURATION:
                assert told["format"] == DURATION, name
            else:
                assert (told["type"], kind) == ("string", TEXT), name
    assert DOCUMENT["baseUrl"].rstrip("/") == ADDRESS


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("get", get_device(DEVICE)),
        ("patch", patch_state(DEVICE, "ACTIVE")),
        ("patch", patch_state(DEVICE, "DISABLED", message="Call.")),
        ("issueCommand", issue_command(DEVICE, "LOCK", life_s=60)),
        ("operations.cancel", cancel_operation(f"{DEVICE}/operations/op1")),
    ],
)
def test_every_request_has_the_method_and_path_of_the_document(method: str, request_: Request) -> None:
    told = DOCUMENT["methods"][method]
    name = DEVICE + ("/operations/op1" if method.startswith("operations") else "")
    assert request_.method == told["httpMethod"]
    assert request_.path == "/" + told["path"].replace("{+name}", name)
    assert {key for key, _ in request_.query} <= set(told["query"])


@pytest.mark.parametrize("kind", ERASING)
def test_no_command_that_erases_can_be_built(kind: str) -> None:
    assert kind in DOCUMENT["schemas"]["Command"]["type"]["enum"]
    with pytest.raises(Rejected):
        issue_command(DEVICE, kind, life_s=60)


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        ("Command", {"type": "LOCK"}),
        ("Command", {"duration": "60s"}),
        ("Command", {"type": "LOCK", "duration": "0s"}),
        ("Command", {"type": "LOCK", "duration": "60"}),
        ("Command", {"type": "lock", "duration": "60s"}),
        ("Command", {"type": "LOCK", "duration": "60s", "wipeParams": {}}),
        ("Command", {"type": "LOCK", "duration": "60s", "startLostModeParams": {}}),
        ("Command", {"type": "LOCK", "duration": "60s", "stopLostModeParams": {}}),
        ("Command", {"type": "START_LOST_MODE", "duration": "60s"}),
        ("Command", {"type": "START_LOST_MODE", "duration": "60s", "startLostModeParams": {}}),
        ("Device", {"state": "DELETED"}),
        ("Device", {"State": "ACTIVE"}),
        ("Device", {"state": "ACTIVE", "disabledReason": "text"}),
        ("Device", {"state": "ACTIVE", "disabledReason": {"defaultMessage": ""}}),
    ],
)
def test_a_body_against_the_description_is_refused(schema: str, body: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        check(schema, body)


@pytest.mark.parametrize(
    "name",
    ["enterprises/e/devices/..", "enterprises/e/devices/d:wipe", "devices/d", "enterprises/e/devices/d?x", ""],
)
def test_a_name_that_could_reach_another_method_is_refused(name: str) -> None:
    with pytest.raises(Rejected):
        get_device(name)
    with pytest.raises(Rejected):
        cancel_operation(f"{name}/operations/op1")


def test_a_release_does_not_wait_for_a_cancellation() -> None:
    bench = AndroidBench(LockWay.LOST)
    bench.backend.lock(ref(1), screen=SCREEN, not_after_ms=START_MS + DAY_MS)
    taken = bench._take

    def no_cancelling(request: Request) -> Any:
        return Reply(status=503) if request.path.endswith(":cancel") else taken(request)

    bench._take = no_cancelling  # type: ignore[method-assign]  # only cancelling is broken
    assert bench.backend.unlock(ref(2)) is BackendAnswer.TAKEN
    assert not bench.locked()


def test_the_holder_is_told_whom_to_call_in_both_ways() -> None:
    params = lost_mode(SCREEN)["startLostModeParams"]
    assert params["lostPhoneNumber"] == {"defaultMessage": SCREEN.phone}
    bench = AndroidBench(LockWay.DISABLED)
    bench.backend.lock(ref(1), screen=SCREEN, not_after_ms=START_MS + DAY_MS)
    body = json.loads(bench.other.calls[-1].body)
    assert SCREEN.phone in body["disabledReason"]["defaultMessage"]
    assert all(able.shows_contact for able in CAPABILITIES.values())


def test_every_command_has_its_life_and_no_longer_one_than_the_order() -> None:
    bench = AndroidBench(LockWay.LOST)
    bench.clock.at_ms += 500
    bench.backend.lock(ref(1), screen=SCREEN, not_after_ms=START_MS + DAY_MS)
    bodies = [json.loads(call.body) for call in bench.other.calls]
    assert [(body["type"], body["duration"]) for body in bodies] == [
        ("LOCK", "86399s"),
        ("START_LOST_MODE", "86399s"),
    ]


def test_a_waiting_lost_mode_is_cancelled_before_it_is_stopped() -> None:
    bench = AndroidBench(LockWay.LOST)
    bench.backend.lock(ref(1), screen=SCREEN, not_after_ms=START_MS + DAY_MS)
    assert bench.backend.cancel(ref(1)) is BackendAnswer.TAKEN
    assert bench.cancelled == [f"/v1/{DEVICE}/operations/op2:cancel"]
    assert json.loads(bench.other.calls[-1].body)["type"] == "STOP_LOST_MODE"


def test_half_a_lock_is_no_lock_and_is_asked_for_again_as_a_whole() -> None:
    bench = AndroidBench(LockWay.LOST)
    taken = bench._take

    def only_the_first(request: Request) -> Any:
        bench.other.fault = Fault.BROKEN
        return taken(request)

    bench._take = only_the_first  # type: ignore[method-assign]  # the second request of the lock fails
    with pytest.raises(Unavailable):
        bench.backend.lock(ref(1), screen=SCREEN, not_after_ms=START_MS + DAY_MS)
    assert not bench.locked()
    bench._take = taken  # type: ignore[method-assign]  # and from here on nothing does
    bench.other.fault = None
    assert bench.backend.lock(ref(1), screen=SCREEN, not_after_ms=START_MS + DAY_MS) is BackendAnswer.TAKEN
    assert bench.locked()


@pytest.mark.parametrize("word", sorted(STATES - {"ACTIVE", "DISABLED", "LOST"}))
def test_a_state_that_says_neither_is_unknown(word: str) -> None:
    bench = AndroidBench(LockWay.DISABLED)
    bench.backend.lock(ref(1), screen=SCREEN, not_after_ms=START_MS + DAY_MS)
    bench.shown, bench.seen_ms = word, START_MS
    held = bench.backend.state(DEVICE)
    assert (held.desired, held.applied) == (Applied.LOCKED, None)


@pytest.mark.parametrize("told", ["490154203237518", None])
def test_a_device_that_reports_its_network_tells_its_imei(told: str | None) -> None:
    bench = AndroidBench(LockWay.DISABLED)
    bench.imei = told
    assert bench.backend.imei(DEVICE) == told
    assert [call.method for call in bench.other.calls] == ["GET"]
    assert bench.backend.imei(AndroidBench.unknown) is None
    bench.other.fault = Fault.BROKEN
    with pytest.raises(Unavailable):
        bench.backend.imei(DEVICE)
