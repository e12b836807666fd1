"""The thread that registers what was accepted to be registered later (`custody.usecases.register_later`)."""

import threading

import structlog

from custody.kernel.errors import Trouble
from custody.scans.tolerances import Tolerances
from custody.store.unit import House
from custody.usecases.register_later import settle

EVERY_S = 0.2
AGAIN_S = 2.0
LOOK_EVERY_S = 5.0

log = structlog.get_logger()


class Registrations:
    """Registers what waits; `poke` says that something may have come."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="registrations", daemon=True)

    def start(self) -> None:
        """Start with what waited when the service last ended."""
        self._wake.set()
        self._thread.start()

    def stop(self) -> None:
        """Stop; what still waits is registered after the next start."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()

    def poke(self) -> None:
        """Something may have come; never blocks."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(LOOK_EVERY_S)
            self._wake.clear()
            pause_s = EVERY_S
            try:
                while not self._stopping.is_set() and settle(self._house, Tolerances()):
                    pass
            except Trouble as trouble:
                log.warning("statements wait longer to be registered", code=trouble.code, detail=trouble.detail)
                pause_s = AGAIN_S
                self._wake.set()
            except Exception:  # nobody else would register them any more
                log.exception("registering failed and will be tried again")
                pause_s = AGAIN_S
                self._wake.set()
            self._stopping.wait(pause_s)
