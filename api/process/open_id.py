"""Single sign-on: people sign in at a provider of their organisation (OpenID Connect Core 1.0, code flow).

What the provider says is an ID token that it signed, taken over a connection of ours to it, never out of the browser.
Each sign-in has a `state`, a `nonce` and a PKCE verifier (RFC 7636, S256), which only its browser holds: an answer to
another one is none to this. A token is taken if its key is one of the provider's own, by an algorithm with two
keys, and if it names this provider, this service, this sign-in and a time that is not over (Core section 3.1.3.7). What
an answer says of who gives it has to be right (RFC 9207). Whose it is, is issuer and `sub` together, and nothing else.

Addresses are the provider's own, read from its `/.well-known/openid-configuration`; all are https, or of this machine.
"""

import hashlib
import hmac
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import jwt
from jwt import PyJWK
from jwt.exceptions import PyJWTError
from jwt.types import Options
from pydantic import SecretStr

from api.addresses import is_private
from custody.kernel.clock import SECOND_MS, Clock, Instant
from custody.kernel.errors import Rejected, Unavailable
from devicelock.backends.exchange import Request, read_json
from devicelock.backends.http_line import HttpLine

DISCOVERY = "/.well-known/openid-configuration"
ALGORITHMS = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
"""By which algorithms a token may be signed, and of which type a key for it is (RFC 7518 sections 3.1 and 6.1)."""
SCOPE = "openid"
LEEWAY_S = 60
"""So far the provider's clock and ours may be apart."""
MOST_SUB = 255
"""Characters of `sub` (Core section 2)."""
CHECKED = Options(require=["iss", "sub", "aud", "exp", "iat"], verify_exp=False, verify_iat=False, verify_nbf=False)
"""What the library checks of a token; its times are held against our own clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOn:
    """What only the browser that began to sign in holds; each is 43 letters of base64url."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the provider says it is. `subject`: issuer and `sub`; `roles`: None if no claim is set that tells them.

    `since_ms`: when they gave their password there, None if the provider does not tell.
    """

    subject: str
    roles: frozenset[str] | None
    since_ms: Instant | None


def new_sign_on() -> SignOn:
    """A sign-in that begins now."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return SignOn(state=state, nonce=nonce, verifier=verifier)


class OpenIdProvider:
    """One provider, as this service is known there."""

    def __init__(self, issuer: str, *, client_id: str, client_secret: SecretStr, role_claim: str, clock: Clock) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._role_claim = role_claim
        self._clock = clock

    def address(self, begun: SignOn, *, back: str, max_age_s: int | None = None) -> str:
        """Where the browser goes to sign in, and comes `back` from; raises `Unavailable` if the provider is away.

        `max_age_s`: whoever gave their password longer ago gives it again.
        """
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": back,
            "scope": SCOPE,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": _challenge(begun.verifier),
            "code_challenge_method": "S256",
            **({} if max_age_s is None else {"max_age": str(max_age_s)}),
        }
        where = _endpoint(self._metadata(), "authorization_endpoint")
        return f"{where}{'&' if urlsplit(where).query else '?'}{urlencode(asked)}"

    def identity(
        self, begun: SignOn, answer: Mapping[str, str], *, back: str, max_age_s: int | None = None
    ) -> Identity:
        """Who has signed in, by what the browser brought; raises `Rejected("unauthenticated")` or `Unavailable`."""
        if not _is_same(answer.get("state", ""), begun.state):
            raise _refused("the answer is to another sign-in")
        metadata = self._metadata()
        # 1. It is this provider that answers (RFC 9207 section 2.4).
        must_say = metadata.get("authorization_response_iss_parameter_supported") is True
        if answer.get("iss", None if must_say else self._issuer) != self._issuer:
            raise _refused("another provider answered")
        # 2. The person may have said no there.
        if "code" not in answer:
            raise _refused(f"the provider says {answer.get('error', 'nothing')[:60]}")
        # 3. What it says of them stands in a token that it gives to us alone.
        token = self._token(metadata, code=answer["code"], verifier=begun.verifier, back=back)
        claims = self._claims(metadata, token)
        if not _is_same(str(claims.get("nonce", "")), begun.nonce):
            raise _refused("the token is of another sign-in")
        since_ms = self._since_ms(claims, max_age_s)
        return Identity(subject=f"{self._issuer} {claims['sub']}", roles=self._roles(claims), since_ms=since_ms)

    def _metadata(self) -> dict[str, Any]:
        found = self._ask(f"{self._issuer.rstrip('/')}{DISCOVERY}")
        if found.get("issuer") != self._issuer:
            raise _unfit("its configuration is another issuer's")
        return found

    def _token(self, metadata: Mapping[str, Any], *, code: str, verifier: str, back: str) -> str:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        headers = [("content-type", "application/x-www-form-urlencoded")]
        secret = self._client_secret.get_secret_value()
        if secret:  # each part is written as in a form first (RFC 6749 section 2.3.1)
            both = f"{quote_plus(self._client_id)}:{quote_plus(secret)}"
            headers.append(("authorization", f"Basic {b64encode(both.encode()).decode()}"))
        else:
            form["client_id"] = self._client_id
        told = self._ask(_endpoint(metadata, "token_endpoint"), headers=tuple(headers), body=urlencode(form).encode())
        token = told.get("id_token")
        if not isinstance(token, str):
            raise _refused("the provider gave no ID token")
        return token

    def _claims(self, metadata: Mapping[str, Any], token: str) -> dict[str, Any]:
        """The claims of a token that holds."""
        try:
            key = self._key(metadata, jwt.get_unverified_header(token))
            held_by, asked_of = self._client_id, self._issuer
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=[key.algorithm_name], audience=held_by, issuer=asked_of, options=CHECKED
            )
        except (PyJWTError, ValueError) as error:
            raise _refused(f"the token does not hold: {error}") from error
        now_s = self._clock.now_ms() // SECOND_MS
        starts = [claims["iat"], claims.get("nbf", claims["iat"])]
        if not all(isinstance(each, int | float) for each in [claims["exp"], *starts]):
            raise _refused("the token's times are no numbers")
        if claims["exp"] + LEEWAY_S <= now_s or max(starts) > now_s + LEEWAY_S:
            raise _refused("the token is of another time")
        others = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if others else self._client_id) != self._client_id:
            raise _refused("the token was given to another service")
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= MOST_SUB or not subject.isprintable():
            raise _refused("the token names nobody")
        return claims

    def _key(self, metadata: Mapping[str, Any], header: Mapping[str, Any]) -> PyJWK:
        """The provider's key that the token names, or its only one for that algorithm."""
        alg = header.get("alg")
        if not isinstance(alg, str) or alg not in ALGORITHMS:
            raise _refused(f"the token is signed by {str(alg)[:20]!r}")
        held = self._ask(_endpoint(metadata, "jwks_uri")).get("keys")
        signs = {"use": "sig", "alg": alg, "kty": ALGORITHMS[alg], "kid": header.get("kid")}
        keys = [key for key in held if _fits(key, signs)] if isinstance(held, list) else []
        if len(keys) != 1:
            raise _refused("the token is under no key of the provider's")
        return PyJWK(keys[0], algorithm=alg)

    def _since_ms(self, claims: Mapping[str, Any], max_age_s: int | None) -> Instant | None:
        since_s, now_ms = claims.get("auth_time"), self._clock.now_ms()
        if not isinstance(since_s, int):
            if max_age_s is not None:
                raise _refused("the provider does not say when the password was given")
            return None
        if max_age_s is not None and since_s + max_age_s + LEEWAY_S < now_ms // SECOND_MS:
            raise _refused("the password was given too long ago")
        return min(since_s * SECOND_MS, now_ms)

    def _roles(self, claims: Mapping[str, Any]) -> frozenset[str] | None:
        if not self._role_claim:
            return None
        told = claims.get(self._role_claim, [])
        return frozenset(each for each in (told if isinstance(told, list) else [told]) if isinstance(each, str))

    def _ask(self, address: str, *, headers: tuple[tuple[str, str], ...] = (), body: bytes = b"") -> dict[str, Any]:
        """The JSON object that the provider answers; what is sent is sent as a form."""
        parts = urlsplit(address)
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        with closing(HttpLine(f"{parts.scheme}://{parts.netloc}")) as line:
            accepts = (("accept", "application/json"), *headers)
            reply = line(Request(method="POST" if body else "GET", path=path, headers=accepts, body=body))
        if reply.status != 200:
            why = f"{parts.path} answered {reply.status}"
            raise _refused(why) if body and reply.status < 500 else _unfit(why)
        return read_json(reply, who="the sign-in provider")


def _endpoint(metadata: Mapping[str, Any], name: str) -> str:
    address = metadata.get(name)
    if not isinstance(address, str) or not is_private(address):
        raise _unfit(f"its {name} is no https address")
    return address


def _is_same(given: str, held: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), held.encode())


def _challenge(verifier: str) -> str:
    """What the provider is told of a verifier (RFC 7636 section 4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _fits(key: object, wanted: Mapping[str, str | None]) -> bool:
    """Whether a key of a set (RFC 7517) says nothing else of itself than what is wanted; its type it has to say."""
    return (
        isinstance(key, dict)
        and "kty" in key
        and all(value is None or key.get(name, value) == value for name, value in wanted.items())
    )


def _refused(why: str) -> Rejected:
    return Rejected("unauthenticated", f"the sign-in is not taken: {why}", fix="Sign in once more.")


def _unfit(why: str) -> Unavailable:
    return Unavailable(
        "provider", f"the sign-in provider cannot be used: {why}", fix="Try again later, or ask who runs it."
    )
