"""What arrives is worked off in order, a little at a time, whoever waits for it."""

import asyncio
from collections.abc import Callable, Iterator
import itertools
import time
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.whatsapp_presence.gateways.base import (
    GatewayEvent,
    InstanceEvent,
    InstanceStatus,
    InvalidEventError,
)
from custom_components.whatsapp_presence.instance.inbox import SLICE, Inbox
from custom_components.whatsapp_presence.presence.model import PresenceUpdate
from homeassistant.core import HomeAssistant


class Clock:
    """Each look at it takes a while, so that work does."""

    def __init__(self, step: float) -> None:
        """Begin at 0."""
        self.step = step
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        self.now += self.step
        return self.now


@pytest.fixture
def heard() -> list[list[GatewayEvent]]:
    """What was handed on."""
    return []


@pytest.fixture
def inbox(hass: HomeAssistant, heard: list[list[GatewayEvent]]) -> Inbox:
    """Return an inbox."""
    return Inbox(hass, MockConfigEntry(), heard.append)


@pytest.fixture
def instant() -> Iterator[None]:
    """Let all steps take no time."""
    with patch.object(time, "perf_counter", Clock(0)):
        yield


@pytest.fixture
def slow() -> Iterator[None]:
    """Let three steps take a slice."""
    with patch.object(time, "perf_counter", Clock(SLICE / 3)):
        yield


def says(chat_id: str, count: int = 1) -> Callable[[], list[GatewayEvent]]:
    """Return what reads some events of a chat."""
    return lambda: [
        PresenceUpdate(chat_id=chat_id, event_id=str(number)) for number in range(count)
    ]


def told(heard: list[list[GatewayEvent]]) -> list[tuple[str, str | None]]:
    """Return the chats and the events' ids, in the order in which they came."""
    return [
        (event.chat_id, event.event_id)
        for events in heard
        for event in events
        if isinstance(event, PresenceUpdate)
    ]


@pytest.mark.usefixtures("instant")
async def test_a_few_events_are_worked_off_at_once(
    inbox: Inbox, heard: list[list[GatewayEvent]]
) -> None:
    """Nobody has to wait for the loop's next turn."""
    turns: list[None] = []
    asyncio.get_running_loop().call_soon(turns.append, None)
    await inbox.async_take(says("a", 3))
    assert told(heard) == [("a", "0"), ("a", "1"), ("a", "2")]
    assert turns == []


@pytest.mark.usefixtures("slow")
async def test_a_flood_leaves_turns_to_others(
    inbox: Inbox, heard: list[list[GatewayEvent]]
) -> None:
    """All of it is worked off, in the order in which it came."""
    loop = asyncio.get_running_loop()
    seen: list[int] = []

    def look() -> None:
        seen.append(len(heard))
        if len(heard) < 60:
            loop.call_soon(look)

    loop.call_soon(look)
    await asyncio.gather(*(inbox.async_take(says(chat, 20)) for chat in "abc"))
    assert told(heard) == [(c, str(n)) for c in "abc" for n in range(20)]
    assert len(seen) > 15
    assert max(b - a for a, b in itertools.pairwise(seen)) <= 4


async def test_of_the_words_on_the_instance_one_is_handed_on(
    inbox: Inbox, heard: list[list[GatewayEvent]]
) -> None:
    """All of one body together, where the last of them stood."""
    away = InstanceEvent(status=InstanceStatus.STARTING)
    back = InstanceEvent(status=InstanceStatus.READY)
    (anna,) = says("a")()
    await inbox.async_take(lambda: [away, anna, back, anna])
    assert heard == [[anna], [away, back], [anna]]


async def test_what_can_not_be_read_is_theirs_who_brought_it(
    inbox: Inbox, heard: list[list[GatewayEvent]]
) -> None:
    """What comes after it is not harmed."""

    def read() -> list[GatewayEvent]:
        raise InvalidEventError("This is not JSON.")

    first, second = await asyncio.gather(
        inbox.async_take(read), inbox.async_take(says("a")), return_exceptions=True
    )
    assert isinstance(first, InvalidEventError)
    assert second is None
    assert told(heard) == [("a", "0")]


@pytest.mark.usefixtures("slow")
async def test_what_can_not_be_read_behind_a_flood_is_theirs_as_well(
    inbox: Inbox, heard: list[list[GatewayEvent]]
) -> None:
    """It has to wait for its turn, and what comes after it is not harmed."""

    def read() -> list[GatewayEvent]:
        raise InvalidEventError("This is not JSON.")

    results = await asyncio.gather(
        inbox.async_take(says("a", 20)),
        inbox.async_take(read),
        inbox.async_take(says("b")),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [
        type(None),
        InvalidEventError,
        type(None),
    ]
    assert len(told(heard)) == 21


@pytest.mark.usefixtures("slow")
async def test_who_goes_away_changes_nothing(
    inbox: Inbox, heard: list[list[GatewayEvent]]
) -> None:
    """What was brought is worked off all the same."""
    gone = asyncio.create_task(inbox.async_take(says("a", 20)))
    await asyncio.sleep(0)
    gone.cancel()
    await inbox.async_take(says("b"))
    assert len(told(heard)) == 21


@pytest.mark.usefixtures("slow")
async def test_an_account_that_is_unloaded_hears_nothing_more(
    hass: HomeAssistant, heard: list[list[GatewayEvent]]
) -> None:
    """Neither what waits, nor what comes late; and nobody waits for ever."""
    entry = MockConfigEntry()
    inbox = Inbox(hass, entry, heard.append)
    waiting = asyncio.create_task(inbox.async_take(says("a", 20)))
    await asyncio.sleep(0)
    count = len(heard)
    await entry._async_process_on_unload(hass)
    await waiting
    await inbox.async_take(says("b"))
    assert 0 < len(heard) == count < 20
