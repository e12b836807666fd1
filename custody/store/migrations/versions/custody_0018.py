"""What is known of a parcel is bytes, so that it can be pressed; what stands is read as it is."""

import sqlalchemy as sa
from alembic import op

revision = "custody_0018"
down_revision = "custody_0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("parcel", table_kwargs={"sqlite_with_rowid": False}) as rows:
        rows.alter_column(
            "view",
            type_=sa.LargeBinary(),
            existing_type=sa.Text(),
            existing_nullable=False,
            postgresql_using="convert_to(view, 'UTF8')",
        )
