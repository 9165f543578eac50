"""The other ids of chats and members, remembered across restarts."""

from collections.abc import Iterable, Mapping
from typing import TypedDict

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store

from ..const import DOMAIN
from ..presence import chat_id as cid

STORAGE_VERSION = 1
SAVE_DELAY = 30
# Ids that turned out to be nobody's, so that each is looked up once.
MAX_STRANGERS = 2000
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
        self._strangers: dict[str, None] = {}
        self.main: dict[str, str] = {}

    async def async_load(self) -> None:
        """Read what an earlier run learnt."""
        if stored := await self._store.async_load():
            self.main.update(stored["aliases"])

    @callback
    def learn(self, alias: str, main: str) -> bool:
        """Remember that one id is another name for a second one."""
        if alias == main or self.main.get(alias) == main:
            return False
        if len(self.main) >= MAX_ALIASES:
            self.main.pop(next(iter(self.main)))
        self.main.pop(main, None)
        self.main[alias] = main
        self._strangers.pop(alias, None)
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
    def is_stranger(self, unknown: str) -> bool:
        """Whether an id was looked up before and is nobody's."""
        return unknown in self._strangers

    @callback
    def add_stranger(self, unknown: str) -> None:
        """Remember not to look an id up again."""
        if len(self._strangers) >= MAX_STRANGERS:
            self._strangers.pop(next(iter(self._strangers)))
        self._strangers[unknown] = None

    @callback
    def welcome_strangers(self) -> None:
        """Look strangers up again: the chats that are tracked have changed."""
        self._strangers.clear()

    @callback
    def _to_store(self) -> StoredAliases:
        return {"aliases": self.main}
