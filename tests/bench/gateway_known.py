"""A simulated gateway that takes its time, and counts what asking costs.

It stands before the simulator's dialects: each call takes a while by the loop's clock,
and it is noted which of them show the account as online, ask for a picture, or are too
many. What counts as what is read off a call's path, whatever the integration thinks.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
import re
from typing import Final, override

from aiohttp import web

from tests.simulator import Simulator
from tests.simulator.engine import EngineAccount
from tests.simulator.server import Handler, gateway_of

CALL: Final = 0.15
"""Seconds that a call takes."""
SLOW_GET: Final = 1.0
"""Seconds of a GET of one chat's presence, where it takes longer."""
ANNOUNCED: Final = 25.0
"""Seconds for which the account is shown online after a call that asks WhatsApp."""

_ALL: Final = re.compile(r"/(?:api/[^/]+|v2)/presence")
_ONE: Final = re.compile(r"/(?:api/[^/]+|v2)/presence/[^/]+")
_OVERVIEW: Final = "/chats/overview"
# Calls that ask WhatsApp, and so announce the account where that is what asking does.
_ASKS: Final = re.compile(
    r"/(?:api/[^/]+|v2)/presence/[^/]+(?:/subscribe)?"
    r"|.*/contacts/(?:check-exists|profile-picture)"
    rf"|.*{_OVERVIEW}"
)
_PICTURE: Final = re.compile(
    r".*/(?:contacts/profile-picture|action/get-profile-pic-url)"
)


@dataclass(slots=True)
class Meter:
    """What was asked, by the loop's clock; times in unix seconds."""

    calls: list[float] = field(default_factory=list)
    """When each request came."""
    answering: list[tuple[float, float]] = field(default_factory=list)
    """From when to when each was being answered."""
    announcing: list[float] = field(default_factory=list)
    """When what announces the account was answered."""
    pictures: int = 0
    """How many pictures WhatsApp was asked for."""
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

    def shown_online(self, begin: float, end: float) -> float:
        """Return for how many seconds of a span the account was shown online."""
        spans = ((moment, moment + ANNOUNCED) for moment in self.announcing)
        return _covered(spans, begin, end)

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
        """Follow the loop's clock; `slow_get`: each GET of a presence takes a second."""
        super().__init__(clock=loop.time)
        self.meter = Meter()
        self._slow_get = slow_get

    def forget(self) -> None:
        """Keep no record of what was, so that it is not taken for the integration's."""
        self.meter = Meter()
        self.requests.clear()
        self.delivery.records.clear()

    @web.middleware
    @override
    async def _middleware(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        path = request.path
        gateway = gateway_of(path)
        if gateway is None or path == "/ws":
            return await super()._middleware(request, handler)
        meter, came = self.meter, self.clock()
        meter.calls.append(came)
        getting_one = request.method == "GET" and _ONE.fullmatch(path) is not None
        await asyncio.sleep(SLOW_GET if self._slow_get and getting_one else CALL)
        response: web.StreamResponse | None = None
        with suppress(web.HTTPMethodNotAllowed, web.HTTPNotFound):
            response = await super()._middleware(request, handler)
        if response is None or response.status == web.HTTPNotFound.status_code:
            if request.method == "GET" and _ALL.fullmatch(path):
                response = self._all_presences(gateway)
            elif response is None:
                response = web.Response(status=404)
        if response.status < web.HTTPBadRequest.status_code:
            await self._note(request, gateway)
        meter.answered(came, self.clock(), response.status)
        return response

    async def _note(self, request: web.Request, gateway: str) -> None:
        meter, path, now = self.meter, request.path, self.clock()
        if gateway != "waapi" and _ASKS.fullmatch(path):
            meter.announcing.append(now)
        if _PICTURE.fullmatch(path):
            meter.pictures += 1
        elif path.endswith(_OVERVIEW):
            # A picture of each chat that is listed.
            meter.pictures += self._listed(request, gateway)
        chat: str | None = None
        if gateway == "waapi" and path.endswith("/action/get-chat-presence"):
            chat = (await request.json()).get("chatId")
        elif path.endswith("/subscribe"):
            chat = path.split("/")[-2]
        if chat:
            meter.subscribed.setdefault(chat, now)

    def _account(self, gateway: str) -> EngineAccount:
        return next(
            account
            for account in self.accounts.values()
            if account.gateway == gateway and isinstance(account, EngineAccount)
        )

    def _listed(self, request: web.Request, gateway: str) -> int:
        account = self._account(gateway)
        known = len(account.people) + len(account.groups)
        offset = int(request.query.get("offset", 0))
        limit = int(request.query.get("limit", known))
        return max(min(known - offset, limit), 0)

    def _all_presences(self, gateway: str) -> web.Response:
        """GET presence: what is remembered of all chats; GOWS answers nothing (SRC)."""
        account = self._account(gateway)
        told = [
            shown
            for chat_id in account.known
            if (chat := account.find(chat_id)) is not None
            and (shown := account.chat_presence(chat))["presences"]
        ]
        return web.json_response([] if account.engine == "GOWS" else told)
