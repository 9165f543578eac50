"""The webhook at which events arrive, and its registration at the gateway."""

import asyncio
from datetime import datetime, timedelta
from http import HTTPStatus
import logging
from typing import Any, Protocol

from aiohttp.hdrs import CONTENT_ENCODING, METH_POST
from aiohttp.web import Request, RequestPayloadError, Response
from yarl import URL

from homeassistant.components import cloud, webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID, EVENT_CORE_CONFIG_UPDATE
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.helpers.network import NoURLAvailableError

from .const import (
    CONF_CLOUDHOOK_URL,
    CONF_REGISTER_WEBHOOK,
    CONF_WEBHOOK_SECRET,
    CONF_WEBHOOK_URL,
    DOMAIN,
    MAX_WEBHOOK_BODY,
)
from .gateways.base import (
    AuthenticationError,
    Gateway,
    GatewayError,
    GatewayEvent,
    InvalidEventError,
    NotAllowedError,
    Transport,
)
from .helpers import is_local_host
from .repairs import Issue, async_clear_issue, async_raise_issue

_LOGGER = logging.getLogger(__name__)

RETRY_DELAYS = (30, 60, 120, 300, 900)
# The gateway may drop or switch off a webhook without a word: look now and then.
CHECK_INTERVAL = timedelta(minutes=15)


class EventSink(Protocol):
    """Where events go, and who knows whether they arrive."""

    @property
    def push(self) -> bool:
        """Whether events arrive, as far as is known."""

    def async_handle_events(self, events: list[GatewayEvent]) -> None:
        """Take events."""

    def async_set_push(self, push: bool) -> None:
        """Note whether events arrive."""


class WebhookManager:
    """Keeps exactly one webhook of ours registered, and receives what it brings."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry[Any],
        gateway: Gateway,
        sink: EventSink,
    ) -> None:
        """Create the manager; nothing is registered yet."""
        self.hass = hass
        self.entry = entry
        self.gateway = gateway
        self.url: str | None = None
        self.registered = False
        self._sink = sink
        self._webhook_id: str = entry.data[CONF_WEBHOOK_ID]
        self._secret: str | None = entry.options.get(CONF_WEBHOOK_SECRET)
        self._lock = asyncio.Lock()
        self._retries = 0
        self._cancel_retry: CALLBACK_TYPE | None = None
        self._told: set[str] = set()

    @property
    def by_hand(self) -> bool:
        """Whether the user is to have registered the webhook, and knows where."""
        return self.url is not None and not self.entry.options.get(
            CONF_REGISTER_WEBHOOK, True
        )

    @callback
    def async_setup(self) -> None:
        """Open the webhook, and begin to register it in the background."""
        webhook.async_register(
            self.hass,
            DOMAIN,
            self.entry.title,
            self._webhook_id,
            self._async_handle,
            allowed_methods=[METH_POST],
        )
        unload = self.entry.async_on_unload
        unload(self._close)
        if self.gateway.capabilities.transport is not Transport.WEBHOOK:
            return
        unload(cloud.async_listen_connection_change(self.hass, self._cloud_changed))
        unload(
            cloud.async_listen_cloudhook_change(
                self.hass, self._webhook_id, self._cloudhook_changed
            )
        )
        unload(
            self.hass.bus.async_listen(
                EVENT_CORE_CONFIG_UPDATE, self._core_config_updated
            )
        )
        unload(
            async_track_time_interval(
                self.hass,
                self._check,
                CHECK_INTERVAL,
                name=f"{DOMAIN} webhook check",
                cancel_on_shutdown=True,
            )
        )
        self.async_reconcile_soon()

    @callback
    def async_options_changed(self) -> None:
        """Take over the options."""
        self._secret = self.entry.options.get(CONF_WEBHOOK_SECRET)
        self.async_reconcile_soon()

    @callback
    def async_reconcile_soon(self) -> None:
        """Bring what the gateway has in line with what it should, in the background."""
        if self.gateway.capabilities.transport is not Transport.WEBHOOK:
            return
        self.entry.async_create_background_task(
            self.hass, self._async_reconcile(), f"{DOMAIN} register webhook"
        )

    async def async_register_anew(self) -> bool:
        """Replace what is registered, be it sound or not; returns whether that worked."""
        await self._async_reconcile(anew=True)
        return self.registered

    async def _async_handle(
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
        if (secret := self._secret) and not self.gateway.verify_signature(
            raw, request.headers, secret
        ):
            self._tell_once("signature", "A webhook's signature was missing or wrong")
            return Response(status=HTTPStatus.UNAUTHORIZED)
        try:
            events = self.gateway.parse_event(raw, request.headers)
        except InvalidEventError:
            self._tell_once("invalid", "A webhook's body was no event of the gateway")
            return Response(status=HTTPStatus.BAD_REQUEST)
        if events:
            self._sink.async_handle_events(events)
        return Response(status=HTTPStatus.OK)

    @callback
    def _tell_once(self, kind: str, message: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            _LOGGER.warning("%s; it was refused (told once)", message)

    async def _async_reconcile(self, *, anew: bool = False) -> None:
        async with self._lock:
            self._stop_retry()
            if anew:
                self.registered = False
            before = self.url
            url = self.url = await self._async_find_url()
            if before is not None and url != before:
                # What was registered leads nowhere until events prove otherwise.
                self._sink.async_set_push(False)
            if not self.entry.options.get(CONF_REGISTER_WEBHOOK, True):
                await self._async_withdraw()
                return
            if not self.gateway.capabilities.manages_webhooks:
                self._not_registered(url)
                return
            try:
                await self._async_align(url, anew=anew)
            except NotAllowedError:
                self._not_registered(url)
            except AuthenticationError:
                # The instance's own poll finds out and asks for new credentials.
                self._retry_later()
            except GatewayError as err:
                _LOGGER.debug("Registering the webhook failed: %s", type(err).__name__)
                if self._retries >= 2:
                    self._not_registered(url)
                self._retry_later()
            else:
                self._retries = 0

    async def _async_align(self, url: str | None, *, anew: bool) -> None:
        """Keep one working registration of the URL; drop all others of ours.

        What is to be registered anew is not kept, however well it looks.
        """
        keep = None
        for registered in await self.gateway.list_webhooks():
            is_wanted = registered.url == url and registered.working and not anew
            if keep is None and is_wanted:
                keep = registered
            elif _is_ours(self.entry, registered.url):
                await self.gateway.delete_webhook(registered.webhook_id)
        if url is None:
            self._remember(None)
            return
        if keep is None:
            await self.gateway.create_webhook(url)
        self._remember(url)
        was_registered, self.registered = self.registered, True
        async_clear_issue(self.hass, Issue.WEBHOOK_NOT_REGISTERED, self.entry.entry_id)
        if keep is None or not was_registered:
            self._sink.async_set_push(True)

    async def _async_withdraw(self) -> None:
        """Take back what was registered before the user chose to do it by hand."""
        async_clear_issue(self.hass, Issue.WEBHOOK_NOT_REGISTERED, self.entry.entry_id)
        if (ours := self.entry.data.get(CONF_WEBHOOK_URL)) is None:
            return
        try:
            for registered in await self.gateway.list_webhooks():
                if registered.url == ours:
                    await self.gateway.delete_webhook(registered.webhook_id)
        except GatewayError as err:
            _LOGGER.debug("Removing the webhook failed: %s", type(err).__name__)
            self._retry_later()
            return
        self.registered = False
        self._sink.async_set_push(False)
        self._remember(None)

    async def _async_find_url(self) -> str | None:
        """Find the address at which the gateway can reach the webhook."""
        url: str | None = None
        if cloud.async_active_subscription(self.hass):
            url = self.entry.data.get(CONF_CLOUDHOOK_URL)
            if url is None and cloud.async_is_connected(self.hass):
                try:
                    url = await cloud.async_get_or_create_cloudhook(
                        self.hass, self._webhook_id
                    )
                except Exception as err:  # noqa: BLE001
                    # The cloud's library has errors of its own, that it may be without.
                    _LOGGER.debug("Making a cloudhook failed: %s", type(err).__name__)
                    self._retry_later()
                else:
                    self._update_data(CONF_CLOUDHOOK_URL, url)
        if url is None:
            try:
                url = webhook.async_generate_url(
                    self.hass,
                    self._webhook_id,
                    allow_internal=is_local_host(URL(self.gateway.url).host or ""),
                )
            except NoURLAvailableError:
                async_raise_issue(
                    self.hass,
                    Issue.NO_PUBLIC_URL,
                    self.entry.entry_id,
                    instance=self.entry.title,
                )
                self.registered = False
                self._sink.async_set_push(False)
                return None
        async_clear_issue(self.hass, Issue.NO_PUBLIC_URL, self.entry.entry_id)
        return url

    @callback
    def _not_registered(self, url: str | None) -> None:
        """Ask the user to register the webhook by hand; chats are polled meanwhile."""
        self.registered = False
        if url is None or self._sink.push:
            return
        async_raise_issue(
            self.hass,
            Issue.WEBHOOK_NOT_REGISTERED,
            self.entry.entry_id,
            instance=self.entry.title,
            webhook_url=url,
        )

    @callback
    def _remember(self, url: str | None) -> None:
        self._update_data(CONF_WEBHOOK_URL, url)

    @callback
    def _update_data(self, key: str, value: str | None) -> None:
        if self.entry.data.get(key) == value:
            return
        data = {**self.entry.data, key: value}
        if value is None:
            del data[key]
        self.hass.config_entries.async_update_entry(self.entry, data=data)

    @callback
    def _retry_later(self) -> None:
        self._stop_retry()
        delay = RETRY_DELAYS[min(self._retries, len(RETRY_DELAYS) - 1)]
        self._retries += 1
        self._cancel_retry = async_call_later(self.hass, delay, self._retry)

    @callback
    def _retry(self, _now: datetime) -> None:
        self._cancel_retry = None
        self.async_reconcile_soon()

    @callback
    def _stop_retry(self) -> None:
        if self._cancel_retry is not None:
            self._cancel_retry()
            self._cancel_retry = None

    @callback
    def _check(self, _now: datetime) -> None:
        self.async_reconcile_soon()

    @callback
    def _cloud_changed(self, state: cloud.CloudConnectionState) -> None:
        if (
            state is cloud.CloudConnectionState.CLOUD_DISCONNECTED
            and cloud.async_active_subscription(self.hass)
        ):
            # The cloudhook outlives a lost connection.
            return
        self.async_reconcile_soon()

    @callback
    def _cloudhook_changed(self, cloudhook: dict[str, Any] | None) -> None:
        self._update_data(
            CONF_CLOUDHOOK_URL, cloudhook.get("cloudhook_url") if cloudhook else None
        )
        self.async_reconcile_soon()

    @callback
    def _core_config_updated(self, event: Event[dict[str, Any]]) -> None:
        if "external_url" in event.data or "internal_url" in event.data:
            self.async_reconcile_soon()

    @callback
    def _close(self) -> None:
        self._stop_retry()
        webhook.async_unregister(self.hass, self._webhook_id)


async def async_remove_webhook(
    hass: HomeAssistant, entry: ConfigEntry[Any], gateway: Gateway
) -> None:
    """Remove what was registered at the gateway and in the cloud, if that is possible."""
    if CONF_WEBHOOK_URL in entry.data and gateway.capabilities.manages_webhooks:
        try:
            for registered in await gateway.list_webhooks():
                if _is_ours(entry, registered.url):
                    await gateway.delete_webhook(registered.webhook_id)
        except GatewayError as err:
            _LOGGER.warning(
                "The webhook could not be removed from the gateway (%s); "
                "it answers nothing any more, and may be deleted there by hand",
                type(err).__name__,
            )
    if CONF_CLOUDHOOK_URL in entry.data:
        try:
            await cloud.async_delete_cloudhook(hass, entry.data[CONF_WEBHOOK_ID])
        except Exception as err:  # noqa: BLE001
            # No cloud, or the user has deleted it there: the entry goes all the same.
            _LOGGER.debug("Deleting the cloudhook failed: %s", type(err).__name__)


def _is_ours(entry: ConfigEntry[Any], url: str) -> bool:
    """Whether a URL ends at this entry's webhook, whatever host it goes through."""
    return url in (
        entry.data.get(CONF_CLOUDHOOK_URL),
        entry.data.get(CONF_WEBHOOK_URL),
    ) or url.endswith(webhook.async_generate_path(entry.data[CONF_WEBHOOK_ID]))


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
