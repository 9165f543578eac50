"""How an account stands: ready, away for a moment, or lost; and its credentials."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
import logging
import math
from typing import override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from ..const import DOMAIN, GRACE_TIME, STATUS_INTERVAL
from ..exceptions import error_key
from ..gateways.base import (
    AuthenticationError,
    Gateway,
    GatewayError,
    InstanceInfo,
    InstanceStatus,
    InvalidResponseError,
    NotReadyError,
    RateLimitedError,
    UnreachableError,
)
from ..repairs import Issue, async_clear_issue, async_raise_issue
from .credentials import Credentials
from .statuses import StatusEvents

_LOGGER = logging.getLogger(__name__)

NOT_READY_POLLS = 2
# How the instance is asked again that is away in a passing way: soon at first.
GRACE_POLLS = tuple(timedelta(seconds=seconds) for seconds in (2, 3, 5, 10, 15, 30))
# Away for a moment is no news, if it is one of these.
PASSING_ERRORS = (UnreachableError, NotReadyError, InvalidResponseError)
# An instance that comes and goes has a line in the log so often.
LOG_SPAN = 60.0


class InstanceCoordinator(DataUpdateCoordinator[InstanceInfo]):
    """Knows how the instance stands: ready, away for a moment, or lost.

    An instance that is away in a passing way is no news for its chats during the grace
    time; its own entities tell at once.
    """

    config_entry: ConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        gateway: Gateway,
        on_ready: Callable[[], None],
        on_away: Callable[[], None],
        on_available: Callable[[], None],
    ) -> None:
        """Create the coordinator.

        `on_ready` is told when the account is ready, or may have been away unnoticed;
        `on_away` when it is not; `on_available` when what is known of the chats holds
        no longer, and when it does again.
        """
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=f"{gateway.name} instance",
            update_interval=STATUS_INTERVAL,
            always_update=False,
        )
        self.gateway = gateway
        self.credentials = Credentials(hass, entry)
        self._on_ready = on_ready
        self._on_away = on_away
        self._on_available = on_available
        # Whether what is known of the chats holds.
        self.available = False
        # Why the instance could not be asked, if that passes; told by its own entities.
        self.trouble: GatewayError | None = None
        # Whether it was ready when that was looked at last: told at no cost.
        self.was_ready = False
        # Whether it was in trouble and ready when those who show that were told last.
        self._standing = (False, False)
        self._cancel_grace: CALLBACK_TYPE | None = None
        # Whether the grace time is over, and only one more look could end it well.
        self._grace_over = False
        self._grace_polls = 0
        self._not_ready_polls = 0
        # Whether the log is to hear that it is not ready, and has heard it.
        self._tells_not_ready = self._told_not_ready = False
        self._tell_from = -math.inf
        self._look: asyncio.Task[None] | None = None
        self.statuses = StatusEvents(
            hass, entry, lambda: self.data.status, self._hear_status
        )
        entry.async_on_unload(self._end_grace)

    @property
    def ready(self) -> bool:
        """Whether chats can be subscribed."""
        return (
            self.last_update_success
            and self.trouble is None
            and self.data.status is InstanceStatus.READY
        )

    @override
    async def _async_update_data(self) -> InstanceInfo:
        first = self.data is None
        # What is told now is newer than what waits.
        self.statuses.forget()
        try:
            info = await self.gateway.status()
        except RateLimitedError as err:
            if first or not self.last_update_success or self._grace_over:
                raise self._failed(err) from err
            return self.data
        except PASSING_ERRORS as err:
            if not self.available or self._grace_over:
                raise self._failed(err) from err
            self.trouble = err
            return self.data
        except AuthenticationError as err:
            if first:
                raise ConfigEntryAuthFailed(
                    translation_domain=DOMAIN, translation_key=error_key(err)
                ) from err
            # Not ConfigEntryAuthFailed: it would end the polling, and with it the
            # recovery when the gateway takes the same credentials again.
            self.credentials.async_refuse()
            self.update_interval = self.credentials.interval
            raise self._failed(err) from err
        except GatewayError as err:
            raise self._failed(err) from err
        self.trouble = None
        if self.credentials.refused:
            self.update_interval = STATUS_INTERVAL
        self.credentials.async_accept()
        self._count_not_ready(info.status)
        _tell_engine(self.hass, self.config_entry, info)
        return info

    def _failed(self, err: GatewayError) -> UpdateFailed:
        self.trouble = None
        return UpdateFailed(translation_domain=DOMAIN, translation_key=error_key(err))

    @callback
    @override
    def _async_refresh_finished(self) -> None:
        self._follow_readiness()

    @callback
    def async_look_again(self) -> None:
        """Ask soon how the instance stands, unless it refuses the key."""
        if self.credentials.refused or (
            self._look is not None and not self._look.done()
        ):
            return
        self._look = self.config_entry.async_create_background_task(
            self.hass, self.async_request_refresh(), f"{DOMAIN} look at the instance"
        )

    @callback
    def _hear_status(self, status: InstanceStatus) -> None:
        if not self.last_update_success or self.trouble is not None:
            # Only an answer can end an outage, in the log as well.
            if status is InstanceStatus.READY and self._cancel_grace is not None:
                # But what fails from now on is another one.
                self._end_grace()
                self._bear_with_it()
            self.async_look_again()
            return
        reconnected = status is InstanceStatus.READY and self.was_ready
        self.async_set_updated_data(replace(self.data, status=status))
        self._follow_readiness()
        if reconnected:
            self._on_away()
            self._on_ready()
        elif status is not InstanceStatus.READY:
            # It may have come late: ask how the instance stands now.
            self.async_look_again()

    @callback
    def _follow_readiness(self) -> None:
        """Let the chats follow how the instance stands."""
        was_ready, self.was_ready = self.was_ready, self.ready
        if self.was_ready:
            self._end_grace()
            if not was_ready:
                self._begin_again()
        else:
            if was_ready:
                self._on_away()
            if self.available:
                self._bear_with_it()
            else:
                self._tell_not_ready()
        # The base class tells of new data alone.
        standing = (self.trouble is not None, self.was_ready)
        before, self._standing = self._standing, standing
        if standing != before:
            self.async_update_listeners()

    @callback
    def _begin_again(self) -> None:
        self._not_ready_polls = 0
        async_clear_issue(
            self.hass, Issue.INSTANCE_NOT_READY, self.config_entry.entry_id
        )
        self._tells_not_ready = False
        if self._told_not_ready:
            self._told_not_ready = False
            _LOGGER.info("The %s is ready again", self.name)
        self._on_ready()
        if not self.available:
            self.available = True
            self._on_available()

    @callback
    def _bear_with_it(self) -> None:
        """Wait for the instance to come back, if it is away in a passing way."""
        is_passing = self.trouble is not None or self.data.status.passing
        if self._grace_over or not self.last_update_success or not is_passing:
            self._lose()
            return
        if self._cancel_grace is None:
            self._grace_polls = 0
            self._cancel_grace = async_call_later(
                self.hass,
                GRACE_TIME,
                HassJob(self._grace_is_over, cancel_on_shutdown=True),
            )
        self.update_interval = GRACE_POLLS[min(self._grace_polls, len(GRACE_POLLS) - 1)]
        self._grace_polls += 1
        self._schedule_refresh()

    @callback
    def _grace_is_over(self, _now: datetime) -> None:
        self._cancel_grace = None
        self._grace_over = True
        # One more look, whose failure is told in the log, by the base class.
        self.config_entry.async_create_background_task(
            self.hass, self.async_refresh(), f"{DOMAIN} end of the grace time"
        )

    @callback
    def _lose(self) -> None:
        """What is known of the chats may have changed unseen."""
        self._end_grace()
        self.available = False
        # An outage is told by the base class, in a line of its own.
        self._tells_not_ready = self.last_update_success
        self._tell_not_ready()
        self._on_available()

    @callback
    def _tell_not_ready(self) -> None:
        """Tell the log, once; of an account that comes and goes, now and then."""
        now = self.hass.loop.time()
        is_news = self._tells_not_ready and self.last_update_success
        if not is_news or now < self._tell_from:
            return
        self._tells_not_ready, self._told_not_ready = False, True
        self._tell_from = now + LOG_SPAN
        _LOGGER.warning("The %s is not ready: %s", self.name, self.data.status)

    @callback
    def _end_grace(self) -> None:
        self._grace_over = False
        self.update_interval = STATUS_INTERVAL
        if self._cancel_grace is not None:
            self._cancel_grace()
            self._cancel_grace = None

    @callback
    def _count_not_ready(self, status: InstanceStatus) -> None:
        if status is InstanceStatus.READY or (self.available and status.passing):
            return
        self._not_ready_polls += 1
        needs_login = status is InstanceStatus.LOGIN_REQUIRED
        if needs_login or self._not_ready_polls >= NOT_READY_POLLS:
            async_raise_issue(
                self.hass,
                Issue.INSTANCE_NOT_READY,
                self.config_entry.entry_id,
                instance=self.config_entry.title,
            )


@callback
def _tell_engine(hass: HomeAssistant, entry: ConfigEntry, info: InstanceInfo) -> None:
    """Tell of an engine that can tell no presence, until it can."""
    if info.cannot_tell is None or not info.cannot_tell.is_silent:
        async_clear_issue(hass, Issue.ENGINE_CANNOT_TELL, entry.entry_id)
        return
    async_raise_issue(
        hass,
        Issue.ENGINE_CANNOT_TELL,
        entry.entry_id,
        instance=entry.title,
        engine=info.engine or "",
        version=info.version or "?",
        remedy=info.remedy or "",
    )
