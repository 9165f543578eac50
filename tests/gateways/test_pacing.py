"""The pace of requests, on a clock that stands still until it is moved."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
import heapq

import pytest

from custom_components.whatsapp_presence.gateways.base import RateLimitedError
from custom_components.whatsapp_presence.gateways.pacing import (
    BURST,
    MAX_CONCURRENT,
    MAX_PAUSE,
    RESERVED_FOR_URGENT,
    Pacer,
)

NORMAL_AT_ONCE = MAX_CONCURRENT - RESERVED_FOR_URGENT


@dataclass(order=True)
class FakeTimer:
    """A timer of the fake clock."""

    when: float
    order: int
    callback: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Take the timer back."""
        self.cancelled = True


class FakeClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        """Begin at no special time."""
        self.now = 1000.0
        self.timers: list[FakeTimer] = []
        self._order = 0

    def time(self) -> float:
        """Return the time."""
        return self.now

    def call_at(self, when: float, callback: Callable[[], None], /) -> FakeTimer:
        """Remember a timer."""
        self._order += 1
        timer = FakeTimer(when, self._order, callback)
        heapq.heappush(self.timers, timer)
        return timer

    @property
    def armed(self) -> list[FakeTimer]:
        """The timers that will fire."""
        return [timer for timer in self.timers if not timer.cancelled]

    async def advance(self, seconds: float) -> None:
        """Move on, firing what is due, and let the tasks run."""
        end = self.now + seconds
        await settle()
        while self.timers and self.timers[0].when <= end:
            timer = heapq.heappop(self.timers)
            if not timer.cancelled:
                self.now = max(self.now, timer.when)
                timer.callback()
                await settle()
        self.now = end


async def settle() -> None:
    """Let all tasks run until they wait."""
    for _ in range(10):
        await asyncio.sleep(0)


class Crowd:
    """Requests that want a turn."""

    def __init__(self, pacer: Pacer) -> None:
        """Begin with none."""
        self.pacer = pacer
        self.began: list[str] = []
        self.running: set[str] = set()
        self.most = 0
        self._ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def ask(self, name: str, *, urgent: bool = False, instant: bool = False) -> None:
        """Let a request ask for a turn; an instant one is over at once."""
        self._ends[name] = end = asyncio.Event()
        if instant:
            end.set()
        self.tasks[name] = asyncio.create_task(self._run(name, urgent, end))

    def end(self, name: str) -> None:
        """Let a request come to its end."""
        self._ends[name].set()

    async def _run(self, name: str, urgent: bool, end: asyncio.Event) -> None:
        async with self.pacer.turn(urgent=urgent):
            self.began.append(name)
            self.running.add(name)
            self.most = max(self.most, len(self.running))
            try:
                await end.wait()
            finally:
                self.running.discard(name)

    async def close(self) -> None:
        """Cancel what is left."""
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands still."""
    return FakeClock()


@pytest.fixture
async def crowd(clock: FakeClock) -> AsyncIterator[Crowd]:
    """Return a crowd at a new pacer."""
    crowd = Crowd(Pacer(clock))
    yield crowd
    await crowd.close()
    assert clock.armed == []


async def test_no_more_than_the_limit_run_at_once(
    crowd: Crowd, clock: FakeClock
) -> None:
    """The others wait for one to end."""
    for i in range(8):
        crowd.ask(str(i))
    await clock.advance(0)
    assert crowd.began == [str(i) for i in range(NORMAL_AT_ONCE)]
    crowd.end("2")
    await clock.advance(0)
    assert crowd.began[NORMAL_AT_ONCE:] == ["5"]
    assert crowd.most == NORMAL_AT_ONCE


async def test_a_burst_then_one_a_second(crowd: Crowd, clock: FakeClock) -> None:
    """Over a minute, the burst and sixty more."""
    for i in range(100):
        crowd.ask(str(i), instant=True)
    await clock.advance(0)
    assert len(crowd.began) == BURST
    await clock.advance(0.99)
    assert len(crowd.began) == BURST
    await clock.advance(0.02)
    assert len(crowd.began) == BURST + 1
    await clock.advance(59)
    assert len(crowd.began) == BURST + 60
    assert crowd.began == [str(i) for i in range(BURST + 60)]


async def test_the_bucket_fills_up_again_but_not_beyond_the_burst(
    crowd: Crowd, clock: FakeClock
) -> None:
    """A quiet hour allows a burst, not an hour's worth of requests."""
    for i in range(BURST):
        crowd.ask(str(i), instant=True)
    await clock.advance(3600)
    for i in range(100, 200):
        crowd.ask(str(i), instant=True)
    await clock.advance(0)
    assert len(crowd.began) == 2 * BURST


async def test_an_urgent_request_does_not_wait_behind_the_queue(
    crowd: Crowd, clock: FakeClock
) -> None:
    """Not for a place, nor behind a thousand, and for its token a second at most."""
    for i in range(1000):
        crowd.ask(str(i))
    await clock.advance(0)
    crowd.ask("status", urgent=True)
    await clock.advance(0)
    assert crowd.began[-1] == "status"
    assert len(crowd.running) == MAX_CONCURRENT
    crowd.end("status")
    for i in range(200):
        crowd.end(str(i))
    await clock.advance(0)
    # No token is left now.
    crowd.ask("second", urgent=True)
    await clock.advance(0)
    assert "second" not in crowd.began
    await clock.advance(1)
    assert crowd.began[-1] == "second"


async def test_urgent_requests_are_limited_too(crowd: Crowd, clock: FakeClock) -> None:
    """They share the limit with the others, first come, first served."""
    for i in range(MAX_CONCURRENT + 2):
        crowd.ask(str(i), urgent=True)
    await clock.advance(5)
    assert crowd.began == [str(i) for i in range(MAX_CONCURRENT)]


async def test_cancelling_who_waits_leaves_no_trace(
    crowd: Crowd, clock: FakeClock
) -> None:
    """The next in the queue takes the turn, and no timer stays behind."""
    for i in range(NORMAL_AT_ONCE + 2):
        crowd.ask(str(i))
    await clock.advance(0)
    crowd.tasks["5"].cancel()
    await clock.advance(0)
    crowd.end("0")
    await clock.advance(0)
    assert crowd.began[-1] == "6"


async def test_cancelling_who_was_just_given_a_turn_gives_it_back(
    crowd: Crowd, clock: FakeClock
) -> None:
    """A turn is not lost between its being given and its being taken."""
    first = crowd.pacer.turn()
    await first.__aenter__()
    for i in range(NORMAL_AT_ONCE + 1):
        crowd.ask(str(i))
    await clock.advance(0)
    assert crowd.began == ["0", "1", "2", "3"]
    await first.__aexit__(None, None, None)
    crowd.tasks["4"].cancel()
    await clock.advance(0)
    assert crowd.began == ["0", "1", "2", "3", "5"]
    for name in crowd.tasks:
        crowd.end(name)
    for i in range(100, 100 + BURST):
        crowd.ask(str(i), instant=True)
    await clock.advance(0)
    # The turn that came too late cost no token.
    assert len(crowd.began) + 1 == BURST


async def test_a_pause_stops_everything_for_its_time(
    crowd: Crowd, clock: FakeClock
) -> None:
    """A short pause is waited for, also by who is urgent."""
    crowd.pacer.pause(4)
    crowd.ask("urgent", urgent=True)
    crowd.ask("normal")
    await clock.advance(3.9)
    assert crowd.began == []
    await clock.advance(0.2)
    assert crowd.began == ["urgent", "normal"]


async def test_who_is_urgent_is_told_of_a_long_pause(
    crowd: Crowd, clock: FakeClock
) -> None:
    """It is not left waiting; the others are, if it is not too long."""
    crowd.ask("first", urgent=True)
    await clock.advance(0)
    crowd.pacer.pause(30)
    crowd.ask("urgent", urgent=True)
    crowd.ask("normal")
    await clock.advance(0)
    with pytest.raises(RateLimitedError) as caught:
        await crowd.tasks["urgent"]
    assert caught.value.retry_after == pytest.approx(30)
    await clock.advance(30)
    assert crowd.began == ["first", "normal"]


async def test_a_very_long_pause_refuses_who_waits_and_who_comes(
    crowd: Crowd, clock: FakeClock
) -> None:
    """A queue that grows for a quarter of an hour helps nobody."""
    for i in range(7):
        crowd.ask(str(i))
    await clock.advance(0)
    crowd.pacer.pause(5000)
    crowd.ask("later")
    await clock.advance(0)
    for name in ("5", "6", "later"):
        with pytest.raises(RateLimitedError) as caught:
            await crowd.tasks[name]
        assert caught.value.retry_after == pytest.approx(MAX_PAUSE)
    await clock.advance(MAX_PAUSE)
    crowd.end("0")
    crowd.ask("after", instant=True)
    await clock.advance(0)
    assert crowd.began[-1] == "after"


async def test_pauses_without_a_number_grow_until_the_gateway_serves_again(
    crowd: Crowd, clock: FakeClock
) -> None:
    """Refusals that come together count as one."""
    lengths = []
    for i in range(9):
        crowd.pacer.pause(None)
        crowd.pacer.pause(None)
        crowd.pacer.relax()  # An answer to a request from before the pause.
        crowd.ask(str(i), urgent=True, instant=True)
        await clock.advance(0)
        try:
            await crowd.tasks[str(i)]
        except RateLimitedError as err:
            lengths.append(err.retry_after)
        await clock.advance(MAX_PAUSE)
    assert lengths == [10, 20, 40, 80, 160, 320, 640, 900, 900]
    crowd.pacer.relax()
    crowd.pacer.pause(None)
    crowd.ask("again", urgent=True)
    with pytest.raises(RateLimitedError) as caught:
        await crowd.tasks["again"]
    assert caught.value.retry_after == 10


async def test_a_pause_of_nothing_is_one_all_the_same(
    crowd: Crowd, clock: FakeClock
) -> None:
    """`Retry-After: 0` must not make a tight loop; a shorter pause ends no longer one."""
    crowd.pacer.pause(0)
    crowd.ask("one", instant=True)
    await clock.advance(0.9)
    assert crowd.began == []
    await clock.advance(0.2)
    assert crowd.began == ["one"]
    crowd.pacer.pause(4)
    crowd.pacer.pause(1)
    crowd.ask("two", instant=True)
    await clock.advance(3.9)
    assert crowd.began == ["one"]
    await clock.advance(0.2)
    assert crowd.began == ["one", "two"]


async def test_without_a_clock_the_running_loop_is_the_clock() -> None:
    """As it is outside of tests."""
    pacer = Pacer()
    async with pacer.turn(), pacer.turn(urgent=True):
        assert pacer._now() == pytest.approx(asyncio.get_running_loop().time(), abs=1)
