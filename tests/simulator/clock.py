"""The simulator's time: what is now, and how long somebody is kept waiting.

Real gateways keep their callers waiting for seconds, and let things happen seconds
later. All of that goes through one of these clocks, which the caller hands in:

`LoopClock`      everything takes as long as the event loop says: for loops that
                 skip the waiting by themselves, and for who has time.
`SkippingClock`  the gateway's own delays of an answer cost nothing and are added up;
                 what happens later still does so by the loop, which a test with a
                 frozen clock ticks.
`HurriedClock`   the same, but those delays are real and a tenth as long: the demo.
`VirtualClock`   nothing passes but by `advance`: for tests that are about delays.
"""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Awaitable, Callable
import contextlib
import heapq
import itertools
import time
from typing import Any, Final, Protocol, override

# How often everybody gets a turn before time goes on; sockets take several.
_TURNS: Final = 40
_TINY: Final = 1e-6


class Handle(Protocol):
    """What was planned, and can be given up."""

    def cancel(self) -> None:
        """Give it up."""


class Clock(ABC):
    """Tells the time in unix seconds, and waits."""

    @abstractmethod
    def now(self) -> float:
        """Unix seconds."""

    def __call__(self) -> float:
        """Unix seconds, as the plain function that some ask for."""
        return self.now()

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Wait because a test asked for it: never left out."""

    @abstractmethod
    async def delay(self, seconds: float) -> None:
        """Wait because the gateway keeps its callers waiting."""

    @abstractmethod
    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Let the gateway wait for something; False: it did not come in time."""

    @abstractmethod
    def call_later(
        self, seconds: float, callback: Callable[..., Any], *args: Any
    ) -> Handle:
        """Let something happen later."""


class LoopClock(Clock):
    """The event loop's clock; `now` tells unix seconds and is asked each time."""

    def __init__(self, now: Callable[[], float] | None = None) -> None:
        """Tell the machine's time, unless another source is given."""
        self._now = now

    @override
    def now(self) -> float:
        # Looked up at each call: the clock may be frozen later.
        return time.time() if self._now is None else self._now()

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    @override
    async def delay(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    @override
    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
        return event.is_set()

    @override
    def call_later(
        self, seconds: float, callback: Callable[..., Any], *args: Any
    ) -> Handle:
        return asyncio.get_running_loop().call_later(seconds, callback, *args)


class SkippingClock(LoopClock):
    """The loop's clock, but nobody is kept waiting for an answer.

    A kindness that costs no truth: the answer is the one that the real gateway gives
    after its delay. `skipped` adds up what was left out, in seconds.
    """

    def __init__(self, now: Callable[[], float] | None = None) -> None:
        """Begin with nothing skipped."""
        super().__init__(now)
        self.skipped = 0.0

    @override
    async def delay(self, seconds: float) -> None:
        self.skipped += seconds
        await asyncio.sleep(0)

    @override
    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        if not event.is_set():
            self.skipped += seconds
            await asyncio.sleep(0)
        return event.is_set()


class HurriedClock(LoopClock):
    """The loop's clock, but a gateway's own delays of an answer are shorter.

    For whoever sits and watches: nothing is left out, a wait of ten seconds lasts one.
    What happens later, such as the end of a typing, keeps its time.
    """

    def __init__(self, factor: float = 10.0) -> None:
        """Divide delays by a factor."""
        super().__init__()
        self.factor = factor

    @override
    async def delay(self, seconds: float) -> None:
        await super().delay(seconds / self.factor)

    @override
    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        return await super().wait(event, seconds / self.factor)


class _Planned:
    """Something that a virtual clock has planned."""

    def __init__(self, callback: Callable[[], Any]) -> None:
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class VirtualClock(Clock):
    """A clock that stands still until it is told to go on.

    Whatever waits on it waits for `advance`, which lets everything happen in its
    order; between two moments all tasks and sockets get their turns.
    """

    def __init__(self, start: float = 1_790_000_000.0) -> None:
        """Begin at a time in unix seconds."""
        self._time = start
        self._heap: list[tuple[float, int, _Planned]] = []
        self._order = itertools.count()

    @override
    def now(self) -> float:
        return self._time

    @override
    async def sleep(self, seconds: float) -> None:
        event = asyncio.Event()
        handle = self.call_later(seconds, event.set)
        try:
            await event.wait()
        finally:
            handle.cancel()

    @override
    async def delay(self, seconds: float) -> None:
        await self.sleep(seconds)

    @override
    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        over = asyncio.Event()
        handle = self.call_later(seconds, over.set)
        waits = [asyncio.ensure_future(e.wait()) for e in (event, over)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            handle.cancel()
            for wait in waits:
                wait.cancel()
        return event.is_set()

    @override
    def call_later(
        self, seconds: float, callback: Callable[..., Any], *args: Any
    ) -> Handle:
        planned = _Planned(lambda: callback(*args))
        due = self._time + max(seconds, 0.0)
        heapq.heappush(self._heap, (due, next(self._order), planned))
        return planned

    async def advance(self, seconds: float) -> None:
        """Let seconds pass, and all happen that is due in them."""
        target = self._time + seconds
        await self.settle()
        while self._heap and self._heap[0][0] <= target + _TINY:
            due, _, planned = heapq.heappop(self._heap)
            if planned.cancelled:
                continue
            self._time = max(due, self._time)
            planned.callback()
            await self.settle()
        self._time = max(target, self._time)
        await self.settle()

    async def settle(self) -> None:
        """Give all tasks and sockets their turns, without time passing."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    async def until[T](self, work: Awaitable[T], limit: float = 120.0) -> T:
        """Let time pass until some work is done, and not more; its result.

        Time jumps to what is planned next. Raises TimeoutError if the work is not done
        within `limit` of these seconds, or if nothing is planned any more.
        """
        task = asyncio.ensure_future(work)
        end = self._time + limit
        await self.settle()
        while not task.done():
            # A body may need more turns than one settling has.
            await self.settle()
            if task.done():
                break
            due = next(
                (
                    d
                    for d, _, p in sorted(self._heap, key=lambda row: row[:2])
                    if not p.cancelled
                ),
                None,
            )
            if due is None or due > end:
                task.cancel()
                raise TimeoutError("it was not done in time")
            await self.advance(due - self._time)
        return await task


def as_clock(clock: Clock | Callable[[], float] | None) -> Clock:
    """Take a clock, or make one of a function that tells unix seconds."""
    return clock if isinstance(clock, Clock) else LoopClock(clock)
