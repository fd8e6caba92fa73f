"""Sends are found by where they stand: those still to be sent do not wait behind those that are only asked about."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.drop_index("sends_by_time", "sends")
    op.create_index("sends_by_stage", "sends", ["stage", "act_at"])


def downgrade() -> None:
    op.drop_index("sends_by_stage", "sends")
    op.create_index("sends_by_time", "sends", ["act_at"])
