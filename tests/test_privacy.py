"""Nothing private gets into the log, diagnostics, repairs, errors or entity ids.

One story for each gateway, from the first wrong token to the removal of the entry,
with every refusal quoting back all that is private, and every logger at debug level.
"""

from collections.abc import Generator, Iterable
import json
import logging
from typing import Any

import pytest
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.whatsapp_presence.const import DOMAIN, SUBENTRY_TYPE_CHAT
from custom_components.whatsapp_presence.log_filter import (
    REDACTED,
    async_stop_redacting,
)
from homeassistant.config_entries import SOURCE_USER, ConfigEntry, ConfigEntryState
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.setup import async_setup_component

from .common import INSTANCES, settle, until
from .simulator import Account, Simulator, WaapiAccount, WawpAccount

TOKEN = "priv/tok+en=4711"
WRONG = "wrong-tok/en=0815"
SECRET = "hmac secret 2342"
NUMBERS = ("491517654321", "447700900987", "33698765432")
LIDS = ("222333444555666@lid", "777888999111222@lid", "444111222333555@lid")
STRANGER = "121212343434565@lid"
GROUP = "120363999999999991@g.us"
# Somebody of whom nothing but the number is known.
NAMELESS = "5511987654321"
SURNAME = "Zquux"
# Whose account it is calls the entry, which Home Assistant names when it has to wait.
OWNER = "Owner Yquux"

PEOPLE = (
    SURNAME,
    "Familia",
    *NUMBERS,
    *(one.partition("@")[0] for one in (*LIDS, STRANGER, GROUP)),
    NAMELESS,
)
LOGGERS = (
    "custom_components.whatsapp_presence",
    "aiohttp",
    "homeassistant.components.webhook",
)
TOKEN_FIELD = {"waapi": "api_token", "wawp": "access_token"}

pytestmark = pytest.mark.usefixtures("everything_is_logged", "reachable", "unpaced")


@pytest.fixture
async def everything_is_logged(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    """Log all there is, also what most people never see."""
    caplog.set_level(logging.DEBUG)
    assert await async_setup_component(hass, "websocket_api", {})
    assert await async_setup_component(hass, "diagnostics", {})


@pytest.fixture(autouse=True)
def nothing_left_over(hass: HomeAssistant) -> Generator[None]:
    """Begin and end without secrets that others have left in the filter."""
    yield
    for entry in hass.config_entries.async_entries(DOMAIN):
        async_stop_redacting(entry.entry_id)


@pytest.fixture(params=["waapi", "wawp"])
def account(simulator: Simulator, request: pytest.FixtureRequest) -> Account:
    """Return an account full of what is nobody's business."""
    gateway: str = request.param
    account = simulator.add_instance(
        gateway, INSTANCES[gateway], token=TOKEN, name=OWNER
    )
    account.quirks.events_under_lid = True
    people = [
        account.add_person(number, name=f"{first} {SURNAME}", lid=lid)
        for first, number, lid in zip(
            ("Annabella", "Benjamino", "Carlotta"), NUMBERS, LIDS, strict=True
        )
    ]
    account.add_person(NAMELESS)
    account.add_group(GROUP, name=f"Familia {SURNAME}", members=people)
    return account


def found_in(text: str, private: Iterable[str]) -> list[str]:
    """Return what of the private things is in a text."""
    return [one for one in private if one in text]


def leaks(
    caplog: pytest.LogCaptureFixture, secrets: Iterable[str]
) -> list[tuple[str, str, list[str]]]:
    """Return the records that tell what they should not.

    Nobody may tell a secret; our own loggers and those of our traffic name nobody.
    """
    secrets = tuple(secrets)
    formatter = logging.Formatter()
    found = []
    for record in caplog.records:
        private = (
            (*secrets, *PEOPLE) if record.name.startswith(LOGGERS) else (*secrets,)
        )
        text = formatter.format(record)
        if told := found_in(text, private):
            found.append((record.name, text, told))
    return found


def url_of(account: Account) -> str:
    """Return the gateway's address."""
    path = "/api/v1" if account.gateway == "waapi" else ""
    return f"{account.simulator.url}{path}"


def refusal(account: Account) -> dict[str, Any]:
    """Return an answer that quotes all that was asked, and more."""
    return {
        "status": "error",
        "message": f"{TOKEN} may not see {NUMBERS[0]}, whose name is {SURNAME}",
        "explanation": f"chatId {NUMBERS[0]}@c.us {LIDS[0]} of {account.instance_id}",
    }


async def set_up_by_hand(hass: HomeAssistant, account: Account) -> ConfigEntry[Any]:
    """Add the account as a user does who gets most of it wrong at first."""
    flows = hass.config_entries.flow
    gateway = account.gateway
    result = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    result = await flows.async_configure(result["flow_id"], {"next_step_id": gateway})
    form = {
        "instance_id": account.instance_id,
        TOKEN_FIELD[gateway]: TOKEN,
        "advanced": {"url": url_of(account)},
    }
    for wrong, error in (
        ({TOKEN_FIELD[gateway]: WRONG}, "invalid_auth"),
        ({"advanced": {"url": "http://127.0.0.1:9"}}, "cannot_connect"),
        ({"advanced": {"url": f"http://{TOKEN}@nowhere.example"}}, "invalid_url"),
    ):
        result = await flows.async_configure(result["flow_id"], {**form, **wrong})
        assert result["errors"] == {"base": error}
    for status in (400, 403, 500):
        account.simulator.fail_next(status=status, body=refusal(account))
        result = await flows.async_configure(result["flow_id"], form)
        assert result["type"] is FlowResultType.FORM
    result = await flows.async_configure(result["flow_id"], form)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry = result["result"]
    await settle(hass, account)

    subflows = hass.config_entries.subentries
    chat_flow = result["next_flow"][1]
    for text, error in (
        (f"{SURNAME}@{NUMBERS[0]}", "invalid_chat"),
        ("+49 30 1234567", "not_on_whatsapp"),
        (f"+{NUMBERS[0]}", "cannot_check"),
    ):
        if error == "cannot_check":
            account.simulator.fail_next(status=500, body=refusal(account))
        result = await subflows.async_configure(chat_flow, {"chat": text})
        assert result["type"] is FlowResultType.FORM
        assert list(result["errors"].values()) == [error]
    for text in (f"+{NUMBERS[0]}", f"{NUMBERS[1]}@c.us", GROUP, f"00{NAMELESS}"):
        result = await subflows.async_configure(chat_flow, {"chat": text})
        if result["type"] is FlowResultType.FORM:
            result = await subflows.async_configure(chat_flow, {"chat": text})
        assert result["type"] is FlowResultType.CREATE_ENTRY
        await settle(hass, account)
        chat_flow = (
            await subflows.async_init(
                (entry.entry_id, SUBENTRY_TYPE_CHAT), context={"source": SOURCE_USER}
            )
        )["flow_id"]
    subflows.async_abort(chat_flow)
    return entry


async def talk(hass: HomeAssistant, account: Account) -> None:
    """Let people do all that they can do."""
    for state in ("online", "typing", "recording", "paused", "offline"):
        for number in NUMBERS:
            await account.set_presence(number, state)
        if state != "offline":
            await account.set_presence(NUMBERS[1], state, group=GROUP)
    await account.set_presence(NUMBERS[0], "offline", deny=True, has_data=False)
    await settle(hass, account)


async def post(
    hass: HomeAssistant, url: str, *bodies: Any, method: str = "POST"
) -> None:
    """Send to a webhook."""
    for body in bodies:
        data = body if isinstance(body, bytes) else json.dumps(body)
        async with async_get_clientsession(hass).request(method, url, data=data):
            pass


async def send_oddities(hass: HomeAssistant, account: Account, url: str) -> None:
    """Send what is strange, wrong, of others or of nobody."""
    person = {"id": LIDS[0], "name": SURNAME, "chatstate": SURNAME, "isOnline": True}
    stranger = {"id": STRANGER, "isOnline": True, "hasData": True}
    for instance in (account.instance_id, "99999"):
        envelope = {"instanceId": instance, "session": SURNAME}
        await post(
            hass,
            url,
            {"event": "presence_update", "data": person, **envelope},
            {"event": "presence_update", "data": {"presence": stranger}, **envelope},
            {"event": "presence_update", "data": {"id": SURNAME}, **envelope},
            {"event": "message", "data": {"from": NUMBERS[0]}, **envelope},
            {"event": SURNAME, "payload": NUMBERS, **envelope},
            {
                "event": "presence.update",
                "payload": {"chatId": LIDS[1], "type": SURNAME, "from": LIDS[1]},
                **envelope,
            },
            {
                "event": "presence.update",
                "payload": {
                    "id": STRANGER,
                    "presences": [
                        {"participant": STRANGER, "lastKnownPresence": "typing"}
                    ],
                },
                **envelope,
            },
            {"event": "session.status", "payload": {"status": SURNAME}, **envelope},
        )
    await post(
        hass,
        url,
        NUMBERS[0].encode(),
        b"",
        f"{SURNAME}: {TOKEN}".encode() * 20_000,
        {"data": {"id": NUMBERS[0]}},
    )
    for method in ("GET", "PUT", "HEAD"):
        await post(hass, url, NUMBERS[0].encode(), method=method)
    await settle(hass, account)


async def act(hass: HomeAssistant, account: Account) -> list[HomeAssistantError]:
    """Do all that a user can do, and return what went wrong."""
    registry = er.async_get(hass)
    (entry,) = hass.config_entries.async_entries(DOMAIN)

    def of(domain: str, key: str) -> str:
        found = registry.async_get_entity_id(domain, DOMAIN, f"{entry.entry_id}_{key}")
        assert found is not None
        return found

    errors: list[HomeAssistantError] = []
    calls: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("button", "press", {ATTR_ENTITY_ID: of("button", "resubscribe")}),
        ("switch", "turn_on", {ATTR_ENTITY_ID: of("switch", "announce_online")}),
        ("switch", "turn_off", {ATTR_ENTITY_ID: of("switch", "announce_online")}),
        (
            DOMAIN,
            "get_presence",
            {
                ATTR_ENTITY_ID: of("binary_sensor", f"{NUMBERS[0]}@c.us_online"),
                "refresh": True,
            },
        ),
    )
    for domain, service, data in calls:
        try:
            await hass.services.async_call(
                domain,
                service,
                data,
                blocking=True,
                return_response=domain == DOMAIN,
            )
        except HomeAssistantError as err:
            errors.append(err)
    await settle(hass, account)
    return errors


def told_by(err: BaseException) -> str:
    """Return all that an exception says, with what it is told to have come of."""
    said = []
    found: BaseException | None = err
    while found is not None:
        said.append(f"{found!s} {found!r} {vars(found)}")
        hidden = found.__suppress_context__
        found = found.__cause__ or (None if hidden else found.__context__)
    return " ".join(said)


async def test_nothing_private_is_told(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    account: Account,
    simulator: Simulator,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the first wrong token to the removal."""
    # The clock is not frozen here, so it may tell of each request.
    monkeypatch.setattr(logging.getLogger("aiohttp.access"), "disabled", False)
    entry = await set_up_by_hand(hass, account)
    assert leaks(caplog, [TOKEN, WRONG]) == []
    webhook_id: str = entry.data["webhook_id"]
    url = f"{hass.config.external_url}/api/webhook/{webhook_id}"
    secrets = [TOKEN, WRONG, SECRET, webhook_id]

    await talk(hass, account)
    await send_oddities(hass, account, url)
    await account.set_status("disconnected" if account.gateway == "waapi" else "FAILED")
    await settle(hass, account)
    await account.set_status("ready" if account.gateway == "waapi" else "WORKING")
    await account.reconnect()
    await settle(hass, account)
    assert await act(hass, account) == []

    errors: list[HomeAssistantError] = []
    for status in (200, 400, 401, 403, 404, 409, 422, 500):
        failure = simulator.fail_next(
            1000, status=status, body=refusal(account), path="resence"
        )
        errors += await act(hass, account)
        simulator.failures.remove(failure)
    for failure in (
        simulator.fail_next(1000, status=302, headers={"Location": url}),
        simulator.fail_next(1000, drop=True),
        simulator.fail_next(
            1000, status=200, body=f"<html>{TOKEN} {NUMBERS[0]}", path="resence"
        ),
    ):
        errors += await act(hass, account)
        await entry.runtime_data.instance.coordinator.async_refresh()
        errors += await act(hass, account)
        simulator.failures.remove(failure)
    await entry.runtime_data.instance.coordinator.async_refresh()
    await settle(hass, account)
    assert len(errors) > 10
    for err in errors:
        assert found_in(told_by(err), [*secrets, *PEOPLE]) == []

    # A secret that is set while all runs, and a webhook that can't be registered.
    hass.config_entries.async_update_entry(
        entry, options={"register_webhook": True, "webhook_secret": SECRET}
    )
    await settle(hass, account)
    await post(hass, url, {"event": "ready"})
    logging.getLogger("somebody.else").info("The secret is %s", SECRET)
    if isinstance(account, WaapiAccount):
        account.quirks.scopes = frozenset({"read"})
    else:
        assert isinstance(account, WawpAccount)
        account.quirks.plan = "free"
    account.remove_webhook(url)
    hass.config_entries.async_update_entry(entry, options={"register_webhook": True})
    await settle(hass, account)
    entry.runtime_data.instance.delivery.async_set_push(False)
    entry.runtime_data.webhook.async_reconcile_soon()
    await settle(hass, account)

    check_issues(hass, webhook_id, secrets)
    check_entities(hass)
    found = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert found_in(json.dumps(found), [*secrets, *PEOPLE]) == []

    # Events go on coming to an entry that is not there just then.
    await hass.config_entries.async_unload(entry.entry_id)
    await post(hass, url, {"event": "presence_update"})
    await simulator.stop()
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert found_in(str(entry.reason), [*secrets, *PEOPLE]) == []
    await post(hass, url, {"event": "presence_update"})
    await simulator.start()
    await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass, account)
    account.token = "another"
    await entry.runtime_data.instance.coordinator.async_refresh()
    await hass.config_entries.async_remove(entry.entry_id)
    await settle(hass, account)

    assert leaks(caplog, secrets) == []
    # What would have told it, had it not been for the filter.
    for name in ("homeassistant.components.webhook", "aiohttp.access", "somebody.else"):
        assert any(
            REDACTED in record.getMessage()
            for record in caplog.records
            if record.name == name
        )


def check_issues(hass: HomeAssistant, webhook_id: str, secrets: list[str]) -> None:
    """Make sure that repairs tell no more than the address where it is needed."""
    issues = [
        issue
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN and issue.active
    ]
    assert {issue.translation_key for issue in issues} == {
        "chat_refused",
        "webhook_not_registered",
    }
    for issue in issues:
        placeholders = dict(issue.translation_placeholders or {})
        if issue.translation_key == "webhook_not_registered":
            assert webhook_id in placeholders.pop("webhook_url")
            # The account's own name, unless the user called it otherwise.
            placeholders.pop("instance")
        else:
            # The chat's name, which the user gave.
            placeholders.pop("chat")
        told = f"{issue.issue_id} {issue.data} {placeholders}"
        assert found_in(told, [*secrets, *PEOPLE]) == []


def check_entities(hass: HomeAssistant) -> None:
    """Make sure that ids are made of names, and that no state tells a number.

    Of a contact who has no name the number is all that there is to show.
    """
    ids = (*NUMBERS, *(one.partition("@")[0] for one in (*LIDS, STRANGER, GROUP)))
    states = [
        state for state in hass.states.async_all() if SURNAME in str(state.as_dict())
    ]
    assert len(states) > 10
    for state in hass.states.async_all():
        assert found_in(json.dumps(state.as_dict(), default=str), ids) == []
    for entity in er.async_get(hass).entities.values():
        assert found_in(entity.entity_id, ids) == []


async def test_traceback_of_a_bug_names_nobody(
    hass: HomeAssistant,
    account: Account,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What nobody has foreseen is told by its kind where a token is first used."""

    async def bug(*args: object, **kwargs: object) -> None:
        raise RuntimeError(f"{TOKEN} {NUMBERS[0]}")

    flows = hass.config_entries.flow
    result = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    result = await flows.async_configure(
        result["flow_id"], {"next_step_id": account.gateway}
    )
    monkeypatch.setattr(
        "custom_components.whatsapp_presence.gateways.client.Client.request", bug
    )
    result = await flows.async_configure(
        result["flow_id"],
        {
            "instance_id": account.instance_id,
            TOKEN_FIELD[account.gateway]: TOKEN,
            "advanced": {"url": url_of(account)},
        },
    )
    assert result["errors"] == {"base": "unknown"}
    assert "RuntimeError" in caplog.text
    assert leaks(caplog, [TOKEN]) == []


async def test_secrets_of_a_removed_entry_are_forgotten(
    hass: HomeAssistant, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """They are kept from the log for as long as there is the entry, no longer."""
    entry = await set_up_by_hand(hass, account)
    logger = logging.getLogger("somebody.else")
    logger.info("First %s", TOKEN)
    await hass.config_entries.async_unload(entry.entry_id)
    logger.info("Second %s", TOKEN)
    await hass.config_entries.async_remove(entry.entry_id)
    logger.info("Third %s", TOKEN)
    told = [one for one in caplog.messages if one.startswith(("First", "Sec", "Third"))]
    assert told == [f"First {REDACTED}", f"Second {REDACTED}", f"Third {TOKEN}"]
    await until(lambda: not hass.config_entries.async_entries(DOMAIN))
