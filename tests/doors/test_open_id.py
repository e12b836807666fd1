"""What a provider of sign-ins says is taken only if it holds (OpenID Connect Core 1.0 section 3.1.3.7, RFC 9207).

The provider here says whatever a test wants. A true one is in `tests/browser/test_single_sign_on.py`.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from pydantic import SecretStr

from api.http.encoding import b64
from api.process.open_id import Identity, OpenIdProvider, SignOn, new_sign_on
from api.settings import read_settings
from custody.kernel.errors import Rejected, Trouble, Unavailable
from tests.world_parts import Clock

BACK = "https://weaklink.example/console/sign-on/back"
CODE = "the code"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public(key: Any, **more: str) -> dict[str, Any]:
    """A key as a provider publishes it (RFC 7517)."""
    kind: Any = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**json.loads(kind.to_jwk(key.public_key())), "use": "sig", **more}


@dataclass(slots=True, kw_only=True)
class Provider:
    """A provider that says what it is told to say."""

    issuer: str = ""
    clock: Clock = field(default_factory=Clock)
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    keys: list[dict[str, Any]] = field(default_factory=lambda: [public(RSA, kid="one")])
    sign: Callable[[dict[str, Any]], str] = lambda claims: jwt.encode(claims, RSA, "RS256", {"kid": "one"})
    forms: list[dict[str, list[str]]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    status: int = 200

    def said(self, path: str) -> dict[str, Any]:
        known = {
            "/.well-known/openid-configuration": {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/auth",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                **self.metadata,
            },
            "/keys": {"keys": self.keys},
        }
        return known.get(path) or {"id_token": self.sign(self.claims), "access_token": "x", "token_type": "Bearer"}

    def known_as(self, **more: Any) -> OpenIdProvider:
        settings = {"client_id": "weaklink", "client_secret": SecretStr(""), "role_claim": "", **more}
        return OpenIdProvider(self.issuer, clock=self.clock, **settings)

    def identity(
        self, begun: SignOn, *, max_age_s: int | None = None, known_as: Mapping[str, Any] | None = None, **answer: str
    ) -> Identity:
        """What comes of an answer of this provider to a sign-in."""
        now_s = self.clock.now_ms() // 1000
        own = {"iss": self.issuer, "sub": "ann", "aud": "weaklink", "iat": now_s, "exp": now_s + 300}
        self.claims = {name: said for name, said in {**own, "nonce": begun.nonce, **self.claims}.items() if said != ""}
        given = {"state": begun.state, "code": CODE, **answer}
        return self.known_as(**known_as or {}).identity(begun, given, back=BACK, max_age_s=max_age_s)


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(made.said(self.path)).encode()
            self.send_response(made.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            made.forms.append(parse_qs(sent))
            made.authorizations.append(self.headers["Authorization"])
            self.do_GET()

        def log_message(self, *_said: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    made.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def begun() -> SignOn:
    return new_sign_on()


def test_the_browser_is_sent_with_what_binds_the_answer_to_it(provider: Provider, begun: SignOn) -> None:
    asked = parse_qs(urlsplit(provider.known_as().address(begun, back=BACK, max_age_s=900)).query)
    assert asked["state"] == [begun.state]
    assert asked["nonce"] == [begun.nonce]
    assert asked["code_challenge_method"] == ["S256"]
    assert begun.verifier not in str(asked)
    assert (asked["redirect_uri"], asked["max_age"], asked["scope"]) == ([BACK], ["900"], ["openid"])


def test_the_challenge_is_that_of_the_standard(provider: Provider) -> None:
    """RFC 7636, appendix B."""
    begun = SignOn(state="s", nonce="n", verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    asked = parse_qs(urlsplit(provider.known_as().address(begun, back=BACK)).query)
    assert asked["code_challenge"] == ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"]
    assert "max_age" not in asked


def test_a_token_that_holds_says_who_it_is(provider: Provider, begun: SignOn) -> None:
    said = provider.identity(begun)
    assert said == Identity(subject=f"{provider.issuer} ann", roles=None, since_ms=None)
    assert provider.forms == [
        {
            "grant_type": ["authorization_code"],
            "code": [CODE],
            "redirect_uri": [BACK],
            "code_verifier": [begun.verifier],
            "client_id": ["weaklink"],
        }
    ]


def test_a_secret_is_written_as_in_a_form_before_it_is_packed(provider: Provider, begun: SignOn) -> None:
    """RFC 6749 section 2.3.1; `weaklink:a%3Ab+%26` in base64."""
    provider.identity(begun, known_as={"client_secret": SecretStr("a:b &")})
    assert provider.authorizations == ["Basic d2Vha2xpbms6YSUzQWIrJTI2"]
    assert "client_id" not in provider.forms[0]


@pytest.mark.parametrize("told", [["agent", "supervisor"], "agent", 7, [{}, "agent"]])
def test_roles_are_what_the_claim_holds_of_texts(provider: Provider, begun: SignOn, told: object) -> None:
    provider.claims = {"roles": told}
    said = provider.identity(begun, known_as={"role_claim": "roles"})
    assert said.roles == frozenset(
        each for each in (told if isinstance(told, list) else [told]) if isinstance(each, str)
    )


def test_no_claim_of_roles_is_no_role(provider: Provider, begun: SignOn) -> None:
    assert provider.identity(begun, known_as={"role_claim": "roles"}).roles == frozenset()


NOW_S = Clock().now_ms() // 1000
WRONG_CLAIMS = {
    "another issuer": {"iss": "https://other.example"},
    "no issuer": {"iss": ""},
    "another service": {"aud": "other"},
    "for two services, and no word for which": {"aud": ["weaklink", "other"]},
    "given to another service": {"aud": ["weaklink", "other"], "azp": "other"},
    "given to another service alone": {"azp": "other"},
    "another sign-in": {"nonce": "other"},
    "no sign-in": {"nonce": ""},
    "nobody": {"sub": ""},
    "a number": {"sub": 7},
    "too long": {"sub": "a" * 256},
    "a line break": {"sub": "a\nb"},
    "over": {"exp": NOW_S - 61},
    "no end": {"exp": ""},
    "an end that is a word": {"exp": "soon"},
    "not yet": {"iat": NOW_S + 3600},
    "not before": {"nbf": NOW_S + 3600},
}


@pytest.mark.parametrize("wrong", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
def test_a_token_that_does_not_hold_is_refused(provider: Provider, begun: SignOn, wrong: dict[str, Any]) -> None:
    provider.claims = wrong
    with pytest.raises(Rejected) as refused:
        provider.identity(begun)
    assert refused.value.code == "unauthenticated"


def test_two_services_with_a_word_for_ours_are_taken(provider: Provider, begun: SignOn) -> None:
    provider.claims = {"aud": ["weaklink", "other"], "azp": "weaklink"}
    assert provider.identity(begun).subject.endswith(" ann")


def under_header(claims: dict[str, Any], header: dict[str, Any]) -> str:
    """A token whose header says something else than what signed it."""
    _, *rest = jwt.encode(claims, RSA, "RS256").split(".")
    return ".".join([b64(json.dumps(header).encode()), *rest])


SIGNERS: dict[str, Callable[[dict[str, Any]], str]] = {
    "nobody's signature": lambda claims: jwt.encode(claims, "", "none"),
    "a shared secret": lambda claims: jwt.encode(claims, "weaklink" * 8, "HS256", {"kid": "one"}),
    "another key": lambda claims: jwt.encode(claims, STRANGER, "RS256", {"kid": "one"}),
    "a key that nobody published": lambda claims: jwt.encode(claims, RSA, "RS256", {"kid": "two"}),
    "another algorithm than the key's type": lambda claims: jwt.encode(claims, EC, "ES256", {"kid": "one"}),
    "an algorithm that is no text": lambda claims: under_header(claims, {"alg": ["RS256"], "kid": "one"}),
    "an algorithm that is not taken": lambda claims: jwt.encode(claims, RSA, "RS512", {"kid": "one"}),
    "no token": lambda _claims: "no.token.at all",
}


@pytest.mark.parametrize("sign", SIGNERS.values(), ids=SIGNERS)
def test_a_token_under_another_signature_is_refused(
    provider: Provider, begun: SignOn, sign: Callable[[dict[str, Any]], str]
) -> None:
    provider.sign = sign
    with pytest.raises(Rejected):
        provider.identity(begun)


@pytest.mark.parametrize(
    ("alg", "key", "keys"),
    [
        ("RS256", RSA, [public(RSA)]),
        ("PS256", RSA, [public(RSA)]),
        ("ES256", EC, [public(RSA), public(EC)]),
        ("RS256", RSA, [public(RSA, alg="RS256"), public(STRANGER, alg="PS256")]),
        ("RS256", RSA, [public(STRANGER, use="enc"), public(RSA)]),
    ],
)
def test_a_token_that_names_no_key_is_under_the_only_one_that_fits(
    provider: Provider, begun: SignOn, alg: str, key: Any, keys: list[dict[str, Any]]
) -> None:
    provider.keys, provider.sign = keys, lambda claims: jwt.encode(claims, key, alg)
    assert provider.identity(begun).subject.endswith(" ann")


@pytest.mark.parametrize("keys", [[], [public(RSA), public(STRANGER)], ["no key"], [{"kty": "RSA"}]])
def test_it_is_not_guessed_which_key_was_meant(provider: Provider, begun: SignOn, keys: list[Any]) -> None:
    provider.keys, provider.sign = keys, lambda claims: jwt.encode(claims, RSA, "RS256")
    with pytest.raises(Rejected):
        provider.identity(begun)


@pytest.mark.parametrize("answer", [{"state": "other"}, {"state": "\u00e9"}, {"iss": "https://other.example"}])
def test_an_answer_to_another_sign_in_is_none_to_this(
    provider: Provider, begun: SignOn, answer: dict[str, str]
) -> None:
    with pytest.raises(Rejected):
        provider.identity(begun, **answer)
    assert provider.forms == [], "the code is not used up"


def test_a_provider_that_says_who_answers_has_to(provider: Provider, begun: SignOn) -> None:
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    with pytest.raises(Rejected):
        provider.identity(begun)
    assert provider.identity(begun, iss=provider.issuer).subject.endswith(" ann")


def test_whoever_says_no_there_is_not_signed_in(provider: Provider, begun: SignOn) -> None:
    answer = {"state": begun.state, "error": "access_denied"}
    with pytest.raises(Rejected, match="access_denied"):
        provider.known_as().identity(begun, answer, back=BACK)


@pytest.mark.parametrize(("auth_time", "taken"), [(NOW_S - 10, True), (NOW_S - 2000, False), ("", False), ("x", False)])
def test_a_password_that_is_asked_for_was_given_lately(
    provider: Provider, begun: SignOn, auth_time: object, *, taken: bool
) -> None:
    provider.claims = {"auth_time": auth_time}
    if taken:
        assert provider.identity(begun, max_age_s=900).since_ms == (NOW_S - 10) * 1000
    else:
        with pytest.raises(Rejected):
            provider.identity(begun, max_age_s=900)


def test_a_password_of_the_future_was_given_now(provider: Provider, begun: SignOn) -> None:
    provider.claims = {"auth_time": NOW_S + 40}
    since_ms = provider.identity(begun).since_ms
    assert since_ms is not None
    assert since_ms <= provider.clock.now_ms()


@pytest.mark.parametrize(
    "metadata",
    [{"issuer": "https://other.example"}, {"token_endpoint": "http://login.example/token"}, {"jwks_uri": None}],
)
def test_a_provider_that_does_not_fit_is_not_used(provider: Provider, begun: SignOn, metadata: dict[str, Any]) -> None:
    provider.metadata = metadata
    with pytest.raises(Unavailable):
        provider.identity(begun)


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_provider_that_is_away_is_said_to_be(provider: Provider, begun: SignOn, status: int) -> None:
    provider.status = status
    with pytest.raises(Trouble) as caught:
        provider.known_as().address(begun, back=BACK)
    assert caught.value.code == "provider"


@pytest.mark.parametrize("issuer", ["http://login.example", "login.example", "https://login.example/?x=1"])
def test_a_provider_that_others_can_listen_to_is_no_setting(issuer: str) -> None:
    with pytest.raises(Rejected, match="oidc_issuer"):
        read_settings(oidc_issuer=issuer)
