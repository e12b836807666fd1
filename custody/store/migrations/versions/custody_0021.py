"""Digests stand in sorted runs, and numbers of stations in spans: neither changes a page of an index for each scan."""

import struct
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

import sqlalchemy as sa
from alembic import op

revision = "custody_0021"
down_revision = "custody_0020"
branch_labels = None
depends_on = None

YOUNG, MERGED = 2_048, 8
SPAN, PAIR = 16, struct.Struct(">QQ")
AT_ONCE = 10_000


def upgrade() -> None:
    op.create_table(
        "digest",
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run", "digest", "place"),
        sqlite_with_rowid=False,
    )
    _move_digests()
    op.create_table(
        "number_span",
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("station", "last"),
    )
    op.create_table(
        "late_number",
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("station", "seq", "place"),
        sqlite_with_rowid=False,
    )
    nothing = sa.text("X''" if op.get_bind().dialect.name == "sqlite" else "''")
    op.add_column("station_head", sa.Column("taken", sa.LargeBinary(), nullable=False, server_default=nothing))
    _move_numbers()
    op.drop_index("ix_scan_station_seq", table_name="scan")


def _move_digests() -> None:
    """The digests become one run, and no index of entries holds them any more."""
    bind = op.get_bind()
    sqlite = bind.dialect.name == "sqlite"
    run = 1 if sqlite else 0
    rows = "SELECT digest, 512 * idx AS place FROM entry UNION ALL SELECT digest, place FROM leaf_digest"
    sort = f"INSERT INTO digest (run, digest, place) SELECT {run}, held.* FROM ({rows}) AS held ORDER BY 2, 3"  # noqa: S608 - our own names
    held = bind.execute(sa.text(sort)).rowcount
    if sqlite:
        bind.execute(sa.text("DELETE FROM sorted_run WHERE table_name = 'leaf_digest'"))
    if sqlite and held:
        level, size = 1, YOUNG * MERGED
        while size * MERGED <= held:
            level, size = level + 1, size * MERGED
        one = "INSERT INTO sorted_run (table_name, run, level, size) VALUES ('digest', 1, :level, :size)"
        bind.execute(sa.text(one), {"level": level, "size": held})
    op.drop_table("leaf_digest")
    if not sqlite:
        op.drop_constraint("entry_digest_key", "entry", type_="unique")
        return
    op.drop_index("ix_entry_content_type", table_name="entry")
    op.rename_table("entry", "entry_before")
    op.create_table(
        "entry",
        sa.Column("idx", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("idx"),
    )
    columns = "idx, digest, raw, content_type, received_ms"
    bind.execute(sa.text(f"INSERT INTO entry ({columns}) SELECT {columns} FROM entry_before ORDER BY idx"))  # noqa: S608 - our own names
    op.drop_table("entry_before")
    no_scan = sa.text("content_type NOT IN ('.scan+epcis', '.capture+epcis')")
    op.create_index("ix_entry_content_type", "entry", ["content_type"], unique=False, sqlite_where=no_scan)


def _move_numbers() -> None:
    """A number is in turn if the station goes on from it or from a later one; all others are late."""
    bind = op.get_bind()
    heads = {station: seq for station, seq in bind.execute(sa.text("SELECT station, seq FROM station_head"))}
    spans, late = list[dict[str, object]](), list[dict[str, object]]()
    for station, scans in groupby(_scans(), key=itemgetter(0)):
        taken, newest = b"", 0
        for _, seq, place, result in scans:
            if newest < seq <= heads.get(station, 0) and result != "quarantined":
                taken, newest = taken + PAIR.pack(seq, place), seq
            else:
                late.append({"station": station, "seq": seq, "place": place})
            if len(taken) == SPAN * PAIR.size:
                spans.append({"station": station, "last": newest, "taken": taken})
                taken = b""
        if taken:
            rest = sa.text("UPDATE station_head SET taken = :taken WHERE station = :station")
            bind.execute(rest, {"station": station, "taken": taken})
        _write(spans, late, most=AT_ONCE)
    _write(spans, late, most=1)


def _scans() -> Iterator[tuple[str, int, int, str]]:
    """Every scan in the order of its station's numbers, and of the log; few are read at once."""
    bind = op.get_bind()
    question = sa.text(
        "SELECT station, seq, place, result FROM scan WHERE (station, seq, place) > (:station, :seq, :place)"
        " ORDER BY station, seq, place LIMIT :most"
    )
    last: tuple[str, int, int] = ("", 0, 0)
    while rows := bind.execute(question, dict(zip(("station", "seq", "place"), last), most=AT_ONCE)).all():
        yield from rows
        last = rows[-1][:3]


def _write(spans: list[dict[str, object]], late: list[dict[str, object]], *, most: int) -> None:
    """Write what has come together, once it is that much."""
    bind = op.get_bind()
    if len(spans) >= most:
        row = "INSERT INTO number_span (station, last, taken) VALUES (:station, :last, :taken)"
        bind.execute(sa.text(row), spans)
        spans.clear()
    if len(late) >= most:
        row = "INSERT INTO late_number (station, seq, place) VALUES (:station, :seq, :place)"
        bind.execute(sa.text(row), late)
        late.clear()
