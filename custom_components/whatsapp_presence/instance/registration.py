"""Registering the webhook at the gateway, and keeping it so."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
import logging

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.helpers.network import NoURLAvailableError

from ..const import CONF_REGISTER_WEBHOOK, DOMAIN
from ..gateways.base import (
    AuthenticationError,
    Gateway,
    GatewayError,
    NotAllowedError,
    Transport,
)
from ..helpers import new_webhook_id, webhook_holder
from ..repairs import Issue, async_clear_issue, async_raise_issue
from .address import (
    LocalURLError,
    WebhookAddress,
    async_delete_cloudhook,
    async_own_url,
)
from .contest import Contest
from .delivery import Delivery
from .written import WrittenAddresses

_LOGGER = logging.getLogger(__name__)

RETRY_DELAYS = (30, 60, 120, 300, 900)
# The gateway may drop or switch off a webhook without a word: look now and then.
CHECK_INTERVAL = timedelta(minutes=15)
# Another home may have written at the same moment, from what it had read before.
LOOK_AGAIN = 30
# For how long a removal waits for a request to be answered, in seconds.
REMOVAL_WAITS = 20


class WebhookRegistration:
    """Keeps exactly one webhook of this home's registered at the gateway.

    What another home has registered for a copy of the entry is left alone.
    """

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
        self._written = WrittenAddresses(hass, entry)
        self._contest = Contest(hass, entry)
        self.url: str | None = None
        self.registered = False
        # May be set while an answer is awaited.
        self._stopped = asyncio.Event()
        # Whether the next look is one of the regular ones, at which others count.
        self._is_check = False
        self._retries = 0
        self._cancel_retry: CALLBACK_TYPE | None = None

    async def async_setup(self) -> None:
        """Begin to register the webhook, in the background."""
        if self._gateway.capabilities.transport is not Transport.WEBHOOK:
            return
        unload = self._entry.async_on_unload
        unload(self._stopped.set)
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
        if self._gateway.capabilities.transport is Transport.WEBHOOK:
            self._begin_pass()

    async def async_register_anew(self) -> bool:
        """Replace what is registered, be it sound or not; returns whether that worked."""
        await asyncio.shield(self._begin_pass(anew=True))
        return self.registered

    async def async_delete_others(self) -> bool:
        """Delete what other homes have for this webhook; returns whether that worked."""
        try:
            async with self._written.run.lock:
                await _async_delete(
                    self._gateway,
                    lambda url: url != self.url and self._contest.is_anothers(url),
                )
                self._contest.note(())
        except GatewayError as err:
            _LOGGER.debug("Removing a webhook failed: %s", type(err).__name__)
            return False
        return True

    async def async_renew(self) -> None:
        """Give the webhook another address."""
        await async_renew_webhook(self._hass, self._entry)

    @callback
    def _begin_pass(self, *, anew: bool = False) -> asyncio.Task[None]:
        """Begin a pass, which goes on to its next answer if the entry is unloaded.

        What the gateway does meanwhile would otherwise be nobody's.
        """
        task = self._hass.async_create_background_task(
            self._async_reconcile(anew=anew),
            f"{DOMAIN} register webhook",
        )
        self._written.run.tasks.add(task)
        task.add_done_callback(self._written.run.tasks.discard)
        return task

    async def _async_reconcile(self, *, anew: bool) -> None:
        async with self._written.run.lock:
            if self._stopped.is_set():
                return
            self._stop_retry()
            if anew:
                self.registered = False
            before = self.url
            url = self.url = await self._async_find_url()
            if self._stopped.is_set():
                return
            if unknown := self._written.follow(url):
                self._contest.leave(unknown)
            by_hand = not self._entry.options.get(CONF_REGISTER_WEBHOOK, True)
            self._delivery.async_expect(url, by_hand=by_hand)
            if before is not None and url != before:
                # What was registered leads nowhere until events prove otherwise.
                self._delivery.async_set_push(False)
            if not by_hand and not self._gateway.capabilities.manages_webhooks:
                self._not_registered(url)
                return
            try:
                if by_hand:
                    await self._async_withdraw()
                else:
                    await self._async_align(url, anew=anew)
            except GatewayError as err:
                if not self._stopped.is_set():
                    self._failed(err, url, by_hand=by_hand)
            else:
                self._retries = 0

    @callback
    def _failed(self, err: GatewayError, url: str | None, *, by_hand: bool) -> None:
        _LOGGER.debug("Registering the webhook failed: %s", type(err).__name__)
        if by_hand:
            self._retry_later()
        elif isinstance(err, NotAllowedError):
            self._not_registered(url)
        else:
            # Should the credentials be refused, the instance's own poll asks for new.
            if self._retries >= 2 and not isinstance(err, AuthenticationError):
                self._not_registered(url)
            self._retry_later()

    async def _async_align(self, url: str | None, *, anew: bool) -> None:
        """Keep one working registration of the URL; drop all others of this home's.

        What is to be registered anew is not kept, however well it looks.
        """
        keep = None
        others = []
        old = self._written.old
        for registered in await self._gateway.list_webhooks():
            is_wanted = registered.url == url and registered.working and not anew
            if keep is None and is_wanted:
                keep = registered
            elif (
                registered.url == url
                or registered.url in old
                or self._contest.is_same(registered.url, url)
            ):
                await self._gateway.delete_webhook(registered.webhook_id)
            elif self._contest.is_anothers(registered.url):
                others.append(registered.url)
        if self._stopped.is_set():
            return
        self._written.forget_old(old)
        self._contest.note(others, is_check=self._is_check)
        self._is_check = False
        if url is None:
            return
        self._written.remember(url)
        if keep is None:
            await self._gateway.create_webhook(url)
            if self._stopped.is_set():
                return
            if self._gateway.capabilities.overwrites_webhooks:
                self._look_again_in(LOOK_AGAIN)
        was_registered, self.registered = self.registered, True
        async_clear_issue(
            self._hass, Issue.WEBHOOK_NOT_REGISTERED, self._entry.entry_id
        )
        if keep is None or not was_registered:
            self._delivery.async_set_push(True)

    async def _async_withdraw(self) -> None:
        """Take back what was registered before the user chose to do it by hand."""
        for issue in (Issue.WEBHOOK_NOT_REGISTERED, Issue.WEBHOOK_CONTESTED):
            async_clear_issue(self._hass, issue, self._entry.entry_id)
        if not (ours := self._written.withdraw()):
            return
        await _async_delete(self._gateway, ours.__contains__)
        if self._stopped.is_set():
            return
        self.registered = False
        self._delivery.async_set_push(False)
        self._written.forget_old(ours)

    async def _async_find_url(self) -> str | None:
        try:
            url, try_again = await self._address.async_find()
        except NoURLAvailableError as err:
            if not self._stopped.is_set():
                _tell_no_url(self._hass, self._entry, err)
                self.registered = False
                self._delivery.async_set_push(False)
            return None
        if try_again and not self._stopped.is_set():
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
    def _retry_later(self) -> None:
        delay = RETRY_DELAYS[min(self._retries, len(RETRY_DELAYS) - 1)]
        self._retries += 1
        self._look_again_in(delay)

    @callback
    def _look_again_in(self, seconds: float) -> None:
        self._stop_retry()
        self._cancel_retry = async_call_later(
            self._hass, seconds, HassJob(self._retry, cancel_on_shutdown=True)
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
        self._is_check = True
        if not self._written.run.tasks:
            self.async_reconcile_soon()


@callback
def _tell_no_url(
    hass: HomeAssistant, entry: ConfigEntry, err: NoURLAvailableError
) -> None:
    if isinstance(err, LocalURLError):
        async_raise_issue(
            hass,
            Issue.NO_PUBLIC_URL,
            entry.entry_id,
            variant="local",
            instance=entry.title,
            address=err.origin,
        )
    else:
        async_raise_issue(
            hass, Issue.NO_PUBLIC_URL, entry.entry_id, instance=entry.title
        )


async def async_note_own_address(
    hass: HomeAssistant, entry: ConfigEntry, gateway: Gateway
) -> None:
    """Remember what is this home's address while an account can't be set up yet.

    Should it change meanwhile, a running Home Assistant has seen it.
    """
    if gateway.capabilities.transport is Transport.WEBHOOK:
        own = await async_own_url(hass, entry.data)
        WrittenAddresses(hass, entry).note_own(own)


async def async_renew_webhook(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Give the webhook of an entry another address, which the old one does not tell.

    What is registered under the old one is deleted at the next look at the gateway,
    which comes at once: a loaded entry is set up anew.
    """
    before = entry.data
    is_own = webhook_holder(hass, entry) is entry
    WrittenAddresses(hass, entry).renew(
        await async_own_url(hass, before) if is_own else None,
        **{CONF_WEBHOOK_ID: new_webhook_id()},
    )
    if is_own:
        hass.async_create_background_task(
            async_delete_cloudhook(hass, before), f"{DOMAIN} delete cloudhook"
        )


async def async_remove_webhook(
    hass: HomeAssistant, entry: ConfigEntry, gateway: Gateway
) -> None:
    """Remove what this home registered at the gateway and in the cloud, if possible."""
    written = WrittenAddresses(hass, entry)
    try:
        async with asyncio.timeout(REMOVAL_WAITS), written.run.lock:
            pass
    except TimeoutError:
        # What waits for its turn is never sent.
        for task in written.run.tasks:
            task.cancel()
    ours = set(written.of_this_home(await async_own_url(hass, entry.data)))
    if entry.options.get(CONF_REGISTER_WEBHOOK, True):
        ours |= written.run.own
    written.end()
    if ours and gateway.capabilities.manages_webhooks:
        try:
            await _async_delete(gateway, ours.__contains__)
        except GatewayError as err:
            _LOGGER.warning(
                "The webhook could not be removed from the gateway (%s); "
                "it answers nothing any more, and may be deleted there by hand",
                type(err).__name__,
            )
    if written.last not in (None, *ours):
        _LOGGER.warning(
            "The gateway may still have an address of the webhook that is not this "
            "home's; it was left there"
        )
    await async_delete_cloudhook(hass, entry.data)


async def _async_delete(gateway: Gateway, is_meant: Callable[[str], bool]) -> None:
    """Delete what is registered for the addresses that are meant."""
    for registered in await gateway.list_webhooks():
        if is_meant(registered.url):
            await gateway.delete_webhook(registered.webhook_id)
