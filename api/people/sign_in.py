"""Signing in, at whichever door: wrong passwords cost tries, of the account and of the address they come from.

From one address, or network of IPv6 (`client_network.py`), ten tries at one account and then one every ten seconds, and
a hundred at all accounts and then one a second, for a call centre may have a single address. At one account a hundred
tries from all addresses and then one every ten seconds; those do not count where its owner has signed in before, so
that a guesser elsewhere keeps nobody out of their account. A browser in which that account was signed in to before has
ten tries of its own and then one every ten seconds, whoever guesses beside it (`known_browser.py`); so has a program
that keeps cookies. A right password gives its tries back. An account that does not exist is treated the same. The
counts are each process's own, in memory.

Each look at a password takes 64 MiB, all cores and a tenth of a second, by design, so few are looked at at once: else a
hundred short requests took gigabytes of memory, and every thread that answers others. Whoever is known by their browser
has turns of their own, beside those of all who are not.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal

from fastapi import Request, Response

from api.parts import Parts
from api.people import accounts
from api.people.accounts import Caller
from api.people.auth import is_secure, token_of
from api.people.client_network import network_of
from api.people.known_browser import COOKIE, DAYS, make_mark, read_mark
from api.people.token_bucket import TokenBuckets
from api.people.turns import Turns
from api.process.open_id import Identity
from custody.kernel.clock import DAY_MS, SECOND_MS
from custody.kernel.errors import Unavailable

LONGEST = 100
MAX_PLACES = 10_000
"""So many places are remembered at which an account was signed in to, the latest ones."""

AT_ONCE, IN_LINE, OF_ONE = 2, 8, 4
"""Of passwords: so many are looked at, so many more wait; and so many of one client, together."""


def password_turns() -> Turns:
    """Turns in which passwords are looked at."""
    busy = "many people are signing in at this moment"
    return Turns(at_once=AT_ONCE, in_line=IN_LINE, of_one=OF_ONE, busy=busy, again_s=1)


class Tries:
    """The tries that are left."""

    def __init__(self, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._from_address = TokenBuckets(per_s=1.0, burst=100, now_s=now_s)
        self._at_place = TokenBuckets(per_s=1 / 10, burst=10, now_s=now_s)
        self._at_account = TokenBuckets(per_s=1 / 10, burst=100, now_s=now_s)
        self._in_browser = TokenBuckets(per_s=1 / 10, burst=10, now_s=now_s)
        self._guard = threading.Lock()
        self._places: OrderedDict[str, None] = OrderedDict()

    def take(self, *, account: str, address: str, browser: str = "") -> None:
        """One try, in a browser of which the account is known or elsewhere; raises `Rejected("too_many")`."""
        if browser:
            self._in_browser.take(_place(account, browser))
            return
        self._from_address.take(address)
        self._at_place.take(_place(account, address))
        if not self._is_known(account, address):
            self._at_account.take(account)

    def take_of(self, address: str) -> None:
        """One try of an address, at no account; raises `Rejected("too_many")`."""
        self._from_address.take(address)

    def give_back_to(self, address: str) -> None:
        """The try of an address does not count."""
        self._from_address.give_back(address)

    def give_back(self, *, account: str, address: str, browser: str = "") -> None:
        """The password was right: the try does not count, and the account is known to be used there."""
        if browser:
            self._in_browser.give_back(_place(account, browser))
            return
        self._from_address.give_back(address)
        self._at_place.give_back(_place(account, address))
        if not self._is_known(account, address):
            self._at_account.give_back(account)
        with self._guard:
            self._places[_place(account, address)] = None
            self._places.move_to_end(_place(account, address))
            while len(self._places) > MAX_PLACES:
                self._places.popitem(last=False)

    def _is_known(self, account: str, address: str) -> bool:
        with self._guard:
            return _place(account, address) in self._places


_tries = Tries()
_turns, _known_turns = password_turns(), password_turns()


def sign_in(request: Request, parts: Parts, *, account: str, password: str) -> str:
    """A session token; raises `Rejected("unauthenticated")`, or `Rejected("too_many")` before it looks."""
    with _turn(request, parts, account), _one_try(request, parts, account):
        held = _hash_of(parts, account)
        accounts.check_password(held, password)
        with parts.house.unit() as unit:
            hours = parts.settings.session_hours
            return accounts.sign_in(unit.session, name=account, held=held, now_ms=unit.now_ms, hours=hours)


def change_password(request: Request, parts: Parts, caller: Caller, *, old: str, new: str) -> None:
    """As `accounts.change_password`; a wrong old one costs a try, as at signing in."""
    with _turn(request, parts, caller.account), _one_try(request, parts, caller.account):
        accounts.check_new(new)
        held = _hash_of(parts, caller.account)
        accounts.check_own(held, old)
        made = accounts.hash_new(new)
        with parts.house.unit() as unit:
            token = token_of(request)
            accounts.change_password(unit.session, caller, held=held, password_hash=made, token=token)


def sign_on(request: Request, parts: Parts, said: Callable[[], Identity]) -> str:
    """A session token for whoever has signed in at the provider; raises as `said` does, and `accounts.sign_in_as`.

    There is nothing to guess at this door, and all come by it: only the address that a failed try came from has one
    less, and none if it was the provider that failed.
    """
    address = network_of(request)
    _tries.take_of(address)
    try:
        they = said()
    except Unavailable:
        _tries.give_back_to(address)
        raise
    with parts.house.unit() as unit:
        token = accounts.sign_in_as(unit.session, they, now_ms=unit.now_ms, hours=parts.settings.session_hours)
    _tries.give_back_to(address)
    return token


def link(request: Request, parts: Parts, caller: Caller, *, password: str, said: Callable[[], Identity]) -> None:
    """As `accounts.link`, and an entry of the log; a wrong password costs a try, as at signing in."""
    with _one_try(request, parts, caller.account):
        held = _hash_of(parts, caller.account)
        with _turn(request, parts, caller.account):
            accounts.check_own(held, password)
        they = said()
        with parts.house.unit() as unit:
            accounts.link(unit.session, caller, held=held, they=they, token=token_of(request))
            unit.record("account.linked", {"name": caller.account, "by": caller.account})


def _hash_of(parts: Parts, account: str) -> str:
    with parts.house.read() as session:
        return accounts.hash_of(session, account, sign_on=parts.sign_on is not None)


def _turn(request: Request, parts: Parts, account: str) -> AbstractContextManager[None]:
    """A turn in which a password is looked at; raises `Rejected("too_many")`."""
    browser = _browser(request, parts, account)
    return _known_turns.turn(browser) if browser else _turns.turn(network_of(request))


def _browser(request: Request, parts: Parts, account: str) -> str:
    return read_mark(parts.keyring.browsers, account, request.cookies.get(COOKIE, ""))


@contextmanager
def _one_try(request: Request, parts: Parts, account: str) -> Iterator[None]:
    """One try, which is given back unless it fails; raises `Rejected("too_many")` if there is none."""
    address, browser = network_of(request), _browser(request, parts, account)
    _tries.take(account=account[:LONGEST], address=address, browser=browser)
    yield
    _tries.give_back(account=account[:LONGEST], address=address, browser=browser)


def keep(
    answer: Response,
    request: Request,
    name: str,
    value: str,
    *,
    max_age_s: int,
    samesite: Literal["strict", "lax"] = "strict",
) -> None:
    """Let a browser keep a cookie that scripts cannot read and other sites cannot use, but to lead here if `lax`."""
    secure = is_secure(request)
    answer.set_cookie(name, value, max_age=max_age_s, path="/", secure=secure, httponly=True, samesite=samesite)


def let_go(answer: Response, request: Request, name: str) -> None:
    """Let a browser forget a cookie."""
    answer.delete_cookie(name, path="/", secure=is_secure(request), httponly=True, samesite="strict")


def keep_mark(answer: Response, request: Request, parts: Parts, *, account: str) -> None:
    """Give its mark to the browser, or other client with cookies, in which the account was signed in to just now."""
    secret = parts.keyring.browsers
    if not read_mark(secret, account, request.cookies.get(COOKIE, "")):
        mark = make_mark(secret, account, nonce=parts.ids.random_bytes(16))
        keep(answer, request, COOKIE, mark, max_age_s=DAYS * DAY_MS // SECOND_MS)


def _place(account: str, where: str) -> str:
    return f"{where} {account}"
