"""The tracker against a plain model that works everything out anew each time.

The model keeps the whole history of what was called and when. Asked for a
presence, it goes through the history once to find which words count for whom,
and then reads each person's state off their list of words.
"""

from dataclasses import dataclass, field
import math
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
import pytest

from custom_components.whatsapp_presence.presence.model import (
    Activity,
    ChatPresence,
    MemberUpdate,
    PresenceAccess,
    PresenceUpdate,
    Source,
    changes,
)
from custom_components.whatsapp_presence.presence.tracker import PresenceTracker

# Hypothesis miscounts the references to its own generator on Python 3.14.
pytestmark = pytest.mark.filterwarnings("ignore:It looks like `register_random`")

NOW = 1_800_000_000.0
CHAT = "chat"
IDS = ("1234567@c.us", "1234568@c.us", "1@lid", "2@lid")
BUSY = (Activity.TYPING, Activity.RECORDING)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of the tracker.

    `moment` is the time that has passed since the start, whatever the clock said;
    `now` is what the clock said.
    """

    kind: str
    moment: float
    now: float
    settle_time: float = 0
    update: PresenceUpdate | None = None
    asked: float | None = None
    value: Any = None
    aliases: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False, kw_only=True)
class Word[T]:
    """Something that was said and counts; `ends` is when it shows, if it is a fall.

    `old`: a first answer's, which may be of any time. `vague`: it follows from
    typing, recording or paused.
    """

    value: T
    moment: float
    ends: float
    began: float | None = None
    shown: bool = False
    old: bool = False
    vague: bool = False


class Story:
    """What became of the subscription, in order: who was heard, what was accepted."""

    def __init__(self) -> None:
        """Begin without one."""
        self.happened: list[tuple[str, float]] = []
        self.subscribed = False
        self.failures: list[float] = []
        self.is_failing = False
        self.complete_since = -math.inf

    def add(self, what: str, moment: float) -> None:
        """Note what happened."""
        self.happened.append((what, moment))

    def last(self, what: str) -> float:
        """Return when something happened last."""
        return max(
            (at for kind, at in self.happened if kind == what), default=-math.inf
        )

    def accepted(self) -> float:
        """Return when it was accepted first since the start or the last loss."""
        kinds = [kind for kind, _ in self.happened]
        since = len(kinds) - kinds[::-1].index("lost") if "lost" in kinds else 0
        return min(
            (at for kind, at in self.happened[since:] if kind == "accepted"),
            default=math.inf,
        )

    def is_lost(self) -> bool:
        """Tell whether it may be lost still."""
        return self.last("lost") > -math.inf and self.accepted() == math.inf

    def is_sound(self) -> bool:
        """Tell whether somebody's coming online would be heard of."""
        return self.subscribed and not self.failures and not self.is_lost()

    def in_doubt(self, moment: float, *, overtaken: bool) -> bool:
        """Tell whether silence means nothing: an answer may have overtaken it."""
        if self.last("lost") == -math.inf and not overtaken:
            return False
        if self.last("lost") == -math.inf and self.accepted() == math.inf:
            return False
        return moment < self.accepted() + 120

    def silent_since(self) -> tuple[float, float]:
        """Return when there was news last, and when the third renewal since then was."""
        kinds = [kind for kind, _ in self.happened]
        since = len(kinds) - kinds[::-1].index("news") if "news" in kinds else 0
        renewals = [at for kind, at in self.happened[since:] if kind == "accepted"]
        return self.last("news"), renewals[2] if len(renewals) > 2 else math.inf


class Person:
    """All words that count for one person, in the order of their arrival."""

    def __init__(self) -> None:
        """Begin without a word."""
        self.onlines: list[Word[bool]] = []
        self.activities: list[Word[Activity]] = []
        self.newest: tuple[int, float] | None = None
        self.last_event = self.last_question = -math.inf
        self.was_typing = False
        self.clear()

    def clear(self) -> None:
        """Forget the words, not their order."""
        self.onlines, self.activities = [], []
        self.event_id: str | None = None
        self.last_words: dict[str, Any] = {}

    def fall(self) -> list[Word[bool]]:
        """Return the offline words since the last online, if there was one."""
        said = [word.value for word in self.onlines]
        if True not in said:
            return []
        return self.onlines[len(said) - said[::-1].index(True) :]

    def run(self) -> list[Word[bool]]:
        """Return the online words that nobody took back."""
        run: list[Word[bool]] = []
        for word in self.onlines:
            run = [*run, word] if word.value else []
        return run

    def only_old(self) -> bool:
        """Tell whether nothing is known but from a first answer."""
        return all(word.old for word in self.onlines)

    def sign(self) -> float:
        """Return when the person was last heard to be online."""
        return max((w.moment for w in self.run() if not w.old), default=-math.inf)

    def lapse(self, story: Story) -> tuple[float, bool]:
        """Return when online stops to be believed, and whether it is for its age."""
        run = self.run()
        if not run:
            return math.inf, False
        sign, age = self.sign(), math.inf
        if sign > -math.inf:
            if all(word.vague or word.old for word in run):
                age = sign + 300
            else:
                news, third = story.silent_since()
                age = max(news + 1800, third)
        doubt = math.inf
        if sign < story.last("lost") or sign == -math.inf:
            doubt = story.accepted() + 120
        return min(age, doubt), age < doubt

    def online_end(self) -> float:
        """Return when an online that has been taken back stops to show."""
        return min((word.ends for word in self.fall()), default=math.inf)

    def hold_end(self, story: Story) -> float:
        """Return when a first word that is offline shows, if it is to be."""
        if len(self.onlines) == 1 and not self.onlines[0].value:
            word = self.onlines[0]
            if not word.shown:
                return story.accepted() + 3 if word.old else word.ends
        return -math.inf

    def online(self, moment: float, story: Story) -> bool | None:
        """Return what shows at a moment."""
        if not self.onlines:
            return None
        if True not in [word.value for word in self.onlines]:
            word = self.onlines[0]
            return False if word.shown or self.hold_end(story) <= moment else None
        return moment < self.online_end()

    def busy_end(self) -> float:
        """Return when the last typing or recording stops or stopped to show."""
        end = math.inf
        for word in self.activities:
            if word.value in BUSY:
                end = word.moment + 30
            elif end < math.inf:
                end = min(end, word.ends)
        return end

    def activity(self, moment: float) -> Activity | None:
        """Return what shows at a moment."""
        if not self.activities:
            return None
        busy = [word.value for word in self.activities if word.value in BUSY]
        return busy[-1] if busy and moment < self.busy_end() else Activity.IDLE

    def ends(self, story: Story) -> list[float]:
        """Return all moments at which something may end."""
        fall = self.fall()
        ends = [self.online_end(), self.busy_end(), self.hold_end(story)]
        return ends if fall else [*ends, self.lapse(story)[0]]


class Model:
    """What the rules say of a history of calls."""

    def __init__(
        self, *, is_group: bool, last_seen: float | None, is_ordered: bool
    ) -> None:
        """Begin with an empty history."""
        self.is_group = is_group
        self.is_ordered = is_ordered
        self.first_last_seen = last_seen
        self.history: list[Call] = []

    def work_out(self) -> tuple[ChatPresence, float | None]:
        """Return the presence and the deadline after all calls."""
        self.people = {CHAT: Person()}
        self.story = Story()
        self.distance: float | None = None
        self.epoch = 0
        self.in_time = -math.inf
        self.event_ids: list[str] = []
        self.is_known = self.is_hidden = self.missed = False
        self.last_seen = self.first_last_seen
        self.foretold = math.nan
        slower = math.nan
        for call in self.history:
            if slower != call.moment - call.now:
                slower = call.moment - call.now
                for person in self.people.values():
                    if call.kind != "clock_set":
                        person.last_event = person.last_question = -math.inf
                        self.in_time = -math.inf
                if self.last_seen is not None:
                    self.last_seen = min(self.last_seen, call.now)
            self.let_fall(call)
            getattr(self, f"do_{call.kind}")(call)
            self.let_fall(call)
        if not self.history:
            return self.show(0), None
        moment = self.history[-1].moment
        ends = [
            end
            for person in self.people.values()
            for end in person.ends(self.story)
            if moment < end < math.inf
        ]
        return self.show(moment), min(ends) - slower if ends else None

    def let_fall(self, call: Call) -> None:
        """See who has gone offline by now, and who is not believed any more."""
        moment, story = call.moment, self.story
        seen: list[float] = []
        lapsed: list[tuple[Person, bool]] = []
        for person in self.people.values():
            fall = person.fall()
            if fall and not fall[0].shown and person.online_end() <= moment:
                fall[0].shown = True
                if fall[0].began is not None:
                    seen.append(fall[0].began)
            if person.hold_end(story) <= moment and person.onlines:
                word = person.onlines[0]
                if not word.value and not word.shown:
                    word.shown = True
                    if not person.activities:
                        person.activities.append(
                            Word(value=Activity.IDLE, moment=moment, ends=math.inf)
                        )
            end, for_age = person.lapse(story)
            if end <= moment:
                if for_age:
                    seen.append(person.sign() - call.moment + call.now)
                person.onlines = []
                lapsed.append((person, for_age))
        self.end_in_one_breath(call)
        onlines = [person.online(moment, story) for person in self.people.values()]
        if lapsed and self.is_group and True not in onlines:
            if story.is_sound() and all(for_age for _, for_age in lapsed):
                for person, _ in lapsed:
                    person.onlines = [self.off(moment)]
            else:
                for person in self.people.values():
                    if person.online(moment, story) is False:
                        person.onlines = []
        if seen and True not in onlines:
            self.see(min(max(seen), call.now))

    def end_in_one_breath(self, call: Call) -> None:
        """Let nothing flash that the end of a typing uncovers."""
        moment = call.moment
        doing = {key: one.activity(moment) for key, one in self.people.items()}
        has_ended = any(
            one.was_typing and doing[key] is Activity.IDLE
            for key, one in self.people.items()
        )
        if has_ended and Activity.TYPING not in doing.values():
            recording = [
                one
                for key, one in self.people.items()
                if doing[key] is Activity.RECORDING
            ]
            if all(one.busy_end() <= moment + 1 for one in recording):
                for one in recording:
                    one.activities.append(
                        Word(value=Activity.IDLE, moment=moment, ends=moment)
                    )
        for one in self.people.values():
            one.was_typing = one.activity(moment) is Activity.TYPING

    def off(self, moment: float) -> Word[bool]:
        """Return a word that shows offline at once."""
        return Word(value=False, moment=moment, ends=moment, shown=True)

    def see(self, moment: float) -> None:
        """Take a later last-seen."""
        self.last_seen = max(self.last_seen or 0, moment)

    def do_tick(self, call: Call) -> None:
        """Let time pass."""

    def do_clock_set(self, call: Call) -> None:
        """Hear that the clock was set: not a second has passed for that."""

    def do_renewed(self, call: Call) -> None:
        """Subscribe, or renew."""
        story = self.story
        story.subscribed = True
        story.failures, story.is_failing = [], False
        if story.accepted() == math.inf and story.complete_since == math.inf:
            story.complete_since = call.moment
        story.add("accepted", call.moment)

    def do_failed(self, call: Call) -> None:
        """Fail to renew, or be refused."""
        story = self.story
        if call.value:
            story.subscribed = False
        story.failures.append(call.moment)
        if (
            not story.is_failing
            and len(story.failures) >= 3
            and story.failures[-1] - story.failures[0] >= 600
        ):
            story.is_failing = True
            self.forget_all(call)

    def do_interrupted(self, call: Call) -> None:
        """Lose events from now on."""
        self.story.complete_since = math.inf
        if not call.value and not self.story.is_lost():
            self.story.add("lost", call.moment)

    def do_resumed(self, call: Call) -> None:
        """Get events again."""
        if self.story.complete_since == math.inf and not self.story.is_lost():
            self.story.complete_since = call.moment

    def do_forget(self, call: Call) -> None:
        """Lose the instance."""
        self.forget_all(call)
        self.story.failures, self.story.is_failing = [], False

    def forget_all(self, call: Call) -> None:
        """Know nothing any more: the subscription is lost, if it was not before."""
        for person in self.people.values():
            person.clear()
        self.is_known = self.is_hidden = False
        self.story.subscribed = False
        story = self.story
        since = story.last("lost") if story.is_lost() else call.moment
        news = story.last("news")
        story.happened = [("news", news)] if news > -math.inf else []
        story.add("lost", since)
        story.complete_since = math.inf

    def do_restore(self, call: Call) -> None:
        """Come back from a restart."""
        if self.last_seen is None and call.value >= 1_230_768_000:
            self.last_seen = min(call.value, call.now)

    def do_keep(self, call: Call) -> None:
        """Hear who the group is made of."""
        listed = {call.aliases.get(one, one) for one in call.value}
        story = self.story
        was_online = self.is_anybody_online(call.moment)
        for key in set(self.people) - {CHAT} - listed if call.value else ():
            kinds = {one.rpartition("@")[2] for one in call.value}
            if key.rpartition("@")[2] in kinds or key in call.aliases.values():
                self.people[key].onlines, self.people[key].activities = [], []
        if was_online and not self.is_anybody_online(call.moment) and story.is_sound():
            self.people[CHAT].onlines = [self.off(call.moment)]

    def is_anybody_online(self, moment: float) -> bool:
        """Tell whether the group shows online."""
        people = self.people.values()
        return any(one.online(moment, self.story) for one in people)

    def do_alias(self, call: Call) -> None:
        """Learn that two are one."""
        alias, main = call.value
        if (other := self.people.pop(alias, None)) is None:
            return
        person = self.people.setdefault(main, other)
        if person is other:
            return
        mine = max(person.last_event, person.last_question)
        theirs = max(other.last_event, other.last_question)
        shows = person.online(call.moment, self.story)
        other_shows = other.online(call.moment, self.story)
        if shows is None or (theirs > mine and other_shows is not None):
            person.onlines = other.onlines
        if theirs == mine and other.activity(call.moment) in BUSY:
            # One list told of both ids, or nobody knows which is newer.
            takes_over = (
                person.activity(call.moment) is Activity.IDLE
                or other.busy_end() > person.busy_end()
            )
        else:
            takes_over = theirs > mine and bool(other.activities)
        if takes_over or not person.activities:
            person.activities = other.activities
        person.was_typing = person.activity(call.moment) is Activity.TYPING
        if person.event_id is None and other.event_id is None:
            person.last_words = other.last_words | person.last_words
        elif person.event_id is None or (
            other.event_id is not None and other.last_event > person.last_event
        ):
            person.event_id, person.last_words = other.event_id, other.last_words
        times = [time for time in (person.newest, other.newest) if time is not None]
        person.newest = max(times, default=None)
        person.last_event = max(person.last_event, other.last_event)
        person.last_question = max(person.last_question, other.last_question)

    def do_apply(self, call: Call) -> None:
        """Take in an update."""
        update = call.update
        assert update is not None
        self.missed = False
        if update.event_id is not None:
            if update.event_id in self.event_ids[-16:]:
                return
            self.event_ids.append(update.event_id)
        if update.source is Source.REMEMBERED:
            self.apply_memory(call, update)
            return
        self.arrive(call, update)
        chat = self.people[CHAT]
        overtaken = call.asked is None and chat.last_question > chat.last_event
        if not update.has_data and self.story.in_doubt(
            call.moment, overtaken=overtaken
        ):
            return
        about_chat = not (self.is_group and update.members) or any(
            said is not None
            for said in (
                update.online,
                update.activity,
                update.last_seen,
                update.last_seen_hidden,
                update.typing_members,
                update.recording_members,
                None if update.has_data else False,
            )
        )
        news = about_chat and self.is_news(call, self.people[CHAT])
        if about_chat:
            self.apply_to_chat(call, update, news)
        if self.is_group and update.has_data:
            for member in update.members:
                if self.apply_to_member(call, member, update.never_pauses):
                    news = True
        if news or call.asked is not None:
            if update.subscribed is not None:
                self.story.subscribed = update.subscribed
            elif update.has_data:
                self.story.subscribed = True
            self.story.add("news", call.moment)
            self.story.failures, self.story.is_failing = [], False
            self.do_resumed(call)

    def arrive(self, call: Call, update: PresenceUpdate) -> None:
        """Compare the clocks."""
        self.time: float | None = None
        time = update.time
        if call.asked is None and time is not None and 0 < time < math.inf:
            self.time = time
            distance = call.moment - time
            late = -1.0 if self.distance is None else distance - self.distance
            if late >= 28 and call.moment >= self.in_time + 2 and not self.is_ordered:
                self.epoch += 1
                self.distance, late = distance, 0
            if late < 2:
                self.in_time = call.moment
            if late < 0:
                self.distance = distance
            self.corrected = time + self.distance

    def is_news(self, call: Call, person: Person) -> bool:
        """Tell whether an update comes in time for a person."""
        if call.asked is not None:
            if call.asked < person.last_event or call.asked < person.last_question:
                return False
            self.known_at = max(person.last_event, person.last_question)
            person.last_question = call.asked
            return True
        if self.time is not None and not self.is_ordered:
            newest = person.newest
            if newest and newest[0] == self.epoch and newest[1] > self.time:
                return False
            if person.last_question > self.corrected:
                self.distance = call.moment - self.time
                return False
            person.newest = self.epoch, self.time
        person.last_event = call.moment
        return True

    def apply_memory(self, call: Call, update: PresenceUpdate) -> None:
        """Take in what a gateway remembers."""
        if not self.is_group:
            asked_as = update.asked_as or update.chat_id
            self.remember(
                call, self.people[CHAT], asked_as, update, update.never_pauses
            )
            return
        onlines = {
            person.online(call.moment, self.story) for person in self.people.values()
        }
        is_off = False in onlines and True not in onlines
        for member in update.members:
            key = call.aliases.get(member.member_id, member.member_id)
            person = self.people.setdefault(key, Person())
            self.remember(
                call,
                person,
                member.member_id,
                member,
                update.never_pauses,
                is_off=is_off,
            )

    def remember(
        self,
        call: Call,
        person: Person,
        asked_as: str,
        word: PresenceUpdate | MemberUpdate,
        never_pauses: bool,
        *,
        is_off: bool = False,
    ) -> None:
        """Take in what a gateway remembers of one person, who may be of a group."""
        if not self.is_news(call, person):
            return
        nothing = word.online is None
        heard_elsewhere = person.event_id not in (None, asked_as)
        said = None if nothing else (word.online, word.activity, word.implied)
        is_first = asked_as not in person.last_words
        before = person.last_words.get(asked_as)
        if not heard_elsewhere and (is_first or not nothing):
            person.last_words[asked_as] = said
        if nothing:
            return
        self.is_known = True
        if self.is_group:
            self.know_silence(call)
        last_seen = self.read_last_seen(call, word.last_seen)
        assert word.online is not None
        if heard_elsewhere or said == before:
            pass
        elif is_first:
            self.suppose(call, person, word.online, is_off=is_off)
        else:
            if self.known_at >= self.story.complete_since:
                self.missed = True
            activity = word.activity
            if activity in BUSY:
                # What somebody did at some time; that they do it now was not said.
                activity = None if person.activities else Activity.IDLE
            was_busy = before is not None and before[1] in BUSY
            vague = word.implied or word.activity in BUSY or (never_pauses and was_busy)
            self.time = None
            self.say(call, person, word.online, activity, last_seen, vague=vague)
            self.story.add("news", call.moment)
        if last_seen is not None:
            self.see(last_seen)

    def suppose(
        self, call: Call, person: Person, online: bool, *, is_off: bool
    ) -> None:
        """Take in a first answer; a group that is off does not come online by it."""
        if not person.only_old() or any(word.shown for word in person.onlines):
            return
        if not (online and is_off):
            person.onlines = [
                Word(value=online, moment=call.moment, ends=math.inf, old=True)
            ]
        if online and not person.activities:
            person.activities.append(
                Word(value=Activity.IDLE, moment=call.moment, ends=math.inf)
            )

    def apply_to_chat(self, call: Call, update: PresenceUpdate, news: bool) -> None:
        """Take in what was said of the chat."""
        if not update.has_data:
            if news:
                for key, person in self.people.items():
                    if key == CHAT or self.is_news(call, person):
                        person.clear()
                self.is_known = self.is_hidden = False
            return
        if not news and call.asked is None:
            return
        if update.last_seen_hidden is not None:
            self.is_hidden = update.last_seen_hidden
        last_seen = self.read_last_seen(call, update.last_seen)
        if not news:
            if last_seen is not None:
                self.see(last_seen)
            return
        listed = self.is_group and (
            update.typing_members is not None or update.recording_members is not None
        )
        if (
            listed
            or update.last_seen_hidden
            or any(
                said is not None for said in (update.online, update.activity, last_seen)
            )
        ):
            self.is_known = True
        chat = self.people[CHAT]
        vague = self.note_word(call, chat, update.chat_id, update, update.never_pauses)
        self.check_missed(call, chat, update.online, update.activity)
        self.say(call, chat, update.online, update.activity, last_seen, vague=vague)
        if last_seen is not None:
            self.last_seen = last_seen
        if self.is_group and (listed or update.online is False):
            self.apply_lists(call, update)

    def note_word(
        self,
        call: Call,
        person: Person,
        key: str,
        word: PresenceUpdate | MemberUpdate,
        never_pauses: bool,
    ) -> bool:
        """Note an event's word; returns whether its online only follows from it."""
        if call.asked is not None or (word.online is None and word.activity is None):
            return word.implied
        last = person.last_words.get(person.event_id or key)
        person.event_id = key
        person.last_words = {key: (word.online, word.activity, word.implied)}
        was_busy = last is not None and last[1] in BUSY
        return word.implied or (never_pauses and was_busy)

    def check_missed(
        self,
        call: Call,
        person: Person,
        online: bool | None,
        activity: Activity | None,
    ) -> None:
        """See whether a live answer knows better."""
        if call.asked is None or self.known_at < self.story.complete_since:
            return
        shown = person.online(call.moment, self.story)
        if shown is not None and online is not None:
            self.missed |= online is not (shown and not person.fall())
        if activity in BUSY and (doing := person.activity(call.moment)) is not None:
            self.missed |= activity is not doing

    def apply_lists(self, call: Call, update: PresenceUpdate) -> None:
        """Take in who is listed as typing or recording, and who is not."""
        lists: dict[Activity, set[str]] = {}
        for activity, ids in (
            (Activity.TYPING, update.typing_members),
            (Activity.RECORDING, update.recording_members),
        ):
            if ids is not None or update.online is False:
                lists[activity] = {call.aliases.get(key, key) for key in ids or ()}
        everybody = set(self.people) - {CHAT}
        for key in everybody.union(*lists.values()):
            person = self.people.get(key, Person())
            listed = [activity for activity, ids in lists.items() if key in ids]
            if listed:
                word = listed[0]
            elif person.activity(call.moment) in lists:
                word = Activity.IDLE
            else:
                continue
            self.people[key] = person
            if self.is_news(call, person):
                self.check_missed(call, person, None, word)
                self.say(call, person, None, word, None)
        self.know_silence(call)

    def apply_to_member(
        self, call: Call, member: MemberUpdate, never_pauses: bool
    ) -> bool:
        """Take in what was said of a member."""
        key = call.aliases.get(member.member_id, member.member_id)
        person = self.people.setdefault(key, Person())
        if not self.is_news(call, person):
            return False
        last_seen = self.read_last_seen(call, member.last_seen)
        vague = self.note_word(call, person, member.member_id, member, never_pauses)
        self.check_missed(call, person, member.online, member.activity)
        self.say(call, person, member.online, member.activity, last_seen, vague=vague)
        if last_seen is not None:
            self.see(last_seen)
        self.is_known = True
        self.know_silence(call)
        return True

    def know_silence(self, call: Call) -> None:
        """Know that nobody else in the group does anything."""
        chat = self.people[CHAT]
        if not chat.activities:
            chat.activities.append(
                Word(value=Activity.IDLE, moment=call.moment, ends=math.inf)
            )

    def read_last_seen(self, call: Call, last_seen: float | None) -> float | None:
        """Return a last-seen that makes sense."""
        if last_seen is None or self.is_hidden or not last_seen >= 1_230_768_000:
            return None
        if last_seen == math.inf:
            return None
        if last_seen == self.foretold:
            return None
        if last_seen > call.now:
            self.foretold = last_seen
        return min(last_seen, call.now)

    def say(
        self,
        call: Call,
        person: Person,
        online: bool | None,
        activity: Activity | None,
        last_seen: float | None,
        *,
        vague: bool = False,
    ) -> None:
        """Note a word."""
        ends = call.moment + call.settle_time
        if online is not None:
            self.say_online(call, person, online, ends, vague)
        elif person.only_old() and person.onlines and not person.onlines[0].value:
            if not person.onlines[0].shown:
                person.onlines = []
        if last_seen is not None and (fall := person.fall()):
            fall[0].began = None
        if activity is None and online is False:
            activity = Activity.IDLE
        if activity is not None:
            person.activities.append(
                Word(value=activity, moment=call.moment, ends=ends)
            )

    def say_online(
        self, call: Call, person: Person, online: bool, ends: float, vague: bool
    ) -> None:
        """Note a word about being online."""
        time = self.time if call.asked is None else None
        trusted = time is not None and 1_230_768_000 <= time <= call.now
        began = time if trusted else call.now
        shown = person.online(call.moment, self.story)
        word = Word(
            value=online, moment=call.moment, ends=ends, began=began, vague=vague
        )
        if online:
            if not shown:
                person.onlines = []
            person.onlines.append(word)
        elif not shown:
            person.onlines = [self.off(call.moment)]
        elif person.only_old():
            # Nobody has left: it was an old word that they were here.
            word.ends = call.moment + 3
            person.onlines = [word]
        else:
            person.onlines.append(word)

    def show(self, moment: float) -> ChatPresence:
        """Return the presence at a moment."""
        story = self.story
        onlines = [person.online(moment, story) for person in self.people.values()]
        doing = {key: person.activity(moment) for key, person in self.people.items()}
        if not story.subscribed:
            access = PresenceAccess.NOT_SUBSCRIBED
        elif not self.is_known:
            access = PresenceAccess.WAITING
        elif self.is_hidden:
            access = PresenceAccess.LAST_SEEN_HIDDEN
        else:
            access = PresenceAccess.VISIBLE

        def state(states: list[bool | None]) -> bool | None:
            known = [value for value in states if value is not None]
            return any(known) if known else None

        def members(activity: Activity) -> tuple[str, ...]:
            return tuple(
                sorted(k for k, v in doing.items() if v is activity and k != CHAT)
            )

        return ChatPresence(
            online=state(onlines),
            typing=state(
                [None if v is None else v == Activity.TYPING for v in doing.values()]
            ),
            recording=state(
                [None if v is None else v == Activity.RECORDING for v in doing.values()]
            ),
            last_seen=self.last_seen,
            access=access,
            online_members=tuple(
                sorted(
                    key
                    for key, person in self.people.items()
                    if key != CHAT and person.online(moment, story)
                )
            ),
            typing_members=members(Activity.TYPING),
            recording_members=members(Activity.RECORDING),
        )


def maybe[T](strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    """Return None as often as not."""
    return st.none() | strategy


last_seens = st.sampled_from([-5000.0, -60.0, -2.0, 0.0, 90.0, 9000.0]).map(NOW.__add__)
garbage = st.sampled_from([0.0, -1.0, 86_400.0, math.nan, math.inf])
onlines = maybe(st.booleans())
activities = maybe(st.sampled_from(list(Activity)))
ids = st.sampled_from(IDS)
delays = st.sampled_from([0, 0, 0, 1, 2, 5, 27, 28, 29, 40, 300, 2000])
member_updates = st.builds(
    MemberUpdate,
    member_id=ids,
    online=onlines,
    activity=activities,
    last_seen=st.none() | st.none() | last_seens | garbage,
    implied=st.booleans(),
)


class TrackerMachine(RuleBasedStateMachine):
    """Call the tracker in every order; compare it with the model after each."""

    def __init__(self) -> None:
        """Begin at a certain time."""
        super().__init__()
        self.moment = NOW
        self.clock_back = 0.0
        self.gateway_ahead = 0.0
        self.aliases: dict[str, str] = {}

    @property
    def now(self) -> float:
        """What the clock says."""
        return self.moment - self.clock_back

    @initialize(
        is_group=st.booleans(),
        settle_time=st.sampled_from([0, 3, 60]),
        last_seen=st.none() | last_seens,
        is_ordered=st.sampled_from([False, False, True]),
        answers=st.sampled_from([Source.LIVE, Source.REMEMBERED]),
    )
    def start(
        self,
        is_group: bool,
        settle_time: float,
        last_seen: float,
        is_ordered: bool,
        answers: Source,
    ) -> None:
        """Create both."""
        self.answers = answers
        self.settle_time = settle_time
        self.tracker = PresenceTracker(
            is_group=is_group,
            settle_time=settle_time,
            aliases=self.aliases,
            ordered=is_ordered,
        )
        if last_seen is not None:
            self.tracker.restore(last_seen)
        self.model = Model(
            is_group=is_group, last_seen=last_seen, is_ordered=is_ordered
        )
        self.call("tick")

    def call(self, kind: str, **fields: Any) -> None:
        """Make a call of the tracker and compare."""
        tracker, now = self.tracker, self.now
        before, deadline = tracker.presence, tracker.deadline
        update: PresenceUpdate | None = fields.get("update")
        asked: float | None = fields.get("asked")
        value: Any = fields.get("value")
        match kind:
            case "tick":
                changed = tracker.tick(now)
            case "apply":
                assert update is not None
                asked_at = None if asked is None else asked - self.clock_back
                changed = tracker.apply(update, now, asked_at=asked_at)
            case "renewed":
                changed = tracker.renewed(now)
            case "failed":
                changed = tracker.failed(now, refused=value)
            case "interrupted":
                changed = tracker.interrupted(now, subscribed=value)
            case "resumed":
                tracker.resumed(now)
                changed = False
            case "forget":
                changed = tracker.forget()
            case "keep":
                changed = tracker.keep_members(value)
            case "clock_set":
                changed = tracker.clock_set(value)
            case "restore":
                changed = tracker.restore(value)
            case _:
                changed = tracker.learn_alias(*value)
        moment = self.moment
        if kind in ("forget", "restore", "alias", "keep"):
            # The tracker is not told the time, and works with the last it was told.
            moment, now = self.model.history[-1].moment, self.model.history[-1].now
        elif kind == "clock_set":
            moment = self.model.history[-1].moment
            now = self.model.history[-1].now + value
        self.model.history.append(
            Call(
                kind=kind,
                moment=moment,
                now=now,
                settle_time=self.settle_time,
                aliases=dict(self.aliases),
                **fields,
            )
        )
        after = tracker.presence
        assert (after, tracker.deadline) == self.model.work_out()
        assert tracker.missed is self.model.missed
        assert tracker.failing is self.model.story.is_failing
        assert changed is (after != before)
        assert changed or after is before
        self.check_causes(kind, update, before, after, deadline)

    def check_causes(
        self,
        kind: str,
        update: PresenceUpdate | None,
        before: ChatPresence,
        after: ChatPresence,
        deadline: float | None,
    ) -> None:
        """Nothing happens for no reason."""
        if before.last_seen is not None:
            assert after.last_seen is not None
        due = deadline is not None and deadline <= self.model.history[-1].now
        if kind == "tick" and not due and self.model.history[:-1]:
            moved_back = before.last_seen is not None and before.last_seen > self.now
            assert after is before or moved_back
        answers = update is not None and update.source is Source.REMEMBERED
        for name in ("online", "typing", "recording"):
            old, new = getattr(before, name), getattr(after, name)
            if old is None and new is not None:
                assert update is not None or due or kind in ("renewed", "keep")
            if new is True and old is not True:
                assert update is not None or (name == "recording" and due)
                assert name == "online" or not answers
            if new is None and old is not None:
                assert name == "online" or kind in ("forget", "failed", "apply")
        if kind in ("restore", "forget", "resumed"):
            assert changes(before, after) == ()

    @rule(
        seconds=st.sampled_from([0, 0.5, 1, 2, 3, 10, 29.5, 30, 119, 300, 400, 1800]),
        tick=st.booleans(),
    )
    def wait(self, seconds: float, tick: bool) -> None:
        """Let time pass, with a timer or without."""
        self.moment += seconds
        if tick:
            self.call("tick")

    @precondition(lambda self: self.tracker.deadline is not None)
    @rule()
    def wait_for_the_deadline(self) -> None:
        """Call at the deadline, as the caller does."""
        assert self.tracker.deadline is not None
        self.moment = max(self.moment, self.tracker.deadline + self.clock_back)
        self.call("tick")

    @rule(seconds=st.sampled_from([3, 30, 61, 7200]))
    def set_the_clock_back(self, seconds: float) -> None:
        """Find our clock set back at the next timer."""
        self.call("tick")
        self.clock_back += seconds
        self.call("tick")

    @rule(seconds=st.sampled_from([-7200, -300, -30, -3, 3, 30, 300, 3600]))
    def set_the_clock(self, seconds: float) -> None:
        """Set our clock, and say so."""
        self.call("clock_set", value=seconds)
        self.clock_back -= seconds

    @rule(seconds=st.sampled_from([-3600, -300, -30, -5, 5, 30, 300, 3600]))
    def set_the_gateways_clock(self, seconds: float) -> None:
        """Let the gateway's clock be set."""
        self.gateway_ahead += seconds

    @rule(seconds=st.sampled_from([0, 1, 3, 60]))
    def change_settle_time(self, seconds: float) -> None:
        """Let the user change the settling."""
        self.tracker.settle_time = self.settle_time = seconds

    @rule(
        data=st.data(),
        online=onlines,
        activity=activities,
        delay=maybe(delays),
        event_id=st.none() | st.sampled_from("abcdefghijklmnopqrstuv"),
    )
    def hear_an_event(
        self,
        data: st.DataObject,
        online: bool | None,
        activity: Activity | None,
        delay: float | None,
        event_id: str | None,
    ) -> None:
        """Receive an event, now or late, once or again."""
        time = None if delay is None else self.moment - delay + self.gateway_ahead
        self.call(
            "apply",
            update=self.draw_update(data, online, activity, event_id, time),
        )

    @rule(time=garbage, online=st.booleans())
    def hear_an_event_without_a_sane_time(self, time: float, online: bool) -> None:
        """Receive an event whose time is not to be believed."""
        self.call(
            "apply", update=PresenceUpdate(chat_id=CHAT, online=online, time=time)
        )

    @rule(
        data=st.data(),
        online=onlines,
        activity=activities,
        ago=st.sampled_from([0, 0, 0.5, 1, 5, 30, 500]),
    )
    def hear_an_answer(
        self,
        data: st.DataObject,
        online: bool | None,
        activity: Activity | None,
        ago: float,
    ) -> None:
        """Receive the answer to a question of some time ago."""
        self.call(
            "apply",
            update=self.draw_update(data, online, activity, None, None, self.answers),
            asked=self.moment - ago,
        )

    @rule(online=st.booleans(), activity=activities)
    def hear_plainly(self, online: bool, activity: Activity | None) -> None:
        """Receive what most events are like."""
        self.call(
            "apply",
            update=PresenceUpdate(chat_id=CHAT, online=online, activity=activity),
        )

    @rule(member=member_updates)
    def hear_of_a_member(self, member: MemberUpdate) -> None:
        """Receive an event of one member."""
        self.call("apply", update=PresenceUpdate(chat_id=CHAT, members=(member,)))

    @precondition(lambda self: self.model.is_group)
    @rule(
        pause=st.sampled_from([0, 0.003, 0.9, 1, 1.1]),
        gap=st.sampled_from([0, 0.003, 0.9, 1, 1.1]),
        first=st.sampled_from([0, 1]),
        times_out=st.booleans(),
    )
    def two_stop(self, pause: float, gap: float, first: int, times_out: bool) -> None:
        """Let one type and one record, and both stop, perhaps in one breath."""
        for member, activity in zip(IDS[:2], BUSY, strict=True):
            self.hear_of_a_member(
                MemberUpdate(member_id=member, online=True, activity=activity)
            )
            self.moment += gap
        if not times_out:
            for member in (IDS[first], IDS[1 - first]):
                self.hear_of_a_member(
                    MemberUpdate(member_id=member, activity=Activity.IDLE)
                )
                self.moment += pause
        for _ in range(3):
            if self.tracker.deadline is not None:
                self.wait_for_the_deadline()

    @rule(
        words=st.lists(st.sampled_from([None, True, True, False]), max_size=3),
        activity=activities,
        never_pauses=st.booleans(),
        renews=st.booleans(),
    )
    def hear_what_is_remembered(
        self,
        words: list[bool | None],
        activity: Activity | None,
        never_pauses: bool,
        renews: bool,
    ) -> None:
        """Receive one answer after the other, with another word or with none."""
        for word in words:
            self.moment += 400
            if renews:
                self.call("renewed")
            said: dict[str, Any] = {"online": word, "activity": activity}
            if self.model.is_group:
                said = {"members": (MemberUpdate(member_id=IDS[0], **said),)}
            update = PresenceUpdate(
                chat_id=CHAT, source=self.answers, never_pauses=never_pauses, **said
            )
            self.call("apply", update=update, asked=self.moment)

    @precondition(lambda self: self.model.is_group)
    @rule(sound=st.booleans())
    def the_last_one_leaves(self, sound: bool) -> None:
        """Let somebody be online, and then no member any more."""
        if sound:
            self.call("renewed")
        self.hear_of_a_member(MemberUpdate(member_id=IDS[0], online=True))
        if not sound:
            self.call("failed", value=False)
        self.call("keep", value=[IDS[1]])

    @precondition(lambda self: not self.model.is_group)
    @rule(
        word=st.booleans(),
        event=st.none() | st.booleans(),
        lost=st.booleans(),
        seconds=st.sampled_from([0, 1, 3, 10, 120]),
    )
    def start_anew(
        self, word: bool, event: bool | None, lost: bool, seconds: float
    ) -> None:
        """Forget, subscribe, hear what is remembered, and perhaps an event."""
        self.call("forget")
        self.call("renewed")
        update = PresenceUpdate(chat_id=CHAT, online=word, source=self.answers)
        self.call("apply", update=update, asked=self.moment)
        if lost:
            self.call("interrupted", value=False)
        self.moment += seconds
        if event is not None:
            self.hear_plainly(event, None)
        self.call("tick")

    @rule(
        late=st.sampled_from([1, 26, 27, 28, 29, 40]),
        asked=st.booleans(),
        pause=st.sampled_from([0.5, 1.9, 2, 20]),
    )
    def hear_late(self, late: float, asked: bool, pause: float) -> None:
        """Receive an event in time, and one that happened before it."""
        for ago in (0, late):
            self.moment += pause
            if asked and ago:
                answer = PresenceUpdate(chat_id=CHAT, online=True, source=self.answers)
                self.call("apply", update=answer, asked=self.moment)
            time = self.moment - ago + self.gateway_ahead
            update = PresenceUpdate(chat_id=CHAT, online=bool(ago), time=time)
            self.call("apply", update=update)

    def draw_update(
        self,
        data: st.DataObject,
        online: bool | None,
        activity: Activity | None,
        event_id: str | None,
        time: float | None,
        source: Source = Source.EVENT,
    ) -> PresenceUpdate:
        """Return anything that a gateway may say."""
        lists: dict[str, Any] = {}
        if self.model.is_group:
            lists = {
                "typing_members": data.draw(maybe(st.frozensets(ids))),
                "recording_members": data.draw(maybe(st.frozensets(ids))),
                "members": tuple(data.draw(st.lists(member_updates, max_size=3))),
            }
        return PresenceUpdate(
            chat_id=data.draw(st.sampled_from([CHAT, CHAT, "lid"])),
            source=source,
            asked_as=data.draw(st.sampled_from([None, None, CHAT])),
            implied=data.draw(st.booleans()),
            never_pauses=data.draw(st.booleans()),
            has_data=data.draw(st.sampled_from([True, True, True, False])),
            online=online,
            activity=activity,
            last_seen=data.draw(st.none() | last_seens | garbage),
            last_seen_hidden=data.draw(st.none() | onlines),
            subscribed=data.draw(st.none() | onlines),
            event_id=event_id,
            time=time,
            **lists,
        )

    @rule()
    def renew(self) -> None:
        """Renew the subscription."""
        self.call("renewed")

    @rule(times=st.sampled_from([1, 3]), seconds=st.sampled_from([60, 200, 600]))
    def renew_in_silence(self, times: int, seconds: float) -> None:
        """Renew the subscription again and again."""
        for _ in range(times):
            self.moment += seconds
            self.call("renewed")

    @rule(refused=st.booleans(), seconds=st.sampled_from([0, 100, 300, 600]))
    def fail(self, refused: bool, seconds: float) -> None:
        """Fail to renew."""
        for _ in range(2):
            self.moment += seconds
            self.call("failed", value=refused)

    @rule(subscribed=st.sampled_from([False, False, True]))
    def interrupt(self, subscribed: bool) -> None:
        """Lose the way of the events, or all."""
        self.call("interrupted", value=subscribed)

    @rule()
    def resume(self) -> None:
        """Find the way of the events again."""
        self.call("tick")
        self.call("resumed")

    @precondition(lambda self: self.model.is_group)
    @rule(listed=st.lists(ids))
    def list_the_members(self, listed: list[str]) -> None:
        """Hear who the group is made of."""
        self.call("keep", value=listed)

    @rule()
    def lose_the_instance(self) -> None:
        """Forget."""
        self.call("forget")

    @rule(value=last_seens)
    def restore(self, value: float) -> None:
        """Come back from a restart."""
        self.call("restore", value=value)

    @precondition(lambda self: self.model.is_group)
    @rule(number=st.sampled_from([0, 1]))
    def learn_an_alias(self, number: int) -> None:
        """Learn who a lid is, perhaps again."""
        main, alias = IDS[number], IDS[number + 2]
        self.aliases[alias] = main
        self.call("alias", value=(alias, main))

    @invariant()
    def nothing_is_in_the_future_but_the_deadline(self) -> None:
        """And the deadline has not passed unnoticed."""
        last_call = self.model.history[-1]
        last_seen, deadline = self.tracker.presence.last_seen, self.tracker.deadline
        assert last_seen is None or last_seen <= last_call.now
        assert deadline is None or last_call.now < deadline
        assert deadline is None or deadline <= last_call.now + 1800

    @invariant()
    def only_groups_have_members(self) -> None:
        """And each member is shown once, under the main id."""
        presence = self.tracker.presence
        for shown in (
            presence.online_members,
            presence.typing_members,
            presence.recording_members,
        ):
            assert self.model.is_group or not shown
            assert list(shown) == sorted(set(shown))
            assert not set(shown) & set(self.aliases)


TestTracker = TrackerMachine.TestCase
