"""When the customer was last told of an investigation: at least every few days they are told again."""

import sqlalchemy as sa
from alembic import op

revision = "custody_0007"
down_revision = "custody_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("inquiry", sa.Column("told_ms", sa.BigInteger(), nullable=False, server_default="0"))
    inquiry = sa.table("inquiry", sa.column("opened_ms", sa.BigInteger()), sa.column("told_ms", sa.BigInteger()))
    op.execute(inquiry.update().values(told_ms=inquiry.c.opened_ms))
    op.create_index("ix_inquiry_told_ms", "inquiry", ["told_ms"], unique=False)
