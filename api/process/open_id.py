"""Single sign-on: people sign in at a provider of their organisation (OpenID Connect Core 1.0, code flow).

What the provider says is an ID token that it signed (`provider_token.py`), taken over a connection of ours to it, never
out of the browser. Each sign-in has a `state`, a `nonce` and a PKCE verifier (RFC 7636, S256), which only its browser
holds: an answer to another one is none to this. What an answer says of who gives it has to be right (RFC 9207). Whose
it is, is issuer and `sub` together, and nothing else.

Addresses are the provider's own, read from its `/.well-known/openid-configuration` (`provider_says.py`).
"""

import hashlib
import hmac
import secrets
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from pydantic import SecretStr

from api.process.provider_says import ProviderSays, refused
from api.process.provider_token import LEEWAY_S, TokenCheck, moment_s, name_in
from custody.kernel.base64url import b64
from custody.kernel.clock import SECOND_MS, Clock, Instant

SCOPE = "openid"
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_TYPES = frozenset({"logout+jwt", "jwt", ""})
"""What a logout token may say that it is; some providers do not tell it from their other tokens."""
LOGOUT_S = 600
"""So old a logout token may be, whatever its end."""
MOST_HINT = 4_096
"""Characters of an ID token that still fit into an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOn:
    """What only the browser that began to sign in holds; each is 43 letters of base64url."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the provider says it is. `subject`: issuer and `sub`; `roles`: None if no claim is set that tells them.

    `since_ms`: when they gave their password there, None if the provider does not tell; `sid`: issuer and name of their
    session there, if it does; `hint`: what names them on its way out, empty if that is too long to be kept.
    """

    subject: str
    roles: frozenset[str] | None
    since_ms: Instant | None
    sid: str | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logout:
    """Who is signed in at the provider no more: the one with this `subject`, in the session `sid`, or in any.

    One of the two is there. `name`: issuer and `jti`, which no other has; `until_ms`: when it is taken no more.
    """

    name: str
    until_ms: Instant
    subject: str | None
    sid: str | None


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
        self._says = ProviderSays(issuer, clock=clock)
        self._check = TokenCheck(self._says, issuer=issuer, client_id=client_id, clock=clock)

    def address(self, begun: SignOn, *, back: str, max_age_s: int | None = None, anew: bool = False) -> str:
        """Where the browser goes to sign in, and comes `back` from; raises `Unavailable` if the provider is away.

        `max_age_s`: whoever gave their password longer ago gives it again; `anew`: whoever is signed in there does.
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
            **({"prompt": "login"} if anew else {}),
        }
        return _with_query(self._says.endpoint("authorization_endpoint"), asked)

    def identity(
        self, begun: SignOn, answer: Mapping[str, str], *, back: str, max_age_s: int | None = None
    ) -> Identity:
        """Who has signed in, by what the browser brought; raises `Rejected("unauthenticated")` or `Unavailable`."""
        if not _is_same(answer.get("state", ""), begun.state):
            raise refused("the answer is to another sign-in")
        # 1. It is this provider that answers (RFC 9207 section 2.4).
        must_say = self._says.configuration.get("authorization_response_iss_parameter_supported") is True
        if answer.get("iss", None if must_say else self._issuer) != self._issuer:
            raise refused("another provider answered")
        # 2. The person may have said no there.
        if "code" not in answer:
            raise refused(f"the provider says {answer.get('error', 'nothing')[:60]}")
        # 3. What it says of them stands in a token that it gives to us alone.
        token = self._token(code=answer["code"], verifier=begun.verifier, back=back)
        said = self._check.claims(token)
        if not _is_same(str(said.get("nonce", "")), begun.nonce):
            raise refused("the token is of another sign-in")
        return Identity(
            subject=self._named(said, "sub"),
            roles=self._roles(said),
            since_ms=self._since_ms(said, max_age_s),
            sid=self._named(said, "sid") if "sid" in said else None,
            hint=token if len(token) <= MOST_HINT else "",
        )

    def way_out(self, hint: str, *, back: str) -> str:
        """Where somebody signs out there and comes `back` from (RP-Initiated Logout 1.0 section 2).

        Nothing if the provider has no such place; raises `Unavailable` if it is away.
        """
        if "end_session_endpoint" not in self._says.configuration:
            return ""
        asked = {"client_id": self._client_id, "post_logout_redirect_uri": back}
        return _with_query(self._says.endpoint("end_session_endpoint"), {"id_token_hint": hint, **asked})

    def logout(self, token: str) -> Logout:
        """What a logout token says; raises `Rejected("unauthenticated")` or `Unavailable`.

        It is no ID token: an event tells what it is for, and it has no `nonce` (Back-Channel Logout 1.0 section 2.6).
        """
        said = self._check.claims(token, types=LOGOUT_TYPES)
        events, since_s = said.get("events"), moment_s(said, "iat")
        if not isinstance(events, dict) or not isinstance(events.get(LOGOUT), dict):
            raise refused("the token tells of no logout")
        if "nonce" in said:
            raise refused("the token is of a sign-in")
        if "sub" not in said and "sid" not in said:
            raise refused("the token names nobody")
        until_s = since_s + LOGOUT_S + LEEWAY_S
        if until_s <= self._clock.now_ms() // SECOND_MS:
            raise refused("the token is of another time")
        return Logout(
            name=self._named(said, "jti"),
            until_ms=int(until_s * SECOND_MS),
            subject=self._named(said, "sub") if "sub" in said else None,
            sid=self._named(said, "sid") if "sid" in said else None,
        )

    def _named(self, said: Mapping[str, Any], name: str) -> str:
        return f"{self._issuer} {name_in(said, name)}"

    def _token(self, *, code: str, verifier: str, back: str) -> str:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        headers: tuple[tuple[str, str], ...] = ()
        secret = self._client_secret.get_secret_value()
        if secret and not _reads_forms_alone(self._says.configuration):
            # each part is written as in a form first (RFC 6749 section 2.3.1)
            both = f"{quote_plus(self._client_id)}:{quote_plus(secret)}"
            headers = (("authorization", f"Basic {b64encode(both.encode()).decode()}"),)
        else:
            form |= {"client_id": self._client_id, **({"client_secret": secret} if secret else {})}
        told = self._says.post(self._says.endpoint("token_endpoint"), headers=headers, body=urlencode(form).encode())
        token = told.get("id_token")
        if not isinstance(token, str):
            raise refused("the provider gave no ID token")
        return token

    def _since_ms(self, said: Mapping[str, Any], max_age_s: int | None) -> Instant | None:
        if "auth_time" not in said:
            if max_age_s is not None:
                raise refused("the provider does not say when the password was given")
            return None
        since_s, now_ms = moment_s(said, "auth_time"), self._clock.now_ms()
        if max_age_s is not None and since_s + max_age_s + LEEWAY_S < now_ms // SECOND_MS:
            raise refused("the password was given too long ago")
        return min(int(since_s * SECOND_MS), now_ms)

    def _roles(self, claims: Mapping[str, Any]) -> frozenset[str] | None:
        if not self._role_claim:
            return None
        told = claims.get(self._role_claim, [])
        return frozenset(each for each in (told if isinstance(told, list) else [told]) if isinstance(each, str))


def _reads_forms_alone(configuration: Mapping[str, Any]) -> bool:
    """Whether the provider takes a secret in the form and not in the header.

    One that says nothing takes it in the header (OpenID Connect Discovery 1.0 section 3).
    """
    methods = configuration.get("token_endpoint_auth_methods_supported")
    listed = methods if isinstance(methods, list) else []
    return "client_secret_post" in listed and "client_secret_basic" not in listed


def _with_query(address: str, asked: Mapping[str, str]) -> str:
    told = {name: text for name, text in asked.items() if text}
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(told)}"


def _is_same(given: str, held: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), held.encode())


def _challenge(verifier: str) -> str:
    """What the provider is told of a verifier (RFC 7636 section 4.2)."""
    return b64(hashlib.sha256(verifier.encode()).digest())
