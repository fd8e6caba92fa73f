"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("application_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_table(
        "applications",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "enrollments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("application_id", sa.String(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("enrollments", schema=None) as batch_op:
        batch_op.create_index("enrollments_by_user", ["application_id", "user"], unique=True)

    op.create_table(
        "journal",
        sa.Column("verification_id", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("verification_id", "sequence"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "phones",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("enrollment_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number_fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_number", sa.LargeBinary(), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("phones", schema=None) as batch_op:
        batch_op.create_index("phones_by_enrollment", ["enrollment_id"], unique=False)
        batch_op.create_index("phones_by_number", ["number_fingerprint"], unique=False)

    op.create_table(
        "receipts",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_answer", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("receipts", schema=None) as batch_op:
        batch_op.create_index("receipts_by_time", ["created_at"], unique=False)

    op.create_table(
        "sends",
        sa.Column("attempt_id", sa.String(), nullable=False),
        sa.Column("verification_id", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("act_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("attempt_id"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("sends", schema=None) as batch_op:
        batch_op.create_index("sends_by_time", ["act_at"], unique=False)

    op.create_table(
        "tallies",
        sa.Column("number_fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number_fingerprint"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "verifications",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("application_id", sa.String(), nullable=False),
        sa.Column("number_fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_number", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("verifications", schema=None) as batch_op:
        batch_op.create_index("verifications_by_application", ["application_id", "id"], unique=False)
        batch_op.create_index("verifications_by_number", ["number_fingerprint", "id"], unique=False)
        batch_op.create_index(
            "verifications_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )


def downgrade() -> None:
    with op.batch_alter_table("verifications", schema=None) as batch_op:
        batch_op.drop_index(
            "verifications_due",
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.drop_index("verifications_by_number")
        batch_op.drop_index("verifications_by_application")

    op.drop_table("verifications")
    op.drop_table("tallies")
    with op.batch_alter_table("sends", schema=None) as batch_op:
        batch_op.drop_index("sends_by_time")

    op.drop_table("sends")
    with op.batch_alter_table("receipts", schema=None) as batch_op:
        batch_op.drop_index("receipts_by_time")

    op.drop_table("receipts")
    with op.batch_alter_table("phones", schema=None) as batch_op:
        batch_op.drop_index("phones_by_number")
        batch_op.drop_index("phones_by_enrollment")

    op.drop_table("phones")
    op.drop_table("journal")
    with op.batch_alter_table("enrollments", schema=None) as batch_op:
        batch_op.drop_index("enrollments_by_user")

    op.drop_table("enrollments")
    op.drop_table("applications")
    op.drop_table("api_keys")
