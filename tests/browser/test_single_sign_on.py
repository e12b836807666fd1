"""People sign in at their organisation's provider: a certified one, in a real browser, from another site and back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import col, delete, select

from api.compose import free_port
from api.people.tables import AccountRow, SessionRow
from custody.kernel.errors import Rejected
from tests.conftest import missing
from tests.servers.browser import LONG_MS, NAMED, is_local
from tests.servers.openid import OpenIdMissing, running_openid_provider
from tests.stories.http_service import Service, running_service

PASSWORD = "long enough for this"
ANN, BOB, EVE = "ann@example.com", "bob@example.com", "eve@example.com"
ROLES = {ANN: ["supervisor"], BOB: ["agent"], EVE: ["agent", "supervisor"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A service with a provider; `address` is by a name, so that the provider is another site."""

    service: Service
    address: str


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    port, at = free_port(), free_port()
    address = f"http://{NAMED}:{port}"
    client = {
        "client_id": "weaklink",
        "client_secret": "a secret: & more",
        "redirect_uris": [f"{address}/console/sign-on/back"],
        "post_logout_redirect_uris": [f"{address}/console/signed-out"],
        "backchannel_logout_uri": f"http://127.0.0.1:{port}/v1/sign-on/logout",
        "backchannel_logout_session_required": True,
    }
    settings = {
        "port": port,
        "public_url": address,
        "oidc_client_id": "weaklink",
        "oidc_client_secret": "a secret: & more",
        "oidc_role_claim": "roles",
        "oidc_name": "Example Ltd",
        "lock_sign_in_minutes": 15,
    }
    data = tmp_path_factory.mktemp("sign-on") / "data"
    try:
        with (
            running_openid_provider(at, [client], ROLES) as issuer,
            running_service(data, oidc_issuer=issuer, **settings) as service,
        ):
            yield House(service=service, address=address)
    except OpenIdMissing as trouble:
        missing(str(trouble))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """The provider's pages ask for a font from elsewhere, and do not get it."""
    with browser.new_context() as context:
        context.set_default_timeout(LONG_MS)
        context.route("**/*", lambda route: route.fallback() if is_local(route.request.url) else route.abort())
        yield context.new_page()


def hire(house: House, name: str, role: str) -> None:
    body = {"name": name, "role": role, "person": f"person {name}", "password": PASSWORD}
    house.service.staff["supervisor-1"].client.post("/v1/accounts", body)


def by_password(house: House, page: Page, name: str) -> None:
    page.goto(f"{house.address}/console/sign-in")
    page.get_by_label("Account").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def at_provider(page: Page, who: str, *, agrees: bool = True) -> None:
    """Say who one is there, and agree; whoever agreed before is not asked again."""
    page.locator("input[name=login]").fill(who)
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").click()
    if agrees:
        page.get_by_role("button", name="Continue").click()


def link(house: House, page: Page, name: str, who: str) -> None:
    by_password(house, page, name)
    page.goto(f"{house.address}/console/account")
    page.get_by_role("link", name="Sign in with Example Ltd from now on").click()
    at_provider(page, who)
    page.get_by_label("Your password here").fill(PASSWORD)
    page.get_by_role("button", name="Link it").click()


def sessions_since(house: House, since_ms: int | None) -> None:
    """Every session as if its person had signed in then."""
    with house.service.parts.house.unit() as unit:
        for row in unit.session.exec(select(SessionRow)):
            row.since_ms = since_ms


def test_an_account_is_linked_once_and_signed_in_to_at_the_provider_from_then_on(house: House, page: Page) -> None:
    hire(house, "ann-1", "supervisor")
    link(house, page, "ann-1", ANN)
    expect(page.get_by_role("status")).to_contain_text("Linked")
    expect(page.get_by_text("You sign in with Example Ltd.")).to_be_visible()
    page.get_by_role("button", name="Sign out", exact=True).click()
    by_password(house, page, "ann-1")
    expect(page.get_by_role("alert")).to_contain_text("password is wrong")
    page.get_by_role("link", name="Sign in with Example Ltd").click()
    expect(page.get_by_role("link", name="ann-1")).to_be_visible()


def test_a_linked_account_takes_no_password_anywhere(
    house: House, page: Page, axe: Callable[[Page], list[str]]
) -> None:
    """Its person may have left the organisation, whose word it is from then on."""
    hire(house, "eve-1", "agent")
    link(house, page, "eve-1", EVE)
    expect(page.get_by_role("status")).to_contain_text("Linked")
    with pytest.raises(Rejected, match="name or password is wrong"):
        house.service.client.post("/v1/sessions", {"account": "eve-1", "password": PASSWORD})
    page.get_by_role("button", name="A token for the command line").click()
    assert axe(page) == []
    token = page.get_by_label("Token").input_value()
    assert house.service.client.as_caller(token).get("/v1/me")["account"] == "eve-1"
    with house.service.parts.house.read() as session:
        ends = session.exec(select(SessionRow.until_ms).where(SessionRow.account == "eve-1")).all()
    assert len(ends) == 2
    assert len(set(ends)) == 1, "a token drawn from a session does not outlive it"


def test_a_wrong_password_links_nothing_and_a_sign_in_has_one_account(
    house: House, page: Page, axe: Callable[[Page], list[str]]
) -> None:
    hire(house, "eve-2", "agent")
    by_password(house, page, "eve-2")
    page.goto(f"{house.address}/console/account/sign-on")
    at_provider(page, BOB)
    page.get_by_label("Your password here").fill("not this one at all")
    page.get_by_role("button", name="Link it").click()
    expect(page.get_by_role("alert")).to_contain_text("not the password")
    assert axe(page) == []
    page.get_by_label("Your password here").fill(PASSWORD)
    page.get_by_role("button", name="Link it").click()
    expect(page.get_by_role("status")).to_contain_text("Linked")
    hire(house, "eve-3", "agent")
    by_password(house, page, "eve-3")
    page.goto(f"{house.address}/console/account/sign-on")
    at_provider(page, BOB, agrees=False)
    page.get_by_label("Your password here").fill(PASSWORD)
    page.get_by_role("button", name="Link it").click()
    expect(page.get_by_role("alert")).to_contain_text("linked already")


def test_whoever_lost_the_role_there_is_not_let_in(house: House, page: Page) -> None:
    """Roles of the claim take away, and give nothing: Bob is an agent there."""
    with house.service.parts.house.unit() as unit:
        row = unit.session.get_one(AccountRow, "eve-2")
        row.role = "supervisor"
    page.goto(f"{house.address}/console/sign-on")
    at_provider(page, BOB)
    expect(page.get_by_role("alert")).to_contain_text("does not give you the role")


def test_no_account_is_linked_with_whoever_was_signed_in_at_the_provider_before(house: House, page: Page) -> None:
    """Another site may have signed this browser in there as somebody else, whose the account would be then."""
    page.goto(f"{house.address}/console/sign-on")
    at_provider(page, BOB)
    expect(page.get_by_role("alert")).to_be_visible()
    hire(house, "eve-4", "agent")
    by_password(house, page, "eve-4")
    page.goto(f"{house.address}/console/account/sign-on")
    expect(page.locator("input[name=login]")).to_be_visible()


def test_deciding_about_locks_asks_for_the_password_at_the_provider(house: House, page: Page) -> None:
    page.goto(f"{house.address}/console/sign-on")
    at_provider(page, ANN)
    expect(page.get_by_role("link", name="ann-1")).to_be_visible()
    sessions_since(house, None)
    page.goto(f"{house.address}/console/locks")
    page.get_by_role("button", name="Propose an authority").click()
    expect(page.get_by_text("This takes signing in once more")).to_be_visible()
    page.get_by_role("link", name="Sign in with Example Ltd").click()
    expect(page.get_by_role("link", name="ann-1")).to_be_visible()
    page.goto(f"{house.address}/console/locks")
    page.get_by_role("button", name="Propose an authority").click()
    expect(page.get_by_role("status")).to_be_visible()


def in_by(house: House, token: str) -> bool:
    """Whether a token still lets somebody in."""
    try:
        return bool(house.service.client.as_caller(token).get("/v1/me"))
    except Rejected:
        return False


def drawn(page: Page) -> str:
    page.get_by_role("link", name="ann-1").click()
    page.get_by_role("button", name="A token for the command line").click()
    return page.get_by_label("Token").input_value()


def test_whoever_signs_out_is_led_to_sign_out_there_too_and_comes_back(
    house: House, page: Page, axe: Callable[[Page], list[str]]
) -> None:
    """The provider tells us on a connection of its own, which ends the token that was drawn, too."""
    page.goto(f"{house.address}/console/sign-on")
    at_provider(page, ANN)
    token = drawn(page)
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_text("You are still signed in with Example Ltd")).to_be_visible()
    assert axe(page) == []
    assert in_by(house, token), "a token for programs is not signed out by a button of the console"
    page.get_by_role("link", name="Sign out with Example Ltd too").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    assert page.url.startswith(f"{house.address}/console/sign-in")
    assert not in_by(house, token)
    page.get_by_role("link", name="Sign in with Example Ltd").click()
    expect(page.locator("input[name=login]")).to_be_visible()


def test_whoever_signs_out_at_the_provider_alone_is_signed_out_here(house: House, page: Page) -> None:
    page.goto(f"{house.address}/console/sign-on")
    at_provider(page, ANN)
    token = drawn(page)
    provider = str(house.service.parts.settings.oidc_issuer)
    page.goto(f"{provider}/session/end")
    page.get_by_role("button", name="Yes, sign me out").click()
    expect(page.get_by_text("Sign-out Success")).to_be_visible()
    assert not in_by(house, token)
    page.goto(f"{house.address}/console")
    expect(page.get_by_label("Password")).to_be_visible()


def test_a_form_whose_session_is_over_waits_while_its_person_signs_in_at_the_provider(
    house: House, page: Page, axe: Callable[[Page], list[str]]
) -> None:
    page.goto(f"{house.address}/console/sign-on")
    at_provider(page, ANN)
    expect(page.get_by_role("link", name="ann-1")).to_be_visible()
    page.goto(f"{house.address}/console/cases/new")
    page.get_by_label("What does the customer say?").fill("It's not my phone.")
    with house.service.parts.house.unit() as unit:
        unit.session.exec(delete(SessionRow).where(col(SessionRow.account) == "ann-1"))
    page.get_by_role("button", name="Open the case").click()
    expect(page.get_by_text("What you typed waits here.")).to_be_visible()
    assert axe(page) == []
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in with Example Ltd").click()
    beside = opened.value
    expect(beside.get_by_text("What you typed waits on the page where you typed it.")).to_be_visible()
    assert axe(beside) == []
    beside.close()
    page.get_by_role("button", name="Go on with what I typed").click()
    expect(page.get_by_role("alert")).to_contain_text("You had to sign in before this was sent")
    expect(page.get_by_label("What does the customer say?")).to_have_value("It's not my phone.")
