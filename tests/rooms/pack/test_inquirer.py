"""Which reports the investigation judges together: one of each parcel."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import QueuePool, text

from custody.kernel.clock import HOUR_MS
from custody.usecases.investigate import Inquirer
from tests.rooms.pack.pack_world import IMEI, World, open_case_of, open_world, send_parcel

MANY_NEWER = """
    INSERT INTO dispute (id, state, claim_type, order_ref, owner, policy_version, token_hash, opened_ms, version, facts)
    WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 100000)
    SELECT n, 'triaged', '', '', '', '', CAST(n AS BLOB), 4000000000000, 1,
        '{"case":{"id":"' || n || '","state":"triaged"}}' FROM number
"""
"""As many cases as there are in some years, opened later; of each what is read of it."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        yield world


def links(world: World, case: str) -> tuple[int, list[tuple[str, float]]]:
    with world.house.read() as session:
        finding = Inquirer().investigate(session, case, {})
    return finding.disputes, finding.judgement.table()


def test_a_second_report_of_one_parcel_is_no_second_theft(world: World) -> None:
    first = open_case_of(world)
    alone = links(world, first)
    second = open_case_of(world)
    assert links(world, first) == alone
    assert links(world, second) == alone


def test_without_a_question_the_newest_report_stands_for_the_parcel(world: World) -> None:
    open_case_of(world)
    newest = open_case_of(world)
    with world.house.read() as session:
        files = Inquirer().gather(session, {}).files
    assert list(files) == [newest]


def test_what_was_gathered_is_judged_without_the_database(world: World) -> None:
    case = open_case_of(world)
    before, inquirer = links(world, case), Inquirer()
    inquirer.read_on(world.house)
    with world.house.read() as session:
        gathered = inquirer.gather(session, {}, asked=case)
    world.other_parcel("bench-4")
    pool = world.house.engine.pool
    assert isinstance(pool, QueuePool)
    assert pool.checkedout() == 0
    finding = gathered.find(case)
    assert (finding.disputes, finding.judgement.table()) == before != links(world, case)


def test_a_case_is_weighed_however_many_newer_ones_there_are(world: World) -> None:
    case = open_case_of(world)
    alone = links(world, case)
    with world.house.unit() as unit:
        unit.session.execute(text(MANY_NEWER))
    assert links(world, case) == alone


def test_a_device_that_was_seen_before_it_was_packed_says_nothing(world: World) -> None:
    case = open_case_of(world)
    with world.house.read() as session:
        (plain,) = Inquirer().gather(session, {}, asked=case).disputes
        before, later = plain.start_ms - 30 * 24 * HOUR_MS, plain.start_ms + 70 * HOUR_MS
        assert Inquirer().gather(session, {IMEI: [before]}, asked=case).disputes == (plain,)
        (seen,) = Inquirer().gather(session, {IMEI: [later + 1, before, later]}, asked=case).disputes
    assert (seen.attach_watched, seen.attach_ms) == (True, later)
