"""Other lock systems: references, parts, wishes, events, and who carries them out."""

import sqlalchemy as sa
from alembic import op

revision = "devicelock_0002"
down_revision = "devicelock_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "backend_reference",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("backend", sa.String(), nullable=False),
        sa.Column("handset", sa.String(), nullable=False),
        sa.Column("given_ms", sa.BigInteger(), nullable=False),
        sa.Column("given_idx", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device", "backend"),
        sa.UniqueConstraint("backend", "handset"),
    )
    op.create_table(
        "backend_part",
        sa.Column("order", sa.String(), nullable=False),
        sa.Column("backend", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("handset", sa.String(), nullable=False),
        sa.Column("wished", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("screen", sa.Text(), nullable=True),
        sa.Column("not_after_ms", sa.BigInteger(), nullable=False),
        sa.Column("may_hold", sa.Boolean(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("retry_after_s", sa.Integer(), nullable=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=True),
        sa.Column("again", sa.Boolean(), nullable=False),
        sa.Column("applied", sa.String(), nullable=True),
        sa.Column("seen_ms", sa.BigInteger(), nullable=True),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order", "backend"),
    )
    op.create_index(op.f("ix_backend_part_device"), "backend_part", ["device"], unique=False)
    op.create_index(op.f("ix_backend_part_due_ms"), "backend_part", ["due_ms"], unique=False)
    op.create_index("ix_backend_part_backend_handset", "backend_part", ["backend", "handset"], unique=False)
    op.create_table(
        "backend_wish",
        sa.Column("backend", sa.String(), nullable=False),
        sa.Column("handset", sa.String(), nullable=False),
        sa.Column("wish", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("backend", "handset"),
    )
    op.create_table(
        "backend_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("backend", sa.String(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("handled_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index(op.f("ix_backend_event_received_ms"), "backend_event", ["received_ms"], unique=False)
    op.create_table(
        "lease",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
