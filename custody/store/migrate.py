"""Bringing the database to the form that this version of the code expects.

Each house keeps its migrations beside its tables, as an alembic branch of its own; all branches share one version
table and are brought to their heads together.
"""

from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine, text

from custody.kernel.errors import Fatal
from custody.store.engine import WRITES, is_sqlite

OWN_VERSIONS = Path(__file__).parent / "migrations" / "versions"
ADVISORY_LOCK = 0x7765616B


def migrate(engine: Engine, *more_versions: Path) -> None:
    """Upgrade to the heads of custody's migrations and of every folder in `more_versions`; safe to repeat.

    Raises `Fatal("database_version")` for a database that another version has brought to a form unknown here, and
    `DBAPIError` for one that takes no writes, also where there is nothing to upgrade.
    """
    config = alembic_config([OWN_VERSIONS, *more_versions])
    with engine.connect().execution_options(**{WRITES: True}) as connection:
        if not is_sqlite(engine):
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "heads")
        except CommandError as error:
            raise Fatal(
                "database_version",
                f"the database was brought up to date by another version of this service: {error}",
                fix="Start the version that wrote it last, or a newer one.",
            ) from error
        connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
        connection.commit()


def alembic_config(versions: Sequence[Path]) -> Config:
    """The alembic settings, without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", ":".join(str(folder) for folder in versions))
    return config
