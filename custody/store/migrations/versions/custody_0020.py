"""Answers that were overturned in a week are found without reading every timeline."""

import sqlalchemy as sa
from alembic import op

revision = "custody_0020"
down_revision = "custody_0019"
branch_labels = None
depends_on = None

ANSWERED = sa.text("kind IN ('offered', 'heard_accepted', 'mind_changed', 'decision_accepted', 'told_rebutted')")


def upgrade() -> None:
    op.create_index(
        "ix_dispute_event_answered",
        "dispute_event",
        ["at_ms"],
        unique=False,
        sqlite_where=ANSWERED,
        postgresql_where=ANSWERED,
    )
