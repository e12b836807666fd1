"""Which session of the provider a session here goes back to, and which logout tokens were taken."""

import sqlalchemy as sa
from alembic import op

revision = "api_0006"
down_revision = "api_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("session", sa.Column("sid", sa.String(), nullable=True))
    op.add_column("session", sa.Column("id_token", sa.String(), nullable=True))
    op.create_index("ix_session_sid", "session", ["sid"])
    op.create_table(
        "logout",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
