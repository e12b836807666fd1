"""Who may lock.

**Lock by standing authority** (provisional, at most 72 hours): a policy version that two different people put in
force and that is an entry of the log; a claim it covers, in which the customer does not hold the device; and all
facts of the device below.

**Lock by two people** (asked for without such a dispute, confirmed beyond 72 hours, or an entry on an IMEI list):
requester and decider are two different people, never two logins of one; both are employed and in role now; neither
made the other's account, nor the account of whoever did, and no third person stands behind both: who can make accounts
could be all of them. No lock for a claim in which it is never fair (a defect, a missing charger, a leaver).
Evidence that the device is not with the customer, unless the claim itself says so and nothing beyond 72 hours is
asked. All facts of the device too.

**The facts of the device**, for both: the IMEI is tied by two independent records; it was not seen on the customer's
own SIM; it is not retired, its receipt is not confirmed, the customer is not leaving; if the account carries a
vulnerability flag a named specialist decides; the lock screen can show a contact and there is a way out; notice was
given if the customer is still served; the caps allow it; the kill switch is off.

**Release** takes one person of the front line, or the customer, and no proof: the table of the order (`order.py`) says
in which role, and nothing else is asked.

*Unknown counts as not ok for locking and as ok for unlocking.* Everything is asked again in the transaction that signs:
`authorise_lock` is called there, and only it makes the `Authority` that a lock rests on.
"""

from custody.kernel.clock import DAY_MS, HOUR_MS
from custody.kernel.errors import Forbidden
from devicelock.rules.command import Authority, Basis
from devicelock.rules.hello import SimClass
from devicelock.rules.lock_facts import NEVER_FAIR, STANDING_CLAIMS, LockFacts, LockKind, Person
from devicelock.rules.order import LockRole
from devicelock.rules.preflight import CheckName, CheckReason, Preflight, PreflightCheck, Ruling
from devicelock.rules.tie import TieState

PROVISIONAL_MS = 72 * HOUR_MS
HOLD_MS = {LockKind.PROVISIONAL: PROVISIONAL_MS, LockKind.REQUESTED: PROVISIONAL_MS, LockKind.CONFIRM: 90 * DAY_MS}
"""How long a lock of each kind holds before it lapses or is confirmed again."""

FRONT_LINE = frozenset({LockRole.AGENT, LockRole.INVESTIGATOR, LockRole.SUPERVISOR})
DECIDERS = frozenset({LockRole.INVESTIGATOR, LockRole.SUPERVISOR})
TWO_PEOPLE_FIX = "A person who is not the one who asked, and whose account was not made by the same hands."
PROPOSERS = {LockKind.REQUESTED: FRONT_LINE, LockKind.CONFIRM: DECIDERS, LockKind.IMEI_LIST: FRONT_LINE}


def preflight(facts: LockFacts) -> Preflight:
    """Every check of a lock of this kind, in a fixed order. A row that is false or unknown holds it back."""
    rows = _standing(facts) if facts.kind is LockKind.PROVISIONAL else _two_people(facts)
    rows += _device(facts)
    return Preflight(rows=rows, failing=tuple(row for row in rows if row.ok is not True))


def authorise_lock(facts: LockFacts, *, references: tuple[str, ...] = ()) -> Authority:
    """The authority for a lock; raises `Forbidden("preflight")` with every row that holds it back."""
    result = preflight(facts)
    if result.ruling is Ruling.REFUSED:
        raise _refused(result)
    if facts.kind is LockKind.PROVISIONAL and facts.policy is not None:
        decided = (f"decided-by:{facts.decider.person}",) if facts.decider is not None else ()
        return Authority(
            basis=Basis.STANDING_POLICY,
            text=f"Policy {facts.policy.version} allows a provisional lock for the claim {facts.claim}.",
            references=(f"policy:{facts.policy.version}", f"entry:{facts.policy.logged_as}", *decided, *references),
        )
    people = [person.person for person in (facts.requester, facts.decider) if person is not None]
    return Authority(
        basis=Basis.TWO_PEOPLE,
        text="One person asked for it and another decided it.",
        references=(f"asked-by:{people[0]}", f"decided-by:{people[1]}", *references),
    )


def refuse_unless_apart(one: frozenset[str], other: frozenset[str], *, what: str, ask: str) -> None:
    """Raise `Forbidden("four_eyes")` unless two people are two; each is given with all who stand behind the accounts.

    For acts that are not an order: putting an authority in force, starting the locks again, clearing a group. `what`
    nobody does alone, and `ask` says whom to ask.
    """
    if one & other:
        shared = ", ".join(sorted(one & other))
        raise Forbidden(
            "four_eyes",
            f"one person cannot {what}: {shared} stands behind both",
            fix=f"Ask {ask} whose account was not made by the same hands.",
        )


def _standing(facts: LockFacts) -> tuple[PreflightCheck, ...]:
    policy = facts.policy
    why = CheckReason.OK
    if policy is None:
        why = CheckReason.NO_POLICY
    elif len(policy.put_in_force_by) < 2:
        why = CheckReason.POLICY_ONE_PERSON
    elif policy.logged_as is None:
        why = CheckReason.POLICY_NOT_LOGGED
    covered = None if policy is None or facts.claim is None else facts.claim in policy.claims & STANDING_CLAIMS
    by_policy = "A policy version that two people put in force and that the log holds."
    return (
        _found(CheckName.POLICY_IN_FORCE, why, by_policy),
        _truth(CheckName.CLAIM_COVERED, covered, CheckReason.CLAIM_NOT_COVERED, "Two people, for another claim."),
    )


def _two_people(facts: LockFacts) -> tuple[PreflightCheck, ...]:
    claimed_away = facts.kind is LockKind.REQUESTED and facts.claim in STANDING_CLAIMS
    away = True if claimed_away else facts.not_with_customer
    return (
        _truth(CheckName.CLAIM_COVERED, facts.claim not in NEVER_FAIR, CheckReason.CLAIM_NOT_COVERED, "Nobody."),
        _found(
            CheckName.REQUESTER,
            _standing_of(facts.requester, PROPOSERS[facts.kind]),
            f"Somebody employed as one of: {_list(PROPOSERS[facts.kind])}.",
        ),
        _found(
            CheckName.DECIDER,
            _standing_of(facts.decider, DECIDERS),
            f"A second person employed as one of: {_list(DECIDERS)}.",
        ),
        _found(CheckName.TWO_PEOPLE, _apart(facts.requester, facts.decider), TWO_PEOPLE_FIX),
        _truth(
            CheckName.DEVICE_NOT_WITH_CUSTOMER,
            away,
            CheckReason.WITH_CUSTOMER,
            "A case in which the customer does not have it.",
        ),
    )


def _device(facts: LockFacts) -> tuple[PreflightCheck, ...]:
    limits = ", ".join(facts.held_back or ()) or "none"
    return (
        _found(CheckName.IMEI_TIED, _TIES[facts.tie], "Two records by different operators, devices and moments."),
        _truth(CheckName.NOT_ON_OWN_SIM, _not_own(facts.sim), CheckReason.ON_OWN_SIM, "Nobody: the customer has it."),
        _truth(CheckName.NOT_RETIRED, _not(facts.retired), CheckReason.RETIRED, "Nobody: retired is for ever."),
        _truth(
            CheckName.RECEIPT_NOT_CONFIRMED, _not(facts.receipt_confirmed), CheckReason.RECEIPT_CONFIRMED, "Nobody."
        ),
        _truth(CheckName.NOT_LEAVING, _not(facts.leaving), CheckReason.LEAVING, "Nobody: a leaver is never locked."),
        _found(CheckName.VULNERABILITY, _specialist(facts), "A named specialist who is not the one who asked."),
        _truth(
            CheckName.CONTACT_ON_SCREEN,
            facts.contact_on_screen,
            CheckReason.NO_CONTACT,
            "A client that shows a contact.",
        ),
        _truth(CheckName.WAY_OUT, facts.way_out, CheckReason.NO_WAY_OUT, "A client that can be unlocked offline."),
        _truth(
            CheckName.NOTICE,
            _notice(facts),
            CheckReason.NOTICE_MISSING,
            "Telling the customer, and the hour of which they were told.",
        ),
        _truth(
            CheckName.CAPS,
            None if facts.held_back is None else not facts.held_back,
            CheckReason.CAP_REACHED,
            f"Time; for a paused group a second person who has looked at it. Reached: {limits}.",
        ),
        _truth(CheckName.KILL_SWITCH, _not(facts.kill_switch_on), CheckReason.KILLED, "Two people turning it off."),
    )


_TIES = {
    None: CheckReason.UNKNOWN,
    TieState.TIED: CheckReason.OK,
    TieState.SINGLE: CheckReason.RECORDS_SINGLE,
    TieState.DISAGREE: CheckReason.RECORDS_DISAGREE,
    TieState.NONE: CheckReason.RECORDS_NONE,
}


def _standing_of(person: Person | None, roles: frozenset[LockRole]) -> CheckReason:
    if person is None:
        return CheckReason.NO_SUCH_PERSON
    if person.employed is not True:
        return CheckReason.UNKNOWN if person.employed is None else CheckReason.NOT_EMPLOYED
    return CheckReason.OK if person.roles & roles else CheckReason.NOT_IN_ROLE


def _apart(one: Person | None, other: Person | None) -> CheckReason:
    if one is None or other is None:
        return CheckReason.NO_SUCH_PERSON
    if one.person == other.person:
        return CheckReason.SAME_PERSON
    if one.person in other.line | {other.account_made_by} or other.person in one.line | {one.account_made_by}:
        return CheckReason.MADE_THE_OTHER
    if one.line & other.line:
        return CheckReason.SAME_MAKER
    return CheckReason.UNKNOWN if None in {one.account_made_by, other.account_made_by} else CheckReason.OK


def _specialist(facts: LockFacts) -> CheckReason:
    if facts.vulnerable is None:
        return CheckReason.UNKNOWN
    if not facts.vulnerable:
        return CheckReason.OK
    specialist, asked = facts.specialist, facts.requester
    if specialist is None or (asked is not None and asked.person == specialist.person):
        return CheckReason.NEEDS_SPECIALIST
    elsewhere = facts.decider is not None and facts.decider.person != specialist.person
    standing = _standing_of(specialist, FRONT_LINE)
    return CheckReason.NEEDS_SPECIALIST if standing is CheckReason.OK and elsewhere else standing


def _not_own(sim: SimClass | None) -> bool | None:
    return None if sim in {None, SimClass.UNKNOWN} else sim is not SimClass.OWN


def _notice(facts: LockFacts) -> bool | None:
    return True if facts.still_served is False or facts.notice_sent else _not(facts.still_served)


def _not(value: bool | None) -> bool | None:  # noqa: FBT001 - one fact of three values, negated
    return None if value is None else not value


def _list(roles: frozenset[LockRole]) -> str:
    return ", ".join(sorted(roles))


def _truth(
    name: CheckName,
    ok: bool | None,  # noqa: FBT001 - the three-valued fact is the point of the function
    otherwise: CheckReason,
    allowed_by: str,
) -> PreflightCheck:
    why = CheckReason.OK if ok else CheckReason.UNKNOWN if ok is None else otherwise
    return _found(name, why, allowed_by)


def _found(name: CheckName, why: CheckReason, allowed_by: str) -> PreflightCheck:
    ok = {CheckReason.OK: True, CheckReason.UNKNOWN: None}.get(why, False)
    return PreflightCheck(name=name, ok=ok, reason=why, allowed_by=allowed_by)


def _refused(result: Preflight) -> Forbidden:
    rows = result.failing
    return Forbidden(
        "preflight",
        f"no lock: {'; '.join(f'{row.name} is {row.reason}' for row in rows)}",
        fix=" ".join(f"{row.name}: {row.allowed_by}" for row in rows),
        rows=tuple((str(row.name), row.ok, str(row.reason), row.allowed_by) for row in rows),
    )
