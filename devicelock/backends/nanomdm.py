"""Apple devices through a NanoMDM server as a back-end.

A lock is lost mode (EnableLostMode; the device must be supervised), because it can be ended by a command, which a
screen lock cannot. A release is DisableLostMode. To retire is DisableLostMode and then RemoveProfile of the enrolment
profile, where its identifier is given. Apple's command to erase a device is not among the words of this file.

- `PUT /v1/enqueue/{id}?nopush=1` with a command plist, then `GET /v1/push/{id}`. 200: all; 207: some failed; 500: none.
  The reply is read for our device in every case. Names of commands are made from order, version and attempt, so a
  repeated command is known: the server says that it exists already, which means taken.
- A device answers by webhook (`open`, `take`). NotNow keeps the command with the server and is data, not failure. An
  error ends the command; the wish is not taken then, and the same call says it anew, under another name.
- **A lock that was put off** (NotNow) may be carried out after its release, since the server goes on with the next
  command and offers it again later. So no release counts until that has ended, and then it is said once more.
- **Enrolling again clears the server's queue.** So the present wish is said again (`reassert`), under another name, on
  every Authenticate and TokenUpdate.
- A push that fails leaves the command enqueued and unpushed: the call is `Unavailable`, and asking again pushes again.
"""

import base64
import plistlib
import re
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from custody.kernel.clock import Clock
from custody.kernel.errors import Unavailable
from devicelock.backends.android import message
from devicelock.backends.asserted import AssertedBackend, Confirmation, Sent
from devicelock.backends.book import Book, Wish
from devicelock.backends.contract import BackendAnswer, Capabilities
from devicelock.backends.exchange import Reply, Request, Send, judge, read_json, text_at
from devicelock.backends.nanomdm_event import MdmEvent, MdmStatus, MdmTopic, open_event
from devicelock.rules.applied import Applied
from devicelock.rules.command import LockScreen

NAME = "nanomdm"
WHO = "NanoMDM"
USER = "nanomdm"
PARTIAL, NONE_DONE = 207, 500
ENROLMENT = re.compile(r"[A-Za-z0-9-]{1,128}", re.ASCII)
"""What may name a device: in the server's paths a comma would add a second one and a slash another call."""
ATTEMPTS_KNOWN = 16
"""An answer to one of this many last attempts of the same wish still counts."""
ENDS = frozenset({MdmStatus.ACKNOWLEDGED, MdmStatus.ERROR, MdmStatus.FORMAT_ERROR})
"""Answers after which the server offers a command no more."""

CAPABILITIES = Capabilities(
    shows_contact=True,
    offline_lock=False,
    offline_unlock=False,
    user_can_leave=False,
    survives_reset=False,
    holds_without_passcode=True,
    blocks_network_only=False,
    holds_before_setup=False,
    command_life_s=None,
)


def commands(wish: Wish, *, profile: str | None) -> tuple[tuple[dict[str, Any], Applied], ...]:
    """The commands of a wish, each with what the device has applied once it acknowledges it."""
    if wish.state is Applied.LOCKED and wish.screen is not None:
        return ((_lost_mode(wish.screen), Applied.LOCKED),)
    found: dict[str, Any] = {"RequestType": "DisableLostMode"}
    if wish.state is Applied.RETIRED and profile is not None:
        removed = {"RequestType": "RemoveProfile", "Identifier": profile}
        return ((found, Applied.UNLOCKED), (removed, Applied.RETIRED))
    return ((found, Applied.UNLOCKED),)


def command_name(wish: Wish, step: int, *, attempt: int | None = None) -> str:
    """The UUID of a wish's command; the same call gives the same name."""
    number = wish.attempt if attempt is None else attempt
    parts = (wish.handset, wish.order, str(wish.version), str(wish.state), str(number), str(step))
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "urn:weaklink:nanomdm:" + "|".join(parts)))


class NanoMdmBackend(AssertedBackend):
    """The server as a `Backend`, and what it says to us."""

    def __init__(
        self,
        send: Send,
        *,
        api_key: str,
        webhook_key: bytes,
        book: Book,
        clock: Clock,
        profile: str | None = None,
        push: bool = True,
    ) -> None:
        """`push=False` where devices come by themselves and the server has no push certificate."""
        wire = NanoMdmWire(send, api_key, profile=profile, push=push)
        super().__init__(name=NAME, capabilities=CAPABILITIES, wire=wire, book=book, clock=clock)
        self._profile = profile
        self._webhook_key = webhook_key

    def open(self, raw: bytes, signature: str | None) -> MdmEvent:
        """The event in a webhook call; raises `Rejected` if its HMAC or form is wrong."""
        return open_event(raw, signature, self._webhook_key)

    def take(self, event: MdmEvent) -> bool:
        """Learn from an event; whether it is a sign of life, after which the present wish must be said again."""
        signs_of_life = {MdmTopic.AUTHENTICATE, MdmTopic.TOKEN_UPDATE}
        if event.topic in signs_of_life:
            self._enrolled(event)
        elif event.topic is MdmTopic.CHECK_OUT:
            wish = self._current(event.handset)
            retired = wish is not None and wish.state is Applied.RETIRED
            self._learn(event.handset, applied=Applied.RETIRED if retired else None, last_seen_ms=self._clock.now_ms())
        elif event.topic is MdmTopic.CONNECT:
            self._answered(event)
        return event.topic in signs_of_life

    def _enrolled(self, event: MdmEvent) -> None:
        """What the server keeps for the device is gone, or may be: the wish is said again whatever became of it."""
        if event.topic is MdmTopic.AUTHENTICATE:
            self._learn(event.handset, applied=None, last_seen_ms=self._clock.now_ms())
        with self._mutex:
            wish = self._book.get(event.handset)
            if wish is not None:
                gone = event.topic is MdmTopic.AUTHENTICATE
                self._book.put(replace(wish, not_now=False, put_off=None if gone else wish.put_off))

    def _answered(self, event: MdmEvent) -> None:
        """What an answer of the device says of the wish that stands now."""
        now_ms = self._clock.now_ms()
        with self._mutex:
            wish = self._book.get(event.handset)
        if wish is None:
            return
        shown = None if event.command is None else self._meant(wish, event.command)
        has_ended = event.command is not None and event.command == wish.put_off and event.status in ENDS
        put_off = None if has_ended else wish.put_off
        if shown is None:
            self._answered_another(wish, event, has_ended=has_ended)
        elif event.status is None:
            self._learn(event.handset, applied=wish.applied, last_seen_ms=now_ms)
        elif event.status is MdmStatus.ACKNOWLEDGED:
            is_sure = shown is not Applied.UNLOCKED or put_off is None
            self._learn(event.handset, applied=shown if is_sure else None, last_seen_ms=now_ms)
            self._mark(wish, not_now=False, put_off=put_off)
        elif event.status is MdmStatus.NOT_NOW:
            self._mark(wish, not_now=True, put_off=event.command if shown is Applied.LOCKED else put_off)
        elif event.status in ENDS:
            self._mark(wish, not_now=False, put_off=put_off, attempt=wish.attempt + 1, taken=False)

    def _answered_another(self, wish: Wish, event: MdmEvent, *, has_ended: bool) -> None:
        """The answer to a command that is none of the wish's; `has_ended`: the lock that was put off, at its end."""
        now_ms = self._clock.now_ms()
        if has_ended:
            applied = Applied.LOCKED if event.status is MdmStatus.ACKNOWLEDGED else None
            self._learn(event.handset, applied=applied, last_seen_ms=now_ms)
            self._mark(wish, put_off=None, attempt=wish.attempt + 1, taken=False)
        elif event.status is MdmStatus.NOT_NOW and self._is_overtaken(wish, event.command):
            self._mark(wish, put_off=event.command)
        else:
            self._learn(event.handset, applied=wish.applied, last_seen_ms=now_ms)

    def _meant(self, wish: Wish, command: str) -> Applied | None:
        """What the device has applied if it acknowledges this command, if it is one of the wish's."""
        for step, (_, shown) in enumerate(commands(wish, profile=self._profile)):
            for attempt in range(wish.attempt, max(-1, wish.attempt - ATTEMPTS_KNOWN), -1):
                if command_name(wish, step, attempt=attempt) == command:
                    return shown
        return None

    def _is_overtaken(self, wish: Wish, command: str | None) -> bool:
        """Whether a command is one of the lock that the wish, a release, has overtaken."""
        lock = wish.overtakes
        return lock is not None and command is not None and self._meant(lock, command) is not None

    def _mark(self, wish: Wish, **learned: Any) -> None:
        with self._mutex:
            newest = self._book.get(wish.handset)
            if newest is not None and wish.is_same(newest):
                self._book.put(replace(newest, last_seen_ms=self._clock.now_ms(), **learned))


class NanoMdmWire:
    """How the server is spoken to."""

    def __init__(self, send: Send, api_key: str, *, profile: str | None, push: bool) -> None:
        self._line = send
        self._profile = profile
        self._push = push
        token = base64.b64encode(f"{USER}:{api_key}".encode()).decode()
        self._headers = (("authorization", f"Basic {token}"), ("content-type", "application/x-plist"))

    def send(self, wish: Wish) -> Sent:
        """Enqueue the wish's commands, then wake the device."""
        if not ENROLMENT.fullmatch(wish.handset):
            return Sent(answer=BackendAnswer.UNKNOWN_DEVICE)
        names = []
        for step, (command, _) in enumerate(commands(wish, profile=self._profile)):
            names.append(command_name(wish, step))
            body = plistlib.dumps({"CommandUUID": names[-1], "Command": command})
            reply = self._line(
                Request(
                    method="PUT",
                    path=f"/v1/enqueue/{wish.handset}",
                    query=(("nopush", "1"),),
                    headers=self._headers,
                    body=body,
                )
            )
            answer = _enqueued(reply, wish.handset)
            if answer is not BackendAnswer.TAKEN:
                return Sent(answer=answer)
        if not self._push:
            return Sent(answer=BackendAnswer.TAKEN, token=names[-1])
        path = f"/v1/push/{wish.handset}"
        answer = _pushed(self._line(Request(method="GET", path=path, headers=self._headers)), wish.handset)
        return Sent(answer=answer, token=names[-1])

    def imei(self, handset: str) -> str | None:
        """None: a device tells its IMEI only in answer to a command of its own (DeviceInformation), sooner or later."""
        del handset
        return None

    def look(self, wish: Wish) -> Confirmation:
        """What the device said last: the server itself is asked nothing, since its queue is no word of the device."""
        return Confirmation(applied=wish.applied, last_seen_ms=wish.last_seen_ms)


def _enqueued(reply: Reply, handset: str) -> BackendAnswer:
    if reply.status not in {PARTIAL, NONE_DONE}:
        return judge(reply, who=WHO)
    errors = _errors(reply, handset, "command_error")
    if any("already exists" in error or "duplicate" in error.lower() for error in errors):
        return BackendAnswer.TAKEN
    if errors or reply.status == NONE_DONE:
        raise Unavailable("backend_busy", f"{WHO} did not enqueue the command: {'; '.join(errors)}", fix="Ask again.")
    return BackendAnswer.TAKEN


def _pushed(reply: Reply, handset: str) -> BackendAnswer:
    if reply.status not in {PARTIAL, NONE_DONE}:
        return judge(reply, who=WHO)
    errors = _errors(reply, handset, "push_error")
    if any("push data missing" in error for error in errors):
        return BackendAnswer.UNKNOWN_DEVICE
    if errors or reply.status == NONE_DONE:
        raise Unavailable(
            "backend_push",
            f"{WHO} holds the command and could not wake the device: {'; '.join(errors)}",
            fix="Ask again.",
        )
    return BackendAnswer.TAKEN


def _errors(reply: Reply, handset: str, kind: str) -> Sequence[str]:
    """What went wrong as a whole and for our device, from the server's reply."""
    body = read_json(reply, who=WHO)
    found = (text_at(body, kind), text_at(body, "status", handset, kind))
    return [text for text in found if text]


def _lost_mode(screen: LockScreen) -> dict[str, Any]:
    return {
        "RequestType": "EnableLostMode",
        "Message": message(screen),
        "PhoneNumber": screen.phone,
        "Footnote": screen.who,
    }
