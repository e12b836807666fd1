"""Signing in, at whichever door: wrong passwords cost tries, of the account and of the address they come from.

Ten tries at one account and then one every ten seconds; a hundred from one address and then one a second, for a call
centre may have a single one. A right password gives its tries back. An account that does not exist is treated the
same. The counts are each process's own, in memory.
"""

from fastapi import Request

from api import accounts
from api.parts import Parts
from api.token_bucket import TokenBuckets

_at_account = TokenBuckets(per_s=1 / 10, burst=10)
_from_address = TokenBuckets(per_s=1.0, burst=100)
LONGEST = 100


def sign_in(request: Request, parts: Parts, *, account: str, password: str) -> str:
    """A session token; raises `Rejected("unauthenticated")`, or `Rejected("too_many")` before it looks."""
    address = request.client.host if request.client else ""
    _from_address.take(address)
    _at_account.take(account[:LONGEST])
    with parts.house.unit() as unit:
        hours = parts.settings.session_hours
        token = accounts.sign_in(unit.session, name=account, password=password, now_ms=unit.now_ms, hours=hours)
    _from_address.give_back(address)
    _at_account.give_back(account[:LONGEST])
    return token
