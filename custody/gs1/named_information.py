"""Digests as `ni:///sha-256;<unpadded base64url>` (RFC 6920).

Not to be confused with the CBV event hash, which has the same scheme but hexadecimal digits and `?ver=CBV2.0`.
"""

from custody.kernel.base64url import b64, unb64
from custody.kernel.errors import Rejected

_HEAD = "ni:///sha-256;"


def write_ni(digest: bytes) -> str:
    """The URI of a SHA-256 digest."""
    if len(digest) != 32:
        raise Rejected("digest", f"{len(digest)} bytes are not a SHA-256 digest", fix="Give the 32 raw bytes.")
    return _HEAD + b64(digest)


def read_ni(uri: str) -> bytes:
    """The 32 bytes of the digest; raises `Rejected("digest")` for any other URI and for a spelling not our own."""
    try:
        digest = unb64(uri.removeprefix(_HEAD), where="a digest")
    except Rejected as error:
        raise _bad(uri) from error
    if len(digest) != 32 or not uri.startswith(_HEAD):
        raise _bad(uri)
    return digest


def _bad(uri: str) -> Rejected:
    return Rejected(
        "digest", f"{uri[:100]!r} is not a SHA-256 digest", fix="Write ni:///sha-256; and 43 letters of base64url."
    )
