"""A form that opens a case, sent twice since a button was tapped twice, opens one.

The form carries a value that was made for it alone (`once`). With what was typed it makes the token of the case
(HKDF-SHA256, RFC 5869), so the same form leads to the same page, and no account, cookie or memory is needed for it. The
value alone opens nothing. What was corrected before it was sent again is another report.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from fastapi import Form

from api.parts import Parts
from custody.kernel.errors import NotFound, Unavailable
from custody.kernel.ids import spell
from custody.store import case_book
from custody.usecases.open_dispute import hash_token

ONCE = re.compile(r"[0-9a-f]{32}")
INFO = b"weaklink: the case that a form opens"
TOKEN_BYTES = 10

Once = Annotated[str, Form(max_length=100)]


def fresh_once(parts: Parts) -> str:
    """A value for one form."""
    return parts.ids.random_bytes(16).hex()


def open_once(parts: Parts, once: str, form: str, given: Mapping[str, str], open_case: Callable[[str], str]) -> str:
    """The token of the case that this form opened before or opens now; a form without a value of ours always opens one.

    `open_case` takes the token to open it with, or nothing for a fresh one.
    """
    if not ONCE.fullmatch(once):
        return open_case("")
    said = msgspec.json.encode([form, sorted(given.items())])
    token = spell("c", HKDF(SHA256(), length=TOKEN_BYTES, salt=bytes.fromhex(once), info=INFO).derive(said))
    if _is_open(parts, token):
        return token
    try:
        return open_case(token)
    except Unavailable:
        if _is_open(parts, token):  # the other tap was faster
            return token
        raise


def _is_open(parts: Parts, token: str) -> bool:
    with parts.house.read() as session:
        try:
            case_book.read_by_token(session, hash_token(token))
        except NotFound:
            return False
    return True
