"""A clock that skips the waiting: whoever waits for a timer need not wait at all.

Sockets and threads stay real. Only when no socket has anything to read or write and
no thread is at work does the clock go on, to the next timer.
"""

import asyncio
from collections.abc import Callable, Generator
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import UTC, datetime
import heapq
import os
import selectors
import time
from typing import Any, Final, override
from unittest.mock import patch

import aiohttp.connector

from homeassistant.helpers import event as event_helper
from homeassistant.util import dt as dt_util

_REAL_WAIT: Final = 0.05
_EMPTY_LOOKS: Final = 2


class _SkippingSelector(selectors.DefaultSelector):
    """Looks at the sockets, and turns the clock on instead of waiting for a timer."""

    loop: ChaosLoop

    @override
    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        for _ in range(_EMPTY_LOOKS):
            # The kernel may not have brought a packet over the loopback yet.
            os.sched_yield()
            if ready := super().select(0):
                return ready
        if self.loop.threads_at_work or timeout is None:
            return super().select(_REAL_WAIT)
        self.loop.skip(timeout)
        return ready


class ChaosLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only when there is nothing to do."""

    def __init__(self, start: float) -> None:
        """Begin at a time in unix seconds, which is also what `time` counts in."""
        self._skipped_to = start
        # By how much this machine's clock is wrong.
        self.wrong_by = 0.0
        self.threads_at_work = 0
        selector = _SkippingSelector()
        selector.loop = self
        super().__init__(selector)
        # Unix seconds leave less room behind the point than a clock that starts at 0.
        self._clock_resolution = 1e-6

    @override
    def time(self) -> float:
        return self._skipped_to

    def wall(self) -> float:
        """What this machine's clock tells, which can be set, unlike `time`."""
        return self._skipped_to + self.wrong_by

    def skip(self, seconds: float) -> None:
        """Let time pass; to a timer exactly, lest rounding leaves it for the next."""
        timers = self._scheduled  # type: ignore[attr-defined]
        target = self._skipped_to + seconds
        if timers and abs(timers[0].when() - target) < 1e-3:
            target = max(timers[0].when(), self._skipped_to)
        self._skipped_to = target

    def timers(self) -> list[asyncio.TimerHandle]:
        """The timers that are to fire, the next one first."""
        return heapq.nsmallest(
            10_000,
            (
                timer
                for timer in self._scheduled  # type: ignore[attr-defined]
                if not timer.cancelled()
            ),
        )

    @override
    def run_in_executor[*Ts, T](
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self.threads_at_work += 1
        future.add_done_callback(self._thread_done)
        return future

    @override
    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        self.threads_at_work += 1
        await super().shutdown_default_executor(timeout)
        self.threads_at_work -= 1

    def _thread_done(self, _future: asyncio.Future[Any]) -> None:
        self.threads_at_work -= 1


@contextmanager
def told_by(loop: ChaosLoop) -> Generator[None]:
    """Let everybody have the time from the loop, and the date from its wall clock."""

    def now(tz: Any = UTC) -> datetime:
        return datetime.fromtimestamp(loop.wall(), tz or UTC)

    def utcnow() -> datetime:
        return datetime.fromtimestamp(loop.wall(), UTC)

    with (
        patch.object(time, "time", loop.wall),
        patch.object(aiohttp.connector, "monotonic", loop.time),
        patch.object(dt_util, "utcnow", utcnow),
        patch.object(dt_util, "now", now),
        patch.object(event_helper, "time_tracker_utcnow", utcnow),
        patch.object(event_helper, "time_tracker_timestamp", loop.wall),
    ):
        yield
