"""A tile stands in rows of sixteen hashes."""

import sqlalchemy as sa
from alembic import op

revision = "custody_0029"
down_revision = "custody_0028"
branch_labels = None
depends_on = None

FILL = f"""
INSERT INTO tile_after (level, number, part, hashes)
SELECT level, number, part, substr(hashes, 1 + 1024 * part, 1024)
FROM tile CROSS JOIN ({" UNION ALL ".join(f"SELECT {part} AS part" for part in range(8))}) AS parts
WHERE length(hashes) > 1024 * part
ORDER BY level, number, part
"""


def upgrade() -> None:
    op.create_table(
        "tile_after",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", "part"),
    )
    op.execute(FILL)
    op.drop_table("tile")
    op.rename_table("tile_after", "tile")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX tile_after_pkey RENAME TO tile_pkey")
