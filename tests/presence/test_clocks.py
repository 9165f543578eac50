"""Clocks that are set lose no event, and late events change nothing."""

import random

import pytest

from custom_components.whatsapp_presence.presence.clock import LATE_LIMIT
from custom_components.whatsapp_presence.presence.model import (
    Activity,
    MemberUpdate,
    PresenceUpdate,
    Source,
)
from custom_components.whatsapp_presence.presence.tracker import PresenceTracker

from .common import ANNA, GROUP, NOW, Talk


class World:
    """Events every 20 s, with a clock here and one at the gateway."""

    def __init__(self, *, ordered: bool = False) -> None:
        """Begin with both clocks right."""
        self.tracker = PresenceTracker(is_group=False, settle_time=0, ordered=ordered)
        self.moment = NOW
        self.here = self.there = 0.0
        self.online = True
        self.lost = 0
        self.random = random.Random(11)

    @property
    def now(self) -> float:
        """What our clock says."""
        return self.moment + self.here

    def happen(self) -> None:
        """Let one event happen, which is on its way for up to half a second."""
        self.moment += 20
        self.online = not self.online
        update = PresenceUpdate(
            chat_id=ANNA,
            online=self.online,
            activity=Activity.IDLE,
            time=self.moment + self.there,
        )
        self.moment += self.random.uniform(0, 0.5)
        self.tracker.apply(update, self.now)
        self.lost += self.tracker.presence.online is not self.online

    def ask(self) -> None:
        """Let an answer say what is known already."""
        answer = PresenceUpdate(chat_id=ANNA, online=self.online)
        self.tracker.apply(answer, self.now, asked_at=self.now)


# A little more than LATE_LIMIT, for no two events are as long on their way.
STEPS = [LATE_LIMIT + 1, 300, 500, 601, 3600]


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("step", [*STEPS, *(-step for step in STEPS)])
def test_this_machines_clock_is_set(step: float, ordered: bool) -> None:
    """Forward or back, with a question before or after, nothing is lost."""
    world = World(ordered=ordered)
    for number in range(60):
        world.happen()
        if number == 30:
            world.here += step
        if number in (5, 29, 30, 31, 40):
            world.ask()
    assert world.lost == 0


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("step", [*STEPS, *(-step for step in STEPS)])
def test_the_gateways_clock_is_set(step: float, ordered: bool) -> None:
    """And set right again."""
    world = World(ordered=ordered)
    for number in range(90):
        world.happen()
        if number in (30, 60):
            world.there += step if number == 30 else -step
        if number in (5, 29, 30, 31, 40, 61):
            world.ask()
    assert world.lost == 0


def test_clocks_are_set_again_and_again() -> None:
    """Whichever, by whatever."""
    world = World()
    for _ in range(500):
        chance = world.random.random()
        step = world.random.choice(STEPS) * world.random.choice((-1, 1))
        if chance < 0.1:
            world.here += step
        elif chance < 0.2:
            world.there += step
        elif chance < 0.3:
            world.ask()
        world.happen()
    assert world.lost == 0


def test_a_clock_that_was_set_is_new_for_every_member() -> None:
    """Whoever is heard of next."""
    tracker = PresenceTracker(is_group=True, settle_time=0)

    def hear(member: str, *, online: bool, time: float, now: float) -> None:
        members = (MemberUpdate(member_id=member, online=online),)
        update = PresenceUpdate(chat_id=GROUP, time=time, members=members)
        tracker.apply(update, now)

    for number in range(3):
        hear(f"{number}@lid", online=False, time=NOW, now=NOW)
    for number in range(3):
        moment = NOW + 20 * (number + 1)
        hear(f"{number}@lid", online=True, time=moment - 300, now=moment)
    assert tracker.presence.online_members == ("0@lid", "1@lid", "2@lid")


@pytest.mark.parametrize("late", [1, 10, 27])
def test_late_events_change_nothing(late: float) -> None:
    """A delivery that failed is tried again within half a minute."""
    world = World()
    for _ in range(3):
        world.happen()
    before = world.tracker.presence
    time = world.moment - late
    stale = PresenceUpdate(chat_id=ANNA, online=not world.online, time=time)
    newest = PresenceUpdate(chat_id=ANNA, online=world.online, time=world.moment)
    world.tracker.apply(newest, world.now)
    assert not world.tracker.apply(stale, world.now + 0.5)
    assert world.tracker.presence is before


def test_over_a_stream_the_order_of_arrival_is_the_order() -> None:
    """Whatever the times say."""
    tracker = PresenceTracker(is_group=False, settle_time=0, ordered=True)
    for number, online in enumerate((True, False, True, False)):
        update = PresenceUpdate(chat_id=ANNA, online=online, time=NOW - 5 * number)
        tracker.apply(update, NOW + number)
        assert tracker.presence.online is online
    # What happened is as old as it says.
    assert tracker.presence.last_seen == NOW - 5


def test_an_answer_from_before_the_clock_was_set_back_is_not_of_the_future() -> None:
    """Else no later answer would count."""
    tracker = PresenceTracker(is_group=False, settle_time=0)
    tracker.apply(PresenceUpdate(chat_id=ANNA, online=False), NOW)
    back = NOW - 500
    tracker.apply(PresenceUpdate(chat_id=ANNA, online=True), back, asked_at=NOW + 1)
    assert tracker.presence.online is True
    tracker.apply(
        PresenceUpdate(chat_id=ANNA, online=False), back + 9, asked_at=back + 8
    )
    assert tracker.presence.online is False


CLOCK_STEPS = [-3600, -300, -30, 30, 300, 3600]


def set_clock(talk: Talk, seconds: float) -> None:
    """Set the clock that the tracker is told of, and tell it so."""
    talk.now += seconds
    talk.note(talk.tracker.clock_set(seconds))


@pytest.mark.parametrize("is_group", [False, True])
@pytest.mark.parametrize("step", CLOCK_STEPS)
def test_what_ends_ends_in_time_if_the_clock_is_known_to_be_set(
    step: float, is_group: bool
) -> None:
    """Typing after 30 s, a fall after it settled, an implied online after 300 s."""
    talk = Talk(is_group=is_group).renewed().event("typing").at(20)
    set_clock(talk, step)
    assert talk.at(step + 29).presence.typing is True
    assert talk.at(step + 30).presence.typing is False
    assert talk.at(step + 299).online is True
    assert talk.at(step + 300).online is (False if is_group else None)

    talk.at(step + 400).event("online").event("offline").at(step + 401)
    set_clock(talk, -step)
    assert talk.at(402).online is True
    assert talk.at(403).online is False
    assert talk.last_seen is not None
    assert talk.last_seen <= 403


@pytest.mark.parametrize("step", CLOCK_STEPS)
def test_the_order_holds_if_the_clock_is_known_to_be_set(step: float) -> None:
    """An answer that an event has overtaken, and an event that is late."""
    talk = Talk().renewed().event("offline", time=NOW).at(60)
    talk.event("online", time=NOW + 60).at(61)
    set_clock(talk, step)
    talk.answer("offline", source=Source.LIVE, asked_at=step + 59)
    talk.event("offline", time=NOW + 40).at(step + 120)
    assert talk.online is True
    talk.event("offline", time=NOW + 120).at(step + 130)
    assert talk.online is False


@pytest.mark.parametrize("step", [-300, 300])
def test_a_clock_that_was_set_does_not_age_the_subscription(step: float) -> None:
    """The two minutes in which an online must be confirmed are two minutes."""
    talk = Talk().renewed().event("online").at(600).interrupted().at(620).renewed()
    set_clock(talk, step)
    assert talk.at(step + 739).online is True
    assert talk.at(step + 740).online is None


def test_nobody_was_seen_later_than_now_when_the_clock_is_set_back() -> None:
    """Nor does a chat of which nothing is known mind."""
    talk = Talk()
    assert talk.tracker.restore(NOW - 5)
    assert not talk.tracker.clock_set(-3600)
    assert talk.renewed().last_seen == -5
    assert talk.tracker.clock_set(-3600)
    assert talk.last_seen == -3600


@pytest.mark.parametrize("late", [20, LATE_LIMIT, 50])
def test_what_could_not_be_delivered_for_a_while_is_late(late: float) -> None:
    """A gateway tries for half a minute, and sends beside it what has just happened."""
    talk = Talk().renewed().event("typing", time=NOW).at(1)
    talk.event("paused", time=NOW + 1 - late).event("online", time=NOW + 4 - late)
    assert talk.at(29).presence.typing is True
    assert talk.at(30).event("offline", time=NOW + 30).at(33).online is False
