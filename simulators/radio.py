"""A handset on the air: the connection between a handset and the broker.

- Says hello on every connect, after every change, when the last one is a day old, when a command comes again that it
  has left by itself since, and after a LOCK that was refused: the first, second, fourth, eighth in a row on one
  connection. Each hello says a new nonce: that which was stored with the command that it follows, or one that is drawn
  and stored for it. After a LOCK that was refused for its nonce, and where one was refused before the connection
  stands, it says that of this run once more: another would make late what is on its way. A broker that was gone may
  have dropped the hello of before, and that of this connection, so the counting begins anew with each.
- A run begins with the connection, before anything comes on it: a LOCK that waited in the broker is refused even where
  it comes before our hello has left.
- A hello whose nonce cannot be stored, as the disk is full, is not said; the timer tries again.
- Order for a command: the handset stores and enforces, the signed ack is published, and only then may the broker
  forget the command. Bytes that are no command for this device are let go: they will never be better.
- Client id = device name; the session outlives the power, so that commands wait in the broker.
- While the handset is off nothing is taken or said, even where its line stands or comes back by itself: what waits in
  the broker comes again once it is on.
- The lock below guards the handset only. It is never held around `publish`, which may wait for the network thread.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from custody.kernel.clock import DAY_MS, SECOND_MS
from custody.kernel.errors import Forbidden, Rejected
from devicelock.mqtt import MqttTransport
from devicelock.mqtt_options import MqttOptions, Presence
from devicelock.rules.ack import Ack, AckResult
from devicelock.rules.hello import SimClass
from devicelock.rules.topic import Channel, topic
from devicelock.transport import Message, PublishOutcome, Receive, Transport
from simulators.faults import CUTS, Fault
from simulators.handset import Handset, PowerCut

WORD_LIFE_S = DAY_MS // SECOND_MS
"""How long the broker may keep a hello or an ack for the server."""

REFUSED_LOCK = frozenset({AckResult.REFUSED_NONCE, AckResult.REFUSED_EXPIRED})


class Line(Transport, Protocol):
    """A transport that is started and stopped, such as `MqttTransport`."""

    def start(self, *, wait_s: float = 0.0) -> bool:
        """Connect; True when the subscriptions stand within the wait."""
        ...

    def stop(self) -> None:
        """Disconnect; the session stays."""
        ...


class Connect(Protocol):
    """Makes a line out of: what takes messages, what to subscribe to, what to call as it begins and when it stands."""

    def __call__(
        self,
        *,
        receive: Receive,
        subscriptions: tuple[str, ...],
        on_begin: Callable[[], None],
        on_ready: Callable[[], None],
    ) -> Line:
        """The line, not started."""
        ...


class Radio:
    """One handset and its line. `faults` are dealt to the next commands, one each, in turn."""

    def __init__(self, handset: Handset, *, connect: Connect | None = None) -> None:
        self.handset = handset
        self.acks: list[Ack] = []
        self.refused: list[Rejected] = []
        self.faults: deque[Fault] = deque()
        self._connect = connect or mqtt_of(handset)
        self._line: Line | None = None
        self._late = 0
        self._unsaid = False
        self._guard = threading.RLock()
        self._heard = threading.Condition()

    def switch_on(self, *, wait_s: float = 30.0) -> bool:
        """Boot and connect; True when the handset can be reached within the wait."""
        with self._guard:
            self.handset.power_on()
        command = topic(self.handset.device, Channel.COMMAND)
        self._line = self._connect(
            receive=self._receive, subscriptions=(command,), on_begin=self._begin, on_ready=self._connected
        )
        return self._line.start(wait_s=wait_s)

    def switch_off(self) -> None:
        """Disconnect and power off."""
        line, self._line = self._line, None
        if line is not None:
            line.stop()
        with self._guard:
            self.handset.power_off()

    def factory_reset(self, *, wait_s: float = 30.0) -> bool:
        """Reset a handset that is on: it reboots, so that its connection ends, another begins and a hello is said."""
        self.switch_off()
        self.handset.factory_reset()
        return self.switch_on(wait_s=wait_s)

    def tick(self) -> None:
        """The handset's timer; while it is off there is none."""
        with self._guard:
            if not self.handset.on:
                return
            is_due = self.handset.tick() or self.handset.owes_hello or self._unsaid
        if is_due:
            self._say_hello()

    def type_code(self, code: str) -> bool:
        """Type the digits that support read out."""
        with self._guard:
            free = self.handset.type_code(code)
        if free:
            self._say_hello()
        return free

    def swap_sim(self, sim: SimClass, *, country: str | None) -> None:
        """Put another SIM in, on another network."""
        with self._guard:
            self.handset.swap_sim(sim, country=country)
        self._say_hello()

    def wait_for(self, condition: Callable[[Handset], bool], *, timeout_s: float = 30.0) -> bool:
        """Wait until something is true of the handset; checked after every command, never in the middle of one."""
        with self._heard:
            return self._heard.wait_for(lambda: self._holds(condition), timeout_s)

    def _holds(self, condition: Callable[[Handset], bool]) -> bool:
        with self._guard:
            return condition(self.handset)

    def _receive(self, message: Message) -> bool:
        if not self.handset.on:
            return False
        fault = self.faults.popleft() if self.faults else None
        if fault is Fault.COMMAND_LOST:
            return True
        taken = self._take(message.payload, fault)
        with self._heard:
            self._heard.notify_all()
        return taken

    def _take(self, payload: bytes, fault: Fault | None) -> bool:
        try:
            with self._guard:
                taken = self.handset.take(payload, cut=None if fault is None else CUTS.get(fault))
                answer = self.handset.answer(taken.ack)
                hello = self.handset.hello_after(taken) if taken.is_news else None
        except Rejected as refusal:
            self.refused.append(refusal)
            return True
        except (PowerCut, Forbidden, OSError):  # forbidden: it was switched off meanwhile
            return False
        ack = taken.ack
        self.acks.append(ack)
        if fault is not Fault.ACK_LOST:
            self._say(Channel.ACK, answer, ack.command_id.encode())
        self._late = self._late + 1 if ack.result in REFUSED_LOCK else 0
        if hello is not None:  # made before the answer left, so that both leave together
            self._say(Channel.HELLO, hello, b"")
        elif self._late.bit_count() == 1:
            self._say_hello(again=ack.result is AckResult.REFUSED_NONCE)
        return True

    def _begin(self) -> None:
        self._late = 0
        with self._guard:
            self.handset.begin_run()

    def _connected(self) -> None:
        self._say_hello(again=True)

    def _say_hello(self, *, again: bool = False) -> None:
        try:
            with self._guard:
                if not self.handset.on:
                    return
                hello = self.handset.hello_again() if again else self.handset.hello()
        except OSError:
            self._unsaid = True
            return
        self._unsaid = False
        self._say(Channel.HELLO, hello, b"")

    def _say(self, channel: Channel, payload: bytes, correlation: bytes) -> PublishOutcome:
        line = self._line
        if line is None or not self.handset.on:
            return PublishOutcome.NOT_CONNECTED
        where = topic(self.handset.device, channel)
        return line.publish(where, payload, expiry_s=WORD_LIFE_S, correlation=correlation)


def mqtt_of(handset: Handset, *, keepalive_s: int = 15) -> Connect:
    """Lines over MQTT to the broker the handset was enrolled with."""

    def connect(
        *,
        receive: Receive,
        subscriptions: tuple[str, ...],
        on_begin: Callable[[], None],
        on_ready: Callable[[], None],
    ) -> Line:
        options = MqttOptions(
            host=handset.enrolment.mqtt_host,
            port=handset.enrolment.mqtt_port,
            client_id=handset.device,
            presence=Presence(topic=topic(handset.device, Channel.STATUS)),
            keepalive_s=keepalive_s,
        )
        return MqttTransport(
            options, receive=receive, subscriptions=subscriptions, on_begin=on_begin, on_ready=on_ready
        )

    return connect
