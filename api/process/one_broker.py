"""One broker for one log: at another one than the database names, a service does not start.

What any service of a log puts into the outbox leaves by whichever is first. Were two of them at two brokers, a handset
at one would hear only half of what is meant for it, and what it says would be heard by one of them alone. So the
database names the broker, from the first service on that has another one than the embedded broker: by its host and
port, or as the setting `mqtt_name` calls it where services reach it under several addresses.

A broker that takes the place of another is told as such, once: `mqtt_moved_from` is the name of the one that is left.
Whoever moves it is the only service of the log that runs, for the others would go on at the old one. The setting may
stay: it moves from that one broker only. A name is not a part of the log, which everybody reads.
"""

from typing import BinaryIO

import structlog

from api.process.data_folder import alone_at_broker
from api.settings import Settings
from custody.kernel.errors import Conflict
from custody.store.unit import House
from devicelock.broker_store import broker_named, put_broker

log = structlog.get_logger()


def broker_name(settings: Settings) -> str | None:
    """The name of a service's broker; None for the embedded one."""
    if not settings.mqtt_host:
        return None
    return settings.mqtt_name or f"{settings.mqtt_host.lower()}:{settings.mqtt_port}"


def name_broker(house: House, settings: Settings, lock: BinaryIO | None) -> None:
    """Have a database that names no broker name this service's; raises `Conflict` where it names another.

    `lock`: what `hold_broker` gave; None where no other service can run.
    """
    name = broker_name(settings)
    with house.unit() as unit:
        unit.log.claim()
        named = broker_named(unit.session)
        if name == named:
            return
        if named is None:
            put_broker(unit, name)
            return
    if settings.mqtt_moved_from != named:
        raise _other(named, name)
    with alone_at_broker(lock, embedded=name is None), house.unit() as unit:
        unit.log.claim()
        put_broker(unit, name)
    log.warning("the broker was moved", left=named, now=name or "the embedded one")


def _other(named: str, name: str | None) -> Conflict:
    here = f"is set to {name}" if name is not None else "has the embedded one"
    return Conflict(
        "mqtt_host",
        f"the handsets of this log are at the MQTT broker {named}, and this service {here}",
        fix=f"Set WEAKLINK_MQTT_HOST and WEAKLINK_MQTT_PORT to {named}, or WEAKLINK_MQTT_NAME={named} if it is that "
        "broker under another address. If the broker was moved, stop all services of this log and start each with "
        f"WEAKLINK_MQTT_MOVED_FROM={named}.",
    )
