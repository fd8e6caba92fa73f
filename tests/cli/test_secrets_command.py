"""`poundkey secrets rotate`, and what `doctor` says of keys: beside a gateway, to the end where the old ones can go."""

import asyncio

import msgspec
import pytest
from support.integrator import PHONE
from support.world import network_at, random_key, serving_at, settings_for

from gateway.cli.key_rotation import describe_keys
from gateway.settings.settings import Keys, Settings
from gateway.stores.key_rotation import KeyKind, KeyUse

SEAL_1, SEAL_2, PRINT_1, PRINT_2, CODE = (random_key() for _ in range(5))
OLD = Keys((f"1:{SEAL_1}",), PRINT_1, CODE)
BOTH = Keys((f"1:{SEAL_1}", f"2:{SEAL_2}"), f"2:{PRINT_2},1:{PRINT_1}", CODE)
NEW = Keys((f"2:{SEAL_2}",), f"2:{PRINT_2}", CODE)


def environment(settings: Settings) -> dict[str, str]:
    values = {
        "DATABASE__URL": settings.database.url,
        "SERVER__PUBLIC_URL": settings.server.public_url,
        "KEYS__SEALING": ",".join(settings.keys.sealing),
        "KEYS__FINGERPRINT": str(settings.keys.fingerprint),
        "KEYS__CODE": settings.keys.code,
        "TEXT__SENDER": settings.text.sender,
        "VOICE__CALLER": settings.voice.caller,
        "TWILIO__BASE_URL": settings.twilio.base_url,
        "TWILIO__ACCOUNT_SID": settings.twilio.account_sid,
        "TWILIO__AUTH_TOKEN": settings.twilio.auth_token,
    }
    return {f"POUNDKEY_{name}": value for name, value in values.items()}


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/poundkey.db"
    return request.getfixturevalue("postgres").database()


async def test_keys_are_replaced_beside_a_gateway(tmp_path, database, poundkey):
    async with network_at() as network:
        usual = settings_for(tmp_path, network.url)
        usual = msgspec.structs.replace(usual, database=msgspec.structs.replace(usual.database, url=database))
        async with serving_at(msgspec.structs.replace(usual, keys=OLD), network) as world:
            verification = await world.integrator.create()
            assert (await world.integrator.check(verification["id"], await network.code())).body["valid"]
        between = msgspec.structs.replace(usual, keys=BOTH)
        async with serving_at(between, network) as world:
            code, out, _ = await asyncio.to_thread(poundkey, "doctor", **environment(between))
            assert "keys.fingerprint 1 is still needed for 1 limits" in out
            code, out, err = await asyncio.to_thread(poundkey, "secrets", "rotate", **environment(between))
            assert (code, err) == (0, "")
            assert out.splitlines() == [
                "keys.sealing 2 is in use",
                "keys.sealing 1 can now be dropped",
                "keys.fingerprint 2 is in use",
                "keys.fingerprint 1 can now be dropped",
            ]
            await world.integrator.create()
        async with serving_at(msgspec.structs.replace(usual, keys=NEW), network) as world:
            store = world.gateway.store
            assert (await store.verifications.get(verification["id"])).number.e164 == PHONE


def test_what_still_needs_a_key_is_said_with_when_it_goes():
    uses = [
        KeyUse(KeyKind.SEALING, 1, {"codes under way": 3}),
        KeyUse(KeyKind.FINGERPRINT, 1, {"app passwords": 1, "limits": 2}),
        KeyUse(KeyKind.FINGERPRINT, 2, {"limits": 1}),
    ]
    lines = describe_keys(Settings(keys=BOTH), uses)
    assert lines[0::2] == ["keys.sealing 2 is in use", "keys.fingerprint 2 is in use"]
    assert lines[1] == "keys.sealing 1 is still needed for 3 codes under way (they go within limits.lifetime)"
    assert lines[3].startswith(
        "keys.fingerprint 1 is still needed for 1 app passwords (each moves when it is next used)"
    )
    assert lines[3].endswith(", 2 limits (they go within a day)")
