"""Statements that wait to be registered."""

import sqlalchemy as sa
from alembic import op

revision = "custody_0004"
down_revision = "custody_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "registration",
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index(op.f("ix_registration_digest"), "registration", ["digest"], unique=False)
    op.create_index(op.f("ix_registration_state"), "registration", ["state"], unique=False)
