"""Forms that come back, and pages in their less usual states: the field at fault is named, and nothing runs off."""

import time
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from simulators.customer import Customer
from tests.browser.small_world import Console

LONG = "https://carrier.example/track/" + "abcdefghij" * 60
NARROW = 320
OURS = {"accept": "text/html", "sec-fetch-site": "same-origin"}
SEEN = {"ground": "recording", "says": "The door camera shows it.", "kept_at": "ev/1", "about_this_person": True}


def not_fixed(console: Console, **facts: object) -> Customer:
    """A case whose remedy did not help: it is open to be asked about and offered again."""
    told = console.report(f"SO-{time.monotonic_ns()}", claim_type="defective", **facts)
    _press(console, told, "choose", remedy="advance_swap")
    _move(console, told, "agent-1", event="delivered_or_paid", reference="JJD1")
    _press(console, told, "disagree")
    return told


def _press(console: Console, told: Customer, act: str, **form: str) -> None:
    httpx.post(f"{console.address}/c/{told.token}/{act}", data=form, headers=OURS)


def _move(console: Console, told: Customer, account: str, **event: object) -> None:
    console.staff[account].client.post(f"/v1/disputes/{told.dispute}/events", event)


def _refer(console: Console, told: Customer) -> None:
    """Its customer was recognised, and the case waits for another desk."""
    client = console.staff["supervisor-1"].client
    client.post(f"/v1/disputes/{told.dispute}/recognised", {"how": "in_person"})
    client.post(f"/v1/disputes/{told.dispute}/referral", {"desk": "care"})


def test_a_refused_form_names_its_field_where_the_field_is(console: Console, quiet_page: Page) -> None:
    """WCAG 2.2, 3.3.1: the item that is in error is identified."""
    page = console.show(quiet_page, "/complain")
    page.get_by_label("What went wrong?").fill("   ")
    page.get_by_label("Number of your order, or a number on the box").fill("SO-77")
    page.get_by_role("button", name="Send").click()
    words = page.get_by_label("What went wrong?")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page).to_have_title("Error: How to complain, and how to leave")
    expect(page.get_by_label("Number of your order, or a number on the box")).to_have_value("SO-77")
    expect(words).to_have_attribute("aria-invalid", "true")
    expect(words).to_have_accessible_description("One field is still empty. Please fill it in.")
    page.get_by_role("link", name="Go to the field.").click()
    page.keyboard.press("End")
    page.keyboard.type("It never came.")
    expect(words).to_have_value("   It never came.")


@pytest.mark.parametrize(
    "where", ["twice", "ask", "declining", "refused", "moves", "referred", "link", "form", "no-page"]
)
def test_a_page_is_as_accessible_in_its_less_usual_states(
    console: Console, enter: Callable[[str], Page], axe: Callable[[Page], list[str]], where: str
) -> None:
    told = not_fixed(console, support_needs=["large print"], found_instead="a tin of beans")
    page = enter("agent-1")
    if where in {"twice", "ask", "declining"}:
        if where == "ask":
            _move(console, told, "agent-1", event="ask", item="tape", text="Which colour has the tape?")
        if where == "declining":
            _move(console, told, "investigator-1", event="propose_decline", findings=[SEEN])
        console.show(page, f"/c/{told.token}")
        if where == "twice":
            _send(page, f"/c/{told.token}/choose", {"remedy": "advance_swap"})
    elif where in {"refused", "moves"}:
        console.show(page, f"/console/cases/{told.dispute}")
        page.get_by_text("Change the kind", exact=True).click()
        page.get_by_text("Join with another report").click()
        if where == "refused":
            page.get_by_label("What", exact=True).fill("tape")
            page.get_by_label("In the words").fill("We suspect you.")
            page.get_by_role("button", name="Ask", exact=True).click()
            expect(page.get_by_label("In the words")).to_have_value("We suspect you.")
    elif where == "referred":
        _refer(console, told)
        console.show(page, f"/console/cases/{told.dispute}")
        expect(page.get_by_text("Token for the other desk's screen")).to_be_visible()
    elif where == "link":
        console.show(page, "/console/cases/new")
        page.get_by_label("What does the customer say?").fill("It never came.")
        page.get_by_role("button", name="Open the case").click()
    elif where == "form":
        console.show(page, "/bought")
        _send(page, "/bought", {"words": ""})
    else:
        console.show(page, f"/c/{told.token}/choose")
    page.wait_for_load_state()
    assert axe(page) == []
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


@pytest.fixture(scope="module")
def long_words(console: Console) -> Customer:
    """Somebody whose words, files and questions have no place to break."""
    order = f"SO-{time.monotonic_ns()}" + "9" * 70
    told = console.report(
        order, claim_type="defective", words=LONG, found_instead=LONG, anything_else=LONG, support_needs=[LONG]
    )
    _press(console, told, "choose", remedy="advance_swap")
    _move(console, told, "agent-1", event="delivered_or_paid", reference="JJD1")
    _press(console, told, "disagree")
    files = {"file": ("a" * 190 + ".heic", b"x", "image/heic")}
    assert httpx.post(f"{console.address}/v1/customer/{told.token}/files", files=files).is_success
    _press(console, told, "words", words=LONG)
    _refer(console, told)
    _move(console, told, "agent-1", event="ask", item="x" * 150, text="Have you the " + "m" * 200 + "?")
    return told


@pytest.mark.parametrize(
    "path",
    [
        "/c/{token}",
        "/c/{token}?size=large",
        "/complain?size=large",
        "/console/cases/new",
        "/console/cases/{dispute}",
        "/console/cases",
        "/console/find?q=SO-",
    ],
)
def test_a_narrow_page_does_not_scroll_sideways_for_one_long_word(
    console: Console, enter: Callable[[str], Page], long_words: Customer, path: str
) -> None:
    page = enter("agent-1")
    page.set_viewport_size({"width": NARROW, "height": 640})
    console.show(page, path.format(token=long_words.token, dispute=long_words.dispute))
    assert page.evaluate("document.scrollingElement.scrollWidth") <= NARROW


def _send(page: Page, path: str, fields: dict[str, str]) -> None:
    """Send a form as the back button would: the page has changed, the form is the old one."""
    with page.expect_navigation():
        page.evaluate(
            """([path, fields]) => {
              const form = Object.assign(document.createElement('form'), { method: 'post', action: path });
              for (const [name, value] of Object.entries(fields))
                form.append(Object.assign(document.createElement('input'), { name, value }));
              document.body.append(form);
              setTimeout(() => form.submit(), 10);
            }""",
            [path, fields],
        )


def test_what_was_done_is_said_once_and_not_again_when_the_page_is_loaded_later(
    console: Console, quiet_page: Page
) -> None:
    """The address is kept, as we ask: what it shows next week must not be the thanks for another day's choice."""
    told = console.report(f"SO-{time.monotonic_ns()}", claim_type="never_received")
    page = console.show(quiet_page, f"/c/{told.token}?size=large")
    page.get_by_role("button", name="I do not agree").click()
    said = page.locator(".notice.good")
    expect(said).to_contain_text("It is written down")
    expect(page).to_have_url(f"{console.address}/c/{told.token}?size=large")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("We believe you.")
    expect(said).to_have_count(0)


@pytest.mark.parametrize("act", ["I do not agree", "I found it"])
def test_what_was_done_is_read_out_first(console: Console, quiet_page: Page, act: str) -> None:
    """A status that is there when a page is loaded is announced by no screen reader: the focus is on it."""
    told = console.report(f"SO-{time.monotonic_ns()}", claim_type="never_received")
    page = console.show(quiet_page, f"/c/{told.token}")
    page.get_by_role("button", name=act).click()
    expect(page.locator(".notice.good")).to_be_focused()
    assert "unlock it now" not in page.locator(".notice.good").inner_text(), "nothing was locked"


def test_what_was_done_is_read_out_first_where_the_page_opens_at_a_part_of_it(
    console: Console, enter: Callable[[str], Page]
) -> None:
    """A browser that goes to the part of a page that the address names takes the focus away once more."""
    told = console.report(f"SO-{time.monotonic_ns()}", claim_type="never_received")
    page = console.show(enter("agent-1"), f"/console/cases/{told.dispute}")
    page.get_by_text("Write down that the customer was recognised").click()
    page.get_by_label("By what").select_option("in_person")
    page.get_by_role("button", name="Write it down").click()
    expect(page.locator(".notice.good")).to_be_focused()
    expect(page.locator("#desk")).to_be_in_viewport()
    assert page.url.endswith(f"/console/cases/{told.dispute}#desk")


def test_a_double_tap_sends_one_report(console: Console, quiet_page: Page) -> None:
    page = console.show(quiet_page, "/complain")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.get_by_label("What went wrong?").fill("It never came.")
    page.get_by_role("button", name="Send").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("We believe you.")
    assert len(sent) == 1
