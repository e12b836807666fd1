"""A signed token (RFC 7515, RFC 7519) for Samsung's services: RS512 over header and claims.

`header.claims.signature`, each unpadded Base64url; the signature is RSASSA-PKCS1-v1_5 with SHA-512 (RFC 7518 section
3.3) over the ASCII bytes of the first two parts.
"""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from custody.kernel.errors import Rejected

LEAST_BITS = 2048


def sign_rs512(claims: Mapping[str, Any], key: rsa.RSAPrivateKey) -> str:
    """The token; raises `Rejected("key")` for a key that RFC 7518 does not allow."""
    if key.key_size < LEAST_BITS:
        raise Rejected("key", f"the key has {key.key_size} bits", fix=f"Make one of at least {LEAST_BITS} bits.")
    head = f"{_part({'alg': 'RS512', 'typ': 'JWT'})}.{_part(claims)}"
    signature = key.sign(head.encode(), padding.PKCS1v15(), hashes.SHA512())
    return f"{head}.{_b64(signature)}"


def _part(value: Mapping[str, Any]) -> str:
    return _b64(msgspec.json.encode(value))


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
