"""The page for an outsider: the paper whole, with this log's own address and key in its commands, and its picture."""

import re
from importlib.resources import files

import httpx
from playwright.sync_api import Page, expect

from api.pages.markdown import read_blocks
from tests.browser.small_world import Console

PAPER = files("custody.ledger").joinpath("FOR_A_LAWYER.md").read_text(encoding="utf-8")


def test_the_whole_paper_is_shown_with_this_logs_address_and_key(console: Console, plain_page: Page) -> None:
    vkey = httpx.get(f"{console.address}/v1/log").json()["vkey"]
    console.show(plain_page, "/for-a-lawyer")
    shown = " ".join(plain_page.locator("main").inner_text().split())
    for block in read_blocks(PAPER):
        for line in (*block.lines, *(cell for row in block.rows for cell in row)):
            assert "".join(span.text for span in line) in shown
    assert f'weaklink log audit {console.address}/log --vkey "{vkey}"' in shown
    assert not re.search("LOG-URL|LOG-VKEY|\\*\\*|`", shown)


def test_the_picture_is_there_and_described(console: Console, plain_page: Page) -> None:
    console.show(plain_page, "/for-a-lawyer")
    picture = plain_page.locator("figure img")
    expect(picture).to_be_visible()
    expect(picture).to_have_attribute("alt", re.compile("^Stations sign their scans"))
    assert plain_page.evaluate("document.querySelector('figure img').naturalWidth") == 960
    answer = httpx.get(f"{console.address}/for-a-lawyer/for_a_lawyer.svg")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")


def test_every_page_links_to_it(console: Console, plain_page: Page) -> None:
    console.show(plain_page, "/console/sign-in")
    plain_page.get_by_role("link", name="Can this log be trusted?").click()
    expect(plain_page.get_by_role("heading", level=1)).to_have_text("Can this log be trusted? One page for a lawyer")


def test_the_paper_fits_on_a_page() -> None:
    assert len(PAPER.split()) < 800
    assert len(PAPER.splitlines()) < 90
