"""The picture of a chat, handed to browsers and phones by Home Assistant itself."""

from datetime import datetime
from typing import override

from homeassistant.components.image import ImageEntity, ImageEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import ChatEntity, async_add_chat_entities
from .instance.chat import Chat, Picture
from .instance.hub import Instance, WhatsAppPresenceConfigEntry

PARALLEL_UPDATES = 0

PICTURE = ImageEntityDescription(key="picture", translation_key="picture")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: WhatsAppPresenceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the pictures."""
    async_add_chat_entities(
        hass,
        entry,
        async_add_entities,
        lambda instance, chat: [ChatPicture(hass, instance, chat)],
    )


class ChatPicture(ChatEntity, ImageEntity):
    """The picture of a chat; off where the gateway has none."""

    _is_spared = False

    def __init__(self, hass: HomeAssistant, instance: Instance, chat: Chat) -> None:
        """Create the entity."""
        ChatEntity.__init__(self, instance, chat, PICTURE)
        ImageEntity.__init__(self, hass)

    @property
    @override
    def entity_registry_enabled_default(self) -> bool:
        """Whether it is on at first."""
        return self.instance.gateway.capabilities.has_pictures

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the picture alone: nothing that happens in the chat changes it."""
        self.chat.on_picture = self.async_show
        self._tell_where()

    @override
    async def async_will_remove_from_hass(self) -> None:
        """Follow it no longer; who disables it has nobody else show it either."""
        self.chat.on_picture = None
        if self.registry_entry and self.registry_entry.disabled:
            self.chat.show_picture_at(None)

    @callback
    @override
    def async_entity_id_changed(self, old_entity_id: str | None = None) -> None:
        """The picture is found at another address now."""
        self._tell_where()

    @callback
    def _tell_where(self) -> None:
        self.chat.show_picture_at(self.entity_picture)

    @callback
    @override
    def async_show(self) -> None:
        """Show another picture, or none; what leads to it is new as well."""
        super().async_update_token()
        self._tell_where()
        super().async_show()

    @callback
    @override
    def async_update_token(self) -> None:
        """Renew nothing but what is not there yet: a new picture brings a new token.

        Every five minutes, all images are asked for this and then written; so would be
        all that show this one.
        """
        if self.access_tokens:
            self._is_spared = True
        else:
            super().async_update_token()

    @callback
    @override
    def _async_write_ha_state(self) -> None:
        """Write the state, unless a token that was not renewed is the reason."""
        if self._is_spared:
            self._is_spared = False
        else:
            super()._async_write_ha_state()

    @override
    def read(self) -> Picture | None:
        """Return the picture."""
        return self.chat.picture

    @override
    async def async_image(self) -> bytes | None:
        """Return the picture's bytes."""
        return None if self.chat.picture is None else self.chat.picture.content

    @property
    @override
    def content_type(self) -> str:
        """What kind of picture it is."""
        if self.chat.picture is None:
            return self._attr_content_type
        return self.chat.picture.content_type

    @property
    @override
    def image_last_updated(self) -> datetime | None:
        """When it was found; none is unknown."""
        return None if self.chat.picture is None else self.chat.picture.found_at

    @property
    @override
    def entity_picture(self) -> str | None:
        """Where the front end finds it."""
        return None if self.chat.picture is None else super().entity_picture

    @property
    @override
    def available(self) -> bool:
        """Whether it can be shown: whatever befalls the account, it is kept here."""
        return True
