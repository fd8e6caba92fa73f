"""A verification by text, end to end."""


async def test_a_code_by_text_proves_the_phone(world):
    made = await world.create(metadata={"order": "7"})
    assert (made["status"], made["attempts"][0]["status"], made["checks_left"]) == ("pending", "queued", 5)
    code = await world.code()
    status, checked = await world.check(made["id"], code)
    assert (status, checked["valid"], checked["status"], checked["assurance"]) == (200, True, "approved", "possession")
    delivered = await world.wait_until(made["id"], lambda kept: kept["attempts"][0]["status"] == "delivered")
    assert delivered["status"] == "approved"
