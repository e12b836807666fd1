"""Starting the service: `weaklink serve`."""

import gc
import json
import logging
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial

import structlog
import uvicorn

from api.addresses import http_address
from api.app import build_app
from api.cli.listen import ctrl_c_waits, listen
from api.compose import compose, free_port, instance, join, kept_outside
from api.http.protocol import Protocol
from api.parts import Parts
from api.people.accounts import first_accounts
from api.process.connections import Accepted, Handed, Server
from api.process.data_folder import hold_broker, hold_folder
from api.process.one_anchor import ANCHOR
from api.process.workers import Workers, tell_full, tell_ready
from api.routes.scans import ScanDoor
from api.settings import Settings

log = structlog.get_logger()

GRACE_S = 3
COLLECT_AFTER = 20_000
"""How many new containers start a search for garbage. A group of scans makes some thousands, and next to no cycles."""


def serve(settings: Settings, *, quiet: bool = False, as_json: bool = False) -> None:
    """Compose the service and run it until it is told to stop; raises `Trouble` if it cannot start."""
    settings = settings.model_copy(update={"port": settings.port or free_port()})
    with (
        listen(settings.host, settings.port) as door,
        hold_folder(settings.data),
        hold_broker(kept_outside(settings) / ANCHOR, embedded=not settings.mqtt_host) as broker_lock,
    ):
        speak(logging.WARNING if quiet else logging.INFO)
        parts = compose(settings, broker_lock=broker_lock)
        if settings.mqtt_host and not settings.public_url:  # the handsets are elsewhere
            log.warning("lock screens name an address of this machine", address=settings.address, set="public_url")
        if settings.public_url and settings.support_phone == Settings.model_fields["support_phone"].default:
            log.warning("customers and lock screens are given a number that is not yours", set="support_phone")
        shared = settings.model_copy(update={"embedded_mqtt_port": parts.broker.port if parts.broker else 0})
        workers = Workers(shared, work, parts.house)
        app = build_app(parts, workers=workers)
        address = http_address(settings.host, settings.port)
        with ctrl_c_waits() as pressed:
            with parts.house.unit() as unit:  # accounts of which nobody was told the passwords are not made
                _tell(address, settings, first_accounts(unit.session, now_ms=unit.now_ms), as_json=as_json)
            with _begun(parts):
                Server(configure(app, settings), Accepted(door, deal=workers.deal), told_to_stop=pressed).run()


@contextmanager
def _begun(parts: Parts) -> Iterator[None]:
    """What may fail of the application's start, before the web server: that would end in a trace, and tell no fix."""
    parts.heads.keep_now()
    instance(parts.settings.data, parts.ids)
    if parts.broker is None:
        yield
        return
    try:
        parts.broker.start()
        yield
    finally:
        parts.broker.stop()


def _tell(address: str, settings: Settings, passwords: Mapping[str, str], *, as_json: bool) -> None:
    if as_json:
        told = {"address": address, "api": f"{address}/docs", "data": str(settings.data), "accounts": dict(passwords)}
        print(json.dumps(told), flush=True)
        return
    print(f"weaklink is at {address}  (API: {address}/docs, data: {settings.data})", flush=True)
    if passwords:
        print("Local accounts, shown this once:", flush=True)
        for name, password in passwords.items():
            print(f"  {name:16} {password}", flush=True)


def work(settings: Settings, line: socket.socket) -> None:
    """Run one of the further processes of a service until the first one, at the other end of the line, is gone."""
    speak(logging.INFO)
    source = Handed(line, ready=partial(tell_ready, line), full=partial(tell_full, line))
    Server(configure(build_app(join(settings), first=line), settings), source).run()


def configure(app: ScanDoor, settings: Settings) -> uvicorn.Config:
    """How the web server of a process serves; nobody is whoever they say, but by the proxies that are trusted."""
    config = uvicorn.Config(
        app,
        http=partial(Protocol, short_way=app.short_way),  # type: ignore[arg-type]  # it is called, like a class
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE_S,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
    )
    gc.collect()
    gc.freeze()  # what stands now stays to the end: it need not be searched again and again
    gc.set_threshold(COLLECT_AFTER)
    return config


class Lines(structlog.PrintLogger):
    """Lines on a stream; one that cannot be written, on a full disk or to a reader who has gone, say, is let go.

    Else the thread that tells what went wrong would end with it, and nobody would take scans in or let locks lapse.
    """

    def msg(self, message: str) -> None:
        """Write a line if that can be done."""
        with suppress(OSError, ValueError):
            super().msg(message)

    log = debug = info = warn = warning = fatal = failure = err = error = critical = exception = msg


def speak(level: int) -> None:
    """Write lines from a level on to standard error; a trace tells where it was, and not what was in hand."""
    threshold = structlog.make_filtering_bound_logger(level)
    *processors, _ = structlog.get_config()["processors"]
    colours = sys.stderr.isatty()  # a journal or a file would hold the signs for them
    lines = structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)
    out = Lines(sys.stderr)
    structlog.configure(processors=[*processors, lines], wrapper_class=threshold, logger_factory=lambda *_names: out)
