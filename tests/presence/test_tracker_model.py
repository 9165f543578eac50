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
    """Something that was said and counts; `ends` is when it shows, if it is a fall."""

    value: T
    moment: float
    ends: float
    began: float | None = None
    shown: bool = False


class Person:
    """All words that count for one person, in the order of their arrival."""

    def __init__(self) -> None:
        """Begin without a word."""
        self.onlines: list[Word[bool]] = []
        self.activities: list[Word[Activity]] = []
        self.newest: float | None = None
        self.last_event = self.last_question = -math.inf

    def fall(self) -> list[Word[bool]]:
        """Return the offline words since the last online, if there was one."""
        said = [word.value for word in self.onlines]
        if True not in said:
            return []
        return self.onlines[len(said) - said[::-1].index(True) :]

    def online_end(self) -> float:
        """Return when an online that has been taken back stops to show."""
        return min((word.ends for word in self.fall()), default=math.inf)

    def online(self, moment: float) -> bool | None:
        """Return what shows at a moment."""
        if not self.onlines:
            return None
        if True not in [word.value for word in self.onlines]:
            return False
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

    def clear(self) -> None:
        """Forget the words, not their order."""
        self.onlines, self.activities = [], []


class Model:
    """What the rules say of a history of calls."""

    def __init__(self, *, is_group: bool, last_seen: float | None) -> None:
        """Begin with an empty history."""
        self.is_group = is_group
        self.first_last_seen = last_seen
        self.history: list[Call] = []

    def work_out(self) -> tuple[ChatPresence, float | None]:
        """Return the presence and the deadline after all calls."""
        self.people = {CHAT: Person()}
        self.distance: float | None = None
        self.event_ids: list[str] = []
        self.is_subscribed = self.is_known = False
        self.is_hidden = False
        self.last_seen = self.first_last_seen
        slower = math.nan
        for call in self.history:
            if slower != call.moment - call.now:
                slower = call.moment - call.now
                for person in self.people.values():
                    person.last_event = person.last_question = -math.inf
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
            for end in (person.online_end(), person.busy_end())
            if moment < end < math.inf
        ]
        return self.show(moment), min(ends) - slower if ends else None

    def let_fall(self, call: Call) -> None:
        """See who has gone offline by now."""
        seen: list[float] = []
        for person in self.people.values():
            fall = person.fall()
            if fall and not fall[0].shown and person.online_end() <= call.moment:
                fall[0].shown = True
                if fall[0].began is not None:
                    seen.append(fall[0].began)
        onlines = [person.online(call.moment) for person in self.people.values()]
        if seen and True not in onlines:
            self.see(min(max(seen), call.now))

    def see(self, moment: float) -> None:
        """Take a later last-seen."""
        self.last_seen = max(self.last_seen or 0, moment)

    def do_tick(self, call: Call) -> None:
        """Let time pass."""

    def do_subscribed(self, call: Call) -> None:
        """Subscribe, or be refused."""
        self.is_subscribed = call.value

    def do_forget(self, call: Call) -> None:
        """Lose the instance."""
        for person in self.people.values():
            person.clear()
        self.is_subscribed = self.is_known = self.is_hidden = False

    def do_restore(self, call: Call) -> None:
        """Come back from a restart."""
        if self.last_seen is None and call.value >= 1_230_768_000:
            self.last_seen = min(call.value, call.now)

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
        if other.onlines and (theirs > mine or not person.onlines):
            person.onlines = other.onlines
        if other.activities and (theirs > mine or not person.activities):
            person.activities = other.activities
        times = [time for time in (person.newest, other.newest) if time is not None]
        person.newest = max(times, default=None)
        person.last_event = max(person.last_event, other.last_event)
        person.last_question = max(person.last_question, other.last_question)

    def do_apply(self, call: Call) -> None:
        """Take in an update."""
        update = call.update
        assert update is not None
        if update.event_id is not None:
            if update.event_id in self.event_ids[-16:]:
                return
            self.event_ids.append(update.event_id)
        self.arrive(call, update)
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
                if self.apply_to_member(call, member):
                    news = True
        if news or call.asked is not None:
            if update.subscribed is not None:
                self.is_subscribed = update.subscribed
            elif update.has_data:
                self.is_subscribed = True

    def arrive(self, call: Call, update: PresenceUpdate) -> None:
        """Compare the clocks."""
        self.time: float | None = None
        time = update.time
        if call.asked is None and time is not None and 0 < time < math.inf:
            self.time = time
            distance = call.moment - time
            if self.distance is None or distance < self.distance:
                self.distance = distance
            self.corrected = time + self.distance

    def is_news(self, call: Call, person: Person) -> bool:
        """Tell whether an update comes in time for a person."""
        if call.asked is not None:
            if call.asked < person.last_event or call.asked < person.last_question:
                return False
            person.last_question = call.asked
            return True
        if self.time is not None:
            late = None if person.newest is None else person.newest - self.time
            late_for_answer = person.last_question - self.corrected
            if late is not None and late > 600:
                self.distance = call.moment - self.time
            elif late is not None and late > 0:
                return False
            elif late_for_answer > 600:
                self.distance = call.moment - self.time
            elif late_for_answer > 0:
                estimate = self.corrected - self.time
                self.distance = (estimate + call.moment - self.time) / 2
                return False
            person.newest = self.time
        person.last_event = call.moment
        return True

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
        self.say(call, chat, update.online, update.activity, last_seen)
        if last_seen is not None:
            self.last_seen = last_seen
        if self.is_group and (listed or update.online is False):
            self.apply_lists(call, update)

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
                self.say(call, person, None, word, None)
        self.know_silence(call)

    def apply_to_member(self, call: Call, member: MemberUpdate) -> bool:
        """Take in what was said of a member."""
        key = call.aliases.get(member.member_id, member.member_id)
        person = self.people.setdefault(key, Person())
        if not self.is_news(call, person):
            return False
        last_seen = self.read_last_seen(call, member.last_seen)
        self.say(call, person, member.online, member.activity, last_seen)
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
        return None if last_seen == math.inf else min(last_seen, call.now)

    def say(
        self,
        call: Call,
        person: Person,
        online: bool | None,
        activity: Activity | None,
        last_seen: float | None,
    ) -> None:
        """Note a word."""
        ends = call.moment + call.settle_time
        if online is not None:
            trusted = self.time is not None and 1_230_768_000 <= self.time <= call.now
            began = self.time if trusted else call.now
            word = Word(value=online, moment=call.moment, ends=ends, began=began)
            person.onlines.append(word)
        if last_seen is not None and (fall := person.fall()):
            fall[0].began = None
        if activity is None and online is False:
            activity = Activity.IDLE
        if activity is not None:
            person.activities.append(
                Word(value=activity, moment=call.moment, ends=ends)
            )

    def show(self, moment: float) -> ChatPresence:
        """Return the presence at a moment."""
        onlines = [person.online(moment) for person in self.people.values()]
        doing = {key: person.activity(moment) for key, person in self.people.items()}
        if not self.is_subscribed:
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
            return tuple(sorted(k for k, v in doing.items() if v == activity != k))

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
                    if key != CHAT and person.online(moment)
                )
            ),
            typing_members=tuple(
                key for key in members(Activity.TYPING) if key != CHAT
            ),
            recording_members=tuple(
                key for key in members(Activity.RECORDING) if key != CHAT
            ),
        )


def maybe[T](strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    """Return None as often as not."""
    return st.none() | strategy


last_seens = st.sampled_from([-5000.0, -60.0, -2.0, 0.0, 90.0]).map(NOW.__add__)
garbage = st.sampled_from([0.0, -1.0, 86_400.0, math.nan, math.inf])
onlines = maybe(st.booleans())
activities = maybe(st.sampled_from(list(Activity)))
ids = st.sampled_from(IDS)
delays = st.sampled_from([0, 0, 0, 1, 2, 5, 40, 300, 599, 600, 601, 2000])
member_updates = st.builds(
    MemberUpdate,
    member_id=ids,
    online=onlines,
    activity=activities,
    last_seen=st.none() | st.none() | last_seens | garbage,
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
    )
    def start(self, is_group: bool, settle_time: float, last_seen: float) -> None:
        """Create both."""
        self.settle_time = settle_time
        self.tracker = PresenceTracker(
            is_group=is_group,
            settle_time=settle_time,
            last_seen=last_seen,
            aliases=self.aliases,
        )
        self.model = Model(is_group=is_group, last_seen=last_seen)
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
            case "subscribed":
                changed = tracker.subscribed(value)
            case "forget":
                changed = tracker.forget()
            case "restore":
                changed = tracker.restore(value)
            case _:
                changed = tracker.learn_alias(*value)
        moment = self.moment
        if kind not in ("tick", "apply"):
            # The tracker is not told the time, and works with the last it was told.
            moment, now = self.model.history[-1].moment, self.model.history[-1].now
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
        for name in ("online", "typing", "recording"):
            old, new = getattr(before, name), getattr(after, name)
            if old is not new:
                assert update is not None or due or kind in ("forget", "alias")
            if old is None and new is not None:
                assert update is not None
                assert update.has_data
            if new is None and old is not None:
                assert kind == "forget" or (update and not update.has_data)
        if kind in ("subscribed", "restore", "forget"):
            assert changes(before, after) == ()

    @rule(
        seconds=st.sampled_from([0, 0.5, 1, 2, 3, 10, 29.5, 30, 400, 1000]),
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

    @rule(seconds=st.sampled_from([61, 90, 7200]))
    def set_the_clock_back(self, seconds: float) -> None:
        """Find our clock set back at the next timer."""
        self.call("tick")
        self.clock_back += seconds
        self.call("tick")

    @rule(seconds=st.sampled_from([-3600, -700, -60, -5, 5, 60, 700, 3600]))
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
        ago=st.sampled_from([0, 0.5, 1, 5, 30, 500]),
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
            update=self.draw_update(data, online, activity, None, None),
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

    def draw_update(
        self,
        data: st.DataObject,
        online: bool | None,
        activity: Activity | None,
        event_id: str | None,
        time: float | None,
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
            chat_id=CHAT,
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

    @rule(value=st.booleans())
    def subscribe(self, value: bool) -> None:
        """Subscribe, or be refused."""
        self.call("subscribed", value=value)

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
        assert deadline is None or deadline <= last_call.now + 60

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
