"""What carries signed bytes between the server and a device: publish out, receive in.

- `publish` tells what the broker said, and no more. **ACCEPTED is not delivered**: only the device's signed ack is.
  After any other outcome the row stays unsettled and the next hello settles it, or it is published again where it may
  not have left; nobody retries at once.
- `receive` is called for every message. It stores the raw bytes, commits and returns True; only then is the message
  acknowledged to the broker. If it returns False or raises (the database is away), the broker keeps the message and
  all later ones and brings them again, in order; bytes that will never be better must be stored and taken. It never
  waits for a publish, and no lock of the caller is held around `publish` and inside `receive`.
- Whoever has much to receive may receive what waits together: one commit for many messages (`ReceiveTogether`).
- A duplicate is normal on both ways; it is harmless by the counter and by the names of commands.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

CONTENT_TYPE = "application/cose"
"""MQTT content type of everything signed; the media type inside the signature says which kind it is."""


class PublishOutcome(StrEnum):
    """What the broker said.

    NO_SUBSCRIBER: no session would get it, it is not even queued (MQTT 5 reason code 16). FULL: the broker has no room
    for it at present (151, "quota exceeded"). REFUSED: it will not take it (any other reason from 128 on; 135 is "not
    authorised"). NOT_CONNECTED: it was not handed on and will not be sent later. UNKNOWN: no answer in time; it may or
    may not arrive.
    """

    ACCEPTED = "accepted"
    NO_SUBSCRIBER = "no_subscriber"
    FULL = "full"
    REFUSED = "refused"
    NOT_CONNECTED = "not_connected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it came in. `correlation` is for tracing: identity comes from topic owner and signature."""

    topic: str
    payload: bytes
    content_type: str | None = None
    correlation: bytes | None = None
    retained: bool = False


Receive = Callable[[Message], bool]
"""Stores and commits; True means the broker may forget the message."""


ReceiveTogether = Callable[[Sequence[Message]], int]
"""Stores and commits messages in the order they came; from the first on so many of them the broker may forget."""


class Transport(Protocol):
    """One connection to a broker."""

    def publish(self, topic: str, payload: bytes, *, expiry_s: int, correlation: bytes = b"") -> PublishOutcome:
        """Hand signed bytes (COSE) to the broker at QoS 1, never retained; it drops them after `expiry_s` seconds."""
        ...
