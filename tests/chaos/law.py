"""What may be shown of a chat: a perfect receiver of what was said.

Written from the design's "What the states mean", it shares nothing with the
integration. It keeps every word that still matters and works out what may be shown at
a moment, where the integration keeps what it shows and when that ends.

Of each thing there is a set of states that may be shown. It has more than one where
the law leaves a choice (a renewal may come now or in a minute), or where nobody can
know: an answer and an event crossed, or an event came while the account was away. It
is ANYTHING for a voice that is in doubt until it is heard again.

All times are seconds of the run's own clock, which nobody sets.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from .reference import Message, Said

TYPING_TIMEOUT: Final = 30.0
IMPLIED: Final = 300.0
"""Seconds after its last sign when an implied online lapses."""
SAID: Final = 1800.0
RENEWALS: Final = 3
"""A said online lapses after so many seconds, and so many renewals without an event."""
NOTICED: Final = 80.0
"""Seconds until a poll notices, the longest wait for an answer included."""
GRACE: Final = 120.0
"""Seconds for which all stays as it is while an account is away."""
CONFIRM: Final = 120.0
"""Seconds after a subscription in which an online must be confirmed that rests on an
answer, or on what was known before a reconnect."""
ACCEPTED: Final = 3.0
"""Seconds after the subscription when a first offline shows."""
FAILURES: Final = 3
FAILING: Final = 600.0
"""So many failed renewals in a row, spanning so many seconds, and nothing is known."""

EXACT: Final = 2.0
"""Seconds that a timer may be late."""
LOOSE: Final = 120.0
"""Seconds that something may be late which is done when a round or a poll comes by."""
FAILURES_AT_MOST: Final = 5
FAILING_AT_MOST: Final = 1500.0
SOON: Final = 60.0
"""Seconds until what is known must be shown."""
CAUSE: Final = 1.5
"""Seconds from a cause to its trigger."""
PRECISION: Final = 0.005
"""Seconds: events tell their time in whole milliseconds."""
NEVER: Final = float("inf")
REMEMBERED: Final = 300

UNKNOWN: Final = "unknown"
ANYTHING: Final = None
LAPSED: Final = "lapsed"

type Online = bool | str | None
"""True and False as they are shown; None: nothing was ever said; LAPSED."""

type Settle = Callable[[float], float]
"""For how long a fall must last that began at a moment."""

type Shown = dict[str, set[str] | None]
"""What may be shown of each thing; None: nobody can know."""


@dataclass(slots=True)
class Loss:
    """The account was away for a time; told: Home Assistant heard of it at once."""

    since: float
    told: bool
    until: float = NEVER


@dataclass(slots=True)
class Standing:
    """What keeps a word of the chat: how it is subscribed, and what was asked."""

    # When renewals were accepted, and when they were tried.
    accepted: deque[float] = field(default_factory=lambda: deque(maxlen=12))
    tried: deque[float] = field(default_factory=lambda: deque(maxlen=24))
    # Those of the accepted that were sure to be renewals: who asks an engine for what it
    # remembers subscribes as well, but may have meant to look alone.
    renewed: deque[float] = field(default_factory=lambda: deque(maxlen=12))
    # Failures in a row, without an event.
    failed: list[float] = field(default_factory=list)
    # When others failed that let this chat wait, or it was looked at in vain: who takes
    # these for failures may.
    vain: list[float] = field(default_factory=list)
    # When the account was back after it had been lost, and whether that was told.
    backs: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=12))
    # When it was lost, and when it was back; until the grace is over all may stay.
    losses: deque[Loss] = field(default_factory=lambda: deque(maxlen=12))
    last_event: float = -NEVER
    # When this machine's clock was set, and by how much: what was heard before may
    # age by so much sooner or later.
    steps: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=8))

    def kept_until(self, sign: float, moment: float) -> float:
        """Until when what would end at a moment may be kept by a loss before it.

        `sign` is when it was last heard of.
        """
        for loss in self.losses:
            if not sign <= loss.since <= moment:
                continue
            if loss.until == NEVER:
                noticed = loss.since + (0 if loss.told else NOTICED)
                moment = max(moment, noticed + GRACE + EXACT)
                continue
            since = self.subscribed_since(loss.until)
            # Else it waits for its turn.
            moment = NEVER if since is None else max(moment, since + CONFIRM + EXACT)
        return moment

    def stepped(self, since: float) -> tuple[float, float]:
        """By how much ages may be too short and too long that began at a moment."""
        steps = [step for time, step in self.steps if time >= since]
        forth = sum(step for step in steps if step > 0)
        return forth, -sum(step for step in steps if step < 0)

    @property
    def back(self) -> float:
        """When the account was back last."""
        return self.backs[-1][0] if self.backs else -NEVER

    def subscribed_since(self, moment: float) -> float | None:
        """When the chat was first subscribed after a moment."""
        return next((time for time in self.accepted if time >= moment), None)

    @property
    def may_be_lost(self) -> bool:
        """Whether enough requests failed for nothing to be known."""
        failed = sorted(self.failed + self.vain)
        return self._fails(failed, FAILURES, FAILING - SOON)

    @property
    def must_be_lost(self) -> bool:
        """Whether far more than enough failed."""
        return self._fails(self.failed, FAILURES_AT_MOST, FAILING_AT_MOST)

    def served(self) -> None:
        """Note that a request was served, or that an event came."""
        self.failed.clear()
        self.vain.clear()

    def _fails(self, failed: list[float], count: int, span: float) -> bool:
        if len(failed) < count:
            return False
        sooner, later = self.stepped(failed[0])
        step = sooner if count == FAILURES else -later
        return failed[-1] - failed[0] + step >= span


class Voice:
    """All that was heard of one person, as far as it still matters."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self.onlines: list[tuple[float, bool]] = []
        self.activities: list[tuple[float, str]] = []
        self.newest = -NEVER
        self.heard = -NEVER
        # When the answers were asked for, by the id whose last word they hold; "": live
        # ones, which hold them all. What was said before is in them, and late.
        self._asked: dict[str, float] = {}
        # The last sign of being online, and whether that was said in so many words;
        # None: nobody can tell.
        self.sign = -NEVER
        self.said: bool | None = False
        self.word: str | None = None
        # It rests on a first answer alone; firm: there is nothing else to go by.
        self.provisional = False
        self.firm = False
        # The gateway took it back; that was before the last word, or before the idleness
        # that lasts.
        self.blank = -NEVER
        self.was_blank = False
        self.was_blank_before_idle = False
        # It may not have counted: the account was away, or they left the group.
        self.optional = False
        self.in_doubt = False

    def ask(self, asked: float, under: str = "") -> None:
        """Keep that an answer was heard."""
        self._asked[under] = asked

    @property
    def asked(self) -> float:
        """When the last answer was asked for."""
        return max(self._asked.values(), default=-NEVER)

    def asked_of(self, under: str) -> float:
        """When the last answer was asked for that knew what was said under an id."""
        return max(self._asked.get(key, -NEVER) for key in ("", under))

    def silence(self) -> None:
        """Take back what was said, but not when."""
        self.onlines.clear()
        self.activities.clear()
        self.word = None
        self.said = False
        self.in_doubt = self.optional = self.provisional = False

    def say(self, said: Said, now: float) -> None:
        """Keep a word."""
        # Until the next rise there is nothing to fall from, perhaps.
        gone = self.blank != -NEVER or self.provisional or self.optional
        self.in_doubt = self.optional = self.provisional = False
        self.was_blank = not said.online and (self.was_blank or gone)
        idle = said.activity in {None, "idle"}
        self.was_blank_before_idle = idle and (self.was_blank_before_idle or gone)
        self.blank = -NEVER
        if said.online is not None:
            self._say_online(said, now)
        activity = said.activity
        if activity is None and said.online is False:
            activity = "idle"
        if activity is not None:
            words = self.activities
            words.append((now, activity))
            if len(words) > 2 and [w for _, w in words[-3:]] == ["idle"] * 3:
                del words[-2]
            del words[:-6]
        self.word = said.word or self.word

    def _say_online(self, said: Said, now: float) -> None:
        assert said.online is not None
        if said.online:
            if not said.implied:
                self.said = True
            elif not (self.onlines and self.onlines[-1][1]):
                # What was said stays said, while it lasts.
                self.said = False
            self.sign = now
        self.onlines.append((now, said.online))
        # Two falls in a row are one; so are two rises.
        if len(self.onlines) > 2 and len({w for _, w in self.onlines[-3:]}) == 1:
            del self.onlines[-2]
        del self.onlines[:-6]

    def disagrees(self, said: Said) -> bool:
        """Whether a word is another one than the last."""
        last_online = self.onlines[-1][1] if self.onlines else None
        last_activity = self.activities[-1][1] if self.activities else None
        return said.online not in {None, last_online} or said.activity not in {
            None,
            last_activity,
        }

    # ------------------------------------------------------------------- online

    def online(self, now: float, settle: Settle, standing: Standing) -> set[Online]:
        """Whether somebody is online: rises at once, falls when they lasted."""
        if not self.onlines:
            return {None}
        found: set[Online] = set()
        if self.onlines[-1][1]:
            soonest, latest = self.lapse(standing)
            if now < latest:
                found.add(True)
            if now >= soonest:
                found.add(LAPSED)
        else:
            began, risen = _last_run(self.onlines)
            falls = risen is not None and now < began + settle(began)
            found.add(falls)
            if self.was_blank:
                found |= {False, LAPSED} if falls else {False}
            if falls and now >= self.lapse(standing)[0]:
                # Then there was nothing to fall from.
                found |= {False, LAPSED}
            waits = self.provisional and now < self._holds(began, standing)
            if waits or self.blank > began:
                found.add(LAPSED)
        if self.optional:
            found |= {None, LAPSED}
        return found

    def _holds(self, began: float, standing: Standing) -> float:
        """When an offline must show that rests on a first answer."""
        if not self.firm or not standing.accepted:
            return NEVER
        return max(began, standing.accepted[0]) + ACCEPTED

    def lapse(self, standing: Standing) -> tuple[float, float]:
        """When an online may lapse, and when it must have, if nothing more is heard."""
        if self.provisional:
            since = standing.subscribed_since(self.sign - SOON)
            if since is None:
                # It counts from the chat's own subscription, which may be to come.
                accepted = standing.accepted
                waits = not accepted or accepted[-1] < standing.back
                since = NEVER if waits else self.sign
            latest = max(since, self.sign) + CONFIRM + EXACT
            for back, told in standing.backs:
                # A reconnect is an outage of no length: what shows waits, as at the end
                # of any other, for being subscribed again and for somebody to confirm.
                if told and self.sign <= back <= latest:
                    again = standing.subscribed_since(back)
                    latest = NEVER if again is None else again + CONFIRM + EXACT
            return -NEVER, max(latest, standing.kept_until(self.sign, latest))
        implied = self.sign + IMPLIED
        tried = _nth(standing.tried, RENEWALS, self.sign)
        renewed = _nth(standing.renewed, RENEWALS, max(self.sign, standing.last_event))
        soonest = max(self.sign + SAID, tried) - EXACT
        latest = max(self.sign + SAID, renewed) + LOOSE
        if self.said is not True:
            soonest = min(soonest, implied - EXACT)
        if self.said is False:
            latest = implied + EXACT
        for back, told in standing.backs:
            since = standing.subscribed_since(back) if back > self.sign else None
            if since is not None:
                soonest = min(soonest, since + CONFIRM - EXACT)
                if told:
                    latest = min(latest, since + CONFIRM + LOOSE)
        latest = max(latest, standing.kept_until(self.sign, latest))
        if self.blank > self.sign:
            soonest = min(soonest, self.blank)
            latest = min(latest, self.blank + CONFIRM + LOOSE)
        sooner, later = standing.stepped(self.sign)
        return soonest - sooner, latest + later

    # ----------------------------------------------------------------- activity

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

    def ends(self, settle: Settle, standing: Standing) -> Iterator[float]:
        """When something may be shown otherwise although nothing is said."""
        if self.onlines:
            if self.onlines[-1][1]:
                yield from self.lapse(standing)
            else:
                began = _last_run(self.onlines)[0]
                yield began + settle(began)
                yield self._holds(began, standing)
        if self.activities:
            last_time, last = self.activities[-1]
            if last != "idle":
                yield last_time + TYPING_TIMEOUT
            else:
                began, before = _last_run(self.activities)
                yield began + settle(began)
                if before is not None:
                    yield before[0] + TYPING_TIMEOUT


def _nth(times: Iterable[float], count: int, since: float) -> float:
    """The time of the so-manieth after a moment; NEVER: there were fewer."""
    later = [time for time in times if time > since]
    return later[count - 1] if len(later) >= count else NEVER


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
    """Knows of one chat what can be known.

    `live`: answers tell the present; else they repeat the last word under an id.
    """

    def __init__(self, *, is_group: bool, settle: float, live: bool = True) -> None:
        """Begin with nothing known."""
        self.is_group = is_group
        self.live = live
        self._settles = [(-NEVER, settle)]
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

    # ------------------------------------------------------------ what happens

    def restart(self) -> None:
        """Begin anew, without a memory."""
        self._own = Voice()
        self._members: dict[str, Voice] = {}
        self._known_activity: bool | None = False
        self._event_ids: dict[str, None] = {}
        self._transit = NEVER
        self.standing = Standing()
        # The last word under each id, and the ids that events came under.
        self._words: dict[tuple[str, str], str] = {}
        self._words_before: dict[tuple[str, str], str] = {}
        self._told_under: set[str] = set()
        self._answered_under: set[str] = set()
        self._was_lost = False
        self._causes: deque[tuple[float, str]] = deque(maxlen=400)

    def _voices(self) -> list[Voice]:
        return [self._own, *self._members.values()]

    def lose(self) -> None:
        """The account was away for longer than the grace: all was forgotten."""
        for voice in self._voices():
            voice.silence()
        self._known_activity = False
        self._forget_words()

    def _forget_words(self) -> None:
        """Whether the last words are forgotten, too, is the integration's business."""
        self._was_lost = True
        self._words_before |= self._words
        self._words.clear()
        self._told_under.clear()
        self._answered_under.clear()

    def away(self, now: float, *, told: bool) -> None:
        """The account is lost, or a call fails that tells whether it is."""
        losses = self.standing.losses
        if not losses or losses[-1].until != NEVER:
            losses.append(Loss(now, told))
        losses[-1].told |= told

    def back(self, now: float, *, told: bool) -> None:
        """The account is there again, so that the chat has to be subscribed again.

        Not told: a call failed, which may have been taken for a loss.
        """
        standing = self.standing
        standing.backs.append((now, told))
        if standing.losses and standing.losses[-1].until == NEVER:
            standing.losses[-1].until = now

    def tried(self, now: float, *, accepted: bool, looks: bool = False) -> None:
        """A renewal was accepted, or not; looks: it may have been none."""
        standing = self.standing
        standing.tried.append(now)
        if accepted:
            standing.served()
            if not looks and now - max(standing.renewed, default=-NEVER) >= SOON:
                standing.renewed.append(now)
            last = standing.accepted[-1] if standing.accepted else -NEVER
            # It may take several calls.
            if now - last >= SOON or last < standing.back:
                standing.accepted.append(now)
            return
        standing.failed.append(now)
        self._lose_perhaps()

    def waited(self, now: float) -> None:
        """The chat was looked at in vain, or not at all: the gateway wants a pause."""
        self.standing.vain.append(now)
        self._lose_perhaps()

    def _lose_perhaps(self) -> None:
        if self.standing.may_be_lost:
            # What was known before may stay forgotten.
            for voice in self._voices():
                voice.optional = bool(voice.onlines or voice.activities)
            self._forget_words()

    def clock_set(self, now: float, step: float) -> None:
        """This machine's clock was set."""
        self.standing.steps.append((now, step))

    def gone(self, member: str) -> None:
        """Somebody left the group: they may be dropped, or age."""
        if member in self._members:
            self._members[member].optional = True

    # --------------------------------------------------------------- what is said

    def event(self, message: Message, now: float, *, unsure: bool = False) -> None:
        """Hear an event; unsure: clocks were set, so it may be taken for a late one."""
        if message.event_id is not None:
            if message.event_id in self._event_ids:
                return
            self._event_ids[message.event_id] = None
            if len(self._event_ids) > REMEMBERED:
                del self._event_ids[next(iter(self._event_ids))]
        if message.time is not None:
            self._transit = min(self._transit, now - message.time)
        if message.has_data:
            self.standing.last_event = now
            self.standing.served()
        else:
            if self._is_news(self._own, Said(), message, now):
                # It may have been said before an answer that came first.
                self._blank(now, overtaken=self._own.asked > self._own.heard)
            return
        for key, voice, said in self._addressed(message):
            if not self._is_news(voice, said, message, now):
                continue
            repeats = (message.time or now) < voice.asked_of(message.chat)
            self._words[message.chat, key] = said.word or ""
            self._told_under.add(message.chat)
            voice.heard = now
            told = said if message.pauses else _told_by_mute(voice, said)
            self._say(voice, told, now)
            # It may have been dropped with the account that was away, or for late.
            voice.optional = not self.available or repeats
            voice.in_doubt = unsure

    def _say(self, voice: Voice, said: Said, now: float) -> None:
        if voice.onlines and voice.onlines[-1][1]:
            soonest, latest = voice.lapse(self.standing)
            if now >= latest:
                voice.said = False
            elif voice.said and (now >= soonest or voice.provisional):
                voice.said = None
        voice.say(said, now)
        while self._causes and self._causes[0][0] < now - REMEMBERED:
            self._causes.popleft()
        if said.online is not None:
            self._causes.append((now, "on" if said.online else "off"))
        if said.activity is not None:
            self._causes.append((now, said.activity))

    def _is_news(self, voice: Voice, said: Said, message: Message, now: float) -> bool:
        if (time := message.time) is None:
            return True
        if time < voice.newest:
            return False
        if time < (asked := voice.asked_of(message.chat)):
            # A receiver has the gateway's clock from the quickest event alone.
            if time + self._transit + PRECISION < asked:
                return False
            if voice.disagrees(said):
                voice.in_doubt = True
                self._causes.append((now, said.activity or "idle"))
                self._causes.append((now, "on" if said.online else "off"))
                return False
        voice.newest = time
        return True

    def _blank(self, now: float, *, overtaken: bool = False) -> None:
        """The gateway says that it knows nothing; for a while that is no news."""
        standing = self.standing
        if standing.losses and standing.losses[-1].until == NEVER:
            if standing.losses[-1].told:
                return
        since = standing.subscribed_since(standing.back)
        fresh = since is not None and now < since + CONFIRM - EXACT
        again = any(time < standing.back for time in standing.accepted)
        if fresh and (again or overtaken):
            return
        for voice in self._voices():
            if fresh:
                # Nobody says it of the very first subscription: either will do.
                voice.optional = bool(voice.onlines or voice.activities)
            else:
                voice.blank = now
        self._known_activity = None

    def answer(
        self,
        message: Message | None,
        asked: float,
        now: float,
        under: str | None = None,
    ) -> None:
        """Hear an answer to a request made at a time; None: it said nothing.

        `under` is the id that was asked, if it is not the one answered.
        """
        if message is None or message.empty:
            if (
                message is not None
                and not message.has_data
                and self._own.heard <= asked
            ):
                self._blank(now)
            return
        # What answers tells that not all is lost.
        self.standing.served()
        for key, voice, said in self._addressed(message):
            if voice.heard > asked or voice.asked > asked:
                # They crossed; who is right?
                voice.in_doubt |= voice.disagrees(said)
            elif self.live:
                voice.ask(asked)
                self._say(voice, said, now)
                voice.optional = not self.available
            else:
                self._remembered(voice, said, (under or message.chat, key), asked, now)
        if not self.live:
            self._answered_under.add(under or message.chat)
        if not self.live and message.members:
            # Who is not listed any more is dropped, if nothing was heard meanwhile.
            for member, voice in self._members.items():
                if member not in message.members and voice.heard <= asked:
                    voice.optional = True

    def _remembered(
        self,
        voice: Voice,
        said: Said,
        key: tuple[str, str],
        asked: float,
        now: float,
    ) -> None:
        """Hear the last word that the gateway remembers, however old."""
        if self._told_under and key[0] not in self._told_under:
            return
        voice.ask(asked, key[0])
        before = self._words.get(key)
        word = said.word or ""
        self._words[key] = word
        if word == before:
            return
        if self._known_activity is False:
            self._known_activity = None
        online = Said(online=said.online, implied=said.implied, word=said.word)
        if before is None:
            if self.is_group and key[0] in self._answered_under:
                # The answer before did not list them: they did something since, or
                # are taken for a first word all the same.
                self._say(voice, online, now)
                voice.said = None
                voice.optional = True
            elif self._words_before.get(key, word) != word:
                # Who remembers what was said before the account was away takes it for
                # newer; else it is the first.
                self._say(voice, online, now)
                voice.said = None
                voice.optional = True
            elif not voice.onlines or voice.optional:
                voice.silence()
                voice.say(online, now)
                voice.activities.clear()
                voice.provisional = True
                voice.firm = not self._was_lost
            elif voice.disagrees(online):
                # Nothing to compare it with, but something is known.
                voice.in_doubt = True
            return
        # Another word than before: something was missed.
        typing = voice.activities and voice.activities[-1][1] != "idle"
        self._say(voice, online, now)
        if said.online and typing:
            # Whether it ends what they were doing is anybody's guess.
            voice.in_doubt = True
        voice.said = None if said.online else voice.said
        voice.optional = not self.available

    def _addressed(self, message: Message) -> list[tuple[str, Voice, Said]]:
        """Who is spoken of, and what is said of them."""
        addressed: list[tuple[str, Voice, Said]] = []
        if message.own is not None:
            addressed.append(("", self._own, message.own))
        for member, said in message.members.items():
            voice = self._members.setdefault(member, Voice())
            addressed.append((member, voice, said))
            self._known_activity = self._known_activity or None
        if message.doing is not None:
            self._known_activity = True
            for member in {*message.doing, *self._members}:
                voice = self._members.setdefault(member, Voice())
                doing = message.doing.get(member, "idle")
                addressed.append((member, voice, Said(activity=doing)))
        return addressed

    # -------------------------------------------------------------- what is shown

    @property
    def keys(self) -> tuple[str, ...]:
        """What is shown of the chat."""
        keys = ("online", "typing", "activity")
        return (*keys, "typing_members") if self.is_group else keys

    def shown(self, now: float) -> Shown:
        """What a perfect receiver shows at a moment; all that is defensible."""
        voices = self._voices()
        if any(voice.in_doubt for voice in voices):
            return dict.fromkeys(self.keys, ANYTHING)
        shown: Shown = {"online": self._online(voices, now)}
        shown |= self._doing(voices, now)
        if self.standing.must_be_lost:
            return {thing: {UNKNOWN} for thing in shown}
        if self.standing.may_be_lost:
            for allowed in shown.values():
                assert allowed is not None
                allowed.add(UNKNOWN)
        return shown

    def _online(self, voices: list[Voice], now: float) -> set[str]:
        said = [voice.online(now, self.settle, self.standing) for voice in voices]
        if self.is_group:
            # Somebody of whom nothing was ever said does not speak.
            said = [found for found in said if found != {None}] or [{None}]
        shown: set[str] = set()
        if any(True in found for found in said):
            shown.add("on")
        if all(found != {True} for found in said):
            if any(
                False in found or (self.is_group and LAPSED in found) for found in said
            ):
                shown.add("off")
            if all(None in found or LAPSED in found for found in said):
                shown.add(UNKNOWN)
        return shown

    def _doing(self, voices: list[Voice], now: float) -> Shown:
        surely: list[str] = []
        perhaps: list[str] = []
        silent = True
        for voice in voices:
            word = voice.activity(now, self.settle)
            if word is None:
                continue
            perhaps.append(word)
            falls = voice.activities[-1][1] == "idle"
            if falls and (
                voice.was_blank_before_idle or (self.is_group and word == "recording")
            ):
                # There was nothing to fall from, or what a fall uncovers does not
                # flash.
                perhaps.append("idle")
                silent &= voice.optional or voice.blank != -NEVER
            elif not voice.optional and voice.blank == -NEVER:
                surely.append(word)
                silent = False
        known = self._known_activity
        if known is not False or (perhaps and self.is_group):
            perhaps.append("idle")
        if known:
            silent = False
        typing: set[str] = set()
        activity: set[str] = set()
        if "typing" in perhaps:
            typing.add("on")
            activity.add("typing")
        if "typing" not in surely:
            if perhaps:
                typing.add("off")
            if "recording" in perhaps:
                activity.add("recording")
            if "recording" not in surely and (
                "idle" in perhaps or "typing" in perhaps or "recording" in perhaps
            ):
                activity.add("idle")
            if silent:
                typing.add(UNKNOWN)
                activity.add(UNKNOWN)
        shown: Shown = {"typing": typing, "activity": activity}
        if self.is_group:
            fewest, most = surely.count("typing"), perhaps.count("typing")
            counts = (
                {str(count) for count in range(fewest, most + 1)} if perhaps else set()
            )
            if silent:
                counts.add(UNKNOWN)
            shown["typing_members"] = counts
        return shown

    def next_change(self, now: float) -> float:
        """When something may be shown otherwise although nothing is said."""
        return min(
            (
                end
                for voice in self._voices()
                for end in voice.ends(self.settle, self.standing)
                if end > now
            ),
            default=NEVER,
        )

    def settled(self, now: float) -> bool:
        """Whether nothing is about to end by a settle time."""
        longest = max(settle for _, settle in self._settles) + TYPING_TIMEOUT
        return all(
            now - words[-1][0] > longest
            for voice in self._voices()
            for words in (voice.onlines, voice.activities)
            if words
        )

    # ------------------------------------------------------------------- triggers

    def caused(self, trigger: str, now: float) -> bool:
        """Whether anything that was said is cause for a trigger to fire now."""
        if any(voice.in_doubt for voice in self._voices()):
            return True
        settle = max(settle for _, settle in self._settles[-3:])
        ages: dict[str, list[float]] = {}
        for time, word in self._causes:
            ages.setdefault(word, []).append(now - time)

        def lately(*words: str, within: float = CAUSE) -> bool:
            return any(age <= within for word in words for age in ages.get(word, ()))

        def timed_out(word: str) -> bool:
            return any(
                abs(age - TYPING_TIMEOUT) <= CAUSE + EXACT for age in ages.get(word, ())
            )

        match trigger:
            case "came_online":
                return lately("on")
            case "went_offline":
                allowed = self.shown(now)["online"]
                lapsed = self.is_group and allowed is not None and "off" in allowed
                return lapsed or lately("off", within=settle + CAUSE)
            case "started_typing":
                return lately("typing")
            case "started_recording":
                # In a group, one word for all: typing had covered it.
                allowed = self.shown(now)["activity"]
                covered = self.is_group and allowed is not None
                return lately("recording") or (covered and "recording" in allowed)
            case "stopped_typing":
                ends = ("off", "idle", "recording")
                return lately(*ends, within=settle + CAUSE) or timed_out("typing")
            case "stopped_recording":
                ends = ("off", "idle", "typing")
                return lately(*ends, within=settle + CAUSE) or timed_out("recording")
        raise ValueError(trigger)


def _told_by_mute(voice: Voice, said: Said) -> Said:
    """Read an engine's word that has none for a pause: it says "online" instead.

    After typing and recording that proves nothing, unless it was said before.
    """
    if said.word == "online" and voice.word in {"typing", "recording"}:
        return Said(online=True, activity=said.activity, implied=True, word=said.word)
    return said
