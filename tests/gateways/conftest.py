"""What the tests of the clients share: a session, and a server that says anything."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
import json
from typing import Any

from aiohttp import ClientSession, DummyCookieJar, web
from aiohttp.test_utils import TestServer
import pytest

TOKEN = "s3cr3t-T0ken"
NUMBER = "491511234567"
ANNA = f"{NUMBER}@c.us"
LID = "199900011122233@lid"
GROUP = "120363000000000001@g.us"

type Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Received:
    """A request that the server got."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Script:
    """A server that answers what it was told, one after the other.

    The last answer is repeated. An answer is a function of the request, or a status
    with a body (JSON, or a text as it is).
    """

    server: TestServer
    received: list[Received] = field(default_factory=list)
    answers: list[Respond] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The server's URL."""
        return str(self.server.make_url("/")).rstrip("/")

    def answer(
        self,
        status: int = 200,
        body: Any = None,
        *,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> None:
        """Add an answer."""
        data = body if isinstance(body, (str, bytes)) else json.dumps(body)
        if isinstance(data, str):
            data = data.encode()

        async def respond(request: web.Request) -> web.StreamResponse:
            return web.Response(
                status=status,
                body=data,
                content_type=content_type,
                headers=headers,
            )

        self.answers.append(respond)

    def call(self, respond: Respond) -> None:
        """Add an answer that is made when it is due."""
        self.answers.append(respond)

    @property
    def paths(self) -> list[str]:
        """What was asked for, as method and path."""
        return [f"{request.method} {request.path}" for request in self.received]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Note a request, and give the answer that is due."""
        raw = await request.read()
        self.received.append(
            Received(
                method=request.method,
                path=request.raw_path.partition("?")[0],
                query=dict(request.query),
                headers=dict(request.headers),
                body=json.loads(raw) if raw else None,
            )
        )
        respond = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await respond(request)


@pytest.fixture
async def script(socket_enabled: None) -> AsyncIterator[Script]:
    """Return a server on loopback that answers what the test tells it to."""
    app = web.Application()
    server = TestServer(app, host="127.0.0.1", skip_url_asserts=True)
    script = Script(server)
    app.router.add_route("*", "/{path:.*}", script.handle)
    await server.start_server()
    yield script
    await server.close()


@pytest.fixture
async def session(socket_enabled: None) -> AsyncIterator[ClientSession]:
    """Return the session that is handed in."""
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        yield session


CONFIGS: dict[str, dict[str, Any]] = {
    "waapi": {"instance_id": "123", "api_token": TOKEN},
    "wawp": {"instance_id": "A1B2C3D4E5F6", "access_token": TOKEN},
    "waha": {"session": "default", "api_key": TOKEN},
}
