"""Which of two words is newer: the caller's clock, the gateway's, and their distance.

All times are unix seconds. `now`, `asked_at` and every end are on the caller's clock,
`time` is on the gateway's, which may be wrong.
"""

import math
from typing import Final

LATE_LIMIT: Final = 28.0
"""Seconds: an event that seems to be later than this is not late, a clock was set.

Gateways deliver what failed again within half a minute.
"""

IN_TIME: Final = 2.0
"""Seconds by which an event in time may be late; so long after it, no clock was set.

What could not be delivered for a while is tried every other second, and comes beside
what has just happened.
"""

CLOCK_JUMP: Final = 2.0
"""Seconds by which the caller's clock must go back to count as having been set."""

NEVER: Final = math.inf
LONG_AGO: Final = -math.inf

EARLIEST: Final = 1230768000.0
"""The beginning of 2009, the year of WhatsApp: nobody was seen on it before."""


class Order:
    """Up to where somebody's words are known.

    `newest` is the time of the newest event, on the gateway's clock as it was set in
    that `epoch`; `heard` is when the last event arrived, `answered` when the last
    answer was asked for.
    """

    __slots__ = ("answered", "epoch", "heard", "newest")

    def __init__(self) -> None:
        """Begin without a word."""
        self.epoch = 0
        self.newest = self.heard = self.answered = LONG_AGO


class Clock:
    """The time as the caller told it last, and the distance of the gateway's.

    An event is late if it is older on the gateway's clock than the newest that was
    applied for the same person. An answer carries no such time, so the smallest
    difference between an event's arrival and its time serves as the distance of the
    clocks, and an event is late as well if, thus corrected, it happened before the
    last applied answer was asked for. That moves the estimate to its own: what was
    true of one event would else be true of all, had the caller's clock been set.

    An event that seems to have been on its way for LATE_LIMIT or more is none of
    that: one of the clocks was set, and with a new `epoch` the comparison starts anew.
    Unless the last one in time, at `in_time`, is not older than IN_TIME: then it is late.
    If events are `ordered`, they arrive in the order in which they happened.
    """

    __slots__ = ("distance", "epoch", "in_time", "now", "ordered")

    def __init__(self, *, ordered: bool) -> None:
        """Begin with a time that nothing can come later than: the first word sets it."""
        self.ordered = ordered
        self.now = self.distance = NEVER
        self.in_time = LONG_AGO
        self.epoch = 0

    def move(self, seconds: float) -> None:
        """Follow the caller's clock, which was set forth by so many seconds, or back."""
        self.now += seconds
        self.distance += seconds
        self.in_time += seconds


class Arrival:
    """When something was said, on our clock (`now`) and on the gateway's (`time`).

    `corrected` is the gateway's time brought to our clock; `began` is the moment
    that a fall, told now, is taken to have begun, `settled` when it will show.
    `known_at` is up to when somebody had been heard of before an answer.
    """

    __slots__ = (
        "asked_at",
        "began",
        "clock",
        "corrected",
        "known_at",
        "now",
        "settled",
        "time",
    )

    def __init__(
        self,
        clock: Clock,
        now: float,
        settled: float,
        asked_at: float | None,
        time: float | None,
    ) -> None:
        """Place the word in time."""
        self.clock = clock
        self.now = self.corrected = self.began = now
        self.settled = settled
        self.asked_at = asked_at
        self.time: float | None = None
        self.known_at = LONG_AGO
        if asked_at is not None:
            # Not later than now, should the clock have been set back meanwhile.
            self.asked_at = min(asked_at, now)
            return
        if time is None or not 0 < time < NEVER:
            return
        if EARLIEST <= time <= now:
            self.began = time
        if clock.ordered:
            return
        distance = now - time
        late = distance - clock.distance
        if late >= LATE_LIMIT and now - clock.in_time >= IN_TIME:
            clock.distance, late = distance, 0.0
            clock.epoch += 1
        if late < IN_TIME:
            clock.distance = min(clock.distance, distance)
            clock.in_time = now
        self.time = time
        self.corrected = time + clock.distance

    def is_news(self, order: Order) -> bool:
        """Whether this is news of somebody; then it is the newest."""
        if (asked_at := self.asked_at) is not None:
            if order.heard > asked_at or order.answered > asked_at:
                return False
            self.known_at = max(order.heard, order.answered)
            order.answered = asked_at
            return True
        if (time := self.time) is not None:
            clock = self.clock
            if time < order.newest and order.epoch == clock.epoch:
                return False
            if self.corrected < order.answered:
                clock.distance = self.now - time
                return False
            order.newest = time
            order.epoch = clock.epoch
        order.heard = self.now
        return True
