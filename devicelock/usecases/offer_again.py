"""Asking again at every connect: what went to us while we were away may be gone, and nobody tells.

A broker that keeps no sessions, such as the embedded one after a restart, drops the commands that waited in it, and
takes an answer or a hello while we are not subscribed yet, and drops that. One that keeps ours drops what it has held
for a day, or beyond its thousand. We do not go by which of them it says it is: connection or process may end after it
has said so, and before anybody was asked. The handset has said its word and waits; so once our subscriptions stand the
newest command of a handset is offered again:

- **to every handset that has not shown what is wished of it**, whatever its order has come to meanwhile: a lock, a
  release that was decided before its lock was known to have arrived, a retirement, which has no order. A lock that may
  not be signed now is not: the kill switch is on, or the handset was retired;
- **to every handset that is shown as locked**: it may have released itself since, and the hello that said so is gone.

They are the very bytes, so that nothing new is decided. A handset that has applied them says so once more; one that has
released itself since says hello.
"""

from custody.store.unit import Unit
from devicelock import store
from devicelock.rules.command import Op, open_command
from devicelock.rules.desired import Standing, standing
from devicelock.rules.order import State
from devicelock.store import CommandRow
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.sign import queue

ACTIVE = (State.ACTIVE_PROVISIONAL, State.ACTIVE_CONFIRMED)
ASKED = frozenset({Standing.SENT, Standing.LOCKED})


def offer_again(unit: Unit, office: LockOffice) -> int:
    """Put the very bytes of every command that is to be offered again into the outbox; returns how many."""
    keys, session = office.keys, unit.session
    stopped, offered = store.switched_on(session, store.KILL_SWITCH), 0
    for name in sorted({*store.devices_in(session, ACTIVE), *store.devices_unanswered(session)}):
        row = store.device(session, name)
        wished = store.desired(row)
        shown = standing(wished)
        if wished.issued is None or shown not in ASKED:
            continue
        if wished.issued.op is Op.LOCK and shown is Standing.SENT and (stopped or office.anchor.of(name).retired):
            continue
        command = session.get_one(CommandRow, wished.issued.command_id)
        queue(unit, row, open_command(command.raw, keys), command.raw)
        offered += 1
    return offered
