"""What the tests of the integration share: accounts, entries, and how time passes."""

import asyncio
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
import logging
import time
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.whatsapp_presence.const import DOMAIN, SUBENTRY_TYPE_CHAT
from custom_components.whatsapp_presence.instance.chat import Chat
from custom_components.whatsapp_presence.instance.hub import Instance
from custom_components.whatsapp_presence.repairs import Issue
from homeassistant.config_entries import ConfigSubentry, ConfigSubentryData
from homeassistant.const import (
    EVENT_STATE_CHANGED,
    EVENT_STATE_REPORTED,
    EntityCategory,
    Platform,
)
from homeassistant.core import Event, HomeAssistant, State, callback
from homeassistant.helpers import entity_registry as er, issue_registry as ir

from .simulator import Account, Group, Person, Simulator

ANNA = "491511234567@c.us"
ANNA_LID = "111222333444555@lid"
BEN = "447700900123@c.us"
BEN_LID = "666777888999000@lid"
FAMILY = "120363000000000001@g.us"

INSTANCES = {"waapi": "12345", "wawp": "A1B2C3", "waha": "default"}
ENTRY_ID = "01JENTRY0000000000000000WP"
TITLE = "My account"
WEBHOOK_ID = "0123456789abcdef0123456789abcdef"
WEBHOOK_PATH = f"/api/webhook/{WEBHOOK_ID}"

# Of the gateway's dialects, what subscribes to a chat.
SUBSCRIBE = {
    "waapi": "/client/action/get-chat-presence",
    "wawp": "/subscribe",
    "waha": "/subscribe",
}


def add_account(
    simulator: Simulator, gateway: str = "waapi", **options: Any
) -> Account:
    """Add an account that knows Anna, Ben and a group of both.

    A server of WAHA has its store switched on, as the set-up's help asks for.
    """
    if gateway == "waha":
        options.setdefault("store", True)
    account = simulator.add_instance(
        gateway, INSTANCES[gateway], token="t0ken", **options
    )
    anna = account.add_person("491511234567", name="Anna", lid=ANNA_LID)
    ben = account.add_person("447700900123", name="Ben", lid=BEN_LID)
    account.add_group(FAMILY, name="Family", members=[anna, ben])
    return account


def anna(account: Account) -> Person:
    """Return Anna."""
    return account.person(ANNA)


def ben(account: Account) -> Person:
    """Return Ben."""
    return account.person(BEN)


def family(account: Account) -> Group:
    """Return the group."""
    return account.group(FAMILY)


def chat(chat_id: str = ANNA, title: str = "Anna", **data: Any) -> ConfigSubentryData:
    """Return a chat as the flow stores it; falls show at once unless told otherwise."""
    return ConfigSubentryData(
        data={"chat": chat_id, "settle_time": 0, **data},
        subentry_type=SUBENTRY_TYPE_CHAT,
        title=title,
        unique_id=chat_id,
    )


def create_entry(
    account: Account,
    *chats: ConfigSubentryData,
    options: Mapping[str, Any] | None = None,
) -> MockConfigEntry:
    """Return an account's entry as the flow stores it."""
    path, instance, token = {
        "waapi": ("/api/v1", "instance_id", "api_token"),
        "wawp": ("", "instance_id", "access_token"),
        "waha": ("", "session", "api_key"),
    }[account.gateway]
    return MockConfigEntry(
        domain=DOMAIN,
        entry_id=ENTRY_ID,
        title=TITLE,
        unique_id=f"{account.gateway}_{account.instance_id}",
        data={
            "gateway": account.gateway,
            instance: account.instance_id,
            token: account.token,
            "url": f"{account.simulator.url}{path}",
            "webhook_id": WEBHOOK_ID,
        },
        options=options or {},
        subentries_data=chats,
    )


async def set_up(
    hass: HomeAssistant,
    account: Account,
    *chats: ConfigSubentryData,
    options: Mapping[str, Any] | None = None,
) -> MockConfigEntry:
    """Set up an account, and wait until its chats are subscribed."""
    entry = create_entry(account, *(chats or (chat(),)), options=options)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, account)
    return entry


async def add_chat(
    hass: HomeAssistant,
    account: Account,
    entry: MockConfigEntry,
    chat_id: str,
    title: str,
    **data: Any,
) -> None:
    """Add a chat to an entry that is set up, and wait until it is subscribed."""
    added = {**chat(chat_id, title, **data)}
    hass.config_entries.async_add_subentry(
        entry, ConfigSubentry(**{**added, "data": MappingProxyType(added["data"])})
    )
    await settle(hass, account)


async def set_up_stream(
    hass: HomeAssistant, account: Account, *chats: ConfigSubentryData
) -> MockConfigEntry:
    """Set up an account whose events come over a stream, and wait until they can."""
    entry = create_entry(account, *(chats or (chat(),)))
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: instance_of(entry).delivery.push)
    await until(lambda: len(account.subscriptions) == len(instance_of(entry).chats))
    return entry


async def pass_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Let time pass, and what is due happen, beside a stream that never ends."""
    freezer.tick(seconds)
    async_fire_time_changed(hass)
    await let_happen()
    await hass.async_block_till_done()


async def let_happen(turns: int = 600) -> None:
    """Let the loop go on, whatever the clock says."""
    for turn in range(turns):
        if turn % 200 == 199:
            leave_the_processor()
        await asyncio.sleep(0)


def leave_the_processor() -> None:
    """Let threads go on, and the kernel bring what was sent: a busy one is late."""
    time.sleep(0.001)


async def settle(hass: HomeAssistant, account: Account) -> None:
    """Wait until nobody has anything left to do, on either side."""
    while True:
        await hass.async_block_till_done(wait_background_tasks=True)
        if not account.simulator.delivery.waiting:
            return
        await account.simulator.delivery.idle()


async def in_time(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    condition: Callable[[], object],
    seconds: int = 125,
) -> None:
    """Let time pass until a condition holds; the stream's task itself never ends."""
    for second in range(seconds):
        freezer.tick(1)
        async_fire_time_changed(hass)
        for _ in range(300):
            await hass.async_block_till_done()
            if condition():
                return
            await asyncio.sleep(0)
        if second % 10 == 9:
            leave_the_processor()
    raise AssertionError("It did not come in time")


async def advance(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    account: Account,
    seconds: float,
) -> None:
    """Let time pass, and what is due happen."""
    freezer.tick(seconds)
    async_fire_time_changed(hass)
    await settle(hass, account)


async def outlast_grace(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, account: Account
) -> None:
    """Let a poll find an outage out, and the grace time that follows pass."""
    for seconds in (60, 2, 120):
        await advance(hass, freezer, account, seconds)


async def until(condition: Callable[[], Any]) -> None:
    """Let things happen until a condition holds, whatever the clock says."""
    for turn in range(20_000):
        if condition():
            return
        if turn > 2000:
            leave_the_processor()
        await asyncio.sleep(0)
    raise AssertionError("It never came to that")


def instance_of(entry: MockConfigEntry) -> Instance:
    """Return the instance of a loaded entry."""
    instance: Instance = entry.runtime_data.instance
    return instance


def chat_of(entry: MockConfigEntry, chat_id: str = ANNA) -> Chat:
    """Return a chat of a loaded entry."""
    return next(
        chat for chat in instance_of(entry).chats.values() if chat.chat_id == chat_id
    )


def subscriptions(account: Account, chat_id: str | None = None) -> int:
    """Return how many times a chat, or any, was subscribed."""
    return sum(
        request.path.endswith(SUBSCRIBE[account.gateway])
        and (
            chat_id is None
            or chat_id in (request.body or {}).values()
            or chat_id in request.query.values()
        )
        for request in account.simulator.requests
    )


def requests(account: Account, path: str) -> int:
    """Return how many requests' paths ended with this."""
    return sum(request.path.endswith(path) for request in account.simulator.requests)


def webhook_url(hass: HomeAssistant) -> str:
    """Return the address of the entry's webhook."""
    return f"{hass.config.external_url}{WEBHOOK_PATH}"


def webhook_urls(account: Account) -> list[str]:
    """Return the addresses that are registered at the gateway."""
    return [hook["url"] for hook in account.webhooks]


def issue(
    hass: HomeAssistant, key: Issue, owner_id: str = ENTRY_ID
) -> ir.IssueEntry | None:
    """Return a repair issue, if the user is told of it."""
    return ir.async_get(hass).async_get_issue(DOMAIN, f"{key}_{owner_id}")


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the integration has logged for everybody to see."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components.whatsapp_presence")
        and record.levelno > logging.DEBUG
    ]


def entity_id(
    hass: HomeAssistant, domain: str, key: str, chat_id: str | None = ANNA
) -> str:
    """Return the id of an entity of a chat, or with None of the instance."""
    owner = ENTRY_ID if chat_id is None else f"{ENTRY_ID}_{chat_id}"
    found = er.async_get(hass).async_get_entity_id(domain, DOMAIN, f"{owner}_{key}")
    assert found is not None
    return found


def state(
    hass: HomeAssistant, domain: str, key: str, chat_id: str | None = ANNA
) -> str:
    """Return the state of an entity of a chat, or with None of the instance."""
    found = hass.states.get(entity_id(hass, domain, key, chat_id))
    assert found is not None
    return found.state


def online(hass: HomeAssistant, chat_id: str = ANNA) -> str:
    """Return the state of a chat's main entity."""
    return state(hass, "binary_sensor", "online", chat_id)


def activity(hass: HomeAssistant, chat_id: str = ANNA) -> str:
    """Return the state of a chat's activity."""
    return state(hass, "sensor", "activity", chat_id)


@contextmanager
def only(platform: Platform) -> Generator[None]:
    """Load one platform alone."""
    with patch("custom_components.whatsapp_presence.PLATFORMS", [platform]):
        yield


@dataclass(frozen=True)
class Named:
    """What users and automations know the entities of a platform by."""

    # The entity's id and translation key, by its unique id.
    entities: dict[str, tuple[str, str | None]]
    disabled: set[str]
    diagnostic: set[str]


async def names_of(
    hass: HomeAssistant,
    account: Account,
    platform: Platform,
    *chats: ConfigSubentryData,
) -> Named:
    """Set up one platform of an account, and return what it has."""
    with only(platform):
        entry = await set_up(hass, account, *chats)
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    return Named(
        {each.unique_id: (each.entity_id, each.translation_key) for each in entities},
        {each.entity_id for each in entities if each.disabled_by},
        {
            each.entity_id
            for each in entities
            if each.entity_category is EntityCategory.DIAGNOSTIC
        },
    )


async def set_up_day(
    hass: HomeAssistant, account: Account, platform: Platform
) -> MockConfigEntry:
    """Set up one platform of an account in which somebody is doing something."""
    await account.set_presence(anna(account), "recording")
    await account.set_presence(ben(account), "typing", group=FAMILY)
    ben(account).last_seen = 1_790_000_000
    carl = account.add_person("33612345678", name="Carl")
    carl.last_seen = 1_790_000_123
    with only(platform):
        entry = await set_up(
            hass,
            account,
            chat(),
            chat(BEN, "Ben"),
            chat(carl.chat_id, "Carl"),
            chat(FAMILY, "Family"),
        )
        # What is done in a group is told when it is done, and not again.
        await account.set_presence(ben(account), "typing", group=FAMILY)
        await settle(hass, account)
    return entry


class Writes:
    """Counts what is written to the state machine, be it the same or not."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Begin to count."""
        self.states: list[tuple[str, str]] = []
        for event_type in (EVENT_STATE_CHANGED, EVENT_STATE_REPORTED):
            hass.bus.async_listen(event_type, self._note, event_filter=self._all)

    @callback
    def _all(self, _data: Mapping[str, Any]) -> bool:
        return True

    @callback
    def _note(self, event: Event[Any]) -> None:
        written: State | None = event.data["new_state"]
        self.states.append(
            (event.data["entity_id"], "" if written is None else written.state)
        )

    def of(self, entity_id: str) -> list[str]:
        """Return what was written of one entity."""
        return [
            written for written_id, written in self.states if written_id == entity_id
        ]
