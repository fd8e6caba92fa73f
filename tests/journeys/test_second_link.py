"""Two links of somebody who is not enrolled yet: once one of them has led to a phone, the other adds none by a call."""

import pytest
from support.portal import portal_at
from support.visitor import visitor

FORM = {"kind": "authentication", "country": "US", "extension": ""}


async def test_a_call_begun_before_the_person_enrolled_adds_no_phone_afterwards(tmp_path):
    async with portal_at(tmp_path) as portal, visitor(portal) as owner, visitor(portal) as thief:
        person = await portal.person()
        links = [await portal.link(person), await portal.link(person)]
        await thief.open(links[0])
        await thief.post("/portal/enroll", **FORM, number="(425) 555-0199", channel="call")
        sid = await portal.network.answered("+14255550199")
        await owner.open(links[1])
        await owner.post("/portal/enroll", **FORM | {"kind": "alternate"}, number=person.national, channel="sms")
        assert (await owner.post("/portal/verify", code=await portal.code(person.number, 1))).status == 303
        await portal.network.press(sid, "#", "+14255550199")
        await portal.network.call_over("+14255550199")
        record = await portal.record(person)
        assert [phone["number"] for phone in record["phones"] if phone["status"] == "verified"] == [person.number]
        assert record["default_method"]["channel"] == "sms"


@pytest.mark.parametrize("channel", ["call", "sms"])
async def test_nor_does_a_sign_in_by_a_phone_that_was_only_named(tmp_path, channel):
    async with portal_at(tmp_path) as portal, visitor(portal) as owner, visitor(portal) as thief:
        person, number = await portal.person(), "+14255550199"
        links = [await portal.link(person), await portal.link(person)]
        await thief.open(links[0])
        await thief.post("/portal/enroll", **FORM, number="(425) 555-0199", channel="sms")
        await portal.code(number, 1)
        named = (await portal.record(person))["phones"][0]["id"]
        assert (await thief.get("/portal/sign-in")).status == 200
        assert (await thief.post("/portal/sign-in", method=f"{named}:{channel}")).location == "/portal/verify"
        await owner.open(links[1])
        await owner.post("/portal/enroll", **FORM | {"kind": "alternate"}, number=person.national, channel="sms")
        assert (await owner.post("/portal/verify", code=await portal.code(person.number, 1))).status == 303
        if channel == "call":
            await portal.network.press(await portal.network.answered(number), "#", number)
            await portal.network.call_over(number)
        else:
            await thief.post("/portal/verify", code=await portal.code(number, 2))
        record = await portal.record(person)
        assert [phone["number"] for phone in record["phones"] if phone["status"] == "verified"] == [person.number]
        assert (await thief.get("/portal/settings")).status == 303
