"""What is asked for beyond the rules has a table, and so has what the house has to learn from its own answers."""

import sqlalchemy as sa
from alembic import op

revision = "custody_0022"
down_revision = "custody_0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exception",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("dispute", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("approver", sa.String(), nullable=False),
        sa.Column("asked_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "lesson",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("dispute", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    for table in ("exception", "lesson"):
        for column in ("dispute", "state"):
            op.create_index(f"ix_{table}_{column}", table, [column])
