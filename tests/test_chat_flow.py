"""The chats' subentry flow: pick or type a chat, and change it later."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from unittest.mock import AsyncMock, Mock, patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.whatsapp_presence import chat_list, naming
from custom_components.whatsapp_presence.const import DOMAIN, SUBENTRY_TYPE_CHAT
from custom_components.whatsapp_presence.gateways.base import (
    ChatInfo,
    GatewayError,
    InvalidResponseError,
    NotAllowedError,
    NotReadyError,
    RateLimitedError,
    UnreachableError,
)
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntryState,
    ConfigSubentryData,
    SubentryFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.setup import async_setup_component

from .common import until
from .simulator import Account, Simulator

ANNA = "491511234567@c.us"
ANNA_LID = "111222333444@lid"
BEN = "447700900123@c.us"
FAMILY = "120363000000000001@g.us"


@pytest.fixture
def sim(simulator: Simulator) -> Simulator:
    """Return a simulator; its accounts know Anna, Ben and a group."""
    for gateway, instance_id in (
        ("waapi", "12345"),
        ("wawp", "A1B2C3"),
        ("waha", "default"),
    ):
        store = {"store": True} if gateway == "waha" else {}
        account = simulator.add_instance(gateway, instance_id, token="t0ken", **store)
        anna = account.add_person("491511234567", name="Anna", lid=ANNA_LID)
        ben = account.add_person("447700900123", name="Ben")
        account.add_group(FAMILY, name="Family", members=[anna, ben])
    return simulator


@pytest.fixture(params=["waapi", "wawp", "waha"])
def each_account(sim: Simulator, request: pytest.FixtureRequest) -> Account:
    """Return an account at each of the gateways."""
    return next(a for a in sim.accounts.values() if a.gateway == request.param)


@pytest.fixture
def account(sim: Simulator) -> Account:
    """Return the account at one of the gateways."""
    return sim.accounts["waapi", "12345"]


def chat(chat_id: str, title: str, **data: Any) -> ConfigSubentryData:
    """Return a chat that was added before."""
    return ConfigSubentryData(
        data={"chat": chat_id, "settle_time": 3.0, **data},
        subentry_type=SUBENTRY_TYPE_CHAT,
        title=title,
        unique_id=chat_id,
    )


def add_entry(
    hass: HomeAssistant, account: Account, *chats: ConfigSubentryData
) -> MockConfigEntry:
    """Add an entry that is not loaded."""
    path, instance, token = {
        "waapi": ("/api/v1", "instance_id", "api_token"),
        "wawp": ("", "instance_id", "access_token"),
        "waha": ("", "session", "api_key"),
    }[account.gateway]
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="An account",
        data={
            "gateway": account.gateway,
            instance: account.instance_id,
            token: account.token,
            "url": f"{account.simulator.url}{path}",
            "webhook_id": "0123456789abcdef",
        },
        unique_id=f"{account.gateway}_{account.instance_id}",
        subentries_data=chats,
    )
    entry.add_to_hass(hass)
    return entry


def add_loaded_entry(
    hass: HomeAssistant, *chats: ConfigSubentryData, **answers: Any
) -> tuple[MockConfigEntry, Mock]:
    """Add an entry that is loaded, with a gateway that answers as told."""
    entry = MockConfigEntry(
        domain=DOMAIN, data={"gateway": "waapi"}, subentries_data=chats
    )
    entry.add_to_hass(hass)
    entry.mock_state(hass, ConfigEntryState.LOADED)
    gateway = Mock(
        list_chats=AsyncMock(return_value=[]),
        resolve=AsyncMock(side_effect=lambda number: f"{number}@c.us"),
        aliases=AsyncMock(return_value={}),
    )
    for name, answer in answers.items():
        method = getattr(gateway, name)
        if isinstance(answer, Exception):
            method.side_effect = answer
        else:
            method.side_effect, method.return_value = None, answer
    entry.runtime_data = Mock(gateway=gateway)
    return entry, gateway


async def start(hass: HomeAssistant, entry: MockConfigEntry) -> SubentryFlowResult:
    """Open the form that adds a chat."""
    result = await hass.config_entries.subentries.async_init(
        (entry.entry_id, SUBENTRY_TYPE_CHAT), context={"source": SOURCE_USER}
    )
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "user"
    assert result["errors"] == {}
    return result


async def submit(
    hass: HomeAssistant, result: SubentryFlowResult, **user_input: Any
) -> SubentryFlowResult:
    """Fill in the form."""
    return await hass.config_entries.subentries.async_configure(
        result["flow_id"], user_input
    )


async def add(
    hass: HomeAssistant, entry: MockConfigEntry, **user_input: Any
) -> SubentryFlowResult:
    """Open the form, and fill it in."""
    return await submit(hass, await start(hass, entry), **user_input)


def offered(result: SubentryFlowResult) -> list[str]:
    """Return the chats to pick from, as they are called, in their order."""
    assert result["data_schema"] is not None
    selector = result["data_schema"].schema["chat"]
    assert selector.config["custom_value"] is True
    labels: list[str] = selector.config["options"]
    return labels


def only_chat(entry: MockConfigEntry) -> tuple[str, str | None, Mapping[str, Any]]:
    """Return title, unique id and data of the entry's one chat."""
    (subentry,) = entry.subentries.values()
    assert subentry.subentry_type == SUBENTRY_TYPE_CHAT
    return subentry.title, subentry.unique_id, subentry.data


async def test_the_accounts_own_chats_are_offered(
    hass: HomeAssistant, each_account: Account
) -> None:
    """In its own order, groups marked, each person once although there are two ids."""
    entry = add_entry(hass, each_account)
    result = await start(hass, entry)
    assert offered(result) == ["Anna", "Ben", "👥 Family"]


async def test_nobody_is_picked_by_the_form_itself(
    hass: HomeAssistant, account: Account
) -> None:
    """Whoever only presses the button has not chosen anybody."""
    result = await start(hass, add_entry(hass, account))
    assert result["data_schema"] is not None
    (field,) = (key for key in result["data_schema"].schema if key == "chat")
    assert field.default() == ""
    result = await submit(hass, result)
    assert result["errors"] == {"chat": "invalid_chat"}


@pytest.mark.parametrize("chosen", ["Anna", ANNA])
async def test_a_chat_is_picked(
    hass: HomeAssistant, each_account: Account, chosen: str
) -> None:
    """It is called as in the account; its other id is remembered."""
    entry = add_entry(hass, each_account)
    result = await add(hass, entry, chat=chosen)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert only_chat(entry) == (
        "Anna",
        ANNA,
        {"chat": ANNA, "settle_time": 3.0, "alias": ANNA_LID},
    )


@pytest.mark.parametrize("chosen", ["👥 Family", FAMILY])
async def test_a_group_is_picked(
    hass: HomeAssistant, each_account: Account, chosen: str
) -> None:
    """A group has one id, and is called as in the account, without the mark."""
    entry = add_entry(hass, each_account)
    await add(hass, entry, chat=chosen, timing={"settle_time": 0})
    assert only_chat(entry) == ("Family", FAMILY, {"chat": FAMILY, "settle_time": 0.0})


async def test_a_name_and_a_settle_time_of_the_users_own(
    hass: HomeAssistant, account: Account
) -> None:
    """Both go before what the account and the integration say."""
    entry = add_entry(hass, account)
    await add(hass, entry, chat=BEN, name=" My brother ", timing={"settle_time": 7.5})
    assert only_chat(entry) == (
        "My brother",
        BEN,
        {"chat": BEN, "settle_time": 7.5},
    )


@pytest.mark.parametrize("seconds", [-1, 60.5, "soon"])
async def test_a_settle_time_out_of_bounds(
    hass: HomeAssistant, account: Account, seconds: Any
) -> None:
    """Nothing outside of 0 to 60 s is taken."""
    entry = add_entry(hass, account)
    with pytest.raises(InvalidData):
        await add(hass, entry, chat=BEN, timing={"settle_time": seconds})
    assert not entry.subentries


@pytest.mark.parametrize(
    "typed",
    [
        "+491511234567",
        "+49 151 1234567",
        "0049 (0)151 123-4567",
        " +49 (151) 123.45.67 ",
        "Mobile: +49 151 1234567",
        "+49\N{NO-BREAK SPACE}151\N{EN DASH}1234567",
        "tel:+49-151-1234567",
        "https://wa.me/491511234567",
        "491511234567@c.us",
        "491511234567:12@s.whatsapp.net",
        "+491511234567@c.us",
        "491511234567@hosted",
    ],
)
async def test_a_number_is_typed_in_any_common_notation(
    hass: HomeAssistant, account: Account, typed: str
) -> None:
    """All of them lead to the same chat, and to its name."""
    entry = add_entry(hass, account)
    result = await add(hass, entry, chat=typed)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    title, unique_id, data = only_chat(entry)
    assert (title, unique_id, data["chat"]) == ("Anna", ANNA, ANNA)


@pytest.mark.parametrize(
    "typed",
    ["", " ", "Nobody", "0151 1234567", "12345", "1@broadcast", "status@broadcast"],
)
async def test_what_is_no_chat_has_its_own_message(
    hass: HomeAssistant, account: Account, typed: str
) -> None:
    """The form stays, with what was entered, and takes the right number then."""
    entry = add_entry(hass, account)
    result = await add(hass, entry, chat=typed, name="Sister")
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"chat": "invalid_chat"}
    assert offered(result)
    result = await submit(hass, result, chat=ANNA, name="Sister")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert only_chat(entry)[0] == "Sister"


async def test_a_number_that_is_not_on_whatsapp(
    hass: HomeAssistant, each_account: Account
) -> None:
    """A slip in a number is found before anybody waits for it to come online."""
    each_account.add_person("491700000000", name="Nobody", on_whatsapp=False)
    entry = add_entry(hass, each_account)
    result = await add(hass, entry, chat="+49 170 0000000")
    assert result["errors"] == {"chat": "not_on_whatsapp"}
    result = await submit(hass, result, chat="+49 151 1234567")
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_the_gateway_knows_the_right_id_of_a_number(
    hass: HomeAssistant,
) -> None:
    """In some countries the id has other digits than the number."""
    entry, gateway = add_loaded_entry(hass, resolve="551187654321@c.us")
    await add(hass, entry, chat="+55 11 98765-4321")
    gateway.resolve.assert_awaited_once_with("5511987654321")
    assert only_chat(entry)[1] == "551187654321@c.us"


@pytest.mark.parametrize("chosen", [ANNA, ANNA_LID, FAMILY])
async def test_an_id_is_taken_as_it_is(hass: HomeAssistant, chosen: str) -> None:
    """Nobody types an id by mistake: the gateway is not asked whether it exists."""
    entry, gateway = add_loaded_entry(hass)
    await add(hass, entry, chat=chosen)
    gateway.resolve.assert_not_called()
    assert only_chat(entry)[1] == chosen


async def test_an_opaque_id_leads_to_the_number(
    hass: HomeAssistant, each_account: Account
) -> None:
    """The chat keeps the id that was chosen, and gets the name of the number."""
    entry = add_entry(hass, each_account)
    await add(hass, entry, chat=ANNA_LID)
    title, unique_id, data = only_chat(entry)
    assert (title, unique_id) == ("Anna", ANNA_LID)
    assert data == {"chat": ANNA_LID, "settle_time": 3.0, "alias": ANNA}


@pytest.mark.parametrize(
    ("present", "chosen"),
    [
        (chat(ANNA, "A"), ANNA),
        (chat(ANNA, "A"), "+49 151 1234567"),
        (chat(ANNA, "A"), ANNA_LID),
        (chat(ANNA_LID, "A"), ANNA),
        (chat(ANNA_LID, "A", alias=ANNA), ANNA),
        (chat(FAMILY, "F"), FAMILY),
    ],
)
async def test_a_chat_is_added_once(
    hass: HomeAssistant,
    account: Account,
    present: ConfigSubentryData,
    chosen: str,
) -> None:
    """Whichever of its two ids was used, then or now."""
    entry = add_entry(hass, account, present)
    result = await add(hass, entry, chat=chosen)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert len(entry.subentries) == 1


async def test_who_turned_out_to_be_a_chat_already_is_not_added_again(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """What was learnt since, counts: here a group's members told of the pair."""
    account = sim.accounts["waha", "default"]
    account.quirks.store = False
    entry = add_entry(hass, account, chat(ANNA_LID, "A"), chat(FAMILY, "F"))
    account.quirks.participants_as_lids = True
    assert await hass.config_entries.async_setup(entry.entry_id)
    people = entry.runtime_data.instance.people
    await until(lambda: people.find(ANNA) is not None)
    result = await add(hass, entry, chat="+49 151 1234567")
    assert result["reason"] == "already_configured"
    assert len(entry.subentries) == 2


async def test_what_is_added_is_not_offered_again(
    hass: HomeAssistant, account: Account
) -> None:
    """Neither under its own id nor under its other one."""
    entry = add_entry(hass, account, chat(ANNA_LID, "A", alias=ANNA))
    assert offered(await start(hass, entry)) == ["Ben", "👥 Family"]


async def test_two_accounts_may_have_the_same_chat(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """What one account may see, another may not."""
    first, second, *_ = sim.accounts.values()
    add_entry(hass, first, chat(ANNA, "Anna"))
    result = await add(hass, add_entry(hass, second), chat=ANNA)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_labels_tell_namesakes_apart(hass: HomeAssistant) -> None:
    """Who has no name comes last, with the number; opaque ids without one are left out."""
    entry, _ = add_loaded_entry(
        hass,
        list_chats=[
            ChatInfo(chat_id="491511111111@c.us", name="Max"),
            ChatInfo(chat_id="491511111122@c.us", name="Max"),
            ChatInfo(chat_id="491511111122@c.us", name="Max (contact)"),
            ChatInfo(chat_id="12025550199@c.us"),
            ChatInfo(chat_id="35312345678@c.us", name=" "),
            ChatInfo(chat_id="777@lid"),
            ChatInfo(chat_id="888@lid", name="Zoe"),
            ChatInfo(chat_id="999@lid", name="Max"),
            ChatInfo(chat_id="120363000000000009@g.us"),
            ChatInfo(chat_id="120363000000000008@g.us", name="Max"),
            ChatInfo(chat_id="491511111133@S.WhatsApp.net", name="adam"),
            ChatInfo(chat_id="status@broadcast", name="Status"),
        ],
    )
    labels = {
        "Max (…11)": "491511111111@c.us",
        "Max (…22)": "491511111122@c.us",
        "Zoe": "888@lid",
        "👥 Max": "120363000000000008@g.us",
        "adam": "491511111133@c.us",
        "+1 202-555-0199": "12025550199@c.us",
        "+353 1 234 5678": "35312345678@c.us",
    }
    # Who is left has no namesakes any more.
    forms = {label: await start(hass, entry) for label in labels}
    for label, form in forms.items():
        assert offered(form) == list(labels)
        await submit(hass, form, chat=label)
    assert {s.unique_id for s in entry.subentries.values()} == set(labels.values())


async def test_a_name_never_stands_for_somebody_else(hass: HomeAssistant) -> None:
    """Whoever is called like another's number, id or label gets a label of their own."""
    impostors = {
        "491511111144@c.us": "+49 151 1234567",
        "491511111155@c.us": ANNA,
        "491511111166@c.us": "Max (…77)",
        "491511111177@c.us": "Max",
        "491511119977@c.us": "Max",
    }
    entry, _ = add_loaded_entry(
        hass,
        list_chats=[
            ChatInfo(chat_id=chat_id, name=name) for chat_id, name in impostors.items()
        ],
    )
    result = await start(hass, entry)
    assert offered(result) == [
        "491511234567@c.us (…55)",
        "Max (…77)",
        "Max (…77) · 2",
        "Max (…77) · 3",
        "+49 1511111144",
    ]
    await submit(hass, result, chat="+49 151 1234567")
    await add(hass, entry, chat="Max (…77)")
    assert [s.unique_id for s in entry.subentries.values()] == [
        ANNA,
        "491511111166@c.us",
    ]


async def test_the_accounts_own_order_is_kept(hass: HomeAssistant) -> None:
    """Names as the account has them last written with, numbers behind them."""
    chats = [
        ChatInfo(chat_id=f"49151{index:08}@c.us", name=f"Chat {999 - index}")
        if index % 3
        else ChatInfo(chat_id=f"49151{index:08}@c.us", name=f"+49 151 {index:08}")
        for index in range(300)
    ]
    entry, _ = add_loaded_entry(hass, list_chats=chats)
    labels = offered(await start(hass, entry))
    assert labels[:200] == [f"Chat {999 - index}" for index in range(300) if index % 3]
    assert all(label.startswith("+49 ") for label in labels[200:])
    assert len(labels) == 300


async def test_somebody_who_is_listed_twice_is_offered_once(
    hass: HomeAssistant,
) -> None:
    """Under the number, by whichever name there is; the other id comes for free."""
    entry, gateway = add_loaded_entry(
        hass,
        list_chats=[
            ChatInfo(chat_id=ANNA_LID, name="Anna", alias=ANNA),
            ChatInfo(chat_id=ANNA),
            ChatInfo(chat_id=BEN, alias="555@lid"),
            ChatInfo(chat_id="555@lid", name="Ben B."),
        ],
    )
    result = await start(hass, entry)
    assert offered(result) == ["Anna", "Ben B."]
    await submit(hass, result, chat="Ben B.")
    gateway.aliases.assert_not_called()
    assert only_chat(entry) == (
        "Ben B.",
        BEN,
        {"chat": BEN, "settle_time": 3.0, "alias": "555@lid"},
    )
    assert offered(await start(hass, entry)) == ["Anna"]


async def test_no_more_chats_are_offered_than_a_browser_can_show(
    hass: HomeAssistant,
) -> None:
    """The gateway lists the newest first, so the rest is the least wanted."""
    entry, _ = add_loaded_entry(
        hass,
        list_chats=[
            ChatInfo(chat_id=f"49151{index:07}@c.us", name=f"Chat {index}")
            for index in range(600)
        ],
    )
    labels = offered(await start(hass, entry))
    assert len(labels) == 500
    assert "Chat 499" in labels
    assert "Chat 500" not in labels


@pytest.mark.parametrize(
    ("chosen", "title"),
    [
        ("+49 151 23456789", "+49 1512 3456789"),
        ("+1 202 555 0199", "+1 202-555-0199"),
        ("+353 1 2345678", "+353 1 234 5678"),
        (ANNA_LID, "Contact"),
        (FAMILY, "Group"),
    ],
)
async def test_a_chat_without_any_name(
    hass: HomeAssistant, chosen: str, title: str
) -> None:
    """A number is the last resort, and an opaque id never looks like one."""
    entry, _ = add_loaded_entry(hass)
    await add(hass, entry, chat=chosen, name=" ")
    assert only_chat(entry)[0] == title


@pytest.mark.parametrize(
    ("texts", "title"),
    [
        (
            {f"component.{DOMAIN}.selector.chat_kind.options.group": "Gruppe"},
            "Gruppe",
        ),
        ({}, "Group"),
    ],
)
async def test_a_nameless_chat_is_called_something_in_every_language(
    hass: HomeAssistant, texts: dict[str, str], title: str
) -> None:
    """In the language of Home Assistant; a text that is missing is no failure."""
    hass.config.language = "de"
    entry, _ = add_loaded_entry(hass)
    with patch.object(
        naming, "async_get_translations", return_value=texts
    ) as translations:
        await add(hass, entry, chat=FAMILY)
    assert only_chat(entry)[0] == title
    translations.assert_awaited_once_with(hass, "de", "selector", [DOMAIN])


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 401, "body": {"message": "Unauthenticated."}},
        {"status": 503},
        {"status": 200, "body": "<html></html>", "content_type": "text/html"},
        {"drop": True},
    ],
    ids=["401", "503", "html", "dropped"],
)
async def test_a_list_that_can_not_be_had_is_no_obstacle(
    hass: HomeAssistant, account: Account, fault: dict[str, Any]
) -> None:
    """The field is there all the same, for a number or an id."""
    account.simulator.fail_next(5, path="get-chats", **fault)
    entry = add_entry(hass, account)
    result = await start(hass, entry)
    assert offered(result) == []
    result = await submit(hass, result, chat="+49 151 1234567")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert only_chat(entry)[:2] == ("+49 1511234567", ANNA)


async def test_a_list_that_takes_too_long_is_given_up(
    hass: HomeAssistant, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is kept waiting for a form."""
    monkeypatch.setattr(chat_list, "LIST_TIMEOUT", 0.01)
    account.simulator.fail_next(path="get-chats", hang=True)
    entry = add_entry(hass, account)
    assert offered(await start(hass, entry)) == []


async def test_an_instance_that_is_not_connected_yet(
    hass: HomeAssistant, account: Account
) -> None:
    """A chat can be picked for later by its id, without a list and without a check."""
    await account.set_status("qr")
    entry = add_entry(hass, account)
    result = await add(hass, entry, chat=ANNA)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert only_chat(entry) == (
        "+49 1511234567",
        ANNA,
        {"chat": ANNA, "settle_time": 3.0},
    )


@pytest.mark.parametrize(
    "error",
    [
        UnreachableError("x"),
        NotReadyError("x"),
        RateLimitedError("x", 1),
        InvalidResponseError("x"),
        NotAllowedError("x"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_number_that_can_not_be_checked_is_taken_the_second_time(
    hass: HomeAssistant, error: GatewayError
) -> None:
    """An outage blocks nobody, and lets no wrong number in unsaid."""
    entry, gateway = add_loaded_entry(hass, resolve=error)
    result = await add(hass, entry, chat="+49 151 1234567")
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"base": "cannot_check"}
    # Another number is another question.
    result = await submit(hass, result, chat="+49 151 7654321")
    assert result["errors"] == {"base": "cannot_check"}
    result = await submit(hass, result, chat="+49 151 7654321")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert gateway.resolve.await_count == 2
    gateway.aliases.assert_not_called()
    assert only_chat(entry)[1] == "491517654321@c.us"


async def test_a_number_is_checked_once_the_gateway_is_back(
    hass: HomeAssistant, account: Account
) -> None:
    """Whoever corrects the number meanwhile, has it checked."""
    account.simulator.fail_next(9, path="client/action", status=503)
    entry = add_entry(hass, account)
    result = await add(hass, entry, chat="+49 151 1234567")
    assert result["errors"] == {"base": "cannot_check"}
    account.simulator.failures.clear()
    result = await submit(hass, result, chat="+49 170 9999999")
    assert result["errors"] == {"chat": "not_on_whatsapp"}
    result = await submit(hass, result, chat="+44 7700 900123")
    assert only_chat(entry)[1] == BEN


@pytest.mark.parametrize("error", [UnreachableError("x"), TimeoutError()])
async def test_an_alias_may_be_learnt_later(
    hass: HomeAssistant, error: Exception
) -> None:
    """The chat is added without it."""
    entry, _ = add_loaded_entry(hass, aliases=error)
    result = await add(hass, entry, chat=ANNA)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert only_chat(entry)[2] == {"chat": ANNA, "settle_time": 3.0}


async def test_a_loaded_entry_lends_its_gateway(hass: HomeAssistant) -> None:
    """Its pace covers the form's requests, too; the chats are listed once a form."""
    entry, gateway = add_loaded_entry(
        hass, list_chats=[ChatInfo(chat_id=ANNA, name="Anna")]
    )
    result = await start(hass, entry)
    assert offered(result) == ["Anna"]
    result = await submit(hass, result, chat="nobody")
    await submit(hass, result, chat=ANNA)
    gateway.list_chats.assert_awaited_once_with()
    gateway.aliases.assert_awaited_once_with([ANNA])


async def test_nothing_private_is_logged(
    hass: HomeAssistant, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither when all goes well nor when nothing does."""
    caplog.set_level("DEBUG")
    entry = add_entry(hass, account)
    await add(hass, entry, chat=ANNA)
    account.simulator.fail_next(50, status=500)
    result = await add(hass, entry, chat="+44 7700 900123", name="Ben")
    assert result["errors"] == {"base": "cannot_check"}
    await submit(hass, result, chat="+44 7700 900123", name="Ben")
    assert len(entry.subentries) == 2
    ours = [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components")
    ]
    assert any("Listing the chats failed: UnreachableError" in line for line in ours)
    for private in ("1511234567", "7700900123", "t0ken", "Anna", "Ben"):
        assert not any(private in line for line in ours)


async def reconfigure(
    hass: HomeAssistant, entry: MockConfigEntry
) -> SubentryFlowResult:
    """Open the form that changes the entry's one chat."""
    (subentry_id,) = entry.subentries
    result = await hass.config_entries.subentries.async_init(
        (entry.entry_id, SUBENTRY_TYPE_CHAT),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry_id},
    )
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "reconfigure"
    return result


@pytest.mark.parametrize(
    ("changes", "title", "settle_time"),
    [
        ({"name": "Sister", "timing": {"settle_time": 10}}, "Sister", 10),
        ({"name": " Sister "}, "Sister", 3),
        ({"timing": {"settle_time": 0}}, "Anna", 0),
        ({"name": " "}, "Anna", 3),
    ],
)
async def test_a_chat_is_changed(
    hass: HomeAssistant, changes: dict[str, Any], title: str, settle_time: float
) -> None:
    """Name and timing; who it is, stays. No gateway is needed for it."""
    entry = MockConfigEntry(
        domain=DOMAIN, subentries_data=[chat(ANNA, "Anna", alias=ANNA_LID)]
    )
    entry.add_to_hass(hass)
    result = await reconfigure(hass, entry)
    assert result["description_placeholders"] == {"chat": "Anna"}
    assert result["data_schema"] is not None
    assert list(result["data_schema"].schema) == ["name", "timing"]

    result = await submit(hass, result, **changes)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    assert only_chat(entry) == (
        title,
        ANNA,
        {"chat": ANNA, "settle_time": settle_time, "alias": ANNA_LID},
    )


async def test_the_form_shows_what_a_chat_has(hass: HomeAssistant) -> None:
    """Whoever only wants another name, changes nothing else by saving."""
    entry = MockConfigEntry(
        domain=DOMAIN, subentries_data=[chat(ANNA, "Anna", settle_time=12.5)]
    )
    entry.add_to_hass(hass)
    result = await reconfigure(hass, entry)
    assert result["data_schema"] is not None
    name, timing = result["data_schema"].schema
    assert name.description == {"suggested_value": "Anna"}
    (settle_time,) = result["data_schema"].schema[timing].schema.schema
    assert settle_time.description == {"suggested_value": 12.5}


async def test_a_number_without_its_code_is_shown_first(hass: HomeAssistant) -> None:
    """As it would be taken; the same input again takes it, another is another."""
    hass.config.country = "BR"
    entry, gateway = add_loaded_entry(hass)
    result = await add(hass, entry, chat="(51) 98448-7474", name="Zé")
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"chat": "confirm_number"}
    placeholders = result["description_placeholders"]
    assert placeholders is not None
    assert placeholders["number"] == "+55 51 98448-7474"
    gateway.resolve.assert_not_called()

    result = await submit(hass, result, chat="(51) 98448-7475")
    assert result["errors"] == {"chat": "confirm_number"}
    result = await submit(hass, result, chat="(51) 98448-7474")
    assert result["errors"] == {"chat": "confirm_number"}
    result = await submit(hass, result, chat="(51) 98448-7474", name="Zé")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    gateway.resolve.assert_awaited_once_with("5551984487474")
    assert only_chat(entry)[:2] == ("Zé", "5551984487474@c.us")


async def test_a_number_that_was_confirmed_is_asked_about_once(
    hass: HomeAssistant,
) -> None:
    """Also where it can't be checked at the gateway."""
    hass.config.country = "DE"
    entry, _ = add_loaded_entry(hass, resolve=UnreachableError("x"))
    result = await start(hass, entry)
    for errors in ({"chat": "confirm_number"}, {"base": "cannot_check"}):
        result = await submit(hass, result, chat="0151 23456789")
        assert result["errors"] == errors
    result = await submit(hass, result, chat="0151 23456789")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert only_chat(entry)[1] == "4915123456789@c.us"


@pytest.mark.parametrize(
    ("country", "typed", "errors"),
    [
        ("DE", "4915123456789", None),
        ("DE", "491511234567", None),
        ("US", "4915123456789", "confirm_number"),
        (None, "4915123456789", "confirm_number"),
        (None, "0151 23456789", "invalid_chat"),
        ("DE", "https://chat.whatsapp.com/AbCdEfGh", "invitation"),
        ("DE", "0011 49 151 23456789", "exit_code"),
        ("DE", "8 (912) 345-67-89", "trunk_prefix"),
    ],
)
async def test_what_is_typed_means_what_its_writer_means(
    hass: HomeAssistant, country: str | None, typed: str, errors: str | None
) -> None:
    """Depending on where they live; what can't be right is refused in words."""
    hass.config.country = country
    entry, _ = add_loaded_entry(hass)
    result = await add(hass, entry, chat=typed)
    if errors is None:
        assert result["type"] is FlowResultType.CREATE_ENTRY
    else:
        assert result["errors"] == {"chat": errors}
        assert not entry.subentries


@pytest.mark.parametrize(
    ("present", "typed"),
    [
        ("5215512345678@c.us", "+52 55 1234 5678"),
        ("525512345678@c.us", "5215512345678@c.us"),
        ("5491123456789@c.us", "+54 11 2345-6789"),
        ("551184487474@c.us", "+55 11 98448-7474"),
        ("5511984487474@c.us", "551184487474@c.us"),
    ],
)
async def test_both_forms_of_a_number_are_one_chat(
    hass: HomeAssistant, present: str, typed: str
) -> None:
    """Where a country has changed its numbers, and the gateway knows no better."""
    entry, _ = add_loaded_entry(hass, chat(present, "Somebody"))
    result = await add(hass, entry, chat=typed)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


@pytest.mark.parametrize(
    ("listed", "titles"),
    [
        ("+49 1512 3456789", "+49 1511234567"),
        ("447700900123", "+49 1511234567"),
        ("~ . -", "+49 1511234567"),
        ("🌸", "🌸"),
        ("Anna\x00\u202e \n Meier", "Anna Meier"),
        ("x" * 300_000, "x" * 99 + "…"),
    ],
)
async def test_what_whatsapp_calls_somebody(
    hass: HomeAssistant, listed: str, titles: str
) -> None:
    """A number is no name; what can't be seen is dropped, what is endless cut off."""
    entry, _ = add_loaded_entry(hass, list_chats=[ChatInfo(chat_id=ANNA, name=listed)])
    assert offered(await start(hass, entry)) == [titles]
    await add(hass, entry, chat=ANNA)
    assert only_chat(entry)[0] == titles


@pytest.mark.parametrize(
    ("typed", "title", "awaits"),
    [
        ("", "+49 1511234567", True),
        (" ", "+49 1511234567", True),
        ("007", "007", False),
        ("+49 151 1234567", "+49 151 1234567", False),
        ("My\u202e brother\x07", "My brother", False),
        ("y" * 300, "y" * 254 + "…", False),
    ],
)
async def test_what_the_user_calls_somebody(
    hass: HomeAssistant, typed: str, title: str, awaits: bool
) -> None:
    """Theirs is the last word; only who has no name is to get one."""
    entry, _ = add_loaded_entry(hass)
    await add(hass, entry, chat=ANNA, name=typed)
    (subentry,) = entry.subentries.values()
    assert subentry.title == title
    assert naming.awaits_name(subentry) is awaits


async def notice(hass: HomeAssistant, result: SubentryFlowResult) -> str | None:
    """Return which notice stands above a form's words."""
    placeholders = result["description_placeholders"]
    assert placeholders is not None
    texts = {
        f"{await naming.async_text(hass, f'chat_list.options.{key}')}\n\n": key
        for key in chat_list.Notice
    }
    return texts[placeholders["notice"]] if placeholders["notice"] else None


@pytest.mark.parametrize(
    "status", ["qr", "SCAN_QR_CODE", "STOPPED"], ids=["qr", "login", "stopped"]
)
async def test_an_account_that_is_not_connected_says_so(
    hass: HomeAssistant, each_account: Account, status: str
) -> None:
    """And what to do about it; in both forms, and no list is taken for empty."""
    if (status == "qr") is not (each_account.gateway == "waapi"):
        status = "qr" if each_account.gateway == "waapi" else "SCAN_QR_CODE"
    await each_account.set_status(status)
    entry = add_entry(hass, each_account)
    result = await start(hass, entry)
    assert offered(result) == []
    assert await notice(hass, result) == "not_connected"
    many = await start_many(hass, entry)
    assert many["type"] is FlowResultType.ABORT
    assert many["reason"] == "not_connected"


async def test_a_list_that_can_not_be_had_is_said_to_be_missing(
    hass: HomeAssistant,
) -> None:
    """In both forms."""
    entry, gateway = add_loaded_entry(hass, list_chats=UnreachableError("x"))
    assert await notice(hass, await start(hass, entry)) == "not_listed"
    assert (await start_many(hass, entry))["reason"] == "not_listed"
    gateway.list_chats.side_effect = None
    assert await notice(hass, await start(hass, entry)) is None
    assert (await start_many(hass, entry))["reason"] == "all_added"


async def test_a_server_without_a_store_offers_its_groups(
    hass: HomeAssistant,
) -> None:
    """And says why there is nothing else; a cloud's account may well have none."""
    groups = [ChatInfo(chat_id=FAMILY, name="Family")]
    entry, gateway = add_loaded_entry(hass, list_chats=groups)
    gateway.capabilities.self_hosted = True
    result = await start(hass, entry)
    assert offered(result) == ["👥 Family"]
    assert await notice(hass, result) == "groups_only"
    result = await start_many(hass, entry)
    assert result["type"] is FlowResultType.FORM
    assert await notice(hass, result) == "groups_only"
    gateway.capabilities.self_hosted = False
    assert await notice(hass, await start(hass, entry)) is None


async def start_many(hass: HomeAssistant, entry: MockConfigEntry) -> SubentryFlowResult:
    """Open the form that adds many chats."""
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, "chats"), context={"source": SOURCE_USER}
    )


def offered_many(result: SubentryFlowResult) -> list[str]:
    """Return the chats of which many can be picked."""
    assert result["data_schema"] is not None
    selector = result["data_schema"].schema["chats"]
    assert selector.config["multiple"] is True
    labels: list[str] = selector.config["options"]
    return labels


async def test_many_chats_are_added_at_once(hass: HomeAssistant) -> None:
    """Each is a subentry of its own, called and kept as if it were added alone."""
    people = [
        ChatInfo(chat_id=f"4915123456{index:03}@c.us", name=f"Person {index}")
        for index in range(30)
    ]
    nobody = "4915199999999@c.us"
    entry, gateway = add_loaded_entry(
        hass,
        chat(BEN, "Ben"),
        list_chats=[
            *people,
            ChatInfo(chat_id=BEN, name="Ben"),
            ChatInfo(chat_id=FAMILY, name="Family"),
            ChatInfo(chat_id=nobody),
        ],
        aliases={people[0].chat_id: "1@lid"},
    )
    result = await start_many(hass, entry)
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "user"
    labels = offered_many(result)
    assert labels == [
        *(f"Person {index}" for index in range(30)),
        "👥 Family",
        "+49 1519 9999999",
    ]
    result = await submit(hass, result, chats=[])
    assert result["errors"] == {"chats": "nothing_picked"}
    result = await submit(hass, result, chats=labels, timing={"settle_time": 7})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "chats_added"
    assert result["description_placeholders"]["count"] == "32"
    assert {"automations", "dashboard", "help"} <= set(
        result["description_placeholders"]
    )
    gateway.aliases.assert_awaited_once()
    added = list(entry.subentries.values())[1:]
    assert [one.subentry_type for one in added] == [SUBENTRY_TYPE_CHAT] * 32
    assert [one.title for one in added] == [
        *(f"Person {index}" for index in range(30)),
        "Family",
        "+49 1519 9999999",
    ]
    assert added[0].data == {
        "chat": people[0].chat_id,
        "settle_time": 7.0,
        "alias": "1@lid",
    }
    assert added[1].data == {"chat": people[1].chat_id, "settle_time": 7.0}
    assert [one.unique_id for one in added][-1] == nobody
    assert naming.awaits_name(added[-1])
    assert not naming.awaits_name(added[-2])
    result = await start_many(hass, entry)
    assert result["reason"] == "all_added"


async def test_many_chats_of_which_two_are_one_person(hass: HomeAssistant) -> None:
    """One of them is added, and what another form has added meanwhile is not again."""
    entry, _ = add_loaded_entry(
        hass,
        list_chats=[
            ChatInfo(chat_id=ANNA, name="Anna"),
            ChatInfo(chat_id=ANNA_LID, name="Anna M."),
            ChatInfo(chat_id=BEN, name="Ben"),
        ],
        aliases={ANNA: ANNA_LID},
    )
    result = await start_many(hass, entry)
    await add(hass, entry, chat="Ben")
    result = await submit(hass, result, chats=["Anna", "Anna M."])
    assert result["description_placeholders"]["count"] == "1"
    assert {one.unique_id for one in entry.subentries.values()} == {ANNA, BEN}


async def test_many_chats_beside_one_that_cannot_be_read(hass: HomeAssistant) -> None:
    """It is there already, whatever it lacks, and keeps no other from being added."""
    unreadable = ConfigSubentryData(
        data={}, subentry_type=SUBENTRY_TYPE_CHAT, title="Ben", unique_id=BEN
    )
    entry, _ = add_loaded_entry(
        hass,
        unreadable,
        list_chats=[
            ChatInfo(chat_id=BEN, name="Ben"),
            ChatInfo(chat_id=FAMILY, name="Family"),
        ],
    )
    result = await start_many(hass, entry)
    assert offered_many(result) == ["👥 Family"]
    result = await submit(hass, result, chats=["👥 Family"])
    assert result["reason"] == "chats_added"
    assert [one.unique_id for one in entry.subentries.values()] == [BEN, FAMILY]


async def test_many_chats_are_not_kept_waiting_for_aliases(
    hass: HomeAssistant,
) -> None:
    """They may be learnt later."""
    entry, _ = add_loaded_entry(
        hass,
        list_chats=[ChatInfo(chat_id=ANNA, name="Anna")],
        aliases=UnreachableError("x"),
    )
    result = await submit(hass, await start_many(hass, entry), chats=["Anna"])
    assert result["reason"] == "chats_added"
    assert only_chat(entry)[2] == {"chat": ANNA, "settle_time": 3.0}


@pytest.mark.parametrize("kind", ["chat", "chats"])
async def test_a_form_whose_account_was_removed(hass: HomeAssistant, kind: str) -> None:
    """It ends with a reason, at whatever moment that was."""
    entry, gateway = add_loaded_entry(
        hass, list_chats=[ChatInfo(chat_id=ANNA, name="Anna")]
    )
    result = await hass.config_entries.subentries.async_init(
        (entry.entry_id, kind), context={"source": SOURCE_USER}
    )
    picked: dict[str, Any] = {"chat": "Anna"} if kind == "chat" else {"chats": ["Anna"]}

    async def remove(ids: list[str]) -> dict[str, str]:
        await hass.config_entries.async_remove(entry.entry_id)
        return {}

    with (
        patch("custom_components.whatsapp_presence.async_remove_entry", AsyncMock()),
        patch(
            "custom_components.whatsapp_presence.async_unload_entry",
            AsyncMock(return_value=True),
        ),
    ):
        gateway.aliases.side_effect = remove
        again = await hass.config_entries.subentries.async_init(
            (entry.entry_id, kind), context={"source": SOURCE_USER}
        )
        for form in (again, result):
            ended = await submit(hass, form, **picked)
            assert ended["type"] is FlowResultType.ABORT
            assert ended["reason"] == "account_removed"


async def test_a_form_whose_chat_was_removed(hass: HomeAssistant) -> None:
    """There is nothing left to change."""
    entry = MockConfigEntry(domain=DOMAIN, subentries_data=[chat(ANNA, "Anna")])
    entry.add_to_hass(hass)
    result = await reconfigure(hass, entry)
    (subentry_id,) = entry.subentries
    hass.config_entries.async_remove_subentry(entry, subentry_id)
    result = await submit(hass, result, name="Sister")
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "chat_removed"


async def test_a_name_of_the_users_own_stays(hass: HomeAssistant) -> None:
    """Who changes nothing but the timing, has not named anybody."""
    entry = MockConfigEntry(
        domain=DOMAIN, subentries_data=[chat(ANNA_LID, "Contact", stand_in=True)]
    )
    entry.add_to_hass(hass)
    (subentry,) = entry.subentries.values()
    await submit(
        hass, await reconfigure(hass, entry), name="Contact", timing={"settle_time": 1}
    )
    (subentry,) = entry.subentries.values()
    assert naming.awaits_name(subentry)
    await submit(hass, await reconfigure(hass, entry), name="Sister")
    (subentry,) = entry.subentries.values()
    assert not naming.awaits_name(subentry)
    assert subentry.data == {"chat": ANNA_LID, "settle_time": 1}


@pytest.mark.parametrize(
    ("present", "name", "title", "awaits"),
    [
        (chat(ANNA, "+49 1511234567"), "Anna", "Anna", False),
        (chat(ANNA, "+49 151 1234567"), " Anna\x00 ", "Anna", False),
        (chat(ANNA_LID, "Contact", stand_in=True), "Anna", "Anna", False),
        (chat(ANNA_LID, "Contact", stand_in=True), "+49 151 1", "Contact", True),
        (chat(ANNA_LID, "Contact", stand_in=True), None, "Contact", True),
        (chat(ANNA_LID, "Contact"), "Anna", "Contact", False),
        (chat(ANNA, "+49 1511234567", stand_in=False), "A", "+49 1511234567", False),
        (chat(ANNA, "Sister"), "Anna", "Sister", False),
        (chat(ANNA, "447700900123"), "Anna", "447700900123", False),
    ],
)
async def test_a_chat_gets_its_name_once_it_is_known(
    hass: HomeAssistant,
    present: ConfigSubentryData,
    name: object,
    title: str,
    awaits: bool,
) -> None:
    """Unless the user has given it one."""
    entry = MockConfigEntry(domain=DOMAIN, subentries_data=[present])
    entry.add_to_hass(hass)
    (subentry,) = entry.subentries.values()
    given = naming.async_give_name(hass, entry, subentry, name)
    (subentry,) = entry.subentries.values()
    assert subentry.title == title
    assert given is (title != present["title"])
    assert naming.awaits_name(subentry) is awaits


async def test_a_form_left_open_is_answered_over_http(
    hass: HomeAssistant, hass_client: ClientSessionGenerator
) -> None:
    """The front end shows the reason; nothing fails."""
    for component in ("config", "webhook"):
        assert await async_setup_component(hass, component, {})
    entry, _ = add_loaded_entry(hass, chat(ANNA, "Anna"))
    client = await hass_client()
    base = "/api/config/config_entries/subentries/flow"
    (subentry_id,) = entry.subentries
    forms = [
        ({"handler": [entry.entry_id, "chat"]}, {"chat": BEN}),
        (
            {"handler": [entry.entry_id, "chat"], "subentry_id": subentry_id},
            {"name": "Sister"},
        ),
    ]
    opened = []
    for begin, user_input in forms:
        answer = await client.post(base, json=begin)
        assert answer.status == HTTPStatus.OK
        opened.append(((await answer.json())["flow_id"], user_input))
    with (
        patch("custom_components.whatsapp_presence.async_remove_entry", AsyncMock()),
        patch(
            "custom_components.whatsapp_presence.async_unload_entry",
            AsyncMock(return_value=True),
        ),
    ):
        await hass.config_entries.async_remove(entry.entry_id)
    for flow_id, user_input in opened:
        answer = await client.post(f"{base}/{flow_id}", json=user_input)
        assert answer.status == HTTPStatus.OK
        body = await answer.json()
        assert (body["type"], body["reason"]) == ("abort", "account_removed")
