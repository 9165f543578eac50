"""For how long somebody has been online on a day."""

from itertools import pairwise

from hypothesis import given, strategies as st

from custom_components.whatsapp_presence.presence.online_time import OnlineTime

MIDNIGHT = 1_790_000_000.0
DAY = 86_400.0


def test_only_what_is_known_to_be_online_counts() -> None:
    """Not what is offline, and not what nobody knows."""
    time = OnlineTime()
    for at, online in ((0, True), (10, False), (100, True), (130, None), (500, True)):
        time.follow(online, MIDNIGHT + at, MIDNIGHT)
    assert time.is_counting
    assert time.seconds == 40
    time.follow(None, MIDNIGHT + 505, MIDNIGHT)
    assert not time.is_counting
    assert time.seconds == 45


def test_a_stay_over_midnight_is_shared_out() -> None:
    """The new day begins with what of it belongs there."""
    time = OnlineTime()
    time.follow(True, MIDNIGHT - 600, MIDNIGHT - DAY)
    time.follow(True, MIDNIGHT, MIDNIGHT)
    assert time.seconds == 0
    time.follow(False, MIDNIGHT + 60, MIDNIGHT)
    assert time.seconds == 60

    late = OnlineTime()
    late.follow(True, MIDNIGHT - 600, MIDNIGHT - DAY)
    late.follow(False, MIDNIGHT + 60, MIDNIGHT)
    assert late.seconds == 60


def test_what_was_counted_before_is_of_that_day_alone() -> None:
    """The same day goes on, another begins anew."""
    time = OnlineTime()
    time.restore(120, MIDNIGHT)
    time.follow(True, MIDNIGHT + 1000, MIDNIGHT)
    assert time.seconds == 120
    time.restore(120, MIDNIGHT - DAY)
    time.follow(True, MIDNIGHT + 1000, MIDNIGHT)
    assert time.seconds == 0


def test_a_clock_that_is_set_back_takes_nothing_away() -> None:
    """What was counted stays."""
    time = OnlineTime()
    time.follow(True, MIDNIGHT + 100, MIDNIGHT)
    time.follow(True, MIDNIGHT + 200, MIDNIGHT)
    time.follow(True, MIDNIGHT + 50, MIDNIGHT)
    assert time.seconds == 100
    time.follow(False, MIDNIGHT + 60, MIDNIGHT)
    assert time.seconds == 110


@given(
    st.lists(
        st.tuples(st.integers(0, 3 * 86_400), st.sampled_from([True, False, None])),
        max_size=30,
    )
)
def test_it_is_the_sum_of_the_days_stays(words: list[tuple[int, bool | None]]) -> None:
    """Whatever comes when, and never more than the day is old."""
    words.sort(key=lambda word: word[0])
    time = OnlineTime()
    for at, online in words:
        time.follow(online, at, at // 86_400 * 86_400)
    if words:
        now = words[-1][0]
        midnight = now // 86_400 * 86_400
        assert time.seconds == sum(
            max(0, end - max(start, midnight))
            for (start, online), (end, _) in pairwise(words)
            if online
        )
        assert time.seconds <= now - midnight
