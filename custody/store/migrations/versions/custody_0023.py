"""The newest entry of a kind is found by the index of kinds, also where the database knows nothing of its tables yet."""

import sqlalchemy as sa
from alembic import op

revision = "custody_0023"
down_revision = "custody_0022"
branch_labels = None
depends_on = None

NOT_A_SCAN = sa.text("content_type NOT IN ('.scan+epcis', '.capture+epcis')")


def upgrade() -> None:
    op.drop_index("ix_entry_content_type", table_name="entry")
    op.create_index(
        "ix_entry_content_type",
        "entry",
        ["content_type", "idx"],
        unique=False,
        sqlite_where=NOT_A_SCAN,
        postgresql_where=NOT_A_SCAN,
    )
