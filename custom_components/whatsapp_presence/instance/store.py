"""What is kept of an account across restarts, and power cuts."""

from collections.abc import Mapping, Set as AbstractSet
from contextlib import suppress
from functools import partial
from itertools import chain
import logging
import os
from pathlib import Path
import shutil
from typing import Any, Final, NotRequired, TypedDict, override

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from homeassistant.util.file import WriteError

from ..const import DOMAIN

_LOGGER = logging.getLogger(__name__)

STORAGE_VERSION: Final = 2
SAVE_DELAY: Final = 30
RETRY_DELAY: Final = 600
MAX_ALIASES: Final = 20000
MAX_LAST_SEEN: Final = 5000
# The longest day has 25 hours.
MAX_DAY: Final = 25 * 3600
ASIDE: Final = ".unreadable."
# What Home Assistant itself sets aside.
CORRUPT: Final = ".corrupt."


class StoredInstance(TypedDict):
    """What is kept in storage."""

    aliases: dict[str, str]
    last_seen: dict[str, float]
    announced: bool
    # From chats' ids to a day's midnight and its seconds; of those who are counted.
    online_today: NotRequired[dict[str, tuple[float, float]]]


class _Store(Store[StoredInstance]):
    # Whether what was read was of the time when chats were kept elsewhere.
    is_older = False
    # Whether the last write failed, as on a disk without room.
    has_failed = False
    # Whether that is tried again: not of an account that may be set up anew, or gone.
    tries_again = True

    @override
    async def _async_migrate_func(
        self, old_major_version: int, old_minor_version: int, old_data: Any
    ) -> StoredInstance:
        """Take over version 1, which held the aliases alone.

        What a later version adds to the same form is left alone.
        """
        if old_major_version == STORAGE_VERSION:
            stored: StoredInstance = old_data
            return stored
        self.is_older = True
        return {"aliases": old_data["aliases"], "last_seen": {}, "announced": False}

    @override
    async def _async_write_data(self, data: dict[str, Any]) -> None:
        """Write, and again later if that failed: Home Assistant would let it be."""
        to_store = data.get("data_func") or partial(data.get, "data")
        self.has_failed = True
        try:
            await super()._async_write_data(data)
        except WriteError:
            if self.tries_again and not self.hass.is_stopping:
                self.async_delay_save(to_store, RETRY_DELAY)
            raise
        self.has_failed = False


class InstanceStore:
    """Remembers other ids, what is known of chats from before, a pending announcement.

    What was changed is written within half a minute. What can't be read is set aside.
    """

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Begin with nothing known."""
        self._hass = hass
        self._store = _Store(
            hass, STORAGE_VERSION, f"{DOMAIN}.{entry_id}", private=True
        )
        self._is_pending = False
        # Whether nothing of chats was kept here yet, or can be read.
        self.is_new = True
        # From other ids to main ids.
        self.aliases: dict[str, str] = {}
        # From chats' ids to unix seconds.
        self.last_seen: dict[str, float] = {}
        # From chats' ids to unix seconds, of a midnight, and the seconds since then.
        self.online_today: dict[str, tuple[float, float]] = {}
        # Whether the gateway may still announce the account as online because of us.
        self.announced = False

    async def async_load(self) -> None:
        """Read what an earlier run has kept."""
        try:
            stored = await self._store.async_load()
            if stored is not None:
                self._read(stored)
                self.is_new = self._store.is_older
        except Exception as err:  # noqa: BLE001
            # Whatever lies there, or is a newer version's, the account works without.
            await self._async_set_aside(type(err).__name__)

    @callback
    def async_changed(self) -> None:
        """Write soon; a write that is due already is not put off."""
        if not self._is_pending:
            self._is_pending = True
            self._store.async_delay_save(self._to_store, SAVE_DELAY)

    @callback
    def keep_online_today(self, chat_id: str, midnight: float, seconds: float) -> None:
        """Keep for how long somebody has been online since a midnight."""
        if self.online_today.get(chat_id) != (midnight, seconds):
            self.online_today[chat_id] = midnight, seconds
            self.async_changed()

    @callback
    def forget(self, chat_id: str) -> None:
        """Keep nothing of a chat that is removed."""
        for kept in (self.last_seen, self.online_today):
            if kept.pop(chat_id, None) is not None:
                self.async_changed()

    @callback
    def forget_others(self, chat_ids: AbstractSet[str]) -> None:
        """Keep nothing of chats that were removed while the account did not run."""
        for gone in (self.last_seen.keys() | self.online_today.keys()) - chat_ids:
            self.forget(gone)

    async def async_flush(self) -> None:
        """Write now what is not written yet, for the account is about to be unloaded."""
        self._store.tries_again = False
        if self._is_pending or self._store.has_failed:
            await self._store.async_save(self._to_store())

    async def async_remove(self) -> None:
        """Keep nothing, nor what was set aside."""
        with suppress(OSError):
            await self._store.async_remove()
        await self._hass.async_add_executor_job(_remove_all, Path(self._store.path))

    def _read(self, stored: Mapping[str, Any]) -> None:
        """Take over what makes sense. Raises TypeError if the form does not."""
        aliases, last_seen = stored["aliases"], stored["last_seen"]
        announced = stored["announced"] is True
        if not isinstance(aliases, dict) or not isinstance(last_seen, dict):
            raise TypeError("not the form of this store")
        self.aliases.update(
            [
                (alias, main)
                for alias, main in aliases.items()
                if isinstance(alias, str) and isinstance(main, str)
            ][-MAX_ALIASES:]
        )
        self.last_seen.update(
            [
                (chat_id, float(moment))
                for chat_id, moment in last_seen.items()
                if _is_number(moment)
            ][-MAX_LAST_SEEN:]
        )
        # Written since it is counted here, and only if it is.
        online_today = stored.get("online_today")
        if isinstance(online_today, dict):
            self.online_today.update(
                [
                    (chat_id, (float(day[0]), float(day[1])))
                    for chat_id, day in online_today.items()
                    if isinstance(day, list)
                    and len(day) == 2
                    and all(_is_number(part) for part in day)
                    and 0 <= day[1] <= MAX_DAY
                ][-MAX_LAST_SEEN:]
            )
        self.announced = announced

    async def _async_set_aside(self, reason: str) -> None:
        path = self._store.path
        aside = f"{path}{ASIDE}{dt_util.utcnow():%Y%m%dT%H%M%S}"
        try:
            await self._hass.async_add_executor_job(os.rename, path, aside)
        except OSError as err:
            _LOGGER.warning(
                "What was kept of an account can't be read (%s), nor be set aside (%s)",
                reason,
                type(err).__name__,
            )
        else:
            _LOGGER.warning(
                "What was kept of an account can't be read (%s); it begins anew, and "
                "what was there is set aside beside it, with the ending .unreadable",
                reason,
            )

    @callback
    def _to_store(self) -> StoredInstance:
        self._is_pending = False
        stored: StoredInstance = {
            "aliases": self.aliases,
            "last_seen": self.last_seen,
            "announced": self.announced,
        }
        if self.online_today:
            stored["online_today"] = self.online_today
        return stored


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _remove_all(path: Path) -> None:
    """Remove what lies in the store's place and beside it, be it a file or a folder."""
    aside = (path.parent.glob(f"{path.name}{end}*") for end in (ASIDE, CORRUPT))
    for left in (path, *chain.from_iterable(aside)):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            with suppress(OSError):
                left.unlink()
