"""Whether the gateway's events arrive, and what follows if they do not."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
import time

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from ..const import GRACE_TIME
from ..gateways.base import Gateway, GatewayEvent, Transport
from ..presence.model import PresenceUpdate
from ..repairs import Issue, async_clear_issue, async_raise_issue

# So many changes that only a poll saw, and no event since, mean that events are lost.
MISSED_CHANGES = 3


class Delivery:
    """Knows whether events reach Home Assistant, and tells the user if not."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        gateway: Gateway,
        on_change: Callable[[], None],
    ) -> None:
        """Begin without events; `on_change` is told when they begin and when they end."""
        self._hass = hass
        self._entry = entry
        self._gateway = gateway
        self._on_change = on_change
        self.push = False
        # In whole seconds: who shows it is told once a second.
        self._last_event: int | None = None
        self._webhook_url: str | None = None
        self._by_hand = False
        self._silent = False
        self._missed_changes = 0
        self._cancel_wait: CALLBACK_TYPE | None = None
        self._listeners: list[CALLBACK_TYPE] = []
        entry.async_on_unload(self._stop_waiting)

    @property
    def last_event(self) -> datetime | None:
        """When events arrived last, to the second."""
        if self._last_event is None:
            return None
        return dt_util.utc_from_timestamp(self._last_event)

    @callback
    def async_add_event_listener(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call a listener when events arrive, once a second; returns how to stop."""
        self._listeners.append(listener)
        return partial(self._listeners.remove, listener)

    @callback
    def async_expect(self, webhook_url: str | None, *, by_hand: bool) -> None:
        """Note where events are to arrive, and whether the user sees to that."""
        self._webhook_url = webhook_url
        self._by_hand = by_hand and webhook_url is not None

    @callback
    def async_note_arrival(self, events: list[GatewayEvent]) -> None:
        """Events arrived; after a silence only a chat's presence proves the way."""
        if (not self.push or self._missed_changes) and (
            not self._silent
            or any(isinstance(event, PresenceUpdate) for event in events)
        ):
            self.async_set_push(True)
        if self._last_event != (now := int(time.time())):
            self._last_event = now
            for listener in self._listeners:
                listener()

    @callback
    def async_note_stream(self, connected: bool) -> None:
        """The event stream has begun or ended; a short gap in it changes nothing."""
        if connected:
            self._stop_waiting()
            if not self._silent:
                self.async_set_push(True)
        elif self.push and self._cancel_wait is None:
            self._cancel_wait = async_call_later(
                self._hass,
                GRACE_TIME,
                HassJob(self._stream_stays_away, cancel_on_shutdown=True),
            )

    @callback
    def _stream_stays_away(self, _now: datetime) -> None:
        self._cancel_wait = None
        self.async_set_push(False)

    @callback
    def _stop_waiting(self) -> None:
        if self._cancel_wait is not None:
            self._cancel_wait()
            self._cancel_wait = None

    @callback
    def async_set_push(self, push: bool) -> None:
        """Note whether events reach Home Assistant, as far as is known."""
        if push:
            self._silent = False
            for issue in (
                Issue.STREAM_SILENT,
                Issue.WEBHOOK_NOT_REGISTERED,
                Issue.WEBHOOK_SILENT,
            ):
                async_clear_issue(self._hass, issue, self._entry.entry_id)
            self._missed_changes = 0
        if push is not self.push:
            self.push = push
            self._missed_changes = 0
            self._on_change()

    @callback
    def async_start_over(self) -> None:
        """The user has mended it: what was missed before proves nothing any more."""
        self._missed_changes = 0

    @callback
    def async_note_change(self, *, missed: bool) -> None:
        """An answer told of a change; `missed`: an event should have told of it.

        Nobody knows of a webhook that the user is to register whether events should
        have come; if changes come and no event ever does, they should have.
        """
        if not missed and (self.push or not self._by_hand):
            return
        self._missed_changes += 1
        if self._missed_changes < MISSED_CHANGES:
            return
        self.async_set_push(False)
        self._silent = True
        has_stream = self._gateway.capabilities.transport is Transport.WEBSOCKET
        async_raise_issue(
            self._hass,
            Issue.STREAM_SILENT if has_stream else Issue.WEBHOOK_SILENT,
            self._entry.entry_id,
            instance=self._entry.title,
            webhook_url=self._webhook_url or "",
        )
