"""How much is kept aside is counted as it comes, by share and sender; what stands already counts as strange."""

import sqlalchemy as sa
from alembic import op

revision = "custody_0030"
down_revision = "custody_0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    counted = op.create_table(
        "aside_share",
        sa.Column("share", sa.String(), nullable=False),
        sa.Column("who", sa.LargeBinary(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("share", "who"),
    )
    held = sa.select(sa.func.count()).select_from(sa.table("quarantine")).scalar_subquery()
    op.execute(sa.insert(counted).values(share="strange", who=b"", held=held))
