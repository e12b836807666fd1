"""On PostgreSQL digests stand in the rows of entries and scans alone, which are found by their hash."""

import sqlalchemy as sa
from alembic import op

revision = "custody_0026"
down_revision = "custody_0025"
branch_labels = None
depends_on = None

IN_A_BATCH = "(place & 511) <> 0"
VIEW = f"""
CREATE VIEW digest AS
SELECT 0 AS run, digest, 512 * idx AS place FROM entry
UNION ALL SELECT 0 AS run, digest, place FROM scan WHERE {IN_A_BATCH}
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    op.drop_table("digest")
    op.create_index("ix_entry_digest", "entry", ["digest"], postgresql_using="hash")
    op.create_index(
        "ix_scan_digest", "scan", ["digest"], postgresql_using="hash", postgresql_where=sa.text(IN_A_BATCH)
    )
    op.execute(VIEW)
