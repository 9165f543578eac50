"""What one person does, and when that ends."""

from typing import Final

from .clock import LONG_AGO, NEVER, Arrival
from .memory import BUSY, Memory
from .model import Activity, ChatPresence, PresenceAccess
from .subscription import HOLD_TIME, IMPLIED_LIFE, SAID_LIFE, Subscription

TYPING_TIMEOUT: Final = 30.0
"""Seconds after which typing and recording end if nobody repeats them."""


class Person(Memory):
    """One person, or a group's word about itself.

    `online` and `activity` are as shown; what ends, ends at `online_end` and
    `activity_end`, of which `due` is the earlier. Online either falls (`falling`),
    because it was taken back, or it lapses, because nobody has repeated it.

    - `fell`: when a fall began, unless the gateway has said by itself when the
      person was last seen, or nobody saw them leave.
    - `said`: online was said, not implied by typing, recording or paused.
    - `sign`: when the person was last heard to be online; LONG_AGO: never, what
      shows is an old answer's word.
    """

    __slots__ = (
        "activity",
        "activity_end",
        "due",
        "falling",
        "fell",
        "online",
        "online_end",
        "said",
        "sign",
    )

    def __init__(self) -> None:
        """Begin with nothing known."""
        super().__init__()
        self.blank()

    def blank(self) -> None:
        """Take back what was said, but not when."""
        self.forget_words()
        self.leave()

    def leave(self) -> None:
        """Show nothing of who left the group; what was said of them stays old."""
        self.online: bool | None = None
        self.falling = self.said = False
        self.fell = self.sign = LONG_AGO
        self.activity: Activity | None = None
        self.online_end = self.activity_end = self.due = NEVER

    # What the gateway says

    def say(
        self,
        online: bool | None,
        activity: Activity | None,
        arrival: Arrival,
        *,
        implied: bool,
        seen: bool,
    ) -> bool:
        """Take in what was said; returns whether something else shows at once.

        Rises are shown, falls must last. `seen`: the gateway has said when the
        person was last seen, and knows better than what was witnessed.
        """
        changed = False
        if online:
            changed = not self.online
            self.online = True
            self.said = self.said or not implied
            self.sign = arrival.now
            self.falling = False
            self.online_end = NEVER if self.said else arrival.now + IMPLIED_LIFE
        elif online is not None:
            changed = self._say_offline(arrival)
            if activity is None:
                activity = Activity.IDLE
        elif self.falling and self.sign == LONG_AGO:
            # An old answer's offline: something was heard since.
            self.falling = False
            self.online_end = NEVER
        if seen:
            self.fell = LONG_AGO
        if activity in BUSY:
            changed = changed or activity is not self.activity
            self.activity = activity
            self.activity_end = arrival.now + TYPING_TIMEOUT
        elif activity is not None and self.activity is None:
            changed = True
            self.activity = activity
        elif activity is not None and activity is not self.activity:
            self.activity_end = min(self.activity_end, arrival.settled)
        online_end, activity_end = self.online_end, self.activity_end
        self.due = min(activity_end, online_end)
        return changed

    def contradicts(self, online: bool | None, activity: Activity | None) -> bool:
        """Whether what is known differs from what an answer says."""
        if online is not None and self.online is not None:
            if online is not (self.online and not self.falling):
                return True
        return (
            activity in BUSY
            and self.activity is not None
            and activity is not self.activity
        )

    def suppose(self, online: bool, *, shows: bool) -> bool:
        """Take in a first answer, however old; returns whether something else shows.

        `shows`: an online does. The subscription tells for how long an online holds, and
        when an offline shows (`age`).
        """
        before = self.online
        if (
            before is not False
            and (shows or not online)
            and (self.sign == LONG_AGO or (before is None and not self.falling))
        ):
            self.online = True if online else None
            self.falling = not online
            self.sign = LONG_AGO
        if online and self.activity is None:
            self.activity = Activity.IDLE
            return True
        return before is not self.online

    def _say_offline(self, arrival: Arrival) -> bool:
        """Take in that the person is offline."""
        self.said = False
        if self.online is None:
            self.online = self.falling = False
            self.online_end = NEVER
            return True
        if not self.online:
            return False
        if self.sign == LONG_AGO:
            # It was an old answer's word; nobody has left just now.
            self.online = None
            self.falling = True
            self.fell = LONG_AGO
            self.sign = arrival.now
            self.online_end = arrival.now + HOLD_TIME
            return True
        if self.falling:
            self.online_end = min(self.online_end, arrival.settled)
        else:
            self.falling = True
            self.fell = arrival.began
            self.online_end = arrival.settled
        return False

    # What the time does

    def age(self, subscription: Subscription) -> None:
        """Find the end of online anew, the subscription's standing having changed."""
        if self.falling:
            if self.sign == LONG_AGO:
                self.online_end = subscription.accepted_at + HOLD_TIME
        elif self.online:
            end = NEVER
            if self.sign != LONG_AGO and not self.said:
                end = self.sign + IMPLIED_LIFE
            elif self.said and subscription.aged:
                end = subscription.heard + SAID_LIFE
            if self.sign < subscription.lost_at or self.sign == LONG_AGO:
                end = min(end, subscription.confirm_by)
            self.online_end = end
        self.due = min(self.online_end, self.activity_end)

    def end(self, now: float, subscription: Subscription) -> float:
        """End what ends by now; returns when the person was last seen, if that tells.

        LONG_AGO: nobody went offline, or nobody can say when.
        """
        seen = LONG_AGO
        if self.online_end <= now:
            if self.falling:
                seen = self.fell
                self.online = False
                if self.activity is None:
                    self.activity = Activity.IDLE
            else:
                self.online = None
                if (
                    self.sign >= subscription.lost_at
                    or self.online_end < subscription.confirm_by
                ):
                    seen = self.sign
                self.sign = LONG_AGO
            self.falling = self.said = False
            self.online_end = NEVER
        if self.activity_end <= now:
            self.activity = Activity.IDLE
            self.activity_end = NEVER
        self.due = min(self.online_end, self.activity_end)
        return seen

    def end_activity(self) -> None:
        """End typing and recording now."""
        self.activity = Activity.IDLE
        self.activity_end = NEVER
        self.due = self.online_end

    def move(self, seconds: float) -> None:
        """Follow the caller's clock."""
        self.online_end += seconds
        self.activity_end += seconds
        self.due += seconds
        self.sign += seconds
        self.heard += seconds
        self.answered += seconds

    def forget_order(self) -> None:
        """Compare what will be said with nothing that was said before."""
        self.heard = self.answered = LONG_AGO

    # What is known

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
            self.falling = other.falling
            self.fell = other.fell
            self.said = other.said
            self.sign = other.sign
        if theirs == ours and other.activity in BUSY:
            # A list named one of the ids alone, which ended what the other one did.
            newer = (
                self.activity is Activity.IDLE or other.activity_end > self.activity_end
            )
        if self.activity is None or (newer and other.activity is not None):
            self.activity = other.activity
            self.activity_end = other.activity_end
        self.due = min(self.online_end, self.activity_end)
        self.absorb_words(other)
