"""A fresh link for the customer whose own was lost or seen by others; the old one opens nothing from that moment on.

The token is told once, to whoever asked for it, as when the case was opened; what is kept is its digest. Who asked, and
when, stands in the case and in the log. A case that was joined has its page where the other one is.
"""

from custody.disputes.machine import CaseRole
from custody.disputes.messages import say
from custody.kernel.errors import Conflict, Forbidden
from custody.store import case_book
from custody.store.unit import Unit
from custody.usecases.open_dispute import hash_token
from custody.usecases.write_move import write_move

SUPPORT = (CaseRole.AGENT, CaseRole.SUPERVISOR)


def renew_link(unit: Unit, dispute: str, *, actor: str, role: CaseRole) -> str:
    """The new token; raises `Forbidden` for who is not of support, or `Conflict` for a joined case."""
    if role not in SUPPORT:
        raise Forbidden("role", "only support makes a new link", fix=f"It takes one of: {', '.join(SUPPORT)}.")
    file = case_book.hold_one(unit, dispute)
    into = file.case.joined_into
    if into is not None:
        raise Conflict("joined", f"the case was joined into {into}", fix=f"Make a new link for {into}.")
    token = unit.ids.new("c")
    case_book.put_token(unit, dispute, hash_token(token))
    write_move(unit, file, file, "link_renewed", actor=actor, facts={}, said=[say("case.link_renewed")])
    return token
