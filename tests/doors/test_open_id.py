"""What a provider of sign-ins says is taken only if it holds (OpenID Connect Core 1.0 section 3.1.3.7, RFC 9207).

The provider here says whatever a test wants. A true one is in `tests/browser/test_single_sign_on.py`.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from api.process.open_id import Identity, SignOn, new_sign_on
from api.process.provider_says import is_endpoint
from api.settings import read_settings
from custody.kernel.base64url import b64
from custody.kernel.errors import Rejected, Trouble, Unavailable
from tests.servers.said_openid import BACK, CODE, EC, RSA, STRANGER, Provider, public, running_provider
from tests.world_parts import Clock


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        yield running


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
    token = provider.sign(provider.given)
    assert said == Identity(subject=f"{provider.issuer} ann", roles=None, since_ms=None, hint=token)
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


@pytest.mark.parametrize(
    ("methods", "header"),
    [
        (["client_secret_post"], False),
        (["private_key_jwt", "client_secret_post"], False),
        (["client_secret_post", "client_secret_basic"], True),
        ([], True),
        ("client_secret_post", True),
    ],
)
def test_a_secret_goes_where_the_provider_takes_it(
    provider: Provider, begun: SignOn, methods: object, *, header: bool
) -> None:
    """OpenID Connect Discovery 1.0 section 3: in the header unless the provider says that it reads forms alone."""
    provider.metadata = {"token_endpoint_auth_methods_supported": methods}
    provider.identity(begun, known_as={"client_secret": SecretStr("a:b &")})
    in_form = {name: provider.forms[0].get(name) for name in ("client_id", "client_secret")}
    if header:
        assert provider.authorizations == ["Basic d2Vha2xpbms6YSUzQWIrJTI2"]
        assert in_form == {"client_id": None, "client_secret": None}
    else:
        assert provider.authorizations == [None]
        assert in_form == {"client_id": ["weaklink"], "client_secret": ["a:b &"]}


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
NO_TIMES = {
    "no number": float("nan"),
    "without end": float("inf"),
    "a truth": True,
    "before all time": -(10**30),
    "after all time": 10**30,
    "too large for a number": 10**400,
    "a word": "soon",
    "a list": [NOW_S],
}


@pytest.mark.parametrize("wrong", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
def test_a_token_that_does_not_hold_is_refused(provider: Provider, begun: SignOn, wrong: dict[str, Any]) -> None:
    provider.claims = wrong
    with pytest.raises(Rejected) as refused:
        provider.identity(begun)
    assert refused.value.code == "unauthenticated"


@pytest.mark.parametrize("time", NO_TIMES.values(), ids=NO_TIMES)
@pytest.mark.parametrize("name", ["exp", "iat", "nbf", "auth_time"])
def test_a_time_that_is_none_is_refused(provider: Provider, begun: SignOn, name: str, time: object) -> None:
    provider.claims = {name: time}
    with pytest.raises(Rejected) as refused:
        provider.identity(begun)
    assert refused.value.code == "unauthenticated"


def test_a_time_may_have_parts_of_a_second(provider: Provider, begun: SignOn) -> None:
    """RFC 7519 section 2, NumericDate."""
    provider.claims = {"exp": NOW_S + 300.5, "iat": NOW_S - 0.5, "auth_time": NOW_S - 10.5}
    assert provider.identity(begun, max_age_s=900).since_ms == NOW_S * 1000 - 10_500


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


SHORT = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - one that is not to be taken
NO_KEYS: list[list[Any]] = [
    [],
    [public(RSA), public(STRANGER)],
    ["no key"],
    [{"kty": "RSA"}],
    [{"kty": "RSA", "n": 5, "e": "AQAB"}],
    [{"kty": "RSA", "n": "AQAB", "e": ""}],
    [{"kty": "RSA", "n": "", "e": "AQAB"}],
    [{"kty": ["RSA"], "n": "AQAB", "e": "AQAB"}],
]


@pytest.mark.parametrize("keys", NO_KEYS)
def test_it_is_not_guessed_which_key_was_meant(provider: Provider, begun: SignOn, keys: list[Any]) -> None:
    provider.keys, provider.sign = keys, lambda claims: jwt.encode(claims, RSA, "RS256")
    with pytest.raises(Rejected):
        provider.identity(begun)


@pytest.mark.filterwarnings("ignore:The RSA key is")
def test_a_key_that_others_can_find_out_signs_nothing(provider: Provider, begun: SignOn) -> None:
    """RFC 7518 section 3.3: 2048 bits or more."""
    provider.keys, provider.sign = [public(SHORT)], lambda claims: jwt.encode(claims, SHORT, "RS256")
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
    [
        {"issuer": "https://other.example"},
        {"token_endpoint": "http://login.example/token"},
        {"jwks_uri": None},
        {"jwks_uri": "https://[::1/keys"},
        {"jwks_uri": "https://login.example:port/keys"},
        {"token_endpoint": "https://login.example/a token"},
        {"token_endpoint": "https://login.example/\u00e9"},
    ],
)
def test_a_provider_that_does_not_fit_is_not_used(provider: Provider, begun: SignOn, metadata: dict[str, Any]) -> None:
    provider.metadata = metadata
    with pytest.raises(Unavailable):
        provider.identity(begun)


def test_a_provider_elsewhere_leads_us_to_nothing_on_this_machine() -> None:
    here = "http://127.0.0.1:8420/v1/locks"
    assert not is_endpoint(here, of="https://login.example")
    assert is_endpoint(here, of="http://127.0.0.1:9000")
    assert is_endpoint("https://login.example/token", of="https://login.example")


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
