"""Nobody asks for scans by their event's id: it is one of the keys that scans are found under."""

from alembic import op

revision = "custody_0006"
down_revision = "custody_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_scan_event_id", table_name="scan")
