"""The customer's page: believed first, then what happens and when; choose, found, give, disagree, take one's file."""

import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from custody.disputes.wording import lint_text
from custody.kernel.system_clock import SystemClock
from simulators.customer import Customer
from simulators.handset import Handset
from simulators.radio import Radio
from tests.browser.small_world import Console, read_zip

HTML = {"accept": "text/html"}


@pytest.fixture
def told(console: Console) -> Customer:
    """Somebody whose order nobody else in these tests speaks of."""
    return console.report(f"SO-OWN-{time.monotonic_ns()}", claim_type="never_received")


def own(console: Console, page: Page, customer: Customer) -> Page:
    return console.show(page, f"/c/{customer.token}")


def test_the_page_believes_first_and_says_what_happens_and_when(
    console: Console, quiet_page: Page, told: Customer
) -> None:
    page = own(console, quiet_page, told)
    expect(page.get_by_role("heading", level=1)).to_have_text("We believe you.")
    expect(page.locator(".lead")).to_have_text("Here is what happens and when.")
    expect(page.get_by_role("region", name="Where it stands")).to_contain_text(f"{told.opened['owner']} looks after")
    expect(page.get_by_role("region", name="You do not agree?")).to_contain_text(
        re.compile(r"Today is day 1 of 42\. From \d+ \w+ 20\d\d you can go to the independent scheme CISAS\.")
    )


def test_the_customer_chooses_and_the_promise_has_a_date(console: Console, quiet_page: Page, told: Customer) -> None:
    page = own(console, quiet_page, told)
    page.get_by_label("Your money back").check()
    page.get_by_label("If it is money").select_option("bank_transfer")
    page.get_by_role("button", name="Choose").click()
    promised = page.get_by_role("region", name="What we promised")
    expect(promised).to_contain_text(re.compile(r"Your money back, by bank transfer, by \d\d:\d\d on \d+ \w+ 20\d\d\."))
    expect(page.get_by_role("button", name="Choose")).to_have_count(0)
    expect(page.get_by_role("status").first).to_have_text("Thank you. Your choice is written down, with a date.")


def test_what_somebody_else_promised_is_told_on_the_page_and_stands_there_with_its_day(
    console: Console, quiet_page: Page, told: Customer, axe: Callable[[Page], list[str]]
) -> None:
    page = own(console, quiet_page, told)
    page.get_by_text("Did somebody promise you something?").click()
    assert axe(page) == []
    page.get_by_label("What were you promised?").fill("a case for the new phone")
    page.get_by_label("Who promised it?").fill("the shop")
    page.get_by_role("button", name="Tell us of it").click()
    expect(page.get_by_role("status").first).to_contain_text("We wrote it down")
    said = "You told us that the shop promised you: a case for the new phone. Unless we can show otherwise by "
    expect(page.get_by_role("region", name="What others promised you")).to_contain_text(said)
    assert axe(page) == []


def test_a_replacement_needs_no_way_of_payment(console: Console, quiet_page: Page, told: Customer) -> None:
    page = own(console, quiet_page, told)
    page.get_by_role("button", name="Choose").click()
    expect(page.get_by_role("region", name="What we promised")).to_contain_text("A new phone sent to you, at your door")


def test_i_found_it_releases_the_lock_at_once_and_shows_it_live(
    console: Console, quiet_page: Page, tmp_path: Path
) -> None:
    late = console.world.late_find
    customer = console.report(late.order, claim_type="never_received")
    handset = Handset(
        console.world.handsets[late.order],
        tmp_path / "handset",
        clock=SystemClock(),
        rng=random.Random(1),  # noqa: S311 - a simulated world
    )
    radio = Radio(handset)
    assert radio.switch_on()
    try:
        page = own(console, quiet_page, customer)
        phone = page.get_by_role("region", name="The phone from your order")
        expect(phone).to_contain_text("The missing phone is locked. The lock ends by itself at")
        page.get_by_role("button", name="I found it").click()
        expect(page.get_by_role("status").first).to_contain_text("We are glad you found it.")
        expect(phone).to_contain_text("The phone is not locked.")
        assert radio.wait_for(lambda handset: not handset.screen_locked, timeout_s=30)
        page.get_by_label("The digits on its lock screen").fill("12345678")
        page.get_by_role("button", name="Show my unlock code").click()
        expect(page.locator("p.code")).to_have_text(re.compile(r"^\d{4,}$"))
        expect(page.locator("p.code")).to_be_focused()
        assert "12345678" not in page.url
    finally:
        radio.switch_off()


def test_the_code_is_refused_kindly_before_the_phone_is_found(console: Console, told: Customer) -> None:
    answer = httpx.post(
        f"{console.address}/c/{told.token}/code",
        data={"challenge": "12345678"},
        headers={"sec-fetch-site": "same-origin", **HTML},
    )
    assert answer.status_code == 409
    assert "We believe you." in answer.text
    assert 'role="alert"' in answer.text


def test_i_do_not_agree_is_always_there_and_is_written_down(console: Console, quiet_page: Page, told: Customer) -> None:
    page = own(console, quiet_page, told)
    page.get_by_role("button", name="I do not agree").click()
    expect(page.get_by_role("status").first).to_contain_text("It is written down")
    timeline = console.staff["agent-1"].dispute(told.dispute)["timeline"]
    assert timeline[-1]["kind"] == "disagreed"


def test_anything_may_be_given_and_is_held_from_then_on(
    console: Console, quiet_page: Page, told: Customer, tmp_path: Path
) -> None:
    photo = tmp_path / "what was in the box.heic"
    photo.write_bytes(b"\x00\x01 not really a photo")
    page = own(console, quiet_page, told)
    page.get_by_label("A file of any kind").set_input_files(photo)
    page.get_by_role("button", name="Give it to us").click()
    expect(page.locator(".ticks .done").last).to_have_text("what was in the box.heic: we have it.")
    page.get_by_role("button", name="Give it to us").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We believe you.")


def test_the_customer_takes_everything_we_hold(console: Console, quiet_page: Page, told: Customer) -> None:
    files = {"file": ("note.txt", b"it was a tin of beans", "text/plain")}
    httpx.post(f"{console.address}/v1/customer/{told.token}/files", files=files).raise_for_status()
    page = own(console, quiet_page, told)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Get my file").click()
    pack = read_zip(waiting.value.path().read_bytes())
    assert pack["my-case.json"]["words"] == "It never reached me."
    assert pack["my-case.json"]["presumption"] == "honest"
    assert pack["my-case.json"]["steps"][0]["step"] == "opened"
    assert b"it was a tin of beans" in pack.values()
    assert b"We believe you." in pack["messages.txt"]
    assert b"Thank you. We have what you sent." in pack["messages.txt"]


def test_a_file_that_was_given_is_only_ever_saved(console: Console, told: Customer) -> None:
    files = {"file": ('<b>"x".html', b"<script>alert(1)</script>", "text/html")}
    kept = httpx.post(f"{console.address}/v1/customer/{told.token}/files", files=files).json()
    headers = {"authorization": f"Bearer {console.staff['agent-1'].client.token}"}
    answer = httpx.get(f"{console.address}/console/evidence/{kept['evidence']}", headers=headers)
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["content-type"] == "application/octet-stream"
    page = httpx.get(f"{console.address}/c/{told.token}", headers=HTML).text
    assert "<b>" not in page


def test_put_right_is_asked_and_the_case_closes_and_opens_again(
    console: Console, quiet_page: Page, told: Customer
) -> None:
    told.choose("replacement")
    events = f"/v1/disputes/{told.dispute}/events"
    console.staff["agent-1"].client.post(events, {"event": "delivered_or_paid", "reference": "DEL-2"})
    page = own(console, quiet_page, told)
    expect(page.get_by_role("region", name="What we promised")).to_contain_text("Done.")
    page.get_by_role("button", name="Yes, it is right").click()
    expect(page.locator(".headline")).to_have_text("Closed. Reopen any time here.")
    page.get_by_role("button", name="Open my case again").click()
    expect(page.locator(".headline")).to_have_text("We agreed with you what kind of problem it is.")


def test_the_whole_way_works_without_scripts(console: Console, plain_page: Page, told: Customer) -> None:
    page = own(console, plain_page, told)
    page.get_by_role("button", name="Choose").click()
    expect(page.get_by_role("region", name="What we promised")).to_contain_text("A new phone sent to you")
    page.get_by_role("button", name="I found it").click()
    expect(page.get_by_role("status").first).to_contain_text("We are glad you found it.")


def test_large_print_is_larger(console: Console, quiet_page: Page, told: Customer) -> None:
    page = own(console, quiet_page, told)
    usual = page.evaluate("parseFloat(getComputedStyle(document.querySelector('.headline')).fontSize)")
    page.get_by_role("link", name="Large print").click()
    page.wait_for_load_state()
    large = page.evaluate("parseFloat(getComputedStyle(document.querySelector('.headline')).fontSize)")
    assert large >= 1.3 * usual


def test_a_link_that_opens_nothing_is_a_kind_page(console: Console, quiet_page: Page) -> None:
    answer = quiet_page.goto(f"{console.address}/c/c_cut-off")
    assert answer
    assert answer.status == 404
    expect(quiet_page.locator(".lead")).to_have_text("You did nothing wrong. The link may be cut off.")
    expect(quiet_page.get_by_role("link", name="How to complain or leave")).to_be_visible()


def test_anybody_can_complain_without_an_account(console: Console, quiet_page: Page) -> None:
    console.show(quiet_page, "/console/sign-in")
    quiet_page.get_by_role("link", name="How customers complain or leave").click()
    quiet_page.get_by_label("What went wrong?").fill("My phone never came.")
    quiet_page.get_by_label("Which is it").select_option("never_received")
    quiet_page.get_by_role("button", name="Send").click()
    expect(quiet_page.get_by_role("heading", level=1)).to_have_text("We believe you.")
    expect(quiet_page.get_by_role("region", name="Choose what puts it right")).to_be_visible()
    quiet_page.get_by_role("link", name="How to complain or leave").click()
    expect(quiet_page.get_by_role("heading", name="To leave", exact=True)).to_be_visible()


@pytest.mark.parametrize("path", ["/c/{token}", "/complain", "/c/c_cut-off"])
def test_every_word_that_a_customer_reads_is_plain_and_accuses_nobody(
    console: Console, quiet_page: Page, told: Customer, path: str, axe: Callable[[Page], list[str]]
) -> None:
    console.show(quiet_page, path.format(token=told.token))
    lines = quiet_page.locator("main").inner_text().replace(told.opened["owner"], "somebody").splitlines()
    for line in filter(str.strip, lines):
        lint_text(line)
    assert axe(quiet_page) == []
