"""The cost of an event, in counts that do not depend on the machine.

A count that has grown is no failure of the integration, but somebody has to look at it:
scripts/bench tells what it costs.
"""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
import json
import math
from pathlib import Path
import sys
from types import FrameType
from typing import Any
from unittest.mock import patch

import pytest

import custom_components.whatsapp_presence as integration
from custom_components.whatsapp_presence.instance import inbox
from homeassistant.components.webhook import async_handle_webhook
from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.util.aiohttp import MockRequest

from .common import ANNA, INSTANCES, WEBHOOK_ID, add_account, chat, set_up
from .simulator import Simulator

# Set-up asks at once, whatever the gateway's pace.
pytestmark = pytest.mark.usefixtures("unpaced", "unhurried")

PACKAGE = str(Path(integration.__file__).parent)
NOW = 1_790_000_000

# Python functions of the integration that run for one event, at most. What WaAPI repeats
# is remembered, and not read again.
CALLS_WITHOUT_NEWS = {"waapi": 19, "wawp": 39}
CALLS_WITH_NEWS = {"waapi": 73, "wawp": 78}
# Of the states that one event writes, as JSON.
BYTES_WITH_NEWS = 1510


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an event be worked off at once, however long a busy machine took so far."""
    monkeypatch.setattr(inbox, "SLICE", math.inf)


@dataclass(slots=True)
class Count:
    """What happened while an event was handled."""

    written: list[str] = field(default_factory=list)
    reported: int = 0
    size: int = 0
    tasks: int = 0
    timers: int = 0
    calls: int = 0


def waapi_event(*, online: bool, typing: bool, last_seen: int) -> bytes:
    """Return Anna's presence as WaAPI tells it."""
    word = "typing" if typing else "available" if online else "unavailable"
    return json.dumps(
        {
            "event": "presence_update",
            "instanceId": INSTANCES["waapi"],
            "data": {
                "presence": {
                    "id": ANNA,
                    "isOnline": online,
                    "chatstate": word,
                    "lastSeen": last_seen,
                    "deny": False,
                    "hasData": True,
                    "isSubscribed": True,
                }
            },
        }
    ).encode()


def wawp_event(*, online: bool, typing: bool, last_seen: int) -> bytes:
    """Return Anna's presence as Wawp tells it."""
    word = "typing" if typing else "online" if online else "offline"
    return json.dumps(
        {
            "event": "presence.update",
            "session": "default",
            "payload": {
                "id": ANNA,
                "presences": [
                    {
                        "participant": ANNA,
                        "lastKnownPresence": word,
                        "lastSeen": last_seen,
                    }
                ],
            },
        }
    ).encode()


EVENTS: dict[str, Callable[..., bytes]] = {
    "waapi": waapi_event,
    "wawp": wawp_event,
}


@contextmanager
def counting(hass: HomeAssistant) -> Generator[Count]:
    """Count what happens."""
    count = Count()

    @callback
    def changed(event: Event[Any]) -> None:
        count.written.append(event.data["entity_id"])
        count.size += len(event.data["new_state"].as_dict_json)

    @callback
    def reported(_event: Event[Any]) -> None:
        count.reported += 1

    def called(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            count.calls += 1

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            setattr(count, name, getattr(count, name) + 1)
            return function(*args, **kwargs)

        return wrapper

    with ExitStack() as stack:
        stack.callback(hass.bus.async_listen(EVENT_STATE_CHANGED, changed))
        stack.callback(
            hass.bus.async_listen(
                EVENT_STATE_REPORTED, reported, event_filter=callback(lambda _: True)
            )
        )
        for target, name in (("tasks", "create_task"), ("timers", "call_at")):
            # call_later ends in call_at.
            stack.enter_context(
                patch.object(hass.loop, name, counted(target, getattr(hass.loop, name)))
            )
        for module in ("core", "config_entries"):
            name = f"homeassistant.{module}.create_eager_task"
            eager = sys.modules[f"homeassistant.{module}"].create_eager_task
            stack.enter_context(patch(name, counted("tasks", eager)))
        before = sys.getprofile()
        sys.setprofile(called)
        try:
            yield count
        finally:
            sys.setprofile(before)


async def handle(hass: HomeAssistant, body: bytes) -> None:
    """Let an event arrive, without a server around it."""
    request = MockRequest(
        content=body,
        mock_source="test",
        method="POST",
        headers={"Content-Type": "application/json"},
    )
    response = await async_handle_webhook(hass, WEBHOOK_ID, request)
    assert response.status == 200


async def set_up_chats(
    hass: HomeAssistant, simulator: Simulator, gateway: str, others: int = 0
) -> None:
    """Set up Anna and others, and let the first events be over.

    They are news in more than one way.
    """
    account = add_account(simulator, gateway)
    chats = [
        chat(f"1555555{number:04d}@c.us", f"Contact {number}")
        for number in range(others)
    ]
    for other in chats:
        account.add_person(other["data"]["chat"].partition("@")[0])
    await set_up(hass, account, chat(), *chats)
    for here in (True, False, True):
        await handle(hass, EVENTS[gateway](online=here, typing=here, last_seen=NOW))


@pytest.mark.parametrize("gateway", EVENTS)
async def test_an_event_without_news_writes_nothing_and_starts_nothing(
    hass: HomeAssistant, simulator: Simulator, gateway: str
) -> None:
    """Most of a flood is that: the same as before, or typing that goes on."""
    await set_up_chats(hass, simulator, gateway)
    body = EVENTS[gateway](online=True, typing=True, last_seen=NOW)
    with counting(hass) as count:
        await handle(hass, body)
    assert (count.written, count.reported) == ([], 0)
    assert (count.tasks, count.timers) == (0, 0)
    assert 0 < count.calls <= CALLS_WITHOUT_NEWS[gateway]


@pytest.mark.parametrize("gateway", EVENTS)
async def test_an_event_with_news_writes_what_is_new_and_starts_no_task(
    hass: HomeAssistant, simulator: Simulator, gateway: str
) -> None:
    """Each entity that shows something else is written once, and no other."""
    await set_up_chats(hass, simulator, gateway)
    body = EVENTS[gateway](online=False, typing=False, last_seen=NOW + 60)
    with counting(hass) as count:
        await handle(hass, body)
    assert sorted(count.written) == [
        "binary_sensor.anna",
        "binary_sensor.anna_typing",
        "sensor.anna_activity",
        "sensor.anna_last_seen",
    ]
    assert (count.reported, count.tasks, count.timers) == (0, 0, 0)
    assert 0 < count.calls <= CALLS_WITH_NEWS[gateway]
    assert 0 < count.size <= BYTES_WITH_NEWS


@pytest.mark.parametrize("gateway", EVENTS)
async def test_typing_arms_one_timer_for_all_of_its_events(
    hass: HomeAssistant, simulator: Simulator, gateway: str
) -> None:
    """The typing's end moves with each of its events; the timer looks when it fires."""
    await set_up_chats(hass, simulator, gateway)
    pause = EVENTS[gateway](online=True, typing=False, last_seen=NOW)
    typing = EVENTS[gateway](online=True, typing=True, last_seen=NOW)
    with counting(hass) as count:
        for _ in range(10):
            await handle(hass, pause)
            await handle(hass, typing)
    assert count.timers <= 1
    assert count.tasks == 0


@pytest.mark.parametrize("news", [False, True])
@pytest.mark.parametrize("gateway", EVENTS)
async def test_an_event_costs_the_same_among_many_chats(
    hass: HomeAssistant, simulator: Simulator, gateway: str, news: bool
) -> None:
    """Nobody else's entities, timers or callbacks are touched."""
    await set_up_chats(hass, simulator, gateway, others=60)
    calls = CALLS_WITH_NEWS if news else CALLS_WITHOUT_NEWS
    body = EVENTS[gateway](online=not news, typing=not news, last_seen=NOW)
    with counting(hass) as count:
        await handle(hass, body)
    assert all(entity.split(".")[1].startswith("anna") for entity in count.written)
    assert bool(count.written) is news
    assert count.tasks == 0
    assert 0 < count.calls <= calls[gateway]
