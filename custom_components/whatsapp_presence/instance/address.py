"""The address at which the gateway can reach the webhook."""

from collections.abc import Callable, Mapping
import logging
from typing import TYPE_CHECKING, Any

from yarl import URL

from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_URL, CONF_WEBHOOK_ID, EVENT_CORE_CONFIG_UPDATE
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.importlib import async_import_module
from homeassistant.helpers.network import NoURLAvailableError

from ..addresses import async_leads_home
from ..const import CONF_CLOUDHOOK_URL, CONF_REGISTER_WEBHOOK
from ..helpers import is_local_host

if TYPE_CHECKING:
    from homeassistant.components import cloud

_LOGGER = logging.getLogger(__name__)


class LocalURLError(NoURLAvailableError):
    """The address that Home Assistant has can be reached at home alone."""

    def __init__(self, origin: str) -> None:
        """Keep the address, without the path."""
        super().__init__()
        self.origin = origin


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

        Raises NoURLAvailableError if there is none, LocalURLError if there is only one
        at which the gateway can't reach it.
        """
        await _async_load_cloud(self._hass)
        from homeassistant.components import cloud

        url: str | None = None
        try_again = False
        if cloud.async_active_subscription(self._hass):
            url = _cloudhook(self._entry.data)
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
                    if self._hass.config_entries.async_get_entry(self._entry.entry_id):
                        self._remember(url)
                    else:
                        # It was removed meanwhile, and nobody knew of this one.
                        data = {**self._entry.data, CONF_CLOUDHOOK_URL: url}
                        await async_delete_cloudhook(self._hass, data)
        if url is None:
            url = house_url(self._hass, self._webhook_id, self._gateway_url)
            await self._async_check(URL(url))
        return url, try_again

    async def _async_check(self, url: URL) -> None:
        """Raise LocalURLError if the gateway can't get there from the internet.

        Who registers by hand may know better where a name leads, seen from outside.
        """
        if is_local_host(URL(self._gateway_url).host or ""):
            return
        # A name may be written to its end, which is a dot.
        host = (url.host or "").rstrip(".")
        by_hand = not self._entry.options.get(CONF_REGISTER_WEBHOOK, True)
        if is_local_host(host) or await async_leads_home(
            self._hass, host, look_up=not by_hand
        ):
            raise LocalURLError(str(url.origin()))

    @callback
    def _remember(self, url: str | None) -> None:
        if self._entry.data.get(CONF_CLOUDHOOK_URL) == url:
            return
        data = {**self._entry.data, CONF_CLOUDHOOK_URL: url}
        if url is None:
            del data[CONF_CLOUDHOOK_URL]
        self._hass.config_entries.async_update_entry(self._entry, data=data)


async def _async_load_cloud(hass: HomeAssistant) -> None:
    """Import the cloud off the loop, and only for who is called from outside.

    It brings some 25 MiB, which nobody needs whose gateway is asked for its events.
    """
    await async_import_module(hass, "homeassistant.components.cloud")


@callback
def house_url(hass: HomeAssistant, webhook_id: str, gateway_url: str) -> str:
    """Return a webhook's address at the house itself; raises NoURLAvailableError.

    A gateway in the house may be given an address there.
    """
    near = is_local_host(URL(gateway_url).host or "")
    return webhook.async_generate_url(hass, webhook_id, allow_internal=near)


@callback
def known_url(hass: HomeAssistant, data: Mapping[str, Any]) -> str | None:
    """Return the address of an entry's webhook, as far as it is known."""
    if url := _cloudhook(data):
        return url
    try:
        return house_url(hass, data[CONF_WEBHOOK_ID], data[CONF_URL])
    except NoURLAvailableError:
        return None


def _cloudhook(data: Mapping[str, Any]) -> str | None:
    """Return the address in the cloud that an entry has, if it has one."""
    url = data.get(CONF_CLOUDHOOK_URL)
    return url if isinstance(url, str) and url else None


async def async_own_url(hass: HomeAssistant, data: Mapping[str, Any]) -> str | None:
    """Return the same if it leads to this home.

    One in the cloud does only with a subscription: a copy that was restored from a
    backup has the original's in its entry.
    """
    if CONF_CLOUDHOOK_URL in data:
        await _async_load_cloud(hass)
        from homeassistant.components import cloud

        if not cloud.async_active_subscription(hass):
            data = {**data, CONF_CLOUDHOOK_URL: None}
    return known_url(hass, data)


async def async_delete_cloudhook(hass: HomeAssistant, data: Mapping[str, Any]) -> None:
    """Take the address in the cloud back, if there is one."""
    if CONF_CLOUDHOOK_URL not in data:
        return
    await _async_load_cloud(hass)
    from homeassistant.components import cloud

    try:
        await cloud.async_delete_cloudhook(hass, data[CONF_WEBHOOK_ID])
    except Exception as err:  # noqa: BLE001
        # No cloud, or the user has deleted it there: the entry goes all the same.
        _LOGGER.debug("Deleting the cloudhook failed: %s", type(err).__name__)
