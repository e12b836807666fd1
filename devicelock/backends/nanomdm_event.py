"""What NanoMDM says by its webhook: events as JSON, authenticated by an HMAC over the raw bytes.

The header `X-Hmac-Signature` holds the Base64 of HMAC-SHA-256 of the body under the shared key (`-webhook-hmac-key`).
Topics used: `mdm.Authenticate`, `mdm.TokenUpdate`, `mdm.CheckOut` (with `checkin_event.ids.id`) and `mdm.Connect`
(with `acknowledge_event.ids.id`, `.command_uuid`, `.status`). Read in the source of NanoMDM 0.9.0; later versions name
the enrolment by `udid` or `enrollment_id`. `created_at` (RFC 3339) tells when the event was made.

NanoMDM posts each event once and does not repeat it, and its signature says nothing about when. So an event that was
caught and is sent again could show an old answer as a new one: whoever takes events in takes the same bytes once, and
none that was made before the time for which it remembers them (`check_age`). An event that was lost is made up for by
the next sign of life.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from custody.kernel.clock import DAY_MS, Instant, from_iso
from custody.kernel.errors import Rejected
from devicelock.backends.exchange import text_at

HEADER = "X-Hmac-Signature"
NAMED = (("ids", "id"), ("udid",), ("enrollment_id",))
"""Where an event names its enrolment."""
MAX_BYTES = 1_000_000
OLD_MS, EARLY_MS = 7 * DAY_MS, DAY_MS
"""An event that was made longer ago, or that far ahead of our clock, is not taken in."""


class MdmTopic(StrEnum):
    """The kinds of event that matter here."""

    AUTHENTICATE = "mdm.Authenticate"
    TOKEN_UPDATE = "mdm.TokenUpdate"  # noqa: S105 - a topic's name, no secret
    CHECK_OUT = "mdm.CheckOut"
    CONNECT = "mdm.Connect"


class MdmStatus(StrEnum):
    """What a device makes of a command (Apple's MDM protocol)."""

    IDLE = "Idle"
    ACKNOWLEDGED = "Acknowledged"
    NOT_NOW = "NotNow"
    ERROR = "Error"
    FORMAT_ERROR = "CommandFormatError"


@dataclass(frozen=True, slots=True, kw_only=True)
class MdmEvent:
    """One event; `topic` is None for one that is not used here. `made_ms` is the other side's clock."""

    topic: MdmTopic | None
    handset: str
    command: str | None
    status: MdmStatus | None
    made_ms: Instant | None = None


def open_event(raw: bytes, signature: str | None, key: bytes) -> MdmEvent:
    """The event in a body whose HMAC is right; raises `Rejected`."""
    if len(raw) > MAX_BYTES:
        raise _bad(f"more than {MAX_BYTES} bytes")
    right = base64.b64encode(hmac.digest(key, raw, hashlib.sha256))
    if not hmac.compare_digest(right, (signature or "").encode(errors="replace")):
        raise Rejected(
            "hmac", f"{HEADER} is not the HMAC of the body", fix="Start NanoMDM with the key that we are given."
        )
    try:
        body = msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise _bad("not a JSON object") from error
    topic = text_at(body, "topic")
    part = "acknowledge_event" if topic == MdmTopic.CONNECT else "checkin_event"
    handset = next((name for path in NAMED if (name := text_at(body, part, *path))), None)
    if topic is None or handset is None:
        raise _bad("no topic or no enrolment in it")
    status, made = text_at(body, part, "status"), text_at(body, "created_at")
    return MdmEvent(
        topic=MdmTopic(topic) if topic in set(MdmTopic) else None,
        handset=handset,
        command=text_at(body, part, "command_uuid") or None,
        status=MdmStatus(status) if status in set(MdmStatus) else None,
        made_ms=None if made is None else from_iso(made),
    )


def check_age(event: MdmEvent, *, now_ms: Instant) -> None:
    """Raise `Rejected("webhook_time")` for an event without a time, or one from another week."""
    if event.made_ms is None or not now_ms - OLD_MS < event.made_ms < now_ms + EARLY_MS:
        raise Rejected(
            "webhook_time",
            "the event says no time when it was made, or one too far from ours",
            fix="Set the clock of NanoMDM's machine; old events are not sent again.",
        )


def _bad(why: str) -> Rejected:
    return Rejected("webhook", f"not an event of NanoMDM: {why}", fix="Point NanoMDM's webhook here and nothing else.")
