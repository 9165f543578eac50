"""Which addresses of its webhook an entry has put at the gateway."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import CONF_CLOUDHOOK_URL, CONF_OLD_WEBHOOK_URLS, CONF_WEBHOOK_URL, DOMAIN

MAX_OLD: Final = 10


@dataclass(slots=True)
class Run:
    """What this run of Home Assistant knows of an entry, be it loaded or not.

    `own` are the addresses that were this home's since it was started. `tasks` are the
    passes that are under way at the gateway, one at a time behind the `lock`.
    """

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    own: set[str] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


_RUNS: HassKey[dict[str, Run]] = HassKey(f"{DOMAIN}_webhooks")


class WrittenAddresses:
    """Remembers what was written, before it is, and what of that is this home's.

    A copy of an entry, restored from a backup, has in it what the original wrote. So
    what is found there at the start counts as this home's only if that is its address.
    An address that was its own in this run, and is no longer, is an old one: it is
    kept until it has been deleted at the gateway.
    """

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Begin with what the entry has kept."""
        self._hass = hass
        self._entry = entry
        runs = hass.data.setdefault(_RUNS, {})
        self.run = runs.setdefault(entry.entry_id, Run())

    @property
    def old(self) -> list[str]:
        """The addresses that are to be deleted at the gateway."""
        return old_addresses(self._entry.data)

    @property
    def last(self) -> str | None:
        """The address that was written last."""
        written = self._entry.data.get(CONF_WEBHOOK_URL)
        return written if isinstance(written, str) else None

    def of_this_home(self, own: str | None) -> list[str]:
        """Return what this home wrote and has not deleted; `own` is its address now."""
        written = self.last
        if written is not None and (written in self.run.own or written == own):
            return [*self.old, written]
        return self.old

    @callback
    def follow(self, url: str | None) -> str | None:
        """Note this home's address, or that it has none.

        Returns what was written under another one of which nobody knows whether it was
        this home's.
        """
        written = self.last
        unknown = None
        self.note_own(url)
        if written is not None and written != url:
            if written in self.run.own:
                self._keep(None, [*self.old, written])
            elif url is not None:
                # Without an address, it may be this home's that has yet to come back.
                unknown = written
                self._keep(None, self.old)
        return unknown

    @callback
    def note_own(self, url: str | None) -> None:
        """Note that an address is this home's, if it has one."""
        if url is not None:
            self.run.own.add(url)

    @callback
    def remember(self, url: str) -> None:
        """Keep what is about to be written, or is there already."""
        self._keep(url, [old for old in self.old if old != url])

    @callback
    def forget_old(self, deleted: list[str]) -> None:
        """The gateway has these no longer."""
        self._keep(self.last, [url for url in self.old if url not in deleted])

    @callback
    def withdraw(self) -> list[str]:
        """Return what is to be deleted, for this home is to have nothing there."""
        if self.last in self.run.own:
            self._keep(None, self.of_this_home(None))
        return self.old

    @callback
    def renew(self, own: str | None, **data: Any) -> None:
        """Change the entry's data so that nothing written before is its address."""
        old = self.of_this_home(own)
        kept = {
            key: value
            for key, value in self._entry.data.items()
            if key not in (CONF_WEBHOOK_URL, CONF_CLOUDHOOK_URL)
        }
        if old:
            kept[CONF_OLD_WEBHOOK_URLS] = old[-MAX_OLD:]
        self._hass.config_entries.async_update_entry(self._entry, data={**kept, **data})

    @callback
    def end(self) -> None:
        """The entry is gone."""
        self._hass.data[_RUNS].pop(self._entry.entry_id, None)

    @callback
    def _keep(self, written: str | None, old: list[str]) -> None:
        old = list(dict.fromkeys(old))[-MAX_OLD:]
        data = {**self._entry.data}
        for key, value in ((CONF_WEBHOOK_URL, written), (CONF_OLD_WEBHOOK_URLS, old)):
            data.pop(key, None)
            if value:
                data[key] = value
        if data != self._entry.data:
            self._hass.config_entries.async_update_entry(self._entry, data=data)


def old_addresses(data: Mapping[str, Any]) -> list[str]:
    """Return an entry's addresses that are to be deleted at the gateway."""
    old = data.get(CONF_OLD_WEBHOOK_URLS)
    if not isinstance(old, list):
        return []
    return [url for url in old if isinstance(url, str) and url]
