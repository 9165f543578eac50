"""The other ids of chats and members, remembered across restarts."""

from collections.abc import Iterable, Mapping

from homeassistant.core import callback

from ..presence import chat_id as cid
from .store import MAX_ALIASES, InstanceStore


class AliasBook:
    """Which id is another name for which.

    The main id of a person is the one made of the phone number, unless the user
    chose the chat by its other id. `main` is live: trackers read it.
    """

    def __init__(self, store: InstanceStore) -> None:
        """Begin with what the store has kept, which is to be loaded by then."""
        self._store = store
        self.main = store.aliases
        # From a main id to the alias that was learnt last.
        self.other = {main: alias for alias, main in self.main.items()}

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
        self._store.async_changed()
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
            # Of two chats that are one person, the number's has the main id.
            is_tracked = asked in tracked
            if cid.is_lid(main) if is_tracked is (other in tracked) else is_tracked:
                alias, main = other, asked
            if self.learn(alias, main):
                learnt.append((alias, main))
        return learnt

    @callback
    def _forget(self, alias: str) -> None:
        main = self.main.pop(alias, None)
        if main is not None and self.other.get(main) == alias:
            del self.other[main]
