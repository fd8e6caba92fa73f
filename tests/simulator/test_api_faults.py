"""The REST API refuses, hangs, loses and garbles its answers on request."""

import asyncio

import aiohttp
import pytest


async def sent(lab) -> int:
    """Returns how many texts the network has carried out; clears the faults to ask."""
    await lab.faults()
    return len((await lab.request("GET", f"{lab.api}/Messages.json"))[1]["messages"])


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 429, "retry_after": 7}, 20429),
        ({"status": 500}, 20500),
        ({"status": 503}, 20503),
        ({"status": 400, "error_code": 30450}, 30450),
        ({"status": 400, "error_code": 21610}, 21610),
    ],
)
async def test_refused_and_not_carried_out(lab, fault, code):
    await lab.faults(api=fault)
    status, problem = await lab.text()
    assert (status, problem["status"], problem["code"]) == (fault["status"], fault["status"], code)
    assert await sent(lab) == 0


async def test_retry_after(lab):
    await lab.faults(api={"status": 429, "retry_after": 7})
    async with lab.session.post(f"{lab.api}/Messages.json") as response:
        assert response.headers["Retry-After"] == "7"


async def test_html_error_page(lab):
    await lab.faults(api={"status": 502, "body": "html"})
    async with lab.session.post(f"{lab.api}/Messages.json") as response:
        assert (response.status, response.content_type) == (502, "text/html")
    assert await sent(lab) == 0


@pytest.mark.parametrize("body", ["html", "broken_json", "no_sid", "redirect"])
async def test_carried_out_but_badly_answered(lab, body):
    await lab.faults(api={"body": body, "count": 1})
    form = {"To": lab.handset_number, "From": lab.number, "Body": "Hello"}
    async with lab.session.post(f"{lab.api}/Messages.json", data=form, allow_redirects=False) as response:
        assert response.status == (307 if body == "redirect" else 201)
        text = await response.text()
        assert "SM" not in text.split("uri")[0] or body == "broken_json"
    assert await sent(lab) == 1


async def test_huge_answer(lab):
    await lab.faults(api={"body": "huge", "count": 1})
    form = {"To": lab.handset_number, "From": lab.number, "Body": "Hello"}
    async with lab.session.post(f"{lab.api}/Messages.json", data=form) as response:
        await response.content.readexactly(1_000_000)
        response.close()
    assert await sent(lab) == 1


@pytest.mark.parametrize(("hang", "carried_out"), [("connect", 0), ("after", 1), ("body", 1)])
async def test_hangs(lab, hang, carried_out):
    await lab.faults(api={"hang": hang, "count": 1})
    request = asyncio.ensure_future(lab.text())
    await lab.until(lambda: lab.request("GET", "/v1/faults"), lambda answer: answer[1]["api"]["count"] == 0)
    await lab.until(lambda: sent(lab), lambda count: count == carried_out)
    assert not request.done()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert await sent(lab) == carried_out


async def test_lost_answer(lab):
    await lab.faults(api={"lose_answer": True, "count": 1})
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await lab.text(StatusCallback=lab.application.url + "/sms")
    await lab.application.until(lambda: lab.application.at("/sms"))
    assert await sent(lab) == 1


async def test_callback_before_the_answer(lab):
    await lab.faults(api={"answer_delay_ms": 10_000, "count": 1})
    request = asyncio.ensure_future(lab.text(StatusCallback=lab.application.url + "/sms"))
    await lab.application.until(lambda: len(lab.application.at("/sms")) == 2)
    assert not request.done()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request


async def test_delay(lab):
    await lab.faults(api={"delay_ms": 50, "count": 1})
    started = asyncio.get_running_loop().time()
    assert (await lab.text())[0] == 201
    assert asyncio.get_running_loop().time() - started >= 0.05


async def test_count_and_method(lab):
    await lab.faults(api={"status": 500, "method": "POST", "count": 2})
    assert (await lab.request("GET", f"{lab.api}/Messages.json"))[0] == 200
    assert [(await lab.text())[0] for _ in range(3)] == [500, 500, 201]
    assert (await lab.request("GET", "/v1/faults"))[1]["api"]["count"] == 0


@pytest.mark.parametrize(
    "faults",
    [
        {"api": {"status": "x"}},
        {"api": {"hang": "often"}},
        {"apis": {}},
        {"callbacks": {"loss": 1}},
        [],
        {"api": 1},
        {"api": {"status": 50}},
        {"api": {"count": -1}},
        {"callbacks": {"delay_ms": -1}},
        {"callbacks": {"duplicate": -1}},
    ],
)
async def test_unknown_faults_are_refused_and_change_nothing(lab, faults):
    await lab.faults(callbacks={"drop": True})
    assert (await lab.request("PUT", "/v1/faults", json=faults))[0] == 422
    assert (await lab.request("GET", "/v1/faults"))[1]["callbacks"]["drop"] is True


async def test_spoiled_answer_without_body_stays_empty(lab):
    _, message = await lab.text()
    await lab.until_handset(lambda state: state["messages"][-1]["status"] == "delivered")
    await lab.faults(api={"body": "no_sid"})
    assert await lab.request("DELETE", message["uri"]) == (204, None)


async def test_empty_faults_clear_all(lab):
    await lab.faults(api={"status": 500}, callbacks={"drop": True})
    await lab.faults()
    assert (await lab.text())[0] == 201
