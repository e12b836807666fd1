"""Alerts: what people must look at. Raised in the unit that brings it about, so that none is lost and none is made up.

One thing raises one alert of a kind until somebody has looked at it. An alert holds nothing back and lets nothing
through; caps, pauses and switches do that by themselves.
"""

from enum import StrEnum

import structlog
from sqlalchemy import select
from sqlmodel import col

from custody.kernel.errors import NotFound
from custody.store.unit import Unit
from devicelock.watch_store import AlertRow

log = structlog.get_logger()


class AlertKind(StrEnum):
    """What happened. The list is closed."""

    ASKS_REACHED = "asks_reached"
    CAP_REACHED = "cap_reached"
    GROUP_PAUSED = "group_paused"
    WRONG_LOCK = "wrong_lock"
    LOCKS_STOPPED = "locks_stopped"
    MANY_RELEASES = "many_releases"
    MANY_CODES = "many_codes"
    RELEASE_OVERDUE = "release_overdue"
    RELEASED_UNCONFIRMED = "released_unconfirmed"
    LOCKED_ON_OWN_SIM = "locked_on_own_sim"
    HOLDER_SPOKE = "holder_spoke"
    BACKEND_FAILED = "backend_failed"
    WRONG_REFERENCE = "wrong_reference"


def raise_alert(unit: Unit, kind: AlertKind, *, about: str, detail: str) -> None:
    """Raise an alert about something, unless one of the kind waits to be looked at."""
    waiting = (col(AlertRow.about) == about, col(AlertRow.kind) == kind, col(AlertRow.seen_ms).is_(None))
    if unit.session.scalars(select(col(AlertRow.id)).where(*waiting).limit(1)).first() is not None:
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


def look_at_alert(unit: Unit, *, alert: str, person: str) -> AlertRow:
    """Somebody has looked at it; from then on the same thing raises a new alert."""
    row = unit.session.get(AlertRow, alert)
    if row is None:
        raise NotFound("alert", f"there is no alert {alert!r}", fix="List them with GET /v1/alerts.")
    if row.seen_ms is None:
        row.seen_by, row.seen_ms = person, unit.now_ms
        unit.session.add(row)
        unit.record("alert.seen", {"alert": alert, "person": person})
    return row
