"""The pictures of chats: asked for and fetched now and then, and handed on here."""

from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

from aiohttp import ClientSession
from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from custom_components.whatsapp_presence.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.whatsapp_presence.gateways import GATEWAYS
from custom_components.whatsapp_presence.instance.pictures import MAX_SIZE, holds_secret
from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.history import get_significant_states
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util

from ..common import (
    BEN,
    FAMILY,
    Writes,
    add_account,
    advance,
    anna,
    ben,
    chat,
    entity_id,
    family,
    online,
    outlast_grace,
    pass_time,
    requests,
    set_up,
    settle,
    told,
    until,
)
from ..simulator import Account, Simulator

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

DAY = 24 * 60 * 60
ASK = {
    "waapi": "/get-profile-pic-url",
    "wawp": "/contacts/profile-picture",
    "waha": "/contacts/profile-picture",
}


@pytest.fixture
def account(simulator: Simulator) -> Account:
    """Return an account in which Anna has a picture, and Ben has none."""
    account = add_account(simulator)
    anna(account).picture = "/pictures/1.png"
    return account


def picture(hass: HomeAssistant, chat_id: str | None = None) -> str | None:
    """Return the picture that the front end shows."""
    found = hass.states.get(
        entity_id(hass, "binary_sensor", "online", *([chat_id] if chat_id else []))
    )
    assert found is not None
    url: str | None = found.attributes.get("entity_picture")
    return url


async def seen(hass: HomeAssistant, chat_id: str | None = None) -> bytes:
    """Return what a browser gets that is not logged in, and knows the address."""
    path = picture(hass, chat_id)
    assert path is not None
    assert path.startswith("/api/image_proxy/image.")
    async with async_get_clientsession(hass).get(
        f"{hass.config.external_url}{path}"
    ) as response:
        assert response.status == HTTPStatus.OK
        assert response.content_type == "image/png"
        return await response.read()


async def original(account: Account, path: str = "/pictures/1.png") -> bytes:
    """Return what is at the gateway."""
    async with (
        ClientSession() as session,
        session.get(f"{account.simulator.url}{path}") as response,
    ):
        return await response.read()


@pytest.mark.parametrize("gateway", ["waapi", "wawp"])
async def test_picture_is_found_at_set_up(
    hass: HomeAssistant, simulator: Simulator, gateway: str
) -> None:
    """Whoever has one is shown with it; each chat is asked for once."""
    account = add_account(simulator, gateway)
    anna(account).picture = "/pictures/1.png"
    family(account).picture = "/pictures/group.png"
    await set_up(hass, account, chat(), chat(BEN, "Ben"), chat(FAMILY, "Family"))
    assert await seen(hass) == await original(account)
    assert picture(hass, BEN) is None
    assert await seen(hass, FAMILY) == await original(account, "/pictures/group.png")
    assert requests(account, ASK[gateway]) == 3


async def test_events_ask_for_no_picture(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """Nor do renewals, or connections that come back."""
    await set_up(hass, account)
    for word in ("online", "typing", "paused", "offline"):
        await account.set_presence(anna(account), word)
        await settle(hass, account)
    await advance(hass, freezer, account, 10 * 60)
    await account.set_status("disconnected")
    await outlast_grace(hass, freezer, account)
    assert online(hass) == STATE_UNAVAILABLE
    await account.set_status("ready")
    await advance(hass, freezer, account, 61)
    assert await seen(hass) == await original(account)
    assert requests(account, ASK["waapi"]) == 1


async def test_picture_is_looked_for_once_a_day(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """A new one is shown, one that is gone is not, and nothing is written for none."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    anna(account).picture = "/pictures/2.png"
    await advance(hass, freezer, account, DAY + 1)
    assert await seen(hass) == await original(account, "/pictures/2.png")

    anna(account).picture = None
    await advance(hass, freezer, account, DAY + 1)
    assert picture(hass) is None

    writes = Writes(hass)
    asked = requests(account, ASK["waapi"])
    await advance(hass, freezer, account, DAY + 1)
    assert requests(account, ASK["waapi"]) == asked + 2
    assert writes.of("binary_sensor.anna") == []


async def test_chat_that_comes_later(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """It need not wait for a day, and the others are not asked for again."""
    ben(account).picture = "/pictures/2.png"
    entry = await set_up(hass, account)
    data = chat(BEN, "Ben")
    hass.config_entries.async_add_subentry(
        entry,
        ConfigSubentry(
            data=MappingProxyType(data["data"]),
            subentry_type=data["subentry_type"],
            title=data["title"],
            unique_id=data["unique_id"],
        ),
    )
    await settle(hass, account)
    assert await seen(hass, BEN) == await original(account, "/pictures/2.png")
    assert requests(account, ASK["waapi"]) == 2


@pytest.mark.parametrize(
    "status",
    [HTTPStatus.FORBIDDEN, HTTPStatus.BAD_GATEWAY, HTTPStatus.TOO_MANY_REQUESTS],
)
async def test_failures_are_silent(
    hass: HomeAssistant,
    account: Account,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    status: HTTPStatus,
) -> None:
    """It is tried again the next day; what was shown stays."""
    failure = account.simulator.fail_next(
        10, status=status, headers={"Retry-After": "120"}, path=ASK["waapi"]
    )
    await set_up(hass, account)
    assert picture(hass) is None
    assert failure.seen
    assert online(hass) != STATE_UNAVAILABLE
    account.simulator.failures.clear()
    # What wanted fewer requests is not sent them all at once.
    for seconds in (DAY + 1, 1, 1, 1):
        await pass_time(hass, freezer, seconds)
    await until(lambda: picture(hass) is not None)
    shown = picture(hass)

    account.simulator.fail_next(10, status=HTTPStatus.BAD_GATEWAY, path=ASK["waapi"])
    for seconds in (DAY + 1, 1, 1, 1):
        await pass_time(hass, freezer, seconds)
    assert picture(hass) == shown
    assert not [
        record
        for record in caplog.records
        if record.name.startswith("custom_components") and record.levelname != "DEBUG"
    ]


async def test_instance_that_is_not_ready_is_not_asked(
    hass: HomeAssistant, account: Account
) -> None:
    """The pictures come when it is."""
    account.status = "qr"
    await set_up(hass, account)
    assert requests(account, ASK["waapi"]) == 0
    await account.set_status("ready")
    await settle(hass, account)
    assert picture(hass) is not None


async def test_gateway_without_pictures_is_not_asked(
    hass: HomeAssistant, account: Account
) -> None:
    """It would only refuse."""
    gateway = GATEWAYS["waapi"]
    without = replace(gateway.capabilities, has_pictures=False)
    with patch.object(gateway, "capabilities", without):
        await set_up(hass, account)
    assert requests(account, ASK["waapi"]) == 0
    assert picture(hass) is None


def answer_with(account: Account, url: str) -> None:
    """Let the gateway name an address."""
    account.simulator.fail_next(
        1,
        status=HTTPStatus.OK,
        path=ASK["waapi"],
        body={
            "status": "success",
            "data": {"status": "success", "data": {"profilePicUrl": url}},
        },
    )


@pytest.mark.parametrize(
    ("url", "tells"),
    [
        ("https://pps.example.org/v/t61?oh=01_Q5&oe=6A", False),
        ("http://192.168.1.20:3000/pictures/1.png", False),
        ("https://gateway.example.org/picture?token=t0ken", True),
        ("https://gateway.example.org/t0%6ben/picture", True),
        ("https://t0ken@gateway.example.org/picture", True),
    ],
)
def test_only_addresses_without_a_secret_are_asked(url: str, tells: bool) -> None:
    """Whatever the gateway says: what is sent there, others read."""
    assert holds_secret(url, frozenset({"t0ken"})) is tells


@pytest.mark.parametrize(
    "url",
    [
        "http://192.168.1.20:3000/pictures/1.png",
        "https://127.0.0.1/picture.png",
        "https://user@pps.example.org/picture",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "/local/picture.png",
        "https://",
        "https://[bad",
        f"https://pps.example.org/{'v' * 1_000_000}",
    ],
)
async def test_address_that_leads_into_the_house_is_not_asked(
    hass: HomeAssistant,
    account: Account,
    freezer: FrozenDateTimeFactory,
    url: str,
) -> None:
    """Nobody is shown any more, for what was shown is not the picture now."""
    await set_up(hass, account)
    assert picture(hass) is not None
    answer_with(account, url)
    await advance(hass, freezer, account, DAY + 1)
    assert picture(hass) is None


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (HTTPStatus.FOUND, {"Location": "/pictures/2.png"}, ""),
        (HTTPStatus.OK, {}, {"error": "sorry"}),
        (HTTPStatus.FORBIDDEN, {}, ""),
        (HTTPStatus.BAD_GATEWAY, {}, ""),
    ],
)
async def test_what_can_not_be_had_is_asked_for_once_more(
    hass: HomeAssistant,
    account: Account,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    status: HTTPStatus,
    headers: dict[str, str],
    body: Any,
) -> None:
    """The address may have expired; until then, what was shown stays."""
    await set_up(hass, account)
    before = await seen(hass)
    anna(account).picture = "/pictures/2.png"
    account.simulator.fail_next(
        1, status=status, headers=headers, body=body, path="/pictures/2.png"
    )
    asked = requests(account, ASK["waapi"])
    await advance(hass, freezer, account, DAY + 1)
    assert await seen(hass) == before

    # The next round is followed by another look.
    await advance(hass, freezer, account, 20 * 60)
    assert await seen(hass) == await original(account, "/pictures/2.png") != before
    assert requests(account, ASK["waapi"]) == asked + 2
    assert told(caplog) == []


async def test_what_can_never_be_had_is_asked_for_twice_a_day(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """Whatever is wrong there, it is not asked for at each round."""
    account.simulator.fail_next(
        1000, status=HTTPStatus.GONE, path="/pictures/1.png", body=""
    )
    await set_up(hass, account)
    for _ in range(10):
        await advance(hass, freezer, account, 20 * 60)
    assert requests(account, ASK["waapi"]) == 2
    assert picture(hass) is None


@pytest.mark.parametrize(
    ("size", "content_type", "shown"),
    [
        (MAX_SIZE, "image/jpeg", True),
        (MAX_SIZE, "image/webp; charset=binary", True),
        (MAX_SIZE + 1, "image/jpeg", False),
        (0, "image/jpeg", False),
        (100, "image/svg+xml", False),
        (100, "text/html", False),
    ],
)
async def test_pictures_are_bounded(
    hass: HomeAssistant, account: Account, size: int, content_type: str, shown: bool
) -> None:
    """They are kept in memory, and handed on as what they are called."""
    account.simulator.fail_next(
        10,
        status=HTTPStatus.OK,
        path="/pictures/1.png",
        body=b"x" * size,
        content_type=content_type,
    )
    await set_up(hass, account)
    assert (picture(hass) is not None) is shown


async def test_nobody_learns_the_address(
    hass: HomeAssistant,
    account: Account,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It lets everybody in who has it, and names the picture's server."""
    caplog.set_level("DEBUG", logger="custom_components.whatsapp_presence")
    anna(account).picture = "/pictures/secret-1.png"
    ben(account).picture = "/pictures/secret-2.png"
    account.simulator.fail_next(
        1, status=HTTPStatus.NOT_FOUND, path="/pictures/secret-2.png", body=""
    )
    entry = await set_up(hass, account, chat(), chat(BEN, "Ben"))
    assert await seen(hass)
    shown = [state.as_dict() for state in hass.states.async_all()]
    diagnostics = await async_get_config_entry_diagnostics(hass, entry)
    logged = [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components.whatsapp_presence")
    ]
    assert logged
    assert "secret" not in f"{shown} {diagnostics} {logged}"


async def test_pictures_are_not_recorded(
    recorder_mock: Recorder, hass: HomeAssistant, account: Account
) -> None:
    """The history is kept for long, and somebody's face has no place in it."""
    await set_up(hass, account)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert picture(hass) is not None
    await async_wait_recording_done(hass)
    states = await get_instance(hass).async_add_executor_job(
        lambda: get_significant_states(
            hass,
            dt_util.utc_from_timestamp(0),
            entity_ids=["binary_sensor.anna"],
            significant_changes_only=False,
        )
    )
    recorded = [one for one in states["binary_sensor.anna"] if isinstance(one, State)]
    assert recorded[-1].state == "on"
    assert all("entity_picture" not in one.attributes for one in recorded)
    assert all("friendly_name" in one.attributes for one in recorded)
