"""The image entities: what they hand on, and that nothing is written for nothing."""

from dataclasses import replace
from http import HTTPStatus
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.whatsapp_presence.gateways import GATEWAYS
from homeassistant.components.image import async_get_image
from homeassistant.const import STATE_OFF, STATE_UNKNOWN, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from .common import (
    ANNA,
    BEN,
    ENTRY_ID,
    FAMILY,
    Writes,
    add_account,
    advance,
    anna,
    chat,
    entity_id,
    family,
    names_of,
    online,
    outlast_grace,
    requests,
    set_up,
    settle,
    until,
)
from .simulator import Account, Simulator

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

DAY = 24 * 60 * 60
IMAGE = "image.anna_picture"
ASK = "/get-profile-pic-url"


@pytest.fixture
def account(simulator: Simulator) -> Account:
    """An account in which Anna and the group have pictures."""
    account = add_account(simulator)
    anna(account).picture = "/pictures/1.png"
    family(account).picture = "/pictures/2.png"
    return account


def path_of(hass: HomeAssistant, entity: str) -> str | None:
    """Return where the front end finds an entity's picture."""
    state = hass.states.get(entity)
    assert state is not None
    path: str | None = state.attributes.get("entity_picture")
    return path


async def fetch(hass: HomeAssistant, path: str | None) -> HTTPStatus:
    """Ask as a browser does that is not logged in."""
    async with async_get_clientsession(hass).get(
        f"{hass.config.external_url}{path}"
    ) as response:
        return HTTPStatus(response.status)


async def test_names_and_unique_ids(hass: HomeAssistant, account: Account) -> None:
    """There is one for each chat."""
    named = await names_of(
        hass, account, Platform.IMAGE, chat(), chat(FAMILY, "Family")
    )
    assert named.entities == {
        f"{ENTRY_ID}_{ANNA}_picture": (IMAGE, "picture"),
        f"{ENTRY_ID}_{FAMILY}_picture": ("image.family_picture", "picture"),
    }
    assert named.disabled == named.diagnostic == set()


async def test_contacts_and_groups_have_one(
    hass: HomeAssistant, account: Account
) -> None:
    """Who has no picture has an image that is unknown."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"), chat(FAMILY, "Family"))
    for image, main in ((IMAGE, "anna"), ("image.family_picture", "family")):
        state = hass.states.get(image)
        assert state is not None
        assert state.state != STATE_UNKNOWN
        assert path_of(hass, f"binary_sensor.{main}") == path_of(hass, image)
        assert await fetch(hass, path_of(hass, image)) is HTTPStatus.OK
        picture = await async_get_image(hass, image)
        assert picture.content_type == "image/png"
        assert picture.content.startswith(b"\x89PNG")
    nobody = hass.states.get("image.ben_picture")
    assert nobody is not None
    assert nobody.state == STATE_UNKNOWN
    assert path_of(hass, "image.ben_picture") is None
    assert path_of(hass, "binary_sensor.ben") is None


async def test_token_is_renewed_with_the_picture_alone(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """Home Assistant renews all each five minutes: nothing would stay as it is."""
    await set_up(hass, account)
    path = path_of(hass, IMAGE)
    state = hass.states.get(IMAGE)
    writes = Writes(hass)
    for _ in range(3):
        await advance(hass, freezer, account, 5 * 60 + 1)
    assert writes.of("binary_sensor.anna") == writes.of(IMAGE) == []
    assert hass.states.get(IMAGE) is state
    assert path_of(hass, IMAGE) == path

    # The same picture, found again.
    await advance(hass, freezer, account, DAY)
    assert requests(account, ASK) == 2
    assert writes.of("binary_sensor.anna") == writes.of(IMAGE) == []
    assert hass.states.get(IMAGE) is state

    anna(account).picture = "/pictures/3.png"
    await advance(hass, freezer, account, DAY)
    assert len(writes.of("binary_sensor.anna")) == 1
    renewed = path_of(hass, IMAGE)
    assert renewed == path_of(hass, "binary_sensor.anna") != path
    # A page that is open shows the new one too.
    for one in (path, renewed):
        assert await fetch(hass, one) is HTTPStatus.OK

    anna(account).picture = None
    await advance(hass, freezer, account, DAY)
    assert path_of(hass, IMAGE) is path_of(hass, "binary_sensor.anna") is None
    found = hass.states.get(IMAGE)
    assert found is not None
    assert found.state == STATE_UNKNOWN


async def test_nobody_sees_it_without_the_token(
    hass: HomeAssistant, account: Account
) -> None:
    """It is somebody's face."""
    await set_up(hass, account)
    for path in (f"/api/image_proxy/{IMAGE}", f"/api/image_proxy/{IMAGE}?token=1"):
        assert await fetch(hass, path) is HTTPStatus.FORBIDDEN


async def test_picture_stays_while_the_account_is_away(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """It is kept here."""
    await set_up(hass, account)
    path = path_of(hass, IMAGE)
    await account.set_status("disconnected")
    await outlast_grace(hass, freezer, account)
    assert path_of(hass, IMAGE) == path
    assert await fetch(hass, path) is HTTPStatus.OK


async def test_renamed_image(
    hass: HomeAssistant, account: Account, entity_registry: er.EntityRegistry
) -> None:
    """The picture is found under the new id, at once."""
    await set_up(hass, account)
    entity_registry.async_update_entity(IMAGE, new_entity_id="image.mum")
    await until(lambda: hass.states.get("image.mum"))
    await settle(hass, account)
    path = path_of(hass, "binary_sensor.anna")
    assert path is not None
    assert path.startswith("/api/image_proxy/image.mum?token=")
    assert path == path_of(hass, "image.mum")
    assert await fetch(hass, path) is HTTPStatus.OK
    assert requests(account, ASK) == 1


async def test_renamed_chat(
    hass: HomeAssistant, account: Account, entity_registry: er.EntityRegistry
) -> None:
    """What the user changes is shown at once, whatever was not renewed before."""
    await set_up(hass, account)
    entity_registry.async_update_entity(IMAGE, name="Mum")
    await settle(hass, account)
    state = hass.states.get(IMAGE)
    assert state is not None
    assert "Mum" in state.attributes["friendly_name"]


async def test_disabled_image(
    hass: HomeAssistant, account: Account, entity_registry: er.EntityRegistry
) -> None:
    """Who wants no pictures disables it: none is asked for then."""
    entry = await set_up(hass, account)
    assert requests(account, ASK) == 1
    entity_registry.async_update_entity(
        IMAGE, disabled_by=er.RegistryEntryDisabler.USER
    )
    await settle(hass, account)
    assert path_of(hass, "binary_sensor.anna") is None
    assert await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass, account)
    assert online(hass) == STATE_OFF
    assert path_of(hass, "binary_sensor.anna") is None
    assert requests(account, ASK) == 1


async def test_gateway_without_pictures(
    hass: HomeAssistant, account: Account, entity_registry: er.EntityRegistry
) -> None:
    """The entity is off by default there."""
    gateway = GATEWAYS["waapi"]
    without = replace(gateway.capabilities, has_pictures=False)
    with patch.object(gateway, "capabilities", without):
        await set_up(hass, account)
    entry = entity_registry.async_get(entity_id(hass, "image", "picture"))
    assert entry is not None
    assert entry.disabled_by is er.RegistryEntryDisabler.INTEGRATION
