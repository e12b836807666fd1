"""Whose account ends when, and what they were told last."""

import sqlalchemy as sa
from alembic import op

revision = "devicelock_0005"
down_revision = "devicelock_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leaving",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("ends_ms", sa.BigInteger(), nullable=False),
        sa.Column("next_ms", sa.BigInteger(), nullable=True),
        sa.Column("told_ms", sa.BigInteger(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("device"),
    )
    op.create_index(op.f("ix_leaving_ends_ms"), "leaving", ["ends_ms"], unique=False)
    op.create_index(op.f("ix_leaving_next_ms"), "leaving", ["next_ms"], unique=False)
