"""A service at which people sign in with a provider that says whatever a test wants, and a browser of theirs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from api.people.tables import AccountRow
from tests.doors.case_desk import OURS
from tests.servers.said_openid import CODE, Provider, running_provider
from tests.stories.http_service import Service, running_service

PASSWORD = "long enough for this"
BACK = "/console/sign-on/back"
COOKIE = "weaklink_session"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOnDesk:
    """The service and its provider."""

    house: Service
    provider: Provider

    def hire(self, name: str, *, role: str = "agent", sub: str = "") -> None:
        """Make an account, linked with somebody at the provider if `sub` says with whom."""
        body = {"name": name, "role": role, "person": f"person of {name}", "password": PASSWORD}
        self.house.staff["supervisor-1"].client.post("/v1/accounts", body)
        if sub:
            with self.house.parts.house.unit() as unit:
                unit.session.get_one(AccountRow, name).subject = f"{self.provider.issuer} {sub}"

    @contextmanager
    def browser(self) -> Iterator[httpx.Client]:
        """A browser that keeps cookies."""
        with httpx.Client(base_url=self.house.address, timeout=30, headers=OURS) as http:
            yield http

    def begin(self, http: httpx.Client, path: str = "/console/sign-on", **query: str) -> dict[str, str]:
        """Go to the provider; what the browser asks there."""
        answer = http.get(path, params=query or None)
        assert answer.status_code == 303, answer.text
        return {name: said[0] for name, said in parse_qs(urlsplit(answer.headers["location"]).query).items()}

    def says(self, asked: dict[str, str], sub: str, **claims: Any) -> dict[str, str]:
        """Let the provider say who signed in; the query that the browser comes back with."""
        now_s = self.house.parts.clock.now_ms() // 1000
        own = {"iss": self.provider.issuer, "sub": sub, "aud": "weaklink", "iat": now_s, "exp": now_s + 300}
        self.provider.given = {**own, "nonce": asked["nonce"], "auth_time": now_s, **claims}
        return {"code": CODE, "state": asked["state"]}

    def sign_in(self, http: httpx.Client, sub: str, **claims: Any) -> httpx.Response:
        """The whole way there and back."""
        return http.get(BACK, params=self.says(self.begin(http), sub, **claims))


@contextmanager
def sign_on_desk(folder: Path, **settings: Any) -> Iterator[SignOnDesk]:
    """Lend one."""
    with running_provider() as provider:
        known: dict[str, Any] = {
            "oidc_issuer": provider.issuer,
            "oidc_client_id": "weaklink",
            "oidc_name": "Example Ltd",
        }
        with running_service(folder / "data", **{**known, **settings}) as house:
            yield SignOnDesk(house=house, provider=provider)


def know_anew(desk: SignOnDesk) -> None:
    """The service as if it had just been started: it knows nothing yet of what the provider says."""
    known = desk.house.parts.sign_on
    assert known is not None
    known.__dict__.update(desk.provider.known_as(clock=desk.house.parts.clock).__dict__)
