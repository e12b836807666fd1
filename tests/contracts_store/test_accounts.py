"""The last supervisor cannot go, also where two close each other at one moment."""

import pytest

from api.people.accounts import close_account, every_account, first_accounts
from custody.kernel.errors import Conflict, NotFound
from custody.store.unit import House
from tests.contracts_store.test_races import race, told_in_plain_words

SUPERVISORS = ("supervisor-1", "supervisor-2")


@pytest.fixture
def staffed(house: House) -> House:
    """A house with its first accounts."""
    with house.unit() as unit:
        first_accounts(unit.session, now_ms=unit.now_ms)
    return house


def active(house: House) -> set[str]:
    """Whose accounts are open."""
    with house.read() as session:
        return {row.name for row in every_account(session) if row.active}


def test_the_last_supervisor_stays_and_an_unknown_account_is_none(staffed: House) -> None:
    with staffed.unit() as unit:
        assert close_account(unit.session, "supervisor-1")
        assert not close_account(unit.session, "supervisor-1")
        with pytest.raises(Conflict, match="last supervisor"):
            close_account(unit.session, "supervisor-2")
        with pytest.raises(NotFound, match="no account"):
            close_account(unit.session, "supervisor-3")
    assert active(staffed) == {"agent-1", "agent-2", "investigator-1", "supervisor-2"}


def test_of_two_supervisors_who_close_each_other_one_stays(staffed: House, other: House) -> None:
    told_in_plain_words(race(staffed, other, lambda unit, place: close_account(unit.session, SUPERVISORS[place])))
    assert len(active(staffed) & set(SUPERVISORS)) == 1
