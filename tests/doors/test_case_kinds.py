"""The kind of problem can be put right until a remedy is chosen, and another kind is never passed over in silence."""

from tests.doors.case_desk import CaseDesk


def test_another_kind_that_is_sent_with_an_offer_is_taken(desk: CaseDesk) -> None:
    offered = desk.event(desk.not_fixed(), "agent-1", "offer", claim_type="wrong_item")
    assert (offered.status_code, offered.json()["claim_type"]) == (200, "wrong_item")


def test_a_kind_that_the_customer_says_is_not_right_can_be_changed_as_we_told_them(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    assert "Is that not right? Tell us, and we change it." in desk.http.get(f"/c/{told['customer_token']}").text
    changed = desk.event(told, "agent-1", "classify", claim_type="never_received")
    assert (changed.status_code, changed.json()["state"]) == (200, "remedy_offered")
    assert changed.json()["remedy"]["default"] == "replacement"


def test_a_kind_is_not_changed_without_what_it_needs_nor_after_the_choice(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    assert desk.event(told, "agent-1", "classify", claim_type="customer_damage").status_code == 409
    desk.http.post(f"/c/{told['customer_token']}/choose", data={"remedy": "advance_swap"})
    assert desk.event(told, "agent-1", "classify", claim_type="wrong_item").status_code == 409


def test_a_kind_is_put_right_by_those_who_may_set_one(desk: CaseDesk) -> None:
    told = desk.report(claim_type="defective")
    refused = desk.event(told, "supervisor-1", "classify", claim_type="never_received")
    assert (refused.status_code, refused.json()["who"]) == (403, ["agent", "investigator", "system"])
    assert desk.event(told, "investigator-1", "classify", claim_type="never_received").status_code == 200
