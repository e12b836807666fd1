"""Whoever reads sees one moment of the log, however many writers go on beside: entries, their openings, verdicts."""

from collections.abc import Collection

import pytest
from sqlmodel import Session

from custody.scans.tolerances import Tolerances
from custody.store import log_reader
from custody.usecases import replay_verdicts
from custody.usecases.replay_verdicts import compare_verdicts
from tests.contracts_log.small_house import Bench, enrol_bench, open_house, opened_house, send, size_of


def test_a_replay_beside_the_intake_blames_no_scan_that_came_meanwhile(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, other = opened_house(database_url), open_house(database_url)
    bench = enrol_bench(house)
    send(house, bench.sign(house))
    erased_before = replay_verdicts._erased_before

    def meanwhile(session: Session) -> object:
        send(other, bench.sign(other))
        return erased_before(session)

    monkeypatch.setattr(replay_verdicts, "_erased_before", meanwhile)
    with house.read() as session:
        assert compare_verdicts(session, Tolerances()).different == ()


def test_an_entry_is_never_seen_without_its_opening(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    house, other = opened_house(database_url), open_house(database_url)
    bench: Bench = enrol_bench(house)
    size, openings = size_of(house), log_reader.openings

    def meanwhile(session: Session, places: Collection[int]) -> object:
        found = openings(session, places)
        if not bench.made:
            send(other, bench.sign(other))
        return found

    monkeypatch.setattr(log_reader, "openings", meanwhile)
    with house.read() as session:
        assert [entry.opening is not None for entry in log_reader.entries(session, [size])] in ([], [True])
