"""WhatsApp Presence: who is online, typing or recording, and when they were last seen."""

from functools import partial
import logging

from homeassistant.const import CONF_WEBHOOK_ID, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.typing import ConfigType

from .const import (
    CONF_CLOUDHOOK_URL,
    CONF_WEBHOOK_SECRET,
    CONF_WEBHOOK_URL,
    DOMAIN,
    SUBENTRY_TYPE_CHAT,
)
from .dashboard import async_setup_dashboard
from .entity import chat_added_signal, chat_device_identifier
from .gateways.base import Gateway, Transport
from .helpers import create_gateway
from .instance.announcing import async_say_goodbye
from .instance.hub import Instance, WhatsAppPresenceConfigEntry, WhatsAppPresenceData
from .instance.registration import WebhookRegistration, async_remove_webhook
from .instance.store import InstanceStore
from .instance.stream import async_start_stream
from .instance.webhook import async_open_webhook
from .log_filter import async_redact, async_stop_redacting
from .repairs import Issue, async_clear_issue
from .services import async_setup_services

_LOGGER = logging.getLogger(__name__)

PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.IMAGE,
    Platform.SENSOR,
    Platform.SWITCH,
]

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

# Kept in the entry by the webhook manager; nothing has to follow a change of them.
_OWN_DATA = (CONF_WEBHOOK_URL, CONF_CLOUDHOOK_URL)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up the actions, and the dashboard."""
    async_setup_services(hass)
    async_setup_dashboard(hass)
    return True


async def async_setup_entry(
    hass: HomeAssistant, entry: WhatsAppPresenceConfigEntry
) -> bool:
    """Set up an instance; its chats subscribe in the background."""
    gateway = create_gateway(hass, entry.data)
    _redact_secrets(entry, gateway)
    store = InstanceStore(hass, entry.entry_id)
    await store.async_load()
    instance = Instance(hass, entry, gateway, store)
    await instance.coordinator.async_config_entry_first_refresh()

    registration = WebhookRegistration(hass, entry, gateway, instance.delivery)
    entry.runtime_data = WhatsAppPresenceData(gateway, instance, registration)
    instance.device_id = (
        dr.async_get(hass)
        .async_get_or_create(
            config_entry_id=entry.entry_id,
            entry_type=dr.DeviceEntryType.SERVICE,
            identifiers={(DOMAIN, entry.entry_id)},
            manufacturer=gateway.name,
            name=entry.title,
        )
        .id
    )
    for subentry in entry.get_subentries_of_type(SUBENTRY_TYPE_CHAT):
        instance.async_add_chat(subentry)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)

    entry.async_on_unload(partial(_clear_issues, hass, entry))
    entry.async_on_unload(
        entry.add_update_listener(_UpdateListener(entry).async_entry_updated)
    )
    async_open_webhook(hass, entry, gateway, instance.async_handle_events)
    registration.async_setup()
    if gateway.capabilities.transport is Transport.WEBSOCKET:
        async_start_stream(
            hass,
            entry,
            gateway,
            instance.async_handle_events,
            instance.async_stream_changed,
        )
    instance.async_start()
    return True


async def async_unload_entry(
    hass: HomeAssistant, entry: WhatsAppPresenceConfigEntry
) -> bool:
    """Unload an instance; what is registered at the gateway stays."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(
    hass: HomeAssistant, entry: WhatsAppPresenceConfigEntry
) -> None:
    """Remove what was registered and stored."""
    gateway = create_gateway(hass, entry.data)
    store = InstanceStore(hass, entry.entry_id)
    await store.async_load()
    if store.announced and not await async_say_goodbye(gateway):
        _LOGGER.warning(
            "The account may still be announced as online: the gateway did not take "
            "that back; set its presence to offline there"
        )
    await store.async_remove()
    await async_remove_webhook(hass, entry, gateway)
    async_stop_redacting(entry.entry_id)


@callback
def _redact_secrets(entry: WhatsAppPresenceConfigEntry, gateway: Gateway) -> None:
    """Keep them out of the log until the entry is removed.

    An entry that is not loaded is still sent events, and Home Assistant names the
    webhook that it does not know.
    """
    async_redact(
        entry.entry_id,
        (
            *gateway.secrets,
            entry.data[CONF_WEBHOOK_ID],
            entry.data.get(CONF_CLOUDHOOK_URL),
            entry.options.get(CONF_WEBHOOK_SECRET),
        ),
    )


@callback
def _clear_issues(hass: HomeAssistant, entry: WhatsAppPresenceConfigEntry) -> None:
    for issue in Issue:
        async_clear_issue(hass, issue, entry.entry_id)
    for subentry_id in entry.subentries:
        async_clear_issue(hass, Issue.CHAT_REFUSED, subentry_id)
        async_clear_issue(hass, Issue.PRESENCE_FAILING, subentry_id)


class _UpdateListener:
    """Acts on what has changed in an entry, and on nothing else."""

    def __init__(self, entry: WhatsAppPresenceConfigEntry) -> None:
        """Remember the entry as it was set up."""
        self._remember(entry)

    def _remember(self, entry: WhatsAppPresenceConfigEntry) -> None:
        self._data = {
            key: value for key, value in entry.data.items() if key not in _OWN_DATA
        }
        self._options = dict(entry.options)
        self._title = entry.title

    async def async_entry_updated(
        self, hass: HomeAssistant, entry: WhatsAppPresenceConfigEntry
    ) -> None:
        """Reload for new credentials; follow everything else as it is."""
        data, options, title = self._data, self._options, self._title
        self._remember(entry)
        if self._data != data:
            hass.config_entries.async_schedule_reload(entry.entry_id)
            return
        _redact_secrets(entry, entry.runtime_data.gateway)
        if self._options != options:
            entry.runtime_data.webhook.async_reconcile_soon()
        if self._title != title:
            dr.async_get(hass).async_update_device(
                entry.runtime_data.instance.device_id, name=entry.title
            )
        _follow_chats(hass, entry)


@callback
def _follow_chats(hass: HomeAssistant, entry: WhatsAppPresenceConfigEntry) -> None:
    """Add, change and remove chats, each on its own."""
    instance = entry.runtime_data.instance
    subentries = {
        subentry.subentry_id: subentry
        for subentry in entry.get_subentries_of_type(SUBENTRY_TYPE_CHAT)
    }
    for subentry_id in instance.chats.keys() - subentries.keys():
        instance.async_remove_chat(subentry_id)
    for subentry_id, subentry in subentries.items():
        if (chat := instance.chats.get(subentry_id)) is None:
            chat = instance.async_add_chat(subentry)
            async_dispatcher_send(hass, chat_added_signal(entry.entry_id), chat)
            instance.rounds.async_subscribe(chat)
            continue
        chat.update_subentry(subentry)
        if instance.people.async_rename(chat):
            _rename_device(hass, entry.entry_id, chat.chat_id, subentry.title)


@callback
def _rename_device(hass: HomeAssistant, entry_id: str, chat_id: str, name: str) -> None:
    devices = dr.async_get(hass)
    if device := devices.async_get_device_by_identifier(
        chat_device_identifier(entry_id, chat_id), entry_id
    ):
        devices.async_update_device(device.id, name=name)
