"""What a checker is told of a true pack, line by line, and that what lies in it lies in the log."""

import base64
from pathlib import Path

from custody.investigation.pack_entries import stem
from custody.investigation.verify_form import open_pack
from custody.investigation.verify_pack import verify_pack
from custody.investigation.verify_verdict import Check, Step
from custody.usecases.export_pack import PackExported
from tests.rooms.pack.pack_world import World
from tests.rooms.pack.tamper import failed_steps, verdict_on

GOLDEN = Path(__file__).with_name("told_of_a_true_pack.txt")
MARKS = {True: "holds", False: "FAILS", None: "says"}


def line_of(check: Check) -> str:
    return f"{int(check.step)} {MARKS[check.ok]} {check.where or '-'}: {check.what}\n"


def test_what_holds_in_a_true_pack_and_what_rests_on_the_operators_word_is_told_line_by_line(
    world: World, pack: PackExported
) -> None:
    verdict = verify_pack(pack.content, vkey=world.vkey)
    assert "".join(map(line_of, verdict.checks)) == GOLDEN.read_text()


def test_an_entry_without_a_receipt_that_does_not_lead_to_the_head_is_refused(world: World, pack: PackExported) -> None:
    opened = open_pack(pack.content)
    entry = next(entry for entry in opened.entries if entry.receipt is None and entry.path)
    name = f"{stem(entry.index)}.tlog-proof"
    node, other = base64.b64encode(entry.path[0]), base64.b64encode(bytes(32))
    verdict = verdict_on(world, pack.content, {name: opened.files[name].replace(node, other)})
    assert failed_steps(verdict) == {Step.ENTRIES}
