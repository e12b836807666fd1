"""The locks in a pack are of the handset of its case, and none that its customer was told of or paid for is hidden."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from custody.investigation.verify.case import MERGED
from custody.investigation.verify.form import OpenedPack, open_pack
from custody.investigation.verify.locks import PAID_FOR, check_locks
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.scans import ANNOUNCED, records_of
from custody.investigation.verify.verification import Notebook, PackStep
from custody.ledger.registry import Registry
from custody.store import case_book
from custody.usecases.export_pack import NO_LOCKS, Beside
from tests.rooms.pack.pack_world import World, lock_handset, open_case_of, open_world
from tests.rooms.pack.tamper import failed_steps, told_otherwise


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[World]:
    """A case with a lock."""
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        open_case_of(world)
        lock_handset(world)
        yield world


def _without_registration(opened: OpenedPack) -> dict[str, Any]:
    """The parts of a pack that does not show whose handset was locked."""
    (history,), records = opened.locks.orders, records_of(opened.entries)
    gone = {index for index, fields in records.items() if fields["kind"] == "device.registered"}
    entries = tuple(entry for entry in opened.entries if entry.index not in gone)
    kept = replace(history, indexes=tuple(index for index in history.indexes if index not in gone))
    return {"entries": entries, "locks": replace(opened.locks, orders=(kept,))}


def test_a_handset_that_was_sent_a_lock_was_registered_by_a_record_in_the_pack(locked: World) -> None:
    content = locked.export().content
    verify_pack(content, vkey=locked.vkey).demand()
    verification = told_otherwise(locked, content, **_without_registration(open_pack(content)))
    assert failed_steps(verification) == {PackStep.LOCKS}
    assert any("was registered" in check.what for check in verification.failures)
    asked = locked.locks.orders[0].indexes[1]
    closed = locked.export(Beside(locks=locked.locks, withhold={asked: "it names somebody"})).content
    told_otherwise(locked, closed, **_without_registration(open_pack(closed))).demand()


def test_a_lock_that_the_customer_was_told_of_or_paid_for_is_not_hidden(locked: World) -> None:
    def noted(kind: str, **facts: Any) -> dict[str, bool | None]:
        with locked.house.unit() as unit:
            case_book.note(unit, locked.case, kind.removeprefix("dispute."), actor="system", facts=facts)
        opened, notes = open_pack(locked.export(Beside(locks=NO_LOCKS)).content), Notebook(step=PackStep.LOCKS)
        check_locks(opened, Registry(), notes)
        return {check.what.partition(" lock-")[0]: check.ok for check in notes.checks}

    gone, elsewhere = "records of the log tell of the lock order", "the lock order"
    assert noted(ANNOUNCED, order="lock-1", notice_ms=1) == {elsewhere: None}
    assert noted(PAID_FOR, order="lock-1", pence=0) == {gone: False}
    verify_pack(locked.export().content, vkey=locked.vkey).demand()
    assert noted(MERGED, into="case_2") == {elsewhere: None}


def test_a_pack_that_tells_of_no_lock_does_not_prove_that_there_was_none(locked: World) -> None:
    content = locked.export().content
    opened = open_pack(content)
    of_locks = {
        index
        for index, fields in records_of(opened.entries).items()
        if str(fields["kind"]).startswith(("lock.", "device."))
    }
    assert of_locks
    entries = tuple(entry for entry in opened.entries if entry.index not in of_locks)
    case = replace(opened.case, timeline=tuple(line for line in opened.case.timeline if line.index not in of_locks))
    verification = told_otherwise(locked, content, entries=entries, case=case, locks=NO_LOCKS)
    verification.demand()
    assert [check.ok for check in verification.checks if check.step is PackStep.LOCKS] == [None]
    assert any(
        "could be left out unseen" in check.what for check in verification.checks if check.step is PackStep.RECORDS
    )
