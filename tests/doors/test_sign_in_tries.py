"""Whose tries a guesser uses up: never those of whoever signs in elsewhere."""

import pytest

from api.people.known_browser import make_mark, read_mark
from api.people.sign_in import Tries
from custody.kernel.errors import Rejected


class Watch:
    """A clock that stands still until a test moves it."""

    at_s = 0.0

    def now_s(self) -> float:
        return self.at_s


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def tries(watch: Watch) -> Tries:
    return Tries(now_s=watch.now_s)


def guess(
    tries: Tries, *, account: str = "agent-1", address: str = "203.0.113.1", browser: str = "", at_most: int = 300
) -> int:
    """How many wrong passwords are looked at before one must wait."""
    for count in range(at_most):
        try:
            tries.take(account=account, address=address, browser=browser)
        except Rejected:
            return count
    return at_most


def enter(tries: Tries, *, account: str = "agent-1", address: str = "198.51.100.7") -> None:
    """The owner signs in."""
    tries.take(account=account, address=address)
    tries.give_back(account=account, address=address)


def test_a_guesser_keeps_an_owner_out_only_where_the_guesser_is(tries: Tries) -> None:
    assert guess(tries) == 10
    enter(tries)
    with pytest.raises(Rejected):
        enter(tries, address="203.0.113.1")


def test_many_guessers_at_one_account_share_a_hundred_tries_and_keep_its_owner_out_nowhere_they_were_before(
    tries: Tries,
) -> None:
    enter(tries)
    assert sum(guess(tries, address=f"203.0.113.{number}") for number in range(50)) == 100
    for _ in range(20):
        enter(tries)
    with pytest.raises(Rejected):
        enter(tries, address="192.0.2.9")
    enter(tries, account="agent-2", address="192.0.2.9")


def test_tries_come_back_slowly(tries: Tries, watch: Watch) -> None:
    assert guess(tries) == 10
    watch.at_s = 20.0
    assert guess(tries) == 2


def test_one_address_has_a_hundred_tries_at_all_accounts(tries: Tries) -> None:
    assert sum(guess(tries, account=f"agent-{number}", at_most=10) for number in range(20)) == 100


def test_a_browser_in_which_the_owner_signed_in_has_tries_of_its_own_wherever_the_guesser_is(tries: Tries) -> None:
    assert guess(tries) == 10
    assert guess(tries, browser="one") == 10
    assert guess(tries, browser="another") == 10
    assert guess(tries, account="agent-2", browser="one") == 10


def test_a_mark_is_of_one_account_and_of_nobody_elses_making() -> None:
    secret, mark = b"s" * 32, make_mark(b"s" * 32, "agent-1", nonce=b"n" * 16)
    assert read_mark(secret, "agent-1", mark) == (b"n" * 16).hex()
    for account, sent in (("agent-2", mark), ("agent-1", mark[:-1] + ("0" if mark[-1] != "0" else "1"))):
        assert read_mark(secret, account, sent) == ""
    for sent in ("", ".", "é.é", "00" * 16, "." + mark.partition(".")[2]):
        assert read_mark(secret, "agent-1", sent) == ""
    assert read_mark(b"t" * 32, "agent-1", mark) == ""
