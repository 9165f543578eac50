"""What an update means for a chat, rule by rule."""

from collections.abc import Callable
from dataclasses import replace
import math
import random
import sys
from types import FrameType
from typing import Any

import pytest

from custom_components.whatsapp_presence.presence.clock import CLOCK_JUMP, LATE_LIMIT
from custom_components.whatsapp_presence.presence.members import MAX_MEMBERS
from custom_components.whatsapp_presence.presence.model import (
    Activity,
    ChatPresence,
    MemberUpdate,
    PresenceAccess,
    PresenceUpdate,
    Source,
)
from custom_components.whatsapp_presence.presence.person import TYPING_TIMEOUT
from custom_components.whatsapp_presence.presence.tracker import PresenceTracker

NOW = 1_800_000_000.0
ANNA = "491511234567@c.us"
BERT = "491511234568@c.us"
BERT_LID = "169412345678901@lid"
GROUP = "120363000000000001@g.us"

IDLE, TYPING, RECORDING = Activity.IDLE, Activity.TYPING, Activity.RECORDING


def said(**fields: Any) -> PresenceUpdate:
    """Return what a gateway said of a contact."""
    return PresenceUpdate(chat_id=ANNA, **fields)


def member(member_id: str, **fields: Any) -> PresenceUpdate:
    """Return what a gateway said of one member of a group."""
    times = {key: fields.pop(key) for key in ("time", "event_id") if key in fields}
    return PresenceUpdate(
        chat_id=GROUP,
        members=(MemberUpdate(member_id=member_id, **fields),),
        **times,
    )


def lists(
    typing: set[str] | None = None, recording: set[str] | None = None, **fields: Any
) -> PresenceUpdate:
    """Return what a gateway said that lists who types and who records."""
    return PresenceUpdate(
        chat_id=GROUP,
        typing_members=None if typing is None else frozenset(typing),
        recording_members=None if recording is None else frozenset(recording),
        **fields,
    )


def shown(tracker: PresenceTracker) -> ChatPresence:
    """Return what is shown."""
    return tracker.presence


def due(tracker: PresenceTracker) -> float | None:
    """Return when the tracker wants to be called."""
    return tracker.deadline


@pytest.fixture
def contact() -> PresenceTracker:
    """Return the tracker of a contact, with the default settling."""
    return PresenceTracker(is_group=False, settle_time=3)


@pytest.fixture
def prompt() -> PresenceTracker:
    """Return the tracker of a contact without settling."""
    return PresenceTracker(is_group=False, settle_time=0)


@pytest.fixture
def group() -> PresenceTracker:
    """Return the tracker of a group, with the default settling."""
    return PresenceTracker(is_group=True, settle_time=3)


# Unknown


def test_nothing_is_known_before_the_gateway_says_something(
    contact: PresenceTracker, group: PresenceTracker
) -> None:
    """Unknown is not off."""
    for tracker in (contact, group):
        assert tracker.presence == ChatPresence()
        assert tracker.deadline is None
        assert not tracker.tick(NOW)


@pytest.mark.parametrize("online", [True, False])
def test_the_first_word_shows_at_once(contact: PresenceTracker, online: bool) -> None:
    """From unknown nothing has to settle."""
    assert contact.apply(said(online=online), NOW)
    assert shown(contact).online is online
    assert due(contact) is None


def test_what_was_not_said_changes_nothing(contact: PresenceTracker) -> None:
    """None is not a word."""
    contact.apply(said(online=True, activity=TYPING, last_seen=NOW - 9), NOW)
    before = shown(contact)
    assert not contact.apply(said(), NOW + 1)
    assert shown(contact) is before


def test_online_alone_says_nothing_of_the_activity(contact: PresenceTracker) -> None:
    """Somebody online may be typing for all we know."""
    contact.apply(said(online=True), NOW)
    assert shown(contact).typing is None
    assert shown(contact).recording is None


def test_offline_implies_idle(contact: PresenceTracker) -> None:
    """Nobody types while offline."""
    contact.apply(said(online=False), NOW)
    assert shown(contact).typing is False
    assert shown(contact).recording is False


@pytest.mark.parametrize("online", [None, False])
def test_typing_leaves_online_as_said(
    contact: PresenceTracker, online: bool | None
) -> None:
    """Online may be hidden, or not yet told, while typing shows."""
    contact.apply(said(online=online, activity=TYPING), NOW)
    assert shown(contact).online is online
    assert shown(contact).typing is True


def test_lost_data_makes_unknown_at_once_and_never_off(
    contact: PresenceTracker,
) -> None:
    """A reconnect of the gateway must not read as going offline."""
    contact.apply(said(online=True, activity=TYPING, last_seen=NOW - 9), NOW)
    assert contact.apply(
        said(has_data=False, online=False, activity=IDLE, last_seen=NOW - 1), NOW + 1
    )
    assert shown(contact) == ChatPresence(
        last_seen=NOW - 9, access=PresenceAccess.WAITING
    )
    assert due(contact) is None


def test_lost_data_drops_a_pending_fall(contact: PresenceTracker) -> None:
    """What is unknown does not go offline later."""
    contact.apply(said(online=True), NOW)
    contact.apply(said(online=False), NOW + 1)
    contact.apply(said(has_data=False), NOW + 2)
    assert due(contact) is None
    assert not contact.tick(NOW + 99)
    assert shown(contact).online is None
    assert shown(contact).last_seen is None


def test_offline_after_lost_data_was_not_witnessed(contact: PresenceTracker) -> None:
    """Somebody offline after a gap may have left at any time in it."""
    contact.apply(said(online=True), NOW)
    contact.apply(said(has_data=False), NOW + 1)
    contact.apply(said(online=False), NOW + 2)
    assert shown(contact).online is False
    assert shown(contact).last_seen is None


# Settling


def test_a_rise_shows_at_once(contact: PresenceTracker) -> None:
    """Nobody waits for somebody to have been online for long."""
    contact.apply(said(online=False), NOW)
    assert contact.apply(said(online=True, activity=TYPING), NOW + 1)
    assert shown(contact).online is True
    assert shown(contact).typing is True


def test_a_fall_shows_when_it_has_lasted(contact: PresenceTracker) -> None:
    """Going offline for a moment is not going offline."""
    contact.apply(said(online=True, activity=IDLE), NOW)
    assert not contact.apply(said(online=False), NOW + 10)
    assert due(contact) == NOW + 13
    assert not contact.tick(NOW + 12.9)
    assert shown(contact).online is True
    assert contact.tick(NOW + 13)
    assert shown(contact).online is False
    assert due(contact) is None


def test_a_rise_cancels_the_pending_fall(contact: PresenceTracker) -> None:
    """Online, offline, online again within the time is one being online."""
    contact.apply(said(online=True), NOW)
    before = shown(contact)
    contact.apply(said(online=False, activity=TYPING), NOW + 1)
    contact.apply(said(online=True), NOW + 2)
    assert due(contact) == NOW + 1 + TYPING_TIMEOUT
    assert not contact.tick(NOW + 9)
    assert shown(contact).online is True
    assert shown(contact).last_seen is None
    assert before.online is True


def test_a_repeated_fall_does_not_start_anew(contact: PresenceTracker) -> None:
    """A gateway that repeats itself does not keep anybody online."""
    contact.apply(said(online=True), NOW)
    for second in (1, 2, 3):
        contact.apply(said(online=False), NOW + second)
    assert due(contact) == NOW + 4
    assert contact.tick(NOW + 4)
    assert shown(contact).last_seen == NOW + 1


def test_a_flood_of_typing_and_pausing_is_one_typing(contact: PresenceTracker) -> None:
    """An active chat sends ten and more events a minute."""
    contact.apply(said(online=True, activity=TYPING), NOW)
    before = shown(contact)
    for second in range(1, 60):
        activity = IDLE if second % 3 else TYPING
        assert not contact.apply(said(online=True, activity=activity), NOW + second)
    assert shown(contact) is before
    contact.apply(said(activity=IDLE), NOW + 60)
    assert contact.tick(NOW + 63)
    assert shown(contact).typing is False


@pytest.mark.parametrize(
    ("first", "second"), [(TYPING, RECORDING), (RECORDING, TYPING)]
)
def test_from_typing_to_recording_and_back_is_a_rise(
    contact: PresenceTracker, first: Activity, second: Activity
) -> None:
    """One person does one of them; the other ends at once."""
    contact.apply(said(activity=first), NOW)
    contact.apply(said(activity=IDLE), NOW + 1)
    assert contact.apply(said(activity=second), NOW + 2)
    assert shown(contact).activity is second
    assert shown(contact).typing is (second is TYPING)
    assert shown(contact).recording is (second is RECORDING)
    assert due(contact) == NOW + 2 + TYPING_TIMEOUT


def test_without_settling_a_fall_shows_at_once(prompt: PresenceTracker) -> None:
    """Settling can be switched off."""
    prompt.apply(said(online=True, activity=RECORDING), NOW)
    assert prompt.apply(said(online=False), NOW + 1)
    assert shown(prompt) == ChatPresence(
        online=False,
        typing=False,
        recording=False,
        last_seen=NOW + 1,
        access=PresenceAccess.VISIBLE,
    )
    assert due(prompt) is None


def test_settling_can_be_changed_while_running(contact: PresenceTracker) -> None:
    """The new time counts for the falls that begin afterwards."""
    contact.apply(said(online=True), NOW)
    contact.settle_time = 60
    contact.apply(said(online=False), NOW + 1)
    assert contact.settle_time == 60
    assert due(contact) == NOW + 61


def test_a_fall_that_ended_before_a_rise_arrived_has_happened(
    contact: PresenceTracker,
) -> None:
    """What is known does not depend on whether the timer or the event ran first."""
    contact.apply(said(online=True), NOW)
    contact.apply(said(online=False), NOW + 1)
    assert contact.apply(said(online=True), NOW + 5)
    assert shown(contact).online is True
    assert shown(contact).last_seen == NOW + 1


def test_what_changed_and_changed_back_is_the_same_object(
    contact: PresenceTracker,
) -> None:
    """Nothing is written if nothing changed in the end."""
    contact.apply(said(activity=TYPING), NOW)
    before = shown(contact)
    assert not contact.apply(said(activity=TYPING), NOW + TYPING_TIMEOUT + 1)
    assert shown(contact) is before
    assert due(contact) == NOW + 2 * TYPING_TIMEOUT + 1


# Typing and recording end


@pytest.mark.parametrize("activity", [TYPING, RECORDING])
def test_typing_ends_without_a_word_after_its_time(
    contact: PresenceTracker, activity: Activity
) -> None:
    """Some gateways never say that it ended; nothing settles on top."""
    contact.apply(said(online=True, activity=activity), NOW)
    assert due(contact) == NOW + TYPING_TIMEOUT
    assert not contact.tick(NOW + TYPING_TIMEOUT - 0.1)
    assert contact.tick(NOW + TYPING_TIMEOUT)
    assert shown(contact).activity is IDLE
    assert shown(contact).online is True
    assert due(contact) is None


def test_each_event_prolongs_typing(contact: PresenceTracker) -> None:
    """The time counts from the last event."""
    contact.apply(said(activity=TYPING), NOW)
    assert not contact.apply(said(activity=TYPING), NOW + 20)
    assert due(contact) == NOW + 20 + TYPING_TIMEOUT


def test_a_word_on_online_does_not_prolong_typing(contact: PresenceTracker) -> None:
    """Only typing prolongs typing."""
    contact.apply(said(activity=TYPING), NOW)
    contact.apply(said(online=True), NOW + 20)
    assert due(contact) == NOW + TYPING_TIMEOUT


def test_the_earlier_of_pause_and_timeout_ends_typing(
    contact: PresenceTracker,
) -> None:
    """A long settling does not outlast the timeout."""
    contact.settle_time = 60
    contact.apply(said(activity=TYPING), NOW)
    contact.apply(said(activity=IDLE), NOW + 1)
    assert due(contact) == NOW + TYPING_TIMEOUT
    contact.settle_time = 3
    contact.apply(said(activity=TYPING), NOW + 2)
    contact.apply(said(activity=IDLE), NOW + 3)
    assert due(contact) == NOW + 6


# Last seen


def test_the_gateways_last_seen_shows_at_once(contact: PresenceTracker) -> None:
    """It knows best."""
    assert contact.apply(said(online=False, last_seen=NOW - 100), NOW)
    assert shown(contact).last_seen == NOW - 100
    assert contact.apply(said(last_seen=NOW - 200), NOW + 1)
    assert shown(contact).last_seen == NOW - 200
    assert not contact.apply(said(last_seen=NOW - 200), NOW + 2)


def test_the_witnessed_last_seen_is_when_the_fall_began(
    contact: PresenceTracker,
) -> None:
    """Not when it was shown."""
    contact.apply(said(online=True), NOW)
    contact.apply(said(online=False), NOW + 10)
    assert shown(contact).last_seen is None
    contact.tick(NOW + 13)
    assert shown(contact).last_seen == NOW + 10


@pytest.mark.parametrize(
    ("time", "moment"),
    [
        (NOW + 4, NOW + 4),
        (NOW + 10, NOW + 10),
        (NOW + 11, NOW + 10),
        (5.0, NOW + 10),
        (-1.0, NOW + 10),
        (math.nan, NOW + 10),
        (math.inf, NOW + 10),
    ],
)
def test_the_events_time_tells_when_the_fall_began(
    contact: PresenceTracker, time: float, moment: float
) -> None:
    """If it can be trusted; else the arrival does."""
    contact.apply(said(online=True), NOW)
    contact.apply(said(online=False, time=time), NOW + 10)
    contact.tick(NOW + 13)
    assert shown(contact).last_seen == moment


def test_the_gateways_word_on_a_fall_beats_the_witness(
    contact: PresenceTracker,
) -> None:
    """Whether it comes with the fall or while that settles."""
    contact.apply(said(online=True), NOW)
    contact.apply(said(online=False, last_seen=NOW + 5), NOW + 10)
    assert shown(contact).last_seen == NOW + 5
    contact.tick(NOW + 13)
    assert shown(contact).last_seen == NOW + 5
    contact.apply(said(online=True), NOW + 20)
    contact.apply(said(online=False), NOW + 30)
    contact.apply(said(last_seen=NOW + 28), NOW + 31)
    contact.tick(NOW + 33)
    assert shown(contact).online is False
    assert shown(contact).last_seen == NOW + 28


def test_an_old_word_does_not_hide_a_later_fall(contact: PresenceTracker) -> None:
    """A last-seen told while online is of an earlier time."""
    contact.apply(said(online=True, last_seen=NOW - 100), NOW)
    contact.apply(said(online=False), NOW + 10)
    contact.tick(NOW + 13)
    assert shown(contact).last_seen == NOW + 10


def test_a_witness_never_moves_last_seen_back(contact: PresenceTracker) -> None:
    """A gateway's slow clock must not."""
    contact.apply(said(online=True, last_seen=NOW), NOW)
    contact.apply(said(online=False, time=NOW - 5000), NOW + 10)
    contact.tick(NOW + 13)
    assert shown(contact).last_seen == NOW


def test_last_seen_is_never_in_the_future(contact: PresenceTracker) -> None:
    """The gateway's clock may be ahead."""
    contact.apply(said(last_seen=NOW + 500), NOW)
    assert shown(contact).last_seen == NOW


@pytest.mark.parametrize("source", [Source.EVENT, Source.LIVE, Source.REMEMBERED])
def test_a_last_seen_of_the_future_is_said_once(source: Source) -> None:
    """Who left an hour ago did not leave just now because it is said again."""
    tracker = PresenceTracker(is_group=False, settle_time=3)
    word = said(online=False, activity=Activity.IDLE, last_seen=NOW + 3600)
    again = replace(word, source=source)
    tracker.renewed(NOW - 100)
    tracker.apply(said(online=True), NOW - 100)
    tracker.apply(word, NOW)
    for later in range(30, 7200, 30):
        tracker.apply(again, NOW + later)
        assert shown(tracker).last_seen == NOW
    # Who comes and leaves once more, does.
    tracker.apply(said(online=True), NOW + 7300)
    tracker.apply(said(online=False, last_seen=NOW + 9999), NOW + 7400)
    assert shown(tracker).last_seen == NOW + 7400


@pytest.mark.parametrize(
    "garbage",
    [0, -1, 86_400, 1_230_767_999, math.nan, math.inf, -math.inf],
)
def test_garbage_is_no_last_seen(contact: PresenceTracker, garbage: float) -> None:
    """Nobody was on WhatsApp before there was one."""
    contact.apply(said(online=False, last_seen=NOW - 9), NOW)
    assert not contact.apply(said(last_seen=garbage), NOW + 1)
    assert not contact.restore(garbage)
    assert shown(contact).last_seen == NOW - 9
    fresh = PresenceTracker(is_group=False, settle_time=3)
    assert not fresh.restore(garbage)
    assert shown(fresh).last_seen is None


def test_a_hidden_last_seen_is_ignored_but_the_witness_counts(
    contact: PresenceTracker,
) -> None:
    """What the gateway gives out as hidden may be its own clock."""
    contact.apply(said(online=True, last_seen_hidden=True, last_seen=NOW - 100), NOW)
    contact.apply(said(last_seen=NOW - 50), NOW + 1)
    assert shown(contact).last_seen is None
    assert shown(contact).access is PresenceAccess.LAST_SEEN_HIDDEN
    contact.apply(said(online=False), NOW + 10)
    contact.tick(NOW + 13)
    assert shown(contact).last_seen == NOW + 10
    contact.apply(said(last_seen_hidden=False, last_seen=NOW + 9), NOW + 20)
    assert shown(contact).last_seen == NOW + 9
    assert shown(contact).access is PresenceAccess.VISIBLE


def test_last_seen_is_restored_but_never_over_what_is_known(
    contact: PresenceTracker,
) -> None:
    """A restart does not lose it."""
    assert contact.restore(NOW - 500)
    assert shown(contact).last_seen == NOW - 500
    assert not contact.restore(NOW - 400)
    contact.apply(said(last_seen=NOW - 300), NOW)
    assert not contact.restore(NOW - 200)
    assert shown(contact).last_seen == NOW - 300
    fresh = PresenceTracker(is_group=False, settle_time=3)
    assert fresh.restore(NOW - 9)
    assert shown(fresh) == ChatPresence(last_seen=NOW - 9)
    assert not fresh.restore(NOW - 1)


def test_a_restored_last_seen_in_the_future_is_brought_back(
    contact: PresenceTracker,
) -> None:
    """As soon as the time is known."""
    contact.restore(NOW + 500)
    assert contact.tick(NOW)
    assert shown(contact).last_seen == NOW
    late = PresenceTracker(is_group=False, settle_time=3)
    late.tick(NOW)
    late.restore(NOW + 500)
    assert shown(late).last_seen == NOW


# Access


def test_access_follows_the_subscription(contact: PresenceTracker) -> None:
    """Refused, waiting, visible."""
    assert shown(contact).access is PresenceAccess.NOT_SUBSCRIBED
    assert contact.renewed(NOW)
    assert shown(contact).access is PresenceAccess.WAITING
    assert not contact.renewed(NOW)
    contact.apply(said(online=True), NOW)
    assert shown(contact).access is PresenceAccess.VISIBLE
    assert contact.failed(NOW, refused=True)
    assert shown(contact).access is PresenceAccess.NOT_SUBSCRIBED
    assert shown(contact).online is True


def test_data_shows_that_there_is_a_subscription(contact: PresenceTracker) -> None:
    """Events come to subscribers alone."""
    contact.apply(said(online=False), NOW)
    assert shown(contact).access is PresenceAccess.VISIBLE


def test_an_update_without_a_word_leaves_the_chat_waiting(
    contact: PresenceTracker,
) -> None:
    """Subscribed, but nothing known."""
    contact.apply(said(), NOW)
    assert shown(contact) == ChatPresence(access=PresenceAccess.WAITING)


def test_lost_data_shows_no_subscription(contact: PresenceTracker) -> None:
    """Unless it says so."""
    assert not contact.apply(said(has_data=False), NOW)
    assert shown(contact).access is PresenceAccess.NOT_SUBSCRIBED
    contact.apply(said(has_data=False, subscribed=True), NOW + 1)
    assert shown(contact).access is PresenceAccess.WAITING


def test_an_unsubscribed_chat_shows_its_data(contact: PresenceTracker) -> None:
    """A snapshot may be had without a subscription."""
    contact.apply(said(online=True, subscribed=False), NOW)
    assert shown(contact).online is True
    assert shown(contact).access is PresenceAccess.NOT_SUBSCRIBED


def test_a_hidden_last_seen_is_known_by_itself(contact: PresenceTracker) -> None:
    """It is all that some contacts let see."""
    contact.apply(said(last_seen_hidden=True), NOW)
    assert shown(contact).access is PresenceAccess.LAST_SEEN_HIDDEN
    contact.apply(said(has_data=False), NOW + 1)
    assert shown(contact).access is PresenceAccess.WAITING


def test_a_lost_instance_leaves_but_the_last_seen(
    contact: PresenceTracker, group: PresenceTracker
) -> None:
    """Nothing is known while nobody tells; nothing goes off afterwards."""
    contact.apply(said(online=True, activity=TYPING, last_seen=NOW - 9), NOW)
    contact.apply(said(online=False), NOW + 1)
    assert contact.forget()
    assert shown(contact) == ChatPresence(last_seen=NOW - 9)
    assert due(contact) is None
    assert not contact.forget()
    group.apply(member(ANNA, online=True, activity=TYPING), NOW)
    assert group.forget()
    assert shown(group) == ChatPresence()
    assert due(group) is None


# Order


def test_a_repeated_event_changes_nothing(contact: PresenceTracker) -> None:
    """Gateways deliver at least once, even long after."""
    contact.apply(said(online=True, event_id="a"), NOW)
    contact.apply(said(online=False, event_id="b"), NOW + 1)
    for _ in range(3):
        assert not contact.apply(said(online=True, event_id="a"), NOW + 2)
    assert due(contact) == NOW + 4
    contact.tick(NOW + 4)
    assert shown(contact).online is False


def test_a_repeated_event_still_lets_pending_ends_pass(
    contact: PresenceTracker,
) -> None:
    """Time goes on, whatever arrives."""
    contact.apply(said(online=True, event_id="a"), NOW)
    contact.apply(said(online=False, event_id="b"), NOW + 1)
    assert contact.apply(said(online=True, event_id="a"), NOW + 9)
    assert shown(contact).online is False


def test_the_last_sixteen_events_are_remembered(prompt: PresenceTracker) -> None:
    """Bounded memory: the seventeenth is a new one."""
    for number in range(17):
        prompt.apply(said(online=False, event_id=str(number)), NOW)
    assert not prompt.apply(said(online=True, event_id="1"), NOW)
    assert prompt.apply(said(online=True, event_id="0"), NOW)


def test_a_group_event_with_several_members_is_one_event(
    group: PresenceTracker,
) -> None:
    """Its id is that of all of them."""
    update = PresenceUpdate(
        chat_id=GROUP,
        event_id="a",
        members=(
            MemberUpdate(member_id=ANNA, online=True),
            MemberUpdate(member_id=BERT, online=True),
        ),
    )
    assert group.apply(update, NOW)
    assert shown(group).online_members == (ANNA, BERT)
    assert not group.apply(update, NOW + 1)


def test_a_late_event_changes_nothing(contact: PresenceTracker) -> None:
    """Order is the gateway's, not that of arrival."""
    contact.apply(said(online=True, time=NOW), NOW)
    late = said(
        online=False,
        activity=TYPING,
        last_seen=NOW - 9,
        last_seen_hidden=True,
        subscribed=False,
        time=NOW - 1,
    )
    before = shown(contact)
    assert not contact.apply(late, NOW + 1)
    assert shown(contact) is before
    assert due(contact) is None
    assert not contact.apply(said(has_data=False, time=NOW - 1), NOW + 1)


def test_events_of_the_same_time_are_applied(contact: PresenceTracker) -> None:
    """Some clocks tell whole seconds only."""
    contact.apply(said(online=False, time=NOW), NOW)
    assert contact.apply(said(online=True, time=NOW), NOW + 1)


def test_events_without_a_time_are_applied(contact: PresenceTracker) -> None:
    """Where the gateway tells none, arrival is the order."""
    contact.apply(said(online=False, time=NOW), NOW)
    assert contact.apply(said(online=True), NOW)


def test_a_clock_that_was_set_back_starts_anew(contact: PresenceTracker) -> None:
    """What is too old to be late is not late; else the chat would be frozen for hours."""
    ahead = NOW + 3600
    contact.apply(said(online=False, time=ahead), NOW)
    assert not contact.apply(said(online=True, time=ahead + 2 - LATE_LIMIT), NOW + 1)
    assert contact.apply(said(online=True, time=ahead + 2 - LATE_LIMIT), NOW + 2)
    contact.apply(said(activity=TYPING, time=ahead + 3 - LATE_LIMIT), NOW + 3)
    assert shown(contact).typing is True


def test_a_clock_in_the_future_keeps_its_order(contact: PresenceTracker) -> None:
    """Only the order of its own times counts."""
    contact.apply(said(online=False, time=NOW + 9000), NOW)
    assert contact.apply(said(online=True, time=NOW + 9001), NOW + 1)
    assert not contact.apply(said(online=False, time=NOW + 9000.5), NOW + 2)
    contact.apply(said(online=False, time=NOW + 9010), NOW + 10)
    contact.tick(NOW + 13)
    assert shown(contact).last_seen == NOW + 10


def test_members_have_each_their_own_order(group: PresenceTracker) -> None:
    """A late word on one of them may be news of another."""
    group.apply(member(ANNA, online=True, time=NOW), NOW)
    assert group.apply(member(BERT, online=True, time=NOW - 5), NOW + 1)
    assert not group.apply(member(ANNA, online=False, time=NOW - 5), NOW + 2)
    assert due(group) is None
    assert shown(group).online_members == (ANNA, BERT)


# Answers


def test_an_answer_is_applied(contact: PresenceTracker) -> None:
    """It tells the state at the start."""
    assert contact.apply(said(online=True, time=5.0), NOW + 1, asked_at=NOW)
    assert shown(contact).online is True


def test_an_answer_does_not_override_an_event_since_the_question(
    contact: PresenceTracker,
) -> None:
    """The event is newer, whatever the answer says of the state."""
    contact.apply(said(online=True, activity=IDLE), NOW + 1)
    before = shown(contact)
    stale = said(online=False, activity=TYPING)
    assert not contact.apply(stale, NOW + 2, asked_at=NOW)
    assert not contact.apply(said(has_data=False), NOW + 2, asked_at=NOW)
    assert shown(contact) is before
    assert due(contact) is None


def test_an_answer_to_a_later_question_is_newer(contact: PresenceTracker) -> None:
    """Than an event that came before it was asked."""
    contact.apply(said(online=False), NOW)
    assert contact.apply(said(online=True), NOW + 2, asked_at=NOW)


def test_an_outdated_answer_tells_facts(contact: PresenceTracker) -> None:
    """Subscription, access and last-seen do not come and go with events."""
    contact.apply(said(online=True, subscribed=False), NOW + 1)
    answer = said(online=False, last_seen=NOW - 50)
    assert contact.apply(answer, NOW + 2, asked_at=NOW)
    assert shown(contact).online is True
    assert shown(contact).last_seen == NOW - 50
    assert shown(contact).access is PresenceAccess.VISIBLE
    answer = said(last_seen_hidden=True, subscribed=True)
    assert contact.apply(answer, NOW + 3, asked_at=NOW)
    assert shown(contact).access is PresenceAccess.LAST_SEEN_HIDDEN
    answer = said(has_data=False, subscribed=False)
    assert contact.apply(answer, NOW + 4, asked_at=NOW)
    assert shown(contact).access is PresenceAccess.NOT_SUBSCRIBED


def test_an_outdated_answer_never_moves_last_seen_back(
    contact: PresenceTracker,
) -> None:
    """The event said it later."""
    contact.apply(said(online=False, last_seen=NOW), NOW + 1)
    assert not contact.apply(said(last_seen=NOW - 50), NOW + 2, asked_at=NOW)
    assert shown(contact).last_seen == NOW


def test_answers_are_applied_in_the_order_of_the_questions(
    contact: PresenceTracker,
) -> None:
    """The first may come last."""
    contact.apply(said(online=True), NOW + 2, asked_at=NOW + 1)
    assert not contact.apply(said(online=False), NOW + 3, asked_at=NOW)
    assert due(contact) is None


def test_a_late_event_does_not_override_a_newer_answer(
    contact: PresenceTracker,
) -> None:
    """The gateway's clock is an hour ahead, and one event was held up."""
    ahead = 3600
    contact.apply(said(online=False, time=NOW + ahead), NOW + 1)
    contact.apply(said(online=True), NOW + 31, asked_at=NOW + 30)
    held_up = said(online=False, time=NOW + 20 + ahead)
    assert not contact.apply(held_up, NOW + 40)
    assert due(contact) is None
    contact.apply(said(online=False, time=NOW + 41 + ahead), NOW + 42)
    assert due(contact) == NOW + 45


def test_an_implausibly_old_event_is_newer_than_the_answer(
    contact: PresenceTracker,
) -> None:
    """It is the estimate of the clocks that is wrong."""
    contact.apply(said(online=False, time=NOW), NOW)
    later = NOW + LATE_LIMIT + 1000
    contact.apply(said(online=True), later, asked_at=later)
    contact.apply(said(online=False, time=NOW + 10), later + 1)
    assert due(contact) == later + 4
    contact.apply(said(online=True, time=NOW + 1005), later + 996)
    assert shown(contact).online is True


def test_a_clock_that_was_set_back_is_estimated_anew(contact: PresenceTracker) -> None:
    """Events after an answer are not taken for events before it."""
    contact.apply(said(online=True, time=NOW), NOW)
    contact.apply(said(online=True, time=NOW - 690), NOW + 10)
    contact.apply(said(online=False), NOW + 20, asked_at=NOW + 20)
    assert contact.apply(said(online=True, time=NOW - 480), NOW + 220)
    assert shown(contact).online is True


def test_an_estimate_that_an_answer_proves_wrong_is_given_up(
    contact: PresenceTracker,
) -> None:
    """Of what was too quick for once, one event is lost at most, and not all."""
    contact.apply(said(online=False, time=NOW + 5), NOW)
    contact.apply(said(online=False), NOW + 100, asked_at=NOW + 100)
    assert not contact.apply(said(online=True, time=NOW + 101), NOW + 102)
    contact.apply(said(online=False), NOW + 103, asked_at=NOW + 103)
    assert contact.apply(said(online=True, time=NOW + 104), NOW + 104.5)


def test_a_wrong_estimate_of_the_clocks_heals(contact: PresenceTracker) -> None:
    """Our clock was set forward by minutes: no event is lost."""
    contact.apply(said(online=False, time=NOW), NOW)
    step = 500
    answered = NOW + step + 5
    contact.apply(said(online=False), answered, asked_at=answered)
    assert contact.apply(said(online=True, time=NOW + 6), answered + 1)


# Groups


def test_a_group_is_online_if_any_member_is(group: PresenceTracker) -> None:
    """And offline if any is known to be and none is online."""
    group.apply(member(ANNA, activity=IDLE), NOW)
    assert shown(group).online is None
    group.apply(member(ANNA, online=False), NOW)
    assert shown(group).online is False
    group.apply(member(BERT, online=True), NOW)
    assert shown(group).online is True
    assert shown(group).online_members == (BERT,)


def test_a_group_is_online_by_its_own_word(group: PresenceTracker) -> None:
    """Some gateways do not say who it is."""
    group.apply(lists(online=True), NOW)
    assert shown(group).online is True
    assert shown(group).online_members == ()
    group.apply(lists(online=False), NOW + 1)
    assert group.tick(NOW + 4)
    assert shown(group).online is False
    assert shown(group).typing is False
    assert shown(group).last_seen == NOW + 1


def test_members_are_listed_in_order(group: PresenceTracker) -> None:
    """Whoever came first."""
    group.apply(member(BERT, online=True, activity=TYPING), NOW)
    group.apply(member(ANNA, online=True, activity=TYPING), NOW)
    group.apply(member(BERT_LID, online=True, activity=RECORDING), NOW)
    assert shown(group).online_members == (BERT_LID, ANNA, BERT)
    assert shown(group).typing_members == (ANNA, BERT)
    assert shown(group).recording_members == (BERT_LID,)
    assert shown(group).typing is True
    assert shown(group).recording is True


def test_nobody_types_once_the_group_was_told_of(group: PresenceTracker) -> None:
    """A word on one member makes the others' silence known."""
    group.apply(PresenceUpdate(chat_id=GROUP, online=True), NOW)
    assert shown(group).typing is None
    group.apply(member(ANNA, online=True), NOW)
    assert shown(group).typing is False
    assert shown(group).recording is False


@pytest.mark.parametrize(
    "update", [lists(typing=set()), lists(recording=set())], ids=["typing", "recording"]
)
def test_an_empty_list_makes_silence_known(
    group: PresenceTracker, update: PresenceUpdate
) -> None:
    """Nobody is an answer."""
    group.apply(update, NOW)
    assert shown(group).typing is False
    assert shown(group).recording is False
    assert shown(group).access is PresenceAccess.VISIBLE


def test_lists_tell_of_everybody(group: PresenceTracker) -> None:
    """Who is not listed has stopped; that settles like any fall."""
    group.apply(lists({ANNA, BERT}, set()), NOW)
    assert shown(group).typing_members == (ANNA, BERT)
    group.apply(lists({BERT}, {BERT_LID}), NOW + 1)
    assert shown(group).typing_members == (ANNA, BERT)
    assert shown(group).recording_members == (BERT_LID,)
    assert due(group) == NOW + 4
    assert group.tick(NOW + 4)
    assert shown(group).typing_members == (BERT,)
    assert due(group) == NOW + 1 + TYPING_TIMEOUT


def test_a_list_of_typists_says_nothing_of_recorders(group: PresenceTracker) -> None:
    """What was not said changes nothing."""
    group.apply(lists({ANNA}, {BERT}), NOW)
    group.apply(lists(set(), None), NOW + 1)
    group.tick(NOW + 10)
    assert shown(group).typing_members == ()
    assert shown(group).recording_members == (BERT,)


def test_a_listed_member_changes_from_one_list_to_the_other(
    group: PresenceTracker,
) -> None:
    """At once; and one who is on both types."""
    group.apply(lists({ANNA}, {BERT}), NOW)
    group.apply(lists({BERT}, {ANNA, BERT}), NOW + 1)
    assert shown(group).typing_members == (BERT,)
    assert shown(group).recording_members == (ANNA,)


def test_nobody_types_in_a_group_that_went_offline(group: PresenceTracker) -> None:
    """Even if the lists were left out; unless they say so."""
    group.apply(lists({ANNA}, {BERT}, online=True), NOW)
    group.apply(lists({ANNA}, online=False), NOW + 1)
    group.tick(NOW + 4)
    assert shown(group).typing_members == (ANNA,)
    assert shown(group).recording_members == ()
    group.apply(lists(online=False), NOW + 5)
    group.tick(NOW + 8)
    assert shown(group).typing is False


def test_a_groups_own_typing_shows_without_a_name(group: PresenceTracker) -> None:
    """Somebody types; who, was not said."""
    group.apply(lists(activity=TYPING), NOW)
    assert shown(group).typing is True
    assert shown(group).typing_members == ()
    assert group.tick(NOW + TYPING_TIMEOUT)
    assert shown(group).typing is False


def test_late_lists_change_nothing(group: PresenceTracker) -> None:
    """They are the group's own word, and in its order."""
    group.apply(lists(set(), set(), time=NOW), NOW)
    assert not group.apply(lists({ANNA}, set(), time=NOW - 1), NOW + 1)


def test_a_list_does_not_override_a_newer_word_on_a_member(
    group: PresenceTracker,
) -> None:
    """Each member has their own order, in lists too."""
    group.apply(member(ANNA, online=False, time=NOW), NOW)
    assert group.apply(lists({ANNA, BERT}, time=NOW - 1), NOW + 1)
    assert shown(group).typing_members == (BERT,)


def test_one_update_may_tell_of_the_group_and_of_members(
    group: PresenceTracker,
) -> None:
    """Both count."""
    group.apply(
        PresenceUpdate(
            chat_id=GROUP,
            online=True,
            members=(MemberUpdate(member_id=ANNA, activity=TYPING),),
        ),
        NOW,
    )
    assert shown(group).online is True
    assert shown(group).typing_members == (ANNA,)


def test_typing_ends_for_each_member_by_itself(group: PresenceTracker) -> None:
    """The next deadline is the earliest of all."""
    group.apply(member(ANNA, activity=TYPING), NOW)
    group.apply(member(BERT, activity=RECORDING), NOW + 10)
    assert due(group) == NOW + TYPING_TIMEOUT
    assert group.tick(NOW + TYPING_TIMEOUT)
    assert shown(group).typing_members == ()
    assert due(group) == NOW + 10 + TYPING_TIMEOUT


def test_a_group_was_last_seen_when_the_last_member_left(
    group: PresenceTracker,
) -> None:
    """And not when the first did."""
    group.apply(member(ANNA, online=True), NOW)
    group.apply(member(BERT, online=True), NOW)
    group.apply(member(ANNA, online=False), NOW + 10)
    group.tick(NOW + 13)
    assert shown(group).online is True
    assert shown(group).last_seen is None
    group.apply(member(BERT, online=False), NOW + 20)
    group.tick(NOW + 23)
    assert shown(group).online is False
    assert shown(group).last_seen == NOW + 20


def test_a_late_timer_finds_the_last_who_left(group: PresenceTracker) -> None:
    """Though all are found to have left at the same time."""
    for number in range(9):
        group.apply(member(f"{number}@lid", online=True), NOW)
    for number in (4, 8, 1, 0, 5, 2, 7, 3, 6):
        moment = NOW + 1 + number / 10
        group.apply(member(f"{number}@lid", online=False), moment)
    group.tick(NOW + 10)
    assert shown(group).online is False
    assert shown(group).last_seen == NOW + 1.8


def test_a_group_was_last_seen_when_its_newest_member_was(
    group: PresenceTracker,
) -> None:
    """An older word on another member does not move it back."""
    group.apply(member(ANNA, online=False, last_seen=NOW - 10), NOW)
    group.apply(member(BERT, online=False, last_seen=NOW - 20), NOW)
    assert shown(group).last_seen == NOW - 10
    assert group.apply(member(BERT, last_seen=NOW + 20), NOW + 1)
    assert shown(group).last_seen == NOW + 1


def test_lost_data_of_a_group_is_lost_of_all_members(group: PresenceTracker) -> None:
    """At once, and for all whose word is not newer."""
    group.apply(member(ANNA, online=True, activity=TYPING, time=NOW), NOW)
    group.apply(member(BERT, online=True, time=NOW + 2), NOW + 2)
    lost = PresenceUpdate(
        chat_id=GROUP,
        has_data=False,
        time=NOW + 1,
        members=(MemberUpdate(member_id=ANNA, online=True),),
    )
    assert group.apply(lost, NOW + 3)
    assert shown(group).online_members == (BERT,)
    assert shown(group).typing is None
    assert due(group) is None


def test_members_are_known_by_their_main_id() -> None:
    """Events come under one id or the other."""
    aliases: dict[str, str] = {}
    group = PresenceTracker(is_group=True, settle_time=3, aliases=aliases)
    aliases[BERT_LID] = BERT
    group.apply(member(BERT_LID, online=True), NOW)
    group.apply(lists({BERT_LID}), NOW)
    assert shown(group).online_members == (BERT,)
    assert shown(group).typing_members == (BERT,)


def test_a_learned_alias_makes_one_member_of_two() -> None:
    """The newer word counts; what it left out, the older one tells."""
    aliases: dict[str, str] = {}
    group = PresenceTracker(is_group=True, settle_time=3, aliases=aliases)
    group.apply(member(BERT, online=True, activity=TYPING), NOW)
    group.apply(member(BERT_LID, online=False), NOW + 1)
    aliases[BERT_LID] = BERT
    assert group.learn_alias(BERT_LID, BERT)
    assert shown(group).online_members == ()
    assert shown(group).typing is False
    assert due(group) is None
    assert not group.learn_alias(BERT_LID, BERT)


def test_a_learned_alias_keeps_the_newer_word_of_the_main_id() -> None:
    """And its order, and takes over what was known of the other alone."""
    aliases: dict[str, str] = {}
    group = PresenceTracker(is_group=True, settle_time=3, aliases=aliases)
    group.apply(member(BERT_LID, online=True, activity=TYPING, time=NOW), NOW)
    group.apply(member(BERT, online=False, activity=IDLE, time=NOW - 5), NOW + 1)
    aliases[BERT_LID] = BERT
    assert group.learn_alias(BERT_LID, BERT)
    assert shown(group).online is False
    assert shown(group).typing is False
    assert not group.apply(member(BERT, online=True, time=NOW - 1), NOW + 2)

    group.apply(member("1@lid", online=True, activity=TYPING), NOW + 3)
    group.apply(member(ANNA), NOW + 4)
    assert group.learn_alias("1@lid", ANNA)
    assert shown(group).online_members == (ANNA,)
    assert shown(group).typing_members == (ANNA,)
    assert due(group) == NOW + 3 + TYPING_TIMEOUT


def test_a_learned_alias_keeps_what_one_list_told_of_either_id() -> None:
    """A list that names one id alone ends, at that moment, what the other did."""
    for before, after in ((BERT, BERT_LID), (BERT_LID, BERT)):
        for settle_time in (0, 3):
            group = PresenceTracker(is_group=True, settle_time=settle_time)
            group.apply(lists({before}), NOW)
            group.apply(lists({after}), NOW + 5)
            group.learn_alias(BERT_LID, BERT)
            assert shown(group).typing_members == (BERT,)
            assert due(group) == NOW + 5 + TYPING_TIMEOUT


def test_a_learned_alias_renames_a_member(group: PresenceTracker) -> None:
    """Known so far under the alias alone, with what is pending."""
    group.apply(member(BERT_LID, online=True, activity=TYPING), NOW)
    assert group.learn_alias(BERT_LID, BERT)
    assert shown(group).online_members == (BERT,)
    assert due(group) == NOW + TYPING_TIMEOUT
    assert not group.learn_alias(BERT, BERT)
    assert not group.learn_alias("2@lid", BERT)


def test_a_word_that_says_nothing_of_a_newer_alias_keeps_the_old(
    group: PresenceTracker,
) -> None:
    """A newer record without a word on online does not erase it."""
    group.apply(member(BERT, online=True, activity=TYPING), NOW)
    group.apply(member(BERT_LID), NOW + 1)
    assert not group.learn_alias(BERT_LID, BERT)
    assert shown(group).online_members == (BERT,)


def test_a_learned_alias_keeps_the_order_of_answers(group: PresenceTracker) -> None:
    """An older question's answer stays outdated under the main id."""
    group.apply(member(BERT_LID, online=False), NOW + 3, asked_at=NOW + 2)
    group.apply(member(BERT, online=False), NOW + 4, asked_at=NOW)
    group.learn_alias(BERT_LID, BERT)
    assert not group.apply(member(BERT, online=True), NOW + 5, asked_at=NOW + 1)
    assert group.apply(member(BERT, online=True), NOW + 6, asked_at=NOW + 3)


def test_a_learned_alias_keeps_the_order_of_events(group: PresenceTracker) -> None:
    """An answer that was outdated under the alias stays so under the main id."""
    group.apply(member(BERT_LID, online=False), NOW + 3)
    group.apply(member(BERT, online=False), NOW + 2)
    group.learn_alias(BERT_LID, BERT)
    assert not group.apply(member(BERT, online=True), NOW + 5, asked_at=NOW + 2)
    assert group.apply(member(BERT, online=True), NOW + 6, asked_at=NOW + 4)


def test_a_contact_has_no_members(contact: PresenceTracker) -> None:
    """What is said of members is not said of a contact."""
    contact.apply(member(BERT, online=True, activity=TYPING), NOW)
    contact.apply(lists({BERT}), NOW)
    assert shown(contact) == ChatPresence(access=PresenceAccess.WAITING)
    assert not contact.learn_alias(BERT, ANNA)


# Bounds


def test_members_without_a_word_are_dropped_when_a_group_is_full(
    group: PresenceTracker,
) -> None:
    """They take room and tell nothing."""
    group.apply(member(ANNA, online=True), NOW)
    for number in range(1, 2 * MAX_MEMBERS):
        group.apply(member(f"{number}@lid"), NOW)
    assert group.apply(member(BERT, online=True), NOW)
    assert shown(group).online_members == (ANNA, BERT)
    assert _size(group) <= MAX_MEMBERS


def test_offline_members_go_next_when_a_group_is_full(group: PresenceTracker) -> None:
    """One for one; those who are online stay."""
    group.apply(member(ANNA, online=True), NOW)
    for number in range(1, 2 * MAX_MEMBERS):
        group.apply(member(f"{number}@lid", online=False), NOW)
    assert group.apply(member(BERT, online=True), NOW)
    assert shown(group).online_members == (ANNA, BERT)
    assert _size(group) == MAX_MEMBERS


def test_a_group_full_of_busy_members_takes_no_more(group: PresenceTracker) -> None:
    """Nobody has a group like that; memory is bounded all the same."""
    crowd = {f"{number}@lid" for number in range(MAX_MEMBERS)}
    group.apply(lists(crowd), NOW)
    assert not group.apply(lists(crowd | {ANNA}, recording={BERT}), NOW + 1)
    assert not group.apply(member(ANNA, online=True), NOW + 1)
    assert len(shown(group).typing_members) == MAX_MEMBERS
    assert group.tick(NOW + 1 + TYPING_TIMEOUT)
    assert due(group) is None


def test_one_update_with_a_crowd_leaves_nothing_behind(group: PresenceTracker) -> None:
    """More members at once than there is room for."""
    crowd = {f"{number}@lid" for number in range(3 * MAX_MEMBERS)}
    group.apply(lists(crowd, crowd), NOW)
    assert len(shown(group).typing_members) == MAX_MEMBERS
    group.tick(NOW + TYPING_TIMEOUT)
    assert shown(group).typing_members == ()
    assert due(group) is None


def _size(group: PresenceTracker) -> int:
    """Return how many members a tracker keeps."""
    return len(group._members)


# The clock


def test_ticking_before_the_deadline_changes_nothing(contact: PresenceTracker) -> None:
    """A timer may be early."""
    contact.apply(said(online=True, activity=TYPING), NOW)
    before = shown(contact)
    for second in (0, 1, 29, 29.99):
        assert not contact.tick(NOW + second)
    assert shown(contact) is before


def test_a_clock_set_back_does_not_freeze_what_is_pending(
    contact: PresenceTracker, group: PresenceTracker
) -> None:
    """The rest of the time passes on the new clock."""
    contact.apply(said(online=True), NOW)
    contact.apply(said(online=False), NOW + 10)
    back = NOW - 7200
    assert not contact.tick(back)
    assert due(contact) == back + 3
    assert contact.tick(back + 3)
    assert shown(contact).online is False
    assert shown(contact).last_seen == back + 3
    group.apply(member(ANNA, activity=TYPING), NOW)
    group.apply(member(BERT, activity=TYPING), back)
    assert due(group) == back + TYPING_TIMEOUT


def test_a_clock_set_back_keeps_the_order_of_answers(contact: PresenceTracker) -> None:
    """Later questions are not taken for earlier ones."""
    contact.apply(said(online=False, time=NOW), NOW)
    back = NOW - 7200
    assert contact.apply(said(online=True), back + 1, asked_at=back + 0.5)
    contact.apply(said(online=False, time=NOW + 5), back + 6)
    assert due(contact) == back + 9


def test_a_clock_set_back_brings_last_seen_back(contact: PresenceTracker) -> None:
    """Last seen is never in the future."""
    contact.apply(said(online=False, last_seen=NOW), NOW)
    assert contact.tick(NOW - 3600)
    assert shown(contact).last_seen == NOW - 3600


def test_a_clock_that_jitters_is_left_alone(contact: PresenceTracker) -> None:
    """Up to a minute back is no setting of the clock."""
    contact.apply(said(activity=TYPING), NOW)
    assert not contact.tick(NOW - CLOCK_JUMP)
    assert due(contact) == NOW + TYPING_TIMEOUT


# Speed


def test_a_repeated_event_costs_next_to_nothing(contact: PresenceTracker) -> None:
    """The hot path: no new presence, and a handful of calls."""
    updates = [
        said(online=True, activity=TYPING, time=NOW + number, event_id=str(number))
        for number in range(2000)
    ]
    contact.apply(said(online=True, activity=TYPING), NOW)
    before = shown(contact)
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    outside = sys.getprofile()
    sys.setprofile(count)
    try:
        for update in updates:
            contact.apply(update, NOW)
    finally:
        sys.setprofile(outside)
    assert calls <= 15 * len(updates)
    assert shown(contact) is before


def test_any_order_of_members_gives_the_same_presence() -> None:
    """Members do not influence each other."""
    updates = [
        member(f"{number}@lid", online=number % 2 == 0, activity=activity)
        for number, activity in enumerate((IDLE, TYPING, RECORDING) * 5)
    ]
    seen: set[ChatPresence] = set()
    shuffle: Callable[[list[PresenceUpdate]], None] = random.Random(7).shuffle
    for _ in range(20):
        group = PresenceTracker(is_group=True, settle_time=3)
        for update in updates:
            group.apply(update, NOW)
        seen.add(shown(group))
        shuffle(updates)
    assert len(seen) == 1
