"""How an account stands, and the rooms in which things are done for it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
import logging
from typing import override

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from ..const import DOMAIN, STATUS_INTERVAL
from ..exceptions import error_key
from ..gateways.base import (
    AuthenticationError,
    Gateway,
    GatewayError,
    GatewayEvent,
    InstanceEvent,
    InstanceInfo,
    InstanceStatus,
    RateLimitedError,
)
from ..presence.model import PresenceUpdate
from ..presence.tracker import seen_before
from ..repairs import Issue, async_clear_issue, async_raise_issue
from .chat import Chat, create_deadlines
from .delivery import Delivery
from .people import People
from .pictures import Pictures
from .registration import WebhookRegistration
from .rounds import Rounds

_LOGGER = logging.getLogger(__name__)

PICTURE_INTERVAL = timedelta(days=1)
NOT_READY_POLLS = 2
# An instance event may overtake another by this much; beyond, a clock was set.
LATE_LIMIT = 600.0
SEEN_EVENTS = 32


@dataclass(slots=True)
class WhatsAppPresenceData:
    """What a loaded entry holds."""

    gateway: Gateway
    instance: InstanceCoordinator
    webhook: WebhookRegistration


type WhatsAppPresenceConfigEntry = ConfigEntry[WhatsAppPresenceData]


class InstanceCoordinator(DataUpdateCoordinator[InstanceInfo]):
    """Knows how the instance stands, and holds the rooms together."""

    config_entry: WhatsAppPresenceConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: WhatsAppPresenceConfigEntry,
        gateway: Gateway,
    ) -> None:
        """Create the coordinator and its rooms, without chats."""
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=f"{gateway.name} instance",
            update_interval=STATUS_INTERVAL,
            always_update=False,
        )
        self.gateway = gateway
        self.chats: dict[str, Chat] = {}
        self.device_id = ""
        self.people = People(hass, entry, gateway)
        self.pictures = Pictures(gateway, lambda: self.ready)
        self.delivery = Delivery(hass, entry, gateway)
        self.rounds = Rounds(
            hass,
            entry,
            gateway,
            self.people,
            self.delivery,
            on_trouble=self.report,
            on_done=self._start_to_learn,
        )
        self._deadlines = create_deadlines(hass)
        # Whether what is known of the chats holds.
        self.available = False
        self._reauth_asked = False
        self._not_ready_polls = 0
        self._told_not_ready = False
        self._newest_event = 0.0
        self._seen_events: dict[str, None] = {}
        self._learning = False
        self._stream_was_lost = False
        entry.async_on_unload(self._deadlines.clear)

    @property
    def ready(self) -> bool:
        """Whether chats can be subscribed."""
        return self.last_update_success and self.data.status is InstanceStatus.READY

    @override
    async def _async_setup(self) -> None:
        await self.people.aliases.async_load()

    @override
    async def _async_update_data(self) -> InstanceInfo:
        first = self.data is None
        try:
            info = await self.gateway.status()
        except GatewayError as err:
            if isinstance(err, AuthenticationError):
                if first:
                    raise ConfigEntryAuthFailed(
                        translation_domain=DOMAIN, translation_key=error_key(err)
                    ) from err
                # Not ConfigEntryAuthFailed: it would end the polling, and with it the
                # recovery when the gateway takes the same credentials again.
                self._reauth_asked = True
                self.config_entry.async_start_reauth(self.hass)
            if (
                isinstance(err, RateLimitedError)
                and not first
                and self.last_update_success
            ):
                return self.data
            raise UpdateFailed(
                translation_domain=DOMAIN, translation_key=error_key(err)
            ) from err
        self._abort_reauth()
        self._count_not_ready(info.status)
        return info

    @callback
    @override
    def _async_refresh_finished(self) -> None:
        self._follow_readiness()

    @callback
    def async_add_chat(self, subentry: ConfigSubentry) -> Chat:
        """Begin to track a chat."""
        chat = Chat(self.hass, subentry, self.people.aliases.main, self._deadlines)
        self.chats[subentry.subentry_id] = chat
        self.people.async_add(chat)
        self.rounds.async_add(chat)
        return chat

    @callback
    def async_remove_chat(self, subentry_id: str) -> None:
        """Stop tracking a chat."""
        chat = self.chats.pop(subentry_id)
        self.people.async_remove(chat)
        self.rounds.async_remove(chat)
        chat.sleep()

    @callback
    def async_start(self) -> None:
        """Begin to subscribe the chats, in the background."""
        self.config_entry.async_on_unload(
            async_track_time_interval(
                self.hass,
                self._renew_pictures,
                PICTURE_INTERVAL,
                name=f"{DOMAIN} pictures",
                cancel_on_shutdown=True,
            )
        )
        if self.ready:
            self.rounds.async_begin()

    @callback
    def async_handle_events(self, events: list[GatewayEvent]) -> None:
        """Take what arrived from the gateway."""
        self.delivery.async_note_arrival(events)
        for event in events:
            if isinstance(event, PresenceUpdate):
                if self.people.async_hear(event) and not self.available:
                    # Somebody's presence is news from an instance that is ready
                    # after all.
                    self.async_look_again()
            elif not self._is_stale(event):
                self._handle_instance_event(event)

    @callback
    def async_stream_changed(self, connected: bool) -> None:
        """The event stream has begun or ended."""
        self.delivery.async_note_stream(connected)
        if not connected:
            # Perhaps the gateway is gone as well.
            self._stream_was_lost = True
            self.async_look_again()
        elif self._stream_was_lost:
            # The gateway may have forgotten what was before.
            self._stream_was_lost = False
            self.rounds.async_resubscribe()

    @callback
    def report(self, err: GatewayError) -> None:
        """A request failed for a reason that is the instance's: look at once."""
        _LOGGER.debug("A request for a chat failed: %s", type(err).__name__)
        self.async_look_again()

    @callback
    def async_look_again(self) -> None:
        """Ask soon how the instance stands."""
        self.config_entry.async_create_background_task(
            self.hass, self.async_request_refresh(), f"{DOMAIN} look at the instance"
        )

    @callback
    def _start_to_learn(self) -> None:
        if not self._learning:
            self._learning = True
            self.config_entry.async_create_background_task(
                self.hass, self._async_learn(), f"{DOMAIN} learn names"
            )

    async def _async_learn(self) -> None:
        try:
            await self.people.async_learn()
            await self.pictures.async_find(list(self.chats.values()))
        finally:
            self._learning = False

    @callback
    def _renew_pictures(self, _now: datetime) -> None:
        self.pictures.expire()
        self._start_to_learn()

    @callback
    def _is_stale(self, event: InstanceEvent) -> bool:
        """Whether the event repeats one, or is overtaken by a newer one."""
        if event.event_id is not None and seen_before(
            event.event_id, self._seen_events, SEEN_EVENTS
        ):
            return True
        if event.time is not None:
            if event.time < self._newest_event < event.time + LATE_LIMIT:
                return True
            self._newest_event = event.time
        return False

    @callback
    def _handle_instance_event(self, event: InstanceEvent) -> None:
        if not self.last_update_success:
            # Only an answer can end an outage, in the log as well.
            self.async_look_again()
            return
        reconnected = event.status is InstanceStatus.READY and self.available
        self.async_set_updated_data(replace(self.data, status=event.status))
        self._follow_readiness()
        if reconnected:
            self.rounds.async_resubscribe()
        elif event.status is not InstanceStatus.READY:
            # It may have come late: ask how the instance stands now.
            self.async_look_again()

    @callback
    def _follow_readiness(self) -> None:
        if self.ready is self.available:
            return
        self.available = self.ready
        if self.ready:
            self._not_ready_polls = 0
            async_clear_issue(
                self.hass, Issue.INSTANCE_NOT_READY, self.config_entry.entry_id
            )
            if self._told_not_ready:
                self._told_not_ready = False
                _LOGGER.info("The %s is ready again", self.name)
            self.rounds.async_begin()
            for chat in self.chats.values():
                chat.async_tell()
        else:
            if self.last_update_success:
                # An outage is told by the base class, in a line of its own.
                self._told_not_ready = True
                _LOGGER.warning("The %s is not ready: %s", self.name, self.data.status)
            self.rounds.async_end()

    @callback
    def _count_not_ready(self, status: InstanceStatus) -> None:
        if status is InstanceStatus.READY:
            return
        self._not_ready_polls += 1
        if (
            status is InstanceStatus.LOGIN_REQUIRED
            or self._not_ready_polls >= NOT_READY_POLLS
        ):
            async_raise_issue(
                self.hass,
                Issue.INSTANCE_NOT_READY,
                self.config_entry.entry_id,
                instance=self.config_entry.title,
            )

    @callback
    def _abort_reauth(self) -> None:
        """Take a question back that has answered itself."""
        if not self._reauth_asked:
            return
        self._reauth_asked = False
        for flow in list(
            self.config_entry.async_get_active_flows(self.hass, {SOURCE_REAUTH})
        ):
            self.hass.config_entries.flow.async_abort(flow["flow_id"])
