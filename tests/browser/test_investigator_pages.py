"""The investigator's pages: the inbox, and the trail with its charts, its ranking and whether the chain is whole."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.small_world import Console, read_zip
from tests.servers.browser import local_page


def trail(console: Console, page: Page, query: str = "") -> Page:
    return console.show(page, f"/console/trails/{console.parcel}?case={console.main.dispute}{query}")


@pytest.fixture(scope="module")
def shown(console: Console, browser: Browser) -> Iterator[Page]:
    """The trail of the main customer's parcel, for tests that only look."""
    with local_page(browser) as page:
        yield trail(console, console.enter(page, "investigator-1"), "&check=true")


@pytest.fixture(scope="module")
def found(console: Console) -> dict[str, Any]:
    """The same trail as the API tells it."""
    return console.staff["investigator-1"].trail(console.parcel)


def test_the_inbox_leads_to_the_trail(console: Console, enter: Callable[[str], Page]) -> None:
    page = console.show(enter("investigator-1"), "/console/investigations")
    line = page.get_by_role("row").filter(has_text=console.world.main.order)
    expect(line).to_contain_text("Ranked")
    line.get_by_role("link", name=console.world.main.order, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Parcel {console.parcel}")


def test_the_answer_stands_in_one_line_and_never_points_at_the_customer(shown: Page) -> None:
    headline = shown.locator(".headline").inner_text()
    assert re.search(r"\d %\); nothing here points at the customer\.$", headline)
    expect(shown.locator("section.answer")).to_contain_text("If any one kind of evidence were left out")
    expect(shown.locator(".shares")).to_contain_text("not in our data")


def test_every_custodian_has_a_lane_and_every_mark_says_both_clocks(shown: Page, found: dict[str, Any]) -> None:
    lanes = shown.get_by_role("figure", name="Who held it, and how it changed hands")
    expect(lanes.locator("text.lane")).to_have_count(len({s["custodian"] for s in found["segments"]}) + 1)
    expect(lanes.locator("rect.block")).to_have_count(len([s for s in found["segments"] if s["from_ms"]]))
    mark = lanes.locator("a.mark").first
    label = mark.get_attribute("aria-label") or ""
    assert "station" in label
    assert "received" in label
    mark.focus()
    expect(mark.locator(".tip")).to_be_visible()


def test_all_charts_share_one_time_axis(shown: Page) -> None:
    figures = shown.locator("figure svg")
    ticks = [
        figures.nth(place).locator("line.grid").evaluate_all("lines => lines.map(line => line.getAttribute('x1'))")
        for place in range(figures.count())
    ]
    assert len(ticks) == 3
    assert ticks[0]
    assert ticks[0] == ticks[1] == ticks[2]


def test_the_weight_trace_says_when_weight_shows_nothing(shown: Page, found: dict[str, Any]) -> None:
    weight = shown.get_by_role("figure", name="Weight", exact=True)
    expect(weight.locator(".says")).to_have_text(found["weight"]["sentence"])
    expect(weight.locator("rect.band")).to_have_count(1)
    expect(weight.locator("a.mark")).to_have_count(len(found["weight"]["readings"]))


def test_seals_keys_and_network_are_three_rows(shown: Page) -> None:
    rows = shown.get_by_role("figure", name="Seals, keys and clocks, network").locator("text.lane")
    assert rows.all_text_contents() == ["Seals", "Keys and clocks", "Network"]


def test_every_chart_has_a_table_that_says_the_same(console: Console, enter: Callable[[str], Page]) -> None:
    page = trail(console, enter("investigator-1"), "&view=print")
    for place in range(3):
        figure = page.locator("figure").nth(place)
        targets = figure.locator("a.mark").evaluate_all("marks => marks.map(mark => mark.getAttribute('href'))")
        assert targets
        for target in targets:
            expect(figure.locator(f"tr[id='{target.removeprefix('#')}']")).to_be_visible()


def test_the_ranked_links_add_up_to_one_with_what_is_not_in_our_data(shown: Page, console: Console) -> None:
    found = console.client.as_caller(console.staff["investigator-1"].client.token).get(
        f"/v1/investigations/{console.main.dispute}"
    )
    ranking = shown.locator("table.ranking")
    expect(ranking.locator("tr[data-step]")).to_have_count(len(found["links"]))
    expect(ranking).to_contain_text("Not in our data: we found nothing unusual in our records")
    widths = ranking.locator("tr[data-step] rect.fill").evaluate_all(
        "bars => bars.map(bar => Number(bar.getAttribute('width')))"
    )
    assert widths == sorted(widths, reverse=True)
    full = 320
    assert abs(sum(width for width in widths if width > 1.5) / full - 1) < 0.05
    expect(ranking.locator(".whisker")).to_have_count(1)


def test_every_link_opens_reasons_for_and_against(console: Console, enter: Callable[[str], Page]) -> None:
    page = trail(console, enter("investigator-1"))
    first = page.locator("table.ranking details").first
    first.locator("summary").click()
    expect(first.locator("table.weighed")).to_contain_text("Fleet history")
    page.locator("table.ranking details").nth(1).locator("summary").click()
    page.locator("table.ranking details").nth(1).get_by_role("link", name="Weigh all evidence").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("For and against this link")
    expect(page.locator("table.weighed tbody tr")).to_have_count(7)
    page.get_by_role("link", name="Back to the trail").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Parcel {console.parcel}")


def test_the_next_best_check_stands_first_with_its_price(shown: Page) -> None:
    checks = shown.get_by_role("region", name="What to look at next")
    expect(checks.get_by_role("columnheader", name="Bits a minute")).to_be_visible()
    expect(checks.locator("tbody tr").first).to_contain_text("best")
    expect(shown.get_by_role("region", name="Patterns over cases")).to_contain_text("Share of traffic")


def test_the_chain_is_verified_on_request(console: Console, enter: Callable[[str], Page]) -> None:
    page = trail(console, enter("investigator-1"))
    page.get_by_role("button", name="Verify now").click()
    expect(page.get_by_role("region", name="Is the chain whole?").get_by_role("status")).to_contain_text("Whole All")


def test_j_and_k_walk_through_charts_and_rows(console: Console, enter: Callable[[str], Page]) -> None:
    page = trail(console, enter("investigator-1"))
    page.keyboard.press("j")
    expect(page.locator("a.mark").first).to_be_focused()
    page.keyboard.press("j")
    expect(page.locator("a.mark").nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator("a.mark").first).to_be_focused()
    page.locator("table.ranking tr[data-step]").first.focus()
    page.keyboard.press("j")
    expect(page.locator("table.ranking tr[data-step]").nth(1)).to_be_focused()


def test_a_chain_is_judged_and_its_pack_exported_from_the_page(console: Console, enter: Callable[[str], Page]) -> None:
    page = trail(console, enter("investigator-1"))
    page.get_by_role("button", name="Judge again").click()
    expect(page.get_by_role("status").first).to_contain_text("judged with every other dispute")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Export the evidence pack").click()
    assert waiting.value.suggested_filename == f"{console.main.dispute}.zip"
    assert "manifest.json" in read_zip(waiting.value.path().read_bytes())


def test_an_agent_sees_the_trail_and_no_ranking(console: Console, enter: Callable[[str], Page]) -> None:
    page = trail(console, enter("agent-1"))
    expect(page.get_by_role("figure", name="Weight", exact=True)).to_be_visible()
    expect(page.locator("table.ranking")).to_have_count(0)
    expect(page.get_by_role("button", name="Judge")).to_have_count(0)


def test_nobody_is_judged_by_the_words_of_a_page(shown: Page) -> None:
    words = shown.locator("body").inner_text().lower()
    never = ("fraud", "suspicious", "suspect", "claimed", "alleged", "guilty", "culprit", "liar")
    assert [word for word in never if word in words] == []
