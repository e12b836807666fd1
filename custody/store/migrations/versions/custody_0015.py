"""Refusals that are over are found by state and time, so that many of them hold up nobody who registers."""

from alembic import op

revision = "custody_0015"
down_revision = "custody_0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_registration_state_received", "registration", ["state", "received_ms"])
    op.drop_index("ix_registration_state", "registration")
