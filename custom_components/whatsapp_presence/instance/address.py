"""The address at which the gateway can reach the webhook."""

from collections.abc import Callable
import logging
from typing import TYPE_CHECKING, Any

from yarl import URL

from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID, EVENT_CORE_CONFIG_UPDATE
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.importlib import async_import_module

from ..const import CONF_CLOUDHOOK_URL
from ..helpers import is_local_host

if TYPE_CHECKING:
    from homeassistant.components import cloud

_LOGGER = logging.getLogger(__name__)


class WebhookAddress:
    """Finds the webhook's address, in the cloud or at the house, as they come and go."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, gateway_url: str
    ) -> None:
        """Remember for whom; a gateway in the house may be given an address there."""
        self._hass = hass
        self._entry = entry
        self._webhook_id: str = entry.data[CONF_WEBHOOK_ID]
        self._gateway_url = gateway_url

    async def async_watch(self, on_change: Callable[[], None]) -> None:
        """Tell of changes for as long as the entry is loaded."""
        await _async_load_cloud(self._hass)
        from homeassistant.components import cloud

        @callback
        def cloud_changed(state: cloud.CloudConnectionState) -> None:
            # The cloudhook outlives a lost connection.
            if (
                state is not cloud.CloudConnectionState.CLOUD_DISCONNECTED
                or not cloud.async_active_subscription(self._hass)
            ):
                on_change()

        @callback
        def cloudhook_changed(cloudhook: dict[str, Any] | None) -> None:
            self._remember(cloudhook.get("cloudhook_url") if cloudhook else None)
            on_change()

        @callback
        def core_config_updated(event: Event[dict[str, Any]]) -> None:
            if "external_url" in event.data or "internal_url" in event.data:
                on_change()

        unload = self._entry.async_on_unload
        unload(cloud.async_listen_connection_change(self._hass, cloud_changed))
        unload(
            cloud.async_listen_cloudhook_change(
                self._hass, self._webhook_id, cloudhook_changed
            )
        )
        unload(
            self._hass.bus.async_listen(EVENT_CORE_CONFIG_UPDATE, core_config_updated)
        )

    async def async_find(self) -> tuple[str, bool]:
        """Return the address, and whether a better one may be had later.

        Raises NoURLAvailableError if there is none.
        """
        await _async_load_cloud(self._hass)
        from homeassistant.components import cloud

        url: str | None = None
        try_again = False
        if cloud.async_active_subscription(self._hass):
            url = self._entry.data.get(CONF_CLOUDHOOK_URL)
            if url is None and cloud.async_is_connected(self._hass):
                try:
                    url = await cloud.async_get_or_create_cloudhook(
                        self._hass, self._webhook_id
                    )
                except Exception as err:  # noqa: BLE001
                    # The cloud's library has errors of its own, that it may be without.
                    _LOGGER.debug("Making a cloudhook failed: %s", type(err).__name__)
                    try_again = True
                else:
                    self._remember(url)
        if url is None:
            url = webhook.async_generate_url(
                self._hass,
                self._webhook_id,
                allow_internal=is_local_host(URL(self._gateway_url).host or ""),
            )
        return url, try_again

    @callback
    def _remember(self, url: str | None) -> None:
        async_update_data(self._hass, self._entry, CONF_CLOUDHOOK_URL, url)


async def async_delete_cloudhook(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Take the address in the cloud back, if there is one."""
    if CONF_CLOUDHOOK_URL not in entry.data:
        return
    await _async_load_cloud(hass)
    from homeassistant.components import cloud

    try:
        await cloud.async_delete_cloudhook(hass, entry.data[CONF_WEBHOOK_ID])
    except Exception as err:  # noqa: BLE001
        # No cloud, or the user has deleted it there: the entry goes all the same.
        _LOGGER.debug("Deleting the cloudhook failed: %s", type(err).__name__)


async def _async_load_cloud(hass: HomeAssistant) -> None:
    """Import the cloud off the loop, and only for who is called from outside.

    It brings some 25 MiB, which nobody needs whose gateway is asked for its events.
    """
    await async_import_module(hass, "homeassistant.components.cloud")


@callback
def async_update_data(
    hass: HomeAssistant, entry: ConfigEntry, key: str, value: str | None
) -> None:
    """Keep an address in the entry, or drop it."""
    if entry.data.get(key) == value:
        return
    data = {**entry.data, key: value}
    if value is None:
        del data[key]
    hass.config_entries.async_update_entry(entry, data=data)
