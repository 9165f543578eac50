"""Who is kept of a group, under which id, and whose end comes next."""

from collections.abc import Collection, Mapping
from typing import Final

from .chat_id import is_lid
from .clock import LONG_AGO, NEVER, Arrival
from .model import Activity, ChatPresence, PresenceAccess, PresenceUpdate
from .person import Person
from .subscription import Subscription

MAX_MEMBERS: Final = 1100
"""Members of a group that are kept apart; WhatsApp allows 1024."""

BREATH: Final = 1.0
"""Seconds: what ends within them of each other ends in one breath."""


class Members:
    """The members of a group by their main ids, and `own`, its word about itself.

    `aliases` leads from the ids of members to their main ids; it is looked up at every
    update, and stays the caller's.
    """

    __slots__ = ("_aliases", "_due", "_own", "_pending", "_people")

    def __init__(self, own: Person, aliases: Mapping[str, str] | None) -> None:
        """Begin with nobody."""
        self._own = own
        self._aliases: Mapping[str, str] = {} if aliases is None else aliases
        self._people: dict[str, Person] = {}
        self._pending: set[Person] = set()
        # None: it has to be found anew, once for all that was said of a group.
        self._due: float | None = NEVER

    def __len__(self) -> int:
        """Tell how many members are kept."""
        return len(self._people)

    @property
    def due(self) -> float:
        """When something ends next; who has no end is not pending."""
        if self._due is None:
            self._pending = {one for one in self._pending if one.due != NEVER}
            self._due = min((one.due for one in self._pending), default=NEVER)
        return self._due

    @property
    def online(self) -> bool:
        """Whether anybody is known to be online."""
        return any(person.online for person in self._everybody)

    @property
    def offline(self) -> bool:
        """Whether the group is known to be offline."""
        onlines = {person.online for person in self._everybody}
        return False in onlines and True not in onlines

    @property
    def _everybody(self) -> tuple[Person, ...]:
        """Everybody of whom something may be known, the group itself among them."""
        return (self._own, *self._people.values())

    def find(self, member_id: str) -> Person | None:
        """Return the member behind an id; None if there is no room for another."""
        main = self._aliases.get(member_id, member_id)
        if (person := self._people.get(main)) is None:
            if len(self._people) >= MAX_MEMBERS and not self._make_room():
                return None
            person = self._people[main] = Person()
        return person

    def listed(self, update: PresenceUpdate) -> dict[str, Activity] | None:
        """Read the lists of all who type and record: the others do not.

        If nobody is online, nobody types, unless a list says so. Returns None if
        there is no list.
        """
        typing, recording = update.typing_members, update.recording_members
        if update.online is False:
            typing = typing or frozenset()
            recording = recording or frozenset()
        said: dict[str, Activity] = {}
        told: set[Activity] = set()
        for activity, ids in (
            (Activity.RECORDING, recording),
            (Activity.TYPING, typing),
        ):
            if ids is not None:
                told.add(activity)
                said.update((self._aliases.get(one, one), activity) for one in ids)
        if not told:
            return None
        for main, person in self._people.items():
            if person.activity in told:
                said.setdefault(main, Activity.IDLE)
        return said

    def learn_alias(self, alias: str, main: str) -> bool:
        """Make one member of two; returns whether the alias was kept."""
        if alias == main or (person := self._people.pop(alias, None)) is None:
            return False
        if (known := self._people.setdefault(main, person)) is not person:
            known.absorb(person)
            self._pending.discard(person)
            self.schedule(known)
        return True

    def schedule(self, person: Person) -> None:
        """Note that one person's end has changed."""
        if person.due != NEVER:
            self._pending.add(person)
        self._due = None

    def keep(self, listed: Collection[str], subscription: Subscription) -> bool:
        """Drop who left: whom the whole list of the members would name, and does not.

        It names those who are known by a kind of id (number or lid) that is in it, and
        those of whom both are known. Their words are kept, for the gateway may go on
        repeating them. Returns whether anybody was dropped.
        """
        mains = {self._aliases.get(one, one) for one in listed}
        lids = {is_lid(one) for one in listed}
        paired = set(self._aliases.values())
        gone = [
            person
            for main, person in self._people.items()
            if main not in mains
            and (is_lid(main) in lids or main in paired)
            and (person.online is not None or person.activity is not None)
        ]
        was_online = self.online
        for person in gone:
            person.leave()
            self._pending.discard(person)
        if was_online and not self.online and subscription.sound:
            self._own.online = False
        self._due = None
        return bool(gone)

    def age(self, subscription: Subscription) -> None:
        """Find all ends anew, the subscription's standing having changed."""
        for person in self._everybody:
            person.age(subscription)
            if person.due != NEVER:
                self._pending.add(person)
        self._due = None

    def end(self, now: float, subscription: Subscription) -> float:
        """End what ends by now; returns when the last left of those who did.

        If the last who was online has not left, but lapsed, the group is offline as
        long as somebody's coming would be heard of; else it is unknown.
        """
        seen = LONG_AGO
        lapsed: list[Person] = []
        typed, doubted = False, not subscription.sound
        for person in [person for person in self._pending if person.due <= now]:
            online, typed = person.online, typed or person.activity is Activity.TYPING
            seen = max(seen, left := person.end(now, subscription))
            if online and person.online is None:
                lapsed.append(person)
                doubted = doubted or left == LONG_AGO
        if typed:
            self._end_breath(now)
        if lapsed and not self.online:
            for person in self._everybody if doubted else lapsed:
                person.online = None if doubted else False
        self._due = None
        return seen

    def _end_breath(self, now: float) -> None:
        """Let recordings not flash that end in one breath with the typing above them."""
        doing = [one for one in self._pending if one.activity_end != NEVER]
        if all(
            one.activity is Activity.RECORDING and one.activity_end <= now + BREATH
            for one in doing
        ):
            for one in doing:
                one.end_activity()

    def move(self, seconds: float) -> None:
        """Follow the caller's clock."""
        for person in self._everybody:
            person.move(seconds)
        self._due = None

    def forget_order(self) -> None:
        """Compare what will be said with nothing that was said before."""
        for person in self._everybody:
            person.forget_order()

    def blank(self, arrival: Arrival | None) -> None:
        """Take back what was said of the group and, if nothing newer was, of members."""
        self._own.blank()
        for person in self._people.values():
            if arrival is None or arrival.is_news(person):
                person.blank()
        self._due = None

    def show(self, access: PresenceAccess, last_seen: float | None) -> ChatPresence:
        """Show what is known of the group."""
        everybody = self._everybody
        onlines = {person.online for person in everybody}
        activities = {person.activity for person in everybody}
        quiet = None if activities == {None} else False
        return ChatPresence(
            online=True in onlines or (False if False in onlines else None),
            typing=Activity.TYPING in activities or quiet,
            recording=Activity.RECORDING in activities or quiet,
            last_seen=last_seen,
            access=access,
            online_members=tuple(
                sorted(main for main, person in self._people.items() if person.online)
            ),
            typing_members=self._doing(Activity.TYPING),
            recording_members=self._doing(Activity.RECORDING),
        )

    def _doing(self, activity: Activity) -> tuple[str, ...]:
        """Return the members who do something."""
        return tuple(
            sorted(
                main
                for main, person in self._people.items()
                if person.activity is activity
            )
        )

    def _make_room(self) -> bool:
        """Drop the members of whom nothing is known, else one who is offline."""
        idle = {
            main: person
            for main, person in self._people.items()
            if not person.online and person.activity in (None, Activity.IDLE)
        }
        unknown = [main for main, person in idle.items() if person.online is None]
        for main in unknown or list(idle)[:1]:
            del self._people[main]
        return bool(idle)
