"""Fixtures for all tests."""

from collections.abc import AsyncGenerator

import pytest

# Ours first: the test package brings a custom_components of its own.
import custom_components.whatsapp_presence  # noqa: F401

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
    async with Simulator() as running:
        # Tests wait for nothing that a real gateway waits for.
        running.delivery.retry_delay = 0.05
        yield running
