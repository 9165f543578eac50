"""Announcing the account itself as online, for as long as the user wants it."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
import logging
import math
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CALLBACK_TYPE, Event, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..gateways.base import Gateway, GatewayError
from .store import InstanceStore

_LOGGER = logging.getLogger(__name__)

# Gateways take the announcement back by themselves, after 25 s at the earliest.
HEARTBEAT_INTERVAL: Final = timedelta(seconds=20)
FIRST_RETRY: Final = 5.0
LAST_RETRY: Final = 300.0
# Home Assistant does not wait long for what is to be done when it stops.
GOODBYE_TIME: Final = 3.0
# A gateway that ends the announcement after a request does so a little late.
_LATENESS: Final = 0.5
# A removal comes this soon after the unloading that it begins with, in seconds.
_JUST_NOW: Final = 10.0

# When an entry was unloaded whose gateway did not take it back, in loop time.
_REFUSED_AT: HassKey[dict[str, float]] = HassKey(f"{DOMAIN}_goodbyes")


class Announcer:
    """Announces the account again and again, and takes that back in the end.

    What the gateway did not take is tried again, after a restart as well.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        gateway: Gateway,
        store: InstanceStore,
        *,
        is_ready: Callable[[], bool],
        on_begin: Callable[[], None],
        on_trouble: Callable[[GatewayError], None],
    ) -> None:
        """Begin silent.

        `is_ready` tells whether a beat makes sense, `on_begin` is told when the user
        has begun to announce, `on_trouble` of a beat that failed.
        """
        self._hass = hass
        self._entry = entry
        self._gateway = gateway
        self._store = store
        self._is_ready = is_ready
        self._on_begin = on_begin
        self._on_trouble = on_trouble
        self._stop_heartbeat: CALLBACK_TYPE | None = None
        self._cancel_repeat: CALLBACK_TYPE | None = None
        self._cancel_retry: CALLBACK_TYPE | None = None
        self._retry_delay = FIRST_RETRY
        # What the user wants, while an answer is awaited.
        self._is_wanted = False
        self._has_left = False

    @property
    def is_on(self) -> bool:
        """Whether the account is being announced."""
        return self._stop_heartbeat is not None

    @callback
    def async_setup(self) -> None:
        """Take back what an earlier run could not, unless it goes on."""
        unload = self._entry.async_on_unload
        unload(self._async_say_goodbye)
        unload(
            self._hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, self._async_stop)
        )
        if self._store.announced and not self.is_on:
            self._retry_soon(0)

    async def async_begin(self) -> None:
        """Announce the account now, and go on doing so. Raises GatewayError."""
        self._is_wanted = True
        self._note(announced=True)
        await self._gateway.set_available(True)
        if self._has_left:
            # Nobody is left to take it back later.
            if not await async_say_goodbye(self._gateway):
                self._note(announced=True)
                await self._store.async_flush()
            return
        if not self._is_wanted:
            # Switched off meanwhile, and nobody knows in which order that was heard.
            self._note(announced=True)
            self.async_end()
            return
        self.async_go_on()
        self._on_begin()

    @callback
    def async_go_on(self) -> None:
        """Announce the account from now on, as before a restart."""
        self._stop_retry()
        if self._stop_heartbeat is None:
            self._note(announced=True)
            self._stop_heartbeat = async_track_time_interval(
                self._hass,
                self._async_beat,
                HEARTBEAT_INTERVAL,
                name=f"{DOMAIN} announce the account as online",
                cancel_on_shutdown=True,
            )

    @callback
    def async_end(self) -> None:
        """Announce the account no longer, however long the gateway takes for it."""
        self._is_wanted = False
        self._stop()
        self._retry_delay = FIRST_RETRY
        self._retry_soon(0)

    @callback
    def note_request(self) -> None:
        """A request was made that ends in the account's being announced no longer."""
        seconds = self._gateway.capabilities.announce_seconds
        if not self.is_on or not seconds:
            return
        if self._cancel_repeat is not None:
            self._cancel_repeat()
        self._cancel_repeat = async_call_later(
            self._hass,
            seconds + _LATENESS,
            HassJob(self._async_repeat, cancel_on_shutdown=True),
        )

    async def _async_repeat(self, now: datetime) -> None:
        self._cancel_repeat = None
        await self._async_beat(now)

    async def _async_beat(self, _now: datetime) -> None:
        if not self.is_on or not self._is_ready():
            return
        try:
            await self._gateway.set_available(True)
        except GatewayError as err:
            self._on_trouble(err)

    @callback
    def _retry_soon(self, delay: float) -> None:
        self._stop_retry()
        self._cancel_retry = async_call_later(
            self._hass, delay, HassJob(self._async_take_back, cancel_on_shutdown=True)
        )

    async def _async_take_back(self, _now: datetime) -> None:
        self._cancel_retry = None
        try:
            await self._gateway.set_available(False)
        except GatewayError as err:
            _LOGGER.debug("Taking it back failed: %s", type(err).__name__)
            if not self.is_on:
                self._retry_soon(self._retry_delay)
                self._retry_delay = min(2 * self._retry_delay, LAST_RETRY)
        else:
            if not self.is_on:
                self._note(announced=False)

    async def _async_stop(self, _event: Event) -> None:
        await self._async_say_goodbye()

    async def _async_say_goodbye(self) -> None:
        """Try once to take it back, without holding anybody up."""
        self._has_left = True
        self._stop()
        self._stop_retry()
        if not self._store.announced:
            return
        if await async_say_goodbye(self._gateway):
            self._note(announced=False)
        else:
            refused = self._hass.data.setdefault(_REFUSED_AT, {})
            refused[self._entry.entry_id] = self._hass.loop.time()
        await self._store.async_flush()

    @callback
    def _note(self, *, announced: bool) -> None:
        if self._store.announced is not announced:
            self._store.announced = announced
            self._store.async_changed()

    @callback
    def _stop(self) -> None:
        if self._stop_heartbeat is not None:
            self._stop_heartbeat()
            self._stop_heartbeat = None
        if self._cancel_repeat is not None:
            self._cancel_repeat()
            self._cancel_repeat = None

    @callback
    def _stop_retry(self) -> None:
        if self._cancel_retry is not None:
            self._cancel_retry()
            self._cancel_retry = None


async def async_say_goodbye(gateway: Gateway) -> bool:
    """Take the announcement back; returns whether the gateway has taken it in time."""
    try:
        async with asyncio.timeout(GOODBYE_TIME):
            await gateway.set_available(False)
    except GatewayError, TimeoutError:
        return False
    return True


async def async_end_for_good(
    hass: HomeAssistant, entry_id: str, gateway: Gateway
) -> None:
    """Take the announcement back as the entry is removed, or tell that it stands.

    A removal begins with unloading the entry, which has just tried if it was loaded.
    """
    refused_at = hass.data.get(_REFUSED_AT, {}).pop(entry_id, -math.inf)
    has_tried = hass.loop.time() - refused_at < _JUST_NOW
    if has_tried or not await async_say_goodbye(gateway):
        _LOGGER.warning(
            "The account may still be announced as online: the gateway did not "
            "take that back; set its presence to offline there"
        )
