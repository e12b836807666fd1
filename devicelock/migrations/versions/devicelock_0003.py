"""What ordered each lock and who let its group go on, alerts, and where handsets were seen."""

import sqlalchemy as sa
from alembic import op

revision = "devicelock_0003"
down_revision = "devicelock_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("device", sa.Column("network", sa.String(), nullable=True))
    op.add_column("lock_order", sa.Column("group", sa.String(), nullable=True))
    op.add_column("lock_order", sa.Column("wrong_ms", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_lock_order_group"), "lock_order", ["group"], unique=False)
    op.create_table(
        "device_sighting",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("sim", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("network", sa.String(), nullable=True),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_device_sighting_device"), "device_sighting", ["device"], unique=False)
    op.create_table(
        "issued_code",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_issued_code_device"), "issued_code", ["device"], unique=False)
    op.create_index(op.f("ix_issued_code_actor"), "issued_code", ["actor"], unique=False)
    op.create_table(
        "lock_alert",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("raised_ms", sa.BigInteger(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("seen_by", sa.String(), nullable=True),
        sa.Column("seen_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_lock_alert_about"), "lock_alert", ["about"], unique=False)
    op.create_index(op.f("ix_lock_alert_seen_ms"), "lock_alert", ["seen_ms"], unique=False)
    op.create_table(
        "lock_clearance",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("group", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_lock_clearance_group"), "lock_clearance", ["group"], unique=False)
