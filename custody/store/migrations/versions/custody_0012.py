"""Which kept answers are old is looked up: every sweep read all of them."""

from alembic import op

revision = "custody_0012"
down_revision = "custody_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_idempotency_at_ms"), "idempotency", ["at_ms"], unique=False)
