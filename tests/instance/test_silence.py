"""Whether anything at all is told of an account, and that the user is told if not."""

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.whatsapp_presence.repairs import Issue, async_raise_issue
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from ..common import (
    BEN,
    ENTRY_ID,
    TITLE,
    add_account,
    add_chat,
    advance,
    anna,
    ben,
    chat,
    chat_of,
    create_entry,
    issue,
    outlast_grace,
    pass_time,
    set_up,
    set_up_stream,
    settle,
    until,
)
from ..simulator import Account, Simulator, WaapiAccount, WahaAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

HALF_AN_HOUR = 30 * 60


@pytest.fixture
def account(simulator: Simulator) -> WaapiAccount:
    """Return an account that WhatsApp tells nothing of Anna and Ben."""
    account = add_account(simulator)
    assert isinstance(account, WaapiAccount)
    anna(account).has_data = ben(account).has_data = False
    return account


def is_told(hass: HomeAssistant) -> bool:
    """Whether the user is told that nothing arrives."""
    return issue(hass, Issue.NOTHING_ARRIVES) is not None


async def pass_half_an_hour(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """Let time pass until shortly before it is told, and then the rest."""
    for minutes in (10, 10, 9):
        await advance(hass, freezer, account, minutes * 60)
        assert not is_told(hass)
    await advance(hass, freezer, account, 2 * 60)


async def test_half_an_hour_without_a_word(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """It is told once, and taken back with the first word."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    await pass_half_an_hour(hass, account, freezer)
    told = issue(hass, Issue.NOTHING_ARRIVES)
    assert told is not None
    assert told.is_fixable
    assert not told.is_persistent
    assert told.severity is ir.IssueSeverity.WARNING
    assert told.translation_placeholders is not None
    assert told.translation_placeholders["instance"] == TITLE
    assert told.learn_more_url == told.translation_placeholders["learn_more"]

    await account.set_presence(ben(account), "online", has_data=True)
    await settle(hass, account)
    assert not is_told(hass)
    # Once heard, always heard.
    await account.reconnect()
    for _ in range(5):
        await advance(hass, freezer, account, 20 * 60)
    assert not is_told(hass)


async def test_one_chat_that_is_heard_of_is_enough(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Be it by an answer alone."""
    ben(account).has_data = True
    entry = await set_up(hass, account, chat(), chat(BEN, "Ben"))
    assert chat_of(entry, BEN).presence.online is not None
    for _ in range(4):
        await advance(hass, freezer, account, HALF_AN_HOUR / 2)
    assert not is_told(hass)


async def test_an_account_without_chats(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Nothing is expected; with the first chat, the wait begins."""
    entry = await set_up(hass, account)
    hass.config_entries.async_remove_subentry(
        entry, chat_of(entry).subentry.subentry_id
    )
    for _ in range(3):
        await advance(hass, freezer, account, HALF_AN_HOUR / 2)
    assert not is_told(hass)
    await add_chat(hass, account, entry, BEN, "Ben")
    await pass_half_an_hour(hass, account, freezer)
    assert is_told(hass)
    hass.config_entries.async_remove_subentry(
        entry, chat_of(entry, BEN).subentry.subentry_id
    )
    await advance(hass, freezer, account, 60)
    assert not is_told(hass)


async def test_an_account_that_is_not_ready(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """It is something else that keeps presence from coming; then the wait is anew."""
    await set_up(hass, account)
    await advance(hass, freezer, account, HALF_AN_HOUR / 2)
    await account.set_status("qr")
    await settle(hass, account)
    for _ in range(3):
        await advance(hass, freezer, account, HALF_AN_HOUR / 2)
    assert not is_told(hass)
    await account.set_status("ready")
    await settle(hass, account)
    await pass_half_an_hour(hass, account, freezer)
    assert is_told(hass)

    account.status = "disconnected"
    await outlast_grace(hass, freezer, account)
    await advance(hass, freezer, account, 60)
    assert not is_told(hass)


async def test_another_problem_explains_it(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """One of events, or of a chat's own calls; when it is gone, this one is told."""
    account.quirks.scopes = frozenset({"read"})
    await set_up(hass, account)
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is not None
    for _ in range(3):
        await advance(hass, freezer, account, HALF_AN_HOUR / 2)
    assert not is_told(hass)
    account.quirks.scopes = frozenset({"read", "update"})
    await advance(hass, freezer, account, 15 * 60)
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is None
    await advance(hass, freezer, account, 60)
    assert is_told(hass)

    # And the other way round.
    async_raise_issue(
        hass, Issue.PRESENCE_FAILING, next(iter(subentries(hass))), name="Anna"
    )
    await advance(hass, freezer, account, 60)
    assert not is_told(hass)


def subentries(hass: HomeAssistant) -> list[str]:
    """Return the ids of the entry's chats."""
    return list(hass.config_entries.async_get_known_entry(ENTRY_ID).subentries)


async def test_a_chat_that_can_not_be_read_explains_nothing(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """It is left out; that nothing arrives of the others has another reason."""
    await set_up(hass, account, chat(), {**chat(BEN, "Ben"), "data": {}})
    await pass_half_an_hour(hass, account, freezer)
    assert is_told(hass)


async def test_others_problems_explain_nothing(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Those of another account."""
    async_raise_issue(hass, Issue.NO_PUBLIC_URL, "another", instance="Another")
    await set_up(hass, account)
    await pass_half_an_hour(hass, account, freezer)
    assert is_told(hass)


async def test_a_restart(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """It is taken back, and told again when half an hour has passed anew."""
    entry = await set_up(hass, account)
    await pass_half_an_hour(hass, account, freezer)
    assert is_told(hass)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass, account)
    await pass_half_an_hour(hass, account, freezer)
    assert is_told(hass)
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert not is_told(hass)


async def test_an_engine_that_can_not_tell(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """It is told at the start, with the line to add; that nothing arrives is not."""
    account = add_account(simulator, "waha", engine="WEBJS")
    assert isinstance(account, WahaAccount)
    anna(account).has_data = False
    entry = await set_up_stream(hass, account)
    told = issue(hass, Issue.ENGINE_CANNOT_TELL)
    assert told is not None
    assert told.severity is ir.IssueSeverity.ERROR
    assert told.translation_placeholders == {
        "instance": TITLE,
        "engine": "WEBJS",
        "version": account.quirks.version,
        "remedy": "config.webjs.tagsEventsOn: true",
    }
    for _ in range(8):
        await pass_time(hass, freezer, HALF_AN_HOUR / 4)
    assert not is_told(hass)

    # Mended: it goes by itself, with the next look at the account.
    account.quirks.tags_events_on = True
    await pass_time(hass, freezer, 60)
    await until(lambda: issue(hass, Issue.ENGINE_CANNOT_TELL) is None)
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_a_server_that_is_too_old(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    """The version to update to is named."""
    account = add_account(
        simulator, "waha", engine="WEBJS", tags_events_on=True, version="2026.8.2"
    )
    entry = create_entry(account, chat())
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    told = issue(hass, Issue.ENGINE_CANNOT_TELL)
    assert told is not None
    assert told.translation_placeholders is not None
    assert told.translation_placeholders["version"] == "2026.8.2"
    assert told.translation_placeholders["remedy"] == "2026.9.1"
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert issue(hass, Issue.ENGINE_CANNOT_TELL) is None


async def test_a_missing_store_keeps_nothing_from_coming(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    """So no repair is told of it."""
    account = add_account(simulator, "waha", engine="NOWEB", store=False)
    entry = await set_up_stream(hass, account)
    assert issue(hass, Issue.ENGINE_CANNOT_TELL) is None
    assert await hass.config_entries.async_unload(entry.entry_id)
