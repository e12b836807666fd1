"""Where the log says that a scan's opening came later than its statement, so that a pack can hold that record.

Of openings that came before this, replaying the log tells; packs of their parcels do not.
"""

import sqlalchemy as sa
from alembic import op

revision = "custody_0016"
down_revision = "custody_0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "opened",
        sa.Column("place", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("place"),
    )
