"""Who of ours saw which case."""

import sqlalchemy as sa
from alembic import op

revision = "api_0005"
down_revision = "api_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "viewing",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("dispute", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_viewing_account_at_ms", "viewing", ["account", "at_ms"])
    op.create_index("ix_viewing_at_ms", "viewing", ["at_ms"])
    op.create_index("ix_viewing_dispute", "viewing", ["dispute"])
