"""An account is linked with one sign-in for as long as it is open, and with none that could not sign in to it."""

from collections.abc import Iterator

import httpx
import pytest

from api.people.tables import AccountRow
from tests.doors.sign_on_desk import PASSWORD, SignOnDesk, sign_on_desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignOnDesk]:
    with sign_on_desk(tmp_path_factory.mktemp("linked"), oidc_role_claim="roles") as lent:
        yield lent


def link(desk: SignOnDesk, http: httpx.Client, name: str, sub: str, *, roles: tuple[str, ...]) -> httpx.Response:
    """Sign in with a password, and link."""
    http.post("/console/sign-in", data={"account": name, "password": PASSWORD})
    asked = desk.begin(http, "/console/account/sign-on")
    back = desk.says(asked, sub, roles=list(roles))
    return http.post("/console/account/sign-on", params=back, data={"password": PASSWORD})


def subject(desk: SignOnDesk, name: str) -> str | None:
    with desk.house.parts.house.read() as session:
        return session.get_one(AccountRow, name).subject


def test_no_account_is_linked_with_a_sign_in_that_would_not_be_let_in(desk: SignOnDesk, http: httpx.Client) -> None:
    """Its password would open it no more, and nothing else would."""
    desk.hire("ann-1")
    assert link(desk, http, "ann-1", "ann", roles=("investigator",)).status_code == 403
    assert subject(desk, "ann-1") is None
    assert http.post("/v1/sessions", json={"account": "ann-1", "password": PASSWORD}).status_code == 201
    assert link(desk, http, "ann-1", "ann", roles=("agent",)).status_code == 303
    assert subject(desk, "ann-1") == f"{desk.provider.issuer} ann"


def test_a_sign_in_of_a_closed_account_may_be_linked_with_another_one(desk: SignOnDesk, http: httpx.Client) -> None:
    """Whoever had theirs closed, as when a password was stolen, gets another account and not another self there."""
    desk.hire("bob-1")
    assert link(desk, http, "bob-1", "bob", roles=("agent",)).status_code == 303
    desk.hire("bob-2")
    assert link(desk, http, "bob-2", "bob", roles=("agent",)).status_code == 409
    desk.house.staff["supervisor-1"].client.post("/v1/accounts/bob-1/close", {})
    assert link(desk, http, "bob-2", "bob", roles=("agent",)).status_code == 303
    assert http.get("/console/sign-on/back", params=desk.says(desk.begin(http), "bob", roles=["agent"])).is_success
    assert http.get("/v1/me").json()["account"] == "bob-2"


def test_so_may_one_of_an_account_that_was_closed_before_that_was_so(desk: SignOnDesk, http: httpx.Client) -> None:
    desk.hire("cat-1", sub="cat")
    with desk.house.parts.house.unit() as unit:
        unit.session.get_one(AccountRow, "cat-1").active = False
    desk.hire("cat-2")
    assert link(desk, http, "cat-2", "cat", roles=("agent",)).status_code == 303
    assert (subject(desk, "cat-1"), subject(desk, "cat-2")) == (None, f"{desk.provider.issuer} cat")
