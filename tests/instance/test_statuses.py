"""What counts of the events about an instance."""

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.whatsapp_presence.gateways.base import (
    InstanceEvent,
    InstanceStatus,
)
from custom_components.whatsapp_presence.instance.statuses import (
    CHANGES_AT_ONCE,
    StatusEvents,
)
from homeassistant.core import HomeAssistant

READY, STARTING, FAILED = (
    InstanceStatus.READY,
    InstanceStatus.STARTING,
    InstanceStatus.FAILED,
)


class Account:
    """An account that believes what it is told."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Begin ready."""
        self.told: list[InstanceStatus] = []
        self.entry = MockConfigEntry()
        self.events = StatusEvents(hass, self.entry, self.known, self.told.append)

    def known(self) -> InstanceStatus:
        """Return how the instance stands."""
        return self.told[-1] if self.told else READY

    def hear(
        self, *statuses: InstanceStatus, times: tuple[float, ...] | None = None
    ) -> None:
        """Let a body say these."""
        self.events.async_hear(
            [
                InstanceEvent(status=status, time=times[place] if times else None)
                for place, status in enumerate(statuses)
            ]
        )


@pytest.fixture
def account(hass: HomeAssistant) -> Account:
    """Return an account."""
    return Account(hass)


async def pass_a_second(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Let a second pass."""
    freezer.tick(1)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


async def test_of_a_body_the_last_word_counts(account: Account) -> None:
    """However many there are."""
    account.hear(*[STARTING, READY] * 500, FAILED)
    assert account.told == [FAILED]


async def test_overtaken_word_is_not_the_last(account: Account) -> None:
    """Of those with a time, the newest is."""
    account.hear(STARTING, READY, FAILED, times=(1e9, 1e9 + 9, 1e9 + 5))
    assert account.told == [READY]


async def test_an_instance_that_flickers_changes_a_few_times_a_second(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """The last word is told in any case, a second later."""
    for _ in range(50):
        account.hear(STARTING)
        account.hear(READY)
    account.hear(FAILED)
    assert account.told == [STARTING, READY]
    await pass_a_second(hass, freezer)
    assert account.told == [STARTING, READY, FAILED]
    await pass_a_second(hass, freezer)
    for _ in range(50):
        account.hear(READY)
        account.hear(STARTING)
    assert len(account.told) == 3 + CHANGES_AT_ONCE
    await pass_a_second(hass, freezer)
    assert account.told[-1] is STARTING
    assert len(account.told) <= 4 + CHANGES_AT_ONCE


async def test_same_word_again_is_no_change(account: Account) -> None:
    """Each reconnect is told, for subscriptions may be lost."""
    for _ in range(5):
        account.hear(READY)
    assert account.told == [READY] * 5


async def test_what_an_answer_has_told_by_then_is_not_told(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """Else it would count as a reconnect, although it was heard before the answer."""
    for status in (FAILED, STARTING, READY):
        account.hear(status)
    answered = [FAILED, STARTING, READY]
    account.told.append(READY)
    await pass_a_second(hass, freezer)
    assert account.told == answered


async def test_a_reconnect_within_the_second_is_told(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """What is known has not changed, but the subscriptions may be lost."""
    for status in (STARTING, READY, STARTING, READY):
        account.hear(status)
    assert account.told == [STARTING, READY]
    await pass_a_second(hass, freezer)
    assert account.told == [STARTING, READY, READY]


async def test_what_is_known_by_then_is_not_told(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """An answer is newer than the word that waits; so is the end."""
    for forget in (account.events.forget, None):
        for status in (STARTING, READY, STARTING, FAILED):
            account.hear(status)
        assert FAILED not in account.told
        if forget is None:
            await account.entry._async_process_on_unload(hass)
        else:
            forget()
        await pass_a_second(hass, freezer)
        await pass_a_second(hass, freezer)
    assert FAILED not in account.told
