"""Two who move the reports of one order at the same moment, on PostgreSQL: nobody waits for ever, no money is doubled.

A report by the box and one that names the order stand beside each other, and one of another order takes joined ones in.
Each pair of moves is tried both ways round: the second begins when the first has written and not yet committed.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

import pytest

from api import customer_moves
from api.join_reports import join_reports
from api.rounds.timer import CASES
from custody.disputes.machine import CaseRole
from custody.disputes.one_order import puts_right
from custody.disputes.promise import is_owed
from custody.kernel.errors import Conflict, Rejected
from custody.store import case_book
from custody.store.unit import Unit
from custody.usecases import move_case, move_scheme
from custody.usecases.came_back import payment_came_back
from custody.usecases.sweep_cases import sweep_case
from tests.servers.postgres import PostgresServer
from tests.stories.case_steps import act, in_state
from tests.stories.test_lock_races import Act, meanwhile
from tests.stories.test_one_remedy import BY_AGENT, PRICE, by_the_box, choose, promises
from tests.stories.test_set_aside import looked_at_again
from tests.world import World, new_world
from tests.world_parts import Opened

pytestmark = pytest.mark.postgres


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """The world, the reports of one order (two that name it, one by the box), and one of another order."""

    world: World
    mine: Opened
    more: Opened
    stranger: Opened
    elsewhere: Opened

    @property
    def all(self) -> tuple[Opened, ...]:
        """Every one of them."""
        return self.mine, self.more, self.stranger, self.elsewhere


@pytest.fixture(scope="module")
def begun(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Make the world in which each of these begins, once."""
    with postgres_server.database() as url:
        world = new_world(url, tmp_path_factory.mktemp("begun"))
        world.close()
        yield world


@pytest.fixture
def reports(begun: World, postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Reports]:
    """Lend such a world of one's own, in which the customer of the order chose nothing yet."""
    copytree(begun.folder, tmp_path / "world")
    template = begun.url.partition("?")[0].rpartition("/")[2]
    with postgres_server.database(template=template) as url:
        world = World(url, tmp_path / "world", parcels=1, seed=begun.seed, like=begun)
        mine, more = (world.dispute(world.parcels[0], "damaged") for _ in range(2))
        elsewhere = world.dispute(world.parcels[1], "damaged")
        yield Reports(world=world, mine=mine, more=more, stranger=by_the_box(world), elsewhere=elsewhere)
        world.audit()
        world.close()


Move = Callable[[Unit, Reports], object]
Begin = Callable[[Reports], object]


def nothing_chosen(_reports: Reports) -> None:
    """The report by the box and those of the customer are all open."""


def box_first(reports: Reports) -> None:
    """A refund is promised by the box."""
    choose(reports.world, reports.stranger, "refund")


def box_aside(reports: Reports) -> None:
    """That refund was set aside for one that the customer of the order chose, who can take the report back."""
    box_first(reports)
    choose(reports.world, reports.mine, "refund")
    looked_at_again(reports.world, reports.mine)


def box_joins(reports: Reports) -> None:
    """A refund is promised by the box, and that report can be joined."""
    box_first(reports)
    looked_at_again(reports.world, reports.stranger)


def box_aside_joins(reports: Reports) -> None:
    """That refund was set aside, and either report can be moved on."""
    box_joins(reports)
    choose(reports.world, reports.mine, "refund")
    looked_at_again(reports.world, reports.mine)


def box_paid(reports: Reports) -> None:
    """A refund was paid by the box."""
    with reports.world.house.unit() as unit:
        choose_refund_by_the_box(unit, reports)
        move_case.remedied(unit, reports.stranger.case, reference="BACS 1", **BY_AGENT)


def awarded_soon(reports: Reports) -> None:
    """The scheme decided that the customer of the order has the price back, and they say yes next."""
    supervisor = {"actor": "supervisor-1", "role": CaseRole.SUPERVISOR}
    with reports.world.house.unit() as unit:
        case = reports.mine.case
        move_scheme.adr(unit, case, letter_due_ms=0, deadlock=True, **supervisor)
    in_state(reports.world, reports.mine, "with_adr")
    decision = {"award": "Pay the customer the price", "award_pence": PRICE, "reference": "S-1"}
    act(reports.world, move_scheme.scheme_decides, reports.mine, **decision, **supervisor)


def choose_refund(unit: Unit, reports: Reports) -> None:
    move_case.choose(unit, reports.mine.case, remedy="refund", payout="cheque", actor="customer")


def choose_phone(unit: Unit, reports: Reports) -> None:
    move_case.choose(unit, reports.more.case, remedy="replacement", payout=None, actor="customer")


def choose_refund_by_the_box(unit: Unit, reports: Reports) -> None:
    move_case.choose(unit, reports.stranger.case, remedy="refund", payout="cheque", actor="customer")


def accept(unit: Unit, reports: Reports) -> None:
    move_scheme.accept_decision(unit, reports.mine.case, actor="customer")


def take_back(unit: Unit, reports: Reports) -> None:
    customer_moves.take_back(unit, reports.world.office, dispute=reports.mine.case)


def find(unit: Unit, reports: Reports) -> None:
    customer_moves.found_it(unit, reports.world.office, dispute=reports.mine.case)


def sweep(unit: Unit, reports: Reports) -> None:
    sweep_case(unit, reports.stranger.case, CASES)


def join(unit: Unit, reports: Reports) -> None:
    given = {"into": reports.elsewhere.case, "consent": True, **BY_AGENT}
    join_reports(unit, dispute=reports.stranger.case, **given)


def pay_by_the_box(unit: Unit, reports: Reports) -> None:
    (owed,) = (one for one in case_book.promises(unit.session, reports.stranger.case) if puts_right(one))
    move_case.promise_kept(unit, reports.stranger.case, promise=owed.id, reference="BACS 1", **BY_AGENT)


def come_back_by_the_box(unit: Unit, reports: Reports) -> None:
    paid = next(one for one in case_book.promises(unit.session, reports.stranger.case) if puts_right(one))
    payment_came_back(unit, reports.stranger.case, promise=paid.id, reference="RETURN 1", **BY_AGENT)


PAIRS: list[tuple[Begin, Move, Move]] = [
    (nothing_chosen, choose_refund, choose_phone),
    (nothing_chosen, choose_refund, choose_refund_by_the_box),
    (awarded_soon, accept, choose_refund_by_the_box),
    (box_joins, choose_refund, join),
    (box_first, choose_refund, pay_by_the_box),
    (box_paid, choose_phone, come_back_by_the_box),
    (box_paid, come_back_by_the_box, come_back_by_the_box),
    (box_aside, take_back, take_back),
    (box_aside, take_back, choose_phone),
    (box_aside_joins, take_back, join),
    (box_aside, take_back, sweep),
    (box_aside, find, sweep),
]


def or_refused(move: Move, reports: Reports) -> Act:
    """A move that may come too late; what is refused changes nothing."""

    def attempt(unit: Unit) -> None:
        with suppress(Conflict, Rejected):
            move(unit, reports)

    return attempt


@pytest.mark.parametrize("is_turned", [False, True])
@pytest.mark.parametrize(("begin", "one", "other"), PAIRS)
def test_an_order_is_put_right_once_whoever_moves_its_reports_at_one_moment(
    reports: Reports, begin: Begin, one: Move, other: Move, *, is_turned: bool
) -> None:
    begin(reports)
    first, second = (other, one) if is_turned else (one, other)
    meanwhile(reports.world, or_refused(first, reports), or_refused(second, reports))
    for opened in reports.all:
        act(reports.world, sweep_case, opened, asked=CASES)
    held = [promise for opened in reports.all for promise in promises(reports.world, opened).values()]
    given = [each for each in held if puts_right(each) and not each.came_back]
    assert len([each for each in given if is_owed(each) or each.state == "kept"]) == 1, held
