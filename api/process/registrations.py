"""The thread that registers what was accepted to be registered later (`custody.usecases.register_later`)."""

import structlog

from custody.kernel.errors import Trouble
from custody.kernel.poked_thread import PokedThread
from custody.scans.tolerances import Tolerances
from custody.store.unit import House
from custody.usecases.register_later import settle

EVERY_S = 0.2
AGAIN_S = 2.0
LOOK_EVERY_S = 5.0

log = structlog.get_logger()


class Registrations:
    """Registers what waits; what still does when its thread stops is registered after the next start."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.thread = PokedThread(self._register, name="registrations", idle_s=LOOK_EVERY_S)

    def _register(self) -> float:
        try:
            while not self.thread.ending and settle(self._house, Tolerances()):
                pass
        except Trouble as trouble:
            log.warning("statements wait longer to be registered", code=trouble.code, detail=trouble.detail)
        except Exception:  # nobody else would register them any more
            log.exception("registering failed and will be tried again")
        else:
            return EVERY_S
        self.thread.poke()
        return AGAIN_S
