"""Google's Android Management API as a back-end.

Two ways to lock, each with what it can keep:

- **DISABLED** (the usual way): `state` of the device is patched to DISABLED, with a text for whoever holds it. It is
  level-triggered and has no life: a device that is off finds it whenever it comes back. The holder cannot leave it.
- **LOST**: a LOCK command and then lost mode, both with `duration` set to the rest of the order's time. The user may
  leave lost mode with the device's passcode, which is a way out for an honest holder and none for a thief where a
  passcode was set; without one nothing is held.

A device is ACTIVE again after `unlock` and `retire`. The API's own ways of retiring a device take the work profile's
data or everything with them, and are not used: that a device is retired is remembered in our book.

`appliedState` is what the device has applied; `state` is only what was asked. DISABLED, LOST: locked. ACTIVE: not
locked. Any other word: unknown.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from typing import Any

import msgspec

from custody.kernel.clock import Clock, from_iso
from custody.kernel.errors import Rejected, Unavailable
from devicelock.backends.android_body import NAME as DEVICE_NAME
from devicelock.backends.android_body import OPERATION, check
from devicelock.backends.asserted import AssertedBackend, Confirmation, Sent
from devicelock.backends.book import Book, Wish
from devicelock.backends.contract import BackendAnswer, Capabilities
from devicelock.backends.exchange import UNAUTHORIZED, Reply, Request, Send, judge, read_json, text_at
from devicelock.rules.applied import Applied
from devicelock.rules.command import LockScreen

NAME = "android"
WHO = "Android Management"
ADDRESS = "https://androidmanagement.googleapis.com"
RELEASE_LIFE_S = 400 * 86_400
"""A release waits for its device as long as our own agent's does."""


class LockWay(StrEnum):
    """How a device is locked."""

    DISABLED = "disabled"
    LOST = "lost"


CAPABILITIES = {
    LockWay.DISABLED: Capabilities(
        shows_contact=True,
        offline_lock=False,
        offline_unlock=False,
        user_can_leave=False,
        survives_reset=False,
        holds_without_passcode=True,
        blocks_network_only=False,
        holds_before_setup=False,
        command_life_s=None,
    ),
    LockWay.LOST: Capabilities(
        shows_contact=True,
        offline_lock=False,
        offline_unlock=False,
        user_can_leave=True,
        survives_reset=False,
        holds_without_passcode=False,
        blocks_network_only=False,
        holds_before_setup=False,
        command_life_s=RELEASE_LIFE_S,
    ),
}

SHOWN: Mapping[str, Applied] = {
    "ACTIVE": Applied.UNLOCKED,
    "DISABLED": Applied.LOCKED,
    "LOST": Applied.LOCKED,
}


def android_backend(
    send: Send, token: Callable[[str | None], str], *, book: Book, clock: Clock, way: LockWay = LockWay.DISABLED
) -> AssertedBackend:
    """The back-end; `token` gives a valid OAuth access token at every request, another one than was refused last."""
    wire = AndroidWire(send, token, clock, way)
    return AssertedBackend(name=NAME, capabilities=CAPABILITIES[way], wire=wire, book=book, clock=clock)


def patch_state(device: str, state: str, *, message: str | None = None) -> Request:
    """Ask for a state; the message is shown while the device is disabled."""
    body: dict[str, Any] = {"state": state}
    if message is not None:
        body["disabledReason"] = {"defaultMessage": message}
    check("Device", body)
    return Request(
        method="PATCH", path=_path(device), query=(("updateMask", ",".join(body)),), body=msgspec.json.encode(body)
    )


def issue_command(device: str, kind: str, *, life_s: int, params: Mapping[str, Any] | None = None) -> Request:
    """Ask for one command, which the device may carry out within `life_s` seconds."""
    body = {"type": kind, "duration": f"{life_s}s", **(params or {})}
    check("Command", body)
    return Request(method="POST", path=f"{_path(device)}:issueCommand", body=msgspec.json.encode(body))


def get_device(device: str) -> Request:
    """Ask what is known of a device."""
    return Request(method="GET", path=_path(device))


def cancel_operation(operation: str) -> Request:
    """Withdraw a command that has not reached its device."""
    if not OPERATION.fullmatch(operation):
        raise Rejected(
            "android_name", f"{operation[:80]!r} is no operation of a device", fix="Give the name it came with."
        )
    return Request(method="POST", path=f"/v1/{operation}:cancel")


def lost_mode(screen: LockScreen) -> dict[str, Any]:
    """What lost mode shows to whoever holds the device."""
    return {
        "startLostModeParams": {
            "lostMessage": {"defaultMessage": message(screen)},
            "lostPhoneNumber": {"defaultMessage": screen.phone},
            "lostOrganization": {"defaultMessage": screen.who},
        }
    }


def message(screen: LockScreen, *, most: int | None = None) -> str:
    """The screen as one text, for systems that show only one; of at most so many characters, in whole sentences."""
    said = f"{screen.who}: {screen.why}"[:most]
    for more in (f"Reference {screen.reference}.", f"Call {screen.phone}.", screen.recourse, screen.bought):
        if more is not None and (most is None or len(said) + 1 + len(more) <= most):
            said += f" {more}"
    return said


class AndroidWire:
    """How Android Management is spoken to."""

    def __init__(self, send: Send, token: Callable[[str | None], str], clock: Clock, way: LockWay) -> None:
        self._line = send
        self._token = token
        self._refused: str | None = None
        self._clock = clock
        self._way = way

    def send(self, wish: Wish) -> Sent:
        """Patch the state, or issue the commands of lost mode."""
        if not DEVICE_NAME.fullmatch(wish.handset):
            return Sent(answer=BackendAnswer.UNKNOWN_DEVICE)
        if self._way is LockWay.LOST:
            return self._lose(wish) if wish.state is Applied.LOCKED else self._find(wish)
        text = None if wish.screen is None else message(wish.screen)
        state = "DISABLED" if wish.state is Applied.LOCKED else "ACTIVE"
        return Sent(answer=self._ask(patch_state(wish.handset, state, message=text)))

    def look(self, wish: Wish) -> Confirmation:
        """What the device has applied, by its last report."""
        if not DEVICE_NAME.fullmatch(wish.handset):
            return Confirmation(applied=None, last_seen_ms=None)
        reply = self._exchange(get_device(wish.handset))
        if judge(reply, who=WHO) is not BackendAnswer.TAKEN:
            return Confirmation(applied=None, last_seen_ms=None)
        body = read_json(reply, who=WHO)
        at = text_at(body, "lastStatusReportTime")
        return Confirmation(
            applied=SHOWN.get(text_at(body, "appliedState") or ""), last_seen_ms=None if at is None else from_iso(at)
        )

    def imei(self, handset: str) -> str | None:
        """`networkInfo.imei`, which a device reports if its policy asks for it (`networkInfoEnabled`).

        Of a phone with two IMEIs it is one of them; such a phone is locked here if it is registered by that one.
        """
        reply = self._exchange(get_device(handset))
        if judge(reply, who=WHO) is not BackendAnswer.TAKEN:
            return None
        return text_at(read_json(reply, who=WHO), "networkInfo", "imei") or None

    def _lose(self, wish: Wish) -> Sent:
        life_s = (wish.not_after_ms - self._clock.now_ms()) // 1000
        if life_s < 1 or wish.screen is None:
            return Sent(answer=BackendAnswer.REFUSED)
        first = self._ask(issue_command(wish.handset, "LOCK", life_s=life_s))
        if first is not BackendAnswer.TAKEN:
            return Sent(answer=first)
        return self._command(
            issue_command(wish.handset, "START_LOST_MODE", life_s=life_s, params=lost_mode(wish.screen))
        )

    def _find(self, wish: Wish) -> Sent:
        if wish.token is not None and OPERATION.fullmatch(wish.token):
            with suppress(Unavailable):  # a release waits for nothing: what could not be cancelled is stopped
                judge(self._exchange(cancel_operation(wish.token)), who=WHO)
        return self._command(
            issue_command(wish.handset, "STOP_LOST_MODE", life_s=RELEASE_LIFE_S, params={"stopLostModeParams": {}})
        )

    def _command(self, request: Request) -> Sent:
        reply = self._exchange(request)
        answer = judge(reply, who=WHO)
        if answer is not BackendAnswer.TAKEN:
            return Sent(answer=answer)
        return Sent(answer=answer, token=text_at(read_json(reply, who=WHO), "name"))

    def _ask(self, request: Request) -> BackendAnswer:
        return judge(self._exchange(request), who=WHO)

    def _exchange(self, request: Request) -> Reply:
        """The reply to a request with a token; one that is not taken may have been withdrawn, and is not used again."""
        token = self._token(self._refused)
        headers = (("authorization", f"Bearer {token}"), ("content-type", "application/json"))
        reply = self._line(replace(request, headers=headers))
        if reply.status == UNAUTHORIZED:
            self._refused = token
        return reply


def _path(device: str) -> str:
    if not DEVICE_NAME.fullmatch(device):
        raise Rejected(
            "android_name", f"{device[:80]!r} names no device", fix="Use enterprises/{enterprise}/devices/{device}."
        )
    return f"/v1/{device}"
