"""A fault that several customers have is known: whoever reports it next is told so, and is not asked what they did."""

from pathlib import Path
from typing import Any

from custody.disputes.known_defect import is_known
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.kernel.clock import DAY_MS
from tests.doors.case_desk import OURS, SEEN, CaseDesk
from tests.doors.command_line import CommandLine

BANNER, OWN = "Known issue.", "You did nothing wrong."


def sold(desk: CaseDesk, order: str, product: str) -> str:
    body = {"order": order, "imei": "490154203237518", "product": product}
    assert desk.http.post("/v1/orders", json=body, headers=desk.by("agent-1")).is_success
    return order


def defective(desk: CaseDesk, order: str, **facts: Any) -> dict[str, Any]:
    return desk.report(words="It is almost silent.", claim_type="defective", order=order, **facts)


def models(desk: CaseDesk) -> dict[str, int]:
    answer = desk.http.get("/v1/disputes/known-defects", headers=desk.by("agent-1")).json()
    return {row["product"]: row["orders"] for row in answer["models"]}


def test_three_orders_of_a_model_make_the_fault_known_on_every_channel(desk: CaseDesk, tmp_path: Path) -> None:
    typed = ["Quiet Phone 7", "quiet  phone 7", "Quiet Phone 7"]
    orders = [sold(desk, f"SO-Q-{number}", product) for number, product in enumerate(typed)]
    told = [defective(desk, order) for order in orders[:2]]
    defective(desk, orders[0])
    assert models(desk) == {}, "one order that is reported twice counts once"
    assert not desk.view(told[0])["known_issue"]
    told.append(defective(desk, orders[2]))
    assert list(models(desk).values()) == [3]
    for each in told:
        assert desk.view(each)["known_issue"]
        assert desk.own(each)["known_issue"]
        assert OWN in desk.http.get(f"/c/{each['customer_token']}", headers=OURS).text
        assert BANNER in desk.http.get(f"/console/cases/{each['dispute']}", headers=desk.by("agent-1")).text
    assert BANNER in desk.http.get("/console/cases/new", headers=desk.by("agent-1")).text
    shell = CommandLine(address=desk.house.address, folder=tmp_path, token=desk.house.token("agent-1"))
    assert "uiet" in shell.run("dispute", "known-defects").out
    assert "known issue: " in shell.run("dispute", "show", told[0]["dispute"]).out
    assert "known issue: " not in shell.run("dispute", "show", desk.report(order="SO-Q-0")["dispute"]).out


def test_a_known_issue_changes_nothing_of_what_is_offered_promised_or_asked(desk: CaseDesk) -> None:
    for number in range(3):
        defective(desk, sold(desk, f"SO-V-{number}", "Vivid Phone"))
    for needs in ({}, {"has_working_phone": False}, {"benefit_lost": True}, {"support_needs": ["large print"]}):
        name = f"SO-V-{'-'.join(needs)}"
        known = defective(desk, sold(desk, name, "Vivid Phone"), **needs)
        alone = defective(desk, sold(desk, f"{name}-alone", f"Lone Phone {name}"), **needs)
        assert (known["known_issue"], alone["known_issue"]) == (True, False)
        for view in ("state", "status", "presumption", "asks", "held", "locks", "policy_version", "set_aside"):
            assert known[view] == alone[view], view
        for part in ("options", "default", "extras", "sum_to_name"):
            assert known["remedy"][part] == alone["remedy"][part], part
        assert [one["what"] for one in known["promises"]] == [one["what"] for one in alone["promises"]]
        assert [one["clock"] for one in known["clocks"]] == [one["clock"] for one in alone["clocks"]]


def test_another_model_another_kind_and_what_was_taken_back_make_nothing_known(desk: CaseDesk) -> None:
    before = models(desk)
    for number in range(3):
        defective(desk, sold(desk, f"SO-R-{number}", f"Round Phone {number}"))
        desk.report(claim_type="damaged", order=sold(desk, f"SO-S-{number}", "Square Phone"))
        told = defective(desk, sold(desk, f"SO-T-{number}", "Thin Phone"))
        assert desk.http.post(f"/v1/customer/{told['customer_token']}/withdraw").is_success
        assert not defective(desk, sold(desk, f"SO-U-{number}", ""))["known_issue"]
    assert models(desk) == before


def test_reports_that_lie_further_apart_than_the_days_of_the_policy_are_not_one_fault() -> None:
    day = POLICY.rules[-1].effective_from.replace(year=2026, month=5, day=1)

    def known(*days: float, at: float) -> bool:
        reported = [(f"SO-{number}", int(each * DAY_MS)) for number, each in enumerate(days)]
        return is_known(reported, int(at * DAY_MS), policy=POLICY, on_date=day)

    assert known(0, 7, 14, at=0)
    assert known(0, 7, 14, at=14)
    assert not known(0, 7, 14.1, at=7)
    assert known(0, 5, 10, 40, at=5)
    assert not known(0, 5, 10, 40, at=40)


def test_a_fault_that_was_declined_counts_only_once_we_change_our_mind(desk: CaseDesk) -> None:
    first, _ = (defective(desk, sold(desk, f"SO-W-{number}", "Wide Phone")) for number in range(2))
    third = desk.not_fixed(order=sold(desk, "SO-W-2", "Wide Phone"))
    assert desk.event(third, "investigator-1", "propose_decline", findings=[SEEN]).is_success
    desk.speaks(third)
    assert desk.view(first)["known_issue"], "nothing is decided"
    assert desk.event(third, "supervisor-1", "decline", why="The camera shows it.", heard=True).is_success
    assert not desk.view(first)["known_issue"]
    assert "Wide Phone" not in models(desk)
    assert desk.event(third, "supervisor-1", "we_changed_our_mind").is_success
    assert desk.view(first)["known_issue"]
    assert models(desk)["Wide Phone"] == 3
