"""Fixtures for all tests."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
import logging
from unittest.mock import PropertyMock, patch

import pytest
from pytest_homeassistant_custom_component.common import snapshot_platform
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

# Ours first: the test package brings a custom_components of its own.
import custom_components.whatsapp_presence  # noqa: F401
from custom_components.whatsapp_presence.gateways import (
    GATEWAYS,
    pacing,
    waapi as waapi_gateway,
    waha_stream,
)
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from .common import add_account, set_up_day
from .simulator import Account, Simulator, SkippingClock, WaapiAccount, WawpAccount


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
def waapi(simulator: Simulator) -> WaapiAccount:
    """An account at WaAPI that knows Anna, Ben and a group."""
    account = add_account(simulator, "waapi")
    assert isinstance(account, WaapiAccount)
    return account


@pytest.fixture
def wawp(simulator: Simulator) -> WawpAccount:
    """The same at Wawp."""
    account = add_account(simulator, "wawp")
    assert isinstance(account, WawpAccount)
    return account


@pytest.fixture
def account(waapi: WaapiAccount) -> WaapiAccount:
    """An account, for what does not depend on the gateway."""
    return waapi


@pytest.fixture(params=["waapi", "wawp"])
def each_account(simulator: Simulator, request: pytest.FixtureRequest) -> Account:
    """An account at each of the gateways that call a webhook."""
    return add_account(simulator, request.param)


@pytest.fixture
async def reachable(
    hass: HomeAssistant,
    hass_client_no_auth: ClientSessionGenerator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Let the simulator's webhooks reach Home Assistant."""
    # It asks the clock for what a frozen one does not know.
    monkeypatch.setattr(logging.getLogger("aiohttp.access"), "disabled", True)
    # What has to be there before the server is, for it takes no more then.
    for component in ("webhook", "image"):
        assert await async_setup_component(hass, component, {})
    client = await hass_client_no_auth()
    hass.config.external_url = str(client.make_url("/")).rstrip("/")


@pytest.fixture
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let requests go out at once, and be answered so, for clocks that stand still."""
    for gateway in GATEWAYS.values():
        monkeypatch.setattr(gateway, "pace", pacing.HOME, raising=False)
    monkeypatch.setattr(waapi_gateway, "_WAIT_FOR_PUSH_MS", 10)
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


@pytest.fixture
def check_day(
    hass: HomeAssistant,
    each_account: Account,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
) -> Callable[[Platform], Awaitable[None]]:
    """Compare a platform's entities, while somebody is doing something, with a snapshot."""

    async def check(platform: Platform) -> None:
        entry = await set_up_day(hass, each_account, platform)
        await snapshot_platform(hass, entity_registry, snapshot, entry.entry_id)

    return check
