"""The web application: routes, errors, and what starts and stops with it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from socket import socket
from typing import Any

from fastapi import FastAPI

from api import problems
from api.compose import connect
from api.idempotency import IdempotencyKeys
from api.json_bodies import JsonBodies
from api.pages import install as pages
from api.parts import Parts
from api.routes import (
    customer,
    disputes,
    erasures,
    investigations,
    locks,
    log,
    packs,
    people,
    scrapi,
    stations,
    trails,
)
from api.routes.scans import ScanDoor
from api.timer import Timer
from api.witnesses import Witnesses
from api.workers import Workers, tell_first
from custody.store import log_reader

ROUTERS = (people, stations, log, trails, disputes, customer, locks, investigations, packs, scrapi, erasures)
DESCRIPTION = "Signed parcel custody, remedy first, a lock for the missing handset, and the weak link named."


def build_app(parts: Parts, *, workers: Workers | None = None, first: socket | None = None) -> ScanDoor:
    """The application around the parts.

    The first process of a service runs broker, relay, timer and `workers` beside it; one of those workers has a line to
    the `first` process instead.
    """

    @asynccontextmanager
    async def lead(_app: FastAPI) -> AsyncIterator[None]:
        if parts.broker is not None:
            parts.broker.start()
        transport, relay = connect(parts)
        witnesses = [parts.witnesses] if parts.witnesses else []
        parts.house.after_commit = call_each(parts.heads.poke, *(each.poke for each in witnesses))
        parts.house.after_post = relay.poke
        beside: list[Witnesses | Workers] = [*witnesses, *([workers] if workers else [])]
        timer = Timer(parts)
        parts.heads.start()
        parts.intake.start()
        transport.start()
        relay.start()
        timer.start()
        for each in beside:
            each.start()
        yield
        for each in reversed(beside):
            each.stop()
        timer.stop()
        relay.stop()
        transport.stop()
        parts.intake.stop()
        parts.heads.stop()
        if parts.broker is not None:
            parts.broker.stop()
        parts.engine.dispose()  # SQLite then brings what stands beside the database file into it

    @asynccontextmanager
    async def follow(_app: FastAPI) -> AsyncIterator[None]:
        parts.intake.start()
        yield
        parts.intake.stop()
        parts.engine.dispose()

    if first is not None:
        tell_first(parts.house, first)
    lifespan = lead if first is None else follow
    app = FastAPI(
        title="weaklink", version="0.1.0", description=DESCRIPTION, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.parts = parts
    app.add_middleware(IdempotencyKeys, parts=parts)
    app.add_middleware(JsonBodies, parts=parts)
    problems.install(app)
    for module in ROUTERS:
        app.include_router(module.router)
    pages.install(app)

    @app.get("/healthz", tags=["health"])
    def health() -> dict[str, Any]:
        """Whether the service can read its log."""
        with parts.house.read() as session:
            return {"ok": True, "size": log_reader.head(session).size}

    return ScanDoor(app, parts=parts)


def call_each(*calls: Callable[[], None]) -> Callable[[], None]:
    """One call that makes all of these, in order."""

    def call() -> None:
        for each in calls:
            each()

    return call
