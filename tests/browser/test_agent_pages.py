"""The support adviser's day: find, one screen, kind, lock, remedy; and the supervisor as the second person."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from simulators.agent import put_authority_in_force
from tests.browser.small_world import Console
from tests.servers.browser import local_page


@pytest.mark.parametrize("asked", ["order", "imei", "parcel", "dispute", "contact"])
def test_one_box_takes_anything(console: Console, enter: Callable[[str], Page], asked: str) -> None:
    told = console.world.main
    texts = {
        "order": told.order,
        "imei": told.imei,
        "parcel": console.parcel,
        "dispute": console.main.dispute,
        "contact": f"customer-{told.order.lower()}@example.com",
    }
    page = console.show(enter("agent-1"), "/console")
    page.keyboard.press("/")
    page.keyboard.type(texts[asked])
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{console.address}/console/cases/{console.main.dispute}")


def test_a_thing_without_a_case_leads_to_a_new_report(console: Console, enter: Callable[[str], Page]) -> None:
    order = console.calm_orders[5]
    page = console.show(enter("agent-1"), f"/console/find?q={order}")
    page.get_by_role("link", name="New report").click()
    expect(page.get_by_label("Order", exact=True)).to_have_value(order)


def test_the_presumption_stands_first_and_the_customers_words_are_kept(
    console: Console, enter: Callable[[str], Page]
) -> None:
    page = console.show(enter("agent-2"), f"/console/cases/{console.main.dispute}")
    paragraphs = page.locator("main > p")
    expect(paragraphs.first).to_have_text("Honest. We believe this customer, and nothing has to be proved.")
    expect(page.locator("blockquote")).to_have_text(console.world.main.body["words"])
    expect(page.get_by_role("heading", name="What the customer told and gave us")).to_be_visible()
    expect(page.locator("body")).to_contain_text("Policy version")


def test_a_call_opens_a_case_and_locks_and_releases_the_handset(console: Console, enter: Callable[[str], Page]) -> None:
    console.look_at_wrong_locks()
    order = console.calm_orders[1]
    page = console.show(enter("agent-1"), f"/console/cases/new?order={order}")
    page.get_by_label("What does the customer say?").fill("The courier says it came. It did not.")
    page.get_by_label("Kind of problem").select_option("never_received")
    page.get_by_label("Support needs").fill("Please speak slowly")
    page.get_by_role("button", name="Open the case").click()
    expect(page.get_by_role("status").first).to_contain_text("/c/c_")
    expect(page.get_by_role("heading", name="Support needs")).to_be_visible()
    expect(page.get_by_role("heading", name="Waits for a second person")).to_be_visible()
    waiting = console.staff["supervisor-1"].client.get("/v1/locks", state="requested")["locks"]
    urn = console.world.parcel(order).unit.imei_urn
    (asked,) = [lock for lock in waiting if lock["imei"] == urn]
    console.staff["supervisor-1"].decide_lock(asked["order"], "approve")
    console.show(page, f"/console/cases/{asked['dispute']}")
    expect(page.get_by_role("heading", name="On its way")).to_be_visible()
    expect(page.locator("body")).to_contain_text(f"IMEI {console.imei(order)}")
    page.get_by_role("button", name="Release the lock").click()
    expect(page.get_by_role("status").first).to_have_text("The release is signed and on its way.")
    expect(page.get_by_role("heading", name="Released")).to_be_visible()


def test_the_keys_t_l_and_r_lead_through_a_call(console: Console, enter: Callable[[str], Page]) -> None:
    dispute = console.report(console.calm_orders[2]).dispute
    page = console.show(enter("agent-1"), f"/console/cases/{dispute}")
    page.keyboard.press("t")
    expect(page.get_by_label("What the customer agrees it is")).to_be_focused()
    page.get_by_label("What the customer agrees it is").select_option("never_received")
    page.get_by_role("button", name="Set the kind and offer").click()
    expect(page.get_by_role("status").first).to_contain_text("the remedy is offered")
    page.wait_for_load_state()
    page.keyboard.press("l")
    expect(page.get_by_role("heading", name="Lock of the missing handset")).to_be_focused()
    page.keyboard.press("r")
    expect(page.get_by_role("heading", name="Remedy")).to_be_focused()
    page.get_by_role("button", name="Write the choice down").click()
    expect(page.get_by_role("status").first).to_contain_text("the promise has a date")
    expect(page.locator(".ticks").nth(1)).to_contain_text("A new phone sent to you at your door, by ")
    page.get_by_label("Delivered or paid").fill("DEL-1")
    page.get_by_role("button", name="Record as delivered").click()
    expect(page.locator(".state").first).to_have_text("Put right, to be confirmed")
    expect(page.locator(".ticks .done").nth(1)).to_contain_text("Kept")


def test_a_typed_letter_is_a_letter_and_the_keys_can_be_switched_off(
    console: Console, enter: Callable[[str], Page]
) -> None:
    page = console.show(enter("agent-1"), f"/console/cases/{console.main.dispute}")
    page.keyboard.press("/")
    page.keyboard.type("tlr")
    expect(page.get_by_role("searchbox")).to_have_value("tlr")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.get_by_role("button", name="Single keys are on").click()
    page.reload()
    expect(page.get_by_role("button", name="Single keys are off")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).not_to_be_focused()


def test_each_check_says_how_it_came_out_and_what_would_allow_it(
    console: Console, enter: Callable[[str], Page]
) -> None:
    dispute = console.report(console.calm_orders[3]).dispute
    page = console.show(enter("agent-1"), f"/console/cases/{dispute}")
    rows = page.get_by_role("table", name="If you asked for a lock now")
    expect(rows.get_by_role("row").filter(has_text="Two records tie this IMEI")).to_contain_text("Yes")
    second = rows.get_by_role("row").filter(has_text="A second person decides")
    expect(second).to_contain_text("Waits for a second person")
    away = rows.get_by_role("row").filter(has_text="The customer does not hold the handset")
    expect(away).to_contain_text("A case in which the customer does not have it")
    expect(page.get_by_role("button", name="Ask for the lock")).to_have_count(0)


def test_a_lock_that_was_asked_for_needs_another_person(
    console: Console, enter: Callable[[str], Page], browser: Browser
) -> None:
    console.look_at_wrong_locks()
    order = console.calm_orders[3]
    dispute = console.report(order, claim_type="never_received").dispute
    agent = console.show(enter("agent-1"), f"/console/cases/{dispute}")
    agent.get_by_role("button", name="Release the lock").click()
    agent.get_by_label("Last 4 of the IMEI").fill("0000")
    agent.get_by_role("button", name="Ask for the lock").click()
    expect(agent.get_by_role("alert")).to_contain_text("Type them again")
    agent.get_by_label("Last 4 of the IMEI").fill(console.imei(order)[-4:])
    agent.get_by_role("button", name="Ask for the lock").click()
    expect(agent.get_by_role("heading", name="Waits for a second person")).to_be_visible()
    with local_page(browser) as page:
        console.show(console.enter(page, "supervisor-1"), "/console/locks")
        waiting = page.locator("article.order").filter(has_text=console.imei(order))
        expect(waiting.get_by_role("row").filter(has_text="A second person decides")).to_contain_text("Yes")
        waiting.get_by_role("button", name="Approve").click()
        expect(page.get_by_role("status").first).to_have_text("Approved. The command is signed and on its way.")
        row = page.get_by_role("region", name="Locks under way, as a table").get_by_role("row")
        expect(row.filter(has_text=console.imei(order))).to_contain_text("Two people")
        row.filter(has_text=console.imei(order)).get_by_role("button", name="Release").click()
        expect(page.get_by_role("status").first).to_have_text("The release is signed and on its way.")


def test_one_supervisor_stops_all_locking_and_another_allows_it_again(
    console: Console, enter: Callable[[str], Page], browser: Browser
) -> None:
    page = console.show(enter("supervisor-1"), "/console/locks")
    page.get_by_label("Why").fill("a drill")
    page.get_by_role("button", name="Stop all locking").click()
    expect(page.locator("main")).to_contain_text("All locking is stopped")
    page.get_by_label("Why").fill("the drill is over")
    page.get_by_role("button", name="Allow locking again").click()
    expect(page.get_by_role("alert")).to_contain_text("Ask another supervisor whose account")
    with local_page(browser) as other:
        console.show(console.enter(other, "supervisor-2"), "/console/locks")
        other.get_by_label("Why").fill("the drill is over")
        other.get_by_role("button", name="Allow locking again").click()
        expect(other.get_by_role("status").first).to_have_text("Locking is allowed again.")


def test_an_authority_is_proposed_by_one_and_put_in_force_by_another(
    console: Console, enter: Callable[[str], Page], browser: Browser
) -> None:
    page = console.show(enter("supervisor-1"), "/console/locks")
    page.get_by_role("button", name="Propose an authority").click()
    newest = page.get_by_role("region", name="Proposals, as a table").get_by_role("row").nth(1)
    expect(newest).to_contain_text("Another supervisor decides.")
    with local_page(browser) as other:
        console.show(console.enter(other, "supervisor-2"), "/console/locks")
        row = other.get_by_role("region", name="Proposals, as a table").get_by_role("row").nth(1)
        row.get_by_role("button", name="Put in force").click()
        expect(row).to_contain_text("In force")
        row.get_by_role("button", name="Withdraw").click()
        expect(row).to_contain_text("Withdrawn")
    put_authority_in_force(console.staff["supervisor-1"], console.staff["supervisor-2"])  # the other tests lock by one


def test_a_name_at_another_lock_system_is_given_by_one_and_confirmed_by_another(
    console: Console, enter: Callable[[str], Page], browser: Browser
) -> None:
    device = console.world.handsets[console.calm_orders[4]].device
    name = "enterprises/e1/devices/d4"
    address = f"/v1/devices/{device}/backends/android"
    console.staff["supervisor-1"].client._send("PUT", address, json={"handset": name})
    page = console.show(enter("supervisor-1"), "/console/locks")
    own = page.locator("article.watched").filter(has_text=device)
    expect(own).to_contain_text("You gave it, so another person confirms it.")
    expect(own).to_contain_text(name)
    with local_page(browser) as other:
        console.show(console.enter(other, "supervisor-2"), "/console/locks")
        waiting = other.locator("article.watched").filter(has_text=device)
        expect(waiting).not_to_contain_text(name)
        waiting.get_by_label("Its name there, as you read it").fill("enterprises/e1/devices/d5")
        waiting.get_by_role("button", name="Confirm").click()
        expect(other.get_by_role("alert")).to_contain_text("Read the name at the back-end itself")
        waiting.get_by_label("Its name there, as you read it").fill(name)
        waiting.get_by_role("button", name="Confirm").click()
        expect(other.get_by_role("status").first).to_have_text(
            "Confirmed. Locks of this handset go there too from now on."
        )
        expect(waiting).to_have_count(0)


def test_cases_come_in_pages(console: Console, enter: Callable[[str], Page]) -> None:
    for turn in range(26):
        console.report(f"SO-PAGED-{turn}")
    page = console.show(enter("agent-1"), "/console/cases")
    expect(page.locator("tbody tr")).to_have_count(25)
    first = page.locator("tbody tr th").first.inner_text()
    page.get_by_role("link", name="Older cases").click()
    expect(page.locator("tbody tr").first).to_be_visible()
    assert first not in page.locator("tbody").inner_text()
    page.get_by_role("link", name="Newest").click()
    expect(page.locator("tbody tr th").first).to_have_text(first)
    page.wait_for_load_state()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("tbody tr th a").first).to_be_focused()


def test_what_became_of_a_handset_makes_a_lock_possible_of_which_the_customer_is_told_first(
    console: Console, enter: Callable[[str], Page]
) -> None:
    dispute = console.report(console.calm_orders[4]).dispute
    page = console.show(enter("agent-1"), f"/console/cases/{dispute}")
    page.get_by_label("What the customer agrees it is").select_option("damaged")
    page.locator("[name=custody_words]").fill("The box was crushed when it came.")
    page.get_by_role("button", name="Set the kind and offer").click()
    expect(page.get_by_role("status").first).to_contain_text("the remedy is offered")
    expect(page.locator("#locks")).to_contain_text("A lock cannot be asked for now")
    expect(page.get_by_label("What became of the handset")).to_have_value("")
    page.get_by_label("What became of the handset").select_option("lost_on_return_leg")
    page.get_by_role("button", name="Write it down").click()
    expect(page.get_by_role("status").first).to_have_text("Written down. See below what follows for a lock.")
    expect(page.locator("#locks")).to_contain_text("The customer is told when you ask, and it waits for that hour")
    page.get_by_label("Last 4 of the IMEI").fill(console.imei(console.calm_orders[4])[-4:])
    expect(page.get_by_label("Reason")).to_have_value("")  # no lock is for a reason that nobody chose
    page.get_by_label("Reason").select_option("lost_on_return")
    page.get_by_role("button", name="Ask for the lock").click()
    expect(page.get_by_role("heading", name="Waits for a second person")).to_be_visible()
    expect(page.locator("body")).to_contain_text("We plan to lock the phone from your order")
