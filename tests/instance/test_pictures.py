"""The pictures of chats: asked for now and then, shown to the front end alone."""

from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from custom_components.whatsapp_presence.gateways import GATEWAYS
from custom_components.whatsapp_presence.helpers import is_presentable
from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.history import get_significant_states
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, State
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
    online,
    outlast_grace,
    pass_time,
    requests,
    set_up,
    settle,
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


@pytest.mark.parametrize("gateway", ["waapi", "wawp"])
async def test_picture_is_found_at_set_up(
    hass: HomeAssistant, simulator: Simulator, gateway: str
) -> None:
    """Whoever has one is shown with it; each chat is asked for once."""
    account = add_account(simulator, gateway)
    anna(account).picture = "/pictures/1.png"
    await set_up(hass, account, chat(), chat(BEN, "Ben"), chat(FAMILY, "Family"))
    assert picture(hass) == f"{simulator.url}/pictures/1.png"
    assert picture(hass, BEN) is None
    assert picture(hass, FAMILY) is None
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
    assert picture(hass) == f"{account.simulator.url}/pictures/1.png"
    assert requests(account, ASK["waapi"]) == 1


async def test_picture_is_looked_for_once_a_day(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """A new one is shown, one that is gone is not, and nothing is written for none."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    anna(account).picture = "/pictures/2.png"
    await advance(hass, freezer, account, DAY + 1)
    assert picture(hass) == f"{account.simulator.url}/pictures/2.png"

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
    assert picture(hass, BEN) == f"{account.simulator.url}/pictures/2.png"
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
    shown = picture(hass)
    assert shown is not None

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


@pytest.mark.parametrize(
    ("url", "presentable"),
    [
        ("https://pps.example.org/v/t61?oh=01_Q5&oe=6A", True),
        ("http://192.168.1.20:3000/pictures/1.png", True),
        ("https://gateway.example.org/picture?token=t0ken", False),
        ("https://gateway.example.org/t0%6ben/picture", False),
        ("https://t0ken@gateway.example.org/picture", False),
        ("https://user@gateway.example.org/picture", False),
        ("javascript:alert(1)", False),
        ("data:image/png;base64,AAAA", False),
        ("/local/picture.png", False),
        ("https://", False),
        ("https://[bad", False),
    ],
)
async def test_only_web_addresses_without_a_secret_are_shown(
    hass: HomeAssistant, account: Account, url: str, presentable: bool
) -> None:
    """Whatever the gateway says: the state is read by many."""
    assert is_presentable(url, frozenset({"t0ken"})) is presentable
    account.simulator.fail_next(
        1,
        status=HTTPStatus.OK,
        path=ASK["waapi"],
        body={
            "status": "success",
            "data": {"status": "success", "data": {"profilePicUrl": url}},
        },
    )
    await set_up(hass, account)
    assert picture(hass) == (url if presentable else None)


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
