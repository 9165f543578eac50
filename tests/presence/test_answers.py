"""What a remembered answer tells, and what it does not."""

import pytest

from custom_components.whatsapp_presence.presence.model import (
    Activity,
    MemberUpdate,
    PresenceAccess,
    PresenceUpdate,
    Source,
)

from .common import ANNA, ANNA_LID, BERT, BERT_LID, GROUP, NOW, Talk

BUSY = ["typing", "recording"]


# The same word


@pytest.mark.parametrize("word", BUSY)
def test_an_old_typing_does_not_begin_again(word: str) -> None:
    """The gateway remembers it for hours; nobody types."""
    talk = Talk().renewed().event(word)
    assert talk.presence.activity is Activity(word)
    talk.at(31)
    assert talk.presence.activity is Activity.IDLE
    for second in range(40, 8000, 300):
        talk.at(second).renewed().answer(word)
        assert talk.presence.activity is Activity.IDLE
        assert not talk.tracker.missed
    assert talk.online is None


@pytest.mark.parametrize("word", BUSY)
def test_an_old_typing_does_not_begin_after_a_restart(word: str) -> None:
    """Nothing is known yet, and that word may be of any time."""
    talk = Talk().renewed().answer(word)
    assert talk.presence.activity is Activity.IDLE
    talk.at(500)
    assert talk.presence.activity is Activity.IDLE
    assert talk.fired == []


@pytest.mark.parametrize("word", BUSY)
def test_a_members_old_typing_does_not_begin_again(word: str) -> None:
    """A group's answer repeats its members' words."""
    talk = Talk(is_group=True).renewed().event(word).at(60).answer(word)
    assert talk.presence.activity is Activity.IDLE
    talk = Talk(is_group=True).renewed().answer(word)
    assert talk.presence.activity is Activity.IDLE
    assert talk.presence.typing_members == talk.presence.recording_members == ()


def test_the_same_word_is_no_sign() -> None:
    """An implied online does not live on what is only repeated."""
    talk = Talk().renewed().event("paused")
    for second in range(30, 300, 30):
        talk.at(second).answer("paused")
    assert talk.at(299).online is True
    assert talk.at(300).online is None


def test_the_same_offline_stays() -> None:
    """And does not go back behind what is known."""
    talk = Talk().renewed().event("offline", last_seen=NOW - 50)
    talk.at(1000).answer("offline", last_seen=NOW - 80)
    assert talk.online is False
    assert talk.last_seen == -50


# Another word


def test_another_word_is_newer() -> None:
    """It is shown like an event's, but that nobody begins to type."""
    talk = Talk().renewed().event("offline")
    talk.at(100).answer("typing")
    assert talk.online is True
    assert talk.presence.activity is Activity.IDLE
    assert talk.tracker.missed
    assert talk.at(399).online is True
    assert talk.at(400).online is None


def test_another_word_ends_typing() -> None:
    """It was said since that somebody paused."""
    talk = Talk().renewed().event("typing").at(5).answer("paused").at(8)
    assert talk.presence.typing is False
    assert talk.online is True


def test_a_typing_that_goes_on_is_left_to_its_events() -> None:
    """A remembered recording neither begins nor ends anything."""
    talk = Talk().renewed().event("typing").at(5).answer("recording")
    assert talk.presence.activity is Activity.TYPING
    talk.at(30)
    assert talk.presence.activity is Activity.IDLE


def test_polling_shows_who_comes_and_goes() -> None:
    """Without events, answers are all there is."""
    talk = Talk().renewed().answer("offline").at(3)
    assert talk.online is False
    talk.interrupted(subscribed=True)
    assert talk.at(33).answer("online").online is True
    assert not talk.tracker.missed
    assert talk.at(63).answer("online").online is True
    assert talk.at(93).answer("offline").at(96).online is False
    assert talk.last_seen == 93
    assert [str(change) for change in talk.fired] == ["came_online", "went_offline"]


def test_a_polled_online_ages_like_a_said_one() -> None:
    """It was seen to begin; then nobody said anything for long."""
    talk = Talk().renewed().answer("offline").at(10).answer("online")
    for second in (1000, 2000):
        assert talk.at(second).renewed().answer("online").online is True
    assert talk.at(2999).online is True
    assert talk.at(3000).renewed().online is None
    assert talk.last_seen == 10


def test_a_word_after_none_at_all_was_seen_to_begin() -> None:
    """There was an answer before, though there was nothing in it."""
    talk = Talk().renewed().answer("nothing").at(30).answer("online")
    assert talk.at(1000).online is True


def test_an_empty_answer_takes_nothing_back() -> None:
    """The gateway remembers nothing under this id; what is known stays."""
    talk = Talk().renewed().event("online").at(10).answer("nothing")
    assert talk.online is True
    talk = Talk(is_group=True).renewed().event("typing").at(1).answer("nothing")
    assert talk.presence.typing_members == (ANNA,)
    assert talk.presence.access is PresenceAccess.VISIBLE


def test_an_empty_answer_is_no_word_to_compare_with() -> None:
    """What is remembered again after it is as old as it was before."""
    talk = Talk().renewed().answer("online").at(30).answer("nothing")
    talk.at(60).answer("online").at(130)
    assert talk.online is None


def test_another_word_is_news_of_the_chat() -> None:
    """Half an hour of silence counts from it."""
    talk = Talk().renewed().answer("offline").at(2000).answer("online")
    for seconds in (2600, 3200, 3799):
        assert talk.at(seconds).renewed().answer("online").online is True
    assert talk.at(3800).online is None


# Changes that no event told


def test_a_change_is_missed_only_if_events_should_have_come() -> None:
    """After a gap, nobody wonders."""
    talk = Talk().renewed().event("offline")
    assert talk.at(60).answer("online").tracker.missed
    assert not talk.at(90).answer("online").tracker.missed
    assert talk.at(120).answer("offline").tracker.missed
    talk.at(130).interrupted().at(140).renewed()
    assert not talk.answer("online").tracker.missed
    assert talk.at(170).answer("offline").tracker.missed
    talk.at(200).interrupted(subscribed=True)
    assert not talk.at(210).answer("online").tracker.missed
    assert not talk.at(240).answer("offline").tracker.missed
    talk.at(250).tracker.resumed(talk.now)
    assert not talk.at(270).answer("online").tracker.missed
    assert talk.at(300).answer("offline").tracker.missed


def test_an_event_shows_that_events_come_again() -> None:
    """Nobody has to say so."""
    talk = Talk().renewed().event("offline").interrupted(subscribed=True)
    talk.at(10).event("offline").at(20)
    assert talk.answer("online").tracker.missed


def test_a_live_answer_that_knows_better_is_a_change_missed() -> None:
    """Of being online at once, and of typing that no event began."""
    talk = Talk().renewed().live(online=False, activity=Activity.IDLE)
    assert not talk.tracker.missed
    assert talk.at(10).live(online=True).tracker.missed
    assert not talk.at(20).live(online=True).tracker.missed
    assert talk.at(30).live(activity=Activity.TYPING).tracker.missed
    assert talk.presence.typing is True
    assert talk.at(40).live(online=False).tracker.missed
    assert not talk.at(50).event("online").tracker.missed


# The first answer


def test_a_first_online_must_be_confirmed() -> None:
    """It may be of any time."""
    talk = Talk().renewed().at(1).answer("online")
    assert talk.online is True
    assert talk.at(119).online is True
    assert talk.at(120).online is None
    assert talk.last_seen is None
    assert talk.at(300).answer("online").online is None
    assert talk.fired == []


def test_an_event_confirms_a_first_online() -> None:
    """From then on it ages like any other."""
    talk = Talk().renewed().answer("online").at(100).event("online")
    assert talk.at(5000).online is True
    talk = Talk().renewed().answer("online").at(100).event("paused")
    assert talk.at(399).online is True
    assert talk.at(400).online is None
    assert talk.last_seen == 100


def test_the_two_minutes_are_those_of_the_chats_own_subscription() -> None:
    """What answers for all may come long before it."""
    talk = Talk().answer("online")
    assert talk.at(500).online is True
    talk.renewed()
    assert talk.at(619).online is True
    assert talk.at(620).online is None
    talk = Talk().renewed().at(121).answer("online")
    assert talk.online is None


def test_a_first_offline_waits_for_events() -> None:
    """WhatsApp tells within a moment of the subscription how it is."""
    talk = Talk().renewed().answer("offline", last_seen=NOW - 500)
    assert talk.online is None
    assert talk.last_seen == -500
    assert talk.at(2.9).online is None
    assert talk.at(3).online is False
    assert talk.presence.typing is False
    assert talk.last_seen == -500
    assert talk.fired == []


def test_no_trigger_fires_because_of_an_old_offline() -> None:
    """She is online, as an event says a moment later."""
    talk = Talk().renewed().answer("offline").at(1).event("online")
    assert talk.online is True
    assert talk.at(100).online is True
    assert talk.fired == []


def test_no_trigger_fires_because_of_an_old_online() -> None:
    """She left hours ago, as an event says; nobody has seen her leave just now."""
    talk = Talk().renewed().answer("online").at(1).event("offline")
    assert talk.at(2).online is None
    assert talk.at(4).online is False
    assert talk.last_seen is None
    assert talk.fired == []


def test_a_first_offline_waits_for_the_subscription() -> None:
    """Of a chat that is not subscribed nobody would tell."""
    talk = Talk().answer("offline")
    assert talk.at(100).online is None
    assert talk.tracker.deadline is None
    talk.renewed()
    assert talk.at(103).online is False
    assert Talk().renewed().at(5).answer("offline").online is False


def test_an_event_outlives_a_first_answer() -> None:
    """Whichever comes first, and whatever else it tells."""
    talk = Talk().renewed().at(1).event("offline").answer("online", asked_at=0)
    assert talk.online is False
    talk = Talk().renewed().answer("offline")
    update = PresenceUpdate(chat_id=ANNA, activity=Activity.TYPING)
    assert talk.tracker.apply(update, NOW + 1)
    assert talk.tracker.deadline == NOW + 31
    assert talk.online is None


def test_after_a_loss_answers_are_first_again() -> None:
    """The last word of before tells nothing any more."""
    talk = Talk().renewed().event("offline").interrupted().at(120).forgotten()
    assert talk.online is None
    talk.at(200).renewed().answer("offline").at(203)
    assert talk.online is False


@pytest.mark.parametrize("how", ["left", "lapsed"])
def test_nobody_comes_online_in_a_group_by_a_first_word(how: str) -> None:
    """The group is known to be off; who was never told of may be of long ago."""
    talk = Talk(is_group=True).renewed()
    if how == "left":
        talk.event("online").event("offline").at(10)
    else:
        talk.event("paused").at(310)
    assert talk.online is False
    fired = list(talk.fired)
    talk.answer("online", member=BERT).at(500)
    assert talk.online is False
    assert talk.presence.online_members == ()
    assert talk.fired == fired
    # Another word than the first was said since.
    talk.answer("paused", member=BERT)
    assert talk.presence.online_members == (BERT,)


def test_a_group_begins_with_first_words() -> None:
    """Of whom it knows nothing, one who is online shows."""
    talk = Talk(is_group=True).renewed().answer("online", member=BERT)
    assert talk.presence.online_members == (BERT,)
    assert talk.answer("offline").at(10).online is True
    assert talk.at(120).online is None
    assert talk.fired == []


# Under which id


def test_answers_under_an_id_without_events_are_ignored() -> None:
    """Nothing comes under the number any more: what it repeats is of long ago."""
    talk = Talk().renewed().event("online", chat_id=ANNA_LID)
    assert talk.at(9).answer("offline").at(20).online is True
    assert talk.answer("offline", chat_id=ANNA_LID).at(30).online is False


def test_an_ignored_answer_makes_no_event_a_late_one() -> None:
    """What is still under way was said under an id that it knows nothing of."""
    talk = Talk().renewed().event("online", chat_id=ANNA_LID, time=NOW)
    talk.at(100).answer("online").at(104)
    talk.event("offline", chat_id=ANNA_LID, time=NOW + 95).at(110)
    assert talk.online is False
    # One under their own id knew of it.
    talk.at(200).answer("online", chat_id=ANNA_LID).at(204)
    talk.event("offline", chat_id=ANNA_LID, time=NOW + 195).at(210)
    assert talk.online is True


def test_a_first_answer_makes_no_event_under_another_id_a_late_one() -> None:
    """Under the number there is nothing new, and the first event is still under way."""
    talk = Talk().renewed().event("nothing", chat_id=ANNA_LID, time=NOW)
    talk.at(100).renewed().answer("offline").at(102)
    talk.event("online", chat_id=ANNA_LID, time=NOW + 95)
    assert talk.online is True
    talk = Talk().renewed().event("nothing", chat_id=ANNA_LID, time=NOW)
    talk.at(100).renewed().answer("online", chat_id=ANNA_LID).at(102)
    talk.event("offline", chat_id=ANNA_LID, time=NOW + 95).at(110)
    assert talk.online is True


def test_the_id_that_was_asked_counts() -> None:
    """Not the one in the answer."""
    talk = Talk().renewed().event("offline", chat_id=ANNA_LID).at(9)
    assert talk.answer("online", asked_as=ANNA, chat_id=ANNA_LID).online is False
    assert talk.answer("online", asked_as=ANNA_LID, chat_id=ANNA).online is True


def test_each_id_is_compared_with_itself() -> None:
    """Before there are events, both are asked."""
    talk = Talk().renewed().answer("nothing").answer("offline", chat_id=ANNA_LID).at(5)
    for second in (30, 60):
        talk.at(second).answer("nothing").answer("offline", chat_id=ANNA_LID)
        assert talk.online is False
    talk.at(90).answer("nothing").answer("online", chat_id=ANNA_LID)
    assert talk.online is True
    assert talk.tracker.missed


def test_a_members_answers_are_compared_under_their_id() -> None:
    """Number and lid are one member, and two memories."""
    talk = Talk(is_group=True)
    talk.aliases[BERT_LID] = BERT
    talk.renewed().event("paused", member=BERT_LID).at(60)
    talk.answer("offline", member=BERT)
    assert talk.at(70).presence.online_members == (BERT,)
    assert talk.answer("offline", member=BERT_LID).at(80).online is False


def test_a_learned_alias_takes_its_words_along() -> None:
    """What was told under the lid is the last word of the lid still."""
    talk = Talk(is_group=True).renewed().event("typing", member=BERT_LID)
    talk.at(1).answer("offline", member=BERT).at(50)
    talk.aliases[BERT_LID] = BERT
    talk.note(talk.tracker.learn_alias(BERT_LID, BERT))
    talk.answer("typing", member=BERT_LID)
    assert not talk.tracker.missed
    assert talk.answer("paused", member=BERT_LID).tracker.missed


def test_one_answer_tells_of_all_members() -> None:
    """Of each as new as it is."""
    talk = Talk(is_group=True).renewed().event("typing").at(60)
    answer = PresenceUpdate(
        chat_id=GROUP,
        source=Source.REMEMBERED,
        members=(
            MemberUpdate(
                member_id=ANNA, online=True, activity=Activity.TYPING, implied=True
            ),
            MemberUpdate(member_id=BERT, online=True, activity=Activity.IDLE),
        ),
    )
    talk.note(talk.tracker.apply(answer, talk.now))
    assert talk.presence.online_members == (ANNA, BERT)
    assert talk.at(180).presence.online_members == (ANNA,)
    assert talk.at(300).presence.online_members == ()


def test_typing_lists_of_a_remembered_answer_begin_nothing() -> None:
    """Whoever makes them."""
    talk = Talk(is_group=True).renewed()
    update = PresenceUpdate(
        chat_id=GROUP, source=Source.REMEMBERED, typing_members=frozenset({ANNA})
    )
    assert not talk.tracker.apply(update, NOW)


# Without paused


def test_online_after_typing_is_only_implied_where_nobody_pauses() -> None:
    """The engine says so instead of paused."""
    talk = Talk().renewed().event("typing").at(5).event("online", never_pauses=True)
    assert talk.at(304).online is True
    assert talk.at(305).online is None
    talk = Talk().renewed().event("typing").at(60).answer("online", never_pauses=True)
    assert talk.at(359).online is True
    assert talk.at(360).online is None


def test_online_after_a_typing_that_is_only_remembered_is_implied_too() -> None:
    """It pauses what it did when Home Assistant was started."""
    talk = Talk().renewed().answer("typing", never_pauses=True).at(7)
    talk.event("online", never_pauses=True)
    assert talk.at(306).online is True
    assert talk.at(307).online is None
    talk = Talk().renewed().answer("online", never_pauses=True).at(7)
    assert talk.event("online", never_pauses=True).at(1000).online is True


def test_online_that_was_said_before_the_typing_stays_said() -> None:
    """And an online that follows no typing is one."""
    talk = Talk().renewed().event("online", never_pauses=True).at(9).event("typing")
    talk.at(12).event("online", never_pauses=True)
    assert talk.at(4000).online is True
    talk = Talk().renewed().event("typing").at(9).event("online", never_pauses=True)
    talk.at(12).event("online", never_pauses=True)
    assert talk.at(4000).online is True


def test_an_offline_ends_what_was_said() -> None:
    """Typing after it, however soon, only implies online."""
    talk = Talk().renewed().event("online").at(9).event("offline").at(10)
    talk.event("typing")
    assert talk.at(309).online is True
    assert talk.at(310).online is None
