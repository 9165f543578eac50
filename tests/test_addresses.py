"""From where a picture may be fetched."""

from collections.abc import Iterator
import socket
from typing import Any
from unittest.mock import patch

import pytest

from custom_components.whatsapp_presence.addresses import async_check_picture_url
from homeassistant.core import HomeAssistant

CLOUD = "https://gateway.example/api/v1"
HOME = "http://192.168.1.20:3000"
NAMES = {
    "pictures.example": ["8.8.4.4", "2606:4700::1111"],
    "gateway.example": ["8.8.8.8"],
    "inside.example": ["192.168.1.20"],
    "both.example": ["8.8.4.4", "127.0.0.1"],
    "mapped.example": ["::ffff:10.0.0.1"],
    "translated.example": ["64:ff9b::808:404"],
    "translated-inside.example": ["64:ff9b::c0a8:114"],
    "metadata.example": ["169.254.169.254"],
    "many.example": ["224.0.0.1"],
    "server": ["172.30.32.5"],
}


@pytest.fixture(autouse=True)
def names(hass: HomeAssistant) -> Iterator[None]:
    """Let the names lead somewhere."""

    async def look_up(host: str, *_: Any, **__: Any) -> list[Any]:
        if (found := NAMES.get(host)) is None:
            raise socket.gaierror
        return [(0, 0, 0, "", (address, 0)) for address in found]

    with patch.object(hass.loop, "getaddrinfo", side_effect=look_up):
        yield


@pytest.mark.parametrize("gateway", [CLOUD, HOME])
@pytest.mark.parametrize(
    "url",
    [
        "https://pictures.example/v/t61/1_n.jpg?ccb=11-4&oh=01",
        "https://pictures.example:8443/1.jpg",
        "https://translated.example/1.jpg",
        "https://8.8.4.4/1.jpg",
        "https://[2606:4700::1111]/1.jpg",
    ],
)
async def test_public_addresses_over_https(
    hass: HomeAssistant, url: str, gateway: str
) -> None:
    """Are what pictures have, whatever the gateway is."""
    assert await async_check_picture_url(hass, url, gateway)


@pytest.mark.parametrize("gateway", [CLOUD, HOME, "http://server:3000"])
@pytest.mark.parametrize(
    "url",
    [
        "http://pictures.example/1.jpg",
        "ftp://pictures.example/1.jpg",
        "data:image/png;base64,AA==",
        "//pictures.example/1.jpg",
        "/api/1.jpg",
        "",
        "https://",
        "https://[::1",
        "https://pictures.example:99999/1.jpg",
        "https://anna@pictures.example/1.jpg",
        "https://anna:secret@pictures.example/1.jpg",
        "https://:secret@pictures.example/1.jpg",
        "https://nowhere.example/1.jpg",
        "https://inside.example/1.jpg",
        "https://both.example/1.jpg",
        "https://mapped.example/1.jpg",
        "https://translated-inside.example/1.jpg",
        "https://metadata.example/latest",
        "https://many.example/1.jpg",
        "https://localhost/1.jpg",
        "https://127.0.0.1/1.jpg",
        "https://[::ffff:127.0.0.1]/1.jpg",
        "https://0.0.0.0/1.jpg",
        "https://100.64.0.1/1.jpg",
        "https://[fec0::1]/1.jpg",
        "https://[::10.0.0.1]/1.jpg",
        "https://[5f00::1]/1.jpg",
        "https://192.168.1.20:3000/1.jpg",
        "http://192.168.1.20/1.jpg",
        "http://192.168.1.20:3001/1.jpg",
        "http://anna:secret@192.168.1.20:3000/1.jpg",
    ],
)
async def test_all_others_are_refused(
    hass: HomeAssistant, url: str, gateway: str
) -> None:
    """Plain http, credentials, and what is in the house or leads there."""
    assert not await async_check_picture_url(hass, url, gateway)


@pytest.mark.parametrize(
    ("url", "gateway"),
    [
        ("http://192.168.1.20:3000/api/files/1.jpg", HOME),
        ("http://server:3000/api/files/1.jpg", "http://server:3000"),
        ("http://127.0.0.1:8123/1.jpg", "http://127.0.0.1:8123/api/v1"),
        ("https://inside.example/1.jpg", "https://inside.example:443"),
    ],
)
async def test_local_gateway_may_have_the_pictures_itself(
    hass: HomeAssistant, url: str, gateway: str
) -> None:
    """Exactly where it is."""
    assert await async_check_picture_url(hass, url, gateway)


async def test_gateway_in_the_internet_gets_no_exception(hass: HomeAssistant) -> None:
    """Its own pictures come over https as well."""
    gateway = "http://gateway.example:3000"
    assert not await async_check_picture_url(hass, f"{gateway}/1.jpg", gateway)
