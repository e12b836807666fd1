"""Batches: scans and openings are named by their place (`custody/scans/place.py`) in place of the log index alone."""

import sqlalchemy as sa
from alembic import op

revision = "custody_0005"
down_revision = "custody_0004"
branch_labels = None
depends_on = None

TABLES = ("scan", "item_key", "opening", "unopened")
IN_BATCH = sa.text("(place & 511) <> 0")


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN idx TO place")
        # Both engines check keys row by row, and a new value may be another row's old one; a negative one is nobody's.
        op.execute(f"UPDATE {table} SET place = -512 * place")  # noqa: S608 - the names stand above
        op.execute(f"UPDATE {table} SET place = -place")  # noqa: S608 - as above
    op.create_table(
        "batch",
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("idx"),
    )
    op.create_index(
        "ix_scan_in_batch", "scan", ["digest"], unique=False, sqlite_where=IN_BATCH, postgresql_where=IN_BATCH
    )
