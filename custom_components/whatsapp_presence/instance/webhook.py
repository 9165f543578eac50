"""The Home Assistant webhook at which events arrive."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from http import HTTPStatus
import logging
from typing import Any, Final

from aiohttp import StreamReader
from aiohttp.hdrs import CONTENT_ENCODING, METH_POST
from aiohttp.web import Request, RequestHandler, RequestPayloadError, Response

from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID, EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, HomeAssistant, callback

from ..const import CONF_WEBHOOK_SECRET, DOMAIN, MAX_WEBHOOK_BODY
from ..gateways.base import Gateway, GatewayEvent, InvalidEventError
from .inbox import Read

_LOGGER = logging.getLogger(__name__)

BODY_TIME: Final = 30.0
"""Seconds in which a body has to arrive. Gateways send theirs in one go."""

BODIES: Final = 64
"""So many bodies are remembered, if none has more bytes than LONGEST_BODY."""

LONGEST_BODY: Final = 2048


@callback
def async_open_webhook(
    hass: HomeAssistant,
    entry: ConfigEntry,
    gateway: Gateway,
    take: Callable[[Read], Awaitable[None] | None],
) -> None:
    """Receive events for as long as the entry is loaded.

    `take` is given what arrives, and returns what to wait for if it is not done at once.
    """
    webhook_id: str = entry.data[CONF_WEBHOOK_ID]
    receiver = _Receiver(entry, gateway, take)
    webhook.async_register(
        hass,
        DOMAIN,
        entry.title,
        webhook_id,
        receiver.async_handle,
        allowed_methods=[METH_POST],
    )
    entry.async_on_unload(lambda: webhook.async_unregister(hass, webhook_id))
    entry.async_on_unload(receiver.bodies.clear)
    entry.async_on_unload(
        hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, receiver.async_stop)
    )


class _Receiver:
    """Reads what arrives, and hands on what is an event of the gateway."""

    def __init__(
        self,
        entry: ConfigEntry,
        gateway: Gateway,
        take: Callable[[Read], Awaitable[None] | None],
    ) -> None:
        """Begin; nothing has been refused yet."""
        self._entry = entry
        self._gateway = gateway
        self._take = take
        self.bodies = _Bodies(gateway)
        self._parse = (
            self.bodies.read
            if gateway.capabilities.repeats_bodies
            else gateway.parse_event
        )
        self._told: set[str] = set()
        # Connections on which a body was begun, and not read to its end.
        self._unread: set[RequestHandler] = set()

    async def async_handle(
        self, hass: HomeAssistant, webhook_id: str, request: Request
    ) -> Response:
        """Answer an event, once it is parsed and applied."""
        try:
            # A request that comes from the cloud is of another kind.
            content: Any = request.content
            raw: bytes | None
            if not isinstance(content, StreamReader):
                raw = await _async_read(request)
            elif content.is_eof() and CONTENT_ENCODING not in request.headers:
                # So it is nearly always: all is there, and as long as the server reads.
                raw = content.read_nowait()
            else:
                raw = await self._async_read_in_time(hass, request)
        except TimeoutError:
            self._tell_once("slow", "A webhook's body did not arrive in time")
            return _last(HTTPStatus.REQUEST_TIMEOUT)
        except RequestPayloadError:
            # Else the server reads on, and tells of what it meets with a traceback.
            request.content.feed_eof()
            hass.loop.call_soon(request.protocol.force_close)
            self._tell_once("broken", "A webhook's body could not be read")
            return _last(HTTPStatus.BAD_REQUEST)
        if raw is None or len(raw) > MAX_WEBHOOK_BODY:
            self._tell_once("oversized", "A webhook's body was too large")
            return Response(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if (secret := self._entry.options.get(CONF_WEBHOOK_SECRET)) and not (
            isinstance(secret, str)
            and self._gateway.verify_signature(raw, request.headers, secret)
        ):
            self._tell_once("signature", "A webhook's signature was missing or wrong")
            return Response(status=HTTPStatus.UNAUTHORIZED)
        try:
            # Nearly always, it is done at once.
            if (
                done := self._take(partial(self._parse, raw, request.headers))
            ) is not None:
                await done
        except InvalidEventError:
            self._tell_once("invalid", "A webhook's body was no event of the gateway")
            return Response(status=HTTPStatus.BAD_REQUEST)
        return Response(status=HTTPStatus.OK)

    async def _async_read_in_time(
        self, hass: HomeAssistant, request: Request
    ) -> bytes | None:
        """Read a body that is still on its way, for as long as one may take.

        Raises TimeoutError, or what reading it does.
        """
        connection = request.protocol
        self._unread = {one for one in self._unread if one.transport is not None}
        self._unread.add(connection)
        try:
            async with asyncio.timeout(BODY_TIME):
                raw = await _async_read(request)
        except TimeoutError:
            # When the answer is out; else the server would wait for the rest.
            hass.loop.call_soon(connection.force_close)
            raise
        if raw is not None:
            self._unread.discard(connection)
        return raw

    @callback
    def async_stop(self, _event: Event) -> None:
        """Wait for nobody who is still sending: Home Assistant would, as it stops."""
        for connection in self._unread:
            connection.force_close()

    @callback
    def _tell_once(self, kind: str, message: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            _LOGGER.warning("%s; it was refused (told once)", message)


class _Bodies:
    """The last bodies that arrived, and what was read from them.

    Of a gateway that says the same again in the same bytes, most bodies are among them.
    """

    def __init__(self, gateway: Gateway) -> None:
        """Begin with none."""
        self._parse = gateway.parse_event
        self._read: dict[bytes, list[GatewayEvent]] = {}

    def read(self, raw: bytes, headers: Mapping[str, str]) -> list[GatewayEvent]:
        """Return what a body says. Raises InvalidEventError if that is no event."""
        if (events := self._read.get(raw)) is not None:
            return events
        events = self._parse(raw, headers)
        if events and len(raw) <= LONGEST_BODY:
            self._read[raw] = events
            if len(self._read) > BODIES:
                del self._read[next(iter(self._read))]
        return events

    def clear(self) -> None:
        """Forget them: they tell of people."""
        self._read.clear()


def _last(status: HTTPStatus) -> Response:
    """Return the last answer on a connection, and say so: a proxy would use it again."""
    response = Response(status=status)
    response.force_close()
    return response


async def _async_read(request: Request) -> bytes | None:
    """Read a body up to the limit; None if it is larger, then mostly unread.

    Raises RequestPayloadError if it is not packed as it says.
    A length may be missing or belong to the compressed form; otherwise the server
    reads no more than that. Cloudhooks bring a request without a length.
    """
    length = getattr(request, "content_length", None)
    if length is not None:
        if length > MAX_WEBHOOK_BODY:
            return None
        if CONTENT_ENCODING not in request.headers:
            return await request.read()
    content = request.content
    chunks: list[bytes] = []
    size = 0
    while chunk := await content.read(MAX_WEBHOOK_BODY + 1 - size):
        size += len(chunk)
        if size > MAX_WEBHOOK_BODY:
            return None
        chunks.append(chunk)
    return b"".join(chunks)
