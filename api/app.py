"""The web application: routes, errors, and what starts and stops with it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from socket import socket
from typing import Any

from fastapi import Depends, FastAPI

from api.compose import connect, instance, kept_outside
from api.http import problems
from api.http.body_limits import MOST_FIELDS, MOST_FILES, BodyLimits
from api.http.exact_query import check_query
from api.http.head_requests import HeadRequests
from api.http.idempotency import IdempotencyKeys
from api.http.json_bodies import JsonBodies
from api.http.kept_by_nobody import KeptByNobody
from api.http.openapi import TAGS, complete
from api.http.plain_cookies import PlainCookies
from api.http.sendable_text import check_text
from api.pages import install as pages
from api.parts import Parts
from api.process.clock_mark import CLOCKS, ClockMark
from api.process.registrations import Registrations
from api.process.witnesses import Witnesses
from api.process.workers import Workers, tell_first
from api.rounds.clock_watch import last_up_ms
from api.rounds.late_records import LateRecords
from api.rounds.lost_contact import LostContact, contacts
from api.rounds.timer import Timer
from api.routes import (
    attestations,
    backends,
    casework_policy,
    customer,
    customer_collection,
    customer_people,
    dispute_reading,
    disputes,
    doubt,
    eir,
    erasures,
    handsets,
    held_charges,
    inquiry_steps,
    investigations,
    lessons,
    lock_watch,
    locks,
    log,
    log_policy,
    log_shards,
    measures,
    overturned,
    packs,
    people,
    referrals,
    reports,
    scan_proofs,
    scrapi,
    sign_on,
    standing_authority,
    stations,
    trails,
    verifiers,
    viewings,
)
from api.routes.scan_paths import PATHS
from api.routes.scans import ScanDoor
from api.version import VERSION
from custody.kernel.poked_thread import PokedThread
from custody.store import log_reader
from custody.store.engine import is_sqlite
from custody.store.write_ahead import page_copier
from devicelock import part_store
from devicelock.usecases.carry_parts import Carrier

ROUTERS = (  # each is asked in turn whether a request is its own: those that somebody waits at come first
    lock_watch,
    locks,
    standing_authority,
    people,
    stations,
    log,
    log_policy,
    log_shards,
    scan_proofs,
    trails,
    reports,
    disputes,
    doubt,
    dispute_reading,
    held_charges,
    referrals,
    customer,
    customer_collection,
    customer_people,
    handsets,
    backends,
    investigations,
    inquiry_steps,
    packs,
    overturned,
    lessons,
    scrapi,
    erasures,
    measures,
    casework_policy,
    verifiers,
    attestations,
    viewings,
    sign_on,
)
DESCRIPTION = "Signed parcel custody, remedy first, a lock for the missing handset, and the weak link named."


def build_app(parts: Parts, *, workers: Workers | None = None, first: socket | None = None) -> ScanDoor:
    """The application around the parts.

    The first process of a service runs broker, relay, timer and `workers` beside it; one of those workers has a line to
    the `first` process instead.
    """
    if first is not None:
        tell_first(parts.house, first)
    app = Application(
        title="weaklink",
        version=VERSION,
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_tags=TAGS,
        servers=[{"url": "/"}],
        lifespan=lambda _app: lead(parts, workers) if first is None else follow(parts),
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(check_text), Depends(check_query)],
        form_limits={"max_fields": MOST_FIELDS, "max_files": MOST_FILES},
    )
    app.state.parts = parts
    app.add_middleware(IdempotencyKeys, parts=parts)
    app.add_middleware(JsonBodies)
    app.add_middleware(BodyLimits, parts=parts)
    app.add_middleware(HeadRequests)
    app.add_middleware(KeptByNobody)
    app.add_middleware(PlainCookies)
    problems.install(app)
    for module in ROUTERS:
        app.include_router(module.router)
    imei_list = parts.backends.eir
    if imei_list is not None:
        guards = [backends.Operator]
        app.include_router(eir.build_router(lambda: imei_list.entries, parts.clock, dependencies=guards))
    pages.install(app)

    @app.get("/healthz", tags=["health"])
    def health() -> dict[str, Any]:
        """Whether the service can read its log, now; `writes`: whether what this process wrote last was taken."""
        with parts.house.read() as session:
            return {"ok": True, "writes": parts.house.writes, "size": log_reader.size_now(session)}

    return ScanDoor(app, parts=parts)


class Application(FastAPI):
    """The application, whose OpenAPI document tells of everything that its doors answer."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        made = self.openapi_schema is not None
        document = super().openapi()
        return document if made else complete(document, unseen=PATHS)


@asynccontextmanager
async def lead(parts: Parts, workers: Workers | None) -> AsyncIterator[None]:
    """What the first process of a service runs beside its doors."""
    if parts.broker is not None:
        parts.broker.start()
        parts.broker.keep()
    transport, relay = connect(parts)
    beside = threads_beside(parts)
    parts.house.after_commit = call_each(parts.heads.thread.poke, *(each.poke for each in beside))
    parts.house.after_post = relay.thread.poke
    service = instance(parts.settings.data, parts.ids)
    mark = ClockMark(kept_outside(parts.settings) / CLOCKS / f"{service}.txt")
    with parts.house.read() as session:
        up_ms = last_up_ms(session, mark)
    lost = LostContact(contacts(parts, is_connected=lambda: transport.ready))
    late = LateRecords(parts.house, parts.locks, own=parts.settings.own_prefixes)
    timer = Timer(parts, up_ms=up_ms, service=service, mark=mark, lost=lost, late_records=late)
    parts.heads.keep_now()
    parts.heads.thread.start()
    parts.intake.start()
    parts.viewings.thread.start()
    transport.start()
    relay.thread.start()
    timer.start()
    for each in beside:
        each.start()
    if workers is not None:
        workers.start()
    yield
    if workers is not None:
        workers.stop()
    for each in beside:
        each.stop()
    timer.stop()
    relay.thread.stop()
    transport.stop()
    parts.viewings.thread.stop()
    parts.intake.stop()
    parts.heads.thread.stop()
    if parts.broker is not None:
        parts.broker.stop()
    parts.backends.close()
    parts.engine.dispose()  # SQLite then brings what stands beside the database file into it


@asynccontextmanager
async def follow(parts: Parts) -> AsyncIterator[None]:
    """What any other process runs beside its doors."""
    parts.intake.start()
    parts.viewings.thread.start()
    yield
    parts.viewings.thread.stop()
    parts.intake.stop()
    parts.backends.close()
    parts.engine.dispose()


def threads_beside(parts: Parts) -> list[PokedThread | Witnesses]:
    """What registers statements later, and where there is work for them the others."""
    return [
        Registrations(parts.house).thread,
        *([parts.witnesses] if parts.witnesses else []),
        *([Carrier(parts.locks, parts.backends.on, holder=parts.ids.new("carrier")).thread] if carries(parts) else []),
        *([page_copier(parts.engine)] if is_sqlite(parts.engine) else []),
    ]


def carries(parts: Parts) -> bool:
    """Whether there is anything to carry to other lock systems, or to tell of one that was switched off in between."""
    if parts.backends.on or parts.locks.anchor.held():
        return True
    with parts.house.read() as session:
        return bool(part_store.parts_unfinished(session, limit=1))


def call_each(*calls: Callable[[], None]) -> Callable[[], None]:
    """One call that makes all of these, in order."""

    def call() -> None:
        for each in calls:
            each()

    return call
