"""WAHA's WebSocket: connecting, keeping it alive, noticing its end."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from http import HTTPStatus
from typing import Final

from aiohttp import (
    ClientError,
    ClientSession,
    ClientWebSocketResponse,
    ClientWSTimeout,
    WSCloseCode,
    WSMessage,
    WSMsgType,
    WSServerHandshakeError,
)
from yarl import URL

from .base import AuthenticationError, InvalidResponseError, UnreachableError
from .client import TIME_LIMIT

_HEARTBEAT: Final = 30.0
_CLOSE_TIMEOUT: Final = 2.0
_MAX_MESSAGE: Final = 1024 * 1024


async def messages(
    session: ClientSession, url: URL, query: Sequence[tuple[str, str]]
) -> AsyncGenerator[bytes | None]:
    """Connect to an http URL, yield None for being connected, then what arrives.

    Ends when the server closes the connection. Raises UnreachableError when there is
    no connection or it is lost, AuthenticationError when the key is refused (DOC: the
    server lets the connection in first, and closes it with code 1008), and
    InvalidResponseError for a message without end.
    """
    socket = await _connect(session, url, query)
    try:
        yield None
        while (raw := await _receive(socket)) is not None:
            yield raw
    finally:
        await socket.close()
    if socket.close_code == WSCloseCode.POLICY_VIOLATION:
        raise AuthenticationError("WAHA refused the API key.")


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
    """Wait for the next message; None: the connection was closed.

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
        except ClientError, OSError:
            raise UnreachableError("The connection to WAHA was lost.") from None
        if message.type is WSMsgType.TEXT:
            return str(message.data).encode(errors="replace")
        if message.type is WSMsgType.BINARY:
            return bytes(message.data)
        if message.type is WSMsgType.ERROR:
            raise InvalidResponseError("WAHA sent something that is no message.")
        if message.type not in (WSMsgType.PING, WSMsgType.PONG):
            return None


async def _wait(socket: ClientWebSocketResponse) -> WSMessage | None:
    try:
        return await socket.receive(timeout=_HEARTBEAT)
    except TimeoutError:
        return None
