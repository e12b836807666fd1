"""What every lock system has been asked in an order, and what it has confirmed: our own agent first, then the others.

`desired` is what is wished, `applied` what the back-end has confirmed last (None is unknown), `last_seen_ms` when it
saw the handset. `open` says in a sentence why its release is not over.
"""

from dataclasses import dataclass

from sqlmodel import Session

from custody.kernel.clock import Instant
from devicelock import part_store, store
from devicelock.backends import agent
from devicelock.backends.contract import Held
from devicelock.part_store import PartRow
from devicelock.rules.ack import AckResult
from devicelock.rules.applied import Applied
from devicelock.rules.command import Op
from devicelock.store import CommandRow, LockOrderRow
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.settle_parts import missing

STATE_OF = {Op.LOCK: Applied.LOCKED, Op.UNLOCK: Applied.UNLOCKED, Op.RETIRE: Applied.RETIRED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One lock system's part."""

    backend: str
    handset: str
    desired: Applied
    applied: Applied | None
    last_seen_ms: Instant | None
    asked_ms: Instant | None = None
    tries: int = 0
    answer: str | None = None
    trouble: str | None = None
    open: str | None = None
    loud: bool = False


def show_parts(session: Session, office: LockOffice, order: LockOrderRow) -> list[Shown]:
    """Every lock system's part in an order."""
    commands = store.commands_of(session, order.id)
    ours = [_agent(session, order, commands[-1])] if commands else []
    return [*ours, *(show(row, office) for row in part_store.parts_of(session, order.id))]


def show(row: PartRow, office: LockOffice) -> Shown:
    """One back-end's part, in an order or in a retirement."""
    found = missing(row)
    sentence, loud = (None, False) if found is None else (found.detail, found.loud)
    if row.due_ms is not None and row.backend not in office.backends:
        sentence, loud = f"{row.backend} is not switched on; its part waits.", True
    return Shown(
        backend=row.backend,
        handset=row.handset,
        desired=Applied(row.wished),
        applied=None if row.applied is None else Applied(row.applied),
        last_seen_ms=row.seen_ms,
        asked_ms=row.at_ms,
        tries=row.tries,
        answer=row.answer,
        trouble=row.trouble,
        open=sentence,
        loud=loud,
    )


def _agent(session: Session, order: LockOrderRow, newest: CommandRow) -> Shown:
    """Our agent's part: its device's row while that is about this order, and afterwards the order's last command."""
    wished = store.desired(store.device(session, order.device, hold=False))
    if wished.order == order.id:
        held = agent.held(wished)
    else:
        applied = STATE_OF[Op(newest.op)] if newest.result == AckResult.APPLIED else None
        held = Held(desired=STATE_OF[Op(newest.op)], applied=applied, last_seen_ms=newest.acked_ms)
    waits = held.desired is not Applied.LOCKED and held.applied is Applied.LOCKED
    return Shown(
        backend=agent.NAME,
        handset=order.device,
        desired=held.desired,
        applied=held.applied,
        last_seen_ms=held.last_seen_ms,
        asked_ms=newest.issued_ms,
        answer=newest.result,
        open="agent still shows the handset locked." if waits else None,
    )
