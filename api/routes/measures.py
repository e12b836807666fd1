"""How well customers are treated, and whether the service can do its work: Prometheus' text format, version 0.0.4.

Each figure is counted from the rows as they are at that moment, so that no process has to be asked for its own.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlmodel import Session

from api.http.openapi import sent_as
from api.parts import Parts, parts_of
from api.people.auth import BEARER, by_token
from custody.kernel.clock import DAY_MS, SECOND_MS, Instant
from custody.kernel.errors import Forbidden
from custody.store import log_reader, outbox, witness_book
from custody.store.measure_book import WINDOW_DAYS, measure
from devicelock import authority_store, watch_store

router = APIRouter(tags=["health"])
P = Annotated[Parts, Depends(parts_of)]
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Figure = tuple[str, str, dict[str, float]]
"""Its name, what it says, and its values by label."""
LATELY = f"in the last {WINDOW_DAYS} days"


def reader(request: Request, parts: P, _bearer: Annotated[object, Depends(BEARER)]) -> None:
    """Let in a monitoring system, by the token of the settings, and supervisors by their session."""
    refused = Forbidden("role", "the measures are for supervisors", fix="Use the token of the setting metrics_token.")
    by_token(request, parts, parts.settings.metrics_token, refused=refused)


@router.get("/metrics", dependencies=[Depends(reader)], response_class=Response, responses={200: sent_as(MEDIA_TYPE)})
def metrics(parts: P) -> Response:
    """Asks a case, days on us, promises kept, declines overturned, locks released late; what waits, what is wrong."""
    now_ms = parts.clock.now_ms()
    with parts.house.read() as session:
        cases = measure(session, now_ms=now_ms)
        within_ms = parts.locks.release_clock_ms
        in_time, late = watch_store.releases_answered(
            session, since_ms=now_ms - WINDOW_DAYS * DAY_MS, within_ms=within_ms, now_ms=now_ms
        )
        service = _service(session, parts, now_ms=now_ms)
    figures: tuple[Figure, ...] = (
        ("cases", f"Cases opened {LATELY}.", {"": cases.opened}),
        ("asks", "What their customers were asked for.", {"": cases.asks}),
        ("open_cases", "Cases that are open.", {"": cases.open}),
        (
            "open_case_on_us_seconds",
            "How long open cases have waited on us since the first word, together.",
            {"": cases.on_us_ms // SECOND_MS},
        ),
        (
            "promises",
            f"Promises due {LATELY} or later, by what became of them.",
            {
                'outcome="kept"': cases.kept,
                'outcome="kept_late"': cases.kept_late,
                'outcome="missed"': cases.missed,
            },
        ),
        ("declines", "Cases of that time that were declined.", {"": cases.declined}),
        ("declines_overturned", "Those in which the customer was found right later.", {"": cases.overturned}),
        (
            "lock_releases",
            f"Locks let go {LATELY}: the handset was free within {within_ms // SECOND_MS} s, or not.",
            {'outcome="in_time"': in_time, 'outcome="late"': late},
        ),
        *service,
    )
    lines = []
    for name, says, values in figures:
        lines += [f"# HELP weaklink_{name} {says}", f"# TYPE weaklink_{name} gauge"]
        lines += [f"weaklink_{name}{f'{{{label}}}' if label else ''} {value}" for label, value in values.items()]
    return Response("\n".join([*lines, ""]), media_type=MEDIA_TYPE)


def _service(session: Session, parts: Parts, *, now_ms: Instant) -> tuple[Figure, ...]:
    """What somebody who is woken has to know; each is 0 while all is well, but for the sizes of the log."""
    waiting = outbox.waiting(session, now_ms=now_ms)
    stopped = authority_store.switched_on(session, authority_store.KILL_SWITCH)
    newest = witness_book.newest(session)
    size = log_reader.size_now(session)
    return (
        ("alerts", "Alerts that nobody has looked at yet.", {"": watch_store.count_unseen(session)}),
        ("locks_stopped", "1 while the kill switch stops all locking.", {"": int(stopped)}),
        ("writes_failing", "1 while the database takes no writes of this process.", {"": int(not parts.house.writes)}),
        ("messages_waiting", "Locks, releases and the like that have not left for the broker.", {"": waiting.messages}),
        (
            "message_waiting_seconds",
            "How long the oldest of them has waited.",
            {"": max(0, now_ms - waiting.since_ms) // SECOND_MS if waiting.messages else 0},
        ),
        ("log_entries", "Entries of the log.", {"": size}),
        (
            "log_entries_uncosigned",
            "Those of them that the quorum of witnesses has not cosigned yet; 0 without witnesses.",
            {"": size - (newest.size if newest else 0) if parts.witnesses else 0},
        ),
    )
