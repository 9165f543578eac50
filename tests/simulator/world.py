"""The truth behind the gateways: instances, people, groups, subscriptions.

What is true of a person stands here; what a gateway tells of it, and in which
shape, is the dialect's business (`waapi.py`, `engine.py`, `wawp.py`, `waha.py`).
All times are unix seconds of the simulator's clock.
"""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
import hmac
from typing import TYPE_CHECKING, Any, ClassVar, Final

from .clock import Handle

if TYPE_CHECKING:
    from .server import Simulator

# Everything in memory is bounded; these are far above what a test needs.
MAX_PEOPLE: Final = 20_000
MAX_GROUPS: Final = 5_000
MAX_SUBSCRIPTIONS: Final = 20_000
MAX_WEBHOOKS: Final = 200
MAX_REFUSALS: Final = 20_000


class State(StrEnum):
    """What a person can be made to do, in the words of `set_presence`."""

    ONLINE = "online"
    OFFLINE = "offline"
    TYPING = "typing"
    RECORDING = "recording"
    PAUSED = "paused"


ACTIVE: Final = frozenset({State.TYPING, State.RECORDING})


class Unset:
    """The type of a keyword that was not given, where None has a meaning."""


UNSET: Final = Unset()


@dataclass(slots=True, kw_only=True, eq=False)
class Person:
    """Somebody whom the account knows, and the truth of their presence.

    `state` is the word that was said last in the chat with the account.
    `deny` hides last seen alone; `online_hidden` hides being online; a person
    without `has_data` is seen by nobody. `lid_learnt`: whether the gateway knows that
    number and lid are one, which it learns from messages.
    """

    number: str
    name: str
    lid: str | None = None
    picture: str | None = None
    on_whatsapp: bool = True
    online: bool = False
    state: State = State.OFFLINE
    last_seen: int | None = None
    deny: bool = False
    online_hidden: bool = False
    has_data: bool = True
    lid_learnt: bool = True

    @property
    def known_lid(self) -> str | None:
        """The lid as far as the gateway has learnt whose it is."""
        return self.lid if self.lid_learnt else None

    @property
    def chat_id(self) -> str:
        """The id that is made of the phone number."""
        return f"{self.number}@c.us"

    @property
    def last_seen_shown(self) -> int | None:
        """Last seen as far as the account may know it: offline and not denied."""
        return None if self.online or self.deny else self.last_seen


@dataclass(slots=True, kw_only=True, eq=False)
class Group:
    """A group; `states` holds what each member was last seen doing in it."""

    chat_id: str
    name: str
    picture: str | None = None
    members: list[Person] = field(default_factory=list)
    states: dict[Person, State] = field(default_factory=dict)

    @property
    def online(self) -> bool:
        """Whether any member is seen online."""
        return any(
            member.online and not member.online_hidden and member.has_data
            for member in self.members
        )

    def doing(self, state: State) -> list[Person]:
        """The members who are typing, or recording, in the group."""
        return [m for m in self.members if self.states.get(m) is state]


type Chat = Person | Group


@dataclass(slots=True)
class Quirks:
    """What is odd about an instance; the dialects add their own."""

    # Events name people by their lid although the number was subscribed to
    # (README 5). Off: the id that was subscribed to.
    events_under_lid: bool = True
    # How long WhatsApp takes for the first push after a subscription; None: never.
    push_latency: float | None = 0.0
    # Whether the push after a subscription is an event as well.
    push_on_subscribe: bool = True
    # Presence comes only while the account announces itself (README 6).
    needs_available: bool = False
    # Typing ends by itself after the simulator's `typing_timeout` (README 3).
    typing_ends: bool = True
    # Group lists and participants are lids.
    participants_as_lids: bool = False
    # Requests in a window of seconds before 429, and whether that answer has a
    # Retry-After. WAHA, at home, has no limit of its own.
    rate_limit: int | None = None
    rate_window: float = 60.0
    retry_after: int | None = None


class Account(ABC):
    """One instance (session) of a gateway: its people and its subscriptions."""

    gateway: ClassVar[str]
    ready_words: ClassVar[frozenset[str]]
    status_words: ClassVar[frozenset[str]]
    quirks: Quirks

    def __init__(
        self,
        simulator: Simulator,
        instance_id: str,
        *,
        token: str,
        name: str,
        status: str,
        number: str,
    ) -> None:
        """Begin with nobody known and nothing subscribed."""
        self.simulator = simulator
        self.instance_id = instance_id
        self.token = token
        self.name = name
        self.working = asyncio.Event()
        self.status = status
        self.me = Person(number=number, name=name, lid=f"9{number}9@lid")
        self.people: dict[str, Person] = {}
        self.groups: dict[str, Group] = {}
        self._own_presence: str | None = None
        self.own_presence_calls = 0
        self._lids: dict[str, Person] = {}
        self._dialled: dict[str, Person] = {}
        # Chat id → the id that was asked for; chats that the engine has data of.
        self._subscriptions: dict[str, str] = {}
        self._known: dict[str, None] = {}
        self._arrivals: dict[str, asyncio.Event] = {}
        self._timers: dict[tuple[Person, Group | None], Handle] = {}
        self._pushes: dict[str, Handle] = {}
        self._user_urls: set[str] = set()
        self._calls: list[float] = []
        # When a request was one too many, and how many of those came with no
        # request in between that was served.
        self.refusals: list[float] = []
        self.refusals_in_a_row = 0
        self.most_refusals_in_a_row = 0
        self._lost: list[str] = []

    # ---------------------------------------------------------------- people

    @property
    def status(self) -> str:
        """The instance's status, in the gateway's own word."""
        return self._status

    @status.setter
    def status(self, status: str) -> None:
        self._status = status
        if self.ready:
            self.working.set()
        else:
            self.working.clear()

    @property
    def ready(self) -> bool:
        """Whether the instance runs actions."""
        return self.status in self.ready_words

    @property
    def subscriptions(self) -> set[str]:
        """The ids of the chats whose presence is pushed; a person's is the number's."""
        return set(self._subscriptions)

    @property
    def known(self) -> set[str]:
        """The ids of the chats of which the engine has data."""
        return set(self._known)

    def add_person(
        self,
        number: str,
        *,
        name: str = "",
        lid: str | None = None,
        picture: bool = False,
        on_whatsapp: bool = True,
        dialled: str | None = None,
        lid_learnt: bool = True,
    ) -> Person:
        """Let the account know somebody; the number is digits alone.

        `dialled` is what people dial where WhatsApp's id has another number
        (Brazil, Mexico, Argentina); lookups of a number find it, ids do not.
        `lid_learnt`: whether the gateway knows already that both ids are one person.
        """
        if not number.isdigit():
            raise ValueError("a number is digits alone")
        if lid is not None and not lid.endswith("@lid"):
            raise ValueError("a lid ends with @lid")
        if len(self.people) >= MAX_PEOPLE:
            raise ValueError("too many people")
        person = Person(
            number=number,
            name=name,
            lid=lid,
            on_whatsapp=on_whatsapp,
            lid_learnt=lid_learnt,
        )
        if picture:
            person.picture = f"/pictures/{len(self.people) + 1}.png"
        self.people[person.chat_id] = person
        if dialled is not None:
            self._dialled[dialled] = person
        if lid is not None:
            self._lids[lid] = person
        return person

    def add_group(
        self, chat_id: str, *, name: str = "", members: Iterable[Person] = ()
    ) -> Group:
        """Let the account be in a group."""
        if not chat_id.endswith("@g.us"):
            raise ValueError("a group's id ends with @g.us")
        if len(self.groups) >= MAX_GROUPS:
            raise ValueError("too many groups")
        group = Group(chat_id=chat_id, name=name, members=list(members))
        self.groups[chat_id] = group
        return group

    def find(self, chat_id: str) -> Chat | None:
        """The chat of an id, by number or by lid."""
        return (
            self.people.get(chat_id)
            or self.groups.get(chat_id)
            or self._lids.get(chat_id)
        )

    def look_up(self, number: str) -> Person | None:
        """Whoever has the number on WhatsApp."""
        digits = number.lstrip("+")
        found = self.people.get(f"{digits}@c.us") or self._dialled.get(digits)
        return found if found is not None and found.on_whatsapp else None

    def person(self, who: str | Person) -> Person:
        """A person by id, number or name."""
        if isinstance(who, Person):
            return who
        found = self.find(who) or self.people.get(f"{who.lstrip('+')}@c.us")
        if isinstance(found, Person):
            return found
        for person in self.people.values():
            if person.name == who:
                return person
        raise KeyError("nobody of that id, number or name")

    def group(self, which: str | Group) -> Group:
        """A group by id or name."""
        if isinstance(which, Group):
            return which
        if which in self.groups:
            return self.groups[which]
        for group in self.groups.values():
            if group.name == which:
                return group
        raise KeyError("no group of that id or name")

    # --------------------------------------------------------- subscriptions

    def subscribe(self, asked: str) -> None:
        """Subscribe, or renew: WhatsApp then pushes what it knows.

        Anybody's presence can be asked for, so a well-formed id that the
        account does not know is taken without an error, and nothing comes.
        """
        chat = self.find(asked)
        key = asked if chat is None else chat.chat_id
        self._subscriptions.pop(key, None)
        self._subscriptions[key] = asked
        while len(self._subscriptions) > MAX_SUBSCRIPTIONS:
            self._subscriptions.pop(next(iter(self._subscriptions)))
        latency = self.quirks.push_latency
        if chat is None or latency is None:
            return
        if latency <= 0:
            self._arrive(key)
        elif key not in self._pushes:
            clock = self.simulator.clock
            self._pushes[key] = clock.call_later(latency, self._arrive, key)

    def _arrive(self, key: str) -> None:
        """Take WhatsApp's push after a subscription."""
        self._pushes.pop(key, None)
        chat = self.find(key)
        if chat is None or not self.can_push(key):
            return
        if isinstance(chat, Person) and not self.tells_of(chat):
            return
        first = key not in self._known
        self._learn(key)
        if self.quirks.push_on_subscribe and (first or self.pushes_on_renewal):
            self._push(chat, None)

    def tells_of(self, person: Person) -> bool:
        """Whether WhatsApp says of a person whether they are online."""
        return person.has_data

    @property
    def pushes_on_renewal(self) -> bool:
        """Whether a renewal that brings nothing new is an event as well."""
        return True

    def _learn(self, key: str) -> None:
        """Remember that the engine has data of a chat, and wake who waits for it."""
        self._known[key] = None
        if (event := self._arrivals.pop(key, None)) is not None:
            event.set()

    async def wait_for_data(self, key: str, timeout: float) -> bool:
        """Wait until the engine has data of a chat; False: none came in time."""
        if key in self._known:
            return True
        event = self._arrivals.setdefault(key, asyncio.Event())
        return await self.simulator.clock.wait(event, timeout)

    def can_push(self, key: str) -> bool:
        """No event for a chat that is not subscribed or an instance not ready."""
        return (
            self.ready
            and key in self._subscriptions
            and not (self.quirks.needs_available and not self.shown_online)
        )

    @property
    def own_presence(self) -> str | None:
        """What the account said of itself last, in the gateway's word."""
        return self._own_presence

    @own_presence.setter
    def own_presence(self, word: str | None) -> None:
        self._own_presence = word
        self.announced()

    def announced(self) -> None:
        """The account said something of itself; for those who keep a timeline."""

    @property
    def available(self) -> bool:
        """Whether the account announces itself as online."""
        return self.own_presence in {"online", "available"}

    @property
    def shown_online(self) -> bool:
        """Whether others see the account online, for whatever reason."""
        return self.available

    def lose_subscriptions(self) -> None:
        """Forget all, as every engine's connection does when it is lost."""
        self._subscriptions.clear()
        self._known.clear()
        for handle in (*self._pushes.values(), *self._timers.values()):
            handle.cancel()
        self._pushes.clear()
        self._timers.clear()

    def close(self) -> None:
        """Cancel what is planned."""
        for handle in (*self._pushes.values(), *self._timers.values()):
            handle.cancel()
        self._pushes.clear()
        self._timers.clear()

    # -------------------------------------------------------------- presence

    async def set_presence(
        self,
        person: Person | str,
        state: State | str,
        *,
        last_seen: int | Unset | None = UNSET,
        group: Group | str | None = None,
        deny: bool | None = None,
        has_data: bool | None = None,
        online_hidden: bool | None = None,
    ) -> None:
        """Let a person do something, and await the deliveries that this caused.

        With `group`, typing, recording and paused happen in the group. Going
        offline sets last seen to now unless `last_seen` says otherwise.
        """
        person = self.person(person)
        where = None if group is None else self.group(group)
        if where is not None and person not in where.members:
            raise ValueError("not a member of the group")
        told = has_data is not None and has_data != person.has_data
        if deny is not None:
            person.deny = deny
        if has_data is not None:
            person.has_data = has_data
        if online_hidden is not None:
            person.online_hidden = online_hidden
        jobs = self._change(person, State(state), where, last_seen, told=told)
        await self.simulator.delivery.settled(jobs)

    def _change(
        self,
        person: Person,
        state: State,
        where: Group | None,
        last_seen: int | Unset | None,
        *,
        told: bool,
    ) -> list[asyncio.Future[None]]:
        """Change the truth and push to all whom it concerns."""
        seen_before = person.online
        groups = [g for g in self.groups.values() if person in g.members]
        stirred = {g for g in groups if g.states.get(person) in ACTIVE}
        online_before = {g.chat_id: g.online for g in groups}
        person.online = state is not State.OFFLINE
        if isinstance(last_seen, Unset):
            if state is State.OFFLINE and (seen_before or person.last_seen is None):
                person.last_seen = int(self.simulator.clock())
        else:
            person.last_seen = last_seen
        if state is State.OFFLINE:
            person.state = state
            for group in groups:
                self._cancel_timer(person, group)
                group.states.pop(person, None)
            self._cancel_timer(person, None)
        elif where is None:
            person.state = state
        else:
            where.states[person] = state
            if person.state is State.OFFLINE:
                person.state = State.ONLINE
        if state is not State.OFFLINE:
            self._plan_end(person, where, state)

        jobs: list[asyncio.Future[None]] = []
        flipped = person.online != seen_before
        if (person.has_data or told) and (where is None or flipped):
            jobs += self._push(person, None)
        if not person.has_data:
            return jobs
        for group in groups:
            changed = self.tells_members and flipped
            changed |= group.online != online_before[group.chat_id]
            if (
                group is where
                or changed
                or (group in stirred and state is State.OFFLINE)
            ):
                jobs += self._push(group, person)
        return jobs

    @property
    def tells_members(self) -> bool:
        """Whether a group's events tell of each member's being online."""
        return True

    def _cancel_timer(self, person: Person, where: Group | None) -> None:
        if (handle := self._timers.pop((person, where), None)) is not None:
            handle.cancel()

    def _plan_end(self, person: Person, where: Group | None, state: State) -> None:
        """Typing and recording end by themselves, with an event of their own."""
        self._cancel_timer(person, where)
        if state in ACTIVE and self.quirks.typing_ends:
            self._timers[person, where] = self.simulator.clock.call_later(
                self.simulator.typing_timeout, self._end, person, where
            )

    def _end(self, person: Person, where: Group | None) -> None:
        self._timers.pop((person, where), None)
        if where is None:
            person.state = State.PAUSED
            if person.has_data:
                self._push(person, None)
        else:
            where.states[person] = State.PAUSED
            self._push(where, person)

    def _push(self, chat: Chat, member: Person | None) -> list[asyncio.Future[None]]:
        if not self.can_push(chat.chat_id):
            return []
        self._learn(chat.chat_id)
        return self.push_presence(chat, member)

    async def flood(self, who: Person | Group | str, count: int) -> None:
        """Repeat what was last said of a chat `count` times (README 4)."""
        chat: Chat
        try:
            chat = who if isinstance(who, Group) else self.person(who)
        except KeyError:
            chat = self.group(str(who))
        member = chat.members[0] if isinstance(chat, Group) and chat.members else None
        for start in range(0, count, 100):
            jobs: list[asyncio.Future[None]] = []
            for _ in range(min(100, count - start)):
                jobs += self._push(chat, member)
            await self.simulator.delivery.settled(jobs)

    def shown_id(self, person: Person, asked: str | None = None) -> str:
        """The id under which a person is told of."""
        if person.lid is not None and (
            self.quirks.events_under_lid or asked == person.lid
        ):
            return person.lid
        return person.chat_id

    def asked_id(self, chat: Chat) -> str | None:
        """The id under which a chat was subscribed to."""
        return self._subscriptions.get(chat.chat_id)

    # ---------------------------------------------------------------- status

    async def set_status(self, status: str) -> None:
        """Change the instance's status; leaving ready loses all subscriptions."""
        if status not in self.status_words:
            raise ValueError(f"no status of {self.gateway}: {status}")
        before, self.status = self.ready, status
        if before and not self.ready:
            self._lost = list(self._known)
            self.lose_subscriptions()
        if self.ready and not before:
            await self.simulator.delivery.settled(self.push_reset(self._take_lost()))
        await self.simulator.delivery.settled(self.push_status())

    def _take_lost(self) -> list[str]:
        lost, self._lost = self._lost, []
        return lost

    async def reconnect(self) -> None:
        """Lose the connection and get it back, as fast as engines do.

        Nothing subscribes again by itself, on any engine (RUN, SRC).
        """
        lost = list(self._known)
        self.lose_subscriptions()
        await self.simulator.delivery.settled(self.push_reset(lost))
        await self.push_reconnected()

    # -------------------------------------------------------------- webhooks

    @property
    def user_webhooks(self) -> list[dict[str, Any]]:
        """The webhooks that are the user's own, as they are registered now."""
        return [hook for hook in self.webhooks if hook["url"] in self._user_urls]

    def owned_by_user(self, url: str) -> None:
        """Remember that a webhook's URL is the user's."""
        self._user_urls.add(url)

    def over_limit(self) -> bool:
        """Count a request; whether it is one too many in the window of time."""
        limit = self.quirks.rate_limit
        if limit is None:
            return False
        now = self.simulator.clock()
        since = now - self.quirks.rate_window
        self._calls = [call for call in self._calls if call > since]
        if len(self._calls) >= limit:
            if len(self.refusals) < MAX_REFUSALS:
                self.refusals.append(now)
            self.refusals_in_a_row += 1
            self.most_refusals_in_a_row = max(
                self.most_refusals_in_a_row, self.refusals_in_a_row
            )
            return True
        self.refusals_in_a_row = 0
        self._calls.append(now)
        return False

    def token_is(self, token: str) -> bool:
        """Whether this is the account's token."""
        return hmac.compare_digest(self.token.encode(), token.encode())

    def truth(self) -> dict[str, Any]:
        """Tell everything, for a test's oracle and for the control API."""
        return {
            "gateway": self.gateway,
            "instance": self.instance_id,
            "name": self.name,
            "status": self.status,
            "ready": self.ready,
            "own_presence": self.own_presence,
            "people": {
                person.chat_id: {
                    "name": person.name,
                    "lid": person.lid,
                    "online": person.online,
                    "state": person.state,
                    "last_seen": person.last_seen,
                    "deny": person.deny,
                    "has_data": person.has_data,
                }
                for person in self.people.values()
            },
            "groups": {
                group.chat_id: {
                    "name": group.name,
                    "members": [member.chat_id for member in group.members],
                    "online": group.online,
                    "states": {m.chat_id: state for m, state in group.states.items()},
                }
                for group in self.groups.values()
            },
            "subscriptions": sorted(self.subscriptions),
            "known": sorted(self.known),
            "webhooks": self.webhooks,
        }

    # ------------------------------------------------- what the dialects say

    @property
    @abstractmethod
    def webhooks(self) -> list[dict[str, Any]]:
        """The registered webhooks, in the gateway's own form."""

    @abstractmethod
    def add_webhook(self, url: str, **fields: Any) -> dict[str, Any]:
        """Register a webhook of the user's own, as its dashboard would."""

    @abstractmethod
    def remove_webhook(self, url: str) -> None:
        """Remove a webhook behind everybody's back, as the dashboard can."""

    @abstractmethod
    def push_presence(
        self, chat: Chat, member: Person | None
    ) -> list[asyncio.Future[None]]:
        """Send what a chat's presence is; `member`: whose doing it was in a group."""

    @abstractmethod
    def push_status(self) -> list[asyncio.Future[None]]:
        """Send what the status is."""

    @abstractmethod
    def push_reset(self, lost: list[str]) -> list[asyncio.Future[None]]:
        """Send what the engine sends of chats whose state a reconnect wiped."""

    @abstractmethod
    async def push_reconnected(self) -> None:
        """Send what the engine sends when it is back."""

    def set_quirks(self, quirks: Mapping[str, Any]) -> None:
        """Change quirks by name; an unknown name is an error, not a no-op."""
        known = {item.name for item in fields(self.quirks)}
        for name, value in quirks.items():
            if name not in known:
                raise ValueError(f"no quirk of {self.gateway}: {name}")
            setattr(self.quirks, name, value)
