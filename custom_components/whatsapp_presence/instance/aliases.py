"""The other ids of chats and members, remembered across restarts."""

from collections.abc import Iterable, Mapping
from typing import TypedDict

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store

from ..const import DOMAIN
from ..presence import chat_id as cid

STORAGE_VERSION = 1
SAVE_DELAY = 30
MAX_ALIASES = 20000


class StoredAliases(TypedDict):
    """What is kept in storage."""

    aliases: dict[str, str]


def alias_store(hass: HomeAssistant, entry_id: str) -> Store[StoredAliases]:
    """Return the storage of an entry's aliases."""
    return Store(hass, STORAGE_VERSION, f"{DOMAIN}.{entry_id}", private=True)


class AliasBook:
    """Which id is another name for which.

    The main id of a person is the one made of the phone number, unless the user
    chose the chat by its other id. `main` is live: trackers read it.
    """

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Begin with an empty book."""
        self._store = alias_store(hass, entry_id)
        self.main: dict[str, str] = {}
        # From a main id to the alias that was learnt last.
        self.other: dict[str, str] = {}

    async def async_load(self) -> None:
        """Read what an earlier run learnt."""
        if stored := await self._store.async_load():
            self.main.update(stored["aliases"])
            self.other.update((main, alias) for alias, main in self.main.items())

    @callback
    def learn(self, alias: str, main: str) -> bool:
        """Remember that one id is another name for a second one."""
        if alias == main or self.main.get(alias) == main:
            return False
        if len(self.main) >= MAX_ALIASES:
            self._forget(next(iter(self.main)))
        self._forget(main)
        self.main[alias] = main
        self.other[main] = alias
        self._store.async_delay_save(self._to_store, SAVE_DELAY)
        return True

    @callback
    def learn_pairs(
        self, pairs: Mapping[str, str], chats: Iterable[str]
    ) -> list[tuple[str, str]]:
        """Remember pairs of ids; returns those that are new, as (alias, main)."""
        tracked = frozenset(chats)
        learnt: list[tuple[str, str]] = []
        for asked, other in pairs.items():
            alias, main = asked, other
            if asked in tracked or (cid.is_lid(other) and other not in tracked):
                alias, main = other, asked
            if self.learn(alias, main):
                learnt.append((alias, main))
        return learnt

    @callback
    def _forget(self, alias: str) -> None:
        main = self.main.pop(alias, None)
        if main is not None and self.other.get(main) == alias:
            del self.other[main]

    @callback
    def _to_store(self) -> StoredAliases:
        return {"aliases": self.main}
