"""A simulator that tells the oracle what it answered, just before the caller hears it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
import json
from typing import Final, override

from aiohttp import web

from tests.simulator import Simulator
from tests.simulator.clock import LoopClock
from tests.simulator.server import Handler, gateway_of

from .clock import ChaosLoop
from .law import NEVER

LATENCY: Final = 0.01
PATIENCE: Final = 15.0
"""Seconds after which nobody waits for an answer any more."""


class Call(StrEnum):
    """What a call is for, as far as it tells something."""

    STATUS = "status"
    SUBSCRIBE = "subscribe"
    # Subscribes, and answers.
    ASK = "ask"
    # Answers alone.
    PEEK = "peek"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Answer:
    """A call that was answered, or failed: then `body` is None."""

    gateway: str
    call: Call
    chat: str
    asked: float
    status: int | None
    body: bytes | None


class TappedSimulator(Simulator):
    """A simulator that tells what it answered, just before it does."""

    def __init__(self, loop: ChaosLoop) -> None:
        """Follow the loop's clock, a clock of its own set apart."""
        self._loop = loop
        # By how much the gateways' clock is wrong, and since when.
        self.settings: list[tuple[float, float]] = [(0.0, 0.0)]
        super().__init__(clock=LoopClock(self._gateway_time))
        self.listeners: list[Callable[[Answer], None]] = []
        self.last_refusal: dict[str, tuple[float, float]] = {}
        # Nobody who calls is heard: who is killed says nothing more.
        self.deaf = False

    def _gateway_time(self) -> float:
        return self._loop.time() + self.settings[-1][1]

    def set_clock(self, wrong_by: float) -> None:
        """Set the gateways' clock."""
        self.settings.append((self._loop.time(), wrong_by))

    def true_time(self, told: float) -> float:
        """When something happened of which the gateways' clock tells the time."""
        ends = [since for since, _ in self.settings[1:]] + [NEVER]
        for (since, wrong_by), end in reversed(
            list(zip(self.settings, ends, strict=True))
        ):
            if since - 1 <= told - wrong_by <= end + 1:
                return told - wrong_by
        return told - self.settings[-1][1]

    def release(self) -> None:
        """Let calls go that hang."""
        self._stopping.set()
        self._stopping = asyncio.Event()

    @web.middleware
    @override
    async def _middleware(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        if self.deaf:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        asked = self._loop.time()
        known = await _classify(request)
        # No network is quicker than the millisecond that events tell.
        await asyncio.sleep(LATENCY)
        response: web.StreamResponse | None = None
        # Who waits in vain gives up, and hears nothing of what comes later.
        given_up = self._loop.call_at(
            asked + PATIENCE, self._tell, request, known, asked, None
        )
        try:
            response = await super()._middleware(request, handler)
        finally:
            given_up.cancel()
            if self._loop.time() < asked + PATIENCE:
                self._tell(request, known, asked, response)
        if response.status == 429:
            after = response.headers.get("Retry-After")
            self.last_refusal[gateway_of(request.path) or ""] = (
                self._loop.time(),
                float(after) if after else 900.0,
            )
        return response

    def _tell(
        self,
        request: web.Request,
        known: tuple[str, Call, str] | None,
        asked: float,
        response: web.StreamResponse | None,
    ) -> None:
        if known is None:
            return
        body: bytes | None = None
        status: int | None = None
        # Who has hung up hears nothing.
        if response is not None and not (
            request.transport is None or request.transport.is_closing()
        ):
            status = response.status
            if isinstance(response, web.Response) and status in {200, 201}:
                raw = response.body
                body = raw if isinstance(raw, bytes) else b""
        answer = Answer(*known, asked, status, body)
        for listener in self.listeners:
            listener(answer)


async def _classify(request: web.Request) -> tuple[str, Call, str] | None:
    """What a call is for: the gateway, the call, and the chat if there is one."""
    path, method = request.path, request.method
    gateway = gateway_of(path)
    last = path.rpartition("/")[2]
    if gateway == "waapi":
        if path.endswith("/client/status"):
            return gateway, Call.STATUS, ""
        if last in {"get-chat-presence", "get-chat-presence-snapshot"}:
            try:
                chat = str(json.loads(await request.read()).get("chatId", ""))
            except ValueError:
                return None
            return (
                gateway,
                Call.ASK if last == "get-chat-presence" else Call.PEEK,
                chat,
            )
        return None
    if gateway is None:
        return None
    if path == "/v2/session/info" or (
        path.startswith("/api/sessions/") and method == "GET" and last != "me"
    ):
        return gateway, Call.STATUS, ""
    before, _, rest = path.partition("/presence")
    if before.count("/") > 2 or "/presence" not in path:
        return None
    if method == "POST" and rest.endswith("/subscribe"):
        return gateway, Call.SUBSCRIBE, rest.split("/")[1]
    if method == "GET":
        return (gateway, Call.ASK, rest[1:]) if rest else (gateway, Call.EVERYTHING, "")
    return None
