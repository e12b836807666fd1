"""Standing authority for provisional locks: proposed by one person, put in force by another, an entry of the log.

A new one ends the one before. Any one supervisor may withdraw it, or throw the kill switch: then no LOCK is signed,
while releases go on. Once that is over, the locks that it held back are signed in the same unit.
"""

from collections.abc import Callable

import msgspec

from custody.kernel.errors import Conflict, Forbidden, NotFound
from custody.store.unit import Unit
from devicelock import put_off_store
from devicelock.authority_store import KILL_SWITCH, AuthorityRow, SwitchRow
from devicelock.rules.alert_kind import AlertKind
from devicelock.rules.authority import refuse_unless_apart
from devicelock.rules.caps import KillSwitch, disengage, engage
from devicelock.rules.lock_facts import STANDING_CLAIMS
from devicelock.rules.order import LockRole
from devicelock.usecases.alert import raise_alert
from devicelock.usecases.lock_office import LockOffice
from devicelock.usecases.sign_again import hold_unanswered, sign_unanswered

SUPERVISORS = frozenset({LockRole.SUPERVISOR})
PutInForce = Callable[[Unit, dict[str, object]], int]


def propose(unit: Unit, *, person: str) -> AuthorityRow:
    """One person proposes to allow provisional locks for the three claims in which the customer holds no device."""
    rules = {"provisional_lock": {"claims": sorted(STANDING_CLAIMS), "hours": 72}}
    row = AuthorityRow(
        id=unit.ids.new("auth"),
        rules=msgspec.json.encode(rules).decode(),
        proposer=person,
        approver=None,
        proposed_ms=unit.now_ms,
        in_force_idx=None,
        withdrawn=False,
    )
    unit.session.add(row)
    unit.record("authority.proposed", {"authority": row.id, "person": person, "rules": rules})
    return row


def approve(unit: Unit, office: LockOffice, *, authority: str, person: str, put_in_force: PutInForce) -> AuthorityRow:
    """Another person approves; the policy version that follows names both and is an entry of the log.

    Both are supervisors here at this moment; raises `Forbidden("role")` if one has left meanwhile.
    """
    row = unit.session.get(AuthorityRow, authority)
    if row is None:
        raise NotFound("authority", f"there is no proposal {authority!r}", fix="List them with GET /v1/authority.")
    if row.in_force_idx is not None or row.withdrawn:
        raise Conflict("authority", "the proposal was decided already", fix="Propose anew.")
    first, second = (office.behind(unit.session, name) for name in (row.proposer, person))
    refuse_unless_apart(first, second, what="propose an authority and put it in force", ask="another supervisor")
    for name in (row.proposer, person):
        if not office.is_in_role(unit.session, name, SUPERVISORS):
            raise Forbidden(
                "role", f"{name} is no supervisor here now", fix="Have two who are propose and approve anew."
            )
    unanswered = hold_unanswered(unit)
    row.approver = person
    rules = msgspec.json.decode(row.rules)
    rules["provisional_lock"] |= {"authority": row.id, "people": sorted([row.proposer, person])}
    row.in_force_idx = put_in_force(unit, rules)
    unit.session.add(row)
    sign_unanswered(unit, office, unanswered)
    put_off_store.look_now(unit.session, unit.now_ms)
    return row


def withdraw(unit: Unit, *, authority: str, person: str) -> AuthorityRow:
    """One person withdraws it; nothing more is locked under it."""
    row = unit.session.get(AuthorityRow, authority)
    if row is None:
        raise NotFound("authority", f"there is no proposal {authority!r}", fix="List them with GET /v1/authority.")
    row.withdrawn = True
    unit.session.add(row)
    unit.record("authority.withdrawn", {"authority": row.id, "person": person})
    return row


def people_of(switch: SwitchRow) -> list[str]:
    """Who threw a switch: everybody who has while it was on, a line each. No name of a person has a line break."""
    return switch.thrown_by.split("\n")


def throw_switch(unit: Unit, office: LockOffice, *, on: bool, person: str, why: str) -> SwitchRow:
    """Stop all locking at once (one person), or allow it again (another person than anybody who stopped it)."""
    unanswered = [] if on else hold_unanswered(unit)
    unit.log.claim()  # whoever throws it at the same moment waits here, and is read by who comes after
    row = unit.session.get(SwitchRow, KILL_SWITCH, populate_existing=True)
    if row is None:
        row = SwitchRow(name=KILL_SWITCH, on=False, thrown_by=person, at_ms=unit.now_ms)
    stopped_by = people_of(row) if row.on else []
    if on:
        engage(by=person, at_ms=unit.now_ms, why=why)
        raise_alert(unit, AlertKind.LOCKS_STOPPED, about=KILL_SWITCH, detail=f"All locking is stopped: {why}")
    for name in [] if on else stopped_by:
        first, second = (office.behind(unit.session, each) for each in (name, person))
        refuse_unless_apart(first, second, what="stop all locking and start it again", ask="another supervisor")
        disengage(KillSwitch(on=True, by=name), first=name, second=person, at_ms=unit.now_ms)
    row.thrown_by = "\n".join(dict.fromkeys([*stopped_by, person])) if on else person
    row.on, row.at_ms = on, row.at_ms if on and stopped_by else unit.now_ms
    unit.session.add(row)
    unit.record("switch.thrown", {"switch": row.name, "on": on, "person": person, "why": why})
    sign_unanswered(unit, office, unanswered)
    if not on:
        put_off_store.look_now(unit.session, unit.now_ms)
    return row
