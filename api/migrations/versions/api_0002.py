"""Since when the person behind an account is away."""

import sqlalchemy as sa
from alembic import op

revision = "api_0002"
down_revision = "api_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account", sa.Column("away_ms", sa.BigInteger(), nullable=True))
