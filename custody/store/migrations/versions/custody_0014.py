"""What was read of the log for investigations is kept, so that a process that starts need not read it all again."""

import sqlalchemy as sa
from alembic import op

revision = "custody_0014"
down_revision = "custody_0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stretch",
        sa.Column("first_place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("end_place", sa.BigInteger(), nullable=False),
        sa.Column("scans", sa.Integer(), nullable=False),
        sa.Column("form", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("first_place"),
    )
