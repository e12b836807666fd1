"""Who an account's person is at the provider of single sign-on."""

import sqlalchemy as sa
from alembic import op

revision = "api_0004"
down_revision = "api_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account", sa.Column("subject", sa.String(), nullable=True))
    op.create_index("ix_account_subject", "account", ["subject"], unique=True)
