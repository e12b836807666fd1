"""What is found and listed of cases is the same on either database."""

from pathlib import Path

import httpx

from tests.doors.case_desk import OURS, CaseDesk
from tests.stories.http_service import running_service

IMEI = "490154203237518"


def test_held_orders_buyers_known_defects_and_measures_are_told_on_either_database(
    tmp_path: Path, database_url: str
) -> None:
    with (
        running_service(tmp_path / "data", database_url=database_url) as house,
        httpx.Client(base_url=house.address, timeout=30, headers=OURS) as http,
    ):
        desk = CaseDesk(house=house, http=http)
        by = desk.by("agent-1")
        for number in range(3):
            customer = {"contact": f"Åsa Price, 07700 90012{number}, LS1 4A{number}"}
            sold = {"order": f"SO-{number}", "imei": IMEI, "product": "Quiet Phone", "customer": customer}
            assert http.post("/v1/orders", json=sold, headers=by).is_success
            desk.report(order=f"SO-{number}", claim_type="defective")
        joined, whole = desk.not_fixed(order="SO-J"), desk.report(order="SO-W")
        assert desk.event(joined, "agent-1", "merge", into=whole["dispute"], consent=True).is_success
        held = http.get("/v1/held-charges", params={"limit": 4}, headers=by).json()
        assert [row["order"] for row in held["orders"]] == ["SO-0", "SO-1", "SO-2", "SO-J"]
        more = http.get("/v1/held-charges", params={"cursor": held["next"]}, headers=by).json()
        assert [row["order"] for row in more["orders"]] == ["SO-W"]
        for asked in ("+447700900121", "åsa ls14a1", "SO-1 price"):
            assert http.get("/v1/disputes/found", params={"q": asked}, headers=by).json()["orders"] == ["SO-1"], asked
        assert http.get("/v1/disputes/known-defects", headers=by).json()["models"][0]["orders"] == 3
        measured = http.get("/metrics", headers=desk.by("supervisor-1")).text
        assert "weaklink_cases 5" in measured.splitlines()
        assert http.post("/v1/accounts/agent-1/away", json={"away": True}, headers=by).is_success
        assert desk.report()["owner"] == "agent-2"
