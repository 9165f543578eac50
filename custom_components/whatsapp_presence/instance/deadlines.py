"""Many deadlines, and one timer on the loop for all of them."""

from collections.abc import Callable, Hashable
from datetime import datetime
from heapq import heappop, heappush
from itertools import count

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later


class Deadlines[OwnerT: Hashable]:
    """Calls back for each owner at the time that was set for it, or earlier.

    Times are the loop's (seconds, never set back). To move a deadline away costs
    nothing: it is called back at the old time, and sets the new one then. That is what
    makes a typing's many events cheap, each of which moves the typing's end.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        name: str,
        on_due: Callable[[OwnerT, float], None],
    ) -> None:
        """Begin with none; `on_due` is given the owner and the time reached."""
        self._hass = hass
        self._on_due = on_due
        self._due: dict[OwnerT, float] = {}
        self._queue: list[tuple[float, int, OwnerT]] = []
        self._order = count()
        self._job = HassJob(self._fire, name, cancel_on_shutdown=True)
        self._cancel_timer: CALLBACK_TYPE | None = None
        self._timer_at = 0.0

    @callback
    def set(self, owner: OwnerT, delay: float) -> None:
        """Make sure to be called back in `delay` seconds, or earlier."""
        when = self._hass.loop.time() + max(delay, 0.0)
        if (before := self._due.get(owner)) is not None and before <= when:
            return
        self._due[owner] = when
        heappush(self._queue, (when, next(self._order), owner))
        self._arm()

    @callback
    def discard(self, owner: OwnerT) -> None:
        """Forget an owner's deadline; it may have none."""
        self._due.pop(owner, None)

    @callback
    def clear(self) -> None:
        """Forget all deadlines."""
        self._due.clear()
        self._queue.clear()
        self._stop_timer()

    @callback
    def _arm(self) -> None:
        """See to it that the timer fires at the first deadline."""
        if not self._queue:
            return
        first = self._queue[0][0]
        if self._cancel_timer is not None:
            if self._timer_at <= first:
                return
            self._cancel_timer()
        self._timer_at = first
        self._cancel_timer = async_call_later(
            self._hass, max(first - self._hass.loop.time(), 0.0), self._job
        )

    @callback
    def _fire(self, _now: datetime) -> None:
        self._cancel_timer = None
        reached = max(self._timer_at, self._hass.loop.time())
        due: list[OwnerT] = []
        while self._queue and self._queue[0][0] <= reached:
            when, _, owner = heappop(self._queue)
            # What was forgotten or brought forward is still in the queue.
            if self._due.get(owner) == when:
                del self._due[owner]
                due.append(owner)
        for owner in due:
            self._on_due(owner, reached)
        self._arm()

    @callback
    def _stop_timer(self) -> None:
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None
