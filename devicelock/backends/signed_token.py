"""A signed token (RFC 7515, RFC 7519): header and claims under an RSA key.

`header.claims.signature`, each unpadded Base64url; the signature is RSASSA-PKCS1-v1_5 over the ASCII bytes of the
first two parts (RFC 7518 section 3.3): RS256 with SHA-256 for Google, RS512 with SHA-512 for Samsung.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from custody.kernel.base64url import b64
from custody.kernel.errors import Rejected

LEAST_BITS = 2048
DIGESTS: Mapping[str, hashes.HashAlgorithm] = {"RS256": hashes.SHA256(), "RS512": hashes.SHA512()}


def sign_token(claims: Mapping[str, Any], key: rsa.RSAPrivateKey, *, algorithm: Literal["RS256", "RS512"]) -> str:
    """The token; raises `Rejected("key")` for a key that RFC 7518 does not allow."""
    if key.key_size < LEAST_BITS:
        raise Rejected("key", f"the key has {key.key_size} bits", fix=f"Make one of at least {LEAST_BITS} bits.")
    head = f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{_part(claims)}"
    signature = key.sign(head.encode(), padding.PKCS1v15(), DIGESTS[algorithm])
    return f"{head}.{b64(signature)}"


def _part(value: Mapping[str, Any]) -> str:
    return b64(msgspec.json.encode(value))
