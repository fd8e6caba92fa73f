"""The SQL of the stores, by name, each statement with its batch form (`gateway.stores.statement`)."""

from functools import cache

from gateway.stores.statement import Statement, delete, insert, marks, select, update

# Verifications.
INSERT_VERIFICATION = insert(
    "verifications", "id, application_id, number_fingerprint, sealed_number, status, due_at, state"
)
UPDATE_VERIFICATION = update("verifications", "status = ?, due_at = ?, state = ?", "id = ?")
SELECT_VERIFICATION = select("SELECT state, sealed_number FROM verifications WHERE id = ? {lock}", owns="verification")
"""The state of a verification, for a change of it."""
RECENT_OF_NUMBER = select("SELECT id FROM verifications WHERE number_fingerprint = ? ORDER BY id DESC LIMIT ?")
"""The latest verifications of a number, by their time-ordered ids."""


@cache
def list_verifications(*, application: bool, numbers: int, status: bool, after: bool) -> Statement:
    """Select a page of verifications, newest first, narrowed by what is given; the last value is the limit."""
    conditions = [
        *(["application_id = ?"] if application else []),
        *([f"number_fingerprint IN ({marks(numbers)})"] if numbers else []),
        *(["status = ?"] if status else []),
        *(["id < ?"] if after else []),
    ]
    where = " AND ".join(conditions) or "TRUE"
    return select(f"SELECT id, state, sealed_number FROM verifications WHERE {where} ORDER BY id DESC LIMIT ?")  # noqa: S608 - our own conditions


DUE_VERIFICATIONS = select("SELECT id FROM verifications WHERE due_at <= ? ORDER BY due_at LIMIT ?")
CLAIM_DUE_VERIFICATIONS = Statement(
    """
UPDATE verifications SET due_at = ? WHERE id IN (
  SELECT id FROM verifications WHERE due_at <= ? ORDER BY due_at LIMIT ? FOR UPDATE SKIP LOCKED
) RETURNING id
""",
    writes=True,
)
"""PostgreSQL's: what is due is shared out among the gateways, row by row."""
ERASE_NUMBER = update("verifications", "number_fingerprint = ?, sealed_number = ?", "id = ?")
REPLACE_STATE = update("verifications", "state = ?", "id = ? AND state = ?")
"""Changes nothing where the state is another by now."""
DELETE_VERIFICATION = delete("verifications", "id = ?")

# The journal: one row a change, with the sequence of its first entry.
INSERT_ENTRIES = insert("journal", "subject_id, sequence, at, entries")
DELETE_ENTRIES = delete("journal", "subject_id = ?")
MOVE_ENTRIES = update("journal", "subject_id = ?", "subject_id = ?")
LAST_ENTRY = select("SELECT COALESCE(MAX(sequence), 0) FROM journal WHERE subject_id = ?", owns="journal")
SELECT_ENTRIES = select("SELECT sequence, at, entries FROM journal WHERE subject_id = ? ORDER BY sequence")

# Rate counters, by the fingerprint of a number or another keyed digest.
SELECT_COUNTERS = select(
    "SELECT state, updated_at FROM tallies WHERE number_fingerprint = ? {lock}", owns="rate_counters"
)
SELECT_COUNTERS_OF_NUMBER = select(
    """
SELECT
  (SELECT state FROM tallies WHERE number_fingerprint = ? {lock}),
  EXISTS (SELECT 1 FROM stop_list WHERE number_fingerprint = ?)
""",
    owns="rate_counters",
)
"""The counters of a number, and whether it is on the suppression list."""
INSERT_COUNTERS = insert("tallies", "state, updated_at, number_fingerprint")
UPDATE_COUNTERS = update("tallies", "state = ?, updated_at = ?", "number_fingerprint = ?")
DELETE_COUNTERS = delete("tallies", "number_fingerprint = ?")

# The outbox: attempts of verifications, and notifications to people.
INSERT_ATTEMPT = insert("outbox", "id, kind, subject_id, state, act_at, created_at", "?, 'attempt', ?, 'queued', ?, ?")
INSERT_NOTIFICATION = insert(
    "outbox",
    "id, kind, subject_id, notice_kind, sealed_number, state, act_at, created_at",
    "?, 'notification', ?, ?, ?, 'queued', ?, ?",
)
CLAIM_OUTBOX_ENTRY = update("outbox", "state = 'sending', act_at = ?, tries = tries + 1", "id = ? AND state = 'queued'")
UPDATE_OUTBOX_ENTRY = update("outbox", "state = ?, act_at = ?, tries = ?", "id = ? AND state = COALESCE(?, state)")
"""The last value is the state in which it must be; NULL for any."""
DELETE_OUTBOX_ENTRY = delete("outbox", "id = ? AND state = COALESCE(?, state)")
"""The last value is the state in which it must be; NULL for any."""
SETTLE_ATTEMPT = delete("outbox", "id = ? AND state = 'settling'")
"""The provider has said its last word."""
HANG_UP_ATTEMPT = update("outbox", "state = 'hanging_up', act_at = ?", "id = ? AND state = 'settling'")
"""The call is no longer needed."""
_ENTRY = "id, kind, subject_id, state, tries, created_at"


@cache
def due_outbox(states: int) -> Statement:
    """Select the entries of a kind, in so many states, whose time has come."""
    return select(f"""
SELECT {_ENTRY} FROM outbox
WHERE kind = ? AND state IN ({marks(states)}) AND act_at <= ? ORDER BY act_at LIMIT ?
""")  # noqa: S608 - only marks


@cache
def claim_due_outbox(states: int) -> Statement:
    """Share out the entries of a kind, in so many states, whose time has come; PostgreSQL's."""
    text = f"""
UPDATE outbox SET act_at = ? WHERE id IN (
  SELECT id FROM outbox WHERE kind = ? AND state IN ({marks(states)}) AND act_at <= ? ORDER BY act_at LIMIT ?
  FOR UPDATE SKIP LOCKED
) RETURNING {_ENTRY}
"""  # noqa: S608 - only marks
    return Statement(text, writes=True)


@cache
def count_attempts(states: int) -> Statement:
    """Count the attempts in so many states, and select the oldest."""
    return select(f"SELECT COUNT(*), MIN(id) FROM outbox WHERE kind = 'attempt' AND state IN ({marks(states)})")  # noqa: S608 - only marks


SELECT_OUTBOX_CREATION = select("SELECT created_at FROM outbox WHERE id = ?")
SELECT_NOTIFICATION = select("""
SELECT o.notice_kind, o.sealed_number, a.name, e.state
FROM outbox o JOIN enrollments e ON e.id = o.subject_id JOIN applications a ON a.id = e.application_id
WHERE o.id = ? AND o.kind = 'notification'
""")
QUESTION_ATTEMPTS = update(
    "outbox", "state = 'unknown', act_at = ?", "kind = 'attempt' AND state IN ('queued', 'sending')"
)
"""After a restore: what is here may have gone out since the backup."""
DELETE_NOTIFICATIONS_OF = delete("outbox", "kind = 'notification' AND subject_id = ?")
DELETE_NOTIFICATIONS_BEFORE = delete("outbox", "kind = 'notification' AND created_at < ?")

# The suppression list, and opt-outs from single senders.
INSERT_SUPPRESSION = insert(
    "stop_list", "number_fingerprint, reason, added_at", conflict="(number_fingerprint) DO NOTHING"
)
DELETE_SUPPRESSION = delete("stop_list", "number_fingerprint = ?")
SELECT_SUPPRESSIONS = select("SELECT number_fingerprint, reason, added_at FROM stop_list ORDER BY added_at")
SELECT_SUPPRESSION = select("SELECT reason, added_at FROM stop_list WHERE number_fingerprint = ?")
IS_SUPPRESSED = select("SELECT 1 FROM stop_list WHERE number_fingerprint = ?", owns="stopped")
INSERT_OPT_OUT = insert(
    "opt_outs",
    "number_fingerprint, sender, reason, added_at",
    conflict="(number_fingerprint, sender) DO NOTHING",
)
IS_OPTED_OUT = select("""
SELECT 1 FROM opt_outs WHERE number_fingerprint = ? AND sender = ?
UNION ALL SELECT 1 FROM stop_list WHERE number_fingerprint = ?
""")
SELECT_OPT_OUTS = select("SELECT sender, reason, added_at FROM opt_outs WHERE number_fingerprint = ?")
DELETE_OPT_OUT = delete("opt_outs", "number_fingerprint = ? AND sender = ?")
HAS_NUMBER = select("""
SELECT 1 WHERE EXISTS (SELECT 1 FROM tallies WHERE number_fingerprint = ?)
OR EXISTS (SELECT 1 FROM stop_list WHERE number_fingerprint = ?)
OR EXISTS (SELECT 1 FROM opt_outs WHERE number_fingerprint = ?)
""")
"""Whether anything is stored under a fingerprint that another one may take over."""

# Responses by Idempotency-Key.
SELECT_RESPONSE = select("SELECT request_digest, sealed_answer FROM receipts WHERE key = ?", owns="receipt")
INSERT_RESPONSE = insert("receipts", "key, request_digest, sealed_answer, created_at")
DELETE_RESPONSE = delete("receipts", "key = ?")

# Enrollments and their phones.
INSERT_ENROLLMENT = insert("enrollments", 'id, application_id, "user", state')
UPDATE_ENROLLMENT = update("enrollments", "state = ?", "id = ?")
SELECT_ENROLLMENT = select("SELECT state FROM enrollments WHERE id = ? {lock}", owns="enrollment")
SELECT_ENROLLMENT_OF = select('SELECT id, state FROM enrollments WHERE application_id = ? AND "user" = ?', owns="user")
DELETE_ENROLLMENT = delete("enrollments", "id = ?")
SELECT_PHONES = select(
    "SELECT id, kind, sealed_number, verified_at, replaces FROM phones WHERE enrollment_id = ? ORDER BY id"
)
UPSERT_PHONE = insert(
    "phones",
    "id, enrollment_id, kind, number_fingerprint, sealed_number, verified_at, replaces",
    conflict="(id) DO UPDATE SET kind = excluded.kind, verified_at = excluded.verified_at, "
    "replaces = excluded.replaces",
)
DELETE_PHONE = delete("phones", "id = ?")
DELETE_PHONES = delete("phones", "enrollment_id = ?")
SELECT_PHONES_AT = select("SELECT enrollment_id, id FROM phones WHERE number_fingerprint = ?")
_PERSON = """
SELECT e.id, e.state, p.id, p.kind, p.sealed_number, p.verified_at, p.replaces
FROM enrollments e LEFT JOIN phones p ON p.enrollment_id = e.id WHERE
"""
PERSON_BY_ID = select(f"{_PERSON} e.id = ? ORDER BY p.id")
"""Record and phones in one statement, so that no commit can fall between them."""
PERSON_BY_USER = select(f'{_PERSON} e.application_id = ? AND e."user" = ? ORDER BY p.id')
COUNT_SHARERS = select("""
SELECT COUNT(DISTINCT p.enrollment_id) FROM phones p JOIN enrollments e ON e.id = p.enrollment_id
WHERE p.number_fingerprint = ? AND p.enrollment_id <> ? AND e.application_id = ? AND p.verified_at IS NOT NULL
""")
"""The other people of an application who have proven a number."""

# Portal links and sessions.
INSERT_LINK = insert("portal_links", "digest, enrollment_id, page, return_url, expires_at")
SELECT_LINK = select("SELECT enrollment_id, page, return_url, expires_at FROM portal_links WHERE digest = ?")
USE_LINK = update("portal_links", "used_at = ?", "digest = ? AND used_at IS NULL AND expires_at > ?")
"""Changes nothing where it is used, or past its time."""
DELETE_LINK = delete("portal_links", "digest = ?")
DELETE_LINKS_OF = delete("portal_links", "enrollment_id = ?")
INSERT_SESSION = insert("portal_sessions", "digest, enrollment_id, state, expires_at")
SELECT_SESSION = select("SELECT state FROM portal_sessions WHERE digest = ?")
MOVE_SESSION = update("portal_sessions", "state = ?", "digest = ? AND state = ?")
"""Changes nothing where the state is another by now."""
DELETE_SESSION = delete("portal_sessions", "digest = ?")
DELETE_SESSIONS_OF = delete("portal_sessions", "enrollment_id = ?")

# Applications and their API keys.
INSERT_APPLICATION = insert("applications", "id, name, created_at", conflict="(name) DO NOTHING")
SELECT_APPLICATION = select("SELECT id, name FROM applications WHERE name = ?", owns="application")
SELECT_APPLICATION_BY_ID = select("SELECT id, name FROM applications WHERE id = ?")
SELECT_APPLICATION_NAMES = select("SELECT name FROM applications ORDER BY name")
INSERT_KEY = insert("api_keys", "id, application_id, name, digest, created_at")
SELECT_KEYS = select("""
SELECT k.id, a.id, a.name, k.name, k.digest, k.created_at, k.revoked_at
FROM api_keys k JOIN applications a ON a.id = k.application_id ORDER BY k.id
""")
REVOKE_KEY = update("api_keys", "revoked_at = COALESCE(revoked_at, ?)", "id = ?")

# Retention: the oldest rows, and how far each walk has come.
OLD_RESPONSES = select("SELECT key FROM receipts WHERE created_at < ? ORDER BY created_at LIMIT ?")
OLD_LINKS = select("SELECT digest FROM portal_links WHERE expires_at < ? ORDER BY expires_at LIMIT ?")
OLD_SESSIONS = select("SELECT digest FROM portal_sessions WHERE expires_at < ? ORDER BY expires_at LIMIT ?")
DELETE_OLD_COUNTERS = delete("tallies", "number_fingerprint > ? AND number_fingerprint <= ? AND updated_at < ?")
SELECT_OLD_VERIFICATIONS = select(
    "SELECT id, application_id, status, state FROM verifications WHERE id > ? AND id < ? ORDER BY id LIMIT ?"
)
INSERT_CURSOR = insert("marks", "name, value", conflict="(name) DO NOTHING")
SELECT_CURSOR = select("SELECT value FROM marks WHERE name = ? {lock}", owns="mark")
MOVE_CURSOR = update("marks", "value = ?", "name = ?")
ADD_TO_COUNT = insert(
    "daily_counts",
    "day, application_id, channel, outcome, count",
    conflict="(day, application_id, channel, outcome) DO UPDATE SET count = daily_counts.count + excluded.count",
)
SELECT_DAILY_COUNTS = select("""
SELECT c.day, COALESCE(a.name, c.application_id), c.channel, c.outcome, c.count
FROM daily_counts c LEFT JOIN applications a ON a.id = c.application_id
WHERE c.day >= ? AND c.day <= ? AND c.application_id = COALESCE(?, c.application_id)
ORDER BY c.day, 2, c.channel, c.outcome
""")

# Pages of tables, each row beginning with its key, for the commands that go through all of them.
PAGE_VERIFICATIONS = select(
    "SELECT id, sealed_number, number_fingerprint FROM verifications WHERE id > ? ORDER BY id LIMIT ?"
)
PAGE_PENDING = select("SELECT id, state FROM verifications WHERE due_at IS NOT NULL AND id > ? ORDER BY id LIMIT ?")
PAGE_PHONES = select("SELECT id, sealed_number, number_fingerprint FROM phones WHERE id > ? ORDER BY id LIMIT ?")
PAGE_ENROLLMENTS = select("SELECT id, state FROM enrollments WHERE id > ? ORDER BY id LIMIT ?")
PAGE_ENROLLMENTS_NAMED = select("""
SELECT e.id, e.state, a.name FROM enrollments e JOIN applications a ON a.id = e.application_id
WHERE e.id > ? ORDER BY e.id LIMIT ?
""")
PHONES_BETWEEN = select("""
SELECT enrollment_id, id, kind, sealed_number, verified_at, replaces FROM phones
WHERE enrollment_id BETWEEN ? AND ? ORDER BY enrollment_id, id
""")
PAGE_NOTIFICATIONS = select(
    "SELECT id, sealed_number FROM outbox WHERE kind = 'notification' AND id > ? ORDER BY id LIMIT ?"
)
PAGE_RESPONSES = select("SELECT key, sealed_answer FROM receipts WHERE key > ? ORDER BY key LIMIT ?")
PAGE_SESSIONS = select("SELECT digest, state FROM portal_sessions WHERE digest > ? ORDER BY digest LIMIT ?")
PAGE_COUNTERS = select(
    "SELECT number_fingerprint FROM tallies WHERE number_fingerprint > ? ORDER BY number_fingerprint LIMIT ?"
)
PAGE_SUPPRESSIONS = select(
    "SELECT number_fingerprint FROM stop_list WHERE number_fingerprint > ? ORDER BY number_fingerprint LIMIT ?"
)
PAGE_OPT_OUTS = select("""
SELECT DISTINCT number_fingerprint FROM opt_outs
WHERE number_fingerprint > ? ORDER BY number_fingerprint LIMIT ?
""")

# Key rotation: each changes nothing where the seal is another by now.
RENEW_VERIFICATION = update(
    "verifications", "sealed_number = ?, number_fingerprint = ?", "id = ? AND sealed_number = ?"
)
RENEW_PHONE = update("phones", "sealed_number = ?, number_fingerprint = ?", "id = ? AND sealed_number = ?")
RESEAL_NOTIFICATION = update("outbox", "sealed_number = ?", "id = ? AND sealed_number = ?")
RESEAL_RESPONSE = update("receipts", "sealed_answer = ?", "key = ? AND sealed_answer = ?")

# Migrations.
SELECT_REVISION = select("SELECT version_num FROM alembic_version")
