"""The web application: routes, errors, and what starts and stops with it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
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
from custody.store import log_reader

ROUTERS = (people, stations, log, trails, disputes, customer, locks, investigations, packs, scrapi, erasures)
DESCRIPTION = "Signed parcel custody, remedy first, a lock for the missing handset, and the weak link named."


def build_app(parts: Parts) -> FastAPI:
    """The application around the parts; broker, relay, intake and timer run while it does."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if parts.broker is not None:
            parts.broker.start()
        transport, relay = connect(parts)
        witnesses = [parts.witnesses] if parts.witnesses else []
        parts.house.after_commit = call_each(relay.poke, parts.heads.poke, *(each.poke for each in witnesses))
        timer = Timer(parts)
        parts.heads.start()
        parts.intake.start()
        transport.start()
        relay.start()
        timer.start()
        for each in witnesses:
            each.start()
        yield
        for each in witnesses:
            each.stop()
        timer.stop()
        relay.stop()
        transport.stop()
        parts.intake.stop()
        parts.heads.stop()
        if parts.broker is not None:
            parts.broker.stop()
        parts.engine.dispose()  # SQLite then brings what stands beside the database file into it

    app = FastAPI(
        title="weaklink", version="0.1.0", description=DESCRIPTION, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.parts = parts
    app.add_middleware(IdempotencyKeys, parts=parts)
    app.add_middleware(JsonBodies, parts=parts)
    app.add_middleware(ScanDoor, parts=parts)
    problems.install(app)
    for module in ROUTERS:
        app.include_router(module.router)
    pages.install(app)

    @app.get("/healthz", tags=["health"])
    def health() -> dict[str, Any]:
        """Whether the service can read its log."""
        with parts.house.read() as session:
            return {"ok": True, "size": log_reader.head(session).size}

    return app


def call_each(*calls: Callable[[], None]) -> Callable[[], None]:
    """One call that makes all of these, in order."""

    def call() -> None:
        for each in calls:
            each()

    return call
