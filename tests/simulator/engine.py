"""What WAHA and Wawp truly share: the engine's words, shapes and habits.

Wawp runs on WAHA, so both tell presence in one word a person, wrapped in the
same envelope (DOC for WAHA, DOC and OBS for Wawp). How they are asked, how they
refuse and how they deliver is each one's own.
"""

from abc import abstractmethod
import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, override
from uuid import uuid4

from .world import Account, Chat, Group, Person, Quirks, State

if TYPE_CHECKING:
    from .server import Simulator

ENGINES: Final = frozenset({"WEBJS", "WPP", "NOWEB", "GOWS"})

# README 5: these are the servers of an id that WhatsApp knows.
SERVERS: Final = frozenset({"c.us", "s.whatsapp.net", "g.us", "lid"})


@dataclass(slots=True)
class EngineQuirks(Quirks):
    """What the engines beneath do differently."""

    # DOC: WEBJS emits presence only with config.webjs.tagsEventsOn. WAHA's default
    # is off; Wawp configures its own sessions.
    tags_events_on: bool = True
    # Send each event this many times, under the same id (OBS: events repeat).
    copies: int = 1


class EngineAccount(Account):
    """A session of WAHA, hosted or not."""

    quirks: EngineQuirks

    def __init__(
        self,
        simulator: Simulator,
        instance_id: str,
        *,
        token: str,
        name: str,
        status: str,
        number: str,
        engine: str,
    ) -> None:
        """Begin with a history of one status."""
        if engine not in ENGINES:
            raise ValueError(f"no engine: {engine}")
        super().__init__(
            simulator,
            instance_id,
            token=token,
            name=name,
            status=status,
            number=number,
        )
        self.engine = engine
        self.statuses: deque[dict[str, Any]] = deque(maxlen=10)
        self._note_status(status)

    @property
    @abstractmethod
    def session(self) -> str:
        """The session's name in events."""

    def _note_status(self, status: str) -> None:
        self.statuses.append(
            {"status": status, "timestamp": int(self.simulator.clock() * 1000)}
        )

    def envelope(self, event: str, payload: Any) -> dict[str, Any]:
        """Wrap a payload (DOC)."""
        return {
            "id": f"evt_{uuid4().hex}",
            "timestamp": int(self.simulator.clock() * 1000),
            "session": self.session,
            "metadata": {},
            "engine": self.engine,
            "event": event,
            "payload": payload,
            "me": {
                "id": self.me.chat_id,
                "lid": self.me.lid,
                "pushName": self.me.name,
            },
        }

    @abstractmethod
    def emit(
        self, envelope: dict[str, Any], *, chat: str = ""
    ) -> list[asyncio.Future[None]]:
        """Deliver an envelope."""

    # -------------------------------------------------------------- presence

    def person_word(self, person: Person, state: State) -> str:
        """The one word; typing, recording and paused imply online.

        WEBJS never says paused (DOC), so that a typing that ends reads online.
        """
        if person.online_hidden and state in {State.ONLINE, State.PAUSED}:
            return State.OFFLINE.value
        if state is State.PAUSED and self.engine == "WEBJS":
            return State.ONLINE.value
        return state.value

    def entry(
        self, person: Person, state: State, *, asked: str | None = None
    ) -> dict[str, Any]:
        """One of `presences` (DOC); lastSeen is null unless offline."""
        word = self.person_word(person, state)
        return {
            "participant": self.shown_id(person, asked),
            "lastKnownPresence": word,
            "lastSeen": person.last_seen_shown if word == "offline" else None,
        }

    def member_entry(self, group: Group, member: Person) -> dict[str, Any]:
        """The entry of a group's member: what they do in the group."""
        state = group.states.get(member)
        if state is None:
            state = State.ONLINE if member.online else State.OFFLINE
        return self.entry(member, state)

    def chat_presence(
        self, chat: Chat, *, asked: str | None = None, only: Person | None = None
    ) -> dict[str, Any]:
        """`{"id", "presences"}` (DOC); empty while nothing is known (INF)."""
        if isinstance(chat, Group):
            members = [m for m in chat.members if m.has_data]
            if only is not None:
                members = [only]
            return {
                "id": chat.chat_id,
                "presences": [self.member_entry(chat, m) for m in members]
                if chat.chat_id in self.known
                else [],
            }
        return {
            "id": self.shown_id(chat, asked),
            "presences": [self.entry(chat, chat.state, asked=asked)]
            if chat.has_data and chat.chat_id in self.known
            else [],
        }

    @property
    def emits_presence(self) -> bool:
        """WEBJS emits presence only with tagsEventsOn (DOC)."""
        return self.engine != "WEBJS" or self.quirks.tags_events_on

    @override
    def push_presence(
        self, chat: Chat, member: Person | None
    ) -> list[asyncio.Future[None]]:
        """One event; in a group on GOWS one event a participant (SRC)."""
        if not self.emits_presence or (isinstance(chat, Person) and not chat.has_data):
            return []
        asked = self.asked_id(chat)
        if not isinstance(chat, Group):
            payloads = [self.chat_presence(chat, asked=asked)]
        elif member is not None:
            payloads = [self.chat_presence(chat, only=member)]
        elif self.engine == "GOWS":
            payloads = [
                self.chat_presence(chat, only=m) for m in chat.members if m.has_data
            ]
        else:
            payloads = [self.chat_presence(chat)]
        jobs: list[asyncio.Future[None]] = []
        for payload in payloads:
            for shaped in self.shape(payload):
                envelope = self.envelope("presence.update", shaped)
                for _ in range(self.quirks.copies):
                    jobs += self.emit(envelope, chat=chat.chat_id)
        return jobs

    def shape(self, payload: dict[str, Any]) -> list[dict[str, Any]]:
        """The payload as the gateway writes it; more than one where it must."""
        return [payload]

    # --------------------------------------------------------- ids and groups

    def check_exists(self, phone: str) -> dict[str, Any]:
        """Tell whether a number is on WhatsApp (SRC for the fields)."""
        person = self.look_up(phone)
        return {
            "numberExists": person is not None,
            "chatId": None if person is None else person.chat_id,
        }

    def group_members(self, group: Group) -> list[dict[str, Any]]:
        """List a group's members (SRC for the fields)."""
        lids = self.quirks.participants_as_lids
        return [
            {
                "id": member.lid if lids and member.lid else member.chat_id,
                "pn": member.chat_id,
                "role": "participant",
            }
            for member in group.members
        ]

    # ---------------------------------------------------------------- status

    @override
    async def set_status(self, status: str) -> None:
        self._note_status(status)
        await super().set_status(status)

    @override
    def push_status(self) -> list[asyncio.Future[None]]:
        """session.status (DOC)."""
        return self._emit_status(self.status)

    def _emit_status(self, status: str) -> list[asyncio.Future[None]]:
        return self.emit(
            self.envelope(
                "session.status",
                {
                    "name": self.session,
                    "status": status,
                    "statuses": list(self.statuses),
                },
            )
        )

    @override
    def push_reset(self, lost: list[str]) -> list[asyncio.Future[None]]:
        """Nothing: an engine that lost its connection says so by its status alone."""
        return []

    @override
    async def push_reconnected(self) -> None:
        """The session starts and works again."""
        for status in ("STARTING", "WORKING"):
            self._note_status(status)
            await self.simulator.delivery.settled(self._emit_status(status))
