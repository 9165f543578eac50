"""Entries and chats of which too little is stored, or that another version wrote."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.whatsapp_presence.const import DOMAIN
from custom_components.whatsapp_presence.repairs import Issue
from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntryState,
    ConfigSubentry,
    ConfigSubentryData,
)
from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import ConfigEntryError
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.setup import async_setup_component

from .common import (
    ANNA,
    BEN,
    ENTRY_ID,
    TITLE,
    add_account,
    chat,
    create_entry,
    issue,
    online,
    set_up,
    settle,
    webhook_url,
    webhook_urls,
)
from .simulator import Account, Simulator

pytestmark = pytest.mark.usefixtures("diagnostics", "reachable", "unpaced")


@pytest.fixture
async def diagnostics(hass: HomeAssistant) -> None:
    """Set diagnostics up before there is a client."""
    assert await async_setup_component(hass, "diagnostics", {})


@pytest.fixture(params=["waapi", "wawp", "waha"])
def any_account(simulator: Simulator, request: pytest.FixtureRequest) -> Account:
    """Return an account at each of the gateways."""
    simulator.waha.heartbeat = None
    return add_account(simulator, request.param)


def broken(
    entry: MockConfigEntry,
    hass: HomeAssistant,
    drop: tuple[str, ...] = (),
    **put: Any,
) -> None:
    """Let something be missing in an entry, or be something else."""
    data = {key: value for key, value in entry.data.items() if key not in drop}
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**data, **put})


def token_of(account: Account) -> tuple[str, str]:
    """Return the names of the fields for the token and for the instance."""
    return {
        "waapi": ("api_token", "instance_id"),
        "wawp": ("access_token", "instance_id"),
        "waha": ("api_key", "session"),
    }[account.gateway]


def at(account: Account) -> dict[str, Any]:
    """Return the form's part that says where the gateway is."""
    if account.gateway == "waha":
        return {"url": account.simulator.url}
    path = "/api/v1" if account.gateway == "waapi" else ""
    return {"advanced": {"url": f"{account.simulator.url}{path}"}}


def assert_quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing of it ends in a traceback.

    But for Home Assistant's own: 2026.11 tells so of each entry that can't be set up.
    """
    told = [
        record
        for record in caplog.records
        # A library that pictures of cameras could be read with may be missing.
        if record.exc_info and record.name != "homeassistant.components.camera.img_util"
    ]
    assert {record.name for record in told} <= {"homeassistant.config_entries"}
    for record in told:
        assert record.exc_info
        assert record.exc_info[0] is ConfigEntryError


PARTS = ["url", "webhook_id", "token", "instance"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("content", [None, "", 5])
async def test_a_part_that_is_missing_is_told_and_reconfigured(
    hass: HomeAssistant,
    any_account: Account,
    caplog: pytest.LogCaptureFixture,
    part: str,
    content: Any,
) -> None:
    """The entry says what to do; what can be made up, is."""
    token, instance = token_of(any_account)
    key = {"token": token, "instance": instance}.get(part, part)
    entry = create_entry(any_account, chat())
    broken(entry, hass, (key,), **({} if content is None else {key: content}))
    assert not await hass.config_entries.async_setup(ENTRY_ID)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    told = issue(hass, Issue.ENTRY_UNUSABLE)
    assert told is not None
    assert told.translation_placeholders == {"instance": TITLE}

    form = await entry.start_reconfigure_flow(hass)
    assert form["type"] is FlowResultType.FORM
    assert (instance in form["data_schema"].schema) is (part == "instance")
    user_input = at(any_account)
    if part == "instance":
        user_input[instance] = any_account.instance_id
    if part == "token":
        user_input[token] = any_account.token
    result = await hass.config_entries.flow.async_configure(form["flow_id"], user_input)
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    assert issue(hass, Issue.ENTRY_UNUSABLE) is None
    assert len(entry.data["webhook_id"]) > 20
    assert_quiet(caplog)
    assert await hass.config_entries.async_unload(ENTRY_ID)


@pytest.mark.parametrize(
    "put",
    [
        {"gateway": "pigeons"},
        {"gateway": None},
        {"gateway": ["waapi"]},
        {"url": None},
        {"url": "ftp://waapi.app"},
        {"webhook_id": None},
        {"api_token": None},
    ],
    ids=str,
)
async def test_no_dialog_of_a_broken_account_breaks(
    hass: HomeAssistant,
    simulator: Simulator,
    hass_client: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
    put: Mapping[str, Any],
) -> None:
    """Each says that it can't be used; another account works, and it can be removed."""
    account = add_account(simulator)
    other = MockConfigEntry(
        domain=DOMAIN,
        title="Broken",
        unique_id="broken",
        data={**create_entry(account).data, **put},
        subentries_data=[chat(BEN, "Ben")],
    )
    other.add_to_hass(hass)
    await set_up(hass, account)
    assert other.state is ConfigEntryState.SETUP_ERROR
    is_unknown = "gateway" in put
    assert issue(hass, Issue.ENTRY_UNUSABLE, other.entry_id) is not None
    assert issue(hass, Issue.ENTRY_UNUSABLE) is None
    assert online(hass) == STATE_OFF

    flows = hass.config_entries
    result = await flows.options.async_init(other.entry_id)
    assert result["reason"] == "unusable_entry"
    for kind in ("chat", "chats"):
        result = await flows.subentries.async_init(
            (other.entry_id, kind), context={"source": SOURCE_USER}
        )
        assert result["reason"] == "unusable_entry"
    result = await other.start_reauth_flow(hass)
    assert result.get("reason", "unusable_entry") == "unusable_entry"
    result = await other.start_reconfigure_flow(hass)
    if is_unknown:
        assert result["reason"] == "unusable_entry"
    else:
        assert result["type"] is FlowResultType.FORM
    found = await get_diagnostics_for_config_entry(hass, hass_client, other)
    assert found["instance"] is None
    await flows.async_remove(other.entry_id)
    assert online(hass) == STATE_OFF
    assert_quiet(caplog)


UNREADABLE: dict[str, ConfigSubentryData] = {
    "another type": {**chat(BEN, "Ben"), "subentry_type": "channel"},
    "no chat": {**chat(BEN, "Ben"), "data": {"settle_time": 0}},
    "nothing": {**chat(BEN, "Ben"), "data": {}},
    "a number": {**chat(BEN, "Ben"), "data": {"chat": 447700900123}},
    "a word for a time": {
        **chat(BEN, "Ben"),
        "data": {"chat": BEN, "settle_time": "soon"},
    },
    "no id": {**chat(BEN, "Ben"), "data": {"chat": "Ben"}},
    "an id without end": {**chat(BEN, "Ben"), "data": {"chat": "4" * 1_000_000}},
    "no time": {
        **chat(BEN, "Ben"),
        "data": {"chat": BEN, "settle_time": float("nan")},
    },
    "time before": {**chat(BEN, "Ben"), "data": {"chat": BEN, "settle_time": -5}},
    "time without end": {
        **chat(BEN, "Ben"),
        "data": {"chat": BEN, "settle_time": 1e300},
    },
    "a newer version": {**chat(BEN, "Ben"), "data": {"chat": BEN, "version": 2}},
}


@pytest.mark.parametrize("kind", UNREADABLE)
async def test_a_chat_that_cannot_be_read_is_left_out_and_told(
    hass: HomeAssistant,
    account: Account,
    hass_client: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
    kind: str,
) -> None:
    """The others work, whatever is done to them, and it can be mended or removed."""
    entry = await set_up(hass, account, chat(), UNREADABLE[kind])
    (subentry,) = (one for one in entry.subentries.values() if one.title == "Ben")
    assert entry.state is ConfigEntryState.LOADED
    assert online(hass) == STATE_OFF
    found = issue(hass, Issue.CHAT_UNREADABLE, subentry.subentry_id)
    assert found is not None
    assert found.translation_placeholders == {"chat": "Ben", "instance": TITLE}
    told = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert len(told["chats"]) == 1
    for each in ("chat", "chats"):
        form = await hass.config_entries.subentries.async_init(
            (ENTRY_ID, each), context={"source": SOURCE_USER}
        )
        assert form["type"] is FlowResultType.FORM

    if kind == "another type":
        hass.config_entries.async_remove_subentry(entry, subentry.subentry_id)
    else:
        form = await entry.start_subentry_reconfigure_flow(hass, subentry.subentry_id)
        result = await hass.config_entries.subentries.async_configure(
            form["flow_id"], {"chat": ANNA, "name": "Ben"}
        )
        assert result["reason"] == "already_configured"
        form = await entry.start_subentry_reconfigure_flow(hass, subentry.subentry_id)
        shown = form["data_schema"]
        assert shown is not None
        result = await hass.config_entries.subentries.async_configure(
            form["flow_id"], {"chat": "nobody", "name": "Ben"}
        )
        assert result["errors"] == {"chat": "invalid_chat"}
        result = await hass.config_entries.subentries.async_configure(
            form["flow_id"], {"chat": BEN, "name": "Ben"}
        )
        assert result["reason"] == "reconfigure_successful"
    await settle(hass, account)
    assert issue(hass, Issue.CHAT_UNREADABLE, subentry.subentry_id) is None
    if kind != "another type":
        assert online(hass, BEN) == STATE_OFF
    assert online(hass) == STATE_OFF
    assert_quiet(caplog)


@pytest.mark.parametrize(
    "put",
    [
        {"old_webhook_urls": None},
        {"old_webhook_urls": "https://ha.example.org"},
        {"old_webhook_urls": [5, None]},
        {"webhook_url": 5},
        {"webhook_url": []},
        {"webhook_url": {}},
        {"cloudhook_url": 5},
        {"cloudhook_url": []},
    ],
    ids=str,
)
async def test_what_is_kept_of_the_webhook_may_be_anything(
    hass: HomeAssistant,
    account: Account,
    caplog: pytest.LogCaptureFixture,
    put: Mapping[str, Any],
) -> None:
    """What makes no sense is left out; the webhook is registered, and removed."""
    entry = create_entry(account, chat())
    broken(entry, hass, **put)
    assert await hass.config_entries.async_setup(ENTRY_ID)
    await settle(hass, account)
    assert webhook_urls(account) == [webhook_url(hass)]
    await hass.config_entries.async_remove(ENTRY_ID)
    assert webhook_urls(account) == []
    assert_quiet(caplog)


@pytest.mark.parametrize("secret", [5, ["s3cret"], {"s3cret": True}], ids=str)
async def test_a_secret_that_is_no_text_lets_nobody_in(
    hass: HomeAssistant,
    account: Account,
    caplog: pytest.LogCaptureFixture,
    secret: Any,
) -> None:
    """There is one, and nobody can have signed with it; *Configure* mends it."""
    await set_up(hass, account, options={"webhook_secret": secret})
    async with async_get_clientsession(hass).post(
        webhook_url(hass), data=b'{"event":"ready"}'
    ) as response:
        assert response.status == HTTPStatus.UNAUTHORIZED
    flows = hass.config_entries.options
    form = await flows.async_init(ENTRY_ID)
    result = await flows.async_configure(form["flow_id"], {"register_webhook": True})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    async with async_get_clientsession(hass).post(
        webhook_url(hass), data=b'{"event":"ready"}'
    ) as response:
        assert response.status == HTTPStatus.OK
    assert_quiet(caplog)


@pytest.mark.parametrize("alias", [None, 5, [ANNA]], ids=str)
async def test_another_id_that_is_none_is_left_out(
    hass: HomeAssistant,
    account: Account,
    caplog: pytest.LogCaptureFixture,
    alias: Any,
) -> None:
    """The chat is known by its own."""
    await set_up(hass, account, chat(alias=alias))
    await account.set_presence(ANNA, "online")
    await settle(hass, account)
    assert online(hass) == STATE_ON
    assert_quiet(caplog)


async def test_a_chat_that_becomes_unreadable_is_left_out(
    hass: HomeAssistant, account: Account
) -> None:
    """While the account runs, as a restored file would at the next start."""
    entry = await set_up(hass, account)
    unreadable = {**UNREADABLE["no chat"]}
    hass.config_entries.async_add_subentry(
        entry,
        ConfigSubentry(**{**unreadable, "data": MappingProxyType(unreadable["data"])}),
    )
    await settle(hass, account)
    (subentry,) = (one for one in entry.subentries.values() if one.title == "Ben")
    assert issue(hass, Issue.CHAT_UNREADABLE, subentry.subentry_id) is not None
    await hass.config_entries.async_remove(ENTRY_ID)
    assert issue(hass, Issue.CHAT_UNREADABLE, subentry.subentry_id) is None


async def test_what_a_newer_version_wrote_is_refused_in_words(
    hass: HomeAssistant, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of it is changed; it can be removed."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        entry_id=ENTRY_ID,
        title=TITLE,
        version=2,
        data={"gateway": "waapi", "something": "else"},
    )
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(ENTRY_ID)
    assert entry.state is ConfigEntryState.MIGRATION_ERROR
    found = issue(hass, Issue.ENTRY_TOO_NEW)
    assert found is not None
    assert found.translation_placeholders == {"instance": TITLE}
    for result in (
        await hass.config_entries.options.async_init(ENTRY_ID),
        await entry.start_reconfigure_flow(hass),
        await hass.config_entries.subentries.async_init(
            (ENTRY_ID, "chat"), context={"source": SOURCE_USER}
        ),
    ):
        assert result["reason"] == "unusable_entry"
    assert entry.data == {"gateway": "waapi", "something": "else"}
    await hass.config_entries.async_remove(ENTRY_ID)
    assert issue(hass, Issue.ENTRY_TOO_NEW) is None
    assert_quiet(caplog)


async def test_what_a_later_release_of_this_version_wrote_is_taken(
    hass: HomeAssistant, account: Account
) -> None:
    """What it has more is left as it is."""
    made = create_entry(account, chat())
    entry = MockConfigEntry(
        domain=DOMAIN,
        entry_id=ENTRY_ID,
        title=TITLE,
        minor_version=7,
        data={**made.data, "more": True},
        subentries_data=[chat()],
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(ENTRY_ID)
    await settle(hass, account)
    assert online(hass) == STATE_OFF
    assert entry.data["more"]


async def test_what_an_older_version_than_any_wrote_is_not_taken(
    hass: HomeAssistant, account: Account
) -> None:
    """There was none; whoever wrote that, it can't be read."""
    entry = MockConfigEntry(domain=DOMAIN, entry_id=ENTRY_ID, version=0, data={})
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(ENTRY_ID)
    assert entry.state is ConfigEntryState.MIGRATION_ERROR


async def copy_of(
    hass: HomeAssistant,
    account: Account,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> MockConfigEntry:
    """Add what somebody copied of an entry in Home Assistant's files."""
    copied = MockConfigEntry(
        domain=DOMAIN,
        title="Copy",
        unique_id=entry.unique_id,
        data={**entry.data},
        subentries_data=[chat(BEN, "Ben")],
    )
    copied.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(copied.entry_id)
    assert copied.state is ConfigEntryState.SETUP_ERROR
    await settle(hass, account)
    assert "already defined" not in caplog.text
    # 2026.11 tells of each entry that can't be set up, in the integration's name.
    caplog.clear()
    return copied


async def test_two_entries_with_one_webhook_are_told_apart(
    hass: HomeAssistant, each_account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """The first works; the other says why not, and gets a webhook of its own."""
    entry = await set_up(hass, each_account)
    copied = await copy_of(hass, each_account, entry, caplog)
    found = issue(hass, Issue.ENTRY_UNUSABLE, copied.entry_id)
    assert found is not None
    assert found.translation_key == "entry_unusable_shared"
    assert found.translation_placeholders == {"instance": "Copy", "other": TITLE}
    assert issue(hass, Issue.ENTRY_UNUSABLE) is None
    assert webhook_urls(each_account) == [webhook_url(hass)]

    form = await copied.start_reconfigure_flow(hass)
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], at(each_account)
    )
    assert result["reason"] == "reconfigure_successful"
    await settle(hass, each_account)
    assert copied.state is ConfigEntryState.LOADED
    assert issue(hass, Issue.ENTRY_UNUSABLE, copied.entry_id) is None
    assert copied.data["webhook_id"] != entry.data["webhook_id"]
    assert len(webhook_urls(each_account)) == 2
    assert webhook_url(hass) in webhook_urls(each_account)
    assert_quiet(caplog)


@pytest.mark.parametrize("remove", [True, False], ids=["removed", "renewed"])
async def test_a_copy_takes_nothing_from_the_first(
    hass: HomeAssistant,
    account: Account,
    caplog: pytest.LogCaptureFixture,
    remove: bool,
) -> None:
    """What is registered for both stays, whatever becomes of the copy."""
    entry = await set_up(hass, account)
    copied = await copy_of(hass, account, entry, caplog)
    if remove:
        await hass.config_entries.async_remove(copied.entry_id)
    else:
        flows = hass.config_entries.options
        form = await flows.async_init(copied.entry_id)
        await flows.async_configure(
            form["flow_id"], {"register_webhook": True, "new_webhook_address": True}
        )
        assert await hass.config_entries.async_reload(copied.entry_id)
    await settle(hass, account)
    assert webhook_url(hass) in webhook_urls(account)
    assert online(hass) == STATE_OFF
    assert_quiet(caplog)
