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

INSERT_ENTRIES = "INSERT INTO journal (verification_id, sequence, at, entries) VALUES (?, ?, ?, ?)"
SELECT_ENTRIES = "SELECT sequence, at, entries FROM journal WHERE verification_id = ? ORDER BY sequence"

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
SELECT_PHONES = "SELECT id, kind, sealed_number, verified_at FROM phones WHERE enrollment_id = ? ORDER BY id"
UPSERT_PHONE = """
INSERT INTO phones (id, enrollment_id, kind, number_fingerprint, sealed_number, verified_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, verified_at = excluded.verified_at
"""

INSERT_APPLICATION = "INSERT INTO applications (id, name, created_at) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING"
SELECT_APPLICATION = "SELECT id, name FROM applications WHERE name = ?"
INSERT_KEY = "INSERT INTO api_keys (id, application_id, name, digest, created_at) VALUES (?, ?, ?, ?, ?)"
SELECT_KEYS = """
SELECT k.id, a.id, a.name, k.name, k.digest, k.created_at, k.revoked_at
FROM api_keys k JOIN applications a ON a.id = k.application_id ORDER BY k.id
"""
REVOKE_KEY = "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, ?) WHERE id = ?"

SELECT_REVISION = "SELECT version_num FROM alembic_version"
