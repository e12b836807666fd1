"""On PostgreSQL two keys of a scan stand in its own row, found by two indexes, and rows of scans have their numbers first.

The key of the event is one of the letters of a UUID; the other is the first of the rest. `item_key` becomes a view of
these and of the keys that are left, and what is deleted from it, or added to it, is changed there.
"""

import sqlalchemy as sa
from alembic import op

revision = "custody_0027"
down_revision = "custody_0026"
branch_labels = None
depends_on = None

FILL = """
INSERT INTO scan_after (place, seq, received_ms, station, digest, result, code, flags, event_key, other_key)
SELECT place, seq, received_ms, station, digest, result, code, flags, event_key, other_key
FROM scan LEFT JOIN (
    SELECT place, MIN(key) FILTER (WHERE key LIKE '~%') AS event_key, MIN(key) FILTER (WHERE key NOT LIKE '~%') AS other_key
    FROM item_key GROUP BY place
) AS named USING (place)
ORDER BY place
"""
LEFT = """
CREATE TABLE more_key AS
SELECT DISTINCT item_key.key, item_key.place FROM item_key LEFT JOIN scan
ON scan.place = item_key.place AND item_key.key IN (scan.event_key, scan.other_key)
WHERE scan.place IS NULL
"""
DIGEST = """
CREATE VIEW digest AS
SELECT 0 AS run, digest, 512 * idx AS place FROM entry
UNION ALL SELECT 0 AS run, digest, place FROM scan WHERE (place & 511) <> 0
"""
ITEM_KEY = """
CREATE VIEW item_key AS
SELECT 0 AS run, key, place FROM more_key
UNION ALL SELECT 0 AS run, event_key, place FROM scan WHERE event_key IS NOT NULL
UNION ALL SELECT 0 AS run, other_key, place FROM scan WHERE other_key IS NOT NULL
"""
CHANGE = """
CREATE FUNCTION change_item_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO more_key (key, place) VALUES (NEW.key, NEW.place);
        RETURN NEW;
    END IF;
    DELETE FROM more_key WHERE key = OLD.key AND place = OLD.place;
    UPDATE scan SET event_key = NULLIF(event_key, OLD.key), other_key = NULLIF(other_key, OLD.key)
    WHERE place = OLD.place AND OLD.key IN (event_key, other_key);
    RETURN OLD;
END $$
"""
TRIGGER = """
CREATE TRIGGER change_item_key INSTEAD OF INSERT OR DELETE ON item_key
FOR EACH ROW EXECUTE FUNCTION change_item_key()
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.add_column("scan", sa.Column("event_key", sa.String(), nullable=True))
        op.add_column("scan", sa.Column("other_key", sa.String(), nullable=True))
        return
    op.create_table(
        "scan_after",
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("event_key", sa.String(), nullable=True),
        sa.Column("other_key", sa.String(), nullable=True),
    )
    op.execute(FILL)
    op.execute("DROP VIEW digest")
    op.drop_table("scan")
    op.rename_table("scan_after", "scan")
    op.create_primary_key("scan_pkey", "scan", ["place"])
    in_a_batch = sa.text("(place & 511) <> 0")
    op.create_index("ix_scan_digest", "scan", ["digest"], postgresql_using="hash", postgresql_where=in_a_batch)
    op.create_index("ix_scan_event_key", "scan", ["event_key"], postgresql_using="hash")
    op.create_index("ix_scan_other_key", "scan", ["other_key"])
    op.execute(LEFT)
    op.drop_table("item_key")
    op.alter_column("more_key", "key", nullable=False)
    op.alter_column("more_key", "place", nullable=False)
    op.create_index("ix_more_key_key", "more_key", ["key"])
    for statement in (DIGEST, ITEM_KEY, CHANGE, TRIGGER):
        op.execute(statement)
    for table in ("entry", "opening", "scan"):  # whose rows come in the order of their keys: no page is filled later
        op.execute(f"ALTER INDEX {table}_pkey SET (fillfactor = 100)")
