"""What was said of one chat, put together."""

from collections.abc import Mapping

from .clock import LONG_AGO, Arrival, plausible
from .members import Members
from .model import Activity, MemberUpdate, PresenceUpdate
from .person import Person
from .standing import Standing


class Chat:
    """What is known of one chat.

    What one person does is a Person's to know, who a group is made of its Members',
    and which word is newer the clock's.
    """

    __slots__ = ("_dirty", "_last_seen", "_members", "_own", "_people", "_standing")

    def __init__(
        self,
        *,
        is_group: bool,
        last_seen: float | None,
        aliases: Mapping[str, str] | None,
    ) -> None:
        """Begin with nothing known but, perhaps, a last-seen."""
        self._own = Person()
        self._members = Members(self._own, aliases) if is_group else None
        self._people: Person | Members = (
            self._own if self._members is None else self._members
        )
        self._standing = Standing()
        self._last_seen = plausible(last_seen)
        self._dirty = False

    def _end(self, now: float) -> None:
        """End what ends now or has ended before."""
        fell = self._people.end(now)
        if fell != LONG_AGO and not self._people.online:
            self._see(min(fell, now))
        self._dirty = True

    def _hear(self, update: PresenceUpdate, arrival: Arrival) -> None:
        """Take in an update about the chat, its members, or both."""
        heard = arrival.asked_at is not None
        # A word of some members is not the group's own, and not in its order.
        if self._members is None or not update.members or _speaks_of_chat(update):
            heard |= self._hear_chat(update, arrival)
        if self._members is not None and update.has_data:
            for member in update.members:
                heard |= self._hear_member(member, self._members, arrival)
        if not heard:
            return
        if update.subscribed is not None:
            self._set_subscribed(update.subscribed)
        elif update.has_data:
            self._set_subscribed(True)

    def _hear_chat(self, update: PresenceUpdate, arrival: Arrival) -> bool:
        """Take in what was said of the chat itself; returns whether it was news."""
        fresh = arrival.is_news(self._own)
        if not update.has_data:
            if fresh:
                self._blank(arrival)
            return fresh
        if not fresh and arrival.asked_at is None:
            return False
        hidden = update.last_seen_hidden
        if hidden is not None and hidden is not self._standing.hidden:
            self._standing.hidden = hidden
            self._dirty = True
        last_seen = self._readable(update.last_seen, arrival.now)
        if not fresh:
            self._see(last_seen)
            return False
        online, activity = update.online, update.activity
        lists = None if self._members is None else self._members.listed(update)
        if not self._standing.known and (
            online is not None
            or activity is not None
            or last_seen is not None
            or hidden
            or lists is not None
        ):
            self._standing.known = self._dirty = True
        self._say(self._own, online, activity, last_seen, arrival)
        if last_seen is not None and last_seen != self._last_seen:
            self._last_seen = last_seen
            self._dirty = True
        if self._members is not None and lists is not None:
            for main, doing in lists.items():
                person = self._members.find(main)
                if person is not None and arrival.is_news(person):
                    self._say(person, None, doing, None, arrival)
            self._know_silence()
        return True

    def _hear_member(
        self, word: MemberUpdate, members: Members, arrival: Arrival
    ) -> bool:
        """Take in what was said of a member; returns whether it was news."""
        person = members.find(word.member_id)
        if person is None or not arrival.is_news(person):
            return False
        last_seen = self._readable(word.last_seen, arrival.now)
        self._say(person, word.online, word.activity, last_seen, arrival)
        self._see(last_seen)
        if not self._standing.known:
            self._standing.known = self._dirty = True
        self._know_silence()
        return True

    def _say(
        self,
        person: Person,
        online: bool | None,
        activity: Activity | None,
        last_seen: float | None,
        arrival: Arrival,
    ) -> None:
        """Take in what was said of one person."""
        due = person.due
        if person.say(online, activity, arrival, seen=last_seen is not None):
            self._dirty = True
        if self._members is not None and person.due != due:
            self._members.schedule(person)

    def _blank(self, arrival: Arrival | None) -> None:
        """Take back what was said of everybody, if there was nothing newer."""
        if self._members is None:
            self._own.blank()
        else:
            self._members.blank(arrival)
        self._standing.known, self._standing.hidden = False, None
        self._dirty = True

    def _readable(self, last_seen: float | None, now: float) -> float | None:
        """Return the gateway's last-seen, if it makes sense and is not hidden."""
        if last_seen is None or self._standing.hidden:
            return None
        known = plausible(last_seen)
        return None if known is None else min(known, now)

    def _see(self, moment: float | None) -> None:
        """Move the last-seen forward."""
        if moment is not None and (self._last_seen is None or moment > self._last_seen):
            self._last_seen = moment
            self._dirty = True

    def _set_subscribed(self, subscribed: bool) -> None:
        """Note whether events can be expected."""
        if subscribed is not self._standing.subscribed:
            self._standing.subscribed = subscribed
            self._dirty = True

    def _know_silence(self) -> None:
        """Note that nobody does anything in a group but those who were named."""
        if self._own.activity is None:
            self._own.activity = Activity.IDLE
            self._dirty = True


def _speaks_of_chat(update: PresenceUpdate) -> bool:
    """Whether an update tells of a group, and not only of some members."""
    return (
        not update.has_data
        or update.online is not None
        or update.activity is not None
        or update.last_seen is not None
        or update.last_seen_hidden is not None
        or update.typing_members is not None
        or update.recording_members is not None
    )
