"""On PostgreSQL the opening of a scan and a third of its keys stand in the scan's row.

Digests are found by their first seven bytes, in trees that take a quarter less than hashes did.

Once an opening is erased it stands in `more_opening`, as those of records do, and `opening` becomes a view of both. What
is added to it goes to `more_opening`, and what is changed there goes over to it.
"""

import sqlalchemy as sa
from alembic import op

revision = "custody_0028"
down_revision = "custody_0027"
branch_labels = None
depends_on = None

FILL = """
INSERT INTO scan_after (
    place, seq, received_ms, station, digest, result, code, flags, event_key, other_key, third_key, opening
)
SELECT place, seq, received_ms, station, digest, result, code, flags, event_key, other_key, COALESCE(key, ''), content
FROM scan LEFT JOIN opening USING (place)
LEFT JOIN (SELECT place, MIN(key) AS key FROM more_key WHERE key NOT LIKE '~%' GROUP BY place) AS third USING (place)
ORDER BY place
"""
KEYS_LEFT = """
CREATE TABLE keys_left AS
SELECT more_key.key, more_key.place FROM more_key LEFT JOIN scan_after
ON scan_after.place = more_key.place AND scan_after.third_key = more_key.key
WHERE scan_after.place IS NULL
"""
LEFT = """
INSERT INTO more_opening (place, content, erased_ms)
SELECT place, content, erased_ms FROM opening
WHERE content IS NULL OR NOT EXISTS (SELECT FROM scan WHERE scan.place = opening.place)
ORDER BY place
"""
OPENING = """
CREATE VIEW opening AS
SELECT place, content, erased_ms FROM more_opening
UNION ALL SELECT place, opening, NULL FROM scan WHERE opening IS NOT NULL
"""
CHANGE_OPENING = """
CREATE FUNCTION change_opening() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND EXISTS (SELECT FROM scan WHERE place = NEW.place AND opening IS NOT NULL) THEN
        RAISE unique_violation USING MESSAGE = 'there is an opening at ' || NEW.place;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM more_opening WHERE place = OLD.place;
        UPDATE scan SET opening = NULL WHERE place = OLD.place AND opening IS NOT NULL;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    INSERT INTO more_opening (place, content, erased_ms) VALUES (NEW.place, NEW.content, NEW.erased_ms);
    RETURN NEW;
END $$
"""
TRIGGER = """
CREATE TRIGGER change_opening INSTEAD OF INSERT OR UPDATE OR DELETE ON opening
FOR EACH ROW EXECUTE FUNCTION change_opening()
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
UNION ALL SELECT 0 AS run, third_key, place FROM scan WHERE third_key <> ''
"""
CHANGE_ITEM_KEY = """
CREATE OR REPLACE FUNCTION change_item_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO more_key (key, place) VALUES (NEW.key, NEW.place);
        RETURN NEW;
    END IF;
    DELETE FROM more_key WHERE key = OLD.key AND place = OLD.place;
    UPDATE scan SET event_key = NULLIF(event_key, OLD.key), other_key = NULLIF(other_key, OLD.key),
    third_key = CASE third_key WHEN OLD.key THEN '' ELSE third_key END
    WHERE place = OLD.place AND OLD.key IN (event_key, other_key, third_key);
    RETURN OLD;
END $$
"""
ITEM_KEY_TRIGGER = """
CREATE TRIGGER change_item_key INSTEAD OF INSERT OR DELETE ON item_key
FOR EACH ROW EXECUTE FUNCTION change_item_key()
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.add_column("scan", sa.Column("third_key", sa.String(), nullable=False, server_default=""))
        op.add_column("scan", sa.Column("opening", sa.LargeBinary(), nullable=True))
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
        sa.Column("third_key", sa.String(), nullable=False, server_default=""),
        sa.Column("opening", sa.LargeBinary(), nullable=True),
    )
    op.create_table(
        "more_opening",
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("erased_ms", sa.BigInteger(), nullable=True),
    )
    for statement in (FILL, KEYS_LEFT, LEFT, "DROP VIEW digest", "DROP VIEW item_key"):
        op.execute(statement)
    for table in ("opening", "scan", "more_key"):
        op.drop_table(table)
    op.rename_table("scan_after", "scan")
    op.rename_table("keys_left", "more_key")
    op.alter_column("more_key", "key", nullable=False)
    op.alter_column("more_key", "place", nullable=False)
    op.create_index("ix_more_key_key", "more_key", ["key"])
    for table in ("scan", "more_opening"):
        op.create_primary_key(f"{table}_pkey", table, ["place"])
        op.execute(f"ALTER INDEX {table}_pkey SET (fillfactor = 100)")
    begins, in_a_batch = [sa.text("substr(digest, 1, 7)")], sa.text("(place & 511) <> 0")
    op.create_index("ix_scan_digest", "scan", begins, postgresql_where=in_a_batch)
    op.drop_index("ix_entry_digest", table_name="entry")
    op.create_index("ix_entry_digest", "entry", begins)
    op.create_index("ix_scan_event_key", "scan", ["event_key"], postgresql_using="hash")
    op.create_index("ix_scan_other_key", "scan", ["other_key"])
    op.create_index("ix_scan_third_key", "scan", ["third_key"], postgresql_where=sa.text("third_key <> ''"))
    for statement in (DIGEST, ITEM_KEY, CHANGE_ITEM_KEY, ITEM_KEY_TRIGGER, OPENING, CHANGE_OPENING, TRIGGER):
        op.execute(statement)
