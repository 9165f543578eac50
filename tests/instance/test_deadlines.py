"""Many deadlines with one timer: moved, forgotten, brought forward, and late."""

from collections.abc import Generator
from datetime import datetime
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.whatsapp_presence.instance import deadlines as module
from custom_components.whatsapp_presence.instance.deadlines import Deadlines
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later


class Clock:
    """Lets time pass, and keeps who was called back when, in seconds since the start."""

    def __init__(self, hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
        """Begin now."""
        self._hass = hass
        self._freezer = freezer
        self._start = hass.loop.time()
        self.called: list[tuple[str, float]] = []
        self.deadlines = Deadlines(hass, "test", self._note)

    def _note(self, owner: str, reached: float) -> None:
        self.called.append((owner, round(reached - self._start)))

    async def pass_by(self, seconds: float) -> None:
        """Let time pass in one leap, and what is due happen."""
        self._freezer.tick(seconds)
        async_fire_time_changed(self._hass)
        await self._hass.async_block_till_done()


@pytest.fixture
def clock(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Generator[Clock]:
    """Return a clock without deadlines; none are left behind."""
    clock = Clock(hass, freezer)
    yield clock
    clock.deadlines.clear()


@pytest.fixture
def timers() -> Generator[set[object]]:
    """Return the timers that run on the loop, as they come and go."""
    running: set[object] = set()

    def call_later(
        hass: HomeAssistant, delay: float, job: HassJob[[datetime], None]
    ) -> CALLBACK_TYPE:
        timer = object()
        running.add(timer)

        @callback
        def fire(now: datetime) -> None:
            running.discard(timer)
            job.target(now)

        cancel = async_call_later(hass, delay, fire)

        def stop() -> None:
            running.discard(timer)
            cancel()

        return stop

    with patch.object(module, "async_call_later", call_later):
        yield running


async def test_each_is_called_back_at_its_time(clock: Clock) -> None:
    """Not before, once, and with the time that was reached."""
    clock.deadlines.set("b", 20)
    clock.deadlines.set("a", 10)
    await clock.pass_by(9)
    assert clock.called == []
    await clock.pass_by(1)
    assert clock.called == [("a", 10)]
    await clock.pass_by(10)
    assert clock.called == [("a", 10), ("b", 20)]
    await clock.pass_by(100)
    assert len(clock.called) == 2


async def test_deadline_that_is_moved_away_is_called_back_at_the_old_time(
    clock: Clock,
) -> None:
    """To move it costs nothing; whoever is called back looks and sets the new one."""
    clock.deadlines.set("a", 10)
    for _ in range(50):
        clock.deadlines.set("a", 40)
    await clock.pass_by(10)
    assert clock.called == [("a", 10)]
    clock.deadlines.set("a", 30)
    await clock.pass_by(29)
    assert len(clock.called) == 1
    await clock.pass_by(1)
    assert clock.called == [("a", 10), ("a", 40)]


async def test_deadline_that_is_brought_forward_counts_once(clock: Clock) -> None:
    """At the new time, and no more at the old one."""
    clock.deadlines.set("a", 60)
    clock.deadlines.set("b", 60)
    clock.deadlines.set("a", 5)
    await clock.pass_by(5)
    assert clock.called == [("a", 5)]
    await clock.pass_by(55)
    assert clock.called == [("a", 5), ("b", 60)]


async def test_forgotten_deadline_is_not_called_back(clock: Clock) -> None:
    """Unless it is set again, and then once, at the new time."""
    clock.deadlines.set("a", 10)
    clock.deadlines.set("b", 10)
    clock.deadlines.discard("a")
    clock.deadlines.discard("nobody")
    await clock.pass_by(10)
    assert clock.called == [("b", 10)]

    clock.called.clear()
    clock.deadlines.set("a", 10)
    clock.deadlines.discard("a")
    clock.deadlines.set("a", 20)
    await clock.pass_by(10)
    assert clock.called == []
    await clock.pass_by(10)
    assert clock.called == [("a", 30)]


@pytest.mark.parametrize("step", [1, -1], ids=["later and later", "sooner and sooner"])
async def test_many_owners_have_one_timer(
    clock: Clock, timers: set[object], step: int
) -> None:
    """In whatever order their deadlines are set."""
    for number in range(1000)[::step]:
        clock.deadlines.set(str(number), 10 + number)
        assert len(timers) == 1
    await clock.pass_by(509)
    assert len(clock.called) == 500
    assert len(timers) == 1
    await clock.pass_by(500)
    assert timers == set()
    assert [owner for owner, _ in clock.called] == [str(each) for each in range(1000)]


async def test_late_timer_serves_all_that_are_due(clock: Clock) -> None:
    """In the order of their deadlines; what is to come keeps its own."""
    for owner, delay in (("c", 30), ("a", -1), ("d", 300), ("b", 20)):
        clock.deadlines.set(owner, delay)
    await clock.pass_by(100)
    assert clock.called == [("a", 100), ("b", 100), ("c", 100)]
    await clock.pass_by(200)
    assert clock.called[3:] == [("d", 300)]


async def test_cleared_deadlines_leave_nothing_behind(
    clock: Clock, timers: set[object]
) -> None:
    """No call, no timer; and new ones can be set."""
    for owner in "abc":
        clock.deadlines.set(owner, 10)
    clock.deadlines.clear()
    assert timers == set()
    await clock.pass_by(100)
    assert clock.called == []
    clock.deadlines.set("a", 10)
    await clock.pass_by(10)
    assert clock.called == [("a", 110)]
