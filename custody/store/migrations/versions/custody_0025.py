"""On PostgreSQL names of scans are found by an index of the names alone, and digests by their hash."""

import sqlalchemy as sa
from alembic import op

revision = "custody_0025"
down_revision = "custody_0024"
branch_labels = None
depends_on = None

NAMED = {"item_key": ("key", "btree"), "digest": ("digest", "hash")}


def upgrade() -> None:
    bind = op.get_bind()
    if bind.dialect.name == "sqlite":
        return
    for table, (name, using) in NAMED.items():
        held = sa.inspect(bind).get_pk_constraint(table)["name"]
        op.drop_constraint(str(held), table, type_="primary")
        op.create_index(f"ix_{table}_{name}", table, [name], unique=False, postgresql_using=using)
