"""Fold what a gateway says of one chat into what is known of it.

All times are unix seconds; those of `now`, `asked_at` and `deadline` are on the
caller's clock, `PresenceUpdate.time` is on the gateway's, which may be wrong.
"""

from collections.abc import Collection, Mapping
from typing import Final

from .clock import CLOCK_JUMP, EARLIEST, LONG_AGO, NEVER, Arrival, Clock
from .hearing import HearingChat
from .model import ChatPresence, PresenceUpdate, Source

_REMEMBERED_EVENTS: Final = 16


class PresenceTracker(HearingChat):
    """Everything that is known of one chat, and when it stops being so.

    The caller hands in every update (`apply`) and calls `tick` at `deadline`. What is
    said is the HearingChat's to take in, here is what the time and the caller do to it.
    """

    __slots__ = ("_clock", "_event_ids", "_presence", "settle_time")

    def __init__(
        self,
        *,
        is_group: bool,
        settle_time: float,
        aliases: Mapping[str, str] | None = None,
        ordered: bool = False,
    ) -> None:
        """Begin with nothing known.

        `settle_time` is for how many seconds a fall must last to be shown; it can
        be set at any time, and counts for the falls that begin afterwards.
        `aliases` leads from the ids of members to their main ids; it is looked up
        at every update, and stays the caller's. `ordered`: events arrive in the order
        in which they happened (over a stream), whatever their times say.
        """
        super().__init__(is_group=is_group, aliases=aliases)
        self.settle_time = settle_time
        self._clock = Clock(ordered=ordered)
        self._event_ids: dict[str, None] = {}
        self._presence = ChatPresence()

    @property
    def presence(self) -> ChatPresence:
        """What is shown now; the same object for as long as nothing changes."""
        return self._presence

    @property
    def deadline(self) -> float | None:
        """When `tick` must be called, on the caller's clock; None: need not be."""
        due = self._people.due
        return None if due == NEVER else due

    @property
    def failing(self) -> bool:
        """Whether the chat is unknown because its own calls keep failing."""
        return self._subscription.failing

    def apply(
        self, update: PresenceUpdate, now: float, *, asked_at: float | None = None
    ) -> bool:
        """Take in what the gateway said; returns whether the presence changed.

        `asked_at` is for an answer to a request of ours: when that was made (if it is
        not in the answer). What was heard in an event since then is newer than the
        answer. An answer that does not say that it is a remembered one is live.
        """
        before = self._presence
        self.missed = False
        if self._people.due <= now or now < self._clock.now:
            self._advance(now)
        else:
            self._clock.now = now
        if update.source is not Source.EVENT and asked_at is None:
            asked_at = now if update.asked_at is None else update.asked_at
        if (event_id := update.event_id) is None or not seen_before(
            event_id, self._event_ids, _REMEMBERED_EVENTS
        ):
            settled = now + self.settle_time
            arrival = Arrival(self._clock, now, settled, asked_at, update.time)
            if update.source is Source.REMEMBERED:
                self._recall(update, arrival)
            else:
                self._hear(update, arrival)
            if self._people.due <= now:
                # Nothing to settle: what fell just now is shown just now.
                self._end(now)
        return self._dirty and self._changed_since(before)

    def tick(self, now: float) -> bool:
        """Show what has ended by now; returns whether the presence changed."""
        before = self._presence
        self._advance(now)
        return self._changed_since(before)

    def clock_set(self, seconds: float) -> bool:
        """Note that the caller's clock was set forth by so many seconds, or back.

        All that is known moves along; returns whether the presence changed.
        """
        before = self._presence
        if self._clock.now != NEVER:
            self._move(seconds)
        return self._changed_since(before)

    # How the chat stands with the gateway; all return whether the presence changed.

    def renewed(self, now: float) -> bool:
        """Note that the gateway has just accepted the chat's subscription.

        Whether for the first time, as a renewal, or again after a loss: then an online
        that no event and no live answer confirms within CONFIRM_TIME becomes unknown.
        Call it before the answer that came with it is applied.
        """
        before = self._presence
        self._advance(now)
        self._set_subscribed(True)
        if self._subscription.accept(now) or self._subscription.aged:
            self._age(now)
        return self._changed_since(before)

    def failed(self, now: float, *, refused: bool = False) -> bool:
        """Note that a renewal of the chat failed, or was refused for it alone.

        After FAILED_RENEWALS in a row that span FAILING_TIME, without an event, the
        chat is unknown and `failing`, until the next success or event. Until then, what
        is known of a refused chat stays: it may be told all the same.
        """
        before = self._presence
        self._advance(now)
        if refused:
            self._set_subscribed(False)
        if self._subscription.fail(now):
            self._forget()
        return self._changed_since(before)

    def interrupted(self, now: float, *, subscribed: bool = False) -> bool:
        """Note that events may be missed from now on; what is known stays.

        The subscription is taken for lost, until `renewed`: the instance was lost.
        `subscribed`: it goes on, as when only the way of the events is cut and the
        gateway listens on, until `resumed` or the next event.
        """
        before = self._presence
        self._advance(now)
        if subscribed:
            self._subscription.complete_since = NEVER
        else:
            self._subscription.lose(now)
            self._age(now)
        return self._changed_since(before)

    def resumed(self, now: float) -> None:
        """Note that events arrive again, the subscription not having been lost."""
        if self._subscription.complete_since == NEVER and not self._subscription.lost:
            self._subscription.complete_since = now

    def forget(self) -> bool:
        """Note that the instance is lost for good, and with it all but the last-seen."""
        before = self._presence
        self._forget()
        self._subscription.failing = False
        self._subscription.failures = 0
        return self._changed_since(before)

    # What is known from elsewhere

    def restore(self, last_seen: float) -> bool:
        """Take over the last-seen from before a restart, unless a newer is known."""
        before = self._presence
        if self._last_seen is None and EARLIEST <= last_seen < NEVER:
            self._see(min(last_seen, self._clock.now))
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

    def keep_members(self, listed: Collection[str]) -> bool:
        """Drop who left the group, by the whole list of its members' ids.

        An empty list is none. Returns whether the presence changed.
        """
        before = self._presence
        if listed and self._members is not None:
            self._dirty |= self._members.keep(listed, self._subscription)
        return self._changed_since(before)

    def _changed_since(self, before: ChatPresence) -> bool:
        """Show what is known; whether that is another presence than before.

        If it is not, the old object stays.
        """
        if self._dirty:
            self._dirty = False
            self._presence = self._people.show(
                self._subscription.access, self._last_seen
            )
        if self._presence is before:
            return False
        if self._presence == before:
            self._presence = before
            return False
        return True

    def _age(self, now: float) -> None:
        """Find all ends anew; what has ended by now, ends."""
        self._people.age(self._subscription)
        if self._people.due <= now:
            self._end(now)

    def _forget(self) -> None:
        """Take back all but the last-seen."""
        self._blank(None)
        now = self._clock.now
        self._subscription.forget(LONG_AGO if now == NEVER else now)

    def _advance(self, now: float) -> None:
        """Show what has ended by now."""
        clock = self._clock
        if now > clock.now:
            clock.now = now
        elif clock.now == NEVER:
            clock.now = now
            self._move(0.0)
        elif now < clock.now - CLOCK_JUMP:
            # It was set back, and nobody tells when: as if no time had passed, and
            # what was said before compares with nothing.
            self._move(now - clock.now)
            self._people.forget_order()
            clock.in_time = LONG_AGO
        if self._people.due <= now:
            self._end(now)

    def _move(self, seconds: float) -> None:
        """Move all moments and ends with the clock."""
        self._clock.move(seconds)
        self._people.move(seconds)
        self._subscription.move(seconds)
        now = self._clock.now
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
