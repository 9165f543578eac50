"""The Home Assistant webhook at which events arrive."""

from collections.abc import Callable
from http import HTTPStatus
import logging

from aiohttp.hdrs import CONTENT_ENCODING, METH_POST
from aiohttp.web import Request, RequestPayloadError, Response

from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, callback

from ..const import CONF_WEBHOOK_SECRET, DOMAIN, MAX_WEBHOOK_BODY
from ..gateways.base import Gateway, GatewayEvent, InvalidEventError

_LOGGER = logging.getLogger(__name__)


@callback
def async_open_webhook(
    hass: HomeAssistant,
    entry: ConfigEntry,
    gateway: Gateway,
    on_events: Callable[[list[GatewayEvent]], None],
) -> None:
    """Receive events for as long as the entry is loaded."""
    webhook_id: str = entry.data[CONF_WEBHOOK_ID]
    webhook.async_register(
        hass,
        DOMAIN,
        entry.title,
        webhook_id,
        _Receiver(entry, gateway, on_events).async_handle,
        allowed_methods=[METH_POST],
    )
    entry.async_on_unload(lambda: webhook.async_unregister(hass, webhook_id))


class _Receiver:
    """Reads what arrives, and hands on what is an event of the gateway."""

    def __init__(
        self,
        entry: ConfigEntry,
        gateway: Gateway,
        on_events: Callable[[list[GatewayEvent]], None],
    ) -> None:
        """Begin; nothing has been refused yet."""
        self._entry = entry
        self._gateway = gateway
        self._on_events = on_events
        self._told: set[str] = set()

    async def async_handle(
        self, hass: HomeAssistant, webhook_id: str, request: Request
    ) -> Response:
        """Answer an event: parsed, then applied, all without waiting for anything."""
        try:
            raw = await _async_read(request)
        except RequestPayloadError:
            self._tell_once("broken", "A webhook's body could not be read")
            return Response(status=HTTPStatus.BAD_REQUEST)
        if raw is None:
            self._tell_once("oversized", "A webhook's body was too large")
            return Response(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if (
            secret := self._entry.options.get(CONF_WEBHOOK_SECRET)
        ) and not self._gateway.verify_signature(raw, request.headers, secret):
            self._tell_once("signature", "A webhook's signature was missing or wrong")
            return Response(status=HTTPStatus.UNAUTHORIZED)
        try:
            events = self._gateway.parse_event(raw, request.headers)
        except InvalidEventError:
            self._tell_once("invalid", "A webhook's body was no event of the gateway")
            return Response(status=HTTPStatus.BAD_REQUEST)
        if events:
            self._on_events(events)
        return Response(status=HTTPStatus.OK)

    @callback
    def _tell_once(self, kind: str, message: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            _LOGGER.warning("%s; it was refused (told once)", message)


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
