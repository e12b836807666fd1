"""Writing down who of ours saw which case, at each door that shows one.

A thief of an account, or a colleague, who reads on from case to case is found out: whoever sees very many within a day
rings, and those who decide read who saw what. A database that takes nothing keeps nobody from reading: the service's
log has it then.
"""

import structlog

from api.act_alerts import tell_of_cases
from api.parts import Parts
from api.people import viewings
from api.people.accounts import Caller
from custody.kernel.errors import Unavailable

log = structlog.get_logger()


def note_viewing(parts: Parts, caller: Caller, dispute: str) -> None:
    """Write down that somebody sees a case that there is; once a day."""
    with parts.house.read() as session:
        if viewings.is_noted(session, dispute, caller.account, now_ms=parts.clock.now_ms()):
            return
    try:
        with parts.house.unit() as unit:
            viewings.note(unit.session, dispute, caller.account, now_ms=unit.now_ms)
            tell_of_cases(unit, parts.locks, account=caller.account)
    except Unavailable as error:
        log.warning("a viewing was not written down", case=dispute, account=caller.account, code=error.code)
