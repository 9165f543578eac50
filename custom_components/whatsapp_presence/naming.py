"""What a chat is called: by the user, by WhatsApp, or by something that stands in."""

from collections.abc import Mapping
from hashlib import sha256
import re
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import slugify

from .const import CONF_CHAT, CONF_STAND_IN, DOMAIN
from .presence import chat_id as cid
from .presence.names import as_name, tidy

# What the user types is theirs; a state has no room for more.
LONGEST_TITLE = 255


def typed_name(text: str) -> str | None:
    """Read a name that the user typed: any text at all, in one line."""
    return tidy(text, LONGEST_TITLE) or None


def is_own_number(title: str, chat_id: str) -> bool:
    """Whether a title is but the number of the chat."""
    digits = re.sub("[^0-9]", "", title)
    return digits == cid.phone_number(chat_id) and as_name(title) is None


def awaits_name(subentry: ConfigSubentry) -> bool:
    """Whether a chat was added without a name, and is to get one when it is known.

    What is called by its number was not named by anybody, unless it is marked as the
    user's wish. Where something else stands in, it is marked as that.
    """
    data = subentry.data
    if (stands_in := data.get(CONF_STAND_IN)) is not None:
        return bool(stands_in)
    return is_own_number(subentry.title, data[CONF_CHAT])


def named(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a chat's data without the mark that it has no name."""
    return {key: value for key, value in data.items() if key != CONF_STAND_IN}


def makes_id(title: str) -> bool:
    """Whether there is something in a title that an entity's id can be made of."""
    return slugify(f"x{title}") != "x"


def nameless_id(identifier: str) -> str:
    """Return what the ids of a chat's entities are made of where no name is.

    It tells devices apart by their identifiers, and nobody can tell the number by it.
    """
    digest = sha256(identifier.encode()).hexdigest()
    return f"whatsapp_chat_{digest[:8]}"


@callback
def async_give_name(
    hass: HomeAssistant, entry: ConfigEntry, subentry: ConfigSubentry, name: object
) -> bool:
    """Call a chat by its name, now that it is known; tells whether that was done."""
    title = as_name(name)
    if title is None or not awaits_name(subentry):
        return False
    return hass.config_entries.async_update_subentry(
        entry, subentry, title=title, data=named(subentry.data)
    )


async def async_text(hass: HomeAssistant, key: str, default: str = "") -> str:
    """Look up a text of the integration's in Home Assistant's language."""
    texts = await async_get_translations(
        hass, hass.config.language, "selector", [DOMAIN]
    )
    return texts.get(f"component.{DOMAIN}.selector.{key}", default)
