"""Which MQTT broker the handsets of this database are at; the next service that starts says so."""

import sqlalchemy as sa
from alembic import op

revision = "devicelock_0007"
down_revision = "devicelock_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "broker",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
