"""An order that nothing of ours knows says nothing of who reports: two people may both have written "n/a"."""

import pytest

from tests.doors.case_desk import CaseDesk


@pytest.mark.parametrize("order", ["", " ", "n/a", "SO-UNKNOWN"])
def test_two_reports_that_name_no_order_of_ours_are_joined_only_by_consent(desk: CaseDesk, order: str) -> None:
    one, other = (desk.report(order=order) for _ in range(2))
    given = {"file": ("label.heic", b"\x00\x01", "image/heic")}
    assert desk.http.post(f"/v1/customer/{one['customer_token']}/files", files=given).is_success
    refused = desk.event(one, "agent-1", "merge", into=other["dispute"])
    assert (refused.status_code, refused.json()["unmet"]) == (409, ["same_customer_or_consent"])
    assert desk.own(other)["given"] == []
    assert desk.event(one, "agent-1", "merge", into=other["dispute"], consent=True).is_success


def test_reports_of_an_order_that_became_known_after_them_are_joined(desk: CaseDesk) -> None:
    one, other = (desk.report(order="SO-LATE") for _ in range(2))
    desk.sold("SO-LATE")
    assert desk.event(one, "agent-1", "merge", into=other["dispute"]).is_success


@pytest.mark.parametrize("blank", ["", "  ", "\t"])
def test_a_blank_order_or_item_is_none(desk: CaseDesk, blank: str) -> None:
    assert desk.view(desk.report(order=blank, item=blank))["order"] is None


def test_the_page_of_a_case_whose_order_nobody_knows_says_so_and_what_to_do(desk: CaseDesk) -> None:
    """A typing slip would look like any other case otherwise, and its handset would never be locked."""
    said = "No order of ours has the reference SO-SLIP."
    way_on = "Open a new report with the number"
    slip, known = desk.report(order="SO-SLIP"), desk.report(order=desk.sold("SO-KNOWN"))
    pages = [
        desk.http.get(f"/console/cases/{told['dispute']}", headers=desk.by("agent-1")).text for told in (slip, known)
    ]
    assert [(said in page, way_on in page) for page in pages] == [(True, True), (False, False)]
