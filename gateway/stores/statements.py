"""The SQL of the store, by name. `?` marks are SQLite's; the words are those that PostgreSQL shares."""

INSERT_VERIFICATION = """
INSERT INTO verifications (id, application_id, number_fingerprint, sealed_number, status, due_at, state)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
UPDATE_VERIFICATION = "UPDATE verifications SET status = ?, due_at = ?, state = ? WHERE id = ?"
SELECT_VERIFICATION = "SELECT state, sealed_number FROM verifications WHERE id = ?"
LIST_VERIFICATIONS = "SELECT id, state, sealed_number FROM verifications WHERE {where} ORDER BY id DESC LIMIT ?"
DUE_VERIFICATIONS = "SELECT id FROM verifications WHERE due_at <= ? ORDER BY due_at LIMIT ?"

SELECT_TALLY = "SELECT state FROM tallies WHERE number_fingerprint = ?"
UPSERT_TALLY = """
INSERT INTO tallies (number_fingerprint, state, updated_at) VALUES (?, ?, ?)
ON CONFLICT (number_fingerprint) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at
"""
PURGE_TALLIES = "DELETE FROM tallies WHERE updated_at < ?"

INSERT_ENTRIES = "INSERT INTO journal (subject_id, sequence, at, entries) VALUES (?, ?, ?, ?)"
DELETE_ENTRIES = "DELETE FROM journal WHERE subject_id = ?"
SELECT_ENTRIES = "SELECT sequence, at, entries FROM journal WHERE subject_id = ? ORDER BY sequence"

INSERT_SEND = "INSERT INTO sends (attempt_id, verification_id, stage, act_at) VALUES (?, ?, 'queued', ?)"
CLAIM_SEND = (
    "UPDATE sends SET stage = 'sending', act_at = ?, tries = tries + 1 WHERE attempt_id = ? AND stage = 'queued'"
)
MOVE_SEND = "UPDATE sends SET stage = ?, act_at = ? WHERE attempt_id = ?"
DELETE_SEND = "DELETE FROM sends WHERE attempt_id = ?"
DUE_SENDS = "SELECT attempt_id, verification_id, stage, tries FROM sends WHERE act_at <= ? ORDER BY act_at LIMIT ?"

SELECT_RECEIPT = "SELECT request_digest, sealed_answer FROM receipts WHERE key = ?"
INSERT_RECEIPT = "INSERT INTO receipts (key, request_digest, sealed_answer, created_at) VALUES (?, ?, ?, ?)"
PURGE_RECEIPTS = "DELETE FROM receipts WHERE created_at < ?"

INSERT_ENROLLMENT = """INSERT INTO enrollments (id, application_id, "user", state) VALUES (?, ?, ?, ?)"""
UPDATE_ENROLLMENT = "UPDATE enrollments SET state = ? WHERE id = ?"
SELECT_ENROLLMENT = "SELECT state FROM enrollments WHERE id = ?"
SELECT_ENROLLMENT_OF = """SELECT id, state FROM enrollments WHERE application_id = ? AND "user" = ?"""
DELETE_ENROLLMENT = "DELETE FROM enrollments WHERE id = ?"
SELECT_PHONES = """
SELECT id, kind, sealed_number, verified_at, replaces FROM phones WHERE enrollment_id = ? ORDER BY id
"""
UPSERT_PHONE = """
INSERT INTO phones (id, enrollment_id, kind, number_fingerprint, sealed_number, verified_at, replaces)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, verified_at = excluded.verified_at, replaces = excluded.replaces
"""
DELETE_PHONE = "DELETE FROM phones WHERE id = ?"
DELETE_PHONES = "DELETE FROM phones WHERE enrollment_id = ?"
COUNT_SHARERS = """
SELECT COUNT(DISTINCT p.enrollment_id) FROM phones p JOIN enrollments e ON e.id = p.enrollment_id
WHERE p.number_fingerprint = ? AND p.enrollment_id <> ? AND e.application_id = ?
"""

INSERT_NOTICE = """
INSERT INTO notices (id, enrollment_id, kind, sealed_number, created_at, act_at) VALUES (?, ?, ?, ?, ?, ?)
"""
DUE_NOTICES = """
SELECT n.id, n.kind, n.sealed_number, n.created_at, a.name, e.id, e.state
FROM notices n JOIN enrollments e ON e.id = n.enrollment_id JOIN applications a ON a.id = e.application_id
WHERE n.act_at <= ? ORDER BY n.act_at LIMIT ?
"""
CLAIM_NOTICE = "UPDATE notices SET act_at = ? WHERE id = ? AND act_at <= ?"
DELETE_NOTICE = "DELETE FROM notices WHERE id = ?"

INSERT_LINK = """
INSERT INTO portal_links (digest, enrollment_id, page, return_url, expires_at) VALUES (?, ?, ?, ?, ?)
"""
SELECT_LINK = "SELECT enrollment_id, page, return_url, expires_at FROM portal_links WHERE digest = ?"
USE_LINK = "UPDATE portal_links SET used_at = ? WHERE digest = ? AND used_at IS NULL AND expires_at > ?"
INSERT_SESSION = "INSERT INTO portal_sessions (digest, enrollment_id, state, expires_at) VALUES (?, ?, ?, ?)"
MOVE_SESSION = "UPDATE portal_sessions SET state = ? WHERE digest = ? AND state = ?"
SELECT_SESSION = "SELECT state FROM portal_sessions WHERE digest = ?"
DELETE_SESSION = "DELETE FROM portal_sessions WHERE digest = ?"
DELETE_NOTICES_OF = "DELETE FROM notices WHERE enrollment_id = ?"
DELETE_LINKS_OF = "DELETE FROM portal_links WHERE enrollment_id = ?"
DELETE_SESSIONS_OF = "DELETE FROM portal_sessions WHERE enrollment_id = ?"
PURGE_LINKS = "DELETE FROM portal_links WHERE expires_at < ?"
PURGE_SESSIONS = "DELETE FROM portal_sessions WHERE expires_at < ?"

INSERT_APPLICATION = "INSERT INTO applications (id, name, created_at) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING"
SELECT_APPLICATION = "SELECT id, name FROM applications WHERE name = ?"
SELECT_APPLICATION_BY_ID = "SELECT id, name FROM applications WHERE id = ?"
INSERT_KEY = "INSERT INTO api_keys (id, application_id, name, digest, created_at) VALUES (?, ?, ?, ?, ?)"
SELECT_KEYS = """
SELECT k.id, a.id, a.name, k.name, k.digest, k.created_at, k.revoked_at
FROM api_keys k JOIN applications a ON a.id = k.application_id ORDER BY k.id
"""
REVOKE_KEY = "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, ?) WHERE id = ?"

SELECT_REVISION = "SELECT version_num FROM alembic_version"
