"""The config flow: set-up, reauth, reconfigure and options, against the simulator."""

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
import re
from typing import Any
from unittest.mock import AsyncMock, Mock, patch

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.whatsapp_presence.const import DOMAIN
from custom_components.whatsapp_presence.gateways import GATEWAYS
from custom_components.whatsapp_presence.gateways.base import (
    AuthenticationError,
    GatewayError,
    InstanceInfo,
    InstanceStatus,
    InvalidResponseError,
    NotAllowedError,
    NotFoundError,
    RateLimitedError,
    UnreachableError,
)
from homeassistant.components.http import ApiConfig
from homeassistant.config_entries import SOURCE_USER, ConfigFlowResult, FlowType
from homeassistant.core import HomeAssistant
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers.translation import async_get_translations

from .simulator import Simulator, WahaAccount

pytestmark = pytest.mark.usefixtures("setup_entry")

TOKEN = "correct-horse-battery-staple"
# The discard port of loopback: nobody listens.
NOBODY = "http://127.0.0.1:9"
READY = InstanceInfo(status=InstanceStatus.READY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """What the tests need to know of a gateway."""

    key: str
    name: str
    instance_field: str = "instance_id"
    instance_id: str
    token_field: str
    path: str = ""
    # Where the address is asked for, and where an error of it is shown.
    section: str | None = "advanced"
    not_ready: str
    # A refusal for another reason than wrong credentials.
    refusal: dict[str, Any]

    def url(self, sim: Simulator) -> str:
        """Return the address of the simulated gateway."""
        return f"{sim.url}{self.path}"

    def at(self, url: str) -> dict[str, Any]:
        """Return the address as it is entered."""
        return {"url": url} if self.section is None else {self.section: {"url": url}}

    def form(self, sim: Simulator, **changes: str) -> dict[str, Any]:
        """Return what a user enters."""
        fields = {
            self.instance_field: self.instance_id,
            self.token_field: TOKEN,
            "url": self.url(sim),
            **changes,
        }
        return {**self.at(fields.pop("url")), **fields}

    def data(self, sim: Simulator) -> dict[str, Any]:
        """Return what an entry holds."""
        return {
            "gateway": self.key,
            self.instance_field: self.instance_id,
            self.token_field: TOKEN,
            "url": self.url(sim),
            "webhook_id": "0123456789abcdef",
        }

    def unique_id(self, host: str) -> str:
        """Return the entry's unique id; sessions are a host's own."""
        instance = self.instance_id
        return f"{self.key}_{instance if self.section else f'{host}_{instance}'}"

    def entry(self, sim: Simulator, **options: Any) -> MockConfigEntry:
        """Return an entry that was set up before."""
        return MockConfigEntry(
            domain=DOMAIN,
            title=f"{self.name} {self.instance_id}",
            data=self.data(sim),
            options={"register_webhook": True, **options},
            unique_id=self.unique_id(f"127.0.0.1:{sim.port}"),
        )


WAAPI = Vendor(
    key="waapi",
    name="WaAPI",
    instance_id="12345",
    token_field="api_token",
    path="/api/v1",
    not_ready="disconnected",
    refusal={"message": "The token lacks a scope.", "status": "error"},
)
WAWP = Vendor(
    key="wawp",
    name="Wawp",
    instance_id="A1B2C3D4E5F6",
    token_field="access_token",
    not_ready="SCAN_QR_CODE",
    refusal={"code": "subscription_required", "message": "This is a paid feature."},
)
WAHA = Vendor(
    key="waha",
    name="WAHA",
    instance_field="session",
    instance_id="default",
    token_field="api_key",
    section=None,
    not_ready="STOPPED",
    refusal={"message": "Forbidden", "statusCode": 403},
)

each_vendor = pytest.mark.parametrize(
    "vendor", [WAAPI, WAWP, WAHA], ids=lambda vendor: vendor.key
)
each_cloud = pytest.mark.parametrize(
    "vendor", [WAAPI, WAWP], ids=lambda vendor: vendor.key
)


@pytest.fixture
def sim(simulator: Simulator) -> Simulator:
    """Return a simulator with an instance of each gateway."""
    for vendor in (WAAPI, WAWP, WAHA):
        store = {"store": True} if vendor is WAHA else {}
        simulator.add_instance(vendor.key, vendor.instance_id, token=TOKEN, **store)
    return simulator


@pytest.fixture
def setup_entry() -> Iterator[AsyncMock]:
    """Keep entries from being set up in earnest; their gateway knows no chats."""

    async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> bool:
        gateway = Mock(list_chats=AsyncMock(return_value=[]))
        entry.runtime_data = Mock(gateway=gateway)
        return True

    with patch(
        "custom_components.whatsapp_presence.async_setup_entry", side_effect=set_up
    ) as mock:
        yield mock


async def start(hass: HomeAssistant, gateway: str) -> ConfigFlowResult:
    """Start a flow, and choose the gateway from the menu."""
    menu = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    assert menu["type"] is FlowResultType.MENU
    return await hass.config_entries.flow.async_configure(
        menu["flow_id"], {"next_step_id": gateway}
    )


async def submit(
    hass: HomeAssistant, result: ConfigFlowResult, user_input: dict[str, Any]
) -> ConfigFlowResult:
    """Fill in a form."""
    return await hass.config_entries.flow.async_configure(result["flow_id"], user_input)


def suggested(result: ConfigFlowResult) -> dict[str, Any]:
    """Return what a form is filled in with beforehand, sections lifted."""
    assert result["data_schema"] is not None
    values: dict[str, Any] = {}
    for marker, validator in result["data_schema"].schema.items():
        inner = getattr(validator, "schema", None)
        markers = inner.schema if inner is not None else {marker: validator}
        for key in markers:
            if key.description and "suggested_value" in key.description:
                values[str(key)] = key.description["suggested_value"]
    return values


async def test_the_menu_offers_the_gateways_of_the_registry(
    hass: HomeAssistant,
) -> None:
    """A gateway that is added to the registry appears by itself."""
    menu = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    assert menu["type"] is FlowResultType.MENU
    assert menu["step_id"] == "user"
    assert menu["menu_options"] == list(GATEWAYS)


@each_vendor
async def test_an_instance_is_set_up(
    hass: HomeAssistant, sim: Simulator, setup_entry: AsyncMock, vendor: Vendor
) -> None:
    """The entry holds flat data, its own webhook id, and a title that names nobody."""
    result = await start(hass, vendor.key)
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == vendor.key
    assert result["errors"] == {}

    result = await submit(hass, result, vendor.form(sim))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == f"{vendor.name} {vendor.instance_id}"
    data = dict(result["data"])
    assert re.fullmatch("[0-9A-Za-z_-]{22}", data.pop("webhook_id"))
    assert data == {
        "gateway": vendor.key,
        vendor.instance_field: vendor.instance_id,
        vendor.token_field: TOKEN,
        "url": vendor.url(sim),
    }
    assert result["options"] == {"register_webhook": True}
    assert result["result"].unique_id == vendor.unique_id(f"127.0.0.1:{sim.port}")
    await hass.async_block_till_done()
    assert len(setup_entry.mock_calls) == 1


@each_vendor
async def test_the_flow_goes_on_to_the_first_chat(
    hass: HomeAssistant, sim: Simulator, setup_entry: AsyncMock, vendor: Vendor
) -> None:
    """The dialog that follows adds a chat, even to an entry that failed to set up."""
    setup_entry.side_effect = ConfigEntryNotReady
    anna = sim.accounts[vendor.key, vendor.instance_id].add_person(
        "491511234567", name="Anna"
    )
    result = await start(hass, vendor.key)
    result = await submit(hass, result, vendor.form(sim))

    flow_type, flow_id = result["next_flow"]
    assert flow_type is FlowType.CONFIG_SUBENTRIES_FLOW
    form = await hass.config_entries.subentries.async_configure(flow_id)
    assert form["step_id"] == "user"
    added = await hass.config_entries.subentries.async_configure(
        flow_id, {"chat": anna.chat_id}
    )
    assert added["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = result["result"].subentries.values()
    assert subentry.title == "Anna"


@each_cloud
async def test_the_vendors_address_is_the_default(
    hass: HomeAssistant, vendor: Vendor
) -> None:
    """Nobody has to open the advanced section."""
    result = await start(hass, vendor.key)
    form = {"instance_id": vendor.instance_id, vendor.token_field: TOKEN}
    with patch.object(GATEWAYS[vendor.key], "validate", return_value=READY):
        result = await submit(hass, result, form)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["url"] == GATEWAYS[vendor.key].default_url


@each_vendor
async def test_what_was_pasted_around_the_values_is_dropped(
    hass: HomeAssistant, sim: Simulator, vendor: Vendor
) -> None:
    """Blanks around credentials and a slash after the address do no harm."""
    result = await start(hass, vendor.key)
    form = vendor.form(
        sim,
        **{
            vendor.instance_field: f" {vendor.instance_id}\n",
            vendor.token_field: f"\t{TOKEN} ",
        },
        url=f" {vendor.url(sim)}/ ",
    )
    result = await submit(hass, result, form)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"][vendor.instance_field] == vendor.instance_id
    assert result["data"][vendor.token_field] == TOKEN
    assert result["data"]["url"] == vendor.url(sim)


@each_vendor
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"token": "wrong"}, "invalid_auth"),
        ({"token": " "}, "invalid_auth"),
        ({"instance": "99999"}, "instance_not_found"),
        ({"url": NOBODY}, "cannot_connect"),
        ({"url": "ftp://127.0.0.1"}, "invalid_url"),
    ],
)
async def test_wrong_input_has_its_own_message_and_can_be_put_right(
    hass: HomeAssistant,
    sim: Simulator,
    vendor: Vendor,
    changes: dict[str, str],
    error: str,
) -> None:
    """After each mistake, the right values go through in the same dialog."""
    names = {"token": vendor.token_field, "instance": vendor.instance_field}
    wrong = {names.get(field, field): value for field, value in changes.items()}
    shown_at = "base"
    if error == "invalid_url" and vendor.section is None:
        shown_at = "url"
    result = await start(hass, vendor.key)
    result = await submit(hass, result, vendor.form(sim, **wrong))
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == vendor.key
    assert result["errors"] == {shown_at: error}
    # What was entered stays in the form.
    entered = vendor.form(sim, **wrong)
    assert suggested(result) == {**entered.pop("advanced", {}), **entered}

    result = await submit(hass, result, vendor.form(sim))
    assert result["type"] is FlowResultType.CREATE_ENTRY


@each_cloud
async def test_an_address_to_correct_is_not_hidden(
    hass: HomeAssistant, sim: Simulator, setup_entry: AsyncMock, vendor: Vendor
) -> None:
    """The section is closed for the vendor's own address, and open for another."""

    def closed(result: ConfigFlowResult) -> bool:
        assert result["data_schema"] is not None
        options: dict[str, bool] = result["data_schema"].schema["advanced"].options
        return options["collapsed"]

    result = await start(hass, vendor.key)
    assert closed(result)
    wrong = vendor.form(sim, url="http://127.0.0.1:1")
    result = await submit(hass, result, wrong)
    assert result["errors"] == {"base": "cannot_connect"}
    assert not closed(result)
    entry = vendor.entry(sim)
    entry.add_to_hass(hass)
    assert not closed(await entry.start_reconfigure_flow(hass))


@each_cloud
async def test_an_instance_has_to_be_named(
    hass: HomeAssistant, sim: Simulator, vendor: Vendor
) -> None:
    """A cloud service has more instances than one's own."""
    result = await start(hass, vendor.key)
    result = await submit(hass, result, vendor.form(sim, instance_id=" "))
    assert result["errors"] == {"base": "instance_not_found"}
    result = await submit(hass, result, vendor.form(sim))
    assert result["type"] is FlowResultType.CREATE_ENTRY


@each_vendor
async def test_a_refusal_that_is_not_about_the_credentials(
    hass: HomeAssistant, sim: Simulator, vendor: Vendor
) -> None:
    """A plan or a scope that does not suffice is told as such."""
    sim.fail_next(status=403, body=vendor.refusal, gateway=vendor.key)
    result = await start(hass, vendor.key)
    result = await submit(hass, result, vendor.form(sim))
    assert result["errors"] == {"base": "not_allowed"}

    result = await submit(hass, result, vendor.form(sim))
    assert result["type"] is FlowResultType.CREATE_ENTRY


@each_vendor
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 502, "body": "<html>Bad gateway</html>"},
        {"status": 200, "body": "<html>Hello</html>", "content_type": "text/html"},
    ],
)
async def test_a_gateway_that_is_out_of_order(
    hass: HomeAssistant, sim: Simulator, vendor: Vendor, fault: dict[str, Any]
) -> None:
    """Whatever nonsense it answers, the user may try again."""
    sim.fail_next(5, gateway=vendor.key, **fault)
    result = await start(hass, vendor.key)
    result = await submit(hass, result, vendor.form(sim))
    assert result["errors"] == {"base": "cannot_connect"}

    sim.failures.clear()
    result = await submit(hass, result, vendor.form(sim))
    assert result["type"] is FlowResultType.CREATE_ENTRY


@each_vendor
async def test_an_instance_that_is_not_ready_is_accepted(
    hass: HomeAssistant, sim: Simulator, vendor: Vendor
) -> None:
    """The user may scan the code later."""
    await sim.accounts[vendor.key, vendor.instance_id].set_status(vendor.not_ready)
    result = await start(hass, vendor.key)
    result = await submit(hass, result, vendor.form(sim))
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (AuthenticationError("x"), "invalid_auth"),
        (NotAllowedError("x"), "not_allowed"),
        (NotFoundError("x"), "instance_not_found"),
        (UnreachableError("x"), "cannot_connect"),
        (RateLimitedError("x", 5), "cannot_connect"),
        (InvalidResponseError("x"), "cannot_connect"),
        (GatewayError("x"), "cannot_connect"),
        (RuntimeError("x"), "unknown"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
async def test_every_error_of_a_gateway_has_a_message(
    hass: HomeAssistant, raised: Exception, error: str
) -> None:
    """What the user can mend is told apart; what not, is not."""
    result = await start(hass, "waapi")
    form = {"instance_id": "12345", "api_token": TOKEN}
    with patch.object(GATEWAYS["waapi"], "validate", side_effect=raised):
        result = await submit(hass, result, form)
    assert result["errors"] == {"base": error}
    with patch.object(GATEWAYS["waapi"], "validate", return_value=READY):
        result = await submit(hass, result, form)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_an_unexpected_error_is_logged_by_its_kind_alone(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception's text and traceback may hold the token."""
    result = await start(hass, "waapi")
    with patch.object(
        GATEWAYS["waapi"], "validate", side_effect=KeyError(f"Bearer {TOKEN}")
    ):
        await submit(hass, result, {"instance_id": "12345", "api_token": TOKEN})
    assert "Unexpected KeyError" in caplog.text
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "waapi.app/api/v1",
        "ftp://waapi.app",
        "https://",
        "https://[::1",
        "https://waapi.app:port",
        "https://user@waapi.app",
        "https://user:pass@waapi.app",
        "https://:@waapi.app",
        "https://waapi.app/?a=b",
        "https://waapi.app/#top",
        "http://waapi.app",
        "http://8.8.8.8",
        "http://169.254.169.254",
        "http://[2001:db8::1]",
        "http://localhost.example",
    ],
)
async def test_an_address_that_the_token_must_not_be_sent_to(
    hass: HomeAssistant, url: str
) -> None:
    """No request is made before the address is sound."""
    result = await start(hass, "waapi")
    with patch.object(GATEWAYS["waapi"], "validate", return_value=READY) as validate:
        result = await submit(
            hass,
            result,
            {"instance_id": "1", "api_token": TOKEN, "advanced": {"url": url or " /"}},
        )
    assert result["errors"] == {"base": "invalid_url"}
    validate.assert_not_called()


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("https://waapi.app/api/v1/", "https://waapi.app/api/v1"),
        ("HTTPS://WaAPI.app", "https://waapi.app"),
        ("https://proxy.example:8443/waapi", "https://proxy.example:8443/waapi"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://192.168.1.20", "http://192.168.1.20"),
        ("http://10.0.0.5", "http://10.0.0.5"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://[fd00::5]", "http://[fd00::5]"),
    ],
)
async def test_an_address_is_brought_into_one_form(
    hass: HomeAssistant, url: str, stored: str
) -> None:
    """Plain http is for addresses in the house alone."""
    result = await start(hass, "waapi")
    with patch.object(GATEWAYS["waapi"], "validate", return_value=READY):
        result = await submit(
            hass,
            result,
            {"instance_id": "1", "api_token": TOKEN, "advanced": {"url": url}},
        )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["url"] == stored


@each_vendor
async def test_an_instance_is_set_up_once(
    hass: HomeAssistant, sim: Simulator, vendor: Vendor
) -> None:
    """The same instance again is refused, and changes nothing."""
    vendor.entry(sim).add_to_hass(hass)
    result = await start(hass, vendor.key)
    result = await submit(hass, result, vendor.form(sim))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert len(hass.config_entries.async_entries(DOMAIN)) == 1


async def test_two_gateways_may_know_the_same_instance_id(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """An id is an instance's at its own gateway only."""
    sim.add_instance("wawp", WAAPI.instance_id, token=TOKEN)
    WAAPI.entry(sim).add_to_hass(hass)
    result = await start(hass, "wawp")
    result = await submit(hass, result, WAWP.form(sim, instance_id=WAAPI.instance_id))
    assert result["type"] is FlowResultType.CREATE_ENTRY


@each_vendor
async def test_reauth(hass: HomeAssistant, sim: Simulator, vendor: Vendor) -> None:
    """Only the token is asked for; nothing else of the entry changes."""
    entry = vendor.entry(sim)
    entry.add_to_hass(hass)
    account = sim.accounts[vendor.key, vendor.instance_id]
    account.token = "brand-new"

    result = await entry.start_reauth_flow(hass)
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "reauth_confirm"
    assert result["data_schema"] is not None
    assert list(result["data_schema"].schema) == [vendor.token_field]
    placeholders = result["description_placeholders"]
    assert placeholders is not None
    assert placeholders["instance"] == entry.title

    result = await submit(hass, result, {vendor.token_field: "wrong"})
    assert result["errors"] == {"base": "invalid_auth"}
    await sim.stop()
    result = await submit(hass, result, {vendor.token_field: "brand-new"})
    assert result["errors"] == {"base": "cannot_connect"}
    await sim.start()
    result = await submit(hass, result, {vendor.token_field: " brand-new "})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    assert entry.data == {**vendor.data(sim), vendor.token_field: "brand-new"}


@each_vendor
async def test_reconfigure_of_token_and_address(
    hass: HomeAssistant, sim: Simulator, vendor: Vendor
) -> None:
    """Both can change; the instance stays."""
    entry = vendor.entry(sim)
    entry.add_to_hass(hass)
    sim.accounts[vendor.key, vendor.instance_id].token = "brand-new"
    moved = vendor.url(sim).replace("127.0.0.1", "localhost")

    result = await entry.start_reconfigure_flow(hass)
    assert result["step_id"] == "reconfigure"
    assert suggested(result) == {"url": vendor.url(sim)}

    here = vendor.at(vendor.url(sim))
    result = await submit(hass, result, {vendor.token_field: "wrong", **here})
    assert result["errors"] == {"base": "invalid_auth"}
    astray = {vendor.token_field: "brand-new", **vendor.at("ftp://127.0.0.1")}
    result = await submit(hass, result, astray)
    assert list(result["errors"].values()) == ["invalid_url"]
    assert suggested(result)["url"] == "ftp://127.0.0.1"
    there = {vendor.token_field: "brand-new", **vendor.at(f"{moved}/")}
    with patch.object(GATEWAYS[vendor.key], "validate", return_value=READY):
        result = await submit(hass, result, there)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    assert entry.data == {
        **vendor.data(sim),
        vendor.token_field: "brand-new",
        "url": moved,
    }
    # A server that moved stays the same entry, under its new host.
    assert entry.unique_id == vendor.unique_id(f"localhost:{sim.port}")


@each_vendor
@pytest.mark.parametrize("empty", [None, "", " "])
async def test_reconfigure_keeps_a_token_that_is_left_empty(
    hass: HomeAssistant, sim: Simulator, vendor: Vendor, empty: str | None
) -> None:
    """Nobody has to look the token up to change the address."""
    entry = vendor.entry(sim)
    entry.add_to_hass(hass)
    result = await entry.start_reconfigure_flow(hass)
    result = await submit(
        hass,
        result,
        {
            **({} if empty is None else {vendor.token_field: empty}),
            **vendor.at(vendor.url(sim)),
        },
    )
    assert result["reason"] == "reconfigure_successful"
    assert entry.data == vendor.data(sim)


async def test_options_of_a_gateway_that_signs_its_events(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """The secret can be set and cleared; the address to register is shown."""
    await async_process_ha_core_config(hass, {"external_url": "https://home.example"})
    entry = WAAPI.entry(sim)
    entry.add_to_hass(hass)

    result = await hass.config_entries.options.async_init(entry.entry_id)
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "init"
    assert suggested(result) == {"register_webhook": True}
    assert result["description_placeholders"] == {
        "webhook_url": "https://home.example/api/webhook/0123456789abcdef"
    }
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], {"register_webhook": False, "webhook_secret": " s3cret "}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == {"register_webhook": False, "webhook_secret": "s3cret"}

    for cleared in ({}, {"webhook_secret": ""}):
        hass.config_entries.async_update_entry(
            entry, options={"register_webhook": False, "webhook_secret": "s3cret"}
        )
        result = await hass.config_entries.options.async_init(entry.entry_id)
        assert suggested(result) == {
            "register_webhook": False,
            "webhook_secret": "s3cret",
        }
        await hass.config_entries.options.async_configure(
            result["flow_id"], {"register_webhook": True, **cleared}
        )
        assert entry.options == {"register_webhook": True}


async def test_options_of_a_gateway_that_does_not_sign(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """A secret is not asked for where it could not be verified."""
    entry = WAWP.entry(sim)
    entry.add_to_hass(hass)
    result = await hass.config_entries.options.async_init(entry.entry_id)
    assert result["data_schema"] is not None
    assert list(result["data_schema"].schema) == [
        "register_webhook",
        "new_webhook_address",
    ]


@pytest.mark.parametrize(
    ("data", "config", "shown"),
    [
        (
            {"cloudhook_url": "https://hooks.example/abc"},
            {"external_url": "https://home.example"},
            "https://hooks.example/abc",
        ),
        (
            {"url": "https://waapi.app/api/v1"},
            {"internal_url": "http://192.168.1.5:8123"},
            "https://…/api/webhook/0123456789abcdef",
        ),
        (
            {},
            {"internal_url": "http://192.168.1.5:8123"},
            "http://192.168.1.5:8123/api/webhook/0123456789abcdef",
        ),
    ],
    ids=["cloudhook", "no public address", "gateway in the house"],
)
async def test_the_address_that_the_options_show(
    hass: HomeAssistant,
    sim: Simulator,
    data: dict[str, str],
    config: dict[str, str],
    shown: str,
) -> None:
    """It is the one at which the gateway can reach the webhook, if there is one."""
    await async_process_ha_core_config(hass, config)
    entry = WAAPI.entry(sim)
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, **data})
    result = await hass.config_entries.options.async_init(entry.entry_id)
    assert result["description_placeholders"] == {"webhook_url": shown}


async def test_a_session_is_chosen_from_those_that_the_key_opens(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """A session that was left empty is asked for once the key is good."""
    sim.add_instance("waha", "work", token=TOKEN)
    sim.add_instance("waha", "foreign", token="another key")
    form = {"url": sim.url, "api_key": TOKEN}
    result = await start(hass, "waha")
    assert result["data_schema"] is not None
    assert list(result["data_schema"].schema) == ["url", "api_key", "session"]

    result = await submit(hass, result, {**form, "api_key": "wrong"})
    assert result["step_id"] == "waha"
    assert result["errors"] == {"base": "invalid_auth"}
    result = await submit(hass, result, {**form, "url": "ftp://waha:3000"})
    assert result["errors"] == {"url": "invalid_url"}
    result = await submit(hass, result, {**form, "session": " "})
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "waha_session"
    assert result["data_schema"] is not None
    (selector,) = result["data_schema"].schema.values()
    assert selector.config["options"] == ["default", "work"]

    sim.fail_next(path="/api/sessions/work", status=503)
    result = await submit(hass, result, {"session": "work"})
    assert result["step_id"] == "waha_session"
    assert result["errors"] == {"base": "cannot_connect"}
    result = await submit(hass, result, {"session": "work"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "WAHA work"
    assert result["data"]["session"] == "work"
    assert result["result"].unique_id == f"waha_127.0.0.1:{sim.port}_work"


async def test_a_server_without_a_session(hass: HomeAssistant, sim: Simulator) -> None:
    """There is nothing to choose from: the user has to start one there."""
    form = {"url": sim.url, "api_key": TOKEN}
    result = await start(hass, "waha")
    with patch.object(GATEWAYS["waha"], "list_instances", return_value=[]):
        result = await submit(hass, result, form)
    assert result["step_id"] == "waha"
    assert result["errors"] == {"base": "instance_not_found"}
    result = await submit(hass, result, form)
    assert result["step_id"] == "waha_session"


async def test_a_self_hosted_gateway_may_be_spoken_to_in_plain_http(
    hass: HomeAssistant,
) -> None:
    """In a house, few have certificates, and many have names of their own."""
    result = await start(hass, "waha")
    with patch.object(GATEWAYS["waha"], "validate", return_value=READY):
        result = await submit(
            hass,
            result,
            {"url": "http://waha.lan:3000/", "api_key": TOKEN, "session": "default"},
        )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["url"] == "http://waha.lan:3000"


async def test_a_server_can_not_move_onto_another_entry(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Two entries of one session would fight over it."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        data={**WAHA.data(sim), "url": "http://old:3000"},
        unique_id="waha_old:3000_default",
    )
    entry.add_to_hass(hass)
    WAHA.entry(sim).add_to_hass(hass)
    result = await entry.start_reconfigure_flow(hass)
    result = await submit(hass, result, {"url": sim.url})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert entry.data["url"] == "http://old:3000"
    assert entry.unique_id == "waha_old:3000_default"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("localhost:3000", "http://localhost:3000"),
        ("localhost", "http://localhost:3000"),
        ("192.168.1.20", "http://192.168.1.20:3000"),
        ("192.168.1.20:80", "http://192.168.1.20"),
        ("waha.lan:8080/dashboard/", "http://waha.lan:8080"),
        ("::1", "http://[::1]:3000"),
        ("[::1]:3001", "http://[::1]:3001"),
        ("http://192.168.1.20", "http://192.168.1.20"),
        ("http://192.168.1.20:3000/dashboard/", "http://192.168.1.20:3000"),
        ("http://192.168.1.20:3000/?a=b#/chat", "http://192.168.1.20:3000"),
        ("HTTPS://WAHA.example/", "https://waha.example"),
    ],
)
async def test_the_address_of_a_server_as_it_is_typed_or_copied(
    hass: HomeAssistant, typed: str, stored: str
) -> None:
    """What nobody types is added, and a page that was copied is the server's."""
    result = await start(hass, "waha")
    with patch.object(GATEWAYS["waha"], "validate", return_value=READY):
        result = await submit(
            hass, result, {"url": typed, "api_key": TOKEN, "session": "default"}
        )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["url"] == stored


@pytest.mark.parametrize(
    "typed",
    ["", "http://", "ftp://waha", "http://user:pass@waha:3000", "user@waha", "a:b:c:d"],
)
async def test_what_is_no_address_of_a_server(hass: HomeAssistant, typed: str) -> None:
    """No request is made to it."""
    result = await start(hass, "waha")
    with patch.object(GATEWAYS["waha"], "validate", return_value=READY) as validate:
        result = await submit(
            hass, result, {"url": typed, "api_key": TOKEN, "session": "default"}
        )
    assert result["errors"] == {"url": "invalid_url"}
    validate.assert_not_called()


async def test_sessions_that_are_set_up_are_not_offered(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Whatever the server was called then; if none is left, that is said."""
    sim.add_instance("waha", "work", token=TOKEN)
    entry = WAHA.entry(sim)
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "url": f"http://[::1]:{sim.port}"}
    )
    form = {"url": sim.url, "api_key": TOKEN}
    result = await submit(hass, await start(hass, "waha"), form)
    assert result["step_id"] == "waha_session"
    assert result["data_schema"] is not None
    ((field, selector),) = result["data_schema"].schema.items()
    assert selector.config["options"] == ["work"]
    assert field.default() == "work"
    result = await submit(hass, result, {"session": "work"})
    assert result["type"] is FlowResultType.CREATE_ENTRY

    result = await submit(hass, await start(hass, "waha"), form)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("http://127.0.0.1:3000", "localhost:3000", True),
        ("http://127.0.0.1:3000", "[::1]:3000", True),
        ("http://localhost:3000", "[::ffff:127.0.0.1]:3000", True),
        ("http://192.168.1.20:3000", "[::ffff:192.168.1.20]:3000", True),
        ("http://192.168.1.20:3000", "waha.lan", True),
        ("http://waha.lan:3000", "server.lan:3000", True),
        ("http://127.0.0.1:3000", "0.0.0.0", True),
        ("http://127.0.0.1:3000", "[::]:3000", True),
        ("http://127.0.0.1:3000", "http://127.0.0.99:3000/", True),
        ("http://localhost:3000", "LOCALHOST.:3000", True),
        ("http://192.168.1.20:3000", "WAHA.Lan.", True),
        ("http://nowhere.lan:3000", "Nowhere.LAN.", True),
        ("http://b\u00fccher.lan:3000", "xn--bcher-kva.lan", True),
        # Home Assistant's own machine, as the house calls it.
        ("http://localhost:3000", "192.168.1.5", True),
        ("http://home.lan:3000", "[::1]", True),
        ("http://home.lan:3000", "192.168.1.20", False),
        ("https://waha.lan", "https://192.168.1.20:443/", True),
        ("http://waha.lan", "http://192.168.1.20:80", True),
        # A proxy tells the servers behind it apart by their names.
        ("https://waha.lan", "https://server.lan", False),
        ("http://waha.lan", "http://server.lan:80", False),
        ("http://127.0.0.1:3000", "localhost:3001", False),
        ("http://192.168.1.20:3000", "192.168.1.21", False),
        ("http://192.168.1.20:3000", "nowhere.lan", False),
        ("http://nowhere.lan:3000", "elsewhere.lan", False),
    ],
)
async def test_one_session_is_one_entry_whatever_its_server_is_called(
    hass: HomeAssistant, first: str, second: str, same: bool
) -> None:
    """All of loopback is one host, and a name is where it leads to."""
    MockConfigEntry(
        domain=DOMAIN,
        data={"gateway": "waha", "session": "default", "api_key": "x", "url": first},
        unique_id="waha_the first",
    ).add_to_hass(hass)
    other = MockConfigEntry(
        domain=DOMAIN,
        data={
            "gateway": "waha",
            "session": "default",
            "api_key": "x",
            "url": "http://other.example",
            "webhook_id": "x",
        },
        unique_id="waha_other.example:80_default",
    )
    other.add_to_hass(hass)
    form = await start(hass, "waha")
    hass.config.api = ApiConfig("192.168.1.5", "home.lan", 8123, False)

    async def resolve(host: str, port: None, **kwargs: Any) -> list[Any]:
        addresses = {
            "localhost": ["127.0.0.1", "::1"],
            "waha.lan": ["192.168.1.20"],
            "home.lan": ["192.168.1.5"],
            "server.lan": ["fe80::1%eth0", "192.168.1.20"],
        }
        if host not in addresses:
            raise OSError
        return [(0, 0, 0, "", (address, 0)) for address in addresses[host]]

    with (
        patch.object(GATEWAYS["waha"], "validate", return_value=READY),
        patch.object(hass.loop, "getaddrinfo", side_effect=resolve),
    ):
        result = await submit(
            hass, form, {"url": second, "api_key": TOKEN, "session": "default"}
        )
        moved = await submit(
            hass, await other.start_reconfigure_flow(hass), {"url": second}
        )
    if same:
        assert result["reason"] == moved["reason"] == "already_configured"
    else:
        assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_options_of_a_server_that_registers_nothing(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """What does nothing is not shown; what it was set to is kept.

    Its events need no address, so there is none that could be renewed.
    """
    entry = WAHA.entry(sim)
    entry.add_to_hass(hass)
    result = await hass.config_entries.options.async_init(entry.entry_id)
    assert result["data_schema"] is not None
    assert list(result["data_schema"].schema) == ["webhook_secret"]
    with pytest.raises(InvalidData):
        await hass.config_entries.options.async_configure(
            result["flow_id"], {"new_webhook_address": True}
        )
    await hass.config_entries.options.async_configure(
        result["flow_id"], {"webhook_secret": "s3cret"}
    )
    assert entry.options == {"register_webhook": True, "webhook_secret": "s3cret"}


@pytest.mark.parametrize("form", ["reconfigure", "reauth", "options"])
async def test_a_form_whose_account_was_removed(
    hass: HomeAssistant, sim: Simulator, form: str
) -> None:
    """It ends with a reason, or is closed."""
    entry = WAHA.entry(sim)
    entry.add_to_hass(hass)
    flows: Any = hass.config_entries.flow
    if form == "options":
        flows = hass.config_entries.options
        result = await flows.async_init(entry.entry_id)
    elif form == "reauth":
        result = await entry.start_reauth_flow(hass)
    else:
        result = await entry.start_reconfigure_flow(hass)
    with patch("custom_components.whatsapp_presence.async_remove_entry", AsyncMock()):
        await hass.config_entries.async_remove(entry.entry_id)
    if form == "reauth":
        # Home Assistant closes it by itself.
        assert not flows.async_progress()
        return
    user_input = {} if form == "options" else {"url": sim.url}
    result = await flows.async_configure(result["flow_id"], user_input)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "account_removed"


# What answers 200 at an address and is no gateway; the last ones look like one.
NOT_A_GATEWAY = [
    "{}",
    "[]",
    "null",
    "<!doctype html><html><body>Welcome</body></html>",
    '{"message": "API running."}',
    '{"status": "ok", "version": "11.2.0"}',
    '{"status": 200, "message": "Welcome"}',
    '{"success": true, "data": {"status": "up"}}',
    '{"instance": {"instanceName": "home", "state": "open"}}',
    '{"name": "nginx", "status": "healthy"}',
    '[{"name": "default", "status": "up"}]',
    '{"status": "success", "data": {"resultType": "vector", "result": []}}',
]


@each_vendor
@pytest.mark.parametrize("body", NOT_A_GATEWAY)
async def test_what_is_not_the_gateway_s_own_form_is_no_success(
    hass: HomeAssistant, sim: Simulator, vendor: Vendor, body: str
) -> None:
    """Whatever answers there, no entry is made of it; nor is one changed."""
    kind = "text/html" if body.startswith("<") else "application/json"
    sim.fail_next(100, status=200, body=body, content_type=kind)
    result = await submit(hass, await start(hass, vendor.key), vendor.form(sim))
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"base": "cannot_connect"}

    entry = vendor.entry(sim)
    entry.add_to_hass(hass)
    result = await submit(
        hass,
        await entry.start_reconfigure_flow(hass),
        {vendor.token_field: "new", **vendor.at(vendor.url(sim))},
    )
    assert result["errors"] == {"base": "cannot_connect"}
    assert entry.data == vendor.data(sim)


async def test_an_instance_whose_status_is_not_told(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """What answers only the first question as the gateway does is not it."""
    sim.fail_next(100, status=200, body="{}", path="/client/status")
    result = await submit(hass, await start(hass, "waapi"), WAAPI.form(sim))
    assert result["errors"] == {"base": "cannot_connect"}


@each_vendor
@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Olga", "{vendor} Olga"),
        ("  Olga \n Muster ", "{vendor} Olga Muster"),
        ("+49 151 23456789", "{vendor} {instance}"),
        ("4915123456789", "{vendor} {instance}"),
        ("~", "{vendor} {instance}"),
        ("{vendor}", "{vendor} {instance}"),
    ],
)
async def test_the_title_is_the_account_s_own_name(
    hass: HomeAssistant, sim: Simulator, vendor: Vendor, name: str, title: str
) -> None:
    """Where the gateway tells it; never a number."""
    account = sim.accounts[vendor.key, vendor.instance_id]
    account.name = account.me.name = name.format(vendor=vendor.name)
    result = await submit(hass, await start(hass, vendor.key), vendor.form(sim))
    assert result["title"] == title.format(
        vendor=vendor.name, instance=vendor.instance_id
    )


def waha(sim: Simulator, **changes: Any) -> WahaAccount:
    """Let the session run another engine."""
    sim.remove_instance(sim.accounts["waha", "default"])
    account = sim.add_instance("waha", "default", token=TOKEN, **changes)
    assert isinstance(account, WahaAccount)
    return account


@pytest.mark.parametrize(
    ("changes", "mended", "remedy"),
    [
        ({}, {"tags_events_on": True}, "config.webjs.tagsEventsOn: true"),
        (
            {"tags_events_on": True, "version": "2026.8.2"},
            {"version": "2026.9.1"},
            "2026.9.1",
        ),
    ],
)
@pytest.mark.parametrize("session", ["default", None])
@pytest.mark.parametrize("is_mended", [True, False])
async def test_an_engine_that_can_not_tell_presence(
    hass: HomeAssistant,
    sim: Simulator,
    changes: dict[str, Any],
    mended: dict[str, Any],
    remedy: str,
    session: str | None,
    is_mended: bool,
) -> None:
    """It is said at once, with what is missing; the user may go on all the same."""
    account = waha(sim, engine="WEBJS", **changes)
    form = WAHA.form(sim)
    if session is None:
        del form["session"]
    result = await submit(hass, await start(hass, "waha"), form)
    if session is None:
        form = {"session": "default"}
        result = await submit(hass, result, form)
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"base": "engine_cannot_tell"}
    assert result["description_placeholders"] == {
        "engine": "WEBJS",
        "version": account.quirks.version,
        "remedy": remedy,
    }
    if is_mended:
        account.set_quirks(mended)
    result = await submit(hass, result, form)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_each_session_s_engine_is_told_of(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """That one was, does not let another pass."""
    waha(sim, engine="WEBJS")
    sim.add_instance("waha", "work", token=TOKEN, engine="WEBJS")
    result = await submit(hass, await start(hass, "waha"), WAHA.form(sim))
    assert result["errors"] == {"base": "engine_cannot_tell"}
    result = await submit(hass, result, WAHA.form(sim, session="work"))
    assert result["errors"] == {"base": "engine_cannot_tell"}
    result = await submit(hass, result, WAHA.form(sim, session="work"))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def first_chat(
    hass: HomeAssistant, sim: Simulator, vendor: Vendor
) -> ConfigFlowResult:
    """Set an account up, and return the form of its first chat."""
    result = await submit(hass, await start(hass, vendor.key), vendor.form(sim))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    form: Any = await hass.config_entries.subentries.async_configure(
        result["next_flow"][1]
    )
    return form


@pytest.mark.parametrize(
    ("vendor", "quirks", "said"),
    [
        (WAAPI, {}, None),
        (WAAPI, {"trial_number": "49151"}, "on trial"),
        (WAAPI, {"scopes": {"read"}}, "register its webhook"),
        (WAWP, {}, None),
        (WAWP, {"plan": "free"}, "register its webhook"),
        (WAHA, {}, None),
        (WAHA, {"store": False}, "config.noweb.store.enabled: true"),
    ],
)
async def test_what_is_said_before_the_first_chat(
    hass: HomeAssistant,
    sim: Simulator,
    vendor: Vendor,
    quirks: dict[str, Any],
    said: str | None,
) -> None:
    """A trial, a right that is missing, a store that is off; nothing is registered."""
    account = sim.accounts[vendor.key, vendor.instance_id]
    account.set_quirks(quirks)
    form = await first_chat(hass, sim, vendor)
    assert form["description_placeholders"] is not None
    notice = form["description_placeholders"]["notice"]
    if said is None:
        assert notice == ""
    else:
        assert said in notice
        assert notice.count("\n\n") == 1
    assert account.webhooks == []


async def test_a_token_that_may_nothing(hass: HomeAssistant, sim: Simulator) -> None:
    """Without the scope to read, there is no account to be had."""
    sim.accounts["waapi", "12345"].set_quirks({"scopes": set()})
    result = await submit(hass, await start(hass, "waapi"), WAAPI.form(sim))
    assert result["errors"] == {"base": "not_allowed"}


@each_vendor
async def test_an_account_that_is_not_connected_says_so(
    hass: HomeAssistant, sim: Simulator, vendor: Vendor, setup_entry: AsyncMock
) -> None:
    """And what to do, once, in the step of the first chat."""
    setup_entry.side_effect = ConfigEntryNotReady
    await sim.accounts[vendor.key, vendor.instance_id].set_status(vendor.not_ready)
    form = await first_chat(hass, sim, vendor)
    assert form["description_placeholders"] is not None
    notice = form["description_placeholders"]["notice"]
    assert notice.count("not connected to WhatsApp") == 1
    assert "QR code" in notice


async def test_a_right_that_can_not_be_asked_for(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Nothing is said of what nobody knows, and the account is set up."""
    sim.fail_next(5, path="/webhooks", status=500)
    form = await first_chat(hass, sim, WAWP)
    assert form["description_placeholders"] is not None
    assert form["description_placeholders"]["notice"] == ""


@pytest.fixture
async def proxied(
    sim: Simulator, socket_enabled: None
) -> AsyncGenerator[tuple[str, list[str]]]:
    """Return a proxy that has the simulator below a path, and what was asked of it."""
    asked: list[str] = []

    async def serve(request: web.Request) -> web.Response:
        asked.append(request.path)
        path = request.path.removeprefix("/home/waha")
        if path == request.path:
            return web.Response(text="<html>My home</html>", content_type="text/html")
        async with (
            ClientSession() as session,
            session.get(
                f"{sim.url}{path}",
                params=request.query,
                headers={"X-Api-Key": request.headers["X-Api-Key"]},
            ) as response,
        ):
            return web.Response(
                status=response.status,
                body=await response.read(),
                content_type=response.content_type,
            )

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", serve)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("")).rstrip("/"), asked


@pytest.mark.parametrize(
    "page", ["", "/", "/dashboard/", "/dashboard/sessions", "/api/sessions", "/swagger"]
)
@pytest.mark.parametrize("session", ["default", ""])
async def test_a_server_below_a_path(
    hass: HomeAssistant,
    sim: Simulator,
    proxied: tuple[str, list[str]],
    page: str,
    session: str,
) -> None:
    """Behind a proxy it is found there; a page of the server's is dropped."""
    origin, asked = proxied
    form = {"url": f"{origin}/home/waha{page}", "api_key": TOKEN, "session": session}
    result = await submit(hass, await start(hass, "waha"), {**form, "api_key": "x"})
    assert result["errors"] == {"base": "invalid_auth"}
    result = await submit(
        hass, result, {**form, "session": "other" if session else session}
    )
    if session:
        assert result["errors"] == {"base": "instance_not_found"}
        result = await submit(hass, result, form)
    else:
        assert result["step_id"] == "waha_session"
        result = await submit(hass, result, {"session": "default"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["url"] == f"{origin}/home/waha"
    host = origin.partition("//")[2]
    assert result["result"].unique_id == f"waha_{host}/home/waha_default"
    assert asked


@pytest.mark.parametrize("path", ["/foo", "/index.html", "/foo/dashboard"])
async def test_a_path_that_is_not_the_server_s(
    hass: HomeAssistant, sim: Simulator, path: str
) -> None:
    """It is asked first; then the server itself, of whose answers the best is told."""
    form = WAHA.form(sim, url=f"{sim.url}{path}")
    result = await submit(hass, await start(hass, "waha"), {**form, "api_key": "x"})
    assert result["errors"] == {"base": "invalid_auth"}
    result = await submit(hass, result, form)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["url"] == sim.url


async def test_two_servers_below_paths_of_one_host(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Their sessions are two, whatever they are called."""
    entry = WAHA.entry(sim)
    entry.add_to_hass(hass)
    with patch.object(GATEWAYS["waha"], "validate", return_value=READY):
        result = await submit(
            hass, await start(hass, "waha"), WAHA.form(sim, url=f"{sim.url}/second")
        )
        assert result["type"] is FlowResultType.CREATE_ENTRY
        again = await submit(
            hass, await start(hass, "waha"), WAHA.form(sim, url=f"{sim.url}/second/")
        )
    assert again["reason"] == "already_configured"


async def test_options_say_what_is_true_of_the_gateway(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """A server that is listened to is not said to report to an address."""
    texts = await async_get_translations(hass, "en", "options", [DOMAIN])
    shown = {}
    for vendor in (WAAPI, WAHA):
        entry = vendor.entry(sim)
        entry.add_to_hass(hass)
        result = await hass.config_entries.options.async_init(entry.entry_id)
        key = f"component.{DOMAIN}.options.step.{result['step_id']}.description"
        shown[vendor.key] = texts[key]
    assert "takes the gateway's events at this address" in shown["waapi"]
    assert "takes the gateway's events at this address" not in shown["waha"]
    assert "keeps a connection to the server open" in shown["waha"]
    for text in shown.values():
        assert "your phone gets no notifications" in text
