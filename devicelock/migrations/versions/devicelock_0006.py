"""Who gave a handset its name at another lock system, and who confirmed it.

A name that was given before there was a second person counts as proposed, by nobody who is known; one that has carried
a lock already counts as confirmed. A part that was struck out before anything was sent has carried none.
"""

import sqlalchemy as sa
from alembic import op

revision = "devicelock_0006"
down_revision = "devicelock_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("given_by", "confirmed_by"):
        op.add_column("backend_reference", sa.Column(name, sa.String(), nullable=True))
    for name in ("confirmed_ms", "confirmed_idx"):
        op.add_column("backend_reference", sa.Column(name, sa.BigInteger(), nullable=True))
    named = ("device", "backend", "handset")
    given, confirmed = sa.column("given_ms", sa.BigInteger()), sa.column("confirmed_ms", sa.BigInteger())
    reference = sa.table("backend_reference", *(sa.column(name, sa.String()) for name in named), given, confirmed)
    part = sa.table(
        "backend_part",
        *(sa.column(name, sa.String()) for name in (*named, "wished")),
        sa.column("may_hold", sa.Boolean()),
        sa.column("at_ms", sa.BigInteger()),
    )
    same = (part.c[name] == reference.c[name] for name in named)
    released = sa.and_(part.c.wished == "unlocked", part.c.at_ms.is_not(None))
    carried = sa.select(part.c.device).where(*same, sa.or_(part.c.may_hold, released)).exists()
    op.get_bind().execute(reference.update().where(carried).values(confirmed_ms=reference.c.given_ms))
