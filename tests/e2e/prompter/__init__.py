"""Lets a browser test have what else takes half an hour, or a gateway's bad day."""

from datetime import timedelta

from custom_components.whatsapp_presence.instance import silence
from custom_components.whatsapp_presence.repairs import Issue, async_raise_issue
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.helpers.typing import ConfigType

DOMAIN = "prompter"


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the services."""

    @callback
    def lose_patience(call: ServiceCall) -> None:
        """Tell of what nothing arrives for as soon as it is looked at, and look often."""
        silence.PATIENCE = timedelta(0)  # type: ignore[misc]
        silence.LOOK_INTERVAL = timedelta(seconds=2)  # type: ignore[misc]

    @callback
    def tell(call: ServiceCall) -> None:
        """Tell of a problem that is not there."""
        placeholders = dict(call.data)
        issue = Issue(placeholders.pop("issue"))
        async_raise_issue(hass, issue, **placeholders)

    hass.services.async_register(DOMAIN, "lose_patience", lose_patience)
    hass.services.async_register(DOMAIN, "tell", tell)
    return True
