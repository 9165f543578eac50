"""The pace of requests, on a clock that stands still until it is moved."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
import heapq

import pytest

from custom_components.whatsapp_presence.gateways.base import (
    NotReadyError,
    RateLimitedError,
)
from custom_components.whatsapp_presence.gateways.pacing import (
    CLOUD,
    HOME,
    MAX_PAUSE,
    Pace,
    Pacer,
    Priority,
    priority,
)

MAX_CONCURRENT = 6
NORMAL_AT_ONCE = MAX_CONCURRENT - 1
BURST = 10
SLOW = Pace(at_once=MAX_CONCURRENT, per_second=1.0, burst=BURST)


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

    def ask(
        self,
        name: str,
        *,
        urgent: bool = False,
        instant: bool = False,
        level: Priority = Priority.RENEWAL,
    ) -> None:
        """Let a request ask for a turn; an instant one is over at once."""
        self._ends[name] = end = asyncio.Event()
        if instant:
            end.set()
        level = Priority.URGENT if urgent else level
        self.tasks[name] = asyncio.create_task(self._run(name, level, end))

    def end(self, name: str) -> None:
        """Let a request come to its end."""
        self._ends[name].set()

    async def _run(self, name: str, level: Priority, end: asyncio.Event) -> None:
        async with self.pacer.turn(level):
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
    crowd = Crowd(Pacer(clock, SLOW))
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
    # One goes alone, to see whether the gateway serves again.
    assert crowd.began == ["urgent"]
    crowd.end("urgent")
    await clock.advance(0)
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
    crowd.end("first")
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
    for i in range(5):
        crowd.end(str(i))
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
    assert lengths == [60, 120, 240, 480, 900, 900, 900, 900, 900]
    crowd.pacer.relax()
    crowd.pacer.pause(None)
    crowd.ask("again", urgent=True)
    with pytest.raises(RateLimitedError) as caught:
        await crowd.tasks["again"]
    assert caught.value.retry_after == 60


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
    crowd.pacer.relax()
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
    async with pacer.turn(), pacer.turn(Priority.URGENT):
        assert pacer._now() == pytest.approx(asyncio.get_running_loop().time(), abs=1)


async def test_requests_go_by_their_priority(crowd: Crowd, clock: FakeClock) -> None:
    """And within one, first come, first served."""
    crowd.pacer.pause(1)
    for level in reversed(Priority):
        crowd.ask(f"{level.name} 1", level=level, instant=True)
        crowd.ask(f"{level.name} 2", level=level, instant=True)
    await clock.advance(60)
    assert crowd.began == [f"{level.name} {i}" for level in Priority for i in (1, 2)]


async def test_look_ups_and_pictures_go_one_at_a_time(
    crowd: Crowd, clock: FakeClock
) -> None:
    """They never take the places of chats."""
    for i in range(5):
        crowd.ask(f"lid {i}", level=Priority.LOOK_UP)
        crowd.ask(f"picture {i}", level=Priority.PICTURE)
    await clock.advance(0)
    assert crowd.began == ["lid 0", "picture 0"]
    crowd.ask("chat")
    crowd.end("lid 0")
    await clock.advance(0)
    assert crowd.began == ["lid 0", "picture 0", "chat", "lid 1"]


async def test_the_caller_may_know_better(crowd: Crowd, clock: FakeClock) -> None:
    """What is a renewal otherwise may be waited for, also in the tasks it creates."""
    crowd.pacer.pause(1)
    crowd.ask("renewal", instant=True)
    crowd.ask("first", level=Priority.FIRST, instant=True)
    with priority(Priority.URGENT):
        crowd.ask("waited for", instant=True)
    crowd.ask("second", level=Priority.FIRST, instant=True)
    await clock.advance(10)
    assert crowd.began == ["waited for", "first", "second", "renewal"]


async def test_at_home_as_many_as_there_is_room(clock: FakeClock) -> None:
    """A server of one's own has no rate to speak of."""
    crowd = Crowd(Pacer(clock, HOME))
    for i in range(1000):
        crowd.ask(str(i))
    await clock.advance(0)
    assert len(crowd.began) == HOME.at_once - 1 >= 12
    for i in range(1000):
        crowd.end(str(i))
    for _ in range(10):
        await clock.advance(0)
    assert len(crowd.began) == 1000
    await crowd.close()


async def test_in_the_cloud_several_a_second(clock: FakeClock) -> None:
    """Sixty chats, two requests each, are asked in less than twenty seconds."""
    crowd = Crowd(Pacer(clock, CLOUD))
    for i in range(120):
        crowd.ask(str(i), instant=True)
    await clock.advance(15)
    assert len(crowd.began) == 120
    await crowd.close()


class Minute:
    """A gateway that serves so many requests in any minute."""

    def __init__(self, pacer: Pacer, clock: FakeClock, limit: int) -> None:
        """Begin with nothing asked."""
        self._pacer, self._clock, self.limit = pacer, clock, limit
        self._served: list[float] = []
        self.refused: list[tuple[float, float]] = []
        self.served = 0
        self.retry_after: float | None = None
        self.in_a_row = 0
        self._unforgiven: float | None = None

    async def ask(self, level: Priority) -> None:
        """Ask until it is done, as the integration tries again."""
        while True:
            try:
                async with self._pacer.turn(level):
                    sent = self._clock.now
                    arrived = asyncio.Event()
                    self._clock.call_at(sent + 0.15, arrived.set)
                    await arrived.wait()
                    if self._serves(sent):
                        self._pacer.relax()
                        return
                    self._pacer.pause(self.retry_after)
            except RateLimitedError:
                if level is Priority.URGENT:
                    return
                again = asyncio.Event()
                self._clock.call_at(self._clock.now + 60, again.set)
                await again.wait()

    def _serves(self, sent: float) -> bool:
        now = self._clock.now
        self._served = [then for then in self._served if then > now - 60]
        if len(self._served) < self.limit:
            self._served.append(now)
            self.served += 1
            self._unforgiven = None
            return True
        self.refused.append((sent, now))
        if self._unforgiven is None:
            self._unforgiven = now
        elif sent > self._unforgiven:
            self.in_a_row += 1
        return False


@pytest.mark.parametrize(("retry_after", "hours"), [(None, 24), (60.0, 4)])
async def test_a_gateway_that_allows_sixty_a_minute_refuses_ten_in_a_day(
    clock: FakeClock, retry_after: float | None, hours: int
) -> None:
    """Sixty chats, twice at the start, and a round of all every twenty minutes."""
    gateway = Minute(Pacer(clock, CLOUD), clock, limit=60)
    gateway.retry_after = retry_after
    tasks: set[asyncio.Task[None]] = set()

    def ask(level: Priority, times: int) -> None:
        tasks.update(asyncio.create_task(gateway.ask(level)) for _ in range(times))

    ask(Priority.FIRST, 120)
    for minute in range(hours * 60):
        ask(Priority.URGENT, 1)
        if minute and minute % 20 == 0:
            ask(Priority.RENEWAL, 60)
        await clock.advance(60)
        tasks = {task for task in tasks if not task.done()}
        if minute % 20 == 19:
            # A round is over long before the next one.
            assert not tasks
    # Who is urgent and finds a pause is told at once, and is not asked for again.
    assert gateway.served >= 120 + (hours * 3 - 1) * 60 + hours * 57
    together = {answered for _, answered in gateway.refused}
    assert 1 <= len(together) <= 10
    assert len(gateway.refused) <= 10
    assert gateway.in_a_row == 0


async def test_trouble_passes_as_it_came(clock: FakeClock) -> None:
    """After ten minutes of one request a minute, a round is done within two, soon."""
    gateway = Minute(Pacer(clock, CLOUD), clock, limit=1)
    async with asyncio.TaskGroup() as asked:
        for _ in range(40):
            asked.create_task(gateway.ask(Priority.RENEWAL))
            await clock.advance(15)
        gateway.limit = 600
        for _ in range(10):
            asked.create_task(gateway.ask(Priority.URGENT))
            await clock.advance(60)
        served = gateway.served
        for _ in range(60):
            asked.create_task(gateway.ask(Priority.RENEWAL))
        await clock.advance(120)
        assert gateway.served == served + 60
        await clock.advance(600)


async def test_a_clock_of_large_numbers_makes_nobody_spin() -> None:
    """A wait that such a clock can't tell from none would be begun again and again."""
    clock = FakeClock()
    clock.now = 1_800_000_000.0
    pacer = Pacer(clock, Pace(at_once=20, per_second=8.0))
    done: list[int] = []

    async def ask(number: int) -> None:
        async with pacer.turn():
            done.append(number)

    tasks = [asyncio.create_task(ask(number)) for number in range(9)]
    await settle()
    fired = 0
    while len(done) < 9:
        fired += 1
        assert fired < 50
        timer = clock.armed[0]
        # A timer is early by what its clock can't tell.
        clock.now = timer.when - 3e-7
        timer.cancel()
        timer.callback()
        await settle()
    await asyncio.gather(*tasks)
    assert clock.now < 1_800_000_001.1


async def test_what_others_ask_because_of_it_is_wanted_all_the_same(
    crowd: Crowd,
) -> None:
    """Who asks how the account stands must not be refused with a chat's request."""

    async def ask() -> None:
        async with crowd.pacer.turn():
            pass

    with priority(Priority.RENEWAL, lambda: False):
        other = asyncio.create_task(ask())
        with pytest.raises(NotReadyError):
            await ask()
    await other
