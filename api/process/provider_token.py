"""A token that a provider of sign-ins signed for this service (RFC 7519), and what it says.

It is taken if its key is one of the provider's own, by an algorithm with two keys, and if it names this provider, this
service and a time that is not over (Core section 3.1.3.7). A key that we do not know may be a new one: the keys are
then read once more, if they were not a moment ago.
"""

from collections.abc import Container, Mapping
from typing import Any

import jwt
from jwt import PyJWK
from jwt.exceptions import PyJWTError
from jwt.types import Options

from api.process.provider_says import ProviderSays, refused
from custody.kernel.clock import SECOND_MS, Clock
from custody.kernel.errors import Rejected

ALGORITHMS = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
"""By which algorithms a token may be signed, and of which type a key for it is (RFC 7518 sections 3.1 and 6.1)."""
LEEWAY_S = 60
"""So far the provider's clock and ours may be apart."""
LATEST_S = 253_402_300_799
"""The last second that is written with four digits of a year: no time of a token is later."""
MOST_CHARACTERS = 32_768
MOST_NAME = 255
"""Characters of `sub` (Core section 2); those of `sid` and `jti` here."""
CHECKED = Options(
    require=["iss", "aud", "exp", "iat"],
    verify_exp=False,
    verify_iat=False,
    verify_nbf=False,
    verify_sub=False,
    verify_jti=False,
    enforce_minimum_key_length=True,
)
"""What the library checks of a token; its times are held against our own clock."""


class TokenCheck:
    """Reads the tokens that one provider signs for one client of it."""

    def __init__(self, says: ProviderSays, *, issuer: str, client_id: str, clock: Clock) -> None:
        self._says = says
        self._issuer = issuer
        self._client_id = client_id
        self._clock = clock

    def claims(self, token: str, *, types: Container[str] | None = None) -> dict[str, Any]:
        """The claims of a token that holds; raises `Rejected("unauthenticated")` or `Unavailable`.

        `types`: what it may say that it is, in lower letters, if that counts (RFC 8725 section 3.11).
        """
        if len(token) > MOST_CHARACTERS:
            raise refused("the token is too long")
        known = self._says.keys
        try:
            said = self._read(token, known, types)
        except Rejected:
            keys = self._says.fresher_keys(known)
            if keys is None:
                raise
            said = self._read(token, keys, types)
        self._check_times(said)
        self._check_is_ours(said)
        return said

    def _read(self, token: str, keys: Mapping[str, Any], types: Container[str] | None) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            if types is not None and str(header.get("typ", "")).lower().removeprefix("application/") not in types:
                raise refused("the token is of another type")
            key = _key(keys, header)
            said: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._client_id,
                issuer=self._issuer,
                options=CHECKED,
            )
        except (PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise refused(f"the token does not hold: {error}") from error
        return said

    def _check_times(self, said: Mapping[str, Any]) -> None:
        now_s = self._clock.now_ms() // SECOND_MS
        begins_s = [moment_s(said, "iat"), *([moment_s(said, "nbf")] if "nbf" in said else [])]
        if moment_s(said, "exp") + LEEWAY_S <= now_s or max(begins_s) > now_s + LEEWAY_S:
            raise refused("the token is of another time")

    def _check_is_ours(self, said: Mapping[str, Any]) -> None:
        others = isinstance(said["aud"], list) and len(said["aud"]) > 1
        if said.get("azp", None if others else self._client_id) != self._client_id:
            raise refused("the token was given to another service")


def moment_s(said: Mapping[str, Any], name: str) -> float:
    """A time that a token says, as a number of seconds (RFC 7519 section 2); raises `Rejected("unauthenticated")`."""
    at = said.get(name)
    if not isinstance(at, int | float) or isinstance(at, bool) or not 0 <= at <= LATEST_S:
        raise refused(f"the token's {name} is no time")
    return at


def name_in(said: Mapping[str, Any], name: str) -> str:
    """A name that a token says; raises `Rejected("unauthenticated")`."""
    text = said.get(name)
    if not isinstance(text, str) or not 0 < len(text) <= MOST_NAME or not text.isprintable():
        raise refused(f"the token's {name} is no name")
    return text


def _key(keys: Mapping[str, Any], header: Mapping[str, Any]) -> PyJWK:
    """The provider's key that the token names, or its only one for that algorithm."""
    alg, held = header.get("alg"), keys.get("keys")
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise refused(f"the token is signed by {str(alg)[:20]!r}")
    signs = {"use": "sig", "alg": alg, "kty": ALGORITHMS[alg], "kid": header.get("kid")}
    found = [key for key in held if _fits(key, signs)] if isinstance(held, list) else []
    if len(found) != 1:
        raise refused("the token is under no key of the provider's")
    return PyJWK(found[0], algorithm=alg)


def _fits(key: object, wanted: Mapping[str, object]) -> bool:
    """Whether a key of a set (RFC 7517) says nothing else of itself than what is wanted; its type it has to say."""
    return (
        isinstance(key, dict)
        and "kty" in key
        and all(value is None or key.get(name, value) == value for name, value in wanted.items())
    )
