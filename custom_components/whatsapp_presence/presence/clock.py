"""Which of two words is newer: the caller's clock, the gateway's, and their distance.

All times are unix seconds. `now`, `asked_at` and every end are on the caller's clock,
`time` is on the gateway's, which may be wrong.
"""

from dataclasses import dataclass
import math
from typing import Final

LATE_LIMIT: Final = 600.0
"""Seconds: what is older than this is not late, the gateway's clock was set back."""

CLOCK_JUMP: Final = 60.0
"""Seconds by which the caller's clock must go back to count as having been set."""

NEVER: Final = math.inf
LONG_AGO: Final = -math.inf

_EARLIEST: Final = 1230768000.0
"""The beginning of 2009, the year of WhatsApp: nobody was seen on it before."""


class Order:
    """Up to where somebody's words are known.

    `newest` is the time of the newest event, on the gateway's clock; `heard` is
    when the last event arrived, `answered` when the last answer was asked for.
    """

    __slots__ = ("answered", "heard", "newest")

    def __init__(self) -> None:
        """Begin without a word."""
        self.newest = self.heard = self.answered = LONG_AGO


class Clock:
    """The time as the caller told it last, and the distance of the gateway's.

    An event is late if it is older on the gateway's clock than the newest that was
    applied for the same person. An answer carries no such time, so the smallest
    difference between an event's arrival and its time serves as the distance of the
    clocks, and an event is late as well if, thus corrected, it happened before the
    last applied answer was asked for. An event older than LATE_LIMIT is taken for a
    clock that was set, which starts anew, and one late by the corrected clock moves
    the estimate half-way towards its own, so that a wrong estimate heals.
    """

    __slots__ = ("distance", "now")

    def __init__(self) -> None:
        """Begin with a time that nothing can come later than: the first word sets it."""
        self.now = self.distance = NEVER

    def set_back(self, now: float) -> float:
        """Follow the caller's clock back; returns by how much, if that can be told."""
        seconds = 0.0 if self.now == NEVER else self.now - now
        self.distance -= seconds
        self.now = now
        return seconds


@dataclass(slots=True)
class Arrival:
    """When something was said, on our clock (`now`) and on the gateway's (`time`).

    `corrected` is the gateway's time brought to our clock; `began` is the moment
    that a fall, told now, is taken to have begun, `settled` when it will show.
    """

    clock: Clock
    now: float
    settled: float
    asked_at: float | None
    time: float | None
    corrected: float = 0.0
    began: float = 0.0

    def __post_init__(self) -> None:
        """Place the word in time."""
        now, time = self.now, self.time
        if self.asked_at is not None or time is None or not 0 < time < NEVER:
            self.time = None
            self.corrected = self.began = now
            return
        clock = self.clock
        clock.distance = min(clock.distance, now - time)
        self.corrected = time + clock.distance
        self.began = time if _EARLIEST <= time <= now else now

    def is_news(self, order: Order) -> bool:
        """Whether this is news of somebody; then it is the newest."""
        if (asked_at := self.asked_at) is not None:
            if order.heard > asked_at or order.answered > asked_at:
                return False
            order.answered = asked_at
            return True
        if (time := self.time) is not None:
            clock, distance = self.clock, self.now - time
            if time < order.newest:
                if order.newest - time <= LATE_LIMIT:
                    return False
                clock.distance = distance
            elif (behind := order.answered - self.corrected) > 0:
                if behind <= LATE_LIMIT:
                    clock.distance = (self.corrected - time + distance) / 2
                    return False
                clock.distance = distance
            order.newest = time
        order.heard = self.now
        return True


def plausible(last_seen: float | None) -> float | None:
    """Return a moment at which somebody can have been on WhatsApp, else None."""
    if last_seen is not None and _EARLIEST <= last_seen < NEVER:
        return last_seen
    return None
