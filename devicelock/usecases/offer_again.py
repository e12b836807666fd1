"""Asking again at every connect: what went to us while we were away may be gone, and nobody tells.

A broker that keeps no sessions, such as the embedded one after a restart, drops the commands that waited in it, and
takes an answer or a hello while we are not subscribed yet, and drops that. One that keeps ours drops what it has held
for a day, or beyond its thousand. We do not go by which of them it says it is: connection or process may end after it
has said so, and before anybody was asked. The handset has said its word and waits; so once our subscriptions stand the
newest command of a handset is offered again:

- **to every handset that has not shown what is wished of it**, whatever its order has come to meanwhile: a lock, a
  release that was decided before its lock was known to have arrived, a retirement, which has no order. A lock that may
  not be signed now is not, which is asked with every check;
- **to every handset that is shown as locked**: it may have released itself since, and the hello that said so is gone.

They are the very bytes, so that nothing new is decided. A handset that has applied them says so once more; one that has
released itself since says hello.
"""

from custody.store.unit import Unit
from devicelock import store
from devicelock.rules.command import Op, open_command
from devicelock.rules.desired import ShownState, shown_state
from devicelock.rules.order import OrderState
from devicelock.store import CommandRow, DeviceRow, LockOrderRow
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.sign import queue
from devicelock.usecases.sign_again import hold_unanswered, send_lock_again

ACTIVE = (OrderState.ACTIVE_PROVISIONAL, OrderState.ACTIVE_CONFIRMED)
ASKED = frozenset({ShownState.SENT, ShownState.LOCKED})


def offer_again(unit: Unit, office: LockOffice) -> int:
    """Put the very bytes of every command that is to be offered again into the outbox; returns how many."""
    session = unit.session
    names = {*store.devices_in(session, ACTIVE), *store.devices_unanswered(session)}
    unanswered = {device.device: order for order, device in hold_unanswered(unit, devices=names)}
    rows = [store.device(session, name) for name in sorted(names)]
    return sum(_offer(unit, office, device, unanswered.get(device.device)) for device in rows)


def _offer(unit: Unit, office: LockOffice, device: DeviceRow, order: LockOrderRow | None) -> bool:
    desired = store.desired(device)
    shown = shown_state(desired)
    if desired.issued is None or shown not in ASKED:
        return False
    command = unit.session.get_one(CommandRow, desired.issued.command_id)
    if desired.issued.op is Op.LOCK and shown is ShownState.SENT:
        return order is not None and send_lock_again(unit, office, order, device, command.raw)
    queue(unit, device, open_command(command.raw, office.keys), command.raw)
    return True
