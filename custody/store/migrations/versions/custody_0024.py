"""Verifiers have keys, and what they attest of the checks of recipients has a table."""

import sqlalchemy as sa
from alembic import op

revision = "custody_0024"
down_revision = "custody_0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "verifier_key",
        sa.Column("kid", sa.LargeBinary(), nullable=False),
        sa.Column("verifier", sa.String(), nullable=False),
        sa.Column("custodian", sa.String(), nullable=False),
        sa.Column("cose_key", sa.LargeBinary(), nullable=False),
        sa.Column("added_idx", sa.BigInteger(), nullable=False),
        sa.Column("revoked_idx", sa.BigInteger(), nullable=True),
        sa.Column("suspect_from_idx", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("kid"),
    )
    op.create_index("ix_verifier_key_verifier", "verifier_key", ["verifier"])
    op.create_table(
        "attestation",
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("scan", sa.LargeBinary(), nullable=False),
        sa.Column("kid", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("idx"),
    )
    op.create_index("ix_attestation_scan", "attestation", ["scan"])
