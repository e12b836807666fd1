"""An MQTT 5 broker in memory, for tests and simulated worlds: same promises as a real one, no threads, no sockets.

- Sessions outlive connections until their expiry; a session keeps its filters, what is queued for it and what it has
  not acknowledged. `clean_start` discards it. A second connection with the same client id throws the first one out.
- QoS 1: after a message that `receive` did not take nothing more is delivered on that connection; it comes again,
  marked, with the next `pump` or connect. At most 1,000 wait for one session; the newest beyond that are dropped.
- Message expiry; retained messages; wills with a delay; shared subscriptions in turn; reason 16 where no session
  would get the message; an access rule that decides by delivery, not by subscription.
- Nothing moves by itself: `pump` delivers. Time is the clock's.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from custody.kernel.clock import SECOND_MS, Clock, Instant
from devicelock.mqtt_options import DAY_S, Presence
from devicelock.transport import CONTENT_TYPE, Message, PublishOutcome, Receive

MOST_QUEUED = 1000
MOST_SECONDS = 100 * 365 * DAY_S

MayAccess = Callable[[str | None, str, str], bool]
"""(user, "read" or "write", topic) -> allowed."""


def everyone(_user: str | None, _action: str, _topic: str) -> bool:
    """No access rules."""
    return True


def matches(pattern: str, topic: str) -> bool:
    """Whether a topic filter matches (MQTT 5 section 4.7); a leading wildcard does not match `$` topics."""
    wanted, given = pattern.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in {"+", "#"}:
        return False
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(given) or level not in {"+", given[place]}:
            return False
    return len(wanted) == len(given)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    message: Message
    until_ms: Instant


@dataclass(slots=True, kw_only=True, eq=False)
class _Session:
    client_id: str
    user: str | None = None
    expiry_s: int = 0
    filters: set[str] = field(default_factory=set)
    waiting: deque[_Held] = field(default_factory=deque)
    unacknowledged: _Held | None = None
    line: "SimulatedTransport | None" = None
    left_ms: Instant | None = None
    will: Presence | None = None

    def wants(self, topic: str) -> bool:
        return any(matches(pattern, topic) for pattern in self.filters if not pattern.startswith("$share/"))

    def bring_again(self) -> None:
        """What was not acknowledged goes back to the front."""
        held, self.unacknowledged = self.unacknowledged, None
        if held is not None:
            self.waiting.appendleft(held)

    def shares(self, topic: str) -> set[str]:
        """The share groups by which this session takes part in the topic."""
        parts = (pattern.split("/", 2) for pattern in self.filters if pattern.startswith("$share/"))
        return {group for _, group, pattern in parts if matches(pattern, topic)}


class SimulatedBroker:
    """Give it `SimulatedTransport`s, let them publish, and `pump`."""

    def __init__(self, clock: Clock, *, may: MayAccess = everyone) -> None:
        self._clock = clock
        self._may = may
        self._sessions: dict[str, _Session] = {}
        self._retained: dict[str, _Held] = {}
        self._turns: dict[str, int] = {}
        self.refused = 0

    def attach(self, line: "SimulatedTransport", *, clean_start: bool) -> None:
        """Connect a client. What its session holds comes with the next `pump`."""
        self._settle_time()
        held = self._sessions.get(line.client_id)
        if held is not None and held.line is not None:
            held.line.drop()
        session = _Session(client_id=line.client_id) if held is None or clean_start else held
        self._sessions[line.client_id] = session
        session.user, session.expiry_s, session.will = line.user, line.session_expiry_s, line.presence
        session.line, session.left_ms = line, None
        session.bring_again()
        for pattern in line.subscriptions:
            self._subscribe(session, pattern)
        if line.presence is not None:
            self._route(Message(topic=line.presence.topic, payload=b"online", retained=True), MOST_SECONDS)

    def publish(self, line: "SimulatedTransport", message: Message, expiry_s: int) -> PublishOutcome:
        """Take a message from a connection."""
        self._settle_time()
        session = self._sessions.get(line.client_id)
        if session is None or session.line is not line:
            return PublishOutcome.NOT_CONNECTED
        if not self._may(session.user, "write", message.topic):
            self.refused += 1
            return PublishOutcome.REFUSED
        return self._route(message, expiry_s)

    def pump(self) -> int:
        """Deliver until nothing more can be delivered; returns how many messages `receive` was called with."""
        self._settle_time()
        for session in self._sessions.values():
            session.bring_again()
        count = 0
        while True:
            ready = [held for held in self._sessions.values() if self._can_deliver(held)]
            if not ready:
                return count
            for session in ready:
                count += self._deliver_one(session)

    def leave(self, line: "SimulatedTransport", *, goodbye: bool) -> None:
        """The end of a connection; without a goodbye, and for those who announce themselves, the will follows."""
        session = self._sessions.get(line.client_id)
        if session is None or session.line is not line:
            return
        session.line, session.left_ms = None, self._clock.now_ms()
        if goodbye and session.will is not None:
            self._speak_will(session)

    def restart(self) -> None:
        """Every connection ends; sessions and retained messages stay."""
        for session in self._sessions.values():
            if session.line is not None:
                session.line.drop()

    def wipe(self) -> None:
        """A broker that lost everything, or another one in its place."""
        self.restart()
        self._sessions.clear()
        self._retained.clear()

    def queued(self, client_id: str) -> int:
        """How many messages the broker holds for a client."""
        session = self._sessions.get(client_id)
        return 0 if session is None else len(session.waiting) + (session.unacknowledged is not None)

    def _route(self, message: Message, expiry_s: int) -> PublishOutcome:
        held = _Held(message=replace(message, retained=False), until_ms=self._clock.now_ms() + expiry_s * SECOND_MS)
        if message.retained:
            self._retained[message.topic] = held
        takers = [session for session in self._sessions.values() if session.wants(message.topic)]
        takers += self._sharers(message.topic)
        for session in takers:
            if session.line is not None or len(session.waiting) < MOST_QUEUED:
                session.waiting.append(held)
        return PublishOutcome.ACCEPTED if takers else PublishOutcome.NO_SUBSCRIBER

    def _sharers(self, topic: str) -> list[_Session]:
        groups: dict[str, list[_Session]] = {}
        for session in self._sessions.values():
            for group in session.shares(topic):
                groups.setdefault(group, []).append(session)
        chosen = []
        for group, members in groups.items():
            connected = [member for member in members if member.line is not None] or members
            turn = self._turns.get(group, 0)
            self._turns[group] = turn + 1
            chosen.append(connected[turn % len(connected)])
        return chosen

    def _subscribe(self, session: _Session, pattern: str) -> None:
        if pattern in session.filters:
            return
        session.filters.add(pattern)
        for topic, held in self._retained.items():
            if not pattern.startswith("$share/") and matches(pattern, topic):
                session.waiting.append(replace(held, message=replace(held.message, retained=True)))

    def _can_deliver(self, session: _Session) -> bool:
        return session.line is not None and bool(session.waiting) and session.unacknowledged is None

    def _deliver_one(self, session: _Session) -> int:
        line = session.line
        if line is None or not session.waiting:
            return 0
        held = session.waiting.popleft()
        if held.until_ms <= self._clock.now_ms() or not self._may(session.user, "read", held.message.topic):
            return 0
        session.unacknowledged = held
        if line.take(held.message) and session.line is line:
            session.unacknowledged = None
        return 1

    def _settle_time(self) -> None:
        now_ms = self._clock.now_ms()
        for client_id, session in list(self._sessions.items()):
            if session.left_ms is None:
                continue
            gone_ms = now_ms - session.left_ms
            ended = gone_ms >= session.expiry_s * SECOND_MS
            if session.will is not None and (ended or gone_ms >= session.will.delay_s * SECOND_MS):
                self._speak_will(session)
            if ended:
                del self._sessions[client_id]
        self._retained = {topic: held for topic, held in self._retained.items() if held.until_ms > now_ms}

    def _speak_will(self, session: _Session) -> None:
        presence, session.will = session.will, None
        if presence is not None:
            self._route(Message(topic=presence.topic, payload=b"offline", retained=True), MOST_SECONDS)


class SimulatedTransport:
    """One client of the simulated broker; a `devicelock.transport.Transport` that is started and stopped."""

    def __init__(
        self,
        broker: SimulatedBroker,
        client_id: str,
        *,
        receive: Receive,
        subscriptions: tuple[str, ...] = (),
        on_begin: Callable[[], None] | None = None,
        on_ready: Callable[[], None] | None = None,
        user: str | None = None,
        presence: Presence | None = None,
        session_expiry_s: int = 30 * DAY_S,
    ) -> None:
        self.client_id = client_id
        self.subscriptions = subscriptions
        self.user = user
        self.presence = presence
        self.session_expiry_s = session_expiry_s
        self.ready = False
        self._broker = broker
        self._receive = receive
        self._calls = (on_begin, on_ready)

    def start(self, *, wait_s: float = 0.0, clean_start: bool = False) -> bool:  # noqa: ARG002 - nobody waits here
        """Connect, at once. `clean_start` discards what the session holds."""
        self._broker.attach(self, clean_start=clean_start)
        self.ready = True
        for call in self._calls:
            if call is not None:
                call()
        return self.ready

    def publish(self, topic: str, payload: bytes, *, expiry_s: int, correlation: bytes = b"") -> PublishOutcome:
        """See `Transport.publish`."""
        message = Message(topic=topic, payload=payload, content_type=CONTENT_TYPE, correlation=correlation)
        return self._broker.publish(self, message, expiry_s)

    def take(self, message: Message) -> bool:
        """What `receive` makes of the message; a raise leaves it with the broker."""
        try:
            return self._receive(message)
        except Exception:  # noqa: BLE001 - like the real transport, nothing leaves the callback
            return False

    def stop(self) -> None:
        """Say goodbye; the session stays until it expires."""
        self._broker.leave(self, goodbye=True)
        self.ready = False

    def drop(self) -> None:
        """Lose the connection."""
        self._broker.leave(self, goodbye=False)
        self.ready = False
