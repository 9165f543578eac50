"""WAHA's WebSockets: let in first, refused afterwards, pinged all at once.

RUN: the handshake is always accepted, the key counts in the query alone, one ping
goes to all every 60 s, and who has not answered by the next is dropped (1006).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import WSCloseCode, WSMsgType, web

from .clock import Handle
from .delivery import Delivery, Outcome

if TYPE_CHECKING:
    from .server import Simulator
    from .waha import WahaAccount

MAX_SOCKETS: Final = 64
MAX_QUEUE: Final = 5_000
SOCKET_URL: Final = "websocket"
# Seconds from the last word of a server that stops to the drop (RUN).
GOODBYE: Final = 3.0


@dataclass(slots=True, eq=False)
class Socket:
    """A client of /ws, and what waits to be sent to it."""

    ws: web.WebSocketResponse
    transport: asyncio.Transport | None
    key: str
    session: str
    events: frozenset[str]
    queue: asyncio.Queue[tuple[bytes, str, asyncio.Future[None]]]
    owes_pong: bool = False

    def wants(self, account: WahaAccount, event: str) -> bool:
        """Whether an event is one of those that were asked for."""
        return (
            account.token_is(self.key)
            and self.session in {"*", account.session}
            and bool(self.events & {"*", event})
        )

    def drop(self) -> None:
        """Let the connection end without a close frame."""
        if self.transport is not None:
            self.transport.abort()


class Sockets:
    """All clients of /ws of a simulator's WAHA."""

    def __init__(
        self,
        simulator: Simulator,
        *,
        accounts: Callable[[], list[WahaAccount]],
        heartbeat: Callable[[], float | None],
    ) -> None:
        """Begin with nobody connected; `heartbeat` gives seconds, None: no pings."""
        self.simulator = simulator
        self.accounts = accounts
        self.heartbeat = heartbeat
        self.connected: set[Socket] = set()
        self._born = simulator.clock.now()
        self._tick: Handle | None = None

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """GET /ws: accepts, and then closes with 1008 whom it does not like."""
        ws = web.WebSocketResponse(autoping=False)
        await ws.prepare(request)
        key = request.query.get("x-api-key", "")
        session = request.query.get("session", "*")
        if (refusal := self._refusal(key, session)) is not None:
            await ws.close(code=WSCloseCode.POLICY_VIOLATION, message=refusal)
            return ws
        socket = Socket(
            ws=ws,
            transport=request.transport,
            key=key,
            session=session,
            events=frozenset(
                name
                for value in request.query.getall("events", ["*"])
                for name in value.split(",")
            ),
            queue=asyncio.Queue(MAX_QUEUE),
        )
        self.connected.add(socket)
        self._plan_ping()
        sender = asyncio.get_running_loop().create_task(self._send(socket))
        try:
            await self._listen(socket)
        finally:
            self.connected.discard(socket)
            self._plan_ping()
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
            _drain(socket)
        return ws

    def _refusal(self, key: str, session: str) -> bytes | None:
        """Why a client is closed: a bad key (RUN), or another session's (SRC).

        An unknown session, or a name that is no event, is left open and silent (RUN).
        """
        accounts = self.accounts()
        if not any(account.token_is(key) for account in accounts):
            return b"Unauthorized"
        if len(self.connected) >= MAX_SOCKETS:
            return b"Unauthorized"
        asked = [account for account in accounts if account.session == session]
        if asked and not any(account.token_is(key) for account in asked):
            return b"Forbidden"
        return None

    async def _listen(self, socket: Socket) -> None:
        async for message in socket.ws:
            if message.type is WSMsgType.PONG:
                socket.owes_pong = False
            elif message.type is WSMsgType.PING:
                await socket.ws.pong(message.data)

    # ------------------------------------------------------------------- pings

    def _plan_ping(self) -> None:
        """Plan the server's next ping; the first comes after up to 60 s."""
        seconds = self.heartbeat()
        if not self.connected or seconds is None:
            if self._tick is not None:
                self._tick.cancel()
                self._tick = None
        elif self._tick is None:
            age = self.simulator.clock.now() - self._born
            wait = seconds - age % seconds
            self._tick = self.simulator.clock.call_later(wait, self._ping)

    def _ping(self) -> None:
        self._tick = None
        for socket in list(self.connected):
            if socket.owes_pong:
                socket.drop()
            else:
                socket.owes_pong = True
                task = asyncio.get_running_loop().create_task(_ping(socket))
                task.add_done_callback(_forget)
        self._plan_ping()

    # --------------------------------------------------------------- messages

    async def _send(self, socket: Socket) -> None:
        """Send what waits, in order."""
        while True:
            raw, chat, done = await socket.queue.get()
            try:
                await socket.ws.send_str(raw.decode())
                self._note(raw, chat, Outcome.DELIVERED)
            except ConnectionError:
                self._note(raw, chat, Outcome.FAILED)
            finally:
                if not done.done():
                    done.set_result(None)

    def broadcast(
        self, account: WahaAccount, event: str, raw: bytes, chat: str
    ) -> list[asyncio.Future[None]]:
        """Send an envelope to all sockets that want it."""
        jobs: list[asyncio.Future[None]] = []
        for socket in self.connected:
            if not socket.wants(account, event):
                continue
            if socket.queue.full():
                self._note(raw, chat, Outcome.DROPPED)
                continue
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            socket.queue.put_nowait((raw, chat, done))
            jobs.append(done)
        return jobs

    def _note(self, raw: bytes, chat: str, outcome: Outcome) -> None:
        self.simulator.delivery.note(
            Delivery(
                url=SOCKET_URL,
                body=raw,
                chat=chat,
                outcome=outcome,
                attempt=1,
                time=self.simulator.clock(),
            )
        )

    # ------------------------------------------------------------------- ends

    async def say_goodbye(self) -> None:
        """Tell that all sessions stop; the drop comes 3 s later (RUN)."""
        if not self.connected:
            return
        jobs: list[asyncio.Future[None]] = []
        for account in self.accounts():
            jobs += account.push_stopped()
        await self.simulator.delivery.settled(jobs)
        await self.simulator.clock.delay(GOODBYE)

    async def close(self, code: int) -> None:
        """Close all with a code, as a server that refuses does."""
        for socket in list(self.connected):
            await socket.ws.close(code=code)

    def abort(self) -> None:
        """Drop all without a word, as a pulled plug does."""
        for socket in list(self.connected):
            socket.drop()
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None


async def _ping(socket: Socket) -> None:
    try:
        await socket.ws.ping()
    except ConnectionError:
        socket.drop()


def _forget(task: asyncio.Task[None]) -> None:
    """Let nobody complain of a ping that the end of the server cut off."""
    if not task.cancelled():
        task.exception()


def _drain(socket: Socket) -> None:
    """Let nobody wait for what can't be sent any more."""
    while not socket.queue.empty():
        done = socket.queue.get_nowait()[2]
        if not done.done():
            done.set_result(None)
