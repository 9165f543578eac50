"""What one person does, and when that ends."""

from typing import Final

from .clock import LONG_AGO, NEVER, Arrival, Order
from .model import Activity, ChatPresence, PresenceAccess

TYPING_TIMEOUT: Final = 30.0
"""Seconds after which typing and recording end if nobody repeats them."""


class Person(Order):
    """One person, or a group's word about itself.

    `online` and `activity` are as shown; a fall that is not shown yet is an end
    in the future (`online_end`, `activity_end`; `due` is the earlier), and `fell`
    is when it began, unless the gateway has said by itself when the person was last
    seen.
    """

    __slots__ = ("activity", "activity_end", "due", "fell", "online", "online_end")

    def __init__(self) -> None:
        """Begin with nothing known."""
        super().__init__()
        self.blank()

    def blank(self) -> None:
        """Take back what was said, but not when."""
        self.online: bool | None = None
        self.fell = LONG_AGO
        self.activity: Activity | None = None
        self.online_end = self.activity_end = self.due = NEVER

    def say(
        self,
        online: bool | None,
        activity: Activity | None,
        arrival: Arrival,
        *,
        seen: bool,
    ) -> bool:
        """Take in what was said; returns whether something else shows at once.

        Rises are shown, falls must last. `seen`: the gateway has said when the
        person was last seen, and knows better than what was witnessed.
        """
        changed = False
        if online is not None:
            changed = self._say_online(online, arrival)
            if activity is None and not online:
                activity = Activity.IDLE
        if seen:
            self.fell = LONG_AGO
        if activity is not None and self._say_activity(activity, arrival):
            changed = True
        self.due = min(self.online_end, self.activity_end)
        return changed

    def end(self, now: float) -> float:
        """End what ends by now; returns when the person left, if they did."""
        fell = LONG_AGO
        if self.online_end <= now:
            self.online = False
            self.online_end = NEVER
            fell = self.fell
        if self.activity_end <= now:
            self.activity = Activity.IDLE
            self.activity_end = NEVER
        self.due = min(self.online_end, self.activity_end)
        return fell

    def turn_back(self, seconds: float) -> None:
        """Follow the caller's clock; what it said before compares with nothing."""
        self.online_end -= seconds
        self.activity_end -= seconds
        self.due -= seconds
        self.heard = self.answered = LONG_AGO

    def show(self, access: PresenceAccess, last_seen: float | None) -> ChatPresence:
        """Show what is known of a contact."""
        activity = self.activity
        return ChatPresence(
            online=self.online,
            typing=None if activity is None else activity is Activity.TYPING,
            recording=None if activity is None else activity is Activity.RECORDING,
            last_seen=last_seen,
            access=access,
        )

    def absorb(self, other: Person) -> None:
        """Take in what was said of the same person under another id."""
        ours = max(self.heard, self.answered)
        theirs = max(other.heard, other.answered)
        newer = theirs > ours
        if self.online is None or (newer and other.online is not None):
            self.online = other.online
            self.online_end = other.online_end
            self.fell = other.fell
        if theirs == ours and other.activity in (Activity.TYPING, Activity.RECORDING):
            # A list named one of the ids alone, which ended what the other one did.
            newer = (
                self.activity is Activity.IDLE or other.activity_end > self.activity_end
            )
        if self.activity is None or (newer and other.activity is not None):
            self.activity = other.activity
            self.activity_end = other.activity_end
        self.due = min(self.online_end, self.activity_end)
        self.newest = max(self.newest, other.newest)
        self.heard = max(self.heard, other.heard)
        self.answered = max(self.answered, other.answered)

    def _say_online(self, online: bool, arrival: Arrival) -> bool:
        """Take in whether the person is online."""
        if online:
            self.online_end = NEVER
            if self.online:
                return False
            self.online = True
            return True
        if self.online is None:
            self.online = False
            return True
        if self.online:
            if self.online_end == NEVER:
                self.fell = arrival.began
            self.online_end = min(self.online_end, arrival.settled)
        return False

    def _say_activity(self, activity: Activity, arrival: Arrival) -> bool:
        """Take in what the person is doing."""
        before = self.activity
        if activity is Activity.IDLE:
            if before is None:
                self.activity = activity
                return True
            if before is not activity:
                self.activity_end = min(self.activity_end, arrival.settled)
            return False
        self.activity = activity
        self.activity_end = arrival.now + TYPING_TIMEOUT
        return before is not activity
