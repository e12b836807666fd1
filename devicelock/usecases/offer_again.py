"""Asking again after the broker has forgotten us: what went to us while we were away from a new broker is gone.

A broker that keeps no sessions, such as the embedded one after a restart, takes an answer or a hello while we are not
subscribed yet, and drops it. The handset has said its word and waits; so once our subscriptions stand the newest
command of every order without an answer is offered again. A handset that has applied it says so once more.
"""

from custody.store.unit import Unit
from devicelock import store
from devicelock.rules.command import KeyRing, open_command
from devicelock.rules.order import State
from devicelock.store import CommandRow
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.sign import queue

UNANSWERED = (State.QUEUED, State.RELEASE_QUEUED)


def offer_again(unit: Unit, office: LockOffice) -> int:
    """Put the very bytes of every unanswered command into the outbox; returns how many."""
    signers = office.signers
    keys = KeyRing(lock=signers.lock.public if signers.lock else None, unlock=signers.unlock.public)
    offered = 0
    for order in store.orders_in(unit.session, UNANSWERED):
        row = store.device(unit.session, order.device)
        issued = store.desired(row).issued
        command = unit.session.get(CommandRow, issued.command_id) if issued is not None else None
        if command is not None and command.order == order.id and command.acked_ms is None:
            queue(unit, row, open_command(command.raw, keys), command.raw)
            offered += 1
    return offered
