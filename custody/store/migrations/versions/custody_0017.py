"""When the customer of an order said that they have the handset, which may be before that is registered."""

import sqlalchemy as sa
from alembic import op

revision = "custody_0017"
down_revision = "custody_0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sale", sa.Column("received_ms", sa.BigInteger(), nullable=True))
