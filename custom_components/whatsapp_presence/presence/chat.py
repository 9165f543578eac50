"""What is known of one chat."""

from collections.abc import Mapping

from .clock import EARLIEST, LONG_AGO, NEVER, Arrival
from .members import Members
from .model import Activity
from .person import Person
from .subscription import Subscription


class Chat:
    """What is known of one chat, and how it is noted that something has changed.

    What one person does is a Person's to know, who a group is made of its Members',
    how the chat stands with the gateway its Subscription's.
    """

    __slots__ = (
        "_ahead",
        "_dirty",
        "_last_seen",
        "_members",
        "_own",
        "_people",
        "_subscription",
        "missed",
    )

    def __init__(self, *, is_group: bool, aliases: Mapping[str, str] | None) -> None:
        """Begin with nothing known."""
        self._own = Person()
        self._members = Members(self._own, aliases) if is_group else None
        self._people: Person | Members = (
            self._own if self._members is None else self._members
        )
        self._subscription = Subscription()
        self._last_seen: float | None = None
        # The gateway's word that was in the future when it was said, if one was.
        self._ahead: float | None = None
        self._dirty = False
        # Whether the last update was an answer with a change that no event has told,
        # although none can have been missed since the word that it is compared with.
        self.missed = False

    def _end(self, now: float) -> None:
        """End what ends now or has ended before."""
        seen = self._people.end(now, self._subscription)
        if seen != LONG_AGO and not self._people.online:
            self._see(min(seen, now))
        self._dirty = True

    def _end_silence(self) -> None:
        """Note that there is news of the chat: what was said goes on to hold."""
        subscription = self._subscription
        aged = subscription.aged
        subscription.renewals = 0
        if aged:
            self._people.age(subscription)

    def _blank(self, arrival: Arrival | None) -> None:
        """Take back what was said of everybody, if there was nothing newer."""
        if self._members is None:
            self._own.blank()
        else:
            self._members.blank(arrival)
        self._subscription.known = False
        self._subscription.hidden = None
        self._dirty = True

    def _readable(self, last_seen: float | None, now: float) -> float | None:
        """Return the gateway's last-seen, if it makes sense and is not hidden.

        One in the future, of a clock that is ahead, is taken for now, once: who left then
        does not leave again because that is said again.
        """
        if last_seen is None or self._subscription.hidden:
            return None
        if not EARLIEST <= last_seen < NEVER or last_seen == self._ahead:
            return None
        if last_seen > now:
            self._ahead = last_seen
        return min(now, last_seen)

    def _see(self, moment: float | None) -> None:
        """Move the last-seen forward."""
        if moment is not None and (self._last_seen is None or moment > self._last_seen):
            self._last_seen = moment
            self._dirty = True

    def _set_subscribed(self, subscribed: bool) -> None:
        """Note whether events can be expected."""
        if subscribed is not self._subscription.subscribed:
            self._subscription.subscribed = subscribed
            self._dirty = True

    def _know_group(self) -> None:
        """Note that something was said of a group's member."""
        if not self._subscription.known:
            self._subscription.known = self._dirty = True
        self._know_silence()

    def _know_silence(self) -> None:
        """Note that nobody does anything in a group but those who were named."""
        if self._own.activity is None:
            self._own.activity = Activity.IDLE
            self._dirty = True
