"""Compares our tables, policy and clocks with the worked data, where it is at hand.

Set WEAKLINK_VECTORS to a folder that holds `casework/machines.json`, `policy_defaults.json` and `golden_clocks.json`.
"""

import json
import os
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from custody.disputes import clocks
from custody.disputes.case import CASE
from custody.disputes.inquiry import INVESTIGATION
from custody.disputes.machine import Machine
from custody.disputes.policy import DEFAULT_POLICY as POLICY
from custody.disputes.promise import PROMISE

FOLDER = os.environ.get("WEAKLINK_VECTORS")
pytestmark = pytest.mark.skipif(FOLDER is None, reason="WEAKLINK_VECTORS does not name the folder of worked data")


def read(name: str) -> Any:
    return json.loads((Path(FOLDER or "") / "casework" / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("machine", [CASE, INVESTIGATION, PROMISE], ids=lambda machine: machine.name)
def test_the_table_in_code_is_the_table_in_the_data(machine: Machine[Any]) -> None:
    wanted = read("machines.json")[machine.name]
    ours = {
        "start": machine.start,
        "terminal": sorted(machine.terminal),
        "states": {
            state: {"owner": facts.owner, "clock": facts.clock, "customer_words": facts.customer_words}
            for state, facts in machine.states.items()
        },
        "transitions": [
            {
                "from": row.source,
                "to": row.target,
                "event": row.event,
                "who": sorted(row.who),
                "guards": list(row.guards),
            }
            for row in machine.transitions
        ],
    }
    assert ours["start"] == wanted["start"]
    assert ours["terminal"] == sorted(wanted["terminal"])
    assert list(machine.states) == list(wanted["states"])
    assert ours["states"] == wanted["states"]
    assert ours["transitions"] == [{**row, "who": sorted(row["who"])} for row in wanted["transitions"]]


def test_every_row_of_the_policy_data_is_in_our_policy() -> None:
    rows = read("policy_defaults.json")
    ours = {(rule.key, rule.effective_from.isoformat()): rule.plain() for rule in POLICY.rules}
    assert len(rows) == 88
    for row in rows:
        rule = ours[row["key"], row["effective_from"]]
        assert rule["legal_floor"] == row["legal_floor"], row["key"]
        if row["key"] == "adr_scope_handset":
            assert set(rule["value"]) == set(row["value"])
        elif isinstance(row["value"], dict):
            assert row["value"].items() <= rule["value"].items(), row["key"]
        else:
            assert rule["value"] == row["value"], row["key"]


def test_a_row_has_the_measure_of_the_data_and_claims_no_more_certainty() -> None:
    """A unit begins with what is counted; what the data calls verified may be less certain here, never more."""
    certainty = {"house default": 0, "from knowledge": 0, "secondary": 1, "verified": 2}
    ours = {(rule.key, rule.effective_from.isoformat()): rule.plain() for rule in POLICY.rules}
    for row in read("policy_defaults.json"):
        rule = ours[row["key"], row["effective_from"]]
        assert measure(rule["unit"]) == measure(row["unit"]), row["key"]
        assert certainty[rule["confidence"]] <= certainty[row["confidence"]], row["key"]


def measure(unit: str) -> str:
    return re.split(r"[^A-Za-z]", unit)[0]


def test_the_floors_of_the_data_are_floors_and_ours_add_only_law() -> None:
    theirs = {row["key"] for row in read("policy_defaults.json") if row["legal_floor"]}
    ours = {rule.key for rule in POLICY.rules if rule.legal_floor}
    assert ours - theirs == {"court_years", "fos_refer_months"}
    assert theirs <= ours


def computed(rule: str, facts: dict[str, Any]) -> date:
    days = {
        name: date.fromisoformat(value) for name, value in facts.items() if name not in {"rule", "repair_wait_days"}
    }
    (first, *_) = days.values()
    makers = {
        "delivery_long_stop": lambda: clocks.delivery_long_stop(first, policy=POLICY),
        "short_term_reject_with_repair": lambda: clocks.short_term_reject_last_day(
            first, policy=POLICY, repair_wait_days=facts["repair_wait_days"]
        ),
        "refund_last_day_rejection": lambda: clocks.refund_after_rejection(first, policy=POLICY),
        "presumption_end": lambda: clocks.fault_presumption_end(first, policy=POLICY),
        "adr_letter_due_new": lambda: clocks.scheme_letter_due(first, policy=POLICY),
        "adr_perform_by": lambda: clocks.scheme_perform_by(first, policy=POLICY),
        "sar_due_internal": lambda: clocks.access_request_internal(first, policy=POLICY),
        "chargeback_window": lambda: clocks.chargeback_last_day(first, policy=POLICY),
    }
    return makers[rule]()


def test_the_worked_dates_come_out() -> None:
    examples = read("golden_clocks.json")
    assert len(examples) == 8
    for example in examples:
        assert computed(example["rule"], example["in"]) == date.fromisoformat(example["out"]), example["rule"]
