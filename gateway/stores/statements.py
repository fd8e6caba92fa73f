"""The SQL of the stores, by name, in words that SQLite and PostgreSQL share; `?` marks stand for values."""

INSERT_VERIFICATION = """
INSERT INTO verifications (id, application_id, number_fingerprint, sealed_number, status, due_at, state)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
UPDATE_VERIFICATION = "UPDATE verifications SET status = ?, due_at = ?, state = ? WHERE id = ?"
SELECT_VERIFICATION = "SELECT state, sealed_number FROM verifications WHERE id = ?"
RECENT_OF_NUMBER = "SELECT id FROM verifications WHERE number_fingerprint = ? ORDER BY id DESC LIMIT ?"
LIST_VERIFICATIONS = "SELECT id, state, sealed_number FROM verifications WHERE {where} ORDER BY id DESC LIMIT ?"
DUE_VERIFICATIONS = "SELECT id FROM verifications WHERE due_at <= ? ORDER BY due_at LIMIT ?"

SELECT_TALLY = "SELECT state, updated_at FROM tallies WHERE number_fingerprint = ?"
SELECT_TALLY_OF_NUMBER = """
SELECT
  (SELECT state FROM tallies WHERE number_fingerprint = ?),
  EXISTS (SELECT 1 FROM stop_list WHERE number_fingerprint = ?)
"""
INSERT_TALLY = "INSERT INTO tallies (state, updated_at, number_fingerprint) VALUES (?, ?, ?)"
UPDATE_TALLY = "UPDATE tallies SET state = ?, updated_at = ? WHERE number_fingerprint = ?"
DELETE_TALLY = "DELETE FROM tallies WHERE number_fingerprint = ?"

INSERT_ENTRIES = "INSERT INTO journal (subject_id, sequence, at, entries) VALUES (?, ?, ?, ?)"
DELETE_ENTRIES = "DELETE FROM journal WHERE subject_id = ?"
MOVE_ENTRIES = "UPDATE journal SET subject_id = ? WHERE subject_id = ?"
LAST_ENTRY = "SELECT COALESCE(MAX(sequence), 0) FROM journal WHERE subject_id = ?"
SELECT_ENTRIES = "SELECT sequence, at, entries FROM journal WHERE subject_id = ? ORDER BY sequence"

INSERT_SEND = "INSERT INTO sends (attempt_id, verification_id, stage, act_at) VALUES (?, ?, 'queued', ?)"
CLAIM_SEND = (
    "UPDATE sends SET stage = 'sending', act_at = ?, tries = tries + 1 WHERE attempt_id = ? AND stage = 'queued'"
)
MOVE_SEND = "UPDATE sends SET stage = ?, act_at = ?, tries = ? WHERE attempt_id = ? AND stage = COALESCE(?, stage)"
SETTLE_SEND = "DELETE FROM sends WHERE attempt_id = ? AND stage = 'settling'"
HANG_UP_SEND = "UPDATE sends SET stage = 'hanging_up', act_at = ? WHERE attempt_id = ? AND stage = 'settling'"
DELETE_SEND = "DELETE FROM sends WHERE attempt_id = ? AND stage = COALESCE(?, stage)"
DUE_SENDS = """
SELECT attempt_id, verification_id, stage, tries FROM sends
WHERE stage IN ({marks}) AND act_at <= ? ORDER BY act_at LIMIT ?
"""

INSERT_STOPPED = """
INSERT INTO stop_list (number_fingerprint, reason, added_at) VALUES (?, ?, ?)
ON CONFLICT (number_fingerprint) DO NOTHING
"""
DELETE_STOPPED = "DELETE FROM stop_list WHERE number_fingerprint = ?"
SELECT_STOPPED = "SELECT number_fingerprint, reason, added_at FROM stop_list ORDER BY added_at"
SELECT_STOP = "SELECT reason, added_at FROM stop_list WHERE number_fingerprint = ?"
IS_STOPPED = "SELECT 1 FROM stop_list WHERE number_fingerprint = ?"

INSERT_OPT_OUT = """
INSERT INTO opt_outs (number_fingerprint, sender, reason, added_at) VALUES (?, ?, ?, ?)
ON CONFLICT (number_fingerprint, sender) DO NOTHING
"""
WANTS_NO_TEXTS = """
SELECT 1 FROM opt_outs WHERE number_fingerprint = ? AND sender = ?
UNION ALL SELECT 1 FROM stop_list WHERE number_fingerprint = ?
"""
SELECT_OPT_OUTS = "SELECT sender, reason, added_at FROM opt_outs WHERE number_fingerprint = ?"
DELETE_OPT_OUT = "DELETE FROM opt_outs WHERE number_fingerprint = ? AND sender = ?"

SELECT_RECEIPT = "SELECT request_digest, sealed_answer FROM receipts WHERE key = ?"
INSERT_RECEIPT = "INSERT INTO receipts (key, request_digest, sealed_answer, created_at) VALUES (?, ?, ?, ?)"

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
SELECT_PERSON = """
SELECT e.id, e.state, p.id, p.kind, p.sealed_number, p.verified_at, p.replaces
FROM enrollments e LEFT JOIN phones p ON p.enrollment_id = e.id WHERE e.{by} ORDER BY p.id
"""
COUNT_SHARERS = """
SELECT COUNT(DISTINCT p.enrollment_id) FROM phones p JOIN enrollments e ON e.id = p.enrollment_id
WHERE p.number_fingerprint = ? AND p.enrollment_id <> ? AND e.application_id = ? AND p.verified_at IS NOT NULL
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

INSERT_APPLICATION = "INSERT INTO applications (id, name, created_at) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING"
SELECT_APPLICATION = "SELECT id, name FROM applications WHERE name = ?"
SELECT_APPLICATION_BY_ID = "SELECT id, name FROM applications WHERE id = ?"
INSERT_KEY = "INSERT INTO api_keys (id, application_id, name, digest, created_at) VALUES (?, ?, ?, ?, ?)"
SELECT_KEYS = """
SELECT k.id, a.id, a.name, k.name, k.digest, k.created_at, k.revoked_at
FROM api_keys k JOIN applications a ON a.id = k.application_id ORDER BY k.id
"""
REVOKE_KEY = "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, ?) WHERE id = ?"

AGED_RECEIPTS = "SELECT key FROM receipts WHERE created_at < ? ORDER BY created_at LIMIT ?"
AGED_LINKS = "SELECT digest FROM portal_links WHERE expires_at < ? ORDER BY expires_at LIMIT ?"
AGED_SESSIONS = "SELECT digest FROM portal_sessions WHERE expires_at < ? ORDER BY expires_at LIMIT ?"
DELETE_RECEIPT = "DELETE FROM receipts WHERE key = ?"
DELETE_LINK = "DELETE FROM portal_links WHERE digest = ?"
PURGE_TALLIES = "DELETE FROM tallies WHERE number_fingerprint > ? AND number_fingerprint <= ? AND updated_at < ?"

INSERT_MARK = "INSERT INTO marks (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
SELECT_MARK = "SELECT value FROM marks WHERE name = ?"
MOVE_MARK = "UPDATE marks SET value = ? WHERE name = ?"
SELECT_AGED = """
SELECT id, application_id, status, state FROM verifications WHERE id > ? AND id < ? ORDER BY id LIMIT ?
"""
WIPE_NUMBER = "UPDATE verifications SET number_fingerprint = ?, sealed_number = ? WHERE id = ?"
REPLACE_STATE = "UPDATE verifications SET state = ? WHERE id = ? AND state = ?"
DELETE_VERIFICATION = "DELETE FROM verifications WHERE id = ?"
ADD_TO_COUNT = """
INSERT INTO daily_counts (day, application_id, channel, outcome, count) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (day, application_id, channel, outcome) DO UPDATE SET count = daily_counts.count + excluded.count
"""

PAGE_VERIFICATIONS = """
SELECT id, sealed_number, number_fingerprint FROM verifications WHERE id > ? ORDER BY id LIMIT ?
"""
PAGE_PHONES = "SELECT id, sealed_number, number_fingerprint FROM phones WHERE id > ? ORDER BY id LIMIT ?"
PAGE_NOTICES = "SELECT id, sealed_number FROM notices WHERE id > ? ORDER BY id LIMIT ?"
PAGE_RECEIPTS = "SELECT key, sealed_answer FROM receipts WHERE key > ? ORDER BY key LIMIT ?"
PAGE_PENDING = "SELECT id, state FROM verifications WHERE due_at IS NOT NULL AND id > ? ORDER BY id LIMIT ?"
PAGE_SESSIONS = "SELECT digest, state FROM portal_sessions WHERE digest > ? ORDER BY digest LIMIT ?"
PAGE_ENROLLMENTS = "SELECT id, state FROM enrollments WHERE id > ? ORDER BY id LIMIT ?"
PAGE_TALLIES = """
SELECT number_fingerprint FROM tallies WHERE number_fingerprint > ? ORDER BY number_fingerprint LIMIT ?
"""
PAGE_STOPPED = """
SELECT number_fingerprint FROM stop_list WHERE number_fingerprint > ? ORDER BY number_fingerprint LIMIT ?
"""
PAGE_OPT_OUTS = """
SELECT DISTINCT number_fingerprint FROM opt_outs
WHERE number_fingerprint > ? ORDER BY number_fingerprint LIMIT ?
"""
RENEW_VERIFICATION = """
UPDATE verifications SET sealed_number = ?, number_fingerprint = ? WHERE id = ? AND sealed_number = ?
"""
RENEW_PHONE = "UPDATE phones SET sealed_number = ?, number_fingerprint = ? WHERE id = ? AND sealed_number = ?"
RESEAL_NOTICE = "UPDATE notices SET sealed_number = ? WHERE id = ? AND sealed_number = ?"
RESEAL_RECEIPT = "UPDATE receipts SET sealed_answer = ? WHERE key = ? AND sealed_answer = ?"
SELECT_PHONES_AT = "SELECT enrollment_id, id FROM phones WHERE number_fingerprint = ?"
DOUBT_SENDS = "UPDATE sends SET stage = 'unknown', act_at = ? WHERE stage IN ('queued', 'sending')"
DELETE_NOTICES_BEFORE = "DELETE FROM notices WHERE created_at < ?"
IS_KEPT = """
SELECT 1 WHERE EXISTS (SELECT 1 FROM tallies WHERE number_fingerprint = ?)
OR EXISTS (SELECT 1 FROM stop_list WHERE number_fingerprint = ?)
OR EXISTS (SELECT 1 FROM opt_outs WHERE number_fingerprint = ?)
"""

SELECT_REVISION = "SELECT version_num FROM alembic_version"
