"""The dashboard that fills itself: a module for the front end, where there is one."""

from pathlib import Path
from typing import Final

from homeassistant.components.http.server import StaticPathConfig
from homeassistant.core import HomeAssistant, callback
from homeassistant.loader import async_get_integration
from homeassistant.setup import async_when_setup

from .const import DOMAIN

FRONTEND_DOMAIN: Final = "frontend"
MODULE: Final = Path(__file__).parent / "frontend" / "dashboard.js"


@callback
def async_setup_dashboard(hass: HomeAssistant) -> None:
    """Offer the dashboard once there is a front end."""
    async_when_setup(hass, FRONTEND_DOMAIN, _async_offer)


async def _async_offer(hass: HomeAssistant, _component: str) -> None:
    # Who has no front end need not have what it is made of.
    from homeassistant.components.frontend import add_extra_js_url

    version = (await async_get_integration(hass, DOMAIN)).version
    # Browsers keep it for a month: another version is at another address.
    url = f"/{DOMAIN}/{version}/{MODULE.name}"
    await hass.http.async_register_static_paths([StaticPathConfig(url, str(MODULE))])
    add_extra_js_url(hass, url)
