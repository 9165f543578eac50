"""Set-up and teardown of an entry, and what follows a change of it."""

from datetime import datetime
import time
from types import MappingProxyType
from typing import Any
from unittest.mock import ANY

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    async_test_home_assistant,
    mock_restore_cache_with_extra_data,
)

from custom_components.whatsapp_presence.const import DOMAIN, SUBENTRY_TYPE_CHAT
from custom_components.whatsapp_presence.gateways import GATEWAYS
from custom_components.whatsapp_presence.gateways.pacing import Pace
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_USER,
    ConfigEntryState,
    ConfigSubentry,
)
from homeassistant.const import (
    EVENT_HOMEASSISTANT_FINAL_WRITE,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
)
from homeassistant.core import HomeAssistant, State
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    restore_state as rs,
)

from .common import (
    ANNA,
    ANNA_LID,
    BEN,
    ENTRY_ID,
    FAMILY,
    TITLE,
    WEBHOOK_ID,
    add_account,
    advance,
    anna,
    ben,
    chat,
    chat_of,
    create_entry,
    instance_of,
    online,
    requests,
    set_up,
    settle,
    state,
    subscriptions,
    until,
)
from .simulator import Account, Simulator

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

STATUS = "/client/status"
ALIASES = f"{DOMAIN}.{ENTRY_ID}"


@pytest.fixture
def account(simulator: Simulator) -> Account:
    """Return an account at WaAPI that knows Anna, Ben and a group."""
    return add_account(simulator)


def processor_unit() -> float:
    """Return what ten million turns of nothing take here and now, in seconds."""
    begin = time.process_time()
    for _ in range(10_000_000):
        pass
    return time.process_time() - begin


def device_name(hass: HomeAssistant, identifier: str) -> str | None:
    """Return what a device is called."""
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, identifier), ENTRY_ID
    )
    assert device is not None
    return device.name


def setups(account: Account) -> int:
    """Return how often the entry was set up or polled: each asks for the status."""
    return requests(account, STATUS)


async def add_chat(hass: HomeAssistant, entry: MockConfigEntry, **form: Any) -> None:
    """Add a chat as a user does."""
    flow = hass.config_entries.subentries
    result = await flow.async_init(
        (entry.entry_id, SUBENTRY_TYPE_CHAT), context={"source": SOURCE_USER}
    )
    result = await flow.async_configure(result["flow_id"], form)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def change_chat(
    hass: HomeAssistant, entry: MockConfigEntry, chat_id: str, **form: Any
) -> None:
    """Change a chat as a user does."""
    subentry_id = chat_of(entry, chat_id).subentry.subentry_id
    result = await entry.start_subentry_reconfigure_flow(hass, subentry_id)
    result = await hass.config_entries.subentries.async_configure(
        result["flow_id"], form
    )
    assert result["reason"] == "reconfigure_successful"


# ------------------------------------------------------------- set-up, unloading


@pytest.mark.parametrize("gateway", ["waapi", "wawp"])
async def test_set_up_and_unload(
    hass: HomeAssistant, simulator: Simulator, gateway: str
) -> None:
    """An entry shows its chats; unloaded, it leaves what is registered as it is."""
    account = add_account(simulator, gateway)
    await account.set_presence(anna(account), "online")
    entry = await set_up(hass, account, chat(), chat(FAMILY, "Family"))
    assert entry.state is ConfigEntryState.LOADED
    assert online(hass) == STATE_ON
    # Wawp tells of a group's members only what they do in it.
    assert online(hass, FAMILY) == (STATE_ON if gateway == "waapi" else STATE_UNKNOWN)
    assert state(hass, "binary_sensor", "ready", None) == STATE_ON
    assert device_name(hass, ENTRY_ID) == TITLE
    assert device_name(hass, f"{ENTRY_ID}_{ANNA}") == "Anna"
    registered = account.webhooks

    assert await hass.config_entries.async_unload(ENTRY_ID)
    assert entry.state is ConfigEntryState.NOT_LOADED
    assert online(hass) == STATE_UNAVAILABLE
    assert account.webhooks == registered
    made = len(simulator.requests)
    await account.set_presence(anna(account), "offline")
    await settle(hass, account)
    assert len(simulator.requests) == made
    assert online(hass) == STATE_UNAVAILABLE


@pytest.mark.parametrize("gateway", ["waapi", "wawp"])
async def test_reload(hass: HomeAssistant, simulator: Simulator, gateway: str) -> None:
    """After a reload there are the same entities and the same webhook."""
    account = add_account(simulator, gateway)
    entry = await set_up(hass, account, chat(), chat(FAMILY, "Family"))
    registered = account.webhooks
    assert len(registered) == 1
    entities = {one.entity_id for one in er.async_get(hass).entities.values()}

    assert await hass.config_entries.async_reload(ENTRY_ID)
    await settle(hass, account)
    assert entry.state is ConfigEntryState.LOADED
    assert account.webhooks == registered
    assert {one.entity_id for one in er.async_get(hass).entities.values()} == entities
    assert online(hass) == STATE_OFF
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert online(hass) == STATE_ON


async def test_instance_that_is_not_ready_is_set_up_all_the_same(
    hass: HomeAssistant, account: Account
) -> None:
    """Chats are unavailable, and subscribed as soon as the instance is ready."""
    account.status = "qr"
    entry = await set_up(hass, account)
    assert entry.state is ConfigEntryState.LOADED
    assert online(hass) == STATE_UNAVAILABLE
    assert state(hass, "sensor", "status", None) == "login_required"
    assert subscriptions(account) == 0

    await account.set_status("ready")
    await settle(hass, account)
    assert online(hass) == STATE_OFF
    assert subscriptions(account) == 1


async def test_set_up_is_tried_again(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A gateway that can't be reached is tried again, and then found well."""
    await simulator.stop()
    entry = create_entry(account, chat())
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(ENTRY_ID)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "cannot_connect"

    await simulator.start()
    await advance(hass, freezer, account, 10)
    assert entry.state is ConfigEntryState.LOADED
    assert online(hass) == STATE_OFF


@pytest.mark.parametrize("gateway", ["waapi", "wawp"])
async def test_wrong_token_is_asked_for_and_the_entry_set_up_with_the_right_one(
    hass: HomeAssistant, simulator: Simulator, gateway: str
) -> None:
    """The user needs nothing but the new token."""
    account = add_account(simulator, gateway)
    entry = create_entry(account, chat())
    entry.add_to_hass(hass)
    account.token = "another"
    assert not await hass.config_entries.async_setup(ENTRY_ID)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == SOURCE_REAUTH
    assert flow["context"]["entry_id"] == ENTRY_ID

    field = "api_token" if gateway == "waapi" else "access_token"
    result = await hass.config_entries.flow.async_configure(
        flow["flow_id"], {field: "another"}
    )
    assert result["reason"] == "reauth_successful"
    await settle(hass, account)
    assert entry.state is ConfigEntryState.LOADED
    assert online(hass) == STATE_OFF
    assert hass.config_entries.flow.async_progress() == []


async def test_loaded_entry_is_set_up_anew_with_the_right_token(
    hass: HomeAssistant,
    account: Account,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """By its own listener, and once."""
    entry = await set_up(hass, account)
    instance = instance_of(entry)
    account.token = "another"
    await advance(hass, freezer, account, 60)
    assert online(hass) == STATE_UNAVAILABLE
    (flow,) = hass.config_entries.flow.async_progress()
    asked = setups(account)

    result = await hass.config_entries.flow.async_configure(
        flow["flow_id"], {"api_token": "another"}
    )
    assert result["reason"] == "reauth_successful"
    await settle(hass, account)
    assert entry.state is ConfigEntryState.LOADED
    assert instance_of(entry) is not instance
    # By the flow, and by the set-up.
    assert setups(account) == asked + 2
    assert online(hass) == STATE_OFF
    assert "has an update listener" not in caplog.text


async def test_address_of_an_entry_that_is_not_loaded_can_be_changed(
    hass: HomeAssistant, account: Account, simulator: Simulator
) -> None:
    """An entry that waits for its next try is not left waiting."""
    entry = create_entry(account, chat())
    entry.add_to_hass(hass)
    right = entry.data["url"]
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "url": "http://127.0.0.1:9"}
    )
    assert not await hass.config_entries.async_setup(ENTRY_ID)
    assert entry.state is ConfigEntryState.SETUP_RETRY

    result = await entry.start_reconfigure_flow(hass)
    result = await hass.config_entries.flow.async_configure(
        result["flow_id"], {"advanced": {"url": right}}
    )
    assert result["reason"] == "reconfigure_successful"
    await settle(hass, account)
    assert entry.state is ConfigEntryState.LOADED


# ------------------------------------------------------------- restart, removal


async def test_restart_keeps_what_was_known(
    hass: HomeAssistant,
    account: Account,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Last seen and the other ids outlive Home Assistant."""
    entry = await set_up(hass, account)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    freezer.tick(60)
    await account.set_presence(anna(account), "offline")
    await settle(hass, account)
    last_seen = state(hass, "sensor", "last_seen")
    assert datetime.fromisoformat(last_seen).timestamp() == anna(account).last_seen
    data = dict(entry.data)
    subentries = [one.as_dict() for one in entry.subentries.values()]

    await rs.async_get(hass).async_dump_states()
    hass.bus.async_fire_internal(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    assert hass_storage[ALIASES]["data"] == {
        "aliases": {ANNA_LID: ANNA},
        "announced": False,
        "last_seen": {ANNA: ANY},
    }
    assert await hass.config_entries.async_unload(ENTRY_ID)
    await hass.async_stop(force=True)

    # WhatsApp itself no longer tells, nor does the gateway which ids are one's.
    freezer.tick(60)
    account.lose_subscriptions()
    anna(account).deny = True
    looked_up = requests(account, "/get-lid")
    stored = hass_storage[rs.STORAGE_KEY]["data"]
    async with async_test_home_assistant() as restarted:
        restarted.data.pop("custom_components", None)
        # At another address it would take what is registered for another home's.
        restarted.config.external_url = hass.config.external_url
        mock_restore_cache_with_extra_data(
            restarted,
            [(State.from_dict(one["state"]), one["extra_data"]) for one in stored],
        )
        again = MockConfigEntry(
            domain=DOMAIN,
            entry_id=ENTRY_ID,
            title=TITLE,
            data=data,
            subentries_data=subentries,
        )
        again.add_to_hass(restarted)
        assert await restarted.config_entries.async_setup(ENTRY_ID)
        await settle(restarted, account)
        assert state(restarted, "sensor", "last_seen") == last_seen
        assert instance_of(again).people.aliases.main == {ANNA_LID: ANNA}
        assert requests(account, "/get-lid") == looked_up
        assert len(account.webhooks) == 1
        await restarted.async_stop(force=True)


@pytest.mark.parametrize("gateway", ["waapi", "wawp"])
async def test_removal_takes_back_what_was_registered_and_stored(
    hass: HomeAssistant,
    simulator: Simulator,
    hass_storage: dict[str, Any],
    gateway: str,
) -> None:
    """Nothing stays of a removed entry; what is the user's own stays as it is."""
    account = add_account(simulator, gateway)
    account.add_webhook("https://elsewhere.example/hook", note="mine")
    own = account.user_webhooks
    await set_up(hass, account)
    hass.bus.async_fire_internal(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    assert ALIASES in hass_storage
    assert len(account.webhooks) == 2

    result = await hass.config_entries.async_remove(ENTRY_ID)
    assert result == {"require_restart": False}
    assert account.webhooks == account.user_webhooks == own
    assert ALIASES not in hass_storage
    assert er.async_get(hass).entities.get_entries_for_config_entry_id(ENTRY_ID) == []
    assert dr.async_entries_for_config_entry(dr.async_get(hass), ENTRY_ID) == []


async def test_removal_does_not_need_the_gateway(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An entry whose gateway is gone can be removed; the log says what was left."""
    await set_up(hass, account)
    await simulator.stop()
    await hass.config_entries.async_remove(ENTRY_ID)
    assert hass.config_entries.async_entries(DOMAIN) == []
    assert "The webhook could not be removed from the gateway" in caplog.text
    assert WEBHOOK_ID not in caplog.text


async def test_removal_of_an_entry_that_was_never_set_up(
    hass: HomeAssistant, account: Account, simulator: Simulator
) -> None:
    """Nothing was registered, so the gateway is not asked."""
    create_entry(account, chat()).add_to_hass(hass)
    await hass.config_entries.async_remove(ENTRY_ID)
    assert hass.config_entries.async_entries(DOMAIN) == []
    assert len(simulator.requests) == 0


# ------------------------------------------------------------ changes of an entry


async def test_only_new_credentials_reload(
    hass: HomeAssistant, account: Account
) -> None:
    """The name, the options, and what the entry keeps for itself do not."""
    entry = await set_up(hass, account)
    instance = instance_of(entry)
    # The webhook's address was stored, and nothing was reloaded for it.
    assert entry.data["webhook_url"].endswith(WEBHOOK_ID)
    assert setups(account) == 1
    update = hass.config_entries.async_update_entry

    update(entry, data={**entry.data, "webhook_url": "https://elsewhere.example"})
    await settle(hass, account)
    update(entry, data={**entry.data, "cloudhook_url": "https://hooks.example/a"})
    await settle(hass, account)
    update(entry, options={"webhook_secret": "hush-hush"})
    await settle(hass, account)
    update(entry, title="Another name")
    await settle(hass, account)
    assert instance_of(entry) is instance
    assert setups(account) == 1
    assert subscriptions(account) == 1
    assert device_name(hass, ENTRY_ID) == "Another name"

    account.token = "another"
    update(entry, data={**entry.data, "api_token": "another"})
    await settle(hass, account)
    assert entry.state is ConfigEntryState.LOADED
    assert instance_of(entry) is not instance
    assert setups(account) == 2
    assert online(hass) == STATE_OFF


async def test_what_is_changed_during_set_up_is_followed(
    hass: HomeAssistant, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chat that is added while the platforms are set up is not forgotten."""
    await account.set_presence(ben(account), "typing")
    entry = create_entry(account, chat())
    entry.add_to_hass(hass)
    forward = hass.config_entries.async_forward_entry_setups

    async def change_and_forward(*args: Any) -> None:
        added = {**chat(BEN, "Ben")}
        added["data"] = MappingProxyType(added["data"])
        hass.config_entries.async_add_subentry(entry, ConfigSubentry(**added))
        hass.config_entries.async_update_entry(entry, title="Another name")
        await forward(*args)

    monkeypatch.setattr(
        hass.config_entries, "async_forward_entry_setups", change_and_forward
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    # The address of the webhook, which is stored later, is another change.
    assert hass.states.get("binary_sensor.ben") is not None
    assert device_name(hass, ENTRY_ID) == "Another name"
    await settle(hass, account)
    assert online(hass, BEN) == STATE_ON


async def test_chat_that_is_added_leaves_the_others_alone(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """The new chat is subscribed, and nobody else again."""
    await account.set_presence(ben(account), "typing")
    entry = await set_up(hass, account, chat(), chat(FAMILY, "Family"))
    instance, others = instance_of(entry), dict(instance_of(entry).chats)
    made = subscriptions(account)

    await add_chat(hass, entry, chat="+44 7700 900123", name="Benjamin")
    await settle(hass, account)
    assert online(hass, BEN) == STATE_ON
    assert state(hass, "sensor", "activity", BEN) == "typing"
    assert device_name(hass, f"{ENTRY_ID}_{BEN}") == "Benjamin"
    assert subscriptions(account, BEN) == 1
    assert subscriptions(account) == made + 1
    assert instance_of(entry) is instance
    assert instance.chats.items() >= others.items()
    assert setups(account) == 1

    await account.set_presence(ben(account), "offline")
    await account.set_presence(anna(account), "online")
    await advance_settling(hass, freezer, account)
    assert online(hass) == STATE_ON


async def advance_settling(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, account: Account
) -> None:
    """Let what has fallen settle."""
    freezer.tick(4)
    async_fire_time_changed(hass)
    await settle(hass, account)
    assert online(hass, BEN) == STATE_OFF


async def test_chat_that_is_changed_leaves_the_others_alone(
    hass: HomeAssistant, account: Account
) -> None:
    """A new name renames the device, a new settle time counts from now on."""
    entry = await set_up(hass, account, chat(), chat(BEN, "Ben"))
    instance, ana = instance_of(entry), chat_of(entry)
    made = len(account.simulator.requests)

    await change_chat(hass, entry, ANNA, name="Annabel", timing={"settle_time": 7})
    await settle(hass, account)
    assert device_name(hass, f"{ENTRY_ID}_{ANNA}") == "Annabel"
    assert device_name(hass, f"{ENTRY_ID}_{BEN}") == "Ben"
    shown = hass.states.get("binary_sensor.anna")
    assert shown is not None
    assert shown.name == "Annabel"
    assert chat_of(entry) is ana
    assert ana.tracker.settle_time == 7
    assert chat_of(entry, BEN).tracker.settle_time == 0
    assert instance.people.member_name(ANNA) == "Annabel"

    # A name that the user gave the device stays what it is.
    devices = dr.async_get(hass)
    device = devices.async_get_device_by_identifier(
        (DOMAIN, f"{ENTRY_ID}_{ANNA}"), ENTRY_ID
    )
    assert device is not None
    devices.async_update_device(device.id, name_by_user="Mum")
    await change_chat(hass, entry, ANNA, name="Anne", timing={"settle_time": 7})
    await settle(hass, account)
    device = devices.async_get(device.id)
    assert device is not None
    assert (device.name, device.name_by_user) == ("Anne", "Mum")

    assert instance_of(entry) is instance
    assert len(account.simulator.requests) == made


async def test_chat_that_is_removed_leaves_the_others_alone(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """Its device, its entities and its timers are gone; the others are as before."""
    entry = await set_up(hass, account, chat(), chat(BEN, "Ben"), chat(FAMILY, "All"))
    instance, gone = instance_of(entry), chat_of(entry, BEN)
    await account.set_presence(ben(account), "typing")
    await settle(hass, account)
    made = subscriptions(account)

    hass.config_entries.async_remove_subentry(entry, gone.subentry.subentry_id)
    await settle(hass, account)
    assert hass.states.get("binary_sensor.ben") is None
    assert not [
        one
        for one in er.async_get(hass).entities.values()
        if one.unique_id.startswith(f"{ENTRY_ID}_{BEN}")
    ]
    assert (
        dr.async_get(hass).async_get_device_by_identifier(
            (DOMAIN, f"{ENTRY_ID}_{BEN}"), ENTRY_ID
        )
        is None
    )
    assert instance_of(entry) is instance
    assert online(hass) == STATE_OFF
    assert subscriptions(account) == made

    # Events and the renewals of the others do not bring it back.
    await account.set_presence(ben(account), "online")
    await advance(hass, freezer, account, 21 * 60)
    assert subscriptions(account, BEN) == 1
    assert subscriptions(account, ANNA) == 2
    assert hass.states.get("binary_sensor.ben") is None


# ------------------------------------------------------------------- many chats


async def test_two_hundred_chats(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Set-up asks for none of them; they are subscribed within the budget."""
    # A budget of the same shape, three hundred times as fast.
    rate = 300.0
    monkeypatch.setattr(
        GATEWAYS["waapi"], "pace", Pace(at_once=6, per_second=rate, burst=10)
    )
    people = [
        account.add_person(f"4915100{number:05}", name=f"Person {number}")
        for number in range(200)
    ]
    entry = create_entry(
        account, *(chat(person.chat_id, person.name) for person in people)
    )
    entry.add_to_hass(hass)

    unit, started = processor_unit(), time.process_time()
    assert await hass.config_entries.async_setup(ENTRY_ID)
    took = time.process_time() - started
    assert entry.state is ConfigEntryState.LOADED
    assert [request.path.rpartition("/")[2] for request in simulator.requests] == [
        "status"
    ]
    # Of the processor, and generous: the benchmark measures it in earnest.
    assert took < 100 * unit
    assert online(hass, people[-1].chat_id) == STATE_UNKNOWN

    await until(lambda: len(account.subscriptions) == 200)
    await settle(hass, account)
    assert subscriptions(account) == 200
    assert {online(hass, person.chat_id) for person in people} == {STATE_OFF}
    times = [request.time for request in simulator.requests]
    # At any time no more than a burst, what was earned since, and what was in flight.
    for first, begin in enumerate(times):
        for last, end in enumerate(times[first:], start=first):
            assert last - first + 1 <= 10 + rate * (end - begin) + 6
