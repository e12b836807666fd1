"""What is kept aside is named by its whole statement too, so that one signature does not stand in another's place."""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "custody_0011"
down_revision = "custody_0010"
branch_labels = None
depends_on = None

AT_ONCE = 1_000


def upgrade() -> None:
    bind = op.get_bind()
    op.rename_table("quarantine", "quarantine_before")
    kept = op.create_table(
        "quarantine",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("opening", sa.LargeBinary(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "name"),
    )
    columns = ("digest", "statement", "opening", "why", "received_ms")
    before = sa.table("quarantine_before", *map(sa.column, columns))
    asked = sa.select(before).order_by(before.c.digest).limit(AT_ONCE)
    last = b""
    while rows := bind.execute(asked.where(before.c.digest > last)).mappings().all():
        named = [{**row, "name": hashlib.sha256(row["statement"]).digest()} for row in rows]
        bind.execute(sa.insert(kept), named)
        last = rows[-1]["digest"]
    op.drop_table("quarantine_before")
