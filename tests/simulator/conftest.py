"""What the simulator's own tests share: a clock that stands still, and clients."""

import asyncio
from collections.abc import AsyncGenerator
import json
from typing import Any

from aiohttp import ClientSession, web
import pytest

from . import Simulator, VirtualClock, WahaAccount
from .engine import EngineAccount

NUMBER = "491511234567"
ANNA = f"{NUMBER}@c.us"
LID = "111000111@lid"
GROUP = "120363000000000001@g.us"
KEY = "waha-key"


class Hook:
    """What a gateway's webhooks arrive at."""

    def __init__(self) -> None:
        """Begin with nothing received, answering 200."""
        self.url = ""
        self.bodies: list[Any] = []
        self.raw: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.statuses: list[int] = []

    async def handle(self, request: web.Request) -> web.Response:
        """Keep what came, and answer what was asked for."""
        raw = await request.read()
        self.raw.append(raw)
        self.bodies.append(json.loads(raw))
        self.headers.append(dict(request.headers))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


class Waha:
    """A client of a WAHA server, and the time that it spends."""

    def __init__(
        self, session: ClientSession, simulator: Simulator, clock: VirtualClock
    ) -> None:
        """Speak with the good key."""
        self.session = session
        self.simulator = simulator
        self.clock = clock
        self.key = KEY
        # How long the last call took, in the simulator's seconds.
        self.took = 0.0

    async def call(self, method: str, path: str, **kwargs: Any) -> tuple[int, Any]:
        """Make a call, letting time pass; the status and the parsed body."""
        began = self.clock.now()
        result = await self.clock.until(self._call(method, path, kwargs))
        self.took = round(self.clock.now() - began, 1)
        return result

    async def _call(
        self, method: str, path: str, kwargs: dict[str, Any]
    ) -> tuple[int, Any]:
        url = f"{self.simulator.url}{path}"
        headers = {"X-Api-Key": self.key}
        async with self.session.request(
            method, url, headers=headers, **kwargs
        ) as response:
            raw = await response.read()
            return response.status, json.loads(raw) if raw else None

    async def get(self, path: str) -> Any:
        """Get a path; the body."""
        return (await self.call("GET", path))[1]

    async def presence(self, chat: str) -> list[Any]:
        """Ask for a chat; its entries."""
        found: list[Any] = (await self.get(f"/api/default/presence/{chat}"))[
            "presences"
        ]
        return found


@pytest.fixture
def clock() -> VirtualClock:
    """A clock that stands still."""
    return VirtualClock()


@pytest.fixture
async def simulator(
    socket_enabled: None, clock: VirtualClock
) -> AsyncGenerator[Simulator]:
    """A strict simulator by that clock."""
    async with Simulator(clock=clock) as running:
        yield running


@pytest.fixture
async def session(socket_enabled: None) -> AsyncGenerator[ClientSession]:
    """An HTTP client."""
    async with ClientSession() as client:
        yield client


@pytest.fixture
async def hook(socket_enabled: None) -> AsyncGenerator[Hook]:
    """A webhook receiver on loopback."""
    found = Hook()
    app = web.Application()
    app.router.add_post("/hook", found.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield found
    await runner.cleanup()


@pytest.fixture(params=["NOWEB", "WEBJS", "WPP", "GOWS"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each of the engines."""
    name: str = request.param
    return name


@pytest.fixture
def account(simulator: Simulator, engine: str) -> WahaAccount:
    """A session of that engine, set up as the documentation asks for."""
    account = simulator.add_instance(
        "waha", "default", engine=engine, tags_events_on=True, store=True
    )
    anna = account.add_person(NUMBER, name="Anna", lid=LID, picture=True)
    ben = account.add_person("447700900123", name="Ben")
    account.add_group(GROUP, name="Family", members=[anna, ben])
    return account


@pytest.fixture
def waha(session: ClientSession, simulator: Simulator, clock: VirtualClock) -> Waha:
    """A client of the server."""
    return Waha(session, simulator, clock)


async def real(awaitable: Any) -> Any:
    """Await something that no clock holds up, for a second at most."""
    async with asyncio.timeout(1):
        return await awaitable


def shown(account: EngineAccount) -> bool:
    """Whether others see the account online now."""
    return account.shown_online


def announces(account: EngineAccount) -> bool:
    """Whether the account's own announcement stands now."""
    return account.available
