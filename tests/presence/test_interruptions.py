"""Away for a moment is no news; what was known before has to be confirmed."""

import pytest

from custom_components.whatsapp_presence.presence.model import (
    Activity,
    ChatPresence,
    PresenceAccess,
    PresenceChange,
    PresenceUpdate,
    Source,
)

from .common import ANNA, BERT, GROUP, NOW, Talk


def nothing(source: Source) -> PresenceUpdate:
    """Return what a gateway says that has just lost everything."""
    return PresenceUpdate(
        chat_id=ANNA,
        source=source,
        has_data=False,
        online=False,
        activity=Activity.IDLE,
        subscribed=False,
    )


@pytest.fixture
def talk() -> Talk:
    """Return a contact's, subscribed."""
    return Talk().renewed()


def test_blips_do_not_touch_an_offline(talk: Talk) -> None:
    """Every half hour for hours; nothing is written."""
    talk.event("offline")
    shown = talk.presence
    for second in range(1680, 12_000, 1680):
        talk.at(second).interrupted()
        talk.at(second + 4).renewed().answer("offline")
        assert talk.at(second + 400).presence is shown


def test_an_online_must_be_confirmed_after_a_loss(talk: Talk) -> None:
    """Within two minutes of the chat's being subscribed again."""
    talk.event("online").at(600).interrupted()
    assert talk.at(625).online is True
    talk.renewed().answer("online")
    assert talk.at(744).online is True
    assert talk.at(745).online is None
    assert talk.presence.typing is False
    assert talk.presence.access is PresenceAccess.VISIBLE
    assert talk.last_seen is None
    assert talk.fired == []


@pytest.mark.parametrize("word", ["online", "paused", "typing"])
def test_an_event_confirms(talk: Talk, word: str) -> None:
    """Whether before or after the chat was subscribed again."""
    talk.event("online").at(600).interrupted().at(610).event(word).at(625).renewed()
    assert talk.at(800).online is True
    talk.at(900).interrupted().at(925).renewed().at(1000).event(word)
    assert talk.at(2000).online is True


def test_a_live_answer_confirms(talk: Talk) -> None:
    """It tells how it is now."""
    talk.event("online").at(600).interrupted().at(625).renewed().live(online=True)
    assert talk.at(2000).online is True


def test_another_remembered_word_is_newer_than_the_loss(talk: Talk) -> None:
    """It was said meanwhile."""
    talk.event("offline").at(600).interrupted().at(625).renewed().answer("online")
    assert not talk.tracker.missed
    assert talk.at(1000).online is True
    talk.interrupted().at(1020).renewed().answer("offline")
    assert talk.at(1023).online is False


@pytest.mark.parametrize("source", [Source.EVENT, Source.LIVE, Source.REMEMBERED])
def test_that_nothing_is_known_means_nothing_meanwhile(
    talk: Talk, source: Source
) -> None:
    """During the grace, and two minutes into the new subscription."""
    talk.event("offline").at(100).interrupted()
    for second in (105, 150):
        assert not talk.at(second).tracker.apply(nothing(source), talk.now)
    talk.at(160).renewed()
    for second in (161, 279):
        assert not talk.at(second).tracker.apply(nothing(source), talk.now)
    assert talk.online is False
    talk.at(281).tracker.apply(nothing(source), talk.now)
    assert talk.online is (False if source is Source.REMEMBERED else None)


def test_without_a_loss_lost_data_is_unknown_at_once(talk: Talk) -> None:
    """As ever."""
    talk.event("online").at(5)
    assert talk.tracker.apply(nothing(Source.EVENT), talk.now)
    assert talk.online is None


def test_after_a_first_answer_lost_data_is_older_than_that(talk: Talk) -> None:
    """For two minutes; what an event told, or an answer takes back, is another matter."""
    talk.live(online=False, activity=Activity.IDLE)
    shown = talk.presence
    for second in (0.3, 119):
        assert not talk.at(second).tracker.apply(nothing(Source.EVENT), talk.now)
    assert talk.presence is shown
    assert talk.at(121).tracker.apply(nothing(Source.EVENT), talk.now)
    assert talk.online is None


def test_after_a_first_answer_a_newer_one_counts(talk: Talk) -> None:
    """It was asked for afterwards."""
    talk.live(online=False).at(5)
    assert talk.tracker.apply(nothing(Source.LIVE), talk.now)
    assert talk.online is None


def test_after_a_first_answer_and_an_event_lost_data_is_unknown(talk: Talk) -> None:
    """Events come in their order."""
    talk.live(online=False).at(4).event("online").at(5)
    assert talk.tracker.apply(nothing(Source.EVENT), talk.now)
    assert talk.online is None


def test_typing_ends_by_itself_meanwhile(talk: Talk) -> None:
    """And so does a fall that had begun."""
    talk.event("typing").at(10).interrupted()
    assert talk.at(30).presence.typing is False
    talk.at(40).renewed().event("online").event("offline").interrupted()
    assert talk.at(43).online is False


def test_a_second_loss_begins_a_new_doubt(talk: Talk) -> None:
    """Until then the chat keeps what it shows."""
    talk.event("online").at(600).interrupted().at(620).renewed()
    talk.at(700).interrupted()
    assert talk.at(800).online is True
    talk.renewed()
    assert talk.at(919).online is True
    assert talk.at(920).online is None


def test_a_loss_that_is_told_again_is_one_loss(talk: Talk) -> None:
    """Gateways say every two seconds that they are starting."""
    talk.event("online").at(600).interrupted().at(602).event("online")
    talk.at(604).interrupted().at(606).interrupted().at(608).renewed()
    assert talk.at(1000).online is True


def test_a_loss_long_after_one_that_was_never_made_good_is_another(talk: Talk) -> None:
    """Events went on to arrive in between; what they told may have changed since."""
    talk.event("online").interrupted().at(600).event("online")
    talk.at(610).interrupted().at(620).renewed()
    assert talk.at(739).online is True
    assert talk.at(740).online is None


def test_a_renewal_during_the_doubt_does_not_prolong_it(talk: Talk) -> None:
    """It counts from the first."""
    talk.event("online").at(600).interrupted().at(620).renewed().at(700).renewed()
    assert talk.at(740).online is None


def test_an_implied_online_ages_through_a_loss(talk: Talk) -> None:
    """The doubt does not prolong it, and its age moves last seen."""
    talk.event("paused").at(250).interrupted().at(260).renewed()
    assert talk.at(300).online is None
    assert talk.last_seen == 0


def test_a_first_online_is_supposed_through_a_loss() -> None:
    """The two minutes begin anew."""
    talk = Talk().renewed().answer("online").at(60).interrupted().at(100).renewed()
    assert talk.at(219).online is True
    assert talk.at(220).online is None


def test_a_first_offline_waits_through_a_loss() -> None:
    """It shows when events can contradict it."""
    talk = Talk().renewed().answer("offline").at(1).interrupted()
    assert talk.at(60).online is None
    talk.renewed()
    assert talk.at(63).online is False


def test_after_the_grace_all_but_last_seen_is_forgotten(talk: Talk) -> None:
    """What comes back is as at the start."""
    talk.event("online", last_seen=NOW - 5).at(10).interrupted().at(130).forgotten()
    assert talk.presence == ChatPresence(last_seen=NOW - 5)
    assert talk.tracker.deadline is None
    talk.at(300).renewed().answer("online")
    assert talk.at(419).online is True
    assert talk.at(420).online is None


@pytest.mark.parametrize("source", [Source.EVENT, Source.LIVE])
@pytest.mark.parametrize("fails", [False, True])
def test_nor_does_it_after_the_chat_was_lost_for_longer(
    talk: Talk, source: Source, fails: bool
) -> None:
    """A gateway that gathers anew tells of nothing first, whatever it has answered."""
    talk.event("online").at(10)
    if fails:
        for second in (100, 400, 1000):
            talk.at(second).failed()
    else:
        talk.interrupted().at(130).forgotten()
    assert talk.online is None
    talk.at(1300).renewed().live(online=False, activity=Activity.IDLE)
    shown = talk.presence
    assert shown.online is False
    for second in (1301, 1419):
        assert not talk.at(second).tracker.apply(nothing(source), talk.now)
    assert talk.presence is shown
    assert talk.at(1421).tracker.apply(nothing(source), talk.now)
    assert talk.online is None


def test_a_cut_stream_leaves_the_chat_alone(talk: Talk) -> None:
    """The gateway listens on, and its memory tells whether anything was missed."""
    talk.event("online").at(100).interrupted(subscribed=True)
    assert talk.at(160).answer("online").at(1000).online is True
    talk.tracker.resumed(talk.now)
    assert talk.at(1500).online is True


def test_a_group_is_unknown_when_nobody_was_confirmed() -> None:
    """Nor is anybody known to be away: it is not off."""
    group = Talk(is_group=True).renewed().event("offline", member=BERT)
    group.event("online").at(60).interrupted().at(70).renewed()
    group.answer("online").answer("offline", member=BERT)
    assert group.at(189).presence.online_members == (ANNA,)
    assert group.at(190).online is None
    assert group.fired == [PresenceChange.CAME_ONLINE]


def test_a_group_keeps_who_was_confirmed() -> None:
    """Each member by themselves."""
    group = Talk(is_group=True).renewed().event("online").event("online", member=BERT)
    group.at(60).interrupted().at(70).renewed().at(80).event("paused", member=BERT)
    assert group.at(190).presence.online_members == (BERT,)
    assert group.online is True


def test_an_empty_answer_of_a_group_means_nothing_meanwhile() -> None:
    """Who typed before the loss stops by their own deadline."""
    group = Talk(is_group=True).renewed().event("typing").at(5).interrupted()
    group.at(8).renewed()
    update = PresenceUpdate(chat_id=GROUP, source=Source.REMEMBERED)
    assert not group.tracker.apply(update, group.now)
    assert group.at(29).presence.typing_members == (ANNA,)
    assert group.at(30).presence.typing_members == ()
