"""For how long the account may be shown online because of what is asked."""

import pytest

from custom_components.whatsapp_presence.gateways.base import NotWantedError
from custom_components.whatsapp_presence.instance.budget import (
    SHARE,
    WINDOW,
    AccountBudget,
)

SECONDS = 25.0
ROOM = SHARE * WINDOW


class Requests:
    """Counts the requests that announce the account."""

    def __init__(self) -> None:
        """Begin with none."""
        self.made = 0

    def note(self) -> None:
        """Note one."""
        self.made += 1


@pytest.fixture
def noted() -> Requests:
    """Return what the budget tells its requests to."""
    return Requests()


@pytest.fixture
def budget(noted: Requests) -> AccountBudget:
    """Return the budget of a gateway that announces the account for 25 s."""
    return AccountBudget(SECONDS, noted.note)


def test_what_costs_nothing_never_waits(noted: Requests) -> None:
    """A gateway that announces nobody may be asked at any time."""
    budget = AccountBudget(0.0, noted.note)
    for now in range(1000):
        budget.note(float(now))
    assert budget.is_free
    assert noted.made == 0
    assert budget.spent(1000.0) == 0.0
    assert budget.wait(1000.0, 5000.0) == 0.0
    assert budget.shown_until(1000.0) == 1000.0


def test_requests_close_together_cost_little_more_than_one(
    budget: AccountBudget, noted: Requests
) -> None:
    """The account is shown from the first one until 25 s after the last."""
    assert not budget.is_free
    assert budget.spent(0.0) == 0.0
    for now in (10.0, 11.0, 15.0, 40.0):
        budget.note(now)
    assert noted.made == 4
    assert budget.spent(40.0) == 55.0
    assert budget.shown_until(40.0) == 65.0
    # What is over is over, and one more is a time of its own.
    assert budget.shown_until(70.0) == 70.0
    budget.note(100.0)
    assert budget.spent(100.0) == 80.0


def test_a_request_counts_until_its_answer(
    budget: AccountBudget, noted: Requests
) -> None:
    """Whether it is answered or not: nobody knows when the gateway saw it."""
    times = iter((10.0, 22.0, 100.0, 115.0))
    with budget.request(lambda: next(times)):
        assert budget.shown_until(10.0) == 35.0
    assert budget.spent(22.0) == 37.0
    with pytest.raises(TimeoutError), budget.request(lambda: next(times)):
        raise TimeoutError
    assert budget.spent(115.0) == 77.0
    assert noted.made == 4


def test_requests_far_apart_stop_where_the_account_can_bear_no_more(
    budget: AccountBudget,
) -> None:
    """Each announces it anew; what was not sent announces nothing."""
    now, sent = 0.0, 0
    while budget.bears(now):
        budget.note(now)
        sent += 1
        now += 64.0
    assert sent * SECONDS <= ROOM < (sent + 1) * SECONDS
    # While it is shown, a pass goes on that was planned as a whole.
    assert budget.bears(now - 64.0 + SECONDS - 1.0)
    spent = budget.spent(now)
    times = iter((now, now + 30.0))
    with pytest.raises(NotWantedError), budget.request(lambda: next(times)):
        raise NotWantedError("Not sent.")
    assert budget.spent(now) == spent + SECONDS
    assert next(times) == now + 30.0


def test_what_is_shown_anyway_costs_nothing_more(budget: AccountBudget) -> None:
    """Who asks at once need not wait where a later one would."""
    for number in range(7):
        budget.note(100.0 * number)
    assert budget.wait(604.0, 0.0) == 0.0
    assert budget.wait(606.0, 0.0) > 0.0


def test_an_hour_later_all_is_free_again(budget: AccountBudget) -> None:
    """Only the last hour counts, to the second."""
    budget.note(0.0)
    assert budget.spent(WINDOW) == SECONDS
    assert budget.spent(WINDOW + 10.0) == SECONDS - 10.0
    assert budget.spent(WINDOW + SECONDS) == 0.0
    assert budget.spent(9 * WINDOW) == 0.0


def test_wait_is_as_long_as_it_must_be(budget: AccountBudget) -> None:
    """At its end it fits, to the second, and a moment before it does not."""
    fitting = int(ROOM // SECONDS)
    for number in range(fitting):
        assert budget.wait(100.0 * number, 0.0) == 0.0
        budget.note(100.0 * number)
    now = 100.0 * fitting
    wait = budget.wait(now, 0.0)
    assert 0.0 < wait <= WINDOW
    then = now + wait
    assert budget.wait(then - 1.0, 0.0) == pytest.approx(1.0)
    assert budget.wait(then + 0.001, 0.0) == 0.0
    budget.note(then + 0.001)
    assert budget.spent(then + 0.001) == pytest.approx(ROOM, abs=0.01)


def test_wait_goes_by_what_is_planned(budget: AccountBudget) -> None:
    """What takes longer has to wait for longer, over more than one time shown."""
    for number in range(6):
        budget.note(100.0 * number)
    now = 600.0
    waits = [budget.wait(now, duration) for duration in (0.0, 10.0, 50.0, 100.0)]
    assert waits[0] == 0.0
    assert waits == sorted(waits)
    for duration, wait in zip((10.0, 50.0, 100.0), waits[1:], strict=True):
        then = now + wait
        assert budget.spent(then) + duration + SECONDS == pytest.approx(ROOM)


def test_what_never_fits_begins_once_nothing_else_is_spent(
    budget: AccountBudget,
) -> None:
    """An account with very many chats is asked for them all the same."""
    assert budget.wait(0.0, 10_000.0) == 0.0
    budget.note(0.0)
    wait = budget.wait(30.0, 10_000.0)
    assert wait == pytest.approx(WINDOW - 30.0 + SECONDS)
    assert budget.wait(30.0 + wait + 0.001, 10_000.0) == 0.0


@pytest.mark.parametrize("every", [7.0, 20.0, 61.0, 300.0])
def test_who_always_waits_never_spends_more_than_the_share(
    budget: AccountBudget, every: float
) -> None:
    """However often somebody asks, no hour is over 5 %."""
    shown: list[tuple[float, float]] = []
    now = 0.0
    while now < 5 * WINDOW:
        if (wait := budget.wait(now, 0.0)) > 0:
            now += wait + 0.001
            continue
        budget.note(now)
        if shown and shown[-1][1] >= now:
            shown[-1] = (shown[-1][0], now + SECONDS)
        else:
            shown.append((now, now + SECONDS))
        now += every
    for hour in range(0, int(4 * WINDOW), 60):
        total = sum(
            max(0.0, min(end, hour + WINDOW) - max(begin, hour)) for begin, end in shown
        )
        assert total <= ROOM + 0.01
    assert len(shown) > 4
