"""Fold what a gateway says of one chat into what is known of it.

All times are unix seconds; those of `now`, `asked_at` and `deadline` are on the
caller's clock, `PresenceUpdate.time` is on the gateway's, which may be wrong.
"""

from collections.abc import Mapping
from typing import Final

from .chat import Chat
from .clock import CLOCK_JUMP, LATE_LIMIT, NEVER, Arrival, Clock, plausible
from .members import MAX_MEMBERS
from .model import ChatPresence, PresenceUpdate
from .person import TYPING_TIMEOUT

__all__ = [
    "CLOCK_JUMP",
    "LATE_LIMIT",
    "MAX_MEMBERS",
    "TYPING_TIMEOUT",
    "PresenceTracker",
    "seen_before",
]

_REMEMBERED_EVENTS: Final = 16


class PresenceTracker(Chat):
    """Everything that is known of one chat, and when it stops being so.

    The caller hands in every update (`apply`) and calls `tick` at `deadline`. What is
    said is the Chat's to take in, here is what the time and the caller do to it.
    """

    __slots__ = ("_clock", "_event_ids", "_presence", "settle_time")

    def __init__(
        self,
        *,
        is_group: bool,
        settle_time: float,
        last_seen: float | None = None,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        """Begin with nothing known but, perhaps, a restored last-seen.

        `settle_time` is for how many seconds a fall must last to be shown; it can
        be set at any time, and counts for the falls that begin afterwards.
        `aliases` leads from the ids of members to their main ids; it is looked up
        at every update, and stays the caller's.
        """
        super().__init__(is_group=is_group, last_seen=last_seen, aliases=aliases)
        self.settle_time = settle_time
        self._clock = Clock()
        self._event_ids: dict[str, None] = {}
        self._presence = ChatPresence(last_seen=self._last_seen)

    @property
    def presence(self) -> ChatPresence:
        """What is shown now; the same object for as long as nothing changes."""
        return self._presence

    @property
    def deadline(self) -> float | None:
        """When `tick` must be called, on the caller's clock; None: need not be."""
        due = self._people.due
        return None if due == NEVER else due

    def apply(
        self, update: PresenceUpdate, now: float, *, asked_at: float | None = None
    ) -> bool:
        """Take in what the gateway said; returns whether the presence changed.

        `asked_at` is for an answer to a request of ours: when that was made. What
        was heard in an event since then is newer than the answer.
        """
        before = self._presence
        self._advance(now)
        if (event_id := update.event_id) is None or not seen_before(
            event_id, self._event_ids, _REMEMBERED_EVENTS
        ):
            settled = now + self.settle_time
            self._hear(
                update, Arrival(self._clock, now, settled, asked_at, update.time)
            )
            if self._people.due <= now:
                # Nothing to settle: what fell just now is shown just now.
                self._end(now)
        return self._changed_since(before)

    def tick(self, now: float) -> bool:
        """Show what has ended by now; returns whether the presence changed."""
        before = self._presence
        self._advance(now)
        return self._changed_since(before)

    def subscribed(self, subscribed: bool) -> bool:
        """Note that the chat was subscribed or refused; returns whether that is new.

        What is known of a refused chat stays: it may be told all the same.
        """
        before = self._presence
        self._set_subscribed(subscribed)
        return self._changed_since(before)

    def forget(self) -> bool:
        """Note that the instance was lost, and with it all but the last-seen."""
        before = self._presence
        self._standing.subscribed = False
        self._blank(None)
        return self._changed_since(before)

    def restore(self, last_seen: float) -> bool:
        """Take over the last-seen from before a restart, unless a newer is known."""
        before = self._presence
        if self._last_seen is None and (known := plausible(last_seen)) is not None:
            self._see(min(known, self._clock.now))
        return self._changed_since(before)

    def learn_alias(self, alias: str, main: str) -> bool:
        """Make one member of two that turned out to be the same person.

        The caller adds the pair to `aliases` by itself, so that what comes under
        the alias from now on goes to the main id.
        """
        before = self._presence
        if self._members is not None and self._members.learn_alias(alias, main):
            self._dirty = True
        return self._changed_since(before)

    def _changed_since(self, before: ChatPresence) -> bool:
        """Show what is known; whether that is another presence than before.

        If it is not, the old object stays.
        """
        if self._dirty:
            self._dirty = False
            self._presence = self._people.show(self._standing.access, self._last_seen)
        if self._presence is before:
            return False
        if self._presence == before:
            self._presence = before
            return False
        return True

    def _advance(self, now: float) -> None:
        """Show what has ended by now."""
        clock = self._clock
        if now > clock.now:
            clock.now = now
        elif now < clock.now - CLOCK_JUMP:
            self._turn_back(now)
        if self._people.due <= now:
            self._end(now)

    def _turn_back(self, now: float) -> None:
        """Follow a clock that was set back, as if no time had passed."""
        self._people.turn_back(self._clock.set_back(now))
        if self._last_seen is not None and self._last_seen > now:
            self._last_seen = now
            self._dirty = True


def seen_before(event_id: str, seen: dict[str, None], most: int) -> bool:
    """Whether an event's id is among the latest; it is from now on, the oldest goes."""
    if event_id in seen:
        return True
    seen[event_id] = None
    if len(seen) > most:
        del seen[next(iter(seen))]
    return False
