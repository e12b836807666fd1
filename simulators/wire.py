"""Bytes in JSON: unpadded base64url (RFC 4648 section 5), as everywhere on the wire of this service."""

import base64


def b64u(raw: bytes) -> str:
    """Bytes as text."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_b64u(text: str) -> bytes:
    """Text as bytes."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
