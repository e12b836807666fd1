"""Bytes as text: base64url without padding (RFC 4648 section 5), of which each value has one spelling."""

import base64
import binascii

from custody.kernel.errors import Rejected


def b64(raw: bytes) -> str:
    """Bytes as text."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str, *, where: str) -> bytes:
    """The bytes of a text; raises `Rejected("base64")` for another alphabet, for padding and for stray bits."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Rejected("base64", f"{where} is not base64url", fix="Use the alphabet of RFC 4648 section 5.") from error
    if b64(raw) != text:
        raise Rejected("base64", f"{where} is padded or not canonical", fix="Leave the padding out.")
    return raw
