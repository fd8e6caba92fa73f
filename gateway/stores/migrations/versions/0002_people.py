"""What people do with their record: a journal of its own, phones that replace others, notices, portal links and sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE journal RENAME COLUMN verification_id TO subject_id")
    op.add_column("phones", sa.Column("replaces", sa.String(), nullable=True))
    op.create_table(
        "notices",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("enrollment_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sealed_number", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("act_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("notices_by_time", "notices", ["act_at"])
    op.create_table(
        "portal_links",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("enrollment_id", sa.String(), nullable=False),
        sa.Column("page", sa.String(), nullable=False),
        sa.Column("return_url", sa.String(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("digest"),
        sqlite_with_rowid=False,
    )
    op.create_index("portal_links_by_enrollment", "portal_links", ["enrollment_id"])
    op.create_index("portal_links_by_time", "portal_links", ["expires_at"])
    op.create_table(
        "portal_sessions",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("enrollment_id", sa.String(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        sqlite_with_rowid=False,
    )
    op.create_index("portal_sessions_by_enrollment", "portal_sessions", ["enrollment_id"])
    op.create_index("portal_sessions_by_time", "portal_sessions", ["expires_at"])


def downgrade() -> None:
    op.drop_table("portal_sessions")
    op.drop_table("portal_links")
    op.drop_table("notices")
    with op.batch_alter_table("phones") as batch_op:
        batch_op.drop_column("replaces")
    op.execute("ALTER TABLE journal RENAME COLUMN subject_id TO verification_id")
