"""Which MQTT broker the handsets of this database are at.

- `broker`: one row, with the broker's name, since the first service that has another one than the embedded broker.
"""

from sqlalchemy import BigInteger
from sqlmodel import Field, Session, SQLModel

from custody.store.unit import Unit

ONLY = 1


class BrokerRow(SQLModel, table=True):
    """The broker's name, and since when it is the one."""

    __tablename__ = "broker"
    id: int = Field(primary_key=True)
    name: str
    since_ms: int = Field(sa_type=BigInteger)


def broker_named(session: Session) -> str | None:
    """The name of the broker; None where only embedded ones were used."""
    row = session.get(BrokerRow, ONLY)
    return None if row is None else row.name


def put_broker(unit: Unit, name: str | None) -> None:
    """From now on this is the broker; None: an embedded one."""
    row = unit.session.get(BrokerRow, ONLY)
    if name is not None:
        row = row or BrokerRow(id=ONLY, name=name, since_ms=unit.now_ms)
        row.name, row.since_ms = name, unit.now_ms
        unit.session.add(row)
    elif row is not None:
        unit.session.delete(row)
