"""The code that opens a lock without a network: issued to one person of the front line, or to the customer, at once.

Whoever gets a code gets a release: the order is let go in the same unit, so that no hello brings the lock back. What
the holder reads out may name the lock (`12345678 3.17`); without it the newest lock that the handset has shown counts,
or else the newest that was signed. It works for every handset that was ever registered, with an order or without one,
and for as long as the handset exists. A handset counts wrong answers itself; the service bounds how many it gives, and
tells people who gives many. A customer who asks for one has the handset, and had it locked, also where the order is
over.
"""

from collections.abc import Collection

from custody.kernel.clock import DAY_MS, HOUR_MS
from custody.kernel.errors import NotFound, Rejected
from custody.store.unit import Unit
from devicelock import store, watch_store
from devicelock.rules.alert_kind import AlertKind
from devicelock.rules.applied import Applied, Pair
from devicelock.rules.command import Basis, Op, Reason, open_command
from devicelock.rules.order import LockRole
from devicelock.rules.unlock_code import derive_key, lock_number, read_challenge, unlock_code
from devicelock.store import DeviceRow
from devicelock.usecases.alert import raise_alert
from devicelock.usecases.hold_locks import hold_handsets
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.release import find_wrong, release
from devicelock.usecases.request_lock import OPEN
from devicelock.watch_store import CodeRow

CODES_PER_HOUR = 10
"""So many codes one who asks is given for a handset within an hour: more than a person mistypes, fewer than a guesser
wants. Who asks is a case, or a member of staff, so that nobody uses up what somebody else may have."""

MANY_CODES = 20
"""So many codes by one person within a day are worth a look; none of them waits for it."""


def issue_code(
    unit: Unit,
    office: LockOffice,
    *,
    name: str,
    challenge: str,
    actor: str,
    role: LockRole,
    case: str | None = None,
    orders: Collection[str] | None = None,
) -> str:
    """The eight digits that answer what the lock screen shows; whatever lock the handset has is released.

    `case`: the customer's, from whose page it is asked for. `orders`: those for which who asks can speak; None is every
    one of the handset.
    """
    read = read_challenge(challenge)
    hold_handsets(unit, office, [name])
    device = store.device(unit.session, name)
    accounts = office.accounts_of(unit.session, actor) if case is None else [case]
    given = watch_store.codes_since(unit.session, name, accounts, unit.now_ms - HOUR_MS)
    if given >= CODES_PER_HOUR:
        raise Rejected(
            "too_many",
            f"you were given {given} codes for this handset within an hour",
            fix="Wait an hour. The unlock is also on its way over the network, and needs no code.",
            retry_after_s=HOUR_MS // 1000,
        )
    pair = read.pair or _pair_of(unit, office, device)
    answer = unlock_code(derive_key(office.codes, name), read.digits, pair=pair)
    idx = unit.record("code.issued", {"device": name, "actor": actor, "lock": lock_number(pair)})
    unit.session.add(CodeRow(device=name, actor=case or actor, at_ms=unit.now_ms, idx=idx))
    basis = Basis.CUSTOMER if role is LockRole.CUSTOMER else Basis.ONE_PERSON
    reason = Reason.FOUND_BY_CUSTOMER if role is LockRole.CUSTOMER else Reason.RELEASED_BY_STAFF
    for order in store.orders_of_device(unit.session, name, OPEN):
        if orders is None or order.id in orders:
            release(unit, office, name=order.id, actor=actor, role=role, reason=reason, basis=basis)
    newest = store.newest_command(unit.session, name, Op.LOCK)
    if role is LockRole.CUSTOMER and newest is not None and (orders is None or newest.order in orders):
        find_wrong(unit, office, store.order(unit.session, newest.order))
    unit.session.flush()
    count = watch_store.codes_by_since(unit.session, accounts, unit.now_ms - DAY_MS)
    if role is not LockRole.CUSTOMER and count >= MANY_CODES:
        detail = f"{actor} has given out {count} unlock codes within a day."
        raise_alert(unit, AlertKind.MANY_CODES, about=office.key_of(unit.session, actor), detail=detail)
    return answer


def _pair_of(unit: Unit, office: LockOffice, device: DeviceRow) -> Pair:
    """The pair of the lock that the handset has shown, or else of the newest one that was signed for it."""
    seen = store.desired(device).seen
    if seen is not None and seen.applied is Applied.LOCKED:
        return seen.pair
    newest = store.newest_command(unit.session, device.device, Op.LOCK)
    if newest is None or office.signers.lock is None:
        raise NotFound(
            "lock",
            "no lock of this handset is known here",
            fix="Read the number of the lock off the screen too, after the digits; it looks like 3.17.",
        )
    return open_command(newest.raw, office.keys).pair
