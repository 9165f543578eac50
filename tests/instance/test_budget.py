"""For how long asking shows the account online."""

import pytest

from custom_components.whatsapp_presence.instance.budget import (
    SHARE,
    WINDOW,
    AccountBudget,
)


class Requests:
    """Counts the requests that announced the account."""

    def __init__(self) -> None:
        """Begin with none."""
        self.made = 0

    def note(self) -> None:
        """Note one."""
        self.made += 1


@pytest.fixture
def requests() -> Requests:
    """Return a count of requests."""
    return Requests()


@pytest.fixture
def budget(requests: Requests) -> AccountBudget:
    """Return the budget of a gateway whose requests cost 25 s each."""
    return AccountBudget(25.0, requests.note)


def test_asking_may_cost_nothing(requests: Requests) -> None:
    """Then nobody waits, and nothing is counted."""
    budget = AccountBudget(0.0, requests.note)
    for _ in range(1000):
        budget.note(10.0)
    assert budget.is_free
    assert budget.spent(10.0) == 0.0
    assert budget.wait(10.0, 1000.0) == 0.0
    assert requests.made == 0


def test_requests_close_together_cost_little_more_than_one(
    budget: AccountBudget, requests: Requests
) -> None:
    """The account stays online from the first until 25 s after the last."""
    assert not budget.is_free
    for second in range(10):
        budget.note(100.0 + second)
    assert requests.made == 10
    assert budget.spent(110.0) == 34.0
    assert budget.shown_until(110.0) == 134.0
    assert budget.shown_until(200.0) == 200.0
    budget.note(200.0)
    assert budget.spent(200.0) == 34.0 + 25.0


def test_an_hour_bears_no_more_than_its_share(budget: AccountBudget) -> None:
    """Whoever waits as long as told never gets beyond it, however often they ask."""
    now = 0.0
    for _ in range(200):
        now += budget.wait(now, 5.0)
        assert budget.spent(now) + 30.0 <= SHARE * WINDOW + 1e-6
        for second in range(6):
            budget.note(now + second)
        now += 60.0


def test_what_is_longer_ago_than_an_hour_is_forgotten(budget: AccountBudget) -> None:
    """Also what is so in part."""
    budget.note(0.0)
    assert budget.spent(WINDOW) == 25.0
    assert budget.spent(WINDOW + 10.0) == 15.0
    assert budget.spent(WINDOW + 25.0) == 0.0


def test_what_never_fits_waits_until_nothing_else_is_spent(
    budget: AccountBudget,
) -> None:
    """It would wait for ever otherwise."""
    assert budget.wait(0.0, 10_000.0) == 0.0
    budget.note(0.0)
    assert budget.wait(100.0, 10_000.0) == WINDOW + 25.0 - 100.0
