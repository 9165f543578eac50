"""The oracle itself: each kind of violation is found, and what is right is not."""

from collections.abc import Callable
import json

import pytest

from .law import Receiver
from .oracle import UNAVAILABLE, Oracle
from .reference import Message, Said, read_answer, read_answers, read_body, read_word

NUMBER = "491511234567@c.us"
LID = "111222333444555@lid"
GROUP = "120363000000000001@g.us"
MEMBER = "447700900123@c.us"
OTHER = "33612345678@c.us"
HOUR = 3600.0
START = 1_790_035_200.0


class Stage:
    """A chat that Home Assistant shows as a test says, second by second."""

    def __init__(
        self, *, live: bool = False, is_group: bool = False, settle: float = 3.0
    ) -> None:
        """Begin with an account that is there, and a chat that is unknown."""
        self.oracle = Oracle()
        self.oracle.now = self.oracle.start = START
        self.oracle.may_be_away = lambda _: self.may_be_away
        self.may_be_away = False
        self.away = False
        self.live = live
        self.chat = self.oracle.watch(
            "one",
            GROUP if is_group else NUMBER,
            "Chat",
            is_group=is_group,
            settle=settle,
            live=live,
        )
        self._events = 0
        self.show(online="unknown", typing="unknown", activity="unknown")
        if is_group:
            self.show(typing_members="unknown")

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self.oracle.now - START

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        while seconds > 0:
            step = min(seconds, 1.0)
            self.oracle.now += step
            seconds -= step
            self.oracle.look(self.chat, step, away=self.away)

    def show(self, **states: str) -> None:
        """Let Home Assistant show something."""
        for thing, state in states.items():
            self.oracle.show("one", self.chat, thing, state)

    def idle(self, online: str) -> None:
        """Let Home Assistant show somebody who does nothing."""
        self.show(online=online, typing="off", activity="idle")

    def gone(self) -> None:
        """Let Home Assistant show nothing."""
        for thing in list(self.chat.shown):
            self.show(**{thing: UNAVAILABLE})

    def event(
        self,
        word: str,
        *,
        under: str | None = None,
        member: str | None = None,
        late: float = 0.0,
        event_id: str | None = None,
        pauses: bool = True,
    ) -> None:
        """Let an event arrive, in an engine's one word."""
        self._events += 1
        said = read_word(word)
        message = Message(
            chat=under or (GROUP if member else NUMBER),
            own=None if member else said,
            members={member: said} if member else {},
            event_id=event_id or f"evt_{self._events}",
            time=self.oracle.now - late,
            pauses=pauses,
        )
        self.oracle.hear(self.chat, message)

    def answer(
        self,
        word: str | None,
        *,
        under: str | None = None,
        accepted: bool = True,
        looks: bool = False,
    ) -> None:
        """Let a request be answered, which renews as well; looks: perhaps."""
        self.oracle.tried(self.chat, accepted=accepted, looks=looks)
        said = None if word is None else read_word(word)
        if self.live and said is not None:
            said = Said(online=said.online, activity=said.activity)
        message = None if said is None else Message(chat=under or NUMBER, own=said)
        self.oracle.answered(self.chat, message, self.oracle.now, under)

    def fail(self) -> None:
        """Let a renewal fail."""
        self.oracle.tried(self.chat, accepted=False)

    @property
    def unsupported(self) -> dict[str, float]:
        """For how long something was shown that nothing supported, by kind."""
        return {k: s for k, s in self.chat.tally.unsupported.items() if s}

    @property
    def good(self) -> bool:
        """Whether nothing was found."""
        return not self.oracle.problems and not self.unsupported


# ------------------------------------------------------------- what is supported


def events(stage: Stage) -> None:
    """Rises at once, falls when they lasted."""
    stage.event("online")
    stage.idle("on")
    stage.oracle.fired(stage.chat, "came_online")
    stage.wait(10)
    stage.event("typing")
    stage.show(typing="on", activity="typing")
    stage.oracle.fired(stage.chat, "started_typing")
    stage.wait(5)
    stage.event("paused")
    stage.wait(3)
    stage.show(typing="off", activity="idle")
    stage.oracle.fired(stage.chat, "stopped_typing")
    stage.wait(100)
    stage.event("offline")
    stage.wait(3)
    stage.show(online="off")
    stage.oracle.fired(stage.chat, "went_offline")
    stage.wait(5 * HOUR)


def typing_times_out(stage: Stage) -> None:
    """After 30 s, and the implied online after five minutes."""
    stage.event("typing")
    stage.show(online="on", typing="on", activity="typing")
    stage.wait(30)
    stage.show(typing="off", activity="idle")
    stage.oracle.fired(stage.chat, "stopped_typing")
    stage.wait(270)
    stage.show(online="unknown")
    stage.wait(HOUR)


def a_said_online_ages(stage: Stage) -> None:
    """After 30 minutes and three renewals without an event."""
    stage.event("online")
    stage.idle("on")
    for _ in range(3):
        stage.wait(20 * 60)
        stage.answer("online")
    stage.show(online="unknown")
    stage.wait(HOUR)


def a_said_online_ages_by_renewals_alone(stage: Stage) -> None:
    """Who only looks for what is remembered may count that, or not."""
    stage.event("online")
    stage.idle("on")
    for _ in range(40):
        stage.wait(60)
        stage.answer("online", looks=True)
    for _ in range(3):
        stage.wait(20 * 60)
        stage.answer("online")
    stage.show(online="unknown")
    stage.wait(HOUR)


def a_said_online_stays_said(stage: Stage) -> None:
    """Typing does not shorten it."""
    stage.event("online")
    stage.idle("on")
    stage.wait(60)
    stage.event("typing")
    stage.show(typing="on", activity="typing")
    stage.wait(3)
    stage.event("paused")
    stage.wait(3)
    stage.show(typing="off", activity="idle")
    stage.wait(1700)


def a_mute_engine(stage: Stage) -> None:
    """Its "online" after a typing proves nothing."""
    stage.event("typing", pauses=False)
    stage.show(online="on", typing="on", activity="typing")
    stage.wait(5)
    stage.event("online", pauses=False)
    stage.wait(3)
    stage.show(typing="off", activity="idle")
    stage.wait(297)
    stage.show(online="unknown")
    stage.wait(HOUR)


def a_blip(stage: Stage) -> None:
    """Nothing changes, and the next event goes on from there."""
    stage.event("offline")
    stage.idle("off")
    stage.wait(60)
    stage.oracle.back("one", told=True)
    stage.wait(5)
    stage.answer("offline")
    stage.wait(HOUR)
    stage.event("online")
    stage.show(online="on")
    stage.oracle.fired(stage.chat, "came_online")
    stage.wait(10)


def a_blip_while_online(stage: Stage) -> None:
    """Two minutes after the subscription it is not confirmed."""
    stage.event("online")
    stage.idle("on")
    stage.wait(60)
    stage.oracle.back("one", told=True)
    stage.wait(5)
    stage.answer("online")
    stage.wait(120)
    stage.show(online="unknown")
    stage.wait(HOUR)


def a_reconnect_before_a_first_answer_is_confirmed(stage: Stage) -> None:
    """It has two minutes from when it is subscribed again."""
    stage.answer("online")
    stage.idle("on")
    stage.wait(30)
    stage.oracle.back("one", told=True)
    stage.wait(240)
    stage.answer("online")
    stage.wait(120)
    stage.show(online="unknown")
    stage.wait(HOUR)


def a_blip_and_a_word(stage: Stage) -> None:
    """An event confirms it."""
    stage.event("online")
    stage.idle("on")
    stage.wait(60)
    stage.oracle.back("one", told=True)
    stage.wait(5)
    stage.answer("online")
    stage.event("online")
    stage.wait(1700)


def an_outage(stage: Stage) -> None:
    """After the grace nothing is shown, and nothing is known afterwards."""
    stage.event("online")
    stage.idle("on")
    stage.wait(200)
    stage.may_be_away = True
    stage.gone()
    stage.wait(HOUR)
    stage.show(online="unknown", typing="unknown", activity="unknown")
    stage.wait(HOUR)


def a_first_answer(stage: Stage) -> None:
    """Online for two minutes at most; what they did, never."""
    stage.answer("typing")
    stage.show(online="on", typing="off", activity="idle")
    stage.wait(120)
    stage.show(online="unknown")
    stage.wait(HOUR)


def a_first_answer_that_is_not_taken(stage: Stage) -> None:
    """Nobody has to believe it."""
    stage.answer("online")
    stage.wait(HOUR)


def a_first_offline(stage: Stage) -> None:
    """It holds while the subscription does."""
    stage.answer("offline")
    stage.wait(3)
    stage.idle("off")
    stage.wait(5 * HOUR)


def another_answer(stage: Stage) -> None:
    """Something was missed."""
    stage.event("online")
    stage.idle("on")
    stage.wait(60)
    stage.answer("offline")
    stage.wait(3)
    stage.show(online="off")
    stage.oracle.fired(stage.chat, "went_offline")
    stage.wait(60)
    stage.answer("online")
    stage.show(online="on")
    stage.oracle.fired(stage.chat, "came_online")
    stage.wait(60)


def an_answer_under_another_id(stage: Stage) -> None:
    """It is older than what events say under theirs."""
    stage.event("online", under=LID)
    stage.idle("on")
    stage.wait(60)
    stage.answer("offline", under=NUMBER)
    stage.wait(HOUR / 4)


def late_and_double(stage: Stage) -> None:
    """They change nothing."""
    stage.event("online", event_id="one")
    stage.idle("on")
    stage.wait(20)
    stage.event("offline")
    stage.event("typing", late=10)
    stage.event("online", event_id="one", late=20)
    stage.wait(3)
    stage.show(online="off")
    stage.wait(HOUR)


def failures(stage: Stage) -> None:
    """After three, over ten minutes, nothing is known."""
    stage.event("offline")
    stage.idle("off")
    for _ in range(3):
        stage.wait(310)
        stage.fail()
    stage.show(online="unknown", typing="unknown", activity="unknown")
    for _ in range(10):
        stage.wait(310)
        stage.fail()


def waiting_for_others(stage: Stage) -> None:
    """A gateway that wants a pause is asked for one chat, which fails for all."""
    stage.event("offline")
    stage.idle("off")
    for _ in range(3):
        stage.wait(310)
        stage.oracle.waits(stage.chat)
    stage.show(online="unknown", typing="unknown", activity="unknown")
    stage.wait(HOUR)


def waiting_for_others_and_known(stage: Stage) -> None:
    """Its own requests did not fail."""
    stage.event("offline")
    stage.idle("off")
    for _ in range(10):
        stage.wait(310)
        stage.oracle.waits(stage.chat)


ENGINE = [
    waiting_for_others,
    waiting_for_others_and_known,
    events,
    typing_times_out,
    a_said_online_ages,
    a_said_online_ages_by_renewals_alone,
    a_said_online_stays_said,
    a_mute_engine,
    a_blip,
    a_blip_while_online,
    a_blip_and_a_word,
    a_reconnect_before_a_first_answer_is_confirmed,
    an_outage,
    a_first_answer,
    a_first_answer_that_is_not_taken,
    a_first_offline,
    another_answer,
    an_answer_under_another_id,
    late_and_double,
    failures,
]


@pytest.mark.parametrize("play", ENGINE)
def test_what_is_supported_is_not_flagged(play: Callable[[Stage], None]) -> None:
    """What the law says may be shown, by an engine that remembers."""
    stage = Stage()
    play(stage)
    assert stage.good, stage.oracle.problems


def live_answers(stage: Stage) -> None:
    """They are signs, and may begin a typing."""
    stage.answer("typing")
    stage.show(online="on", typing="on", activity="typing")
    stage.wait(30)
    stage.show(typing="off", activity="idle")
    for _ in range(20):
        stage.wait(300)
        stage.answer("online")
    stage.answer("offline")
    stage.wait(3)
    stage.show(online="off")
    stage.wait(HOUR)


def nothing_said_for_two_minutes(stage: Stage) -> None:
    """A reconnect's "no data" changes nothing, and an online is not confirmed."""
    stage.answer("online")
    stage.idle("on")
    stage.wait(HOUR / 4)
    stage.oracle.back("one", told=True)
    stage.answer(None)
    stage.oracle.hear(stage.chat, Message(chat=NUMBER, has_data=False))
    stage.wait(120)
    stage.show(online="unknown")
    stage.wait(HOUR)


def nothing_said_at_first(stage: Stage) -> None:
    """Of the very first subscription nobody says that "no data" changes nothing."""
    stage.answer("offline")
    stage.idle("off")
    stage.wait(5)
    stage.event("offline")
    stage.wait(5)
    stage.oracle.hear(stage.chat, Message(chat=NUMBER, has_data=False))
    stage.show(online="unknown", typing="unknown", activity="unknown")
    stage.wait(HOUR)


def nothing_said_at_first_and_kept(stage: Stage) -> None:
    """Nor that it does."""
    stage.answer("offline")
    stage.idle("off")
    stage.wait(10)
    stage.oracle.hear(stage.chat, Message(chat=NUMBER, has_data=False))
    stage.wait(HOUR)


def test_a_typing_after_nothing_was_said_falls_as_any_other() -> None:
    """What had been taken back before is no excuse."""
    stage = Stage(live=True)
    stage.answer("online")
    stage.idle("on")
    stage.wait(HOUR / 4)
    stage.oracle.hear(stage.chat, Message(chat=NUMBER, has_data=False))
    stage.show(online="unknown", typing="unknown", activity="unknown")
    stage.event("typing")
    stage.show(online="on", typing="on", activity="typing")
    stage.wait(10)
    stage.event("online")
    stage.show(typing="off", activity="idle")
    assert not stage.good


def test_nothing_said_after_a_first_answer_may_be_older_than_that() -> None:
    """It changes nothing, unless an event came between them."""
    stage = Stage(live=True)
    stage.answer("offline")
    stage.idle("off")
    stage.wait(0.3)
    stage.oracle.hear(stage.chat, Message(chat=NUMBER, has_data=False))
    stage.show(online="unknown")
    assert stage.chat.tally.resets_without_cause == 1


def test_nothing_said_after_an_outage_is_no_reason_to_know_nothing() -> None:
    """However long it was."""
    stage = Stage(live=True)
    stage.answer("offline")
    stage.idle("off")
    stage.wait(HOUR / 4)
    stage.may_be_away = True
    stage.gone()
    stage.wait(300)
    stage.may_be_away = False
    stage.oracle.back("one", told=True)
    stage.show(online="unknown", typing="unknown", activity="unknown")
    stage.answer("offline")
    stage.idle("off")
    stage.wait(5)
    stage.oracle.hear(stage.chat, Message(chat=NUMBER, has_data=False))
    stage.show(online="unknown")
    assert stage.chat.tally.resets_without_cause == 1


def idle_after_nothing(stage: Stage) -> None:
    """What was typed before is not to fall from, nor from what was taken back."""
    stage.answer("online")
    stage.idle("on")
    stage.wait(HOUR / 4)
    stage.event("typing")
    stage.show(typing="on", activity="typing")
    stage.wait(10)
    stage.event("online")
    stage.wait(2)
    stage.oracle.hear(stage.chat, Message(chat=NUMBER, has_data=False))
    stage.show(online="unknown", typing="unknown", activity="unknown")
    stage.answer("online")
    stage.idle("on")
    stage.wait(60)
    stage.event("typing")
    stage.show(typing="on", activity="typing")
    stage.wait(10)
    stage.event("online")
    stage.wait(3)
    stage.show(typing="off", activity="idle")
    stage.wait(60)


@pytest.mark.parametrize(
    "play",
    [
        events,
        live_answers,
        idle_after_nothing,
        nothing_said_for_two_minutes,
        nothing_said_at_first,
        nothing_said_at_first_and_kept,
    ],
)
def test_live_answers(play: Callable[[Stage], None]) -> None:
    """The same of a gateway whose answers tell the present."""
    stage = Stage(live=True)
    play(stage)
    assert stage.good, stage.oracle.problems


def test_a_group_is_what_its_members_are() -> None:
    """Online while any is, off when the last one's has lapsed."""
    stage = Stage(is_group=True)
    stage.event("typing", member=MEMBER)
    stage.show(online="on", typing="on", activity="typing", typing_members="1")
    stage.wait(2)
    stage.event("recording", member=OTHER)
    stage.wait(5)
    stage.event("paused", member=MEMBER)
    stage.wait(3)
    stage.show(typing="off", activity="recording", typing_members="0")
    stage.oracle.fired(stage.chat, "stopped_typing")
    stage.wait(24)
    stage.show(activity="idle")
    stage.oracle.fired(stage.chat, "stopped_recording")
    stage.wait(273)
    stage.show(online="off")
    stage.oracle.fired(stage.chat, "went_offline")
    stage.wait(HOUR)
    assert stage.good, stage.oracle.problems


def test_who_left_a_group_may_be_dropped_at_once() -> None:
    """Or when their online has lapsed."""
    for drops in (True, False):
        stage = Stage(is_group=True)
        stage.event("typing", member=MEMBER)
        stage.show(online="on", typing="on", activity="typing", typing_members="1")
        stage.wait(30)
        stage.show(typing="off", activity="idle", typing_members="0")
        stage.wait(30)
        stage.chat.receiver.gone(MEMBER)
        if drops:
            stage.show(online="off")
            stage.oracle.fired(stage.chat, "went_offline")
        stage.wait(240)
        if not drops:
            stage.show(online="off")
        stage.wait(HOUR)
        assert stage.good, stage.oracle.problems


@pytest.mark.parametrize(("under", "counts"), [(None, False), (LID, True)])
def test_an_event_is_late_that_a_remembered_answer_knew_of(
    under: str | None, counts: bool
) -> None:
    """It changes nothing; what was said under another id the answer did not know."""
    for shows_it in (True, False):
        stage = Stage()
        quick = Message(chat=NUMBER, time=stage.oracle.now)
        stage.oracle.hear(stage.chat, quick)
        stage.wait(30)
        stage.answer("online")
        stage.idle("on")
        stage.wait(4)
        stage.event("offline", under=under, late=10)
        stage.wait(3)
        if shows_it:
            stage.show(online="off")
        stage.wait(60)
        assert stage.good is (shows_it is counts), stage.oracle.problems


def test_an_event_that_may_be_late_may_confirm_an_answer() -> None:
    """Nobody knows without a quicker one how late it is."""
    for confirms in (True, False):
        stage = Stage()
        stage.answer("online")
        stage.idle("on")
        stage.wait(4)
        stage.event("online", late=10)
        stage.wait(116)
        if not confirms:
            stage.show(online="unknown")
        stage.wait(HOUR / 4)
        assert stage.good, stage.oracle.problems


# ---------------------------------------------------------- what is not supported


def old_typing(stage: Stage) -> None:
    """A remembered answer begins a typing."""
    stage.answer("typing")
    stage.show(online="on", typing="on", activity="typing")
    stage.wait(30)
    stage.show(online="unknown", typing="off", activity="idle")


def old_recording(stage: Stage) -> None:
    """The same with a recording, of hours ago."""
    stage.event("online")
    stage.event("recording")
    stage.show(online="on", typing="off", activity="recording")
    stage.wait(30)
    stage.show(activity="idle")
    stage.wait(HOUR)
    stage.answer("recording")
    stage.show(activity="recording", online="unknown")
    stage.wait(30)
    stage.show(activity="idle")


def endless_online(stage: Stage) -> None:
    """An implied online never ends."""
    stage.event("typing")
    stage.show(online="on", typing="on", activity="typing")
    stage.wait(30)
    stage.show(typing="off", activity="idle")
    stage.wait(HOUR)


def endless_said(stage: Stage) -> None:
    """A said one, although nothing was heard at many renewals."""
    stage.event("online")
    stage.idle("on")
    for _ in range(10):
        stage.wait(20 * 60)
        stage.answer("online")


def unconfirmed_after_a_reconnect(stage: Stage) -> None:
    """A first answer's online stays, long after it was subscribed again."""
    stage.answer("online")
    stage.idle("on")
    stage.wait(30)
    stage.oracle.back("one", told=True)
    stage.wait(240)
    stage.answer("online")
    stage.wait(HOUR)


def unconfirmed(stage: Stage) -> None:
    """A first answer's online stays."""
    stage.answer("online")
    stage.idle("on")
    stage.wait(HOUR)


def unconfirmed_after_a_blip(stage: Stage) -> None:
    """What was known before a reconnect stays, although nobody confirms it."""
    stage.event("online")
    stage.idle("on")
    stage.wait(60)
    stage.oracle.back("one", told=True)
    stage.answer("online")
    stage.wait(HOUR / 4)


def off_by_guess(stage: Stage) -> None:
    """Nothing was said, and somebody is called offline."""
    stage.idle("off")
    stage.wait(60)


def off_when_it_lapsed(stage: Stage) -> None:
    """A contact's lapse is no offline."""
    stage.event("typing")
    stage.show(online="on", typing="on", activity="typing")
    stage.wait(30)
    stage.show(typing="off", activity="idle")
    stage.wait(270)
    stage.show(online="off")
    stage.wait(60)


def known_although_all_fails(stage: Stage) -> None:
    """Renewals fail for hours, and the old state stays."""
    stage.event("offline")
    stage.idle("off")
    for _ in range(12):
        stage.wait(310)
        stage.fail()


def shown_while_away(stage: Stage) -> None:
    """The grace is long over."""
    stage.event("offline")
    stage.idle("off")
    stage.away = True
    stage.wait(60)


def an_event_missed(stage: Stage) -> None:
    """Somebody went offline, and it does not show."""
    stage.event("online")
    stage.idle("on")
    stage.wait(60)
    stage.event("offline")
    stage.wait(60)


@pytest.mark.parametrize(
    ("play", "kind", "least"),
    [
        (old_typing, "typing", 20),
        (old_recording, "recording", 20),
        (endless_online, "online", HOUR - 300),
        (endless_said, "online", HOUR),
        (unconfirmed, "online", HOUR - 300),
        (unconfirmed_after_a_reconnect, "online", HOUR - 300),
        (unconfirmed_after_a_blip, "online", 300),
        (off_by_guess, "offline", 50),
        (off_when_it_lapsed, "offline", 50),
        (known_although_all_fails, "offline", HOUR / 4),
        (shown_while_away, "offline", 60),
        (an_event_missed, "online", 50),
    ],
)
def test_what_nothing_supports_is_counted(
    play: Callable[[Stage], None], kind: str, least: float
) -> None:
    """By its kind, in seconds."""
    stage = Stage()
    play(stage)
    assert set(stage.unsupported) == {kind}
    assert stage.unsupported[kind] >= least


def test_what_was_said_must_be_shown() -> None:
    """Unknown is no answer to an event, nor to a first offline."""
    stage = Stage()
    stage.event("online")
    stage.wait(90)
    assert stage.oracle.counts["missing state"]
    stage = Stage()
    stage.answer("offline")
    stage.wait(120)
    assert stage.oracle.counts["missing state"]


@pytest.mark.parametrize(
    "trigger",
    [
        "came_online",
        "went_offline",
        "started_typing",
        "stopped_typing",
        "started_recording",
        "stopped_recording",
    ],
)
def test_a_trigger_needs_a_cause(trigger: str) -> None:
    """What was said long ago, or again by an answer, is none."""
    words = {
        "came_online": "online",
        "went_offline": "offline",
        "started_typing": "typing",
        "stopped_typing": "paused",
        "started_recording": "recording",
        "stopped_recording": "paused",
    }
    stage = Stage()
    stage.event("recording" if trigger == "stopped_recording" else "typing")
    stage.event(words[trigger])
    stage.wait(1)
    stage.oracle.fired(stage.chat, trigger)
    tally = stage.chat.tally
    before = tally.fired_without_cause
    stage.wait(120)
    stage.answer(words[trigger])
    stage.oracle.fired(stage.chat, trigger)
    assert tally.fired == 2
    assert (before, tally.fired_without_cause) == (0, 1)


@pytest.mark.parametrize("state", [UNAVAILABLE, "unknown"])
def test_a_timer_is_not_reset_without_cause(state: str) -> None:
    """A blip does not make anybody unknown, nor unavailable."""
    stage = Stage()
    stage.event("offline")
    stage.idle("off")
    stage.wait(60)
    stage.oracle.back("one", told=True)
    stage.show(online=state)
    assert stage.chat.tally.resets_without_cause == 1


def test_a_timer_may_be_reset_when_the_account_is_away() -> None:
    """After the grace, and when the user has to log in."""
    stage = Stage()
    stage.event("offline")
    stage.idle("off")
    stage.may_be_away = True
    stage.show(online=UNAVAILABLE)
    tally = stage.chat.tally
    assert (tally.resets, tally.resets_without_cause) == (1, 0)


def test_last_seen_outlives_a_power_cut() -> None:
    """What was shown for half a minute is there afterwards, or something later."""
    for after, lost in (
        ("unknown", True),
        ("2026-09-22T10:00:00+00:00", True),
        ("2026-09-22T11:00:00+00:00", False),
        ("2026-09-22T12:00:00+00:00", False),
    ):
        stage = Stage()
        stage.show(last_seen="2026-09-22T11:00:00+00:00")
        stage.wait(40)
        stage.show(last_seen="2026-09-22T11:30:00+00:00")
        stage.wait(10)
        stage.oracle.cut("one")
        stage.gone()
        stage.show(last_seen=UNAVAILABLE)
        stage.show(last_seen=after)
        assert bool(stage.oracle.counts["last seen lost"]) is lost


def test_last_seen_is_not_taken_back() -> None:
    """A known one is never replaced by unknown."""
    stage = Stage()
    stage.show(last_seen="2026-09-22T11:00:00+00:00")
    stage.show(last_seen="unknown")
    assert stage.oracle.counts["last seen lost"] == 1


def test_nobody_knows_who_is_in_doubt() -> None:
    """An answer and an event that crossed allow everything, until the next word."""
    stage = Stage(live=True)
    stage.event("online")
    stage.idle("on")
    asked = stage.oracle.now
    stage.wait(2)
    stage.event("offline")
    stage.oracle.answered(
        stage.chat, Message(chat=NUMBER, own=Said(online=True)), asked
    )
    stage.wait(60)
    stage.show(online="off")
    stage.wait(60)
    assert stage.good
    assert stage.chat.tally.doubtful >= 100
    stage.event("online")
    stage.wait(60)
    assert stage.unsupported["offline"] > 50


def test_bodies_are_read() -> None:
    """Each gateway's forms, a group's own count left out."""
    entry = {"participant": LID, "lastKnownPresence": "paused", "lastSeen": None}
    own = {"participant": GROUP, "lastKnownPresence": "online", "lastSeen": None}
    envelope = {"event": "presence.update", "id": "evt_1", "timestamp": 1_000_500}
    body = envelope | {"engine": "NOWEB", "payload": {"id": LID, "presences": [entry]}}
    message, status = read_body("waha", json.dumps(body).encode())
    assert status is None
    assert message is not None
    assert message.own == Said(
        online=True, activity="idle", implied=True, word="paused"
    )
    assert (message.time, message.pauses) == (1000.5, False)
    body["payload"] = {"chatId": LID, "type": "composing", "from": LID}
    message, _ = read_body("wawp", json.dumps(body).encode())
    assert message is not None
    assert message.own == read_word("typing")
    body["payload"] = {"id": GROUP, "presences": [own, entry]}
    message, _ = read_body("waha", json.dumps(body).encode())
    assert message is not None
    assert set(message.members) == {LID}
    answers = read_answers(
        json.dumps([body["payload"], {"id": NUMBER, "presences": []}]).encode()
    )
    assert [one.chat for one in answers] == [GROUP]
    assert read_answer("waha", b'{"id": "1@lid", "presences": []}') is None
    presence = {"id": NUMBER, "hasData": False}
    nothing = {"data": {"data": {"presence": None}}}
    assert read_answer("waapi", json.dumps(nothing).encode()) is None
    nothing["data"]["data"] = {"presence": presence}  # type: ignore[dict-item]
    answer = read_answer("waapi", json.dumps(nothing).encode())
    assert answer == Message(chat=NUMBER, has_data=False)
    status_body = {"event": "session.status", "payload": {"status": "STARTING"}}
    assert read_body("waha", json.dumps(status_body).encode()) == (None, "starting")


def test_a_receiver_counts_by_the_settle_time_of_the_fall() -> None:
    """A change of it counts for later falls."""
    receiver = Receiver(is_group=False, settle=3)
    receiver.change_settle(20, 100)
    assert receiver.settle(99) == 3
    assert receiver.settle(101) == 20
