"""Whom the service cannot reach: its broker, and witnesses of its log. People are told once each time.

Without the broker no lock and no release leaves, and without its witnesses the log has nobody's word but our own; yet
all else goes on, and nobody would notice until a handset or an auditor is waited for. A short break tells nobody.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import structlog

from api.parts import Parts, broker_address
from api.process.witnesses import Desk
from custody.store.unit import Unit
from devicelock.rules.alert_kind import AlertKind
from devicelock.usecases.alert import raise_alert

BROKER_S = 60.0
WITNESS_S = 600.0
"""So long is a witness away before anybody is told: scans do not wait for it, and it may be restarted."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Somebody outside: what is wrong just now, or nothing, and after how many seconds of that people are told."""

    kind: AlertKind
    after_s: float
    trouble: Callable[[], str]
    means: str

    def told(self, name: str, trouble: str, away_s: float) -> Callable[[Unit], None]:
        """The act that tells people."""
        detail = f"For {round(away_s)} seconds {name} has not been reached: {trouble}. {self.means}"
        return partial(raise_alert, kind=self.kind, about=name, detail=detail)


def contacts(parts: Parts, *, is_connected: Callable[[], bool]) -> dict[str, Contact]:
    """The broker and the witnesses of a service; `is_connected`: whether the broker has our connection."""
    host, port = broker_address(parts)
    broker = Contact(
        kind=AlertKind.BROKER_AWAY,
        after_s=BROKER_S,
        trouble=lambda: "" if is_connected() else "there is no connection",
        means="No lock and no release reaches a handset until it is back: see that it runs and knows our certificate.",
    )
    found = {f"the broker at {host}:{port}": broker}
    for desk in parts.witnesses.desks if parts.witnesses else ():
        found[f"the witness {', '.join(desk.keys)}"] = Contact(
            kind=AlertKind.WITNESS_AWAY,
            after_s=WITNESS_S,
            trouble=_trouble_of(desk),
            means="Nobody but us vouches for what is new in the log: ask who runs it. If it answered 422, it has seen "
            "another past of this log; stop and find out why.",
        )
    return found


def _trouble_of(desk: Desk) -> Callable[[], str]:
    """What is wrong with a witness whenever that is asked."""
    return lambda: desk.trouble


class LostContact:
    """Looks again and again whom the service cannot reach; seconds are counted, whatever the clock says."""

    def __init__(self, contacts: Mapping[str, Contact], *, count_s: Callable[[], float] = time.monotonic) -> None:
        self._contacts, self._count_s = contacts, count_s
        self._since: dict[str, float] = {}
        self._rung: set[str] = set()

    def look(self, attempt: Callable[[Callable[[Unit], None]], bool]) -> None:
        """Tell people of each that is away for too long; `attempt` tells whether the act was carried out."""
        now_s = self._count_s()
        for name, contact in self._contacts.items():
            trouble = contact.trouble()
            if not trouble:
                self._since.pop(name, None)
                if name in self._rung:
                    self._rung.discard(name)
                    log.warning("it is reached again", who=name)
                continue
            away_s = now_s - self._since.setdefault(name, now_s)
            if away_s >= contact.after_s and name not in self._rung and attempt(contact.told(name, trouble, away_s)):
                self._rung.add(name)
