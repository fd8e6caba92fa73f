"""The simulator as an HTTP application: the REST API, the control API and the handset page on one port."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web
from yarl import URL

from simulator.config import SimulatorConfig
from simulator.control import routes as control
from simulator.control import stream
from simulator.control.problems import answer_problems
from simulator.network import NETWORK, Network, run_network
from simulator.rest.app import build_rest

_PAGES = Path(__file__).parent / "pages"


class RunningSimulator:
    """A simulator that listens; close it when done."""

    def __init__(self, runner: web.AppRunner, network: Network, url: str) -> None:
        """`url` is the base address, without a slash at its end."""
        self.url = url
        self._runner = runner
        self._network = network

    def set_inbound_url(self, url: str | None) -> None:
        """Change the webhook for texts from handsets, for applications that start after the simulator."""
        self._network.inbox.webhook = url

    async def close(self) -> None:
        """Stop listening, cancel calls and texts under way, and wait until all is done."""
        await self._runner.cleanup()


def build_app(config: SimulatorConfig) -> web.Application:
    """Return the application; its network lives from the application's start to its end.

    Args:
        config: Numbers, secrets and speed.
    """
    app = web.Application(middlewares=[answer_problems])
    app.cleanup_ctx.append(lambda app: run_network(app, config))
    app.on_shutdown.append(_let_go)
    app.add_subapp(config.spoken.root, build_rest(config.dialect))
    app.add_routes(control.routes)
    app.add_routes(stream.routes)
    app.router.add_get("/", _show_page)
    app.router.add_static("/static", _PAGES)
    return app


async def start(config: SimulatorConfig, *, host: str = "127.0.0.1", port: int = 0) -> RunningSimulator:
    """Start a simulator inside the running event loop.

    Args:
        config: Numbers, secrets and speed.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.

    Raises:
        OSError: The port is taken.
    """
    app = build_app(config)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError:
        await runner.cleanup()
        raise
    bound_host, bound_port = runner.addresses[0][:2]
    return RunningSimulator(runner, app[NETWORK], str(URL.build(scheme="http", host=bound_host, port=bound_port)))


async def _let_go(app: web.Application) -> None:
    app[NETWORK].begin_closing()


async def _show_page(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(_PAGES / "handset.html", headers={"Cache-Control": "no-cache"})
