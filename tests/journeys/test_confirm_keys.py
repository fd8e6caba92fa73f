"""Which key confirms: the pages and the calls say the same one."""

import msgspec
from support.network import OURS, PhoneNetwork, said
from support.people import OFFICE, OFFICE_NUMBER, enroll
from support.portal import portal_at
from support.visitor import visitor
from support.world import LIMITS, world_at

from gateway.settings.channels import Voice


async def test_the_pages_say_the_key_that_the_calls_ask_for(tmp_path):
    async with portal_at(tmp_path, voice=Voice(OURS, confirm_key="7")) as portal, visitor(portal) as guest:
        person = await portal.person()
        await guest.open(await portal.link(person))
        fields = {"kind": "authentication", "country": "US", "number": person.national, "channel": "call"}
        await guest.post("/portal/enroll", **fields)
        page = await guest.get("/portal/verify")
        assert "Answer it and press the 7 key" in page.text
        assert '<kbd class="pound">7</kbd>' in page.text
        sid = await portal.network.answered(person.number)
        assert "press the 7 key" in said(await portal.network.asked(1, person.number))[-1]
        await portal.network.hang_up(sid, person.number)
        listed = await portal.integrator.ask("GET", f"/v1/verifications?to=%2B{person.number[1:]}")
        await portal.integrator.finished(listed.body["data"][0]["id"])
        assert "The call ended before you pressed the 7 key." in (await guest.get("/portal/help")).text


PATIENT = msgspec.structs.replace(LIMITS, silent_prompts_per_call=100)


async def silence_passes(network: PhoneNetwork) -> list[str]:
    """Let a call wait for keys in vain until it has asked anew, and return what it said."""
    await network.speed(1000)
    await network.handset_when(lambda kept: len(said(kept["calls"][-1])) > 1, OFFICE_NUMBER)
    await network.speed(0)
    return said(await network.asked(2, OFFICE_NUMBER))


async def test_a_desk_phone_that_keeps_pound_to_itself_is_enrolled_by_a_digit_and_called_with_it(tmp_path):
    async with world_at(tmp_path, limits=PATIENT) as world:
        alice, network = await enroll(world), world.network
        await network.persona("desk_phone", OFFICE_NUMBER)
        offered = (await alice.offer(OFFICE, "call", kind="office")).body
        sid = await network.answered(OFFICE_NUMBER)
        await network.press(sid, "#", OFFICE_NUMBER)
        heard = await silence_passes(network)
        assert "press the pound key" in heard[0]
        assert heard[1].startswith("We did not receive a key.")
        assert "press the 5 key" in heard[1]
        await network.press(sid, "5", OFFICE_NUMBER)
        assert (await world.integrator.finished(offered["verification"]["id"]))["assurance"] == "presence"
        [phone] = (await alice.record())["phones"]
        assert (phone["status"], phone["confirm_key"]) == ("verified", "5")
        await network.call_over(OFFICE_NUMBER)
        made = (await alice.sign_in()).body
        sid = await network.answered(OFFICE_NUMBER)
        assert "press the 5 key" in said((await network.handset(OFFICE_NUMBER))["calls"][-1])[0]
        await network.press(sid, "5", OFFICE_NUMBER)
        assert (await world.integrator.finished(made["id"]))["status"] == "approved"


async def test_the_page_asks_for_the_digit_as_soon_as_the_call_does(tmp_path):
    async with portal_at(tmp_path, limits=PATIENT) as portal, visitor(portal) as guest:
        person, network = await portal.person(), portal.network
        await guest.open(await portal.link(person))
        fields = {"kind": "office", "country": "US", "number": OFFICE["number"], "channel": "call"}
        await guest.post("/portal/enroll", **fields, extension="")
        assert "Answer it and press #" in (await guest.get("/portal/verify")).text
        sid = await network.answered(OFFICE_NUMBER)
        await silence_passes(network)
        assert "Answer it and press the 5 key" in (await guest.get("/portal/verify")).text
        shown = await guest.get("/portal/verify/state?revision=1")
        assert (shown.headers["Poundkey-Shape"], "then press the 5 key" in shown.text) == ("call 5", True)
        await network.press(sid, "5", OFFICE_NUMBER)
