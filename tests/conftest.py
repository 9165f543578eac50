"""Fixtures for all tests."""

from collections.abc import AsyncGenerator, Generator
import logging
import math
import time
from unittest.mock import PropertyMock, patch

import pytest
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

# Ours first: the test package brings a custom_components of its own.
import custom_components.whatsapp_presence  # noqa: F401
from custom_components.whatsapp_presence.gateways import GATEWAYS, waapi, waha_stream
from custom_components.whatsapp_presence.gateways.pacing import Pace
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .simulator import Simulator


@pytest.fixture(autouse=True)
def auto_enable_custom_integrations(request: pytest.FixtureRequest) -> None:
    """Let Home Assistant load the integration, in tests that have one."""
    if "hass" in request.fixturenames:
        # The recorder wants to be there before Home Assistant is.
        if "recorder_mock" in request.fixturenames:
            request.getfixturevalue("recorder_mock")
        request.getfixturevalue("enable_custom_integrations")


@pytest.fixture
async def simulator(socket_enabled: None) -> AsyncGenerator[Simulator]:
    """A simulator of the gateways on a free loopback port, with nobody in it."""

    def clock() -> float:
        # Looked up at each call: the clock may be frozen later.
        return time.time()

    async with Simulator(clock=clock) as running:
        # Tests wait for nothing that a real gateway waits for.
        running.delivery.retry_delay = 0.05
        yield running


@pytest.fixture
async def reachable(
    hass: HomeAssistant,
    hass_client_no_auth: ClientSessionGenerator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Let the simulator's webhooks reach Home Assistant."""
    # It asks the clock for what a frozen one does not know.
    monkeypatch.setattr(logging.getLogger("aiohttp.access"), "disabled", True)
    assert await async_setup_component(hass, "webhook", {})
    client = await hass_client_no_auth()
    hass.config.external_url = str(client.make_url("/")).rstrip("/")


@pytest.fixture
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let requests go out at once, and be answered so, for clocks that stand still."""
    for gateway in GATEWAYS.values():
        pace = Pace(at_once=6, per_second=math.inf)
        monkeypatch.setattr(gateway, "pace", pace, raising=False)
    monkeypatch.setattr(waapi, "_WAIT_FOR_PUSH_MS", 10)
    monkeypatch.setattr(waha_stream, "_HOLDS_AFTER", 0)


@pytest.fixture
def entity_registry_enabled_by_default() -> Generator[None]:
    """Let entities be enabled that are not by default."""
    with patch(
        "homeassistant.helpers.entity.Entity.entity_registry_enabled_default",
        new_callable=PropertyMock,
        return_value=True,
    ):
        yield


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Keep what Home Assistant makes up at each run out of snapshots."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)
