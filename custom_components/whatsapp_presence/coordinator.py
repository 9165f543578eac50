"""The coordinators: one for the instance, one for each chat."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
import logging
import math
import random
import time
from typing import Any, override

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry, ConfigSubentry
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .aliases import AliasBook
from .const import (
    CONF_ALIAS,
    CONF_CHAT,
    CONF_SETTLE_TIME,
    DEFAULT_SETTLE_TIME,
    DOMAIN,
    POLL_INTERVAL,
    RENEW_INTERVAL,
    STATUS_INTERVAL,
)
from .exceptions import error_key
from .gateways.base import (
    AuthenticationError,
    Gateway,
    GatewayError,
    GatewayEvent,
    InstanceEvent,
    InstanceInfo,
    InstanceStatus,
    InvalidResponseError,
    NotAllowedError,
    NotFoundError,
    NotReadyError,
    RateLimitedError,
    Transport,
)
from .helpers import is_presentable
from .presence import chat_id as cid
from .presence.model import ChatPresence, PresenceUpdate, changes
from .presence.tracker import CLOCK_JUMP, PresenceTracker, seen_before
from .repairs import Issue, async_clear_issue, async_raise_issue
from .webhook import WebhookManager

_LOGGER = logging.getLogger(__name__)

# Of the gateway's 60 requests a minute, what asking for chats may use up.
RENEWALS_PER_MINUTE = 48
SUBSCRIBE_WORKERS = 6
ALIAS_CHUNK = 50
REFUSED_INTERVAL = timedelta(minutes=30)
PICTURE_INTERVAL = timedelta(days=1)
# Doubled twice, from half a minute: a chat must not stay without a subscription for
# long when only asking for chats was out of order.
MAX_BACKOFF_STEPS = 2
# So many changes that only a poll saw, and no event since, mean that events are lost.
MISSED_CHANGES = 3
NOT_READY_POLLS = 2
# An instance event may overtake another by this much; beyond, a clock was set.
LATE_LIMIT = 600.0
SEEN_EVENTS = 32
PENDING_UPDATES = 16

# A push this soon after the last one leaves the renewal where it is.
_POSTPONE_STEP = 30.0


@dataclass(slots=True)
class WhatsAppPresenceData:
    """What a loaded entry holds."""

    gateway: Gateway
    instance: InstanceCoordinator
    webhook: WebhookManager


type WhatsAppPresenceConfigEntry = ConfigEntry[WhatsAppPresenceData]


class InstanceCoordinator(DataUpdateCoordinator[InstanceInfo]):
    """Knows whether the instance is ready, and hands its events to the chats."""

    config_entry: WhatsAppPresenceConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: WhatsAppPresenceConfigEntry,
        gateway: Gateway,
    ) -> None:
        """Create the coordinator and those of the chats."""
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=f"{gateway.name} instance",
            update_interval=STATUS_INTERVAL,
            always_update=False,
        )
        self.gateway = gateway
        self.aliases = AliasBook(hass, entry.entry_id)
        self.chats: dict[str, ChatCoordinator] = {}
        self.device_id = ""
        self.last_event: datetime | None = None
        self.names: dict[str, str] = {}
        self._routes: dict[str, ChatCoordinator] = {}
        self._push = False
        self._push_changed_at = hass.loop.time()
        self._silent = False
        self._stream_was_lost = False
        self._was_ready = False
        self._reauth_asked = False
        self._not_ready_polls = 0
        self._told_not_ready = False
        self._missed_changes = 0
        self._waiting: dict[ChatCoordinator, None] = {}
        self._subscriber: asyncio.Task[None] | None = None
        self._learner: asyncio.Task[None] | None = None
        self._lookups: dict[str, deque[PresenceUpdate]] = {}
        self._asked_aliases: set[str] = set()
        self._named_groups: set[str] = set()
        self._newest_event = 0.0
        self._seen_events: dict[str, None] = {}
        self._event_listeners: list[CALLBACK_TYPE] = []

    @property
    def ready(self) -> bool:
        """Whether chats can be subscribed, and what is known of them holds."""
        return self.last_update_success and self.data.status is InstanceStatus.READY

    @property
    def push(self) -> bool:
        """Whether the gateway's events reach Home Assistant, as far as is known."""
        return self._push

    @property
    def renew_interval(self) -> timedelta:
        """How often a chat is subscribed, so that all stay within the budget."""
        return max(RENEW_INTERVAL, self.renewal_turn)

    @property
    def renewal_turn(self) -> timedelta:
        """How long it takes to subscribe each chat once within the budget."""
        return self._turn * self.gateway.capabilities.renewal_requests

    @property
    def ask_interval(self) -> timedelta:
        """When a chat is asked again; jittered, lest all come at once."""
        if self._push:
            interval = self.renew_interval
        else:
            interval = max(POLL_INTERVAL, self._turn)
        return interval * random.uniform(0.9, 1)

    @property
    def _turn(self) -> timedelta:
        """How long one request for each chat takes within the budget."""
        return timedelta(minutes=len(self.chats) / RENEWALS_PER_MINUTE)

    @override
    async def _async_setup(self) -> None:
        await self.aliases.async_load()

    @override
    async def _async_update_data(self) -> InstanceInfo:
        first = self.data is None
        try:
            info = await self.gateway.status()
        except AuthenticationError as err:
            if first:
                raise ConfigEntryAuthFailed(
                    translation_domain=DOMAIN, translation_key=error_key(err)
                ) from err
            # Not ConfigEntryAuthFailed: it would end the polling, and with it the
            # recovery when the gateway takes the same credentials again.
            self._reauth_asked = True
            self.config_entry.async_start_reauth(self.hass)
            raise UpdateFailed(
                translation_domain=DOMAIN, translation_key=error_key(err)
            ) from err
        except RateLimitedError as err:
            if not first and self.last_update_success:
                return self.data
            raise UpdateFailed(
                translation_domain=DOMAIN, translation_key=error_key(err)
            ) from err
        except GatewayError as err:
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
    def async_add_chat(self, subentry: ConfigSubentry) -> ChatCoordinator:
        """Begin to track a chat."""
        chat = ChatCoordinator(self.hass, self.config_entry, self, subentry)
        self.chats[subentry.subentry_id] = chat
        self._routes[chat.chat_id] = chat
        if alias := subentry.data.get(CONF_ALIAS):
            self.aliases.learn(alias, chat.chat_id)
        self.names[chat.chat_id] = subentry.title
        self.aliases.welcome_strangers()
        return chat

    async def async_remove_chat(self, subentry_id: str) -> None:
        """Stop tracking a chat."""
        chat = self.chats.pop(subentry_id)
        self._routes = {
            known: other for known, other in self._routes.items() if other is not chat
        }
        self._waiting.pop(chat, None)
        async_clear_issue(self.hass, Issue.CHAT_REFUSED, subentry_id)
        await chat.async_shutdown()

    @callback
    def member_name(self, member_id: str) -> str:
        """Return a name for a group's member that is never a phone number."""
        if name := self.names.get(member_id):
            return name
        user = member_id.partition("@")[0]
        return f"…{user[-2:]}"

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
        self.async_resubscribe()

    @callback
    def async_resubscribe(self) -> None:
        """Subscribe every chat again: the gateway may have forgotten."""
        for chat in self.chats.values():
            chat.subscription_lost()
            self.async_subscribe(chat)

    @callback
    def async_subscribe(self, chat: ChatCoordinator) -> None:
        """Subscribe a chat as soon as its turn comes."""
        self._waiting[chat] = None
        if self._subscriber is None or self._subscriber.done():
            self._subscriber = self._in_background(
                self._async_subscribe_waiting(), "subscribe chats"
            )

    async def _async_subscribe_waiting(self) -> None:
        async def worker() -> None:
            while self._waiting and self.ready:
                chat = next(iter(self._waiting))
                del self._waiting[chat]
                await chat.async_refresh()

        # A turn of the loop later, so that set-up never waits for a chat.
        await asyncio.sleep(0)
        while self._waiting and self.ready:
            await asyncio.gather(*(worker() for _ in range(SUBSCRIBE_WORKERS)))
        self._start_to_learn()

    @callback
    def _start_to_learn(self) -> None:
        if self._learner is None or self._learner.done():
            self._learner = self._in_background(self._async_learn(), "learn names")

    async def _async_learn(self) -> None:
        """Ask for what events may come under, and for whom groups are made of."""
        await self._async_learn_missing_aliases()
        await self._async_name_members()
        await self._async_find_pictures()

    async def _async_learn_missing_aliases(self) -> None:
        """Ask once for the other ids of chats, before events come under them."""
        known = {*self.aliases.main, *self.aliases.main.values(), *self._asked_aliases}
        missing = [
            chat.chat_id
            for chat in self.chats.values()
            if not chat.is_group and chat.chat_id not in known
        ]
        for start in range(0, len(missing), ALIAS_CHUNK):
            chunk = missing[start : start + ALIAS_CHUNK]
            try:
                await self._async_learn_aliases(chunk)
            except GatewayError as err:
                _LOGGER.debug("Asking for aliases failed: %s", type(err).__name__)
                return
            self._asked_aliases.update(chunk)

    async def _async_name_members(self) -> None:
        """Ask once for the names of groups' members."""
        for chat in list(self.chats.values()):
            if not chat.is_group or chat.chat_id in self._named_groups:
                continue
            try:
                members = await self.gateway.group_members(chat.chat_id)
            except GatewayError as err:
                _LOGGER.debug("Asking for members failed: %s", type(err).__name__)
                return
            self._named_groups.add(chat.chat_id)
            for member in members:
                if member.name:
                    self.names.setdefault(member.chat_id, member.name)

    async def _async_find_pictures(self) -> None:
        """Ask for the pictures that have not been asked for today, one by one."""
        if not self.gateway.capabilities.has_pictures:
            return
        for chat in list(self.chats.values()):
            if chat.picture_asked or not self.ready:
                continue
            try:
                url = await self.gateway.picture_url(chat.chat_id)
            except NotAllowedError, NotFoundError, InvalidResponseError:
                url = None
            except GatewayError as err:
                _LOGGER.debug("Asking for pictures failed: %s", type(err).__name__)
                return
            chat.picture_asked = True
            if url is not None and not is_presentable(url, self.gateway.secrets):
                url = None
            chat.show_picture(url)

    @callback
    def _renew_pictures(self, _now: datetime) -> None:
        """Look once a day: pictures change, and their addresses expire."""
        for chat in self.chats.values():
            chat.picture_asked = False
        self._start_to_learn()

    @callback
    def async_handle_events(self, events: list[GatewayEvent]) -> None:
        """Take what arrived from the gateway."""
        self.last_event = dt_util.utcnow()
        if (not self._push or self._missed_changes) and (
            not self._silent
            or any(isinstance(event, PresenceUpdate) for event in events)
        ):
            self.async_set_push(True)
        for listener in self._event_listeners:
            listener()
        for event in events:
            if isinstance(event, PresenceUpdate):
                self._route(event)
            elif not self._is_stale(event):
                self._handle_instance_event(event)

    @callback
    def async_add_event_listener(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call a listener at each arrival of events; returns how to stop."""
        self._event_listeners.append(listener)
        return partial(self._event_listeners.remove, listener)

    @callback
    def async_set_push(self, push: bool) -> None:
        """Note whether events reach Home Assistant; without them, chats are polled."""
        if push:
            self._missed_changes = 0
            self._silent = False
            for issue in (
                Issue.STREAM_SILENT,
                Issue.WEBHOOK_NOT_REGISTERED,
                Issue.WEBHOOK_SILENT,
            ):
                async_clear_issue(self.hass, issue, self.config_entry.entry_id)
        if push is self._push:
            return
        self._push = push
        self._missed_changes = 0
        self._push_changed_at = self.hass.loop.time()
        for chat in self.chats.values():
            chat.follow_pace()

    @callback
    def note_missed_change(self) -> None:
        """A poll saw a change that no event had told of."""
        has_stream = self.gateway.capabilities.transport is Transport.WEBSOCKET
        webhook = self.config_entry.runtime_data.webhook
        if not self._push and not has_stream and not webhook.by_hand:
            # Why there are no events is told already.
            return
        self._missed_changes += 1
        if self._missed_changes < MISSED_CHANGES:
            return
        if not self._push and (
            self.hass.loop.time() - self._push_changed_at
            < RENEW_INTERVAL.total_seconds()
        ):
            # A stream may have been lost just now.
            return
        self.async_set_push(False)
        self._silent = True
        async_raise_issue(
            self.hass,
            Issue.STREAM_SILENT if has_stream else Issue.WEBHOOK_SILENT,
            self.config_entry.entry_id,
            instance=self.config_entry.title,
            webhook_url=webhook.url or "",
        )

    @callback
    def stream_connected(self) -> None:
        """The event stream is there: the gateway may have forgotten what was before."""
        if not self._silent:
            self.async_set_push(True)
        if self._stream_was_lost:
            self._stream_was_lost = False
            self.async_resubscribe()

    @callback
    def stream_lost(self) -> None:
        """The event stream is gone: look whether the gateway is as well."""
        self._stream_was_lost = True
        self.async_set_push(False)
        self._look_again()

    @callback
    def report(self, err: GatewayError) -> None:
        """A chat's request failed for a reason that is the instance's: look at once."""
        _LOGGER.debug("A request for a chat failed: %s", type(err).__name__)
        self._look_again()

    @callback
    def _look_again(self) -> None:
        self._in_background(self.async_request_refresh(), "look at the instance")

    @callback
    def _route(self, update: PresenceUpdate) -> None:
        chat = self._routes.get(update.chat_id)
        if chat is None:
            main = self.aliases.main.get(update.chat_id)
            chat = self._routes.get(main) if main else None
        if chat is None:
            self._look_up(update)
            return
        chat.handle_push(update)
        if not self.ready:
            # Somebody's presence is news from an instance that is ready after all.
            self._look_again()

    @callback
    def _look_up(self, update: PresenceUpdate) -> None:
        """Find out, once, whose id it is that an event came under."""
        unknown = update.chat_id
        if (pending := self._lookups.get(unknown)) is not None:
            pending.append(update)
        elif not cid.is_group(unknown) and not self.aliases.is_stranger(unknown):
            self._start_look_up([unknown], update)

    @callback
    def look_up_members(self, update: PresenceUpdate) -> None:
        """Find out, once each, who the members are that an event names by a lid."""
        if unknown := [
            member
            for member in update.member_ids
            if cid.is_lid(member)
            and member not in self.aliases.main
            and member not in self._lookups
            and not self.aliases.is_stranger(member)
        ]:
            self._start_look_up(unknown)

    @callback
    def _start_look_up(self, unknown: list[str], *updates: PresenceUpdate) -> None:
        for one in unknown:
            # The latest is what counts, but the one before it may be typing.
            self._lookups[one] = deque(updates, maxlen=PENDING_UPDATES)
        self._in_background(self._async_look_up(unknown), "look up ids")

    async def _async_look_up(self, unknown: list[str]) -> None:
        known = False
        try:
            await self._async_learn_aliases(unknown)
            known = True
        except GatewayError as err:
            _LOGGER.debug("Looking up ids failed: %s", type(err).__name__)
        finally:
            pending = {one: self._lookups.pop(one) for one in unknown}
        for one, updates in pending.items():
            chat = self._routes.get(self.aliases.main.get(one, one))
            if chat is not None:
                for update in updates:
                    chat.handle_push(update)
            elif known and (updates or one not in self.aliases.main):
                self.aliases.add_stranger(one)

    async def _async_learn_aliases(self, chat_ids: list[str]) -> None:
        self.async_learn_pairs(await self.gateway.aliases(chat_ids))

    @callback
    def async_learn_pairs(self, pairs: dict[str, str]) -> None:
        """Learn that ids belong together, each pair in either order."""
        learnt = self.aliases.learn_pairs(pairs, self._routes)
        for group in self.chats.values():
            if group.is_group:
                group.learn_aliases(learnt)

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
            self._look_again()
            return
        reconnected = event.status is InstanceStatus.READY and self._was_ready
        self.async_set_updated_data(replace(self.data, status=event.status))
        self._follow_readiness()
        if reconnected:
            self.async_resubscribe()
        elif event.status is not InstanceStatus.READY:
            # It may have come late: ask how the instance stands now.
            self._look_again()

    @callback
    def _follow_readiness(self) -> None:
        if self.ready is self._was_ready:
            return
        self._was_ready = self.ready
        if self.ready:
            self._not_ready_polls = 0
            async_clear_issue(
                self.hass, Issue.INSTANCE_NOT_READY, self.config_entry.entry_id
            )
            if self._told_not_ready:
                self._told_not_ready = False
                _LOGGER.info("The %s is ready again", self.name)
            self.async_resubscribe()
            for chat in self.chats.values():
                chat.async_update_listeners()
        else:
            if self.last_update_success:
                # An outage is told by the base class, in a line of its own.
                self._told_not_ready = True
                _LOGGER.warning("The %s is not ready: %s", self.name, self.data.status)
            self._waiting.clear()
            for chat in self.chats.values():
                chat.instance_lost()

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

    @callback
    def _in_background(
        self, target: Coroutine[Any, Any, None], name: str
    ) -> asyncio.Task[None]:
        return self.config_entry.async_create_background_task(
            self.hass, target, f"{DOMAIN} {name}"
        )


class ChatCoordinator(DataUpdateCoordinator[ChatPresence]):
    """Keeps a chat subscribed, and knows its presence.

    Its update renews the subscription, and never fails: whether the gateway can
    be reached at all is the InstanceCoordinator's to find out and to log, once.
    """

    config_entry: WhatsAppPresenceConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: WhatsAppPresenceConfigEntry,
        instance: InstanceCoordinator,
        subentry: ConfigSubentry,
    ) -> None:
        """Create the coordinator of one chat."""
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name="chat presence",
            update_interval=RENEW_INTERVAL,
            always_update=False,
        )
        self.instance = instance
        self.subentry = subentry
        self.chat_id: str = subentry.data[CONF_CHAT]
        self.is_group = cid.is_group(self.chat_id)
        self.tracker = PresenceTracker(
            is_group=self.is_group,
            settle_time=subentry.data.get(CONF_SETTLE_TIME, DEFAULT_SETTLE_TIME),
            aliases=instance.aliases.main,
        )
        self.data = self.tracker.presence
        self.picture: str | None = None
        self.picture_asked = False
        self._in_doubt = True
        self._renewed_at: float | None = None
        self._scheduled_at = 0.0
        self.pushes = 0
        self._pushed_at = -math.inf
        self._failures = 0
        self._retrying = False
        self._timer: CALLBACK_TYPE | None = None
        self._timer_at = 0.0
        self._tick_job = HassJob(self._tick, "presence deadline")

    @property
    def available(self) -> bool:
        """Whether what is known of the chat holds."""
        return self.instance.ready

    @callback
    def handle_push(self, update: PresenceUpdate) -> None:
        """Take what an event said of the chat."""
        self.pushes += 1
        self._pushed_at = self.hass.loop.time()
        now = time.time()
        changed = self.tracker.apply(update, now)
        self._arm(now)
        if self.is_group:
            self.instance.look_up_members(update)
        if self._pushed_at - self._scheduled_at > _POSTPONE_STEP:
            self.reschedule()
        if changed:
            self._publish()

    @callback
    def subscription_lost(self) -> None:
        """Note that the gateway may have forgotten the chat."""
        self._in_doubt = True
        self._renewed_at = None

    @callback
    def instance_lost(self) -> None:
        """Forget what was known: it may have changed unseen."""
        self.subscription_lost()
        async_clear_issue(self.hass, Issue.CHAT_REFUSED, self.subentry.subentry_id)
        self.tracker.forget()
        self._cancel_timer()
        self.data = self.tracker.presence
        self.async_update_listeners()

    @callback
    def update_subentry(self, subentry: ConfigSubentry) -> bool:
        """Take over what the user changed; returns whether the name did."""
        self.subentry = subentry
        self.tracker.settle_time = subentry.data.get(
            CONF_SETTLE_TIME, DEFAULT_SETTLE_TIME
        )
        before = self.instance.names.get(self.chat_id)
        self.instance.names[self.chat_id] = subentry.title
        return before != subentry.title

    @callback
    def show_picture(self, url: str | None) -> None:
        """Take over the address of the chat's picture."""
        if url != self.picture:
            self.picture = url
            self.async_update_listeners()

    @callback
    def learn_aliases(self, pairs: list[tuple[str, str]]) -> None:
        """Fold members together that turned out to be one."""
        changed = [self.tracker.learn_alias(alias, main) for alias, main in pairs]
        if any(changed):
            self._publish()

    @callback
    def restore_last_seen(self, last_seen: float) -> None:
        """Take over what was known before the restart."""
        if self.tracker.restore(last_seen):
            self.data = self.tracker.presence

    @callback
    def follow_pace(self) -> None:
        """Ask at the instance's new pace; what failed is tried again when it was to be."""
        if not self._retrying:
            self.update_interval = self.instance.ask_interval
            self.reschedule()

    @callback
    def reschedule(self) -> None:
        """Count the time until the next renewal from now."""
        if self._listeners:
            self._schedule_refresh()

    @callback
    @override
    def _schedule_refresh(self) -> None:
        self._scheduled_at = self.hass.loop.time()
        super()._schedule_refresh()

    @override
    async def async_shutdown(self) -> None:
        """Stop, with all timers."""
        await super().async_shutdown()
        self._cancel_timer()

    async def async_ask_now(self) -> None:
        """Ask the gateway for the presence now. Raises GatewayError."""
        if not self.instance.ready:
            raise NotReadyError("The instance is not ready.")
        try:
            await self._async_ask(renew=True)
        except GatewayError as err:
            self._failed(err)
            raise
        self._publish()

    @override
    async def _async_update_data(self) -> ChatPresence:
        if self.instance.ready:
            renewed_at, interval = self._renewed_at, self.instance.renew_interval
            renew = (
                self.instance.push
                or renewed_at is None
                or self.hass.loop.time() - renewed_at >= interval.total_seconds()
            )
            try:
                await self._async_ask(renew=renew)
            except GatewayError as err:
                self.update_interval = self._failed(err)
            else:
                self.update_interval = self.instance.ask_interval
        # Should the clock have been set, no answer need tell of it.
        self.tracker.tick(time.time())
        self._arm(time.time())
        if self.tracker.presence != self.data:
            # Not left to the base class, which compares with what was known before the
            # request: if that was forgotten meanwhile, the same again is news.
            self._publish()
        return self.tracker.presence

    async def _async_ask(self, *, renew: bool) -> None:
        """Renew the subscription, or only look at the presence."""
        gateway, tracker = self.instance.gateway, self.tracker
        asked_at, pushes, before = time.time(), self.pushes, tracker.presence
        answer = await (gateway.subscribe if renew else gateway.snapshot)(self.chat_id)
        self._failures = 0
        self._retrying = False
        if not self.instance.ready:
            # It was lost while the answer was on its way.
            return
        if renew:
            self._renewed_at = self.hass.loop.time()
            tracker.subscribed(True)
            async_clear_issue(self.hass, Issue.CHAT_REFUSED, self.subentry.subentry_id)
        if answer is not None:
            if answer.chat_id != self.chat_id:
                self.instance.async_learn_pairs({answer.chat_id: self.chat_id})
            if answer.asked_at is not None:
                # What was heard while the request waited for its turn is older.
                asked_at = answer.asked_at
            tracker.apply(answer, time.time(), asked_at=asked_at)
        elif self._in_doubt and self.pushes == pushes:
            # Nobody can say whether what was known before the loss still holds.
            tracker.forget()
            tracker.subscribed(True)
        self._arm(time.time())
        if not self._in_doubt and self.pushes == pushes:
            if changes(before, tracker.presence):
                self.instance.note_missed_change()
        self._in_doubt = False

    @callback
    def _failed(self, err: GatewayError) -> timedelta:
        """Deal with a request that failed; returns when to try again."""
        self._retrying = True
        if isinstance(err, (NotAllowedError, NotFoundError)):
            # It may also be the instance that is gone.
            self.instance.report(err)
            self.tracker.subscribed(False)
            if (
                self.hass.loop.time() - self._pushed_at
                >= RENEW_INTERVAL.total_seconds()
            ):
                # Nobody will say when what was known before has ended.
                self.tracker.forget()
            self._publish()
            async_raise_issue(
                self.hass,
                Issue.CHAT_REFUSED,
                self.subentry.subentry_id,
                chat=self.subentry.title,
            )
            return REFUSED_INTERVAL
        wait: timedelta = max(
            POLL_INTERVAL * 2**self._failures, self.instance.renewal_turn
        )
        self._failures = min(self._failures + 1, MAX_BACKOFF_STEPS)
        if isinstance(err, RateLimitedError):
            return max(wait, timedelta(seconds=err.retry_after or 0))
        self.instance.report(err)
        return wait

    @callback
    def _publish(self) -> None:
        self.data = self.tracker.presence
        self.async_update_listeners()

    @callback
    def _arm(self, now: float) -> None:
        """Make sure of a timer at the tracker's deadline, or earlier.

        A timer that turns out to be early is set anew when it fires: cheaper than
        doing so at each of a typing's many events.
        """
        deadline = self.tracker.deadline
        if deadline is None:
            return
        if self._timer is not None:
            if self._timer_at <= deadline:
                return
            self._timer()
        self._timer_at = deadline
        self._timer = async_call_later(
            self.hass, max(deadline - now, 0), self._tick_job
        )

    @callback
    def _tick(self, now: datetime) -> None:
        self._timer = None
        moment = now.timestamp()
        if moment > self._timer_at - CLOCK_JUMP:
            # Not a moment early, unless the clock was set back.
            moment = max(moment, self._timer_at)
        if self.tracker.tick(moment):
            self._publish()
        self._arm(moment)

    @callback
    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer()
            self._timer = None
