"""No entry is set up whose integration has no flow."""

from homeassistant.config_entries import ConfigFlow

DOMAIN = "whatsapp_presence"


class PlainFlow(ConfigFlow, domain=DOMAIN):
    """Adds nothing: the entry is there already."""
