"""The rooms in which things are done for one account, and what holds them together."""

from dataclasses import dataclass
from datetime import datetime, timedelta
import logging
from typing import Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_interval

from ..const import DOMAIN
from ..gateways.base import (
    AuthenticationError,
    Gateway,
    GatewayError,
    GatewayEvent,
    InstanceEvent,
    NotAllowedError,
    RateLimitedError,
    Transport,
)
from ..presence.model import PresenceUpdate
from ..repairs import Issue, async_clear_issue, async_raise_issue
from .announcing import Announcer
from .asking import Asker
from .budget import AccountBudget
from .chat import Chat, create_deadlines
from .coordinator import InstanceCoordinator
from .delivery import Delivery
from .inbox import Inbox
from .people import People
from .pictures import Pictures
from .registration import WebhookRegistration
from .rounds import Rounds
from .silence import Silence
from .store import InstanceStore

_LOGGER = logging.getLogger(__name__)

DAILY: Final = timedelta(days=1)


@dataclass(slots=True)
class WhatsAppPresenceData:
    """What a loaded entry holds."""

    gateway: Gateway
    instance: Instance
    webhook: WebhookRegistration


type WhatsAppPresenceConfigEntry = ConfigEntry[WhatsAppPresenceData]


class Instance:
    """One account at a gateway: its chats, and a room for each thing done for them."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: WhatsAppPresenceConfigEntry,
        gateway: Gateway,
        store: InstanceStore,
    ) -> None:
        """Build the rooms; there are no chats yet. The store is loaded by then."""
        self._hass = hass
        self.entry = entry
        self.gateway = gateway
        self.device_id = ""
        self.chats: dict[str, Chat] = {}
        self.coordinator = InstanceCoordinator(
            hass,
            entry,
            gateway,
            on_ready=self._begin_again,
            on_away=self._bear_with_it,
            on_available=self._follow_available,
        )
        self.store = store
        self.announcer = Announcer(
            hass,
            entry,
            gateway,
            store,
            is_ready=lambda: self.coordinator.ready,
            on_begin=self.async_resubscribe,
            on_trouble=self._look_again,
        )
        self.people = People(hass, entry, gateway, store)
        self.budget = AccountBudget(
            gateway.capabilities.announce_seconds, self.announcer.note_request
        )
        self.delivery = Delivery(hass, entry, gateway, on_change=self._follow_push)
        self._asker = Asker(
            hass,
            entry,
            gateway,
            self.people,
            self.delivery,
            self.budget,
            on_trouble=self._look_again,
        )
        self.rounds = Rounds(
            hass,
            entry,
            gateway,
            self._asker,
            self.budget,
            self.delivery,
            on_done=self._start_to_learn,
        )
        self._pictures = Pictures(
            hass, gateway, self.budget, lambda: self.coordinator.ready
        )
        self.silence = Silence(
            hass, entry, self.chats.values, lambda: self.coordinator.ready
        )
        self.inbox = Inbox(hass, entry, self.async_handle_events)
        self._deadlines = create_deadlines(hass)
        self._on_seen = self._keep_last_seen  # One for all chats.
        self._stream_was_lost = self._learning = False
        entry.async_on_unload(self._deadlines.clear)
        entry.async_on_unload(store.async_flush)

    @callback
    def async_add_chat(self, subentry: ConfigSubentry) -> Chat:
        """Begin to track a chat."""
        chat = Chat(
            self._hass,
            subentry,
            self.people.aliases.main,
            self._deadlines,
            ordered=self.gateway.capabilities.transport is Transport.WEBSOCKET,
            on_seen=self._on_seen,
        )
        if (last_seen := self.store.last_seen.get(chat.chat_id)) is not None:
            chat.restore_last_seen(last_seen)
        self.chats[subentry.subentry_id] = chat
        self.people.async_add(chat)
        self.rounds.async_add(chat)
        return chat

    @callback
    def async_remove_chat(self, subentry_id: str) -> None:
        """Stop tracking a chat."""
        chat = self.chats.pop(subentry_id)
        self.people.async_remove(chat)
        self._pictures.forget(chat)
        self.rounds.async_remove(chat)
        chat.sleep()
        self.store.forget(chat.chat_id)

    @callback
    def _keep_last_seen(self, chat: Chat) -> None:
        """Let what was last seen of a chat survive a power cut."""
        if chat.presence.last_seen is not None:
            self.store.last_seen[chat.chat_id] = chat.presence.last_seen
            self.store.async_changed()

    @callback
    def async_start(self) -> None:
        """Begin to subscribe the chats, in the background."""
        self.store.forget_others({chat.chat_id for chat in self.chats.values()})
        if self.store.is_new:
            # The next run is to know that this one has begun to keep.
            self.store.async_changed()
        self.entry.async_on_unload(
            async_track_time_interval(
                self._hass,
                self._look_daily,
                DAILY,
                name=f"{DOMAIN} daily look",
                cancel_on_shutdown=True,
            )
        )
        self.announcer.async_setup()
        self.silence.async_setup()
        if self.coordinator.ready:
            self.rounds.async_begin()

    @callback
    def async_resubscribe(self) -> None:
        """Subscribe all chats again, for the user wants it so."""
        self.people.forgive()
        self.rounds.async_resubscribe(by_user=True)

    @callback
    def async_handle_events(self, events: list[GatewayEvent]) -> None:
        """Take what arrived from the gateway; of the instance the last word counts."""
        self.delivery.async_note_arrival(events)
        statuses: list[InstanceEvent] = []
        for event in events:
            if not isinstance(event, PresenceUpdate):
                statuses.append(event)
            elif self.people.async_hear(event) and not self.coordinator.was_ready:
                # Somebody's presence is news from an instance that is ready after all.
                self.coordinator.async_look_again()
        if statuses:
            self.coordinator.statuses.async_hear(statuses)
        if self._asker.failing:
            self._asker.async_note_arrival()
        if self.silence.is_waiting:
            self.silence.async_look()

    @callback
    def async_stream_changed(self, connected: bool) -> None:
        """The event stream has begun or ended."""
        self.delivery.async_note_stream(connected)
        if connected is not self._stream_was_lost:
            # It tells of each attempt that failed.
            return
        self._stream_was_lost = not connected
        if not connected:
            # Perhaps the gateway is gone as well.
            for chat in self.chats.values():
                chat.interrupted(subscribed=True)
            self.coordinator.async_look_again()
        else:
            for chat in self.chats.values():
                chat.resumed()
            self.entry.async_create_background_task(
                self._hass, self.rounds.async_catch_up(), f"{DOMAIN} catch up"
            )

    @callback
    def async_stream_refused(self, err: GatewayError | None) -> None:
        """The event stream is refused for a reason that the user can mend, or is not."""
        self.coordinator.credentials.async_note_stream(
            refused=isinstance(err, AuthenticationError)
        )
        if isinstance(err, NotAllowedError):
            async_raise_issue(
                self._hass,
                Issue.STREAM_REFUSED,
                self.entry.entry_id,
                instance=self.entry.title,
            )
        else:
            async_clear_issue(self._hass, Issue.STREAM_REFUSED, self.entry.entry_id)

    @callback
    def _follow_push(self) -> None:
        """Events have begun to arrive, or have ceased to."""
        for chat in self.chats.values():
            if self.delivery.push:
                chat.resumed()
            else:
                chat.interrupted(subscribed=True)
        self.rounds.async_follow_push()

    @callback
    def _look_again(self, err: GatewayError) -> None:
        """A request failed for a reason that may be the instance's: look at once."""
        _LOGGER.debug("A request for a chat failed: %s", type(err).__name__)
        if not isinstance(err, RateLimitedError):
            self.coordinator.async_look_again()

    @callback
    def _begin_again(self) -> None:
        """The account is ready, or ready again: ask for all that may be lost."""
        self.people.forgive()
        self.rounds.async_begin()

    @callback
    def _bear_with_it(self) -> None:
        """Events may be missed, and the gateway may forget all subscriptions."""
        self.rounds.async_end()
        for chat in self.chats.values():
            chat.interrupted(subscribed=False)

    @callback
    def _follow_available(self) -> None:
        """What is known of the chats holds no longer, or does so again."""
        for chat in self.chats.values():
            if self.coordinator.available:
                chat.async_tell()
            else:
                chat.forget()

    @callback
    def _start_to_learn(self) -> None:
        self.silence.async_look()
        if not self._learning:
            self._learning = True
            self.entry.async_create_background_task(
                self._hass, self._async_learn(), f"{DOMAIN} learn names"
            )

    async def _async_learn(self) -> None:
        try:
            await self.people.async_learn()
            await self._pictures.async_find(list(self.chats.values()))
        finally:
            self._learning = False

    @callback
    def _look_daily(self, _now: datetime) -> None:
        """Groups and pictures change: ask for them again after the next round."""
        self.people.expire()
        self._pictures.expire()
        if self.budget.is_free:
            self._start_to_learn()
