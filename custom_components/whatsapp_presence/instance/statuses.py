"""What events say of the instance: each once, none that is overtaken, few a second."""

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from ..gateways.base import InstanceEvent, InstanceStatus
from ..presence.tracker import seen_before

# An instance event may overtake another by this much; beyond, a clock was set.
LATE_LIMIT: Final = 600.0
SEEN_EVENTS: Final = 32
# An instance that goes and comes back at once has changed twice.
CHANGES_AT_ONCE: Final = 2
CHANGES_SPAN: Final = 1.0
"""Seconds in which it may change so many times; of more changes the last one counts."""


class StatusEvents:
    """Tells what counts of the events about an instance."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        known: Callable[[], InstanceStatus],
        on_status: Callable[[InstanceStatus], None],
    ) -> None:
        """Begin with nothing said; `on_status` is told what counts.

        `known` is asked how the instance stands, as far as that is known.
        """
        self._hass = hass
        self._known = known
        self._on_status = on_status
        self._newest = 0.0
        self._seen: dict[str, None] = {}
        self._changed_at: deque[float] = deque(maxlen=CHANGES_AT_ONCE)
        self._waiting: InstanceStatus | None = None
        # How the instance stood when that began.
        self._waits_since: InstanceStatus | None = None
        self._cancel_wait: CALLBACK_TYPE | None = None
        entry.async_on_unload(self.forget)

    @callback
    def async_hear(self, events: Iterable[InstanceEvent]) -> None:
        """Take what arrived at once, of which the last word counts."""
        fresh = [event.status for event in events if not self._is_stale(event)]
        if not fresh:
            return
        status = fresh[-1]
        if self._waiting is not None:
            self._waiting = status
        elif status is self._known() or (wait := self._wait()) <= 0:
            self._tell(status)
        else:
            self._waiting, self._waits_since = status, self._known()
            self._cancel_wait = async_call_later(
                self._hass, wait, HassJob(self._wait_is_over, cancel_on_shutdown=True)
            )

    @callback
    def forget(self) -> None:
        """Drop what waits to be told: something newer is known, or will be."""
        self._waiting = None
        if self._cancel_wait is not None:
            self._cancel_wait()
            self._cancel_wait = None

    def _wait(self) -> float:
        """Return for how many seconds another change has to wait."""
        if len(self._changed_at) < CHANGES_AT_ONCE:
            return 0.0
        return self._changed_at[0] + CHANGES_SPAN - self._hass.loop.time()

    @callback
    def _tell(self, status: InstanceStatus) -> None:
        if status is not self._known():
            self._changed_at.append(self._hass.loop.time())
        self._on_status(status)

    @callback
    def _wait_is_over(self, _now: datetime) -> None:
        status, self._waiting, self._cancel_wait = self._waiting, None, None
        if status is None or status is self._known() is not self._waits_since:
            # An answer has told it meanwhile, and what follows has been done since.
            return
        self._tell(status)

    @callback
    def _is_stale(self, event: InstanceEvent) -> bool:
        """Whether the event repeats one, or is overtaken by a newer one."""
        if event.event_id is not None and seen_before(
            event.event_id, self._seen, SEEN_EVENTS
        ):
            return True
        if event.time is not None:
            if event.time < self._newest < event.time + LATE_LIMIT:
                return True
            self._newest = event.time
        return False
