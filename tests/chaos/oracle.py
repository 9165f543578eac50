"""The oracle: compares what Home Assistant shows with what could be known."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
import logging
from typing import Final, override

from .law import ANYTHING, UNKNOWN, Receiver
from .reference import Message

TOLERANCE: Final = 1.0
"""Seconds for which Home Assistant may differ without being wrong."""
MISSING_LIMIT: Final = 60.0
WRITTEN: Final = 31.0
"""Seconds until a last-seen must be where a power cut leaves it."""

UNAVAILABLE: Final = "unavailable"
LAST_SEEN: Final = "last_seen"
KINDS: Final = ("online", "offline", "typing", "recording")
_EPSILON: Final = 0.01

# What a state says that nothing may support.
_SAYS: Final = {
    ("online", "on"): "online",
    ("online", "off"): "offline",
    ("typing", "on"): "typing",
    ("activity", "typing"): "typing",
    ("activity", "recording"): "recording",
}


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
    # Of each kind: for how long it was shown although nothing supported it.
    unsupported: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(KINDS, 0.0)
    )
    fired: int = 0
    fired_without_cause: int = 0
    resets: int = 0
    resets_without_cause: int = 0


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
    # What was shown as last seen, and since when; what must be after a power cut.
    last_seen: deque[tuple[float, str]] = field(
        default_factory=lambda: deque(maxlen=40)
    )
    last_seen_due: str | None = None
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
        # Whether an account's chats may be unavailable now.
        self.may_be_away: Callable[[str], bool] = lambda _: True

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
        self,
        account: str,
        chat_id: str,
        name: str,
        *,
        is_group: bool,
        settle: float,
        live: bool = True,
    ) -> Watched:
        """Begin to watch a chat, or again."""
        key = account, chat_id
        if (chat := self.chats.get(key)) is None:
            receiver = Receiver(is_group=is_group, settle=settle, live=live)
            chat = self.chats[key] = Watched(name, receiver)
        chat.receiver.change_settle(settle, self.now)
        return chat

    def of(self, account: str) -> list[Watched]:
        """The chats of an account."""
        return [chat for (owner, _), chat in self.chats.items() if owner == account]

    def note(self, chat: Watched, text: str) -> None:
        """Remember what happened to a chat, for who looks for the cause."""
        chat.history.append(f"{self.clock()} {text}")

    # ------------------------------------------------------ what was delivered

    def hear(self, chat: Watched, message: Message, *, unsure: bool = False) -> None:
        """An event was delivered."""
        chat.tally.events += 1
        when = "" if message.time is None else f" of {self.clock(message.time)}"
        self.note(chat, f"event {_brief(message)}{when}")
        chat.receiver.event(message, self.now, unsure=unsure)
        chat.dirty = True

    def answered(
        self,
        chat: Watched,
        message: Message | None,
        asked: float,
        under: str | None = None,
    ) -> None:
        """A request for the chat was answered."""
        chat.tally.answers += 1
        self.note(chat, f"answer {_brief(message)} asked {self.clock(asked)}")
        chat.receiver.answer(message, asked, self.now, under)
        chat.dirty = True

    def tried(self, chat: Watched, *, accepted: bool, looks: bool = False) -> None:
        """A renewal was accepted, or not; looks: it may have been none."""
        self.note(chat, "subscribed" if accepted else "could not be subscribed")
        chat.receiver.tried(self.now, accepted=accepted, looks=looks)
        chat.dirty = True

    def waits(self, chat: Watched) -> None:
        """A chat was looked at in vain, or waits because the gateway wants a pause."""
        chat.receiver.waited(self.now)
        chat.dirty = True

    def away(self, account: str, *, told: bool) -> None:
        """An account is lost, or a call fails that tells whether it is."""
        for chat in self.of(account):
            chat.receiver.away(self.now, told=told)
            chat.dirty = True

    def back(self, account: str, *, told: bool) -> None:
        """An account is there again, and its chats have to be subscribed again."""
        for chat in self.of(account):
            self.note(chat, "ready again" if told else "perhaps lost and back")
            chat.receiver.back(self.now, told=told)
            chat.dirty = True
            if told:
                chat.called_at = self.now

    # ------------------------------------------------------------- what is shown

    def show(self, account: str, chat: Watched, thing: str, state: str) -> None:
        """Home Assistant shows something."""
        before = chat.shown.get(thing, UNAVAILABLE)
        chat.shown[thing] = state
        if thing == LAST_SEEN:
            self._see(chat, before, state)
            return
        if state == before:
            return
        self.note(chat, f"shows {thing} {state}")
        chat.dirty = True
        if thing == "online":
            self._come_and_go(account, chat, before, state)
        elif before not in {UNAVAILABLE, UNKNOWN} and state == UNKNOWN:
            self._reset(chat, thing, self._allows(chat, thing, state))
        if state in {UNAVAILABLE, UNKNOWN} or not chat.available:
            return
        if not self._allows(chat, thing, state):
            self.complain("wrong state", f"{chat.name} showed {thing} {state}", chat)

    def _allows(self, chat: Watched, thing: str, state: str) -> bool:
        for moment in (self.now, self.now - _EPSILON, self.now + _EPSILON):
            allowed = chat.receiver.shown(moment)[thing]
            if allowed is ANYTHING or state in allowed:
                return True
        return False

    def _come_and_go(
        self, account: str, chat: Watched, before: str, state: str
    ) -> None:
        known = before not in {UNAVAILABLE, UNKNOWN}
        if known and state == UNAVAILABLE:
            self._reset(chat, "online", self.may_be_away(account))
        elif known and state == UNKNOWN:
            self._reset(chat, "online", self._allows(chat, "online", state))
        available = state != UNAVAILABLE
        if chat.receiver.available and not available:
            chat.receiver.lose()
        if available and not chat.receiver.available:
            chat.called_at = self.now
        chat.receiver.available = available

    def _reset(self, chat: Watched, thing: str, caused: bool) -> None:
        """A state that was known is not any more: whatever waits on it starts anew."""
        chat.tally.resets += 1
        if not caused:
            chat.tally.resets_without_cause += 1
            self.complain(
                "timer reset without cause",
                f"{chat.name} {thing} became {chat.shown[thing]}",
                chat,
            )

    def fired(self, chat: Watched, trigger: str) -> None:
        """One of the integration's triggers fired for a chat."""
        chat.tally.fired += 1
        self.note(chat, f"fired {trigger}")
        if not chat.receiver.caused(trigger, self.now):
            chat.tally.fired_without_cause += 1
            self.complain("fired without cause", f"{chat.name} {trigger}", chat)

    # ---------------------------------------------------------------- last seen

    def _see(self, chat: Watched, before: str, state: str) -> None:
        if state == UNAVAILABLE:
            return
        if state == UNKNOWN:
            if before not in {UNAVAILABLE, UNKNOWN} or chat.last_seen_due is not None:
                chat.last_seen_due = None
                self.complain("last seen lost", f"{chat.name}, was {before}", chat)
            # Once it is gone with reason, it need not come back.
            chat.last_seen.clear()
            return
        if chat.last_seen_due is not None and state < chat.last_seen_due:
            self.complain(
                "last seen lost",
                f"{chat.name} shows {state}, not {chat.last_seen_due}",
                chat,
            )
        chat.last_seen_due = None
        chat.last_seen.append((self.now, state))

    def cut(self, account: str) -> None:
        """The power was cut: what was shown long enough must be there afterwards."""
        for chat in self.of(account):
            due = [s for time, s in chat.last_seen if time <= self.now - WRITTEN]
            # The gateway's word may go back, should its clock be set.
            chat.last_seen_due = min(due[-1], chat.last_seen[-1][1]) if due else None

    # -------------------------------------------------------------- comparisons

    def look(self, chat: Watched, seconds: float, *, away: bool = False) -> None:
        """Compare all that is shown; some seconds have passed since the last look.

        `away`: the account has been away for longer than anything may be shown.
        """
        tally = chat.tally
        if not chat.available:
            tally.unavailable += seconds
            chat.differs.clear()
            chat.dirty = True
            return
        tally.watched += seconds
        if away:
            for thing, state in chat.shown.items():
                if kind := _SAYS.get((thing, state)):
                    tally.unsupported[kind] += seconds
        if chat.dirty or chat.differs or self.now >= chat.next_change:
            self._compare(chat, seconds)
        if chat.differs:
            tally.differed += seconds

    def _compare(self, chat: Watched, seconds: float) -> None:
        receiver = chat.receiver
        allowed_now = receiver.shown(self.now)
        allowed_before = receiver.shown(self.now - _EPSILON)
        # Just now both were right; the next look is stricter.
        chat.dirty = allowed_now != allowed_before
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
            kind = _SAYS.get((thing, state))
            if told and kind:
                chat.tally.unsupported[kind] += seconds
            limit = MISSING_LIMIT if state == UNKNOWN else TOLERANCE
            if told or self.now - since <= limit:
                continue
            chat.differs[thing] = (since, True)
            if kind:
                chat.tally.unsupported[kind] += self.now - since
            self.complain(
                "missing state"
                if state == UNKNOWN
                else "unsupported state"
                if kind
                else "wrong state",
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

    def __init__(
        self, oracle: Oracle, package: str, muted: Callable[[], bool] = lambda: False
    ) -> None:
        """Listen for a package's lines, and for anybody's exceptions."""
        super().__init__(logging.INFO)
        self.muted = muted
        self.oracle = oracle
        self.package = package
        self.lines: list[tuple[float, int, str]] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        if self.muted():
            return
        ours = record.name.startswith(self.package)
        if ours:
            text = record.getMessage()
            self.lines.append((self.oracle.now, record.levelno, text))
        if isinstance((record.exc_info or (0, 0))[1], ConnectionResetError):
            # The simulator's own: whom it answers late has hung up.
            return
        if record.name == "homeassistant.components.camera.img_util":
            # It is loaded along, and the machine may lack a library of its.
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
