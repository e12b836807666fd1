"""The threads that take new checkpoints to the witnesses; scanning never waits for them.

One thread for each address, so that a witness that is away holds up no other. After a head has moved, each thread sends
the newest head with the proof from what that witness cosigned last; what it answers is verified and stored in a small
unit of its own. A witness that is away is tried again; one that has seen another past is reported, loudly, and never
argued with. Witnesses are the opposing parties: what one answers is read as UTF-8, only as far as an answer can go and
only for so long, and whatever is wrong with it ends no thread.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import structlog
from sqlmodel import Session

from custody.kernel.clock import SECOND_MS, Instant, to_iso
from custody.kernel.errors import Conflict, Fatal, Rejected, Unavailable
from custody.kernel.in_time import InTime
from custody.kernel.poked_thread import PokedThread
from custody.ledger.note import VerifierKey
from custody.ledger.spellings import read_decimal
from custody.ledger.witness import SIZE_TYPE
from custody.ledger.witness_policy import WitnessPolicy
from custody.store import log_reader, witness_book
from custody.store.unit import House
from custody.usecases.cosign import ask, is_owed, show, take

EVERY_S = 0.5
AGAIN_S = 3.0
TIMEOUT_S = 5.0
ANSWER_S = 10.0
TRIES = 4
BEHIND_MS = 30 * SECOND_MS
"""An honest witness that runs is behind by a second or two."""
MOST_BYTES = 256 * 1024
"""Far more than a hundred cosignatures take, the longest of which are some 3,300 letters."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a witness answered: the status, the media type without parameters, and the text."""

    status: int
    media_type: str
    text: str


@dataclass(slots=True, kw_only=True)
class Desk:
    """One witness's address: whose keys answer there, the size it cosigned last, and what is wrong if anything.

    What it is asked is waited for only so long, and nothing else is asked meanwhile.
    """

    url: str
    keys: Mapping[str, VerifierKey]
    size: int = 0
    trouble: str = ""
    in_time: InTime = field(default_factory=lambda: InTime(wait_s=ANSWER_S))
    thread: PokedThread = field(init=False)


class Witnesses:
    """Asks the witnesses of a policy; `poke` says that the head may have moved."""

    def __init__(self, house: House, policy: WitnessPolicy) -> None:
        self._house = house
        self._asks = False
        self.policy = policy
        with house.read() as session:
            sizes = witness_book.last_sizes(session)
        self.desks = tuple(
            Desk(url=url, keys=keys, size=min(sizes.get(name, 0) for name in keys))
            for url, keys in _by_address(policy).items()
        )
        plain = {"Accept-Encoding": "identity"}
        self._http = httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, headers=plain)
        for desk in self.desks:
            desk.thread = PokedThread(partial(self._try, desk), name=f"witness {desk.url}")

    def start(self) -> None:
        """Start asking."""
        self._asks = True
        for desk in self.desks:
            desk.thread.start()

    def stop(self) -> None:
        """Stop; a request on its way is not waited for longer than it may take."""
        for wait_s in (0, TIMEOUT_S):  # all are told before one is waited for
            for desk in self.desks:
                desk.thread.stop(wait_s=wait_s)
        self._http.close()

    def poke(self) -> None:
        """The head may have moved; never blocks."""
        for desk in self.desks:
            desk.thread.poke()

    def states(self, session: Session, *, now_ms: Instant) -> list[dict[str, Any]]:
        """Each witness with the size it cosigned last, and what is wrong if anything.

        A process that asks none, as another one does, sees in the database how far a witness is behind.
        """
        sizes = witness_book.last_sizes(session)
        found = []
        for desk in self.desks:
            for name in desk.keys:
                size = sizes.get(name, 0)
                trouble = desk.trouble if self._asks else _behind(session, size, now_ms=now_ms)
                found.append({"witness": name, "url": desk.url, "size": size, "trouble": trouble or None})
        return found

    def _try(self, desk: Desk) -> float:
        try:
            self.visit(desk)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is told, and nobody else would ask again
            if repr(error) != desk.trouble:
                log.warning("a witness did not cosign", witness=desk.url, error=repr(error))
            desk.trouble = repr(error)
            desk.thread.poke()
            return AGAIN_S
        desk.trouble = ""
        return EVERY_S

    def visit(self, desk: Desk) -> None:
        """Get the newest head cosigned, if it is not; raises `Trouble` or an error of httpx if the witness does not.

        Before that, what enough witnesses had cosigned already is shown, whatever kept it from being shown then.
        """
        with self._house.read() as session:
            owed = is_owed(session, desk.size, policy=self.policy)
        if owed:
            with self._house.unit() as unit:
                show(unit, desk.size, policy=self.policy)
        known = desk.size
        for _ in range(TRIES):
            with self._house.read() as session:
                if log_reader.head(session).size == desk.size:
                    return
                asked = ask(session, known)
            answer = self._send(desk, asked.body)
            if answer.status == httpx.codes.OK:
                with self._house.unit() as unit:
                    take(unit, asked, answer.text, keys=desk.keys, policy=self.policy)
                desk.size = asked.size
                return
            known = _known_size(answer)
        raise Conflict("witness", f"{desk.url} changes its mind", fix="See who else writes this log.")

    def _send(self, desk: Desk, body: bytes) -> Said:
        try:
            return desk.in_time.call(partial(self._post, desk.url, body))
        except TimeoutError as error:
            raise _slow() from error

    def _post(self, url: str, body: bytes) -> Said:
        until, content = time.monotonic() + ANSWER_S, bytearray()
        with self._http.stream("POST", f"{url}/add-checkpoint", content=body) as answer:
            for part in answer.iter_raw():
                content += part
                if len(content) > MOST_BYTES:
                    raise Rejected("witness", f"it answered more than {MOST_BYTES:,} bytes", fix="Ask who runs it.")
                if time.monotonic() > until:
                    raise _slow()
        return Said(
            status=answer.status_code,
            media_type=answer.headers.get("content-type", "").partition(";")[0].strip(),
            text=content.decode(errors="replace"),
        )


def _behind(session: Session, size: int, *, now_ms: Instant) -> str:
    """What is wrong with a witness that somebody else asks, by what it has not cosigned for too long."""
    owed_ms = witness_book.owed_since(session, size)
    if owed_ms is None or now_ms - owed_ms < BEHIND_MS:
        return ""
    return f"it has cosigned nothing that came since {to_iso(owed_ms)}"


def _slow() -> Unavailable:
    return Unavailable("witness", "its answer takes too long", fix="It will be asked again.")


def open_policy(policy: WitnessPolicy, *, vkey: str) -> WitnessPolicy:
    """The policy, if it is for this log; raises `Fatal("witness_policy")` if not."""
    if vkey not in {key.vkey() for key in policy.logs}:
        raise Fatal(
            "witness_policy", "the witness policy names other logs than this one", fix=f"Add the line: log {vkey}"
        )
    return policy


def _by_address(policy: WitnessPolicy) -> dict[str, dict[str, VerifierKey]]:
    desks: dict[str, dict[str, VerifierKey]] = {}
    for name, url in policy.urls.items():
        desks.setdefault(url.rstrip("/"), {})[name] = policy.witnesses[name]
    return desks


def _known_size(answer: Said) -> int:
    """The size in a 409; raises `Rejected` or `Unavailable` for every other refusal."""
    if answer.status == httpx.codes.CONFLICT and answer.media_type == SIZE_TYPE and answer.text.endswith("\n"):
        return read_decimal(answer.text[:-1], code="witness", what="the size that the witness knows")
    why = f"it answered {answer.status}: {answer.text[:200].strip()}"
    if httpx.codes.is_server_error(answer.status):
        raise Unavailable("witness", why, fix="It will be asked again.")
    raise Rejected("witness", why, fix="If it says 422, it has seen another past of this log: stop and find out why.")
