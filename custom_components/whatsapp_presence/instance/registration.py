"""Registering the webhook at the gateway, and keeping it so."""

import asyncio
from datetime import datetime, timedelta
import logging

from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.helpers.network import NoURLAvailableError

from ..const import CONF_CLOUDHOOK_URL, CONF_REGISTER_WEBHOOK, CONF_WEBHOOK_URL, DOMAIN
from ..gateways.base import (
    AuthenticationError,
    Gateway,
    GatewayError,
    NotAllowedError,
    Transport,
)
from ..repairs import Issue, async_clear_issue, async_raise_issue
from .address import WebhookAddress, async_delete_cloudhook, async_update_data
from .delivery import Delivery

_LOGGER = logging.getLogger(__name__)

RETRY_DELAYS = (30, 60, 120, 300, 900)
# The gateway may drop or switch off a webhook without a word: look now and then.
CHECK_INTERVAL = timedelta(minutes=15)


class WebhookRegistration:
    """Keeps exactly one webhook of ours registered at the gateway."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        gateway: Gateway,
        delivery: Delivery,
    ) -> None:
        """Create it; nothing is registered yet."""
        self._hass = hass
        self._entry = entry
        self._gateway = gateway
        self._delivery = delivery
        self._address = WebhookAddress(hass, entry, gateway.url)
        self.url: str | None = None
        self.registered = False
        self._lock = asyncio.Lock()
        self._retries = 0
        self._cancel_retry: CALLBACK_TYPE | None = None

    async def async_setup(self) -> None:
        """Begin to register the webhook, in the background."""
        if self._gateway.capabilities.transport is not Transport.WEBHOOK:
            return
        unload = self._entry.async_on_unload
        unload(self._stop_retry)
        await self._address.async_watch(self.async_reconcile_soon)
        unload(
            async_track_time_interval(
                self._hass,
                self._check,
                CHECK_INTERVAL,
                name=f"{DOMAIN} webhook check",
                cancel_on_shutdown=True,
            )
        )
        self.async_reconcile_soon()

    @callback
    def async_reconcile_soon(self) -> None:
        """Bring what the gateway has in line with what it should, in the background."""
        if self._gateway.capabilities.transport is not Transport.WEBHOOK:
            return
        self._entry.async_create_background_task(
            self._hass, self._async_reconcile(), f"{DOMAIN} register webhook"
        )

    async def async_register_anew(self) -> bool:
        """Replace what is registered, be it sound or not; returns whether that worked."""
        await self._async_reconcile(anew=True)
        return self.registered

    async def _async_reconcile(self, *, anew: bool = False) -> None:
        async with self._lock:
            self._stop_retry()
            if anew:
                self.registered = False
            before = self.url
            url = self.url = await self._async_find_url()
            by_hand = not self._entry.options.get(CONF_REGISTER_WEBHOOK, True)
            self._delivery.async_expect(url, by_hand=by_hand)
            if before is not None and url != before:
                # What was registered leads nowhere until events prove otherwise.
                self._delivery.async_set_push(False)
            if by_hand:
                await self._async_withdraw()
                return
            if not self._gateway.capabilities.manages_webhooks:
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
        for registered in await self._gateway.list_webhooks():
            is_wanted = registered.url == url and registered.working and not anew
            if keep is None and is_wanted:
                keep = registered
            elif _is_ours(self._entry, registered.url):
                await self._gateway.delete_webhook(registered.webhook_id)
        if url is None:
            self._remember(None)
            return
        if keep is None:
            await self._gateway.create_webhook(url)
        self._remember(url)
        was_registered, self.registered = self.registered, True
        async_clear_issue(
            self._hass, Issue.WEBHOOK_NOT_REGISTERED, self._entry.entry_id
        )
        if keep is None or not was_registered:
            self._delivery.async_set_push(True)

    async def _async_withdraw(self) -> None:
        """Take back what was registered before the user chose to do it by hand."""
        async_clear_issue(
            self._hass, Issue.WEBHOOK_NOT_REGISTERED, self._entry.entry_id
        )
        if (ours := self._entry.data.get(CONF_WEBHOOK_URL)) is None:
            return
        try:
            for registered in await self._gateway.list_webhooks():
                if registered.url == ours:
                    await self._gateway.delete_webhook(registered.webhook_id)
        except GatewayError as err:
            _LOGGER.debug("Removing the webhook failed: %s", type(err).__name__)
            self._retry_later()
            return
        self.registered = False
        self._delivery.async_set_push(False)
        self._remember(None)

    async def _async_find_url(self) -> str | None:
        try:
            url, try_again = await self._address.async_find()
        except NoURLAvailableError:
            async_raise_issue(
                self._hass,
                Issue.NO_PUBLIC_URL,
                self._entry.entry_id,
                instance=self._entry.title,
            )
            self.registered = False
            self._delivery.async_set_push(False)
            return None
        if try_again:
            self._retry_later()
        async_clear_issue(self._hass, Issue.NO_PUBLIC_URL, self._entry.entry_id)
        return url

    @callback
    def _not_registered(self, url: str | None) -> None:
        """Ask the user to register the webhook by hand; chats are polled meanwhile."""
        self.registered = False
        if url is None or self._delivery.push:
            return
        async_raise_issue(
            self._hass,
            Issue.WEBHOOK_NOT_REGISTERED,
            self._entry.entry_id,
            instance=self._entry.title,
            webhook_url=url,
        )

    @callback
    def _remember(self, url: str | None) -> None:
        async_update_data(self._hass, self._entry, CONF_WEBHOOK_URL, url)

    @callback
    def _retry_later(self) -> None:
        self._stop_retry()
        delay = RETRY_DELAYS[min(self._retries, len(RETRY_DELAYS) - 1)]
        self._retries += 1
        self._cancel_retry = async_call_later(
            self._hass, delay, HassJob(self._retry, cancel_on_shutdown=True)
        )

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


async def async_remove_webhook(
    hass: HomeAssistant, entry: ConfigEntry, gateway: Gateway
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
    await async_delete_cloudhook(hass, entry)


def _is_ours(entry: ConfigEntry, url: str) -> bool:
    """Whether a URL ends at this entry's webhook, whatever host it goes through."""
    return url in (
        entry.data.get(CONF_CLOUDHOOK_URL),
        entry.data.get(CONF_WEBHOOK_URL),
    ) or url.endswith(webhook.async_generate_path(entry.data[CONF_WEBHOOK_ID]))
