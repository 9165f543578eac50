"""Fixtures for all tests."""

from collections.abc import AsyncGenerator, Generator
import logging
from unittest.mock import PropertyMock, patch

import pytest
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

# Ours first: the test package brings a custom_components of its own.
import custom_components.whatsapp_presence  # noqa: F401
from custom_components.whatsapp_presence.gateways import pacing, waapi
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .simulator import Simulator, SkippingClock


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

    # Tests wait for nothing that a real gateway waits for.
    async with Simulator(clock=SkippingClock()) as running:
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
    monkeypatch.setattr(pacing, "BURST", 100_000)
    monkeypatch.setattr(waapi, "_WAIT_FOR_PUSH_MS", 10)


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
