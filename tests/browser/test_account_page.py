"""The page of one's own account: a password is changed, and supervisors make and close accounts."""

from collections.abc import Callable

from playwright.sync_api import Browser, Page, expect

from tests.browser.small_world import Console
from tests.servers.browser import local_page

FIRST, SECOND = "the first long password", "the second long password"


def test_an_account_is_made_given_its_own_password_and_closed_by_typing_its_name(
    console: Console, enter: Callable[[str], Page], browser: Browser
) -> None:
    page = enter("supervisor-1")
    page.goto(f"{console.address}/console/account")
    page.get_by_label("Name of the account").fill("agent-7")
    page.get_by_label("Person behind it").fill("customer")
    page.get_by_label("A first password").fill(FIRST)
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_label("Person behind it")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Name of the account")).to_have_value("agent-7")
    expect(page.get_by_label("A first password")).to_have_value("")
    page.get_by_label("Person behind it").fill("Seventh Agent")
    page.get_by_label("A first password").fill(FIRST)
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("row", name="agent-7")).to_contain_text("Seventh Agent")

    with local_page(browser) as theirs:
        theirs.goto(f"{console.address}/console/sign-in")
        theirs.get_by_label("Account").fill("agent-7")
        theirs.get_by_label("Password").fill(FIRST)
        theirs.get_by_role("button", name="Sign in").click()
        theirs.get_by_role("link", name="agent-7").click()
        expect(theirs.get_by_role("heading", name="A new account")).to_have_count(0)
        change(theirs, old="not this one", new=SECOND)
        expect(theirs.get_by_label("Your password now")).to_have_accessible_description(
            "That is not the password of this account. Give the password that you signed in with."
        )
        change(theirs, old=FIRST, new=SECOND)
        expect(theirs.get_by_role("status")).to_contain_text("Your password is changed.")

        page.get_by_label("Close an account").fill("agent-77")
        page.get_by_role("button", name="Close it for ever").click()
        expect(page.get_by_label("Close an account")).to_have_attribute("aria-invalid", "true")
        page.get_by_label("Close an account").fill("agent-7")
        page.get_by_role("button", name="Close it for ever").click()
        expect(page.get_by_role("row", name="agent-7")).to_contain_text("closed")
        theirs.reload()
        expect(theirs.get_by_role("heading", name="Sign in")).to_be_visible()


def change(page: Page, *, old: str, new: str) -> None:
    """Fill in the form for a password, and send it."""
    page.get_by_label("Your password now").fill(old)
    page.get_by_label("A new one").fill(new)
    page.get_by_role("button", name="Change the password").click()
