"""An investigation that left out scans which could be read is not one of the chain, though it is rightly computed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from custody.investigation.verify.form import open_pack
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.verification import PackStep, Verification
from custody.kernel.clock import DAY_MS
from custody.scans.scan import Scan
from custody.scans.tolerances import Tolerances
from custody.scans.verdict import unread
from custody.usecases.accept_scans import Answered, Intake
from custody.usecases.export_pack import Beside
from custody.usecases.judge_group import ScanAnswer
from custody.usecases.read_trail import sealed_scans
from custody.usecases.register_statement import register
from tests.handed_in import hand_in
from tests.rooms.pack import pack_world
from tests.rooms.pack.pack_world import World, examine, open_case_of, open_world, send_parcel
from tests.rooms.pack.tamper import failed_steps, told_otherwise

LAST = range(20, 24)
"""The entries of the last four scans."""


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[World]:
    """A case about a parcel that took some hours."""
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        yield world


def _examine_first(world: World, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """An answer to what the first scans show alone."""
    with monkeypatch.context() as patch:
        patch.setattr(pack_world, "sealed_scans", lambda session, rows: sealed_scans(session, rows)[:count])
        examine(world)


def _left_out(verification: Verification) -> list[str]:
    """What is said of scans that could be read and were not examined."""
    said = (check.what.partition(" scans were not examined") for check in verification.checks if not check.ok)
    return [count for count, found, _ in said if found]


def test_an_answer_that_left_out_scans_of_the_parcel_is_refused(sent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _examine_first(sent, monkeypatch, 8)
    content = sent.export().content
    verification = verify_pack(content, vkey=sent.vkey)
    assert (failed_steps(verification), _left_out(verification)) == ({PackStep.INVESTIGATION}, ["2"])
    # That they came in later, as their own times say, is not so if a record behind them is as old.
    sent.clock.at_ms += DAY_MS
    _examine_first(sent, monkeypatch, 8)
    content = sent.export().content
    entries = open_pack(content).entries
    lies = tuple(
        replace(one, received_ms=one.received_ms + 2 * DAY_MS) if one.index in LAST else one for one in entries
    )
    verification = told_otherwise(sent, content, entries=lies)
    assert _left_out(verification) == ["4"]


def test_scans_that_came_in_while_the_log_was_read_are_told(sent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _examine_first(sent, monkeypatch, 11)
    verification = verify_pack(sent.export().content, vkey=sent.vkey)
    verification.demand()
    assert _left_out(verification) == []
    assert any(check.ok and check.what.endswith("; 1 came in later") for check in verification.checks)


def test_where_a_scan_is_closed_what_was_left_out_is_told(sent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _examine_first(sent, monkeypatch, 8)
    first = min(entry.index for entry in open_pack(sent.export().content).entries if entry.judged is not None)
    verification = verify_pack(sent.export(Beside(withhold={first: "it names somebody"})).content, vkey=sent.vkey)
    assert PackStep.INVESTIGATION not in failed_steps(verification)


class RegistersOne:
    """An intake to which the statement of one scan comes alone; its opening is kept back."""

    def __init__(self, world: World, which: int) -> None:
        self._world, self._real, self._which = world, world.intake, which
        self.late: list[Scan] = []

    def hand_in(self, parts: Sequence[Scan], answered: Answered) -> None:
        self._which -= 1
        if self._which:
            self._real.hand_in(parts, answered)
            return
        self.late += parts
        index = register(self._world.house, parts[0].message.raw, Tolerances()).index
        answered([ScanAnswer(digest=parts[0].digest, verdict=unread(), index=index, at_ms=self._world.clock.at_ms)])

    def come_late(self) -> None:
        """The opening comes to the intake that was there before."""
        hand_in(self._real, self.late).result(timeout=60)


@pytest.mark.parametrize("which", [2, 6, 11, 14])
def test_a_scan_whose_opening_came_after_the_answer_was_not_to_be_examined(tmp_path: Path, which: int) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        intake = RegistersOne(world, which)
        world.intake = cast("Intake", intake)
        send_parcel(world)
        open_case_of(world)
        world.clock.at_ms += DAY_MS
        examine(world)
        world.clock.at_ms += DAY_MS
        intake.come_late()
        verification = verify_pack(world.export().content, vkey=world.vkey)
        verification.demand()
        assert any(check.ok and check.what.endswith("; 1 came in later") for check in verification.checks)
        world.clock.at_ms += DAY_MS
        examine(world)
        verify_pack(world.export().content, vkey=world.vkey).demand()
