"""Shards: groups of stations by log index, and the descriptors of quarters that are closed."""

import sqlalchemy as sa
from alembic import op

revision = "custody_0008"
down_revision = "custody_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "station_group",
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("from_idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("group", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("station", "from_idx"),
    )
    op.create_table(
        "shard",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("quarter", sa.String(), nullable=False),
        sa.Column("group", sa.String(), nullable=False),
        sa.Column("first_idx", sa.BigInteger(), nullable=False),
        sa.Column("last_idx", sa.BigInteger(), nullable=False),
        sa.Column("scans", sa.BigInteger(), nullable=False),
        sa.Column("stations", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("keep_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("shared", sa.BigInteger(), nullable=False),
        sa.Column("next_place", sa.BigInteger(), nullable=False),
        sa.Column("dropped_idx", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("ix_shard_quarter", "shard", ["quarter"], unique=False)
