"""The lock orders of a case with their signed commands and answers, as an evidence pack has them."""

from sqlmodel import Session

from custody.investigation.pack.locks import LockCommand, LockFile, LockHistory, LockKeys
from devicelock import store, watch_store
from devicelock.store import LockOrderRow
from devicelock.usecases.hear import key_of
from devicelock.usecases.lock_office import LockOffice


def lock_file(session: Session, office: LockOffice, dispute: str) -> LockFile:
    """Every lock order of a case with its signed commands and answers, for the evidence pack."""
    orders = store.orders_of_dispute(session, dispute)
    public = office.signers
    keys = LockKeys(lock=public.lock.public if public.lock else None, unlock=public.unlock.public)
    return LockFile(keys=keys if orders else LockKeys(), orders=tuple(_history(session, row) for row in orders))


def _history(session: Session, order: LockOrderRow) -> LockHistory:
    device = store.device(session, order.device)
    commands = tuple(
        LockCommand(raw=row.raw, issued_ms=row.issued_ms, ack=row.ack, acked_ms=row.acked_ms)
        for row in store.commands_of(session, order.id)
    )
    steps = [event.idx for event in store.events_of(session, order.id)]
    seen = [sighting.idx for sighting in watch_store.sightings_of(session, order.device)]
    return LockHistory(
        order=order.id,
        state=order.state,
        device=order.device,
        device_key=key_of(device),
        commands=commands,
        indexes=(device.registered_idx, *seen, *steps),
    )
