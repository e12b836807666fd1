"""The edition of the judge's rules stands in the log, and every verdict replays by the one that held at its entry."""

import pytest

from custody.kernel.errors import Conflict, Fatal, Rejected
from custody.scans.advance import VOIDS
from custody.scans.edition import NEWEST, RULE
from custody.scans.scan import open_scan
from custody.scans.tolerances import Tolerances
from custody.store.unit import House
from custody.usecases.accept_scans import Intake
from custody.usecases.judge_group import ScanAnswer
from custody.usecases.open_log import change_rules, judge_by, rules_in_force
from custody.usecases.register_statement import register
from custody.usecases.replay_verdicts import Comparison, compare_verdicts
from tests.contracts_log.shard_yard import sign_batch
from tests.contracts_log.small_house import (
    CARRIER,
    CUSTODIAN,
    HOME,
    OTHER_SSCC,
    SSCC,
    Bench,
    enrol_bench,
    findings,
    in_a_cage,
    open_house,
    opened_house,
    parties,
    raises,
    running_intake,
    send,
    weighing,
)
from tests.handed_in import hand_in

CAGE_AS_PARCEL = [["unknown_parcel"], ["weight_out"], ["weight_out"]]
CAGE_AS_CAGE = [["unknown_parcel"], [], []]


def weigh_and_load(intake: Intake, house: House, bench: Bench, parcel: str = SSCC) -> list[list[str]]:
    """The flags of a parcel that is weighed, loaded into a cage that is weighed too, and weighed again."""
    events = [weighing(540), in_a_cage(parcel), weighing(541)]
    scans = [open_scan(*bench.sign(house, parcel, **more)) for more in events]
    acks: list[ScanAnswer] = [hand_in(intake, [scan]).result(timeout=60)[0] for scan in scans]
    return [[flag.code for flag in ack.verdict.flags] for ack in acks]


def replayed(house: House) -> Comparison:
    """Every verdict, replayed."""
    with house.read() as session:
        return compare_verdicts(session, Tolerances())


def move(house: House, edition: int) -> int | None:
    """Name the edition that holds from now on."""
    with house.unit() as unit:
        return judge_by(house, unit, edition)


def test_a_new_log_is_judged_by_the_newest_edition(database_url: str) -> None:
    house = opened_house(database_url)
    with house.look() as unit:
        assert rules_in_force(unit)[RULE] == NEWEST
    with running_intake(house) as intake:
        assert weigh_and_load(intake, house, enrol_bench(house)) == CAGE_AS_CAGE
    assert replayed(house).different == ()


def test_from_the_policy_on_that_names_a_later_edition_every_process_judges_by_it(database_url: str) -> None:
    house = opened_house(database_url, {RULE: 1})
    bench = enrol_bench(house)
    with running_intake(open_house(database_url)) as elsewhere:
        assert weigh_and_load(elsewhere, house, bench) == CAGE_AS_PARCEL
        assert move(house, 2) is not None
        assert weigh_and_load(elsewhere, house, bench, OTHER_SSCC) == CAGE_AS_CAGE
    found = replayed(house)
    assert (found.same, found.different) == (6, ())
    assert findings(house) == []


def test_a_service_that_starts_over_an_older_log_judges_by_its_edition(sqlite_url: str) -> None:
    opened_house(sqlite_url, {RULE: 1})
    house = opened_house(sqlite_url)
    with running_intake(house) as intake:
        assert weigh_and_load(intake, house, enrol_bench(house)) == CAGE_AS_PARCEL
    assert replayed(house).different == ()


def test_a_log_moves_on_to_an_edition_once_and_never_back(sqlite_url: str) -> None:
    house = opened_house(sqlite_url, {RULE: 1})
    assert move(house, 1) is None
    assert move(house, 2) is not None
    assert move(house, 2) is None
    with raises(Conflict, "judge_edition"):
        move(house, 1)
    with raises(Rejected, "judge_edition"):
        move(house, NEWEST + 1)


def take_back(house: House, bench: Bench, way: str) -> None:
    """A station says that a parcel did not leave."""
    if way == "in a batch":
        with running_intake(house) as intake:
            hand_in(intake, [sign_batch(house, bench, [SSCC, OTHER_SSCC], bizStep=VOIDS)]).result(timeout=60)
        return
    said = bench.sign(house, bizStep=VOIDS)
    if way == "with its opening later":
        register(house, said[0], Tolerances())
    send(house, said)


@pytest.mark.parametrize("way", ["alone", "in a batch", "with its opening later"])
def test_whose_word_takes_a_release_back_is_what_the_key_was_enrolled_for(database_url: str, way: str) -> None:
    house = opened_house(database_url, {RULE: 2})
    bench, other = enrol_bench(house), enrol_bench(house, "hub-1", custodian=CARRIER)
    flagged = []
    for edition, voider in ((2, bench), (3, other), (3, bench)):
        move(house, edition)
        send(house, bench.sign(house, bizStep="departing", **parties(CUSTODIAN, CARRIER)))
        take_back(house, voider, way)
        (ack,) = send(house, bench.sign(house, bizStep="accepting", **parties(CUSTODIAN, HOME)))
        flagged.append([flag.code for flag in ack.verdict.flags])
    assert flagged == [["not_due_here"], ["not_due_here"], []]
    assert replayed(house).different == ()
    assert findings(house) == []


@pytest.mark.parametrize("way", ["alone", "in a batch", "with its opening later"])
def test_what_takes_a_release_back_before_it_comes_does_so_from_the_fourth_edition_on(
    database_url: str, way: str
) -> None:
    house = opened_house(database_url, {RULE: 3})
    bench, dock, other = enrol_bench(house), enrol_bench(house, "dock-1"), enrol_bench(house, "hub-1")
    flagged = []
    for edition in (3, 4):
        move(house, edition)
        send(house, bench.sign(house, bizStep="accepting", **parties(HOME, CUSTODIAN)))
        release = dock.sign(house, bizStep="departing", **parties(CUSTODIAN, CARRIER))
        take_back(house, bench, way)
        (late, ack) = send(house, release, other.sign(house, bizStep="accepting", **parties(CUSTODIAN, HOME)))
        assert late.verdict.result == "accepted"
        flagged.append([flag.code for flag in ack.verdict.flags])
    assert flagged == [["not_due_here"], []]
    assert replayed(house).different == ()
    assert findings(house) == []


def test_a_service_that_does_not_know_the_logs_edition_judges_nothing(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    bench = enrol_bench(house)
    with house.unit() as unit:
        change_rules(house, unit, {RULE: NEWEST + 1})
    with running_intake(house) as intake, raises(Fatal, "judge_edition"):
        hand_in(intake, [open_scan(*bench.sign(house))]).result(timeout=60)
