"""The casework policy of a pack is the one that the log recorded when the case was opened."""

from dataclasses import replace
from datetime import date

from custody.disputes.policy import DEFAULT_POLICY, EARLIER_POLICIES
from custody.investigation.pack.log import casework_rows, check_casework
from custody.investigation.verify.form import open_pack
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.verification import PackStep
from custody.usecases.export_pack import Beside, PackExported
from tests.rooms.pack.pack_world import World
from tests.rooms.pack.tamper import failed_steps, told_otherwise


def test_the_casework_policy_is_the_one_that_the_log_recorded_when_the_case_was_opened(
    world: World, pack: PackExported
) -> None:
    opened = open_pack(pack.content)
    rule = next(row for row in DEFAULT_POLICY.rules if row.effective_from <= date(2026, 1, 1))
    later = DEFAULT_POLICY.override(rule.key, rule.value, from_date=date(2027, 1, 1), note="of a later day")
    facts = {**opened.case.case, "case": {**opened.case.case["case"], "policy_version": later.pinned}}
    parts = {"case": replace(opened.case, case=facts), "casework": casework_rows(later.pinned, [later])}
    verification = told_otherwise(world, pack.content, **parts)
    assert failed_steps(verification) == {PackStep.REGISTRY}
    assert not any(check.ok and "was opened under" in check.what for check in verification.checks)


def test_a_case_of_before_has_the_rules_in_its_pack_that_it_was_opened_under() -> None:
    for earlier in EARLIER_POLICIES:
        rows = casework_rows(earlier.pinned, Beside().policies)
        assert check_casework(rows, earlier.pinned) is True


def test_without_the_record_of_the_opening_the_casework_policy_is_the_packs_own_word(
    world: World, pack: PackExported
) -> None:
    record = open_pack(pack.content).case.timeline[0].index
    assert record is not None
    verification = verify_pack(world.export(Beside(withhold={record: "for the test"})).content, vkey=world.vkey)
    verification.demand()
    said = [
        check.ok for check in verification.checks if check.step is PackStep.REGISTRY and "opened under" in check.what
    ]
    assert said == [None, None]
