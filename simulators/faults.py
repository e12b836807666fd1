"""Named faults, in pairs: one in which what was asked was not done, one in which it was done and nobody heard.

| pair | not applied | applied |
|---|---|---|
| request | request_lost: it never arrives | answer_lost: the service does it, the answer never comes |
| body | body_truncated: half of it arrives, no answer comes | body_repeated: it arrives twice |
| command | command_lost: the handset never gets it | ack_lost: the handset does it, the answer is lost |
| power | cut_before_store: the handset forgets the command | cut_after_store: it has stored it and not answered |
| scan | wrong_key: another key signed it, nothing counts | replayed: it counted, and comes again |

Whoever recovers from both halves of a pair without knowing which it was is right. `FaultyHttp` deals the HTTP faults:
it stands between a client and its connection. Scan faults are functions over a signed scan.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

import httpx

from custody.kernel.keys import new_signer
from simulators.handset import Cut
from simulators.station import Signed, Station


class Fault(StrEnum):
    """What goes wrong."""

    REQUEST_LOST = "request_lost"
    ANSWER_LOST = "answer_lost"
    BODY_TRUNCATED = "body_truncated"
    BODY_REPEATED = "body_repeated"
    COMMAND_LOST = "command_lost"
    ACK_LOST = "ack_lost"
    CUT_BEFORE_STORE = "cut_before_store"
    CUT_AFTER_STORE = "cut_after_store"
    WRONG_KEY = "wrong_key"
    REPLAYED = "replayed"


PAIRS: Mapping[str, tuple[Fault, Fault]] = {
    "request": (Fault.REQUEST_LOST, Fault.ANSWER_LOST),
    "body": (Fault.BODY_TRUNCATED, Fault.BODY_REPEATED),
    "command": (Fault.COMMAND_LOST, Fault.ACK_LOST),
    "power": (Fault.CUT_BEFORE_STORE, Fault.CUT_AFTER_STORE),
    "scan": (Fault.WRONG_KEY, Fault.REPLAYED),
}
"""Per pair: the fault that is not applied, the fault that is."""

HTTP_FAULTS = (*PAIRS["request"], *PAIRS["body"])
CUTS: Mapping[Fault, Cut] = {Fault.CUT_BEFORE_STORE: Cut.BEFORE_STORE, Fault.CUT_AFTER_STORE: Cut.AFTER_STORE}


def is_applied(fault: Fault) -> bool:
    """Whether what was asked is done all the same."""
    return any(fault is applied for _, applied in PAIRS.values())


class FaultyHttp(httpx.BaseTransport):
    """Carries requests, with the planned fault for each in turn; None and whatever lies beyond the plan go through."""

    def __init__(self, inner: httpx.BaseTransport, plan: Sequence[Fault | None]) -> None:
        self._inner = inner
        self._plan = list(plan)
        self.dealt: list[Fault] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Carry one request."""
        fault = self._plan.pop(0) if self._plan else None
        if fault is None:
            return self._inner.handle_request(request)
        self.dealt.append(fault)
        if fault is Fault.REQUEST_LOST:
            raise httpx.ConnectError("the request was lost on purpose", request=request)
        if fault is Fault.BODY_TRUNCATED:
            content = request.read()
            self._inner.handle_request(_again(request, content[: len(content) // 2])).read()
            raise httpx.ReadError("half of the body was lost on purpose", request=request)
        if fault is Fault.BODY_REPEATED:
            self._inner.handle_request(_again(request, request.read())).read()
            return self._inner.handle_request(_again(request, request.read()))
        self._inner.handle_request(request).read()
        raise httpx.ReadError("the answer was lost on purpose", request=request)

    def close(self) -> None:
        """Close the connections underneath."""
        self._inner.close()


def plan_faults(count: int, *, chance: float, seed: int) -> list[Fault | None]:
    """A fault plan for that many requests, half of each pair as likely as the other."""
    rng = random.Random(f"{seed}/faults")
    return [rng.choice(HTTP_FAULTS) if rng.random() < chance else None for _ in range(count)]


def sign_with_wrong_key(
    station: Station, event: bytes, *, subject: str, event_id: str, at_ms: int, seed: int
) -> Signed:
    """A scan in the station's name under a key that nobody enrolled; the station itself does not move on."""
    seq, head = station.seq, station.head
    forger = new_signer(seed=random.Random(f"{seed}/forger").randbytes(32))
    forged = station.sign(event, subject=subject, event_id=event_id, at_ms=at_ms, signer=forger)
    station.seq, station.head = seq, head
    return forged


def truncated(scan: Signed) -> Signed:
    """The scan with the second half of its opening missing: the digest no longer fits."""
    return replace(scan, opening=scan.opening[: len(scan.opening) // 2])


def flipped(scan: Signed, *, seed: int) -> Signed:
    """The scan with one byte of its signature changed."""
    at = len(scan.statement) - 1 - random.Random(f"{seed}/flip").randrange(64)
    changed = bytes([scan.statement[at] ^ 0x01])
    return replace(scan, statement=scan.statement[:at] + changed + scan.statement[at + 1 :])


def _again(request: httpx.Request, content: bytes) -> httpx.Request:
    headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"content-length"]
    return httpx.Request(request.method, request.url, headers=headers, content=content)
