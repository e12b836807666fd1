"""What the tests of the pages may ask for: one played service for all of them, and pages that complain of nothing."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.browser.small_world import Console, played_console
from tests.servers.browser import local_page

FAILED_LOAD = "Failed to load resource"
"""What a page that answers 404 leaves in the console."""
FOCUS_KEPT = "Autofocus processing was blocked because a document already has a focused element."
"""A test typed before the page was drawn, and the browser left it where it types; that focus moves is proved apart."""


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Lend the service with its small world."""
    with played_console(tmp_path_factory.mktemp("console")) as running:
        yield running


@pytest.fixture
def quiet_page(page: Page) -> Iterator[Page]:
    """Lend a page; the test fails if the browser's console says anything, a breach of the policy above all."""
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if not message.text.startswith(FAILED_LOAD) and message.text != FOCUS_KEPT:
            said.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    assert said == []


@pytest.fixture
def plain_page(browser: Browser) -> Iterator[Page]:
    """Lend a page whose browser runs no script at all."""
    with local_page(browser, java_script_enabled=False) as fresh:
        yield fresh


@pytest.fixture
def enter(console: Console, quiet_page: Page) -> Callable[[str], Page]:
    """Lend the door: a page on which an account is signed in."""
    return lambda account: console.enter(quiet_page, account)
