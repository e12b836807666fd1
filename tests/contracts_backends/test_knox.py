"""Knox Guard: unverified and saying so, signed tokens, and the states of Samsung's public pages."""

import base64
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Rejected
from devicelock.backends.contract import BackendAnswer, Ref
from devicelock.backends.knox import CAPABILITIES, SHOWN
from devicelock.backends.signed_token import sign_token
from devicelock.rules.applied import Applied
from tests.contracts_backends.backend_bench import SCREEN, START_MS, KnoxBench, throw_away_key

HANDSET = KnoxBench.handset


@pytest.fixture
def bench() -> KnoxBench:
    return KnoxBench()


def ref(version: int) -> Ref:
    return Ref(handset=HANDSET, order="lock-1", version=version)


def lock(bench: KnoxBench, version: int = 1) -> BackendAnswer:
    return bench.backend.lock(ref(version), screen=SCREEN, not_after_ms=START_MS + DAY_MS)


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_the_back_end_says_that_it_was_never_tried(bench: KnoxBench) -> None:
    assert CAPABILITIES.unverified.startswith("UNVERIFIED")
    assert bench.backend.capabilities() is CAPABILITIES


def test_a_token_is_signed_by_rs512_and_one_changed_byte_is_not() -> None:
    token = sign_token({"accessToken": "a"}, throw_away_key(), algorithm="RS512")
    head, claims, signature = token.split(".")
    assert json.loads(unb64(head)) == {"alg": "RS512", "typ": "JWT"}
    assert json.loads(unb64(claims)) == {"accessToken": "a"}
    assert "=" not in token
    public = throw_away_key().public_key()
    public.verify(unb64(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA512())
    with pytest.raises(InvalidSignature):
        public.verify(unb64(signature), f"{head}.{claims}x".encode(), padding.PKCS1v15(), hashes.SHA512())


def test_a_short_key_signs_no_token() -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - short on purpose
    with pytest.raises(Rejected):
        sign_token({}, short, algorithm="RS512")


def test_every_request_carries_a_token_and_a_repeated_one_the_same_transaction(bench: KnoxBench) -> None:
    lock(bench)
    bench.book.drop(HANDSET)
    bench.device_state = "Active"
    lock(bench)
    headers = [dict(call.headers) for call in bench.other.calls if call.method == "POST"]
    assert len(headers) == 2
    assert headers[0]["x-knox-transactionid"] == headers[1]["x-knox-transactionid"]
    claims = json.loads(unb64(headers[0]["x-knox-apitoken"].split(".")[1]))
    assert claims["accessToken"] == "access"
    assert claims["exp"] - claims["iat"] == 300


def test_nothing_is_uploaded_locked_by_itself_or_deleted(bench: KnoxBench) -> None:
    lock(bench)
    bench.apply()
    bench.backend.retire(ref(2))
    bench.apply()
    bench.ask_again()
    sent = [(call.path.rpartition("/")[2], call.body) for call in bench.other.calls if call.method == "POST"]
    assert [path for path, _ in sent] == ["lock", "unlock", "complete"]
    assert not any(b"autoLock" in body or b"Reset" in body for _, body in sent)


@pytest.mark.parametrize("state", ["Pending", "Rejected", "Activating"])
def test_a_device_that_has_not_enrolled_waits_for_its_lock(bench: KnoxBench, state: str) -> None:
    bench.device_state = state
    assert lock(bench) is BackendAnswer.NOT_NOW
    bench.device_state = "Active"
    assert bench.ask_again() == [(HANDSET, BackendAnswer.TAKEN)]
    assert bench.locked()


@pytest.mark.parametrize("state", ["Completing", "Complete"])
def test_a_completed_device_takes_no_lock(bench: KnoxBench, state: str) -> None:
    bench.device_state = state
    assert lock(bench) is BackendAnswer.REFUSED
    assert bench.backend.unlock(ref(2)) is BackendAnswer.TAKEN


@pytest.mark.parametrize("state", ["Locking", "Unlocking", "Activating", "Completing", "Exchanging", "Odd"])
def test_a_state_on_the_way_shows_nothing(bench: KnoxBench, state: str) -> None:
    lock(bench)
    bench.device_state = state
    assert state not in SHOWN
    assert bench.backend.state(HANDSET).applied is None


def test_an_offline_lock_of_the_makers_own_is_shown_and_released(bench: KnoxBench) -> None:
    bench.backend.unlock(ref(1))
    bench.device_state = "Offline locked"
    assert bench.backend.state(HANDSET).applied is Applied.LOCKED
    assert bench.backend.reassert(HANDSET) is BackendAnswer.TAKEN
    bench.apply()
    assert bench.backend.state(HANDSET).applied is Applied.UNLOCKED


def test_a_device_that_is_named_by_its_imei_tells_it_and_one_named_by_its_serial_number_does_not(
    bench: KnoxBench,
) -> None:
    assert bench.backend.imei(HANDSET) == HANDSET
    assert bench.backend.imei("R58N12ABCDE") is None
    assert bench.other.calls == [], "it costs no call"
