"""An investigation that left out scans which were in the log is not one of the whole chain, and is said not to be."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from custody.investigation.verify_form import open_pack
from custody.investigation.verify_pack import verify_pack
from custody.investigation.verify_verdict import Verdict
from custody.kernel.clock import DAY_MS
from custody.usecases.read_trail import sealed_scans
from tests.rooms.pack import pack_world
from tests.rooms.pack.pack_world import World, examine, open_case_of, open_world, send_parcel
from tests.rooms.pack.tamper import told_otherwise

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


def _left_out(verdict: Verdict) -> list[str]:
    """What is told of scans that were not examined, though nothing refuses the pack."""
    return [
        check.what.partition(" scans were not examined")[0]
        for check in verdict.checks
        if check.ok is None and "not examined" in check.what
    ]


def test_scans_of_the_parcel_that_an_answer_left_out_are_named(sent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _examine_first(sent, monkeypatch, 8)
    verdict = verify_pack(sent.export().content, vkey=sent.vkey)
    verdict.demand()
    assert _left_out(verdict) == ["2"]
    # That they came in later, as their own times say, is not so if a record behind them is as old.
    sent.clock.at_ms += DAY_MS
    _examine_first(sent, monkeypatch, 8)
    content = sent.export().content
    entries = open_pack(content).entries
    lies = tuple(
        replace(one, received_ms=one.received_ms + 2 * DAY_MS) if one.index in LAST else one for one in entries
    )
    verdict = told_otherwise(sent, content, entries=lies)
    assert _left_out(verdict) == ["4"]


def test_scans_that_came_in_while_the_log_was_read_are_told(sent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _examine_first(sent, monkeypatch, 11)
    verdict = verify_pack(sent.export().content, vkey=sent.vkey)
    verdict.demand()
    assert _left_out(verdict) == []
    assert any(check.ok and check.what.endswith("; 1 came in later") for check in verdict.checks)
