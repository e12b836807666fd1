"""The edition of the judge's rules stands in the log, and every verdict replays by the one that held at its entry."""

from custody.kernel.errors import Conflict, Fatal, Rejected
from custody.scans.edition import NEWEST, RULE
from custody.scans.scan import open_scan
from custody.scans.tolerances import Tolerances
from custody.store.unit import House
from custody.usecases.accept_scans import Intake
from custody.usecases.judge_group import Ack
from custody.usecases.open_log import change_rules, judge_by, rules_in_force
from custody.usecases.replay_verdicts import Comparison, compare_verdicts
from tests.contracts_log.small_house import (
    OTHER_SSCC,
    SSCC,
    Bench,
    enrol_bench,
    findings,
    in_a_cage,
    open_house,
    opened_house,
    raises,
    running_intake,
    weighing,
)

CAGE_AS_PARCEL = [["unknown_parcel"], ["weight_out"], ["weight_out"]]
CAGE_AS_CAGE = [["unknown_parcel"], [], []]


def weigh_and_load(intake: Intake, house: House, bench: Bench, parcel: str = SSCC) -> list[list[str]]:
    """The flags of a parcel that is weighed, loaded into a cage that is weighed too, and weighed again."""
    events = [weighing(540), in_a_cage(parcel), weighing(541)]
    scans = [open_scan(*bench.sign(house, parcel, **more)) for more in events]
    acks: list[Ack] = [intake.submit([scan]).result(timeout=60)[0] for scan in scans]
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


def test_a_service_that_does_not_know_the_logs_edition_judges_nothing(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    bench = enrol_bench(house)
    with house.unit() as unit:
        change_rules(house, unit, {RULE: NEWEST + 1})
    with running_intake(house) as intake, raises(Fatal, "judge_edition"):
        intake.submit([open_scan(*bench.sign(house))]).result(timeout=60)
