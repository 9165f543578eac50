"""The switch that announces the account itself as online."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import STATE_ON, EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.restore_state import RestoreEntity

from .entity import InstanceEntity
from .exceptions import translated
from .gateways.base import GatewayError
from .instance.hub import WhatsAppPresenceConfigEntry

PARALLEL_UPDATES = 0

ANNOUNCE_ONLINE_SWITCH = SwitchEntityDescription(
    key="announce_online",
    translation_key="announce_online",
    entity_category=EntityCategory.CONFIG,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: WhatsAppPresenceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the switch."""
    if entry.runtime_data.gateway.capabilities.sets_available:
        async_add_entities(
            [AnnounceOnlineSwitch(entry.runtime_data.instance, ANNOUNCE_ONLINE_SWITCH)]
        )


class AnnounceOnlineSwitch(InstanceEntity, SwitchEntity, RestoreEntity):
    """While on, the account is announced as online again and again.

    Some accounts are told of others' presence only while they are online
    themselves; the price is that their phone gets no notifications meanwhile.
    """

    @property
    @override
    def suggested_object_id(self) -> str:
        """The name says the price; the id need not."""
        return self.entity_description.key

    @override
    def read(self) -> bool:
        """Return whether the account is being announced."""
        return self.is_on

    @override
    async def async_added_to_hass(self) -> None:
        """Go on as before the restart."""
        await super().async_added_to_hass()
        last_state = await self.async_get_last_state()
        if last_state is not None and last_state.state == STATE_ON:
            self.instance.announcer.async_go_on()

    @override
    async def async_will_remove_from_hass(self) -> None:
        """End if the switch was disabled: nobody could turn it off any more."""
        if self.is_on and self.registry_entry and self.registry_entry.disabled:
            self.instance.announcer.async_end()

    @property
    @override
    def is_on(self) -> bool:
        """Whether the account is being announced."""
        return self.instance.announcer.is_on

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Announce the account now, and go on doing so."""
        try:
            await self.instance.announcer.async_begin()
        except GatewayError as err:
            raise translated(err) from err
        self.async_write_ha_state()

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Stop, and take the announcement back."""
        self.instance.announcer.async_end()
        self.async_write_ha_state()
