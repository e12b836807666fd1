"""What the caps count stands in columns, and questions that every lock and release asks go by an index."""

import json

import sqlalchemy as sa
from alembic import op

revision = "devicelock_0004"
down_revision = "devicelock_0003"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_lock_order_counted", "lock_order", ["decided_ms", "requester", "second", "model", "site"]),
    ("ix_lock_order_asked", "lock_order", ["created_ms", "requester"]),
    ("ix_lock_order_first", "lock_order", ["group", "decided_ms"]),
    ("ix_lock_order_wrong", "lock_order", ["group", "wrong_ms"]),
    ("ix_lock_event_actor", "lock_event", ["actor", "event", "at_ms"]),
    ("ix_command_device", "command", ["device"]),
)


def upgrade() -> None:
    for name in ("model", "site"):
        op.add_column("lock_order", sa.Column(name, sa.String(), nullable=False, server_default=""))
    orders = sa.table("lock_order", *(sa.column(name, sa.String()) for name in ("id", "facts", "model", "site")))
    connection = op.get_bind()
    for order, facts in connection.execute(sa.select(orders.c.id, orders.c.facts)).all():
        held = json.loads(facts)
        where = {"model": held.get("model", ""), "site": held.get("site", "")}
        connection.execute(orders.update().where(orders.c.id == order).values(**where))
    op.drop_index("ix_lock_order_decided_ms", table_name="lock_order")
    op.drop_index("ix_lock_order_group", table_name="lock_order")
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns)
