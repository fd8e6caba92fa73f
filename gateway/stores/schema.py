"""The tables, for migrations only: nothing else goes through SQLAlchemy.

Times are in ms since the epoch. A number is never stored in clear: it is sealed, and found by its keyed fingerprint;
both are empty once it was wiped. `daily_counts` holds what was counted of verifications as they were removed, `marks`
how far a walk over rows has come, and the last batch of each writer on PostgreSQL.
`state` columns hold the domain's struct as JSON without the number; that of `outbox` holds an `OutboxState`. There
the subject of an attempt is its verification, that of a notification its enrollment; only notifications have a
`notice_kind` and a `sealed_number`.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, text

metadata = MetaData()

applications = Table(
    "applications",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("application_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

verifications = Table(
    "verifications",
    metadata,
    Column("id", String, primary_key=True),
    Column("application_id", String, nullable=False),
    Column("number_fingerprint", LargeBinary, nullable=False),
    Column("sealed_number", LargeBinary, nullable=False),
    Column("status", String, nullable=False),
    Column("due_at", BigInteger),
    Column("state", LargeBinary, nullable=False),
)
Index("verifications_by_application", verifications.c.application_id, verifications.c.id)
Index("verifications_by_number", verifications.c.number_fingerprint, verifications.c.id)
_due = verifications.c.due_at.isnot(None)
Index("verifications_due", verifications.c.due_at, sqlite_where=_due, postgresql_where=_due)

rate_counters = Table(
    "tallies",
    metadata,
    Column("number_fingerprint", LargeBinary, primary_key=True),
    Column("state", LargeBinary, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

journal = Table(
    "journal",
    metadata,
    Column("subject_id", String, primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("entries", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("subject_id", String, nullable=False),
    Column("notice_kind", String),
    Column("sealed_number", LargeBinary),
    Column("state", String, nullable=False),
    Column("act_at", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("created_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
Index("outbox_due", outbox.c.kind, outbox.c.state, outbox.c.act_at)

receipts = Table(
    "receipts",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("request_digest", LargeBinary, nullable=False),
    Column("sealed_answer", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
Index("receipts_by_time", receipts.c.created_at)

enrollments = Table(
    "enrollments",
    metadata,
    Column("id", String, primary_key=True),
    Column("application_id", String, nullable=False),
    Column("user", String, nullable=False),
    Column("state", LargeBinary, nullable=False),
)
Index("enrollments_by_user", enrollments.c.application_id, enrollments.c.user, unique=True)

phones = Table(
    "phones",
    metadata,
    Column("id", String, primary_key=True),
    Column("enrollment_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("number_fingerprint", LargeBinary, nullable=False),
    Column("sealed_number", LargeBinary, nullable=False),
    Column("verified_at", BigInteger),
    Column("replaces", String),
)
Index("phones_by_enrollment", phones.c.enrollment_id)
Index("phones_by_number", phones.c.number_fingerprint)

stop_list = Table(
    "stop_list",
    metadata,
    Column("number_fingerprint", LargeBinary, primary_key=True),
    Column("reason", String, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

opt_outs = Table(
    "opt_outs",
    metadata,
    Column("number_fingerprint", LargeBinary, primary_key=True),
    Column("sender", String, primary_key=True),
    Column("reason", String, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

daily_counts = Table(
    "daily_counts",
    metadata,
    Column("day", String, primary_key=True),
    Column("application_id", String, primary_key=True),
    Column("channel", String, primary_key=True),
    Column("outcome", String, primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

marks = Table(
    "marks",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
    sqlite_with_rowid=False,
)

portal_links = Table(
    "portal_links",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("enrollment_id", String, nullable=False),
    Column("page", String, nullable=False),
    Column("return_url", String),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    sqlite_with_rowid=False,
)
Index("portal_links_by_enrollment", portal_links.c.enrollment_id)
Index("portal_links_by_time", portal_links.c.expires_at)

portal_sessions = Table(
    "portal_sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("enrollment_id", String, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
Index("portal_sessions_by_enrollment", portal_sessions.c.enrollment_id)
Index("portal_sessions_by_time", portal_sessions.c.expires_at)
