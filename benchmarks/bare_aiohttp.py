"""The baseline: bare aiohttp on uvloop, which responds with a constant. Prints its port."""

import asyncio

import uvloop
from aiohttp import web


async def _hello(_request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def _serve() -> None:
    application = web.Application()
    application.add_routes([web.get("/", _hello)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve())
