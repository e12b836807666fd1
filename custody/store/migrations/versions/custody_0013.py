"""Names of scans stand in sorted runs (`custody/store/runs.py`); those that stood in one tree are one run of a level."""

import sqlalchemy as sa
from alembic import op

revision = "custody_0013"
down_revision = "custody_0012"
branch_labels = None
depends_on = None

YOUNG, MERGED = 16_384, 8


def upgrade() -> None:
    op.create_table(
        "sorted_run",
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("target", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("table_name", "run"),
    )
    op.rename_table("item_key", "item_key_before")
    _begin("item_key", sa.Column("key", sa.String(), nullable=False), "SELECT key, place FROM item_key_before")
    op.drop_table("item_key_before")
    op.drop_index("ix_scan_in_batch", table_name="scan")
    inside = "SELECT digest, place FROM scan WHERE (place & 511) <> 0"
    _begin("leaf_digest", sa.Column("digest", sa.LargeBinary(), nullable=False), inside)


def _begin(table: str, name: sa.Column[object], rows: str) -> None:
    """Create a table whose first run holds these rows."""
    bind = op.get_bind()
    op.create_table(
        table,
        sa.Column("run", sa.Integer(), nullable=False),
        name,
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run", name.name, "place"),
        sqlite_with_rowid=False,
    )
    run = 1 if bind.dialect.name == "sqlite" else 0
    sort = f"INSERT INTO {table} (run, {name.name}, place) SELECT {run}, held.* FROM ({rows}) AS held ORDER BY 2, 3"  # noqa: S608 - the names stand above
    held = bind.execute(sa.text(sort)).rowcount
    if run and held:
        level, size = 1, YOUNG * MERGED
        while size * MERGED <= held:
            level, size = level + 1, size * MERGED
        one = "INSERT INTO sorted_run (table_name, run, level, size) VALUES (:table_name, 1, :level, :size)"
        bind.execute(sa.text(one), {"table_name": table, "level": level, "size": held})
