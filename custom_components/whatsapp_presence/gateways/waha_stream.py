"""WAHA's WebSocket: connecting, keeping it alive, noticing its end."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from http import HTTPStatus
import time
from typing import Final

from aiohttp import (
    ClientError,
    ClientSession,
    ClientWebSocketResponse,
    ClientWSTimeout,
    DummyCookieJar,
    TraceConfig,
    WSCloseCode,
    WSMessage,
    WSMsgType,
    WSServerHandshakeError,
)
from yarl import URL

from .base import (
    AuthenticationError,
    GatewayError,
    InvalidResponseError,
    NotAllowedError,
    UnreachableError,
)
from .client import TIME_LIMIT

_HEARTBEAT: Final = 30.0
# Who is let in and not wanted is sent away at once.
_HOLDS_AFTER: Final = 0.5
_CLOSE_TIMEOUT: Final = 2.0
_MAX_MESSAGE: Final = 1024 * 1024
_SLICE: Final = 0.005
"""Seconds for which messages that are there already may be read in one go."""


async def messages(
    session: ClientSession, url: URL, query: Sequence[tuple[str, str]]
) -> AsyncGenerator[bytes | None]:
    """Connect to an http URL, yield None for being connected, then what arrives.

    The server lets everybody in, and closes the connection if it does not like the key
    [RUN]; so who is let in is connected only when something arrives, or the connection
    has held for a moment.

    Ends when the server closes the connection. Raises UnreachableError when there is
    no connection or it is lost, AuthenticationError when the key is refused,
    NotAllowedError when it is good for something else alone (SRC: for another session),
    and InvalidResponseError for a message without end, and for a redirect.
    """
    if session.closed:
        raise UnreachableError("WAHA can't be reached.")
    trace = TraceConfig()
    trace.on_request_redirect.append(_refuse_redirect)
    async with ClientSession(
        connector=session.connector,
        connector_owner=False,
        cookie_jar=DummyCookieJar(),
        trace_configs=[trace],
    ) as own:
        socket = await _connect(own, url, query)
        try:
            try:
                async with asyncio.timeout(_HOLDS_AFTER):
                    raw = await _receive(socket)
            except TimeoutError:
                yield None
                raw = await _receive(socket)
            else:
                if raw is not None:
                    yield None
            turn = _Turn()
            while raw is not None:
                if raw:
                    yield raw
                await turn.share()
                raw = await _receive(socket)
        finally:
            await socket.close()


class _Turn:
    """A turn of the loop, which somebody who never has to wait would keep."""

    def __init__(self) -> None:
        """Begin."""
        self._began = time.perf_counter()

    async def share(self) -> None:
        """Let everybody else have theirs, if this one has been long enough."""
        if time.perf_counter() - self._began >= _SLICE:
            await asyncio.sleep(0)
            self._began = time.perf_counter()


async def _refuse_redirect(*_: object) -> None:
    # It would be followed without being asked for.
    raise InvalidResponseError("WAHA answered with a redirect.")


async def _connect(
    session: ClientSession, url: URL, query: Sequence[tuple[str, str]]
) -> ClientWebSocketResponse:
    try:
        async with asyncio.timeout(TIME_LIMIT):
            return await session.ws_connect(
                url.with_scheme("wss" if url.scheme == "https" else "ws"),
                params=query,
                autoping=False,
                max_msg_size=_MAX_MESSAGE,
                timeout=ClientWSTimeout(ws_close=_CLOSE_TIMEOUT),
            )
    except TimeoutError:
        raise UnreachableError("WAHA did not answer in time.") from None
    except WSServerHandshakeError as err:
        # Their texts hold the URL, and with it the key.
        if err.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise AuthenticationError("WAHA refused the API key.") from None
        raise UnreachableError("WAHA refused the connection.") from None
    except ClientError, OSError, RuntimeError, ValueError:
        raise UnreachableError("WAHA can't be reached.") from None


async def _receive(socket: ClientWebSocketResponse) -> bytes | None:
    """Wait for the next message; empty for a ping or pong, None: it was closed.

    Silence is answered with a ping, and more silence ends the connection. aiohttp's
    own heartbeat would do so as well, but leaves a timer behind when it is closed.
    """
    pinged = False
    while True:
        message = await _wait(socket)
        if message is None and pinged:
            raise UnreachableError("The connection to WAHA was lost.")
        pinged = message is None
        try:
            if message is None:
                await socket.ping()
                continue
            if message.type is WSMsgType.PING:
                await socket.pong(message.data)
                return b""
        except ClientError, OSError:
            raise UnreachableError("The connection to WAHA was lost.") from None
        if message.type is WSMsgType.TEXT:
            return str(message.data).encode(errors="replace")
        if message.type is WSMsgType.BINARY:
            return bytes(message.data)
        if message.type is WSMsgType.ERROR:
            raise InvalidResponseError("WAHA sent something that is no message.")
        if message.type is WSMsgType.PONG:
            return b""
        if message.data == WSCloseCode.POLICY_VIOLATION:
            raise _refusal(message.extra)
        return None


def _refusal(reason: object) -> GatewayError:
    """Tell a key that is wrong [RUN] from one that is for something else [SRC]."""
    if str(reason or "").strip().lower().startswith("unauthorized"):
        return AuthenticationError("WAHA refused the API key.")
    return NotAllowedError("The API key is not allowed to follow this session.")


async def _wait(socket: ClientWebSocketResponse) -> WSMessage | None:
    try:
        return await socket.receive(timeout=_HEARTBEAT)
    except TimeoutError:
        return None
