"""The parts of a running service, put together once."""

from dataclasses import dataclass

from custody.usecases.accept_scans import Intake
from devicelock.usecases.lock_office import LockOffice
from fastapi import Request
from sqlalchemy import Engine

from api.keyring import Keyring
from api.settings import Settings
from custody.kernel.clock import Clock
from custody.kernel.ids import Ids
from custody.store.unit import House


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the doors hand to use cases."""

    settings: Settings
    clock: Clock
    ids: Ids
    keyring: Keyring
    engine: Engine
    house: House
    intake: Intake
    locks: LockOffice


def parts_of(request: Request) -> Parts:
    """The parts of the service that answers this request."""
    parts: Parts = request.app.state.parts
    return parts
