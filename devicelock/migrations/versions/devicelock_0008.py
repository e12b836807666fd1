"""Locks that only a limit or the kill switch held back, which are asked for again."""

import sqlalchemy as sa
from alembic import op

revision = "devicelock_0008"
down_revision = "devicelock_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lock_put_off",
        sa.Column("order", sa.String(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("next_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order"),
    )
    op.create_index(op.f("ix_lock_put_off_next_ms"), "lock_put_off", ["next_ms"], unique=False)
