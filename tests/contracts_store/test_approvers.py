"""Who may approve what somebody asks for: never they themselves, nor anybody behind both while there is another."""

import pytest

from api.people import persons
from api.people.tables import AccountRow
from custody.store.unit import House

FIRST = "first start"


def account(
    house: House, name: str, *, role: str = "supervisor", person: str = "", by: str = FIRST, away: bool = False
) -> None:
    with house.unit() as unit:
        unit.session.add(
            AccountRow(
                name=name,
                person=person or f"person of {name}",
                role=role,
                password_hash="",
                created_by=by,
                created_ms=1,
                active=True,
                away_ms=1 if away else None,
            )
        )


def named(house: House, asker: str) -> list[str]:
    with house.read() as session:
        return persons.approvers(session, asker)


def allowed(house: House, asker: str) -> set[str]:
    with house.read() as session:
        return set(persons.may_approve(session, asker))


def test_nobody_approves_what_they_asked_for_by_any_of_their_accounts(house: House) -> None:
    account(house, "ada")
    account(house, "ada-2", person=" Person of ADA")
    account(house, "bo")
    assert (named(house, "person of ada"), allowed(house, "person of ada")) == (["bo"], {"bo"})


def test_nobody_approves_through_an_account_that_they_made_while_somebody_is_apart(house: House) -> None:
    account(house, "ada")
    account(house, "sam", role="agent", by="ada")
    account(house, "bo", by="ada")
    account(house, "cy")
    assert allowed(house, "person of sam") == {"cy"}


def test_where_one_person_made_every_account_it_is_another_person_all_the_same(house: House) -> None:
    account(house, "ada")
    account(house, "bo", by="ada")
    account(house, "sam", role="agent", by="ada")
    assert allowed(house, "person of sam") == {"ada", "bo"}
    assert allowed(house, "person of ada") == {"bo"}


def test_who_is_away_is_named_if_everybody_is_and_may_answer_all_the_same(house: House) -> None:
    account(house, "ada", away=True)
    account(house, "bo")
    account(house, "sam", role="agent")
    assert (named(house, "person of sam"), allowed(house, "person of sam")) == (["bo"], {"ada", "bo"})
    assert named(house, "person of bo") == ["ada"]


@pytest.mark.parametrize("asker", ["person of ada", "nobody we know"])
def test_where_nobody_else_is_there_the_duty_team_is_named(house: House, asker: str) -> None:
    if asker == "person of ada":
        account(house, "ada")
    assert (named(house, asker), allowed(house, asker)) == ([persons.DUTY_TEAM], set())
