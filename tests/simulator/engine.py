"""What WAHA and Wawp truly share: the engine's words, shapes and habits.

Wawp runs on WAHA, so both tell presence in one word a person, wrapped in the
same envelope (DOC for WAHA, DOC and OBS for Wawp), remember it and announce the
account alike (RUN, SRC for WAHA; INF for Wawp). How they are asked, how they refuse
and how they deliver is each one's own.
"""

from abc import abstractmethod
import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, override
from uuid import uuid4

from .announcing import Announcer
from .directory import Directory
from .hearing import Hearing
from .memory import Memory
from .world import Account, Chat, Person, Quirks

if TYPE_CHECKING:
    from .server import Simulator

ENGINES: Final = frozenset({"WEBJS", "WPP", "NOWEB", "GOWS"})
VERSION: Final = "2026.9.1"

# README 5: these are the servers of an id that WhatsApp knows.
SERVERS: Final = frozenset({"c.us", "s.whatsapp.net", "g.us", "lid"})

# Seconds that a call waits for a session that is not WORKING (RUN).
WAIT_STARTING: Final = 10.0
WAIT_STOPPED: Final = 5.0
# Seconds that a GET waits for the first word of a chat (RUN, SRC).
WAIT_FIRST: Final = {"NOWEB": 1.0, "WPP": 1.0, "GOWS": 1.0, "WEBJS": 3.0}
# Seconds from one try to connect to the next, and what a try takes (RUN).
RETRY: Final = 2.0
CONNECTING: Final = 0.1
# For so long nobody notices that WhatsApp is lost (RUN).
UNNOTICED: Final = 2.0


class ConnectionLostError(Exception):
    """WhatsApp was lost just now, and the session does not know it yet."""


class NotWorkingError(Exception):
    """The session did not come to work within the time that a call waits."""


@dataclass(slots=True)
class EngineQuirks(Quirks):
    """What the engines beneath do differently."""

    # DOC: WEBJS emits presence only with config.webjs.tagsEventsOn. WAHA's default
    # is off; Wawp configures its own sessions.
    tags_events_on: bool = True
    # DOC: NOWEB lists chats and lids only with config.noweb.store.enabled. WAHA's
    # default is off; the other engines have it always.
    store: bool = True
    # Send each event this many times, under the same id (OBS: events repeat).
    copies: int = 1
    # SRC: on GOWS `lastKnownPresence` may be missing; of these words it is.
    wordless: frozenset[str] = frozenset()
    # SRC: WAHA_PRESENCE_AUTO_ONLINE.
    auto_online: bool = True


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
        self.announcer = Announcer(simulator.clock)
        self.hearing = Hearing(self)
        self.directory = Directory(self)
        # RUN: the session's last three.
        self.statuses: deque[dict[str, Any]] = deque(maxlen=3)
        self._started = int(simulator.clock() * 1000)
        self._knows_itself = self.ready
        # WhatsApp is lost, and the session does not know it yet.
        self.cut = False
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
        """Wrap a payload (DOC); `me` is null until the session worked (RUN)."""
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
            }
            if self._knows_itself
            else None,
        }

    @abstractmethod
    def emit(
        self, envelope: dict[str, Any], *, chat: str = ""
    ) -> list[asyncio.Future[None]]:
        """Deliver an envelope."""

    # ----------------------------------------------------------------- asking

    def activity(self, call: str, *, always: bool = False) -> None:
        """Note a call that asks WhatsApp, which shows the account online (SRC)."""
        self.announcer.auto_online = self.quirks.auto_online
        self.announcer.activity(call, always=always)
        for person in self.people.values():
            if person.online:
                self.announcer.seen_by(person.chat_id)

    async def come_to_work(self) -> None:
        """Wait for a session that is not WORKING, as each call does (RUN).

        Raises NotWorkingError after 5 s, 10 s while it is STARTING, and
        ConnectionLostError while nobody has noticed that WhatsApp is gone.
        """
        if not self.ready:
            limit = WAIT_STARTING if self.status == "STARTING" else WAIT_STOPPED
            if not await self.simulator.clock.wait(self.working, limit):
                raise NotWorkingError
        if self.cut:
            raise ConnectionLostError

    def ask_to_subscribe(self, chat_id: str) -> None:
        """POST subscribe: for any text, and without a word of the state (RUN)."""
        self.activity("subscribe")
        self.subscribe(chat_id)

    async def ask_presence(self, chat_id: str) -> dict[str, Any]:
        """GET presence/{chatId}: subscribes too, then tells what is remembered.

        RUN: 1 s of a chat never heard; SRC: GOWS 1 s each time, WEBJS 3 s. WEBJS
        announces the account even if that is switched off (SRC).
        """
        self.activity("presence", always=self.engine == "WEBJS")
        self.subscribe(chat_id)
        if self.simulator.kindness.live_answers:
            if (chat := self.find(chat_id)) is None:
                return {"id": chat_id, "presences": []}
            return self.hearing.live(chat, asked=chat_id)
        if self.engine == "GOWS" or not self.hearing.recall(chat_id):
            await self.simulator.clock.delay(WAIT_FIRST[self.engine])
        return {"id": chat_id, "presences": self.hearing.recall(chat_id)}

    def ask_presences(self) -> list[dict[str, Any]]:
        """GET presence: all that is remembered.

        It subscribes to nothing and announces nothing (SRC).
        """
        return self.hearing.everything()

    def announce(self, online: bool) -> None:
        """POST presence: the account's own word (DOC)."""
        self.own_presence = "online" if online else "offline"
        self.own_presence_calls += 1

    @override
    def announced(self) -> None:
        self.announcer.set_own(self.own_presence == "online")

    @property
    @override
    def available(self) -> bool:
        """Whether the account's own announcement stands."""
        if self.simulator.kindness.own_presence_kept:
            return super().available
        return self.announcer.own

    @property
    @override
    def shown_online(self) -> bool:
        return self.available or self.announcer.announced

    # -------------------------------------------------------------- presence

    @override
    def tells_of(self, person: Person) -> bool:
        return self.hearing.tells_of(person)

    @property
    def memory(self) -> Memory:
        """What is remembered of presences."""
        return self.hearing.memory

    @property
    def picture_requests(self) -> int:
        """How many times WhatsApp was asked for a picture."""
        return self.directory.picture_requests

    @property
    def emits_presence(self) -> bool:
        """WEBJS emits presence only with tagsEventsOn (DOC)."""
        return self.engine != "WEBJS" or self.quirks.tags_events_on

    @override
    def push_presence(
        self, chat: Chat, member: Person | None
    ) -> list[asyncio.Future[None]]:
        """Hear what WhatsApp says, remember it, and tell it."""
        payloads = self.hearing.hear(chat, member)
        if not self.emits_presence:
            return []
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

    # ---------------------------------------------------------------- status

    @override
    async def set_status(self, status: str) -> None:
        if status not in self.status_words:
            raise ValueError(f"no status of {self.gateway}: {status}")
        self._note_status(status)
        self.cut = False
        if status in {"STOPPED", "FAILED"}:
            # The session is over, and what it remembered.
            self._knows_itself = False
            if self.engine != "GOWS":
                self.memory.wipe()
        await super().set_status(status)
        self._knows_itself = self._knows_itself or self.ready

    @override
    def push_status(self) -> list[asyncio.Future[None]]:
        """session.status (DOC)."""
        return self.emit(
            self.envelope(
                "session.status",
                {
                    "name": self.session,
                    "status": self.status,
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
        """The session starts and works again; the shortest outage (RUN: 0.1 s)."""
        await self._step("STARTING")
        await self._step("WORKING")

    async def _step(self, status: str) -> None:
        """Change the status alone, and say so."""
        self.status = status
        self._note_status(status)
        jobs = self.push_status()
        self._knows_itself = self._knows_itself or self.ready
        await self.simulator.delivery.settled(jobs)

    async def outage(self, seconds: float) -> None:
        """Lose WhatsApp for some seconds; returns when the session works again.

        RUN: for some 2 s the session still says WORKING while calls answer 500; then
        STARTING every 2 s, and WORKING, up to 2 s late. All subscriptions are lost.
        """
        clock = self.simulator.clock
        over = clock.now() + seconds
        self.cut = True
        self.lose_subscriptions()
        await clock.sleep(min(seconds, UNNOTICED))
        self.cut = False
        while clock.now() < over:
            await self._step("STARTING")
            await clock.sleep(RETRY)
        await self._step("STARTING")
        await clock.sleep(CONNECTING)
        await self._step("WORKING")
