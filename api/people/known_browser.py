"""The mark that a browser keeps once somebody has signed in there, so that no guesser uses up the tries of its owner.

It is `nonce.mac`: 16 random bytes and HMAC-SHA256 over the nonce and the account under a secret of the house, in hex.
It opens nothing: a right password is asked for as ever. It tells only that wrong ones here are counted apart.
"""

import hashlib
import hmac
import re

COOKIE = "weaklink_browser"
DAYS = 400
"""Browsers keep no cookie for longer."""

_LABEL = b"weaklink known browser v1\x00"
_MARK = re.compile(r"(?P<nonce>[0-9a-f]{32})\.(?P<mac>[0-9a-f]{64})")


def make_mark(secret: bytes, account: str, *, nonce: bytes) -> str:
    """The mark of a browser in which this account was signed in to."""
    return f"{nonce.hex()}.{_mac(secret, account, nonce)}"


def read_mark(secret: bytes, account: str, mark: str) -> str:
    """Which browser a mark stands for; nothing if it is none of ours for this account."""
    found = _MARK.fullmatch(mark)
    if found is None or not hmac.compare_digest(found["mac"], _mac(secret, account, bytes.fromhex(found["nonce"]))):
        return ""
    return found["nonce"]


def _mac(secret: bytes, account: str, nonce: bytes) -> str:
    return hmac.new(secret, _LABEL + nonce + account.encode(), hashlib.sha256).hexdigest()
