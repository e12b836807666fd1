"""Alerts: what people must look at. Raised in the unit that brings it about, so that none is lost and none is made up.

One thing raises one alert of a kind until somebody has looked at it: whether one waits is asked with the log claimed,
so that nobody else raises one, or looks at it, meanwhile. An alert holds nothing back and lets nothing through; caps,
pauses and switches do that by themselves. Whoever it is about does not look at it alone.
"""

import structlog

from custody.kernel.errors import NotFound
from custody.store.unit import Unit
from devicelock import watch_store
from devicelock.rules.alert_kind import AlertKind
from devicelock.rules.authority import refuse_unless_apart
from devicelock.rules.caps import account_of
from devicelock.usecases.lock_office import LockOffice
from devicelock.watch_store import AlertRow

log = structlog.get_logger()


def raise_alert(unit: Unit, kind: AlertKind, *, about: str, detail: str) -> None:
    """Raise an alert about something, unless one of the kind waits to be looked at."""
    unit.log.claim()
    if watch_store.waits_to_be_seen(unit.session, kind, about):
        return
    name = unit.ids.new("alert")
    idx = unit.record("alert.raised", {"alert": name, "alert_kind": str(kind), "about": about, "detail": detail})
    unit.session.add(
        AlertRow(
            id=name,
            kind=kind,
            about=about,
            detail=detail,
            raised_ms=unit.now_ms,
            idx=idx,
            seen_by=None,
            seen_ms=None,
        )
    )
    log.warning("alert", kind=str(kind), about=about, detail=detail)


def act_of(account: str, of: str) -> str:
    """What an alert of an act is about: of which account, and of which thing. A group of locks is named so too.

    Behind the last colon stands the thing (`account_of`), so it has none itself.
    """
    return f"account:{account}:{of.replace(':', '-')}"


ABOUT_A_PERSON = frozenset(
    {
        AlertKind.ASKS_REACHED,
        AlertKind.MANY_RELEASES,
        AlertKind.MANY_CODES,
        AlertKind.MANY_LINKS,
        AlertKind.MANY_CASES,
        AlertKind.MANY_ERASURES,
        AlertKind.TRUST_CHANGED,
        AlertKind.SUM_TOLD,
    }
)


def look_at_alert(unit: Unit, office: LockOffice, *, alert: str, account: str) -> AlertRow:
    """Somebody has looked at it; from then on the same thing raises a new alert. `Forbidden` for whom it is about."""
    unit.log.claim()
    row = unit.session.get(AlertRow, alert)
    if row is None:
        raise NotFound("alert", f"there is no alert {alert!r}", fix="List them with GET /v1/alerts.")
    if row.seen_ms is None:
        who, about = office.person(unit.session, account), _person_of(unit, office, row)
        looker = frozenset({account}) if who is None else who.line | {who.person}
        if about is not None:
            behind = office.behind(unit.session, about)
            refuse_unless_apart(behind, looker, what="act and look at the alert about it", ask="somebody else, and")
        row.seen_by, row.seen_ms = office.key_of(unit.session, account), unit.now_ms
        unit.session.add(row)
        unit.record("alert.seen", {"alert": alert, "person": row.seen_by})
    return row


def _person_of(unit: Unit, office: LockOffice, row: AlertRow) -> str | None:
    """Whom an alert is about; None where it is about a lock, a handset, a case or a policy."""
    if row.kind in ABOUT_A_PERSON:
        return row.about
    account = account_of(row.about)
    return None if account is None else office.key_of(unit.session, account)
