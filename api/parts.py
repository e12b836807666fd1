"""The parts of a running service, put together once."""

from dataclasses import dataclass

from fastapi import Request
from sqlalchemy import Engine

from api.backends import Backends
from api.process.embedded_broker import EmbeddedBroker
from api.process.heads import HeadKeeper
from api.process.keyring import Keyring
from api.process.open_id import OpenIdProvider
from api.process.viewing_notes import ViewingNotes
from api.process.witnesses import Witnesses
from api.settings import Settings
from custody.disputes.desks import Directory
from custody.kernel.clock import Clock
from custody.kernel.ids import Ids
from custody.store.unit import House
from custody.usecases.accept_scans import Intake
from custody.usecases.investigate import Inquirer
from devicelock.usecases.decide_together import Decisions
from devicelock.usecases.lock_office import LockOffice


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
    inquirer: Inquirer
    locks: LockOffice
    decisions: Decisions
    backends: Backends
    broker: EmbeddedBroker | None
    heads: HeadKeeper
    viewings: ViewingNotes
    desks: Directory
    witnesses: Witnesses | None = None
    sign_on: OpenIdProvider | None = None


async def parts_of(request: Request) -> Parts:
    """The parts of the service that answers this request; async, as FastAPI asks a plain function on another thread."""
    parts: Parts = request.app.state.parts
    return parts


def service_address(request: Request, parts: Parts) -> str:
    """Where whoever asks finds the service: the address that was set, else the one that was asked."""
    return parts.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")


def broker_address(parts: Parts) -> tuple[str, int]:
    """Where handsets and the service find the broker."""
    if parts.broker is not None:
        return "127.0.0.1", parts.broker.port
    return parts.settings.mqtt_host, parts.settings.mqtt_port
