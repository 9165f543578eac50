"""Whether anything at all is told of an account's chats, and what follows if not."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later, async_track_time_interval

from ..const import DOMAIN
from ..presence.model import PresenceAccess
from ..repairs import (
    Issue,
    async_clear_issue,
    async_is_told,
    async_raise_issue,
    learn_more_url,
)
from .chat import Chat

LOOK_INTERVAL: Final = timedelta(minutes=1)
PATIENCE: Final = timedelta(minutes=30)
# What is told besides explains why nothing arrives, but for these.
EXPLAINS_NOTHING: Final = (Issue.NOTHING_ARRIVES, Issue.CHAT_UNREADABLE)


class Silence:
    """Tells the user if a ready account is told nothing of any of its chats.

    Nothing is kept of it: after a restart, the wait begins anew.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        chats: Callable[[], Collection[Chat]],
        is_ready: Callable[[], bool],
    ) -> None:
        """Begin without waiting; `is_ready` tells whether anything is to be expected."""
        self._hass = hass
        self._entry = entry
        self._chats = chats
        self._is_ready = is_ready
        self._cancel_wait: CALLBACK_TYPE | None = None
        self._is_long = False
        # Whether an event would be news: asked at each, so it costs no call.
        self.is_waiting = False

    @callback
    def async_setup(self) -> None:
        """Look now and then, for as long as the entry is loaded."""
        self._entry.async_on_unload(self._end)
        self._entry.async_on_unload(
            async_track_time_interval(
                self._hass,
                self._look_now_and_then,
                LOOK_INTERVAL,
                name=f"{DOMAIN} silence",
                cancel_on_shutdown=True,
            )
        )

    @callback
    def async_look(self) -> None:
        """Begin to wait, tell the user, or take that back."""
        if not self._is_silent():
            self._end()
        elif self._is_long:
            self._tell()
        elif self._cancel_wait is None:
            self.is_waiting = True
            self._cancel_wait = async_call_later(
                self._hass,
                PATIENCE,
                HassJob(self._patience_is_over, cancel_on_shutdown=True),
            )

    def _is_silent(self) -> bool:
        """Whether nothing was ever told of any chat, though it could be."""
        chats = self._chats()
        return (
            bool(chats)
            and self._is_ready()
            and all(
                chat.presence.access is PresenceAccess.WAITING and not chat.pushes
                for chat in chats
            )
        )

    @callback
    def _look_now_and_then(self, _now: datetime) -> None:
        self.async_look()

    @callback
    def _patience_is_over(self, _now: datetime) -> None:
        self._cancel_wait = None
        self._is_long = True
        self.async_look()

    @callback
    def _tell(self) -> None:
        """Tell it, unless something else that is told already explains it."""
        entry = self._entry
        owners = {entry.entry_id, *entry.subentries}
        if async_is_told(self._hass, owners, besides=EXPLAINS_NOTHING):
            async_clear_issue(self._hass, Issue.NOTHING_ARRIVES, entry.entry_id)
            return
        async_raise_issue(
            self._hass,
            Issue.NOTHING_ARRIVES,
            entry.entry_id,
            instance=entry.title,
            learn_more=learn_more_url(Issue.NOTHING_ARRIVES),
        )

    @callback
    def async_start_over(self) -> None:
        """Something was changed that may help: wait anew."""
        self._end()
        self.async_look()

    @callback
    def _end(self) -> None:
        self.is_waiting = False
        if self._cancel_wait is not None:
            self._cancel_wait()
            self._cancel_wait = None
        if self._is_long:
            self._is_long = False
            async_clear_issue(self._hass, Issue.NOTHING_ARRIVES, self._entry.entry_id)
