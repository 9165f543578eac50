"""What a gateway's words mean for a chat."""

from .chat import Chat
from .clock import NEVER, Arrival
from .members import Members
from .memory import BUSY, NOTHING, Echo
from .model import Activity, MemberUpdate, PresenceUpdate
from .person import Person


class HearingChat(Chat):
    """A chat that takes in events, live answers and remembered ones."""

    __slots__ = ()

    def _hear(self, update: PresenceUpdate, arrival: Arrival) -> None:
        """Take in an event or a live answer about the chat, its members, or both."""
        subscription = self._subscription
        heard = arrival.asked_at is not None
        if not update.has_data and subscription.in_doubt(
            arrival.now,
            answered=not heard and self._own.answered > self._own.heard,
        ):
            return
        # A word of some members is not the group's own, and not in its order.
        if self._members is None or not update.members or _speaks_of_chat(update):
            heard |= self._hear_chat(update, arrival)
        if self._members is not None and update.has_data:
            for member in update.members:
                heard |= self._hear_member(
                    member, self._members, arrival, update.never_pauses
                )
        if not heard:
            return
        subscribed = update.subscribed
        if subscribed is None and update.has_data:
            # Events come to subscribers alone.
            subscribed = True
        if subscribed is not None and subscribed is not subscription.subscribed:
            self._set_subscribed(subscribed)
        subscription.heard = arrival.now
        if subscription.renewals or subscription.failures:
            self._end_silence()
            subscription.failing = False
            subscription.failures = 0
        if subscription.complete_since == NEVER and not subscription.lost:
            subscription.complete_since = arrival.now

    def _hear_chat(self, update: PresenceUpdate, arrival: Arrival) -> bool:
        """Take in what was said of the chat itself; returns whether it was news."""
        if arrival.asked_at is None:
            self._own.listen(update.chat_id)
        fresh = arrival.is_news(self._own)
        if not update.has_data:
            if fresh:
                self._blank(arrival)
            return fresh
        if not fresh and arrival.asked_at is None:
            return False
        hidden = update.last_seen_hidden
        if hidden is not None and hidden is not self._subscription.hidden:
            self._subscription.hidden = hidden
            self._dirty = True
        last_seen = self._readable(update.last_seen, arrival.now)
        if not fresh:
            self._see(last_seen)
            return False
        online, activity = update.online, update.activity
        lists = None if self._members is None else self._members.listed(update)
        if not self._subscription.known and (
            online is not None
            or activity is not None
            or last_seen is not None
            or hidden
            or lists is not None
        ):
            self._subscription.known = self._dirty = True
        implied = update.implied
        if arrival.asked_at is None and (online is not None or activity is not None):
            implied = self._own.tell(
                update, update.chat_id, never_pauses=update.never_pauses
            )
        self._say(self._own, online, activity, last_seen, arrival, implied=implied)
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
        self,
        word: MemberUpdate,
        members: Members,
        arrival: Arrival,
        never_pauses: bool,
    ) -> bool:
        """Take in what was said of a member; returns whether it was news."""
        person = members.find(word.member_id)
        if person is None:
            return False
        if arrival.asked_at is None:
            person.listen(word.member_id)
        if not arrival.is_news(person):
            return False
        implied = word.implied
        if arrival.asked_at is None and (
            word.online is not None or word.activity is not None
        ):
            implied = person.tell(word, word.member_id, never_pauses=never_pauses)
        last_seen = self._readable(word.last_seen, arrival.now)
        self._say(
            person, word.online, word.activity, last_seen, arrival, implied=implied
        )
        self._see(last_seen)
        self._know_group()
        return True

    def _say(
        self,
        person: Person,
        online: bool | None,
        activity: Activity | None,
        last_seen: float | None,
        arrival: Arrival,
        *,
        implied: bool = False,
    ) -> None:
        """Take in what was said of one person."""
        due = person.due
        if arrival.asked_at is not None and not self.missed:
            self.missed = self._is_complete_since(arrival) and person.contradicts(
                online, activity
            )
        if person.say(
            online, activity, arrival, implied=implied, seen=last_seen is not None
        ):
            self._dirty = True
        if self._members is not None and person.due != due:
            self._members.schedule(person)

    def _recall(self, update: PresenceUpdate, arrival: Arrival) -> None:
        """Take in a remembered answer: an old word, unless it is another than the last."""
        never_pauses = update.never_pauses
        if self._members is None:
            asked_as = update.asked_as or update.chat_id
            self._recall_person(self._own, update, asked_as, arrival, never_pauses)
            return
        known = self._members.offline
        for word in update.members:
            if (person := self._members.find(word.member_id)) is not None:
                self._recall_person(
                    person,
                    word,
                    word.member_id,
                    arrival,
                    never_pauses,
                    known_offline=known,
                )

    def _recall_person(
        self,
        person: Person,
        word: PresenceUpdate | MemberUpdate,
        asked_as: str,
        arrival: Arrival,
        never_pauses: bool,
        *,
        known_offline: bool = False,
    ) -> None:
        """Take in a remembered answer about one person.

        It never begins typing or recording; of whom that is all that is remembered
        is known not to be doing it now. `known_offline`: so is the group, and nobody
        came online because a first word is told.
        """
        if person.ignores(asked_as):
            # What is known under another id makes no event a late one.
            self._see(self._readable(word.last_seen, arrival.now))
            return
        if not arrival.is_news(person):
            return
        online = word.online
        said = (online, word.activity, word.implied)
        echo, last = person.recall(NOTHING if online is None else said, asked_as)
        if online is None:
            return
        last_seen = self._readable(word.last_seen, arrival.now)
        if not self._subscription.known:
            self._subscription.known = self._dirty = True
        if self._members is not None:
            self._know_silence()
        if echo is Echo.FIRST:
            if person.suppose(online, shows=not known_offline):
                self._dirty = True
            person.age(self._subscription)
            if self._members is not None:
                self._members.schedule(person)
        elif echo is Echo.NEWER:
            busy = word.activity in BUSY
            activity = word.activity
            if busy:
                activity = Activity.IDLE if person.activity is None else None
            self.missed |= self._is_complete_since(arrival)
            self._say(
                person,
                online,
                activity,
                last_seen,
                arrival,
                implied=word.implied or busy or (never_pauses and last[1] in BUSY),
            )
            self._subscription.heard = arrival.now
            self._end_silence()
        self._see(last_seen)

    def _is_complete_since(self, arrival: Arrival) -> bool:
        """Whether no event can have been missed since the word before an answer's."""
        return arrival.known_at >= self._subscription.complete_since


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
