"""The oracle: compares what Home Assistant shows with what could be known."""

from collections import Counter, deque
from dataclasses import dataclass, field
import logging
from typing import Final, override

from .reference import ANYTHING, UNKNOWN, Message, Receiver

TOLERANCE: Final = 1.0
"""Seconds for which Home Assistant may differ without being wrong."""
OUTAGE_LIMIT: Final = 150.0
"""Seconds until an outage, or its end, must show: two polls and an answer that hangs."""
MISSING_LIMIT: Final = 60.0
RENEWAL: Final = 300.0
RESUBSCRIPTION: Final = 120.0
BUDGET: Final = 30.0
"""Seconds that subscribing nine chats takes at two requests each and one a second."""

UNAVAILABLE: Final = "unavailable"
_EPSILON: Final = 0.01


@dataclass(slots=True)
class Tally:
    """What became of one chat in a run, in seconds and times."""

    events: int = 0
    answers: int = 0
    watched: float = 0.0
    differed: float = 0.0
    doubtful: float = 0.0
    unavailable: float = 0.0
    unsubscribed: float = 0.0


@dataclass(slots=True)
class Watched:
    """A chat that Home Assistant shows, and the receiver that knows better."""

    name: str
    receiver: Receiver
    tally: Tally = field(default_factory=Tally)
    shown: dict[str, str] = field(default_factory=dict)
    dirty: bool = True
    next_change: float = 0.0
    # Of each thing: since when it has differed, and whether that was told.
    differs: dict[str, tuple[float, bool]] = field(default_factory=dict)
    unsubscribed_since: float | None = None
    # When something told that it has to be subscribed again.
    called_at: float = 0.0
    told_unsubscribed: bool = False
    history: deque[str] = field(default_factory=lambda: deque(maxlen=60))

    @property
    def available(self) -> bool:
        """Whether Home Assistant claims to know anything of it."""
        return self.shown.get("online", UNAVAILABLE) != UNAVAILABLE


class Oracle:
    """Collects what is wrong; `problems` is empty after a good run."""

    def __init__(self) -> None:
        """Begin to watch nobody."""
        self.chats: dict[tuple[str, str], Watched] = {}
        self.problems: list[str] = []
        self.counts: Counter[str] = Counter()
        self.now = 0.0
        self.start = 0.0

    def complain(self, kind: str, text: str, chat: Watched | None = None) -> None:
        """Note something that must not be."""
        self.counts[kind] += 1
        if self.counts[kind] > 20:
            return
        if chat is not None and self.counts[kind] <= 5:
            text += "".join(f"\n    {line}" for line in list(chat.history)[-14:])
        self.problems.append(f"{self.clock()} {kind}: {text}")

    def clock(self, now: float | None = None) -> str:
        """The time of the simulated day."""
        seconds = (self.now if now is None else now) - self.start
        return (
            f"{int(seconds // 3600):02}:{int(seconds // 60 % 60):02}:"
            f"{seconds % 60:06.3f}"
        )

    def watch(
        self, account: str, chat_id: str, name: str, *, is_group: bool, settle: float
    ) -> Watched:
        """Begin to watch a chat, or again."""
        key = account, chat_id
        if (chat := self.chats.get(key)) is None:
            receiver = Receiver(is_group=is_group, settle=settle)
            chat = self.chats[key] = Watched(name, receiver)
        chat.receiver.change_settle(settle, self.now)
        return chat

    def note(self, chat: Watched, text: str) -> None:
        """Remember what happened to a chat, for who looks for the cause."""
        chat.history.append(f"{self.clock()} {text}")

    # ------------------------------------------------------ what was delivered

    def hear(self, chat: Watched, message: Message) -> None:
        """An event was delivered."""
        chat.tally.events += 1
        self.note(chat, f"event {_brief(message)} of {self.clock(message.time)}")
        chat.receiver.event(message, self.now)
        chat.dirty = True

    def answered(self, chat: Watched, message: Message | None, asked: float) -> None:
        """A request for the chat was answered."""
        chat.tally.answers += 1
        self.note(chat, f"answer {_brief(message)} asked {self.clock(asked)}")
        if chat.available:
            chat.receiver.answer(message, asked, self.now)
        chat.dirty = True

    # ------------------------------------------------------------- what is shown

    def show(self, chat: Watched, thing: str, state: str) -> None:
        """Home Assistant shows something."""
        chat.shown[thing] = state
        self.note(chat, f"shows {thing} {state}")
        chat.dirty = True
        if thing == "online":
            available = state != UNAVAILABLE
            if chat.receiver.available and not available:
                chat.receiver.lose()
            if available and not chat.receiver.available:
                chat.called_at = self.now
            chat.receiver.available = available
        if state in {UNAVAILABLE, UNKNOWN} or not chat.available:
            return
        for moment in (self.now, self.now - _EPSILON, self.now + _EPSILON):
            allowed = chat.receiver.shown(moment)[thing]
            if allowed is ANYTHING or state in allowed:
                return
        self.complain("wrong state", f"{chat.name} showed {thing} {state}", chat)

    def look(self, chat: Watched, seconds: float) -> None:
        """Compare all that is shown; some seconds have passed since the last look."""
        tally = chat.tally
        if not chat.available:
            tally.unavailable += seconds
            chat.differs.clear()
            chat.dirty = True
            return
        tally.watched += seconds
        if chat.dirty or chat.differs or self.now >= chat.next_change:
            self._compare(chat, seconds)
        if chat.differs:
            tally.differed += seconds

    def _compare(self, chat: Watched, seconds: float) -> None:
        receiver = chat.receiver
        allowed_now = receiver.shown(self.now)
        allowed_before = receiver.shown(self.now - _EPSILON)
        chat.dirty = False
        chat.next_change = receiver.next_change(self.now)
        if allowed_now["online"] is ANYTHING:
            chat.tally.doubtful += seconds
            chat.dirty = True
        for thing in receiver.keys:
            state = chat.shown.get(thing, UNAVAILABLE)
            allowed, earlier = allowed_now[thing], allowed_before[thing]
            if allowed is ANYTHING or earlier is ANYTHING or state in allowed | earlier:
                chat.differs.pop(thing, None)
                continue
            since, told = chat.differs.setdefault(thing, (self.now, False))
            limit = MISSING_LIMIT if state == UNKNOWN else TOLERANCE
            if not told and self.now - since > limit:
                chat.differs[thing] = (since, True)
                kind = "missing state" if state == UNKNOWN else "wrong state"
                self.complain(
                    kind,
                    f"{chat.name} shows {thing} {state} instead of "
                    f"{'/'.join(sorted(allowed))} since {self.clock(since)}",
                    chat,
                )


def _brief(message: Message | None) -> str:
    if message is None:
        return "nothing"
    if not message.has_data:
        return "no data"
    own = message.own
    return " ".join(
        [
            *([f"{own.online} {own.activity}"] if own else []),
            *(f"{m[-9:]}={s.online} {s.activity}" for m, s in message.members.items()),
            *(f"{m[-9:]}={what}" for m, what in (message.doing or {}).items()),
        ]
    )


class LogWatch(logging.Handler):
    """Counts what is logged, and keeps what should not be."""

    def __init__(self, oracle: Oracle, package: str) -> None:
        """Listen for a package's lines, and for anybody's exceptions."""
        super().__init__(logging.INFO)
        self.oracle = oracle
        self.package = package
        self.lines: list[tuple[float, int, str]] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        ours = record.name.startswith(self.package)
        if ours:
            text = record.getMessage()
            self.lines.append((self.oracle.now, record.levelno, text))
        if isinstance((record.exc_info or (0, 0))[1], ConnectionResetError):
            # The simulator's own: whom it answers late has hung up.
            return
        if record.exc_info or (record.levelno >= logging.ERROR and not ours):
            self.oracle.complain(
                "exception",
                f"{record.name}: {record.getMessage()[:300]} {record.exc_info}",
            )

    def between(self, start: float, end: float, word: str) -> list[tuple[int, str]]:
        """The lines about somebody in a time."""
        return [
            (level, text)
            for time, level, text in self.lines
            if start <= time <= end and word in text
        ]


def growth(samples: list[int]) -> float:
    """By which part a measure grew, from the second quarter of a run to its end."""
    if len(samples) < 4:
        return 0.0
    quarter = max(len(samples) // 4, 1)
    early = sorted(samples[quarter : 2 * quarter])
    late = sorted(samples[-quarter:])
    return late[len(late) // 2] / early[len(early) // 2] - 1
