"""A name that follows from a form's own value and what was typed in it: the same form sent twice makes the same name.

The value (`once`) was made for one form alone. With what was said in it HKDF-SHA256 (RFC 5869) makes the name of what
the form brings about, so that a second tap finds it there. A value that is none of ours makes no name.
"""

import re

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from custody.kernel.ids import spell

ONCE = re.compile(r"[0-9a-f]{32}")
INFO = b"weaklink: what a form brings about: "
NAME_BYTES = 10


def name_once(once: str, prefix: str, said: object) -> str:
    """The name that this form gives to what it brings about; empty for a value that we did not make."""
    if not ONCE.fullmatch(once):
        return ""
    key = HKDF(SHA256(), length=NAME_BYTES, salt=bytes.fromhex(once), info=INFO + prefix.encode())
    return spell(prefix, key.derive(msgspec.json.encode(said)))
