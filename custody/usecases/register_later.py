"""Registering a statement later (SCRAPI, draft-ietf-scitt-scrapi-11: 202, then 204, then 200).

`accept` looks at the form and makes the statement durable; from then on it survives a crash, and its location lasts.
`settle` registers what waits, by the same policy as at once, in the order of arrival. A crash between registering and
dropping the row changes nothing: a statement is in the log once, however often it is registered. What was refused is
told for a week, and of very many the newest: the door is open to all.
"""

from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Rejected, Trouble, Unavailable
from custody.scans.tolerances import Tolerances
from custody.store import registration_book
from custody.store.unit import House
from custody.usecases.register_statement import read_statement, register

MAX_WAITING = 10_000
AT_ONCE = 100
TOLD_MS = 7 * DAY_MS
MAX_TOLD = 10_000


def accept(house: House, statement: bytes) -> bytes:
    """The digest of a statement that is durable now and registered later; raises `Rejected` or `Unavailable`."""
    message = read_statement(statement)
    with house.unit() as unit:
        if registration_book.count_waiting(unit.session) >= MAX_WAITING:
            raise Unavailable("busy", "too many statements wait to be registered", fix="Send the same bytes later.")
        registration_book.wait(unit.session, message, at_ms=unit.now_ms)
    return message.digest


def settle(house: House, tolerances: Tolerances) -> int:
    """Register or refuse what waits, up to a hundred; returns how many were settled. Raises `Unavailable`."""
    with house.read() as session:
        rows = registration_book.waiting(session, AT_ONCE)
    for name, statement in rows:
        refusal: Trouble | None = None
        try:
            register(house, statement, tolerances)
        except Rejected as error:
            refusal = error
        with house.unit() as unit:
            if refusal is None:
                registration_book.drop(unit.session, name)
            else:
                registration_book.refuse(unit.session, name, code=refusal.code, detail=refusal.detail)
            registration_book.forget(unit.session, before_ms=unit.now_ms - TOLD_MS, most=MAX_TOLD)
    return len(rows)
