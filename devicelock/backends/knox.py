"""Samsung Knox Guard as a back-end. **UNVERIFIED**: paths and fields were seen in other people's clients only.

Nothing here was tried against Samsung's service or its reference. What is sent, and how states are read, stands in the
tables below, so that it can be put right in one place; the tests hold it against a fake with the states that Samsung's
public pages name.

| what | request, below `/kcs/v1.1/kg` |
|---|---|
| lock | `POST /devices/lock` {deviceUid, message, tel} |
| release | `POST /devices/unlock` {deviceUid} |
| retire | `POST /devices/complete` {deviceUid}, once the device is active |
| look | `GET /devices/{deviceUid}` -> {state, lastSeen} |

- A state that ends in -ing means sent and not yet confirmed: `applied` is unknown in it.
- Devices are registered elsewhere. Nothing here can upload one, least of all with an automatic lock.
- Complete can be undone at Samsung's side, so that a device is retired is remembered in our book.
- `x-knox-apitoken` is a token (RS512) over the access token; `x-knox-transactionId` is made from the wish, so that a
  repeated request has the same one.
"""

import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from custody.kernel.clock import Clock
from devicelock.backends.android import message
from devicelock.backends.asserted import AssertedBackend, Confirmation, Sent
from devicelock.backends.book import Book, Wish
from devicelock.backends.contract import BackendAnswer, Capabilities
from devicelock.backends.exchange import Request, Send, judge, read_json, text_at
from devicelock.backends.signed_token import sign_token
from devicelock.rules.applied import Applied

NAME = "knox"
WHO = "Knox Guard"
BASE = "/kcs/v1.1/kg"
AUDIENCE = "KnoxWSM"
TOKEN_LIFE_S = 300
MESSAGE_MOST = 350
IMEI = re.compile(r"[0-9]{15}", re.ASCII)

SHOWN: Mapping[str, Applied] = {
    "Active": Applied.UNLOCKED,
    "Reminder On": Applied.UNLOCKED,
    "Locked": Applied.LOCKED,
    "Offline locked": Applied.LOCKED,
    "Complete": Applied.RETIRED,
}
"""States that say what the device has applied; in every other it is unknown."""

BEFORE_ENROLMENT = frozenset({"Pending", "Rejected", "Activating"})
ON_THE_WAY_TO_LOCK = frozenset({"Locked", "Locking", "Offline locked"})
ON_THE_WAY_TO_FREE = frozenset({"Unlocking"})
OVER = frozenset({"Completing", "Complete"})


CAPABILITIES = Capabilities(
    shows_contact=True,
    offline_lock=False,
    offline_unlock=False,
    user_can_leave=False,
    survives_reset=True,
    holds_without_passcode=True,
    blocks_network_only=False,
    holds_before_setup=True,
    command_life_s=None,
    unverified="UNVERIFIED: no call was ever made to Samsung's service; paths, fields and promises are second-hand.",
)


def knox_backend(send: Send, *, access_token: str, key: rsa.RSAPrivateKey, book: Book, clock: Clock) -> AssertedBackend:
    """The back-end; `key` signs the tokens."""
    wire = KnoxWire(send, access_token, key, clock)
    return AssertedBackend(name=NAME, capabilities=CAPABILITIES, wire=wire, book=book, clock=clock)


class KnoxWire:
    """How Knox Guard is spoken to."""

    def __init__(self, send: Send, access_token: str, key: rsa.RSAPrivateKey, clock: Clock) -> None:
        self._line = send
        self._access_token = access_token
        self._key = key
        self._clock = clock

    def send(self, wish: Wish) -> Sent:
        """Look first, then ask for what is missing."""
        answer, body = self._read(wish)
        if answer is not BackendAnswer.TAKEN:
            return Sent(answer=answer)
        state = text_at(body, "state") or ""
        if wish.state is Applied.LOCKED:
            return Sent(answer=self._lock(wish, state))
        if state in OVER:
            return Sent(answer=BackendAnswer.TAKEN)
        if wish.state is Applied.RETIRED and SHOWN.get(state) is Applied.UNLOCKED:
            return Sent(answer=self._post(wish, "complete", {}))
        released = BackendAnswer.TAKEN if state in BEFORE_ENROLMENT else self._unlock(wish, state)
        retiring = wish.state is Applied.RETIRED and released is BackendAnswer.TAKEN
        return Sent(answer=BackendAnswer.NOT_NOW if retiring else released)

    def look(self, wish: Wish) -> Confirmation:
        """What the device has applied, where its state says so."""
        answer, body = self._read(wish)
        if answer is not BackendAnswer.TAKEN:
            return Confirmation(applied=None, last_seen_ms=None)
        seen = body.get("lastSeen")
        return Confirmation(
            applied=SHOWN.get(text_at(body, "state") or ""), last_seen_ms=seen if isinstance(seen, int) else None
        )

    def imei(self, handset: str) -> str | None:
        """The name itself where it is an IMEI: a device is named by that or by its serial number."""
        return handset if IMEI.fullmatch(handset) else None

    def _lock(self, wish: Wish, state: str) -> BackendAnswer:
        if state in OVER:
            return BackendAnswer.REFUSED
        if state in BEFORE_ENROLMENT:
            return BackendAnswer.NOT_NOW
        if state in ON_THE_WAY_TO_LOCK or wish.screen is None:
            return BackendAnswer.TAKEN
        return self._post(wish, "lock", {"message": message(wish.screen, most=MESSAGE_MOST), "tel": wish.screen.phone})

    def _unlock(self, wish: Wish, state: str) -> BackendAnswer:
        """Ask for a release even of a device that looks free: a lock may be on its way to it."""
        answer = self._post(wish, "unlock", {})
        free = state in ON_THE_WAY_TO_FREE or SHOWN.get(state) is Applied.UNLOCKED
        return BackendAnswer.TAKEN if free and answer in {BackendAnswer.NOT_NOW, BackendAnswer.REFUSED} else answer

    def _read(self, wish: Wish) -> tuple[BackendAnswer, dict[str, Any]]:
        request = self._signed(
            wish, "look", Request(method="GET", path=f"{BASE}/devices/{quote(wish.handset, safe='')}")
        )
        reply = self._line(request)
        answer = judge(reply, who=WHO)
        return answer, read_json(reply, who=WHO) if answer is BackendAnswer.TAKEN else {}

    def _post(self, wish: Wish, act: str, fields: Mapping[str, str]) -> BackendAnswer:
        body = msgspec.json.encode({"deviceUid": wish.handset, **fields})
        request = Request(method="POST", path=f"{BASE}/devices/{act}", body=body)
        return judge(self._line(self._signed(wish, act, request)), who=WHO)

    def _signed(self, wish: Wish, act: str, request: Request) -> Request:
        parts = (wish.handset, wish.order, str(wish.version), str(wish.attempt), act)
        transaction = str(uuid.uuid5(uuid.NAMESPACE_URL, "urn:weaklink:knox:" + "|".join(parts)))
        now_s = self._clock.now_ms() // 1000
        claims = {
            "accessToken": self._access_token,
            "aud": AUDIENCE,
            "jti": transaction,
            "iat": now_s,
            "exp": now_s + TOKEN_LIFE_S,
        }
        headers = (
            ("x-knox-apitoken", sign_token(claims, self._key, algorithm="RS512")),
            ("x-knox-transactionid", transaction),
            ("content-type", "application/json"),
        )
        return Request(method=request.method, path=request.path, headers=headers, body=request.body)
