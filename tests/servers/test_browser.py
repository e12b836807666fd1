"""The browser that tests get renders, runs scripts, stays on this machine and can be checked for accessibility."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.servers.answers import serving
from tests.servers.browser import local_page

GOOD = """<!doctype html><html lang="en"><head><title>Parcels</title></head><body><main><h1>Parcels</h1>
<label>Number <input name="sscc"></label><p id="said">no</p></main></body></html>"""
BAD = """<!doctype html><html><head><title></title></head><body><main><h1>Parcels</h1>
<input name="sscc"><p style="color:#ccc;background:#fff">hardly to be read at all</p></main></body></html>"""


class Pages(BaseHTTPRequestHandler):
    """Serves two pages under a policy that forbids every script."""

    def do_GET(self) -> None:
        """Answer with the page that the path names."""
        body = (BAD if self.path == "/bad" else GOOD).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Serve the pages on 127.0.0.1."""
    with serving(Pages) as address:
        yield address


def test_a_page_from_this_machine_is_rendered(page: Page, site: str, tmp_path: Path) -> None:
    page.goto(site)
    page.get_by_label("Number").fill("340123450000000018")
    assert page.get_by_role("heading").inner_text() == "Parcels"
    picture = page.screenshot(path=tmp_path / "page.png")
    assert picture.startswith(b"\x89PNG")


def test_text_is_drawn_with_a_font(page: Page) -> None:
    page.set_content("<span id=a style='font-size:40px'>iiii</span><br><span id=b style='font-size:40px'>WWWW</span>")
    thin, wide = (page.locator(name).bounding_box() for name in ("#a", "#b"))
    assert thin
    assert wide
    assert 0 < thin["width"] < wide["width"]


def test_scripts_run_in_the_page(page: Page) -> None:
    page.set_content("<p id=said>no</p><script>document.getElementById('said').textContent = 6 * 7</script>")
    assert page.locator("#said").inner_text() == "42"


def test_a_page_that_asks_for_the_outside_fails_its_test(browser: Browser) -> None:
    lent = local_page(browser)
    fresh = lent.__enter__()
    fresh.set_content("<img src='http://192.0.2.1/pixel.png'>")
    with pytest.raises(AssertionError, match=r"192\.0\.2\.1"):
        lent.__exit__(None, None, None)


def test_accessibility_is_checked_under_the_pages_own_policy(
    page: Page, site: str, axe: Callable[[Page], list[str]]
) -> None:
    page.goto(site)
    assert axe(page) == []
    page.goto(f"{site}/bad")
    found = " ".join(axe(page))
    assert [rule for rule in ("html-has-lang", "document-title", "label", "color-contrast") if rule not in found] == []
