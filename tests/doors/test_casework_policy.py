"""The rules of cases are read by anybody, with what each governs; the log names the version that cases pin."""

from pathlib import Path

from api.compose import CASEWORK, compose
from custody.disputes.policy import DEFAULT_POLICY, EARLIER_POLICIES, STATED_ONLY
from custody.usecases.open_log import change_rules, rules_in_force
from tests.doors.case_desk import CaseDesk
from tests.doors.command_line import CommandLine


def test_anybody_reads_the_policy_that_a_case_pins_and_which_rules_govern_nothing(
    desk: CaseDesk, tmp_path: Path
) -> None:
    policy = desk.http.get("/v1/casework-policy").json()
    assert policy["version"] == desk.view(desk.report())["policy_version"]
    rules = {rule["key"]: rule["note"] for rule in policy["rules"]}
    assert rules["early_not_here_minutes"].startswith(STATED_ONLY)
    assert not rules["owner_absent_minutes"].startswith(STATED_ONLY)
    shell = CommandLine(address=desk.house.address, folder=tmp_path)
    assert "early_not_here_minutes" in shell.run("dispute", "policy").out


def test_a_log_that_names_an_earlier_policy_names_this_one_at_the_next_start(desk: CaseDesk) -> None:
    parts = desk.house.parts
    with parts.house.unit() as unit:
        assert rules_in_force(unit)[CASEWORK] == DEFAULT_POLICY.pinned
        change_rules(parts.house, unit, {CASEWORK: EARLIER_POLICIES[0].pinned})
    again = compose(parts.settings)
    with again.house.unit() as unit:
        assert rules_in_force(unit)[CASEWORK] == DEFAULT_POLICY.pinned
        size = unit.log.size
    compose(parts.settings)
    with again.house.unit() as unit:
        assert unit.log.size == size, "it is said once"
