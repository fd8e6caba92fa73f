"""One outbox: attempts, which were sends, and notifications, which were notices, in one table."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_INSERT = sa.text("""
INSERT INTO outbox (id, kind, subject_id, notice_kind, sealed_number, state, act_at, tries, created_at)
VALUES (:id, :kind, :subject_id, :notice_kind, :sealed_number, :state, :act_at, :tries, :created_at)
""")
_BATCH = 1_000
_TIME_DIGITS = 12


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("notice_kind", sa.String(), nullable=True),
        sa.Column("sealed_number", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("act_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("outbox_due", "outbox", ["kind", "state", "act_at"])
    _insert(_attempts())
    _insert(_notifications())
    op.drop_table("notices")
    op.drop_table("sends")


def downgrade() -> None:
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
    op.create_index("sends_by_stage", "sends", ["stage", "act_at"])
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
    op.execute("""
        INSERT INTO sends (attempt_id, verification_id, stage, act_at, tries)
        SELECT id, subject_id, state, act_at, tries FROM outbox WHERE kind = 'attempt'
    """)
    op.execute("""
        INSERT INTO notices (id, enrollment_id, kind, sealed_number, created_at, act_at)
        SELECT id, subject_id, notice_kind, sealed_number, created_at, act_at FROM outbox WHERE kind = 'notification'
    """)
    op.drop_table("outbox")


def _attempts() -> Iterator[dict[str, object]]:
    """Yield the sends. When they were made is in their ids; one whose id does not tell it is as old as its last act."""
    rows = op.get_bind().execute(sa.text("SELECT attempt_id, verification_id, stage, act_at, tries FROM sends"))
    for attempt_id, verification_id, stage, act_at, tries in rows.fetchall():
        yield {
            "id": attempt_id,
            "kind": "attempt",
            "subject_id": verification_id,
            "notice_kind": None,
            "sealed_number": None,
            "state": stage,
            "act_at": act_at,
            "tries": tries,
            "created_at": _time_in(attempt_id) or act_at,
        }


def _notifications() -> Iterator[dict[str, object]]:
    """Yield the notices. They are queued, also those that were tried: whoever wrote them took up again what it had."""
    rows = op.get_bind().execute(
        sa.text("SELECT id, enrollment_id, kind, sealed_number, created_at, act_at FROM notices")
    )
    for notice_id, enrollment_id, kind, sealed_number, created_at, act_at in rows.fetchall():
        yield {
            "id": notice_id,
            "kind": "notification",
            "subject_id": enrollment_id,
            "notice_kind": kind,
            "sealed_number": sealed_number,
            "state": "queued",
            "act_at": act_at,
            "tries": int(act_at > created_at),
            "created_at": created_at,
        }


def _insert(entries: Iterator[dict[str, object]]) -> None:
    batch: list[dict[str, object]] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == _BATCH:
            op.get_bind().execute(_INSERT, batch)
            batch = []
    if batch:
        op.get_bind().execute(_INSERT, batch)


def _time_in(attempt_id: str) -> int | None:
    """Return the time (ms since the epoch) with which an id begins, behind its prefix."""
    try:
        return int(attempt_id.removeprefix("att_")[:_TIME_DIGITS], 16)
    except ValueError:
        return None
