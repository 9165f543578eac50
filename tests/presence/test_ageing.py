"""How long an online holds, and what becomes of a chat that can't be asked."""

import pytest

from custom_components.whatsapp_presence.presence.model import (
    Activity,
    PresenceAccess,
    PresenceUpdate,
)

from .common import ANNA, BERT, GROUP, NOW, Talk


@pytest.fixture
def talk() -> Talk:
    """Return a contact's, subscribed."""
    return Talk().renewed()


@pytest.fixture
def group() -> Talk:
    """Return a group's, subscribed."""
    return Talk(is_group=True).renewed()


# Implied


def test_an_implied_online_lapses_after_five_minutes(talk: Talk) -> None:
    """Somebody who hides being online types, pauses, and nothing follows."""
    talk.event("typing").at(10).event("paused")
    assert talk.at(309).online is True
    assert talk.at(310).online is None
    assert talk.presence.typing is False
    assert talk.presence.access is PresenceAccess.VISIBLE
    assert talk.last_seen == 10
    assert talk.tracker.deadline is None
    assert "went_offline" not in talk.fired


def test_each_sign_prolongs_an_implied_online(talk: Talk) -> None:
    """The five minutes count from the last."""
    for second in range(0, 1000, 250):
        assert talk.at(second).event("typing").online is True
    assert talk.at(1049).online is True
    assert talk.at(1050).online is None
    assert talk.last_seen == 750


def test_what_is_no_word_on_online_is_no_sign(talk: Talk) -> None:
    """Typing may be told without it."""
    talk.event("typing").at(200)
    update = PresenceUpdate(chat_id=ANNA, activity=Activity.TYPING)
    talk.note(talk.tracker.apply(update, talk.now))
    assert talk.at(299).online is True
    assert talk.at(300).online is None


def test_a_lapse_never_moves_last_seen_back(talk: Talk) -> None:
    """The gateway may know a later one."""
    talk.event("paused").at(200)
    talk.tracker.apply(PresenceUpdate(chat_id=ANNA, last_seen=NOW + 150), talk.now)
    assert talk.at(300).last_seen == 150


def test_after_a_lapse_somebody_comes_anew(talk: Talk) -> None:
    """What was said before the lapse is over."""
    talk.event("paused").at(400).event("typing")
    assert talk.online is True
    assert talk.at(700).online is None


# Said


def test_a_said_online_lapses_after_half_an_hour_and_three_renewals(
    talk: Talk,
) -> None:
    """Both must be."""
    talk.at(10).event("online")
    for second in (600, 1200, 1800):
        assert talk.at(second).renewed().online is True
    assert talk.tracker.deadline == NOW + 1810
    assert talk.at(1809).online is True
    assert talk.at(1810).online is None
    assert talk.last_seen == 10


def test_half_an_hour_alone_does_not_end_a_said_online(talk: Talk) -> None:
    """Where asking is rare, it goes on until the third renewal."""
    talk.event("online")
    for second in (4000, 8000):
        assert talk.at(second).renewed().online is True
    assert talk.at(11_999).online is True
    assert talk.at(12_000).renewed().online is None


@pytest.mark.parametrize("word", ["online", "typing", "recording", "paused"])
def test_any_event_keeps_a_said_online(talk: Talk, word: str) -> None:
    """Typing and paused refresh it, and never shorten it."""
    talk.event("online")
    for second in (600, 1200, 1799):
        talk.at(second).renewed()
    talk.event(word)
    assert talk.at(4000).online is True
    for second in (4100, 4200):
        talk.at(second).renewed()
    assert talk.at(6000).online is True
    assert talk.at(6001).renewed().online is None
    assert talk.last_seen == 1799


def test_a_live_answer_is_a_sign(talk: Talk) -> None:
    """It tells how it is now."""
    talk.event("online")
    for second in range(300, 9000, 300):
        assert talk.at(second).renewed().live(online=True).online is True
    # Then it tells nothing any more.
    for second in (9000, 9300, 9600):
        talk.at(second).renewed()
    assert talk.at(10_499).online is True
    assert talk.at(10_500).online is None
    assert talk.last_seen == 8700


def test_offline_does_not_age(talk: Talk) -> None:
    """Somebody's coming would be heard of."""
    talk.event("offline")
    for second in range(1000, 90_000, 1000):
        assert talk.at(second).renewed().answer("offline").online is False
    assert talk.fired == []


# Groups


def test_a_group_is_off_when_its_last_online_lapses(group: Talk) -> None:
    """Nobody is known to be there, and whoever comes will be heard of."""
    group.event("typing").at(5).event("paused").at(100).event("paused", member=BERT)
    assert group.at(305).presence.online_members == (BERT,)
    assert group.online is True
    assert group.at(400).online is False
    assert group.presence.online_members == ()
    assert group.last_seen == 100


def test_a_group_is_unknown_when_its_last_online_lapses_unheard(group: Talk) -> None:
    """Whoever came would not be heard of."""
    group.event("offline", member=BERT).event("paused").at(200).failed()
    assert group.at(299).online is True
    assert group.at(300).online is None
    group.event("offline", member=BERT)
    assert group.online is False


def test_a_lost_group_is_unknown_when_its_last_online_lapses(group: Talk) -> None:
    """Away for a moment, it keeps what it shows, which ages as always."""
    group.event("paused").at(290).interrupted()
    assert group.at(300).online is None
    assert group.last_seen == 0


def test_a_groups_own_online_ages_too() -> None:
    """Where it is not said who it is."""
    group = Talk(is_group=True).renewed().live(online=True)
    for second in (600, 1200, 1800):
        group.at(second).renewed()
    assert group.online is False


def test_news_of_one_member_keeps_what_was_said_of_another(group: Talk) -> None:
    """There was an event of the chat: somebody's leaving would have been told."""
    group.event("online")
    for second in (600, 1200, 1700):
        group.at(second).renewed()
    group.event("typing", member=BERT)
    assert group.at(2500).presence.online_members == (ANNA,)
    for second in (2600, 2700, 2800):
        group.at(second).renewed()
    assert group.at(3499).online is True
    assert group.at(3500).online is False


# Calls that fail


def test_a_chat_whose_calls_keep_failing_is_unknown(talk: Talk) -> None:
    """Three in a row, ten minutes, no event."""
    talk.event("online", last_seen=NOW - 9)
    for second in (100, 400, 699):
        assert talk.at(second).failed().online is True
        assert not talk.tracker.failing
    talk.at(700).failed()
    assert talk.tracker.failing
    assert talk.online is None
    assert talk.presence.activity is None
    assert talk.presence.access is PresenceAccess.NOT_SUBSCRIBED
    assert talk.last_seen == -9
    assert talk.fired == []
    talk.at(800).renewed()
    assert not talk.tracker.failing
    assert talk.presence.access is PresenceAccess.WAITING


def test_two_failures_are_not_enough(talk: Talk) -> None:
    """However far apart."""
    talk.event("offline").at(100).failed().at(5000).failed()
    assert talk.online is False
    assert talk.at(5001).failed().online is None


@pytest.mark.parametrize("success", ["event", "renewal", "live answer"])
def test_a_success_ends_the_row(talk: Talk, success: str) -> None:
    """And what is known stays."""
    talk.event("offline").at(100).failed().at(400).failed().at(600)
    if success == "event":
        talk.event("offline")
    elif success == "renewal":
        talk.renewed()
    else:
        talk.live(online=False)
    assert talk.at(800).failed().online is False
    assert talk.at(1399).failed().failed().online is False
    assert talk.at(1400).failed().online is None


def test_a_remembered_answer_is_no_success(talk: Talk) -> None:
    """What answers for all repeats old words of a chat that nobody subscribes."""
    talk.event("offline").at(100).failed().at(400).failed().at(600).answer("offline")
    assert talk.at(700).failed().online is None


def test_an_event_makes_a_failing_chat_known_again(talk: Talk) -> None:
    """It comes to subscribers alone."""
    for second in (0, 300, 600):
        talk.at(second).failed()
    assert talk.tracker.failing
    talk.event("online")
    assert not talk.tracker.failing
    assert talk.online is True
    assert talk.presence.access is PresenceAccess.VISIBLE


def test_a_refusal_is_told_at_once_and_counts_like_a_failure(talk: Talk) -> None:
    """What is known stays meanwhile."""
    talk.event("offline").at(100).failed(refused=True)
    assert talk.presence.access is PresenceAccess.NOT_SUBSCRIBED
    assert talk.online is False
    talk.at(2000).failed(refused=True)
    assert talk.online is False
    talk.at(4000).failed(refused=True)
    assert talk.online is None
    assert talk.tracker.failing


def test_a_lost_instance_is_no_failing_chat(talk: Talk) -> None:
    """Its own repair says so."""
    for second in (0, 300, 600):
        talk.at(second).failed()
    talk.forgotten()
    assert not talk.tracker.failing


# In one breath


@pytest.mark.parametrize("first", [ANNA, BERT])
def test_two_who_end_in_one_breath_end_together(group: Talk, first: str) -> None:
    """The recording beneath the typing does not flash."""
    second = BERT if first == ANNA else ANNA
    group.event("typing", member=ANNA).event("recording", member=BERT)
    assert group.presence.activity is Activity.TYPING
    group.at(10).event("paused", member=first)
    group.at(10.003).event("paused", member=second).at(20)
    activities = [presence.activity for presence in group.shown]
    assert Activity.RECORDING not in activities
    assert activities[-1] is Activity.IDLE
    assert group.presence.recording_members == ()


def test_two_who_time_out_in_one_breath_end_together(group: Talk) -> None:
    """Nobody said that they paused."""
    group.event("typing").at(0.004).event("recording", member=BERT).at(60)
    assert Activity.RECORDING not in [one.activity for one in group.shown]


def test_a_recording_that_goes_on_shows_when_the_typing_ends(group: Talk) -> None:
    """That is no flash."""
    group.event("typing").event("recording", member=BERT).at(10).event("paused")
    assert group.at(13).presence.activity is Activity.RECORDING
    group.event("paused", member=BERT)
    assert group.at(16).presence.activity is Activity.IDLE


# Who left


def test_who_left_the_group_is_dropped(group: Talk) -> None:
    """The list of the members does not name them any more."""
    group.event("online").event("online", member=BERT)
    assert group.note(group.tracker.keep_members([BERT]))
    assert group.presence.online_members == (BERT,)
    assert group.note(group.tracker.keep_members(["491511234569@c.us"]))
    assert group.online is False
    assert not group.note(group.tracker.keep_members([]))


def test_who_left_does_not_come_back_with_an_old_word(group: Talk) -> None:
    """The gateway remembers them for ever; who comes back is heard of."""
    group.answer("online").answer("online", member=BERT).at(500)
    assert group.online is None
    group.note(group.tracker.keep_members([BERT]))
    group.at(600).interrupted().at(601).renewed()
    group.answer("online").answer("online", member=BERT)
    assert group.online is None
    group.event("online")
    assert group.presence.online_members == (ANNA,)


def test_a_group_that_nobody_tells_of_is_unknown_when_the_last_one_left(
    group: Talk,
) -> None:
    """Somebody else may have come unheard."""
    group.event("online").failed()
    assert group.note(group.tracker.keep_members([BERT]))
    assert group.online is None


def test_a_list_drops_only_whom_it_would_name(group: Talk) -> None:
    """It may know one kind of id alone."""
    lid = "169412345678909@lid"
    group.aliases[lid] = BERT
    group.event("online").event("online", member=BERT)
    group.event("online", member="169412345678902@lid")
    assert not group.note(group.tracker.keep_members([lid, "169412345678902@lid"]))
    assert group.note(group.tracker.keep_members(["169412345678903@lid"]))
    assert group.presence.online_members == (ANNA,)


def test_what_an_answer_leaves_out_is_not_dropped(group: Talk) -> None:
    """It may be whole or not."""
    group.event("typing").event("typing", member=BERT).at(40)
    group.answer("typing", member=BERT).answer("nothing")
    assert group.presence.online_members == (ANNA, BERT)


def test_a_contact_has_nobody_to_drop(talk: Talk) -> None:
    """And a word on a group's members does not change that."""
    talk.event("online")
    assert not talk.tracker.keep_members([GROUP])
