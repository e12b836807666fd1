"""What a checker is told of a true pack, line by line, and that what lies in it lies in the log."""

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from custody.investigation.pack.entries import PackedVerdict, stem
from custody.investigation.pack.log import replay
from custody.investigation.verify import log as verify_log
from custody.investigation.verify import scans as verify_scans
from custody.investigation.verify.form import open_pack
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.verification import Notebook, PackFinding, PackStep
from custody.kernel import cose
from custody.ledger.registry import Ignored
from custody.ledger.statements import KEY_ADD, POLICY
from custody.scans.scan import CONTENT_TYPE as SCAN
from custody.scans.verdict import QUARANTINED
from custody.usecases.export_pack import PackExported
from tests.rooms.pack.pack_world import World
from tests.rooms.pack.tamper import failed_steps, verification_of

GOLDEN = Path(__file__).with_name("told_of_a_true_pack.txt")
MARKS = {True: "holds", False: "FAILS", None: "says"}


def line_of(check: PackFinding) -> str:
    return f"{int(check.step)} {MARKS[check.ok]} {check.where or '-'}: {check.what}\n"


def test_what_holds_in_a_true_pack_and_what_rests_on_the_operators_word_is_told_line_by_line(
    world: World, pack: PackExported
) -> None:
    verification = verify_pack(pack.content, vkey=world.vkey)
    assert "".join(map(line_of, verification.checks)) == GOLDEN.read_text()


def test_an_entry_without_a_receipt_that_does_not_lead_to_the_head_is_refused(world: World, pack: PackExported) -> None:
    opened = open_pack(pack.content)
    entry = next(entry for entry in opened.entries if entry.receipt is None and entry.path)
    name = f"{stem(entry.index)}.tlog-proof"
    node, other = base64.b64encode(entry.path[0]), base64.b64encode(bytes(32))
    verification = verification_of(world, pack.content, {name: opened.files[name].replace(node, other)})
    assert failed_steps(verification) == {PackStep.ENTRIES}


@pytest.mark.parametrize("kind", [POLICY, KEY_ADD, SCAN, ""])
def test_a_statement_about_trust_that_changes_nothing_is_told_and_a_policy_fails(pack: PackExported, kind: str) -> None:
    opened = open_pack(pack.content)
    index = next((entry.index for entry in opened.entries if entry.content_type == kind), opened.head.size + 1)
    registry = replace(replay(opened.entries), ignored=(Ignored(index=index, code="x", detail="a stranger signed it"),))
    notes = Notebook(step=PackStep.REGISTRY)
    verify_log.check_registry(opened, registry, notes)
    (told,) = (check for check in notes.checks if "a stranger signed it" in check.what)
    assert (told.ok, told.where) == (False if kind == POLICY else None, f"entry {index}")


@pytest.mark.parametrize("result", ["accepted", QUARANTINED])
def test_a_scan_under_a_revoked_key_fails_unless_the_judge_had_set_it_apart(pack: PackExported, result: str) -> None:
    opened = open_pack(pack.content)
    scans = [entry for entry in opened.entries if entry.judged is not None]
    registry = replay(opened.entries)
    key = registry.station_key(cose.parse(scans[0].raw).kid)
    ended = replace(key, revoked_at=key.added_at + 1, suspect_from=key.added_at + 1)
    judged = {entry.index: replace(entry, judged=PackedVerdict(result=result, code="S02", flags=())) for entry in scans}
    notes = Notebook(step=PackStep.SCANS)
    verify_scans.check_scans(
        replace(opened, entries=tuple(judged.get(entry.index, entry) for entry in opened.entries)),
        replace(registry, keys={**registry.keys, key.key.kid: ended}),
        notes,
    )
    told = [check for check in notes.checks if "the station's key was" in check.what]
    assert {check.ok for check in told} == {None if result == QUARANTINED else False}
    assert all(("counts for nothing" in check.what) == (result == QUARANTINED) for check in told)
