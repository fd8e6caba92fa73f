"""Who wants no more calls or texts: the stop list of every application, and the opt-outs of each sender."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "stop_list",
        sa.Column("number_fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number_fingerprint"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "opt_outs",
        sa.Column("number_fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number_fingerprint", "sender"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("opt_outs")
    op.drop_table("stop_list")
