"""The token of a referral: what goes with the customer to the other desk, signed by this service.

It is `said.mac`: what it says as Base64url JSON, which anybody can read, and HMAC-SHA256 over that text under a secret
of the house, in hex. It opens nothing. It tells who recognised the customer and how, so that nobody has to ask again;
what they said is not in it.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from custody.kernel.base64url import b64, unb64
from custody.kernel.errors import Forbidden

_LABEL = b"weaklink referral token v1\x00"
_TOKEN = re.compile(r"(?P<said>[A-Za-z0-9_-]+)\.(?P<mac>[0-9a-f]{64})")


def make_token(secret: bytes, said: Mapping[str, Any]) -> str:
    """The token that says this."""
    text = b64(msgspec.json.encode(said))
    return f"{text}.{_mac(secret, text)}"


def read_token(secret: bytes, token: str) -> dict[str, Any]:
    """What a token of ours says; raises `Forbidden("referral_token")` for any other text."""
    found = _TOKEN.fullmatch(token.strip())
    if found is None or not hmac.compare_digest(found["mac"], _mac(secret, found["said"])):
        raise Forbidden("referral_token", "this is no token of ours", fix="Ask the desk that sent it to refer it anew.")
    said: dict[str, Any] = msgspec.json.decode(unb64(found["said"], where="the token"))
    return said


def _mac(secret: bytes, text: str) -> str:
    return hmac.new(secret, _LABEL + text.encode(), hashlib.sha256).hexdigest()
