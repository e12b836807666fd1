"""The report in a browser: accessible, complete without scripts, fit for a narrow screen and for paper."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_the_report_has_no_barriers(page: Page, axe: Callable[[Page], list[str]], files: dict[str, bytes]) -> None:
    page.set_content(files["report.html"].decode())
    assert axe(page) == []


def test_the_report_fits_a_narrow_screen(page: Page, files: dict[str, bytes]) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.set_content(files["report.html"].decode())
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_every_part_of_the_report_is_reached_from_its_contents(page: Page, files: dict[str, bytes]) -> None:
    page.set_content(files["report.html"].decode())
    for link in page.get_by_role("navigation").get_by_role("link").all():
        target = link.get_attribute("href") or ""
        assert page.locator(target).count() == 1
