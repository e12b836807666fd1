"""What a handset stores: one small file, with its own digest before it.

A store that the digest does not fit is not believed in any part: one flipped bit could hold a lock for ever.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from custody.kernel import cbor
from custody.kernel.errors import Rejected
from custody.kernel.keys import read_cose_key
from devicelock.rules.applied import Applied
from devicelock.rules.command import KeyRing, LockScreen
from devicelock.rules.device import DeviceState
from devicelock.rules.hello import StateCause
from devicelock.rules.unlock_code import Question

DIGEST_BYTES = 32


def write_state(state: DeviceState) -> bytes:
    """A state as it is stored."""
    body = cbor.encode(_pack(state))
    return hashlib.sha256(body).digest() + body


def read_state(content: bytes) -> DeviceState:
    """The state in a store; raises `Rejected("store")` if it is damaged."""
    digest, body = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        raise Rejected("store", "the store is damaged", fix="Switch the handset on: it begins anew.")
    return _unpack(cbor.decode(body))


_PLAIN = ("device", "nonce", "nonce_at_s", "epoch", "counter", "command_id", "held_until_s", "seen_s")
_SCREEN = ("who", "why", "reference", "phone", "recourse", "bought", "deadline_s")
_QUESTION = ("digits", "wrong", "not_before_s")


def _pack(state: DeviceState) -> dict[str, Any]:
    packed: dict[str, Any] = {name: getattr(state, name) for name in _PLAIN}
    packed |= {"applied": str(state.applied), "cause": str(state.cause)}
    packed["lock_key"] = None if state.keys.lock is None else state.keys.lock.cose_key()
    packed["unlock_key"] = state.keys.unlock.cose_key()
    packed["screen"] = _fields(state.screen, _SCREEN)
    packed["question"] = _fields(state.question, _QUESTION)
    return packed


def _unpack(packed: dict[str, Any]) -> DeviceState:
    lock = packed["lock_key"]
    return DeviceState(
        keys=KeyRing(lock=None if lock is None else read_cose_key(lock), unlock=read_cose_key(packed["unlock_key"])),
        applied=Applied(packed["applied"]),
        cause=StateCause(packed["cause"]),
        screen=_made(LockScreen, packed["screen"]),
        question=_made(Question, packed["question"]),
        **{name: packed[name] for name in _PLAIN},
    )


def _fields(value: LockScreen | Question | None, names: tuple[str, ...]) -> dict[str, Any] | None:
    return None if value is None else {name: getattr(value, name) for name in names}


def _made(kind: Callable[..., Any], fields: dict[str, Any] | None) -> Any:
    return None if fields is None else kind(**fields)
