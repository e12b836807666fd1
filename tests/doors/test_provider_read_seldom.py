"""What a provider of sign-ins says of itself is read seldom, and a new key of it is found all the same."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import jwt
import pytest

from api.process.open_id import new_sign_on
from api.process.provider_says import DISCOVERY, KEPT_MS, REST_MS, UNDER_WAY
from custody.kernel.errors import Rejected, Trouble, Unavailable
from tests.servers.said_openid import BACK, STRANGER, Provider, public, running_provider


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        running.known = running.known_as()
        yield running


def signed_in(provider: Provider) -> str:
    return provider.identity(new_sign_on()).subject


def reads(provider: Provider, path: str) -> int:
    return provider.asked.count(path)


def under(key: Any, kid: str) -> Any:
    return lambda claims: jwt.encode(claims, key, "RS256", {"kid": kid})


def test_configuration_and_keys_are_read_once_for_many_sign_ins(provider: Provider) -> None:
    for _ in range(5):
        signed_in(provider)
    assert (reads(provider, DISCOVERY), reads(provider, "/keys"), reads(provider, "/token")) == (1, 1, 5)


def test_they_are_read_again_after_a_while(provider: Provider) -> None:
    """A key that the provider has withdrawn is taken no longer than that."""
    signed_in(provider)
    provider.keys = [public(STRANGER, kid="two")]
    assert signed_in(provider)
    provider.clock.at_ms += KEPT_MS
    with pytest.raises(Rejected):
        signed_in(provider)
    assert (reads(provider, DISCOVERY), reads(provider, "/keys")) == (2, 2)


def test_a_clock_that_was_put_back_keeps_nothing_for_longer(provider: Provider) -> None:
    signed_in(provider)
    provider.clock.at_ms -= 100 * KEPT_MS
    signed_in(provider)
    assert reads(provider, "/keys") == 2


@pytest.mark.parametrize("kid", ["two", "one"], ids=["a new name", "the old name"])
def test_a_new_key_is_found_at_once(provider: Provider, kid: str) -> None:
    signed_in(provider)
    provider.clock.at_ms += REST_MS
    provider.keys, provider.sign = [public(STRANGER, kid=kid)], under(STRANGER, kid)
    assert signed_in(provider)
    assert reads(provider, "/keys") == 2


def test_tokens_under_no_key_make_us_ask_the_provider_no_more_often_than_it_bears(provider: Provider) -> None:
    signed_in(provider)
    provider.sign = under(STRANGER, "nobody's")
    for _ in range(20):
        with pytest.raises(Rejected):
            signed_in(provider)
    assert reads(provider, "/keys") == 1, "they were read a moment ago"
    provider.clock.at_ms += REST_MS
    for _ in range(20):
        with pytest.raises(Rejected):
            signed_in(provider)
    assert reads(provider, "/keys") == 2


def test_a_provider_that_is_away_is_asked_again_after_a_rest_alone(provider: Provider) -> None:
    known, provider.status = provider.known_as(), 503
    for _ in range(20):
        with pytest.raises(Unavailable) as caught:
            known.address(new_sign_on(), back=BACK)
        assert caught.value.code == "provider"
    assert reads(provider, DISCOVERY) == 1
    provider.status = 200
    provider.clock.at_ms += REST_MS
    assert known.address(new_sign_on(), back=BACK)


def test_what_was_read_serves_while_the_provider_is_away_for_a_moment(provider: Provider) -> None:
    signed_in(provider)
    provider.status = 503
    assert provider.known_as() is not provider.known
    assert provider.known is not None
    assert provider.known.address(new_sign_on(), back=BACK)
    with pytest.raises(Unavailable, match="503"):
        signed_in(provider)


def test_nobody_waits_in_line_for_a_provider_that_does_not_answer(provider: Provider) -> None:
    """Threads that wait for it let no lock go."""
    known, provider.status = provider.known_as(), 503
    with pytest.raises(Unavailable):
        known.address(new_sign_on(), back=BACK)
    provider.clock.at_ms += REST_MS
    provider.slow_s = 2.0

    def wait() -> None:
        with suppress(Trouble):
            known.address(new_sign_on(), back=BACK)

    first = threading.Thread(target=wait)
    first.start()
    time.sleep(0.5)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        known.address(new_sign_on(), back=BACK)
    assert time.monotonic() - began < 0.5
    first.join()


def test_few_requests_to_a_slow_provider_are_under_way_at_once(provider: Provider) -> None:
    signed_in(provider)
    provider.slow_s = 2.0
    with ThreadPoolExecutor(3 * UNDER_WAY) as pool:
        for _ in range(3 * UNDER_WAY):
            pool.submit(signed_in, provider)
    assert reads(provider, "/token") == 1 + UNDER_WAY
