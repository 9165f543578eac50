"""WhatsApp Presence: who is online, typing or recording, and when they were last seen."""

from collections.abc import Mapping
from functools import partial
import logging

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_WEBHOOK_ID, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.typing import ConfigType

from .const import (
    CONF_CLOUDHOOK_URL,
    CONF_WEBHOOK_SECRET,
    DOMAIN,
    ENTRY_VERSION,
    WEBHOOK_DATA,
)
from .dashboard import async_setup_dashboard
from .entity import chat_added_signal, chat_device_identifier
from .gateways.base import Gateway, Transport
from .helpers import create_gateway, is_complete, is_readable, webhook_holder
from .instance.announcing import async_end_for_good
from .instance.hub import Instance, WhatsAppPresenceConfigEntry, WhatsAppPresenceData
from .instance.registration import (
    WebhookRegistration,
    async_note_own_address,
    async_remove_webhook,
)
from .instance.store import InstanceStore
from .instance.stream import async_start_stream
from .instance.webhook import async_open_webhook
from .instance.written import old_addresses
from .log_filter import async_redact, async_stop_redacting
from .repairs import Issue, async_clear_issue, async_raise_issue
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


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up the actions and the dashboard; tell of entries that will be refused."""
    async_setup_services(hass)
    async_setup_dashboard(hass)
    for entry in hass.config_entries.async_entries(DOMAIN):
        if entry.version > ENTRY_VERSION:
            async_raise_issue(
                hass, Issue.ENTRY_TOO_NEW, entry.entry_id, instance=entry.title
            )
    return True


async def async_migrate_entry(
    hass: HomeAssistant, entry: WhatsAppPresenceConfigEntry
) -> bool:
    """Take an entry over from another version; there is but one form so far.

    What a later one adds to the same form is left alone. Of another form Home
    Assistant itself says that it is newer.
    """
    return entry.version == ENTRY_VERSION


async def async_setup_entry(
    hass: HomeAssistant, entry: WhatsAppPresenceConfigEntry
) -> bool:
    """Set up an instance; its chats subscribe in the background."""
    if not _can_be_set_up(hass, entry):
        # An exception that says why would be told with a traceback.
        _LOGGER.error("What is stored of an account can't be used; see the repairs")
        return False
    async_clear_issue(hass, Issue.ENTRY_UNUSABLE, entry.entry_id)
    gateway = create_gateway(hass, entry.data)
    _redact_secrets(entry, gateway)
    store = InstanceStore(hass, entry.entry_id)
    await store.async_load()
    await async_note_own_address(hass, entry, gateway)
    instance = Instance(hass, entry, gateway, store)
    await instance.coordinator.async_config_entry_first_refresh()
    # The chats depend on how it stands, whether or not an entity shows that.
    entry.async_on_unload(instance.coordinator.async_add_listener(lambda: None))

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
    listener = _UpdateListener(entry)
    entry.async_on_unload(entry.add_update_listener(listener.async_entry_updated))
    for subentry in listener.readable_chats(hass).values():
        instance.async_add_chat(subentry)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)

    entry.async_on_unload(partial(_clear_issues, hass, entry))
    async_open_webhook(hass, entry, gateway, instance.inbox.take)
    await registration.async_setup()
    if gateway.capabilities.transport is Transport.WEBSOCKET:
        async_start_stream(
            hass,
            entry,
            gateway,
            instance.inbox.async_take,
            instance.async_stream_changed,
            instance.async_stream_refused,
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
    _clear_issues(hass, entry)
    store = InstanceStore(hass, entry.entry_id)
    if is_complete(hass, entry.data):
        gateway = create_gateway(hass, entry.data)
        await store.async_load()
        if store.announced:
            await async_end_for_good(hass, entry.entry_id, gateway)
        if webhook_holder(hass, entry) is entry:
            await async_remove_webhook(hass, entry, gateway)
    await store.async_remove()
    async_stop_redacting(entry.entry_id)


@callback
def _can_be_set_up(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Whether an entry has what it needs, and has it alone; if not, that is told."""
    told, title = entry.entry_id, entry.title
    if not is_complete(hass, entry.data):
        async_raise_issue(hass, Issue.ENTRY_UNUSABLE, told, instance=title)
        return False
    if (holder := webhook_holder(hass, entry)) is entry:
        return True
    async_raise_issue(
        hass,
        Issue.ENTRY_UNUSABLE,
        told,
        variant="shared",
        instance=title,
        other=holder.title,
    )
    return False


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
            *old_addresses(entry.data),
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
        async_clear_issue(hass, Issue.CHAT_UNREADABLE, subentry_id)


class _UpdateListener:
    """Acts on what has changed in an entry, and on nothing else."""

    def __init__(self, entry: WhatsAppPresenceConfigEntry) -> None:
        """Remember the entry as it was set up."""
        self._entry = entry
        self._unreadable: set[str] = set()
        self._remember(entry)

    def _remember(self, entry: WhatsAppPresenceConfigEntry) -> None:
        self._data = {
            key: value for key, value in entry.data.items() if key not in WEBHOOK_DATA
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
        _follow_chats(hass, entry, self.readable_chats(hass))

    @callback
    def readable_chats(self, hass: HomeAssistant) -> dict[str, ConfigSubentry]:
        """Return the chats, and tell of what can't be read."""
        readable: dict[str, ConfigSubentry] = {}
        unreadable: set[str] = set()
        for subentry_id, subentry in self._entry.subentries.items():
            if is_readable(subentry):
                readable[subentry_id] = subentry
                continue
            unreadable.add(subentry_id)
            async_raise_issue(
                hass,
                Issue.CHAT_UNREADABLE,
                subentry_id,
                chat=subentry.title,
                instance=self._entry.title,
            )
        for subentry_id in self._unreadable - unreadable:
            async_clear_issue(hass, Issue.CHAT_UNREADABLE, subentry_id)
        self._unreadable = unreadable
        return readable


@callback
def _follow_chats(
    hass: HomeAssistant,
    entry: WhatsAppPresenceConfigEntry,
    subentries: Mapping[str, ConfigSubentry],
) -> None:
    """Add, change and remove chats, each on its own."""
    instance = entry.runtime_data.instance
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
