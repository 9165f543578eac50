"""The switch that announces the account itself as online."""

from datetime import datetime, timedelta
from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import STATE_ON, EntityCategory
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.restore_state import RestoreEntity

from .entity import InstanceEntity
from .exceptions import translated
from .gateways.base import GatewayError
from .instance.hub import Instance, WhatsAppPresenceConfigEntry

PARALLEL_UPDATES = 0

# Gateways take the announcement back by themselves, after 25 s at the earliest.
HEARTBEAT_INTERVAL = timedelta(seconds=20)

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

    def __init__(
        self, instance: Instance, description: SwitchEntityDescription
    ) -> None:
        """Begin switched off."""
        super().__init__(instance, description)
        self._stop_heartbeat: CALLBACK_TYPE | None = None

    @override
    def read(self) -> None:
        """A switch shows nothing of the instance."""

    @override
    async def async_added_to_hass(self) -> None:
        """Go on as before the restart."""
        await super().async_added_to_hass()
        last_state = await self.async_get_last_state()
        if last_state is not None and last_state.state == STATE_ON:
            self._start()
        self.async_on_remove(self._stop)

    @property
    @override
    def is_on(self) -> bool:
        """Whether the account is being announced."""
        return self._stop_heartbeat is not None

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Announce the account now, and go on doing so."""
        try:
            await self.instance.gateway.set_available(True)
        except GatewayError as err:
            raise translated(err) from err
        self._start()
        self.async_write_ha_state()

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Stop, and take the announcement back."""
        self._stop()
        self.async_write_ha_state()
        try:
            await self.instance.gateway.set_available(False)
        except GatewayError as err:
            raise translated(err) from err

    @callback
    def _start(self) -> None:
        if self._stop_heartbeat is None:
            self._stop_heartbeat = async_track_time_interval(
                self.hass,
                self._async_beat,
                HEARTBEAT_INTERVAL,
                name="announce the account as online",
                cancel_on_shutdown=True,
            )

    @callback
    def _stop(self) -> None:
        if self._stop_heartbeat is not None:
            self._stop_heartbeat()
            self._stop_heartbeat = None

    async def _async_beat(self, _now: datetime) -> None:
        if not self.coordinator.ready:
            return
        try:
            await self.instance.gateway.set_available(True)
        except GatewayError as err:
            self.instance.report(err)
