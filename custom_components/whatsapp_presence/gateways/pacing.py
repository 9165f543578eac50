"""Keep the requests of one instance at a pace that its gateway can bear."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum
import math
from typing import Final, Protocol

from .base import NotWantedError, RateLimitedError

MAX_PAUSE: Final = 900.0
MIN_PAUSE: Final = 1.0
# Most limits are by the minute: after one, whatever was counted is forgotten.
FIRST_BACKOFF: Final = 60.0
# Who would have to wait longer for the end of a pause is told at once instead.
MAX_WAIT_FOR_PAUSE: Final = 60.0
MAX_URGENT_WAIT_FOR_PAUSE: Final = 5.0
# What a rate that was found too high is slowed down to, without a reason to go lower.
STEADY: Final = 1.0
FIRST_PATIENCE: Final = 600.0
MAX_PATIENCE: Final = 6 * 3600.0
# Less than this is no limit that somebody has set, but trouble, which passes as it came.
LOW: Final = 0.5
FIRST_SLOW_PATIENCE: Final = 60.0
MAX_SLOW_PATIENCE: Final = 3600.0

_SLOWEST: Final = 1 / 60
_GROWTH: Final = 1.25
_SLOW_GROWTH: Final = 2.0
# A gateway may take seconds to answer each of the others: one place is kept free, so
# that what cannot wait does not.
_RESERVED: Final = 1
_EPSILON: Final = 1e-6
_SHORTEST: Final = 1e-3


class Priority(IntEnum):
    """In which order requests get their turn.

    Look-ups and pictures go one at a time, whatever room there is.
    """

    URGENT = 0
    """Somebody waits for it, or everything depends on it."""
    FIRST = 1
    """A chat of which nothing is known yet."""
    RENEWAL = 2
    LOOK_UP = 3
    PICTURE = 4


_PRIORITY: Final = ContextVar[Priority | None]("whatsapp_presence_priority")

type _Wanted = tuple[asyncio.Task[object] | None, Callable[[], bool]]
_WANTED: Final = ContextVar[_Wanted | None]("whatsapp_presence_wanted", default=None)


@contextmanager
def priority(
    level: Priority, wanted: Callable[[], bool] | None = None
) -> Iterator[None]:
    """Give all requests that are made inside another priority than their own.

    It holds for the tasks that are created inside as well. What is not `wanted` any more
    when its turn has come is not sent: it fails with a NotWantedError. That is said of
    the caller's own requests alone, for others may be made because of them.
    """
    token = _PRIORITY.set(level)
    earlier = _WANTED.set(wanted and (asyncio.current_task(), wanted))
    try:
        yield
    finally:
        _PRIORITY.reset(token)
        _WANTED.reset(earlier)


def _is_wanted() -> bool:
    """Whether the running task still wants what it has asked for."""
    if (said := _WANTED.get()) is None:
        return True
    task, wanted = said
    return task is not asyncio.current_task() or wanted()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What a gateway is taken to bear until it says otherwise.

    At most `at_once` requests at a time; of those that are given their turn, `burst` at
    once and then `per_second`, infinity being as fast as there is room.
    """

    at_once: int
    per_second: float
    burst: int = 1


CLOUD: Final = Pace(at_once=8, per_second=8.0, burst=10)
HOME: Final = Pace(at_once=16, per_second=math.inf)


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


class Rate:
    """How many requests a second a gateway bears, as far as it was found out.

    Each time that it asks for fewer, half of what was, though not under one a second
    as long as more than that was too many; and then, ever more patiently, a quarter
    more, or that one. Up to one in two seconds it is twice as many, and soon: patience
    grows only if it was too soon. What was found out is kept for good.
    """

    def __init__(self, pace: Pace) -> None:
        """Begin with what the gateway is taken to bear."""
        self._pace = pace
        self._patience = FIRST_PATIENCE
        self._slow_patience = FIRST_SLOW_PATIENCE
        self._has_grown = False
        self._changed_at = 0.0
        self._tokens = float(pace.burst)
        self._refilled_at: float | None = None
        self.per_second = pace.per_second

    def halve(self, now: float) -> None:
        """Note that it was too many."""
        before = min(self.per_second, 2 * CLOUD.per_second)
        floor = STEADY if before > STEADY else _SLOWEST
        self.per_second = max(before / 2, floor)
        # One, to see whether it serves again.
        self._tokens = 1.0
        self._refilled_at = self._changed_at = now
        if before > LOW:
            self._patience = min(self._patience * 2, MAX_PATIENCE)
        elif self._has_grown:
            self._slow_patience = min(self._slow_patience * 2, MAX_SLOW_PATIENCE)
        self._has_grown = False

    def grow(self, now: float) -> None:
        """Note that the gateway serves; after a while of it, try a little more."""
        if self.per_second >= self._pace.per_second:
            return
        is_slow = self.per_second < LOW
        if now - self._changed_at < (
            self._slow_patience if is_slow else self._patience
        ):
            return
        faster = max(self.per_second * _GROWTH, STEADY)
        if is_slow:
            faster = min(self.per_second * _SLOW_GROWTH, LOW)
        if faster >= min(self._pace.per_second, 2 * CLOUD.per_second):
            faster = self._pace.per_second
        self.per_second = faster
        self._has_grown = True
        self._changed_at = now

    def wait(self, now: float) -> float:
        """Return in how many seconds there is a turn; 0 is now."""
        if math.isinf(self.per_second):
            return 0.0
        if self._refilled_at is not None:
            earned = (now - self._refilled_at) * self.per_second
            share = min(self.per_second / self._pace.per_second, 1.0)
            most = max(self._pace.burst * share, 1.0)
            self._tokens = min(self._tokens + earned, most)
        self._refilled_at = now
        if self._tokens >= 1 - _EPSILON:
            return 0.0
        # A clock that counts from long ago knows no smaller steps.
        return max((1 - self._tokens) / self.per_second, _SHORTEST)

    def take(self) -> None:
        """Take a turn."""
        self._tokens -= 1

    def give_back(self) -> None:
        """Give a turn back that was not used."""
        self._tokens += 1


class Pacer:
    """Give out turns: few at once, by priority, then first come, first served.

    After a pause that the gateway asked for, one request goes alone to see whether it
    serves again.
    """

    def __init__(self, clock: Clock | None = None, pace: Pace = CLOUD) -> None:
        """Create a pacer; without a clock, that of the running loop is used."""
        self._clock = clock
        self._pace = pace
        self._rate = Rate(pace)
        self._queues: dict[Priority, deque[asyncio.Future[None]]] = {
            level: deque() for level in Priority
        }
        self._in_flight = dict.fromkeys(Priority, 0)
        self._paused_until = 0.0
        self._backoff = 0.0
        self._probing = False
        self._timer: Cancellable | None = None

    @asynccontextmanager
    async def turn(self, own: Priority = Priority.RENEWAL) -> AsyncIterator[None]:
        """Wait for a turn, and hold it; `own` holds where nothing else was set.

        Raises RateLimitedError when a pause will keep the turn from coming soon, and
        NotWantedError when it has come too late.
        """
        set_by_caller = _PRIORITY.get(None)
        level = own if set_by_caller is None else set_by_caller
        await self._acquire(level)
        try:
            if not _is_wanted():
                self._rate.give_back()
                raise NotWantedError("The request is not wanted any more.")
            yield
        finally:
            self._in_flight[level] -= 1
            self._grant()

    def pause(self, seconds: float | None) -> None:
        """Give out no turns for some seconds; without a number, longer each time.

        Refusals of requests that went out together count as one.
        """
        now = self._now()
        if self._paused_until <= now:
            self._rate.halve(now)
            if seconds is None or self._probing:
                self._backoff = min(self._backoff * 2 or FIRST_BACKOFF, MAX_PAUSE)
                seconds = max(seconds or 0.0, self._backoff)
        elif seconds is None:
            seconds = 0.0
        self._probing = True
        seconds = min(max(seconds, MIN_PAUSE), MAX_PAUSE)
        self._paused_until = max(self._paused_until, now + seconds)
        self._grant()

    def relax(self) -> None:
        """Note that the gateway serves: the next pause is a short one."""
        now = self._now()
        if self._paused_until > now:
            # An answer to a request from before the pause.
            return
        self._backoff = 0.0
        self._probing = False
        self._rate.grow(now)

    def _now(self) -> float:
        if self._clock is None:
            self._clock = asyncio.get_running_loop()
        return self._clock.time()

    async def _acquire(self, level: Priority) -> None:
        waiter = asyncio.get_running_loop().create_future()
        queue = self._queues[level]
        queue.append(waiter)
        self._grant()
        try:
            await waiter
        except asyncio.CancelledError:
            with suppress(ValueError):
                queue.remove(waiter)
            if not waiter.cancelled() and waiter.exception() is None:
                # The turn came too late; nothing was sent.
                self._in_flight[level] -= 1
                self._rate.give_back()
            self._grant()
            raise

    def _grant(self) -> None:
        """Give out the turns that are due, and see to it that the rest is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._now()
        if (pause := self._paused_until - now) > 0:
            for level, queue in self._queues.items():
                urgent = level is Priority.URGENT
                if pause > (
                    MAX_URGENT_WAIT_FOR_PAUSE if urgent else MAX_WAIT_FOR_PAUSE
                ):
                    _refuse(queue, pause)
            if any(self._queues.values()):
                self._wake_at(self._paused_until)
            return
        while (turn := self._next_level()) is not None:
            if wait := self._rate.wait(now):
                self._wake_at(now + wait)
                return
            waiter = self._queues[turn].popleft()
            if not waiter.done():
                self._rate.take()
                self._in_flight[turn] += 1
                waiter.set_result(None)

    def _next_level(self) -> Priority | None:
        """Find who is next, if there is room."""
        in_flight = sum(self._in_flight.values())
        room = (1 if self._probing else self._pace.at_once) - in_flight
        for level, queue in self._queues.items():
            if not queue or room <= 0:
                continue
            if level is Priority.URGENT or self._probing:
                return level
            if room > _RESERVED and not (
                level >= Priority.LOOK_UP and self._in_flight[level]
            ):
                return level
        return None

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
