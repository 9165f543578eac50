"""The chats' subentry flow: pick or type a chat, and change it later."""

from collections.abc import Mapping
from typing import Any
from unittest.mock import AsyncMock, Mock, patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.whatsapp_presence import chat_flow
from custom_components.whatsapp_presence.chat_flow import format_number
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
    """Sorted by name, groups marked, each person once although there are two ids."""
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
        "491511234567",
        " +49 (151) 123.45.67 ",
        "+49\N{NO-BREAK SPACE}151\N{EN DASH}1234567",
        "tel:+49-151-1234567",
        "https://wa.me/491511234567",
        "491511234567@c.us",
        "491511234567:12@s.whatsapp.net",
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
    """Chats without a name show their number; opaque ids without one are left out."""
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
        "+1 202 5550199": "12025550199@c.us",
        "+353 123 45678": "35312345678@c.us",
        "adam": "491511111133@c.us",
        "Max (…11)": "491511111111@c.us",
        "Max (…22)": "491511111122@c.us",
        "Zoe": "888@lid",
        "👥 Max": "120363000000000008@g.us",
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
        "+49 151 1234567 (…44)",
        "491511111177@c.us",
        "491511119977@c.us",
        "491511234567@c.us (…55)",
        "Max (…77)",
    ]
    await submit(hass, result, chat="+49 151 1234567")
    await add(hass, entry, chat="Max (…77)")
    assert [s.unique_id for s in entry.subentries.values()] == [
        ANNA,
        "491511111166@c.us",
    ]


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
        ("+49 151 1234567", "+49 151 1234567"),
        ("+1 202 555 0199", "+1 202 5550199"),
        ("+353 1 2345678", "+353 123 45678"),
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
        chat_flow, "async_get_translations", return_value=texts
    ) as translations:
        await add(hass, entry, chat=FAMILY)
    assert only_chat(entry)[0] == title
    translations.assert_awaited_once_with(hass, "de", "selector", [DOMAIN])


@pytest.mark.parametrize(
    ("digits", "written"),
    [
        ("12025550199", "+1 202 5550199"),
        ("79161234567", "+7 916 1234567"),
        ("33612345678", "+33 612 345678"),
        ("97150123456", "+971 501 23456"),
        ("2989876", "+298 987 6"),
    ],
)
def test_numbers_are_written_with_their_country_code(digits: str, written: str) -> None:
    """Country codes have one to three digits."""
    assert format_number(digits) == written


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
    assert only_chat(entry)[:2] == ("+49 151 1234567", ANNA)


async def test_a_list_that_takes_too_long_is_given_up(
    hass: HomeAssistant, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is kept waiting for a form."""
    monkeypatch.setattr(chat_flow, "LIST_TIMEOUT", 0.01)
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
        "+49 151 1234567",
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
