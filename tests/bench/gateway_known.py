"""A simulated gateway whose calls take their time, and are counted.

The simulator itself keeps the account's time of being shown online and counts the
pictures that WhatsApp is asked for; here stand the time that each call takes on its way,
and the requests.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
import re
from typing import Final, override

from aiohttp import web

from tests.simulator import Account, Person, Simulator
from tests.simulator.engine import EngineAccount
from tests.simulator.server import Handler, gateway_of

CALL: Final = 0.15
"""Seconds that a call takes."""

_ONE: Final = re.compile(r"/(?:api/[^/]+|v2)/presence/[^/]+")
_WAAPI_ASKS: Final = "/action/get-chat-presence"
_WAAPI_PICTURE: Final = "/action/get-profile-pic-url"


@dataclass(slots=True)
class Meter:
    """What was asked, by the loop's clock; times in unix seconds."""

    calls: list[float] = field(default_factory=list)
    """When each request came."""
    answering: list[tuple[float, float]] = field(default_factory=list)
    """From when to when each was being answered."""
    pictures: int = 0
    """How many pictures WaAPI was asked for."""
    refused: int = 0
    """How many requests were too many."""
    in_a_row: int = 0
    """How many of them were sent after such an answer, with no success between."""
    subscribed: dict[str, float] = field(default_factory=dict)
    """When each chat was first asked for."""
    _refused_at: float | None = None

    def answered(self, came: float, now: float, status: int) -> None:
        """Note a request and what became of it."""
        self.answering.append((came, now))
        if status == web.HTTPTooManyRequests.status_code:
            self.refused += 1
            if self._refused_at is not None and came >= self._refused_at:
                self.in_a_row += 1
            self._refused_at = now
        elif status < web.HTTPBadRequest.status_code:
            self._refused_at = None

    def requests(self, begin: float, end: float) -> int:
        """Return how many requests came in a span of time."""
        return sum(begin <= call < end for call in self.calls)

    def busy(self, begin: float, end: float) -> float:
        """Return for how many seconds of a span the gateway had something to answer."""
        return _covered(iter(self.answering), begin, end)


def _covered(spans: Iterator[tuple[float, float]], begin: float, end: float) -> float:
    """Return how much of a time is covered by spans that may overlap."""
    covered, until = 0.0, begin
    for first, last in sorted(spans):
        first, last = max(first, until), min(last, end)
        if last > first:
            covered += last - first
            until = last
    return covered


class KnownSimulator(Simulator):
    """A simulator that takes its time, and keeps a meter."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, slow_get: bool) -> None:
        """Follow the loop's clock.

        `slow_get`: a GET of a chat's presence takes as long as the dialect says, and no
        longer.
        """
        super().__init__(clock=loop.time)
        self.meter = Meter()
        self._slow_get = slow_get

    def forget(self) -> None:
        """Keep no record of what was, so that it is not taken for the integration's."""
        self.meter = Meter()
        self.requests.clear()
        self.delivery.records.clear()
        for account in self.accounts.values():
            if isinstance(account, EngineAccount):
                account.announcer.spans.clear()

    @web.middleware
    @override
    async def _middleware(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        path = request.path
        gateway = gateway_of(path)
        if gateway is None or path == "/ws":
            return await super()._middleware(request, handler)
        meter, came = self.meter, self.now()
        meter.calls.append(came)
        getting_one = request.method == "GET" and _ONE.fullmatch(path) is not None
        if not (self._slow_get and getting_one):
            await asyncio.sleep(CALL)
        try:
            response = await super()._middleware(request, handler)
        except web.HTTPException as err:
            meter.answered(came, self.now(), err.status)
            raise
        if response.status < web.HTTPBadRequest.status_code:
            await self._note(request, gateway)
        meter.answered(came, self.now(), response.status)
        return response

    async def _note(self, request: web.Request, gateway: str) -> None:
        meter, path = self.meter, request.path
        chat: str | None = None
        if gateway == "waapi":
            if path.endswith(_WAAPI_PICTURE):
                meter.pictures += 1
            elif path.endswith(_WAAPI_ASKS):
                chat = (await request.json()).get("chatId")
        elif path.endswith("/subscribe"):
            chat = path.split("/")[-2]
        if chat:
            meter.subscribed.setdefault(chat, self.now())


def shown_online(account: Account, begin: float, end: float) -> float:
    """Return for how many seconds an account was shown online because of asking."""
    if not isinstance(account, EngineAccount):
        return 0.0
    return account.announcer.shown(begin, end)


def pictures_asked(account: Account, meter: Meter) -> int:
    """Return how many pictures WhatsApp was asked for."""
    if isinstance(account, EngineAccount):
        return account.picture_requests
    return meter.pictures


def have_little_to_say(account: Account) -> None:
    """Let WhatsApp say nothing of most people when they are subscribed to again.

    What is known of them is known already. Of those with a lid it says it again: their
    number leads to nothing that the gateway remembers.
    """
    subscribe = account.subscribe

    def subscribe_again(asked: str) -> None:
        chat = account.find(asked)
        account.quirks.push_on_subscribe = (
            isinstance(chat, Person) and chat.lid is not None
        )
        subscribe(asked)

    setattr(account, "subscribe", subscribe_again)
