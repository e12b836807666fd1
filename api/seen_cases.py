"""Writing down who of ours saw which case, at each door that shows one.

A thief of an account, or a colleague, who reads on from case to case is found out: whoever sees very many within a day
rings, and those who decide read who saw what. It is written beside the doors (`process/viewing_notes.py`): a database
that is busy, or takes nothing just now, keeps nobody from reading.
"""

from collections.abc import Sequence

from api.act_alerts import CASES, tell_of_many
from api.parts import Parts
from api.people import viewings
from api.people.accounts import Caller
from api.process.viewing_notes import Seen
from custody.store.unit import Unit
from devicelock.usecases.lock_office import LockOffice


def note_viewing(parts: Parts, caller: Caller, dispute: str) -> None:
    """Somebody sees a case that there is; it is noted once a day."""
    with parts.house.read() as session:
        is_noted = viewings.is_noted(session, dispute, caller.account, now_ms=parts.clock.now_ms())
    if not is_noted:
        parts.viewings.note(dispute, caller.account)


def write_down(unit: Unit, seen: Sequence[Seen], *, office: LockOffice) -> None:
    """Write down what was seen, but for what stands there, and ring where it is very much."""
    fresh = [one for one in seen if not viewings.is_noted(unit.session, one.dispute, one.account, now_ms=one.at_ms)]
    for one in fresh:
        viewings.note(unit.session, one.dispute, one.account, now_ms=one.at_ms)
    for account in sorted({one.account for one in fresh}):
        tell_of_many(unit, office, CASES, account=account)
