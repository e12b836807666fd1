"""What a customer was promised elsewhere stands in a table of its own until it is rebutted or binds us."""

import sqlalchemy as sa
from alembic import op

revision = "custody_0019"
down_revision = "custody_0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outside_promise",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("dispute", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rebut_by_ms", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("dispute", "state"):
        op.create_index(f"ix_outside_promise_{column}", "outside_promise", [column])
