"""When the account was shown online because somebody asked something.

WAHA sets its session online for 25 s with every call that asks WhatsApp (SRC, seen in
2025.12.3): everybody sees the account online, and its phone gets no notifications.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from .clock import Clock

SECONDS: Final = 25.0
HOUR: Final = 3600.0
MAX_SPANS: Final = 50_000


@dataclass(slots=True, kw_only=True)
class Span:
    """A time in which the account was shown online, in unix seconds.

    `calls` counts what was asked; `seen_by` are the chats of those who were online
    themselves meanwhile, and could see it.
    """

    start: float
    end: float
    calls: Counter[str] = field(default_factory=Counter)
    seen_by: set[str] = field(default_factory=set)


class Announcer:
    """Keeps the timeline of one account, and whether it is shown online now."""

    def __init__(self, clock: Clock, *, seconds: float = SECONDS) -> None:
        """Begin with nothing asked; each activity shows the account for `seconds`."""
        self.clock = clock
        self.seconds = seconds
        self.auto_online = True
        self.spans: list[Span] = []
        self.own_spans: list[tuple[float, float]] = []
        self.activities: Counter[str] = Counter()
        self._own_since: float | None = None

    # ------------------------------------------------------------ what is asked

    def activity(self, call: str, *, always: bool = False) -> None:
        """Note a call that asks WhatsApp; with `always` even if it is switched off."""
        self.activities[call] += 1
        if not (self.auto_online or always):
            return
        now = self.clock.now()
        self._end_own(now)
        if not self.spans or self.spans[-1].end < now:
            if len(self.spans) >= MAX_SPANS:
                del self.spans[0]
            self.spans.append(Span(start=now, end=now))
        self.spans[-1].end = now + self.seconds
        self.spans[-1].calls[call] += 1

    @property
    def announced(self) -> bool:
        """Whether the account is shown online now because of what was asked."""
        return bool(self.spans) and self.clock.now() < self.spans[-1].end

    def seen_by(self, chat_id: str) -> None:
        """Somebody is online, and sees the account if it is shown."""
        if self.announced:
            self.spans[-1].seen_by.add(chat_id)

    # -------------------------------------------------------- the user's own word

    def set_own(self, online: bool) -> None:
        """The user announces the account, or takes that back."""
        now = self.clock.now()
        self._end_own(now)
        if online and self._own_since is None:
            self._own_since = now
        elif not online:
            if self._own_since is not None:
                self.own_spans.append((self._own_since, now))
                self._own_since = None
            if self.spans and self.spans[-1].end > now:
                self.spans[-1].end = now

    @property
    def own(self) -> bool:
        """Whether the user's own announcement still stands.

        The `offline` that ends an activity's time ends it as well, even one that was
        made within that time: it does not extend the 25 s (SRC).
        """
        self._end_own(self.clock.now())
        return self._own_since is not None

    def _end_own(self, now: float) -> None:
        if self._own_since is None or not self.spans:
            return
        end = self.spans[-1].end
        if self._own_since < end <= now:
            self.own_spans.append((self._own_since, end))
            self._own_since = None

    # ------------------------------------------------------------- the timeline

    def shown(self, since: float, until: float) -> float:
        """For how many seconds the account was shown online because of asking.

        What the user announced anyway is not counted.
        """
        own = list(self.own_spans)
        if self._own_since is not None:
            own.append((self._own_since, until))
        total = 0.0
        for span in self.spans:
            start, end = max(span.start, since), min(span.end, until)
            if start < end:
                total += end - start - _covered(own, start, end)
        return total

    def by_hour(self, since: float, until: float) -> list[float]:
        """The same for each hour from `since` on; the last one may be cut short."""
        hours: list[float] = []
        while since < until:
            hours.append(self.shown(since, min(since + HOUR, until)))
            since += HOUR
        return hours


def _covered(spans: list[tuple[float, float]], start: float, end: float) -> float:
    """How many seconds of a time are covered by spans that do not overlap."""
    return sum(max(0.0, min(e, end) - max(s, start)) for s, e in spans)
