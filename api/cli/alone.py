"""The database of a log that no service uses meanwhile, for commands at the machine itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from api.compose import KEYS, kept_outside, open_house
from api.process.data_folder import hold_broker, hold_folder
from api.process.keyring import open_keyring
from api.process.log_keys import check_keys, require_keys
from api.process.one_anchor import ANCHOR
from api.settings import Settings
from custody.kernel.errors import Conflict, NotFound
from custody.store import log_reader
from custody.store.engine import open_engine
from custody.store.unit import House


@contextmanager
def alone(settings: Settings) -> Iterator[House]:
    """The database of a log that no service uses meanwhile; raises `Trouble`."""
    if not settings.data.is_dir() or not (settings.database_url or (settings.data / "weaklink.db").is_file()):
        raise NotFound("data", f"{settings.data} holds no database", fix="Name the folder with --data.")
    with hold_folder(settings.data), _hold_log(settings):
        engine = open_engine(settings.database)
        try:
            if not log_reader.is_begun(engine):
                raise NotFound("no_log", "the database holds no log", fix="Name its folder, or its --database-url.")
            require_keys(engine, settings.data / KEYS)
        finally:
            engine.dispose()
        keyring = open_keyring(settings.data / KEYS)
        house = open_house(settings, keyring)
        try:
            with house.read() as session:
                check_keys(session, keyring, origin=settings.origin, folder=settings.data / KEYS)
            yield house
        finally:
            house.engine.dispose()


@contextmanager
def _hold_log(settings: Settings) -> Iterator[None]:
    """Be the only one of the services that share what is kept outside; raises `Conflict("data")`."""
    try:
        lock = hold_broker(kept_outside(settings) / ANCHOR, embedded=True)
    except Conflict as error:
        raise Conflict(
            "data", "another service of this log runs", fix="Stop all services of this log first."
        ) from error
    with lock:
        yield
