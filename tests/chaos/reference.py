"""A perfect receiver: what can be known of a chat from what was delivered, and no more.

Written from the design's "What the states mean", and from the vendors' contracts for
the bodies; it shares nothing with the integration. It keeps every word that still
matters and works out what is to be shown at a moment, where the integration keeps
what it shows and when that ends.

Sometimes nobody can know: an answer and an event crossed, or an event came late by
less than clocks can tell. Such a voice is in doubt until it is heard again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
import json
from typing import Any, Final

TYPING_TIMEOUT: Final = 30.0
LATE_LIMIT: Final = 600.0
PRECISION: Final = 0.005
"""Seconds: events tell their time in whole milliseconds."""
NEVER: Final = float("inf")

# Far more than can be late.
REMEMBERED: Final = 300

UNKNOWN: Final = "unknown"
ANYTHING: Final = None

type Settle = Callable[[float], float]
"""For how long a fall must last that began at a moment."""

type Shown = dict[str, set[str] | None]
"""What may be shown of each thing; None: nobody can know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a body says of one person, or of a group as a whole."""

    online: bool | None = None
    activity: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a body says of a chat; `own` is None if it names members alone."""

    chat: str
    has_data: bool = True
    own: Said | None = None
    members: dict[str, Said] = field(default_factory=dict)
    # Everybody who types or records in a group; the others do not.
    doing: dict[str, str] | None = None
    event_id: str | None = None
    time: float | None = None


def read_body(gateway: str, raw: bytes) -> tuple[Message | None, str | None]:
    """Read what was delivered: what is said of a chat, or the instance's new status."""
    body = json.loads(raw)
    if gateway == "waapi":
        if body["event"] == "presence_update":
            return read_waapi(body["data"]["presence"]), None
        if body["event"] == "change_state":
            return None, body["data"]["state"].lower()
        return None, body["event"]
    if body["event"] == "presence.update":
        return (
            read_engine(body["payload"], body["id"], body["timestamp"] / 1000),
            None,
        )
    return None, body["payload"]["status"].lower()


def read_answer(gateway: str, raw: bytes) -> Message | None:
    """Read the answer to a request for a chat; None if it says nothing."""
    body = json.loads(raw)
    if gateway == "waapi":
        presence = body["data"]["data"]["presence"]
        return None if presence is None else read_waapi(presence)
    return read_engine(body, None, None) if body["presences"] else None


def read_waapi(presence: dict[str, Any]) -> Message:
    """Read WaAPI's presence object (DOC)."""
    chat = presence["id"]
    if not presence["hasData"]:
        return Message(chat=chat, has_data=False)
    online = presence["isOnline"]
    if presence["isGroup"]:
        doing = dict.fromkeys(presence["recordingParticipants"], "recording")
        doing |= dict.fromkeys(presence["typingParticipants"], "typing")
        return Message(chat=chat, own=Said(online=online), doing=doing)
    activity = {"typing": "typing", "recording_audio": "recording"}.get(
        presence["chatstate"], "idle"
    )
    return Message(chat=chat, own=Said(online=online, activity=activity))


def read_engine(
    payload: dict[str, Any], event_id: str | None, time: float | None
) -> Message:
    """Read WAHA's and Wawp's list of presences (DOC)."""
    said = {
        entry["participant"]: Said(
            online=entry["lastKnownPresence"] != "offline",
            activity=entry["lastKnownPresence"]
            if entry["lastKnownPresence"] in {"typing", "recording"}
            else "idle",
        )
        for entry in payload["presences"]
    }
    if payload["id"].endswith("@g.us"):
        return Message(chat=payload["id"], members=said, event_id=event_id, time=time)
    own = next(iter(said.values()), None)
    return Message(chat=payload["id"], own=own, event_id=event_id, time=time)


class Voice:
    """All that was heard of one person, as far as it still matters."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self.onlines: list[tuple[float, bool]] = []
        self.activities: list[tuple[float, str]] = []
        self.newest = 0.0
        self.heard = 0.0
        self.asked = 0.0
        self.in_doubt = False
        # It may have been taken back meanwhile.
        self.shaken = False

    @property
    def speaks(self) -> bool:
        """Whether anything is known of them."""
        return bool(self.onlines or self.activities)

    def silence(self) -> None:
        """Take back what was said, but not when."""
        self.onlines.clear()
        self.activities.clear()
        self.in_doubt = self.shaken = False

    def say(self, said: Said, now: float) -> None:
        """Keep a word."""
        self.in_doubt = self.shaken = False
        if said.online is not None:
            self.onlines.append((now, said.online))
            # Two falls in a row are one; so are two rises.
            if len(self.onlines) > 2 and len({w for _, w in self.onlines[-3:]}) == 1:
                del self.onlines[-2]
            del self.onlines[:-6]
        activity = said.activity
        if activity is None and said.online is False:
            activity = "idle"
        if activity is not None:
            words = self.activities
            words.append((now, activity))
            if len(words) > 2 and [w for _, w in words[-3:]] == ["idle"] * 3:
                del words[-2]
            del words[:-6]

    def disagrees(self, said: Said) -> bool:
        """Whether a word is another one than the last."""
        last_online = self.onlines[-1][1] if self.onlines else None
        last_activity = self.activities[-1][1] if self.activities else None
        return said.online not in {None, last_online} or said.activity not in {
            None,
            last_activity,
        }

    def online(self, now: float, settle: Settle) -> bool | None:
        """Whether somebody is shown online: rises at once, falls when they lasted."""
        if not self.onlines:
            return None
        if self.onlines[-1][1]:
            return True
        began, risen = _last_run(self.onlines)
        return risen is not None and now < began + settle(began)

    def activity(self, now: float, settle: Settle) -> str | None:
        """What somebody is shown doing."""
        if not self.activities:
            return None
        last_time, last = self.activities[-1]
        if last != "idle":
            return last if now < last_time + TYPING_TIMEOUT else "idle"
        began, before = _last_run(self.activities)
        if before is None:
            return "idle"
        active_time, active = before
        return (
            active
            if now < min(active_time + TYPING_TIMEOUT, began + settle(began))
            else "idle"
        )

    def ends(self, settle: Settle) -> Iterator[float]:
        """When something may be shown otherwise although nothing is said."""
        if self.onlines and not self.onlines[-1][1]:
            began = _last_run(self.onlines)[0]
            yield began + settle(began)
        if self.activities:
            last_time, last = self.activities[-1]
            if last != "idle":
                yield last_time + TYPING_TIMEOUT
            else:
                began, before = _last_run(self.activities)
                yield began + settle(began)
                if before is not None:
                    yield before[0] + TYPING_TIMEOUT


def _last_run[T](
    words: list[tuple[float, T]],
) -> tuple[float, tuple[float, T] | None]:
    """When the run of equal words at the end began, and the word before it."""
    last = words[-1][1]
    began = words[-1][0]
    for time, word in reversed(words):
        if word != last:
            return began, (time, word)
        began = time
    return began, None


class Receiver:
    """Knows of one chat what can be known."""

    def __init__(self, *, is_group: bool, settle: float) -> None:
        """Begin with nothing known."""
        self.is_group = is_group
        self._settles = [(0.0, settle)]
        self.available = False
        self.restart()

    def settle(self, began: float) -> float:
        """How long a fall must last that began at a moment."""
        return next(
            (settle for since, settle in reversed(self._settles) if since <= began),
            self._settles[0][1],
        )

    def change_settle(self, settle: float, now: float) -> None:
        """Let the falls that begin from now on last as long as this."""
        self._settles = [*self._settles[-20:], (now, settle)]

    def restart(self) -> None:
        """Begin anew, without a memory."""
        self._own = Voice()
        self._members: dict[str, Voice] = {}
        self._known_activity = False
        self._event_ids: dict[str, None] = {}
        self._transit = NEVER

    def _voices(self) -> list[Voice]:
        return [self._own, *self._members.values()]

    def lose(self) -> None:
        """The instance was lost, and with it all that was known."""
        for voice in self._voices():
            voice.silence()
        self._known_activity = False

    def shake(self) -> None:
        """The gateway may have forgotten the chat; what is known may hold or not."""
        for voice in self._voices():
            voice.shaken = voice.speaks

    def event(self, message: Message, now: float) -> None:
        """Hear an event."""
        if message.event_id is not None:
            if message.event_id in self._event_ids:
                return
            self._event_ids[message.event_id] = None
            if len(self._event_ids) > REMEMBERED:
                del self._event_ids[next(iter(self._event_ids))]
        if message.time is not None:
            self._transit = min(self._transit, now - message.time)
        if not message.has_data:
            if self._is_news(self._own, Said(), message, now):
                self.lose()
            return
        for voice, said in self._addressed(message):
            if self._is_news(voice, said, message, now):
                voice.heard = now
                voice.say(said, now)
                # It may go down with the instance that it came from.
                voice.shaken = not self.available

    def _is_news(self, voice: Voice, said: Said, message: Message, now: float) -> bool:
        if (time := message.time) is None:
            return True
        if time < voice.newest <= time + LATE_LIMIT:
            return False
        if time < voice.asked:
            # A receiver has the gateway's clock from the quickest event alone.
            sure = time + self._transit + PRECISION < voice.asked
            if not sure and voice.disagrees(said):
                voice.in_doubt = True
            return False
        voice.newest = time
        return True

    def answer(self, message: Message | None, asked: float, now: float) -> None:
        """Hear an answer to a request made at a time; None: it said nothing."""
        if message is None:
            for voice in self._voices():
                if voice.shaken and voice.heard <= asked:
                    voice.silence()
            return
        if not message.has_data:
            if self._own.heard <= asked:
                self.lose()
            else:
                self.shake()
            return
        for voice, said in self._addressed(message):
            if voice.heard > asked or voice.asked > asked:
                # They crossed; who is right?
                voice.in_doubt |= voice.disagrees(said)
                continue
            voice.asked = asked
            voice.say(said, now)

    def _addressed(self, message: Message) -> list[tuple[Voice, Said]]:
        """Who is spoken of, and what is said of them."""
        addressed: list[tuple[Voice, Said]] = []
        if message.own is not None:
            addressed.append((self._own, message.own))
        for member, said in message.members.items():
            addressed.append((self._members.setdefault(member, Voice()), said))
            self._known_activity = True
        if message.doing is not None:
            self._known_activity = True
            for member in {*message.doing, *self._members}:
                voice = self._members.setdefault(member, Voice())
                doing = message.doing.get(member, "idle")
                addressed.append((voice, Said(activity=doing)))
        return addressed

    def shown(self, now: float) -> Shown:
        """What a perfect receiver shows at a moment; all that is defensible."""
        voices = self._voices()
        if any(voice.in_doubt for voice in voices):
            return dict.fromkeys(self.keys, ANYTHING)
        shown = self._shown(voices, now, known_activity=self._known_activity)
        sure = [voice for voice in voices if not voice.shaken]
        if len(sure) == len(voices):
            return {thing: {state} for thing, state in shown.items()}
        # What was perhaps taken back may be gone for all of them, or for some.
        readings = [
            self._shown(sure, now, known_activity=self._known_activity),
            self._shown(sure, now, known_activity=False),
            shown,
        ]
        if self.is_group and len(voices) - len(sure) > 1:
            return dict.fromkeys(self.keys, ANYTHING)
        return {thing: {reading[thing] for reading in readings} for thing in shown}

    def _shown(
        self, voices: list[Voice], now: float, *, known_activity: bool
    ) -> dict[str, str]:
        """What is shown of these voices."""
        onlines = {voice.online(now, self.settle) for voice in voices}
        doing = [voice.activity(now, self.settle) for voice in voices]
        if known_activity:
            doing.append("idle")
        known = set(doing) != {None} and bool(doing)
        online = True if True in onlines else False if False in onlines else None
        shown = {
            "online": _word(online),
            "typing": _word("typing" in doing if known else None),
            "activity": next(
                (w for w in ("typing", "recording", "idle") if w in doing), UNKNOWN
            ),
        }
        if self.is_group:
            shown["typing_members"] = str(doing.count("typing")) if known else UNKNOWN
        return shown

    @property
    def keys(self) -> tuple[str, ...]:
        """What is shown of the chat."""
        keys = ("online", "typing", "activity")
        return (*keys, "typing_members") if self.is_group else keys

    def next_change(self, now: float) -> float:
        """When something may be shown otherwise although nothing is said."""
        return min(
            (
                end
                for voice in self._voices()
                for end in voice.ends(self.settle)
                if end > now
            ),
            default=NEVER,
        )


def _word(value: bool | None) -> str:
    return UNKNOWN if value is None else "on" if value else "off"
