"""Topics of the device lock, and the names that may stand in them.

- `dl/v1/{device}/cmd` is written by the server; `/ack`, `/hello` and `/status` are written by the device.
- Only `/status` is ever retained ("online"; the will "offline"). A retained command would lock again on every
  subscribe.
- A device name is 1 to 64 of `A-Z a-z 0-9 . _ -`: the MQTT separators and wildcards `/ + #` cannot stand in it
  (MQTT 5 section 4.7). It is a pseudonym: a name of 14 to 16 digits would be an IMEI and is refused.
- Workers of the server share their load with `$share/srv/...` (MQTT 5 section 4.8.2); order is lost across workers.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from custody.kernel.errors import Rejected

ROOT = "dl/v1"
SHARE_GROUP = "srv"

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_IMEI_LIKE = re.compile(r"[0-9]{14,16}", re.ASCII)


class Channel(StrEnum):
    """The last part of a topic: what kind of message it carries."""

    COMMAND = "cmd"
    ACK = "ack"
    HELLO = "hello"
    STATUS = "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One device's channel. The device is who owns the topic, before any signature is looked at."""

    device: str
    channel: Channel

    def __str__(self) -> str:
        return f"{ROOT}/{self.device}/{self.channel}"


def topic(device: str, channel: Channel) -> str:
    """The topic's text; raises `Rejected("device")` for a name that may not stand in one."""
    return str(Topic(device=read_device(device), channel=channel))


def read_device(text: str) -> str:
    """A device name as it is; raises `Rejected("device")`."""
    if not _NAME.fullmatch(text) or _IMEI_LIKE.fullmatch(text):
        raise Rejected(
            "device",
            f"{text[:80]!r} cannot name a device",
            fix="Use 1 to 64 letters, digits, dots, underscores or hyphens, and never an IMEI.",
        )
    return text


def read_name(where: str, text: str) -> str:
    """The name of a command or an order as it is; raises `Rejected("name")`."""
    if not _NAME.fullmatch(text):
        raise Rejected(
            "name",
            f"{where} {text[:80]!r} is not a name",
            fix="Use 1 to 64 letters, digits, dots, underscores, hyphens.",
        )
    return text


def read_topic(text: str) -> Topic:
    """The topic in `text`; raises `Rejected("topic")` for anything that is not one of ours."""
    head, _, channel = text.rpartition("/")
    root, _, device = head.rpartition("/")
    if root != ROOT or channel not in set(Channel):
        raise Rejected(
            "topic", f"{text[:120]!r} is not a topic of the device lock", fix="Use dl/v1/{device}/{channel}."
        )
    return Topic(device=read_device(device), channel=Channel(channel))


def every(channel: Channel, *, shared: bool = False) -> str:
    """The filter for one channel of all devices; shared between the workers of the server if asked."""
    plain = f"{ROOT}/+/{channel}"
    return f"$share/{SHARE_GROUP}/{plain}" if shared else plain
