"""Starting the service: `weaklink serve`."""

import logging
import sys

import structlog
import uvicorn

from api.app import build_app
from api.compose import compose, free_port
from api.settings import Settings
from custody.kernel.errors import Trouble

GRACE_S = 3


def serve(settings: Settings, *, quiet: bool = False) -> None:
    """Compose the service and run it until it is told to stop."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING if quiet else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    port = settings.port or free_port()
    settings = settings.model_copy(update={"port": port})
    try:
        parts, passwords = compose(settings)
    except Trouble as trouble:
        print(f"weaklink does not start: {trouble.detail}\n{trouble.fix}", file=sys.stderr, flush=True)
        raise SystemExit(1) from trouble
    app = build_app(parts)
    address = f"http://{settings.host}:{port}"
    print(f"weaklink is at {address}  (API: {address}/docs, data: {settings.data})", flush=True)
    if passwords:
        print("Local accounts, shown this once:", flush=True)
        for name, password in passwords.items():
            print(f"  {name:16} {password}", flush=True)
    uvicorn.run(
        app,
        host=settings.host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE_S,
    )
