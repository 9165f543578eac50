"""What the logbook is told, without anything of ours in between."""

from datetime import datetime
from pathlib import Path
import re

import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
import yaml  # type: ignore[import-untyped]

from homeassistant.components.recorder.core import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .common import FAMILY, add_account, anna, ben, chat, set_up, settle, state
from .simulator import Simulator


async def all_lines(
    hass_ws_client: WebSocketGenerator, begin: datetime
) -> list[tuple[str, str]]:
    """Return what the activity view says of whatever since then: entities and states."""
    client = await hass_ws_client()
    await client.send_json_auto_id(
        {"type": "logbook/get_events", "start_time": begin.isoformat()}
    )
    answer = await client.receive_json()
    return [(line["entity_id"], line["state"]) for line in answer["result"]]


@pytest.mark.usefixtures("entity_registry_enabled_by_default", "unpaced")
async def test_the_logbook_tells_each_change(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    logbook: None,
    reachable: None,
    simulator: Simulator,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """The front end has the event's type, and says it in the user's language."""
    account = add_account(simulator)
    begin = dt_util.utcnow()
    await account.set_presence(anna(account), "offline")
    await set_up(hass, account)
    for word in ("typing", "paused", "offline"):
        await account.set_presence(anna(account), word)
        await settle(hass, account)
    await async_wait_recording_done(hass)

    client = await hass_ws_client()
    await client.send_json_auto_id(
        {
            "type": "logbook/get_events",
            "start_time": begin.isoformat(),
            "entity_ids": ["event.anna_presence"],
        }
    )
    answer = await client.receive_json()
    assert answer["success"]
    assert [
        line["attributes"]["event_type"]
        for line in answer["result"]
        if "attributes" in line
    ] == ["came_online", "started_typing", "stopped_typing", "went_offline"]


@pytest.mark.usefixtures("unpaced")
async def test_no_change_is_told_as_the_doing_of_another(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    logbook: None,
    reachable: None,
    simulator: Simulator,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """One context for all that one event writes would be cheaper.

    But the logbook takes the first of a context for the cause of all others: they
    would be "triggered by" Anna, who did but one thing.
    """
    account = add_account(simulator)
    await account.set_presence(anna(account), "offline")
    await set_up(hass, account)
    begin = dt_util.utcnow()
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    await async_wait_recording_done(hass)

    client = await hass_ws_client()
    await client.send_json_auto_id(
        {
            "type": "logbook/get_events",
            "start_time": begin.isoformat(),
            "entity_ids": [
                "binary_sensor.anna",
                "binary_sensor.anna_typing",
                "sensor.anna_activity",
            ],
        }
    )
    lines = (await client.receive_json())["result"]
    assert len(lines) == 3
    assert not any("context_entity_id" in line for line in lines)


@pytest.mark.usefixtures("unpaced")
async def test_the_numbers_of_members_make_no_lines(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    logbook: None,
    reachable: None,
    simulator: Simulator,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """A group's typing makes as many as a contact's: three, and two when it ends."""
    account = add_account(simulator)
    await account.set_presence(ben(account), "offline", group=FAMILY)
    await set_up(hass, account, chat(FAMILY, "Family"))
    await async_wait_recording_done(hass)
    begin = dt_util.utcnow()
    await account.set_presence(ben(account), "typing", group=FAMILY)
    await settle(hass, account)
    assert state(hass, "sensor", "typing_members", FAMILY) == "1"
    await account.set_presence(ben(account), "paused", group=FAMILY)
    await settle(hass, account)
    await async_wait_recording_done(hass)

    lines = await all_lines(hass_ws_client, begin)
    assert sorted(lines) == sorted(
        [
            ("binary_sensor.family", "on"),
            ("binary_sensor.family_typing", "on"),
            ("sensor.family_activity", "typing"),
            ("binary_sensor.family_typing", "off"),
            ("sensor.family_activity", "idle"),
        ]
    )


@pytest.mark.usefixtures("unpaced")
async def test_a_typing_of_somebody_who_is_online_makes_four_lines(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    logbook: None,
    reachable: None,
    simulator: Simulator,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """With the entities that are on by default, and nothing left out by the user."""
    account = add_account(simulator)
    await account.set_presence(anna(account), "online")
    await set_up(hass, account)
    await async_wait_recording_done(hass)
    begin = dt_util.utcnow()
    for word in ("typing", "paused"):
        await account.set_presence(anna(account), word)
        await settle(hass, account)
    await async_wait_recording_done(hass)

    lines = await all_lines(hass_ws_client, begin)
    assert sorted(lines) == sorted(
        [
            ("binary_sensor.anna_typing", "on"),
            ("sensor.anna_activity", "typing"),
            ("binary_sensor.anna_typing", "off"),
            ("sensor.anna_activity", "idle"),
        ]
    )


@pytest.fixture
async def calm_logbook(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """Set up the logbook as the page on the entities says."""
    text = (Path(__file__).parent.parent / "docs" / "entities.md").read_text("utf-8")
    (block,) = re.findall(r"```yaml\n(logbook:.*?)```", text, re.DOTALL)
    assert await async_setup_component(hass, "logbook", yaml.safe_load(block))


@pytest.mark.usefixtures("unpaced")
async def test_a_short_typing_makes_four_lines(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    calm_logbook: None,
    reachable: None,
    simulator: Simulator,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Of somebody who comes online for it and leaves, with the page's exclusions."""
    account = add_account(simulator, "wawp")
    await account.set_presence(anna(account), "offline")
    await set_up(hass, account)
    await async_wait_recording_done(hass)
    begin = dt_util.utcnow()
    for word in ("typing", "paused", "offline"):
        await account.set_presence(anna(account), word)
        await settle(hass, account)
    await async_wait_recording_done(hass)

    lines = await all_lines(hass_ws_client, begin)
    assert sorted(lines) == sorted(
        [
            ("binary_sensor.anna", "on"),
            ("binary_sensor.anna_typing", "on"),
            ("binary_sensor.anna_typing", "off"),
            ("binary_sensor.anna", "off"),
        ]
    )


@pytest.fixture
async def logbook(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """Set up the logbook, before the first client asks for anything."""
    assert await async_setup_component(hass, "logbook", {})
