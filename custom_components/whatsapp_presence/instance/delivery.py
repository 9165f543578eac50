"""Whether the gateway's events arrive, and what follows if they do not."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..const import RENEW_INTERVAL
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
    ) -> None:
        """Begin without events."""
        self._hass = hass
        self._entry = entry
        self._gateway = gateway
        self._on_push: Callable[[], None] | None = None
        self.push = False
        self.last_event: datetime | None = None
        self._webhook_url: str | None = None
        self._by_hand = False
        self._push_changed_at = hass.loop.time()
        self._silent = False
        self._missed_changes = 0
        self._listeners: list[CALLBACK_TYPE] = []

    @callback
    def async_add_event_listener(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call a listener at each arrival of events; returns how to stop."""
        self._listeners.append(listener)
        return partial(self._listeners.remove, listener)

    @callback
    def async_on_push_changed(self, follow: Callable[[], None]) -> None:
        """Call whenever events have begun to arrive, or have ceased to."""
        self._on_push = follow

    @callback
    def async_expect(self, webhook_url: str | None, *, by_hand: bool) -> None:
        """Note where events are to arrive, and whether the user sees to that."""
        self._webhook_url = webhook_url
        self._by_hand = by_hand and webhook_url is not None

    @callback
    def async_note_arrival(self, events: list[GatewayEvent]) -> None:
        """Events arrived; after a silence only a chat's presence proves the way."""
        self.last_event = dt_util.utcnow()
        if (not self.push or self._missed_changes) and (
            not self._silent
            or any(isinstance(event, PresenceUpdate) for event in events)
        ):
            self.async_set_push(True)
        for listener in self._listeners:
            listener()

    @callback
    def async_note_stream(self, connected: bool) -> None:
        """The event stream has begun or ended."""
        if not connected or not self._silent:
            self.async_set_push(connected)

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
            self._push_changed_at = self._hass.loop.time()
            if self._on_push is not None:
                self._on_push()

    @callback
    def async_note_missed_change(self) -> None:
        """A poll saw a change that no event had told of."""
        has_stream = self._gateway.capabilities.transport is Transport.WEBSOCKET
        if not self.push and not has_stream and not self._by_hand:
            # Why there are no events is told already.
            return
        self._missed_changes += 1
        if self._missed_changes < MISSED_CHANGES:
            return
        if not self.push and (
            self._hass.loop.time() - self._push_changed_at
            < RENEW_INTERVAL.total_seconds()
        ):
            # A stream may have been lost just now.
            return
        self.async_set_push(False)
        self._silent = True
        async_raise_issue(
            self._hass,
            Issue.STREAM_SILENT if has_stream else Issue.WEBHOOK_SILENT,
            self._entry.entry_id,
            instance=self._entry.title,
            webhook_url=self._webhook_url or "",
        )
