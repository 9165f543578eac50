"""A fourth gateway: a class in the registry is all that the rest has to be told.

It lives in this file alone, so nothing outside `gateways/` can know of it.
"""

from hmac import compare_digest
import json
import logging
from typing import Any, ClassVar, override

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.whatsapp_presence import config_flow
from custom_components.whatsapp_presence.const import DOMAIN, GRACE_TIME
from custom_components.whatsapp_presence.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.whatsapp_presence.gateways import GATEWAYS
from custom_components.whatsapp_presence.gateways.base import (
    AuthenticationError,
    Capabilities,
    ChatInfo,
    GatewayEvent,
    InstanceEvent,
    InstanceInfo,
    InstanceStatus,
    Transport,
    Webhook,
)
from custom_components.whatsapp_presence.gateways.http_gateway import HttpGateway
from custom_components.whatsapp_presence.presence.model import PresenceUpdate, Source
from custom_components.whatsapp_presence.system_health import _async_system_health_info
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .common import ANNA, pass_time

PASSWORD = "letters-and-figures"
NOBODY = "http://127.0.0.1:9"


class PigeonGateway(HttpGateway):
    """A gateway without a network: what it is asked is noted, what it knows is here."""

    key: ClassVar[str] = "pigeon"
    name: ClassVar[str] = "Pigeon Post"
    default_url: ClassVar[str | None] = "https://pigeon.example"
    instance_field: ClassVar[str] = "loft"
    token_field: ClassVar[str] = "password"
    capabilities: ClassVar[Capabilities] = Capabilities(
        transport=Transport.WEBHOOK,
        manages_webhooks=True,
        signs_webhooks=False,
        sets_available=False,
        has_pictures=False,
        answers=Source.LIVE,
    )

    shut: ClassVar[bool] = False
    subscribed: ClassVar[list[tuple[str, bool]]] = []
    webhooks: ClassVar[dict[str, str]] = {}

    @override
    async def _ask_status(self) -> InstanceInfo:
        if not compare_digest(self._token, PASSWORD):
            raise AuthenticationError("The pigeons do not know this password.")
        status = InstanceStatus.DISCONNECTED if self.shut else InstanceStatus.READY
        return InstanceInfo(status=status)

    @override
    async def subscribe(self, chat_id: str, wait: bool = True) -> PresenceUpdate | None:
        self.subscribed.append((chat_id, wait))
        return None

    @override
    def _read_event(self, envelope: dict[str, Any]) -> GatewayEvent | None:
        match envelope:
            case {"event": "letter", "about": str(chat_id), "awake": bool(online)}:
                return PresenceUpdate(chat_id=chat_id, online=online)
            case {"event": "shut"}:
                return InstanceEvent(status=InstanceStatus.DISCONNECTED)
        return None

    @override
    async def list_chats(self) -> list[ChatInfo]:
        return [ChatInfo(chat_id=ANNA, name="Anna")]

    @override
    async def resolve(self, number: str) -> str | None:
        return f"{number}@c.us"

    @override
    async def list_webhooks(self) -> list[Webhook]:
        return [
            Webhook(webhook_id=webhook_id, url=url, working=True)
            for webhook_id, url in self.webhooks.items()
        ]

    @override
    async def create_webhook(self, url: str) -> None:
        self.webhooks[f"{len(self.webhooks)}"] = url

    @override
    async def delete_webhook(self, webhook_id: str) -> None:
        self.webhooks.pop(webhook_id, None)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the gateway into the registry, as one more line in it would."""
    monkeypatch.setitem(GATEWAYS, PigeonGateway.key, PigeonGateway)
    monkeypatch.setattr(PigeonGateway, "subscribed", [])
    monkeypatch.setattr(PigeonGateway, "webhooks", {"other": "https://own.example"})
    # What the flow does for each gateway that it finds there when it is imported.
    flow = config_flow.WhatsAppPresenceConfigFlow
    monkeypatch.setattr(flow, "async_step_pigeon", None, raising=False)
    config_flow.add_gateway_steps(PigeonGateway.key)


async def submit(hass: HomeAssistant, **fields: Any) -> ConfigFlowResult:
    """Choose the gateway from the menu, and submit its form."""
    flows = hass.config_entries.flow
    menu = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert "pigeon" in menu["menu_options"]
    form = await flows.async_configure(menu["flow_id"], {"next_step_id": "pigeon"})
    assert form["step_id"] == "pigeon"
    assert [str(key) for key in form["data_schema"].schema] == [
        "loft",
        "password",
        "advanced",
    ]
    return await flows.async_configure(menu["flow_id"], fields)


async def set_up(hass: HomeAssistant) -> MockConfigEntry:
    """Add an account and a chat, as a user would."""
    result = await submit(
        hass, loft="north", password=PASSWORD, advanced={"url": NOBODY}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Pigeon Post north"
    entry: MockConfigEntry = result["result"]
    assert entry.unique_id == "pigeon_north"
    _, chat_flow = result["next_flow"]
    added = await hass.config_entries.subentries.async_configure(
        chat_flow, {"chat": "Anna", "timing": {"settle_time": 0}}
    )
    assert added["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done(wait_background_tasks=True)
    return entry


@pytest.mark.usefixtures("reachable")
async def test_an_event_shows(
    hass: HomeAssistant,
    hass_client_no_auth: ClientSessionGenerator,
    monkeypatch: pytest.MonkeyPatch,
    freezer: FrozenDateTimeFactory,
) -> None:
    """From the form to the entity, with nothing written for this gateway."""
    entry = await set_up(hass)
    # Nothing was told of her, so that is waited for.
    assert PigeonGateway.subscribed == [(ANNA, False), (ANNA, True)]
    client = await hass_client_no_auth()
    address = f"/api/webhook/{entry.data['webhook_id']}"
    # The user's own is left alone, there and when the entry goes.
    assert list(PigeonGateway.webhooks.values()) == [
        "https://own.example",
        f"{hass.config.external_url}{address}",
    ]

    async def deliver(**letter: Any) -> tuple[int, str]:
        response = await client.post(address, json=letter)
        await hass.async_block_till_done()
        anna = hass.states.get("binary_sensor.anna")
        assert anna is not None
        return response.status, anna.state

    assert hass.states.get("binary_sensor.anna").state == "unknown"
    assert await deliver(event="letter", about=ANNA, awake=True) == (200, "on")
    assert await deliver(event="letter", about=ANNA, awake=False) == (200, "off")
    assert await deliver(about="the weather") == (400, "off")
    monkeypatch.setattr(PigeonGateway, "shut", True)
    assert await deliver(event="shut") == (200, "off")
    assert hass.states.get("binary_sensor.pigeon_post_north_ready").state == "off"
    await pass_time(hass, freezer, GRACE_TIME.total_seconds() + 1)
    assert hass.states.get("binary_sensor.anna").state == "unavailable"

    await hass.config_entries.async_remove(entry.entry_id)
    assert list(PigeonGateway.webhooks.values()) == ["https://own.example"]


async def test_a_mistake_is_told(hass: HomeAssistant) -> None:
    """With the same messages as elsewhere; no token goes out in plain text."""
    refused = await submit(hass, loft="north", password="wrong")
    assert refused["errors"] == {"base": "invalid_auth"}
    plain = {"url": "http://pigeon.example"}
    refused = await submit(hass, loft="north", password=PASSWORD, advanced=plain)
    assert refused["errors"] == {"base": "invalid_url"}


@pytest.mark.usefixtures("reachable")
async def test_the_rest_serves_it_too(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    """Reauth and reconfigure, diagnostics, system health, the log."""
    entry = await set_up(hass)
    for source, fields in (
        (SOURCE_REAUTH, {"password"}),
        (SOURCE_RECONFIGURE, {"password", "advanced"}),
    ):
        flow = await hass.config_entries.flow.async_init(
            DOMAIN, context={"source": source, "entry_id": entry.entry_id}
        )
        assert {str(key) for key in flow["data_schema"].schema} == fields
        done = await hass.config_entries.flow.async_configure(
            flow["flow_id"], {"password": PASSWORD}
        )
        assert done["reason"].endswith("_successful")

    diagnostics = await async_get_config_entry_diagnostics(hass, entry)
    assert diagnostics["entry"]["gateway"] == "pigeon"
    assert PASSWORD not in json.dumps(diagnostics)
    reach = (await _async_system_health_info(hass))["can_reach_pigeon"]
    assert await reach != "ok"

    options = await hass.config_entries.options.async_init(entry.entry_id)
    assert [str(key) for key in options["data_schema"].schema] == [
        "register_webhook",
        "new_webhook_address",
    ]

    logging.getLogger("somebody.else").warning("The password is %s", PASSWORD)
    assert "The password is **REDACTED**" in caplog.text
