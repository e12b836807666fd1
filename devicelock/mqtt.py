"""MQTT 5 over paho: the only file of the device lock that knows it.

- **Session.** `clean_start` is False on every connect, the first included, with a session expiry of 30 days: commands
  wait in the broker over a restart of either side. One client id per process, from a leased name: a second process with
  the same id would throw the first one out, again and again.
- **In.** Acknowledged by hand, after `receive` has committed, and in order (MQTT 5 section 4.6: a broker may drop the
  earlier message when a later one is acknowledged first). So after a message that was not taken, or on which
  `receive` raised, nothing more is taken on that connection; it is made anew after a pause, and the broker brings all
  of it again. `receive` is called on the network thread, message by message, and what it publishes leaves at once;
  `receive_together` on a thread of its own with all that wait (`arrivals.py`), so that nothing else waits for it.
- **Out.** QoS 1 with content type, message expiry and correlation data; retained never. Nothing is handed to paho while
  the connection is down, because paho would send it later although it reports an error.
- **Presence.** A device may announce itself: a retained "online" on connect and a will "offline" after a delay. That
  is the only retained topic.
- **Network thread.** One, our own, over `selectors` (paho's own loop uses `select`, which fails for a file descriptor
  above 1023). It reconnects after at most `reconnect_max_s`.
- **Watchdog.** A second thread compares the age of the last packet and of the last turn of the network thread with the
  keep-alive, and replaces client and thread when they are too old. That a client says it is connected proves nothing.
- **Small packets.** TCP_NODELAY on every connection, and, where the system has it, TCP_QUICKACK after every read: a
  broker that does not set TCP_NODELAY itself (the embedded one) waits for that acknowledgement before its next packet.
  Without either, one command and its answer took 48 to 92 ms on a loopback, with both 4 to 6.
"""

import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from devicelock.arrivals import MOST, Arrivals
from devicelock.mqtt_options import MqttOptions
from devicelock.mqtt_socket import Waker, ack_at_once, hang_up, holds_more, send_at_once
from devicelock.pubacks import Pubacks, outcome_of
from devicelock.transport import CONTENT_TYPE, Message, PublishOutcome, Receive, ReceiveTogether

LOG = logging.getLogger("devicelock.mqtt")

DISCONNECT_WITH_WILL = 4
MAX_EXPIRY_S = 0xFFFF_FFFF
ONLY_IF_NEW = 1
"""Retain handling (MQTT 5 section 3.8.3.1): retained messages come once per subscription, not once per connect."""


class MqttTransport:
    """A `Transport` that keeps itself connected. `start` it once; `stop` it once."""

    def __init__(
        self,
        options: MqttOptions,
        *,
        receive: Receive | None = None,
        receive_together: ReceiveTogether | None = None,
        subscriptions: tuple[str, ...] = (),
        on_begin: Callable[[], None] | None = None,
        on_ready: Callable[[], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """One of the two ways to receive, for whoever subscribes to anything.

        `on_begin` is called on the network thread whenever a connection begins, before anything comes on it, and
        `on_ready` whenever the subscriptions stand; neither may block.
        """
        self.rebuilt = 0
        self._options = options
        self._stopping = threading.Event()
        ways, calls = (receive, receive_together), (on_begin, on_ready)
        self._make_line = partial(_Line, options, subscriptions, ways, calls, monotonic)
        self._line = self._make_line()
        self._watchdog = threading.Thread(target=self._watch, name=f"watch {options.client_id}", daemon=True)

    def start(self, *, wait_s: float = 0.0) -> bool:
        """Start connecting; waits up to `wait_s` for the subscriptions to stand and tells whether they do."""
        self._line.start()
        self._watchdog.start()
        return self._line.ready.wait(wait_s)

    def stop(self) -> None:
        """Disconnect and end both threads; the session stays with the broker."""
        self._stopping.set()
        self._watchdog.join(timeout=self._options.connect_timeout_s)
        self._line.close()

    @property
    def ready(self) -> bool:
        """Connected, and every subscription is granted."""
        return self._line.ready.is_set()

    def publish(self, topic: str, payload: bytes, *, expiry_s: int, correlation: bytes = b"") -> PublishOutcome:
        """See `Transport.publish`. On the network thread it does not wait for the answer, which is then UNKNOWN."""
        return self._line.publish(topic, payload, expiry_s, correlation)

    def _watch(self) -> None:
        while not self._stopping.wait(self._options.keepalive_s / 3):
            if self._line.is_stale:
                LOG.warning("the connection of %s hangs; replacing it", self._options.client_id)
                self.rebuilt += 1
                self._line.abandon()
                self._line = self._make_line()
                self._line.start()


class _Line:
    """One paho client with its network thread. It is never mended, only replaced as a whole."""

    def __init__(
        self,
        options: MqttOptions,
        subscriptions: tuple[str, ...],
        ways: tuple[Receive | None, ReceiveTogether | None],
        calls: tuple[Callable[[], None] | None, Callable[[], None] | None],
        monotonic: Callable[[], float],
    ) -> None:
        self.ready = threading.Event()
        self._options = options
        self._subscriptions = subscriptions
        self._on_begin, self._on_ready = calls
        self._monotonic = monotonic
        self._closing = threading.Event()
        self._up = False
        self._turn_at = self._packet_at = monotonic()
        self._left = False
        self._reading = False
        self._come: list[paho.MQTTMessage] = []
        self._pubacks = Pubacks()
        self._waker = Waker()
        self._receive, together = ways
        self._arrivals = (
            Arrivals(together, self._waker.wake, name=options.client_id, monotonic=monotonic) if together else None
        )
        self._client = self._new_client()
        self._thread = threading.Thread(target=self._run, name=f"mqtt {options.client_id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Say goodbye and end the threads; what is being taken in is finished and acknowledged."""
        if self._arrivals is not None:
            self._arrivals.stop(wait_s=self._options.connect_timeout_s)
        self._closing.set()
        self._waker.wake()
        self._thread.join(timeout=self._options.connect_timeout_s)

    def abandon(self) -> None:
        """Leave without a goodbye: the broker keeps what was not acknowledged."""
        if self._arrivals is not None:
            self._arrivals.stop(wait_s=0)
        self._closing.set()
        self._hang_up()
        self._waker.wake()

    @property
    def packet_age_s(self) -> float:
        return self._monotonic() - self._packet_at

    @property
    def is_stale(self) -> bool:
        limit_s = self._options.silence_s
        turn_age_s = max(self._monotonic() - self._turn_at, self._arrivals.busy_s if self._arrivals is not None else 0)
        return not self._thread.is_alive() or turn_age_s > limit_s or (self._up and self.packet_age_s > limit_s)

    def publish(self, topic: str, payload: bytes, expiry_s: int, correlation: bytes) -> PublishOutcome:
        if not self._up:
            return PublishOutcome.NOT_CONNECTED
        properties = _properties(
            PacketTypes.PUBLISH,
            MessageExpiryInterval=min(max(expiry_s, 1), MAX_EXPIRY_S),
            ContentType=CONTENT_TYPE,
            CorrelationData=correlation,
        )
        info = self._client.publish(topic, payload, qos=1, retain=False, properties=properties)
        if info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            return PublishOutcome.NOT_CONNECTED
        if threading.current_thread() is self._thread:
            self._pubacks.forget(info.mid)
            if not self._reading:
                self._client.loop_write()
            return PublishOutcome.UNKNOWN
        return outcome_of(self._pubacks.wait(info.mid, self._options.publish_timeout_s))

    def _new_client(self) -> paho.Client:
        options = self._options
        version = CallbackAPIVersion.VERSION2
        client = paho.Client(version, client_id=options.client_id, protocol=paho.MQTTv5, manual_ack=True)
        client.connect_timeout = options.connect_timeout_s
        client.suppress_exceptions = True
        if options.username is not None:
            client.username_pw_set(options.username, options.password)
        if options.tls is not None:
            client.tls_set_context(options.tls.context())
        if options.presence is not None:
            delay = _properties(PacketTypes.WILLMESSAGE, WillDelayInterval=options.presence.delay_s)
            client.will_set(options.presence.topic, b"offline", qos=1, retain=True, properties=delay)
        client.on_socket_open = send_at_once
        client.on_socket_register_write = self._on_want_write
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _run(self) -> None:
        options = self._options
        delay_s = options.reconnect_min_s
        while not self._closing.is_set():
            self._turn_at = self._monotonic()
            try:
                self._connect()
                delay_s = options.reconnect_min_s if self._serve() else delay_s
            except OSError as error:
                LOG.info("%s cannot reach the broker: %s", options.client_id, error)
            except Exception:
                LOG.exception("the network thread of %s stumbled and goes on", options.client_id)
            self._went_down()
            self._closing.wait(delay_s)
            delay_s = min(delay_s * 2, options.reconnect_max_s)
        self._waker.close()

    def _connect(self) -> None:
        options = self._options
        wishes = {"SessionExpiryInterval": options.session_expiry_s, "ReceiveMaximum": MOST}
        properties = _properties(PacketTypes.CONNECT, RequestProblemInformation=1, **wishes)
        self._left = False
        if self._arrivals is not None:
            self._arrivals.begin()
        self._client.connect(
            options.host, options.port, keepalive=options.keepalive_s, clean_start=False, properties=properties
        )

    def _serve(self) -> bool:
        """Turn until the connection ends; tells whether it stood and all that came was taken."""
        sock, turn_s = self._client.socket(), self._options.turn_s
        stood = False
        if not isinstance(sock, socket.socket):
            return stood
        with selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_READ)
            selector.register(self._waker.heard, selectors.EVENT_READ)
            while self._holds(sock) and not self._closing.is_set() and not self._left:
                writes = selectors.EVENT_WRITE if self._client.want_write() else 0
                selector.modify(sock, selectors.EVENT_READ | writes)
                ready = {key.fileobj: mask for key, mask in selector.select(0 if holds_more(sock) else turn_s)}
                self._turn_at = self._monotonic()
                stood = stood or self._up
                if not self._turn(sock, ready):
                    break
        if self._closing.is_set() and self._holds(sock):
            self._ack_taken()
            self._client.disconnect(reasoncode=self._goodbye())
            self._client.loop_write()
        self._hang_up()
        return stood and not self._left

    def _goodbye(self) -> ReasonCode | None:
        """Who announces itself also says that it goes: the broker publishes the will (MQTT 5 section 3.14.2.1)."""
        announces = self._options.presence is not None
        return ReasonCode(PacketTypes.DISCONNECT, identifier=DISCONNECT_WITH_WILL) if announces else None

    def _turn(self, sock: socket.socket, ready: dict[Any, int]) -> bool:
        client, code = self._client, MQTTErrorCode.MQTT_ERR_SUCCESS
        if self._waker.heard in ready:
            self._waker.clear()
            self._ack_taken()
        if ready.get(sock, 0) & selectors.EVENT_READ or holds_more(sock):
            self._reading, self._come = True, []
            code = client.loop_read()
            self._reading = False
            self._packet_at = self._monotonic()
            ack_at_once(sock)
            if code == MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._take_in()
        if code == MQTTErrorCode.MQTT_ERR_SUCCESS and client.want_write():
            code = client.loop_write()
        return code == MQTTErrorCode.MQTT_ERR_SUCCESS == client.loop_misc()

    def _ack_taken(self) -> None:
        if self._arrivals is not None:
            for mid in self._arrivals.taken():
                self._client.ack(mid, 1)
            self._left = self._left or self._arrivals.left

    def _holds(self, sock: socket.socket) -> bool:
        return self._client.socket() is sock

    def _hang_up(self) -> None:
        hang_up(self._client.socket())

    def _went_down(self) -> None:
        self._up = False
        self.ready.clear()
        self._pubacks.give_up()

    def _on_want_write(self, *_: object) -> None:
        self._waker.wake()

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            LOG.warning("the broker refuses %s: %s", self._options.client_id, reason)
            return
        self._up = True
        self._tell(self._on_begin)
        if self._options.presence is not None:
            self._pubacks.forget(client.publish(self._options.presence.topic, b"online", qos=1, retain=True).mid)
        if self._subscriptions:
            options = SubscribeOptions(qos=1, retainHandling=ONLY_IF_NEW)
            client.subscribe([(topic, options) for topic in self._subscriptions])
        else:
            self._is_ready()

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Any) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            LOG.error("the broker refuses subscriptions of %s: %s", self._options.client_id, ", ".join(refused))
        else:
            self._is_ready()

    def _is_ready(self) -> None:
        self.ready.set()
        self._tell(self._on_ready)

    def _tell(self, call: Callable[[], None] | None) -> None:
        try:
            if call is not None:
                call()
        except Exception:
            LOG.exception("what was to happen on connecting failed")

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        LOG.info("%s is disconnected: %s", self._options.client_id, reason)
        self._went_down()

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self._come.append(message)

    def _take_in(self) -> None:
        """Take in what has come. Not in paho's callback, in which nothing can be sent: an answer leaves at once."""
        for message in self._come:
            if self._left:
                return
            if self._arrivals is not None:
                self._arrivals.put(message.mid, _read_message(message))
                continue
            try:
                self._left = self._receive is None or not self._receive(_read_message(message))
            except Exception:
                LOG.exception("a message could not be taken; the broker keeps it")
                self._left = True
            if not self._left:
                self._client.ack(message.mid, message.qos)

    def _on_publish(self, _client: Any, _data: Any, mid: int, reason: ReasonCode, _properties: Any) -> None:
        self._pubacks.put(mid, reason.value)


def _properties(packet: int, **values: Any) -> Properties:
    properties = Properties(packet)  # type: ignore[no-untyped-call]  # paho leaves this class without annotations
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


def _read_message(message: paho.MQTTMessage) -> Message:
    properties = message.properties
    return Message(
        topic=message.topic,
        payload=bytes(message.payload),
        content_type=getattr(properties, "ContentType", None),
        correlation=getattr(properties, "CorrelationData", None),
        retained=message.retain,
    )
