"""The module of the dashboard that fills itself: where it is served, and its texts."""

from collections.abc import Generator
from http import HTTPStatus
import json
from pathlib import Path
import re
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.whatsapp_presence.const import DOMAIN
from custom_components.whatsapp_presence.dashboard import MODULE
from homeassistant.components.frontend import DATA_EXTRA_MODULE_URL
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .test_translations import ENGLISH, LANGUAGES

SOURCE = MODULE.read_text("utf-8")
VERSION = json.loads((MODULE.parent.parent / "manifest.json").read_text())["version"]
URL = f"/{DOMAIN}/{VERSION}/dashboard.js"


@pytest.fixture
def pages(tmp_path: Path) -> Generator[None]:
    """A front end without pages: they are not needed here."""
    with patch(
        "homeassistant.components.frontend._frontend_root", return_value=tmp_path
    ):
        yield


@pytest.mark.usefixtures("pages", "socket_enabled")
@pytest.mark.parametrize("is_first", [True, False])
async def test_module_is_offered_where_there_is_a_front_end(
    hass: HomeAssistant, hass_client_no_auth: ClientSessionGenerator, is_first: bool
) -> None:
    """Whichever of both is there first; another version has another address."""
    for component in ("frontend", DOMAIN) if is_first else (DOMAIN, "frontend"):
        assert await async_setup_component(hass, component, {})
    await hass.async_block_till_done()
    assert URL in hass.data[DATA_EXTRA_MODULE_URL].urls
    client = await hass_client_no_auth()
    response = await client.get(URL)
    assert response.status == HTTPStatus.OK
    assert response.content_type == "text/javascript"
    assert "max-age" in response.headers["Cache-Control"]
    assert await response.text() == SOURCE


async def test_nothing_is_missed_without_a_front_end(hass: HomeAssistant) -> None:
    """Home Assistant can run without."""
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    assert "frontend" not in hass.config.components
    assert DATA_EXTRA_MODULE_URL not in hass.data


def test_all_texts_are_there() -> None:
    """Those that it asks Home Assistant for, and no others."""
    asked = set(re.findall(r'(?:text|subtitle)\(\s*"(\w+)"', SOURCE))
    assert asked == set(ENGLISH["selector"]["dashboard"]["options"])


def test_it_is_described_in_all_languages() -> None:
    """For the list to pick it from."""
    (table,) = re.findall(r"const DESCRIPTIONS = \{(.*?)\};", SOURCE, re.DOTALL)
    described = dict(re.findall(r'^\s+"?([\w-]+)"?: "(.+)",$', table, re.MULTILINE))
    assert set(described) == {path.stem for path in LANGUAGES}
    assert len(set(described.values())) == len(LANGUAGES)


def test_it_shows_entities_that_are_there() -> None:
    """It knows them by their keys."""
    keys = {key for entities in ENGLISH["entity"].values() for key in entities}
    named = set(re.findall(r"entities\.(\w+)", SOURCE)) - {"name"}
    assert {"ready", "status", "online", "online_members"} <= named <= keys
    assert {"typing_members", "recording_members", "activity"} <= keys


def test_it_needs_nothing_else() -> None:
    """No build step, no dependency, no other server."""
    assert "import" not in re.sub(r"//.*|/\*.*?\*/", "", SOURCE, flags=re.DOTALL)
    assert set(re.findall(r"https?://[^/\"]+", SOURCE)) == {"https://github.com"}
