"""What a database of an earlier gateway holds is read as it was meant."""

import os

import msgspec
from support.verifications import NUMBER, a_new_attempt, a_request, created

from gateway.domain import commands
from gateway.domain.verification import Channel, FallbackStep, Mode, Purpose
from gateway.security.vault import Vault
from gateway.stores import rows

AT = 1_800_000_000_000
STATE = b"""{
"id":"ver_1","application_id":"app_1","application_name":"Bank","number":{"e164":""},"channel":"call","locale":"en",
"checks_left":5,"created_at":1800000000000,"updated_at":1800000000000,"expires_at":1800000600000,"mode":"match",
"enrollment_id":"enr_1","purpose":"sign_in","fraud_block_days":30,"reply_with_code":true,"call_backup":true,
"continues":"ver_0","tried":["phn_1"],"metadata":{"order":"7"},"attempts":[{"id":"att_1","token":"token",
"channel":"call","provider":"twilio","created_at":1800000000000,"updated_at":1800000000000,"mode":"match"}],
"code_digest":"ZGlnZXN0","sealed_code":"c2VhbGVk","match_digits":"42","steps":[{"channel":"sms"}],
"next_at":1800000060000,"entries":2}"""
"""What the first release stored of a verification."""


def test_a_verification_of_the_first_release_is_read_and_written_with_the_same_fields():
    request = a_request(
        "ver_1", Channel.CALL, mode=Mode.MATCH, enrollment_id="enr_1", metadata={"order": "7"}, code_digest=b"digest",
        purpose=Purpose.SIGN_IN, fraud_block_days=30, reply_with_code=True, call_backup=True, continues="ver_0",
        tried=("phn_1",), plan=commands.Plan(60, (FallbackStep(Channel.SMS),)),
    )  # fmt: skip
    new = a_new_attempt(1, Channel.CALL, Mode.MATCH, token="token", match_digits="42")
    verification = created(request, new, now=AT).verification
    vault = Vault({1: os.urandom(32)}, os.urandom(32), os.urandom(32))
    sealed = vault.seal(rows.dialled(NUMBER, None), "ver_1")
    assert rows.verification_of("ver_1", STATE, sealed, vault) == verification
    assert msgspec.json.decode(rows.verification_state(verification)) == msgspec.json.decode(STATE)
