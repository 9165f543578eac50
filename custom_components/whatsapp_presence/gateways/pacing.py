"""Keep the requests of one instance at a pace that its gateway can bear."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol

from .base import RateLimitedError

MAX_CONCURRENT: Final = 6
# A gateway may take seconds to answer each of the others: one place is kept free, so
# that what cannot wait does not.
RESERVED_FOR_URGENT: Final = 1
RATE: Final = 1.0
"""Requests a second, in the long run."""
BURST: Final = 10
MAX_PAUSE: Final = 900.0
MIN_PAUSE: Final = 1.0
FIRST_BACKOFF: Final = 10.0
# Who would have to wait longer for the end of a pause is told at once instead.
MAX_WAIT_FOR_PAUSE: Final = 60.0
MAX_URGENT_WAIT_FOR_PAUSE: Final = 5.0

_EPSILON: Final = 1e-6


class Cancellable(Protocol):
    """A timer that can be taken back."""

    def cancel(self) -> None:
        """Take it back."""


class Clock(Protocol):
    """The part of an event loop that knows the time."""

    def time(self) -> float:
        """Return the time in seconds."""

    def call_at(self, when: float, callback: Callable[[], None], /) -> Cancellable:
        """Call back at a time."""


class Pacer:
    """Give out turns: few at once, a token bucket, first come, first served.

    Urgent requests go before all others, and spend tokens like them.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        """Create a pacer; without a clock, that of the running loop is used."""
        self._clock = clock
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._normal: deque[asyncio.Future[None]] = deque()
        self._tokens = float(BURST)
        self._refilled_at: float | None = None
        self._in_flight = 0
        self._paused_until = 0.0
        self._backoff = 0.0
        self._timer: Cancellable | None = None

    @asynccontextmanager
    async def turn(self, *, urgent: bool = False) -> AsyncIterator[None]:
        """Wait for a turn, and hold it.

        Raises RateLimitedError when a pause will keep the turn from coming soon.
        """
        await self._acquire(self._urgent if urgent else self._normal)
        try:
            yield
        finally:
            self._in_flight -= 1
            self._grant()

    def pause(self, seconds: float | None) -> None:
        """Give out no turns for some seconds; without a number, longer each time."""
        now = self._now()
        if seconds is None:
            if self._paused_until <= now:
                self._backoff = min(self._backoff * 2 or FIRST_BACKOFF, MAX_PAUSE)
            seconds = self._backoff or FIRST_BACKOFF
        seconds = min(max(seconds, MIN_PAUSE), MAX_PAUSE)
        self._paused_until = max(self._paused_until, now + seconds)
        self._grant()

    def relax(self) -> None:
        """Note that the gateway serves again: the next pause is a short one."""
        if self._backoff and self._paused_until <= self._now():
            self._backoff = 0.0

    def _now(self) -> float:
        if self._clock is None:
            self._clock = asyncio.get_running_loop()
        return self._clock.time()

    async def _acquire(self, queue: deque[asyncio.Future[None]]) -> None:
        waiter = asyncio.get_running_loop().create_future()
        queue.append(waiter)
        self._grant()
        try:
            await waiter
        except asyncio.CancelledError:
            with suppress(ValueError):
                queue.remove(waiter)
            if not waiter.cancelled() and waiter.exception() is None:
                # The turn came too late; nothing was sent.
                self._in_flight -= 1
                self._tokens += 1
            self._grant()
            raise

    def _grant(self) -> None:
        """Give out the turns that are due, and see to it that the rest is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._now()
        if (pause := self._paused_until - now) > 0:
            if pause > MAX_URGENT_WAIT_FOR_PAUSE:
                _refuse(self._urgent, pause)
            if pause > MAX_WAIT_FOR_PAUSE:
                _refuse(self._normal, pause)
            if self._urgent or self._normal:
                self._wake_at(self._paused_until)
            return
        self._refill(now)
        while queue := self._next_queue():
            if self._tokens < 1 - _EPSILON:
                self._wake_at(now + (1 - self._tokens) / RATE)
                return
            waiter = queue.popleft()
            if not waiter.done():
                self._tokens -= 1
                self._in_flight += 1
                waiter.set_result(None)

    def _next_queue(self) -> deque[asyncio.Future[None]] | None:
        if self._urgent and self._in_flight < MAX_CONCURRENT:
            return self._urgent
        if self._normal and self._in_flight < MAX_CONCURRENT - RESERVED_FOR_URGENT:
            return self._normal
        return None

    def _refill(self, now: float) -> None:
        if self._refilled_at is not None:
            earned = (now - self._refilled_at) * RATE
            self._tokens = min(self._tokens + earned, BURST)
        self._refilled_at = now

    def _wake_at(self, when: float) -> None:
        assert self._clock is not None
        self._timer = self._clock.call_at(when, self._grant)


def _refuse(queue: deque[asyncio.Future[None]], pause: float) -> None:
    while queue:
        waiter = queue.popleft()
        if not waiter.done():
            waiter.set_exception(
                RateLimitedError("The gateway wants fewer requests.", pause)
            )
